/* call/watch.h - are the trunks up? Asks each enabled one by OPTIONS now and then (RFC 3261, 11): who
 * answers anything but 503 is up. What is known is for the operator and the log alone: calls find
 * their way by trying. One worker of a node watches, and writes what any thread may read. */
#ifndef CALL_WATCH_H
#define CALL_WATCH_H
#include "base/clock.h"
#include "base/rc.h"
#include "base/str.h"

struct call_worker;
struct call_trunk_states;
struct call_watch;

enum {
    CALL_WATCH_MS = 30000,   /* between two questions */
    CALL_WATCH_TRUNKS = 256, /* watched; the rest is not known of */
    CALL_TRUNK_NAME_MAX = 64,
};

struct call_trunk_state {
    char name[CALL_TRUNK_NAME_MAX + 1];
    bool is_up;
    unsigned status; /* of the last answer; 0: none came */
    int64_t since_unix_ms;
};

struct call_trunk_states *call_trunk_states_new(void);
struct call_trunk_states *call_trunk_states_free(struct call_trunk_states *s); /* NULL */
/* True when that is new: up or down since now. */
bool call_trunk_states_set(struct call_trunk_states *s, struct str name, bool is_up,
                           unsigned status, int64_t now_unix_ms);
/* Those not among names are forgotten (removed, disabled). */
void call_trunk_states_keep(struct call_trunk_states *s, const struct str *names, size_t count);
/* At most max, in no order; how many. */
size_t call_trunk_states_list(struct call_trunk_states *s, struct call_trunk_state *out,
                              size_t max);

/* The worker's stack must be attached. Begins at once. */
MUST_CHECK enum rc call_watch_new(struct call_worker *w, struct call_watch **out);
/* After the stack has gone, before the worker's reach. */
struct call_watch *call_watch_free(struct call_watch *watch); /* NULL */

#endif
