/* app/edge_peers.h - the edges this one is paired with, as the store has them now: read on the pool,
 * kept for the control thread. */
#ifndef APP_EDGE_PEERS_H
#define APP_EDGE_PEERS_H
#include "base/log.h"
#include "net/loop.h"
#include "net/pool.h"
#include "store/remote.h"

struct app_edge_peers;

enum { APP_EDGE_PEERS_MAX = 64 };

struct app_edge_peers_config {
    struct net_loop *loop; /* must run */
    struct net_pool *pool; /* may go before this does */
    struct store *store;
    const struct log *log;
    void (*on_change)(void *ctx); /* on loop: they have been read */
    void *ctx;
};
/* RC_NOMEM. */
MUST_CHECK enum rc app_edge_peers_new(const struct app_edge_peers_config *config,
                                      struct app_edge_peers **out);
/* After the loop has gone. NULL. */
struct app_edge_peers *app_edge_peers_free(struct app_edge_peers *p);
/* From any thread: rows have changed; they are read again. */
void app_edge_peers_changed(struct app_edge_peers *p);
/* On the loop's thread: the enabled ones, until the next change is told. */
const struct store_peer *app_edge_peers_get(const struct app_edge_peers *p, size_t *count);

#endif
