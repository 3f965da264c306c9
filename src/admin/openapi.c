/* The OpenAPI 3.1 document, made from the table of routes and the tables of fields. */
#include "admin/api_int.h"
#include <stdio.h>

static json_t *field_schema(const struct admin_field *f)
{
    static const char *const types[] = {
        [ADMIN_TEXT] = "string",     [ADMIN_INT] = "integer",          [ADMIN_TIME] = "integer",
        [ADMIN_VERSION] = "integer", [ADMIN_BOOL] = "boolean",         [ADMIN_CHOICE] = "string",
        [ADMIN_ROLES] = "array",     [ADMIN_LINES] = "array",          [ADMIN_WORDS] = "array",
        [ADMIN_PASSWORD] = "string", [ADMIN_DIGEST_SECRET] = "string", [ADMIN_MEMBERS] = "array",
        [ADMIN_SECRET] = "string",
    };
    json_t *o = json_pack("{s:s, s:s}", "type", types[f->kind], "description", f->help);
    if (f->kind == ADMIN_CHOICE) {
        json_t *values = json_array();
        for (const struct admin_choice *ch = f->choices; ch->name; ch++)
            json_array_append_new(values, json_string(ch->name));
        json_object_set_new(o, "enum", values);
    }
    if (f->kind == ADMIN_ROLES || f->kind == ADMIN_WORDS || f->kind == ADMIN_MEMBERS)
        json_object_set_new(o, "items", json_pack("{s:s}", "type", "string"));
    if (f->kind == ADMIN_LINES)
        json_object_set_new(o, "items",
                            json_pack("{s:[{s:s},{s:s,s:{s:{s:s},s:{s:s},s:{s:s},s:{s:s}}}]}",
                                      "oneOf", "type", "string", "type", "object", "properties",
                                      "pattern", "type", "string", "index", "type", "integer",
                                      "label", "type", "string", "display", "type", "string"));
    if (f->flags & ADMIN_F_READ_ONLY) json_object_set_new(o, "readOnly", json_true());
    if (admin_field_is_secret(f)) json_object_set_new(o, "writeOnly", json_true());
    return o;
}

static json_t *noun_schema(const struct admin_noun *noun)
{
    json_t *properties = json_object();
    for (size_t i = 0; i < noun->field_count; i++)
        json_object_set_new(properties, noun->fields[i].name, field_schema(&noun->fields[i]));
    return json_pack("{s:s, s:s, s:[s], s:o}", "type", "object", "description", noun->help,
                     "required", admin_noun_key(noun)->name, "properties", properties);
}

static json_t *schemas(void)
{
    json_t *o = json_object();
    for (int i = 0; i < ADMIN_NOUN_COUNT; i++) {
        const struct admin_noun *noun = admin_noun((enum admin_noun_id)i);
        json_object_set_new(o, noun->name, noun_schema(noun));
    }
    json_object_set_new(o, "error",
                        json_pack("{s:s, s:[s,s], s:{s:{s:s}, s:{s:s}, s:{s:s}}}", "type", "object",
                                  "required", "error", "message", "properties", "error", "type",
                                  "string", "message", "type", "string", "field", "type",
                                  "string"));
    return o;
}

static void add_parameter(json_t *list, struct str name, const char *in)
{
    json_array_append_new(list,
                          json_pack("{s:o, s:s, s:b, s:{s:s}}", "name", api_str(name), "in", in,
                                    "required", in[0] == 'p', "schema", "type", "string"));
}

static json_t *parameters(const struct api_route *r)
{
    json_t *list = json_array();
    struct str rest = str_from(r->path), part;
    while (str_split(&rest, '/', &part))
        if (str_starts(part, STR("{")))
            add_parameter(list, str_sub(part, 1, part.n - (str_ends(part, STR("*}")) ? 2 : 1)),
                          "path");
    rest = str_from(r->query);
    while (rest.p && str_split(&rest, ' ', &part))
        add_parameter(list, part, "query");
    return list;
}

static json_t *body_of(const struct api_route *r)
{
    char ref[64] = "";
    if (r->body == API_CSV)
        return json_pack("{s:{s:{s:{s:s}}}}", "content", "text/csv", "schema", "type", "string");
    if (!r->noun)
        return json_pack("{s:{s:{s:{s:s}}}}", "content", "application/json", "schema", "type",
                         "object");
    snprintf(ref, sizeof ref, "#/components/schemas/%s", r->noun()->name);
    return json_pack("{s:{s:{s:{s:s}}}}", "content", "application/json", "schema", "$ref", ref);
}

static json_t *operation(const struct api_route *r)
{
    json_t *o = json_pack("{s:s, s:o, s:{s:{s:s}, s:{s:s, s:{s:{s:{s:s}}}}}}", "summary",
                          r->summary, "parameters", parameters(r), "responses",
                          r->method == HTTP_POST && r->noun ? "201" : "200", "description", "done",
                          "default", "description", "refused", "content", "application/json",
                          "schema", "$ref", "#/components/schemas/error");
    if (r->body != API_NO_BODY) json_object_set_new(o, "requestBody", body_of(r));
    return o;
}

static json_t *paths(const struct admin *a)
{
    json_t *all = json_object();
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *r = &api_routes[i];
        if (!api_is_here(a, r)) continue;
        char path[100];
        snprintf(path, sizeof path, "%s", r->path);
        char *star = strstr(path, "*}");
        if (star) memmove(star, star + 1, strlen(star));
        json_t *item = json_object_get(all, path);
        if (!item) {
            item = json_object();
            json_object_set_new(all, path, item);
        }
        const char *method = r->method == HTTP_GET     ? "get"
                             : r->method == HTTP_POST  ? "post"
                             : r->method == HTTP_PUT   ? "put"
                             : r->method == HTTP_PATCH ? "patch"
                                                       : "delete";
        json_object_set_new(item, method, operation(r));
    }
    return all;
}

void openapi_show(struct admin_call *c)
{
    api_reply(c, 200,
              json_pack("{s:s, s:{s:s, s:o, s:{s:s, s:s}}, s:o, s:[{s:[]}], "
                        "s:{s:o, s:{s:{s:s, s:s}}}}",
                        "openapi", "3.1.0", "info", "title", "Bearline operator API", "version",
                        api_str(c->admin->live->version), "license", "name", "Apache-2.0",
                        "identifier", "Apache-2.0", "paths", paths(c->admin), "security", "basic",
                        "components", "schemas", schemas(), "securitySchemes", "basic", "type",
                        "http", "scheme", "basic"));
}
