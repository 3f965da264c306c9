/* net/resolver.c - c-ares on the loop: its sockets as events, its timeout as one timer. Results are
 * always handed over at the end of a turn, so that no call of ours calls back. */
#include "net/resolver.h"
#include "net/dns_int.h"
#include "net/loop_int.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>

enum { TIMEOUT_MS = 2000, TRIES = 3 };

struct watched {
    struct list link;
    ares_socket_t fd;
    struct event *event;
};

struct net_resolver {
    struct net_loop *loop;
    ares_channel channel;
    struct random_source random;
    struct wheel_timer timer;
    struct list sockets; /* struct watched */
    struct list queries; /* struct net_query that the library still holds or that wait to be told */
    bool closing;
};

struct net_query {
    struct list link;
    struct net_resolver *resolver;
    net_addrs_fn *addrs_fn; /* one of the two; NULL both: cancelled */
    net_srvs_fn *srvs_fn;
    void *ctx;
    uint16_t port;
    bool asked; /* the library will call back */
    struct net_deferred deferred;
    enum rc rc; /* the result, once it is there */
    uint32_t ttl_s;
    size_t count;
    struct net_addr *addrs;
    struct net_srv *srvs;
};

/* ---- the library's sockets and clock ---- */

static void rearm(struct net_resolver *r);

static void on_socket(evutil_socket_t fd, short what, void *ctx)
{
    struct net_resolver *r = ctx;
    ares_process_fd(r->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
                    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
    rearm(r);
}

static void on_timeout(void *ctx)
{
    struct net_resolver *r = ctx;
    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    rearm(r);
}

static void rearm(struct net_resolver *r)
{
    struct timeval in;
    net_timer_stop(r->loop, &r->timer);
    if (!ares_timeout(r->channel, NULL, &in)) return;
    uint64_t ms = (uint64_t)in.tv_sec * 1000 + (uint64_t)in.tv_usec / 1000 + 1;
    net_timer_start(r->loop, &r->timer, ms, on_timeout, r);
}

static struct watched *find_watched(struct net_resolver *r, ares_socket_t fd)
{
    LIST_FOR_EACH(link, &r->sockets)
    {
        struct watched *w = LIST_OF(link, struct watched, link);
        if (w->fd == fd) return w;
    }
    return NULL;
}

static void unwatch(struct watched *w)
{
    list_remove(&w->link);
    if (w->event) event_free(w->event);
    free(w);
}

/* Out of memory here leaves a socket unwatched: its query times out, no more. */
static void on_socket_state(void *ctx, ares_socket_t fd, int readable, int writable)
{
    struct net_resolver *r = ctx;
    struct watched *w = find_watched(r, fd);
    if (w) unwatch(w);
    if (!readable && !writable) return;
    w = calloc(1, sizeof *w);
    if (!w) return;
    w->fd = fd;
    short what = (short)(EV_PERSIST | (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
    w->event = event_new(r->loop->base, fd, what, on_socket, r);
    list_push_back(&r->sockets, &w->link);
    if (!w->event || event_add(w->event, NULL) != 0) unwatch(w);
}

/* ---- making and freeing ---- */

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void library_init(void)
{
    ares_library_init(ARES_LIB_INIT_ALL);
}

static enum rc rc_of_status(int status)
{
    switch (status) {
    case ARES_SUCCESS: return RC_OK;
    case ARES_ENODATA:
    case ARES_ENONAME:
    case ARES_EBADNAME:
    case ARES_ENOTFOUND: return RC_NOT_FOUND;
    case ARES_ETIMEOUT: return RC_TIMEOUT;
    case ARES_EBADRESP:
    case ARES_EFORMERR: return RC_MALFORMED;
    case ARES_ENOMEM: return RC_NOMEM;
    default: return RC_IO;
    }
}

static enum rc set_servers(struct net_resolver *r, const struct net_addr *servers, size_t count)
{
    struct ares_addr_port_node *nodes = calloc(count, sizeof *nodes);
    if (!nodes) return RC_NOMEM;
    for (size_t i = 0; i < count; i++) {
        nodes[i].next = i + 1 < count ? &nodes[i + 1] : NULL;
        nodes[i].family = servers[i].family == NET_V4 ? AF_INET : AF_INET6;
        memcpy(&nodes[i].addr, servers[i].ip, servers[i].family == NET_V4 ? 4 : 16);
        nodes[i].udp_port = nodes[i].tcp_port = servers[i].port;
    }
    enum rc rc = rc_of_status(ares_set_servers_ports(r->channel, nodes));
    free(nodes);
    return rc;
}

enum rc net_resolver_new(struct net_loop *loop, const struct net_resolver_config *config,
                         struct net_resolver **out)
{
    pthread_once(&library_once, library_init);
    struct net_resolver *r = calloc(1, sizeof *r);
    if (!r) return RC_NOMEM;
    r->loop = loop;
    r->random = config->random;
    list_init(&r->sockets);
    list_init(&r->queries);
    struct ares_options options = {
        .timeout = (int)(config->timeout_ms ? config->timeout_ms : TIMEOUT_MS),
        .tries = (int)(config->tries ? config->tries : TRIES),
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = r,
    };
    enum rc rc = rc_of_status(ares_init_options(
        &r->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB));
    if (rc == RC_OK && config->server_count > 0)
        rc = set_servers(r, config->servers, config->server_count);
    if (rc != RC_OK) {
        if (r->channel) ares_destroy(r->channel);
        free(r);
        return rc;
    }
    *out = r;
    return RC_OK;
}

static void query_free(struct net_query *q)
{
    list_remove(&q->link);
    net_loop_defer_cancel(&q->deferred);
    free(q->addrs);
    free(q->srvs);
    free(q);
}

struct net_resolver *net_resolver_free(struct net_resolver *r)
{
    if (!r) return NULL;
    r->closing = true;
    ares_destroy(r->channel); /* calls back for every query it holds */
    net_timer_stop(r->loop, &r->timer);
    for (struct list *link; (link = list_first(&r->queries));)
        query_free(LIST_OF(link, struct net_query, link));
    for (struct list *link; (link = list_first(&r->sockets));)
        unwatch(LIST_OF(link, struct watched, link));
    free(r);
    return NULL;
}

/* ---- results ---- */

static void tell(void *ctx)
{
    struct net_query *q = ctx;
    list_remove(&q->link); /* fn may free the resolver, */
    q->asked = true;       /* or cancel q: both leave it to us */
    if (q->addrs_fn)
        q->addrs_fn(q->ctx, q->rc, q->addrs, q->count, q->ttl_s);
    else if (q->srvs_fn)
        q->srvs_fn(q->ctx, q->rc, q->srvs, q->count, q->ttl_s);
    query_free(q);
}

/* The library is done with q: it goes, or its owner hears at the end of the turn. */
static void settled(struct net_query *q, enum rc rc)
{
    q->asked = false;
    q->rc = rc;
    if (q->resolver->closing) return; /* net_resolver_free frees it */
    if (q->addrs_fn || q->srvs_fn)
        net_loop_defer(q->resolver->loop, &q->deferred, tell, q);
    else
        query_free(q);
}

static enum rc keep_addrs(struct net_query *q, const struct ares_addrinfo *info)
{
    q->addrs = calloc(NET_RESOLVED_MAX, sizeof *q->addrs);
    if (!q->addrs) return RC_NOMEM;
    q->ttl_s = UINT32_MAX;
    for (const struct ares_addrinfo_node *n = info->nodes; n && q->count < NET_RESOLVED_MAX;
         n = n->ai_next) {
        struct net_addr addr = net_addr_from_sockaddr(n->ai_addr);
        if (addr.family == NET_NONE) continue;
        addr.port = q->port;
        q->addrs[q->count++] = addr;
        if (n->ai_ttl >= 0 && (uint32_t)n->ai_ttl < q->ttl_s) q->ttl_s = (uint32_t)n->ai_ttl;
    }
    return q->count > 0 ? RC_OK : RC_NOT_FOUND;
}

static void on_addrs(void *ctx, int status, int timeouts, struct ares_addrinfo *info)
{
    (void)timeouts;
    struct net_query *q = ctx;
    enum rc rc = rc_of_status(status);
    if (rc == RC_OK) rc = keep_addrs(q, info);
    ares_freeaddrinfo(info);
    settled(q, rc);
}

static void on_srvs(void *ctx, int status, int timeouts, unsigned char *answer, int n)
{
    (void)timeouts;
    struct net_query *q = ctx;
    enum rc rc = rc_of_status(status);
    if (rc == RC_OK && !(q->srvs = calloc(NET_RESOLVED_MAX, sizeof *q->srvs))) rc = RC_NOMEM;
    if (rc == RC_OK) rc = dns_srv_parse(bytes_of(answer, (size_t)n), q->srvs, &q->count, &q->ttl_s);
    if (rc == RC_OK) dns_srv_order(q->srvs, q->count, &q->resolver->random);
    settled(q, rc);
}

/* ---- asking ---- */

static enum rc query_new(struct net_resolver *r, struct str name, char text[NET_NAME_MAX + 2],
                         struct net_query **out)
{
    if (name.n == 0 || str_to_cstr(name, text, NET_NAME_MAX + 2) != RC_OK) return RC_INVALID;
    struct net_query *q = calloc(1, sizeof *q);
    if (!q) return RC_NOMEM;
    q->resolver = r;
    list_push_back(&r->queries, &q->link);
    *out = q;
    return RC_OK;
}

static void answer_numeric(struct net_query *q, const struct net_addr *addr, enum net_family family)
{
    q->addrs = calloc(1, sizeof *q->addrs);
    if (q->addrs) *q->addrs = *addr;
    q->count = q->addrs ? 1 : 0;
    q->ttl_s = UINT32_MAX;
    bool fits = family == NET_NONE || family == addr->family;
    settled(q, !q->addrs ? RC_NOMEM : fits ? RC_OK : RC_NOT_FOUND);
}

enum rc net_resolver_addrs(struct net_resolver *r, struct str name, uint16_t port,
                           enum net_family family, net_addrs_fn *fn, void *ctx,
                           struct net_query **out)
{
    char text[NET_NAME_MAX + 2];
    struct net_query *q;
    struct net_addr numeric;
    enum rc rc = query_new(r, name, text, &q);
    if (rc != RC_OK) return rc;
    q->addrs_fn = fn;
    q->ctx = ctx;
    q->port = port;
    *out = q;
    if (net_addr_parse_ip(name, port, &numeric) == RC_OK) {
        answer_numeric(q, &numeric, family);
        return RC_OK;
    }
    struct ares_addrinfo_hints hints = {
        .ai_flags = ARES_AI_NOSORT,
        .ai_family = family == NET_V4   ? AF_INET
                     : family == NET_V6 ? AF_INET6
                                        : AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
    };
    q->asked = true;
    ares_getaddrinfo(r->channel, text, NULL, &hints, on_addrs, q);
    rearm(r);
    return RC_OK;
}

enum rc net_resolver_srv(struct net_resolver *r, struct str name, net_srvs_fn *fn, void *ctx,
                         struct net_query **out)
{
    char text[NET_NAME_MAX + 2];
    struct net_query *q;
    enum rc rc = query_new(r, name, text, &q);
    if (rc != RC_OK) return rc;
    q->srvs_fn = fn;
    q->ctx = ctx;
    *out = q;
    q->asked = true;
    ares_query(r->channel, text, ns_c_in, ns_t_srv, on_srvs, q);
    rearm(r);
    return RC_OK;
}

struct net_query *net_query_cancel(struct net_query *q)
{
    if (!q) return NULL;
    q->addrs_fn = NULL;
    q->srvs_fn = NULL;
    if (!q->asked) query_free(q);
    return NULL;
}
