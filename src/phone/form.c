#include "phone/form.h"

#include "base/buf.h"
#include "base/cur.h"

enum { ATTR_MAX = 32 };

struct attr {
    struct str name, value; /* as written */
};

/* A start or end tag. */
struct tag {
    struct str name;
    bool is_end;
    struct attr attrs[ATTR_MAX]; /* more are skipped */
    size_t attr_count;
};

/* ---- text ---- */

static void put_utf8(struct buf *b, uint32_t c)
{
    if (c < 0x80) {
        buf_put_char(b, (char)c);
    } else if (c < 0x800) {
        buf_put_char(b, (char)(0xc0 | c >> 6));
        buf_put_char(b, (char)(0x80 | (c & 63)));
    } else if (c < 0x10000) {
        buf_put_char(b, (char)(0xe0 | c >> 12));
        buf_put_char(b, (char)(0x80 | (c >> 6 & 63)));
        buf_put_char(b, (char)(0x80 | (c & 63)));
    } else {
        buf_put_char(b, (char)(0xf0 | c >> 18));
        buf_put_char(b, (char)(0x80 | (c >> 12 & 63)));
        buf_put_char(b, (char)(0x80 | (c >> 6 & 63)));
        buf_put_char(b, (char)(0x80 | (c & 63)));
    }
}

static int digit_of(char c, unsigned base)
{
    int v = c >= '0' && c <= '9'   ? c - '0'
            : c >= 'a' && c <= 'f' ? c - 'a' + 10
            : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                   : 99;
    return v < (int)base ? v : -1;
}

/* The number of "#60" or "#x3c"; 0: no character. */
static uint32_t number_of(struct str s)
{
    unsigned base = s.n > 1 && (s.p[1] == 'x' || s.p[1] == 'X') ? 16 : 10;
    uint32_t v = 0;
    size_t from = base == 16 ? 2 : 1;
    for (size_t i = from; i < s.n; i++) {
        int d = digit_of(s.p[i], base);
        if (d < 0 || v > 0x10ffff) return 0;
        v = v * base + (uint32_t)d;
    }
    return v > 0x10ffff || (v >= 0xd800 && v < 0xe000) ? 0 : v;
}

/* The character of an entity's name (what stands between '&' and ';'); 0: not known. */
static uint32_t entity_of(struct str s)
{
    static const struct {
        struct str name;
        uint32_t c;
    } known[] = {
        {STR_INIT("amp"), '&'},  {STR_INIT("lt"), '<'},    {STR_INIT("gt"), '>'},
        {STR_INIT("quot"), '"'}, {STR_INIT("apos"), '\''}, {STR_INIT("nbsp"), 0xa0},
    };
    if (s.n > 1 && s.p[0] == '#') return number_of(s);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq(s, known[i].name)) return known[i].c;
    return 0;
}

/* Decoding never lengthens: no entity is shorter than its character. */
static enum rc decode(struct str s, struct arena *a, struct str *out)
{
    struct buf b;
    if (str_find_char(s, '&') < 0) {
        *out = s;
        return RC_OK;
    }
    char *p = arena_alloc(a, s.n);
    if (!p) return RC_NOMEM;
    buf_init_fixed(&b, p, s.n);
    while (s.n > 0) {
        ptrdiff_t end = s.p[0] == '&' ? str_find_char(str_sub(s, 0, 12), ';') : -1;
        uint32_t c = end > 0 ? entity_of(str_sub(s, 1, (size_t)end)) : 0;
        if (c > 0) {
            put_utf8(&b, c);
            s = str_sub(s, (size_t)end + 1, s.n);
        } else {
            buf_put_char(&b, s.p[0]);
            s = str_sub(s, 1, s.n);
        }
    }
    *out = buf_str(&b);
    return buf_rc(&b);
}

/* ---- tags ---- */

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static void skip_space(struct cur *c)
{
    while (is_space(cur_peek(c)))
        c->p++;
}

static bool ends_name(int c)
{
    return c < 0 || is_space(c) || c == '>' || c == '/' || c == '=';
}

static struct str read_name(struct cur *c)
{
    const char *start = c->p;
    while (!ends_name(cur_peek(c)))
        c->p++;
    return cur_since(c, start);
}

/* What follows '='; an unended quote reaches to the page's end. */
static struct str read_value(struct cur *c)
{
    int quote = cur_peek(c);
    const char *start = c->p;
    if (quote == '"' || quote == '\'') {
        start = ++c->p;
        while (c->p < c->end && *c->p != (char)quote)
            c->p++;
        struct str value = cur_since(c, start);
        if (c->p < c->end) c->p++;
        return value;
    }
    while (!is_space(cur_peek(c)) && cur_peek(c) != '>' && cur_peek(c) >= 0)
        c->p++;
    return cur_since(c, start);
}

static void read_attr(struct cur *c, struct tag *t)
{
    struct attr attr = {.name = read_name(c)};
    if (attr.name.n == 0) { /* a stray '/', '=' */
        if (c->p < c->end) c->p++;
        return;
    }
    skip_space(c);
    if (cur_char(c, '=')) {
        skip_space(c);
        attr.value = read_value(c);
    }
    if (t->attr_count < ATTR_MAX) t->attrs[t->attr_count++] = attr;
}

/* Past the next needle, or to the end. */
static void skip_past(struct cur *c, struct str needle)
{
    ptrdiff_t at = str_find(cur_rest(c), needle);
    c->p = at < 0 ? c->end : c->p + at + needle.n;
}

/* The next tag; false at the end. Comments and declarations are passed over. */
static bool next_tag(struct cur *c, struct tag *t)
{
    for (;;) {
        skip_past(c, STR("<"));
        if (cur_at_end(c)) return false;
        if (str_starts(cur_rest(c), STR("!--"))) {
            skip_past(c, STR("-->"));
            continue;
        }
        *t = (struct tag){.is_end = cur_char(c, '/')};
        t->name = read_name(c);
        int first = t->name.n > 0 ? t->name.p[0] | 32 : 0;
        if (first < 'a' || first > 'z') continue;
        for (skip_space(c); cur_peek(c) >= 0 && cur_peek(c) != '>'; skip_space(c))
            read_attr(c, t);
        cur_char(c, '>');
        return true;
    }
}

static struct str attr_of(const struct tag *t, struct str name)
{
    for (size_t i = 0; i < t->attr_count; i++)
        if (str_eq_nocase(t->attrs[i].name, name)) return t->attrs[i].value;
    return STR("");
}

/* The contents of scripts and styles are no markup. */
static void skip_raw(struct cur *c, const struct tag *t)
{
    struct str end = str_eq_nocase(t->name, STR("script"))  ? STR("</script")
                     : str_eq_nocase(t->name, STR("style")) ? STR("</style")
                                                            : STR("");
    if (t->is_end || end.n == 0) return;
    while (!cur_at_end(c) && !str_starts_nocase(cur_rest(c), end))
        c->p++;
}

/* ---- the form ---- */

static enum rc take_input(const struct tag *t, struct arena *a, struct phone_form *f)
{
    struct str type = attr_of(t, STR("type"));
    struct phone_form_field field = {.kind = PHONE_FIELD_OTHER};
    enum rc rc = decode(attr_of(t, STR("name")), a, &field.name);
    if (rc == RC_OK) rc = decode(attr_of(t, STR("value")), a, &field.value);
    if (rc != RC_OK || field.name.n == 0) return rc;
    if (str_eq_nocase(type, STR("hidden"))) field.kind = PHONE_FIELD_HIDDEN;
    if (str_eq_nocase(type, STR("password"))) field.kind = PHONE_FIELD_PASSWORD;
    if (type.n == 0 || str_eq_nocase(type, STR("text")) || str_eq_nocase(type, STR("email")))
        field.kind = PHONE_FIELD_TEXT;
    if (f->count == PHONE_FORM_FIELD_MAX) return RC_TOO_BIG;
    f->fields[f->count++] = field;
    if (field.kind == PHONE_FIELD_TEXT && f->password_field.n == 0) f->user_field = field.name;
    if (field.kind == PHONE_FIELD_PASSWORD && f->password_field.n == 0)
        f->password_field = field.name;
    return RC_OK;
}

enum rc phone_form_parse(struct str page, struct arena *a, struct phone_form *out)
{
    struct cur c = cur_of(page);
    struct phone_form f = {0};
    struct tag t;
    bool inside = false;
    enum rc rc = RC_OK;
    if (page.n > PHONE_FORM_PAGE_MAX) return RC_TOO_BIG;
    while (rc == RC_OK && next_tag(&c, &t)) {
        bool is_form = str_eq_nocase(t.name, STR("form"));
        skip_raw(&c, &t);
        if (is_form && f.password_field.n > 0) break;
        if (is_form) {
            f = (struct phone_form){
                .is_post = str_eq_nocase(attr_of(&t, STR("method")), STR("post"))};
            inside = !t.is_end;
            rc = decode(str_trim(attr_of(&t, STR("action"))), a, &f.action);
        } else if (inside && str_eq_nocase(t.name, STR("input"))) {
            rc = take_input(&t, a, &f);
        }
    }
    if (rc == RC_OK && f.password_field.n == 0) rc = RC_NOT_FOUND;
    if (rc == RC_OK) rc = phone_form_alert(page, a, &f.alert);
    if (rc == RC_OK) *out = f;
    return rc;
}

/* ---- the complaint ---- */

/* The text up to the end of the element just begun: tags dropped, white space made single. */
static enum rc inner_text(struct cur *c, struct str element, struct arena *a, struct str *out)
{
    enum { ALERT_MAX = 1024 };
    struct buf b;
    struct tag t;
    char *p = arena_alloc(a, ALERT_MAX);
    if (!p) return RC_NOMEM;
    buf_init_fixed(&b, p, ALERT_MAX);
    while (!cur_at_end(c) && b.n < ALERT_MAX - 1) {
        if (*c->p == '<') {
            if (!next_tag(c, &t)) break;
            if (t.is_end && str_eq_nocase(t.name, element)) break;
            continue;
        }
        bool space = is_space(cur_peek(c));
        if (!space) buf_put_char(&b, *c->p);
        if (space && b.n > 0 && b.p[b.n - 1] != ' ') buf_put_char(&b, ' ');
        c->p++;
    }
    return decode(str_trim(buf_str(&b)), a, out);
}

enum rc phone_form_alert(struct str page, struct arena *a, struct str *out)
{
    struct cur c = cur_of(page);
    struct tag t;
    if (page.n > PHONE_FORM_PAGE_MAX) return RC_TOO_BIG;
    while (next_tag(&c, &t)) {
        skip_raw(&c, &t);
        if (!t.is_end && str_eq_nocase(attr_of(&t, STR("role")), STR("alert")))
            return inner_text(&c, t.name, a, out);
    }
    *out = STR("");
    return RC_OK;
}
