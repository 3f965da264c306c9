#include "kit/kit.h"

#include "app/records.h"

#include <pthread.h>
#include <stdio.h>

/* A store that can be held up and can refuse. */
static struct shelf {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_held, is_busy; /* the thread waits in add */
    unsigned refuse;       /* so many times */
    size_t rows, batches, most;
    char first[64], last[64];
} shelf = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static enum rc add(void *ctx, const struct store_cdr *rows, size_t count, struct store_why *why)
{
    struct shelf *s = ctx;
    enum rc rc = RC_OK;
    pthread_mutex_lock(&s->lock);
    s->is_busy = true;
    pthread_cond_broadcast(&s->changed);
    while (s->is_held)
        pthread_cond_wait(&s->changed, &s->lock);
    s->is_busy = false;
    if (s->refuse > 0) {
        s->refuse--;
        snprintf(why->text, sizeof why->text, "the disk is full");
        rc = RC_IO;
    } else {
        if (s->rows == 0) snprintf(s->first, sizeof s->first, "%.*s", STR_ARG(rows[0].call));
        snprintf(s->last, sizeof s->last, "%.*s", STR_ARG(rows[count - 1].call));
        s->rows += count;
        s->batches++;
        pthread_cond_broadcast(&s->changed);
        s->most = count > s->most ? count : s->most;
    }
    pthread_mutex_unlock(&s->lock);
    return rc;
}

static void hold(bool on)
{
    pthread_mutex_lock(&shelf.lock);
    shelf.is_held = on;
    pthread_cond_broadcast(&shelf.changed);
    pthread_mutex_unlock(&shelf.lock);
}

static void wait_busy(void)
{
    pthread_mutex_lock(&shelf.lock);
    while (!shelf.is_busy)
        pthread_cond_wait(&shelf.changed, &shelf.lock);
    pthread_mutex_unlock(&shelf.lock);
}

static struct kit_log lines;
static struct log log_;

static struct app_records *records_new(size_t max)
{
    struct app_records *r = NULL;
    shelf.is_held = shelf.is_busy = false;
    shelf.refuse = 0;
    shelf.rows = shelf.batches = shelf.most = 0;
    lines = (struct kit_log){0};
    log_ = kit_log(&lines);
    struct app_records_config c = {
        .add = add, .add_ctx = &shelf, .node = STR("ucm1"), .log = &log_, .max = max};
    assert_rc(RC_OK, app_records_new(&c, &r));
    return r;
}

static void put(struct app_records *r, unsigned number)
{
    struct call_record c = {.end = CALL_END_CALLER};
    snprintf(c.call_id, sizeof c.call_id, "call-%u", number);
    app_records_put(r, &c);
}

static void test_all_are_written_before_the_end(void **state)
{
    (void)state;
    struct app_records *r = records_new(0);
    for (unsigned i = 0; i < 3000; i++)
        put(r, i);
    app_records_free(r);
    assert_int_equal(3000, shelf.rows);
    assert_string_equal("call-0", shelf.first);
    assert_string_equal("call-2999", shelf.last);
    assert_int_equal(0, lines.n);
}

static void test_what_gathers_is_written_together(void **state)
{
    (void)state;
    struct app_records *r = records_new(0);
    hold(true);
    put(r, 0);
    wait_busy();
    for (unsigned i = 1; i <= 600; i++)
        put(r, i);
    hold(false);
    app_records_free(r);
    assert_int_equal(601, shelf.rows);
    assert_int_equal(APP_RECORDS_BATCH, shelf.most);
    assert_int_equal(4, shelf.batches); /* 1, 256, 256, 88 */
}

static void wait_rows(size_t rows)
{
    pthread_mutex_lock(&shelf.lock);
    while (shelf.rows < rows)
        pthread_cond_wait(&shelf.changed, &shelf.lock);
    pthread_mutex_unlock(&shelf.lock);
}

/* Each transaction waits for the disk: one for each of a thousand calls a second would cost more than
 * the calls. */
static void test_calls_that_end_one_upon_the_other_share_a_transaction(void **state)
{
    (void)state;
    struct app_records *r = records_new(0);
    put(r, 0);
    wait_rows(1); /* at once */
    for (unsigned i = 1; i <= 200; i++)
        put(r, i);
    wait_rows(201);
    assert_in_range(shelf.batches, 2, 20);
    app_records_free(r);
}

static void test_a_full_queue_drops_counts_and_tells(void **state)
{
    (void)state;
    struct app_records_counts n;
    struct app_records *r = records_new(10);
    hold(true);
    put(r, 0);
    wait_busy();
    unsigned long before = kit_alloc_count();
    for (unsigned i = 1; i < 15; i++)
        put(r, i); /* comes back at once: nothing here waits for the store */
    assert_int_equal(before, kit_alloc_count());
    app_records_count(r, &n);
    assert_int_equal(10, n.waiting);
    assert_int_equal(5, n.dropped);
    hold(false);
    app_records_free(r);
    assert_int_equal(10, shelf.rows);
    assert_string_equal("call-9", shelf.last);
    assert_true(kit_log_has(&lines, "event=cdr.dropped count=5 all=5"));
}

static void test_a_disk_that_comes_back_gets_all(void **state)
{
    (void)state;
    struct app_records *r = records_new(0);
    hold(true);
    shelf.refuse = 1;
    put(r, 0);
    wait_busy();
    put(r, 1);
    hold(false);
    app_records_free(r); /* its last try */
    assert_int_equal(2, shelf.rows);
    assert_string_equal("call-0", shelf.first);
    assert_true(kit_log_has(&lines, "event=cdr.not_written"));
    assert_true(kit_log_has(&lines, "the disk is full"));
    assert_true(kit_log_has(&lines, "event=cdr.written_again"));
    assert_false(kit_log_has(&lines, "cdr.dropped"));
}

static void test_a_disk_that_stays_full_does_not_keep_the_node(void **state)
{
    (void)state;
    struct app_records *r = records_new(0);
    hold(true);
    shelf.refuse = 1000;
    for (unsigned i = 0; i < 300; i++)
        put(r, i);
    hold(false);
    app_records_free(r);
    assert_int_equal(0, shelf.rows);
    assert_true(kit_log_has(&lines, "event=cdr.dropped count=300 all=300"));
    assert_false(kit_log_has(&lines, "written_again"));
}

/* ---- what a row says ---- */

static const struct call_record talked = {.id = 5,
                                          .call_id = "one@phone",
                                          .from = "1010",
                                          .to = "1030",
                                          .dialled = "1020",
                                          .from_device = "SEP1",
                                          .to_device = "SEP3",
                                          .state = CALL_STATE_ENDED,
                                          .started_unix_ms = 1000,
                                          .answered_unix_ms = 3000,
                                          .ended_unix_ms = 9000,
                                          .end = CALL_END_CALLEE,
                                          .status = 200,
                                          .encrypted = true};

static void test_a_row_tells_the_whole_call(void **state)
{
    (void)state;
    char reason[APP_RECORDS_REASON_MAX];
    struct store_cdr row;
    app_records_print(&talked, STR("ucm1"), reason, &row);
    assert_str("one@phone", row.call);
    assert_str("ucm1", row.node);
    assert_str("1010", row.caller);
    assert_str("SEP1", row.caller_device);
    assert_str("1020", row.dialled);
    assert_str("1030", row.called);
    assert_str("SEP3", row.called_device);
    assert_str("", row.trunk_in);
    assert_str("", row.trunk_out);
    assert_true(row.start_unix_ms == 1000 && row.answer_unix_ms == 3000 && row.end_unix_ms == 9000);
    assert_int_equal(200, row.status);
    assert_int_equal(16, row.cause);
    assert_int_equal(STORE_CDR_BY_CALLED, row.end_by);
    assert_str("hung up", row.reason);
    assert_true(row.encrypted);
}

static void test_a_row_names_trunks_apart_from_devices(void **state)
{
    (void)state;
    char reason[APP_RECORDS_REASON_MAX];
    struct store_cdr row;
    struct call_record r = talked;
    snprintf(r.from_device, sizeof r.from_device, "trunk:carrier");
    snprintf(r.to_device, sizeof r.to_device, "trunk:lab");
    app_records_print(&r, STR("ucm1"), reason, &row);
    assert_str("carrier", row.trunk_in);
    assert_str("lab", row.trunk_out);
    assert_str("", row.caller_device);
    assert_str("", row.called_device);
}

static void test_a_row_tells_who_ended_it_and_why(void **state)
{
    (void)state;
    static const struct {
        enum call_end end;
        unsigned status;
        enum store_cdr_end by;
        int cause;
        const char *reason;
    } rows[] = {
        {CALL_END_CALLER, 200, STORE_CDR_BY_CALLER, 16, "hung up"},
        {CALL_END_CANCELLED, 487, STORE_CDR_BY_CALLER, 16, "given up before an answer"},
        {CALL_END_REFUSED, 486, STORE_CDR_BY_CALLED, 17, "486 Busy Here"},
        {CALL_END_REFUSED, 603, STORE_CDR_BY_CALLED, 21, "603 Decline"},
        {CALL_END_REFUSED, 404, STORE_CDR_BY_NODE, 1, "404 Not Found"},
        {CALL_END_VANISHED, 200, STORE_CDR_BY_NODE, 27, "a phone's connection was lost"},
        {CALL_END_EXPIRED, 200, STORE_CDR_BY_NODE, 102, "the session timer ran out"},
        {CALL_END_OPERATOR, 200, STORE_CDR_BY_NODE, 31, "ended by an operator"},
        {CALL_END_STOPPED, 200, STORE_CDR_BY_NODE, 41, "the node was stopped"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char reason[APP_RECORDS_REASON_MAX];
        struct store_cdr row;
        struct call_record r = talked;
        r.end = rows[i].end;
        r.status = rows[i].status;
        app_records_print(&r, STR("ucm1"), reason, &row);
        assert_int_equal(rows[i].by, row.end_by);
        assert_int_equal(rows[i].cause, row.cause);
        assert_str(rows[i].reason, row.reason);
    }
}

static void test_a_call_nobody_answered_was_not_encrypted(void **state)
{
    (void)state;
    char reason[APP_RECORDS_REASON_MAX];
    struct store_cdr row;
    struct call_record r = talked;
    r.answered_unix_ms = 0;
    app_records_print(&r, STR("ucm1"), reason, &row);
    assert_false(row.encrypted);
}

static void new_and_free(void *ctx)
{
    (void)ctx;
    struct app_records *r = NULL;
    struct app_records_config c = {.add = add, .add_ctx = &shelf, .node = STR("ucm1")};
    if (app_records_new(&c, &r) == RC_OK) app_records_free(r);
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    kit_each_alloc_fails(new_and_free, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_written_before_the_end),
        cmocka_unit_test(test_what_gathers_is_written_together),
        cmocka_unit_test(test_calls_that_end_one_upon_the_other_share_a_transaction),
        cmocka_unit_test(test_a_full_queue_drops_counts_and_tells),
        cmocka_unit_test(test_a_disk_that_comes_back_gets_all),
        cmocka_unit_test(test_a_disk_that_stays_full_does_not_keep_the_node),
        cmocka_unit_test(test_a_row_tells_the_whole_call),
        cmocka_unit_test(test_a_row_names_trunks_apart_from_devices),
        cmocka_unit_test(test_a_row_tells_who_ended_it_and_why),
        cmocka_unit_test(test_a_call_nobody_answered_was_not_encrypted),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
