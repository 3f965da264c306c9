/* Askers and takers on threads of their own; no wait is longer than it must be. */
#include "kit/kit.h"

#include "edge/errand_text.h"
#include "edge/errands.h"

#include <pthread.h>

enum { LONG_MS = 20000 };

struct asker {
    struct edge_errands *errands;
    const char *request;
    pthread_t thread;
    struct arena arena;
    struct str answer;
    enum rc rc;
};

static void *ask_main(void *ctx)
{
    struct asker *a = ctx;
    a->rc = edge_errands_ask(a->errands, str_from(a->request), LONG_MS, &a->arena, &a->answer);
    return NULL;
}

static void ask(struct asker *a, struct edge_errands *e, const char *request)
{
    *a = (struct asker){.errands = e, .request = request};
    arena_init(&a->arena, NULL, 0, 1 << 16);
    assert_int_equal(0, pthread_create(&a->thread, NULL, ask_main, a));
}

static struct str told(struct asker *a)
{
    pthread_join(a->thread, NULL);
    return a->rc == RC_OK ? a->answer : STR("");
}

static struct edge_errands *make(void)
{
    static struct kit_random dice;
    struct random_source random = kit_random(&dice, 5);
    struct edge_errands *e;
    assert_rc(RC_OK, edge_errands_new(&random, &e));
    return e;
}

static void test_a_request_is_taken_once_and_answered(void **state)
{
    (void)state;
    struct edge_errands *e = make();
    struct asker a;
    struct arena arena;
    struct str request;
    uint64_t id = 0;
    arena_init(&arena, NULL, 0, 1 << 16);
    assert_rc(RC_NOT_FOUND, edge_errands_ask(e, STR("x"), LONG_MS, &arena, &request));
    assert_rc(RC_TIMEOUT, edge_errands_take(e, 0, &arena, &request, &id));
    ask(&a, e, "one"); /* somebody has asked for work lately */
    assert_rc(RC_OK, edge_errands_take(e, LONG_MS, &arena, &request, &id));
    assert_str("one", request);
    uint64_t other;
    assert_rc(RC_TIMEOUT, edge_errands_take(e, 0, &arena, &request, &other));
    assert_rc(RC_NOT_FOUND, edge_errands_answer(e, id, STR("before a word")));
    assert_rc(RC_NOT_FOUND, edge_errands_begin(e, id + 1));
    assert_rc(RC_OK, edge_errands_begin(e, id));
    assert_rc(RC_NOT_FOUND, edge_errands_begin(e, id));
    assert_rc(RC_NOT_FOUND, edge_errands_answer(e, id + 1, STR("forged")));
    assert_rc(RC_OK, edge_errands_answer(e, id, STR("done")));
    assert_str("done", told(&a));
    assert_rc(RC_NOT_FOUND, edge_errands_answer(e, id, STR("again")));
    arena_fini(&a.arena);
    arena_fini(&arena);
    edge_errands_free(e);
}

static void test_what_is_taken_without_a_word_is_offered_again(void **state)
{
    (void)state;
    struct edge_errands *e = make();
    struct asker a;
    struct arena arena;
    struct str request;
    uint64_t lost, id;
    arena_init(&arena, NULL, 0, 1 << 16);
    assert_rc(RC_TIMEOUT, edge_errands_take(e, 0, &arena, &request, &lost));
    ask(&a, e, "one");
    assert_rc(RC_OK, edge_errands_take(e, LONG_MS, &arena, &request, &lost)); /* and dies */
    assert_rc(RC_OK, edge_errands_take(e, LONG_MS, &arena, &request, &id));
    assert_str("one", request);
    assert_rc(RC_NOT_FOUND, edge_errands_begin(e, lost)); /* not dead, only slow: too late */
    assert_rc(RC_OK, edge_errands_begin(e, id));
    assert_rc(RC_OK, edge_errands_answer(e, id, STR("done")));
    assert_str("done", told(&a));
    arena_fini(&a.arena);
    arena_fini(&arena);
    edge_errands_free(e);
}

static void *take_main(void *ctx)
{
    struct asker *a = ctx;
    uint64_t id;
    a->rc = edge_errands_take(a->errands, LONG_MS, &a->arena, &a->answer, &id);
    return NULL;
}

static void test_takers_are_sent_away_when_asked(void **state)
{
    (void)state;
    struct asker taker = {.errands = make(), .rc = RC_OK};
    struct str answer;
    arena_init(&taker.arena, NULL, 0, 1 << 16);
    assert_int_equal(0, pthread_create(&taker.thread, NULL, take_main, &taker));
    /* From the moment it waits an asker finds somebody: too late here, and not for long. */
    while (edge_errands_ask(taker.errands, STR("x"), 0, &taker.arena, &answer) == RC_NOT_FOUND)
        edge_errands_renew(taker.errands);
    edge_errands_renew(taker.errands);
    pthread_join(taker.thread, NULL);
    assert_true(taker.rc == RC_TIMEOUT || taker.rc == RC_OK);
    arena_fini(&taker.arena);
    edge_errands_free(taker.errands);
}

static void test_time_and_bounds(void **state)
{
    (void)state;
    struct edge_errands *e = make();
    struct asker askers[EDGE_ERRANDS_MAX];
    struct arena arena;
    struct str request;
    uint64_t id;
    arena_init(&arena, NULL, 0, 1 << 20);
    assert_rc(RC_TIMEOUT, edge_errands_take(e, 0, &arena, &request, &id));
    assert_rc(RC_TIMEOUT, edge_errands_ask(e, STR("late"), 1, &arena, &request));
    for (size_t i = 0; i < EDGE_ERRANDS_MAX; i++)
        ask(&askers[i], e, "many");
    for (size_t i = 0; i < EDGE_ERRANDS_MAX; i++) {
        assert_rc(RC_OK, edge_errands_take(e, LONG_MS, &arena, &request, &id));
        assert_rc(RC_OK, edge_errands_begin(e, id));
    }
    assert_rc(RC_BUSY, edge_errands_ask(e, STR("one more"), 1, &arena, &request));
    edge_errands_close(e);
    for (size_t i = 0; i < EDGE_ERRANDS_MAX; i++) {
        (void)told(&askers[i]);
        assert_rc(RC_CLOSED, askers[i].rc);
        arena_fini(&askers[i].arena);
    }
    assert_rc(RC_CLOSED, edge_errands_take(e, LONG_MS, &arena, &request, &id));
    assert_rc(RC_CLOSED, edge_errands_ask(e, STR("x"), 1, &arena, &request));
    arena_fini(&arena);
    edge_errands_free(e);
}

static void test_texts_come_back_as_they_were(void **state)
{
    (void)state;
    struct arena a;
    struct str text;
    struct edge_errand_request r = {.method = STR("POST"),
                                    .target = STR("/x/y?z=\"1\""),
                                    .peer = STR("192.0.2.1"),
                                    .edge_host = STR("edge.example.com"),
                                    .sip_port = 5061,
                                    .https_port = 8443,
                                    .headers = {{STR("Cookie"), STR("a=b")}},
                                    .header_count = 1,
                                    .body = str_of("\0\xff!", 3)},
                               back;
    struct edge_errand_answer ok = {.status = 302, .body = STR("")}, ok_back;
    arena_init(&a, NULL, 0, 8 << 20);
    assert_rc(RC_OK, edge_errand_print_request(&r, &a, &text));
    assert_rc(RC_OK, edge_errand_read_request(text, &a, &back));
    assert_str("POST", back.method);
    assert_str("/x/y?z=\"1\"", back.target);
    assert_str("a=b", edge_errand_header_find(back.headers, back.header_count, "cookie"));
    assert_int_equal(3, back.body.n);
    assert_memory_equal("\0\xff!", back.body.p, 3);
    assert_int_equal(8443, back.https_port);
    assert_rc(RC_OK, edge_errand_print_answer(&ok, &a, &text));
    assert_rc(RC_OK, edge_errand_read_answer(text, &a, &ok_back));
    assert_int_equal(302, ok_back.status);
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"status\":99,\"headers\":[],\"body\":\"\"}",
        "{\"status\":200,\"headers\":{},\"body\":\"\"}",
        "{\"status\":200,\"headers\":[],\"body\":\"*\"}",
        "{\"status\":200,\"headers\":[[\"a\",\"x\\r\\ny: z\"]],\"body\":\"\"}",
        "{\"status\":200,\"headers\":[[\"a\"]],\"body\":\"\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_rc(RC_MALFORMED, edge_errand_read_answer(str_from(bad[i]), &a, &ok_back));
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_taken_once_and_answered),
        cmocka_unit_test(test_what_is_taken_without_a_word_is_offered_again),
        cmocka_unit_test(test_takers_are_sent_away_when_asked),
        cmocka_unit_test(test_time_and_bounds),
        cmocka_unit_test(test_texts_come_back_as_they_were),
    };
    return cmocka_run_group_tests_name("edge/errands", tests, NULL, NULL);
}
