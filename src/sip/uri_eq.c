/* sip/uri_eq.c - when two URIs are the same (RFC 3261, 19.1.4). */
#include "sip/lex_int.h"
#include "sip/uri.h"

/* Characters that mean something unescaped differ from their escapes: %40 in a user part is not
 * '@'. The reserved set of RFC 3261, 25.1. */
static bool eq_is_reserved(int c)
{
    return c > 0 && memchr(";/?:@&=+$,", c, 10) != NULL;
}

/* One character of an escaped text; reserved ones that came escaped are told apart by an added 256.
 */
static int eq_next(struct str s, size_t *i, bool nocase)
{
    bool escaped = s.p[*i] == '%';
    int c = lex_unescape_at(s, i);
    if (nocase && c >= 'A' && c <= 'Z') c |= 0x20;
    return escaped && eq_is_reserved(c) ? c + 256 : c;
}

static bool eq_escaped(struct str a, struct str b, bool nocase)
{
    size_t i = 0, k = 0;
    while (i < a.n && k < b.n) {
        int x = eq_next(a, &i, nocase);
        if (x < 0 || x != eq_next(b, &k, nocase)) return false;
    }
    return i == a.n && k == b.n;
}

static bool eq_may_lack_param(struct str name)
{
    static const struct str names[] = {STR_INIT("user"), STR_INIT("ttl"), STR_INIT("method"),
                                       STR_INIT("maddr"), STR_INIT("transport")};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_eq_nocase(name, names[i])) return false;
    }
    return true;
}

static bool eq_may_lack_header(struct str name)
{
    (void)name;
    return false;
}

static void eq_split(struct str part, struct str *name, struct str *value)
{
    ptrdiff_t eq = str_find_char(part, '=');
    *name = eq < 0 ? part : str_sub(part, 0, (size_t)eq);
    *value = eq < 0 ? STR("") : str_sub(part, (size_t)eq + 1, part.n);
}

/* A list of name=value pieces, without its first separator. */
struct eq_list {
    struct str text;
    char sep;
};

/* The nth (from 0) piece of that name. A name may wrongly stand there twice: then the first pairs with the
 * first. */
static bool eq_find(struct eq_list list, struct str name, unsigned nth, struct str *value)
{
    struct str part, part_name;
    while (list.text.n > 0 && str_split(&list.text, list.sep, &part)) {
        eq_split(part, &part_name, value);
        if (eq_escaped(part_name, name, true) && nth-- == 0) return true;
    }
    return false;
}

/* How many pieces of that name stand in front of the one at before. */
static unsigned eq_count_before(struct eq_list list, struct str name, const char *before)
{
    struct str part, part_name, value;
    unsigned count = 0;
    while (list.text.n > 0 && list.text.p < before && str_split(&list.text, list.sep, &part)) {
        eq_split(part, &part_name, &value);
        count += eq_escaped(part_name, name, true);
    }
    return count;
}

/* Every piece of a is in b alike; may_lack says which may be missing there. */
static bool eq_within(struct eq_list a, struct eq_list b, bool (*may_lack)(struct str name),
                      bool nocase)
{
    struct str rest = a.text, part, name, value, other;
    while (rest.n > 0 && str_split(&rest, a.sep, &part)) {
        eq_split(part, &name, &value);
        if (eq_find(b, name, eq_count_before(a, name, part.p), &other)) {
            if (!eq_escaped(value, other, nocase)) return false;
        } else if (!may_lack(name)) {
            return false;
        }
    }
    return true;
}

static bool eq_params(struct str a, struct str b)
{
    struct eq_list x = {str_sub(a, 1, a.n), ';'}, y = {str_sub(b, 1, b.n), ';'};
    return eq_within(x, y, eq_may_lack_param, true) && eq_within(y, x, eq_may_lack_param, true);
}

/* Headers never may be missing; their order is free. */
static bool eq_headers(struct str a, struct str b)
{
    struct eq_list x = {a, '&'}, y = {b, '&'};
    return eq_within(x, y, eq_may_lack_header, false) && eq_within(y, x, eq_may_lack_header, false);
}

bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b)
{
    if (a->scheme != b->scheme) return false;
    if (!sip_uri_is_sip(a)) {
        return str_eq_nocase(a->scheme_text, b->scheme_text) && str_eq(a->opaque, b->opaque) &&
               str_eq_nocase(a->params, b->params);
    }
    return a->has_user == b->has_user && eq_escaped(a->user, b->user, false) &&
           (a->password.p != NULL) == (b->password.p != NULL) &&
           eq_escaped(a->password, b->password, false) && sip_host_eq(&a->host, &b->host) &&
           a->port == b->port && eq_params(a->params, b->params) &&
           eq_headers(a->headers, b->headers);
}

/* The user by value: after unescaping nothing in it is reserved any more (RFC 3261, 10.3). */
static bool eq_decoded(struct str a, struct str b)
{
    size_t i = 0, k = 0;
    while (i < a.n && k < b.n) {
        int x = lex_unescape_at(a, &i);
        if (x < 0 || x != lex_unescape_at(b, &k)) return false;
    }
    return i == a.n && k == b.n;
}

bool sip_uri_aor_eq(const struct sip_uri *a, const struct sip_uri *b)
{
    return sip_uri_is_sip(a) && sip_uri_is_sip(b) && a->has_user == b->has_user &&
           eq_decoded(a->user, b->user) && sip_host_eq(&a->host, &b->host) && a->port == b->port;
}
