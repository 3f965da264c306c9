#include "kit/kit.h"

#include "http/client.h"
#include "http/server_int.h"
#include "http/test_server.h"
#include "net/listener.h"
#include "net/test_tls.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* --- handlers -----------------------------------------------------------------------------------
 */

struct shared {
    pthread_barrier_t meeting; /* of two handlers at once */
    sem_t entered, leave;
};

static void hello(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    struct str text;
    if (arena_printf(req->arena, &text, "hello %.*s?%.*s", STR_ARG(req->params[0]),
                     STR_ARG(req->query)) == RC_OK)
        http_reply(res, 200, "text/plain", text);
}
static void echo(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    http_reply(res, 200, "application/octet-stream", req->body);
}
static void count_body(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    http_reply(res, 200, "text/plain", STR(""));
    buf_put_u64(&res->body, req->body.n);
}
static void tagged(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    if (!http_is_unchanged(req, res, STR("v1"), 784111777))
        http_reply(res, 200, "text/plain", STR("body"));
}
static void evil(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    http_reply(res, 200, "text/plain", STR("secret"));
    http_set_header(res, "X-From-Peer", req->body);
}
static void meet(void *ctx, const struct http_request *req, struct http_response *res)
{
    struct shared *s = ctx;
    (void)req;
    pthread_barrier_wait(&s->meeting);
    http_reply_text(res, 200, "met");
}
static void block(void *ctx, const struct http_request *req, struct http_response *res)
{
    struct shared *s = ctx;
    (void)req;
    sem_post(&s->entered);
    while (sem_wait(&s->leave) != 0) {}
    http_reply_text(res, 200, "done");
}
static void huge(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx, (void)req;
    http_reply(res, 200, "text/plain", STR(""));
    char *p = buf_reserve(&res->body, 4 << 20);
    if (!p) return;
    memset(p, 'x', 4 << 20);
    buf_add_n(&res->body, 4 << 20);
}
static void who(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    struct str text;
    if (arena_printf(req->arena, &text, "%d %d %lu %d", req->peer.is_unix, req->peer.is_tls,
                     (unsigned long)req->peer.uid, (int)req->peer.pid) == RC_OK)
        http_reply(res, 200, "text/plain", text);
}

static struct shared shared;
static const struct http_route routes[] = {
    {.methods = HTTP_GET, .path = "/hello/{name}", .fn = hello},
    {.methods = HTTP_POST, .path = "/echo", .fn = echo, .body_max = 1000},
    {.methods = HTTP_POST, .path = "/count", .fn = count_body, .body_max = 4 << 20},
    {.methods = HTTP_GET, .path = "/tagged", .fn = tagged, .csp = "default-src 'self'"},
    {.methods = HTTP_POST, .path = "/evil", .fn = evil},
    {.methods = HTTP_GET, .path = "/meet", .fn = meet, .ctx = &shared},
    {.methods = HTTP_GET, .path = "/block", .fn = block, .ctx = &shared},
    {.methods = HTTP_GET, .path = "/huge", .fn = huge},
    {.methods = HTTP_GET, .path = "/who", .fn = who},
    {.methods = HTTP_GET, .path = "/polled", .fn = who, .is_polled = true},
};
enum { ROUTE_COUNT = sizeof routes / sizeof routes[0] };

static void start(struct test_server *t, const struct http_limits *limits)
{
    memset(t, 0, sizeof *t);
    test_server_start(t, routes, ROUTE_COUNT, NULL, limits, 2, 16);
}

/* --- a plain client: what goes out and comes in is exactly what stands in the test ---------------
 */

static int dial(const struct test_server *t)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(t->port)};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = 20};
    assert_int_equal(0, setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
    assert_int_equal(0, connect(fd, (struct sockaddr *)&sa, sizeof sa));
    return fd;
}

static void say(int fd, const char *text)
{
    size_t n = strlen(text);
    assert_int_equal(n, send(fd, text, n, MSG_NOSIGNAL));
}

/* A stopped and continued process finds a wait with a time limit interrupted. */
static ssize_t take(int fd, void *to, size_t n)
{
    ssize_t got;
    do
        got = recv(fd, to, n, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

/* One answer, head and body (by Content-Length; none where has_body is false), into text. */
static int hear(int fd, char *text, size_t cap, bool has_body)
{
    size_t n = 0, want = SIZE_MAX;
    int status = 0;
    while (n < want) {
        assert_true(n + 1 < cap);
        ssize_t got = take(fd, text + n, want == SIZE_MAX ? 1 : want - n);
        if (got <= 0) return 0;
        n += (size_t)got;
        text[n] = '\0';
        if (want != SIZE_MAX || n < 4 || memcmp(text + n - 4, "\r\n\r\n", 4) != 0) continue;
        const char *length = strstr(text, "Content-Length: ");
        want = n + (length && has_body ? strtoul(length + 16, NULL, 10) : 0);
        sscanf(text, "HTTP/1.1 %d", &status);
    }
    return status;
}

static int ask(int fd, const char *request, char *text, size_t cap)
{
    say(fd, request);
    return hear(fd, text, cap, strncmp(request, "HEAD", 4) != 0);
}

static bool ends(int fd)
{
    char c;
    ssize_t got = take(fd, &c, 1);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

#define TAIL " HTTP/1.1\r\nHost: h\r\n\r\n"
static char text[8 << 20];

/* --- tests ----------------------------------------------------------------------------------------
 */

static void test_answers_and_keeps_the_connection(void **state)
{
    (void)state;
    struct test_server t;
    start(&t, NULL);
    int fd = dial(&t);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(200, ask(fd, "GET /hello/a%20b?x=1" TAIL, text, sizeof text));
        assert_non_null(strstr(text, "\r\n\r\nhello a b?x=1"));
    }
    assert_non_null(strstr(text, "Cache-Control: no-store\r\n"));
    assert_non_null(strstr(text, "X-Content-Type-Options: nosniff\r\n"));
    assert_null(strstr(text, "Strict-Transport"));
    assert_int_equal(404, ask(fd, "GET /nothing" TAIL, text, sizeof text));
    assert_int_equal(405, ask(fd, "DELETE /echo" TAIL, text, sizeof text));
    assert_non_null(strstr(text, "Allow: POST\r\n"));
    assert_int_equal(200, ask(fd, "HEAD /hello/x" TAIL, text, sizeof text));
    assert_non_null(strstr(text, "Content-Length: 8\r\n"));
    assert_int_equal(200, ask(fd, "GET /tagged" TAIL, text, sizeof text));
    assert_non_null(strstr(text, "Content-Security-Policy: default-src 'self'\r\n"));
    assert_int_equal(304,
                     ask(fd, "GET /tagged HTTP/1.1\r\nHost: h\r\nIf-None-Match: \"v1\"\r\n\r\n",
                         text, sizeof text));
    assert_null(strstr(text, "Content-Length"));
    assert_int_equal(200, ask(fd, "GET /who" TAIL, text, sizeof text));
    assert_non_null(strstr(text, "\r\n\r\n0 0 0 0"));
    assert_int_equal(200, ask(fd, "GET /hello/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                              text, sizeof text));
    assert_non_null(strstr(text, "Connection: close\r\n"));
    assert_true(ends(fd));
    close(fd);
    test_server_stop(&t);
}

static void test_pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct test_server t;
    char name[32];
    start(&t, NULL);
    int fd = dial(&t);
    say(fd, "GET /hello/1" TAIL "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n2xx"
            "GET /nothing" TAIL "GET /hello/4" TAIL);
    static const int want[] = {200, 200, 404, 200};
    static const char *const body[] = {"hello 1?", "2xx", "nothing", "hello 4?"};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(want[i], hear(fd, text, sizeof text, true));
        snprintf(name, sizeof name, "%s", body[i]);
        assert_non_null(strstr(text, name));
    }
    close(fd);
    test_server_stop(&t);
}

static void test_bodies_by_length_and_in_chunks(void **state)
{
    (void)state;
    struct test_server t;
    start(&t, NULL);
    int fd = dial(&t);
    assert_int_equal(200, ask(fd,
                              "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
                              text, sizeof text));
    assert_non_null(strstr(text, "\r\n\r\nhello world"));
    say(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(100, hear(fd, text, sizeof text, false));
    assert_int_equal(200, ask(fd, "abcd", text, sizeof text));
    assert_non_null(strstr(text, "\r\n\r\nabcd"));
    say(fd, "POST /count HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n");
    static char part[30000];
    memset(part, 'y', sizeof part - 1);
    for (size_t sent = 0; sent < 3000000;) {
        size_t n = 3000000 - sent < sizeof part ? 3000000 - sent : sizeof part;
        ssize_t got = send(fd, part, n, MSG_NOSIGNAL);
        assert_true(got > 0);
        sent += (size_t)got;
    }
    assert_int_equal(200, hear(fd, text, sizeof text, true));
    assert_non_null(strstr(text, "\r\n\r\n3000000"));
    close(fd);
    test_server_stop(&t);
}

/* The head of a body and its first bytes; the rest is to follow. */
static int begin_body(const struct test_server *t, unsigned long length, size_t n)
{
    static char part[900000];
    char head[100];
    int fd = dial(t);
    snprintf(head, sizeof head, "POST /count HTTP/1.1\r\nHost: h\r\nContent-Length: %lu\r\n\r\n",
             length);
    say(fd, head);
    memset(part, 'z', sizeof part);
    for (size_t sent = 0; sent < n;) {
        ssize_t got = send(fd, part, n - sent < sizeof part ? n - sent : sizeof part, MSG_NOSIGNAL);
        assert_true(got > 0);
        sent += (size_t)got;
    }
    return fd;
}

struct body_total {
    const struct http_server *server;
    size_t n;
};
static void read_body_total(void *ctx)
{
    struct body_total *total = ctx;
    total->n = total->server->body_total[0];
}

/* Until the server has read bodies of that many counted bytes in all. */
static void wait_for_bodies(struct test_server *t, size_t n)
{
    struct body_total total = {t->server, SIZE_MAX};
    while (total.n != n)
        test_on_loop(t, read_body_total, &total);
}

static void assert_no_room(const struct test_server *t, const char *request)
{
    int fd = dial(t);
    assert_int_equal(503, ask(fd, request, text, sizeof text));
    assert_non_null(strstr(text, "\r\nRetry-After: 1\r\n"));
    assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
    close(fd);
}

static void test_bodies_of_all_together_are_bounded(void **state)
{
    (void)state;
    static char chunk[HTTP_BODY_FREE + 200000 + 200];
    struct test_server t;
    start(&t, &(struct http_limits){.body_total_max = 1000000});
    int first = begin_body(&t, 900000, 850000);
    wait_for_bodies(&t, 850000 - HTTP_BODY_FREE);
    assert_no_room(&t, "POST /count HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n");
    char *p = stpcpy(chunk, "POST /count HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "34d40\r\n"); /* 216384 */
    memset(p, 'c', 216384);
    assert_no_room(&t, chunk);
    assert_int_equal(2, test_stats(&t).refused_bodies);

    int small = begin_body(&t, HTTP_BODY_FREE, HTTP_BODY_FREE); /* a form gets in all the same */
    assert_int_equal(200, hear(small, text, sizeof text, true));
    close(small);
    int gone = begin_body(&t, 150000, 140000); /* what never came whole is given back */
    wait_for_bodies(&t, 850000 + 140000 - 2 * HTTP_BODY_FREE);
    close(gone);
    wait_for_bodies(&t, 850000 - HTTP_BODY_FREE);

    static char rest[50001];
    memset(rest, 'r', 50000);
    assert_int_equal(200, ask(first, rest, text, sizeof text));
    assert_non_null(strstr(text, "\r\n\r\n900000"));
    int second = begin_body(&t, 1000000, 1000000);
    assert_int_equal(200, hear(second, text, sizeof text, true));
    assert_int_equal(2, test_stats(&t).refused_bodies);
    close(first);
    close(second);
    test_server_stop(&t);
}

/* They wait behind a request that takes its time, and are read in one go then. */
static void test_many_small_chunks_at_once(void **state)
{
    (void)state;
    enum { CHUNKS = 40000 };
    struct test_server t;
    char *all = malloc(6 * CHUNKS + 256), *p = all;
    assert_non_null(all);
    sem_init(&shared.entered, 0, 0);
    sem_init(&shared.leave, 0, 0);
    start(&t, NULL);
    int fd = dial(&t);
    p = stpcpy(p, "GET /block" TAIL "POST /count HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n");
    for (int i = 0; i < CHUNKS; i++)
        p = stpcpy(p, "1\r\nx\r\n");
    strcpy(p, "0\r\n\r\nGET /hello/after" TAIL);
    say(fd, all);
    while (sem_wait(&shared.entered) != 0) {}
    test_pass_ms(&t, fd, 0);
    sem_post(&shared.leave);
    assert_int_equal(200, hear(fd, text, sizeof text, true));
    assert_int_equal(200, hear(fd, text, sizeof text, true));
    assert_non_null(strstr(text, "\r\n\r\n40000"));
    assert_int_equal(200, hear(fd, text, sizeof text, true));
    assert_non_null(strstr(text, "hello after?"));
    close(fd);
    test_server_stop(&t);
    sem_destroy(&shared.entered);
    sem_destroy(&shared.leave);
    free(all);
}

static void test_what_is_too_big_or_malformed_ends_the_connection(void **state)
{
    (void)state;
    static char long_head[HTTP_HEAD_MAX + 200];
    memset(long_head, 'a', sizeof long_head - 1);
    memcpy(long_head, "GET /hello/x HTTP/1.1\r\nA: ", 26);
    const struct {
        const char *request;
        int status;
    } rows[] = {
        {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n", 413},
        {"POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n",
         413},
        {"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", 0},
        {"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400},
        {"POST /nothing HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", 404},
        {"GET /hello/x\n\n", 400},
        {"GET /hello/x HTTP/1.1\r\n\r\n", 400},
        {"GET /hello/x HTTP/3.1\r\nHost: h\r\n\r\n", 505},
        {"BREW /hello/x" TAIL, 501},
        {long_head, 431},
    };
    struct test_server t;
    start(&t, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int fd = dial(&t);
        say(fd, rows[i].request);
        if (rows[i].status == 0) { /* the body itself grows too long */
            static char body[1002];
            memset(body, 'b', 1001);
            say(fd, body);
        }
        assert_int_equal(rows[i].status ? rows[i].status : 413, hear(fd, text, sizeof text, true));
        assert_non_null(strstr(text, "Connection: close\r\n"));
        shutdown(fd, SHUT_WR);
        assert_true(ends(fd));
        close(fd);
    }
    assert_int_equal(5, test_stats(&t).malformed);
    assert_int_equal(4, test_stats(&t).too_big);
    test_server_stop(&t);
}

static void test_a_peers_text_cannot_split_the_answer(void **state)
{
    (void)state;
    struct test_server t;
    start(&t, NULL);
    int fd = dial(&t);
    assert_int_equal(
        500, ask(fd, "POST /evil HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\na\r\nB: evil",
                 text, sizeof text));
    assert_null(strstr(text, "evil"));
    assert_null(strstr(text, "secret"));
    close(fd);
    test_server_stop(&t);
}

static void test_handlers_run_side_by_side(void **state)
{
    (void)state;
    struct test_server t;
    pthread_barrier_init(&shared.meeting, NULL, 2);
    start(&t, NULL);
    int one = dial(&t), two = dial(&t);
    say(one, "GET /meet" TAIL);
    say(two, "GET /meet" TAIL);
    assert_int_equal(200, hear(one, text, sizeof text, true));
    assert_int_equal(200, hear(two, text, sizeof text, true));
    close(one);
    close(two);
    test_server_stop(&t);
    pthread_barrier_destroy(&shared.meeting);
}

static void open_gate(void)
{
    sem_init(&shared.entered, 0, 0);
    sem_init(&shared.leave, 0, 0);
}

static void test_a_busy_pool_is_told_with_retry_after(void **state)
{
    (void)state;
    struct test_server t;
    open_gate();
    start(&t, &(struct http_limits){.in_flight_max = 1});
    int one = dial(&t), two = dial(&t);
    say(one, "GET /block" TAIL);
    while (sem_wait(&shared.entered) != 0) {}
    assert_int_equal(503, ask(two, "GET /hello/x" TAIL, text, sizeof text));
    assert_non_null(strstr(text, "Retry-After: 1\r\n"));
    assert_null(strstr(text, "Connection: close"));
    sem_post(&shared.leave);
    assert_int_equal(200, hear(one, text, sizeof text, true));
    assert_int_equal(200, ask(two, "GET /hello/x" TAIL, text, sizeof text));
    assert_int_equal(1, test_stats(&t).refused_busy);
    close(one);
    close(two);
    test_server_stop(&t);
}

static void test_a_client_may_leave_before_its_answer(void **state)
{
    (void)state;
    struct test_server t;
    open_gate();
    start(&t, NULL);
    int fd = dial(&t);
    say(fd, "GET /block" TAIL);
    while (sem_wait(&shared.entered) != 0) {}
    close(fd);
    while (test_stats(&t).connections > 0)
        sched_yield();
    sem_post(&shared.leave);
    while (test_stats(&t).in_flight > 0)
        sched_yield();
    test_server_stop(&t);
}

static void free_server(void *ctx)
{
    struct test_server *t = ctx;
    http_server_free(t->server);
}

static void test_the_server_may_go_before_its_handlers(void **state)
{
    (void)state;
    struct test_server t;
    open_gate();
    start(&t, NULL);
    int fd = dial(&t);
    say(fd, "GET /block" TAIL);
    while (sem_wait(&shared.entered) != 0) {}
    test_on_loop(&t, free_server, &t);
    t.server = NULL;
    assert_true(ends(fd));
    sem_post(&shared.leave);
    close(fd);
    test_server_stop(&t);
}

static void test_slow_and_idle_clients_are_cut(void **state)
{
    (void)state;
    struct test_server t;
    start(&t, NULL);
    int slow = dial(&t);
    say(slow, "GET /hello/x HT");
    test_pass_ms(&t, slow, 9000);
    say(slow, "TP/1.1\r\nA"); /* a byte now and then buys no time */
    test_pass_ms(&t, slow, 1100);
    assert_int_equal(408, hear(slow, text, sizeof text, true));
    shutdown(slow, SHUT_WR);
    assert_true(ends(slow));
    close(slow);

    int body = dial(&t);
    say(body, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
    test_pass_ms(&t, body, 30100);
    assert_int_equal(408, hear(body, text, sizeof text, true));
    close(body);

    int idle = dial(&t);
    assert_int_equal(200, ask(idle, "GET /hello/x" TAIL, text, sizeof text));
    test_pass_ms(&t, idle, 15100);
    assert_true(ends(idle));
    close(idle);

    int silent = dial(&t);
    test_pass_ms(&t, silent, 10100);
    assert_true(ends(silent));
    close(silent);
    assert_int_equal(2, test_stats(&t).timed_out);
    test_server_stop(&t);
}

static void test_a_client_that_does_not_read_is_cut(void **state)
{
    (void)state;
    struct test_server t;
    start(&t, NULL);
    int fd = dial(&t);
    int small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 4; i++)
        say(fd, "GET /huge" TAIL);
    while (test_stats(&t).requests < 1 || test_stats(&t).in_flight > 0)
        sched_yield();
    test_pass_ms(&t, fd, 61000);
    while (test_stats(&t).connections > 0)
        test_pass_ms(&t, -1, 61000);
    close(fd);
    test_server_stop(&t);
}

static void test_large_answers_arrive_whole(void **state)
{
    (void)state;
    struct test_server t;
    start(&t, NULL);
    int fd = dial(&t);
    assert_int_equal(200, ask(fd, "GET /huge HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                              text, sizeof text));
    const char *body = strstr(text, "\r\n\r\n") + 4;
    assert_int_equal(4 << 20, strspn(body, "x"));
    assert_true(ends(fd));
    close(fd);
    test_server_stop(&t);
}

static void test_connections_are_bounded(void **state)
{
    (void)state;
    struct test_server t;
    start(&t, &(struct http_limits){.connection_max = 2, .requests_per_connection_max = 2});
    int one = dial(&t), two = dial(&t);
    assert_int_equal(200, ask(one, "GET /hello/x" TAIL, text, sizeof text));
    assert_int_equal(200, ask(two, "GET /hello/x" TAIL, text, sizeof text));
    int three = dial(&t);
    assert_true(ends(three));
    close(three);
    assert_int_equal(200, ask(one, "GET /hello/x" TAIL, text, sizeof text));
    assert_non_null(strstr(text, "Connection: close\r\n"));
    assert_true(ends(one));
    close(one);
    close(two);
    assert_int_equal(1, test_stats(&t).refused_full);
    test_server_stop(&t);
}

struct unix_case {
    struct test_server *t;
    const char *path;
    unsigned mode;
    enum rc rc;
    struct http_listener *listener;
};
static void open_unix(void *ctx)
{
    struct unix_case *u = ctx;
    u->rc = http_listen_unix(u->t->server, u->t->site, u->path, u->mode, &u->listener);
}
static void close_listener(void *ctx)
{
    struct unix_case *u = ctx;
    u->listener = http_listener_close(u->listener);
}

static void test_unix_socket_knows_its_peer(void **state)
{
    (void)state;
    struct test_server t;
    struct arena a;
    char dir[] = "/tmp/bearline-http-XXXXXX", path[64], want[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/api.sock", dir);
    arena_init(&a, NULL, 0, 1 << 20);
    start(&t, NULL);
    /* A socket file whose server died. */
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(0, bind(dead, (struct sockaddr *)&sa, sizeof sa));
    close(dead);

    struct unix_case u = {.t = &t, .path = path, .mode = 0660}, second = u;
    test_on_loop(&t, open_unix, &u);
    assert_rc(RC_OK, u.rc);
    struct stat st;
    assert_int_equal(0, stat(path, &st));
    assert_int_equal(0660, st.st_mode & 07777);
    test_on_loop(&t, open_unix, &second);
    assert_rc(RC_EXISTS, second.rc);

    struct http_answer answer;
    http_fetch(&(struct http_call){.url = STR("http://node/who"), .unix_path = path}, &a, &answer);
    assert_string_equal("", answer.why);
    snprintf(want, sizeof want, "1 0 %lu %d", (unsigned long)getuid(), (int)getpid());
    assert_str(want, answer.body);

    test_on_loop(&t, close_listener, &u);
    assert_int_not_equal(0, stat(path, &st));
    http_fetch(&(struct http_call){.url = STR("http://node/who"), .unix_path = path}, &a, &answer);
    assert_string_equal("refused", http_failure_name(answer.failure));

    int file = open(path, O_CREAT | O_WRONLY, 0600);
    close(file);
    test_on_loop(&t, open_unix, &u);
    assert_rc(RC_CONFLICT, u.rc);
    second.mode = 0666;
    test_on_loop(&t, open_unix, &second);
    assert_rc(RC_INVALID, second.rc);
    unlink(path);
    rmdir(dir);
    arena_fini(&a);
    test_server_stop(&t);
}

static void reopen(void *ctx)
{
    struct unix_case *u = ctx;
    struct net_addr addr = net_addr_v4(127, 0, 0, 1, u->t->port);
    struct net_holder holder = {0};
    u->rc = http_listen(u->t->server, u->t->site, &addr, NULL, &u->listener, &holder);
}
static void close_first(void *ctx)
{
    struct unix_case *u = ctx;
    u->t->listener = http_listener_close(u->t->listener);
}

static void test_listeners_open_and_close_while_it_runs(void **state)
{
    (void)state;
    struct test_server t;
    open_gate();
    start(&t, NULL);
    struct unix_case u = {.t = &t};
    test_on_loop(&t, reopen, &u);
    assert_rc(RC_EXISTS, u.rc);
    int idle = dial(&t), busy = dial(&t);
    assert_int_equal(200, ask(idle, "GET /hello/x" TAIL, text, sizeof text));
    say(busy, "GET /block" TAIL);
    while (sem_wait(&shared.entered) != 0) {}
    test_on_loop(&t, close_first, &u);
    assert_true(ends(idle));
    sem_post(&shared.leave);
    assert_int_equal(200, hear(busy, text, sizeof text, true));
    assert_non_null(strstr(text, "Connection: close\r\n"));
    test_on_loop(&t, reopen, &u);
    assert_rc(RC_OK, u.rc);
    int again = dial(&t);
    assert_int_equal(200, ask(again, "GET /hello/x" TAIL, text, sizeof text));
    close(again);
    close(idle);
    close(busy);
    test_server_stop(&t);
}

static void test_requests_are_logged_without_secrets(void **state)
{
    (void)state;
    struct test_server t = {0};
    static struct kit_log kept;
    t.log = kit_log(&kept);
    test_server_start(&t, routes, ROUTE_COUNT, NULL, NULL, 2, 16);
    int fd = dial(&t);
    assert_int_equal(200, ask(fd,
                              "GET /hello/x?code=SECRET HTTP/1.1\r\nHost: h\r\n"
                              "Authorization: Bearer SECRET\r\n\r\n",
                              text, sizeof text));
    assert_int_equal(200, ask(fd, "GET /polled HTTP/1.1\r\nHost: h\r\n\r\n", text, sizeof text));
    close(fd);
    test_server_stop(&t);
    assert_true(kit_log_has(&kept, "event=http.request site=test method=GET"));
    assert_true(kit_log_has(
        &kept,
        "debug event=http.request site=test method=GET target=/polled")); /* again and again */
    assert_true(kit_log_has(&kept, "code=*"));
    assert_true(kit_log_has(&kept, "status=200"));
    assert_false(kit_log_has(&kept, "SECRET"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_and_keeps_the_connection),
        cmocka_unit_test(test_pipelined_requests_are_answered_in_order),
        cmocka_unit_test(test_bodies_by_length_and_in_chunks),
        cmocka_unit_test(test_bodies_of_all_together_are_bounded),
        cmocka_unit_test(test_many_small_chunks_at_once),
        cmocka_unit_test(test_what_is_too_big_or_malformed_ends_the_connection),
        cmocka_unit_test(test_a_peers_text_cannot_split_the_answer),
        cmocka_unit_test(test_handlers_run_side_by_side),
        cmocka_unit_test(test_a_busy_pool_is_told_with_retry_after),
        cmocka_unit_test(test_a_client_may_leave_before_its_answer),
        cmocka_unit_test(test_the_server_may_go_before_its_handlers),
        cmocka_unit_test(test_slow_and_idle_clients_are_cut),
        cmocka_unit_test(test_a_client_that_does_not_read_is_cut),
        cmocka_unit_test(test_large_answers_arrive_whole),
        cmocka_unit_test(test_connections_are_bounded),
        cmocka_unit_test(test_unix_socket_knows_its_peer),
        cmocka_unit_test(test_listeners_open_and_close_while_it_runs),
        cmocka_unit_test(test_requests_are_logged_without_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
