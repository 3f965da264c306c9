/* Hold, glare, transfers: what happens within calls that stand. */
#include "kit/kit.h"

#include "phone/bed.h"
#include <stdio.h>

static void test_hold_and_resume(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TLS);
    bed_talk(b);
    assert_rc(RC_OK, phone_call_hold(b->a.call, true));
    assert_true(b->a.call->info.changing);
    assert_rc(RC_CONFLICT, phone_call_hold(b->a.call, false));
    bed_run(b);
    bed_assert_log(b, "a INVITE, b 200 INVITE, a ACK, ");
    bed_assert_events(&b->a, "changed, ");
    bed_assert_events(&b->b, "changed, ");
    assert_true(b->a.call->info.holding && !b->a.call->info.changing);
    assert_true(b->b.call->info.is_held);
    assert_rc(RC_OK, phone_call_hold(b->a.call, true)); /* it is so already */
    bed_assert_log(b, "");
    assert_rc(RC_OK, phone_call_hold(b->a.call, false));
    bed_run(b);
    bed_assert_events(&b->b, "changed, ");
    assert_false(b->b.call->info.is_held || b->a.call->info.holding);
    bed_free(b);
}

static void test_a_refused_hold_leaves_all_as_it_was(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TLS);
    bed_talk(b);
    b->b.refuses_media = true;
    assert_rc(RC_OK, phone_call_hold(b->a.call, true));
    bed_run(b);
    bed_assert_log(b, "a INVITE, b 488 INVITE, a ACK, ");
    bed_assert_events(&b->a, "change failed, ");
    bed_assert_events(&b->b, "");
    assert_false(b->a.call->info.holding);
    assert_int_equal(PHONE_CALL_TALKING, b->a.call->info.state);
    b->b.refuses_media = false;
    assert_rc(RC_OK, phone_call_hold(b->a.call, true));
    bed_run(b);
    assert_true(b->b.call->info.is_held);
    bed_free(b);
}

static void test_both_hold_at_once_and_meet_again_later(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    bed_talk(b);
    assert_rc(RC_OK, phone_call_hold(b->a.call, true));
    assert_rc(RC_OK, phone_call_hold(b->b.call, true));
    bed_run(b);
    assert_non_null(strstr(b->log, "a 491 INVITE"));
    assert_non_null(strstr(b->log, "b 491 INVITE"));
    bed_assert_events(&b->a, "");
    bed_pass(b, 4100);
    assert_true(b->a.call->info.holding && b->a.call->info.is_held);
    assert_true(b->b.call->info.holding && b->b.call->info.is_held);
    assert_non_null(strstr(b->a.events, "changed, "));
    assert_non_null(strstr(b->b.events, "changed, "));
    bed_free(b);
}

static void test_a_hold_that_meets_nobody_ends_the_call(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    bed_talk(b);
    phone_call_hang_up(b->b.call);
    bed_pass(b, 1); /* the BYE is under way; make it lost */
    bed_free(b);
    b = bed_new(SIPTX_UDP);
    bed_talk(b);
    b->lose = "BYE sip";
    b->lose_count = 100;
    phone_call_hang_up(b->b.call);
    bed_pass(b, 40000);
    bed_forget(b);
    assert_rc(RC_OK, phone_call_hold(b->a.call, true));
    bed_run(b);
    assert_non_null(strstr(b->log, "a INVITE, b 481 INVITE, a ACK, a BYE, "));
    bed_assert_events(&b->a, "ended lost, ");
    bed_free(b);
}

static void test_a_reinvite_before_the_ack_is_told_to_wait(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_UDP);
    struct phone_call *call;
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
    bed_run(b);
    bed_forget(b);
    b->lose = "ACK sip";
    b->lose_count = 1;
    assert_rc(RC_OK, phone_call_answer(b->b.call));
    bed_run(b);
    assert_rc(RC_OK, phone_call_hold(b->a.call, true));
    bed_run(b);
    assert_non_null(strstr(b->log, "b 500 INVITE"));
    bed_assert_events(&b->a, "answered, ");
    bed_pass(b, 15000); /* as long as it said, 10 s at most */
    bed_assert_events(&b->a, "changed, ");
    assert_true(b->a.call->info.holding && b->b.call->info.is_held);
    bed_free(b);
}

static void test_update_changes_without_an_ack(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    bed_talk(b);
    uint32_t cseq = b->b.call->dialog.remote_cseq;
    bed_in_dialog(&b->b, "UPDATE", cseq + 1, "Content-Type: application/sdp\r\n",
                  "v=0\r\noffer 9 sendonly\r\n");
    bed_assert_log(b, "b 200 UPDATE, ");
    bed_assert_events(&b->b, "changed, ");
    assert_non_null(strstr(b->b.last, "\r\nanswer "));
    bed_in_dialog(&b->b, "UPDATE", cseq + 2, "", "");
    bed_assert_log(b, "b 200 UPDATE, ");
    assert_string_equal("sip:peer@192.0.2.1:5072", b->b.call->dialog.target);
    bed_in_dialog(&b->b, "UPDATE", cseq + 3, "Supported: timer\r\nSession-Expires: 60\r\n", "");
    bed_assert_log(b, "b 422 UPDATE, ");
    b->b.refuses_media = true;
    bed_in_dialog(&b->b, "UPDATE", cseq + 4, "Content-Type: application/sdp\r\n", "v=0\r\n");
    bed_assert_log(b, "b 488 UPDATE, ");
    bed_free(b);
}

/* ---- several calls ---- */

static void test_a_second_call_waits_and_answering_it_holds_the_first(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TLS);
    struct phone_call *second;
    bed_talk(b);
    struct phone_call *first = b->b.call;
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &second));
    bed_run(b);
    struct phone_call *waiting = phone_calls_at(b->b.calls, 1);
    assert_non_null(strstr(b->b.events, "incoming, "));
    assert_true(first->info.is_held); /* who dials holds what he talks in */
    assert_rc(RC_OK, phone_call_answer(waiting));
    bed_run(b);
    assert_true(first->info.holding && !waiting->info.holding);
    assert_true(phone_calls_at(b->b.calls, 0) == first);
    bed_free(b);
}

/* ---- transfers ---- */

static void test_a_blind_transfer(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TLS);
    bed_talk(b);
    struct phone_call *at_a = b->a.call, *at_b = b->b.call;
    /* b sends a's phone to 1020, which on this wire is b again */
    assert_rc(RC_OK, phone_call_transfer(at_b, STR("1020")));
    bed_run(b);
    assert_non_null(strstr(b->log, "b REFER, a INVITE, a 202 REFER, a NOTIFY, "));
    bed_assert_events(&b->a, "referred, ringing, ");
    assert_non_null(strstr(b->b.events, "incoming, "));
    assert_non_null(strstr(b->b.events, "transferring, "));
    assert_rc(RC_OK, phone_call_answer(phone_calls_at(b->b.calls, 1)));
    bed_run(b);
    assert_int_equal(PHONE_CAUSE_TRANSFERRED, at_b->info.cause);
    assert_int_equal(PHONE_CAUSE_PEER_HUNG_UP, at_a->info.cause);
    bed_pass(b, 100);
    assert_int_equal(1, phone_calls_count(b->a.calls));
    assert_int_equal(1, phone_calls_count(b->b.calls));
    bed_free(b);
}

static void test_a_transfer_to_somebody_busy_fails_and_the_call_goes_on(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TLS);
    bed_talk(b);
    struct phone_call *at_b = b->b.call;
    assert_rc(RC_OK, phone_call_transfer(at_b, STR("1020")));
    bed_run(b);
    assert_rc(RC_OK, phone_call_reject(phone_calls_at(b->b.calls, 1), 486));
    bed_run(b);
    assert_non_null(strstr(b->b.events, "transfer failed, "));
    assert_int_equal(486, at_b->info.status);
    assert_int_equal(PHONE_CALL_TALKING, at_b->info.state);
    assert_non_null(strstr(b->a.events, "ended busy, "));
    assert_rc(RC_OK, phone_call_transfer(at_b, STR("1020"))); /* and may be tried again */
    bed_free(b);
}

static void test_a_transfer_nobody_reports_on_has_failed(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_UDP);
    bed_talk(b);
    b->lose = "NOTIFY sip";
    b->lose_count = 1000;
    assert_rc(RC_OK, phone_call_transfer(b->b.call, STR("1020")));
    struct phone_call *at_b = b->b.call;
    bed_pass(b, 181000);
    assert_non_null(strstr(b->b.events, "transfer failed, "));
    assert_false(at_b->info.transferring);
    bed_free(b);
}

static void test_an_attended_transfer_joins_two_calls(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TLS);
    struct phone_call *second;
    bed_talk(b);
    struct phone_call *first = b->a.call;
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &second));
    bed_run(b);
    assert_rc(RC_OK, phone_call_answer(phone_calls_at(b->b.calls, 1)));
    bed_pass(b, 5000);
    bed_forget(b);
    /* a tells b's first call to take a's place in the second */
    assert_rc(RC_OK, phone_call_transfer_to(first, second));
    bed_run(b);
    assert_non_null(strstr(b->log, "b INVITE, "));
    (void)second;
    /* the new INVITE comes to a, not to b: Replaces names the other end's view of it */
    assert_non_null(strstr(b->log, "a 481 INVITE"));
    assert_non_null(strstr(b->a.events, "transfer failed, "));
    bed_free(b);
}

static void test_an_invite_with_replaces_takes_the_place_at_once(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TLS);
    char extra[1024];
    struct phone_call *next;
    bed_talk(b);
    struct phone_call *old = b->b.call;
    const struct phone_dialog *d = &old->dialog;
    snprintf(extra, sizeof extra, "Replaces: %s;to-tag=%s;from-tag=%s\r\n", d->call_id,
             d->local_tag, d->remote_tag);
    assert_rc(RC_OK, call_start(b->a.calls, STR("sip:1020@ucm1.example"), str_from(extra), &next));
    bed_run(b);
    assert_int_equal(PHONE_CALL_TALKING, next->info.state);
    assert_non_null(strstr(b->b.events, "answered, ended replaced, replaces, "));
    assert_non_null(strstr(b->a.events, "ended peer-hung-up, "));
    bed_pass(b, 100);
    assert_int_equal(1, phone_calls_count(b->b.calls));
    /* the call replaced is no more: whoever asks again is told so */
    assert_rc(RC_OK, call_start(b->a.calls, STR("sip:1020@ucm1.example"), str_from(extra), &next));
    bed_run(b);
    assert_int_equal(481, next->info.status);
    bed_free(b);
}

static void test_refers_that_are_not_followed(void **state)
{
    (void)state;
    static const struct {
        const char *more, *log;
    } rows[] = {
        {"", "b 400 REFER, "},
        {"Refer-To: <tel:+123>\r\n", "b 400 REFER, "},
        {"Refer-To: <sip:x@y>\r\nRefer-To: <sip:z@y>\r\n", "b 400 REFER, "},
        {"Refer-To: <sip:x@y;method=BYE>\r\n", "b 403 REFER, "},
        {"Refer-To: <sip:x@y?Replaces=a%0d%0aEvil:%201>\r\n", "b 400 REFER, "},
    };
    struct bed *b = bed_new(SIPTX_TCP);
    bed_talk(b);
    uint32_t cseq = b->b.call->dialog.remote_cseq;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bed_in_dialog(&b->b, "REFER", ++cseq, rows[i].more, "");
        bed_assert_log(b, rows[i].log);
    }
    assert_int_equal(1, phone_calls_count(b->b.calls));
    bed_free(b);
}

static void test_one_transfer_at_a_time(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    bed_talk(b);
    struct phone_call *talk = b->b.call;
    uint32_t cseq = talk->dialog.remote_cseq;
    b->lose = ""; /* whom b calls then does not answer */
    b->lose_count = 1000;
    bed_in_dialog(&b->b, "REFER", cseq + 1, "Refer-To: <sip:1@ucm1.example>\r\n", "");
    assert_int_equal(2, phone_calls_count(b->b.calls));
    b->b.call = talk;
    bed_in_dialog(&b->b, "REFER", cseq + 2, "Refer-To: <sip:2@ucm1.example>\r\n", "");
    assert_non_null(strstr(b->log, "b 603 REFER, "));
    assert_int_equal(2, phone_calls_count(b->b.calls));
    bed_free(b);
}

static void test_notifies_nobody_asked_for(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    bed_talk(b);
    uint32_t cseq = b->b.call->dialog.remote_cseq;
    bed_in_dialog(&b->b, "NOTIFY", cseq + 1, "Event: refer\r\nSubscription-State: terminated\r\n",
                  "SIP/2.0 200 OK\r\n");
    bed_assert_log(b, "b 481 NOTIFY, ");
    bed_in_dialog(&b->b, "NOTIFY", cseq + 2, "Event: presence\r\n", "");
    bed_assert_log(b, "b 489 NOTIFY, ");
    bed_assert_events(&b->b, "");
    bed_free(b);
}

static void test_the_referrer_goes_before_the_new_call_stands(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TLS);
    bed_talk(b);
    struct phone_call *at_b = b->b.call;
    assert_rc(RC_OK, phone_call_transfer(at_b, STR("1020")));
    bed_run(b);
    phone_call_hang_up(at_b);
    bed_pass(b, 1000);
    assert_int_equal(1, phone_calls_count(b->a.calls));
    assert_rc(RC_OK, phone_call_answer(phone_calls_at(b->b.calls, 0)));
    bed_run(b);
    assert_int_equal(PHONE_CALL_TALKING, phone_calls_at(b->a.calls, 0)->info.state);
    bed_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hold_and_resume),
        cmocka_unit_test(test_a_refused_hold_leaves_all_as_it_was),
        cmocka_unit_test(test_both_hold_at_once_and_meet_again_later),
        cmocka_unit_test(test_a_hold_that_meets_nobody_ends_the_call),
        cmocka_unit_test(test_a_reinvite_before_the_ack_is_told_to_wait),
        cmocka_unit_test(test_update_changes_without_an_ack),
        cmocka_unit_test(test_a_second_call_waits_and_answering_it_holds_the_first),
        cmocka_unit_test(test_a_blind_transfer),
        cmocka_unit_test(test_a_transfer_to_somebody_busy_fails_and_the_call_goes_on),
        cmocka_unit_test(test_a_transfer_nobody_reports_on_has_failed),
        cmocka_unit_test(test_an_attended_transfer_joins_two_calls),
        cmocka_unit_test(test_an_invite_with_replaces_takes_the_place_at_once),
        cmocka_unit_test(test_refers_that_are_not_followed),
        cmocka_unit_test(test_one_transfer_at_a_time),
        cmocka_unit_test(test_notifies_nobody_asked_for),
        cmocka_unit_test(test_the_referrer_goes_before_the_new_call_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
