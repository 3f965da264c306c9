#include "call/target.h"

#include <string.h>

static bool is_same_phone(const struct location_binding *a, const struct location_binding *b)
{
    if (a->instance.n == 0 || b->instance.n == 0) return false;
    return str_eq_nocase(a->instance, b->instance) && str_eq_nocase(a->device, b->device);
}

/* The target of this phone among those added now. */
static struct call_target *find(struct call_targets *t, size_t from,
                                const struct location_binding *b)
{
    for (size_t i = from; i < t->count; i++)
        if (is_same_phone(t->list[i].ways[0], b)) return &t->list[i];
    return NULL;
}

/* The newest registration first; those of one phone over two edges have different reg-ids. */
static void add_way(struct call_target *t, const struct location_binding *b)
{
    size_t at = t->way_count;
    if (at == CALL_WAY_MAX) return;
    while (at > 0 && b->since_unix_ms > t->ways[at - 1]->since_unix_ms) {
        t->ways[at] = t->ways[at - 1];
        at--;
    }
    t->ways[at] = location_binding_ref(b);
    t->way_count++;
}

/* Those of equal q keep their order: location gives the newest first. */
static void sort_by_q(struct call_targets *t, size_t from)
{
    for (size_t i = from + 1; i < t->count; i++) {
        struct call_target moved = t->list[i];
        size_t at = i;
        while (at > from && t->list[at - 1].ways[0]->q_milli < moved.ways[0]->q_milli) {
            t->list[at] = t->list[at - 1];
            at--;
        }
        t->list[at] = moved;
    }
}

void call_targets_add(struct call_targets *t, const struct location_binding *const *bindings,
                      size_t count, struct str except)
{
    size_t from = t->count;
    for (size_t i = 0; i < count; i++) {
        const struct location_binding *b = bindings[i];
        if (except.n > 0 && str_eq_nocase(b->device, except)) continue;
        struct call_target *target = find(t, from, b);
        if (!target && t->count < CALL_TARGET_MAX) {
            target = &t->list[t->count++];
            memset(target, 0, sizeof *target);
        }
        if (target) add_way(target, b);
    }
    sort_by_q(t, from);
    for (size_t i = from; i < t->count; i++) {
        bool same = i > from && t->list[i].ways[0]->q_milli == t->list[i - 1].ways[0]->q_milli;
        t->list[i].rank = same ? t->ranks - 1 : t->ranks++;
    }
}

void call_targets_add_flow(struct call_targets *t, struct str uri, uint64_t flow)
{
    if (t->count == CALL_TARGET_MAX) return;
    t->list[t->count++] = (struct call_target){.uri = uri, .flow = flow, .rank = t->ranks++};
}

void call_targets_add_trunk(struct call_targets *t, struct str uri,
                            const struct directory_trunk *trunk)
{
    if (t->count == CALL_TARGET_MAX) return;
    t->list[t->count++] = (struct call_target){
        .uri = uri, .trunk = directory_trunk_again(trunk), .rank = t->ranks++};
}

void call_target_fini(struct call_target *t)
{
    for (size_t w = 0; w < t->way_count; w++)
        location_binding_unref(t->ways[w]);
    t->way_count = 0;
    t->trunk = directory_trunk_unref(t->trunk);
}

void call_targets_clear(struct call_targets *t)
{
    for (size_t i = 0; i < t->count; i++)
        call_target_fini(&t->list[i]);
    t->count = 0;
    t->ranks = 0;
}
