/* edge/inner.h - the inner edge's SIP: a stateless proxy (RFC 3261, 16.11) between the links of outer
 * edges and the zones of call servers. Whom it lets in, edge/admission decides before.
 *
 * Nothing of the inside is shown outside: on the way out the Vias, Record-Routes and Contacts of inside
 * hosts become sealed texts, on the way in they are put back. All that it must know again stands in the
 * messages, so that any start of it with the same seal can serve a dialog. Links and zones have numbers that
 * stay (edge/zones.h), whatever connection they have at the moment: a link cut and healed, or another
 * start, loses no phone.
 *
 *   link --request--> tokens opened, Request-URI put back, Via, Path or Record-Route      --> zone
 *   zone --request--> our token off: it names the link; Vias, Record-Routes, Contact hidden --> link
 *   answers go back by the Via; what the request had is put back, what the answer adds is hidden
 *
 * Pure functions of message, connection and keys: immutable, safe from any thread. */
#ifndef EDGE_INNER_H
#define EDGE_INNER_H
#include "edge/hop.h"

struct edge_inner;

struct edge_inner_config {
    const struct edge_seal *seal; /* borrowed for its life */
    struct str host;              /* this edge as the call servers know it; copied */
    uint16_t port;
};
/* RC_TOO_BIG, RC_MALFORMED (host), RC_NOMEM. */
MUST_CHECK enum rc edge_inner_new(const struct edge_inner_config *config, struct edge_inner **out);
struct edge_inner *edge_inner_free(struct edge_inner *n); /* NULL */

/* The name an outer edge gives the phone's connection, in the top Via of its request; "" none. */
struct str edge_inner_flow_name(const struct edge_arrival *a);
/* The zone a request from a link belongs to by its dialog: *zone in the arena, "" when it begins one.
 * RC_DENIED: a Route or Request-URI that was not made here; RC_NOMEM. */
MUST_CHECK enum rc edge_inner_zone_of(const struct edge_inner *n, const struct edge_arrival *a,
                                      struct str *zone);

/* to: the flow of its zone (requests). zone: the name of that, for what is sealed. */
struct edge_decision edge_inner_from_link(const struct edge_inner *n, const struct edge_arrival *a,
                                          uint64_t to, struct buf *out);
struct edge_decision edge_inner_from_zone(const struct edge_inner *n, const struct edge_arrival *a,
                                          struct str zone, struct buf *out);

#endif
