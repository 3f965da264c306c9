#include "kit/kit.h"

#include "call/digest.h"

static const char key_text[] = "0123456789abcdef0123456789abcdef";

static struct bytes key(void)
{
    return bytes_of(key_text, 32);
}

static struct str nonce_of(char *out, size_t cap, int64_t now, struct str source)
{
    struct buf b;
    buf_init_fixed(&b, out, cap);
    call_nonce_print(&b, key(), now, source, 7);
    assert_rc(RC_OK, buf_rc(&b));
    return buf_str(&b);
}

static void test_a_nonce_is_good_for_its_time_and_its_source(void **state)
{
    (void)state;
    char text[CALL_NONCE_LEN];
    struct str n = nonce_of(text, sizeof text, 1000, STR("192.0.2.1"));
    assert_rc(RC_OK, call_nonce_check(n, key(), 1000, 600, STR("192.0.2.1")));
    assert_rc(RC_OK, call_nonce_check(n, key(), 1600, 600, STR("192.0.2.1")));
    assert_rc(RC_EXPIRED, call_nonce_check(n, key(), 1601, 600, STR("192.0.2.1")));
    assert_rc(RC_EXPIRED, call_nonce_check(n, key(), 999, 600, STR("192.0.2.1")));
    assert_rc(RC_DENIED, call_nonce_check(n, key(), 1000, 600, STR("192.0.2.2")));
    struct bytes other = bytes_of("0123456789abcdef0123456789abcdeX", 32);
    assert_rc(RC_DENIED, call_nonce_check(n, other, 1000, 600, STR("192.0.2.1")));
}

static void test_two_nonces_of_one_second_differ(void **state)
{
    (void)state;
    char one[CALL_NONCE_LEN], two[CALL_NONCE_LEN];
    struct str a = nonce_of(one, sizeof one, 1000, STR("192.0.2.1"));
    struct buf b;
    buf_init_fixed(&b, two, sizeof two);
    call_nonce_print(&b, key(), 1000, STR("192.0.2.1"), 8);
    assert_false(str_eq(a, buf_str(&b)));
    assert_rc(RC_OK, call_nonce_check(buf_str(&b), key(), 1000, 600, STR("192.0.2.1")));
}

static void test_a_changed_or_foreign_nonce_is_refused(void **state)
{
    (void)state;
    char text[CALL_NONCE_LEN];
    struct str n = nonce_of(text, sizeof text, 1000, STR("192.0.2.1"));
    for (size_t i = 0; i < n.n; i++) {
        char before = text[i];
        text[i] = before == 'A' ? 'B' : 'A';
        assert_rc(RC_DENIED, call_nonce_check(n, key(), 1000, 600, STR("192.0.2.1")));
        text[i] = before;
    }
    assert_rc(RC_DENIED, call_nonce_check(STR(""), key(), 1000, 600, STR("192.0.2.1")));
    assert_rc(RC_DENIED, call_nonce_check(STR("dcd98b7102dd2f0e8b11d0f600bfb0c093"), key(), 1000,
                                          600, STR("192.0.2.1")));
}

/* RFC 7616, 3.9.1: Mufasa, realm http-auth@example.org, password "Circle of Life". HA1 computed
 * from those by hand with sha256sum and md5sum. */
static const struct call_ha1 mufasa = {
    .md5 = STR_INIT("3d78807defe7de2157e2b0b6573a855f"),
    .sha256 = STR_INIT("7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"),
};

static struct sip_digest rfc7616(struct str algorithm, struct str response)
{
    return (struct sip_digest){
        .username = STR("Mufasa"),
        .realm = STR("http-auth@example.org"),
        .uri = STR("/dir/index.html"),
        .algorithm = algorithm,
        .nonce = STR("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"),
        .nc = STR("00000001"),
        .cnonce = STR("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"),
        .qop = STR("auth"),
        .response = response,
    };
}

static void test_rfc_7616_example_both_methods(void **state)
{
    (void)state;
    struct sip_digest d = rfc7616(STR("MD5"), STR("8ca523f5e9506fed4657c9700eebdbec"));
    assert_rc(RC_OK, call_digest_check(&d, STR("GET"), &mufasa));
    d = rfc7616(STR("SHA-256"),
                STR("753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"));
    assert_rc(RC_OK, call_digest_check(&d, STR("GET"), &mufasa));
    assert_rc(RC_DENIED, call_digest_check(&d, STR("POST"), &mufasa));
    d.nc = STR("00000002");
    assert_rc(RC_DENIED, call_digest_check(&d, STR("GET"), &mufasa));
}

static void test_what_was_not_offered_or_is_missing(void **state)
{
    (void)state;
    struct sip_digest d = rfc7616(STR("SHA-512-256"), STR("00"));
    assert_rc(RC_UNSUPPORTED, call_digest_check(&d, STR("GET"), &mufasa));
    d = rfc7616(STR("MD5"), STR("8ca523f5e9506fed4657c9700eebdbec"));
    d.qop = STR("auth-int");
    assert_rc(RC_UNSUPPORTED, call_digest_check(&d, STR("GET"), &mufasa));
    d = rfc7616(STR("MD5"), STR(""));
    assert_rc(RC_INVALID, call_digest_check(&d, STR("GET"), &mufasa));
    d = rfc7616(STR("MD5"), STR("8ca523f5e9506fed4657c9700eebdbec"));
    d.cnonce = STR("");
    assert_rc(RC_INVALID, call_digest_check(&d, STR("GET"), &mufasa));
    struct call_ha1 none = {0};
    d = rfc7616(STR("MD5"), STR("8ca523f5e9506fed4657c9700eebdbec"));
    assert_rc(RC_UNSUPPORTED, call_digest_check(&d, STR("GET"), &none));
}

static void test_nonce_count(void **state)
{
    (void)state;
    uint32_t nc;
    struct sip_digest d = rfc7616(STR("MD5"), STR("x"));
    assert_rc(RC_OK, call_digest_nc(&d, &nc));
    assert_int_equal(1, nc);
    d.nc = STR("0000002a");
    assert_rc(RC_OK, call_digest_nc(&d, &nc));
    assert_int_equal(42, nc);
    d.nc = STR("1");
    assert_rc(RC_INVALID, call_digest_nc(&d, &nc));
    d.nc = STR("0000000g");
    assert_rc(RC_INVALID, call_digest_nc(&d, &nc));
    d.qop = STR("");
    assert_rc(RC_OK, call_digest_nc(&d, &nc));
    assert_int_equal(0, nc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_nonce_is_good_for_its_time_and_its_source),
        cmocka_unit_test(test_two_nonces_of_one_second_differ),
        cmocka_unit_test(test_a_changed_or_foreign_nonce_is_refused),
        cmocka_unit_test(test_rfc_7616_example_both_methods),
        cmocka_unit_test(test_what_was_not_offered_or_is_missing),
        cmocka_unit_test(test_nonce_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
