/* base/map.h - open-addressing hash table from text (or bytes) to pointers. Keys are borrowed: they
 * must live (usually inside the value) as long as the entry. Not thread-safe. */
#ifndef BASE_MAP_H
#define BASE_MAP_H
#include "base/hash.h"

struct map_slot;

struct map {
    struct map_slot *slots;
    size_t count, cap; /* entries, slots (a power of two or 0) */
    size_t used;       /* slots that hold an entry or the mark of one removed */
    struct hash_key key;
    bool nocase; /* keys compare and hash without ASCII case */
};

void map_init(struct map *m, struct hash_key key, bool nocase);
/* Frees the table, not the values. */
void map_fini(struct map *m);
/* The value, or NULL. */
void *map_find(const struct map *m, struct str key);
/* Adds or replaces; *old (may be NULL) gets what was there. value is not NULL. RC_NOMEM. */
MUST_CHECK enum rc map_put(struct map *m, struct str key, void *value, void **old);
/* The value taken out, or NULL. */
void *map_remove(struct map *m, struct str key);
/* Iteration in no order: start with *at = 0; false at the end; key or value may be NULL. The entry
 * last handed out may be removed with map_remove_at, which leaves *at so that iteration goes on;
 * other changes end it. */
bool map_next(const struct map *m, size_t *at, struct str *key, void **value);
void map_remove_at(struct map *m, size_t *at);

#endif
