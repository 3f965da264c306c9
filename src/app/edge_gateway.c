#include "app/edge_gateway.h"

#include "directory/directory.h"
#include "edge/errands.h"
#include "edge/portal.h"
#include "net/pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    THREADS = EDGE_ERRANDS_MAX + EDGE_ERRAND_TAKERS_MAX + 8,
    QUEUE_MAX = 256,
    ANSWER_MS = 15000, /* for a phone outside */
    WORK_MS = 20000,   /* for an inner edge that asks for work */
};

struct app_edge_gateway {
    struct app_edge_gateway_config config;
    struct edge_errands *errands;
    struct net_pool *pool;
    struct http_server *http;
    struct http_site *outside, *tunnel;
    struct app_edge_gateway_counters counters;
};

static void count(_Atomic uint64_t *n)
{
    atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

/* ---- phones ---- */

static void take_request(const struct app_edge_gateway *g, const struct http_request *req,
                         char peer[NET_ADDR_TEXT_MAX], struct edge_errand_request *out)
{
    struct directory *d = g->config.directory;
    *out = (struct edge_errand_request){
        /* the server leaves the body of an answer to HEAD out by itself */
        .method = req->method == HTTP_HEAD ? STR("GET") : str_from(http_method_name(req->method)),
        .target = req->target,
        .peer = net_addr_text(&req->peer.addr, peer),
        .edge_host = g->config.host,
        .sip_port = (unsigned)directory_param_number(d, STORE_P_EDGE_SIP_PORT),
        .https_port = (unsigned)directory_param_number(d, STORE_P_EDGE_HTTPS_PORT),
        .body = req->body};
    for (size_t i = 0; i < req->header_count && out->header_count < EDGE_ERRAND_HEADERS_MAX; i++)
        if (req->headers[i].name.n <= 64 && req->headers[i].value.n <= EDGE_ERRAND_HEADER_MAX)
            out->headers[out->header_count++] = (struct edge_errand_header){req->headers[i].name,
                                                                            req->headers[i].value};
}

static void give_answer(const struct edge_errand_answer *answer, struct http_response *res)
{
    res->status = (int)answer->status;
    buf_put_str(&res->body, answer->body);
    for (size_t i = 0; i < answer->header_count; i++) {
        char name[65];
        if (str_to_cstr(answer->headers[i].name, name, sizeof name) == RC_OK)
            http_set_header(res, name, answer->headers[i].value);
    }
}

static void say_why(struct app_edge_gateway *g, enum rc rc, struct http_response *res)
{
    count(&g->counters.unanswered);
    http_set_header(res, "Retry-After", STR("10"));
    http_reply_text(res, rc == RC_TIMEOUT ? 504 : 503,
                    rc == RC_NOT_FOUND ? "No inner edge is connected. Try again later."
                    : rc == RC_BUSY    ? "Too many requests wait. Try again later."
                                       : "The inside did not answer. Try again later.");
}

static void on_outside(void *ctx, const struct http_request *req, struct http_response *res)
{
    struct app_edge_gateway *g = ctx;
    struct edge_errand_request request;
    struct edge_errand_answer answer;
    struct edge_portal_place place;
    struct str text, back;
    char peer[NET_ADDR_TEXT_MAX];
    count(&g->counters.asked);
    if (edge_portal_read(req->target, req->arena, &place) != RC_OK ||
        place.kind == EDGE_PORTAL_NOWHERE) {
        count(&g->counters.refused); /* nobody inside is asked for that */
        http_reply_text(res, 404, "There is nothing here.");
        return;
    }
    take_request(g, req, peer, &request);
    enum rc rc = edge_errand_print_request(&request, req->arena, &text);
    if (rc == RC_OK) rc = edge_errands_ask(g->errands, text, ANSWER_MS, req->arena, &back);
    if (rc == RC_OK) rc = edge_errand_read_answer(back, req->arena, &answer);
    if (rc != RC_OK) {
        say_why(g, rc, res);
        return;
    }
    count(&g->counters.answered);
    give_answer(&answer, res);
}

/* ---- inner edges ---- */

/* The id in X-Errand, hexadecimal; false: none. */
static bool errand_of(const struct http_request *req, uint64_t *id)
{
    struct str text = http_header_find(req, STR("X-Errand"));
    char copy[20], *end;
    if (text.n == 0 || str_to_cstr(text, copy, sizeof copy) != RC_OK) return false;
    *id = strtoull(copy, &end, 16);
    return *end == '\0';
}

/* Brings the answer to what it had taken (X-Errand), and waits for the next one: 200 with X-Errand, or 204. */
static void on_work(void *ctx, const struct http_request *req, struct http_response *res)
{
    struct app_edge_gateway *g = ctx;
    struct str text;
    uint64_t id;
    char number[20];
    if (errand_of(req, &id) && edge_errands_answer(g->errands, id, req->body) == RC_NOT_FOUND)
        log_debug(g->config.log, "tunnel.too_late", LOG_INT("bytes", (int64_t)req->body.n));
    enum rc rc = edge_errands_take(g->errands, WORK_MS, req->arena, &text, &id);
    if (rc == RC_OK) {
        snprintf(number, sizeof number, "%" PRIx64, id);
        http_set_header(res, "X-Errand", str_from(number));
        http_reply(res, 200, "application/json", text);
    } else if (rc == RC_TIMEOUT) {
        res->status = 204;
    } else {
        http_reply_text(res, 503, "Enough inner edges wait for work.");
    }
}

/* An inner edge has what it took, and begins: 204; or 409, and it leaves it. */
static void on_begin(void *ctx, const struct http_request *req, struct http_response *res)
{
    struct app_edge_gateway *g = ctx;
    uint64_t id;
    if (errand_of(req, &id) && edge_errands_begin(g->errands, id) == RC_OK)
        res->status = 204;
    else
        http_reply_text(res, 409, "Somebody else has it, or nobody waits for it any more.");
}

/* ---- life ---- */

static enum rc add_routes(struct app_edge_gateway *g)
{
    struct http_route outside = {.methods = HTTP_GET | HTTP_POST | HTTP_PUT | HTTP_DELETE |
                                            HTTP_OPTIONS,
                                 .path = "/{rest*}",
                                 .fn = on_outside,
                                 .ctx = g,
                                 .body_max = EDGE_ERRAND_BODY_MAX};
    struct http_route work = {.methods = HTTP_POST,
                              .path = "/work",
                              .fn = on_work,
                              .ctx = g,
                              .body_max = EDGE_ERRAND_TEXT_MAX,
                              .is_polled = true};
    struct http_route begin = {
        .methods = HTTP_POST, .path = "/begin", .fn = on_begin, .ctx = g, .is_polled = true};
    enum rc rc = http_site_add(g->outside, &outside);
    if (rc == RC_OK) rc = http_site_add(g->tunnel, &begin);
    return rc == RC_OK ? http_site_add(g->tunnel, &work) : rc;
}

enum rc app_edge_gateway_new(const struct app_edge_gateway_config *config,
                             struct app_edge_gateway **out)
{
    struct app_edge_gateway *g = calloc(1, sizeof *g);
    if (!g) return RC_NOMEM;
    g->config = *config;
    struct http_limits limits = {
        .connection_max = 4000, .connection_per_source_max = 1000, .in_flight_max = THREADS};
    enum rc rc = edge_errands_new(&config->random, &g->errands);
    if (rc == RC_OK) rc = net_pool_new(THREADS, QUEUE_MAX, &g->pool);
    if (rc == RC_OK) {
        g->http = http_server_new(config->loop, g->pool, config->log, &limits);
        g->outside = http_site_new("outside");
        g->tunnel = http_site_new("tunnel");
        rc = g->http && g->outside && g->tunnel ? add_routes(g) : RC_NOMEM;
    }
    if (rc == RC_OK) {
        *out = g;
    } else {
        app_edge_gateway_stop(g);
        app_edge_gateway_free(g);
    }
    return rc;
}

void app_edge_gateway_stop(struct app_edge_gateway *g)
{
    if (g->errands) edge_errands_close(g->errands);
    g->pool = net_pool_free(g->pool);
    http_server_free(g->http);
    g->http = NULL;
}

struct app_edge_gateway *app_edge_gateway_free(struct app_edge_gateway *g)
{
    if (!g) return NULL;
    http_site_free(g->outside);
    http_site_free(g->tunnel);
    edge_errands_free(g->errands);
    free(g);
    return NULL;
}

void app_edge_gateway_renew(struct app_edge_gateway *g)
{
    edge_errands_renew(g->errands);
}

struct http_server *app_edge_gateway_http(struct app_edge_gateway *g)
{
    return g->http;
}

struct http_site *app_edge_gateway_outside(struct app_edge_gateway *g)
{
    return g->outside;
}

struct http_site *app_edge_gateway_tunnel(struct app_edge_gateway *g)
{
    return g->tunnel;
}

const struct app_edge_gateway_counters *app_edge_gateway_counters(const struct app_edge_gateway *g)
{
    return &g->counters;
}
