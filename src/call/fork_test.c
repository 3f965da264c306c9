#include "kit/kit.h"

#include "call/fork.h"

/* What the caller hears when several refuse: each row's first is better than its second. */
static void test_the_answer_that_says_more_is_taken(void **state)
{
    (void)state;
    static const struct {
        unsigned better, worse;
    } rows[] = {
        {603, 486}, {302, 486}, {401, 486}, {486, 500}, {486, 480},
        {404, 408}, {480, 408}, {408, 487}, {487, 503},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(call_fork_is_better(rows[i].better, rows[i].worse));
        assert_false(call_fork_is_better(rows[i].worse, rows[i].better));
        assert_true(call_fork_is_better(rows[i].worse, 0));
    }
    assert_int_equal(500, call_fork_upstream(503));
    assert_int_equal(486, call_fork_upstream(486));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_answer_that_says_more_is_taken)};
    return cmocka_run_group_tests_name("call/fork", tests, NULL, NULL);
}
