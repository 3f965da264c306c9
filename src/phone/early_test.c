/* What happens before a call is answered: provisional answers that must arrive (RFC 3262), changes of an
 * early dialog (RFC 3311), redirections, and what a refusal tells its person to do. */
#include "kit/kit.h"

#include "phone/bed.h"
#include <stdio.h>

#define SDP_TYPE "Content-Type: application/sdp\r\n"
#define RELIABLE "Require: 100rel\r\nRSeq: "
#define ANSWER   "v=0\r\nanswer 1 sendrecv\r\n"

/* An answer to invite, by a tag of the test's choice; contact: NULL: the usual. */
static void answer(struct bed_side *s, const char *invite, unsigned status, const char *tag,
                   const char *more, const char *body)
{
    struct sip_message m;
    char text[8192];
    bool has_contact = strstr(more, "Contact:") != NULL;
    assert_rc(RC_OK, sip_message_parse(str_from(invite), SIP_STREAM, &m, NULL));
    snprintf(text, sizeof text,
             "SIP/2.0 %u X\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s;tag=%s\r\nCall-ID: %.*s\r\n"
             "CSeq: %.*s\r\n%s%s%s%sContent-Length: %zu\r\n\r\n%s",
             status, STR_ARG(sip_message_value(&m, SIP_HEADER_VIA)),
             STR_ARG(sip_message_value(&m, SIP_HEADER_FROM)),
             STR_ARG(sip_message_value(&m, SIP_HEADER_TO)), tag,
             STR_ARG(sip_message_value(&m, SIP_HEADER_CALL_ID)),
             STR_ARG(sip_message_value(&m, SIP_HEADER_CSEQ)),
             has_contact ? "" : "Contact: <sip:", has_contact ? "" : tag,
             has_contact ? "" : "@192.0.2.1:5072>\r\n", more, strlen(body), body);
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
    b->a.call = call;
    bed_forget(b);
    return b;
}

static unsigned cseq_of(const char *text)
{
    struct sip_message m;
    struct sip_cseq cseq;
    assert_rc(RC_OK, sip_message_parse(str_from(text), SIP_STREAM, &m, NULL));
    assert_rc(RC_OK, sip_cseq_parse(sip_message_value(&m, SIP_HEADER_CSEQ), &cseq));
    return cseq.number;
}

static void assert_rack(const struct bed_side *s, unsigned rseq, const char *invite)
{
    char line[64];
    snprintf(line, sizeof line, "RAck: %u %u INVITE\r\n", rseq, cseq_of(invite));
    assert_non_null(strstr(s->last, line));
}

/* ---- PRACK: who calls ---- */

static void test_a_reliable_answer_is_confirmed_once_and_in_order(void **state)
{
    (void)state;
    static char invite[16384];
    struct bed *b = dial_alone(invite);
    assert_non_null(
        strstr(invite, "Supported: replaces, timer, 100rel, X-cisco-srtp-fallback\r\n"));
    answer(&b->a, invite, 180, "one", RELIABLE "7\r\nRecord-Route: <sip:p1;lr>\r\n", "");
    bed_assert_log(b, "a PRACK, ");
    bed_assert_events(&b->a, "ringing, ");
    assert_rack(&b->a, 7, invite);
    assert_non_null(strstr(b->a.last, "PRACK sip:one@192.0.2.1:5072 SIP/2.0\r\n"));
    assert_non_null(strstr(b->a.last, "Route: <sip:p1;lr>\r\n"));
    assert_int_equal(cseq_of(invite) + 1, cseq_of(b->a.last));
    answer(&b->a, invite, 180, "one", RELIABLE "7\r\n", "");              /* again */
    answer(&b->a, invite, 183, "one", RELIABLE "9\r\n" SDP_TYPE, ANSWER); /* 8 is missing */
    bed_assert_log(b, "");
    bed_assert_events(&b->a, "");
    answer(&b->a, invite, 183, "one", RELIABLE "8\r\n" SDP_TYPE, ANSWER);
    bed_assert_log(b, "a PRACK, ");
    assert_rack(&b->a, 8, invite);
    bed_assert_events(&b->a, "early, ");
    answer(&b->a, invite, 200, "one", "", ""); /* the answer has come before */
    bed_assert_log(b, "a ACK, ");
    bed_assert_events(&b->a, "answered, ");
    phone_call_hang_up(b->a.call); /* its number is none that a PRACK had */
    assert_int_equal(cseq_of(invite) + 3, cseq_of(b->a.last));
    bed_free(b);
}

static void test_each_fork_counts_for_itself_up_to_a_bound(void **state)
{
    (void)state;
    static char invite[16384];
    struct bed *b = dial_alone(invite);
    for (unsigned i = 0; i < CALL_FORKS_MAX + 3; i++) {
        char tag[8];
        snprintf(tag, sizeof tag, "f%u", i);
        answer(&b->a, invite, 180, tag, RELIABLE "1\r\n", "");
    }
    size_t pracks = 0;
    for (const char *at = b->log; (at = strstr(at, "PRACK")) != NULL; at++)
        pracks++;
    assert_int_equal(CALL_FORKS_MAX, pracks);
    bed_forget(b);
    answer(&b->a, invite, 180, "f3", RELIABLE "2\r\n", "");
    bed_assert_log(b, "a PRACK, ");
    bed_free(b);
}

static void test_reliable_answers_that_make_no_sense(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "Require: 100rel\r\n",     RELIABLE "0\r\n", RELIABLE "-1\r\n",
        RELIABLE "4294967296\r\n", RELIABLE "x\r\n", RELIABLE "5\r\nContact: <mailto:x@y>\r\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static char invite[16384];
        struct bed *b = dial_alone(invite);
        answer(&b->a, invite, 183, "one", rows[i], "");
        bed_assert_log(b, "");
        bed_assert_events(&b->a, "");
        answer(&b->a, invite, 100, "one", RELIABLE "5\r\n", ""); /* 100 is never reliable */
        bed_assert_log(b, "");
        bed_free(b);
    }
}

static void test_a_call_given_up_confirms_nothing_more(void **state)
{
    (void)state;
    static char invite[16384];
    struct bed *b = dial_alone(invite);
    answer(&b->a, invite, 180, "one", RELIABLE "1\r\n", "");
    phone_call_hang_up(b->a.call);
    bed_assert_log(b, "a PRACK, a CANCEL, ");
    answer(&b->a, invite, 180, "one", RELIABLE "2\r\n", "");
    bed_assert_log(b, "");
    answer(&b->a, invite, 487, "one", "", "");
    bed_assert_log(b, "a ACK, ");
    bed_pass(b, 40000); /* the PRACK is never answered: it holds nothing for ever */
    assert_int_equal(0, phone_calls_count(b->a.calls));
    bed_free(b);
}

/* ---- PRACK: who is called ---- */

static void invite_b(struct bed *b, const char *more, const char *body)
{
    char text[4096];
    snprintf(text, sizeof text,
             "INVITE sip:1020@192.0.2.1:5072 SIP/2.0\r\n"
             "Via: SIP/2.0/TCP 192.0.2.1:5071;branch=z9hG4bKearly;rport\r\n"
             "From: <sip:1010@ucm1.example>;tag=caller\r\nTo: <sip:1020@ucm1.example>\r\n"
             "Call-ID: early\r\nCSeq: 50 INVITE\r\nMax-Forwards: 70\r\n"
             "Contact: <sip:1010@192.0.2.1:5071>\r\n%sContent-Length: %zu\r\n\r\n%s",
             more, strlen(body), body);
    bed_in(&b->b, text);
}

static struct bed *ring_reliably(char line[64])
{
    struct bed *b = bed_new(SIPTX_TCP);
    b->lose = "";
    b->lose_count = 1000;
    invite_b(b, "Require: 100rel\r\n" SDP_TYPE, "v=0\r\noffer 1 sendrecv\r\n");
    bed_assert_log(b, "b 180 INVITE, ");
    bed_assert_events(&b->b, "incoming, ");
    assert_non_null(strstr(b->b.last, "Require: 100rel\r\n"));
    const char *rseq = strstr(b->b.last, "RSeq: ");
    assert_non_null(rseq);
    snprintf(line, 64, "RAck: %lu 50 INVITE\r\n", strtoul(rseq + 6, NULL, 10));
    return b;
}

static void test_ringing_goes_again_until_its_prack(void **state)
{
    (void)state;
    char rack[64];
    struct bed *b = ring_reliably(rack);
    bed_pass(b, 500);
    bed_assert_log(b, "b 180 INVITE, ");
    bed_pass(b, 3000); /* after 1 s, and 2 s more */
    bed_assert_log(b, "b 180 INVITE, b 180 INVITE, ");
    bed_in_dialog(&b->b, "PRACK", 51, "RAck: 1 50 INVITE\r\n", "");
    bed_assert_log(b, "b 481 PRACK, ");
    bed_in_dialog(&b->b, "PRACK", 52, "", "");
    bed_in_dialog(&b->b, "PRACK", 53, "RAck: x\r\n", "");
    bed_assert_log(b, "b 400 PRACK, b 400 PRACK, ");
    bed_in_dialog(&b->b, "PRACK", 54, rack, "");
    bed_assert_log(b, "b 200 PRACK, ");
    bed_pass(b, 60000);
    bed_assert_log(b, "");
    assert_rc(RC_OK, phone_call_answer(b->b.call));
    bed_assert_log(b, "b 200 INVITE, ");
    bed_free(b);
}

static void test_ringing_nobody_confirms_ends(void **state)
{
    (void)state;
    char rack[64];
    struct bed *b = ring_reliably(rack);
    bed_pass(b, 31999);
    assert_null(strstr(b->log, "504"));
    bed_pass(b, 1);
    assert_non_null(strstr(b->log, "b 504 INVITE"));
    bed_assert_events(&b->b, "ended timeout, ");
    bed_free(b);
}

static void test_who_answers_before_the_prack_rings_no_more(void **state)
{
    (void)state;
    char rack[64];
    struct bed *b = ring_reliably(rack);
    assert_rc(RC_OK, phone_call_answer(b->b.call));
    bed_forget(b);
    bed_in_dialog(&b->b, "PRACK", 51, rack, "");
    bed_assert_log(b, "b 200 PRACK, ");
    bed_pass(b, 31000);
    assert_null(strstr(b->log, "180"));
    bed_free(b);
}

static void test_without_an_offer_there_is_no_reliable_ringing(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    b->lose = "";
    b->lose_count = 1000;
    invite_b(b, "Require: 100rel\r\n", "");
    bed_assert_log(b, "");
    bed_assert_events(&b->b, "incoming, ");
    assert_rc(RC_OK, phone_call_answer(b->b.call));
    bed_assert_log(b, "b 200 INVITE, ");
    bed_in_dialog(&b->b, "PRACK", 51, "RAck: 1 50 INVITE\r\n", "");
    bed_assert_log(b, "b 481 PRACK, ");
    bed_free(b);
}

static void test_a_prack_with_an_offer_is_refused(void **state)
{
    (void)state;
    char rack[64], more[128];
    struct bed *b = ring_reliably(rack);
    snprintf(more, sizeof more, "%s" SDP_TYPE, rack);
    bed_in_dialog(&b->b, "PRACK", 51, more, "v=0\r\noffer 2 sendrecv\r\n");
    bed_assert_log(b, "b 400 PRACK, ");
    bed_free(b);
}

/* ---- UPDATE before the answer ---- */

static void test_an_early_dialog_is_changed(void **state)
{
    (void)state;
    static char invite[16384];
    struct bed *b = dial_alone(invite);
    answer(&b->a, invite, 180, "one", "", "");
    bed_in_dialog(&b->a, "UPDATE", 1, SDP_TYPE, "v=0\r\noffer 1 sendrecv\r\n");
    bed_assert_log(b, "a 491 UPDATE, "); /* our offer waits for its answer */
    bed_in_dialog(&b->a, "UPDATE", 2, "", "");
    bed_assert_log(b, "a 200 UPDATE, ");
    answer(&b->a, invite, 183, "one", RELIABLE "1\r\n" SDP_TYPE, ANSWER);
    bed_forget(b);
    bed_in_dialog(&b->a, "UPDATE", 3, SDP_TYPE, "v=0\r\noffer 1 sendonly\r\n");
    bed_assert_log(b, "a 200 UPDATE, ");
    bed_assert_events(&b->a, "");
    answer(&b->a, invite, 200, "one", SDP_TYPE, ANSWER); /* the old answer again: passed over */
    bed_assert_log(b, "a ACK, ");
    bed_assert_events(&b->a, "answered, ");
    assert_true(b->a.call->info.is_held);
    bed_free(b);
}

static void test_an_update_before_we_answer_has_to_wait(void **state)
{
    (void)state;
    char rack[64];
    struct bed *b = ring_reliably(rack);
    bed_in_dialog(&b->b, "UPDATE", 51, SDP_TYPE, "v=0\r\noffer 2 sendrecv\r\n");
    bed_assert_log(b, "b 500 UPDATE, ");
    assert_non_null(strstr(b->b.last, "Retry-After: "));
    bed_free(b);
}

/* ---- redirections ---- */

static void test_a_redirection_is_followed_once_at_our_own_server(void **state)
{
    (void)state;
    static char invite[16384];
    struct bed *b = dial_alone(invite);
    answer(&b->a, invite, 302, "p",
           "Contact: <sip:1040@evil.example>;q=0.2, \"Anna\" <sip:1030@192.0.2.77:9>;q=0.7\r\n",
           "");
    bed_assert_log(b, "a ACK, a INVITE, ");
    bed_assert_events(&b->a, "redirected, ");
    assert_non_null(strstr(b->a.last, "INVITE sip:1030@ucm1.example SIP/2.0\r\n"));
    assert_non_null(strstr(b->a.last, "To: <sip:1020@ucm1.example>\r\n"));
    assert_string_equal("1030", b->a.call->info.peer_number);
    assert_int_equal(cseq_of(invite) + 1, cseq_of(b->a.last));
    memcpy(invite, b->a.last, sizeof b->a.last);
    answer(&b->a, invite, 180, "q", "", "");
    bed_assert_events(&b->a, "ringing, ");
    answer(&b->a, invite, 302, "q", "Contact: <sip:1050@ucm1.example>\r\n", "");
    bed_assert_events(&b->a, "ended moved, ");
    bed_free(b);
}

static void test_redirections_that_are_not_followed(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "Contact: <sip:ucm1.example>\r\n",       /* nobody */
        "Contact: <sip:1020@elsewhere>\r\n",     /* where we come from */
        "Contact: <tel:+49301234>\r\n",          /* no SIP */
        "Contact: <sip:1%40evil.example@x>\r\n", /* a host in disguise */
        "Contact: <sip:sip%3a1@x>\r\n",
        "Contact: <sip:1030@x>;q=0\r\n",
        "Contact: <sip:1030@x>;q=no\r\n",
        "Contact: *\r\n",
        "Contact: <sip:1\r\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static char invite[16384];
        struct bed *b = dial_alone(invite);
        answer(&b->a, invite, 302, "p", rows[i], "");
        bed_assert_events(&b->a, "ended moved, ");
        bed_assert_log(b, "a ACK, ");
        bed_free(b);
    }
}

static void test_a_redirected_call_proves_itself_anew(void **state)
{
    (void)state;
    static char invite[16384];
    struct bed *b = dial_alone(invite);
    answer(&b->a, invite, 407, "p", "", "");
    memcpy(invite, b->a.last, sizeof b->a.last);
    answer(&b->a, invite, 301, "p", "Contact: <sip:1030@x>\r\n", "");
    assert_null(strstr(b->a.last, "Proxy-Authorization")); /* it was for the other URI */
    memcpy(invite, b->a.last, sizeof b->a.last);
    answer(&b->a, invite, 407, "p", "", "");
    assert_non_null(strstr(b->a.last, "Proxy-Authorization"));
    assert_non_null(strstr(b->a.last, "INVITE sip:1030@ucm1.example"));
    bed_free(b);
}

/* ---- what a refusal tells its person ---- */

static void test_refusals_say_what_can_be_done(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *more, *cause, *advice;
        uint32_t retry_after_s;
    } rows[] = {
        {503, "Retry-After: 8 (busy hour);duration=60\r\n", "overloaded", "try again in 8 s", 8},
        {503, "", "overloaded", "try again in a while", 0},
        {480, "Retry-After: 4000000\r\n", "no-answer", "try again in 86400 s", 86400},
        {500, "Retry-After: soon\r\n", "refused", "", 0},
        {486, "", "busy", "", 0},
        {488, "Warning: 399 n \"SRTP is required on this line\"\r\n", "unacceptable",
         "same security mode", 0},
        {488,
         "Warning: 399 n \"An encrypted OAuth line does not talk to a line that is not "
         "encrypted\"\r\n",
         "unacceptable", "same security mode", 0},
        {488, "Warning: 399 n \"None of the offered SRTP keys can be used\"\r\n", "unacceptable",
         "without --suite", 0},
        {488, "Warning: 399 n \"SRTP keys would pass a connection that is not TLS\"\r\n",
         "unacceptable", "over TLS", 0},
        {488, "Warning: 305 n \"No common codec\"\r\n", "unacceptable", "without --codec", 0},
        {488, "Warning: 304 n \"No audio\"\r\n", "unacceptable", "", 0},
        {488, "", "unacceptable", "gave no reason", 0},
        {403, "", "forbidden", "administrator", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static char invite[16384];
        char text[512], expected[64];
        struct buf out;
        struct bed *b = dial_alone(invite);
        struct phone_call_info info = {.status = rows[i].status};
        struct phone_call *call = b->a.call;
        answer(&b->a, invite, rows[i].status, "p", rows[i].more, "");
        snprintf(expected, sizeof expected, "ended %s, ", rows[i].cause);
        bed_assert_events(&b->a, expected);
        info = call->info; /* it goes at the end of the turn */
        assert_int_equal(rows[i].retry_after_s, info.retry_after_s);
        buf_init_fixed(&out, text, 201);
        phone_call_print_advice(&out, &info);
        assert_rc(RC_OK, buf_rc(&out));
        text[out.n] = '\0';
        if (rows[i].advice[0])
            assert_non_null(strstr(text, rows[i].advice));
        else
            assert_string_equal("", text);
        bed_free(b);
    }
}

/* ---- memory ---- */

static void early_and_sent_on(void *ctx)
{
    static char invite[16384];
    struct bed *b = bed_try_new(SIPTX_TCP);
    struct phone_call *call = NULL;
    (void)ctx;
    if (!b) return;
    b->lose = "";
    b->lose_count = 1000;
    if (b->a.flow && phone_call_dial(b->a.calls, STR("1020"), &call) == RC_OK) {
        memcpy(invite, b->a.last, sizeof b->a.last);
        answer(&b->a, invite, 302, "p", "Contact: <sip:1030@x>\r\n", "");
        memcpy(invite, b->a.last, sizeof b->a.last);
        if (strncmp(invite, "INVITE", 6) == 0)
            answer(&b->a, invite, 180, "q", RELIABLE "1\r\n", "");
    }
    bed_free(b);
}

static void test_each_failing_allocation_is_survived(void **state)
{
    (void)state;
    kit_each_alloc_fails(early_and_sent_on, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reliable_answer_is_confirmed_once_and_in_order),
        cmocka_unit_test(test_each_fork_counts_for_itself_up_to_a_bound),
        cmocka_unit_test(test_reliable_answers_that_make_no_sense),
        cmocka_unit_test(test_a_call_given_up_confirms_nothing_more),
        cmocka_unit_test(test_ringing_goes_again_until_its_prack),
        cmocka_unit_test(test_ringing_nobody_confirms_ends),
        cmocka_unit_test(test_who_answers_before_the_prack_rings_no_more),
        cmocka_unit_test(test_without_an_offer_there_is_no_reliable_ringing),
        cmocka_unit_test(test_a_prack_with_an_offer_is_refused),
        cmocka_unit_test(test_an_early_dialog_is_changed),
        cmocka_unit_test(test_an_update_before_we_answer_has_to_wait),
        cmocka_unit_test(test_a_redirection_is_followed_once_at_our_own_server),
        cmocka_unit_test(test_redirections_that_are_not_followed),
        cmocka_unit_test(test_a_redirected_call_proves_itself_anew),
        cmocka_unit_test(test_refusals_say_what_can_be_done),
        cmocka_unit_test(test_each_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests_name("phone/early", tests, NULL, NULL);
}
