/* crypto/secret_test.c - owned secrets, comparison, the system's randomness. */
#include "kit/kit.h"

#include "crypto/random.h"
#include "crypto/secret.h"

static void test_secret_copies_and_empties(void **state)
{
    (void)state;
    char from[] = "open sesame";
    struct secret s = {0};
    assert_rc(RC_OK, secret_init(&s, str_bytes(str_from(from))));
    from[0] = 'O';
    assert_string_equal("open sesame", (const char *)s.p);
    assert_int_equal(11, s.n);
    secret_fini(&s);
    assert_null(s.p);
    assert_int_equal(0, s.n);
    secret_fini(&s);
}

static void test_empty_secret(void **state)
{
    (void)state;
    struct secret s;
    assert_rc(RC_OK, secret_init(&s, bytes_of(NULL, 0)));
    assert_int_equal(0, secret_bytes(&s).n);
    secret_fini(&s);
}

static void test_random_secrets_differ(void **state)
{
    (void)state;
    struct random_source random = crypto_random_system();
    struct secret a, b;
    assert_rc(RC_OK, secret_init_random(&a, &random, 32));
    assert_rc(RC_OK, secret_init_random(&b, &random, 32));
    assert_false(crypto_equal(secret_bytes(&a), secret_bytes(&b)));
    secret_fini(&a);
    secret_fini(&b);
}

static void test_equal(void **state)
{
    (void)state;
    struct bytes abc = str_bytes(STR("abc"));
    assert_true(crypto_equal(abc, str_bytes(STR("abc"))));
    assert_false(crypto_equal(abc, str_bytes(STR("abd"))));
    assert_false(crypto_equal(abc, str_bytes(STR("ab"))));
    assert_true(crypto_equal(bytes_of(NULL, 0), bytes_of("", 0)));
}

static void test_wipe(void **state)
{
    (void)state;
    uint8_t p[32];
    memset(p, 7, sizeof p);
    crypto_wipe(p, sizeof p - 1);
    for (size_t i = 0; i < sizeof p - 1; i++)
        assert_int_equal(0, p[i]);
    assert_int_equal(7, p[sizeof p - 1]);
}

static void make_secrets(void *ctx)
{
    (void)ctx;
    struct kit_random r;
    struct random_source random = kit_random(&r, 1);
    struct secret s = {0};
    enum rc rc = secret_init_random(&s, &random, 16);
    assert_true(rc == RC_OK || (rc == RC_NOMEM && !s.p));
    secret_fini(&s);
}

static void test_out_of_memory_is_said(void **state)
{
    (void)state;
    kit_each_alloc_fails(make_secrets, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secret_copies_and_empties),
        cmocka_unit_test(test_empty_secret),
        cmocka_unit_test(test_random_secrets_differ),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_wipe),
        cmocka_unit_test(test_out_of_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
