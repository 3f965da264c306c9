/* The operator API of an edge: its status, zones, the call servers it follows, and what is wrong. */
#include "admin/api_int.h"
#include "store/remote.h"

static const struct admin_live *live_of(const struct admin_call *c)
{
    return c->admin->live;
}

/* Everything an edge knows of others, read once for an answer. */
struct around {
    struct admin_zone *zones;
    struct admin_ucm_state *ucms;
    struct admin_finding *findings;
    struct admin_listener *ports; /* of an outer edge */
    size_t zone_count, ucm_count, finding_count, port_count;
};

static bool look_around(struct admin_call *c, struct around *out)
{
    const struct admin_live *live = live_of(c);
    enum rc rc = live->zones(live->ctx, c->arena, &out->zones, &out->zone_count);
    if (rc == RC_OK) rc = live->ucms(live->ctx, c->arena, &out->ucms, &out->ucm_count);
    if (rc == RC_OK) rc = live->findings(live->ctx, c->arena, &out->findings, &out->finding_count);
    out->port_count = 0;
    if (rc == RC_OK && live->listeners)
        rc = live->listeners(live->ctx, c->arena, &out->ports, &out->port_count);
    if (rc != RC_OK) api_fail_rc(c, rc, "edge", STR(""));
    return rc == RC_OK;
}

static json_t *zones_print(const struct around *w)
{
    json_t *array = json_array();
    for (size_t i = 0; i < w->zone_count; i++) {
        const struct admin_zone *z = &w->zones[i];
        api_append(&array,
                   json_pack("{s:o, s:o, s:o, s:o, s:i, s:o, s:o, s:i, s:I, s:o, s:o, s:o}", "name",
                             api_str(z->name), "ucm", api_str(z->ucm), "type", api_str(z->type),
                             "host", api_str(z->host), "port", (int)z->port, "peer",
                             api_str(z->peer), "sip_status", api_str(z->state), "priority", 45,
                             "since", (json_int_t)(z->since_unix_ms / 1000), "pattern",
                             api_str(z->host), "text", api_str(z->text), "fix", api_str(z->fix)));
    }
    return array;
}

static json_t *ucms_print(const struct around *w)
{
    json_t *array = json_array();
    for (size_t i = 0; i < w->ucm_count; i++) {
        const struct admin_ucm_state *u = &w->ucms[i];
        api_append(&array, json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:o}", "address",
                                     api_str(u->address), "state", api_str(u->state), "release",
                                     api_str(u->release), "nodes", (json_int_t)u->node_count,
                                     "since", (json_int_t)(u->since_unix_ms / 1000), "read",
                                     (json_int_t)(u->read_unix_ms / 1000), "text", api_str(u->text),
                                     "fix", api_str(u->fix)));
    }
    return array;
}

static void add_problem(json_t **array, const char *name, struct str key, struct str text,
                        struct str fix)
{
    json_t *whole = key.n > 0 ? json_sprintf("%s %.*s", name, STR_ARG(key)) : json_string(name);
    api_append(array, json_pack("{s:o, s:o, s:o}", "name", whole, "text", api_str(text), "fix",
                                api_str(fix)));
}

static json_t *ports_print(const struct around *w)
{
    json_t *array = json_array();
    for (size_t i = 0; i < w->port_count; i++)
        api_append(&array, api_listener_print(&w->ports[i]));
    return array;
}

static json_t *problems_print(const struct around *w)
{
    json_t *array = json_array();
    for (size_t i = 0; i < w->ucm_count; i++)
        if (w->ucms[i].text.n > 0)
            add_problem(&array, "Call server", w->ucms[i].address, w->ucms[i].text, w->ucms[i].fix);
    for (size_t i = 0; i < w->zone_count; i++)
        if (w->zones[i].text.n > 0)
            add_problem(&array, "Zone", w->zones[i].name, w->zones[i].text, w->zones[i].fix);
    for (size_t i = 0; i < w->port_count; i++)
        if (str_eq(w->ports[i].state, STR("failed")))
            add_problem(&array, "Port", w->ports[i].name, w->ports[i].why, w->ports[i].fix);
    for (size_t i = 0; i < w->finding_count; i++)
        add_problem(&array, "Settings", STR(""), w->findings[i].text, w->findings[i].fix);
    return array;
}

void edge_status(struct admin_call *c)
{
    struct around w;
    int64_t up_s = (clock_unix_ms(&c->admin->clock) - live_of(c)->started_unix_ms) / 1000;
    bool mode = directory_param_number(c->admin->directory, STORE_P_EDGE_MODE) != 0;
    if (!look_around(c, &w)) return;
    api_reply(c, 200,
              json_pack("{s:o, s:o, s:o, s:I, s:b, s:o, s:o, s:o, s:o}", "node",
                        api_str(live_of(c)->node_name), "role", api_str(live_of(c)->role),
                        "version", api_str(live_of(c)->version), "uptime_s", (json_int_t)up_s,
                        "mra", mode, "ucms", ucms_print(&w), "zones", zones_print(&w), "listeners",
                        ports_print(&w), "problems", problems_print(&w)));
}

void edge_zones(struct admin_call *c)
{
    struct around w;
    if (look_around(c, &w)) api_reply(c, 200, json_pack("{s:o}", "zones", zones_print(&w)));
}

void edge_ucms(struct admin_call *c)
{
    struct around w;
    if (look_around(c, &w)) api_reply(c, 200, json_pack("{s:o}", "ucms", ucms_print(&w)));
}

void edge_refresh(struct admin_call *c)
{
    struct str address = form_find(&c->query, STR("address"));
    size_t count = live_of(c)->ucm_refresh(live_of(c)->ctx, address);
    if (count == 0 && address.n > 0)
        api_fail(c, 404, "not-found", "address", "there is no call server %.*s: see \"ucm list\"",
                 STR_ARG(str_sub(address, 0, 200)));
    else
        api_reply(c, 200, json_pack("{s:I}", "refreshed", (json_int_t)count));
}

/* ---- what is wrong ---- */

static bool add_step(json_t **steps, const char *name, struct str key, struct str good,
                     struct str text, struct str fix)
{
    bool ok = text.n == 0;
    json_t *whole = key.n > 0 ? json_sprintf("%s %.*s", name, STR_ARG(key)) : json_string(name);
    api_append(steps, json_pack("{s:o, s:b, s:o, s:o}", "name", whole, "ok", ok, "text",
                                api_str(ok ? good : text), "fix", api_str(fix)));
    return ok;
}

void edge_diagnose(struct admin_call *c)
{
    struct around w;
    json_t *steps = json_array();
    if (!look_around(c, &w)) {
        json_decref(steps);
        return;
    }
    bool ok = true, needs_ucm = w.ucm_count == 0 && str_eq(live_of(c)->role, STR("inner"));
    if (w.ucm_count > 0 || needs_ucm)
        ok &= add_step(&steps, "Call servers", STR(""), STR("known"),
                       needs_ucm ? STR("none is known: nobody is served") : STR(""),
                       needs_ucm ? STR("ucm add HOST --username NAME --password-file FILE")
                                 : STR(""));
    for (size_t i = 0; i < w.port_count; i++)
        ok &= add_step(&steps, "Port", w.ports[i].name, w.ports[i].state, w.ports[i].why,
                       w.ports[i].fix);
    for (size_t i = 0; i < w.ucm_count; i++)
        ok &= add_step(&steps, "Call server", w.ucms[i].address, w.ucms[i].state, w.ucms[i].text,
                       w.ucms[i].fix);
    for (size_t i = 0; i < w.finding_count; i++)
        ok &= add_step(&steps, "Settings", STR(""), STR(""), w.findings[i].text, w.findings[i].fix);
    for (size_t i = 0; i < w.zone_count; i++)
        ok &= add_step(&steps, "Zone", w.zones[i].name, w.zones[i].state, w.zones[i].text,
                       w.zones[i].fix);
    api_reply(c, 200, json_pack("{s:b, s:o}", "ok", ok, "steps", steps));
}
