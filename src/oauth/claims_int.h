/* oauth/claims_int.h - from the members of a verified token to struct oauth_claims, and back to text
 * for our own. The names differ by format; here is the one list of them. */
#ifndef OAUTH_CLAIMS_INT_H
#define OAUTH_CLAIMS_INT_H
#include "base/buf.h"
#include "jose/jwt.h"
#include "oauth/bearer.h"

struct oauth_claim_names {
    struct str client_id, jti, gid, device;
};
extern const struct oauth_claim_names oauth_claim_names_plain;   /* RFC 9068 */
extern const struct oauth_claim_names oauth_claim_names_private; /* of OAUTH_FORMAT_PRIVATE */

/* OAUTH_OK, OAUTH_BAD_CLAIM, OAUTH_TOO_BIG. Slices point to where jwt's do. */
enum oauth_reason oauth_claims_from_own(const struct jose_jwt *jwt,
                                        const struct oauth_claim_names *names,
                                        struct oauth_claims *out);
/* As above, and OAUTH_NO_MEMORY: a scope given as a list is joined in arena. */
enum oauth_reason oauth_claims_from_foreign(const struct jose_jwt *jwt, struct str user_claim,
                                            struct arena *arena, struct oauth_claims *out);
/* All that must be there for a token of ours is, and no text is over OAUTH_CLAIM_MAX. */
bool oauth_claims_are_whole(const struct oauth_claims *c);
/* The claims object of a token of ours. */
void oauth_claims_print(struct buf *out, const struct oauth_claims *c, struct str audience,
                        const struct oauth_claim_names *names);

#endif
