#include "sip/mask.h"
#include "sip/auth.h"
#include "sip/lex_int.h"

enum { MASK_JWT_MIN = 32 }; /* bytes; a run this long that begins like a JSON object in base64 */

static void mask_put(struct buf *out, size_t n)
{
    buf_printf(out, "<masked, %zu bytes>", n);
}

/* a=crypto:1 SUITE inline:KEY[|...] (RFC 4568, 6.1), a=key-mgmt:PROTOCOL KEYS (RFC 4567, 3.1) and
 * k=METHOD:KEY (RFC 4566, 5.12): how much of the line may be shown. 0: it is none. */
static size_t mask_sdp_open(struct str line)
{
    if (str_starts_nocase(line, STR("k="))) return 2;
    if (str_starts_nocase(line, STR("a=key-mgmt:"))) return sizeof("a=key-mgmt:") - 1;
    if (!str_starts_nocase(line, STR("a=crypto:"))) return 0;
    ptrdiff_t key = str_find(line, STR("inline:"));
    return key < 0 ? sizeof("a=crypto:") - 1 : (size_t)key + sizeof("inline:") - 1;
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

/* Authorization or Proxy-Authorization. */
static bool mask_is_credentials(struct str field, struct str *name, struct str *value)
{
    struct cur c = cur_of(field);
    *name = lex_run(&c, LEX_TOKEN);
    enum sip_header_id id = sip_header_from_name(*name);
    if (id != SIP_HEADER_AUTHORIZATION && id != SIP_HEADER_PROXY_AUTHORIZATION) return false;
    lex_lws(&c);
    if (!cur_char(&c, ':')) return false;
    *value = lex_trim(cur_rest(&c));
    return true;
}

/* "sip:user:password@": c stands behind "sip:". True: *password is that part. */
static bool mask_find_password(struct cur c, struct str *password)
{
    while (c.p < c.end && (lex_is(*c.p, LEX_USER) || *c.p == '%'))
        c.p++;
    if (!cur_char(&c, ':')) return false;
    const char *start = c.p;
    while (c.p < c.end && (lex_is2(*c.p, LEX_PASSWORD) || *c.p == '%'))
        c.p++;
    *password = cur_since(&c, start);
    return cur_peek(&c) == '@';
}

/* The first "eyJ" at or behind from, or end. Of its letters J is the rarest. */
static const char *mask_find_jwt(const char *from, const char *end)
{
    for (const char *j = from; (j = memchr(j, 'J', (size_t)(end - j))) != NULL; j++) {
        if (j - from >= 2 && j[-1] == 'y' && j[-2] == 'e') return j - 2;
    }
    return end;
}

/* text ends in "sip" or "sips". */
static bool mask_ends_in_scheme(struct str text)
{
    if (text.n > 0 && (text.p[text.n - 1] | 0x20) == 's') text.n--;
    return text.n >= 3 && lex_eq_lower(str_sub(text, text.n - 3, text.n), STR("sip"));
}

/* text ends in "inline": a key of RFC 4568 follows the colon, wherever it stands. */
static bool mask_ends_in_inline(struct str text)
{
    return text.n >= 6 && lex_eq_lower(str_sub(text, text.n - 6, text.n), STR("inline"));
}

/* The colon of before stands between a word and a secret: *secret is that. c stands behind it. */
static bool mask_behind_colon(struct str before, struct cur c, struct str *secret)
{
    if (mask_ends_in_scheme(before)) return mask_find_password(c, secret);
    if (!mask_ends_in_inline(before)) return false;
    *secret = lex_token68(&c);
    return secret->n > 0;
}

/* Prints what is pending before secret, then its mask; what is behind it is pending now. */
static void mask_secret(struct buf *out, struct cur *c, const char **pending, struct str secret)
{
    buf_put(out, *pending, (size_t)(secret.p - *pending));
    mask_put(out, secret.n);
    *pending = c->p = secret.p + secret.n;
}

/* Any other text, of one or many lines: passwords in URIs, stray tokens and stray keys go. */
static void mask_text(struct buf *out, struct str text)
{
    if (text.n == 0) return;
    struct cur c = cur_of(text);
    const char *pending = c.p, *jwt = mask_find_jwt(c.p, c.end);
    struct str secret;
    for (;;) {
        const char *colon = memchr(c.p, ':', cur_left(&c));
        if (jwt < (colon ? colon : c.end)) {
            c.p = jwt;
            secret = lex_token68(&c); /* holds no ':' */
            if (secret.n >= MASK_JWT_MIN)
                mask_secret(out, &c, &pending, secret);
            else
                c.p = jwt + 3;
            jwt = mask_find_jwt(c.p, c.end);
            continue;
        }
        if (!colon) break;
        c.p = colon + 1;
        if (mask_behind_colon(str_of(text.p, (size_t)(colon - text.p)), c, &secret)) {
            mask_secret(out, &c, &pending, secret);
            if (jwt < c.p) jwt = mask_find_jwt(c.p, c.end);
        }
    }
    buf_put(out, pending, (size_t)(c.end - pending));
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

/* Authorization, Proxy-Authorization, a=, k=: told by the first letter. */
static bool mask_may_be_special(struct str line)
{
    char first = line.n > 0 ? (char)(line.p[0] | 0x20) : ' ';
    return first == 'a' || first == 'p' || first == 'k';
}

static struct str mask_without_line_end(struct str field)
{
    while (field.n > 0 && (field.p[field.n - 1] == '\n' || field.p[field.n - 1] == '\r'))
        field.n--;
    return field;
}

/* A field that needs more than mask_text: printed after what is pending before it. False: it needs
 * no more. */
static bool mask_special(struct buf *out, const char *pending, struct str field)
{
    struct str name, value, line = mask_without_line_end(field);
    size_t open = 0;
    bool is_credentials = mask_is_credentials(line, &name, &value);
    if (!is_credentials && (open = mask_sdp_open(line)) == 0) return false;
    mask_text(out, str_of(pending, (size_t)(field.p - pending)));
    if (is_credentials) {
        buf_put_str(out, name);
        buf_put_lit(out, ": ");
        mask_credentials(out, value);
    } else {
        buf_put_str(out, str_sub(line, 0, open));
        mask_put(out, line.n - open);
    }
    buf_put_str(out, str_sub(field, line.n, field.n));
    return true;
}

void sip_mask_print(struct buf *out, struct str bytes)
{
    struct cur c = cur_of(bytes);
    const char *pending = c.p; /* fields before c that are not printed yet */
    while (!cur_at_end(&c)) {
        struct str field = mask_field(&c);
        if (mask_may_be_special(field) && mask_special(out, pending, field)) pending = c.p;
    }
    mask_text(out, str_of(pending, (size_t)(c.end - pending)));
}
