/* siptx/answer.c - answers: from the owner through the server machines to the wire, and those the
 * room gives by itself without a transaction. */
#include "base/check.h"
#include "sip/status.h"
#include "siptx/stack_int.h"
#include <stdlib.h>

static struct siptx_server *server_of(struct siptx_request *r)
{
    return (struct siptx_server *)(void *)r;
}

static void put_server(struct siptx_stack *s)
{
    if (s->config.server.n > 0) sip_print_header(&s->out, SIP_HEADER_SERVER, s->config.server);
}

static void count_answer(struct siptx_stack *s, unsigned status)
{
    siptx_count(&s->counters.responses_out[status / 100 % 7]);
}

/* ---- without transaction ---- */

void siptx_answer_stateless(struct siptx_flow *f, const struct siptx_block *b, unsigned status,
                            struct str reason, struct str headers)
{
    struct siptx_stack *s = f->stack;
    char text[NET_ADDR_TEXT_MAX], tag[SIPTX_TAG_LEN + 1];
    struct sip_via_fix fix = siptx_via_fix(&b->basics.via, f, text);
    struct net_addr to = siptx_via_answer_to(&b->basics.via, f);
    /* The same request gets the same tag (RFC 3261, 8.2.7). */
    siptx_hex64(tag, hash_str(&s->key, b->message.bytes));
    buf_reset(&s->out);
    s->out_for = NULL;
    sip_response_begin(&s->out, &b->message, status, reason, str_from(tag), &fix);
    put_server(s);
    buf_put_str(&s->out, headers);
    sip_print_body(&s->out, STR(""), STR(""));
    if (buf_rc(&s->out) != RC_OK) {
        siptx_count(&s->counters.out_of_memory);
        return;
    }
    count_answer(s, status);
    const struct net_addr *where = f->transport == SIPTX_UDP ? &to : &f->peer;
    siptx_flow_try_send(f, where, buf_str(&s->out));
}

void siptx_flow_answer(struct siptx_flow *f, const struct sip_message *request, unsigned status,
                       struct str reason, struct str headers)
{
    /* What on_message is shown lies in its block. */
    size_t at = offsetof(struct siptx_block, message);
    const struct siptx_block *b = (const void *)((const char *)request - at);
    CHECK(request->is_request && request->method != SIP_METHOD_ACK);
    siptx_answer_stateless(f, b, status, reason, headers);
}

/* ---- the machine's wishes ---- */

static enum rc server_send(struct siptx_server *v, struct str bytes)
{
    struct siptx_flow *f = v->tx.flow;
    if (!f) return RC_CLOSED;
    if (f->transport != SIPTX_UDP) return siptx_flow_send(f, bytes);
    enum rc rc = siptx_flow_send_to(f, &v->answer_to, bytes);
    return rc == RC_BUSY ? RC_OK : rc; /* dropped as the network might have: it will be repeated */
}

static void server_pool_put(struct siptx_server *v)
{
    struct siptx_stack *s = v->tx.stack;
    if (s->starting == v) s->starting = NULL;
    if (s->server_count >= s->limits.pool_count) {
        free(v->tx.last);
        free(v);
        return;
    }
    siptx_tx_reuse(&v->tx);
    list_push_front(&s->free_servers, &v->tx.all);
    s->server_count++;
}

/* The owner hears the end of the request, once; its memory goes to the pool, and the transaction's
 * too when it has ended. Nothing of v is touched after. */
static void let_go(struct siptx_server *v, bool ended)
{
    struct siptx_stack *s = v->tx.stack;
    struct siptx_block *b = v->block;
    v->block = NULL;
    if (ended) {
        siptx_table_remove(&v->merge);
        siptx_tx_end(&v->tx);
    } else {
        siptx_tx_arm(&v->tx);
    }
    if (b && v->request.on_end) v->request.on_end(s->config.events.ctx, &v->request);
    siptx_block_put(s, b);
    if (ended) server_pool_put(v);
}

void siptx_server_drop(struct siptx_server *v)
{
    let_go(v, true);
}

/* What is left of the actions once bytes are sent. done: the owner is through with the request. */
static void server_finish(struct siptx_server *v, unsigned acts, bool done)
{
    if (acts & SIPTX_ACT_END) {
        let_go(v, true);
    } else if (done) {
        let_go(v, false);
    } else {
        siptx_tx_arm(&v->tx);
    }
}

void siptx_server_fire(struct siptx_server *v, enum siptx_event e)
{
    struct siptx_stack *s = v->tx.stack;
    unsigned acts = siptx_tx_step(&v->tx, e);
    if ((acts & SIPTX_ACT_TRYING) && v->block) {
        siptx_respond(&v->request, 100, STR(""), STR(""));
        return;
    }
    if ((acts & SIPTX_ACT_RESEND) && v->tx.last_n > 0) {
        siptx_count(&s->counters.retransmits_out);
        if (server_send(v, str_of(v->tx.last, v->tx.last_n)) != RC_OK)
            acts |= siptx_tx_step(&v->tx, SIPTX_EV_TRANSPORT_ERROR);
    }
    server_finish(v, acts, false);
}

void siptx_server_flow_lost(struct siptx_server *v)
{
    v->request.flow = NULL;
    siptx_server_fire(v, SIPTX_EV_TRANSPORT_ERROR);
}

/* ---- the owner's answers ---- */

struct buf *siptx_answer_begin(struct siptx_request *r, unsigned status, struct str reason)
{
    struct siptx_server *v = server_of(r);
    struct siptx_stack *s = r->stack;
    CHECK(status >= 100 && status <= 699);
    buf_reset(&s->out);
    s->out_for = r;
    s->out_status = status;
    CHECK(v->block);
    sip_response_begin(&s->out, r->message, status, reason, r->to_tag, &v->fix);
    put_server(s);
    return &s->out;
}

void siptx_request_print_vias(const struct siptx_request *r, struct buf *out)
{
    const struct siptx_server *v = (const struct siptx_server *)(const void *)r;
    sip_print_vias(out, r->message, &v->fix);
}

static void mark_routine(struct siptx_server *v, uint64_t flow_id)
{
    if (v->is_routine)
        siptx_trace_mark_routine(v->tx.stack->config.trace, flow_id, v->trace_seq, UINT64_MAX);
}

/* Steps the machine with an answer printed whole and sends it. */
static enum rc server_answer(struct siptx_server *v, unsigned status, struct str bytes)
{
    struct siptx_stack *s = v->tx.stack;
    unsigned acts = siptx_tx_step(&v->tx, siptx_event_of_status(status));
    if (!(acts & SIPTX_ACT_SEND)) return RC_CONFLICT;
    siptx_enter(s);
    bool again = !v->tx.machine.reliable || v->tx.method == SIP_METHOD_INVITE;
    bool kept = !again || siptx_tx_keep(&v->tx, bytes) == RC_OK;
    if (!kept) v->tx.last_n = 0; /* repeating an older answer would be wrong: rather none */
    enum rc rc = server_send(v, bytes);
    count_answer(s, status);
    mark_routine(v, v->request.flow_id);
    if (rc != RC_OK) acts |= siptx_tx_step(&v->tx, SIPTX_EV_TRANSPORT_ERROR);
    bool done = status >= 300 || (status >= 200 && v->tx.method != SIP_METHOD_INVITE);
    server_finish(v, acts, done);
    siptx_leave(s);
    return rc;
}

/* An answer that could not be printed may not leave its request without any. */
static enum rc answer_500(struct siptx_request *r, enum rc why)
{
    struct siptx_stack *s = r->stack;
    buf_reset(&s->out);
    siptx_answer_begin(r, 500,
                       why == RC_TOO_BIG ? STR("Server Internal Error: answer too large")
                                         : STR("Server Internal Error: out of memory"));
    s->out_for = NULL;
    sip_print_body(&s->out, STR(""), STR(""));
    return buf_rc(&s->out) == RC_OK ? server_answer(server_of(r), 500, buf_str(&s->out))
                                    : buf_rc(&s->out);
}

enum rc siptx_answer_send(struct siptx_request *r, struct str content_type, struct str body)
{
    struct siptx_stack *s = r->stack;
    CHECK(s->out_for == r);
    s->out_for = NULL;
    sip_print_body(&s->out, content_type, body);
    enum rc rc = buf_rc(&s->out);
    if (rc != RC_OK) {
        siptx_count(&s->counters.out_of_memory);
        if (s->out_status >= 200) (void)answer_500(r, rc);
        return rc;
    }
    return server_answer(server_of(r), s->out_status, buf_str(&s->out));
}

enum rc siptx_respond(struct siptx_request *r, unsigned status, struct str reason,
                      struct str headers)
{
    struct buf *out = siptx_answer_begin(r, status, reason);
    buf_put_str(out, headers);
    return siptx_answer_send(r, STR(""), STR(""));
}

enum rc siptx_respond_bytes(struct siptx_request *r, unsigned status, struct str bytes)
{
    CHECK(status >= 100 && status <= 699);
    server_of(r)->to_tag_key = 0; /* another's tag: any ACK with our branch will do */
    return server_answer(server_of(r), status, bytes);
}

void siptx_request_mark_routine(struct siptx_request *r)
{
    server_of(r)->is_routine = true;
}

void siptx_request_set_label(struct siptx_request *r, struct str label)
{
    if (r->flow) siptx_flow_relabel(r->flow, label, server_of(r)->trace_seq);
}
