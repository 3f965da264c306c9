/* base/buf.c - growing output. One byte beyond max is kept for the NUL of buf_cstr. */
#include "base/buf.h"
#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUF_MIN = 64 };

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max < SIZE_MAX ? max : SIZE_MAX - 1};
}

void buf_init_secret(struct buf *b, size_t max)
{
    buf_init(b, max);
    b->wipes = true;
}

void buf_init_fixed(struct buf *b, void *p, size_t cap)
{
    *b = (struct buf){.p = p, .cap = cap, .max = cap, .fixed = true};
}

void buf_fini(struct buf *b)
{
    if (b->wipes && b->p) explicit_bzero(b->p, b->cap);
    if (!b->fixed) free(b->p);
    *b = (struct buf){.max = b->fixed ? 0 : b->max, .wipes = b->wipes};
}

void buf_reset(struct buf *b)
{
    b->n = 0;
    b->rc = RC_OK;
}

static bool fail(struct buf *b, enum rc rc)
{
    b->rc = rc;
    return false;
}

/* realloc would give the old memory back as it is. */
static char *move(struct buf *b, size_t cap)
{
    if (!b->wipes) return realloc(b->p, cap);
    char *p = malloc(cap);
    if (!p) return NULL;
    if (b->n > 0) memcpy(p, b->p, b->n);
    if (b->p) explicit_bzero(b->p, b->cap);
    free(b->p);
    return p;
}

static bool grow(struct buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : BUF_MIN;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (cap > b->max + 1) cap = b->max + 1;
    char *p = move(b, cap);
    if (!p) return fail(b, RC_NOMEM);
    b->p = p;
    b->cap = cap;
    return true;
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (b->rc != RC_OK) return NULL;
    if (n > b->max - b->n) {
        fail(b, RC_TOO_BIG);
        return NULL;
    }
    if (!b->fixed && b->cap < b->n + n + 1 && !grow(b, b->n + n + 1)) return NULL;
    return b->p + b->n;
}

void buf_add_n(struct buf *b, size_t n)
{
    if (b->rc != RC_OK) return;
    CHECK(n <= b->cap - b->n && n <= b->max - b->n);
    b->n += n;
}

void buf_put_growing(struct buf *b, const void *p, size_t n)
{
    if (n == 0) return;
    char *at = buf_reserve(b, n);
    if (!at) return;
    memcpy(at, p, n);
    b->n += n;
}

void buf_put_u64(struct buf *b, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + v % 10);
    while (v /= 10);
    buf_put(b, digits + at, sizeof digits - at);
}

void buf_put_u64_wide(struct buf *b, uint64_t v, unsigned digits)
{
    char text[20];
    CHECK(digits <= sizeof text);
    for (unsigned at = digits; at > 0; v /= 10)
        text[--at] = (char)('0' + v % 10);
    buf_put(b, text, digits);
}

void buf_put_i64(struct buf *b, int64_t v)
{
    if (v < 0) buf_put_char(b, '-');
    buf_put_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void buf_put_hex(struct buf *b, struct bytes bytes)
{
    if (bytes.n > SIZE_MAX / 2) {
        fail(b, RC_TOO_BIG);
        return;
    }
    char *at = buf_reserve(b, bytes.n * 2);
    if (!at) return;
    for (size_t i = 0; i < bytes.n; i++) {
        at[i * 2] = "0123456789abcdef"[bytes.p[i] >> 4];
        at[i * 2 + 1] = "0123456789abcdef"[bytes.p[i] & 15];
    }
    b->n += bytes.n * 2;
}

/* Printed apart because vsnprintf wants room for a NUL that a fixed buffer may not have. */
void buf_printf(struct buf *b, const char *fmt, ...)
{
    char small[256], *text = small;
    va_list ap;
    if (b->rc != RC_OK) return;
    va_start(ap, fmt);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (n < 0) {
        fail(b, RC_NOMEM);
        return;
    }
    if ((size_t)n >= sizeof small) {
        if (!(text = malloc((size_t)n + 1))) {
            fail(b, RC_NOMEM);
            return;
        }
        va_start(ap, fmt);
        vsnprintf(text, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    buf_put(b, text, (size_t)n);
    if (b->wipes) explicit_bzero(text, (size_t)n);
    if (b->wipes) explicit_bzero(small, sizeof small);
    if (text != small) free(text);
}

void buf_drop(struct buf *b, size_t n)
{
    CHECK(n <= b->n);
    if (n == 0) return;
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

const char *buf_cstr(struct buf *b)
{
    if (b->rc != RC_OK) return "";
    if (b->fixed && b->n == b->cap)
        fail(b, RC_TOO_BIG);
    else if (!b->fixed && b->cap < b->n + 1)
        grow(b, b->n + 1);
    if (b->rc != RC_OK) return "";
    b->p[b->n] = '\0';
    return b->p;
}
