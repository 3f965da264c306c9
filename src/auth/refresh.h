/* auth/refresh.h - the text of a refresh token: 256 random bits, the grant they belong to, and a MAC
 * that shows we wrote that name there. The store knows the SHA-256 of the random bits alone. The
 * name lets a token too old to be remembered still give away its thief; without the MAC it would let
 * anyone who knows a grant's name end that grant. Pure functions. */
#ifndef AUTH_REFRESH_H
#define AUTH_REFRESH_H
#include "auth/text.h"
#include "store/tokens.h"

enum {
    AUTH_REFRESH_SECRET_LEN = 32,
    AUTH_REFRESH_KEY_LEN = 32,
    AUTH_REFRESH_LEN = 86, /* letters of the text */
};

struct auth_refresh {
    struct store_hash hash;
    char grant[AUTH_UUID_LEN + 1]; /* "" when the MAC is not of this key (any more) */
};

/* What the store keeps of a secret. RC_NOMEM. */
MUST_CHECK enum rc auth_refresh_hash(const uint8_t secret[AUTH_REFRESH_SECRET_LEN],
                                     struct store_hash *out);
/* grant is a UUID; else RC_INVALID. RC_NOMEM, RC_TOO_BIG (out). */
MUST_CHECK enum rc auth_refresh_print(struct buf *out,
                                      const uint8_t secret[AUTH_REFRESH_SECRET_LEN],
                                      struct str grant, const uint8_t key[AUTH_REFRESH_KEY_LEN]);
/* RC_MALFORMED, RC_NOMEM. */
MUST_CHECK enum rc auth_refresh_parse(struct str text, const uint8_t key[AUTH_REFRESH_KEY_LEN],
                                      struct auth_refresh *out);

#endif
