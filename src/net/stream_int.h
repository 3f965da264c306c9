/* net/stream_int.h - the inside of a stream, for stream.c (life and deadlines), stream_io.c (bytes)
 * and listener.c (accepting). */
#ifndef NET_STREAM_INT_H
#define NET_STREAM_INT_H
#include "net/listener.h"
#include "net/stream.h"
#include "net/tls_int.h"

#include <event2/event.h>
#include <event2/event_struct.h>

enum stream_state {
    STREAM_CONNECTING, /* TCP is not there yet */
    STREAM_SILENT,     /* a server's TLS connection that has said nothing: no SSL yet */
    STREAM_HANDSHAKE,
    STREAM_OPEN,
    STREAM_FINISHING, /* nobody listens any more; output and the peer's end are awaited */
    STREAM_CLOSED,    /* freed at the end of the turn */
};

/* What one who accepts wants to know of a stream before it is open. */
struct stream_acceptor {
    bool (*on_hello)(struct net_stream *stream);    /* the first bytes are TLS: may it go on? */
    void (*on_progress)(struct net_stream *stream); /* more of the handshake has come */
    void (*on_open)(struct net_stream *stream);
    void (*on_failed)(struct net_stream *stream, const struct net_close *why);
};

struct net_stream {
    struct net_loop *loop;
    const struct net_stream_events *events;
    void *ctx;
    SSL *ssl;
    struct tls_conn conn;
    struct event event;
    int fd;
    uint8_t state;
    bool writing;      /* the event waits for room to write */
    bool over_queue;   /* a write was refused */
    bool shaking;      /* counted among the handshakes */
    bool shut;         /* FINISHING: our half is closed */
    bool drain_owed;   /* something was queued since the last on_drain */
    int pending_errno; /* of a connect that failed at once */
    struct net_addr peer;
    struct net_stream_config config;
    struct buf rest; /* arrived, not consumed */
    struct buf out;  /* written, not yet sent (plain) or encrypted (TLS) */
    size_t out_at;   /* how far */
    struct buf wire; /* encrypted, not yet sent */
    struct wheel_timer timer;
    uint64_t last_in_ms;
    uint64_t open_due_ms, message_due_ms, expect_due_ms; /* 0: none */
    struct net_deferred deferred;
    struct list link; /* an acceptor's list, or the loop's finishing ones */
    const struct stream_acceptor *acceptor;
    void *acceptor_ctx;
    struct net_limits *limits; /* a reference; the connection is counted there */
};

/* stream.c */
struct net_stream *stream_new(struct net_loop *loop, int fd,
                              const struct net_stream_config *config);
void stream_forget(struct net_stream *stream); /* of stream_new; leaves the descriptor open */
bool stream_watch(struct net_stream *stream, bool writing);
void stream_open_within(struct net_stream *stream, uint32_t ms);
void stream_end(struct net_stream *stream, enum net_close_kind kind, int sys_errno);
void stream_end_tls(struct net_stream *stream);
void stream_end_not_tls(struct net_stream *stream, struct bytes first);
void stream_opened(struct net_stream *stream);
void stream_message_due(struct net_stream *stream, bool rest, bool progress);
void stream_release(struct net_stream *stream);
void stream_end_finishing(struct net_loop *loop);

/* stream_io.c */
enum rc stream_start_tls(struct net_stream *stream); /* makes ssl of tls */
void stream_handshake(struct net_stream *stream);
void stream_readable(struct net_stream *stream);
void stream_flush(void *stream);
void stream_say_bye(struct net_stream *stream);    /* close_notify, as far as it goes */
void stream_drop_plain(struct net_stream *stream); /* what is not yet encrypted */
void stream_drop_output(struct net_stream *stream);

/* limits.c */
bool limits_handshake_enter(struct net_limits *limits);
void limits_handshake_leave(struct net_limits *limits);
uint32_t limits_handshake_ms(const struct net_limits *limits);
void limits_refuse(struct net_limits *limits, enum net_refusal cause); /* counts */

#endif
