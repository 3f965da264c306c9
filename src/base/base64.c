/* base/base64.c - one coder for both alphabets; they differ in two letters and in the padding. */
#include "base/base64.h"

enum { NO = 255 };

static const char letters_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char letters_classic[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of each ASCII letter of either alphabet. */
static const uint8_t values[128] = {
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 62,
    NO, 62, NO, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, NO, NO, NO, NO, 0,
    1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
    23, 24, 25, NO, NO, NO, NO, 63, NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,
    39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NO, NO, NO, NO, NO,
};

static void print(struct buf *out, struct bytes in, const char *letters, bool padded)
{
    size_t i = 0;
    if (in.n > SIZE_MAX / 4) out->rc = out->rc == RC_OK ? RC_TOO_BIG : out->rc;
    char *to = buf_reserve(out, padded ? BASE64_LEN(in.n) : BASE64URL_LEN(in.n));
    if (!to) return;
    char *start = to;
    for (; in.n - i >= 3; i += 3) {
        uint32_t v = (uint32_t)in.p[i] << 16 | (uint32_t)in.p[i + 1] << 8 | in.p[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            *to++ = letters[v >> shift & 63];
    }
    size_t rest = in.n - i;
    if (rest) {
        uint32_t v = (uint32_t)in.p[i] << 16 | (rest == 2 ? (uint32_t)in.p[i + 1] << 8 : 0);
        *to++ = letters[v >> 18];
        *to++ = letters[v >> 12 & 63];
        if (rest == 2) *to++ = letters[v >> 6 & 63];
        for (size_t n = rest; padded && n < 3; n++)
            *to++ = '=';
    }
    buf_add_n(out, (size_t)(to - start));
}

void base64url_print(struct buf *out, struct bytes in)
{
    print(out, in, letters_url, false);
}

void base64_print(struct buf *out, struct bytes in)
{
    print(out, in, letters_classic, true);
}

static unsigned value_of(char c, const char *letters)
{
    unsigned char at = (unsigned char)c;
    unsigned v = at < sizeof values ? values[at] : NO;
    return v != NO && letters[v] == c ? v : NO; /* the letter is of this alphabet */
}

/* in without padding. The bits left over at the end must be zero (RFC 4648, 3.5). */
static enum rc decode(struct str in, const char *letters, uint8_t *out, size_t cap, size_t *out_n)
{
    size_t n = in.n / 4 * 3 + (in.n % 4 ? in.n % 4 - 1 : 0), at = 0;
    uint32_t bits = 0;
    if (in.n % 4 == 1) return RC_MALFORMED;
    if (n > cap) return RC_TOO_BIG;
    for (size_t i = 0; i < in.n; i++) {
        unsigned v = value_of(in.p[i], letters);
        if (v == NO) return RC_MALFORMED;
        bits = bits << 6 | v;
        if (i % 4 != 0) out[at++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    unsigned left_over = in.n % 4 == 2 ? 15 : in.n % 4 == 3 ? 3 : 0;
    if (bits & left_over) return RC_MALFORMED;
    *out_n = n;
    return RC_OK;
}

enum rc base64url_decode(struct str in, uint8_t *out, size_t cap, size_t *out_n)
{
    return decode(in, letters_url, out, cap, out_n);
}

enum rc base64_decode(struct str in, uint8_t *out, size_t cap, size_t *out_n)
{
    if (in.n % 4) return RC_MALFORMED;
    for (int pad = 0; pad < 2 && in.n && in.p[in.n - 1] == '='; pad++)
        in.n--;
    return decode(in, letters_classic, out, cap, out_n);
}

enum rc base64url_decode_arena(struct str in, struct arena *a, struct bytes *out)
{
    size_t cap = BASE64_DECODED_MAX(in.n), n;
    uint8_t *p = arena_alloc(a, cap);
    if (!p) return RC_NOMEM;
    enum rc rc = base64url_decode(in, p, cap, &n);
    if (rc == RC_OK) *out = bytes_of(p, n);
    return rc;
}

static unsigned hex_value(char c)
{
    if (c >= '0' && c <= '9') return (unsigned)(c - '0');
    char small = (char)(c | 0x20);
    return small >= 'a' && small <= 'f' ? (unsigned)(small - 'a' + 10) : NO;
}

enum rc hex_decode(struct str in, uint8_t *out, size_t cap, size_t *out_n)
{
    if (in.n % 2) return RC_MALFORMED;
    if (in.n / 2 > cap) return RC_TOO_BIG;
    for (size_t i = 0; i < in.n; i += 2) {
        unsigned high = hex_value(in.p[i]), low = hex_value(in.p[i + 1]);
        if (high == NO || low == NO) return RC_MALFORMED;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    *out_n = in.n / 2;
    return RC_OK;
}
