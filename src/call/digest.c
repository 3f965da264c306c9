#include "call/digest.h"

#include "base/base64.h"
#include "crypto/digest.h"

#include <assert.h>

enum { TIME_LEN = 8, SALT_LEN = 8, HEAD_LEN = TIME_LEN + SALT_LEN, MAC_LEN = 16 };
enum { RAW_LEN = HEAD_LEN + MAC_LEN };
static_assert(BASE64URL_LEN(RAW_LEN) <= CALL_NONCE_LEN, "a nonce fits");

static enum rc nonce_mac(struct bytes key, const uint8_t head[HEAD_LEN], struct str source,
                         uint8_t out[CRYPTO_SHA256_LEN])
{
    uint8_t text[HEAD_LEN + 64];
    size_t n = source.n < 64 ? source.n : 64;
    memcpy(text, head, HEAD_LEN);
    if (n > 0) memcpy(text + HEAD_LEN, source.p, n);
    return crypto_hmac_sha256(key, bytes_of(text, HEAD_LEN + n), out);
}

static void put_u64(uint8_t out[8], uint64_t v)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (8 * (7 - i)));
}

void call_nonce_print(struct buf *out, struct bytes key, int64_t now_unix_s, struct str source,
                      uint64_t salt)
{
    uint8_t raw[HEAD_LEN + CRYPTO_SHA256_LEN];
    put_u64(raw, (uint64_t)now_unix_s);
    put_u64(raw + TIME_LEN, salt);
    if (nonce_mac(key, raw, source, raw + HEAD_LEN) != RC_OK) {
        out->rc = RC_NOMEM;
        return;
    }
    base64url_print(out, bytes_of(raw, RAW_LEN));
}

enum rc call_nonce_check(struct str nonce, struct bytes key, int64_t now_unix_s, int64_t validity_s,
                         struct str source)
{
    uint8_t raw[RAW_LEN + 3], mac[CRYPTO_SHA256_LEN];
    size_t n;
    if (base64url_decode(nonce, raw, sizeof raw, &n) != RC_OK || n != RAW_LEN) return RC_DENIED;
    enum rc rc = nonce_mac(key, raw, source, mac);
    if (rc != RC_OK) return rc;
    if (!crypto_equal(bytes_of(mac, MAC_LEN), bytes_of(raw + HEAD_LEN, MAC_LEN))) return RC_DENIED;
    uint64_t made = 0;
    for (int i = 0; i < TIME_LEN; i++)
        made = made << 8 | raw[i];
    int64_t age_s = now_unix_s - (int64_t)made;
    return age_s < 0 || age_s > validity_s ? RC_EXPIRED : RC_OK;
}

/* ---- the response (RFC 7616, 3.4.1) ---- */

struct hash {
    enum crypto_digest_alg alg;
    size_t hex_len;
};

static enum rc hash_hex(const struct hash *h, struct str text, char out[65])
{
    uint8_t raw[CRYPTO_DIGEST_MAX];
    enum rc rc = h->alg == CRYPTO_MD5 ? crypto_md5(str_bytes(text), raw)
                                      : crypto_sha256(str_bytes(text), raw);
    if (rc != RC_OK) return rc;
    struct buf b;
    buf_init_fixed(&b, out, 65);
    buf_put_hex(&b, bytes_of(raw, h->hex_len / 2));
    return buf_rc(&b);
}

static enum rc response_of(const struct hash *h, const struct sip_digest *d, struct str method,
                           struct str ha1, char out[65])
{
    char text[2048], ha2[65];
    struct buf b;
    buf_init_fixed(&b, text, sizeof text);
    buf_put_str(&b, method);
    buf_put_char(&b, ':');
    buf_put_str(&b, d->uri);
    enum rc rc = buf_rc(&b);
    if (rc == RC_OK) rc = hash_hex(h, buf_str(&b), ha2);
    if (rc != RC_OK) return rc;
    buf_reset(&b);
    buf_put_str(&b, ha1);
    buf_put_char(&b, ':');
    buf_put_str(&b, d->nonce);
    if (d->qop.n > 0) {
        buf_put_char(&b, ':');
        buf_put_str(&b, d->nc);
        buf_put_char(&b, ':');
        buf_put_str(&b, d->cnonce);
        buf_put_char(&b, ':');
        buf_put_str(&b, d->qop);
    }
    buf_put_char(&b, ':');
    buf_put(&b, ha2, h->hex_len);
    rc = buf_rc(&b);
    if (rc == RC_OK) rc = hash_hex(h, buf_str(&b), out);
    crypto_wipe(text, sizeof text);
    return rc;
}

static enum rc hash_of(struct str algorithm, const struct call_ha1 *ha1, struct hash *h,
                       struct str *stored)
{
    if (algorithm.n == 0 || str_eq_nocase(algorithm, STR("MD5"))) {
        *h = (struct hash){CRYPTO_MD5, 32};
        *stored = ha1->md5;
    } else if (str_eq_nocase(algorithm, STR("SHA-256"))) {
        *h = (struct hash){CRYPTO_SHA256, 64};
        *stored = ha1->sha256;
    } else {
        return RC_UNSUPPORTED;
    }
    return stored->n == h->hex_len ? RC_OK : RC_UNSUPPORTED;
}

enum rc call_digest_check(const struct sip_digest *d, struct str method, const struct call_ha1 *ha1)
{
    if (d->username.n == 0 || d->nonce.n == 0 || d->uri.n == 0 || d->response.n == 0)
        return RC_INVALID;
    if (d->qop.n > 0 && !str_eq_nocase(d->qop, STR("auth"))) return RC_UNSUPPORTED;
    if (d->qop.n > 0 && (d->nc.n == 0 || d->cnonce.n == 0)) return RC_INVALID;
    struct hash h;
    struct str stored;
    enum rc rc = hash_of(d->algorithm, ha1, &h, &stored);
    if (rc != RC_OK) return rc;
    char want[65];
    rc = response_of(&h, d, method, stored, want);
    if (rc == RC_TOO_BIG) return RC_INVALID;
    if (rc != RC_OK) return rc;
    bool same = crypto_equal(bytes_of(want, h.hex_len), str_bytes(d->response));
    crypto_wipe(want, sizeof want);
    return same ? RC_OK : RC_DENIED;
}

enum rc call_digest_nc(const struct sip_digest *d, uint32_t *nc)
{
    *nc = 0;
    if (d->qop.n == 0) return RC_OK;
    uint8_t raw[4];
    size_t n;
    if (d->nc.n != 8 || hex_decode(d->nc, raw, sizeof raw, &n) != RC_OK) return RC_INVALID;
    *nc = (uint32_t)raw[0] << 24 | (uint32_t)raw[1] << 16 | (uint32_t)raw[2] << 8 | raw[3];
    return RC_OK;
}
