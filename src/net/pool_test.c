/* net/pool_test.c - work on threads, results on the loop, a full queue, an orderly end. */
#include "kit/kit.h"

#include "net/pool.h"

#include <pthread.h>
#include <stdatomic.h>

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool entered, open;
};

static void gate_wait(void *ctx)
{
    struct gate *g = ctx;
    pthread_mutex_lock(&g->lock);
    g->entered = true;
    pthread_cond_broadcast(&g->changed);
    while (!g->open)
        pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static void gate_await_entry(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    while (!g->entered)
        pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static void gate_open(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->open = true;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

static void add(void *ctx)
{
    atomic_fetch_add((atomic_int *)ctx, 1);
}

static void test_a_full_queue_says_busy_and_freeing_finishes_what_was_taken(void **state)
{
    (void)state;
    struct net_pool *pool = NULL;
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};
    atomic_int done = 0;
    assert_rc(RC_OK, net_pool_new(1, 2, &pool));
    assert_rc(RC_OK, net_pool_submit(pool, gate_wait, NULL, &gate, NULL));
    gate_await_entry(&gate);
    assert_rc(RC_OK, net_pool_submit(pool, add, NULL, &done, NULL));
    assert_rc(RC_OK, net_pool_submit(pool, add, NULL, &done, NULL));
    assert_int_equal(2, net_pool_waiting(pool));
    assert_rc(RC_BUSY, net_pool_submit(pool, add, NULL, &done, NULL));
    gate_open(&gate);
    net_pool_free(pool);
    assert_int_equal(2, done);
}

enum { JOBS = 200 };

struct job {
    struct net_loop *loop;
    pthread_t loop_thread;
    int *done, input, output;
};

static void work(void *ctx)
{
    struct job *job = ctx;
    assert_false(pthread_equal(pthread_self(), job->loop_thread));
    job->output = job->input * 2;
}

static void finish(void *ctx)
{
    struct job *job = ctx;
    assert_true(pthread_equal(pthread_self(), job->loop_thread));
    assert_int_equal(job->input * 2, job->output);
    if (++*job->done == JOBS) net_loop_stop(job->loop);
}

static void test_results_come_back_to_the_loop(void **state)
{
    (void)state;
    struct net_pool *pool = NULL;
    struct net_loop *loop = NULL;
    struct job jobs[JOBS];
    int done = 0;
    assert_rc(RC_OK, net_loop_new(&loop));
    assert_rc(RC_OK, net_pool_new(4, JOBS, &pool));
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){loop, pthread_self(), &done, i, -1};
        assert_rc(RC_OK, net_pool_submit(pool, work, finish, &jobs[i], loop));
    }
    net_loop_run(loop);
    assert_int_equal(JOBS, done);
    net_pool_free(pool);
    net_loop_free(loop);
}

static void test_odd_sizes_are_refused(void **state)
{
    (void)state;
    struct net_pool *pool = NULL;
    assert_rc(RC_INVALID, net_pool_new(0, 1, &pool));
    assert_rc(RC_INVALID, net_pool_new(65, 1, &pool));
    assert_rc(RC_INVALID, net_pool_new(1, 0, &pool));
    assert_null(net_pool_free(NULL));
}

static void use_pool(void *ctx)
{
    (void)ctx;
    struct net_pool *pool = NULL;
    atomic_int done = 0;
    if (net_pool_new(1, 4, &pool) != RC_OK) return;
    enum rc rc = net_pool_submit(pool, add, NULL, &done, NULL);
    net_pool_free(pool);
    assert_int_equal(rc == RC_OK, done);
}

static void test_no_memory_refuses_the_job(void **state)
{
    (void)state;
    kit_each_alloc_fails(use_pool, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_queue_says_busy_and_freeing_finishes_what_was_taken),
        cmocka_unit_test(test_results_come_back_to_the_loop),
        cmocka_unit_test(test_odd_sizes_are_refused),
        cmocka_unit_test(test_no_memory_refuses_the_job),
    };
    return cmocka_run_group_tests_name("net/pool", tests, NULL, NULL);
}
