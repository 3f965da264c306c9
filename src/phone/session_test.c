/* How long a call lives: session timers (RFC 4028) and peers that are silent or gone. */
#include "kit/kit.h"

#include "phone/bed.h"
#include <stdio.h>

/* ---- session timers ---- */

static void test_a_session_is_refreshed_at_half_its_time(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TLS);
    bed_talk(b);
    assert_int_equal(1800, b->a.call->session.interval_s);
    assert_true(b->a.call->session.we_refresh != b->b.call->session.we_refresh);
    bed_pass(b, 899000);
    bed_assert_log(b, "");
    bed_pass(b, 2000);
    assert_non_null(strstr(b->log, "INVITE"));
    bed_assert_events(&b->a, "");
    bed_assert_events(&b->b, "");
    bed_pass(b, 24 * 3600 * INT64_C(1000));
    assert_int_equal(PHONE_CALL_TALKING, b->a.call->info.state);
    assert_int_equal(PHONE_CALL_TALKING, b->b.call->info.state);
    bed_free(b);
}

static void test_a_peer_that_stops_refreshing_is_gone(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TLS);
    bed_talk(b);
    b->lose = "";
    b->lose_count = 1000000;
    bed_pass(b, 1800 * 1000);
    assert_non_null(strstr(b->a.events, "ended "));
    assert_non_null(strstr(b->b.events, "ended expired, "));
    bed_free(b);
}

static void test_a_refresh_that_is_refused_is_tried_until_the_session_ends(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TLS);
    bed_talk(b);
    struct bed_side *other = b->a.call->session.we_refresh ? &b->b : &b->a;
    struct bed_side *refresher = other == &b->a ? &b->b : &b->a;
    other->refuses_media = true;
    bed_pass(b, 1300 * 1000);
    assert_non_null(strstr(b->log, "488 INVITE"));
    other->refuses_media = false;
    bed_forget(b);
    bed_pass(b, 100 * 1000); /* at three quarters: it goes on */
    assert_non_null(strstr(b->log, "200 INVITE"));
    other->refuses_media = true;
    call_timer_stop(other->call,
                    &other->call->session_timer); /* which would end it a little before */
    bed_pass(b, 1700 * 1000);
    bed_assert_events(refresher, "");
    bed_pass(b, 100 * 1000);
    bed_assert_events(refresher, "ended expired, "); /* and not later than the session */
    bed_free(b);
}

static void test_session_lines(void **state)
{
    (void)state;
    struct phone_session_timer t = {0};
    struct sip_message m;
    char text[256];
    static const struct {
        const char *more;
        enum rc rc;
        uint32_t interval_s;
        bool we_refresh;
    } rows[] = {
        {"", RC_OK, 1800, true},
        {"Supported: timer\r\n", RC_OK, 1800, true},
        {"Supported: timer\r\nSession-Expires: 600\r\n", RC_OK, 600, false},
        {"Supported: timer\r\nx: 600;refresher=uas\r\n", RC_OK, 600, true},
        {"Session-Expires: 600;refresher=uac\r\n", RC_OK, 600, true},
        {"Supported: timer\r\nSession-Expires: 89\r\n", RC_INVALID, 0, false},
        {"Session-Expires: 89\r\n", RC_OK, 90, true},
        {"Min-SE: 7200\r\n", RC_OK, 7200, true},
        {"Session-Expires: nonsense\r\n", RC_OK, 1800, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        t = (struct phone_session_timer){0};
        snprintf(text, sizeof text, "INVITE sip:a@b SIP/2.0\r\n%s\r\n", rows[i].more);
        assert_rc(RC_OK, sip_message_parse(str_from(text), SIP_STREAM, &m, NULL));
        assert_rc(rows[i].rc, phone_session_read_request(&t, &m, 1800, 90));
        assert_int_equal(rows[i].interval_s, t.interval_s);
        assert_int_equal(rows[i].we_refresh, t.we_refresh);
    }
    t = (struct phone_session_timer){.interval_s = 90};
    assert_int_equal(60000, phone_session_due_ms(&t));
    t.interval_s = 1800;
    assert_int_equal(1768000, phone_session_due_ms(&t));
    t.we_refresh = true;
    assert_int_equal(900000, phone_session_due_ms(&t));
    t.interval_s = 0;
    assert_int_equal(0, phone_session_due_ms(&t));
}

/* ---- is anybody there? ---- */

static void test_who_is_silent_is_asked_and_stays(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    bed_talk(b);
    assert_rc(RC_OK, phone_call_check(b->a.call));
    bed_run(b);
    bed_assert_log(b, "a OPTIONS, b 200 OPTIONS, ");
    bed_assert_events(&b->a, "");
    for (unsigned i = 0; i < CALL_ASKS_MAX; i++) /* asked in vain; bounded */
        assert_rc(RC_OK, phone_call_check(b->a.call));
    assert_rc(RC_BUSY, phone_call_check(b->a.call));
    bed_run(b);
    bed_assert_events(&b->a, "");
    bed_free(b);
}

static void test_who_is_gone_is_hung_up(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    bed_talk(b);
    b->lose = "OPTIONS sip";
    b->lose_count = 100;
    assert_rc(RC_OK, phone_call_check(b->a.call));
    bed_pass(b, 31000);
    bed_assert_events(&b->a, "");
    bed_pass(b, 2000); /* nobody answered: 408 */
    bed_assert_events(&b->a, "ended expired, ");
    bed_free(b);
    b = bed_new(SIPTX_UDP);
    bed_talk(b);
    b->lose = "BYE sip";
    b->lose_count = 100;
    phone_call_hang_up(b->b.call);
    bed_pass(b, 40000);
    bed_forget(b);
    assert_rc(RC_OK, phone_call_check(b->a.call));
    bed_run(b);
    assert_non_null(strstr(b->log, "b 481 OPTIONS, "));
    bed_assert_events(&b->a, "ended expired, ");
    bed_free(b);
}

/* The server's answer to the OPTIONS a sent last. */
static void answer_check(struct bed *b, unsigned status)
{
    struct sip_message m;
    char text[4096];
    assert_rc(RC_OK, sip_message_parse(str_from(b->a.last), SIP_STREAM, &m, NULL));
    assert_int_equal(SIP_METHOD_OPTIONS, m.method);
    snprintf(text, sizeof text,
             "SIP/2.0 %u X\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s\r\nCall-ID: %.*s\r\n"
             "CSeq: %.*s\r\nContent-Length: 0\r\n\r\n",
             status, STR_ARG(sip_message_value(&m, SIP_HEADER_VIA)),
             STR_ARG(sip_message_value(&m, SIP_HEADER_FROM)),
             STR_ARG(sip_message_value(&m, SIP_HEADER_TO)),
             STR_ARG(sip_message_value(&m, SIP_HEADER_CALL_ID)),
             STR_ARG(sip_message_value(&m, SIP_HEADER_CSEQ)));
    bed_in(&b->a, text);
}

static void test_who_lost_its_connection_may_come_back(void **state)
{
    (void)state;
    struct bed *b = bed_new(SIPTX_TCP);
    bed_talk(b);
    b->lose = "OPTIONS sip";
    b->lose_count = 100;
    assert_rc(RC_OK, phone_call_check(b->a.call));
    answer_check(b, 480);
    bed_forget(b);
    bed_pass(b, 32000);
    bed_assert_log(b, "a OPTIONS, ");
    answer_check(b, 200); /* it is back */
    bed_pass(b, 100000);
    bed_assert_log(b, "");
    bed_assert_events(&b->a, "");
    assert_rc(RC_OK, phone_call_check(b->a.call));
    answer_check(b, 480);
    bed_pass(b, 32000);
    bed_assert_events(&b->a, "");
    answer_check(b, 480); /* it is not */
    bed_assert_events(&b->a, "ended expired, ");
    bed_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_session_is_refreshed_at_half_its_time),
        cmocka_unit_test(test_a_peer_that_stops_refreshing_is_gone),
        cmocka_unit_test(test_a_refresh_that_is_refused_is_tried_until_the_session_ends),
        cmocka_unit_test(test_session_lines),
        cmocka_unit_test(test_who_is_silent_is_asked_and_stays),
        cmocka_unit_test(test_who_is_gone_is_hung_up),
        cmocka_unit_test(test_who_lost_its_connection_may_come_back),
    };
    return cmocka_run_group_tests_name("phone/session", tests, NULL, NULL);
}
