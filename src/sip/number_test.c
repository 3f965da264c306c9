#include "kit/kit.h"

#include "sip/number.h"
#include "sip/warning.h"
#include <stdio.h>

static void test_cseq(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        enum rc rc;
        uint32_t number;
    } cases[] = {{"0009\r\n  INVITE", RC_OK, 9},  {"4294967295 X", RC_OK, UINT32_MAX},
                 {"4294967296 X", RC_TOO_BIG, 0}, {"36893488147419103232 REGISTER", RC_TOO_BIG, 0},
                 {"1INVITE", RC_MALFORMED, 0},    {"INVITE", RC_MALFORMED, 0},
                 {"1", RC_MALFORMED, 0},          {"-1 INVITE", RC_MALFORMED, 0},
                 {"1 INVITE x", RC_MALFORMED, 0}, {"", RC_MALFORMED, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str in = kit_guard(str_from(cases[i].in));
        struct sip_cseq cseq = {0};
        assert_rc(cases[i].rc, sip_cseq_parse(in, &cseq));
        assert_int_equal(cases[i].number, cseq.number);
        kit_guard_free(in);
    }
}

static void test_rack(void **state)
{
    (void)state;
    struct sip_rack rack;
    assert_rc(RC_OK, sip_rack_parse(STR("776656 1 INVITE"), &rack));
    assert_int_equal(776656, rack.rseq);
    assert_int_equal(SIP_METHOD_INVITE, rack.cseq.method);
    assert_rc(RC_MALFORMED, sip_rack_parse(STR("776656 INVITE"), &rack));
}

static void test_seconds(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        enum rc rc;
        uint32_t seconds;
    } cases[] = {{"35", RC_OK, 35},
                 {"18000;duration=3600", RC_OK, 18000},
                 {"120 (I'm (in) a meeting\\))", RC_OK, 120},
                 {"120 (x);duration=1", RC_OK, 120},
                 {"99999999999", RC_TOO_BIG, UINT32_MAX},
                 {"120 (x", RC_MALFORMED, 0},
                 {"120 x", RC_MALFORMED, 0},
                 {"x", RC_MALFORMED, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str in = kit_guard(str_from(cases[i].in));
        uint32_t seconds = 0;
        assert_rc(cases[i].rc, sip_seconds_parse(in, &seconds));
        assert_int_equal(cases[i].seconds, seconds);
        kit_guard_free(in);
    }
}

static void test_of_a_message(void **state)
{
    (void)state;
    static struct sip_message m;
    static const struct {
        const char *text;
        enum rc hops_rc, expires_rc;
    } cases[] = {
        {"Max-Forwards: 0068\r\nExpires: 7200\r\n", RC_OK, RC_OK},
        {"Max-Forwards: 256\r\nExpires: 4294967296\r\n", RC_NOT_FOUND, RC_NOT_FOUND},
        {"Max-Forwards: -1\r\nExpires: soon\r\n", RC_MALFORMED, RC_MALFORMED},
        {"X: y\r\n", RC_NOT_FOUND, RC_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        unsigned hops = 0;
        uint32_t expires = 0;
        (void)snprintf(text, sizeof(text), "OPTIONS sip:a SIP/2.0\r\n%s\r\n", cases[i].text);
        assert_rc(RC_OK, sip_message_parse(str_from(text), SIP_DATAGRAM, &m, NULL));
        assert_rc(cases[i].hops_rc, sip_max_forwards(&m, &hops));
        assert_rc(cases[i].expires_rc, sip_expires(&m, &expires));
        if (i == 0) assert_int_equal(68, hops);
        if (i == 0) assert_int_equal(7200, expires);
    }
}

static void test_warning(void **state)
{
    (void)state;
    struct sip_warning w;
    char text[128];
    struct buf b;
    assert_rc(RC_OK,
              sip_warning_parse(STR("399 UCM2-PUB \"SIP OAuth Registration port Mismatch\""), &w));
    assert_int_equal(399, w.code);
    assert_str("UCM2-PUB", w.agent);
    assert_str("SIP OAuth Registration port Mismatch", w.text);
    static const char *const bad[] = {"1812 overture \"x\"", "399 a",     "399 \"x\"",
                                      "39 a \"x\"",          "399 a \"x", ""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_rc(RC_MALFORMED, sip_warning_parse(str_from(bad[i]), &w));
    buf_init_fixed(&b, text, sizeof(text));
    sip_warning_print(&b, 399, STR("node"), STR("a \"b\"\r\nc"));
    assert_str("Warning: 399 node \"a \\\"b\\\"  c\"\r\n", buf_str(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cseq),    cmocka_unit_test(test_rack),
        cmocka_unit_test(test_seconds), cmocka_unit_test(test_of_a_message),
        cmocka_unit_test(test_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
