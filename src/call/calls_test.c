#include "kit/kit.h"

#include "call/calls.h"

#include <stdio.h>

static struct kit_time now;
static struct call_record last;
static size_t ended;

static void on_end(void *ctx, const struct call_record *r)
{
    (void)ctx;
    last = *r;
    ended++;
}

static struct call_calls *calls_new(void)
{
    struct kit_random seed;
    struct random_source random = kit_random(&seed, 1);
    struct call_calls *c = NULL;
    ended = 0;
    assert_rc(RC_OK, call_calls_new(&random, kit_clock(&now), on_end, NULL, &c));
    return c;
}

/* 1010 on SEP1, flow 7, calls 1020. */
static const struct call_start start = {.call_id = STR_INIT("one@phone"),
                                        .from = STR_INIT("1010"),
                                        .to = STR_INIT("1020"),
                                        .from_device = STR_INIT("SEP1"),
                                        .from_tag = STR_INIT("a"),
                                        .from_flow = 7};

static uint64_t call_new(struct call_calls *c, const struct call_start *s)
{
    uint64_t id = 0;
    assert_rc(RC_OK, call_calls_start(c, s, &id));
    return id;
}

/* 1020 on SEP2, flow 8, answers. */
static uint64_t talk(struct call_calls *c)
{
    uint64_t id = call_new(c, &start);
    call_calls_answer(c, id, STR("1020"), STR("SEP2"), STR("b"), 8);
    return id;
}

static void test_a_call_is_recorded_from_start_to_end(void **state)
{
    (void)state;
    struct call_record r;
    struct call_calls *c = calls_new();
    uint64_t id = call_new(c, &start);
    int64_t began = now.unix_ms;
    call_calls_ringing(c, id);
    assert_int_equal(1, call_calls_list(c, 0, &r, 1));
    assert_int_equal(CALL_STATE_RINGING, r.state);
    kit_time_pass(&now, 4000);
    call_calls_answer(c, id, STR("1030"), STR("SEP3"), STR("b"), 8);
    call_calls_answer(c, id, STR("1040"), STR("SEP4"), STR("x"), 9); /* another of the fork */
    call_calls_set_encrypted(c, id, true);
    kit_time_pass(&now, 9000);
    call_calls_end(c, id, CALL_END_CALLEE, 0);
    call_calls_end(c, id, CALL_END_CALLER, 0);
    assert_int_equal(1, ended);
    assert_int_equal(0, call_calls_count(c));
    assert_string_equal("one@phone", last.call_id);
    assert_string_equal("1010", last.from);
    assert_string_equal("SEP1", last.from_device);
    assert_string_equal("1020", last.dialled);
    assert_string_equal("1030", last.to);
    assert_string_equal("SEP3", last.to_device);
    assert_true(last.encrypted);
    assert_int_equal(CALL_STATE_ENDED, last.state);
    assert_int_equal(CALL_END_CALLEE, last.end);
    assert_int_equal(200, last.status);
    assert_true(last.started_unix_ms == began);
    assert_true(last.answered_unix_ms == began + 4000);
    assert_true(last.ended_unix_ms == began + 13000);
    call_calls_free(c);
}

static void test_long_texts_are_cut(void **state)
{
    (void)state;
    static char longest[1000];
    memset(longest, 'x', sizeof longest);
    struct str text = {longest, sizeof longest};
    struct call_calls *c = calls_new();
    struct call_start s = {text, text, text, text, text, 7, {0}};
    uint64_t found, id = call_new(c, &s);
    enum call_side side;
    call_calls_answer(c, id, text, text, STR("b"), 8);
    assert_int_equal(2, call_calls_busy(c, text, STR("")));
    assert_rc(RC_NOT_FOUND, call_calls_find(c, text, text, STR("b"), &found, &side));
    assert_rc(RC_OK,
              call_calls_find(c, text, str_sub(text, 0, CALL_TAG_MAX), STR("b"), &found, &side));
    call_calls_end(c, id, CALL_END_CALLER, 0);
    assert_int_equal(CALL_NAME_MAX, strlen(last.dialled));
    assert_int_equal(CALL_ID_MAX, strlen(last.call_id));
    call_calls_free(c);
}

static void test_a_dialog_is_found_by_its_tags_from_either_end(void **state)
{
    (void)state;
    struct call_calls *c = calls_new();
    struct call_start other = start;
    uint64_t found, id = talk(c);
    enum call_side side;
    other.from_tag = STR("other"); /* one Call-ID may be in several calls */
    call_new(c, &other);
    assert_rc(RC_OK, call_calls_find(c, start.call_id, STR("b"), STR("a"), &found, &side));
    assert_true(found == id && side == CALL_CALLEE);
    assert_rc(RC_OK, call_calls_find(c, start.call_id, STR("a"), STR("b"), &found, &side));
    assert_true(found == id && side == CALL_CALLER);
    assert_rc(RC_NOT_FOUND, call_calls_find(c, start.call_id, STR("a"), STR("a"), &found, &side));
    assert_rc(RC_NOT_FOUND, call_calls_find(c, STR("two"), STR("a"), STR("b"), &found, &side));
    call_calls_end(c, id, CALL_END_CALLER, 0);
    assert_rc(RC_NOT_FOUND, call_calls_find(c, start.call_id, STR("b"), STR("a"), &found, &side));
    call_calls_free(c);
}

static void test_a_phone_has_time_to_come_back(void **state)
{
    (void)state;
    struct call_leg leg;
    struct call_calls *c = calls_new();
    uint64_t id = talk(c), stays;
    struct call_start other = start;
    other.from_device = STR("SEP9");
    other.from_flow = 9;
    stays = call_new(c, &other);
    call_calls_flow_lost(c, 8, now.mono_ms, 30000);
    assert_true(call_calls_leg(c, id, CALL_CALLEE, &leg) && leg.is_lost);
    assert_true(call_calls_leg(c, id, CALL_CALLER, &leg) && !leg.is_lost);
    call_calls_phone_back(c, STR("SEP2"), STR("1099"), 12); /* another line of it */
    assert_true(call_calls_leg(c, id, CALL_CALLEE, &leg) && leg.is_lost);
    call_calls_phone_back(c, STR("sep2"), STR("1020"), 12);
    assert_true(call_calls_leg(c, id, CALL_CALLEE, &leg) && !leg.is_lost && leg.flow == 12);
    call_calls_flow_lost(c, 8, now.mono_ms, 30000); /* the old one's end is news of nobody */
    assert_true(call_calls_leg(c, id, CALL_CALLEE, &leg) && !leg.is_lost);
    call_calls_flow_lost(c, 12, now.mono_ms, 30000);
    assert_int_equal(0, call_calls_sweep(c, now.mono_ms + 29999));
    assert_int_equal(1, call_calls_sweep(c, now.mono_ms + 30000));
    assert_int_equal(CALL_END_VANISHED, last.end);
    assert_true(last.id == id);
    assert_true(call_calls_leg(c, stays, CALL_CALLER, &leg));
    call_calls_free(c);
}

static void test_a_moved_side_is_lost_with_its_new_connection(void **state)
{
    (void)state;
    struct call_leg leg;
    struct call_calls *c = calls_new();
    uint64_t id = talk(c);
    call_calls_move(c, id, CALL_CALLER, 20);
    call_calls_flow_lost(c, 7, now.mono_ms, 30000);
    assert_true(call_calls_leg(c, id, CALL_CALLER, &leg) && !leg.is_lost && leg.flow == 20);
    call_calls_flow_lost(c, 20, now.mono_ms, 30000);
    assert_true(call_calls_leg(c, id, CALL_CALLER, &leg) && leg.is_lost);
    call_calls_free(c);
}

static void test_a_trunk_is_not_lost_with_a_connection(void **state)
{
    (void)state;
    struct call_leg leg;
    struct call_calls *c = calls_new();
    uint64_t id = call_new(c, &start);
    call_calls_answer(c, id, STR("0699"), STR("trunk:lab"), STR("b"), 8);
    call_calls_flow_lost(c, 8, now.mono_ms, 30000);
    assert_true(call_calls_leg(c, id, CALL_CALLEE, &leg) && !leg.is_lost && leg.flow == 0);
    call_calls_flow_lost(c, 0, now.mono_ms, 30000); /* no flow is nobody's */
    assert_true(call_calls_leg(c, id, CALL_CALLEE, &leg) && !leg.is_lost);
    call_calls_free(c);
}

static void test_a_session_ends_with_its_timer(void **state)
{
    (void)state;
    struct call_calls *c = calls_new();
    uint64_t id = talk(c);
    call_calls_set_expiry(c, id, now.mono_ms + 1800000);
    assert_int_equal(0, call_calls_sweep(c, now.mono_ms + 1799999));
    assert_int_equal(1, call_calls_sweep(c, now.mono_ms + 1800000));
    assert_int_equal(CALL_END_EXPIRED, last.end);
    call_calls_free(c);
}

static void test_calls_under_way_are_counted_by_device_and_line(void **state)
{
    (void)state;
    struct call_calls *c = calls_new();
    uint64_t id = talk(c);
    assert_int_equal(1, call_calls_busy(c, STR("SEP1"), STR("1010")));
    assert_int_equal(1, call_calls_busy(c, STR("sep2"), STR("")));
    assert_int_equal(0, call_calls_busy(c, STR("SEP2"), STR("1010")));
    call_calls_end(c, id, CALL_END_CALLER, 0);
    assert_int_equal(0, call_calls_busy(c, STR("SEP1"), STR("1010")));
    call_calls_free(c);
}

/* Every third of 2000 has ended, so that pages begin at ids that are there and at such that are not. */
static void test_pages_and_sweeps_see_every_call_once(void **state)
{
    (void)state;
    enum { COUNT = 2000, PAGE = 7 };
    static uint64_t ids[COUNT];
    struct call_record page[PAGE];
    struct call_calls *c = calls_new();
    for (size_t i = 0; i < COUNT; i++)
        ids[i] = call_new(c, &start);
    for (size_t i = 0; i < COUNT; i += 3)
        call_calls_end(c, ids[i], CALL_END_CALLER, 0);
    for (size_t from = 0; from < 30; from++) {
        uint64_t after = ids[from];
        size_t n, seen = 0;
        while ((n = call_calls_list(c, after, page, PAGE)) > 0) {
            for (size_t i = 0; i < n; i++)
                assert_true(page[i].id > (i == 0 ? after : page[i - 1].id));
            after = page[n - 1].id;
            seen += n;
        }
        size_t gone = (COUNT + 2) / 3 - from / 3 - 1;
        assert_int_equal(COUNT - 1 - from - gone, seen);
    }
    assert_int_equal(0, call_calls_list(c, UINT64_MAX, page, PAGE));
    for (size_t i = 1; i < COUNT; i += 3)
        call_calls_set_expiry(c, ids[i], now.mono_ms + 5);
    assert_int_equal((COUNT + 1) / 3, call_calls_sweep(c, now.mono_ms + 5));
    size_t left = call_calls_count(c);
    assert_int_equal(COUNT / 3, left);
    ended = 0;
    assert_int_equal(left, call_calls_end_all(c, CALL_END_STOPPED));
    assert_int_equal(left, ended);
    assert_int_equal(CALL_END_STOPPED, last.end);
    assert_int_equal(0, call_calls_count(c));
    call_calls_free(c);
}

/* A gap longer than what is tried by number. */
static void test_a_page_may_begin_in_a_wide_gap(void **state)
{
    (void)state;
    struct call_record r;
    struct call_calls *c = calls_new();
    uint64_t first = call_new(c, &start), gone = 0, id;
    for (int i = 0; i < 3000; i++) {
        id = call_new(c, &start);
        if (i == 0) gone = id;
        call_calls_end(c, id, CALL_END_CALLER, 0);
    }
    id = call_new(c, &start);
    assert_int_equal(1, call_calls_list(c, gone, &r, 1));
    assert_true(r.id == id);
    assert_int_equal(1, call_calls_list(c, first, &r, 1));
    assert_true(r.id == id);
    assert_int_equal(0, call_calls_list(c, id, &r, 1));
    call_calls_free(c);
}

static void test_memory_is_flat_over_a_hundred_thousand_calls(void **state)
{
    (void)state;
    enum { AT_ONCE = 500, CALLS = 100000 };
    static uint64_t ids[AT_ONCE];
    struct call_calls *c = calls_new();
    for (size_t i = 0; i < AT_ONCE; i++)
        ids[i] = talk(c);
    unsigned long before = kit_alloc_count();
    for (size_t i = 0; i < CALLS; i++) {
        call_calls_end(c, ids[i % AT_ONCE], CALL_END_CALLER, 0);
        ids[i % AT_ONCE] = talk(c);
    }
    assert_int_equal(before, kit_alloc_count());
    assert_int_equal(CALLS, ended);
    assert_int_equal(AT_ONCE, call_calls_count(c));
    call_calls_free(c);
}

/* All that there may be, each found as a phone, a flow and a dialog; the next one is refused. */
static void test_as_many_calls_as_there_may_be(void **state)
{
    (void)state;
    struct call_calls *c = calls_new();
    uint64_t id = 0, found;
    enum call_side side;
    char device[16];
    for (unsigned i = 0; i < CALL_CALLS_MAX; i++) {
        struct call_start s = start;
        snprintf(device, sizeof device, "SEP%u", i);
        s.call_id = s.from_device = str_from(device);
        s.from_flow = 1 + i;
        id = call_new(c, &s);
        call_calls_answer(c, id, STR("1020"), str_from(device), STR("b"), CALL_CALLS_MAX + 1 + i);
    }
    assert_rc(RC_BUSY, call_calls_start(c, &start, &id));
    for (unsigned i = 0; i < CALL_CALLS_MAX; i++) {
        snprintf(device, sizeof device, "SEP%u", i);
        assert_int_equal(2, call_calls_busy(c, str_from(device), STR("")));
        assert_rc(RC_OK, call_calls_find(c, str_from(device), STR("a"), STR("b"), &found, &side));
        call_calls_flow_lost(c, 1 + i, now.mono_ms, 30000);
        call_calls_phone_back(c, str_from(device), STR("1010"), 1 + i);
    }
    assert_int_equal(0, call_calls_sweep(c, now.mono_ms + 60000));
    assert_int_equal(CALL_CALLS_MAX, call_calls_end_all(c, CALL_END_STOPPED));
    call_calls_free(c);
}

static void new_and_free(void *ctx)
{
    (void)ctx;
    struct kit_random seed;
    struct random_source random = kit_random(&seed, 1);
    struct call_calls *c;
    uint64_t id;
    if (call_calls_new(&random, kit_clock(&now), on_end, NULL, &c) != RC_OK) return;
    if (call_calls_start(c, &start, &id) == RC_OK) call_calls_end(c, id, CALL_END_CALLER, 0);
    call_calls_free(c);
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    kit_each_alloc_fails(new_and_free, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call_is_recorded_from_start_to_end),
        cmocka_unit_test(test_long_texts_are_cut),
        cmocka_unit_test(test_a_dialog_is_found_by_its_tags_from_either_end),
        cmocka_unit_test(test_a_phone_has_time_to_come_back),
        cmocka_unit_test(test_a_moved_side_is_lost_with_its_new_connection),
        cmocka_unit_test(test_a_trunk_is_not_lost_with_a_connection),
        cmocka_unit_test(test_a_session_ends_with_its_timer),
        cmocka_unit_test(test_calls_under_way_are_counted_by_device_and_line),
        cmocka_unit_test(test_pages_and_sweeps_see_every_call_once),
        cmocka_unit_test(test_a_page_may_begin_in_a_wide_gap),
        cmocka_unit_test(test_memory_is_flat_over_a_hundred_thousand_calls),
        cmocka_unit_test(test_as_many_calls_as_there_may_be),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
