/* siptx/followup.c - what follows an INVITE of ours on its own branch: the ACK to a refusal (RFC
 * 3261, 17.1.1.3) and the CANCEL (9.1). Both are made from the INVITE as it was sent. */
#include "siptx/stack_int.h"
#include <stdlib.h>

/* Request line, our Via, the header fields both share; to: the To of the ACK, NULL: the INVITE's. */
static void print_followup(struct siptx_stack *s, const struct siptx_block *invite,
                           enum sip_method method, const struct sip_message *to)
{
    const struct sip_message *m = &invite->message;
    struct buf *out = &s->out;
    buf_reset(out);
    s->out_for = NULL;
    sip_print_request_line(out, sip_method_text(method), m->uri);
    sip_print_header(out, SIP_HEADER_VIA, invite->basics.via_value);
    sip_print_copies(out, m, SIP_HEADER_ROUTE);
    sip_print_header_u64(out, SIP_HEADER_MAX_FORWARDS, 70);
    sip_print_copies(out, m, SIP_HEADER_FROM);
    sip_print_copies(out, to ? to : m, SIP_HEADER_TO);
    sip_print_copies(out, m, SIP_HEADER_CALL_ID);
    buf_put_lit(out, "CSeq: ");
    buf_put_u64(out, invite->basics.cseq.number);
    buf_put_char(out, ' ');
    buf_put_str(out, sip_method_text(method));
    buf_put_lit(out, "\r\n");
}

/* The INVITE again as a message; NULL: out of memory. */
static struct siptx_block *invite_of(const struct siptx_client *c)
{
    struct siptx_stack *s = c->tx.stack;
    struct siptx_block *b = siptx_block_get(s);
    if (!b) return NULL;
    struct sip_verdict verdict;
    enum rc rc = sip_message_parse(str_of(c->tx.last, c->tx.last_n), SIP_STREAM, &b->message, NULL);
    CHECK(rc == RC_OK); /* it was checked before it was sent */
    sip_validate(&b->message, SIP_STREAM, &b->basics, &verdict);
    CHECK(verdict.action == SIP_ACCEPT);
    return b;
}

static void keep_ack(struct siptx_client *c, struct str bytes)
{
    c->ack = malloc(bytes.n);
    if (!c->ack) {
        siptx_count(&c->tx.stack->counters.out_of_memory);
        return;
    }
    memcpy(c->ack, bytes.p, bytes.n);
    c->ack_n = bytes.n;
}

void siptx_client_send_ack(struct siptx_client *c, const struct siptx_block *refusal)
{
    struct siptx_stack *s = c->tx.stack;
    if (!c->tx.flow) return;
    if (c->ack) {
        siptx_flow_try_send(c->tx.flow, &c->tx.flow->peer, str_of(c->ack, c->ack_n));
        return;
    }
    struct siptx_block *invite = invite_of(c);
    if (!invite) return;
    print_followup(s, invite, SIP_METHOD_ACK, &refusal->message);
    sip_print_body(&s->out, STR(""), STR(""));
    siptx_block_put(s, invite);
    if (buf_rc(&s->out) != RC_OK) return;
    if (!c->tx.machine.reliable) keep_ack(c, buf_str(&s->out));
    siptx_count(&s->counters.requests_out[SIP_METHOD_ACK]);
    siptx_flow_try_send(c->tx.flow, &c->tx.flow->peer, buf_str(&s->out));
}

enum rc siptx_client_send_cancel(struct siptx_client *c)
{
    struct siptx_stack *s = c->tx.stack;
    struct siptx_client *cancel;
    if (!c->tx.flow) return RC_CLOSED;
    struct siptx_block *invite = invite_of(c);
    if (!invite) return RC_NOMEM;
    print_followup(s, invite, SIP_METHOD_CANCEL, NULL);
    if (c->cancel_headers) buf_put_str(&s->out, str_from(c->cancel_headers));
    sip_print_body(&s->out, STR(""), STR(""));
    siptx_block_put(s, invite);
    enum rc rc = buf_rc(&s->out);
    if (rc == RC_OK)
        rc = siptx_client_new(c->tx.flow, SIP_METHOD_CANCEL, c->branch, buf_str(&s->out), &cancel);
    if (rc != RC_OK) return rc;
    c->cancel_sent = true;
    siptx_machine_limit_at(&c->tx.machine, SIPTX_EV_CANCEL_TIMEOUT, siptx_now(s),
                           64 * s->times.t1_ms);
    siptx_tx_arm(&c->tx);
    return RC_OK;
}

enum rc siptx_client_cancel(struct siptx_client *c, struct str headers)
{
    unsigned state = c->tx.machine.state;
    if (c->tx.method != SIP_METHOD_INVITE || c->cancel_wanted ||
        (state != SIPTX_CALLING && state != SIPTX_PROCEEDING))
        return RC_CONFLICT;
    if (headers.n > 0) {
        c->cancel_headers = str_dup_cstr(headers);
        if (!c->cancel_headers) return RC_NOMEM;
    }
    c->cancel_wanted = true;
    return state == SIPTX_PROCEEDING ? siptx_client_send_cancel(c) : RC_OK;
}
