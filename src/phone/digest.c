/* Digest answers of a line that has not moved to OAuth (RFC 7616, 3.4; RFC 8760). */
#include "phone/register.h"

#include "crypto/digest.h"
#include "crypto/secret.h"

struct hash {
    enum crypto_digest_alg alg;
    size_t n;
};

/* Stronger is greater; 0: not one of ours. */
static int rank_of(struct str algorithm)
{
    if (str_eq_nocase(algorithm, STR("SHA-256"))) return 2;
    return algorithm.n == 0 || str_eq_nocase(algorithm, STR("MD5")) ? 1 : 0;
}

static bool offers_auth(struct str qop)
{
    struct str one;
    while (str_split(&qop, ',', &one))
        if (str_eq_nocase(str_trim(one), STR("auth"))) return true;
    return false;
}

static enum rc keep(const struct sip_digest *d, unsigned status, struct phone_digest *out)
{
    struct phone_digest k = {.status = status, .has_qop = offers_auth(d->qop)};
    enum rc rc = str_to_cstr(d->realm, k.realm, sizeof k.realm);
    if (rc == RC_OK) rc = str_to_cstr(d->nonce, k.nonce, sizeof k.nonce);
    if (rc == RC_OK) rc = str_to_cstr(d->opaque, k.opaque, sizeof k.opaque);
    if (rc == RC_OK) rc = str_to_cstr(d->algorithm, k.algorithm, sizeof k.algorithm);
    if (rc != RC_OK) return RC_TOO_BIG;
    *out = k;
    return RC_OK;
}

enum rc phone_digest_read(const struct sip_message *m, struct arena *a, struct phone_digest *out)
{
    enum sip_header_id id = m->status == 407 ? SIP_HEADER_PROXY_AUTHENTICATE
                                             : SIP_HEADER_WWW_AUTHENTICATE;
    struct sip_digest best = {0};
    int best_rank = 0;
    for (const struct sip_header *h = sip_message_find(m, id); h; h = sip_message_next(m, h)) {
        struct sip_auth auth;
        struct sip_digest d;
        if (sip_auth_parse(h->value, &auth, NULL) != RC_OK) continue;
        enum rc rc = sip_digest_get(&auth, a, &d);
        if (rc == RC_NOMEM) return rc;
        bool usable = rc == RC_OK && d.nonce.n > 0 && (d.qop.n == 0 || offers_auth(d.qop));
        if (!usable || rank_of(d.algorithm) <= best_rank) continue;
        best = d;
        best_rank = rank_of(d.algorithm);
    }
    return best_rank > 0 ? keep(&best, m->status, out) : RC_NOT_FOUND;
}

/* hex(H(parts joined by ':')); out holds 65 bytes. */
static enum rc hash_joined(const struct hash *h, const struct str *parts, size_t count,
                           char out[65])
{
    uint8_t raw[CRYPTO_DIGEST_MAX];
    struct crypto_digest *d = crypto_digest_new(h->alg);
    if (!d) return h->alg == CRYPTO_MD5 ? RC_UNSUPPORTED : RC_NOMEM;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) crypto_digest_add(d, bytes_of(":", 1));
        crypto_digest_add(d, str_bytes(parts[i]));
    }
    enum rc rc = crypto_digest_finish(d, raw);
    crypto_digest_free(d);
    struct buf b;
    buf_init_fixed(&b, out, 65);
    if (rc == RC_OK) buf_put_hex(&b, bytes_of(raw, h->n));
    out[b.n] = '\0';
    crypto_wipe(raw, sizeof raw);
    return rc;
}

static enum rc response(const struct hash *h, const struct sip_digest *d, struct str method,
                        struct str password, char out[65])
{
    char ha1[65], ha2[65];
    const struct str who[] = {d->username, d->realm, password}, what[] = {method, d->uri};
    enum rc rc = hash_joined(h, who, 3, ha1);
    if (rc == RC_OK) rc = hash_joined(h, what, 2, ha2);
    const struct str with_qop[] = {str_from(ha1), d->nonce, d->nc,
                                   d->cnonce,     d->qop,   str_from(ha2)};
    const struct str without[] = {str_from(ha1), d->nonce, str_from(ha2)};
    if (rc == RC_OK)
        rc = d->qop.n > 0 ? hash_joined(h, with_qop, 6, out) : hash_joined(h, without, 3, out);
    crypto_wipe(ha1, sizeof ha1);
    return rc;
}

enum rc phone_digest_print(struct buf *out, struct phone_digest *d, struct str method,
                           struct str uri, struct str user, struct str password, struct str cnonce)
{
    struct hash h = {CRYPTO_MD5, CRYPTO_MD5_LEN};
    if (rank_of(str_from(d->algorithm)) == 2) h = (struct hash){CRYPTO_SHA256, CRYPTO_SHA256_LEN};
    char nc[9], hex[65] = "";
    struct buf b;
    buf_init_fixed(&b, nc, sizeof nc);
    buf_printf(&b, "%08x", ++d->nc);
    struct sip_digest c = {
        .username = user,
        .realm = str_from(d->realm),
        .nonce = str_from(d->nonce),
        .uri = uri,
        .algorithm = str_from(d->algorithm),
        .opaque = str_from(d->opaque),
    };
    if (d->has_qop) {
        c.qop = STR("auth");
        c.nc = str_of(nc, 8);
        c.cnonce = cnonce;
    }
    enum rc rc = response(&h, &c, method, password, hex);
    c.response = str_from(hex);
    if (rc == RC_OK)
        sip_digest_print(
            out, d->status == 407 ? SIP_HEADER_PROXY_AUTHORIZATION : SIP_HEADER_AUTHORIZATION, &c);
    return rc == RC_OK ? buf_rc(out) : rc;
}
