#include "sip/values.h"
#include "sip/lex_int.h"

void sip_values_init(struct sip_values *v, const struct sip_message *msg, enum sip_header_id id)
{
    *v = (struct sip_values){.msg = msg, .header = sip_message_find(msg, id)};
    if (v->header) v->rest = v->header->value;
}

/* End of the comma-separated value at c: the comma or the end. False: a quote or '<' stays open. */
static bool values_element_end(struct cur *c)
{
    struct str quoted;
    while ((c->p = lex_find3(c->p, c->end, ',', '"', '<')) < c->end) {
        if (*c->p == ',') {
            return true;
        } else if (*c->p == '"') {
            if (!lex_quoted(c, &quoted)) return false;
        } else {
            const char *close = memchr(c->p, '>', cur_left(c));
            if (!close) return false;
            c->p = close + 1;
        }
    }
    return true;
}

enum rc sip_value_split(struct str *rest, struct str *out)
{
    if (!rest->p) return RC_NOT_FOUND;
    struct cur c = cur_of(*rest);
    if (!values_element_end(&c)) return RC_MALFORMED;
    struct str value = lex_trim(cur_since(&c, rest->p));
    if (value.n == 0) return RC_MALFORMED;
    *rest = cur_at_end(&c) ? (struct str){NULL, 0} : str_of(c.p + 1, cur_left(&c) - 1);
    *out = value;
    return RC_OK;
}

enum rc sip_values_next(struct sip_values *v, struct str *out)
{
    while (v->header && (!v->rest.p || v->header->value.n == 0)) {
        v->header = sip_message_next(v->msg, v->header);
        if (v->header) v->rest = v->header->value;
    }
    if (!v->header) return RC_NOT_FOUND;
    return sip_value_split(&v->rest, out);
}

bool sip_values_has(const struct sip_message *msg, enum sip_header_id id, struct str token)
{
    struct sip_values v;
    struct str value;
    sip_values_init(&v, msg, id);
    while (sip_values_next(&v, &value) == RC_OK) {
        if (str_eq_nocase(value, token)) return true;
    }
    return false;
}

/* SEMI generic-param; generic-param = token [ EQUAL gen-value ]. RFC 3261, 25.1 */
enum rc sip_param_next(struct str *rest, struct sip_param *out)
{
    struct cur c = cur_of(*rest);
    struct sip_param p = {.has_value = false};
    if (!cur_char(&c, ';')) {
        lex_lws(&c);
        if (cur_at_end(&c)) return RC_NOT_FOUND;
        if (!cur_char(&c, ';')) return RC_MALFORMED;
    }
    lex_lws(&c);
    if (!lex_token(&c, &p.name)) return RC_MALFORMED;
    if (lex_sep(&c, '=')) {
        p.has_value = true;
        p.is_quoted = lex_quoted(&c, &p.value);
        if (!p.is_quoted) p.value = lex_run(&c, LEX_VALUE);
        if (!p.is_quoted && p.value.n == 0) return RC_MALFORMED;
    }
    lex_lws(&c);
    if (!cur_at_end(&c) && cur_peek(&c) != ';') return RC_MALFORMED;
    *rest = cur_rest(&c);
    *out = p;
    return RC_OK;
}

enum rc sip_params_check(struct str params, struct parse_at *at)
{
    struct str rest = params;
    struct sip_param p;
    enum rc rc;
    while ((rc = sip_param_next(&rest, &p)) == RC_OK) {}
    if (rc == RC_NOT_FOUND) return RC_OK;
    return lex_fail(at, params, rest.p, "a parameter", rc);
}

bool sip_param_find(struct str params, struct str name, struct sip_param *out)
{
    struct sip_param p;
    while (sip_param_next(&params, &p) == RC_OK) {
        if (p.name.n != name.n || !str_eq_nocase(p.name, name)) continue;
        *out = p;
        return true;
    }
    return false;
}

struct str sip_param_value(struct str params, struct str name)
{
    struct sip_param p;
    return sip_param_find(params, name, &p) ? p.value : (struct str){NULL, 0};
}

bool sip_is_token(struct str s)
{
    struct cur c = cur_of(s);
    return lex_run(&c, LEX_TOKEN).n > 0 && cur_at_end(&c);
}

enum rc sip_unescape(struct str content, struct arena *a, struct str *out)
{
    if (str_find_char(content, '\\') < 0) {
        *out = content;
        return RC_OK;
    }
    char *p = arena_alloc(a, content.n);
    if (!p) return RC_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < content.n; i++) {
        if (content.p[i] == '\\' && ++i == content.n) return RC_MALFORMED;
        p[n++] = content.p[i];
    }
    *out = str_of(p, n);
    return RC_OK;
}

enum rc sip_unfold(struct str s, struct arena *a, struct str *out)
{
    if (str_find_char(s, '\r') < 0 && str_find_char(s, '\n') < 0) {
        *out = s;
        return RC_OK;
    }
    char *p = arena_alloc(a, s.n);
    if (!p) return RC_NOMEM;
    struct buf b;
    buf_init_fixed(&b, p, s.n);
    lex_unfold(&b, s);
    *out = buf_str(&b);
    return RC_OK;
}

enum rc sip_percent_decode(struct str s, struct arena *a, struct str *out)
{
    if (str_find_char(s, '%') < 0) {
        *out = s;
        return RC_OK;
    }
    char *p = arena_alloc(a, s.n);
    if (!p) return RC_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < s.n; n++) {
        int c = lex_unescape_at(s, &i);
        if (c < 0) return RC_MALFORMED;
        p[n] = (char)c;
    }
    *out = str_of(p, n);
    return RC_OK;
}
