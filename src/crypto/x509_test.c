/* crypto/x509_test.c - a CA, its leaves, reading them, and who is trusted when. */
#include "kit/kit.h"

#include "crypto/x509.h"

enum { DAY_S = 86400 };
static const int64_t start = 1767225600; /* 2026-01-01 */

static struct crypto_key *ca_key, *ec_key, *rsa_key;
static struct buf ca;
static struct random_source random_source;
static struct kit_random random_state;

static const struct str dns[] = {STR_INIT("node1.example.com"), STR_INIT("*.voice.example.com")};
static const struct crypto_cert_ip ips[] = {{{127, 0, 0, 1}, 4},
                                            {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 16}};

static struct crypto_cert_spec ca_spec(void)
{
    return (struct crypto_cert_spec){.common_name = STR("Bearline private CA"),
                                     .organization = STR("Example, Inc."),
                                     .not_before_unix_s = start,
                                     .not_after_unix_s = start + 3650LL * DAY_S};
}

static struct crypto_cert_spec leaf_spec(void)
{
    return (struct crypto_cert_spec){.common_name = STR("node1.example.com"),
                                     .dns = dns,
                                     .dns_count = 2,
                                     .ips = ips,
                                     .ip_count = 2,
                                     .not_before_unix_s = start,
                                     .not_after_unix_s = start + 365 * DAY_S,
                                     .server = true};
}

static int setup(void **state)
{
    (void)state;
    struct crypto_cert_spec spec = ca_spec();
    random_source = kit_random(&random_state, 3);
    buf_init(&ca, 65536);
    return crypto_key_generate(CRYPTO_KEY_EC_P256, &ca_key) != RC_OK ||
           crypto_key_generate(CRYPTO_KEY_EC_P256, &ec_key) != RC_OK ||
           crypto_key_generate(CRYPTO_KEY_RSA, &rsa_key) != RC_OK ||
           crypto_ca_issue(ca_key, &spec, &random_source, &ca) != RC_OK;
}

static int teardown(void **state)
{
    (void)state;
    buf_fini(&ca);
    crypto_key_unref(ca_key);
    crypto_key_unref(ec_key);
    crypto_key_unref(rsa_key);
    return 0;
}

static void issue(struct crypto_key *key, const struct crypto_cert_spec *spec, struct buf *pem)
{
    buf_init(pem, 65536);
    assert_rc(RC_OK, crypto_cert_issue(buf_str(&ca), ca_key, key, spec, &random_source, pem));
}

static void test_ca_reads_back(void **state)
{
    (void)state;
    struct arena a;
    struct crypto_cert_info *info;
    size_t count;
    arena_init(&a, NULL, 0, 1 << 20);
    assert_rc(RC_OK, crypto_cert_read(buf_str(&ca), &a, &info, &count));
    assert_int_equal(1, count);
    assert_str("CN=Bearline private CA,O=Example\\, Inc.", info->subject);
    assert_str("Bearline private CA", info->common_name);
    assert_true(str_eq(info->subject, info->issuer));
    assert_true(info->is_ca && info->is_self_issued);
    assert_string_equal("EC P-256", info->key_type);
    assert_int_equal(start, info->not_before_unix_s);
    assert_int_equal(start + 3650LL * DAY_S, info->not_after_unix_s);
    assert_true(str_eq(info->pem, buf_str(&ca)));
    assert_rc(RC_OK, crypto_cert_check_key(buf_str(&ca), ca_key));
    assert_rc(RC_DENIED, crypto_cert_check_key(buf_str(&ca), ec_key));
    arena_fini(&a);
}

static void test_leaves_of_both_kinds(void **state)
{
    (void)state;
    struct crypto_key *keys[] = {ec_key, rsa_key};
    struct crypto_cert_spec spec = leaf_spec();
    struct str serials[2];
    struct arena a;
    arena_init(&a, NULL, 0, 1 << 20);
    for (int i = 0; i < 2; i++) {
        struct buf pem;
        struct crypto_cert_info *info;
        size_t count;
        const char *why = NULL;
        issue(keys[i], &spec, &pem);
        assert_rc(RC_OK, crypto_cert_read(buf_str(&pem), &a, &info, &count));
        assert_string_equal(i == 0 ? "EC P-256" : "RSA", info->key_type);
        assert_int_equal(i == 0 ? 256 : 2048, info->key_bits);
        assert_false(info->is_ca || info->is_self_issued);
        assert_int_equal(2, info->dns_count);
        assert_str("node1.example.com", info->dns[0]);
        assert_int_equal(2, info->ip_count);
        assert_memory_equal(ips[0].addr, info->ips[0].addr, 4);
        assert_int_equal(16, info->ips[1].n);
        serials[i] = info->serial;
        assert_int_equal(32, info->serial.n);
        assert_rc(RC_OK, crypto_cert_check_key(buf_str(&pem), keys[i]));
        assert_rc(RC_OK, crypto_cert_verify(buf_str(&pem), buf_str(&ca), start + 1,
                                            CRYPTO_CERT_SERVER, &why));
        assert_rc(RC_DENIED, crypto_cert_verify(buf_str(&pem), buf_str(&ca), start + 1,
                                                CRYPTO_CERT_CLIENT, &why));
        assert_non_null(why);
        buf_fini(&pem);
    }
    assert_false(str_eq(serials[0], serials[1]));
    arena_fini(&a);
}

static void test_times(void **state)
{
    (void)state;
    struct crypto_cert_spec spec = leaf_spec();
    struct buf pem;
    const char *why = NULL;
    issue(ec_key, &spec, &pem);
    assert_rc(RC_EXPIRED, crypto_cert_verify(buf_str(&pem), buf_str(&ca), start - 1,
                                             CRYPTO_CERT_ANY_USE, &why));
    assert_rc(RC_EXPIRED, crypto_cert_verify(buf_str(&pem), buf_str(&ca), start + 366 * DAY_S,
                                             CRYPTO_CERT_ANY_USE, &why));
    assert_string_equal("certificate has expired", why);
    buf_fini(&pem);
}

static void test_another_ca_of_the_same_name_is_not_trusted(void **state)
{
    (void)state;
    struct crypto_cert_spec spec = ca_spec(), leaf = leaf_spec();
    struct buf other, pem;
    const char *why = NULL;
    buf_init(&other, 65536);
    assert_rc(RC_OK, crypto_ca_issue(ec_key, &spec, &random_source, &other));
    issue(ec_key, &leaf, &pem);
    assert_rc(RC_DENIED, crypto_cert_verify(buf_str(&pem), buf_str(&other), start + 1,
                                            CRYPTO_CERT_ANY_USE, &why));
    /* ... but beside the right one it does no harm. */
    buf_put_str(&other, buf_str(&ca));
    assert_rc(RC_OK, crypto_cert_verify(buf_str(&pem), buf_str(&other), start + 1,
                                        CRYPTO_CERT_ANY_USE, &why));
    /* The CA's key must be the CA's, and a leaf is no CA. */
    buf_reset(&other);
    assert_rc(RC_DENIED,
              crypto_cert_issue(buf_str(&ca), ec_key, ec_key, &leaf, &random_source, &other));
    assert_rc(RC_DENIED,
              crypto_cert_issue(buf_str(&pem), ec_key, ec_key, &leaf, &random_source, &other));
    buf_fini(&pem);
    buf_fini(&other);
}

static const struct {
    const char *host;
    enum rc rc;
} hosts[] = {
    {"node1.example.com", RC_OK},
    {"NODE1.example.com", RC_OK},
    {"node2.example.com", RC_DENIED},
    {"a.voice.example.com", RC_OK},
    {"a.b.voice.example.com", RC_DENIED},
    {"voice.example.com", RC_DENIED},
    {"127.0.0.1", RC_OK},
    {"127.0.0.2", RC_DENIED},
    {"::1", RC_OK},
    {"", RC_DENIED},
};

static void test_host_names(void **state)
{
    (void)state;
    struct crypto_cert_spec spec = leaf_spec();
    struct buf pem;
    issue(ec_key, &spec, &pem);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        assert_rc(hosts[i].rc, crypto_cert_check_host(buf_str(&pem), str_from(hosts[i].host)));
    buf_fini(&pem);
}

static void test_specs_outside_the_rules(void **state)
{
    (void)state;
    static const struct str bad[] = {STR_INIT("a b"), STR_INIT(""), STR_INIT("*."),
                                     STR_INIT("a,DNS:b"), STR_INIT("a.*.b")};
    struct buf pem;
    buf_init(&pem, 65536);
    struct crypto_cert_spec s = leaf_spec();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        s.dns = &bad[i];
        s.dns_count = 1;
        assert_rc(RC_INVALID,
                  crypto_cert_issue(buf_str(&ca), ca_key, ec_key, &s, &random_source, &pem));
    }
    s = leaf_spec();
    s.common_name = STR("");
    assert_rc(RC_INVALID,
              crypto_cert_issue(buf_str(&ca), ca_key, ec_key, &s, &random_source, &pem));
    s = leaf_spec();
    s.not_after_unix_s = s.not_before_unix_s;
    assert_rc(RC_INVALID,
              crypto_cert_issue(buf_str(&ca), ca_key, ec_key, &s, &random_source, &pem));
    s = leaf_spec();
    assert_rc(RC_MALFORMED, crypto_cert_issue(STR("no"), ca_key, ec_key, &s, &random_source, &pem));
    assert_int_equal(0, pem.n);
    buf_fini(&pem);
}

/* CN=first.example.com, then O=Bearline, then CN=last.example.com */
static const char two_names[] = "-----BEGIN CERTIFICATE-----\n"
                                "MIIB2TCCAX6gAwIBAgIBATAKBggqhkjOPQQDAjBKMRowGAYDVQQDDBFmaXJzdC5l\n"
                                "eGFtcGxlLmNvbTERMA8GA1UECgwIQmVhcmxpbmUxGTAXBgNVBAMMEGxhc3QuZXhh\n"
                                "bXBsZS5jb20wIBcNMjYxMTI0MDMyMzAxWhgPMjEyNjEwMzEwMzIzMDFaMEoxGjAY\n"
                                "BgNVBAMMEWZpcnN0LmV4YW1wbGUuY29tMREwDwYDVQQKDAhCZWFybGluZTEZMBcG\n"
                                "A1UEAwwQbGFzdC5leGFtcGxlLmNvbTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA\n"
                                "BLL09NYPIj3qN89nJloB7I2ZaYxv3tjLp+zARfSHa1+5AbQkceya7hroD2xjT3Dp\n"
                                "0NsgyuXF9zxHffNnkRsFAW6jUzBRMB0GA1UdDgQWBBSaJTTy6OGze7UVD4rqYC6S\n"
                                "IIrFQjAfBgNVHSMEGDAWgBSaJTTy6OGze7UVD4rqYC6SIIrFQjAPBgNVHRMBAf8E\n"
                                "BTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQClcPnziaRD9F5dpnZnVli4PRCXdrKZ\n"
                                "XIQvLNHSnqs+ZwIhAMiz8xs6oSZT4HSuWufvw0IA6FvQSOk9SnSZVy3or2As\n"
                                "-----END CERTIFICATE-----\n";

static void test_of_two_common_names_the_last_counts(void **state)
{
    (void)state;
    struct arena a;
    struct crypto_cert_info *info;
    size_t count;
    arena_init(&a, NULL, 0, 1 << 20);
    assert_rc(RC_OK, crypto_cert_read(str_from(two_names), &a, &info, &count));
    assert_str("last.example.com", info->common_name);
    assert_str("CN=last.example.com,O=Bearline,CN=first.example.com", info->subject);
    arena_fini(&a);
}

static void test_texts_without_a_certificate(void **state)
{
    (void)state;
    struct arena a;
    struct crypto_cert_info *info;
    size_t count;
    const char *why;
    arena_init(&a, NULL, 0, 1 << 20);
    assert_rc(RC_NOT_FOUND, crypto_cert_read(STR(""), &a, &info, &count));
    assert_rc(RC_NOT_FOUND, crypto_cert_read(STR("hello\n"), &a, &info, &count));
    assert_rc(
        RC_MALFORMED,
        crypto_cert_read(STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), &a,
                         &info, &count));
    assert_rc(RC_NOT_FOUND,
              crypto_cert_verify(STR(""), buf_str(&ca), start, CRYPTO_CERT_ANY_USE, &why));
    assert_rc(RC_NOT_FOUND,
              crypto_cert_verify(buf_str(&ca), STR(""), start, CRYPTO_CERT_ANY_USE, &why));
    arena_fini(&a);
}

static void read_all(void *ctx)
{
    (void)ctx;
    struct arena a;
    struct crypto_cert_info *info;
    size_t count;
    arena_init(&a, NULL, 0, 1 << 20);
    enum rc rc = crypto_cert_read(buf_str(&ca), &a, &info, &count);
    assert_true(rc == RC_OK || rc == RC_NOMEM);
    arena_fini(&a);
}

static void test_out_of_memory_is_said(void **state)
{
    (void)state;
    kit_each_alloc_fails(read_all, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ca_reads_back),
        cmocka_unit_test(test_leaves_of_both_kinds),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_another_ca_of_the_same_name_is_not_trusted),
        cmocka_unit_test(test_host_names),
        cmocka_unit_test(test_specs_outside_the_rules),
        cmocka_unit_test(test_of_two_common_names_the_last_counts),
        cmocka_unit_test(test_texts_without_a_certificate),
        cmocka_unit_test(test_out_of_memory_is_said),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
