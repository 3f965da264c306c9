#include "crypto/aead.h"

#include "crypto/digest.h"
#include "crypto/methods_int.h"
#include "crypto/secret.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdlib.h>

enum { CBC_KEY_LEN = 16, CBC_BLOCK_LEN = 16 };

struct crypto_aead {
    enum crypto_aead_alg alg;
    uint8_t
        key[CRYPTO_AEAD_KEY_LEN]; /* composite: MAC key, then encryption key (RFC 7518, 5.2.2.1) */
    EVP_MAC_CTX *mac;             /* composite: HMAC with its key set; only ever duplicated */
};

static EVP_MAC_CTX *mac_prepare(const uint8_t *key)
{
    char sha256[] = "SHA2-256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(crypto_methods()->hmac);
    if (mac && EVP_MAC_init(mac, key, CBC_KEY_LEN, params) == 1) return mac;
    EVP_MAC_CTX_free(mac);
    ERR_clear_error();
    return NULL;
}

enum rc crypto_aead_new(enum crypto_aead_alg alg, struct bytes key, struct crypto_aead **out)
{
    if (key.n != CRYPTO_AEAD_KEY_LEN) return RC_INVALID;
    struct crypto_aead *a = calloc(1, sizeof *a);
    if (!a) return RC_NOMEM;
    a->alg = alg;
    memcpy(a->key, key.p, key.n);
    if (alg == CRYPTO_A128CBC_HS256 && !(a->mac = mac_prepare(a->key))) {
        crypto_aead_free(a);
        return RC_NOMEM;
    }
    *out = a;
    return RC_OK;
}

struct crypto_aead *crypto_aead_free(struct crypto_aead *a)
{
    if (!a) return NULL;
    EVP_MAC_CTX_free(a->mac);
    crypto_wipe(a->key, sizeof a->key);
    free(a);
    return NULL;
}

enum crypto_aead_alg crypto_aead_alg(const struct crypto_aead *a)
{
    return a->alg;
}

size_t crypto_aead_iv_len(enum crypto_aead_alg alg)
{
    return alg == CRYPTO_A256GCM ? 12 : CBC_BLOCK_LEN;
}

static bool gcm_seal(EVP_CIPHER_CTX *c, const struct crypto_aead *a, struct bytes iv,
                     struct bytes aad, struct bytes plain, uint8_t *out, int *n, uint8_t *tag)
{
    int done = 0;
    *n = 0;
    return EVP_EncryptInit_ex2(c, crypto_methods()->aes_256_gcm, a->key, iv.p, NULL) == 1 &&
           (aad.n == 0 || EVP_EncryptUpdate(c, NULL, &done, aad.p, (int)aad.n) == 1) &&
           (plain.n == 0 || EVP_EncryptUpdate(c, out, n, plain.p, (int)plain.n) == 1) &&
           EVP_EncryptFinal_ex(c, out + *n, &done) == 1 &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, CRYPTO_AEAD_TAG_LEN, tag) == 1;
}

static bool gcm_open(EVP_CIPHER_CTX *c, const struct crypto_aead *a, struct bytes iv,
                     struct bytes aad, struct bytes sealed, struct bytes tag, uint8_t *out, int *n)
{
    int done = 0;
    uint8_t want[CRYPTO_AEAD_TAG_LEN];
    memcpy(want, tag.p, sizeof want);
    *n = 0;
    return EVP_DecryptInit_ex2(c, crypto_methods()->aes_256_gcm, a->key, iv.p, NULL) == 1 &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, CRYPTO_AEAD_TAG_LEN, want) == 1 &&
           (aad.n == 0 || EVP_DecryptUpdate(c, NULL, &done, aad.p, (int)aad.n) == 1) &&
           (sealed.n == 0 || EVP_DecryptUpdate(c, out, n, sealed.p, (int)sealed.n) == 1) &&
           EVP_DecryptFinal_ex(c, out + *n, &done) == 1;
}

/* HMAC over AAD, IV, ciphertext and the bit length of AAD, cut to 16 bytes (RFC 7518, 5.2.2.1). */
static enum rc composite_tag(const struct crypto_aead *a, struct bytes iv, struct bytes aad,
                             struct bytes sealed, uint8_t tag[CRYPTO_AEAD_TAG_LEN])
{
    uint8_t full[CRYPTO_SHA256_LEN], al[8];
    size_t n = 0;
    for (int i = 0; i < 8; i++)
        al[i] = (uint8_t)((uint64_t)aad.n * 8 >> (56 - 8 * i));
    EVP_MAC_CTX *mac = EVP_MAC_CTX_dup(a->mac);
    bool ok = mac && (aad.n == 0 || EVP_MAC_update(mac, aad.p, aad.n) == 1) &&
              EVP_MAC_update(mac, iv.p, iv.n) == 1 &&
              (sealed.n == 0 || EVP_MAC_update(mac, sealed.p, sealed.n) == 1) &&
              EVP_MAC_update(mac, al, sizeof al) == 1 &&
              EVP_MAC_final(mac, full, &n, sizeof full) == 1;
    EVP_MAC_CTX_free(mac);
    if (!ok) return RC_NOMEM;
    memcpy(tag, full, CRYPTO_AEAD_TAG_LEN);
    return RC_OK;
}

static bool cbc_seal(EVP_CIPHER_CTX *c, const struct crypto_aead *a, struct bytes iv,
                     struct bytes plain, uint8_t *out, int *n)
{
    int rest = 0;
    *n = 0;
    if (EVP_EncryptInit_ex2(c, crypto_methods()->aes_128_cbc, a->key + CBC_KEY_LEN, iv.p, NULL) !=
            1 ||
        (plain.n && EVP_EncryptUpdate(c, out, n, plain.p, (int)plain.n) != 1) ||
        EVP_EncryptFinal_ex(c, out + *n, &rest) != 1)
        return false;
    *n += rest;
    return true;
}

static bool cbc_open(EVP_CIPHER_CTX *c, const struct crypto_aead *a, struct bytes iv,
                     struct bytes sealed, uint8_t *out, int *n)
{
    int rest = 0;
    *n = 0;
    if (EVP_DecryptInit_ex2(c, crypto_methods()->aes_128_cbc, a->key + CBC_KEY_LEN, iv.p, NULL) !=
            1 ||
        EVP_DecryptUpdate(c, out, n, sealed.p, (int)sealed.n) != 1 ||
        EVP_DecryptFinal_ex(c, out + *n, &rest) != 1)
        return false;
    *n += rest;
    return true;
}

static enum rc check_lengths(const struct crypto_aead *a, struct bytes iv, struct bytes aad,
                             struct bytes text)
{
    if (iv.n != crypto_aead_iv_len(a->alg)) return RC_INVALID;
    return text.n > CRYPTO_AEAD_TEXT_MAX || aad.n > CRYPTO_AEAD_TEXT_MAX ? RC_TOO_BIG : RC_OK;
}

enum rc crypto_aead_seal(const struct crypto_aead *a, struct bytes iv, struct bytes aad,
                         struct bytes plain, uint8_t *out, size_t cap, size_t *out_n,
                         uint8_t tag[CRYPTO_AEAD_TAG_LEN])
{
    int n = 0;
    enum rc rc = check_lengths(a, iv, aad, plain);
    if (rc != RC_OK) return rc;
    if (cap < plain.n + CRYPTO_AEAD_PAD_MAX) return RC_TOO_BIG;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    if (!c) return RC_NOMEM;
    if (a->alg == CRYPTO_A256GCM)
        rc = gcm_seal(c, a, iv, aad, plain, out, &n, tag) ? RC_OK : RC_NOMEM;
    else if (!cbc_seal(c, a, iv, plain, out, &n))
        rc = RC_NOMEM;
    else
        rc = composite_tag(a, iv, aad, bytes_of(out, (size_t)n), tag);
    EVP_CIPHER_CTX_free(c);
    if (rc == RC_OK)
        *out_n = (size_t)n;
    else
        ERR_clear_error();
    return rc;
}

/* The tag first: a padding that does not fit is never looked at. */
static enum rc composite_open(EVP_CIPHER_CTX *c, const struct crypto_aead *a, struct bytes iv,
                              struct bytes aad, struct bytes sealed, struct bytes tag, uint8_t *out,
                              int *n)
{
    uint8_t want[CRYPTO_AEAD_TAG_LEN];
    if (sealed.n == 0 || sealed.n % CBC_BLOCK_LEN != 0) return RC_DENIED;
    enum rc rc = composite_tag(a, iv, aad, sealed, want);
    if (rc != RC_OK) return rc;
    if (!crypto_equal(bytes_of(want, sizeof want), tag)) return RC_DENIED;
    return cbc_open(c, a, iv, sealed, out, n) ? RC_OK : RC_DENIED;
}

enum rc crypto_aead_open(const struct crypto_aead *a, struct bytes iv, struct bytes aad,
                         struct bytes sealed, struct bytes tag, uint8_t *out, size_t cap,
                         size_t *out_n)
{
    int n = 0;
    enum rc rc = check_lengths(a, iv, aad, sealed);
    if (rc != RC_OK) return rc;
    if (tag.n != CRYPTO_AEAD_TAG_LEN) return RC_INVALID;
    if (cap < sealed.n) return RC_TOO_BIG;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    if (!c) return RC_NOMEM;
    if (a->alg == CRYPTO_A256GCM)
        rc = gcm_open(c, a, iv, aad, sealed, tag, out, &n) ? RC_OK : RC_DENIED;
    else
        rc = composite_open(c, a, iv, aad, sealed, tag, out, &n);
    EVP_CIPHER_CTX_free(c);
    if (rc == RC_OK) {
        *out_n = (size_t)n;
    } else {
        crypto_wipe(out, sealed.n);
        ERR_clear_error();
    }
    return rc;
}
