/* media/jitter.h - the adaptive jitter buffer. Packets go in as they arrive; every so often the player
 * asks for what stands at its place in time. The delay follows the network: the spread of the last
 * seconds' transit times, between MIN and MAX. Knows no codec: a packet's duration is told. Bounded;
 * packets are copied. No clock: time is handed in. */
#ifndef MEDIA_JITTER_H
#define MEDIA_JITTER_H
#include "media/codec.h"

enum {
    MEDIA_JITTER_SLOTS = 64,     /* packets waiting at most */
    MEDIA_JITTER_DELAY_MIN = 40, /* ms */
    MEDIA_JITTER_DELAY_MAX = 240,
    MEDIA_JITTER_HISTORY = 250, /* packets: 5 s of a usual call */
};

struct media_jitter;
/* RC_NOMEM. */
MUST_CHECK enum rc media_jitter_new(unsigned clock_hz, struct media_jitter **out);
struct media_jitter *media_jitter_free(struct media_jitter *jitter); /* NULL */
/* Forgets all packets and times: a new source begins. */
void media_jitter_reset(struct media_jitter *jitter, unsigned clock_hz);

enum media_put {
    MEDIA_PUT_OK,
    MEDIA_PUT_LATE,      /* its time has passed */
    MEDIA_PUT_DUPLICATE, /* it is here already */
    MEDIA_PUT_BAD,       /* too long, or no samples */
};
/* A packet of `samples` samples from timestamp on. payload is copied, type kept beside it. */
enum media_put media_jitter_put(struct media_jitter *jitter, uint16_t seq, uint32_t timestamp,
                                unsigned samples, uint8_t type, struct bytes payload,
                                uint64_t now_ms);

enum media_got {
    MEDIA_GOT_NOTHING, /* nothing has begun, or nothing came for long: play silence */
    MEDIA_GOT_PACKET,
    MEDIA_GOT_LOST, /* make up `samples`; payload is the packet after the gap, if it is here */
    MEDIA_GOT_WAIT, /* as lost, but the player's place stays: the delay grows */
};
struct media_heard {
    enum media_got got;
    unsigned samples; /* what the player moves on by (LOST, WAIT: to be made up) */
    uint8_t type;
    struct bytes payload; /* valid until the next call on the buffer */
    bool hurry;           /* the delay is longer than needed: shorten this sound if it can be done
                             well, and say so with media_jitter_skipped */
};
/* What stands at the player's place. frame: what is made up at once. played_ahead: samples decoded before and not yet played. */
void media_jitter_get(struct media_jitter *jitter, unsigned frame, unsigned played_ahead,
                      uint64_t now_ms, struct media_heard *out);
void media_jitter_skipped(struct media_jitter *jitter, uint64_t now_ms);

unsigned media_jitter_delay_ms(const struct media_jitter *jitter);  /* now */
unsigned media_jitter_target_ms(const struct media_jitter *jitter); /* wanted */

#endif
