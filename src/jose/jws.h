/* jose/jws.h - signed tokens in compact form (RFC 7515, 3.1, 7.1): split, verify, print. Refuses by
 * construction: "none" and every algorithm but the key's own, "crit", "b64":false, other parts or
 * letters than three parts of strict base64url. Pure functions; safe from any thread. */
#ifndef JOSE_JWS_H
#define JOSE_JWS_H
#include "jose/header.h"
#include "jose/jwk.h"

/* A split token. Slices lie in the arena or in the token. Until jose_jws_verify has said RC_OK
 * header and payload are a stranger's words: good for choosing a key, for nothing else. */
struct jose_jws {
    struct jose_header header;
    struct str signing_input;
    struct bytes unverified_payload;
    struct bytes signature;
};

/* RC_MALFORMED, RC_TOO_BIG, RC_UNSUPPORTED ("crit"), RC_NOMEM. */
MUST_CHECK enum rc jose_jws_parse(struct str token, struct arena *arena, struct jose_jws *out);
/* RC_INVALID when the header's algorithm is not the key's, RC_DENIED when the signature does not
 * fit, RC_NOMEM. */
MUST_CHECK enum rc jose_jws_verify(const struct jose_jws *jws, const struct jose_key *key);
/* Appends the token to out: header with key's alg and kid, and typ and cty where they are not
 * empty. RC_INVALID (public key), RC_TOO_BIG, RC_NOMEM; what out says then is worthless. */
MUST_CHECK enum rc jose_jws_print(struct buf *out, const struct jose_key *key, struct str typ,
                                  struct str cty, struct bytes payload);

#endif
