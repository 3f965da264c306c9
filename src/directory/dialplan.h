/* directory/dialplan.h - where a dialled number leads, as the hot path asks it: a line, a hunt
 * group, a trunk or nowhere. Records are counted and swapped as in directory/directory.h; nothing
 * here waits for the disk or allocates. */
#ifndef DIRECTORY_DIALPLAN_H
#define DIRECTORY_DIALPLAN_H
#include "directory/directory.h"
#include "store/dialplan.h"

struct directory_hunt_group {
    struct str number, description, display, forward_no_answer;
    enum store_hunt algorithm;
    int ring_s;                /* 0: STORE_P_RING_S */
    const struct str *members; /* numbers of lines */
    size_t member_count;
};
const struct directory_hunt_group *directory_hunt_group_ref(struct directory *d, struct str number);
const struct directory_hunt_group *directory_hunt_group_unref(const struct directory_hunt_group *g);

struct directory_trunk {
    struct str name, description, host, peers;
    int port; /* 0: by RFC 3263 */
    enum store_transport transport;
    bool srtp_allowed, enabled;
};
const struct directory_trunk *directory_trunk_ref(struct directory *d, struct str name);
const struct directory_trunk *directory_trunk_unref(const struct directory_trunk *t);
/* One more reference to a record one holds. */
const struct directory_trunk *directory_trunk_again(const struct directory_trunk *t);

/* All trunks, for finding the one a caller comes from. */
struct directory_trunks {
    const struct store_trunk *rows;
    size_t count;
};
const struct directory_trunks *directory_trunks_ref(struct directory *d);
const struct directory_trunks *directory_trunks_unref(const struct directory_trunks *t);

enum directory_route_kind {
    DIRECTORY_ROUTE_NONE,    /* nothing has that number */
    DIRECTORY_ROUTE_LINE,    /* line */
    DIRECTORY_ROUTE_GROUP,   /* group */
    DIRECTORY_ROUTE_TRUNK,   /* trunk (it may be disabled), number is what it is asked for */
    DIRECTORY_ROUTE_BLOCKED, /* a pattern says no */
};
enum { DIRECTORY_NUMBER_MAX = 2 * STORE_NUMBER_MAX };
struct directory_route {
    enum directory_route_kind kind;
    const struct directory_line *line;        /* at most one of the three */
    const struct directory_hunt_group *group; /* not NULL, each a reference */
    const struct directory_trunk *trunk;      /* of the caller's */
    char number[DIRECTORY_NUMBER_MAX + 1];    /* of a trunk: digits discarded, prefix put before */
    char pattern[STORE_PATTERN_MAX + 1];      /* the route pattern that matched; "" none */
};
/* A line, then a group of exactly that number, then the closest route pattern. A pattern whose
 * target has just been removed counts as none. Fills *out always; directory_route_fini ends it. */
void directory_route_find(struct directory *d, struct str number, struct directory_route *out);
/* Gives the references back; out is DIRECTORY_ROUTE_NONE then. */
void directory_route_fini(struct directory_route *route);

/* The settings of a line that stand at 0 are the cluster's. */
int directory_line_ring_s(struct directory *d, const struct directory_line *line);
int directory_line_busy_trigger(struct directory *d, const struct directory_line *line);
int directory_hunt_group_ring_s(struct directory *d, const struct directory_hunt_group *group);

#endif
