/* auth/request.h - an authorization request (RFC 6749, 4.1.1; PKCE, RFC 7636, 4.3): read from a query,
 * checked against its client, printed in one form. Pure functions. */
#ifndef AUTH_REQUEST_H
#define AUTH_REQUEST_H
#include "auth/redirect.h"
#include "base/arena.h"
#include "store/records.h"

enum {
    AUTH_TEXT_MAX = 512, /* bytes of scope, nonce, device_id */
    AUTH_STATE_MAX = 4096,
    AUTH_CHALLENGE_LEN = 43, /* letters of an S256 challenge */
    AUTH_VERIFIER_MIN = 43,
    AUTH_VERIFIER_MAX = 128,
};

/* Slices of the query or the arena; "" where a parameter is missing. */
struct auth_request {
    struct str client_id, redirect_uri, response_type, response_mode, scope, state;
    struct str code_challenge, code_challenge_method, nonce, device_id, prompt, login_hint;
    struct str request, request_uri; /* not done here; seen so that they can be refused */
    const char *doubled;             /* name of a parameter that came twice, NULL */
};

/* An error of a redirected answer (RFC 6749, 4.1.2.1). */
struct auth_error {
    const char *code;        /* "invalid_request"; NULL: none */
    const char *description; /* a sentence of printable ASCII without quotes */
};

/* RC_MALFORMED (broken coding), RC_TOO_BIG (too many parameters), RC_NOMEM. A doubled parameter is
 * only noted, and empty. Names not known are passed over. */
MUST_CHECK enum rc auth_request_parse(struct str query, struct arena *a, struct auth_request *out);
/* The query again, only what is known, everything coded: equal requests print equal. */
void auth_request_print(struct buf *out, const struct auth_request *r);

/* May answers go to its redirect_uri at all? RC_OK, or RC_DENIED with a sentence for the page. */
MUST_CHECK enum rc auth_request_check_redirect(const struct auth_request *r,
                                               const struct store_client *client,
                                               struct str everywhere, const char **why);
/* Everything else; its code is NULL when the request is sound. */
struct auth_error auth_request_check(const struct auth_request *r,
                                     const struct store_client *client);
/* What of asked the client may have: the allowed scope-tokens in the order asked, each once; all of
 * them where nothing was asked for. RC_MALFORMED (no scope text), RC_DENIED (nothing left),
 * RC_TOO_BIG, RC_NOMEM. *out lies in a. */
MUST_CHECK enum rc auth_scope_grant(struct str asked, struct str allowed, struct arena *a,
                                    struct str *out);

/* Does verifier belong to challenge (RFC 7636, 4.6)? RC_MALFORMED, RC_DENIED, RC_NOMEM. */
MUST_CHECK enum rc auth_pkce_check(struct str verifier, struct str challenge);

#endif
