#include "kit/kit.h"

#include "call/fixture.h"

#include <stdio.h>

#define SDP                                                                                        \
    "v=0\r\no=- 1 1 IN IP4 10.10.10.10\r\ns=-\r\nc=IN IP4 10.10.10.10\r\nt=0 0\r\n"                \
    "m=audio 4000 RTP/SAVP 0\r\n"                                                                  \
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "                                                          \
    "inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR\r\n"

static struct fixture *x;

static int setup(void **state)
{
    (void)state;
    x = fixture_new();
    return 0;
}

static int setup_small(void **state)
{
    fixture_transactions_max = 16;
    int rc = setup(state);
    fixture_transactions_max = 0;
    return rc;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free(x);
    return 0;
}

/* A call from a to b up to the ACK. */
struct talk {
    const char *invite, *offered, *answer, *answered;
};

static struct talk talk(struct phone *a, struct phone *b)
{
    struct talk t;
    t.invite = fixture_invite(a, b->line, NULL, SDP);
    fixture_expect(a, "SIP/2.0 100");
    t.offered = fixture_expect(b, "INVITE ");
    fixture_answer(b, t.offered, 180, "b", NULL, NULL);
    fixture_expect(a, "SIP/2.0 180");
    t.answered = fixture_answer(b, t.offered, 200, "b", NULL, SDP);
    t.answer = fixture_expect(a, "SIP/2.0 200");
    fixture_in_dialog(a, "ACK", t.invite, t.answer, false, NULL, NULL);
    fixture_expect(b, "ACK ");
    return t;
}

static void hang_up(struct phone *a, struct phone *b, const struct talk *t)
{
    fixture_in_dialog(a, "BYE", t->invite, t->answer, false, NULL, NULL);
    fixture_answer(b, fixture_expect(b, "BYE "), 200, NULL, NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
}

static void quiet(struct phone *a, struct phone *b)
{
    fixture_quiet(a);
    fixture_quiet(b);
}

/* ---- calls ---- */

static void test_a_call_goes_there_and_back(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 0);
    const char *invite = fixture_invite(a, "1030", "Authorization: Bearer secret.to.us\r\n", SDP);
    /* A token in it is looked at, and this one is no good. */
    fixture_expect(a, "SIP/2.0 401");
    fixture_ack_refusal(a, invite, "\r\nTo: <sip:1030@10.10.10.1>;tag=x\r\n\r\n");
    fixture_quiet(b);

    invite = fixture_invite(a, "1030", NULL, SDP);
    assert_true(fixture_has(fixture_expect(a, "SIP/2.0 100"), "Content-Length: 0"));
    const char *got = fixture_expect(b, "INVITE sip:1030@10.10.10.10:");
    assert_string_equal("69", fixture_header(got, "Max-Forwards", 0));
    assert_true(fixture_has(fixture_header(got, "Via", 0), "10.10.10.1:5090;branch=z9hG4bKbl"));
    assert_true(fixture_has(fixture_header(got, "Via", 1), fixture_header(invite, "Via", 0)));
    assert_true(
        fixture_has(fixture_header(got, "Record-Route", 0), "10.10.10.1:5090;transport=tls;lr"));
    assert_string_equal("", fixture_header(got, "Record-Route", 1));
    assert_string_equal("<sip:1020@10.10.10.1>", fixture_header(got, "P-Asserted-Identity", 0));
    assert_true(fixture_has(got, SDP));

    fixture_answer(b, got, 180, "b", "Allow: INVITE\r\n", NULL);
    const char *ringing = fixture_expect(a, "SIP/2.0 180 Whatever");
    assert_string_equal(fixture_header(invite, "Via", 0), fixture_header(ringing, "Via", 0));
    assert_string_equal("", fixture_header(ringing, "Via", 1));
    assert_string_equal("INVITE", fixture_header(ringing, "Allow", 0));
    assert_string_equal(fixture_header(got, "Record-Route", 0),
                        fixture_header(ringing, "Record-Route", 0));

    fixture_answer(b, got, 200, "b", NULL, SDP);
    const char *answer = fixture_expect(a, "SIP/2.0 200");
    assert_true(fixture_has(answer, SDP));
    fixture_in_dialog(a, "ACK", invite, answer, false, NULL, NULL);
    const char *ack = fixture_expect(b, "ACK sip:1030@10.10.10.10:");
    assert_string_equal("", fixture_header(ack, "Route", 0));

    fixture_in_dialog(a, "BYE", invite, answer, false, NULL, NULL);
    fixture_answer(b, fixture_expect(b, "BYE sip:1030@"), 200, NULL, NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
    quiet(a, b);
}

static void test_a_call_between_workers(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    struct talk t = talk(a, b);
    /* The callee offers anew, then hangs up. */
    fixture_in_dialog(b, "INVITE", t.offered, t.answered, true, NULL, SDP);
    fixture_expect(b, "SIP/2.0 100");
    const char *again = fixture_expect(a, "INVITE sip:1020@10.10.10.10:");
    assert_string_equal("", fixture_header(again, "Route", 0));
    fixture_answer(a, again, 200, NULL, NULL, SDP);
    fixture_expect(b, "SIP/2.0 200");
    fixture_in_dialog(b, "ACK", t.offered, t.answered, true, NULL, NULL);
    fixture_expect(a, "ACK ");
    fixture_in_dialog(b, "BYE", t.offered, t.answered, true, NULL, NULL);
    fixture_answer(a, fixture_expect(a, "BYE "), 200, NULL, NULL, NULL);
    fixture_expect(b, "SIP/2.0 200");
    quiet(a, b);
    assert_int_equal(1, x->ended_count);
    assert_int_equal(CALL_END_CALLEE, x->ended[0].end);
}

static void test_other_methods_pass_in_a_dialog(void **state)
{
    (void)state;
    static const char *const methods[] = {"UPDATE",  "INFO",      "PRACK",   "REFER",     "NOTIFY",
                                          "MESSAGE", "SUBSCRIBE", "OPTIONS", "FROBNICATE"};
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 2);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    const char *more = "RAck: 1 1 INVITE\r\nRefer-To: <sip:1@x>\r\nEvent: refer\r\n"
                       "Subscription-State: active\r\n";
    struct talk t = talk(a, b);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        fixture_in_dialog(a, methods[i], t.invite, t.answer, false, more, NULL);
        fixture_answer(b, fixture_expect(b, methods[i]), 200, NULL, NULL, NULL);
        fixture_expect(a, "SIP/2.0 200");
        fixture_in_dialog(b, methods[i], t.offered, t.answered, true, more, NULL);
        fixture_answer(a, fixture_expect(a, methods[i]), 202, NULL, NULL, NULL);
        fixture_expect(b, "SIP/2.0 202");
    }
    hang_up(a, b, &t);
    quiet(a, b);
}

static void test_a_message_needs_no_dialog(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 2);
    fixture_request(a, "MESSAGE", "1030", NULL, NULL);
    const char *got = fixture_expect(b, "MESSAGE ");
    assert_string_equal("", fixture_header(got, "Record-Route", 0));
    fixture_answer(b, got, 200, "b", NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
    quiet(a, b);
    assert_int_equal(0, call_node_call_count(x->b->node));
}

static void test_the_caller_gives_up(void **state)
{
    (void)state;
    for (unsigned worker = 0; worker < 2; worker++) {
        struct phone *a = fixture_phone(x, worker ? "PHA" : "PHC", "eve", worker ? "1020" : "1021",
                                        0);
        struct phone *b = fixture_phone(x, worker ? "PHB" : "PHD", "ann", worker ? "1030" : "1031",
                                        worker);
        const char *invite = fixture_invite(a, b->line, NULL, SDP);
        fixture_expect(a, "SIP/2.0 100");
        const char *got = fixture_expect(b, "INVITE ");
        fixture_cancel(a, invite);
        fixture_expect(a, "SIP/2.0 200");
        fixture_quiet(b); /* nothing has come from it yet (RFC 3261, 9.1) */
        fixture_answer(b, got, 180, "b", NULL, NULL);
        fixture_expect(a, "SIP/2.0 180");
        fixture_answer(b, fixture_expect(b, "CANCEL "), 200, NULL, NULL, NULL);
        fixture_answer(b, got, 487, "b", NULL, NULL);
        fixture_expect(b, "ACK ");
        const char *end = fixture_expect(a, "SIP/2.0 487");
        fixture_ack_refusal(a, invite, end);
        quiet(a, b);
        assert_int_equal(worker + 1, x->ended_count);
        assert_int_equal(CALL_END_CANCELLED, x->ended[worker].end);
        assert_int_equal(487, x->ended[worker].status);
    }
}

static void test_a_phone_refuses(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    const char *invite = fixture_invite(a, "1030", NULL, SDP);
    fixture_expect(a, "SIP/2.0 100");
    fixture_answer(b, fixture_expect(b, "INVITE "), 486, "b", "X-Why: lunch\r\n", "text");
    fixture_expect(b, "ACK ");
    const char *end = fixture_expect(a, "SIP/2.0 486 Whatever");
    assert_string_equal("lunch", fixture_header(end, "X-Why", 0));
    assert_true(fixture_has(end, "\r\n\r\ntext"));
    fixture_ack_refusal(a, invite, end);
    quiet(a, b);
    assert_int_equal(1, x->ended_count);
    assert_int_equal(486, x->ended[0].status);
}

static void test_nobody_there(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    static const struct {
        const char *number, *expected;
    } rows[] = {{"1010", "SIP/2.0 480"}, {"9999", "SIP/2.0 404"}, {"1020", "SIP/2.0 480"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *invite = fixture_invite(a, rows[i].number, NULL, SDP);
        const char *end = fixture_expect(a, "SIP/2.0 ");
        if (strncmp(end, "SIP/2.0 100", 11) == 0) end = fixture_expect(a, "SIP/2.0 ");
        assert_memory_equal(rows[i].expected, end, strlen(rows[i].expected));
        fixture_ack_refusal(a, invite, end);
    }
    fixture_quiet(a);
    assert_int_equal(0, call_node_call_count(x->b->node));
}

/* ---- forks ---- */

static void test_all_phones_of_a_line_ring_and_the_first_answer_wins(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 0);
    struct phone *c = fixture_phone(x, "PHC", "ann", "1030", 1);
    struct phone *d = fixture_phone(x, "PHD", "bob", "1030", 2);
    const char *invite = fixture_invite(a, "1030", NULL, SDP);
    fixture_expect(a, "SIP/2.0 100");
    const char *at_b = fixture_expect(b, "INVITE "), *at_c = fixture_expect(c, "INVITE "),
               *at_d = fixture_expect(d, "INVITE ");
    assert_string_equal("20", fixture_header(at_b, "Max-Breadth", 0));
    fixture_answer(b, at_b, 180, "b", NULL, NULL);
    fixture_answer(c, at_c, 180, "c", NULL, NULL);
    fixture_expect(a, "SIP/2.0 180");
    fixture_expect(a, "SIP/2.0 180");
    fixture_answer(d, at_d, 486, "d", NULL, NULL);
    fixture_expect(d, "ACK ");
    fixture_quiet(a); /* busy elsewhere is no answer while others ring */
    fixture_answer(c, at_c, 200, "c", NULL, SDP);
    const char *answer = fixture_expect(a, "SIP/2.0 200");
    const char *cancel = fixture_expect(b, "CANCEL ");
    assert_true(fixture_has(fixture_header(cancel, "Reason", 0), "Call completed elsewhere"));
    fixture_answer(b, cancel, 200, NULL, NULL, NULL);
    fixture_answer(b, at_b, 487, "b", NULL, NULL);
    fixture_expect(b, "ACK ");
    fixture_in_dialog(a, "ACK", invite, answer, false, NULL, NULL);
    fixture_expect(c, "ACK ");
    struct talk t = {.invite = invite, .answer = answer};
    hang_up(a, c, &t);
    quiet(a, b);
    quiet(c, d);
    assert_int_equal(1, x->ended_count);
    assert_string_equal("PHC", x->ended[0].to_device);
}

/* Each answer makes a dialog of its own (RFC 3261, 13.2.2.4): what the caller says in the second one
 * reaches the second phone, and its end is not the call's. */
static void test_two_answers_are_two_dialogs(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 0);
    struct phone *c = fixture_phone(x, "PHC", "ann", "1030", 1);
    const char *invite = fixture_invite(a, "1030", NULL, SDP);
    fixture_expect(a, "SIP/2.0 100");
    const char *at_b = fixture_expect(b, "INVITE "), *at_c = fixture_expect(c, "INVITE ");
    fixture_answer(b, at_b, 180, "b", NULL, NULL);
    fixture_expect(a, "SIP/2.0 180");
    fixture_answer(c, at_c, 200, "c", NULL, SDP);
    const char *answer = fixture_expect(a, "SIP/2.0 200");
    fixture_answer(b, fixture_expect(b, "CANCEL "), 200, NULL, NULL, NULL);
    fixture_answer(b, at_b, 200, "b", NULL, SDP); /* it was faster than the CANCEL */
    const char *second = fixture_expect(a, "SIP/2.0 200");
    fixture_in_dialog(a, "ACK", invite, answer, false, NULL, NULL);
    fixture_expect(c, "ACK ");
    fixture_in_dialog(a, "ACK", invite, second, false, NULL, NULL);
    fixture_expect(b, "ACK ");
    fixture_in_dialog(a, "BYE", invite, second, false, NULL, NULL);
    fixture_answer(b, fixture_expect(b, "BYE "), 200, NULL, NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
    assert_int_equal(1, call_node_call_count(x->b->node));
    struct talk t = {.invite = invite, .answer = answer};
    hang_up(a, c, &t);
    quiet(a, b);
    fixture_quiet(c);
    assert_int_equal(1, x->ended_count);
    assert_string_equal("PHC", x->ended[0].to_device);
}

static void test_a_lower_q_rings_later(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_add(x, "PHB", "ann", "1030", 0, ";q=0.5");
    struct phone *c = fixture_add(x, "PHC", "ann", "1030", 1, ";q=0.9");
    const char *invite = fixture_invite(a, "1030", NULL, SDP);
    fixture_expect(a, "SIP/2.0 100");
    const char *at_c = fixture_expect(c, "INVITE ");
    assert_string_equal("60", fixture_header(at_c, "Max-Breadth", 0));
    fixture_quiet(b);
    fixture_answer(c, at_c, 486, "c", NULL, NULL);
    fixture_expect(c, "ACK ");
    const char *at_b = fixture_expect(b, "INVITE ");
    fixture_answer(b, at_b, 603, "b", NULL, NULL);
    fixture_expect(b, "ACK ");
    fixture_ack_refusal(a, invite, fixture_expect(a, "SIP/2.0 603"));
    quiet(a, b);
    fixture_quiet(c);
}

static void test_a_decline_stops_everything(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 0);
    struct phone *c = fixture_phone(x, "PHC", "ann", "1030", 1);
    struct phone *d = fixture_add(x, "PHD", "ann", "1030", 1, ";q=0.1");
    const char *invite = fixture_invite(a, "1030", NULL, SDP);
    fixture_expect(a, "SIP/2.0 100");
    const char *at_b = fixture_expect(b, "INVITE "), *at_c = fixture_expect(c, "INVITE ");
    fixture_answer(c, at_c, 180, "c", NULL, NULL);
    fixture_expect(a, "SIP/2.0 180");
    fixture_answer(b, at_b, 603, "b", NULL, NULL);
    fixture_expect(b, "ACK ");
    fixture_answer(c, fixture_expect(c, "CANCEL "), 200, NULL, NULL, NULL);
    fixture_quiet(a); /* it waits for the others (16.7 step 5) */
    fixture_answer(c, at_c, 487, "c", NULL, NULL);
    fixture_expect(c, "ACK ");
    fixture_ack_refusal(a, invite, fixture_expect(a, "SIP/2.0 603"));
    fixture_quiet(d);
    quiet(a, b);
}

static void test_both_answer_at_once(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 0);
    struct phone *c = fixture_phone(x, "PHC", "ann", "1030", 1);
    fixture_invite(a, "1030", NULL, SDP);
    fixture_expect(a, "SIP/2.0 100");
    const char *at_b = fixture_expect(b, "INVITE "), *at_c = fixture_expect(c, "INVITE ");
    fixture_answer(b, at_b, 200, "b", NULL, SDP);
    fixture_answer(c, at_c, 200, "c", NULL, SDP);
    assert_true(fixture_has(fixture_header(fixture_expect(a, "SIP/2.0 200"), "To", 0), "tag=b"));
    assert_true(fixture_has(fixture_header(fixture_expect(a, "SIP/2.0 200"), "To", 0), "tag=c"));
}

/* Half as many contexts as transactions, a quarter of them for calls that are there. */
static void test_a_full_worker_refuses_new_ones_and_goes_on_with_calls(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 1);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 0);
    struct talk t = talk(a, b);
    for (size_t i = 0; i < 5; i++)
        fixture_request(a, "MESSAGE", "1030", NULL, NULL);
    fixture_request(a, "MESSAGE", "1030", NULL, NULL);
    assert_string_equal("5", fixture_header(fixture_expect(a, "SIP/2.0 503"), "Retry-After", 0));
    for (size_t i = 0; i < 5; i++)
        fixture_expect(b, "MESSAGE ");
    hang_up(a, b, &t);
}

static void test_a_503_of_a_phone_is_no_503_of_the_server(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 0);
    fixture_invite(a, "1030", NULL, SDP);
    fixture_expect(a, "SIP/2.0 100");
    fixture_answer(b, fixture_expect(b, "INVITE "), 503, "b", "Retry-After: 1000\r\n", NULL);
    assert_string_equal("", fixture_header(fixture_expect(a, "SIP/2.0 500"), "Retry-After", 0));
}

static void test_challenges_of_several_are_joined(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 0);
    struct phone *c = fixture_phone(x, "PHC", "ann", "1030", 1);
    fixture_invite(a, "1030", NULL, SDP);
    fixture_expect(a, "SIP/2.0 100");
    const char *at_b = fixture_expect(b, "INVITE "), *at_c = fixture_expect(c, "INVITE ");
    fixture_answer(b, at_b, 401, "b", "WWW-Authenticate: Digest realm=\"b\"\r\n", NULL);
    fixture_answer(c, at_c, 407, "c", "Proxy-Authenticate: Digest realm=\"c\"\r\n", NULL);
    const char *end = fixture_expect(a, "SIP/2.0 401");
    assert_string_equal("Digest realm=\"b\"", fixture_header(end, "WWW-Authenticate", 0));
    assert_string_equal("", fixture_header(end, "WWW-Authenticate", 1));
    assert_string_equal("Digest realm=\"c\"", fixture_header(end, "Proxy-Authenticate", 0));
}

/* ---- time and lost connections ---- */

static void test_a_phone_that_never_answers(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    const char *invite = fixture_invite(a, "1030", NULL, SDP);
    fixture_expect(a, "SIP/2.0 100");
    fixture_expect(b, "INVITE ");
    fixture_pass(x, 33000); /* timer B */
    fixture_ack_refusal(a, invite, fixture_expect(a, "SIP/2.0 408"));

    fixture_invite(a, "1030", NULL, SDP);
    fixture_expect(a, "SIP/2.0 100");
    const char *got = fixture_expect(b, "INVITE ");
    fixture_answer(b, got, 180, "b", NULL, NULL);
    fixture_expect(a, "SIP/2.0 180");
    fixture_pass(x, 170000);
    fixture_answer(b, got, 180, "b", NULL, NULL); /* starts timer C anew */
    fixture_expect(a, "SIP/2.0 180");
    fixture_pass(x, 170000);
    quiet(a, b);
    fixture_pass(x, 20000);
    fixture_answer(b, fixture_expect(b, "CANCEL "), 200, NULL, NULL, NULL);
    fixture_answer(b, got, 487, "b", NULL, NULL);
    fixture_expect(a, "SIP/2.0 487");
    assert_int_equal(0, call_node_call_count(x->b->node));
}

static void test_a_request_that_nobody_answers_ends_in_silence(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    fixture_request(a, "MESSAGE", "1030", NULL, NULL);
    fixture_expect(b, "MESSAGE ");
    fixture_pass(x, 40000);
    quiet(a, b); /* no 408 (RFC 4320, 4.2) */
}

static void test_the_caller_vanishes_while_it_rings(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    fixture_invite(a, "1030", NULL, SDP);
    const char *got = fixture_expect(b, "INVITE ");
    fixture_answer(b, got, 180, "b", NULL, NULL);
    fixture_cut(a);
    fixture_answer(b, fixture_expect(b, "CANCEL "), 200, NULL, NULL, NULL);
    fixture_answer(b, got, 487, "b", NULL, NULL);
    fixture_expect(b, "ACK ");
    fixture_quiet(b);
    assert_int_equal(1, x->ended_count);
    assert_int_equal(CALL_END_CANCELLED, x->ended[0].end);
}

static void test_the_callee_vanishes_while_it_rings(void **state)
{
    (void)state;
    for (unsigned worker = 0; worker < 2; worker++) {
        struct phone *a = fixture_phone(x, worker ? "PHA" : "PHC", "eve", worker ? "1020" : "1021",
                                        0);
        struct phone *b = fixture_phone(x, worker ? "PHB" : "PHD", "ann", worker ? "1030" : "1031",
                                        worker);
        const char *invite = fixture_invite(a, b->line, NULL, SDP);
        fixture_expect(a, "SIP/2.0 100");
        fixture_answer(b, fixture_expect(b, "INVITE "), 180, "b", NULL, NULL);
        fixture_expect(a, "SIP/2.0 180");
        fixture_cut(b);
        fixture_ack_refusal(a, invite, fixture_expect(a, "SIP/2.0 480"));
        fixture_quiet(a);
    }
}

static void test_another_connection_of_the_phone_is_tried(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *one = fixture_add(x, "PHB", "ann", "1030", 1, ";reg-id=1");
    fixture_pass(x, 10);
    struct phone *two = fixture_add(x, "PHB", "ann", "1030", 2, ";reg-id=2");
    fixture_invite(a, "1030", NULL, SDP);
    fixture_expect(a, "SIP/2.0 100");
    fixture_expect(two, "INVITE "); /* the newest, and only there */
    fixture_quiet(one);
    fixture_cut(two);
    const char *got = fixture_expect(one, "INVITE ");
    fixture_answer(one, got, 200, "b", NULL, SDP);
    fixture_expect(a, "SIP/2.0 200");
}

static void test_a_call_goes_on_over_a_new_connection(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    struct talk t = talk(a, b);
    fixture_cut(b);
    fixture_connect(b, CALL_OAUTH, SIPTX_TLS);
    assert_int_equal(200, fixture_register(b));
    fixture_in_dialog(a, "INFO", t.invite, t.answer, false, NULL, NULL);
    fixture_answer(b, fixture_expect(b, "INFO "), 200, NULL, NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
    fixture_in_dialog(b, "BYE", t.offered, t.answered, true, NULL, NULL);
    fixture_answer(a, fixture_expect(a, "BYE "), 200, NULL, NULL, NULL);
    fixture_expect(b, "SIP/2.0 200");
    assert_int_equal(1, x->ended_count);
    assert_int_equal(CALL_END_CALLEE, x->ended[0].end);
}

static void test_a_call_ends_when_its_phone_does_not_come_back(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    talk(a, b);
    assert_int_equal(1, call_node_call_count(x->b->node));
    fixture_cut(b);
    fixture_pass(x, 25000);
    assert_int_equal(1, call_node_call_count(x->b->node));
    fixture_pass(x, 10000);
    assert_int_equal(0, call_node_call_count(x->b->node));
    assert_int_equal(CALL_END_VANISHED, x->ended[0].end);
}

/* ---- who may ---- */

static void test_strangers_learn_nothing(void **state)
{
    (void)state;
    fixture_phone(x, "PHB", "ann", "1030", 1);
    struct phone *s = fixture_stranger(x, 0, CALL_OAUTH, SIPTX_TLS);
    struct phone *u = fixture_stranger(x, 0, CALL_LINE, SIPTX_TCP);
    fixture_request(s, "INVITE", "1030", NULL, SDP);
    fixture_expect(s, "SIP/2.0 401");
    fixture_request(s, "MESSAGE", "9999", NULL, SDP);
    fixture_expect(s, "SIP/2.0 401");
    fixture_request(u, "INVITE", "1030", NULL, SDP);
    const char *one = fixture_header(fixture_expect(u, "SIP/2.0 401"), "WWW-Authenticate", 0);
    assert_true(fixture_has(one, "Digest"));
    fixture_request(u, "MESSAGE", "9999", NULL, SDP);
    fixture_expect(u, "SIP/2.0 401");
}

static void test_from_must_be_a_line_of_the_device(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    a->line = "1030";
    fixture_request(a, "MESSAGE", "1030", NULL, SDP);
    fixture_expect(a, "SIP/2.0 403");
    a->line = "1020";
    fixture_request(a, "MESSAGE", "1030",
                    "P-Asserted-Identity: <sip:boss@10.10.10.1>\r\n"
                    "P-Preferred-Identity: <sip:boss@10.10.10.1>\r\n",
                    SDP);
    const char *got = fixture_expect(b, "MESSAGE ");
    assert_false(fixture_has(got, "boss"));
    assert_string_equal("<sip:1020@10.10.10.1>", fixture_header(got, "P-Asserted-Identity", 0));
    fixture_request(a, "MESSAGE", "1030", "Privacy: id\r\n", SDP);
    got = fixture_expect(b, "MESSAGE ");
    assert_string_equal("", fixture_header(got, "P-Asserted-Identity", 0));
}

static void test_a_token_that_has_run_out_calls_nobody(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    fixture_pass(x, 1000);
    kit_time_pass(&x->b->time, 2 * 3600 * 1000);
    fixture_request(a, "INVITE", "1030", NULL, SDP);
    fixture_expect(a, "SIP/2.0 401");
}

static void test_a_stranger_ends_no_call(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    struct phone *c = fixture_phone(x, "PHC", "bob", "1040", 0);
    struct phone *s = fixture_stranger(x, 0, CALL_OAUTH, SIPTX_TLS);
    struct phone *u = fixture_stranger(x, 0, CALL_LINE, SIPTX_TCP);
    struct talk t = talk(a, b);
    s->line = u->line = c->line = "1020";
    fixture_in_dialog(s, "BYE", t.invite, t.answer, false, NULL, NULL);
    fixture_expect(s, "SIP/2.0 401");
    fixture_in_dialog(u, "BYE", t.invite, t.answer, false, NULL, NULL);
    fixture_expect(u, "SIP/2.0 401");
    fixture_in_dialog(c, "BYE", t.invite, t.answer, false, NULL, NULL);
    fixture_expect(c, "SIP/2.0 481");
    /* Its own BYE without our Route, and with one that is forged. */
    fixture_in_dialog(
        a, "BYE",
        "\r\nContact: <sip:1030@10.10.10.10>\r\nFrom: <sip:1020@10.10.10.1>;"
        "tag=f\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n",
        "\r\nFrom: <sip:1020@10.10.10.1>;tag=f\r\nTo: <sip:1030@10.10.10.1>;tag=t\r\n"
        "Contact: <sip:1030@10.10.10.10>\r\nRecord-Route: <sip:AQAAAAAAAAABAAAAAAAAAAIA"
        "AAAAAAAAAgAAAAAAAAAAAAAAAAAAAAA@10.10.10.1:5090;lr>\r\n\r\n",
        false, NULL, NULL);
    fixture_expect(a, "SIP/2.0 481");
    quiet(a, b);
    hang_up(a, b, &t);
}

static void test_an_ack_of_a_stranger_goes_nowhere(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    struct phone *s = fixture_stranger(x, 0, CALL_OAUTH, SIPTX_TLS);
    struct talk t = talk(a, b);
    fixture_in_dialog(s, "ACK", t.invite, t.answer, false, NULL, NULL);
    fixture_quiet(s);
    quiet(a, b);
}

/* ---- what must hold ---- */

static void test_a_request_is_checked_before_it_goes_on(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    fixture_request(a, "MESSAGE", "1030", "Max-Forwards: 0\r\n", NULL);
    fixture_expect(a, "SIP/2.0 483");
    fixture_request(a, "MESSAGE", "1030", "Proxy-Require: privacy, foo\r\n", NULL);
    assert_string_equal("foo", fixture_header(fixture_expect(a, "SIP/2.0 420"), "Unsupported", 0));
    fixture_request(a, "MESSAGE", "1030", "Route: <sip:elsewhere.example.org;lr>\r\n", NULL);
    fixture_expect(a, "SIP/2.0 403");
    fixture_request(a, "MESSAGE", "1030@example.org;x=", NULL, NULL);
    fixture_expect(a, "SIP/2.0 4");
    fixture_quiet(b);
    fixture_request(a, "MESSAGE", "1030", "Route: <sip:10.10.10.1;lr>\r\nMax-Breadth: 1\r\n", NULL);
    assert_string_equal("", fixture_header(fixture_expect(b, "MESSAGE "), "Route", 0));
}

static void test_a_loop_is_found_and_a_fork_bounded(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 0);
    struct phone *c = fixture_phone(x, "PHC", "bob", "1030", 1);
    fixture_request(a, "MESSAGE", "1030", "Max-Breadth: 1\r\n", NULL);
    fixture_expect(a, "SIP/2.0 440");
    quiet(b, c);
    /* The phone sends what it got back as it was: Vias, tags, Call-ID; with its own Via on top. */
    fixture_request(a, "MESSAGE", "1030", NULL, NULL);
    const char *got = fixture_expect(b, "MESSAGE ");
    fixture_expect(c, "MESSAGE ");
    char text[FIXTURE_TEXT];
    snprintf(
        text, sizeof text,
        "MESSAGE sip:1030@10.10.10.1 SIP/2.0\r\n"
        "Via: SIP/2.0/TLS 10.10.10.10:1;branch=z9hG4bKloop\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\n"
        "Call-ID: %s\r\nCSeq: %s\r\nMax-Forwards: 60\r\nContent-Length: 0\r\n\r\n",
        fixture_header(got, "Via", 0), fixture_header(got, "From", 0), fixture_header(got, "To", 0),
        fixture_header(got, "Call-ID", 0), fixture_header(got, "CSeq", 0));
    fixture_send(a, text);
    fixture_expect(a, "SIP/2.0 482");
    quiet(b, c);
}

static void test_a_path_becomes_a_route(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    b->path = "<sip:tok@10.1.1.1;lr>, <sip:10.1.1.2;lr>";
    assert_int_equal(200, fixture_register(b));
    fixture_request(a, "MESSAGE", "1030", NULL, NULL);
    const char *got = fixture_expect(b, "MESSAGE ");
    assert_string_equal("<sip:tok@10.1.1.1;lr>", fixture_header(got, "Route", 0));
    assert_string_equal("<sip:10.1.1.2;lr>", fixture_header(got, "Route", 1));
}

/* ---- what it costs ---- */

static uint64_t contexts(void)
{
    struct call_counters c;
    call_node_count(x->b->node, &c);
    return c.contexts;
}

static void test_after_a_while_a_call_allocates_nothing(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 0);
    struct phone *c = fixture_phone(x, "PHC", "bob", "1040", 1);
    for (int i = 0; i < 80; i++) {
        struct talk t = talk(a, b), u = talk(a, c);
        hang_up(a, b, &t);
        hang_up(a, c, &u);
        fixture_pass(x, 1000);
    }
    assert_in_range(contexts(), 60, 64); /* two calls a second, each for 32 s (RFC 6026, timer L) */
    fixture_pass(x, 40000);
    assert_int_equal(0, contexts());
    unsigned long before = kit_alloc_count();
    for (int i = 0; i < 5; i++) {
        struct talk t = talk(a, b), u = talk(a, c);
        hang_up(a, b, &t);
        hang_up(a, c, &u);
    }
    assert_int_equal(0, kit_alloc_count() - before);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_a_call_goes_there_and_back),
        T(test_a_call_between_workers),
        T(test_other_methods_pass_in_a_dialog),
        T(test_a_message_needs_no_dialog),
        T(test_the_caller_gives_up),
        T(test_a_phone_refuses),
        T(test_nobody_there),
        T(test_all_phones_of_a_line_ring_and_the_first_answer_wins),
        T(test_two_answers_are_two_dialogs),
        T(test_a_lower_q_rings_later),
        T(test_a_decline_stops_everything),
        T(test_both_answer_at_once),
        cmocka_unit_test_setup_teardown(test_a_full_worker_refuses_new_ones_and_goes_on_with_calls,
                                        setup_small, teardown),
        T(test_a_503_of_a_phone_is_no_503_of_the_server),
        T(test_challenges_of_several_are_joined),
        T(test_a_phone_that_never_answers),
        T(test_a_request_that_nobody_answers_ends_in_silence),
        T(test_the_caller_vanishes_while_it_rings),
        T(test_the_callee_vanishes_while_it_rings),
        T(test_another_connection_of_the_phone_is_tried),
        T(test_a_call_goes_on_over_a_new_connection),
        T(test_a_call_ends_when_its_phone_does_not_come_back),
        T(test_strangers_learn_nothing),
        T(test_from_must_be_a_line_of_the_device),
        T(test_a_token_that_has_run_out_calls_nobody),
        T(test_a_stranger_ends_no_call),
        T(test_an_ack_of_a_stranger_goes_nowhere),
        T(test_a_request_is_checked_before_it_goes_on),
        T(test_a_loop_is_found_and_a_fork_bounded),
        T(test_a_path_becomes_a_route),
        T(test_after_a_while_a_call_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
