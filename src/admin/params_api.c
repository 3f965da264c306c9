#include "admin/api_int.h"

static json_t *param_print(const struct store_param *p)
{
    const struct store_param_def *d = store_param_def(p->id);
    static const char *const types[] = {"bool", "int", "choice", "text"};
    json_t *o = json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "name", d->name, "value",
                          api_str(p->value), "default", d->def, "label", d->label, "section",
                          d->section, "unit", d->unit, "type", types[d->type], "help", d->help,
                          "version", (json_int_t)p->version);
    if (o && d->type == STORE_PARAM_INT) {
        json_object_set_new(o, "min", json_integer(d->min));
        json_object_set_new(o, "max", json_integer(d->max));
    }
    if (o && d->type == STORE_PARAM_CHOICE)
        json_object_set_new(o, "choices", json_string(d->choices));
    return o;
}

/* What means nothing to this program is not shown. */
static bool is_here(const struct admin_call *c, enum store_param_id id)
{
    bool is_common = id == STORE_P_SIGNIN_TRIES || id == STORE_P_SIGNIN_PAUSE_S ||
                     id == STORE_P_PASSWORD_LENGTH || id == STORE_P_AUDIT_DAYS;
    return is_common || (id >= STORE_P_EDGE_FIRST) == c->admin->is_edge;
}

void param_list(struct admin_call *c)
{
    struct store_params *all = ARENA_NEW(c->arena, struct store_params);
    enum rc rc = all ? store_param_list(c->admin->store, c->arena, all, &c->why) : RC_NOMEM;
    if (rc != RC_OK) {
        api_fail_rc(c, rc, "params", STR(""));
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < STORE_P_COUNT; i++)
        if (is_here(c, (enum store_param_id)i)) api_append(&array, param_print(&all->rows[i]));
    api_reply(c, 200, json_pack("{s:o}", "params", array));
}

void param_show(struct admin_call *c)
{
    struct store_param p;
    enum rc rc = store_param_get(c->admin->store, c->req->params[0], c->arena, &p, &c->why);
    if (rc == RC_OK && !is_here(c, p.id)) rc = RC_NOT_FOUND;
    if (rc == RC_OK)
        api_reply(c, 200, param_print(&p));
    else
        api_fail_rc(c, rc, "parameter", c->req->params[0]);
}

static bool body_value(struct admin_call *c, struct str *out)
{
    json_t *v = json_object_get(c->body, "value");
    enum rc rc = RC_OK;
    if (json_is_string(v))
        *out = str_of(json_string_value(v), json_string_length(v));
    else if (json_is_integer(v))
        rc = arena_printf(c->arena, out, "%lld", (long long)json_integer_value(v));
    else if (json_is_boolean(v))
        *out = json_is_true(v) ? STR("1") : STR("0");
    else
        rc = RC_INVALID;
    if (rc != RC_OK)
        api_fail(c, 422, "invalid", "value",
                 "value is missing: give it as a text, a number, yes or no");
    return rc == RC_OK;
}

void param_update(struct admin_call *c)
{
    enum store_param_id id;
    struct store_param p;
    struct str value;
    const struct store_param_def *def = store_param_find(c->req->params[0], &id);
    json_t *version = json_object_get(c->body, "version");
    if (!def || !is_here(c, id)) {
        api_fail(c, 404, "not-found", NULL, "there is no parameter %.*s: see \"param list\"",
                 STR_ARG(c->req->params[0]));
        return;
    }
    if (id == STORE_P_SIP_OAUTH_MODE) {
        api_fail(
            c, 409, "conflict", NULL,
            "SIP OAuth mode has prerequisites that are checked first: use \"utils sipOAuth-mode "
            "enable\" or \"disable\"");
        return;
    }
    if (!body_value(c, &value)) return;
    enum rc rc = store_param_put(c->admin->store, &c->by, str_from(def->name), value,
                                 json_is_integer(version) ? json_integer_value(version) : 0,
                                 &c->why);
    if (rc == RC_OK)
        rc = store_param_get(c->admin->store, str_from(def->name), c->arena, &p, &c->why);
    if (rc == RC_OK)
        api_reply(c, 200, param_print(&p));
    else
        api_fail_rc(c, rc, "parameter", str_from(def->name));
}
