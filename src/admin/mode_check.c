/* What SIP OAuth mode needs, looked at by name before it is enabled; and whether ports can be had. */
#include "admin/api_int.h"
#include "crypto/x509.h"
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static enum rc check_add(struct admin_call *c, struct mode_checks *k, const char *name, bool ok,
                         const char *fix, const char *fmt, ...) PRINTF_LIKE(6, 7);
static enum rc check_add(struct admin_call *c, struct mode_checks *k, const char *name, bool ok,
                         const char *fix, const char *fmt, ...)
{
    char text[400];
    va_list args;
    if (k->count == MODE_CHECK_MAX) return RC_OK;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    struct mode_check *row = &k->rows[k->count];
    *row = (struct mode_check){.ok = ok};
    enum rc rc = arena_str_dup(c->arena, str_from(name), &row->name);
    if (rc == RC_OK) rc = arena_str_dup(c->arena, str_from(text), &row->text);
    if (rc == RC_OK) rc = arena_str_dup(c->arena, str_from(ok ? "" : fix), &row->fix);
    if (rc == RC_OK) k->count++;
    if (!ok) k->all_ok = false;
    return rc;
}

/* ---- refresh login ---- */

static enum rc check_refresh(struct admin_call *c, struct mode_checks *k)
{
    const struct store_param_def *def = store_param_def(STORE_P_REFRESH_LOGIN);
    bool on = directory_param_number(c->admin->directory, STORE_P_REFRESH_LOGIN) != 0;
    char fix[200];
    snprintf(fix, sizeof fix, "Switch it on: param update %s enabled", def->name);
    return check_add(c, k, def->label, on, fix, "%s", on ? "enabled" : "disabled");
}

/* ---- certificates ---- */

static void date_print(int64_t unix_s, char out[32])
{
    time_t t = (time_t)unix_s;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || strftime(out, 32, "%Y-%m-%d", &tm) == 0) snprintf(out, 32, "?");
}

static enum rc check_cert_text(struct admin_call *c, struct mode_checks *k, const char *unit,
                               const struct store_node *node, const struct store_cert *cert)
{
    char name[160], fix[200], until[32], from[32];
    int64_t now = clock_unix_s(&c->admin->clock);
    snprintf(name, sizeof name, "Certificate %s of %.*s", unit, STR_ARG(node->name));
    snprintf(fix, sizeof fix,
             "Issue it anew (set cert regen %s) or bring one (set cert import own)", unit);
    date_print(cert->not_after_s, until);
    date_print(cert->not_before_s, from);
    if (now >= cert->not_after_s) return check_add(c, k, name, false, fix, "expired on %s", until);
    if (now < cert->not_before_s)
        return check_add(c, k, name, false, "Look at this machine's clock, or bring another one",
                         "not valid before %s", from);
    if (crypto_cert_check_host(cert->chain_pem, node->host) != RC_OK)
        return check_add(c, k, name, false, fix, "is not for the name %.*s phones connect to",
                         STR_ARG(node->host));
    return check_add(c, k, name, true, "", "valid until %s, for %.*s", until, STR_ARG(node->host));
}

static enum rc check_cert(struct admin_call *c, struct mode_checks *k, const char *unit,
                          const struct store_node *node)
{
    char key[160], name[160], fix[100];
    struct store_cert cert;
    snprintf(key, sizeof key, "%s/%.*s", unit, STR_ARG(node->name));
    enum rc rc = store_cert_get(c->admin->store, str_from(key), c->arena, &cert, &c->why);
    if (rc == RC_OK) return check_cert_text(c, k, unit, node, &cert);
    if (rc != RC_NOT_FOUND) return rc;
    snprintf(name, sizeof name, "Certificate %s of %.*s", unit, STR_ARG(node->name));
    if (!str_eq_nocase(node->name, c->admin->live->node_name))
        return check_add(c, k, name, true, "", "kept by that node, not seen from here");
    snprintf(fix, sizeof fix, "Issue it: set cert regen %s", unit);
    return check_add(c, k, name, false, fix, "missing");
}

/* ---- ports ---- */

static enum rc check_port(struct admin_call *c, struct mode_checks *k,
                          const struct store_node *node, const char *label, const char *option,
                          int port)
{
    const struct admin_live *live = c->admin->live;
    char name[160], fix[200];
    struct str holder;
    snprintf(name, sizeof name, "%s of %.*s", label, STR_ARG(node->name));
    snprintf(fix, sizeof fix, "Choose another: node update %.*s --%s PORT", STR_ARG(node->name),
             option);
    if (port < STORE_PORT_MIN || port > STORE_PORT_MAX)
        return check_add(c, k, name, false, fix, "%d is not in %d to %d", port, STORE_PORT_MIN,
                         STORE_PORT_MAX);
    if (!str_eq_nocase(node->name, live->node_name))
        return check_add(c, k, name, true, "", "%d; that node opens it itself", port);
    if (live->port_is_free(live->ctx, (uint16_t)port, false, c->arena, &holder))
        return check_add(c, k, name, true, "", "%d is free, or ours already", port);
    return check_add(c, k, name, false, fix, "%d is held by %.*s", port, STR_ARG(holder));
}

static enum rc check_node(struct admin_call *c, struct mode_checks *k,
                          const struct store_node *node)
{
    enum rc rc = check_cert(c, k, "tomcat", node);
    if (rc == RC_OK) rc = check_cert(c, k, "tomcat-ECDSA", node);
    if (rc == RC_OK)
        rc = check_port(c, k, node, "SIP Phone OAuth Port", "sip-oauth-port", node->ports.oauth);
    if (rc == RC_OK)
        rc = check_port(c, k, node, "SIP Mobile and Remote Access OAuth Port", "sip-mra-oauth-port",
                        node->ports.mra);
    if (rc == RC_OK && node->ports.oauth == node->ports.mra)
        rc = check_add(c, k, "Ports", false, "Give each its own", "both OAuth ports are %d",
                       node->ports.mra);
    return rc;
}

/* ---- profiles ---- */

static enum rc check_profiles(struct admin_call *c, struct mode_checks *k)
{
    static const char fix[] =
        "Add one: profile add \"Cisco Unified Client Services Framework - OAuth auth\" "
        "--security Encrypted --transport TLS --oauth yes";
    struct store_page page = {0};
    struct store_profiles found;
    do {
        enum rc rc = store_profile_list(c->admin->store, &page, c->arena, &found, &c->why);
        if (rc != RC_OK) return rc;
        for (size_t i = 0; i < found.count; i++)
            if (found.rows[i].oauth)
                return check_add(c, k, "Profile with OAuth", true, "", "\"%.*s\"",
                                 STR_ARG(found.rows[i].name));
        if (found.count > 0) page.after = found.rows[found.count - 1].name;
    } while (found.more);
    return check_add(c, k, "Profile with OAuth", false, fix,
                     "no phone security profile has OAuth authentication on");
}

enum rc mode_check_all(struct admin_call *c, struct mode_checks *out)
{
    struct store_nodes nodes;
    *out = (struct mode_checks){.all_ok = true};
    enum rc rc = check_refresh(c, out);
    if (rc == RC_OK) rc = store_node_list(c->admin->store, NULL, c->arena, &nodes, &c->why);
    for (size_t i = 0; rc == RC_OK && i < nodes.count; i++)
        rc = check_node(c, out, &nodes.rows[i]);
    if (rc == RC_OK) rc = check_profiles(c, out);
    if (rc == RC_OK) rc = check_add(c, out, "Export-control licence", true, "", "not needed");
    return rc;
}

enum rc mode_own_node(struct admin_call *c, struct store_node *out)
{
    return store_node_get(c->admin->store, c->admin->live->node_name, c->arena, out, &c->why);
}

bool mode_is_on(struct admin_call *c)
{
    return directory_param_number(c->admin->directory, STORE_P_SIP_OAUTH_MODE) != 0;
}

/* ---- a change of ports ---- */

static const struct {
    const char *label;
    size_t offset;
    bool udp_too;
} opened[] = {
    {"SIP Phone Port", offsetof(struct store_ports, sip), true},
    {"SIP Phone Secure Port", offsetof(struct store_ports, sips), false},
    {"SIP Phone OAuth Port", offsetof(struct store_ports, oauth), false},
    {"SIP Mobile and Remote Access OAuth Port", offsetof(struct store_ports, mra), false},
    {"Configuration HTTP Port", offsetof(struct store_ports, config_http), false},
    {"Configuration HTTPS Port", offsetof(struct store_ports, config_https), false},
    {"HTTPS Port", offsetof(struct store_ports, https), false},
};

static int port_at(const struct store_ports *p, size_t i)
{
    int port;
    memcpy(&port, (const char *)p + opened[i].offset, sizeof port);
    return port;
}

enum rc ports_check(struct admin_call *c, const struct store_ports *old,
                    const struct store_ports *new)
{
    const struct admin_live *live = c->admin->live;
    for (size_t i = 0; i < sizeof opened / sizeof *opened; i++) {
        int port = port_at(new, i);
        struct str holder;
        if (port < STORE_PORT_MIN || port > STORE_PORT_MAX) continue; /* the store refuses it */
        if (old && port_at(old, i) == port) continue;
        if (live->port_is_free(live->ctx, (uint16_t)port, opened[i].udp_too, c->arena, &holder))
            continue;
        snprintf(c->why.text, sizeof c->why.text,
                 "%s %d is held by %.*s: stop that program or choose another port. Nothing was "
                 "changed.",
                 opened[i].label, port, STR_ARG(holder));
        return RC_CONFLICT;
    }
    return RC_OK;
}
