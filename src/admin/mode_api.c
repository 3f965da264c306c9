/* "utils sipOAuth-mode": the mode is one parameter; around it stand the checks before and what was
 * reached after. The lines an operator reads are made here, so that every face shows the same. */
#include "admin/api_int.h"
#include <stdarg.h>
#include <stdio.h>

static json_t *checks_print(const struct mode_checks *k)
{
    json_t *array = json_array();
    for (size_t i = 0; i < k->count; i++)
        api_append(&array, json_pack("{s:o, s:b, s:o, s:o}", "name", api_str(k->rows[i].name), "ok",
                                     k->rows[i].ok, "text", api_str(k->rows[i].text), "fix",
                                     api_str(k->rows[i].fix)));
    return array;
}

static void line_add(json_t *lines, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void line_add(json_t *lines, const char *fmt, ...)
{
    char text[600];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    json_array_append_new(lines, api_str(str_from(text)));
}

static void reply_mode(struct admin_call *c, bool on, bool changed, const struct mode_checks *k,
                       json_t *lines)
{
    json_t *o = json_pack("{s:b, s:b, s:o}", "enabled", on, "changed", changed, "lines", lines);
    if (o && k) json_object_set_new(o, "checks", checks_print(k));
    if (o && k) json_object_set_new(o, "prerequisites_ok", json_boolean(k->all_ok));
    api_reply(c, 200, o);
}

/* The port after the last ':' of "0.0.0.0:5090". */
static int addr_port(struct str addr)
{
    struct net_addr a;
    return net_addr_parse(addr, &a) == RC_OK ? a.port : 0;
}

/* How the listeners of a port stand: open on some address, or why not. */
static bool port_is_open(struct admin_call *c, int port, struct str *why)
{
    const struct admin_live *live = c->admin->live;
    struct admin_listener *rows;
    size_t count;
    bool open = false;
    *why = STR("it did not open in time; see \"status\"");
    if (live->listeners(live->ctx, c->arena, &rows, &count) != RC_OK) return false;
    for (size_t i = 0; i < count; i++) {
        if (addr_port(rows[i].addr) != port) continue;
        if (str_eq(rows[i].state, STR("open"))) open = true;
        if (str_eq(rows[i].state, STR("failed"))) *why = rows[i].why;
    }
    return open;
}

static void lines_of_ports(struct admin_call *c, const struct store_node *node, json_t *lines)
{
    struct str why_oauth, why_mra;
    bool oauth = port_is_open(c, node->ports.oauth, &why_oauth);
    bool mra = port_is_open(c, node->ports.mra, &why_mra);
    if (oauth && mra)
        line_add(lines,
                 "No restart of any service is needed: ports %d and %d are open now on %.*s.",
                 node->ports.oauth, node->ports.mra, STR_ARG(node->name));
    if (!oauth)
        line_add(lines, "Port %d is not open on %.*s: %.*s", node->ports.oauth, STR_ARG(node->name),
                 STR_ARG(why_oauth));
    if (!mra)
        line_add(lines, "Port %d is not open on %.*s: %.*s", node->ports.mra, STR_ARG(node->name),
                 STR_ARG(why_mra));
}

static enum rc set_mode(struct admin_call *c, bool on)
{
    enum rc rc = store_param_put(c->admin->store, &c->by,
                                 str_from(store_param_def(STORE_P_SIP_OAUTH_MODE)->name),
                                 on ? STR("1") : STR("0"), 0, &c->why);
    if (rc == RC_OK) c->admin->live->settle(c->admin->live->ctx);
    return rc;
}

static void note(struct admin_call *c, bool on)
{
    log_info(c->admin->log, "mode.changed", LOG_CSTR("sip_oauth", on ? "enabled" : "disabled"),
             LOG_STR("by", c->by.who), LOG_STR("from", c->by.from));
}

static void refuse_enable(struct admin_call *c, const struct mode_checks *k)
{
    json_t *o = json_pack(
        "{s:s, s:s, s:o}", "error", "prerequisites", "message",
        "SIP OAuth mode stays disabled, a prerequisite is not met: see its checks", "checks",
        checks_print(k));
    enum rc rc = store_audit_add(c->admin->store, &c->by, STR("refused"), STR("mode"),
                                 STR("ClusterSIPOAuthMode"), STR("a prerequisite is not met"),
                                 NULL);
    if (rc != RC_OK) log_warn(c->admin->log, "audit.failed", LOG_CSTR("rc", rc_name(rc)));
    api_reply(c, 409, o);
}

/* Holding the lock of ports. */
static void enable(struct admin_call *c)
{
    struct store_node own;
    struct mode_checks *k = ARENA_NEW(c->arena, struct mode_checks);
    enum rc rc = k ? mode_own_node(c, &own) : RC_NOMEM;
    bool was_on = mode_is_on(c);
    if (rc == RC_OK) rc = mode_check_all(c, k);
    if (rc == RC_OK && !was_on && !k->all_ok) {
        refuse_enable(c, k);
        return;
    }
    if (rc == RC_OK && !was_on) rc = set_mode(c, true);
    if (rc != RC_OK) {
        api_fail_rc(c, rc, "SIP OAuth mode", STR(""));
        return;
    }
    if (!was_on) note(c, true);
    json_t *lines = json_array();
    line_add(lines, was_on ? "SIP OAuth mode is already enabled." : "SIP OAuth mode enabled.");
    lines_of_ports(c, &own, lines);
    reply_mode(c, true, !was_on, k, lines);
}

void mode_enable(struct admin_call *c)
{
    pthread_mutex_lock(&c->admin->ports);
    enable(c);
    pthread_mutex_unlock(&c->admin->ports);
}

/* Registrations that came by an OAuth port. */
static size_t oauth_registrations(struct admin_call *c)
{
    const struct admin_live *live = c->admin->live;
    struct admin_registration *rows;
    size_t count = 0, found = 0;
    uint64_t after = 0;
    do {
        struct arena a;
        arena_init(&a, NULL, 0, 16 << 20);
        if (live->registrations(live->ctx, STR(""), after, 1000, &a, &rows, &count) != RC_OK)
            count = 0;
        for (size_t i = 0; i < count; i++) {
            after = rows[i].id;
            if (str_find(rows[i].listener, STR("OAuth")) != STR_NPOS) found++;
        }
        arena_fini(&a);
    } while (count == 1000);
    return found;
}

static void disable(struct admin_call *c)
{
    struct store_node own;
    bool was_on = mode_is_on(c);
    size_t registered = was_on ? oauth_registrations(c) : 0;
    enum rc rc = mode_own_node(c, &own);
    if (rc == RC_OK && was_on) rc = set_mode(c, false);
    if (rc != RC_OK) {
        api_fail_rc(c, rc, "SIP OAuth mode", STR(""));
        return;
    }
    json_t *lines = json_array();
    line_add(lines, was_on ? "SIP OAuth mode disabled." : "SIP OAuth mode is already disabled.");
    if (was_on) {
        note(c, false);
        line_add(lines,
                 "No restart of any service is needed: ports %d and %d are closed now on %.*s.",
                 own.ports.oauth, own.ports.mra, STR_ARG(own.name));
        line_add(lines, "%zu registration%s let go.", registered,
                 registered == 1 ? " was" : "s were");
    }
    reply_mode(c, false, was_on, NULL, lines);
}

void mode_disable(struct admin_call *c)
{
    pthread_mutex_lock(&c->admin->ports);
    disable(c);
    pthread_mutex_unlock(&c->admin->ports);
}

void mode_show(struct admin_call *c)
{
    struct store_node own;
    bool on = mode_is_on(c);
    struct mode_checks *k = ARENA_NEW(c->arena, struct mode_checks);
    enum rc rc = k ? mode_own_node(c, &own) : RC_NOMEM;
    if (rc == RC_OK) rc = mode_check_all(c, k);
    if (rc != RC_OK) {
        api_fail_rc(c, rc, "SIP OAuth mode", STR(""));
        return;
    }
    json_t *lines = json_array();
    line_add(lines, "SIP OAuth mode is %s.", on ? "enabled" : "disabled");
    if (on) {
        struct str why;
        if (port_is_open(c, own.ports.oauth, &why) && port_is_open(c, own.ports.mra, &why))
            line_add(lines, "Ports %d and %d are open on %.*s.", own.ports.oauth, own.ports.mra,
                     STR_ARG(own.name));
        else
            lines_of_ports(c, &own, lines);
    }
    reply_mode(c, on, false, k, lines);
}
