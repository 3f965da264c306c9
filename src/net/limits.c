/* net/limits.c - how much strangers may hold: atomics for the sums, a sharded table for the sources. */
#include "base/check.h"
#include "base/map.h"
#include "net/stream_int.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

enum { SHARDS = 64 };

struct source {
    uint8_t key[9]; /* address family, then net_addr_source */
    uint32_t count;
};

struct shard {
    pthread_mutex_t lock;
    struct map sources;
};

struct net_limits {
    atomic_uint refs;
    atomic_uint connections_max, source_max, handshakes_max, handshake_ms;
    atomic_bool loopback_counts;
    atomic_uint connections, handshakes;
    atomic_ullong refused[NET_REFUSAL_COUNT];
    struct hash_key hash_key;
    struct shard shards[SHARDS];
};

const char *net_refusal_name(enum net_refusal cause)
{
    static const char *const names[NET_REFUSAL_COUNT] = {
        [NET_REFUSAL_TOTAL] = "total",
        [NET_REFUSAL_SOURCE] = "source",
        [NET_REFUSAL_HANDSHAKES] = "handshakes",
        [NET_REFUSAL_SILENT] = "silent",
        [NET_REFUSAL_TIMEOUT] = "timeout",
        [NET_REFUSAL_NOT_TLS] = "not-tls",
        [NET_REFUSAL_TLS] = "tls",
        [NET_REFUSAL_FILES] = "files",
        [NET_REFUSAL_NOMEM] = "no-memory",
    };
    return names[cause];
}

void net_limits_set(struct net_limits *limits, const struct net_limits_config *config)
{
    atomic_store(&limits->connections_max, config->connections_max);
    atomic_store(&limits->source_max, config->source_max);
    atomic_store(&limits->handshakes_max, config->handshakes_max);
    atomic_store(&limits->handshake_ms, config->handshake_ms);
    atomic_store(&limits->loopback_counts, config->loopback_counts);
}

enum rc net_limits_new(const struct net_limits_config *config, struct net_limits **out)
{
    if (config->handshake_ms == 0) return RC_INVALID;
    struct net_limits *limits = calloc(1, sizeof *limits);
    if (!limits) return RC_NOMEM;
    if (getentropy(&limits->hash_key, sizeof limits->hash_key) != 0) {
        free(limits);
        return RC_IO;
    }
    atomic_init(&limits->refs, 1);
    net_limits_set(limits, config);
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&limits->shards[i].lock, NULL);
        map_init(&limits->shards[i].sources, limits->hash_key, false);
    }
    *out = limits;
    return RC_OK;
}

struct net_limits *net_limits_ref(struct net_limits *limits)
{
    if (limits) atomic_fetch_add(&limits->refs, 1);
    return limits;
}

static void shard_fini(struct shard *shard)
{
    size_t at = 0;
    struct str key;
    void *source;
    while (map_next(&shard->sources, &at, &key, &source))
        free(source);
    map_fini(&shard->sources);
    pthread_mutex_destroy(&shard->lock);
}

struct net_limits *net_limits_unref(struct net_limits *limits)
{
    if (!limits || atomic_fetch_sub(&limits->refs, 1) != 1) return NULL;
    for (size_t i = 0; i < SHARDS; i++)
        shard_fini(&limits->shards[i]);
    free(limits);
    return NULL;
}

void limits_refuse(struct net_limits *limits, enum net_refusal cause)
{
    if (limits) atomic_fetch_add(&limits->refused[cause], 1);
}

static struct str source_key(const struct net_addr *peer, uint8_t key[9])
{
    bool v6;
    uint64_t source = net_addr_source(peer, &v6);
    key[0] = v6;
    memcpy(key + 1, &source, sizeof source);
    return str_of((const char *)key, 9);
}

static struct shard *shard_of(struct net_limits *limits, struct str key)
{
    return &limits->shards[hash_str(&limits->hash_key, key) >> 58];
}
static_assert(SHARDS == 1 << (64 - 58), "the hash's top bits choose the shard");

/* Under the shard's lock. */
static enum rc source_add(struct map *sources, struct str key, uint32_t max)
{
    struct source *source = map_find(sources, key);
    if (source) {
        if (source->count >= max) return RC_BUSY;
        source->count++;
        return RC_OK;
    }
    if (max == 0) return RC_BUSY;
    source = calloc(1, sizeof *source);
    if (!source) return RC_NOMEM;
    memcpy(source->key, key.p, sizeof source->key);
    source->count = 1;
    enum rc rc = map_put(sources, str_of((const char *)source->key, sizeof source->key), source,
                         NULL);
    if (rc != RC_OK) free(source);
    return rc;
}

static enum rc source_enter(struct net_limits *limits, const struct net_addr *peer)
{
    uint8_t bytes[9];
    struct str key = source_key(peer, bytes);
    struct shard *shard = shard_of(limits, key);
    bool counts = atomic_load(&limits->loopback_counts) || !net_addr_is_loopback(peer);
    uint32_t max = counts ? atomic_load(&limits->source_max) : UINT32_MAX;
    pthread_mutex_lock(&shard->lock);
    enum rc rc = source_add(&shard->sources, key, max);
    pthread_mutex_unlock(&shard->lock);
    return rc;
}

static void source_leave(struct net_limits *limits, const struct net_addr *peer)
{
    uint8_t bytes[9];
    struct str key = source_key(peer, bytes);
    struct shard *shard = shard_of(limits, key);
    pthread_mutex_lock(&shard->lock);
    struct source *source = map_find(&shard->sources, key);
    CHECK(source && source->count > 0); /* entered before */
    if (--source->count == 0) {
        map_remove(&shard->sources, key);
        free(source);
    }
    pthread_mutex_unlock(&shard->lock);
}

/* Adds one unless that passes max. */
static bool take_one(atomic_uint *count, uint32_t max)
{
    if (atomic_fetch_add(count, 1) < max) return true;
    atomic_fetch_sub(count, 1);
    return false;
}

bool net_limits_enter(struct net_limits *limits, const struct net_addr *peer)
{
    if (!take_one(&limits->connections, atomic_load(&limits->connections_max))) {
        limits_refuse(limits, NET_REFUSAL_TOTAL);
        return false;
    }
    enum rc rc = source_enter(limits, peer);
    if (rc == RC_OK) return true;
    atomic_fetch_sub(&limits->connections, 1);
    limits_refuse(limits, rc == RC_NOMEM ? NET_REFUSAL_NOMEM : NET_REFUSAL_SOURCE);
    return false;
}

void net_limits_leave(struct net_limits *limits, const struct net_addr *peer)
{
    source_leave(limits, peer);
    atomic_fetch_sub(&limits->connections, 1);
}

bool limits_handshake_enter(struct net_limits *limits)
{
    return take_one(&limits->handshakes, atomic_load(&limits->handshakes_max));
}

void limits_handshake_leave(struct net_limits *limits)
{
    atomic_fetch_sub(&limits->handshakes, 1);
}

uint32_t limits_handshake_ms(const struct net_limits *limits)
{
    enum { DEFAULT_MS = 10000 };
    return limits ? atomic_load(&limits->handshake_ms) : DEFAULT_MS;
}

uint32_t net_limits_connections(const struct net_limits *limits)
{
    return atomic_load(&limits->connections);
}

uint32_t net_limits_handshakes(const struct net_limits *limits)
{
    return atomic_load(&limits->handshakes);
}

uint64_t net_limits_refused(const struct net_limits *limits, enum net_refusal cause)
{
    return atomic_load(&limits->refused[cause]);
}
