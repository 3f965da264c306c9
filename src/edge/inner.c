#include "edge/inner.h"

#include "crypto/digest.h"
#include "edge/seal.h"
#include "sip/print.h"
#include "sip/values.h"

#include <stdlib.h>

enum { ROUTES_MAX = 16, NAME_BYTES = 16, CALL_DIGITS = 16 };

struct edge_inner {
    struct edge_hop hop;
};

enum rc edge_inner_new(const struct edge_inner_config *config, struct edge_inner **out)
{
    struct edge_inner *n = calloc(1, sizeof *n);
    if (!n) return RC_NOMEM;
    enum rc rc = edge_hop_init(&n->hop, config->seal, 0, config->host, config->port);
    if (rc == RC_OK)
        *out = n;
    else
        edge_inner_free(n);
    return rc;
}

struct edge_inner *edge_inner_free(struct edge_inner *n)
{
    if (n) edge_hop_fini(&n->hop);
    free(n);
    return NULL;
}

struct str edge_inner_flow_name(const struct edge_arrival *a)
{
    return sip_param_value(a->basics->via.params, STR("edge-flow"));
}

/* ---- what is hidden ---- */

/* Is it a URI with EDGE_INNER_HOST, its user part sealed? */
static bool read_hidden(struct str text, struct sip_uri *uri)
{
    return sip_uri_parse(text, uri, NULL) == RC_OK && sip_uri_is_sip(uri) && uri->has_user &&
           str_eq_nocase(uri->host.text, STR(EDGE_INNER_HOST));
}

/* The URI a hidden one stands for; header parts a phone has put behind it (?Replaces=) stay. */
static enum rc open_name(const struct edge_inner *n, const struct sip_uri *hidden,
                         struct arena *arena, struct str *plain)
{
    enum rc rc = edge_seal_open(n->hop.seal, EDGE_SEAL_NAME, hidden->user, arena, plain);
    if (rc != RC_OK || hidden->headers.n == 0) return rc;
    return arena_printf(arena, plain, "%.*s?%.*s", STR_ARG(*plain), STR_ARG(hidden->headers));
}

/* <sip:TOKEN@edge.invalid>: stands for an inside URI. */
static void put_hidden(const struct edge_inner *n, enum edge_seal_purpose purpose, struct str plain,
                       const char *params, struct buf *out)
{
    buf_put_lit(out, "<sip:");
    edge_seal_print(n->hop.seal, purpose, plain, out);
    buf_printf(out, "@" EDGE_INNER_HOST "%s>", params);
}

/* Header values with the URI in <> replaced: what is hidden shown again (is_inward), or an inside one
 * hidden. A value that cannot be read goes on as it is inward, and is left out outward. */
static void put_uris(const struct edge_inner *n, const struct edge_arrival *a,
                     const struct sip_header *h, bool is_inward, struct buf *out)
{
    struct str rest = h->value, value, plain;
    struct sip_uri uri;
    bool is_first = true;
    while (rest.p && sip_value_split(&rest, &value) == RC_OK) {
        struct sip_nameaddr na;
        if (sip_nameaddr_parse(value, &na, NULL) != RC_OK || na.is_star) {
            if (is_inward) sip_print_header_named(out, h->name, value);
            continue;
        }
        buf_put_str(out, is_first ? h->name : STR(","));
        if (is_first) buf_put_lit(out, ": ");
        is_first = false;
        if (na.display.n > 0) {
            sip_print_unfolded(out, na.display);
            buf_put_char(out, ' ');
        }
        if (!is_inward) {
            put_hidden(n, EDGE_SEAL_NAME, na.uri, "", out);
        } else {
            bool ours = read_hidden(na.uri, &uri) && open_name(n, &uri, a->arena, &plain) == RC_OK;
            buf_put_char(out, '<');
            buf_put_str(out, ours ? plain : na.uri);
            buf_put_char(out, '>');
        }
        sip_print_unfolded(out, na.params);
    }
    if (!is_first) buf_put_lit(out, "\r\n");
}

/* A dialog's inside: its call and zone, then its routes in the order the phone will follow them. */
struct inside {
    uint64_t call;
    struct str zone;
    struct str routes[ROUTES_MAX];
    size_t count;
};

static void put_inside(const struct edge_inner *n, const struct inside *in, struct buf *out)
{
    struct buf plain;
    buf_init(&plain, EDGE_SEAL_PLAIN_MAX);
    buf_printf(&plain, "%016llx ", (unsigned long long)in->call);
    buf_put_str(&plain, in->zone);
    for (size_t i = 0; i < in->count; i++) {
        buf_put_char(&plain, '\n');
        buf_put_str(&plain, in->routes[i]);
    }
    if (buf_rc(&plain) == RC_OK)
        put_hidden(n, EDGE_SEAL_ROUTES, buf_str(&plain), ";lr", out);
    else if (out->rc == RC_OK)
        out->rc = buf_rc(&plain);
    buf_fini(&plain);
}

static enum rc open_inside(const struct edge_inner *n, struct str token, struct arena *arena,
                           struct inside *in)
{
    struct str plain, line;
    enum rc rc = edge_seal_open(n->hop.seal, EDGE_SEAL_ROUTES, token, arena, &plain);
    if (rc != RC_OK) return rc;
    *in = (struct inside){.zone = STR("")};
    if (!str_split(&plain, '\n', &line) || line.n < CALL_DIGITS + 1) return RC_DENIED;
    if (!edge_call_read(str_sub(line, 0, CALL_DIGITS), &in->call)) return RC_DENIED;
    in->zone = str_sub(line, CALL_DIGITS + 1, line.n);
    while (in->count < ROUTES_MAX && str_split(&plain, '\n', &line))
        in->routes[in->count++] = line;
    return RC_OK;
}

/* Is value a Route of ours that stands for a dialog's inside? */
static bool read_inside(const struct edge_inner *n, struct str value, struct arena *arena,
                        struct inside *in, enum rc *rc)
{
    struct sip_nameaddr na;
    struct sip_uri uri;
    *rc = RC_OK;
    if (sip_nameaddr_parse(value, &na, NULL) != RC_OK || !read_hidden(na.uri, &uri)) return false;
    *rc = open_inside(n, uri.user, arena, in);
    return true;
}

/* ---- our Vias ---- */

/* What the call server knows a phone's connection by: of the link and the outer edge's name for it. */
static enum rc put_flow_name(const struct edge_inner *n, const struct edge_arrival *a,
                             struct buf *out)
{
    uint8_t mac[CRYPTO_DIGEST_MAX];
    struct crypto_digest *d = crypto_digest_new_hmac(bytes_of(n->hop.key, sizeof n->hop.key));
    if (!d) return RC_NOMEM;
    crypto_digest_add(d, bytes_of((const uint8_t *)&a->flow, sizeof a->flow));
    crypto_digest_add(d, str_bytes(edge_inner_flow_name(a)));
    enum rc rc = crypto_digest_finish(d, mac);
    crypto_digest_free(d);
    if (rc == RC_OK) buf_put_hex(out, bytes_of(mac, NAME_BYTES));
    return rc;
}

static void put_branch(const struct edge_inner *n, const struct edge_arrival *a, uint64_t to,
                       uint64_t call, struct buf *out)
{
    char branch[EDGE_BRANCH_LEN + 1], name[EDGE_FLOW_NAME_MAX + 1];
    struct edge_way way = {a->flow, to, call, a->basics->via.branch};
    enum rc rc = edge_branch(&n->hop, &way, branch);
    if (rc != RC_OK && out->rc == RC_OK) out->rc = rc;
    edge_flow_name(&n->hop, a->flow, name);
    buf_printf(out, ";branch=" SIP_BRANCH_COOKIE "e%s;edge-back=%s", branch, name);
    if (call != 0) buf_printf(out, ";edge-call=%016llx", (unsigned long long)call);
}

static void put_inward_via(const struct edge_inner *n, const struct edge_arrival *a, uint64_t to,
                           uint64_t call, struct buf *out)
{
    buf_put_lit(out, "Via: SIP/2.0/TLS ");
    sip_host_print(out, &n->hop.sip_host);
    buf_printf(out, ":%u", (unsigned)n->hop.port);
    put_branch(n, a, to, call, out);
    if (edge_inner_flow_name(a).n > 0) {
        buf_put_lit(out, ";edge-flow=");
        enum rc rc = put_flow_name(n, a, out);
        if (rc != RC_OK && out->rc == RC_OK) out->rc = rc;
    }
    buf_put_lit(out, "\r\n");
}

/* The number of the call a request is of: its dialog's, or a new one with the INVITE that begins it; that
 * INVITE's CANCEL and ACK have the same branch, and so the same number. RC_NOMEM. */
static enum rc call_of(const struct edge_inner *n, const struct edge_arrival *a, uint64_t to,
                       uint64_t known, uint64_t *call)
{
    struct edge_way way = {a->flow, to, 0, a->basics->via.branch};
    *call = known;
    enum sip_method m = a->basics->cseq.method;
    if (known != 0) return RC_OK;
    if (m != SIP_METHOD_INVITE && m != SIP_METHOD_ACK && m != SIP_METHOD_CANCEL) return RC_OK;
    return edge_call_number(&n->hop, &way, call);
}

/* All Vias of the request within ours. */
static void put_outward_via(const struct edge_inner *n, const struct edge_arrival *a, uint64_t to,
                            uint64_t call, struct buf *out)
{
    struct buf vias;
    struct sip_values all;
    struct str value;
    buf_init(&vias, EDGE_SEAL_PLAIN_MAX);
    sip_values_init(&all, a->message, SIP_HEADER_VIA);
    while (sip_values_next(&all, &value) == RC_OK) {
        if (vias.n > 0) buf_put_char(&vias, ',');
        sip_print_unfolded(&vias, value);
    }
    buf_put_lit(out, "Via: SIP/2.0/TLS " EDGE_INNER_HOST);
    put_branch(n, a, to, call, out);
    buf_put_lit(out, ";hid=");
    if (buf_rc(&vias) == RC_OK)
        edge_seal_print(n->hop.seal, EDGE_SEAL_VIAS, buf_str(&vias), out);
    else if (out->rc == RC_OK)
        out->rc = buf_rc(&vias);
    buf_put_lit(out, "\r\n");
    buf_fini(&vias);
}

/* The Vias that stood below ours, the top one's branch in *branch; false: not an answer to us. */
static bool read_below(const struct edge_inner *n, const struct edge_arrival *a, struct str *hidden,
                       struct str *branch)
{
    struct sip_values all;
    struct str value, rest, token = sip_param_value(a->basics->via.params, STR("hid"));
    struct sip_via via;
    *hidden = STR("");
    if (token.n > 0) {
        if (edge_seal_open(n->hop.seal, EDGE_SEAL_VIAS, token, a->arena, hidden) != RC_OK)
            return false;
        rest = *hidden;
        if (sip_value_split(&rest, &value) != RC_OK) return false;
    } else {
        sip_values_init(&all, a->message, SIP_HEADER_VIA);
        if (sip_values_next(&all, &value) != RC_OK || sip_values_next(&all, &value) != RC_OK)
            return false;
    }
    if (sip_via_parse(value, &via, NULL) != RC_OK) return false;
    *branch = via.branch;
    return true;
}

/* What an answer to us belongs to. */
struct asked {
    uint64_t back; /* the way it goes */
    uint64_t call; /* 0: of none */
    struct str hidden;
};

static bool read_via(const struct edge_inner *n, const struct edge_arrival *a, struct asked *out)
{
    struct str branch, call;
    const struct sip_via *top = &a->basics->via;
    *out = (struct asked){.call = 0};
    if (!edge_flow_read(&n->hop, sip_param_value(top->params, STR("edge-back")), &out->back))
        return false;
    if (!read_below(n, a, &out->hidden, &branch)) return false;
    call = sip_param_value(top->params, STR("edge-call"));
    if (call.n > 0 && !edge_call_read(call, &out->call)) return false;
    struct edge_way way = {out->back, a->flow, out->call, branch};
    return edge_branch_fits(&n->hop, &way, top->branch);
}

static void put_vias_below(const struct edge_arrival *a, struct str hidden, struct buf *out)
{
    struct sip_values all;
    struct str value;
    if (hidden.n > 0) {
        sip_print_header(out, SIP_HEADER_VIA, hidden);
        return;
    }
    sip_values_init(&all, a->message, SIP_HEADER_VIA);
    enum rc rc = sip_values_next(&all, &value);
    while (rc == RC_OK && (rc = sip_values_next(&all, &value)) == RC_OK)
        sip_print_header(out, SIP_HEADER_VIA, value);
}

/* ---- from a link ---- */

static bool has_inside_route(const struct edge_inner *n, const struct edge_arrival *a,
                             struct inside *in, enum rc *rc)
{
    struct sip_values routes;
    struct str value;
    *rc = RC_OK;
    sip_values_init(&routes, a->message, SIP_HEADER_ROUTE);
    if (sip_values_next(&routes, &value) != RC_OK) return false;
    if (!read_inside(n, value, a->arena, in, rc)) *rc = RC_DENIED; /* no Route but ours leads in */
    return true;
}

enum rc edge_inner_zone_of(const struct edge_inner *n, const struct edge_arrival *a,
                           struct str *zone)
{
    struct inside in;
    enum rc rc;
    *zone = STR("");
    if (has_inside_route(n, a, &in, &rc) && rc == RC_OK) *zone = in.zone;
    return rc;
}

/* The Request-URI as the inside knows it; false: one that was not made here. */
static bool open_uri(const struct edge_inner *n, const struct edge_arrival *a, struct str *uri)
{
    struct sip_uri hidden;
    *uri = a->message->uri;
    return !read_hidden(*uri, &hidden) || open_name(n, &hidden, a->arena, uri) == RC_OK;
}

static void put_inward_headers(const struct edge_inner *n, const struct edge_arrival *a,
                               struct str body, struct buf *out)
{
    const struct sip_message *m = a->message;
    for (unsigned i = 0; i < m->header_count; i++) {
        const struct sip_header *h = &m->headers[i];
        enum sip_header_id id = (enum sip_header_id)h->id;
        if (edge_is_written_anew(id) || (!m->is_request && id == SIP_HEADER_RECORD_ROUTE)) continue;
        if (id == SIP_HEADER_REFER_TO)
            put_uris(n, a, h, true, out);
        else
            sip_print_header_named(out, h->name, h->value);
    }
    sip_print_body(out, STR(""), body);
}

static struct edge_decision request_from_link(const struct edge_inner *n,
                                              const struct edge_arrival *a, uint64_t to,
                                              struct buf *out)
{
    const struct sip_message *m = a->message;
    struct inside in = {.count = 0};
    struct str uri, body;
    uint64_t call;
    enum rc rc;
    if (has_inside_route(n, a, &in, &rc) && rc != RC_OK)
        return edge_refuse(a, 403, "A Route that was not made here", out);
    if (!open_uri(n, a, &uri)) return edge_refuse(a, 404, "A target that was not made here", out);
    if (a->basics->max_forwards == 0) return edge_refuse(a, 483, "Too Many Hops", out);
    if (call_of(n, a, to, in.call, &call) != RC_OK) return edge_refuse(a, 500, "", out);
    unsigned status = edge_pass_body(a, call, to, true, &body);
    if (status != 0) return edge_refuse(a, status, "", out);
    sip_print_request_line(out, m->method_text, uri);
    put_inward_via(n, a, to, call, out);
    sip_print_vias(out, m, NULL);
    sip_print_header_u64(out, SIP_HEADER_MAX_FORWARDS, a->basics->max_forwards - 1);
    for (size_t i = 0; i < in.count; i++)
        sip_print_header(out, SIP_HEADER_ROUTE, in.routes[i]);
    if (m->method == SIP_METHOD_REGISTER || edge_makes_dialog(a)) {
        buf_put_str(out,
                    m->method == SIP_METHOD_REGISTER ? STR("Path: <") : STR("Record-Route: <"));
        edge_put_flow_uri(&n->hop, a->flow, m->method == SIP_METHOD_REGISTER ? 0 : call, out);
        buf_put_lit(out, ">\r\n");
    }
    put_inward_headers(n, a, body, out);
    return edge_forward(out, to);
}

/* The Record-Routes of a phone's answer: where ours stands for the inside, that is put back, with our
 * own in front that names the link. */
static bool put_shown_record_routes(const struct edge_inner *n, const struct edge_arrival *a,
                                    struct buf *out)
{
    struct sip_values all;
    struct str value;
    struct inside in;
    enum rc rc, open;
    sip_values_init(&all, a->message, SIP_HEADER_RECORD_ROUTE);
    while ((rc = sip_values_next(&all, &value)) == RC_OK) {
        if (!read_inside(n, value, a->arena, &in, &open)) {
            sip_print_header(out, SIP_HEADER_RECORD_ROUTE, value);
            continue;
        }
        if (open != RC_OK) return false;
        buf_put_lit(out, "Record-Route: <");
        edge_put_flow_uri(&n->hop, a->flow, in.call, out);
        buf_put_lit(out, ">\r\n");
        for (size_t i = 0; i < in.count; i++)
            sip_print_header(out, SIP_HEADER_RECORD_ROUTE, in.routes[i]);
    }
    return rc == RC_NOT_FOUND;
}

struct edge_decision edge_inner_from_link(const struct edge_inner *n, const struct edge_arrival *a,
                                          uint64_t to, struct buf *out)
{
    struct asked asked;
    struct str body;
    if (a->message->is_request) return request_from_link(n, a, to, out);
    if (!read_via(n, a, &asked)) return edge_drop("an answer to nothing that was asked here");
    if (edge_pass_body(a, asked.call, asked.back, true, &body) != 0)
        return edge_drop("no media for it");
    sip_print_status_line(out, a->message->status, a->message->reason);
    put_vias_below(a, asked.hidden, out);
    if (!put_shown_record_routes(n, a, out))
        return edge_drop("Record-Routes that were not made here");
    put_inward_headers(n, a, body, out);
    return edge_forward(out, asked.back);
}

/* ---- from a zone ---- */

/* What is of no use outside, or tells of the inside. */
static bool is_inside_only(enum sip_header_id id)
{
    return id == SIP_HEADER_PATH || id == SIP_HEADER_SERVICE_ROUTE || id == SIP_HEADER_RECORD_ROUTE;
}

/* A registration's answer repeats the phone's own Contacts. */
static bool is_inside_contact(const struct edge_arrival *a, enum sip_header_id id)
{
    return id == SIP_HEADER_CONTACT && a->basics->cseq.method != SIP_METHOD_REGISTER;
}

static void put_outward_headers(const struct edge_inner *n, const struct edge_arrival *a,
                                struct str body, struct buf *out)
{
    const struct sip_message *m = a->message;
    for (unsigned i = 0; i < m->header_count; i++) {
        const struct sip_header *h = &m->headers[i];
        enum sip_header_id id = (enum sip_header_id)h->id;
        if (edge_is_written_anew(id) || is_inside_only(id)) continue;
        if (is_inside_contact(a, id))
            put_uris(n, a, h, false, out);
        else
            sip_print_header_named(out, h->name, h->value);
    }
    sip_print_body(out, STR(""), body);
}

/* Does value name one of our own flow tokens? */
static enum rc read_flow_route(const struct edge_inner *n, struct str value, struct arena *arena,
                               uint64_t *flow, uint64_t *call)
{
    struct sip_nameaddr na;
    struct sip_uri uri;
    if (sip_nameaddr_parse(value, &na, NULL) != RC_OK || sip_uri_parse(na.uri, &uri, NULL) != RC_OK)
        return RC_DENIED;
    if (!sip_host_eq(&uri.host, &n->hop.sip_host) || !uri.has_user) return RC_DENIED;
    return edge_open_flow(&n->hop, uri.user, arena, flow, call);
}

static bool collect_record_routes(const struct edge_arrival *a, struct inside *in)
{
    struct sip_values all;
    struct str value;
    enum rc rc;
    sip_values_init(&all, a->message, SIP_HEADER_RECORD_ROUTE);
    while ((rc = sip_values_next(&all, &value)) == RC_OK) {
        if (in->count == ROUTES_MAX || str_find_char(value, '\n') >= 0) return false;
        in->routes[in->count++] = value;
    }
    return rc == RC_NOT_FOUND;
}

static struct edge_decision request_from_zone(const struct edge_inner *n,
                                              const struct edge_arrival *a, struct str zone,
                                              struct buf *out)
{
    struct sip_values routes;
    struct str value, body;
    uint64_t link = 0, known = 0;
    struct inside in = {.zone = zone};
    sip_values_init(&routes, a->message, SIP_HEADER_ROUTE);
    enum rc rc = sip_values_next(&routes, &value);
    if (rc == RC_OK) rc = read_flow_route(n, value, a->arena, &link, &known);
    if (rc == RC_NOT_FOUND && a->message->first[SIP_HEADER_ROUTE] != SIP_HEADER_NONE)
        return edge_refuse(a, 430, "Flow Failed", out);
    if (rc != RC_OK) return edge_refuse(a, 404, "No connection is named", out);
    if (a->basics->max_forwards == 0) return edge_refuse(a, 483, "Too Many Hops", out);
    if (!collect_record_routes(a, &in)) return edge_refuse(a, 400, "Too many Record-Routes", out);
    if (call_of(n, a, link, known, &in.call) != RC_OK) return edge_refuse(a, 500, "", out);
    unsigned status = edge_pass_body(a, in.call, link, false, &body);
    if (status != 0) return edge_refuse(a, status, "", out);
    sip_print_request_line(out, a->message->method_text, a->message->uri);
    put_outward_via(n, a, link, in.call, out);
    sip_print_header_u64(out, SIP_HEADER_MAX_FORWARDS, a->basics->max_forwards - 1);
    while ((rc = sip_values_next(&routes, &value)) == RC_OK)
        sip_print_header(out, SIP_HEADER_ROUTE, value);
    if (edge_makes_dialog(a)) {
        buf_put_lit(out, "Record-Route: ");
        put_inside(n, &in, out);
        buf_put_lit(out, "\r\n");
    }
    put_outward_headers(n, a, body, out);
    return edge_forward(out, link);
}

/* The Record-Routes of an answer from inside: what stands in front of our own is the inside; the phone,
 * who has asked, will follow it in reverse (RFC 3261, 12.1.2). What stands behind is the outer edge's. Our
 * own is the last there is: when the call goes out again to another phone, there is one for that too. */
static bool put_hidden_record_routes(const struct edge_inner *n, const struct edge_arrival *a,
                                     struct str zone, uint64_t call, struct buf *out)
{
    struct inside all = {.zone = zone}, in = {.zone = zone, .call = call};
    size_t own;
    uint64_t flow, other;
    if (!collect_record_routes(a, &all)) return false;
    for (own = all.count; own > 0; own--)
        if (read_flow_route(n, all.routes[own - 1], a->arena, &flow, &other) == RC_OK) break;
    if (own == 0) return true;
    for (size_t i = own - 1; i > 0; i--)
        in.routes[in.count++] = all.routes[i - 1];
    buf_put_lit(out, "Record-Route: ");
    put_inside(n, &in, out);
    buf_put_lit(out, "\r\n");
    for (size_t i = own; i < all.count; i++)
        sip_print_header(out, SIP_HEADER_RECORD_ROUTE, all.routes[i]);
    return true;
}

struct edge_decision edge_inner_from_zone(const struct edge_inner *n, const struct edge_arrival *a,
                                          struct str zone, struct buf *out)
{
    struct asked asked;
    struct str body;
    if (a->message->is_request) return request_from_zone(n, a, zone, out);
    if (!read_via(n, a, &asked)) return edge_drop("an answer to nothing that was asked here");
    if (edge_pass_body(a, asked.call, asked.back, false, &body) != 0)
        return edge_drop("no media for it");
    sip_print_status_line(out, a->message->status, a->message->reason);
    put_vias_below(a, asked.hidden, out);
    if (!put_hidden_record_routes(n, a, zone, asked.call, out))
        return edge_drop("too many Record-Routes");
    put_outward_headers(n, a, body, out);
    return edge_forward(out, asked.back);
}
