/* app/edge_ucms.h - the call servers of the edge's store, each with its follower: steps on a small pool
 * of their own, so that a server that does not answer holds up no operator. */
#ifndef APP_EDGE_UCMS_H
#define APP_EDGE_UCMS_H
#include "app/certs.h"
#include "edge/follower.h"
#include "net/loop.h"
#include "net/pool.h"
#include "store/remote.h"

struct app_edge_ucms;

enum { APP_EDGE_UCMS_MAX = 64 };

struct app_edge_ucms_config {
    struct net_loop *loop; /* its timers and changes; must run */
    struct net_pool *pool; /* reads rows; may go before this does */
    struct store *store;
    struct app_certs *certs;
    struct directory *directory;
    struct clock clock;
    const struct log *log;
    struct str host;              /* this edge's; borrowed for its life */
    void (*on_change)(void *ctx); /* on loop: a cluster or a state is another one */
    void *ctx;
};
/* RC_NOMEM, RC_IO. */
MUST_CHECK enum rc app_edge_ucms_new(const struct app_edge_ucms_config *config,
                                     struct app_edge_ucms **out);
/* On the loop's thread, first: no step begins any more, those under way end. Frees nothing. */
void app_edge_ucms_stop(struct app_edge_ucms *u);
/* After the loop has gone. NULL. */
struct app_edge_ucms *app_edge_ucms_free(struct app_edge_ucms *u);

/* From any thread: rows have changed; they are read again, and those that are as before go on. */
void app_edge_ucms_changed(struct app_edge_ucms *u);
/* From any thread: the edge's certificates or trust have changed, or an operator asks (address "" all);
 * how many will step at once. */
size_t app_edge_ucms_renew(struct app_edge_ucms *u, struct str address);
/* fn for each follower, its lock held by nobody; must be quick. From any thread. */
void app_edge_ucms_each(struct app_edge_ucms *u, void (*fn)(void *ctx, struct edge_follower *f),
                        void *ctx);
/* Would this row work? Waits for the network. */
MUST_CHECK enum rc app_edge_ucms_try(struct app_edge_ucms *u, const struct store_ucm *row,
                                     struct edge_problem *problem);

#endif
