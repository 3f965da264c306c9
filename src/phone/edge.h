/* phone/edge.h - HTTPS from outside: every address inside becomes one of the outer edge, whose first path
 * segment names where it leads (base64 of "domain/https/host/port"), and the edge's own two documents
 * say where to sign in and where SIP goes. Pure but for phone_edge_discover. */
#ifndef PHONE_EDGE_H
#define PHONE_EDGE_H
#include "base/arena.h"
#include "http/client.h"
#include "phone/config.h"
#include "phone/problem.h"

/* call->url by way of edge ("https://edge.example.com:8443"); NULL: as it is. RC_UNSUPPORTED: it is not
 * https, and goes through no edge; RC_NOMEM. */
MUST_CHECK enum rc phone_edge_route(const char *edge, struct http_call *call, struct arena *arena);

/* get_edge_sso: where to sign in, "https://ucm1.example.com:8443". RC_MALFORMED, RC_UNSUPPORTED (no OAuth
 * there), RC_NOMEM. */
MUST_CHECK enum rc phone_edge_read_sso(struct str doc, struct arena *arena, struct str *server);
/* get_edge_config: "host:port" of each SIP edge, at most PHONE_NODE_MAX, NUL-terminated in the arena.
 * RC_MALFORMED, RC_NOMEM. */
MUST_CHECK enum rc phone_edge_read_config(struct str doc, struct arena *arena,
                                          const char *out[PHONE_NODE_MAX], size_t *count);

/* Asks the edge for one of its documents; token "" for get_edge_sso. Blocking. */
enum phone_exit phone_edge_discover(const char *edge, const char *document, struct str token,
                                    const char *ca_file, struct arena *arena, struct str *doc,
                                    struct phone_problem *problem);

#endif
