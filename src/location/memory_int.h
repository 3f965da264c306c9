/* location/memory_int.h - the pieces of the memory backend. Locks: an address of record and its bindings
 * belong to one shard; a shard's lock comes before an index bucket's, never the other way. */
#ifndef LOCATION_MEMORY_INT_H
#define LOCATION_MEMORY_INT_H
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/wheel.h"
#include "location/location.h"
#include <pthread.h>
#include <stdatomic.h>

enum { LOCATION_SHARDS = 32, LOCATION_INDEX_SHARDS = 32, LOCATION_LINKS = LOCATION_BY_FLOW };

struct location_aor;

/* A stored binding: immutable to readers; links and home belong to its shard and index locks. */
struct stored {
    struct location_binding pub; /* first: the public pointer is the stored one's */
    atomic_uint refs;
    struct location_aor *home; /* NULL once taken out */
    uint64_t seq; /* rises with each record made: tells a refresh from what it replaced */
    struct list in_aor;
    struct wheel_timer timer;
    struct list links[LOCATION_LINKS]; /* of LOCATION_BY_DEVICE.. */
    char text[];
};

struct location_aor {
    struct location_shard *shard;
    struct list bindings; /* newest first */
    size_t count, key_n;
    char key[];
};

struct location_shard {
    pthread_mutex_t lock;
    struct map aors;
    struct wheel *wheel; /* ticks are seconds */
    struct list due;     /* what the wheel just let fall */
};

/* index.c: a multi-map from one text or number to bindings. Adding and removing cannot fail. */
struct location_bucket_shard {
    pthread_mutex_t lock;
    struct list *buckets;
    size_t bucket_count, count;
};
struct location_table {
    enum location_index by;
    struct hash_key key;
    struct location_bucket_shard shards[LOCATION_INDEX_SHARDS];
};
MUST_CHECK enum rc location_table_init(struct location_table *t, enum location_index by,
                                       struct hash_key key);
void location_table_fini(struct location_table *t);
void location_table_add(struct location_table *t, struct stored *b);
void location_table_remove(struct location_table *t, struct stored *b);

/* References to bindings, growing. */
enum { LOCATION_FEW = 8 }; /* found without touching the heap */
struct location_refs {
    const struct location_binding **rows;
    size_t count, cap;
    const struct location_binding *few[LOCATION_FEW]; /* rows, while they fit */
};
MUST_CHECK enum rc location_refs_reserve(struct location_refs *r, size_t more);
MUST_CHECK enum rc location_refs_add(struct location_refs *r, const struct location_binding *b);
void location_refs_fini(struct location_refs *r);
/* Whether the key would find the binding. */
bool location_key_fits(const struct location_key *key, const struct location_binding *b);
MUST_CHECK enum rc location_table_collect(struct location_table *t, const struct location_key *key,
                                          struct location_refs *out);

/* binding.c */
MUST_CHECK enum rc location_binding_check(const struct location_binding *b);
/* A copy with one reference and no home; NULL when out of memory. */
struct stored *location_binding_new(const struct location_binding *from, struct str aor);
/* Whether a update's contact means the stored one. */
bool location_binding_same(const struct location_binding *a, const struct location_binding *b);

struct location_watcher {
    location_change_fn *fn;
    void *ctx;
};

struct location {
    struct location_config config;
    struct hash_key key, shard_key; /* two, so that a shard's keys still spread in its map */
    int64_t start_mono_ms;
    atomic_size_t binding_count, aor_count;
    atomic_uint_fast64_t next_id, next_seq, next_claim, causes[LOCATION_CAUSE_COUNT];
    struct location_shard shards[LOCATION_SHARDS];
    struct location_table tables[LOCATION_LINKS];
    struct location_watcher watchers[LOCATION_WATCHER_MAX];
    size_t watcher_count;
};

/* What one change did, told when its lock is gone. */
struct location_event {
    enum location_cause cause;
    const struct location_binding *binding, *old;
};
struct location_events {
    struct location_event *rows;
    size_t count, cap;
};

/* events.c. Room is made beforehand, so that a change under way cannot fail for it; add takes over the
 * references; tell hands them to the watchers and frees all. */
MUST_CHECK enum rc location_events_reserve(struct location_events *e, size_t more);
void location_events_add(struct location_events *e, enum location_cause cause,
                         const struct location_binding *b, const struct location_binding *old);
void location_events_tell(struct location *l, struct location_events *e);

/* query.c */
struct location_shard *location_shard_for(struct location *l, struct str aor);
/* References to what the key finds. A binding that is being refreshed may be there twice, old and new. */
MUST_CHECK enum rc location_collect(struct location *l, const struct location_key *key,
                                    struct location_refs *out);
/* The live ones of an aor (may be NULL), newest first; room in out was made. The shard's lock is held. */
void location_snapshot(const struct location_aor *aor, int64_t mono_now_ms,
                       struct location_refs *out);

static inline struct stored *stored_of(const struct location_binding *b)
{
    return (struct stored *)(uintptr_t)b;
}
#endif
