#include "directory/directory.h"
#include "directory/directory_int.h"
#include <stdlib.h>

/* --- changes --- */

static void tell(struct directory *d, enum store_kind kind, struct str key, bool removed)
{
    pthread_rwlock_rdlock(&d->telling);
    for (size_t i = 0; i < d->subscriber_count; i++)
        d->subscribers[i].fn(d->subscribers[i].ctx, kind, key, removed);
    pthread_rwlock_unlock(&d->telling);
}

/* The store's notice, on the committing thread. The row is read under the lock: whichever notice comes last
 * reads the newest row, so an older record never ends up on top. */
static void on_store_change(void *ctx, enum store_kind kind, struct str key, bool removed)
{
    struct directory *d = ctx;
    pthread_mutex_lock(&d->applying);
    enum rc rc = directory_load_one(d, kind, key, NULL);
    pthread_mutex_unlock(&d->applying);
    if (rc != RC_OK) atomic_fetch_add(&d->failed, 1);
    tell(d, kind, key, removed);
}

enum rc directory_subscribe(struct directory *d, directory_change_fn *fn, void *ctx)
{
    enum rc rc = RC_OK;
    pthread_rwlock_wrlock(&d->telling);
    if (d->subscriber_count == DIRECTORY_SUBSCRIBER_MAX)
        rc = RC_BUSY;
    else
        d->subscribers[d->subscriber_count++] = (struct directory_subscriber){fn, ctx};
    pthread_rwlock_unlock(&d->telling);
    return rc;
}

void directory_unsubscribe(struct directory *d, directory_change_fn *fn, void *ctx)
{
    pthread_rwlock_wrlock(&d->telling);
    for (size_t i = 0; i < d->subscriber_count; i++) {
        if (d->subscribers[i].fn != fn || d->subscribers[i].ctx != ctx) continue;
        d->subscribers[i] = d->subscribers[--d->subscriber_count];
        break;
    }
    pthread_rwlock_unlock(&d->telling);
}

/* --- life --- */

enum rc directory_reload(struct directory *d, struct store_why *why)
{
    pthread_mutex_lock(&d->applying);
    enum rc rc = directory_load_all(d, why);
    pthread_mutex_unlock(&d->applying);
    return rc;
}

enum rc directory_new(struct store *s, const struct random_source *random, struct directory **out,
                      struct store_why *why)
{
    struct directory *d = calloc(1, sizeof *d);
    if (!d) return RC_NOMEM;
    struct table *const tables[] = {&d->users, &d->profiles,    &d->devices, &d->lines,
                                    &d->nodes, &d->hunt_groups, &d->trunks};
    d->store = s;
    pthread_mutex_init(&d->applying, NULL);
    pthread_rwlock_init(&d->looking, NULL);
    pthread_rwlock_init(&d->telling, NULL);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        struct hash_key keys[2];
        random_fill(random, keys, sizeof keys);
        table_init(tables[i], keys[0], keys[1]);
    }
    /* First listen, then load: a change in between is read twice rather than missed. */
    enum rc rc = store_listen(s, on_store_change, d);
    if (rc == RC_OK) rc = directory_reload(d, why);
    if (rc == RC_OK)
        *out = d;
    else
        directory_free(d);
    return rc;
}

struct directory *directory_free(struct directory *d)
{
    if (!d) return NULL;
    struct table *const tables[] = {&d->users, &d->profiles,    &d->devices, &d->lines,
                                    &d->nodes, &d->hunt_groups, &d->trunks};
    store_unlisten(d->store, on_store_change, d);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        table_fini(tables[i]);
    for (size_t i = 0; i < SNAPSHOT_COUNT; i++)
        directory_snapshot_unref(d->snapshots[i]);
    pthread_mutex_destroy(&d->applying);
    pthread_rwlock_destroy(&d->looking);
    pthread_rwlock_destroy(&d->telling);
    free(d);
    return NULL;
}

uint64_t directory_failed_count(const struct directory *d)
{
    return atomic_load(&d->failed);
}

void directory_count(struct directory *d, struct directory_counts *out)
{
    *out = (struct directory_counts){.users = atomic_load(&d->users.count),
                                     .devices = atomic_load(&d->devices.count),
                                     .lines = atomic_load(&d->lines.count),
                                     .profiles = atomic_load(&d->profiles.count),
                                     .nodes = atomic_load(&d->nodes.count),
                                     .hunt_groups = atomic_load(&d->hunt_groups.count),
                                     .trunks = atomic_load(&d->trunks.count)};
    const struct directory_routes *routes = directory_routes_ref(d);
    out->route_patterns = routes->count;
    directory_routes_unref(routes);
}
