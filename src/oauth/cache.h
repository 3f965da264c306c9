/* oauth/cache.h - tokens already verified: SHA-256(token) to claims, so that a phone's next message
 * costs a hash instead of a signature. Keeps no token text. Bounded: the least recently used entry
 * of a full shard goes. Entries die with their token, with the keys that verified them (keyring
 * generation), and by grant or user. Safe from any thread; a hit locks one of 16 shards briefly. */
#ifndef OAUTH_CACHE_H
#define OAUTH_CACHE_H
#include "crypto/digest.h"
#include "oauth/bearer.h"

struct oauth_cache;

enum { OAUTH_CACHE_SHARD_COUNT = 16 };

/* Room for at least capacity entries (1..2^24; about 300 bytes each when used). RC_INVALID,
 * RC_NOMEM. */
MUST_CHECK enum rc oauth_cache_new(size_t capacity, struct oauth_cache **out);
struct oauth_cache *oauth_cache_free(struct oauth_cache *c); /* NULL */

/* The claims remembered for that digest under that keyring generation, copied into arena. False
 * when there are none, the token has reached exp + leeway_s, or arena is full. */
bool oauth_cache_find(struct oauth_cache *c, const uint8_t digest[CRYPTO_SHA256_LEN],
                      uint64_t generation, int64_t now_unix_s, int64_t leeway_s,
                      struct arena *arena, struct oauth_claims *out);
/* Remembers; silently not when out of memory. An entry of an older generation is replaced, a newer
 * one kept. */
void oauth_cache_put(struct oauth_cache *c, const uint8_t digest[CRYPTO_SHA256_LEN],
                     uint64_t generation, const struct oauth_claims *claims);
/* How many were dropped. Whole-cache scans, shard by shard: for revocations, not for messages. */
size_t oauth_cache_drop_grant(struct oauth_cache *c, struct str gid);
size_t oauth_cache_drop_user(struct oauth_cache *c, struct str user); /* ASCII case folded */
size_t oauth_cache_drop_all(struct oauth_cache *c);

struct oauth_cache_stats {
    uint64_t hits, misses, evictions; /* since the start */
    size_t count, bytes;              /* entries now, and what they occupy */
};
struct oauth_cache_stats oauth_cache_stats(struct oauth_cache *c);

#endif
