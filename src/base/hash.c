/* base/hash.c - SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012):
 * one round a word, three at the end. A keyed hash, so a peer cannot aim at one bucket. */
#include "base/hash.h"

#include <endian.h>

#define ONES UINT64_C(0x0101010101010101)

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static inline void sip_round(struct state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 = rotl(s->v2, 32);
}

static inline void take_word(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

/* Eight bytes at once: 'A'..'Z' become small, bytes over 127 stay. */
static inline uint64_t fold(uint64_t w)
{
    uint64_t low = w & ONES * 0x7F;
    uint64_t from_a = low + ONES * (0x80 - 'A'), beyond_z = low + ONES * (0x7F - 'Z');
    uint64_t upper = (from_a ^ beyond_z) & ~w & ONES * 0x80;
    return w | upper >> 2;
}

static inline uint64_t word_at(const unsigned char *p, size_t n, bool nocase)
{
    uint64_t w = 0;
    memcpy(&w, p, n);
    w = le64toh(w);
    return nocase ? fold(w) : w;
}

static inline uint64_t hash(const struct hash_key *key, const unsigned char *p, size_t n,
                            bool nocase)
{
    struct state s = {
        key->k0 ^ UINT64_C(0x736f6d6570736575), key->k1 ^ UINT64_C(0x646f72616e646f6d),
        key->k0 ^ UINT64_C(0x6c7967656e657261), key->k1 ^ UINT64_C(0x7465646279746573)};
    size_t at = 0;
    for (; n - at >= 8; at += 8)
        take_word(&s, word_at(p + at, 8, nocase));
    uint64_t last = (uint64_t)n << 56;
    if (n > at) last |= word_at(p + at, n - at, nocase);
    take_word(&s, last);
    s.v2 ^= 0xFF;
    for (int i = 0; i < 3; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t hash_bytes(const struct hash_key *key, const void *p, size_t n)
{
    return hash(key, p, n, false);
}

uint64_t hash_str_nocase(const struct hash_key *key, struct str s)
{
    return hash(key, (const unsigned char *)s.p, s.n, true);
}
