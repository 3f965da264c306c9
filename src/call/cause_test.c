#include "kit/kit.h"

#include "call/cause.h"

static void test_refusals_have_the_causes_of_the_table(void **state)
{
    (void)state;
    static const unsigned rows[][2] = {
        {400, 41},  {401, 21},  {403, 21}, {404, 1},   {405, 63}, {406, 79}, {407, 21},
        {408, 102}, {410, 22},  {415, 79}, {420, 127}, {480, 18}, {482, 25}, {483, 25},
        {484, 28},  {485, 1},   {486, 17}, {500, 41},  {501, 79}, {502, 38}, {503, 41},
        {504, 102}, {505, 127}, {600, 17}, {603, 21},  {604, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(rows[i][1], call_cause_of_status(rows[i][0]));
        assert_int_equal(rows[i][1], call_cause(CALL_END_REFUSED, rows[i][0]));
    }
}

static void test_what_the_table_does_not_name_is_unspecified(void **state)
{
    (void)state;
    static const unsigned statuses[] = {0, 302, 399, 412, 488, 499, 599, 606, 699, 4000};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        assert_int_equal(31, call_cause_of_status(statuses[i]));
}

static void test_other_ends_do_not_look_at_the_status(void **state)
{
    (void)state;
    assert_int_equal(16, call_cause(CALL_END_CALLER, 200));
    assert_int_equal(16, call_cause(CALL_END_CALLEE, 200));
    assert_int_equal(16, call_cause(CALL_END_CANCELLED, 487));
    assert_int_equal(16, call_cause(CALL_END_CANCELLED, 486));
    assert_int_equal(27, call_cause(CALL_END_VANISHED, 200));
    assert_int_equal(102, call_cause(CALL_END_EXPIRED, 200));
    assert_int_equal(31, call_cause(CALL_END_OPERATOR, 200));
    assert_int_equal(41, call_cause(CALL_END_STOPPED, 200));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals_have_the_causes_of_the_table),
        cmocka_unit_test(test_what_the_table_does_not_name_is_unspecified),
        cmocka_unit_test(test_other_ends_do_not_look_at_the_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
