/* media/jitter_test.c - packets in by any order and time, sound out in its own. */
#include "kit/kit.h"

#include "media/jitter.h"

enum { CLOCK = 8000, FRAME = CLOCK / 50, FRAME_MS = MEDIA_FRAME_MS };

struct player {
    struct media_jitter *j;
    uint64_t now_ms;
    struct media_heard heard;
};

static struct player begin(void)
{
    struct player p = {.now_ms = 1000};
    assert_rc(RC_OK, media_jitter_new(CLOCK, &p.j));
    return p;
}

static void end(struct player *p)
{
    assert_null(media_jitter_free(p->j));
}

/* Packet i, sent at i * 20 ms, tells its own number. */
static enum media_put put(struct player *p, uint32_t i)
{
    uint8_t bytes[4] = {(uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
    return media_jitter_put(p->j, (uint16_t)i, i * FRAME, FRAME, 8, bytes_of(bytes, 4), p->now_ms);
}

static enum media_got get(struct player *p)
{
    media_jitter_get(p->j, FRAME, 0, p->now_ms, &p->heard);
    return p->heard.got;
}

static uint32_t number(const struct player *p)
{
    const uint8_t *b = p->heard.payload.p;
    assert_int_equal(4, p->heard.payload.n);
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Puts packet i and plays one frame until the first is heard; returns the next to put. */
static uint32_t until_playing(struct player *p, uint32_t i)
{
    for (uint32_t first = i; i < first + 20; i++, p->now_ms += FRAME_MS) {
        assert_int_equal(MEDIA_PUT_OK, put(p, i));
        if (get(p) != MEDIA_GOT_PACKET) continue;
        assert_int_equal(first, number(p));
        p->now_ms += FRAME_MS;
        return i + 1;
    }
    fail_msg("nothing is ever played");
    return 0;
}

static void test_in_order_it_waits_for_the_least_delay_only(void **state)
{
    (void)state;
    struct player p = begin();
    assert_int_equal(MEDIA_GOT_NOTHING, get(&p));
    uint32_t i = until_playing(&p, 0);
    assert_int_equal(MEDIA_JITTER_DELAY_MIN / FRAME_MS, i - 1);
    for (uint32_t heard = 1; heard < 500; heard++, i++, p.now_ms += FRAME_MS) {
        assert_int_equal(MEDIA_PUT_OK, put(&p, i));
        assert_int_equal(MEDIA_GOT_PACKET, get(&p));
        assert_int_equal(heard, number(&p));
        assert_int_equal(8, p.heard.type);
        assert_false(p.heard.hurry);
    }
    assert_int_equal(MEDIA_JITTER_DELAY_MIN, media_jitter_delay_ms(p.j));
    assert_int_equal(MEDIA_JITTER_DELAY_MIN, media_jitter_target_ms(p.j));
    end(&p);
}

static void test_swapped_packets_come_out_in_order(void **state)
{
    (void)state;
    struct player p = begin();
    uint32_t i = until_playing(&p, 0);
    for (uint32_t heard = 1; heard < 100; heard++, p.now_ms += FRAME_MS) {
        if (heard % 2 == 1) { /* two at once, the later one first */
            assert_int_equal(MEDIA_PUT_OK, put(&p, i + 1));
            assert_int_equal(MEDIA_PUT_OK, put(&p, i));
            i += 2;
        }
        assert_int_equal(MEDIA_GOT_PACKET, get(&p));
        assert_int_equal(heard, number(&p));
    }
    end(&p);
}

static void test_what_is_not_taken(void **state)
{
    (void)state;
    static const uint8_t bytes[MEDIA_PAYLOAD_MAX + 1];
    struct player p = begin();
    uint32_t i = until_playing(&p, 100);
    assert_int_equal(MEDIA_PUT_OK, put(&p, i));
    assert_int_equal(MEDIA_PUT_DUPLICATE, put(&p, i));
    assert_int_equal(MEDIA_PUT_LATE, put(&p, 100)); /* was played */
    assert_int_equal(MEDIA_PUT_BAD, media_jitter_put(p.j, 1, 0, 0, 8, bytes_of(bytes, 9), 0));
    assert_int_equal(MEDIA_PUT_BAD, media_jitter_put(p.j, 1, 0, FRAME, 8, bytes_of(bytes, 0), 0));
    assert_int_equal(MEDIA_PUT_BAD,
                     media_jitter_put(p.j, 1, 0, FRAME, 8, bytes_of(bytes, sizeof bytes), 0));
    assert_int_equal(MEDIA_GOT_PACKET, get(&p)); /* and nothing is disturbed by it */
    assert_int_equal(101, number(&p));
    end(&p);
}

static void test_a_gap_is_told_with_the_packet_behind_it(void **state)
{
    (void)state;
    struct player p = begin();
    uint32_t i = until_playing(&p, 0), lost = i;
    assert_int_equal(MEDIA_PUT_OK, put(&p, i + 1)); /* i never comes */
    for (uint32_t heard = 1; heard < lost; heard++, p.now_ms += FRAME_MS) {
        assert_int_equal(MEDIA_GOT_PACKET, get(&p));
        assert_int_equal(heard, number(&p));
        assert_int_equal(MEDIA_PUT_OK, put(&p, i + 1 + heard));
    }
    assert_int_equal(MEDIA_GOT_LOST, get(&p));
    assert_int_equal(FRAME, p.heard.samples);
    assert_int_equal(lost + 1, number(&p));
    assert_int_equal(MEDIA_GOT_PACKET, get(&p));
    assert_int_equal(lost + 1, number(&p));
    end(&p);
}

static void test_silence_ends_and_begins_anew(void **state)
{
    (void)state;
    struct player p = begin();
    uint32_t i = until_playing(&p, 0);
    unsigned made_up = 0;
    enum media_got got;
    for (unsigned t = 0; t < 3000; t += FRAME_MS, p.now_ms += FRAME_MS) {
        got = get(&p);
        if (got == MEDIA_GOT_LOST || got == MEDIA_GOT_WAIT) made_up += p.heard.samples;
    }
    assert_int_equal(MEDIA_GOT_NOTHING, got);
    assert_in_range(made_up, 0, CLOCK + 2 * FRAME); /* a second, then silence */
    assert_int_equal(0, media_jitter_delay_ms(p.j));
    until_playing(&p, i + 3000 / FRAME_MS);
    end(&p);
}

static void test_timestamps_and_numbers_wrap(void **state)
{
    (void)state;
    struct player p = begin();
    uint32_t first = UINT32_MAX / FRAME - 20, i = until_playing(&p, first); /* 20 before the wrap */
    for (uint32_t heard = first + 1; heard != first + 60; heard++, i++, p.now_ms += FRAME_MS) {
        uint8_t bytes[4] = {(uint8_t)(heard >> 24), 0, 0, 0};
        (void)bytes;
        assert_int_equal(MEDIA_PUT_OK, put(&p, i));
        assert_int_equal(MEDIA_GOT_PACKET, get(&p));
        assert_int_equal(heard, number(&p));
    }
    end(&p);
}

static void test_a_jump_of_the_clock_begins_anew(void **state)
{
    (void)state;
    struct player p = begin();
    until_playing(&p, 0);
    until_playing(&p, 1000000);
    until_playing(&p, 500); /* backwards, too */
    end(&p);
}

/* Packets whose delay is even between 0 and spread_ms, for s seconds; how late the player is then. */
static unsigned delay_under(struct player *p, unsigned spread_ms, unsigned s, unsigned *late)
{
    struct kit_random r;
    struct random_source dice = kit_random(&r, 4);
    uint64_t due[64] = {0};
    uint32_t sent = 0, base = (uint32_t)(p->now_ms / FRAME_MS);
    for (uint64_t end_ms = p->now_ms + (uint64_t)s * 1000; p->now_ms < end_ms; p->now_ms++) {
        if (p->now_ms % FRAME_MS == 0) {
            due[sent % 64] = p->now_ms + random_below(&dice, spread_ms + 1);
            sent++;
        }
        for (uint32_t i = sent > 64 ? sent - 64 : 0; i < sent; i++)
            if (due[i % 64] == p->now_ms && put(p, base + i) == MEDIA_PUT_LATE) ++*late;
        if (p->now_ms % FRAME_MS == 7) (void)get(p);
    }
    return media_jitter_delay_ms(p->j);
}

static void test_the_delay_follows_the_network(void **state)
{
    (void)state;
    struct player p = begin();
    unsigned late = 0;
    assert_in_range(delay_under(&p, 0, 10, &late), 20, 60);
    assert_int_equal(0, late);
    assert_in_range(delay_under(&p, 100, 20, &late), 90, 150);
    assert_in_range(media_jitter_target_ms(p.j), 90, 130);
    assert_in_range(late, 0, 20);
    (void)delay_under(&p, 1000, 20, &late); /* it does not follow everywhere */
    assert_in_range(media_jitter_target_ms(p.j), 200, MEDIA_JITTER_DELAY_MAX);
    end(&p);
}

/* Whoever sends faster than anybody plays gets no more than the slots there are. */
static void test_a_flood_keeps_the_newest(void **state)
{
    (void)state;
    struct player p = begin();
    for (uint32_t i = 0; i < 200; i++)
        assert_int_equal(MEDIA_PUT_OK, put(&p, i));
    unsigned played = 0;
    uint32_t last = 0;
    for (unsigned t = 0; t < 400; t++, p.now_ms += FRAME_MS) {
        if (get(&p) != MEDIA_GOT_PACKET) continue;
        assert_true(played == 0 || number(&p) > last);
        last = number(&p);
        played++;
    }
    assert_in_range(played, 1, MEDIA_JITTER_SLOTS);
    assert_int_equal(199, last);
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order_it_waits_for_the_least_delay_only),
        cmocka_unit_test(test_swapped_packets_come_out_in_order),
        cmocka_unit_test(test_what_is_not_taken),
        cmocka_unit_test(test_a_gap_is_told_with_the_packet_behind_it),
        cmocka_unit_test(test_silence_ends_and_begins_anew),
        cmocka_unit_test(test_timestamps_and_numbers_wrap),
        cmocka_unit_test(test_a_jump_of_the_clock_begins_anew),
        cmocka_unit_test(test_the_delay_follows_the_network),
        cmocka_unit_test(test_a_flood_keeps_the_newest),
    };
    return cmocka_run_group_tests_name("media/jitter", tests, NULL, NULL);
}
