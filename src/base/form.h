/* base/form.h - percent-encoding and application/x-www-form-urlencoded pairs (RFC 3986, 2.1; WHATWG
 * URL, 5). Used for query strings and form bodies. */
#ifndef BASE_FORM_H
#define BASE_FORM_H
#include "base/arena.h"
#include "base/buf.h"

enum { FORM_PAIR_MAX = 64 };

struct form_pair {
    /* Decoded; in the arena, or slices of the input where nothing was coded. */
    struct str name, value;
};

struct form {
    struct form_pair pairs[FORM_PAIR_MAX];
    size_t count;
};

/* RC_MALFORMED (bad %HH, a decoded NUL), RC_TOO_BIG (over FORM_PAIR_MAX), RC_NOMEM. */
MUST_CHECK enum rc form_parse(struct str in, struct arena *a, struct form *out);
/* The value of the only pair of that name. RC_NOT_FOUND; RC_INVALID when it stands there twice
 * (RFC 6749, 3.1 forbids repeated parameters). */
MUST_CHECK enum rc form_get(const struct form *f, struct str name, struct str *out);
/* As form_get, but "" where it is missing or doubled. */
struct str form_find(const struct form *f, struct str name);
/* Percent-encodes all but unreserved characters. */
void form_print_value(struct buf *out, struct str value);
/* name=value with a leading '&' unless out is empty or ends in '?'. */
void form_print_pair(struct buf *out, struct str name, struct str value);
MUST_CHECK enum rc percent_decode(struct str in, bool plus_is_space, struct arena *a,
                                  struct str *out);

#endif
