#include "bench_test.h"

#include "client.h"
#include "phone.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static const struct phone phone = {.device = "CSFrado",
                                   .line = "1010",
                                   .token = "a.b.c",
                                   .number = 7,
                                   .node = "node.example",
                                   .address = "127.16.0.1:50321"};

static void test_each_register_frames_as_one_whole_message(void **state)
{
    (void)state;
    for (int kind = PHONE_FIRST; kind <= PHONE_REFRESH_TOKEN; kind++) {
        char text[PHONE_MESSAGE_MAX];
        size_t n = phone_print(&phone, (enum phone_register)kind, 100001, text, sizeof text);
        struct answer a;
        assert_true(n > 0);
        assert_int_equal(ANSWER_WHOLE, answer_frame(text, n, &a));
        assert_int_equal(n, a.n);
        assert_int_equal(0, a.status);
        int has_token = memmem(text, n, "\r\nProxy-Authorization: Bearer token=\"a.b.c\"\r\n",
                               45) != NULL;
        assert_int_equal(kind == PHONE_TOKEN || kind == PHONE_REFRESH_TOKEN, has_token);
        int has_body = memmem(text, n, "uniqueBoundary--", 16) != NULL;
        assert_int_equal(kind == PHONE_TOKEN, has_body);
    }
}

static void test_what_does_not_fit_is_not_printed(void **state)
{
    (void)state;
    char text[PHONE_MESSAGE_MAX];
    size_t n = phone_print(&phone, PHONE_TOKEN, 100001, text, sizeof text);
    assert_int_equal(n, phone_print(&phone, PHONE_TOKEN, 100001, text, n + 1));
    assert_int_equal(0, phone_print(&phone, PHONE_TOKEN, 100001, text, n));
}

static void test_renumbered_equals_printed_anew(void **state)
{
    (void)state;
    char once[PHONE_MESSAGE_MAX], again[PHONE_MESSAGE_MAX];
    size_t n = phone_print(&phone, PHONE_REFRESH, 100002, once, sizeof once);
    phone_renumber(once, n, 123456);
    assert_int_equal(n, phone_print(&phone, PHONE_REFRESH, 123456, again, sizeof again));
    assert_memory_equal(again, once, n);
}

static void test_answers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum answer_result result;
        size_t skipped, n;
        int status;
    } rows[] = {
        {"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", ANSWER_WHOLE, 0, 37, 200},
        {"\r\n\r\nSIP/2.0 407 No\r\ncontent-length :2\r\n\r\nabSIP", ANSWER_WHOLE, 4, 39, 407},
        {"NOTIFY sip:a SIP/2.0\r\nContent-Length: 1\r\n\r\nx", ANSWER_WHOLE, 0, 44, 0},
        {"SIP/2.0 2x0 OK\r\nContent-Length: 0\r\n\r\n", ANSWER_WHOLE, 0, 37, 0},
        {"SIP/2.0 200 OK\r\nContent-Length: 3\r\n\r\nab", ANSWER_MORE, 0, 0, 0},
        {"SIP/2.0 200 OK\r\nContent-Len", ANSWER_MORE, 0, 0, 0},
        {"\r\n\r\n", ANSWER_MORE, 0, 0, 0},
        {"", ANSWER_MORE, 0, 0, 0},
        {"SIP/2.0 200 OK\r\nTo: a\r\n\r\n", ANSWER_BROKEN, 0, 0, 0},
        {"SIP/2.0 200 OK\r\nContent-Length: x\r\n\r\n", ANSWER_BROKEN, 0, 0, 0},
        {"SIP/2.0 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", ANSWER_BROKEN, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i].text);
        char *flush = malloc(n + 1); /* the sanitizers watch its end */
        memcpy(flush, rows[i].text, n);
        flush = realloc(flush, n > 0 ? n : 1);
        struct answer a = {0};
        assert_int_equal(rows[i].result, answer_frame(flush, n, &a));
        assert_int_equal(rows[i].skipped, a.skipped);
        assert_int_equal(rows[i].n, a.n);
        assert_int_equal(rows[i].status, a.status);
        free(flush);
    }
}

static void test_an_endless_header_is_broken(void **state)
{
    (void)state;
    static char text[PHONE_MESSAGE_MAX + 1];
    struct answer a;
    memset(text, 'x', sizeof text);
    assert_int_equal(ANSWER_MORE, answer_frame(text, PHONE_MESSAGE_MAX, &a));
    assert_int_equal(ANSWER_BROKEN, answer_frame(text, sizeof text, &a));
}

static void test_a_list_of_phones(void **state)
{
    (void)state;
    struct phone_list list;
    assert_int_equal(0, phone_list_parse(&list, strdup("# two\nA,1,t\r\n\nB,2,u\nC,3,v"), "n"));
    assert_int_equal(3, list.count);
    assert_string_equal("t", list.phones[0].token);
    assert_string_equal("B", list.phones[1].device);
    assert_string_equal("3", list.phones[2].line);
    assert_int_equal(2, list.phones[2].number);
    phone_list_fini(&list);
}

static void test_a_bad_row_is_named(void **state)
{
    (void)state;
    static const char *const bad[] = {"A,1,t\nB,2\n", "A,1,t\n,2,u\n", "A,1,t\nB,2,u,x\n",
                                      "A,1,t\nB,,u\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct phone_list list;
        assert_int_equal(2, phone_list_parse(&list, strdup(bad[i]), "n"));
        assert_null(list.phones);
    }
}

static void test_sources_stay_in_loopback_and_hold_so_many(void **state)
{
    (void)state;
    assert_int_equal(inet_addr("127.16.0.1"), client_source(0, 50));
    assert_int_equal(inet_addr("127.16.0.1"), client_source(49, 50));
    assert_int_equal(inet_addr("127.16.0.2"), client_source(50, 50));
    assert_int_equal(inet_addr("127.16.1.1"), client_source(250, 1));
    assert_int_equal(inet_addr("127.17.0.1"), client_source(62500, 1));
    assert_int_equal(127, ntohl(client_source(UINT32_MAX, 1)) >> 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_register_frames_as_one_whole_message),
        cmocka_unit_test(test_what_does_not_fit_is_not_printed),
        cmocka_unit_test(test_renumbered_equals_printed_anew),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_an_endless_header_is_broken),
        cmocka_unit_test(test_a_list_of_phones),
        cmocka_unit_test(test_a_bad_row_is_named),
        cmocka_unit_test(test_sources_stay_in_loopback_and_hold_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
