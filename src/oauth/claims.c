#include "oauth/claims_int.h"

const struct oauth_claim_names oauth_claim_names_plain = {.client_id = STR_INIT("client_id"),
                                                          .jti = STR_INIT("jti"),
                                                          .gid = STR_INIT("gid"),
                                                          .device = STR_INIT("device_id")};
const struct oauth_claim_names oauth_claim_names_private = {.client_id = STR_INIT("ccid"),
                                                            .jti = STR_INIT("tid"),
                                                            .gid = STR_INIT("gid"),
                                                            .device = STR_INIT("device_id")};

static bool texts_fit(const struct oauth_claims *c)
{
    const struct str all[] = {c->issuer, c->user, c->subject, c->client_id,
                              c->scope,  c->jti,  c->gid,     c->device};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].n > OAUTH_CLAIM_MAX) return false;
    return true;
}

bool oauth_claims_are_whole(const struct oauth_claims *c)
{
    return c->issuer.n && c->subject.n && c->client_id.n && c->jti.n && c->issued_unix_s > 0 &&
           c->expires_unix_s > c->issued_unix_s && texts_fit(c);
}

enum oauth_reason oauth_claims_from_own(const struct jose_jwt *jwt,
                                        const struct oauth_claim_names *names,
                                        struct oauth_claims *out)
{
    const struct jose_object *o = &jwt->claims;
    struct oauth_claims c = {.issuer_kind = OAUTH_ISSUER_OWN,
                             .issuer = jwt->iss,
                             .user = jwt->sub,
                             .subject = jwt->sub,
                             .issued_unix_s = jwt->iat_unix_s,
                             .expires_unix_s = jwt->exp_unix_s};
    if (jose_object_str(o, names->client_id, &c.client_id) != RC_OK ||
        jose_object_str(o, names->jti, &c.jti) != RC_OK ||
        jose_object_str(o, STR("scope"), &c.scope) != RC_OK ||
        jose_object_str(o, names->gid, &c.gid) != RC_OK ||
        jose_object_str(o, names->device, &c.device) != RC_OK)
        return OAUTH_BAD_CLAIM;
    if (!texts_fit(&c)) return OAUTH_TOO_BIG;
    if (!oauth_claims_are_whole(&c)) return OAUTH_BAD_CLAIM;
    *out = c;
    return OAUTH_OK;
}

static enum oauth_reason join(const struct jose_member *list, struct arena *arena, struct str *out)
{
    size_t n = 0;
    for (size_t i = 0; i < list->list_count; i++)
        n += list->list[i].n + 1;
    char *p = arena_alloc(arena, n);
    if (!p) return OAUTH_NO_MEMORY;
    struct buf b;
    buf_init_fixed(&b, p, n);
    for (size_t i = 0; i < list->list_count; i++) {
        if (i) buf_put_char(&b, ' ');
        buf_put_str(&b, list->list[i]);
    }
    *out = buf_str(&b);
    return OAUTH_OK;
}

/* "scope" as RFC 8693, 4.2 has it; issuers in use also give a list, or call it "scp". */
static enum oauth_reason foreign_scope(const struct jose_object *o, struct arena *arena,
                                       struct str *out)
{
    const struct jose_member *m = jose_object_find(o, STR("scope"));
    if (!m) m = jose_object_find(o, STR("scp"));
    *out = (struct str){0};
    if (!m) return OAUTH_OK;
    if (m->kind == JOSE_STRINGS) return join(m, arena, out);
    if (m->kind != JOSE_STRING) return OAUTH_BAD_CLAIM;
    *out = m->s;
    return OAUTH_OK;
}

/* A text that may be missing and may be of another kind: a foreign issuer's own business. */
static struct str text_of(const struct jose_object *o, struct str name)
{
    struct str s = {0};
    return jose_object_str(o, name, &s) == RC_OK ? s : (struct str){0};
}

enum oauth_reason oauth_claims_from_foreign(const struct jose_jwt *jwt, struct str user_claim,
                                            struct arena *arena, struct oauth_claims *out)
{
    const struct jose_object *o = &jwt->claims;
    struct oauth_claims c = {.issuer_kind = OAUTH_ISSUER_FOREIGN,
                             .issuer = jwt->iss,
                             .user = text_of(o, user_claim),
                             .subject = jwt->sub,
                             .client_id = text_of(o, STR("client_id")),
                             .jti = jwt->jti,
                             .gid = text_of(o, STR("sid")),
                             .issued_unix_s = jwt->iat_unix_s,
                             .expires_unix_s = jwt->exp_unix_s};
    if (c.client_id.n == 0) c.client_id = text_of(o, STR("azp"));
    enum oauth_reason reason = foreign_scope(o, arena, &c.scope);
    if (reason != OAUTH_OK) return reason;
    if (c.user.n == 0) return OAUTH_BAD_CLAIM;
    if (!texts_fit(&c)) return OAUTH_TOO_BIG;
    *out = c;
    return OAUTH_OK;
}

static void print_text(struct buf *out, struct str name, struct str value)
{
    if (value.n == 0) return;
    buf_put_char(out, ',');
    jose_print_string(out, name);
    buf_put_char(out, ':');
    jose_print_string(out, value);
}

void oauth_claims_print(struct buf *out, const struct oauth_claims *c, struct str audience,
                        const struct oauth_claim_names *names)
{
    buf_put_lit(out, "{\"exp\":");
    buf_put_i64(out, c->expires_unix_s);
    buf_put_lit(out, ",\"iat\":");
    buf_put_i64(out, c->issued_unix_s);
    print_text(out, STR("iss"), c->issuer);
    print_text(out, STR("aud"), audience);
    print_text(out, STR("sub"), c->subject);
    print_text(out, names->client_id, c->client_id);
    print_text(out, STR("scope"), c->scope);
    print_text(out, names->jti, c->jti);
    print_text(out, names->gid, c->gid);
    print_text(out, names->device, c->device);
    if (names == &oauth_claim_names_private) {
        print_text(out, STR("typ"), STR("user"));
        print_text(out, STR("ctyp"), STR("access"));
    }
    buf_put_char(out, '}');
}
