/* app/edge_sip.c - the SIP thread of an edge: its stack, what it dials or listens on, and how it follows
 * what the store and the call servers say. */
#include "app/edge.h"

#include "crypto/secret.h"
#include "net/listener.h"

#include <signal.h>
#include <stdlib.h>

enum { WANTS_MAX = EDGE_ZONES_MAX, STACKS = 1 };

static bool is_inner(const struct app_edge *e)
{
    return e->role == STORE_EDGE_INNER;
}

/* ---- certificates ---- */

/* NULL: none can be made; the one before it stays, but for links when nobody is paired any more. */
static struct net_tls *make_tls(struct app_edge *e, enum app_tls which, bool *is_none)
{
    struct store_why why = {""};
    struct net_tls *tls = NULL;
    enum rc rc = app_certs_client_tls(e->certs, which, &tls, &why);
    *is_none = which == APP_TLS_LINK && rc == RC_NOT_FOUND;
    if (rc == RC_OK) return tls;
    if (!*is_none) log_warn(&e->log, "zone.no_tls", LOG_CSTR("text", why.text));
    return NULL;
}

static void renew_slot(struct app_edge *e, struct net_tls_slot *slot, enum app_tls which)
{
    bool is_none;
    struct net_tls *tls = make_tls(e, which, &is_none);
    if (tls || is_none) net_tls_slot_set(slot, tls);
    net_tls_unref(tls);
}

void app_edge_sip_renew_tls(struct app_edge *e)
{
    if (e->listeners) app_listeners_reload_tls(e->listeners);
    if (!is_inner(e)) return;
    renew_slot(e, e->tls, APP_TLS_MRA);
    renew_slot(e, e->link_tls, APP_TLS_LINK);
    app_edge_retry_zones(e);
}

static struct net_tls *get_tls(void *ctx, enum edge_zone_kind kind)
{
    struct app_edge *e = ctx;
    return net_tls_slot_get(kind == EDGE_ZONE_LINK ? e->link_tls : e->tls);
}

/* ---- what the stack and the zones tell ---- */

static enum rc find_addrs(void *ctx, struct str name, uint16_t port, net_addrs_fn *fn, void *fn_ctx,
                          struct net_query **out)
{
    struct app_edge *e = ctx;
    return net_resolver_addrs(e->resolver, name, port, NET_NONE, fn, fn_ctx, out);
}

static void on_greeted(void *ctx, const struct edge_zone_ref *zone, const struct edge_greeting *g)
{
    struct app_edge *e = ctx;
    app_carry_inner_greeted(e->inner, zone, g);
}

static struct edge_greeting greeting(void *ctx)
{
    struct app_edge *e = ctx;
    return app_carry_inner_greeting(e->inner);
}

static void on_zone_lost(void *ctx, const struct edge_zone_ref *zone)
{
    struct app_edge *e = ctx;
    app_carry_inner_lost(e->inner, zone);
}

static bool on_message(void *ctx, struct siptx_flow *f, const struct sip_message *m,
                       const struct sip_basics *basics, struct arena *arena)
{
    struct app_edge *e = ctx;
    return is_inner(e) ? app_carry_inner_message(e->inner, f, m, basics, arena)
                       : app_carry_outer_message(e->outer, f, m, basics, arena);
}

static void on_flow_ready(void *ctx, struct siptx_flow *f)
{
    struct app_edge *e = ctx;
    if (e->zones) (void)edge_zones_on_ready(e->zones, f);
}

static void on_flow_open(void *ctx, struct siptx_flow *f)
{
    struct app_edge *e = ctx;
    if (e->outer) app_carry_outer_open(e->outer, f);
}

static void on_flow_closed(void *ctx, struct siptx_flow *f, enum siptx_close why, struct str text)
{
    struct app_edge *e = ctx;
    if (e->zones) (void)edge_zones_on_closed(e->zones, f, why, text);
    if (e->outer) app_carry_outer_closed(e->outer, f);
}

/* A handshake that failed at one of the ports, told where the operator looks. */
static void on_refused(void *ctx, int kind, const struct net_addr *peer,
                       const struct net_close *why)
{
    struct app_edge *e = ctx;
    char addr[NET_ADDR_TEXT_MAX], text[512];
    struct buf b;
    if (kind != APP_EDGE_LINKS) return; /* strangers at the door of phones */
    buf_init_fixed(&b, text, sizeof text);
    net_close_print(&b, why);
    log_warn(&e->log, "link.refused", LOG_STR("peer", net_addr_text(peer, addr)),
             LOG_STR("why", buf_str(&b)),
             LOG_CSTR("fix", "Pair it: bearline --edge peer card > card.json there, then here: "
                             "bearline --edge peer pair card.json"));
}

/* ---- what there should be, on its way to the SIP thread ---- */

struct wanted {
    struct net_post post;
    struct app_edge *edge;
    struct edge_cluster *clusters[APP_EDGE_UCMS_MAX];
    struct str addresses[APP_EDGE_UCMS_MAX];
    size_t cluster_count;
    struct edge_zone_want wants[WANTS_MAX]; /* inner */
    size_t want_count;
    struct str names[APP_EDGE_PEERS_MAX]; /* outer */
    size_t name_count;
    uint16_t port;
    uint16_t mux_port, media_first, media_last;
    uint32_t media_idle_s;
    struct net_addr media_address;
    struct arena text;
};

static void wanted_free(struct wanted *w)
{
    for (size_t i = 0; i < w->cluster_count; i++)
        edge_cluster_unref(w->clusters[i]);
    arena_fini(&w->text);
    free(w);
}

/* Outer: opens the port inner edges send media to, where it is another one than before. */
static void listen_media(struct app_edge *e, uint16_t port)
{
    struct net_addr addrs[APP_LISTENER_ADDRESSES_MAX];
    size_t count = app_listener_addresses(str_from(e->settings.addresses), addrs);
    if (port == e->mux_port && (port == 0 || e->mux_rc == RC_OK)) return;
    for (size_t i = 0; i < count; i++)
        addrs[i].port = port;
    enum rc rc = edge_relay_listen(e->relay, addrs, port == 0 ? 0 : count);
    if (rc != RC_OK && (rc != (enum rc)e->mux_rc || port != e->mux_port))
        log_error(&e->log, "media.not_listening", LOG_INT("port", port),
                  LOG_CSTR("rc", rc_name(rc)));
    e->mux_port = port;
    atomic_store(&e->mux_rc, (int)rc);
}

static void apply_media(struct app_edge *e, const struct wanted *w)
{
    edge_relay_set(e->relay, w->media_first, w->media_last, w->media_idle_s);
    if (e->inner) app_carry_inner_set_media(e->inner, e->relay, &w->media_address);
    if (e->outer) app_carry_outer_set_media(e->outer, e->relay, &w->media_address);
    if (e->outer) listen_media(e, w->mux_port);
}

static void apply_wanted(void *ctx)
{
    struct wanted *w = ctx;
    struct app_edge *e = w->edge;
    if (e->relay) apply_media(e, w);
    if (e->zones) {
        edge_zones_set(e->zones, w->wants, w->want_count);
        app_carry_inner_set(e->inner, w->clusters, w->addresses, w->cluster_count);
    }
    if (e->outer) {
        app_carry_outer_set(e->outer, w->names, w->name_count);
        if (app_carry_outer_move(e->outer, w->port) != RC_OK)
            log_error(&e->log, "edge.port_not_followed", LOG_INT("port", w->port));
    }
    wanted_free(w);
}

static void add_cluster(void *ctx, struct edge_follower *f)
{
    struct wanted *w = ctx;
    struct edge_follower_view view;
    struct edge_cluster *cluster = edge_follower_cluster(f);
    struct str *address = &w->addresses[w->cluster_count];
    if (!cluster) return;
    edge_follower_look(f, &view);
    if (w->cluster_count == APP_EDGE_UCMS_MAX ||
        arena_str_dup(&w->text, view.address, address) != RC_OK) {
        edge_cluster_unref(cluster);
        return;
    }
    w->clusters[w->cluster_count++] = cluster;
    w->want_count += edge_zone_wants(cluster, *address, &w->wants[w->want_count],
                                     WANTS_MAX - w->want_count);
}

static enum rc add_link(struct wanted *w, const struct store_peer *p)
{
    struct edge_zone_want *want = &w->wants[w->want_count];
    if (w->want_count == WANTS_MAX) return RC_TOO_BIG;
    *want = (struct edge_zone_want){.kind = EDGE_ZONE_LINK,
                                    .port = (uint16_t)p->sip_port,
                                    .media_port = (uint16_t)p->media_port};
    enum rc rc = arena_str_dup(&w->text, p->name, &want->node);
    if (rc == RC_OK) rc = arena_str_dup(&w->text, p->host, &want->host);
    if (rc == RC_OK) w->want_count++;
    return rc;
}

static enum rc add_peers(struct app_edge *e, struct wanted *w)
{
    size_t count;
    const struct store_peer *peers = app_edge_peers_get(e->peers, &count);
    enum rc rc = RC_OK;
    for (size_t i = 0; i < count && rc == RC_OK; i++) {
        if (is_inner(e) && peers[i].role == STORE_EDGE_OUTER) rc = add_link(w, &peers[i]);
        if (is_inner(e) || peers[i].role != STORE_EDGE_INNER) continue;
        rc = arena_str_dup(&w->text, peers[i].name, &w->names[w->name_count]);
        if (rc == RC_OK) w->name_count++;
    }
    return rc;
}

static uint16_t port_param(const struct app_edge *e, enum store_param_id id)
{
    return (uint16_t)directory_param_number(e->directory, id);
}

static void want_media(struct app_edge *e, struct wanted *w)
{
    bool is_on = directory_param_number(e->directory, STORE_P_EDGE_MODE) != 0;
    const struct directory_params *params = directory_params_ref(e->directory);
    w->mux_port = is_on ? port_param(e, STORE_P_EDGE_MUX_PORT) : 0;
    w->media_first = port_param(e, STORE_P_EDGE_MEDIA_FIRST);
    w->media_last = port_param(e, STORE_P_EDGE_MEDIA_LAST);
    w->media_idle_s = (uint32_t)directory_param_number(e->directory, STORE_P_EDGE_MEDIA_IDLE_S);
    if (params &&
        net_addr_parse_ip(params->text[STORE_P_EDGE_MEDIA_ADDRESS], 0, &w->media_address) != RC_OK)
        w->media_address = (struct net_addr){.family = NET_NONE};
    directory_params_unref(params);
}

static struct wanted *wanted_new(struct app_edge *e)
{
    struct wanted *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    w->edge = e;
    arena_init(&w->text, NULL, 0, 1 << 20);
    w->port = port_param(e, STORE_P_EDGE_SIP_PORT);
    want_media(e, w);
    if (directory_param_number(e->directory, STORE_P_EDGE_MODE) == 0) return w;
    if (add_peers(e, w) != RC_OK) {
        wanted_free(w);
        return NULL;
    }
    if (e->ucms) app_edge_ucms_each(e->ucms, add_cluster, w);
    return w;
}

void app_edge_sip_follow(void *edge)
{
    struct app_edge *e = edge;
    struct wanted *w = wanted_new(e);
    if (w)
        net_loop_post(e->sip, &w->post, apply_wanted, w);
    else
        log_error(&e->log, "zone.not_followed", LOG_CSTR("why", "out of memory"));
    if (e->listeners) app_listeners_changed(e->listeners);
    if (e->tunnels) {
        size_t count;
        const struct store_peer *peers = app_edge_peers_get(e->peers, &count);
        bool is_on = directory_param_number(e->directory, STORE_P_EDGE_MODE) != 0;
        app_edge_tunnels_set(e->tunnels, peers, is_on ? count : 0);
    }
}

static void retry_zones(void *ctx)
{
    struct app_edge *e = ctx;
    if (e->zones) edge_zones_retry(e->zones);
}

void app_edge_retry_zones(struct app_edge *e)
{
    net_loop_post(e->sip, &e->retry, retry_zones, e);
}

/* ---- opening ---- */

static enum rc open_seal(struct app_edge *e, struct store_why *why)
{
    uint8_t key[EDGE_SEAL_KEY_LEN];
    enum rc rc = app_certs_derive(e->certs, "bearline edge seal", key, why);
    if (rc == RC_OK) rc = edge_seal_new(bytes_of(key, sizeof key), &e->random, &e->seal);
    crypto_wipe(key, sizeof key);
    return rc;
}

static enum rc open_inner(struct app_edge *e)
{
    struct edge_zones_config zc = {
        .ops = {.ctx = e,
                .connect = siptx_connect,
                .addrs = find_addrs,
                .tls = get_tls,
                .greeted = on_greeted,
                .greeting = greeting,
                .lost = on_zone_lost},
        .clock = e->clock,
        .random = e->random,
        .log = &e->log,
    };
    struct net_resolver_config rc_config = {.random = e->random};
    enum rc rc = net_resolver_new(e->sip, &rc_config, &e->resolver);
    if (rc == RC_OK) rc = net_tls_slot_new(NULL, &e->tls);
    if (rc == RC_OK) rc = net_tls_slot_new(NULL, &e->link_tls);
    if (rc == RC_OK) rc = edge_zones_new(&zc, &e->zones);
    if (rc != RC_OK) return rc;
    renew_slot(e, e->tls, APP_TLS_MRA);
    renew_slot(e, e->link_tls, APP_TLS_LINK);
    struct app_carry_inner_config ic = {.seal = e->seal,
                                        .random = e->random,
                                        .clock = e->clock,
                                        .log = &e->log,
                                        .zones = e->zones,
                                        .host = str_from(e->settings.host)};
    return app_carry_inner_new(&ic, &e->inner);
}

static enum rc open_outer(struct app_edge *e)
{
    struct app_carry_outer_config oc = {
        .seal = e->seal,
        .random = e->random,
        .clock = e->clock,
        .log = &e->log,
        .host = str_from(e->settings.host),
        .port = (uint16_t)directory_param_number(e->directory, STORE_P_EDGE_SIP_PORT)};
    struct net_limits_config limits = {.connections_max = e->settings.connections_max,
                                       .source_max = e->settings.source_max,
                                       .handshakes_max = e->settings.handshakes_max,
                                       .handshake_ms = 10000};
    e->stacks = siptx_node_new();
    if (!e->stacks) return RC_NOMEM;
    enum rc rc = net_limits_new(&limits, &e->limits);
    return rc == RC_OK ? app_carry_outer_new(&oc, &e->outer) : rc;
}

static struct siptx_limits sip_limits(const struct app_edge *e)
{
    return (struct siptx_limits){.stream_idle_ms = is_inner(e) ? 0 : e->settings.idle_s * 1000};
}

/* Ports are what they should be now, and who may come to them. */
static void on_synced(void *ctx)
{
    struct app_edge *e = ctx;
    app_edge_gateway_renew(e->gateway);
}

static enum rc open_listeners(struct app_edge *e)
{
    struct app_listeners_config c = {.loop = e->control,
                                     .directory = e->directory,
                                     .certs = e->certs,
                                     .stacks = e->stacks,
                                     .workers = STACKS,
                                     .limits = e->limits,
                                     .sip_limits = sip_limits(e),
                                     .http = app_edge_gateway_http(e->gateway),
                                     .https_site = app_edge_gateway_outside(e->gateway),
                                     .tunnel_site = app_edge_gateway_tunnel(e->gateway),
                                     .log = &e->log,
                                     .node = str_from(e->settings.name),
                                     .addresses = str_from(e->settings.addresses),
                                     .is_edge = true,
                                     .on_synced = on_synced,
                                     .ctx = e};
    return app_listeners_new(&c, &e->listeners);
}

enum rc app_edge_sip_open(struct app_edge *e, struct store_why *why)
{
    enum rc rc = open_seal(e, why);
    if (rc == RC_OK) rc = net_loop_new(&e->sip);
    if (rc == RC_OK) rc = is_inner(e) ? open_inner(e) : open_outer(e);
    if (rc != RC_OK) return rc;
    if (e->settings.trace_bytes > 0 && !(e->trace = siptx_trace_new(e->settings.trace_bytes)))
        return RC_NOMEM;
    struct siptx_config sc = {
        .loop = e->sip,
        .clock = net_loop_clock(e->sip),
        .random = e->random,
        .limits = sip_limits(e),
        .trace = e->trace,
        .node = e->stacks,
        .events = {.ctx = e,
                   .on_message = on_message,
                   .on_flow_open = on_flow_open,
                   .on_flow_ready = on_flow_ready,
                   .on_flow_closed = on_flow_closed,
                   .on_refused = on_refused},
    };
    rc = siptx_stack_new(&sc, &e->stack);
    struct edge_relay_config relay = {
        .loop = e->sip, .random = e->random, .log = &e->log, .is_inner = is_inner(e)};
    if (rc == RC_OK) rc = edge_relay_new(&relay, &e->relay);
    if (rc == RC_OK && e->zones) edge_zones_attach(e->zones, e->stack);
    if (rc == RC_OK && e->outer) app_carry_outer_attach(e->outer, e->stack);
    if (rc == RC_OK && e->outer) rc = open_listeners(e);
    return rc;
}

/* ---- running ---- */

static void *sip_main(void *ctx)
{
    struct app_edge *e = ctx;
    net_loop_run(e->sip);
    return NULL;
}

enum rc app_edge_sip_run(struct app_edge *e)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before); /* signals are the control thread's */
    e->is_sip_running = pthread_create(&e->sip_thread, NULL, sip_main, e) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return e->is_sip_running ? RC_OK : RC_NOMEM;
}

void app_edge_sip_stop(struct app_edge *e)
{
    if (e->listeners) {
        app_listeners_close_all(e->listeners);
        if (e->is_sip_running) app_listeners_wait_closed(e->listeners);
    }
    if (e->gateway) app_edge_gateway_stop(e->gateway);
    if (e->tunnels) app_edge_tunnels_stop(e->tunnels);
    if (e->is_sip_running) {
        net_loop_stop(e->sip);
        pthread_join(e->sip_thread, NULL);
    }
    net_loop_free(e->control); /* what was posted to it may be of the listeners */
    app_listeners_free(e->listeners);
    e->gateway = app_edge_gateway_free(e->gateway);
    e->tunnels = app_edge_tunnels_free(e->tunnels);
    e->zones = edge_zones_free(e->zones);
    siptx_stack_free(e->stack);
    e->relay = edge_relay_free(e->relay);
    net_resolver_free(e->resolver);
    e->outer = app_carry_outer_free(e->outer); /* what was posted to the loop finds nothing */
    e->inner = app_carry_inner_free(e->inner);
    net_loop_free(e->sip);
    net_tls_slot_free(e->tls);
    net_tls_slot_free(e->link_tls);
    siptx_trace_free(e->trace);
    siptx_node_free(e->stacks);
    net_limits_unref(e->limits);
    edge_seal_free(e->seal);
}
