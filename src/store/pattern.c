#include "store/pattern.h"
#include "base/cur.h"
#include <assert.h>

static const char symbols[] = "0123456789ABCD*#+";
static_assert(sizeof symbols - 1 == STORE_SYMBOL_COUNT, "a bit for each symbol");

enum { DIGITS = 0x3ff, PLUS = STORE_SYMBOL_COUNT - 1 };

int store_pattern_symbol(char c)
{
    if (c >= 'a' && c <= 'd') c = (char)(c - 'a' + 'A');
    for (int i = 0; i < STORE_SYMBOL_COUNT; i++)
        if (symbols[i] == c) return i;
    return -1;
}

char store_pattern_char(int symbol)
{
    return symbols[symbol];
}

/* --- reading --- */

struct reading {
    struct cur c;
    struct store_pattern *out;
    const char *reason;
    enum rc rc;
    bool has_dot, repeatable; /* a repeat may follow: an element is right before */
};

static enum rc fail(struct reading *r, enum rc rc, const char *reason)
{
    r->rc = rc;
    r->reason = reason;
    return rc;
}

static enum rc add(struct reading *r, uint32_t set, enum store_pattern_repeat repeat)
{
    if (r->out->count == STORE_PATTERN_ELEMENT_MAX)
        return fail(r, RC_TOO_BIG, "more than 48 digits and wildcards");
    r->out->elements[r->out->count++] = (struct store_pattern_element){set, repeat};
    r->repeatable = repeat == STORE_PATTERN_ONCE;
    return RC_OK;
}

/* One member of a set, or two with '-' between: "5", "2-8". */
static enum rc read_members(struct reading *r, uint32_t *set)
{
    int from = store_pattern_symbol((char)cur_peek(&r->c));
    if (from < 0 || from == PLUS)
        return fail(r, RC_MALFORMED, "a '[ ]' holds digits, A-D, * and #, and '-' between two");
    r->c.p++;
    int to = from;
    if (cur_char(&r->c, '-')) {
        to = cur_at_end(&r->c) ? -1 : store_pattern_symbol(*r->c.p);
        if (to < from || to == PLUS)
            return fail(r, RC_MALFORMED, "a '-' stands between a smaller and a greater digit");
        r->c.p++;
    }
    for (int i = from; i <= to; i++)
        *set |= 1u << i;
    return RC_OK;
}

/* Behind '['. */
static enum rc read_set(struct reading *r)
{
    uint32_t set = 0;
    bool others = cur_char(&r->c, '^');
    while (!cur_at_end(&r->c) && cur_peek(&r->c) != ']')
        if (read_members(r, &set) != RC_OK) return r->rc;
    if (!cur_char(&r->c, ']')) return fail(r, RC_MALFORMED, "a '[' without its ']'");
    if (others) set = DIGITS & ~set;
    if (set == 0) return fail(r, RC_MALFORMED, "a '[ ]' that nothing fits");
    return add(r, set, STORE_PATTERN_ONCE);
}

static enum rc read_dot(struct reading *r)
{
    if (r->has_dot) return fail(r, RC_MALFORMED, "a second '.'");
    if (r->out->count == 0) return fail(r, RC_MALFORMED, "nothing before the '.'");
    for (size_t i = 0; i < r->out->count; i++)
        if (r->out->elements[i].repeat != STORE_PATTERN_ONCE)
            return fail(r, RC_MALFORMED, "before the '.' only what matches one digit each");
    r->has_dot = true;
    r->repeatable = false;
    r->out->dot = r->out->count;
    return RC_OK;
}

static enum rc read_repeat(struct reading *r, enum store_pattern_repeat repeat)
{
    if (!r->repeatable) return fail(r, RC_MALFORMED, "nothing here that can be repeated");
    r->out->elements[r->out->count - 1].repeat = repeat;
    r->repeatable = false;
    return RC_OK;
}

static enum rc read_one(struct reading *r)
{
    char c = *r->c.p++;
    int symbol = store_pattern_symbol(c);
    switch (c) {
    case 'X':
    case 'x': return add(r, DIGITS, STORE_PATTERN_ONCE);
    case '!': return add(r, DIGITS, STORE_PATTERN_MANY);
    case '[': return read_set(r);
    case '.': return read_dot(r);
    case '?': return read_repeat(r, STORE_PATTERN_ANY);
    case '+': return read_repeat(r, STORE_PATTERN_MANY);
    case '@':
        return fail(r, RC_UNSUPPORTED,
                    "'@' stands for a national numbering plan, and none is built in: write the "
                    "patterns out, as 9.1[2-9]XX[2-9]XXXXXX");
    case '\\':
        if (!cur_char(&r->c, '+')) return fail(r, RC_MALFORMED, "only '+' can stand behind '\\'");
        return add(r, 1u << PLUS, STORE_PATTERN_ONCE);
    default: break;
    }
    if (symbol < 0) return fail(r, RC_MALFORMED, "no digit and no wildcard");
    return add(r, 1u << symbol, STORE_PATTERN_ONCE);
}

/* --- one spelling --- */

static bool is_single(uint32_t set)
{
    return (set & (set - 1)) == 0;
}

static char *put_symbol(char *to, int symbol)
{
    if (symbol == PLUS) *to++ = '\\';
    *to++ = symbols[symbol];
    return to;
}

static char *put_set(char *to, uint32_t set)
{
    if (set == DIGITS) {
        *to++ = 'X';
        return to;
    }
    if (!is_single(set)) *to++ = '[';
    for (int i = 0; i < STORE_SYMBOL_COUNT; i++)
        if (set & 1u << i) to = put_symbol(to, i);
    if (!is_single(set)) *to++ = ']';
    return to;
}

/* A run of the same set says how many there are at least, and whether more may come: "X!", "!X" and
 * "XX+" are all "XX+". A repeat counts at the end of its run. */
static void write_canonical(struct store_pattern *p)
{
    char *to = p->canonical;
    for (size_t i = 0, run = 0; i < p->count; i += run) {
        uint32_t set = p->elements[i].symbols;
        size_t least = 0;
        bool more = false;
        for (run = 0; i + run < p->count && p->elements[i + run].symbols == set; run++) {
            least += p->elements[i + run].repeat != STORE_PATTERN_ANY;
            more = more || p->elements[i + run].repeat != STORE_PATTERN_ONCE;
        }
        for (size_t k = 0; k < least; k++)
            to = put_set(to, set);
        if (least == 0) to = put_set(to, set);
        if (more) *to++ = least == 0 ? '?' : '+';
    }
    *to = '\0';
}

static void write_literal(struct store_pattern *p)
{
    p->literal[0] = '\0';
    for (size_t i = 0; i < p->count; i++)
        if (p->elements[i].repeat != STORE_PATTERN_ONCE || !is_single(p->elements[i].symbols))
            return;
    for (size_t i = 0; i < p->count; i++)
        for (int k = 0; k < STORE_SYMBOL_COUNT; k++)
            if (p->elements[i].symbols == 1u << k) p->literal[i] = symbols[k];
    p->literal[p->count] = '\0';
}

enum rc store_pattern_parse(struct str text, struct store_pattern *out, size_t *at,
                            const char **reason)
{
    struct store_pattern p = {.count = 0};
    struct reading r = {.c = cur_of(text), .out = &p};
    const char *start = r.c.p;
    if (text.n > STORE_PATTERN_MAX) {
        *at = STORE_PATTERN_MAX;
        *reason = "more than 64 characters";
        return RC_TOO_BIG;
    }
    while (!cur_at_end(&r.c)) {
        start = r.c.p;
        if (read_one(&r) != RC_OK) break;
    }
    if (r.rc == RC_OK && p.count == 0) (void)fail(&r, RC_MALFORMED, "no digit and no wildcard");
    if (r.rc != RC_OK) {
        *at = text.n ? (size_t)(start - text.p) : 0;
        *reason = r.reason;
        return r.rc;
    }
    write_canonical(&p);
    write_literal(&p);
    *out = p;
    return RC_OK;
}
