/* call/target.h - whom a request is for: phones that are registered, as targets with the ways to
 * reach each (RFC 3261, 16.5; RFC 5626, 5.1). Flows of one instance are one target: they are tried
 * one after the other, never side by side. Targets stand in the order they are tried; those of one
 * rank ring together. */
#ifndef CALL_TARGET_H
#define CALL_TARGET_H
#include "directory/dialplan.h"
#include "location/location.h"

enum { CALL_TARGET_MAX = 20, CALL_WAY_MAX = 4 };

struct call_target {
    const struct location_binding *ways[CALL_WAY_MAX]; /* counted; newest first; none: uri, flow */
    size_t way_count, way;                             /* how many; which is tried now */
    unsigned rank;                                     /* 0 first */
    struct str uri;                      /* Request-URI when there is no binding; borrowed */
    uint64_t flow;                       /* 0: not known before its trunk has been reached */
    const struct directory_trunk *trunk; /* counted; NULL: not a trunk */
};

struct call_targets {
    struct call_target list[CALL_TARGET_MAX];
    size_t count;
    unsigned ranks; /* highest rank + 1 */
};

/* Sorts bindings of one address of record into targets: by q, highest first (RFC 3261, 16.6 step
 * 2); bindings of one device and instance are one target. except: device that is left out ("":
 * none). More than CALL_TARGET_MAX: the rest is left out. Adds behind those that are there, as
 * later ranks. */
void call_targets_add(struct call_targets *t, const struct location_binding *const *bindings,
                      size_t count, struct str except);
/* A place known otherwise: a dialog's other end. */
void call_targets_add_flow(struct call_targets *t, struct str uri, uint64_t flow);
/* A trunk, asked for uri; takes a reference of its own. A rank by itself. */
void call_targets_add_trunk(struct call_targets *t, struct str uri,
                            const struct directory_trunk *trunk);
/* Gives the references of one back. */
void call_target_fini(struct call_target *t);
void call_targets_clear(struct call_targets *t); /* gives references back */

static inline struct str call_target_uri(const struct call_target *t)
{
    return t->way_count > 0 ? t->ways[t->way]->contact : t->uri;
}
static inline struct str call_target_path(const struct call_target *t)
{
    return t->way_count > 0 ? t->ways[t->way]->path : (struct str){NULL, 0};
}
static inline uint64_t call_target_flow(const struct call_target *t)
{
    return t->way_count > 0 ? t->ways[t->way]->flow : t->flow;
}

#endif
