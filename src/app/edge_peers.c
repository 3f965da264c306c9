#include "app/edge_peers.h"

#include <stdlib.h>

enum { ARENA_MAX = 4 << 20 };

/* The rows as they were when they were read. */
struct reading {
    struct app_edge_peers *all;
    struct arena arena;
    struct store_peer rows[APP_EDGE_PEERS_MAX];
    size_t count;
    enum rc rc;
};

struct app_edge_peers {
    struct app_edge_peers_config config;
    struct reading *now; /* NULL: never read */
    bool is_reading, has_changed;
    struct net_post changed;
};

static void reading_free(struct reading *r)
{
    if (!r) return;
    arena_fini(&r->arena);
    free(r);
}

static void read_rows(void *ctx) /* on the pool */
{
    struct reading *r = ctx;
    struct store_page page = {.limit = APP_EDGE_PEERS_MAX};
    struct store_peers found;
    r->rc = store_peer_list(r->all->config.store, &page, &r->arena, &found, NULL);
    for (size_t i = 0; r->rc == RC_OK && i < found.count; i++)
        if (found.rows[i].enabled) r->rows[r->count++] = found.rows[i];
}

static void on_changed(void *ctx);

static void reading_done(void *ctx) /* on the loop */
{
    struct reading *r = ctx;
    struct app_edge_peers *p = r->all;
    p->is_reading = false;
    if (r->rc == RC_OK) {
        reading_free(p->now);
        p->now = r;
        p->config.on_change(p->config.ctx);
    } else {
        log_error(p->config.log, "peer.not_read", LOG_CSTR("why", rc_name(r->rc)));
        reading_free(r);
    }
    if (p->has_changed) on_changed(p);
}

static void on_changed(void *ctx)
{
    struct app_edge_peers *p = ctx;
    p->has_changed = p->is_reading; /* what is read now may be too old: once more after it */
    if (p->is_reading) return;
    struct reading *r = calloc(1, sizeof *r);
    if (r) {
        r->all = p;
        arena_init(&r->arena, NULL, 0, ARENA_MAX);
        p->is_reading = net_pool_submit(p->config.pool, read_rows, reading_done, r,
                                        p->config.loop) == RC_OK;
    }
    if (p->is_reading) return;
    reading_free(r);
    log_error(p->config.log, "peer.not_read", LOG_CSTR("why", "no memory, or the pool is full"));
}

void app_edge_peers_changed(struct app_edge_peers *p)
{
    net_loop_post(p->config.loop, &p->changed, on_changed, p);
}

const struct store_peer *app_edge_peers_get(const struct app_edge_peers *p, size_t *count)
{
    *count = p->now ? p->now->count : 0;
    return p->now ? p->now->rows : NULL;
}

enum rc app_edge_peers_new(const struct app_edge_peers_config *config, struct app_edge_peers **out)
{
    struct app_edge_peers *p = calloc(1, sizeof *p);
    if (!p) return RC_NOMEM;
    p->config = *config;
    *out = p;
    return RC_OK;
}

struct app_edge_peers *app_edge_peers_free(struct app_edge_peers *p)
{
    if (!p) return NULL;
    reading_free(p->now);
    free(p);
    return NULL;
}
