#include "oauth/verify.h"

#include <stdatomic.h>
#include <stdlib.h>

struct oauth_verifier {
    struct oauth_keyring_holder *keys;
    struct oauth_cache *cache;
    struct oauth_revoked *revoked;
    _Atomic int64_t leeway_s; /* of the present keyring */
    _Atomic uint64_t counts[OAUTH_REASON_COUNT];
};

static int64_t memory_s(const struct oauth_keyring *k)
{
    return oauth_keyring_longest_token_s(k) + 2 * oauth_keyring_leeway_s(k);
}

enum rc oauth_verifier_new(const struct oauth_verifier_settings *settings,
                           struct oauth_keyring *keyring, struct oauth_verifier **out)
{
    size_t cached = settings->cache_capacity ? settings->cache_capacity : OAUTH_CACHE_DEFAULT;
    size_t kept = settings->revoked_capacity ? settings->revoked_capacity : OAUTH_REVOKED_DEFAULT;
    struct oauth_verifier *v = calloc(1, sizeof *v);
    if (!v) return RC_NOMEM;
    enum rc rc = oauth_cache_new(cached, &v->cache);
    if (rc == RC_OK) rc = oauth_revoked_new(kept, memory_s(keyring), &v->revoked);
    /* Last, for it takes the keyring over. */
    if (rc == RC_OK) rc = oauth_keyring_holder_new(keyring, &v->keys);
    if (rc != RC_OK) {
        oauth_verifier_free(v);
        return rc;
    }
    atomic_init(&v->leeway_s, oauth_keyring_leeway_s(keyring));
    *out = v;
    return RC_OK;
}

struct oauth_verifier *oauth_verifier_free(struct oauth_verifier *v)
{
    if (!v) return NULL;
    oauth_keyring_holder_free(v->keys);
    oauth_cache_free(v->cache);
    oauth_revoked_free(v->revoked);
    free(v);
    return NULL;
}

void oauth_verifier_set_keyring(struct oauth_verifier *v, struct oauth_keyring *keyring)
{
    oauth_revoked_set_longest(v->revoked, memory_s(keyring));
    atomic_store(&v->leeway_s, oauth_keyring_leeway_s(keyring));
    oauth_keyring_holder_swap(v->keys, keyring);
    /* Entries of old keys count no longer already; this gives their memory back. */
    oauth_cache_drop_all(v->cache);
}

const struct oauth_keyring *oauth_verifier_keyring_ref(struct oauth_verifier *v)
{
    return oauth_keyring_holder_ref(v->keys);
}

uint64_t oauth_verifier_generation(const struct oauth_verifier *v)
{
    return oauth_keyring_holder_generation(v->keys);
}

static enum rc answer(struct oauth_verifier *v, enum oauth_reason why, enum oauth_reason *reason)
{
    atomic_fetch_add_explicit(&v->counts[why], 1, memory_order_relaxed);
    *reason = why;
    return oauth_reason_rc(why);
}

/* A token not seen before under these keys. */
static enum oauth_reason verify_cold(struct oauth_verifier *v, struct str token,
                                     const uint8_t *digest, int64_t now_unix_s, struct arena *arena,
                                     struct oauth_claims *out)
{
    enum oauth_reason why;
    const struct oauth_keyring *k = oauth_keyring_holder_ref(v->keys);
    if (oauth_bearer_verify(token, k, now_unix_s, arena, out, &why) == RC_OK)
        oauth_cache_put(v->cache, digest, oauth_keyring_generation(k), out);
    oauth_keyring_unref(k);
    return why;
}

/* Revocation is asked last and every time, so a token that was being verified while it was revoked
 * does not slip in through the cache. */
enum rc oauth_verify(struct oauth_verifier *v, struct str token, int64_t now_unix_s,
                     struct arena *arena, struct oauth_claims *out, enum oauth_reason *reason)
{
    uint8_t digest[CRYPTO_SHA256_LEN];
    struct oauth_claims claims;
    enum oauth_reason why = OAUTH_OK;
    if (token.n > OAUTH_TOKEN_MAX) return answer(v, OAUTH_TOO_BIG, reason);
    if (crypto_sha256(str_bytes(token), digest) != RC_OK) return answer(v, OAUTH_NO_MEMORY, reason);
    if (!oauth_cache_find(v->cache, digest, oauth_keyring_holder_generation(v->keys), now_unix_s,
                          atomic_load(&v->leeway_s), arena, &claims))
        why = verify_cold(v, token, digest, now_unix_s, arena, &claims);
    if (why == OAUTH_OK && oauth_revoked_has(v->revoked, &claims, now_unix_s)) why = OAUTH_REVOKED;
    if (why == OAUTH_OK) *out = claims;
    return answer(v, why, reason);
}

enum rc oauth_verify_again(struct oauth_verifier *v, const struct oauth_claims *claims,
                           int64_t now_unix_s, enum oauth_reason *reason)
{
    enum oauth_reason why = OAUTH_OK;
    if (now_unix_s >= claims->expires_unix_s + atomic_load(&v->leeway_s))
        why = OAUTH_EXPIRED;
    else if (oauth_revoked_has(v->revoked, claims, now_unix_s))
        why = OAUTH_REVOKED;
    return answer(v, why, reason);
}

void oauth_verifier_revoke_grant(struct oauth_verifier *v, struct str gid, int64_t now_unix_s)
{
    oauth_revoked_add_grant(v->revoked, gid, now_unix_s);
    oauth_cache_drop_grant(v->cache, gid);
}

void oauth_verifier_revoke_user(struct oauth_verifier *v, struct str user, int64_t now_unix_s)
{
    oauth_revoked_add_user(v->revoked, user, now_unix_s);
    oauth_cache_drop_user(v->cache, user);
}

struct oauth_cache_stats oauth_verifier_cache_stats(struct oauth_verifier *v)
{
    return oauth_cache_stats(v->cache);
}

uint64_t oauth_verifier_reason_count(const struct oauth_verifier *v, enum oauth_reason reason)
{
    size_t i = (size_t)reason;
    return i < OAUTH_REASON_COUNT ? atomic_load(&v->counts[i]) : 0;
}
