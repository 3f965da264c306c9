/* admin/api.h - the operator API under /api/v1: everything the admin CLI and the web pages do goes
 * through it. REST with JSON; one table of routes makes the handlers, the checks and the OpenAPI
 * document at /api/v1/openapi.json.
 *
 * Who may: over the UNIX socket root and the daemon's own user; over HTTPS a user with the role
 * administrator by HTTP Basic (RFC 7617), throttled by the sign-in parameters. Every method asks.
 * Refusals are {"error":"word","message":"what was wrong and what to do","field":"where"}.
 *
 * A call server and an edge share it: what belongs to the other one is answered 404 with a word about
 * where to ask. Handlers run on the pool's threads and may wait. Changes carry who made them into the audit. */
#ifndef ADMIN_API_H
#define ADMIN_API_H
#include "base/clock.h"
#include "base/log.h"
#include "base/rc.h"
#include <stdbool.h>

struct admin;
struct admin_live;
struct directory;
struct http_site;
struct store;

struct admin_settings {
    struct store *store;
    struct directory *directory;
    const struct admin_live *live; /* borrowed; filled before the first request comes */
    struct clock clock;            /* copied */
    struct random_source random;   /* copied */
    const struct log *log;         /* may be NULL */
    bool is_edge;                  /* of bearline-edge; false: of a node */
    unsigned pool_threads;         /* password checks run on at most half of them */
};

/* Everything in settings is borrowed for the life of *out. RC_NOMEM. */
MUST_CHECK enum rc admin_new(const struct admin_settings *settings, struct admin **out);
/* No handler may be running. NULL is fine; gives NULL. */
struct admin *admin_free(struct admin *admin);

/* Adds the routes to a site: over_unix_socket trusts the peer's uid, otherwise Basic is asked for.
 * admin must outlive the site's listeners. As http_site_add. */
MUST_CHECK enum rc admin_add_api_routes(struct admin *admin, struct http_site *site,
                                        bool over_unix_socket);

#endif
