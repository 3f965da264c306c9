#include "kit/kit.h"

#include "base/buf.h"
#include "sip/message.h"
#include <stdio.h>

static struct sip_message m;

static enum rc parse(const char *text, enum sip_arrival arrival)
{
    return sip_message_parse(str_from(text), arrival, &m, NULL);
}

static void test_request(void **state)
{
    (void)state;
    assert_rc(RC_OK,
              parse("REGISTER sip:a SIP/2.0\r\nv: one\r\nX-New: 1\r\nVIA:\r\n two\r\n  and  \r\n"
                    "x-new:2\r\nl: 2\r\n\r\nabc",
                    SIP_DATAGRAM));
    assert_true(m.is_request);
    assert_int_equal(SIP_METHOD_REGISTER, m.method);
    assert_str("sip:a", m.uri);
    assert_str("SIP/2.0", m.version);
    assert_int_equal(5, m.header_count);
    assert_int_equal(2, sip_message_count(&m, SIP_HEADER_VIA));
    const struct sip_header *via = sip_message_find(&m, SIP_HEADER_VIA);
    assert_str("one", via->value);
    assert_str("two\r\n  and", sip_message_next(&m, via)->value);
    assert_null(sip_message_next(&m, sip_message_next(&m, via)));
    const struct sip_header *odd = sip_message_by_name(&m, STR("X-NEW"), NULL);
    assert_str("1", odd->value);
    assert_str("2", sip_message_by_name(&m, STR("X-New"), odd)->value);
    assert_null(sip_message_by_name(&m, STR("X-Newer"), NULL));
    assert_ptr_equal(via, sip_message_by_name(&m, STR("Via"), NULL));
    assert_null(sip_message_find(&m, SIP_HEADER_TO));
    assert_str("ab", m.body);
    assert_rc(RC_OK, m.fault.rc);
}

static void test_response(void **state)
{
    (void)state;
    assert_rc(RC_OK, parse("SIP/2.0 200 Fine by me\r\nl: 0\r\n\r\n", SIP_STREAM));
    assert_false(m.is_request);
    assert_int_equal(200, m.status);
    assert_str("Fine by me", m.reason);
    assert_rc(RC_OK, parse("SIP/2.0 100 \r\nl: 0\r\n\r\n", SIP_STREAM));
    assert_int_equal(0, m.reason.n);
    assert_rc(RC_OK, parse("SIP/2.0 100\r\nl: 0\r\n\r\n", SIP_STREAM));
}

static void test_not_sip(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "\r\n\r\n",
                                        "hello",
                                        "hello\r\n\r\n",
                                        "GET / HTTP/1.1\r\n\r\n",
                                        "INVITE sip:a\r\n\r\n",
                                        "INVITE SIP/2.0\r\n\r\n",
                                        "SIP/2.0 4294967301 x\r\n\r\n",
                                        "SIP/2.0 99 x\r\n\r\n",
                                        "SIP/2.0 700 x\r\n\r\n",
                                        "SIP/2.0 2x0 x\r\n\r\n",
                                        "SIP/2.0\r\n\r\n",
                                        " INVITE sip:a SIP/2.0\r\n\r\n",
                                        "INVITE sip:a SIP/2.0\r\nTo: never ends",
                                        "INVITE sip:a SIP/2.0\nTo: b\n\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct str in = kit_guard(str_from(texts[i]));
        assert_rc(RC_MALFORMED, sip_message_parse(in, SIP_DATAGRAM, &m, NULL));
        kit_guard_free(in);
    }
}

static void test_faults_leave_it_answerable(void **state)
{
    (void)state;
    static const struct {
        const char *text, *what;
    } cases[] = {
        {"INVITE  sip:a SIP/2.0\r\nVia: x\r\n\r\n", "start line"},
        {"INVITE sip:a SIP/2.0 \r\nVia: x\r\n\r\n", "start line"},
        {"INVITE sip:a SIP/2.0\r\nno colon\r\nVia: x\r\n\r\n", "header line"},
        {"INVITE sip:a SIP/2.0\r\n: x\r\nVia: x\r\n\r\n", "header line"},
        {"INVITE sip:a SIP/2.0\r\n folded first\r\nVia: x\r\n\r\n", "header line"},
        {"INVITE sip:a SIP/2.0\r\nTo: a\nb\r\nVia: x\r\n\r\n", "line end"},
        {"INVITE sip:a SIP/2.0\r\nTo: a\rb\r\nVia: x\r\n\r\n", "line end"},
        {"INVITE sip:a SIP/2.0\r\nVia: x\r\n", "end of header fields"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str in = kit_guard(str_from(cases[i].text));
        assert_rc(RC_OK, sip_message_parse(in, SIP_DATAGRAM, &m, NULL));
        assert_rc(RC_MALFORMED, m.fault.rc);
        assert_string_equal(cases[i].what, m.fault.what);
        assert_str("x", sip_message_value(&m, SIP_HEADER_VIA));
        kit_guard_free(in);
    }
}

static void test_body_states(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        enum sip_arrival arrival;
        enum sip_body_state body_state;
        size_t body_n;
    } cases[] = {
        {"l: 3", SIP_DATAGRAM, SIP_BODY_OK, 3},
        {"l: 3\r\nl: 3", SIP_DATAGRAM, SIP_BODY_OK, 3},
        {"X: 1", SIP_DATAGRAM, SIP_BODY_OK, 4},
        {"X: 1", SIP_STREAM, SIP_BODY_NO_LENGTH, 4},
        {"l: 3\r\nl: 4", SIP_STREAM, SIP_BODY_BAD_LENGTH, 0},
        {"l: x", SIP_DATAGRAM, SIP_BODY_BAD_LENGTH, 0},
        {"l: -1", SIP_DATAGRAM, SIP_BODY_BAD_LENGTH, 0},
        {"l: 5", SIP_DATAGRAM, SIP_BODY_SHORT, 4},
        {"l: 18446744073709551616", SIP_DATAGRAM, SIP_BODY_SHORT, 4},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "INVITE sip:a SIP/2.0\r\n%s\r\n\r\nabcd", cases[i].head);
        assert_rc(RC_OK, parse(text, cases[i].arrival));
        assert_int_equal(cases[i].body_state, m.body_state);
        assert_int_equal(cases[i].body_n, m.body.n);
    }
}

static void test_header_count_is_bounded(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 65536);
    buf_put_lit(&b, "INVITE sip:a SIP/2.0\r\n");
    for (int i = 0; i < SIP_HEADER_MAX; i++)
        buf_put_lit(&b, "Q: y\r\n");
    size_t full = b.n;
    buf_put_lit(&b, "\r\n");
    assert_rc(RC_OK, sip_message_parse(buf_str(&b), SIP_DATAGRAM, &m, NULL));
    assert_rc(RC_OK, m.fault.rc);
    assert_int_equal(SIP_HEADER_MAX, sip_message_count(&m, SIP_HEADER_OTHER));
    b.n = full;
    buf_put_lit(&b, "Q: y\r\n\r\n");
    assert_rc(RC_OK, sip_message_parse(buf_str(&b), SIP_DATAGRAM, &m, NULL));
    assert_rc(RC_TOO_BIG, m.fault.rc);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),     cmocka_unit_test(test_response),
        cmocka_unit_test(test_not_sip),     cmocka_unit_test(test_faults_leave_it_answerable),
        cmocka_unit_test(test_body_states), cmocka_unit_test(test_header_count_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
