/* The trace: order, labels, masking, rings that fill, what stays longest, readers beside writers. */
#include "kit/kit.h"

#include "siptx/bed.h"
#include <pthread.h>
#include <stdio.h>

static struct siptx_trace *trace;

static int setup(void **state)
{
    (void)state;
    trace = siptx_trace_new(SIPTX_TRACE_BYTES_MIN);
    return trace ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    trace = siptx_trace_free(trace);
    return 0;
}

static uint64_t add(uint64_t flow_id, int64_t unix_ms, enum siptx_trace_kind kind,
                    const char *label, struct str bytes)
{
    struct siptx_trace_record r = {
        .unix_ms = unix_ms,
        .flow_id = flow_id,
        .kind = kind,
        .transport = SIPTX_TLS,
        .local = net_addr_v4(192, 0, 2, 9, 5061),
        .peer = net_addr_v4(192, 0, 2, 1, 1024),
        .label = str_from(label),
        .bytes = bytes,
    };
    return siptx_trace_add_record(trace, &r);
}

struct seen {
    char text[8192];
    unsigned count;
    uint64_t last_seq;
};

static bool see(void *ctx, const struct siptx_trace_record *r)
{
    struct seen *s = ctx;
    size_t n = strlen(s->text);
    if (r->bytes.n < 40) snprintf(s->text + n, sizeof s->text - n, "%.*s,", STR_ARG(r->bytes));
    s->count++;
    assert_true(r->seq > s->last_seq);
    s->last_seq = r->seq;
    return true;
}

static struct seen query(struct siptx_trace_filter f)
{
    struct seen s = {.text = ""};
    siptx_trace_query(trace, &f, see, &s);
    return s;
}

static void test_records_come_back_in_order_and_filtered(void **state)
{
    (void)state;
    add(1, 100, SIPTX_TRACE_NOTE, "CSFrado", STR("one"));
    uint64_t two = add(2, 200, SIPTX_TRACE_NOTE, "", STR("two"));
    add(1, 300, SIPTX_TRACE_NOTE, "CSFrado", STR("three"));
    add(3, 400, SIPTX_TRACE_NOTE, "csfRADO", STR("four"));
    assert_string_equal("one,two,three,four,", query((struct siptx_trace_filter){0}).text);
    assert_string_equal("one,three,four,",
                        query((struct siptx_trace_filter){.label = STR("CSFRado")}).text);
    assert_string_equal("one,three,", query((struct siptx_trace_filter){.flow_id = 1}).text);
    assert_string_equal("three,four,",
                        query((struct siptx_trace_filter){.since_unix_ms = 300}).text);
    assert_string_equal("three,four,", query((struct siptx_trace_filter){.after_seq = two}).text);
    siptx_trace_switch(trace, false);
    assert_int_equal(0, add(1, 500, SIPTX_TRACE_NOTE, "", STR("off")));
    siptx_trace_switch(trace, true);
    siptx_trace_clear(trace);
    assert_int_equal(0, query((struct siptx_trace_filter){0}).count);
}

static void test_a_label_reaches_back_to_the_flow_s_first_record(void **state)
{
    (void)state;
    uint64_t first = add(7, 1, SIPTX_TRACE_NOTE, "", STR("a"));
    add(8, 2, SIPTX_TRACE_NOTE, "", STR("b"));
    add(7, 3, SIPTX_TRACE_NOTE, "", STR("c"));
    siptx_trace_label(trace, 7, first, STR("SEP1"));
    assert_string_equal("a,c,", query((struct siptx_trace_filter){.label = STR("SEP1")}).text);
}

static void test_tokens_are_masked(void **state)
{
    (void)state;
    struct arena a;
    struct siptx_trace_record *r;
    size_t n;
    add(1, 1, SIPTX_TRACE_IN, "",
        STR("REGISTER sip:x SIP/2.0\r\nProxy-Authorization: Bearer token=\"eyJsecret\"\r\n\r\n"));
    arena_init(&a, NULL, 0, 100000);
    assert_rc(RC_OK, siptx_trace_collect(trace, &(struct siptx_trace_filter){0}, 10, &a, &r, &n));
    assert_int_equal(1, n);
    assert_int_equal(STR_NPOS, str_find(r[0].bytes, STR("eyJsecret")));
    assert_true(bed_has(r[0].bytes, "REGISTER sip:x"));
    struct buf b;
    buf_init(&b, 10000);
    siptx_trace_print(&b, &r[0]);
    assert_true(
        bed_has(buf_str(&b), "1970-01-01T00:00:00.001Z TLS 192.0.2.9:5061 <- 192.0.2.1:1024"));
    buf_fini(&b);
    arena_fini(&a);
}

static void test_long_messages_are_cut(void **state)
{
    (void)state;
    static char big[20000];
    struct arena a;
    struct siptx_trace_record *r;
    size_t n;
    memset(big, 'x', sizeof big);
    memcpy(big, "OPTIONS sip:x SIP/2.0\r\nX: ", 26);
    add(1, 1, SIPTX_TRACE_IN, "", str_of(big, sizeof big));
    arena_init(&a, NULL, 0, 100000);
    assert_rc(RC_OK, siptx_trace_collect(trace, &(struct siptx_trace_filter){0}, 10, &a, &r, &n));
    assert_true(r[0].is_cut);
    assert_true(r[0].bytes.n <= SIPTX_TRACE_MESSAGE_MAX + 2048);
    arena_fini(&a);
}

static void test_refusals_outlive_routine(void **state)
{
    (void)state;
    char big[2000], label[16];
    memset(big, 'r', sizeof big);
    add(9, 1, SIPTX_TRACE_NOTE, "bad", STR("refused: no such device"));
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(label, sizeof label, "dev%u", i % 10);
        uint64_t seq = add(i + 10, (int64_t)i, SIPTX_TRACE_NOTE, label,
                           str_of(big, 100 + i * 37 % 412));
        siptx_trace_mark_routine(trace, i + 10, seq, UINT64_MAX);
    }
    assert_string_equal("refused: no such device,",
                        query((struct siptx_trace_filter){.label = STR("bad")}).text);
    struct siptx_trace_stats s;
    siptx_trace_stats(trace, &s);
    assert_int_equal(5001, s.added);
    assert_int_equal(0, s.dropped);
    assert_true(s.dropped_routine > 4000);
    assert_true(s.bytes_used <= s.bytes_max);
    for (unsigned i = 0; i < 5000; i++) /* not routine: the kept ring turns too */
        add(i + 10, (int64_t)i, SIPTX_TRACE_NOTE, "", str_of(big, 100 + i * 37 % 412));
    assert_int_equal(0, query((struct siptx_trace_filter){.label = STR("bad")}).count);
    siptx_trace_stats(trace, &s);
    assert_true(s.dropped > 4000);
    struct arena a;
    struct siptx_trace_record *r;
    size_t n;
    arena_init(&a, NULL, 0, 1000000);
    assert_rc(RC_OK, siptx_trace_collect(trace, &(struct siptx_trace_filter){0}, 5, &a, &r, &n));
    assert_int_equal(5, n);
    assert_int_equal(10001, r[4].seq);
    arena_fini(&a);
}

/* Records of random length against a plain list: what is there is whole and in order. */
static void test_random_lengths_never_tear_a_record(void **state)
{
    (void)state;
    struct kit_random seed;
    struct random_source r = kit_random(&seed, 3);
    static char bytes[SIPTX_TRACE_MESSAGE_MAX];
    memset(bytes, 'a', sizeof bytes);
    for (int i = 0; i < 20000; i++) {
        size_t n = (size_t)random_below(&r, i % 50 == 0 ? sizeof bytes : 300);
        uint64_t seq = add(random_below(&r, 5) + 1, i, SIPTX_TRACE_OUT, "", str_of(bytes, n));
        if (random_below(&r, 2))
            siptx_trace_mark_routine(trace, random_below(&r, 5) + 1, seq - 3, seq);
        if (i % 500 == 0) assert_true(query((struct siptx_trace_filter){0}).last_seq == seq);
    }
}

static void test_who_only_says_a_name_is_marked_until_he_proves_it(void **state)
{
    (void)state;
    uint64_t first = add(7, 1, SIPTX_TRACE_IN, "", STR("a"));
    siptx_trace_label(trace, 7, first, STR("SEP1?"));
    (void)add(8, 2, SIPTX_TRACE_IN, "SEP1?", STR("b"));
    (void)add(9, 3, SIPTX_TRACE_IN, "SEP11", STR("c"));
    struct siptx_trace_filter doubted = {.label = STR("SEP1?")}, both = {.label = STR("sep1")};
    assert_string_equal("a,b,", query(both).text);
    assert_string_equal("a,b,", query(doubted).text);
    siptx_trace_label(trace, 7, first, STR("SEP1"));
    assert_string_equal("a,b,", query(both).text);
    assert_string_equal("b,", query(doubted).text);
}

static void test_stack_traces_flows_with_labels_and_ends(void **state)
{
    (void)state;
    static struct bed bed;
    char m[2048];
    struct siptx_config c = {.trace = trace};
    bed_init(&bed, &c);
    bed.answer = 200;
    struct siptx_flow *f = bed_flow(&bed, SIPTX_TLS, 1, 5070);
    bed_in(f, bed_request(m, sizeof m, "REGISTER", "z9hG4bK1", 1, ""));
    siptx_flow_set_label(f, STR("CSFrado"));
    bed.answer_routine = true;
    bed_in(f, bed_request(m, sizeof m, "REGISTER", "z9hG4bK2", 2, ""));
    siptx_flow_gone(f, SIPTX_CLOSE_ERROR, STR("unknown CA"));
    struct arena a;
    struct siptx_trace_record *r;
    size_t n;
    arena_init(&a, NULL, 0, 1000000);
    struct siptx_trace_filter filter = {.label = STR("CSFrado")};
    assert_rc(RC_OK, siptx_trace_collect(trace, &filter, 100, &a, &r, &n));
    assert_int_equal(5, n);
    assert_int_equal(SIPTX_TRACE_IN, r[0].kind);
    assert_int_equal(SIPTX_TRACE_OUT, r[1].kind);
    assert_false(r[0].routine || r[1].routine || r[4].routine);
    assert_true(r[2].routine && r[3].routine);
    assert_str("TLS closed: error: unknown CA", r[4].bytes);
    arena_fini(&a);
    bed_fini(&bed);
}

static void *writer(void *ctx)
{
    (void)ctx;
    for (int i = 0; i < 2000; i++)
        add(1, i, SIPTX_TRACE_NOTE, "w", STR("x"));
    return NULL;
}

static void test_readers_beside_writers(void **state)
{
    (void)state;
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(0, pthread_create(&t[i], NULL, writer, NULL));
    for (int i = 0; i < 20; i++)
        query((struct siptx_trace_filter){.label = STR("w")});
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    struct siptx_trace_stats s;
    siptx_trace_stats(trace, &s);
    assert_int_equal(4000, s.added);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_records_come_back_in_order_and_filtered),
        T(test_a_label_reaches_back_to_the_flow_s_first_record),
        T(test_tokens_are_masked),
        T(test_long_messages_are_cut),
        T(test_refusals_outlive_routine),
        T(test_random_lengths_never_tear_a_record),
        T(test_who_only_says_a_name_is_marked_until_he_proves_it),
        T(test_stack_traces_flows_with_labels_and_ends),
        T(test_readers_beside_writers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
