#include "edge/outer.h"

#include "sip/print.h"
#include "sip/values.h"

#include <stdlib.h>

struct edge_outer {
    struct edge_hop hop;
};

enum rc edge_outer_new(const struct edge_outer_config *config, struct edge_outer **out)
{
    struct edge_outer *o = calloc(1, sizeof *o);
    if (!o) return RC_NOMEM;
    enum rc rc = edge_hop_init(&o->hop, config->seal, config->boot, config->host, config->port);
    if (rc == RC_OK)
        *out = o;
    else
        edge_outer_free(o);
    return rc;
}

struct edge_outer *edge_outer_free(struct edge_outer *o)
{
    if (o) edge_hop_fini(&o->hop);
    free(o);
    return NULL;
}

/* ---- our Via ---- */

/* Via: SIP/2.0/TLS host:port;branch=z9hG4bKe...;edge-flow=BOOT.FLOW: flow is where the answer goes. */
static void put_via(const struct edge_outer *o, const struct edge_arrival *a, uint64_t to,
                    struct buf *out)
{
    char branch[EDGE_BRANCH_LEN + 1], name[EDGE_FLOW_NAME_MAX + 1];
    struct edge_way way = {.from = a->flow, .to = to, .below = a->basics->via.branch};
    enum rc rc = edge_branch(&o->hop, &way, branch);
    if (rc != RC_OK && out->rc == RC_OK) out->rc = rc;
    edge_flow_name(&o->hop, a->flow, name);
    buf_put_lit(out, "Via: SIP/2.0/TLS ");
    sip_host_print(out, &o->hop.sip_host);
    buf_printf(out, ":%u;branch=" SIP_BRANCH_COOKIE "e%s;edge-flow=%s\r\n", (unsigned)o->hop.port,
               branch, name);
}

/* The flow our Via names, when the answer came from where the request had gone. */
static bool read_via(const struct edge_outer *o, const struct edge_arrival *a, uint64_t *flow)
{
    struct sip_values vias;
    struct str value;
    struct sip_via below;
    const struct sip_via *top = &a->basics->via;
    if (!edge_flow_read(&o->hop, sip_param_value(top->params, STR("edge-flow")), flow))
        return false;
    sip_values_init(&vias, a->message, SIP_HEADER_VIA);
    if (sip_values_next(&vias, &value) != RC_OK || sip_values_next(&vias, &value) != RC_OK ||
        sip_via_parse(value, &below, NULL) != RC_OK)
        return false;
    struct edge_way way = {.from = *flow, .to = a->flow, .below = below.branch};
    return edge_branch_fits(&o->hop, &way, top->branch);
}

/* ---- tokens ---- */

/* <sip:TOKEN@host:port;transport=tls;lr[;ob]>: the phone's connection. */
static void put_token(const struct edge_outer *o, const char *header, uint64_t flow, bool is_path,
                      struct buf *out)
{
    buf_printf(out, "%s: <", header);
    edge_put_flow_uri(&o->hop, flow, 0, out);
    buf_printf(out, "%s>\r\n", is_path ? ";ob" : "");
}

enum route_kind {
    ROUTE_PLAIN,
    ROUTE_TOKEN,
    ROUTE_OLD_TOKEN, /* of another start */
    ROUTE_INNER,
    ROUTE_FOREIGN,
};

static enum route_kind read_route(const struct edge_outer *o, struct str value, struct arena *arena,
                                  uint64_t *flow)
{
    struct sip_nameaddr na;
    struct sip_uri uri;
    if (sip_nameaddr_parse(value, &na, NULL) != RC_OK || sip_uri_parse(na.uri, &uri, NULL) != RC_OK)
        return ROUTE_FOREIGN;
    if (!sip_uri_is_sip(&uri) || !sip_uri_param(&uri, STR("lr"), NULL)) return ROUTE_FOREIGN;
    if (str_eq_nocase(uri.host.text, STR(EDGE_INNER_HOST)) && uri.has_user) return ROUTE_INNER;
    if (!sip_host_eq(&uri.host, &o->hop.sip_host)) return ROUTE_FOREIGN;
    if ((uri.port != 0 ? uri.port : sip_transport_port(SIP_TRANSPORT_TLS)) != o->hop.port)
        return ROUTE_FOREIGN;
    if (!uri.has_user) return ROUTE_PLAIN;
    uint64_t call;
    enum rc rc = edge_open_flow(&o->hop, uri.user, arena, flow, &call);
    return rc == RC_OK ? ROUTE_TOKEN : rc == RC_NOT_FOUND ? ROUTE_OLD_TOKEN : ROUTE_FOREIGN;
}

/* ---- what is handed on ---- */

/* What nobody outside may say: who he is without proof, by which way he is reached. */
static bool is_an_assertion(enum sip_header_id id)
{
    switch ((int)id) {
    case SIP_HEADER_PATH:
    case SIP_HEADER_SERVICE_ROUTE:
    case SIP_HEADER_P_ASSERTED_IDENTITY:
    case SIP_HEADER_P_PREFERRED_IDENTITY:
    case SIP_HEADER_P_ASSOCIATED_URI:
    case SIP_HEADER_P_CALLED_PARTY_ID:
    case SIP_HEADER_REMOTE_PARTY_ID:
    case SIP_HEADER_HISTORY_INFO:
    case SIP_HEADER_BEARLINE_REASON: return true;
    default: return false;
    }
}

static void put_headers(const struct sip_message *m, bool from_outside, struct str body,
                        struct buf *out)
{
    for (unsigned i = 0; i < m->header_count; i++) {
        const struct sip_header *h = &m->headers[i];
        enum sip_header_id id = (enum sip_header_id)h->id;
        if (edge_is_written_anew(id) || (from_outside && is_an_assertion(id))) continue;
        if (from_outside && m->is_request && id == SIP_HEADER_RECORD_ROUTE) continue;
        sip_print_header_named(out, h->name, h->value);
    }
    sip_print_body(out, STR(""), body);
}

/* Request line, our Via, theirs with where they came from, Max-Forwards. */
static void begin_request(const struct edge_outer *o, const struct edge_arrival *a, uint64_t to,
                          struct buf *out)
{
    char text[NET_ADDR_TEXT_MAX];
    struct buf ip;
    buf_init_fixed(&ip, text, sizeof text);
    net_addr_print_ip(&ip, &a->peer);
    struct sip_via_fix fix = {.received = buf_str(&ip),
                              .rport = a->basics->via.has_rport ? a->peer.port : 0};
    sip_print_request_line(out, a->message->method_text, a->message->uri);
    put_via(o, a, to, out);
    sip_print_vias(out, a->message, &fix);
    sip_print_header_u64(out, SIP_HEADER_MAX_FORWARDS, a->basics->max_forwards - 1);
}

/* An answer without its top Via. */
static void put_answer(const struct edge_arrival *a, bool from_outside, struct str body,
                       struct buf *out)
{
    struct sip_values vias;
    struct str value;
    sip_print_status_line(out, a->message->status, a->message->reason);
    sip_values_init(&vias, a->message, SIP_HEADER_VIA);
    enum rc rc = sip_values_next(&vias, &value);
    while (rc == RC_OK && (rc = sip_values_next(&vias, &value)) == RC_OK)
        sip_print_header(out, SIP_HEADER_VIA, value);
    put_headers(a->message, from_outside, body, out);
}

/* ---- from a phone ---- */

/* Ours are taken off; behind them one of an inner edge may stand. Foreign ones and tokens that were not
 * made here lead nowhere. */
static bool put_routes(const struct edge_outer *o, const struct edge_arrival *a, struct buf *out)
{
    struct sip_values routes;
    struct str value;
    uint64_t flow;
    unsigned count = 0;
    bool is_behind = false;
    enum rc rc;
    sip_values_init(&routes, a->message, SIP_HEADER_ROUTE);
    while ((rc = sip_values_next(&routes, &value)) == RC_OK) {
        enum route_kind kind = read_route(o, value, a->arena, &flow);
        if (kind == ROUTE_FOREIGN || ++count > EDGE_OUTER_ROUTES_MAX) return false;
        if (kind == ROUTE_INNER) {
            if (is_behind) return false;
            is_behind = true;
            sip_print_header(out, SIP_HEADER_ROUTE, value);
        } else if (is_behind) {
            return false;
        }
    }
    return rc == RC_NOT_FOUND;
}

static struct edge_decision request_from_phone(const struct edge_outer *o,
                                               const struct edge_arrival *a, uint64_t link,
                                               struct buf *out)
{
    const struct sip_message *m = a->message;
    struct sip_values vias;
    struct str value, body;
    sip_values_init(&vias, m, SIP_HEADER_VIA);
    if (sip_values_next(&vias, &value) != RC_OK || sip_values_next(&vias, &value) != RC_NOT_FOUND)
        return edge_refuse(a, 400, "A phone's request has one Via", out);
    if (!sip_via_has_branch(&a->basics->via))
        return edge_refuse(a, 400, "Via without RFC 3261 branch", out);
    if (a->basics->max_forwards == 0) return edge_refuse(a, 483, "Too Many Hops", out);
    unsigned status = edge_pass_body(a, a->flow, link, false, &body);
    if (status != 0) return edge_refuse(a, status, "", out);
    begin_request(o, a, link, out);
    if (!put_routes(o, a, out)) {
        return edge_refuse(a, 403, "A Route that does not lead through here", out);
    }
    if (m->method == SIP_METHOD_REGISTER)
        put_token(o, "Path", a->flow, true, out);
    else if (edge_makes_dialog(a))
        put_token(o, "Record-Route", a->flow, false, out);
    put_headers(m, true, body, out);
    return edge_forward(out, link);
}

/* A phone's answer repeats the Record-Routes it was shown; with others it would steer whoever called. */
static bool are_record_routes_ours(const struct edge_outer *o, const struct edge_arrival *a)
{
    struct sip_values all;
    struct str value;
    uint64_t flow;
    enum rc rc;
    sip_values_init(&all, a->message, SIP_HEADER_RECORD_ROUTE);
    while ((rc = sip_values_next(&all, &value)) == RC_OK) {
        enum route_kind kind = read_route(o, value, a->arena, &flow);
        if (kind != ROUTE_TOKEN && kind != ROUTE_INNER) return false;
        if (kind == ROUTE_TOKEN && flow != a->flow) return false;
    }
    return rc == RC_NOT_FOUND;
}

struct edge_decision edge_outer_from_phone(const struct edge_outer *o, const struct edge_arrival *a,
                                           uint64_t link, struct buf *out)
{
    uint64_t flow;
    struct str body;
    if (a->message->is_request) return request_from_phone(o, a, link, out);
    if (!read_via(o, a, &flow)) return edge_drop("an answer to nothing that was asked here");
    if (!are_record_routes_ours(o, a)) return edge_drop("Record-Routes it was not shown");
    if (edge_pass_body(a, a->flow, flow, false, &body) != 0) return edge_drop("no media for it");
    put_answer(a, true, body, out);
    return edge_forward(out, flow);
}

/* ---- from a link ---- */

static struct edge_decision request_from_link(const struct edge_outer *o,
                                              const struct edge_arrival *a, struct buf *out)
{
    struct sip_values routes;
    struct str value, body;
    enum route_kind kind = ROUTE_FOREIGN;
    uint64_t flow = 0;
    sip_values_init(&routes, a->message, SIP_HEADER_ROUTE);
    if (sip_values_next(&routes, &value) != RC_OK ||
        (kind = read_route(o, value, a->arena, &flow)) == ROUTE_FOREIGN || kind == ROUTE_INNER ||
        kind == ROUTE_PLAIN)
        return edge_refuse(a, 404, "No connection is named", out);
    if (kind == ROUTE_OLD_TOKEN) return edge_refuse(a, 430, "Flow Failed", out);
    if (a->basics->max_forwards == 0) return edge_refuse(a, 483, "Too Many Hops", out);
    unsigned status = edge_pass_body(a, flow, flow, true, &body);
    if (status != 0) return edge_refuse(a, status, "", out);
    begin_request(o, a, flow, out);
    enum rc rc;
    while ((rc = sip_values_next(&routes, &value)) == RC_OK)
        sip_print_header(out, SIP_HEADER_ROUTE, value);
    if (rc != RC_NOT_FOUND) {
        return edge_refuse(a, 400, "Malformed Route", out);
    }
    if (edge_makes_dialog(a)) put_token(o, "Record-Route", flow, false, out);
    put_headers(a->message, false, body, out);
    return edge_forward(out, flow);
}

struct edge_decision edge_outer_from_link(const struct edge_outer *o, const struct edge_arrival *a,
                                          struct buf *out)
{
    uint64_t flow;
    struct str body;
    if (a->message->is_request) return request_from_link(o, a, out);
    if (!read_via(o, a, &flow)) return edge_drop("an answer to nothing that was asked here");
    if (edge_pass_body(a, flow, flow, true, &body) != 0) return edge_drop("no media for it");
    put_answer(a, false, body, out);
    return edge_forward(out, flow);
}
