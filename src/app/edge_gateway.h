/* app/edge_gateway.h - the outer edge's HTTPS: requests of phones outside wait here until an inner edge
 * fetches them over its tunnel port and brings the answers. Handlers wait on a pool of their own. */
#ifndef APP_EDGE_GATEWAY_H
#define APP_EDGE_GATEWAY_H
#include "base/clock.h"
#include "base/log.h"
#include "http/server.h"

struct app_edge_gateway;
struct directory;

struct app_edge_gateway_config {
    struct net_loop *loop; /* the control thread's */
    struct directory *directory;
    struct random_source random;
    const struct log *log;
    struct str host; /* what phones dial; borrowed for its life */
};
/* RC_NOMEM, RC_IO. */
MUST_CHECK enum rc app_edge_gateway_new(const struct app_edge_gateway_config *config,
                                        struct app_edge_gateway **out);
/* On the loop's thread, first: nobody waits any more, handlers have returned. Its listeners are closed
 * before. */
void app_edge_gateway_stop(struct app_edge_gateway *g);
/* After the loop has gone. NULL. */
struct app_edge_gateway *app_edge_gateway_free(struct app_edge_gateway *g);

/* Who may fetch requests has changed: those who wait for one come again, and are looked at. */
void app_edge_gateway_renew(struct app_edge_gateway *g);

struct http_server *app_edge_gateway_http(struct app_edge_gateway *g);
struct http_site *app_edge_gateway_outside(struct app_edge_gateway *g); /* for phones */
struct http_site *app_edge_gateway_tunnel(struct app_edge_gateway *g);  /* for inner edges */

struct app_edge_gateway_counters {
    _Atomic uint64_t asked, answered, refused, unanswered;
};
const struct app_edge_gateway_counters *app_edge_gateway_counters(const struct app_edge_gateway *g);

#endif
