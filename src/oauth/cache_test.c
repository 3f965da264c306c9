/* oauth/cache_test.c - what is remembered, for how long, and what goes first. */
#include "kit/kit.h"

#include "oauth/cache.h"

static const int64_t now = 1767225600;

static void digest_of(unsigned i, uint8_t out[CRYPTO_SHA256_LEN])
{
    assert_rc(RC_OK, crypto_sha256(bytes_of(&i, sizeof i), out));
}

static struct oauth_claims claims_of(const char *user, const char *gid)
{
    return (struct oauth_claims){
        .issuer = STR("https://node1.example.com"),
        .user = str_from(user),
        .subject = str_from(user),
        .client_id = STR("C1b4b988f3efa1c3fc97d0d0a36f6b97f244b4fafe55e8d9d78774e305bae9ab1"),
        .scope = STR("openid sip"),
        .jti = STR("b991221f-f42e-4e52-8871-c876e635dd5b"),
        .gid = str_from(gid),
        .device = STR("CSFalice"),
        .issued_unix_s = now,
        .expires_unix_s = now + 3600};
}

static bool has(struct oauth_cache *c, unsigned i, uint64_t generation, int64_t at)
{
    uint8_t digest[CRYPTO_SHA256_LEN];
    struct oauth_claims out;
    struct arena a;
    digest_of(i, digest);
    arena_init(&a, NULL, 0, 4096);
    bool found = oauth_cache_find(c, digest, generation, at, 30, &a, &out);
    arena_fini(&a);
    return found;
}

static void put(struct oauth_cache *c, unsigned i, uint64_t generation, const char *user,
                const char *gid)
{
    uint8_t digest[CRYPTO_SHA256_LEN];
    struct oauth_claims claims = claims_of(user, gid);
    digest_of(i, digest);
    oauth_cache_put(c, digest, generation, &claims);
}

static struct oauth_cache *new_cache(size_t capacity)
{
    struct oauth_cache *c = NULL;
    assert_rc(RC_OK, oauth_cache_new(capacity, &c));
    return c;
}

static void test_claims_come_back_whole(void **state)
{
    (void)state;
    struct oauth_cache *c = new_cache(100);
    struct oauth_claims want = claims_of("alice", "g1"), got;
    uint8_t digest[CRYPTO_SHA256_LEN];
    struct arena a;
    want.issuer_kind = OAUTH_ISSUER_FOREIGN;
    digest_of(1, digest);
    arena_init(&a, NULL, 0, 4096);
    for (int round = 0; round < 3; round++) {
        if (round == 1) want.subject = STR("8d0d");
        if (round == 2) want.subject = STR("");
        oauth_cache_put(c, digest, 1, &want);
        assert_true(oauth_cache_find(c, digest, 1, now, 0, &a, &got));
        assert_int_equal(want.issuer_kind, got.issuer_kind);
        assert_true(str_eq(want.issuer, got.issuer) && str_eq(want.user, got.user));
        assert_true(str_eq(want.subject, got.subject) && str_eq(want.client_id, got.client_id));
        assert_true(str_eq(want.scope, got.scope) && str_eq(want.jti, got.jti));
        assert_true(str_eq(want.gid, got.gid) && str_eq(want.device, got.device));
        assert_int_equal(want.issued_unix_s, got.issued_unix_s);
        assert_int_equal(want.expires_unix_s, got.expires_unix_s);
    }
    assert_int_equal(1, oauth_cache_stats(c).count);
    arena_fini(&a);
    oauth_cache_free(c);
}

static void test_an_entry_dies_with_its_token(void **state)
{
    (void)state;
    struct oauth_cache *c = new_cache(100);
    put(c, 1, 1, "alice", "g");
    assert_true(has(c, 1, 1, now + 3600 + 29));
    assert_false(has(c, 1, 1, now + 3600 + 30));
    assert_int_equal(0, oauth_cache_stats(c).count); /* and its memory goes */
    assert_false(has(c, 1, 1, now));
    oauth_cache_free(c);
}

static void test_an_entry_dies_with_its_keys(void **state)
{
    (void)state;
    struct oauth_cache *c = new_cache(100);
    put(c, 1, 2, "alice", "g");
    assert_false(has(c, 1, 1, now)); /* a reader of old keys: not this one, but it stays */
    assert_true(has(c, 1, 2, now));
    put(c, 1, 1, "mallory", "g"); /* verified late, with old keys */
    assert_true(has(c, 1, 2, now));
    assert_false(has(c, 1, 3, now));
    assert_int_equal(0, oauth_cache_stats(c).count);
    oauth_cache_free(c);
}

static void test_by_grant_user_and_all(void **state)
{
    (void)state;
    struct oauth_cache *c = new_cache(1000);
    for (unsigned i = 0; i < 300; i++)
        put(c, i, 1, i % 3 ? "alice" : "Bob", i % 2 ? "g1" : "");
    assert_int_equal(0, oauth_cache_drop_grant(c, STR("")));
    assert_int_equal(150, oauth_cache_drop_grant(c, STR("g1")));
    assert_int_equal(50, oauth_cache_drop_user(c, STR("bOB")));
    assert_false(has(c, 0, 1, now));
    assert_true(has(c, 2, 1, now));
    assert_int_equal(100, oauth_cache_drop_all(c));
    assert_int_equal(0, oauth_cache_stats(c).bytes);
    oauth_cache_free(c);
}

static void test_full_cache_drops_what_was_used_longest_ago(void **state)
{
    (void)state;
    enum { ROOM = 1600 };
    struct oauth_cache *c = new_cache(ROOM);
    put(c, 0, 1, "alice", "g");
    for (unsigned i = 1; i < 20 * ROOM; i++) {
        put(c, i, 1, "alice", "g");
        if (i % 10 == 0) assert_true(has(c, 0, 1, now)); /* in use: stays */
    }
    struct oauth_cache_stats stats = oauth_cache_stats(c);
    assert_true(stats.count >= ROOM && stats.count < 2 * ROOM);
    assert_int_equal(20 * ROOM - stats.count, stats.evictions);
    assert_true(has(c, 0, 1, now));
    assert_false(has(c, 1, 1, now));
    assert_true(has(c, 20 * ROOM - 1, 1, now));
    oauth_cache_free(c);
}

static void test_entries_are_small(void **state)
{
    (void)state;
    struct oauth_cache *c = new_cache(10);
    put(c, 1, 1, "alice", "4be3a8f2-1f1b-4f2f-9f4e-5d0f2d1b3c11");
    assert_true(oauth_cache_stats(c).bytes <= 300);
    oauth_cache_free(c);
}

static void test_bounds(void **state)
{
    (void)state;
    struct oauth_cache *c = NULL;
    assert_rc(RC_INVALID, oauth_cache_new(0, &c));
    assert_rc(RC_INVALID, oauth_cache_new((1 << 24) + 1, &c));
    assert_null(oauth_cache_free(NULL));
    c = new_cache(1);
    put(c, 1, 1, "alice", "g");
    uint8_t digest[CRYPTO_SHA256_LEN];
    struct oauth_claims out;
    struct arena a;
    digest_of(1, digest);
    arena_init(&a, NULL, 0, 0); /* no room for the claims: as if it were not there */
    assert_false(oauth_cache_find(c, digest, 1, now, 0, &a, &out));
    arena_fini(&a);
    oauth_cache_free(c);
}

static void use(void *ctx)
{
    (void)ctx;
    struct oauth_cache *c = NULL;
    enum rc rc = oauth_cache_new(10, &c);
    assert_true(rc == RC_OK || rc == RC_NOMEM);
    if (!c) return;
    struct oauth_claims claims = claims_of("alice", "g");
    uint8_t digest[CRYPTO_SHA256_LEN] = {1};
    oauth_cache_put(c, digest, 1, &claims);
    (void)has(c, 1, 1, now);
    oauth_cache_free(c);
}

static void test_out_of_memory_forgets(void **state)
{
    (void)state;
    kit_each_alloc_fails(use, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claims_come_back_whole),
        cmocka_unit_test(test_an_entry_dies_with_its_token),
        cmocka_unit_test(test_an_entry_dies_with_its_keys),
        cmocka_unit_test(test_by_grant_user_and_all),
        cmocka_unit_test(test_full_cache_drops_what_was_used_longest_ago),
        cmocka_unit_test(test_entries_are_small),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_out_of_memory_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
