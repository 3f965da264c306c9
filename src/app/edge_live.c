/* app/edge_live.c - joins the running edge to the operator API. */
#include "app/edge.h"

#include "app/portview.h"
#include "app/traceview.h"
#include "edge/agreement.h"
#include "store/remote.h"

#include <stdlib.h>

/* ---- zones ---- */

/* The links of an outer edge: what the inner edges have opened. */
static enum rc show_links(struct app_edge *e, struct arena *a, struct admin_zone **out,
                          size_t *count)
{
    struct edge_link_view *rows;
    enum rc rc = edge_links_list(app_carry_outer_links(e->outer), a, &rows, count);
    struct admin_zone *told = rc == RC_OK ? ARENA_ARRAY(a, struct admin_zone, *count + 1) : NULL;
    if (rc != RC_OK || !told) return rc != RC_OK ? rc : RC_NOMEM;
    int64_t port = directory_param_number(e->directory, STORE_P_EDGE_LINK_PORT);
    for (size_t i = 0; i < *count && rc == RC_OK; i++) {
        bool up = rows[i].is_up;
        told[i] = (struct admin_zone){
            .type = STR("Traversal server"),
            .host = rows[i].name,
            .peer = rows[i].peer,
            .state = up ? STR("Active") : STR("Waiting"),
            .is_active = up,
            .port = (uint16_t)port,
            .since_unix_ms = rows[i].since_unix_ms,
            .text = up ? STR("") : STR("the inner edge has not dialled in"),
            .fix = up ? STR("")
                      : STR("See \"show zones\" there, and that the firewall lets it dial out")};
        rc = arena_printf(a, &told[i].name, "Link-%.*s", STR_ARG(rows[i].name));
    }
    *out = told;
    return rc;
}

static enum rc live_zones(void *ctx, struct arena *a, struct admin_zone **out, size_t *count)
{
    struct app_edge *e = ctx;
    if (e->outer) return show_links(e, a, out, count);
    struct edge_zone_view *rows;
    enum rc rc = edge_zones_list(e->zones, a, &rows, count);
    struct admin_zone *told = rc == RC_OK ? ARENA_ARRAY(a, struct admin_zone, *count + 1) : NULL;
    if (rc != RC_OK || !told) return rc != RC_OK ? rc : RC_NOMEM;
    for (size_t i = 0; i < *count; i++)
        told[i] = (struct admin_zone){
            .type = rows[i].kind == EDGE_ZONE_LINK ? STR("Traversal client") : STR("Neighbor"),
            .name = rows[i].name,
            .ucm = rows[i].ucm,
            .host = rows[i].host,
            .peer = rows[i].peer,
            .state = str_from(edge_zone_state_name(rows[i].state)),
            .is_active = rows[i].state == EDGE_ZONE_ACTIVE,
            .port = rows[i].port,
            .since_unix_ms = rows[i].since_unix_ms,
            .text = str_from(rows[i].problem.text),
            .fix = str_from(rows[i].problem.fix),
        };
    *out = told;
    return RC_OK;
}

/* ---- call servers ---- */

/* A walk over the followers, whose texts must outlive them. */
struct walk {
    struct arena *arena;
    struct admin_ucm_state *ucms;
    struct admin_finding *findings;
    struct edge_settings settings;
    size_t count, max;
    enum rc rc;
};

static const char *state_name(enum edge_follower_state state)
{
    static const char *const names[] = {"New", "Followed", "Failing"};
    return names[state];
}

static void add_ucm(void *ctx, struct edge_follower *f)
{
    struct walk *w = ctx;
    struct edge_follower_view v;
    if (w->rc != RC_OK || w->count == w->max) return;
    edge_follower_look(f, &v);
    struct admin_ucm_state *row = &w->ucms[w->count++];
    *row = (struct admin_ucm_state){.state = str_from(state_name(v.state)),
                                    .is_followed = v.state == EDGE_UCM_FOLLOWED,
                                    .node_count = v.node_count,
                                    .since_unix_ms = v.since_unix_ms,
                                    .read_unix_ms = v.read_unix_ms};
    w->rc = arena_str_dup(w->arena, v.address, &row->address);
    if (w->rc == RC_OK) w->rc = arena_str_dup(w->arena, str_from(v.release), &row->release);
    if (w->rc == RC_OK) w->rc = arena_str_dup(w->arena, str_from(v.problem.text), &row->text);
    if (w->rc == RC_OK) w->rc = arena_str_dup(w->arena, str_from(v.problem.fix), &row->fix);
}

static enum rc live_ucms(void *ctx, struct arena *a, struct admin_ucm_state **out, size_t *count)
{
    struct app_edge *e = ctx;
    struct walk w = {.arena = a, .max = e->ucms ? APP_EDGE_UCMS_MAX : 0};
    w.ucms = ARENA_ARRAY(a, struct admin_ucm_state, w.max + 1);
    if (!w.ucms) return RC_NOMEM;
    if (e->ucms) app_edge_ucms_each(e->ucms, add_ucm, &w);
    *out = w.ucms;
    *count = w.count;
    return w.rc;
}

static void add_findings(void *ctx, struct edge_follower *f)
{
    struct walk *w = ctx;
    struct edge_problem found[EDGE_DISAGREEMENTS_MAX];
    struct edge_follower_view v;
    struct edge_cluster *cluster = edge_follower_cluster(f);
    if (!cluster) return;
    edge_follower_look(f, &v);
    size_t n = edge_disagreements(&w->settings, cluster, v.address, found);
    edge_cluster_unref(cluster);
    for (size_t i = 0; i < n && w->rc == RC_OK && w->count < w->max; i++) {
        struct admin_finding *row = &w->findings[w->count++];
        w->rc = arena_str_dup(w->arena, str_from(found[i].text), &row->text);
        if (w->rc == RC_OK) w->rc = arena_str_dup(w->arena, str_from(found[i].fix), &row->fix);
    }
}

static enum rc add_finding(struct walk *w, struct str text, const char *fix)
{
    if (w->count == w->max) return RC_OK;
    w->findings[w->count++] = (struct admin_finding){.text = text, .fix = str_from(fix)};
    return RC_OK;
}

/* Tokens, certificates and records are judged by the clock on both sides. */
static enum rc add_clock(struct walk *w, struct str name, int64_t off_ms)
{
    struct str text;
    if (off_ms >= -EDGE_CLOCK_APART_MS && off_ms <= EDGE_CLOCK_APART_MS) return RC_OK;
    enum rc rc = arena_printf(w->arena, &text, "the clock of %.*s is %lld s %s this edge's",
                              STR_ARG(name), (long long)llabs(off_ms) / 1000,
                              off_ms > 0 ? "ahead of" : "behind");
    return rc == RC_OK ? add_finding(w, text, "Let both keep time by NTP: timedatectl status") : rc;
}

static enum rc outer_findings(struct app_edge *e, struct walk *w)
{
    struct edge_link_view *rows;
    size_t count;
    if (!w->settings.mode)
        return add_finding(w,
                           STR("Unified Communications mode is Off: phones outside are served "
                               "nothing"),
                           "bearline --edge param set EdgeUnifiedCommunicationsMode mra");
    if (atomic_load(&e->mux_rc) != RC_OK)
        (void)add_finding(w, STR("the UDP port for media from inner edges cannot be opened"),
                          "See who holds it: ss -lunp; or another one: bearline --edge param set "
                          "EdgeMediaTraversalPort PORT, and pair the inner edges anew");
    enum rc rc = edge_links_list(app_carry_outer_links(e->outer), w->arena, &rows, &count);
    for (size_t i = 0; i < count && rc == RC_OK; i++)
        rc = add_clock(w, rows[i].name, rows[i].clock_off_ms);
    if (rc == RC_OK && count == 0)
        rc = add_finding(
            w, STR("it is paired with no inner edge: nobody is reached inside"),
            "bearline --edge peer card there, bearline --edge peer pair FILE here, and "
            "the other way round");
    return rc;
}

static enum rc inner_findings(struct app_edge *e, struct walk *w)
{
    char *name = arena_alloc(w->arena, EDGE_ZONE_NAME_MAX + 1);
    if (!name) return RC_NOMEM;
    char problem[512];
    struct str text;
    app_edge_tunnels_problem(e->tunnels, problem, sizeof problem);
    if (problem[0] != '\0') {
        if (arena_str_dup(w->arena, str_from(problem), &text) != RC_OK) return RC_NOMEM;
        (void)add_finding(w, text,
                          "On the outer edge: bearline --edge status; and the firewall rule to "
                          "its EdgeTunnelPort");
    }
    int64_t off_ms = app_carry_inner_clock(e->inner, name);
    return add_clock(w, str_from(name), off_ms);
}

static enum rc live_findings(void *ctx, struct arena *a, struct admin_finding **out, size_t *count)
{
    struct app_edge *e = ctx;
    struct walk w = {
        .arena = a,
        .max = (size_t)APP_EDGE_UCMS_MAX * EDGE_DISAGREEMENTS_MAX,
        .settings = {.mode = directory_param_number(e->directory, STORE_P_EDGE_MODE) != 0,
                     .token_refresh = directory_param_number(e->directory,
                                                             STORE_P_EDGE_TOKEN_REFRESH) != 0}};
    w.findings = ARENA_ARRAY(a, struct admin_finding, w.max);
    if (!w.findings) return RC_NOMEM;
    if (e->ucms) app_edge_ucms_each(e->ucms, add_findings, &w);
    if (w.rc == RC_OK) w.rc = e->outer ? outer_findings(e, &w) : inner_findings(e, &w);
    *out = w.findings;
    *count = w.count;
    return w.rc;
}

static size_t live_ucm_refresh(void *ctx, struct str address)
{
    struct app_edge *e = ctx;
    if (!e->ucms) return 0;
    app_edge_retry_zones(e);
    return app_edge_ucms_renew(e->ucms, address);
}

static enum rc live_ucm_try(void *ctx, const struct store_ucm *row, struct arena *a,
                            struct admin_finding *out)
{
    struct app_edge *e = ctx;
    struct edge_problem p;
    if (!e->ucms) {
        *out = (struct admin_finding){
            STR("this is an outer edge: call servers are known to inner edges alone"),
            STR("Add it on the inner edge")};
        return RC_INVALID;
    }
    enum rc rc = app_edge_ucms_try(e->ucms, row, &p);
    if (rc == RC_OK) return rc;
    enum rc dup = arena_str_dup(a, str_from(p.text), &out->text);
    if (dup == RC_OK) dup = arena_str_dup(a, str_from(p.fix), &out->fix);
    return dup == RC_OK ? rc : dup;
}

/* ---- ports ---- */

static enum rc live_listeners(void *ctx, struct arena *a, struct admin_listener **out,
                              size_t *count)
{
    struct app_edge *e = ctx;
    return app_port_rows(e->listeners, a, out, count);
}

static void live_settle(void *ctx)
{
    struct app_edge *e = ctx;
    if (e->listeners) app_listeners_settle(e->listeners);
}

/* ---- the rest ---- */

static enum rc live_trace(void *ctx, struct str device, uint64_t after_seq, size_t max,
                          struct arena *a, struct admin_trace_record **out, size_t *count)
{
    struct app_edge *e = ctx;
    return app_trace_rows(e->trace, device, after_seq, max, a, out, count);
}

static void live_trace_switch(void *ctx, bool on)
{
    struct app_edge *e = ctx;
    if (e->trace) siptx_trace_switch(e->trace, on);
}

static enum rc live_numbers(void *ctx, struct arena *a, struct admin_number **out, size_t *count)
{
    struct app_edge *e = ctx;
    const struct siptx_counters *n = siptx_stack_counters(e->stack);
    struct admin_zone *zones = NULL;
    size_t zone_count = 0, active = 0;
    enum rc rc = live_zones(e, a, &zones, &zone_count);
    for (size_t i = 0; rc == RC_OK && i < zone_count; i++)
        active += zones[i].is_active;
    const struct app_carry_counters *carry = e->outer ? app_carry_outer_counters(e->outer)
                                                      : app_carry_inner_counters(e->inner);
    const struct app_carry_guarded *guarded = e->outer ? app_carry_outer_guarded(e->outer) : NULL;
    const struct app_edge_gateway_counters *https = e->gateway
                                                        ? app_edge_gateway_counters(e->gateway)
                                                        : NULL;
    const struct edge_relay_counters *media = edge_relay_counters(e->relay);
    const struct admin_number rows[] = {
        {STR("zones"), (int64_t)zone_count},
        {STR("zones.active"), (int64_t)active},
        {STR("connections"), (int64_t)n->flows_open},
        {STR("connections.opened"), (int64_t)n->flows_opened},
        {STR("transactions"), (int64_t)n->transactions},
        {STR("messages.carried"), (int64_t)carry->carried},
        {STR("messages.refused"), (int64_t)carry->refused},
        {STR("messages.dropped"), (int64_t)carry->dropped},
        {STR("media.calls"), (int64_t)media->calls},
        {STR("media.packets_out"), (int64_t)media->packets_out},
        {STR("media.packets_in"), (int64_t)media->packets_in},
        {STR("media.strangers"), (int64_t)media->strangers},
        {STR("media.early"), (int64_t)media->early},
        {STR("media.moved"), (int64_t)media->moved},
        {STR("media.exhausted"), (int64_t)media->exhausted},
        {STR("media.idle"), (int64_t)media->idle},
        {STR("guard.scanners"), guarded ? (int64_t)guarded->scanners : 0},
        {STR("guard.over_budget"), guarded ? (int64_t)guarded->over_budget : 0},
        {STR("guard.bans"), guarded ? (int64_t)guarded->bans : 0},
        {STR("guard.turned_away"), guarded ? (int64_t)guarded->turned_away : 0},
        {STR("https.asked"), https ? (int64_t)https->asked : 0},
        {STR("https.answered"), https ? (int64_t)https->answered : 0},
        {STR("https.refused"), https ? (int64_t)https->refused : 0},
        {STR("https.unanswered"), https ? (int64_t)https->unanswered : 0},
        {STR("phones.admitted"), e->inner ? (int64_t)app_carry_inner_admitted(e->inner) : 0},
    };
    *count = sizeof rows / sizeof *rows;
    *out = ARENA_ARRAY(a, struct admin_number, *count);
    if (rc != RC_OK || !*out) return rc != RC_OK ? rc : RC_NOMEM;
    memcpy(*out, rows, sizeof rows);
    return RC_OK;
}

static enum rc live_cert_regen(void *ctx, const struct store_by *by, struct str unit,
                               struct store_why *why)
{
    struct app_edge *e = ctx;
    return app_certs_regen(e->certs, by, unit, why);
}

struct admin_live app_edge_live(struct app_edge *e)
{
    return (struct admin_live){
        .ctx = e,
        .node_name = str_from(e->settings.name),
        .version = STR(BEARLINE_VERSION),
        .started_unix_ms = clock_unix_ms(&e->clock),
        .host = str_from(e->settings.host),
        .role = e->outer ? STR("outer") : STR("inner"),
        .listeners = e->outer ? live_listeners : NULL,
        .settle = e->outer ? live_settle : NULL,
        .zones = live_zones,
        .ucms = live_ucms,
        .findings = live_findings,
        .ucm_refresh = live_ucm_refresh,
        .ucm_try = live_ucm_try,
        .trace = live_trace,
        .trace_switch = live_trace_switch,
        .numbers = live_numbers,
        .cert_regen = live_cert_regen,
    };
}
