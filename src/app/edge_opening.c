/* app/edge_opening.c - the parts of an edge in the order they need one another, what they follow while
 * they run, and the reverse. */
#include "app/edge.h"

#include "app/control.h"
#include "store/remote.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { POOL_THREADS = 4, POOL_QUEUE_MAX = 256, TICK_MS = 1000, MINUTE_MS = 60000 };

/* ---- store and certificates ---- */

static enum rc open_store(struct app_edge *e, struct store_why *why)
{
    struct store_config c = {
        .folder = e->settings.data, .clock = e->clock, .random = e->random, .create_folder = true};
    enum rc rc = store_open(&c, &e->store, why);
    if (rc != RC_OK) return rc;
    e->is_new = store_is_new(e->store);
    return directory_new(e->store, &e->random, &e->directory, why);
}

static enum rc open_certs(struct app_edge *e, struct store_why *why)
{
    char ca_file[APP_PATH_MAX + 16];
    snprintf(ca_file, sizeof ca_file, "%s/ca.pem", e->settings.data);
    struct app_certs_config c = {.store = e->store,
                                 .directory = e->directory,
                                 .clock = e->clock,
                                 .random = e->random,
                                 .log = &e->log,
                                 .node = str_from(e->settings.name),
                                 .host = str_from(e->settings.host),
                                 .addresses = str_from(e->settings.addresses),
                                 .is_edge = true};
    return app_certs_new(&c, ca_file, &e->certs, why);
}

/* A context that cannot be made leaves the one before it. */
static struct net_tls *make_tls(struct app_edge *e)
{
    struct store_why why = {""};
    struct net_tls *tls = NULL;
    if (app_certs_client_tls(e->certs, APP_TLS_MRA, &tls, &why) == RC_OK) return tls;
    log_warn(&e->log, "zone.no_tls", LOG_CSTR("text", why.text));
    return NULL;
}

/* ---- zones ---- */

static enum rc find_addrs(void *ctx, struct str name, uint16_t port, net_addrs_fn *fn, void *fn_ctx,
                          struct net_query **out)
{
    struct app_edge *e = ctx;
    return net_resolver_addrs(e->resolver, name, port, NET_NONE, fn, fn_ctx, out);
}

static struct net_tls *get_tls(void *ctx)
{
    struct app_edge *e = ctx;
    return e->tls ? net_tls_slot_get(e->tls) : NULL;
}

static void on_flow_ready(void *ctx, struct siptx_flow *f)
{
    struct app_edge *e = ctx;
    (void)edge_zones_on_ready(e->zones, f);
}

static void on_flow_closed(void *ctx, struct siptx_flow *f, enum siptx_close why, struct str text)
{
    struct app_edge *e = ctx;
    if (e->zones) (void)edge_zones_on_closed(e->zones, f, why, text);
}

/* What there should be, on its way to the SIP thread. */
struct wanted {
    struct net_post post;
    struct app_edge *edge;
    struct edge_cluster *clusters[APP_EDGE_UCMS_MAX];
    struct str addresses[APP_EDGE_UCMS_MAX];
    size_t count;
    struct arena text;
};

static void wanted_free(struct wanted *w)
{
    for (size_t i = 0; i < w->count; i++)
        edge_cluster_unref(w->clusters[i]);
    arena_fini(&w->text);
    free(w);
}

static void apply_wanted(void *ctx)
{
    struct wanted *w = ctx;
    if (w->edge->zones) edge_zones_set(w->edge->zones, w->clusters, w->addresses, w->count);
    wanted_free(w);
}

static void add_wanted(void *ctx, struct edge_follower *f)
{
    struct wanted *w = ctx;
    struct edge_follower_view view;
    struct edge_cluster *cluster = edge_follower_cluster(f);
    if (!cluster) return;
    edge_follower_look(f, &view);
    if (w->count == APP_EDGE_UCMS_MAX ||
        arena_str_dup(&w->text, view.address, &w->addresses[w->count]) != RC_OK)
        edge_cluster_unref(cluster);
    else
        w->clusters[w->count++] = cluster;
}

/* On the control thread: a cluster, or the mode, is another one. */
static void follow_zones(void *ctx)
{
    struct app_edge *e = ctx;
    struct wanted *w = calloc(1, sizeof *w);
    if (!w) {
        log_error(&e->log, "zone.not_followed", LOG_CSTR("why", "out of memory"));
        return;
    }
    w->edge = e;
    arena_init(&w->text, NULL, 0, 1 << 20);
    if (directory_param_number(e->directory, STORE_P_EDGE_MODE) != 0)
        app_edge_ucms_each(e->ucms, add_wanted, w);
    net_loop_post(e->sip, &w->post, apply_wanted, w);
}

static enum rc open_sip(struct app_edge *e)
{
    struct net_resolver_config rc_config = {.random = e->random};
    enum rc rc = net_loop_new(&e->sip);
    if (rc == RC_OK) rc = net_resolver_new(e->sip, &rc_config, &e->resolver);
    if (rc != RC_OK) return rc;
    struct net_tls *tls = make_tls(e);
    if (tls) rc = net_tls_slot_new(tls, &e->tls);
    net_tls_unref(tls);
    if (rc != RC_OK) return rc;
    if (e->settings.trace_bytes > 0 && !(e->trace = siptx_trace_new(e->settings.trace_bytes)))
        return RC_NOMEM;
    struct edge_zones_config zc = {
        .ops = {.ctx = e, .connect = siptx_connect, .addrs = find_addrs, .tls = get_tls},
        .clock = e->clock,
        .random = e->random,
        .log = &e->log,
    };
    struct siptx_config sc = {
        .loop = e->sip,
        .clock = net_loop_clock(e->sip),
        .random = e->random,
        .trace = e->trace,
        .events = {.ctx = e, .on_flow_ready = on_flow_ready, .on_flow_closed = on_flow_closed},
    };
    rc = edge_zones_new(&zc, &e->zones);
    if (rc == RC_OK) rc = siptx_stack_new(&sc, &e->stack);
    if (rc == RC_OK) edge_zones_attach(e->zones, e->stack);
    return rc;
}

/* ---- changes ---- */

static void retry_zones(void *ctx)
{
    struct app_edge *e = ctx;
    if (e->zones) edge_zones_retry(e->zones);
}

void app_edge_retry_zones(struct app_edge *e)
{
    net_loop_post(e->sip, &e->retry, retry_zones, e);
}

static void renew_tls(void *ctx) /* on the pool: it waits for the store */
{
    struct app_edge *e = ctx;
    struct net_tls *tls = e->tls ? make_tls(e) : NULL;
    if (tls) net_tls_slot_set(e->tls, tls);
    net_tls_unref(tls);
    (void)app_edge_ucms_renew(e->ucms, STR(""));
    app_edge_retry_zones(e);
}

static void on_change(void *ctx, enum store_kind kind, struct str key, bool removed)
{
    struct app_edge *e = ctx;
    (void)key, (void)removed;
    bool is_mode = kind == STORE_PARAM &&
                   str_eq(key, str_from(store_param_def(STORE_P_EDGE_MODE)->name));
    if (kind == STORE_UCM || is_mode) app_edge_ucms_changed(e->ucms); /* which tells the zones */
    if ((kind == STORE_CERT || kind == STORE_TRUST) &&
        net_pool_submit(e->pool, renew_tls, NULL, e, NULL) != RC_OK)
        log_warn(&e->log, "zone.tls_kept", LOG_CSTR("why", "the pool is full"));
}

static void look_at_disk(void *ctx)
{
    struct app_edge *e = ctx;
    store_disk_look(e->store);
}

static void on_tick(void *ctx)
{
    struct app_edge *e = ctx;
    struct store_disk disk;
    store_disk(e->store, &disk);
    if (app_diskwatch_tick(&e->diskwatch, &disk, clock_mono_ms(&e->clock),
                           str_from(e->settings.data), &e->log) &&
        net_pool_submit(e->pool, look_at_disk, NULL, e, NULL) != RC_OK)
        e->diskwatch.looked_ms = 0; /* the pool is full: at the next tick */
    net_timer_start(e->control, &e->tick, TICK_MS, on_tick, e);
}

static void housekeep(void *ctx)
{
    struct app_edge *e = ctx;
    if (!(app_chores_take(&e->chores) & APP_CHORE_DAILY)) return;
    (void)app_certs_renew(e->certs);
    int64_t days = directory_param_number(e->directory, STORE_P_AUDIT_DAYS);
    enum rc rc = store_audit_prune(e->store, clock_unix_ms(&e->clock) - days * 86400000, NULL,
                                   NULL);
    if (rc != RC_OK) log_warn(&e->log, "audit.not_pruned", LOG_CSTR("rc", rc_name(rc)));
}

static void on_minute(void *ctx)
{
    struct app_edge *e = ctx;
    app_chores_minute(&e->chores);
    if (net_pool_submit(e->pool, housekeep, NULL, e, NULL) != RC_OK)
        log_warn(&e->log, "housekeeping.late", LOG_CSTR("why", "the pool is full"));
    net_timer_start(e->control, &e->minute, MINUTE_MS, on_minute, e);
}

/* ---- the operator API ---- */

static enum rc open_admin(struct app_edge *e, struct store_why *why)
{
    struct http_limits limits = {.connection_max = 100};
    e->live = app_edge_live(e);
    struct admin_settings as = {.store = e->store,
                                .directory = e->directory,
                                .live = &e->live,
                                .clock = e->clock,
                                .random = e->random,
                                .log = &e->log,
                                .is_edge = true,
                                .pool_threads = POOL_THREADS};
    e->http = http_server_new(e->control, e->pool, &e->log, &limits);
    e->control_site = http_site_new("control");
    if (!e->http || !e->control_site) return RC_NOMEM;
    enum rc rc = admin_new(&as, &e->admin);
    if (rc == RC_OK) rc = admin_add_api_routes(e->admin, e->control_site, true);
    if (rc == RC_OK) rc = app_control_listen(e->http, e->control_site, e->settings.control, why);
    return rc;
}

static enum rc open_ucms(struct app_edge *e)
{
    struct app_edge_ucms_config c = {.loop = e->control,
                                     .pool = e->pool,
                                     .store = e->store,
                                     .certs = e->certs,
                                     .directory = e->directory,
                                     .clock = e->clock,
                                     .log = &e->log,
                                     .host = str_from(e->settings.host),
                                     .on_change = follow_zones,
                                     .ctx = e};
    return app_edge_ucms_new(&c, &e->ucms);
}

/* ---- start and stop ---- */

static void *sip_main(void *ctx)
{
    struct app_edge *e = ctx;
    net_loop_run(e->sip);
    return NULL;
}

static enum rc start_sip(struct app_edge *e)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before); /* signals are the control thread's */
    e->is_sip_running = pthread_create(&e->sip_thread, NULL, sip_main, e) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return e->is_sip_running ? RC_OK : RC_NOMEM;
}

static void on_stop(void *ctx)
{
    struct app_edge *e = ctx;
    log_info(&e->log, "edge.stopping", LOG_CSTR("why", "signal"));
    net_loop_stop(e->control);
}

enum rc app_edge_start(struct app_edge *e, struct store_why *why)
{
    enum rc rc = app_control_folder_ready(e->settings.control, APP_EDGE_CONTROL_DEFAULT, why);
    if (rc == RC_OK) rc = open_store(e, why);
    if (rc == RC_OK) rc = open_certs(e, why);
    if (rc == RC_OK) rc = net_loop_new(&e->control);
    if (rc == RC_OK) rc = open_sip(e);
    if (rc == RC_OK) rc = net_pool_new(POOL_THREADS, POOL_QUEUE_MAX, &e->pool);
    if (rc == RC_OK) rc = open_ucms(e);
    if (rc == RC_OK) rc = open_admin(e, why);
    if (rc == RC_OK) rc = store_listen(e->store, on_change, e);
    if (rc == RC_OK) rc = net_loop_on_signal(e->control, SIGTERM, on_stop, e);
    if (rc == RC_OK) rc = net_loop_on_signal(e->control, SIGINT, on_stop, e);
    if (rc == RC_OK) rc = start_sip(e);
    if (rc != RC_OK) return rc;
    app_edge_ucms_changed(e->ucms);
    on_tick(e);
    net_timer_start(e->control, &e->minute, MINUTE_MS, on_minute, e);
    log_info(&e->log, "edge.ready", LOG_CSTR("edge", e->settings.name), LOG_CSTR("role", "inner"));
    return RC_OK;
}

static void stop_sip(struct app_edge *e)
{
    if (e->is_sip_running) {
        net_loop_stop(e->sip);
        pthread_join(e->sip_thread, NULL);
    }
    e->zones = edge_zones_free(e->zones);
    siptx_stack_free(e->stack);
    net_resolver_free(e->resolver);
    net_loop_free(e->sip); /* what was posted to it finds no zones */
    net_tls_slot_free(e->tls);
    siptx_trace_free(e->trace);
}

void app_edge_stop(struct app_edge *e)
{
    if (e->store) store_unlisten(e->store, on_change, e);
    net_pool_free(e->pool);
    app_edge_ucms_stop(e->ucms);
    http_server_free(e->http);
    if (e->control) {
        net_timer_stop(e->control, &e->tick);
        net_timer_stop(e->control, &e->minute);
    }
    net_loop_free(e->control);
    stop_sip(e);
    app_edge_ucms_free(e->ucms);
    admin_free(e->admin);
    http_site_free(e->control_site);
    app_certs_free(e->certs);
    directory_free(e->directory);
    store_close(e->store);
}
