/* admin/axl.h - AXL on the node's HTTPS site (/axl/): the operations an edge needs to learn a cluster
 * and to make itself known, under the operator API's gate. Who may: a user with the role axl or
 * administrator, by HTTP Basic. Versions 12.5, 14.0 and 15.0. */
#ifndef ADMIN_AXL_H
#define ADMIN_AXL_H
#include "admin/api.h"

/* As admin_add_api_routes. */
MUST_CHECK enum rc admin_add_axl_routes(struct admin *admin, struct http_site *site);

#endif
