/* jose/header.h - the protected header of a compact JWS or JWE (RFC 7515, 4; RFC 7516, 4). What is
 * read here is not verified: it may choose a key, never an algorithm. */
#ifndef JOSE_HEADER_H
#define JOSE_HEADER_H
#include "base/arena.h"
#include "base/buf.h"

enum {
    JOSE_TOKEN_MAX = 16384, /* bytes of a compact token (8898 and proxies see far less) */
    JOSE_KID_MAX = 256,
    JOSE_TYP_MAX = 64,
};

enum jose_alg {
    JOSE_ALG_OTHER, /* anything else: "none", HS256, ... Nothing verifies with it */
    JOSE_ALG_ES256,
    JOSE_ALG_RS256,
    JOSE_ALG_DIR,
};

enum jose_enc { JOSE_ENC_OTHER, JOSE_ENC_A256GCM, JOSE_ENC_A128CBC_HS256 };

struct jose_header {
    enum jose_alg alg;
    enum jose_enc enc;        /* JWE only */
    struct str kid, typ, cty; /* "" when missing */
    bool has_zip;             /* a compressed JWE: refused */
};

/* Decodes and reads one header part (base64url). RC_MALFORMED (also without "alg"), RC_TOO_BIG
 * (kid, typ), RC_UNSUPPORTED ("crit" of any content: no extension is understood here, RFC
 * 7515, 4.1.11; with it "b64" of RFC 7797), RC_NOMEM. Slices lie in arena. */
MUST_CHECK enum rc jose_header_parse(struct str part, struct arena *arena, struct jose_header *out);
/* {"alg":...,["enc":...,]["typ":...,]["cty":...,]["kid":...]} as base64url. */
void jose_header_print(struct buf *out, const struct jose_header *h);
/* Does typ name this media type? "application/" may be left off; ASCII case does not count (RFC
 * 7515, 4.1.9). */
bool jose_typ_is(struct str typ, struct str want);
/* "ES256", "RS256", "dir", "other". */
const char *jose_alg_name(enum jose_alg alg);

#endif
