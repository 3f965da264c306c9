/* Received requests through the whole stack on simulated time: matching, answers, repetitions, ACK,
 * CANCEL, lost flows, limits, pools. */
#include "kit/kit.h"

#include "siptx/bed.h"
#include <stdio.h>

static struct bed bed;
static char text[65536];

static struct str req(const char *method, const char *branch, unsigned cseq, const char *more)
{
    return bed_request(text, sizeof text, method, branch, cseq, more);
}

static int setup(void **state)
{
    (void)state;
    bed_init(&bed, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bed_fini(&bed);
    return 0;
}

static uint64_t transactions(void)
{
    return siptx_stack_counters(bed.stack)->transactions;
}

static void test_register_is_handed_up_and_answered(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, 2, 40000);
    bed.answer = 200;
    struct str r = req("REGISTER", "z9hG4bKa", 1, "");
    assert_int_equal(r.n, bed_in(f, r));
    bed_assert_events(&bed, "open, request REGISTER, ");
    struct str out = bed_last(&bed);
    assert_true(str_starts(out, STR("SIP/2.0 200 OK\r\n")));
    assert_true(
        bed_has(out, "Via: SIP/2.0/UDP 10.0.0.7:5070;branch=z9hG4bKa;received=192.0.2.1\r\n"));
    assert_true(bed_has(out, "To: <sip:bob@example.net>;tag="));
    assert_true(bed_has(out, "CSeq: 1 REGISTER\r\n"));
    assert_true(bed_has(out, "Content-Length: 0\r\n\r\n"));
    assert_int_equal(1, bed.ends);
    assert_int_equal(0, transactions()); /* timer J is 0 on TLS */
    assert_int_equal(0, wheel_count(bed.wheel));
}

static void test_an_owner_without_transactions_gets_every_message(void **state)
{
    (void)state;
    static const char *const methods[] = {"REGISTER", "INVITE", "CANCEL", "BYE", "ACK"};
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, 2, 40000);
    bed.takes_messages = true;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct str r = req(methods[i], "z9hG4bKa", 1, "");
        assert_int_equal(r.n, bed_in(f, r));
    }
    bed_assert_events(&bed, "open, message REGISTER, message INVITE, message CANCEL, message BYE, "
                            "message ACK, ");
    assert_int_equal(0, bed.sent_count); /* not even a 100 */
    assert_int_equal(0, transactions());
    /* A response nobody here has asked for goes there too; rubbish is answered as ever. */
    static char response[4096];
    struct str asked = STR("OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bKx\r\n"
                           "From: <sip:a>;tag=1\r\nTo: <sip:b>\r\nCall-ID: c\r\n"
                           "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
    struct str answer = bed_response(response, sizeof response, asked, 200, "t");
    assert_int_equal(answer.n, bed_in(f, answer));
    bed_assert_events(&bed, "message OPTIONS, ");
    struct str bad = req("REGISTER", "z9hG4bKb", 1, "From: <sip:twice@example.net>;tag=2\r\n");
    assert_int_equal(bad.n, bed_in(f, bad));
    bed_assert_events(&bed, "");
    assert_int_equal(400, bed_status(&bed));
}

static void test_an_answer_without_transaction_is_the_same_for_a_repetition(void **state)
{
    (void)state;
    static char first[4096];
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, 2, 40000);
    bed.takes_messages = true;
    bed.answer = 430;
    struct str r = req("INVITE", "z9hG4bKa", 1, "");
    bed_in(f, r);
    snprintf(first, sizeof first, "%.*s", STR_ARG(bed_last(&bed)));
    assert_true(bed_has(bed_last(&bed), "SIP/2.0 430 Flow Failed\r\n"));
    assert_true(bed_has(bed_last(&bed), "\r\nX-Told: yes\r\n"));
    assert_true(bed_has(bed_last(&bed), ";tag="));
    bed_in(f, r);
    assert_str(first, bed_last(&bed));
    assert_int_equal(0, transactions());
}

static void test_an_answer_too_large_to_print_becomes_a_500(void **state)
{
    (void)state;
    static char line[65536];
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, 2, 40000);
    struct str r = req("REGISTER", "z9hG4bKa", 1, "");
    assert_int_equal(r.n, bed_in(f, r)); /* held: the owner answers by hand */
    memset(line, 'x', sizeof line);
    struct buf *out = siptx_answer_begin(bed.held, 200, STR(""));
    for (int i = 0; i < 8; i++)
        buf_put(out, line, sizeof line);
    assert_rc(RC_TOO_BIG, siptx_answer_send(bed.held, STR(""), STR("")));
    assert_true(str_starts(bed_last(&bed), STR("SIP/2.0 500 Server Internal Error: answer too")));
    assert_int_equal(1, bed.ends);
    assert_int_equal(0, transactions());
}

static void test_answered_register_over_tls_needs_no_heap(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, 2, 40000);
    bed.answer = 200;
    struct str r = req("REGISTER", "z9hG4bKa", 1, "");
    for (int i = 0; i < 3; i++)
        siptx_flow_input(f, r);
    unsigned long before = kit_alloc_count();
    for (int i = 0; i < 100; i++)
        siptx_flow_input(f, r);
    assert_int_equal(0, kit_alloc_count() - before);
    assert_int_equal(103, bed.requests);
}

static void test_repeated_request_over_udp_gets_the_same_answer(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, 1, 5070);
    struct str r = req("OPTIONS", "z9hG4bKa", 1, "");
    bed_in(f, r);
    bed_in(f, r); /* Trying: nothing */
    assert_int_equal(0, bed.sent_count);
    siptx_respond(bed.held, 183, STR(""), STR(""));
    bed_in(f, r); /* Proceeding: the last 1xx */
    assert_int_equal(2, bed.sent_count);
    siptx_respond(bed.held, 200, STR("Fine"), STR("X: y\r\n"));
    bed_in(f, r);
    assert_int_equal(4, bed.sent_count);
    assert_true(str_eq(bed.sent[2].bytes, bed.sent[3].bytes));
    bed_assert_events(&bed, "open, request OPTIONS, ");
    bed_pass(&bed, 31999);
    assert_int_equal(1, transactions());
    bed_pass(&bed, 1);
    assert_int_equal(0, transactions());
    bed_in(f, r); /* forgotten: a new request */
    bed_assert_events(&bed, "request OPTIONS, ");
}

static void test_request_never_answered_ends_in_silence(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, 1, 5070);
    bed_in(f, req("OPTIONS", "z9hG4bKa", 1, ""));
    bed_pass(&bed, 32000);
    assert_int_equal(0, bed.sent_count);
    assert_int_equal(1, bed.ends);
    assert_int_equal(0, transactions());
}

static void test_udp_answers_go_where_rfc_3581_and_3261_say(void **state)
{
    (void)state;
    static const struct {
        const char *via;
        uint16_t port;
        const char *shows;
    } t[] = {
        {"10.0.0.7:5071;branch=z9hG4bK1;rport", 40000, "rport=40000;received=192.0.2.1"},
        {"10.0.0.7:5071;branch=z9hG4bK2", 5071, "received=192.0.2.1"},
        {"10.0.0.7;branch=z9hG4bK3", 5060, "received=192.0.2.1"},
        {"192.0.2.1:5072;branch=z9hG4bK4", 5072, "branch=z9hG4bK4\r\n"},
        {"phone.example;branch=z9hG4bK5;maddr=198.51.100.1", 5060, "received=192.0.2.1"},
    };
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, 1, 40000);
    bed.answer = 200;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        char m[1024];
        snprintf(m, sizeof m,
                 "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP %s\r\nFrom: <sip:a@b>;tag=1\r\n"
                 "To: <sip:a@b>\r\nCall-ID: %zu\r\nCSeq: 1 OPTIONS\r\n\r\n",
                 t[i].via, i);
        bed_in(f, str_from(m));
        assert_int_equal(i + 1, bed.sent_count);
        assert_int_equal(t[i].port, bed.sent[i].to.port);
        assert_true(net_addr_ip_eq(&f->peer, &bed.sent[i].to));
        struct str via = bed.sent[i].bytes;
        if (!bed_has(via, t[i].shows) && i > 0) fail_msg("row %zu: %.*s", i, STR_ARG(via));
        if (i == 0) {
            assert_true(bed_has(via, "rport=40000"));
            assert_true(bed_has(via, "received=192.0.2.1"));
        }
    }
}

static void test_two_natted_phones_with_equal_branches_do_not_meet(void **state)
{
    (void)state;
    struct siptx_flow *f, *a = bed_flow(&bed, SIPTX_TLS, 1, 1111);
    struct siptx_flow_desc d = {.transport = SIPTX_TLS,
                                .local = a->local,
                                .peer = net_addr_v4(198, 51, 100, 7, 1111),
                                .ops = a->ops,
                                .wire = a->wire};
    assert_rc(RC_OK, siptx_flow_open(bed.stack, &d, &f));
    bed_in(a, req("REGISTER", "z9hG4bK1", 1, ""));
    bed_in(f, req("REGISTER", "z9hG4bK1", 1, ""));
    assert_int_equal(2, bed.requests);
    bed_in(bed_flow(&bed, SIPTX_TLS, 1, 2222), req("REGISTER", "z9hG4bK1", 1, ""));
    assert_int_equal(3, bed.requests); /* nor two behind the same one */
}

/* ---- INVITE ---- */

static void test_invite_says_trying_then_repeats_refusal_until_ack(void **state)
{
    (void)state;
    char times[256];
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, 1, 5070);
    bed_in(f, req("INVITE", "z9hG4bKi", 1, ""));
    bed_pass(&bed, 200);
    assert_int_equal(100, bed_status(&bed));
    assert_false(bed_has(bed_last(&bed), "To: <sip:bob@example.net>;tag="));
    siptx_respond(bed.held, 486, STR(""), STR(""));
    assert_int_equal(1, bed.ends);
    bed_pass(&bed, 4000);
    assert_string_equal("200 200 700 1700 3700 ", bed_times(&bed, times, sizeof times));
    bed_in(f, req("ACK", "z9hG4bKi", 1, ""));
    bed_pass(&bed, 4999);
    assert_int_equal(5, bed.sent_count);
    assert_int_equal(1, transactions());
    bed_pass(&bed, 1); /* timer I */
    assert_int_equal(0, transactions());
    bed_assert_events(&bed, "open, request INVITE, ");
}

static void test_refusal_without_ack_gives_up_after_h(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, 1, 5070);
    bed.answer = 486;
    bed_in(f, req("INVITE", "z9hG4bKi", 1, ""));
    bed_pass(&bed, 32000);
    assert_int_equal(11, bed.sent_count);
    assert_int_equal(0, transactions());
}

static void test_accepted_invite_absorbs_repeats_and_hands_acks_up(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, 1, 5070);
    bed_in(f, req("INVITE", "z9hG4bKi", 1, ""));
    struct siptx_request *invite = bed.held;
    siptx_respond(invite, 200, STR(""), STR(""));
    assert_int_equal(0, bed.ends);
    bed_in(f, req("INVITE", "z9hG4bKi", 1, ""));
    assert_int_equal(1, bed.sent_count); /* the owner repeats 2xx, not the transaction */
    siptx_respond(invite, 200, STR(""), STR(""));
    assert_int_equal(2, bed.sent_count);
    assert_rc(RC_CONFLICT, siptx_respond(invite, 486, STR(""), STR("")));
    bed_in(f, req("ACK", "z9hG4bKack", 1, ""));
    bed_assert_events(&bed, "open, request INVITE, ack of invite, ");
    bed_pass(&bed, 32000); /* timer L */
    assert_int_equal(1, bed.ends);
    assert_int_equal(0, transactions());
    bed_in(f, req("ACK", "z9hG4bKack", 1, ""));
    bed_assert_events(&bed, "ack, ");
}

static void test_cancel_is_answered_and_told_once(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, 1, 5070);
    bed_in(f, req("INVITE", "z9hG4bKi", 1, ""));
    siptx_respond(bed.held, 180, STR(""), STR(""));
    struct siptx_request *invite = bed.held;
    bed_in(f, req("CANCEL", "z9hG4bKi", 1, ""));
    bed_assert_events(&bed, "open, request INVITE, cancel, ");
    assert_int_equal(200, bed_status(&bed));
    assert_true(bed_has(bed_last(&bed), "CSeq: 1 CANCEL"));
    struct str tag = invite->to_tag;
    assert_true(str_find(bed_last(&bed), tag) != STR_NPOS);
    bed_in(f, req("CANCEL", "z9hG4bKi", 1, ""));
    assert_int_equal(3, bed.sent_count); /* the 200 again */
    siptx_respond(invite, 487, STR(""), STR(""));
    bed_in(f, req("ACK", "z9hG4bKi", 1, ""));
    bed_assert_events(&bed, "");
    bed_pass(&bed, 32000);
    assert_int_equal(0, transactions());
}

static void test_cancel_over_another_connection_cancels_nothing(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, 1, 5070);
    bed_in(f, req("INVITE", "z9hG4bKi", 1, ""));
    bed_in(bed_flow(&bed, SIPTX_TLS, 1, 5071), req("CANCEL", "z9hG4bKi", 1, ""));
    assert_int_equal(481, bed_status(&bed));
    bed_assert_events(&bed, "open, request INVITE, open, ");
    bed_in(f, req("CANCEL", "z9hG4bKi", 1, ""));
    assert_int_equal(200, bed_status(&bed));
    bed_assert_events(&bed, "cancel, ");
}

static void test_cancel_after_final_or_without_invite(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, 1, 5070);
    bed.answer = 200;
    bed_in(f, req("INVITE", "z9hG4bKi", 1, ""));
    bed_in(f, req("CANCEL", "z9hG4bKi", 1, ""));
    assert_int_equal(200, bed_status(&bed));
    bed_assert_events(&bed, "open, request INVITE, "); /* no cancel */
    bed_in(f, req("CANCEL", "z9hG4bKnone", 1, ""));
    assert_int_equal(481, bed_status(&bed));
}

/* ---- RFC 2543 ---- */

static void test_rfc_2543_client_is_matched_without_branch(void **state)
{
    (void)state;
    char m[2048];
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, 1, 5070);
    bed_in(f, req("INVITE", "", 1, ""));
    bed_in(f, req("INVITE", "", 1, ""));
    assert_int_equal(1, bed.requests);
    char tag[64];
    snprintf(tag, sizeof tag, "%.*s", STR_ARG(bed.held->to_tag));
    siptx_respond(bed.held, 404, STR(""), STR(""));
    const char *const tags[] = {"another", tag};
    for (int i = 0; i < 2; i++) {
        snprintf(m, sizeof m,
                 "ACK sip:bob@example.net SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.7:5070\r\n"
                 "From: <sip:alice@example.net>;tag=a1\r\nTo: <sip:bob@example.net>;tag=%s\r\n"
                 "Call-ID: c1@10.0.0.7\r\nCSeq: 1 ACK\r\n\r\n",
                 tags[i]);
        bed_in(f, str_from(m));
    }
    bed_assert_events(&bed, "open, request INVITE, ack, "); /* the first is not ours */
    bed_pass(&bed, 5000);                                   /* the second started timer I */
    assert_int_equal(0, transactions());
    bed_in(f, req("INVITE", "", 2, ""));
    assert_int_equal(2, bed.requests);
    bed_in(f, req("OPTIONS", "1", 2, "")); /* a branch without cookie counts as none */
    bed_in(f, req("OPTIONS", "1", 2, ""));
    assert_int_equal(3, bed.requests);
}

/* ---- the rest ---- */

static void test_merged_request_is_recognised(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, 1, 5070);
    bed_in(f, req("OPTIONS", "z9hG4bKa", 1, ""));
    assert_false(siptx_request_is_merged(bed.held));
    bed_in(f, req("OPTIONS", "z9hG4bKb", 1, ""));
    assert_true(siptx_request_is_merged(bed.held));
    siptx_respond(bed.held, 482, STR(""), STR(""));
    bed_in(f, req("OPTIONS", "z9hG4bKc", 2, ""));
    assert_false(siptx_request_is_merged(bed.held));
}

static void test_flow_lost_while_a_request_waits(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, 1, 5070);
    bed_in(f, req("REGISTER", "z9hG4bKa", 1, ""));
    uint64_t id = f->id;
    siptx_flow_gone(f, SIPTX_CLOSE_PEER, STR("bye"));
    bed_assert_events(&bed, "open, request REGISTER, closed peer, ");
    assert_null(bed.held->flow);
    assert_true(bed.held->flow_id == id);
    assert_null(siptx_flow_find(bed.stack, id));
    assert_rc(RC_CLOSED, siptx_respond(bed.held, 200, STR(""), STR("")));
    assert_int_equal(0, transactions());
}

static void test_owner_closes_the_flow_inside_on_request(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, 1, 5070);
    bed.answer = 403;
    bed.close_on_request = f;
    struct str r = req("REGISTER", "z9hG4bKa", 1, "");
    char two[4096];
    int n = snprintf(two, sizeof two, "%.*s%.*s", STR_ARG(r), STR_ARG(r));
    assert_int_equal(n, bed_in(f, str_of(two, (size_t)n)));
    bed_assert_events(&bed, "open, request REGISTER, closed owner, ");
    assert_true(bed.wire_closed);
    assert_int_equal(0, transactions());
}

static void test_send_failure_ends_the_transaction(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, 1, 5070);
    bed.answer = 200;
    bed.send_rc = RC_IO;
    bed_in(f, req("OPTIONS", "z9hG4bKa", 1, ""));
    assert_int_equal(0, transactions());
    assert_int_equal(1, bed.ends);
    bed.send_rc = RC_BUSY; /* as if lost on the way: a repetition gets it */
    bed_in(f, req("OPTIONS", "z9hG4bKb", 1, ""));
    assert_int_equal(1, transactions());
    bed.send_rc = RC_OK;
    bed_in(f, req("OPTIONS", "z9hG4bKb", 1, ""));
    assert_int_equal(200, bed_status(&bed));
}

/* Over UDP an answered request stays half a minute, and anyone can send from any address. */
static void test_a_flood_over_udp_leaves_room_for_connections(void **state)
{
    (void)state;
    bed_fini(&bed);
    struct siptx_config c = {.limits = {.transactions_max = 8}};
    bed_init(&bed, &c);
    bed.answer = 200;
    struct siptx_flow *udp = bed_flow(&bed, SIPTX_UDP, 1, 5070);
    struct siptx_flow *tls = bed_flow(&bed, SIPTX_TLS, 1, 5071);
    char branch[32];
    for (unsigned i = 0; i < 10; i++) {
        snprintf(branch, sizeof branch, "z9hG4bKudp%u", i);
        bed_in(udp, req("OPTIONS", branch, 1, ""));
    }
    assert_int_equal(6, bed.requests);
    assert_int_equal(503, bed_status(&bed));
    bed_in(tls, req("OPTIONS", "z9hG4bKtls", 1, ""));
    assert_int_equal(200, bed_status(&bed));
    assert_int_equal(7, bed.requests);
    bed_pass(&bed, 32000);
    bed_in(udp, req("OPTIONS", "z9hG4bKlater", 1, ""));
    assert_int_equal(200, bed_status(&bed));
}

static void test_too_many_transactions_get_503(void **state)
{
    (void)state;
    bed_fini(&bed);
    struct siptx_config c = {.limits = {.transactions_max = 2, .retry_after_s = 7}};
    bed_init(&bed, &c);
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, 1, 5070);
    bed_in(f, req("OPTIONS", "z9hG4bK1", 1, ""));
    bed_in(f, req("INVITE", "z9hG4bK2", 2, ""));
    assert_int_equal(0, bed.sent_count);
    bed_in(f, req("OPTIONS", "z9hG4bK3", 3, ""));
    assert_int_equal(503, bed_status(&bed));
    assert_true(bed_has(bed_last(&bed), "Retry-After: 7\r\n"));
    assert_int_equal(1, siptx_stack_counters(bed.stack)->refused_transactions);
    bed_in(f, req("CANCEL", "z9hG4bK2", 2, "")); /* still does its work */
    assert_int_equal(200, bed_status(&bed));
    bed_assert_events(&bed, "open, request OPTIONS, request INVITE, cancel, ");
}

static void test_the_last_transactions_are_for_calls_that_are_there(void **state)
{
    (void)state;
    bed_fini(&bed);
    struct siptx_config c = {.limits = {.transactions_max = 8}};
    bed_init(&bed, &c);
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, 1, 5070);
    char branch[32], within[4096];
    for (unsigned i = 0; i < 9; i++) {
        snprintf(branch, sizeof branch, "z9hG4bK%u", i);
        bed_in(f, req("INVITE", branch, 1 + i, ""));
    }
    assert_int_equal(7, bed.requests);
    assert_int_equal(503, bed_status(&bed));
    struct str bye = req("BYE", "z9hG4bKbye", 20, "");
    ptrdiff_t to = str_find(bye, STR("To: "));
    ptrdiff_t end = to + str_find(str_sub(bye, (size_t)to, bye.n), STR("\r\n"));
    int n = snprintf(within, sizeof within, "%.*s;tag=t%.*s", (int)end, bye.p,
                     (int)(bye.n - (size_t)end), bye.p + end);
    bed_in(f, str_of(within, (size_t)n));
    assert_int_equal(8, bed.requests);
}

static void test_without_an_owner_requests_get_501(void **state)
{
    (void)state;
    struct siptx_stack *s;
    struct siptx_config c = bed.config;
    c.events = (struct siptx_events){0};
    c.server = STR("Bearline");
    assert_rc(RC_OK, siptx_stack_new(&c, &s));
    struct siptx_stack *own = bed.stack;
    bed.stack = s;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TCP, 1, 5070);
    bed_in(f, req("OPTIONS", "z9hG4bK1", 1, ""));
    assert_int_equal(501, bed_status(&bed));
    assert_true(bed_has(bed_last(&bed), "Server: Bearline\r\n"));
    bed_in(f, req("ACK", "z9hG4bK9", 1, ""));
    siptx_stack_free(s);
    bed.stack = own;
}

static void try_everything(void *ctx)
{
    (void)ctx;
    static struct bed b;
    char m[2048];
    struct siptx_config c = {.limits = {.pool_count = 1}};
    if (bed_try_init(&b, &c) != RC_OK) return;
    struct siptx_flow *f = bed_flow(&b, SIPTX_UDP, 1, 5070);
    if (f) {
        siptx_flow_set_label(f, STR("CSFrado"));
        bed_in(f, bed_request(m, sizeof m, "INVITE", "z9hG4bKi", 1, ""));
        bed_in(f, bed_request(m, sizeof m, "OPTIONS", "z9hG4bKo", 1, ""));
        if (b.held) siptx_respond(b.held, 200, STR(""), STR(""));
        bed_in(f, bed_request(m, sizeof m, "CANCEL", "z9hG4bKi", 1, ""));
        bed_pass(&b, 40000);
    }
    bed_fini(&b);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    kit_each_alloc_fails(try_everything, NULL);
}

/* Random requests, answers, losses and waits: nothing is left behind. */
static void test_random_traffic_leaves_nothing(void **state)
{
    (void)state;
    static const char *const methods[] = {"INVITE", "OPTIONS", "CANCEL", "ACK", "REGISTER"};
    struct kit_random seed;
    struct random_source r = kit_random(&seed, 99);
    char branch[32];
    for (int i = 0; i < 20000; i++) {
        struct siptx_flow *f = bed_flow(&bed, (enum siptx_transport)random_below(&r, 3), 1, 5070);
        for (uint64_t k = random_below(&r, 4) + 1; k > 0; k--) {
            snprintf(branch, sizeof branch, "z9hG4bK%u", (unsigned)random_below(&r, 3));
            bed.answer = (unsigned)random_below(&r, 3) * 200;
            siptx_flow_input(f, req(methods[random_below(&r, 5)], branch, 1, ""));
            if (bed.held && random_below(&r, 2) == 0)
                siptx_respond(bed.held, (unsigned)(100 + random_below(&r, 600)), STR(""), STR(""));
            bed_pass(&bed, (int64_t)random_below(&r, 300));
            bed_forget(&bed);
        }
        siptx_flow_close(f, SIPTX_CLOSE_OWNER);
        if (i % 100 == 0) {
            if (bed.held) siptx_respond(bed.held, 500, STR(""), STR(""));
            bed_pass(&bed, 40000);
        }
        bed.held = NULL;
    }
    bed_pass(&bed, 40000);
    const struct siptx_counters *c = siptx_stack_counters(bed.stack);
    assert_int_equal(0, c->flows_open);
    /* What is left are INVITEs their owner never answered. */
    assert_true(c->transactions <= siptx_stack_limits(bed.stack)->transactions_max);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_register_is_handed_up_and_answered),
        T(test_an_owner_without_transactions_gets_every_message),
        T(test_an_answer_without_transaction_is_the_same_for_a_repetition),
        T(test_an_answer_too_large_to_print_becomes_a_500),
        T(test_answered_register_over_tls_needs_no_heap),
        T(test_repeated_request_over_udp_gets_the_same_answer),
        T(test_request_never_answered_ends_in_silence),
        T(test_udp_answers_go_where_rfc_3581_and_3261_say),
        T(test_two_natted_phones_with_equal_branches_do_not_meet),
        T(test_invite_says_trying_then_repeats_refusal_until_ack),
        T(test_refusal_without_ack_gives_up_after_h),
        T(test_accepted_invite_absorbs_repeats_and_hands_acks_up),
        T(test_cancel_is_answered_and_told_once),
        T(test_cancel_over_another_connection_cancels_nothing),
        T(test_cancel_after_final_or_without_invite),
        T(test_rfc_2543_client_is_matched_without_branch),
        T(test_merged_request_is_recognised),
        T(test_flow_lost_while_a_request_waits),
        T(test_owner_closes_the_flow_inside_on_request),
        T(test_send_failure_ends_the_transaction),
        T(test_a_flood_over_udp_leaves_room_for_connections),
        T(test_too_many_transactions_get_503),
        T(test_the_last_transactions_are_for_calls_that_are_there),
        T(test_without_an_owner_requests_get_501),
        T(test_every_allocation_may_fail),
        T(test_random_traffic_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
