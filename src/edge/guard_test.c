/* Strikes, bans and their end; phones that sit behind the same address. */
#include "kit/kit.h"

#include "edge/guard.h"

static struct kit_time now;
static struct kit_random dice;
static struct edge_guard *guard;

static int setup(void **state)
{
    struct clock clock = kit_clock(&now);
    struct random_source random = kit_random(&dice, 3);
    (void)state;
    return edge_guard_new(&clock, &random, &guard) == RC_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    guard = edge_guard_free(guard);
    return 0;
}

static void test_strikes_ban_and_bans_end(void **state)
{
    (void)state;
    struct net_addr bad = net_addr_v4(203, 0, 113, 9, 4000),
                    good = net_addr_v4(203, 0, 113, 10, 4000);
    for (int i = 1; i < EDGE_GUARD_STRIKES; i++)
        assert_false(edge_guard_strike(guard, &bad));
    assert_false(edge_guard_is_banned(guard, &bad));
    kit_time_pass(&now, (EDGE_GUARD_WINDOW_S + 1) * 1000); /* forgiven */
    for (int i = 1; i < EDGE_GUARD_STRIKES; i++)
        assert_false(edge_guard_strike(guard, &bad));
    assert_true(edge_guard_strike(guard, &bad));
    bad.port = 5; /* whichever port it comes from */
    assert_true(edge_guard_is_banned(guard, &bad));
    assert_false(edge_guard_is_banned(guard, &good));
    assert_int_equal(1, edge_guard_bans(guard));
    kit_time_pass(&now, (EDGE_GUARD_BAN_S + 1) * 1000);
    assert_false(edge_guard_is_banned(guard, &bad));
    assert_int_equal(0, edge_guard_bans(guard));
}

static void test_phones_behind_the_same_address_are_not_cut_off(void **state)
{
    (void)state;
    struct net_addr home = net_addr_v4(203, 0, 113, 9, 1);
    edge_guard_registered(guard, &home, true);
    edge_guard_registered(guard, &home, true);
    for (int i = 0; i < 3 * EDGE_GUARD_STRIKES; i++)
        assert_false(edge_guard_strike(guard, &home));
    edge_guard_registered(guard, &home, false);
    assert_false(edge_guard_is_banned(guard, &home));
    edge_guard_registered(guard, &home, false);
    edge_guard_registered(guard, &home, false); /* once too often */
    for (int i = 1; i < EDGE_GUARD_STRIKES; i++)
        assert_false(edge_guard_strike(guard, &home));
    assert_true(edge_guard_strike(guard, &home));
    edge_guard_registered(guard, &home, true); /* over a connection that stood before */
    assert_false(edge_guard_is_banned(guard, &home));
}

static void test_the_table_is_bounded_and_keeps_phones(void **state)
{
    (void)state;
    struct net_addr phone = net_addr_v4(198, 51, 100, 1, 1);
    edge_guard_registered(guard, &phone, true);
    for (unsigned i = 0; i < EDGE_GUARD_ADDRESSES_MAX + 100; i++) {
        struct net_addr a = net_addr_v4(10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 1);
        edge_guard_strike(guard, &a);
    }
    assert_false(edge_guard_strike(guard, &phone));
    assert_false(edge_guard_strike(guard, &phone));
    assert_false(edge_guard_strike(guard, &phone));
}

static void test_scanners_are_known_by_name(void **state)
{
    (void)state;
    assert_true(edge_guard_is_scanner(STR("friendly-scanner")));
    assert_true(edge_guard_is_scanner(STR("SIPVicious/0.3")));
    assert_false(edge_guard_is_scanner(STR("Cisco-CSF")));
    assert_false(edge_guard_is_scanner(STR("")));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_strikes_ban_and_bans_end),
        T(test_phones_behind_the_same_address_are_not_cut_off),
        T(test_the_table_is_bounded_and_keeps_phones),
        T(test_scanners_are_known_by_name),
    };
    return cmocka_run_group_tests_name("edge/guard", tests, NULL, NULL);
}
