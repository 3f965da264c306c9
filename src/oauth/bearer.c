/* oauth/bearer.c - five parts are our token encrypted; three parts are ours (plain, or with the
 * claims encrypted inside) or a foreign issuer's, by what the token says of itself. That choice
 * picks the keys; only a signature made with one of them makes the rest count. */
#include "oauth/bearer.h"

#include "base/buf.h"
#include "jose/jws.h"
#include "jose/jwt.h"
#include "oauth/claims_int.h"
#include "oauth/keyring_int.h"

static enum oauth_reason reason_of(enum rc rc, enum oauth_reason denied)
{
    switch ((int)rc) {
    case RC_OK: return OAUTH_OK;
    case RC_NOMEM: return OAUTH_NO_MEMORY;
    case RC_TOO_BIG: return OAUTH_TOO_BIG;
    case RC_DENIED: return denied;
    case RC_INVALID: return OAUTH_BAD_ALGORITHM;
    default: return OAUTH_MALFORMED;
    }
}

struct check {
    const struct oauth_keyring *keyring;
    int64_t now_unix_s;
    struct arena *arena;
    struct oauth_claims *out;
};

/* What every token must satisfy once its signature holds, in the order a person would ask. */
static enum oauth_reason check_claims(const struct check *c, const struct jose_jwt *jwt,
                                      struct str issuer, struct str audience)
{
    const struct oauth_own_spec *rules = &c->keyring->own;
    if (!str_eq(jwt->iss, issuer)) return OAUTH_BAD_ISSUER;
    if (!jose_jwt_is_for(jwt, audience)) return OAUTH_BAD_AUDIENCE;
    if (!jwt->has_exp) return OAUTH_BAD_CLAIM;
    switch (jose_jwt_check_time(jwt, c->now_unix_s, rules->leeway_s)) {
    case JOSE_JWT_EXPIRED: return OAUTH_EXPIRED;
    case JOSE_JWT_NOT_YET: return OAUTH_NOT_YET;
    case JOSE_JWT_IN_TIME: break;
    }
    if (jwt->exp_unix_s - c->now_unix_s > rules->longest_token_s + rules->leeway_s)
        return OAUTH_TOO_LONG_LIVED;
    return OAUTH_OK;
}

static enum oauth_reason take_own(const struct check *c, const struct jose_jwt *jwt,
                                  const struct oauth_claim_names *names)
{
    const struct oauth_own_spec *own = &c->keyring->own;
    enum oauth_reason reason = check_claims(c, jwt, own->issuer, own->audience);
    if (reason == OAUTH_OK) reason = oauth_claims_from_own(jwt, names, c->out);
    if (reason == OAUTH_OK && own->scope.n && !oauth_scope_has(c->out->scope, own->scope))
        reason = OAUTH_BAD_SCOPE;
    return reason;
}

/* Is there a key of that kid for another algorithm? Then the algorithm is what is wrong. */
static enum oauth_reason no_key(const struct jose_keyset *keys, struct str kid)
{
    bool other = kid.n && (jose_keyset_find(keys, kid, JOSE_ALG_ES256) ||
                           jose_keyset_find(keys, kid, JOSE_ALG_RS256));
    return other ? OAUTH_BAD_ALGORITHM : OAUTH_UNKNOWN_KEY;
}

static enum oauth_reason verify_with(const struct jose_keyset *keys, const struct jose_jws *jws)
{
    const struct jose_header *h = &jws->header;
    if (h->alg != JOSE_ALG_ES256 && h->alg != JOSE_ALG_RS256) return OAUTH_BAD_ALGORITHM;
    const struct jose_key *key = jose_keyset_find(keys, h->kid, h->alg);
    if (!key) return no_key(keys, h->kid);
    return reason_of(jose_jws_verify(jws, key), OAUTH_BAD_SIGNATURE);
}

/* Our own keys are always named. */
static enum oauth_reason verify_own(const struct check *c, const struct jose_jws *jws)
{
    enum oauth_reason reason = verify_with(c->keyring->signing, jws);
    return reason == OAUTH_OK && jws->header.kid.n == 0 ? OAUTH_UNKNOWN_KEY : reason;
}

static enum oauth_reason decrypt(const struct check *c, struct str token, enum jose_enc enc,
                                 struct bytes *plain)
{
    struct jose_jwe jwe;
    enum rc rc = jose_jwe_parse(token, c->arena, &jwe);
    if (rc != RC_OK) return reason_of(rc, OAUTH_MALFORMED);
    if (jwe.header.alg != JOSE_ALG_DIR || jwe.header.enc != enc) return OAUTH_BAD_ALGORITHM;
    const struct jose_enc_key *key = oauth_keyring_find_encryption(c->keyring, jwe.header.kid, enc);
    if (!key) return OAUTH_UNKNOWN_KEY;
    rc = jose_jwe_decrypt(&jwe, key, c->arena, plain);
    if (rc != RC_OK) return reason_of(rc, OAUTH_BAD_DECRYPTION);
    return jose_typ_is(jwe.header.cty, STR("JWT")) ? OAUTH_OK : OAUTH_BAD_TYPE;
}

static enum oauth_reason parse_claims(const struct check *c, struct bytes text,
                                      struct jose_jwt *jwt)
{
    return reason_of(jose_jwt_parse(text, c->arena, jwt), OAUTH_MALFORMED);
}

/* An at+jwt of ours, plain or taken out of its envelope (RFC 9068, 4). */
static enum oauth_reason verify_own_signed(const struct check *c, const struct jose_jws *jws)
{
    struct jose_jwt jwt;
    enum oauth_reason reason = verify_own(c, jws);
    if (reason != OAUTH_OK) return reason;
    if (!jose_typ_is(jws->header.typ, STR("at+jwt"))) return OAUTH_BAD_TYPE;
    if ((reason = parse_claims(c, jws->unverified_payload, &jwt)) != OAUTH_OK) return reason;
    return take_own(c, &jwt, &oauth_claim_names_plain);
}

static enum oauth_reason verify_nested(const struct check *c, struct str token)
{
    struct bytes inner;
    struct jose_jws jws;
    if (!(c->keyring->own.accept & OAUTH_FORMAT_NESTED)) return OAUTH_BAD_FORMAT;
    enum oauth_reason reason = decrypt(c, token, JOSE_ENC_A256GCM, &inner);
    if (reason != OAUTH_OK) return reason;
    reason = reason_of(jose_jws_parse(bytes_str(inner), c->arena, &jws), OAUTH_MALFORMED);
    return reason == OAUTH_OK ? verify_own_signed(c, &jws) : reason;
}

/* The signature is outside, the claims are sealed in the member "private". */
static enum oauth_reason verify_private(const struct check *c, const struct jose_jws *jws,
                                        const struct jose_member *sealed)
{
    struct jose_jwt jwt;
    struct bytes text;
    if (!(c->keyring->own.accept & OAUTH_FORMAT_PRIVATE)) return OAUTH_BAD_FORMAT;
    enum oauth_reason reason = verify_own(c, jws);
    if (reason != OAUTH_OK) return reason;
    if (!jose_typ_is(jws->header.typ, STR("JWT"))) return OAUTH_BAD_TYPE;
    if (sealed->kind != JOSE_STRING) return OAUTH_BAD_CLAIM;
    if ((reason = decrypt(c, sealed->s, JOSE_ENC_A128CBC_HS256, &text)) != OAUTH_OK) return reason;
    if ((reason = parse_claims(c, text, &jwt)) != OAUTH_OK) return reason;
    if (!jose_object_has(&jwt.claims, STR("ctyp"), STR("access"))) return OAUTH_BAD_TYPE;
    return take_own(c, &jwt, &oauth_claim_names_private);
}

static bool foreign_typ_fits(const struct oauth_issuer *issuer, struct str typ)
{
    if (jose_typ_is(typ, STR("at+jwt"))) return true;
    return issuer->allow_plain_typ && (typ.n == 0 || jose_typ_is(typ, STR("JWT")));
}

static enum oauth_reason verify_foreign(const struct check *c, const struct oauth_issuer *issuer,
                                        const struct jose_jws *jws, const struct jose_jwt *jwt)
{
    enum jose_alg alg = jws->header.alg;
    if ((alg == JOSE_ALG_ES256 && !issuer->es256) || (alg == JOSE_ALG_RS256 && !issuer->rs256))
        return OAUTH_BAD_ALGORITHM;
    enum oauth_reason reason = verify_with(issuer->keys, jws);
    if (reason != OAUTH_OK) return reason;
    if (!foreign_typ_fits(issuer, jws->header.typ)) return OAUTH_BAD_TYPE;
    reason = check_claims(c, jwt, issuer->issuer, issuer->audience);
    if (reason == OAUTH_OK)
        reason = oauth_claims_from_foreign(jwt, issuer->user_claim, c->arena, c->out);
    if (reason == OAUTH_OK && issuer->scope.n && !oauth_scope_has(c->out->scope, issuer->scope))
        reason = OAUTH_BAD_SCOPE;
    return reason;
}

/* Three parts: the payload is read before it is verified, to see whose it claims to be. */
static enum oauth_reason verify_three_parts(const struct check *c, struct str token)
{
    struct jose_jws jws;
    struct jose_jwt unverified;
    enum oauth_reason reason = reason_of(jose_jws_parse(token, c->arena, &jws), OAUTH_MALFORMED);
    if (reason != OAUTH_OK) return reason;
    if (jws.header.alg != JOSE_ALG_ES256 && jws.header.alg != JOSE_ALG_RS256)
        return OAUTH_BAD_ALGORITHM;
    if ((reason = parse_claims(c, jws.unverified_payload, &unverified)) != OAUTH_OK) return reason;
    const struct jose_member *sealed = jose_object_find(&unverified.claims, STR("private"));
    if (sealed && unverified.iss.n == 0) return verify_private(c, &jws, sealed);
    if (str_eq(unverified.iss, c->keyring->own.issuer))
        return c->keyring->own.accept & OAUTH_FORMAT_SIGNED ? verify_own_signed(c, &jws)
                                                            : OAUTH_BAD_FORMAT;
    const struct oauth_issuer *issuer = oauth_keyring_find_issuer(c->keyring, unverified.iss);
    return issuer ? verify_foreign(c, issuer, &jws, &unverified) : OAUTH_BAD_ISSUER;
}

static size_t count_dots(struct str token)
{
    size_t n = 0;
    for (size_t i = 0; i < token.n; i++)
        n += token.p[i] == '.';
    return n;
}

enum rc oauth_bearer_verify(struct str token, const struct oauth_keyring *keyring,
                            int64_t now_unix_s, struct arena *arena, struct oauth_claims *out,
                            enum oauth_reason *reason)
{
    struct oauth_claims claims = {0};
    struct check c = {.keyring = keyring, .now_unix_s = now_unix_s, .arena = arena, .out = &claims};
    size_t dots = token.n > OAUTH_TOKEN_MAX ? 0 : count_dots(token);
    if (token.n > OAUTH_TOKEN_MAX)
        *reason = OAUTH_TOO_BIG;
    else if (dots == 4)
        *reason = verify_nested(&c, token);
    else if (dots == 2)
        *reason = verify_three_parts(&c, token);
    else
        *reason = OAUTH_MALFORMED;
    if (*reason == OAUTH_OK) *out = claims;
    return oauth_reason_rc(*reason);
}

bool oauth_scope_has(struct str scope, struct str token)
{
    struct str rest = scope, part;
    while (token.n && str_split(&rest, ' ', &part))
        if (str_eq(part, token)) return true;
    return false;
}
