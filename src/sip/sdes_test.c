#include "kit/kit.h"

#include "sip/sdes.h"

/* 28, 30 and 44 bytes */
#define KEY28 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYg=="
#define KEY30 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk"
#define KEY44 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWI="
#define CM80  "AES_CM_128_HMAC_SHA1_80 inline:" KEY30

static const char key_text[] = "0123456789abcdef0123456789abcdef0123456789ab";

static void test_rows(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        enum rc rc;
    } cases[] = {
        {"1 " CM80, RC_OK},
        {"0  " CM80 "  WSH=64 -x=y", RC_OK},
        {"999999999 AES_CM_128_HMAC_SHA1_32 inline:" KEY30, RC_OK},
        {"1 AEAD_AES_128_GCM inline:" KEY28, RC_OK},
        {"1 AEAD_AES_128_GCM inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYg", RC_OK},
        {"1 AEAD_AES_256_GCM inline:" KEY44, RC_OK},
        {"1 " CM80 "|2^20|1:4", RC_OK},
        {"1 " CM80 "|1:4", RC_OK},
        {"1 " CM80 "|1048576", RC_OK},
        {"1 " CM80 "|2^48 UNENCRYPTED_SRTCP", RC_OK},
        {"1 " CM80 "|1:4;inline:" KEY30 "|2:4", RC_OK},
        /* the grammar */
        {"", RC_MALFORMED},
        {"x " CM80, RC_MALFORMED},
        {"1000000000 " CM80, RC_MALFORMED},
        {"1 AES_CM_128_HMAC_SHA1_80", RC_MALFORMED},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:", RC_MALFORMED},
        {"1 AES_CM_128_HMAC_SHA1_80 inline", RC_MALFORMED},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYm!k", RC_MALFORMED},
        {"1 " CM80 "|2^20|2^21", RC_MALFORMED},
        {"1 " CM80 "|1:4|2^20", RC_MALFORMED},
        {"1 " CM80 "|", RC_MALFORMED},
        {"1 " CM80 "|2^", RC_MALFORMED},
        {"1 " CM80 ";", RC_MALFORMED},
        /* lengths and ranges */
        {"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY28, RC_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY44, RC_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "A", RC_INVALID},
        {"1 AEAD_AES_128_GCM inline:" KEY30, RC_INVALID},
        {"1 AEAD_AES_256_GCM inline:" KEY30, RC_INVALID},
        {"1 " CM80 "|2^49", RC_INVALID},
        {"1 " CM80 "|0", RC_INVALID},
        {"1 " CM80 "|281474976710657", RC_INVALID},
        {"1 " CM80 "|1:0", RC_INVALID},
        {"1 " CM80 "|1:129", RC_INVALID},
        {"1 " CM80 "|256:1", RC_INVALID},
        {"1 " CM80 ";inline:" KEY30, RC_INVALID},
        {"1 " CM80 "|1:4;inline:" KEY30 "|2:2", RC_INVALID},
        {"1 " CM80 " WSH=63", RC_INVALID},
        {"1 " CM80 " KDR=25", RC_INVALID},
        /* understood, not done */
        {"1 F8_128_HMAC_SHA1_80 inline:" KEY30, RC_UNSUPPORTED},
        {"1 AES_CM_128_HMAC_SHA1_80 uri:x", RC_UNSUPPORTED},
        {"1 " CM80 " KDR=1", RC_UNSUPPORTED},
        {"1 " CM80 " FEC_ORDER=FEC_SRTP", RC_UNSUPPORTED},
        {"1 " CM80 " NEW_PARAMETER", RC_UNSUPPORTED},
        {"1 " CM80 "|99999999999999999999999:64", RC_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sip_sdes s = {.tag = 77};
        struct str in = kit_guard(str_from(cases[i].value));
        enum rc rc = sip_sdes_parse(in, &s);
        if (rc != cases[i].rc) print_message("row %zu: %s\n", i, cases[i].value);
        assert_rc(cases[i].rc, rc);
        if (rc == RC_OK)
            assert_memory_equal(key_text, s.key, s.key_len);
        else
            assert_int_equal(77, s.tag);
        kit_guard_free(in);
    }
}

static void test_the_fields_are_kept(void **state)
{
    (void)state;
    struct sip_sdes s;
    assert_rc(RC_OK, sip_sdes_parse(STR("7 " CM80 "|2^20|1:4;inline:" KEY30 "|2:4"), &s));
    assert_int_equal(7, s.tag);
    assert_int_equal(SIP_SDES_AES_CM_128_HMAC_SHA1_80, s.suite);
    assert_int_equal(1 << 20, s.lifetime_packets);
    assert_int_equal(1, s.mki);
    assert_int_equal(4, s.mki_len);
    assert_int_equal(2, s.key_count);
    assert_int_equal(30, s.key_len);
}

static void test_printed_it_parses_back(void **state)
{
    (void)state;
    for (int suite = SIP_SDES_NONE + 1; suite < SIP_SDES_SUITE_COUNT; suite++) {
        struct sip_sdes s = {.tag = 3, .suite = (enum sip_sdes_suite)suite}, back;
        struct buf out;
        s.key_len = sip_sdes_key_len(s.suite) + sip_sdes_salt_len(s.suite);
        memcpy(s.key, key_text, s.key_len);
        buf_init(&out, 1024);
        sip_sdes_print(&out, &s);
        struct cur c = cur_of(buf_str(&out));
        assert_true(sip_sdes_next(&c, &back));
        assert_int_equal(3, back.tag);
        assert_int_equal(suite, back.suite);
        assert_memory_equal(s.key, back.key, SIP_SDES_KEY_MAX);
        assert_false(sip_sdes_next(&c, &back));
        buf_fini(&out);
    }
    assert_int_equal(SIP_SDES_NONE, sip_sdes_suite_from_name(STR("aead_aes_256_gcm")));
    assert_int_equal(0, sip_sdes_key_len(SIP_SDES_NONE));
}

/* A line that leaves something open, or cannot be used, does not make a stream encrypted. */
static void test_only_whole_protection_counts(void **state)
{
    (void)state;
    struct cur c = cur_of(STR("a=crypto:1 " CM80 " UNENCRYPTED_SRTP\r\n"
                              "a=crypto:2 " CM80 " UNENCRYPTED_SRTCP\r\n"
                              "a=crypto:3 " CM80 " UNAUTHENTICATED_SRTP\r\n"
                              "a=crypto:4 NOT_KNOWN inline:x\r\n"
                              "a=cryptox:5 " CM80 "\r\n"
                              "a=crypto:6 " CM80 "\r\n"));
    struct sip_sdes s;
    assert_true(sip_sdes_next(&c, &s));
    assert_int_equal(6, s.tag);
    assert_false(sip_sdes_next(&c, &s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_the_fields_are_kept),
        cmocka_unit_test(test_printed_it_parses_back),
        cmocka_unit_test(test_only_whole_protection_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
