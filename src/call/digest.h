/* call/digest.h - Digest authentication of lines not yet moved to OAuth (RFC 3261, 22.4; RFC 8760;
 * RFC 7616). Nonces carry their time and a keyed hash over time and source address, so that none is
 * stored: a nonce is good for its validity, from the address it was given to. Replays within that
 * time are told by the nonce count, which the caller keeps with the flow. Pure: key, time and bytes
 * are arguments. */
#ifndef CALL_DIGEST_H
#define CALL_DIGEST_H
#include "base/arena.h"
#include "base/buf.h"
#include "crypto/secret.h"
#include "sip/auth.h"

enum { CALL_NONCE_LEN = 64 /* base64url letters are fewer */, CALL_DIGEST_KEY_LEN = 32 };

/* Appends a nonce for a peer (its source address without port). salt is random: two nonces of one
 * second must differ, as their counts are told apart by them. */
void call_nonce_print(struct buf *out, struct bytes key, int64_t now_unix_s, struct str source,
                      uint64_t salt);
/* RC_OK, RC_EXPIRED (ours once: answer stale=true), RC_DENIED (not ours, or for another source). */
MUST_CHECK enum rc call_nonce_check(struct str nonce, struct bytes key, int64_t now_unix_s,
                                    int64_t validity_s, struct str source);

/* HA1 = H(user:realm:password), as lower-case hexadecimal; "" where the method is not stored. */
struct call_ha1 {
    struct str md5, sha256;
};

/* Does d answer for method and uri (the request's method text, the Digest's own uri parameter is
 * compared by the caller) with one of the stored HA1? RC_OK, RC_DENIED, RC_UNSUPPORTED (algorithm
 * or qop not offered), RC_INVALID (a field is missing), RC_NOMEM. Compared in constant time. */
MUST_CHECK enum rc call_digest_check(const struct sip_digest *d, struct str method,
                                     const struct call_ha1 *ha1);
/* The nonce count, 0 without qop. RC_INVALID when it is not 8 hexadecimal digits. */
MUST_CHECK enum rc call_digest_nc(const struct sip_digest *d, uint32_t *nc);

#endif
