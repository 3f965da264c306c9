/* sip/sdes.h - a=crypto: keys of SRTP in SDP (RFC 4568; AES-GCM: RFC 7714). Reads one line into the
 * caller's struct, key bytes decoded and their number checked against the suite; prints one. The
 * struct holds a key: its owner wipes it. No allocation, no state: safe from any thread. */
#ifndef SIP_SDES_H
#define SIP_SDES_H
#include "sip/sdp.h"

enum sip_sdes_suite {
    SIP_SDES_NONE, /* none that we know */
    SIP_SDES_AES_CM_128_HMAC_SHA1_80,
    SIP_SDES_AES_CM_128_HMAC_SHA1_32,
    SIP_SDES_AEAD_AES_128_GCM,
    SIP_SDES_AEAD_AES_256_GCM,
    SIP_SDES_SUITE_COUNT
};

enum {
    SIP_SDES_KEY_MAX = 44,  /* bytes of key and salt together: AEAD_AES_256_GCM */
    SIP_SDES_MKI_MAX = 128, /* bytes */
    SIP_SDES_KEYS_MAX = 16, /* master keys in one line */
};

/* "AEAD_AES_256_GCM"; "" for SIP_SDES_NONE. */
struct str sip_sdes_suite_name(enum sip_sdes_suite s);
/* Exact; SIP_SDES_NONE for others. */
enum sip_sdes_suite sip_sdes_suite_from_name(struct str name);
/* Bytes of master key and of master salt; 0 for SIP_SDES_NONE. */
size_t sip_sdes_key_len(enum sip_sdes_suite s);
size_t sip_sdes_salt_len(enum sip_sdes_suite s);

/* One line; slices point into it. Of several master keys (they need an MKI each) the first is kept;
 * all are checked. */
struct sip_sdes {
    uint32_t tag; /* 0..999999999 */
    enum sip_sdes_suite suite;
    struct str suite_text;
    uint8_t key[SIP_SDES_KEY_MAX]; /* master key, then master salt */
    size_t key_len;                /* bytes of both: sip_sdes_key_len + sip_sdes_salt_len */
    unsigned key_count;            /* master keys in the line, 1..SIP_SDES_KEYS_MAX */
    uint64_t lifetime_packets;     /* 0: the suite's maximum */
    uint64_t mki;
    unsigned mki_len; /* bytes in each packet; 0: no MKI */
    bool plain_srtp, plain_srtcp, unauthenticated_srtp;
    struct str session_params; /* raw; may be empty */
};

/* value: behind "a=crypto:".
 *   RC_MALFORMED    breaks the grammar
 *   RC_INVALID      key or salt of the wrong length, lifetime over the suite's, MKI missing
 *   RC_UNSUPPORTED  an unknown suite, a method that is not inline, or a session parameter that must
 *                   be understood and is not (WSH and parameters with '-' are let be) */
MUST_CHECK enum rc sip_sdes_parse(struct str value, struct sip_sdes *out);
/* The next a=crypto line of lines that is all right and encrypts and authenticates RTP and RTCP;
 * others are passed over. c begins as cur_of(media->lines). False: no more. */
bool sip_sdes_next(struct cur *c, struct sip_sdes *out);
/* A stream that has at least one line as sip_sdes_next finds. */
bool sip_sdes_is_keyed(const struct sip_sdp_media *m);
/* "a=crypto:1 SUITE inline:KEYCRLF": tag, suite, key, key_len; nothing else of s. */
void sip_sdes_print(struct buf *out, const struct sip_sdes *s);

#endif
