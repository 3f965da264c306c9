#include "call/route.h"

#include "base/base64.h"
#include "base/check.h"
#include "crypto/digest.h"
#include "crypto/secret.h"
#include "sip/number.h"
#include "sip/print.h"

#include <assert.h>

/* ---- tokens ---- */

enum { TOKEN_BODY = 25, TOKEN_MAC = 16, TOKEN_BYTES = TOKEN_BODY + TOKEN_MAC, TOKEN_VERSION = 1 };
static_assert(BASE64URL_LEN(TOKEN_BYTES) == CALL_TOKEN_LEN, "letters of a token");

static void put_u64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (56 - 8 * i));
}

static uint64_t get_u64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

enum rc call_token_print(struct buf *out, struct crypto_digest *mac, const struct call_token *t)
{
    uint8_t raw[TOKEN_BODY + CRYPTO_DIGEST_MAX] = {TOKEN_VERSION};
    put_u64(raw + 1, t->flow[CALL_CALLER]);
    put_u64(raw + 9, t->flow[CALL_CALLEE]);
    put_u64(raw + 17, t->call);
    crypto_digest_add(mac, bytes_of(raw, TOKEN_BODY));
    enum rc rc = crypto_digest_finish(mac, raw + TOKEN_BODY);
    if (rc == RC_OK) base64url_print(out, bytes_of(raw, TOKEN_BYTES));
    return rc;
}

enum rc call_token_read(struct str text, struct crypto_digest *mac, struct call_token *out)
{
    uint8_t raw[TOKEN_BYTES], sum[CRYPTO_DIGEST_MAX];
    size_t n;
    if (text.n != CALL_TOKEN_LEN) return RC_DENIED;
    if (base64url_decode(text, raw, sizeof raw, &n) != RC_OK || n != sizeof raw) return RC_DENIED;
    if (raw[0] != TOKEN_VERSION) return RC_DENIED;
    crypto_digest_add(mac, bytes_of(raw, TOKEN_BODY));
    if (crypto_digest_finish(mac, sum) != RC_OK) return RC_DENIED;
    if (!crypto_equal(bytes_of(sum, TOKEN_MAC), bytes_of(raw + TOKEN_BODY, TOKEN_MAC)))
        return RC_DENIED;
    out->flow[CALL_CALLER] = get_u64(raw + 1);
    out->flow[CALL_CALLEE] = get_u64(raw + 9);
    out->call = get_u64(raw + 17);
    return RC_OK;
}

/* ---- Record-Route ---- */

static void print_hop(struct buf *out, const struct call_hop *hop)
{
    static const char *const transports[SIPTX_TRANSPORT_COUNT] = {"udp", "tcp", "tls"};
    net_addr_print(out, &hop->local);
    buf_put_lit(out, ";transport=");
    buf_put_str(out, str_from(transports[hop->transport]));
    buf_put_lit(out, ";lr>\r\n");
}

static void print_one(struct buf *out, struct str token, const struct call_hop *hop)
{
    buf_put_lit(out, "Record-Route: <sip:");
    buf_put_str(out, token);
    buf_put_char(out, '@');
    print_hop(out, hop);
}

void call_route_print_service(struct buf *out, const struct call_hop *hop)
{
    buf_put_lit(out, "Service-Route: <sip:");
    print_hop(out, hop);
}

void call_route_print_record(struct buf *out, struct str token, const struct call_hop *from,
                             const struct call_hop *to)
{
    bool same = from->transport == to->transport && net_addr_eq(&from->local, &to->local);
    if (!same) print_one(out, token, to);
    print_one(out, token, from);
}

/* ---- Route ---- */

/* What one URI is to us. */
static bool is_own(const struct sip_uri *uri, struct crypto_digest *mac, call_is_ours_fn *is_ours,
                   void *ctx, struct call_route *out)
{
    struct call_token token;
    if (!sip_uri_is_sip(uri)) return false;
    if (uri->has_user && call_token_read(uri->user, mac, &token) == RC_OK) {
        if (!out->has_token) out->token = token;
        out->has_token = true;
        return true;
    }
    return is_ours(ctx, uri);
}

static enum rc last_route(const struct sip_message *m, struct str *out)
{
    struct sip_values values;
    struct sip_nameaddr last;
    struct str value;
    enum rc rc;
    bool found = false;
    sip_values_init(&values, m, SIP_HEADER_ROUTE);
    while ((rc = sip_values_next(&values, &value)) == RC_OK) {
        if (sip_nameaddr_parse(value, &last, NULL) != RC_OK) return RC_MALFORMED;
        found = true;
    }
    if (rc != RC_NOT_FOUND) return RC_MALFORMED;
    if (found) *out = last.uri;
    return found ? RC_OK : RC_NOT_FOUND;
}

enum rc call_route_read(const struct sip_message *m, const struct sip_uri *uri,
                        struct crypto_digest *mac, call_is_ours_fn *is_ours, void *ctx,
                        struct call_route *out)
{
    struct call_token token;
    *out = (struct call_route){.uri = m->uri};
    /* A strict router before us put our Record-Route into the Request-URI (16.4). */
    if (sip_uri_is_sip(uri) && uri->has_user && call_token_read(uri->user, mac, &token) == RC_OK) {
        out->has_token = true;
        out->token = token;
        enum rc rc = last_route(m, &out->uri);
        if (rc != RC_OK) return RC_MALFORMED;
        out->drops_last = true;
    }
    struct sip_values values;
    struct str value;
    enum rc rc;
    size_t count = sip_message_count(m, SIP_HEADER_ROUTE), seen = 0;
    if (count == 0) return RC_OK;
    sip_values_init(&values, m, SIP_HEADER_ROUTE);
    while ((rc = sip_values_next(&values, &value)) == RC_OK) {
        struct sip_nameaddr na;
        struct sip_uri route;
        if (sip_nameaddr_parse_uri(value, &na, &route, NULL) != RC_OK) return RC_MALFORMED;
        seen++;
        if (out->next.n > 0) continue;
        if (is_own(&route, mac, is_ours, ctx, out)) {
            out->skip = seen;
        } else {
            out->next = na.uri;
            out->next_is_strict = !sip_uri_param(&route, STR("lr"), NULL);
        }
    }
    if (rc != RC_NOT_FOUND) return RC_MALFORMED;
    /* The last one is the Request-URI already and names no next hop. */
    if (out->drops_last && out->skip + 1 >= seen) {
        out->next = STR("");
        out->next_is_strict = false;
    }
    return RC_OK;
}

/* The values that are left, one after the other. */
struct left {
    struct sip_values values;
    size_t at, end;
};

static struct left left_of(const struct sip_message *m, const struct call_route *r)
{
    struct left l = {.at = 0};
    struct str value;
    sip_values_init(&l.values, m, SIP_HEADER_ROUTE);
    while (sip_values_next(&l.values, &value) == RC_OK)
        l.end++;
    if (r->drops_last && l.end > 0) l.end--;
    sip_values_init(&l.values, m, SIP_HEADER_ROUTE);
    while (l.at < r->skip && l.at < l.end && sip_values_next(&l.values, &value) == RC_OK)
        l.at++;
    return l;
}

static bool left_next(struct left *l, struct str *value)
{
    if (l->at >= l->end || sip_values_next(&l->values, value) != RC_OK) return false;
    l->at++;
    return true;
}

static bool uri_is_strict(struct str value, struct str *text)
{
    struct sip_nameaddr na;
    struct sip_uri uri;
    if (sip_nameaddr_parse_uri(value, &na, &uri, NULL) != RC_OK) return false;
    *text = na.uri;
    return sip_uri_is_sip(&uri) && !sip_uri_param(&uri, STR("lr"), NULL);
}

void call_route_print(struct buf *out, const struct sip_message *m, const struct call_route *r,
                      struct str path, struct str *uri)
{
    struct left l = left_of(m, r);
    struct str value, first, target = *uri, rest = path.n > 0 ? path : (struct str){NULL, 0};
    bool is_first = true, strict = false;
    for (;;) {
        bool from_path = rest.p && sip_value_split(&rest, &value) == RC_OK;
        if (!from_path && !left_next(&l, &value)) break;
        if (is_first && uri_is_strict(value, &first)) {
            strict = true;
            *uri = first;
        } else {
            sip_print_header(out, SIP_HEADER_ROUTE, value);
        }
        is_first = false;
    }
    if (!strict) return;
    buf_put_lit(out, "Route: <");
    buf_put_str(out, target);
    buf_put_lit(out, ">\r\n");
}

/* ---- loops ---- */

static uint64_t hash_headers(const struct hash_key *key, const struct sip_message *m,
                             enum sip_header_id id)
{
    uint64_t sum = id;
    const struct sip_header *h = sip_message_find(m, id);
    for (; h; h = sip_message_next(m, h)) {
        uint64_t parts[] = {sum, hash_str(key, h->value)};
        sum = hash_bytes(key, parts, sizeof parts);
    }
    return sum;
}

uint64_t call_loop_hash(const struct hash_key *key, const struct sip_message *m,
                        const struct sip_basics *basics)
{
    uint64_t parts[] = {
        hash_str(key, m->uri),
        hash_str(key, basics->from_tag),
        hash_str(key, basics->to_tag),
        hash_str(key, basics->call_id),
        (uint64_t)basics->cseq.number << 32 | basics->cseq.method,
        hash_headers(key, m, SIP_HEADER_ROUTE),
        hash_headers(key, m, SIP_HEADER_PROXY_REQUIRE),
    };
    return hash_bytes(key, parts, sizeof parts);
}

void call_loop_param(char out[CALL_LOOP_PARAM_LEN + 1], uint64_t hash)
{
    memcpy(out, ";loop=", 6);
    for (int i = 0; i < 16; i++)
        out[6 + i] = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
    out[CALL_LOOP_PARAM_LEN] = '\0';
}

bool call_loop_found(const struct sip_message *m, uint64_t hash)
{
    char own[CALL_LOOP_PARAM_LEN + 1];
    struct sip_values values;
    struct str value;
    call_loop_param(own, hash);
    struct str want = str_sub(str_from(own), 6, CALL_LOOP_PARAM_LEN);
    sip_values_init(&values, m, SIP_HEADER_VIA);
    while (sip_values_next(&values, &value) == RC_OK) {
        struct sip_via via;
        if (sip_via_parse(value, &via, NULL) != RC_OK) continue;
        if (str_eq(sip_param_value(via.params, STR("loop")), want)) return true;
    }
    return false;
}

unsigned call_breadth(const struct sip_message *m)
{
    const struct sip_header *h = sip_message_by_name(m, STR("Max-Breadth"), NULL);
    uint64_t n;
    if (!h || sip_number_parse(h->value, UINT32_MAX, &n) != RC_OK) return CALL_BREADTH;
    return n < CALL_BREADTH ? (unsigned)n : CALL_BREADTH;
}
