/* base/cur.h - a cursor over text for hand-written parsers. Every step advances only on success. */
#ifndef BASE_CUR_H
#define BASE_CUR_H
#include "base/str.h"

struct cur {
    const char *p, *end;
};

/* Where a parse failed and what was expected there; written only on failure. */
struct parse_at {
    size_t offset;        /* bytes from the start of the input */
    const char *expected; /* constant text: "a token", "'>'" */
};

static inline struct cur cur_of(struct str s)
{
    return (struct cur){s.p, s.p ? s.p + s.n : s.p};
}
static inline bool cur_at_end(const struct cur *c)
{
    return c->p == c->end;
}
static inline size_t cur_left(const struct cur *c)
{
    return (size_t)(c->end - c->p);
}
/* The next byte, or -1 at the end. */
static inline int cur_peek(const struct cur *c)
{
    return c->p < c->end ? (unsigned char)*c->p : -1;
}
static inline bool cur_char(struct cur *c, char want)
{
    if (c->p == c->end || *c->p != want) return false;
    c->p++;
    return true;
}
static inline struct str cur_rest(const struct cur *c)
{
    return (struct str){c->p, (size_t)(c->end - c->p)};
}
static inline struct str cur_since(const struct cur *c, const char *start)
{
    return (struct str){start, (size_t)(c->p - start)};
}

#endif
