#include "kit/kit.h"

#include "sip/date.h"

static void test_print_and_back(void **state)
{
    (void)state;
    static const struct {
        int64_t unix_s;
        const char *text;
    } cases[] = {{0, "Thu, 01 Jan 1970 00:00:00 GMT"},
                 {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
                 {1585566199, "Mon, 30 Mar 2020 11:03:19 GMT"},
                 {4107542399, "Sun, 28 Feb 2100 23:59:59 GMT"},
                 {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[SIP_DATE_N];
        struct buf b;
        int64_t unix_s;
        buf_init(&b, 64);
        sip_date_print(&b, cases[i].unix_s);
        assert_rc(RC_OK, buf_rc(&b));
        assert_int_equal(sizeof(text), b.n);
        assert_str(cases[i].text, buf_str(&b));
        assert_rc(RC_OK, sip_date_parse(buf_str(&b), &unix_s));
        assert_int_equal(cases[i].unix_s, unix_s);
        buf_fini(&b);
    }
}

static void test_every_day_for_four_centuries(void **state)
{
    (void)state;
    char text[64];
    for (int64_t day = 0; day < 146097; day++) {
        struct buf b;
        int64_t unix_s;
        buf_init_fixed(&b, text, sizeof(text));
        sip_date_print(&b, day * 86400);
        assert_rc(RC_OK, sip_date_parse(buf_str(&b), &unix_s));
        assert_int_equal(day * 86400, unix_s);
    }
}

static void test_lenient(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum rc rc;
        int64_t unix_s;
    } cases[] = {{"Fri, 01 Jan 2010 16:00:00 EST", RC_OK, 1262379600},
                 {"fri, 1 jan 2010 16:00:00 -0500", RC_OK, 1262379600},
                 {"1 Jan 2010 21:00:00 UTC", RC_OK, 1262379600},
                 {"Fri, 30 Feb 2010 16:00:00 GMT", RC_INVALID, 0},
                 {"Fri, 01 Jan 2010 25:00:00 GMT", RC_INVALID, 0},
                 {"Fri, 01 Jam 2010 16:00:00 GMT", RC_MALFORMED, 0},
                 {"Fri, 01 Jan 2010 16:00:00", RC_MALFORMED, 0},
                 {"Fri, 01 Jan 10 16:00:00 GMT", RC_MALFORMED, 0},
                 {"", RC_MALFORMED, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str in = kit_guard(str_from(cases[i].text));
        int64_t unix_s = 0;
        assert_rc(cases[i].rc, sip_date_parse(in, &unix_s));
        assert_int_equal(cases[i].unix_s, unix_s);
        kit_guard_free(in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print_and_back),
        cmocka_unit_test(test_every_day_for_four_centuries),
        cmocka_unit_test(test_lenient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
