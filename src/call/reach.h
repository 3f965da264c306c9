/* call/reach.h - servers outside this one: found by RFC 3263, connections to them opened when they
 * are wanted and kept. One a worker; everything on its thread.
 *
 * An ask is one wish to reach a host. Each call_reach_next gives the flow to the next of its
 * addresses: those of SRV records by their order where no port is said, then A and AAAA. An address
 * to which no connection opens is passed over. The transport is the asker's choice, so NAPTR is not
 * asked. */
#ifndef CALL_REACH_H
#define CALL_REACH_H
#include "base/list.h"
#include "net/resolver.h"
#include "siptx/stack.h"

struct call_reach;

/* What does the work; in the program net/resolver and siptx_connect. All but connect may be NULL:
 * then only numeric addresses are reached, and nobody over TLS. */
struct call_reach_ops {
    void *ctx;
    enum rc (*connect)(struct siptx_stack *s, const struct siptx_target *target,
                       struct siptx_flow **out);
    enum rc (*addrs)(void *ctx, struct str name, uint16_t port, net_addrs_fn *fn, void *fn_ctx,
                     struct net_query **out);
    enum rc (*srv)(void *ctx, struct str name, net_srvs_fn *fn, void *fn_ctx,
                   struct net_query **out);
    struct net_tls *(*tls)(void *ctx); /* a client context, a reference for the caller; NULL */
};

enum {
    CALL_REACH_CONNECTIONS = 256, /* of a worker at once */
    CALL_REACH_SRVS = 4,          /* SRV records looked at */
    CALL_REACH_TRIES = 8,         /* addresses tried for one ask */
    CALL_REACH_CONNECT_MS = 5000,
};

/* RC_NOMEM. */
MUST_CHECK enum rc call_reach_new(const struct call_reach_ops *ops, struct call_reach **out);
struct call_reach *call_reach_free(struct call_reach *r); /* NULL; no ask may be under way */
void call_reach_attach(struct call_reach *r, struct siptx_stack *stack);
/* What the stack tells. */
void call_reach_ready(struct call_reach *r, struct siptx_flow *f);
void call_reach_closed(struct call_reach *r, struct siptx_flow *f);
/* The host that f was opened to reach; "" when it was not made here. Borrowed. */
struct str call_reach_host(struct call_reach *r, const struct siptx_flow *f);

/* RC_OK: flow is ready; RC_NOT_FOUND: nobody (more) can be reached. */
typedef void call_reach_fn(void *ctx, enum rc rc, uint64_t flow);

/* In the asker's memory, which must stay until it is over: after RC_NOT_FOUND or call_reach_stop. */
struct call_reach_ask {
    struct list link; /* of its connection's waiters */
    struct call_reach *reach;
    struct str host; /* borrowed for its life */
    uint16_t port;   /* 0: by SRV, else the transport's own */
    enum siptx_transport transport;
    call_reach_fn *fn;
    void *ctx;
    /* its own: */
    struct net_query *query;
    struct reach_connection *waits_for;
    struct net_srv srvs[CALL_REACH_SRVS];
    struct net_addr addrs[CALL_REACH_TRIES];
    size_t srv_count, srv_at, addr_count, addr_at;
    unsigned tries;
    bool srv_asked, host_asked, is_inside;
};
void call_reach_ask(struct call_reach_ask *a, struct call_reach *r, struct str host, uint16_t port,
                    enum siptx_transport transport, call_reach_fn *fn, void *ctx);
/* RC_OK: *flow is ready. RC_MORE: fn will be told. RC_NOT_FOUND: nobody (more). Not while fn is
 * still to be told. */
MUST_CHECK enum rc call_reach_next(struct call_reach_ask *a, uint64_t *flow);
/* fn will not be called. Harmless when nothing is under way. */
void call_reach_stop(struct call_reach_ask *a);

#endif
