/* media/offer.h - offer and answer (RFC 3264) for one audio stream with SDES keys (RFC 4568): pure
 * functions from what we can and what the peer said to a plan both keep to. No state but what is handed
 * in; keys in a plan are the caller's to wipe (media_plan_wipe). */
#ifndef MEDIA_OFFER_H
#define MEDIA_OFFER_H
#include "base/arena.h"
#include "media/session.h"

/* What we bring to every offer and answer of one call. Keys: one a suite, made once a call. */
struct media_ability {
    enum media_security security;
    enum media_codec codecs[MEDIA_CODEC_COUNT];
    size_t codec_count;
    struct media_srtp_key keys[MEDIA_SUITE_COUNT]; /* in order of preference */
    size_t key_count;
    struct net_addr rtp; /* announced; RTCP is the port after it */
    uint64_t session_id, version;
    enum media_direction direction; /* what we want */
};

/* What both agreed. */
struct media_plan {
    enum media_codec codec;
    uint8_t send_type, receive_type;       /* RTP payload types of codec */
    int dtmf_send_type, dtmf_receive_type; /* -1: none */
    enum media_direction direction;        /* ours */
    enum media_direction peer;             /* as the peer said it, from its side */
    struct net_addr rtp, rtcp;             /* the peer's; NET_NONE: it takes nothing */
    bool rtcp_mux;                         /* RTCP shares the RTP port */
    struct media_srtp_key send, receive;   /* suite NONE: plain */
};
void media_plan_wipe(struct media_plan *plan);

void media_offer_print(struct buf *out, const struct media_ability *ability);
/* The answer to the offer media_offer_print made of ability. RC_MALFORMED, RC_INVALID: *why. */
MUST_CHECK enum rc media_answer_read(const struct media_ability *ability, struct str answer,
                                     struct arena *arena, struct media_plan *out,
                                     struct media_refusal *why);
/* Takes an offer and prints the answer. send_key (suite NONE: none yet) is used again if its suite is
 * the one agreed. */
MUST_CHECK enum rc media_answer_make(const struct media_ability *ability, struct str offer,
                                     struct arena *arena, struct media_plan *out,
                                     struct buf *answer, struct media_refusal *why);

#endif
