#include "sip/auth.h"
#include "sip/lex_int.h"
#include "sip/values.h"

static enum sip_auth_scheme auth_scheme(struct str text)
{
    if (lex_eq_lower(text, STR("bearer"))) return SIP_AUTH_BEARER;
    if (lex_eq_lower(text, STR("digest"))) return SIP_AUTH_DIGEST;
    if (lex_eq_lower(text, STR("basic"))) return SIP_AUTH_BASIC;
    return SIP_AUTH_OTHER;
}

/* token68 = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=". Read only where a comma
 * or the end follows: otherwise it is the name of a parameter. RFC 9110, 11.2 */
static bool auth_token68(struct cur *c, struct str *out)
{
    struct cur t = *c;
    if (lex_token68(&t).n == 0) return false;
    while (cur_char(&t, '=')) {}
    struct str token = cur_since(&t, c->p);
    lex_lws(&t);
    if (!cur_at_end(&t) && cur_peek(&t) != ',') return false;
    *out = token;
    *c = t;
    return true;
}

/* auth-param = token EQUAL ( token / quoted-string ) */
static bool auth_param(struct cur *c, struct sip_auth_param *out)
{
    struct sip_auth_param p;
    if (!lex_token(c, &p.name) || !lex_sep(c, '=')) return false;
    p.is_quoted = lex_quoted(c, &p.value);
    if (!p.is_quoted) p.value = lex_run(c, LEX_VALUE);
    if (!p.is_quoted && p.value.n == 0) return false;
    *out = p;
    return true;
}

static enum rc auth_params(struct cur *c, struct sip_auth *a)
{
    do {
        struct sip_auth_param p;
        if (!auth_param(c, &p)) return RC_MALFORMED;
        if (sip_auth_find(a, p.name)) return RC_INVALID;
        if (a->param_count == SIP_AUTH_PARAM_MAX) return RC_TOO_BIG;
        a->params[a->param_count++] = p;
    } while (lex_sep(c, ','));
    lex_lws(c);
    return cur_at_end(c) ? RC_OK : RC_MALFORMED;
}

enum rc sip_auth_parse(struct str value, struct sip_auth *out, struct parse_at *at)
{
    struct cur c = cur_of(lex_trim(value));
    out->scheme = SIP_AUTH_OTHER;
    out->param_count = 0;
    out->token68 = (struct str){NULL, 0};
    if (!lex_token(&c, &out->scheme_text))
        return lex_fail(at, value, c.p, "an auth-scheme", RC_MALFORMED);
    out->scheme = auth_scheme(out->scheme_text);
    const char *gap = c.p;
    lex_lws(&c);
    if (cur_at_end(&c)) return RC_OK;
    if (c.p == gap) return lex_fail(at, value, c.p, "white space", RC_MALFORMED);
    if (auth_token68(&c, &out->token68) && !lex_sep(&c, ',')) return RC_OK;
    enum rc rc = auth_params(&c, out);
    return rc == RC_OK ? RC_OK : lex_fail(at, value, c.p, "an auth-param", rc);
}

const struct sip_auth_param *sip_auth_find(const struct sip_auth *a, struct str name)
{
    for (unsigned i = 0; i < a->param_count; i++) {
        const struct sip_auth_param *p = &a->params[i];
        if (p->name.n == name.n && str_eq_nocase(p->name, name)) return p;
    }
    return NULL;
}

struct str sip_auth_value(const struct sip_auth *a, struct str name)
{
    const struct sip_auth_param *p = sip_auth_find(a, name);
    return p ? p->value : (struct str){NULL, 0};
}

enum rc sip_auth_text(const struct sip_auth *a, struct str name, struct arena *arena,
                      struct str *out)
{
    const struct sip_auth_param *p = sip_auth_find(a, name);
    struct str unfolded;
    if (!p) return RC_NOT_FOUND;
    if (!p->is_quoted) {
        *out = p->value;
        return RC_OK;
    }
    enum rc rc = sip_unfold(p->value, arena, &unfolded);
    return rc == RC_OK ? sip_unescape(unfolded, arena, out) : rc;
}

/* b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=". RFC 6750, 2.1 */
static bool auth_is_b64token(struct str s)
{
    struct cur c = cur_of(s);
    if (lex_token68(&c).n == 0) return false;
    while (cur_char(&c, '=')) {}
    return cur_at_end(&c);
}

enum rc sip_auth_bearer(const struct sip_auth *a, struct str *token)
{
    if (a->scheme != SIP_AUTH_BEARER) return RC_NOT_FOUND;
    const struct sip_auth_param *p = sip_auth_find(a, STR("token"));
    if (p && a->token68.n > 0 && !str_eq(p->value, a->token68)) return RC_INVALID;
    struct str found = p ? p->value : a->token68;
    if (!auth_is_b64token(found)) return RC_MALFORMED;
    *token = found;
    return RC_OK;
}

enum rc sip_digest_get(const struct sip_auth *a, struct arena *arena, struct sip_digest *out)
{
    struct sip_digest d = {.stale = false};
    const struct {
        struct str name;
        struct str *to;
    } fields[] = {
        {STR("username"), &d.username}, {STR("realm"), &d.realm},
        {STR("nonce"), &d.nonce},       {STR("uri"), &d.uri},
        {STR("response"), &d.response}, {STR("algorithm"), &d.algorithm},
        {STR("cnonce"), &d.cnonce},     {STR("opaque"), &d.opaque},
        {STR("qop"), &d.qop},           {STR("nc"), &d.nc},
        {STR("domain"), &d.domain},
    };
    if (a->scheme != SIP_AUTH_DIGEST) return RC_NOT_FOUND;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        enum rc rc = sip_auth_text(a, fields[i].name, arena, fields[i].to);
        if (rc != RC_OK && rc != RC_NOT_FOUND) return rc;
    }
    d.stale = str_eq_nocase(sip_auth_value(a, STR("stale")), STR("true"));
    *out = d;
    return RC_OK;
}
