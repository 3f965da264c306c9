/* directory/table_int.h - counted immutable records and the sharded table that finds them by name. */
#ifndef DIRECTORY_TABLE_INT_H
#define DIRECTORY_TABLE_INT_H
#include "base/map.h"
#include "base/str.h"
#include <pthread.h>
#include <stdatomic.h>

enum { TABLE_SHARDS = 32 };

/* One block: this, the public struct, arrays it points to, texts. */
struct record {
    atomic_uint refs;
    unsigned load; /* which load saw it last */
    struct str key;
    _Alignas(max_align_t) char pub[];
};

/* fixed_n bytes of structs, text_n bytes of text behind them (*text_at). One reference. NULL: no memory. */
struct record *record_new(size_t fixed_n, size_t text_n, char **text_at);
/* Moves *s to *at. */
void record_pack(struct str *s, char **at);
/* A record of one struct whose texts are listed; the first of them is the key. pub is the caller's copy, whose
 * texts point into the record afterwards. */
struct record *record_of_texts(void *pub, size_t pub_n, struct str *const *texts, size_t count);
const void *record_ref(const void *pub);
const void *record_unref(const void *pub); /* NULL */

static inline struct record *record_from(const void *pub)
{
    return (struct record *)((uintptr_t)pub - offsetof(struct record, pub));
}

struct table {
    struct table_shard {
        pthread_rwlock_t lock;
        struct map map;
    } shards[TABLE_SHARDS];
    struct hash_key key;
    atomic_size_t count;
};

void table_init(struct table *t, struct hash_key shard_key, struct hash_key map_key);
void table_fini(struct table *t);
/* The public struct with a reference for the caller, or NULL. */
const void *table_ref(struct table *t, struct str key);
/* Takes over the reference, frees what was there. RC_NOMEM: the old one stays, r is freed. */
MUST_CHECK enum rc table_put(struct table *t, struct record *r);
void table_remove(struct table *t, struct str key);
/* Drops what the given load did not see. */
void table_sweep(struct table *t, unsigned load);

#endif
