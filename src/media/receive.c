/* media/receive.c - a stream's way in: from a datagram to sound. Each packet passes, in this order: the
 * key, the grammar, the latch, the source's sequence, the jitter buffer. */
#include "media/conceal.h"
#include "media/stream_int.h"

#include <stdalign.h>

enum {
    SOURCE_QUIET_MS = 100, /* another source may take over after this */
    PULLS_MAX = 16,        /* packets decoded for one frame */
};

/* ---- sources ---- */

static void become_source(struct media_stream *s, const struct media_reception *source)
{
    struct stream_receiver *r = &s->receive;
    r->expected_before += media_reception_expected(&r->source);
    r->received_before += r->source.received;
    r->source = *source;
    r->has_source = true;
    media_jitter_reset(r->jitter, sound_clock_hz(s));
    media_dtmf_receiver_init(&r->dtmf, MEDIA_DTMF_CLOCK);
}

/* Somebody new: believed after two packets in a row, or at once when the key proves it. It takes
 * over only when the present source is silent. */
static bool try_candidate(struct media_stream *s, const struct media_rtp *p, uint64_t now_ms)
{
    struct stream_receiver *r = &s->receive;
    if (r->has_source && now_ms - r->last_ms < SOURCE_QUIET_MS) return false;
    if (r->candidate.ssrc != p->ssrc || r->candidate.clock_hz != sound_clock_hz(s))
        media_reception_init(&r->candidate, p->ssrc, p->seq, sound_clock_hz(s),
                             sound_is_encrypted(s));
    if (!media_reception_packet(&r->candidate, p->seq, p->timestamp, now_ms)) return false;
    become_source(s, &r->candidate);
    r->candidate = (struct media_reception){0};
    return true;
}

/* The peer drew our number (RFC 3550, 8.2): we take another. If it happens again from the same
 * address, our own packets come back to us, and another number would not help. */
static void resolve_collision(struct media_stream *s, const struct net_addr *from)
{
    if (net_addr_eq(&s->receive.collided, from)) return;
    s->receive.collided = *from;
    sound_say_bye(s, s->send.ssrc);
    sound_new_ssrc(s);
}

static bool take_source(struct media_stream *s, const struct media_rtp *p,
                        const struct net_addr *from, uint64_t now_ms, bool *first)
{
    struct stream_receiver *r = &s->receive;
    if (p->ssrc == s->send.ssrc) {
        resolve_collision(s, from);
        return false;
    }
    if (r->has_source && p->ssrc == r->source.ssrc)
        return media_reception_packet(&r->source, p->seq, p->timestamp, now_ms);
    *first = try_candidate(s, p, now_ms);
    return *first;
}

/* ---- packets ---- */

void sound_tell_dtmf(struct media_stream *s, const struct media_dtmf_change *change)
{
    struct media_dtmf dtmf = {change->digit, change->ended, change->duration_ms};
    s->config.events->on_dtmf(s->config.ctx, &dtmf);
}

static void take_event(struct media_stream *s, const struct media_rtp *p, uint64_t now_ms)
{
    struct media_event event;
    struct media_dtmf_change changes[3];
    if (media_event_parse(p->payload, &event) != RC_OK) {
        s->receive.refused++;
        return;
    }
    unsigned n = media_dtmf_receive(&s->receive.dtmf, p->timestamp, &event, now_ms, changes);
    for (unsigned i = 0; i < n; i++)
        sound_tell_dtmf(s, &changes[i]);
}

static void take_sound(struct media_stream *s, const struct media_rtp *p, uint64_t now_ms)
{
    unsigned samples = media_payload_samples(s->plan.codec, p->payload);
    enum media_put put = media_jitter_put(s->receive.jitter, p->seq, p->timestamp, samples,
                                          p->payload_type, p->payload, now_ms);
    if (put == MEDIA_PUT_LATE) s->receive.late++;
    if (put == MEDIA_PUT_BAD) s->receive.refused++;
}

static bool is_wanted(const struct media_stream *s, unsigned type)
{
    return type == s->plan.receive_type || (int)type == s->plan.dtmf_receive_type;
}

/* False: refused. */
static bool take_rtp(struct media_stream *s, const struct net_addr *from, struct bytes bytes)
{
    struct media_rtp p;
    struct stream_receiver *r = &s->receive;
    uint64_t now_ms = sound_now_ms(s);
    bool first = false;
    if (media_rtp_parse(bytes, &p) != RC_OK || !is_wanted(s, p.payload_type)) return false;
    if (!media_latch_packet(&r->rtp, from, sound_is_encrypted(s))) return false;
    if (!take_source(s, &p, from, now_ms, &first)) return true; /* not yet, or no more */
    r->packets++;
    r->octets += p.payload.n;
    r->last_ms = now_ms;
    if (p.payload_type == s->plan.receive_type)
        take_sound(s, &p, now_ms);
    else
        take_event(s, &p, now_ms);
    if (first) s->config.events->on_first_packet(s->config.ctx);
    return true;
}

/* In the clear, RTCP is heard from the host that sends the sound, and from no other. */
static bool rtcp_may_come_from(struct media_stream *s, bool rtcp_port, const struct net_addr *from)
{
    struct stream_receiver *r = &s->receive;
    bool authentic = sound_is_encrypted(s);
    if (!authentic && r->rtp.fixed && !net_addr_ip_eq(&r->rtp.current, from)) return false;
    return media_latch_packet(rtcp_port ? &r->rtcp : &r->rtp, from, authentic);
}

static bool take_rtcp(struct media_stream *s, bool rtcp_port, const struct net_addr *from,
                      struct bytes bytes)
{
    struct media_rtcp_reader reader; /* looked at before the latch moves */
    return media_rtcp_begin(bytes, &reader) == RC_OK && rtcp_may_come_from(s, rtcp_port, from) &&
           sound_take_rtcp(s, bytes);
}

static enum rc open_packet(struct media_stream *s, bool is_rtcp, uint8_t *packet, size_t *n)
{
    if (!sound_is_encrypted(s)) return RC_OK;
    return is_rtcp ? media_srtcp_unprotect(s->receive.srtp, packet, n)
                   : media_srtp_unprotect(s->receive.srtp, packet, n);
}

void media_stream_receive(struct media_stream *s, bool rtcp_port, const struct net_addr *from,
                          struct bytes packet)
{
    alignas(uint32_t) uint8_t copy[MEDIA_RTP_MAX];
    if (!s->has_plan) return;
    bool is_rtcp = rtcp_port || (s->plan.rtcp_mux && media_is_rtcp(packet));
    size_t n = packet.n;
    if (n == 0 || n > sizeof copy) {
        s->receive.refused++;
        return;
    }
    memcpy(copy, packet.p, n);
    bool ok = open_packet(s, is_rtcp, copy, &n) == RC_OK &&
              (is_rtcp ? take_rtcp(s, rtcp_port, from, bytes_of(copy, n))
                       : take_rtp(s, from, bytes_of(copy, n)));
    if (!ok) s->receive.refused++;
}

/* ---- playing ---- */

static void decode_packet(struct media_stream *s, const struct media_heard *heard, int16_t *pcm,
                          unsigned *n)
{
    struct stream_receiver *r = &s->receive;
    if (media_decode(r->decoder, heard->payload, pcm, n) != RC_OK) {
        *n = heard->samples < MEDIA_FRAME_MAX ? heard->samples : MEDIA_FRAME_MAX;
        media_decode_lost(r->decoder, bytes_of(NULL, 0), pcm, *n);
        r->concealed_samples += *n;
        return;
    }
    if (heard->hurry && media_shorten(pcm, n, media_stream_rate(s)) > 0)
        media_jitter_skipped(r->jitter, sound_now_ms(s));
}

/* Adds to what is ready; there is room for the longest packet. */
static void pull(struct media_stream *s, unsigned frame)
{
    struct stream_receiver *r = &s->receive;
    struct media_heard heard;
    int16_t *pcm = r->ready + r->ready_n;
    unsigned n = frame;
    media_jitter_get(r->jitter, frame, r->ready_n, sound_now_ms(s), &heard);
    switch (heard.got) {
    case MEDIA_GOT_PACKET: decode_packet(s, &heard, pcm, &n); break;
    case MEDIA_GOT_LOST:
    case MEDIA_GOT_WAIT:
        n = heard.samples;
        media_decode_lost(r->decoder, heard.payload, pcm, n);
        r->concealed_samples += n;
        break;
    case MEDIA_GOT_NOTHING:
    default: memset(pcm, 0, n * sizeof *pcm); break;
    }
    r->ready_n += n;
}

static uint16_t level_of(const int16_t *pcm, unsigned n)
{
    int level = 0;
    for (unsigned i = 0; i < n; i++) {
        int v = pcm[i] < 0 ? -(int)pcm[i] : pcm[i];
        if (v > level) level = v;
    }
    return (uint16_t)level;
}

void sound_play(struct media_stream *s, int16_t *speaker)
{
    struct stream_receiver *r = &s->receive;
    unsigned frame = media_stream_rate(s) / 1000 * MEDIA_FRAME_MS;
    for (unsigned i = 0; r->ready_n < frame && i < PULLS_MAX; i++)
        pull(s, frame);
    if (r->ready_n < frame) { /* packets of a sample or two: nobody's sound */
        memset(r->ready + r->ready_n, 0, (frame - r->ready_n) * sizeof *r->ready);
        r->ready_n = frame;
    }
    if (sound_plays(s))
        memcpy(speaker, r->ready, frame * sizeof *speaker);
    else
        memset(speaker, 0, frame * sizeof *speaker);
    r->ready_n -= frame;
    memmove(r->ready, r->ready + frame, r->ready_n * sizeof *r->ready);
    r->level = level_of(speaker, frame);
}
