/* URLs as far as signing in needs them (phone/grant.h). */
#include "phone/grant.h"

#include "base/cur.h"

/* Length of "scheme://authority", 0 when url does not begin so. */
static size_t origin_len(struct str url)
{
    size_t scheme = str_starts_nocase(url, STR("https://"))  ? 8
                    : str_starts_nocase(url, STR("http://")) ? 7
                                                             : 0;
    size_t n = scheme;
    if (scheme == 0) return 0;
    while (n < url.n && !strchr("/?#", url.p[n]))
        n++;
    return n > scheme ? n : 0;
}

struct str phone_url_origin(struct str url)
{
    return str_sub(url, 0, origin_len(url));
}

struct str phone_url_host(struct str url)
{
    struct str origin = phone_url_origin(url);
    ptrdiff_t slashes = str_find(origin, STR("://"));
    if (slashes < 0) return STR("");
    struct str host = str_sub(origin, (size_t)slashes + 3, origin.n);
    ptrdiff_t at = str_find_char(host, '@');
    if (at >= 0) host = str_sub(host, (size_t)at + 1, host.n);
    if (host.n > 0 && host.p[0] == '[') {
        ptrdiff_t end = str_find_char(host, ']');
        return end < 0 ? STR("") : str_sub(host, 1, (size_t)end);
    }
    ptrdiff_t colon = str_find_char(host, ':');
    return colon < 0 ? host : str_sub(host, 0, (size_t)colon);
}

/* base without query and fragment; with_name false: without the last path segment too. */
static struct str base_path(struct str base, bool with_name)
{
    size_t origin = origin_len(base), n = origin;
    while (n < base.n && base.p[n] != '?' && base.p[n] != '#')
        n++;
    while (!with_name && n > origin && base.p[n - 1] != '/')
        n--;
    return str_sub(base, 0, n);
}

enum rc phone_url_resolve(struct str base, struct str ref, struct arena *a, struct str *out)
{
    struct str origin = phone_url_origin(base), front = STR(""), slash = STR("");
    ptrdiff_t hash = str_find_char(ref, '#');
    if (hash >= 0) ref = str_sub(ref, 0, (size_t)hash);
    if (origin.n == 0) return RC_MALFORMED;
    ptrdiff_t colon = str_find(ref, STR("://"));
    bool absolute = colon > 0 && origin_len(ref) > 0;
    if (absolute) {
        front = STR("");
    } else if (str_starts(ref, STR("//"))) {
        front = str_sub(base, 0, (size_t)str_find_char(base, ':') + 1);
    } else if (str_starts(ref, STR("/"))) {
        front = origin;
    } else if (ref.n == 0) {
        hash = str_find_char(base, '#');
        front = hash < 0 ? base : str_sub(base, 0, (size_t)hash);
    } else {
        front = base_path(base, ref.p[0] == '?');
        if (front.n == origin.n) slash = STR("/");
    }
    return arena_printf(a, out, "%.*s%.*s%.*s", STR_ARG(front), STR_ARG(slash), STR_ARG(ref));
}
