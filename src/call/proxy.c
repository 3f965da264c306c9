/* The way in: what must hold of a request before it goes anywhere (RFC 3261, 16.3), where it is to
 * go (16.4, 16.5), and the life of its context. */
#include "call/proxy_int.h"

#include "call/dial.h"
#include "call/privacy.h"
#include "call/trunk.h"
#include "crypto/digest.h"
#include "sip/print.h"
#include "sip/values.h"

#include <stdlib.h>

enum rc call_proxy_new(struct call_worker *w, struct call_proxy **out)
{
    struct call_proxy *p = calloc(1, sizeof *p);
    if (!p) return RC_NOMEM;
    p->worker = w;
    list_init(&p->live);
    list_init(&p->pool);
    buf_init(&p->out, 2 * SIPTX_MESSAGE_MAX);
    buf_init(&p->body, SIPTX_MESSAGE_MAX);
    p->mac = crypto_digest_new_hmac(secret_bytes(&w->node->route_key));
    if (!p->mac) {
        call_proxy_free(p);
        return RC_NOMEM;
    }
    *out = p;
    return RC_OK;
}

static void contexts_free(struct list *l)
{
    struct list *first;
    while ((first = list_first(l)) != NULL) {
        struct proxy_context *c = LIST_OF(first, struct proxy_context, link);
        list_remove(first);
        call_targets_clear(&c->targets);
        buf_fini(&c->best_head);
        buf_fini(&c->best_body);
        buf_fini(&c->challenges);
        free(c);
    }
}

struct call_proxy *call_proxy_free(struct call_proxy *p)
{
    if (!p) return NULL;
    contexts_free(&p->live);
    contexts_free(&p->pool);
    crypto_digest_free(p->mac);
    buf_fini(&p->out);
    buf_fini(&p->body);
    free(p);
    return NULL;
}

void call_proxy_attach(struct call_proxy *p, struct siptx_stack *stack)
{
    p->stack = stack;
}

/* ---- contexts ---- */

static struct proxy_context *context_get(struct call_proxy *p)
{
    struct list *l = list_first(&p->pool);
    struct proxy_context *c;
    if (!l) {
        c = calloc(1, sizeof *c);
        if (!c) return NULL;
        buf_init(&c->best_head, SIPTX_MESSAGE_MAX);
        buf_init(&c->best_body, SIPTX_MESSAGE_MAX);
        buf_init(&c->challenges, PROXY_CHALLENGES_MAX);
        return c;
    }
    list_remove(l);
    p->pool_count--;
    c = LIST_OF(l, struct proxy_context, link);
    struct buf head = c->best_head, body = c->best_body, challenges = c->challenges;
    memset(c, 0, sizeof *c);
    c->best_head = head;
    c->best_body = body;
    c->challenges = challenges;
    buf_reset(&c->best_head);
    buf_reset(&c->best_body);
    buf_reset(&c->challenges);
    return c;
}

static struct proxy_context *context_begin(struct call_visit *v, const struct call_route *route)
{
    struct call_proxy *p = v->worker->proxy;
    struct siptx_request *r = v->request;
    struct proxy_context *c = context_get(p);
    if (!c) return NULL;
    c->proxy = p;
    c->visit = v;
    c->request = r;
    c->from_flow = r->flow_id;
    c->method = v->message->method;
    c->cseq = r->basics->cseq.number;
    c->route = *route;
    c->from = (struct call_hop){r->flow->local, (enum siptx_transport)r->flow->transport};
    if (r->flow->listener_kind < 0) /* opened by us: the peer's other requests come to our port */
        c->from.local.port = proxy_own_port(v->worker->node, c->from.transport);
    call_loop_param(c->loop, call_loop_hash(&v->worker->node->loop_key, v->message, r->basics));
    list_push_back(&p->live, &c->link);
    p->live_count++;
    atomic_fetch_add(&p->worker->node->counters.contexts, 1);
    if (p->sdp_of == c) p->sdp_of = NULL;
    v->context = c;
    return c;
}

void call_proxy_ended(struct call_visit *v)
{
    struct proxy_context *c = v->context;
    if (!c) return;
    v->context = NULL;
    c->request = NULL;
    proxy_ring_end(c);
    c->visit = NULL;
    if (c->depth > 0) return;
    c->depth++;
    if (!c->is_answered) proxy_cancel_branches(c, STR(""));
    c->depth--;
    proxy_release(c);
}

/* ---- what must hold (16.3) ---- */

static bool are_extensions_known(struct call_visit *v)
{
    struct sip_values values;
    struct str tag;
    struct buf bad;
    char text[512];
    buf_init_fixed(&bad, text, sizeof text);
    sip_values_init(&values, v->message, SIP_HEADER_PROXY_REQUIRE);
    while (sip_values_next(&values, &tag) == RC_OK)
        if (!str_eq_nocase(tag, STR("privacy")))
            sip_print_header(&bad, SIP_HEADER_UNSUPPORTED, tag);
    if (bad.n == 0 && buf_rc(&bad) == RC_OK) return true;
    call_answer(v, 420, STR(""), buf_rc(&bad) == RC_OK ? buf_str(&bad) : STR(""));
    return false;
}

/* A call takes two transactions of the stack, and so half as many contexts will do; a quarter of these
 * is for what belongs to calls that are there. */
static bool is_overloaded(const struct call_visit *v)
{
    const struct call_proxy *p = v->worker->proxy;
    uint32_t max = siptx_stack_limits(p->stack)->transactions_max / 2;
    return p->live_count >= (v->in_dialog ? max : max - max / 4);
}

static void answer_busy_for(struct call_visit *v, unsigned retry_after_s)
{
    char text[64];
    struct buf b;
    buf_init_fixed(&b, text, sizeof text);
    sip_print_header_u64(&b, SIP_HEADER_RETRY_AFTER, retry_after_s);
    call_answer(v, 503, STR(""), buf_str(&b));
}

static void answer_busy(struct call_visit *v)
{
    answer_busy_for(v, PROXY_RETRY_AFTER_S);
}

static bool is_valid(struct call_visit *v)
{
    const struct sip_basics *b = v->request->basics;
    if (b->max_forwards == 0) {
        call_answer(v, 483, STR(""), STR(""));
        return false;
    }
    uint64_t hash = call_loop_hash(&v->worker->node->loop_key, v->message, b);
    if (call_loop_found(v->message, hash)) {
        call_answer(v, 482, STR("Loop Detected"), STR(""));
        return false;
    }
    return are_extensions_known(v);
}

bool call_proxy_is_for_us(struct call_visit *v)
{
    const struct sip_basics *b = v->request->basics;
    bool names_somebody = b->uri.scheme == SIP_SCHEME_TEL ||
                          (sip_uri_is_sip(&b->uri) && b->uri.has_user);
    return b->to_tag.n == 0 && !names_somebody;
}

/* ---- going on ---- */

static bool is_dialog_forming(enum sip_method method)
{
    return method == SIP_METHOD_INVITE || method == SIP_METHOD_SUBSCRIBE ||
           method == SIP_METHOD_REFER;
}

/* 100 at once, so that the caller stops repeating. */
static void go(struct proxy_context *c)
{
    c->depth++;
    if (c->method == SIP_METHOD_INVITE) siptx_respond(c->request, 100, STR(""), STR(""));
    proxy_advance(c);
    c->depth--;
    proxy_release(c);
}

/* ---- within a dialog ---- */

/* A BYE ends the call, unless it is for another dialog of its fork. */
static void count_bye(const struct call_visit *v, const struct call_token *t, enum call_side side)
{
    const struct sip_basics *b = v->request->basics;
    struct call_calls *calls = v->worker->node->calls;
    if (v->message->method != SIP_METHOD_BYE || t->call == 0) return;
    if (!call_calls_is_main(calls, t->call, side == CALL_CALLER ? b->to_tag : b->from_tag)) return;
    call_calls_end(calls, t->call, side == CALL_CALLER ? CALL_END_CALLER : CALL_END_CALLEE, 0);
}

/* Where the request goes: the dialog's other phone, by the Contact it has registered. */
static void add_other_side(struct proxy_context *c)
{
    struct call_worker *w = c->proxy->worker;
    uint64_t flow = proxy_other_flow(w, &c->route.token, c->side);
    char text[LOCATION_TEXT_MAX];
    struct str uri = c->route.uri;
    proxy_exact_contact(w, c->request->flow, flow, text, &uri);
    if (uri.p == text && arena_str_dup(c->visit->arena, uri, &uri) != RC_OK) uri = c->route.uri;
    const struct directory_trunk *trunk = proxy_outward_lost(w, &c->route.token, c->side);
    if (trunk)
        call_targets_add_trunk(&c->targets, uri, trunk);
    else
        call_targets_add_flow(&c->targets, uri, flow);
    directory_trunk_unref(trunk);
}

static void forward_in_dialog(struct call_visit *v, const struct call_route *route)
{
    enum call_side side;
    if (proxy_side(v->worker, v->request->flow, &route->token, &side) != RC_OK) {
        call_answer(v, 481, STR(""), STR(""));
        return;
    }
    struct proxy_context *c = context_begin(v, route);
    if (!c) {
        answer_busy(v);
        return;
    }
    c->side = side;
    c->call = route->token.call;
    c->depth++;
    if (proxy_media_begin(c) && proxy_timer_begin(c)) {
        add_other_side(c);
        call_calls_seen(v->worker->node->calls, c->call, side, c->cseq);
        count_bye(v, &route->token, side);
        go(c);
    }
    c->depth--;
    proxy_release(c);
}

/* ---- out of a dialog ---- */

static bool start_call(struct proxy_context *c, struct str number)
{
    const struct call_visit *v = c->visit;
    const struct sip_basics *b = v->request->basics;
    if (c->method != SIP_METHOD_INVITE) return true;
    char label[CALL_TRUNK_LABEL_MAX + 1];
    if (v->trunk) call_trunk_label(v->trunk->name, label);
    struct call_start s = {
        .call_id = b->call_id,
        .from = v->trunk ? proxy_inward_number(v) : v->line->pattern,
        .to = number,
        .from_device = v->trunk ? str_from(label) : v->device->name,
        .from_tag = b->from_tag,
        .from_flow = c->from_flow,
        .media = c->media,
        .cseq = c->cseq,
    };
    return call_calls_start(v->worker->node->calls, &s, &c->call) == RC_OK;
}

static void follow_plan(struct proxy_context *c, struct str number)
{
    enum call_plan_what what = proxy_ring_start(c, number);
    if (!start_call(c, number) || (!c->ring && what != CALL_PLAN_NOWHERE)) {
        proxy_answer(c, 503, STR("Retry-After: 5\r\n"));
    } else if (what == CALL_PLAN_NOWHERE) {
        proxy_answer(c, 404, STR(""));
    } else if (what == CALL_PLAN_BLOCKED || !proxy_inward_may(c)) {
        proxy_answer(c, 403, STR(""));
    } else if (what == CALL_PLAN_TOO_FAR) {
        c->ring->is_too_far = true;
        proxy_answer(c, 482, proxy_ring_headers(c, 482));
    } else {
        proxy_ring_first(c);
        go(c);
    }
}

/* One phone is asked for: nothing of the dial plan counts. */
static void forward_exactly(struct proxy_context *c, unsigned status, struct str number)
{
    if (status != 200)
        proxy_answer(c, status, STR(""));
    else if (!start_call(c, number))
        proxy_answer(c, 503, STR("Retry-After: 5\r\n"));
    else
        go(c);
}

static void forward_to_number(struct proxy_context *c)
{
    struct call_visit *v = c->visit;
    struct proxy_here here = {v->worker->node, v->request->flow};
    struct call_dialled to;
    struct sip_uri uri;
    struct str number;
    unsigned exact = 0;
    exact = proxy_replaces(c, &number);
    if (exact == 0 && sip_uri_parse(c->route.uri, &uri, NULL) == RC_OK)
        exact = proxy_exact(c, &uri, &number);
    if (exact != 0) {
        forward_exactly(c, exact, number);
    } else if (sip_uri_parse(c->route.uri, &uri, NULL) != RC_OK ||
               call_dial_read(&uri, v->arena, &to) != RC_OK ||
               !call_dial_is_local(&to, proxy_is_our_host, &here)) {
        proxy_answer(c, 404, STR(""));
    } else if (!to.is_tel && !proxy_is_ours(&here, &uri)) {
        proxy_answer(c, 404, STR(""));
    } else {
        follow_plan(c, to.number);
    }
}

static bool is_privacy_possible(struct call_visit *v)
{
    struct call_privacy p;
    char text[64];
    struct buf reason;
    bool is_anonymous = call_privacy_is_anonymous(&v->request->basics->from_uri);
    buf_init_fixed(&reason, text, sizeof text);
    call_privacy_read(v->message, &p);
    if (!call_privacy_fails(&p, is_anonymous, &reason)) return true;
    call_answer(v, 500, buf_str(&reason), STR(""));
    return false;
}

static void forward_initial(struct call_visit *v, const struct call_route *route)
{
    if (route->next.n > 0) { /* we are nobody's way to other servers */
        call_answer(v, 403, STR("Forbidden Route"), STR(""));
        return;
    }
    if (!is_privacy_possible(v)) return;
    struct proxy_context *c = context_begin(v, route);
    if (!c) {
        answer_busy(v);
        return;
    }
    c->is_initial = true;
    c->is_record_routed = is_dialog_forming(c->method);
    c->depth++;
    if (proxy_media_begin(c) && proxy_timer_begin(c)) forward_to_number(c);
    c->depth--;
    proxy_release(c);
}

/* A new call that comes while the worker has too much to do is refused before anything costly. */
static bool is_shed(struct call_visit *v)
{
    struct call_node *n = v->worker->node;
    if (!v->worker->overload.is_shedding || v->message->method != SIP_METHOD_INVITE) return false;
    if (v->request->basics->to_tag.n > 0) return false;
    unsigned spread = CALL_OVERLOAD_RETRY_MAX_S - CALL_OVERLOAD_RETRY_MIN_S + 1;
    atomic_fetch_add_explicit(&n->counters.shed, 1, memory_order_relaxed);
    answer_busy_for(v, CALL_OVERLOAD_RETRY_MIN_S + (unsigned)random_below(&n->random, spread));
    return true;
}

void call_proxy_request(struct call_visit *v)
{
    if (is_shed(v)) return;
    struct call_route route;
    struct proxy_here here = {v->worker->node, v->request->flow};
    enum rc rc = call_route_read(v->message, &v->request->basics->uri, v->worker->proxy->mac,
                                 proxy_is_ours, &here, &route);
    bool has_to_tag = v->request->basics->to_tag.n > 0;
    bool proves_first = v->listener == CALL_OAUTH || v->listener == CALL_MRA;
    v->in_dialog = rc == RC_OK && route.has_token && has_to_tag;
    if (proves_first && !proxy_admit(v)) return; /* there nobody is served before */
    if (rc != RC_OK) {
        call_answer(v, 400, STR("Bad Request: Route"), STR(""));
    } else if (has_to_tag && !v->in_dialog) {
        call_answer(v, 481, STR(""), STR("")); /* a dialog nobody here knows */
    } else if (!is_valid(v) || (!proves_first && !proxy_admit(v))) {
        return;
    } else if (is_overloaded(v)) {
        answer_busy(v);
    } else if (v->in_dialog) {
        forward_in_dialog(v, &route);
    } else {
        forward_initial(v, &route);
    }
}

/* ---- ACK to a 2xx: it has no transaction and no answer ---- */

static void forward_ack(struct call_worker *w, struct siptx_flow *f, const struct sip_message *m,
                        const struct call_route *route, unsigned max_forwards)
{
    struct call_proxy *p = w->proxy;
    enum call_side side;
    char text[LOCATION_TEXT_MAX];
    struct str uri = route->uri, body;
    if (max_forwards == 0 || proxy_side(w, f, &route->token, &side) != RC_OK) return;
    bool is_refused = !proxy_media_ack(w, m, &route->token, side, &body);
    uint64_t flow = proxy_other_flow(w, &route->token, side);
    proxy_exact_contact(w, f, flow, text, &uri);
    buf_reset(&p->out);
    sip_print_vias(&p->out, m, NULL);
    call_route_print(&p->out, m, route, STR(""), &uri);
    sip_print_header_u64(&p->out, SIP_HEADER_MAX_FORWARDS, max_forwards - 1);
    for (unsigned i = 0; i < m->header_count; i++) {
        const struct sip_header *h = &m->headers[i];
        bool skip = h->id == SIP_HEADER_VIA || h->id == SIP_HEADER_ROUTE ||
                    h->id == SIP_HEADER_MAX_FORWARDS || h->id == SIP_HEADER_CONTENT_LENGTH ||
                    h->id == SIP_HEADER_PROXY_AUTHORIZATION || h->id == SIP_HEADER_AUTHORIZATION ||
                    h->id == SIP_HEADER_P_ASSERTED_IDENTITY ||
                    h->id == SIP_HEADER_P_PREFERRED_IDENTITY ||
                    (is_refused && h->id == SIP_HEADER_CONTENT_TYPE);
        if (!skip) sip_print_header_named(&p->out, h->name, h->value);
    }
    struct call_outgoing o = {
        .flow = flow,
        .method = STR("ACK"),
        .uri = uri,
        .headers = buf_str(&p->out),
        .body = body,
    };
    if (buf_rc(&p->out) != RC_OK || call_relay_send_once(w->relay, &o) != RC_OK)
        log_debug(w->node->log, "call.ack_lost", LOG_STR("uri", uri));
    if (is_refused) call_calls_hang_up(w->node->calls, route->token.call, CALL_END_REFUSED, 488);
}

void call_proxy_ack(struct call_worker *w, struct siptx_flow *f, const struct sip_message *m)
{
    struct sip_uri uri;
    struct call_route route;
    struct proxy_here here = {w->node, f};
    unsigned max_forwards;
    enum rc rc = sip_max_forwards(m, &max_forwards);
    if (rc == RC_NOT_FOUND) max_forwards = 70;
    if (rc != RC_OK && rc != RC_NOT_FOUND) return;
    if (sip_uri_parse(m->uri, &uri, NULL) != RC_OK) return;
    if (call_route_read(m, &uri, w->proxy->mac, proxy_is_ours, &here, &route) != RC_OK) return;
    if (route.has_token) forward_ack(w, f, m, &route, max_forwards);
}

/* ---- the caller gives up ---- */

static void give_up(struct proxy_context *c)
{
    if (c->is_answered) return;
    c->is_cancelled = true;
    c->depth++;
    proxy_cancel_branches(c, STR(""));
    proxy_advance(c);
    c->depth--;
    proxy_release(c);
}

void call_proxy_cancel(struct call_worker *w, struct siptx_request *invite)
{
    (void)w;
    struct call_visit *v = invite->user;
    if (v && v->context) give_up(v->context);
}

void call_proxy_flow_closed(struct call_worker *w, struct siptx_flow *f)
{
    struct call_proxy *p = w->proxy;
    LIST_FOR_EACH(l, &p->live)
    {
        struct proxy_context *c = LIST_OF(l, struct proxy_context, link);
        if (c->from_flow == f->id && c->request && c->method == SIP_METHOD_INVITE &&
            !c->is_answered)
            give_up(c);
    }
    call_calls_flow_lost(w->node->calls, f->id, clock_mono_ms(&w->node->clock), CALL_GRACE_MS);
}
