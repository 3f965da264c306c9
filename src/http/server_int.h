/* http/server_int.h - the parts of a server: listeners (server.c, unix.c), connections (conn.c) and
 * the requests they carry (job.c). All of it belongs to the loop's thread but a job's request and
 * response while its handler runs. */
#ifndef HTTP_SERVER_INT_H
#define HTTP_SERVER_INT_H
#include "base/list.h"
#include "http/head_int.h"
#include "http/input_int.h"
#include "http/message_int.h"
#include "http/route_int.h"
#include "http/server.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/pool.h"
#include <stdatomic.h>

enum {
    HTTP_PIPELINE_MAX = 256 * 1024, /* bytes that may wait behind the request being answered */
    HTTP_UNIX_CONNECTION_MAX = 64,
    HTTP_JOB_FIRST = 8192,         /* arena bytes inside each job */
    HTTP_JOB_ARENA_MAX = 64 << 20, /* more for a handler's own use */
    HTTP_BODY_TOTAL_MAX = 64 << 20,
};

struct server_counts {
    atomic_uint_least64_t accepted, requests, malformed, too_big, timed_out, refused_busy,
        refused_bodies;
    atomic_uint connections, in_flight;
};

struct http_server {
    struct net_loop *loop;
    struct net_pool *pool;
    const struct log *log;
    struct clock clock;
    struct http_limits limits;
    struct net_limits *net_limits;
    struct list listeners, conns, jobs;
    unsigned unix_count;
    size_t body_total[2]; /* counted bytes of bodies: from the network, by UNIX sockets */
    struct server_counts counts;
};

struct http_listener {
    struct list link;
    struct http_server *server;
    struct http_site *site;
    struct net_listener *net;      /* TCP or TLS */
    struct http_unix *unix_socket; /* or this */
};

/* One request from its head to its answer. */
struct http_job {
    struct list link;
    struct http_server *server; /* NULL: gone meanwhile */
    struct http_conn *conn;     /* NULL: gone meanwhile */
    const char *site_name;
    struct http_input head, body;
    size_t body_counted; /* bytes of it in the server's body_total */
    struct http_head parsed;
    struct http_chunks chunks;
    struct http_route route; /* fn NULL: answered by the server itself */
    struct http_request req;
    struct http_response res;
    struct arena arena;
    uint64_t began_ms;
    bool is_in_flight;
    _Alignas(max_align_t) char first[HTTP_JOB_FIRST];
};

/*  HEAD --head whole--> BODY --body whole--> RUNNING --answer--> WRITING --drained--> HEAD
 *    \------------- the server itself answers -------------------/            \--> finished */
enum conn_state { CONN_HEAD, CONN_BODY, CONN_RUNNING, CONN_WRITING, CONN_GONE };

struct http_conn {
    struct list link;
    struct http_server *server;
    struct http_site *site;
    struct http_listener *listener; /* NULL: closed meanwhile */
    struct net_stream *stream;
    struct http_peer peer;
    enum conn_state state;
    struct http_input in;
    struct http_head_scan scan;
    struct http_job *job; /* being read or answered */
    unsigned request_count;
    bool closes; /* after the present answer */
    struct wheel_timer deadline;
    struct net_deferred gone;
};

/* conn.c */
extern const struct net_stream_events http_conn_events;
/* Takes the stream over; closes it when out of memory. */
struct http_conn *http_conn_new(struct http_listener *listener, const struct http_peer *peer);
void http_conn_start(struct http_conn *conn, struct net_stream *stream);
/* At once; its handler's answer will be dropped. */
void http_conn_end(struct http_conn *conn);
/* Its listener is gone: an idle one ends, others after their answer. */
void http_conn_retire(struct http_conn *conn);
/* The job's response is ready. */
void http_conn_answer(struct http_conn *conn);
struct net_stream_config http_conn_stream_config(void);

/* job.c */
struct http_job *http_job_new(struct http_conn *conn);
struct http_job *http_job_free(struct http_job *job);
/* Is there room for a body of that length now? */
bool http_job_body_fits(const struct http_job *job, size_t n);
/* Adds to the body. RC_TOO_BIG: longer than its route allows; RC_BUSY: no room in body_total_max;
 * RC_NOMEM. */
MUST_CHECK enum rc http_job_body_add(struct http_job *job, struct str data);
/* Hands the whole request to the pool; RC_BUSY, RC_NOMEM, RC_CLOSED. */
MUST_CHECK enum rc http_job_submit(struct http_job *job);
/* One access log line. */
void http_job_log(const struct http_job *job);

/* unix.c */
struct http_unix;
typedef void http_unix_accept_fn(void *ctx, int fd, const struct http_peer *peer);
MUST_CHECK enum rc http_unix_open(struct net_loop *loop, const char *path, unsigned mode,
                                  http_unix_accept_fn *fn, void *ctx, struct http_unix **out);
struct http_unix *http_unix_close(struct http_unix *u);

#endif
