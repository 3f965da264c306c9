/* oauth/verify_test.c - keyring, cache and revocations together, also under many threads. */
#include "oauth/fixture_int.h"

#include "oauth/verify.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static struct oauth_verifier *new_verifier(void)
{
    struct oauth_verifier_settings settings = {.cache_capacity = 1000, .revoked_capacity = 100};
    struct oauth_verifier *v = NULL;
    assert_rc(RC_OK, oauth_verifier_new(&settings, fixture_keyring(&own_spec), &v));
    return v;
}

static enum oauth_reason ask(struct oauth_verifier *v, struct str token, int64_t at)
{
    enum oauth_reason reason;
    struct oauth_claims c;
    struct arena a;
    arena_init(&a, NULL, 0, 1 << 18);
    enum rc rc = oauth_verify(v, token, at, &a, &c, &reason);
    assert_rc(oauth_reason_rc(reason), rc);
    if (rc == RC_OK) assert_str("alice", c.user);
    arena_fini(&a);
    return reason;
}

static void test_second_time_comes_from_the_cache(void **state)
{
    (void)state;
    struct oauth_verifier *v = new_verifier();
    struct oauth_claims c = fixture_claims();
    struct str token = fixture_token(OAUTH_FORMAT_NESTED, KEY_EC, &c);
    assert_int_equal(OAUTH_OK, ask(v, token, now));
    assert_int_equal(0, oauth_verifier_cache_stats(v).hits);
    assert_int_equal(OAUTH_OK, ask(v, token, now + 3629));
    assert_int_equal(1, oauth_verifier_cache_stats(v).hits);
    assert_int_equal(OAUTH_EXPIRED, ask(v, token, now + 3630));
    assert_int_equal(2, oauth_verifier_reason_count(v, OAUTH_OK));
    assert_int_equal(1, oauth_verifier_reason_count(v, OAUTH_EXPIRED));
    assert_int_equal(0, oauth_verifier_cache_stats(v).count);
    oauth_verifier_free(v);
}

static void test_refused_tokens_are_not_remembered(void **state)
{
    (void)state;
    struct oauth_verifier *v = new_verifier();
    assert_int_equal(OAUTH_MALFORMED, ask(v, STR("a.b.c"), now));
    assert_int_equal(OAUTH_MALFORMED, ask(v, STR(""), now));
    assert_int_equal(0, oauth_verifier_cache_stats(v).count);
    static char big[OAUTH_TOKEN_MAX + 1];
    assert_int_equal(OAUTH_TOO_BIG, ask(v, str_of(big, sizeof big), now));
    oauth_verifier_free(v);
}

static void test_revocations_hit_cached_and_new_tokens(void **state)
{
    (void)state;
    struct oauth_verifier *v = new_verifier();
    struct oauth_claims c = fixture_claims(), other = c, later = c;
    enum oauth_reason reason;
    other.gid = STR("another-grant");
    later.gid = STR("another-grant");
    later.issued_unix_s = now + 11;
    struct str cached = fixture_token(OAUTH_FORMAT_NESTED, KEY_EC, &c),
               fresh = fixture_token(OAUTH_FORMAT_SIGNED, KEY_EC, &c),
               spared = fixture_token(OAUTH_FORMAT_SIGNED, KEY_EC, &other),
               renewed = fixture_token(OAUTH_FORMAT_SIGNED, KEY_EC, &later);
    assert_int_equal(OAUTH_OK, ask(v, cached, now));
    c.user = STR("alice");
    assert_rc(RC_OK, oauth_verify_again(v, &c, now, &reason));
    oauth_verifier_revoke_grant(v, c.gid, now + 5);
    assert_int_equal(OAUTH_REVOKED, ask(v, cached, now + 5));
    assert_int_equal(OAUTH_REVOKED, ask(v, fresh, now + 5));
    assert_int_equal(OAUTH_REVOKED, ask(v, fresh, now + 5)); /* cached by now, and still refused */
    assert_int_equal(OAUTH_OK, ask(v, spared, now + 5));
    assert_rc(RC_DENIED, oauth_verify_again(v, &c, now + 5, &reason));
    assert_int_equal(OAUTH_REVOKED, reason);
    oauth_verifier_revoke_user(v, STR("ALICE"), now + 10);
    assert_int_equal(OAUTH_REVOKED, ask(v, spared, now + 10));
    assert_int_equal(OAUTH_OK, ask(v, renewed, now + 11)); /* signed in again */
    assert_rc(RC_EXPIRED, oauth_verify_again(v, &c, now + 3630, &reason));
    oauth_verifier_free(v);
}

static void test_new_keys_end_what_old_keys_verified(void **state)
{
    (void)state;
    struct oauth_verifier *v = new_verifier();
    struct oauth_claims c = fixture_claims();
    struct str token = fixture_token(OAUTH_FORMAT_SIGNED, KEY_OLD, &c);
    struct oauth_keyring *k;
    assert_int_equal(OAUTH_OK, ask(v, token, now));
    assert_int_equal(1, oauth_verifier_generation(v));
    assert_rc(RC_OK, oauth_keyring_new(&own_spec, &k)); /* without own-old */
    assert_rc(RC_OK, oauth_keyring_add_signing_key(k, keys[KEY_EC].kid, keys[KEY_EC].key));
    oauth_verifier_set_keyring(v, k);
    assert_int_equal(2, oauth_verifier_generation(v));
    assert_int_equal(OAUTH_UNKNOWN_KEY, ask(v, token, now));
    oauth_verifier_set_keyring(v, fixture_keyring(&own_spec));
    assert_int_equal(OAUTH_OK, ask(v, token, now));
    const struct oauth_keyring *present = oauth_verifier_keyring_ref(v);
    assert_int_equal(3, oauth_keyring_generation(present));
    oauth_keyring_unref(present);
    oauth_verifier_free(v);
}

enum { THREAD_COUNT = 4, TOKEN_COUNT = 24, ROUND_COUNT = 400, SWAP_COUNT = 20 };

struct crowd {
    struct oauth_verifier *v;
    struct str tokens[TOKEN_COUNT];
    atomic_uint ok, refused;
    pthread_barrier_t start;
};

static void *ask_often(void *ctx)
{
    struct crowd *crowd = ctx;
    char block[4096];
    pthread_barrier_wait(&crowd->start);
    for (unsigned i = 0; i < ROUND_COUNT; i++) {
        enum oauth_reason reason;
        struct oauth_claims c;
        struct arena a;
        arena_init(&a, block, sizeof block, 1 << 18);
        enum rc rc = oauth_verify(crowd->v, crowd->tokens[i % TOKEN_COUNT], now + 1, &a, &c,
                                  &reason);
        if (rc == RC_OK ? !str_eq(c.user, STR("alice")) : reason != OAUTH_REVOKED) abort();
        atomic_fetch_add(rc == RC_OK ? &crowd->ok : &crowd->refused, 1);
        arena_fini(&a);
    }
    return NULL;
}

/* Under the thread sanitizer this shows that cache, revocations and key swaps share correctly. */
static void test_many_threads_with_swaps_and_revocations(void **state)
{
    (void)state;
    struct crowd crowd = {.v = new_verifier()};
    pthread_t threads[THREAD_COUNT];
    char gids[TOKEN_COUNT][8];
    for (int i = 0; i < TOKEN_COUNT; i++) {
        struct oauth_claims c = fixture_claims();
        snprintf(gids[i], sizeof gids[i], "g%d", i);
        c.gid = str_from(gids[i]);
        crowd.tokens[i] = fixture_token(OAUTH_FORMAT_SIGNED, i % 2 ? KEY_EC : KEY_RSA, &c);
    }
    pthread_barrier_init(&crowd.start, NULL, THREAD_COUNT + 1);
    for (int i = 0; i < THREAD_COUNT; i++)
        assert_int_equal(0, pthread_create(&threads[i], NULL, ask_often, &crowd));
    pthread_barrier_wait(&crowd.start);
    for (int i = 0; i < SWAP_COUNT; i++) {
        oauth_verifier_set_keyring(crowd.v, fixture_keyring(&own_spec));
        if (i < 4) oauth_verifier_revoke_grant(crowd.v, str_from(gids[i]), now);
        (void)oauth_verifier_cache_stats(crowd.v);
    }
    for (int i = 0; i < THREAD_COUNT; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(THREAD_COUNT * ROUND_COUNT, crowd.ok + crowd.refused);
    for (int i = 0; i < TOKEN_COUNT; i++)
        assert_int_equal(i < 4 ? OAUTH_REVOKED : OAUTH_OK, ask(crowd.v, crowd.tokens[i], now + 1));
    pthread_barrier_destroy(&crowd.start);
    oauth_verifier_free(crowd.v);
}

static void verify_some(void *ctx)
{
    const struct str *token = ctx;
    struct oauth_verifier_settings settings = {.cache_capacity = 10};
    struct oauth_keyring *k = NULL;
    struct oauth_verifier *v = NULL;
    enum oauth_reason reason;
    struct oauth_claims c;
    struct arena a;
    arena_init(&a, NULL, 0, 1 << 18);
    enum rc rc = fixture_try_keyring(&own_spec, &k);
    if (rc == RC_OK && (rc = oauth_verifier_new(&settings, k, &v)) != RC_OK) oauth_keyring_unref(k);
    if (rc == RC_OK) rc = oauth_verify(v, *token, now, &a, &c, &reason);
    assert_true(rc == RC_OK || rc == RC_NOMEM);
    oauth_verifier_free(v);
    arena_fini(&a);
}

static void test_out_of_memory_is_said(void **state)
{
    (void)state;
    struct oauth_claims c = fixture_claims();
    struct str token = fixture_token(OAUTH_FORMAT_NESTED, KEY_EC, &c);
    kit_each_alloc_fails(verify_some, &token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_time_comes_from_the_cache),
        cmocka_unit_test(test_refused_tokens_are_not_remembered),
        cmocka_unit_test(test_revocations_hit_cached_and_new_tokens),
        cmocka_unit_test(test_new_keys_end_what_old_keys_verified),
        cmocka_unit_test(test_many_threads_with_swaps_and_revocations),
        cmocka_unit_test(test_out_of_memory_is_said),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
