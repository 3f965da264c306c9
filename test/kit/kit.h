/* kit/kit.h - what unit tests share. Include it first: it brings cmocka in the order it wants.
 * Not part of any program. */
#ifndef KIT_KIT_H
#define KIT_KIT_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

/* A copy of s that ends flush against an unreadable page: reading one byte too far crashes.
 * Freed by kit_guard_free. */
struct str kit_guard(struct str s);
void kit_guard_free(struct str s);

/* Heap use of our own code (libraries in shared objects are not counted). */
/* The nth allocation from now (1 = next) and all after it fail; 0: none. */
void kit_alloc_fail_at(long nth);
/* The nth alone. */
void kit_alloc_fail_once_at(long nth);
unsigned long kit_alloc_count(void); /* allocations so far in this thread */

/* Runs body(ctx) again and again, its 1st, 2nd, 3rd ... allocation failing, until one run makes no
 * failing allocation. body must leave nothing behind (ASan checks) and must not crash. */
void kit_each_alloc_fails(void (*body)(void *ctx), void *ctx);

/* Looks for secret in every block this thread's own code frees from now on, and counts those that
 * still hold it; "" looks no more. secret is constant text. */
void kit_watch_freed(const char *secret);
unsigned long kit_freed_with_secret(void);

/* Simulated time: starts at mono 1000 ms, unix 2026-01-01T00:00:00Z; moves only when told. */
struct kit_time {
    int64_t mono_ms, unix_ms;
};
struct clock kit_clock(struct kit_time *t); /* *t is initialised */
void kit_time_pass(struct kit_time *t, int64_t ms);

/* Seeded, repeatable randomness. */
struct kit_random {
    uint64_t state;
};
struct random_source kit_random(struct kit_random *r, uint64_t seed);

/* A log that keeps its last lines for assertions. */
struct kit_log {
    char text[16384];
    size_t n;
    struct kit_time time;
};
struct log kit_log(struct kit_log *l);
int kit_log_has(const struct kit_log *l, const char *needle);

/* Reads a file below the project's data/ folder (KIT_DATA in the environment, else ./data or
 * ../data): whole contents, malloc'ed; fails the test when it is missing. */
struct str kit_data(const char *path);

#define assert_rc(expected, actual) assert_string_equal(rc_name(expected), rc_name(actual))
/* Also where allocations are made to fail. */
#define assert_str(expected, actual) kit_assert_str((expected), (actual), __FILE__, __LINE__)
void kit_assert_str(const char *expected, struct str actual, const char *file, int line);
#include <stdlib.h>

#endif
