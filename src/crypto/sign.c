/* crypto/sign.c - signing and verifying. An ECDSA signature is r || s outside (RFC 7518, 3.4) and a
 * DER sequence of two integers inside libcrypto; the conversion is here. */
#include "crypto/digest.h"
#include "crypto/key_int.h"
#include "crypto/methods_int.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>

enum { HALF = CRYPTO_ES256_LEN / 2, DER_MAX = 2 + 2 * (2 + 1 + HALF) };

/* One DER INTEGER of an unsigned big-endian number: no needless leading zeros, one where the top
 * bit would make it negative (X.690, 8.3). */
static size_t der_put_integer(uint8_t *out, const uint8_t *number)
{
    size_t skip = 0;
    while (skip < HALF - 1 && number[skip] == 0)
        skip++;
    size_t pad = number[skip] >> 7, n = HALF - skip;
    out[0] = 2;
    out[1] = (uint8_t)(pad + n);
    out[2] = 0;
    memcpy(out + 2 + pad, number + skip, n);
    return 2 + pad + n;
}

static size_t der_from_halves(uint8_t out[DER_MAX], const uint8_t *rs)
{
    size_t n = der_put_integer(out + 2, rs);
    n += der_put_integer(out + 2 + n, rs + HALF);
    out[0] = 0x30;
    out[1] = (uint8_t)n;
    return 2 + n;
}

static bool halves_from_der(const uint8_t *der, size_t n, uint8_t out[CRYPTO_ES256_LEN])
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
    bool ok = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, HALF) == HALF &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + HALF, HALF) == HALF;
    ECDSA_SIG_free(sig);
    return ok;
}

enum rc crypto_sign(const struct crypto_key *key, struct bytes data,
                    uint8_t out[CRYPTO_SIGNATURE_MAX], size_t *out_n)
{
    uint8_t digest[CRYPTO_SHA256_LEN], sig[CRYPTO_SIGNATURE_MAX];
    size_t n = sizeof sig;
    if (!key->sign) return RC_INVALID;
    enum rc rc = crypto_sha256(data, digest);
    if (rc != RC_OK) return rc;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_dup(key->sign);
    bool ok = c && EVP_PKEY_sign(c, sig, &n, digest, sizeof digest) == 1;
    EVP_PKEY_CTX_free(c);
    if (ok && key->type == CRYPTO_KEY_EC_P256) {
        ok = halves_from_der(sig, n, out);
        n = CRYPTO_ES256_LEN;
    } else if (ok) {
        memcpy(out, sig, n);
    }
    if (!ok) {
        ERR_clear_error();
        return RC_NOMEM;
    }
    *out_n = n;
    return RC_OK;
}

static enum rc verify_digest(const struct crypto_key *key, const uint8_t *sig, size_t n,
                             const uint8_t digest[CRYPTO_SHA256_LEN])
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_dup(key->verify);
    if (!c) return RC_NOMEM;
    bool ok = EVP_PKEY_verify(c, sig, n, digest, CRYPTO_SHA256_LEN) == 1;
    EVP_PKEY_CTX_free(c);
    if (ok) return RC_OK;
    ERR_clear_error();
    return RC_DENIED;
}

enum rc crypto_verify(const struct crypto_key *key, struct bytes data, struct bytes signature)
{
    uint8_t digest[CRYPTO_SHA256_LEN], der[DER_MAX];
    bool ec = key->type == CRYPTO_KEY_EC_P256;
    size_t want = ec ? CRYPTO_ES256_LEN : (size_t)EVP_PKEY_get_size(key->pkey);
    if (signature.n != want) return RC_DENIED;
    enum rc rc = crypto_sha256(data, digest);
    if (rc != RC_OK) return rc;
    if (!ec) return verify_digest(key, signature.p, signature.n, digest);
    return verify_digest(key, der, der_from_halves(der, signature.p), digest);
}
