#include "sip/validate.h"
#include "sip/lex_int.h"
#include "sip/status.h"
#include <stdio.h>

enum { MAX_FORWARDS_DEFAULT = 70 };

/* One judgement under way: fails once, with the first thing found. */
struct judge {
    const struct sip_message *m;
    struct sip_basics *b;
    struct sip_verdict *v;
    bool via_is_whole;
};

/* Always false, so that a check can end with it. */
static bool judge_fail(struct judge *j, unsigned status, enum sip_header_id header,
                       const char *what)
{
    struct sip_verdict *v = j->v;
    struct str phrase = sip_status_reason(status), name = sip_header_name(header);
    v->action = SIP_ANSWER;
    v->status = status;
    v->header = header;
    (void)snprintf(v->reason, sizeof(v->reason), "%.*s: %.*s%s%s", STR_ARG(phrase), STR_ARG(name),
                   name.n > 0 ? " " : "", what);
    return false;
}

static bool judge_bad(struct judge *j, enum sip_header_id header, const char *what)
{
    return judge_fail(j, 400, header, what);
}

/* The top Via as far as it goes; without a readable one nobody can be answered. */
static bool judge_has_via(struct judge *j)
{
    struct sip_values vias;
    sip_values_init(&vias, j->m, SIP_HEADER_VIA);
    if (sip_values_next(&vias, &j->b->via_value) == RC_OK) {
        j->via_is_whole = sip_via_parse(j->b->via_value, &j->b->via, NULL) == RC_OK;
        if (j->via_is_whole) return true;
        if (sip_via_parse_sent_by(j->b->via_value, &j->b->via) == RC_OK) return true;
    }
    j->v->action = SIP_DROP;
    j->v->header = SIP_HEADER_VIA;
    (void)snprintf(j->v->reason, sizeof(j->v->reason), "Via missing or malformed");
    return false;
}

static bool judge_version(struct judge *j)
{
    if (str_eq_nocase(j->m->version, STR("SIP/2.0"))) return true;
    return judge_fail(j, 505, SIP_HEADER_OTHER, "SIP version in start line");
}

static bool judge_structure(struct judge *j)
{
    const struct sip_fault *fault = &j->m->fault;
    if (fault->rc == RC_TOO_BIG)
        return judge_fail(j, 513, SIP_HEADER_OTHER, "too many header fields");
    if (fault->rc != RC_OK) {
        char what[48];
        (void)snprintf(what, sizeof(what), "%s malformed", fault->what);
        return judge_bad(j, SIP_HEADER_OTHER, what);
    }
    switch (j->m->body_state) {
    case SIP_BODY_OK: return true;
    case SIP_BODY_NO_LENGTH: return judge_bad(j, SIP_HEADER_CONTENT_LENGTH, "missing");
    case SIP_BODY_BAD_LENGTH: return judge_bad(j, SIP_HEADER_CONTENT_LENGTH, "malformed");
    case SIP_BODY_SHORT: return judge_bad(j, SIP_HEADER_CONTENT_LENGTH, "beyond the message");
    }
    return true;
}

static bool judge_via(struct judge *j)
{
    if (!j->via_is_whole) return judge_bad(j, SIP_HEADER_VIA, "malformed");
    if (str_eq_nocase(j->b->via.branch, STR(SIP_BRANCH_COOKIE)))
        return judge_bad(j, SIP_HEADER_VIA, "branch is empty behind its cookie");
    return true;
}

/* No header field that may stand once stands twice. */
static bool judge_singles(struct judge *j)
{
    for (unsigned i = 0; i < j->m->header_count; i++) {
        const struct sip_header *h = &j->m->headers[i];
        if (h->next == SIP_HEADER_NONE || !sip_header_is_single((enum sip_header_id)h->id))
            continue;
        return judge_bad(j, (enum sip_header_id)h->id, "stands more than once");
    }
    return true;
}

static bool judge_address(struct judge *j, enum sip_header_id id, struct sip_nameaddr *n,
                          struct sip_uri *uri, struct str *tag)
{
    const struct sip_header *h = sip_message_find(j->m, id);
    if (!h) return judge_bad(j, id, "missing");
    if (sip_nameaddr_parse_uri(h->value, n, uri, NULL) != RC_OK)
        return judge_bad(j, id, "malformed");
    *tag = sip_nameaddr_tag(n);
    return true;
}

static bool judge_call_id(struct judge *j)
{
    const struct sip_header *h = sip_message_find(j->m, SIP_HEADER_CALL_ID);
    if (!h) return judge_bad(j, SIP_HEADER_CALL_ID, "missing");
    j->b->call_id = h->value;
    if (h->value.n == 0) return judge_bad(j, SIP_HEADER_CALL_ID, "empty");
    for (size_t i = 0; i < h->value.n; i++) {
        if (lex_is(h->value.p[i], LEX_LWS)) return judge_bad(j, SIP_HEADER_CALL_ID, "malformed");
    }
    return true;
}

static bool judge_cseq(struct judge *j)
{
    const struct sip_header *h = sip_message_find(j->m, SIP_HEADER_CSEQ);
    if (!h) return judge_bad(j, SIP_HEADER_CSEQ, "missing");
    enum rc rc = sip_cseq_parse(h->value, &j->b->cseq);
    if (rc == RC_TOO_BIG) return judge_bad(j, SIP_HEADER_CSEQ, "number out of range");
    if (rc != RC_OK) return judge_bad(j, SIP_HEADER_CSEQ, "malformed");
    if (!j->m->is_request || str_eq(j->b->cseq.method_text, j->m->method_text)) return true;
    if (j->m->method == SIP_METHOD_OTHER)
        return judge_fail(j, 501, SIP_HEADER_CSEQ, "method differs from request line");
    return judge_bad(j, SIP_HEADER_CSEQ, "method differs from request line");
}

/* What requests and responses have in common. */
static bool judge_common(struct judge *j)
{
    struct sip_basics *b = j->b;
    return judge_has_via(j) && judge_version(j) && judge_structure(j) && judge_via(j) &&
           judge_singles(j) &&
           judge_address(j, SIP_HEADER_FROM, &b->from, &b->from_uri, &b->from_tag) &&
           judge_address(j, SIP_HEADER_TO, &b->to, &b->to_uri, &b->to_tag) && judge_call_id(j) &&
           judge_cseq(j);
}

static bool judge_request_uri(struct judge *j)
{
    if (sip_uri_parse(j->m->uri, &j->b->uri, NULL) != RC_OK)
        return judge_bad(j, SIP_HEADER_OTHER, "Request-URI malformed");
    if (j->b->uri.headers.n > 0) return judge_bad(j, SIP_HEADER_OTHER, "Request-URI has headers");
    return true;
}

static bool judge_numbers(struct judge *j)
{
    uint32_t expires;
    j->b->max_forwards = MAX_FORWARDS_DEFAULT;
    enum rc rc = sip_max_forwards(j->m, &j->b->max_forwards);
    if (rc == RC_MALFORMED) return judge_bad(j, SIP_HEADER_MAX_FORWARDS, "malformed");
    j->b->has_max_forwards = rc == RC_OK;
    if (sip_expires(j->m, &expires) == RC_MALFORMED)
        return judge_bad(j, SIP_HEADER_EXPIRES, "malformed");
    return true;
}

static void judge_note_contact(struct sip_basics *b, struct str value, const struct sip_nameaddr *n,
                               const struct sip_uri *uri)
{
    b->has_contact = true;
    b->contact_value = value;
    b->contact = *n;
    b->contact_uri = *uri;
}

/* Every value is an address; '*' only as the one Contact of a REGISTER (RFC 3261, 10.2.2). */
static bool judge_addresses(struct judge *j, enum sip_header_id id)
{
    struct sip_values values;
    struct str value;
    struct sip_nameaddr n;
    struct sip_uri uri;
    unsigned count = 0, stars = 0;
    enum rc rc;
    sip_values_init(&values, j->m, id);
    while ((rc = sip_values_next(&values, &value)) == RC_OK) {
        count++;
        if (sip_nameaddr_parse(value, &n, NULL) != RC_OK) return judge_bad(j, id, "malformed");
        stars += n.is_star;
        uri = (struct sip_uri){0};
        if (!n.is_star && sip_uri_parse(n.uri, &uri, NULL) != RC_OK)
            return judge_bad(j, id, "URI malformed");
        if (id == SIP_HEADER_CONTACT && count == 1) judge_note_contact(j->b, value, &n, &uri);
    }
    if (rc == RC_MALFORMED) return judge_bad(j, id, "malformed");
    bool star_fits = id == SIP_HEADER_CONTACT && j->m->method == SIP_METHOD_REGISTER && count == 1;
    if (stars > 0 && !star_fits) return judge_bad(j, id, "'*' not allowed here");
    return true;
}

static bool judge_register(struct judge *j)
{
    if (j->m->method != SIP_METHOD_REGISTER || sip_uri_is_sip(&j->b->to_uri)) return true;
    return judge_bad(j, SIP_HEADER_TO, "is no SIP address");
}

static bool judge_request(struct judge *j)
{
    return judge_common(j) && judge_request_uri(j) && judge_numbers(j) &&
           judge_addresses(j, SIP_HEADER_CONTACT) && judge_addresses(j, SIP_HEADER_ROUTE) &&
           judge_addresses(j, SIP_HEADER_RECORD_ROUTE) && judge_register(j);
}

void sip_validate(const struct sip_message *m, enum sip_arrival arrival, struct sip_basics *basics,
                  struct sip_verdict *verdict)
{
    struct judge j = {m, basics, verdict, false};
    memset(basics, 0, sizeof(*basics));
    *verdict = (struct sip_verdict){.action = SIP_ACCEPT};
    bool ok = m->is_request ? judge_request(&j) : judge_common(&j);
    verdict->must_close = arrival == SIP_STREAM && m->body_state != SIP_BODY_OK;
    if (ok) return;
    if (!m->is_request || m->method == SIP_METHOD_ACK) verdict->action = SIP_DROP;
}
