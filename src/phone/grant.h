/* phone/grant.h - the pure parts of signing in by authorization code (RFC 6749, 4.1; PKCE RFC 7636;
 * native apps RFC 8252; server metadata RFC 8414; issuer identification RFC 9207). Fetching is
 * login.h. Safe from any thread. */
#ifndef PHONE_GRANT_H
#define PHONE_GRANT_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "phone/problem.h"

enum { PHONE_PKCE_LEN = 43 }; /* letters of a verifier made of 32 bytes, and of its challenge */

#define PHONE_CLIENT_ID "bearline-phone"
#define PHONE_SCOPE     "sip UnifiedCommunications:readwrite"

/* challenge = BASE64URL(SHA-256(verifier)). out holds PHONE_PKCE_LEN letters and a NUL. RC_NOMEM. */
MUST_CHECK enum rc phone_pkce_challenge(struct str verifier, char out[PHONE_PKCE_LEN + 1]);
/* 32 bytes of randomness as base64url: verifiers, states. */
void phone_grant_random(const struct random_source *random, char out[PHONE_PKCE_LEN + 1]);

/* RFC 8414, 3.2. Slices lie in the arena. */
struct phone_metadata {
    struct str issuer, authorize_url, token_url, revoke_url; /* revoke_url may be empty */
    bool sends_iss;
};
/* RC_MALFORMED, RC_INVALID (an endpoint is missing, not https, or PKCE S256 is not offered; why
 * says which), RC_NOMEM. */
MUST_CHECK enum rc phone_metadata_parse(struct str json, struct arena *a,
                                        struct phone_metadata *out, const char **why);

struct phone_authorize {
    struct str authorize_url, redirect_uri, state, challenge, device; /* device may be empty */
};
void phone_authorize_print(struct buf *out, const struct phone_authorize *a);

/* The query of the redirect that ends a sign-in. */
struct phone_redirect {
    struct str code, state, iss, error, error_description;
};
/* query without '?'. RC_MALFORMED: cannot be read, something stands twice, or there is neither code
 * nor error. Slices lie in arena or query. */
MUST_CHECK enum rc phone_redirect_parse(struct str query, struct arena *a,
                                        struct phone_redirect *out);
/* Is it the answer to our question: state (compared in constant time) and, where the server says it
 * sends it or has sent it, iss. PHONE_EXIT_OK, or the problem. */
enum phone_exit phone_redirect_check(const struct phone_redirect *r, struct str state,
                                     const struct phone_metadata *m, struct phone_problem *problem);

/* Bodies for the token and revocation endpoints. */
void phone_grant_print_code(struct buf *out, struct str code, struct str redirect_uri,
                            struct str verifier);
void phone_grant_print_refresh(struct buf *out, struct str client_id, struct str refresh_token);
void phone_grant_print_revoke(struct buf *out, struct str client_id, struct str token);

/* An absolute URL from one that may be relative to base (RFC 3986, 5.2 as far as servers use it:
 * absolute, "//host", "/path", "?query", "name"). RC_NOMEM, RC_MALFORMED (base). */
MUST_CHECK enum rc phone_url_resolve(struct str base, struct str ref, struct arena *a,
                                     struct str *out);
/* "https://host:port" of a URL; empty when it is none. */
struct str phone_url_origin(struct str url);
/* The host of a URL without brackets and port; empty when it is none. */
struct str phone_url_host(struct str url);

#endif
