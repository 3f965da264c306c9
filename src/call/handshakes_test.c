#include "kit/kit.h"

#include "call/handshakes.h"

#include <stdio.h>

static struct net_addr at(const char *text)
{
    struct net_addr a;
    assert_rc(RC_OK, net_addr_parse_ip(str_from(text), 40000, &a));
    return a;
}

static void note(struct call_handshakes *h, const char *peer, enum net_tls_cause cause,
                 const char *subject, int64_t now)
{
    struct net_tls_failure f = {.cause = cause, .alert = -1, .alert_name = "unknown CA"};
    struct net_addr a = at(peer);
    snprintf(f.subject, sizeof f.subject, "%s", subject);
    snprintf(f.issuer, sizeof f.issuer, "CN=Some CA");
    snprintf(f.names, sizeof f.names, "edge.example.com");
    call_handshakes_note(h, CALL_MRA, &a, &f, now);
}

static void test_equal_ones_are_counted_newest_first(void **state)
{
    (void)state;
    struct call_handshakes *h = call_handshakes_new();
    struct call_handshake out[4];
    assert_int_equal(0, call_handshakes_list(h, out, 4));
    note(h, "192.0.2.1", NET_TLS_CAUSE_UNKNOWN_CA, "CN=a", 1000);
    note(h, "192.0.2.2", NET_TLS_CAUSE_UNKNOWN_CA, "CN=a", 2000);
    note(h, "192.0.2.1", NET_TLS_CAUSE_UNKNOWN_CA, "CN=a", 3000);
    note(h, "192.0.2.1", NET_TLS_CAUSE_NOT_ADMITTED, "CN=a", 4000);
    assert_int_equal(3, call_handshakes_list(h, out, 4));
    assert_int_equal(NET_TLS_CAUSE_NOT_ADMITTED, out[0].cause);
    assert_string_equal("192.0.2.1", out[1].peer);
    assert_int_equal(2, out[1].count);
    assert_int_equal(1000, out[1].first_unix_ms);
    assert_int_equal(3000, out[1].last_unix_ms);
    assert_string_equal("edge.example.com", out[1].names);
    assert_string_equal("unknown CA", out[1].alert);
    assert_string_equal("192.0.2.2", out[2].peer);
    assert_int_equal(1, call_handshakes_list(h, out, 1));
    call_handshakes_free(h);
}

static void test_who_gets_in_is_struck_off(void **state)
{
    (void)state;
    struct call_handshakes *h = call_handshakes_new();
    struct call_handshake out[4];
    struct net_addr one = at("192.0.2.1");
    note(h, "192.0.2.1", NET_TLS_CAUSE_UNKNOWN_CA, "CN=a", 1000);
    note(h, "192.0.2.2", NET_TLS_CAUSE_UNKNOWN_CA, "CN=a", 2000);
    call_handshakes_clear(h, CALL_SECURE, &one); /* another door */
    assert_int_equal(2, call_handshakes_list(h, out, 4));
    call_handshakes_clear(h, CALL_MRA, &one);
    assert_int_equal(1, call_handshakes_list(h, out, 4));
    assert_string_equal("192.0.2.2", out[0].peer);
    call_handshakes_free(h);
}

static void test_strangers_push_out_the_oldest_only(void **state)
{
    (void)state;
    struct call_handshakes *h = call_handshakes_new();
    struct call_handshake out[CALL_HANDSHAKES_MAX + 1];
    char subject[32];
    for (int i = 0; i < CALL_HANDSHAKES_MAX + 5; i++) {
        snprintf(subject, sizeof subject, "CN=%d", i);
        note(h, "192.0.2.1", NET_TLS_CAUSE_UNKNOWN_CA, subject, i);
    }
    assert_int_equal(CALL_HANDSHAKES_MAX, call_handshakes_list(h, out, CALL_HANDSHAKES_MAX + 1));
    assert_string_equal("CN=36", out[0].subject);
    assert_string_equal("CN=5", out[CALL_HANDSHAKES_MAX - 1].subject);
    call_handshakes_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_ones_are_counted_newest_first),
        cmocka_unit_test(test_who_gets_in_is_struck_off),
        cmocka_unit_test(test_strangers_push_out_the_oldest_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
