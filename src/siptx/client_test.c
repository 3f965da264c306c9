/* Our requests through the whole stack on simulated time: schedules, matching, ACK, CANCEL, losses. */
#include "kit/kit.h"

#include "siptx/bed.h"
#include <stdio.h>

static struct bed bed;
static char text[8192];
static char told[1024];

/* Writes down what came back: "180 " "200 " "timeout " "lost " "gone ". */
static void outcome(void *ctx, struct siptx_client *c, enum siptx_outcome o,
                    const struct sip_message *m, struct arena *arena)
{
    static const char *const words[] = {"", "", "timeout ", "lost ", "gone "};
    size_t n = strlen(told);
    (void)c;
    assert_int_equal(m != NULL, arena != NULL);
    assert_ptr_equal(ctx, told);
    if (m) {
        snprintf(told + n, sizeof told - n, "%s%u ", o == SIPTX_FINAL ? "=" : "", m->status);
    } else {
        snprintf(told + n, sizeof told - n, "%s", words[o]);
    }
}

static enum rc send(struct siptx_flow *f, const char *method, struct siptx_client **c)
{
    struct buf *out = siptx_request_begin(bed.stack, f, str_from(method),
                                          STR("sip:bob@example.net"));
    buf_put_lit(out, "Max-Forwards: 70\r\nRoute: <sip:p1;lr>\r\nRoute: <sip:p2;lr>\r\n"
                     "From: <sip:a@b>;tag=x\r\nTo: <sip:bob@example.net>\r\nCall-ID: q\r\n");
    buf_printf(out, "CSeq: 5 %s\r\n", method);
    return siptx_request_send(bed.stack, STR(""), STR(""), outcome, told, c);
}

static struct str answer_to(size_t i, unsigned status)
{
    return bed_response(text, sizeof text, bed.sent[i].bytes, status, "t9");
}

static int setup(void **state)
{
    (void)state;
    told[0] = '\0';
    bed_init(&bed, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bed_fini(&bed);
    return 0;
}

#define assert_told(expected)                                                                      \
    do {                                                                                           \
        assert_string_equal(expected, told);                                                       \
        told[0] = '\0';                                                                            \
    } while (0)

static uint64_t transactions(void)
{
    return siptx_stack_counters(bed.stack)->transactions;
}

static void test_register_over_tls(void **state)
{
    (void)state;
    struct siptx_client *c;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, SIPTX_KIND_OUTGOING, 5061);
    assert_rc(RC_OK, send(f, "REGISTER", &c));
    assert_true(siptx_client_flow_id(c) == f->id);
    struct str r = bed_last(&bed);
    assert_true(str_starts(r, STR("REGISTER sip:bob@example.net SIP/2.0\r\n"
                                  "Via: SIP/2.0/TLS 192.0.2.9:5060;branch=z9hG4bKbl03")));
    assert_true(bed_has(r, ";rport\r\n"));
    bed_in(f, answer_to(0, 100));
    assert_told("");
    bed_in(f, answer_to(0, 401));
    assert_told("=401 gone ");
    bed_in(f, answer_to(0, 401));
    assert_told("");
    bed_assert_events(&bed, "stray 401, ");
    assert_int_equal(0, transactions());
}

static void test_request_over_udp_repeats_until_answered(void **state)
{
    (void)state;
    char times[256];
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, SIPTX_KIND_OUTGOING, 5060);
    assert_rc(RC_OK, send(f, "OPTIONS", NULL));
    bed_pass(&bed, 2000);
    bed_in(f, answer_to(0, 183));
    bed_pass(&bed, 6000);
    assert_string_equal("0 500 1500 3500 7500 ", bed_times(&bed, times, sizeof times));
    assert_true(str_eq(bed.sent[0].bytes, bed.sent[4].bytes));
    bed_in(f, answer_to(0, 200));
    bed_in(f, answer_to(0, 200)); /* absorbed until timer K */
    assert_told("183 =200 ");
    bed_pass(&bed, 4999);
    assert_told("");
    bed_pass(&bed, 1);
    assert_told("gone ");
    assert_int_equal(0, transactions());
}

static void test_no_answer_is_a_timeout(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, SIPTX_KIND_OUTGOING, 5060);
    assert_rc(RC_OK, send(f, "OPTIONS", NULL));
    assert_rc(RC_OK, send(f, "INVITE", NULL));
    bed_pass(&bed, 31999);
    assert_told("");
    assert_int_equal(11 + 7, bed.sent_count);
    bed_pass(&bed, 1);
    assert_told("timeout gone timeout gone ");
}

static void test_refused_invite_gets_its_ack_and_more_for_repeats(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, SIPTX_KIND_OUTGOING, 5060);
    assert_rc(RC_OK, send(f, "INVITE", NULL));
    bed_in(f, answer_to(0, 486));
    assert_told("=486 ");
    assert_int_equal(2, bed.sent_count);
    struct str ack = bed_last(&bed);
    char via[128];
    struct str invite = bed.sent[0].bytes;
    ptrdiff_t at = str_find(invite, STR("Via: ")), end = str_find(invite, STR(";rport"));
    snprintf(via, sizeof via, "%.*s", (int)(end - at), invite.p + at);
    assert_true(str_starts(ack, STR("ACK sip:bob@example.net SIP/2.0\r\n")));
    assert_true(bed_has(ack, via));
    assert_true(bed_has(ack, "To: <sip:bob@example.net>;tag=t9\r\n"));
    assert_true(bed_has(ack, "Route: <sip:p1;lr>\r\nRoute: <sip:p2;lr>\r\n"));
    assert_true(bed_has(ack, "CSeq: 5 ACK\r\n"));
    bed_in(f, answer_to(0, 486));
    assert_int_equal(3, bed.sent_count);
    assert_true(str_eq(bed.sent[1].bytes, bed.sent[2].bytes));
    assert_told("");
    bed_pass(&bed, 32000); /* timer D */
    assert_told("gone ");
}

static void test_accepted_invite_hands_up_every_2xx(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, SIPTX_KIND_OUTGOING, 5060);
    assert_rc(RC_OK, send(f, "INVITE", NULL));
    bed_in(f, answer_to(0, 180));
    bed_in(f, answer_to(0, 200));
    bed_in(f, answer_to(0, 200));
    assert_told("180 =200 =200 ");
    assert_int_equal(1, bed.sent_count); /* the ACK is the owner's */
    struct buf *out = siptx_request_begin(bed.stack, f, STR("ACK"), STR("sip:bob@192.0.2.1"));
    buf_put_lit(out, "From: <sip:a@b>;tag=x\r\nTo: <sip:bob@example.net>;tag=t9\r\n"
                     "Call-ID: q\r\nCSeq: 5 ACK\r\n");
    assert_rc(RC_OK, siptx_request_send_once(bed.stack, STR(""), STR("")));
    assert_int_equal(2, bed.sent_count);
    bed_pass(&bed, 32000); /* timer M */
    assert_told("gone ");
    bed_in(f, answer_to(0, 200));
    bed_assert_events(&bed, "stray 200, ");
}

static void test_cancel_waits_for_a_provisional_answer(void **state)
{
    (void)state;
    struct siptx_client *c;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, SIPTX_KIND_OUTGOING, 5060);
    assert_rc(RC_OK, send(f, "INVITE", &c));
    assert_rc(RC_OK, siptx_client_cancel(c, STR("Reason: SIP;cause=200\r\n")));
    assert_rc(RC_CONFLICT, siptx_client_cancel(c, STR("")));
    assert_int_equal(1, bed.sent_count);
    bed_in(f, answer_to(0, 100));
    assert_int_equal(2, bed.sent_count);
    struct str cancel = bed_last(&bed);
    assert_true(str_starts(cancel, STR("CANCEL sip:bob@example.net SIP/2.0\r\n")));
    assert_true(bed_has(cancel, "Reason: SIP;cause=200\r\n"));
    assert_true(bed_has(cancel, "CSeq: 5 CANCEL\r\n"));
    bed_in(f, answer_to(1, 200)); /* to the CANCEL: nobody's business */
    assert_told("");
    bed_in(f, answer_to(0, 487));
    assert_told("=487 ");
    bed_pass(&bed, 40000);
    assert_told("gone ");
    assert_int_equal(0, transactions());
}

static void test_cancelled_invite_without_final_answer_times_out(void **state)
{
    (void)state;
    struct siptx_client *c;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, SIPTX_KIND_OUTGOING, 5060);
    assert_rc(RC_OK, send(f, "INVITE", &c));
    bed_in(f, answer_to(0, 180));
    bed_pass(&bed, 100000); /* ringing has no limit of its own */
    assert_told("180 ");
    assert_rc(RC_OK, siptx_client_cancel(c, STR("")));
    bed_in(f, answer_to(1, 200));
    bed_in(f, answer_to(0, 180));
    bed_pass(&bed, 31999);
    assert_told("180 ");
    bed_pass(&bed, 1);
    assert_told("timeout gone ");
}

static void test_cancel_meets_the_final_answer(void **state)
{
    (void)state;
    struct siptx_client *c;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, SIPTX_KIND_OUTGOING, 5060);
    assert_rc(RC_OK, send(f, "INVITE", &c));
    bed_in(f, answer_to(0, 180));
    assert_rc(RC_OK, siptx_client_cancel(c, STR("")));
    bed_in(f, answer_to(0, 200)); /* was on its way */
    assert_told("180 =200 ");
    bed_in(f, answer_to(1, 481));
    bed_pass(&bed, 40000);
    assert_told("gone ");
    assert_rc(RC_OK, send(f, "OPTIONS", &c));
    assert_rc(RC_CONFLICT, siptx_client_cancel(c, STR("")));
}

static void test_flow_lost_tells_every_client(void **state)
{
    (void)state;
    struct siptx_client *c;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, SIPTX_KIND_OUTGOING, 5060);
    assert_rc(RC_OK, send(f, "OPTIONS", NULL));
    assert_rc(RC_OK, send(f, "INVITE", NULL));
    assert_rc(RC_OK, send(f, "OPTIONS", &c));
    siptx_client_forget(c);
    siptx_flow_gone(f, SIPTX_CLOSE_PEER, STR(""));
    assert_told("lost gone lost gone ");
    assert_int_equal(0, transactions());
}

static void test_what_cannot_be_sent_is_told_at_once(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, SIPTX_KIND_OUTGOING, 5060);
    bed.send_rc = RC_CLOSED;
    assert_rc(RC_CLOSED, send(f, "OPTIONS", NULL));
    bed.send_rc = RC_OK;
    struct buf *out = siptx_request_begin(bed.stack, f, STR("OPTIONS"), STR("sip:x"));
    buf_put_lit(out, "From: nonsense\r\n");
    assert_rc(RC_INVALID, siptx_request_send(bed.stack, STR(""), STR(""), outcome, told, NULL));
    f->ready = false;
    assert_rc(RC_BUSY, send(f, "OPTIONS", NULL));
    assert_told("");
    assert_int_equal(0, transactions());
    assert_int_equal(0, bed.sent_count);
}

static void test_responses_of_others_are_dropped(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, SIPTX_KIND_OUTGOING, 5060);
    assert_rc(RC_OK, send(f, "OPTIONS", NULL));
    char other[8192];
    struct str r = answer_to(0, 200);
    memcpy(other, r.p, r.n);
    char *branch = strstr(other, "z9hG4bKbl03");
    assert_non_null(branch);
    branch[12] ^= 1; /* another random part */
    bed_in(f, str_of(other, r.n));
    memcpy(branch, "z9hG4bKbl05", 11); /* another worker's, and no node to reach it */
    bed_in(f, str_of(other, r.n));
    memcpy(branch, "z9hG4bKxx03", 11); /* nobody's */
    bed_in(f, str_of(other, r.n));
    assert_told("");
    bed_in(f, bed_response(other, sizeof other, STR("INVITE sip:b SIP/2.0\r\nVia: x\r\n\r\n"), 200,
                           "")); /* no Via to speak of */
    assert_int_equal(4, siptx_stack_counters(bed.stack)->dropped_responses);
}

static void test_responses_over_another_connection_are_dropped(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, SIPTX_KIND_OUTGOING, 5061);
    struct siptx_flow *other = bed_flow(&bed, SIPTX_TLS, SIPTX_KIND_OUTGOING, 5062);
    assert_rc(RC_OK, send(f, "OPTIONS", NULL));
    bed_in(other, answer_to(0, 200));
    assert_told("");
    assert_int_equal(1, siptx_stack_counters(bed.stack)->dropped_responses);
    bed_in(f, answer_to(0, 200));
    assert_true(strstr(told, "=200 ") != NULL);
}

static void test_stack_freed_with_requests_under_way(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, SIPTX_KIND_OUTGOING, 5060);
    assert_rc(RC_OK, send(f, "OPTIONS", NULL));
    assert_rc(RC_OK, send(f, "INVITE", NULL));
    bed.stack = siptx_stack_free(bed.stack);
    assert_told("lost gone lost gone ");
    bed_assert_events(&bed, "closed stack, ");
}

static void quiet(void *ctx, struct siptx_client *c, enum siptx_outcome o,
                  const struct sip_message *m, struct arena *arena)
{
    (void)c, (void)m, (void)arena;
    int *gone = ctx;
    if (o == SIPTX_GONE) ++*gone;
}

static void try_call(void *ctx)
{
    (void)ctx;
    static struct bed b;
    struct siptx_client *c = NULL;
    int gone = 0, sent = 0;
    if (bed_try_init(&b, NULL) != RC_OK) return;
    struct siptx_flow *f = bed_flow(&b, SIPTX_UDP, SIPTX_KIND_OUTGOING, 5060);
    if (f) {
        struct buf *out = siptx_request_begin(b.stack, f, STR("INVITE"), STR("sip:b"));
        buf_put_lit(out, "From: <sip:a>;tag=x\r\nTo: <sip:b>\r\nCall-ID: q\r\nCSeq: 5 INVITE\r\n");
        sent = siptx_request_send(b.stack, STR(""), STR(""), quiet, &gone, &c) == RC_OK;
        if (sent) {
            char m[2048];
            bed_in(f, bed_response(m, sizeof m, b.sent[0].bytes, 180, "t"));
            if (siptx_client_cancel(c, STR("X: y\r\n")) == RC_OK)
                bed_in(f, bed_response(m, sizeof m, b.sent[0].bytes, 183, "t"));
            bed_in(f, bed_response(m, sizeof m, b.sent[0].bytes, 487, "t"));
            bed_pass(&b, 100000);
        }
    }
    bed_fini(&b);
    assert_int_equal(sent, gone);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    kit_each_alloc_fails(try_call, NULL);
}

static void test_random_answers_leave_nothing(void **state)
{
    (void)state;
    struct kit_random seed;
    struct random_source r = kit_random(&seed, 5);
    for (int i = 0; i < 20000; i++) {
        struct siptx_client *c;
        struct siptx_flow *f = bed_flow(&bed, (enum siptx_transport)random_below(&r, 3),
                                        SIPTX_KIND_OUTGOING, 5060);
        assert_rc(RC_OK, send(f, random_below(&r, 2) ? "INVITE" : "OPTIONS", &c));
        bool may_cancel = random_below(&r, 3) == 0;
        for (uint64_t k = random_below(&r, 5); k > 0; k--) {
            if (may_cancel && !strstr(told, "gone") && siptx_client_cancel(c, STR("")) == RC_OK)
                may_cancel = false;
            struct str m = answer_to(0, (unsigned)(100 + random_below(&r, 600)));
            siptx_flow_input(f, m);
            bed_pass(&bed, (int64_t)random_below(&r, 3000));
        }
        if (random_below(&r, 2)) bed_pass(&bed, 70000);
        siptx_flow_close(f, SIPTX_CLOSE_OWNER);
        bed_pass(&bed, 64001);
        if (!strstr(told, "gone ")) {
            siptx_client_forget(c); /* ringing on a flow that is lost would have been told */
            fail_msg("history %d: %s", i, told);
        }
        told[0] = '\0';
        bed_forget(&bed);
        assert_int_equal(0, transactions());
    }
    assert_int_equal(0, wheel_count(bed.wheel));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_register_over_tls),
        T(test_request_over_udp_repeats_until_answered),
        T(test_no_answer_is_a_timeout),
        T(test_refused_invite_gets_its_ack_and_more_for_repeats),
        T(test_accepted_invite_hands_up_every_2xx),
        T(test_cancel_waits_for_a_provisional_answer),
        T(test_cancelled_invite_without_final_answer_times_out),
        T(test_cancel_meets_the_final_answer),
        T(test_flow_lost_tells_every_client),
        T(test_what_cannot_be_sent_is_told_at_once),
        T(test_responses_of_others_are_dropped),
        T(test_responses_over_another_connection_are_dropped),
        T(test_stack_freed_with_requests_under_way),
        T(test_every_allocation_may_fail),
        T(test_random_answers_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
