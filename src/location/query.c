#include "location/memory_int.h"
#include <stdlib.h>

enum { LIST_MAX = 1000 };

struct location_shard *location_shard_for(struct location *l, struct str aor)
{
    return &l->shards[hash_str(&l->shard_key, aor) % LOCATION_SHARDS];
}

void location_snapshot(const struct location_aor *aor, int64_t mono_now_ms,
                       struct location_refs *out)
{
    if (!aor) return;
    for (struct list *it = aor->bindings.next; it != &aor->bindings; it = it->next) {
        const struct location_binding *b = &LIST_OF(it, struct stored, in_aor)->pub;
        if (b->expires_mono_ms > mono_now_ms) out->rows[out->count++] = location_binding_ref(b);
    }
}

enum rc location_collect(struct location *l, const struct location_key *key,
                         struct location_refs *out)
{
    if (key->by != LOCATION_BY_AOR)
        return location_table_collect(&l->tables[key->by - LOCATION_BY_DEVICE], key, out);
    struct location_shard *s = location_shard_for(l, key->text);
    pthread_mutex_lock(&s->lock);
    const struct location_aor *aor = map_find(&s->aors, key->text);
    enum rc rc = aor ? location_refs_reserve(out, aor->count) : RC_OK;
    if (rc == RC_OK) location_snapshot(aor, INT64_MIN, out);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

/* By id; of an old binding and its refresh the refresh comes last. */
static int by_id(const void *a, const void *b)
{
    const struct location_binding *x = *(const struct location_binding *const *)a;
    const struct location_binding *y = *(const struct location_binding *const *)b;
    if (x->id != y->id) return x->id < y->id ? -1 : 1;
    uint64_t xs = stored_of(x)->seq, ys = stored_of(y)->seq;
    return xs < ys ? -1 : xs > ys;
}

static void keep_newest(struct location_refs *r)
{
    size_t kept = 0;
    if (r->count) qsort((void *)r->rows, r->count, sizeof r->rows[0], by_id);
    for (size_t i = 0; i < r->count; i++) {
        if (i + 1 < r->count && r->rows[i + 1]->id == r->rows[i]->id)
            location_binding_unref(r->rows[i]);
        else
            r->rows[kept++] = r->rows[i];
    }
    r->count = kept;
}

static void keep_live(struct location_refs *r, int64_t mono_now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++) {
        if (r->rows[i]->expires_mono_ms <= mono_now_ms)
            location_binding_unref(r->rows[i]);
        else
            r->rows[kept++] = r->rows[i];
    }
    r->count = kept;
}

void location_fetch(struct location *l, const struct location_key *key, int64_t mono_now_ms,
                    location_answer_fn *fn, void *ctx)
{
    struct location_refs found = {0};
    enum rc rc = location_collect(l, key, &found);
    if (key->by != LOCATION_BY_AOR) keep_newest(&found);
    keep_live(&found, mono_now_ms);
    fn(ctx, rc, rc == RC_OK ? found.rows : NULL, rc == RC_OK ? found.count : 0);
    location_refs_fini(&found);
}

/* Keeps the smallest ids: rows is a heap with its greatest first. */
static void heap_down(const struct location_binding **rows, size_t count)
{
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= count) return;
        if (child + 1 < count && rows[child + 1]->id > rows[child]->id) child++;
        if (rows[i]->id >= rows[child]->id) return;
        const struct location_binding *t = rows[i];
        rows[i] = rows[child];
        rows[child] = t;
        i = child;
    }
}

static void heap_up(const struct location_binding **rows, size_t i)
{
    while (i > 0 && rows[(i - 1) / 2]->id < rows[i]->id) {
        const struct location_binding *t = rows[i];
        rows[i] = rows[(i - 1) / 2];
        rows[(i - 1) / 2] = t;
        i = (i - 1) / 2;
    }
}

static enum rc list_shard(struct location_shard *s, uint64_t after_id, size_t limit,
                          struct location_refs *out)
{
    size_t at = 0;
    struct str key;
    void *value;
    while (map_next(&s->aors, &at, &key, &value)) {
        struct location_aor *aor = value;
        LIST_FOR_EACH(it, &aor->bindings)
        {
            const struct location_binding *b = &LIST_OF(it, struct stored, in_aor)->pub;
            if (b->id <= after_id) continue;
            if (out->count < limit) {
                enum rc rc = location_refs_add(out, b);
                if (rc != RC_OK) return rc;
                heap_up(out->rows, out->count - 1);
            } else if (b->id < out->rows[0]->id) {
                location_binding_unref(out->rows[0]);
                out->rows[0] = location_binding_ref(b);
                heap_down(out->rows, out->count);
            }
        }
    }
    return RC_OK;
}

void location_list(struct location *l, uint64_t after_id, size_t limit, location_answer_fn *fn,
                   void *ctx)
{
    struct location_refs found = {0};
    enum rc rc = RC_OK;
    if (limit == 0 || limit > LIST_MAX) limit = LIST_MAX;
    for (size_t i = 0; rc == RC_OK && i < LOCATION_SHARDS; i++) {
        pthread_mutex_lock(&l->shards[i].lock);
        rc = list_shard(&l->shards[i], after_id, limit, &found);
        pthread_mutex_unlock(&l->shards[i].lock);
    }
    if (found.count) qsort((void *)found.rows, found.count, sizeof found.rows[0], by_id);
    fn(ctx, rc, rc == RC_OK ? found.rows : NULL, rc == RC_OK ? found.count : 0);
    location_refs_fini(&found);
}

void location_count(struct location *l, struct location_counts *out)
{
    *out = (struct location_counts){.bindings = atomic_load(&l->binding_count),
                                    .aors = atomic_load(&l->aor_count)};
    out->registered = atomic_load(&l->causes[LOCATION_REGISTERED]);
    out->refreshed = atomic_load(&l->causes[LOCATION_REFRESHED]);
    for (size_t i = LOCATION_UNREGISTERED; i < LOCATION_CAUSE_COUNT; i++)
        out->removed[i] = atomic_load(&l->causes[i]);
}
