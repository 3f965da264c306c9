#include "oauth/revoked.h"

#include "base/list.h"
#include "base/map.h"
#include "crypto/random.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct entry {
    struct list link; /* in the order they were made or renewed */
    struct map *map;  /* grants or users */
    int64_t revoked_unix_s, forget_unix_s;
    size_t n;
    char key[];
};

struct oauth_revoked {
    pthread_mutex_t lock;
    struct map grants, users;
    struct list entries; /* oldest first */
    size_t count, capacity;
    int64_t longest_s;
    int64_t floor_unix_s, floor_forget_unix_s; /* no token issued until then counts */
    atomic_bool any;                           /* something is revoked: look closer */
};

enum rc oauth_revoked_new(size_t capacity, int64_t longest_token_s, struct oauth_revoked **out)
{
    struct random_source random = crypto_random_system();
    struct hash_key key;
    if (capacity == 0 || longest_token_s <= 0) return RC_INVALID;
    struct oauth_revoked *r = calloc(1, sizeof *r);
    if (!r) return RC_NOMEM;
    random_fill(&random, &key, sizeof key);
    pthread_mutex_init(&r->lock, NULL);
    map_init(&r->grants, key, false);
    map_init(&r->users, key, true);
    list_init(&r->entries);
    r->capacity = capacity;
    r->longest_s = longest_token_s;
    *out = r;
    return RC_OK;
}

static void forget(struct oauth_revoked *r, struct entry *e)
{
    map_remove(e->map, str_of(e->key, e->n));
    list_remove(&e->link);
    r->count--;
    free(e);
}

struct oauth_revoked *oauth_revoked_free(struct oauth_revoked *r)
{
    if (!r) return NULL;
    LIST_FOR_EACH(link, &r->entries)
    forget(r, LIST_OF(link, struct entry, link));
    map_fini(&r->grants);
    map_fini(&r->users);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return NULL;
}

void oauth_revoked_set_longest(struct oauth_revoked *r, int64_t longest_token_s)
{
    pthread_mutex_lock(&r->lock);
    int64_t more = longest_token_s - r->longest_s;
    r->longest_s = longest_token_s;
    if (more > 0) {
        /* Tokens refused as too long-lived so far may count from now on. */
        LIST_FOR_EACH(link, &r->entries)
        LIST_OF(link, struct entry, link)->forget_unix_s += more;
        r->floor_forget_unix_s += more;
    }
    pthread_mutex_unlock(&r->lock);
}

static void step_locked(struct oauth_revoked *r, int64_t now_unix_s)
{
    LIST_FOR_EACH(link, &r->entries)
    {
        struct entry *e = LIST_OF(link, struct entry, link);
        if (e->forget_unix_s > now_unix_s) break;
        forget(r, e);
    }
    bool floor = r->floor_forget_unix_s > now_unix_s;
    atomic_store_explicit(&r->any, r->count > 0 || floor, memory_order_release);
}

void oauth_revoked_step(struct oauth_revoked *r, int64_t now_unix_s)
{
    pthread_mutex_lock(&r->lock);
    step_locked(r, now_unix_s);
    pthread_mutex_unlock(&r->lock);
}

static struct entry *entry_add(struct oauth_revoked *r, struct map *map, struct str key)
{
    if (r->count >= r->capacity || key.n > OAUTH_CLAIM_MAX) return NULL;
    struct entry *e = malloc(sizeof *e + key.n);
    if (!e) return NULL;
    *e = (struct entry){.map = map, .n = key.n};
    memcpy(e->key, key.p, key.n);
    list_init(&e->link);
    if (map_put(map, str_of(e->key, e->n), e, NULL) != RC_OK) {
        free(e);
        return NULL;
    }
    r->count++;
    return e;
}

static void add(struct oauth_revoked *r, struct map *map, struct str key, int64_t now_unix_s)
{
    if (key.n == 0) return;
    pthread_mutex_lock(&r->lock);
    step_locked(r, now_unix_s);
    struct entry *e = map_find(map, key);
    if (!e) e = entry_add(r, map, key);
    if (e) {
        e->revoked_unix_s = now_unix_s;
        e->forget_unix_s = now_unix_s + r->longest_s;
        list_remove(&e->link);
        list_push_back(&r->entries, &e->link);
    } else {
        r->floor_unix_s = now_unix_s;
        r->floor_forget_unix_s = now_unix_s + r->longest_s;
    }
    atomic_store_explicit(&r->any, true, memory_order_release);
    pthread_mutex_unlock(&r->lock);
}

void oauth_revoked_add_grant(struct oauth_revoked *r, struct str gid, int64_t now_unix_s)
{
    add(r, &r->grants, gid, now_unix_s);
}

void oauth_revoked_add_user(struct oauth_revoked *r, struct str user, int64_t now_unix_s)
{
    add(r, &r->users, user, now_unix_s);
}

static bool has_locked(const struct oauth_revoked *r, const struct oauth_claims *claims,
                       int64_t now_unix_s)
{
    if (claims->issued_unix_s <= r->floor_unix_s && r->floor_forget_unix_s > now_unix_s)
        return true;
    const struct entry *grant = claims->gid.n ? map_find(&r->grants, claims->gid) : NULL;
    if (grant && grant->forget_unix_s > now_unix_s) return true;
    const struct entry *user = map_find(&r->users, claims->user);
    return user && user->forget_unix_s > now_unix_s &&
           claims->issued_unix_s <= user->revoked_unix_s;
}

bool oauth_revoked_has(struct oauth_revoked *r, const struct oauth_claims *claims,
                       int64_t now_unix_s)
{
    if (!atomic_load_explicit(&r->any, memory_order_acquire)) return false;
    pthread_mutex_lock(&r->lock);
    bool has = has_locked(r, claims, now_unix_s);
    pthread_mutex_unlock(&r->lock);
    return has;
}

size_t oauth_revoked_count(struct oauth_revoked *r)
{
    pthread_mutex_lock(&r->lock);
    size_t n = r->count;
    pthread_mutex_unlock(&r->lock);
    return n;
}
