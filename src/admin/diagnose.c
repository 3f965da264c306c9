/* What keeps a device, or any device, from registering: a walk through everything a REGISTER needs,
 * in the order the node looks at it. Each step says what was found and what to do. */
#include "admin/api_int.h"
#include "admin/edgetold.h"
#include <stdarg.h>
#include <stdio.h>

struct walk {
    struct admin_call *c;
    json_t *steps;
    bool all_ok;
};

static void step(struct walk *w, const char *name, bool ok, const char *fix, const char *fmt, ...)
    PRINTF_LIKE(5, 6);
static void step(struct walk *w, const char *name, bool ok, const char *fix, const char *fmt, ...)
{
    char text[700];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (!ok) w->all_ok = false;
    json_array_append_new(w->steps, json_pack("{s:s, s:b, s:o, s:o}", "name", name, "ok", ok,
                                              "text", api_str(str_from(text)), "fix",
                                              api_str(str_from(ok ? "" : fix))));
}

static void finish(struct walk *w)
{
    api_reply(w->c, 200, json_pack("{s:b, s:o}", "ok", w->all_ok, "steps", w->steps));
}

/* ---- the node ---- */

static void walk_mode(struct walk *w)
{
    bool on = mode_is_on(w->c);
    step(w, "SIP OAuth mode", on, "Enable it: utils sipOAuth-mode enable", "%s",
         on ? "enabled" : "disabled");
}

static void walk_checks(struct walk *w)
{
    struct mode_checks *k = ARENA_NEW(w->c->arena, struct mode_checks);
    if (!k || mode_check_all(w->c, k) != RC_OK) {
        step(w, "Prerequisites", false, "Try again; see the node's log", "could not be read");
        return;
    }
    for (size_t i = 0; i < k->count; i++) {
        char name[200], fix[300];
        if (str_to_cstr(k->rows[i].name, name, sizeof name) != RC_OK ||
            str_to_cstr(k->rows[i].fix, fix, sizeof fix) != RC_OK)
            continue;
        step(w, name, k->rows[i].ok, fix, "%.*s", STR_ARG(k->rows[i].text));
    }
}

/* only: "" all. */
static void walk_health(struct walk *w, const char *only)
{
    struct health h;
    char fix[500];
    if (health_look(w->c, &h) != RC_OK) {
        step(w, "Health", false, "Try again; see the node's log", "could not be read");
        return;
    }
    for (size_t i = 0; i < h.count; i++) {
        if (only[0] != '\0' && strcmp(h.rows[i].name, only) != 0) continue;
        if (str_to_cstr(h.rows[i].fix, fix, sizeof fix) != RC_OK) fix[0] = '\0';
        step(w, h.rows[i].name, false, fix, "%.*s", STR_ARG(h.rows[i].text));
    }
}

/* Edges that cannot come in, each with the certificate in question. */
static void walk_edges(struct walk *w)
{
    struct health h;
    char fix[700];
    if (handshakes_recent(w->c, &h) != RC_OK) {
        step(w, "Edges", false, "Try again; see the node's log", "could not be read");
        return;
    }
    for (size_t i = 0; i < h.count; i++) {
        if (str_to_cstr(h.rows[i].fix, fix, sizeof fix) != RC_OK) fix[0] = '\0';
        step(w, h.rows[i].name, false, fix, "%.*s", STR_ARG(h.rows[i].text));
    }
}

/* Edges that follow this cluster, and whose setting does not go together with ours. */
static void walk_followers(struct walk *w)
{
    bool refresh = directory_param_number(w->c->admin->directory, STORE_P_REFRESH_LOGIN) != 0;
    int64_t now_ms = clock_mono_ms(&w->c->admin->clock);
    struct edgetold *told = ARENA_NEW(w->c->arena, struct edgetold);
    if (!told) return;
    edgetold_list(w->c, told);
    for (size_t i = 0; i < told->count; i++) {
        const struct edgetold_row *row = &told->rows[i];
        char name[160];
        snprintf(name, sizeof name, "Edge %s", row->name);
        if (row->has_refresh == refresh)
            step(w, name, true, "", "follows this cluster, heard of %lld s ago",
                 (long long)((now_ms - row->last_ms) / 1000));
        else
            step(
                w, name, false,
                refresh ? "On the edge: param set EdgeAuthorizeByTokenWithRefresh 1"
                        : "Here: param set OAuthRefreshLoginFlow 1",
                "configuration mismatch: OAuth with Refresh Login Flow is %s here, and the edge %s "
                "authorize by OAuth token with refresh",
                refresh ? "enabled" : "disabled", row->has_refresh ? "does" : "does not");
    }
}

static void walk_listeners(struct walk *w)
{
    const struct admin_live *live = w->c->admin->live;
    struct admin_listener *rows;
    size_t count, open = 0;
    if (live->listeners(live->ctx, w->c->arena, &rows, &count) != RC_OK) return;
    for (size_t i = 0; i < count; i++)
        if (str_eq(rows[i].state, STR("open"))) open++;
    step(w, "Ports", open > 0, "See the node's log", "%zu open", open);
}

void diagnose_node(struct admin_call *c)
{
    if (c->admin->is_edge) {
        edge_diagnose(c);
        return;
    }
    struct walk w = {c, json_array(), true};
    walk_mode(&w);
    walk_checks(&w);
    walk_health(&w, "");
    walk_listeners(&w);
    walk_edges(&w);
    walk_followers(&w);
    size_t registered = c->admin->live->registration_count(c->admin->live->ctx);
    step(&w, "Registrations", true, "", "%zu", registered);
    finish(&w);
}

/* ---- a device ---- */

static void walk_owner(struct walk *w, const struct directory_device *d, bool oauth)
{
    char fix[200];
    if (d->owner.n == 0) {
        snprintf(fix, sizeof fix, "Give it one: device update %.*s --owner USER", STR_ARG(d->name));
        step(w, "Owner", !oauth, fix, oauth ? "none: no token opens it" : "none; not needed");
        return;
    }
    const struct directory_user *u = directory_user_ref(w->c->admin->directory, d->owner);
    snprintf(fix, sizeof fix,
             u ? "Activate it: user update %.*s --active yes" : "Add it: user add %.*s",
             STR_ARG(d->owner));
    step(w, "Owner", u && u->active, fix, "%.*s%s", STR_ARG(d->owner),
         !u          ? " does not exist"
         : u->active ? ", active"
                     : " is not active: tokens are refused");
    directory_user_unref(u);
}

static void walk_lines(struct walk *w, const struct directory_device *d)
{
    char fix[200];
    snprintf(fix, sizeof fix, "Give it one: line add NUMBER, then device update %.*s --line NUMBER",
             STR_ARG(d->name));
    if (d->line_count == 0)
        step(w, "Lines", false, fix, "none");
    else
        step(w, "Lines", true, "", "%u, the first is %.*s", (unsigned)d->line_count,
             STR_ARG(d->lines[0].pattern));
}

/* Which port the device belongs on, and whether it is open. */
static void walk_port(struct walk *w, const struct directory_profile *p)
{
    const struct admin_live *live = w->c->admin->live;
    const char *want = p->oauth                          ? "SIP OAuth"
                       : p->security == STORE_NON_SECURE ? "SIP"
                                                         : "SIP secure";
    struct admin_listener *rows;
    size_t count;
    if (live->listeners(live->ctx, w->c->arena, &rows, &count) != RC_OK) return;
    for (size_t i = 0; i < count; i++)
        if (str_eq(rows[i].name, str_from(want)) && str_eq(rows[i].state, STR("open"))) {
            step(w, "Port", true, "", "it registers at %.*s by %.*s, which is open",
                 STR_ARG(rows[i].addr), STR_ARG(rows[i].transport));
            return;
        }
    step(w, "Port", false, p->oauth ? "See \"utils sipOAuth-mode status\"" : "See \"status\"",
         "the %s port is not open", want);
}

static bool walk_profile(struct walk *w, const struct directory_device *d)
{
    const struct directory_profile *p = directory_profile_ref(w->c->admin->directory, d->profile);
    char fix[200];
    snprintf(fix, sizeof fix, "Give it one: device update %.*s --profile NAME", STR_ARG(d->name));
    if (!p) {
        step(w, "Security profile", false, fix, "\"%.*s\" does not exist", STR_ARG(d->profile));
        return false;
    }
    bool oauth = p->oauth;
    step(w, "Security profile", true, "", "\"%.*s\", %s", STR_ARG(p->name),
         oauth                             ? "OAuth authentication on"
         : p->digest                       ? "digest authentication, no OAuth"
         : p->security == STORE_NON_SECURE ? "no OAuth, not secure"
                                           : "no OAuth, client certificate");
    if (oauth) walk_mode(w);
    walk_port(w, p);
    directory_profile_unref(p);
    return oauth;
}

static size_t walk_registered(struct walk *w, const struct directory_device *d)
{
    const struct admin_live *live = w->c->admin->live;
    struct admin_registration *rows;
    size_t count;
    if (live->registrations(live->ctx, d->name, 0, 100, w->c->arena, &rows, &count) != RC_OK)
        return 0;
    if (count == 0) return 0;
    struct str user = rows[0].user.n > 0 ? rows[0].user : STR("-");
    step(w, "Registered", true, "", "line %.*s from %.*s at the %.*s, user %.*s, %llds left",
         STR_ARG(rows[0].line), STR_ARG(rows[0].peer), STR_ARG(rows[0].listener), STR_ARG(user),
         (long long)rows[0].expires_in_s);
    return count;
}

static void walk_refusal(struct walk *w, const struct directory_device *d, bool is_registered)
{
    const struct admin_live *live = w->c->admin->live;
    struct admin_refusal r;
    char fix[400];
    enum rc rc = live->last_refusal(live->ctx, d->name, w->c->arena, &r);
    if (rc == RC_NOT_FOUND) {
        /* What failed above is cause enough: a phone that may not sign in never gets here. */
        if (!is_registered && w->all_ok)
            step(w, "Registered", false,
                 "Start the phone, and sign in on it again if it says so; else look whether it "
                 "reaches this node (firewall, name, trusted CA)",
                 "no, and no REGISTER of it was refused since this node started");
        return;
    }
    if (rc != RC_OK) return;
    int64_t ago_s = (clock_unix_ms(&w->c->admin->clock) - r.at_unix_ms) / 1000;
    if (str_to_cstr(r.text, fix, sizeof fix) != RC_OK) fix[0] = '\0';
    /* Once something above has failed, this is its trace: its own advice would lead astray. */
    step(w, "Last refusal", is_registered || !w->all_ok, fix,
         "%llds ago from %.*s at the %.*s: %.*s%s%.*s, %u in a row", (long long)ago_s,
         STR_ARG(r.peer), STR_ARG(r.listener), STR_ARG(r.why), r.detail.n > 0 ? ", " : "",
         STR_ARG(r.detail), (unsigned)r.count);
}

void diagnose_device(struct admin_call *c)
{
    struct str name = c->req->params[0];
    struct walk w = {c, json_array(), true};
    const struct directory_device *d = directory_device_ref(c->admin->directory, name);
    if (!d) {
        char fix[200];
        snprintf(fix, sizeof fix,
                 "Look at its spelling, or add it: device add %.*s --owner USER "
                 "--line NUMBER --profile NAME",
                 STR_ARG(name));
        step(&w, "Device", false, fix, "%.*s is not known here", STR_ARG(name));
        finish(&w);
        return;
    }
    char fix[100];
    snprintf(fix, sizeof fix, "Enable it: device update %.*s --enabled yes", STR_ARG(d->name));
    step(&w, "Device", d->enabled, fix, "%.*s is %s", STR_ARG(d->name),
         d->enabled ? "known and enabled" : "known, but disabled");
    bool oauth = walk_profile(&w, d);
    walk_owner(&w, d, oauth);
    walk_lines(&w, d);
    walk_health(&w, HEALTH_DISK);
    walk_refusal(&w, d, walk_registered(&w, d) > 0);
    directory_device_unref(d);
    finish(&w);
}
