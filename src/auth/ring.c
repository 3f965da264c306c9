/* The ring: what the rows of keys, the issuers and the parameters come to, as one immutable object
 * beside the keyring made of them. */
#include "auth/auth_int.h"
#include "base/base64.h"
#include "base/check.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

#include <stdio.h>
#include <stdlib.h>

/* A load under way. */
struct load {
    const struct auth_settings *settings;
    const struct directory_params *params;
    struct auth_ring *ring;
    struct oauth_keyring *keyring;
    struct store_why *why;
};

static enum rc refuse(const struct load *l, enum rc rc, const char *what, struct str name)
{
    if (l->why)
        snprintf(l->why->text, sizeof l->why->text, "%s %.*s: %s", what, STR_ARG(name),
                 rc_name(rc));
    return rc;
}

static enum rc begin_keyring(struct load *l)
{
    struct str issuer = l->params->text[STORE_P_TOKEN_ISSUER];
    if (issuer.n == 0) issuer = l->settings->issuer_url;
    struct oauth_own_spec own = {.issuer = issuer,
                                 .audience = l->params->text[STORE_P_TOKEN_AUDIENCE],
                                 .scope = l->params->text[STORE_P_TOKEN_SCOPE],
                                 .accept = OAUTH_FORMAT_ANY,
                                 .leeway_s = l->params->number[STORE_P_TOKEN_LEEWAY_S],
                                 .longest_token_s = AUTH_LONGEST_TOKEN_S};
    enum rc rc = oauth_keyring_new(&own, &l->keyring);
    return rc == RC_OK
               ? rc
               : refuse(l, rc, "the issuer, audience or scope of tokens does not fit:", issuer);
}

/* --- keys ----------------------------------------------------------------------------------------- */

static int find_alg(const struct store_key *row)
{
    for (int alg = 0; alg < AUTH_ALG_COUNT; alg++)
        if (auth_algs[alg].use == row->use && str_eq(auth_algs[alg].name, row->alg)) return alg;
    return -1;
}

static enum rc read_signing(struct load *l, const struct store_key *row, enum auth_alg alg,
                            struct auth_ring_key *out)
{
    enum crypto_key_type type = alg == AUTH_ES256 ? CRYPTO_KEY_EC_P256 : CRYPTO_KEY_RSA;
    enum rc rc = crypto_key_parse_pem(row->secret_text, &out->sign);
    if (rc != RC_OK) return rc;
    if (crypto_key_type(out->sign) != type || !crypto_key_is_private(out->sign)) return RC_INVALID;
    return oauth_keyring_add_signing_key(l->keyring, row->kid, out->sign);
}

/* The key of refresh texts is derived from the one secret every node has. */
static enum rc derive_refresh_key(struct auth_ring *ring, struct bytes secret)
{
    return crypto_hmac_sha256(secret, str_bytes(STR("bearline refresh token")), ring->refresh_key);
}

static enum rc read_encryption(struct load *l, const struct store_key *row, enum auth_alg alg,
                               struct auth_ring_key *out)
{
    uint8_t secret[CRYPTO_AEAD_KEY_LEN];
    enum jose_enc enc = alg == AUTH_A256GCM ? JOSE_ENC_A256GCM : JOSE_ENC_A128CBC_HS256;
    size_t n = 0;
    enum rc rc = base64url_decode(row->secret_text, secret, sizeof secret, &n);
    if (rc == RC_OK) rc = jose_enc_key_new(row->kid, enc, bytes_of(secret, n), &out->encrypt);
    if (rc == RC_OK) rc = oauth_keyring_add_encryption_key(l->keyring, out->encrypt);
    if (rc == RC_OK && alg == AUTH_A256GCM && row->state != STORE_KEY_PREVIOUS)
        rc = derive_refresh_key(l->ring, bytes_of(secret, n));
    crypto_wipe(secret, sizeof secret);
    return rc;
}

static void drop_key(struct auth_ring_key *key)
{
    key->sign = crypto_key_unref(key->sign);
    key->encrypt = jose_enc_key_unref(key->encrypt);
}

static enum rc read_key(struct load *l, const struct store_key *row)
{
    struct auth_ring *ring = l->ring;
    struct auth_ring_key key = {.created_s = row->created_s};
    int alg = find_alg(row);
    bool is_former = row->state == STORE_KEY_PREVIOUS;
    if (alg < 0) return RC_OK; /* of a newer version: not for us */
    if (is_former && row->retire_at_s <= clock_unix_s(&l->settings->clock)) return RC_OK;
    enum rc rc = row->use == STORE_KEY_SIGNING ? read_signing(l, row, alg, &key)
                                               : read_encryption(l, row, alg, &key);
    if (rc == RC_OK) rc = arena_str_dup(&ring->text, row->kid, &key.kid);
    if (rc == RC_OK && !is_former && !ring->live[alg].kid.n) {
        ring->live[alg] = key;
        return RC_OK;
    }
    drop_key(&key);
    if (rc != RC_OK) return refuse(l, rc, "the authz key cannot be used:", row->kid);
    ring->former[row->use]++;
    return RC_OK;
}

static enum rc read_keys(struct load *l)
{
    struct store_keys keys = {0};
    struct arena arena;
    arena_init(&arena, NULL, 0, AUTH_ARENA_MAX);
    enum rc rc = auth_keys_read(l->settings->store, &arena, &keys, l->why);
    for (size_t i = 0; i < keys.count; i++) {
        if (rc == RC_OK) rc = read_key(l, &keys.rows[i]);
        crypto_wipe((void *)(uintptr_t)keys.rows[i].secret_text.p, keys.rows[i].secret_text.n);
    }
    for (int alg = 0; rc == RC_OK && alg < AUTH_ALG_COUNT; alg++)
        if (!l->ring->live[alg].kid.n)
            rc = refuse(l, RC_NOT_FOUND, "there is no authz key for", auth_algs[alg].name);
    arena_fini(&arena);
    return rc;
}

/* --- foreign issuers ------------------------------------------------------------------------------ */

static void add_issuer(const struct load *l, const struct store_issuer *row)
{
    struct oauth_issuer_spec spec = {.issuer = row->iss,
                                     .audience = row->audience,
                                     .user_claim = row->user_claim,
                                     .scope = row->scope,
                                     .jwks = row->jwks,
                                     .es256 = true,
                                     .rs256 = true,
                                     .allow_plain_typ = !str_eq_nocase(row->typ, STR("at+jwt"))};
    size_t skipped = 0;
    if (!row->enabled) return;
    enum rc rc = oauth_keyring_add_issuer(l->keyring, &spec, &skipped);
    if (rc != RC_OK)
        log_warn(l->settings->log, "issuer.unusable", LOG_STR("iss", row->iss),
                 LOG_CSTR("why", rc == RC_EXISTS    ? "it is our own or named twice"
                                 : rc == RC_INVALID ? "no usable key in its key set"
                                                    : rc_name(rc)));
    else if (skipped)
        log_info(l->settings->log, "issuer.keys.skipped", LOG_STR("iss", row->iss),
                 LOG_INT("count", skipped));
}

static void add_issuers(const struct load *l)
{
    const struct directory_issuers *issuers = directory_issuers_ref(l->settings->directory);
    for (size_t i = 0; i < issuers->count; i++)
        add_issuer(l, &issuers->rows[i]);
    directory_issuers_unref(issuers);
}

/* --- the whole --------------------------------------------------------------------------------------- */

static struct auth_ring *ring_new(void)
{
    struct auth_ring *ring = calloc(1, sizeof *ring);
    if (!ring) return NULL;
    atomic_init(&ring->refs, 1);
    arena_init(&ring->text, NULL, 0, AUTH_ARENA_MAX);
    return ring;
}

struct auth_ring *auth_ring_unref(struct auth_ring *ring)
{
    if (!ring || atomic_fetch_sub_explicit(&ring->refs, 1, memory_order_acq_rel) > 1) return NULL;
    for (int alg = 0; alg < AUTH_ALG_COUNT; alg++)
        drop_key(&ring->live[alg]);
    oauth_keyring_unref(ring->keyring);
    arena_fini(&ring->text);
    crypto_wipe(ring->refresh_key, sizeof ring->refresh_key);
    free(ring);
    return NULL;
}

enum rc auth_ring_load(const struct auth_settings *settings, struct auth_ring **out,
                       struct oauth_keyring **keyring, struct store_why *why)
{
    struct load l = {.settings = settings, .why = why};
    enum rc rc = RC_NOMEM;
    if (!(l.ring = ring_new())) return RC_NOMEM;
    l.params = directory_params_ref(settings->directory);
    rc = arena_str_dup(&l.ring->text, settings->issuer_url, &l.ring->node_url);
    if (rc != RC_OK) goto done;
    if ((rc = begin_keyring(&l)) != RC_OK) goto done;
    if ((rc = read_keys(&l)) != RC_OK) goto done;
    add_issuers(&l);
    l.ring->keyring = oauth_keyring_ref(l.keyring);
    *out = l.ring;
    *keyring = l.keyring;
    l.ring = NULL;
    l.keyring = NULL;
done:
    directory_params_unref(l.params);
    oauth_keyring_unref(l.keyring);
    auth_ring_unref(l.ring);
    return rc;
}

enum rc auth_first_keyring(const struct auth_settings *settings, struct oauth_keyring **out,
                           struct store_why *why)
{
    struct auth_ring *ring;
    enum rc rc = auth_keys_make_missing(settings, why);
    if (rc == RC_OK) rc = auth_ring_load(settings, &ring, out, why);
    if (rc == RC_OK) auth_ring_unref(ring);
    return rc;
}
