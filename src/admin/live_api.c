/* Views of the running node: status, registrations, traces, ports, counters, audit. */
#include "admin/api_int.h"
#include <stdio.h>

static const struct admin_live *live_of(const struct admin_call *c)
{
    return c->admin->live;
}

json_t *api_listener_print(const struct admin_listener *row)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "name", api_str(row->name), "transport",
                     api_str(row->transport), "address", api_str(row->addr), "state",
                     api_str(row->state), "why", api_str(row->why), "fix", api_str(row->fix));
}

static json_t *listeners_print(struct admin_call *c)
{
    struct admin_listener *rows;
    size_t count;
    if (live_of(c)->listeners(live_of(c)->ctx, c->arena, &rows, &count) != RC_OK) return NULL;
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        api_append(&array, api_listener_print(&rows[i]));
    return array;
}

static json_t *counts_print(struct admin_call *c)
{
    struct directory_counts n;
    directory_count(c->admin->directory, &n);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "users",
                     (json_int_t)n.users, "devices", (json_int_t)n.devices, "lines",
                     (json_int_t)n.lines, "profiles", (json_int_t)n.profiles, "nodes",
                     (json_int_t)n.nodes, "registrations",
                     (json_int_t)live_of(c)->registration_count(live_of(c)->ctx), "hunt_groups",
                     (json_int_t)n.hunt_groups, "trunks", (json_int_t)n.trunks, "route_patterns",
                     (json_int_t)n.route_patterns, "calls", (json_int_t)calls_count(c));
}

/* One of the node's numbers; 0 when it has none of that name. */
static json_int_t number_of(struct admin_call *c, struct str name)
{
    struct admin_number *rows;
    size_t count;
    if (live_of(c)->numbers(live_of(c)->ctx, c->arena, &rows, &count) != RC_OK) return 0;
    for (size_t i = 0; i < count; i++)
        if (str_eq(rows[i].name, name)) return (json_int_t)rows[i].value;
    return 0;
}

static json_t *load_print(struct admin_call *c)
{
    return json_pack("{s:I, s:I}", "overloaded_workers",
                     number_of(c, STR("calls.overloaded_workers")), "refused_calls",
                     number_of(c, STR("calls.refused_overload")));
}

void live_status(struct admin_call *c)
{
    int64_t up_s = (clock_unix_ms(&c->admin->clock) - live_of(c)->started_unix_ms) / 1000;
    struct health h;
    if (c->admin->is_edge) {
        edge_status(c);
        return;
    }
    enum rc rc = health_look(c, &h);
    if (rc != RC_OK) {
        api_fail_rc(c, rc, "status", STR(""));
        return;
    }
    api_reply(c, 200,
              json_pack("{s:o, s:o, s:I, s:b, s:o, s:o, s:o, s:o}", "node",
                        api_str(live_of(c)->node_name), "version", api_str(live_of(c)->version),
                        "uptime_s", (json_int_t)up_s, "sip_oauth_mode", mode_is_on(c), "counts",
                        counts_print(c), "load", load_print(c), "listeners", listeners_print(c),
                        "problems", health_print(&h)));
}

void live_ports(struct admin_call *c)
{
    api_reply(c, 200, json_pack("{s:o}", "ports", listeners_print(c)));
}

void live_port(struct admin_call *c)
{
    uint64_t port;
    struct str holder = STR("");
    if (str_to_u64(c->req->params[0], 65535, &port) != RC_OK || port == 0) {
        api_fail(c, 400, "malformed", "port", "%.*s is no port: use 1 to 65535",
                 STR_ARG(c->req->params[0]));
        return;
    }
    bool free_now = live_of(c)->port_is_free(live_of(c)->ctx, (uint16_t)port, api_flag(c, "udp"),
                                             c->arena, &holder);
    api_reply(c, 200,
              json_pack("{s:I, s:b, s:o}", "port", (json_int_t)port, "free", free_now, "holder",
                        api_str(holder)));
}

void live_counters(struct admin_call *c)
{
    struct admin_number *rows;
    size_t count;
    enum rc rc = live_of(c)->numbers(live_of(c)->ctx, c->arena, &rows, &count);
    if (rc != RC_OK) {
        api_fail_rc(c, rc, "counters", STR(""));
        return;
    }
    json_t *o = json_object();
    for (size_t i = 0; i < count; i++) {
        char name[96];
        if (str_to_cstr(rows[i].name, name, sizeof name) == RC_OK)
            json_object_set_new(o, name, json_integer(rows[i].value));
    }
    api_reply(c, 200, json_pack("{s:o}", "counters", o));
}

/* ---- trunks ---- */

void live_trunks(struct admin_call *c)
{
    struct admin_trunk_state *rows = NULL;
    size_t count = 0;
    enum rc rc = live_of(c)->trunks ? live_of(c)->trunks(live_of(c)->ctx, c->arena, &rows, &count)
                                    : RC_OK;
    if (rc != RC_OK) {
        api_fail_rc(c, rc, "trunks", STR(""));
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        api_append(&array,
                   json_pack("{s:o, s:s, s:I, s:I}", "name", api_str(rows[i].name), "state",
                             rows[i].is_up ? "up" : "down", "status", (json_int_t)rows[i].status,
                             "since", (json_int_t)(rows[i].since_unix_ms / 1000)));
    api_reply(c, 200, json_pack("{s:o, s:b}", "trunks", array, "more", false));
}

/* ---- registrations ---- */

static json_t *registration_print(const struct admin_registration *r)
{
    return json_pack(
        "{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "id", (json_int_t)r->id,
        "device", api_str(r->device), "line", api_str(r->line), "user", api_str(r->user), "contact",
        api_str(r->contact), "peer", api_str(r->peer), "user_agent", api_str(r->user_agent),
        "listener", api_str(r->listener), "dialect", api_str(r->dialect), "since",
        (json_int_t)(r->since_unix_ms / 1000), "expires_in_s", (json_int_t)r->expires_in_s,
        "token_expires", (json_int_t)r->token_expires_unix_s);
}

void live_registrations(struct admin_call *c)
{
    struct admin_registration *rows;
    uint64_t after, limit;
    size_t count;
    if (!api_number(c, "after", 0, UINT64_MAX, &after) ||
        !api_number(c, "limit", ADMIN_PAGE_DEFAULT, 1000, &limit))
        return;
    if (limit == 0) limit = ADMIN_PAGE_DEFAULT;
    enum rc rc = live_of(c)->registrations(live_of(c)->ctx, form_find(&c->query, STR("device")),
                                           after, (size_t)limit, c->arena, &rows, &count);
    if (rc != RC_OK) {
        api_fail_rc(c, rc, "registrations", STR(""));
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        api_append(&array, registration_print(&rows[i]));
    api_reply(c, 200, json_pack("{s:o, s:b}", "registrations", array, "more", count == limit));
}

void live_reset(struct admin_call *c)
{
    struct str device = c->req->params[0];
    const struct directory_device *d = directory_device_ref(c->admin->directory, device);
    if (!d) {
        api_fail(c, 404, "not-found", NULL, "there is no device %.*s: see \"device list\"",
                 STR_ARG(device));
        return;
    }
    directory_device_unref(d);
    size_t count = live_of(c)->reset_device(live_of(c)->ctx, device);
    enum rc rc = store_audit_add(c->admin->store, &c->by, STR("reset"), STR("device"), device,
                                 STR("ok"), NULL);
    if (rc != RC_OK) log_warn(c->admin->log, "audit.failed", LOG_CSTR("rc", rc_name(rc)));
    api_reply(c, 200, json_pack("{s:I}", "released", (json_int_t)count));
}

/* ---- traces ---- */

static json_t *trace_print(const struct admin_trace_record *r)
{
    static const char *const kinds[] = {"in", "out", "note"};
    char flow[24];
    snprintf(flow, sizeof flow, "%016llx", (unsigned long long)r->flow_id);
    return json_pack("{s:I, s:s, s:I, s:s, s:o, s:o, s:o, s:o, s:o}", "seq", (json_int_t)r->seq,
                     "flow", flow, "at_ms", (json_int_t)r->unix_ms, "kind", kinds[r->kind],
                     "transport", api_str(r->transport), "local", api_str(r->local), "peer",
                     api_str(r->peer), "device", api_str(r->label), "text", api_str(r->text));
}

void live_traces(struct admin_call *c)
{
    struct admin_trace_record *rows;
    uint64_t after, limit;
    size_t count;
    if (!api_number(c, "after", 0, UINT64_MAX, &after) ||
        !api_number(c, "limit", 200, ADMIN_TRACE_MAX, &limit))
        return;
    enum rc rc = live_of(c)->trace(live_of(c)->ctx, form_find(&c->query, STR("device")), after,
                                   (size_t)limit, c->arena, &rows, &count);
    if (rc != RC_OK) {
        api_fail_rc(c, rc, "traces", STR(""));
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        api_append(&array, trace_print(&rows[i]));
    api_reply(c, 200, json_pack("{s:o}", "records", array));
}

void live_switch(struct admin_call *c)
{
    json_t *on = json_object_get(c->body, "on");
    if (!json_is_boolean(on)) {
        api_fail(c, 422, "invalid", "on", "on has another value: use true or false");
        return;
    }
    live_of(c)->trace_switch(live_of(c)->ctx, json_is_true(on));
    api_reply(c, 200, json_pack("{s:b}", "on", json_is_true(on)));
}

/* ---- audit ---- */

void live_audit(struct admin_call *c)
{
    struct store_audits found;
    uint64_t before, limit;
    if (!api_number(c, "before", 0, INT64_MAX, &before) ||
        !api_number(c, "limit", ADMIN_PAGE_DEFAULT, STORE_PAGE_MAX, &limit))
        return;
    enum rc rc = store_audit_list(c->admin->store, (int64_t)before, (size_t)limit, c->arena, &found,
                                  &c->why);
    if (rc != RC_OK) {
        api_fail_rc(c, rc, "audit", STR(""));
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < found.count; i++) {
        const struct store_audit *r = &found.rows[i];
        api_append(&array, json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
                                     (json_int_t)r->id, "at_ms", (json_int_t)r->at_unix_ms, "who",
                                     api_str(r->who), "from", api_str(r->from), "action",
                                     api_str(r->action), "kind", api_str(r->kind), "key",
                                     api_str(r->key), "result", api_str(r->result)));
    }
    api_reply(c, 200, json_pack("{s:o, s:b}", "audit", array, "more", found.count == limit));
}
