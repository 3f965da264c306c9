#include "kit/kit.h"

#include "directory/pattern.h"
#include <stdio.h>

enum { ARENA_MAX = 64 << 20, PATTERNS_MAX = 12, COUNTED_MAX = 4 };

/* --- rows --- */

static void closest_is(const char *const *patterns, const char *number, const char *want,
                       size_t discard)
{
    struct str list[PATTERNS_MAX];
    struct arena a;
    const struct pattern_table *t;
    struct pattern_match m = {0};
    size_t count = 0, bad;
    arena_init(&a, NULL, 0, ARENA_MAX);
    for (; patterns[count]; count++)
        list[count] = str_from(patterns[count]);
    assert_rc(RC_OK, pattern_table_new(list, count, &a, &t, &bad));
    struct str guarded = kit_guard(str_from(number));
    bool found = pattern_table_find(t, guarded, &m);
    const char *got = found ? patterns[m.index] : "";
    if (strcmp(want, got) != 0) fail_msg("%s: %s, not %s", number, got, want);
    if (found) assert_int_equal(discard, m.discard);
    kit_guard_free(guarded);
    arena_fini(&a);
}

static void test_the_closest_pattern_wins(void **state)
{
    (void)state;
    static const char *const plan[] = {"9.!",      "9.[2-9]XX", "9.XXX",  "9.911", "[789]XXX",
                                       "9.XXXXX+", "\\+43!",    "*5[^0]", "1X?5",  NULL};
    static const struct {
        const char *number, *want;
        size_t discard;
    } rows[] = {
        {"9911", "9.911", 1},
        {"9234", "9.[2-9]XX", 1},
        {"9134", "9.XXX", 1},
        {"8134", "[789]XXX", 0},
        {"91", "9.!", 1},
        {"9", "", 0},
        {"912345", "9.XXXXX+", 1},
        {"91234", "9.!", 1},
        {"+431", "\\+43!", 0},
        {"+43", "", 0},
        {"*55", "*5[^0]", 0},
        {"*50", "", 0},
        {"15", "1X?5", 0},
        {"1005", "1X?5", 0},
        {"1006", "", 0},
        {"rado", "", 0},
        {"", "", 0},
        {"9 1", "", 0},
        {"9*1", "", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        closest_is(plan, rows[i].number, rows[i].want, rows[i].discard);
}

static void test_of_unbounded_ones_the_narrower_at_this_length(void **state)
{
    (void)state;
    static const char *const plan[] = {"9!", "9[1-5]!", "91X?X?2", "!", NULL};
    closest_is(plan, "9112", "91X?X?2", 0);
    closest_is(plan, "9113", "9[1-5]!", 0);
    closest_is(plan, "9713", "9!", 0);
    closest_is(plan, "713", "!", 0);
    /* the smaller set wins though the other is longer as written */
    static const char *const same[] = {"9!", "9X?X?[0-9]+", NULL};
    closest_is(same, "912", "9!", 0);
}

static void test_numbers_have_a_greatest_length(void **state)
{
    (void)state;
    static const char *const plan[] = {"!", NULL};
    char number[STORE_NUMBER_MAX + 2];
    memset(number, '7', sizeof number);
    number[STORE_NUMBER_MAX] = '\0';
    closest_is(plan, number, "!", 0);
    number[STORE_NUMBER_MAX] = '7';
    number[STORE_NUMBER_MAX + 1] = '\0';
    closest_is(plan, number, "", 0);
}

/* A '1' so many digits before the end: where it might have been makes 2^9 sets of elements. */
static void test_what_cannot_be_counted_comes_last(void **state)
{
    (void)state;
    static const char *const plan[] = {"X?1XXXXXXXXX", "!", NULL};
    static const char *const alone[] = {"X?1XXXXXXXXX", NULL};
    closest_is(plan, "991999999999", "!", 0);
    closest_is(alone, "991999999999", "X?1XXXXXXXXX", 0);
    closest_is(alone, "992999999999", "", 0);
}

static void test_a_bad_pattern_is_named(void **state)
{
    (void)state;
    struct str list[] = {STR("1X"), STR("9.@"), STR("[")};
    struct arena a;
    const struct pattern_table *t;
    size_t bad = 99;
    arena_init(&a, NULL, 0, ARENA_MAX);
    assert_rc(RC_UNSUPPORTED, pattern_table_new(list, 3, &a, &t, &bad));
    assert_int_equal(1, bad);
    arena_fini(&a);
}

/* --- against a naive matcher: backtracking over the elements, counting by trying --- */

static bool naive_at(const struct store_pattern *p, size_t e, const int *number, size_t n)
{
    if (e == p->count) return n == 0;
    bool here = n > 0 && (p->elements[e].symbols & 1u << number[0]);
    switch (p->elements[e].repeat) {
    case STORE_PATTERN_ONCE: return here && naive_at(p, e + 1, number + 1, n - 1);
    case STORE_PATTERN_MANY:
        return here && (naive_at(p, e + 1, number + 1, n - 1) || naive_at(p, e, number + 1, n - 1));
    case STORE_PATTERN_ANY:
        return naive_at(p, e + 1, number, n) || (here && naive_at(p, e, number + 1, n - 1));
    }
    return false;
}

/* Of n symbols, by trying every one of the 17^n. */
static double naive_count(const struct store_pattern *p, size_t n)
{
    int number[COUNTED_MAX] = {0};
    double count = 0;
    for (;;) {
        size_t i = 0;
        count += naive_at(p, 0, number, n);
        while (i < n && ++number[i] == STORE_SYMBOL_COUNT)
            number[i++] = 0;
        if (i == n) return count;
    }
}

static bool is_bounded(const struct store_pattern *p, double *total)
{
    *total = 1;
    for (size_t i = 0; i < p->count; i++) {
        if (p->elements[i].repeat != STORE_PATTERN_ONCE) return false;
        *total *= __builtin_popcount(p->elements[i].symbols);
    }
    return true;
}

static bool naive_is_closer(const struct store_pattern *a, const struct store_pattern *b,
                            struct str a_text, struct str b_text, size_t n)
{
    double x = 0, y = 0;
    bool a_bounded = is_bounded(a, &x), b_bounded = is_bounded(b, &y);
    if (a_bounded != b_bounded) return a_bounded;
    if (!a_bounded) {
        x = naive_count(a, n);
        y = naive_count(b, n);
        for (size_t k = 1; x == y && k <= COUNTED_MAX; k++) {
            x = naive_count(a, k);
            y = naive_count(b, k);
        }
    }
    return x != y ? x < y : str_cmp(a_text, b_text) < 0;
}

static int naive_find(const struct store_pattern *all, const struct str *texts, size_t count,
                      const int *number, size_t n)
{
    int best = -1;
    for (size_t i = 0; i < count; i++) {
        if (!naive_at(&all[i], 0, number, n)) continue;
        if (best < 0 || naive_is_closer(&all[i], &all[best], texts[i], texts[best], n))
            best = (int)i;
    }
    return best;
}

/* A pattern of pieces, so that most are well formed; few symbols, so that many overlap. */
static size_t random_pattern(struct random_source *r, char *out)
{
    static const char *const pieces[] = {"1", "2", "X", "[12]", "[^1]", "!", "*", "\\+", "[1*A]"};
    static const char *const repeats[] = {"", "", "", "?", "+"};
    size_t n = 0, count = 1 + random_below(r, 4);
    for (size_t i = 0; i < count; i++) {
        const char *piece = pieces[random_below(r, 9)];
        const char *repeat = piece[0] == '!' ? "" : repeats[random_below(r, 5)];
        n += (size_t)sprintf(out + n, "%s%s", piece, repeat);
    }
    return n;
}

static void one_plan(struct random_source *r)
{
    static const char symbols[] = "12*+A0";
    char texts[PATTERNS_MAX][64], number[4];
    struct str list[PATTERNS_MAX];
    struct store_pattern parsed[PATTERNS_MAX];
    const char *reason;
    const struct pattern_table *t;
    struct arena a;
    size_t at, bad, count = 1 + random_below(r, PATTERNS_MAX);
    arena_init(&a, NULL, 0, ARENA_MAX);
    for (size_t i = 0; i < count; i++) {
        list[i] = str_of(texts[i], random_pattern(r, texts[i]));
        assert_rc(RC_OK, store_pattern_parse(list[i], &parsed[i], &at, &reason));
        for (size_t k = 0; k < i; k++)
            if (str_eq(list[k], list[i])) count = i; /* the same twice: the plan ends here */
    }
    assert_rc(RC_OK, pattern_table_new(list, count, &a, &t, &bad));
    for (int tries = 0; tries < 20; tries++) {
        struct pattern_match m;
        int digits[3], want;
        size_t n = 1 + random_below(r, 3);
        for (size_t i = 0; i < n; i++) {
            number[i] = symbols[random_below(r, 6)];
            digits[i] = store_pattern_symbol(number[i]);
        }
        want = naive_find(parsed, list, count, digits, n);
        bool found = pattern_table_find(t, str_of(number, n), &m);
        int got = found ? (int)m.index : -1;
        if (want != got)
            fail_msg("%.*s: %s instead of %s", (int)n, number, got < 0 ? "none" : texts[got],
                     want < 0 ? "none" : texts[want]);
    }
    arena_fini(&a);
}

static void test_finds_what_a_naive_matcher_finds(void **state)
{
    struct kit_random dice;
    struct random_source r = kit_random(&dice, 20260330);
    (void)state;
    for (int i = 0; i < 400; i++)
        one_plan(&r);
}

static void build(void *ctx)
{
    struct str list[] = {STR("9.!"), STR("1XXX")};
    const struct pattern_table *t;
    struct arena a;
    size_t bad;
    (void)ctx;
    arena_init(&a, NULL, 0, ARENA_MAX);
    enum rc rc = pattern_table_new(list, 2, &a, &t, &bad);
    assert_true(rc == RC_OK || rc == RC_NOMEM);
    arena_fini(&a);
}

static void test_failing_allocations(void **state)
{
    (void)state;
    kit_each_alloc_fails(build, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_closest_pattern_wins),
        cmocka_unit_test(test_of_unbounded_ones_the_narrower_at_this_length),
        cmocka_unit_test(test_numbers_have_a_greatest_length),
        cmocka_unit_test(test_what_cannot_be_counted_comes_last),
        cmocka_unit_test(test_a_bad_pattern_is_named),
        cmocka_unit_test(test_finds_what_a_naive_matcher_finds),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests_name("directory/pattern", tests, NULL, NULL);
}
