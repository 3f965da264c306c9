/* media/reception.h - what a receiver knows of one source (RFC 3550, A.1, A.3, A.8): sequence numbers
 * with probation, packets lost, interarrival jitter, and the report block made of them. Time is handed
 * in. Plain memory, no ownership. */
#ifndef MEDIA_RECEPTION_H
#define MEDIA_RECEPTION_H
#include "media/rtcp.h"

enum { MEDIA_PROBATION = 2 }; /* packets in a row before a source is believed */

struct media_reception {
    uint32_t ssrc;
    unsigned clock_hz;
    uint16_t max_seq;
    uint32_t cycles, base_seq, bad_seq; /* cycles: wraps, times 65536 */
    unsigned probation;
    uint32_t received, received_prior, expected_prior;
    bool has_transit;
    int32_t transit;
    uint32_t jitter16; /* in timestamp units, times 16 */
    uint32_t last_sr;  /* middle of the last SR's NTP time, 0: none */
    uint64_t last_sr_ms;
};

/* A source first heard of with a packet of number seq. trusted (its packets are authentic): no
 * probation. */
void media_reception_init(struct media_reception *r, uint32_t ssrc, uint16_t seq, unsigned clock_hz,
                          bool trusted);
/* True: the packet counts. False: probation, a wild jump, or far too old. */
bool media_reception_packet(struct media_reception *r, uint16_t seq, uint32_t timestamp,
                            uint64_t now_ms);
uint32_t media_reception_expected(const struct media_reception *r);
int64_t media_reception_lost(const struct media_reception *r); /* duplicates make it negative */
double media_reception_jitter_ms(const struct media_reception *r);
void media_reception_sender_report(struct media_reception *r, uint64_t ntp, uint64_t now_ms);
/* The block for the next report; the interval of fraction_lost begins anew. */
void media_reception_block(struct media_reception *r, uint64_t now_ms,
                           struct media_rtcp_block *out);
/* Round trip of a block about us (RFC 3550, 6.4.1), in 1/65536 s; negative: the block cannot tell.
 * now_ntp in the form of our own SRs. */
int64_t media_round_trip(const struct media_rtcp_block *block, uint64_t now_ntp);

#endif
