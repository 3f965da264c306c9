#include "admin/api_int.h"
#include <stdarg.h>
#include <stdio.h>

static int to_buf(const char *p, size_t n, void *ctx)
{
    buf_put(ctx, p, n);
    return 0;
}

void api_reply(struct admin_call *c, int status, json_t *json)
{
    http_reply(c->res, status, "application/json", STR(""));
    if (!json || json_dump_callback(json, to_buf, &c->res->body, JSON_COMPACT) != 0)
        c->res->rc = RC_NOMEM;
    buf_put_char(&c->res->body, '\n');
    json_decref(json);
}

json_t *api_str(struct str s)
{
    json_t *j = json_stringn(s.p ? s.p : "", s.n);
    if (j || s.n == 0) return j;
    char *copy = malloc(s.n);
    if (!copy) return NULL;
    for (size_t i = 0; i < s.n; i++)
        copy[i] = (unsigned char)s.p[i] < 0x80 ? s.p[i] : '?';
    j = json_stringn(copy, s.n);
    free(copy);
    return j;
}

void api_append(json_t **array, json_t *item)
{
    if (json_array_append_new(*array, item) == 0) return;
    json_decref(*array);
    *array = NULL;
}

void api_fail(struct admin_call *c, int status, const char *error, const char *field,
              const char *fmt, ...)
{
    char text[600];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    json_t *o = json_pack("{s:s, s:o}", "error", error, "message", api_str(str_from(text)));
    if (o && field && *field) json_object_set_new(o, "field", json_string(field));
    api_reply(c, status, o);
}

static const struct {
    enum rc rc;
    int status;
    const char *error, *text;
} failures[] = {
    {RC_MALFORMED, 400, "malformed", "cannot be read"},
    {RC_INVALID, 422, "invalid", "has a value that is not allowed"},
    {RC_TOO_BIG, 413, "too-big", "is too long"},
    {RC_NOMEM, 503, "out-of-memory", "needs more memory than there is now; try again"},
    {RC_NOT_FOUND, 404, "not-found", "does not exist"},
    {RC_EXISTS, 409, "exists", "exists already"},
    {RC_CONFLICT, 409, "conflict", "was changed meanwhile or is in use; look at it and try again"},
    {RC_DENIED, 403, "denied", "is not allowed"},
    {RC_UNSUPPORTED, 501, "unsupported", "cannot be done here"},
    {RC_BUSY, 503, "busy", "must wait; try again"},
    {RC_TIMEOUT, 504, "timeout", "took too long"},
    {RC_IO, 500, "io", "failed: the disk is full or cannot be written; see the node's log"},
};

void api_fail_rc(struct admin_call *c, enum rc rc, const char *noun, struct str key)
{
    size_t i = sizeof failures / sizeof *failures - 1;
    for (size_t k = 0; k < sizeof failures / sizeof *failures; k++)
        if (failures[k].rc == rc) i = k;
    int status = failures[i].status;
    bool conditional = http_header_find(c->req, STR("If-Match")).n > 0;
    if (rc == RC_CONFLICT && conditional) status = 412;
    if (c->why.text[0] != '\0')
        api_fail(c, status, failures[i].error, NULL, "%s", c->why.text);
    else
        api_fail(c, status, failures[i].error, NULL, "%s%s%.*s %s", noun, key.n > 0 ? " " : "",
                 STR_ARG(key), failures[i].text);
}

bool api_text(struct admin_call *c, const char *name, bool required, struct str *out)
{
    json_t *j = json_object_get(c->body, name);
    *out = STR("");
    if (!j && !required) return true;
    if (!json_is_string(j) || (required && json_string_length(j) == 0)) {
        api_fail(c, 422, "invalid", name, "%s is missing: give it as a text", name);
        return false;
    }
    *out = str_of(json_string_value(j), json_string_length(j));
    return true;
}

bool api_number(struct admin_call *c, const char *name, uint64_t fallback, uint64_t max,
                uint64_t *out)
{
    struct str s = form_find(&c->query, str_from(name));
    *out = fallback;
    if (s.n == 0 || str_to_u64(s, max, out) == RC_OK) return true;
    api_fail(c, 400, "malformed", name, "%s must be a number from 0 to %llu", name,
             (unsigned long long)max);
    return false;
}

bool api_flag(const struct admin_call *c, const char *name)
{
    bool on = false;
    struct str s = form_find(&c->query, str_from(name));
    return admin_bool_parse(s, &on) == RC_OK && on;
}
