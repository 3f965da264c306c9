/* edge/guard.h - who of those outside is heard at all. A connection nobody has registered by has a budget
 * of requests; a scanner (known by how it calls itself) gets no answer; an address that has earned some
 * strikes by either is not let in for a while - unless phones are registered from there: many sit behind
 * one address, and one bad neighbour must not cut them off. Bounded; one thread's. */
#ifndef EDGE_GUARD_H
#define EDGE_GUARD_H
#include "base/clock.h"
#include "base/rc.h"
#include "base/str.h"
#include "net/addr.h"

struct edge_guard;

enum {
    EDGE_GUARD_BUDGET = 40, /* requests of a connection without a registration */
    EDGE_GUARD_STRIKES = 3, /* of an address, within EDGE_GUARD_WINDOW_S */
    EDGE_GUARD_WINDOW_S = 60,
    EDGE_GUARD_BAN_S = 600,
    EDGE_GUARD_ADDRESSES_MAX = 16384, /* whose strike is the oldest gives way */
};

/* RC_NOMEM. */
MUST_CHECK enum rc edge_guard_new(const struct clock *clock, const struct random_source *random,
                                  struct edge_guard **out);
struct edge_guard *edge_guard_free(struct edge_guard *g); /* NULL */

bool edge_guard_is_scanner(struct str user_agent);

/* A strike for the address (an IPv6 /64). True: it is banned from now on. */
bool edge_guard_strike(struct edge_guard *g, const struct net_addr *addr);
bool edge_guard_is_banned(struct edge_guard *g, const struct net_addr *addr);
/* A phone has registered from there, or its connection has ended. */
void edge_guard_registered(struct edge_guard *g, const struct net_addr *addr, bool is_registered);
size_t edge_guard_bans(struct edge_guard *g); /* now */

#endif
