#include "kit/kit.h"

#include "call/lines.h"

static const struct str phone = STR_INIT("SEP1"), line = STR_INIT("1010");

static struct call_lines *lines_new(void)
{
    struct kit_random seed;
    struct random_source random = kit_random(&seed, 1);
    struct call_lines *l = NULL;
    assert_rc(RC_OK, call_lines_new(&random, &l));
    return l;
}

static void test_what_rings_is_counted_by_device_and_line(void **state)
{
    (void)state;
    struct call_lines *l = lines_new();
    assert_true(call_lines_ring(l, phone, line));
    assert_true(call_lines_ring(l, STR("sep1"), line));
    assert_true(call_lines_ring(l, phone, STR("1011")));
    assert_int_equal(2, call_lines_ringing(l, phone, line));
    assert_int_equal(1, call_lines_ringing(l, phone, STR("1011")));
    assert_int_equal(0, call_lines_ringing(l, STR("SEP2"), line));
    call_lines_quiet(l, phone, line);
    assert_int_equal(1, call_lines_ringing(l, phone, line));
    call_lines_quiet(l, phone, line);
    call_lines_quiet(l, phone, STR("1011"));
    assert_int_equal(0, call_lines_ringing(l, phone, line));
    assert_false(call_lines_ring(l, STR(""), line)); /* nobody's phone */
    call_lines_free(l);
}

static void test_a_line_remembers_its_last_call(void **state)
{
    (void)state;
    struct call_lines *l = lines_new();
    assert_int_equal(INT64_MIN, call_lines_idle_since(l, line));
    call_lines_idle(l, line, 5000);
    call_lines_idle(l, line, 7000);
    call_lines_idle(l, STR(""), 9000);
    assert_int_equal(7000, call_lines_idle_since(l, line));
    assert_true(call_lines_ring(l, phone, line));
    call_lines_quiet(l, phone, line);
    assert_int_equal(7000, call_lines_idle_since(l, line));
    call_lines_free(l);
}

static void test_counting_allocates_nothing_after_a_while(void **state)
{
    (void)state;
    struct call_lines *l = lines_new();
    assert_true(call_lines_ring(l, phone, line));
    call_lines_quiet(l, phone, line);
    unsigned long before = kit_alloc_count();
    for (int i = 0; i < 100; i++) {
        assert_true(call_lines_ring(l, phone, line));
        call_lines_quiet(l, phone, line);
    }
    assert_int_equal(before, kit_alloc_count());
    call_lines_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_rings_is_counted_by_device_and_line),
        cmocka_unit_test(test_a_line_remembers_its_last_call),
        cmocka_unit_test(test_counting_allocates_nothing_after_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
