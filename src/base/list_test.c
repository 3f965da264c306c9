/* base/list_test.c */
#include "kit/kit.h"

#include "base/list.h"

struct item {
    int n;
    struct list link;
};

static long order(struct list *head)
{
    long digits = 0;
    LIST_FOR_EACH(it, head)
    digits = digits * 10 + LIST_OF(it, struct item, link)->n;
    return digits;
}

static void test_order(void **state)
{
    (void)state;
    struct list head;
    struct item a = {.n = 1}, b = {.n = 2}, c = {.n = 3};
    list_init(&head);
    assert_true(list_is_empty(&head));
    assert_null(list_first(&head));
    list_push_back(&head, &b.link);
    list_push_back(&head, &c.link);
    list_push_front(&head, &a.link);
    assert_int_equal(123, order(&head));
    assert_ptr_equal(&a.link, list_first(&head));
    list_remove(&b.link);
    list_remove(&b.link); /* twice is harmless */
    assert_int_equal(13, order(&head));
    list_insert_before(&c.link, &b.link);
    assert_int_equal(123, order(&head));
}

static void test_removal_while_walking(void **state)
{
    (void)state;
    struct list head;
    struct item items[5];
    list_init(&head);
    for (int i = 0; i < 5; i++) {
        items[i].n = i + 1;
        list_push_back(&head, &items[i].link);
    }
    LIST_FOR_EACH(it, &head)
    {
        struct item *item = LIST_OF(it, struct item, link);
        if (item->n % 2) list_remove(it);
    }
    assert_int_equal(24, order(&head));
    LIST_FOR_EACH(it, &head)
    list_remove(it);
    assert_true(list_is_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_removal_while_walking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
