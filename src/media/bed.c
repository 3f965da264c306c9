/* media/bed.c - two streams and a simulated network. */
#include "media/bed.h"

#include "media/rtp.h"

enum { DTMF_TYPE = 101 };

static void put_on_the_wire(struct bed *bed, struct bed_end *from, bool rtcp, struct bytes packet)
{
    bed->sent_n++;
    if (random_below(&bed->dice, 100) < bed->loss_percent) {
        bed->lost_n++;
        return;
    }
    for (unsigned i = 0; i < BED_PACKETS; i++) {
        struct bed_packet *p = &bed->packets[i];
        if (p->used) continue;
        assert_true(packet.n <= sizeof p->bytes);
        *p = (struct bed_packet){.used = true, .rtcp = rtcp, .to = from->other, .n = packet.n};
        p->from = rtcp ? from->rtcp : from->rtp;
        p->due_ms = bed->time.mono_ms + bed->delay_ms;
        if (bed->jitter_ms > 0) p->due_ms += (int64_t)random_below(&bed->dice, bed->jitter_ms + 1);
        memcpy(p->bytes, packet.p, packet.n);
        return;
    }
    fail_msg("the wire is full");
}

static void on_send(void *ctx, bool rtcp, const struct net_addr *to, struct bytes packet)
{
    struct bed_end *end = ctx;
    const struct net_addr *there = rtcp ? &end->other->rtcp : &end->other->rtp;
    if (!net_addr_eq(to, there)) return; /* to nowhere */
    put_on_the_wire(end->bed, end, rtcp, packet);
    if (end->bed->duplicate) put_on_the_wire(end->bed, end, rtcp, packet);
}

static void on_dtmf(void *ctx, const struct media_dtmf *dtmf)
{
    struct bed_end *end = ctx;
    if (dtmf->ended) {
        end->ended_n++;
        end->last_duration_ms = dtmf->duration_ms;
    } else if (end->digit_n < BED_DIGITS - 1) {
        end->digits[end->digit_n++] = dtmf->digit;
    }
}

static void on_first_packet(void *ctx)
{
    ((struct bed_end *)ctx)->first_n++;
}

static void on_digits_sent(void *ctx)
{
    ((struct bed_end *)ctx)->sent_n++;
}

static void on_report(void *ctx)
{
    ((struct bed_end *)ctx)->report_n++;
}

static void on_bye(void *ctx)
{
    ((struct bed_end *)ctx)->bye_n++;
}

static const struct media_stream_events events = {
    .send = on_send,
    .on_dtmf = on_dtmf,
    .on_first_packet = on_first_packet,
    .on_digits_sent = on_digits_sent,
    .on_report = on_report,
    .on_bye = on_bye,
};

static void make_key(struct media_srtp_key *key, enum media_suite suite, uint8_t first)
{
    *key = (struct media_srtp_key){.suite = suite};
    for (size_t i = 0; i < media_suite_key_len(suite); i++)
        key->bytes[i] = (uint8_t)(first + i);
}

struct media_plan bed_plan(struct bed_end *end, enum media_codec codec, enum media_suite suite)
{
    struct media_plan plan = {
        .codec = codec,
        .send_type = (uint8_t)media_codec_info(codec)->offered_type,
        .receive_type = (uint8_t)media_codec_info(codec)->offered_type,
        .dtmf_send_type = DTMF_TYPE,
        .dtmf_receive_type = DTMF_TYPE,
        .direction = MEDIA_SENDRECV,
        .rtp = end->other->rtp,
        .rtcp = end->other->rtcp,
    };
    make_key(&plan.send, suite, end == &end->bed->a ? 1 : 100);
    make_key(&plan.receive, suite, end == &end->bed->a ? 100 : 1);
    return plan;
}

static void open_end(struct bed *bed, struct bed_end *end, uint64_t seed, unsigned heard_ms)
{
    struct media_stream_config config = {
        .random = kit_random(&end->random, seed),
        .clock = bed->clock,
        .events = &events,
        .ctx = end,
    };
    end->bed = bed;
    end->heard_cap = (size_t)MEDIA_RATE_MAX / 1000 * heard_ms;
    end->heard = malloc((end->heard_cap + 1) * sizeof *end->heard);
    assert_non_null(end->heard);
    assert_rc(RC_OK, media_stream_new(&config, &end->stream));
}

void bed_open(struct bed *bed, uint64_t seed, enum media_codec codec, enum media_suite suite,
              unsigned heard_ms)
{
    memset(bed, 0, sizeof *bed);
    bed->clock = kit_clock(&bed->time);
    bed->dice = kit_random(&bed->random, seed);
    bed->delay_ms = 5;
    bed->a.other = &bed->b;
    bed->b.other = &bed->a;
    bed->b.phase_ms = 7;
    bed->a.rtp = net_addr_v4(192, 0, 2, 1, 16384);
    bed->a.rtcp = net_addr_v4(192, 0, 2, 1, 16385);
    bed->b.rtp = net_addr_v4(192, 0, 2, 2, 20000);
    bed->b.rtcp = net_addr_v4(192, 0, 2, 2, 20001);
    open_end(bed, &bed->a, seed + 1, heard_ms);
    open_end(bed, &bed->b, seed + 2, heard_ms);
    struct media_plan plan = bed_plan(&bed->a, codec, suite);
    assert_rc(RC_OK, media_stream_set_plan(bed->a.stream, &plan));
    plan = bed_plan(&bed->b, codec, suite);
    assert_rc(RC_OK, media_stream_set_plan(bed->b.stream, &plan));
}

void bed_close(struct bed *bed)
{
    media_stream_free(bed->a.stream);
    media_stream_free(bed->b.stream);
    free(bed->a.heard);
    free(bed->b.heard);
}

static void deliver(struct bed *bed)
{
    for (unsigned i = 0; i < BED_PACKETS; i++) {
        struct bed_packet *p = &bed->packets[i];
        if (!p->used || p->due_ms > bed->time.mono_ms) continue;
        p->used = false;
        media_stream_receive(p->to->stream, p->rtcp, &p->from, bytes_of(p->bytes, p->n));
    }
}

static void step(struct bed_end *end)
{
    int16_t mic[MEDIA_FRAME_MAX] = {0}, speaker[MEDIA_FRAME_MAX];
    size_t n = media_stream_rate(end->stream) / 1000 * MEDIA_FRAME_MS;
    size_t left = end->mic_n - end->mic_at, take = left < n ? left : n;
    if (take > 0) memcpy(mic, end->mic + end->mic_at, take * sizeof *mic);
    end->mic_at += take;
    media_stream_step(end->stream, mic, speaker);
    if (end->heard_n + n > end->heard_cap) return;
    memcpy(end->heard + end->heard_n, speaker, n * sizeof *speaker);
    end->heard_n += n;
}

void bed_pass(struct bed *bed, unsigned ms)
{
    while (ms-- > 0) {
        kit_time_pass(&bed->time, 1);
        deliver(bed);
        if (bed->time.mono_ms % MEDIA_FRAME_MS == bed->a.phase_ms) step(&bed->a);
        if (bed->time.mono_ms % MEDIA_FRAME_MS == bed->b.phase_ms) step(&bed->b);
    }
}

void bed_speak(struct bed_end *end, const int16_t *pcm, size_t n)
{
    end->mic = pcm;
    end->mic_n = n;
    end->mic_at = 0;
}

struct media_stats bed_stats(const struct bed_end *end)
{
    struct media_stats stats;
    media_stream_stats(end->stream, &stats);
    return stats;
}
