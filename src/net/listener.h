/* net/listener.h - a listening TCP or TLS socket, shared by the loops that join it, and the limits
 * on what strangers may hold. One descriptor is polled by every loop that joined; whoever accepts
 * keeps the connection. A TLS connection is shown after its handshake; one that says nothing costs
 * a descriptor and a few hundred bytes until it times out, no TLS state. */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H
#include "net/stream.h"

struct net_limits;
struct net_listener;

/* Shared by all listeners and loops of the process; counted atomically. Safe from any thread. */
struct net_limits_config {
    uint32_t connections_max; /* in all */
    uint32_t source_max;      /* from one source (IPv4 address, IPv6 /64); loopback is not counted
                                 against it unless loopback_counts */
    uint32_t handshakes_max;  /* TLS handshakes begun and not done, in all */
    uint32_t handshake_ms;    /* from accept to the end of the handshake */
    bool loopback_counts;
};
enum net_refusal {
    NET_REFUSAL_TOTAL,      /* connections_max */
    NET_REFUSAL_SOURCE,     /* source_max */
    NET_REFUSAL_HANDSHAKES, /* handshakes_max */
    NET_REFUSAL_SILENT,     /* nothing came before handshake_ms */
    NET_REFUSAL_TIMEOUT,    /* the handshake was not done in handshake_ms */
    NET_REFUSAL_NOT_TLS,
    NET_REFUSAL_TLS,   /* the handshake failed */
    NET_REFUSAL_FILES, /* no descriptor left */
    NET_REFUSAL_NOMEM,
    NET_REFUSAL_COUNT
};
const char *net_refusal_name(enum net_refusal cause); /* "not-tls": for metrics */

MUST_CHECK enum rc net_limits_new(const struct net_limits_config *config, struct net_limits **out);
/* Counted: listeners and connections hold references. Both return what house rules say. */
struct net_limits *net_limits_ref(struct net_limits *limits);
struct net_limits *net_limits_unref(struct net_limits *limits);
/* New values hold for what comes next; nothing that is open is closed. */
void net_limits_set(struct net_limits *limits, const struct net_limits_config *config);
/* One connection from peer: false when a limit refuses (counted). Listeners call this themselves;
 * http does for its own. Each true needs one net_limits_leave with the same address. */
bool net_limits_enter(struct net_limits *limits, const struct net_addr *peer);
void net_limits_leave(struct net_limits *limits, const struct net_addr *peer);
uint32_t net_limits_connections(const struct net_limits *limits);
uint32_t net_limits_handshakes(const struct net_limits *limits);
uint64_t net_limits_refused(const struct net_limits *limits, enum net_refusal cause);

/* Who holds a port, where the system tells. */
struct net_holder {
    int pid;       /* 0: not found */
    char name[64]; /* the program's name; "" */
};

struct net_listener_config {
    struct net_addr addr;            /* port 0: the system chooses; net_listener_addr tells */
    struct net_tls *tls;             /* NULL: plain TCP (a reference is taken) */
    struct net_limits *limits;       /* a reference is taken; NULL: none but the system's */
    struct net_stream_config stream; /* what accepted streams start with */
    int backlog;                     /* 0: 4096 */
};

struct net_listener_events {
    /* An accepted connection, its handshake done. Take it with net_stream_handle, or close it; one
     * left without a handler is closed. Runs on the loop that accepted. */
    void (*on_accept)(void *ctx, struct net_stream *stream);
    /* A connection that ended before on_accept. May be NULL. */
    void (*on_refused)(void *ctx, const struct net_addr *peer, const struct net_close *why);
};

/* Binds and listens (IPv6 sockets take IPv6 only). RC_EXISTS: the address is in use: *holder (may
 * be NULL) says by whom; RC_DENIED: a privileged port; RC_NOT_FOUND: the address is not ours;
 * RC_BUSY: no descriptor left; RC_NOMEM, RC_IO. Nothing is accepted before a loop joins. */
MUST_CHECK enum rc net_listener_open(const struct net_listener_config *config,
                                     struct net_listener **out, struct net_holder *holder);
struct net_addr net_listener_addr(const struct net_listener *listener);
/* From loop's own thread: this loop accepts too. events is constant; ctx must live until the
 * listener has closed (its done call). A loop joins a listener once. RC_NOMEM, RC_IO. */
MUST_CHECK enum rc net_listener_join(struct net_listener *listener, struct net_loop *loop,
                                     const struct net_listener_events *events, void *ctx);
/* From any thread: new connections get tls. Only for a listener opened with one. */
void net_listener_set_tls(struct net_listener *listener, struct net_tls *tls);
/* Connections accepted since it opened; from any thread. */
uint64_t net_listener_accepted(const struct net_listener *listener);

/* From any thread. The port is free when this returns. Each joined loop then lets go of it in a
 * turn of its own: handshakes under way are dropped; connections go on if keep_streams, otherwise
 * they end with NET_CLOSE_LISTENER. When the last loop has let go, done(ctx) (may be NULL) runs on
 * it - or at once when none had joined - and the listener is gone. Returns NULL. */
struct net_listener *net_listener_close(struct net_listener *listener, bool keep_streams,
                                        net_fn *done, void *ctx);

/* Asks the system who listens on addr (TCP), or is bound to it (UDP). False: not found. Reads
 * /proc; waits for it, so not for a loop that serves calls. */
bool net_holder_find(const struct net_addr *addr, bool udp, struct net_holder *out);

#endif
