/* base/buf.h - growing output that remembers its first failure: a printer writes straight on and
 * checks buf_rc once at the end. After a failure nothing more is added. */
#ifndef BASE_BUF_H
#define BASE_BUF_H
#include "base/str.h"

struct buf {
    char *p;
    size_t n, cap; /* bytes used, bytes there */
    size_t max;    /* never grows beyond */
    enum rc rc;    /* RC_OK, RC_NOMEM or RC_TOO_BIG */
    bool fixed;    /* p is the caller's: never realloc, never free */
    bool wipes;    /* memory given back is wiped first: it held secrets */
};

/* Grows on the heap up to max bytes. */
void buf_init(struct buf *b, size_t max);
/* The same for secrets: nothing of them is left in memory it gave back. */
void buf_init_secret(struct buf *b, size_t max);
/* Writes into the caller's memory only; RC_TOO_BIG beyond. */
void buf_init_fixed(struct buf *b, void *p, size_t cap);
void buf_fini(struct buf *b);
/* Empties it and forgets a failure; keeps the memory. */
void buf_reset(struct buf *b);
/* Adds n bytes, making room for them first. */
void buf_put_growing(struct buf *b, const void *p, size_t n);
/* Here because every printed word passes by: where there is room, it is a copy and no call. */
static inline void buf_put(struct buf *b, const void *p, size_t n)
{
    if (b->rc != RC_OK || n >= b->cap - b->n || n > b->max - b->n) {
        buf_put_growing(b, p, n);
    } else if (n > 0) {
        memcpy(b->p + b->n, p, n);
        b->n += n;
    }
}
static inline void buf_put_str(struct buf *b, struct str s)
{
    buf_put(b, s.p, s.n);
}
static inline void buf_put_char(struct buf *b, char c)
{
    buf_put(b, &c, 1);
}
/* Exactly digits decimal digits, zeros in front; the lowest digits of v. At most 20. */
void buf_put_u64_wide(struct buf *b, uint64_t v, unsigned digits);
void buf_put_u64(struct buf *b, uint64_t v); /* decimal */
void buf_put_i64(struct buf *b, int64_t v);
void buf_put_hex(struct buf *b, struct bytes bytes); /* lower case */
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define buf_put_lit(b, lit) buf_put((b), "" lit, sizeof(lit) - 1)
/* Room for n more bytes without adding them: pointer to write at, or NULL (failure remembered).
 * buf_add_n then takes what was written. */
char *buf_reserve(struct buf *b, size_t n);
void buf_add_n(struct buf *b, size_t n);
/* Drops the first n bytes, moving the rest down. */
void buf_drop(struct buf *b, size_t n);

static inline enum rc buf_rc(const struct buf *b)
{
    return b->rc;
}
static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->p, b->n};
}
/* NUL-terminated view (the NUL is not counted); "" after a failure. */
const char *buf_cstr(struct buf *b);

#endif
