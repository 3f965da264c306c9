#include "admin/api_int.h"
#include "admin/edgetold.h"
#include "admin/wipe.h"
#include "crypto/secret.h"
#include <stdio.h>
#include <stdlib.h>

enum { SITES = 2 };

/* A body that must be a JSON object; an empty one counts as {}. */
static bool read_json(struct admin_call *c)
{
    json_error_t e;
    if (c->req->body.n > 0 && !http_is_type(c->req, STR("application/json"))) {
        api_fail(c, 415, "unsupported", NULL,
                 "the body has another type: send it as application/json");
        return false;
    }
    c->body = c->req->body.n == 0
                  ? json_object()
                  : json_loadb(c->req->body.p, c->req->body.n, JSON_REJECT_DUPLICATES, &e);
    if (json_is_object(c->body)) return true;
    if (c->body)
        api_fail(c, 400, "malformed", NULL, "the body is no JSON object: send one");
    else
        api_fail(c, 400, "malformed", NULL, "the body is no JSON, line %d: %s", e.line, e.text);
    return false;
}

bool api_is_here(const struct admin *a, const struct api_route *r)
{
    return r->place == API_ON_BOTH || (r->place == API_ON_EDGE) == a->is_edge;
}

static void run(struct admin_call *c)
{
    if (!api_is_here(c->admin, c->route)) {
        api_fail(c, 404, "not-here", NULL,
                 c->admin->is_edge ? "this is an edge: ask a call server, without --edge"
                                   : "this is a call server: ask an edge, with --edge");
        return;
    }
    if (form_parse(c->req->query, c->arena, &c->query) != RC_OK) {
        api_fail(c, 400, "malformed", NULL,
                 "the query cannot be read: write name=value parted by &");
        return;
    }
    if (c->route->body != API_JSON || read_json(c)) c->route->fn(c);
}

static void on_request(void *ctx, const struct http_request *req, struct http_response *res)
{
    const struct api_seat *seat = ctx;
    struct admin_call *c = arena_zalloc(req->arena, sizeof *c);
    if (!c) {
        res->rc = RC_NOMEM;
        return;
    }
    *c = (struct admin_call){
        .admin = seat->admin, .route = seat->route, .req = req, .res = res, .arena = req->arena};
    if (admin_gate_let_in(c, seat->over_unix)) run(c);
    admin_json_wipe(c->body);
}

enum rc admin_new(const struct admin_settings *settings, struct admin **out)
{
    struct admin *a = calloc(1, sizeof *a);
    if (!a) return RC_NOMEM;
    *a = (struct admin){
        .store = settings->store,
        .directory = settings->directory,
        .live = settings->live,
        .clock = settings->clock,
        .random = settings->random,
        .is_edge = settings->is_edge,
        .log = settings->log,
        .told = calloc(1, sizeof *a->told),
        .gate = admin_gate_new(&settings->random, settings->pool_threads),
        .seats = calloc(api_route_count * SITES, sizeof *a->seats),
    };
    random_fill(&a->random, a->pass_key, sizeof a->pass_key);
    pthread_mutex_init(&a->ports, NULL);
    pthread_mutex_init(&a->told_lock, NULL);
    if (!a->told || !a->gate || !a->seats) {
        admin_free(a);
        return RC_NOMEM;
    }
    *out = a;
    return RC_OK;
}

struct admin *admin_free(struct admin *a)
{
    if (!a) return NULL;
    pthread_mutex_destroy(&a->ports);
    pthread_mutex_destroy(&a->told_lock);
    free(a->told);
    admin_gate_free(a->gate);
    free(a->seats);
    crypto_wipe(a->pass_key, sizeof a->pass_key);
    free(a);
    return NULL;
}

enum rc admin_add_api_routes(struct admin *admin, struct http_site *site, bool over_unix_socket)
{
    struct api_seat *seats = admin->seats + (over_unix_socket ? api_route_count : 0);
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < api_route_count; i++) {
        const struct api_route *r = &api_routes[i];
        seats[i] = (struct api_seat){admin, r, over_unix_socket};
        struct http_route route = {
            .methods = r->method,
            .path = r->path,
            .fn = on_request,
            .ctx = &seats[i],
            .body_max = r->body == API_CSV && over_unix_socket ? ADMIN_IMPORT_MAX : ADMIN_BODY_MAX,
        };
        rc = http_site_add(site, &route);
    }
    return rc;
}
