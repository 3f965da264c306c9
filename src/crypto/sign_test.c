/* crypto/sign_test.c - keys made, printed, read, and what they sign. */
#include "kit/kit.h"

#include "crypto/sign.h"

static struct crypto_key *keys[2]; /* EC, RSA: made once, RSA is slow to make */

static int make_keys(void **state)
{
    (void)state;
    return crypto_key_generate(CRYPTO_KEY_EC_P256, &keys[0]) != RC_OK ||
           crypto_key_generate(CRYPTO_KEY_RSA, &keys[1]) != RC_OK;
}

static int drop_keys(void **state)
{
    (void)state;
    keys[0] = crypto_key_unref(keys[0]);
    keys[1] = crypto_key_unref(keys[1]);
    return 0;
}

static const struct bytes data = {(const uint8_t *)"the phone speaks", 16};

static void test_sign_and_verify(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        uint8_t sig[CRYPTO_SIGNATURE_MAX];
        size_t n;
        for (int round = 0; round < 20; round++) {
            assert_rc(RC_OK, crypto_sign(keys[i], data, sig, &n));
            assert_int_equal(i == 0 ? 64 : 256, n);
            assert_rc(RC_OK, crypto_verify(keys[i], data, bytes_of(sig, n)));
        }
        assert_rc(RC_DENIED, crypto_verify(keys[i], str_bytes(STR("other")), bytes_of(sig, n)));
        assert_rc(RC_DENIED, crypto_verify(keys[1 - i], data, bytes_of(sig, n)));
        assert_rc(RC_DENIED, crypto_verify(keys[i], data, bytes_of(sig, n - 1)));
        assert_rc(RC_DENIED, crypto_verify(keys[i], data, bytes_of(NULL, 0)));
        for (size_t at = 0; at < n; at += 7) {
            sig[at] ^= 1;
            assert_rc(RC_DENIED, crypto_verify(keys[i], data, bytes_of(sig, n)));
            sig[at] ^= 1;
        }
    }
}

/* r = s = 0, and values at and over the group's order, must not verify anything. */
static void test_extreme_ec_signatures(void **state)
{
    (void)state;
    uint8_t sig[64];
    for (int fill = 0; fill < 256; fill += 0xff) {
        memset(sig, fill, sizeof sig);
        assert_rc(RC_DENIED, crypto_verify(keys[0], data, bytes_of(sig, sizeof sig)));
    }
    memset(sig, 0, sizeof sig);
    sig[31] = sig[63] = 1;
    assert_rc(RC_DENIED, crypto_verify(keys[0], data, bytes_of(sig, sizeof sig)));
}

static void test_pem_round_trip(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct secret pem = {0};
        struct buf public_pem;
        struct crypto_key *private_key = NULL, *public_key = NULL;
        uint8_t sig[CRYPTO_SIGNATURE_MAX];
        size_t n;
        buf_init(&public_pem, CRYPTO_PEM_MAX);
        assert_rc(RC_OK, crypto_key_print_private_pem(keys[i], &pem));
        assert_rc(RC_OK, crypto_key_parse_pem(bytes_str(secret_bytes(&pem)), &private_key));
        crypto_key_print_public_pem(keys[i], &public_pem);
        assert_rc(RC_OK, buf_rc(&public_pem));
        assert_rc(RC_OK, crypto_key_parse_pem(buf_str(&public_pem), &public_key));
        assert_true(crypto_key_is_private(private_key));
        assert_false(crypto_key_is_private(public_key));
        assert_true(crypto_key_equal(private_key, public_key));
        assert_false(crypto_key_equal(keys[1 - i], public_key));
        assert_rc(RC_OK, crypto_sign(private_key, data, sig, &n));
        assert_rc(RC_OK, crypto_verify(public_key, data, bytes_of(sig, n)));
        assert_rc(RC_INVALID, crypto_sign(public_key, data, sig, &n));
        struct secret none = {0};
        assert_rc(RC_INVALID, crypto_key_print_private_pem(public_key, &none));
        crypto_key_unref(private_key);
        crypto_key_unref(public_key);
        secret_fini(&pem);
        buf_fini(&public_pem);
    }
}

static void test_public_numbers_round_trip(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct crypto_public numbers;
        struct crypto_key *key = NULL;
        assert_rc(RC_OK, crypto_key_get_public(keys[i], &numbers));
        assert_int_equal(crypto_key_type(keys[i]), numbers.type);
        assert_rc(RC_OK, crypto_key_new_public(&numbers, &key));
        assert_true(crypto_key_equal(key, keys[i]));
        assert_int_equal(crypto_key_bits(keys[i]), crypto_key_bits(key));
        crypto_key_unref(key);
    }
}

static void test_weak_numbers_are_refused(void **state)
{
    (void)state;
    struct crypto_public ec, rsa, p;
    struct crypto_key *key = NULL;
    assert_rc(RC_OK, crypto_key_get_public(keys[0], &ec));
    assert_rc(RC_OK, crypto_key_get_public(keys[1], &rsa));
    p = ec;
    p.y[31] ^= 1; /* off the curve */
    assert_rc(RC_INVALID, crypto_key_new_public(&p, &key));
    memset(p.x, 0, 32);
    memset(p.y, 0, 32);
    assert_rc(RC_INVALID, crypto_key_new_public(&p, &key));
    p = rsa;
    p.n_len = 128; /* 1024 bits */
    p.n[127] |= 1;
    assert_rc(RC_INVALID, crypto_key_new_public(&p, &key));
    p = rsa;
    p.n[p.n_len - 1] &= 0xfe; /* even */
    assert_rc(RC_INVALID, crypto_key_new_public(&p, &key));
    p = rsa;
    p.e[0] = 1, p.e_len = 1; /* any message is its own signature */
    assert_rc(RC_INVALID, crypto_key_new_public(&p, &key));
    p.e_len = 0;
    assert_rc(RC_INVALID, crypto_key_new_public(&p, &key));
    p = rsa;
    p.n_len = 0;
    assert_rc(RC_INVALID, crypto_key_new_public(&p, &key));
    p.n_len = sizeof p.n + 1;
    assert_rc(RC_INVALID, crypto_key_new_public(&p, &key));
}

static const struct {
    const char *pem;
    enum rc rc;
} bad_pems[] = {
    {"", RC_MALFORMED},
    {"hello", RC_MALFORMED},
    {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", RC_MALFORMED},
    {"-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n", RC_MALFORMED},
    {/* Ed25519 of RFC 8410, 10.1 */
     "-----BEGIN PUBLIC KEY-----\n"
     "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
     "-----END PUBLIC KEY-----\n",
     RC_UNSUPPORTED},
};

static void test_bad_pem(void **state)
{
    (void)state;
    struct crypto_key *key = NULL;
    for (size_t i = 0; i < sizeof bad_pems / sizeof bad_pems[0]; i++)
        assert_rc(bad_pems[i].rc, crypto_key_parse_pem(str_from(bad_pems[i].pem), &key));
    char *big = calloc(1, CRYPTO_PEM_MAX + 1);
    assert_rc(RC_TOO_BIG, crypto_key_parse_pem(str_of(big, CRYPTO_PEM_MAX + 1), &key));
    free(big);
    assert_null(key);
}

static void test_counting(void **state)
{
    (void)state;
    struct crypto_key *k = crypto_key_ref(keys[0]);
    assert_ptr_equal(k, keys[0]);
    assert_null(crypto_key_unref(k));
    assert_int_equal(256, crypto_key_bits(keys[0]));
    assert_int_equal(2048, crypto_key_bits(keys[1]));
    assert_null(crypto_key_unref(NULL));
}

static void make(void *ctx)
{
    (void)ctx;
    struct crypto_key *key = NULL;
    struct secret pem = {0};
    struct buf b;
    buf_init(&b, CRYPTO_PEM_MAX);
    enum rc rc = crypto_key_generate(CRYPTO_KEY_EC_P256, &key);
    assert_true(rc == RC_OK || rc == RC_NOMEM);
    if (key) {
        rc = crypto_key_print_private_pem(key, &pem);
        assert_true(rc == RC_OK || rc == RC_NOMEM);
        crypto_key_print_public_pem(key, &b);
    }
    buf_fini(&b);
    secret_fini(&pem);
    crypto_key_unref(key);
}

static void test_out_of_memory_is_said(void **state)
{
    (void)state;
    kit_each_alloc_fails(make, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sign_and_verify),
        cmocka_unit_test(test_extreme_ec_signatures),
        cmocka_unit_test(test_pem_round_trip),
        cmocka_unit_test(test_public_numbers_round_trip),
        cmocka_unit_test(test_weak_numbers_are_refused),
        cmocka_unit_test(test_bad_pem),
        cmocka_unit_test(test_counting),
        cmocka_unit_test(test_out_of_memory_is_said),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
