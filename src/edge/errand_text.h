/* edge/errand_text.h - a request from outside and its answer as the edges hand them over: JSON, bodies in
 * base64. Both sides are paired edges, yet nothing is believed unread: everything has a bound. */
#ifndef EDGE_ERRAND_TEXT_H
#define EDGE_ERRAND_TEXT_H
#include "base/arena.h"
#include "base/buf.h"

enum {
    EDGE_ERRAND_BODY_MAX = 1 << 20,
    EDGE_ERRAND_TEXT_MAX = 2 << 20,
    EDGE_ERRAND_HEADERS_MAX = 32,
    EDGE_ERRAND_HEADER_MAX = 16384, /* bytes of one value */
};

struct edge_errand_header {
    struct str name, value;
};
struct edge_errand_request {
    struct str method, target; /* "GET", "/dGJ0cA/get_edge_config?..." as sent */
    struct str peer;           /* the address it came from, for logs */
    struct str edge_host;      /* of the outer edge, for get_edge_config */
    unsigned sip_port, https_port;
    struct edge_errand_header headers[EDGE_ERRAND_HEADERS_MAX];
    size_t header_count;
    struct str body; /* secret, perhaps */
};
struct edge_errand_answer {
    unsigned status;
    struct edge_errand_header headers[EDGE_ERRAND_HEADERS_MAX];
    size_t header_count;
    struct str body;
};

/* "" where there is none; names without case. */
struct str edge_errand_header_find(const struct edge_errand_header *headers, size_t count,
                                   const char *name);

/* In the arena. RC_TOO_BIG, RC_NOMEM. */
MUST_CHECK enum rc edge_errand_print_request(const struct edge_errand_request *r, struct arena *a,
                                             struct str *out);
MUST_CHECK enum rc edge_errand_print_answer(const struct edge_errand_answer *r, struct arena *a,
                                            struct str *out);
/* RC_MALFORMED, RC_TOO_BIG, RC_NOMEM. */
MUST_CHECK enum rc edge_errand_read_request(struct str text, struct arena *a,
                                            struct edge_errand_request *out);
MUST_CHECK enum rc edge_errand_read_answer(struct str text, struct arena *a,
                                           struct edge_errand_answer *out);

#endif
