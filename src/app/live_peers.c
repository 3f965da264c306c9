/* What the operator asks about the systems this node meets: trunks, and whoever failed at a TLS port. */
#include "app/live.h"

#include "call/call.h"
#include "call/handshakes.h"

enum rc app_live_trunks(void *ctx, struct arena *a, struct admin_trunk_state **out, size_t *count)
{
    struct app_live *live = ctx;
    struct call_trunk_state *rows = ARENA_ARRAY(a, struct call_trunk_state, CALL_WATCH_TRUNKS);
    struct admin_trunk_state *told = ARENA_ARRAY(a, struct admin_trunk_state, CALL_WATCH_TRUNKS);
    if (!rows || !told) return RC_NOMEM;
    *count = call_node_trunks(live->call, rows, CALL_WATCH_TRUNKS);
    for (size_t i = 0; i < *count; i++)
        told[i] = (struct admin_trunk_state){str_from(rows[i].name), rows[i].is_up, rows[i].status,
                                             rows[i].since_unix_ms};
    *out = told;
    return RC_OK;
}

static enum admin_handshake_cause handshake_cause(enum net_tls_cause cause)
{
    switch ((int)cause) {
    case NET_TLS_CAUSE_UNKNOWN_CA: return ADMIN_HANDSHAKE_UNKNOWN_CA;
    case NET_TLS_CAUSE_EXPIRED:
    case NET_TLS_CAUSE_NOT_YET_VALID: return ADMIN_HANDSHAKE_EXPIRED;
    case NET_TLS_CAUSE_NO_CERTIFICATE: return ADMIN_HANDSHAKE_NO_CERTIFICATE;
    case NET_TLS_CAUSE_NOT_ADMITTED: return ADMIN_HANDSHAKE_NOT_LISTED;
    default: return ADMIN_HANDSHAKE_OTHER;
    }
}

enum rc app_live_handshakes(void *ctx, struct arena *a, struct admin_handshake **out, size_t *count)
{
    struct app_live *live = ctx;
    struct call_handshake *rows = ARENA_ARRAY(a, struct call_handshake, CALL_HANDSHAKES_MAX);
    struct admin_handshake *told = ARENA_ARRAY(a, struct admin_handshake, CALL_HANDSHAKES_MAX);
    if (!rows || !told) return RC_NOMEM;
    *count = call_node_handshakes(live->call, rows, CALL_HANDSHAKES_MAX);
    for (size_t i = 0; i < *count; i++)
        told[i] = (struct admin_handshake){
            .door = rows[i].listener == CALL_MRA      ? ADMIN_DOOR_MRA
                    : rows[i].listener == CALL_SECURE ? ADMIN_DOOR_SECURE
                                                      : ADMIN_DOOR_OAUTH,
            .cause = handshake_cause(rows[i].cause),
            .by_peer = rows[i].by_peer,
            .listener = str_from(call_listener_name(rows[i].listener)),
            .peer = str_from(rows[i].peer),
            .subject = str_from(rows[i].subject),
            .issuer = str_from(rows[i].issuer),
            .names = str_from(rows[i].names),
            .alert = str_from(rows[i].alert),
            .count = rows[i].count,
            .first_unix_ms = rows[i].first_unix_ms,
            .last_unix_ms = rows[i].last_unix_ms,
        };
    *out = told;
    return RC_OK;
}
