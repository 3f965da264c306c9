#include "kit/kit.h"

#include "call/trunk.h"
#include "net/tls.h"

#include <stdio.h>

static void test_who_calls_from_a_trunk(void **state)
{
    (void)state;
    static const struct {
        const char *peers, *from;
        bool expected;
    } rows[] = {
        {"192.0.2.7", "192.0.2.7:5060", true},
        {"192.0.2.7", "192.0.2.7:9", true},
        {"192.0.2.7", "192.0.2.8:5060", false},
        {"", "192.0.2.7:5060", false},
        {"198.51.100.1 192.0.2.0/24", "192.0.2.255:1", true},
        {"192.0.2.0/25", "192.0.2.128:1", false},
        {"192.0.2.128/25", "192.0.2.129:1", true},
        {"192.0.2.7/0", "203.0.113.1:1", true},
        {"192.0.2.7/32", "192.0.2.6:1", false},
        {"2001:db8::/33", "[2001:db8:7fff::1]:1", true},
        {"2001:db8::/33", "[2001:db8:8000::1]:1", false},
        {"0.0.0.0/0", "[2001:db8::1]:1", false},
        {"sbc.example.com", "192.0.2.7:5060", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct siptx_flow f = {.transport = SIPTX_TCP};
        struct store_trunk t = {
            .peers = str_from(rows[i].peers), .transport = STORE_TCP, .enabled = true};
        assert_rc(RC_OK, net_addr_parse(str_from(rows[i].from), &f.peer));
        if (call_trunk_is_peer(&t, &f) != rows[i].expected) fail_msg("row %zu", i);
        t.enabled = false;
        assert_false(call_trunk_is_peer(&t, &f));
        t.enabled = true;
        f.transport = SIPTX_UDP; /* another transport is another trunk's */
        assert_false(call_trunk_is_peer(&t, &f));
    }
}

static void test_a_certificate_names_the_peer(void **state)
{
    (void)state;
    struct net_tls_name names[] = {{.kind = NET_TLS_NAME_DNS, .value = STR("sbc.example.com")}};
    struct net_tls_peer peer = {.names = names, .name_count = 1};
    struct siptx_flow f = {.transport = SIPTX_TLS, .tls_peer = &peer};
    struct store_trunk t = {
        .peers = STR("192.0.2.1 SBC.example.com"), .transport = STORE_TLS, .enabled = true};
    assert_rc(RC_OK, net_addr_parse(STR("198.51.100.1:5061"), &f.peer));
    assert_true(call_trunk_is_peer(&t, &f));
    names[0].value = STR("other.example.com");
    assert_false(call_trunk_is_peer(&t, &f));
}

static void test_what_a_trunk_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        int port;
        enum store_transport transport;
        const char *expected;
    } rows[] = {
        {"sbc.example.com", 0, STORE_UDP, "sip:0043%231@sbc.example.com"},
        {"192.0.2.9", 5070, STORE_TCP, "sip:0043%231@192.0.2.9:5070;transport=tcp"},
        {"2001:db8::9", 0, STORE_TLS, "sip:0043%231@[2001:db8::9];transport=tls"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct directory_trunk t = {
            .host = str_from(rows[i].host), .port = rows[i].port, .transport = rows[i].transport};
        char text[128];
        struct buf b;
        buf_init_fixed(&b, text, sizeof text);
        call_trunk_print_uri(&b, &t, STR("0043#1"));
        assert_rc(RC_OK, buf_rc(&b));
        assert_memory_equal(rows[i].expected, text, b.n);
        assert_int_equal(strlen(rows[i].expected), b.n);
    }
    struct directory_trunk t = {.host = STR("2001:db8::9"), .transport = STORE_UDP};
    char text[64];
    struct buf b;
    buf_init_fixed(&b, text, sizeof text);
    call_trunk_print_uri(&b, &t, STR(""));
    assert_true(str_eq(STR("sip:[2001:db8::9]"), buf_str(&b)));
}

static void test_a_label_is_no_device(void **state)
{
    (void)state;
    char label[CALL_TRUNK_LABEL_MAX + 1], longest[65];
    call_trunk_label(STR("lab"), label);
    assert_string_equal("trunk:lab", label);
    assert_true(call_trunk_is_label(str_from(label)));
    assert_false(call_trunk_is_label(STR("trunk")));
    memset(longest, 'x', 64);
    longest[64] = '\0';
    call_trunk_label(str_from(longest), label);
    assert_int_equal(CALL_TRUNK_LABEL_MAX, strlen(label));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_calls_from_a_trunk),
        cmocka_unit_test(test_a_certificate_names_the_peer),
        cmocka_unit_test(test_what_a_trunk_is_asked_for),
        cmocka_unit_test(test_a_label_is_no_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
