/* app/edge.h - one edge in a process: all its parts, how they come up and go down (edge_opening.c), its
 * SIP thread (edge_sip.c), and what the operator API asks of it (edge_live.c). edge_main.c is the command
 * line around it. */
#ifndef APP_EDGE_H
#define APP_EDGE_H
#include "admin/api.h"
#include "admin/live.h"
#include "app/carry_inner.h"
#include "app/carry_outer.h"
#include "app/certs.h"
#include "app/chores.h"
#include "app/diskwatch.h"
#include "app/edge_gateway.h"
#include "app/edge_peers.h"
#include "app/edge_tunnels.h"
#include "app/edge_ucms.h"
#include "app/listeners.h"
#include "app/settings.h"
#include "directory/directory.h"
#include "edge/seal.h"
#include "edge/zones.h"
#include "http/server.h"
#include "net/pool.h"
#include "siptx/trace.h"

#include <pthread.h>
#include <stdatomic.h>

#define APP_EDGE_CONTROL_DEFAULT "/run/bearline-edge/control.sock"
#define APP_EDGE_DATA_DEFAULT    "/var/lib/bearline-edge"

struct app_edge {
    enum store_edge_role role;
    struct app_settings settings;
    struct log log;
    struct clock clock;
    struct random_source random;
    struct store *store;
    struct directory *directory;
    struct app_certs *certs;
    struct net_loop *control; /* HTTP, changes, followers' timers */
    struct net_pool *pool;    /* the operator API */
    struct http_server *http;
    struct http_site *control_site;
    struct admin_live live;
    struct admin *admin;
    struct app_edge_ucms *ucms;       /* inner */
    struct app_edge_tunnels *tunnels; /* inner */
    struct app_edge_gateway *gateway; /* outer */
    struct app_edge_peers *peers;
    /* SIP: a loop and thread of its own */
    struct net_loop *sip;
    pthread_t sip_thread;
    bool is_sip_running;
    struct siptx_stack *stack;
    struct siptx_trace *trace;
    struct net_resolver *resolver;
    struct edge_seal *seal;
    struct edge_relay *relay;
    uint16_t mux_port; /* outer: of media from inner edges, SIP thread only */
    atomic_int mux_rc; /* enum rc of opening it */
    struct net_post retry;
    /* inner */
    struct net_tls_slot *tls, *link_tls; /* towards nodes and outer edges */
    struct edge_zones *zones;
    struct app_carry_inner *inner;
    /* outer */
    struct app_carry_outer *outer;
    struct siptx_node *stacks;
    struct net_limits *limits;
    struct app_listeners *listeners;
    struct wheel_timer tick, minute;
    struct app_chores chores;
    struct app_diskwatch diskwatch;
    bool is_new;
};

/* Opens everything in e, whose settings, log, clock and random source are set, and runs the SIP thread;
 * the control loop is the caller's to run. After a failure, too, app_edge_stop. */
MUST_CHECK enum rc app_edge_start(struct app_edge *e, struct store_why *why);
void app_edge_stop(struct app_edge *e);

/* edge_sip.c: the SIP thread and what it follows. After a failure, too, app_edge_sip_stop, which ends the
 * control loop as well: its listeners need that to the last. */
MUST_CHECK enum rc app_edge_sip_open(struct app_edge *e, struct store_why *why);
MUST_CHECK enum rc app_edge_sip_run(struct app_edge *e);
void app_edge_sip_stop(struct app_edge *e);
/* On the control thread: clusters, the mode or paired edges are others. */
void app_edge_sip_follow(void *edge);
/* On the pool: certificates, trust or pairings have changed. */
void app_edge_sip_renew_tls(struct app_edge *e);

/* From any thread: zones that failed try again at once. */
void app_edge_retry_zones(struct app_edge *e);

/* edge_live.c */
struct admin_live app_edge_live(struct app_edge *e);

#endif
