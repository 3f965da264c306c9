/* call/trunk.h - SIP trunks as the proxy sees them: who calls from one, and what one is asked for.
 * Pure. */
#ifndef CALL_TRUNK_H
#define CALL_TRUNK_H
#include "base/buf.h"
#include "call/calls.h"
#include "directory/dialplan.h"
#include "siptx/flow.h"

/* Where a record of a call names a device, a trunk stands as "trunk:" and its name; no device has a
 * colon in its name. Longer names are cut. */
enum { CALL_TRUNK_LABEL_MAX = CALL_NAME_MAX };
void call_trunk_label(struct str name, char out[CALL_TRUNK_LABEL_MAX + 1]);
bool call_trunk_is_label(struct str label);

static inline enum siptx_transport call_trunk_transport(enum store_transport t)
{
    return t == STORE_TLS ? SIPTX_TLS : t == STORE_TCP ? SIPTX_TCP : SIPTX_UDP;
}

/* Does a request that came over f come from t, by its address or the names of its certificate? A
 * trunk that is not enabled sends nothing. */
bool call_trunk_is_peer(const struct store_trunk *t, const struct siptx_flow *f);
/* The first such trunk, counted; NULL. */
const struct directory_trunk *call_trunk_find(struct directory *d, const struct siptx_flow *f);

/* The Request-URI of number on t; of t itself when number is "". */
void call_trunk_print_uri(struct buf *out, const struct directory_trunk *t, struct str number);

#endif
