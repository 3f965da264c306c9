/* oauth/keyring_test.c - specs outside their rules, counting, and swapping under readers. */
#include "oauth/fixture_int.h"

#include <pthread.h>
#include <stdio.h>

static void test_own_specs(void **state)
{
    (void)state;
    struct oauth_keyring *k = NULL;
    for (int i = 0; i < 9; i++) {
        struct oauth_own_spec s = own_spec;
        if (i == 0) s.issuer = STR("");
        if (i == 1) s.audience = STR("");
        if (i == 2) s.accept = 0;
        if (i == 3) s.accept = 8;
        if (i == 4) s.leeway_s = -1;
        if (i == 5) s.leeway_s = OAUTH_LEEWAY_MAX_S + 1;
        if (i == 6) s.longest_token_s = 0;
        if (i == 7) s.scope = STR("two words");
        if (i == 8) s.issuer = STR("\xff");
        assert_rc(RC_INVALID, oauth_keyring_new(&s, &k));
    }
    assert_null(k);
}

static void test_issuer_specs(void **state)
{
    (void)state;
    struct oauth_keyring *k = fixture_keyring(&own_spec);
    struct buf jwk;
    size_t skipped;
    buf_init(&jwk, 4096);
    jose_key_print(&jwk, &keys[KEY_FOREIGN_RSA]);
    const struct oauth_issuer_spec good = {.issuer = STR("https://b.example"),
                                           .audience = STR("phones"),
                                           .user_claim = STR("sub"),
                                           .jwks = buf_str(&jwk),
                                           .rs256 = true};
    struct oauth_issuer_spec s = good;
    s.issuer = own_spec.issuer; /* nobody else speaks for us */
    assert_rc(RC_EXISTS, oauth_keyring_add_issuer(k, &s, &skipped));
    s.issuer = STR("https://idp.example.org/realm");
    assert_rc(RC_EXISTS, oauth_keyring_add_issuer(k, &s, &skipped));
    s = good, s.audience = STR("");
    assert_rc(RC_INVALID, oauth_keyring_add_issuer(k, &s, &skipped));
    s = good, s.user_claim = STR("");
    assert_rc(RC_INVALID, oauth_keyring_add_issuer(k, &s, &skipped));
    s = good, s.rs256 = false;
    assert_rc(RC_INVALID, oauth_keyring_add_issuer(k, &s, &skipped));
    s = good, s.rs256 = false, s.es256 = true; /* its keys are all RSA */
    assert_rc(RC_INVALID, oauth_keyring_add_issuer(k, &s, &skipped));
    s = good, s.jwks = STR("{\"keys\":[]}");
    assert_rc(RC_INVALID, oauth_keyring_add_issuer(k, &s, &skipped));
    s = good, s.jwks = STR("<html>");
    assert_rc(RC_MALFORMED, oauth_keyring_add_issuer(k, &s, &skipped));
    assert_rc(RC_OK, oauth_keyring_add_issuer(k, &good, &skipped));
    assert_int_equal(0, skipped);
    char name[32];
    for (int i = 2; i < OAUTH_ISSUER_MAX; i++) {
        snprintf(name, sizeof name, "https://%d.example", i);
        s = good, s.issuer = str_from(name);
        assert_rc(RC_OK, oauth_keyring_add_issuer(k, &s, &skipped));
    }
    s.issuer = STR("https://one.too.many");
    assert_rc(RC_TOO_BIG, oauth_keyring_add_issuer(k, &s, &skipped));
    oauth_keyring_unref(k);
    buf_fini(&jwk);
}

static void test_keys_twice_and_without_a_name(void **state)
{
    (void)state;
    struct oauth_keyring *k = fixture_keyring(&own_spec);
    struct buf b;
    assert_rc(RC_EXISTS, oauth_keyring_add_signing_key(k, STR("own-ec"), keys[KEY_OLD].key));
    assert_rc(RC_INVALID, oauth_keyring_add_signing_key(k, STR(""), keys[KEY_OLD].key));
    assert_rc(RC_EXISTS, oauth_keyring_add_encryption_key(k, gcm_key));
    buf_init(&b, 65536);
    oauth_keyring_print_jwks(&b, k);
    assert_true(str_find(buf_str(&b), STR("\"kid\":\"own-old\"")) >= 0);
    assert_int_equal(STR_NPOS, str_find(buf_str(&b), STR("\"d\"")));
    buf_fini(&b);
    assert_true(str_eq(own_spec.issuer, oauth_keyring_issuer(k)));
    assert_true(str_eq(own_spec.audience, oauth_keyring_audience(k)));
    oauth_keyring_unref(k);
    assert_null(oauth_keyring_unref(NULL));
}

static void test_a_reader_keeps_the_keyring_it_has(void **state)
{
    (void)state;
    struct oauth_keyring_holder *h;
    assert_rc(RC_OK, oauth_keyring_holder_new(fixture_keyring(&own_spec), &h));
    const struct oauth_keyring *first = oauth_keyring_holder_ref(h);
    assert_int_equal(1, oauth_keyring_generation(first));
    oauth_keyring_holder_swap(h, fixture_keyring(&own_spec));
    assert_int_equal(2, oauth_keyring_holder_generation(h));
    const struct oauth_keyring *second = oauth_keyring_holder_ref(h);
    assert_int_equal(2, oauth_keyring_generation(second));
    oauth_keyring_holder_free(h);
    assert_true(str_eq(own_spec.issuer, oauth_keyring_issuer(first)));
    oauth_keyring_unref(first);
    oauth_keyring_unref(second);
    assert_null(oauth_keyring_holder_free(NULL));
}

enum { SWAP_COUNT = 200, READER_COUNT = 3 };

struct readers {
    struct oauth_keyring_holder *holder;
    pthread_barrier_t start;
};

static void *read_often(void *ctx)
{
    struct readers *r = ctx;
    uint64_t last = 0;
    pthread_barrier_wait(&r->start);
    while (last <= SWAP_COUNT) {
        const struct oauth_keyring *k = oauth_keyring_holder_ref(r->holder);
        uint64_t generation = oauth_keyring_generation(k);
        if (generation < last || !str_eq(own_spec.issuer, oauth_keyring_issuer(k))) abort();
        last = generation;
        oauth_keyring_unref(k);
    }
    return NULL;
}

static void test_swapping_under_readers(void **state)
{
    (void)state;
    struct readers r;
    pthread_t threads[READER_COUNT];
    struct oauth_keyring *k;
    assert_rc(RC_OK, oauth_keyring_new(&own_spec, &k));
    assert_rc(RC_OK, oauth_keyring_holder_new(k, &r.holder));
    pthread_barrier_init(&r.start, NULL, READER_COUNT + 1);
    for (int i = 0; i < READER_COUNT; i++)
        assert_int_equal(0, pthread_create(&threads[i], NULL, read_often, &r));
    pthread_barrier_wait(&r.start);
    for (int i = 0; i < SWAP_COUNT; i++) {
        assert_rc(RC_OK, oauth_keyring_new(&own_spec, &k));
        oauth_keyring_holder_swap(r.holder, k);
    }
    for (int i = 0; i < READER_COUNT; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&r.start);
    oauth_keyring_holder_free(r.holder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_specs),
        cmocka_unit_test(test_issuer_specs),
        cmocka_unit_test(test_keys_twice_and_without_a_name),
        cmocka_unit_test(test_a_reader_keeps_the_keyring_it_has),
        cmocka_unit_test(test_swapping_under_readers),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
