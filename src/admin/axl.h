/* admin/axl.h - AXL on the node's HTTPS site (/axl/): the operations an edge needs to learn a cluster
 * and to make itself known, under the operator API's gate. Who may: a user with the role axl or
 * administrator, by HTTP Basic. Versions 12.5, 14.0 and 15.0. Beside it the document an edge follows. */
#ifndef ADMIN_AXL_H
#define ADMIN_AXL_H
#include "admin/api.h"

/* As admin_add_api_routes. */
MUST_CHECK enum rc admin_add_axl_routes(struct admin *admin, struct http_site *site);

/* What an inner edge follows of the cluster, for the same users: GET /api/v1/edge/cluster, described in
 * admin/edgefeed.c. */
MUST_CHECK enum rc admin_add_edge_routes(struct admin *admin, struct http_site *site);

#endif
