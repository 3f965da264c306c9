#include "kit/kit.h"

#include "sip/print.h"

static struct sip_message m;
static char text[2048];
static struct buf b;

static const char request[] =
    "REGISTER sip:h SIP/2.0\r\n"
    "v: SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bK1 , SIP/2.0/TCP second\r\n"
    "Via: SIP/2.0/UDP\r\n third;received=1.2.3.4\r\n"
    "f: <sip:a@h>;tag=1\r\nt: \"A\r\n B\" <sip:a@h>\r\ni: c\r\nCSeq: 1 REGISTER\r\n"
    "Timestamp: 5\r\n\r\n";

static void begin(const char *from)
{
    assert_rc(RC_OK, sip_message_parse(str_from(from), SIP_DATAGRAM, &m, NULL));
    buf_init_fixed(&b, text, sizeof(text));
}

static void test_response_answers_for_the_top_via(void **state)
{
    (void)state;
    begin(request);
    sip_response_begin(&b, &m, 200, STR(""), STR("t9"),
                       &(struct sip_via_fix){STR("192.0.2.7"), 4242});
    sip_print_body(&b, STR(""), STR(""));
    assert_str("SIP/2.0 200 OK\r\n"
               "Via: SIP/2.0/UDP 10.0.0.1:5070;rport=4242;branch=z9hG4bK1;received=192.0.2.7\r\n"
               "Via: SIP/2.0/TCP second\r\n"
               "Via: SIP/2.0/UDP third;received=1.2.3.4\r\n"
               "From: <sip:a@h>;tag=1\r\n"
               "To: \"A B\" <sip:a@h>;tag=t9\r\n"
               "Call-ID: c\r\n"
               "CSeq: 1 REGISTER\r\n"
               "Content-Length: 0\r\n\r\n",
               buf_str(&b));
}

static void test_trying_has_no_tag_but_the_timestamp(void **state)
{
    (void)state;
    begin(request);
    sip_response_begin(&b, &m, 100, STR(""), STR("t9"), NULL);
    assert_true(str_find(buf_str(&b), STR("To: \"A B\" <sip:a@h>\r\n")) > 0);
    assert_true(str_find(buf_str(&b), STR("Timestamp: 5\r\n")) > 0);
    assert_true(str_find(buf_str(&b), STR(";rport;")) > 0);
}

static void test_to_keeps_the_tag_it_has(void **state)
{
    (void)state;
    begin("BYE sip:h SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nTo: <sip:a>;tag=x\r\n\r\n");
    sip_response_begin(&b, &m, 481, STR(""), STR("t9"), NULL);
    assert_str("SIP/2.0 481 Call/Transaction Does Not Exist\r\nVia: SIP/2.0/UDP a\r\nTo: "
               "<sip:a>;tag=x\r\n",
               buf_str(&b));
}

static void test_a_forged_received_goes(void **state)
{
    (void)state;
    begin("BYE sip:h SIP/2.0\r\nVia: SIP/2.0/UDP a;received=6.6.6.6;x=\"q\\\"\"\r\n\r\n");
    sip_response_begin(&b, &m, 400, STR("No\r\nX: y"), STR(""),
                       &(struct sip_via_fix){STR("192.0.2.7"), 1});
    assert_str("SIP/2.0 400 No  X: y\r\nVia: SIP/2.0/UDP a;x=\"q\\\"\";received=192.0.2.7\r\n",
               buf_str(&b));
}

static void test_broken_via_is_answered_as_far_as_it_goes(void **state)
{
    (void)state;
    begin("BYE sip:h SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK7;;;\r\n\r\n");
    sip_response_begin(&b, &m, 400, STR(""), STR(""), &(struct sip_via_fix){STR("192.0.2.7"), 1});
    assert_str(
        "SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK7;received=192.0.2.7\r\n",
        buf_str(&b));
}

static void test_lone_line_ends_do_not_get_through(void **state)
{
    (void)state;
    begin("BYE sip:h SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nCall-ID: a\nX: y\rZ: z\r\n\r\n");
    sip_response_begin(&b, &m, 400, STR(""), STR(""), NULL);
    assert_true(str_find(buf_str(&b), STR("Call-ID: a X: y Z: z\r\n")) > 0);
}

static void test_lines(void **state)
{
    (void)state;
    const struct sip_host host = {STR("::1"), SIP_HOST_IPV6};
    begin(request);
    sip_print_request_line(&b, STR("ACK"), STR("sip:x"));
    sip_print_via(&b, SIP_TRANSPORT_TLS, &host, 5061, STR("z9hG4bK9"), true);
    sip_print_header(&b, SIP_HEADER_CALL_ID, STR("i"));
    sip_print_header_u64(&b, SIP_HEADER_MAX_FORWARDS, 70);
    sip_print_copies(&b, &m, SIP_HEADER_VIA);
    sip_print_body(&b, STR("text/plain"), STR("hi"));
    assert_str(
        "ACK sip:x SIP/2.0\r\nVia: SIP/2.0/TLS [::1]:5061;branch=z9hG4bK9;rport\r\nCall-ID: i\r\n"
        "Max-Forwards: 70\r\n"
        "Via: SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bK1 , SIP/2.0/TCP second\r\n"
        "Via: SIP/2.0/UDP third;received=1.2.3.4\r\n"
        "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi",
        buf_str(&b));
}

static void test_reprint_is_equal_and_difference_is_seen(void **state)
{
    (void)state;
    static struct sip_message again;
    begin(request);
    sip_message_print(&b, &m);
    assert_rc(RC_OK, sip_message_parse(buf_str(&b), SIP_STREAM, &again, NULL));
    assert_int_equal(SIP_BODY_OK, again.body_state);
    assert_true(sip_message_eq(&m, &again));
    text[b.n - sizeof("Timestamp: 5\r\nContent-Length: 0\r\n\r\n") + 1 + 11] = '6';
    assert_rc(RC_OK, sip_message_parse(buf_str(&b), SIP_STREAM, &again, NULL));
    assert_false(sip_message_eq(&m, &again));
}

static void print_response(void *ctx)
{
    (void)ctx;
    struct buf heap;
    buf_init(&heap, 4096);
    sip_response_begin(&heap, &m, 200, STR(""), STR("t"), NULL);
    sip_print_body(&heap, STR(""), STR("body"));
    assert_true(buf_rc(&heap) == RC_OK || buf_rc(&heap) == RC_NOMEM);
    buf_fini(&heap);
}

static void test_without_memory(void **state)
{
    (void)state;
    begin(request);
    kit_each_alloc_fails(print_response, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_response_answers_for_the_top_via),
        cmocka_unit_test(test_trying_has_no_tag_but_the_timestamp),
        cmocka_unit_test(test_to_keeps_the_tag_it_has),
        cmocka_unit_test(test_a_forged_received_goes),
        cmocka_unit_test(test_broken_via_is_answered_as_far_as_it_goes),
        cmocka_unit_test(test_lone_line_ends_do_not_get_through),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_reprint_is_equal_and_difference_is_seen),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
