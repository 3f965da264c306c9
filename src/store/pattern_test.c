#include "kit/kit.h"

#include "store/pattern.h"
#include <stdio.h>

static struct store_pattern parsed(const char *text)
{
    struct store_pattern p;
    const char *reason = "";
    size_t at = 0;
    struct str guarded = kit_guard(str_from(text));
    assert_rc(RC_OK, store_pattern_parse(guarded, &p, &at, &reason));
    kit_guard_free(guarded);
    return p;
}

static void test_wildcards_become_sets(void **state)
{
    (void)state;
    struct store_pattern p = parsed("9.X[2-4][^0-8]*\\+A?!");
    static const struct {
        uint32_t symbols;
        enum store_pattern_repeat repeat;
    } want[] = {{1 << 9, STORE_PATTERN_ONCE},  {0x3ff, STORE_PATTERN_ONCE},
                {7 << 2, STORE_PATTERN_ONCE},  {1 << 9, STORE_PATTERN_ONCE},
                {1 << 14, STORE_PATTERN_ONCE}, {1 << 16, STORE_PATTERN_ONCE},
                {1 << 10, STORE_PATTERN_ANY},  {0x3ff, STORE_PATTERN_MANY}};
    assert_int_equal(sizeof want / sizeof want[0], p.count);
    assert_int_equal(1, p.dot);
    for (size_t i = 0; i < p.count; i++) {
        assert_int_equal(want[i].symbols, p.elements[i].symbols);
        assert_int_equal(want[i].repeat, p.elements[i].repeat);
    }
}

static void test_equal_patterns_have_one_spelling(void **state)
{
    (void)state;
    static const char *const equal[][2] = {
        {"9.XXX", "9XXX"},     {"[0-9]", "x"},      {"1[23]", "1[32]"}, {"[3]", "3"},
        {"[^0-46-9]", "5"},    {"X!", "XX+"},       {"!X", "X!"},       {"X?X", "!"},
        {"[1-3]", "[123]"},    {"[1-32]", "[321]"}, {"a", "A"},         {"5?5+", "5+"},
        {"\\+43!", "\\+43X+"}, {"[a-d]", "[ABCD]"}};
    for (size_t i = 0; i < sizeof equal / sizeof equal[0]; i++) {
        struct store_pattern a = parsed(equal[i][0]), b = parsed(equal[i][1]);
        assert_string_equal(a.canonical, b.canonical);
    }
    static const char *const different[][2] = {{"XX", "X!"},       {"X?", "X+"}, {"1X", "X1"},
                                               {"[1-3]", "[1-4]"}, {"!", "X"},   {"\\+", "*"}};
    for (size_t i = 0; i < sizeof different / sizeof different[0]; i++) {
        struct store_pattern a = parsed(different[i][0]), b = parsed(different[i][1]);
        assert_string_not_equal(a.canonical, b.canonical);
    }
}

/* What is written reads back the same. */
static void test_the_one_spelling_is_a_pattern(void **state)
{
    (void)state;
    static const char *const rows[] = {"9.1[2-9]XX[^01]!", "*#\\+[a-d*]?", "0", "X?", "[*#0-3A]+1"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct store_pattern a = parsed(rows[i]), b = parsed(a.canonical);
        assert_string_equal(a.canonical, b.canonical);
    }
}

static void test_a_single_number_is_known(void **state)
{
    (void)state;
    assert_string_equal("9120", parsed("9.120").literal);
    assert_string_equal("*5A", parsed("*[5]a").literal);
    assert_string_equal("+431", parsed("\\+431").literal);
    assert_string_equal("", parsed("912X").literal);
    assert_string_equal("", parsed("912+").literal);
}

static void test_what_is_wrong_is_said_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum rc rc;
        size_t at;
        const char *reason;
    } rows[] = {
        {"", RC_MALFORMED, 0, "no digit and no wildcard"},
        {"9.@", RC_UNSUPPORTED, 2, "national numbering plan"},
        {"12y", RC_MALFORMED, 2, "no digit and no wildcard"},
        {"1 2", RC_MALFORMED, 1, "no digit"},
        {"1[23", RC_MALFORMED, 1, "']'"},
        {"1[", RC_MALFORMED, 1, "']'"},
        {"[]", RC_MALFORMED, 0, "nothing fits"},
        {"[^0-9]", RC_MALFORMED, 0, "nothing fits"},
        {"[3-2]", RC_MALFORMED, 0, "smaller"},
        {"[3-]", RC_MALFORMED, 0, "smaller"},
        {"[3-", RC_MALFORMED, 0, "smaller"},
        {"[-3]", RC_MALFORMED, 0, "'[ ]' holds"},
        {"[+]", RC_MALFORMED, 0, "'[ ]' holds"},
        {"[1X]", RC_MALFORMED, 0, "'[ ]' holds"},
        {"]", RC_MALFORMED, 0, "no digit"},
        {"?1", RC_MALFORMED, 0, "repeated"},
        {"+43", RC_MALFORMED, 0, "repeated"},
        {"1?+", RC_MALFORMED, 2, "repeated"},
        {"!+", RC_MALFORMED, 1, "repeated"},
        {"9.?", RC_MALFORMED, 2, "repeated"},
        {"9.1.2", RC_MALFORMED, 3, "second"},
        {".12", RC_MALFORMED, 0, "before the '.'"},
        {"!.#", RC_MALFORMED, 1, "one digit each"},
        {"1\\", RC_MALFORMED, 1, "behind '\\'"},
        {"\\5", RC_MALFORMED, 0, "behind '\\'"},
        {"1234567890123456789012345678901234567890123456789", RC_TOO_BIG, 48, "48"},
        {"[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]", RC_TOO_BIG, 64, "64"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct store_pattern p;
        const char *reason = "";
        size_t at = 999;
        struct str guarded = kit_guard(str_from(rows[i].text));
        assert_rc(rows[i].rc, store_pattern_parse(guarded, &p, &at, &reason));
        if (at != rows[i].at || !strstr(reason, rows[i].reason))
            fail_msg("%s: at %zu: %s", rows[i].text, at, reason);
        kit_guard_free(guarded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wildcards_become_sets),
        cmocka_unit_test(test_equal_patterns_have_one_spelling),
        cmocka_unit_test(test_the_one_spelling_is_a_pattern),
        cmocka_unit_test(test_a_single_number_is_known),
        cmocka_unit_test(test_what_is_wrong_is_said_with_its_place),
    };
    return cmocka_run_group_tests_name("store/pattern", tests, NULL, NULL);
}
