/* base/wheel_test.c - the wheel under simulated time. */
#include "kit/kit.h"

#include "base/wheel.h"

#define HOUR_MS UINT64_C(3600000)
#define TOP_MS  (UINT64_C(1) << 32) /* the wheel's reach */

/* One timer and when it fired; now_ms is the time last handed to the wheel. */
struct probe {
    struct wheel *w;
    const uint64_t *now_ms;
    struct wheel_timer timer;
    uint64_t fired_ms;
    unsigned fired_count;
};

static void probe_fired(void *ctx)
{
    struct probe *p = ctx;
    assert_false(wheel_is_running(&p->timer));
    p->fired_ms = *p->now_ms;
    p->fired_count++;
}

/* Advances only when the wheel asks for it, as a loop does, up to end_ms. */
static unsigned run_until(struct wheel *w, uint64_t *now_ms, uint64_t end_ms)
{
    unsigned turns = 0;
    for (uint64_t wait; (wait = wheel_next_ms(w, *now_ms)) <= end_ms - *now_ms; turns++) {
        *now_ms += wait;
        wheel_advance(w, *now_ms);
    }
    *now_ms = end_ms;
    wheel_advance(w, *now_ms);
    return turns;
}

static const uint64_t starts[] = {0,
                                  1,
                                  255,
                                  256,
                                  65535,
                                  65536,
                                  (1 << 24) - 1,
                                  1 << 24,
                                  TOP_MS - 1,
                                  TOP_MS,
                                  TOP_MS + 12345,
                                  UINT64_C(0x1FFFFFFFF)};
static const uint64_t delays[] = {1,
                                  2,
                                  254,
                                  255,
                                  256,
                                  257,
                                  511,
                                  512,
                                  65279,
                                  65535,
                                  65536,
                                  65537,
                                  131072,
                                  (1 << 24) - 1,
                                  1 << 24,
                                  (1 << 24) + 1,
                                  30 * 24 * HOUR_MS,
                                  TOP_MS - 1,
                                  TOP_MS,
                                  TOP_MS + 1,
                                  3 * TOP_MS + 77};

static void test_fires_on_the_millisecond(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        for (size_t j = 0; j < sizeof delays / sizeof delays[0]; j++) {
            uint64_t now_ms = starts[i], due_ms = starts[i] + delays[j];
            struct probe p = {.w = wheel_new(now_ms), .now_ms = &now_ms};
            wheel_start(p.w, &p.timer, now_ms, delays[j], probe_fired, &p);
            assert_int_equal(1, wheel_count(p.w));
            unsigned turns = run_until(p.w, &now_ms, due_ms + 10);
            assert_int_equal(1, p.fired_count);
            assert_true(p.fired_ms == due_ms);
            assert_true(turns <= 9); /* a few cascades, never a walk over the slots */
            assert_true(wheel_next_ms(p.w, now_ms) == UINT64_MAX);
            wheel_free(p.w);
        }
}

static void test_one_leap_fires_all_that_is_due(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    static struct probe probes[COUNT];
    uint64_t now_ms = 1000;
    struct kit_random r;
    struct random_source random = kit_random(&r, 3);
    struct wheel *w = wheel_new(now_ms);
    for (int i = 0; i < COUNT; i++) {
        probes[i] = (struct probe){.w = w, .now_ms = &probes[i].timer.due_ms};
        uint64_t delay_ms = 1 + random_below(&random, UINT64_C(1) << random_below(&random, 33));
        wheel_start(w, &probes[i].timer, now_ms, delay_ms, probe_fired, &probes[i]);
    }
    assert_int_equal(COUNT, wheel_count(w));
    wheel_advance(w, now_ms + TOP_MS / 2);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(probes[i].timer.due_ms <= now_ms + TOP_MS / 2, probes[i].fired_count);
    wheel_advance(w, now_ms + TOP_MS);
    assert_int_equal(0, wheel_count(w));
    wheel_free(w);
}

/* Hours of random starting, restarting and stopping against a list of due
 * times. */
struct model {
    struct wheel *w;
    uint64_t now_ms;
    uint64_t last_fired_ms;
    struct model_timer {
        struct model *m;
        struct wheel_timer timer;
        uint64_t due_ms; /* 0: stopped */
    } timers[300];
};

static void model_fired(void *ctx)
{
    struct model_timer *t = ctx;
    struct model *m = t->m;
    assert_true(t->due_ms != 0 && t->due_ms <= m->now_ms);
    assert_true(t->due_ms >= m->last_fired_ms);
    m->last_fired_ms = t->due_ms;
    t->due_ms = 0;
}

static size_t model_check(struct model *m)
{
    size_t running = 0;
    uint64_t first_ms = UINT64_MAX;
    for (size_t i = 0; i < sizeof m->timers / sizeof m->timers[0]; i++) {
        const struct model_timer *t = &m->timers[i];
        assert_int_equal(t->due_ms != 0, wheel_is_running(&t->timer));
        if (t->due_ms == 0) continue;
        assert_true(t->due_ms > m->now_ms); /* or it should have fired */
        if (t->due_ms < first_ms) first_ms = t->due_ms;
        running++;
    }
    assert_int_equal(running, wheel_count(m->w));
    if (running) assert_true(wheel_next_ms(m->w, m->now_ms) <= first_ms - m->now_ms);
    return running;
}

static void test_random_hours(void **state)
{
    (void)state;
    static struct model m;
    struct kit_random r;
    struct random_source random = kit_random(&r, 11);
    m = (struct model){.now_ms = TOP_MS - HOUR_MS};
    m.w = wheel_new(m.now_ms);
    for (int step = 0; step < 20000; step++) {
        struct model_timer *t = &m.timers[random_below(&random, 300)];
        t->m = &m;
        if (random_below(&random, 4) == 0) {
            wheel_stop(m.w, &t->timer);
            t->due_ms = 0;
        } else {
            uint64_t delay_ms = 1 + random_below(&random, UINT64_C(1) << random_below(&random, 25));
            wheel_start(m.w, &t->timer, m.now_ms, delay_ms, model_fired, t);
            t->due_ms = m.now_ms + delay_ms;
        }
        m.now_ms += random_below(&random, UINT64_C(1) << random_below(&random, 14));
        m.last_fired_ms = 0;
        wheel_advance(m.w, m.now_ms);
        model_check(&m);
    }
    assert_true(m.now_ms > TOP_MS); /* the clock went past the top of the wheel */
    wheel_free(m.w);
}

static void test_zero_fires_at_the_next_advance(void **state)
{
    (void)state;
    uint64_t now_ms = 500;
    struct probe p = {.w = wheel_new(now_ms), .now_ms = &now_ms};
    wheel_start(p.w, &p.timer, now_ms, 0, probe_fired, &p);
    assert_int_equal(0, p.fired_count);
    assert_int_equal(0, wheel_next_ms(p.w, now_ms));
    wheel_advance(p.w, now_ms);
    assert_int_equal(1, p.fired_count);
    now_ms = 900; /* the loop's clock is ahead of the last advance */
    wheel_start(p.w, &p.timer, now_ms, 0, probe_fired, &p);
    wheel_advance(p.w, 899);
    assert_int_equal(1, p.fired_count);
    wheel_advance(p.w, 900);
    assert_int_equal(2, p.fired_count);
    wheel_start(p.w, &p.timer, 100, 50, probe_fired, &p); /* a time long past */
    assert_int_equal(0, wheel_next_ms(p.w, now_ms));
    wheel_advance(p.w, 100); /* time never runs backwards, yet nothing is lost */
    assert_int_equal(3, p.fired_count);
    wheel_free(p.w);
}

static void test_restart_moves_and_stop_stops(void **state)
{
    (void)state;
    uint64_t now_ms = 0;
    struct probe p = {.w = wheel_new(now_ms), .now_ms = &now_ms};
    wheel_stop(p.w, &p.timer); /* zeroed memory is a stopped timer */
    wheel_start(p.w, &p.timer, now_ms, 10, probe_fired, &p);
    wheel_start(p.w, &p.timer, now_ms, 1000, probe_fired, &p);
    assert_int_equal(1, wheel_count(p.w));
    run_until(p.w, &now_ms, 999);
    assert_int_equal(0, p.fired_count);
    wheel_stop(p.w, &p.timer);
    wheel_stop(p.w, &p.timer);
    assert_true(wheel_next_ms(p.w, now_ms) == UINT64_MAX);
    run_until(p.w, &now_ms, 5000);
    assert_int_equal(0, p.fired_count);
    wheel_start(p.w, &p.timer, now_ms, UINT64_MAX, probe_fired, &p); /* never */
    run_until(p.w, &now_ms, 400 * 24 * HOUR_MS);
    assert_int_equal(0, p.fired_count);
    wheel_free(p.w);
}

static void test_stopped_timers_wake_nobody(void **state)
{
    (void)state;
    uint64_t now_ms = 0;
    struct probe a = {.w = wheel_new(0), .now_ms = &now_ms}, b = a;
    wheel_start(a.w, &a.timer, now_ms, 20, probe_fired, &a);
    wheel_start(b.w, &b.timer, now_ms, 20, probe_fired, &b);
    wheel_stop(a.w, &a.timer);
    assert_int_equal(20, wheel_next_ms(a.w, now_ms));
    wheel_start(a.w, &a.timer, now_ms, 200, probe_fired, &a);
    wheel_stop(b.w, &b.timer);
    assert_int_equal(200, wheel_next_ms(a.w, now_ms));
    assert_int_equal(1, run_until(a.w, &now_ms, 1000));
    wheel_free(a.w);
}

/* A callback that restarts itself and stops or starts its neighbour. */
struct pair {
    struct wheel *w;
    uint64_t now_ms;
    struct wheel_timer self, other;
    unsigned self_count, other_count;
    uint64_t again_ms;
    bool stop_other, start_other;
};

static void other_fired(void *ctx)
{
    struct pair *p = ctx;
    p->other_count++;
}

static void self_fired(void *ctx)
{
    struct pair *p = ctx;
    p->self_count++;
    if (p->again_ms != UINT64_MAX)
        wheel_start(p->w, &p->self, p->now_ms, p->again_ms, self_fired, p);
    if (p->stop_other) wheel_stop(p->w, &p->other);
    if (p->start_other && !wheel_is_running(&p->other))
        wheel_start(p->w, &p->other, p->now_ms, 0, other_fired, p);
}

static void test_callback_stops_a_timer_of_the_same_tick(void **state)
{
    (void)state;
    struct pair p = {.w = wheel_new(0), .again_ms = UINT64_MAX, .stop_other = true};
    wheel_start(p.w, &p.self, 0, 5, self_fired, &p);
    wheel_start(p.w, &p.other, 0, 5, other_fired, &p);
    wheel_advance(p.w, p.now_ms = 100);
    assert_int_equal(1, p.self_count);
    assert_int_equal(0, p.other_count);
    assert_int_equal(0, wheel_count(p.w));
    wheel_free(p.w);
}

static void test_callback_restarting_itself_is_met_once_an_advance(void **state)
{
    (void)state;
    struct pair p = {.w = wheel_new(0), .again_ms = 0, .start_other = true};
    wheel_start(p.w, &p.self, 0, 5, self_fired, &p);
    for (unsigned turn = 1; turn <= 3; turn++) {
        wheel_advance(p.w, p.now_ms = 100);
        assert_int_equal(turn, p.self_count);
        assert_int_equal(turn / 2, p.other_count);
        assert_int_equal(0, wheel_next_ms(p.w, p.now_ms));
    }
    wheel_free(p.w);
}

static void test_periodic_timer_over_a_day(void **state)
{
    (void)state;
    struct pair p = {.w = wheel_new(777), .now_ms = 777, .again_ms = 30000};
    wheel_start(p.w, &p.self, p.now_ms, p.again_ms, self_fired, &p);
    run_until(p.w, &p.now_ms, 777 + 24 * HOUR_MS);
    assert_int_equal(24 * 120, p.self_count);
    wheel_free(p.w);
}

static void owner_goes(void *ctx)
{
    free(ctx);
}

static void test_callback_may_free_its_owner(void **state)
{
    (void)state;
    struct wheel *w = wheel_new(0);
    for (int i = 0; i < 3; i++) {
        struct wheel_timer *t = calloc(1, sizeof *t);
        assert_non_null(t);
        wheel_start(w, t, 0, 7, owner_goes, t);
    }
    wheel_advance(w, 7);
    assert_int_equal(0, wheel_count(w));
    wheel_free(w);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    kit_alloc_fail_once_at(1);
    assert_null(wheel_new(0));
    assert_null(wheel_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fires_on_the_millisecond),
        cmocka_unit_test(test_one_leap_fires_all_that_is_due),
        cmocka_unit_test(test_random_hours),
        cmocka_unit_test(test_zero_fires_at_the_next_advance),
        cmocka_unit_test(test_restart_moves_and_stop_stops),
        cmocka_unit_test(test_stopped_timers_wake_nobody),
        cmocka_unit_test(test_callback_stops_a_timer_of_the_same_tick),
        cmocka_unit_test(test_callback_restarting_itself_is_met_once_an_advance),
        cmocka_unit_test(test_periodic_timer_over_a_day),
        cmocka_unit_test(test_callback_may_free_its_owner),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
