/* media/stream_test.c - two streams over a simulated network: memory, keys, strangers, reports. How
 * good it sounds is quality_test.c's. */
#include "kit/kit.h"

#include "media/bed.h"
#include "media/fixture.h"

enum { LIMIT_MS = 60000 };

static int16_t *voice_of(enum media_codec codec, unsigned ms, size_t *count)
{
    unsigned rate_hz = media_codec_info(codec)->rate_hz;
    *count = (size_t)rate_hz / 1000 * ms;
    int16_t *pcm = malloc(*count * sizeof *pcm);
    assert_non_null(pcm);
    fixture_voice(pcm, *count, rate_hz, 5);
    return pcm;
}

/* ---- memory ---- */

/* Each codec under each suite, with loss and jitter: after the first seconds no packet, sent or
 * received, no report and no key costs an allocation of ours. */
static void test_packets_cost_no_allocation(void **state)
{
    (void)state;
    static struct bed bed;
    for (unsigned codec = 0; codec < MEDIA_CODEC_COUNT; codec++) {
        for (unsigned suite = 0; suite < MEDIA_SUITE_COUNT; suite++) {
            size_t count;
            int16_t *pcm = voice_of((enum media_codec)codec, 6000, &count);
            bed_open(&bed, 3, (enum media_codec)codec, (enum media_suite)suite, 0);
            bed.loss_percent = 5;
            bed.jitter_ms = 40;
            bed_speak(&bed.a, pcm, count);
            bed_pass(&bed, 2000);
            unsigned long before = kit_alloc_count();
            uint64_t packets = bed_stats(&bed.b).received_packets;
            assert_rc(RC_OK, media_stream_dtmf(bed.a.stream, STR("12")));
            bed_pass(&bed, 8000);
            assert_int_equal(before, kit_alloc_count());
            assert_true(bed_stats(&bed.b).received_packets > packets + 300);
            assert_true(bed.a.report_n > 0 && bed.b.digit_n == 2);
            bed_close(&bed);
            free(pcm);
        }
    }
}

/* ---- keys ---- */

static void rekey(struct bed_end *end, enum media_suite suite, uint8_t a, uint8_t b)
{
    struct media_plan plan = bed_plan(end, MEDIA_PCMA, suite);
    bool is_a = end == &end->bed->a;
    plan.send.bytes[0] = is_a ? a : b;
    plan.receive.bytes[0] = is_a ? b : a;
    assert_rc(RC_OK, media_stream_set_plan(end->stream, &plan));
}

/* A re-INVITE brings new keys for both: the sound goes on under them, and what was sealed with the
 * old ones opens no more. */
static void test_keys_change_in_the_middle(void **state)
{
    (void)state;
    static struct bed bed;
    for (unsigned suite = 1; suite < MEDIA_SUITE_COUNT; suite++) {
        unsigned other = suite % (MEDIA_SUITE_COUNT - 1) + 1;
        bed_open(&bed, 5, MEDIA_PCMA, (enum media_suite)suite, 0);
        bed_pass(&bed, 1000);
        rekey(&bed.a, (enum media_suite)suite, 51, 52); /* same suite, other keys */
        rekey(&bed.b, (enum media_suite)suite, 51, 52);
        bed_pass(&bed, 1000);
        uint64_t refused = bed_stats(&bed.b).refused_packets; /* those under way then */
        assert_in_range(refused, 0, 2);
        assert_in_range(bed_stats(&bed.b).lost_packets, 0, 2);
        rekey(&bed.a, (enum media_suite)other, 53, 54);
        rekey(&bed.b, (enum media_suite)other, 53, 54);
        bed_pass(&bed, 1000);
        assert_in_range(bed_stats(&bed.b).refused_packets, refused, refused + 2);
        assert_true(bed_stats(&bed.b).received_packets > 140);
        assert_int_equal(other, bed_stats(&bed.b).suite);
        rekey(&bed.b, (enum media_suite)other, 99, 54); /* b waits for a key a does not have */
        uint64_t received = bed_stats(&bed.b).received_packets;
        bed_pass(&bed, 1000);
        assert_int_equal(received, bed_stats(&bed.b).received_packets);
        bed_close(&bed);
    }
}

static void test_every_packet_twice_is_heard_once(void **state)
{
    (void)state;
    static struct bed bed;
    for (unsigned suite = 0; suite < MEDIA_SUITE_COUNT; suite++) {
        bed_open(&bed, 6, MEDIA_PCMA, (enum media_suite)suite, 0);
        bed.duplicate = true;
        bed_pass(&bed, 3000);
        struct media_stats stats = bed_stats(&bed.b);
        if (suite != MEDIA_SUITE_NONE) { /* a replay is refused before anybody looks at it */
            assert_in_range(stats.refused_packets, stats.received_packets - 2,
                            stats.received_packets + 2);
        }
        assert_int_equal(0, stats.lost_packets);
        assert_int_equal(0, stats.concealed_ms);
        bed_close(&bed);
    }
}

/* ---- strangers ---- */

static struct net_addr stranger(void)
{
    return net_addr_v4(203, 0, 113, 66, 9999);
}

/* The last packet a sent to b, taken from the wire. */
static struct bed_packet *packet_under_way(struct bed *bed)
{
    for (unsigned t = 0; t < LIMIT_MS; t++) {
        bed_pass(bed, 1);
        for (unsigned i = 0; i < BED_PACKETS; i++) {
            struct bed_packet *p = &bed->packets[i];
            if (p->used && p->to == &bed->b && !p->rtcp) return p;
        }
    }
    fail_msg("a sends nothing");
    return NULL;
}

static void test_a_plain_stream_hears_no_stranger_after_its_first_packet(void **state)
{
    (void)state;
    static struct bed bed;
    bed_open(&bed, 7, MEDIA_PCMA, MEDIA_SUITE_NONE, 0);
    bed_pass(&bed, 500);
    struct bed_packet forged = *packet_under_way(&bed);
    struct net_addr from = stranger(), peer = bed.a.rtp;
    struct media_stats before = bed_stats(&bed.b);
    for (unsigned i = 0; i < 50; i++) {
        forged.bytes[3]++; /* sequence number */
        media_stream_receive(bed.b.stream, false, &from, bytes_of(forged.bytes, forged.n));
    }
    struct media_stats after = bed_stats(&bed.b);
    assert_int_equal(before.received_packets, after.received_packets);
    assert_int_equal(before.refused_packets + 50, after.refused_packets);
    assert_true(net_addr_eq(&peer, &after.remote));
    bed_pass(&bed, 1000); /* and the true one goes on */
    assert_true(bed_stats(&bed.b).received_packets >= before.received_packets + 45);
    bed_close(&bed);
}

/* Under SRTP the peer may move (another network, another NAT); a stranger who repeats its packets from
 * elsewhere moves nothing. */
static void test_an_encrypted_stream_follows_the_key_and_no_replay(void **state)
{
    (void)state;
    static struct bed bed;
    bed_open(&bed, 8, MEDIA_PCMA, MEDIA_AEAD_AES_256_GCM, 0);
    bed_pass(&bed, 500);
    struct bed_packet copy = *packet_under_way(&bed);
    struct net_addr from = stranger(), peer = bed.a.rtp;
    bed_pass(&bed, 100); /* the packet itself has come */
    media_stream_receive(bed.b.stream, false, &from, bytes_of(copy.bytes, copy.n));
    struct media_stats stats = bed_stats(&bed.b);
    assert_true(net_addr_eq(&peer, &stats.remote));
    assert_int_equal(1, stats.refused_packets);
    bed.a.rtp = net_addr_v4(198, 51, 100, 4, 7000);
    bed_pass(&bed, 100);
    stats = bed_stats(&bed.b);
    assert_true(net_addr_eq(&bed.a.rtp, &stats.remote));
    bed_close(&bed);
}

static void test_rubbish_is_counted_and_nothing_else(void **state)
{
    (void)state;
    static struct bed bed;
    static const uint8_t bytes[MEDIA_PAYLOAD_MAX + 200] = {0x80, 8};
    struct net_addr from;
    bed_open(&bed, 9, MEDIA_PCMA, MEDIA_SUITE_NONE, 0);
    from = bed.a.rtp;
    bed_pass(&bed, 500);
    struct media_stats before = bed_stats(&bed.b);
    static const size_t sizes[] = {0, 1, 11, sizeof bytes};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct str guarded = kit_guard(str_of((const char *)bytes, sizes[i]));
        media_stream_receive(bed.b.stream, false, &from, str_bytes(guarded));
        media_stream_receive(bed.b.stream, true, &from, str_bytes(guarded));
        kit_guard_free(guarded);
    }
    struct media_stats after = bed_stats(&bed.b);
    assert_int_equal(before.refused_packets + 8, after.refused_packets);
    assert_int_equal(before.received_packets, after.received_packets);
    bed_close(&bed);
}

/* ---- reports ---- */

static void test_loss_jitter_and_round_trip_are_told(void **state)
{
    (void)state;
    static struct bed bed;
    bed_open(&bed, 10, MEDIA_PCMU, MEDIA_AES_CM_128_HMAC_SHA1_80, 0);
    assert_int_equal(-1, bed_stats(&bed.a).round_trip_ms);
    bed.loss_percent = 10;
    bed.delay_ms = 30;
    bed.jitter_ms = 20;
    bed_pass(&bed, LIMIT_MS);
    struct media_stats a = bed_stats(&bed.a), b = bed_stats(&bed.b);
    assert_in_range((int)a.loss_percent, 7, 13);
    assert_in_range((int)b.peer_loss_percent, 1, 25); /* of the last seconds */
    assert_in_range((int)a.jitter_ms, 4, 12);
    assert_in_range((int)b.peer_jitter_ms, 4, 12);
    assert_in_range(a.round_trip_ms, 60, 105);
    assert_in_range(b.round_trip_ms, 60, 105);
    char text[160];
    struct buf out;
    buf_init_fixed(&out, text, sizeof text - 1);
    media_stats_print(&out, &a);
    text[out.n] = '\0';
    assert_non_null(strstr(text, "round trip"));
    media_stream_bye(bed.a.stream);
    bed.loss_percent = 0;
    bed_pass(&bed, 100);
    assert_true(bed.b.bye_n <= 1);
    bed_close(&bed);
}

static void test_silence_is_measured(void **state)
{
    (void)state;
    static struct bed bed;
    bed_open(&bed, 11, MEDIA_PCMU, MEDIA_AEAD_AES_128_GCM, 0);
    bed_pass(&bed, 1000);
    assert_in_range(media_stream_quiet_ms(bed.b.stream), 0, 20);
    bed.loss_percent = 100;
    bed_pass(&bed, 5000);
    assert_in_range(media_stream_quiet_ms(bed.b.stream), 4900, 5020);
    bed_close(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets_cost_no_allocation),
        cmocka_unit_test(test_keys_change_in_the_middle),
        cmocka_unit_test(test_every_packet_twice_is_heard_once),
        cmocka_unit_test(test_a_plain_stream_hears_no_stranger_after_its_first_packet),
        cmocka_unit_test(test_an_encrypted_stream_follows_the_key_and_no_replay),
        cmocka_unit_test(test_rubbish_is_counted_and_nothing_else),
        cmocka_unit_test(test_loss_jitter_and_round_trip_are_told),
        cmocka_unit_test(test_silence_is_measured),
    };
    return cmocka_run_group_tests_name("media/stream", tests, NULL, NULL);
}
