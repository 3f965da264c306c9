/* kit/alloc.c - counts and fails the allocations of our own objects. The linker sends their malloc,
 * calloc and realloc here (--wrap); shared libraries keep the C library's. One state a thread. */
#include "kit/kit.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);

static _Thread_local unsigned long seen;   /* allocations so far */
static _Thread_local unsigned long failed; /* of them made to fail */
static _Thread_local long until_failure;   /* 1: the next one; 0: none */
static _Thread_local bool goes_on;         /* all after it fail as well */

static _Thread_local const char *secret = ""; /* what freed blocks may not hold */
static _Thread_local unsigned long freed_with_secret;

/* Of a block that is about to go. */
static void look(void *p)
{
    if (p && *secret && memmem(p, malloc_usable_size(p), secret, strlen(secret)))
        freed_with_secret++;
}

void kit_watch_freed(const char *text)
{
    secret = text;
    freed_with_secret = 0;
}

unsigned long kit_freed_with_secret(void)
{
    return freed_with_secret;
}

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
    if (must_fail()) return NULL;
    look(p); /* it may move, and leave its bytes behind */
    return __real_realloc(p, n);
}

void __wrap_free(void *p)
{
    look(p);
    __real_free(p);
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
