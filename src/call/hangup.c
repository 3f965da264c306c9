/* Ends what the proxy itself must end. Whoever accepted a session that may not be is taken at its
 * word and hung up on: ACK, so that its 2xx rests, then BYE, both in the name of the asker, who hears
 * a refusal and knows of no dialog (as RFC 3261, 13.2.2.4 and 15 have a caller do). */
#include "call/proxy_int.h"

#include "sip/print.h"

enum { VALUES_MAX = 16 };

static bool is_our_token(struct call_proxy *p, struct str value)
{
    struct sip_nameaddr na;
    struct sip_uri uri;
    struct call_token t;
    return sip_nameaddr_parse_uri(value, &na, &uri, NULL) == RC_OK && sip_uri_is_sip(&uri) &&
           uri.has_user && call_token_read(uri.user, p->mac, &t) == RC_OK;
}

/* What lies between us and who answered: the Record-Route values above ours, ours first. */
static void print_far_route(struct call_proxy *p, const struct sip_message *m, struct buf *out)
{
    struct sip_values values;
    struct str list[VALUES_MAX], value;
    size_t n = 0;
    sip_values_init(&values, m, SIP_HEADER_RECORD_ROUTE);
    while (sip_values_next(&values, &value) == RC_OK && n < VALUES_MAX && !is_our_token(p, value))
        list[n++] = value;
    while (n > 0) {
        buf_put_lit(out, "Route: ");
        sip_print_unfolded(out, list[--n]);
        buf_put_lit(out, "\r\n");
    }
}

static struct str target_of(const struct sip_message *m, struct str other)
{
    struct sip_nameaddr na;
    if (sip_nameaddr_parse(sip_message_value(m, SIP_HEADER_CONTACT), &na, NULL) != RC_OK)
        return other;
    return na.uri;
}

/* Header lines of a request in the dialog that m, an answer to c's request, is of. */
static void print_lines(struct proxy_context *c, const struct sip_message *m, struct str method,
                        uint32_t cseq, struct str *uri, struct buf *out)
{
    buf_reset(out);
    if (c->is_initial)
        print_far_route(c->proxy, m, out);
    else
        call_route_print(out, c->visit->message, &c->route, STR(""), uri);
    sip_print_header_u64(out, SIP_HEADER_MAX_FORWARDS, 70);
    sip_print_header(out, SIP_HEADER_FROM, sip_message_value(m, SIP_HEADER_FROM));
    sip_print_header(out, SIP_HEADER_TO, sip_message_value(m, SIP_HEADER_TO));
    sip_print_header(out, SIP_HEADER_CALL_ID, sip_message_value(m, SIP_HEADER_CALL_ID));
    buf_put_lit(out, "CSeq: ");
    buf_put_u64(out, cseq);
    buf_put_char(out, ' ');
    buf_put_str(out, method);
    buf_put_lit(out, "\r\n");
}

void proxy_hang_up(struct branch *b, const struct sip_message *m)
{
    struct proxy_context *c = b->context;
    struct call_proxy *p = c->proxy;
    struct call_leg_out *leg;
    if (c->method != SIP_METHOD_INVITE || (!c->is_initial && !c->visit)) return;
    struct call_outgoing o = {.flow = call_target_flow(b->target), .method = STR("ACK")};
    o.uri = target_of(m, call_target_uri(b->target));
    struct str target = o.uri;
    print_lines(c, m, o.method, c->cseq, &o.uri, &p->out);
    o.headers = buf_str(&p->out);
    if (buf_rc(&p->out) == RC_OK && call_relay_send_once(p->worker->relay, &o) != RC_OK)
        log_debug(p->worker->node->log, "call.ack_lost", LOG_STR("uri", o.uri));
    if (b->is_hung_up || !c->is_initial) return;
    b->is_hung_up = true;
    o.method = STR("BYE");
    o.uri = target;
    print_lines(c, m, o.method, c->cseq + 1, &o.uri, &p->out);
    buf_put_lit(&p->out, "Reason: SIP;cause=488;text=\"Not Acceptable Here\"\r\n");
    o.headers = buf_str(&p->out);
    if (buf_rc(&p->out) != RC_OK ||
        call_relay_send(p->worker->relay, &o, NULL, NULL, &leg) != RC_OK)
        log_debug(p->worker->node->log, "call.bye_lost", LOG_STR("uri", o.uri));
}
