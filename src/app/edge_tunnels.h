/* app/edge_tunnels.h - the inner edge's side of HTTPS from outside: a few requests for work stand open at
 * each paired outer edge; what they bring is served by edge/portal on a pool of its own, and the next
 * request takes the answer along. */
#ifndef APP_EDGE_TUNNELS_H
#define APP_EDGE_TUNNELS_H
#include "app/certs.h"
#include "app/edge_ucms.h"
#include "net/loop.h"
#include "store/remote.h"

struct app_edge_tunnels;

struct app_edge_tunnels_config {
    struct net_loop *loop; /* the control thread's */
    struct store *store;
    struct directory *directory;
    struct app_certs *certs;
    struct app_edge_ucms *ucms;
    struct clock clock;
    const struct log *log;
};
/* RC_NOMEM, RC_IO. */
MUST_CHECK enum rc app_edge_tunnels_new(const struct app_edge_tunnels_config *config,
                                        struct app_edge_tunnels **out);
/* On the loop's thread: no request begins any more, what is served has ended. */
void app_edge_tunnels_stop(struct app_edge_tunnels *t);
/* After the loop has gone. NULL. */
struct app_edge_tunnels *app_edge_tunnels_free(struct app_edge_tunnels *t);

/* On the loop's thread: the outer edges there are now; rows are copied. */
void app_edge_tunnels_set(struct app_edge_tunnels *t, const struct store_peer *peers, size_t count);

/* From any thread: the first tunnel that fails, as a sentence; "" none. */
void app_edge_tunnels_problem(struct app_edge_tunnels *t, char *out, size_t cap);

#endif
