/* edge/axl.h - an edge's side of AXL: one operation asked of a call server and its answer read (SOAP
 * 1.1; the object ExpresswayCConfiguration by the public schema, version 12.5 on). Waits for the
 * network: on a pool thread. Nothing is kept; safe from any thread. */
#ifndef EDGE_AXL_H
#define EDGE_AXL_H
#include "edge/problem.h"
#include "http/client.h"
#include "xml/reader.h"

/* What carries a request; http_fetch in the program. */
typedef void edge_fetch_fn(void *ctx, const struct http_call *call, struct arena *arena,
                           struct http_answer *answer);

/* A call server and who asks it. Borrowed by every call. */
struct edge_site {
    struct str address; /* name or IP address of the publisher */
    uint16_t port;      /* of its HTTPS */
    struct str username, password;
    bool tls_verify;      /* its certificate must bear address and chain to trust_pem */
    struct str trust_pem; /* the edge's tomcat-trust; "": nobody is trusted */
    edge_fetch_fn *fetch;
    void *fetch_ctx;
};

/* Asks for path ("/api/..." with its query); bearer "" shows name and password. *problem is written
 * unless an answer with status 200 came: what an operator should know and do. RC_OK (200),
 * RC_DENIED (401, 403), RC_NOT_FOUND (404), RC_IO (no answer, or another status), RC_NOMEM. */
MUST_CHECK enum rc edge_site_get(const struct edge_site *site, const char *path, struct str bearer,
                                 struct arena *arena, struct str *body,
                                 struct edge_problem *problem);

/* {tag, text} becomes <tag>text</tag>; tag is constant text. A NULL tag ends the list. */
struct edge_axl_arg {
    const char *tag;
    struct str text;
    const char *parent; /* an element around it, "" none; equal neighbours share one */
};
/* <return> of the answer in *out. As edge_site_get; and RC_EXISTS, RC_INVALID: a fault, *problem has
 * its words (duplicate; any other). */
MUST_CHECK enum rc edge_axl_ask(const struct edge_site *site, const char *operation,
                                const struct edge_axl_arg *args, struct arena *arena,
                                const struct xml_node **out, struct edge_problem *problem);

#endif
