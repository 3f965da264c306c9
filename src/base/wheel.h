/* base/wheel.h - hierarchical timer wheel (4 levels of 256 slots, 1 ms ticks, up to 49 days).
 * Start, stop and fire are O(1). It knows no clock: time is handed in. Not thread-safe. */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H
#include "base/list.h"
#include <stdint.h>

typedef void wheel_fn(void *ctx);

/* Lives inside its owner; zeroed memory is a stopped timer. */
struct wheel_timer {
    struct list link; /* link.next == NULL or self-linked when stopped */
    uint64_t due_ms;
    wheel_fn *fn;
    void *ctx;
};

struct wheel;

struct wheel *wheel_new(uint64_t now_ms);
struct wheel *wheel_free(struct wheel *w); /* timers still running are forgotten; NULL */
/* (Re)starts t to fire fn(ctx) delay_ms from now_ms. Never fires early; 0 fires at the next
 * advance. */
void wheel_start(struct wheel *w, struct wheel_timer *t, uint64_t now_ms, uint64_t delay_ms,
                 wheel_fn *fn, void *ctx);
void wheel_stop(struct wheel *w, struct wheel_timer *t);
static inline bool wheel_is_running(const struct wheel_timer *t)
{
    return t->link.next != NULL && t->link.next != &t->link;
}
/* Fires everything due at or before now_ms, in order of due time within a tick's resolution. A
 * timer is stopped before its fn runs, so fn may restart it or free its owner. */
void wheel_advance(struct wheel *w, uint64_t now_ms);
/* Milliseconds until the next timer may be due (0: now), UINT64_MAX when none runs. May be early,
 * never late. */
uint64_t wheel_next_ms(const struct wheel *w, uint64_t now_ms);
size_t wheel_count(const struct wheel *w);

#endif
