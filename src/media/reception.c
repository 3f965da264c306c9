/* media/reception.c - what a receiver knows of one source (RFC 3550, appendix A). */
#include "media/reception.h"
#include "media/rtp.h"

enum { DROPOUT_MAX = 3000, MISORDER_MAX = 100, SEQ_MOD = 65536 };
#define BAD_SEQ_NONE (SEQ_MOD + 1u)

static void restart(struct media_reception *r, uint16_t seq)
{
    r->base_seq = seq;
    r->max_seq = seq;
    r->bad_seq = BAD_SEQ_NONE;
    r->cycles = 0;
    r->received = r->received_prior = r->expected_prior = 0;
    r->has_transit = false;
    r->jitter16 = 0;
}

void media_reception_init(struct media_reception *r, uint32_t ssrc, uint16_t seq, unsigned clock_hz,
                          bool trusted)
{
    *r = (struct media_reception){.ssrc = ssrc, .clock_hz = clock_hz};
    restart(r, seq);
    r->max_seq = (uint16_t)(seq - 1);
    r->probation = trusted ? 0 : MEDIA_PROBATION;
}

/* RFC 3550, A.1: true when the packet is in its place. */
static bool in_sequence(struct media_reception *r, uint16_t seq)
{
    uint16_t ahead = (uint16_t)(seq - r->max_seq);
    if (r->probation > 0) {
        r->probation = ahead == 1 ? r->probation - 1 : MEDIA_PROBATION - 1;
        r->max_seq = seq;
        if (r->probation > 0) return false;
        restart(r, seq);
        return true;
    }
    if (r->received == 0) {
        restart(r, seq);
        return true;
    }
    if (ahead < DROPOUT_MAX) {
        if (seq < r->max_seq) r->cycles += SEQ_MOD;
        r->max_seq = seq;
        return true;
    }
    if (ahead > SEQ_MOD - MISORDER_MAX) return true; /* a late or repeated one */
    if (seq == r->bad_seq) { /* two in a row far away: the sender began anew */
        restart(r, seq);
        return true;
    }
    r->bad_seq = (seq + 1u) & (SEQ_MOD - 1);
    return false;
}

/* RFC 3550, A.8 */
static void take_transit(struct media_reception *r, uint32_t timestamp, uint64_t now_ms)
{
    uint32_t arrival = (uint32_t)(now_ms * (r->clock_hz / 1000));
    int32_t transit = (int32_t)(arrival - timestamp);
    if (r->has_transit) {
        int64_t d = (int64_t)transit - r->transit;
        if (d < 0) d = -d;
        if (d < INT32_MAX / 32) /* a timestamp that jumped says nothing about the network */
            r->jitter16 += (uint32_t)d - ((r->jitter16 + 8) >> 4);
    }
    r->transit = transit;
    r->has_transit = true;
}

bool media_reception_packet(struct media_reception *r, uint16_t seq, uint32_t timestamp,
                            uint64_t now_ms)
{
    if (!in_sequence(r, seq)) return false;
    r->received++;
    take_transit(r, timestamp, now_ms);
    return true;
}

uint32_t media_reception_expected(const struct media_reception *r)
{
    return r->received == 0 ? 0 : r->cycles + r->max_seq - r->base_seq + 1;
}

int64_t media_reception_lost(const struct media_reception *r)
{
    return (int64_t)media_reception_expected(r) - r->received;
}

double media_reception_jitter_ms(const struct media_reception *r)
{
    return r->clock_hz == 0 ? 0 : (double)r->jitter16 / 16 * 1000 / r->clock_hz;
}

void media_reception_sender_report(struct media_reception *r, uint64_t ntp, uint64_t now_ms)
{
    r->last_sr = (uint32_t)(ntp >> 16);
    r->last_sr_ms = now_ms;
}

/* RFC 3550, A.3 */
static uint8_t take_fraction(struct media_reception *r)
{
    uint32_t expected = media_reception_expected(r);
    int64_t expected_now = (int64_t)expected - r->expected_prior;
    int64_t received_now = (int64_t)r->received - r->received_prior;
    int64_t lost = expected_now - received_now;
    r->expected_prior = expected;
    r->received_prior = r->received;
    if (expected_now <= 0 || lost <= 0) return 0;
    int64_t fraction = lost * 256 / expected_now;
    return (uint8_t)(fraction > 255 ? 255 : fraction);
}

void media_reception_block(struct media_reception *r, uint64_t now_ms, struct media_rtcp_block *out)
{
    int64_t lost = media_reception_lost(r);
    if (lost > INT32_MAX) lost = INT32_MAX;
    *out = (struct media_rtcp_block){
        .ssrc = r->ssrc,
        .fraction_lost = take_fraction(r),
        .lost = (int32_t)lost,
        .highest_seq = r->cycles + r->max_seq,
        .jitter = r->jitter16 >> 4,
        .last_sr = r->last_sr,
        .delay_since_last_sr = r->last_sr == 0
                                   ? 0
                                   : (uint32_t)((now_ms - r->last_sr_ms) * 65536 / 1000),
    };
}

int64_t media_round_trip(const struct media_rtcp_block *block, uint64_t now_ntp)
{
    if (block->last_sr == 0) return -1;
    uint32_t now = (uint32_t)(now_ntp >> 16);
    int32_t trip = (int32_t)(now - block->last_sr - block->delay_since_last_sr);
    if (trip < 0 && trip > -66) return 0; /* a millisecond lost to rounding on either side */
    return trip < 0 ? -1 : trip;
}
