/* admin/edgetold.h - the edges that follow this cluster, as they told when they last asked: who does, and
 * whose setting does not go together with ours. Bounded; who has been silent longest gives way. */
#ifndef ADMIN_EDGETOLD_H
#define ADMIN_EDGETOLD_H
#include "admin/api_int.h"

enum { EDGETOLD_MAX = 64, EDGETOLD_SILENT_MS = 3600 * 1000 /* after that it is no edge of ours */ };

struct edgetold_row {
    char name[128];
    bool has_refresh; /* authorizes by OAuth token with refresh */
    int64_t last_ms;  /* monotonic */
};
struct edgetold {
    struct edgetold_row rows[EDGETOLD_MAX];
    size_t count;
};

/* name "" is nobody; refresh "1" or "0". */
void edgetold_keep(struct admin_call *c, struct str name, struct str refresh);
/* Those not silent for longer than EDGETOLD_SILENT_MS, by name. */
void edgetold_list(struct admin_call *c, struct edgetold *out);

#endif
