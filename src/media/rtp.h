/* media/rtp.h - RTP packets (RFC 3550, 5.1): parse and print, no state. A parsed packet points into
 * the bytes it came from. */
#ifndef MEDIA_RTP_H
#define MEDIA_RTP_H
#include "base/buf.h"
#include "base/str.h"

enum {
    MEDIA_RTP_HEADER = 12, /* bytes without CSRCs and extension */
    MEDIA_RTP_MAX = 1500,  /* bytes of a packet taken or sent, SRTP's trailer included */
    MEDIA_RTP_CSRC_MAX = 15,
};

struct media_rtp {
    uint8_t payload_type; /* 0..127 */
    bool marker;
    uint16_t seq;
    uint32_t timestamp, ssrc;
    unsigned csrc_count;
    uint32_t csrc[MEDIA_RTP_CSRC_MAX];
    bool has_extension;
    uint16_t extension_profile;
    struct bytes extension; /* a multiple of 4 bytes */
    struct bytes payload;   /* without padding */
};

/* RC_MALFORMED: not version 2, too short for what it announces, padding that does not fit. */
MUST_CHECK enum rc media_rtp_parse(struct bytes packet, struct media_rtp *out);
/* Without padding. */
void media_rtp_print(struct buf *out, const struct media_rtp *packet);

/* Which of the two a datagram on a shared port is (RFC 5761, 4): true for RTCP's types 64..95. */
bool media_is_rtcp(struct bytes packet);

/* How far a is ahead of b, in their own arithmetic. */
static inline int16_t media_seq_diff(uint16_t a, uint16_t b)
{
    return (int16_t)(uint16_t)(a - b);
}
static inline int32_t media_ts_diff(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

#endif
