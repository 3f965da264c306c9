#include "auth/redirect.h"

#include "base/cur.h"
#include "base/form.h"

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* unreserved, reserved but '#', and '%' (RFC 3986, 2). */
static bool is_uri_char(char c)
{
    return is_alpha(c) || is_digit(c) || (c && strchr("-._~:/?[]@!$&'()*+,;=%", c));
}

/* scheme ":" something, and every byte one of a URI without fragment. */
static bool is_uri(struct str uri)
{
    if (uri.n == 0 || uri.n > AUTH_REDIRECT_MAX || !is_alpha(uri.p[0])) return false;
    for (size_t i = 0; i < uri.n; i++)
        if (!is_uri_char(uri.p[i])) return false;
    return str_find_char(uri, ':') > 0;
}

static bool is_listed(struct str uri, struct str list)
{
    const char *p = list.p, *end = p ? p + list.n : p;
    while (p < end) {
        const char *start = p;
        while (p < end && *p != '\n' && *p != ' ' && *p != '\r')
            p++;
        if (str_eq(uri, str_of(start, (size_t)(p - start)))) return true;
        p++;
    }
    return false;
}

/* [":" port] and then a path, a query or nothing. */
static bool is_any_port(struct str rest)
{
    uint64_t port;
    size_t n = 0;
    if (rest.n && rest.p[0] == ':') {
        for (n = 1; n < rest.n && is_digit(rest.p[n]);)
            n++;
        if (str_to_u64(str_sub(rest, 1, n), 65535, &port) != RC_OK || port == 0) return false;
    }
    return n == rest.n || rest.p[n] == '/' || rest.p[n] == '?';
}

static bool is_loopback(struct str uri)
{
    static const struct str hosts[] = {STR_INIT("http://127.0.0.1"), STR_INIT("http://[::1]")};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        if (str_starts(uri, hosts[i]) && is_any_port(str_sub(uri, hosts[i].n, uri.n))) return true;
    return false;
}

bool auth_redirect_fits(struct str uri, struct str registered, struct str everywhere, bool loopback)
{
    if (!is_uri(uri)) return false;
    return is_listed(uri, registered) || is_listed(uri, everywhere) ||
           (loopback && is_loopback(uri));
}

static bool is_scheme(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alpha(s.p[i]) && !is_digit(s.p[i]) && !(s.p[i] && strchr("+-.", s.p[i])))
            return false;
    return s.n > 0 && is_alpha(s.p[0]);
}

/* host [":" port] that a CSP host-source can name: of numeric addresses only 127.0.0.1 matches. */
static bool is_plain_authority(struct str s)
{
    struct str rest = s, host;
    for (size_t i = 0; i < s.n; i++)
        if (!is_alpha(s.p[i]) && !is_digit(s.p[i]) && !(s.p[i] && strchr("-.:", s.p[i])))
            return false;
    if (!str_split(&rest, ':', &host) || host.n == 0) return false;
    return !is_digit(host.p[host.n - 1]) || str_eq(host, STR("127.0.0.1"));
}

void auth_redirect_print_source(struct buf *out, struct str uri)
{
    ptrdiff_t colon = str_find_char(uri, ':');
    if (colon <= 0 || !is_scheme(str_sub(uri, 0, (size_t)colon))) return;
    struct str scheme = str_sub(uri, 0, (size_t)colon), rest = str_sub(uri, scheme.n + 1, uri.n);
    size_t n = 2;
    bool has_origin = str_eq_nocase(scheme, STR("http")) || str_eq_nocase(scheme, STR("https"));
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    buf_put_str(out, scheme);
    buf_put_char(out, ':');
    if (has_origin && str_starts(rest, STR("//")) && is_plain_authority(str_sub(rest, 2, n)))
        buf_put_str(out, str_sub(rest, 0, n));
}

void auth_redirect_add(struct buf *uri, struct str name, struct str value)
{
    if (uri->n && str_find_char(buf_str(uri), '?') == STR_NPOS) buf_put_char(uri, '?');
    form_print_pair(uri, name, value);
}
