#include "kit/kit.h"

#include "sip/host.h"

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        int kind; /* -1: malformed */
    } cases[] = {
        {"example.com", SIP_HOST_NAME},
        {"example.com.", SIP_HOST_NAME},
        {"UCM2-PUB", SIP_HOST_NAME},
        {"ucm_pub", SIP_HOST_NAME},
        {"3com.net", SIP_HOST_NAME},
        {"192.0.2.1", SIP_HOST_IPV4},
        {"255.255.255.255", SIP_HOST_IPV4},
        {"256.1.1.1", -1},
        {"1.2.3", -1},
        {"1.2.3.4.5", -1},
        {"a..b", -1},
        {".a", -1},
        {"-a.b", -1},
        {"a-.b", -1},
        {"", -1},
        {"[2001:db8::1]", SIP_HOST_IPV6},
        {"2001:db8::1", SIP_HOST_IPV6},
        {"[::]", SIP_HOST_IPV6},
        {"[1:2:3:4:5:6:7:8]", SIP_HOST_IPV6},
        {"[1:2:3:4:5:6:7::]", SIP_HOST_IPV6},
        {"[::ffff:192.0.2.1]", SIP_HOST_IPV6},
        {"[2001:db8:::192.0.2.1]", SIP_HOST_IPV6},
        {"[1:2:3:4:5:6:7:8:9]", -1},
        {"[1:2:3:4:5:6:7:8::]", -1},
        {"[1::2::3]", -1},
        {"[12345::]", -1},
        {"[1:]", -1},
        {"[:1]", -1},
        {"[1:2]", -1},
        {"[::1", -1},
        {"[::1]x", -1},
        {"[::192.0.2.1:1]", -1},
        {"[]", -1},
        {"[g::]", -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str in = kit_guard(str_from(cases[i].in));
        struct sip_host h;
        enum rc rc = sip_host_parse(in, &h);
        if ((rc == RC_OK) != (cases[i].kind >= 0)) fail_msg("%s: %s", cases[i].in, rc_name(rc));
        if (rc == RC_OK) assert_int_equal(cases[i].kind, h.kind);
        kit_guard_free(in);
    }
}

static void test_equal_by_value(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool eq;
    } cases[] = {{"Example.COM", "example.com.", true},
                 {"2001:db8::1", "[2001:0DB8:0:0:0:0:0:1]", true},
                 {"::ffff:192.0.2.1", "::ffff:c000:201", true},
                 {"2001:db8:::192.0.2.1", "2001:db8::192.0.2.1", true},
                 {"192.0.2.1", "192.0.2.01", true},
                 {"192.0.2.1", "::ffff:192.0.2.1", false},
                 {"a.example", "b.example", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sip_host a, b;
        assert_rc(RC_OK, sip_host_parse(str_from(cases[i].a), &a));
        assert_rc(RC_OK, sip_host_parse(str_from(cases[i].b), &b));
        assert_int_equal(cases[i].eq, sip_host_eq(&a, &b));
    }
}

static void test_ports(void **state)
{
    (void)state;
    uint16_t port = 0;
    struct cur c = cur_of(STR("05060;x"));
    assert_rc(RC_OK, sip_port_read(&c, &port));
    assert_int_equal(5060, port);
    assert_int_equal(';', cur_peek(&c));
    static const char *const bad[] = {"", "0", "65536", "99999999999999999999", "x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        c = cur_of(str_from(bad[i]));
        assert_rc(RC_MALFORMED, sip_port_read(&c, &port));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_equal_by_value),
        cmocka_unit_test(test_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
