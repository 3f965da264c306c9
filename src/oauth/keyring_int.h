/* oauth/keyring_int.h - what the bearer check reads of a keyring. */
#ifndef OAUTH_KEYRING_INT_H
#define OAUTH_KEYRING_INT_H
#include "base/arena.h"
#include "oauth/keyring.h"

#include <stdatomic.h>

struct oauth_issuer {
    struct str issuer, audience, user_claim, scope;
    struct jose_keyset *keys;
    bool es256, rs256, allow_plain_typ;
};

struct oauth_keyring {
    struct oauth_keyring *self; /* the way to refs for those who have it const */
    atomic_size_t refs;
    uint64_t generation;
    struct arena text; /* what the slices below point into */
    struct oauth_own_spec own;
    struct jose_keyset *signing;
    struct jose_enc_key *encryption[OAUTH_ENCRYPTION_KEY_MAX];
    size_t encryption_count;
    struct oauth_issuer issuers[OAUTH_ISSUER_MAX];
    size_t issuer_count;
};

/* Borrowed; NULL. */
const struct oauth_issuer *oauth_keyring_find_issuer(const struct oauth_keyring *k,
                                                     struct str issuer);
const struct jose_enc_key *oauth_keyring_find_encryption(const struct oauth_keyring *k,
                                                         struct str kid, enum jose_enc enc);

#endif
