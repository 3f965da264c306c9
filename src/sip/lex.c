/* sip/lex.c - the character tables. lex_test.c spells the classes out again and compares. */
#include "sip/lex_int.h"

/* clang-format off */
const uint8_t lex_class[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 0, 0, 2, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    2, 93, 0, 68, 92, 65, 92, 93, 92, 92, 93, 221, 4, 253, 253, 220,
    253, 253, 253, 253, 253, 253, 253, 253, 253, 253, 88, 4, 0, 84, 0, 84,
    64, 253, 253, 253, 253, 253, 253, 253, 253, 253, 253, 253, 253, 253, 253, 253,
    253, 253, 253, 253, 253, 253, 253, 253, 253, 253, 253, 88, 64, 88, 64, 253,
    65, 253, 253, 253, 253, 253, 253, 253, 253, 253, 253, 253, 253, 253, 253, 253,
    253, 253, 253, 253, 253, 253, 253, 253, 253, 253, 253, 64, 64, 64, 221, 0,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
};
const uint8_t lex_class2[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 48, 0, 16, 48, 16, 48, 48, 48, 48, 48, 48, 48, 48, 48, 16,
    51, 51, 51, 51, 51, 51, 51, 51, 51, 51, 16, 16, 0, 48, 0, 16,
    16, 54, 54, 54, 54, 54, 54, 52, 52, 52, 52, 52, 52, 52, 52, 52,
    52, 52, 52, 52, 52, 52, 52, 52, 52, 52, 52, 16, 16, 16, 16, 48,
    16, 54, 54, 54, 54, 54, 54, 52, 52, 52, 52, 52, 52, 52, 52, 52,
    52, 52, 52, 52, 52, 52, 52, 52, 52, 52, 52, 16, 16, 16, 48, 0,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
};
/* clang-format on */

bool lex_quoted(struct cur *c, struct str *content)
{
    if (cur_peek(c) != '"') return false;
    const char *start = c->p + 1, *p = start;
    while ((p = lex_find3(p, c->end, '"', '\\', '\\')) < c->end && *p == '\\') {
        if (c->end - p < 2) return false;
        p += 2;
    }
    if (p == c->end) return false;
    *content = str_of(start, (size_t)(p - start));
    c->p = p + 1;
    return true;
}

/* Sixteen bytes of ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" at once: tokens are long. */
static size_t lex_token68_blocks(struct str s)
{
    size_t n = 0;
#ifdef __SSE2__
    const __m128i fold = _mm_set1_epi8(0x20);
    for (; s.n - n >= 16; n += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s.p + n));
        __m128i low = _mm_or_si128(v, fold);
        __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(low, _mm_set1_epi8('a' - 1)),
                                       _mm_cmplt_epi8(low, _mm_set1_epi8('z' + 1)));
        __m128i dash_to_9 = _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8('-' - 1)),
                                          _mm_cmplt_epi8(v, _mm_set1_epi8('9' + 1)));
        __m128i line = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('_')),
                                    _mm_cmpeq_epi8(v, _mm_set1_epi8('~')));
        __m128i ok = _mm_or_si128(_mm_or_si128(letter, dash_to_9),
                                  _mm_or_si128(line, _mm_cmpeq_epi8(v, _mm_set1_epi8('+'))));
        if (_mm_movemask_epi8(ok) != 0xffff) break;
    }
#endif
    return n;
}

struct str lex_token68(struct cur *c)
{
    const char *start = c->p;
    if (cur_at_end(c)) return cur_since(c, start);
    c->p += lex_token68_blocks(cur_rest(c));
    (void)lex_run(c, LEX_TOKEN68);
    return cur_since(c, start);
}

bool lex_all_escaped(struct str s, const uint8_t class[256], unsigned mask)
{
    for (size_t i = 0; i < s.n;) {
        if ((class[(unsigned char)s.p[i]] & mask) != 0)
            i++;
        else if (s.p[i] != '%' || lex_unescape_at(s, &i) < 0)
            return false;
    }
    return true;
}

bool lex_eq_lower(struct str s, struct str lower)
{
    if (s.n != lower.n) return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c | 0x20);
        if (c != lower.p[i]) return false;
    }
    return true;
}

void lex_unfold(struct buf *out, struct str s)
{
    struct cur c = cur_of(lex_trim(s));
    if (lex_find_eol(c.p, c.end) == c.end) { /* the usual value has no fold */
        buf_put_str(out, cur_rest(&c));
        return;
    }
    while (!cur_at_end(&c)) {
        const char *start = c.p, *eol = lex_find_eol(c.p, c.end);
        c.p = eol;
        if (eol < c.end) {
            while (eol > start && lex_is(eol[-1], LEX_LWS))
                eol--;
            lex_lws(&c);
        }
        buf_put(out, start, (size_t)(eol - start));
        if (!cur_at_end(&c)) buf_put_char(out, ' ');
    }
}
