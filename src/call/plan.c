#include "call/plan.h"

#include "base/check.h"
#include "sip/uri.h"

struct call_diversion {
    struct call_diversion *older;
    struct str number;
    enum call_forward why;
};

static const char *const reasons[] = {"unconditional", "user-busy",      "no-answer",
                                      "unavailable",   "do-not-disturb", "deflection"};

const char *call_forward_name(enum call_forward why)
{
    CHECK((unsigned)why < sizeof reasons / sizeof *reasons);
    return reasons[why];
}

/* ---- where it stands ---- */

void call_plan_fini(struct call_plan *p)
{
    p->line = directory_line_unref(p->line);
    p->group = directory_hunt_group_unref(p->group);
    p->trunk = directory_trunk_unref(p->trunk);
}

static void set_number(struct call_plan *p, struct str number)
{
    size_t n = number.n < DIRECTORY_NUMBER_MAX ? number.n : DIRECTORY_NUMBER_MAX;
    if (n > 0) memmove(p->number, number.p, n);
    p->number[n] = '\0';
}

/* Notes that the call leaves the line or group it stands at. Out of memory: it goes on unnoted. */
static void note(struct call_plan *p, enum call_forward why)
{
    struct call_diversion *d = ARENA_NEW(p->arena, struct call_diversion);
    struct str from = p->line ? p->line->pattern : p->group ? p->group->number : STR("");
    if (!d || from.n == 0 || arena_str_dup(p->arena, from, &d->number) != RC_OK) return;
    d->why = why;
    d->older = p->diversions;
    p->diversions = d;
}

/* ---- the members of a group ---- */

/* Who has been idle longest first; those of whom nothing is known have been idle since the start.
 * Equal ones stay as they stand in the group. */
static void sort_by_idle(struct call_plan *p, struct call_lines *lines)
{
    int64_t since[STORE_HUNT_MEMBER_MAX];
    for (size_t i = 0; i < p->group->member_count; i++) {
        int64_t mine = call_lines_idle_since(lines, p->group->members[i]);
        size_t at = i;
        for (; at > 0 && mine < since[at - 1]; at--) {
            since[at] = since[at - 1];
            p->order[at] = p->order[at - 1];
        }
        since[at] = mine;
        p->order[at] = (uint16_t)i;
    }
}

static enum call_plan_what enter_group(struct call_plan *p, struct call_lines *lines)
{
    size_t count = p->group->member_count;
    CHECK(count <= STORE_HUNT_MEMBER_MAX);
    for (size_t i = 0; i < count; i++)
        p->order[i] = (uint16_t)i;
    if (p->group->algorithm == STORE_HUNT_LONGEST_IDLE) sort_by_idle(p, lines);
    p->at = 0;
    p->end = p->group->algorithm == STORE_HUNT_PARALLEL ? count : count > 0;
    return CALL_PLAN_MEMBERS;
}

struct str call_plan_member(const struct call_plan *p, size_t i)
{
    if (!p->group || i >= p->end - p->at) return STR("");
    return p->group->members[p->order[p->at + i]];
}

/* ---- a number ---- */

static bool is_too_far(struct call_plan *p)
{
    return ++p->hops > p->hops_max;
}

/* Arrives at p->number; leaves what it stood at. */
static enum call_plan_what arrive(struct call_plan *p, struct call_lines *lines, bool follows)
{
    for (;;) {
        struct directory_route route;
        call_plan_fini(p);
        directory_route_find(p->directory, str_from(p->number), &route);
        p->line = route.line; /* the references are ours now */
        p->group = route.group;
        p->trunk = route.trunk;
        if (route.pattern[0] != '\0' && is_too_far(p)) return CALL_PLAN_TOO_FAR;
        switch (route.kind) {
        case DIRECTORY_ROUTE_NONE: return CALL_PLAN_NOWHERE;
        case DIRECTORY_ROUTE_BLOCKED: return CALL_PLAN_BLOCKED;
        case DIRECTORY_ROUTE_TRUNK: set_number(p, str_from(route.number)); return CALL_PLAN_TRUNK;
        case DIRECTORY_ROUTE_GROUP: return enter_group(p, lines);
        case DIRECTORY_ROUTE_LINE: break;
        }
        if (!follows || p->line->forward_all.n == 0) return CALL_PLAN_LINE;
        if (is_too_far(p)) return CALL_PLAN_TOO_FAR;
        note(p, CALL_FORWARD_ALL);
        set_number(p, p->line->forward_all);
    }
}

enum call_plan_what call_plan_start(struct call_plan *p, struct directory *d, struct arena *a,
                                    struct call_lines *lines, struct str number, bool follows)
{
    *p = (struct call_plan){.directory = d, .arena = a};
    p->hops_max = (unsigned)directory_param_number(d, STORE_P_FORWARD_HOPS);
    if (number.n > DIRECTORY_NUMBER_MAX) return CALL_PLAN_NOWHERE;
    set_number(p, number);
    return arrive(p, lines, follows);
}

/* A forward that leads nowhere is none. */
static enum call_plan_what forward(struct call_plan *p, struct call_lines *lines, struct str number,
                                   enum call_forward why)
{
    if (number.n == 0 || number.n > DIRECTORY_NUMBER_MAX) return CALL_PLAN_OVER;
    if (is_too_far(p)) return CALL_PLAN_TOO_FAR;
    note(p, why);
    set_number(p, number);
    enum call_plan_what what = arrive(p, lines, true);
    return what == CALL_PLAN_NOWHERE || what == CALL_PLAN_BLOCKED ? CALL_PLAN_OVER : what;
}

enum call_plan_what call_plan_next(struct call_plan *p, struct call_lines *lines,
                                   enum call_forward why)
{
    if (p->line) {
        bool is_busy = why == CALL_FORWARD_BUSY || why == CALL_FORWARD_DND;
        return forward(p, lines, is_busy ? p->line->forward_busy : p->line->forward_no_answer, why);
    }
    if (!p->group) return CALL_PLAN_OVER;
    if (p->end < p->group->member_count) {
        p->at = p->end++;
        return CALL_PLAN_MEMBERS;
    }
    p->at = p->end;
    return forward(p, lines, p->group->forward_no_answer, why);
}

enum call_plan_what call_plan_deflect(struct call_plan *p, struct call_lines *lines,
                                      struct str number)
{
    return forward(p, lines, number, CALL_FORWARD_DEFLECTED);
}

int call_plan_ring_s(const struct call_plan *p)
{
    if (p->group) return directory_hunt_group_ring_s(p->directory, p->group);
    if (!p->line || p->line->forward_no_answer.n == 0) return 0;
    return directory_line_ring_s(p->directory, p->line);
}

void call_plan_print_diversions(const struct call_plan *p, struct str host, struct buf *out)
{
    for (const struct call_diversion *d = p->diversions; d; d = d->older) {
        buf_put_lit(out, "Diversion: <sip:");
        sip_uri_print_user(out, d->number);
        buf_put_char(out, '@');
        buf_put_str(out, host);
        buf_put_lit(out, ">;reason=");
        buf_put_str(out, str_from(call_forward_name(d->why)));
        buf_put_lit(out, ";counter=1\r\n");
    }
}
