#include "jose/object.h"

#include "base/buf.h"
#include "jose/json_int.h"

static const double date_max = 9007199254740992.0; /* 2^53: whole seconds stay whole in a double */

static bool is_string_list(const json_t *value)
{
    size_t n = json_array_size(value);
    if (!json_is_array(value) || n > JOSE_LIST_MAX) return false;
    for (size_t i = 0; i < n; i++)
        if (!json_is_string(json_array_get(value, i))) return false;
    return true;
}

static enum rc read_list(const json_t *value, struct arena *arena, struct jose_member *out)
{
    size_t n = json_array_size(value);
    if (!(out->list = ARENA_ARRAY(arena, struct str, n))) return RC_NOMEM;
    for (size_t i = 0; i < n; i++) {
        enum rc rc = arena_str_dup(arena, jose_json_str(json_array_get(value, i)), &out->list[i]);
        if (rc != RC_OK) return rc;
    }
    out->kind = JOSE_STRINGS;
    out->list_count = n;
    return RC_OK;
}

static enum rc read_value(const json_t *value, struct arena *arena, struct jose_member *out)
{
    out->kind = JOSE_OTHER;
    if (json_is_string(value)) {
        out->kind = JOSE_STRING;
        return arena_str_dup(arena, jose_json_str(value), &out->s);
    }
    if (json_is_integer(value)) {
        out->kind = JOSE_INTEGER;
        out->i = json_integer_value(value);
    } else if (json_is_real(value)) {
        out->kind = JOSE_REAL;
        out->real = json_real_value(value);
    } else if (json_is_boolean(value)) {
        out->kind = JOSE_BOOL;
        out->i = json_is_true(value);
    } else if (is_string_list(value)) {
        return read_list(value, arena, out);
    }
    return RC_OK;
}

static enum rc read_members(json_t *root, struct arena *arena, struct jose_object *out)
{
    struct jose_object o = {0};
    const char *name;
    json_t *value;
    if (json_object_size(root) > JOSE_MEMBER_MAX) return RC_TOO_BIG;
    o.members = ARENA_ARRAY(arena, struct jose_member, json_object_size(root));
    if (!o.members) return RC_NOMEM;
    json_object_foreach(root, name, value)
    {
        struct jose_member *m = &o.members[o.count++];
        enum rc rc = arena_str_dup(arena, str_from(name), &m->name);
        if (rc == RC_OK) rc = read_value(value, arena, m);
        if (rc != RC_OK) return rc;
    }
    *out = o;
    return RC_OK;
}

enum rc jose_object_parse(struct str json, struct arena *arena, struct jose_object *out)
{
    json_t *root;
    if (json.n > JOSE_OBJECT_MAX) return RC_TOO_BIG;
    enum rc rc = jose_json_load(json, JOSE_OBJECT_DEPTH_MAX, &root);
    if (rc != RC_OK) return rc;
    rc = read_members(root, arena, out);
    json_decref(root);
    return rc;
}

const struct jose_member *jose_object_find(const struct jose_object *o, struct str name)
{
    for (size_t i = 0; i < o->count; i++)
        if (str_eq(o->members[i].name, name)) return &o->members[i];
    return NULL;
}

enum rc jose_object_str(const struct jose_object *o, struct str name, struct str *out)
{
    const struct jose_member *m = jose_object_find(o, name);
    if (m && m->kind != JOSE_STRING) return RC_INVALID;
    *out = m ? m->s : (struct str){0};
    return RC_OK;
}

enum rc jose_object_date(const struct jose_object *o, struct str name, int64_t *out_unix_s)
{
    const struct jose_member *m = jose_object_find(o, name);
    if (!m) return RC_NOT_FOUND;
    if (m->kind != JOSE_INTEGER && m->kind != JOSE_REAL) return RC_INVALID;
    double seconds = m->kind == JOSE_REAL ? m->real : (double)m->i;
    if (!(seconds >= 0 && seconds < date_max)) return RC_INVALID;
    *out_unix_s = m->kind == JOSE_REAL ? (int64_t)m->real : m->i;
    return RC_OK;
}

bool jose_object_has(const struct jose_object *o, struct str name, struct str value)
{
    const struct jose_member *m = jose_object_find(o, name);
    if (!m) return false;
    if (m->kind == JOSE_STRING) return str_eq(m->s, value);
    for (size_t i = 0; i < m->list_count; i++)
        if (str_eq(m->list[i], value)) return true;
    return false;
}

void jose_print_string(struct buf *out, struct str s)
{
    bool utf8 = str_is_utf8(s);
    buf_put_char(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\') {
            buf_put_char(out, '\\');
            buf_put_char(out, (char)c);
        } else if (c < 0x20 || c == 0x7f) {
            buf_printf(out, "\\u%04x", c);
        } else if (c >= 0x80 && !utf8) {
            buf_put_lit(out, "\xef\xbf\xbd");
        } else {
            buf_put_char(out, (char)c);
        }
    }
    buf_put_char(out, '"');
}
