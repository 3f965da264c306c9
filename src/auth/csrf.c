#include "auth/csrf.h"

#include "base/base64.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

#include <assert.h>

enum { TIME_LEN = 8, FIELD_LEN = TIME_LEN + CRYPTO_SHA256_LEN };

static_assert(AUTH_CSRF_LEN == BASE64URL_LEN(FIELD_LEN), "a field is time and MAC");

static void put_u64(uint8_t out[TIME_LEN], uint64_t v)
{
    for (int i = 0; i < TIME_LEN; i++)
        out[i] = (uint8_t)(v >> (8 * (TIME_LEN - 1 - i)));
}

static uint64_t get_u64(const uint8_t in[TIME_LEN])
{
    uint64_t v = 0;
    for (int i = 0; i < TIME_LEN; i++)
        v = v << 8 | in[i];
    return v;
}

/* The length of browser stands before it, so that no other pair of texts gives the same bytes. */
static enum rc mac_of(const uint8_t key[AUTH_CSRF_KEY_LEN], const uint8_t time[TIME_LEN],
                      struct str browser, struct str request, uint8_t out[CRYPTO_DIGEST_MAX])
{
    uint8_t length[TIME_LEN];
    struct crypto_digest *d = crypto_digest_new_hmac(bytes_of(key, AUTH_CSRF_KEY_LEN));
    if (!d) return RC_NOMEM;
    put_u64(length, browser.n);
    crypto_digest_add(d, bytes_of(time, TIME_LEN));
    crypto_digest_add(d, bytes_of(length, sizeof length));
    crypto_digest_add(d, str_bytes(browser));
    crypto_digest_add(d, str_bytes(request));
    enum rc rc = crypto_digest_finish(d, out);
    crypto_digest_free(d);
    return rc;
}

enum rc auth_csrf_print(struct buf *out, const uint8_t key[AUTH_CSRF_KEY_LEN], struct str browser,
                        struct str request, int64_t expires_unix_s)
{
    uint8_t field[FIELD_LEN];
    put_u64(field, (uint64_t)expires_unix_s);
    enum rc rc = mac_of(key, field, browser, request, field + TIME_LEN);
    if (rc != RC_OK) return rc;
    base64url_print(out, bytes_of(field, sizeof field));
    return buf_rc(out);
}

enum rc auth_csrf_check(struct str field, const uint8_t key[AUTH_CSRF_KEY_LEN], struct str browser,
                        struct str request, int64_t now_unix_s)
{
    uint8_t got[FIELD_LEN], mac[CRYPTO_DIGEST_MAX];
    size_t n;
    if (base64url_decode(field, got, sizeof got, &n) != RC_OK || n != sizeof got)
        return RC_MALFORMED;
    enum rc rc = mac_of(key, got, browser, request, mac);
    if (rc != RC_OK) return rc;
    if (!crypto_equal(bytes_of(got + TIME_LEN, CRYPTO_SHA256_LEN), bytes_of(mac, sizeof mac)))
        return RC_DENIED;
    return (uint64_t)now_unix_s >= get_u64(got) ? RC_EXPIRED : RC_OK;
}
