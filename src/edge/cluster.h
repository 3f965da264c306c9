/* edge/cluster.h - what an inner edge knows of a call server cluster: nodes, ports, the settings both
 * must agree on, and the keyring that tells its good tokens. Read from the cluster's own document
 * (GET /api/v1/edge/cluster). Immutable and counted; safe from any thread. */
#ifndef EDGE_CLUSTER_H
#define EDGE_CLUSTER_H
#include "base/arena.h"
#include "base/rc.h"
#include "base/str.h"
#include <stdatomic.h>
#include <stdint.h>

struct oauth_keyring;

enum { EDGE_NODES_MAX = 64, EDGE_FEED_MAX = 4 << 20 /* bytes of the document */ };

struct edge_node {
    struct str name;                            /* "ucm1" */
    struct str host;                            /* what its certificates bear */
    struct str addresses;                       /* parted by blanks; may be empty */
    int64_t priority;                           /* 0 first */
    uint16_t mra_port, https_port, config_port; /* TLS, all three; 0: not opened */
};

struct edge_cluster {
    const struct edge_node *nodes; /* by priority */
    size_t node_count;
    bool sip_oauth_mode; /* the mode is on: its MRA ports are open */
    bool refresh_login;  /* OAuth with Refresh Login Flow */
    const struct oauth_keyring *keyring;
    uint8_t keys_id[32]; /* SHA-256 of all that makes the keyring: equal, equal keys */
    struct str realm;    /* of its challenges: "ccmsipline" */
    struct str scope;    /* what a token must carry to open a line; "" nothing */

    /* its own */
    atomic_uint refs;
    struct arena text;
};

struct edge_cluster *edge_cluster_ref(struct edge_cluster *c);
struct edge_cluster *edge_cluster_unref(struct edge_cluster *c); /* NULL */

/* One answer of the cluster. Slices lie in the arena it was read into. */
struct edge_feed {
    struct str version;           /* names this state of the cluster */
    struct str pass;              /* what to show instead of the password from now on; "" none */
    struct edge_cluster *cluster; /* the caller's reference; NULL: as it was */
};
/* RC_MALFORMED: no such document, or a value in it that cannot be: *what (may be NULL, constant text)
 * names the member; RC_TOO_BIG: more than a maximum; RC_NOMEM. A foreign issuer that cannot be used is
 * left out, as the call server does. */
MUST_CHECK enum rc edge_feed_read(struct str json, struct arena *arena, struct edge_feed *out,
                                  const char **what);

#endif
