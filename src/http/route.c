#include "base/check.h"
#include "base/form.h"
#include "http/route_int.h"
#include <stdlib.h>

struct http_site *http_site_new(const char *name)
{
    struct http_site *site = calloc(1, sizeof *site);
    if (!site) return NULL;
    site->refs = 1;
    site->name = name;
    return site;
}

struct http_site *http_site_ref(struct http_site *site)
{
    site->refs++;
    return site;
}

struct http_site *http_site_free(struct http_site *site)
{
    if (!site || --site->refs > 0) return NULL;
    free(site->routes);
    free(site);
    return NULL;
}

static bool is_param(struct str segment)
{
    return segment.n >= 2 && segment.p[0] == '{' && segment.p[segment.n - 1] == '}';
}
static bool is_rest_param(struct str segment)
{
    return is_param(segment) && segment.p[segment.n - 2] == '*';
}

static bool is_pattern(const char *path)
{
    struct str rest = str_from(path), segment;
    size_t params = 0;
    if (rest.n == 0 || rest.p[0] != '/') return false;
    while (str_split(&rest, '/', &segment)) {
        if (is_param(segment))
            params++;
        else if (str_find_char(segment, '{') >= 0 || str_find_char(segment, '}') >= 0)
            return false;
        if (is_rest_param(segment) && rest.p) return false;
    }
    return params <= HTTP_PARAM_MAX;
}

enum rc http_site_add(struct http_site *site, const struct http_route *route)
{
    CHECK(!site->is_used);
    if (!is_pattern(route->path) || route->methods == 0 || !route->fn) return RC_INVALID;
    if (site->route_count == HTTP_ROUTE_MAX) return RC_TOO_BIG;
    for (size_t i = 0; i < site->route_count; i++) {
        const struct http_route *other = &site->routes[i];
        if ((other->methods & route->methods) && strcmp(other->path, route->path) == 0)
            return RC_EXISTS;
    }
    struct http_route *grown = realloc(site->routes, (site->route_count + 1) * sizeof *grown);
    if (!grown) return RC_NOMEM;
    site->routes = grown;
    grown[site->route_count++] = *route;
    return RC_OK;
}

/* Segment by segment; decoding comes after the split, so "%2F" never makes a segment of its own. */
static enum rc match(const char *pattern, struct str path, struct arena *arena,
                     struct str params[HTTP_PARAM_MAX])
{
    struct str want_rest = str_from(pattern), want, have;
    size_t count = 0;
    while (str_split(&want_rest, '/', &want)) {
        if (!path.p) return RC_NOT_FOUND;
        if (is_rest_param(want)) return percent_decode(path, false, arena, &params[count]);
        str_split(&path, '/', &have);
        enum rc rc = percent_decode(have, false, arena, &have);
        if (rc != RC_OK) return rc;
        if (!is_param(want)) {
            if (!str_eq(want, have)) return RC_NOT_FOUND;
            continue;
        }
        if (have.n == 0) return RC_NOT_FOUND;
        params[count++] = have;
    }
    return path.p ? RC_NOT_FOUND : RC_OK;
}

static unsigned answered(const struct http_route *route)
{
    return route->methods | (route->methods & HTTP_GET ? (unsigned)HTTP_HEAD : 0);
}

enum rc http_site_find(const struct http_site *site, enum http_method method, struct str raw_path,
                       struct arena *arena, struct str params[HTTP_PARAM_MAX],
                       const struct http_route **out, unsigned *allowed)
{
    *allowed = 0;
    for (size_t i = 0; i < site->route_count; i++) {
        struct str found[HTTP_PARAM_MAX] = {{0}};
        enum rc rc = match(site->routes[i].path, raw_path, arena, found);
        if (rc == RC_NOMEM) return rc;
        if (rc != RC_OK) continue;
        if (answered(&site->routes[i]) & method) {
            memcpy(params, found, sizeof found);
            *out = &site->routes[i];
            return RC_OK;
        }
        *allowed |= answered(&site->routes[i]);
    }
    return *allowed ? RC_UNSUPPORTED : RC_NOT_FOUND;
}

void http_print_methods(struct buf *out, unsigned methods)
{
    size_t start = out->n;
    for (unsigned bit = HTTP_GET; bit <= HTTP_OPTIONS; bit <<= 1) {
        if (!(methods & bit)) continue;
        if (out->n > start) buf_put_lit(out, ", ");
        buf_put_str(out, str_from(http_method_name((enum http_method)bit)));
    }
}
