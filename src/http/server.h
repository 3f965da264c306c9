/* http/server.h - HTTP/1.1 server: listeners on TCP, TLS or a UNIX socket, routes, limits. Bytes
 * move on the loop's thread; every handler runs on the pool as an ordinary synchronous function
 * from request to response. All functions here are called on the loop's thread.
 *
 * A site is a set of routes; listeners share or have their own. What a server sends unasked, unless
 * the handler set the field itself: Date, Content-Length, Cache-Control: no-store,
 * X-Content-Type-Options: nosniff, Referrer-Policy: no-referrer, X-Frame-Options: DENY,
 * Content-Security-Policy (the route's), Strict-Transport-Security over TLS. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H
#include "base/log.h"
#include "http/message.h"

struct net_holder;
struct net_loop;
struct net_pool;
struct net_tls;
struct http_site;
struct http_server;
struct http_listener;

/* Runs on a pool thread, several at once. */
typedef void http_handler_fn(void *ctx, const struct http_request *req, struct http_response *res);

struct http_route {
    unsigned methods; /* enum http_method bits; HTTP_GET answers HEAD too, without the body */
    const char *path; /* "/api/v1/users/{name}": {…} stands for one whole, non-empty segment;
                         a last segment "{…*}" for all the rest. Constant text. */
    http_handler_fn *fn;
    void *ctx;
    size_t body_max; /* 0: HTTP_BODY_DEFAULT_MAX */
    bool is_polled;  /* asked again and again: answers below 400 are logged at debug */
    const char
        *csp; /* Content-Security-Policy; NULL: "default-src 'none'; frame-ancestors 'none'" */
};

/* name marks the site's access log lines; constant text. */
struct http_site *http_site_new(const char *name);
/* Only while no listener uses the site. The first matching route in order of adding is taken.
 * RC_EXISTS (same path and a method in common), RC_INVALID (pattern), RC_NOMEM. */
MUST_CHECK enum rc http_site_add(struct http_site *site, const struct http_route *route);
/* After the last listener on it is closed. */
struct http_site *http_site_free(struct http_site *site);

/* Zero in a field means the default printed beside it. */
struct http_limits {
    unsigned connection_max;              /* in all, 1000 */
    unsigned connection_per_source_max;   /* from one address (an IPv6 /64), 100 */
    unsigned in_flight_max;               /* requests handed to the pool at once, 256 */
    unsigned requests_per_connection_max; /* then the connection closes, 1000 */
    unsigned head_ms;  /* from the connection's first byte on, or the last answer, to a whole head:
                          10000 */
    unsigned body_ms;  /* for a whole body, 30000 */
    unsigned idle_ms;  /* keep-alive without a request, 15000 */
    unsigned write_ms; /* for the peer to take a whole response, 60000 */
    /* Bytes of bodies that lie here at once, from their arrival to their answer, 64 MiB; the first
       HTTP_BODY_FREE of each do not count, so that the many small requests go on when it is used up
       (connection_max bounds those). Those that came by UNIX sockets have as much for themselves:
       the public cannot keep the operator out. Beyond it: 503 with Retry-After. */
    size_t body_total_max;
};

struct http_server *http_server_new(struct net_loop *loop, struct net_pool *pool,
                                    const struct log *log, const struct http_limits *limits);
/* Closes listeners and connections; answers still being made are dropped. Handlers may still run:
 * stop the pool (net/pool.h) before what they use goes. NULL. */
struct http_server *http_server_free(struct http_server *server);

struct http_server_stats {
    uint64_t accepted, refused_full, refused_source; /* connections */
    uint64_t requests, malformed, too_big, timed_out, refused_busy;
    uint64_t refused_bodies;         /* no room for them in body_total_max */
    unsigned connections, in_flight; /* now */
};
/* From any thread. */
void http_server_stats(const struct http_server *server, struct http_server_stats *out);

/* addr with port 0 picks a free one. tls: the listener takes a reference; NULL is plain HTTP.
 *   RC_EXISTS    the port is in use: *holder (may be NULL) says by whom
 *   RC_DENIED    not allowed (a port below 1024)
 *   RC_NOT_FOUND the address is not this machine's;  RC_BUSY, RC_IO, RC_NOMEM */
MUST_CHECK enum rc http_listen(struct http_server *server, struct http_site *site,
                               const struct net_addr *addr, struct net_tls *tls,
                               struct http_listener **out, struct net_holder *holder);
/* A UNIX socket with mode 0600 or 0660. A socket file left by a dead server is replaced; one that
 * somebody listens on is not (RC_EXISTS), nor anything that is no socket (RC_CONFLICT). The file is
 * removed on close. */
MUST_CHECK enum rc http_listen_unix(struct http_server *server, struct http_site *site,
                                    const char *path, unsigned mode, struct http_listener **out);
/* The address bound, with its real port. */
struct net_addr http_listener_addr(const struct http_listener *listener);
/* New connections use tls from now on; live ones keep theirs. Not for plain listeners. */
void http_listener_set_tls(struct http_listener *listener, struct net_tls *tls);
/* Stops accepting; idle connections close, those with a request finish it first. NULL. */
struct http_listener *http_listener_close(struct http_listener *listener);

#endif
