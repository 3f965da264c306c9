/* media/stream_int.h - the inside of a stream, shared by its files: stream.c (plan, step), send.c,
 * receive.c and report.c (RTCP). */
#ifndef MEDIA_STREAM_INT_H
#define MEDIA_STREAM_INT_H
#include "media/dtmf.h"
#include "media/jitter.h"
#include "media/latch.h"
#include "media/reception.h"
#include "media/rtp.h"
#include "media/stream.h"

enum { STREAM_CNAME_MAX = 17 }; /* 96 bits in base64 (RFC 7022, 4.1) and a NUL */

struct stream_sender {
    struct media_encoder *encoder;
    struct media_srtp *srtp[MEDIA_SUITE_COUNT]; /* a key once used keeps its state */
    struct media_srtp_key keys[MEDIA_SUITE_COUNT];
    uint32_t ssrc, timestamp;
    uint16_t seq;
    bool marker;              /* the next packet begins a talkspurt */
    uint32_t packets, octets; /* of this SSRC, for sender reports */
    uint64_t packets_all, octets_all;
    uint32_t packets_reported;
    uint32_t noise; /* state of the comfort noise */
    struct media_dtmf_sender dtmf;
};

struct stream_receiver {
    struct media_decoder *decoder;
    struct media_srtp *srtp;
    struct media_srtp_key key;
    struct media_latch rtp, rtcp;
    struct media_jitter *jitter;
    bool has_source;
    struct media_reception source, candidate;
    struct net_addr collided; /* who used our SSRC last */
    struct media_dtmf_receiver dtmf;
    uint64_t last_ms; /* of the last good packet */
    uint64_t packets, octets, refused, late, concealed_samples;
    uint64_t expected_before, received_before; /* of earlier sources */
    unsigned ready_n;                          /* decoded samples that wait to be played */
    int16_t ready[MEDIA_PACKET_SAMPLES_MAX + MEDIA_FRAME_MAX];
    uint16_t level;
};

struct stream_reports {
    uint64_t next_ms;
    uint64_t mono_base_ms, ntp_base_ms; /* the wall clock is read once */
    char cname[STREAM_CNAME_MAX];
    int64_t round_trip; /* 1/65536 s; -1: not known */
    double peer_loss_percent, peer_jitter_ms;
    bool said_bye;
};

struct media_stream {
    struct media_stream_config config;
    bool has_plan, hold;
    struct media_plan plan;
    struct stream_sender send;
    struct stream_receiver receive;
    struct stream_reports reports;
};

static inline uint64_t sound_now_ms(const struct media_stream *s)
{
    return (uint64_t)clock_mono_ms(&s->config.clock);
}
static inline unsigned sound_clock_hz(const struct media_stream *s)
{
    return media_codec_info(s->plan.codec)->clock_hz;
}
static inline bool sound_sends(const struct media_stream *s)
{
    return ((unsigned)s->plan.direction & MEDIA_SENDONLY) && s->plan.rtp.family != NET_NONE;
}
static inline bool sound_plays(const struct media_stream *s)
{
    return ((unsigned)s->plan.direction & MEDIA_RECVONLY) && !s->hold;
}
static inline bool sound_is_encrypted(const struct media_stream *s)
{
    return s->plan.receive.suite != MEDIA_SUITE_NONE;
}

/* send.c */
void sound_new_ssrc(struct media_stream *s);
void sound_send_sound(struct media_stream *s, const int16_t *mic);

/* receive.c */
void sound_play(struct media_stream *s, int16_t *speaker);
void sound_tell_dtmf(struct media_stream *s, const struct media_dtmf_change *change);

/* report.c */
void sound_reports_init(struct media_stream *s);
void sound_report_if_due(struct media_stream *s);
void sound_say_bye(struct media_stream *s, uint32_t ssrc);
/* A whole RTCP packet, in the clear. False: it was none. */
bool sound_take_rtcp(struct media_stream *s, struct bytes packet);

#endif
