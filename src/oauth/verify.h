/* oauth/verify.h - the one question call and provision ask: is this token good now, and whose is
 * it? Puts together the present keyring, the cache of verified tokens and the revocations. One
 * object a process, made by app, shared by all threads. It says why, and logs nothing. */
#ifndef OAUTH_VERIFY_H
#define OAUTH_VERIFY_H
#include "oauth/bearer.h"
#include "oauth/cache.h"
#include "oauth/keyring.h"
#include "oauth/revoked.h"

struct oauth_verifier;

struct oauth_verifier_settings {
    size_t cache_capacity;   /* verified tokens; 0: OAUTH_CACHE_DEFAULT */
    size_t revoked_capacity; /* grants and users; 0: OAUTH_REVOKED_DEFAULT */
};

enum { OAUTH_CACHE_DEFAULT = 65536, OAUTH_REVOKED_DEFAULT = 16384 };

/* Takes over the caller's reference of keyring. RC_INVALID, RC_NOMEM: the reference stays. */
MUST_CHECK enum rc oauth_verifier_new(const struct oauth_verifier_settings *settings,
                                      struct oauth_keyring *keyring, struct oauth_verifier **out);
struct oauth_verifier *oauth_verifier_free(struct oauth_verifier *v); /* NULL */
/* Replaces the keys: everything verified with the old ones is verified anew. Takes over the
 * caller's reference. */
void oauth_verifier_set_keyring(struct oauth_verifier *v, struct oauth_keyring *keyring);
/* A reference to the present keyring: unref it. */
const struct oauth_keyring *oauth_verifier_keyring_ref(struct oauth_verifier *v);

/* As oauth_bearer_verify, with cache and revocations. */
MUST_CHECK enum rc oauth_verify(struct oauth_verifier *v, struct str token, int64_t now_unix_s,
                                struct arena *arena, struct oauth_claims *out,
                                enum oauth_reason *reason);
/* Is what an earlier oauth_verify gave still good: not expired, not revoked? For credentials
 * remembered with a connection. A key change does not count here: the caller who remembers claims
 * compares oauth_verifier_generation. */
MUST_CHECK enum rc oauth_verify_again(struct oauth_verifier *v, const struct oauth_claims *claims,
                                      int64_t now_unix_s, enum oauth_reason *reason);
uint64_t oauth_verifier_generation(const struct oauth_verifier *v);

/* From the moment these return no token of the grant, or of the user up to now, verifies. */
void oauth_verifier_revoke_grant(struct oauth_verifier *v, struct str gid, int64_t now_unix_s);
void oauth_verifier_revoke_user(struct oauth_verifier *v, struct str user, int64_t now_unix_s);

struct oauth_cache_stats oauth_verifier_cache_stats(struct oauth_verifier *v);
/* How often each reason was given since the start. */
uint64_t oauth_verifier_reason_count(const struct oauth_verifier *v, enum oauth_reason reason);

#endif
