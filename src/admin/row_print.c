/* Rows as JSON objects, member by member from the table of fields. */
#include "admin/api_int.h"

static json_t *print_lines(const struct store_device *d, bool brief)
{
    json_t *array = json_array();
    for (size_t i = 0; i < d->line_count; i++) {
        const struct store_device_line *l = &d->lines[i];
        json_t *o = brief ? api_str(l->pattern)
                          : json_pack("{s:i, s:o, s:o, s:o, s:o}", "index", l->index, "pattern",
                                      api_str(l->pattern), "label", api_str(l->label), "display",
                                      api_str(l->display), "contact", api_str(l->contact));
        api_append(&array, o);
    }
    return array;
}

static json_t *print_members(const struct store_hunt_group *g)
{
    json_t *array = json_array();
    for (size_t i = 0; i < g->member_count; i++)
        api_append(&array, api_str(g->members[i]));
    return array;
}

static json_t *print_words(struct str text, char separator)
{
    json_t *array = json_array();
    struct str word;
    while (text.p && str_split(&text, separator, &word)) {
        word = str_trim(word);
        if (word.n > 0) api_append(&array, api_str(word));
    }
    return array;
}

static json_t *print_roles(int roles)
{
    json_t *array = json_array();
    if (roles & STORE_ROLE_USER) api_append(&array, json_string("user"));
    if (roles & STORE_ROLE_ADMIN) api_append(&array, json_string("administrator"));
    if (roles & STORE_ROLE_AXL) api_append(&array, json_string("axl"));
    return array;
}

static json_t *print_choice(const struct admin_choice *choices, int value)
{
    for (; choices->name; choices++)
        if (choices->value == value) return json_string(choices->name);
    return json_integer(value);
}

static json_t *print_field(const struct admin_field *f, const void *row, bool brief)
{
    const char *at = (const char *)row + f->offset;
    struct str text = {0};
    int number = 0;
    int64_t wide = 0;
    bool flag = false;
    switch (f->kind) {
    case ADMIN_TEXT: memcpy(&text, at, sizeof text); return api_str(text);
    case ADMIN_INT: memcpy(&number, at, sizeof number); return json_integer(number);
    case ADMIN_TIME:
    case ADMIN_VERSION: memcpy(&wide, at, sizeof wide); return json_integer(wide);
    case ADMIN_BOOL: memcpy(&flag, at, sizeof flag); return json_boolean(flag);
    case ADMIN_CHOICE: memcpy(&number, at, sizeof number); return print_choice(f->choices, number);
    case ADMIN_ROLES: memcpy(&number, at, sizeof number); return print_roles(number);
    case ADMIN_WORDS: memcpy(&text, at, sizeof text); return print_words(text, f->separator);
    case ADMIN_LINES: return print_lines(row, brief);
    case ADMIN_MEMBERS: return print_members(row);
    case ADMIN_PASSWORD:
    case ADMIN_SECRET:
    case ADMIN_DIGEST_SECRET: memcpy(&text, at, sizeof text); return json_boolean(text.n > 0);
    }
    return NULL;
}

/* A secret shows only whether there is one, as "has_password". */
static const char *member_name(const struct admin_field *f, char text[64])
{
    if (!admin_field_is_secret(f)) return f->name;
    size_t n = strlen(f->name);
    memcpy(text, "has_", 4);
    memcpy(text + 4, f->name, n < 59 ? n + 1 : 59);
    return text;
}

json_t *row_print(const struct admin_noun *noun, const void *row, bool brief)
{
    json_t *o = json_object();
    char text[64] = "";
    for (size_t i = 0; o && i < noun->field_count; i++) {
        const struct admin_field *f = &noun->fields[i];
        bool is_secret = admin_field_is_secret(f);
        if (brief && (is_secret || ((f->flags & ADMIN_F_LONG) && f->kind != ADMIN_VERSION)))
            continue;
        if (json_object_set_new(o, member_name(f, text), print_field(f, row, brief)) != 0) {
            json_decref(o);
            return NULL;
        }
    }
    return o;
}
