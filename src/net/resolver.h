/* net/resolver.h - names to addresses and services to hosts, without waiting. One resolver a loop.
 * Numeric addresses need no server, /etc/hosts is honoured. Which server is asked and how often
 * follows /etc/resolv.conf unless the config says otherwise. */
#ifndef NET_RESOLVER_H
#define NET_RESOLVER_H
#include "net/addr.h"
#include "net/loop.h"

struct net_query;
struct net_resolver;

enum {
    NET_RESOLVED_MAX = 16, /* addresses or SRV records handed out; the rest is dropped */
    NET_NAME_MAX = 253,    /* bytes of a host name */
};

struct net_srv {
    char target[NET_NAME_MAX + 1]; /* without the final dot; "" : "decidedly not here" (RFC 2782) */
    uint16_t port, priority, weight;
};

struct net_resolver_config {
    const struct net_addr *servers; /* NULL: the system's */
    size_t server_count;
    uint32_t timeout_ms;         /* of one try; 0: 2000 */
    uint32_t tries;              /* 0: 3 */
    struct random_source random; /* orders equal priorities by weight; must outlive the resolver */
};

/* rc: RC_OK (count > 0), RC_NOT_FOUND, RC_TIMEOUT, RC_MALFORMED (the answer), RC_NOMEM, RC_IO. What
 * is pointed to is gone after return. ttl_s: the least of the answer; numeric addresses:
 * UINT32_MAX. */
typedef void net_addrs_fn(void *ctx, enum rc rc, const struct net_addr *addrs, size_t count,
                          uint32_t ttl_s);
typedef void net_srvs_fn(void *ctx, enum rc rc, const struct net_srv *srvs, size_t count,
                         uint32_t ttl_s);

MUST_CHECK enum rc net_resolver_new(struct net_loop *loop, const struct net_resolver_config *config,
                                    struct net_resolver **out);
/* Queries still under way are cancelled. Returns NULL. */
struct net_resolver *net_resolver_free(struct net_resolver *resolver);

/* A and AAAA of name (or a numeric address), each with port. family NET_NONE: both. fn runs once,
 * in this turn or later, never before return. RC_INVALID: not a name; RC_NOMEM. */
MUST_CHECK enum rc net_resolver_addrs(struct net_resolver *resolver, struct str name, uint16_t port,
                                      enum net_family family, net_addrs_fn *fn, void *ctx,
                                      struct net_query **out);
/* SRV of name ("_sips._tcp.example.com"), in the order to try them (RFC 2782). */
MUST_CHECK enum rc net_resolver_srv(struct net_resolver *resolver, struct str name, net_srvs_fn *fn,
                                    void *ctx, struct net_query **out);
/* fn will not run. A query is gone when its fn has been called. Returns NULL. */
struct net_query *net_query_cancel(struct net_query *query);

#endif
