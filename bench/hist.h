/* hist.h - a histogram of durations with a bounded relative error (1/64), whatever their range.
 * Values are nanoseconds up to about 18 minutes; longer ones count as the longest. Fixed memory,
 * no failure. A zeroed struct is an empty histogram. */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H
#include <stdint.h>

enum { HIST_SUB_BITS = 6, HIST_SUB = 1 << HIST_SUB_BITS, HIST_VALUE_BITS = 40 };
enum { HIST_BUCKETS = (HIST_VALUE_BITS - HIST_SUB_BITS + 1) * HIST_SUB };

struct hist {
    uint64_t count;
    uint64_t max_ns;
    uint64_t buckets[HIST_BUCKETS];
};

void hist_add(struct hist *h, uint64_t value_ns);

/* The value that the given share (0..1) of all values does not exceed, 0 for an empty histogram.
 * Never below the true value, and at most 1/64 above it. */
uint64_t hist_at(const struct hist *h, double share);

#endif
