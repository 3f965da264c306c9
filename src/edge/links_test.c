/* Links as inner edges come, go and come back; phones on them. */
#include "kit/kit.h"

#include "edge/links.h"

struct world {
    struct kit_time time;
    struct edge_links *links;
    struct arena arena;
    uint64_t gone;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct clock clock = kit_clock(&w->time);
    arena_init(&w->arena, NULL, 0, 1 << 16);
    *state = w;
    return edge_links_new(&clock, &w->links) == RC_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *w = *state;
    edge_links_free(w->links);
    arena_fini(&w->arena);
    free(w);
    return 0;
}

static void on_gone(void *ctx, uint64_t flow)
{
    struct world *w = ctx;
    w->gone = flow;
}

static void pair(struct world *w, const char *a, const char *b)
{
    const struct str names[] = {str_from(a), str_from(b ? b : "")};
    edge_links_set(w->links, names, b ? 2 : 1, on_gone, w);
}

static enum rc try_open(struct world *w, const char *name, uint64_t flow, uint64_t *link,
                        uint64_t *before)
{
    struct net_addr peer = net_addr_v4(192, 0, 2, 7, 25000);
    const struct str names[] = {STR("something else"), str_from(name)};
    return edge_links_open(w->links, names, 2, flow, &peer, link, before);
}

static uint64_t open_link(struct world *w, const char *name, uint64_t flow)
{
    uint64_t link = 0, before = 0;
    assert_rc(RC_OK, try_open(w, name, flow, &link, &before));
    assert_int_equal(0, before);
    assert_int_equal(flow, edge_links_flow(w->links, link));
    return link;
}

static void test_only_paired_edges_come_in(void **state)
{
    struct world *w = *state;
    uint64_t link, before;
    assert_rc(RC_NOT_FOUND, try_open(w, "exp-c", 5, &link, &before));
    pair(w, "exp-c", NULL);
    assert_int_equal(0, edge_links_take(w->links, 0));
    uint64_t first = open_link(w, "EXP-C", 5);
    assert_rc(RC_OK, try_open(w, "exp-c", 6, &link, &before)); /* a newer connection of the same */
    assert_int_equal(first, link);
    assert_int_equal(5, before);
    assert_false(edge_links_closed(w->links, first, 5));
    assert_int_equal(6, edge_links_flow(w->links, first));
    pair(w, "exp-d", NULL);
    assert_int_equal(6, w->gone);
    assert_int_equal(0, edge_links_flow(w->links, first));
}

static void test_phones_stay_where_they_are_and_spread(void **state)
{
    struct world *w = *state;
    pair(w, "exp-c", "exp-d");
    uint64_t c = open_link(w, "exp-c", 5), d = open_link(w, "exp-d", 6);
    uint64_t a = edge_links_take(w->links, 0), b = edge_links_take(w->links, 0);
    assert_int_equal(c, a);
    assert_int_equal(d, b);
    assert_int_equal(a, edge_links_take(w->links, a));
    assert_true(edge_links_closed(w->links, c, 5));
    assert_int_equal(d, edge_links_take(w->links, a));
    assert_true(edge_links_closed(w->links, d, 6));
    assert_int_equal(0, edge_links_take(w->links, d));
    assert_int_equal(c, open_link(w, "exp-c", 9)); /* healed: the same link */
    edge_links_leave(w->links, d);
    edge_links_leave(w->links, 0);
    struct edge_link_view *rows;
    size_t count;
    assert_rc(RC_OK, edge_links_list(w->links, &w->arena, &rows, &count));
    assert_int_equal(2, count);
    assert_str("exp-c", rows[0].name);
    assert_str("192.0.2.7:25000", rows[0].peer);
    assert_true(rows[0].is_up && !rows[1].is_up);
    assert_int_equal(1, rows[1].phones);
}

static void test_another_epoch_and_the_clock_are_told(void **state)
{
    struct world *w = *state;
    pair(w, "exp-c", NULL);
    uint64_t c = open_link(w, "exp-c", 5);
    struct edge_greeting g = {.epoch = 1, .clock_ms = w->time.unix_ms - 90000};
    assert_false(edge_links_greeted(w->links, c, &g));
    assert_false(edge_links_greeted(w->links, c, &g));
    g.epoch = 2;
    assert_true(edge_links_greeted(w->links, c, &g));
    assert_false(edge_links_greeted(w->links, c + 1, &g));
    struct edge_link_view *rows;
    size_t count;
    assert_rc(RC_OK, edge_links_list(w->links, &w->arena, &rows, &count));
    assert_int_equal(-90000, rows[0].clock_off_ms);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_only_paired_edges_come_in),
        T(test_phones_stay_where_they_are_and_spread),
        T(test_another_epoch_and_the_clock_are_told),
    };
    return cmocka_run_group_tests_name("edge/links", tests, NULL, NULL);
}
