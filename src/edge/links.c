#include "edge/links.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct link {
    uint64_t id, flow; /* flow 0: down */
    char name[EDGE_LINK_NAME_MAX + 1];
    char peer[NET_ADDR_TEXT_MAX];
    bool is_wanted;
    int64_t since_unix_ms, clock_off_ms;
    uint64_t epoch, phones;
};

struct edge_links {
    struct clock clock;
    pthread_mutex_t lock; /* of all below, against edge_links_list */
    struct link all[EDGE_LINKS_MAX];
    size_t count;
    uint64_t last_id;
};

enum rc edge_links_new(const struct clock *clock, struct edge_links **out)
{
    struct edge_links *l = calloc(1, sizeof *l);
    if (!l) return RC_NOMEM;
    l->clock = *clock;
    if (pthread_mutex_init(&l->lock, NULL) != 0) {
        free(l);
        return RC_NOMEM;
    }
    *out = l;
    return RC_OK;
}

struct edge_links *edge_links_free(struct edge_links *l)
{
    if (l) pthread_mutex_destroy(&l->lock);
    free(l);
    return NULL;
}

static struct link *find_name(struct edge_links *l, struct str name)
{
    for (size_t i = 0; i < l->count; i++)
        if (str_eq_nocase(str_from(l->all[i].name), name)) return &l->all[i];
    return NULL;
}

static struct link *find(struct edge_links *l, uint64_t id)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->all[i].id == id) return &l->all[i];
    return NULL;
}

/* ---- the set ---- */

static void want(struct edge_links *l, struct str name)
{
    struct link *k = find_name(l, name);
    if (!k) {
        if (l->count == EDGE_LINKS_MAX || name.n == 0) return;
        k = &l->all[l->count];
        *k = (struct link){.since_unix_ms = clock_unix_ms(&l->clock)};
        if (str_to_cstr(name, k->name, sizeof k->name) != RC_OK) return;
        k->id = ++l->last_id;
        l->count++;
    }
    k->is_wanted = true;
}

void edge_links_set(struct edge_links *l, const struct str *names, size_t count,
                    void (*gone)(void *ctx, uint64_t flow), void *ctx)
{
    uint64_t ended[EDGE_LINKS_MAX];
    size_t ended_count = 0, kept = 0;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->count; i++)
        l->all[i].is_wanted = false;
    for (size_t i = 0; i < count; i++)
        want(l, names[i]);
    for (size_t i = 0; i < l->count; i++) {
        if (l->all[i].is_wanted)
            l->all[kept++] = l->all[i];
        else if (l->all[i].flow != 0)
            ended[ended_count++] = l->all[i].flow;
    }
    l->count = kept;
    pthread_mutex_unlock(&l->lock);
    for (size_t i = 0; i < ended_count; i++)
        gone(ctx, ended[i]);
}

/* ---- connections ---- */

enum rc edge_links_open(struct edge_links *l, const struct str *names, size_t count, uint64_t flow,
                        const struct net_addr *peer, uint64_t *link, uint64_t *before)
{
    struct link *k = NULL;
    for (size_t i = 0; i < count && !k; i++)
        k = find_name(l, names[i]);
    if (!k) return RC_NOT_FOUND;
    pthread_mutex_lock(&l->lock);
    *before = k->flow;
    *link = k->id;
    k->flow = flow;
    k->since_unix_ms = clock_unix_ms(&l->clock);
    net_addr_text(peer, k->peer);
    pthread_mutex_unlock(&l->lock);
    return RC_OK;
}

bool edge_links_closed(struct edge_links *l, uint64_t link, uint64_t flow)
{
    struct link *k = find(l, link);
    if (!k || k->flow != flow) return false;
    pthread_mutex_lock(&l->lock);
    k->flow = 0;
    k->since_unix_ms = clock_unix_ms(&l->clock);
    pthread_mutex_unlock(&l->lock);
    return true;
}

bool edge_links_greeted(struct edge_links *l, uint64_t link, const struct edge_greeting *g)
{
    struct link *k = find(l, link);
    if (!k) return false;
    pthread_mutex_lock(&l->lock);
    bool is_another = k->epoch != 0 && k->epoch != g->epoch;
    k->epoch = g->epoch;
    k->clock_off_ms = g->clock_ms - clock_unix_ms(&l->clock);
    pthread_mutex_unlock(&l->lock);
    return is_another;
}

/* ---- phones ---- */

uint64_t edge_links_take(struct edge_links *l, uint64_t has)
{
    struct link *k = has != 0 ? find(l, has) : NULL, *best = NULL;
    if (k && k->flow != 0) return has;
    for (size_t i = 0; i < l->count; i++) {
        struct link *other = &l->all[i];
        if (other->flow != 0 && (!best || other->phones < best->phones)) best = other;
    }
    if (!best) return 0;
    pthread_mutex_lock(&l->lock);
    if (k) k->phones--;
    best->phones++;
    pthread_mutex_unlock(&l->lock);
    return best->id;
}

void edge_links_leave(struct edge_links *l, uint64_t link)
{
    struct link *k = find(l, link);
    if (!k) return;
    pthread_mutex_lock(&l->lock);
    k->phones--;
    pthread_mutex_unlock(&l->lock);
}

uint64_t edge_links_flow(struct edge_links *l, uint64_t link)
{
    const struct link *k = find(l, link);
    return k ? k->flow : 0;
}

/* ---- shown ---- */

enum rc edge_links_list(struct edge_links *l, struct arena *a, struct edge_link_view **out,
                        size_t *count)
{
    enum rc rc = RC_OK;
    pthread_mutex_lock(&l->lock);
    *count = l->count;
    *out = ARENA_ARRAY(a, struct edge_link_view, l->count + 1);
    if (!*out) rc = RC_NOMEM;
    for (size_t i = 0; i < l->count && rc == RC_OK; i++) {
        const struct link *k = &l->all[i];
        (*out)[i] = (struct edge_link_view){.is_up = k->flow != 0,
                                            .since_unix_ms = k->since_unix_ms,
                                            .phones = k->phones,
                                            .clock_off_ms = k->clock_off_ms};
        rc = arena_str_dup(a, str_from(k->name), &(*out)[i].name);
        if (rc == RC_OK) rc = arena_str_dup(a, str_from(k->peer), &(*out)[i].peer);
    }
    pthread_mutex_unlock(&l->lock);
    return rc;
}
