/* The authorization server as an object: its life, what it follows in the directory, its routes. */
#include "auth/auth_int.h"
#include "crypto/secret.h"

#include <stdlib.h>

/* --- ring and keyring --------------------------------------------------------------------------- */

struct auth_ring *auth_ring_ref(struct auth *auth)
{
    pthread_mutex_lock(&auth->swapping);
    struct auth_ring *ring = auth->ring;
    atomic_fetch_add_explicit(&ring->refs, 1, memory_order_relaxed);
    pthread_mutex_unlock(&auth->swapping);
    return ring;
}

/* The verifier first: a token made with the new ring must never meet an older keyring. */
static void install(struct auth *auth, struct auth_ring *ring, struct oauth_keyring *keyring)
{
    oauth_verifier_set_keyring(auth->settings.verifier, keyring);
    pthread_mutex_lock(&auth->swapping);
    struct auth_ring *old = auth->ring;
    auth->ring = ring;
    pthread_mutex_unlock(&auth->swapping);
    auth_ring_unref(old);
}

static enum rc reload_locked(struct auth *auth, uint64_t wanted, struct store_why *why)
{
    struct auth_ring *ring;
    struct oauth_keyring *keyring;
    uint64_t seen = atomic_load(&auth->changes);
    if (auth->ring && auth->loaded >= wanted) return RC_OK; /* another thread was so kind */
    enum rc rc = auth_ring_load(&auth->settings, &ring, &keyring, why);
    if (rc != RC_OK) return rc;
    install(auth, ring, keyring);
    auth->loaded = seen;
    return RC_OK;
}

enum rc auth_reload(struct auth *auth, struct store_why *why)
{
    uint64_t wanted = atomic_fetch_add(&auth->changes, 1) + 1;
    pthread_mutex_lock(&auth->loading);
    enum rc rc = reload_locked(auth, wanted, why);
    pthread_mutex_unlock(&auth->loading);
    return rc;
}

enum rc auth_set_issuer_url(struct auth *auth, struct str issuer_url, struct store_why *why)
{
    char *url = str_dup_cstr(issuer_url);
    if (!url) return RC_NOMEM;
    uint64_t wanted = atomic_fetch_add(&auth->changes, 1) + 1;
    pthread_mutex_lock(&auth->loading);
    struct str before = auth->settings.issuer_url;
    auth->settings.issuer_url = str_from(url);
    enum rc rc = reload_locked(auth, wanted, why);
    if (rc == RC_OK) {
        char *old = auth->url;
        auth->url = url;
        url = old;
    } else {
        auth->settings.issuer_url = before;
    }
    pthread_mutex_unlock(&auth->loading);
    free(url);
    return rc;
}

enum rc auth_issuer(struct auth *auth, struct arena *arena, struct str *out)
{
    struct auth_ring *ring = auth_ring_ref(auth);
    enum rc rc = arena_str_dup(arena, oauth_keyring_issuer(ring->keyring), out);
    auth_ring_unref(ring);
    return rc;
}

/* --- following the directory -------------------------------------------------------------------- */

static void follow_keys(struct auth *auth)
{
    struct store_why why = {""};
    enum rc rc = auth_reload(auth, &why);
    if (rc != RC_OK)
        log_error(auth->settings.log, "authz.keyring.kept", LOG_CSTR("rc", rc_name(rc)),
                  LOG_CSTR("why", why.text));
}

static void follow_param(struct auth *auth, struct str name)
{
    static const enum store_param_id ids[] = {STORE_P_TOKEN_ISSUER, STORE_P_TOKEN_AUDIENCE,
                                              STORE_P_TOKEN_SCOPE, STORE_P_TOKEN_LEEWAY_S};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        if (str_eq_nocase(name, str_from(store_param_def(ids[i])->name))) {
            follow_keys(auth);
            return;
        }
}

static void follow_user(struct auth *auth, struct str id, bool removed)
{
    const struct directory_user *user = directory_user_ref(auth->settings.directory, id);
    bool is_out = removed || !user || !user->active;
    directory_user_unref(user);
    if (is_out)
        oauth_verifier_revoke_user(auth->settings.verifier, id,
                                   clock_unix_s(&auth->settings.clock));
}

static void follow_grant(struct auth *auth, struct str id)
{
    if (atomic_load(&auth->cutter) == (uintptr_t)pthread_self()) return;
    auth_count(auth, AUTH_C_REVOKED);
    oauth_verifier_revoke_grant(auth->settings.verifier, id, clock_unix_s(&auth->settings.clock));
    log_info(auth->settings.log, "grant.revoked", LOG_STR("grant", id));
}

static void on_change(void *ctx, enum store_kind kind, struct str key, bool removed)
{
    struct auth *auth = ctx;
    if (kind == STORE_KEY || kind == STORE_ISSUER)
        follow_keys(auth);
    else if (kind == STORE_PARAM)
        follow_param(auth, key);
    else if (kind == STORE_USER)
        follow_user(auth, key, removed);
    else if (kind == STORE_GRANT && removed)
        follow_grant(auth, key);
}

/* After a restart: tokens of grants revoked not long ago may still be about. */
static enum rc load_revoked(struct auth *auth, struct store_why *why)
{
    const struct auth_settings *x = &auth->settings;
    int64_t now_s = clock_unix_s(&x->clock), since_s = now_s - AUTH_KEEP_S;
    struct store_grant_filter f = {.after = STR("")};
    struct store_grants grants = {.more = true};
    char after[STORE_KEY_MAX];
    enum rc rc = RC_OK;
    while (rc == RC_OK && grants.more) {
        struct arena arena;
        arena_init(&arena, NULL, 0, AUTH_ARENA_MAX);
        rc = store_grant_list(x->store, &f, &arena, &grants, why);
        for (size_t i = 0; rc == RC_OK && i < grants.count; i++)
            if (grants.rows[i].revoked_s > since_s)
                oauth_verifier_revoke_grant(x->verifier, grants.rows[i].id, now_s);
        if (rc == RC_OK && grants.more)
            rc = str_to_cstr(grants.rows[grants.count - 1].id, after, sizeof after);
        f.after = str_from(after);
        arena_fini(&arena);
    }
    return rc;
}

/* --- life ------------------------------------------------------------------------------------------- */

static enum rc start(struct auth *auth, struct store_why *why)
{
    enum rc rc = auth_keys_make_missing(&auth->settings, why);
    if (rc != RC_OK) return rc;
    rc = directory_subscribe(auth->settings.directory, on_change, auth);
    auth->is_subscribed = rc == RC_OK;
    if (rc == RC_OK) rc = auth_reload(auth, why);
    return rc == RC_OK ? load_revoked(auth, why) : rc;
}

enum rc auth_new(const struct auth_settings *settings, struct auth **out, struct store_why *why)
{
    struct auth *auth = calloc(1, sizeof *auth);
    enum rc rc = RC_NOMEM;
    if (!auth) return RC_NOMEM;
    auth->settings = *settings;
    pthread_mutex_init(&auth->loading, NULL);
    pthread_mutex_init(&auth->swapping, NULL);
    pthread_mutex_init(&auth->rekeying, NULL);
    auth->hashing_max = settings->pool_threads > 3 ? (int)settings->pool_threads / 2 : 1;
    random_fill(&settings->random, auth->csrf_key, sizeof auth->csrf_key);
    auth->url = str_dup_cstr(settings->issuer_url);
    auth->throttle = auth_throttle_new(&settings->random);
    if (auth->url && auth->throttle) {
        auth->settings.issuer_url = str_from(auth->url);
        rc = start(auth, why);
    }
    if (rc == RC_OK)
        *out = auth;
    else
        auth_free(auth);
    return rc;
}

struct auth *auth_free(struct auth *auth)
{
    if (!auth) return NULL;
    if (auth->is_subscribed) directory_unsubscribe(auth->settings.directory, on_change, auth);
    auth_ring_unref(auth->ring);
    auth_throttle_free(auth->throttle);
    crypto_wipe(auth->csrf_key, sizeof auth->csrf_key);
    pthread_mutex_destroy(&auth->loading);
    pthread_mutex_destroy(&auth->swapping);
    pthread_mutex_destroy(&auth->rekeying);
    free(auth->url);
    free(auth);
    return NULL;
}

enum rc auth_add_routes(struct auth *auth, struct http_site *site)
{
    const struct http_route routes[] = {
        {HTTP_GET | HTTP_POST, "/ssosp/oauth/authorize", auth_handle_authorize, auth,
         AUTH_BODY_MAX},
        {HTTP_POST, "/ssosp/oauth/token", auth_handle_token, auth, AUTH_BODY_MAX},
        {HTTP_POST, "/ssosp/oauth/revoke", auth_handle_revoke, auth, AUTH_BODY_MAX},
        {HTTP_GET, "/ssosp/oauth/jwks", auth_handle_jwks, auth},
        {HTTP_GET | HTTP_POST, "/ssosp/token/revoke", auth_handle_user_revoke, auth, AUTH_BODY_MAX},
        {HTTP_GET, "/.well-known/oauth-authorization-server", auth_handle_oauth_metadata, auth},
        {HTTP_GET, "/.well-known/openid-configuration", auth_handle_oidc_metadata, auth},
        {HTTP_GET, "/ssosp/ws/public/singleSignOn", auth_handle_single_sign_on, auth},
    };
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < sizeof routes / sizeof routes[0]; i++)
        rc = http_site_add(site, &routes[i]);
    return rc;
}

/* --- keeping house ---------------------------------------------------------------------------------- */

void auth_housekeep(struct auth *auth)
{
    enum { STEP = 500 };
    const struct auth_settings *x = &auth->settings;
    struct store_why why = {""};
    int64_t now_s = clock_unix_s(&x->clock);
    enum rc rc = auth_keys_retire(auth, &why);
    if (rc == RC_OK)
        rc = store_tokens_purge(x->store, now_s, now_s - AUTH_KEEP_S, STEP, NULL, &why);
    if (rc != RC_OK)
        log_error(x->log, "authz.housekeep.failed", LOG_CSTR("rc", rc_name(rc)),
                  LOG_CSTR("why", why.text));
}

/* --- what administrators see -------------------------------------------------------------------------- */

static enum auth_alg alg_in_use(struct directory *directory, enum store_key_use use)
{
    enum { RS256 = 1, REFERENCE = 2 }; /* positions among the choices of the parameters */
    if (use == STORE_KEY_SIGNING)
        return directory_param_number(directory, STORE_P_TOKEN_ALG) == RS256 ? AUTH_RS256
                                                                             : AUTH_ES256;
    return directory_param_number(directory, STORE_P_TOKEN_FORMAT) == REFERENCE ? AUTH_A128CBC_HS256
                                                                                : AUTH_A256GCM;
}

enum rc auth_key_checksum(struct auth *auth, enum store_key_use use, struct arena *arena,
                          struct auth_key_info *out)
{
    struct auth_ring *ring = auth_ring_ref(auth);
    enum auth_alg alg = alg_in_use(auth->settings.directory, use);
    const struct auth_ring_key *key = &ring->live[alg];
    struct auth_key_info info = {
        .alg = auth_algs[alg].name, .created_s = key->created_s, .former_count = ring->former[use]};
    enum rc rc = arena_str_dup(arena, key->kid, &info.kid);
    auth_ring_unref(ring);
    if (rc != RC_OK) return rc;
    info.checksum = str_sub(info.kid, AUTH_UUID_LEN + 1, info.kid.n);
    *out = info;
    return RC_OK;
}

void auth_stats(const struct auth *auth, struct auth_stats *out)
{
    uint64_t n[AUTH_C_COUNT];
    for (int i = 0; i < AUTH_C_COUNT; i++)
        n[i] = atomic_load_explicit(&auth->counts[i], memory_order_relaxed);
    *out = (struct auth_stats){.signins = n[AUTH_C_SIGNIN],
                               .signins_refused = n[AUTH_C_REFUSED],
                               .signins_paused = n[AUTH_C_PAUSED],
                               .codes = n[AUTH_C_CODE],
                               .grants = n[AUTH_C_GRANT],
                               .refreshes = n[AUTH_C_REFRESH],
                               .token_refusals = n[AUTH_C_TOKEN_REFUSED],
                               .revocations = n[AUTH_C_REVOKED],
                               .reuses = n[AUTH_C_REUSE],
                               .busy = n[AUTH_C_BUSY]};
}
