/* Two stacks of one process over real sockets on loopback: UDP, TCP and TLS, both roles; what is
 * refused; listeners that leave; posts from one worker to another. */
#include "kit/kit.h"

#include "net/loop.h"
#include "net/test_tls.h"
#include "net/udp.h"
#include "siptx/bed.h"
#include "siptx/stack_int.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KIND_LINE = 5, STRANGER_MS = 60000 };

/* One loop with a server stack (worker 1) and a client stack (worker 2). */
struct world {
    struct net_loop *loop;
    struct siptx_node *node;
    struct siptx_trace *trace;
    struct siptx_stack *server, *client;
    struct kit_random seed;
    struct net_listener *listener;
    bool listener_done;
    char told[2048];
    unsigned finals, gone, last_status;
    uint64_t pins; /* on_request pins its flow, which is this one */
    bool pin;
};

static struct world w;

static void note(const char *fmt, ...) PRINTF_LIKE(1, 2);
static void note(const char *fmt, ...)
{
    va_list ap;
    size_t n = strlen(w.told);
    va_start(ap, fmt);
    vsnprintf(w.told + n, sizeof w.told - n, fmt, ap);
    va_end(ap);
}

static void on_request(void *ctx, struct siptx_request *r)
{
    (void)ctx;
    note("request kind %d %s, ", r->flow->listener_kind,
         siptx_transport_name((enum siptx_transport)r->flow->transport).p);
    if (w.pin) siptx_flow_pin(r->flow, true);
    w.pins = r->flow_id;
    siptx_respond(r, 200, STR(""), STR("X-Test: yes\r\n"));
}

static void on_ready(void *ctx, struct siptx_flow *f)
{
    (void)ctx;
    struct net_stream_tls_info tls;
    assert_int_equal(f->transport == SIPTX_TLS, siptx_flow_tls_info(f, &tls));
    if (f->transport == SIPTX_TLS) assert_string_equal("TLSv1.3", tls.version);
    note("ready, ");
}

static void on_closed(void *ctx, struct siptx_flow *f, enum siptx_close why, struct str text)
{
    if (why == SIPTX_CLOSE_CONNECT) assert_non_null(f->lost);
    if (why == SIPTX_CLOSE_OWNER) assert_null(f->lost);
    note("%s closed %s%s, ", (const char *)ctx, siptx_close_name(why), text.n > 0 ? " told" : "");
}

static void on_refused(void *ctx, int kind, const struct net_addr *peer,
                       const struct net_close *why)
{
    (void)ctx, (void)peer;
    note("refused kind %d %s, ", kind, net_close_name(why->kind));
}

static void on_outcome(void *ctx, struct siptx_client *c, enum siptx_outcome o,
                       const struct sip_message *m, struct arena *arena)
{
    (void)ctx, (void)c, (void)arena;
    if (o == SIPTX_GONE) w.gone++;
    if (!m) return;
    w.finals++;
    w.last_status = m->status;
    assert_non_null(sip_message_by_name(m, STR("X-Test"), NULL));
}

static struct siptx_stack *stack_new(unsigned worker, const char *name)
{
    struct siptx_stack *s;
    struct siptx_config c = {
        .worker = worker,
        .loop = w.loop,
        .random = kit_random(&w.seed, worker),
        .trace = w.trace,
        .node = w.node,
        .limits = {.stream_idle_ms = worker == 1 ? STRANGER_MS : 0},
        .events = {.ctx = (void *)(uintptr_t)name,
                   .on_request = on_request,
                   .on_flow_ready = on_ready,
                   .on_flow_closed = on_closed,
                   .on_refused = on_refused},
    };
    assert_rc(RC_OK, siptx_stack_new(&c, &s));
    return s;
}

static int setup(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    assert_rc(RC_OK, net_loop_new(&w.loop));
    w.node = siptx_node_new();
    w.trace = siptx_trace_new(0);
    w.server = stack_new(1, "server");
    w.client = stack_new(2, "client");
    return 0;
}

static void turns(int n)
{
    while (n-- > 0)
        net_loop_turn(w.loop, false);
}

/* Turns until told holds needle; the test's own time limit ends a wait in vain. */
static void wait_for(const char *needle)
{
    while (!strstr(w.told, needle))
        net_loop_turn(w.loop, true);
}

static void listener_done(void *ctx)
{
    (void)ctx;
    w.listener_done = true;
}

static void listener_close(bool keep)
{
    siptx_stack_leave(w.server, w.listener, !keep);
    w.listener = net_listener_close(w.listener, keep, listener_done, NULL);
    while (!w.listener_done)
        net_loop_turn(w.loop, true);
}

static int teardown(void **state)
{
    (void)state;
    if (w.listener) listener_close(false);
    w.client = siptx_stack_free(w.client);
    w.server = siptx_stack_free(w.server);
    turns(3);
    w.loop = net_loop_free(w.loop);
    w.node = siptx_node_free(w.node);
    w.trace = siptx_trace_free(w.trace);
    return 0;
}

static struct net_addr listen_on(struct net_tls *tls)
{
    struct siptx_limits limits = {0};
    struct net_listener_config c = {
        .addr = net_addr_v4(127, 0, 0, 1, 0),
        .tls = tls,
        .stream = siptx_stream_config(&limits),
    };
    assert_rc(RC_OK, net_listener_open(&c, &w.listener, NULL));
    assert_rc(RC_OK,
              siptx_stack_join(w.server, w.listener, KIND_LINE, tls ? SIPTX_TLS : SIPTX_TCP));
    assert_rc(RC_EXISTS,
              siptx_stack_join(w.server, w.listener, KIND_LINE, tls ? SIPTX_TLS : SIPTX_TCP));
    return net_listener_addr(w.listener);
}

static void send_options(struct siptx_flow *f)
{
    struct buf *out = siptx_request_begin(w.client, f, STR("OPTIONS"), STR("sip:b@example.net"));
    buf_put_lit(out, "From: <sip:a@b>;tag=x\r\nTo: <sip:b@example.net>\r\nCall-ID: q\r\n"
                     "CSeq: 5 OPTIONS\r\n");
    assert_rc(RC_OK, siptx_request_send(w.client, STR(""), STR(""), on_outcome, NULL, NULL));
}

static void wait_final(unsigned finals)
{
    while (w.finals < finals)
        net_loop_turn(w.loop, true);
    assert_int_equal(200, w.last_status);
}

static void call_over_stream(struct siptx_target t)
{
    struct siptx_flow *f;
    assert_rc(RC_OK, siptx_connect(w.client, &t, &f));
    assert_false(f->ready);
    wait_for("ready, ");
    assert_int_not_equal(0, f->local.port);
    send_options(f);
    wait_final(1);
    send_options(f);
    wait_final(2);
    assert_rc(RC_OK, siptx_flow_ping(f));
    const struct siptx_counters *c = siptx_stack_counters(w.server);
    while (c->keepalives == 0)
        net_loop_turn(w.loop, true);
    siptx_flow_close(f, SIPTX_CLOSE_OWNER);
    wait_for("server closed peer");
    assert_int_equal(2, w.gone);
}

static void test_tcp(void **state)
{
    (void)state;
    call_over_stream((struct siptx_target){.addr = listen_on(NULL), .transport = SIPTX_TCP});
    assert_true(strstr(w.told, "request kind 5 TCP, request kind 5 TCP, ") != NULL);
}

static void test_tls(void **state)
{
    (void)state;
    struct test_cert cert = test_cert_make(
        &(struct test_cert_spec){.common_name = "node", .alt_names = "DNS:localhost", .ca = true});
    struct net_tls *server = test_server(&cert, NULL, NULL), *client = test_client(&cert, NULL);
    call_over_stream((struct siptx_target){.addr = listen_on(server),
                                           .transport = SIPTX_TLS,
                                           .tls = client,
                                           .server_name = STR("localhost")});
    assert_true(strstr(w.told, "request kind 5 TLS, ") != NULL);
    net_tls_unref(server);
    net_tls_unref(client);
    test_cert_free(&cert);
}

static void test_wrong_name_closes_with_a_reason(void **state)
{
    (void)state;
    struct test_cert cert = test_cert_make(
        &(struct test_cert_spec){.common_name = "node", .alt_names = "DNS:localhost", .ca = true});
    struct net_tls *server = test_server(&cert, NULL, NULL), *client = test_client(&cert, NULL);
    struct siptx_target t = {.addr = listen_on(server),
                             .transport = SIPTX_TLS,
                             .tls = client,
                             .server_name = STR("elsewhere.example")};
    struct siptx_flow *f;
    assert_rc(RC_OK, siptx_connect(w.client, &t, &f));
    wait_for("client closed connect told, ");
    wait_for("refused kind 5 ");
    net_tls_unref(server);
    net_tls_unref(client);
    test_cert_free(&cert);
}

static void test_nobody_listens(void **state)
{
    (void)state;
    struct net_addr addr = listen_on(NULL);
    listener_close(true);
    struct siptx_flow *f;
    struct siptx_target t = {.addr = addr, .transport = SIPTX_TCP};
    assert_rc(RC_OK, siptx_connect(w.client, &t, &f));
    wait_for("client closed connect told, ");
    t.addr.port = 0;
    assert_rc(RC_INVALID, siptx_connect(w.client, &t, &f));
    t.addr.port = 5060;
    t.transport = SIPTX_UDP;
    assert_rc(RC_NOT_FOUND, siptx_connect(w.client, &t, &f));
}

static void test_listener_leaves_with_or_without_its_flows(void **state)
{
    (void)state;
    struct siptx_flow *f;
    struct siptx_target t = {.addr = listen_on(NULL), .transport = SIPTX_TCP};
    assert_rc(RC_OK, siptx_connect(w.client, &t, &f));
    wait_for("ready, ");
    send_options(f);
    wait_final(1);
    listener_close(true);
    send_options(f);
    wait_final(2); /* the connection goes on */
    w.listener_done = false;
    w.told[0] = '\0';
    t.addr = listen_on(NULL);
    assert_rc(RC_OK, siptx_connect(w.client, &t, &f));
    wait_for("ready, ");
    send_options(f);
    wait_final(3);
    listener_close(false);
    wait_for("server closed listener");
    wait_for("client closed peer");
}

static void test_udp(void **state)
{
    (void)state;
    struct net_addr any = net_addr_v4(127, 0, 0, 1, 0);
    struct net_udp_port *a, *b;
    struct siptx_flow *f, *again;
    assert_rc(RC_OK, net_udp_open(&any, 1, &a, NULL));
    assert_rc(RC_OK, net_udp_open(&any, 1, &b, NULL));
    assert_rc(RC_OK, siptx_stack_join_udp(w.server, a, KIND_LINE));
    assert_rc(RC_EXISTS, siptx_stack_join_udp(w.server, a, KIND_LINE));
    assert_rc(RC_OK, siptx_stack_join_udp(w.client, b, KIND_LINE));
    struct siptx_target t = {.addr = net_udp_addr(a), .transport = SIPTX_UDP};
    assert_rc(RC_OK, siptx_connect(w.client, &t, &f));
    assert_rc(RC_OK, siptx_connect(w.client, &t, &again));
    assert_ptr_equal(f, again);
    send_options(f);
    wait_final(1);
    assert_string_equal("request kind 5 UDP, ", w.told);
    assert_rc(RC_OK, siptx_flow_ping(f));
    while (siptx_stack_counters(w.server)->stun_bindings == 0)
        net_loop_turn(w.loop, true);
    siptx_stack_leave_udp(w.server, a);
    wait_for("server closed listener, ");
    siptx_stack_leave_udp(w.client, b);
    wait_for("client closed listener, ");
    net_udp_close(a);
    net_udp_close(b);
    net_loop_skip_ms(w.loop, 6000);
    turns(2);
    assert_int_equal(1, w.gone);
}

/* A plain socket with an answer that never ends its message. */
static void test_clear_text_peer_that_breaks_framing_is_answered_and_closed(void **state)
{
    (void)state;
    struct net_addr addr = listen_on(NULL);
    static const char message[] =
        "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
        "To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: -1\r\n\r\n";
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_storage sa;
    size_t sa_n = net_addr_to_sockaddr(&addr, &sa);
    assert_int_equal(0, connect(fd, (struct sockaddr *)&sa, (socklen_t)sa_n));
    assert_int_equal(sizeof message - 1, write(fd, message, sizeof message - 1));
    wait_for("server closed framing, ");
    turns(3);
    char in[2048];
    ssize_t n = read(fd, in, sizeof in);
    assert_true(n > 12 && memcmp(in, "SIP/2.0 400 ", 12) == 0);
    assert_int_equal(0, read(fd, in, sizeof in));
    close(fd);
    turns(3);
}

static int dial(const struct net_addr *addr)
{
    struct sockaddr_storage sa;
    size_t sa_n = net_addr_to_sockaddr(addr, &sa);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(0, connect(fd, (struct sockaddr *)&sa, (socklen_t)sa_n));
    return fd;
}

/* Some phones keep a NAT open with one line end now and then: no message has begun, so none is slow.
 * Two of them are a ping however long they took. */
static void test_a_lone_line_end_is_no_slow_message(void **state)
{
    (void)state;
    struct net_addr addr = listen_on(NULL);
    const struct siptx_counters *c = siptx_stack_counters(w.server);
    int fd = dial(&addr);
    assert_int_equal(2, write(fd, "\r\n", 2));
    while (c->flows_open == 0)
        net_loop_turn(w.loop, true);
    turns(3);
    net_loop_skip_ms(w.loop, SIPTX_MESSAGE_TIME_MS + 1000);
    turns(3);
    assert_string_equal("", w.told);
    assert_int_equal(2, write(fd, "\r\n", 2));
    while (c->keepalives == 0)
        net_loop_turn(w.loop, true);
    turns(1);
    char in[8];
    assert_int_equal(2, read(fd, in, sizeof in));
    close(fd);
    wait_for("server closed peer");
}

/* Who has registered may be silent for as long as the registration lasts; a stranger may not. */
static void test_silence_ends_strangers_but_not_who_is_pinned(void **state)
{
    (void)state;
    struct siptx_flow *f;
    struct siptx_target t = {.addr = listen_on(NULL), .transport = SIPTX_TCP};
    const struct siptx_counters *c = siptx_stack_counters(w.server);
    w.pin = true;
    assert_rc(RC_OK, siptx_connect(w.client, &t, &f));
    wait_for("ready, ");
    send_options(f);
    wait_final(1);
    int fd = dial(&t.addr);
    while (c->flows_open < 2)
        net_loop_turn(w.loop, true);
    net_loop_skip_ms(w.loop, STRANGER_MS + 1000);
    wait_for("server closed idle");
    turns(3);
    assert_int_equal(1, c->flows_open);
    siptx_flow_pin(siptx_flow_find(w.server, w.pins), false);
    wait_for("client closed peer");
    assert_int_equal(2, c->flows_closed[SIPTX_CLOSE_IDLE]);
    close(fd);
}

/* ---- the other workers ---- */

struct hello {
    struct siptx_stack *got;
    unsigned calls;
};

static void say_hello(struct siptx_stack *s, void *ctx)
{
    struct hello *h = ctx;
    h->got = s;
    h->calls++;
}

static void *post_from_afar(void *ctx)
{
    for (int i = 0; i < 100; i++)
        assert_rc(RC_OK, siptx_node_post(w.node, 2, say_hello, ctx));
    return NULL;
}

static void test_posts_reach_the_worker_named(void **state)
{
    (void)state;
    struct hello h = {0};
    pthread_t t;
    assert_rc(RC_NOT_FOUND, siptx_node_post(w.node, 7, say_hello, &h));
    assert_rc(RC_NOT_FOUND, siptx_node_post(w.node, SIPTX_WORKER_MAX, say_hello, &h));
    assert_int_equal(0, pthread_create(&t, NULL, post_from_afar, &h));
    while (h.calls < 100)
        net_loop_turn(w.loop, true);
    pthread_join(t, NULL);
    assert_ptr_equal(w.client, h.got);
    assert_rc(RC_OK, siptx_node_post(w.node, 2, say_hello, &h));
    w.client = siptx_stack_free(w.client); /* the post is still on its way */
    assert_null(h.got);
    assert_int_equal(101, h.calls);
    assert_rc(RC_NOT_FOUND, siptx_node_post(w.node, 2, say_hello, &h));
    turns(2);
}

static enum rc swallow(const struct siptx_flow *f, const struct net_addr *to, struct str bytes)
{
    struct buf *b = f->wire;
    (void)to;
    buf_put_str(b, bytes);
    return RC_OK;
}

/* UDP alone: the request left by worker 2, its answer comes in by worker 1's socket. */
static void test_response_that_comes_in_by_another_worker(void **state)
{
    (void)state;
    static const struct siptx_wire_ops ops = {.send = swallow};
    struct buf sent;
    struct siptx_flow *here, *there;
    static char answer[4096];
    buf_init(&sent, 10000);
    struct siptx_flow_desc d = {.transport = SIPTX_UDP,
                                .listener_kind = SIPTX_KIND_OUTGOING,
                                .local = net_addr_v4(127, 0, 0, 1, 1),
                                .peer = net_addr_v4(127, 0, 0, 1, 2),
                                .ops = &ops,
                                .wire = &sent};
    assert_rc(RC_OK, siptx_flow_open(w.client, &d, &there));
    assert_rc(RC_OK, siptx_flow_open(w.server, &d, &here));
    send_options(there);
    struct str r = bed_response(answer, sizeof answer, buf_str(&sent), 200, "t");
    ptrdiff_t at = str_find(r, STR("Content-Length"));
    memmove(answer + at + 13, answer + at, r.n - (size_t)at);
    memcpy(answer + at, "X-Test: yes\r\n", 13);
    siptx_flow_input(here, str_of(answer, r.n + 13));
    assert_int_equal(0, w.finals);
    wait_final(1);
    buf_fini(&sent);
}

/* Anyone can name another worker in a branch: what waits for that one is bounded. */
static void test_forged_responses_to_another_worker_are_bounded(void **state)
{
    (void)state;
    enum { BODY = 60000, COUNT = 400 };
    static const struct siptx_wire_ops ops = {.send = swallow};
    static char text[BODY + 1024];
    struct siptx_flow_desc d = {.transport = SIPTX_TCP,
                                .local = net_addr_v4(127, 0, 0, 1, 1),
                                .peer = net_addr_v4(127, 0, 0, 1, 2),
                                .ops = &ops};
    struct siptx_flow *f;
    const struct siptx_counters *here = siptx_stack_counters(w.server);
    const struct siptx_counters *there = siptx_stack_counters(w.client);
    int n = snprintf(text, sizeof text,
                     "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKbl020123456789abcdef\r\n"
                     "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: 1\r\n"
                     "CSeq: 1 OPTIONS\r\nContent-Length: %d\r\n\r\n%0*d",
                     BODY, BODY, 0);
    assert_rc(RC_OK, siptx_flow_open(w.server, &d, &f));
    for (int round = 0; round < 2; round++) {
        uint64_t dropped_here = here->dropped_responses, dropped_there = there->dropped_responses;
        for (int i = 0; i < COUNT; i++)
            siptx_flow_input(f, str_of(text, (size_t)n));
        dropped_here = here->dropped_responses - dropped_here;
        assert_true(dropped_here > COUNT / 4 && dropped_here < COUNT);
        turns(2);
        dropped_there = there->dropped_responses - dropped_there;
        assert_int_equal(COUNT, dropped_here + dropped_there);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_tcp),
        T(test_tls),
        T(test_wrong_name_closes_with_a_reason),
        T(test_nobody_listens),
        T(test_listener_leaves_with_or_without_its_flows),
        T(test_udp),
        T(test_clear_text_peer_that_breaks_framing_is_answered_and_closed),
        T(test_a_lone_line_end_is_no_slow_message),
        T(test_silence_ends_strangers_but_not_who_is_pinned),
        T(test_posts_reach_the_worker_named),
        T(test_response_that_comes_in_by_another_worker),
        T(test_forged_responses_to_another_worker_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
