/* What an inner edge follows: who may read it, what is in it, when it is said again. */
#include "admin/bed.h"

#include "base/base64.h"
#include <jansson.h>
#include <stdio.h>

#define EDGE_USER "edge:edge secret 1"

static const struct store_by by_test = {.who = STR_INIT("system"), .from = STR_INIT("test")};

static int setup(void **state)
{
    struct str answer;
    if (bed_setup(state) != 0) return -1;
    struct bed *b = *state;
    struct store_key key = {.kid = STR("kid-e"),
                            .use = STORE_KEY_ENCRYPTION,
                            .state = STORE_KEY_CURRENT,
                            .alg = STR("A256GCM"),
                            .secret_text = STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
                            .created_s = 1};
    assert_rc(RC_OK, store_key_put(b->store, &by_test, STORE_ADD, &key, &b->why));
    assert_int_equal(201,
                     bed_ask(b, "POST", "users",
                             "{\"id\":\"edge\",\"roles\":[\"axl\"],\"password\":\"edge secret 1\"}",
                             &answer));
    assert_int_equal(
        201,
        bed_ask(b, "POST", "users",
                "{\"id\":\"rado\",\"roles\":[\"user\"],\"password\":\"rado secret 1\"}", &answer));
    return 0;
}

static int ask_pass(struct bed *b, const char *path, const char *pass, json_t **out)
{
    char url[512], value[512];
    struct http_answer a;
    snprintf(value, sizeof value, "Bearer %s", pass);
    struct http_client_header header = {STR("Authorization"), str_from(value)};
    snprintf(url, sizeof url, "http://127.0.0.1:%u/api/v1/%s", b->server.port, path);
    struct http_call call = {.url = str_from(url), .headers = &header, .header_count = 1};
    http_fetch(&call, &b->arena, &a);
    assert_int_equal(HTTP_FAIL_NONE, a.failure);
    *out = json_loadb(a.body.p, a.body.n, 0, NULL);
    return a.status;
}

static const char *text(json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));
    if (!s) fail_msg("no text %s", name);
    return s;
}

static json_t *first_answer(struct bed *b)
{
    struct str answer;
    assert_int_equal(200, bed_ask_basic(b, "edge/cluster", EDGE_USER, &answer));
    json_t *o = json_loadb(answer.p, answer.n, 0, NULL);
    assert_non_null(o);
    return o;
}

static void test_only_who_may_use_axl_reads_it(void **state)
{
    struct bed *b = *state;
    struct str answer;
    assert_int_equal(401, bed_ask_basic(b, "edge/cluster", NULL, &answer));
    assert_int_equal(401, bed_ask_basic(b, "edge/cluster", "edge:wrong", &answer));
    assert_int_equal(403, bed_ask_basic(b, "edge/cluster", "rado:rado secret 1", &answer));
    assert_int_equal(200, bed_ask_basic(b, "edge/cluster", EDGE_USER, &answer));
}

static void test_it_holds_nodes_settings_and_keys(void **state)
{
    struct bed *b = *state;
    json_t *o = first_answer(b), *cluster = json_object_get(o, "cluster");
    json_t *node = json_array_get(json_object_get(cluster, "nodes"), 0);
    assert_string_equal("ucm1", text(node, "name"));
    assert_string_equal("ucm1.example.com", text(node, "host"));
    assert_int_equal(5091,
                     json_integer_value(json_object_get(json_object_get(node, "ports"), "mra")));
    assert_true(json_is_false(json_object_get(cluster, "sip_oauth_mode")));
    json_t *tokens = json_object_get(cluster, "tokens");
    assert_string_equal("https://ucm1.example.com", text(tokens, "issuer"));
    json_t *jwk = json_array_get(json_object_get(json_object_get(tokens, "jwks"), "keys"), 0);
    assert_string_equal("kid-s", text(jwk, "kid"));
    assert_null(json_object_get(jwk, "d"));
    json_t *key = json_array_get(json_object_get(cluster, "encryption_keys"), 0);
    assert_string_equal("kid-e", text(key, "kid"));
    assert_string_equal("A256GCM", text(key, "enc"));
    assert_string_equal("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", text(key, "key"));
    json_decref(o);
}

static void test_it_is_said_again_only_when_it_has_changed(void **state)
{
    struct bed *b = *state;
    struct str answer;
    char path[128];
    json_t *o = first_answer(b), *again;
    snprintf(path, sizeof path, "edge/cluster?after=%s", text(o, "version"));
    assert_int_equal(200, ask_pass(b, path, text(o, "pass"), &again));
    assert_string_equal(text(o, "version"), text(again, "version"));
    assert_null(json_object_get(again, "cluster"));
    assert_null(json_object_get(again, "pass")); /* a pass makes no other pass */
    json_decref(again);
    assert_int_equal(200,
                     bed_ask(b, "PATCH", "nodes/ucm1", "{\"sip_mra_oauth_port\":6091}", &answer));
    assert_int_equal(200, ask_pass(b, path, text(o, "pass"), &again));
    json_t *node = json_array_get(json_object_get(json_object_get(again, "cluster"), "nodes"), 0);
    assert_int_equal(6091,
                     json_integer_value(json_object_get(json_object_get(node, "ports"), "mra")));
    json_decref(again);
    json_decref(o);
}

static void refused(struct bed *b, const char *pass)
{
    json_t *o;
    assert_int_equal(401, ask_pass(b, "edge/cluster", pass, &o));
    assert_string_equal("unauthenticated", text(o, "error"));
    json_decref(o);
}

static void test_a_pass_ends_with_its_hour_and_with_any_change_of_its_user(void **state)
{
    struct bed *b = *state;
    struct str answer;
    char forged[512];
    json_t *o = first_answer(b), *again;
    const char *pass = text(o, "pass");
    refused(b, "x");
    snprintf(forged, sizeof forged, "%s", pass);
    forged[2] = forged[2] == 'A' ? 'B' : 'A';
    refused(b, forged);
    kit_time_pass(&b->now, 3599 * 1000);
    assert_int_equal(200, ask_pass(b, "edge/cluster", pass, &again));
    json_decref(again);
    assert_int_equal(200, bed_ask(b, "PATCH", "users/edge", "{\"active\":false}", &answer));
    refused(b, pass);
    assert_int_equal(200, bed_ask(b, "PATCH", "users/edge", "{\"active\":true}", &answer));
    refused(b, pass);
    json_decref(o);
    o = first_answer(b);
    kit_time_pass(&b->now, 3600 * 1000);
    refused(b, text(o, "pass"));
    json_decref(o);
}

static void said(struct bed *b, const char *part)
{
    struct str answer;
    assert_int_equal(200, bed_ask(b, "GET", "diagnose", "", &answer));
    if (str_find(answer, str_from(part)) == STR_NPOS) fail_msg("%.*s", STR_ARG(answer));
}

static void test_who_follows_is_shown_and_a_difference_named_until_it_is_silent(void **state)
{
    struct bed *b = *state;
    struct str answer;
    assert_int_equal(200,
                     bed_ask_basic(b, "edge/cluster?edge=exp-c&refresh=1", EDGE_USER, &answer));
    said(b, "\"Edge exp-c\"");
    said(b, "configuration mismatch: OAuth with Refresh Login Flow is disabled here");
    assert_int_equal(
        200, bed_ask(b, "PATCH", "params/OAuthRefreshLoginFlow", "{\"value\":\"1\"}", &answer));
    said(b, "follows this cluster");
    assert_int_equal(200,
                     bed_ask_basic(b, "edge/cluster?edge=exp-c&refresh=0", EDGE_USER, &answer));
    said(b, "param set EdgeAuthorizeByTokenWithRefresh 1");
    kit_time_pass(&b->now, 3600 * 1000 + 1);
    assert_int_equal(200, bed_ask(b, "GET", "diagnose", "", &answer));
    assert_int_equal(STR_NPOS, str_find(answer, STR("exp-c")));
}

static void test_more_edges_than_there_are_rows_push_out_the_silent(void **state)
{
    struct bed *b = *state;
    json_t *o = first_answer(b), *again;
    char path[64];
    for (int i = 0; i < 70; i++) {
        snprintf(path, sizeof path, "edge/cluster?edge=exp-%d&refresh=0", i);
        kit_time_pass(&b->now, 1);
        assert_int_equal(200, ask_pass(b, path, text(o, "pass"), &again));
        json_decref(again);
    }
    json_decref(o);
    said(b, "\"Edge exp-69\"");
    struct str answer;
    assert_int_equal(200, bed_ask(b, "GET", "diagnose", "", &answer));
    assert_int_equal(STR_NPOS, str_find(answer, STR("\"Edge exp-5\"")));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, bed_teardown)
    const struct CMUnitTest tests[] = {
        T(test_only_who_may_use_axl_reads_it),
        T(test_it_holds_nodes_settings_and_keys),
        T(test_it_is_said_again_only_when_it_has_changed),
        T(test_a_pass_ends_with_its_hour_and_with_any_change_of_its_user),
        T(test_who_follows_is_shown_and_a_difference_named_until_it_is_silent),
        T(test_more_edges_than_there_are_rows_push_out_the_silent),
    };
    return cmocka_run_group_tests_name("admin/edgefeed", tests, NULL, NULL);
}
