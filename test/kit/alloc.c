/* kit/alloc.c - counts and fails the allocations of our own objects. The linker sends their malloc,
 * calloc and realloc here (--wrap); shared libraries keep the C library's. One state a thread. */
#include "kit/kit.h"

#include <stdio.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t n);

static _Thread_local unsigned long seen;   /* allocations so far */
static _Thread_local unsigned long failed; /* of them made to fail */
static _Thread_local long until_failure;   /* 1: the next one; 0: none */
static _Thread_local bool goes_on;         /* all after it fail as well */

static bool must_fail(void)
{
    seen++;
    if (until_failure == 0) return false;
    if (until_failure > 1) {
        until_failure--;
        return false;
    }
    if (!goes_on) until_failure = 0;
    failed++;
    return true;
}

void *__wrap_malloc(size_t n)
{
    return must_fail() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return must_fail() ? NULL : __real_realloc(p, n);
}

void kit_alloc_fail_at(long nth)
{
    until_failure = nth;
    goes_on = true;
}

void kit_alloc_fail_once_at(long nth)
{
    until_failure = nth;
    goes_on = false;
}

unsigned long kit_alloc_count(void)
{
    return seen;
}

static bool run_failing(long nth, bool on, void (*body)(void *ctx), void *ctx)
{
    unsigned long before = failed;
    until_failure = nth;
    goes_on = on;
    body(ctx);
    until_failure = 0;
    return failed != before;
}

/* Each allocation fails alone (what follows it must cope) and with all after it (so must the
 * clean-up). */
void kit_each_alloc_fails(void (*body)(void *ctx), void *ctx)
{
    enum { ALLOC_MAX = 100000 };
    for (long nth = 1; nth <= ALLOC_MAX; nth++) {
        if (!run_failing(nth, false, body, ctx)) return;
        run_failing(nth, true, body, ctx);
    }
    fail_msg("still allocating after %d failures", ALLOC_MAX);
}
