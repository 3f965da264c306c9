/* media/offer.h - from what we can and what the peer said to a plan both keep to: sip/offer.h reads
 * and prints the SDP, here it becomes codecs, addresses and keys of ours. Pure functions. Abilities and
 * plans hold keys: the caller wipes them. */
#ifndef MEDIA_OFFER_H
#define MEDIA_OFFER_H
#include "media/session.h"
#include "sip/offer.h"

/* What we bring to every offer and answer of one call. */
struct media_ability {
    enum media_security security;
    enum media_codec codecs[MEDIA_CODEC_COUNT]; /* in order of preference */
    size_t codec_count;
    struct media_srtp_key keys[SIP_OFFER_CRYPTO_MAX]; /* in order of preference, one a suite */
    size_t key_count;
    struct net_addr rtp; /* announced; RTCP is the port after it */
    uint64_t session_id, version;
    enum media_direction direction; /* what we want */
};
void media_ability_wipe(struct media_ability *ability);

/* What both agreed. */
struct media_plan {
    enum media_codec codec;
    uint8_t send_type, receive_type;       /* RTP payload types of codec */
    int dtmf_send_type, dtmf_receive_type; /* -1: none */
    enum media_direction direction;        /* ours */
    bool held;                             /* the peer wants nothing of us */
    struct net_addr rtp, rtcp;             /* the peer's; NET_NONE: it takes nothing */
    bool rtcp_mux;                         /* RTCP shares the RTP port */
    struct media_srtp_key send, receive;   /* suite NONE: plain */
};
void media_plan_wipe(struct media_plan *plan);

/* The stream's place among the m= lines; a session keeps it for its next offers. */
struct media_place {
    unsigned index, count;
};

/* before: the peer's last SDP, NULL before there is one. */
void media_offer_print(struct buf *out, const struct media_ability *ability,
                       const struct sip_sdp *before, struct media_place place);
/* The answer to the offer printed so. RC_MALFORMED, RC_INVALID: *why. */
MUST_CHECK enum rc media_answer_read(const struct media_ability *ability, struct media_place place,
                                     struct str answer, struct media_plan *out,
                                     struct media_refusal *why);
/* Takes an offer and prints the answer. RC_MALFORMED, RC_INVALID: *why, nothing is printed; RC_NOMEM and
 * RC_TOO_BIG: as out's buffer says. */
MUST_CHECK enum rc media_answer_make(const struct media_ability *ability, struct str offer,
                                     struct media_plan *out, struct media_place *place,
                                     struct buf *answer, struct media_refusal *why);

#endif
