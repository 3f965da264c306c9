/* The registration machine over simulated time: a small world plays the servers. */
#include "kit/kit.h"

#include "phone/line.h"
#include <stdio.h>

enum server_mood { ACCEPTS, CHALLENGES, DEAD, FORBIDS, MUTE };

struct world {
    struct phone_line line;
    struct kit_random seed;
    int64_t now_ms;
    enum server_mood mood[PHONE_NODE_MAX];
    bool token_is_bad;   /* until it is renewed */
    bool renewal_fails;  /* with invalid_grant */
    bool always_refuses; /* also fresh tokens */
    uint32_t granted_s, retry_after_s;
    bool is_new; /* the next 200 carries x-cisco-newreg */
    char told[8192];
    struct phone_line_event queue[16];
    size_t queue_n;
    unsigned refreshes, keepalives;
    enum phone_exit exit;
    bool over;
};

static void note(struct world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void note(struct world *w, const char *fmt, ...)
{
    va_list ap;
    size_t n = strlen(w->told);
    va_start(ap, fmt);
    vsnprintf(w->told + n, sizeof w->told - n, fmt, ap);
    va_end(ap);
}

static void push(struct world *w, struct phone_line_event e)
{
    assert_true(w->queue_n < sizeof w->queue / sizeof *w->queue);
    w->queue[w->queue_n++] = e;
}

static void answer_register(struct world *w, const struct phone_line_action *a)
{
    struct phone_line_event e = {.kind = PHONE_EV_ANSWERED, .node = a->node};
    bool token = a->credential == PHONE_CHALLENGE_BEARER;
    enum server_mood mood = w->mood[a->node];
    if (mood == MUTE) {
        e.kind = PHONE_EV_SILENT;
        e.problem = PHONE_EXIT_TIMEOUT;
    } else if (mood == FORBIDS) {
        e.answer = (struct phone_answer){.status = 403, .retry_after_s = w->retry_after_s};
        e.problem = PHONE_EXIT_FORBIDDEN;
    } else if (mood == CHALLENGES && (!token || w->token_is_bad || w->always_refuses)) {
        e.answer = (struct phone_answer){.status = 407, .challenge = PHONE_CHALLENGE_BEARER};
    } else {
        e.answer = (struct phone_answer){
            .status = 200, .granted_s = a->expires_s ? w->granted_s : 0, .is_new = w->is_new};
        w->is_new = false;
    }
    push(w, e);
}

static void perform(struct world *w, const struct phone_line_action *a)
{
    static const char *const kinds[] = {"open",  "close", "register", "keepalive", "leave",
                                        "renew", "is",    "wait",     "end"};
    struct phone_line_event e = {.node = a->node};
    note(w, "%s", kinds[a->kind]);
    if (a->node != PHONE_NO_NODE) note(w, "%d", a->node);
    switch (a->kind) {
    case PHONE_DO_OPEN:
        e.kind = w->mood[a->node] == DEAD ? PHONE_EV_CLOSED : PHONE_EV_OPENED;
        e.problem = PHONE_EXIT_UNREACHABLE;
        push(w, e);
        break;
    case PHONE_DO_REGISTER:
        note(w, "%s%s%s", a->full ? "f" : "", a->credential ? "t" : "", a->expires_s ? "" : "-");
        answer_register(w, a);
        break;
    case PHONE_DO_KEEPALIVE:
        w->keepalives++;
        e.kind = w->mood[a->node] == MUTE ? PHONE_EV_SILENT : PHONE_EV_KEPT;
        push(w, e);
        break;
    case PHONE_DO_RENEW:
        w->token_is_bad = false;
        e.kind = w->renewal_fails ? PHONE_EV_RENEW_FAILED : PHONE_EV_RENEWED;
        e.problem = PHONE_EXIT_SIGN_IN_AGAIN;
        push(w, e);
        break;
    case PHONE_DO_REGISTERED:
        if (!a->is_first) w->refreshes++;
        note(w, "%s", a->is_first ? "new" : "");
        break;
    case PHONE_DO_END:
        w->over = true;
        w->exit = a->exit;
        break;
    case PHONE_DO_CLOSE:
    case PHONE_DO_LEAVE:
    case PHONE_DO_WAIT: break;
    }
    note(w, " ");
}

static void feed(struct world *w, struct phone_line_event first)
{
    push(w, first);
    while (w->queue_n > 0) {
        struct phone_line_event e = w->queue[0];
        memmove(w->queue, w->queue + 1, --w->queue_n * sizeof *w->queue);
        phone_line_step(&w->line, &e, w->now_ms);
        struct phone_line_action actions[PHONE_LINE_ACTION_MAX];
        size_t count = w->line.action_count;
        memcpy(actions, w->line.actions, sizeof actions);
        for (size_t i = 0; i < count; i++)
            perform(w, &actions[i]);
    }
}

/* All that is due on the way happens at its own time. */
static void pass(struct world *w, int64_t ms)
{
    int64_t until = w->now_ms + ms, due;
    while ((due = phone_line_due_ms(&w->line)) >= 0 && due <= until) {
        if (due > w->now_ms) w->now_ms = due;
        feed(w, (struct phone_line_event){.kind = PHONE_EV_TIME});
    }
    w->now_ms = until;
}

static void world_init(struct world *w, size_t nodes)
{
    memset(w, 0, sizeof *w);
    struct phone_line_config c = {
        .node_count = nodes,
        .has_token = true,
        .register_s = 3600,
        .register_delta_s = 5,
        .keepalive_s = 120,
        .monitor_s = 120,
        .asks_standby = true,
        .random = kit_random(&w->seed, 7),
    };
    w->now_ms = 1000;
    w->granted_s = 120;
    phone_line_init(&w->line, &c);
}

static void start(struct world *w)
{
    feed(w, (struct phone_line_event){.kind = PHONE_EV_START});
}

#define assert_told(w, text)                                                                       \
    do {                                                                                           \
        assert_string_equal(text, (w)->told);                                                      \
        (w)->told[0] = '\0';                                                                       \
    } while (0)

/* ---- the ordinary day ---- */

static void test_first_without_credentials_then_with_the_token(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    w.mood[0] = CHALLENGES;
    start(&w);
    assert_told(&w, "open0 register0f register0ft is0new ");
    assert_int_equal(PHONE_LINE_REGISTERED, w.line.state);
}

static void test_refreshes_at_115_of_120_seconds(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    start(&w);
    w.told[0] = '\0';
    pass(&w, 114999);
    assert_told(&w, "");
    pass(&w, 1);
    assert_told(&w, "register0 is0 ");
    pass(&w, 24 * 3600 * 1000);
    assert_int_equal(1 + 24 * 3600 / 115, w.refreshes);
}

static void test_short_grants_are_refreshed_at_half(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    w.granted_s = 8;
    start(&w);
    w.told[0] = '\0';
    pass(&w, 3999);
    assert_told(&w, "");
    pass(&w, 1);
    assert_told(&w, "register0 is0 ");
}

static void test_challenged_refresh_makes_the_next_carry_its_token(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    w.mood[0] = CHALLENGES;
    start(&w);
    w.told[0] = '\0';
    pass(&w, 115000);
    assert_told(&w, "register0 register0t is0 ");
    pass(&w, 115000);
    assert_told(&w, "register0t is0 ");
}

static void test_renewed_token_goes_with_the_next_refresh(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    start(&w);
    w.told[0] = '\0';
    feed(&w, (struct phone_line_event){.kind = PHONE_EV_RENEWED});
    pass(&w, 230000);
    assert_told(&w, "register0t is0 register0 is0 ");
}

static void test_newreg_on_a_refresh_registers_all_again(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    w.is_new = true;
    start(&w);
    assert_told(&w, "open0 register0f is0new ");
    w.is_new = true;
    pass(&w, 115000);
    assert_told(&w, "register0 is0 register0f is0 ");
}

static void test_stop_unregisters(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    start(&w);
    w.told[0] = '\0';
    feed(&w, (struct phone_line_event){.kind = PHONE_EV_STOP});
    assert_told(&w, "register0- end ");
    assert_int_equal(PHONE_EXIT_OK, w.exit);
}

static void test_stop_waits_three_seconds_for_a_silent_server(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    start(&w);
    struct phone_line_event stop = {.kind = PHONE_EV_STOP};
    phone_line_step(&w.line, &stop, w.now_ms);
    assert_int_equal(w.now_ms + 3000, phone_line_due_ms(&w.line));
    pass(&w, 3000);
    assert_true(w.over);
    assert_int_equal(PHONE_EXIT_OK, w.exit);
}

/* ---- tokens ---- */

static void test_refused_token_is_renewed_once(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    w.mood[0] = CHALLENGES;
    w.token_is_bad = true;
    start(&w);
    assert_told(&w, "open0 register0f register0ft renew0 register0ft is0new ");
}

static void test_fresh_token_refused_ends(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    w.mood[0] = CHALLENGES;
    w.always_refuses = true;
    start(&w);
    assert_told(&w, "open0 register0f register0ft renew0 register0ft close0 end ");
    assert_int_equal(PHONE_EXIT_TOKEN_REFUSED, w.exit);
}

static void test_refused_refresh_token_ends(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    w.mood[0] = CHALLENGES;
    w.token_is_bad = w.renewal_fails = true;
    start(&w);
    assert_int_equal(PHONE_EXIT_SIGN_IN_AGAIN, w.exit);
    world_init(&w, 1);
    start(&w);
    struct phone_line_event e = {.kind = PHONE_EV_RENEW_FAILED, .problem = PHONE_EXIT_UNREACHABLE};
    feed(&w, e);
    assert_false(w.over); /* a server that cannot be reached is no reason */
    e.problem = PHONE_EXIT_SIGN_IN_AGAIN;
    feed(&w, e);
    assert_true(w.over);
}

static void test_bearer_challenge_without_a_token(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    w.line.config.has_token = false;
    w.mood[0] = CHALLENGES;
    start(&w);
    assert_int_equal(PHONE_EXIT_NOT_SIGNED_IN, w.exit);
}

static void digest_answer(struct world *w, bool stale)
{
    struct phone_line_event e = {
        .kind = PHONE_EV_ANSWERED,
        .answer = {.status = 401, .challenge = PHONE_CHALLENGE_DIGEST, .stale = stale},
        .problem = PHONE_EXIT_SIP_PASSWORD};
    phone_line_step(&w->line, &e, w->now_ms);
}

static void test_digest_password_is_tried_once_and_stale_nonces_again(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    w.line.config.has_password = true;
    struct phone_line_event e = {.kind = PHONE_EV_START};
    phone_line_step(&w.line, &e, w.now_ms);
    e.kind = PHONE_EV_OPENED;
    phone_line_step(&w.line, &e, w.now_ms);
    digest_answer(&w, false);
    assert_int_equal(PHONE_DO_REGISTER, w.line.actions[0].kind);
    assert_int_equal(PHONE_CHALLENGE_DIGEST, w.line.actions[0].credential);
    digest_answer(&w, true);
    assert_int_equal(PHONE_DO_REGISTER, w.line.actions[0].kind);
    digest_answer(&w, false);
    assert_int_equal(PHONE_LINE_ENDED, w.line.state);
    assert_int_equal(PHONE_EXIT_SIP_PASSWORD, w.line.actions[w.line.action_count - 1].exit);
}

static void test_endless_stale_nonces_end(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    w.line.config.has_password = true;
    struct phone_line_event e = {.kind = PHONE_EV_START};
    phone_line_step(&w.line, &e, w.now_ms);
    e.kind = PHONE_EV_OPENED;
    phone_line_step(&w.line, &e, w.now_ms);
    unsigned sent = 1;
    do {
        digest_answer(&w, true);
        sent++;
    } while (w.line.actions[0].kind == PHONE_DO_REGISTER && sent < 100);
    assert_in_range(sent, 4, 8);
}

static void test_interval_too_brief_asks_for_more_once(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    struct phone_line_event e = {.kind = PHONE_EV_START};
    phone_line_step(&w.line, &e, w.now_ms);
    e.kind = PHONE_EV_OPENED;
    phone_line_step(&w.line, &e, w.now_ms);
    e = (struct phone_line_event){.kind = PHONE_EV_ANSWERED,
                                  .answer = {.status = 423, .min_expires_s = 7200}};
    phone_line_step(&w.line, &e, w.now_ms);
    assert_int_equal(7200, w.line.actions[0].expires_s);
    phone_line_step(&w.line, &e, w.now_ms);
    assert_int_equal(PHONE_DO_CLOSE, w.line.actions[0].kind);
}

/* ---- nobody there ---- */

static void test_backoff_doubles_between_half_and_whole(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    w.mood[0] = DEAD;
    start(&w);
    int64_t base_ms = 10000;
    for (int i = 0; i < 12; i++) {
        int64_t wait_ms = phone_line_due_ms(&w.line) - w.now_ms;
        int64_t most_ms = base_ms << i < 300000 ? base_ms << i : 300000;
        assert_in_range(wait_ms, most_ms / 2, most_ms);
        pass(&w, wait_ms);
    }
    w.mood[0] = ACCEPTS;
    pass(&w, 300000);
    assert_int_equal(PHONE_LINE_REGISTERED, w.line.state);
    assert_int_equal(0, w.line.rounds);
}

static void test_retry_after_is_honoured(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    w.line.config.keep_trying = true;
    w.mood[0] = FORBIDS;
    w.retry_after_s = 35;
    start(&w);
    assert_in_range(phone_line_due_ms(&w.line) - w.now_ms, 35000, 35000);
    w.mood[0] = ACCEPTS;
    pass(&w, 35000);
    assert_int_equal(PHONE_LINE_REGISTERED, w.line.state);
}

static void test_lasting_refusals_end_unless_told_to_keep_trying(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 2);
    w.mood[0] = w.mood[1] = FORBIDS;
    start(&w);
    assert_told(&w, "open0 register0f close0 open1 register1f close1 end ");
    assert_int_equal(PHONE_EXIT_FORBIDDEN, w.exit);
    world_init(&w, 2);
    w.mood[0] = FORBIDS;
    w.mood[1] = DEAD; /* there is hope */
    start(&w);
    assert_false(w.over);
}

static void test_giving_up_ends_after_one_round(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 2);
    w.line.config.give_up = true;
    w.mood[0] = w.mood[1] = DEAD;
    start(&w);
    assert_told(&w, "open0 open1 end ");
    assert_int_equal(PHONE_EXIT_UNREACHABLE, w.exit);
}

/* ---- several nodes ---- */

static void test_standby_is_asked_every_two_minutes(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 3);
    start(&w);
    pass(&w, 0);
    assert_told(&w, "open0 register0f is0new open1 keepalive1 ");
    pass(&w, 3600 * 1000);
    assert_int_equal(1 + 30, w.keepalives);
    assert_int_equal(0, w.line.active);
}

static void lose(struct world *w, int node)
{
    feed(w, (struct phone_line_event){
                .kind = PHONE_EV_CLOSED, .node = node, .problem = PHONE_EXIT_CLOSED});
}

static void test_lost_node_fails_over_to_the_open_standby_and_falls_back(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 2);
    start(&w);
    pass(&w, 1000);
    w.told[0] = '\0';
    w.mood[0] = DEAD;
    lose(&w, 0);
    assert_int_equal(PHONE_LINE_IN_FAILOVER, w.line.state);
    pass(&w, 2000);
    assert_told(&w, "register1f is1new open0 "); /* a moment later, for all do so */
    assert_int_equal(1, w.line.active);
    w.mood[0] = ACCEPTS;
    pass(&w, 118 * 1000); /* one refresh there, and the preferred one is asked again */
    w.told[0] = '\0';
    pass(&w, 3000);
    assert_non_null(strstr(w.told, "open0 keepalive0 "));
    w.told[0] = '\0';
    pass(&w, 130 * 1000);
    assert_non_null(strstr(w.told, "register0f leave1 is0new "));
    assert_int_equal(0, w.line.active);
    assert_int_equal(PHONE_LINE_REGISTERED, w.line.state);
}

static void test_failed_way_back_stays(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 2);
    w.mood[0] = DEAD;
    start(&w);
    assert_int_equal(1, w.line.active);
    w.mood[0] = FORBIDS; /* alive, but refuses */
    w.told[0] = '\0';
    pass(&w, 3600 * 1000);
    assert_int_equal(1, w.line.active);
    assert_int_equal(PHONE_LINE_REGISTERED, w.line.state);
    assert_null(strstr(w.told, "leave"));
    assert_in_range(w.refreshes, 3600 / 115 - 1, 3600 / 115 + 1);
}

static void test_lost_single_node_is_tried_again_soon(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    start(&w);
    w.told[0] = '\0';
    lose(&w, 0);
    assert_in_range(phone_line_due_ms(&w.line) - w.now_ms, 200, 2000);
    pass(&w, 2000);
    assert_told(&w, "open0 register0f is0new ");
}

static void test_silent_refresh_fails_over(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 2);
    start(&w);
    pass(&w, 10000);
    w.mood[0] = MUTE;
    w.told[0] = '\0';
    pass(&w, 108000);
    assert_non_null(strstr(w.told, "register0 close0 register1f is1new "));
}

static void test_forbidden_refresh_is_explained_and_ends(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    start(&w);
    w.mood[0] = FORBIDS;
    w.retry_after_s = 35;
    pass(&w, 120000);
    assert_true(w.over);
    assert_int_equal(PHONE_EXIT_FORBIDDEN, w.exit);
}

static void test_certificate_trouble_after_a_registration_is_waited_out(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    start(&w);
    lose(&w, 0);
    w.line.nodes[0].problem = PHONE_EXIT_CERT_EXPIRED;
    struct phone_line_event e = {.kind = PHONE_EV_TIME};
    w.now_ms += 2000;
    phone_line_step(&w.line, &e, w.now_ms);
    e = (struct phone_line_event){.kind = PHONE_EV_CLOSED, .problem = PHONE_EXIT_CERT_EXPIRED};
    phone_line_step(&w.line, &e, w.now_ms);
    assert_int_equal(PHONE_LINE_NO_CC, w.line.state);
}

static void test_released_registers_again_and_hears_why(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    w.mood[0] = CHALLENGES;
    start(&w);
    w.told[0] = '\0';
    w.token_is_bad = w.renewal_fails = true;
    feed(&w, (struct phone_line_event){.kind = PHONE_EV_RELEASED});
    pass(&w, 3000);
    assert_told(&w, "close0 open0 register0f register0ft renew0 end ");
    assert_int_equal(PHONE_EXIT_SIGN_IN_AGAIN, w.exit);
}

static void test_a_hundred_days_of_failing_servers(void **state)
{
    (void)state;
    struct world w;
    struct kit_random r;
    struct random_source random = kit_random(&r, 99);
    world_init(&w, 3);
    start(&w);
    for (int i = 0; i < 100 * 24; i++) {
        size_t node = random_below(&random, 3);
        w.mood[node] = (enum server_mood)random_below(&random, 5);
        if (w.mood[node] == DEAD && w.line.nodes[node].conn != PHONE_CONN_NONE) lose(&w, (int)node);
        w.told[0] = '\0';
        pass(&w, 3600 * 1000);
        if (w.over) { /* all three forbade: a person had to look */
            assert_int_equal(PHONE_EXIT_FORBIDDEN, w.exit);
            struct phone_line_config c = w.line.config;
            phone_line_init(&w.line, &c);
            w.over = false;
            memset(w.mood, 0, sizeof w.mood);
            start(&w);
        }
    }
    memset(w.mood, 0, sizeof w.mood);
    pass(&w, 2 * 3600 * 1000);
    assert_int_equal(PHONE_LINE_REGISTERED, w.line.state);
    assert_int_equal(0, w.line.active);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_without_credentials_then_with_the_token),
        cmocka_unit_test(test_refreshes_at_115_of_120_seconds),
        cmocka_unit_test(test_short_grants_are_refreshed_at_half),
        cmocka_unit_test(test_challenged_refresh_makes_the_next_carry_its_token),
        cmocka_unit_test(test_renewed_token_goes_with_the_next_refresh),
        cmocka_unit_test(test_newreg_on_a_refresh_registers_all_again),
        cmocka_unit_test(test_stop_unregisters),
        cmocka_unit_test(test_stop_waits_three_seconds_for_a_silent_server),
        cmocka_unit_test(test_refused_token_is_renewed_once),
        cmocka_unit_test(test_fresh_token_refused_ends),
        cmocka_unit_test(test_refused_refresh_token_ends),
        cmocka_unit_test(test_bearer_challenge_without_a_token),
        cmocka_unit_test(test_digest_password_is_tried_once_and_stale_nonces_again),
        cmocka_unit_test(test_endless_stale_nonces_end),
        cmocka_unit_test(test_interval_too_brief_asks_for_more_once),
        cmocka_unit_test(test_backoff_doubles_between_half_and_whole),
        cmocka_unit_test(test_retry_after_is_honoured),
        cmocka_unit_test(test_lasting_refusals_end_unless_told_to_keep_trying),
        cmocka_unit_test(test_giving_up_ends_after_one_round),
        cmocka_unit_test(test_standby_is_asked_every_two_minutes),
        cmocka_unit_test(test_lost_node_fails_over_to_the_open_standby_and_falls_back),
        cmocka_unit_test(test_failed_way_back_stays),
        cmocka_unit_test(test_lost_single_node_is_tried_again_soon),
        cmocka_unit_test(test_silent_refresh_fails_over),
        cmocka_unit_test(test_forbidden_refresh_is_explained_and_ends),
        cmocka_unit_test(test_certificate_trouble_after_a_registration_is_waited_out),
        cmocka_unit_test(test_released_registers_again_and_hears_why),
        cmocka_unit_test(test_a_hundred_days_of_failing_servers),
    };
    return cmocka_run_group_tests_name("phone/line", tests, NULL, NULL);
}
