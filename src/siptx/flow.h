/* siptx/flow.h - a flow is where a message came from and where its answers go: one TCP or TLS
 * connection, or one UDP peer of a listening socket (RFC 5626, 3). It belongs to the stack (and so
 * to the thread) that made it; every function here is called on that thread. Other threads keep
 * the id and reach the flow by siptx_node_post (stack.h).
 *
 * The bytes travel through a function table, the wire: transport.c has the one over sockets;
 * tests and whole-cluster simulations bring their own with siptx_flow_open and feed received
 * bytes to siptx_flow_input. */
#ifndef SIPTX_FLOW_H
#define SIPTX_FLOW_H
#include "base/list.h"
#include "base/str.h"
#include "net/addr.h"
#include <stdint.h>

struct siptx_stack;
struct net_close;
struct net_tls_peer;
struct sip_frame;
struct siptx_flow;

enum siptx_transport { SIPTX_UDP, SIPTX_TCP, SIPTX_TLS };
enum { SIPTX_TRANSPORT_COUNT = 3, SIPTX_KIND_OUTGOING = -1 };

/* Why a flow ended. */
enum siptx_close {
    SIPTX_CLOSE_PEER,     /* the peer closed it */
    SIPTX_CLOSE_ERROR,    /* the network or TLS broke it; a text tells more */
    SIPTX_CLOSE_CONNECT,  /* an outgoing one never opened */
    SIPTX_CLOSE_IDLE,     /* nothing came for too long */
    SIPTX_CLOSE_SLOW,     /* a started message did not end in time, or output was not read */
    SIPTX_CLOSE_FRAMING,  /* the peer's bytes are no SIP stream (any more) */
    SIPTX_CLOSE_LIMIT,    /* pushed out: too many UDP flows */
    SIPTX_CLOSE_OWNER,    /* siptx_flow_close: policy, another connection of the same device, ... */
    SIPTX_CLOSE_LISTENER, /* its listener left with its flows */
    SIPTX_CLOSE_STACK,    /* the stack is freed */
};
enum { SIPTX_CLOSE_COUNT = SIPTX_CLOSE_STACK + 1 };
/* "peer", "idle", ...; never NULL. */
const char *siptx_close_name(enum siptx_close why);
/* "UDP", "TCP", "TLS" as Via writes them. */
struct str siptx_transport_name(enum siptx_transport t);
static inline bool siptx_transport_is_reliable(enum siptx_transport t)
{
    return t != SIPTX_UDP;
}

/* How bytes leave. Called with the flow whose wire it is (f->wire is what siptx_flow_open was
 * given). None of them may call back into the stack before it returns. */
struct siptx_wire_ops {
    /* Takes all of bytes (copies or sends them) or none. to differs from the flow's peer only on
     * UDP (RFC 3261, 18.2.2). RC_CLOSED, RC_BUSY (queue full), RC_NOMEM, RC_IO. */
    enum rc (*send)(const struct siptx_flow *f, const struct net_addr *to, struct str bytes);
    /* Ends it; nothing is called afterwards. linger: the peer may still be sending, let it read the
     * last word first. NULL: there is nothing to close. */
    void (*close)(const struct siptx_flow *f, bool linger);
    /* It was pinned or let loose: how long it may be silent changes. NULL: nothing to do. */
    void (*pin)(const struct siptx_flow *f, bool pinned);
};

/* Read as you like; written by siptx alone, but for user through siptx_flow_set_user. */
struct siptx_flow {
    uint64_t id; /* worker number in the top 16 bits, then a count: never used twice */
    struct siptx_stack *stack;
    uint8_t transport; /* enum siptx_transport */
    bool ready;        /* false: an outgoing connection still opening */
    bool closing;      /* on_flow_closed has been or is being told */
    int listener_kind; /* the owner's number for the listener it came in by, SIPTX_KIND_OUTGOING */
    struct net_addr local, peer;
    const struct net_tls_peer *tls_peer; /* NULL without TLS; lives as long as the flow */
    const struct net_close *lost;        /* in on_flow_closed: how its socket ended; NULL: it is not
                                            the socket that ended it */
    void *user;                          /* the owner's */
    int64_t opened_unix_ms, last_in_mono_ms;
    uint32_t messages_in, messages_out;

    /* siptx's own */
    void (*user_release)(void *user);
    const struct siptx_wire_ops *ops;
    void *wire;
    char *label;                   /* for the trace; NULL: none */
    struct sip_frame *frame;       /* a stream's message half received; NULL between messages */
    bool half_ping;                /* a stream's last bytes were one CRLF */
    struct list all, used;         /* the stack's flows; on UDP the order of use */
    struct siptx_flow *chain;      /* in the table by id */
    struct siptx_flow *peer_chain; /* UDP: in the table by socket, peer and local address */
    struct list transactions;      /* those that answer or send here */
    uint64_t trace_seq;            /* its first record */
    uint32_t pin_count;
};

/* What siptx_flow_open needs to know. */
struct siptx_flow_desc {
    enum siptx_transport transport;
    int listener_kind;
    struct net_addr local, peer;
    const struct net_tls_peer *tls_peer;
    const struct siptx_wire_ops *ops; /* lives as long as the flow */
    void *wire;
    bool connecting; /* not ready yet: siptx_flow_ready will follow */
};
/* Makes a flow over the caller's wire and tells on_flow_open, unless it is outgoing. RC_NOMEM,
 * RC_CLOSED (on_flow_open closed it; its wire has been closed). */
MUST_CHECK enum rc siptx_flow_open(struct siptx_stack *s, const struct siptx_flow_desc *d,
                                   struct siptx_flow **out);
/* An outgoing connection is open; local is its address now. Tells on_flow_ready. */
void siptx_flow_ready(struct siptx_flow *f, const struct net_addr *local,
                      const struct net_tls_peer *tls_peer);
/* Received bytes. On a stream: whatever has come and was not consumed yet; returns how many bytes
 * are done with, the rest must be given again with more behind it. On UDP: one datagram, always
 * consumed whole. The flow may be closed when it returns (then everything counts as consumed). */
size_t siptx_flow_input(struct siptx_flow *f, struct str bytes);
/* The wire is gone by itself; it is not asked to close. text (may be empty) is for people:
 * "TLS alert: unknown CA". Transactions hear of it, then on_flow_closed, then f is no more. */
void siptx_flow_gone(struct siptx_flow *f, enum siptx_close why, struct str text);

/* Bytes as they are, past all transactions, to the flow's peer. */
MUST_CHECK enum rc siptx_flow_send(struct siptx_flow *f, struct str bytes);
/* A keepalive from our side (RFC 5626, 4.4): CRLFCRLF on a stream, a STUN binding request on UDP.
 * What comes back is on_keepalive. */
MUST_CHECK enum rc siptx_flow_ping(struct siptx_flow *f);
/* Ends it as siptx_flow_gone does, closing the wire. Allowed inside any callback: f's memory stays
 * until the stack's outermost callback returns, on_flow_closed runs before this returns. */
void siptx_flow_close(struct siptx_flow *f, enum siptx_close why);
/* NULL: gone, or another worker's. */
struct siptx_flow *siptx_flow_find(struct siptx_stack *s, uint64_t id);
static inline unsigned siptx_flow_worker(uint64_t id)
{
    return (unsigned)(id >> 48);
}
/* Replaces the user data; what was there is released. Released when the flow ends, after
 * on_flow_closed. */
void siptx_flow_set_user(struct siptx_flow *f, void *user, void (*release)(void *user));
/* Names the flow in the trace (a device name): the records it already has are found by it too.
 * Cut at SIPTX_LABEL_MAX; when out of memory the flow stays as it was. */
enum { SIPTX_LABEL_MAX = 64 };
void siptx_flow_set_label(struct siptx_flow *f, struct str label);
/* A registration points to it (counted). A pinned UDP flow survives pressure from new peers, not
 * idleness; a pinned connection may be silent for longer than limits.stream_idle_ms. */
void siptx_flow_pin(struct siptx_flow *f, bool pinned);

#endif
