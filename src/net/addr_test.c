/* net/addr_test.c - addresses as text and back. */
#include "kit/kit.h"

#include "net/addr.h"

#include <sys/socket.h>

static struct net_addr parsed(const char *text)
{
    struct net_addr addr;
    struct str guarded = kit_guard(str_from(text));
    assert_rc(RC_OK, net_addr_parse(guarded, &addr));
    kit_guard_free(guarded);
    return addr;
}

static void test_addresses_print_as_they_were_read(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"192.0.2.1:5060", "192.0.2.1:5060"},
        {"0.0.0.0:0", "0.0.0.0:0"},
        {"[::1]:5060", "[::1]:5060"},
        {"[2001:DB8:0:0::1]:65535", "[2001:db8::1]:65535"},
        {"[::ffff:192.0.2.1]:5061", "192.0.2.1:5061"}, /* one address, one form */
        {"[fe80::1%7]:5060", "[fe80::1%7]:5060"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[NET_ADDR_TEXT_MAX];
        struct net_addr addr = parsed(rows[i].in);
        assert_str(rows[i].out, net_addr_text(&addr, text));
    }
}

static void test_what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum rc rc;
    } rows[] = {
        {"", RC_MALFORMED},
        {":5060", RC_MALFORMED},
        {"192.0.2.1", RC_MALFORMED},
        {"192.0.2.1:", RC_MALFORMED},
        {"192.0.2.1:x", RC_MALFORMED},
        {"192.0.2:1", RC_MALFORMED},
        {"192.0.2.256:1", RC_MALFORMED},
        {"192.0.2.1:65536", RC_INVALID},
        {"::1:5060", RC_MALFORMED},
        {"[::1]", RC_MALFORMED},
        {"[::1:5060", RC_MALFORMED},
        {"[192.0.2.1]:5060", RC_MALFORMED},
        {"[fe80::1%]:1", RC_MALFORMED},
        {"example.com:5060", RC_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct net_addr addr;
        struct str guarded = kit_guard(str_from(rows[i].text));
        assert_rc(rows[i].rc, net_addr_parse(guarded, &addr));
        kit_guard_free(guarded);
    }
}

static void test_addresses_without_a_port(void **state)
{
    (void)state;
    struct net_addr addr;
    assert_rc(RC_OK, net_addr_parse_ip(STR("2001:db8::5"), 7, &addr));
    assert_int_equal(7, addr.port);
    assert_rc(RC_OK, net_addr_parse_ip(STR("[2001:db8::5]"), 7, &addr));
    assert_rc(RC_OK, net_addr_parse_ip(STR("127.0.0.1"), 7, &addr));
    assert_rc(RC_MALFORMED, net_addr_parse_ip(STR("localhost"), 7, &addr));
}

static void test_comparisons(void **state)
{
    (void)state;
    struct net_addr a = parsed("192.0.2.1:1"), b = parsed("192.0.2.1:2"), v6 = parsed("[::]:1");
    assert_true(net_addr_ip_eq(&a, &b));
    assert_false(net_addr_eq(&a, &b));
    assert_true(net_addr_is_any(&v6));
    assert_false(net_addr_is_any(&a));
    struct net_addr lo4 = parsed("127.9.9.9:1"), lo6 = parsed("[::1]:1"), none = {0};
    assert_true(net_addr_is_loopback(&lo4));
    assert_true(net_addr_is_loopback(&lo6));
    assert_false(net_addr_is_loopback(&none));
    assert_false(net_addr_is_any(&none));
}

static void test_a_source_is_an_ipv4_address_or_an_ipv6_64(void **state)
{
    (void)state;
    bool is_v6;
    struct net_addr a = parsed("[2001:db8:1:2::1]:1"), b = parsed("[2001:db8:1:2:ffff::9]:9");
    struct net_addr c = parsed("[2001:db8:1:3::1]:1"), d = parsed("192.0.2.1:1"),
                    e = parsed("192.0.2.2:1");
    assert_true(net_addr_source(&a, &is_v6) == net_addr_source(&b, &is_v6));
    assert_true(is_v6);
    assert_false(net_addr_source(&a, &is_v6) == net_addr_source(&c, &is_v6));
    assert_false(net_addr_source(&d, &is_v6) == net_addr_source(&e, &is_v6));
    assert_false(is_v6);
}

static void test_the_systems_form_and_back(void **state)
{
    (void)state;
    static const char *const rows[] = {"192.0.2.7:5061", "[2001:db8::7]:5061", "[fe80::7%3]:1"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sockaddr_storage sa;
        struct net_addr addr = parsed(rows[i]);
        assert_true(net_addr_to_sockaddr(&addr, &sa) > 0);
        struct net_addr again = net_addr_from_sockaddr((struct sockaddr *)&sa);
        assert_true(net_addr_eq(&addr, &again));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_print_as_they_were_read),
        cmocka_unit_test(test_what_is_no_address_is_refused),
        cmocka_unit_test(test_addresses_without_a_port),
        cmocka_unit_test(test_comparisons),
        cmocka_unit_test(test_a_source_is_an_ipv4_address_or_an_ipv6_64),
        cmocka_unit_test(test_the_systems_form_and_back),
    };
    return cmocka_run_group_tests_name("net/addr", tests, NULL, NULL);
}
