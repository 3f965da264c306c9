/* app/edge_opening.c - the parts of an edge in the order they need one another, what they follow while
 * they run, and the reverse. */
#include "app/edge.h"

#include "app/control.h"
#include "store/remote.h"

#include <signal.h>
#include <stdio.h>

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

/* ---- changes ---- */

static void renew_tls(void *ctx) /* on the pool: it waits for the store */
{
    struct app_edge *e = ctx;
    app_edge_sip_renew_tls(e);
    if (e->ucms) (void)app_edge_ucms_renew(e->ucms, STR(""));
}

static bool is_param(enum store_kind kind, struct str key, enum store_param_id id)
{
    return kind == STORE_PARAM && str_eq(key, str_from(store_param_def(id)->name));
}

static void on_change(void *ctx, enum store_kind kind, struct str key, bool removed)
{
    struct app_edge *e = ctx;
    (void)removed;
    if (e->ucms && (kind == STORE_UCM || is_param(kind, key, STORE_P_EDGE_MODE)))
        app_edge_ucms_changed(e->ucms); /* which tells the zones */
    if (kind == STORE_PARAM || kind == STORE_PEER) app_edge_peers_changed(e->peers);
    if ((kind == STORE_CERT || kind == STORE_TRUST || kind == STORE_PEER) &&
        net_pool_submit(e->pool, renew_tls, NULL, e, NULL) != RC_OK)
        log_warn(&e->log, "edge.tls_kept", LOG_CSTR("why", "the pool is full"));
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
                                     .on_change = app_edge_sip_follow,
                                     .ctx = e};
    return app_edge_ucms_new(&c, &e->ucms);
}

static enum rc open_peers(struct app_edge *e)
{
    struct app_edge_peers_config c = {.loop = e->control,
                                      .pool = e->pool,
                                      .store = e->store,
                                      .log = &e->log,
                                      .on_change = app_edge_sip_follow,
                                      .ctx = e};
    return app_edge_peers_new(&c, &e->peers);
}

static enum rc open_gateway(struct app_edge *e)
{
    struct app_edge_gateway_config c = {.loop = e->control,
                                        .directory = e->directory,
                                        .random = e->random,
                                        .log = &e->log,
                                        .host = str_from(e->settings.host)};
    return app_edge_gateway_new(&c, &e->gateway);
}

static enum rc open_tunnels(struct app_edge *e)
{
    struct app_edge_tunnels_config c = {.loop = e->control,
                                        .store = e->store,
                                        .directory = e->directory,
                                        .certs = e->certs,
                                        .ucms = e->ucms,
                                        .clock = e->clock,
                                        .log = &e->log};
    return app_edge_tunnels_new(&c, &e->tunnels);
}

/* ---- start and stop ---- */

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
    if (rc == RC_OK && e->role == STORE_EDGE_OUTER) rc = open_gateway(e);
    if (rc == RC_OK) rc = app_edge_sip_open(e, why);
    if (rc == RC_OK) rc = net_pool_new(POOL_THREADS, POOL_QUEUE_MAX, &e->pool);
    if (rc == RC_OK) rc = open_peers(e);
    if (rc == RC_OK && e->role == STORE_EDGE_INNER) rc = open_ucms(e);
    if (rc == RC_OK && e->role == STORE_EDGE_INNER) rc = open_tunnels(e);
    if (rc == RC_OK) rc = open_admin(e, why);
    if (rc == RC_OK) rc = store_listen(e->store, on_change, e);
    if (rc == RC_OK) rc = net_loop_on_signal(e->control, SIGTERM, on_stop, e);
    if (rc == RC_OK) rc = net_loop_on_signal(e->control, SIGINT, on_stop, e);
    if (rc == RC_OK) rc = app_edge_sip_run(e);
    if (rc != RC_OK) return rc;
    app_edge_peers_changed(e->peers);
    if (e->ucms) app_edge_ucms_changed(e->ucms);
    on_tick(e);
    net_timer_start(e->control, &e->minute, MINUTE_MS, on_minute, e);
    log_info(&e->log, "edge.ready", LOG_CSTR("edge", e->settings.name),
             LOG_CSTR("role", e->role == STORE_EDGE_INNER ? "inner" : "outer"));
    return RC_OK;
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
    app_edge_sip_stop(e);
    app_edge_peers_free(e->peers);
    app_edge_ucms_free(e->ucms);
    admin_free(e->admin);
    http_site_free(e->control_site);
    app_certs_free(e->certs);
    directory_free(e->directory);
    store_close(e->store);
}
