#include "base/check.h"
#include "location/memory_int.h"
#include <stdlib.h>

enum rc location_events_reserve(struct location_events *e, size_t more)
{
    if (e->cap - e->count >= more) return RC_OK;
    size_t cap = e->count + more;
    struct location_event *rows = realloc(e->rows, cap * sizeof *rows);
    if (!rows) return RC_NOMEM;
    e->rows = rows;
    e->cap = cap;
    return RC_OK;
}

void location_events_add(struct location_events *e, enum location_cause cause,
                         const struct location_binding *b, const struct location_binding *old)
{
    CHECK(e->count < e->cap);
    e->rows[e->count++] = (struct location_event){cause, b, old};
}

void location_events_tell(struct location *l, struct location_events *e)
{
    for (size_t i = 0; i < e->count; i++) {
        struct location_event *ev = &e->rows[i];
        atomic_fetch_add_explicit(&l->causes[ev->cause], 1, memory_order_relaxed);
        for (size_t w = 0; w < l->watcher_count; w++)
            l->watchers[w].fn(l->watchers[w].ctx, ev->cause, ev->binding, ev->old);
        location_binding_unref(ev->binding);
        location_binding_unref(ev->old);
    }
    free(e->rows);
}
