#include "call/lines.h"

#include "base/check.h"
#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>

enum { BUCKETS = 4096, NAME_MAX_LEN = 64, POOL_MAX = 1024 };

/* Of a line on a device: ringing. Of a line (device ""): idle_ms. Longer names than the store lets
 * through are cut, the same way each time. */
struct entry {
    struct entry *next;
    char device[NAME_MAX_LEN], line[NAME_MAX_LEN];
    uint8_t device_n, line_n;
    unsigned ringing;
    int64_t idle_ms;
};

struct call_lines {
    pthread_mutex_t lock;
    struct hash_key key;
    struct entry *buckets[BUCKETS], *pool;
    size_t count, pooled;
};

enum rc call_lines_new(const struct random_source *random, struct call_lines **out)
{
    struct call_lines *l = calloc(1, sizeof *l);
    if (!l) return RC_NOMEM;
    if (pthread_mutex_init(&l->lock, NULL) != 0) {
        free(l);
        return RC_NOMEM;
    }
    random_fill(random, &l->key, sizeof l->key);
    *out = l;
    return RC_OK;
}

static void chain_free(struct entry *e)
{
    while (e) {
        struct entry *next = e->next;
        free(e);
        e = next;
    }
}

struct call_lines *call_lines_free(struct call_lines *l)
{
    if (!l) return NULL;
    for (size_t i = 0; i < BUCKETS; i++)
        chain_free(l->buckets[i]);
    chain_free(l->pool);
    pthread_mutex_destroy(&l->lock);
    free(l);
    return NULL;
}

static struct entry **place(struct call_lines *l, struct str device, struct str line)
{
    uint64_t parts[] = {hash_str_nocase(&l->key, device), hash_str(&l->key, line)};
    struct entry **at = &l->buckets[hash_bytes(&l->key, parts, sizeof parts) % BUCKETS];
    while (*at && !(str_eq_nocase(str_of((*at)->device, (*at)->device_n), device) &&
                    str_eq(str_of((*at)->line, (*at)->line_n), line)))
        at = &(*at)->next;
    return at;
}

static struct entry *find(struct call_lines *l, struct str device, struct str line)
{
    return *place(l, str_sub(device, 0, NAME_MAX_LEN), str_sub(line, 0, NAME_MAX_LEN));
}

static struct entry *get(struct call_lines *l, struct str device, struct str line)
{
    device = str_sub(device, 0, NAME_MAX_LEN);
    line = str_sub(line, 0, NAME_MAX_LEN);
    struct entry **at = place(l, device, line), *e = l->pool;
    if (*at) return *at;
    if (l->count >= CALL_LINES_MAX) return NULL;
    if (e) {
        l->pool = e->next;
        l->pooled--;
    } else if (!(e = malloc(sizeof *e))) {
        return NULL;
    }
    *e = (struct entry){.device_n = (uint8_t)device.n, .line_n = (uint8_t)line.n};
    if (device.n > 0) memcpy(e->device, device.p, device.n);
    if (line.n > 0) memcpy(e->line, line.p, line.n);
    *at = e;
    l->count++;
    return e;
}

static void drop(struct call_lines *l, struct str device, struct str line)
{
    struct entry **at = place(l, str_sub(device, 0, NAME_MAX_LEN), str_sub(line, 0, NAME_MAX_LEN));
    struct entry *e = *at;
    *at = e->next;
    l->count--;
    if (l->pooled >= POOL_MAX) {
        free(e);
        return;
    }
    e->next = l->pool;
    l->pool = e;
    l->pooled++;
}

bool call_lines_ring(struct call_lines *l, struct str device, struct str line)
{
    pthread_mutex_lock(&l->lock);
    struct entry *e = device.n > 0 ? get(l, device, line) : NULL;
    if (e) e->ringing++;
    pthread_mutex_unlock(&l->lock);
    return e != NULL;
}

void call_lines_quiet(struct call_lines *l, struct str device, struct str line)
{
    pthread_mutex_lock(&l->lock);
    struct entry *e = find(l, device, line);
    CHECK(e && e->ringing > 0);
    if (--e->ringing == 0) drop(l, device, line);
    pthread_mutex_unlock(&l->lock);
}

unsigned call_lines_ringing(struct call_lines *l, struct str device, struct str line)
{
    pthread_mutex_lock(&l->lock);
    const struct entry *e = find(l, device, line);
    unsigned ringing = e ? e->ringing : 0;
    pthread_mutex_unlock(&l->lock);
    return ringing;
}

void call_lines_idle(struct call_lines *l, struct str line, int64_t now_mono_ms)
{
    pthread_mutex_lock(&l->lock);
    struct entry *e = line.n > 0 ? get(l, STR(""), line) : NULL;
    if (e) e->idle_ms = now_mono_ms;
    pthread_mutex_unlock(&l->lock);
}

int64_t call_lines_idle_since(struct call_lines *l, struct str line)
{
    pthread_mutex_lock(&l->lock);
    const struct entry *e = find(l, STR(""), line);
    int64_t since = e ? e->idle_ms : INT64_MIN;
    pthread_mutex_unlock(&l->lock);
    return since;
}
