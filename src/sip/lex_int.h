/* sip/lex_int.h - character classes and the small steps every field parser of this room takes. A
 * step moves the cursor only when it succeeds. LWS here is any run of SP, HTAB, CR, LF: inside a
 * value that sip_message_parse made, CR and LF only occur as folds (RFC 3261, 25.1). */
#ifndef SIP_LEX_INT_H
#define SIP_LEX_INT_H
#include "base/buf.h"
#include "base/cur.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    LEX_TOKEN = 1,   /* token */
    LEX_LWS = 2,     /* SP HTAB CR LF */
    LEX_USER = 4,    /* unreserved, user-unreserved and '#'; not '%' */
    LEX_PARAM = 8,   /* param-unreserved, unreserved; not '%' */
    LEX_HEADER = 16, /* hnv-unreserved, unreserved, '=' and '&'; not '%' */
    LEX_HOST = 32,   /* letters, digits, '-', '.', '_' */
    LEX_VALUE = 64,  /* unquoted generic parameter value, leniently */
    LEX_TOKEN68 = 128,
};
enum {
    LEX_DIGIT = 1,
    LEX_HEX = 2,
    LEX_ALPHA = 4,
    LEX_OPAQUE = 16, /* may stand in a URI we do not read: visible, not <>" */
    LEX_PASSWORD = 32,
};
extern const uint8_t lex_class[256], lex_class2[256];

static inline bool lex_is(char c, unsigned mask)
{
    return (lex_class[(unsigned char)c] & mask) != 0;
}
static inline bool lex_is2(char c, unsigned mask)
{
    return (lex_class2[(unsigned char)c] & mask) != 0;
}

/* The run of bytes of that class; may be empty. */
static inline struct str lex_run(struct cur *c, unsigned mask)
{
    const char *start = c->p;
    while (c->p < c->end && lex_is(*c->p, mask))
        c->p++;
    return cur_since(c, start);
}
static inline void lex_lws(struct cur *c)
{
    while (c->p < c->end && lex_is(*c->p, LEX_LWS))
        c->p++;
}
/* LWS, one char, LWS (SEMI, EQUAL, SLASH, COMMA ... of RFC 3261, 25.1). */
static inline bool lex_sep(struct cur *c, char want)
{
    struct cur t = *c;
    lex_lws(&t);
    if (!cur_char(&t, want)) return false;
    lex_lws(&t);
    *c = t;
    return true;
}
static inline bool lex_token(struct cur *c, struct str *out)
{
    *out = lex_run(c, LEX_TOKEN);
    return out->n > 0;
}
static inline struct str lex_trim(struct str s)
{
    while (s.n > 0 && lex_is(s.p[0], LEX_LWS))
        s.p++, s.n--;
    while (s.n > 0 && lex_is(s.p[s.n - 1], LEX_LWS))
        s.n--;
    return s;
}
/* "..." at the cursor; content without the quotes. False: not there or not terminated. */
bool lex_quoted(struct cur *c, struct str *content);
/* The run of LEX_TOKEN68 bytes at the cursor; may be empty. */
struct str lex_token68(struct cur *c);
/* All bytes of s have the class, or are %HH. */
bool lex_all_escaped(struct str s, const uint8_t class[256], unsigned mask);
/* ASCII case-blind, for a lower-case constant. */
bool lex_eq_lower(struct str s, struct str lower);
/* Value of a hexadecimal digit, or -1. */
static inline int lex_hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}
/* Byte at *i of a text with %HH escapes, *i moved behind it; -1 for a bad escape. */
static inline int lex_unescape_at(struct str s, size_t *i)
{
    if (s.p[*i] != '%') return (unsigned char)s.p[(*i)++];
    if (s.n - *i < 3) return -1;
    int high = lex_hex(s.p[*i + 1]), low = lex_hex(s.p[*i + 2]);
    if (high < 0 || low < 0) return -1;
    *i += 3;
    return high << 4 | low;
}
/* Prints s, each run of white space that holds a CR or LF as one space, trimmed. */
void lex_unfold(struct buf *out, struct str s);
/* Writes *at when there is one, and gives rc back. */
static inline enum rc lex_fail(struct parse_at *at, struct str in, const char *where,
                               const char *expected, enum rc rc)
{
    if (at)
        *at = (struct parse_at){.offset = in.p && where ? (size_t)(where - in.p) : 0,
                                .expected = expected};
    return rc;
}

/* First x, y or z in [p, end), or end. Never reads beyond end. */
static inline const char *lex_find3(const char *p, const char *end, char x, char y, char z)
{
#ifdef __SSE2__
    const __m128i vx = _mm_set1_epi8(x), vy = _mm_set1_epi8(y), vz = _mm_set1_epi8(z);
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i xy = _mm_or_si128(_mm_cmpeq_epi8(v, vx), _mm_cmpeq_epi8(v, vy));
        unsigned hit = (unsigned)_mm_movemask_epi8(_mm_or_si128(xy, _mm_cmpeq_epi8(v, vz)));
        if (hit != 0) return p + __builtin_ctz(hit);
    }
#endif
    while (p < end && *p != x && *p != y && *p != z)
        p++;
    return p;
}
/* First CR or LF in [p, end), or end. Values are long, so it takes 32 bytes a step. */
static inline const char *lex_find_eol(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
    for (; end - p >= 32; p += 32) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i w = _mm_loadu_si128((const __m128i *)(const void *)(p + 16));
        __m128i hit_v = _mm_or_si128(_mm_cmpeq_epi8(v, cr), _mm_cmpeq_epi8(v, lf));
        __m128i hit_w = _mm_or_si128(_mm_cmpeq_epi8(w, cr), _mm_cmpeq_epi8(w, lf));
        if (_mm_movemask_epi8(_mm_or_si128(hit_v, hit_w)) == 0) continue;
        unsigned low = (unsigned)_mm_movemask_epi8(hit_v),
                 high = (unsigned)_mm_movemask_epi8(hit_w);
        return p + __builtin_ctz(low | high << 16);
    }
#endif
    while (p < end && *p != '\r' && *p != '\n')
        p++;
    return p;
}

#endif
