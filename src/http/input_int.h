/* http/input_int.h - bytes that arrived. They may hold passwords and tokens, so memory is wiped
 * whenever it is let go of, also when it grows. */
#ifndef HTTP_INPUT_INT_H
#define HTTP_INPUT_INT_H
#include "base/str.h"

/* Zeroed memory but for max is empty. */
struct http_input {
    char *p;
    size_t n, cap, max;
};

/* RC_TOO_BIG, RC_NOMEM: nothing is added. */
MUST_CHECK enum rc http_input_add(struct http_input *in, struct str s);
/* Drops the first n bytes; an empty one holds no memory. */
void http_input_drop(struct http_input *in, size_t n);
void http_input_fini(struct http_input *in);
static inline struct str http_input_str(const struct http_input *in)
{
    return (struct str){in->p, in->n};
}

#endif
