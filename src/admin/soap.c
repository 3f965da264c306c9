#include "admin/soap.h"

#include <stdio.h>

#define ENVELOPE "http://schemas.xmlsoap.org/soap/envelope/"
#define AXL      "http://www.cisco.com/AXL/API/"
enum { SEQUENCE_MAX = 20 /* digits of xsd:unsignedLong */ };

static const char *const versions[] = {"12.5", "14.0", "15.0"};

static const char *version_of(struct str ns)
{
    if (!str_starts(ns, STR(AXL))) return NULL;
    struct str v = str_sub(ns, sizeof AXL - 1, ns.n);
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        if (str_eq(v, str_from(versions[i]))) return versions[i];
    return NULL;
}

static bool is_number(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9') return false;
    return s.n <= SEQUENCE_MAX;
}

static const struct xml_node *child_in(const struct xml_node *node, const char *name)
{
    for (const struct xml_node *c = node->first_child; c; c = c->next)
        if (str_eq(c->name, str_from(name)) && str_eq(c->ns, STR(ENVELOPE))) return c;
    return NULL;
}

enum rc soap_read(struct str body, struct arena *arena, struct soap_call *out, const char **why)
{
    static const struct xml_limits limits = {
        .doc_max = 256 << 10, .depth_max = 16, .element_max = 2000, .namespaces = true};
    const struct xml_node *root, *content;
    enum rc rc = xml_parse(body, &limits, arena, &root, NULL);
    *out = (struct soap_call){.version = versions[0]};
    *why = rc == RC_TOO_BIG ? "The request is too long"
           : rc == RC_NOMEM ? "Out of memory"
                            : "The request is no well-formed XML, or has a DOCTYPE";
    if (rc != RC_OK) return rc == RC_UNSUPPORTED ? RC_MALFORMED : rc;
    *why = "The request is no SOAP 1.1 envelope with one operation in its Body";
    if (!str_eq(root->name, STR("Envelope")) || !str_eq(root->ns, STR(ENVELOPE)))
        return RC_MALFORMED;
    content = child_in(root, "Body");
    if (!content || xml_child_count(content) != 1) return RC_MALFORMED;
    out->args = content->first_child;
    out->operation = out->args->name;
    const char *version = version_of(out->args->ns);
    *why = "This version of AXL is not served: use 12.5, 14.0 or 15.0";
    if (!version) return RC_UNSUPPORTED;
    out->version = version;
    out->sequence = xml_attr(out->args, "sequence");
    *why = "sequence is a number";
    return is_number(out->sequence) ? RC_OK : RC_MALFORMED;
}

void soap_answer_begin(struct soap_answer *a, struct buf *out, const struct soap_call *call)
{
    a->out = out;
    snprintf(a->element, sizeof a->element, "ns:%.*sResponse", STR_ARG(call->operation));
    snprintf(a->namespace, sizeof a->namespace, AXL "%s", call->version);
    xml_writer_init(&a->xml, out, 0);
    xml_open(&a->xml, "soapenv:Envelope");
    xml_put_attr(&a->xml, "xmlns:soapenv", STR(ENVELOPE));
    xml_open(&a->xml, "soapenv:Body");
    xml_open(&a->xml, a->element);
    xml_put_attr(&a->xml, "xmlns:ns", str_from(a->namespace));
    if (call->sequence.n > 0) xml_put_attr(&a->xml, "sequence", call->sequence);
    xml_open(&a->xml, "return");
}

enum rc soap_answer_end(struct soap_answer *a)
{
    return xml_writer_finish(&a->xml);
}

/* ---- values ---- */

void soap_print_uuid(struct str pkid, char out[SOAP_UUID_LEN + 1])
{
    size_t n = 0;
    out[n++] = '{';
    for (size_t i = 0; i < pkid.n && n < SOAP_UUID_LEN - 1; i++) {
        char c = pkid.p[i];
        out[n++] = c >= 'a' && c <= 'f' ? (char)(c - 32) : c;
    }
    out[n++] = '}';
    out[n] = '\0';
}

enum rc soap_read_uuid(struct str text, struct arena *arena, struct str *pkid)
{
    char low[36];
    bool braced = text.n == 38 && text.p[0] == '{' && text.p[37] == '}';
    struct str s = braced ? str_sub(text, 1, 37) : text;
    if (s.n != sizeof low) return RC_MALFORMED;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (c >= 'A' && c <= 'F') c = (char)(c + 32);
        if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return RC_MALFORMED;
        low[i] = c;
    }
    return arena_str_dup(arena, str_of(low, sizeof low), pkid);
}

bool soap_like(struct str value, struct str pattern)
{
    /* Greedy with one step back: linear in value for each %. */
    size_t v = 0, p = 0, mark_v = 0, mark_p = 0;
    bool has_mark = false;
    while (v < value.n) {
        if (p < pattern.n && pattern.p[p] == '%') {
            has_mark = true;
            mark_p = ++p;
            mark_v = v;
        } else if (p < pattern.n &&
                   str_eq_nocase(str_sub(value, v, v + 1), str_sub(pattern, p, p + 1))) {
            v++;
            p++;
        } else if (has_mark) {
            p = mark_p;
            v = ++mark_v;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '%')
        p++;
    return p == pattern.n;
}

void soap_fault(struct buf *out, bool is_clients, int code, struct str message,
                struct str operation)
{
    struct xml_writer w;
    char number[16];
    snprintf(number, sizeof number, "%d", code);
    xml_writer_init(&w, out, 0);
    xml_open(&w, "soapenv:Envelope");
    xml_put_attr(&w, "xmlns:soapenv", STR(ENVELOPE));
    xml_open(&w, "soapenv:Body");
    xml_open(&w, "soapenv:Fault");
    xml_leaf(&w, "faultcode", is_clients ? STR("soapenv:Client") : STR("soapenv:Server"));
    xml_leaf(&w, "faultstring", message);
    xml_open(&w, "detail");
    xml_open(&w, "axlError");
    xml_leaf(&w, "axlcode", str_from(number));
    xml_leaf(&w, "axlmessage", message);
    xml_leaf(&w, "request", operation);
    if (xml_writer_finish(&w) != RC_OK) buf_reset(out);
}
