#include "kit/kit.h"

#include "phone/bed.h"
#include <stdio.h>

/* ---- a call from begin to end ---- */

static void test_a_call_from_dialling_to_hanging_up(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TLS);
    struct phone_call *call;
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
    assert_int_equal(PHONE_CALL_CALLING, phone_call_info(call)->state);
    bed_run(b);
    bed_assert_log(b, "a INVITE, b 180 INVITE, ");
    bed_assert_events(&b->a, "ringing, ");
    bed_assert_events(&b->b, "incoming, ");
    assert_string_equal("sip:1020@ucm1.example", call->info.peer);
    assert_string_equal("1010", b->b.call->info.peer_number);
    assert_string_equal("Rado \"R\" Nov\xc3\xa1k", b->b.call->info.peer_name);
    assert_rc(RC_OK, phone_call_answer(b->b.call));
    bed_run(b);
    bed_assert_log(b, "b 200 INVITE, a ACK, ");
    bed_assert_events(&b->a, "answered, ");
    bed_assert_events(&b->b, "answered, ");
    assert_int_equal(PHONE_CALL_TALKING, b->b.call->info.state);
    phone_call_hang_up(call);
    bed_run(b);
    bed_assert_log(b, "a BYE, b 200 BYE, ");
    bed_assert_events(&b->a, "ended hung-up, ");
    bed_assert_events(&b->b, "ended peer-hung-up, ");
    bed_pass(b, 1);
    assert_int_equal(0, phone_calls_count(b->a.calls));
    assert_int_equal(0, phone_calls_count(b->b.calls));
    bed_free(b);
}

static void test_the_called_side_hangs_up(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_UDP);
    bed_talk(b);
    phone_call_hang_up(b->b.call);
    bed_pass(b, 6000);
    bed_assert_log(b, "b BYE, a 200 BYE, ");
    bed_assert_events(&b->a, "ended peer-hung-up, ");
    assert_int_equal(0, phone_calls_count(b->b.calls));
    bed_free(b);
}

static void test_what_can_be_dialled(void **state)
{
    (void)state;
    static const struct {
        const char *target, *uri;
    } rows[] = {
        {"1020", "sip:1020@ucm1.example"},
        {" +49 (30) 12-34 ", "sip:+49301234@ucm1.example"},
        {"*21#", "sip:*21%23@ucm1.example"},
        {"rado", "sip:rado@ucm1.example"},
        {"rado@other.example", "sip:rado@other.example"},
        {"sip:1020@10.0.0.1;transport=tcp", "sip:1020@10.0.0.1;transport=tcp"},
        {"a b", "sip:a%20b@ucm1.example"},
        {"", NULL},
        {"sip:", NULL},
        {"sip:x@y?Replaces=1", NULL},
        {"x@y\r\nEvil: 1", NULL},
    };
    struct bed *b = bed_new(SIPTX_TCP);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char uri[PHONE_URI_MAX] = "";
        enum rc rc = call_target(b->a.calls, str_from(rows[i].target), uri);
        if (rows[i].uri) {
            assert_rc(RC_OK, rc);
            assert_string_equal(rows[i].uri, uri);
        } else {
            assert_rc(RC_MALFORMED, rc);
        }
    }
    bed_free(b);
}

static void test_without_registration_nothing_is_dialled(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    struct phone_call *call;
    bed_cut(b);
    assert_rc(RC_CLOSED, phone_call_dial(b->a.calls, STR("1020"), &call));
    assert_int_equal(0, phone_calls_count(b->a.calls));
    bed_free(b);
}

/* ---- refusals ---- */

static void refuse_with(unsigned status, const char *cause)
{
    struct bed *b = bed_new(SIPTX_TCP);
    struct phone_call *call;
    char expected[64];
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
    bed_run(b);
    bed_forget(b);
    assert_rc(RC_OK, phone_call_reject(b->b.call, status));
    bed_run(b);
    snprintf(expected, sizeof expected, "ended %s, ", cause);
    bed_assert_events(&b->a, expected);
    bed_assert_events(&b->b, "ended rejected, ");
    bed_pass(b, 40000);
    assert_int_equal(0, phone_calls_count(b->a.calls));
    bed_free(b);
}

static void test_each_refusal_has_its_cause(void **state)
{
    (void)state;
    refuse_with(486, "busy");
    refuse_with(600, "busy");
    refuse_with(480, "no-answer");
    refuse_with(603, "declined");
    refuse_with(404, "not-found");
    refuse_with(403, "forbidden");
    refuse_with(488, "unacceptable");
    refuse_with(500, "refused");
    for (int c = 0; c < PHONE_CAUSE_COUNT; c++) {
        assert_true(strlen(phone_cause_name((enum phone_call_cause)c)) > 2);
        assert_true(strlen(phone_cause_sentence((enum phone_call_cause)c)) > 5);
    }
}

static void test_nobody_answers(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    struct phone_call *call;
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
    bed_pass(b, PHONE_RING_S * 1000 - 1);
    bed_assert_events(&b->b, "incoming, ");
    bed_forget(b);
    bed_pass(b, 1);
    bed_assert_log(b, "b 480 INVITE, a ACK, ");
    bed_assert_events(&b->a, "ended no-answer, ");
    bed_assert_events(&b->b, "ended unanswered, ");
    bed_free(b);
}

static void test_nobody_there_at_all(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_UDP);
    struct phone_call *call;
    b->lose = "INVITE";
    b->lose_count = 100;
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
    bed_pass(b, 32000);
    bed_assert_events(&b->a, "ended timeout, ");
    assert_int_equal(7, b->lost);
    bed_free(b);
}

static void test_do_not_disturb_and_no_waiting_are_busy(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    struct phone_call *call;
    phone_calls_set_waiting(b->b.calls, true, true);
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
    bed_run(b);
    bed_assert_events(&b->a, "ended busy, ");
    bed_assert_events(&b->b, "");
    phone_calls_set_waiting(b->b.calls, false, false);
    bed_talk(b);
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
    bed_run(b);
    assert_non_null(strstr(b->a.events, "ended busy, "));
    assert_null(strstr(b->b.events, "incoming"));
    bed_free(b);
}

static void test_calls_have_a_bound(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    struct phone_call *call;
    for (int i = 0; i < PHONE_CALL_MAX; i++)
        assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
    assert_rc(RC_BUSY, phone_call_dial(b->a.calls, STR("1020"), &call));
    bed_run(b);
    phone_calls_hang_up_all(b->a.calls);
    bed_pass(b, 40000);
    assert_int_equal(0, phone_calls_count(b->a.calls));
    assert_int_equal(0, phone_calls_count(b->b.calls));
    bed_free(b);
}

/* ---- cancelling ---- */

static void test_giving_up_while_it_rings(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_UDP);
    struct phone_call *call;
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
    bed_run(b);
    bed_forget(b);
    phone_call_hang_up(call);
    bed_assert_events(&b->a, "ended hung-up, ");
    bed_run(b);
    bed_assert_log(b, "a CANCEL, b 200 CANCEL, b 487 INVITE, a ACK, ");
    bed_assert_events(&b->b, "ended peer-gave-up, ");
    bed_pass(b, 40000);
    assert_int_equal(0, phone_calls_count(b->a.calls));
    bed_free(b);
}

static void test_giving_up_just_as_the_other_answers(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    struct phone_call *call;
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
    bed_run(b);
    bed_forget(b);
    assert_rc(RC_OK, phone_call_answer(b->b.call));
    phone_call_hang_up(call);
    bed_run(b);
    bed_assert_events(&b->a, "ended hung-up, ");
    assert_non_null(strstr(b->log, "a ACK, a BYE, "));
    bed_assert_events(&b->b, "answered, ended peer-hung-up, ");
    bed_pass(b, 40000);
    assert_int_equal(0, phone_calls_count(b->a.calls));
    assert_int_equal(0, phone_calls_count(b->b.calls));
    bed_free(b);
}

/* ---- lost messages ---- */

static void test_a_lost_200_is_sent_again_until_its_ack(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_UDP);
    struct phone_call *call;
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
    bed_run(b);
    b->lose = "SIP/2.0 200";
    b->lose_count = 2;
    assert_rc(RC_OK, phone_call_answer(b->b.call));
    bed_forget(b);
    bed_pass(b, 499);
    bed_assert_log(b, "");
    bed_pass(b, 1);
    bed_assert_log(b, "b 200 INVITE, ");
    bed_pass(b, 1000);
    bed_assert_log(b, "b 200 INVITE, a ACK, ");
    assert_int_equal(PHONE_CALL_TALKING, b->b.call->info.state);
    bed_pass(b, 31000);
    bed_assert_log(b, "");
    bed_free(b);
}

static void test_a_lost_ack_is_sent_again_for_each_200(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_UDP);
    struct phone_call *call;
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
    bed_run(b);
    b->lose = "ACK sip";
    b->lose_count = 3;
    assert_rc(RC_OK, phone_call_answer(b->b.call));
    bed_run(b);
    assert_int_equal(PHONE_CALL_TALKING, b->a.call->info.state);
    assert_int_equal(PHONE_CALL_ANSWERING, b->b.call->info.state);
    bed_pass(b, 3500);
    assert_int_equal(PHONE_CALL_TALKING, b->b.call->info.state);
    bed_assert_events(&b->a, "ringing, answered, ");
    bed_free(b);
}

static void test_an_ack_that_never_comes_ends_the_call(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_UDP);
    struct phone_call *call;
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
    bed_run(b);
    b->lose = "ACK sip";
    b->lose_count = 100;
    assert_rc(RC_OK, phone_call_answer(b->b.call));
    bed_pass(b, 31999);
    assert_int_equal(PHONE_CALL_ANSWERING, b->b.call->info.state);
    bed_assert_events(&b->b, "incoming, answered, ");
    bed_pass(b, 1);
    bed_assert_events(&b->b, "ended timeout, ");
    bed_assert_events(&b->a, "ringing, answered, ended peer-hung-up, ");
    bed_free(b);
}

static void test_a_repeated_invite_rings_once(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_UDP);
    struct phone_call *call;
    b->lose = "SIP/2.0 180";
    b->lose_count = 1;
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
    bed_pass(b, 600);
    bed_assert_events(&b->b, "incoming, ");
    bed_assert_events(&b->a, "ringing, ");
    bed_assert_log(b, "a INVITE, b 180 INVITE, a INVITE, b 180 INVITE, ");
    bed_free(b);
}

/* ---- answers made by hand ---- */

/* An answer to the last INVITE of s, by a tag of the test's choice. */
static void answer(struct bed_side *s, const char *invite, unsigned status, const char *tag,
                   const char *more, const char *body)
{
    struct sip_message m;
    char text[8192];
    assert_rc(RC_OK, sip_message_parse(str_from(invite), SIP_STREAM, &m, NULL));
    snprintf(text, sizeof text,
             "SIP/2.0 %u X\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s;tag=%s\r\nCall-ID: %.*s\r\n"
             "CSeq: %.*s\r\nContact: <sip:%s@192.0.2.1:5072>\r\n%sContent-Length: %zu\r\n\r\n%s",
             status, STR_ARG(sip_message_value(&m, SIP_HEADER_VIA)),
             STR_ARG(sip_message_value(&m, SIP_HEADER_FROM)),
             STR_ARG(sip_message_value(&m, SIP_HEADER_TO)), tag,
             STR_ARG(sip_message_value(&m, SIP_HEADER_CALL_ID)),
             STR_ARG(sip_message_value(&m, SIP_HEADER_CSEQ)), tag, more, strlen(body), body);
    bed_in(s, text);
}

/* a has dialled; what it sent is *invite, and nobody at b hears of it. */
static struct bed *dial_alone(char invite[16384])
{
    struct bed *b = bed_new(SIPTX_TCP);
    struct phone_call *call;
    b->lose = "";
    b->lose_count = 1000;
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
    memcpy(invite, b->a.last, sizeof b->a.last);
    bed_forget(b);
    return b;
}

#define SDP_TYPE "Content-Type: application/sdp\r\n"

static void test_two_forks_answer_and_the_second_is_hung_up(void **state)
{
    (void)state;
    static char invite[16384];
    struct bed *b = dial_alone(invite);
    answer(&b->a, invite, 200, "one", SDP_TYPE, "v=0\r\nanswer 1 sendrecv\r\n");
    bed_assert_log(b, "a ACK, ");
    bed_assert_events(&b->a, "answered, ");
    answer(&b->a, invite, 200, "two", SDP_TYPE, "v=0\r\nanswer 1 sendrecv\r\n");
    bed_assert_log(b, "a ACK, a BYE, ");
    assert_non_null(strstr(b->a.last, "BYE sip:two@192.0.2.1:5072"));
    answer(&b->a, invite, 200, "one", SDP_TYPE, "v=0\r\nanswer 1 sendrecv\r\n");
    bed_assert_log(b, "a ACK, ");
    assert_non_null(strstr(b->a.last, "ACK sip:one@192.0.2.1:5072"));
    assert_string_equal("one", phone_calls_at(b->a.calls, 0)->dialog.remote_tag);
    bed_assert_events(&b->a, "");
    bed_free(b);
}

static void test_an_old_200_comes_after_its_transaction_and_is_acked(void **state)
{
    (void)state;
    static char invite[16384];
    struct bed *b = dial_alone(invite);
    answer(&b->a, invite, 200, "one", SDP_TYPE, "v=0\r\nanswer 1 sendrecv\r\n");
    bed_pass(b, 40000);
    bed_forget(b);
    answer(&b->a, invite, 200, "one", SDP_TYPE, "v=0\r\nanswer 1 sendrecv\r\n");
    bed_assert_log(b, "a ACK, ");
    answer(&b->a, invite, 200, "stranger", SDP_TYPE, "v=0\r\nanswer 1 sendrecv\r\n");
    bed_assert_log(b, "");
    bed_free(b);
}

static void test_the_way_there_is_kept_and_followed(void **state)
{
    (void)state;
    static char invite[16384];
    struct bed *b = dial_alone(invite);
    answer(&b->a, invite, 200, "one",
           SDP_TYPE "Record-Route: <sip:p2;lr>, <sip:p1;lr;x=a>\r\nRecord-Route: <sip:p0;lr>\r\n",
           "v=0\r\nanswer 1 sendrecv\r\n");
    assert_non_null(strstr(b->a.last, "ACK sip:one@192.0.2.1:5072 SIP/2.0\r\n"));
    assert_non_null(strstr(b->a.last, "Route: <sip:p0;lr>\r\nRoute: <sip:p1;lr;x=a>\r\n"
                                      "Route: <sip:p2;lr>\r\n"));
    bed_free(b);
}

static void test_a_strict_router_is_the_request_uri(void **state)
{
    (void)state;
    static char invite[16384];
    struct bed *b = dial_alone(invite);
    answer(&b->a, invite, 200, "one", SDP_TYPE "Record-Route: <sip:p1;lr>, <sip:strict>\r\n",
           "v=0\r\nanswer 1 sendrecv\r\n");
    assert_non_null(strstr(b->a.last, "ACK sip:strict SIP/2.0\r\n"));
    assert_non_null(strstr(b->a.last, "Route: <sip:p1;lr>\r\nRoute: <sip:one@192.0.2.1:5072>\r\n"));
    bed_free(b);
}

static void test_a_challenge_is_answered_once(void **state)
{
    (void)state;
    static char invite[16384];
    struct bed *b = dial_alone(invite);
    answer(&b->a, invite, 407, "p", "", "");
    bed_assert_log(b, "a ACK, a INVITE, ");
    assert_non_null(strstr(b->a.last, "Proxy-Authorization: Bearer token=\"secret\"\r\n"));
    assert_non_null(strstr(b->a.last, "To: <sip:1020@ucm1.example>\r\n"));
    memcpy(invite, b->a.last, sizeof b->a.last);
    answer(&b->a, invite, 407, "p", "", "");
    bed_assert_events(&b->a, "ended forbidden, ");
    assert_int_equal(1, b->a.credentials_given);
    bed_free(b);
    b = dial_alone(invite);
    answer(&b->a, invite, 407, "p", "", "");
    memcpy(invite, b->a.last, sizeof b->a.last);
    answer(&b->a, invite, 200, "one", SDP_TYPE, "v=0\r\nanswer 1 sendrecv\r\n");
    assert_non_null(strstr(b->a.last, "ACK "));
    assert_non_null(strstr(b->a.last, "Proxy-Authorization: Bearer")); /* RFC 3261, 22.1 */
    bed_free(b);
}

static void test_early_sound_is_heard_and_the_answer_may_repeat_it(void **state)
{
    (void)state;
    static char invite[16384];
    struct bed *b = dial_alone(invite);
    answer(&b->a, invite, 183, "one", SDP_TYPE, "v=0\r\nanswer 1 sendrecv\r\n");
    bed_assert_events(&b->a, "early, ");
    answer(&b->a, invite, 180, "one", "", "");
    bed_assert_events(&b->a, "");
    answer(&b->a, invite, 200, "one", SDP_TYPE, "v=0\r\nanswer 1 sendrecv\r\n");
    bed_assert_events(&b->a, "answered, ");
    bed_free(b);
}

static void test_an_answer_without_encryption_is_taken_and_ended(void **state)
{
    (void)state;
    static char invite[16384];
    struct bed *b = dial_alone(invite);
    b->a.refuses_media = true;
    answer(&b->a, invite, 200, "one", SDP_TYPE, "v=0\r\nplain\r\n");
    bed_assert_log(b, "a ACK, a BYE, ");
    bed_assert_events(&b->a, "ended unacceptable, ");
    assert_non_null(strstr(b->a.last, "Reason: SIP;cause=488;text=\"SRTP is required on this "
                                      "line\"\r\n"));
    answer(&b->a, b->a.last, 200, "one", "", "");
    bed_pass(b, 1);
    assert_int_equal(0, phone_calls_count(b->a.calls));
    bed_free(b);
}

static void test_answers_nobody_can_use_end_the_call(void **state)
{
    (void)state;
    static char invite[16384];
    struct bed *b = dial_alone(invite);
    answer(&b->a, invite, 200, "one", "", "");
    bed_assert_log(b, "a ACK, a BYE, ");
    bed_assert_events(&b->a, "ended broken, ");
    bed_free(b);
    b = dial_alone(invite);
    char *contact = strstr(invite, "Contact");
    assert_non_null(contact);
    answer(&b->a, invite, 200, "one\r\nX: ", SDP_TYPE, "v=0\r\n"); /* the Contact becomes "..." */
    bed_pass(b, 100000);
    assert_int_equal(0, phone_calls_count(b->a.calls));
    bed_free(b);
}

static void test_a_longer_session_is_asked_for_after_422(void **state)
{
    (void)state;
    static char invite[16384];
    struct bed *b = dial_alone(invite);
    assert_non_null(strstr(invite, "Session-Expires: 1800\r\nMin-SE: 90\r\n"));
    answer(&b->a, invite, 422, "p", "Min-SE: 3600\r\n", "");
    assert_non_null(strstr(b->a.last, "Session-Expires: 3600\r\nMin-SE: 3600\r\n"));
    memcpy(invite, b->a.last, sizeof b->a.last);
    answer(&b->a, invite, 422, "p", "Min-SE: 10\r\n", "");
    bed_assert_events(&b->a, "ended refused, ");
    bed_free(b);
}

/* ---- offers in bad shape ---- */

static void invite_b(struct bed *b, const char *more, const char *body)
{
    char text[4096];
    static unsigned n;
    snprintf(
        text, sizeof text,
        "INVITE sip:1020@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1:5071;branch=z9hG4bKx%u\r\n"
        "From: <sip:1010@ucm1.example>;tag=f%u\r\nTo: <sip:1020@ucm1.example>\r\n"
        "Call-ID: raw%u\r\nCSeq: 1 INVITE\r\nContact: <sip:1010@192.0.2.1:5071>\r\n%s"
        "Content-Length: %zu\r\n\r\n%s",
        n, n, n, more, strlen(body), body);
    n++;
    bed_in(&b->b, text);
}

static void test_an_offer_without_encryption_never_rings(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    b->b.refuses_media = true;
    invite_b(b, SDP_TYPE, "v=0\r\nplain\r\n");
    bed_assert_log(b, "b 488 INVITE, ");
    assert_non_null(
        strstr(b->b.last, "Warning: 304 bearline-phone \"SRTP is required on this line\"\r\n"));
    bed_assert_events(&b->b, "");
    assert_int_equal(0, phone_calls_count(b->b.calls));
    bed_free(b);
}

static void test_invites_that_ask_too_much(void **state)
{
    (void)state;
    static const struct {
        const char *more, *body, *log;
    } rows[] = {
        {"Require: precondition, timer\r\n", "", "b 420 INVITE, "},
        {"Content-Type: text/plain\r\n", "hello", "b 415 INVITE, "},
        {"Supported: timer\r\nSession-Expires: 30\r\n", "", "b 422 INVITE, "},
        {"Replaces: nobody;to-tag=1;from-tag=2\r\n", "", "b 481 INVITE, "},
        {"Replaces: a;to-tag=1\r\nReplaces: b;to-tag=1\r\n", "", "b 400 INVITE, "},
        {"Record-Route: <sip:\r\n", "", "b 400 INVITE, "},
    };
    struct bed *b = bed_new(SIPTX_TCP);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        invite_b(b, rows[i].more, rows[i].body);
        bed_assert_log(b, rows[i].log);
        assert_int_equal(0, phone_calls_count(b->b.calls));
        bed_run(b);
        bed_forget(b);
    }
    bed_free(b);
}

static void test_an_invite_without_offer_gets_ours_and_its_answer_in_the_ack(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    invite_b(b, "", "");
    bed_assert_events(&b->b, "incoming, ");
    assert_rc(RC_OK, phone_call_answer(b->b.call));
    assert_non_null(strstr(b->b.last, "\r\noffer 1 sendrecv"));
    bed_in_dialog(&b->b, "ACK", 1, SDP_TYPE, "v=0\r\nanswer 1 sendonly\r\n");
    assert_int_equal(PHONE_CALL_TALKING, b->b.call->info.state);
    assert_true(b->b.call->info.is_held);
    bed_free(b);
    b = bed_new(SIPTX_TCP);
    invite_b(b, "", "");
    assert_rc(RC_OK, phone_call_answer(b->b.call));
    bed_forget(b);
    bed_in_dialog(&b->b, "ACK", 1, "", "");
    bed_assert_events(&b->b, "ended unacceptable, ");
    bed_free(b);
}

/* ---- strangers ---- */

static void test_a_bye_with_guessed_tags_reaches_no_call(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    bed_talk(b);
    char *tag = b->b.call->dialog.remote_tag, first = tag[0];
    struct phone_dialog *d = &b->a.call->dialog;
    tag[0] = 'x';
    bed_in_dialog(&b->b, "BYE", 9999999, "", ""); /* fits: the test changed what it compares with */
    bed_assert_events(&b->b, "ended peer-hung-up, ");
    assert_int_equal(first, d->local_tag[0]);
    phone_call_hang_up(b->a.call); /* and the true one's BYE finds nobody */
    bed_forget(b);
    bed_run(b);
    bed_assert_log(b, "b 481 BYE, ");
    bed_free(b);
}

static void test_requests_out_of_order_and_of_unknown_dialogs(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    bed_talk(b);
    uint32_t cseq = b->b.call->dialog.remote_cseq;
    bed_in_dialog(&b->b, "BYE", cseq, "", "");
    bed_assert_log(b, "b 500 BYE, ");
    bed_in_dialog(&b->b, "INFO", cseq + 1, "", "");
    bed_assert_log(b, "b 200 INFO, ");
    bed_in_dialog(&b->b, "INFO", cseq + 2, "Content-Type: text/plain\r\n", "x");
    bed_assert_log(b, "b 415 INFO, ");
    bed_in_dialog(&b->b, "OPTIONS", cseq + 3, "", "");
    bed_assert_log(b, "b 200 OPTIONS, ");
    bed_in_dialog(&b->b, "PUBLISH", cseq + 4, "", "");
    bed_assert_log(b, "b 405 PUBLISH, ");
    bed_in_dialog(&b->b, "BYE", cseq + 5, "Require: nonsense\r\n", "");
    bed_assert_log(b, "b 420 BYE, ");
    bed_assert_events(&b->b, "");
    bed_free(b);
}

static void test_another_connection_reaches_no_call(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    bed_talk(b);
    struct siptx_flow *flow = b->b.calls->flow;
    b->b.calls->flow = b->a.flow; /* the line is registered elsewhere */
    bed_in_dialog(&b->b, "BYE", 9999999, "", "");
    bed_assert_log(b, "b 403 BYE, ");
    b->b.calls->flow = flow;
    bed_assert_events(&b->b, "");
    bed_free(b);
}

/* ---- cut connections ---- */

static void test_the_connection_is_cut_while_calling(void **state)
{
    (void)state;
    for (int rings = 0; rings < 2; rings++) {
        struct bed *b = bed_new(SIPTX_TLS);
        struct phone_call *call;
        assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
        if (rings) bed_run(b);
        b->a.events[0] = '\0';
        bed_cut(b);
        bed_assert_events(&b->a, "ended lost, ");
        if (rings) bed_assert_events(&b->b, "incoming, ended lost, ");
        bed_pass(b, 100000);
        assert_int_equal(0, phone_calls_count(b->a.calls));
        assert_int_equal(0, phone_calls_count(b->b.calls));
        bed_free(b);
    }
}

static void test_the_connection_is_cut_after_giving_up(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TLS);
    struct phone_call *call;
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
    bed_run(b);
    phone_call_hang_up(call);
    bed_cut(b);
    bed_pass(b, 100000);
    assert_int_equal(0, phone_calls_count(b->a.calls));
    bed_free(b);
}

static void test_the_connection_is_cut_before_the_ack(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TLS);
    struct phone_call *call;
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
    bed_run(b);
    assert_rc(RC_OK, phone_call_answer(b->b.call));
    bed_cut(b); /* the 200 never left */
    bed_assert_events(&b->a, "ringing, ended lost, ");
    bed_pass(b, 31999);
    bed_assert_events(&b->b, "incoming, answered, ");
    bed_pass(b, 1);
    bed_assert_events(&b->b, "ended lost, ");
    bed_pass(b, 100000);
    assert_int_equal(0, phone_calls_count(b->b.calls));
    bed_free(b);
}

static void test_a_talk_outlives_a_short_cut(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TLS);
    bed_talk(b);
    bed_cut(b);
    bed_pass(b, 20000);
    bed_assert_events(&b->a, "");
    bed_join(b);
    bed_forget(b);
    bed_pass(b, 10000);
    assert_non_null(strstr(b->log, "INVITE"));
    assert_non_null(strstr(b->log, "200 INVITE"));
    bed_assert_events(&b->a, "");
    bed_pass(b, 60000);
    assert_int_equal(PHONE_CALL_TALKING, b->a.call->info.state);
    assert_int_equal(PHONE_CALL_TALKING, b->b.call->info.state);
    bed_free(b);
}

static void test_a_talk_ends_when_the_connection_stays_away(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TLS);
    bed_talk(b);
    bed_cut(b);
    bed_pass(b, 32000);
    bed_assert_events(&b->a, "ended lost, ");
    bed_assert_events(&b->b, "ended lost, ");
    bed_free(b);
}

static void test_the_connection_is_cut_before_the_bye_is_answered(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TLS);
    bed_talk(b);
    phone_call_hang_up(b->a.call);
    bed_cut(b);
    bed_pass(b, 40000);
    assert_int_equal(0, phone_calls_count(b->a.calls));
    assert_int_equal(0, phone_calls_count(b->b.calls));
    bed_free(b);
}

/* ---- memory ---- */

static void whole_call(void *ctx)
{
    (void)ctx;
    struct bed *b = bed_try_new(SIPTX_UDP);
    struct phone_call *call;
    if (!b) return;
    if (b->a.flow && b->b.flow && phone_call_dial(b->a.calls, STR("1020"), &call) == RC_OK) {
        bed_pass(b, 1000);
        if (b->b.call && phone_call_answer(b->b.call) == RC_OK) bed_pass(b, 3000);
        if (b->a.call) phone_call_hang_up(b->a.call);
        bed_pass(b, 70000);
    }
    bed_free(b);
}

static void test_a_call_survives_each_failing_allocation(void **state)
{
    (void)state;
    kit_each_alloc_fails(whole_call, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call_from_dialling_to_hanging_up),
        cmocka_unit_test(test_the_called_side_hangs_up),
        cmocka_unit_test(test_what_can_be_dialled),
        cmocka_unit_test(test_without_registration_nothing_is_dialled),
        cmocka_unit_test(test_each_refusal_has_its_cause),
        cmocka_unit_test(test_nobody_answers),
        cmocka_unit_test(test_nobody_there_at_all),
        cmocka_unit_test(test_do_not_disturb_and_no_waiting_are_busy),
        cmocka_unit_test(test_calls_have_a_bound),
        cmocka_unit_test(test_giving_up_while_it_rings),
        cmocka_unit_test(test_giving_up_just_as_the_other_answers),
        cmocka_unit_test(test_a_lost_200_is_sent_again_until_its_ack),
        cmocka_unit_test(test_a_lost_ack_is_sent_again_for_each_200),
        cmocka_unit_test(test_an_ack_that_never_comes_ends_the_call),
        cmocka_unit_test(test_a_repeated_invite_rings_once),
        cmocka_unit_test(test_two_forks_answer_and_the_second_is_hung_up),
        cmocka_unit_test(test_an_old_200_comes_after_its_transaction_and_is_acked),
        cmocka_unit_test(test_the_way_there_is_kept_and_followed),
        cmocka_unit_test(test_a_strict_router_is_the_request_uri),
        cmocka_unit_test(test_a_challenge_is_answered_once),
        cmocka_unit_test(test_early_sound_is_heard_and_the_answer_may_repeat_it),
        cmocka_unit_test(test_an_answer_without_encryption_is_taken_and_ended),
        cmocka_unit_test(test_answers_nobody_can_use_end_the_call),
        cmocka_unit_test(test_a_longer_session_is_asked_for_after_422),
        cmocka_unit_test(test_an_offer_without_encryption_never_rings),
        cmocka_unit_test(test_invites_that_ask_too_much),
        cmocka_unit_test(test_an_invite_without_offer_gets_ours_and_its_answer_in_the_ack),
        cmocka_unit_test(test_a_bye_with_guessed_tags_reaches_no_call),
        cmocka_unit_test(test_requests_out_of_order_and_of_unknown_dialogs),
        cmocka_unit_test(test_another_connection_reaches_no_call),
        cmocka_unit_test(test_the_connection_is_cut_while_calling),
        cmocka_unit_test(test_the_connection_is_cut_after_giving_up),
        cmocka_unit_test(test_the_connection_is_cut_before_the_ack),
        cmocka_unit_test(test_a_talk_outlives_a_short_cut),
        cmocka_unit_test(test_a_talk_ends_when_the_connection_stays_away),
        cmocka_unit_test(test_the_connection_is_cut_before_the_bye_is_answered),
        cmocka_unit_test(test_a_call_survives_each_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
