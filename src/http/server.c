#include "base/check.h"
#include "http/server_int.h"
#include <stdlib.h>
#include <unistd.h>

enum { HANDSHAKE_MAX = 256, ACCEPT_HEAD_MS = 10000 };

static unsigned or_default(unsigned given, unsigned otherwise)
{
    return given ? given : otherwise;
}

static struct http_limits effective(const struct http_limits *given)
{
    struct http_limits l = given ? *given : (struct http_limits){0};
    return (struct http_limits){
        .connection_max = or_default(l.connection_max, 1000),
        .connection_per_source_max = or_default(l.connection_per_source_max, 100),
        .in_flight_max = or_default(l.in_flight_max, 256),
        .requests_per_connection_max = or_default(l.requests_per_connection_max, 1000),
        .head_ms = or_default(l.head_ms, ACCEPT_HEAD_MS),
        .body_ms = or_default(l.body_ms, 30000),
        .idle_ms = or_default(l.idle_ms, 15000),
        .write_ms = or_default(l.write_ms, 60000),
        .body_total_max = l.body_total_max ? l.body_total_max : HTTP_BODY_TOTAL_MAX,
    };
}

struct http_server *http_server_new(struct net_loop *loop, struct net_pool *pool,
                                    const struct log *log, const struct http_limits *limits)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (!server) return NULL;
    server->loop = loop;
    server->pool = pool;
    server->log = log;
    server->clock = net_loop_clock(loop);
    server->limits = effective(limits);
    list_init(&server->listeners);
    list_init(&server->conns);
    list_init(&server->jobs);
    const struct net_limits_config config = {
        .connections_max = server->limits.connection_max,
        .source_max = server->limits.connection_per_source_max,
        .handshakes_max = HANDSHAKE_MAX,
        .handshake_ms = server->limits.head_ms,
    };
    if (net_limits_new(&config, &server->net_limits) == RC_OK) return server;
    free(server);
    return NULL;
}

struct http_server *http_server_free(struct http_server *server)
{
    if (!server) return NULL;
    LIST_FOR_EACH(it, &server->listeners)
    http_listener_close(LIST_OF(it, struct http_listener, link));
    LIST_FOR_EACH(it, &server->conns)
    http_conn_end(LIST_OF(it, struct http_conn, link));
    LIST_FOR_EACH(it, &server->jobs)
    {
        list_remove(it);
        LIST_OF(it, struct http_job, link)->server = NULL;
    }
    net_limits_unref(server->net_limits);
    free(server);
    return NULL;
}

void http_server_stats(const struct http_server *server, struct http_server_stats *out)
{
    const struct server_counts *c = &server->counts;
    *out = (struct http_server_stats){
        .accepted = atomic_load(&c->accepted),
        .refused_full = net_limits_refused(server->net_limits, NET_REFUSAL_TOTAL),
        .refused_source = net_limits_refused(server->net_limits, NET_REFUSAL_SOURCE),
        .requests = atomic_load(&c->requests),
        .malformed = atomic_load(&c->malformed),
        .too_big = atomic_load(&c->too_big),
        .timed_out = atomic_load(&c->timed_out),
        .refused_busy = atomic_load(&c->refused_busy),
        .refused_bodies = atomic_load(&c->refused_bodies),
        .connections = atomic_load(&c->connections),
        .in_flight = atomic_load(&c->in_flight),
    };
}

/* --- listeners ----------------------------------------------------------------------------------
 */

static struct http_listener *listener_new(struct http_server *server, struct http_site *site)
{
    struct http_listener *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    l->server = server;
    l->site = http_site_ref(site);
    site->is_used = true;
    list_push_back(&server->listeners, &l->link);
    return l;
}

static void listener_free(void *ctx)
{
    struct http_listener *l = ctx;
    http_site_free(l->site);
    free(l);
}

static void on_accept(void *ctx, struct net_stream *stream)
{
    struct http_listener *l = ctx;
    if (!l->server) { /* closed in this very turn */
        net_stream_close(stream);
        return;
    }
    struct http_peer peer = {.addr = net_stream_peer_addr(stream),
                             .is_tls = net_stream_is_tls(stream)};
    struct http_conn *conn = http_conn_new(l, &peer);
    if (!conn) {
        net_stream_close(stream);
        return;
    }
    net_stream_handle(stream, &http_conn_events, conn);
    http_conn_start(conn, stream);
}

enum rc http_listen(struct http_server *server, struct http_site *site, const struct net_addr *addr,
                    struct net_tls *tls, struct http_listener **out, struct net_holder *holder)
{
    static const struct net_listener_events events = {.on_accept = on_accept};
    struct http_listener *l = listener_new(server, site);
    if (!l) return RC_NOMEM;
    const struct net_listener_config config = {.addr = *addr,
                                               .tls = tls,
                                               .limits = server->net_limits,
                                               .stream = http_conn_stream_config()};
    enum rc rc = net_listener_open(&config, &l->net, holder);
    if (rc == RC_OK) {
        rc = net_listener_join(l->net, server->loop, &events, l);
        if (rc == RC_OK) {
            *out = l;
            return RC_OK;
        }
        l->net = net_listener_close(l->net, true, NULL, NULL);
    }
    list_remove(&l->link);
    listener_free(l);
    return rc;
}

static void on_unix_accept(void *ctx, int fd, const struct http_peer *peer)
{
    struct http_listener *l = ctx;
    const struct net_stream_config config = http_conn_stream_config();
    struct http_conn *conn = l->server->unix_count < HTTP_UNIX_CONNECTION_MAX
                                 ? http_conn_new(l, peer)
                                 : NULL;
    struct net_stream *stream;
    if (conn && net_stream_adopt(l->server->loop, fd, NULL, 0, &config, &http_conn_events, conn,
                                 &stream) == RC_OK) {
        http_conn_start(conn, stream);
        return;
    }
    if (conn) http_conn_end(conn);
    close(fd);
}

enum rc http_listen_unix(struct http_server *server, struct http_site *site, const char *path,
                         unsigned mode, struct http_listener **out)
{
    struct http_listener *l = listener_new(server, site);
    if (!l) return RC_NOMEM;
    enum rc rc = http_unix_open(server->loop, path, mode, on_unix_accept, l, &l->unix_socket);
    if (rc == RC_OK) {
        *out = l;
        return RC_OK;
    }
    list_remove(&l->link);
    listener_free(l);
    return rc;
}

struct net_addr http_listener_addr(const struct http_listener *l)
{
    return l->net ? net_listener_addr(l->net) : (struct net_addr){0};
}

void http_listener_set_tls(struct http_listener *l, struct net_tls *tls)
{
    CHECK(l->net);
    net_listener_set_tls(l->net, tls);
}

struct http_listener *http_listener_close(struct http_listener *l)
{
    if (!l) return NULL;
    LIST_FOR_EACH(it, &l->server->conns)
    {
        struct http_conn *conn = LIST_OF(it, struct http_conn, link);
        if (conn->listener == l) http_conn_retire(conn);
    }
    list_remove(&l->link);
    l->server = NULL;
    if (l->net) {
        l->net = net_listener_close(l->net, true, listener_free, l);
    } else {
        l->unix_socket = http_unix_close(l->unix_socket);
        listener_free(l);
    }
    return NULL;
}
