/* JSON members into rows. Every refusal names its field and what would be right. */
#include "admin/api_int.h"
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

struct setting {
    struct admin_call *c;
    const struct admin_noun *noun;
    void *row;
    struct row_error *e;
};

static enum rc refuse(struct row_error *e, const char *field, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
static enum rc refuse(struct row_error *e, const char *field, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
    e->field = field;
    return RC_INVALID;
}

static void set(const struct setting *s, const struct admin_field *f, const void *value, size_t n)
{
    memcpy((char *)s->row + f->offset, value, n);
}

/* ---- lines of a device ---- */

static const struct store_device_line *kept_line(const struct store_device *d, struct str pattern)
{
    for (size_t i = 0; i < d->line_count; i++)
        if (str_eq_nocase(d->lines[i].pattern, pattern)) return &d->lines[i];
    return NULL;
}

static struct str member(json_t *o, const char *name, struct str fallback)
{
    json_t *j = json_object_get(o, name);
    return json_is_string(j) ? str_of(json_string_value(j), json_string_length(j)) : fallback;
}

static enum rc read_line(struct setting *s, json_t *j, size_t at, struct store_device_line *out)
{
    const struct store_device *d = s->row;
    struct str pattern = json_is_string(j) ? str_of(json_string_value(j), json_string_length(j))
                                           : member(j, "pattern", STR(""));
    if (pattern.n == 0)
        return refuse(s->e, "lines", "a line has no directory number: give it as pattern");
    const struct store_device_line *kept = kept_line(d, pattern);
    *out = kept ? *kept : (struct store_device_line){.pattern = pattern};
    json_t *index = json_object_get(j, "index");
    out->index = json_is_integer(index) ? (int)json_integer_value(index) : (int)at + 1;
    out->label = member(j, "label", out->label);
    out->display = member(j, "display", out->display);
    out->contact = member(j, "contact", out->contact);
    return RC_OK;
}

static enum rc set_lines(struct setting *s, json_t *value)
{
    struct store_device *d = s->row;
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count > STORE_DEVICE_LINE_MAX)
        return refuse(s->e, "lines", "lines is no list of directory numbers: give at most %d",
                      (int)STORE_DEVICE_LINE_MAX);
    struct store_device_line *lines = ARENA_ARRAY(s->c->arena, struct store_device_line, count + 1);
    if (!lines) return RC_NOMEM;
    for (size_t i = 0; i < count; i++) {
        enum rc rc = read_line(s, json_array_get(value, i), i, &lines[i]);
        if (rc != RC_OK) return rc;
    }
    d->lines = lines;
    d->line_count = count;
    return RC_OK;
}

/* ---- members of a hunt group ---- */

/* Words parted by blanks; they lie in text. */
static enum rc set_members(struct setting *s, struct str text)
{
    struct store_hunt_group *g = s->row;
    struct str *members = ARENA_ARRAY(s->c->arena, struct str, STORE_HUNT_MEMBER_MAX), word;
    size_t count = 0;
    if (!members) return RC_NOMEM;
    while (str_split(&text, ' ', &word)) {
        if (word.n == 0) continue;
        if (count == STORE_HUNT_MEMBER_MAX)
            return refuse(s->e, "members",
                          "these are too many members: a hunt group has at most %d",
                          (int)STORE_HUNT_MEMBER_MAX);
        members[count++] = word;
    }
    g->members = members;
    g->member_count = count;
    return RC_OK;
}

/* ---- plain kinds ---- */

/* A long value must not push out of the sentence what would be right. */
static struct str shown(struct str text)
{
    return str_sub(text, 0, 60);
}

static enum rc set_choice(struct setting *s, const struct admin_field *f, struct str text)
{
    char allowed[200] = "";
    for (const struct admin_choice *ch = f->choices; ch->name; ch++) {
        if (admin_name_eq(text, str_from(ch->name))) {
            set(s, f, &ch->value, sizeof ch->value);
            return RC_OK;
        }
        size_t n = strlen(allowed);
        snprintf(allowed + n, sizeof allowed - n, "%s%s", n > 0 ? ", " : "", ch->name);
    }
    return refuse(s->e, f->name, "%s cannot be %.*s: use %s", f->name, STR_ARG(shown(text)),
                  allowed);
}

static enum rc add_role(struct setting *s, struct str name, int *roles)
{
    if (str_eq_nocase(name, STR("user")))
        *roles |= STORE_ROLE_USER;
    else if (str_eq_nocase(name, STR("administrator")) || str_eq_nocase(name, STR("admin")))
        *roles |= STORE_ROLE_ADMIN;
    else if (str_eq_nocase(name, STR("axl")) || admin_name_eq(name, STR("Standard AXL API Access")))
        *roles |= STORE_ROLE_AXL;
    else
        return refuse(s->e, "roles", "there is no role %.*s: use user, administrator or axl",
                      STR_ARG(name));
    return RC_OK;
}

static enum rc set_int(struct setting *s, const struct admin_field *f, int64_t v)
{
    int number = (int)v;
    if (v < INT_MIN || v > INT_MAX)
        return refuse(s->e, f->name, "%s is out of range: use %d to %d", f->name, INT_MIN, INT_MAX);
    set(s, f, &number, sizeof number);
    return RC_OK;
}

static enum rc set_bool(struct setting *s, const struct admin_field *f, struct str text)
{
    bool on = false;
    if (admin_bool_parse(text, &on) != RC_OK)
        return refuse(s->e, f->name, "%s cannot be %.*s: use yes or no", f->name,
                      STR_ARG(shown(text)));
    set(s, f, &on, sizeof on);
    return RC_OK;
}

static enum rc set_roles_text(struct setting *s, const struct admin_field *f, struct str text)
{
    int roles = 0;
    struct str word;
    enum rc rc = RC_OK;
    while (rc == RC_OK && str_split(&text, ' ', &word))
        if (word.n > 0) rc = add_role(s, word, &roles);
    if (rc == RC_OK) set(s, f, &roles, sizeof roles);
    return rc;
}

static enum rc set_lines_text(struct setting *s, struct str text)
{
    json_t *array = json_array();
    struct str word;
    while (str_split(&text, ' ', &word))
        if (word.n > 0) json_array_append_new(array, api_str(word));
    /* the words must outlive the array */
    enum rc rc = array ? set_lines(s, array) : RC_NOMEM;
    struct store_device *d = s->row;
    for (size_t i = 0; rc == RC_OK && i < d->line_count; i++)
        rc = arena_str_dup(s->c->arena, d->lines[i].pattern, &d->lines[i].pattern);
    json_decref(array);
    return rc;
}

static enum rc set_text(struct setting *s, const struct admin_field *f, struct str text)
{
    int64_t number;
    switch (f->kind) {
    case ADMIN_TEXT:
    case ADMIN_WORDS: set(s, f, &text, sizeof text); return RC_OK;
    case ADMIN_INT:
        if (str_to_i64(text, &number) != RC_OK)
            return refuse(s->e, f->name, "%s cannot be %.*s: use a number", f->name,
                          STR_ARG(shown(text)));
        return set_int(s, f, number);
    case ADMIN_BOOL: return set_bool(s, f, text);
    case ADMIN_CHOICE: return set_choice(s, f, text);
    case ADMIN_ROLES: return set_roles_text(s, f, text);
    case ADMIN_LINES: return set_lines_text(s, text);
    case ADMIN_MEMBERS: return set_members(s, text);
    case ADMIN_PASSWORD:
    case ADMIN_DIGEST_SECRET:
    case ADMIN_SECRET: return row_apply_secret(s->c, f, text, s->row, s->e);
    case ADMIN_TIME:
    case ADMIN_VERSION: break;
    }
    return refuse(s->e, f->name, "%s cannot be set: leave it out", f->name);
}

enum rc row_apply_text(struct admin_call *c, const struct admin_noun *noun,
                       const struct admin_field *f, struct str text, void *row, struct row_error *e)
{
    struct setting s = {c, noun, row, e};
    return set_text(&s, f, text);
}

/* ---- JSON ---- */

static enum rc join(struct setting *s, const struct admin_field *f, json_t *array, struct str *out)
{
    struct buf b;
    buf_init(&b, 65536);
    for (size_t i = 0; i < json_array_size(array); i++) {
        json_t *j = json_array_get(array, i);
        if (!json_is_string(j)) {
            buf_fini(&b);
            return refuse(s->e, f->name, "%s is no list of texts: give one", f->name);
        }
        if (i > 0) buf_put_char(&b, f->separator);
        buf_put(&b, json_string_value(j), json_string_length(j));
    }
    enum rc rc = buf_rc(&b);
    if (rc == RC_OK) rc = arena_str_dup(s->c->arena, buf_str(&b), out);
    buf_fini(&b);
    return rc;
}

static enum rc set_array(struct setting *s, const struct admin_field *f, json_t *array)
{
    struct str text;
    struct admin_field by_space = *f;
    if (f->kind == ADMIN_LINES) return set_lines(s, array);
    if (f->kind == ADMIN_ROLES || f->kind == ADMIN_MEMBERS) by_space.separator = ' ';
    if (f->kind != ADMIN_WORDS && f->kind != ADMIN_ROLES && f->kind != ADMIN_MEMBERS)
        return refuse(s->e, f->name, "%s is a list: give one value", f->name);
    enum rc rc = join(s, &by_space, array, &text);
    return rc == RC_OK ? set_text(s, f, text) : rc;
}

static const char *kind_text(const struct admin_field *f)
{
    switch ((int)f->kind) {
    case ADMIN_INT: return "a number";
    case ADMIN_BOOL: return "true or false";
    case ADMIN_ROLES:
    case ADMIN_LINES:
    case ADMIN_MEMBERS:
    case ADMIN_WORDS: return "a list of texts";
    default: return "a text";
    }
}

static enum rc set_json(struct setting *s, const struct admin_field *f, json_t *j)
{
    if (json_is_array(j)) return set_array(s, f, j);
    if (json_is_string(j))
        return set_text(s, f, str_of(json_string_value(j), json_string_length(j)));
    if (json_is_boolean(j) && f->kind == ADMIN_BOOL) {
        bool on = json_is_true(j);
        set(s, f, &on, sizeof on);
        return RC_OK;
    }
    if (json_is_integer(j) && f->kind == ADMIN_INT) return set_int(s, f, json_integer_value(j));
    if (json_is_null(j) && (f->kind == ADMIN_TEXT || f->kind == ADMIN_PASSWORD))
        return set_text(s, f, STR(""));
    return refuse(s->e, f->name, "%s has a value of another kind: use %s", f->name, kind_text(f));
}

static enum rc apply_member(struct setting *s, struct str name, json_t *value, bool is_new,
                            bool want_key)
{
    const struct admin_field *f = admin_noun_field(s->noun, name);
    if (!f)
        return refuse(s->e, "", "%s %s has nothing called %.*s: see \"help %s\"",
                      admin_article(s->noun->name), s->noun->name, STR_ARG(name), s->noun->name);
    bool is_key = (f->flags & ADMIN_F_KEY) != 0;
    if (is_key != want_key) return RC_OK;
    if (is_key && !is_new) { /* may stand there, but not rename */
        struct str present,
            said = json_is_string(value) ? str_from(json_string_value(value)) : STR("");
        memcpy(&present, (const char *)s->row + f->offset, sizeof present);
        if (str_eq_nocase(present, said)) return RC_OK;
        return refuse(s->e, f->name, "%s %s cannot be renamed: add a new one",
                      admin_article(s->noun->name), s->noun->name);
    }
    if (f->flags & ADMIN_F_READ_ONLY) return RC_OK; /* as it came in a GET */
    return set_json(s, f, value);
}

enum rc row_apply(struct admin_call *c, const struct admin_noun *noun, json_t *json, bool is_new,
                  void *row, struct row_error *e)
{
    struct setting s = {c, noun, row, e};
    const char *name;
    json_t *value;
    enum rc rc;
    /* the key first: a digest password is made of it */
    for (int pass = 0; pass < 2; pass++)
        json_object_foreach(json, name, value)
        {
            if (strncmp(name, "has_", 4) == 0) continue; /* as it came in a GET */
            rc = apply_member(&s, str_from(name), value, is_new, pass == 0);
            if (rc != RC_OK) return rc;
        }
    return RC_OK;
}
