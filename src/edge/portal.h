/* edge/portal.h - the inner edge's answers to HTTPS requests of phones outside. Two it gives itself
 * (get_edge_sso, get_edge_config); all others name a place inside in their first path segment, base64 of
 * "domain/https/host/port", and are fetched from there when the allow list has them: sign-in at the call
 * servers' HTTPS ports without a token, device configuration with a good one, and what an operator has
 * added. Everything else is 404: nobody outside learns what there is. */
#ifndef EDGE_PORTAL_H
#define EDGE_PORTAL_H
#include "base/clock.h"
#include "base/log.h"
#include "edge/cluster.h"
#include "edge/errand_text.h"
#include "http/client.h"

enum { EDGE_PORTAL_CLUSTERS = 64 };

/* A manual rule of the allow list. */
struct edge_portal_rule {
    struct str url;     /* "https://host[:port]/path" */
    bool is_prefix;     /* all paths below it too */
    struct str methods; /* "GET POST" */
};

/* What there is when a request comes. Clusters are references for the callee to let go. */
struct edge_portal_view {
    struct edge_cluster *clusters[EDGE_PORTAL_CLUSTERS];
    size_t cluster_count;
    struct edge_portal_rule *rules; /* in the arena */
    size_t rule_count;
    struct str trust_pem; /* whom to trust inside */
    struct str domain;    /* the first segment's; "" any */
    bool is_on;           /* the mode */
};

struct edge_portal {
    struct clock clock;
    const struct log *log;
    enum rc (*look)(void *ctx, struct arena *arena, struct edge_portal_view *out);
    void (*fetch)(const struct http_call *call, struct arena *arena, struct http_answer *answer);
    void *ctx;
};

/* Waits for the network. Never fails: what goes wrong is an answer, too. */
void edge_portal_serve(const struct edge_portal *p, const struct edge_errand_request *request,
                       struct arena *arena, struct edge_errand_answer *out);

/* Where a request leads. */
enum edge_portal_kind {
    EDGE_PORTAL_NOWHERE,
    EDGE_PORTAL_SSO,
    EDGE_PORTAL_CONFIG,
    EDGE_PORTAL_INSIDE
};
struct edge_portal_place {
    enum edge_portal_kind kind;
    struct str domain, host; /* host: inside */
    uint16_t port;
    struct str path, query; /* path: "/...", without dot segments; query without '?' */
};
/* RC_NOMEM. */
MUST_CHECK enum rc edge_portal_read(struct str target, struct arena *arena,
                                    struct edge_portal_place *out);

#endif
