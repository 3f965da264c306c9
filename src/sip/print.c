#include "sip/print.h"
#include "sip/lex_int.h"
#include "sip/nameaddr.h"
#include "sip/status.h"

static void print_crlf(struct buf *out)
{
    buf_put_lit(out, "\r\n");
}

void sip_print_request_line(struct buf *out, struct str method, struct str uri)
{
    buf_put_str(out, method);
    buf_put_char(out, ' ');
    buf_put_str(out, uri);
    buf_put_lit(out, " SIP/2.0\r\n");
}

static bool print_is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

void sip_print_status_line(struct buf *out, unsigned status, struct str reason)
{
    if (reason.n == 0) reason = sip_status_reason(status);
    buf_put_lit(out, "SIP/2.0 ");
    buf_put_u64(out, status);
    buf_put_char(out, ' ');
    for (size_t i = 0; i < reason.n; i++)
        buf_put_char(out, print_is_control(reason.p[i]) ? ' ' : reason.p[i]);
    print_crlf(out);
}

void sip_print_unfolded(struct buf *out, struct str value)
{
    lex_unfold(out, value);
}

void sip_print_header_named(struct buf *out, struct str name, struct str value)
{
    buf_put_str(out, name);
    buf_put_lit(out, ": ");
    lex_unfold(out, value);
    print_crlf(out);
}

void sip_print_header(struct buf *out, enum sip_header_id id, struct str value)
{
    sip_print_header_named(out, sip_header_name(id), value);
}

void sip_print_header_u64(struct buf *out, enum sip_header_id id, uint64_t value)
{
    buf_put_str(out, sip_header_name(id));
    buf_put_lit(out, ": ");
    buf_put_u64(out, value);
    print_crlf(out);
}

void sip_print_copies(struct buf *out, const struct sip_message *from, enum sip_header_id id)
{
    const struct sip_header *h = sip_message_find(from, id);
    for (; h; h = sip_message_next(from, h))
        sip_print_header_named(out, id == SIP_HEADER_OTHER ? h->name : sip_header_name(id),
                               h->value);
}

void sip_print_body(struct buf *out, struct str content_type, struct str body)
{
    if (content_type.n > 0) sip_print_header(out, SIP_HEADER_CONTENT_TYPE, content_type);
    sip_print_header_u64(out, SIP_HEADER_CONTENT_LENGTH, body.n);
    print_crlf(out);
    buf_put_str(out, body);
}

void sip_print_quoted(struct buf *out, struct str text)
{
    buf_put_char(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '"' || c == '\\') buf_put_char(out, '\\');
        buf_put_char(out, print_is_control(c) ? ' ' : c);
    }
    buf_put_char(out, '"');
}

static void print_via_param(struct buf *out, struct str name, struct str value)
{
    buf_put_char(out, ';');
    buf_put_str(out, name);
    buf_put_char(out, '=');
    buf_put_str(out, value);
}

void sip_print_via(struct buf *out, enum sip_transport transport, const struct sip_host *host,
                   uint16_t port, struct str branch, bool with_rport)
{
    buf_put_lit(out, "Via: SIP/2.0/");
    buf_put_str(out, sip_transport_text(transport));
    buf_put_char(out, ' ');
    sip_host_print(out, host);
    if (port != 0) {
        buf_put_char(out, ':');
        buf_put_u64(out, port);
    }
    print_via_param(out, STR("branch"), branch);
    if (with_rport) buf_put_lit(out, ";rport");
    print_crlf(out);
}

/* The parameters as they came, but for those the server answers for: received, and rport where it asked. */
static void print_via_params(struct buf *out, struct str params, const struct sip_via_fix *fix)
{
    struct sip_param p;
    while (sip_param_next(&params, &p) == RC_OK) {
        bool is_rport = lex_eq_lower(p.name, STR("rport")) && fix->rport != 0;
        bool is_received = lex_eq_lower(p.name, STR("received")) && fix->received.n > 0;
        if (is_received) continue;
        buf_put_char(out, ';');
        buf_put_str(out, p.name);
        if (is_rport) {
            buf_put_char(out, '=');
            buf_put_u64(out, fix->rport);
        } else if (p.has_value) {
            buf_put(out, "=\"", p.is_quoted ? 2 : 1);
            lex_unfold(out, p.value);
            if (p.is_quoted) buf_put_char(out, '"');
        }
    }
    if (fix->received.n > 0) print_via_param(out, STR("received"), fix->received);
}

/* Top Via with the fix; what follows it in the same header field goes to a field of its own. False: it
 * cannot be read at all. */
static bool print_via_fixed(struct buf *out, const struct sip_header *h,
                            const struct sip_via_fix *fix)
{
    struct sip_via via;
    struct str rest = h->value, value;
    if (sip_value_split(&rest, &value) != RC_OK) return false;
    if (sip_via_parse_sent_by(value, &via) != RC_OK) return false;
    ptrdiff_t semicolon = str_find_char(value, ';');
    size_t params = semicolon < 0 ? value.n : (size_t)semicolon;
    buf_put_lit(out, "Via: ");
    lex_unfold(out, str_sub(value, 0, params));
    print_via_params(out, str_sub(value, params, value.n), fix);
    print_crlf(out);
    if (rest.p) sip_print_header(out, SIP_HEADER_VIA, rest);
    return true;
}

void sip_print_vias(struct buf *out, const struct sip_message *request,
                    const struct sip_via_fix *fix)
{
    const struct sip_header *h = sip_message_find(request, SIP_HEADER_VIA);
    if (h && fix && print_via_fixed(out, h, fix)) h = sip_message_next(request, h);
    for (; h; h = sip_message_next(request, h))
        sip_print_header(out, SIP_HEADER_VIA, h->value);
}

/* To as it came, with our tag where it has none yet (RFC 3261, 8.2.6.2). */
static void print_to(struct buf *out, const struct sip_message *request, struct str to_tag)
{
    const struct sip_header *h = sip_message_find(request, SIP_HEADER_TO);
    struct sip_nameaddr to;
    if (!h) return;
    buf_put_lit(out, "To: ");
    lex_unfold(out, h->value);
    /* "<...>" alone has no parameter, so no tag: nearly every REGISTER. */
    bool bare = str_starts(h->value, STR("<")) &&
                str_find_char(h->value, '>') == (ptrdiff_t)h->value.n - 1;
    if (bare && to_tag.n > 0)
        print_via_param(out, STR("tag"), to_tag);
    else if (to_tag.n > 0 && sip_nameaddr_parse(h->value, &to, NULL) == RC_OK &&
             sip_nameaddr_tag(&to).n == 0)
        print_via_param(out, STR("tag"), to_tag);
    print_crlf(out);
}

void sip_response_begin(struct buf *out, const struct sip_message *request, unsigned status,
                        struct str reason, struct str to_tag, const struct sip_via_fix *fix)
{
    sip_print_status_line(out, status, reason);
    sip_print_vias(out, request, fix);
    const struct sip_header *from = sip_message_find(request, SIP_HEADER_FROM);
    const struct sip_header *call_id = sip_message_find(request, SIP_HEADER_CALL_ID);
    const struct sip_header *cseq = sip_message_find(request, SIP_HEADER_CSEQ);
    if (from) sip_print_header(out, SIP_HEADER_FROM, from->value);
    print_to(out, request, status > 100 ? to_tag : (struct str){NULL, 0});
    if (call_id) sip_print_header(out, SIP_HEADER_CALL_ID, call_id->value);
    if (cseq) sip_print_header(out, SIP_HEADER_CSEQ, cseq->value);
    if (status == 100) sip_print_copies(out, request, SIP_HEADER_TIMESTAMP);
}
