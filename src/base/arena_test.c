/* base/arena_test.c */
#include "kit/kit.h"

#include "base/arena.h"

#include <stdalign.h>

static void test_lent_block_needs_no_heap(void **state)
{
    (void)state;
    char block[256];
    struct arena a;
    arena_init(&a, block + 1, sizeof block - 1, 0); /* an odd start, and no heap allowed */
    unsigned long before = kit_alloc_count();
    char *p = arena_alloc(&a, 100), *q = arena_alloc(&a, 100);
    assert_non_null(p);
    assert_non_null(q);
    assert_true(q >= p + 100 && q + 100 <= block + sizeof block);
    assert_int_equal(0, (uintptr_t)p % alignof(max_align_t));
    assert_int_equal(0, (uintptr_t)q % alignof(max_align_t));
    assert_null(arena_alloc(&a, 100));
    assert_int_equal(before, kit_alloc_count());
    arena_fini(&a);
}

static void test_heap_part_is_bounded(void **state)
{
    (void)state;
    struct arena a;
    size_t got = 0;
    arena_init(&a, NULL, 0, 10000);
    while (arena_alloc(&a, 16))
        got += 16;
    assert_true(got <= 10000 && got > 9900);
    assert_true(a.heap_bytes <= 10000);
    arena_reset(&a);
    assert_null(arena_alloc(&a, 10001));
    volatile size_t huge = SIZE_MAX; /* volatile: the compiler would refuse the call */
    assert_null(arena_alloc(&a, huge));
    assert_non_null(arena_alloc(&a, 10000));
    arena_fini(&a);
    arena_init(&a, NULL, 0, SIZE_MAX);
    assert_null(arena_alloc(&a, huge - 3));
    assert_null(arena_array_zalloc(&a, SIZE_MAX / 2, 3));
    arena_fini(&a);
}

static void test_reset_gives_the_lent_block_back(void **state)
{
    (void)state;
    char block[64];
    struct arena a;
    arena_init(&a, block, sizeof block, 1 << 20);
    char *first = arena_alloc(&a, 8);
    assert_non_null(arena_alloc(&a, 5000));
    arena_reset(&a);
    assert_int_equal(0, a.heap_bytes);
    assert_ptr_equal(first, arena_alloc(&a, 8));
    arena_fini(&a);
}

static void test_no_bytes_give_a_pointer(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, NULL, 0, 100);
    assert_non_null(arena_alloc(&a, 0));
    assert_non_null(arena_array_zalloc(&a, 0, 5));
    arena_fini(&a);
}

static void test_zeroed_after_reuse(void **state)
{
    (void)state;
    char block[256];
    struct arena a;
    arena_init(&a, block, sizeof block, 0);
    memset(block, 0xEE, sizeof block);
    const int *numbers = ARENA_ARRAY(&a, int, 20);
    for (int i = 0; i < 20; i++)
        assert_int_equal(0, numbers[i]);
    const struct arena *one = ARENA_NEW(&a, struct arena);
    assert_null(one->at);
    arena_fini(&a);
}

static void test_wiped_memory_holds_nothing(void **state)
{
    (void)state;
    char block[64];
    struct arena a;
    struct str secret;
    arena_init(&a, block, sizeof block, 4096);
    assert_rc(RC_OK, arena_str_dup(&a, STR("hunter2"), &secret));
    assert_non_null(memmem(block, sizeof block, "hunter2", 7));
    assert_non_null(arena_alloc(&a, 1000));
    assert_non_null(arena_alloc(&a, 2000));
    arena_wipe(&a);
    assert_null(memmem(block, sizeof block, "hunter2", 7));
    assert_int_equal(0, a.heap_bytes);
    assert_non_null(arena_alloc(&a, 8)); /* and it can be used again */
    arena_wipe(&a);
    arena_init(&a, NULL, 0, 4096);
    arena_wipe(&a);
}

static void test_text(void **state)
{
    (void)state;
    struct arena a;
    struct str s = STR("abc"), none = {0};
    arena_init(&a, NULL, 0, 4096);
    assert_rc(RC_OK, arena_str_dup(&a, s, &s));
    assert_string_equal("abc", s.p);
    assert_rc(RC_OK, arena_str_dup(&a, none, &none));
    assert_string_equal("", none.p);
    assert_rc(RC_OK, arena_printf(&a, &s, "%s-%d", "long enough to measure", 42));
    assert_string_equal("long enough to measure-42", s.p);
    assert_int_equal(25, s.n);
    assert_rc(RC_NOMEM, arena_printf(&a, &s, "%5000d", 1));
    assert_rc(RC_NOMEM, arena_str_dup(&a, str_of("", SIZE_MAX), &s));
    arena_fini(&a);
}

static void use_blocks(void *ctx)
{
    struct arena a;
    struct str s;
    (void)ctx;
    arena_init(&a, NULL, 0, 1 << 20);
    for (int i = 0; i < 5; i++)
        if (!arena_alloc(&a, 3000)) break;
    if (arena_printf(&a, &s, "%3000d", 1) == RC_OK) assert_int_equal(3000, s.n);
    arena_fini(&a);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    kit_each_alloc_fails(use_blocks, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lent_block_needs_no_heap),
        cmocka_unit_test(test_heap_part_is_bounded),
        cmocka_unit_test(test_reset_gives_the_lent_block_back),
        cmocka_unit_test(test_no_bytes_give_a_pointer),
        cmocka_unit_test(test_zeroed_after_reuse),
        cmocka_unit_test(test_wiped_memory_holds_nothing),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
