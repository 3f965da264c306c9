/* crypto/digest.h - SHA-256, HMAC-SHA-256, and MD5 for the one protocol that still asks for it (SIP
 * Digest, RFC 2617). One call for a whole input, or an object for input that comes in pieces. The
 * methods are fetched from libcrypto once a process, so no call searches for an algorithm. Safe
 * from any thread; one struct crypto_digest belongs to one thread at a time. */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H
#include "base/str.h"

enum { CRYPTO_SHA256_LEN = 32, CRYPTO_MD5_LEN = 16, CRYPTO_DIGEST_MAX = 32 };

/* All: RC_NOMEM; RC_UNSUPPORTED where libcrypto was told to refuse the method (MD5 under FIPS). */
MUST_CHECK enum rc crypto_sha256(struct bytes in, uint8_t out[CRYPTO_SHA256_LEN]);
MUST_CHECK enum rc crypto_hmac_sha256(struct bytes key, struct bytes in,
                                      uint8_t out[CRYPTO_SHA256_LEN]);
/* Not for anything new. */
MUST_CHECK enum rc crypto_md5(struct bytes in, uint8_t out[CRYPTO_MD5_LEN]);

enum crypto_digest_alg { CRYPTO_SHA256, CRYPTO_MD5 };

struct crypto_digest;

/* NULL when out of memory or the method is refused. */
struct crypto_digest *crypto_digest_new(enum crypto_digest_alg alg);
/* HMAC-SHA-256 in pieces; key may die after return. */
struct crypto_digest *crypto_digest_new_hmac(struct bytes key);
/* Remembers a failure, which crypto_digest_finish then returns. */
void crypto_digest_add(struct crypto_digest *d, struct bytes part);
/* Writes the digest (32 or 16 bytes) and starts anew with the same method and key. RC_NOMEM. */
MUST_CHECK enum rc crypto_digest_finish(struct crypto_digest *d, uint8_t out[CRYPTO_DIGEST_MAX]);
struct crypto_digest *crypto_digest_free(struct crypto_digest *d); /* NULL */

#endif
