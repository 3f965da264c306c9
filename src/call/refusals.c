/* The last refusal of each device, for the operator's "why does it not register?". Bounded: when
 * the table is full the one that was noted longest ago gives way. */
#include "base/list.h"
#include "base/map.h"
#include "call/call_int.h"

#include <stdlib.h>

struct entry {
    struct list link; /* oldest first */
    struct call_refusal what;
    size_t name_n;
    char name[64];
};

struct call_refusals {
    pthread_mutex_t lock;
    struct map by_device;
    struct list order;
};

struct call_refusals *call_refusals_new(const struct random_source *random)
{
    struct call_refusals *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    struct hash_key key = {random_u64(random), random_u64(random)};
    map_init(&r->by_device, key, true);
    list_init(&r->order);
    if (pthread_mutex_init(&r->lock, NULL) != 0) {
        free(r);
        return NULL;
    }
    return r;
}

static void entry_drop(struct call_refusals *r, struct entry *e)
{
    map_remove(&r->by_device, str_of(e->name, e->name_n));
    list_remove(&e->link);
    free(e);
}

struct call_refusals *call_refusals_free(struct call_refusals *r)
{
    if (!r) return NULL;
    struct list *first;
    while ((first = list_first(&r->order)) != NULL)
        entry_drop(r, LIST_OF(first, struct entry, link));
    map_fini(&r->by_device);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return NULL;
}

static struct entry *entry_new(struct call_refusals *r, struct str device)
{
    struct entry *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->name_n = device.n;
    memcpy(e->name, device.p, device.n);
    if (r->by_device.count >= CALL_REFUSALS_MAX)
        entry_drop(r, LIST_OF(list_first(&r->order), struct entry, link));
    if (map_put(&r->by_device, str_of(e->name, e->name_n), e, NULL) != RC_OK) {
        free(e);
        return NULL;
    }
    list_push_back(&r->order, &e->link);
    return e;
}

void call_refusals_add(struct call_refusals *r, struct str device, const struct call_refusal *what)
{
    if (device.n == 0 || device.n > sizeof((struct entry *)0)->name) return;
    pthread_mutex_lock(&r->lock);
    struct entry *e = map_find(&r->by_device, device);
    if (!e) e = entry_new(r, device);
    if (e) {
        uint32_t count = e->what.count;
        e->what = *what;
        e->what.count = count + 1;
        list_remove(&e->link);
        list_push_back(&r->order, &e->link);
    }
    pthread_mutex_unlock(&r->lock);
}

void call_refusals_clear(struct call_refusals *r, struct str device)
{
    pthread_mutex_lock(&r->lock);
    struct entry *e = map_find(&r->by_device, device);
    if (e) entry_drop(r, e);
    pthread_mutex_unlock(&r->lock);
}

bool call_refusals_find(struct call_refusals *r, struct str device, struct call_refusal *out)
{
    pthread_mutex_lock(&r->lock);
    const struct entry *e = map_find(&r->by_device, device);
    if (e) *out = e->what;
    pthread_mutex_unlock(&r->lock);
    return e != NULL;
}
