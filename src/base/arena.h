/* base/arena.h - one arena per message or request; everything drawn from it dies with it.
 * The caller may lend a first block (on its stack or in its pool) so that ordinary messages touch
 * no heap; further blocks come from malloc, together never more than max bytes. Not thread-safe. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include "base/str.h"

struct arena_block;

struct arena {
    char *at, *end;           /* free part of the present block */
    struct arena_block *heap; /* newest heap block first */
    size_t heap_bytes, max_bytes;
    char *first; /* the lent block */
    size_t first_n;
};

/* first may be NULL (first_n 0). max_bytes bounds the heap part. */
void arena_init(struct arena *a, void *first, size_t first_n, size_t max_bytes);
/* Frees all heap blocks; a may be used again as after arena_init. */
void arena_reset(struct arena *a);
void arena_fini(struct arena *a);
/* As arena_reset, and clears all of it before: the lent block and every heap block. For arenas that
 * held passwords, tokens or keys. */
void arena_wipe(struct arena *a);
/* n bytes aligned for any type, not cleared; NULL when out of memory or over max. n == 0 gives a
 * valid pointer. (Not "malloc" to the compiler: the lent block is seen from outside, too.) */
void *arena_alloc(struct arena *a, size_t n) __attribute__((alloc_size(2)));
/* As above, zeroed. */
void *arena_zalloc(struct arena *a, size_t n) __attribute__((alloc_size(2)));
/* Copies s (and a NUL behind it); RC_NOMEM. *out may be &s's own variable. */
MUST_CHECK enum rc arena_str_dup(struct arena *a, struct str s, struct str *out);
/* printf into the arena, NUL-terminated; RC_NOMEM. */
MUST_CHECK enum rc arena_printf(struct arena *a, struct str *out, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#define ARENA_NEW(a, type)          ((type *)arena_zalloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, count) ((type *)arena_array_zalloc((a), sizeof(type), (count)))
/* Zeroed; NULL on overflow too. */
void *arena_array_zalloc(struct arena *a, size_t size, size_t count);

#endif
