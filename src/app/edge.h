/* app/edge.h - one edge in a process: all its parts, how they come up and go down (edge_opening.c), and
 * what the operator API asks of it (edge_live.c). edge_main.c is the command line around it. */
#ifndef APP_EDGE_H
#define APP_EDGE_H
#include "admin/api.h"
#include "admin/live.h"
#include "app/certs.h"
#include "app/chores.h"
#include "app/diskwatch.h"
#include "app/edge_ucms.h"
#include "app/settings.h"
#include "directory/directory.h"
#include "edge/zones.h"
#include "http/server.h"
#include "net/pool.h"
#include "siptx/trace.h"

#include <pthread.h>

#define APP_EDGE_CONTROL_DEFAULT "/run/bearline-edge/control.sock"
#define APP_EDGE_DATA_DEFAULT    "/var/lib/bearline-edge"

struct app_edge {
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
    struct app_edge_ucms *ucms;
    /* SIP: a loop and thread of its own */
    struct net_loop *sip;
    pthread_t sip_thread;
    bool is_sip_running;
    struct siptx_stack *stack;
    struct siptx_trace *trace;
    struct net_resolver *resolver;
    struct net_tls_slot *tls; /* towards nodes; NULL: none could be made at the start */
    struct edge_zones *zones;
    struct net_post retry;
    struct wheel_timer tick, minute;
    struct app_chores chores;
    struct app_diskwatch diskwatch;
    bool is_new;
};

/* Opens everything in e, whose settings, log, clock and random source are set, and runs the SIP thread;
 * the control loop is the caller's to run. After a failure, too, app_edge_stop. */
MUST_CHECK enum rc app_edge_start(struct app_edge *e, struct store_why *why);
void app_edge_stop(struct app_edge *e);

/* From any thread: zones that failed try again at once. */
void app_edge_retry_zones(struct app_edge *e);

/* edge_live.c */
struct admin_live app_edge_live(struct app_edge *e);

#endif
