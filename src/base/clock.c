/* base/clock.c - numbers out of a source of random bytes. */
#include "base/clock.h"
#include "base/check.h"

uint64_t random_u64(const struct random_source *r)
{
    uint64_t v;
    random_fill(r, &v, sizeof v);
    return v;
}

/* Numbers below 2^64 mod below would favour the small results: they are drawn again. */
uint64_t random_below(const struct random_source *r, uint64_t below)
{
    CHECK(below > 0);
    uint64_t unfair = (0 - below) % below, v;
    do
        v = random_u64(r);
    while (v < unfair);
    return v % below;
}
