/* net/listener_test.c - accepting: limits and their causes, strangers that say nothing or nonsense, a
 * change of certificate under live connections, several loops, closing. */
#include "kit/kit.h"

#include "net/listener.h"
#include "net/test_tls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct test_cert cert, other_cert;

static int make_certs(void **state)
{
    (void)state;
    cert = test_cert_make(
        &(struct test_cert_spec){.common_name = "one", .alt_names = "DNS:localhost"});
    other_cert = test_cert_make(
        &(struct test_cert_spec){.common_name = "two", .alt_names = "DNS:localhost"});
    return 0;
}

static int free_certs(void **state)
{
    (void)state;
    test_cert_free(&cert);
    test_cert_free(&other_cert);
    return 0;
}

enum { STREAMS_MAX = 16 };

/* A listener on loopback and what it showed. */
struct host {
    struct net_loop *loop;
    struct net_limits *limits;
    struct net_tls *tls;
    struct net_listener *listener;
    struct net_stream *streams[STREAMS_MAX];
    int accepted, refused, ended, done;
    enum net_close_kind why, end_why;
    struct net_close last; /* without tls */
    bool reject;
    char text[256];
    size_t n;
};

static size_t on_bytes(void *ctx, struct bytes data)
{
    struct host *h = ctx;
    assert_true(h->n + data.n <= sizeof h->text);
    memcpy(h->text + h->n, data.p, data.n);
    h->n += data.n;
    return data.n;
}

static void on_close(void *ctx, const struct net_close *why)
{
    struct host *h = ctx;
    h->ended++;
    h->end_why = why->kind;
}

static const struct net_stream_events stream_events = {on_bytes, NULL, on_close, NULL};

static void on_accept(void *ctx, struct net_stream *stream)
{
    struct host *h = ctx;
    assert_true(h->accepted < STREAMS_MAX);
    if (!h->reject) {
        h->streams[h->accepted] = stream;
        net_stream_handle(stream, &stream_events, h);
    }
    h->accepted++;
}

static void on_refused(void *ctx, const struct net_addr *peer, const struct net_close *why)
{
    struct host *h = ctx;
    assert_true(net_addr_is_loopback(peer));
    h->refused++;
    h->why = why->kind;
    h->last = *why;
    h->last.tls = NULL;
}

static const struct net_listener_events listener_events = {on_accept, on_refused};

static const struct net_limits_config generous = {.connections_max = 100,
                                                  .source_max = 100,
                                                  .handshakes_max = 100,
                                                  .handshake_ms = 10000,
                                                  .loopback_counts = true};

static void host_open(struct host *h, const struct net_limits_config *limits, bool tls)
{
    *h = (struct host){0};
    assert_rc(RC_OK, net_loop_new(&h->loop));
    net_loop_hold_clock(h->loop); /* however long this process is kept waiting */
    assert_rc(RC_OK, net_limits_new(limits, &h->limits));
    if (tls) h->tls = test_server(&cert, NULL, NULL);
    struct net_listener_config config = {
        .addr = net_addr_v4(127, 0, 0, 1, 0),
        .tls = h->tls,
        .limits = h->limits,
        .stream = {.message_max = 4096, .queue_max = 65536},
    };
    assert_rc(RC_OK, net_listener_open(&config, &h->listener, NULL));
    assert_rc(RC_OK, net_listener_join(h->listener, h->loop, &listener_events, h));
}

static void on_done(void *ctx)
{
    ((struct host *)ctx)->done++;
}

static void host_close(struct host *h)
{
    if (h->listener) net_listener_close(h->listener, false, on_done, h);
    while (!h->done)
        net_loop_turn(h->loop, true);
    net_loop_free(h->loop);
    assert_int_equal(0, net_limits_connections(h->limits));
    assert_int_equal(0, net_limits_handshakes(h->limits));
    net_limits_unref(h->limits);
    net_tls_unref(h->tls);
}

/* A plain client's socket; source is the last byte of its 127.0.0.x address. */
static int dial(const struct host *h, uint8_t source)
{
    struct sockaddr_storage sa;
    struct net_addr from = net_addr_v4(127, 0, 0, source, 0), to = net_listener_addr(h->listener);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    socklen_t n = (socklen_t)net_addr_to_sockaddr(&from, &sa);
    assert_int_equal(0, bind(fd, (struct sockaddr *)&sa, n));
    n = (socklen_t)net_addr_to_sockaddr(&to, &sa);
    assert_int_equal(0, connect(fd, (struct sockaddr *)&sa, n));
    return fd;
}

/* A client of ours, for handshakes. */
struct caller {
    struct net_tls *tls;
    struct net_stream *stream;
    bool opened, closed;
    enum net_tls_cause cause;
};

static size_t caller_bytes(void *ctx, struct bytes data)
{
    (void)ctx;
    return data.n;
}

static void caller_open(void *ctx)
{
    ((struct caller *)ctx)->opened = true;
}

static void caller_close(void *ctx, const struct net_close *why)
{
    struct caller *c = ctx;
    c->closed = true;
    c->stream = NULL;
    if (why->tls) c->cause = why->tls->cause;
}

static const struct net_stream_events caller_events = {caller_bytes, caller_open, caller_close,
                                                       NULL};

static void call(struct caller *c, const struct host *h, const struct test_cert *trust)
{
    *c = (struct caller){.tls = test_client(trust, NULL)};
    struct net_connect_config config = {
        .stream = {.message_max = 4096, .queue_max = 65536},
        .peer = net_listener_addr(h->listener),
        .tls = c->tls,
        .server_name = STR("localhost"),
        .open_ms = 5000,
    };
    assert_rc(RC_OK, net_stream_connect(h->loop, &config, &caller_events, c, &c->stream));
}

static void hang_up(struct caller *c)
{
    c->stream = net_stream_close(c->stream);
    net_tls_unref(c->tls);
}

#define TURN_UNTIL(h, condition)                                                                   \
    do {                                                                                           \
        while (!(condition))                                                                       \
            net_loop_turn((h)->loop, true);                                                        \
    } while (0)

static bool is_closed_by_host(int fd)
{
    char c;
    ssize_t n = recv(fd, &c, 1, 0);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

static void test_plain_connections_come_and_go(void **state)
{
    (void)state;
    struct host h;
    host_open(&h, &generous, false);
    int fd = dial(&h, 1);
    assert_int_equal(5, send(fd, "hello", 5, 0));
    TURN_UNTIL(&h, h.n == 5);
    assert_int_equal(1, net_limits_connections(h.limits));
    assert_int_equal(1, net_listener_accepted(h.listener));
    close(fd);
    TURN_UNTIL(&h, h.ended);
    assert_int_equal(NET_CLOSE_PEER, h.end_why);
    assert_int_equal(0, net_limits_connections(h.limits));
    host_close(&h);
}

static void test_a_connection_nobody_takes_is_closed(void **state)
{
    (void)state;
    struct host h;
    host_open(&h, &generous, false);
    h.reject = true;
    int fd = dial(&h, 1);
    TURN_UNTIL(&h, h.accepted);
    assert_true(is_closed_by_host(fd));
    close(fd);
    host_close(&h);
}

static void test_limits_in_all_and_by_source(void **state)
{
    (void)state;
    struct net_limits_config limits = generous;
    limits.connections_max = 3;
    limits.source_max = 2;
    struct host h;
    host_open(&h, &limits, false);
    int a = dial(&h, 1), b = dial(&h, 1);
    TURN_UNTIL(&h, h.accepted == 2);
    int c = dial(&h, 1); /* the third of one source */
    TURN_UNTIL(&h, net_limits_refused(h.limits, NET_REFUSAL_SOURCE) == 1);
    assert_true(is_closed_by_host(c));
    int d = dial(&h, 2), e = dial(&h, 3); /* another source; then the fourth in all */
    TURN_UNTIL(&h, net_limits_refused(h.limits, NET_REFUSAL_TOTAL) == 1);
    assert_int_equal(3, h.accepted);
    assert_true(is_closed_by_host(e));
    close(a); /* one goes: there is room again, for its source too */
    TURN_UNTIL(&h, h.ended == 1);
    int f = dial(&h, 1);
    TURN_UNTIL(&h, h.accepted == 4);
    limits.connections_max = 50;
    net_limits_set(h.limits, &limits);
    int g = dial(&h, 4);
    TURN_UNTIL(&h, h.accepted == 5);
    int all[] = {b, c, d, e, f, g};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        close(all[i]);
    host_close(&h);
}

static void test_a_source_is_64_bits_of_ipv6(void **state)
{
    (void)state;
    struct net_limits_config config = generous;
    struct net_limits *limits = NULL;
    config.source_max = 1;
    assert_rc(RC_OK, net_limits_new(&config, &limits));
    struct net_addr a, b, c, loopback = net_addr_v4(127, 0, 0, 1, 1);
    assert_rc(RC_OK, net_addr_parse(STR("[2001:db8::1]:1"), &a));
    assert_rc(RC_OK, net_addr_parse(STR("[2001:db8::2]:2"), &b));
    assert_rc(RC_OK, net_addr_parse(STR("[2001:db8:0:1::2]:2"), &c));
    assert_true(net_limits_enter(limits, &a));
    assert_false(net_limits_enter(limits, &b));
    assert_true(net_limits_enter(limits, &c));
    config.loopback_counts = false;
    net_limits_set(limits, &config);
    for (int i = 0; i < 3; i++)
        assert_true(net_limits_enter(limits, &loopback));
    net_limits_leave(limits, &a);
    assert_true(net_limits_enter(limits, &b));
    assert_string_equal("source", net_refusal_name(NET_REFUSAL_SOURCE));
    net_limits_unref(limits);
}

static void test_garbage_before_tls_is_told_as_such(void **state)
{
    (void)state;
    static const char *const rows[] = {"OPTIONS sip:x SIP/2.0\r\n", "GET / HTTP/1.1\r\n\r\n",
                                       "\x16\x02\x00", "\x16\x03\x01\x00\x05\x02", "\x80\x2e\x01"};
    struct host h;
    host_open(&h, &generous, true);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int fd = dial(&h, 1), refused = h.refused;
        size_t n = i == 3 ? 6 : i == 2 ? 3 : strlen(rows[i]);
        assert_int_equal(n, send(fd, rows[i], n, 0));
        TURN_UNTIL(&h, h.refused > refused);
        assert_int_equal(NET_CLOSE_NOT_TLS, h.why);
        assert_memory_equal(rows[i], h.last.first, h.last.first_n);
        assert_true(is_closed_by_host(fd));
        close(fd);
    }
    assert_int_equal(5, net_limits_refused(h.limits, NET_REFUSAL_NOT_TLS));
    assert_int_equal(0, h.accepted);
    host_close(&h);
}

static void test_a_broken_hello_is_a_tls_failure(void **state)
{
    (void)state;
    struct host h;
    host_open(&h, &generous, true);
    int fd = dial(&h, 1);
    assert_int_equal(9, send(fd, "\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9, 0));
    TURN_UNTIL(&h, h.refused);
    assert_int_equal(NET_CLOSE_TLS, h.why);
    assert_int_equal(1, net_limits_refused(h.limits, NET_REFUSAL_TLS));
    assert_int_equal(1, net_limits_connections(h.limits)); /* its alert may still be read */
    assert_int_equal(0, net_limits_handshakes(h.limits));  /* but others shake hands meanwhile */
    close(fd);
    host_close(&h);
}

static void test_silence_costs_no_handshake_and_times_out(void **state)
{
    (void)state;
    struct net_limits_config limits = generous;
    limits.handshakes_max = 1;
    struct host h;
    struct caller caller;
    int silent[4];
    host_open(&h, &limits, true);
    for (int i = 0; i < 4; i++)
        silent[i] = dial(&h, 1);
    TURN_UNTIL(&h, net_limits_connections(h.limits) == 4);
    assert_int_equal(0, net_limits_handshakes(h.limits));
    call(&caller, &h, &cert); /* is served meanwhile */
    TURN_UNTIL(&h, caller.opened && h.accepted == 1);
    net_loop_skip_ms(h.loop, 10001);
    TURN_UNTIL(&h, h.refused == 4);
    assert_int_equal(NET_CLOSE_TLS_TIMEOUT, h.why);
    assert_int_equal(4, net_limits_refused(h.limits, NET_REFUSAL_SILENT));
    assert_int_equal(1, net_limits_connections(h.limits));
    for (int i = 0; i < 4; i++)
        close(silent[i]);
    hang_up(&caller);
    host_close(&h);
}

/* The start of a ClientHello that says there is more to come. */
static void begin_hello(int fd)
{
    assert_int_equal(9, send(fd, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 9, 0));
}

static void test_handshakes_under_way_are_bounded_and_stalled_ones_give_way(void **state)
{
    (void)state;
    struct net_limits_config limits = generous;
    limits.handshakes_max = 1;
    struct host h;
    struct caller caller;
    host_open(&h, &limits, true);
    int stalled = dial(&h, 1);
    begin_hello(stalled);
    TURN_UNTIL(&h, net_limits_handshakes(h.limits) == 1);
    call(&caller, &h, &cert); /* comes while the first may still be honest */
    TURN_UNTIL(&h, caller.closed);
    assert_int_equal(1, net_limits_refused(h.limits, NET_REFUSAL_HANDSHAKES));
    hang_up(&caller);
    net_loop_skip_ms(h.loop, 3000);
    call(&caller, &h, &cert); /* now the first has had its time */
    TURN_UNTIL(&h, caller.opened && h.accepted == 1);
    assert_int_equal(2, net_limits_refused(h.limits, NET_REFUSAL_HANDSHAKES));
    assert_int_equal(NET_CLOSE_SHED, h.why);
    assert_true(is_closed_by_host(stalled));
    assert_int_equal(0, net_limits_handshakes(h.limits));
    close(stalled);
    hang_up(&caller);
    host_close(&h);
}

/* One that trickles does not shield those that began after it and say nothing. */
static void test_the_longest_silent_handshake_gives_way(void **state)
{
    (void)state;
    struct net_limits_config limits = generous;
    limits.handshakes_max = 2;
    struct host h;
    struct caller caller;
    host_open(&h, &limits, true);
    int trickling = dial(&h, 1), stalled = dial(&h, 1);
    begin_hello(trickling);
    TURN_UNTIL(&h, net_limits_handshakes(h.limits) == 1);
    begin_hello(stalled);
    TURN_UNTIL(&h, net_limits_handshakes(h.limits) == 2);
    net_loop_skip_ms(h.loop, 3000);
    assert_int_equal(1, send(trickling, "\0", 1, 0));
    for (int i = 0; i < 3; i++)
        net_loop_turn(h.loop, false);
    call(&caller, &h, &cert);
    TURN_UNTIL(&h, caller.closed || h.accepted == 1);
    assert_false(caller.closed);
    assert_true(is_closed_by_host(stalled));
    assert_int_equal(1, net_limits_handshakes(h.limits));
    close(trickling);
    close(stalled);
    hang_up(&caller);
    host_close(&h);
}

static void test_a_handshake_that_stalls_times_out(void **state)
{
    (void)state;
    struct host h;
    host_open(&h, &generous, true);
    int fd = dial(&h, 1);
    begin_hello(fd);
    TURN_UNTIL(&h, net_limits_handshakes(h.limits) == 1);
    net_loop_skip_ms(h.loop, 10001);
    TURN_UNTIL(&h, h.refused);
    assert_int_equal(NET_CLOSE_TLS_TIMEOUT, h.why);
    assert_int_equal(1, net_limits_refused(h.limits, NET_REFUSAL_TIMEOUT));
    close(fd);
    host_close(&h);
}

static void test_a_new_certificate_serves_new_connections_only(void **state)
{
    (void)state;
    struct host h;
    struct caller before, after;
    host_open(&h, &generous, true);
    call(&before, &h, &cert);
    TURN_UNTIL(&h, before.opened && h.accepted == 1);
    struct net_tls *tls = test_server(&other_cert, NULL, NULL);
    net_listener_set_tls(h.listener, tls);
    net_tls_unref(tls);
    call(&after, &h, &cert); /* still trusts the old one only */
    TURN_UNTIL(&h, after.closed && h.refused == 1);
    assert_int_equal(NET_TLS_CAUSE_UNKNOWN_CA, after.cause);
    hang_up(&after);
    call(&after, &h, &other_cert);
    TURN_UNTIL(&h, after.opened && h.accepted == 2);
    assert_rc(RC_OK, net_stream_write(before.stream, str_bytes(STR("still"))));
    TURN_UNTIL(&h, h.n == 5); /* the old connection lives on with what it began with */
    hang_up(&before);
    hang_up(&after);
    host_close(&h);
}

static void test_a_taken_port_names_its_holder_and_a_closed_one_is_free_at_once(void **state)
{
    (void)state;
    struct host h;
    struct net_listener *second = NULL;
    struct net_holder holder;
    host_open(&h, &generous, false);
    struct net_listener_config config = {.addr = net_listener_addr(h.listener),
                                         .stream = {.message_max = 1, .queue_max = 1}};
    assert_rc(RC_EXISTS, net_listener_open(&config, &second, &holder));
    assert_int_equal(getpid(), holder.pid);
    assert_true(strncmp("net_listener_test", holder.name, 15) == 0);
    assert_true(net_holder_find(&config.addr, false, &holder));
    net_listener_close(h.listener, true, on_done, &h);
    assert_int_equal(0, h.done);
    assert_rc(RC_OK, net_listener_open(&config, &second, &holder));
    assert_int_equal(0, holder.pid);
    net_listener_close(second, true, NULL, NULL);
    h.listener = NULL;
    TURN_UNTIL(&h, h.done == 1);
    host_close(&h);
}

static void test_what_cannot_be_opened_says_why(void **state)
{
    (void)state;
    struct net_listener *l = NULL;
    struct net_listener_config config = {.addr = net_addr_v4(192, 0, 2, 1, 0),
                                         .stream = {.message_max = 1, .queue_max = 1}};
    assert_rc(RC_NOT_FOUND, net_listener_open(&config, &l, NULL));
    config.addr = (struct net_addr){0};
    assert_rc(RC_INVALID, net_listener_open(&config, &l, NULL));
    assert_null(net_listener_close(NULL, true, NULL, NULL));
}

static void test_closing_keeps_or_ends_connections_as_asked(void **state)
{
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        struct host h;
        struct caller caller;
        host_open(&h, &generous, true);
        call(&caller, &h, &cert);
        TURN_UNTIL(&h, caller.opened && h.accepted == 1);
        int silent = dial(&h, 1);
        TURN_UNTIL(&h, net_limits_connections(h.limits) == 2);
        net_listener_close(h.listener, keep, on_done, &h);
        h.listener = NULL;
        TURN_UNTIL(&h, h.done);
        assert_int_equal(1, h.refused); /* the silent one */
        assert_int_equal(NET_CLOSE_LISTENER, h.why);
        assert_int_equal(keep ? 0 : 1, h.ended);
        if (keep) {
            assert_rc(RC_OK, net_stream_write(caller.stream, str_bytes(STR("x"))));
            TURN_UNTIL(&h, h.n == 1);
            net_stream_close(h.streams[0]);
        } else {
            assert_int_equal(NET_CLOSE_LISTENER, h.end_why);
        }
        TURN_UNTIL(&h, caller.closed);
        close(silent);
        hang_up(&caller);
        host_close(&h);
    }
}

static void test_without_descriptors_it_rests_instead_of_spinning(void **state)
{
    (void)state;
    struct rlimit before, tight;
    struct host h;
    host_open(&h, &generous, false);
    int fd = dial(&h, 1), second = dial(&h, 1);
    assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &before));
    int lowest = dup(fd);
    close(lowest);
    tight = before;
    tight.rlim_cur = (rlim_t)lowest;
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &tight));
    TURN_UNTIL(&h, net_limits_refused(h.limits, NET_REFUSAL_FILES) == 1);
    assert_true(is_closed_by_host(fd)); /* told at once, by the spare descriptor */
    for (int i = 0; i < 5; i++)
        net_loop_turn(h.loop, false);
    assert_int_equal(1, net_limits_refused(h.limits, NET_REFUSAL_FILES)); /* it rests */
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &before));
    net_loop_skip_ms(h.loop, 200);
    TURN_UNTIL(&h, h.accepted == 1);
    close(fd);
    close(second);
    host_close(&h);
}

/* ---- several loops ---- */

enum { WORKERS = 3, CALLS = 24 };

struct worker {
    struct net_loop *loop;
    pthread_t thread;
    struct net_listener *listener;
    struct net_post join;
    atomic_int *joined, *answered;
};

static size_t worker_bytes(void *ctx, struct bytes data)
{
    net_stream_finish(ctx);
    return data.n;
}

static void worker_close(void *ctx, const struct net_close *why)
{
    (void)ctx, (void)why;
}

static const struct net_stream_events worker_stream = {worker_bytes, NULL, worker_close, NULL};

static void worker_accept(void *ctx, struct net_stream *stream)
{
    struct worker *w = ctx;
    assert_ptr_equal(w->loop, net_stream_loop(stream));
    net_stream_handle(stream, &worker_stream, stream);
    assert_rc(RC_OK, net_stream_write(stream, str_bytes(STR("hi"))));
    atomic_fetch_add(w->answered, 1);
}

static const struct net_listener_events worker_events = {worker_accept, NULL};

static void worker_join(void *ctx)
{
    struct worker *w = ctx;
    assert_rc(RC_OK, net_listener_join(w->listener, w->loop, &worker_events, w));
    atomic_fetch_add(w->joined, 1);
}

static void *worker_main(void *ctx)
{
    struct worker *w = ctx;
    net_loop_run(w->loop);
    return NULL;
}

static void stop_all(void *ctx)
{
    struct worker *workers = ctx;
    for (int i = 0; i < WORKERS; i++)
        net_loop_stop(workers[i].loop);
}

static void test_several_loops_share_one_port(void **state)
{
    (void)state;
    struct worker workers[WORKERS] = {0};
    struct net_limits *limits = NULL;
    struct net_listener *listener = NULL;
    atomic_int joined = 0, answered = 0;
    assert_rc(RC_OK, net_limits_new(&generous, &limits));
    struct net_listener_config config = {.addr = net_addr_v4(127, 0, 0, 1, 0),
                                         .limits = limits,
                                         .stream = {.message_max = 64, .queue_max = 64}};
    assert_rc(RC_OK, net_listener_open(&config, &listener, NULL));
    for (int i = 0; i < WORKERS; i++) {
        struct worker *w = &workers[i];
        assert_rc(RC_OK, net_loop_new(&w->loop));
        w->listener = listener;
        w->joined = &joined;
        w->answered = &answered;
        net_loop_post(w->loop, &w->join, worker_join, w);
        assert_int_equal(0, pthread_create(&w->thread, NULL, worker_main, w));
    }
    struct host h = {.listener = listener};
    for (int i = 0; i < CALLS; i++) {
        char got[8];
        int fd = dial(&h, 1);
        assert_int_equal(2, recv(fd, got, 2, MSG_WAITALL));
        assert_int_equal(1, send(fd, "x", 1, 0));
        assert_int_equal(0, recv(fd, got, 1, 0)); /* the answer to a word is the end */
        close(fd);
    }
    assert_int_equal(CALLS, answered);
    assert_int_equal(CALLS, net_listener_accepted(listener));
    while (atomic_load(&joined) <
           WORKERS) /* a loop joins before the listener is closed, or never */
        sched_yield();
    net_listener_close(listener, false, stop_all, workers);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < WORKERS; i++)
        net_loop_free(workers[i].loop);
    assert_int_equal(0, net_limits_connections(limits));
    net_limits_unref(limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_connections_come_and_go),
        cmocka_unit_test(test_a_connection_nobody_takes_is_closed),
        cmocka_unit_test(test_limits_in_all_and_by_source),
        cmocka_unit_test(test_a_source_is_64_bits_of_ipv6),
        cmocka_unit_test(test_garbage_before_tls_is_told_as_such),
        cmocka_unit_test(test_a_broken_hello_is_a_tls_failure),
        cmocka_unit_test(test_silence_costs_no_handshake_and_times_out),
        cmocka_unit_test(test_handshakes_under_way_are_bounded_and_stalled_ones_give_way),
        cmocka_unit_test(test_the_longest_silent_handshake_gives_way),
        cmocka_unit_test(test_a_handshake_that_stalls_times_out),
        cmocka_unit_test(test_a_new_certificate_serves_new_connections_only),
        cmocka_unit_test(test_a_taken_port_names_its_holder_and_a_closed_one_is_free_at_once),
        cmocka_unit_test(test_what_cannot_be_opened_says_why),
        cmocka_unit_test(test_closing_keeps_or_ends_connections_as_asked),
        cmocka_unit_test(test_without_descriptors_it_rests_instead_of_spinning),
        cmocka_unit_test(test_several_loops_share_one_port),
    };
    return cmocka_run_group_tests_name("net/listener", tests, make_certs, free_certs);
}
