#include "sip/via.h"
#include "sip/lex_int.h"

static const struct {
    struct str text;
    uint16_t port;
} transports[] = {
    [SIP_TRANSPORT_OTHER] = {STR_INIT(""), 5060},    [SIP_TRANSPORT_UDP] = {STR_INIT("UDP"), 5060},
    [SIP_TRANSPORT_TCP] = {STR_INIT("TCP"), 5060},   [SIP_TRANSPORT_TLS] = {STR_INIT("TLS"), 5061},
    [SIP_TRANSPORT_SCTP] = {STR_INIT("SCTP"), 5060}, [SIP_TRANSPORT_WS] = {STR_INIT("WS"), 80},
    [SIP_TRANSPORT_WSS] = {STR_INIT("WSS"), 443},
};
enum { TRANSPORT_COUNT = sizeof(transports) / sizeof(transports[0]) };

struct str sip_transport_text(enum sip_transport t)
{
    return (unsigned)t < TRANSPORT_COUNT ? transports[t].text : STR("");
}

uint16_t sip_transport_port(enum sip_transport t)
{
    return (unsigned)t < TRANSPORT_COUNT ? transports[t].port : 5060;
}

enum sip_transport sip_transport_from_text(struct str text)
{
    for (int t = SIP_TRANSPORT_OTHER + 1; t < TRANSPORT_COUNT; t++) {
        if (str_eq_nocase(text, transports[t].text)) return (enum sip_transport)t;
    }
    return SIP_TRANSPORT_OTHER;
}

/* sent-protocol LWS sent-by; sent-protocol = "SIP" SLASH "2.0" SLASH transport. RFC 3261, 25.1 */
static bool via_sent_by(struct cur *c, struct sip_via *v, struct str *version)
{
    struct str name;
    if (!lex_token(c, &name) || !lex_eq_lower(name, STR("sip")) || !lex_sep(c, '/')) return false;
    if (!lex_token(c, version) || !lex_sep(c, '/')) return false;
    if (!lex_token(c, &v->transport_text)) return false;
    v->transport = sip_transport_from_text(v->transport_text);
    const char *gap = c->p;
    lex_lws(c);
    if (c->p == gap || sip_host_read(c, &v->host) != RC_OK) return false;
    return !lex_sep(c, ':') || sip_port_read(c, &v->port) == RC_OK;
}

static struct str via_unbracketed(struct str s)
{
    bool both = s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']';
    return both ? str_sub(s, 1, s.n - 1) : s;
}

static bool via_rport(const struct sip_param *p, struct sip_via *v)
{
    struct cur c = cur_of(p->value);
    v->has_rport = true;
    if (!p->has_value) return true;
    return sip_port_read(&c, &v->rport) == RC_OK && cur_at_end(&c);
}

static bool via_param(const struct sip_param *p, struct sip_via *v)
{
    switch (p->name.n) {
    case 5:
        if (lex_eq_lower(p->name, STR("rport"))) return via_rport(p, v);
        if (lex_eq_lower(p->name, STR("maddr"))) v->maddr = via_unbracketed(p->value);
        return true;
    case 6:
        if (lex_eq_lower(p->name, STR("branch"))) v->branch = p->value;
        return true;
    case 8:
        if (lex_eq_lower(p->name, STR("received"))) v->received = via_unbracketed(p->value);
        return true;
    default: return true;
    }
}

enum rc sip_via_parse(struct str value, struct sip_via *out, struct parse_at *at)
{
    struct sip_via v = {.transport = SIP_TRANSPORT_OTHER};
    struct str text = lex_trim(value);
    struct cur c = cur_of(text);
    struct str version;
    if (!via_sent_by(&c, &v, &version) || !str_eq(version, STR("2.0")))
        return lex_fail(at, value, c.p, "sent-by of a Via", RC_MALFORMED);
    lex_lws(&c);
    struct str rest = cur_rest(&c);
    struct sip_param p;
    enum rc rc;
    v.params = rest;
    while ((rc = sip_param_next(&rest, &p)) == RC_OK) {
        if (!via_param(&p, &v)) return lex_fail(at, value, p.value.p, "a port", RC_MALFORMED);
    }
    if (rc != RC_NOT_FOUND) return lex_fail(at, value, rest.p, "a Via parameter", RC_MALFORMED);
    *out = v;
    return RC_OK;
}

enum rc sip_via_parse_sent_by(struct str value, struct sip_via *out)
{
    struct sip_via v = {.transport = SIP_TRANSPORT_OTHER};
    struct cur c = cur_of(lex_trim(value));
    struct str version;
    if (!via_sent_by(&c, &v, &version)) return RC_MALFORMED;
    *out = v;
    return RC_OK;
}

bool sip_via_has_branch(const struct sip_via *v)
{
    const struct str cookie = STR(SIP_BRANCH_COOKIE);
    return v->branch.n > cookie.n && str_starts_nocase(v->branch, cookie);
}
