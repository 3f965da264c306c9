/* edge/zones.h - what an inner edge dials: a neighbour zone for each discovered node (CEOAuth-<node>,
 * mutual TLS to its MRA port, whatever the cluster's security mode) and a traversal zone for each outer
 * edge it is paired with (Link-<edge>). A zone keeps one connection, asks OPTIONS over it, and says how
 * it is: Active, or what stands in the way and what to do. It has a number that stays, whatever
 * connection it has at the moment.
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
#include "edge/greeting.h"
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

enum edge_zone_kind { EDGE_ZONE_NODE, EDGE_ZONE_LINK };

/* A zone there should be. Texts are borrowed for the call; of one of the same group and node the first
 * counts. The order is that of preference. */
struct edge_zone_want {
    enum edge_zone_kind kind;
    struct str group;    /* the call server's address; "" for links */
    struct str node;     /* the node's name, or the outer edge's */
    struct str host;     /* what its certificate bears */
    uint16_t port;       /* 0: it opens none */
    uint16_t media_port; /* of a link: where the outer edge takes media, UDP */
};
/* The nodes of a cluster, at most max; none while its mode is off. */
size_t edge_zone_wants(const struct edge_cluster *c, struct str address, struct edge_zone_want *out,
                       size_t max);

/* One of the zones. Texts live until the set changes. */
struct edge_zone_ref {
    uint64_t id; /* of kind, group and node: equal at every start */
    enum edge_zone_kind kind;
    struct str group, node;
    uint16_t media_port; /* of a link */
};

/* What reaches others; in the program siptx_connect and net/resolver. */
struct edge_zone_ops {
    void *ctx;
    enum rc (*connect)(struct siptx_stack *s, const struct siptx_target *target,
                       struct siptx_flow **out);
    enum rc (*addrs)(void *ctx, struct str name, uint16_t port, net_addrs_fn *fn, void *fn_ctx,
                     struct net_query **out);
    /* client context with the edge's tomcat certificate; a reference for the caller. NULL: none */
    struct net_tls *(*tls)(void *ctx, enum edge_zone_kind kind);
    /* What an outer edge says of itself, and what is said to it. NULL: nothing. */
    void (*greeted)(void *ctx, const struct edge_zone_ref *zone, const struct edge_greeting *g);
    struct edge_greeting (*greeting)(void *ctx);
    /* A zone that was Active is so no more. May be NULL. */
    void (*lost)(void *ctx, const struct edge_zone_ref *zone);
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

/* What there should be from now on. A zone whose node is where it was goes on untouched. More than
 * EDGE_ZONES_MAX: the rest is left out, and logged. */
void edge_zones_set(struct edge_zones *z, const struct edge_zone_want *wants, size_t count);
/* Certificates or trust have changed: zones that failed try again at once, the others keep what they
 * have. */
void edge_zones_retry(struct edge_zones *z);

/* Zones that are connected say how they are at once, not only when it is time. */
void edge_zones_greet(struct edge_zones *z);

/* The number of such a zone, whether there is one or not. */
uint64_t edge_zone_number(enum edge_zone_kind kind, struct str group, struct str node);
bool edge_zones_get(struct edge_zones *z, uint64_t id, struct edge_zone_ref *out);
/* The zone this flow is of. */
bool edge_zones_of_flow(const struct edge_zones *z, const struct siptx_flow *f,
                        struct edge_zone_ref *out);
/* The open connection of a zone; NULL: none now. */
struct siptx_flow *edge_zones_flow(struct edge_zones *z, uint64_t id);
/* The first Active zone of a group's nodes; false: none. */
bool edge_zones_pick(struct edge_zones *z, struct str group, struct edge_zone_ref *out);

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
    enum edge_zone_kind kind;
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
