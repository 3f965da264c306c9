#include "base/check.h"
#include "directory/table_int.h"
#include <stdlib.h>

/* --- records --- */

struct record *record_new(size_t fixed_n, size_t text_n, char **text_at)
{
    struct record *r = calloc(1, sizeof *r + fixed_n + text_n);
    if (!r) return NULL;
    atomic_init(&r->refs, 1);
    *text_at = r->pub + fixed_n;
    return r;
}

void record_pack(struct str *s, char **at)
{
    if (s->n) memcpy(*at, s->p, s->n);
    s->p = *at;
    *at += s->n;
}

struct record *record_of_texts(void *pub, size_t pub_n, struct str *const *texts, size_t count)
{
    size_t text_n = 0;
    char *at;
    for (size_t i = 0; i < count; i++)
        text_n += texts[i]->n;
    struct record *r = record_new(pub_n, text_n, &at);
    if (!r) return NULL;
    for (size_t i = 0; i < count; i++)
        record_pack(texts[i], &at);
    r->key = *texts[0];
    memcpy(r->pub, pub, pub_n);
    return r;
}

const void *record_ref(const void *pub)
{
    atomic_fetch_add_explicit(&record_from(pub)->refs, 1, memory_order_relaxed);
    return pub;
}

const void *record_unref(const void *pub)
{
    if (pub && atomic_fetch_sub_explicit(&record_from(pub)->refs, 1, memory_order_acq_rel) == 1)
        free(record_from(pub));
    return NULL;
}

/* --- the table --- */

void table_init(struct table *t, struct hash_key shard_key, struct hash_key map_key)
{
    t->key = shard_key;
    atomic_init(&t->count, 0);
    for (size_t i = 0; i < TABLE_SHARDS; i++) {
        pthread_rwlock_init(&t->shards[i].lock, NULL);
        map_init(&t->shards[i].map, map_key, true);
    }
}

void table_fini(struct table *t)
{
    for (size_t i = 0; i < TABLE_SHARDS; i++) {
        struct table_shard *s = &t->shards[i];
        size_t at = 0;
        struct str key;
        void *value;
        while (map_next(&s->map, &at, &key, &value)) {
            map_remove_at(&s->map, &at);
            record_unref(((struct record *)value)->pub);
        }
        map_fini(&s->map);
        pthread_rwlock_destroy(&s->lock);
    }
}

static struct table_shard *shard_for(struct table *t, struct str key)
{
    return &t->shards[hash_str_nocase(&t->key, key) % TABLE_SHARDS];
}

const void *table_ref(struct table *t, struct str key)
{
    struct table_shard *s = shard_for(t, key);
    pthread_rwlock_rdlock(&s->lock);
    struct record *r = map_find(&s->map, key);
    const void *pub = r ? record_ref(r->pub) : NULL;
    pthread_rwlock_unlock(&s->lock);
    return pub;
}

enum rc table_put(struct table *t, struct record *r)
{
    struct table_shard *s = shard_for(t, r->key);
    void *old = NULL;
    pthread_rwlock_wrlock(&s->lock);
    enum rc rc = map_put(&s->map, r->key, r, &old);
    pthread_rwlock_unlock(&s->lock);
    if (rc == RC_OK && !old) atomic_fetch_add(&t->count, 1);
    if (rc != RC_OK) old = r;
    if (old) record_unref(((struct record *)old)->pub);
    return rc;
}

void table_remove(struct table *t, struct str key)
{
    struct table_shard *s = shard_for(t, key);
    pthread_rwlock_wrlock(&s->lock);
    struct record *old = map_remove(&s->map, key);
    pthread_rwlock_unlock(&s->lock);
    if (!old) return;
    atomic_fetch_sub(&t->count, 1);
    record_unref(old->pub);
}

void table_sweep(struct table *t, unsigned load)
{
    for (size_t i = 0; i < TABLE_SHARDS; i++) {
        struct table_shard *s = &t->shards[i];
        size_t at = 0;
        struct str key;
        void *value;
        pthread_rwlock_wrlock(&s->lock);
        while (map_next(&s->map, &at, &key, &value)) {
            struct record *r = value;
            if (r->load == load) continue;
            map_remove_at(&s->map, &at);
            atomic_fetch_sub(&t->count, 1);
            record_unref(r->pub);
        }
        pthread_rwlock_unlock(&s->lock);
    }
}
