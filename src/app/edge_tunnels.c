#include "app/edge_tunnels.h"

#include "directory/directory.h"
#include "edge/portal.h"
#include "net/pool.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    REQUESTS = 4, /* that stand open at each outer edge */
    OUTERS_MAX = 16,
    THREADS = 8,
    QUEUE_MAX = REQUESTS * OUTERS_MAX,
    WAIT_MS = 30000, /* the outer edge answers after 20 s at the latest */
    PAUSE_FIRST_MS = 1000,
    PAUSE_MAX_MS = 30000,
    ARENA_MAX = 16 << 20,
    RULES_MAX = 256,
};

/* One request for work, again and again. */
struct request {
    struct tunnel *tunnel;
    struct http_exchange *exchange;
    struct wheel_timer again;
    int64_t pause_ms;
    char errand[24];    /* what is being served; "" nothing */
    struct arena arena; /* of that */
    struct str text, answer;
    bool is_busy; /* on the pool */
};

struct tunnel {
    struct app_edge_tunnels *all;
    char name[64], host[254];
    unsigned port;
    struct str ca_pem;
    bool is_wanted, is_gone;
    char problem[300]; /* under the lock */
    struct request requests[REQUESTS];
};

struct app_edge_tunnels {
    struct app_edge_tunnels_config config;
    struct net_pool *pool;
    struct http_client *client;
    struct edge_portal portal;
    pthread_mutex_t lock; /* of the table and what it shows */
    struct tunnel *tunnels[OUTERS_MAX];
    bool is_stopped;
};

static void begin(struct request *r);

/* ---- what the portal asks ---- */

static void add_cluster(void *ctx, struct edge_follower *f)
{
    struct edge_portal_view *v = ctx;
    struct edge_cluster *c = edge_follower_cluster(f);
    if (c && v->cluster_count < EDGE_PORTAL_CLUSTERS)
        v->clusters[v->cluster_count++] = c;
    else
        edge_cluster_unref(c);
}

static enum rc read_rules(struct app_edge_tunnels *t, struct arena *a, struct edge_portal_view *v)
{
    struct store_page page = {.limit = RULES_MAX};
    struct store_allows rows;
    enum rc rc = store_allow_list(t->config.store, &page, a, &rows, NULL);
    if (rc != RC_OK) return rc;
    v->rules = ARENA_ARRAY(a, struct edge_portal_rule, rows.count + 1);
    if (!v->rules) return RC_NOMEM;
    for (size_t i = 0; i < rows.count; i++)
        v->rules[v->rule_count++] = (struct edge_portal_rule){
            rows.rows[i].url, rows.rows[i].is_prefix, rows.rows[i].methods};
    return RC_OK;
}

static enum rc look(void *ctx, struct arena *a, struct edge_portal_view *out)
{
    struct app_edge_tunnels *t = ctx;
    const struct directory_params *params = directory_params_ref(t->config.directory);
    *out = (struct edge_portal_view){
        .is_on = directory_param_number(t->config.directory, STORE_P_EDGE_MODE) != 0};
    enum rc rc = params ? arena_str_dup(a, params->text[STORE_P_EDGE_DOMAIN], &out->domain)
                        : RC_NOMEM;
    directory_params_unref(params);
    if (rc == RC_OK) rc = read_rules(t, a, out);
    if (rc == RC_OK) rc = app_certs_tomcat_trust(t->config.certs, a, &out->trust_pem);
    if (rc == RC_OK) app_edge_ucms_each(t->config.ucms, add_cluster, out);
    return rc;
}

/* ---- serving ---- */

static void serve(void *ctx) /* on the pool */
{
    struct request *r = ctx;
    struct edge_errand_request request;
    struct edge_errand_answer answer = {.status = 502};
    if (edge_errand_read_request(r->text, &r->arena, &request) == RC_OK)
        edge_portal_serve(&r->tunnel->all->portal, &request, &r->arena, &answer);
    if (edge_errand_print_answer(&answer, &r->arena, &r->answer) != RC_OK) r->answer = STR("");
}

static void tunnel_free_if_done(struct tunnel *t)
{
    for (size_t i = 0; i < REQUESTS; i++)
        if (t->requests[i].is_busy || t->requests[i].exchange) return;
    for (size_t i = 0; i < REQUESTS; i++) {
        net_timer_stop(t->all->config.loop, &t->requests[i].again);
        arena_wipe(&t->requests[i].arena);
    }
    free((char *)(uintptr_t)t->ca_pem.p);
    free(t);
}

static void served(void *ctx) /* on the loop */
{
    struct request *r = ctx;
    r->is_busy = false;
    if (r->tunnel->is_gone)
        tunnel_free_if_done(r->tunnel);
    else
        begin(r);
}

/* ---- asking for work ---- */

static enum rc start(struct request *r, const char *what, struct str body, http_answer_fn *fn,
                     struct arena *a)
{
    struct tunnel *t = r->tunnel;
    struct http_client_header header = {STR("X-Errand"), str_from(r->errand)};
    struct http_call call = {.method = "POST",
                             .ca_pem = t->ca_pem,
                             .headers = &header,
                             .header_count = r->errand[0] ? 1 : 0,
                             .body = body,
                             .content_type = STR("application/json"),
                             .timeout_ms = WAIT_MS,
                             .response_max = EDGE_ERRAND_TEXT_MAX};
    bool v6 = strchr(t->host, ':') != NULL;
    enum rc rc = arena_printf(a, &call.url, v6 ? "https://[%s]:%u/%s" : "https://%s:%u/%s", t->host,
                              t->port, what);
    if (rc == RC_OK)
        rc = app_certs_identity(t->all->config.certs, a, &call.cert_pem, &call.key_pem);
    return rc == RC_OK ? http_client_start(t->all->client, &call, fn, r, &r->exchange) : rc;
}

static enum rc tell(struct request *r, const char *what, struct str body, http_answer_fn *fn)
{
    struct arena a;
    arena_init(&a, NULL, 0, 1 << 20);
    enum rc rc = start(r, what, body, fn, &a);
    arena_wipe(&a);
    if (rc != RC_OK) r->exchange = NULL;
    return rc;
}

static void on_again(void *ctx)
{
    begin(ctx);
}

static void later(struct request *r, const char *why)
{
    struct tunnel *t = r->tunnel;
    pthread_mutex_lock(&t->all->lock);
    bool is_new = strcmp(t->problem, why) != 0;
    snprintf(t->problem, sizeof t->problem, "%s", why);
    pthread_mutex_unlock(&t->all->lock);
    if (is_new)
        log_warn(t->all->config.log, "tunnel.failed", LOG_CSTR("edge", t->name),
                 LOG_CSTR("why", why));
    r->errand[0] = '\0'; /* whoever asked has been told that nobody answered */
    net_timer_start(t->all->config.loop, &r->again, (uint64_t)r->pause_ms, on_again, r);
    r->pause_ms = r->pause_ms * 2 < PAUSE_MAX_MS ? r->pause_ms * 2 : PAUSE_MAX_MS;
}

static void well(struct request *r)
{
    struct tunnel *t = r->tunnel;
    r->pause_ms = PAUSE_FIRST_MS;
    pthread_mutex_lock(&t->all->lock);
    bool was_bad = t->problem[0] != '\0';
    t->problem[0] = '\0';
    pthread_mutex_unlock(&t->all->lock);
    if (was_bad) log_info(t->all->config.log, "tunnel.open", LOG_CSTR("edge", t->name));
}

/* It is ours now, or another's. */
static void on_begin(void *ctx, const struct http_answer *answer)
{
    struct request *r = ctx;
    struct app_edge_tunnels *all = r->tunnel->all;
    r->exchange = NULL;
    if (r->tunnel->is_gone) {
        tunnel_free_if_done(r->tunnel);
    } else if (answer->failure != HTTP_FAIL_NONE) {
        later(r, answer->why);
    } else if (answer->status != 204) {
        r->errand[0] = '\0';
        begin(r);
    } else {
        r->is_busy = net_pool_submit(all->pool, serve, served, r, all->config.loop) == RC_OK;
        if (!r->is_busy) later(r, "this edge has too much to do");
    }
}

static void take_work(struct request *r, const struct http_answer *answer)
{
    struct str id = http_answer_header(answer, STR("X-Errand"));
    arena_wipe(&r->arena);
    arena_init(&r->arena, NULL, 0, ARENA_MAX);
    if (str_to_cstr(id, r->errand, sizeof r->errand) != RC_OK ||
        arena_str_dup(&r->arena, answer->body, &r->text) != RC_OK) {
        later(r, "what it sends cannot be kept");
        return;
    }
    if (tell(r, "begin", STR(""), on_begin) != RC_OK) later(r, "out of memory");
}

static void on_answer(void *ctx, const struct http_answer *answer)
{
    struct request *r = ctx;
    char why[300];
    r->exchange = NULL;
    if (r->tunnel->is_gone) {
        tunnel_free_if_done(r->tunnel);
        return;
    }
    if (answer->failure != HTTP_FAIL_NONE) {
        snprintf(why, sizeof why, "%s", answer->why);
        later(r, why);
    } else if (answer->status == 200) {
        well(r);
        take_work(r, answer);
    } else if (answer->status == 204) {
        well(r);
        r->errand[0] = '\0';
        begin(r);
    } else {
        snprintf(why, sizeof why, "it answers %d", answer->status);
        later(r, why);
    }
}

static void begin(struct request *r)
{
    if (r->tunnel->is_gone || r->tunnel->all->is_stopped) return;
    enum rc rc = tell(r, "work", r->errand[0] ? r->answer : STR(""), on_answer);
    if (rc != RC_OK) later(r, rc == RC_BUSY ? "this edge has too many requests open" : rc_name(rc));
}

/* ---- the set ---- */

static void tunnel_drop(struct app_edge_tunnels *all, size_t i)
{
    struct tunnel *t = all->tunnels[i];
    pthread_mutex_lock(&all->lock);
    all->tunnels[i] = NULL;
    pthread_mutex_unlock(&all->lock);
    t->is_gone = true;
    for (size_t k = 0; k < REQUESTS; k++) {
        net_timer_stop(all->config.loop, &t->requests[k].again);
        http_exchange_cancel(t->requests[k].exchange);
        t->requests[k].exchange = NULL;
    }
    tunnel_free_if_done(t);
}

static bool is_that(const struct tunnel *t, const struct store_peer *p)
{
    return str_eq(str_from(t->name), p->name) && str_eq(str_from(t->host), p->host) &&
           t->port == (unsigned)p->tunnel_port && str_eq(t->ca_pem, p->ca_pem);
}

static struct tunnel *tunnel_new(struct app_edge_tunnels *all, const struct store_peer *p)
{
    struct tunnel *t = calloc(1, sizeof *t);
    char *pem = t ? malloc(p->ca_pem.n + 1) : NULL;
    if (!pem || str_to_cstr(p->name, t->name, sizeof t->name) != RC_OK ||
        str_to_cstr(p->host, t->host, sizeof t->host) != RC_OK) {
        free(pem);
        free(t);
        return NULL;
    }
    memcpy(pem, p->ca_pem.p, p->ca_pem.n);
    t->ca_pem = str_of(pem, p->ca_pem.n);
    t->all = all;
    t->port = (unsigned)p->tunnel_port;
    t->is_wanted = true;
    for (size_t i = 0; i < REQUESTS; i++) {
        t->requests[i].tunnel = t;
        t->requests[i].pause_ms = PAUSE_FIRST_MS;
        arena_init(&t->requests[i].arena, NULL, 0, ARENA_MAX);
    }
    return t;
}

static void want(struct app_edge_tunnels *all, const struct store_peer *p)
{
    size_t place = OUTERS_MAX;
    for (size_t i = 0; i < OUTERS_MAX; i++) {
        if (!all->tunnels[i]) {
            if (place == OUTERS_MAX) place = i;
        } else if (is_that(all->tunnels[i], p)) {
            all->tunnels[i]->is_wanted = true;
            return;
        }
    }
    struct tunnel *t = place < OUTERS_MAX ? tunnel_new(all, p) : NULL;
    if (!t) {
        log_error(all->config.log, "tunnel.left_out", LOG_STR("edge", p->name));
        return;
    }
    pthread_mutex_lock(&all->lock);
    all->tunnels[place] = t;
    pthread_mutex_unlock(&all->lock);
    for (size_t i = 0; i < REQUESTS; i++)
        begin(&t->requests[i]);
}

void app_edge_tunnels_set(struct app_edge_tunnels *all, const struct store_peer *peers,
                          size_t count)
{
    if (all->is_stopped) return;
    for (size_t i = 0; i < OUTERS_MAX; i++)
        if (all->tunnels[i]) all->tunnels[i]->is_wanted = false;
    for (size_t i = 0; i < count; i++)
        if (peers[i].role == STORE_EDGE_OUTER) want(all, &peers[i]);
    for (size_t i = 0; i < OUTERS_MAX; i++)
        if (all->tunnels[i] && !all->tunnels[i]->is_wanted) tunnel_drop(all, i);
}

void app_edge_tunnels_problem(struct app_edge_tunnels *all, char *out, size_t cap)
{
    out[0] = '\0';
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < OUTERS_MAX && out[0] == '\0'; i++) {
        const struct tunnel *t = all->tunnels[i];
        if (t && t->problem[0] != '\0')
            snprintf(out, cap, "the tunnel to %s (%s:%u) is down: %s", t->name, t->host, t->port,
                     t->problem);
    }
    pthread_mutex_unlock(&all->lock);
}

/* ---- life ---- */

enum rc app_edge_tunnels_new(const struct app_edge_tunnels_config *config,
                             struct app_edge_tunnels **out)
{
    struct app_edge_tunnels *t = calloc(1, sizeof *t);
    if (!t || pthread_mutex_init(&t->lock, NULL) != 0) {
        free(t);
        return RC_NOMEM;
    }
    t->config = *config;
    t->portal = (struct edge_portal){
        .clock = config->clock, .log = config->log, .look = look, .fetch = http_fetch, .ctx = t};
    enum rc rc = net_pool_new(THREADS, QUEUE_MAX, &t->pool);
    if (rc == RC_OK && !(t->client = http_client_new(config->loop))) rc = RC_NOMEM;
    if (rc == RC_OK) {
        *out = t;
    } else {
        app_edge_tunnels_stop(t);
        app_edge_tunnels_free(t);
    }
    return rc;
}

void app_edge_tunnels_stop(struct app_edge_tunnels *t)
{
    t->is_stopped = true;
    t->pool = net_pool_free(t->pool);
    for (size_t i = 0; i < OUTERS_MAX; i++)
        if (t->tunnels[i]) tunnel_drop(t, i);
    t->client = http_client_free(t->client);
}

struct app_edge_tunnels *app_edge_tunnels_free(struct app_edge_tunnels *t)
{
    if (!t) return NULL;
    pthread_mutex_destroy(&t->lock);
    free(t);
    return NULL;
}
