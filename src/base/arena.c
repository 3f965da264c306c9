/* base/arena.c - bump allocation in the lent block, then in heap blocks of growing size. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_MIN = 2048, BLOCK_MAX = 65536, ALIGN = alignof(max_align_t) };

struct arena_block {
    struct arena_block *older;
    size_t n; /* bytes that follow */
    alignas(ALIGN) char bytes[];
};

void arena_init(struct arena *a, void *first, size_t first_n, size_t max_bytes)
{
    *a = (struct arena){.first = first, .first_n = first ? first_n : 0, .max_bytes = max_bytes};
    a->at = a->first;
    a->end = a->first ? a->first + a->first_n : NULL;
}

void arena_reset(struct arena *a)
{
    while (a->heap) {
        struct arena_block *older = a->heap->older;
        free(a->heap);
        a->heap = older;
    }
    arena_init(a, a->first, a->first_n, a->max_bytes);
}

void arena_fini(struct arena *a)
{
    arena_reset(a);
}

void arena_wipe(struct arena *a)
{
    if (a->first) explicit_bzero(a->first, a->first_n);
    for (struct arena_block *b = a->heap; b; b = b->older)
        explicit_bzero(b->bytes, b->n);
    arena_reset(a);
}

/* A block for at least n bytes: twice the last one while max_bytes allows, else what is left. */
static bool add_block(struct arena *a, size_t n)
{
    size_t left = a->max_bytes - a->heap_bytes;
    if (n > left) return false;
    size_t want = a->heap ? a->heap->n * 2 : BLOCK_MIN;
    if (want > BLOCK_MAX) want = BLOCK_MAX;
    if (want < n) want = n;
    if (want > left) want = left;
    if (want > SIZE_MAX - sizeof(struct arena_block)) return false;
    struct arena_block *b = malloc(sizeof *b + want);
    if (!b) return false;
    b->older = a->heap;
    b->n = want;
    a->heap = b;
    a->heap_bytes += want;
    a->at = b->bytes;
    a->end = b->bytes + want;
    return true;
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n == 0) n = 1;
    size_t pad = (size_t)(-(uintptr_t)a->at & (ALIGN - 1));
    size_t left = (size_t)(a->end - a->at);
    if (left < pad || left - pad < n) {
        if (!add_block(a, n)) return NULL;
        pad = 0;
    }
    char *p = a->at + pad;
    a->at = p + n;
    return p;
}

void *arena_zalloc(struct arena *a, size_t n)
{
    void *p = arena_alloc(a, n);
    if (p) memset(p, 0, n);
    return p;
}

void *arena_array_zalloc(struct arena *a, size_t size, size_t count)
{
    size_t n;
    return __builtin_mul_overflow(size, count, &n) ? NULL : arena_zalloc(a, n);
}

enum rc arena_str_dup(struct arena *a, struct str s, struct str *out)
{
    if (s.n == SIZE_MAX) return RC_NOMEM;
    char *p = arena_alloc(a, s.n + 1);
    if (!p) return RC_NOMEM;
    if (s.n) memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    *out = str_of(p, s.n);
    return RC_OK;
}

enum rc arena_printf(struct arena *a, struct str *out, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (!p) return RC_NOMEM;
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    *out = str_of(p, (size_t)n);
    return RC_OK;
}
