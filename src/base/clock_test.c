/* base/clock_test.c - numbers from randomness; the kit's simulated time and
 * repeatable randomness.
 */
#include "kit/kit.h"

static void test_below_stays_below_and_reaches_all(void **state)
{
    (void)state;
    struct kit_random r;
    struct random_source random = kit_random(&r, 1);
    unsigned hits[7] = {0};
    for (int i = 0; i < 7000; i++) {
        uint64_t v = random_below(&random, 7);
        assert_true(v < 7);
        hits[v]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(hits[i], 800, 1200);
    assert_int_equal(0, random_below(&random, 1));
}

/* Hands out two numbers that would favour small results, then one that does
 * not. */
static void unfair(void *ctx, void *p, size_t n)
{
    int *calls = ctx;
    uint64_t v = ++*calls <= 2 ? 0 : UINT64_C(1) << 63 | 5;
    assert_int_equal(sizeof v, n);
    memcpy(p, &v, n);
}

static void test_unfair_numbers_are_drawn_again(void **state)
{
    (void)state;
    int calls = 0;
    struct random_source random = {.fill = unfair, .ctx = &calls};
    assert_true(random_below(&random, (UINT64_C(1) << 63) + 1) == 4);
    assert_int_equal(3, calls);
}

static void test_equal_seeds_give_equal_bytes(void **state)
{
    (void)state;
    struct kit_random r;
    struct random_source random = kit_random(&r, 9);
    uint64_t first = random_u64(&random), second = random_u64(&random);
    random = kit_random(&r, 9);
    assert_true(first == random_u64(&random));
    assert_true(first != second);
    random = kit_random(&r, 10);
    assert_true(first != random_u64(&random));
}

static void test_time_moves_when_told(void **state)
{
    (void)state;
    struct kit_time t;
    struct clock clock = kit_clock(&t);
    assert_int_equal(1000, clock_mono_ms(&clock));
    kit_time_pass(&t, 2500);
    assert_int_equal(3500, clock_mono_ms(&clock));
    assert_int_equal(INT64_C(1767225602), clock_unix_s(&clock));
    assert_int_equal(INT64_C(1767225602500), clock_unix_ms(&clock));
}

/* Through a pointer the compiler cannot see, or it would leave calls out. */
static void *(*volatile allocate)(size_t n) = malloc;

static void test_allocations_fail_when_told(void **state)
{
    (void)state;
    unsigned long before = kit_alloc_count();
    kit_alloc_fail_once_at(2);
    void *first = allocate(1), *second = allocate(1), *third = allocate(1);
    assert_non_null(first);
    assert_null(second);
    assert_non_null(third);
    kit_alloc_fail_at(1);
    assert_null(allocate(1));
    assert_null(allocate(1));
    kit_alloc_fail_at(0);
    assert_int_equal(5, kit_alloc_count() - before);
    free(first);
    free(third);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_below_stays_below_and_reaches_all),
        cmocka_unit_test(test_unfair_numbers_are_drawn_again),
        cmocka_unit_test(test_equal_seeds_give_equal_bytes),
        cmocka_unit_test(test_time_moves_when_told),
        cmocka_unit_test(test_allocations_fail_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
