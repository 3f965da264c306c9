#include "location/memory_int.h"
#include <stdlib.h>

enum { BUCKETS_FIRST = 16 };

/* --- references --- */

enum rc location_refs_reserve(struct location_refs *r, size_t more)
{
    if (r->cap - r->count >= more) return RC_OK;
    size_t cap = r->count + more;
    if (!r->rows && cap <= LOCATION_FEW) {
        r->rows = r->few;
        r->cap = LOCATION_FEW;
        return RC_OK;
    }
    bool was_few = r->rows == r->few;
    const struct location_binding **rows = (const struct location_binding **)realloc(
        was_few ? NULL : (void *)r->rows, cap * sizeof *rows);
    if (!rows) return RC_NOMEM;
    if (was_few) memcpy((void *)rows, (const void *)r->few, r->count * sizeof *rows);
    r->rows = rows;
    r->cap = cap;
    return RC_OK;
}

enum rc location_refs_add(struct location_refs *r, const struct location_binding *b)
{
    enum rc rc = r->count == r->cap ? location_refs_reserve(r, r->cap ? r->cap : LOCATION_FEW)
                                    : RC_OK;
    if (rc == RC_OK) r->rows[r->count++] = location_binding_ref(b);
    return rc;
}

void location_refs_fini(struct location_refs *r)
{
    for (size_t i = 0; i < r->count; i++)
        location_binding_unref(r->rows[i]);
    if (r->rows != r->few) free((void *)r->rows);
    *r = (struct location_refs){0};
}

/* --- the table --- */

enum rc location_table_init(struct location_table *t, enum location_index by, struct hash_key key)
{
    t->by = by;
    t->key = key;
    for (size_t i = 0; i < LOCATION_INDEX_SHARDS; i++)
        pthread_mutex_init(&t->shards[i].lock, NULL);
    for (size_t i = 0; i < LOCATION_INDEX_SHARDS; i++) {
        struct location_bucket_shard *s = &t->shards[i];
        s->buckets = malloc(BUCKETS_FIRST * sizeof *s->buckets);
        if (!s->buckets) return RC_NOMEM;
        s->bucket_count = BUCKETS_FIRST;
        for (size_t b = 0; b < BUCKETS_FIRST; b++)
            list_init(&s->buckets[b]);
    }
    return RC_OK;
}

void location_table_fini(struct location_table *t)
{
    for (size_t i = 0; i < LOCATION_INDEX_SHARDS; i++) {
        free(t->shards[i].buckets);
        pthread_mutex_destroy(&t->shards[i].lock);
    }
}

static struct location_key key_by(enum location_index by, const struct location_binding *b)
{
    switch (by) {
    case LOCATION_BY_DEVICE: return (struct location_key){by, b->device, 0};
    case LOCATION_BY_USER: return (struct location_key){by, b->user, 0};
    case LOCATION_BY_GRANT: return (struct location_key){by, b->grant, 0};
    case LOCATION_BY_CONTACT: return (struct location_key){by, b->contact_key, 0};
    case LOCATION_BY_AOR: return (struct location_key){by, b->aor, 0};
    case LOCATION_BY_FLOW:
    case LOCATION_INDEX_COUNT: break;
    }
    return (struct location_key){by, {0}, b->flow};
}

static struct location_key key_of(const struct location_table *t, const struct location_binding *b)
{
    return key_by(t->by, b);
}

static bool key_is_set(const struct location_key *k)
{
    return k->by == LOCATION_BY_FLOW ? k->flow != 0 : k->text.n != 0;
}

static uint64_t key_hash(const struct location_table *t, const struct location_key *k)
{
    if (t->by == LOCATION_BY_FLOW) return hash_bytes(&t->key, &k->flow, sizeof k->flow);
    return hash_str_nocase(&t->key, k->text);
}

static bool key_eq(const struct location_key *a, const struct location_key *b)
{
    if (a->by == LOCATION_BY_FLOW) return a->flow == b->flow;
    bool folds = a->by == LOCATION_BY_DEVICE || a->by == LOCATION_BY_USER;
    return folds ? str_eq_nocase(a->text, b->text) : str_eq(a->text, b->text);
}

bool location_key_fits(const struct location_key *key, const struct location_binding *b)
{
    struct location_key k = key_by(key->by, b);
    return key_eq(&k, key) && (key->flow == 0 || key->flow == b->flow);
}

static struct location_bucket_shard *shard_for(struct location_table *t, uint64_t hash)
{
    return &t->shards[hash % LOCATION_INDEX_SHARDS];
}

static struct list *bucket_for(struct location_bucket_shard *s, uint64_t hash)
{
    return &s->buckets[(hash / LOCATION_INDEX_SHARDS) & (s->bucket_count - 1)];
}

static size_t link_of(const struct location_table *t)
{
    return (size_t)t->by - LOCATION_BY_DEVICE;
}

static struct stored *stored_at(const struct location_table *t, struct list *link)
{
    return LIST_OF(link - link_of(t), struct stored, links);
}

/* Twice the buckets; without memory for them the chains just grow. */
static void grow(struct location_table *t, struct location_bucket_shard *s)
{
    struct list *old = s->buckets;
    size_t old_count = s->bucket_count;
    struct list *fresh = malloc(2 * old_count * sizeof *fresh);
    if (!fresh) return;
    s->buckets = fresh;
    s->bucket_count = 2 * old_count;
    for (size_t i = 0; i < s->bucket_count; i++)
        list_init(&fresh[i]);
    for (size_t i = 0; i < old_count; i++) {
        LIST_FOR_EACH(it, &old[i])
        {
            struct location_key k = key_of(t, &stored_at(t, it)->pub);
            list_remove(it);
            list_push_back(bucket_for(s, key_hash(t, &k)), it);
        }
    }
    free(old);
}

void location_table_add(struct location_table *t, struct stored *b)
{
    struct location_key k = key_of(t, &b->pub);
    if (!key_is_set(&k)) return;
    uint64_t hash = key_hash(t, &k);
    struct location_bucket_shard *s = shard_for(t, hash);
    pthread_mutex_lock(&s->lock);
    if (s->count >= s->bucket_count) grow(t, s);
    list_push_front(bucket_for(s, hash), &b->links[link_of(t)]);
    s->count++;
    pthread_mutex_unlock(&s->lock);
}

void location_table_remove(struct location_table *t, struct stored *b)
{
    struct location_key k = key_of(t, &b->pub);
    if (!key_is_set(&k)) return;
    struct location_bucket_shard *s = shard_for(t, key_hash(t, &k));
    pthread_mutex_lock(&s->lock);
    list_remove(&b->links[link_of(t)]);
    s->count--;
    pthread_mutex_unlock(&s->lock);
}

enum rc location_table_collect(struct location_table *t, const struct location_key *key,
                               struct location_refs *out)
{
    enum rc rc = RC_OK;
    if (!key_is_set(key)) return RC_OK;
    uint64_t hash = key_hash(t, key);
    struct location_bucket_shard *s = shard_for(t, hash);
    pthread_mutex_lock(&s->lock);
    LIST_FOR_EACH(it, bucket_for(s, hash))
    {
        const struct location_binding *b = &stored_at(t, it)->pub;
        if (rc == RC_OK && location_key_fits(key, b)) rc = location_refs_add(out, b);
    }
    pthread_mutex_unlock(&s->lock);
    return rc;
}
