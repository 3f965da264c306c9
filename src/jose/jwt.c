#include "jose/jwt.h"

static enum rc read_date(const struct jose_object *o, struct str name, bool *has, int64_t *out)
{
    enum rc rc = jose_object_date(o, name, out);
    *has = rc == RC_OK;
    return rc == RC_INVALID ? RC_MALFORMED : RC_OK;
}

/* A StringOrURI or an array of them (RFC 7519, 4.1.3). */
static bool audience_is_sound(const struct jose_object *o)
{
    const struct jose_member *aud = jose_object_find(o, STR("aud"));
    return !aud || aud->kind == JOSE_STRING || aud->kind == JOSE_STRINGS;
}

enum rc jose_jwt_parse(struct bytes payload, struct arena *arena, struct jose_jwt *out)
{
    struct jose_jwt jwt = {0};
    struct jose_object *o = &jwt.claims;
    enum rc rc = jose_object_parse(bytes_str(payload), arena, o);
    if (rc != RC_OK) return rc;
    if (jose_object_str(o, STR("iss"), &jwt.iss) != RC_OK ||
        jose_object_str(o, STR("sub"), &jwt.sub) != RC_OK ||
        jose_object_str(o, STR("jti"), &jwt.jti) != RC_OK || !audience_is_sound(o))
        return RC_MALFORMED;
    if ((rc = read_date(o, STR("exp"), &jwt.has_exp, &jwt.exp_unix_s)) != RC_OK) return rc;
    if ((rc = read_date(o, STR("nbf"), &jwt.has_nbf, &jwt.nbf_unix_s)) != RC_OK) return rc;
    if ((rc = read_date(o, STR("iat"), &jwt.has_iat, &jwt.iat_unix_s)) != RC_OK) return rc;
    *out = jwt;
    return RC_OK;
}

bool jose_jwt_is_for(const struct jose_jwt *jwt, struct str audience)
{
    return jose_object_has(&jwt->claims, STR("aud"), audience);
}

enum jose_jwt_time jose_jwt_check_time(const struct jose_jwt *jwt, int64_t now_unix_s,
                                       int64_t leeway_s)
{
    if (jwt->has_exp && now_unix_s >= jwt->exp_unix_s + leeway_s) return JOSE_JWT_EXPIRED;
    if (jwt->has_nbf && now_unix_s < jwt->nbf_unix_s - leeway_s) return JOSE_JWT_NOT_YET;
    if (jwt->has_iat && now_unix_s < jwt->iat_unix_s - leeway_s) return JOSE_JWT_NOT_YET;
    return JOSE_JWT_IN_TIME;
}
