/* jose/jwe.h - encrypted tokens in compact form (RFC 7516, 3.1, 7.1) with a shared key used
 * directly
 * ("alg":"dir", RFC 7518, 4.5): A256GCM and A128CBC-HS256, whichever the key is for. The encrypted
 * key part must be empty, the tag exactly 16 bytes, the iv exactly the method's; no compression.
 * Pure functions; safe from any thread. */
#ifndef JOSE_JWE_H
#define JOSE_JWE_H
#include "base/clock.h"
#include "crypto/aead.h"
#include "jose/header.h"

/* A symmetric key of one method. Give each method a key of its own. Counted, immutable. */
struct jose_enc_key;

/* 32 bytes of key; kid is copied. RC_INVALID (length), RC_TOO_BIG (kid), RC_NOMEM. */
MUST_CHECK enum rc jose_enc_key_new(struct str kid, enum jose_enc enc, struct bytes key,
                                    struct jose_enc_key **out);
struct jose_enc_key *jose_enc_key_ref(struct jose_enc_key *k);
struct jose_enc_key *jose_enc_key_unref(struct jose_enc_key *k); /* wipes the key at last; NULL */
struct str jose_enc_key_kid(const struct jose_enc_key *k);
enum jose_enc jose_enc_key_enc(const struct jose_enc_key *k);

/* A split token; slices lie in the arena or in the token. */
struct jose_jwe {
    struct jose_header header;
    struct str aad; /* the header part as it stands in the token */
    struct bytes iv, sealed, tag;
};

/* RC_MALFORMED, RC_TOO_BIG, RC_UNSUPPORTED ("crit", "zip"), RC_NOMEM. */
MUST_CHECK enum rc jose_jwe_parse(struct str token, struct arena *arena, struct jose_jwe *out);
/* RC_INVALID when the header's methods are not "dir" and the key's, RC_DENIED when key or text do
 * not fit, RC_NOMEM. The text lies in arena. */
MUST_CHECK enum rc jose_jwe_decrypt(const struct jose_jwe *jwe, const struct jose_enc_key *key,
                                    struct arena *arena, struct bytes *plain);
/* Appends the token to out; the iv comes from random. RC_TOO_BIG, RC_NOMEM. */
MUST_CHECK enum rc jose_jwe_print(struct buf *out, const struct jose_enc_key *key, struct str typ,
                                  struct str cty, const struct random_source *random,
                                  struct bytes plain);

#endif
