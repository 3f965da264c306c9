/* app/live.h - joins the running node to the operator API: fills struct admin_live. */
#ifndef APP_LIVE_H
#define APP_LIVE_H
#include "admin/live.h"
#include "app/listeners.h"

struct app_records;
struct auth;
struct call_node;
struct location;
struct siptx_trace;
struct siptx_stack;

struct app_live {
    struct location *location;
    struct call_node *call;
    struct app_records *records;
    struct siptx_trace *trace;
    struct app_listeners *listeners;
    struct app_certs *certs;
    struct auth *auth;
    struct oauth_verifier *verifier;
    struct net_limits *limits;
    struct siptx_stack **stacks;
    unsigned worker_count;
    struct clock clock;
};

/* live is borrowed for the life of what comes back. */
struct admin_live app_live_functions(struct app_live *live, struct str node_name);

/* live_peers.c; ctx is the struct app_live. */
enum rc app_live_trunks(void *ctx, struct arena *a, struct admin_trunk_state **out, size_t *count);
enum rc app_live_handshakes(void *ctx, struct arena *a, struct admin_handshake **out,
                            size_t *count);

#endif
