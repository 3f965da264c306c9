#include "app/edge_ucms.h"

#include "base/list.h"
#include "directory/directory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 2, QUEUE_MAX = 2 * APP_EDGE_UCMS_MAX, ARENA_MAX = 4 << 20 };

struct entry {
    struct list link;
    struct app_edge_ucms *all;
    struct edge_follower *follower;
    int64_t version;        /* of its row */
    struct str address;     /* the follower's */
    bool is_wanted;         /* while rows are read */
    atomic_bool is_pressed; /* to step at once, or when the step under way has ended */
    /* loop's thread */
    bool is_busy, is_gone; /* a step is under way; no row any more: free after it */
    int64_t pause_ms;
    struct wheel_timer timer;
};

struct app_edge_ucms {
    struct app_edge_ucms_config config;
    struct net_pool *pool;
    pthread_mutex_t lock; /* of the list */
    struct list entries;
    size_t count;
    bool is_stopped;
    bool is_reading, has_changed; /* loop's thread: rows are being read; they have changed since */
    struct net_post changed, pressed, told;
};

/* ---- what a follower asks ---- */

static enum rc tell_identity(void *ctx, struct arena *arena, struct edge_identity *out)
{
    struct app_edge_ucms *u = ctx;
    struct str host = u->config.host;
    ptrdiff_t dot = str_find_char(host, '.');
    bool is_address = host.n > 0 && (str_find_char(host, ':') >= 0 ||
                                     (host.p[host.n - 1] >= '0' && host.p[host.n - 1] <= '9'));
    out->host = dot > 0 && !is_address ? str_sub(host, 0, (size_t)dot) : host;
    out->token_refresh = directory_param_number(u->config.directory, STORE_P_EDGE_TOKEN_REFRESH) !=
                         0;
    return app_certs_tomcat_names(u->config.certs, arena, &out->names);
}

static enum rc tell_trust(void *ctx, struct arena *arena, struct str *pem)
{
    struct app_edge_ucms *u = ctx;
    return app_certs_tomcat_trust(u->config.certs, arena, pem);
}

static void on_told(void *ctx)
{
    struct app_edge_ucms *u = ctx;
    if (!u->is_stopped) u->config.on_change(u->config.ctx);
}

static void on_followed(void *ctx, struct edge_follower *f)
{
    struct app_edge_ucms *u = ctx;
    (void)f;
    net_loop_post(u->config.loop, &u->told, on_told, u);
}

static struct edge_follower_config config_of(struct app_edge_ucms *u, const struct store_ucm *row)
{
    return (struct edge_follower_config){.address = row->address,
                                         .username = row->username,
                                         .password = row->password,
                                         .port = (uint16_t)row->port,
                                         .tls_verify = row->tls_verify,
                                         .clock = u->config.clock,
                                         .log = u->config.log,
                                         .identity = tell_identity,
                                         .trust = tell_trust,
                                         .on_change = on_followed,
                                         .ctx = u};
}

enum rc app_edge_ucms_try(struct app_edge_ucms *u, const struct store_ucm *row,
                          struct edge_problem *problem)
{
    struct edge_follower_config c = config_of(u, row);
    return edge_follower_try(&c, problem);
}

/* ---- steps ---- */

static void begin_step(struct entry *e);

static void entry_free(struct entry *e)
{
    net_timer_stop(e->all->config.loop, &e->timer);
    edge_follower_free(e->follower);
    free(e);
}

static void on_due(void *ctx)
{
    begin_step(ctx);
}

static void step(void *ctx) /* on the pool */
{
    struct entry *e = ctx;
    e->pause_ms = edge_follower_step(e->follower);
}

static void step_done(void *ctx) /* on the loop */
{
    struct entry *e = ctx;
    e->is_busy = false;
    if (e->is_gone) {
        entry_free(e);
        return;
    }
    if (e->all->is_stopped) return;
    bool at_once = atomic_exchange(&e->is_pressed, false);
    net_timer_start(e->all->config.loop, &e->timer, at_once ? 1 : (uint64_t)e->pause_ms, on_due, e);
}

static void begin_step(struct entry *e)
{
    if (e->is_busy || e->all->is_stopped) return;
    e->is_busy = net_pool_submit(e->all->pool, step, step_done, e, e->all->config.loop) == RC_OK;
    if (!e->is_busy) net_timer_start(e->all->config.loop, &e->timer, EDGE_FOLLOW_MS, on_due, e);
}

static void on_pressed(void *ctx)
{
    struct app_edge_ucms *u = ctx;
    LIST_FOR_EACH(it, &u->entries)
    {
        struct entry *e = LIST_OF(it, struct entry, link);
        if (e->is_busy || !atomic_exchange(&e->is_pressed, false)) continue;
        net_timer_stop(u->config.loop, &e->timer);
        begin_step(e);
    }
}

size_t app_edge_ucms_renew(struct app_edge_ucms *u, struct str address)
{
    size_t count = 0;
    pthread_mutex_lock(&u->lock);
    LIST_FOR_EACH(it, &u->entries)
    {
        struct entry *e = LIST_OF(it, struct entry, link);
        if (address.n > 0 && !str_eq_nocase(address, e->address)) continue;
        edge_follower_renew(e->follower);
        atomic_store(&e->is_pressed, true);
        count++;
    }
    pthread_mutex_unlock(&u->lock);
    if (count > 0) net_loop_post(u->config.loop, &u->pressed, on_pressed, u);
    return count;
}

/* ---- rows ---- */

static struct entry *entry_find(struct app_edge_ucms *u, struct str address)
{
    LIST_FOR_EACH(it, &u->entries)
    {
        struct entry *e = LIST_OF(it, struct entry, link);
        if (str_eq_nocase(address, e->address)) return e;
    }
    return NULL;
}

static void entry_drop(struct app_edge_ucms *u, struct entry *e)
{
    pthread_mutex_lock(&u->lock);
    list_remove(&e->link);
    u->count--;
    pthread_mutex_unlock(&u->lock);
    net_timer_stop(u->config.loop, &e->timer);
    e->is_gone = true;
    if (!e->is_busy) entry_free(e);
}

static enum rc entry_add(struct app_edge_ucms *u, const struct store_ucm *row)
{
    struct edge_follower_config c = config_of(u, row);
    struct entry *e = u->count < APP_EDGE_UCMS_MAX ? calloc(1, sizeof *e) : NULL;
    if (!e) return RC_NOMEM;
    enum rc rc = edge_follower_new(&c, &e->follower);
    if (rc != RC_OK) {
        free(e);
        return rc;
    }
    struct edge_follower_view view;
    edge_follower_look(e->follower, &view);
    e->address = view.address;
    e->all = u;
    e->version = row->version;
    e->is_wanted = true;
    pthread_mutex_lock(&u->lock);
    list_push_back(&u->entries, &e->link);
    u->count++;
    pthread_mutex_unlock(&u->lock);
    begin_step(e);
    return RC_OK;
}

/* The rows as they are now: read on the pool, which may wait for the disk, applied on the loop. */
struct reading {
    struct app_edge_ucms *all;
    struct arena arena;
    struct store_ucm rows[APP_EDGE_UCMS_MAX];
    size_t count;
    enum rc rc;
};

/* The list leaves passwords out; get has them. */
static void read_rows(void *ctx)
{
    struct reading *r = ctx;
    struct store *store = r->all->config.store;
    struct store_ucms found;
    struct store_page page = {.limit = APP_EDGE_UCMS_MAX};
    r->rc = store_ucm_list(store, &page, &r->arena, &found, NULL);
    for (size_t i = 0; r->rc == RC_OK && i < found.count; i++) {
        struct store_ucm *row = &r->rows[r->count];
        r->rc = store_ucm_get(store, found.rows[i].address, &r->arena, row, NULL);
        if (r->rc == RC_OK && row->enabled) r->count++;
        if (r->rc == RC_NOT_FOUND) r->rc = RC_OK; /* removed meanwhile: another reading follows */
    }
}

static enum rc want(struct app_edge_ucms *u, const struct store_ucm *row)
{
    struct entry *e = entry_find(u, row->address);
    if (e && e->version == row->version) {
        e->is_wanted = true;
        return RC_OK;
    }
    if (e) entry_drop(u, e);
    return entry_add(u, row);
}

static void apply_rows(struct app_edge_ucms *u, struct reading *r)
{
    LIST_FOR_EACH(it, &u->entries)
    {
        LIST_OF(it, struct entry, link)->is_wanted = false;
    }
    for (size_t i = 0; r->rc == RC_OK && i < r->count; i++)
        r->rc = want(u, &r->rows[i]);
    if (r->rc != RC_OK) {
        log_error(u->config.log, "ucm.not_read", LOG_CSTR("why", rc_name(r->rc)));
        return;
    }
    LIST_FOR_EACH(it, &u->entries)
    {
        struct entry *e = LIST_OF(it, struct entry, link);
        if (!e->is_wanted) entry_drop(u, e);
    }
}

static void on_changed(void *ctx);

static void reading_done(void *ctx)
{
    struct reading *r = ctx;
    struct app_edge_ucms *u = r->all;
    u->is_reading = false;
    if (!u->is_stopped) {
        apply_rows(u, r);
        u->config.on_change(u->config.ctx);
        if (u->has_changed) on_changed(u);
    }
    arena_wipe(&r->arena);
    free(r);
}

static void on_changed(void *ctx)
{
    struct app_edge_ucms *u = ctx;
    if (u->is_stopped) return;
    u->has_changed = u->is_reading; /* what is read now may be too old: once more after it */
    if (u->is_reading) return;
    struct reading *r = calloc(1, sizeof *r);
    if (r) {
        r->all = u;
        arena_init(&r->arena, NULL, 0, ARENA_MAX);
        u->is_reading = net_pool_submit(u->config.pool, read_rows, reading_done, r,
                                        u->config.loop) == RC_OK;
    }
    if (u->is_reading) return;
    free(r);
    log_error(u->config.log, "ucm.not_read", LOG_CSTR("why", "no memory, or the pool is full"));
}

void app_edge_ucms_changed(struct app_edge_ucms *u)
{
    net_loop_post(u->config.loop, &u->changed, on_changed, u);
}

void app_edge_ucms_each(struct app_edge_ucms *u, void (*fn)(void *ctx, struct edge_follower *f),
                        void *ctx)
{
    pthread_mutex_lock(&u->lock);
    LIST_FOR_EACH(it, &u->entries)
    {
        fn(ctx, LIST_OF(it, struct entry, link)->follower);
    }
    pthread_mutex_unlock(&u->lock);
}

/* ---- life ---- */

enum rc app_edge_ucms_new(const struct app_edge_ucms_config *config, struct app_edge_ucms **out)
{
    struct app_edge_ucms *u = calloc(1, sizeof *u);
    if (!u) return RC_NOMEM;
    u->config = *config;
    list_init(&u->entries);
    if (pthread_mutex_init(&u->lock, NULL) != 0) {
        free(u);
        return RC_NOMEM;
    }
    enum rc rc = net_pool_new(THREADS, QUEUE_MAX, &u->pool);
    if (rc == RC_OK)
        *out = u;
    else
        app_edge_ucms_free(u);
    return rc;
}

void app_edge_ucms_stop(struct app_edge_ucms *u)
{
    if (!u) return;
    u->is_stopped = true;
    u->pool = net_pool_free(u->pool);
    LIST_FOR_EACH(it, &u->entries)
    {
        net_timer_stop(u->config.loop, &LIST_OF(it, struct entry, link)->timer);
    }
}

struct app_edge_ucms *app_edge_ucms_free(struct app_edge_ucms *u)
{
    if (!u) return NULL;
    net_pool_free(u->pool);
    LIST_FOR_EACH(it, &u->entries)
    {
        struct entry *e = LIST_OF(it, struct entry, link);
        list_remove(&e->link);
        edge_follower_free(e->follower);
        free(e);
    }
    pthread_mutex_destroy(&u->lock);
    free(u);
    return NULL;
}
