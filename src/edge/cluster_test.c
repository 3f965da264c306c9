/* The cluster's document: what is read of it, and what cannot be. */
#include "kit/kit.h"

#include "edge/cluster.h"
#include "oauth/keyring.h"

#include <stdio.h>

#define JWK                                                                                        \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"s1\",\"use\":\"sig\",\"alg\":\"ES256\","          \
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                                       \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}" /* RFC 7515, A.3 */
#define TOKENS                                                                                     \
    "\"tokens\":{\"realm\":\"ccmsipline\",\"issuer\":\"https://"                                   \
    "ucm1\",\"audience\":\"sip\",\"scope\":\"sip\",\"leeway_s\":30,"                               \
    "\"longest_token_s\":86400,\"jwks\":{\"keys\":[" JWK "]}}"
#define NODE(name, priority, mra)                                                                  \
    "{\"name\":\"" name "\",\"host\":\"" name                                                      \
    ".example.com\",\"addresses\":\"\",\"priority\":" priority ",\"ports\":{\"mra\":" mra          \
    ",\"https\":8443,\"config_https\":6972}}"
#define KEY                                                                                        \
    "{\"kid\":\"e1\",\"enc\":\"A256GCM\",\"key\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"
#define FEED(nodes, tokens, keys)                                                                  \
    "{\"version\":\"v1\",\"pass\":\"p1\",\"cluster\":{\"sip_oauth_mode\":true,"                    \
    "\"refresh_login\":true,\"nodes\":[" nodes "]," tokens ",\"encryption_keys\":[" keys           \
    "],\"issuers\":[]}}"

static enum rc read(const char *json, struct arena *a, struct edge_feed *out, const char **what)
{
    struct str text = kit_guard(str_from(json));
    *out = (struct edge_feed){0};
    enum rc rc = edge_feed_read(text, a, out, what);
    kit_guard_free(text);
    return rc;
}

static void test_a_cluster_is_read_by_priority(void **state)
{
    (void)state;
    struct arena a;
    struct edge_feed feed;
    const char *what = NULL;
    arena_init(&a, NULL, 0, 1 << 20);
    assert_rc(RC_OK,
              read(FEED(NODE("ucm2", "1", "5091") "," NODE("ucm1", "0", "6091"), TOKENS, KEY), &a,
                   &feed, &what));
    assert_str("v1", feed.version);
    assert_str("p1", feed.pass);
    assert_int_equal(2, feed.cluster->node_count);
    assert_str("ucm1", feed.cluster->nodes[0].name);
    assert_str("ucm1.example.com", feed.cluster->nodes[0].host);
    assert_int_equal(6091, feed.cluster->nodes[0].mra_port);
    assert_int_equal(6972, feed.cluster->nodes[1].config_port);
    assert_true(feed.cluster->sip_oauth_mode && feed.cluster->refresh_login);
    assert_str("ccmsipline", feed.cluster->realm);
    assert_str("sip", feed.cluster->scope);
    assert_str("https://ucm1", oauth_keyring_issuer(feed.cluster->keyring));
    assert_int_equal(30, oauth_keyring_leeway_s(feed.cluster->keyring));
    struct edge_cluster *again = edge_cluster_ref(feed.cluster);
    edge_cluster_unref(feed.cluster);
    assert_str("ucm2", again->nodes[1].name);
    edge_cluster_unref(again);
    arena_fini(&a);
}

static void test_nothing_new_is_no_cluster(void **state)
{
    (void)state;
    struct arena a;
    struct edge_feed feed;
    const char *what = NULL;
    arena_init(&a, NULL, 0, 1 << 20);
    assert_rc(RC_OK, read("{\"version\":\"v1\"}", &a, &feed, &what));
    assert_null(feed.cluster);
    assert_int_equal(0, feed.pass.n);
    arena_fini(&a);
}

static void test_what_cannot_be_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *json, *what;
    } rows[] = {
        {"", "the document"},
        {"[]", "the document"},
        {"{}", "version"},
        {"{\"version\":7}", "version"},
        {FEED("", TOKENS, KEY), "nodes"},
        {FEED("{\"name\":\"x\"}", TOKENS, KEY), "nodes"},
        {FEED(NODE("ucm1", "0", "70000"), TOKENS, KEY), "mra"},
        {FEED(NODE("ucm1", "0", "-1"), TOKENS, KEY), "mra"},
        {FEED(NODE("ucm1", "0", "1"), "\"tokens\":{}", KEY), "tokens"},
        {FEED(NODE("ucm1", "0", "1"),
              "\"tokens\":{\"issuer\":\"i\",\"audience\":\"a\",\"longest_token_s\":9}", KEY),
         "jwks"},
        {FEED(NODE("ucm1", "0", "1"), TOKENS, "{\"kid\":\"e\",\"enc\":\"A256GCM\",\"key\":\"AA\"}"),
         "encryption_keys"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        struct edge_feed feed;
        const char *what = "";
        arena_init(&a, NULL, 0, 1 << 20);
        assert_rc(RC_MALFORMED, read(rows[i].json, &a, &feed, &what));
        assert_string_equal(rows[i].what, what);
        arena_fini(&a);
    }
}

static void test_equal_keys_are_known_as_equal(void **state)
{
    (void)state;
    static const char *const texts[] = {FEED(NODE("ucm1", "0", "1"), TOKENS, KEY),
                                        FEED(NODE("ucm1", "0", "2"), TOKENS, KEY),
                                        FEED(NODE("ucm1", "0", "1"), TOKENS, "")};
    uint8_t ids[3][32];
    for (size_t i = 0; i < 3; i++) {
        struct arena a;
        struct edge_feed feed;
        const char *what = NULL;
        arena_init(&a, NULL, 0, 1 << 20);
        assert_rc(RC_OK, read(texts[i], &a, &feed, &what));
        memcpy(ids[i], feed.cluster->keys_id, sizeof ids[i]);
        edge_cluster_unref(feed.cluster);
        arena_fini(&a);
    }
    assert_memory_equal(ids[0], ids[1], 32);
    assert_memory_not_equal(ids[0], ids[2], 32);
}

static void test_a_key_of_a_newer_version_is_passed_over(void **state)
{
    (void)state;
    struct arena a;
    struct edge_feed feed;
    const char *what = NULL;
    arena_init(&a, NULL, 0, 1 << 20);
    assert_rc(RC_OK, read(FEED(NODE("ucm1", "0", "1"), TOKENS,
                               KEY ",{\"kid\":\"e2\",\"enc\":\"XC20P\",\"key\":\"AA\"}"),
                          &a, &feed, &what));
    edge_cluster_unref(feed.cluster);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cluster_is_read_by_priority),
        cmocka_unit_test(test_nothing_new_is_no_cluster),
        cmocka_unit_test(test_what_cannot_be_is_named),
        cmocka_unit_test(test_equal_keys_are_known_as_equal),
        cmocka_unit_test(test_a_key_of_a_newer_version_is_passed_over),
    };
    return cmocka_run_group_tests_name("edge/cluster", tests, NULL, NULL);
}
