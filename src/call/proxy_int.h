/* call/proxy_int.h - the inside of the proxy, shared by its files: proxy.c (the way in and the
 * decisions), admit.c (who asks), ring.c
 * (what rings, by the dial plan), outward.c (trunks), mediapath.c (what SDP may pass), hangup.c (what
 * the node ends), branch.c (legs and what comes of them), forward.c (what is
 * printed). */
#ifndef CALL_PROXY_INT_H
#define CALL_PROXY_INT_H
#include "base/list.h"
#include "call/plan.h"
#include "call/proxy.h"
#include "call/reach.h"
#include "call/relay.h"
#include "call/route.h"
#include "call/target.h"

enum {
    PROXY_POOL_MAX = 256,      /* contexts kept for reuse */
    PROXY_TIMER_C_MS = 185000, /* RFC 3261, 16.6 step 11: more than three minutes */
    PROXY_RETRY_AFTER_S = 5,
    PROXY_CHALLENGES_MAX = 8192, /* bytes of collected challenges */
};

struct proxy_context;

enum branch_state {
    BRANCH_IDLE,
    BRANCH_TRYING,  /* sent, nothing heard */
    BRANCH_RINGING, /* a provisional answer has come */
    BRANCH_DONE,    /* a final answer, or none will come */
};

/* What the session of a branch is known to be. */
enum branch_media { BRANCH_SILENT, BRANCH_PLAIN, BRANCH_ENCRYPTED };

struct branch {
    struct proxy_context *context;
    struct call_target *target;
    struct call_leg_out *leg;   /* NULL: not sent, or its last has been told */
    struct call_reach_ask *ask; /* of a trunk; in the request's arena */
    enum branch_state state;
    bool is_cancelled;
    bool is_counted; /* as ringing, with call/lines.h */
    bool is_refused; /* by the media rule, unsent */
    bool is_hung_up;
    enum branch_media heard;
    struct call_media_leg media; /* what its callee is to the media rule */
    struct wheel_timer timer_c;
};

/* Where a request out of a dialog stands in the dial plan; in its arena. */
struct proxy_ring {
    struct call_plan plan;
    enum call_plan_what what;
    bool is_call; /* an INVITE: forwards, groups and times count */
    bool is_too_far;
    struct wheel_timer timer;   /* how long the step may ring */
    unsigned busy, dnd, others; /* phones of this step: busy (with those not to be disturbed), and
                                   those that did not answer for another reason */
    struct str deflected;       /* where a phone's 302 leads; "" none */
};

struct proxy_context {
    struct list link; /* of the live ones or of the pool */
    struct call_proxy *proxy;
    struct call_visit *visit;      /* gone with the request */
    struct siptx_request *request; /* NULL: its transaction has ended or needs us no more */
    uint64_t from_flow;
    enum sip_method method;
    uint32_t cseq;
    struct call_route route;
    struct proxy_ring *ring; /* NULL in a dialog, and gone with the request */
    struct call_targets targets;
    struct branch branches[CALL_TARGET_MAX];
    unsigned rank;    /* being tried */
    unsigned pending; /* branches without a final answer */
    unsigned legs;    /* not yet gone */
    unsigned breadth; /* each of this rank's branches may fork again into so many */
    unsigned best;    /* status; 0: none yet */
    struct buf best_head, best_body, challenges; /* kept over reuse */
    bool is_answered;                            /* a final answer has gone upstream, */
    bool is_accepted;                            /* and it was a 2xx */
    bool is_cancelled;                           /* the caller gave up */
    bool is_stopped;                             /* 2xx or 6xx: no further rank */
    bool is_initial;                             /* makes a call or a dialog */
    bool is_record_routed;
    unsigned depth;      /* of its own functions on the stack: it is not given back meanwhile */
    uint64_t call;       /* number in calls, 0 none */
    enum call_side side; /* the sender's, in a dialog */
    char loop[CALL_LOOP_PARAM_LEN + 1];
    struct call_hop from;
    struct call_media_leg media; /* what the sender is to the media rule */
    bool has_sdp, has_offer;     /* the request */
    struct {
        uint32_t interval_s, min_s; /* as the request goes on; 0: none */
        bool is_ours;               /* they replace the request's own */
        bool caller_can;            /* the request's sender knows timers */
    } session;
    const char *media_why; /* the media rule refused something: the Warning's text */
};

struct call_proxy {
    struct call_worker *worker;
    struct siptx_stack *stack;
    struct list live, pool;
    unsigned live_count, pool_count;
    struct crypto_digest *mac;          /* of tokens */
    struct buf out, body;               /* scratch of one message; of a body printed without keys */
    struct call_media_body sdp, answer; /* scratch: a request's and an answer's SDP */
    const struct proxy_context *sdp_of; /* whose sdp is, NULL nobody's */
};

/* ---- admit.c ---- */
/* Who asks, and may he? False: the request has been answered. */
bool proxy_admit(struct call_visit *v);
/* The side of a dialog's request by its token: the flow it came over, or the device that moved to
 * it. RC_DENIED. */
MUST_CHECK enum rc proxy_side(struct call_worker *w, const struct siptx_flow *f,
                              const struct call_token *t, enum call_side *side);
/* Where the other end of a dialog is: its flow, or where its phone has moved to; 0: nowhere. */
uint64_t proxy_other_flow(struct call_worker *w, const struct call_token *t, enum call_side side);
/* For call_route_read. */
struct proxy_here {
    struct call_node *node;
    const struct siptx_flow *flow;
};
bool proxy_is_ours(void *ctx, const struct sip_uri *uri);
bool proxy_is_our_host(void *ctx, const struct sip_host *host); /* ctx likewise */

/* ---- forward.c ---- */
/* Header lines of the request as it goes to t; *uri is its Request-URI. */
void proxy_print_request(struct proxy_context *c, const struct call_target *t, struct str *uri,
                         struct buf *out);
/* An answer as it goes upstream, down to its header fields; challenges left out where asked. */
void proxy_print_answer(struct proxy_context *c, const struct branch *b,
                        const struct sip_message *m, bool without_challenges, struct buf *out);
/* The challenges of an answer, added to c->challenges. */
void proxy_keep_challenges(struct proxy_context *c, const struct sip_message *m);

/* ---- exact.c ---- */
/* A URI that names one phone rather than a number: a GRUU, or the Contact some phone registered.
 * Its bindings become targets, *number is their line. 0: it names none; 200: targets are there; else
 * the status to answer. */
unsigned proxy_exact(struct proxy_context *c, const struct sip_uri *uri, struct str *number);
/* Where *uri, which a request of a dialog that came over from bears, is the GRUU of the phone on
 * flow, *uri becomes that one's Contact (RFC 5627, 6.1), copied to text. */
void proxy_exact_contact(struct call_worker *w, const struct siptx_flow *from, uint64_t flow,
                         char text[LOCATION_TEXT_MAX], struct str *uri);

/* ---- replaces.c ---- */
/* An INVITE with Replaces: as proxy_exact, for the phone that has that dialog. */
unsigned proxy_replaces(struct proxy_context *c, struct str *number);

/* ---- mediapath.c ---- */
/* Reads the request's SDP and who sends it. False: the request has been answered. */
bool proxy_media_begin(struct proxy_context *c);
/* May the request go to the branch's target? *body: as what. */
bool proxy_media_offer(struct branch *b, struct str *body);
/* May an answer of the branch go upstream? *body: as what. */
bool proxy_media_answer(struct branch *b, const struct sip_message *m, struct str *body);
/* The session of the branch is the call's; has_body: by the very answer that settled it. */
void proxy_media_settled(struct branch *b, bool has_body);
/* May an ACK of that side go on with its body? *body: as what, in any case. */
bool proxy_media_ack(struct call_worker *w, const struct sip_message *m, const struct call_token *t,
                     enum call_side side, struct str *body);
/* The Warning line of a 488; "" when the media rule refused nothing. */
struct str proxy_media_warning(struct proxy_context *c);

/* ---- sessiontimer.c ---- */
/* What the request goes on with. False: it has been answered. */
bool proxy_timer_begin(struct proxy_context *c);
/* Header fields written anew, and what is written. */
bool proxy_timer_drops(const struct proxy_context *c, enum sip_header_id id);
void proxy_timer_print_request(const struct proxy_context *c, struct buf *out);
void proxy_timer_print_answer(const struct proxy_context *c, const struct sip_message *m,
                              struct buf *out);
/* The 2xx m says how long the call's session lasts. */
void proxy_timer_settled(struct proxy_context *c, const struct sip_message *m);

/* ---- hangup.c ---- */
/* The branch's 2xx m is for a session that may not be (why 488) or comes when the asker has heard a
 * refusal (480): whoever accepted it is hung up on. */
void proxy_hang_up(struct branch *b, const struct sip_message *m, unsigned why);
/* What a BYE of ours will need: of the 2xx m that answers the call, and of one that refreshes it. */
void proxy_keep_dialog(struct proxy_context *c, const struct sip_message *m);
void proxy_keep_targets(struct proxy_context *c, const struct sip_message *m);

/* ---- ring.c ---- */
/* Where number leads; LINE, MEMBERS, TRUNK: proxy_ring_first makes targets of it. */
enum call_plan_what proxy_ring_start(struct proxy_context *c, struct str number);
void proxy_ring_first(struct proxy_context *c);
/* Nothing is pending and nobody answered: what rings next has been sent. False: nothing does. */
bool proxy_ring_next(struct proxy_context *c);
/* A phone refused (m its answer) or cannot be reached (NULL). True: that is dealt with here. */
bool proxy_ring_heard(struct proxy_context *c, unsigned status, const struct sip_message *m);
/* Header lines that say why, for an answer of our own. */
struct str proxy_ring_headers(struct proxy_context *c, unsigned status);
/* The request ends. */
void proxy_ring_end(struct proxy_context *c);
/* A branch begins to ring, and does not any more. */
void proxy_ring_count(struct branch *b);
void proxy_ring_uncount(struct branch *b);

/* ---- outward.c ---- */
/* The plan's trunk as a target. */
void proxy_outward_add(struct proxy_context *c, struct call_targets *out);
/* Looks for a way to the branch's trunk and sends over it, now or later; to the next one. False:
 * there is none. */
bool proxy_outward_begin(struct branch *b);
bool proxy_outward_next(struct branch *b);
void proxy_outward_stop(struct branch *b);
/* The other side of a dialog, where that is a trunk whose connection has ended; counted, or NULL. */
const struct directory_trunk *proxy_outward_lost(struct call_worker *w, const struct call_token *t,
                                                 enum call_side side);
/* The port of ours that answers to a peer; 0: not open. */
uint16_t proxy_own_port(struct call_node *n, enum siptx_transport t);
/* Does a request come from a trunk? Then v->trunk is it. */
bool proxy_inward_identify(struct call_visit *v);
/* May it ask that at all? False: the request has been answered. */
bool proxy_inward_admit(struct call_visit *v);
/* May who calls go where the plan leads? */
bool proxy_inward_may(const struct proxy_context *c);
/* Does f belong to the trunk of that label (trunk.h)? */
bool proxy_inward_is(struct call_worker *w, const struct siptx_flow *f, struct str label);
/* The number that calls. */
struct str proxy_inward_number(const struct call_visit *v);

/* ---- branch.c ---- */
/* Sends over the target's flow; false: not possible. */
bool proxy_send_branch(struct branch *b);
/* Nothing will come of it; status is what that counts as. */
void proxy_branch_failed(struct branch *b, unsigned status);
/* Sends to the targets of the next rank; false: there is none left. */
bool proxy_start_rank(struct proxy_context *c);
/* Goes on or answers when nothing is pending. */
void proxy_advance(struct proxy_context *c);
void proxy_cancel_branches(struct proxy_context *c, struct str headers);
/* Cancels those that ring and waits for them no more; a 2xx of theirs still counts. */
void proxy_give_up_branches(struct proxy_context *c);
/* Gives c back once its request and its legs have gone. */
void proxy_release(struct proxy_context *c);
/* A final answer of our own; ends a call that was beginning. */
void proxy_answer(struct proxy_context *c, unsigned status, struct str headers);

#endif
