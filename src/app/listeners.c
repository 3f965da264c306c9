#include "app/listeners.h"

#include "base/check.h"
#include "base/list.h"
#include "directory/directory.h"
#include "http/server.h"
#include "net/udp.h"
#include "siptx/stack.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { DOORS_MAX = 128, ADDRESSES_MAX = 16, RETRY_MS = 5000, SETTLE_S = 5 };

enum door_kind {
    DOOR_SIP_UDP,
    DOOR_SIP_TCP,
    DOOR_SIPS,
    DOOR_OAUTH,
    DOOR_MRA,
    DOOR_CONFIG_HTTP,
    DOOR_CONFIG_HTTPS,
    DOOR_HTTPS,
    DOOR_COUNT
};

static const struct door_def {
    const char *name, *transport;
    enum call_listener kind; /* SIP only */
    int tls;                 /* enum app_tls; -1: none */
    bool is_http, oauth_only;
    size_t port; /* offset in struct store_ports */
} defs[DOOR_COUNT] = {
#define PORT(f) offsetof(struct store_ports, f)
    [DOOR_SIP_UDP] = {"SIP", "UDP", CALL_LINE, -1, false, false, PORT(sip)},
    [DOOR_SIP_TCP] = {"SIP", "TCP", CALL_LINE, -1, false, false, PORT(sip)},
    [DOOR_SIPS] = {"SIP secure", "TLS", CALL_SECURE, APP_TLS_SECURE, false, false, PORT(sips)},
    [DOOR_OAUTH] = {"SIP OAuth", "TLS", CALL_OAUTH, APP_TLS_TOMCAT, false, true, PORT(oauth)},
    [DOOR_MRA] = {"SIP OAuth MRA", "TLS", CALL_MRA, APP_TLS_MRA, false, true, PORT(mra)},
    [DOOR_CONFIG_HTTP] = {"device configuration", "HTTP", CALL_LINE, -1, true, false,
                          PORT(config_http)},
    [DOOR_CONFIG_HTTPS] = {"device configuration", "HTTPS", CALL_LINE, APP_TLS_TOMCAT, true, false,
                           PORT(config_https)},
    [DOOR_HTTPS] = {"HTTPS", "HTTPS", CALL_LINE, APP_TLS_TOMCAT, true, false, PORT(https)},
#undef PORT
};

struct leave;

struct door {
    enum door_kind kind;
    struct net_addr addr;
    enum app_listener_state state;
    struct net_listener *listener;
    struct net_udp_port *udp;
    struct leave *leave; /* made with the port, so that closing cannot fail */
    struct http_listener *http;
    char why[256];
};

struct app_listeners {
    struct app_listeners_config config;
    pthread_mutex_t building; /* of TLS contexts, one thread at a time; taken before lock */
    pthread_mutex_t lock;     /* of all below but the timer and posts */
    pthread_cond_t settled;
    struct door doors[DOORS_MAX];
    size_t door_count;
    struct net_tls *tls[APP_TLS_COUNT];
    bool tls_is_new[APP_TLS_COUNT];
    uint64_t asked, done; /* syncs */
    struct list leaving;  /* ports workers are still letting go of */
    bool is_stopped;
    struct list untold; /* of those, with workers that could not be told yet; control thread only */
    struct net_post sync_post;
    struct wheel_timer retry;
};

/* ---- TLS contexts ---- */

/* One that cannot be built for want of a certificate or of anybody to trust is taken away, and its
 * ports close: what an operator no longer trusts must not get in. After another failure (memory, the
 * disk) the one there is stays. */
static bool tls_build_one(struct app_listeners *l, enum app_tls which)
{
    struct store_why why = {""};
    struct net_tls *tls = NULL;
    enum rc rc = app_certs_tls(l->config.certs, which, &tls, &why);
    if (rc != RC_OK)
        log_error(l->config.log, "tls.not_loaded", LOG_CSTR("context", app_tls_name(which)),
                  LOG_CSTR("why", why.text));
    if (rc != RC_OK && rc != RC_NOT_FOUND) return false;
    pthread_mutex_lock(&l->lock);
    net_tls_unref(l->tls[which]);
    l->tls[which] = tls;
    l->tls_is_new[which] = true;
    pthread_mutex_unlock(&l->lock);
    return rc == RC_OK;
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

/* ---- workers joining and leaving ---- */

struct join {
    struct door_def def;
    struct net_listener *listener;
    struct net_udp_port *udp;
    const struct log *log;
};

static void on_join(struct siptx_stack *s, void *ctx)
{
    struct join *j = ctx;
    enum rc rc = RC_OK;
    if (s && j->listener) {
        enum siptx_transport t = j->def.tls >= 0 ? SIPTX_TLS : SIPTX_TCP;
        rc = siptx_stack_join(s, j->listener, (int)j->def.kind, t);
    } else if (s) {
        rc = siptx_stack_join_udp(s, j->udp, (int)j->def.kind);
    }
    if (rc != RC_OK)
        log_error(j->log, "listener.worker_not_joined", LOG_CSTR("name", j->def.name),
                  LOG_CSTR("rc", rc_name(rc)));
    free(j);
}

static void join_workers(struct app_listeners *l, const struct door *d)
{
    for (unsigned i = 0; i < l->config.workers; i++) {
        enum rc rc = RC_NOMEM;
        struct join *j = malloc(sizeof *j);
        if (j) *j = (struct join){defs[d->kind], d->listener, d->udp, l->config.log};
        if (j) rc = siptx_node_post(l->config.stacks, i, on_join, j);
        if (rc == RC_OK) continue;
        log_error(l->config.log, "listener.worker_not_joined", LOG_CSTR("name", defs[d->kind].name),
                  LOG_CSTR("rc", rc_name(rc)));
        free(j);
    }
}

/* A port is closed when every worker has let go of it. Made when the port opens: without memory it
 * could not be closed otherwise. */
struct leave {
    struct list link, retry; /* in leaving and untold */
    struct app_listeners *l;
    enum door_kind kind;
    struct net_addr addr;
    struct net_listener *listener;
    struct net_udp_port *udp;
    unsigned told;    /* workers posted to, in their order; the control thread's */
    atomic_uint left; /* workers, and the control thread until it has told them all */
};

static struct leave *leave_new(struct app_listeners *l, const struct door *d)
{
    struct leave *v = calloc(1, sizeof *v);
    if (!v) return NULL;
    v->l = l;
    v->kind = d->kind;
    v->addr = d->addr;
    list_init(&v->link);
    list_init(&v->retry);
    atomic_init(&v->left, l->config.workers + 1);
    return v;
}

static void on_left(void *ctx)
{
    struct leave *v = ctx;
    struct app_listeners *l = v->l;
    pthread_mutex_lock(&l->lock);
    list_remove(&v->link);
    l->asked++; /* what waited for the port may open now */
    pthread_cond_broadcast(&l->settled);
    pthread_mutex_unlock(&l->lock);
    free(v);
    app_listeners_changed(l);
}

static void leave_step(struct leave *v)
{
    if (atomic_fetch_sub(&v->left, 1) != 1) return;
    if (v->listener) {
        (void)net_listener_close(v->listener, true, on_left, v);
    } else {
        (void)net_udp_close(v->udp);
        on_left(v);
    }
}

static void on_leave(struct siptx_stack *s, void *ctx)
{
    struct leave *v = ctx;
    if (s && v->listener) siptx_stack_leave(s, v->listener, true);
    if (s && v->udp) siptx_stack_leave_udp(s, v->udp);
    leave_step(v);
}

/* What cannot be posted for want of memory waits for the next sync: a worker left out would go on
 * with a port that is gone. The lock is not held. */
static void leave_tell(struct app_listeners *l, struct leave *v)
{
    for (; v->told < l->config.workers; v->told++) {
        enum rc rc = siptx_node_post(l->config.stacks, v->told, on_leave, v);
        if (rc == RC_NOMEM) {
            list_push_back(&l->untold, &v->retry);
            return;
        }
        if (rc != RC_OK) leave_step(v); /* no such worker */
    }
    leave_step(v);
}

static void leave_tell_again(struct app_listeners *l)
{
    struct list *first;
    for (size_t n = DOORS_MAX; n > 0 && (first = list_first(&l->untold)) != NULL; n--) {
        list_remove(first);
        leave_tell(l, LIST_OF(first, struct leave, retry));
    }
}

/* Lets go of the lock meanwhile. */
static void leave_workers(struct app_listeners *l, struct door *d)
{
    struct leave *v = d->leave;
    v->listener = d->listener;
    v->udp = d->udp;
    d->leave = NULL;
    d->listener = NULL;
    d->udp = NULL;
    list_push_back(&l->leaving, &v->link);
    pthread_mutex_unlock(&l->lock);
    leave_tell(l, v);
    pthread_mutex_lock(&l->lock);
}

/* Does a port of our own, on its way out, stand where the door should be? Then it waits its turn,
 * and that is no failure. */
static bool leave_is_in_the_way(const struct app_listeners *l, const struct door *d)
{
    for (struct list *it = l->leaving.next; it != &l->leaving; it = it->next) {
        const struct leave *v = LIST_OF(it, struct leave, link);
        bool same_port = v->addr.port == d->addr.port && v->addr.family == d->addr.family;
        if (same_port && (v->kind == DOOR_SIP_UDP) == (d->kind == DOOR_SIP_UDP)) return true;
    }
    return false;
}

/* ---- one door; the lock is held ---- */

static void door_close(struct app_listeners *l, struct door *d)
{
    char text[NET_ADDR_TEXT_MAX];
    if (d->http) d->http = http_listener_close(d->http);
    if (d->listener || d->udp) leave_workers(l, d);
    if (d->state == APP_LISTENER_OPEN)
        log_info(l->config.log, "listener.closed", LOG_CSTR("name", defs[d->kind].name),
                 LOG_CSTR("transport", defs[d->kind].transport),
                 LOG_STR("addr", net_addr_text(&d->addr, text)));
}

static enum rc door_open_http(struct app_listeners *l, struct door *d, struct net_holder *holder)
{
    const struct app_listeners_config *c = &l->config;
    struct http_site *site = d->kind == DOOR_HTTPS          ? c->https_site
                             : d->kind == DOOR_CONFIG_HTTPS ? c->config_site
                                                            : c->config_plain_site;
    struct net_tls *tls = defs[d->kind].tls >= 0 ? l->tls[defs[d->kind].tls] : NULL;
    return http_listen(c->http, site, &d->addr, tls, &d->http, holder);
}

static enum rc sip_port_open(struct app_listeners *l, struct door *d, struct net_holder *holder)
{
    if (d->kind == DOOR_SIP_UDP) return net_udp_open(&d->addr, l->config.workers, &d->udp, holder);
    struct net_listener_config c = {
        .addr = d->addr,
        .tls = defs[d->kind].tls >= 0 ? l->tls[defs[d->kind].tls] : NULL,
        .limits = l->config.limits,
        .stream = siptx_stream_config(&l->config.sip_limits),
    };
    return net_listener_open(&c, &d->listener, holder);
}

static enum rc door_open_sip(struct app_listeners *l, struct door *d, struct net_holder *holder)
{
    struct leave *leave = leave_new(l, d);
    enum rc rc = leave ? sip_port_open(l, d, holder) : RC_NOMEM;
    if (rc == RC_OK)
        d->leave = leave;
    else
        free(leave);
    return rc;
}

static void door_explain(struct door *d, enum rc rc, const struct net_holder *holder)
{
    unsigned port = d->addr.port;
    if ((rc == RC_EXISTS || rc == RC_CONFLICT) && holder->pid > 0)
        snprintf(d->why, sizeof d->why,
                 "Port %u is in use by %s (process %d). Stop it, or give this node another port.",
                 port, holder->name, holder->pid);
    else if (rc == RC_EXISTS || rc == RC_CONFLICT)
        snprintf(d->why, sizeof d->why,
                 "Port %u is in use by another program. Stop it, or give this node another port.",
                 port);
    else if (rc == RC_NOT_FOUND)
        snprintf(d->why, sizeof d->why, "The address is not one of this machine.");
    else if (rc == RC_DENIED)
        snprintf(d->why, sizeof d->why, "The system does not allow port %u to this user.", port);
    else
        snprintf(d->why, sizeof d->why, "Port %u could not be opened (%s).", port, rc_name(rc));
}

static void door_open(struct app_listeners *l, struct door *d)
{
    struct net_holder holder = {0};
    char text[NET_ADDR_TEXT_MAX], before[256];
    int tls = defs[d->kind].tls;
    enum rc rc = RC_NOT_FOUND;
    memcpy(before, d->why, sizeof before);
    if (tls < 0 || l->tls[tls])
        rc = defs[d->kind].is_http ? door_open_http(l, d, &holder) : door_open_sip(l, d, &holder);
    if (rc == RC_OK) {
        d->state = APP_LISTENER_OPEN;
        d->why[0] = '\0';
        if (!defs[d->kind].is_http) join_workers(l, d);
        log_info(l->config.log, "listener.open", LOG_CSTR("name", defs[d->kind].name),
                 LOG_CSTR("transport", defs[d->kind].transport),
                 LOG_STR("addr", net_addr_text(&d->addr, text)));
        return;
    }
    d->state = APP_LISTENER_FAILED;
    if ((rc == RC_CONFLICT || rc == RC_EXISTS) && leave_is_in_the_way(l, d)) {
        snprintf(d->why, sizeof d->why, "The port opens when this node has let go of it.");
        return;
    }
    if ((rc == RC_CONFLICT || rc == RC_EXISTS) && holder.pid == 0)
        (void)net_holder_find(&d->addr, d->kind == DOOR_SIP_UDP, &holder);
    door_explain(d, rc, &holder);
    if (tls >= 0 && !l->tls[tls])
        snprintf(d->why, sizeof d->why, "Its certificate is missing or cannot be used.");
    if (strcmp(before, d->why) != 0)
        log_error(l->config.log, "listener.failed", LOG_CSTR("name", defs[d->kind].name),
                  LOG_CSTR("transport", defs[d->kind].transport),
                  LOG_STR("addr", net_addr_text(&d->addr, text)), LOG_CSTR("why", d->why));
}

/* ---- what should be ---- */

static size_t addresses_of(const struct directory_node *node, struct net_addr *out)
{
    size_t n = 0;
    struct str rest = node->addresses, part;
    while (str_split(&rest, ' ', &part))
        if (part.n > 0 && n < ADDRESSES_MAX && net_addr_parse_ip(part, 0, &out[n]) == RC_OK) n++;
    if (n > 0 || str_trim(node->addresses).n > 0) return n;
    out[0] = (struct net_addr){.family = NET_V4};
    out[1] = (struct net_addr){.family = NET_V6};
    return 2;
}

static size_t doors_wanted(struct app_listeners *l, struct door *out)
{
    struct net_addr addrs[ADDRESSES_MAX];
    size_t n = 0;
    const struct directory_node *node = directory_node_ref(l->config.directory, l->config.node);
    if (!node || l->is_stopped) {
        directory_node_unref(node);
        return 0;
    }
    bool mode = directory_param_number(l->config.directory, STORE_P_SIP_OAUTH_MODE) != 0;
    size_t addr_count = addresses_of(node, addrs);
    for (int kind = 0; kind < DOOR_COUNT; kind++) {
        int port;
        memcpy(&port, (const char *)&node->ports + defs[kind].port, sizeof port);
        if (port == 0 || (defs[kind].oauth_only && !mode)) continue;
        for (size_t i = 0; i < addr_count && n < DOORS_MAX; i++) {
            out[n] = (struct door){.kind = (enum door_kind)kind, .addr = addrs[i]};
            out[n++].addr.port = (uint16_t)port;
        }
    }
    directory_node_unref(node);
    return n;
}

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
        int tls = defs[d->kind].tls;
        if (tls < 0 || !is_new[tls]) continue;
        if (!l->tls[tls]) {
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
    leave_tell_again(l);
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

/* ---- for the operator ---- */

static struct app_listener_info info_of(enum door_kind kind, const struct net_addr *addr,
                                        enum app_listener_state state, const char *why)
{
    struct app_listener_info info = {.addr = *addr, .state = state};
    snprintf(info.name, sizeof info.name, "%s", defs[kind].name);
    snprintf(info.transport, sizeof info.transport, "%s", defs[kind].transport);
    snprintf(info.why, sizeof info.why, "%s", why);
    return info;
}

size_t app_listeners_list(struct app_listeners *l, struct app_listener_info *out, size_t max)
{
    size_t n = 0;
    pthread_mutex_lock(&l->lock);
    for (; n < l->door_count && n < max; n++) {
        const struct door *d = &l->doors[n];
        out[n] = info_of(d->kind, &d->addr, d->state, d->why);
    }
    for (struct list *it = l->leaving.next; it != &l->leaving && n < max; it = it->next) {
        const struct leave *v = LIST_OF(it, struct leave, link);
        out[n++] = info_of(v->kind, &v->addr, APP_LISTENER_CLOSING, "Its workers let go of it.");
    }
    pthread_mutex_unlock(&l->lock);
    return n;
}

static bool is_ours(struct app_listeners *l, uint16_t port)
{
    bool ours = false;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->door_count; i++)
        ours = ours || (l->doors[i].addr.port == port && l->doors[i].state == APP_LISTENER_OPEN);
    pthread_mutex_unlock(&l->lock);
    return ours;
}

/* The surest way to know is to open it. */
static bool can_open(struct app_listeners *l, const struct net_addr *addr, bool udp_too,
                     struct net_holder *holder)
{
    struct net_listener *tcp;
    struct net_udp_port *udp;
    struct net_listener_config c = {.addr = *addr,
                                    .stream = siptx_stream_config(&l->config.sip_limits)};
    enum rc rc = net_listener_open(&c, &tcp, holder);
    if (rc == RC_OK) (void)net_listener_close(tcp, false, NULL, NULL);
    if (rc == RC_OK && udp_too) {
        rc = net_udp_open(addr, 1, &udp, holder);
        if (rc == RC_OK) (void)net_udp_close(udp);
    }
    return rc != RC_EXISTS && rc != RC_DENIED;
}

bool app_listeners_port_is_free(struct app_listeners *l, uint16_t port, bool udp_too,
                                struct net_holder *holder)
{
    struct net_addr addrs[ADDRESSES_MAX];
    *holder = (struct net_holder){0};
    if (is_ours(l, port)) return true;
    const struct directory_node *node = directory_node_ref(l->config.directory, l->config.node);
    size_t n = node ? addresses_of(node, addrs) : 0;
    directory_node_unref(node);
    for (size_t i = 0; i < n; i++) {
        addrs[i].port = port;
        if (!can_open(l, &addrs[i], udp_too, holder)) return false;
    }
    return true;
}
