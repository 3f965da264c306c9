/* media/srtp.h - SRTP and SRTCP (RFC 3711, 7714) with keys from SDP (sip/sdes.h), over libsrtp2. One
 * object is one direction under one key. Replayed packets are refused; the sources a peer may show
 * under one key are bounded. Keys are wiped when their holder goes. Not thread-safe; objects of
 * different threads do not touch. */
#ifndef MEDIA_SRTP_H
#define MEDIA_SRTP_H
#include "base/clock.h"
#include "base/str.h"

/* In the order of enum sip_sdes_suite. */
enum media_suite {
    MEDIA_SUITE_NONE, /* plain RTP */
    MEDIA_AES_CM_128_HMAC_SHA1_80,
    MEDIA_AES_CM_128_HMAC_SHA1_32,
    MEDIA_AEAD_AES_128_GCM,
    MEDIA_AEAD_AES_256_GCM,
    MEDIA_SUITE_COUNT
};

enum {
    MEDIA_SRTP_KEY_MAX = 44,      /* bytes of key and salt together */
    MEDIA_SRTP_OVERHEAD_MAX = 20, /* bytes a protected RTP or RTCP packet may be longer */
    MEDIA_SRTP_ROOM = 160,        /* bytes libsrtp2 wants to find behind a packet it protects */
    MEDIA_SRTP_SOURCES_MAX = 16,  /* SSRCs taken under one receiving key */
};

struct str media_suite_name(enum media_suite suite); /* "AEAD_AES_256_GCM"; "" for none */
size_t media_suite_key_len(enum media_suite suite);  /* key and salt, bytes; 0 for none */

/* Key and salt. By value; whoever holds one wipes it. */
struct media_srtp_key {
    enum media_suite suite;
    uint8_t bytes[MEDIA_SRTP_KEY_MAX];
};
void media_srtp_key_make(struct media_srtp_key *key, enum media_suite suite,
                         const struct random_source *random);
void media_srtp_key_wipe(struct media_srtp_key *key);
bool media_srtp_key_eq(const struct media_srtp_key *a, const struct media_srtp_key *b);

struct media_srtp;
/* The library is set up once a process, whoever comes first. RC_NOMEM, RC_IO. */
MUST_CHECK enum rc media_srtp_sender_new(const struct media_srtp_key *key, struct media_srtp **out);
MUST_CHECK enum rc media_srtp_receiver_new(const struct media_srtp_key *key,
                                           struct media_srtp **out);
struct media_srtp *media_srtp_free(struct media_srtp *srtp); /* NULL */

/* In place: packet is aligned as a uint32_t, holds *n bytes and room for MEDIA_SRTP_ROOM more. */
MUST_CHECK enum rc media_srtp_protect(struct media_srtp *srtp, uint8_t *packet, size_t *n);
MUST_CHECK enum rc media_srtcp_protect(struct media_srtp *srtp, uint8_t *packet, size_t *n);
/* In place, aligned likewise. RC_DENIED: not authentic; RC_EXISTS: a replay or too old; RC_BUSY: a source too many;
 * RC_MALFORMED. After a failure packet's contents mean nothing. */
MUST_CHECK enum rc media_srtp_unprotect(struct media_srtp *srtp, uint8_t *packet, size_t *n);
MUST_CHECK enum rc media_srtcp_unprotect(struct media_srtp *srtp, uint8_t *packet, size_t *n);

#endif
