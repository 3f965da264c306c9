/* http/route_int.h - the routes of a site, and which one a request takes. */
#ifndef HTTP_ROUTE_INT_H
#define HTTP_ROUTE_INT_H
#include "http/server.h"

enum { HTTP_ROUTE_MAX = 256 };

/* Counted on the loop's thread: the owner, listeners and connections hold one each. */
struct http_site {
    unsigned refs;
    const char *name;
    struct http_route *routes;
    size_t route_count;
    bool is_used; /* a listener had it: no more routes */
};
struct http_site *http_site_ref(struct http_site *site);

/* The route for method and raw path (percent-encoded; without query). *params gets the decoded
 * values of {…}. RC_NOT_FOUND: no path fits; RC_UNSUPPORTED: one does, but for other methods:
 * *allowed has their bits; RC_NOMEM. */
MUST_CHECK enum rc http_site_find(const struct http_site *site, enum http_method method,
                                  struct str raw_path, struct arena *arena,
                                  struct str params[HTTP_PARAM_MAX], const struct http_route **out,
                                  unsigned *allowed);
/* "GET, HEAD, POST" */
void http_print_methods(struct buf *out, unsigned methods);

#endif
