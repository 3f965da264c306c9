/* base/buf_test.c */
#include "kit/kit.h"

#include "base/buf.h"

static void print_all(struct buf *b)
{
    buf_put_lit(b, "n=");
    buf_put_u64(b, UINT64_MAX);
    buf_put_char(b, ' ');
    buf_put_i64(b, INT64_MIN);
    buf_put_char(b, ' ');
    buf_put_u64(b, 0);
    buf_put_char(b, ' ');
    buf_put_hex(b, bytes_of("\x00\xAB\xFF", 3));
    buf_printf(b, " %s/%04d", "x", 7);
    buf_put_u64_wide(b, 1207, 3);
    buf_put_u64_wide(b, 5, 20);
    buf_put_str(b, (struct str){0});
}

#define ALL "n=18446744073709551615 -9223372036854775808 0 00abff x/000720700000000000000000005"

static void test_printing(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    assert_string_equal("", buf_cstr(&b));
    print_all(&b);
    assert_rc(RC_OK, buf_rc(&b));
    assert_str(ALL, buf_str(&b));
    assert_string_equal(ALL, buf_cstr(&b));
    assert_int_equal(sizeof ALL - 1, b.n); /* the NUL is not counted */
    buf_fini(&b);
}

static void test_first_failure_stays(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 5);
    buf_put_lit(&b, "abcd");
    buf_put_lit(&b, "ef");
    buf_put_lit(&b, "g"); /* would fit, but comes after the failure */
    assert_rc(RC_TOO_BIG, buf_rc(&b));
    assert_str("abcd", buf_str(&b));
    assert_string_equal("", buf_cstr(&b));
    assert_null(buf_reserve(&b, 0));
    buf_reset(&b);
    assert_rc(RC_OK, buf_rc(&b));
    buf_put_lit(&b, "12345");
    assert_string_equal("12345", buf_cstr(&b));
    buf_fini(&b);
}

static void test_fixed_memory_is_not_exceeded(void **state)
{
    (void)state;
    struct str room = kit_guard(STR("........"));
    struct buf b;
    unsigned long before = kit_alloc_count();
    buf_init_fixed(&b, (void *)(uintptr_t)room.p, room.n);
    buf_printf(&b, "%s", "12345678");
    assert_rc(RC_OK, buf_rc(&b));
    assert_memory_equal("12345678", room.p, 8);
    assert_string_equal("", buf_cstr(&b)); /* no room for the NUL */
    assert_rc(RC_TOO_BIG, buf_rc(&b));
    buf_reset(&b);
    buf_printf(&b, "%d", 1234567);
    assert_string_equal("1234567", buf_cstr(&b));
    buf_put_lit(&b, "89");
    assert_rc(RC_TOO_BIG, buf_rc(&b));
    assert_int_equal(before, kit_alloc_count());
    buf_fini(&b);
    kit_guard_free(room);
}

static void test_reserve_and_add(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    char *at = buf_reserve(&b, 0);
    assert_non_null(at);
    at = buf_reserve(&b, 90);
    assert_non_null(at);
    memset(at, 'x', 90);
    buf_add_n(&b, 3);
    assert_str("xxx", buf_str(&b));
    assert_null(buf_reserve(&b, 98));
    assert_rc(RC_TOO_BIG, buf_rc(&b));
    buf_add_n(&b, 98); /* after a failure nothing is added */
    assert_str("xxx", buf_str(&b));
    buf_reset(&b);
    assert_null(buf_reserve(&b, SIZE_MAX));
    buf_fini(&b);
    buf_init(&b, SIZE_MAX);
    assert_null(buf_reserve(&b, SIZE_MAX));
    buf_fini(&b);
}

static void test_dropping(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    buf_drop(&b, 0);
    buf_put_lit(&b, "abcdef");
    buf_drop(&b, 2);
    assert_str("cdef", buf_str(&b));
    buf_drop(&b, 4);
    assert_int_equal(0, b.n);
    buf_fini(&b);
}

static void test_long_printf(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 3000);
    buf_printf(&b, "%2000d", 7);
    assert_int_equal(2000, b.n);
    buf_printf(&b, "%2000d", 7);
    assert_rc(RC_TOO_BIG, buf_rc(&b));
    buf_fini(&b);
}

static void print_and_compare(void *ctx)
{
    struct buf b;
    (void)ctx;
    buf_init(&b, 4096);
    print_all(&b);
    buf_printf(&b, "%500d", 1);
    if (buf_rc(&b) == RC_OK)
        assert_int_equal(sizeof ALL - 1 + 500, b.n);
    else
        assert_rc(RC_NOMEM, buf_rc(&b));
    buf_fini(&b);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    kit_each_alloc_fails(print_and_compare, NULL);
}

static void test_secrets_stay_in_no_memory_given_back(void **state)
{
    (void)state;
    struct buf b;
    buf_init_secret(&b, 100000);
    kit_watch_freed("s3cret");
    for (int i = 0; i < 500; i++)
        buf_put_lit(&b, "s3cret ");
    buf_printf(&b, "%300d s3cret", 7);
    assert_int_equal(500 * 7 + 307, b.n);
    assert_int_equal(0, memcmp(b.p + 499 * 7, "s3cret ", 7));
    buf_fini(&b);
    assert_true(b.wipes); /* and may be used again */
    assert_int_equal(0, kit_freed_with_secret());
    kit_watch_freed("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets_stay_in_no_memory_given_back),
        cmocka_unit_test(test_printing),
        cmocka_unit_test(test_first_failure_stays),
        cmocka_unit_test(test_fixed_memory_is_not_exceeded),
        cmocka_unit_test(test_reserve_and_add),
        cmocka_unit_test(test_dropping),
        cmocka_unit_test(test_long_printf),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
