/* net/stream.h - a TCP or TLS connection on a loop, accepted (net/listener.h) or connecting.
 * What arrives is shown in a buffer lent by the loop; only an incomplete rest is kept, bounded, so
 * an idle connection holds no receive buffer. What is written is copied, bounded, and leaves in one
 * send at the end of the turn. Everything here belongs to the loop's thread.
 *
 * Ends: the owner closes (net_stream_close, net_stream_finish: no callback runs any more), or the
 * stream ends by itself (on_close, once, the last callback; the stream is closed by then). Either
 * way its memory goes at the end of the turn. */
#ifndef NET_STREAM_H
#define NET_STREAM_H
#include "net/addr.h"
#include "net/loop.h"
#include "net/tls.h"

struct net_stream;

enum net_close_kind {
    NET_CLOSE_PEER,        /* the peer closed (tidy: with close_notify, or plain TCP) */
    NET_CLOSE_RESET,       /* the connection broke; sys_errno */
    NET_CLOSE_IDLE,        /* nothing arrived for idle_ms */
    NET_CLOSE_SLOW,        /* a message was begun and not finished in message_ms */
    NET_CLOSE_EXPECT,      /* net_stream_expect ran out */
    NET_CLOSE_TOO_BIG,     /* an unfinished message grew over message_max */
    NET_CLOSE_QUEUE,       /* the peer does not read: queue_max bytes wait */
    NET_CLOSE_CONNECT,     /* connecting failed (sys_errno: ECONNREFUSED, ETIMEDOUT, ...) */
    NET_CLOSE_TLS_TIMEOUT, /* the TLS handshake was not done in time */
    NET_CLOSE_TLS,         /* the TLS handshake or a record failed; tls */
    NET_CLOSE_NOT_TLS,     /* a TLS listener got something else; first, first_n */
    NET_CLOSE_SHED,        /* a limit: this handshake was given up for newer ones */
    NET_CLOSE_LISTENER,    /* the listener was closed together with its connections */
    NET_CLOSE_NOMEM,
};
enum { NET_CLOSE_FIRST_MAX = 16 };

/* Borrowed for the callback. */
struct net_close {
    enum net_close_kind kind;
    bool tidy;                          /* NET_CLOSE_PEER */
    int sys_errno;                      /* 0: none */
    const struct net_tls_failure *tls;  /* NULL: none (also when memory for it ran out) */
    uint8_t first[NET_CLOSE_FIRST_MAX]; /* what came instead of TLS */
    size_t first_n;
};
const char *net_close_name(enum net_close_kind kind); /* "peer", "tls-timeout": for logs */
/* One sentence. */
void net_close_print(struct buf *out, const struct net_close *close);

struct net_stream_events {
    /* data holds everything not yet consumed, in order, at least one byte more than last time; gone
     * after return. Returns how many bytes it took (0..data.n). Called once for what arrived, not
     * again for a rest it could have taken: take every complete message in one call. */
    size_t (*on_bytes)(void *ctx, struct bytes data);
    /* A connecting stream is open (TCP connected, TLS verified). NULL for accepted ones. */
    void (*on_open)(void *ctx);
    void (*on_close)(void *ctx, const struct net_close *why);
    /* Everything queued has been given to the system. May be NULL. */
    void (*on_drain)(void *ctx);
};

/* 0 in a time means: none. */
struct net_stream_config {
    uint32_t idle_ms;     /* closed when nothing arrives for so long */
    uint32_t message_ms;  /* bytes left unconsumed must be added to and consumed in this time */
    uint32_t message_max; /* bytes; an unconsumed rest may be as long. > 0 */
    uint32_t queue_max;   /* bytes; output waiting may be as long. > 0 */
};

struct net_connect_config {
    struct net_stream_config stream;
    struct net_addr peer;
    struct net_addr local;  /* NET_NONE: any */
    struct net_tls *tls;    /* a client context (a reference is taken); NULL: plain TCP */
    struct str server_name; /* with tls: the host name or address the certificate must carry; sent
                               as SNI when it is a name. Must not be empty. */
    uint32_t open_ms;       /* connecting and handshake together; > 0 */
};

/* Begins to connect; the outcome comes by on_open or on_close, never before this returns. events is
 * constant and outlives the stream. RC_INVALID, RC_NOMEM, RC_IO, RC_BUSY (no descriptor left). */
MUST_CHECK enum rc net_stream_connect(struct net_loop *loop,
                                      const struct net_connect_config *config,
                                      const struct net_stream_events *events, void *ctx,
                                      struct net_stream **out);
/* A stream over a connected socket it then owns (a socketpair, a descriptor from elsewhere). tls as
 * a server context makes it wait for a handshake (on_open tells). On failure the socket stays the
 * caller's. */
MUST_CHECK enum rc net_stream_adopt(struct net_loop *loop, int fd, struct net_tls *tls,
                                    uint32_t open_ms, const struct net_stream_config *config,
                                    const struct net_stream_events *events, void *ctx,
                                    struct net_stream **out);

/* Who is told from now on. For accepted streams: call it inside on_accept. */
void net_stream_handle(struct net_stream *stream, const struct net_stream_events *events,
                       void *ctx);

/* Queues a copy. RC_BUSY: queue_max would be passed: nothing was queued, and the stream ends with
 * NET_CLOSE_QUEUE at the end of the turn. RC_CLOSED: closed already. RC_NOMEM. Before on_open it
 * waits. */
MUST_CHECK enum rc net_stream_write(struct net_stream *stream, struct bytes data);
size_t net_stream_queued(const struct net_stream *stream); /* bytes not yet given to the system */

/* The reader must see the present deadline lifted (ms 0) or moved within ms, or the stream ends
 * with NET_CLOSE_EXPECT: "the first message within 10 s", "a pong within 10 s". */
void net_stream_expect(struct net_stream *stream, uint32_t ms);
void net_stream_set_idle(struct net_stream *stream, uint32_t idle_ms);

/* What waits is offered to the socket once, then the socket closes. NULL, closed streams and calls
 * inside the stream's own callbacks are fine. Returns NULL. */
struct net_stream *net_stream_close(struct net_stream *stream);
/* As net_stream_close for the caller (no callback runs any more), but the stream stays behind until
 * what was written has arrived and the peer has closed too, at most NET_FINISH_MS: for a last word
 * to a peer that may still be sending. Returns NULL. */
enum { NET_FINISH_MS = 3000 };
struct net_stream *net_stream_finish(struct net_stream *stream);

/* These hold as long as the stream is open. */
struct net_loop *net_stream_loop(const struct net_stream *stream);
struct net_addr net_stream_peer_addr(const struct net_stream *stream);
struct net_addr net_stream_local_addr(const struct net_stream *stream);
bool net_stream_is_tls(const struct net_stream *stream);
/* The verified peer, copied once; NULL: no certificate (or no memory). */
const struct net_tls_peer *net_stream_tls_peer(struct net_stream *stream);

struct net_stream_tls_info {
    const char *version; /* "TLSv1.3" */
    const char *cipher;
    struct str server_name; /* what the client asked for; may be empty */
    bool resumed;
};
/* False for plain streams. The texts live as long as the stream. */
bool net_stream_tls_info(const struct net_stream *stream, struct net_stream_tls_info *out);

#endif
