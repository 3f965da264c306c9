/* net/loop_test.c - turns, timers under moved time, posts from several threads, deferred work. */
#include "kit/kit.h"

#include "net/loop.h"

#include <pthread.h>
#include <signal.h>

static struct net_loop *new_loop(void)
{
    struct net_loop *loop = NULL;
    assert_rc(RC_OK, net_loop_new(&loop));
    return loop;
}

static void count(void *ctx)
{
    ++*(int *)ctx;
}

static void test_timers_fire_when_the_clock_passes_them(void **state)
{
    (void)state;
    struct net_loop *loop = new_loop();
    struct wheel_timer soon = {0}, late = {0}, stopped = {0};
    int soon_n = 0, late_n = 0, stopped_n = 0;
    net_timer_start(loop, &soon, 60000, count, &soon_n);
    net_timer_start(loop, &late, 120000, count, &late_n);
    net_timer_start(loop, &stopped, 60000, count, &stopped_n);
    net_timer_stop(loop, &stopped);
    net_loop_turn(loop, false);
    assert_int_equal(0, soon_n);
    net_loop_skip_ms(loop, 60000);
    net_loop_turn(loop, false);
    assert_int_equal(1, soon_n);
    assert_int_equal(0, late_n);
    net_loop_skip_ms(loop, 60000);
    net_loop_turn(loop, false);
    assert_int_equal(1, late_n);
    assert_int_equal(0, stopped_n);
    net_loop_free(loop);
}

static void test_a_turn_waits_for_a_timer_of_its_own(void **state)
{
    (void)state;
    struct net_loop *loop = new_loop();
    struct wheel_timer timer = {0};
    int n = 0;
    net_timer_start(loop, &timer, 2, count, &n);
    while (n == 0)
        net_loop_turn(loop, true);
    assert_false(wheel_is_running(&timer));
    net_loop_free(loop);
}

static void test_the_clock_stands_still_within_a_turn(void **state)
{
    (void)state;
    struct net_loop *loop = new_loop();
    struct clock clock = net_loop_clock(loop);
    int64_t first = clock_mono_ms(&clock);
    assert_int_equal(first, (int64_t)net_loop_now_ms(loop));
    net_loop_skip_ms(loop, 5000);
    assert_true(clock_mono_ms(&clock) >= first + 5000);
    assert_true(clock_unix_ms(&clock) > 1600000000000);
    net_loop_free(loop);
}

static void work_for_a_minute(void *ctx)
{
    struct net_loop *loop = ctx;
    (void)net_loop_now_ms(loop);
    net_loop_skip_ms(loop, 60000);
}

/* Whatever becomes ready meanwhile waits so long. */
static void test_a_turn_tells_how_long_it_worked(void **state)
{
    (void)state;
    struct net_loop *loop = new_loop();
    struct net_deferred deferred = {0};
    net_loop_hold_clock(loop);
    net_loop_turn(loop, false);
    net_loop_skip_ms(loop, 1000); /* between turns */
    net_loop_turn(loop, false);
    assert_int_equal(0, net_loop_delay_ms(loop));
    net_loop_defer(loop, &deferred, work_for_a_minute, loop);
    net_loop_turn(loop, false);
    assert_int_equal(60000, net_loop_delay_ms(loop));
    net_loop_turn(loop, false);
    assert_int_equal(0, net_loop_delay_ms(loop));
    net_loop_free(loop);
}

struct order {
    struct net_loop *loop;
    struct net_deferred first, second;
    char seen[8];
    size_t n;
};

static void second(void *ctx)
{
    struct order *o = ctx;
    o->seen[o->n++] = '2';
}

static void first(void *ctx)
{
    struct order *o = ctx;
    o->seen[o->n++] = '1';
    net_loop_defer(o->loop, &o->second, second, o);
}

static void test_deferred_work_ends_the_turn_once(void **state)
{
    (void)state;
    struct order o = {.loop = new_loop()};
    net_loop_defer(o.loop, &o.first, first, &o);
    net_loop_defer(o.loop, &o.first, first, &o);
    net_loop_turn(o.loop, true); /* must not wait */
    assert_string_equal("12", o.seen);
    net_loop_defer(o.loop, &o.first, first, &o);
    net_loop_defer_cancel(&o.first);
    net_loop_turn(o.loop, false);
    assert_string_equal("12", o.seen);
    net_loop_free(o.loop);
}

enum { THREADS = 4, POSTS = 500 };

struct poster {
    struct net_loop *loop;
    pthread_t thread;
    struct net_post posts[POSTS], last;
    int next; /* expected, on the loop's thread */
    int *ended;
    int number;
    struct item {
        struct poster *poster;
        int i;
    } items[POSTS];
};

static void on_item(void *ctx)
{
    struct item *item = ctx;
    assert_int_equal(item->poster->next, item->i);
    item->poster->next++;
}

static void on_ended(void *ctx)
{
    struct poster *p = ctx;
    if (++*p->ended == THREADS) net_loop_stop(p->loop);
}

static void *post_all(void *ctx)
{
    struct poster *p = ctx;
    for (int i = 0; i < POSTS; i++) {
        p->items[i] = (struct item){p, i};
        net_loop_post(p->loop, &p->posts[i], on_item, &p->items[i]);
    }
    net_loop_post(p->loop, &p->last, on_ended, p);
    return NULL;
}

static void test_posts_of_four_threads_arrive_each_in_order(void **state)
{
    (void)state;
    struct net_loop *loop = new_loop();
    struct poster *posters = calloc(THREADS, sizeof *posters);
    int ended = 0;
    for (int i = 0; i < THREADS; i++) {
        posters[i].loop = loop;
        posters[i].ended = &ended;
        assert_int_equal(0, pthread_create(&posters[i].thread, NULL, post_all, &posters[i]));
    }
    net_loop_run(loop);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(posters[i].thread, NULL);
        assert_int_equal(POSTS, posters[i].next);
    }
    free(posters);
    net_loop_free(loop);
}

static void test_a_waiting_post_is_not_queued_twice(void **state)
{
    (void)state;
    struct net_loop *loop = new_loop();
    struct net_post post = {0};
    int n = 0;
    net_loop_post(loop, &post, count, &n);
    net_loop_post(loop, &post, count, &n);
    net_loop_turn(loop, true);
    assert_int_equal(1, n);
    net_loop_post(loop, &post, count, &n);
    net_loop_free(loop); /* runs what waits */
    assert_int_equal(2, n);
}

static void stop(void *ctx)
{
    net_loop_stop(ctx);
}

static void test_a_signal_is_a_callback(void **state)
{
    (void)state;
    struct net_loop *loop = new_loop();
    assert_rc(RC_OK, net_loop_on_signal(loop, SIGUSR1, stop, loop));
    raise(SIGUSR1);
    net_loop_run(loop);
    net_loop_free(loop);
}

static void make_loop(void *ctx)
{
    (void)ctx;
    struct net_loop *loop = NULL;
    if (net_loop_new(&loop) == RC_OK) net_loop_free(loop);
}

static void test_no_memory_makes_no_loop(void **state)
{
    (void)state;
    kit_each_alloc_fails(make_loop, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_fire_when_the_clock_passes_them),
        cmocka_unit_test(test_a_turn_waits_for_a_timer_of_its_own),
        cmocka_unit_test(test_the_clock_stands_still_within_a_turn),
        cmocka_unit_test(test_a_turn_tells_how_long_it_worked),
        cmocka_unit_test(test_deferred_work_ends_the_turn_once),
        cmocka_unit_test(test_posts_of_four_threads_arrive_each_in_order),
        cmocka_unit_test(test_a_waiting_post_is_not_queued_twice),
        cmocka_unit_test(test_a_signal_is_a_callback),
        cmocka_unit_test(test_no_memory_makes_no_loop),
    };
    return cmocka_run_group_tests_name("net/loop", tests, NULL, NULL);
}
