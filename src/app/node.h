/* app/node.h - one node in a process: all its parts, how they come up and go down (opening.c), and
 * what they follow while they run (following.c). bearlined.c is the command line around it. */
#ifndef APP_NODE_H
#define APP_NODE_H
#include "admin/api.h"
#include "admin/axl.h"
#include "app/certs.h"
#include "app/chores.h"
#include "app/diskwatch.h"
#include "app/listeners.h"
#include "app/live.h"
#include "app/outside.h"
#include "app/records.h"
#include "app/settings.h"
#include "auth/auth.h"
#include "call/call.h"
#include "directory/directory.h"
#include "http/server.h"
#include "net/pool.h"
#include "provision/provision.h"
#include "siptx/trace.h"

#include <pthread.h>

enum { WORKERS_MAX = 64, POOL_QUEUE_MAX = 1024, TICK_MS = 1000, MINUTE_MS = 60000 };

struct worker {
    struct net_loop *loop;
    struct call_worker *call;
    struct siptx_stack *stack;
    pthread_t thread;
    bool is_running;
};

struct node {
    struct app_settings settings;
    struct log log;
    struct clock clock;
    struct random_source random;
    struct store *store;
    struct directory *directory;
    struct oauth_verifier *verifier;
    struct auth *auth;
    struct location *location;
    struct siptx_node *stacks;
    struct siptx_trace *trace;
    struct app_records *records;
    struct call_node *call;
    struct app_certs *certs;
    struct app_outside outside;
    struct net_limits *limits;
    struct net_loop *control;
    struct net_pool *pool;
    struct http_server *http;
    struct http_site *https_site, *config_site, *config_plain_site, *control_site;
    struct provision *provision;
    struct app_listeners *listeners;
    struct app_live live;
    struct admin_live live_functions;
    struct admin *admin;
    struct worker workers[WORKERS_MAX];
    unsigned worker_count, pool_threads;
    struct siptx_stack *worker_stacks[WORKERS_MAX];
    struct siptx_limits sip_limits;
    struct wheel_timer tick, minute;
    struct app_chores chores; /* found by the control thread, done by the pool */
    pthread_mutex_t moving;
    char url[APP_NAME_MAX + 32];    /* where users sign in now; under moving */
    struct app_diskwatch diskwatch; /* the control thread's, as what follows */
    char failed_ports[512];
    bool is_new, is_greeted, has_control_folder;
};

/* ---- opening.c ---- */
/* Opens everything in n, whose settings, log, clock, random source, pool_threads and worker_count are
 * set, and runs the workers; the control loop is the caller's to run. After a failure, too, node_stop. */
MUST_CHECK enum rc node_start(struct node *n, struct store_why *why);
void node_stop(struct node *n);
/* "https://HOST", with the port unless it is 443. */
void node_print_url(char *out, size_t cap, struct str host, int port);

/* ---- following.c ---- */
/* For the listeners: every port has been tried; tells when the node is ready or degraded. ctx: n. */
void node_on_synced(void *ctx);
/* The directory's subscriber. ctx: n. */
void node_on_change(void *ctx, enum store_kind kind, struct str key, bool removed);
/* Once a second and once a minute; ctx: n. Each starts its own timer again. */
void node_on_tick(void *ctx);
void node_on_minute(void *ctx);

#endif
