#include "kit/kit.h"

#include "admin/ladder.h"

#define FLOW                                                                                       \
    .flow_id = 7, .transport = STR_INIT("TLS"), .local = STR_INIT("127.0.0.1:5090"),               \
    .peer = STR_INIT("127.0.0.1:41000"), .label = STR_INIT("CSFrado")

static const struct admin_trace_record records[] = {
    {.unix_ms = 1585566199200,
     .kind = ADMIN_TRACE_IN,
     FLOW,
     .text = STR_INIT("REGISTER sip:ucm1 SIP/2.0\r\nCSeq: 1 REGISTER\r\nm: "
                      "<sip:1@127.0.0.1>;+sip.instance=\"<x>\";+u.sip!devicename.ccm.cisco.com="
                      "\"CSFrado\";video;"
                      "x-cisco-newreg\r\n"
                      "Subject: no\r\n\r\nWarning: of the body\r\n")},
    {.unix_ms = 1585566199310,
     .kind = ADMIN_TRACE_OUT,
     FLOW,
     .text = STR_INIT("SIP/2.0 407 Proxy Authentication Required\r\nCSeq: 1 REGISTER\r\n"
                      "Proxy-Authenticate: Bearer realm=\"ccmsipline\"\r\n\r\n")},
    {.unix_ms = 1585566199311,
     .kind = ADMIN_TRACE_NOTE,
     FLOW,
     .text = STR_INIT("no token yet\x1b[1m")},
};

static void test_registration_as_a_ladder(void **state)
{
    (void)state;
    struct buf b;
    struct ladder_options o = {.utc = true};
    buf_init(&b, 65536);
    ladder_print(&b, records, 3, STR("ucm1"), &o);
    assert_str("\n"
               "              CSFrado 127.0.0.1:41000                         ucm1 127.0.0.1:5090 "
               "TLS\n"
               "11:03:19.200  |-- REGISTER sip:ucm1 -------------------------------->|\n"
               "              |     CSeq: 1 REGISTER\n"
               "              |     Contact: "
               "<sip:1@127.0.0.1>;+u.sip!devicename.ccm.cisco.com=\"CSFrado\";x-cisco-newreg "
               "...\n"
               "11:03:19.310  |<- 407 Proxy Authentication Required -----------------|\n"
               "              |     CSeq: 1 REGISTER\n"
               "              |     Proxy-Authenticate: Bearer realm=\"ccmsipline\"\n"
               "11:03:19.311  |  * no token yet?[1m\n",
               buf_str(&b));
    buf_fini(&b);
}

static void test_whole_messages(void **state)
{
    (void)state;
    struct buf b;
    struct ladder_options o = {.utc = true, .full = true};
    buf_init(&b, 65536);
    ladder_print(&b, records, 1, STR("ucm1"), &o);
    assert_non_null(strstr(buf_cstr(&b), "|     Subject: no\n"));
    assert_non_null(strstr(buf_cstr(&b), "|     Warning: of the body\n"));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registration_as_a_ladder),
        cmocka_unit_test(test_whole_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
