/* sip/offer.h - offer and answer of one audio stream, as the phone makes them (RFC 3264): print an
 * offer, choose from an offer, print the answer, read an answer. Codecs, SRTP suites (in the order
 * of the describer), direction, telephone-event. Streams that are no audio, and further audio, are
 * refused by port 0. Pure functions; structs hold keys, their owners wipe them. */
#ifndef SIP_OFFER_H
#define SIP_OFFER_H
#include "sip/sdes.h"

enum { SIP_OFFER_CODEC_MAX = 8, SIP_OFFER_CRYPTO_MAX = 4 };

enum sip_offer_security {
    SIP_OFFER_PLAIN,       /* RTP/AVP, no keys; an offer of SRTP alone is refused */
    SIP_OFFER_BEST_EFFORT, /* RTP/AVP with a=crypto; plain if the other cannot */
    SIP_OFFER_FALLBACK,    /* RTP/SAVP with a=crypto; plain where the other side or a server between
                              made it so (X-cisco-srtp-fallback) */
    SIP_OFFER_ENCRYPTED,   /* RTP/SAVP with a=crypto; never plain */
};

struct sip_codec {
    struct str encoding; /* "PCMU", "PCMA", "opus" */
    unsigned payload;    /* ours */
    uint32_t clock_hz;
    unsigned channels; /* as rtpmap says: opus 2, others 1 */
    struct str fmtp;   /* may be empty */
};

/* What we would say of our side. Borrowed for the call. */
struct sip_offer {
    struct str username;              /* o=; empty: "-" */
    uint64_t session_id;              /* o=; stays through the session */
    uint64_t version;                 /* o=; one more with each changed description */
    struct str address;               /* ours, IPv4 or IPv6 without brackets */
    uint16_t port;                    /* RTP, even; RTCP one above; 0 is not allowed */
    bool rtcp_mux;                    /* offered, or agreed to where offered (RFC 5761) */
    enum sip_sdp_direction direction; /* sendonly: we hold */
    unsigned ptime_ms;                /* 0: no a=ptime */
    enum sip_offer_security security;
    struct sip_codec codecs[SIP_OFFER_CODEC_MAX]; /* in order of preference, 1 at least */
    unsigned codec_count;
    unsigned dtmf_payload; /* telephone-event/8000 (RFC 4733); 0: none */
    /* One key for each suite we take part in; tags count where we offer. Plain: not looked at. */
    struct sip_sdes cryptos[SIP_OFFER_CRYPTO_MAX];
    unsigned crypto_count;
};

/* What both agreed on. Slices point into the remote SDP. */
struct sip_session {
    unsigned media_index; /* of the audio stream in the remote SDP */
    unsigned media_count; /* m= lines there */
    unsigned codec_index; /* in offer->codecs */
    unsigned send_payload, receive_payload;
    struct str remote_fmtp;
    unsigned send_dtmf_payload, receive_dtmf_payload; /* 0: none */
    unsigned ptime_ms;                                /* the other side's wish; 0: none */
    enum sip_sdp_direction direction;                 /* ours */
    bool is_encrypted;
    unsigned crypto_index;  /* in offer->cryptos: the key we send with */
    struct sip_sdes crypto; /* the other's: the key we receive with */
    enum sip_sdp_proto proto;
    struct sip_host remote; /* where RTP goes; 0.0.0.0: nowhere now */
    uint16_t remote_port;
    struct sip_host remote_rtcp;
    uint16_t remote_rtcp_port; /* 0: none */
    bool rtcp_mux;
};

/* A whole body. before (may be NULL): the last description either side sent in this session; it
 * has as many m= lines, all but the one at media_index refused. A first offer has one. */
void sip_offer_print(struct buf *out, const struct sip_offer *local, const struct sip_sdp *before,
                     unsigned media_index);
/* What of remote's offer we take. RC_UNSUPPORTED: answer 488; *why then is a constant text fit for a
 * Warning, *warn_code its code of RFC 3261, 20.43 (305 codecs, 304 media, 302 profile, 399 keys). */
MUST_CHECK enum rc sip_offer_choose(const struct sip_offer *local, const struct sip_sdp *remote,
                                    struct sip_session *out, const char **why, unsigned *warn_code);
/* The answer for what sip_offer_choose chose from remote. */
void sip_answer_print(struct buf *out, const struct sip_offer *local, const struct sip_sdp *remote,
                      const struct sip_session *chosen);
/* What remote's answer took of our offer, whose audio stood at media_index of media_count.
 *   RC_UNSUPPORTED  the audio was refused (port 0), or nothing of ours was taken, or we offered
 *                   SRTP and it is not: hang up; *why as above
 *   RC_INVALID      no answer to our offer: other number of streams, another profile, a tag or
 *                   suite we did not offer */
MUST_CHECK enum rc sip_answer_read(const struct sip_offer *local, unsigned media_index,
                                   unsigned media_count, const struct sip_sdp *remote,
                                   struct sip_session *out, const char **why);

/* The direction of an answer: what the offer lets us do of what we want (RFC 3264, 6.1). */
static inline enum sip_sdp_direction sip_sdp_direction_answer(enum sip_sdp_direction offered,
                                                              enum sip_sdp_direction wanted)
{
    return (enum sip_sdp_direction)((unsigned)sip_sdp_direction_reverse(offered) &
                                    (unsigned)wanted);
}

#endif
