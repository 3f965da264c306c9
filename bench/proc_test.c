#include "bench_test.h"

#include "proc.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_a_value_is_found_by_its_whole_name(void **state)
{
    (void)state;
    const char *text = "5000-6000 ---p 00000000 00:00 0    [rollup]\n"
                       "Pss:                 319 kB\nPss_Anon:            116 kB\n"
                       "SwapPss:               7 kB\n";
    assert_int_equal(319, proc_rollup_kb(text, "Pss"));
    assert_int_equal(116, proc_rollup_kb(text, "Pss_Anon"));
    assert_int_equal(7, proc_rollup_kb(text, "SwapPss"));
    assert_int_equal(0, proc_rollup_kb(text, "Swap"));
    assert_int_equal(0, proc_rollup_kb("", "Pss"));
}

static void test_a_process_name_may_hold_anything(void **state)
{
    (void)state;
    assert_int_equal(41, proc_stat_parent("42 (a) S 7 (b) S 41 42 42 0"));
    assert_int_equal(-1, proc_stat_parent("42"));
    assert_int_equal(-1, proc_stat_parent("42 (x) S"));
}

static void test_a_family_counts_its_children(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        for (;;)
            pause();
    }
    struct proc_family family;
    struct proc_memory memory;
    uint64_t cpu_ns;
    int found = proc_family_find(getpid(), &family);
    int cpu = proc_cpu_ns(&family, &cpu_ns);
    int mem = proc_memory(&family, &memory);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(0, found);
    assert_int_equal(2, family.count);
    assert_int_equal(child, family.pids[1]);
    assert_int_equal(0, cpu);
    assert_int_equal(0, mem);
    assert_true(memory.private_bytes > 0 && memory.resident_bytes > memory.private_bytes);
    assert_int_equal(-1, proc_cpu_ns(&family, &cpu_ns)); /* the child is gone */
}

static void test_no_such_process(void **state)
{
    (void)state;
    struct proc_family family;
    assert_int_equal(-1, proc_family_find(-1, &family));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_is_found_by_its_whole_name),
        cmocka_unit_test(test_a_process_name_may_hold_anything),
        cmocka_unit_test(test_a_family_counts_its_children),
        cmocka_unit_test(test_no_such_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
