/* A connection reads one request, has it answered, then reads the next; the states stand at
 * enum conn_state. Everything that arrives is taken from the stream at once and waits here. */
#include "base/check.h"
#include "http/server_int.h"
#include <stdlib.h>

static void step(struct http_conn *conn);

static void count(atomic_uint_least64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

struct net_stream_config http_conn_stream_config(void)
{
    /* Times are ours to keep. One answer may wait as a whole. */
    return (struct net_stream_config){
        .message_max = HTTP_PIPELINE_MAX,
        .queue_max = HTTP_RESPONSE_BODY_MAX + (1 << 20),
    };
}

struct http_conn *http_conn_new(struct http_listener *listener, const struct http_peer *peer)
{
    struct http_server *server = listener->server;
    struct http_conn *conn = calloc(1, sizeof *conn);
    if (!conn) return NULL;
    conn->server = server;
    conn->listener = listener;
    conn->site = http_site_ref(listener->site);
    conn->peer = *peer;
    conn->in.max = HTTP_PIPELINE_MAX;
    list_push_back(&server->conns, &conn->link);
    count(&server->counts.accepted);
    atomic_fetch_add(&server->counts.connections, 1);
    if (peer->is_unix) server->unix_count++;
    return conn;
}

static void free_gone(void *ctx)
{
    free(ctx);
}

/* Lets go of everything but the stream; the memory goes at the end of the turn. A job whose handler
 * runs ends on its own. */
static void conn_free(struct http_conn *conn)
{
    struct http_server *server = conn->server;
    net_timer_stop(server->loop, &conn->deadline);
    if (conn->job && conn->job->is_in_flight)
        conn->job->conn = NULL;
    else
        http_job_free(conn->job);
    conn->job = NULL;
    conn->state = CONN_GONE;
    list_remove(&conn->link);
    if (conn->peer.is_unix) server->unix_count--;
    atomic_fetch_sub(&server->counts.connections, 1);
    http_input_fini(&conn->in);
    http_site_free(conn->site);
    net_loop_defer(server->loop, &conn->gone, free_gone, conn);
}

void http_conn_end(struct http_conn *conn)
{
    conn->stream = net_stream_close(conn->stream);
    conn_free(conn);
}

/* The last answer is out: the peer may still be sending, and must not lose it to a reset. */
static void finish(struct http_conn *conn)
{
    conn->stream = net_stream_finish(conn->stream);
    conn_free(conn);
}

static void refuse(struct http_conn *conn, int status, const char *sentence);

static void on_deadline(void *ctx)
{
    struct http_conn *conn = ctx;
    bool is_idle = conn->state == CONN_HEAD && conn->in.n == 0;
    if (!is_idle) count(&conn->server->counts.timed_out);
    if (is_idle || conn->state == CONN_WRITING)
        http_conn_end(conn);
    else
        refuse(conn, 408, "The request did not arrive in time.");
}

static void set_deadline(struct http_conn *conn, unsigned ms)
{
    net_timer_start(conn->server->loop, &conn->deadline, ms, on_deadline, conn);
}

void http_conn_start(struct http_conn *conn, struct net_stream *stream)
{
    conn->stream = stream;
    set_deadline(conn, conn->server->limits.head_ms);
}

/* --- answering ---------------------------------------------------------------------------------
 */

static bool may_have_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* What a handler could not finish is told to nobody but as a failure. */
static void check_response(struct http_response *res)
{
    if (res->rc == RC_OK && buf_rc(&res->body) == RC_OK && res->status >= 200 && res->status <= 599)
        return;
    res->header_count = 0;
    res->rc = RC_OK;
    http_reply_text(res, 500, "The server could not make its answer.");
}

static bool send_answer(struct http_conn *conn)
{
    struct http_job *job = conn->job;
    struct http_response *res = &job->res;
    struct http_print how = {
        .now_unix_s = clock_unix_s(&conn->server->clock),
        .is_tls = conn->peer.is_tls,
        .closes = conn->closes,
        .has_body = may_have_body(res->status),
        .csp = job->route.csp,
    };
    struct buf head;
    buf_init(&head, 1 << 20);
    http_response_print_head(&head, res, &how);
    bool is_sent = buf_rc(&head) == RC_OK &&
                   net_stream_write(conn->stream, str_bytes(buf_str(&head))) == RC_OK;
    if (is_sent && how.has_body && res->body.n > 0 && job->parsed.method != HTTP_HEAD)
        is_sent = net_stream_write(conn->stream, str_bytes(buf_str(&res->body))) == RC_OK;
    if (head.p) explicit_bzero(head.p, head.n);
    buf_fini(&head);
    return is_sent;
}

void http_conn_answer(struct http_conn *conn)
{
    struct http_server *server = conn->server;
    struct http_job *job = conn->job;
    check_response(&job->res);
    conn->request_count++;
    if (job->parsed.wants_close || !conn->listener ||
        conn->request_count >= server->limits.requests_per_connection_max)
        conn->closes = true;
    bool is_sent = send_answer(conn);
    http_job_log(job);
    conn->job = http_job_free(job);
    if (!is_sent) {
        http_conn_end(conn);
        return;
    }
    conn->state = CONN_WRITING;
    set_deadline(conn, server->limits.write_ms);
}

static void on_drain(void *ctx)
{
    struct http_conn *conn = ctx;
    if (conn->state != CONN_WRITING) return; /* a "100 Continue" went out */
    if (conn->closes) {
        finish(conn);
        return;
    }
    conn->state = CONN_HEAD;
    conn->scan = (struct http_head_scan){0};
    set_deadline(conn,
                 conn->in.n > 0 ? conn->server->limits.head_ms : conn->server->limits.idle_ms);
    step(conn);
}

/* The server's own answer; what the client sends on is not understood any more. */
static void refuse(struct http_conn *conn, int status, const char *sentence)
{
    if (!conn->job) conn->job = http_job_new(conn);
    if (!conn->job) {
        http_conn_end(conn);
        return;
    }
    conn->closes = true;
    http_input_fini(&conn->in);
    http_reply_text(&conn->job->res, status, sentence);
    http_conn_answer(conn);
}

/* --- reading ------------------------------------------------------------------------------------
 */

static void run(struct http_conn *conn)
{
    net_timer_stop(conn->server->loop, &conn->deadline);
    conn->state = CONN_RUNNING;
    count(&conn->server->counts.requests);
    if (http_job_submit(conn->job) == RC_OK) return;
    count(&conn->server->counts.refused_busy);
    http_set_header(&conn->job->res, "Retry-After", STR("1"));
    http_reply_text(&conn->job->res, 503, "The server is busy. Try again in a second.");
    http_conn_answer(conn);
}

static void refuse_body(struct http_conn *conn)
{
    count(&conn->server->counts.refused_bodies);
    http_set_header(&conn->job->res, "Retry-After", STR("1"));
    refuse(conn, 503, "The server has no room for this body. Try again in a second.");
}

static bool has_body(const struct http_head *head)
{
    return head->is_chunked || head->body_len > 0;
}

/* An answer that does not wait for the body; where there is one, the connection cannot go on. */
static void answer_early(struct http_conn *conn, int status, const char *sentence)
{
    if (has_body(&conn->job->parsed)) conn->closes = true;
    count(&conn->server->counts.requests);
    http_reply_text(&conn->job->res, status, sentence);
    http_conn_answer(conn);
}

static void answer_other_methods(struct http_conn *conn, unsigned allowed)
{
    char text[64];
    struct buf list;
    buf_init_fixed(&list, text, sizeof text);
    http_print_methods(&list, allowed);
    http_set_header(&conn->job->res, "Allow", buf_str(&list));
    answer_early(conn, 405, "This address knows other methods only.");
}

static void start_body(struct http_conn *conn)
{
    struct http_job *job = conn->job;
    size_t max = job->route.body_max ? job->route.body_max : HTTP_BODY_DEFAULT_MAX;
    job->body.max = max;
    if (job->parsed.body_len > max) {
        count(&conn->server->counts.too_big);
        refuse(conn, 413, "The body is too long.");
        return;
    }
    if (!has_body(&job->parsed)) {
        run(conn);
        return;
    }
    if (!http_job_body_fits(job, (size_t)job->parsed.body_len)) {
        refuse_body(conn);
        return;
    }
    if (job->parsed.expects_continue && conn->in.n == 0 &&
        net_stream_write(conn->stream, str_bytes(STR("HTTP/1.1 100 Continue\r\n\r\n"))) != RC_OK) {
        http_conn_end(conn);
        return;
    }
    conn->state = CONN_BODY;
    set_deadline(conn, conn->server->limits.body_ms);
}

/* A whole head lies at the front of in. */
static void take_head(struct http_conn *conn, size_t head_len)
{
    struct http_job *job = conn->job = http_job_new(conn);
    if (!job || http_input_add(&job->head, str_of(conn->in.p, head_len)) != RC_OK) {
        refuse(conn, 503, "Out of memory.");
        return;
    }
    http_input_drop(&conn->in, head_len);
    int status = 400;
    const char *why = "";
    if (http_head_parse(http_input_str(&job->head), &job->arena, &job->parsed, &status, &why) !=
        RC_OK) {
        count(&conn->server->counts.malformed);
        refuse(conn, status, why);
        return;
    }
    const struct http_route *route;
    unsigned allowed;
    enum rc rc = http_site_find(conn->site, job->parsed.method, job->parsed.raw_path, &job->arena,
                                job->req.params, &route, &allowed);
    if (rc == RC_OK) {
        job->route = *route;
        start_body(conn);
    } else if (rc == RC_UNSUPPORTED) {
        answer_other_methods(conn, allowed);
    } else if (rc == RC_NOT_FOUND) {
        answer_early(conn, 404, "There is nothing at this address.");
    } else {
        refuse(conn, 503, "Out of memory.");
    }
}

static void read_head(struct http_conn *conn)
{
    size_t head_len;
    enum rc rc = http_head_find(http_input_str(&conn->in), &conn->scan, &head_len);
    if (rc == RC_OK) {
        take_head(conn, head_len);
    } else if (rc == RC_TOO_BIG) {
        count(&conn->server->counts.too_big);
        refuse(conn, 431, "The request head is too long.");
    } else if (rc != RC_MORE) {
        count(&conn->server->counts.malformed);
        refuse(conn, 400, "The request is malformed: lines end in CR LF.");
    }
}

/* RC_OK: whole; RC_MORE: more bytes are needed. What was read is dropped once, at the end: a body of
 * one-byte chunks must not move the rest for each of them. */
static enum rc feed_chunks(struct http_conn *conn)
{
    struct http_job *job = conn->job;
    struct str in = http_input_str(&conn->in), data;
    enum rc rc, added;
    size_t at = 0, used;
    do {
        rc = http_chunks_step(&job->chunks, str_sub(in, at, in.n), &used, &data);
        added = http_job_body_add(job, data);
        at += used;
    } while (rc == RC_MORE && added == RC_OK && used > 0);
    http_input_drop(&conn->in, at);
    return added == RC_OK ? rc : added;
}

static enum rc feed_length(struct http_conn *conn)
{
    struct http_job *job = conn->job;
    struct str have = str_sub(http_input_str(&conn->in), 0,
                              (size_t)(job->parsed.body_len - job->body.n));
    enum rc rc = http_job_body_add(job, have);
    if (rc != RC_OK) return rc;
    http_input_drop(&conn->in, have.n);
    return job->body.n == job->parsed.body_len ? RC_OK : RC_MORE;
}

static void read_body(struct http_conn *conn)
{
    enum rc rc = conn->job->parsed.is_chunked ? feed_chunks(conn) : feed_length(conn);
    if (rc == RC_OK) {
        run(conn);
    } else if (rc == RC_TOO_BIG) {
        count(&conn->server->counts.too_big);
        refuse(conn, 413, "The body is too long.");
    } else if (rc == RC_BUSY) {
        refuse_body(conn);
    } else if (rc == RC_NOMEM) {
        refuse(conn, 503, "Out of memory.");
    } else if (rc != RC_MORE) {
        count(&conn->server->counts.malformed);
        refuse(conn, 400, "The chunked body is malformed.");
    }
}

/* Goes as far as what arrived reaches; at most one request, for an answer ends in WRITING. */
static void step(struct http_conn *conn)
{
    if (conn->state == CONN_HEAD && conn->in.n > 0) read_head(conn);
    if (conn->state == CONN_BODY && conn->in.n > 0) read_body(conn);
}

static size_t on_bytes(void *ctx, struct bytes data)
{
    struct http_conn *conn = ctx;
    if (conn->closes && conn->state >= CONN_RUNNING) return data.n; /* never looked at */
    bool was_idle = conn->state == CONN_HEAD && conn->in.n == 0;
    if (http_input_add(&conn->in, bytes_str(data)) != RC_OK) {
        http_conn_end(conn);
        return data.n;
    }
    if (was_idle) set_deadline(conn, conn->server->limits.head_ms);
    step(conn);
    return data.n;
}

static void on_close(void *ctx, const struct net_close *why)
{
    (void)why;
    struct http_conn *conn = ctx;
    conn->stream = NULL;
    conn_free(conn);
}

const struct net_stream_events http_conn_events = {
    .on_bytes = on_bytes, .on_close = on_close, .on_drain = on_drain};

void http_conn_retire(struct http_conn *conn)
{
    conn->listener = NULL;
    if (conn->state == CONN_HEAD && conn->in.n == 0) http_conn_end(conn);
}
