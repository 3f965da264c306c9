#include "kit/kit.h"

#include "http/test_server.h"
#include <linux/sockios.h>
#include <semaphore.h>
#include <sys/ioctl.h>

struct errand {
    net_fn *fn;
    void *ctx;
    sem_t done;
};

static void run_errand(void *ctx)
{
    struct errand *e = ctx;
    e->fn(e->ctx);
    sem_post(&e->done);
}

void test_on_loop(struct test_server *t, net_fn *fn, void *ctx)
{
    struct errand e = {.fn = fn, .ctx = ctx};
    struct net_post post = {0};
    sem_init(&e.done, 0, 0);
    net_loop_post(t->loop, &post, run_errand, &e);
    while (sem_wait(&e.done) != 0) {}
    sem_destroy(&e.done);
}

static void nothing(void *ctx)
{
    (void)ctx;
}

struct skip {
    struct net_loop *loop;
    uint64_t ms;
};
static void skip_ahead(void *ctx)
{
    struct skip *s = ctx;
    net_loop_skip_ms(s->loop, s->ms);
}

void test_pass_ms(struct test_server *t, int fd, uint64_t ms)
{
    for (int unsent = 1; fd >= 0 && unsent > 0;) {
        if (ioctl(fd, SIOCOUTQ, &unsent) != 0) break;
    }
    for (int i = 0; i < 3; i++) /* a turn to accept, one to read, one to spare */
        test_on_loop(t, nothing, NULL);
    struct skip s = {t->loop, ms};
    test_on_loop(t, skip_ahead, &s);
}

struct http_server_stats test_stats(struct test_server *t)
{
    struct http_server_stats stats;
    http_server_stats(t->server, &stats);
    return stats;
}

static void *run_loop(void *ctx)
{
    struct test_server *t = ctx;
    net_loop_run(t->loop);
    return NULL;
}

void test_server_start(struct test_server *t, const struct http_route *routes, size_t count,
                       struct net_tls *tls, const struct http_limits *limits, unsigned pool_threads,
                       size_t pool_queue)
{
    const struct net_addr addr = net_addr_v4(127, 0, 0, 1, 0);
    assert_rc(RC_OK, net_loop_new(&t->loop));
    assert_rc(RC_OK, net_pool_new(pool_threads, pool_queue, &t->pool));
    if (!t->site) assert_non_null(t->site = http_site_new("test"));
    for (size_t i = 0; i < count; i++)
        assert_rc(RC_OK, http_site_add(t->site, &routes[i]));
    assert_non_null(
        t->server = http_server_new(t->loop, t->pool, t->log.sink ? &t->log : NULL, limits));
    assert_rc(RC_OK, http_listen(t->server, t->site, &addr, tls, &t->listener, NULL));
    t->port = http_listener_addr(t->listener).port;
    assert_int_equal(0, pthread_create(&t->thread, NULL, run_loop, t));
}

static void free_server(void *ctx)
{
    struct test_server *t = ctx;
    t->server = http_server_free(t->server);
}

void test_server_stop(struct test_server *t)
{
    test_on_loop(t, free_server, t);
    t->pool = net_pool_free(t->pool);
    test_on_loop(t, nothing, NULL);
    net_loop_stop(t->loop);
    pthread_join(t->thread, NULL);
    t->loop = net_loop_free(t->loop);
    t->site = http_site_free(t->site);
}
