/* bearlined - one call server node. Opens the store, makes what a first start needs, wires the rooms
 * together and runs N workers, the control thread and the pool until it is told to stop. */
#include "admin/api.h"
#include "app/certs.h"
#include "app/chores.h"
#include "app/diskwatch.h"
#include "app/listeners.h"
#include "app/live.h"
#include "app/outside.h"
#include "app/records.h"
#include "app/settings.h"
#include "auth/auth.h"
#include "base/check.h"
#include "call/call.h"
#include "crypto/random.h"
#include "directory/directory.h"
#include "http/server.h"
#include "net/pool.h"
#include "provision/provision.h"
#include "siptx/trace.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_SETTINGS = 2, EXIT_STORE = 3, EXIT_START = 4 };
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

static void to_stderr(void *ctx, enum log_level level, struct str line)
{
    (void)ctx;
    (void)level;
    char text[LOG_LINE_MAX + 1];
    size_t n = line.n < LOG_LINE_MAX ? line.n : LOG_LINE_MAX;
    memcpy(text, line.p, n);
    text[n] = '\n';
    ssize_t written = write(STDERR_FILENO, text, n + 1);
    (void)written; /* nobody is left to tell */
}

static int fail(const char *what, enum rc rc, const struct store_why *why)
{
    if (why && why->text[0] != '\0')
        fprintf(stderr, "bearlined: %s\n", why->text);
    else
        fprintf(stderr, "bearlined: %s (%s)\n", what, rc_name(rc));
    return rc == RC_OK ? 0 : EXIT_START;
}

/* ---- what a first start makes ---- */

static enum rc own_row_ensure(struct node *n, struct store_why *why)
{
    struct arena a;
    struct store_node row;
    struct store_by by = {.who = STR("system"), .from = STR("bearlined")};
    arena_init(&a, NULL, 0, 65536);
    enum rc rc = store_node_get(n->store, str_from(n->settings.name), &a, &row, NULL);
    if (rc == RC_NOT_FOUND) {
        row = (struct store_node){
            .name = str_from(n->settings.name),
            .host = str_from(n->settings.host),
            .addresses = str_from(n->settings.addresses),
            .ports = n->settings.ports,
        };
        rc = store_node_put(n->store, &by, STORE_ADD, &row, why);
    }
    arena_fini(&a);
    return rc;
}

/* The row in the store wins over the settings once it is there. */
static enum rc own_row_read(struct node *n, struct store_why *why)
{
    struct arena a;
    struct store_node row;
    arena_init(&a, NULL, 0, 65536);
    enum rc rc = store_node_get(n->store, str_from(n->settings.name), &a, &row, why);
    if (rc == RC_OK) rc = str_to_cstr(row.host, n->settings.host, sizeof n->settings.host);
    if (rc == RC_OK)
        rc = str_to_cstr(row.addresses, n->settings.addresses, sizeof n->settings.addresses);
    n->settings.ports = row.ports;
    arena_fini(&a);
    return rc;
}

static enum rc open_store(struct node *n, struct store_why *why)
{
    struct store_config c = {
        .folder = n->settings.data,
        .clock = n->clock,
        .random = n->random,
        .create_folder = true,
    };
    enum rc rc = store_open(&c, &n->store, why);
    if (rc != RC_OK) return rc;
    n->is_new = store_is_new(n->store);
    if ((rc = own_row_ensure(n, why)) != RC_OK) return rc;
    if ((rc = own_row_read(n, why)) != RC_OK) return rc;
    return directory_new(n->store, &n->random, &n->directory, why);
}

static enum rc open_certs(struct node *n, struct store_why *why)
{
    char ca_file[APP_PATH_MAX + 16];
    snprintf(ca_file, sizeof ca_file, "%s/ca.pem", n->settings.data);
    struct app_certs_config c = {
        .store = n->store,
        .directory = n->directory,
        .clock = n->clock,
        .random = n->random,
        .log = &n->log,
        .node = str_from(n->settings.name),
        .host = str_from(n->settings.host),
        .addresses = str_from(n->settings.addresses),
    };
    return app_certs_new(&c, ca_file, &n->certs, why);
}

/* ---- tokens ---- */

static void print_url(char *out, size_t cap, struct str host, int port)
{
    bool v6 = str_find_char(host, ':') >= 0;
    snprintf(out, cap, v6 ? "https://[%.*s]:%d" : "https://%.*s:%d", STR_ARG(host), port);
}

/* As it was at the start. */
static void own_url(const struct node *n, char *out, size_t cap)
{
    print_url(out, cap, str_from(n->settings.host), n->settings.ports.https);
}

static enum rc open_auth(struct node *n, struct store_why *why)
{
    char url[APP_NAME_MAX + 32];
    struct oauth_keyring *keyring;
    struct oauth_verifier_settings v = {0};
    own_url(n, url, sizeof url);
    struct auth_settings s = {
        .store = n->store,
        .directory = n->directory,
        .clock = n->clock,
        .random = n->random,
        .log = &n->log,
        .issuer_url = str_from(url),
        .pool_threads = n->pool_threads,
    };
    enum rc rc = auth_first_keyring(&s, &keyring, why);
    if (rc != RC_OK) return rc;
    rc = oauth_verifier_new(&v, keyring, &n->verifier);
    if (rc != RC_OK) {
        oauth_keyring_unref(keyring);
        return rc;
    }
    s.verifier = n->verifier;
    return auth_new(&s, &n->auth, why);
}

/* ---- SIP ---- */

static enum rc add_records(void *ctx, const struct store_cdr *rows, size_t count,
                           struct store_why *why)
{
    struct node *n = ctx;
    return store_cdr_add(n->store, rows, count, why);
}

static enum rc open_records(struct node *n)
{
    struct app_records_config c = {
        .add = add_records,
        .add_ctx = n,
        .node = str_from(n->settings.name),
        .log = &n->log,
    };
    return app_records_new(&c, &n->records);
}

static enum rc open_call(struct node *n)
{
    char url[APP_NAME_MAX + 32];
    struct location_config lc = {0};
    own_url(n, url, sizeof url);
    enum rc rc = location_new(&lc, &n->random, clock_mono_ms(&n->clock), &n->location);
    if (rc != RC_OK) return rc;
    n->stacks = siptx_node_new();
    if (!n->stacks) return RC_NOMEM;
    if (n->settings.trace_bytes > 0 && !(n->trace = siptx_trace_new(n->settings.trace_bytes)))
        return RC_NOMEM;
    struct call_node_config c = {
        .directory = n->directory,
        .location = n->location,
        .verifier = n->verifier,
        .stacks = n->stacks,
        .clock = n->clock,
        .random = n->random,
        .log = &n->log,
        .node_name = str_from(n->settings.name),
        .on_call_end = app_records_put,
        .on_call_end_ctx = n->records,
    };
    rc = call_node_new(&c, &n->call);
    return rc == RC_OK ? call_node_set_authz_server(n->call, str_from(url)) : rc;
}

static int64_t worker_delay_ms(void *ctx)
{
    return (int64_t)net_loop_delay_ms(ctx);
}

static enum rc open_worker(struct node *n, unsigned i)
{
    struct worker *w = &n->workers[i];
    enum rc rc = net_loop_new(&w->loop);
    if (rc == RC_OK) rc = call_worker_new(n->call, &w->call);
    struct call_reach_ops reach;
    if (rc == RC_OK) rc = app_outside_ops(&n->outside, i, w->loop, &reach);
    if (rc == RC_OK) rc = call_worker_set_reach(w->call, &reach);
    if (rc != RC_OK) return rc;
    struct siptx_config c = {
        .worker = i,
        .loop = w->loop,
        .clock = net_loop_clock(w->loop),
        .random = n->random,
        .limits = n->sip_limits,
        .trace = n->trace,
        .node = n->stacks,
        .events = call_worker_events(w->call),
    };
    rc = siptx_stack_new(&c, &w->stack);
    if (rc != RC_OK) return rc;
    call_worker_attach(w->call, w->stack);
    if (i == 0 && (rc = call_worker_watch_trunks(w->call)) != RC_OK) return rc;
    call_worker_set_delay(w->call, worker_delay_ms, w->loop);
    n->worker_stacks[i] = w->stack;
    return RC_OK;
}

static enum rc open_workers(struct node *n)
{
    enum rc rc = RC_OK;
    for (unsigned i = 0; rc == RC_OK && i < n->worker_count; i++)
        rc = open_worker(n, i);
    return rc;
}

/* ---- HTTP ---- */

static enum rc open_sites(struct node *n)
{
    n->https_site = http_site_new("https");
    n->config_site = http_site_new("config");
    n->config_plain_site = http_site_new("config-plain");
    n->control_site = http_site_new("control");
    if (!n->https_site || !n->config_site || !n->config_plain_site || !n->control_site)
        return RC_NOMEM;
    struct provision_settings ps = {
        .directory = n->directory,
        .verifier = n->verifier,
        .clock = n->clock,
        .log = &n->log,
        .node = str_from(n->settings.name),
    };
    struct admin_settings as = {
        .store = n->store,
        .directory = n->directory,
        .live = &n->live_functions,
        .clock = n->clock,
        .random = n->random,
        .log = &n->log,
        .pool_threads = n->pool_threads,
    };
    enum rc rc = provision_new(&ps, &n->provision);
    if (rc == RC_OK) rc = admin_new(&as, &n->admin);
    if (rc == RC_OK) rc = auth_add_routes(n->auth, n->https_site);
    if (rc == RC_OK) rc = admin_add_api_routes(n->admin, n->https_site, false);
    if (rc == RC_OK) rc = admin_add_api_routes(n->admin, n->control_site, true);
    if (rc == RC_OK) rc = provision_add_secure_routes(n->provision, n->config_site);
    if (rc == RC_OK) rc = provision_add_plain_routes(n->provision, n->config_plain_site);
    return rc;
}

static enum rc open_http(struct node *n)
{
    struct http_limits limits = {.connection_max = 4000, .connection_per_source_max = 1000};
    n->http = http_server_new(n->control, n->pool, &n->log, &limits);
    if (!n->http) return RC_NOMEM;
    return open_sites(n);
}

/* /run is empty after a boot, so the standard folder is made; any other is the operator's. */
static enum rc control_folder_ready(const char *control, struct store_why *why)
{
    struct stat st;
    char folder[APP_PATH_MAX];
    snprintf(folder, sizeof folder, "%s", control);
    char *slash = strrchr(folder, '/');
    if (!slash || slash == folder) return RC_OK;
    *slash = '\0';
    bool is_ours = strcmp(control, APP_CONTROL_DEFAULT) == 0;
    if (is_ours && mkdir(folder, 0755) != 0 && errno != EEXIST)
        snprintf(why->text, sizeof why->text, "The folder %.200s cannot be made: %s. %s", folder,
                 strerror(errno), "Choose another control socket with --control.");
    else if (stat(folder, &st) != 0)
        snprintf(why->text, sizeof why->text,
                 "The folder %.150s of the control socket cannot be used: %s. Make it, or choose "
                 "another socket with --control.",
                 folder, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        snprintf(why->text, sizeof why->text,
                 "The control socket cannot be made: %.200s is no folder. Choose another one with "
                 "--control.",
                 folder);
    return why->text[0] == '\0' ? RC_OK : RC_NOT_FOUND;
}

/* What became of http_listen_unix, for the operator. */
static const char *control_advice(enum rc rc)
{
    switch ((int)rc) {
    case RC_EXISTS: return "is in use: another bearlined runs there. Stop that one, or choose";
    case RC_CONFLICT:
        return "cannot be made: a file that is no socket lies there. Move it, or choose";
    case RC_DENIED:
        return "cannot be made: this user may not write there. Run as another, or choose";
    case RC_TOO_BIG: return "cannot be made: its name is too long for a socket. Choose";
    default: return "cannot be made: the system refuses it. Look at its folder, or choose";
    }
}

static enum rc open_control_socket(struct node *n, struct store_why *why)
{
    struct http_listener *listener;
    const char *control = n->settings.control;
    enum rc rc = http_listen_unix(n->http, n->control_site, control, 0660, &listener);
    if (rc != RC_OK)
        snprintf(why->text, sizeof why->text,
                 "The control socket %.150s %s another with --control.", control,
                 control_advice(rc));
    return rc;
}

/* Ready only when every port is open that should be. Told at the start and whenever it changes. */
static void on_synced(void *ctx)
{
    struct node *n = ctx;
    char ports[sizeof n->failed_ports], url[sizeof n->url];
    size_t failed = app_listeners_failed(n->listeners, ports, sizeof ports);
    if (n->is_greeted && strcmp(ports, n->failed_ports) == 0) return;
    n->is_greeted = true;
    memcpy(n->failed_ports, ports, sizeof ports);
    pthread_mutex_lock(&n->moving);
    memcpy(url, n->url, sizeof url);
    pthread_mutex_unlock(&n->moving);
    if (failed == 0)
        log_info(&n->log, "node.ready", LOG_CSTR("node", n->settings.name),
                 LOG_CSTR("host", n->settings.host), LOG_CSTR("version", BEARLINE_VERSION),
                 LOG_INT("workers", n->worker_count), LOG_CSTR("url", url),
                 LOG_CSTR("data", n->settings.data), LOG_CSTR("control", n->settings.control));
    else
        log_error(&n->log, "node.degraded", LOG_CSTR("node", n->settings.name),
                  LOG_CSTR("control", n->settings.control), LOG_INT("ports_failed", failed),
                  LOG_CSTR("ports", ports),
                  LOG_CSTR("text",
                           "These ports are not open; the line listener.failed of each says "
                           "why and what to do. They are tried again all the time."));
}

static enum rc open_listeners(struct node *n)
{
    struct net_limits_config limits = {
        .connections_max = n->settings.connections_max,
        .source_max = n->settings.source_max,
        .handshakes_max = n->settings.handshakes_max,
        .handshake_ms = 10000,
    };
    enum rc rc = net_limits_new(&limits, &n->limits);
    if (rc != RC_OK) return rc;
    struct app_listeners_config c = {
        .loop = n->control,
        .directory = n->directory,
        .certs = n->certs,
        .stacks = n->stacks,
        .workers = n->worker_count,
        .limits = n->limits,
        .sip_limits = n->sip_limits,
        .http = n->http,
        .https_site = n->https_site,
        .config_site = n->config_site,
        .config_plain_site = n->config_plain_site,
        .log = &n->log,
        .node = str_from(n->settings.name),
        .on_synced = on_synced,
        .ctx = n,
    };
    return app_listeners_new(&c, &n->listeners);
}

/* ---- following changes and time ---- */

/* Where users sign in has moved: the phones are sent to the new address, and tokens name it. */
static void move_url(struct node *n, const char *url)
{
    struct store_why why = {""};
    if (strcmp(url, n->url) == 0) return;
    enum rc rc = auth_set_issuer_url(n->auth, str_from(url), &why);
    if (rc == RC_OK) rc = call_node_set_authz_server(n->call, str_from(url));
    if (rc == RC_OK) {
        snprintf(n->url, sizeof n->url, "%s", url);
        log_info(&n->log, "node.url", LOG_CSTR("url", url));
    } else {
        log_error(&n->log, "node.url_kept", LOG_CSTR("url", n->url), LOG_CSTR("rc", rc_name(rc)),
                  LOG_CSTR("why", why.text));
    }
}

/* Reading the row and following it are one: of two threads that committed, whichever reads last must
 * have the last word. */
static void follow_url(struct node *n)
{
    char url[APP_NAME_MAX + 32];
    pthread_mutex_lock(&n->moving);
    const struct directory_node *row = directory_node_ref(n->directory, str_from(n->settings.name));
    if (row) {
        print_url(url, sizeof url, row->host, row->ports.https);
        move_url(n, url);
    }
    directory_node_unref(row);
    pthread_mutex_unlock(&n->moving);
}

/* On the thread that committed the change, which is never a loop's. */
static void renew_outside(void *ctx)
{
    struct node *n = ctx;
    app_outside_renew(&n->outside);
}

static void prune_records(void *ctx)
{
    struct node *n = ctx;
    int64_t days = directory_param_number(n->directory, STORE_P_CDR_DAYS), count = 0;
    enum rc rc = store_cdr_prune(n->store, clock_unix_ms(&n->clock) - days * 86400000, &count,
                                 NULL);
    if (rc != RC_OK) log_warn(&n->log, "cdr.not_pruned", LOG_CSTR("rc", rc_name(rc)));
    if (count > 0) log_info(&n->log, "cdr.pruned", LOG_INT("count", count), LOG_INT("days", days));
}

static bool is_param(enum store_kind kind, struct str key, enum store_param_id id)
{
    return kind == STORE_PARAM && str_eq(key, str_from(store_param_def(id)->name));
}

static void on_change(void *ctx, enum store_kind kind, struct str key, bool removed)
{
    struct node *n = ctx;
    (void)removed;
    bool mode = is_param(kind, key, STORE_P_SIP_OAUTH_MODE);
    if (kind == STORE_CERT || kind == STORE_TRUST) {
        app_listeners_reload_tls(n->listeners);
        if (net_pool_submit(n->pool, renew_outside, NULL, n, NULL) != RC_OK)
            log_warn(&n->log, "trunk.tls_kept", LOG_CSTR("why", "the pool is full"));
    }
    if (kind == STORE_NODE && str_eq_nocase(key, str_from(n->settings.name))) follow_url(n);
    if (kind == STORE_NODE || mode) app_listeners_changed(n->listeners);
    if (is_param(kind, key, STORE_P_CDR_DAYS) &&
        net_pool_submit(n->pool, prune_records, NULL, n, NULL) != RC_OK)
        log_warn(&n->log, "cdr.pruned_later", LOG_CSTR("why", "the pool is full"));
}

static void look_at_disk(void *ctx)
{
    struct node *n = ctx;
    store_disk_look(n->store);
}

static void watch_disk(struct node *n)
{
    struct store_disk disk;
    store_disk(n->store, &disk);
    if (app_diskwatch_tick(&n->diskwatch, &disk, clock_mono_ms(&n->clock),
                           str_from(n->settings.data), &n->log) &&
        net_pool_submit(n->pool, look_at_disk, NULL, n, NULL) != RC_OK)
        n->diskwatch.looked_ms = 0; /* the pool is full: at the next tick */
}

static void on_tick(void *ctx)
{
    struct node *n = ctx;
    call_node_tick(n->call);
    watch_disk(n);
    net_timer_start(n->control, &n->tick, TICK_MS, on_tick, n);
}

static void prune_audit(struct node *n)
{
    int64_t days = directory_param_number(n->directory, STORE_P_AUDIT_DAYS);
    enum rc rc = store_audit_prune(n->store, clock_unix_ms(&n->clock) - days * 86400000, NULL,
                                   NULL);
    if (rc != RC_OK) log_warn(&n->log, "audit.not_pruned", LOG_CSTR("rc", rc_name(rc)));
}

static void housekeep(void *ctx)
{
    struct node *n = ctx;
    unsigned due = app_chores_take(&n->chores);
    auth_housekeep(n->auth);
    if (due & APP_CHORE_TICKETS) app_certs_rotate_tickets(n->certs);
    if (due & APP_CHORE_DAILY) {
        (void)app_certs_renew(n->certs);
        prune_audit(n);
        prune_records(n);
    }
}

static void on_minute(void *ctx)
{
    struct node *n = ctx;
    app_chores_minute(&n->chores);
    if (net_pool_submit(n->pool, housekeep, NULL, n, NULL) != RC_OK)
        log_warn(&n->log, "housekeeping.late", LOG_CSTR("why", "the pool is full"));
    net_timer_start(n->control, &n->minute, MINUTE_MS, on_minute, n);
}

static void on_stop(void *ctx)
{
    struct node *n = ctx;
    log_info(&n->log, "node.stopping", LOG_CSTR("why", "signal"));
    net_loop_stop(n->control);
}

static void *worker_main(void *ctx)
{
    struct worker *w = ctx;
    net_loop_run(w->loop);
    return NULL;
}

static enum rc start_workers(struct node *n)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before); /* signals are the control thread's */
    enum rc rc = RC_OK;
    for (unsigned i = 0; rc == RC_OK && i < n->worker_count; i++) {
        struct worker *w = &n->workers[i];
        w->is_running = pthread_create(&w->thread, NULL, worker_main, w) == 0;
        if (!w->is_running) rc = RC_NOMEM;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

/* ---- start and stop ---- */

static enum rc start(struct node *n, struct store_why *why)
{
    /* Before anything is made: a slip in an option leaves no half of a first start. */
    enum rc rc = control_folder_ready(n->settings.control, why);
    if (rc != RC_OK) return rc;
    n->has_control_folder = true;
    rc = open_store(n, why);
    if (rc == RC_OK) rc = open_certs(n, why);
    if (rc == RC_OK) rc = net_loop_new(&n->control);
    if (rc == RC_OK) rc = open_auth(n, why);
    if (rc == RC_OK) rc = open_records(n);
    if (rc == RC_OK) rc = open_call(n);
    if (rc == RC_OK) rc = app_outside_init(&n->outside, n->certs, &n->random, &n->log);
    if (rc == RC_OK) rc = open_workers(n);
    if (rc == RC_OK) rc = net_pool_new(n->pool_threads, POOL_QUEUE_MAX, &n->pool);
    if (rc != RC_OK) return rc;
    n->live = (struct app_live){
        .location = n->location,
        .call = n->call,
        .records = n->records,
        .trace = n->trace,
        .certs = n->certs,
        .auth = n->auth,
        .verifier = n->verifier,
        .stacks = n->worker_stacks,
        .worker_count = n->worker_count,
        .clock = n->clock,
    };
    n->live_functions = app_live_functions(&n->live, str_from(n->settings.name));
    rc = open_http(n);
    if (rc == RC_OK) rc = open_listeners(n);
    if (rc != RC_OK) return rc;
    n->live.listeners = n->listeners;
    n->live.limits = n->limits;
    own_url(n, n->url, sizeof n->url);
    rc = directory_subscribe(n->directory, on_change, n);
    if (rc == RC_OK) rc = open_control_socket(n, why);
    if (rc == RC_OK) rc = net_loop_on_signal(n->control, SIGTERM, on_stop, n);
    if (rc == RC_OK) rc = net_loop_on_signal(n->control, SIGINT, on_stop, n);
    return rc == RC_OK ? start_workers(n) : rc;
}

static void stop_workers(struct node *n)
{
    for (unsigned i = 0; i < n->worker_count; i++) {
        struct worker *w = &n->workers[i];
        if (w->is_running) {
            net_loop_stop(w->loop);
            pthread_join(w->thread, NULL);
        }
    }
    /* A call has legs on several workers: what one stack's end tells goes to the calls of all. */
    for (unsigned i = 0; i < n->worker_count; i++)
        n->workers[i].stack = siptx_stack_free(n->workers[i].stack);
    for (unsigned i = 0; i < n->worker_count; i++)
        call_worker_free(n->workers[i].call);
    app_outside_fini(&n->outside);
    for (unsigned i = 0; i < n->worker_count; i++)
        net_loop_free(n->workers[i].loop);
}

/* Ports first, so that nobody new comes; then what still works on requests; then what they use. */
static void stop(struct node *n)
{
    if (n->listeners) {
        directory_unsubscribe(n->directory, on_change, n);
        app_listeners_close_all(n->listeners);
        app_listeners_wait_closed(n->listeners);
    }
    net_pool_free(n->pool);
    stop_workers(n);
    http_server_free(n->http);
    if (n->control) {
        net_timer_stop(n->control, &n->tick);
        net_timer_stop(n->control, &n->minute);
    }
    net_loop_free(n->control);
    admin_free(n->admin);
    provision_free(n->provision);
    http_site_free(n->https_site);
    http_site_free(n->config_site);
    http_site_free(n->config_plain_site);
    http_site_free(n->control_site);
    app_listeners_free(n->listeners);
    net_limits_unref(n->limits);
    if (n->call) call_node_end_calls(n->call);
    call_node_free(n->call);
    app_records_free(n->records);
    siptx_node_free(n->stacks);
    siptx_trace_free(n->trace);
    location_free(n->location);
    auth_free(n->auth);
    oauth_verifier_free(n->verifier);
    app_certs_free(n->certs);
    directory_free(n->directory);
    store_close(n->store);
}

static bool has_administrator(struct node *n)
{
    struct arena a;
    struct store_users users;
    struct store_page page = {0};
    char after[STORE_KEY_MAX + 1] = ""; /* where the next page begins */
    bool found = false;
    do {
        arena_init(&a, NULL, 0, 16 << 20);
        enum rc rc = store_user_list(n->store, &page, &a, &users, NULL);
        if (rc != RC_OK) users = (struct store_users){0};
        for (size_t i = 0; i < users.count && !found; i++)
            found = (users.rows[i].roles & STORE_ROLE_ADMIN) != 0;
        if (users.count > 0 &&
            str_to_cstr(users.rows[users.count - 1].id, after, sizeof after) != RC_OK)
            users.more = false;
        arena_fini(&a);
        page.after = str_from(after);
        if (!users.more || found) break;
    } while (true);
    return found;
}

static void greet(struct node *n)
{
    if (n->is_new)
        fprintf(stderr,
                "\nThis is the first start: a private CA, certificates and keys were made in %s.\n"
                "  Phones must trust %s/ca.pem.\n",
                n->settings.data, n->settings.data);
    if (!has_administrator(n))
        fprintf(
            stderr,
            "There is no administrator yet. As root, or as the user bearlined runs as:\n"
            "  bearline --socket %s user add admin --role administrator\n"
            "(it asks for the password). Until then only that socket administers this node.\n\n",
            n->settings.control);
}

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int run(struct node *n)
{
    struct store_why why = {""};
    pthread_mutex_init(&n->moving, NULL);
    n->clock = net_clock_real();
    n->random = crypto_random_system();
    n->log = (struct log){.level = n->settings.log_level, .clock = n->clock, .sink = to_stderr};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    n->worker_count = n->settings.workers > 0 ? n->settings.workers
                      : cores > 0             ? (unsigned)cores
                                              : 1;
    if (n->worker_count > WORKERS_MAX) n->worker_count = WORKERS_MAX;
    n->pool_threads = n->worker_count < 4 ? 4 : n->worker_count;
    n->sip_limits = (struct siptx_limits){.stream_idle_ms = n->settings.idle_s * 1000,
                                          .transactions_max = n->settings.transactions_max};
    raise_file_limit();
    signal(SIGPIPE, SIG_IGN);
    enum rc rc = start(n, &why);
    if (rc == RC_OK) {
        app_listeners_sync(n->listeners);
        on_tick(n);
        net_timer_start(n->control, &n->minute, MINUTE_MS, on_minute, n);
        greet(n);
        net_loop_run(n->control);
    }
    int status = rc == RC_OK ? 0 : fail("it could not start", rc, &why);
    stop(n);
    pthread_mutex_destroy(&n->moving);
    if (rc == RC_OK) log_info(&n->log, "node.stopped", LOG_CSTR("node", n->settings.name));
    return rc == RC_OK || n->store || !n->has_control_folder ? status : EXIT_STORE;
}

static void usage(FILE *to)
{
    fprintf(
        to,
        "Usage: bearlined [--config FILE] [--data FOLDER] [--control SOCKET]\n"
        "                 [--set SECTION.NAME=VALUE]...\n"
        "One Bearline call server node; runs in the foreground and logs to stderr.\n\n"
        "  -c, --config FILE     settings (default /etc/bearline/bearlined.conf where it is)\n"
        "  -d, --data FOLDER     where the node keeps its state (default /var/lib/bearline)\n"
        "  -s, --control SOCKET  where 'bearline' reaches it (default "
        "/run/bearline/control.sock)\n"
        "      --set S.N=V       one setting, as in the file: --set node.host=ucm1.example.com\n"
        "  -h, --help            this text\n"
        "  -V, --version         the version\n\n"
        "Settings: node.name host addresses; paths.data control; ports.sip sips oauth mra\n"
        "config_http config_https https (first start only); limits.workers connections\n"
        "connections_per_source handshakes idle_s transactions; log.level trace_mb. See "
        "bearlined(8).\n");
}

static int setting_option(struct app_settings *s, const char *text)
{
    char copy[APP_PATH_MAX + 64];
    snprintf(copy, sizeof copy, "%s", text);
    char *dot = strchr(copy, '.'), *eq = dot ? strchr(dot, '=') : NULL;
    if (!eq) {
        fprintf(stderr, "bearlined: --set wants SECTION.NAME=VALUE, not %s\n", text);
        return EXIT_SETTINGS;
    }
    *dot = *eq = '\0';
    if (app_settings_set(s, copy, dot + 1, eq + 1) == RC_OK) return 0;
    char why[512];
    app_settings_why(copy, dot + 1, eq + 1, why);
    fprintf(stderr, "bearlined: --set %s: %s\n", text, why);
    return EXIT_SETTINGS;
}

static int read_config(struct app_settings *s, const char *file)
{
    static const char standard[] = "/etc/bearline/bearlined.conf";
    char why[512];
    if (!file && access(standard, F_OK) != 0) return 0;
    if (app_settings_read(s, file ? file : standard, why) == RC_OK) return 0;
    fprintf(stderr, "bearlined: %s\n", why);
    return EXIT_SETTINGS;
}

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"data", required_argument, NULL, 'd'},
    {"control", required_argument, NULL, 's'},
    {"set", required_argument, NULL, 'S'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/* The file first, whatever the order of the options: the command line wins. */
static int read_options(struct app_settings *s, int argc, char **argv)
{
    const char *file = NULL;
    int c, status = 0;
    while ((c = getopt_long(argc, argv, "c:d:s:hV", options, NULL)) != -1) {
        if (c == 'c') file = optarg;
        if (c == '?') return EXIT_SETTINGS;
    }
    if ((status = read_config(s, file)) != 0) return status;
    optind = 1;
    while (status == 0 && (c = getopt_long(argc, argv, "c:d:s:hV", options, NULL)) != -1) {
        if (c == 'd')
            status = app_settings_set(s, "paths", "data", optarg) == RC_OK ? 0 : EXIT_SETTINGS;
        if (c == 's')
            status = app_settings_set(s, "paths", "control", optarg) == RC_OK ? 0 : EXIT_SETTINGS;
        if (c == 'S') status = setting_option(s, optarg);
        if (c == 'h' || c == 'V') return -1;
    }
    return status;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            usage(stdout);
            return 0;
        }
        if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0) {
            puts("bearlined " BEARLINE_VERSION);
            return 0;
        }
    }
    struct node *n = calloc(1, sizeof *n);
    if (!n) return EXIT_START;
    app_settings_default(&n->settings);
    int status = read_options(&n->settings, argc, argv);
    if (status == 0 && optind < argc) {
        fprintf(stderr, "bearlined: what is %s? See bearlined --help.\n", argv[optind]);
        status = EXIT_SETTINGS;
    }
    if (status == 0) status = run(n);
    free(n);
    return status;
}
