/* Ends what the proxy itself must end. Whoever accepted a session that may not be is taken at its
 * word and hung up on: ACK, so that its 2xx rests, then BYE, both in the name of the asker, who hears
 * a refusal and knows of no dialog (as RFC 3261, 13.2.2.4 and 15 have a caller do). A call that ends
 * for another reason of ours (a phone that vanished, a session timer, an operator) ends with a BYE to
 * each phone that is there, in the other's name: what the dialog's two sides remember stays right. */
#include "call/proxy_int.h"

#include "sip/print.h"

#include <stdlib.h>

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

void proxy_hang_up(struct branch *b, const struct sip_message *m, unsigned why)
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
    buf_printf(&p->out, "Reason: SIP;cause=%u;text=\"%s\"\r\n", why,
               why == 488 ? "Not Acceptable Here" : "Temporarily Unavailable");
    o.headers = buf_str(&p->out);
    if (buf_rc(&p->out) != RC_OK ||
        call_relay_send(p->worker->relay, &o, NULL, NULL, &leg) != RC_OK)
        log_debug(p->worker->node->log, "call.bye_lost", LOG_STR("uri", o.uri));
}

/* ---- BYEs of calls the node ends ---- */

struct bye {
    uint64_t flow;
    size_t uri_n, lines_n;
    char text[];
};

static void on_answer(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                      const struct sip_message *response, struct arena *arena)
{
    (void)ctx;
    (void)c;
    (void)outcome;
    (void)response;
    (void)arena;
}

static void on_worker(struct siptx_stack *s, void *ctx)
{
    struct bye *b = ctx;
    struct siptx_flow *f = s ? siptx_flow_find(s, b->flow) : NULL;
    if (f && !f->closing) {
        struct buf *out = siptx_request_begin(s, f, STR("BYE"), str_of(b->text, b->uri_n));
        buf_put_str(out, str_of(b->text + b->uri_n, b->lines_n));
        if (siptx_request_send(s, STR(""), STR(""), on_answer, NULL, NULL) != RC_OK) {
            /* The phone's own session timer or its user ends it. */
        }
    }
    free(b);
}

void call_send_bye(void *ctx, const struct call_bye *bye)
{
    struct call_node *n = ctx;
    struct bye *b = malloc(sizeof *b + bye->uri.n + bye->lines.n);
    if (!b) return;
    *b = (struct bye){.flow = bye->flow, .uri_n = bye->uri.n, .lines_n = bye->lines.n};
    memcpy(b->text, bye->uri.p, bye->uri.n);
    memcpy(b->text + bye->uri.n, bye->lines.p, bye->lines.n);
    if (siptx_node_post(n->stacks, siptx_flow_worker(b->flow), on_worker, b) != RC_OK) free(b);
}

/* ---- what is kept of a call for them ---- */

static void print_caller_route(const struct sip_message *invite, struct buf *out)
{
    struct sip_values values;
    struct str value;
    sip_values_init(&values, invite, SIP_HEADER_RECORD_ROUTE);
    while (sip_values_next(&values, &value) == RC_OK)
        sip_print_header(out, SIP_HEADER_ROUTE, value);
}

void proxy_keep_dialog(struct proxy_context *c, const struct sip_message *m)
{
    char text[2][CALL_DIALOG_MAX];
    const struct sip_message *invite = c->visit->message;
    struct buf route[2];
    for (int i = 0; i < 2; i++)
        buf_init_fixed(&route[i], text[i], sizeof text[i]);
    print_caller_route(invite, &route[CALL_CALLER]);
    print_far_route(c->proxy, m, &route[CALL_CALLEE]);
    if (buf_rc(&route[0]) != RC_OK || buf_rc(&route[1]) != RC_OK) return;
    struct call_dialog_parts p = {
        .call_id = sip_message_value(m, SIP_HEADER_CALL_ID),
        .who = {sip_message_value(m, SIP_HEADER_FROM), sip_message_value(m, SIP_HEADER_TO)},
        .target = {target_of(invite, STR("")), target_of(m, STR(""))},
        .route = {buf_str(&route[CALL_CALLER]), buf_str(&route[CALL_CALLEE])},
    };
    call_calls_keep(c->proxy->worker->node->calls, c->call, &p);
}

void proxy_keep_targets(struct proxy_context *c, const struct sip_message *m)
{
    struct call_calls *calls = c->proxy->worker->node->calls;
    if (c->is_initial || c->call == 0 || !c->visit) return;
    if (c->method != SIP_METHOD_INVITE && c->method != SIP_METHOD_UPDATE) return;
    const struct sip_basics *b = c->visit->request->basics;
    if (!call_calls_is_main(calls, c->call, c->side == CALL_CALLER ? b->to_tag : b->from_tag))
        return;
    call_calls_retarget(calls, c->call, c->side, target_of(c->visit->message, STR("")));
    call_calls_retarget(calls, c->call, call_other_side(c->side), target_of(m, STR("")));
}
