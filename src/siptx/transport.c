/* siptx/transport.c - flows over the sockets of net: accepted and connecting streams, UDP ports. */
#include "net/listener.h"
#include "net/stream.h"
#include "net/udp.h"
#include "siptx/stack_int.h"
#include <stdlib.h>

/* ---- streams ---- */

static enum rc stream_send(const struct siptx_flow *f, const struct net_addr *to, struct str bytes)
{
    (void)to;
    return net_stream_write(f->wire, str_bytes(bytes));
}

static void stream_close(const struct siptx_flow *f, bool linger)
{
    if (linger) {
        (void)net_stream_finish(f->wire);
    } else {
        (void)net_stream_close(f->wire);
    }
}

static void stream_pin(const struct siptx_flow *f, bool pinned)
{
    net_stream_set_idle(f->wire, pinned ? 0 : f->stack->limits.stream_idle_ms);
}

static const struct siptx_wire_ops stream_ops = {
    .send = stream_send, .close = stream_close, .pin = stream_pin};

static size_t stream_bytes(void *ctx, struct bytes data)
{
    return siptx_flow_input(ctx, bytes_str(data));
}

static void stream_opened(void *ctx)
{
    struct siptx_flow *f = ctx;
    struct net_addr local = net_stream_local_addr(f->wire);
    siptx_flow_ready(f, &local, net_stream_tls_peer(f->wire));
}

static enum siptx_close close_of(const struct net_close *why, bool was_ready)
{
    if (!was_ready) return SIPTX_CLOSE_CONNECT;
    switch (why->kind) {
    case NET_CLOSE_PEER: return SIPTX_CLOSE_PEER;
    case NET_CLOSE_IDLE: return SIPTX_CLOSE_IDLE;
    case NET_CLOSE_SLOW:
    case NET_CLOSE_EXPECT:
    case NET_CLOSE_QUEUE: return SIPTX_CLOSE_SLOW;
    case NET_CLOSE_TOO_BIG: return SIPTX_CLOSE_FRAMING;
    case NET_CLOSE_LISTENER: return SIPTX_CLOSE_LISTENER;
    case NET_CLOSE_RESET:
    case NET_CLOSE_CONNECT:
    case NET_CLOSE_TLS_TIMEOUT:
    case NET_CLOSE_TLS:
    case NET_CLOSE_NOT_TLS:
    case NET_CLOSE_SHED:
    case NET_CLOSE_NOMEM: break;
    }
    return SIPTX_CLOSE_ERROR;
}

enum { CLOSE_TEXT_MAX = 1024 };

static void stream_closed(void *ctx, const struct net_close *why)
{
    struct siptx_flow *f = ctx;
    char text[CLOSE_TEXT_MAX];
    struct buf b;
    buf_init_fixed(&b, text, sizeof text);
    net_close_print(&b, why);
    f->lost = why;
    siptx_flow_gone(f, close_of(why, f->ready), buf_str(&b));
}

static const struct net_stream_events stream_events = {
    .on_bytes = stream_bytes, .on_open = stream_opened, .on_close = stream_closed};

bool siptx_flow_tls_info(const struct siptx_flow *f, struct net_stream_tls_info *out)
{
    return f->ops == &stream_ops && f->ready && !f->closing && net_stream_tls_info(f->wire, out);
}

/* ---- listeners ---- */

static void accepted(void *ctx, struct net_stream *stream)
{
    struct siptx_join *j = ctx;
    struct siptx_stack *s = j->stack;
    struct siptx_flow *f;
    if (!j->listener || s->freeing) {
        (void)net_stream_close(stream);
        return;
    }
    struct siptx_flow_desc d = {
        .transport = j->transport,
        .listener_kind = j->kind,
        .local = net_stream_local_addr(stream),
        .peer = net_stream_peer_addr(stream),
        .tls_peer = net_stream_tls_peer(stream),
        .ops = &stream_ops,
        .wire = stream,
    };
    siptx_enter(s);
    enum rc rc = siptx_flow_open(s, &d, &f);
    if (rc == RC_OK) {
        net_stream_handle(stream, &stream_events, f);
        if (f->pin_count == 0) net_stream_set_idle(stream, s->limits.stream_idle_ms);
    } else if (rc != RC_CLOSED) {
        (void)net_stream_close(stream);
    }
    siptx_leave(s);
}

static void refused(void *ctx, const struct net_addr *peer, const struct net_close *why)
{
    struct siptx_join *j = ctx;
    struct siptx_stack *s = j->stack;
    char text[CLOSE_TEXT_MAX];
    struct buf b;
    if (!j->listener || s->freeing) return;
    buf_init_fixed(&b, text, sizeof text);
    net_close_print(&b, why);
    struct siptx_trace_record note = {
        .unix_ms = clock_unix_ms(&s->config.clock),
        .kind = SIPTX_TRACE_NOTE,
        .transport = j->transport,
        .local = net_listener_addr(j->listener),
        .peer = *peer,
        .bytes = buf_str(&b),
    };
    siptx_enter(s);
    if (s->config.trace) siptx_trace_add_record(s->config.trace, &note);
    if (s->config.events.on_refused)
        s->config.events.on_refused(s->config.events.ctx, j->kind, peer, why);
    siptx_leave(s);
}

static const struct net_listener_events listener_events = {.on_accept = accepted,
                                                           .on_refused = refused};

static struct siptx_join *join_new(struct siptx_stack *s, int kind, enum siptx_transport transport)
{
    struct siptx_join *j = calloc(1, sizeof *j);
    if (!j) return NULL;
    j->stack = s;
    j->kind = kind;
    j->transport = transport;
    list_push_back(&s->joins, &j->link);
    return j;
}

static void join_free(struct siptx_join *j)
{
    list_remove(&j->link);
    free(j);
}

static struct siptx_join *join_find(struct siptx_stack *s, const struct net_listener *l,
                                    const struct net_udp_port *port)
{
    LIST_FOR_EACH(it, &s->joins)
    {
        struct siptx_join *j = LIST_OF(it, struct siptx_join, link);
        if ((l && j->listener == l) || (port && j->port == port)) return j;
    }
    return NULL;
}

enum rc siptx_stack_join(struct siptx_stack *s, struct net_listener *l, int kind,
                         enum siptx_transport transport)
{
    CHECK(s->config.loop && transport != SIPTX_UDP);
    if (join_find(s, l, NULL)) return RC_EXISTS;
    struct siptx_join *j = join_new(s, kind, transport);
    if (!j) return RC_NOMEM;
    j->listener = l;
    enum rc rc = net_listener_join(l, s->config.loop, &listener_events, j);
    if (rc != RC_OK) join_free(j);
    return rc;
}

/* Flows that came to one local address by one kind of listener. */
static void close_flows_of(struct siptx_stack *s, const struct siptx_join *j,
                           const struct net_addr *local)
{
    for (struct list *it = s->flows.next; it != &s->flows;) {
        struct siptx_flow *f = LIST_OF(it, struct siptx_flow, all);
        bool here = j->port ? f->wire == j
                            : f->transport == j->transport && f->listener_kind == j->kind &&
                                  f->local.port == local->port &&
                                  (net_addr_is_any(local) || net_addr_ip_eq(&f->local, local));
        if (!here) {
            it = it->next;
            continue;
        }
        siptx_flow_close(f, SIPTX_CLOSE_LISTENER);
        it = s->flows.next; /* callbacks may have closed others: begin again */
    }
}

void siptx_stack_leave(struct siptx_stack *s, struct net_listener *l, bool close_flows)
{
    struct siptx_join *j = join_find(s, l, NULL);
    if (!j) return;
    struct net_addr local = net_listener_addr(l);
    j->listener = NULL; /* the record stays: the listener may still call until it has closed */
    siptx_enter(s);
    if (close_flows) close_flows_of(s, j, &local);
    siptx_leave(s);
}

/* ---- UDP ---- */

static enum rc udp_send(const struct siptx_flow *f, const struct net_addr *to, struct str bytes)
{
    const struct siptx_join *j = f->wire;
    return net_udp_send(j->udp, to, &f->local, str_bytes(bytes));
}

static const struct siptx_wire_ops udp_ops = {.send = udp_send};

static void datagram(void *ctx, const struct net_datagram *d)
{
    struct siptx_join *j = ctx;
    struct siptx_stack *s = j->stack;
    struct siptx_flow_desc desc = {
        .transport = SIPTX_UDP,
        .listener_kind = j->kind,
        .local = d->to,
        .peer = d->from,
        .ops = &udp_ops,
        .wire = j,
    };
    siptx_enter(s);
    struct siptx_flow *f = siptx_flow_of_peer(s, &desc);
    if (f) {
        siptx_flow_input(f, bytes_str(d->data));
    } else {
        siptx_count(&s->counters.dropped_requests);
    }
    siptx_leave(s);
}

enum rc siptx_stack_join_udp(struct siptx_stack *s, struct net_udp_port *port, int kind)
{
    CHECK(s->config.loop);
    if (join_find(s, NULL, port)) return RC_EXISTS;
    struct siptx_join *j = join_new(s, kind, SIPTX_UDP);
    if (!j) return RC_NOMEM;
    enum rc rc = net_udp_join(port, s->config.loop, datagram, j, &j->udp);
    if (rc != RC_OK) {
        join_free(j);
        return rc;
    }
    j->port = port;
    return RC_OK;
}

void siptx_stack_leave_udp(struct siptx_stack *s, struct net_udp_port *port)
{
    struct siptx_join *j = join_find(s, NULL, port);
    if (!j) return;
    siptx_enter(s);
    close_flows_of(s, j, NULL);
    j->udp = net_udp_leave(j->udp);
    join_free(j);
    siptx_leave(s);
}

/* A UDP socket to send from: bound to local, or any that speaks the peer's family. */
static struct siptx_join *udp_towards(struct siptx_stack *s, const struct siptx_target *t)
{
    LIST_FOR_EACH(it, &s->joins)
    {
        struct siptx_join *j = LIST_OF(it, struct siptx_join, link);
        if (!j->port) continue;
        struct net_addr here = net_udp_addr(j->port);
        if (t->local.family != NET_NONE ? net_addr_eq(&here, &t->local)
                                        : here.family == t->addr.family)
            return j;
    }
    return NULL;
}

static enum rc connect_udp(struct siptx_stack *s, const struct siptx_target *t,
                           struct siptx_flow **out)
{
    struct siptx_join *j = udp_towards(s, t);
    if (!j) return RC_NOT_FOUND;
    struct siptx_flow_desc d = {
        .transport = SIPTX_UDP,
        .listener_kind = SIPTX_KIND_OUTGOING,
        .local = net_udp_addr(j->port),
        .peer = t->addr,
        .ops = &udp_ops,
        .wire = j,
    };
    if (net_addr_is_any(&d.local)) { /* a Via must name an address, and answers come to it */
        uint16_t port = d.local.port;
        enum rc rc = net_udp_source(&t->addr, &d.local);
        if (rc != RC_OK) return rc;
        d.local.port = port;
    }
    struct siptx_flow *f = siptx_flow_of_peer(s, &d);
    if (!f) return RC_BUSY;
    *out = f;
    return RC_OK;
}

static enum rc connect_stream(struct siptx_stack *s, const struct siptx_target *t,
                              struct siptx_flow **out)
{
    struct siptx_flow *f;
    struct net_stream *stream;
    struct siptx_flow_desc d = {
        .transport = t->transport,
        .listener_kind = SIPTX_KIND_OUTGOING,
        .peer = t->addr,
        .ops = &stream_ops,
        .connecting = true,
    };
    struct net_connect_config c = {
        .stream = siptx_stream_config(&s->limits),
        .peer = t->addr,
        .tls = t->transport == SIPTX_TLS ? t->tls : NULL,
        .server_name = t->server_name,
        .open_ms = t->connect_ms > 0 ? t->connect_ms : SIPTX_CONNECT_MS,
    };
    enum rc rc = siptx_flow_open(s, &d, &f);
    if (rc != RC_OK) return rc;
    rc = net_stream_connect(s->config.loop, &c, &stream_events, f, &stream);
    if (rc != RC_OK) {
        siptx_flow_unopen(f);
        return rc;
    }
    f->wire = stream;
    *out = f;
    return RC_OK;
}

enum rc siptx_connect(struct siptx_stack *s, const struct siptx_target *t, struct siptx_flow **out)
{
    CHECK(s->config.loop);
    if (t->addr.family == NET_NONE || t->addr.port == 0) return RC_INVALID;
    if (t->transport == SIPTX_UDP) return connect_udp(s, t, out);
    if (t->transport == SIPTX_TLS && !t->tls) return RC_INVALID;
    return connect_stream(s, t, out);
}

void siptx_joins_fini(struct siptx_stack *s)
{
    struct list *l;
    while ((l = list_first(&s->joins)) != NULL) {
        struct siptx_join *j = LIST_OF(l, struct siptx_join, link);
        if (j->udp) j->udp = net_udp_leave(j->udp);
        join_free(j);
    }
}
