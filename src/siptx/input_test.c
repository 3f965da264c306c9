/* Bytes to messages: pieces of any size, keepalives, STUN, bad framing, sizes, versions, and what
 * the awkward messages get. */
#include "kit/kit.h"

#include "siptx/bed.h"
#include "siptx/stack_int.h"
#include "siptx/stun.h"
#include <stdio.h>

static struct bed bed;
static char text[16384];

static const struct siptx_counters *counters(void)
{
    return siptx_stack_counters(bed.stack);
}

static struct str options(unsigned cseq, const char *more)
{
    char branch[32];
    snprintf(branch, sizeof branch, "z9hG4bK%u", cseq);
    return bed_request(text, sizeof text, "OPTIONS", branch, cseq, more);
}

static int setup(void **state)
{
    (void)state;
    bed_init(&bed, NULL);
    bed.answer = 200;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bed_fini(&bed);
    return 0;
}

static void test_stream_in_pieces_of_one_byte(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TCP, 1, 5070);
    char all[4096];
    struct str m = options(1, "");
    int n = snprintf(all, sizeof all, "\r\n\r\n%.*s%.*s\r\n", STR_ARG(m), STR_ARG(m));
    size_t from = 0;
    for (size_t to = 1; to <= (size_t)n; to++)
        from += bed_in(f, str_of(all + from, to - from));
    assert_int_equal(2, bed.requests);
    assert_int_equal(1, counters()->keepalives);
    assert_str("\r\n", bed.sent[0].bytes);
    assert_int_equal(3, bed.sent_count);
    bed_assert_events(&bed, "open, keepalive, request OPTIONS, request OPTIONS, ");
}

static void test_stream_with_several_messages_and_a_rest(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, 1, 5070);
    char all[8192];
    struct str m = options(1, "");
    int n = snprintf(all, sizeof all, "%.*s%.*s%.*s", STR_ARG(m), STR_ARG(m), STR_ARG(m));
    assert_int_equal(2 * m.n, bed_in(f, str_of(all, (size_t)n - 1)));
    assert_int_equal(2, bed.requests);
    assert_int_equal(m.n, bed_in(f, str_of(all + 2 * m.n, m.n)));
    assert_int_equal(3, bed.requests);
}

static void test_outgoing_stream_pings_and_hears_pongs(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, SIPTX_KIND_OUTGOING, 5061);
    assert_rc(RC_OK, siptx_flow_ping(f));
    assert_str("\r\n\r\n", bed_last(&bed));
    bed_in(f, STR("\r\n"));
    bed_assert_events(&bed, "keepalive, ");
    assert_int_equal(1, bed.sent_count);
}

static void test_udp_pings_by_stun_both_ways(void **state)
{
    (void)state;
    struct siptx_flow *ours = bed_flow(&bed, SIPTX_UDP, SIPTX_KIND_OUTGOING, 5060);
    struct siptx_flow *theirs = bed_flow(&bed, SIPTX_UDP, 1, 5070);
    bed_forget(&bed);
    assert_rc(RC_OK, siptx_flow_ping(ours));
    struct str request = bed.sent[0].bytes;
    bed_in(theirs, request);
    bed_assert_events(&bed, "keepalive, ");
    assert_int_equal(2, bed.sent_count);
    bed_in(ours, bed.sent[1].bytes);
    bed_assert_events(&bed, "keepalive, ");
    bed_in(theirs, bed.sent[1].bytes); /* not the answer to anything here */
    bed_assert_events(&bed, "");
    char bad[64];
    memcpy(bad, request.p, request.n);
    bad[3] = 4; /* a length that is not there */
    bed_in(theirs, str_of(bad, request.n));
    assert_int_equal(1, counters()->malformed[SIPTX_BAD_STUN]);
    assert_int_equal(2, bed.sent_count);
}

static void test_udp_filler_is_no_message(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, 1, 5070);
    bed_in(f, STR("\r\n\r\n"));
    bed_in(f, STR("\0"));
    bed_in(f, STR("    "));
    bed_assert_events(&bed, "open, keepalive, keepalive, keepalive, ");
    assert_int_equal(0, bed.sent_count);
}

/* What a raw message gets. %s in the text is replaced by "UDP". */
struct row {
    const char *name, *message;
    bool stream;
    unsigned status; /* 0: nothing is sent */
    const char *phrase;
    bool closed;
    unsigned requests; /* handed up */
};

#define HEAD                                                                                       \
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"     \
    "Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n"

static const struct row rows[] = {
    {"negative length, udp", "OPTIONS sip:a@b SIP/2.0\r\n" HEAD "Content-Length: -999\r\n\r\n",
     false, 400, "Content-Length", false, 0},
    {"negative length, stream", "OPTIONS sip:a@b SIP/2.0\r\n" HEAD "Content-Length: -999\r\n\r\nx",
     true, 400, "Content-Length", true, 0},
    {"no length, stream", "OPTIONS sip:a@b SIP/2.0\r\n" HEAD "\r\n", true, 400, "Content-Length",
     true, 0},
    {"no length, udp", "OPTIONS sip:a@b SIP/2.0\r\n" HEAD "\r\nbody", false, 200, "OK", false, 1},
    {"two lengths, stream",
     "OPTIONS sip:a@b SIP/2.0\r\n" HEAD "Content-Length: 1\r\nl: 2\r\n\r\nxx", true, 400,
     "Content-Length", true, 0},
    {"two lengths, udp", "OPTIONS sip:a@b SIP/2.0\r\n" HEAD "Content-Length: 1\r\nl: 2\r\n\r\nxx",
     false, 400, "Content-Length", false, 0},
    {"length beyond, udp", "OPTIONS sip:a@b SIP/2.0\r\n" HEAD "Content-Length: 9999\r\n\r\nxx",
     false, 400, "Content-Length", false, 0},
    {"length beyond, stream", "OPTIONS sip:a@b SIP/2.0\r\n" HEAD "Content-Length: 9999\r\n\r\nxx",
     true, 0, "", false, 0},
    {"length over all bounds",
     "OPTIONS sip:a@b SIP/2.0\r\n" HEAD "Content-Length: 99999999\r\n\r\n", true, 513, "", true, 0},
    {"version", "OPTIONS sip:a@b SIP/7.0\r\n" HEAD "Content-Length: 0\r\n\r\n", false, 505, "",
     false, 0},
    {"bytes behind, udp", "OPTIONS sip:a@b SIP/2.0\r\n" HEAD "Content-Length: 0\r\n\r\nINVITE x",
     false, 200, "OK", false, 1},
    {"bytes behind, stream",
     "OPTIONS sip:a@b SIP/2.0\r\n" HEAD "Content-Length: 0\r\n\r\nOPTIONS sip:c@b SIP/2.0\r\n" HEAD
     "Content-Length: 0\r\n\r\n",
     true, 200, "OK", false, 2},
    {"cseq of another method", "BYE sip:a@b SIP/2.0\r\n" HEAD "Content-Length: 0\r\n\r\n", false,
     400, "CSeq", false, 0},
    {"ack of another method is dropped", "ACK sip:a@b SIP/2.0\r\n" HEAD "Content-Length: 0\r\n\r\n",
     false, 0, "", false, 0},
    {"bad response is dropped", "SIP/2.0 200 OK\r\nVia: x\r\nContent-Length: 0\r\n\r\n", true, 0,
     "", false, 0},
    {"response code too large", "SIP/2.0 4294967301 OK\r\n" HEAD "Content-Length: 0\r\n\r\n", false,
     0, "", false, 0},
    {"no via", "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n", false, 0, "", false, 0},
    {"http, stream", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", true, 0, "", true, 0},
    {"junk, stream", "\x16\x03\x01\x02\x01junk\r\n\r\n", true, 0, "", true, 0},
    {"junk, udp", "hello\r\n", false, 0, "", false, 0},
    {"bare branch cookie",
     "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK\r\nFrom: <sip:a@b>;tag=1\r\n"
     "To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
     false, 400, "Via", false, 0},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *r = &rows[i];
        bed_fini(&bed);
        setup(NULL);
        struct siptx_flow *f = bed_flow(&bed, r->stream ? SIPTX_TCP : SIPTX_UDP, 1, 5070);
        bed_in(f, str_from(r->message));
        if (bed_status(&bed) != r->status || bed.wire_closed != r->closed ||
            bed.requests != r->requests || !bed_has(bed_last(&bed), r->phrase))
            fail_msg("%s: %u closed %d requests %u: %.*s", r->name, bed_status(&bed),
                     bed.wire_closed, bed.requests, STR_ARG(bed_last(&bed)));
        if (r->closed && r->status != 0) assert_true(bed.wire_lingers);
    }
}

static void test_oversized_messages(void **state)
{
    (void)state;
    bed_fini(&bed);
    struct siptx_config c = {.limits = {.message_max = 1000}};
    bed_init(&bed, &c);
    char more[1200];
    memset(more, 'x', sizeof more);
    memcpy(more, "X: ", 3);
    memcpy(more + 1000, "\r\n", 3);
    struct siptx_flow *f = bed_flow(&bed, SIPTX_UDP, 1, 5070);
    bed_in(f, options(1, more));
    assert_int_equal(513, bed_status(&bed));
    assert_int_equal(1, counters()->malformed[SIPTX_BAD_SIZE]);
    f = bed_flow(&bed, SIPTX_TLS, 1, 5070);
    bed_in(f, options(1, more));
    assert_true(bed.wire_closed);
    assert_int_equal(0, bed.requests);
    assert_int_equal(2, counters()->malformed[SIPTX_BAD_SIZE]);
}

static void test_udp_flows_end_when_idle_and_give_way(void **state)
{
    (void)state;
    bed_fini(&bed);
    struct siptx_config c = {.limits = {.udp_flow_idle_ms = 1000}};
    bed_init(&bed, &c);
    bed.answer = 200;
    struct siptx_flow *a = bed_flow(&bed, SIPTX_UDP, 1, 1);
    bed_pass(&bed, 500);
    struct siptx_flow *b = bed_flow(&bed, SIPTX_UDP, 1, 2);
    uint64_t a_id = a->id, b_id = b->id;
    bed_pass(&bed, 400);
    bed_in(a, STR("\r\n\r\n"));
    bed_pass(&bed, 700);
    assert_non_null(siptx_flow_find(bed.stack, a_id));
    assert_null(siptx_flow_find(bed.stack, b_id));
    bed_pass(&bed, 1000);
    assert_null(siptx_flow_find(bed.stack, a_id));
    assert_int_equal(0, counters()->flows_open);
    assert_int_equal(2, counters()->flows_closed[SIPTX_CLOSE_IDLE]);
}

/* Registered phones that have been silent for longest must not shut the door on new ones. */
static void test_pinned_udp_flows_leave_the_door_open(void **state)
{
    (void)state;
    enum { PINNED = 70, MAX = 80 };
    bed_fini(&bed);
    struct siptx_config c = {.limits = {.udp_flows_max = MAX, .udp_flow_idle_ms = 10000}};
    bed_init(&bed, &c);
    struct siptx_flow *first = bed_flow(&bed, SIPTX_UDP, 1, 1), *f;
    struct siptx_flow_desc d = {.transport = SIPTX_UDP,
                                .listener_kind = 1,
                                .local = first->local,
                                .peer = first->peer,
                                .ops = first->ops,
                                .wire = first->wire};
    siptx_flow_pin(first, true);
    for (uint16_t port = 2; port <= MAX + 5; port++) {
        bed_pass(&bed, 10);
        d.peer.port = port;
        assert_non_null(f = siptx_flow_of_peer(bed.stack, &d));
        if (port <= PINNED) siptx_flow_pin(f, true);
    }
    assert_int_equal(MAX, counters()->flows_open);
    assert_int_equal(5, counters()->flows_closed[SIPTX_CLOSE_LIMIT]);
    siptx_flow_pin(first, false);
    bed_pass(&bed, 9000); /* idleness ends the pinned as well */
    bed_in(f, STR("\r\n\r\n"));
    bed_pass(&bed, 2000);
    assert_int_equal(1, counters()->flows_open);
    assert_int_equal(MAX - 1, counters()->flows_closed[SIPTX_CLOSE_IDLE]);
}

static void test_credentials_do_not_outlive_their_message(void **state)
{
    (void)state;
    static const char secret[] = "5ecret-t0ken";
    static char more[12000];
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, 1, 5070);
    kit_watch_freed(secret);
    for (int fill = 0; fill <= 9000; fill += 9000) { /* within the block, and on the heap */
        snprintf(more, sizeof more, "X: %0*d\r\nProxy-Authorization: Bearer token=\"%s\"\r\n",
                 fill + 1, 0, secret);
        bed_in(f, bed_request(text, sizeof text, "REGISTER", "", 1, more));
    }
    assert_int_equal(2, bed.requests);
    bed_fini(&bed);
    assert_int_equal(0, kit_freed_with_secret());
    kit_watch_freed("");
}

static unsigned released;

static void release(void *user)
{
    assert_ptr_equal(&released, user);
    released++;
}

static void count_flow(void *ctx, struct siptx_flow *f)
{
    unsigned *n = ctx;
    ++*n;
    siptx_flow_close(f, SIPTX_CLOSE_OWNER);
}

static void test_flows_have_ids_users_and_ends(void **state)
{
    (void)state;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, 7, 1);
    assert_int_equal(3, siptx_flow_worker(f->id));
    assert_int_equal(7, f->listener_kind);
    siptx_flow_set_user(f, &released, release);
    siptx_flow_set_user(f, &released, release);
    assert_int_equal(1, released);
    for (int i = 0; i < 2000; i++)
        assert_non_null(bed_flow(&bed, SIPTX_TCP, 7, (uint16_t)(2 + i)));
    assert_ptr_equal(f, siptx_flow_find(bed.stack, f->id));
    unsigned n = 0;
    siptx_stack_each_flow(bed.stack, count_flow, &n);
    assert_int_equal(2001, n);
    assert_int_equal(2, released);
    assert_int_equal(0, counters()->flows_open);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_stream_in_pieces_of_one_byte),
        T(test_stream_with_several_messages_and_a_rest),
        T(test_outgoing_stream_pings_and_hears_pongs),
        T(test_udp_pings_by_stun_both_ways),
        T(test_udp_filler_is_no_message),
        T(test_rows),
        T(test_oversized_messages),
        T(test_udp_flows_end_when_idle_and_give_way),
        T(test_credentials_do_not_outlive_their_message),
        T(test_pinned_udp_flows_leave_the_door_open),
        T(test_flows_have_ids_users_and_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
