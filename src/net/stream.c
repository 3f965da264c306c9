/* net/stream.c - the life of a stream: made, opened, its deadlines, its end.
 *
 *   CONNECTING --> HANDSHAKE --> OPEN --> CLOSED --> freed at the end of the turn
 *        '----------------------^  | ^
 *   SILENT (accepted TLS) --> HANDSHAKE   '-- FINISHING: nobody listens, output drains
 *
 * One timer serves all deadlines. It is moved only to an earlier time; when it fires too early it is
 * set again, so that a busy stream touches the wheel once an idle time. */
#include "net/stream.h"
#include "base/check.h"
#include "net/loop_int.h"
#include "net/stream_int.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REST_SLACK = LOOP_PLAIN_BYTES }; /* a chunk may come on top of the longest rest */

static void on_timer(void *ctx);

static uint64_t sooner(uint64_t a_ms, uint64_t b_ms)
{
    return b_ms && (!a_ms || b_ms < a_ms) ? b_ms : a_ms;
}

static uint64_t idle_due_ms(const struct net_stream *s)
{
    return s->state == STREAM_OPEN && s->config.idle_ms ? s->last_in_ms + s->config.idle_ms : 0;
}

static void arm(struct net_stream *s)
{
    uint64_t due_ms = sooner(sooner(idle_due_ms(s), s->open_due_ms),
                             sooner(s->message_due_ms, s->expect_due_ms));
    uint64_t now_ms = net_loop_now_ms(s->loop);
    if (!due_ms || (wheel_is_running(&s->timer) && s->timer.due_ms <= due_ms)) return;
    net_timer_start(s->loop, &s->timer, due_ms > now_ms ? due_ms - now_ms : 0, on_timer, s);
}

static bool is_over(uint64_t due_ms, uint64_t now_ms)
{
    return due_ms && due_ms <= now_ms;
}

static enum net_close_kind open_timeout(const struct net_stream *s)
{
    return s->state == STREAM_CONNECTING ? NET_CLOSE_CONNECT : NET_CLOSE_TLS_TIMEOUT;
}

static void on_timer(void *ctx)
{
    struct net_stream *s = ctx;
    uint64_t now_ms = net_loop_now_ms(s->loop);
    if (is_over(s->open_due_ms, now_ms)) {
        if (s->state == STREAM_FINISHING)
            stream_release(s);
        else
            stream_end(s, open_timeout(s), ETIMEDOUT);
    } else if (is_over(s->message_due_ms, now_ms)) {
        stream_end(s, NET_CLOSE_SLOW, 0);
    } else if (is_over(s->expect_due_ms, now_ms)) {
        stream_end(s, NET_CLOSE_EXPECT, 0);
    } else if (is_over(idle_due_ms(s), now_ms)) {
        stream_end(s, NET_CLOSE_IDLE, 0);
    } else {
        arm(s);
    }
}

void stream_open_within(struct net_stream *s, uint32_t ms)
{
    s->open_due_ms = net_loop_now_ms(s->loop) + ms;
    arm(s);
}

void stream_message_due(struct net_stream *s, bool rest, bool progress)
{
    if (!rest)
        s->message_due_ms = 0;
    else if (s->config.message_ms && (progress || !s->message_due_ms))
        s->message_due_ms = net_loop_now_ms(s->loop) + s->config.message_ms;
    if (s->message_due_ms) arm(s);
}

void net_stream_expect(struct net_stream *s, uint32_t ms)
{
    if (s->state >= STREAM_FINISHING) return;
    s->expect_due_ms = ms ? net_loop_now_ms(s->loop) + ms : 0;
    arm(s);
}

void net_stream_set_idle(struct net_stream *s, uint32_t idle_ms)
{
    s->config.idle_ms = idle_ms;
    arm(s);
}

static void connected(struct net_stream *s)
{
    int error = 0;
    socklen_t n = sizeof error;
    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0) error = errno;
    if (error) {
        stream_end(s, NET_CLOSE_CONNECT, error);
        return;
    }
    if (!stream_watch(s, false)) {
        stream_end(s, NET_CLOSE_NOMEM, 0);
    } else if (s->ssl) {
        s->state = STREAM_HANDSHAKE;
        stream_handshake(s);
    } else {
        stream_opened(s);
    }
}

static void on_event(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    struct net_stream *s = ctx;
    if (s->state == STREAM_CONNECTING) {
        connected(s);
        return;
    }
    if (what & EV_WRITE) stream_flush(s);
    if ((what & EV_READ) && s->state != STREAM_CLOSED) stream_readable(s);
}

bool stream_watch(struct net_stream *s, bool writing)
{
    if (event_initialized(&s->event)) {
        if (s->writing == writing && event_pending(&s->event, EV_READ, NULL)) return true;
        event_del(&s->event);
    }
    s->writing = writing;
    short what = (short)(EV_PERSIST | EV_READ | (writing ? EV_WRITE : 0));
    return event_assign(&s->event, s->loop->base, s->fd, what, on_event, s) == 0 &&
           event_add(&s->event, NULL) == 0;
}

struct net_stream *stream_new(struct net_loop *loop, int fd, const struct net_stream_config *config)
{
    struct net_stream *s = calloc(1, sizeof *s);
    int on = 1;
    if (!s) return NULL;
    s->loop = loop;
    s->fd = fd;
    s->config = *config;
    s->last_in_ms = net_loop_now_ms(loop);
    list_init(&s->link);
    buf_init_secret(&s->rest, (size_t)config->message_max + REST_SLACK);
    buf_init(&s->wire, (size_t)config->queue_max + LOOP_OUT_BYTES);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* refused by a UNIX socket: fine */
    return s;
}

void stream_forget(struct net_stream *s)
{
    if (event_initialized(&s->event)) event_del(&s->event);
    net_timer_stop(s->loop, &s->timer);
    SSL_free(s->ssl);
    tls_conn_fini(&s->conn);
    free(s);
}

static void free_closed(void *ctx)
{
    struct net_stream *s = ctx;
    buf_fini(&s->rest);
    SSL_free(s->ssl);
    tls_conn_fini(&s->conn);
    free(s);
}

static void leave_handshakes(struct net_stream *s)
{
    if (s->shaking) limits_handshake_leave(s->limits);
    s->shaking = false;
}

static void leave_limits(struct net_stream *s)
{
    leave_handshakes(s);
    if (!s->limits) return;
    net_limits_leave(s->limits, &s->peer);
    s->limits = net_limits_unref(s->limits);
}

/* The descriptor goes now, the memory at the end of the turn. */
void stream_release(struct net_stream *s)
{
    if (s->state == STREAM_CLOSED) return;
    s->state = STREAM_CLOSED;
    if (event_initialized(&s->event)) event_del(&s->event);
    net_timer_stop(s->loop, &s->timer);
    list_remove(&s->link);
    stream_drop_output(s);
    /* a session stays good for resumption however the connection ended */
    if (s->ssl && SSL_is_init_finished(s->ssl))
        SSL_set_shutdown(s->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    close(s->fd);
    leave_limits(s);
    net_loop_defer_cancel(&s->deferred);
    net_loop_defer(s->loop, &s->deferred, free_closed, s);
}

/* Nobody is told of s from here on. A handshake that failed has given its place to others. */
static void linger(struct net_stream *s)
{
    leave_handshakes(s);
    s->state = STREAM_FINISHING;
    s->acceptor = NULL;
    s->message_due_ms = s->expect_due_ms = 0;
    list_remove(&s->link);
    list_push_back(&s->loop->finishing, &s->link);
    stream_open_within(s, NET_FINISH_MS);
    stream_flush(s);
}

/* A refused handshake ends with an alert, which a reset must not overtake. */
static void let_go(struct net_stream *s, enum net_close_kind kind)
{
    if (kind != NET_CLOSE_TLS) {
        stream_release(s);
        return;
    }
    stream_drop_plain(s);
    linger(s);
}

static void end_with(struct net_stream *s, const struct net_close *why)
{
    const struct net_stream_events *events = s->events;
    const struct stream_acceptor *acceptor = s->acceptor;
    void *ctx = s->ctx;
    if (s->state >= STREAM_FINISHING) {
        stream_release(s);
        return;
    }
    s->events = NULL;
    if (acceptor) acceptor->on_failed(s, why);
    let_go(s, why->kind);
    if (!acceptor && events && events->on_close) events->on_close(ctx, why);
}

void stream_end(struct net_stream *s, enum net_close_kind kind, int sys_errno)
{
    struct net_close why = {.kind = kind, .sys_errno = sys_errno};
    if (kind == NET_CLOSE_PEER)
        why.tidy = !s->ssl || (SSL_get_shutdown(s->ssl) & SSL_RECEIVED_SHUTDOWN);
    end_with(s, &why);
}

void stream_end_tls(struct net_stream *s)
{
    struct net_close why = {.kind = NET_CLOSE_TLS};
    struct net_tls_failure *failure = malloc(sizeof *failure);
    if (failure) tls_failure_read(s->ssl, failure);
    why.tls = failure;
    end_with(s, &why);
    free(failure);
}

void stream_end_not_tls(struct net_stream *s, struct bytes first)
{
    struct net_close why = {.kind = NET_CLOSE_NOT_TLS};
    why.first_n = first.n < NET_CLOSE_FIRST_MAX ? first.n : NET_CLOSE_FIRST_MAX;
    memcpy(why.first, first.p, why.first_n);
    end_with(s, &why);
}

void stream_opened(struct net_stream *s)
{
    const struct stream_acceptor *acceptor = s->acceptor;
    s->state = STREAM_OPEN;
    s->open_due_ms = 0;
    s->acceptor = NULL;
    s->last_in_ms = net_loop_now_ms(s->loop);
    leave_handshakes(s);
    arm(s);
    if (s->out.n > 0) net_loop_defer(s->loop, &s->deferred, stream_flush, s);
    if (acceptor)
        acceptor->on_open(s);
    else if (s->events->on_open)
        s->events->on_open(s->ctx);
}

/* RC_OK also when the outcome will only be known later. */
static enum rc begin_connect(struct net_stream *s, const struct net_connect_config *config)
{
    struct sockaddr_storage sa;
    socklen_t n;
    if (config->local.family != NET_NONE) {
        n = (socklen_t)net_addr_to_sockaddr(&config->local, &sa);
        if (bind(s->fd, (struct sockaddr *)&sa, n) != 0) return RC_IO;
    }
    n = (socklen_t)net_addr_to_sockaddr(&config->peer, &sa);
    if (connect(s->fd, (struct sockaddr *)&sa, n) == 0 || errno == EINPROGRESS)
        return stream_watch(s, true) ? RC_OK : RC_NOMEM;
    s->pending_errno = errno;
    return RC_OK;
}

static void connect_failed(void *ctx)
{
    struct net_stream *s = ctx;
    stream_end(s, NET_CLOSE_CONNECT, s->pending_errno);
}

static enum rc prepare_connect(struct net_stream *s, const struct net_connect_config *config)
{
    s->state = STREAM_CONNECTING;
    s->peer = config->peer;
    enum rc rc = RC_OK;
    if (config->tls) {
        s->conn.tls = net_tls_ref(config->tls);
        rc = stream_start_tls(s);
        if (rc == RC_OK) rc = tls_client_prepare(s->ssl, config->server_name, config->peer.port);
    }
    if (rc == RC_OK) rc = begin_connect(s, config);
    if (rc != RC_OK) return rc;
    stream_open_within(s, config->open_ms);
    if (s->pending_errno) net_loop_defer(s->loop, &s->deferred, connect_failed, s);
    return RC_OK;
}

static bool config_is_usable(const struct net_stream_config *c)
{
    return c->message_max > 0 && c->queue_max > 0;
}

enum rc net_stream_connect(struct net_loop *loop, const struct net_connect_config *config,
                           const struct net_stream_events *events, void *ctx,
                           struct net_stream **out)
{
    if (config->peer.family == NET_NONE || config->open_ms == 0 ||
        !config_is_usable(&config->stream) || (config->tls && config->tls->server))
        return RC_INVALID;
    int family = config->peer.family == NET_V4 ? AF_INET : AF_INET6;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno == EMFILE || errno == ENFILE ? RC_BUSY : RC_IO;
    struct net_stream *s = stream_new(loop, fd, &config->stream);
    enum rc rc = s ? prepare_connect(s, config) : RC_NOMEM;
    if (rc != RC_OK) {
        if (s) stream_forget(s);
        close(fd);
        return rc;
    }
    net_stream_handle(s, events, ctx);
    *out = s;
    return RC_OK;
}

enum rc net_stream_adopt(struct net_loop *loop, int fd, struct net_tls *tls, uint32_t open_ms,
                         const struct net_stream_config *config,
                         const struct net_stream_events *events, void *ctx, struct net_stream **out)
{
    struct sockaddr_storage sa = {0};
    socklen_t n = sizeof sa;
    if (!config_is_usable(config) || (tls && (!tls->server || open_ms == 0))) return RC_INVALID;
    if (evutil_make_socket_nonblocking(fd) != 0) return RC_IO;
    struct net_stream *s = stream_new(loop, fd, config);
    if (!s) return RC_NOMEM;
    if (getpeername(fd, (struct sockaddr *)&sa, &n) == 0)
        s->peer = net_addr_from_sockaddr((struct sockaddr *)&sa);
    s->state = tls ? STREAM_SILENT : STREAM_OPEN;
    s->conn.tls = net_tls_ref(tls);
    if (!stream_watch(s, false)) {
        stream_forget(s);
        return RC_NOMEM;
    }
    if (tls)
        stream_open_within(s, open_ms);
    else
        arm(s);
    net_stream_handle(s, events, ctx);
    *out = s;
    return RC_OK;
}

void net_stream_handle(struct net_stream *s, const struct net_stream_events *events, void *ctx)
{
    s->events = events;
    s->ctx = ctx;
}

struct net_stream *net_stream_close(struct net_stream *s)
{
    if (!s || s->state >= STREAM_FINISHING) return NULL;
    s->events = NULL;
    s->acceptor = NULL;
    if (s->state == STREAM_OPEN) {
        s->state = STREAM_FINISHING; /* a failing send ends it here, quietly */
        stream_flush(s);
        if (s->state != STREAM_CLOSED && !s->shut) stream_say_bye(s);
    }
    stream_release(s);
    return NULL;
}

struct net_stream *net_stream_finish(struct net_stream *s)
{
    if (!s || s->state >= STREAM_FINISHING) return NULL;
    if (s->state != STREAM_OPEN) return net_stream_close(s);
    s->events = NULL;
    linger(s);
    return NULL;
}

void stream_end_finishing(struct net_loop *loop)
{
    for (struct list *link; (link = list_first(&loop->finishing));)
        stream_release(LIST_OF(link, struct net_stream, link));
}

struct net_loop *net_stream_loop(const struct net_stream *s)
{
    return s->loop;
}

struct net_addr net_stream_peer_addr(const struct net_stream *s)
{
    return s->peer;
}

struct net_addr net_stream_local_addr(const struct net_stream *s)
{
    struct sockaddr_storage sa = {0};
    socklen_t n = sizeof sa;
    if (s->state == STREAM_CLOSED || getsockname(s->fd, (struct sockaddr *)&sa, &n) != 0)
        return (struct net_addr){0};
    return net_addr_from_sockaddr((struct sockaddr *)&sa);
}

bool net_stream_is_tls(const struct net_stream *s)
{
    return s->conn.tls;
}

const struct net_tls_peer *net_stream_tls_peer(struct net_stream *s)
{
    return s->ssl ? tls_conn_peer(s->ssl) : NULL;
}

bool net_stream_tls_info(const struct net_stream *s, struct net_stream_tls_info *out)
{
    if (!s->ssl || !SSL_is_init_finished(s->ssl)) return false;
    *out = (struct net_stream_tls_info){
        .version = SSL_get_version(s->ssl),
        .cipher = SSL_get_cipher_name(s->ssl),
        .server_name = str_from(SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name)),
        .resumed = SSL_session_reused(s->ssl) == 1,
    };
    return true;
}
