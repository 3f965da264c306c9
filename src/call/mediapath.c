/* Where the media rule meets the proxy: every SDP that passes is read and judged with the two legs it
 * passes between (mediarule.h), before it goes on.
 *
 *   a request's SDP    refused: 488 with the Warning, or in a fork this branch alone counts as 488
 *   an answer's SDP    refused: a ringing branch is cancelled; who has accepted is hung up on
 *                      (hangup.c); the asker hears 488 with the Warning
 *   an ACK's SDP       refused: the ACK goes on without it and the call ends
 *   SDP elsewhere      (refusals, MESSAGE ...) loses its keys where these may not go
 *
 * A call is encrypted when the offer and the answer of its present session prove it. */
#include "call/proxy_int.h"

#include "call/trunk.h"
#include "sip/warning.h"

/* ---- legs ---- */

static enum call_security security_of(struct call_node *n, struct str device)
{
    const struct directory_device *dev = directory_device_ref(n->directory, device);
    const struct directory_profile *p = dev ? directory_profile_ref(n->directory, dev->profile)
                                            : NULL;
    enum call_security s = p ? (enum call_security)p->security : CALL_NON_SECURE;
    directory_profile_unref(p);
    directory_device_unref(dev);
    return s;
}

static struct call_media_leg leg_of_binding(struct call_node *n, const struct location_binding *b)
{
    enum call_listener listener = (enum call_listener)b->listener;
    return (struct call_media_leg){
        .security = security_of(n, b->device),
        .is_oauth = listener == CALL_OAUTH || listener == CALL_MRA,
        .is_tls = listener != CALL_LINE,
        .srtp_allowed = true,
        .can_fall_back = b->srtp_fallback,
    };
}

struct by_flow {
    struct call_node *node;
    const char *device; /* "": any */
    struct call_media_leg leg;
};

static void on_flow(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                    size_t count)
{
    struct by_flow *f = ctx;
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        if (i == 0 || str_eq_nocase(bindings[i]->device, str_from(f->device)))
            f->leg = leg_of_binding(f->node, bindings[i]);
}

/* One side of a dialog: as its call began; where its phone has moved or the dialog is another one of
 * the fork, whoever is registered over that flow. Of nobody known nothing good is assumed. */
static struct call_media_leg leg_of_side(struct call_node *n, const struct call_token *t,
                                         enum call_side side, uint64_t flow)
{
    struct call_leg known;
    struct by_flow f = {.node = n, .device = "", .leg = {.security = CALL_NON_SECURE}};
    if (call_calls_media(n->calls, t->call, side, flow, &f.leg)) return f.leg;
    if (call_calls_leg(n->calls, t->call, side, &known)) f.device = known.device;
    struct location_key key = {.by = LOCATION_BY_FLOW, .flow = flow};
    location_fetch(n->location, &key, clock_mono_ms(&n->clock), on_flow, &f);
    return f.leg;
}

static struct call_media_leg leg_of_trunk(const struct directory_trunk *t, bool is_tls)
{
    return (struct call_media_leg){
        .security = CALL_NON_SECURE, .is_tls = is_tls, .srtp_allowed = t->srtp_allowed};
}

static struct call_media_leg leg_of_caller(const struct call_visit *v)
{
    bool is_tls = v->request->flow && v->request->flow->transport == SIPTX_TLS;
    if (v->trunk) return leg_of_trunk(v->trunk, is_tls);
    return (struct call_media_leg){
        .security = v->profile ? (enum call_security)v->profile->security : CALL_NON_SECURE,
        .is_oauth = v->listener == CALL_OAUTH || v->listener == CALL_MRA,
        .is_tls = is_tls,
        .srtp_allowed = true,
        .can_fall_back = sip_values_has(v->message, SIP_HEADER_SUPPORTED, CALL_MEDIA_FALLBACK_TAG),
    };
}

static struct call_media_leg leg_of_target(struct proxy_context *c, const struct call_target *t)
{
    struct call_node *n = c->proxy->worker->node;
    if (t->way_count > 0) return leg_of_binding(n, t->ways[t->way]);
    if (t->trunk)
        return leg_of_trunk(t->trunk, call_trunk_transport(t->trunk->transport) == SIPTX_TLS);
    return leg_of_side(n, &c->route.token, c->side == CALL_CALLER ? CALL_CALLEE : CALL_CALLER,
                       call_target_flow(t));
}

/* ---- reading and judging ---- */

static enum rc read_body(const struct sip_message *m, struct call_media_body *out,
                         struct parse_at *at)
{
    if (m->body.n == 0) return RC_NOT_FOUND;
    return call_media_read(sip_message_value(m, SIP_HEADER_CONTENT_TYPE),
                           sip_message_value(m, SIP_HEADER_CONTENT_ENCODING), m->body, out, at);
}

static bool is_session(enum sip_method method)
{
    return method == SIP_METHOD_INVITE || method == SIP_METHOD_UPDATE ||
           method == SIP_METHOD_PRACK || method == SIP_METHOD_ACK;
}

/* body as it may go on to a leg, from scratch where keys come out of it. */
static struct str print_body(struct call_proxy *p, const struct call_media_body *b, bool plain)
{
    if (!plain) return b->body;
    buf_reset(&p->body);
    call_media_print_plain(&p->body, b);
    return buf_rc(&p->body) == RC_OK ? buf_str(&p->body) : STR("");
}

static struct call_media_verdict judge(struct call_worker *w, const struct sip_sdp *sdp,
                                       bool is_answer, const struct call_media_leg *from,
                                       const struct call_media_leg *to)
{
    struct call_media_question q = {
        .sdp = sdp,
        .is_answer = is_answer,
        .from = *from,
        .to = *to,
        .fallback_allowed = directory_params_is_on(call_worker_params(w), STORE_P_SRTP_FALLBACK),
    };
    return call_media_decide(&q);
}

/* ---- requests ---- */

static void answer_unreadable(struct proxy_context *c, enum rc rc, const struct parse_at *at)
{
    char text[160];
    struct buf reason;
    struct call_visit *v = c->visit;
    buf_init_fixed(&reason, text, sizeof text);
    buf_put_lit(&reason, "Bad Request: SDP: expected ");
    buf_put_str(&reason, str_from(at->expected ? at->expected : "a session description"));
    c->is_answered = true;
    if (rc == RC_MALFORMED) {
        call_answer(v, 400, buf_str(&reason), STR(""));
    } else if (rc == RC_TOO_BIG) {
        c->media_why = "The SDP is longer than this server reads";
        call_answer(v, 488, STR(""), proxy_media_warning(c));
    } else {
        call_answer(
            v, 415, STR(""),
            STR("Accept: application/sdp, multipart/mixed\r\nAccept-Encoding: identity\r\n"));
    }
}

/* An answer to an offer that went by in a response. */
static void take_answer(struct proxy_context *c)
{
    struct call_node *n = c->proxy->worker->node;
    struct call_media_note offer;
    const struct sip_basics *b = c->visit->request->basics;
    if (c->method != SIP_METHOD_PRACK || !call_calls_take_offer(n->calls, c->call, &offer)) return;
    c->has_offer = false;
    if (call_calls_is_main(n->calls, c->call, c->side == CALL_CALLER ? b->to_tag : b->from_tag))
        call_calls_set_encrypted(n->calls, c->call,
                                 call_media_is_encrypted_by(&offer, &c->proxy->sdp.sdp, &c->media));
}

bool proxy_media_begin(struct proxy_context *c)
{
    struct parse_at at = {.expected = NULL};
    enum rc rc = read_body(c->visit->message, &c->proxy->sdp, &at);
    c->proxy->sdp_of = rc == RC_OK ? c : NULL;
    c->media = c->is_initial || c->visit->trunk
                   ? leg_of_caller(c->visit)
                   : leg_of_side(c->proxy->worker->node, &c->route.token, c->side, c->from_flow);
    if (!c->is_initial) c->media.is_tls = c->from.transport == SIPTX_TLS;
    if (rc == RC_NOT_FOUND) return true;
    if (rc != RC_OK) {
        answer_unreadable(c, rc, &at);
        return false;
    }
    c->has_sdp = true;
    c->has_offer = is_session(c->method);
    take_answer(c);
    return true;
}

/* The request's SDP, read before: it is still in scratch or is read again. */
static const struct call_media_body *request_sdp(struct proxy_context *c)
{
    struct call_proxy *p = c->proxy;
    if (p->sdp_of != c && read_body(c->visit->message, &p->sdp, NULL) != RC_OK) return NULL;
    p->sdp_of = c;
    return &p->sdp;
}

bool proxy_media_offer(struct branch *b, struct str *body)
{
    struct proxy_context *c = b->context;
    *body = c->visit->message->body;
    if (!c->has_sdp && c->method != SIP_METHOD_INVITE) return true;
    b->media = leg_of_target(c, b->target);
    if (!c->has_sdp) return true;
    const struct call_media_body *sdp = request_sdp(c);
    if (!sdp) return false;
    struct call_media_verdict v = judge(c->proxy->worker, &sdp->sdp, false, &c->media, &b->media);
    bool is_plain = v.action == CALL_MEDIA_PASS_PLAIN;
    if (v.action == CALL_MEDIA_REFUSE && is_session(c->method)) {
        c->media_why = call_media_why_text(v.why);
        log_info(c->proxy->worker->node->log, "call.media_refused",
                 LOG_STR("method", c->visit->message->method_text),
                 LOG_CSTR("why", call_media_why_name(v.why)), LOG_CSTR("text", c->media_why));
        return false;
    }
    if (v.action == CALL_MEDIA_REFUSE) is_plain = !b->media.is_tls || !b->media.srtp_allowed;
    *body = print_body(c->proxy, sdp, is_plain);
    return true;
}

struct str proxy_media_warning(struct proxy_context *c)
{
    char line[256];
    struct buf b;
    struct str out;
    if (!c->media_why) return STR("");
    buf_init_fixed(&b, line, sizeof line);
    sip_warning_print(&b, CALL_MEDIA_WARN_CODE, c->proxy->worker->node->node_name,
                      str_from(c->media_why));
    if (buf_rc(&b) != RC_OK || arena_str_dup(c->visit->arena, buf_str(&b), &out) != RC_OK)
        return STR("");
    return out;
}

/* ---- answers ---- */

/* Keys in what accepts nothing stay where they may be. */
static bool pass_refusal(struct branch *b, enum rc rc, const struct call_media_body *sdp,
                         struct str *body)
{
    struct proxy_context *c = b->context;
    bool may = c->media.is_tls && c->media.srtp_allowed;
    if (!may && rc == RC_OK) *body = print_body(c->proxy, sdp, true);
    if (!may && rc != RC_OK) *body = STR("");
    return true;
}

/* Offer and answer side by side: is this branch's session encrypted? */
static void note(struct branch *b, const struct call_media_body *answer)
{
    struct proxy_context *c = b->context;
    const struct call_media_body *offer = c->has_offer ? request_sdp(c) : NULL;
    if (!offer) return;
    bool is_encrypted = call_media_is_encrypted(&offer->sdp, &c->media, &answer->sdp, &b->media);
    b->heard = is_encrypted ? BRANCH_ENCRYPTED : BRANCH_PLAIN;
}

static void note_offer(struct branch *b, const struct call_media_body *offer)
{
    struct proxy_context *c = b->context;
    struct call_media_note n;
    if (c->has_sdp || c->method != SIP_METHOD_INVITE || c->is_answered) return;
    call_media_note(&offer->sdp, &b->media, &n);
    call_calls_set_offer(c->proxy->worker->node->calls, c->call, &n);
    b->heard = BRANCH_PLAIN; /* until the answer shows otherwise */
}

bool proxy_media_answer(struct branch *b, const struct sip_message *m, struct str *body)
{
    struct proxy_context *c = b->context;
    struct call_media_body *sdp = &c->proxy->answer;
    enum rc rc = read_body(m, sdp, NULL);
    *body = m->body;
    if (rc == RC_NOT_FOUND || !c->request) return true;
    if (m->status >= 300 || !is_session(c->method)) return pass_refusal(b, rc, sdp, body);
    if (rc != RC_OK) {
        c->media_why = "The answer's SDP cannot be read";
        return false;
    }
    struct call_media_verdict v = judge(c->proxy->worker, &sdp->sdp, c->has_offer, &b->media,
                                        &c->media);
    if (v.action == CALL_MEDIA_REFUSE) {
        c->media_why = call_media_why_text(v.why);
        log_info(c->proxy->worker->node->log, "call.media_refused", LOG_INT("status", m->status),
                 LOG_CSTR("why", call_media_why_name(v.why)), LOG_CSTR("text", c->media_why));
        return false;
    }
    note(b, sdp);
    note_offer(b, sdp);
    *body = print_body(c->proxy, sdp, v.action == CALL_MEDIA_PASS_PLAIN);
    return true;
}

void proxy_media_settled(struct branch *b, bool has_body)
{
    struct proxy_context *c = b->context;
    struct call_calls *calls = c->proxy->worker->node->calls;
    if (c->call == 0 || b->heard == BRANCH_SILENT) return;
    /* An UPDATE may have changed what an early answer said. */
    if (c->is_initial && !has_body && c->targets.count == 1) return;
    if (!c->is_initial) {
        const struct sip_basics *r = c->visit->request->basics;
        struct str callee = c->side == CALL_CALLER ? r->to_tag : r->from_tag;
        if (!call_calls_is_main(calls, c->call, callee)) return;
    }
    call_calls_set_encrypted(calls, c->call, b->heard == BRANCH_ENCRYPTED);
}

/* ---- ACK ---- */

bool proxy_media_ack(struct call_worker *w, const struct sip_message *m, const struct call_token *t,
                     enum call_side side, struct str *body)
{
    struct call_node *n = w->node;
    struct call_media_body *sdp = &w->proxy->answer;
    enum call_side other = side == CALL_CALLER ? CALL_CALLEE : CALL_CALLER;
    struct call_media_note offer = {.is_there = false};
    *body = m->body;
    bool was_offered = t->call != 0 && call_calls_take_offer(n->calls, t->call, &offer);
    enum rc rc = read_body(m, sdp, NULL);
    if (rc == RC_NOT_FOUND) return true;
    struct call_media_leg from = leg_of_side(n, t, side, t->flow[side]);
    struct call_media_leg to = leg_of_side(n, t, other, t->flow[other]);
    struct call_media_verdict v = {CALL_MEDIA_REFUSE, CALL_MEDIA_FINE};
    if (rc == RC_OK) v = judge(w, &sdp->sdp, true, &from, &to);
    if (v.action == CALL_MEDIA_REFUSE) {
        *body = STR("");
        return false;
    }
    if (was_offered)
        call_calls_set_encrypted(n->calls, t->call,
                                 call_media_is_encrypted_by(&offer, &sdp->sdp, &from));
    *body = print_body(w->proxy, sdp, v.action == CALL_MEDIA_PASS_PLAIN);
    return true;
}
