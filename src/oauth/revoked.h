/* oauth/revoked.h - what was taken back before its time: grants, and users whose tokens issued up
 * to a moment no longer count. An entry is forgotten when the longest token it could concern has
 * expired. Bounded, and never forgetful: when it is full (or memory is) it turns into the one rule
 * "no token issued until now counts", which makes every phone renew its token and lets no revoked
 * one in. Safe from any thread. */
#ifndef OAUTH_REVOKED_H
#define OAUTH_REVOKED_H
#include "oauth/bearer.h"

struct oauth_revoked;

/* longest_token_s: as the keyring's, plus its leeway. RC_INVALID, RC_NOMEM. */
MUST_CHECK enum rc oauth_revoked_new(size_t capacity, int64_t longest_token_s,
                                     struct oauth_revoked **out);
struct oauth_revoked *oauth_revoked_free(struct oauth_revoked *r); /* NULL */
/* Entries made from now on are kept so long; those there already at least as long as before. */
void oauth_revoked_set_longest(struct oauth_revoked *r, int64_t longest_token_s);

/* Tokens of that grant no longer count. */
void oauth_revoked_add_grant(struct oauth_revoked *r, struct str gid, int64_t now_unix_s);
/* Tokens of that user (ASCII case folded) issued at now_unix_s or earlier no longer count; later
 * ones do. */
void oauth_revoked_add_user(struct oauth_revoked *r, struct str user, int64_t now_unix_s);
/* Costs one atomic read while nothing is revoked. Entries past their time do not count. */
bool oauth_revoked_has(struct oauth_revoked *r, const struct oauth_claims *claims,
                       int64_t now_unix_s);
/* Forgets what may be forgotten; also done when an entry is added. */
void oauth_revoked_step(struct oauth_revoked *r, int64_t now_unix_s);
size_t oauth_revoked_count(struct oauth_revoked *r);

#endif
