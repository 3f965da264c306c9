#include "bench_test.h"

#include "hist.h"

static void test_an_empty_histogram_says_zero(void **state)
{
    (void)state;
    struct hist h = {0};
    assert_int_equal(0, hist_at(&h, 0.5));
}

static void test_small_values_are_exact(void **state)
{
    (void)state;
    struct hist h = {0};
    for (uint64_t v = 1; v <= 50; v++)
        hist_add(&h, v);
    assert_int_equal(25, hist_at(&h, 0.50));
    assert_int_equal(50, hist_at(&h, 0.99));
    assert_int_equal(1, hist_at(&h, 0.0));
    assert_int_equal(50, hist_at(&h, 1.0));
}

static void test_any_value_is_known_within_a_sixtyfourth(void **state)
{
    (void)state;
    for (uint64_t v = 1; v < (uint64_t)1 << (HIST_VALUE_BITS - 1); v = v * 5 / 3 + 1) {
        struct hist h = {0};
        hist_add(&h, v);
        hist_add(&h, v * 2); /* keeps the greatest value from hiding the bucket's end */
        uint64_t got = hist_at(&h, 0.5);
        assert_true(got >= v && got <= v + v / 64);
    }
}

static void test_half_below_half_above(void **state)
{
    (void)state;
    struct hist h = {0};
    for (int i = 0; i < 99; i++)
        hist_add(&h, 1000);
    hist_add(&h, 5000000);
    assert_true(hist_at(&h, 0.50) >= 1000 && hist_at(&h, 0.50) < 1016);
    assert_true(hist_at(&h, 0.99) < 1016);
    assert_int_equal(5000000, hist_at(&h, 1.0));
}

static void test_too_long_counts_as_the_longest(void **state)
{
    (void)state;
    struct hist h = {0};
    hist_add(&h, UINT64_MAX);
    assert_int_equal(((uint64_t)1 << HIST_VALUE_BITS) - 1, hist_at(&h, 0.5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_histogram_says_zero),
        cmocka_unit_test(test_small_values_are_exact),
        cmocka_unit_test(test_any_value_is_known_within_a_sixtyfourth),
        cmocka_unit_test(test_half_below_half_above),
        cmocka_unit_test(test_too_long_counts_as_the_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
