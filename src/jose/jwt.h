/* jose/jwt.h - the registered claims of a JWT (RFC 7519, 4.1) and when they hold. A claims text is
 * read as jose/object.h reads objects; nothing here is verified. Time is an argument. */
#ifndef JOSE_JWT_H
#define JOSE_JWT_H
#include "jose/object.h"

struct jose_jwt {
    struct jose_object claims; /* all of them */
    struct str iss, sub, jti;  /* "" when missing */
    bool has_exp, has_nbf, has_iat;
    int64_t exp_unix_s, nbf_unix_s, iat_unix_s;
};

/* RC_MALFORMED (not an object, or a registered claim of the wrong kind), RC_TOO_BIG, RC_NOMEM. */
MUST_CHECK enum rc jose_jwt_parse(struct bytes payload, struct arena *arena, struct jose_jwt *out);
/* aud names this audience, alone or among others. */
bool jose_jwt_is_for(const struct jose_jwt *jwt, struct str audience);

enum jose_jwt_time { JOSE_JWT_IN_TIME, JOSE_JWT_EXPIRED, JOSE_JWT_NOT_YET };

/* Expired at exp + leeway_s and later; not yet valid before nbf - leeway_s; a token issued more
 * than leeway_s in the future is not yet valid either. What is missing is not checked. */
enum jose_jwt_time jose_jwt_check_time(const struct jose_jwt *jwt, int64_t now_unix_s,
                                       int64_t leeway_s);

#endif
