/* call/call_int.h - what the files of this room share: the node, the worker, what is remembered
 * with a flow, and the visit, which is one request on its way through the room. */
#ifndef CALL_CALL_INT_H
#define CALL_CALL_INT_H
#include "call/call.h"
#include "call/handshakes.h"
#include "call/overload.h"
#include "call/quota.h"
#include "crypto/secret.h"
#include "directory/directory.h"
#include "oauth/verify.h"
#include "sip/nameaddr.h"
#include "sip/uri.h"
#include "siptx/flow.h"

#include <pthread.h>

struct call_gruu;
struct call_lines;
struct call_proxy;
struct call_reach;
struct call_trunk_states;
struct call_watch;
struct directory_trunk;
struct proxy_context;
struct call_refusals;
struct call_relay;
struct call_visit;

struct call_node {
    struct directory *directory;
    struct location *location;
    struct oauth_verifier *verifier;
    struct siptx_node *stacks;
    struct clock clock;
    struct random_source random;
    const struct log *log;
    struct str node_name;
    struct secret nonce_key; /* Digest nonces; made at start, so a restart makes old ones stale */
    struct secret route_key; /* of Record-Route tokens; likewise */
    struct hash_key loop_key;
    struct call_gruu *gruu;
    struct call_calls *calls;
    struct call_lines *lines; /* what rings, who is idle */
    struct call_trunk_states *trunks;
    call_record_fn *on_call_end;
    void *on_call_end_ctx;
    struct call_refusals *refusals;
    struct call_handshakes *handshakes;
    pthread_mutex_t lock; /* of authz_server */
    char *authz_server;
    _Atomic uint64_t authz_generation;
    _Atomic uint64_t changes; /* of the directory, told before location is searched for them */
    struct {
        _Atomic uint64_t accepted_new, accepted_refresh, unregistered, standby, released;
        _Atomic uint64_t shed, overloaded, contexts;
        _Atomic uint64_t verdicts[CALL_WHY_COUNT];
    } counters;
};

struct call_worker {
    struct call_node *node;
    struct siptx_stack *stack;
    struct call_relay *relay;
    struct call_proxy *proxy;
    struct call_reach *reach;              /* connections to trunks */
    struct call_watch *watch;              /* NULL: another worker watches the trunks */
    const struct directory_params *params; /* renewed when its generation is old */
    char *authz_server;                    /* copy of the node's */
    uint64_t authz_generation;
    int64_t
        refused_logged_ms; /* bounds the log of refused connections: when credit was last earned, */
    int refused_credit;    /* how many lines may still be written, */
    int64_t refused_unlogged; /* and how many were not */
    call_delay_fn *delay_ms;
    void *delay_ctx;
    struct call_overload overload;
    struct call_quota strangers; /* bounds the log of refused requests that prove nothing */
};

/* The present parameters; good until the worker's next request. */
const struct directory_params *call_worker_params(struct call_worker *w);
struct str call_worker_authz_server(struct call_worker *w);

/* What a flow has proved, kept with it (siptx_flow user data). All text lies behind the struct. */
struct call_flow {
    struct str device; /* whom it registered */
    struct str user, gid;
    int64_t issued_unix_s, expires_unix_s; /* of the token */
    uint64_t key_generation;               /* of the keys that verified it */
    uint64_t binding_id;                   /* of its last registration */
    bool cisco, has_token;
    bool all_lines;       /* that registration stood for all lines of the device */
    uint32_t nonce_count; /* highest Digest nc used with nonce_hash */
    uint64_t nonce_hash;
};
/* The memory of a phone's own flow, or NULL; an edge's carries many phones (call_visit_known). */
static inline struct call_flow *call_flow_of(const struct siptx_flow *f)
{
    return f && f->listener_kind != CALL_MRA ? f->user : NULL;
}
/* What has been proved by whoever speaks: over its own connection, or as the phone behind an edge that
 * the edge names (edgeflows.h). NULL: nothing, or nobody is named. */
struct call_flow *call_visit_known(const struct call_visit *v);
/* Remembers; RC_NOMEM leaves what was there. claims NULL: no token (Digest, certificate). */
MUST_CHECK enum rc call_flow_remember(const struct call_visit *v, struct str device, bool cisco,
                                      const struct oauth_claims *claims, uint64_t key_generation);

/* One request on its way through the room; in the request's arena. It ends with the request: an
 * answer sent is the last thing done with it. */
struct call_visit {
    struct call_worker *worker;
    struct siptx_request *request;
    const struct sip_message *message;
    const struct directory_params *params;
    struct arena *arena;
    enum call_listener listener;
    bool in_dialog; /* vouched for by a token of ours in its Route */
    bool is_call;   /* no REGISTER: what the flow proved counts for it */
    bool cisco;     /* dialect: 407, Proxy-Authenticate, remotecc */
    struct sip_uri to;
    struct str claimed;                    /* device name the Contact gives, "" none */
    struct str edge_flow;                  /* the phone behind an edge; "" none named */
    struct str instance;                   /* +sip.instance of the first Contact, unquoted */
    const struct directory_device *device; /* counted, as profile; worker.c lets them go */
    const struct directory_profile *profile;
    const struct directory_device_line *line; /* the To's line on the device; borrowed */
    const struct directory_trunk
        *trunk; /* it comes from there, not from a device; counted likewise */
    struct oauth_claims claims;
    enum oauth_reason token_reason;
    uint64_t key_generation;           /* at least as old as the keys that verified the token */
    uint64_t changes;                  /* the node's, before anything was read */
    bool has_claims, claims_are_fresh; /* fresh: came with this request */
    bool nonce_is_stale;
    uint32_t nonce_count; /* of the Digest credentials accepted; for the flow to remember */
    uint64_t nonce_hash;
    struct call_question question;
    struct call_verdict verdict;
    struct proxy_context *context; /* the proxy's; hears the end of the request */
};

/* identify.c: To, dialect, device and line of a REGISTER or another request. RC_NOT_FOUND: the To
 * is not of this server (after a challenge it earns a 404). */
void call_identify_claim(struct call_visit *v);
void call_identify_device(struct call_visit *v);
bool call_identify_is_ours(struct call_visit *v);
/* Is host one of the names or addresses this cluster answers to, for who came over f (or NULL)? */
bool call_identify_is_our_host(struct call_node *n, const struct siptx_flow *f,
                               const struct sip_host *host);

/* The host of a URI of v's request as it is printed in one of ours; a tel URI names none: the node. */
struct str call_host_text(const struct call_visit *v, const struct sip_uri *uri);

/* credentials.c: bearer and Digest proofs into v->question. */
void call_credentials_bearer(struct call_visit *v);
void call_credentials_digest(struct call_visit *v);

/* answer.c: the wire forms. */
void call_answer_challenge(struct call_visit *v);
void call_answer_refusal(struct call_visit *v);
/* What every answer carries: Date and Server lines. */
void call_print_common(const struct call_visit *v, struct buf *out);
/* Bearline-Reason for peers that proved who they are, where the parameter says so. */
void call_print_reason(const struct call_visit *v, struct buf *out);
/* A plain answer with Date; headers: whole lines or empty. */
void call_answer(struct call_visit *v, unsigned status, struct str reason, struct str headers);
extern const struct str call_allow; /* "Allow: ...CRLF" */

/* policy.c: on an edge's connection a request of no known device is not the last phone's: "?". */
void call_label_nobody(const struct call_visit *v);
/* policy.c: asks the line policy about v and says so in log and counters. */
void call_decide(struct call_visit *v);
/* The same for a verdict that was reached later. */
void call_tell_verdict(struct call_visit *v);
/* Does a stored binding still fit the configuration? */
bool call_binding_fits(struct call_node *n, const struct location_binding *b, enum call_why *why);

/* node.c: after a registration. False: the directory changed while it was made, it no longer fits,
 * and the device's bindings are taken out again. */
bool call_node_confirm(const struct call_visit *v, const struct location_binding *b);

/* registrar.c */
void call_register(struct call_visit *v);

/* registered.c: Contact, Path and Service-Route lines of an answer to a REGISTER. */
void call_print_registered(const struct call_visit *v,
                           const struct location_binding *const *bindings, size_t count,
                           int64_t now_mono_ms, struct buf *out);

/* release.c: bindings taken out; their phones are told and their flows closed. */
enum call_release {
    CALL_RELEASE_MOVED,     /* the same phone has registered over another connection */
    CALL_RELEASE_DUPLICATE, /* another phone registered under the same device name */
    CALL_RELEASE_REVOKED,   /* user, token, device or profile no longer allow it */
    CALL_RELEASE_RESET,     /* an operator wished so */
};
void call_release(struct call_node *n, const struct location_binding *b, enum call_release why);
/* What that comes to on the thread of the flow's stack. */
void call_release_here(struct call_node *n, struct siptx_stack *s, const struct location_binding *b,
                       enum call_release why);
/* A binding over that flow went by itself: the flow may be silent for as long as anybody's again, if
 * it was the last. Any thread. */
void call_release_pin(struct call_node *n, uint64_t flow_id);

/* hangup.c: a BYE of the node's own, for call_calls; ctx is the node. */
void call_send_bye(void *ctx, const struct call_bye *b);

/* refusals.c */
struct call_refusals *call_refusals_new(const struct random_source *random);
struct call_refusals *call_refusals_free(struct call_refusals *r);
void call_refusals_add(struct call_refusals *r, struct str device, const struct call_refusal *what);
void call_refusals_clear(struct call_refusals *r, struct str device);
bool call_refusals_find(struct call_refusals *r, struct str device, struct call_refusal *out);

#endif
