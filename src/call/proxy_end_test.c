/* Calls that the node ends by itself: what their phones hear. */
#include "kit/kit.h"

#include "call/fixture.h"

#include <stdio.h>

#define HEAD "v=0\r\no=- 1 1 IN IP4 10.10.10.10\r\ns=-\r\nc=IN IP4 10.10.10.10\r\nt=0 0\r\n"
#define SRTP                                                                                       \
    HEAD "m=audio 4000 RTP/SAVP 0\r\n"                                                             \
         "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR\r\n"
#define PLAIN HEAD "m=audio 4000 RTP/AVP 0\r\n"

static struct fixture *x;
static struct phone *a, *b;

static int setup(void **state)
{
    (void)state;
    x = fixture_new();
    a = fixture_phone(x, "PHA", "eve", "1020", 0);
    b = fixture_phone(x, "PHB", "ann", "1030", 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free(x);
    return 0;
}

struct talk {
    const char *invite, *offered, *answer, *answered;
};

/* The request as it is behind two proxies. */
static const char *with_routes(const char *request)
{
    static char text[FIXTURE_TEXT];
    const char *rest = strstr(request, "\r\n") + 2;
    snprintf(
        text, sizeof text,
        "%.*sRecord-Route: <sip:far@10.1.1.2;lr>\r\nRecord-Route: <sip:near@10.1.1.1;lr>\r\n%s",
        (int)(rest - request), request, rest);
    return text;
}

static struct talk talk(bool is_routed)
{
    struct talk t;
    t.invite = fixture_invite(a, b->line, NULL, SRTP);
    fixture_expect(a, "SIP/2.0 100");
    t.offered = fixture_expect(b, "INVITE ");
    t.answered = fixture_answer(b, is_routed ? with_routes(t.offered) : t.offered, 200, "b", NULL,
                                SRTP);
    t.answer = fixture_expect(a, "SIP/2.0 200");
    fixture_in_dialog(a, "ACK", t.invite, t.answer, false, NULL, NULL);
    fixture_expect(b, "ACK ");
    return t;
}

static unsigned long cseq_of(const char *message)
{
    return strtoul(fixture_header(message, "CSeq", 0), NULL, 10);
}

/* A BYE in the dialog of t, to its caller or callee, that ends it there. */
static const char *expect_bye(struct phone *p, const struct talk *t, unsigned long above)
{
    const char *bye = fixture_expect(p, "BYE sip:");
    bool to_caller = p == a;
    assert_string_equal(fixture_header(t->answer, to_caller ? "To" : "From", 0),
                        fixture_header(bye, "From", 0));
    assert_string_equal(fixture_header(t->answer, to_caller ? "From" : "To", 0),
                        fixture_header(bye, "To", 0));
    assert_string_equal(fixture_header(t->invite, "Call-ID", 0), fixture_header(bye, "Call-ID", 0));
    assert_true(cseq_of(bye) > above);
    fixture_answer(p, bye, 200, NULL, NULL, NULL);
    fixture_quiet(p);
    return bye;
}

static void expect_ended(enum call_end why)
{
    assert_int_equal(0, call_node_call_count(x->b->node));
    assert_int_equal(1, x->ended_count);
    assert_int_equal(why, x->ended[0].end);
}

static void test_the_other_phone_of_one_that_vanished_hears_a_bye(void **state)
{
    (void)state;
    struct talk t = talk(false);
    const char *info = fixture_in_dialog(b, "INFO", t.offered, t.answered, true, NULL, NULL);
    fixture_answer(a, fixture_expect(a, "INFO "), 200, NULL, NULL, NULL);
    fixture_expect(b, "SIP/2.0 200");
    fixture_cut(b);
    fixture_pass(x, 25000);
    fixture_quiet(a);
    fixture_pass(x, 10000);
    const char *bye = expect_bye(a, &t, cseq_of(info));
    assert_true(fixture_has(bye, "BYE sip:1020@10.10.10.10:"));
    assert_true(fixture_has(fixture_header(bye, "Reason", 0), "cause=480"));
    assert_string_equal("", fixture_header(bye, "Route", 0));
    expect_ended(CALL_END_VANISHED);
}

static void test_the_callee_hears_it_when_the_caller_vanished(void **state)
{
    (void)state;
    struct talk t = talk(true);
    fixture_cut(a);
    fixture_pass(x, 35000);
    const char *bye = expect_bye(b, &t, cseq_of(t.invite));
    assert_string_equal("<sip:near@10.1.1.1;lr>", fixture_header(bye, "Route", 0));
    assert_string_equal("<sip:far@10.1.1.2;lr>", fixture_header(bye, "Route", 1));
    assert_string_equal("", fixture_header(bye, "Route", 2));
    expect_ended(CALL_END_VANISHED);
}

static void test_nobody_is_told_when_both_are_gone(void **state)
{
    (void)state;
    talk(false);
    fixture_cut(a);
    fixture_cut(b);
    fixture_pass(x, 35000);
    expect_ended(CALL_END_VANISHED);
}

static void test_an_operator_ends_a_call(void **state)
{
    (void)state;
    struct call_record r;
    assert_false(call_node_hang_up(x->b->node, 1));
    struct talk t = talk(false);
    assert_int_equal(1, call_node_calls(x->b->node, 0, &r, 1));
    assert_true(call_node_hang_up(x->b->node, r.id));
    fixture_settle(x);
    expect_bye(a, &t, 0);
    expect_bye(b, &t, cseq_of(t.invite));
    expect_ended(CALL_END_OPERATOR);
    assert_false(call_node_hang_up(x->b->node, r.id));
}

static void test_a_call_that_rings_is_not_hung_up_on(void **state)
{
    (void)state;
    struct call_record r;
    fixture_invite(a, "1030", NULL, SRTP);
    assert_int_equal(1, call_node_calls(x->b->node, 0, &r, 1));
    assert_false(call_node_hang_up(x->b->node, r.id));
    assert_int_equal(1, call_node_call_count(x->b->node));
}

/* A Contact of a later INVITE is where a phone is reached from then on (RFC 3261, 12.2.1.2). */
static void test_a_bye_goes_to_the_newest_contact(void **state)
{
    (void)state;
    struct call_record r;
    struct talk t = talk(false);
    a->port++;
    fixture_in_dialog(a, "INVITE", t.invite, t.answer, false, NULL, SRTP);
    fixture_expect(a, "SIP/2.0 100");
    fixture_answer(b, fixture_expect(b, "INVITE "), 200, NULL, NULL, SRTP);
    fixture_expect(a, "SIP/2.0 200");
    fixture_in_dialog(a, "ACK", t.invite, t.answer, false, NULL, NULL);
    fixture_expect(b, "ACK ");
    assert_int_equal(1, call_node_calls(x->b->node, 0, &r, 1));
    assert_true(call_node_hang_up(x->b->node, r.id));
    fixture_settle(x);
    const char *bye = expect_bye(a, &t, 0);
    char uri[64];
    snprintf(uri, sizeof uri, "BYE sip:1020@10.10.10.10:%u", a->port);
    assert_true(fixture_has(bye, uri));
}

static void test_a_refused_answer_within_a_call_ends_it(void **state)
{
    (void)state;
    struct talk t = talk(false);
    const char *again = fixture_in_dialog(a, "INVITE", t.invite, t.answer, false, NULL, SRTP);
    fixture_expect(a, "SIP/2.0 100");
    fixture_answer(b, fixture_expect(b, "INVITE "), 200, NULL, NULL, PLAIN);
    fixture_ack_refusal(a, again, fixture_expect(a, "SIP/2.0 488"));
    fixture_expect(b, "ACK ");
    expect_bye(b, &t, cseq_of(again));
    expect_bye(a, &t, 0);
    expect_ended(CALL_END_REFUSED);
}

static void test_a_refused_ack_ends_the_call(void **state)
{
    (void)state;
    struct talk t;
    t.invite = fixture_invite(a, b->line, NULL, NULL);
    fixture_expect(a, "SIP/2.0 100");
    t.offered = fixture_expect(b, "INVITE ");
    t.answered = fixture_answer(b, t.offered, 200, "b", NULL, SRTP);
    t.answer = fixture_expect(a, "SIP/2.0 200");
    fixture_in_dialog(a, "ACK", t.invite, t.answer, false, NULL, PLAIN);
    const char *ack = fixture_expect(b, "ACK ");
    assert_false(fixture_has(ack, "m=audio"));
    assert_string_equal("", fixture_header(ack, "Content-Type", 0));
    expect_bye(b, &t, cseq_of(t.invite));
    expect_bye(a, &t, 0);
    expect_ended(CALL_END_REFUSED);
}

/* ---- a call that takes another one's place (RFC 3891) ---- */

static void test_replaces_reaches_the_phone_that_has_the_dialog(void **state)
{
    (void)state;
    char replaces[256];
    struct phone *other = fixture_phone(x, "PHC", "bob", "1030", 2);
    struct phone *c = fixture_phone(x, "PHD", "joe", "1040", 2);
    const char *invite = fixture_invite(a, "1030", NULL, SRTP);
    fixture_expect(a, "SIP/2.0 100");
    const char *at_other = fixture_expect(other, "INVITE ");
    fixture_answer(other, at_other, 180, "o", NULL, NULL);
    fixture_expect(a, "SIP/2.0 180");
    fixture_answer(b, fixture_expect(b, "INVITE "), 200, "b", NULL, SRTP);
    const char *answer = fixture_expect(a, "SIP/2.0 200");
    fixture_in_dialog(a, "ACK", invite, answer, false, NULL, NULL);
    fixture_expect(b, "ACK ");
    fixture_answer(other, fixture_expect(other, "CANCEL "), 200, NULL, NULL, NULL);
    fixture_answer(other, at_other, 487, "o", NULL, NULL);
    fixture_expect(other, "ACK ");
    snprintf(replaces, sizeof replaces, "Replaces: %s;to-tag=b;from-tag=%s\r\n",
             fixture_header(answer, "Call-ID", 0),
             strstr(fixture_header(answer, "From", 0), "tag=") + 4);
    fixture_invite(c, "1030", replaces, SRTP);
    fixture_expect(c, "SIP/2.0 100");
    const char *got = fixture_expect(b, "INVITE sip:1030@");
    assert_true(fixture_has(fixture_header(got, "Replaces", 0), ";to-tag=b"));
    fixture_quiet(other);
    fixture_answer(b, got, 200, "b2", NULL, SRTP);
    fixture_expect(c, "SIP/2.0 200");
    /* What nobody has cannot be replaced. */
    const char *none = fixture_invite(c, "1030", "Replaces: nobody;to-tag=x;from-tag=y\r\n", SRTP);
    fixture_ack_refusal(c, none, fixture_expect(c, "SIP/2.0 481"));
    none = fixture_invite(c, "1030", "Replaces: nobody\r\n", SRTP);
    fixture_ack_refusal(c, none, fixture_expect(c, "SIP/2.0 400"));
    fixture_quiet(other);
    fixture_quiet(b);
}

/* ---- session timers ---- */

/* A call whose INVITE has ask lines and whose 2xx has settle lines. */
static struct talk timed(const char *ask, const char *settle)
{
    struct talk t;
    t.invite = fixture_invite(a, b->line, ask, SRTP);
    fixture_expect(a, "SIP/2.0 100");
    t.offered = fixture_expect(b, "INVITE ");
    t.answered = fixture_answer(b, t.offered, 200, "b", settle, SRTP);
    t.answer = fixture_expect(a, "SIP/2.0 200");
    fixture_in_dialog(a, "ACK", t.invite, t.answer, false, NULL, NULL);
    fixture_expect(b, "ACK ");
    return t;
}

static void test_a_call_that_is_not_refreshed_ends(void **state)
{
    (void)state;
    struct talk t = timed("Supported: timer\r\nSession-Expires: 100\r\n",
                          "Session-Expires: 100;refresher=uac\r\nRequire: timer\r\n");
    assert_string_equal("100", fixture_header(t.offered, "Session-Expires", 0));
    fixture_pass(x, 60000);
    const char *more = "Supported: timer\r\nSession-Expires: 100;refresher=uac\r\n";
    fixture_in_dialog(a, "UPDATE", t.invite, t.answer, false, more, NULL);
    fixture_answer(b, fixture_expect(b, "UPDATE "), 200, NULL,
                   "Session-Expires: 100;refresher=uac\r\n", NULL);
    fixture_expect(a, "SIP/2.0 200");
    fixture_pass(x, 90000);
    assert_int_equal(1, call_node_call_count(x->b->node));
    fixture_pass(x, 12000);
    const char *bye = expect_bye(a, &t, 0);
    assert_true(fixture_has(fixture_header(bye, "Reason", 0), "cause=408"));
    expect_bye(b, &t, cseq_of(t.invite));
    expect_ended(CALL_END_EXPIRED);
}

static void test_a_timer_that_is_too_short_is_refused(void **state)
{
    (void)state;
    const char *invite = fixture_invite(a, "1030", "Supported: timer\r\nSession-Expires: 60\r\n",
                                        SRTP);
    const char *end = fixture_expect(a, "SIP/2.0 422");
    assert_string_equal("90", fixture_header(end, "Min-SE", 0));
    fixture_ack_refusal(a, invite, end);
    assert_int_equal(0, call_node_call_count(x->b->node));
    struct talk t = timed(NULL, NULL);
    fixture_in_dialog(b, "UPDATE", t.offered, t.answered, true,
                      "Supported: timer\r\nSession-Expires: 89\r\n", NULL);
    fixture_expect(b, "SIP/2.0 422");
    fixture_quiet(a);
    /* A caller who does not know timers is not asked to understand that (8.1). */
    fixture_in_dialog(b, "UPDATE", t.offered, t.answered, true,
                      "Session-Expires: 60\r\nMin-SE: 60\r\n", NULL);
    const char *got = fixture_expect(a, "UPDATE ");
    assert_string_equal("90", fixture_header(got, "Session-Expires", 0));
    assert_string_equal("90", fixture_header(got, "Min-SE", 0));
    assert_string_equal("", fixture_header(got, "Min-SE", 1));
}

static void test_who_knows_timers_refreshes(void **state)
{
    (void)state;
    struct talk t = timed("Supported: timer\r\nMin-SE: 2000\r\n", NULL);
    assert_string_equal("2000", fixture_header(t.offered, "Session-Expires", 0));
    assert_string_equal("2000", fixture_header(t.offered, "Min-SE", 0));
    assert_string_equal("2000;refresher=uac", fixture_header(t.answer, "Session-Expires", 0));
    assert_string_equal("timer", fixture_header(t.answer, "Require", 0));
    fixture_pass(x, 1990000);
    assert_int_equal(1, call_node_call_count(x->b->node));
    fixture_pass(x, 12000);
    expect_ended(CALL_END_EXPIRED);
}

static void test_where_nobody_knows_timers_there_is_none(void **state)
{
    (void)state;
    struct talk t = timed(NULL, NULL);
    assert_string_equal("1800", fixture_header(t.offered, "Session-Expires", 0));
    assert_string_equal("", fixture_header(t.answer, "Session-Expires", 0));
    assert_string_equal("", fixture_header(t.answer, "Require", 0));
    fixture_pass(x, 3000000);
    assert_int_equal(1, call_node_call_count(x->b->node));
    fixture_in_dialog(a, "BYE", t.invite, t.answer, false, NULL, NULL);
    fixture_answer(b, fixture_expect(b, "BYE "), 200, NULL, NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
    bed_param(x->b, "SIPSessionExpiresTimer", "0");
    t = timed(NULL, NULL);
    assert_string_equal("", fixture_header(t.offered, "Session-Expires", 0));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_the_other_phone_of_one_that_vanished_hears_a_bye),
        T(test_the_callee_hears_it_when_the_caller_vanished),
        T(test_nobody_is_told_when_both_are_gone),
        T(test_an_operator_ends_a_call),
        T(test_a_call_that_rings_is_not_hung_up_on),
        T(test_a_bye_goes_to_the_newest_contact),
        T(test_a_refused_answer_within_a_call_ends_it),
        T(test_a_refused_ack_ends_the_call),
        T(test_replaces_reaches_the_phone_that_has_the_dialog),
        T(test_a_call_that_is_not_refreshed_ends),
        T(test_a_timer_that_is_too_short_is_refused),
        T(test_who_knows_timers_refreshes),
        T(test_where_nobody_knows_timers_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
