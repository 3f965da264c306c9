/* media/latch_test.c - who may move a stream. */
#include "kit/kit.h"

#include "media/latch.h"

static struct net_addr host(uint8_t last, uint16_t port)
{
    return net_addr_v4(192, 0, 2, last, port);
}

static bool packet(struct media_latch *l, uint8_t last, uint16_t port, bool authentic)
{
    struct net_addr from = host(last, port);
    return media_latch_packet(l, &from, authentic);
}

static void assert_at(const struct media_latch *l, uint8_t last, uint16_t port)
{
    struct net_addr expected = host(last, port);
    assert_true(net_addr_eq(&expected, &l->current));
}

static struct media_latch announced(void)
{
    struct media_latch l = {0};
    struct net_addr addr = host(1, 100);
    media_latch_announce(&l, &addr);
    return l;
}

static void test_a_plain_stream_follows_its_first_source_only(void **state)
{
    (void)state;
    struct media_latch l = announced();
    assert_at(&l, 1, 100);
    assert_true(packet(&l, 2, 200, false)); /* behind a NAT */
    assert_at(&l, 2, 200);
    assert_false(packet(&l, 3, 300, false)); /* a stranger */
    assert_false(packet(&l, 2, 201, false));
    assert_at(&l, 2, 200);
    assert_true(packet(&l, 2, 200, false));
}

static void test_the_announced_address_takes_its_place_back(void **state)
{
    (void)state;
    struct media_latch l = announced();
    assert_true(packet(&l, 3, 300, false));
    assert_true(packet(&l, 1, 100, false));
    assert_at(&l, 1, 100);
    assert_false(packet(&l, 3, 300, false));
}

static void test_authentic_packets_move_an_encrypted_stream(void **state)
{
    (void)state;
    struct media_latch l = announced();
    assert_true(packet(&l, 1, 100, true));
    assert_true(packet(&l, 5, 500, true));
    assert_at(&l, 5, 500);
}

static void test_a_new_announcement_begins_anew(void **state)
{
    (void)state;
    struct media_latch l = announced();
    struct net_addr same = host(1, 100), other = host(7, 700);
    assert_true(packet(&l, 2, 200, false));
    media_latch_announce(&l, &same);
    assert_at(&l, 2, 200);
    media_latch_announce(&l, &other);
    assert_at(&l, 7, 700);
    assert_true(packet(&l, 8, 800, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_stream_follows_its_first_source_only),
        cmocka_unit_test(test_the_announced_address_takes_its_place_back),
        cmocka_unit_test(test_authentic_packets_move_an_encrypted_stream),
        cmocka_unit_test(test_a_new_announcement_begins_anew),
    };
    return cmocka_run_group_tests_name("media/latch", tests, NULL, NULL);
}
