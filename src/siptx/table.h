/* siptx/table.h - hash table of fixed size over links that lie in their owners: no allocation after
 * it is made. Keys are keyed 64-bit hashes (base/hash.h), so a peer cannot aim at a bucket; two
 * different things with one key are told apart, where that matters, by the caller. */
#ifndef SIPTX_TABLE_H
#define SIPTX_TABLE_H
#include "base/list.h"
#include "base/rc.h"
#include <stdint.h>

struct siptx_link {
    struct list chain; /* zeroed: in no table */
    uint64_t key;
};

struct siptx_table {
    struct list *buckets;
    uint64_t mask;
};

/* Buckets for about count links. RC_NOMEM. */
MUST_CHECK enum rc siptx_table_init(struct siptx_table *t, uint32_t count);
void siptx_table_fini(struct siptx_table *t);
void siptx_table_put(struct siptx_table *t, struct siptx_link *l, uint64_t key);
/* Harmless for a link in no table. */
void siptx_table_remove(struct siptx_link *l);
/* The link put last under key, or NULL; after: go on behind that one. */
struct siptx_link *siptx_table_find(const struct siptx_table *t, uint64_t key,
                                    const struct siptx_link *after);

#endif
