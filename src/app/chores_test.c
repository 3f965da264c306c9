#include "kit/kit.h"

#include "app/chores.h"

static void minutes(struct app_chores *c, int n)
{
    while (n-- > 0)
        app_chores_minute(c);
}

static void test_chores_come_by_the_hour_and_by_the_day(void **state)
{
    (void)state;
    struct app_chores c = {0};
    unsigned tickets = 0, daily = 0;
    for (int i = 0; i < 2 * 24 * 60; i++) {
        app_chores_minute(&c);
        unsigned due = app_chores_take(&c);
        tickets += (due & APP_CHORE_TICKETS) != 0;
        daily += (due & APP_CHORE_DAILY) != 0;
        if (i == 0) assert_int_equal(APP_CHORE_DAILY, due);
    }
    assert_int_equal(48, tickets);
    assert_int_equal(2, daily);
}

/* Nobody came to take them at their minute: the pool was full. */
static void test_a_chore_that_was_not_taken_waits(void **state)
{
    (void)state;
    struct app_chores c = {0};
    minutes(&c, 1);
    minutes(&c, 7);
    assert_int_equal(APP_CHORE_DAILY, app_chores_take(&c));
    assert_int_equal(0, app_chores_take(&c));
    minutes(&c, 24 * 60 + 5);
    assert_int_equal(APP_CHORE_DAILY | APP_CHORE_TICKETS, app_chores_take(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chores_come_by_the_hour_and_by_the_day),
        cmocka_unit_test(test_a_chore_that_was_not_taken_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
