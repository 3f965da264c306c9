/* call/edgeflows.h - what the phones behind an edge have proved, one by one. An edge carries many of
 * them on one connection and names each phone's own connection in its Via: ";edge-flow=NAME", the
 * same name for as long as that connection lives. The memory lies with the edge's flow, as a
 * phone's own does on its own, and goes with it. Only on the listener for edges, whose certificates
 * vouch for what they say. */
#ifndef CALL_EDGEFLOWS_H
#define CALL_EDGEFLOWS_H
#include "base/clock.h"
#include "base/rc.h"
#include "siptx/flow.h"

enum {
    CALL_EDGE_FLOW_LEN_MAX = 64, /* bytes of a name */
    CALL_EDGE_FLOWS_MAX = 16384, /* of one connection; who was heard least lately gives way and is
                                    asked for his token again */
};

/* The value of edge-flow in the parameters of a Via; "" where there is none or a bad one (letters,
 * digits, '-', '_' and '.' are good). */
struct str call_edge_flow_read(struct str via_params);
/* What that phone has proved, or NULL. It was heard just now. */
void *call_edge_flows_find(const struct siptx_flow *f, struct str name);
/* Takes over what, to be released by free. RC_NOMEM: what stays the caller's, and what was there
 * stays. */
MUST_CHECK enum rc call_edge_flows_put(struct siptx_flow *f, struct str name, void *what,
                                       const struct random_source *random);
size_t call_edge_flows_count(const struct siptx_flow *f);

#endif
