#include "kit/kit.h"

#include "http/message.h"

static void test_dates_print_and_parse_back(void **state)
{
    (void)state;
    static const struct {
        int64_t unix_s;
        const char *text;
    } rows[] = {
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {1767225599, "Wed, 31 Dec 2025 23:59:59 GMT"},
        {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[32];
        struct buf out;
        int64_t back = -1;
        buf_init_fixed(&out, text, sizeof text);
        http_print_date(&out, rows[i].unix_s);
        assert_str(rows[i].text, buf_str(&out));
        assert_rc(RC_OK, http_parse_date(buf_str(&out), &back));
        assert_int_equal(rows[i].unix_s, back);
    }
}

static void test_other_dates_are_malformed(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "0",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Now 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t back;
        struct str text = kit_guard(str_from(rows[i]));
        assert_rc(RC_MALFORMED, http_parse_date(text, &back));
        kit_guard_free(text);
    }
}

static void test_logs_show_no_secret_of_a_query(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"/a", "/a"},
        {"/a?", "/a?*"},
        {"/authorize?response_type=code&state=s3&code_challenge=abc&client_id=c",
         "/authorize?response_type=code&state=*&code_challenge=*&client_id=c"},
        {"/cb?code=SECRET&x", "/cb?code=*&*"},
        {"/t?access_token=SECRET", "/t?access_token=*"},
        {"/t?CODE=SECRET&c%6fde=SECRET", "/t?CODE=*&c%6fde=*"},
        {"/t?SECRET", "/t?*"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out;
        buf_init(&out, 4096);
        http_print_loggable(&out, str_from(rows[i][0]));
        assert_str(rows[i][1], buf_str(&out));
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates_print_and_parse_back),
        cmocka_unit_test(test_other_dates_are_malformed),
        cmocka_unit_test(test_logs_show_no_secret_of_a_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
