/* store/pattern.h - the notation of route patterns, as the reference writes them: text to a short
 * list of elements and the one spelling that equal patterns share. Matching many of them quickly is
 * directory/pattern.h. Pure functions; no memory but the caller's.
 *
 *   0-9 A-D * #  themselves        \+   a plus sign
 *   X            one of 0-9        !    one or more of 0-9
 *   [25-8]       one of these      [^5] one of 0-9 but these
 *   ?            the element before it any number of times, also none
 *   +            the element before it once or more
 *   .            where "discard PreDot" cuts; matches nothing. At most one, behind elements that
 *                match one digit each
 *   @            a national numbering plan: refused, there is none here
 * Letters come in either case. */
#ifndef STORE_PATTERN_H
#define STORE_PATTERN_H
#include "base/str.h"

enum {
    STORE_PATTERN_MAX = 64,         /* bytes of a pattern as written */
    STORE_PATTERN_ELEMENT_MAX = 48, /* elements of one */
    STORE_NUMBER_MAX = 48,          /* digits of a dialled number that patterns are asked for */
    STORE_SYMBOL_COUNT = 17,        /* 0-9 A-D * # + */
};

enum store_pattern_repeat {
    STORE_PATTERN_ONCE,
    STORE_PATTERN_MANY, /* once or more */
    STORE_PATTERN_ANY,  /* any number of times, also none */
};

struct store_pattern_element {
    uint32_t symbols; /* bit n: store_pattern_symbol gives n */
    enum store_pattern_repeat repeat;
};

struct store_pattern {
    struct store_pattern_element elements[STORE_PATTERN_ELEMENT_MAX];
    size_t count;
    size_t dot;                            /* elements before the '.', 0 where there is none */
    char canonical[4 * STORE_PATTERN_MAX]; /* patterns that match the same by their elements have
                                                the same; without the dot */
    char literal[STORE_PATTERN_ELEMENT_MAX + 1]; /* the one number it matches; "" when many */
};

/* 0..STORE_SYMBOL_COUNT-1, or -1 for a character that is no symbol. */
int store_pattern_symbol(char c);

/* The character of a symbol. */
char store_pattern_char(int symbol);

/* Reads the notation. RC_MALFORMED or RC_TOO_BIG with *at where; RC_UNSUPPORTED for '@'. reason is a
 * constant sentence part: "a '[' without its ']'". Neither may be NULL. */
MUST_CHECK enum rc store_pattern_parse(struct str text, struct store_pattern *out, size_t *at,
                                       const char **reason);

#endif
