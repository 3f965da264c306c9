/* The four machines by themselves: every timer, the retransmission schedules of RFC 3261 (17.1.1.2,
 * 17.1.2.2, 17.2.1, 17.2.2), RFC 6026's states, and long random runs. */
#include "kit/kit.h"

#include "siptx/machine.h"
#include <stdio.h>

static const struct siptx_times rfc = {500, 4000, 5000, 32000, 200};

typedef void init_fn(struct siptx_machine *m, const struct siptx_times *t, bool reliable,
                     int64_t now);

enum { START = 1000 };

/* Lets time pass until `until`; notes when each timer fired and what it asked for. */
static void run(struct siptx_machine *m, siptx_step_fn *step, int64_t until, char *out, size_t cap)
{
    size_t n = strlen(out);
    for (;;) {
        int64_t due = siptx_machine_due(m);
        enum siptx_event e;
        if (due > until || !siptx_machine_fire(m, due, &e)) return;
        unsigned acts = step(m, e, due);
        n += (size_t)snprintf(out + n, cap - n, "%lld%s%s%s%s ", (long long)(due - START),
                              acts & SIPTX_ACT_RESEND ? "r" : "",
                              acts & SIPTX_ACT_TRYING ? "t" : "",
                              acts & SIPTX_ACT_TIMEOUT ? "x" : "", acts & SIPTX_ACT_END ? "." : "");
    }
}

static void test_invite_client_repeats_doubling_until_b(void **state)
{
    (void)state;
    struct siptx_machine m;
    char out[256] = "";
    siptx_ict_init(&m, &rfc, false, START);
    run(&m, siptx_ict_step, START + 100000, out, sizeof out);
    assert_string_equal("500r 1500r 3500r 7500r 15500r 31500r 32000x. ", out);
    assert_int_equal(SIPTX_TERMINATED, m.state);
}

static void test_invite_client_on_tcp_only_times_out(void **state)
{
    (void)state;
    struct siptx_machine m;
    char out[256] = "";
    siptx_ict_init(&m, &rfc, true, START);
    run(&m, siptx_ict_step, START + 100000, out, sizeof out);
    assert_string_equal("32000x. ", out);
}

static void test_request_client_repeats_up_to_t2_until_f(void **state)
{
    (void)state;
    struct siptx_machine m;
    char out[256] = "";
    siptx_nict_init(&m, &rfc, false, START);
    run(&m, siptx_nict_step, START + 100000, out, sizeof out);
    assert_string_equal("500r 1500r 3500r 7500r 11500r 15500r 19500r 23500r 27500r 31500r 32000x. ",
                        out);
}

static void test_request_client_repeats_every_t2_after_provisional(void **state)
{
    (void)state;
    struct siptx_machine m;
    char out[256] = "";
    siptx_nict_init(&m, &rfc, false, START);
    run(&m, siptx_nict_step, START + 600, out, sizeof out);
    assert_int_equal(SIPTX_ACT_UP, siptx_nict_step(&m, SIPTX_EV_1XX, START + 600));
    run(&m, siptx_nict_step, START + 100000, out, sizeof out);
    assert_string_equal("500r 1500r 5500r 9500r 13500r 17500r 21500r 25500r 29500r 32000x. ", out);
}

static void test_request_client_on_tcp_only_times_out(void **state)
{
    (void)state;
    struct siptx_machine m;
    char out[256] = "";
    siptx_nict_init(&m, &rfc, true, START);
    run(&m, siptx_nict_step, START + 100000, out, sizeof out);
    assert_string_equal("32000x. ", out);
}

static void test_invite_server_repeats_refusal_until_h(void **state)
{
    (void)state;
    struct siptx_machine m;
    char out[512] = "";
    siptx_ist_init(&m, &rfc, false, START);
    assert_int_equal(SIPTX_ACT_SEND, siptx_ist_step(&m, SIPTX_EV_REFUSAL, START));
    run(&m, siptx_ist_step, START + 100000, out, sizeof out);
    assert_string_equal("500r 1500r 3500r 7500r 11500r 15500r 19500r 23500r 27500r 31500r 32000x. ",
                        out);
}

static void test_invite_server_on_tcp_waits_for_ack_without_repeating(void **state)
{
    (void)state;
    struct siptx_machine m;
    char out[512] = "";
    siptx_ist_init(&m, &rfc, true, START);
    siptx_ist_step(&m, SIPTX_EV_REFUSAL, START);
    run(&m, siptx_ist_step, START + 100000, out, sizeof out);
    assert_string_equal("32000x. ", out);
    siptx_ist_init(&m, &rfc, true, START);
    siptx_ist_step(&m, SIPTX_EV_REFUSAL, START);
    assert_int_equal(SIPTX_ACT_END, siptx_ist_step(&m, SIPTX_EV_ACK, START + 1));
}

static void test_invite_server_says_trying_after_200_ms_once(void **state)
{
    (void)state;
    struct siptx_machine m;
    char out[512] = "";
    siptx_ist_init(&m, &rfc, false, START);
    run(&m, siptx_ist_step, START + 100000, out, sizeof out);
    assert_string_equal("200t ", out);
    siptx_ist_init(&m, &rfc, false, START);
    siptx_ist_step(&m, SIPTX_EV_1XX, START + 50);
    assert_true(siptx_machine_due(&m) == INT64_MAX);
}

static void test_answered_request_lingers_on_udp_only(void **state)
{
    (void)state;
    struct siptx_machine m;
    char out[64] = "";
    siptx_nist_init(&m, &rfc, false, START);
    assert_int_equal(SIPTX_ACT_SEND, siptx_nist_step(&m, SIPTX_EV_2XX, START));
    run(&m, siptx_nist_step, START + 100000, out, sizeof out);
    assert_string_equal("32000. ", out);
    siptx_nist_init(&m, &rfc, true, START);
    assert_int_equal(SIPTX_ACT_SEND | SIPTX_ACT_END, siptx_nist_step(&m, SIPTX_EV_2XX, START));
}

/* One row: in this state, this event leads to that state with these actions. */
struct row {
    init_fn *init;
    siptx_step_fn *step;
    bool reliable;
    int before[3]; /* events that lead to the state; -1 ends */
    enum siptx_event event;
    enum siptx_state state;
    unsigned acts;
};
#define IST  siptx_ist_init, siptx_ist_step
#define NIST siptx_nist_init, siptx_nist_step
#define ICT  siptx_ict_init, siptx_ict_step
#define NICT siptx_nict_init, siptx_nict_step

static const struct row rows[] = {
    {IST, false, {-1}, SIPTX_EV_REQUEST, SIPTX_PROCEEDING, SIPTX_ACT_RESEND},
    {IST, false, {-1}, SIPTX_EV_1XX, SIPTX_PROCEEDING, SIPTX_ACT_SEND},
    {IST, false, {-1}, SIPTX_EV_2XX, SIPTX_ACCEPTED, SIPTX_ACT_SEND},
    {IST, true, {-1}, SIPTX_EV_2XX, SIPTX_ACCEPTED, SIPTX_ACT_SEND},
    {IST, false, {-1}, SIPTX_EV_REFUSAL, SIPTX_COMPLETED, SIPTX_ACT_SEND},
    {IST, false, {-1}, SIPTX_EV_ACK, SIPTX_PROCEEDING, 0},
    {IST, false, {-1}, SIPTX_EV_TRANSPORT_ERROR, SIPTX_PROCEEDING, SIPTX_ACT_LOST},
    {IST, false, {SIPTX_EV_REFUSAL, -1}, SIPTX_EV_REQUEST, SIPTX_COMPLETED, SIPTX_ACT_RESEND},
    {IST, false, {SIPTX_EV_REFUSAL, -1}, SIPTX_EV_ACK, SIPTX_CONFIRMED, 0},
    {IST, false, {SIPTX_EV_REFUSAL, -1}, SIPTX_EV_2XX, SIPTX_COMPLETED, SIPTX_ACT_REFUSE},
    {IST, false, {SIPTX_EV_REFUSAL, -1}, SIPTX_EV_TRANSPORT_ERROR, SIPTX_COMPLETED, SIPTX_ACT_LOST},
    {IST, false, {SIPTX_EV_REFUSAL, SIPTX_EV_ACK, -1}, SIPTX_EV_ACK, SIPTX_CONFIRMED, 0},
    {IST, false, {SIPTX_EV_REFUSAL, SIPTX_EV_ACK, -1}, SIPTX_EV_REQUEST, SIPTX_CONFIRMED, 0},
    {IST,
     false,
     {SIPTX_EV_REFUSAL, SIPTX_EV_ACK, -1},
     SIPTX_EV_TIMER_I,
     SIPTX_TERMINATED,
     SIPTX_ACT_END},
    {IST, false, {SIPTX_EV_2XX, -1}, SIPTX_EV_REQUEST, SIPTX_ACCEPTED, 0},
    {IST, false, {SIPTX_EV_2XX, -1}, SIPTX_EV_ACK, SIPTX_ACCEPTED, SIPTX_ACT_UP},
    {IST, false, {SIPTX_EV_2XX, -1}, SIPTX_EV_2XX, SIPTX_ACCEPTED, SIPTX_ACT_SEND},
    {IST, false, {SIPTX_EV_2XX, -1}, SIPTX_EV_REFUSAL, SIPTX_ACCEPTED, SIPTX_ACT_REFUSE},
    {IST, false, {SIPTX_EV_2XX, -1}, SIPTX_EV_TRANSPORT_ERROR, SIPTX_ACCEPTED, SIPTX_ACT_LOST},
    {IST, false, {SIPTX_EV_2XX, -1}, SIPTX_EV_TIMER_L, SIPTX_TERMINATED, SIPTX_ACT_END},
    {NIST, false, {-1}, SIPTX_EV_REQUEST, SIPTX_TRYING, 0},
    {NIST, false, {-1}, SIPTX_EV_1XX, SIPTX_PROCEEDING, SIPTX_ACT_SEND},
    {NIST, false, {-1}, SIPTX_EV_TIMER_ANSWER, SIPTX_TERMINATED, SIPTX_ACT_TIMEOUT | SIPTX_ACT_END},
    {NIST, false, {SIPTX_EV_1XX, -1}, SIPTX_EV_REQUEST, SIPTX_PROCEEDING, SIPTX_ACT_RESEND},
    {NIST, false, {SIPTX_EV_REFUSAL, -1}, SIPTX_EV_REQUEST, SIPTX_COMPLETED, SIPTX_ACT_RESEND},
    {NIST, false, {SIPTX_EV_2XX, -1}, SIPTX_EV_2XX, SIPTX_COMPLETED, SIPTX_ACT_REFUSE},
    {NIST,
     false,
     {SIPTX_EV_2XX, -1},
     SIPTX_EV_TRANSPORT_ERROR,
     SIPTX_TERMINATED,
     SIPTX_ACT_LOST | SIPTX_ACT_END},
    {ICT, false, {-1}, SIPTX_EV_100, SIPTX_PROCEEDING, 0},
    {ICT, false, {-1}, SIPTX_EV_1XX, SIPTX_PROCEEDING, SIPTX_ACT_UP},
    {ICT, false, {-1}, SIPTX_EV_2XX, SIPTX_ACCEPTED, SIPTX_ACT_UP},
    {ICT, false, {-1}, SIPTX_EV_REFUSAL, SIPTX_COMPLETED, SIPTX_ACT_ACK | SIPTX_ACT_UP},
    {ICT,
     true,
     {-1},
     SIPTX_EV_REFUSAL,
     SIPTX_TERMINATED,
     SIPTX_ACT_ACK | SIPTX_ACT_UP | SIPTX_ACT_END},
    {ICT, false, {-1}, SIPTX_EV_TRANSPORT_ERROR, SIPTX_TERMINATED, SIPTX_ACT_LOST | SIPTX_ACT_END},
    {ICT,
     false,
     {SIPTX_EV_1XX, -1},
     SIPTX_EV_CANCEL_TIMEOUT,
     SIPTX_TERMINATED,
     SIPTX_ACT_TIMEOUT | SIPTX_ACT_END},
    {ICT, false, {SIPTX_EV_REFUSAL, -1}, SIPTX_EV_REFUSAL, SIPTX_COMPLETED, SIPTX_ACT_ACK},
    {ICT, false, {SIPTX_EV_REFUSAL, -1}, SIPTX_EV_2XX, SIPTX_COMPLETED, 0},
    {ICT, false, {SIPTX_EV_REFUSAL, -1}, SIPTX_EV_TIMER_D, SIPTX_TERMINATED, SIPTX_ACT_END},
    {ICT, false, {SIPTX_EV_2XX, -1}, SIPTX_EV_2XX, SIPTX_ACCEPTED, SIPTX_ACT_UP},
    {ICT, true, {SIPTX_EV_2XX, -1}, SIPTX_EV_1XX, SIPTX_ACCEPTED, 0},
    {ICT, false, {SIPTX_EV_2XX, -1}, SIPTX_EV_TIMER_M, SIPTX_TERMINATED, SIPTX_ACT_END},
    {NICT, false, {-1}, SIPTX_EV_100, SIPTX_PROCEEDING, 0},
    {NICT, false, {-1}, SIPTX_EV_2XX, SIPTX_COMPLETED, SIPTX_ACT_UP},
    {NICT, true, {-1}, SIPTX_EV_2XX, SIPTX_TERMINATED, SIPTX_ACT_UP | SIPTX_ACT_END},
    {NICT, false, {SIPTX_EV_2XX, -1}, SIPTX_EV_2XX, SIPTX_COMPLETED, 0},
    {NICT, false, {SIPTX_EV_2XX, -1}, SIPTX_EV_TIMER_K, SIPTX_TERMINATED, SIPTX_ACT_END},
    {NICT, false, {-1}, SIPTX_EV_TRANSPORT_ERROR, SIPTX_TERMINATED, SIPTX_ACT_LOST | SIPTX_ACT_END},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *r = &rows[i];
        struct siptx_machine m;
        r->init(&m, &rfc, r->reliable, START);
        for (int k = 0; r->before[k] >= 0; k++)
            r->step(&m, (enum siptx_event)r->before[k], START + k);
        unsigned acts = r->step(&m, r->event, START + 10);
        if (acts != r->acts || m.state != r->state)
            fail_msg("row %zu: state %u acts %u", i, m.state, acts);
    }
}

static void test_timers_j_k_d_i_l_m_have_their_lengths(void **state)
{
    (void)state;
    static const struct {
        init_fn *init;
        siptx_step_fn *step;
        bool reliable;
        int first, second;
        const char *fires;
    } t[] = {
        {NIST, false, SIPTX_EV_2XX, -1, "32000. "},             /* J */
        {NICT, false, SIPTX_EV_2XX, -1, "5000. "},              /* K */
        {ICT, false, SIPTX_EV_REFUSAL, -1, "32000. "},          /* D */
        {IST, false, SIPTX_EV_REFUSAL, SIPTX_EV_ACK, "5000. "}, /* I */
        {IST, false, SIPTX_EV_2XX, -1, "32000. "},              /* L */
        {IST, true, SIPTX_EV_2XX, -1, "32000. "},
        {ICT, false, SIPTX_EV_2XX, -1, "32000. "}, /* M */
        {ICT, true, SIPTX_EV_2XX, -1, "32000. "},
    };
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        struct siptx_machine m;
        char out[256] = "";
        t[i].init(&m, &rfc, t[i].reliable, START);
        t[i].step(&m, (enum siptx_event)t[i].first, START);
        if (t[i].second >= 0) t[i].step(&m, (enum siptx_event)t[i].second, START);
        run(&m, t[i].step, START + 100000, out, sizeof out);
        assert_string_equal(t[i].fires, out);
    }
}

static void test_provisional_after_cancel_leaves_its_limit(void **state)
{
    (void)state;
    struct siptx_machine m;
    char out[64] = "";
    siptx_ict_init(&m, &rfc, false, START);
    siptx_ict_step(&m, SIPTX_EV_1XX, START);
    siptx_machine_limit_at(&m, SIPTX_EV_CANCEL_TIMEOUT, START, 32000);
    siptx_ict_step(&m, SIPTX_EV_1XX, START + 10);
    run(&m, siptx_ict_step, START + 100000, out, sizeof out);
    assert_string_equal("32000x. ", out);
}

/* Twenty thousand random histories: a machine ends once, has no timer then, and stays silent. */
static void random_history(const struct random_source *r, init_fn *init, siptx_step_fn *step)
{
    struct siptx_machine m;
    int64_t now = START;
    int ends = 0, steps = 0;
    init(&m, &rfc, random_below(r, 2), now);
    while (m.state != SIPTX_TERMINATED && steps++ < 10000) {
        enum siptx_event e;
        unsigned acts = 0;
        if (random_below(r, 3) == 0) {
            e = (enum siptx_event)random_below(r, SIPTX_EV_CANCEL_TIMEOUT + 1);
            acts = step(&m, e, now);
        } else if (siptx_machine_due(&m) != INT64_MAX) {
            now = siptx_machine_due(&m);
            assert_true(siptx_machine_fire(&m, now, &e));
            acts = step(&m, e, now);
        } else {
            acts = step(&m, SIPTX_EV_REFUSAL, now);
        }
        if (acts & SIPTX_ACT_END) ends++;
        assert_int_equal((acts & SIPTX_ACT_END) != 0, m.state == SIPTX_TERMINATED);
    }
    assert_int_equal(1, ends);
    assert_true(siptx_machine_due(&m) == INT64_MAX);
    for (int e = 0; e < SIPTX_EVENT_COUNT; e++)
        assert_int_equal(0, step(&m, (enum siptx_event)e, now));
}

static void test_random_histories_end_once_without_timers(void **state)
{
    (void)state;
    struct kit_random seed;
    struct random_source r = kit_random(&seed, 7);
    for (int i = 0; i < 20000; i++) {
        random_history(&r, IST);
        random_history(&r, NIST);
        random_history(&r, ICT);
        random_history(&r, NICT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_invite_client_repeats_doubling_until_b),
        cmocka_unit_test(test_invite_client_on_tcp_only_times_out),
        cmocka_unit_test(test_request_client_repeats_up_to_t2_until_f),
        cmocka_unit_test(test_request_client_repeats_every_t2_after_provisional),
        cmocka_unit_test(test_request_client_on_tcp_only_times_out),
        cmocka_unit_test(test_invite_server_repeats_refusal_until_h),
        cmocka_unit_test(test_invite_server_on_tcp_waits_for_ack_without_repeating),
        cmocka_unit_test(test_invite_server_says_trying_after_200_ms_once),
        cmocka_unit_test(test_answered_request_lingers_on_udp_only),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_timers_j_k_d_i_l_m_have_their_lengths),
        cmocka_unit_test(test_provisional_after_cancel_leaves_its_limit),
        cmocka_unit_test(test_random_histories_end_once_without_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
