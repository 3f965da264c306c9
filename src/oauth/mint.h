/* oauth/mint.h - prints our own access tokens, in the three forms of enum oauth_format. The reverse
 * of oauth/bearer.h. Used by the authorization server on the pool; safe from any thread. */
#ifndef OAUTH_MINT_H
#define OAUTH_MINT_H
#include "base/buf.h"
#include "base/clock.h"
#include "oauth/bearer.h"

/* With what a token is made. Borrowed for the call. */
struct oauth_mint {
    enum oauth_format format;
    struct jose_key signing; /* a private key and its kid */
    const struct jose_enc_key
        *encryption; /* A256GCM for NESTED, A128CBC-HS256 for PRIVATE, unused for SIGNED */
    const struct random_source *random;
    struct str audience;
};

/* Appends the token to out. Of claims: issuer, subject, client_id, jti and both times must be
 * there; scope, gid and device may be empty; user and issuer_kind do not count ("sub" names our
 * user). RC_INVALID (a claim missing or over OAUTH_CLAIM_MAX, keys that do not fit the format),
 * RC_TOO_BIG (the token would be over OAUTH_TOKEN_MAX, or out is full), RC_NOMEM. */
MUST_CHECK enum rc oauth_mint_print(struct buf *out, const struct oauth_mint *mint,
                                    const struct oauth_claims *claims);

#endif
