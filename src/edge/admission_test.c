/* Who may go further in: tokens, connections that have shown one, challenges, and what ends them. */
#include "kit/kit.h"

#include "crypto/random.h"
#include "edge/admission.h"
#include "oauth/keyring.h"
#include "oauth/mint.h"

#include <stdio.h>

enum { LINK = 0xaa, OTHER_LINK = 0xbb };

struct side {
    struct crypto_key *key;
    struct edge_cluster *cluster;
    char kid[8], issuer[64];
};

struct world {
    struct kit_time now;
    struct kit_random dice;
    struct random_source random;
    struct clock clock;
    struct side a, b;
    struct edge_admission *adm;
    struct arena arena;
    struct sip_message message;
    struct sip_basics basics;
    struct buf headers;
    struct edge_admit_decision d;
    char token[8192];
};

static void side_init(struct side *s, const char *name)
{
    snprintf(s->kid, sizeof s->kid, "k%s", name);
    snprintf(s->issuer, sizeof s->issuer, "https://%s", name);
    struct oauth_own_spec own = {.issuer = str_from(s->issuer),
                                 .audience = STR("sip"),
                                 .accept = OAUTH_FORMAT_ANY,
                                 .longest_token_s = 86400};
    struct oauth_keyring *ring;
    assert_rc(RC_OK, oauth_keyring_new(&own, &ring));
    assert_rc(RC_OK, crypto_key_generate(CRYPTO_KEY_EC_P256, &s->key));
    assert_rc(RC_OK, oauth_keyring_add_signing_key(ring, str_from(s->kid), s->key));
    s->cluster = calloc(1, sizeof *s->cluster);
    atomic_init(&s->cluster->refs, 1);
    arena_init(&s->cluster->text, NULL, 0, 1024);
    s->cluster->keyring = ring;
    s->cluster->realm = STR("ccmsipline");
    s->cluster->scope = STR("sip");
    memset(s->cluster->keys_id, name[0], sizeof s->cluster->keys_id);
}

static void set_clusters(struct world *w, struct side *one, struct side *two)
{
    struct edge_cluster *all[2] = {one ? one->cluster : NULL, two ? two->cluster : NULL};
    edge_admission_set_clusters(w->adm, all, one ? two ? 2 : 1 : 0);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->clock = kit_clock(&w->now);
    w->random = kit_random(&w->dice, 5);
    side_init(&w->a, "a");
    side_init(&w->b, "b");
    arena_init(&w->arena, NULL, 0, 8 << 20);
    buf_init(&w->headers, 8192);
    struct edge_admission_config c = {.clock = w->clock,
                                      .random = w->random,
                                      .max = 3,
                                      .authz_server = STR("https://exp-e.example.com:8443")};
    *state = w;
    if (edge_admission_new(&c, &w->adm) != RC_OK) return -1;
    set_clusters(w, &w->a, &w->b);
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    edge_admission_free(w->adm);
    edge_cluster_unref(w->a.cluster);
    edge_cluster_unref(w->b.cluster);
    crypto_key_unref(w->a.key);
    crypto_key_unref(w->b.key);
    arena_fini(&w->arena);
    buf_fini(&w->headers);
    free(w);
    return 0;
}

/* A token of that side for user, good for so many seconds. */
static const char *token_of(struct world *w, const struct side *s, const char *user, int64_t life_s)
{
    struct buf out;
    struct random_source random = crypto_random_system();
    int64_t now_s = clock_unix_s(&w->clock);
    struct oauth_mint mint = {
        .format = OAUTH_FORMAT_SIGNED,
        .signing = {.kid = str_from(s->kid), .alg = jose_key_alg(s->key), .key = s->key},
        .random = &random,
        .audience = STR("sip")};
    struct oauth_claims claims = {.issuer = str_from(s->issuer),
                                  .user = str_from(user),
                                  .subject = str_from(user),
                                  .client_id = STR("phone"),
                                  .jti = STR("1"),
                                  .issued_unix_s = now_s,
                                  .expires_unix_s = now_s + life_s};
    buf_init(&out, sizeof w->token);
    assert_rc(RC_OK, oauth_mint_print(&out, &mint, &claims));
    snprintf(w->token, sizeof w->token, "%s", buf_cstr(&out));
    buf_fini(&out);
    return w->token;
}

static enum edge_admit ask(struct world *w, uint64_t link, const char *name, const char *method,
                           const char *more)
{
    static char text[16384];
    struct sip_verdict v;
    struct str copy;
    snprintf(text, sizeof text,
             "%s sip:example.com SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bKx\r\n"
             "From: <sip:1010@example.com>;tag=f\r\nTo: <sip:1010@example.com>\r\nCall-ID: c\r\n"
             "CSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n",
             method, method, more);
    assert_rc(RC_OK, arena_str_dup(&w->arena, str_from(text), &copy));
    assert_rc(RC_OK, sip_message_parse(copy, SIP_STREAM, &w->message, NULL));
    sip_validate(&w->message, SIP_STREAM, &w->basics, &v);
    assert_int_equal(SIP_ACCEPT, v.action);
    buf_reset(&w->headers);
    w->d = edge_admission_ask(w->adm, link, str_from(name), &w->message, &w->basics, &w->arena,
                              &w->headers);
    return w->d.verdict;
}

static enum edge_admit ask_with(struct world *w, uint64_t link, const char *name, const char *token)
{
    char line[9000];
    snprintf(line, sizeof line, "Proxy-Authorization: Bearer token=\"%s\"\r\n", token);
    return ask(w, link, name, "REGISTER", line);
}

#define CISCO "Contact: <sip:u@h>;+u.sip!devicename.ccm.cisco.com=\"CSFrado\"\r\n"

static void test_a_stranger_is_challenged_in_his_dialect(void **state)
{
    struct world *w = *state;
    assert_int_equal(EDGE_CHALLENGED, ask(w, LINK, "f1", "REGISTER", CISCO));
    assert_int_equal(407, w->d.status);
    assert_str("Proxy-Authenticate: Bearer realm=\"ccmsipline\"\r\n", buf_str(&w->headers));
    assert_int_equal(EDGE_CHALLENGED, ask(w, LINK, "f1", "INVITE", ""));
    assert_int_equal(401, w->d.status);
    assert_str("WWW-Authenticate: Bearer realm=\"ccmsipline\", scope=\"sip\", "
               "authz_server=\"https://exp-e.example.com:8443\"\r\n",
               buf_str(&w->headers));
    assert_int_equal(EDGE_NOT_HEARD, ask(w, LINK, "f1", "ACK", ""));
    assert_int_equal(EDGE_NOT_HEARD, ask(w, LINK, "f1", "CANCEL", ""));
    assert_int_equal(0, edge_admission_count(w->adm));
}

static void test_a_token_opens_its_connection_and_no_other(void **state)
{
    struct world *w = *state;
    assert_int_equal(EDGE_ADMITTED, ask_with(w, LINK, "f1", token_of(w, &w->b, "rado", 60)));
    assert_str("rado", w->d.user);
    assert_int_equal(1, w->d.cluster);
    assert_int_equal(EDGE_ADMITTED, ask(w, LINK, "f1", "ACK", ""));
    assert_int_equal(EDGE_ADMITTED, ask(w, LINK, "f1", "INVITE", ""));
    assert_str("rado", w->d.user);
    assert_int_equal(EDGE_CHALLENGED, ask(w, LINK, "f2", "INVITE", ""));
    assert_int_equal(EDGE_CHALLENGED, ask(w, OTHER_LINK, "f1", "INVITE", ""));
    /* A connection without a name is not remembered. */
    assert_int_equal(EDGE_ADMITTED, ask_with(w, LINK, "", token_of(w, &w->a, "anna", 60)));
    assert_int_equal(EDGE_CHALLENGED, ask(w, LINK, "", "INVITE", ""));
    assert_int_equal(1, edge_admission_count(w->adm));
}

static void test_a_bad_token_is_named_and_ends_what_was_shown_before(void **state)
{
    struct world *w = *state;
    static char forged[8192];
    assert_int_equal(EDGE_ADMITTED, ask_with(w, LINK, "f1", token_of(w, &w->a, "rado", 60)));
    snprintf(forged, sizeof forged, "%s", token_of(w, &w->a, "rado", 60));
    size_t n = strlen(forged);
    forged[n - 10] = forged[n - 10] == 'A' ? 'B' : 'A';
    assert_int_equal(EDGE_CHALLENGED, ask_with(w, LINK, "f1", forged));
    assert_int_equal(OAUTH_BAD_SIGNATURE, w->d.reason);
    assert_non_null(strstr(buf_cstr(&w->headers), "error=\"invalid_token\""));
    assert_int_equal(EDGE_CHALLENGED, ask(w, LINK, "f1", "INVITE", ""));
    assert_int_equal(EDGE_CHALLENGED, ask_with(w, LINK, "f1", "x"));
    assert_int_equal(EDGE_CHALLENGED,
                     ask(w, LINK, "f1", "INVITE", "Authorization: Bearer token=\"a b\"\r\n"));
    assert_int_equal(OAUTH_MALFORMED, w->d.reason);
}

static void test_it_holds_until_its_time_is_over(void **state)
{
    struct world *w = *state;
    assert_int_equal(EDGE_ADMITTED, ask_with(w, LINK, "f1", token_of(w, &w->a, "rado", 60)));
    kit_time_pass(&w->now, 59 * 1000);
    assert_int_equal(EDGE_ADMITTED, ask(w, LINK, "f1", "BYE", ""));
    kit_time_pass(&w->now, 1000);
    assert_int_equal(EDGE_CHALLENGED, ask(w, LINK, "f1", "BYE", ""));
    assert_int_equal(EDGE_CHALLENGED, ask_with(w, LINK, "f1", w->token));
    assert_int_equal(OAUTH_EXPIRED, w->d.reason);
}

static void test_other_keys_end_what_was_admitted_and_a_new_port_does_not(void **state)
{
    struct world *w = *state;
    assert_int_equal(EDGE_ADMITTED, ask_with(w, LINK, "f1", token_of(w, &w->a, "rado", 60)));
    set_clusters(w, &w->b, &w->a); /* the same keys, in another order */
    assert_int_equal(EDGE_ADMITTED, ask(w, LINK, "f1", "BYE", ""));
    assert_int_equal(1, w->d.cluster);
    set_clusters(w, &w->b, NULL);
    assert_int_equal(EDGE_CHALLENGED, ask(w, LINK, "f1", "BYE", ""));
    set_clusters(w, NULL, NULL);
    assert_int_equal(EDGE_CHALLENGED, ask_with(w, LINK, "f1", w->token));
}

static void test_a_link_takes_its_connections_with_it(void **state)
{
    struct world *w = *state;
    token_of(w, &w->a, "rado", 60);
    assert_int_equal(EDGE_ADMITTED, ask_with(w, LINK, "f1", w->token));
    assert_int_equal(EDGE_ADMITTED, ask_with(w, OTHER_LINK, "f1", w->token));
    edge_admission_link_closed(w->adm, LINK);
    assert_int_equal(1, edge_admission_count(w->adm));
    assert_int_equal(EDGE_CHALLENGED, ask(w, LINK, "f1", "BYE", ""));
    assert_int_equal(EDGE_ADMITTED, ask(w, OTHER_LINK, "f1", "BYE", ""));
}

static void test_who_was_heard_least_lately_gives_way(void **state)
{
    struct world *w = *state;
    token_of(w, &w->a, "rado", 60);
    assert_int_equal(EDGE_ADMITTED, ask_with(w, LINK, "f1", w->token));
    assert_int_equal(EDGE_ADMITTED, ask_with(w, LINK, "f2", w->token));
    assert_int_equal(EDGE_ADMITTED, ask_with(w, LINK, "f3", w->token));
    assert_int_equal(EDGE_ADMITTED, ask(w, LINK, "f1", "BYE", ""));
    assert_int_equal(EDGE_ADMITTED, ask_with(w, LINK, "f4", w->token));
    assert_int_equal(3, edge_admission_count(w->adm));
    assert_int_equal(EDGE_ADMITTED, ask(w, LINK, "f1", "BYE", ""));
    assert_int_equal(EDGE_CHALLENGED, ask(w, LINK, "f2", "BYE", ""));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_a_stranger_is_challenged_in_his_dialect),
        T(test_a_token_opens_its_connection_and_no_other),
        T(test_a_bad_token_is_named_and_ends_what_was_shown_before),
        T(test_it_holds_until_its_time_is_over),
        T(test_other_keys_end_what_was_admitted_and_a_new_port_does_not),
        T(test_a_link_takes_its_connections_with_it),
        T(test_who_was_heard_least_lately_gives_way),
    };
    return cmocka_run_group_tests_name("edge/admission", tests, NULL, NULL);
}
