#include "phone/edge.h"

#include "base/base64.h"
#include "phone/grant.h"
#include "xml/reader.h"

#include <stdio.h>

enum { DOC_MAX = 65536, TIMEOUT_MS = 20000 };

/* "example.com" of "edge.example.com"; the name itself where it has no dot, or is an address. */
static struct str domain_of(struct str host)
{
    ptrdiff_t dot = str_find_char(host, '.');
    bool is_address = host.n > 0 && ((host.p[host.n - 1] >= '0' && host.p[host.n - 1] <= '9') ||
                                     str_find_char(host, ':') >= 0);
    return dot > 0 && !is_address ? str_sub(host, (size_t)dot + 1, host.n) : host;
}

/* The port of an https URL's origin. */
static struct str port_of(struct str url)
{
    struct str origin = phone_url_origin(url), host = phone_url_host(url);
    struct str rest = str_sub(origin, 8, origin.n);
    ptrdiff_t at = str_find(rest, host);
    rest = at >= 0 ? str_sub(rest, (size_t)at + host.n, rest.n) : STR("");
    if (rest.n > 0 && rest.p[0] == ']') rest = str_sub(rest, 1, rest.n);
    return rest.n > 1 && rest.p[0] == ':' ? str_sub(rest, 1, rest.n) : STR("443");
}

enum rc phone_edge_route(const char *edge, struct http_call *call, struct arena *arena)
{
    struct buf b;
    struct str segment, url = call->url;
    if (!edge) return RC_OK;
    if (!str_starts_nocase(url, STR("https://"))) return RC_UNSUPPORTED;
    struct str origin = phone_url_origin(url), host = phone_url_host(url);
    enum rc rc = arena_printf(arena, &segment, "%.*s/https/%.*s/%.*s",
                              STR_ARG(domain_of(phone_url_host(str_from(edge)))), STR_ARG(host),
                              STR_ARG(port_of(url)));
    buf_init(&b, 65536);
    buf_put_str(&b, str_from(edge));
    buf_put_char(&b, '/');
    if (rc == RC_OK) base64url_print(&b, str_bytes(segment));
    buf_put_str(&b, str_sub(url, origin.n, url.n));
    if (rc == RC_OK) rc = buf_rc(&b);
    if (rc == RC_OK) rc = arena_str_dup(arena, buf_str(&b), &call->url);
    buf_fini(&b);
    return rc;
}

/* ---- documents ---- */

static enum rc read_xml(struct str doc, struct arena *arena, const char *name,
                        const struct xml_node **out)
{
    const struct xml_limits limits = {0};
    enum rc rc = xml_parse(doc, &limits, arena, out, NULL);
    if (rc == RC_NOMEM) return rc;
    return rc == RC_OK && str_eq((*out)->name, str_from(name)) ? RC_OK : RC_MALFORMED;
}

enum rc phone_edge_read_sso(struct str doc, struct arena *arena, struct str *server)
{
    const struct xml_node *root;
    enum rc rc = read_xml(doc, arena, "SSOResult", &root);
    if (rc != RC_OK) return rc;
    *server = phone_url_origin(xml_text(root, "Response/SingleSignOn/Uri"));
    return str_starts_nocase(*server, STR("https://")) ? RC_OK : RC_UNSUPPORTED;
}

enum rc phone_edge_read_config(struct str doc, struct arena *arena, const char *out[PHONE_NODE_MAX],
                               size_t *count)
{
    const struct xml_node *root;
    enum rc rc = read_xml(doc, arena, "getEdgeConfigResponse", &root);
    *count = 0;
    if (rc != RC_OK) return rc;
    const struct xml_node *s = xml_find(root, "edgeConfig/sipEdgeServer/server");
    for (; s && *count < PHONE_NODE_MAX; s = xml_next_same(s)) {
        struct str address = xml_text(s, "address"), port = xml_text(s, "tlsPort"), text;
        if (address.n == 0) continue;
        bool v6 = str_find_char(address, ':') >= 0;
        rc = arena_printf(arena, &text, v6 ? "[%.*s]:%.*s%c" : "%.*s:%.*s%c", STR_ARG(address),
                          STR_ARG(port.n > 0 ? port : STR("5061")), 0);
        if (rc != RC_OK) return rc;
        out[(*count)++] = text.p;
    }
    return *count > 0 ? RC_OK : RC_MALFORMED;
}

enum phone_exit phone_edge_discover(const char *edge, const char *document, struct str token,
                                    const char *ca_file, struct arena *arena, struct str *doc,
                                    struct phone_problem *problem)
{
    struct http_answer answer;
    struct http_call call = {.ca_file = ca_file,
                             .bearer = token,
                             .timeout_ms = TIMEOUT_MS,
                             .connect_timeout_ms = 5000,
                             .response_max = DOC_MAX};
    struct buf b;
    struct str domain = domain_of(phone_url_host(str_from(edge)));
    buf_init(&b, 4096);
    buf_printf(&b, "%s/", edge);
    base64url_print(&b, str_bytes(domain));
    buf_printf(&b, "/%s", document);
    enum rc rc = buf_rc(&b);
    if (rc == RC_OK) rc = arena_str_dup(arena, buf_str(&b), &call.url);
    buf_fini(&b);
    if (rc != RC_OK) return phone_problem_set(problem, PHONE_EXIT_FAILED, "Out of memory.");
    http_fetch(&call, arena, &answer);
    if (answer.failure != HTTP_FAIL_NONE)
        return phone_problem_of_http(problem, "Asking the edge", &answer);
    *doc = answer.body;
    if (answer.status == 200) return PHONE_EXIT_OK;
    if (answer.status == 401)
        return phone_problem_set(problem, PHONE_EXIT_CONFIG_REFUSED,
                                 "The edge %s does not take our token. Sign in again.", edge);
    if (answer.status >= 500)
        return phone_problem_set(problem, PHONE_EXIT_TIMEOUT,
                                 "The edge %s is reached, the inside is not (%d): %.*s", edge,
                                 answer.status, STR_ARG(str_trim(str_sub(answer.body, 0, 150))));
    return phone_problem_set(
        problem, PHONE_EXIT_CONFIG_REFUSED,
        "%s is no edge that serves phones of %.*s: it answers %d. Check --edge, "
        "and on the edge \"bearline --edge status\".",
        edge, STR_ARG(domain), answer.status);
}
