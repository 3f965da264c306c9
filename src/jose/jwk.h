/* jose/jwk.h - public signing keys as JSON (RFC 7517, 7518 section 6) and sets of them. Each key
 * has its one algorithm from the day it is read: what a token's header says can only fit or not.
 * Sets are filled by one thread, then read by any. */
#ifndef JOSE_JWK_H
#define JOSE_JWK_H
#include "base/arena.h"
#include "base/buf.h"
#include "crypto/sign.h"
#include "jose/header.h"

enum {
    JOSE_KEYSET_MAX = 64,          /* keys */
    JOSE_KEYSET_TEXT_MAX = 262144, /* bytes of JSON */
    JOSE_THUMBPRINT_LEN = 43,
};

struct jose_key {
    struct str kid; /* may be empty; at most JOSE_KID_MAX */
    enum jose_alg alg;
    struct crypto_key *key;
};

struct jose_keyset;

struct jose_keyset *jose_keyset_new(void);                     /* NULL when out of memory */
struct jose_keyset *jose_keyset_free(struct jose_keyset *set); /* NULL */
/* Takes a reference of key; kid is copied. RC_EXISTS (kid and algorithm are there already),
 * RC_TOO_BIG, RC_NOMEM. */
MUST_CHECK enum rc jose_keyset_add(struct jose_keyset *set, struct str kid, struct crypto_key *key);
/* Adds the keys of a JWK Set, or of one JWK. Keys this node does not use (other kty, curve or alg;
 * "use":"enc"; weak or broken numbers) are skipped and counted in *skipped (RFC 7517, 5). Private
 * members are never read. RC_MALFORMED, RC_TOO_BIG (text or number of keys), RC_EXISTS, RC_NOMEM;
 * set is unchanged then. */
MUST_CHECK enum rc jose_keyset_parse(struct jose_keyset *set, struct str json, size_t *skipped);
size_t jose_keyset_count(const struct jose_keyset *set);
const struct jose_key *jose_keyset_at(const struct jose_keyset *set, size_t index);
/* The key of that kid and algorithm. An empty kid finds the only key of that algorithm. NULL. */
const struct jose_key *jose_keyset_find(const struct jose_keyset *set, struct str kid,
                                        enum jose_alg alg);
/* {"keys":[...]}, public members only, with kid, use and alg. */
void jose_keyset_print(struct buf *out, const struct jose_keyset *set);
/* One public JWK. */
void jose_key_print(struct buf *out, const struct jose_key *key);

/* RFC 7638 with SHA-256, base64url and a NUL: the usual kid. RC_NOMEM. */
MUST_CHECK enum rc jose_thumbprint(const struct crypto_key *key, char out[JOSE_THUMBPRINT_LEN + 1]);
/* ES256 or RS256. */
enum jose_alg jose_key_alg(const struct crypto_key *key);

#endif
