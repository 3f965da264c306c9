/* edge/zone_fault.h - why a zone is not Active, so that nobody needs a packet capture: which side
 * distrusts which certificate, which store lacks what, and the command that cures it. Pure functions. */
#ifndef EDGE_ZONE_FAULT_H
#define EDGE_ZONE_FAULT_H
#include "edge/problem.h"
#include "net/stream.h"

struct edge_zone_place {
    const char *node, *host;
    const char *peer; /* "192.0.2.1:5091"; "" not known yet */
    uint16_t port;
    bool is_link; /* an outer edge, not a node */
};

enum edge_zone_fault {
    EDGE_ZONE_NO_PORT,        /* the node opens no MRA port */
    EDGE_ZONE_NO_ADDRESS,     /* its name has none here */
    EDGE_ZONE_DNS_SILENT,     /* no name server answers */
    EDGE_ZONE_NO_CERTIFICATE, /* of this edge */
    EDGE_ZONE_NOT_SENT,       /* no descriptor, no memory */
    EDGE_ZONE_SILENT,         /* connected; OPTIONS is not answered */
};
void edge_zone_say(enum edge_zone_fault fault, const struct edge_zone_place *place,
                   struct edge_problem *out);

/* A connection has ended. lost: how its socket did, NULL: otherwise, text tells. was_active: it had
 * worked before. */
void edge_zone_explain(const struct net_close *lost, bool was_active, struct str text,
                       const struct edge_zone_place *place, struct edge_problem *out);

#endif
