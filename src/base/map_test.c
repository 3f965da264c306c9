/* base/map_test.c - the map against a plain array, by random operations. */
#include "kit/kit.h"

#include "base/map.h"

#include <stdio.h>

enum { NAMES = 400 };

struct naive {
    char names[NAMES][8];
    int values[NAMES]; /* what values[i] points to is &values[i] */
    bool there[NAMES];
    size_t count;
};

static void naive_init(struct naive *n)
{
    *n = (struct naive){.count = 0};
    for (int i = 0; i < NAMES; i++) {
        snprintf(n->names[i], sizeof n->names[i], "k%d", i);
        n->values[i] = i;
    }
}

static void assert_same(const struct map *m, struct naive *n)
{
    size_t at = 0, seen = 0;
    struct str key;
    void *value;
    bool twice[NAMES] = {false};
    assert_int_equal(n->count, m->count);
    while (map_next(m, &at, &key, &value)) {
        int i = *(int *)value;
        assert_true(n->there[i] && !twice[i]);
        assert_true(str_eq(key, str_from(n->names[i])));
        twice[i] = true;
        seen++;
    }
    assert_int_equal(n->count, seen);
    for (int i = 0; i < NAMES; i++)
        assert_ptr_equal(n->there[i] ? &n->values[i] : NULL, map_find(m, str_from(n->names[i])));
}

static void put(struct map *m, struct naive *n, int i)
{
    void *old = m;
    assert_rc(RC_OK, map_put(m, str_from(n->names[i]), &n->values[i], &old));
    assert_ptr_equal(n->there[i] ? &n->values[i] : NULL, old);
    n->count += !n->there[i];
    n->there[i] = true;
}

static void take(struct map *m, struct naive *n, int i)
{
    assert_ptr_equal(n->there[i] ? &n->values[i] : NULL, map_remove(m, str_from(n->names[i])));
    n->count -= n->there[i];
    n->there[i] = false;
}

/* Removes about half of what there is while walking; each entry is met once all
 * the same. */
static void take_half(struct map *m, struct naive *n, const struct random_source *random)
{
    size_t at = 0, before = n->count, seen = 0;
    void *value;
    while (map_next(m, &at, NULL, &value)) {
        int i = *(int *)value;
        seen++;
        assert_true(n->there[i]);
        if (random_below(random, 2)) continue;
        map_remove_at(m, &at);
        n->there[i] = false;
        n->count--;
    }
    assert_int_equal(before, seen);
}

static void test_random_operations(void **state)
{
    (void)state;
    static struct naive n;
    struct kit_random r;
    struct random_source random = kit_random(&r, 7);
    struct map m;
    naive_init(&n);
    map_init(&m, (struct hash_key){random_u64(&random), random_u64(&random)}, false);
    assert_same(&m, &n);
    for (int step = 0; step < 40000; step++) {
        /* The share of additions swings, so the table grows and empties. */
        uint64_t share = step / 2000 % 2 ? 30 : 70;
        int i = (int)random_below(&random, NAMES);
        if (random_below(&random, 100) < share)
            put(&m, &n, i);
        else
            take(&m, &n, i);
        if (step % 997 == 0) take_half(&m, &n, &random);
        if (step % 101 == 0) assert_same(&m, &n);
        assert_true(m.used >= m.count && m.used * 4 <= m.cap * 3);
        assert_true(m.cap <= 4 * NAMES);
    }
    map_fini(&m);
}

static void test_coming_and_going_does_not_grow_it(void **state)
{
    (void)state;
    static char names[100000][8];
    struct map m;
    map_init(&m, (struct hash_key){1, 2}, false);
    for (int i = 0; i < 100000; i++) {
        snprintf(names[i], sizeof names[i], "%d", i);
        assert_rc(RC_OK, map_put(&m, str_from(names[i]), names[i], NULL));
        if (i >= 10) assert_non_null(map_remove(&m, str_from(names[i - 10])));
    }
    assert_int_equal(10, m.count);
    assert_true(m.cap <= 64);
    map_fini(&m);
}

static void test_case(void **state)
{
    (void)state;
    struct map m;
    int one, two;
    void *old = NULL;
    map_init(&m, (struct hash_key){1, 2}, true);
    assert_rc(RC_OK, map_put(&m, STR("SEP0011"), &one, NULL));
    assert_ptr_equal(&one, map_find(&m, STR("sep0011")));
    assert_rc(RC_OK, map_put(&m, STR("Sep0011"), &two, &old));
    assert_ptr_equal(&one, old);
    assert_int_equal(1, m.count);
    map_fini(&m);
    map_init(&m, (struct hash_key){1, 2}, false);
    assert_rc(RC_OK, map_put(&m, STR("SEP0011"), &one, NULL));
    assert_null(map_find(&m, STR("sep0011")));
    map_fini(&m);
}

static void test_replacing_takes_the_new_key(void **state)
{
    (void)state;
    struct map m;
    char first[] = "name", second[] = "name";
    map_init(&m, (struct hash_key){1, 2}, false);
    assert_rc(RC_OK, map_put(&m, str_from(first), first, NULL));
    assert_rc(RC_OK, map_put(&m, str_from(second), second, NULL));
    memset(first, 'x', 4); /* the old value may be gone now */
    assert_ptr_equal(second, map_find(&m, STR("name")));
    map_fini(&m);
}

static void test_keys_may_hold_any_byte(void **state)
{
    (void)state;
    struct map m;
    int empty, nul;
    map_init(&m, (struct hash_key){1, 2}, false);
    assert_null(map_find(&m, STR("")));
    assert_null(map_remove(&m, STR("")));
    assert_rc(RC_OK, map_put(&m, (struct str){0}, &empty, NULL));
    assert_rc(RC_OK, map_put(&m, STR("\0"), &nul, NULL));
    assert_ptr_equal(&empty, map_find(&m, STR("")));
    assert_ptr_equal(&nul, map_find(&m, STR("\0")));
    map_fini(&m);
    assert_null(map_find(&m, STR("")));
}

static void fill(void *ctx)
{
    struct naive *n = ctx;
    struct map m;
    size_t there = 0;
    map_init(&m, (struct hash_key){1, 2}, false);
    for (int i = 0; i < 100; i++)
        there += map_put(&m, str_from(n->names[i]), &n->values[i], NULL) == RC_OK;
    assert_int_equal(there, m.count);
    map_fini(&m);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    static struct naive n;
    naive_init(&n);
    kit_each_alloc_fails(fill, &n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_operations),
        cmocka_unit_test(test_coming_and_going_does_not_grow_it),
        cmocka_unit_test(test_case),
        cmocka_unit_test(test_replacing_takes_the_new_key),
        cmocka_unit_test(test_keys_may_hold_any_byte),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
