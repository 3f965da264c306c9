/* oauth/cache.c - sixteen shards, each a chained hash table with its least recently used entries at
 * the front of a list. The digest is already evenly spread: its bytes choose shard and bucket. */
#include "oauth/cache.h"

#include "base/list.h"

#include <pthread.h>
#include <stdlib.h>

enum { TEXT_COUNT = 8, CAPACITY_MAX = 1 << 24 };

struct entry {
    struct entry *next; /* in the bucket */
    struct list lru;
    uint8_t digest[CRYPTO_SHA256_LEN];
    uint64_t generation;
    int64_t issued_unix_s, expires_unix_s;
    uint16_t lens[TEXT_COUNT]; /* of the texts of claims_texts, in its order */
    uint8_t issuer_kind;
    bool subject_is_user; /* then its text is not kept twice */
    char text[];
};

struct shard {
    _Alignas(64) pthread_mutex_t lock;
    struct entry **buckets;
    struct list lru; /* front: used longest ago */
    size_t count;
    uint64_t hits, misses, evictions;
    size_t bytes;
};

struct oauth_cache {
    size_t shard_capacity, bucket_mask;
    struct shard shards[OAUTH_CACHE_SHARD_COUNT];
};

static size_t power_of_two(size_t at_least)
{
    size_t n = 1;
    while (n < at_least)
        n *= 2;
    return n;
}

enum rc oauth_cache_new(size_t capacity, struct oauth_cache **out)
{
    if (capacity == 0 || capacity > CAPACITY_MAX) return RC_INVALID;
    struct oauth_cache *c = aligned_alloc(_Alignof(struct oauth_cache), sizeof *c);
    if (!c) return RC_NOMEM;
    memset(c, 0, sizeof *c);
    /* Digests do not spread quite evenly: an eighth more, and a few for small caches. */
    c->shard_capacity = capacity / OAUTH_CACHE_SHARD_COUNT;
    c->shard_capacity += c->shard_capacity / 8 + 4;
    size_t bucket_count = power_of_two(c->shard_capacity);
    c->bucket_mask = bucket_count - 1;
    bool ok = true;
    for (size_t i = 0; i < OAUTH_CACHE_SHARD_COUNT; i++) {
        struct shard *s = &c->shards[i];
        pthread_mutex_init(&s->lock, NULL);
        list_init(&s->lru);
        s->buckets = ok ? calloc(bucket_count, sizeof(struct entry *)) : NULL;
        ok = s->buckets != NULL;
    }
    if (ok) *out = c;
    if (!ok) oauth_cache_free(c);
    return ok ? RC_OK : RC_NOMEM;
}

static struct entry **bucket_of(struct oauth_cache *c, struct shard *s, const uint8_t *digest)
{
    uint64_t h;
    memcpy(&h, digest + 8, sizeof h);
    return &s->buckets[h & c->bucket_mask];
}

static struct shard *shard_of(struct oauth_cache *c, const uint8_t *digest)
{
    return &c->shards[digest[0] % OAUTH_CACHE_SHARD_COUNT];
}

/* Where the entry hangs, or the end of its chain. */
static struct entry **slot_of(struct oauth_cache *c, struct shard *s, const uint8_t *digest)
{
    struct entry **at = bucket_of(c, s, digest);
    while (*at && memcmp((*at)->digest, digest, CRYPTO_SHA256_LEN) != 0)
        at = &(*at)->next;
    return at;
}

static size_t entry_size(const struct entry *e)
{
    size_t n = sizeof *e;
    for (int i = 0; i < TEXT_COUNT; i++)
        n += e->lens[i];
    return n;
}

static void entry_drop(struct shard *s, struct entry **slot)
{
    struct entry *e = *slot;
    *slot = e->next;
    list_remove(&e->lru);
    s->count--;
    s->bytes -= entry_size(e);
    free(e);
}

/* The texts of claims in the order they are kept. */
static void claims_texts(const struct oauth_claims *c, struct str out[TEXT_COUNT])
{
    out[0] = c->user;
    out[1] = c->subject;
    out[2] = c->client_id;
    out[3] = c->scope;
    out[4] = c->jti;
    out[5] = c->gid;
    out[6] = c->device;
    out[7] = c->issuer;
}

static struct str entry_user(const struct entry *e)
{
    return str_of(e->text, e->lens[0]);
}

static struct str entry_gid(const struct entry *e)
{
    size_t at = 0;
    for (int i = 0; i < 5; i++)
        at += e->lens[i];
    return str_of(e->text + at, e->lens[5]);
}

static struct entry *entry_new(const uint8_t *digest, uint64_t generation,
                               const struct oauth_claims *claims)
{
    struct str texts[TEXT_COUNT];
    size_t n = 0;
    claims_texts(claims, texts);
    bool subject_is_user = str_eq(texts[0], texts[1]);
    if (subject_is_user) texts[1] = (struct str){0};
    for (int i = 0; i < TEXT_COUNT; i++) {
        if (texts[i].n > UINT16_MAX) return NULL;
        n += texts[i].n;
    }
    struct entry *e = malloc(sizeof *e + n);
    if (!e) return NULL;
    *e = (struct entry){.generation = generation,
                        .issued_unix_s = claims->issued_unix_s,
                        .expires_unix_s = claims->expires_unix_s,
                        .issuer_kind = (uint8_t)claims->issuer_kind,
                        .subject_is_user = subject_is_user};
    memcpy(e->digest, digest, CRYPTO_SHA256_LEN);
    char *at = e->text;
    for (int i = 0; i < TEXT_COUNT; i++) {
        e->lens[i] = (uint16_t)texts[i].n;
        if (texts[i].n) memcpy(at, texts[i].p, texts[i].n);
        at += texts[i].n;
    }
    return e;
}

/* One allocation for all texts. */
static bool entry_read(const struct entry *e, struct arena *arena, struct oauth_claims *out)
{
    size_t n = entry_size(e) - sizeof *e;
    char *at = arena_alloc(arena, n);
    struct str texts[TEXT_COUNT];
    if (!at) return false;
    memcpy(at, e->text, n);
    for (int i = 0; i < TEXT_COUNT; i++) {
        texts[i] = str_of(at, e->lens[i]);
        at += e->lens[i];
    }
    *out = (struct oauth_claims){.issuer_kind = (enum oauth_issuer_kind)e->issuer_kind,
                                 .user = texts[0],
                                 .subject = e->subject_is_user ? texts[0] : texts[1],
                                 .client_id = texts[2],
                                 .scope = texts[3],
                                 .jti = texts[4],
                                 .gid = texts[5],
                                 .device = texts[6],
                                 .issuer = texts[7],
                                 .issued_unix_s = e->issued_unix_s,
                                 .expires_unix_s = e->expires_unix_s};
    return true;
}

static bool find_locked(struct oauth_cache *c, struct shard *s, const uint8_t *digest,
                        uint64_t generation, int64_t dead_unix_s, struct arena *arena,
                        struct oauth_claims *out)
{
    struct entry **slot = slot_of(c, s, digest), *e = *slot;
    if (!e) return false;
    if (e->expires_unix_s <= dead_unix_s || e->generation < generation) {
        entry_drop(s, slot);
        return false;
    }
    if (e->generation != generation) return false;
    list_remove(&e->lru);
    list_push_back(&s->lru, &e->lru);
    return entry_read(e, arena, out);
}

bool oauth_cache_find(struct oauth_cache *c, const uint8_t digest[CRYPTO_SHA256_LEN],
                      uint64_t generation, int64_t now_unix_s, int64_t leeway_s,
                      struct arena *arena, struct oauth_claims *out)
{
    struct shard *s = shard_of(c, digest);
    pthread_mutex_lock(&s->lock);
    bool found = find_locked(c, s, digest, generation, now_unix_s - leeway_s, arena, out);
    if (found)
        s->hits++;
    else
        s->misses++;
    pthread_mutex_unlock(&s->lock);
    return found;
}

static void evict_one(struct oauth_cache *c, struct shard *s)
{
    struct entry *oldest = LIST_OF(list_first(&s->lru), struct entry, lru);
    entry_drop(s, slot_of(c, s, oldest->digest));
    s->evictions++;
}

void oauth_cache_put(struct oauth_cache *c, const uint8_t digest[CRYPTO_SHA256_LEN],
                     uint64_t generation, const struct oauth_claims *claims)
{
    struct shard *s = shard_of(c, digest);
    struct entry *e = entry_new(digest, generation, claims);
    if (!e) return;
    pthread_mutex_lock(&s->lock);
    struct entry **slot = slot_of(c, s, digest);
    if (*slot && (*slot)->generation > generation) {
        pthread_mutex_unlock(&s->lock);
        free(e);
        return;
    }
    if (*slot) entry_drop(s, slot);
    while (s->count >= c->shard_capacity)
        evict_one(c, s);
    slot = bucket_of(c, s, digest); /* the chain may have changed */
    e->next = *slot;
    *slot = e;
    list_push_back(&s->lru, &e->lru);
    s->count++;
    s->bytes += entry_size(e);
    pthread_mutex_unlock(&s->lock);
}

typedef bool drop_fn(const struct entry *e, struct str what);

static bool is_of_grant(const struct entry *e, struct str gid)
{
    return str_eq(entry_gid(e), gid);
}

static bool is_of_user(const struct entry *e, struct str user)
{
    return str_eq_nocase(entry_user(e), user);
}

static bool is_any(const struct entry *e, struct str what)
{
    (void)e, (void)what;
    return true;
}

static size_t drop_where(struct oauth_cache *c, drop_fn *fits, struct str what)
{
    size_t dropped = 0;
    for (size_t i = 0; i < OAUTH_CACHE_SHARD_COUNT; i++) {
        struct shard *s = &c->shards[i];
        pthread_mutex_lock(&s->lock);
        LIST_FOR_EACH(link, &s->lru)
        {
            struct entry *e = LIST_OF(link, struct entry, lru);
            if (!fits(e, what)) continue;
            entry_drop(s, slot_of(c, s, e->digest));
            dropped++;
        }
        pthread_mutex_unlock(&s->lock);
    }
    return dropped;
}

size_t oauth_cache_drop_grant(struct oauth_cache *c, struct str gid)
{
    return gid.n ? drop_where(c, is_of_grant, gid) : 0;
}

size_t oauth_cache_drop_user(struct oauth_cache *c, struct str user)
{
    return drop_where(c, is_of_user, user);
}

size_t oauth_cache_drop_all(struct oauth_cache *c)
{
    return drop_where(c, is_any, (struct str){0});
}

struct oauth_cache *oauth_cache_free(struct oauth_cache *c)
{
    if (!c) return NULL;
    for (size_t i = 0; i < OAUTH_CACHE_SHARD_COUNT; i++) {
        struct shard *s = &c->shards[i];
        LIST_FOR_EACH(link, &s->lru)
        free(LIST_OF(link, struct entry, lru));
        free(s->buckets);
        pthread_mutex_destroy(&s->lock);
    }
    free(c);
    return NULL;
}

struct oauth_cache_stats oauth_cache_stats(struct oauth_cache *c)
{
    struct oauth_cache_stats sum = {0};
    for (size_t i = 0; i < OAUTH_CACHE_SHARD_COUNT; i++) {
        struct shard *s = &c->shards[i];
        pthread_mutex_lock(&s->lock);
        sum.hits += s->hits;
        sum.misses += s->misses;
        sum.evictions += s->evictions;
        sum.count += s->count;
        sum.bytes += s->bytes;
        pthread_mutex_unlock(&s->lock);
    }
    return sum;
}
