/* media/stream.h - one audio stream without sockets: packets in, packets out, 20 ms of sound each way
 * a step. Joins RTP, SRTP, RTCP, the jitter buffer, the codecs and DTMF; session.h gives it ports and
 * sound. A function of what is handed in: packets, time, randomness. Not thread-safe. */
#ifndef MEDIA_STREAM_H
#define MEDIA_STREAM_H
#include "media/offer.h"

struct media_stream;

struct media_stream_events { /* none may be NULL */
    /* Send this datagram; rtcp: from the RTCP port. It is gone after return. */
    void (*send)(void *ctx, bool rtcp, const struct net_addr *to, struct bytes packet);
    void (*on_dtmf)(void *ctx, const struct media_dtmf *dtmf);
    void (*on_first_packet)(void *ctx);
    void (*on_digits_sent)(void *ctx);
    void (*on_report)(void *ctx);
    void (*on_bye)(void *ctx);
};

struct media_stream_config {
    struct random_source random;
    struct clock clock; /* mono_ms for all timing, unix_ms once, for the NTP times of reports */
    const struct media_stream_events *events; /* constant */
    void *ctx;
};

MUST_CHECK enum rc media_stream_new(const struct media_stream_config *config,
                                    struct media_stream **out);
/* Says nothing to the peer. NULL. */
struct media_stream *media_stream_free(struct media_stream *stream);

/* From now on by plan (copied). What has not changed goes on: SSRC, sequence numbers, keys' state. On
 * failure all stays as it was. RC_NOMEM, RC_IO. */
MUST_CHECK enum rc media_stream_set_plan(struct media_stream *stream,
                                         const struct media_plan *plan);
/* Local hold: comfort is sent instead of sound, what comes is not played. */
void media_stream_hold(struct media_stream *stream, bool hold);
unsigned media_stream_rate(const struct media_stream *stream); /* of steps; 0: no plan */

/* Every MEDIA_FRAME_MS: takes rate * 20 ms samples from mic (NULL: silence), fills speaker with as many.
 * Sends RTP, and RTCP when it is due. */
void media_stream_step(struct media_stream *stream, const int16_t *mic, int16_t *speaker);
/* A datagram; it may go after return. */
void media_stream_receive(struct media_stream *stream, bool rtcp_port, const struct net_addr *from,
                          struct bytes packet);
MUST_CHECK enum rc media_stream_dtmf(struct media_stream *stream, struct str digits);
void media_stream_bye(struct media_stream *stream); /* RTCP BYE, once */

uint64_t media_stream_quiet_ms(const struct media_stream *stream); /* since the last good packet */
void media_stream_stats(const struct media_stream *stream, struct media_stats *out);

#endif
