/* call_test.c - the messages of a call as a proxy must find them. */
#include "bench_test.h"
#include "call.h"
#include <string.h>

static const struct phone anna = {.device = "A",
                                  .line = "1001",
                                  .token = "t",
                                  .number = 1,
                                  .node = "ucm1",
                                  .address = "127.16.0.1:5001"};
static const struct phone bert = {.device = "B",
                                  .line = "1002",
                                  .token = "t",
                                  .number = 2,
                                  .node = "ucm1",
                                  .address = "127.16.0.2:5002"};

static const char *has(const char *text, const char *part)
{
    const char *at = strstr(text, part);
    assert_non_null(at);
    return at;
}

static void test_invite_offers_srtp(void **state)
{
    (void)state;
    char m[4096];
    size_t n = call_print_invite(&anna, &bert, 7, m, sizeof m - 1);
    assert_true(n > 0);
    m[n] = '\0';
    assert_int_equal(0, strncmp(m, "INVITE sip:1002@ucm1 SIP/2.0\r\n", 30));
    has(m, "\r\nFrom: <sip:1001@ucm1>;tag=");
    has(m, "m=audio 30000 RTP/SAVP");
    struct answer a;
    assert_int_equal(ANSWER_WHOLE, answer_frame(m, n, &a));
    assert_int_equal(n, a.n);
    assert_true(call_is(m, n, "INVITE"));
    assert_false(call_is(m, n, "BYE"));
    assert_int_equal(0, call_print_invite(&anna, &bert, 7, m, 300));
}

static void test_answer_copies_what_it_must(void **state)
{
    (void)state;
    static const char request[] =
        "INVITE sip:x@127.16.0.2:5002 SIP/2.0\r\nVia: SIP/2.0/TLS p;branch=z9hG4bK1\r\n"
        "Via: SIP/2.0/TLS q;branch=z9hG4bK2\r\nRecord-Route: <sip:p;lr>, <sip:r;lr>\r\n"
        "From: <sip:1001@ucm1>;tag=f\r\nTo: <sip:1002@ucm1>\r\nCall-ID: c\r\nCSeq: 101 INVITE\r\n"
        "Content-Length: 0\r\n\r\n";
    char m[4096], ack[2048];
    size_t n = call_print_answer(&bert, request, strlen(request), 200, m, sizeof m - 1);
    assert_true(n > 0);
    m[n] = '\0';
    assert_true(has(m, "branch=z9hG4bK1") < has(m, "branch=z9hG4bK2"));
    has(m, "To: <sip:1002@ucm1>;tag=d00000002\r\n");
    has(m, "RTP/SAVP 0 101");
    assert_true(call_is(m, n, "INVITE"));
    n = call_print_follow(&anna, "ACK", m, n, 7, ack, sizeof ack - 1);
    assert_true(n > 0);
    ack[n] = '\0';
    assert_int_equal(
        0, strncmp(ack, "ACK sip:00000002-0000-4000-8000-000000000002@127.16.0.2:5002", 60));
    assert_true(has(ack, "Route: <sip:r;lr>\r\n") < has(ack, "Route: <sip:p;lr>\r\n"));
    has(ack, "CSeq: 101 ACK\r\n");
    n = call_print_follow(&anna, "BYE", m, strlen(m), 7, ack, sizeof ack - 1);
    ack[n] = '\0';
    has(ack, "CSeq: 102 BYE\r\n");
}

static void test_what_cannot_be_read_is_refused(void **state)
{
    (void)state;
    char m[512];
    static const char bad[] = "SIP/2.0 200 OK\r\nCSeq: 101 INVITE\r\n\r\n";
    assert_int_equal(0, call_print_answer(&bert, bad, strlen(bad), 200, m, sizeof m));
    assert_int_equal(0, call_print_follow(&anna, "ACK", bad, strlen(bad), 1, m, sizeof m));
    assert_false(call_is(bad, 3, "INVITE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_invite_offers_srtp),
        cmocka_unit_test(test_answer_copies_what_it_must),
        cmocka_unit_test(test_what_cannot_be_read_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
