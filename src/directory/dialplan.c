#include "directory/dialplan.h"
#include "directory/directory_int.h"

static bool to_line(struct directory *d, struct str number, struct directory_route *out)
{
    if (number.n == 0 || !(out->line = directory_line_ref(d, number))) return false;
    out->kind = DIRECTORY_ROUTE_LINE;
    return true;
}

static bool to_group(struct directory *d, struct str number, struct directory_route *out)
{
    if (number.n == 0 || !(out->group = directory_hunt_group_ref(d, number))) return false;
    out->kind = DIRECTORY_ROUTE_GROUP;
    return true;
}

/* The number a trunk is asked for. It fits: the prefix and what is left have STORE_NUMBER_MAX each. */
static bool to_trunk(struct directory *d, const struct store_route_pattern *r, struct str number,
                     size_t discard, struct directory_route *out)
{
    if (r->trunk.n == 0 || !(out->trunk = directory_trunk_ref(d, r->trunk))) return false;
    struct str rest = str_sub(number, r->discard == STORE_DISCARD_PREDOT ? discard : 0, number.n);
    if (r->prefix.n) memcpy(out->number, r->prefix.p, r->prefix.n);
    if (rest.n) memcpy(out->number + r->prefix.n, rest.p, rest.n);
    out->number[r->prefix.n + rest.n] = '\0';
    out->kind = DIRECTORY_ROUTE_TRUNK;
    return true;
}

static void by_pattern(struct directory *d, struct str number, struct directory_route *out)
{
    const struct directory_routes *routes = directory_routes_ref(d);
    struct pattern_match m;
    if (pattern_table_find(routes->table, number, &m)) {
        const struct store_route_pattern *r = &routes->rows[m.index];
        memcpy(out->pattern, r->pattern.p, r->pattern.n);
        out->pattern[r->pattern.n] = '\0';
        if (r->blocked)
            out->kind = DIRECTORY_ROUTE_BLOCKED;
        else if (!to_line(d, r->line, out) && !to_group(d, r->hunt_group, out) &&
                 !to_trunk(d, r, number, m.discard, out))
            out->pattern[0] = '\0';
    }
    directory_routes_unref(routes);
}

void directory_route_find(struct directory *d, struct str number, struct directory_route *out)
{
    out->kind = DIRECTORY_ROUTE_NONE;
    out->line = NULL;
    out->group = NULL;
    out->trunk = NULL;
    out->number[0] = out->pattern[0] = '\0';
    if (!to_line(d, number, out) && !to_group(d, number, out)) by_pattern(d, number, out);
}

void directory_route_fini(struct directory_route *route)
{
    route->line = directory_line_unref(route->line);
    route->group = directory_hunt_group_unref(route->group);
    route->trunk = directory_trunk_unref(route->trunk);
    route->kind = DIRECTORY_ROUTE_NONE;
}

/* --- settings with the cluster's defaults --- */

static int or_param(struct directory *d, int own, enum store_param_id id)
{
    return own > 0 ? own : (int)directory_param_number(d, id);
}

int directory_line_ring_s(struct directory *d, const struct directory_line *line)
{
    return or_param(d, line->ring_s, STORE_P_RING_S);
}

int directory_line_busy_trigger(struct directory *d, const struct directory_line *line)
{
    return or_param(d, line->busy_trigger, STORE_P_BUSY_TRIGGER);
}

int directory_hunt_group_ring_s(struct directory *d, const struct directory_hunt_group *group)
{
    return or_param(d, group->ring_s, STORE_P_RING_S);
}
