/* crypto/sign.h - signing keys: P-256 (ES256) and RSA of 2048 to 4096 bits (RS256). A key knows its
 * one algorithm, so nothing read from a message can choose another. Keys are immutable and counted;
 * all functions are safe from any thread. What an operation needs of libcrypto is prepared when the
 * key is made. */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H
#include "base/buf.h"
#include "crypto/secret.h"

enum crypto_key_type { CRYPTO_KEY_EC_P256, CRYPTO_KEY_RSA };

enum {
    CRYPTO_RSA_BITS = 2048, /* of keys made here */
    CRYPTO_RSA_BITS_MAX = 4096,
    CRYPTO_SIGNATURE_MAX = CRYPTO_RSA_BITS_MAX / 8,
    CRYPTO_ES256_LEN = 64, /* r || s */
    CRYPTO_PEM_MAX = 16384,
};

struct crypto_key;

/* A new private key from the system's randomness. RC_NOMEM, RC_IO. */
MUST_CHECK enum rc crypto_key_generate(enum crypto_key_type type, struct crypto_key **out);
/* A private key (PKCS #8, SEC 1 or PKCS #1, not under a password) or a public one
 * (SubjectPublicKeyInfo). RC_MALFORMED, RC_UNSUPPORTED (another kind of key), RC_INVALID (RSA size
 * or exponent, a point off the curve), RC_TOO_BIG, RC_NOMEM. */
MUST_CHECK enum rc crypto_key_parse_pem(struct str pem, struct crypto_key **out);
/* PKCS #8; out was empty. RC_INVALID when the key is public only, RC_NOMEM. */
MUST_CHECK enum rc crypto_key_print_private_pem(const struct crypto_key *key, struct secret *out);
void crypto_key_print_public_pem(const struct crypto_key *key, struct buf *out);

struct crypto_key *crypto_key_ref(struct crypto_key *key);
struct crypto_key *crypto_key_unref(struct crypto_key *key); /* NULL */
enum crypto_key_type crypto_key_type(const struct crypto_key *key);
int crypto_key_bits(const struct crypto_key *key);
bool crypto_key_is_private(const struct crypto_key *key);
/* The same public key. */
bool crypto_key_equal(const struct crypto_key *a, const struct crypto_key *b);

/* The numbers of a public key, big-endian. */
struct crypto_public {
    enum crypto_key_type type;
    uint8_t x[32], y[32];               /* P-256 */
    uint8_t n[CRYPTO_RSA_BITS_MAX / 8]; /* RSA: modulus without leading zeros */
    size_t n_len;
    uint8_t e[8]; /* RSA: exponent without leading zeros */
    size_t e_len;
};

MUST_CHECK enum rc crypto_key_get_public(const struct crypto_key *key, struct crypto_public *out);
/* RC_INVALID (a point off the curve, RSA size or exponent out of range), RC_NOMEM. */
MUST_CHECK enum rc crypto_key_new_public(const struct crypto_public *numbers,
                                         struct crypto_key **out);

/* Signs SHA-256(data): r || s for P-256 (RFC 7518, 3.4), PKCS #1 v1.5 for RSA (3.3). RC_INVALID
 * when the key is public only, RC_NOMEM. */
MUST_CHECK enum rc crypto_sign(const struct crypto_key *key, struct bytes data,
                               uint8_t out[CRYPTO_SIGNATURE_MAX], size_t *out_n);
/* RC_DENIED when the signature does not fit (or has not the one right length), RC_NOMEM. */
MUST_CHECK enum rc crypto_verify(const struct crypto_key *key, struct bytes data,
                                 struct bytes signature);

#endif
