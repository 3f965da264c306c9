/* oauth/fixture_int.h - the keys, the keyring and the tokens that the tests of this room share. */
#ifndef OAUTH_FIXTURE_INT_H
#define OAUTH_FIXTURE_INT_H
#include "kit/kit.h"

#include "crypto/random.h"
#include "jose/jws.h"
#include "oauth/mint.h"

static const int64_t now = 1767225600; /* 2026-01-01 */

enum { KEY_EC, KEY_RSA, KEY_OLD, KEY_FOREIGN_EC, KEY_FOREIGN_RSA, KEY_STRANGER, KEY_COUNT };

static struct jose_key keys[KEY_COUNT] = {
    [KEY_EC] = {.kid = STR_INIT("own-ec")},
    [KEY_RSA] = {.kid = STR_INIT("own-rsa")},
    [KEY_OLD] = {.kid = STR_INIT("own-old")},
    [KEY_FOREIGN_EC] = {.kid = STR_INIT("far-ec")},
    [KEY_FOREIGN_RSA] = {.kid = STR_INIT("far-rsa")},
    [KEY_STRANGER] = {.kid = STR_INIT("own-ec")}, /* claims a name that is not its own */
};
static struct jose_enc_key *gcm_key, *cbc_key;
static struct arena arena;
static struct random_source system_random;

static const struct oauth_own_spec own_spec = {.issuer = STR_INIT("https://node1.example.com"),
                                               .audience = STR_INIT("bearline"),
                                               .scope = STR_INIT("sip"),
                                               .accept = OAUTH_FORMAT_ANY,
                                               .leeway_s = 30,
                                               .longest_token_s = 86400};

static inline int fixture_setup(void **state)
{
    (void)state;
    uint8_t secret[32];
    system_random = crypto_random_system();
    arena_init(&arena, NULL, 0, 1 << 24);
    for (int i = 0; i < KEY_COUNT; i++) {
        bool rsa = i == KEY_RSA || i == KEY_FOREIGN_RSA;
        if (crypto_key_generate(rsa ? CRYPTO_KEY_RSA : CRYPTO_KEY_EC_P256, &keys[i].key) != RC_OK)
            return 1;
        keys[i].alg = jose_key_alg(keys[i].key);
    }
    memset(secret, 7, sizeof secret);
    struct bytes key = bytes_of(secret, sizeof secret);
    return jose_enc_key_new(STR("enc"), JOSE_ENC_A256GCM, key, &gcm_key) != RC_OK ||
           jose_enc_key_new(STR("enc"), JOSE_ENC_A128CBC_HS256, key, &cbc_key) != RC_OK;
}

static inline int fixture_teardown(void **state)
{
    (void)state;
    for (int i = 0; i < KEY_COUNT; i++)
        crypto_key_unref(keys[i].key);
    gcm_key = jose_enc_key_unref(gcm_key);
    cbc_key = jose_enc_key_unref(cbc_key);
    arena_fini(&arena);
    return 0;
}

static inline enum rc fixture_add_issuer(struct oauth_keyring *k)
{
    struct jose_keyset *set = jose_keyset_new();
    struct buf jwks;
    size_t skipped;
    if (!set) return RC_NOMEM;
    buf_init(&jwks, 65536);
    enum rc rc = jose_keyset_add(set, keys[KEY_FOREIGN_EC].kid, keys[KEY_FOREIGN_EC].key);
    if (rc == RC_OK)
        rc = jose_keyset_add(set, keys[KEY_FOREIGN_RSA].kid, keys[KEY_FOREIGN_RSA].key);
    jose_keyset_print(&jwks, set);
    if (rc == RC_OK) rc = buf_rc(&jwks);
    struct oauth_issuer_spec spec = {.issuer = STR("https://idp.example.org/realm"),
                                     .audience = STR("phones"),
                                     .user_claim = STR("preferred_username"),
                                     .scope = STR(""),
                                     .jwks = buf_str(&jwks),
                                     .es256 = true,
                                     .rs256 = true,
                                     .allow_plain_typ = true};
    if (rc == RC_OK) rc = oauth_keyring_add_issuer(k, &spec, &skipped);
    buf_fini(&jwks);
    jose_keyset_free(set);
    return rc;
}

/* own-ec, own-rsa, own-old, both encryption keys, one foreign issuer. */
static inline enum rc fixture_try_keyring(const struct oauth_own_spec *own,
                                          struct oauth_keyring **out)
{
    struct oauth_keyring *k = NULL;
    enum rc rc = oauth_keyring_new(own, &k);
    for (int i = KEY_EC; rc == RC_OK && i <= KEY_OLD; i++)
        rc = oauth_keyring_add_signing_key(k, keys[i].kid, keys[i].key);
    if (rc == RC_OK) rc = oauth_keyring_add_encryption_key(k, gcm_key);
    if (rc == RC_OK) rc = oauth_keyring_add_encryption_key(k, cbc_key);
    if (rc == RC_OK) rc = fixture_add_issuer(k);
    if (rc == RC_OK)
        *out = k;
    else
        oauth_keyring_unref(k);
    return rc;
}

static inline struct oauth_keyring *fixture_keyring(const struct oauth_own_spec *own)
{
    struct oauth_keyring *k = NULL;
    assert_rc(RC_OK, fixture_try_keyring(own, &k));
    return k;
}

static inline struct oauth_claims fixture_claims(void)
{
    return (struct oauth_claims){
        .issuer = own_spec.issuer,
        .subject = STR("alice"),
        .client_id = STR("C1b4b988f3efa1c3fc97d0d0a36f6b97f244b4fafe55e8d9d78774e305bae9ab1"),
        .scope = STR("openid sip"),
        .jti = STR("b991221f-f42e-4e52-8871-c876e635dd5b"),
        .gid = STR("4be3a8f2-1f1b-4f2f-9f4e-5d0f2d1b3c11"),
        .device = STR("CSFalice"),
        .issued_unix_s = now,
        .expires_unix_s = now + 3600};
}

static inline struct oauth_mint fixture_mint(enum oauth_format format, int key)
{
    return (struct oauth_mint){.format = format,
                               .signing = keys[key],
                               .encryption = format == OAUTH_FORMAT_PRIVATE ? cbc_key : gcm_key,
                               .random = &system_random,
                               .audience = own_spec.audience};
}

/* A token of ours; in the arena. */
static inline struct str fixture_token(enum oauth_format format, int key,
                                       const struct oauth_claims *claims)
{
    struct oauth_mint mint = fixture_mint(format, key);
    struct str token;
    struct buf b;
    buf_init(&b, OAUTH_TOKEN_MAX);
    assert_rc(RC_OK, oauth_mint_print(&b, &mint, claims));
    assert_rc(RC_OK, arena_str_dup(&arena, buf_str(&b), &token));
    buf_fini(&b);
    return token;
}

/* Any claims text signed with any key; in the arena. */
static inline struct str fixture_sign(int key, struct str typ, struct str claims)
{
    struct str token;
    struct buf b;
    buf_init(&b, 4 * OAUTH_TOKEN_MAX);
    assert_rc(RC_OK, jose_jws_print(&b, &keys[key], typ, STR(""), str_bytes(claims)));
    assert_rc(RC_OK, arena_str_dup(&arena, buf_str(&b), &token));
    buf_fini(&b);
    return token;
}

#endif
