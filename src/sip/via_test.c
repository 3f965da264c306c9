#include "kit/kit.h"

#include "sip/via.h"

static void test_full(void **state)
{
    (void)state;
    struct sip_via v;
    assert_rc(RC_OK, sip_via_parse(
                         STR("SIP  / 2.0\r\n / tls [2001:db8::1] : 5061 ;branch=z9hG4bKa ;rport=99;"
                             "received=[::2];maddr=192.0.2.1;x=\"y\";hidden"),
                         &v, NULL));
    assert_int_equal(SIP_TRANSPORT_TLS, v.transport);
    assert_str("tls", v.transport_text);
    assert_str("2001:db8::1", v.host.text);
    assert_int_equal(5061, v.port);
    assert_str("z9hG4bKa", v.branch);
    assert_str("::2", v.received);
    assert_str("192.0.2.1", v.maddr);
    assert_true(v.has_rport);
    assert_int_equal(99, v.rport);
    assert_true(sip_via_has_branch(&v));
}

static void test_least(void **state)
{
    (void)state;
    struct sip_via v;
    assert_rc(RC_OK, sip_via_parse(STR("SIP/2.0/UNKNOWN h;rport;branch=z9hG4bK"), &v, NULL));
    assert_int_equal(SIP_TRANSPORT_OTHER, v.transport);
    assert_int_equal(0, v.port);
    assert_true(v.has_rport);
    assert_int_equal(0, v.rport);
    assert_false(sip_via_has_branch(&v));
}

static void test_malformed(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "SIP/2.0/UDP",
                                      "SIP/2.0/UDPh",
                                      "SIP/2.0 h",
                                      "SIP/7.0/UDP h",
                                      "HTTP/2.0/UDP h",
                                      "SIP/2.0/UDP h:0",
                                      "SIP/2.0/UDP h:x",
                                      "SIP/2.0/UDP h;;",
                                      "SIP/2.0/UDP h;rport=0",
                                      "SIP/2.0/UDP h;rport=x",
                                      "SIP/2.0/UDP h;branch=",
                                      "SIP/2.0/UDP h x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct str in = kit_guard(str_from(bad[i]));
        struct sip_via v;
        if (sip_via_parse(in, &v, NULL) != RC_MALFORMED) fail_msg("%s", bad[i]);
        kit_guard_free(in);
    }
}

static void test_sent_by_of_a_broken_one(void **state)
{
    (void)state;
    struct sip_via v;
    assert_rc(RC_OK, sip_via_parse_sent_by(STR("SIP/7.0/UDP 192.0.2.15:5070;;"), &v));
    assert_int_equal(SIP_TRANSPORT_UDP, v.transport);
    assert_int_equal(5070, v.port);
    assert_rc(RC_MALFORMED, sip_via_parse_sent_by(STR("SIP/2.0/UDP ;;"), &v));
}

static void test_transports(void **state)
{
    (void)state;
    for (int t = SIP_TRANSPORT_UDP; t <= SIP_TRANSPORT_WSS; t++)
        assert_int_equal(t, sip_transport_from_text(sip_transport_text((enum sip_transport)t)));
    assert_int_equal(5061, sip_transport_port(SIP_TRANSPORT_TLS));
    assert_false(sip_transport_is_stream(SIP_TRANSPORT_UDP));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full),       cmocka_unit_test(test_least),
        cmocka_unit_test(test_malformed),  cmocka_unit_test(test_sent_by_of_a_broken_one),
        cmocka_unit_test(test_transports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
