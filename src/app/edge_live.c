/* app/edge_live.c - joins the running edge to the operator API. */
#include "app/edge.h"

#include "app/traceview.h"
#include "edge/agreement.h"
#include "store/remote.h"

/* ---- zones ---- */

static enum rc live_zones(void *ctx, struct arena *a, struct admin_zone **out, size_t *count)
{
    struct app_edge *e = ctx;
    struct edge_zone_view *rows;
    enum rc rc = edge_zones_list(e->zones, a, &rows, count);
    struct admin_zone *told = rc == RC_OK ? ARENA_ARRAY(a, struct admin_zone, *count + 1) : NULL;
    if (rc != RC_OK || !told) return rc != RC_OK ? rc : RC_NOMEM;
    for (size_t i = 0; i < *count; i++)
        told[i] = (struct admin_zone){
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
    struct walk w = {.arena = a, .max = APP_EDGE_UCMS_MAX};
    w.ucms = ARENA_ARRAY(a, struct admin_ucm_state, w.max);
    if (!w.ucms) return RC_NOMEM;
    app_edge_ucms_each(e->ucms, add_ucm, &w);
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
    app_edge_ucms_each(e->ucms, add_findings, &w);
    *out = w.findings;
    *count = w.count;
    return w.rc;
}

static size_t live_ucm_refresh(void *ctx, struct str address)
{
    struct app_edge *e = ctx;
    app_edge_retry_zones(e);
    return app_edge_ucms_renew(e->ucms, address);
}

static enum rc live_ucm_try(void *ctx, const struct store_ucm *row, struct arena *a,
                            struct admin_finding *out)
{
    struct app_edge *e = ctx;
    struct edge_problem p;
    enum rc rc = app_edge_ucms_try(e->ucms, row, &p);
    if (rc == RC_OK) return rc;
    enum rc dup = arena_str_dup(a, str_from(p.text), &out->text);
    if (dup == RC_OK) dup = arena_str_dup(a, str_from(p.fix), &out->fix);
    return dup == RC_OK ? rc : dup;
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
    const struct admin_number rows[] = {
        {STR("zones"), (int64_t)zone_count},
        {STR("zones.active"), (int64_t)active},
        {STR("connections"), (int64_t)n->flows_open},
        {STR("connections.opened"), (int64_t)n->flows_opened},
        {STR("transactions"), (int64_t)n->transactions},
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
        .role = STR("inner"),
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
