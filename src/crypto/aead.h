/* crypto/aead.h - authenticated encryption under one key: AES-256-GCM, and AES-128-CBC with
 * HMAC-SHA-256 as one composite (RFC 7518, 5.2.3 and 5.3). The tag is always 16 bytes; a shorter
 * one is refused before anything is decrypted. A struct crypto_aead is immutable and may be used
 * from any thread. */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H
#include "base/str.h"

enum crypto_aead_alg { CRYPTO_A256GCM, CRYPTO_A128CBC_HS256 };

enum {
    CRYPTO_AEAD_KEY_LEN = 32, /* of both methods */
    CRYPTO_AEAD_TAG_LEN = 16, /* of both methods */
    CRYPTO_AEAD_IV_MAX = 16,
    CRYPTO_AEAD_PAD_MAX = 16, /* a sealed text is at most so much longer than the plain one */
    CRYPTO_AEAD_TEXT_MAX = 1 << 24,
};

struct crypto_aead;

/* key is 32 bytes and may die after return. RC_INVALID for another length, RC_NOMEM. */
MUST_CHECK enum rc crypto_aead_new(enum crypto_aead_alg alg, struct bytes key,
                                   struct crypto_aead **out);
struct crypto_aead *crypto_aead_free(struct crypto_aead *a); /* wipes the key; NULL */
enum crypto_aead_alg crypto_aead_alg(const struct crypto_aead *a);
/* 12 for A256GCM, 16 for A128CBC-HS256. */
size_t crypto_aead_iv_len(enum crypto_aead_alg alg);

/* Encrypts plain into out (cap bytes, at least plain.n + CRYPTO_AEAD_PAD_MAX). An iv must never
 * serve twice under one key. RC_INVALID (length of iv), RC_TOO_BIG, RC_NOMEM. */
MUST_CHECK enum rc crypto_aead_seal(const struct crypto_aead *a, struct bytes iv, struct bytes aad,
                                    struct bytes plain, uint8_t *out, size_t cap, size_t *out_n,
                                    uint8_t tag[CRYPTO_AEAD_TAG_LEN]);
/* Decrypts into out (cap >= sealed.n). RC_DENIED when the tag does not fit, whatever the reason
 * (then out holds nothing of the text); RC_INVALID (length of iv or tag), RC_TOO_BIG, RC_NOMEM. */
MUST_CHECK enum rc crypto_aead_open(const struct crypto_aead *a, struct bytes iv, struct bytes aad,
                                    struct bytes sealed, struct bytes tag, uint8_t *out, size_t cap,
                                    size_t *out_n);

#endif
