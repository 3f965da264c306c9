#include "edge/portal.h"

#include "base/base64.h"
#include "base/form.h"
#include "oauth/bearer.h"
#include "xml/writer.h"

#include <stdio.h>

enum { SEGMENT_MAX = 512, XML_MAX = 65536, TIMEOUT_MS = 10000 };

/* ---- where it leads ---- */

/* base64 of either alphabet, with or without padding. */
static bool decode_segment(struct str s, struct arena *a, struct str *out)
{
    struct bytes plain;
    char *copy;
    while (s.n > 0 && s.p[s.n - 1] == '=')
        s.n--;
    if (s.n == 0 || s.n > SEGMENT_MAX || !(copy = arena_alloc(a, s.n))) return false;
    for (size_t i = 0; i < s.n; i++)
        copy[i] = s.p[i] == '+' ? '-' : s.p[i] == '/' ? '_' : s.p[i];
    if (base64url_decode_arena(str_of(copy, s.n), a, &plain) != RC_OK) return false;
    *out = bytes_str(plain);
    for (size_t i = 0; i < out->n; i++)
        if (out->p[i] <= 0x20 || out->p[i] >= 0x7f) return false;
    return out->n > 0;
}

/* Nothing that another reader could take for another path. */
static bool is_plain_path(struct str path)
{
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] <= 0x20 || path.p[i] >= 0x7f || path.p[i] == '\\' || path.p[i] == '%')
            return false;
    return str_find(path, STR("//")) == STR_NPOS && str_find(path, STR("/..")) == STR_NPOS &&
           str_find(path, STR("/./")) == STR_NPOS && !str_ends(path, STR("/."));
}

/* "domain/https/host/port" */
static bool read_inside(struct str text, struct edge_portal_place *out)
{
    struct str proto, port;
    uint64_t number;
    if (!str_split(&text, '/', &out->domain) || !str_split(&text, '/', &proto) ||
        !str_split(&text, '/', &out->host) || !str_split(&text, '/', &port) || text.p)
        return false;
    if (!str_eq_nocase(proto, STR("https")) || out->host.n == 0 || port.n == 0) return false;
    if (str_to_u64(port, UINT16_MAX, &number) != RC_OK || number == 0) return false;
    out->port = (uint16_t)number;
    return true;
}

enum rc edge_portal_read(struct str target, struct arena *arena, struct edge_portal_place *out)
{
    struct str text, segment;
    *out = (struct edge_portal_place){.kind = EDGE_PORTAL_NOWHERE};
    ptrdiff_t mark = str_find_char(target, '?');
    if (mark >= 0) out->query = str_sub(target, (size_t)mark + 1, target.n);
    if (mark >= 0) target = str_sub(target, 0, (size_t)mark);
    if (target.n < 2 || target.p[0] != '/' || !is_plain_path(target)) return RC_OK;
    ptrdiff_t end = str_find_char(str_sub(target, 1, target.n), '/');
    if (end <= 0) return RC_OK;
    segment = str_sub(target, 1, (size_t)end + 1);
    out->path = str_sub(target, (size_t)end + 1, target.n);
    if (!decode_segment(segment, arena, &text)) return RC_OK;
    if (str_find_char(text, '/') >= 0) {
        if (read_inside(text, out)) out->kind = EDGE_PORTAL_INSIDE;
        return RC_OK;
    }
    out->domain = text;
    if (str_eq(out->path, STR("/get_edge_sso"))) out->kind = EDGE_PORTAL_SSO;
    if (str_eq(out->path, STR("/get_edge_config"))) out->kind = EDGE_PORTAL_CONFIG;
    return RC_OK;
}

/* ---- the allow list ---- */

enum allowed { NOT_ALLOWED, ALLOWED_TO_ALL, ALLOWED_WITH_TOKEN };

static bool is_below(struct str path, struct str prefix)
{
    return str_starts(path, prefix);
}

/* Rules every node brings with it. */
static enum allowed automatic(const struct edge_node *n, const struct edge_portal_place *place,
                              struct str method)
{
    bool is_get = str_eq(method, STR("GET")) || str_eq(method, STR("HEAD"));
    bool is_post = str_eq(method, STR("POST"));
    if (!str_eq_nocase(n->host, place->host)) return NOT_ALLOWED;
    if (place->port == n->https_port && (is_get || is_post) &&
        is_below(place->path, STR("/ssosp/")))
        return ALLOWED_TO_ALL;
    if (place->port == n->https_port && is_get &&
        (str_eq(place->path, STR("/.well-known/oauth-authorization-server")) ||
         str_eq(place->path, STR("/.well-known/openid-configuration"))))
        return ALLOWED_TO_ALL;
    if (place->port == n->config_port && is_get && str_ends(place->path, STR(".cnf.xml")) &&
        str_find_char(str_sub(place->path, 1, place->path.n), '/') < 0)
        return ALLOWED_WITH_TOKEN;
    return NOT_ALLOWED;
}

static bool has_word(struct str words, struct str word)
{
    struct str one;
    while (str_split(&words, ' ', &one))
        if (str_eq(one, word)) return true;
    return false;
}

static bool manual(const struct edge_portal_rule *r, const struct edge_portal_place *place,
                   struct str method, struct arena *a)
{
    struct str whole, shorter;
    bool v6 = str_find_char(place->host, ':') >= 0;
    if (!has_word(r->methods, method)) return false;
    if (arena_printf(a, &whole, v6 ? "https://[%.*s]:%u%.*s" : "https://%.*s:%u%.*s",
                     STR_ARG(place->host), place->port, STR_ARG(place->path)) != RC_OK ||
        arena_printf(a, &shorter, "https://%.*s%.*s", STR_ARG(place->host), STR_ARG(place->path)) !=
            RC_OK)
        return false;
    if (place->port != 443) shorter = whole;
    if (!r->is_prefix) return str_eq(whole, r->url) || str_eq(shorter, r->url);
    return str_starts(whole, r->url) || str_starts(shorter, r->url);
}

static enum allowed is_allowed(const struct edge_portal_view *v,
                               const struct edge_portal_place *place, struct str method,
                               struct arena *a)
{
    for (size_t i = 0; i < v->cluster_count; i++)
        for (size_t k = 0; k < v->clusters[i]->node_count; k++) {
            enum allowed one = automatic(&v->clusters[i]->nodes[k], place, method);
            if (one != NOT_ALLOWED) return one;
        }
    for (size_t i = 0; i < v->rule_count; i++)
        if (manual(&v->rules[i], place, method, a)) return ALLOWED_WITH_TOKEN;
    return NOT_ALLOWED;
}

/* ---- tokens ---- */

static struct str bearer_of(const struct edge_errand_request *r)
{
    struct str value = edge_errand_header_find(r->headers, r->header_count, "Authorization");
    return str_starts_nocase(value, STR("Bearer ")) ? str_trim(str_sub(value, 7, value.n))
                                                    : STR("");
}

/* The cluster whose token it is; cluster_count: none's. */
static size_t token_cluster(const struct edge_portal *p, const struct edge_portal_view *v,
                            const struct edge_errand_request *r, struct arena *a)
{
    struct str token = bearer_of(r);
    struct oauth_claims claims;
    enum oauth_reason reason;
    size_t i = 0;
    while (i < v->cluster_count &&
           (token.n == 0 ||
            oauth_bearer_verify(token, v->clusters[i]->keyring, clock_unix_s(&p->clock), a, &claims,
                                &reason) != RC_OK))
        i++;
    return i;
}

/* ---- answers of our own ---- */

static void put_header(struct edge_errand_answer *out, struct str name, struct str value)
{
    if (out->header_count < EDGE_ERRAND_HEADERS_MAX && value.n > 0)
        out->headers[out->header_count++] = (struct edge_errand_header){name, value};
}

static void refuse(struct edge_errand_answer *out, unsigned status, const char *text)
{
    *out = (struct edge_errand_answer){.status = status, .body = str_from(text)};
    put_header(out, STR("Content-Type"), STR("text/plain; charset=utf-8"));
    if (status == 401) {
        put_header(out, STR("WWW-Authenticate"), STR("Bearer realm=\"Cisco-Edge\""));
        put_header(out, STR("Server"), STR("CE_C ECS"));
    }
    if (status == 503) put_header(out, STR("Retry-After"), STR("10"));
}

static void give_xml(struct buf *b, struct arena *a, struct edge_errand_answer *out)
{
    struct str body;
    if (buf_rc(b) != RC_OK || arena_str_dup(a, buf_str(b), &body) != RC_OK) {
        refuse(out, 500, "out of memory\n");
    } else {
        *out = (struct edge_errand_answer){.status = 200, .body = body};
        put_header(out, STR("Content-Type"), STR("text/xml; charset=utf-8"));
    }
    buf_fini(b);
}

static void put_text(struct buf *b, const char *open, struct str text, const char *close)
{
    buf_put_str(b, str_from(open));
    xml_escape(b, text);
    buf_put_str(b, str_from(close));
}

/* Does it sign in by OAuth, and where. The reference's form is not published; this one has the names of its
 * singleSignOn document. */
static void give_sso(const struct edge_portal_view *v, struct arena *a,
                     struct edge_errand_answer *out)
{
    const struct edge_node *n = NULL;
    struct buf b;
    for (size_t i = 0; i < v->cluster_count && !n; i++)
        if (v->clusters[i]->node_count > 0) n = &v->clusters[i]->nodes[0];
    if (!n) {
        refuse(out, 503, "No call server is known yet.\n");
        return;
    }
    buf_init(&b, XML_MAX);
    buf_put_lit(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                    "<SSOResult version=\"1.0\"><Response><SingleSignOn>"
                    "<Status enabled=\"true\"/><Token enabled=\"true\"/>");
    bool v6 = str_find_char(n->host, ':') >= 0;
    put_text(&b, v6 ? "<Uri>https://[" : "<Uri>https://", n->host, v6 ? "]" : "");
    buf_printf(&b, ":%u</Uri></SingleSignOn></Response></SSOResult>\n", (unsigned)n->https_port);
    give_xml(&b, a, out);
}

static void put_service(struct buf *b, struct str name, const struct edge_cluster *c)
{
    put_text(b, "<service><name>", name, "</name>");
    bool is_uds = str_eq(name, STR("_cisco-uds"));
    for (size_t i = 0; is_uds && i < c->node_count; i++) {
        buf_printf(b, "<server><priority>%lld</priority><weight>1</weight><port>%u</port>",
                   (long long)c->nodes[i].priority + 1, (unsigned)c->nodes[i].https_port);
        put_text(b, "<address>", c->nodes[i].host, "</address></server>");
    }
    if (!is_uds) buf_put_lit(b, "<error>NameError</error>");
    buf_put_lit(b, "</service>");
}

static void put_services(struct buf *b, struct str query, const struct edge_cluster *c,
                         struct arena *a)
{
    static const struct str known[] = {STR_INIT("_cisco-uds"), STR_INIT("_cuplogin"),
                                       STR_INIT("_cisco-phone-tftp")};
    struct str rest = query, pair, name;
    (void)a;
    while (rest.p && str_split(&rest, '&', &pair)) {
        if (!str_split(&pair, '=', &name) || !str_eq(name, STR("service_name")) || !pair.p)
            continue;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (str_eq(pair, known[i])) put_service(b, known[i], c);
    }
    buf_put_lit(b, "<service><name>tftpServer</name>");
    for (size_t i = 0; i < c->node_count; i++)
        put_text(b, "<address>", c->nodes[i].host, "</address>");
    buf_put_lit(b, "</service>");
}

static void put_server(struct buf *b, const char *element, struct str host, unsigned port)
{
    buf_printf(b, "<%s><server>", element);
    put_text(b, "<address>", host, "</address>");
    buf_printf(b, "<tlsPort>%u</tlsPort></server></%s>", port, element);
}

/* As the reference's get_edge_config answers. */
static void give_config(const struct edge_errand_request *r, struct str query,
                        const struct edge_cluster *c, struct arena *a,
                        struct edge_errand_answer *out)
{
    struct buf b;
    bool v6 = str_find_char(r->edge_host, ':') >= 0;
    buf_init(&b, XML_MAX);
    buf_put_lit(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                    "<getEdgeConfigResponse version=\"1.0\"><serviceConfig>");
    put_services(&b, query, c, a);
    buf_put_lit(&b, "</serviceConfig><edgeConfig>");
    put_server(&b, "sipEdgeServer", r->edge_host, r->sip_port);
    put_text(&b, v6 ? "<sipRequest><route>&lt;sip:[" : "<sipRequest><route>&lt;sip:", r->edge_host,
             v6 ? "]" : "");
    buf_printf(&b, ":%u;transport=tls;lr&gt;</route></sipRequest>", r->sip_port);
    put_server(&b, "httpEdgeServer", r->edge_host, r->https_port);
    buf_put_lit(&b, "<turnEdgeServer/>");
    if (c->node_count > 0)
        put_server(&b, "userUdsServer", c->nodes[0].host, c->nodes[0].https_port);
    buf_put_lit(&b, "</edgeConfig></getEdgeConfigResponse>\n");
    give_xml(&b, a, out);
}

/* ---- from inside ---- */

static bool is_one_of(struct str name, const char *const *names)
{
    for (; *names; names++)
        if (str_eq_nocase(name, str_from(*names))) return true;
    return false;
}

/* What goes along inwards; Content-Type by itself. */
static const char *const request_names[] = {
    "Accept",        "Accept-Language",   "Cookie", "If-None-Match",
    "Authorization", "If-Modified-Since", "DPoP",   NULL};
static const char *const answer_names[] = {
    "Content-Type",     "ETag",        "Last-Modified",           "Location",
    "Set-Cookie",       "Retry-After", "Cache-Control",           "WWW-Authenticate",
    "Content-Language", "Pragma",      "Content-Security-Policy", NULL};

static void take_answer(const struct http_answer *answer, struct edge_errand_answer *out)
{
    *out = (struct edge_errand_answer){.status = (unsigned)answer->status, .body = answer->body};
    for (size_t i = 0; i < answer->header_count; i++)
        if (is_one_of(answer->headers[i].name, answer_names))
            put_header(out, answer->headers[i].name, answer->headers[i].value);
}

static void fetch_inside(const struct edge_portal *p, const struct edge_portal_view *v,
                         const struct edge_errand_request *r, const struct edge_portal_place *place,
                         struct arena *a, struct edge_errand_answer *out)
{
    struct http_client_header headers[8];
    struct http_answer answer;
    struct str url, method;
    size_t count = 0;
    bool v6 = str_find_char(place->host, ':') >= 0,
         has_body = str_eq(r->method, STR("POST")) || str_eq(r->method, STR("PUT"));
    for (size_t i = 0; i < r->header_count && count < 8; i++)
        if (is_one_of(r->headers[i].name, request_names))
            headers[count++] = (struct http_client_header){r->headers[i].name, r->headers[i].value};
    if (arena_printf(a, &url, v6 ? "https://[%.*s]:%u%.*s%s%.*s" : "https://%.*s:%u%.*s%s%.*s",
                     STR_ARG(place->host), place->port, STR_ARG(place->path),
                     place->query.n > 0 ? "?" : "", STR_ARG(place->query)) != RC_OK ||
        arena_printf(a, &method, "%.*s", STR_ARG(r->method)) != RC_OK) {
        refuse(out, 500, "out of memory\n");
        return;
    }
    struct http_call call = {.method = method.p,
                             .url = url,
                             .headers = headers,
                             .header_count = count,
                             .ca_pem = v->trust_pem.p ? v->trust_pem : STR(""),
                             .timeout_ms = TIMEOUT_MS,
                             .response_max = EDGE_ERRAND_BODY_MAX};
    if (has_body) {
        call.body = r->body.p ? r->body : STR("");
        call.content_type = edge_errand_header_find(r->headers, r->header_count, "Content-Type");
    }
    p->fetch(&call, a, &answer);
    if (answer.failure == HTTP_FAIL_NONE) {
        take_answer(&answer, out);
        return;
    }
    log_warn(p->log, "portal.not_fetched", LOG_STR("host", place->host),
             LOG_INT("port", place->port), LOG_CSTR("why", answer.why));
    refuse(out, answer.failure == HTTP_FAIL_TIMEOUT ? 504 : 502,
           "The call server could not be reached from the inner edge; its log says why.\n");
}

/* ---- */

static void serve(const struct edge_portal *p, const struct edge_portal_view *v,
                  const struct edge_errand_request *r, struct arena *a,
                  struct edge_errand_answer *out)
{
    struct edge_portal_place place;
    bool is_get = str_eq(r->method, STR("GET"));
    if (edge_portal_read(r->target, a, &place) != RC_OK) {
        refuse(out, 500, "out of memory\n");
        return;
    }
    refuse(out, 404, "There is nothing here.\n");
    if (!v->is_on || place.kind == EDGE_PORTAL_NOWHERE) return;
    if (v->domain.n > 0 && !str_eq_nocase(v->domain, place.domain)) return;
    if (place.kind == EDGE_PORTAL_SSO) {
        if (is_get) give_sso(v, a, out);
        return;
    }
    enum allowed allowed = place.kind == EDGE_PORTAL_CONFIG
                               ? (is_get ? ALLOWED_WITH_TOKEN : NOT_ALLOWED)
                               : is_allowed(v, &place, r->method, a);
    if (allowed == NOT_ALLOWED) return;
    size_t cluster = allowed == ALLOWED_WITH_TOKEN ? token_cluster(p, v, r, a) : 0;
    if (allowed == ALLOWED_WITH_TOKEN && cluster == v->cluster_count)
        refuse(out, 401, "Sign in first.\n");
    else if (place.kind == EDGE_PORTAL_CONFIG)
        give_config(r, place.query, v->clusters[cluster], a, out);
    else
        fetch_inside(p, v, r, &place, a, out);
}

void edge_portal_serve(const struct edge_portal *p, const struct edge_errand_request *request,
                       struct arena *arena, struct edge_errand_answer *out)
{
    struct edge_portal_view view = {.cluster_count = 0};
    if (p->look(p->ctx, arena, &view) == RC_OK)
        serve(p, &view, request, arena, out);
    else
        refuse(out, 500, "The inner edge cannot read its settings.\n");
    for (size_t i = 0; i < view.cluster_count; i++)
        edge_cluster_unref(view.clusters[i]);
    ptrdiff_t mark = str_find_char(request->target, '?');
    log_info(
        p->log, "portal.served", LOG_STR("method", request->method),
        LOG_STR("path", mark >= 0 ? str_sub(request->target, 0, (size_t)mark) : request->target),
        LOG_INT("status", out->status), LOG_STR("peer", request->peer));
}
