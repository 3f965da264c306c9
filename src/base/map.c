/* base/map.c - linear probing over one array. A removed entry leaves a mark, so that entries never
 * move under an iteration; marks are cleared where a run ends and whenever the table is rebuilt. */
#include "base/map.h"
#include "base/check.h"

#include <stdlib.h>

enum { CAP_MIN = 8 };

/* value == NULL: empty, or once used (key.p == mark) so that probing goes on past it. */
struct map_slot {
    uint64_t hash;
    struct str key;
    void *value;
};

static const char mark[1];

static bool is_marked(const struct map_slot *s)
{
    return !s->value && s->key.p == mark;
}

static bool is_empty(const struct map_slot *s)
{
    return !s->value && s->key.p != mark;
}

void map_init(struct map *m, struct hash_key key, bool nocase)
{
    *m = (struct map){.key = key, .nocase = nocase};
}

void map_fini(struct map *m)
{
    free(m->slots);
    map_init(m, m->key, m->nocase);
}

static uint64_t hash_of(const struct map *m, struct str key)
{
    return m->nocase ? hash_str_nocase(&m->key, key) : hash_str(&m->key, key);
}

static bool is_key(const struct map *m, const struct map_slot *s, uint64_t hash, struct str key)
{
    if (!s->value || s->hash != hash) return false;
    return m->nocase ? str_eq_nocase(s->key, key) : str_eq(s->key, key);
}

/* The entry of key or, without one, NULL; *vacant (may be NULL) gets where it would be added. */
static struct map_slot *probe(const struct map *m, uint64_t hash, struct str key,
                              struct map_slot **vacant)
{
    struct map_slot *first_mark = NULL;
    if (m->cap == 0) return NULL;
    for (size_t i = (size_t)hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct map_slot *s = &m->slots[i];
        if (is_key(m, s, hash, key)) return s;
        if (is_marked(s) && !first_mark) first_mark = s;
        if (!is_empty(s)) continue;
        if (vacant) *vacant = first_mark ? first_mark : s;
        return NULL;
    }
}

/* A new array, half full at most with one entry more, without marks. */
static enum rc rebuild(struct map *m)
{
    size_t cap = CAP_MIN;
    while (cap / 2 < m->count + 1)
        cap *= 2;
    struct map_slot *slots = calloc(cap, sizeof *slots);
    if (!slots) return RC_NOMEM;
    for (size_t i = 0; i < m->cap; i++) {
        if (!m->slots[i].value) continue;
        size_t to = (size_t)m->slots[i].hash & (cap - 1);
        while (slots[to].value)
            to = (to + 1) & (cap - 1);
        slots[to] = m->slots[i];
    }
    free(m->slots);
    m->slots = slots;
    m->cap = cap;
    m->used = m->count;
    return RC_OK;
}

void *map_find(const struct map *m, struct str key)
{
    struct map_slot *s = probe(m, hash_of(m, key), key, NULL);
    return s ? s->value : NULL;
}

enum rc map_put(struct map *m, struct str key, void *value, void **old)
{
    CHECK(value);
    uint64_t hash = hash_of(m, key);
    struct map_slot *vacant = NULL, *s = probe(m, hash, key, &vacant);
    if (!s && (m->used + 1) * 4 > m->cap * 3) {
        enum rc rc = rebuild(m);
        if (rc != RC_OK) return rc;
        probe(m, hash, key, &vacant);
    }
    if (old) *old = s ? s->value : NULL;
    if (!s) {
        s = vacant;
        m->used += is_empty(s);
        m->count++;
    }
    /* The key too: the old one may live in the value that goes. */
    *s = (struct map_slot){.hash = hash, .key = key, .value = value};
    return RC_OK;
}

static void *take_out(struct map *m, struct map_slot *s)
{
    void *value = s->value;
    size_t i = (size_t)(s - m->slots);
    *s = (struct map_slot){.key = {mark, 0}};
    m->count--;
    if (!is_empty(&m->slots[(i + 1) & (m->cap - 1)])) return value;
    /* The run ends here: this mark and those before it hold nothing together. */
    for (; is_marked(&m->slots[i]); i = (i - 1) & (m->cap - 1)) {
        m->slots[i].key.p = NULL;
        m->used--;
    }
    return value;
}

void *map_remove(struct map *m, struct str key)
{
    struct map_slot *s = probe(m, hash_of(m, key), key, NULL);
    return s ? take_out(m, s) : NULL;
}

bool map_next(const struct map *m, size_t *at, struct str *key, void **value)
{
    while (*at < m->cap) {
        const struct map_slot *s = &m->slots[(*at)++];
        if (!s->value) continue;
        if (key) *key = s->key;
        if (value) *value = s->value;
        return true;
    }
    return false;
}

void map_remove_at(struct map *m, size_t *at)
{
    CHECK(*at > 0 && *at <= m->cap && m->slots[*at - 1].value);
    take_out(m, &m->slots[*at - 1]);
}
