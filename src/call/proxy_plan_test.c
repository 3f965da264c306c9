/* Calls that follow the dial plan: forwards, do not disturb, busy triggers, patterns, hunt groups. */
#include "kit/kit.h"

#include "call/fixture.h"
#include "directory/dialplan.h"

#define SDP                                                                                        \
    "v=0\r\no=- 1 1 IN IP4 10.10.10.10\r\ns=-\r\nc=IN IP4 10.10.10.10\r\nt=0 0\r\n"                \
    "m=audio 4000 RTP/SAVP 0\r\n"                                                                  \
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "                                                          \
    "inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR\r\n"

static const struct store_by admin = {.who = STR_INIT("admin"), .from = STR_INIT("test")};

static struct fixture *x;
static struct phone *a, *b, *c, *d; /* 1020 calls; 1030, 1040 and 1050 are called */

static int setup(void **state)
{
    (void)state;
    x = fixture_new();
    a = fixture_phone(x, "PHA", "eve", "1020", 0);
    b = fixture_phone(x, "PHB", "ann", "1030", 1);
    c = fixture_phone(x, "PHC", "bob", "1040", 0);
    d = fixture_phone(x, "PHD", "dan", "1050", 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_quiet(a);
    fixture_quiet(b);
    fixture_quiet(c);
    fixture_quiet(d);
    fixture_free(x);
    return 0;
}

/* ---- settings, made while everything runs ---- */

static void set_line(const struct store_line *l)
{
    struct store_why why = {""};
    assert_rc(RC_OK, store_line_put(x->b->store, &admin, STORE_PUT, l, &why));
}

static void set_dnd(const char *name, bool dnd)
{
    struct store_why why = {""};
    struct arena arena;
    struct store_device dev;
    arena_init(&arena, NULL, 0, 1 << 20);
    assert_rc(RC_OK, store_device_get(x->b->store, str_from(name), &arena, &dev, &why));
    dev.dnd = dnd;
    assert_rc(RC_OK, store_device_put(x->b->store, &admin, STORE_UPDATE, &dev, &why));
    arena_fini(&arena);
}

static void set_pattern(const char *pattern, const char *line, const char *group, bool blocked)
{
    struct store_why why = {""};
    struct store_route_pattern r = {.pattern = str_from(pattern),
                                    .line = str_from(line),
                                    .hunt_group = str_from(group),
                                    .blocked = blocked};
    assert_rc(RC_OK, store_route_pattern_put(x->b->store, &admin, STORE_PUT, &r, &why));
}

static void set_group(enum store_hunt algorithm, const char *forward)
{
    struct store_why why = {""};
    struct str members[] = {STR("1030"), STR("1040"), STR("1050")};
    struct store_hunt_group g = {.number = STR("2000"),
                                 .display = STR("Sales"),
                                 .algorithm = algorithm,
                                 .ring_s = 10,
                                 .forward_no_answer = str_from(forward),
                                 .members = members,
                                 .member_count = 3};
    assert_rc(RC_OK, store_hunt_group_put(x->b->store, &admin, STORE_PUT, &g, &why));
}

/* ---- what phones do ---- */

static const char *call(const char *number)
{
    const char *invite = fixture_invite(a, number, NULL, SDP);
    fixture_expect(a, "SIP/2.0 100");
    return invite;
}

static const char *rings(struct phone *p)
{
    const char *invite = fixture_expect(p, "INVITE ");
    fixture_answer(p, invite, 180, p->device, NULL, NULL);
    fixture_expect(a, "SIP/2.0 180");
    return invite;
}

static void refuses(struct phone *p, const char *invite, unsigned status, const char *more)
{
    fixture_answer(p, invite, status, p->device, more, NULL);
    fixture_expect(p, "ACK ");
}

static void is_cancelled(struct phone *p, const char *invite)
{
    fixture_answer(p, fixture_expect(p, "CANCEL "), 200, NULL, NULL, NULL);
    refuses(p, invite, 487, NULL);
}

static void hears(const char *invite, const char *status)
{
    fixture_ack_refusal(a, invite, fixture_expect(a, status));
}

/* p answers, then the caller hangs up. */
static void answers(struct phone *p, const char *invite, const char *offered)
{
    fixture_answer(p, offered, 200, p->device, NULL, SDP);
    const char *answer = fixture_expect(a, "SIP/2.0 200");
    fixture_in_dialog(a, "ACK", invite, answer, false, NULL, NULL);
    fixture_expect(p, "ACK ");
    fixture_in_dialog(a, "BYE", invite, answer, false, NULL, NULL);
    fixture_answer(p, fixture_expect(p, "BYE "), 200, NULL, NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
}

static void ended(const char *to, const char *device, unsigned status)
{
    assert_int_equal(1, x->ended_count);
    assert_string_equal(to, x->ended[0].to);
    assert_string_equal(device, x->ended[0].to_device);
    assert_int_equal(status, x->ended[0].status);
    assert_int_equal(0, call_node_call_count(x->b->node));
}

/* ---- numbers ---- */

static void test_a_pattern_leads_to_a_line(void **state)
{
    (void)state;
    set_pattern("77XX", "1040", "", false);
    set_pattern("7799", "", "", true);
    const char *invite = call("7712");
    const char *got = rings(c);
    assert_string_equal("", fixture_header(got, "Diversion", 0));
    answers(c, invite, got);
    ended("1040", "PHC", 200);
    invite = fixture_invite(a, "7799", NULL, SDP);
    hears(invite, "SIP/2.0 403");
    invite = fixture_invite(a, "78", NULL, SDP);
    hears(invite, "SIP/2.0 404");
    fixture_request(a, "MESSAGE", "7712", NULL, NULL);
    fixture_answer(c, fixture_expect(c, "MESSAGE "), 200, "m", NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
}

/* ---- forward all ---- */

static void test_forward_all_rings_elsewhere_at_once(void **state)
{
    (void)state;
    set_line(&(struct store_line){.pattern = STR("1030"), .forward_all = STR("1050")});
    set_line(&(struct store_line){.pattern = STR("1050"), .forward_all = STR("1040")});
    const char *invite = call("1030");
    const char *got = rings(c);
    assert_string_equal("<sip:1050@10.10.10.1>;reason=unconditional;counter=1",
                        fixture_header(got, "Diversion", 0));
    assert_string_equal("<sip:1030@10.10.10.1>;reason=unconditional;counter=1",
                        fixture_header(got, "Diversion", 1));
    assert_string_equal("<sip:1020@10.10.10.1>", fixture_header(got, "P-Asserted-Identity", 0));
    assert_true(fixture_has(fixture_header(got, "To", 0), "1030"));
    answers(c, invite, got);
    ended("1040", "PHC", 200);
    /* A message is for the line itself. */
    fixture_request(a, "MESSAGE", "1030", NULL, NULL);
    fixture_answer(b, fixture_expect(b, "MESSAGE "), 200, "m", NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
}

static void test_a_circle_of_forwards_ends(void **state)
{
    (void)state;
    set_pattern("88", "1030", "", false);
    set_line(&(struct store_line){.pattern = STR("1030"), .forward_all = STR("88")});
    const char *invite = fixture_invite(a, "1030", NULL, SDP);
    const char *end = fixture_expect(a, "SIP/2.0 482");
    assert_true(fixture_has(end, "More forwards than allowed"));
    fixture_ack_refusal(a, invite, end);
    ended("1030", "", 482);
}

static void test_a_circle_of_busy_lines_is_busy(void **state)
{
    (void)state;
    bed_param(x->b, "ForwardMaximumHopCount", "3");
    set_line(&(struct store_line){.pattern = STR("1030"), .forward_busy = STR("1040")});
    set_line(&(struct store_line){.pattern = STR("1040"), .forward_busy = STR("1030")});
    const char *invite = call("1030");
    for (int i = 0; i < 2; i++) {
        refuses(b, fixture_expect(b, "INVITE "), 486, NULL);
        refuses(c, fixture_expect(c, "INVITE "), 486, NULL);
    }
    hears(invite, "SIP/2.0 486");
}

/* ---- busy ---- */

static void test_a_busy_line_forwards(void **state)
{
    (void)state;
    static const unsigned busy[] = {486, 600};
    set_line(&(struct store_line){.pattern = STR("1030"), .forward_busy = STR("1040")});
    for (size_t i = 0; i < 2; i++) {
        const char *invite = call("1030");
        refuses(b, fixture_expect(b, "INVITE "), busy[i], NULL);
        const char *got = rings(c);
        assert_true(
            fixture_has(fixture_header(got, "Diversion", 0), "1030@10.10.10.1>;reason=user-busy"));
        answers(c, invite, got);
    }
}

static void test_a_declined_call_is_not_forwarded(void **state)
{
    (void)state;
    set_line(&(struct store_line){
        .pattern = STR("1030"), .forward_busy = STR("1040"), .forward_no_answer = STR("1040")});
    const char *invite = call("1030");
    refuses(b, fixture_expect(b, "INVITE "), 603, NULL);
    hears(invite, "SIP/2.0 603");
    ended("1030", "", 603);
}

static void test_one_busy_phone_of_two_is_no_busy_line(void **state)
{
    (void)state;
    struct phone *e = fixture_phone(x, "PHE", "ann", "1030", 0);
    set_line(&(struct store_line){.pattern = STR("1030"),
                                  .forward_busy = STR("1040"),
                                  .forward_no_answer = STR("1050"),
                                  .ring_s = 5});
    const char *invite = call("1030");
    const char *at_e = rings(e);
    refuses(b, fixture_expect(b, "INVITE "), 486, NULL);
    fixture_quiet(c);
    fixture_pass(x, 6000);
    is_cancelled(e, at_e);
    const char *got = rings(d);
    assert_true(fixture_has(fixture_header(got, "Diversion", 0), "reason=no-answer"));
    answers(d, invite, got);
    ended("1050", "PHD", 200);
}

static void test_calls_beyond_the_busy_trigger_find_it_busy(void **state)
{
    (void)state;
    set_line(&(struct store_line){.pattern = STR("1030"), .busy_trigger = 1});
    const char *first = fixture_invite(c, "1030", NULL, SDP);
    fixture_expect(c, "SIP/2.0 100");
    const char *at_b = fixture_expect(b, "INVITE ");
    const char *invite = call("1030"); /* it rings already */
    hears(invite, "SIP/2.0 486");
    fixture_answer(b, at_b, 200, "b", NULL, SDP);
    const char *answer = fixture_expect(c, "SIP/2.0 200");
    fixture_in_dialog(c, "ACK", first, answer, false, NULL, NULL);
    fixture_expect(b, "ACK ");
    set_line(&(struct store_line){
        .pattern = STR("1030"), .busy_trigger = 1, .forward_busy = STR("1050")});
    invite = call("1030"); /* it speaks */
    answers(d, invite, rings(d));
    fixture_in_dialog(c, "BYE", first, answer, false, NULL, NULL);
    fixture_answer(b, fixture_expect(b, "BYE "), 200, NULL, NULL, NULL);
    fixture_expect(c, "SIP/2.0 200");
    invite = call("1030"); /* it is free */
    answers(b, invite, rings(b));
}

/* ---- do not disturb ---- */

static void test_nobody_is_disturbed_who_does_not_want_to_be(void **state)
{
    (void)state;
    set_dnd("PHB", true);
    const char *invite = call("1030");
    const char *end = fixture_expect(a, "SIP/2.0 486");
    assert_true(fixture_has(fixture_header(end, "Warning", 0), "Do not disturb"));
    fixture_ack_refusal(a, invite, end);
    set_line(&(struct store_line){.pattern = STR("1030"), .forward_busy = STR("1040")});
    invite = call("1030");
    const char *got = rings(c);
    assert_true(fixture_has(fixture_header(got, "Diversion", 0), "reason=do-not-disturb"));
    answers(c, invite, got);
    struct phone *e = fixture_phone(x, "PHE", "ann", "1030", 0); /* another phone of the line */
    invite = call("1030");
    answers(e, invite, rings(e));
    set_dnd("PHB", false);
    invite = call("1030");
    got = rings(b);
    refuses(e, fixture_expect(e, "INVITE "), 486, NULL);
    answers(b, invite, got);
}

/* ---- no answer ---- */

static void test_nobody_answers_and_the_call_goes_on(void **state)
{
    (void)state;
    set_line(&(struct store_line){
        .pattern = STR("1030"), .forward_no_answer = STR("1040"), .ring_s = 20});
    const char *invite = call("1030");
    const char *at_b = rings(b);
    fixture_pass(x, 19000);
    fixture_quiet(b);
    fixture_quiet(c);
    fixture_pass(x, 1500);
    const char *cancel = fixture_expect(b, "CANCEL ");
    const char *at_c = rings(c); /* it does not wait for the other's 487 */
    fixture_answer(b, cancel, 200, NULL, NULL, NULL);
    refuses(b, at_b, 487, NULL);
    assert_true(
        fixture_has(fixture_header(at_c, "Diversion", 0), "1030@10.10.10.1>;reason=no-answer"));
    answers(c, invite, at_c);
    ended("1040", "PHC", 200);
    assert_string_equal("1020", x->ended[0].from);
}

static void test_an_answer_that_crosses_the_cancel_counts(void **state)
{
    (void)state;
    set_line(&(struct store_line){
        .pattern = STR("1030"), .forward_no_answer = STR("1040"), .ring_s = 5});
    const char *invite = call("1030");
    const char *at_b = rings(b);
    fixture_pass(x, 6000);
    fixture_answer(b, fixture_expect(b, "CANCEL "), 200, NULL, NULL, NULL);
    const char *at_c = rings(c);
    fixture_answer(b, at_b, 200, "b", NULL, SDP);
    const char *answer = fixture_expect(a, "SIP/2.0 200");
    is_cancelled(c, at_c);
    fixture_in_dialog(a, "ACK", invite, answer, false, NULL, NULL);
    fixture_expect(b, "ACK ");
    fixture_in_dialog(a, "BYE", invite, answer, false, NULL, NULL);
    fixture_answer(b, fixture_expect(b, "BYE "), 200, NULL, NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
    ended("1030", "PHB", 200);
}

static void test_a_line_without_phones_forwards_at_once(void **state)
{
    (void)state;
    set_line(&(struct store_line){.pattern = STR("1060"), .forward_no_answer = STR("1040")});
    const char *invite = call("1060");
    const char *got = rings(c);
    assert_true(fixture_has(fixture_header(got, "Diversion", 0), "reason=unavailable"));
    answers(c, invite, got);
    set_line(&(struct store_line){.pattern = STR("1060"), .forward_no_answer = STR("9999")});
    invite = call("1060"); /* a forward that leads nowhere is none */
    hears(invite, "SIP/2.0 480");
}

static void test_the_caller_gives_up_while_it_is_forwarded(void **state)
{
    (void)state;
    set_line(&(struct store_line){
        .pattern = STR("1030"), .forward_no_answer = STR("1040"), .ring_s = 5});
    const char *invite = call("1030");
    const char *at_b = rings(b);
    fixture_pass(x, 6000);
    const char *at_c = rings(c);
    fixture_cancel(a, invite);
    fixture_expect(a, "SIP/2.0 200");
    is_cancelled(c, at_c);
    hears(invite, "SIP/2.0 487");
    is_cancelled(b, at_b);
    ended("1030", "", 487);
    fixture_pass(x, 60000);
}

static void test_the_caller_gives_up_before_it_is_forwarded(void **state)
{
    (void)state;
    set_line(&(struct store_line){
        .pattern = STR("1030"), .forward_no_answer = STR("1040"), .ring_s = 5});
    const char *invite = call("1030");
    const char *at_b = rings(b);
    fixture_cancel(a, invite);
    fixture_expect(a, "SIP/2.0 200");
    is_cancelled(b, at_b);
    hears(invite, "SIP/2.0 487");
    fixture_pass(x, 10000);
}

/* ---- deflection ---- */

static void test_a_phone_deflects_to_a_number_of_ours(void **state)
{
    (void)state;
    const char *invite = call("1030");
    refuses(b, fixture_expect(b, "INVITE "), 302,
            "Contact: <sip:1040@elsewhere.example>, <sip:1050@10.10.10.1>\r\n");
    const char *got = rings(d);
    assert_true(
        fixture_has(fixture_header(got, "Diversion", 0), "1030@10.10.10.1>;reason=deflection"));
    answers(d, invite, got);
    ended("1050", "PHD", 200);
    invite = call("1030"); /* "use this proxy" is no deflection */
    refuses(b, fixture_expect(b, "INVITE "), 305, "Contact: <sip:1050@10.10.10.1>\r\n");
    hears(invite, "SIP/2.0 305");
    invite = call("1030"); /* to a stranger's number: the caller may decide */
    refuses(b, fixture_expect(b, "INVITE "), 302, "Contact: <sip:1040@elsewhere.example>\r\n");
    hears(invite, "SIP/2.0 302");
}

/* ---- hunt groups ---- */

static void test_all_members_ring_together(void **state)
{
    (void)state;
    set_group(STORE_HUNT_PARALLEL, "");
    set_line(&(struct store_line){.pattern = STR("1030"), .forward_all = STR("1020")});
    const char *invite = call("2000");
    const char *at_b = rings(b), *at_c = rings(c), *at_d = rings(d);
    assert_true(fixture_has(fixture_header(at_b, "P-Asserted-Identity", 0), "\"Sales"));
    refuses(b, at_b, 603, NULL); /* he alone does not want it */
    fixture_quiet(a);
    fixture_answer(c, at_c, 200, "c", NULL, SDP);
    const char *answer = fixture_expect(a, "SIP/2.0 200");
    is_cancelled(d, at_d);
    fixture_in_dialog(a, "ACK", invite, answer, false, NULL, NULL);
    fixture_expect(c, "ACK ");
    fixture_in_dialog(a, "BYE", invite, answer, false, NULL, NULL);
    fixture_answer(c, fixture_expect(c, "BYE "), 200, NULL, NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
    ended("1040", "PHC", 200);
}

/* It rang for long enough, the caller has heard so: whoever takes the phone up just then is hung up
 * on, not left with a call that nobody else has. */
static void test_an_answer_after_the_end_of_the_plan_is_hung_up_on(void **state)
{
    (void)state;
    set_group(STORE_HUNT_PARALLEL, "");
    const char *invite = call("2000");
    const char *at_b = rings(b), *at_c = rings(c), *at_d = rings(d);
    fixture_pass(x, 10500);
    hears(invite, "SIP/2.0 480");
    is_cancelled(c, at_c);
    is_cancelled(d, at_d);
    fixture_answer(b, fixture_expect(b, "CANCEL "), 200, NULL, NULL, NULL);
    fixture_answer(b, at_b, 200, "b", NULL, SDP);
    fixture_expect(b, "ACK ");
    const char *bye = fixture_expect(b, "BYE ");
    assert_true(fixture_has(fixture_header(bye, "To", 0), ";tag=b"));
    assert_true(fixture_has(fixture_header(bye, "Reason", 0), "cause=480"));
    fixture_answer(b, bye, 200, NULL, NULL, NULL);
    fixture_quiet(a);
    fixture_answer(b, at_b, 200, "b", NULL, SDP); /* the ACK was lost */
    fixture_expect(b, "ACK ");
    fixture_quiet(b);
    ended("2000", "", 480);
}

static void test_members_ring_one_after_the_other(void **state)
{
    (void)state;
    set_group(STORE_HUNT_SEQUENTIAL, "1020");
    set_group(STORE_HUNT_SEQUENTIAL, "");
    set_dnd("PHC", true);
    const char *invite = call("2000");
    const char *at_b = rings(b);
    fixture_pass(x, 10500);
    is_cancelled(b, at_b);
    const char *at_d = rings(d); /* 1040 does not want to be disturbed */
    refuses(d, at_d, 603, NULL);
    hears(invite, "SIP/2.0 480");
    ended("2000", "", 480);
}

static void test_a_group_that_nobody_answers_forwards(void **state)
{
    (void)state;
    static const enum store_hunt kinds[] = {STORE_HUNT_PARALLEL, STORE_HUNT_SEQUENTIAL};
    set_line(&(struct store_line){.pattern = STR("1060"), .forward_all = STR("1050")});
    for (size_t i = 0; i < 2; i++) {
        set_group(kinds[i], "1060");
        set_dnd("PHD", true);
        const char *invite = call("2000");
        const char *at_b = rings(b), *at_c = i == 0 ? rings(c) : NULL;
        set_dnd("PHD", false);
        fixture_pass(x, 10500);
        is_cancelled(b, at_b);
        if (at_c) is_cancelled(c, at_c);
        if (i == 1) refuses(c, fixture_expect(c, "INVITE "), 486, NULL);
        if (i == 1) refuses(d, fixture_expect(d, "INVITE "), 486, NULL);
        const char *got = rings(d);
        assert_true(
            fixture_has(fixture_header(got, "Diversion", 1), "2000@10.10.10.1>;reason=no-answer"));
        answers(d, invite, got);
    }
}

static void test_a_group_of_busy_members_is_busy(void **state)
{
    (void)state;
    static const enum store_hunt kinds[] = {STORE_HUNT_PARALLEL, STORE_HUNT_SEQUENTIAL,
                                            STORE_HUNT_LONGEST_IDLE};
    set_dnd("PHB", true);
    set_dnd("PHD", true);
    for (size_t i = 0; i < 3; i++) {
        set_group(kinds[i], "");
        const char *invite = call("2000");
        refuses(c, fixture_expect(c, "INVITE "), 486, NULL);
        hears(invite, "SIP/2.0 486");
    }
    fixture_request(a, "MESSAGE", "2000", NULL, NULL);
    fixture_expect(a, "SIP/2.0 480");
}

static void test_who_has_been_idle_longest_rings_first(void **state)
{
    (void)state;
    set_group(STORE_HUNT_LONGEST_IDLE, "");
    struct phone *const order[] = {b, c, d, b, c};
    for (size_t i = 0; i < 5; i++) {
        const char *invite = call("2000");
        answers(order[i], invite, rings(order[i]));
        fixture_pass(x, 1000);
    }
    const char *invite = call("1050"); /* a call of his own counts as well */
    answers(d, invite, rings(d));
    invite = call("2000");
    const char *at_b = rings(b);
    refuses(b, at_b, 486, NULL);
    answers(c, invite, rings(c));
}

/* More members than places for targets: who has refused gives his to the next. */
static void test_a_long_sequence_uses_its_places_again(void **state)
{
    (void)state;
    set_line(&(struct store_line){.pattern = STR("1030"), .forward_busy = STR("1040")});
    set_line(&(struct store_line){.pattern = STR("1040"), .forward_busy = STR("1030")});
    bed_param(x->b, "ForwardMaximumHopCount", "50");
    const char *invite = call("1030");
    for (int i = 0; i < 25; i++) {
        refuses(b, fixture_expect(b, "INVITE "), 486, NULL);
        refuses(c, fixture_expect(c, "INVITE "), 486, NULL);
    }
    answers(b, invite, rings(b));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_a_pattern_leads_to_a_line),
        T(test_forward_all_rings_elsewhere_at_once),
        T(test_a_circle_of_forwards_ends),
        T(test_a_circle_of_busy_lines_is_busy),
        T(test_a_busy_line_forwards),
        T(test_a_declined_call_is_not_forwarded),
        T(test_one_busy_phone_of_two_is_no_busy_line),
        T(test_calls_beyond_the_busy_trigger_find_it_busy),
        T(test_nobody_is_disturbed_who_does_not_want_to_be),
        T(test_nobody_answers_and_the_call_goes_on),
        T(test_an_answer_that_crosses_the_cancel_counts),
        T(test_a_line_without_phones_forwards_at_once),
        T(test_the_caller_gives_up_while_it_is_forwarded),
        T(test_the_caller_gives_up_before_it_is_forwarded),
        T(test_a_phone_deflects_to_a_number_of_ours),
        T(test_all_members_ring_together),
        T(test_an_answer_after_the_end_of_the_plan_is_hung_up_on),
        T(test_members_ring_one_after_the_other),
        T(test_a_group_that_nobody_answers_forwards),
        T(test_a_group_of_busy_members_is_busy),
        T(test_who_has_been_idle_longest_rings_first),
        T(test_a_long_sequence_uses_its_places_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
