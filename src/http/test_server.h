/* http/test_server.h - for http's own tests: a server with its loop on a thread of its own. */
#ifndef HTTP_TEST_SERVER_H
#define HTTP_TEST_SERVER_H
#include "http/server.h"
#include "net/loop.h"
#include "net/pool.h"
#include "net/tls.h"
#include <pthread.h>

struct test_server {
    struct net_loop *loop;
    struct net_pool *pool;
    struct http_site *site; /* made by the caller, or NULL: made here */
    struct http_server *server;
    struct http_listener *listener; /* TCP on 127.0.0.1 */
    struct log log;
    uint16_t port;
    pthread_t thread;
};

/* Starts with these routes; tls NULL: plain; limits NULL: the defaults. */
void test_server_start(struct test_server *t, const struct http_route *routes, size_t count,
                       struct net_tls *tls, const struct http_limits *limits, unsigned pool_threads,
                       size_t pool_queue);
void test_server_stop(struct test_server *t);
/* fn(ctx) on the loop's thread; waits for it. */
void test_on_loop(struct test_server *t, net_fn *fn, void *ctx);
/* Lets everything that has reached the kernel by now reach the server, then moves its clock. */
void test_pass_ms(struct test_server *t, int fd, uint64_t ms);
struct http_server_stats test_stats(struct test_server *t);
#endif
