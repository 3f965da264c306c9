/* The branches of a context: sending, fail-over to another flow of the same phone, timer C, CANCEL,
 * and what the answers come to (RFC 3261, 16.6 to 16.8 and 16.10; RFC 5626, 5.1).
 *
 *   rank 0 -> all its targets ring -> none answers -> rank 1 ... -> best answer upstream
 *             any 2xx: upstream at once, the others are cancelled
 *             any 6xx: the others are cancelled, no further rank */
#include "call/proxy_int.h"

#include "base/check.h"
#include "call/fork.h"
#include "call/trunk.h"
#include "sip/nameaddr.h"
#include "sip/print.h"

#include <stdlib.h>

static const struct str elsewhere = STR_INIT(
    "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n");

static const struct str not_acceptable = STR_INIT(
    "Reason: SIP;cause=488;text=\"Not Acceptable Here\"\r\n");

static struct call_calls *calls_of(const struct proxy_context *c)
{
    return c->proxy->worker->node->calls;
}

/* ---- timer C ---- */

static void on_timer_c(void *ctx)
{
    struct branch *b = ctx;
    if (b->leg) call_relay_cancel(b->leg, STR(""));
    b->is_cancelled = true;
}

static void start_timer_c(struct branch *b)
{
    if (b->context->method != SIP_METHOD_INVITE) return;
    siptx_timer_start(b->context->proxy->stack, &b->timer_c, PROXY_TIMER_C_MS, on_timer_c, b);
}

static void stop_timer_c(struct branch *b)
{
    if (b->context) siptx_timer_stop(b->context->proxy->stack, &b->timer_c);
}

/* ---- the end ---- */

void proxy_release(struct proxy_context *c)
{
    struct call_proxy *p = c->proxy;
    if (c->request || c->legs > 0 || c->depth > 0) return;
    for (size_t i = 0; i < c->targets.count; i++) {
        stop_timer_c(&c->branches[i]);
        proxy_ring_uncount(&c->branches[i]);
    }
    call_targets_clear(&c->targets);
    list_remove(&c->link);
    p->live_count--;
    atomic_fetch_sub(&p->worker->node->counters.contexts, 1);
    if (p->pool_count >= PROXY_POOL_MAX) {
        buf_fini(&c->best_head);
        buf_fini(&c->best_body);
        buf_fini(&c->challenges);
        free(c);
        return;
    }
    p->pool_count++;
    list_push_front(&p->pool, &c->link);
}

/* A call that did not come about is told of once. */
static void end_call(struct proxy_context *c, unsigned status)
{
    if (!c->is_initial || c->call == 0) return;
    call_calls_end(calls_of(c), c->call, c->is_cancelled ? CALL_END_CANCELLED : CALL_END_REFUSED,
                   status);
    c->call = 0;
}

void proxy_answer(struct proxy_context *c, unsigned status, struct str headers)
{
    c->is_answered = true;
    end_call(c, status);
    call_answer(c->visit, status, STR(""), headers);
}

/* ---- answers upstream ---- */

static void send_best(struct proxy_context *c)
{
    struct buf *out = &c->proxy->out;
    unsigned status = call_fork_upstream(c->best);
    if (status != c->best || c->best_head.n == 0) {
        bool is_media = status == 488 && c->media_why;
        proxy_answer(c, status, is_media ? proxy_media_warning(c) : proxy_ring_headers(c, status));
        return;
    }
    buf_reset(out);
    buf_put_str(out, buf_str(&c->best_head));
    if (status == 401 || status == 407) buf_put_str(out, buf_str(&c->challenges));
    sip_print_body(out, STR(""), buf_str(&c->best_body));
    if (buf_rc(out) != RC_OK || buf_rc(&c->best_head) != RC_OK || buf_rc(&c->best_body) != RC_OK) {
        proxy_answer(c, 500, STR(""));
        return;
    }
    c->is_answered = true;
    end_call(c, status);
    siptx_respond_bytes(c->request, status, buf_str(out));
}

void proxy_advance(struct proxy_context *c)
{
    if (c->pending > 0 || c->is_answered || !c->request) return;
    if (!c->is_stopped && !c->is_cancelled && proxy_start_rank(c)) return;
    if (!c->is_cancelled && proxy_ring_next(c)) return;
    if (c->is_cancelled && (c->best < 600 || c->best_head.n == 0)) {
        c->best = 487;
        buf_reset(&c->best_head);
    }
    if (c->best == 0) c->best = 480;
    /* A 408 to anything but INVITE comes too late for everybody (RFC 4320, 4.2). */
    if (c->best == 408 && c->method != SIP_METHOD_INVITE) return;
    send_best(c);
}

/* Sends what came from b at once: provisional answers and 2xx. */
static void forward_now(struct proxy_context *c, const struct branch *b,
                        const struct sip_message *m, struct str body)
{
    struct buf *out = &c->proxy->out;
    if (!c->request) return;
    buf_reset(out);
    proxy_print_answer(c, b, m, false, out);
    sip_print_body(out, STR(""), body);
    if (buf_rc(out) != RC_OK) return; /* as if the network had lost it: the phone repeats a 2xx */
    siptx_respond_bytes(c->request, m->status, buf_str(out));
}

/* ---- what happens to a branch ---- */

static void branch_done(struct branch *b);

void proxy_cancel_branches(struct proxy_context *c, struct str headers)
{
    if (c->method != SIP_METHOD_INVITE) return;
    for (size_t i = 0; i < c->targets.count; i++) {
        struct branch *b = &c->branches[i];
        if (b->ask && !b->leg && b->state == BRANCH_TRYING) { /* still looking for its way */
            proxy_outward_stop(b);
            branch_done(b);
        }
        if (!b->leg || b->state == BRANCH_DONE || b->is_cancelled) continue;
        b->is_cancelled = true;
        call_relay_cancel(b->leg, headers);
    }
}

static void branch_done(struct branch *b)
{
    if (b->state == BRANCH_DONE) return;
    b->state = BRANCH_DONE;
    b->context->pending--;
    stop_timer_c(b);
    proxy_ring_uncount(b);
}

void proxy_give_up_branches(struct proxy_context *c)
{
    proxy_cancel_branches(c, STR(""));
    for (size_t i = 0; i < c->targets.count; i++)
        if (c->branches[i].state != BRANCH_IDLE) branch_done(&c->branches[i]);
}

static void consider(struct proxy_context *c, struct branch *b, unsigned status,
                     const struct sip_message *m)
{
    struct str body;
    bool asks = status == 401 || status == 407;
    if (asks && m) proxy_keep_challenges(c, m);
    if (!call_fork_is_better(status, c->best)) return;
    c->best = status;
    buf_reset(&c->best_head);
    buf_reset(&c->best_body);
    if (!m || !c->request) return;
    proxy_print_answer(c, b, m, asks, &c->best_head);
    if (proxy_media_answer(b, m, &body)) buf_put_str(&c->best_body, body);
}

static struct str tag_of(const struct sip_message *m, enum sip_header_id id)
{
    struct sip_nameaddr na;
    if (sip_nameaddr_parse(sip_message_value(m, id), &na, NULL) != RC_OK) return STR("");
    return sip_nameaddr_tag(&na);
}

static void call_answered(struct proxy_context *c, const struct branch *b,
                          const struct sip_message *m)
{
    const struct call_target *t = b->target;
    char label[CALL_TRUNK_LABEL_MAX + 1];
    struct str line = STR(""), device = STR("");
    if (!c->is_initial || c->call == 0) return;
    if (t->trunk) {
        call_trunk_label(t->trunk->name, label);
        device = str_from(label);
        if (c->ring) line = str_from(c->ring->plan.number);
    }
    if (t->way_count > 0) {
        line = t->ways[t->way]->line;
        device = t->ways[t->way]->device;
    }
    call_calls_answer(calls_of(c), c->call, line, device, tag_of(m, SIP_HEADER_TO),
                      call_target_flow(t));
    call_calls_set_media(calls_of(c), c->call, &b->media);
    proxy_keep_dialog(c, m);
}

/* What rings says may not be; 488 says more than the 487 that follows. */
static void refuse_early(struct branch *b)
{
    struct proxy_context *c = b->context;
    if (b->leg) call_relay_cancel(b->leg, not_acceptable);
    b->is_cancelled = true;
    consider(c, b, 488, NULL);
}

/* What was accepted may not be: over for who accepted; others of the fork may still answer. Within a
 * call both sides would hold different sessions, so that is over, too. */
static void refuse_accepted(struct branch *b, const struct sip_message *m)
{
    struct proxy_context *c = b->context;
    bool is_again = b->is_hung_up;
    proxy_hang_up(b, m, 488);
    if (is_again) return;
    if (!c->is_answered) consider(c, b, 488, NULL);
    if (!c->is_initial) call_calls_hang_up(calls_of(c), c->call, CALL_END_REFUSED, 488);
}

static void on_provisional(struct branch *b, const struct sip_message *m)
{
    struct proxy_context *c = b->context;
    struct str body;
    if (b->state == BRANCH_DONE) return;
    b->state = BRANCH_RINGING;
    if (!proxy_media_answer(b, m, &body)) {
        refuse_early(b);
        return;
    }
    start_timer_c(b);
    if (c->is_initial && c->call != 0) call_calls_ringing(calls_of(c), c->call);
    if (c->is_initial && m->body.n > 0 && c->targets.count == 1) proxy_media_settled(b, true);
    if (!c->is_answered) forward_now(c, b, m, body);
}

/* A 2xx goes upstream whatever has gone before (16.7 step 5); to INVITE also a second one. */
static void on_success(struct branch *b, const struct sip_message *m)
{
    struct proxy_context *c = b->context;
    struct str body;
    branch_done(b);
    if (c->is_answered && !c->is_accepted && c->is_initial) { /* too late: the asker has given up */
        proxy_hang_up(b, m, 480);
        return;
    }
    if (b->is_hung_up || !proxy_media_answer(b, m, &body)) {
        refuse_accepted(b, m);
        return;
    }
    c->is_stopped = true;
    bool late = c->is_answered && c->method != SIP_METHOD_INVITE;
    if (!c->is_answered) call_answered(c, b, m);
    if (!c->is_answered) proxy_media_settled(b, m->body.n > 0);
    proxy_keep_targets(c, m);
    if (!c->is_answered) proxy_timer_settled(c, m);
    c->is_answered = c->is_accepted = true;
    if (!late) forward_now(c, b, m, body);
    proxy_cancel_branches(c, elsewhere);
}

static void on_refusal(struct branch *b, const struct sip_message *m)
{
    struct proxy_context *c = b->context;
    if (b->state == BRANCH_DONE) return; /* given up before */
    branch_done(b);
    if (proxy_ring_heard(c, m->status, m)) return;
    consider(c, b, m->status, m);
    if (m->status < 600) return;
    c->is_stopped = true;
    proxy_cancel_branches(c, STR(""));
}

/* Nothing came, or the flow is dead: the phone may have another one (RFC 5626, 5.3). */
static bool try_next_way(struct branch *b)
{
    struct call_target *t = b->target;
    if (b->state != BRANCH_TRYING || b->is_cancelled || b->context->is_cancelled) return false;
    if (b->ask) return proxy_outward_next(b);
    while (t->way + 1 < t->way_count) {
        t->way++;
        if (proxy_send_branch(b)) return true;
    }
    return false;
}

void proxy_branch_failed(struct branch *b, unsigned status)
{
    if (b->is_refused) status = 488;
    branch_done(b);
    if (!proxy_ring_heard(b->context, status, NULL)) consider(b->context, b, status, NULL);
}

/* An edge knows the phone's connection no more (RFC 5626, 5.3): nobody need try that way again. */
static void forget_way(struct branch *b)
{
    struct call_node *n = b->context->proxy->worker->node;
    const struct location_binding *way = b->target->ways[b->target->way];
    if (way->path.n == 0 || !location_remove_one(n->location, way, LOCATION_FLOW_LOST)) return;
    log_info(n->log, "registration.flow_failed", LOG_STR("device", way->device),
             LOG_STR("line", way->line), LOG_STR("contact", way->contact));
}

static void on_nothing(struct branch *b, unsigned status)
{
    if (b->state == BRANCH_DONE) return;
    if (b->leg) call_relay_forget(b->leg);
    if (b->leg) b->context->legs--;
    b->leg = NULL;
    if (b->context->request && try_next_way(b)) return;
    proxy_branch_failed(b, status);
}

static void on_leg(void *ctx, struct call_leg_out *leg, enum siptx_outcome outcome,
                   const struct sip_message *m)
{
    struct branch *b = ctx;
    struct proxy_context *c = b->context;
    CHECK(b->leg == leg);
    c->depth++;
    switch (outcome) {
    case SIPTX_PROVISIONAL: on_provisional(b, m); break;
    case SIPTX_FINAL:
        if (m->status < 300)
            on_success(b, m);
        else if (m->status == 430 && b->state != BRANCH_DONE && b->target->way_count > 0) {
            forget_way(b);
            on_nothing(b, 480);
        } else if (m->status == 503 && b->state != BRANCH_DONE && b->ask)
            on_nothing(b, 503); /* RFC 3263, 4.3: the next address */
        else
            on_refusal(b, m);
        break;
    case SIPTX_TIMEOUT: on_nothing(b, 408); break;
    case SIPTX_LOST: on_nothing(b, 480); break;
    case SIPTX_GONE:
        b->leg = NULL;
        c->legs--;
        break;
    }
    proxy_advance(c);
    c->depth--;
    proxy_release(c);
}

/* ---- sending ---- */

static void print_token(const struct proxy_context *c, uint64_t to_flow, struct buf *out)
{
    struct call_token t = {.flow = {c->from_flow, to_flow}, .call = c->call};
    if (call_token_print(out, c->proxy->mac, &t) != RC_OK) buf_reset(out);
}

/* False: not over this flow. */
bool proxy_send_branch(struct branch *b)
{
    struct proxy_context *c = b->context;
    struct call_proxy *p = c->proxy;
    char text[CALL_TOKEN_LEN + 1];
    struct buf token;
    const struct call_target *t = b->target;
    struct str uri = call_target_uri(t), body;
    b->is_refused = !proxy_media_offer(b, &body);
    if (b->is_refused) return false;
    buf_init_fixed(&token, text, sizeof text);
    buf_reset(&p->out);
    proxy_print_request(c, b->target, &uri, &p->out);
    if (c->is_record_routed) print_token(c, call_target_flow(b->target), &token);
    if (buf_rc(&p->out) != RC_OK || (c->is_record_routed && token.n == 0)) return false;
    struct call_outgoing o = {
        .flow = call_target_flow(b->target),
        .method = c->visit->message->method_text,
        .uri = uri,
        .via_params = str_of(c->loop, CALL_LOOP_PARAM_LEN),
        .token = buf_str(&token),
        .headers = buf_str(&p->out),
        .body = body,
        .from = c->from,
        .own_port = t->trunk
                        ? proxy_own_port(p->worker->node, call_trunk_transport(t->trunk->transport))
                        : 0,
    };
    if (call_relay_send(p->worker->relay, &o, on_leg, b, &b->leg) != RC_OK) {
        b->leg = NULL;
        return false;
    }
    c->legs++;
    start_timer_c(b);
    return true;
}

static void begin_branch(struct proxy_context *c, size_t i)
{
    struct branch *b = &c->branches[i];
    b->context = c;
    b->target = &c->targets.list[i];
    b->state = BRANCH_TRYING;
    c->pending++;
    proxy_ring_count(b);
    if (b->target->trunk ? proxy_outward_begin(b) : proxy_send_branch(b) || try_next_way(b)) return;
    proxy_branch_failed(b, b->target->trunk ? 503 : 480);
}

bool proxy_start_rank(struct proxy_context *c)
{
    while (c->rank < c->targets.ranks) {
        unsigned count = 0, total = call_breadth(c->visit->message);
        for (size_t i = 0; i < c->targets.count; i++)
            if (c->targets.list[i].rank == c->rank) count++;
        if (count > total) {
            if (c->best == 0) c->best = 440;
            return false;
        }
        c->breadth = count > 0 ? total / count : total;
        for (size_t i = 0; i < c->targets.count; i++)
            if (c->targets.list[i].rank == c->rank) begin_branch(c, i);
        c->rank++;
        if (c->pending > 0) return true;
    }
    return false;
}
