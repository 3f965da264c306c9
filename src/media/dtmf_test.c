/* media/dtmf_test.c - telephone events out and in. */
#include "kit/kit.h"

#include "media/dtmf.h"

struct wire {
    struct media_event event;
    uint32_t timestamp;
    bool marker;
};

/* Everything a sender says until it is done. */
static unsigned say(const char *digits, struct wire *out, unsigned cap, unsigned *steps)
{
    struct media_dtmf_sender s;
    uint8_t payload[MEDIA_EVENT_BYTES];
    unsigned n = 0;
    bool done = false;
    media_dtmf_sender_init(&s, MEDIA_DTMF_CLOCK);
    assert_rc(RC_OK, media_dtmf_queue(&s, str_from(digits)));
    for (*steps = 0; !done; ++*steps) {
        struct wire w;
        uint32_t now = 1000 + *steps * 160;
        enum media_dtmf_step step = media_dtmf_step(&s, now, payload, &w.timestamp, &w.marker,
                                                    &done);
        assert_true(*steps < 1000);
        if (step != MEDIA_DTMF_PACKET) continue;
        assert_true(n < cap);
        assert_rc(RC_OK, media_event_parse(bytes_of(payload, sizeof payload), &w.event));
        out[n++] = w;
    }
    assert_int_equal(MEDIA_DTMF_NOTHING,
                     media_dtmf_step(&s, 0, payload, &out[0].timestamp, &out[0].marker, &done));
    return n;
}

static void test_one_key(void **state)
{
    (void)state;
    struct wire w[16];
    unsigned steps, n = say("5", w, 16, &steps);
    assert_int_equal(7, n); /* 100 ms, the end three times */
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(5, w[i].event.event);
        assert_int_equal(1000, w[i].timestamp);
        assert_int_equal(i >= 4, w[i].event.end);
        assert_int_equal(i < 5 ? (i + 1) * 160 : 800, w[i].event.duration);
        if (i > 0) assert_false(w[i].marker);
    }
    assert_int_equal(10, steps); /* 140 ms of packets, 60 ms of gap */
}

static void test_the_marker_stands_on_the_first_packet(void **state)
{
    (void)state;
    struct media_dtmf_sender s;
    uint8_t payload[MEDIA_EVENT_BYTES];
    uint32_t ts;
    bool marker, done;
    media_dtmf_sender_init(&s, MEDIA_DTMF_CLOCK);
    assert_rc(RC_OK, media_dtmf_queue(&s, STR("d")));
    assert_int_equal(MEDIA_DTMF_PACKET, media_dtmf_step(&s, 0, payload, &ts, &marker, &done));
    assert_true(marker);
    assert_int_equal(15, payload[0]);
    assert_int_equal(MEDIA_DTMF_PACKET, media_dtmf_step(&s, 160, payload, &ts, &marker, &done));
    assert_false(marker);
}

static void test_what_cannot_be_queued(void **state)
{
    (void)state;
    struct media_dtmf_sender s;
    char many[MEDIA_DTMF_QUEUE + 1];
    memset(many, '1', sizeof many);
    media_dtmf_sender_init(&s, MEDIA_DTMF_CLOCK);
    assert_rc(RC_MALFORMED, media_dtmf_queue(&s, STR("12x")));
    assert_rc(RC_MALFORMED, media_dtmf_queue(&s, str_of("1\0", 2)));
    assert_int_equal(0, s.count);
    assert_rc(RC_BUSY, media_dtmf_queue(&s, str_of(many, sizeof many)));
    assert_rc(RC_OK, media_dtmf_queue(&s, str_of(many, sizeof many - 1)));
    assert_rc(RC_BUSY, media_dtmf_queue(&s, STR("1")));
    assert_rc(RC_OK, media_dtmf_queue(&s, STR("")));
}

static void test_a_pause_is_half_a_second(void **state)
{
    (void)state;
    struct wire w[16];
    unsigned steps;
    assert_int_equal(0, say(",", w, 16, &steps));
    assert_int_equal(500 / 20, steps);
}

/* Feeds wire packets whose bit in lost is clear; returns the keys heard. */
static unsigned listen(const struct wire *w, unsigned n, uint64_t lost, char *keys, unsigned *ends)
{
    struct media_dtmf_receiver r;
    struct media_dtmf_change c[3];
    unsigned count = 0;
    uint64_t now_ms = 0;
    *ends = 0;
    media_dtmf_receiver_init(&r, MEDIA_DTMF_CLOCK);
    for (unsigned i = 0; i < n; i++, now_ms += 20) {
        if (lost >> i & 1) continue;
        unsigned changes = media_dtmf_receive(&r, w[i].timestamp, &w[i].event, now_ms, c);
        for (unsigned k = 0; k < changes; k++) {
            if (c[k].ended)
                ++*ends;
            else
                keys[count++] = c[k].digit;
        }
    }
    if (media_dtmf_expire(&r, now_ms + 200, &c[0])) ++*ends;
    keys[count] = '\0';
    return count;
}

static void test_keys_come_through_whatever_is_lost(void **state)
{
    (void)state;
    struct wire w[64];
    char keys[64];
    unsigned steps, ends, n = say("1#a", w, 64, &steps);
    assert_int_equal(21, n);
    listen(w, n, 0, keys, &ends);
    assert_string_equal("1#A", keys);
    assert_int_equal(3, ends);
    for (unsigned shift = 0; shift < 21; shift++) { /* any six packets in a row */
        listen(w, n, (uint64_t)0x3F << shift, keys, &ends);
        assert_string_equal("1#A", keys);
        assert_int_equal(3, ends);
    }
    listen(w, n, UINT64_C(0x7F) << 7, keys, &ends); /* all of the second key */
    assert_string_equal("1A", keys);
}

static void test_durations(void **state)
{
    (void)state;
    struct media_dtmf_receiver r;
    struct media_dtmf_change c[3];
    struct media_event e = {.event = 3, .duration = 160};
    media_dtmf_receiver_init(&r, MEDIA_DTMF_CLOCK);
    assert_int_equal(1, media_dtmf_receive(&r, 5, &e, 0, c));
    assert_int_equal(20, c[0].duration_ms);
    e.duration = 800;
    e.end = true;
    assert_int_equal(1, media_dtmf_receive(&r, 5, &e, 100, c));
    assert_true(c[0].ended);
    assert_int_equal(100, c[0].duration_ms);
    assert_int_equal(0, media_dtmf_receive(&r, 5, &e, 120, c)); /* a copy */
    assert_false(media_dtmf_expire(&r, 10000, c));
    assert_int_equal(2, media_dtmf_receive(&r, 900, &e, 200, c)); /* only its end came */
    assert_int_equal(0, media_dtmf_receive(&r, 100, &e, 220, c)); /* from before */
    e.event = 16;                                                 /* a flash is no key */
    assert_int_equal(0, media_dtmf_receive(&r, 5000, &e, 240, c));
    assert_rc(RC_MALFORMED, media_event_parse(bytes_of("abc", 3), &e));
}

static void test_an_end_that_never_came(void **state)
{
    (void)state;
    struct media_dtmf_receiver r;
    struct media_dtmf_change c[3];
    struct media_event e = {.event = 10, .duration = 320};
    media_dtmf_receiver_init(&r, MEDIA_DTMF_CLOCK);
    assert_int_equal(1, media_dtmf_receive(&r, 5, &e, 1000, c));
    assert_int_equal('*', c[0].digit);
    assert_false(media_dtmf_expire(&r, 1199, c));
    assert_true(media_dtmf_expire(&r, 1200, c));
    assert_true(c[0].ended);
    assert_false(media_dtmf_expire(&r, 1300, c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_key),
        cmocka_unit_test(test_the_marker_stands_on_the_first_packet),
        cmocka_unit_test(test_what_cannot_be_queued),
        cmocka_unit_test(test_a_pause_is_half_a_second),
        cmocka_unit_test(test_keys_come_through_whatever_is_lost),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_an_end_that_never_came),
    };
    return cmocka_run_group_tests_name("media/dtmf", tests, NULL, NULL);
}
