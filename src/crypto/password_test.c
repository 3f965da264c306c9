/* crypto/password_test.c - hashes of a low cost, so that the run is quick. */
#include "kit/kit.h"

#include "crypto/password.h"

static const struct crypto_password_cost cheap = {.memory_kib = 64, .passes = 1, .lanes = 1};

static void hash(const char *password, const struct crypto_password_cost *cost,
                 char out[CRYPTO_PASSWORD_HASH_MAX])
{
    struct kit_random r;
    struct random_source random = kit_random(&r, 7);
    assert_rc(RC_OK, crypto_password_hash(str_from(password), cost, &random, out));
}

static void test_right_and_wrong_password(void **state)
{
    (void)state;
    char text[CRYPTO_PASSWORD_HASH_MAX];
    hash("correct horse", &cheap, text);
    assert_true(str_starts(str_from(text), STR("$argon2id$v=19$m=64,t=1,p=1$")));
    assert_rc(RC_OK, crypto_password_verify(STR("correct horse"), str_from(text)));
    assert_rc(RC_DENIED, crypto_password_verify(STR("correct horsf"), str_from(text)));
    assert_rc(RC_DENIED, crypto_password_verify(STR(""), str_from(text)));
    assert_rc(RC_DENIED, crypto_password_verify((struct str){0}, str_from(text)));
}

static void test_default_cost_and_rehash(void **state)
{
    (void)state;
    char text[CRYPTO_PASSWORD_HASH_MAX];
    hash("pass", &crypto_password_cost_default, text);
    assert_true(str_starts(str_from(text), STR("$argon2id$v=19$m=19456,t=2,p=1$")));
    assert_rc(RC_OK, crypto_password_verify(STR("pass"), str_from(text)));
    assert_false(crypto_password_needs_rehash(str_from(text), &crypto_password_cost_default));
    assert_true(crypto_password_needs_rehash(str_from(text), &cheap));
    assert_true(crypto_password_needs_rehash(STR("$2b$12$abc"), &cheap));
}

static const char *const bad_hashes[] = {
    "",
    "$",
    "plain",
    "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA",
    "$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA",
    "$argon2id$v=19$m=64,t=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA",
    "$argon2id$v=19$m=64,t=1,p=1",
    "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ",
    "$argon2id$v=19$m=64,t=1,p=1$!!!!$c29tZWhhc2hzb21laGFzaA",
    "$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA",
    "$argon2id$v=19$m=64,t=4000000000,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA",
    "$argon2id$v=19$m=64,t=1,p=0$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA",
};

static void test_hashes_of_another_form_or_cost_are_malformed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_hashes / sizeof bad_hashes[0]; i++)
        assert_rc(RC_MALFORMED, crypto_password_verify(STR("x"), str_from(bad_hashes[i])));
}

static void test_bounds(void **state)
{
    (void)state;
    char text[CRYPTO_PASSWORD_HASH_MAX];
    static char big[CRYPTO_PASSWORD_MAX + 1];
    struct kit_random r;
    struct random_source random = kit_random(&r, 7);
    struct crypto_password_cost none = {0};
    memset(big, 'x', sizeof big);
    assert_rc(RC_INVALID, crypto_password_hash(STR(""), &cheap, &random, text));
    assert_rc(RC_INVALID, crypto_password_hash(STR("x"), &none, &random, text));
    assert_rc(RC_TOO_BIG, crypto_password_hash(str_of(big, sizeof big), &cheap, &random, text));
    assert_rc(RC_OK, crypto_password_hash(str_of(big, sizeof big - 1), &cheap, &random, text));
    assert_rc(RC_OK, crypto_password_verify(str_of(big, sizeof big - 1), str_from(text)));
    assert_rc(RC_DENIED, crypto_password_verify(str_of(big, sizeof big), str_from(text)));
    crypto_password_verify_nobody(STR("x"), &cheap);
    crypto_password_verify_nobody(STR(""), &cheap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_and_wrong_password),
        cmocka_unit_test(test_default_cost_and_rehash),
        cmocka_unit_test(test_hashes_of_another_form_or_cost_are_malformed),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
