/* hist.c - log-linear buckets: each power of two is cut into HIST_SUB equal parts. */
#include "hist.h"

static unsigned bucket_of(uint64_t v)
{
    if (v < HIST_SUB) return (unsigned)v;
    unsigned top = 63u - (unsigned)__builtin_clzll(v);
    unsigned shift = top - HIST_SUB_BITS;
    return (shift + 1) * HIST_SUB + (unsigned)((v >> shift) - HIST_SUB);
}

/* The largest value that falls into the bucket. */
static uint64_t bucket_end(unsigned bucket)
{
    if (bucket < HIST_SUB) return bucket;
    unsigned shift = bucket / HIST_SUB - 1;
    uint64_t first = (uint64_t)(bucket % HIST_SUB + HIST_SUB) << shift;
    return first + ((uint64_t)1 << shift) - 1;
}

void hist_add(struct hist *h, uint64_t value_ns)
{
    const uint64_t longest = ((uint64_t)1 << HIST_VALUE_BITS) - 1;
    if (value_ns > longest) value_ns = longest;
    h->buckets[bucket_of(value_ns)]++;
    h->count++;
    if (value_ns > h->max_ns) h->max_ns = value_ns;
}

uint64_t hist_at(const struct hist *h, double share)
{
    if (h->count == 0) return 0;
    uint64_t wanted = (uint64_t)(share * (double)h->count);
    if ((double)wanted < share * (double)h->count || wanted == 0) wanted++;
    uint64_t seen = 0;
    for (unsigned b = 0; b < HIST_BUCKETS; b++) {
        seen += h->buckets[b];
        if (seen < wanted) continue;
        uint64_t end = bucket_end(b);
        return end < h->max_ns ? end : h->max_ns;
    }
    return h->max_ns;
}
