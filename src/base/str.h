/* base/str.h - text and bytes as slices by value. A slice never owns; whoever hands one out says
 * what it points into and until when. A slice of length 0 may have p == NULL. */
#ifndef BASE_STR_H
#define BASE_STR_H
#include "base/rc.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n; /* bytes */
};

struct bytes {
    const uint8_t *p;
    size_t n;
};

#define STR(lit) ((struct str){"" lit, sizeof(lit) - 1})
/* clang-format off */
#define STR_INIT(lit) {"" lit, sizeof(lit) - 1} /* for constant tables */
/* clang-format on */
/* printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_from(const char *nul_terminated)
{
    return (struct str){nul_terminated, nul_terminated ? strlen(nul_terminated) : 0};
}
static inline struct str str_of(const char *p, size_t n)
{
    return (struct str){p, n};
}
static inline struct bytes bytes_of(const void *p, size_t n)
{
    return (struct bytes){p, n};
}
static inline struct bytes str_bytes(struct str s)
{
    return (struct bytes){(const uint8_t *)s.p, s.n};
}
static inline struct str bytes_str(struct bytes b)
{
    return (struct str){(const char *)b.p, b.n};
}
static inline bool str_is_empty(struct str s)
{
    return s.n == 0;
}
static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
/* [from, to) clipped to s. */
static inline struct str str_sub(struct str s, size_t from, size_t to)
{
    if (to > s.n) to = s.n;
    if (from >= to) return (struct str){s.p ? s.p + (from < s.n ? from : s.n) : NULL, 0};
    return (struct str){s.p + from, to - from};
}

enum { STR_NPOS = -1 };

/* ASCII letters compare without case; other bytes exactly. */
bool str_eq_nocase(struct str a, struct str b);
/* memcmp order, a shorter prefix first. */
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Index of the first c, or STR_NPOS. */
ptrdiff_t str_find_char(struct str s, char c);
/* Index of the first needle, or STR_NPOS. */
ptrdiff_t str_find(struct str s, struct str needle);
/* Without leading and trailing SP, HTAB, CR, LF. */
struct str str_trim(struct str s);
/* Takes the part before the first sep out of *rest (and the sep); the whole where there is none.
 * False when *rest was used up (p == NULL marks that). An empty field between two seps counts. */
bool str_split(struct str *rest, char sep, struct str *part);
/* The whole slice as decimal digits only; RC_MALFORMED for anything else, RC_TOO_BIG above max. */
MUST_CHECK enum rc str_to_u64(struct str s, uint64_t max, uint64_t *out);
/* As above with an optional leading '-'. */
MUST_CHECK enum rc str_to_i64(struct str s, int64_t *out);
/* Copies into cap bytes and terminates; RC_TOO_BIG when it does not fit, RC_MALFORMED when s holds
 * a NUL byte. For libc and libraries that ask for NUL strings. */
MUST_CHECK enum rc str_to_cstr(struct str s, char *out, size_t cap);
/* A NUL-terminated heap copy, NULL when out of memory; free() it. */
char *str_dup_cstr(struct str s);
/* Well-formed UTF-8 without NUL (RFC 3629). */
bool str_is_utf8(struct str s);

#endif
