/* oauth/bearer_fuzz.c - first byte 3 and up: the rest is a token, and none may verify, for the keys
 * are random. Below: a token we minted in that format, changed by the three-byte steps that follow
 * (where, where, with what); it verifies exactly when it is unchanged. */
#include "base/check.h"
#include "crypto/random.h"
#include "oauth/mint.h"

static const int64_t now = 1767225600;
static const enum oauth_format formats[] = {OAUTH_FORMAT_NESTED, OAUTH_FORMAT_PRIVATE,
                                            OAUTH_FORMAT_SIGNED};
static struct oauth_keyring *keyring;
static struct buf tokens[3];

static struct jose_enc_key *new_enc_key(enum jose_enc enc, const struct random_source *random)
{
    struct jose_enc_key *key = NULL;
    uint8_t secret[32];
    random_fill(random, secret, sizeof secret);
    CHECK(jose_enc_key_new(STR("enc"), enc, bytes_of(secret, sizeof secret), &key) == RC_OK);
    CHECK(oauth_keyring_add_encryption_key(keyring, key) == RC_OK);
    return key;
}

static void make_keys_and_tokens(void)
{
    struct random_source random = crypto_random_system();
    struct oauth_own_spec own = {.issuer = STR("https://as.example"),
                                 .audience = STR("bearline"),
                                 .accept = OAUTH_FORMAT_ANY,
                                 .leeway_s = 30,
                                 .longest_token_s = 86400};
    struct oauth_claims claims = {.issuer = own.issuer,
                                  .subject = STR("alice"),
                                  .client_id = STR("phone"),
                                  .jti = STR("1"),
                                  .issued_unix_s = now,
                                  .expires_unix_s = now + 60};
    struct jose_key key = {.kid = STR("sig"), .alg = JOSE_ALG_ES256};
    CHECK(oauth_keyring_new(&own, &keyring) == RC_OK);
    CHECK(crypto_key_generate(CRYPTO_KEY_EC_P256, &key.key) == RC_OK);
    CHECK(oauth_keyring_add_signing_key(keyring, key.kid, key.key) == RC_OK);
    struct jose_enc_key *gcm = new_enc_key(JOSE_ENC_A256GCM, &random),
                        *cbc = new_enc_key(JOSE_ENC_A128CBC_HS256, &random);
    for (int f = 0; f < 3; f++) {
        struct oauth_mint mint = {.format = formats[f],
                                  .signing = key,
                                  .encryption = formats[f] == OAUTH_FORMAT_PRIVATE ? cbc : gcm,
                                  .random = &random,
                                  .audience = own.audience};
        buf_init(&tokens[f], OAUTH_TOKEN_MAX);
        CHECK(oauth_mint_print(&tokens[f], &mint, &claims) == RC_OK);
    }
    jose_enc_key_unref(gcm);
    jose_enc_key_unref(cbc);
    crypto_key_unref(key.key);
}

static bool verifies(struct str token)
{
    enum oauth_reason reason;
    struct oauth_claims claims;
    struct arena a;
    arena_init(&a, NULL, 0, 1 << 20);
    enum rc rc = oauth_bearer_verify(token, keyring, now, &a, &claims, &reason);
    CHECK(rc == oauth_reason_rc(reason));
    if (rc == RC_OK) CHECK(str_eq(claims.user, STR("alice")));
    arena_fini(&a);
    return rc == RC_OK;
}

static void check_changed(struct str good, const uint8_t *steps, size_t n)
{
    char text[OAUTH_TOKEN_MAX];
    memcpy(text, good.p, good.n);
    for (size_t i = 0; i + 3 <= n; i += 3)
        text[(steps[i] << 8 | steps[i + 1]) % good.n] ^= (char)steps[i + 2];
    struct str changed = str_of(text, good.n);
    CHECK(verifies(changed) == str_eq(changed, good));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!keyring) make_keys_and_tokens();
    if (size == 0) return 0;
    if (data[0] < 3)
        check_changed(buf_str(&tokens[data[0]]), data + 1, size - 1);
    else
        CHECK(!verifies(str_of((const char *)data + 1, size - 1)));
    return 0;
}
