#include "kit/kit.h"

#include "call/bed.h"
#include "call/edgeflows.h"
#include "call/linepolicy.h"

#include <stdio.h>
#include <stdlib.h>

static void put(struct bed *b, struct siptx_flow *f, const char *name, int value)
{
    int *what = malloc(sizeof *what);
    assert_non_null(what);
    *what = value;
    assert_rc(RC_OK, call_edge_flows_put(f, str_from(name), what, &b->random));
}

static int find(const struct siptx_flow *f, const char *name)
{
    const int *what = call_edge_flows_find(f, str_from(name));
    return what ? *what : -1;
}

static void test_each_has_its_own_and_the_newest_word_counts(void **state)
{
    (void)state;
    struct bed *b = bed_new();
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_MRA, 40000);
    assert_int_equal(-1, find(f, "a"));
    put(b, f, "a", 1);
    put(b, f, "b", 2);
    put(b, f, "a", 3);
    assert_int_equal(3, find(f, "a"));
    assert_int_equal(2, find(f, "b"));
    assert_int_equal(-1, find(f, "A"));
    assert_int_equal(-1, find(f, ""));
    assert_int_equal(2, call_edge_flows_count(f));
    siptx_flow_gone(f, SIPTX_CLOSE_PEER, STR("")); /* the leak checker knows whether all went */
    bed_free(b);
}

static void test_who_was_heard_least_lately_gives_way(void **state)
{
    (void)state;
    struct bed *b = bed_new();
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_MRA, 40000);
    char name[16];
    for (int i = 0; i < CALL_EDGE_FLOWS_MAX; i++) {
        snprintf(name, sizeof name, "%d", i);
        put(b, f, name, i);
    }
    assert_int_equal(0, find(f, "0")); /* heard again */
    put(b, f, "more", 7);
    assert_int_equal(CALL_EDGE_FLOWS_MAX, call_edge_flows_count(f));
    assert_int_equal(0, find(f, "0"));
    assert_int_equal(-1, find(f, "1"));
    assert_int_equal(7, find(f, "more"));
    bed_free(b);
}

static void test_names_are_read_from_a_via(void **state)
{
    static const struct {
        const char *params, *name;
    } rows[] = {
        {";branch=z9hG4bK1;edge-flow=3f-01", "3f-01"},
        {";EDGE-FLOW=a.b_c;rport", "a.b_c"},
        {";branch=z9hG4bK1", ""},
        {";edge-flow", ""},
        {";edge-flow=\"a b\"", ""},
        {";edge-flow=a%b", ""},
        {";edge-flow=1;edge-flow=2", "1"},
    };
    char lengthy[128];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_str(rows[i].name, call_edge_flow_read(str_from(rows[i].params)));
    snprintf(lengthy, sizeof lengthy, ";edge-flow=%065d", 1);
    assert_str("", call_edge_flow_read(str_from(lengthy)));
    snprintf(lengthy, sizeof lengthy, ";edge-flow=%064d", 1);
    assert_int_equal(64, call_edge_flow_read(str_from(lengthy)).n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_its_own_and_the_newest_word_counts),
        cmocka_unit_test(test_who_was_heard_least_lately_gives_way),
        cmocka_unit_test(test_names_are_read_from_a_via),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
