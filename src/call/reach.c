#include "call/reach.h"

#include "base/check.h"
#include "net/tls.h"

#include <stdlib.h>

struct reach_connection {
    struct list link;
    struct siptx_flow *flow;
    struct net_addr addr;
    enum siptx_transport transport;
    bool is_ready;
    struct list waiters;
    size_t name_n;
    char name[NET_NAME_MAX + 1]; /* host it was opened for; with TLS the certificate bears it */
};

struct call_reach {
    struct call_reach_ops ops;
    struct siptx_stack *stack;
    struct list connections;
    size_t count;
};

enum rc call_reach_new(const struct call_reach_ops *ops, struct call_reach **out)
{
    struct call_reach *r = calloc(1, sizeof *r);
    if (!r) return RC_NOMEM;
    r->ops = *ops;
    list_init(&r->connections);
    *out = r;
    return RC_OK;
}

static void connection_free(struct call_reach *r, struct reach_connection *c)
{
    list_remove(&c->link);
    r->count--;
    free(c);
}

struct call_reach *call_reach_free(struct call_reach *r)
{
    struct list *l;
    if (!r) return NULL;
    while ((l = list_first(&r->connections)) != NULL)
        connection_free(r, LIST_OF(l, struct reach_connection, link));
    free(r);
    return NULL;
}

void call_reach_attach(struct call_reach *r, struct siptx_stack *stack)
{
    r->stack = stack;
}

static struct reach_connection *by_flow(struct call_reach *r, const struct siptx_flow *f)
{
    LIST_FOR_EACH(l, &r->connections)
    {
        struct reach_connection *c = LIST_OF(l, struct reach_connection, link);
        if (c->flow == f) return c;
    }
    return NULL;
}

struct str call_reach_host(struct call_reach *r, const struct siptx_flow *f)
{
    const struct reach_connection *c = by_flow(r, f);
    return c ? str_of(c->name, c->name_n) : STR("");
}

/* ---- connections ---- */

/* A connection over TLS stands for the name its certificate was checked for, no other. */
static struct reach_connection *by_addr(const struct call_reach_ask *a, const struct net_addr *addr)
{
    LIST_FOR_EACH(l, &a->reach->connections)
    {
        struct reach_connection *c = LIST_OF(l, struct reach_connection, link);
        if (c->transport != a->transport || !net_addr_eq(&c->addr, addr)) continue;
        if (c->transport != SIPTX_TLS || str_eq_nocase(str_of(c->name, c->name_n), a->host))
            return c;
    }
    return NULL;
}

static enum rc connect_to(const struct call_reach_ask *a, const struct net_addr *addr,
                          struct siptx_flow **flow)
{
    struct call_reach *r = a->reach;
    struct siptx_target target = {
        .addr = *addr,
        .transport = a->transport,
        .server_name = a->host,
        .connect_ms = CALL_REACH_CONNECT_MS,
    };
    if (a->transport == SIPTX_TLS && r->ops.tls) target.tls = r->ops.tls(r->ops.ctx);
    enum rc rc = r->ops.connect(r->stack, &target, flow);
    net_tls_unref(target.tls);
    return rc;
}

static struct reach_connection *open_to(struct call_reach_ask *a, const struct net_addr *addr)
{
    struct call_reach *r = a->reach;
    struct reach_connection *c = by_addr(a, addr);
    if (c) return c;
    if (r->count >= CALL_REACH_CONNECTIONS || a->host.n > NET_NAME_MAX) return NULL;
    if (!(c = calloc(1, sizeof *c))) return NULL;
    if (connect_to(a, addr, &c->flow) != RC_OK) {
        free(c);
        return NULL;
    }
    c->addr = *addr;
    c->transport = a->transport;
    c->is_ready = c->flow->ready;
    c->name_n = a->host.n;
    memcpy(c->name, a->host.p, a->host.n);
    list_init(&c->waiters);
    list_push_back(&r->connections, &c->link);
    r->count++;
    siptx_flow_pin(c->flow, true);
    return c;
}

/* ---- addresses ---- */

static void resume(struct call_reach_ask *a);

static void on_addrs(void *ctx, enum rc rc, const struct net_addr *addrs, size_t count,
                     uint32_t ttl_s)
{
    struct call_reach_ask *a = ctx;
    (void)ttl_s;
    a->query = NULL;
    a->addr_count = a->addr_at = 0;
    for (size_t i = 0; rc == RC_OK && i < count && i < CALL_REACH_TRIES; i++)
        a->addrs[a->addr_count++] = addrs[i];
    resume(a);
}

static void on_srvs(void *ctx, enum rc rc, const struct net_srv *srvs, size_t count, uint32_t ttl_s)
{
    struct call_reach_ask *a = ctx;
    (void)ttl_s;
    a->query = NULL;
    for (size_t i = 0; rc == RC_OK && i < count && i < CALL_REACH_SRVS; i++)
        a->srvs[a->srv_count++] = srvs[i];
    /* "Decidedly not here" (RFC 2782): there is nothing else to try. */
    if (a->srv_count == 1 && a->srvs[0].target[0] == '\0') a->srv_at = 1;
    resume(a);
}

static uint16_t own_port(const struct call_reach_ask *a)
{
    if (a->port != 0) return a->port;
    return a->transport == SIPTX_TLS ? 5061 : 5060;
}

static bool ask_srv(struct call_reach_ask *a)
{
    static const char *const services[SIPTX_TRANSPORT_COUNT] = {"_sip._udp.", "_sip._tcp.",
                                                                "_sips._tcp."};
    char name[NET_NAME_MAX + 16];
    struct net_addr numeric;
    struct buf b;
    a->srv_asked = true;
    if (a->port != 0 || !a->reach->ops.srv) return false;
    if (net_addr_parse_ip(a->host, 0, &numeric) == RC_OK) return false;
    buf_init_fixed(&b, name, sizeof name);
    buf_put_str(&b, str_from(services[a->transport]));
    buf_put_str(&b, a->host);
    return buf_rc(&b) == RC_OK &&
           a->reach->ops.srv(a->reach->ops.ctx, buf_str(&b), on_srvs, a, &a->query) == RC_OK;
}

static bool ask_addrs(struct call_reach_ask *a, struct str name, uint16_t port)
{
    struct net_addr numeric;
    if (net_addr_parse_ip(name, port, &numeric) == RC_OK) {
        a->addrs[0] = numeric;
        a->addr_count = 1;
        a->addr_at = 0;
        return true;
    }
    return a->reach->ops.addrs &&
           a->reach->ops.addrs(a->reach->ops.ctx, name, port, on_addrs, a, &a->query) == RC_OK;
}

/* The next thing to do: RC_MORE while an answer or a connection is awaited. */
static enum rc step(struct call_reach_ask *a, uint64_t *flow)
{
    for (;;) {
        if (a->query || a->waits_for) return RC_MORE;
        if (a->addr_at < a->addr_count && a->tries < CALL_REACH_TRIES) {
            struct reach_connection *c = open_to(a, &a->addrs[a->addr_at++]);
            a->tries++;
            if (!c) continue;
            if (c->is_ready) {
                *flow = c->flow->id;
                return RC_OK;
            }
            a->waits_for = c;
            list_push_back(&c->waiters, &a->link);
        } else if (!a->srv_asked) {
            (void)ask_srv(a);
        } else if (a->srv_at < a->srv_count) {
            const struct net_srv *s = &a->srvs[a->srv_at++];
            (void)ask_addrs(a, str_from(s->target), s->port);
        } else if (a->srv_count == 0 && !a->host_asked) {
            a->host_asked = true;
            (void)ask_addrs(a, a->host, own_port(a));
        } else {
            return RC_NOT_FOUND;
        }
    }
}

/* Goes on after an answer; tells, unless call_reach_next is on the stack and will. */
static void resume(struct call_reach_ask *a)
{
    uint64_t flow = 0;
    if (a->is_inside) return;
    a->is_inside = true;
    enum rc rc = step(a, &flow);
    a->is_inside = false;
    if (rc != RC_MORE) a->fn(a->ctx, rc, flow);
}

void call_reach_ask(struct call_reach_ask *a, struct call_reach *r, struct str host, uint16_t port,
                    enum siptx_transport transport, call_reach_fn *fn, void *ctx)
{
    *a = (struct call_reach_ask){
        .reach = r, .host = host, .port = port, .transport = transport, .fn = fn, .ctx = ctx};
    list_init(&a->link);
}

enum rc call_reach_next(struct call_reach_ask *a, uint64_t *flow)
{
    CHECK(!a->query && !a->waits_for);
    a->is_inside = true;
    enum rc rc = step(a, flow);
    a->is_inside = false;
    return rc;
}

void call_reach_stop(struct call_reach_ask *a)
{
    a->query = net_query_cancel(a->query);
    a->waits_for = NULL;
    list_remove(&a->link);
}

/* ---- what the stack tells ---- */

/* Those told may do anything, also to the connection: it is not looked at any more. */
static void take_waiters(struct reach_connection *c, struct list *out)
{
    struct list *l;
    list_init(out);
    while ((l = list_first(&c->waiters)) != NULL) {
        list_remove(l);
        list_push_back(out, l);
    }
}

void call_reach_ready(struct call_reach *r, struct siptx_flow *f)
{
    struct reach_connection *c = by_flow(r, f);
    struct list *l, waiters;
    if (!c) return;
    c->is_ready = true;
    take_waiters(c, &waiters);
    while ((l = list_first(&waiters)) != NULL) {
        struct call_reach_ask *a = LIST_OF(l, struct call_reach_ask, link);
        list_remove(l);
        a->waits_for = NULL;
        a->fn(a->ctx, RC_OK, f->id);
    }
}

void call_reach_closed(struct call_reach *r, struct siptx_flow *f)
{
    struct reach_connection *c = by_flow(r, f);
    struct list *l, waiters;
    if (!c) return;
    take_waiters(c, &waiters);
    connection_free(r, c);
    while ((l = list_first(&waiters)) != NULL) {
        struct call_reach_ask *a = LIST_OF(l, struct call_reach_ask, link);
        list_remove(l);
        a->waits_for = NULL;
        resume(a);
    }
}
