#include "app/listeners_int.h"

#include "base/check.h"
#include "directory/directory.h"
#include "http/server.h"
#include "net/udp.h"
#include "siptx/stack.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- TLS contexts ---- */

/* One that cannot be built for want of a certificate or of anybody to trust is taken away, and its
 * ports close: what an operator no longer trusts must not get in. After another failure (memory, the
 * disk) the one there is stays. */
static bool tls_build_one(struct app_listeners *l, enum app_tls which)
{
    struct store_why why = {""};
    struct net_tls *tls = NULL;
    if (!app_certs_serves(l->config.certs, which)) return true;
    enum rc rc = app_certs_tls(l->config.certs, which, &tls, &why);
    bool is_unpaired = which == APP_TLS_LINK && rc == RC_NOT_FOUND;
    if (rc != RC_OK && !is_unpaired)
        log_error(l->config.log, "tls.not_loaded", LOG_CSTR("context", app_tls_name(which)),
                  LOG_CSTR("why", why.text));
    if (rc != RC_OK && rc != RC_NOT_FOUND) return false;
    pthread_mutex_lock(&l->lock);
    net_tls_unref(l->tls[which]);
    l->tls[which] = tls;
    l->tls_is_new[which] = true;
    pthread_mutex_unlock(&l->lock);
    return rc == RC_OK || is_unpaired;
}

/* Reading the store and keeping the outcome are one: of two threads that committed, whichever reads
 * last must have the last word. */
static bool tls_build(struct app_listeners *l)
{
    bool all = true;
    pthread_mutex_lock(&l->building);
    for (int i = 0; i < APP_TLS_COUNT; i++)
        all = tls_build_one(l, (enum app_tls)i) && all;
    pthread_mutex_unlock(&l->building);
    return all;
}

void app_listeners_reload_tls(struct app_listeners *l)
{
    if (tls_build(l))
        log_info(l->config.log, "tls.reloaded",
                 LOG_CSTR("text", "New connections get the new certificates."));
    app_listeners_changed(l);
}

/* ---- one door; the lock is held ---- */

static void door_close(struct app_listeners *l, struct door *d)
{
    char text[NET_ADDR_TEXT_MAX];
    if (d->http) d->http = http_listener_close(d->http);
    if (d->listener || d->udp) door_leave(l, d);
    if (d->state == APP_LISTENER_OPEN)
        log_info(l->config.log, "listener.closed", LOG_CSTR("name", door_defs[d->kind].name),
                 LOG_CSTR("transport", door_defs[d->kind].transport),
                 LOG_STR("addr", net_addr_text(&d->addr, text)));
}

static enum rc door_open_http(struct app_listeners *l, struct door *d, struct net_holder *holder)
{
    const struct app_listeners_config *c = &l->config;
    bool is_https = d->kind == DOOR_HTTPS || d->kind == DOOR_EDGE_HTTPS;
    struct http_site *site = is_https                       ? c->https_site
                             : d->kind == DOOR_EDGE_TUNNEL  ? c->tunnel_site
                             : d->kind == DOOR_CONFIG_HTTPS ? c->config_site
                                                            : c->config_plain_site;
    struct net_tls *tls = door_defs[d->kind].tls >= 0 ? l->tls[door_defs[d->kind].tls] : NULL;
    return http_listen(c->http, site, &d->addr, tls, &d->http, holder);
}

static enum rc sip_port_open(struct app_listeners *l, struct door *d, struct net_holder *holder)
{
    if (d->kind == DOOR_SIP_UDP) return net_udp_open(&d->addr, l->config.workers, &d->udp, holder);
    struct net_listener_config c = {
        .addr = d->addr,
        .tls = door_defs[d->kind].tls >= 0 ? l->tls[door_defs[d->kind].tls] : NULL,
        .limits = l->config.limits,
        .stream = siptx_stream_config(&l->config.sip_limits),
    };
    return net_listener_open(&c, &d->listener, holder);
}

static enum rc door_open_sip(struct app_listeners *l, struct door *d, struct net_holder *holder)
{
    struct leave *leave = door_leave_new(l, d);
    enum rc rc = leave ? sip_port_open(l, d, holder) : RC_NOMEM;
    if (rc == RC_OK)
        d->leave = leave;
    else
        free(leave);
    return rc;
}

static void fix_by_moving(const struct app_listeners *l, struct door *d, const char *before)
{
    if (l->config.is_edge)
        snprintf(d->fix, sizeof d->fix, "%s bearline --edge param set %s PORT", before,
                 door_defs[d->kind].option);
    else
        snprintf(d->fix, sizeof d->fix, "%s bearline node update %.*s --%s PORT", before,
                 STR_ARG(str_sub(l->config.node, 0, 200)), door_defs[d->kind].option);
}

static void door_explain(const struct app_listeners *l, struct door *d, enum rc rc,
                         const struct net_holder *holder)
{
    unsigned port = d->addr.port;
    d->fix[0] = '\0';
    if (rc == RC_EXISTS || rc == RC_CONFLICT) {
        if (holder->pid > 0)
            snprintf(d->why, sizeof d->why, "Port %u is in use by %s (process %d).", port,
                     holder->name, holder->pid);
        else
            snprintf(d->why, sizeof d->why, "Port %u is in use by another program.", port);
        fix_by_moving(l, d, "Stop it, or choose another port:");
    } else if (rc == RC_NOT_FOUND) {
        snprintf(d->why, sizeof d->why, "The address is not one of this machine.");
        if (l->config.is_edge)
            snprintf(d->fix, sizeof d->fix,
                     "Correct node.addresses in its settings and restart it");
        else
            snprintf(d->fix, sizeof d->fix,
                     "Correct it: bearline node update %.*s --addresses ADDRESS",
                     STR_ARG(str_sub(l->config.node, 0, 200)));
    } else if (rc == RC_DENIED) {
        snprintf(d->why, sizeof d->why, "The system does not allow port %u to this user.", port);
        fix_by_moving(l, d, "Choose another port:");
    } else {
        snprintf(d->why, sizeof d->why, "Port %u could not be opened (%s).", port, rc_name(rc));
    }
}

static void explain_tls(struct door *d)
{
    enum app_tls tls = (enum app_tls)door_defs[d->kind].tls;
    const char *trust = tls == APP_TLS_MRA      ? ", or tomcat-trust is empty"
                        : tls == APP_TLS_SECURE ? ", or callmanager-trust is empty"
                                                : "";
    snprintf(d->why, sizeof d->why, "Its certificate is missing or cannot be used%s.", trust);
    snprintf(d->fix, sizeof d->fix,
             "The line tls.not_loaded in the log says which; make or import one: bearline set cert "
             "regen %s",
             tls == APP_TLS_SECURE ? "CallManager" : "tomcat");
}

static void door_open(struct app_listeners *l, struct door *d)
{
    struct net_holder holder = {0};
    char text[NET_ADDR_TEXT_MAX], before[sizeof d->why];
    int tls = door_defs[d->kind].tls;
    enum rc rc = RC_NOT_FOUND;
    memcpy(before, d->why, sizeof before);
    d->is_waiting = false;
    if (tls < 0 || l->tls[tls])
        rc = door_defs[d->kind].is_http ? door_open_http(l, d, &holder)
                                        : door_open_sip(l, d, &holder);
    if (rc == RC_OK) {
        d->state = APP_LISTENER_OPEN;
        d->why[0] = d->fix[0] = '\0';
        if (!door_defs[d->kind].is_http) door_join(l, d);
        log_info(l->config.log, "listener.open", LOG_CSTR("name", door_defs[d->kind].name),
                 LOG_CSTR("transport", door_defs[d->kind].transport),
                 LOG_STR("addr", net_addr_text(&d->addr, text)));
        return;
    }
    d->state = APP_LISTENER_FAILED;
    if ((rc == RC_CONFLICT || rc == RC_EXISTS) && door_is_in_the_way(l, d)) {
        snprintf(d->why, sizeof d->why, "The port opens when this node has let go of it.");
        d->fix[0] = '\0';
        d->is_waiting = true;
        return;
    }
    if ((rc == RC_CONFLICT || rc == RC_EXISTS) && holder.pid == 0)
        (void)net_holder_find(&d->addr, d->kind == DOOR_SIP_UDP, &holder);
    door_explain(l, d, rc, &holder);
    if (tls >= 0 && !l->tls[tls]) explain_tls(d);
    if (strcmp(before, d->why) != 0)
        log_error(l->config.log, "listener.failed", LOG_CSTR("name", door_defs[d->kind].name),
                  LOG_CSTR("transport", door_defs[d->kind].transport),
                  LOG_STR("addr", net_addr_text(&d->addr, text)), LOG_CSTR("why", d->why),
                  LOG_CSTR("text", d->fix));
}

/* ---- what should be ---- */

static bool door_is(const struct door *a, const struct door *b)
{
    return a->kind == b->kind && net_addr_eq(&a->addr, &b->addr);
}

static bool door_is_among(const struct door *d, const struct door *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (door_is(d, &list[i])) return true;
    return false;
}

static void close_unwanted(struct app_listeners *l, const struct door *wanted, size_t count)
{
    for (size_t i = 0; i < l->door_count;) {
        struct door *d = &l->doors[i];
        if (door_is_among(d, wanted, count)) {
            i++;
            continue;
        }
        door_close(l, d);
        *d = l->doors[--l->door_count];
    }
}

static void open_wanted(struct app_listeners *l, const struct door *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!door_is_among(&wanted[i], l->doors, l->door_count) && l->door_count < DOORS_MAX) {
            l->doors[l->door_count] = wanted[i];
            l->doors[l->door_count++].state = APP_LISTENER_FAILED;
        }
    for (size_t i = 0; i < l->door_count; i++)
        if (l->doors[i].state == APP_LISTENER_FAILED) door_open(l, &l->doors[i]);
}

/* door_close lets go of the lock: what becomes new meanwhile is for the next sync. */
static void swap_tls(struct app_listeners *l)
{
    bool is_new[APP_TLS_COUNT];
    memcpy(is_new, l->tls_is_new, sizeof is_new);
    memset(l->tls_is_new, 0, sizeof l->tls_is_new);
    for (size_t i = 0; i < l->door_count; i++) {
        struct door *d = &l->doors[i];
        int tls = door_defs[d->kind].tls;
        if (tls < 0 || !is_new[tls]) continue;
        if (!l->tls[tls] || d->kind == DOOR_EDGE_TUNNEL) {
            /* who is trusted no longer must not go on asking over a connection that stands */
            door_close(l, d);
            d->state = APP_LISTENER_FAILED;
        }
        if (d->listener) net_listener_set_tls(d->listener, l->tls[tls]);
        if (d->http) http_listener_set_tls(d->http, l->tls[tls]);
    }
}

static void on_sync(void *ctx)
{
    app_listeners_sync(ctx);
}

void app_listeners_sync(struct app_listeners *l)
{
    struct door wanted[DOORS_MAX];
    doors_leave_again(l);
    pthread_mutex_lock(&l->lock);
    uint64_t asked = l->asked;
    size_t count = doors_wanted(l, wanted);
    swap_tls(l);
    close_unwanted(l, wanted, count);
    open_wanted(l, wanted, count);
    bool again = !list_is_empty(&l->untold);
    for (size_t i = 0; i < l->door_count; i++)
        again = again || l->doors[i].state == APP_LISTENER_FAILED;
    l->done = asked;
    pthread_cond_broadcast(&l->settled);
    pthread_mutex_unlock(&l->lock);
    if (again && !l->is_stopped)
        net_timer_start(l->config.loop, &l->retry, RETRY_MS, on_sync, l);
    else
        net_timer_stop(l->config.loop, &l->retry);
    if (l->config.on_synced && !l->is_stopped) l->config.on_synced(l->config.ctx);
}

void app_listeners_changed(struct app_listeners *l)
{
    net_loop_post(l->config.loop, &l->sync_post, on_sync, l);
}

void app_listeners_settle(struct app_listeners *l)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += SETTLE_S;
    pthread_mutex_lock(&l->lock);
    l->asked++;
    pthread_mutex_unlock(&l->lock);
    app_listeners_changed(l);
    pthread_mutex_lock(&l->lock);
    int late = 0;
    while ((l->done < l->asked || !list_is_empty(&l->leaving)) && !l->is_stopped && late == 0)
        late = pthread_cond_timedwait(&l->settled, &l->lock, &until);
    pthread_mutex_unlock(&l->lock);
}

void app_listeners_close_all(struct app_listeners *l)
{
    pthread_mutex_lock(&l->lock);
    l->is_stopped = true;
    pthread_cond_broadcast(&l->settled);
    pthread_mutex_unlock(&l->lock);
    app_listeners_sync(l);
}

void app_listeners_wait_closed(struct app_listeners *l)
{
    struct timespec until;
    int late = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += SETTLE_S;
    pthread_mutex_lock(&l->lock);
    while (!list_is_empty(&l->leaving) && late == 0)
        late = pthread_cond_timedwait(&l->settled, &l->lock, &until);
    pthread_mutex_unlock(&l->lock);
}

/* ---- life ---- */

/* Durations run on the monotonic clock. */
static bool cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0) return false;
    bool ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
              pthread_cond_init(cond, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return ok;
}

/* A context that cannot be made keeps its ports closed, not the node: how else would an operator
 * bring the certificate that is missing? */
enum rc app_listeners_new(const struct app_listeners_config *config, struct app_listeners **out)
{
    struct app_listeners *l = calloc(1, sizeof *l);
    if (!l) return RC_NOMEM;
    l->config = *config;
    list_init(&l->leaving);
    list_init(&l->untold);
    if (pthread_mutex_init(&l->lock, NULL) != 0 || pthread_mutex_init(&l->building, NULL) != 0 ||
        !cond_init(&l->settled)) {
        free(l);
        return RC_NOMEM;
    }
    (void)tls_build(l);
    *out = l;
    return RC_OK;
}

struct app_listeners *app_listeners_free(struct app_listeners *l)
{
    if (!l) return NULL;
    for (int i = 0; i < APP_TLS_COUNT; i++)
        net_tls_unref(l->tls[i]);
    pthread_cond_destroy(&l->settled);
    pthread_mutex_destroy(&l->building);
    pthread_mutex_destroy(&l->lock);
    free(l);
    return NULL;
}
