#include "sip/nameaddr.h"
#include "sip/lex_int.h"
#include "sip/print.h"

/* display-name = *(token LWS) / quoted-string, with bytes of UTF-8 let through. True when a '<'
 * comes behind it; the cursor then stands on it. RFC 3261, 25.1 */
static bool nameaddr_display_name(struct cur *c, struct str *display)
{
    struct cur t = *c;
    struct str quoted;
    const char *start = t.p;
    if (lex_quoted(&t, &quoted)) {
        *display = cur_since(&t, start);
        lex_lws(&t);
    } else {
        while (t.p < t.end && (lex_is(*t.p, LEX_TOKEN | LEX_LWS) || (*t.p & 0x80) != 0))
            t.p++;
        *display = lex_trim(cur_since(&t, start));
    }
    if (cur_peek(&t) != '<') return false;
    *c = t;
    return true;
}

/* "<" addr-spec ">" */
static bool nameaddr_bracketed(struct cur *c, struct str *uri)
{
    const char *close = memchr(c->p, '>', cur_left(c));
    if (!close) return false;
    *uri = str_of(c->p + 1, (size_t)(close - c->p) - 1);
    c->p = close + 1;
    return uri->n > 0 && !lex_is(uri->p[0], LEX_LWS) && !lex_is(uri->p[uri->n - 1], LEX_LWS) &&
           str_find_char(*uri, '<') < 0;
}

/* addr-spec without brackets: ends at ';' or white space. */
static bool nameaddr_bare(struct cur *c, struct str *uri)
{
    const char *start = c->p;
    while (c->p < c->end && *c->p != ';' && !lex_is(*c->p, LEX_LWS)) {
        if (!lex_is2(*c->p, LEX_OPAQUE) || *c->p == '?' || *c->p == ',') return false;
        c->p++;
    }
    *uri = cur_since(c, start);
    return uri->n > 0;
}

enum rc sip_nameaddr_parse(struct str value, struct sip_nameaddr *out, struct parse_at *at)
{
    struct sip_nameaddr n = {.has_brackets = false};
    struct str text = lex_trim(value);
    struct cur c = cur_of(text);
    if (str_eq(text, STR("*"))) {
        *out = (struct sip_nameaddr){.is_star = true, .uri = str_sub(text, 1, 1)};
        return RC_OK;
    }
    n.has_brackets = nameaddr_display_name(&c, &n.display);
    if (!n.has_brackets) n.display = (struct str){NULL, 0};
    if (!(n.has_brackets ? nameaddr_bracketed(&c, &n.uri) : nameaddr_bare(&c, &n.uri)))
        return lex_fail(at, value, c.p, "an address", RC_MALFORMED);
    lex_lws(&c);
    n.params = cur_rest(&c);
    if (sip_params_check(n.params, NULL) != RC_OK)
        return lex_fail(at, value, c.p, "parameters", RC_MALFORMED);
    *out = n;
    return RC_OK;
}

enum rc sip_nameaddr_parse_uri(struct str value, struct sip_nameaddr *out, struct sip_uri *uri,
                               struct parse_at *at)
{
    struct sip_nameaddr n;
    enum rc rc = sip_nameaddr_parse(value, &n, at);
    if (rc != RC_OK) return rc;
    if (n.is_star) return lex_fail(at, value, value.p, "an address", RC_MALFORMED);
    rc = sip_uri_parse(n.uri, uri, at);
    if (rc != RC_OK && at) at->offset += (size_t)(n.uri.p - value.p);
    if (rc == RC_OK) *out = n;
    return rc;
}

enum rc sip_nameaddr_display(const struct sip_nameaddr *n, struct arena *a, struct str *out)
{
    struct str unfolded;
    enum rc rc = sip_unfold(n->display, a, &unfolded);
    if (rc != RC_OK) return rc;
    if (unfolded.n < 2 || unfolded.p[0] != '"') {
        *out = unfolded;
        return RC_OK;
    }
    return sip_unescape(str_sub(unfolded, 1, unfolded.n - 1), a, out);
}

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ). RFC 3261, 25.1 */
enum rc sip_param_q(const struct sip_param *p, unsigned *q_thousandths)
{
    struct cur c = cur_of(p->value);
    int whole = cur_peek(&c);
    if (p->is_quoted || (whole != '0' && whole != '1')) return RC_MALFORMED;
    c.p++;
    unsigned q = (unsigned)(whole - '0') * 1000;
    if (cur_char(&c, '.')) {
        for (unsigned unit = 100; !cur_at_end(&c) && lex_is2(*c.p, LEX_DIGIT) && unit > 0;
             unit /= 10)
            q += unit * (unsigned)(*c.p++ - '0');
    }
    if (!cur_at_end(&c) || q > 1000) return RC_MALFORMED;
    *q_thousandths = q;
    return RC_OK;
}

enum rc sip_nameaddr_q(const struct sip_nameaddr *n, unsigned *q_thousandths)
{
    struct sip_param p;
    if (!sip_param_find(n->params, STR("q"), &p)) return RC_NOT_FOUND;
    return sip_param_q(&p, q_thousandths);
}

enum rc sip_param_expires(const struct sip_param *p, uint32_t *out)
{
    uint64_t seconds;
    enum rc rc = str_to_u64(p->value, UINT32_MAX, &seconds);
    if (rc == RC_TOO_BIG) seconds = UINT32_MAX;
    if (rc == RC_OK || rc == RC_TOO_BIG) *out = (uint32_t)seconds;
    return rc;
}

enum rc sip_nameaddr_expires(const struct sip_nameaddr *n, uint32_t *out)
{
    struct sip_param p;
    if (!sip_param_find(n->params, STR("expires"), &p)) return RC_NOT_FOUND;
    return sip_param_expires(&p, out);
}

void sip_nameaddr_print(struct buf *out, struct str display, struct str uri, struct str params)
{
    if (display.n > 0) {
        sip_print_quoted(out, display);
        buf_put_char(out, ' ');
    }
    buf_put_char(out, '<');
    buf_put_str(out, uri);
    buf_put_char(out, '>');
    buf_put_str(out, params);
}
