/* oauth/keyring.h - whose tokens this node believes: the cluster's own issuer with its present and
 * former keys, and the foreign issuers an administrator has named. A keyring is filled by one
 * thread, then given to a holder and never changed: readers have it const, and keep the one they
 * have for as long as they hold a reference. */
#ifndef OAUTH_KEYRING_H
#define OAUTH_KEYRING_H
#include "base/str.h"
#include "crypto/sign.h"
#include "jose/jwe.h"
#include "jose/jwk.h"

enum {
    OAUTH_NAME_MAX = 1024, /* bytes of an issuer, audience, claim name or scope */
    OAUTH_ISSUER_MAX = 64, /* foreign issuers */
    OAUTH_ENCRYPTION_KEY_MAX = 32,
    OAUTH_LEEWAY_MAX_S = 300,
};

/* How our own access tokens are packed; bits, so that several may be accepted. */
enum oauth_format {
    OAUTH_FORMAT_NESTED = 1, /* JWE (dir, A256GCM) around a JWS of typ at+jwt (RFC 9068) */
    OAUTH_FORMAT_PRIVATE =
        2, /* JWS whose claim "private" is a JWE (dir, A128CBC-HS256) of the claims */
    OAUTH_FORMAT_SIGNED = 4, /* JWS of typ at+jwt, readable by anyone who sees it */
    OAUTH_FORMAT_ANY = 7,
};

/* Borrowed for the call, as all specs here. */
struct oauth_own_spec {
    struct str issuer;   /* equals "iss" byte for byte; not empty */
    struct str audience; /* must be among "aud"; not empty */
    struct str scope;    /* one scope-token a token must carry (RFC 6749, 3.3); "" asks for none */
    unsigned accept;     /* enum oauth_format bits; at least one */
    int64_t leeway_s;    /* clock skew allowed, 0..OAUTH_LEEWAY_MAX_S; foreign issuers too */
    int64_t longest_token_s; /* an exp further ahead is refused, so that revocations may be
                              * forgotten after it; > 0; foreign issuers too */
};

struct oauth_issuer_spec {
    struct str issuer;     /* equals "iss" byte for byte; not ours, not twice */
    struct str audience;   /* must be among "aud"; not empty */
    struct str user_claim; /* the claim that names our user: "sub", "preferred_username", "email" */
    struct str scope;      /* as above; "" asks for none */
    struct str jwks;       /* its JWK Set */
    bool es256, rs256;     /* algorithms allowed; at least one */
    bool allow_plain_typ;  /* typ "JWT" or none is good too, not only at+jwt */
};

struct oauth_keyring;

/* RC_INVALID (a spec outside its rules), RC_NOMEM. The caller owns the one reference. */
MUST_CHECK enum rc oauth_keyring_new(const struct oauth_own_spec *own, struct oauth_keyring **out);
/* A key that verifies our tokens (public is enough); kid not empty. The present and, for the
 * overlap, the former ones. RC_EXISTS, RC_INVALID, RC_TOO_BIG, RC_NOMEM. */
MUST_CHECK enum rc oauth_keyring_add_signing_key(struct oauth_keyring *k, struct str kid,
                                                 struct crypto_key *key);
/* Takes a reference. A kid may stand for one key of each method. RC_EXISTS, RC_TOO_BIG. */
MUST_CHECK enum rc oauth_keyring_add_encryption_key(struct oauth_keyring *k,
                                                    struct jose_enc_key *key);
/* *skipped: keys of the JWKS this node does not use. RC_INVALID (also when no usable key is left),
 * RC_EXISTS, RC_MALFORMED (jwks), RC_TOO_BIG, RC_NOMEM; k is unchanged then. */
MUST_CHECK enum rc oauth_keyring_add_issuer(struct oauth_keyring *k,
                                            const struct oauth_issuer_spec *spec, size_t *skipped);

const struct oauth_keyring *oauth_keyring_ref(const struct oauth_keyring *k);
const struct oauth_keyring *oauth_keyring_unref(const struct oauth_keyring *k); /* NULL */
/* The public keys of our own issuer as a JWK Set (the authorization server's jwks_uri). */
void oauth_keyring_print_jwks(struct buf *out, const struct oauth_keyring *k);
struct str oauth_keyring_issuer(const struct oauth_keyring *k);
struct str oauth_keyring_audience(const struct oauth_keyring *k);
int64_t oauth_keyring_leeway_s(const struct oauth_keyring *k);
int64_t oauth_keyring_longest_token_s(const struct oauth_keyring *k);
/* Which keyring of its holder it is: 1, 2, ...; 0 before it is given to one. */
uint64_t oauth_keyring_generation(const struct oauth_keyring *k);

/* The one place where threads find the present keyring. */
struct oauth_keyring_holder;

/* Takes over the caller's reference of first (not NULL). RC_NOMEM: the reference stays. */
MUST_CHECK enum rc oauth_keyring_holder_new(struct oauth_keyring *first,
                                            struct oauth_keyring_holder **out);
struct oauth_keyring_holder *oauth_keyring_holder_free(struct oauth_keyring_holder *h); /* NULL */
/* Takes over the caller's reference of next, which must not have been in a holder. */
void oauth_keyring_holder_swap(struct oauth_keyring_holder *h, struct oauth_keyring *next);
/* A reference to the present keyring: unref it. Any thread. */
const struct oauth_keyring *oauth_keyring_holder_ref(struct oauth_keyring_holder *h);
/* The generation of the present keyring, without taking it. Any thread, wait-free. */
uint64_t oauth_keyring_holder_generation(const struct oauth_keyring_holder *h);

#endif
