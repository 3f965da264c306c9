#include "auth/throttle.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>

enum { WAYS = 8, SETS = AUTH_THROTTLE_MAX / WAYS };

struct count {
    uint64_t hash; /* 0: free */
    unsigned tries;
    int64_t last_ms;
};

struct auth_throttle {
    pthread_mutex_t lock;
    struct hash_key key;
    struct count counts[SETS][WAYS];
};

struct auth_throttle *auth_throttle_new(const struct random_source *random)
{
    struct auth_throttle *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    random_fill(random, &t->key, sizeof t->key);
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

struct auth_throttle *auth_throttle_free(struct auth_throttle *t)
{
    if (!t) return NULL;
    pthread_mutex_destroy(&t->lock);
    free(t);
    return NULL;
}

struct auth_throttle_key auth_throttle_key(const struct auth_throttle *t,
                                           enum auth_throttle_kind kind, struct str name)
{
    struct hash_key key = {t->key.k0 + (uint64_t)kind, t->key.k1};
    uint64_t hash = hash_str_nocase(&key, name);
    return (struct auth_throttle_key){hash ? hash : 1};
}

static struct count *find(struct auth_throttle *t, uint64_t hash)
{
    struct count *set = t->counts[hash % SETS];
    for (int i = 0; i < WAYS; i++)
        if (set[i].hash == hash) return &set[i];
    return NULL;
}

static bool is_less_guilty(const struct count *a, const struct count *b)
{
    if (a->tries != b->tries) return a->tries < b->tries;
    return a->last_ms < b->last_ms;
}

/* A free place (no tries yet), or that of the least guilty. */
static struct count *take(struct auth_throttle *t, uint64_t hash)
{
    struct count *set = t->counts[hash % SETS], *least = &set[0];
    for (int i = 1; i < WAYS; i++)
        if (is_less_guilty(&set[i], least)) least = &set[i];
    *least = (struct count){.hash = hash};
    return least;
}

static void forget_old(struct auth_throttle *t, uint64_t hash, int64_t now_ms, int64_t pause_ms)
{
    struct count *set = t->counts[hash % SETS];
    for (int i = 0; i < WAYS; i++)
        if (set[i].hash && now_ms - set[i].last_ms >= pause_ms) set[i] = (struct count){0};
}

bool auth_throttle_try(struct auth_throttle *t, struct auth_throttle_key key, int64_t now_ms,
                       unsigned tries_max, int64_t pause_ms, int64_t *wait_ms)
{
    bool may = true;
    pthread_mutex_lock(&t->lock);
    forget_old(t, key.hash, now_ms, pause_ms);
    struct count *c = find(t, key.hash);
    if (c && c->tries >= tries_max) {
        *wait_ms = c->last_ms + pause_ms - now_ms;
        may = false;
    } else {
        if (!c) c = take(t, key.hash);
        c->tries++;
        c->last_ms = now_ms;
    }
    pthread_mutex_unlock(&t->lock);
    return may;
}

void auth_throttle_undo(struct auth_throttle *t, struct auth_throttle_key key)
{
    pthread_mutex_lock(&t->lock);
    struct count *c = find(t, key.hash);
    if (c && --c->tries == 0) *c = (struct count){0};
    pthread_mutex_unlock(&t->lock);
}

void auth_throttle_clear(struct auth_throttle *t, struct auth_throttle_key key)
{
    pthread_mutex_lock(&t->lock);
    struct count *c = find(t, key.hash);
    if (c) *c = (struct count){0};
    pthread_mutex_unlock(&t->lock);
}
