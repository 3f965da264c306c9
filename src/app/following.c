/* app/following.c - what a running node does about changes, time and its ports. */
#include "app/node.h"

#include <stdio.h>

/* Ready only when every port is open that should be. Told at the start and whenever it changes. */
void node_on_synced(void *ctx)
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
        node_print_url(url, sizeof url, row->host, row->ports.https);
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

/* What was let in by a row that is gone does not stay. */
static void cut_unlisted(void *ctx, struct siptx_flow *f)
{
    struct node *n = ctx;
    char peer[NET_ADDR_TEXT_MAX];
    if (f->listener_kind != CALL_MRA || f->closing || !f->tls_peer) return;
    if (app_certs_edge_is_listed(n->directory, f->tls_peer)) return;
    log_info(&n->log, "edge.cut", LOG_STR("peer", net_addr_text(&f->peer, peer)),
             LOG_STR("subject", f->tls_peer->subject),
             LOG_CSTR("why", "none of its names is in expresswaycconfiguration any more"));
    siptx_flow_close(f, SIPTX_CLOSE_OWNER);
}

static void cut_edges(struct siptx_stack *s, void *ctx)
{
    if (s) siptx_stack_each_flow(s, cut_unlisted, ctx);
}

static void follow_edges(struct node *n)
{
    for (unsigned i = 0; i < n->worker_count; i++) {
        enum rc rc = siptx_node_post(n->stacks, i, cut_edges, n);
        if (rc != RC_OK) log_warn(&n->log, "edge.not_cut", LOG_CSTR("rc", rc_name(rc)));
    }
}

void node_on_change(void *ctx, enum store_kind kind, struct str key, bool removed)
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
    if (kind == STORE_EDGE || is_param(kind, key, STORE_P_TRUSTED_NAME_CHECK)) follow_edges(n);
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

void node_on_tick(void *ctx)
{
    struct node *n = ctx;
    call_node_tick(n->call);
    watch_disk(n);
    net_timer_start(n->control, &n->tick, TICK_MS, node_on_tick, n);
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

void node_on_minute(void *ctx)
{
    struct node *n = ctx;
    app_chores_minute(&n->chores);
    if (net_pool_submit(n->pool, housekeep, NULL, n, NULL) != RC_OK)
        log_warn(&n->log, "housekeeping.late", LOG_CSTR("why", "the pool is full"));
    net_timer_start(n->control, &n->minute, MINUTE_MS, node_on_minute, n);
}
