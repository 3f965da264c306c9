/* net/pool.h - a few threads for work that waits: SQL, password hashes, files. The queue is
 * bounded; results come back to the loop that asked. */
#ifndef NET_POOL_H
#define NET_POOL_H
#include "net/loop.h"
#include <stddef.h>

struct net_pool;

/* thread_count 1..64 threads, at most queue_max jobs waiting. Signals stay with the other threads.
 * RC_INVALID, RC_NOMEM, RC_IO. */
MUST_CHECK enum rc net_pool_new(unsigned thread_count, size_t queue_max, struct net_pool **out);
/* Finishes every job already taken, then ends the threads. The done calls still wait on their
 * loops (net_loop_free runs them). Returns NULL. */
struct net_pool *net_pool_free(struct net_pool *pool);

/* From any thread: work(ctx) runs on a pool thread, then done(ctx) on loop. done may be NULL (and
 * then loop too). RC_BUSY when queue_max jobs wait, RC_CLOSED while the pool is being freed,
 * RC_NOMEM; then neither is called. */
MUST_CHECK enum rc net_pool_submit(struct net_pool *pool, net_fn *work, net_fn *done, void *ctx,
                                   struct net_loop *loop);

/* Jobs waiting now (not those running). From any thread. */
size_t net_pool_waiting(struct net_pool *pool);

#endif
