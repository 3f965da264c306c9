/* base/clock.h - time and randomness as interfaces, handed in, so that tests run hours at once.
 * Durations run on the monotonic clock; wall time only where a protocol speaks of dates. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
#include <stddef.h>
#include <stdint.h>

struct clock {
    int64_t (*mono_ms)(void *ctx);
    int64_t (*unix_ms)(void *ctx);
    void *ctx;
};

static inline int64_t clock_mono_ms(const struct clock *c)
{
    return c->mono_ms(c->ctx);
}
static inline int64_t clock_unix_ms(const struct clock *c)
{
    return c->unix_ms(c->ctx);
}
static inline int64_t clock_unix_s(const struct clock *c)
{
    return c->unix_ms(c->ctx) / 1000;
}

struct random_source {
    void (*fill)(void *ctx, void *p, size_t n); /* never fails: a source that cannot give aborts */
    void *ctx;
};

static inline void random_fill(const struct random_source *r, void *p, size_t n)
{
    r->fill(r->ctx, p, n);
}
uint64_t random_u64(const struct random_source *r);
/* Evenly in [0, below); below > 0. */
uint64_t random_below(const struct random_source *r, uint64_t below);

#endif
