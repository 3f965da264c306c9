/* siptx/stack.h - SIP transport and transactions of one worker (RFC 3261, 8.1.2, 8.2, 17, 18;
 * 3581, 4320, 5626, 6026). It frames and checks what comes in on its flows, absorbs repetitions,
 * hands requests up, sends answers back where they belong, and carries requests out.
 *
 * One stack, one thread: everything here is called on the thread of its loop, unless it says
 * otherwise. Callbacks may call anything of this room but siptx_stack_free. */
#ifndef SIPTX_STACK_H
#define SIPTX_STACK_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/wheel.h"
#include "net/stream.h"
#include "sip/message.h"
#include "sip/validate.h"
#include "siptx/flow.h"
#include <stdatomic.h>

struct net_listener;
struct net_udp_port;
struct siptx_client;
struct siptx_node;
struct siptx_request;
struct siptx_stack;
struct siptx_trace;

/* ---- limits, timers, counters ---- */

enum {
    SIPTX_MESSAGE_MAX = 65535,      /* bytes of one message, unless limits say less */
    SIPTX_WORKER_MAX = 256,         /* workers of a node */
    SIPTX_TRANSACTIONS_MAX = 32768, /* default of limits.transactions_max */
    SIPTX_UDP_FLOWS_MAX = 65536,    /* default of limits.udp_flows_max */
};

/* 0 takes the default given. */
struct siptx_limits {
    uint32_t message_max;      /* bytes; SIPTX_MESSAGE_MAX. Longer: 513 and, on a stream, the end */
    uint32_t transactions_max; /* server and client together, at most three
                                  quarters over UDP, the last eighth for requests
                                  within dialogs; beyond it 503 with Retry-After */
    uint32_t udp_flows_max;    /* the least lately used gives way */
    uint32_t message_time_ms;  /* from a message's first byte to its last; 10 s */
    uint32_t udp_flow_idle_ms; /* a UDP flow unused for that long ends; 10 min */
    uint32_t stream_idle_ms;   /* a connection without bytes for that long ends, unless it is pinned
                                  (flow.h); 0: never */
    uint32_t retry_after_s;    /* what a 503 asks for; 30 */
    uint32_t pool_count;       /* free transactions kept for reuse; 64 */
};

/* RFC 3261, table 4. 0 takes the RFC's value. */
struct siptx_timing {
    uint32_t t1_ms, t2_ms, t4_ms; /* 500, 4000, 5000 */
    uint32_t d_ms;                /* timer D over UDP: 32000 */
    uint32_t trying_ms;           /* 100 to an INVITE without other answer: 200 */
};

enum siptx_malformed {
    SIPTX_BAD_FRAMING, /* where the message ends cannot be told */
    SIPTX_BAD_SYNTAX,  /* start line or a header needed here */
    SIPTX_BAD_SIZE,    /* over limits.message_max or sip's own maxima */
    SIPTX_BAD_VERSION, /* 505 */
    SIPTX_BAD_VIA,     /* no Via to answer by */
    SIPTX_BAD_STUN,
};
enum { SIPTX_MALFORMED_COUNT = SIPTX_BAD_STUN + 1, SIPTX_METHOD_SLOTS = 32 };

/* Written by the stack's thread, read by any (each number for itself). */
struct siptx_counters {
    _Atomic uint64_t requests_in[SIPTX_METHOD_SLOTS];   /* by enum sip_method */
    _Atomic uint64_t requests_out[SIPTX_METHOD_SLOTS];  /* without retransmissions */
    _Atomic uint64_t responses_in[7], responses_out[7]; /* by first digit */
    _Atomic uint64_t malformed[SIPTX_MALFORMED_COUNT];
    _Atomic uint64_t retransmits_in; /* absorbed by transactions */
    _Atomic uint64_t retransmits_out;
    _Atomic uint64_t dropped_responses;    /* malformed or matching nothing */
    _Atomic uint64_t dropped_requests;     /* malformed beyond answering */
    _Atomic uint64_t refused_transactions; /* 503: limits.transactions_max */
    _Atomic uint64_t keepalives;           /* CRLF pings answered */
    _Atomic uint64_t stun_bindings;
    _Atomic uint64_t send_failures;
    _Atomic uint64_t out_of_memory; /* requests that failed for it */
    _Atomic uint64_t flows_open, flows_opened;
    _Atomic uint64_t flows_closed[SIPTX_CLOSE_COUNT];
    _Atomic uint64_t transactions; /* present now */
};

/* ---- what the stack tells its owner ---- */

/* Any of them may be NULL: then a request is answered 501 (ACK dropped), the rest is silent. */
struct siptx_events {
    void *ctx;
    /* For an owner that is a stateless proxy (RFC 3261, 16.11): every valid request, ACK and CANCEL
     * among them, and every valid response that no transaction of ours asked for. True: it has dealt
     * with it (siptx_flow_send, siptx_flow_answer) and nothing is remembered; false: it goes on as if
     * this were NULL. All of it, and what is parsed into arena, lives during the call. */
    bool (*on_message)(void *ctx, struct siptx_flow *f, const struct sip_message *message,
                       const struct sip_basics *basics, struct arena *arena);
    /* A new request (not ACK, not CANCEL). Answer it now or later with the functions below. */
    void (*on_request)(void *ctx, struct siptx_request *r);
    /* An ACK that no transaction swallowed: to a 2xx (invite is its transaction while that lives,
     * else NULL) or stray. message and all that was parsed from it live during the call. */
    void (*on_ack)(void *ctx, struct siptx_flow *f, const struct sip_message *message,
                   struct siptx_request *invite);
    /* The peer cancels an INVITE that has no final answer yet. The CANCEL itself is answered 200;
     * the owner answers the INVITE, usually 487. */
    void (*on_cancel)(void *ctx, struct siptx_request *invite);
    /* A well-formed response that matches no transaction of ours but carries our Via: a 2xx to an
     * INVITE repeated after its end wants its ACK again. Lives during the call. */
    void (*on_stray_response)(void *ctx, struct siptx_flow *f, const struct sip_message *message);
    void (*on_flow_open)(void *ctx, struct siptx_flow *f);  /* incoming, before its first message */
    void (*on_flow_ready)(void *ctx, struct siptx_flow *f); /* outgoing, open now */
    /* Once for every flow told or returned before; f is still readable. text: for people, may be
     * empty ("TLS: certificate name does not match"). */
    void (*on_flow_closed)(void *ctx, struct siptx_flow *f, enum siptx_close why, struct str text);
    /* A connection ended before it became a flow: no TLS, a handshake that failed, a limit. why lives
     * during the call. */
    void (*on_refused)(void *ctx, int listener_kind, const struct net_addr *peer,
                       const struct net_close *why);
    /* A keepalive came on a flow, or the answer to ours. */
    void (*on_keepalive)(void *ctx, struct siptx_flow *f);
};

/* ---- making one ---- */

struct siptx_config {
    unsigned worker;       /* below SIPTX_WORKER_MAX */
    struct net_loop *loop; /* gives clock, timers and sockets; or NULL with the next two: */
    struct clock clock;
    struct wheel *wheel;         /* the caller advances it */
    struct random_source random; /* branches, tags; must be unpredictable */
    struct siptx_limits limits;
    struct siptx_timing timing;
    struct str server;  /* Server header of answers, "" for none; borrowed for the stack's life */
    struct str sent_by; /* host[:port] in our Vias; "": the flow's local address. Borrowed */
    struct siptx_trace *trace; /* may be NULL */
    struct siptx_node *node;   /* the other workers' stacks; may be NULL */
    bool takes_posts;          /* without a loop: siptx_stack_deliver will be called */
    struct siptx_events events;
};
/* RC_NOMEM, RC_INVALID (worker). */
MUST_CHECK enum rc siptx_stack_new(const struct siptx_config *config, struct siptx_stack **out);
/* Closes all flows (on_flow_closed is told), ends all transactions; not from a callback. NULL. */
struct siptx_stack *siptx_stack_free(struct siptx_stack *s);
const struct siptx_counters *siptx_stack_counters(const struct siptx_stack *s);
unsigned siptx_stack_worker(const struct siptx_stack *s);
struct siptx_trace *siptx_stack_trace(const struct siptx_stack *s);
/* As resolved: no zeros where a default exists. */
const struct siptx_limits *siptx_stack_limits(const struct siptx_stack *s);
/* Timers on the stack's clock, for those who act on what it hands up. Stop them before it goes. */
void siptx_timer_start(struct siptx_stack *s, struct wheel_timer *t, int64_t delay_ms, wheel_fn *fn,
                       void *ctx);
void siptx_timer_stop(struct siptx_stack *s, struct wheel_timer *t);
/* fn for every flow; it may close the one it is given. */
void siptx_stack_each_flow(struct siptx_stack *s, void (*fn)(void *ctx, struct siptx_flow *f),
                           void *ctx);

/* ---- sockets (with config.loop only) ---- */

/* What the streams of listeners (net_listener_config.stream) must start with, so that this room
 * sees an oversized message before net ends it, and slow ones end in limits.message_time_ms. */
struct net_stream_config siptx_stream_config(const struct siptx_limits *limits);
/* Takes part in a listener: connections this worker's loop accepts become flows of kind.
 * RC_EXISTS, RC_NOMEM, RC_IO. */
MUST_CHECK enum rc siptx_stack_join(struct siptx_stack *s, struct net_listener *l, int kind,
                                    enum siptx_transport transport);
/* Takes no more from it; call it before net_listener_close, and do not free the stack before that
 * is done. close_flows: those that came by it end too (SIPTX_CLOSE_LISTENER). */
void siptx_stack_leave(struct siptx_stack *s, struct net_listener *l, bool close_flows);
/* Likewise for UDP: one socket of the group is this stack's. RC_BUSY, RC_EXISTS, RC_NOMEM, RC_IO.
 * Leaving ends the flows of that port in any case. */
MUST_CHECK enum rc siptx_stack_join_udp(struct siptx_stack *s, struct net_udp_port *port, int kind);
void siptx_stack_leave_udp(struct siptx_stack *s, struct net_udp_port *port);

/* Where an outgoing flow goes. */
struct siptx_target {
    struct net_addr addr;
    enum siptx_transport transport;
    struct net_tls *tls;    /* TLS: a client context, borrowed for the call (counted within) */
    struct str server_name; /* TLS: the name the certificate must bear; also SNI */
    struct net_addr local;  /* UDP: the socket to send from; else ignored. family 0: any */
    uint32_t connect_ms;    /* 0: 10 s */
};
/* RC_OK: *out is there, not ready before on_flow_ready (UDP: at once, without that call); failure
 * comes as on_flow_closed. RC_NOMEM, RC_BUSY, RC_IO, RC_INVALID, RC_NOT_FOUND (no UDP socket). */
MUST_CHECK enum rc siptx_connect(struct siptx_stack *s, const struct siptx_target *target,
                                 struct siptx_flow **out);

/* TLS version and cipher of a flow over sockets that is open. False for others. */
bool siptx_flow_tls_info(const struct siptx_flow *f, struct net_stream_tls_info *out);

/* ---- requests from others ---- */

/* A server transaction as its owner sees it. It lives until on_end; for a request other than
 * INVITE, and for an INVITE refused, that is when the final answer is sent: siptx_answer_send calls
 * on_end as its last act and the request may not be touched after. An INVITE answered 2xx stays
 * for timer L (RFC 6026), so that more 2xx may follow. */
struct siptx_request {
    const struct sip_message *message; /* lives as long as the request */
    const struct sip_basics *basics;   /* what validation has read of it already */
    struct arena *arena;               /* what is parsed from it goes here */
    struct siptx_flow *flow;           /* NULL once that has closed */
    uint64_t flow_id;
    struct siptx_stack *stack;
    struct str to_tag; /* the tag of our answers: the request's own To tag, else one made here */
    void *user;        /* the owner's */
    void (*on_end)(void *ctx,
                   struct siptx_request *r); /* set by the owner or NULL; ctx = events.ctx */
};

/* Begins an answer in the stack's output: status line, Via (with received and rport), From, To
 * with tag, Call-ID, CSeq, Server. The caller adds whole header lines ("Name: value\r\n") to the
 * buffer returned and ends with siptx_answer_send; nothing else of the stack is sent in between.
 * An empty reason takes the usual phrase. Failures stay in the buffer. */
struct buf *siptx_answer_begin(struct siptx_request *r, unsigned status, struct str reason);
/* Adds Content-Type (unless empty), Content-Length and body, and sends.
 *   RC_CLOSED   the flow is gone and the Via gives no other way (the transaction goes on or ends
 *               all the same); RC_CONFLICT a final answer was given before; RC_NOMEM, RC_TOO_BIG */
enum rc siptx_answer_send(struct siptx_request *r, struct str content_type, struct str body);
/* Both at once. headers: whole lines or empty. */
enum rc siptx_respond(struct siptx_request *r, unsigned status, struct str reason,
                      struct str headers);
/* A response already printed whole, its top Via the request's top Via (a proxy's): sent as is. */
enum rc siptx_respond_bytes(struct siptx_request *r, unsigned status, struct str bytes);
/* The request's Via lines as our answers bear them (received and rport filled in): what a proxy puts
 * below its own Via and above the header fields of an answer it forwards. */
void siptx_request_print_vias(const struct siptx_request *r, struct buf *out);
/* Another transaction of this stack has the same From tag, Call-ID and CSeq, while To has no tag:
 * the same request came twice by different ways, 482 (RFC 3261, 8.2.2.2). */
bool siptx_request_is_merged(const struct siptx_request *r);
/* Tells the trace that this request and its answers are everyday business. Before the answer. */
void siptx_request_mark_routine(struct siptx_request *r);
/* Names this request and what its flow says next in the trace, and nothing before it: for a
 * connection that carries many phones, where siptx_flow_set_label would name the others' records. */
void siptx_request_set_label(struct siptx_request *r, struct str label);

/* Inside on_message: answers that request without a transaction; the To tag is made of the request, so
 * that a repetition gets the same answer. Never for an ACK. headers: whole lines or empty. */
void siptx_flow_answer(struct siptx_flow *f, const struct sip_message *request, unsigned status,
                       struct str reason, struct str headers);

/* ---- requests to others ---- */

enum siptx_outcome {
    SIPTX_PROVISIONAL, /* 1xx but 100, which is swallowed after stopping repetitions */
    SIPTX_FINAL,       /* INVITE: again for each further 2xx (RFC 6026) */
    SIPTX_TIMEOUT,     /* timer B or F: as 408 */
    SIPTX_LOST,        /* could not be sent or the flow ended: as 503 */
    SIPTX_GONE,        /* always the last, once: the handle is no more */
};
/* response is NULL but for the first two; it and what is parsed into arena live during the call. */
typedef void siptx_client_fn(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                             const struct sip_message *response, struct arena *arena);

/* Begins a request in the stack's output: request line and our Via with a fresh branch. The caller
 * adds all other header lines (Max-Forwards, From, To, Call-ID, CSeq, ...) but Content-Type and
 * Content-Length. Failures (a flow not ready, out of memory) stay in the buffer. */
struct buf *siptx_request_begin(struct siptx_stack *s, struct siptx_flow *f, struct str method,
                                struct str uri);
/* The same; via_params (";name=value" or empty) are added to our Via. */
struct buf *siptx_request_begin_via(struct siptx_stack *s, struct siptx_flow *f, struct str method,
                                    struct str uri, struct str via_params);
/* Sends it as a transaction. fn is never called before this returns.
 * RC_INVALID: the lines added do not parse as a request; RC_BUSY: too many transactions or the flow
 * is not ready; RC_NOMEM, RC_TOO_BIG. *out may be NULL if fn's handle is enough. */
MUST_CHECK enum rc siptx_request_send(struct siptx_stack *s, struct str content_type,
                                      struct str body, siptx_client_fn *fn, void *ctx,
                                      struct siptx_client **out);
/* Sends it without one: ACK to a 2xx. */
MUST_CHECK enum rc siptx_request_send_once(struct siptx_stack *s, struct str content_type,
                                           struct str body);
/* Cancels an INVITE: CANCEL leaves at once if a provisional answer has come, else with the first
 * one; headers (Reason, ...): whole lines or empty. The INVITE's final answer still comes through
 * fn; if none does within 64*T1 of the CANCEL, SIPTX_TIMEOUT. RC_CONFLICT: no INVITE, or over. */
MUST_CHECK enum rc siptx_client_cancel(struct siptx_client *c, struct str headers);
/* fn is not called any more; the transaction ends by itself. The handle may not be used again. */
void siptx_client_forget(struct siptx_client *c);
uint64_t siptx_client_flow_id(const struct siptx_client *c);

/* ---- the other workers ---- */

/* What the stacks of one process share: who is worker n. Made before and freed after them. Any
 * thread. */
struct siptx_node *siptx_node_new(void);
struct siptx_node *siptx_node_free(struct siptx_node *n);
/* Runs fn(stack, ctx) on the thread of that worker's stack. RC_NOT_FOUND: no such worker, or one
 * without a loop; RC_NOMEM. When the stack goes before fn ran, fn gets NULL, once, and only frees.
 */
typedef void siptx_post_fn(struct siptx_stack *s, void *ctx);
MUST_CHECK enum rc siptx_node_post(struct siptx_node *n, unsigned worker, siptx_post_fn *fn,
                                   void *ctx);
/* The same without an allocation: l lies in the caller's memory, which is his again when fn is
 * called. RC_NOT_FOUND. */
struct siptx_letter {
    struct list link;
    siptx_post_fn *fn;
    void *ctx;
    bool is_owned;
};
MUST_CHECK enum rc siptx_node_post_letter(struct siptx_node *n, unsigned worker,
                                          struct siptx_letter *l, siptx_post_fn *fn, void *ctx);
/* A stack without a loop that takes part (config.takes_posts): runs what was posted to it since;
 * how many. For simulations. */
size_t siptx_stack_deliver(struct siptx_stack *s);

#endif
