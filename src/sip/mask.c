#include "sip/mask.h"
#include "sip/auth.h"
#include "sip/lex_int.h"

enum { MASK_JWT_MIN = 32 }; /* bytes; a run this long that begins like a JSON object in base64 */

static void mask_put(struct buf *out, size_t n)
{
    buf_printf(out, "<masked, %zu bytes>", n);
}

/* a=crypto:1 SUITE inline:KEY[|...] (RFC 4568, 6.1) and k=METHOD:KEY (RFC 4566, 5.12). True when the line was
 * one and has been printed. */
static bool mask_sdp(struct buf *out, struct str line)
{
    size_t keep = 0;
    if (str_starts_nocase(line, STR("k="))) {
        keep = 2;
    } else if (str_starts_nocase(line, STR("a=crypto:"))) {
        ptrdiff_t key = str_find(line, STR("inline:"));
        keep = key < 0 ? sizeof("a=crypto:") - 1 : (size_t)key + sizeof("inline:") - 1;
    } else {
        return false;
    }
    buf_put_str(out, str_sub(line, 0, keep));
    mask_put(out, line.n - keep);
    return true;
}

static bool mask_is_secret_param(const struct sip_auth *a, const struct sip_auth_param *p)
{
    static const struct str open[] = {
        STR_INIT("username"), STR_INIT("realm"),  STR_INIT("nonce"),       STR_INIT("uri"),
        STR_INIT("cnonce"),   STR_INIT("opaque"), STR_INIT("algorithm"),   STR_INIT("qop"),
        STR_INIT("nc"),       STR_INIT("scope"),  STR_INIT("authz_server")};
    if (a->scheme != SIP_AUTH_BEARER && a->scheme != SIP_AUTH_DIGEST) return true;
    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
        if (str_eq_nocase(p->name, open[i])) return false;
    }
    return true;
}

static void mask_auth_param(struct buf *out, const struct sip_auth *a,
                            const struct sip_auth_param *p)
{
    buf_put_str(out, p->name);
    buf_put(out, "=\"", p->is_quoted ? 2 : 1);
    if (mask_is_secret_param(a, p))
        mask_put(out, p->value.n);
    else
        lex_unfold(out, p->value);
    if (p->is_quoted) buf_put_char(out, '"');
}

static void mask_credentials(struct buf *out, struct str value)
{
    struct sip_auth a;
    if (sip_auth_parse(value, &a, NULL) != RC_OK) {
        mask_put(out, value.n);
        return;
    }
    buf_put_str(out, a.scheme_text);
    if (a.token68.n > 0) {
        buf_put_char(out, ' ');
        mask_put(out, a.token68.n);
    }
    for (unsigned i = 0; i < a.param_count; i++) {
        bool first = i == 0 && a.token68.n == 0;
        buf_put(out, first ? " " : ", ", first ? 1 : 2);
        mask_auth_param(out, &a, &a.params[i]);
    }
}

/* Authorization or Proxy-Authorization: printed and true. */
static bool mask_header(struct buf *out, struct str field)
{
    struct cur c = cur_of(field);
    struct str name = lex_run(&c, LEX_TOKEN);
    enum sip_header_id id = sip_header_from_name(name);
    if (id != SIP_HEADER_AUTHORIZATION && id != SIP_HEADER_PROXY_AUTHORIZATION) return false;
    lex_lws(&c);
    if (!cur_char(&c, ':')) return false;
    buf_put_str(out, name);
    buf_put_lit(out, ": ");
    mask_credentials(out, lex_trim(cur_rest(&c)));
    return true;
}

/* "sip:user:password@": cursor behind "sip:". True: printed up to the '@'. */
static bool mask_uri_password(struct buf *out, struct cur *c)
{
    struct cur t = *c;
    while (t.p < t.end && (lex_is(*t.p, LEX_USER) || *t.p == '%'))
        t.p++;
    if (!cur_char(&t, ':')) return false;
    const char *password = t.p;
    while (t.p < t.end && (lex_is2(*t.p, LEX_PASSWORD) || *t.p == '%'))
        t.p++;
    if (cur_peek(&t) != '@') return false;
    buf_put(out, c->p, (size_t)(password - c->p));
    mask_put(out, (size_t)(t.p - password));
    c->p = t.p;
    return true;
}

/* A token that stands where none belongs. True: printed. */
static bool mask_jwt(struct buf *out, struct cur *c)
{
    struct cur t = *c;
    struct str run = lex_token68(&t);
    if (run.n < MASK_JWT_MIN) return false;
    mask_put(out, run.n);
    c->p = t.p;
    return true;
}

static bool mask_starts(const struct cur *c, struct str lower)
{
    return cur_left(c) >= lower.n && lex_eq_lower(str_of(c->p, lower.n), lower);
}

/* Any other text: passwords in URIs and stray tokens go. */
static void mask_text(struct buf *out, struct str text)
{
    struct cur c = cur_of(text);
    while (!cur_at_end(&c)) {
        struct str scheme = mask_starts(&c, STR("sip:"))    ? STR("sip:")
                            : mask_starts(&c, STR("sips:")) ? STR("sips:")
                                                            : STR("");
        if (scheme.n > 0) {
            buf_put(out, c.p, scheme.n);
            c.p += scheme.n;
            (void)mask_uri_password(out, &c);
        } else if (!str_starts(cur_rest(&c), STR("eyJ")) || !mask_jwt(out, &c)) {
            buf_put_char(out, *c.p++);
        }
    }
}

/* A line with those that continue it, line ends included. */
static struct str mask_field(struct cur *c)
{
    const char *start = c->p;
    do {
        const char *lf = memchr(c->p, '\n', cur_left(c));
        c->p = lf ? lf + 1 : c->end;
    } while (cur_peek(c) == ' ' || cur_peek(c) == '\t');
    return cur_since(c, start);
}

void sip_mask_print(struct buf *out, struct str bytes)
{
    struct cur c = cur_of(bytes);
    while (!cur_at_end(&c)) {
        struct str field = mask_field(&c), content = field;
        while (content.n > 0 &&
               (content.p[content.n - 1] == '\n' || content.p[content.n - 1] == '\r'))
            content.n--;
        if (!mask_header(out, content) && !mask_sdp(out, content)) mask_text(out, content);
        buf_put_str(out, str_sub(field, content.n, field.n));
    }
}
