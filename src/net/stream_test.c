/* net/stream_test.c - streams over loopback sockets: bytes in pieces, partial consumption, deadlines
 * under moved time, bounds, and the ways to end. */
#include "kit/kit.h"

#include "net/stream.h"
#include "net/test_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* A stream and what its owner saw. */
struct end {
    struct net_loop *loop;
    struct net_stream *stream;
    char text[256 * 1024];
    size_t n;
    int calls, opened, closed, drained;
    struct net_close why;
    size_t (*take)(struct end *end, struct bytes data); /* NULL: all */
    char echo;                                          /* not 0: written back for each call */
};

static size_t on_bytes(void *ctx, struct bytes data)
{
    struct end *end = ctx;
    end->calls++;
    size_t n = end->take ? end->take(end, data) : data.n;
    if (end->closed == 0 && n > 0) {
        assert_true(end->n + n <= sizeof end->text);
        memcpy(end->text + end->n, data.p, n);
        end->n += n;
    }
    return n;
}

static void on_open(void *ctx)
{
    ((struct end *)ctx)->opened++;
}

static void on_close(void *ctx, const struct net_close *why)
{
    struct end *end = ctx;
    end->closed++;
    end->why = *why;
    end->why.tls = NULL;
    end->stream = NULL;
}

static void on_drain(void *ctx)
{
    ((struct end *)ctx)->drained++;
}

static const struct net_stream_events events = {on_bytes, on_open, on_close, on_drain};
static const struct net_stream_config roomy = {.message_max = 65536, .queue_max = 1 << 20};

/* One stream over a socketpair; the test holds the other end as a plain descriptor. */
struct pair {
    struct net_loop *loop;
    struct end *end;
    int fd;
};

static struct pair pair_make(const struct net_stream_config *config)
{
    struct pair p = {.end = calloc(1, sizeof *p.end)};
    int fds[2];
    assert_rc(RC_OK, net_loop_new(&p.loop));
    assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    p.fd = fds[0];
    p.end->loop = p.loop;
    assert_rc(RC_OK,
              net_stream_adopt(p.loop, fds[1], NULL, 0, config, &events, p.end, &p.end->stream));
    return p;
}

static void pair_free(struct pair *p)
{
    net_stream_close(p->end->stream);
    if (p->fd >= 0) close(p->fd);
    net_loop_free(p->loop);
    free(p->end);
}

static void say(struct pair *p, const char *text)
{
    assert_int_equal(strlen(text), write(p->fd, text, strlen(text)));
    net_loop_turn(p->loop, true);
}

static void assert_closed(const struct pair *p, enum net_close_kind kind)
{
    assert_int_equal(1, p->end->closed);
    assert_string_equal(net_close_name(kind), net_close_name(p->end->why.kind));
}

/* Takes whole lines only. */
static size_t take_lines(struct end *end, struct bytes data)
{
    (void)end;
    size_t n = data.n;
    while (n > 0 && data.p[n - 1] != '\n')
        n--;
    return n;
}

static void test_lines_arrive_whole_though_sent_a_byte_at_a_time(void **state)
{
    (void)state;
    struct pair p = pair_make(&roomy);
    const char *text = "one\ntwo\n";
    p.end->take = take_lines;
    for (const char *c = text; *c; c++)
        say(&p, (char[]){*c, 0});
    assert_int_equal(8, p.end->calls);
    assert_str("one\ntwo\n", str_of(p.end->text, p.end->n));
    pair_free(&p);
}

static void test_a_rest_is_shown_again_with_what_follows(void **state)
{
    (void)state;
    struct pair p = pair_make(&roomy);
    p.end->take = take_lines;
    say(&p, "one\ntw");
    assert_str("one\n", str_of(p.end->text, p.end->n));
    say(&p, "o\nthr");
    assert_str("one\ntwo\n", str_of(p.end->text, p.end->n));
    say(&p, "ee\n");
    assert_str("one\ntwo\nthree\n", str_of(p.end->text, p.end->n));
    pair_free(&p);
}

/* Tokens and passwords pass through here: what is let go of, both ways, is wiped. */
static void test_no_byte_outlives_its_buffers(void **state)
{
    (void)state;
    static const char secret[] = "5ecret-t0ken";
    struct pair p = pair_make(&roomy);
    char in[64];
    p.end->take = take_lines;
    kit_watch_freed(secret);
    for (int i = 0; i < 1000; i++) /* a rest that grows, taken with what follows */
        say(&p, secret);
    say(&p, "\n");
    for (int i = 0; i < 1000; i++)
        assert_rc(RC_OK, net_stream_write(p.end->stream, bytes_of(secret, sizeof secret - 1)));
    net_loop_turn(p.loop, false);
    assert_int_equal(sizeof in, read(p.fd, in, sizeof in));
    say(&p, secret); /* a rest that stays */
    net_stream_close(p.end->stream);
    p.end->stream = NULL;
    net_loop_turn(p.loop, false);
    p.loop = net_loop_free(p.loop);
    assert_int_equal(0, kit_freed_with_secret());
    kit_watch_freed("");
    pair_free(&p);
}

static void test_an_endless_message_ends_the_stream(void **state)
{
    (void)state;
    struct net_stream_config config = {.message_max = 8, .queue_max = 64};
    struct pair p = pair_make(&config);
    p.end->take = take_lines;
    say(&p, "12345678");
    assert_int_equal(0, p.end->closed);
    say(&p, "9");
    assert_closed(&p, NET_CLOSE_TOO_BIG);
    pair_free(&p);
}

static void pass(struct pair *p, uint64_t ms)
{
    net_loop_skip_ms(p->loop, ms);
    net_loop_turn(p->loop, false);
}

static void test_silence_ends_the_stream_and_each_byte_defers_that(void **state)
{
    (void)state;
    struct net_stream_config config = {.idle_ms = 60000, .message_max = 64, .queue_max = 64};
    struct pair p = pair_make(&config);
    pass(&p, 59000);
    say(&p, "still here");
    pass(&p, 59000);
    assert_int_equal(0, p.end->closed);
    pass(&p, 2000);
    assert_closed(&p, NET_CLOSE_IDLE);
    pair_free(&p);
}

static void test_a_message_begun_must_be_finished_in_time(void **state)
{
    (void)state;
    struct net_stream_config config = {.message_ms = 10000, .message_max = 64, .queue_max = 64};
    struct pair p = pair_make(&config);
    p.end->take = take_lines;
    pass(&p, 100000); /* silence is no message */
    say(&p, "begun");
    pass(&p, 6000);
    say(&p, ".");
    pass(&p, 3000);
    say(&p, "done\nnext"); /* finished; another begins */
    pass(&p, 9000);
    assert_int_equal(0, p.end->closed);
    say(&p, "."); /* a drip does not help */
    pass(&p, 2000);
    assert_closed(&p, NET_CLOSE_SLOW);
    pair_free(&p);
}

static void test_what_is_expected_must_come_or_be_called_off(void **state)
{
    (void)state;
    struct pair p = pair_make(&roomy);
    net_stream_expect(p.end->stream, 10000);
    pass(&p, 9000);
    net_stream_expect(p.end->stream, 10000);
    pass(&p, 9000);
    assert_int_equal(0, p.end->closed);
    net_stream_expect(p.end->stream, 0);
    pass(&p, 60000);
    net_stream_expect(p.end->stream, 1000);
    pass(&p, 2000);
    assert_closed(&p, NET_CLOSE_EXPECT);
    pair_free(&p);
}

static void write_str(struct end *end, const char *text)
{
    assert_rc(RC_OK, net_stream_write(end->stream, str_bytes(str_from(text))));
}

static void test_the_writes_of_a_turn_leave_in_one_send(void **state)
{
    (void)state;
    int fds[2];
    char got[64];
    struct pair p = {.end = calloc(1, sizeof *p.end)};
    assert_rc(RC_OK, net_loop_new(&p.loop));
    assert_int_equal(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds)); /* keeps sends apart */
    p.fd = fds[0];
    assert_rc(RC_OK,
              net_stream_adopt(p.loop, fds[1], NULL, 0, &roomy, &events, p.end, &p.end->stream));
    write_str(p.end, "one ");
    write_str(p.end, "two ");
    write_str(p.end, "three");
    assert_int_equal(13, net_stream_queued(p.end->stream));
    net_loop_turn(p.loop, false);
    ssize_t n = recv(p.fd, got, sizeof got, MSG_DONTWAIT);
    assert_str("one two three", str_of(got, (size_t)n));
    assert_int_equal(0, net_stream_queued(p.end->stream));
    assert_int_equal(1, p.end->drained);
    pair_free(&p);
}

static void test_a_peer_that_does_not_read_is_let_go(void **state)
{
    (void)state;
    struct net_stream_config config = {.message_max = 64, .queue_max = 100000};
    struct pair p = pair_make(&config);
    static uint8_t block[50000];
    enum rc rc = RC_OK;
    for (int i = 0; i < 100 && rc == RC_OK; i++) {
        rc = net_stream_write(p.end->stream, bytes_of(block, sizeof block));
        if (rc == RC_OK) net_loop_turn(p.loop, false);
    }
    assert_rc(RC_BUSY, rc);
    assert_int_equal(0, p.end->closed);
    net_loop_turn(p.loop, false);
    assert_closed(&p, NET_CLOSE_QUEUE);
    pair_free(&p);
}

static size_t drain_fd(int fd)
{
    static char sink[65536];
    size_t total = 0;
    for (ssize_t n; (n = recv(fd, sink, sizeof sink, MSG_DONTWAIT)) > 0;)
        total += (size_t)n;
    return total;
}

static void test_a_slow_peer_gets_everything(void **state)
{
    (void)state;
    struct pair p = pair_make(&roomy);
    static uint8_t block[900000];
    assert_rc(RC_OK, net_stream_write(p.end->stream, bytes_of(block, sizeof block)));
    net_loop_turn(p.loop, false);
    assert_true(net_stream_queued(p.end->stream) > 0);
    size_t got = 0;
    while (got < sizeof block) {
        got += drain_fd(p.fd);
        net_loop_turn(p.loop, false);
    }
    assert_int_equal(sizeof block, got);
    assert_int_equal(1, p.end->drained);
    pair_free(&p);
}

static void test_the_peers_close_is_told_after_its_last_bytes(void **state)
{
    (void)state;
    struct pair p = pair_make(&roomy);
    say(&p, "bye");
    close(p.fd);
    p.fd = -1;
    net_loop_turn(p.loop, true);
    assert_str("bye", str_of(p.end->text, p.end->n));
    assert_closed(&p, NET_CLOSE_PEER);
    assert_true(p.end->why.tidy);
    pair_free(&p);
}

static size_t close_inside(struct end *end, struct bytes data)
{
    write_str(end, "last word");
    end->stream = net_stream_close(end->stream);
    return data.n / 2; /* whatever it says now does not matter */
}

static void test_closing_inside_its_own_callback(void **state)
{
    (void)state;
    struct pair p = pair_make(&roomy);
    char got[64];
    p.end->take = close_inside;
    say(&p, "anything");
    assert_int_equal(0, p.end->closed); /* the owner closed: it is not told */
    ssize_t n = recv(p.fd, got, sizeof got, 0);
    assert_str("last word", str_of(got, (size_t)n));
    assert_int_equal(0, recv(p.fd, got, sizeof got, 0));
    pair_free(&p);
}

static void test_a_closed_stream_takes_nothing_more(void **state)
{
    (void)state;
    struct pair p = pair_make(&roomy);
    struct net_stream *stream = p.end->stream;
    p.end->stream = net_stream_close(stream);
    assert_rc(RC_CLOSED, net_stream_write(stream, str_bytes(STR("x")))); /* until the turn ends */
    assert_null(net_stream_close(stream));
    assert_null(net_stream_finish(stream));
    assert_null(net_stream_close(NULL));
    pair_free(&p);
}

static void test_finish_waits_for_the_peer_but_not_for_ever(void **state)
{
    (void)state;
    for (int peer_closes = 0; peer_closes < 2; peer_closes++) {
        struct pair p = pair_make(&roomy);
        char got[64];
        write_str(p.end, "farewell");
        p.end->stream = net_stream_finish(p.end->stream);
        net_loop_turn(p.loop, false);
        assert_int_equal(8, recv(p.fd, got, sizeof got, 0));
        assert_int_equal(0, recv(p.fd, got, sizeof got, 0)); /* our half is closed */
        assert_int_equal(4, send(p.fd, "late", 4, MSG_NOSIGNAL));
        net_loop_turn(p.loop, false);
        if (peer_closes) {
            close(p.fd);
            p.fd = -1;
            net_loop_turn(p.loop, true);
        } else {
            pass(&p, NET_FINISH_MS + 1);
            assert_int_equal(-1, send(p.fd, "gone", 4, MSG_NOSIGNAL));
        }
        assert_int_equal(0, p.end->n);
        assert_int_equal(0, p.end->closed);
        pair_free(&p);
    }
}

/* ---- connecting ---- */

static int listen_on_loopback(struct net_addr *addr)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, bind(fd, (struct sockaddr *)&sa, sizeof sa));
    assert_int_equal(0, listen(fd, 8));
    assert_int_equal(0, getsockname(fd, (struct sockaddr *)&sa, &n));
    *addr = net_addr_from_sockaddr((struct sockaddr *)&sa);
    return fd;
}

static void test_connecting_to_a_listener_and_to_nobody(void **state)
{
    (void)state;
    struct net_connect_config config = {.stream = roomy, .open_ms = 5000};
    struct end *end = calloc(1, sizeof *end);
    struct net_loop *loop = NULL;
    assert_rc(RC_OK, net_loop_new(&loop));
    int fd = listen_on_loopback(&config.peer);
    assert_rc(RC_OK, net_stream_connect(loop, &config, &events, end, &end->stream));
    write_str(end, "early"); /* waits for the connection */
    assert_int_equal(0, end->opened);
    while (!end->opened || net_stream_queued(end->stream) > 0)
        net_loop_turn(loop, true);
    struct net_addr peer = net_stream_peer_addr(end->stream),
                    local = net_stream_local_addr(end->stream);
    assert_true(net_addr_eq(&peer, &config.peer));
    assert_true(net_addr_is_loopback(&local) && local.port > 0);
    int accepted = accept(fd, NULL, NULL);
    char got[8];
    assert_int_equal(5, recv(accepted, got, sizeof got, 0));
    struct linger reset = {1, 0};
    setsockopt(accepted, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(accepted);
    close(fd);
    while (!end->closed)
        net_loop_turn(loop, true);
    assert_int_equal(NET_CLOSE_RESET, end->why.kind);
    assert_int_equal(ECONNRESET, end->why.sys_errno);

    *end = (struct end){0};
    assert_rc(RC_OK, net_stream_connect(loop, &config, &events, end, &end->stream));
    while (!end->closed)
        net_loop_turn(loop, true);
    assert_int_equal(0, end->opened);
    assert_int_equal(NET_CLOSE_CONNECT, end->why.kind);
    assert_int_equal(ECONNREFUSED, end->why.sys_errno);
    free(end);
    net_loop_free(loop);
}

/* ---- TLS: a client and a server stream over one socketpair's worth of TCP ---- */

struct tls_pair {
    struct net_loop *loop;
    struct test_cert cert;
    struct net_tls *server_tls, *client_tls;
    struct end *server, *client;
    int listen_fd;
};

static struct tls_pair tls_pair_make(const struct net_stream_config *config)
{
    struct tls_pair p = {.server = calloc(1, sizeof *p.server),
                         .client = calloc(1, sizeof *p.client)};
    p.cert = test_cert_make(
        &(struct test_cert_spec){.common_name = "localhost", .alt_names = "DNS:localhost"});
    p.server_tls = test_server(&p.cert, NULL, NULL);
    p.client_tls = test_client(&p.cert, NULL);
    assert_rc(RC_OK, net_loop_new(&p.loop));
    struct net_connect_config connect = {
        .stream = *config, .tls = p.client_tls, .server_name = STR("localhost"), .open_ms = 5000};
    p.listen_fd = listen_on_loopback(&connect.peer);
    assert_rc(RC_OK, net_stream_connect(p.loop, &connect, &events, p.client, &p.client->stream));
    int fd = accept4(p.listen_fd, NULL, NULL, SOCK_NONBLOCK);
    assert_rc(RC_OK, net_stream_adopt(p.loop, fd, p.server_tls, 5000, config, &events, p.server,
                                      &p.server->stream));
    while (!p.server->opened || !p.client->opened)
        net_loop_turn(p.loop, true);
    return p;
}

static void tls_pair_free(struct tls_pair *p)
{
    net_stream_close(p->server->stream);
    net_stream_close(p->client->stream);
    net_loop_free(p->loop);
    net_tls_unref(p->server_tls);
    net_tls_unref(p->client_tls);
    test_cert_free(&p->cert);
    close(p->listen_fd);
    free(p->server);
    free(p->client);
}

static void test_tls_carries_bytes_both_ways(void **state)
{
    (void)state;
    struct tls_pair p = tls_pair_make(&roomy);
    struct net_stream_tls_info info;
    assert_true(net_stream_tls_info(p.server->stream, &info));
    assert_string_equal("TLSv1.3", info.version);
    assert_str("localhost", info.server_name);
    assert_false(info.resumed);
    write_str(p.client, "ping");
    while (p.server->n < 4)
        net_loop_turn(p.loop, true);
    write_str(p.server, "pong");
    while (p.client->n < 4)
        net_loop_turn(p.loop, true);
    assert_str("ping", str_of(p.server->text, p.server->n));
    assert_str("pong", str_of(p.client->text, p.client->n));
    p.client->stream = net_stream_close(p.client->stream);
    while (!p.server->closed)
        net_loop_turn(p.loop, true);
    assert_int_equal(NET_CLOSE_PEER, p.server->why.kind);
    assert_true(p.server->why.tidy);
    tls_pair_free(&p);
}

static void test_tls_carries_much_through_small_buffers(void **state)
{
    (void)state;
    struct tls_pair p = tls_pair_make(&roomy);
    enum { TOTAL = 250000 };
    uint8_t *block = malloc(TOTAL);
    for (size_t i = 0; i < TOTAL; i++)
        block[i] = (uint8_t)(i * 31 >> 3);
    assert_rc(RC_OK, net_stream_write(p.client->stream, bytes_of(block, TOTAL)));
    while (p.server->n < TOTAL)
        net_loop_turn(p.loop, true);
    assert_memory_equal(block, p.server->text, TOTAL);
    free(block);
    tls_pair_free(&p);
}

static void test_tls_rests_are_kept_between_records(void **state)
{
    (void)state;
    struct tls_pair p = tls_pair_make(&roomy);
    p.server->take = take_lines;
    for (const char *c = "one\ntwo\n"; *c; c++) {
        int calls = p.server->calls;
        write_str(p.client, (char[]){*c, 0});
        while (p.server->calls == calls)
            net_loop_turn(p.loop, true);
    }
    assert_str("one\ntwo\n", str_of(p.server->text, p.server->n));
    tls_pair_free(&p);
}

static void test_tls_peer_that_just_goes_is_an_untidy_close(void **state)
{
    (void)state;
    struct tls_pair p = tls_pair_make(&roomy);
    /* the socket alone, as a phone that loses power behind a proxy does */
    struct net_addr local = net_stream_local_addr(p.client->stream);
    assert_true(local.port > 0);
    for (int fd = 3; fd < 64; fd++) {
        struct sockaddr_in sa;
        socklen_t n = sizeof sa;
        if (getsockname(fd, (struct sockaddr *)&sa, &n) == 0 && n == sizeof sa &&
            ntohs(sa.sin_port) == local.port)
            shutdown(fd, SHUT_WR);
    }
    while (!p.server->closed)
        net_loop_turn(p.loop, true);
    assert_int_equal(NET_CLOSE_PEER, p.server->why.kind);
    assert_false(p.server->why.tidy);
    tls_pair_free(&p);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__has_feature)
/* What an idle TLS 1.3 server connection keeps, our struct and the library's objects together: what
 * closing the servers, on a loop of their own, gives back to the allocator. */
static void test_an_idle_tls_connection_keeps_little_memory(void **state)
{
    (void)state;
    enum { PAIRS = 16, BYTES_MAX = 14848 /* 14.5 KiB */ };
    struct tls_pair p = tls_pair_make(&roomy);
    struct net_loop *loop = NULL; /* of the servers */
    struct net_connect_config connect = {
        .stream = roomy, .tls = p.client_tls, .server_name = STR("localhost"), .open_ms = 5000};
    struct sockaddr_in sa;
    socklen_t n = sizeof sa;
    assert_rc(RC_OK, net_loop_new(&loop));
    getsockname(p.listen_fd, (struct sockaddr *)&sa, &n);
    connect.peer = net_addr_from_sockaddr((struct sockaddr *)&sa);
    struct end *clients = calloc(PAIRS, sizeof *clients), *servers = calloc(PAIRS, sizeof *servers);
    for (int i = 0; i < PAIRS; i++) {
        struct end *client = &clients[i], *server = &servers[i];
        assert_rc(RC_OK, net_stream_connect(p.loop, &connect, &events, client, &client->stream));
        int fd = accept4(p.listen_fd, NULL, NULL, SOCK_NONBLOCK);
        assert_rc(RC_OK, net_stream_adopt(loop, fd, p.server_tls, 5000, &roomy, &events, server,
                                          &server->stream));
        write_str(client, "a message of some length, then silence");
        while (server->n == 0) {
            net_loop_turn(p.loop, false);
            net_loop_turn(loop, false);
        }
        write_str(server, "an answer");
        while (client->n == 0) {
            net_loop_turn(p.loop, false);
            net_loop_turn(loop, false);
        }
    }
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < PAIRS; i++)
        net_stream_close(servers[i].stream);
    net_loop_turn(loop, false);
    size_t each = (before - mallinfo2().uordblks) / PAIRS;
    print_message("             %zu bytes for each idle TLS 1.3 connection\n", each);
    assert_in_range(each, 1000, BYTES_MAX);
    for (int i = 0; i < PAIRS; i++)
        net_stream_close(clients[i].stream);
    net_loop_free(loop);
    free(clients);
    free(servers);
    tls_pair_free(&p);
}
#define IDLE_MEMORY_TEST cmocka_unit_test(test_an_idle_tls_connection_keeps_little_memory),
#else
#define IDLE_MEMORY_TEST /* sanitizers have allocators of their own */
#endif

static void adopt_and_talk(void *ctx)
{
    (void)ctx;
    struct net_loop *loop = NULL;
    struct end *end = calloc(1, sizeof *end);
    int fds[2];
    if (!end) return;
    assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    enum rc rc = net_loop_new(&loop);
    if (rc == RC_OK)
        rc = net_stream_adopt(loop, fds[1], NULL, 0, &roomy, &events, end, &end->stream);
    if (rc != RC_OK) close(fds[1]);
    end->take = take_lines;
    if (rc == RC_OK) {
        assert_int_equal(4, write(fds[0], "half", 4));
        net_loop_turn(loop, true);
        if (end->stream) rc = net_stream_write(end->stream, str_bytes(STR("answer")));
        net_loop_turn(loop, false);
        net_stream_close(end->stream);
    }
    net_loop_free(loop);
    close(fds[0]);
    free(end);
}

static void test_no_memory_ends_the_stream_and_no_more(void **state)
{
    (void)state;
    kit_each_alloc_fails(adopt_and_talk, NULL);
}

static void test_every_end_has_its_words(void **state)
{
    (void)state;
    for (int kind = NET_CLOSE_PEER; kind <= NET_CLOSE_NOMEM; kind++) {
        char text[256];
        struct buf out;
        struct net_close close = {
            .kind = kind, .sys_errno = ECONNRESET, .first = {'G', 0x01}, .first_n = 2};
        buf_init_fixed(&out, text, sizeof text);
        net_close_print(&out, &close);
        assert_rc(RC_OK, buf_rc(&out));
        assert_true(str_ends(buf_str(&out), STR("Connection reset by peer: G\\x01")));
        assert_non_null(net_close_name(kind));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_arrive_whole_though_sent_a_byte_at_a_time),
        cmocka_unit_test(test_a_rest_is_shown_again_with_what_follows),
        cmocka_unit_test(test_no_byte_outlives_its_buffers),
        cmocka_unit_test(test_an_endless_message_ends_the_stream),
        cmocka_unit_test(test_silence_ends_the_stream_and_each_byte_defers_that),
        cmocka_unit_test(test_a_message_begun_must_be_finished_in_time),
        cmocka_unit_test(test_what_is_expected_must_come_or_be_called_off),
        cmocka_unit_test(test_the_writes_of_a_turn_leave_in_one_send),
        cmocka_unit_test(test_a_peer_that_does_not_read_is_let_go),
        cmocka_unit_test(test_a_slow_peer_gets_everything),
        cmocka_unit_test(test_the_peers_close_is_told_after_its_last_bytes),
        cmocka_unit_test(test_closing_inside_its_own_callback),
        cmocka_unit_test(test_a_closed_stream_takes_nothing_more),
        cmocka_unit_test(test_finish_waits_for_the_peer_but_not_for_ever),
        cmocka_unit_test(test_connecting_to_a_listener_and_to_nobody),
        cmocka_unit_test(test_tls_carries_bytes_both_ways),
        cmocka_unit_test(test_tls_carries_much_through_small_buffers),
        cmocka_unit_test(test_tls_rests_are_kept_between_records),
        cmocka_unit_test(test_tls_peer_that_just_goes_is_an_untidy_close),
        IDLE_MEMORY_TEST cmocka_unit_test(test_no_memory_ends_the_stream_and_no_more),
        cmocka_unit_test(test_every_end_has_its_words),
    };
    return cmocka_run_group_tests_name("net/stream", tests, NULL, NULL);
}
