/* edge/follower.h - keeps up with one call server cluster. It tests TLS and the AXL user, reads the
 * cluster, makes this edge known there (ExpresswayCConfiguration, by which the MRA port admits it) and
 * then asks every other second what has changed. What fails is told in words, and tried again with
 * pauses that double; what is known of the cluster stays meanwhile.
 *
 *   NEW -> step -> FOLLOWED <-> (asked, nothing new or a new cluster)
 *            \-> FAILING  -> step after a pause ... -> FOLLOWED
 *
 * edge_follower_step waits for the network and runs on one thread at a time, a pool's; the rest is
 * safe from any thread and quick. */
#ifndef EDGE_FOLLOWER_H
#define EDGE_FOLLOWER_H
#include "base/clock.h"
#include "base/log.h"
#include "edge/axl.h"
#include "edge/cluster.h"

struct edge_follower;

enum {
    EDGE_FOLLOW_MS = 2000,      /* between questions */
    EDGE_RETRY_FIRST_MS = 2000, /* after the first failure, then twice as long each time */
    EDGE_RETRY_MAX_MS = 60000,
};
#define EDGE_DESCRIPTION "this is added through axl"

/* How this edge is to be known: the row it pushes. Texts lie in the arena given. */
struct edge_identity {
    bool
        token_refresh; /* Authorize by OAuth token with refresh: the call server names a difference */
    struct str host;   /* short host name */
    struct str names; /* CN and alternative names of its certificate, parted by commas, no spaces */
};
typedef enum rc edge_identity_fn(void *ctx, struct arena *arena, struct edge_identity *out);
/* The edge's tomcat-trust as PEM, as it is now. */
typedef enum rc edge_trust_fn(void *ctx, struct arena *arena, struct str *pem);
/* On the thread of the step, nothing locked: the cluster or the state is another one. */
typedef void edge_followed_fn(void *ctx, struct edge_follower *f);

/* Texts are copied, functions and ctx must outlive it. */
struct edge_follower_config {
    struct str address, username, password;
    uint16_t port;
    bool tls_verify;
    struct clock clock;
    const struct log *log;
    edge_fetch_fn *fetch; /* NULL: http_fetch */
    edge_identity_fn *identity;
    edge_trust_fn *trust;
    edge_followed_fn *on_change; /* may be NULL */
    void *ctx;                   /* of all four */
};
/* RC_TOO_BIG (a text), RC_NOMEM. */
MUST_CHECK enum rc edge_follower_new(const struct edge_follower_config *config,
                                     struct edge_follower **out);
struct edge_follower *edge_follower_free(struct edge_follower *f); /* wipes the password; NULL */

/* Does what is due; how many ms until the next step. */
int64_t edge_follower_step(struct edge_follower *f);
/* The next step begins from the start: "Refresh servers", or something of this edge has changed. */
void edge_follower_renew(struct edge_follower *f);
/* A reference to what is known; NULL: nothing yet. */
struct edge_cluster *edge_follower_cluster(struct edge_follower *f);

enum edge_follower_state { EDGE_UCM_NEW, EDGE_UCM_FOLLOWED, EDGE_UCM_FAILING };
struct edge_follower_view {
    struct str address; /* lives as long as the follower */
    enum edge_follower_state state;
    int64_t since_unix_ms; /* of state */
    int64_t read_unix_ms;  /* the last good answer; 0 none */
    char release[64];      /* as it calls itself; "" unknown */
    size_t node_count;
    struct edge_problem problem; /* FAILING */
};
void edge_follower_look(struct edge_follower *f, struct edge_follower_view *out);

/* One trial with that config, as a step would do it, and nothing remembered: before an entry is kept.
 * As edge_follower_step's parts: RC_OK, else *problem. */
MUST_CHECK enum rc edge_follower_try(const struct edge_follower_config *config,
                                     struct edge_problem *problem);

#endif
