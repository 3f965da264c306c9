#include "kit/kit.h"

#include "http/client.h"
#include "net/stream.h"
#include "phone/problem.h"
#include <errno.h>
#include <stdio.h>

static void test_every_code_has_one_row_and_a_place_in_the_manual(void **state)
{
    (void)state;
    size_t count;
    const struct phone_exit_row *rows = phone_exit_table(&count);
    struct str manual = kit_data("../docs/man/bearline-phone.1");
    for (size_t i = 0; i < count; i++) {
        char line[64];
        snprintf(line, sizeof line, ".B %d %s\n", rows[i].code, rows[i].name);
        if (str_find(manual, str_from(line)) < 0) fail_msg("not in the manual: %s", line);
        for (size_t j = 0; j < i; j++) {
            assert_true(rows[j].code < rows[i].code);
            assert_string_not_equal(rows[j].name, rows[i].name);
        }
        assert_true(rows[i].code <= 125 && strlen(rows[i].meaning) > 3);
        assert_string_equal(rows[i].name, phone_exit_name(rows[i].code));
    }
    assert_string_equal("failed", phone_exit_name((enum phone_exit)99));
    free((void *)(uintptr_t)manual.p);
}

static void test_words_of_a_peer_forge_no_line(void **state)
{
    (void)state;
    struct phone_problem p;
    phone_problem_set(&p, PHONE_EXIT_REFUSED, "it says %s.", "a\r\n12:00:00 registered\x1b[2J");
    assert_string_equal("it says a??12:00:00 registered?[2J.", p.text);
    assert_int_equal(PHONE_EXIT_DNS, phone_problem_set(NULL, PHONE_EXIT_DNS, "x"));
}

static void test_http_failures_have_codes_and_advice(void **state)
{
    (void)state;
    static const struct {
        enum http_failure failure;
        enum phone_exit code;
        const char *advice;
    } rows[] = {
        {HTTP_FAIL_URL, PHONE_EXIT_USAGE, "https://host:port"},
        {HTTP_FAIL_DNS, PHONE_EXIT_DNS, "DNS"},
        {HTTP_FAIL_REFUSED, PHONE_EXIT_UNREACHABLE, "port"},
        {HTTP_FAIL_UNREACHABLE, PHONE_EXIT_UNREACHABLE, "network"},
        {HTTP_FAIL_TLS_UNTRUSTED, PHONE_EXIT_UNTRUSTED, "--ca"},
        {HTTP_FAIL_TLS_NAME, PHONE_EXIT_WRONG_NAME, "name"},
        {HTTP_FAIL_TLS_EXPIRED, PHONE_EXIT_CERT_EXPIRED, "clock"},
        {HTTP_FAIL_TLS, PHONE_EXIT_TLS, "TLS"},
        {HTTP_FAIL_CA_FILE, PHONE_EXIT_CA_FILE, "PEM"},
        {HTTP_FAIL_TIMEOUT, PHONE_EXIT_TIMEOUT, "firewalls"},
        {HTTP_FAIL_TOO_BIG, PHONE_EXIT_AUTH_SERVER, "right server"},
        {HTTP_FAIL_CLOSED, PHONE_EXIT_CLOSED, "protocol"},
        {HTTP_FAIL_NOMEM, PHONE_EXIT_FAILED, ""},
        {HTTP_FAIL_OTHER, PHONE_EXIT_FAILED, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct phone_problem p;
        struct http_answer a = {.failure = rows[i].failure, .why = "https://ucm1:8443: no"};
        assert_int_equal(rows[i].code, phone_problem_of_http(&p, "Signing in", &a));
        assert_non_null(strstr(p.text, "Signing in failed: https://ucm1:8443: no."));
        assert_non_null(strstr(p.text, rows[i].advice));
    }
}

static void test_closed_connections_have_codes(void **state)
{
    (void)state;
    static const struct {
        enum net_close_kind kind;
        int sys_errno;
        bool has_tls;
        enum net_tls_cause cause;
        enum phone_exit code;
    } rows[] = {
        {NET_CLOSE_CONNECT, ECONNREFUSED, false, 0, PHONE_EXIT_UNREACHABLE},
        {NET_CLOSE_CONNECT, ETIMEDOUT, false, 0, PHONE_EXIT_TIMEOUT},
        {NET_CLOSE_TLS_TIMEOUT, 0, false, 0, PHONE_EXIT_TIMEOUT},
        {NET_CLOSE_TLS, 0, true, NET_TLS_CAUSE_UNKNOWN_CA, PHONE_EXIT_UNTRUSTED},
        {NET_CLOSE_TLS, 0, true, NET_TLS_CAUSE_NAME_MISMATCH, PHONE_EXIT_WRONG_NAME},
        {NET_CLOSE_TLS, 0, true, NET_TLS_CAUSE_EXPIRED, PHONE_EXIT_CERT_EXPIRED},
        {NET_CLOSE_TLS, 0, true, NET_TLS_CAUSE_NOT_YET_VALID, PHONE_EXIT_CERT_EXPIRED},
        {NET_CLOSE_TLS, 0, true, NET_TLS_CAUSE_NOT_TLS, PHONE_EXIT_TLS},
        {NET_CLOSE_TLS, 0, true, NET_TLS_CAUSE_OTHER, PHONE_EXIT_TLS},
        {NET_CLOSE_PEER, 0, false, 0, PHONE_EXIT_CLOSED},
        {NET_CLOSE_RESET, ECONNRESET, false, 0, PHONE_EXIT_CLOSED},
        {NET_CLOSE_NOMEM, 0, false, 0, PHONE_EXIT_FAILED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct phone_problem p;
        struct net_tls_failure tls = {.cause = rows[i].cause, .alert = -1, .alert_name = ""};
        struct net_close why = {.kind = rows[i].kind,
                                .sys_errno = rows[i].sys_errno,
                                .tls = rows[i].has_tls ? &tls : NULL};
        assert_int_equal(rows[i].code,
                         phone_problem_of_close(&p, STR("ucm1:5090"), &why, "/ca.pem"));
        assert_int_equal(0, strncmp(p.text, "ucm1:5090: ", 11));
        tls.by_peer = true;
        if (rows[i].has_tls)
            assert_int_equal(PHONE_EXIT_TLS,
                             phone_problem_of_close(&p, STR("ucm1:5090"), &why, ""));
    }
    struct phone_problem p;
    assert_int_equal(PHONE_EXIT_CLOSED, phone_problem_of_close(&p, STR("u"), NULL, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_has_one_row_and_a_place_in_the_manual),
        cmocka_unit_test(test_words_of_a_peer_forge_no_line),
        cmocka_unit_test(test_http_failures_have_codes_and_advice),
        cmocka_unit_test(test_closed_connections_have_codes),
    };
    return cmocka_run_group_tests_name("phone/problem", tests, NULL, NULL);
}
