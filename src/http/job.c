#include "http/server_int.h"
#include <stdio.h>
#include <stdlib.h>

struct http_job *http_job_new(struct http_conn *conn)
{
    struct http_server *server = conn->server;
    struct http_job *job = calloc(1, sizeof *job);
    if (!job) return NULL;
    job->server = server;
    job->conn = conn;
    job->site_name = conn->site->name;
    job->head.max = HTTP_HEAD_MAX + 1;
    job->began_ms = net_loop_now_ms(server->loop);
    job->req.peer = conn->peer;
    arena_init(&job->arena, job->first, sizeof job->first, HTTP_JOB_ARENA_MAX);
    http_response_init(&job->res, &job->arena);
    list_push_back(&server->jobs, &job->link);
    return job;
}

static size_t counted_of(size_t n)
{
    return n > HTTP_BODY_FREE ? n - HTTP_BODY_FREE : 0;
}

bool http_job_body_fits(const struct http_job *job, size_t n)
{
    const struct http_server *server = job->server;
    size_t others = server->body_total[job->req.peer.is_unix] - job->body_counted;
    return counted_of(n) == 0 || (others <= server->limits.body_total_max &&
                                  counted_of(n) <= server->limits.body_total_max - others);
}

static void count_body(struct http_job *job, size_t n)
{
    if (job->server)
        job->server->body_total[job->req.peer.is_unix] += counted_of(n) - job->body_counted;
    job->body_counted = counted_of(n);
}

enum rc http_job_body_add(struct http_job *job, struct str data)
{
    if (data.n > job->body.max - job->body.n) return RC_TOO_BIG;
    if (!http_job_body_fits(job, job->body.n + data.n)) return RC_BUSY;
    enum rc rc = http_input_add(&job->body, data);
    count_body(job, job->body.n);
    return rc;
}

struct http_job *http_job_free(struct http_job *job)
{
    if (!job) return NULL;
    list_remove(&job->link);
    count_body(job, 0);
    http_response_fini(&job->res);
    arena_wipe(&job->arena);
    http_input_fini(&job->head);
    http_input_fini(&job->body);
    free(job);
    return NULL;
}

/* On a pool thread: the one place where a handler runs. */
static void work(void *ctx)
{
    struct http_job *job = ctx;
    job->route.fn(job->route.ctx, &job->req, &job->res);
}

static void done(void *ctx)
{
    struct http_job *job = ctx;
    struct http_server *server = job->server;
    job->is_in_flight = false;
    if (server) atomic_fetch_sub(&server->counts.in_flight, 1);
    if (job->conn) {
        http_conn_answer(job->conn);
        return;
    }
    if (server) http_job_log(job);
    http_job_free(job);
}

/* What the handler sees. */
static void make_request(struct http_job *job)
{
    struct http_request *req = &job->req;
    req->method = job->parsed.method;
    req->target = job->parsed.target;
    req->path = job->parsed.path;
    req->query = job->parsed.query;
    req->headers = job->parsed.headers;
    req->header_count = job->parsed.header_count;
    req->body = http_input_str(&job->body);
    req->arena = &job->arena;
}

enum rc http_job_submit(struct http_job *job)
{
    struct http_server *server = job->server;
    if (atomic_load(&server->counts.in_flight) >= server->limits.in_flight_max) return RC_BUSY;
    make_request(job);
    job->is_in_flight = true;
    atomic_fetch_add(&server->counts.in_flight, 1);
    enum rc rc = net_pool_submit(server->pool, work, done, job, server->loop);
    if (rc == RC_OK) return RC_OK;
    job->is_in_flight = false;
    atomic_fetch_sub(&server->counts.in_flight, 1);
    return rc;
}

static struct str peer_text(const struct http_peer *peer, char *text, size_t cap)
{
    if (!peer->is_unix) return net_addr_text(&peer->addr, text);
    snprintf(text, cap, "unix:%lu", (unsigned long)peer->uid);
    return str_from(text);
}

void http_job_log(const struct http_job *job)
{
    const struct http_server *server = job->server;
    char peer[NET_ADDR_TEXT_MAX], shown[512];
    struct buf target;
    buf_init_fixed(&target, shown, sizeof shown);
    http_print_loggable(&target, job->parsed.target);
    const char *method = job->parsed.method ? http_method_name(job->parsed.method) : "-";
    bool is_quiet = job->route.is_polled && job->res.status < 400;
    LOG_WRITE(server->log, is_quiet ? LOG_DEBUG : LOG_INFO, "http.request",
              LOG_CSTR("site", job->site_name), LOG_CSTR("method", method),
              LOG_STR("target", str_of(shown, target.n)), LOG_INT("status", job->res.status),
              LOG_INT("bytes", job->res.body.n),
              LOG_INT("ms", net_loop_now_ms(server->loop) - job->began_ms),
              LOG_STR("peer", peer_text(&job->req.peer, peer, sizeof peer)),
              LOG_CSTR("sent", job->conn ? "yes" : "no"));
}
