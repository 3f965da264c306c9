/* siptx/stack_int.h - the inside of a stack, shared by the files of this room: flow.c (flows),
 * input.c (bytes to messages), server.c and client.c (transactions over the machines), output.c
 * (bytes out), transport.c (sockets), node.c (other threads). */
#ifndef SIPTX_STACK_INT_H
#define SIPTX_STACK_INT_H
#include "base/check.h"
#include "base/hash.h"
#include "sip/print.h"
#include "siptx/machine.h"
#include "siptx/stack.h"
#include "siptx/table.h"
#include "siptx/trace.h"
#include <assert.h>

enum {
    SIPTX_BLOCK_FIRST = 8192, /* bytes of a message and what is parsed from it without heap */
    SIPTX_ARENA_MAX = 262144, /* bytes on the heap beside that */
    SIPTX_BRANCH_LEN = 27,    /* z9hG4bKbl + worker (2 hex) + 16 hex */
    SIPTX_TAG_LEN = 16,       /* hex */
    SIPTX_MESSAGE_TIME_MS = 10000,
    SIPTX_UDP_IDLE_MS = 600000,
    SIPTX_CONNECT_MS = 10000,
    SIPTX_KEPT_MAX = 8192, /* a pooled transaction keeps its copy's memory up to that many bytes */
};
#define SIPTX_BRANCH_PREFIX SIP_BRANCH_COOKIE "bl"

/* One received message with all that is read from it. Pooled. */
struct siptx_block {
    struct siptx_block *next;
    struct arena arena;
    struct sip_message message;
    struct sip_basics basics;
    char first[SIPTX_BLOCK_FIRST];
};

/* What server and client transactions have in common. */
struct siptx_tx {
    struct siptx_stack *stack;
    struct siptx_flow *flow; /* NULL: closed */
    struct list on_flow, all;
    struct siptx_link link; /* by branch (server: and sent-by, method) */
    struct siptx_machine machine;
    siptx_step_fn *step;
    struct wheel_timer timer;
    int64_t armed_ms;        /* what the timer is set to */
    char *last;              /* server: the last answer; client: the request. malloc'ed or NULL */
    size_t last_n, last_cap; /* bytes kept, bytes there */
    enum sip_method method;
    bool is_client, is_udp;
};

struct siptx_server {
    struct siptx_request request; /* the owner's view; first, so that one is the other */
    struct siptx_tx tx;
    struct siptx_link merge;   /* by From tag, Call-ID, CSeq */
    struct siptx_block *block; /* NULL once the request is let go */
    struct net_addr answer_to;
    struct sip_via_fix fix;
    char received[NET_ADDR_TEXT_MAX];
    char tag[SIPTX_TAG_LEN + 1];
    uint64_t to_tag_key; /* of the tag our answers carry, for the ACK of an RFC 2543 client */
    uint64_t trace_seq;
    bool is_2543, is_routine, is_cancelled, was_answered;
};

struct siptx_client {
    struct siptx_tx tx;
    siptx_client_fn *fn; /* NULL: forgotten */
    void *ctx;
    uint64_t flow_id;
    char *ack; /* to a refusal, printed once */
    size_t ack_n;
    char *cancel_headers; /* waits for a provisional answer; NULL: no CANCEL wanted */
    bool cancel_wanted, cancel_sent;
    char branch[SIPTX_BRANCH_LEN + 1];
};

/* A listener or UDP port this stack takes part in. Kept until the stack goes. */
struct siptx_join {
    struct list link;
    struct siptx_stack *stack;
    struct net_listener *listener; /* NULL: left, or UDP */
    struct net_udp_port *port;     /* NULL: left, or a listener */
    struct net_udp *udp;
    int kind;
    enum siptx_transport transport;
};

struct siptx_stack {
    struct siptx_config config;
    struct siptx_limits limits;
    struct siptx_times times;
    struct siptx_counters counters;
    struct hash_key key; /* of every table and tag */
    unsigned depth;      /* callbacks and calls under way */
    bool freeing;

    struct list flows, dead_flows;    /* all; to be freed */
    struct list udp_used, udp_pinned; /* UDP by use, oldest first: may give way; pinned */
    struct siptx_flow **by_id, **by_peer;
    uint64_t flow_mask; /* buckets - 1 of both */
    uint64_t flow_count;
    uint32_t udp_count;
    uint64_t next_flow;
    struct wheel_timer udp_timer;

    struct siptx_table servers, merges, clients;
    struct list transactions;
    uint32_t transaction_count, udp_transaction_count; /* the latter among the former */

    struct siptx_block *blocks;
    struct list free_servers, free_clients; /* by tx.all */
    uint32_t block_count, server_count, client_count;
    struct siptx_server *starting; /* being handed up: its timer waits for what the owner does */

    struct buf out;      /* the message being printed */
    const void *out_for; /* the request or flow it is for */
    unsigned out_status;
    struct siptx_flow *out_flow;
    enum sip_method out_method;
    char out_branch[SIPTX_BRANCH_LEN + 1];

    struct list joins;
    struct siptx_inbox *inbox;
};

/* ---- stack.c ---- */
static inline void siptx_count(_Atomic uint64_t *c)
{
    /* One writer: no locked instruction is needed. */
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}
static inline void siptx_count_down(_Atomic uint64_t *c)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) - 1,
                          memory_order_relaxed);
}
int64_t siptx_now(const struct siptx_stack *s);
/* Every way into the stack: closed flows are freed when the outermost leaves. */
void siptx_enter(struct siptx_stack *s);
void siptx_leave(struct siptx_stack *s);
struct siptx_block *siptx_block_get(struct siptx_stack *s); /* NULL: out of memory */
void siptx_block_put(struct siptx_stack *s, struct siptx_block *b);
void siptx_hex64(char out[SIPTX_TAG_LEN + 1], uint64_t v);

/* ---- tx.c ---- */
/* False: too many (counted). A quarter is kept for connections: over UDP an answered request stays
 * half a minute, and anyone can send it. */
bool siptx_tx_may_begin(struct siptx_stack *s, const struct siptx_flow *f);
/* The same for what belongs to no dialog: the last eighth is for calls that are there. */
bool siptx_tx_may_begin_new(struct siptx_stack *s, const struct siptx_flow *f);
void siptx_tx_begin(struct siptx_stack *s, struct siptx_tx *tx, struct siptx_flow *f);
void siptx_tx_end(struct siptx_tx *tx);
/* Sets the timer to what the machine wants. */
void siptx_tx_arm(struct siptx_tx *tx);
/* Steps the machine; the actions. */
unsigned siptx_tx_step(struct siptx_tx *tx, enum siptx_event e);
/* Remembers bytes as tx->last. RC_NOMEM leaves what was there. */
MUST_CHECK enum rc siptx_tx_keep(struct siptx_tx *tx, struct str bytes);
/* A pooled transaction keeps the memory of its copy, so that the next one needs none. */
void siptx_tx_reuse(struct siptx_tx *tx);
enum siptx_event siptx_event_of_status(unsigned status);
void siptx_server_fire(struct siptx_server *v, enum siptx_event e);
void siptx_client_fire(struct siptx_client *c, enum siptx_event e);
void siptx_server_flow_lost(struct siptx_server *v);
void siptx_client_flow_lost(struct siptx_client *c);
void siptx_server_drop(struct siptx_server *v); /* the stack goes: no more bytes */
void siptx_client_drop(struct siptx_client *c);

/* ---- flow.c ---- */
MUST_CHECK enum rc siptx_flows_init(struct siptx_stack *s);
void siptx_flows_fini(struct siptx_stack *s);
void siptx_flows_sweep(struct siptx_stack *s); /* frees the dead */
/* Bytes to an address over the flow's wire; traced, counted. */
MUST_CHECK enum rc siptx_flow_send_to(struct siptx_flow *f, const struct net_addr *to,
                                      struct str bytes);
/* The label of f and of its records from from_seq on, whatever they bore. */
void siptx_flow_relabel(struct siptx_flow *f, struct str label, uint64_t from_seq);
/* The UDP flow of a peer, made if need be. NULL: out of memory, or all are pinned. */
struct siptx_flow *siptx_flow_of_peer(struct siptx_stack *s, const struct siptx_flow_desc *d);
void siptx_flow_used(struct siptx_flow *f);
/* For what will be asked for again if it gets lost: failures are only counted. */
void siptx_flow_try_send(struct siptx_flow *f, const struct net_addr *to, struct str bytes);
/* Takes back a flow just opened, as if it had never been; nobody is told. */
void siptx_flow_unopen(struct siptx_flow *f);
uint64_t siptx_flow_trace_in(struct siptx_flow *f, struct str bytes);
void siptx_flow_stun_id(const struct siptx_flow *f, uint8_t id[12]);
/* As siptx_flow_close, but the peer gets time to read the last word. */
void siptx_flow_finish(struct siptx_flow *f, enum siptx_close why);

/* ---- server.c ---- */
/* A valid request; takes the block over. */
/* To an owner without transactions; true: taken. */
bool siptx_offer(struct siptx_flow *f, struct siptx_block *b);
void siptx_server_input(struct siptx_flow *f, struct siptx_block *b, uint64_t trace_seq);
/* An answer without transaction, where basics are readable down to the Via. */
void siptx_answer_stateless(struct siptx_flow *f, const struct siptx_block *b, unsigned status,
                            struct str reason, struct str headers);

/* ---- client.c ---- */
/* A valid response; the block stays the caller's. */
void siptx_client_input(struct siptx_flow *f, struct siptx_block *b);
/* The same once it is known to carry a branch of this stack. f: where it came from, NULL for another
 * worker's; a request over a connection is answered over that connection alone. False: no such
 * transaction. */
bool siptx_client_take(struct siptx_stack *s, const struct siptx_flow *f, struct siptx_block *b);
/* Sends bytes as a transaction of ours on branch. RC_CLOSED, RC_BUSY, RC_NOMEM, RC_IO. */
MUST_CHECK enum rc siptx_client_new(struct siptx_flow *f, enum sip_method method,
                                    const char *branch, struct str bytes,
                                    struct siptx_client **out);

/* ---- followup.c ---- */
void siptx_client_send_ack(struct siptx_client *c, const struct siptx_block *refusal);
MUST_CHECK enum rc siptx_client_send_cancel(struct siptx_client *c);

/* ---- via.c ---- */
/* What the top Via lacks (RFC 3261, 18.2.1; RFC 3581, 4); text holds received. */
struct sip_via_fix siptx_via_fix(const struct sip_via *via, const struct siptx_flow *f,
                                 char text[NET_ADDR_TEXT_MAX]);
/* Where answers go if not back through a stream (RFC 3261, 18.2.2; RFC 3581, 4). maddr is not
 * obeyed: nobody gets bytes he did not ask for. */
struct net_addr siptx_via_answer_to(const struct sip_via *via, const struct siptx_flow *f);

/* ---- transport.c ---- */
void siptx_joins_fini(struct siptx_stack *s);

/* ---- node.c ---- */
MUST_CHECK enum rc siptx_node_enter(struct siptx_stack *s);
void siptx_node_leave(struct siptx_stack *s);
/* A response to a transaction of another worker. */
void siptx_node_hand_over(struct siptx_stack *s, unsigned worker, struct str bytes);

#endif
