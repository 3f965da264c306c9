#include "auth/refresh.h"

#include "base/base64.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

#include <assert.h>

enum {
    MAC_LEN = 16,
    NAMED_LEN = AUTH_REFRESH_SECRET_LEN + AUTH_UUID_BYTES,
    TOKEN_LEN = NAMED_LEN + MAC_LEN,
};

static_assert(AUTH_REFRESH_LEN == BASE64URL_LEN(TOKEN_LEN), "secret, grant and MAC");

enum rc auth_refresh_hash(const uint8_t secret[AUTH_REFRESH_SECRET_LEN], struct store_hash *out)
{
    return crypto_sha256(bytes_of(secret, AUTH_REFRESH_SECRET_LEN), out->p);
}

enum rc auth_refresh_print(struct buf *out, const uint8_t secret[AUTH_REFRESH_SECRET_LEN],
                           struct str grant, const uint8_t key[AUTH_REFRESH_KEY_LEN])
{
    uint8_t token[NAMED_LEN + CRYPTO_SHA256_LEN];
    if (auth_uuid_parse(grant, token + AUTH_REFRESH_SECRET_LEN) != RC_OK) return RC_INVALID;
    memcpy(token, secret, AUTH_REFRESH_SECRET_LEN);
    enum rc rc = crypto_hmac_sha256(bytes_of(key, AUTH_REFRESH_KEY_LEN), bytes_of(token, NAMED_LEN),
                                    token + NAMED_LEN);
    if (rc == RC_OK) base64url_print(out, bytes_of(token, TOKEN_LEN));
    crypto_wipe(token, sizeof token);
    return rc == RC_OK ? buf_rc(out) : rc;
}

static enum rc read_token(const uint8_t token[TOKEN_LEN], const uint8_t key[AUTH_REFRESH_KEY_LEN],
                          struct auth_refresh *out)
{
    uint8_t mac[CRYPTO_SHA256_LEN];
    struct auth_refresh made = {.grant = ""};
    enum rc rc = auth_refresh_hash(token, &made.hash);
    if (rc == RC_OK)
        rc = crypto_hmac_sha256(bytes_of(key, AUTH_REFRESH_KEY_LEN), bytes_of(token, NAMED_LEN),
                                mac);
    if (rc != RC_OK) return rc;
    if (crypto_equal(bytes_of(mac, MAC_LEN), bytes_of(token + NAMED_LEN, MAC_LEN)))
        auth_uuid_print(token + AUTH_REFRESH_SECRET_LEN, made.grant);
    *out = made;
    return RC_OK;
}

enum rc auth_refresh_parse(struct str text, const uint8_t key[AUTH_REFRESH_KEY_LEN],
                           struct auth_refresh *out)
{
    uint8_t token[TOKEN_LEN];
    size_t n = 0;
    if (text.n != AUTH_REFRESH_LEN) return RC_MALFORMED;
    enum rc rc = base64url_decode(text, token, sizeof token, &n);
    rc = rc == RC_OK && n == sizeof token ? read_token(token, key, out) : RC_MALFORMED;
    crypto_wipe(token, sizeof token);
    return rc;
}
