/* Each pattern is a small automaton without branches but repeats: a bit for each element, a number's
 * digits move a set of bits along. Patterns stand
 * sorted, closest first, in one list for each first digit, so most are never looked at. */
#include "directory/pattern.h"
#include <stdlib.h>

enum {
    SUBSETS_MAX = 128 /* different sets of bits while counting what an unbounded one matches */
};

/* A count without rounding: 17^48 numbers fit. Highest word first. */
struct tally {
    uint64_t words[4];
};

struct automaton {
    uint64_t accept[STORE_SYMBOL_COUNT];        /* elements that take the symbol */
    uint64_t follow[STORE_PATTERN_ELEMENT_MAX]; /* elements that may come after this one */
    uint64_t first, last;                       /* elements a number may begin and end with */
    size_t count;                               /* elements */
    bool bounded;
    struct tally total;            /* bounded: how many numbers it matches */
    const struct tally *of_length; /* unbounded: how many of each length, 0..STORE_NUMBER_MAX */
    struct str text;               /* while sorting */
    size_t index, discard;
};

struct bucket {
    const struct automaton **bounded, **unbounded; /* closest first */
    size_t bounded_count, unbounded_count;
};

struct pattern_table {
    struct bucket buckets[STORE_SYMBOL_COUNT]; /* by a number's first digit */
};

/* --- big counts --- */

static int tally_cmp(const struct tally *a, const struct tally *b)
{
    for (size_t i = 0; i < 4; i++)
        if (a->words[i] != b->words[i]) return a->words[i] < b->words[i] ? -1 : 1;
    return 0;
}

static void tally_add(struct tally *to, const struct tally *more)
{
    uint64_t carry = 0;
    for (size_t i = 4; i-- > 0;) {
        uint64_t sum = to->words[i] + carry;
        carry = sum < carry;
        to->words[i] = sum + more->words[i];
        carry += to->words[i] < sum;
    }
}

/* times <= STORE_SYMBOL_COUNT */
static void tally_multiply(struct tally *t, int times)
{
    struct tally once = *t;
    for (int i = 1; i < times; i++)
        tally_add(t, &once);
}

/* --- compiling --- */

static uint64_t bit(size_t i)
{
    return (uint64_t)1 << i;
}

/* Elements reachable from just before element i: it, and what comes behind those that may be absent. */
static uint64_t reach(const struct store_pattern *p, size_t i)
{
    uint64_t set = 0;
    for (; i < p->count; i++) {
        set |= bit(i);
        if (p->elements[i].repeat != STORE_PATTERN_ANY) break;
    }
    return set;
}

static void compile(const struct store_pattern *p, struct automaton *a)
{
    a->count = p->count;
    a->discard = p->dot;
    a->bounded = true;
    a->total = (struct tally){{0, 0, 0, 1}};
    a->first = reach(p, 0);
    for (size_t i = 0; i < p->count; i++) {
        uint32_t symbols = p->elements[i].symbols;
        for (size_t s = 0; s < STORE_SYMBOL_COUNT; s++)
            if (symbols & 1u << s) a->accept[s] |= bit(i);
        a->follow[i] = reach(p, i + 1);
        if (p->elements[i].repeat != STORE_PATTERN_ONCE) {
            a->follow[i] |= bit(i);
            a->bounded = false;
        }
        tally_multiply(&a->total, __builtin_popcount(symbols));
    }
    for (size_t i = p->count; i-- > 0;) {
        a->last |= bit(i);
        if (p->elements[i].repeat != STORE_PATTERN_ANY) break;
    }
}

static uint64_t next(const struct automaton *a, uint64_t set, size_t symbol)
{
    uint64_t to = 0;
    for (; set != 0; set &= set - 1)
        to |= a->follow[__builtin_ctzll(set)];
    return to & a->accept[symbol];
}

/* --- counting: how many numbers of each length an unbounded pattern matches --- */

/* Numbers that lead to the same set of elements go on alike: so many of them. */
struct subset {
    uint64_t set;
    struct tally numbers;
};
struct subsets {
    struct subset rows[SUBSETS_MAX];
    size_t count;
};

/* False: there is no room for another set. */
static bool subset_add(struct subsets *to, uint64_t set, const struct tally *numbers)
{
    if (set == 0) return true;
    for (size_t i = 0; i < to->count; i++)
        if (to->rows[i].set == set) {
            tally_add(&to->rows[i].numbers, numbers);
            return true;
        }
    if (to->count == SUBSETS_MAX) return false;
    to->rows[to->count++] = (struct subset){set, *numbers};
    return true;
}

/* The sets one digit further on. */
static bool subsets_step(const struct automaton *a, const struct subsets *from, struct subsets *to)
{
    to->count = 0;
    for (size_t i = 0; i < from->count; i++)
        for (size_t s = 0; s < STORE_SYMBOL_COUNT; s++)
            if (!subset_add(to, next(a, from->rows[i].set, s), &from->rows[i].numbers))
                return false;
    return true;
}

/* Lengths that cannot be counted, the sets being too many, count as without bound. */
static void count_lengths(const struct automaton *a, struct tally *of_length)
{
    static const struct tally one = {{0, 0, 0, 1}}, endless = {{UINT64_MAX, 0, 0, 0}};
    struct subsets both[2] = {{.count = 0}, {.count = 0}};
    bool counted = true;
    for (size_t s = 0; s < STORE_SYMBOL_COUNT; s++)
        counted = subset_add(&both[1], a->first & a->accept[s], &one);
    for (size_t n = 1; n <= STORE_NUMBER_MAX; n++) {
        const struct subsets *now = &both[n % 2];
        for (size_t i = 0; i < now->count; i++)
            if (now->rows[i].set & a->last) tally_add(&of_length[n], &now->rows[i].numbers);
        if (!counted) of_length[n] = endless;
        counted = counted && subsets_step(a, now, &both[(n + 1) % 2]);
    }
}

/* --- the table --- */

/* Bounded ones first, the smaller set first. Of unbounded ones those that match fewer short numbers;
 * closest() puts the dialled length before that. Then by spelling, so that the order is always the same. */
static int closer(const void *x, const void *y)
{
    const struct automaton *a = x, *b = y;
    int order = 0;
    if (a->bounded != b->bounded) return a->bounded ? -1 : 1;
    if (a->bounded) order = tally_cmp(&a->total, &b->total);
    for (size_t n = 1; !a->bounded && order == 0 && n <= STORE_NUMBER_MAX; n++)
        order = tally_cmp(&a->of_length[n], &b->of_length[n]);
    return order != 0 ? order : str_cmp(a->text, b->text);
}

static enum rc compile_all(const struct str *patterns, size_t count, struct arena *arena,
                           struct automaton *all, size_t *bad)
{
    for (size_t i = 0; i < count; i++) {
        struct store_pattern p;
        const char *reason;
        size_t at;
        *bad = i;
        enum rc rc = store_pattern_parse(patterns[i], &p, &at, &reason);
        if (rc != RC_OK) return rc;
        all[i].index = i;
        all[i].text = patterns[i];
        compile(&p, &all[i]);
        if (all[i].bounded) continue;
        struct tally *of_length = ARENA_ARRAY(arena, struct tally, STORE_NUMBER_MAX + 1);
        if (!of_length) return RC_NOMEM;
        count_lengths(&all[i], of_length);
        all[i].of_length = of_length;
    }
    return RC_OK;
}

static enum rc fill_bucket(struct bucket *b, size_t symbol, const struct automaton *all,
                           size_t count, struct arena *arena)
{
    size_t n[2] = {0, 0};
    for (size_t i = 0; i < count; i++)
        if (all[i].first & all[i].accept[symbol]) n[all[i].bounded]++;
    b->bounded = ARENA_ARRAY(arena, const struct automaton *, n[true]);
    b->unbounded = ARENA_ARRAY(arena, const struct automaton *, n[false]);
    if (!b->bounded || !b->unbounded) return RC_NOMEM;
    for (size_t i = 0; i < count; i++) {
        if (!(all[i].first & all[i].accept[symbol])) continue;
        if (all[i].bounded)
            b->bounded[b->bounded_count++] = &all[i];
        else
            b->unbounded[b->unbounded_count++] = &all[i];
    }
    return RC_OK;
}

enum rc pattern_table_new(const struct str *patterns, size_t count, struct arena *a,
                          const struct pattern_table **out, size_t *bad)
{
    struct pattern_table *t = ARENA_NEW(a, struct pattern_table);
    struct automaton *all = ARENA_ARRAY(a, struct automaton, count);
    enum rc rc = t && all ? compile_all(patterns, count, a, all, bad) : RC_NOMEM;
    if (rc != RC_OK) return rc;
    if (count > 1) qsort(all, count, sizeof *all, closer);
    for (size_t s = 0; rc == RC_OK && s < STORE_SYMBOL_COUNT; s++)
        rc = fill_bucket(&t->buckets[s], s, all, count, a);
    for (size_t i = 0; i < count; i++)
        all[i].text = STR(""); /* the caller's */
    if (rc == RC_OK) *out = t;
    return rc;
}

/* --- asking --- */

static bool matches(const struct automaton *a, const uint8_t *symbols, size_t n)
{
    uint64_t set = a->first & a->accept[symbols[0]];
    for (size_t i = 1; set != 0 && i < n; i++)
        set = next(a, set, symbols[i]);
    return (set & a->last) != 0;
}

static const struct automaton *closest(const struct bucket *b, const uint8_t *symbols, size_t n)
{
    const struct automaton *best = NULL;
    for (size_t i = 0; i < b->bounded_count; i++)
        if (b->bounded[i]->count == n && matches(b->bounded[i], symbols, n)) return b->bounded[i];
    for (size_t i = 0; i < b->unbounded_count; i++) {
        const struct automaton *a = b->unbounded[i];
        if (best && tally_cmp(&a->of_length[n], &best->of_length[n]) >= 0) continue;
        if (matches(a, symbols, n)) best = a;
    }
    return best;
}

bool pattern_table_find(const struct pattern_table *t, struct str number, struct pattern_match *out)
{
    uint8_t symbols[STORE_NUMBER_MAX];
    if (number.n == 0 || number.n > STORE_NUMBER_MAX) return false;
    for (size_t i = 0; i < number.n; i++) {
        int s = store_pattern_symbol(number.p[i]);
        if (s < 0) return false;
        symbols[i] = (uint8_t)s;
    }
    const struct automaton *a = closest(&t->buckets[symbols[0]], symbols, number.n);
    if (!a) return false;
    *out = (struct pattern_match){a->index, a->discard};
    return true;
}
