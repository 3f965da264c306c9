/* base/str.c - comparing, searching and converting slices. */
#include "base/str.h"

#include <stdlib.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n) return false;
    if (a.n == 0 || memcmp(a.p, b.p, a.n) == 0)
        return true; /* nearly always, when they are equal */
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i])) return false;
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_of(s.p, prefix.n), prefix);
}

bool str_starts_nocase(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq_nocase(str_of(s.p, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n &&
           (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

ptrdiff_t str_find_char(struct str s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? at - s.p : STR_NPOS;
}

ptrdiff_t str_find(struct str s, struct str needle)
{
    if (needle.n == 0) return 0;
    const char *at = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    return at ? at - s.p : STR_NPOS;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    size_t from = 0, to = s.n;
    while (from < to && is_blank(s.p[from]))
        from++;
    while (to > from && is_blank(s.p[to - 1]))
        to--;
    return str_sub(s, from, to);
}

bool str_split(struct str *rest, char sep, struct str *part)
{
    if (!rest->p) return false;
    ptrdiff_t at = str_find_char(*rest, sep);
    if (at == STR_NPOS) {
        *part = *rest;
        *rest = (struct str){0};
        return true;
    }
    *part = str_of(rest->p, (size_t)at);
    *rest = str_of(rest->p + at + 1, rest->n - (size_t)at - 1);
    return true;
}

/* A wrong byte outweighs a range: "99999999999999999999x" is malformed, not too big. */
enum rc str_to_u64(struct str s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    bool over = false;
    if (s.n == 0) return RC_MALFORMED;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') return RC_MALFORMED;
        over = over || __builtin_mul_overflow(v, 10, &v) ||
               __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v);
    }
    if (over || v > max) return RC_TOO_BIG;
    *out = v;
    return RC_OK;
}

enum rc str_to_i64(struct str s, int64_t *out)
{
    bool minus = s.n > 0 && s.p[0] == '-';
    uint64_t v, max = (uint64_t)INT64_MAX + (minus ? 1 : 0);
    enum rc rc = str_to_u64(minus ? str_sub(s, 1, s.n) : s, max, &v);
    if (rc != RC_OK) return rc;
    *out = minus ? (int64_t)(0 - v) : (int64_t)v;
    return RC_OK;
}

enum rc str_to_cstr(struct str s, char *out, size_t cap)
{
    if (s.n >= cap) return RC_TOO_BIG;
    if (str_find_char(s, '\0') != STR_NPOS) return RC_MALFORMED;
    if (s.n) memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return RC_OK;
}

char *str_dup_cstr(struct str s)
{
    char *copy = malloc(s.n + 1);
    if (!copy) return NULL;
    if (s.n) memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

/* Length of the UTF-8 sequence at p of n > 0 bytes, 0 when it is none. RFC 3629, 4: the second
 * byte's range excludes overlong forms, surrogates and what lies over U+10FFFF. */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80) return p[0] != 0;
    if (p[0] < 0xC2 || p[0] > 0xF4) return 0;
    size_t len = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    unsigned low = p[0] == 0xE0 ? 0xA0 : p[0] == 0xF0 ? 0x90 : 0x80;
    unsigned high = p[0] == 0xED ? 0x9F : p[0] == 0xF4 ? 0x8F : 0xBF;
    if (n < len || p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    return len;
}

bool str_is_utf8(struct str s)
{
    for (size_t at = 0, len; at < s.n; at += len) {
        len = utf8_sequence((const unsigned char *)s.p + at, s.n - at);
        if (len == 0) return false;
    }
    return true;
}
