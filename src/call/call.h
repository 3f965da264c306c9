/* call/call.h - the call server's SIP side: one call_node a process, one call_worker a worker. The
 * worker is what a siptx stack hands its requests to; it identifies the device, judges the
 * credentials, asks the line policy, keeps bindings in location and answers. The node is what the
 * workers share and what the rest of the program talks to: it lets go of registrations whose
 * configuration no longer carries them, and remembers the last refusal of each device.
 *
 * Order of life: node, workers, stacks; then stacks, workers, node. */
#ifndef CALL_CALL_H
#define CALL_CALL_H
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "call/calls.h"
#include "call/linepolicy.h"
#include "call/reach.h"
#include "call/watch.h"
#include "location/location.h"
#include "siptx/stack.h"

struct call_node;
struct call_worker;
struct directory;
struct oauth_verifier;

struct call_node_config {
    struct directory *directory;
    struct location *location;
    struct oauth_verifier *verifier;
    struct siptx_node *stacks; /* the workers' stacks, to reach flows of other threads */
    struct clock clock;        /* mono_ms must be the workers' clock */
    struct random_source random;
    const struct log *log;       /* may be NULL */
    struct str node_name;        /* agent of Warning headers: the node's short name. Borrowed */
    call_record_fn *on_call_end; /* may be NULL; on any worker's thread: hand it on, do not wait */
    void *on_call_end_ctx;
};

/* Subscribes to directory and watches location. RC_NOMEM, RC_BUSY (too many watchers). */
MUST_CHECK enum rc call_node_new(const struct call_node_config *config, struct call_node **out);
struct call_node *call_node_free(struct call_node *n); /* NULL */
/* authz_server of RFC 8898 challenges: the sign-in server's URL. Copied; any thread. */
MUST_CHECK enum rc call_node_set_authz_server(struct call_node *n, struct str url);
/* Lets expired registrations go. Call it about once a second, from one thread. */
void call_node_tick(struct call_node *n);

MUST_CHECK enum rc call_worker_new(struct call_node *n, struct call_worker **out);
struct call_worker *call_worker_free(struct call_worker *w); /* NULL */
/* What the worker's stack must be made with. */
struct siptx_events call_worker_events(struct call_worker *w);
/* How trunks are found and connected to; without it by siptx_connect and numeric addresses alone,
 * none over TLS. ops is copied. Before call_worker_attach. RC_NOMEM. */
MUST_CHECK enum rc call_worker_set_reach(struct call_worker *w, const struct call_reach_ops *ops);
/* The stack made with it; before its loop runs. */
void call_worker_attach(struct call_worker *w, struct siptx_stack *stack);
/* How long what is ready for the worker's thread waits at present, in milliseconds; asked with each
 * request. New calls are refused while it is too long (call/overload.h); without fn, never. */
typedef int64_t call_delay_fn(void *ctx);
void call_worker_set_delay(struct call_worker *w, call_delay_fn *fn, void *ctx);

/* This worker watches whether the trunks are up (watch.h). After call_worker_attach, before its loop
 * runs; one worker of the node. RC_NOMEM. */
MUST_CHECK enum rc call_worker_watch_trunks(struct call_worker *w);

/* --- for the operator; any thread -------------------------------------------------------------- */

/* Lets all registrations of a device go; how many. The phone may register again at once. */
size_t call_node_reset_device(struct call_node *n, struct str device);

/* The calls of now by rising id: those above after_id, at most max. How many were written. */
size_t call_node_calls(struct call_node *n, uint64_t after_id, struct call_record *out, size_t max);
size_t call_node_call_count(struct call_node *n);
/* The node stops: each call under way is told to on_call_end. After the workers; how many. */
size_t call_node_end_calls(struct call_node *n);
/* Ends a call that was answered: both phones hear a BYE. False: no such call. */
bool call_node_hang_up(struct call_node *n, uint64_t id);

/* The trunks that have been asked so far, in no order; at most max. How many. */
size_t call_node_trunks(struct call_node *n, struct call_trunk_state *out, size_t max);

/* TLS handshakes that failed at the SIP ports (handshakes.h), the newest first; at most max. How many. */
struct call_handshake;
size_t call_node_handshakes(struct call_node *n, struct call_handshake *out, size_t max);

enum { CALL_REFUSALS_MAX = 4096 }; /* devices whose last refusal is remembered */

struct call_refusal {
    int64_t at_unix_ms;
    enum call_why why;
    enum call_listener listener;
    char detail[64]; /* the token's or credentials' own reason, "" none */
    char peer[72];   /* address it came from */
    char user[64];   /* whom the token spoke for, "" unknown */
    uint32_t count;  /* in a row since the last registration */
};
/* The last refusal since the device's last registration. False: none. */
bool call_node_last_refusal(struct call_node *n, struct str device, struct call_refusal *out);

struct call_counters {
    uint64_t accepted_new, accepted_refresh, unregistered, standby;
    uint64_t verdicts[CALL_WHY_COUNT]; /* challenges and refusals by reason */
    uint64_t released;                 /* registrations let go by a change or a newer one */
    uint64_t shed;       /* new calls refused with 503 because a worker had too much to do */
    uint64_t overloaded; /* workers that refuse them now */
    uint64_t contexts;   /* requests the proxies have under way now; a call's for 32 s more */
};
void call_node_count(struct call_node *n, struct call_counters *out);

#endif
