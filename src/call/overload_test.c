#include "kit/kit.h"

#include "call/fixture.h"
#include "call/overload.h"

/* ---- the machine ---- */

static void test_steps(void **state)
{
    (void)state;
    static const struct {
        int64_t delay_ms, now_ms;
        bool sheds;
    } rows[] = {
        {0, 1000, false},   {500, 1100, false}, /* one long turn */
        {10, 1200, false},  {150, 1300, false}, /* it begins anew */
        {60, 1400, false},  {150, 1450, false}, {150, 1500, true},
        {50, 1600, true},   {10, 2400, true}, /* calm, but not for long enough */
        {120, 2450, true},  {60, 3500, true}, /* neither high nor low */
        {39, 3501, false},  {150, 3600, false}, {39, 3700, false},
        {150, 3800, false}, {150, 4000, true},  {0, 9000, false},
    };
    struct call_overload o = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (call_overload_step(&o, rows[i].delay_ms, rows[i].now_ms) != rows[i].sheds)
            fail_msg("row %zu, at %d ms", i, (int)rows[i].now_ms);
}

/* Calls of 30 ms each come every 10 ms to a worker that takes turns: without refusals a turn would
 * be ever longer. */
static void test_latency_stays_bounded(void **state)
{
    (void)state;
    struct call_overload o = {0};
    int64_t backlog_ms = 0, worst_ms = 0, taken = 0, shed = 0;
    for (int64_t now_ms = 0; now_ms < 600000; now_ms += 10) {
        bool busy = now_ms < 300000;
        bool sheds = call_overload_step(&o, backlog_ms, now_ms);
        if (busy && sheds) shed++;
        if (busy && !sheds) taken++;
        if (busy) backlog_ms += sheds ? 1 : 30;
        backlog_ms = backlog_ms > 10 ? backlog_ms - 10 : 0;
        if (backlog_ms > worst_ms) worst_ms = backlog_ms;
    }
    assert_true(worst_ms < 1000);
    assert_true(taken > 0 && shed > taken);
    assert_false(o.is_shedding);
}

/* ---- a worker ---- */

static struct fixture *x;
static int64_t delay_ms;

static int64_t delay(void *ctx)
{
    (void)ctx;
    return delay_ms;
}

static int setup(void **state)
{
    (void)state;
    delay_ms = 0;
    x = fixture_new();
    call_worker_set_delay(x->workers[0], delay, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free(x);
    return 0;
}

/* Requests come for so long. */
static void pass(struct phone *p, int64_t ms)
{
    for (; ms > 0; ms -= 100) {
        fixture_pass(x, 100);
        assert_int_equal(200, fixture_register(p));
    }
}

static void test_new_calls_wait_while_others_go_on(void **state)
{
    (void)state;
    struct call_counters c;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    const char *invite = fixture_invite(a, "1030", NULL, NULL);
    fixture_expect(a, "SIP/2.0 100");
    const char *got = fixture_expect(b, "INVITE ");
    fixture_answer(b, got, 200, "b", NULL, NULL);
    const char *answer = fixture_expect(a, "SIP/2.0 200");
    fixture_in_dialog(a, "ACK", invite, answer, false, NULL, NULL);
    fixture_expect(b, "ACK ");

    delay_ms = 400;
    pass(a, 400);
    const char *another = fixture_invite(a, "1030", NULL, NULL);
    const char *end = fixture_expect(a, "SIP/2.0 503");
    unsigned long retry_s = strtoul(fixture_header(end, "Retry-After", 0), NULL, 10);
    assert_true(retry_s >= CALL_OVERLOAD_RETRY_MIN_S && retry_s <= CALL_OVERLOAD_RETRY_MAX_S);
    fixture_ack_refusal(a, another, end);
    fixture_quiet(b);
    call_node_count(x->b->node, &c);
    assert_int_equal(1, c.shed);
    assert_int_equal(1, c.overloaded);
    assert_true(kit_log_has(&x->b->lines, "event=overload.begin"));

    /* What belongs to the call goes through, as does a call on another worker. */
    fixture_in_dialog(a, "INVITE", invite, answer, false, NULL, NULL);
    fixture_expect(a, "SIP/2.0 100");
    fixture_answer(b, fixture_expect(b, "INVITE "), 488, NULL, NULL, NULL);
    fixture_expect(b, "ACK ");
    fixture_expect(a, "SIP/2.0 488");
    fixture_in_dialog(a, "BYE", invite, answer, false, NULL, NULL);
    fixture_answer(b, fixture_expect(b, "BYE "), 200, NULL, NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
    fixture_invite(b, "1020", NULL, NULL);
    fixture_expect(b, "SIP/2.0 100");
    fixture_expect(a, "INVITE ");

    delay_ms = 0;
    pass(a, 1100);
    call_node_count(x->b->node, &c);
    assert_int_equal(0, c.overloaded);
    assert_true(kit_log_has(&x->b->lines, "event=overload.end"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_latency_stays_bounded),
        cmocka_unit_test_setup_teardown(test_new_calls_wait_while_others_go_on, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
