/* media/rtcp.h - compound RTCP packets (RFC 3550, 6): SR, RR, SDES and BYE, parsed one after the other
 * and printed. No state. Parsed slices point into the packet. */
#ifndef MEDIA_RTCP_H
#define MEDIA_RTCP_H
#include "base/buf.h"
#include "base/str.h"

enum media_rtcp_kind {
    MEDIA_RTCP_SR = 200,
    MEDIA_RTCP_RR = 201,
    MEDIA_RTCP_SDES = 202,
    MEDIA_RTCP_BYE = 203,
    MEDIA_RTCP_APP = 204,
};
enum { MEDIA_RTCP_BLOCKS_MAX = 31 };

struct media_rtcp_block {  /* RFC 3550, 6.4.1 */
    uint32_t ssrc;         /* of the source reported on */
    uint8_t fraction_lost; /* of 256 */
    int32_t lost;          /* in all; 24 bits on the wire */
    uint32_t highest_seq, jitter;
    uint32_t last_sr, delay_since_last_sr; /* 1/65536 s; both 0: no SR was seen */
};

struct media_rtcp_sender {
    uint64_t ntp; /* seconds since 1900 in the upper half */
    uint32_t timestamp, packets, octets;
};

/* One packet of the compound. */
struct media_rtcp {
    enum media_rtcp_kind kind; /* other kinds are stepped over */
    uint32_t ssrc;             /* of the sender; BYE and SDES: the first one named, 0 if none */
    struct media_rtcp_sender sender; /* SR */
    unsigned block_count;            /* SR, RR */
    struct media_rtcp_block blocks[MEDIA_RTCP_BLOCKS_MAX];
    struct str cname;      /* SDES: of the first source; BYE: the reason */
    unsigned source_count; /* BYE: sources leaving */
    struct bytes sources;  /* BYE: 4 bytes each */
};

struct media_rtcp_reader {
    struct bytes rest;
};
/* Checks the whole compound (RFC 3550, A.2): version, lengths adding up, padding in the last one only,
 * and an SR or RR first. RC_MALFORMED. */
MUST_CHECK enum rc media_rtcp_begin(struct bytes packet, struct media_rtcp_reader *out);
/* The next packet of a kind we know. RC_NOT_FOUND: no more; RC_MALFORMED. */
MUST_CHECK enum rc media_rtcp_next(struct media_rtcp_reader *reader, struct media_rtcp *out);
/* Does this BYE name ssrc? */
bool media_rtcp_bye_names(const struct media_rtcp *bye, uint32_t ssrc);

void media_rtcp_print_report(struct buf *out, uint32_t ssrc, const struct media_rtcp_sender *sender,
                             const struct media_rtcp_block *blocks, unsigned block_count);
void media_rtcp_print_cname(struct buf *out, uint32_t ssrc, struct str cname);
void media_rtcp_print_bye(struct buf *out, uint32_t ssrc);

#endif
