/* auth/auth.h - the authorization server: sign-in page, codes, tokens, revocation, and the cluster's
 * signing and encryption keys (RFC 6749, 7636, 8252, 8414, 9068, 9207, 7009; OpenID Connect Core for
 * the ID token). Its HTTP handlers run on the pool and may wait; parameters, clients, users and keys
 * changed in the store hold from the next request on.
 *
 *   GET POST /ssosp/oauth/authorize    sign-in page, then the code
 *   POST     /ssosp/oauth/token        authorization_code, refresh_token
 *   POST     /ssosp/oauth/revoke       RFC 7009
 *   GET      /ssosp/oauth/jwks         public signing keys
 *   GET POST /ssosp/token/revoke       administrator: all sign-ins of a user (?user_id=&client_id=)
 *   GET      /.well-known/oauth-authorization-server, /.well-known/openid-configuration
 *   GET      /ssosp/ws/public/singleSignOn
 *
 * The sign-in page is one HTML form without script: it posts its hidden field "csrf", "username" and
 * "password" to its own action, with the cookie the page set. A right password is answered 303 to
 * the client's redirect URI; anything else is the page again (403 wrong, 429 paused, 503 busy, each
 * of the last two with Retry-After). Of the scopes asked for those the client may have are granted.
 *
 * Keys. Each use has one live key of each of its algorithms: ES256 and RS256 sign, A256GCM and
 * A128CBC-HS256 encrypt. Of the live ones STORE_KEY_CURRENT is the first algorithm's and
 * STORE_KEY_NEXT the other's; which one makes tokens the parameters OAuthTokenAlgorithm and
 * OAuthTokenFormat say at the moment of making, so changing them needs no new key. A key replaced
 * by rotation is STORE_KEY_PREVIOUS and verifies until retire_at_s. A kid reads
 * "<issuer uuid>:<64 hex>". Tokens of every format are accepted whichever is made now, so that a
 * change of format signs nobody out. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H
#include "base/clock.h"
#include "base/log.h"
#include "oauth/verify.h"
#include "store/records.h"

struct auth;
struct directory;
struct http_site;

/* Pointers must outlive the auth; clock and random are copied, issuer_url too. */
struct auth_settings {
    struct store *store;
    struct directory *directory;
    struct oauth_verifier *verifier; /* auth_first_keyring does not look at it */
    struct clock clock;
    struct random_source random;
    const struct log *log; /* may be NULL */
    struct str issuer_url; /* "https://host:port" of this node: the issuer while the parameter
                              OAuthTokenIssuer is empty. No '/' at its end */
    unsigned pool_threads; /* at most half of them (at least one) hash passwords at once */
};

/* Makes the keys that are missing in the store (first start) and the keyring of what is there, with
 * the directory's issuers: what oauth_verifier_new wants before an auth can exist. The caller owns
 * the one reference. A foreign issuer that cannot be used is left out and logged. RC_INVALID: the
 * issuer or a stored key does not fit (why says which); RC_NOMEM, and as the store says. */
MUST_CHECK enum rc auth_first_keyring(const struct auth_settings *settings,
                                      struct oauth_keyring **out, struct store_why *why);

/* Installs its own keyring in the verifier, loads the revocations that still matter, and follows
 * the directory from now on: keys, issuers and parameters replace the keyring; grants revoked and
 * users removed or made inactive are revoked in the verifier, all on the committing thread, before
 * the change returns to its caller. RC as auth_first_keyring. */
MUST_CHECK enum rc auth_new(const struct auth_settings *settings, struct auth **out,
                            struct store_why *why);
/* After the pool runs none of its handlers any more. NULL. */
struct auth *auth_free(struct auth *auth);
/* As http_site_add. */
MUST_CHECK enum rc auth_add_routes(struct auth *auth, struct http_site *site);

/* The node's own URL changed. On the pool or at start. RC as auth_first_keyring; the old one stays
 * then. */
MUST_CHECK enum rc auth_set_issuer_url(struct auth *auth, struct str issuer_url,
                                       struct store_why *why);
/* The issuer of the tokens made now; lies in arena. */
MUST_CHECK enum rc auth_issuer(struct auth *auth, struct arena *arena, struct str *out);

/* Drops keys past their overlap, and codes, tokens and grants that ended two days ago. On the pool,
 * about once a minute; short. */
void auth_housekeep(struct auth *auth);

/* --- keys, for the administrator. On the pool. ------------------------------------------------ */

/* New keys of that use; the old ones verify for the overlap (OAuthKeyOverlap) and then go. Nobody
 * is signed out. */
MUST_CHECK enum rc auth_keys_rotate(struct auth *auth, const struct store_by *by,
                                    enum store_key_use use, struct store_why *why);
/* New keys of that use; the old ones are gone at once, and with them every token and every grant:
 * all users sign in again. */
MUST_CHECK enum rc auth_keys_regen(struct auth *auth, const struct store_by *by,
                                   enum store_key_use use, struct store_why *why);

/* What "show key authz" tells; the same on all nodes that believe one another. */
struct auth_key_info {
    struct str kid, alg;
    struct str checksum; /* 64 hex digits; of a secret key it tells nothing but equality */
    int64_t created_s;
    unsigned former_count; /* keys of that use still verifying in their overlap */
};
/* The key that makes tokens now. Slices lie in arena. */
MUST_CHECK enum rc auth_key_checksum(struct auth *auth, enum store_key_use use, struct arena *arena,
                                     struct auth_key_info *out);

/* --- counters, from any thread ---------------------------------------------------------------- */

struct auth_stats {
    uint64_t signins, signins_refused, signins_paused; /* paused: by the throttle, unchecked */
    uint64_t codes, grants, refreshes, token_refusals, revocations, reuses;
    uint64_t busy; /* answered 503: too many passwords at once */
};
void auth_stats(const struct auth *auth, struct auth_stats *out);

#endif
