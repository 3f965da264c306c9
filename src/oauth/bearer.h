/* oauth/bearer.h - decides whether a bearer token opens a line (RFC 8898; token form RFC 9068).
 * A function of token, keyring and time: no I/O, no log, nothing kept. The signature is checked
 * before any claim counts; of a stranger's words only kid and iss are used, and only to choose a
 * key. Safe from any thread. Callers on the hot path use oauth/verify.h. */
#ifndef OAUTH_BEARER_H
#define OAUTH_BEARER_H
#include "base/arena.h"
#include "oauth/keyring.h"
#include "oauth/reason.h"

enum {
    OAUTH_TOKEN_MAX = 8192, /* bytes; a longer token is refused unread */
    OAUTH_CLAIM_MAX = 1024, /* bytes of any one claim kept */
};

enum oauth_issuer_kind { OAUTH_ISSUER_OWN, OAUTH_ISSUER_FOREIGN };

/* Whom the token speaks for. Slices point into the arena given to the function that wrote them. */
struct oauth_claims {
    enum oauth_issuer_kind issuer_kind;
    struct str issuer;
    struct str
        user; /* our user's name: "sub" of our tokens, the named claim of others; not empty */
    struct str subject;   /* "sub"; empty only for a foreign issuer that gives none */
    struct str client_id; /* not empty in our tokens */
    struct str scope;     /* scope-tokens between single spaces; may be empty */
    struct str jti;       /* not empty in our tokens */
    struct str
        gid; /* the grant it was issued for ("gid", for others "sid"): what revocation names */
    struct str device;      /* the device it was issued to ("device_id"); may be empty */
    int64_t issued_unix_s;  /* 0 when a foreign token does not say */
    int64_t expires_unix_s; /* a registration must not outlive it */
};

/* Verifies token as of now_unix_s. Writes *out on RC_OK only, *reason always; the rc is
 * oauth_reason_rc(*reason). What a failure drew from arena stays there. token may die after return.
 * Revocation is not looked at (oauth/revoked.h). */
MUST_CHECK enum rc oauth_bearer_verify(struct str token, const struct oauth_keyring *keyring,
                                       int64_t now_unix_s, struct arena *arena,
                                       struct oauth_claims *out, enum oauth_reason *reason);
/* Does scope (tokens between spaces) hold this one scope-token? */
bool oauth_scope_has(struct str scope, struct str token);

#endif
