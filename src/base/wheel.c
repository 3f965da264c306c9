/* base/wheel.c - hierarchical timer wheel.
 *
 * A timer lies at the level of the highest byte in which its due time differs from the wheel's
 * time: level 0 holds what falls due within the present 256 ms, one slot a millisecond; level 1
 * within the present 65.536 s, one slot 256 ms; and so on. When time reaches the start of a slot of
 * level 1..3, its timers are placed anew, further down. So slots of levels 0..2 always lie ahead of
 * the present one; only level 3 goes round. What is due already waits in `late` for the next
 * advance. */
#include "base/wheel.h"
#include "base/check.h"

#include <stdlib.h>

enum { LEVELS = 4, BITS = 8, SLOTS = 1 << BITS, MASK = SLOTS - 1, WORDS = SLOTS / 64 };

struct wheel {
    uint64_t now_ms;    /* every tick up to here has fired */
    uint64_t firing_ms; /* while advancing: the time advanced to, else 0 */
    size_t count;
    uint64_t full[LEVELS][WORDS]; /* one bit a slot that is not empty */
    struct list late, firing;
    struct list slots[LEVELS][SLOTS];
};

struct wheel *wheel_new(uint64_t now_ms)
{
    struct wheel *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    w->now_ms = now_ms;
    list_init(&w->late);
    list_init(&w->firing);
    for (unsigned level = 0; level < LEVELS; level++)
        for (unsigned i = 0; i < SLOTS; i++)
            list_init(&w->slots[level][i]);
    return w;
}

struct wheel *wheel_free(struct wheel *w)
{
    free(w);
    return NULL;
}

static unsigned index_at(uint64_t ms, unsigned level)
{
    return (unsigned)(ms >> (BITS * level)) & MASK;
}

static void place(struct wheel *w, struct wheel_timer *t)
{
    uint64_t at_ms = t->due_ms, horizon_ms = (UINT64_C(1) << (BITS * LEVELS)) - 1;
    if (at_ms - w->now_ms > horizon_ms)
        at_ms = w->now_ms + horizon_ms; /* placed again from there */
    unsigned level = (63 - (unsigned)__builtin_clzll((at_ms ^ w->now_ms) | 1)) / BITS;
    if (level >= LEVELS) level = LEVELS - 1;
    unsigned i = index_at(at_ms, level);
    list_push_back(&w->slots[level][i], &t->link);
    w->full[level][i / 64] |= UINT64_C(1) << (i % 64);
}

void wheel_start(struct wheel *w, struct wheel_timer *t, uint64_t now_ms, uint64_t delay_ms,
                 wheel_fn *fn, void *ctx)
{
    wheel_stop(w, t);
    t->due_ms = delay_ms < UINT64_MAX - now_ms ? now_ms + delay_ms : UINT64_MAX;
    t->fn = fn;
    t->ctx = ctx;
    w->count++;
    if (t->due_ms <= w->now_ms || t->due_ms <= w->firing_ms)
        list_push_back(&w->late, &t->link);
    else
        place(w, t);
}

/* The head of a list that holds t alone is known: clear the slot's bit when it is a slot. */
static void forget_slot(struct wheel *w, const struct list *head)
{
    size_t offset = (uintptr_t)head - (uintptr_t)w->slots;
    if (offset >= sizeof w->slots) return;
    size_t i = offset / sizeof *head;
    w->full[i / SLOTS][i % SLOTS / 64] &= ~(UINT64_C(1) << (i % 64));
}

void wheel_stop(struct wheel *w, struct wheel_timer *t)
{
    if (!wheel_is_running(t)) return;
    if (t->link.next == t->link.prev) forget_slot(w, t->link.next);
    list_remove(&t->link);
    w->count--;
}

/* The first full slot of a level from index `from` on, or SLOTS. */
static unsigned next_full(const struct wheel *w, unsigned level, unsigned from)
{
    for (unsigned word = from / 64; word < WORDS; word++) {
        uint64_t bits = w->full[level][word];
        if (word == from / 64) bits &= ~UINT64_C(0) << (from % 64);
        if (bits) return word * 64 + (unsigned)__builtin_ctzll(bits);
    }
    return SLOTS;
}

/* When something happens next: a slot of level 0 fires or one above it is placed anew. */
static uint64_t next_tick(const struct wheel *w)
{
    for (unsigned level = 0; level < LEVELS; level++) {
        unsigned here = index_at(w->now_ms, level);
        uint64_t round_ms = w->now_ms >> (BITS * (level + 1)) << (BITS * (level + 1));
        unsigned i = here < MASK ? next_full(w, level, here + 1) : SLOTS;
        if (i == SLOTS && level == LEVELS - 1) { /* the top level goes round */
            i = next_full(w, level, 0);
            round_ms += UINT64_C(1) << (BITS * LEVELS);
        }
        if (i < SLOTS) return round_ms + ((uint64_t)i << (BITS * level));
    }
    return UINT64_MAX;
}

static void take_slot(struct wheel *w, unsigned level, struct list *to)
{
    unsigned i = index_at(w->now_ms, level);
    struct list *head = &w->slots[level][i];
    list_init(to);
    if (list_is_empty(head)) return;
    list_insert_before(head->next, to);
    list_remove(head);
    w->full[level][i / 64] &= ~(UINT64_C(1) << (i % 64));
}

static void cascade(struct wheel *w)
{
    for (unsigned level = LEVELS - 1; level > 0; level--) {
        if (w->now_ms & ((UINT64_C(1) << (BITS * level)) - 1)) continue;
        struct list moving;
        take_slot(w, level, &moving);
        LIST_FOR_EACH(link, &moving)
        {
            list_remove(link);
            place(w, LIST_OF(link, struct wheel_timer, link));
        }
    }
}

/* A callback may stop any timer, also one that waits in firing. */
static void fire_all(struct wheel *w)
{
    for (struct list *link; (link = list_first(&w->firing));) {
        struct wheel_timer *t = LIST_OF(link, struct wheel_timer, link);
        wheel_stop(w, t);
        t->fn(t->ctx);
    }
}

void wheel_advance(struct wheel *w, uint64_t now_ms)
{
    CHECK(w->firing_ms == 0);
    w->firing_ms = now_ms > w->now_ms ? now_ms : w->now_ms;
    if (!list_is_empty(&w->late)) {
        list_insert_before(w->late.next, &w->firing);
        list_remove(&w->late);
        fire_all(w);
    }
    for (uint64_t tick; (tick = next_tick(w)) <= now_ms;) {
        w->now_ms = tick;
        cascade(w);
        take_slot(w, 0, &w->firing);
        fire_all(w);
    }
    if (now_ms > w->now_ms) w->now_ms = now_ms;
    w->firing_ms = 0;
}

uint64_t wheel_next_ms(const struct wheel *w, uint64_t now_ms)
{
    if (w->count == 0) return UINT64_MAX;
    if (!list_is_empty(&w->late)) return 0;
    uint64_t tick = next_tick(w);
    return tick > now_ms ? tick - now_ms : 0;
}

size_t wheel_count(const struct wheel *w)
{
    return w->count;
}
