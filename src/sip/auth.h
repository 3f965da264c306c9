/* sip/auth.h - credentials and challenges: Authorization, Proxy-Authorization, WWW-Authenticate,
 * Proxy-Authenticate (RFC 3261, 25.1; RFC 8760 Digest; RFC 8898 Bearer, and the quoted token= form
 * phones in the field send). Parsing gives slices of the message; tokens are secrets: never log
 * them (mask.h). No state: safe from any thread. */
#ifndef SIP_AUTH_H
#define SIP_AUTH_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/cur.h"
#include "sip/header.h"

enum { SIP_AUTH_PARAM_MAX = 24 };

enum sip_auth_scheme { SIP_AUTH_OTHER, SIP_AUTH_BASIC, SIP_AUTH_BEARER, SIP_AUTH_DIGEST };

struct sip_auth_param {
    struct str name;
    struct str value; /* without quotes; escapes stay */
    bool is_quoted;
};

struct sip_auth {
    enum sip_auth_scheme scheme;
    struct str scheme_text;
    struct str token68; /* empty: none */
    unsigned param_count;
    struct sip_auth_param params[SIP_AUTH_PARAM_MAX];
};

/* scheme (token68 | auth-params | token68 "," auth-params). RC_MALFORMED; RC_TOO_BIG over
 * SIP_AUTH_PARAM_MAX; RC_INVALID when a parameter stands there twice. at may be NULL. out->scheme
 * is what could be read of it on failure too. */
MUST_CHECK enum rc sip_auth_parse(struct str value, struct sip_auth *out, struct parse_at *at);
/* The parameter, or NULL. Any case. */
const struct sip_auth_param *sip_auth_find(const struct sip_auth *a, struct str name);
/* Its raw value, or an empty slice. */
struct str sip_auth_value(const struct sip_auth *a, struct str name);
/* Its value unescaped. RC_NOT_FOUND, RC_NOMEM, RC_MALFORMED. */
MUST_CHECK enum rc sip_auth_text(const struct sip_auth *a, struct str name, struct arena *arena,
                                 struct str *out);
/* The bearer token of credentials: token="...", token=..., token68, or token68 followed by
 * parameters. RC_NOT_FOUND: another scheme; RC_MALFORMED: none or with bytes no token has (RFC
 * 6750, 2.1); RC_INVALID: both forms, and they differ. A secret; it points into the message. */
MUST_CHECK enum rc sip_auth_bearer(const struct sip_auth *a, struct str *token);

/* Digest credentials or challenge, values unescaped; missing ones empty. */
struct sip_digest {
    struct str username, realm, nonce, uri, response, algorithm, cnonce, opaque, qop, nc, domain;
    bool stale;
};
/* RC_NOT_FOUND: another scheme; RC_MALFORMED; RC_NOMEM. Which fields must be there is the caller's
 * (credentials: username realm nonce uri response; challenge: realm nonce). */
MUST_CHECK enum rc sip_digest_get(const struct sip_auth *a, struct arena *arena,
                                  struct sip_digest *out);

/* RFC 8898, 4; RFC 6750, 3. Empty ones are left out. */
struct sip_bearer_challenge {
    struct str realm, scope, authz_server, error, error_description;
};
/* Whole header lines "Name: Bearer realm=\"...\"...CRLF". id: WWW_ or PROXY_AUTHENTICATE. */
void sip_bearer_challenge_print(struct buf *out, enum sip_header_id id,
                                const struct sip_bearer_challenge *c);
/* realm, nonce, opaque, algorithm, qop, stale, domain of d. */
void sip_digest_challenge_print(struct buf *out, enum sip_header_id id, const struct sip_digest *d);
/* "Proxy-Authorization: Bearer token=\"...\"CRLF" (quoted_param) or "...: Bearer <token68>CRLF". */
void sip_bearer_print(struct buf *out, enum sip_header_id id, struct str token, bool quoted_param);
/* Digest credentials from d. */
void sip_digest_print(struct buf *out, enum sip_header_id id, const struct sip_digest *d);

#endif
