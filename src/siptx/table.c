/* siptx/table.c - chained hash table over borrowed links. */
#include "siptx/table.h"
#include <stdlib.h>

enum rc siptx_table_init(struct siptx_table *t, uint32_t count)
{
    uint64_t n = 64;
    while (n < count)
        n *= 2;
    t->buckets = malloc(n * sizeof *t->buckets);
    if (!t->buckets) return RC_NOMEM;
    t->mask = n - 1;
    for (uint64_t i = 0; i < n; i++)
        list_init(&t->buckets[i]);
    return RC_OK;
}

void siptx_table_fini(struct siptx_table *t)
{
    free(t->buckets);
    t->buckets = NULL;
}

void siptx_table_put(struct siptx_table *t, struct siptx_link *l, uint64_t key)
{
    l->key = key;
    list_push_front(&t->buckets[key & t->mask], &l->chain);
}

void siptx_table_remove(struct siptx_link *l)
{
    if (l->chain.next) list_remove(&l->chain);
}

struct siptx_link *siptx_table_find(const struct siptx_table *t, uint64_t key,
                                    const struct siptx_link *after)
{
    struct list *head = &t->buckets[key & t->mask];
    for (struct list *it = after ? after->chain.next : head->next; it != head; it = it->next) {
        struct siptx_link *l = LIST_OF(it, struct siptx_link, chain);
        if (l->key == key) return l;
    }
    return NULL;
}
