#include "sip/uri.h"
#include "sip/lex_int.h"
#include "sip/values.h"

/* userinfo = ( user / telephone-subscriber ) [ ":" password ] "@". RFC 3261, 25.1 */
static enum rc uri_userinfo(struct str userinfo, struct sip_uri *u)
{
    ptrdiff_t colon = str_find_char(userinfo, ':');
    u->has_user = true;
    u->user = colon < 0 ? userinfo : str_sub(userinfo, 0, (size_t)colon);
    if (colon >= 0) u->password = str_sub(userinfo, (size_t)colon + 1, userinfo.n);
    if (u->user.n == 0 || !lex_all_escaped(u->user, lex_class, LEX_USER)) return RC_MALFORMED;
    return lex_all_escaped(u->password, lex_class2, LEX_PASSWORD) ? RC_OK : RC_MALFORMED;
}

/* uri-parameters = *( ";" pname [ "=" pvalue ] ); s begins with ';'. */
static bool uri_params_ok(struct str s)
{
    struct str rest = str_sub(s, 1, s.n), part;
    unsigned count = 0;
    while (str_split(&rest, ';', &part)) {
        if (++count > SIP_URI_PARAM_MAX) return false;
        ptrdiff_t eq = str_find_char(part, '=');
        struct str name = eq < 0 ? part : str_sub(part, 0, (size_t)eq);
        struct str value = eq < 0 ? STR("") : str_sub(part, (size_t)eq + 1, part.n);
        if (name.n == 0 || (eq >= 0 && value.n == 0)) return false;
        if (!lex_all_escaped(name, lex_class, LEX_PARAM)) return false;
        if (!lex_all_escaped(value, lex_class, LEX_PARAM)) return false;
    }
    return true;
}

/* headers = "?" hname "=" hvalue *( "&" ... ) */
static bool uri_headers_ok(struct str headers)
{
    struct str rest = headers, part;
    unsigned count = 0;
    while (str_split(&rest, '&', &part)) {
        if (++count > SIP_URI_PARAM_MAX || str_find_char(part, '=') < 1) return false;
    }
    return headers.n > 0 && lex_all_escaped(headers, lex_class, LEX_HEADER);
}

/* Splits off and checks the parameters at *c, up to '?' or the end. */
static bool uri_params(struct cur *c, struct sip_uri *u)
{
    if (cur_peek(c) != ';') return true;
    struct str rest = cur_rest(c);
    ptrdiff_t question = str_find_char(rest, '?');
    u->params = question < 0 ? rest : str_sub(rest, 0, (size_t)question);
    c->p += u->params.n;
    return uri_params_ok(u->params);
}

/* SIP-URI = "sip:" [ userinfo ] hostport uri-parameters [ headers ]. An '@' stands nowhere but
 * behind the userinfo; everywhere else it must be escaped. */
static enum rc uri_sip(struct cur *c, struct sip_uri *u, struct parse_at *at)
{
    const char *sign = memchr(c->p, '@', cur_left(c));
    if (sign) {
        if (uri_userinfo(str_of(c->p, (size_t)(sign - c->p)), u) != RC_OK)
            return lex_fail(at, u->text, c->p, "a user part", RC_MALFORMED);
        c->p = sign + 1;
    }
    if (sip_host_read(c, &u->host) != RC_OK)
        return lex_fail(at, u->text, c->p, "a host", RC_MALFORMED);
    if (cur_char(c, ':') && sip_port_read(c, &u->port) != RC_OK)
        return lex_fail(at, u->text, c->p, "a port", RC_MALFORMED);
    if (!uri_params(c, u)) return lex_fail(at, u->text, c->p, "URI parameters", RC_MALFORMED);
    if (cur_char(c, '?')) {
        u->headers = cur_rest(c);
        c->p = c->end;
        if (!uri_headers_ok(u->headers))
            return lex_fail(at, u->text, c->p, "URI headers", RC_MALFORMED);
    }
    if (!cur_at_end(c)) return lex_fail(at, u->text, c->p, "the end of the URI", RC_MALFORMED);
    return RC_OK;
}

/* telephone-uri: digits and visual separators, then parameters. RFC 3966, 3 */
static enum rc uri_tel(struct cur *c, struct sip_uri *u, struct parse_at *at)
{
    const char *start = c->p;
    while (c->p < c->end && *c->p != ';') {
        if (!lex_is2(*c->p, LEX_HEX) && !memchr("+-.()*#", *c->p, 7))
            return lex_fail(at, u->text, c->p, "a telephone number", RC_MALFORMED);
        c->p++;
    }
    u->opaque = cur_since(c, start);
    if (u->opaque.n == 0 || !uri_params(c, u) || !cur_at_end(c))
        return lex_fail(at, u->text, c->p, "a telephone number", RC_MALFORMED);
    return RC_OK;
}

static enum rc uri_opaque(struct cur *c, struct sip_uri *u, struct parse_at *at)
{
    u->opaque = cur_rest(c);
    while (c->p < c->end && lex_is2(*c->p, LEX_OPAQUE))
        c->p++;
    if (u->opaque.n == 0 || !cur_at_end(c))
        return lex_fail(at, u->text, c->p, "a URI", RC_MALFORMED);
    return RC_OK;
}

/* scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) */
static bool uri_scheme(struct cur *c, struct sip_uri *u)
{
    const char *start = c->p;
    if (cur_at_end(c) || !lex_is2(*c->p, LEX_ALPHA)) return false;
    while (c->p < c->end && (lex_is2(*c->p, LEX_ALPHA | LEX_DIGIT) || memchr("+-.", *c->p, 3)))
        c->p++;
    u->scheme_text = cur_since(c, start);
    return cur_char(c, ':');
}

enum rc sip_uri_parse(struct str text, struct sip_uri *out, struct parse_at *at)
{
    struct sip_uri u = {.text = text};
    struct cur c = cur_of(text);
    if (!uri_scheme(&c, &u)) return lex_fail(at, text, c.p, "a URI scheme", RC_MALFORMED);
    if (lex_eq_lower(u.scheme_text, STR("sip")))
        u.scheme = SIP_SCHEME_SIP;
    else if (lex_eq_lower(u.scheme_text, STR("sips")))
        u.scheme = SIP_SCHEME_SIPS;
    else if (lex_eq_lower(u.scheme_text, STR("tel")))
        u.scheme = SIP_SCHEME_TEL;
    enum rc rc = sip_uri_is_sip(&u)           ? uri_sip(&c, &u, at)
                 : u.scheme == SIP_SCHEME_TEL ? uri_tel(&c, &u, at)
                                              : uri_opaque(&c, &u, at);
    if (rc == RC_OK) *out = u;
    return rc;
}

void sip_uri_print(struct buf *out, const struct sip_uri *u)
{
    buf_put_str(out, u->scheme_text);
    buf_put_char(out, ':');
    if (sip_uri_is_sip(u)) {
        buf_put_str(out, u->user);
        if (u->password.p) {
            buf_put_char(out, ':');
            buf_put_str(out, u->password);
        }
        if (u->has_user) buf_put_char(out, '@');
        sip_host_print(out, &u->host);
        if (u->port != 0) {
            buf_put_char(out, ':');
            buf_put_u64(out, u->port);
        }
    } else {
        buf_put_str(out, u->opaque);
    }
    buf_put_str(out, u->params);
    if (u->headers.n > 0) {
        buf_put_char(out, '?');
        buf_put_str(out, u->headers);
    }
}

static bool uri_param_in(struct str params, struct str name, struct str *value)
{
    struct str part;
    if (params.n == 0) return false;
    params = str_sub(params, 1, params.n);
    while (str_split(&params, ';', &part)) {
        ptrdiff_t eq = str_find_char(part, '=');
        struct str part_name = eq < 0 ? part : str_sub(part, 0, (size_t)eq);
        if (!str_eq_nocase(part_name, name)) continue;
        if (value) *value = eq < 0 ? STR("") : str_sub(part, (size_t)eq + 1, part.n);
        return true;
    }
    return false;
}

bool sip_uri_param(const struct sip_uri *uri, struct str name, struct str *value)
{
    return uri_param_in(uri->params, name, value);
}

void sip_uri_print_user(struct buf *out, struct str unescaped)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < unescaped.n; i++) {
        unsigned char c = (unsigned char)unescaped.p[i];
        if (lex_is((char)c, LEX_USER) && c != '#') {
            buf_put_char(out, (char)c);
        } else {
            buf_put_char(out, '%');
            buf_put_char(out, hex[c >> 4]);
            buf_put_char(out, hex[c & 15]);
        }
    }
}

/* "sip:user@host[:port]". RFC 3261, 10.3 step 5 */
static void uri_print_aor(struct buf *b, const struct sip_uri *u, struct str user)
{
    buf_put_lit(b, "sip:");
    if (u->has_user) {
        buf_put_str(b, user);
        buf_put_char(b, '@');
    }
    uint8_t address[16];
    size_t address_n = sip_host_address(&u->host, address);
    if (u->host.kind == SIP_HOST_IPV6) {
        buf_put_char(b, '[');
        for (size_t i = 0; i < address_n; i += 2)
            buf_printf(b, i > 0 ? ":%x" : "%x", (unsigned)(address[i] << 8 | address[i + 1]));
        buf_put_char(b, ']');
    } else if (u->host.kind == SIP_HOST_IPV4) {
        buf_printf(b, "%u.%u.%u.%u", address[0], address[1], address[2], address[3]);
    } else {
        struct str name = u->host.text;
        if (name.n > 1 && name.p[name.n - 1] == '.') name.n--;
        for (size_t i = 0; i < name.n; i++)
            buf_put_char(b, name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] | 0x20)
                                                                 : name.p[i]);
    }
    if (u->port != 0) {
        buf_put_char(b, ':');
        buf_put_u64(b, u->port);
    }
}

enum { URI_AOR_REST_MAX = 64 }; /* scheme, '@', brackets, an IPv6 address, a port */

enum rc sip_uri_aor(const struct sip_uri *uri, struct arena *a, struct str *out)
{
    struct str user = {NULL, 0};
    if (!sip_uri_is_sip(uri)) return RC_INVALID;
    enum rc rc = sip_percent_decode(uri->user, a, &user);
    if (rc != RC_OK) return rc;
    size_t cap = user.n + uri->host.text.n + URI_AOR_REST_MAX;
    char *p = arena_alloc(a, cap);
    if (!p) return RC_NOMEM;
    struct buf b;
    buf_init_fixed(&b, p, cap);
    uri_print_aor(&b, uri, user);
    if (buf_rc(&b) != RC_OK) return buf_rc(&b);
    *out = buf_str(&b);
    return RC_OK;
}
