#include "kit/kit.h"

#include "http/client.h"
#include "http/test_server.h"
#include "net/listener.h"
#include "net/test_tls.h"
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void show(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    struct str line;
    if (arena_printf(req->arena, &line, "%s %d [%.*s] [%.*s] [%.*s] %.*s",
                     http_method_name(req->method), req->peer.is_tls, STR_ARG(http_bearer(req)),
                     STR_ARG(http_header_find(req, STR("Content-Type"))),
                     STR_ARG(http_header_find(req, STR("X-Mine"))), STR_ARG(req->body)) == RC_OK)
        http_reply(res, 200, "text/plain", line);
}
static void away(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx, (void)req;
    http_redirect(res, 302, STR("/show"));
}
static void long_answer(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx, (void)req;
    for (int i = 0; i < 10000; i++)
        buf_put_char(&res->body, 'x');
}

static const struct http_route routes[] = {
    {.methods = HTTP_GET | HTTP_POST | HTTP_PUT, .path = "/show", .fn = show},
    {.methods = HTTP_GET, .path = "/away", .fn = away},
    {.methods = HTTP_GET, .path = "/long", .fn = long_answer},
};

struct fixture {
    struct test_server t;
    struct test_cert ca, cert, other_ca, other_cert, expired;
    struct net_tls *tls;
    char ca_path[64], other_path[64], url[64];
    struct arena arena;
    struct http_answer answer;
};

static void write_file(char *path, size_t cap, const char *text)
{
    snprintf(path, cap, "/tmp/bearline-ca-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(strlen(text), write(fd, text, strlen(text)));
    close(fd);
}

static struct test_cert leaf(const struct test_cert *ca, const char *names, long from_s, long to_s)
{
    const struct test_cert_spec spec = {
        .common_name = "node", .alt_names = names, .issuer = ca, .from_s = from_s, .to_s = to_s};
    return test_cert_make(&spec);
}

static void set_up(struct fixture *f, bool is_tls)
{
    memset(f, 0, sizeof *f);
    arena_init(&f->arena, NULL, 0, 1 << 20);
    if (is_tls) {
        f->ca = test_cert_make(&(struct test_cert_spec){.common_name = "CA one", .ca = true});
        f->other_ca = test_cert_make(&(struct test_cert_spec){.common_name = "CA two", .ca = true});
        f->cert = leaf(&f->ca, "DNS:localhost,IP:127.0.0.1", 0, 0);
        f->other_cert = leaf(&f->other_ca, "DNS:localhost,IP:127.0.0.1", 0, 0);
        write_file(f->ca_path, sizeof f->ca_path, f->ca.cert_pem);
        write_file(f->other_path, sizeof f->other_path, f->other_ca.cert_pem);
        f->tls = test_server(&f->cert, NULL, NULL);
    }
    test_server_start(&f->t, routes, 3, f->tls, NULL, 2, 16);
    snprintf(f->url, sizeof f->url, "%s://127.0.0.1:%u/show", is_tls ? "https" : "http", f->t.port);
}

static void tear_down(struct fixture *f)
{
    test_server_stop(&f->t);
    if (f->tls) {
        unlink(f->ca_path);
        unlink(f->other_path);
        test_cert_free(&f->ca);
        test_cert_free(&f->cert);
        test_cert_free(&f->other_ca);
        test_cert_free(&f->other_cert);
        net_tls_unref(f->tls);
    }
    arena_fini(&f->arena);
}

static const struct http_answer *fetch(struct fixture *f, struct http_call call)
{
    if (call.url.n == 0) call.url = str_from(f->url);
    http_fetch(&call, &f->arena, &f->answer);
    return &f->answer;
}

static void test_leaves_no_credentials_in_freed_memory(void **state)
{
    (void)state;
    static const char secret[] = "5ecret-refresh-or-access-t0ken";
    struct fixture f;
    char url[128];
    set_up(&f, false);
    snprintf(url, sizeof url, "%s?code=%s", f.url, secret);
    const struct http_client_header mine[] = {{STR_INIT("X-Mine"), str_from(secret)}};
    const struct http_call calls[] = {
        {.bearer = str_from(secret)},
        {.method = "POST", .body = str_from(secret)},
        {.url = str_from(url)},
        {.headers = mine, .header_count = 1},
    };
    kit_watch_freed(secret);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        assert_int_equal(200, fetch(&f, calls[i])->status);
        if (kit_freed_with_secret() != 0) fail_msg("call %zu leaves its secret behind", i);
    }
    arena_wipe(&f.arena);
    kit_watch_freed("");
    tear_down(&f);
}

static void test_sends_what_it_is_told(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, false);
    assert_int_equal(200, fetch(&f, (struct http_call){0})->status);
    assert_str("GET 0 [] [] [] ", f.answer.body);
    assert_str("text/plain", http_answer_header(&f.answer, STR("content-type")));
    assert_str("nosniff", http_answer_header(&f.answer, STR("X-Content-Type-Options")));
    const struct http_client_header mine[] = {{STR_INIT("X-Mine"), STR_INIT("m")}};
    fetch(&f, (struct http_call){.method = "PUT",
                                 .body = STR("b=1"),
                                 .content_type = STR("application/x-www-form-urlencoded"),
                                 .bearer = STR("tok.en"),
                                 .headers = mine,
                                 .header_count = 1});
    assert_str("PUT 0 [tok.en] [application/x-www-form-urlencoded] [m] b=1", f.answer.body);
    fetch(&f, (struct http_call){.method = "HEAD"});
    assert_int_equal(200, f.answer.status);
    assert_int_equal(0, f.answer.body.n);
    fetch(&f, (struct http_call){.body = STR("")});
    assert_int_equal(200, f.answer.status);
    tear_down(&f);
}

static void test_redirects_are_not_followed(void **state)
{
    (void)state;
    struct fixture f;
    char url[64];
    set_up(&f, false);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/away", f.t.port);
    assert_int_equal(302, fetch(&f, (struct http_call){.url = str_from(url)})->status);
    assert_str("/show", http_answer_header(&f.answer, STR("Location")));
    tear_down(&f);
}

static void test_a_long_answer_is_cut(void **state)
{
    (void)state;
    struct fixture f;
    char url[64];
    set_up(&f, false);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/long", f.t.port);
    fetch(&f, (struct http_call){.url = str_from(url), .response_max = 9999});
    assert_string_equal("too-big", http_failure_name(f.answer.failure));
    fetch(&f, (struct http_call){.url = str_from(url), .response_max = 10000});
    assert_int_equal(10000, f.answer.body.n);
    tear_down(&f);
}

static void test_wrong_calls_send_nothing(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, false);
    assert_int_equal(HTTP_FAIL_URL, fetch(&f, (struct http_call){.url = STR("ftp://h/")})->failure);
    assert_int_equal(HTTP_FAIL_URL,
                     fetch(&f, (struct http_call){.url = STR("file:///etc/passwd")})->failure);
    assert_int_equal(HTTP_FAIL_URL,
                     fetch(&f, (struct http_call){.url = STR("http://h/\r\nX: y")})->failure);
    assert_int_equal(HTTP_FAIL_OTHER,
                     fetch(&f, (struct http_call){.bearer = STR("a\r\nX: y")})->failure);
    assert_int_equal(0, test_stats(&f.t).requests);
    tear_down(&f);
}

static void swap(void *ctx)
{
    struct fixture *f = ctx;
    struct net_tls *next = test_server(&f->other_cert, NULL, NULL);
    http_listener_set_tls(f->t.listener, next);
    net_tls_unref(next);
}

static void test_certificates_are_checked_and_swapped_live(void **state)
{
    (void)state;
    struct fixture f;
    char by_name[64], elsewhere[32];
    set_up(&f, true);
    assert_int_equal(200, fetch(&f, (struct http_call){.ca_file = f.ca_path})->status);
    assert_str("GET 1 [] [] [] ", f.answer.body);
    assert_str("max-age=31536000", http_answer_header(&f.answer, STR("Strict-Transport-Security")));
    fetch(&f, (struct http_call){.ca_file = f.other_path});
    assert_string_equal("tls-untrusted", http_failure_name(f.answer.failure));
    assert_non_null(strstr(f.answer.why, "127.0.0.1"));
    fetch(&f, (struct http_call){0});
    assert_string_equal("tls-untrusted", http_failure_name(f.answer.failure));
    fetch(&f, (struct http_call){.ca_file = "/nonexistent/ca.pem"});
    assert_string_equal("ca-file", http_failure_name(f.answer.failure));
    snprintf(by_name, sizeof by_name, "https://wrong.example:%u/show", f.t.port);
    snprintf(elsewhere, sizeof elsewhere, "127.0.0.1:%u", f.t.port);
    fetch(&f, (struct http_call){.url = str_from(by_name),
                                 .connect_to = str_from(elsewhere),
                                 .ca_file = f.ca_path});
    assert_string_equal("tls-name", http_failure_name(f.answer.failure));
    test_on_loop(&f.t, swap, &f);
    fetch(&f, (struct http_call){.ca_file = f.ca_path});
    assert_string_equal("tls-untrusted", http_failure_name(f.answer.failure));
    assert_int_equal(200, fetch(&f, (struct http_call){.ca_file = f.other_path})->status);
    tear_down(&f);
}

static void test_a_ca_may_come_as_text_and_an_operator_may_ask_unverified(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, true);
    struct str ca = str_from(f.ca.cert_pem), other = str_from(f.other_ca.cert_pem);
    assert_int_equal(200, fetch(&f, (struct http_call){.ca_pem = ca})->status);
    assert_int_equal(200,
                     fetch(&f, (struct http_call){.ca_pem = ca, .ca_file = f.other_path})->status);
    fetch(&f, (struct http_call){.ca_pem = other});
    assert_string_equal("tls-untrusted", http_failure_name(f.answer.failure));
    fetch(&f, (struct http_call){.ca_pem = STR("")}); /* nobody is trusted */
    assert_int_not_equal(HTTP_FAIL_NONE, f.answer.failure);
    assert_int_equal(200, fetch(&f, (struct http_call){.is_unverified = true})->status);
    tear_down(&f);
}

static void expire(void *ctx)
{
    struct fixture *f = ctx;
    f->expired = leaf(&f->ca, "IP:127.0.0.1", -7200, -3600);
    struct net_tls *next = test_server(&f->expired, NULL, NULL);
    http_listener_set_tls(f->t.listener, next);
    net_tls_unref(next);
}

static void test_an_expired_certificate_has_its_own_reason(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, true);
    test_on_loop(&f.t, expire, &f);
    fetch(&f, (struct http_call){.ca_file = f.ca_path});
    assert_string_equal("tls-expired", http_failure_name(f.answer.failure));
    test_cert_free(&f.expired);
    tear_down(&f);
}

static void test_network_failures_have_reasons(void **state)
{
    (void)state;
    struct fixture f;
    char url[64];
    set_up(&f, false);
    uint16_t port = f.t.port;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    assert_int_equal(
        HTTP_FAIL_DNS,
        fetch(&f, (struct http_call){.url = STR("http://no.such.name.invalid/")})->failure);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/", port);
    assert_int_equal(HTTP_FAIL_TLS, fetch(&f, (struct http_call){.url = str_from(url)})->failure);

    int silent = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t n = sizeof sa;
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(0, bind(silent, (struct sockaddr *)&sa, sizeof sa));
    getsockname(silent, (struct sockaddr *)&sa, &n);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(sa.sin_port));
    assert_int_equal(HTTP_FAIL_REFUSED,
                     fetch(&f, (struct http_call){.url = str_from(url)})->failure);
    assert_int_equal(0, listen(silent, 1));
    fetch(&f, (struct http_call){.url = str_from(url), .timeout_ms = 50});
    assert_int_equal(HTTP_FAIL_TIMEOUT, f.answer.failure);
    assert_non_null(strstr(f.answer.why, "in time"));
    close(silent);
    tear_down(&f);
}

/* --- on a loop ----------------------------------------------------------------------------------
 */

struct waiting {
    int answers, statuses;
    enum http_failure failure;
    struct http_client *client;
    struct http_exchange *cancel;
    bool frees;
};

static void on_answer(void *ctx, const struct http_answer *answer)
{
    struct waiting *w = ctx;
    w->answers++;
    w->statuses += answer->status;
    w->failure = answer->failure;
    if (w->cancel) http_exchange_cancel(w->cancel);
    w->cancel = NULL;
    if (w->frees) w->client = http_client_free(w->client);
}

static void test_exchanges_run_on_the_loop(void **state)
{
    (void)state;
    struct fixture f;
    struct net_loop *loop;
    struct waiting w = {0};
    set_up(&f, true);
    assert_rc(RC_OK, net_loop_new(&loop));
    w.client = http_client_new(loop);
    const struct http_call call = {.url = str_from(f.url), .ca_file = f.ca_path};
    for (int i = 0; i < 5; i++)
        assert_rc(RC_OK, http_client_start(w.client, &call, on_answer, &w, NULL));
    assert_int_equal(0, w.answers);
    while (w.answers < 5)
        net_loop_turn(loop, true);
    assert_int_equal(1000, w.statuses);
    const struct http_call bad = {.url = STR("gopher://h/")};
    assert_rc(RC_OK, http_client_start(w.client, &bad, on_answer, &w, NULL));
    assert_int_equal(5, w.answers);
    while (w.answers < 6)
        net_loop_turn(loop, true);
    assert_int_equal(HTTP_FAIL_URL, w.failure);
    w.client = http_client_free(w.client);
    net_loop_free(loop);
    tear_down(&f);
}

static void test_cancelled_exchanges_are_never_heard_of(void **state)
{
    (void)state;
    struct fixture f;
    struct net_loop *loop;
    struct waiting w = {0}, dead = {0};
    struct http_exchange *ex;
    set_up(&f, false);
    assert_rc(RC_OK, net_loop_new(&loop));
    w.client = http_client_new(loop);
    const struct http_call call = {.url = str_from(f.url)};
    assert_rc(RC_OK, http_client_start(w.client, &call, on_answer, &dead, &ex));
    http_exchange_cancel(ex);
    assert_rc(RC_OK, http_client_start(w.client, &call, on_answer, &dead, NULL));
    w.client = http_client_free(w.client);
    w.client = http_client_new(loop);
    w.frees = true;
    assert_rc(RC_OK, http_client_start(w.client, &call, on_answer, &w, &w.cancel));
    assert_rc(RC_OK, http_client_start(w.client, &call, on_answer, &w, NULL));
    while (w.answers < 1)
        net_loop_turn(loop, true);
    for (int i = 0; i < 5; i++)
        net_loop_turn(loop, false);
    assert_int_equal(1, w.answers);
    assert_int_equal(0, dead.answers);
    net_loop_free(loop);
    tear_down(&f);
}

static void test_exchanges_are_bounded(void **state)
{
    (void)state;
    struct net_loop *loop;
    struct waiting w = {0};
    assert_rc(RC_OK, net_loop_new(&loop));
    w.client = http_client_new(loop);
    const struct http_call call = {.url = STR("http://127.0.0.1:1/")};
    for (int i = 0; i < HTTP_CLIENT_EXCHANGE_MAX; i++)
        assert_rc(RC_OK, http_client_start(w.client, &call, on_answer, &w, NULL));
    assert_rc(RC_BUSY, http_client_start(w.client, &call, on_answer, &w, NULL));
    w.client = http_client_free(w.client);
    net_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sends_what_it_is_told),
        cmocka_unit_test(test_leaves_no_credentials_in_freed_memory),
        cmocka_unit_test(test_redirects_are_not_followed),
        cmocka_unit_test(test_a_long_answer_is_cut),
        cmocka_unit_test(test_wrong_calls_send_nothing),
        cmocka_unit_test(test_certificates_are_checked_and_swapped_live),
        cmocka_unit_test(test_a_ca_may_come_as_text_and_an_operator_may_ask_unverified),
        cmocka_unit_test(test_an_expired_certificate_has_its_own_reason),
        cmocka_unit_test(test_network_failures_have_reasons),
        cmocka_unit_test(test_exchanges_run_on_the_loop),
        cmocka_unit_test(test_cancelled_exchanges_are_never_heard_of),
        cmocka_unit_test(test_exchanges_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
