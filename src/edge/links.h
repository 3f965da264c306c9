/* edge/links.h - the outer edge's view of the inner edges that have dialled in: which connection each has
 * at the moment, and which of them a phone's messages take. A link has a number that stays, so that one
 * cut and healed loses no phone. One thread's: that of the SIP loop; the list may be read from any. */
#ifndef EDGE_LINKS_H
#define EDGE_LINKS_H
#include "base/arena.h"
#include "base/clock.h"
#include "edge/greeting.h"
#include "net/addr.h"

struct edge_links;

enum { EDGE_LINKS_MAX = 64, EDGE_LINK_NAME_MAX = 63 };

/* RC_NOMEM. */
MUST_CHECK enum rc edge_links_new(const struct clock *clock, struct edge_links **out);
struct edge_links *edge_links_free(struct edge_links *l); /* NULL */

/* The inner edges there may be from now on; *gone(ctx, flow) for the connection of each that may not any
 * more. Beyond EDGE_LINKS_MAX the rest is left out. */
void edge_links_set(struct edge_links *l, const struct str *names, size_t count,
                    void (*gone)(void *ctx, uint64_t flow), void *ctx);

/* A connection whose certificate bears one of names. RC_NOT_FOUND: no inner edge of that name is paired.
 * *before: the connection it takes the place of, 0 none. */
MUST_CHECK enum rc edge_links_open(struct edge_links *l, const struct str *names, size_t count,
                                   uint64_t flow, const struct net_addr *peer, uint64_t *link,
                                   uint64_t *before);
/* False: it was not the link's connection (any more). */
bool edge_links_closed(struct edge_links *l, uint64_t link, uint64_t flow);
/* What it says of itself. True: what it knew of phones is gone, they must register again. */
bool edge_links_greeted(struct edge_links *l, uint64_t link, const struct edge_greeting *g);

/* The link for a phone: the one it has (0 none yet) while that is up, else the one with the fewest
 * phones, which it has from now on. 0: none is up. */
uint64_t edge_links_take(struct edge_links *l, uint64_t has);
void edge_links_leave(struct edge_links *l, uint64_t link);    /* the phone is gone; 0 is nothing */
uint64_t edge_links_flow(struct edge_links *l, uint64_t link); /* 0: it is down */

struct edge_link_view {
    struct str name, peer; /* peer: "192.0.2.1:25000", "" never connected */
    bool is_up;
    int64_t since_unix_ms;
    uint64_t phones;      /* connections that take it */
    int64_t clock_off_ms; /* its clock less ours, when it last told */
};
/* All, in the arena. From any thread. */
MUST_CHECK enum rc edge_links_list(struct edge_links *l, struct arena *arena,
                                   struct edge_link_view **out, size_t *count);

#endif
