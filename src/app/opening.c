/* app/opening.c - the parts of a node in the order they need one another, and the reverse. */
#include "app/control.h"
#include "app/node.h"

#include "base/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

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

void node_print_url(char *out, size_t cap, struct str host, int port)
{
    bool v6 = str_find_char(host, ':') >= 0;
    snprintf(out, cap, v6 ? "https://[%.*s]:%d" : "https://%.*s:%d", STR_ARG(host), port);
}

/* As it was at the start. */
static void own_url(const struct node *n, char *out, size_t cap)
{
    node_print_url(out, cap, str_from(n->settings.host), n->settings.ports.https);
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
    if (rc == RC_OK) rc = admin_add_axl_routes(n->admin, n->https_site);
    if (rc == RC_OK) rc = admin_add_edge_routes(n->admin, n->https_site);
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
        .on_synced = node_on_synced,
        .ctx = n,
    };
    return app_listeners_new(&c, &n->listeners);
}

/* ---- start and stop ---- */

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

static void on_stop(void *ctx)
{
    struct node *n = ctx;
    log_info(&n->log, "node.stopping", LOG_CSTR("why", "signal"));
    net_loop_stop(n->control);
}

enum rc node_start(struct node *n, struct store_why *why)
{
    /* Before anything is made: a slip in an option leaves no half of a first start. */
    enum rc rc = app_control_folder_ready(n->settings.control, APP_CONTROL_DEFAULT, why);
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
    rc = directory_subscribe(n->directory, node_on_change, n);
    if (rc == RC_OK) rc = app_control_listen(n->http, n->control_site, n->settings.control, why);
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
void node_stop(struct node *n)
{
    if (n->listeners) {
        directory_unsubscribe(n->directory, node_on_change, n);
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
