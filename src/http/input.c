#include "http/input_int.h"
#include <stdlib.h>

enum { FIRST_CAP = 1024 };

enum rc http_input_add(struct http_input *in, struct str s)
{
    if (s.n > in->max - in->n) return RC_TOO_BIG;
    if (s.n == 0) return RC_OK;
    if (s.n > in->cap - in->n) {
        size_t cap = in->cap ? in->cap : FIRST_CAP;
        while (cap - in->n < s.n)
            cap *= 2;
        char *p = malloc(cap);
        if (!p) return RC_NOMEM;
        size_t n = in->n;
        if (n > 0) memcpy(p, in->p, n);
        http_input_fini(in);
        in->p = p;
        in->n = n;
        in->cap = cap;
    }
    memcpy(in->p + in->n, s.p, s.n);
    in->n += s.n;
    return RC_OK;
}

void http_input_drop(struct http_input *in, size_t n)
{
    if (n == in->n) {
        http_input_fini(in);
        return;
    }
    memmove(in->p, in->p + n, in->n - n);
    explicit_bzero(in->p + in->n - n, n);
    in->n -= n;
}

void http_input_fini(struct http_input *in)
{
    if (in->p) explicit_bzero(in->p, in->cap);
    free(in->p);
    in->p = NULL;
    in->n = in->cap = 0;
}
