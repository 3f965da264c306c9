/* base/hash.h - keyed hash for tables whose keys a peer may choose (SipHash-1-3). */
#ifndef BASE_HASH_H
#define BASE_HASH_H
#include "base/str.h"

struct hash_key {
    uint64_t k0, k1; /* secret, from the system's randomness, one per process or table */
};

uint64_t hash_bytes(const struct hash_key *key, const void *p, size_t n);
/* ASCII case folded. */
uint64_t hash_str_nocase(const struct hash_key *key, struct str s);

static inline uint64_t hash_str(const struct hash_key *key, struct str s)
{
    return hash_bytes(key, s.p, s.n);
}

#endif
