/* edge/agreement.h - where this edge's settings and a cluster's do not go together: named problems, so
 * that nobody has to compare two pages. A pure function. */
#ifndef EDGE_AGREEMENT_H
#define EDGE_AGREEMENT_H
#include "edge/problem.h"

struct edge_cluster;

/* Of MRA Access Control. */
struct edge_settings {
    bool mode;          /* Unified Communications mode: Mobile and Remote Access */
    bool token_refresh; /* Authorize by OAuth token with refresh */
};

enum { EDGE_DISAGREEMENTS_MAX = 4 };
/* How many were written. */
size_t edge_disagreements(const struct edge_settings *edge, const struct edge_cluster *cluster,
                          struct str address, struct edge_problem out[EDGE_DISAGREEMENTS_MAX]);

#endif
