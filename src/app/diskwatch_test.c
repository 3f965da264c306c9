#include "kit/kit.h"

#include "app/diskwatch.h"

static struct app_diskwatch watch;
static struct kit_log lines;
static struct log log_;
static struct store_disk disk;
static int64_t now_ms;

static int setup(void **state)
{
    (void)state;
    watch = (struct app_diskwatch){0};
    lines = (struct kit_log){0};
    log_ = kit_log(&lines);
    disk = (struct store_disk){0};
    now_ms = 1000;
    return 0;
}

/* Seconds of ticks; how many looks came due. */
static int seconds(int n)
{
    int looks = 0;
    for (; n > 0; n--, now_ms += 1000)
        looks += app_diskwatch_tick(&watch, &disk, now_ms, STR("/data"), &log_);
    return looks;
}

static size_t count(const char *event)
{
    size_t n = 0;
    for (const char *at = lines.text; (at = strstr(at, event)) != NULL; at++)
        n++;
    return n;
}

static void test_a_full_disk_is_told_at_once_and_its_end_too(void **state)
{
    (void)state;
    seconds(10);
    assert_int_equal(0, count("event="));
    disk = (struct store_disk){.is_full = true, .refused = 1};
    seconds(1);
    assert_int_equal(1, count("event=store.disk_full folder=/data refused=1"));
    seconds(30);
    assert_int_equal(1, count("event="));
    disk.is_full = false;
    seconds(30);
    assert_int_equal(1, count("event=store.disk_writable"));
    assert_int_equal(2, count("event="));
}

static void test_refusals_are_a_line_each_minute(void **state)
{
    (void)state;
    disk.is_full = true;
    for (int i = 0; i < 180; i++) {
        disk.refused += 10;
        seconds(1);
    }
    assert_int_equal(3, count("event=store.disk_full"));
}

/* Space that runs low is found by a look, before anything was refused. */
static void test_the_disk_is_looked_at(void **state)
{
    (void)state;
    assert_int_equal(2, seconds(120));
    disk.is_full = true;
    assert_int_equal(12, seconds(60));
    assert_int_equal(1, count("event=store.disk_full folder=/data refused=0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_full_disk_is_told_at_once_and_its_end_too, setup),
        cmocka_unit_test_setup(test_refusals_are_a_line_each_minute, setup),
        cmocka_unit_test_setup(test_the_disk_is_looked_at, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
