#include "edge/outer.h"

#include "crypto/digest.h"
#include "crypto/secret.h"
#include "edge/seal.h"
#include "sip/print.h"
#include "sip/values.h"

#include <stdlib.h>

enum { HOST_MAX = 253, KEY_LEN = 32, BRANCH_BYTES = 16, TOKEN_LEN = 16 };

struct edge_outer {
    const struct edge_seal *seal;
    uint8_t key[KEY_LEN]; /* of branches */
    uint64_t boot;        /* names this start: flows of another one are gone */
    char host[HOST_MAX + 1];
    struct sip_host sip_host;
    uint16_t port;
};

enum rc edge_outer_new(const struct edge_outer_config *config, struct edge_outer **out)
{
    struct edge_outer *o = calloc(1, sizeof *o);
    if (!o) return RC_NOMEM;
    o->seal = config->seal;
    o->port = config->port;
    random_fill(&config->random, o->key, sizeof o->key);
    o->boot = random_u64(&config->random);
    enum rc rc = str_to_cstr(config->host, o->host, sizeof o->host);
    if (rc == RC_OK) rc = sip_host_parse(str_from(o->host), &o->sip_host);
    if (rc == RC_OK)
        *out = o;
    else
        edge_outer_free(o);
    return rc;
}

struct edge_outer *edge_outer_free(struct edge_outer *o)
{
    if (o) crypto_wipe(o->key, sizeof o->key);
    free(o);
    return NULL;
}

static struct edge_decision forward(const struct buf *out, uint64_t to)
{
    if (buf_rc(out) != RC_OK)
        return (struct edge_decision){.verdict = EDGE_DROP, .reason = "too big"};
    return (struct edge_decision){.verdict = EDGE_FORWARD, .to = to};
}

static struct edge_decision drop(const char *reason)
{
    return (struct edge_decision){.verdict = EDGE_DROP, .reason = reason};
}

static struct edge_decision refuse(const struct edge_arrival *a, unsigned status,
                                   const char *reason)
{
    if (a->message->method == SIP_METHOD_ACK) return drop(reason);
    return (struct edge_decision){.verdict = EDGE_ANSWER, .status = status, .reason = reason};
}

/* ---- our Via ---- */

/* CANCEL and ACK to a refusal have the branch of their INVITE, so what is made of it is the same. */
static enum rc branch_of(const struct edge_outer *o, uint64_t from, uint64_t to, struct str branch,
                         char out[2 * BRANCH_BYTES + 1])
{
    uint8_t mac[CRYPTO_DIGEST_MAX];
    uint64_t ends[2] = {from, to};
    struct buf b;
    struct crypto_digest *d = crypto_digest_new_hmac(bytes_of(o->key, sizeof o->key));
    if (!d) return RC_NOMEM;
    crypto_digest_add(d, bytes_of((const uint8_t *)ends, sizeof ends));
    crypto_digest_add(d, str_bytes(branch));
    enum rc rc = crypto_digest_finish(d, mac);
    crypto_digest_free(d);
    buf_init_fixed(&b, out, 2 * BRANCH_BYTES + 1);
    buf_put_hex(&b, bytes_of(mac, BRANCH_BYTES));
    out[2 * BRANCH_BYTES] = '\0';
    return rc;
}

/* Via: SIP/2.0/TLS host:port;branch=z9hG4bKe...;edge-flow=BOOT.FLOW: flow is where the answer goes. */
static void put_via(const struct edge_outer *o, const struct edge_arrival *a, uint64_t to,
                    struct buf *out)
{
    char branch[2 * BRANCH_BYTES + 1];
    enum rc rc = branch_of(o, a->flow, to, a->basics->via.branch, branch);
    if (rc != RC_OK && out->rc == RC_OK) out->rc = rc;
    buf_put_lit(out, "Via: SIP/2.0/TLS ");
    sip_host_print(out, &o->sip_host);
    buf_printf(out, ":%u;branch=" SIP_BRANCH_COOKIE "e%s;edge-flow=%016llx.%llx\r\n",
               (unsigned)o->port, branch, (unsigned long long)o->boot, (unsigned long long)a->flow);
}

static bool read_hex(struct str s, uint64_t *out)
{
    uint64_t v = 0;
    if (s.n == 0 || s.n > 16) return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                                : 16;
        if (digit == 16) return false;
        v = v << 4 | digit;
    }
    *out = v;
    return true;
}

static bool read_flow_name(const struct edge_outer *o, struct str name, uint64_t *flow)
{
    uint64_t boot;
    ptrdiff_t dot = str_find_char(name, '.');
    if (dot < 0) return false;
    if (!read_hex(str_sub(name, 0, (size_t)dot), &boot) || boot != o->boot) return false;
    return read_hex(str_sub(name, (size_t)dot + 1, name.n), flow);
}

/* The flow our Via names, when the answer came from where the request had gone. */
static bool read_via(const struct edge_outer *o, const struct edge_arrival *a, uint64_t *flow)
{
    struct sip_values vias;
    struct str value;
    struct sip_via below;
    char branch[2 * BRANCH_BYTES + 1];
    const struct sip_via *top = &a->basics->via;
    if (!read_flow_name(o, sip_param_value(top->params, STR("edge-flow")), flow)) return false;
    sip_values_init(&vias, a->message, SIP_HEADER_VIA);
    if (sip_values_next(&vias, &value) != RC_OK || sip_values_next(&vias, &value) != RC_OK ||
        sip_via_parse(value, &below, NULL) != RC_OK ||
        branch_of(o, *flow, a->flow, below.branch, branch) != RC_OK)
        return false;
    struct str ours = top->branch;
    if (!str_starts(ours, STR(SIP_BRANCH_COOKIE "e"))) return false;
    ours = str_sub(ours, sizeof SIP_BRANCH_COOKIE, ours.n);
    return crypto_equal(str_bytes(ours), bytes_of((const uint8_t *)branch, 2 * BRANCH_BYTES));
}

/* ---- tokens ---- */

/* <sip:TOKEN@host:port;transport=tls;lr[;ob]>: the phone's connection. */
static void put_token(const struct edge_outer *o, const char *header, uint64_t flow, bool is_path,
                      struct buf *out)
{
    uint64_t plain[2] = {o->boot, flow};
    buf_printf(out, "%s: <sip:", header);
    edge_seal_print(o->seal, EDGE_SEAL_FLOW, str_of((const char *)plain, sizeof plain), out);
    buf_put_char(out, '@');
    sip_host_print(out, &o->sip_host);
    buf_printf(out, ":%u;transport=tls;lr%s>\r\n", (unsigned)o->port, is_path ? ";ob" : "");
}

enum route_kind { ROUTE_PLAIN, ROUTE_TOKEN, ROUTE_INNER, ROUTE_FOREIGN };

static enum route_kind read_route(const struct edge_outer *o, struct str value, struct arena *arena,
                                  uint64_t plain[2])
{
    struct sip_nameaddr na;
    struct sip_uri uri;
    struct str text;
    if (sip_nameaddr_parse(value, &na, NULL) != RC_OK || sip_uri_parse(na.uri, &uri, NULL) != RC_OK)
        return ROUTE_FOREIGN;
    if (!sip_uri_is_sip(&uri) || !sip_uri_param(&uri, STR("lr"), NULL)) return ROUTE_FOREIGN;
    if (str_eq_nocase(uri.host.text, STR(EDGE_INNER_HOST)) && uri.has_user) return ROUTE_INNER;
    if (!sip_host_eq(&uri.host, &o->sip_host)) return ROUTE_FOREIGN;
    if ((uri.port != 0 ? uri.port : sip_transport_port(SIP_TRANSPORT_TLS)) != o->port)
        return ROUTE_FOREIGN;
    if (!uri.has_user) return ROUTE_PLAIN;
    if (edge_seal_open(o->seal, EDGE_SEAL_FLOW, uri.user, arena, &text) != RC_OK ||
        text.n != TOKEN_LEN)
        return ROUTE_FOREIGN;
    memcpy(plain, text.p, TOKEN_LEN);
    return ROUTE_TOKEN;
}

/* ---- what is handed on ---- */

static bool is_written_anew(enum sip_header_id id)
{
    return id == SIP_HEADER_VIA || id == SIP_HEADER_ROUTE || id == SIP_HEADER_MAX_FORWARDS ||
           id == SIP_HEADER_CONTENT_LENGTH;
}

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

static void put_headers(const struct sip_message *m, bool from_outside, struct buf *out)
{
    for (unsigned i = 0; i < m->header_count; i++) {
        const struct sip_header *h = &m->headers[i];
        enum sip_header_id id = (enum sip_header_id)h->id;
        if (is_written_anew(id) || (from_outside && is_an_assertion(id))) continue;
        if (from_outside && m->is_request && id == SIP_HEADER_RECORD_ROUTE) continue;
        sip_print_header_named(out, h->name, h->value);
    }
    sip_print_body(out, STR(""), m->body);
}

static bool makes_dialog(const struct edge_arrival *a)
{
    enum sip_method m = a->message->method;
    return a->basics->to_tag.n == 0 &&
           (m == SIP_METHOD_INVITE || m == SIP_METHOD_SUBSCRIBE || m == SIP_METHOD_REFER);
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
static void put_answer(const struct edge_arrival *a, bool from_outside, struct buf *out)
{
    struct sip_values vias;
    struct str value;
    sip_print_status_line(out, a->message->status, a->message->reason);
    sip_values_init(&vias, a->message, SIP_HEADER_VIA);
    enum rc rc = sip_values_next(&vias, &value);
    while (rc == RC_OK && (rc = sip_values_next(&vias, &value)) == RC_OK)
        sip_print_header(out, SIP_HEADER_VIA, value);
    put_headers(a->message, from_outside, out);
}

/* ---- from a phone ---- */

/* Ours are taken off; behind them one of an inner edge may stand. Foreign ones and tokens that were not
 * made here lead nowhere. */
static bool put_routes(const struct edge_outer *o, const struct edge_arrival *a, struct buf *out)
{
    struct sip_values routes;
    struct str value;
    uint64_t plain[2];
    unsigned count = 0;
    bool is_behind = false;
    enum rc rc;
    sip_values_init(&routes, a->message, SIP_HEADER_ROUTE);
    while ((rc = sip_values_next(&routes, &value)) == RC_OK) {
        enum route_kind kind = read_route(o, value, a->arena, plain);
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
    struct str value;
    sip_values_init(&vias, m, SIP_HEADER_VIA);
    if (sip_values_next(&vias, &value) != RC_OK || sip_values_next(&vias, &value) != RC_NOT_FOUND)
        return refuse(a, 400, "A phone's request has one Via");
    if (!sip_via_has_branch(&a->basics->via)) return refuse(a, 400, "Via without RFC 3261 branch");
    if (a->basics->max_forwards == 0) return refuse(a, 483, "Too Many Hops");
    begin_request(o, a, link, out);
    if (!put_routes(o, a, out)) {
        buf_reset(out);
        return refuse(a, 403, "A Route that does not lead through here");
    }
    if (m->method == SIP_METHOD_REGISTER)
        put_token(o, "Path", a->flow, true, out);
    else if (makes_dialog(a))
        put_token(o, "Record-Route", a->flow, false, out);
    put_headers(m, true, out);
    return forward(out, link);
}

/* A phone's answer repeats the Record-Routes it was shown; with others it would steer whoever called. */
static bool are_record_routes_ours(const struct edge_outer *o, const struct edge_arrival *a)
{
    struct sip_values all;
    struct str value;
    uint64_t plain[2];
    enum rc rc;
    sip_values_init(&all, a->message, SIP_HEADER_RECORD_ROUTE);
    while ((rc = sip_values_next(&all, &value)) == RC_OK) {
        enum route_kind kind = read_route(o, value, a->arena, plain);
        if (kind != ROUTE_TOKEN && kind != ROUTE_INNER) return false;
        if (kind == ROUTE_TOKEN && (plain[0] != o->boot || plain[1] != a->flow)) return false;
    }
    return rc == RC_NOT_FOUND;
}

struct edge_decision edge_outer_from_phone(const struct edge_outer *o, const struct edge_arrival *a,
                                           uint64_t link, struct buf *out)
{
    uint64_t flow;
    if (a->message->is_request) return request_from_phone(o, a, link, out);
    if (!read_via(o, a, &flow)) return drop("an answer to nothing that was asked here");
    if (!are_record_routes_ours(o, a)) return drop("Record-Routes it was not shown");
    put_answer(a, true, out);
    return forward(out, flow);
}

/* ---- from a link ---- */

static struct edge_decision request_from_link(const struct edge_outer *o,
                                              const struct edge_arrival *a, struct buf *out)
{
    struct sip_values routes;
    struct str value;
    uint64_t plain[2] = {0, 0};
    sip_values_init(&routes, a->message, SIP_HEADER_ROUTE);
    if (sip_values_next(&routes, &value) != RC_OK ||
        read_route(o, value, a->arena, plain) != ROUTE_TOKEN)
        return refuse(a, 404, "No connection is named");
    if (plain[0] != o->boot) return refuse(a, 430, "Flow Failed");
    if (a->basics->max_forwards == 0) return refuse(a, 483, "Too Many Hops");
    begin_request(o, a, plain[1], out);
    enum rc rc;
    while ((rc = sip_values_next(&routes, &value)) == RC_OK)
        sip_print_header(out, SIP_HEADER_ROUTE, value);
    if (rc != RC_NOT_FOUND) {
        buf_reset(out);
        return refuse(a, 400, "Malformed Route");
    }
    if (makes_dialog(a)) put_token(o, "Record-Route", plain[1], false, out);
    put_headers(a->message, false, out);
    return forward(out, plain[1]);
}

struct edge_decision edge_outer_from_link(const struct edge_outer *o, const struct edge_arrival *a,
                                          struct buf *out)
{
    uint64_t flow;
    if (a->message->is_request) return request_from_link(o, a, out);
    if (!read_via(o, a, &flow)) return drop("an answer to nothing that was asked here");
    put_answer(a, false, out);
    return forward(out, flow);
}
