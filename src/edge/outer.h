/* edge/outer.h - the outer edge's SIP: a stateless proxy (RFC 3261, 16.11) between phones outside and
 * the links of inner edges. What it must know again it writes into the messages, sealed: a phone's
 * connection in Path and Record-Route (RFC 3327; 5626, 5.2), and in its own Via with a branch that is a
 * MAC, so that an answer is believed only from the connection it was asked on.
 *
 *   phone --request--> our routes off, what it may not assert off, Via, Path or Record-Route --> link
 *   link  --request--> our token off: it names the connection; Via, Record-Route           --> phone
 *   answers go back by the Via, which is taken off
 *
 * Pure functions of message, connection and keys: immutable, safe from any thread. */
#ifndef EDGE_OUTER_H
#define EDGE_OUTER_H
#include "edge/hop.h"

struct edge_outer;

enum { EDGE_OUTER_ROUTES_MAX = 8 }; /* Route values of a phone's request */

struct edge_outer_config {
    const struct edge_seal *seal; /* borrowed for its life */
    uint64_t boot;                /* random: names this start */
    struct str host;              /* what phones dial, copied */
    uint16_t port;
};
/* RC_TOO_BIG (host), RC_NOMEM. */
MUST_CHECK enum rc edge_outer_new(const struct edge_outer_config *config, struct edge_outer **out);
struct edge_outer *edge_outer_free(struct edge_outer *o); /* NULL */

/* link: the flow of the link this phone's messages take. */
struct edge_decision edge_outer_from_phone(const struct edge_outer *o, const struct edge_arrival *a,
                                           uint64_t link, struct buf *out);
struct edge_decision edge_outer_from_link(const struct edge_outer *o, const struct edge_arrival *a,
                                          struct buf *out);

#endif
