/* base/form.c - percent-encoding and form pairs. */
#include "base/form.h"
#include "base/base64.h"

/* The byte coded at s.p ("%HH"). */
static enum rc coded_byte(struct str s, char *out)
{
    uint8_t byte;
    size_t n;
    if (s.n < 3 || hex_decode(str_sub(s, 1, 3), &byte, 1, &n) != RC_OK) return RC_MALFORMED;
    *out = (char)byte;
    return RC_OK;
}

static bool is_coded(struct str in, bool plus_is_space)
{
    return str_find_char(in, '%') != STR_NPOS ||
           (plus_is_space && str_find_char(in, '+') != STR_NPOS);
}

enum rc percent_decode(struct str in, bool plus_is_space, struct arena *a, struct str *out)
{
    if (str_find_char(in, '\0') != STR_NPOS) return RC_MALFORMED;
    if (!is_coded(in, plus_is_space)) {
        *out = in;
        return RC_OK;
    }
    char *p = arena_alloc(a, in.n);
    size_t n = 0;
    if (!p) return RC_NOMEM;
    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];
        if (c == '%') {
            if (coded_byte(str_sub(in, i, in.n), &c) != RC_OK || c == '\0') return RC_MALFORMED;
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        p[n++] = c;
    }
    *out = str_of(p, n);
    return RC_OK;
}

static enum rc pair_parse(struct str in, struct arena *a, struct form_pair *out)
{
    ptrdiff_t eq = str_find_char(in, '=');
    size_t name_n = eq == STR_NPOS ? in.n : (size_t)eq;
    enum rc rc = percent_decode(str_sub(in, 0, name_n), true, a, &out->name);
    return rc == RC_OK ? percent_decode(str_sub(in, name_n + 1, in.n), true, a, &out->value) : rc;
}

enum rc form_parse(struct str in, struct arena *a, struct form *out)
{
    struct form form = {.count = 0};
    struct str part;
    while (str_split(&in, '&', &part)) {
        if (part.n == 0) continue; /* "a=1&&b=2" */
        if (form.count == FORM_PAIR_MAX) return RC_TOO_BIG;
        enum rc rc = pair_parse(part, a, &form.pairs[form.count]);
        if (rc != RC_OK) return rc;
        form.count++;
    }
    *out = form;
    return RC_OK;
}

enum rc form_get(const struct form *f, struct str name, struct str *out)
{
    const struct form_pair *found = NULL;
    for (size_t i = 0; i < f->count; i++) {
        if (!str_eq(f->pairs[i].name, name)) continue;
        if (found) return RC_INVALID;
        found = &f->pairs[i];
    }
    if (!found) return RC_NOT_FOUND;
    *out = found->value;
    return RC_OK;
}

struct str form_find(const struct form *f, struct str name)
{
    struct str value;
    return form_get(f, name, &value) == RC_OK ? value : STR("");
}

/* unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~" ; RFC 3986, 2.3 */
static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void form_print_value(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (is_unreserved(value.p[i])) {
            buf_put_char(out, value.p[i]);
            continue;
        }
        const char coded[] = {'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]};
        buf_put(out, coded, sizeof coded);
    }
}

void form_print_pair(struct buf *out, struct str name, struct str value)
{
    if (out->n > 0 && out->p[out->n - 1] != '?') buf_put_char(out, '&');
    form_print_value(out, name);
    buf_put_char(out, '=');
    form_print_value(out, value);
}
