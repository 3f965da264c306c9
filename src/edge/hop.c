#include "edge/hop.h"

#include "crypto/digest.h"
#include "crypto/secret.h"
#include "edge/seal.h"
#include "sip/via.h"

#include <stdio.h>
#include <string.h>

_Static_assert(sizeof((struct edge_hop *)NULL)->key == EDGE_SEAL_KEY_LEN, "one derived key");

enum rc edge_hop_init(struct edge_hop *h, const struct edge_seal *seal, uint64_t boot,
                      struct str host, uint16_t port)
{
    *h = (struct edge_hop){.seal = seal, .boot = boot, .port = port};
    enum rc rc = edge_seal_derive(seal, "branches", h->key);
    if (rc == RC_OK) rc = str_to_cstr(host, h->host, sizeof h->host);
    return rc == RC_OK ? sip_host_parse(str_from(h->host), &h->sip_host) : rc;
}

void edge_hop_fini(struct edge_hop *h)
{
    crypto_wipe(h->key, sizeof h->key);
}

/* ---- verdicts ---- */

struct edge_decision edge_forward(const struct buf *out, uint64_t to)
{
    if (buf_rc(out) != RC_OK) return edge_drop("it has grown too big, or memory ran out");
    return (struct edge_decision){.verdict = EDGE_FORWARD, .to = to};
}

struct edge_decision edge_drop(const char *reason)
{
    return (struct edge_decision){.verdict = EDGE_DROP, .reason = reason};
}

struct edge_decision edge_refuse(const struct edge_arrival *a, unsigned status, const char *reason,
                                 struct buf *out)
{
    buf_reset(out);
    if (a->message->method == SIP_METHOD_ACK) return edge_drop(reason);
    return (struct edge_decision){.verdict = EDGE_ANSWER, .status = status, .reason = reason};
}

/* ---- names of connections ---- */

void edge_flow_name(const struct edge_hop *h, uint64_t flow, char out[EDGE_FLOW_NAME_MAX + 1])
{
    snprintf(out, EDGE_FLOW_NAME_MAX + 1, "%016llx.%llx", (unsigned long long)h->boot,
             (unsigned long long)flow);
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

bool edge_flow_read(const struct edge_hop *h, struct str name, uint64_t *flow)
{
    uint64_t boot;
    ptrdiff_t dot = str_find_char(name, '.');
    if (dot < 0) return false;
    if (!read_hex(str_sub(name, 0, (size_t)dot), &boot) || boot != h->boot) return false;
    return read_hex(str_sub(name, (size_t)dot + 1, name.n), flow);
}

static enum rc mac_of(const struct edge_hop *h, const char *what, const struct edge_way *way,
                      uint8_t mac[CRYPTO_DIGEST_MAX])
{
    uint64_t numbers[3] = {way->from, way->to, way->call};
    struct crypto_digest *d = crypto_digest_new_hmac(bytes_of(h->key, sizeof h->key));
    if (!d) return RC_NOMEM;
    crypto_digest_add(d, str_bytes(str_from(what)));
    crypto_digest_add(d, bytes_of((const uint8_t *)numbers, sizeof numbers));
    crypto_digest_add(d, str_bytes(way->below));
    enum rc rc = crypto_digest_finish(d, mac);
    crypto_digest_free(d);
    return rc;
}

enum rc edge_branch(const struct edge_hop *h, const struct edge_way *way,
                    char out[EDGE_BRANCH_LEN + 1])
{
    uint8_t mac[CRYPTO_DIGEST_MAX];
    struct buf b;
    enum rc rc = mac_of(h, "branch", way, mac);
    buf_init_fixed(&b, out, EDGE_BRANCH_LEN + 1);
    if (rc == RC_OK) buf_put_hex(&b, bytes_of(mac, EDGE_BRANCH_LEN / 2));
    out[b.n] = '\0';
    return rc;
}

bool edge_branch_fits(const struct edge_hop *h, const struct edge_way *way, struct str text)
{
    char branch[EDGE_BRANCH_LEN + 1];
    struct str cookie = STR(SIP_BRANCH_COOKIE "e");
    if (!str_starts(text, cookie) || edge_branch(h, way, branch) != RC_OK) return false;
    return crypto_equal(str_bytes(str_sub(text, cookie.n, text.n)),
                        bytes_of((const uint8_t *)branch, EDGE_BRANCH_LEN));
}

enum rc edge_call_number(const struct edge_hop *h, const struct edge_way *way, uint64_t *call)
{
    uint8_t mac[CRYPTO_DIGEST_MAX];
    enum rc rc = mac_of(h, "call", way, mac);
    if (rc != RC_OK) return rc;
    memcpy(call, mac, sizeof *call);
    if (*call == 0) *call = 1;
    return RC_OK;
}

bool edge_call_read(struct str text, uint64_t *call)
{
    return text.n == 16 && read_hex(text, call);
}

/* ---- tokens ---- */

void edge_put_flow_uri(const struct edge_hop *h, uint64_t flow, uint64_t call, struct buf *out)
{
    uint64_t plain[3] = {h->boot, flow, call};
    buf_put_lit(out, "sip:");
    edge_seal_print(h->seal, EDGE_SEAL_FLOW, str_of((const char *)plain, sizeof plain), out);
    buf_put_char(out, '@');
    sip_host_print(out, &h->sip_host);
    buf_printf(out, ":%u;transport=tls;lr", (unsigned)h->port);
}

enum rc edge_open_flow(const struct edge_hop *h, struct str token, struct arena *a, uint64_t *flow,
                       uint64_t *call)
{
    struct str text;
    uint64_t plain[3];
    enum rc rc = edge_seal_open(h->seal, EDGE_SEAL_FLOW, token, a, &text);
    if (rc != RC_OK) return rc;
    if (text.n != sizeof plain) return RC_DENIED;
    memcpy(plain, text.p, sizeof plain);
    *flow = plain[1];
    *call = plain[2];
    return plain[0] == h->boot ? RC_OK : RC_NOT_FOUND;
}

/* ---- what is handed on ---- */

static bool is_of_calls(enum sip_method m)
{
    return m == SIP_METHOD_INVITE || m == SIP_METHOD_ACK || m == SIP_METHOD_PRACK ||
           m == SIP_METHOD_UPDATE || m == SIP_METHOD_BYE;
}

unsigned edge_pass_body(const struct edge_arrival *a, uint64_t call, uint64_t to, bool to_party,
                        struct str *body)
{
    *body = a->message->body;
    if (!a->media || call == 0 || !is_of_calls(a->basics->cseq.method)) return 0;
    return a->media->pass(a->media->ctx, a, call, to, to_party, body);
}

bool edge_makes_dialog(const struct edge_arrival *a)
{
    enum sip_method m = a->message->method;
    return a->basics->to_tag.n == 0 &&
           (m == SIP_METHOD_INVITE || m == SIP_METHOD_SUBSCRIBE || m == SIP_METHOD_REFER);
}

bool edge_is_written_anew(enum sip_header_id id)
{
    return id == SIP_HEADER_VIA || id == SIP_HEADER_ROUTE || id == SIP_HEADER_MAX_FORWARDS ||
           id == SIP_HEADER_CONTENT_LENGTH;
}
