/* base/str_test.c - slices: comparing, searching, converting; the cursor; the
 * words of enum rc. */
#include "kit/kit.h"

#include "base/cur.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static void test_rc_names_are_distinct(void **state)
{
    (void)state;
    for (int a = 0; a <= RC_IO; a++)
        for (int b = a + 1; b <= RC_IO; b++)
            assert_string_not_equal(rc_name((enum rc)a), rc_name((enum rc)b));
    assert_string_equal("unknown", rc_name((enum rc)99));
}

static void test_comparing(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int order; /* sign */
        bool eq_nocase;
    } rows[] = {
        {"", "", 0, true},
        {"a", "", 1, false},
        {"", "a", -1, false},
        {"ab", "ab", 0, true},
        {"ab", "aB", 1, true},
        {"AB", "ab", -1, true},
        {"ab", "abc", -1, false},
        {"b", "abc", 1, false},
        {"@", "`", -1, false},
        {"[", "{", -1, false},
        {"\xC3\x84", "\xC3\xA4", -1, false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct str a = kit_guard(str_from(rows[i].a)), b = kit_guard(str_from(rows[i].b));
        int order = str_cmp(a, b);
        assert_int_equal(rows[i].order, (order > 0) - (order < 0));
        assert_int_equal(rows[i].order == 0, str_eq(a, b));
        assert_int_equal(rows[i].eq_nocase, str_eq_nocase(a, b));
        assert_int_equal(rows[i].eq_nocase, str_starts_nocase(a, b) && a.n == b.n);
        kit_guard_free(a);
        kit_guard_free(b);
    }
}

static void test_starts_and_ends(void **state)
{
    (void)state;
    assert_true(str_starts(STR("sips:x"), STR("sip")));
    assert_true(str_starts(STR("sip"), STR("")));
    assert_false(str_starts(STR("si"), STR("sip")));
    assert_false(str_starts(STR("Sip"), STR("sip")));
    assert_true(str_starts_nocase(STR("Sip:"), STR("sIP")));
    assert_false(str_starts_nocase(STR("Si"), STR("sIP")));
    assert_true(str_ends(STR("a.xml"), STR(".xml")));
    assert_true(str_ends(STR(""), STR("")));
    assert_false(str_ends(STR("xml"), STR(".xml")));
    assert_false(str_ends(STR("a.xmL"), STR(".xml")));
}

static void test_finding(void **state)
{
    (void)state;
    struct str s = kit_guard(STR("abcabd"));
    assert_int_equal(2, str_find_char(s, 'c'));
    assert_int_equal(STR_NPOS, str_find_char(s, 'x'));
    assert_int_equal(STR_NPOS, str_find_char((struct str){0}, 'x'));
    assert_int_equal(3, str_find(s, STR("abd")));
    assert_int_equal(0, str_find(s, STR("")));
    assert_int_equal(STR_NPOS, str_find(s, STR("abdx")));
    assert_int_equal(STR_NPOS, str_find((struct str){0}, STR("a")));
    kit_guard_free(s);
}

static void test_sub_is_clipped(void **state)
{
    (void)state;
    assert_str("bc", str_sub(STR("abcd"), 1, 3));
    assert_str("cd", str_sub(STR("abcd"), 2, 99));
    assert_str("", str_sub(STR("abcd"), 3, 1));
    assert_str("", str_sub(STR("abcd"), 9, 12));
    assert_int_equal(0, str_sub((struct str){0}, 1, 2).n);
}

static void test_trim(void **state)
{
    (void)state;
    assert_str("a b", str_trim(STR(" \t\r\na b\n ")));
    assert_str("", str_trim(STR(" \r\n")));
    assert_str("", str_trim((struct str){0}));
}

static void split_into(struct str in, char *out)
{
    struct str part;
    *out = '\0';
    while (str_split(&in, ',', &part)) {
        strcat(out, "[");
        strncat(out, part.p, part.n);
        strcat(out, "]");
    }
}

static void test_split(void **state)
{
    (void)state;
    static const struct {
        const char *in, *parts;
    } rows[] = {
        {"a,b", "[a][b]"}, {"a", "[a]"}, {"", "[]"}, {",", "[][]"}, {"a,,b,", "[a][][b][]"}};
    char out[64];
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct str in = kit_guard(str_from(rows[i].in));
        split_into(in, out);
        assert_string_equal(rows[i].parts, out);
        kit_guard_free(in);
    }
    split_into((struct str){0}, out);
    assert_string_equal("", out);
}

static void test_unsigned_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        uint64_t max;
        enum rc rc;
        uint64_t v;
    } rows[] = {
        {"0", 10, RC_OK, 0},
        {"007", 10, RC_OK, 7},
        {"10", 10, RC_OK, 10},
        {"11", 10, RC_TOO_BIG, 0},
        {"18446744073709551615", UINT64_MAX, RC_OK, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, RC_TOO_BIG, 0},
        {"99999999999999999999", UINT64_MAX, RC_TOO_BIG, 0},
        {"36893488147419103233", UINT64_MAX, RC_TOO_BIG, 0},
        {"99999999999999999999x", UINT64_MAX, RC_MALFORMED, 0},
        {"", 10, RC_MALFORMED, 0},
        {"-1", 10, RC_MALFORMED, 0},
        {"+1", 10, RC_MALFORMED, 0},
        {" 1", 10, RC_MALFORMED, 0},
        {"1 ", 10, RC_MALFORMED, 0},
        {"0x1", 99, RC_MALFORMED, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        uint64_t v = 4711;
        struct str in = kit_guard(str_from(rows[i].in));
        assert_rc(rows[i].rc, str_to_u64(in, rows[i].max, &v));
        assert_int_equal(rows[i].rc == RC_OK ? rows[i].v : 4711, v);
        kit_guard_free(in);
    }
}

static void test_signed_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        enum rc rc;
        int64_t v;
    } rows[] = {
        {"0", RC_OK, 0},
        {"-0", RC_OK, 0},
        {"-12", RC_OK, -12},
        {"9223372036854775807", RC_OK, INT64_MAX},
        {"9223372036854775808", RC_TOO_BIG, 0},
        {"-9223372036854775808", RC_OK, INT64_MIN},
        {"-9223372036854775809", RC_TOO_BIG, 0},
        {"-", RC_MALFORMED, 0},
        {"--1", RC_MALFORMED, 0},
        {"", RC_MALFORMED, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t v = 0;
        assert_rc(rows[i].rc, str_to_i64(str_from(rows[i].in), &v));
        assert_true(v == rows[i].v);
    }
}

static void test_nul_terminated_copies(void **state)
{
    (void)state;
    char out[4];
    assert_rc(RC_OK, str_to_cstr(STR("abc"), out, sizeof out));
    assert_string_equal("abc", out);
    assert_rc(RC_OK, str_to_cstr((struct str){0}, out, 1));
    assert_string_equal("", out);
    assert_rc(RC_TOO_BIG, str_to_cstr(STR("abcd"), out, sizeof out));
    assert_rc(RC_TOO_BIG, str_to_cstr(STR(""), out, 0));
    assert_rc(RC_MALFORMED, str_to_cstr(STR("a\0b"), out, sizeof out));
    kit_alloc_fail_at(1);
    assert_null(str_dup_cstr(STR("abc")));
    kit_alloc_fail_at(0);
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        bool ok;
    } rows[] = {
        {"", true},
        {"plain", true},
        {"Gr\xC3\xBC\xC3\x9F", true},
        {"\xE2\x82\xAC", true},     /* euro sign */
        {"\xF0\x9F\x93\x9E", true}, /* a telephone */
        {"\xF4\x8F\xBF\xBF", true}, /* U+10FFFF */
        {"\xF4\x90\x80\x80", false},
        {"\xF5\x80\x80\x80", false}, /* over it */
        {"\xED\x9F\xBF", true},
        {"\xED\xA0\x80", false}, /* surrogates */
        {"\xC0\x80", false},
        {"\xC1\xBF", false}, /* overlong */
        {"\xE0\x9F\xBF", false},
        {"\xE0\xA0\x80", true},
        {"\xF0\x8F\xBF\xBF", false},
        {"\xF0\x90\x80\x80", true},
        {"\x80", false},
        {"\xC3", false}, /* half a character */
        {"\xE2\x82", false},
        {"\xE2\x82 ", false},
        {"\xF0\x9F\x93", false},
        {"\xFF", false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct str in = kit_guard(str_from(rows[i].in));
        if (str_is_utf8(in) != rows[i].ok) fail_msg("row %zu", i);
        kit_guard_free(in);
    }
    assert_false(str_is_utf8(STR("a\0b")));
}

static void test_cursor_moves_on_success_only(void **state)
{
    (void)state;
    struct str in = kit_guard(STR("ab"));
    struct cur c = cur_of(in);
    assert_false(cur_char(&c, 'b'));
    assert_int_equal('a', cur_peek(&c));
    assert_true(cur_char(&c, 'a'));
    assert_str("b", cur_rest(&c));
    assert_str("a", cur_since(&c, in.p));
    assert_int_equal(1, cur_left(&c));
    assert_true(cur_char(&c, 'b'));
    assert_true(cur_at_end(&c));
    assert_int_equal(-1, cur_peek(&c));
    assert_false(cur_char(&c, 'b'));
    kit_guard_free(in);
    c = cur_of((struct str){0});
    assert_true(cur_at_end(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rc_names_are_distinct),
        cmocka_unit_test(test_comparing),
        cmocka_unit_test(test_starts_and_ends),
        cmocka_unit_test(test_finding),
        cmocka_unit_test(test_sub_is_clipped),
        cmocka_unit_test(test_trim),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_unsigned_numbers),
        cmocka_unit_test(test_signed_numbers),
        cmocka_unit_test(test_nul_terminated_copies),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_cursor_moves_on_success_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
