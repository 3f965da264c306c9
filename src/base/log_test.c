/* base/log_test.c */
#include "kit/kit.h"

static void test_a_line(void **state)
{
    (void)state;
    struct kit_log kept;
    struct log log = kit_log(&kept);
    kit_time_pass(&kept.time, 3723004);
    log_info(&log, "register.refused", LOG_STR("device", STR("CSFrado")), LOG_INT("port", 5090),
             LOG_CSTR("why", "token expired"));
    assert_string_equal("2026-01-01T01:02:03.004Z info event=register.refused device=CSFrado "
                        "port=5090 why=\"token expired\"\n",
                        kept.text);
}

static void test_levels(void **state)
{
    (void)state;
    struct kit_log kept;
    struct log log = kit_log(&kept);
    log_error(NULL, "nobody.listens", LOG_INT("n", 1));
    log.level = LOG_WARN;
    log_error(&log, "a", LOG_INT("n", 1));
    log_warn(&log, "b", LOG_INT("n", INT64_MIN));
    log_info(&log, "c", LOG_INT("n", 3));
    log_debug(&log, "d", LOG_INT("n", 4));
    assert_string_equal("2026-01-01T00:00:00.000Z error event=a n=1\n"
                        "2026-01-01T00:00:00.000Z warn event=b n=-9223372036854775808\n",
                        kept.text);
}

static void test_values_cannot_forge_a_line(void **state)
{
    (void)state;
    static const struct {
        struct str in;
        const char *out;
    } rows[] = {
        {STR_INIT("plain-1.2:3/@~"), "plain-1.2:3/@~"},
        {STR_INIT(""), "\"\""},
        {STR_INIT("a b"), "\"a b\""},
        {STR_INIT("a=b"), "\"a=b\""},
        {STR_INIT("x\r\nlevel=error"), "\"x\\r\\nlevel=error\""},
        {STR_INIT("\"quoted\""), "\"\\\"quoted\\\"\""},
        {STR_INIT("back\\slash"), "\"back\\\\slash\""},
        {STR_INIT("tab\there"), "\"tab\\there\""},
        {STR_INIT("\x1B[31m\x7F"), "\"\\x1b[31m\\x7f\""},
        {STR_INIT("nul\0byte"), "\"nul\\x00byte\""},
        {STR_INIT("M\xC3\xBCller"), "\"M\xC3\xBCller\""},
        {STR_INIT("\xF0\x9F\x93\x9E"), "\"\xF0\x9F\x93\x9E\""},
        {STR_INIT("\xC2\x9B"
                  "31m"),
         "\"\\xc2\\x9b31m\""},                 /* an 8-bit control sequence */
        {STR_INIT("cut\xC3"), "\"cut\\xc3\""}, /* half a character */
        {STR_INIT("\xFF\xFE"), "\"\\xff\\xfe\""},
        {STR_INIT("\xE2\x82 "), "\"\\xe2\\x82 \""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kit_log kept;
        struct log log = kit_log(&kept);
        char want[128] = "2026-01-01T00:00:00.000Z info event=e v=";
        struct str in = kit_guard(rows[i].in);
        log_info(&log, "e", LOG_STR("v", in));
        kit_guard_free(in);
        strcat(strcat(want, rows[i].out), "\n");
        assert_string_equal(want, kept.text);
    }
}

static size_t quotes(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '"';
    return n;
}

/* A field of every length around the limit, of characters that are 1, 2 and 4
 * bytes when printed.
 */
static void test_long_lines_are_cut_whole(void **state)
{
    (void)state;
    static const char *const fillers[] = {"a", "b ", "\x01", "\xC3\xBC", "\n"};
    for (size_t f = 0; f < sizeof fillers / sizeof fillers[0]; f++)
        for (size_t n = 900; n < LOG_LINE_MAX + 40; n++) {
            static char value[2 * LOG_LINE_MAX + 100];
            struct kit_log kept;
            struct log log = kit_log(&kept);
            size_t unit = strlen(fillers[f]);
            for (size_t i = 0; i < n; i++)
                memcpy(value + i * unit, fillers[f], unit);
            log_info(&log, "long", LOG_STR("v", str_of(value, n * unit)), LOG_INT("after", 1));
            assert_true(kept.n <= LOG_LINE_MAX + 1); /* and the newline */
            assert_true(str_is_utf8(str_of(kept.text, kept.n)));
            assert_true(quotes(kept.text) == 0 || quotes(kept.text) == 2);
            if (kit_log_has(&kept, "...")) assert_false(kit_log_has(&kept, "after"));
            if (!kit_log_has(&kept, "...") && kept.n < LOG_LINE_MAX - 20)
                assert_true(kit_log_has(&kept, " after=1\n"));
            if (n > 1000) n += 16; /* every length matters only near the limit of escapes */
            if (n > LOG_LINE_MAX - 120) n -= 16;
        }
}

static void test_fields_that_do_not_fit_are_left_out(void **state)
{
    (void)state;
    struct kit_log kept;
    struct log log = kit_log(&kept);
    static struct log_field fields[1000];
    for (size_t i = 0; i < 1000; i++)
        fields[i] = LOG_INT("key", 123456);
    log_write(&log, LOG_INFO, "many", fields, 1000);
    assert_true(kept.n <= LOG_LINE_MAX + 1 && kept.n > LOG_LINE_MAX - 20);
    assert_true(str_ends(str_of(kept.text, kept.n), STR(" key=123456\n")));
}

static void test_kept_log_drops_its_oldest_lines(void **state)
{
    (void)state;
    struct kit_log kept;
    struct log log = kit_log(&kept);
    for (int i = 0; i < 1000; i++)
        log_info(&log, "e", LOG_INT("i", i));
    assert_true(kit_log_has(&kept, " i=999\n"));
    assert_false(kit_log_has(&kept, " i=0\n"));
    assert_true(str_starts(str_of(kept.text, kept.n), STR("2026-")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_values_cannot_forge_a_line),
        cmocka_unit_test(test_long_lines_are_cut_whole),
        cmocka_unit_test(test_fields_that_do_not_fit_are_left_out),
        cmocka_unit_test(test_kept_log_drops_its_oldest_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
