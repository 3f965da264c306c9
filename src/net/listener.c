/* net/listener.c - one listening descriptor, accepted from by each loop that joined.
 *
 * A TLS connection passes two lists of its member: `waiting` until it has said something, `shaking`
 * while its handshake runs (longest silent first), and then `open`, which is only for closing all of
 * them. When all handshake places are taken, a handshake that has stalled gives way to the newcomer;
 * otherwise the newcomer goes, so that a rush of honest peers makes progress. */
#include "net/listener.h"
#include "net/loop_int.h"
#include "net/stream_int.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPT_BUDGET = 32, /* connections a turn; what is open comes first */
    BACKLOG = 4096,
    STALLED_MS = 2000,
    PAUSE_MS = 100, /* of accepting, when descriptors have run out */
};

struct net_listener {
    int fd;
    struct net_addr addr;
    struct net_tls_slot *tls; /* NULL: plain */
    struct net_limits *limits;
    struct net_stream_config stream;
    atomic_ullong accepted;
    pthread_mutex_t lock;
    struct list members;
    /* closing: */
    atomic_size_t holders; /* members and the closing thread */
    bool keep_streams;
    net_fn *done;
    void *done_ctx;
};

/* One loop's part. Belongs to that loop's thread, but for link and leave. */
struct member {
    struct list link;
    struct net_listener *listener;
    struct net_loop *loop;
    const struct net_listener_events *events;
    void *ctx;
    struct event event;
    struct wheel_timer pause;
    struct net_post leave;
    struct list waiting, shaking, open; /* struct net_stream */
    int spare_fd; /* given up to accept and refuse when none is left; -1: lost */
};

/* ---- opening ---- */

static enum rc rc_of_bind(int error)
{
    switch (error) {
    case EADDRINUSE: return RC_EXISTS;
    case EACCES: return RC_DENIED;
    case EADDRNOTAVAIL: return RC_NOT_FOUND;
    case EMFILE:
    case ENFILE: return RC_BUSY;
    case ENOMEM:
    case ENOBUFS: return RC_NOMEM;
    default: return RC_IO;
    }
}

static enum rc open_socket(const struct net_addr *addr, int backlog, int *out)
{
    int on = 1, family = addr->family == NET_V4 ? AF_INET : AF_INET6;
    struct sockaddr_storage sa;
    socklen_t n = (socklen_t)net_addr_to_sockaddr(addr, &sa);
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return rc_of_bind(errno);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
        bind(fd, (struct sockaddr *)&sa, n) != 0 || listen(fd, backlog) != 0) {
        enum rc rc = rc_of_bind(errno);
        close(fd);
        return rc;
    }
    *out = fd;
    return RC_OK;
}

static void listener_free(struct net_listener *l)
{
    if (l->fd >= 0) close(l->fd);
    net_tls_slot_free(l->tls);
    net_limits_unref(l->limits);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static enum rc listener_new(const struct net_listener_config *config, struct net_listener **out)
{
    struct net_listener *l = calloc(1, sizeof *l);
    if (!l) return RC_NOMEM;
    l->fd = -1;
    l->stream = config->stream;
    l->limits = net_limits_ref(config->limits);
    pthread_mutex_init(&l->lock, NULL);
    list_init(&l->members);
    if (config->tls && net_tls_slot_new(config->tls, &l->tls) != RC_OK) {
        listener_free(l);
        return RC_NOMEM;
    }
    *out = l;
    return RC_OK;
}

enum rc net_listener_open(const struct net_listener_config *config, struct net_listener **out,
                          struct net_holder *holder)
{
    struct net_listener *l;
    struct sockaddr_storage sa;
    socklen_t n = sizeof sa;
    if (holder) *holder = (struct net_holder){0};
    if (config->addr.family == NET_NONE || config->stream.message_max == 0 ||
        config->stream.queue_max == 0)
        return RC_INVALID;
    enum rc rc = listener_new(config, &l);
    if (rc != RC_OK) return rc;
    rc = open_socket(&config->addr, config->backlog ? config->backlog : BACKLOG, &l->fd);
    if (rc == RC_OK && getsockname(l->fd, (struct sockaddr *)&sa, &n) != 0) rc = RC_IO;
    if (rc != RC_OK) {
        if (rc == RC_EXISTS && holder) (void)net_holder_find(&config->addr, false, holder);
        listener_free(l);
        return rc;
    }
    l->addr = net_addr_from_sockaddr((struct sockaddr *)&sa);
    *out = l;
    return RC_OK;
}

struct net_addr net_listener_addr(const struct net_listener *l)
{
    return l->addr;
}

void net_listener_set_tls(struct net_listener *l, struct net_tls *tls)
{
    if (l->tls && tls) net_tls_slot_set(l->tls, tls);
}

uint64_t net_listener_accepted(const struct net_listener *l)
{
    return atomic_load(&l->accepted);
}

/* ---- accepted streams until they are open ---- */

static struct member *member_of(const struct net_stream *s)
{
    return s->acceptor_ctx;
}

/* Ends the handshake that has waited longest for its peer, if that is long enough. */
static bool shed_stalled(struct member *m)
{
    struct list *first = list_first(&m->shaking);
    if (!first) return false;
    struct net_stream *s = LIST_OF(first, struct net_stream, link);
    if (net_loop_now_ms(m->loop) - s->last_in_ms < STALLED_MS) return false;
    stream_end(s, NET_CLOSE_SHED, 0);
    return true;
}

static bool on_hello(struct net_stream *s)
{
    struct member *m = member_of(s);
    if (s->limits) {
        s->shaking = limits_handshake_enter(s->limits) ||
                     (shed_stalled(m) && limits_handshake_enter(s->limits));
        if (!s->shaking) return false;
    }
    list_remove(&s->link);
    list_push_back(&m->shaking, &s->link);
    return true;
}

/* `shaking` stays in the order of the last word. */
static void on_progress(struct net_stream *s)
{
    list_remove(&s->link);
    list_push_back(&member_of(s)->shaking, &s->link);
}

static void on_open(struct net_stream *s)
{
    struct member *m = member_of(s);
    list_remove(&s->link);
    list_push_back(&m->open, &s->link);
    s->acceptor_ctx = NULL;
    m->events->on_accept(m->ctx, s);
    if (!s->events) net_stream_close(s);
}

static enum net_refusal refusal_of(const struct net_stream *s, enum net_close_kind kind)
{
    switch ((int)kind) {
    case NET_CLOSE_TLS_TIMEOUT:
        return s->state == STREAM_SILENT ? NET_REFUSAL_SILENT : NET_REFUSAL_TIMEOUT;
    case NET_CLOSE_TLS: return NET_REFUSAL_TLS;
    case NET_CLOSE_NOT_TLS: return NET_REFUSAL_NOT_TLS;
    case NET_CLOSE_SHED: return NET_REFUSAL_HANDSHAKES;
    case NET_CLOSE_NOMEM: return NET_REFUSAL_NOMEM;
    default: return NET_REFUSAL_COUNT; /* it went by itself, or the listener did */
    }
}

static void on_failed(struct net_stream *s, const struct net_close *why)
{
    struct member *m = member_of(s);
    enum net_refusal cause = refusal_of(s, why->kind);
    if (cause != NET_REFUSAL_COUNT) limits_refuse(s->limits, cause);
    list_remove(&s->link);
    if (m->events->on_refused) m->events->on_refused(m->ctx, &s->peer, why);
}

static const struct stream_acceptor acceptor = {on_hello, on_progress, on_open, on_failed};

static bool begin(struct member *m, struct net_stream *s, const struct net_addr *peer)
{
    struct net_listener *l = m->listener;
    s->peer = *peer;
    s->state = l->tls ? STREAM_SILENT : STREAM_OPEN;
    s->conn.tls = l->tls ? net_tls_slot_get(l->tls) : NULL;
    if (!stream_watch(s, false)) return false;
    s->limits = net_limits_ref(l->limits);
    s->acceptor = &acceptor;
    s->acceptor_ctx = m;
    list_push_back(&m->waiting, &s->link);
    if (l->tls)
        stream_open_within(s, limits_handshake_ms(l->limits));
    else
        stream_opened(s);
    return true;
}

static void take(struct member *m, int fd, const struct net_addr *peer)
{
    struct net_limits *limits = m->listener->limits;
    atomic_fetch_add(&m->listener->accepted, 1);
    if (limits && !net_limits_enter(limits, peer)) {
        close(fd);
        return;
    }
    struct net_stream *s = stream_new(m->loop, fd, &m->listener->stream);
    if (s && begin(m, s, peer)) return;
    if (s) stream_forget(s);
    close(fd);
    limits_refuse(limits, NET_REFUSAL_NOMEM);
    if (limits) net_limits_leave(limits, peer);
}

/* ---- accepting ---- */

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void resume(void *ctx)
{
    struct member *m = ctx;
    if (m->spare_fd < 0) m->spare_fd = open_spare();
    event_add(&m->event, NULL);
}

static void pause_accepting(struct member *m)
{
    event_del(&m->event);
    net_timer_start(m->loop, &m->pause, PAUSE_MS, resume, m);
}

/* No descriptor is left: the spare one lets us tell one peer so, by closing, before we rest. */
static void out_of_files(struct member *m)
{
    limits_refuse(m->listener->limits, NET_REFUSAL_FILES);
    if (m->spare_fd >= 0) {
        close(m->spare_fd);
        int fd = accept4(m->listener->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) close(fd);
        m->spare_fd = open_spare();
    }
    pause_accepting(m);
}

/* False: no more in this turn. */
static bool accept_failed(struct member *m, int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED: return true;
    case EAGAIN: return false; /* another loop was quicker */
    case EMFILE:
    case ENFILE: out_of_files(m); return false;
    case EINVAL: event_del(&m->event); return false; /* closing: shut down, leave is on its way */
    default: pause_accepting(m); return false;
    }
}

static void on_acceptable(evutil_socket_t fd, short what, void *ctx)
{
    (void)what;
    struct member *m = ctx;
    bool more = true;
    for (int i = 0; more && i < ACCEPT_BUDGET; i++) {
        struct sockaddr_storage sa = {0};
        socklen_t n = sizeof sa;
        int accepted = accept4(fd, (struct sockaddr *)&sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted < 0) {
            more = accept_failed(m, errno);
            continue;
        }
        struct net_addr peer = net_addr_from_sockaddr((struct sockaddr *)&sa);
        take(m, accepted, &peer);
    }
}

enum rc net_listener_join(struct net_listener *l, struct net_loop *loop,
                          const struct net_listener_events *events, void *ctx)
{
    struct member *m = calloc(1, sizeof *m);
    if (!m) return RC_NOMEM;
    *m = (struct member){.listener = l, .loop = loop, .events = events, .ctx = ctx};
    list_init(&m->waiting);
    list_init(&m->shaking);
    list_init(&m->open);
    if (event_assign(&m->event, loop->base, l->fd, EV_READ | EV_PERSIST, on_acceptable, m) != 0 ||
        event_add(&m->event, NULL) != 0) {
        free(m);
        return RC_NOMEM;
    }
    m->spare_fd = open_spare();
    pthread_mutex_lock(&l->lock);
    list_push_back(&l->members, &m->link);
    pthread_mutex_unlock(&l->lock);
    return RC_OK;
}

/* ---- closing ---- */

static void let_go(struct net_listener *l)
{
    if (atomic_fetch_sub(&l->holders, 1) != 1) return;
    net_fn *done = l->done;
    void *ctx = l->done_ctx;
    listener_free(l);
    if (done) done(ctx);
}

/* Also takes streams out of the list that stay. */
static void end_streams(struct list *streams, bool keep)
{
    for (struct list *link; (link = list_first(streams));) {
        list_remove(link);
        if (!keep) stream_end(LIST_OF(link, struct net_stream, link), NET_CLOSE_LISTENER, 0);
    }
}

static void leave(void *ctx)
{
    struct member *m = ctx;
    struct net_listener *l = m->listener;
    event_del(&m->event);
    net_timer_stop(m->loop, &m->pause);
    end_streams(&m->waiting, false);
    end_streams(&m->shaking, false);
    end_streams(&m->open, l->keep_streams);
    if (m->spare_fd >= 0) close(m->spare_fd);
    free(m);
    let_go(l);
}

struct net_listener *net_listener_close(struct net_listener *l, bool keep_streams, net_fn *done,
                                        void *ctx)
{
    if (!l) return NULL;
    l->keep_streams = keep_streams;
    l->done = done;
    l->done_ctx = ctx;
    shutdown(l->fd, SHUT_RDWR); /* Linux: the port is free from here on */
    pthread_mutex_lock(&l->lock);
    size_t members = 0;
    LIST_FOR_EACH(link, &l->members) members++;
    atomic_store(&l->holders, members + 1);
    LIST_FOR_EACH(link, &l->members)
    {
        struct member *m = LIST_OF(link, struct member, link);
        net_loop_post(m->loop, &m->leave, leave, m);
    }
    pthread_mutex_unlock(&l->lock);
    let_go(l);
    return NULL;
}
