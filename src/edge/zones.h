/* edge/zones.h - the neighbour zones towards call servers: one CEOAuth-<node> for each discovered node,
 * mutual TLS to its MRA port, whatever the cluster's security mode. A zone keeps one connection, asks
 * OPTIONS over it, and says how it is: Active, or what stands in the way and what to do.
 *
 *   RESOLVING -> CONNECTING -> ASKING -> ACTIVE -(every 30 s)-> ASKING
 *        \____________\___________\________\--> FAILED --(1, 2, 4 ... 30 s)--> RESOLVING
 *
 * TLS 1.3 lets a client finish before the server has refused its certificate, so only an answer to
 * OPTIONS makes a zone Active. Everything here belongs to the stack's thread but edge_zones_list. */
#ifndef EDGE_ZONES_H
#define EDGE_ZONES_H
#include "base/arena.h"
#include "base/log.h"
#include "edge/cluster.h"
#include "edge/problem.h"
#include "net/resolver.h"
#include "siptx/stack.h"

struct edge_zones;

enum {
    EDGE_ZONES_MAX = 256,
    EDGE_ZONE_NAME_MAX = 127,
    EDGE_ZONE_PRIORITY = 45, /* of its search rule; not to be configured */
    EDGE_ZONE_ASK_MS = 30000,
    EDGE_ZONE_ANSWER_MS = 5000, /* for the answer to OPTIONS */
    EDGE_ZONE_RETRY_MAX_MS = 30000,
};

/* What reaches others; in the program siptx_connect and net/resolver. */
struct edge_zone_ops {
    void *ctx;
    enum rc (*connect)(struct siptx_stack *s, const struct siptx_target *target,
                       struct siptx_flow **out);
    enum rc (*addrs)(void *ctx, struct str name, uint16_t port, net_addrs_fn *fn, void *fn_ctx,
                     struct net_query **out);
    struct net_tls *(*tls)(void *ctx); /* client context with the edge's tomcat certificate; a
                                          reference for the caller. NULL: none */
};

struct edge_zones_config {
    struct edge_zone_ops ops;
    struct clock clock;
    struct random_source random;
    const struct log *log;
};
/* RC_NOMEM. */
MUST_CHECK enum rc edge_zones_new(const struct edge_zones_config *config, struct edge_zones **out);
/* Before the stack goes. NULL. */
struct edge_zones *edge_zones_free(struct edge_zones *z);
void edge_zones_attach(struct edge_zones *z, struct siptx_stack *stack);

/* What there should be from now on; clusters[i] is that of addresses[i]. A zone whose node is where it
 * was goes on untouched. More than EDGE_ZONES_MAX: the rest is left out, and logged. */
void edge_zones_set(struct edge_zones *z, struct edge_cluster *const *clusters,
                    const struct str *addresses, size_t count);
/* Certificates or trust have changed: zones that failed try again at once, the others keep what they
 * have. */
void edge_zones_retry(struct edge_zones *z);

/* What the stack tells of flows; false: not one of ours. */
bool edge_zones_on_ready(struct edge_zones *z, struct siptx_flow *f);
bool edge_zones_on_closed(struct edge_zones *z, struct siptx_flow *f, enum siptx_close why,
                          struct str text);

enum edge_zone_state {
    EDGE_ZONE_RESOLVING,
    EDGE_ZONE_CONNECTING,
    EDGE_ZONE_ASKING, /* connected, not yet proved */
    EDGE_ZONE_ACTIVE,
    EDGE_ZONE_FAILED,
};
const char *edge_zone_state_name(enum edge_zone_state state); /* "Active" */
struct edge_zone_view {
    struct str name;                  /* "CEOAuth-ucm1" */
    struct str ucm, node, host, peer; /* peer: "192.0.2.1:5091", "" not known yet */
    uint16_t port;
    enum edge_zone_state state;
    int64_t since_unix_ms;
    struct edge_problem problem; /* the last one; "" once it is Active */
};
/* All of them, in the arena. From any thread. */
MUST_CHECK enum rc edge_zones_list(struct edge_zones *z, struct arena *arena,
                                   struct edge_zone_view **out, size_t *count);

#endif
