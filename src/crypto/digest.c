#include "crypto/digest.h"

#include "crypto/methods_int.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdlib.h>

static enum rc digest_once(const EVP_MD *md, struct bytes in, uint8_t *out)
{
    if (!md) return RC_UNSUPPORTED;
    if (EVP_Digest(in.n ? in.p : (const uint8_t *)"", in.n, out, NULL, md, NULL) == 1) return RC_OK;
    ERR_clear_error();
    return RC_NOMEM;
}

enum rc crypto_sha256(struct bytes in, uint8_t out[CRYPTO_SHA256_LEN])
{
    return digest_once(crypto_methods()->sha256, in, out);
}

enum rc crypto_md5(struct bytes in, uint8_t out[CRYPTO_MD5_LEN])
{
    return digest_once(crypto_methods()->md5, in, out);
}

enum rc crypto_hmac_sha256(struct bytes key, struct bytes in, uint8_t out[CRYPTO_SHA256_LEN])
{
    uint8_t digest[CRYPTO_DIGEST_MAX];
    struct crypto_digest *d = crypto_digest_new_hmac(key);
    if (!d) return RC_NOMEM;
    crypto_digest_add(d, in);
    enum rc rc = crypto_digest_finish(d, digest);
    if (rc == RC_OK) memcpy(out, digest, CRYPTO_SHA256_LEN);
    crypto_digest_free(d);
    return rc;
}

/* One of md and mac is set. */
struct crypto_digest {
    EVP_MD_CTX *md;
    const EVP_MD *method;
    EVP_MAC_CTX *mac;
    bool failed;
};

struct crypto_digest *crypto_digest_new(enum crypto_digest_alg alg)
{
    const struct crypto_methods *m = crypto_methods();
    struct crypto_digest *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->method = alg == CRYPTO_MD5 ? m->md5 : m->sha256;
    if (d->method) d->md = EVP_MD_CTX_new();
    if (d->md && EVP_DigestInit_ex2(d->md, d->method, NULL) == 1) return d;
    ERR_clear_error();
    return crypto_digest_free(d);
}

struct crypto_digest *crypto_digest_new_hmac(struct bytes key)
{
    char sha256[] = "SHA2-256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
                           OSSL_PARAM_construct_end()};
    struct crypto_digest *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->mac = EVP_MAC_CTX_new(crypto_methods()->hmac);
    /* A NULL key would mean "the key set before". */
    const uint8_t *p = key.n ? key.p : (const uint8_t *)"";
    if (d->mac && EVP_MAC_init(d->mac, p, key.n, params) == 1) return d;
    ERR_clear_error();
    return crypto_digest_free(d);
}

void crypto_digest_add(struct crypto_digest *d, struct bytes part)
{
    if (d->failed || part.n == 0) return;
    int ok = d->md ? EVP_DigestUpdate(d->md, part.p, part.n)
                   : EVP_MAC_update(d->mac, part.p, part.n);
    if (ok != 1) d->failed = true;
}

static bool finish(struct crypto_digest *d, uint8_t *out)
{
    size_t n;
    if (d->failed) return false;
    if (d->md) return EVP_DigestFinal_ex(d->md, out, NULL) == 1;
    return EVP_MAC_final(d->mac, out, &n, CRYPTO_DIGEST_MAX) == 1;
}

static bool restart(struct crypto_digest *d)
{
    if (d->md) return EVP_DigestInit_ex2(d->md, d->method, NULL) == 1;
    return EVP_MAC_init(d->mac, NULL, 0, NULL) == 1;
}

enum rc crypto_digest_finish(struct crypto_digest *d, uint8_t out[CRYPTO_DIGEST_MAX])
{
    bool ok = finish(d, out);
    d->failed = !restart(d);
    if (ok) return RC_OK;
    ERR_clear_error();
    return RC_NOMEM;
}

struct crypto_digest *crypto_digest_free(struct crypto_digest *d)
{
    if (!d) return NULL;
    EVP_MD_CTX_free(d->md);
    EVP_MAC_CTX_free(d->mac);
    free(d);
    return NULL;
}
