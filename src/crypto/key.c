/* crypto/key.c - making, reading and printing signing keys. What they do is in sign.c. */
#include "base/check.h"
#include "crypto/key_int.h"
#include "crypto/methods_int.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

enum { P256_POINT_LEN = 65, RSA_EXPONENT_BITS_MAX = 32 };

/* A context in which the digest and padding are chosen already: operations only duplicate it. */
static EVP_PKEY_CTX *prepare(EVP_PKEY *pkey, int (*init)(EVP_PKEY_CTX *), bool rsa)
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (c && init(c) == 1 && (!rsa || EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1) &&
        EVP_PKEY_CTX_set_signature_md(c, crypto_methods()->sha256) == 1)
        return c;
    EVP_PKEY_CTX_free(c);
    return NULL;
}

static bool is_p256(const EVP_PKEY *pkey)
{
    char group[32];
    size_t n;
    return EVP_PKEY_is_a(pkey, "EC") &&
           EVP_PKEY_get_group_name(pkey, group, sizeof group, &n) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

static bool has_private(const EVP_PKEY *pkey, bool rsa)
{
    BIGNUM *d = NULL;
    bool has = EVP_PKEY_get_bn_param(pkey, rsa ? OSSL_PKEY_PARAM_RSA_D : OSSL_PKEY_PARAM_PRIV_KEY,
                                     &d) == 1;
    BN_clear_free(d);
    ERR_clear_error();
    return has;
}

/* 2048 to 4096 bits, an odd modulus, an odd exponent from 3 that fits 32 bits. */
static bool rsa_is_sound(const EVP_PKEY *pkey)
{
    BIGNUM *n = NULL, *e = NULL;
    bool ok = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
              EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
              BN_num_bits(n) >= CRYPTO_RSA_BITS && BN_num_bits(n) <= CRYPTO_RSA_BITS_MAX &&
              BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e) &&
              BN_num_bits(e) <= RSA_EXPONENT_BITS_MAX;
    BN_free(n);
    BN_free(e);
    return ok;
}

static bool point_is_on_curve(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool ok = c && EVP_PKEY_public_check(c) == 1;
    EVP_PKEY_CTX_free(c);
    return ok;
}

/* Takes pkey over, also when it fails. */
static enum rc key_wrap(EVP_PKEY *pkey, struct crypto_key **out)
{
    enum rc rc = RC_NOMEM;
    bool rsa = EVP_PKEY_is_a(pkey, "RSA");
    struct crypto_key *key = calloc(1, sizeof *key);
    if (!key) {
        EVP_PKEY_free(pkey);
        return RC_NOMEM;
    }
    atomic_init(&key->refs, 1);
    key->pkey = pkey;
    key->type = rsa ? CRYPTO_KEY_RSA : CRYPTO_KEY_EC_P256;
    if (!rsa && !is_p256(pkey)) {
        rc = RC_UNSUPPORTED;
        goto failed;
    }
    if (rsa ? !rsa_is_sound(pkey) : !point_is_on_curve(pkey)) {
        rc = RC_INVALID;
        goto failed;
    }
    if (!(key->verify = prepare(pkey, EVP_PKEY_verify_init, rsa))) goto failed;
    if (has_private(pkey, rsa) && !(key->sign = prepare(pkey, EVP_PKEY_sign_init, rsa)))
        goto failed;
    *out = key;
    return RC_OK;
failed:
    ERR_clear_error();
    crypto_key_unref(key);
    return rc;
}

enum rc crypto_key_generate(enum crypto_key_type type, struct crypto_key **out)
{
    EVP_PKEY *pkey = type == CRYPTO_KEY_RSA
                         ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)CRYPTO_RSA_BITS)
                         : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "prime256v1");
    if (pkey) return key_wrap(pkey, out);
    ERR_clear_error();
    return RC_IO;
}

/* libcrypto would ask the terminal for a password otherwise. */
static int no_password(char *p, int n, int writing, void *ctx)
{
    (void)p, (void)n, (void)writing, (void)ctx;
    return -1;
}

enum rc crypto_key_parse_pem(struct str pem, struct crypto_key **out)
{
    if (pem.n > CRYPTO_PEM_MAX) return RC_TOO_BIG;
    if (pem.n == 0) return RC_MALFORMED;
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    if (!bio) return RC_NOMEM;
    EVP_PKEY *pkey = str_find(pem, STR("PRIVATE KEY-----")) != STR_NPOS
                         ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL)
                         : PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);
    BIO_free(bio);
    ERR_clear_error();
    return pkey ? key_wrap(pkey, out) : RC_MALFORMED;
}

enum rc crypto_key_print_private_pem(const struct crypto_key *key, struct secret *out)
{
    char *p = NULL;
    enum rc rc = RC_NOMEM;
    if (!key->sign) return RC_INVALID;
    BIO *bio = BIO_new(BIO_s_secmem());
    if (bio && PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1) {
        long n = BIO_get_mem_data(bio, &p);
        rc = secret_init(out, bytes_of(p, (size_t)n));
    }
    BIO_free(bio);
    ERR_clear_error();
    return rc;
}

void crypto_key_print_public_pem(const struct crypto_key *key, struct buf *out)
{
    char *p = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio && PEM_write_bio_PUBKEY(bio, key->pkey) == 1) {
        long n = BIO_get_mem_data(bio, &p);
        buf_put(out, p, (size_t)n);
    } else if (buf_rc(out) == RC_OK) {
        out->rc = RC_NOMEM;
    }
    BIO_free(bio);
    ERR_clear_error();
}

struct crypto_key *crypto_key_ref(struct crypto_key *key)
{
    atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
    return key;
}

struct crypto_key *crypto_key_unref(struct crypto_key *key)
{
    if (!key || atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) > 1) return NULL;
    EVP_PKEY_CTX_free(key->sign);
    EVP_PKEY_CTX_free(key->verify);
    EVP_PKEY_free(key->pkey);
    free(key);
    return NULL;
}

enum crypto_key_type crypto_key_type(const struct crypto_key *key)
{
    return key->type;
}

int crypto_key_bits(const struct crypto_key *key)
{
    return EVP_PKEY_get_bits(key->pkey);
}

bool crypto_key_is_private(const struct crypto_key *key)
{
    return key->sign != NULL;
}

bool crypto_key_equal(const struct crypto_key *a, const struct crypto_key *b)
{
    return a == b || (a->type == b->type && EVP_PKEY_eq(a->pkey, b->pkey) == 1);
}

EVP_PKEY *crypto_key_pkey(const struct crypto_key *key)
{
    return key->pkey;
}

static bool number_get(const EVP_PKEY *pkey, const char *name, uint8_t *out, size_t cap, size_t pad,
                       size_t *out_n)
{
    BIGNUM *bn = NULL;
    if (EVP_PKEY_get_bn_param(pkey, name, &bn) != 1) return false;
    size_t n = pad ? pad : (size_t)BN_num_bytes(bn);
    bool ok = n <= cap && BN_bn2binpad(bn, out, (int)n) == (int)n;
    BN_free(bn);
    if (ok && out_n) *out_n = n;
    return ok;
}

enum rc crypto_key_get_public(const struct crypto_key *key, struct crypto_public *out)
{
    struct crypto_public p = {.type = key->type};
    bool ok;
    if (key->type == CRYPTO_KEY_RSA)
        ok = number_get(key->pkey, OSSL_PKEY_PARAM_RSA_N, p.n, sizeof p.n, 0, &p.n_len) &&
             number_get(key->pkey, OSSL_PKEY_PARAM_RSA_E, p.e, sizeof p.e, 0, &p.e_len);
    else
        ok = number_get(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, p.x, sizeof p.x, sizeof p.x, NULL) &&
             number_get(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, p.y, sizeof p.y, sizeof p.y, NULL);
    if (!ok) {
        ERR_clear_error();
        return RC_NOMEM;
    }
    *out = p;
    return RC_OK;
}

static bool push_numbers(OSSL_PARAM_BLD *b, const struct crypto_public *p, const uint8_t *point,
                         BIGNUM *n, BIGNUM *e)
{
    if (p->type == CRYPTO_KEY_RSA)
        return n && e && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
               OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e) == 1;
    return OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
           OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, P256_POINT_LEN) == 1;
}

static EVP_PKEY *pkey_from_params(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (!c || EVP_PKEY_fromdata_init(c) != 1 ||
        EVP_PKEY_fromdata(c, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(c);
    return pkey;
}

enum rc crypto_key_new_public(const struct crypto_public *numbers, struct crypto_key **out)
{
    uint8_t point[P256_POINT_LEN] = {4};
    OSSL_PARAM *params = NULL;
    EVP_PKEY *pkey = NULL;
    bool rsa = numbers->type == CRYPTO_KEY_RSA;
    if (rsa && (numbers->n_len == 0 || numbers->n_len > sizeof numbers->n || numbers->e_len == 0 ||
                numbers->e_len > sizeof numbers->e))
        return RC_INVALID;
    memcpy(point + 1, numbers->x, 32);
    memcpy(point + 33, numbers->y, 32);
    BIGNUM *n = rsa ? BN_bin2bn(numbers->n, (int)numbers->n_len, NULL) : NULL;
    BIGNUM *e = rsa ? BN_bin2bn(numbers->e, (int)numbers->e_len, NULL) : NULL;
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    bool built = b && push_numbers(b, numbers, point, n, e) &&
                 (params = OSSL_PARAM_BLD_to_param(b)) != NULL;
    if (built) pkey = pkey_from_params(rsa ? "RSA" : "EC", params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    BN_free(n);
    BN_free(e);
    ERR_clear_error();
    if (pkey) return key_wrap(pkey, out);
    return built ? RC_INVALID : RC_NOMEM;
}
