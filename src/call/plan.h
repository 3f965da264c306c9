/* call/plan.h - the way of one call through the dial plan: a number becomes what is to ring, and
 * when that did not answer, what comes next (forwards, the members of a hunt group one after the
 * other). It reads the directory and decides; it sends nothing and knows no time.
 *
 *   number -> line  -> forward all ------------------------------> number
 *                   -> rings -> busy, no answer, deflected ------> number, or over
 *          -> group -> members ring (all, or one after the other) -> number, or over
 *          -> trunk -> over
 *
 * Every forward and every route pattern is a hop; STORE_P_FORWARD_HOPS bounds them in one count. A
 * plan lies in its request's arena and holds a reference to the record it stands at. */
#ifndef CALL_PLAN_H
#define CALL_PLAN_H
#include "base/arena.h"
#include "base/buf.h"
#include "call/lines.h"
#include "directory/dialplan.h"

enum call_plan_what {
    CALL_PLAN_LINE,    /* plan->line rings */
    CALL_PLAN_MEMBERS, /* members of plan->group ring: call_plan_member tells which */
    CALL_PLAN_TRUNK,   /* plan->trunk is asked for plan->number */
    CALL_PLAN_OVER,    /* nothing more: what has been heard so far is the answer */
    CALL_PLAN_NOWHERE, /* the number dialled leads nowhere */
    CALL_PLAN_BLOCKED, /* a pattern refuses it */
    CALL_PLAN_TOO_FAR, /* more hops than allowed */
};

/* Why a call goes on; the reasons of RFC 5806, 4. */
enum call_forward {
    CALL_FORWARD_ALL,
    CALL_FORWARD_BUSY,
    CALL_FORWARD_NO_ANSWER,
    CALL_FORWARD_UNAVAILABLE, /* no phone is registered */
    CALL_FORWARD_DND,
    CALL_FORWARD_DEFLECTED, /* a phone answered 302 */
};

struct call_diversion; /* one forward taken */

struct call_plan {
    struct directory *directory;
    struct arena *arena;
    unsigned hops, hops_max;
    const struct directory_line *line; /* at most one of the three is held */
    const struct directory_hunt_group *group;
    const struct directory_trunk *trunk;
    char number[DIRECTORY_NUMBER_MAX + 1]; /* what is tried: as dialled, forwarded to or, with a
                                              trunk, as it is asked for */
    struct call_diversion *diversions;     /* newest first */
    uint16_t order[STORE_HUNT_MEMBER_MAX]; /* of the group's members */
    size_t at, end;                        /* those that ring now: order[at..end-1] */
};

/* Where number leads; follows: forward-alls count (for what is no call they do not). */
enum call_plan_what call_plan_start(struct call_plan *p, struct directory *d, struct arena *a,
                                    struct call_lines *lines, struct str number, bool follows);
/* What rings now did not answer: why. A group's next members, or where the line or group forwards
 * to. CALL_PLAN_OVER leaves the plan where it is. */
enum call_plan_what call_plan_next(struct call_plan *p, struct call_lines *lines,
                                   enum call_forward why);
/* A phone sends the call to that number. */
enum call_plan_what call_plan_deflect(struct call_plan *p, struct call_lines *lines,
                                      struct str number);
/* The line number of the i-th member that rings now; "" behind the last. */
struct str call_plan_member(const struct call_plan *p, size_t i);
/* How long what rings now may ring before call_plan_next; 0: until somebody gives up. */
int call_plan_ring_s(const struct call_plan *p);
/* Gives the reference back. */
void call_plan_fini(struct call_plan *p);

/* The forwards taken as Diversion header lines, newest first (RFC 5806). */
void call_plan_print_diversions(const struct call_plan *p, struct str host, struct buf *out);
/* "no-answer" ... */
const char *call_forward_name(enum call_forward why);

#endif
