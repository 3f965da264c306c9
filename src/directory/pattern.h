/* directory/pattern.h - many route patterns, compiled: which of them a dialled number matches
 * closest. Closest is the one that matches the fewest numbers, as in the reference: a bounded
 * pattern before an unbounded one (with '!', '?' or '+'); of bounded ones the smaller set; of
 * unbounded ones whose set of numbers of the dialled length is smaller, then who matches fewer
 * short numbers. Where all that is equal the earlier spelling decides.
 * Immutable after building; any thread may ask. Asking allocates nothing. */
#ifndef DIRECTORY_PATTERN_H
#define DIRECTORY_PATTERN_H
#include "base/arena.h"
#include "store/pattern.h"

struct pattern_table;

/* What a pattern compiles to. Its memory is the caller's; zeroed is empty. */
struct pattern_match {
    size_t index;   /* position in the list it was built from */
    size_t discard; /* digits of the number before the '.'; 0 where there is none */
};

/* Patterns in any order, each as written; the table lies in a and keeps no text of theirs.
 * RC_MALFORMED, RC_UNSUPPORTED, RC_TOO_BIG: *bad is the one that cannot be read. RC_NOMEM. An
 * unbounded pattern of so many overlapping repeats that its numbers cannot be counted comes last. */
MUST_CHECK enum rc pattern_table_new(const struct str *patterns, size_t count, struct arena *a,
                                     const struct pattern_table **out, size_t *bad);
/* False when none matches, and for what is no number (another character, over STORE_NUMBER_MAX). */
bool pattern_table_find(const struct pattern_table *t, struct str number,
                        struct pattern_match *out);

#endif
