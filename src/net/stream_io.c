/* net/stream_io.c - bytes in and out of a stream, plain and through the record layer.
 *
 * In: one recv into the loop's buffer; the record layer reads it through our BIO and leaves plain
 * text in the loop's second buffer; the reader sees that. Out: writes are gathered in s->out; at the
 * end of the turn the record layer writes through our BIO into the loop's third buffer, which one
 * send takes. Only what the socket refuses is kept, in s->wire; while anything is there, nothing
 * more is encrypted. */
#include "base/check.h"
#include "net/loop_int.h"
#include "net/stream_int.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { RECORD_MAX = 16384, SEND_AT = 48 * 1024 };

/* ---- our BIO ---- */

static BIO_METHOD *bio_method; /* set once, by bio_method_make */
static pthread_once_t bio_once = PTHREAD_ONCE_INIT;

static struct net_stream *stream_of_bio(BIO *bio)
{
    return LIST_OF(BIO_get_data(bio), struct net_stream, conn);
}

static int bio_read(BIO *bio, char *out, size_t want, size_t *got)
{
    struct net_stream *s = stream_of_bio(bio);
    struct net_loop *loop = s->loop;
    BIO_clear_retry_flags(bio);
    size_t n = loop->in_owner == s ? loop->in_n - loop->in_at : 0;
    if (n > want) n = want;
    if (n == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(out, loop->in + loop->in_at, n);
    loop->in_at += n;
    *got = n;
    return 1;
}

static int bio_write(BIO *bio, const char *p, size_t n, size_t *done)
{
    struct net_stream *s = stream_of_bio(bio);
    struct net_loop *loop = s->loop;
    BIO_clear_retry_flags(bio);
    if (n > LOOP_OUT_BYTES - loop->out_n) { /* rare: a huge chain. Keep the order. */
        buf_put(&s->wire, loop->out, loop->out_n);
        loop->out_n = 0;
    }
    if (n <= LOOP_OUT_BYTES - loop->out_n) {
        memcpy(loop->out + loop->out_n, p, n);
        loop->out_n += n;
    } else {
        buf_put(&s->wire, p, n);
    }
    *done = n;
    return buf_rc(&s->wire) == RC_OK;
}

static long bio_ctrl(BIO *bio, int command, long number, void *p)
{
    (void)bio, (void)number, (void)p;
    return command == BIO_CTRL_FLUSH;
}

static void bio_method_make(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "loop");
    if (m && BIO_meth_set_read_ex(m, bio_read) && BIO_meth_set_write_ex(m, bio_write) &&
        BIO_meth_set_ctrl(m, bio_ctrl))
        bio_method = m;
    else
        BIO_meth_free(m);
}

enum rc stream_start_tls(struct net_stream *s)
{
    pthread_once(&bio_once, bio_method_make);
    BIO *bio = bio_method ? BIO_new(bio_method) : NULL;
    if (bio) BIO_set_init(bio, 1);
    s->ssl = bio ? tls_conn_start(&s->conn, bio) : NULL;
    if (s->ssl) return RC_OK;
    BIO_free(bio);
    return RC_NOMEM;
}

/* ---- sending ---- */

/* What went out, or -1 with errno; what the socket has no room for counts as 0. */
static ssize_t send_some(const struct net_stream *s, const void *p, size_t n)
{
    ssize_t sent;
    do
        sent = send(s->fd, p, n, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : sent;
}

/* Sends what the record layer has put into the loop's buffer, or keeps it. RC_IO with errno. */
static enum rc send_encrypted(struct net_stream *s)
{
    struct net_loop *loop = s->loop;
    size_t n = loop->out_n, sent_n = 0;
    loop->out_n = 0;
    if (n > 0 && s->wire.n == 0) {
        ssize_t sent = send_some(s, loop->out, n);
        if (sent < 0) return RC_IO;
        sent_n = (size_t)sent;
    }
    if (sent_n < n) buf_put(&s->wire, loop->out + sent_n, n - sent_n);
    if (buf_rc(&s->wire) != RC_OK || (s->wire.n > 0 && !stream_watch(s, true))) {
        errno = ENOMEM;
        return RC_IO;
    }
    return RC_OK;
}

static enum rc send_wire(struct net_stream *s)
{
    if (s->wire.n == 0) return RC_OK;
    ssize_t sent = send_some(s, s->wire.p, s->wire.n);
    if (sent < 0) return RC_IO;
    buf_drop(&s->wire, (size_t)sent);
    if (s->wire.n == 0) buf_fini(&s->wire);
    return RC_OK;
}

static void give_block_back(struct net_stream *s)
{
    explicit_bzero(s->out.p, s->out.cap); /* it may have been a token or a password */
    if (s->out.cap == LOOP_BLOCK_BYTES)
        loop_block_give(s->loop, s->out.p);
    else
        free(s->out.p);
    s->out = (struct buf){0};
    s->out_at = 0;
}

void stream_drop_plain(struct net_stream *s)
{
    if (s->out.p) give_block_back(s);
}

void stream_drop_output(struct net_stream *s)
{
    stream_drop_plain(s);
    buf_fini(&s->wire);
}

static void took_output(struct net_stream *s, size_t n)
{
    s->out_at += n;
    if (s->out_at == s->out.n) {
        give_block_back(s);
    } else if (s->out_at > s->out.n / 2) {
        buf_drop(&s->out, s->out_at);
        s->out_at = 0;
    }
}

static enum rc flush_plain(struct net_stream *s)
{
    if (s->out.n == 0) return RC_OK;
    ssize_t sent = send_some(s, s->out.p + s->out_at, s->out.n - s->out_at);
    if (sent < 0) return RC_IO;
    took_output(s, (size_t)sent);
    return RC_OK;
}

static enum rc flush_tls(struct net_stream *s)
{
    enum rc rc = send_wire(s);
    while (rc == RC_OK && s->out.n > 0 && s->wire.n == 0) {
        size_t n = s->out.n - s->out_at, done;
        ERR_clear_error();
        if (SSL_write_ex(s->ssl, s->out.p + s->out_at, n < RECORD_MAX ? n : RECORD_MAX, &done) !=
            1) {
            s->loop->out_n = 0;
            return RC_MALFORMED; /* told apart from RC_IO: a failure of TLS */
        }
        took_output(s, done);
        if (s->out.n == 0 || s->loop->out_n >= SEND_AT) rc = send_encrypted(s);
    }
    return rc;
}

void stream_say_bye(struct net_stream *s)
{
    s->shut = true;
    if (s->ssl && SSL_is_init_finished(s->ssl)) {
        ERR_clear_error();
        SSL_shutdown(s->ssl);
        ERR_clear_error();
        if (send_encrypted(s) != RC_OK) return;
    }
    if (s->wire.n == 0 && s->out.n == 0) shutdown(s->fd, SHUT_WR);
}

/* FINISHING: once everything is out, our half closes; the peer's end is awaited by reading. */
static void finish_output(struct net_stream *s)
{
    if (s->wire.n > 0 || s->out.n > 0) return;
    if (s->shut)
        shutdown(s->fd, SHUT_WR); /* the close_notify had to wait */
    else
        stream_say_bye(s);
}

static void end_output(struct net_stream *s, enum rc rc)
{
    if (rc == RC_MALFORMED)
        stream_end_tls(s);
    else
        stream_end(s, errno == ENOMEM ? NET_CLOSE_NOMEM : NET_CLOSE_RESET, errno);
}

void stream_flush(void *ctx)
{
    struct net_stream *s = ctx;
    if (s->over_queue && s->state < STREAM_FINISHING) {
        stream_end(s, NET_CLOSE_QUEUE, 0);
        return;
    }
    bool through = s->state == STREAM_OPEN || s->state == STREAM_FINISHING;
    enum rc rc = !s->ssl   ? (through ? flush_plain(s) : RC_OK)
                 : through ? flush_tls(s)
                           : send_wire(s);
    if (rc == RC_OK && !stream_watch(s, s->wire.n > 0 || (through && s->out.n > 0))) {
        errno = ENOMEM;
        rc = RC_IO;
    }
    if (rc != RC_OK) {
        end_output(s, rc);
        return;
    }
    if (s->state == STREAM_FINISHING) {
        finish_output(s);
    } else if (s->drain_owed && net_stream_queued(s) == 0) {
        s->drain_owed = false;
        if (s->events && s->events->on_drain) s->events->on_drain(s->ctx);
    }
}

size_t net_stream_queued(const struct net_stream *s)
{
    return s->out.n - s->out_at + s->wire.n;
}

enum rc net_stream_write(struct net_stream *s, struct bytes data)
{
    if (s->state >= STREAM_FINISHING) return RC_CLOSED;
    if (data.n == 0) return RC_OK;
    if (s->over_queue || data.n > s->config.queue_max ||
        net_stream_queued(s) > s->config.queue_max - data.n) {
        s->over_queue = true;
        net_loop_defer(s->loop, &s->deferred, stream_flush, s);
        return RC_BUSY;
    }
    if (!s->out.p) {
        buf_init_secret(&s->out, SIZE_MAX);
        s->out.p = loop_block_take(s->loop);
        if (!s->out.p) return RC_NOMEM;
        s->out.cap = LOOP_BLOCK_BYTES;
    }
    buf_put(&s->out, data.p, data.n);
    if (buf_rc(&s->out) != RC_OK) { /* what was queued before still is */
        s->out.rc = RC_OK;
        return RC_NOMEM;
    }
    s->drain_owed = true;
    if (s->state == STREAM_OPEN) net_loop_defer(s->loop, &s->deferred, stream_flush, s);
    return RC_OK;
}

/* ---- receiving ---- */

/* True when the stream is still open afterwards. */
static bool keep_rest(struct net_stream *s, struct bytes data, size_t taken)
{
    if (s->rest.n > 0) {
        buf_drop(&s->rest, taken);
    } else if (taken < data.n) {
        buf_put(&s->rest, data.p + taken, data.n - taken);
    }
    if (buf_rc(&s->rest) != RC_OK) {
        stream_end(s, NET_CLOSE_NOMEM, 0);
        return false;
    }
    if (s->rest.n > s->config.message_max) {
        stream_end(s, NET_CLOSE_TOO_BIG, 0);
        return false;
    }
    if (s->rest.n == 0) buf_fini(&s->rest);
    stream_message_due(s, s->rest.n > 0, taken > 0);
    return true;
}

static bool deliver(struct net_stream *s, struct bytes data)
{
    if (s->rest.n > 0) {
        buf_put(&s->rest, data.p, data.n);
        if (buf_rc(&s->rest) != RC_OK) {
            stream_end(s, NET_CLOSE_NOMEM, 0);
            return false;
        }
        data = str_bytes(buf_str(&s->rest));
    }
    size_t taken = s->events->on_bytes(s->ctx, data);
    if (s->state != STREAM_OPEN) return false; /* closed inside on_bytes */
    CHECK(taken <= data.n);
    return keep_rest(s, data, taken);
}

/* Decrypts until the loop's buffer is full or nothing is left. More is in *more. */
static size_t decrypt(struct net_stream *s, bool *failed, bool *more)
{
    size_t n = 0, got;
    *failed = false;
    *more = true;
    while (LOOP_PLAIN_BYTES - n >= RECORD_MAX) {
        ERR_clear_error();
        if (SSL_read_ex(s->ssl, s->loop->plain + n, LOOP_PLAIN_BYTES - n, &got) != 1) {
            int error = SSL_get_error(s->ssl, 0);
            *failed = error != SSL_ERROR_WANT_READ && error != SSL_ERROR_ZERO_RETURN;
            *more = false;
            break;
        }
        n += got;
    }
    return n;
}

static void read_tls(struct net_stream *s)
{
    for (bool more = true, failed; more;) {
        size_t n = decrypt(s, &failed, &more);
        unsigned long error = failed ? ERR_peek_error() : 0;
        if (send_encrypted(s) != RC_OK) {
            stream_end(s, NET_CLOSE_RESET, errno);
            return;
        }
        if (n > 0 && !deliver(s, bytes_of(s->loop->plain, n))) return;
        if (failed) {
            if (n > 0 && error) ERR_raise(ERR_LIB_SSL, ERR_GET_REASON(error)); /* deliver lost it */
            stream_end_tls(s);
            return;
        }
    }
    if (SSL_get_shutdown(s->ssl) & SSL_RECEIVED_SHUTDOWN) stream_end(s, NET_CLOSE_PEER, 0);
}

void stream_handshake(struct net_stream *s)
{
    ERR_clear_error();
    int result = SSL_do_handshake(s->ssl);
    bool waits = result != 1 && SSL_get_error(s->ssl, result) == SSL_ERROR_WANT_READ;
    bool done = result == 1 && tls_conn_admit(s->ssl);
    if (send_encrypted(s) != RC_OK && (waits || done)) {
        stream_end(s, NET_CLOSE_RESET, errno);
    } else if (done) {
        tls_session_remember(s->ssl);
        stream_opened(s);
        if (s->state == STREAM_OPEN) read_tls(s); /* what came with the last flight */
    } else if (!waits) {
        stream_end_tls(s);
    }
}

/* A TLS record that carries a handshake message (RFC 8446, 5.1). */
static bool looks_like_tls(struct bytes first)
{
    return first.p[0] == 22 && (first.n < 2 || first.p[1] == 3) && (first.n < 6 || first.p[5] == 1);
}

static void first_bytes(struct net_stream *s, struct bytes data)
{
    if (!looks_like_tls(data)) {
        stream_end_not_tls(s, data);
        return;
    }
    if (s->acceptor && !s->acceptor->on_hello(s)) {
        stream_end(s, NET_CLOSE_SHED, 0);
        return;
    }
    if (stream_start_tls(s) != RC_OK) {
        stream_end(s, NET_CLOSE_NOMEM, 0);
        return;
    }
    s->state = STREAM_HANDSHAKE;
    stream_handshake(s);
}

static void ended_by_peer(struct net_stream *s)
{
    switch ((enum stream_state)s->state) {
    case STREAM_HANDSHAKE:
        ERR_clear_error();
        stream_end_tls(s);
        break;
    case STREAM_FINISHING: stream_release(s); break;
    case STREAM_CONNECTING:
    case STREAM_SILENT:
    case STREAM_OPEN:
    case STREAM_CLOSED: stream_end(s, NET_CLOSE_PEER, 0); break;
    }
}

static void arrived(struct net_stream *s, size_t n)
{
    struct net_loop *loop = s->loop;
    loop->in_owner = s;
    loop->in_at = 0;
    loop->in_n = n;
    s->last_in_ms = net_loop_now_ms(loop);
    switch ((enum stream_state)s->state) {
    case STREAM_SILENT: first_bytes(s, bytes_of(loop->in, n)); break;
    case STREAM_HANDSHAKE:
        if (s->acceptor) s->acceptor->on_progress(s);
        stream_handshake(s);
        break;
    case STREAM_OPEN:
        if (s->ssl)
            read_tls(s);
        else
            deliver(s, bytes_of(loop->in, n));
        break;
    case STREAM_CONNECTING:
    case STREAM_FINISHING: /* nobody reads it */
    case STREAM_CLOSED: break;
    }
    loop->in_owner = NULL;
}

void stream_readable(struct net_stream *s)
{
    ssize_t n = recv(s->fd, s->loop->in, LOOP_IN_BYTES, 0);
    if (n > 0)
        arrived(s, (size_t)n);
    else if (n == 0)
        ended_by_peer(s);
    else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        stream_end(s, NET_CLOSE_RESET, errno);
}
