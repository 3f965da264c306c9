#include "jose/jwe.h"

#include "base/base64.h"
#include "crypto/secret.h"

#include <stdatomic.h>
#include <stdlib.h>

struct jose_enc_key {
    atomic_size_t refs;
    enum jose_enc enc;
    struct crypto_aead *aead;
    size_t kid_n;
    char kid[];
};

static enum crypto_aead_alg aead_of(enum jose_enc enc)
{
    return enc == JOSE_ENC_A256GCM ? CRYPTO_A256GCM : CRYPTO_A128CBC_HS256;
}

enum rc jose_enc_key_new(struct str kid, enum jose_enc enc, struct bytes key,
                         struct jose_enc_key **out)
{
    if (kid.n > JOSE_KID_MAX) return RC_TOO_BIG;
    if (enc == JOSE_ENC_OTHER) return RC_INVALID;
    struct jose_enc_key *k = calloc(1, sizeof *k + kid.n);
    if (!k) return RC_NOMEM;
    atomic_init(&k->refs, 1);
    k->enc = enc;
    k->kid_n = kid.n;
    if (kid.n) memcpy(k->kid, kid.p, kid.n);
    enum rc rc = crypto_aead_new(aead_of(enc), key, &k->aead);
    if (rc == RC_OK)
        *out = k;
    else
        jose_enc_key_unref(k);
    return rc;
}

struct jose_enc_key *jose_enc_key_ref(struct jose_enc_key *k)
{
    atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    return k;
}

struct jose_enc_key *jose_enc_key_unref(struct jose_enc_key *k)
{
    if (!k || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) > 1) return NULL;
    crypto_aead_free(k->aead);
    free(k);
    return NULL;
}

struct str jose_enc_key_kid(const struct jose_enc_key *k)
{
    return str_of(k->kid, k->kid_n);
}

enum jose_enc jose_enc_key_enc(const struct jose_enc_key *k)
{
    return k->enc;
}

enum { HEADER, ENCRYPTED_KEY, IV, SEALED, TAG, PART_COUNT };

/* header.encrypted key.iv.ciphertext.tag (RFC 7516, 7.1) */
static bool split(struct str token, struct str parts[PART_COUNT])
{
    struct str rest = token;
    for (int i = 0; i < PART_COUNT; i++)
        if (!str_split(&rest, '.', &parts[i])) return false;
    return rest.p == NULL;
}

/* "dir" has no encrypted key (RFC 7518, 4.5), iv and tag have one length each. */
static enum rc check_shape(const struct jose_jwe *jwe, struct str encrypted_key)
{
    if (jwe->header.has_zip) return RC_UNSUPPORTED;
    if (jwe->header.alg != JOSE_ALG_DIR || jwe->header.enc == JOSE_ENC_OTHER) return RC_OK;
    bool fits = encrypted_key.n == 0 && jwe->tag.n == CRYPTO_AEAD_TAG_LEN &&
                jwe->iv.n == crypto_aead_iv_len(aead_of(jwe->header.enc));
    return fits ? RC_OK : RC_MALFORMED;
}

enum rc jose_jwe_parse(struct str token, struct arena *arena, struct jose_jwe *out)
{
    struct str parts[PART_COUNT];
    struct jose_jwe jwe = {0};
    enum rc rc;
    if (token.n > JOSE_TOKEN_MAX) return RC_TOO_BIG;
    if (!split(token, parts)) return RC_MALFORMED;
    if ((rc = jose_header_parse(parts[HEADER], arena, &jwe.header)) != RC_OK) return rc;
    if ((rc = base64url_decode_arena(parts[IV], arena, &jwe.iv)) != RC_OK) return rc;
    if ((rc = base64url_decode_arena(parts[SEALED], arena, &jwe.sealed)) != RC_OK) return rc;
    if ((rc = base64url_decode_arena(parts[TAG], arena, &jwe.tag)) != RC_OK) return rc;
    if ((rc = check_shape(&jwe, parts[ENCRYPTED_KEY])) != RC_OK) return rc;
    jwe.aad = parts[HEADER];
    *out = jwe;
    return RC_OK;
}

enum rc jose_jwe_decrypt(const struct jose_jwe *jwe, const struct jose_enc_key *key,
                         struct arena *arena, struct bytes *plain)
{
    size_t n;
    if (jwe->header.alg != JOSE_ALG_DIR || jwe->header.enc != key->enc) return RC_INVALID;
    uint8_t *p = arena_alloc(arena, jwe->sealed.n);
    if (!p) return RC_NOMEM;
    enum rc rc = crypto_aead_open(key->aead, jwe->iv, str_bytes(jwe->aad), jwe->sealed, jwe->tag, p,
                                  jwe->sealed.n, &n);
    if (rc == RC_OK) *plain = bytes_of(p, n);
    return rc == RC_OK || rc == RC_NOMEM ? rc : RC_DENIED;
}

static enum rc print_sealed(struct buf *out, const struct jose_enc_key *key, struct bytes aad,
                            const struct random_source *random, struct bytes plain, uint8_t *sealed)
{
    uint8_t iv[CRYPTO_AEAD_IV_MAX], tag[CRYPTO_AEAD_TAG_LEN];
    size_t iv_n = crypto_aead_iv_len(aead_of(key->enc)), n;
    random_fill(random, iv, iv_n);
    enum rc rc = crypto_aead_seal(key->aead, bytes_of(iv, iv_n), aad, plain, sealed,
                                  plain.n + CRYPTO_AEAD_PAD_MAX, &n, tag);
    if (rc != RC_OK) return rc;
    buf_put_lit(out, "..");
    base64url_print(out, bytes_of(iv, iv_n));
    buf_put_char(out, '.');
    base64url_print(out, bytes_of(sealed, n));
    buf_put_char(out, '.');
    base64url_print(out, bytes_of(tag, sizeof tag));
    return buf_rc(out);
}

enum rc jose_jwe_print(struct buf *out, const struct jose_enc_key *key, struct str typ,
                       struct str cty, const struct random_source *random, struct bytes plain)
{
    struct jose_header h = {
        .alg = JOSE_ALG_DIR, .enc = key->enc, .kid = jose_enc_key_kid(key), .typ = typ, .cty = cty};
    size_t start = out->n;
    if (plain.n > JOSE_TOKEN_MAX) return RC_TOO_BIG;
    jose_header_print(out, &h);
    if (buf_rc(out) != RC_OK) return buf_rc(out);
    uint8_t *sealed = malloc(plain.n + CRYPTO_AEAD_PAD_MAX);
    if (!sealed) return RC_NOMEM;
    struct bytes aad = bytes_of(out->p + start, out->n - start);
    enum rc rc = print_sealed(out, key, aad, random, plain, sealed);
    free(sealed);
    return rc;
}
