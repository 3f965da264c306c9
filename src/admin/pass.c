#include "admin/pass.h"

#include "base/base64.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

enum {
    NUMBERS = 16, /* when it ends, then the version of its user's row; both big-endian */
    HEAD = NUMBERS + CRYPTO_SHA256_LEN,
    PASS_BYTES_MAX = HEAD + STORE_KEY_MAX,
    PASS_TEXT_MAX = (PASS_BYTES_MAX + 2) / 3 * 4,
};

static void put_u64(uint8_t *at, uint64_t value)
{
    for (int i = 7; i >= 0; i--, value >>= 8)
        at[i] = (uint8_t)value;
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | at[i];
    return value;
}

/* numbers | mac | user; the mac is of numbers and user. */
static enum rc mac_of(const struct admin *a, const uint8_t *pass, size_t n,
                      uint8_t mac[CRYPTO_SHA256_LEN])
{
    uint8_t text[NUMBERS + STORE_KEY_MAX];
    memcpy(text, pass, NUMBERS);
    memcpy(text + NUMBERS, pass + HEAD, n - HEAD);
    return crypto_hmac_sha256(bytes_of(a->pass_key, sizeof a->pass_key),
                              bytes_of(text, NUMBERS + n - HEAD), mac);
}

enum rc pass_issue(struct admin_call *c, struct str *out)
{
    struct store_user user;
    uint8_t pass[PASS_BYTES_MAX];
    struct buf text;
    enum rc rc = store_user_get(c->admin->store, c->by.who, c->arena, &user, &c->why);
    if (rc != RC_OK) return rc;
    if (user.id.n > STORE_KEY_MAX) return RC_TOO_BIG;
    size_t n = HEAD + user.id.n;
    put_u64(pass, (uint64_t)(clock_unix_s(&c->admin->clock) + PASS_LIFE_S));
    put_u64(pass + 8, (uint64_t)user.version);
    memcpy(pass + HEAD, user.id.p, user.id.n);
    if ((rc = mac_of(c->admin, pass, n, pass + NUMBERS)) != RC_OK) return rc;
    char *at = arena_alloc(c->arena, PASS_TEXT_MAX + 1);
    if (!at) return RC_NOMEM;
    buf_init_fixed(&text, at, PASS_TEXT_MAX + 1);
    base64url_print(&text, bytes_of(pass, n));
    *out = buf_str(&text);
    return buf_rc(&text);
}

enum rc pass_check(struct admin_call *c, struct str text, int roles)
{
    uint8_t pass[PASS_BYTES_MAX], mac[CRYPTO_SHA256_LEN];
    struct store_user user;
    size_t n = 0;
    if (base64url_decode(text, pass, sizeof pass, &n) != RC_OK || n <= HEAD) return RC_DENIED;
    enum rc rc = mac_of(c->admin, pass, n, mac);
    if (rc != RC_OK) return rc;
    if (!crypto_equal(bytes_of(mac, sizeof mac), bytes_of(pass + NUMBERS, sizeof mac)))
        return RC_DENIED;
    if ((int64_t)get_u64(pass) <= clock_unix_s(&c->admin->clock)) return RC_DENIED;
    struct str id = str_of((const char *)pass + HEAD, n - HEAD);
    rc = store_user_get(c->admin->store, id, c->arena, &user, NULL);
    if (rc == RC_NOT_FOUND) return RC_DENIED;
    if (rc != RC_OK) return rc;
    bool fits = user.active && (user.roles & roles) != 0 &&
                (uint64_t)user.version == get_u64(pass + 8);
    c->by.who = user.id;
    c->by.from = STR("axl");
    return fits ? RC_OK : RC_DENIED;
}
