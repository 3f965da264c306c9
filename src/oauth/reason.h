/* oauth/reason.h - why a token was refused: one word for tables and metrics, one sentence for logs
 * and people, one error code for the protocol (RFC 6750, 3.1). */
#ifndef OAUTH_REASON_H
#define OAUTH_REASON_H
#include "base/rc.h"

enum oauth_reason {
    OAUTH_OK,
    OAUTH_MALFORMED,     /* not a token in a form known here */
    OAUTH_TOO_BIG,       /* over OAUTH_TOKEN_MAX or an inner bound */
    OAUTH_BAD_ALGORITHM, /* "none", HS256, or not the key's */
    OAUTH_BAD_FORMAT,    /* a form the operator does not accept (plain signed, say) */
    OAUTH_UNKNOWN_KEY,   /* no key with its kid */
    OAUTH_BAD_SIGNATURE,
    OAUTH_BAD_DECRYPTION,
    OAUTH_BAD_TYPE, /* typ is not that of an access token */
    OAUTH_BAD_ISSUER,
    OAUTH_BAD_AUDIENCE,
    OAUTH_BAD_SCOPE,
    OAUTH_BAD_CLAIM,      /* a claim that must be there is missing or of the wrong kind */
    OAUTH_TOO_LONG_LIVED, /* exp lies further ahead than a revocation is remembered */
    OAUTH_EXPIRED,
    OAUTH_NOT_YET,
    OAUTH_REVOKED,
    OAUTH_NO_MEMORY, /* our fault: nothing is said about the token */
    OAUTH_REASON_COUNT
};

/* "bad-signature"; never NULL. */
const char *oauth_reason_name(enum oauth_reason reason);
/* "The token's signature does not fit the key it names."; never NULL. */
const char *oauth_reason_text(enum oauth_reason reason);
/* "invalid_token" or "insufficient_scope"; "" for OAUTH_OK and OAUTH_NO_MEMORY. */
const char *oauth_reason_error(enum oauth_reason reason);
/* RC_OK, RC_MALFORMED, RC_TOO_BIG, RC_NOT_FOUND (unknown key), RC_EXPIRED (also not yet), RC_NOMEM;
 * RC_DENIED for the rest. */
enum rc oauth_reason_rc(enum oauth_reason reason);

#endif
