/* Asks the line policy about a request, and says once, where the story is known, what came of it. */
#include "call/call_int.h"

#include "net/tls.h"

static bool cert_names(const struct call_visit *v)
{
    const struct siptx_flow *f = v->request->flow;
    if (!f || !f->tls_peer || !v->device) return false;
    return str_eq_nocase(f->tls_peer->common_name, v->device->client_cert) ||
           net_tls_peer_has_name(f->tls_peer, v->device->client_cert);
}

/* Is the token's user active here, and the owner? */
static void ask_user(struct call_visit *v)
{
    struct call_question *q = &v->question;
    if (!v->has_claims) return;
    const struct directory_user *u = directory_user_ref(v->worker->node->directory, v->claims.user);
    q->user_active = u && u->active;
    q->user_owns = v->device && (str_eq_nocase(v->device->owner, v->claims.user) ||
                                 !directory_params_is_on(v->params, STORE_P_OWNER_CHECK));
    directory_user_unref(u);
}

/* Has the peer shown that it may speak for the device, or at least for a user? */
static bool is_stranger(const struct call_visit *v)
{
    const struct call_question *q = &v->question;
    return q->bearer != CALL_PROOF_GOOD && q->digest != CALL_PROOF_GOOD && !q->cert_names_device;
}

static void log_verdict(const struct call_visit *v, const char *detail)
{
    const struct log *log = v->worker->node->log;
    bool quiet = v->verdict.why == CALL_WHY_NO_TOKEN || v->verdict.why == CALL_WHY_NO_DIGEST;
    enum log_level level = quiet ? LOG_DEBUG : LOG_WARN;
    int64_t missed = 0, now_ms = clock_mono_ms(&v->worker->node->clock);
    if (!log || level > log->level) return;
    if (!quiet && is_stranger(v) && !call_quota_take(&v->worker->strangers, now_ms, &missed))
        return;
    bool asks = v->verdict.action == CALL_CHALLENGE_BEARER ||
                v->verdict.action == CALL_CHALLENGE_DIGEST;
    char peer[NET_ADDR_TEXT_MAX];
    struct str from = v->request->flow ? net_addr_text(&v->request->flow->peer, peer) : STR("-");
    LOG_WRITE(log, level, asks ? "line.challenged" : "line.refused",
              LOG_STR("method", v->message->method_text),
              LOG_STR("device", v->device ? v->device->name : v->claimed),
              LOG_STR("user", v->has_claims ? v->claims.user : STR("")),
              LOG_CSTR("listener", call_listener_name(v->listener)), LOG_STR("peer", from),
              LOG_CSTR("why", call_why_name(v->verdict.why)), LOG_CSTR("detail", detail),
              LOG_CSTR("text", call_why_text(v->verdict.why)), LOG_INT("unlogged_before", missed));
}

static void copy_text(char *out, size_t cap, struct str s)
{
    size_t n = s.n < cap ? s.n : cap - 1;
    if (n > 0) memcpy(out, s.p, n);
    out[n] = '\0';
}

/* So that an operator who asks about the device hears it. */
static void note_refusal(struct call_visit *v, const char *detail)
{
    if (!v->device || v->verdict.why == CALL_WHY_NO_TOKEN || v->verdict.why == CALL_WHY_NO_DIGEST)
        return;
    char peer[NET_ADDR_TEXT_MAX];
    struct call_refusal r = {
        .at_unix_ms = clock_unix_ms(&v->worker->node->clock),
        .why = v->verdict.why,
        .listener = v->listener,
    };
    copy_text(r.detail, sizeof r.detail, str_from(detail));
    if (v->request->flow)
        copy_text(r.peer, sizeof r.peer, net_addr_text(&v->request->flow->peer, peer));
    if (v->has_claims) copy_text(r.user, sizeof r.user, v->claims.user);
    call_refusals_add(v->worker->node->refusals, v->device->name, &r);
}

void call_label_nobody(const struct call_visit *v)
{
    if (v->listener == CALL_MRA) siptx_request_set_label(v->request, STR("?"));
}

/* The trace shows the flow's messages under the device's name: with '?' while it has only been said
 * and not shown. */
static void label_flow(const struct call_visit *v)
{
    char text[SIPTX_LABEL_MAX];
    struct buf label;
    struct siptx_flow *f = v->request->flow;
    const struct call_flow *known = call_visit_known(v);
    if (!f) return;
    if (!v->device) {
        call_label_nobody(v);
        return;
    }
    bool proved = v->verdict.action == CALL_ACCEPT || v->question.digest == CALL_PROOF_GOOD ||
                  v->question.cert_names_device ||
                  (v->question.bearer == CALL_PROOF_GOOD && v->question.user_owns) ||
                  (known && str_eq_nocase(known->device, v->device->name));
    buf_init_fixed(&label, text, sizeof text);
    buf_put_str(&label, str_sub(v->device->name, 0, SIPTX_LABEL_MAX - !proved));
    if (!proved) buf_put_char(&label, '?');
    if (v->listener == CALL_MRA)
        siptx_request_set_label(v->request, buf_str(&label)); /* others' messages are not its */
    else
        siptx_flow_set_label(f, buf_str(&label));
}

void call_tell_verdict(struct call_visit *v)
{
    const char *detail = v->verdict.why == CALL_WHY_BAD_TOKEN ? oauth_reason_name(v->token_reason)
                                                              : "";
    atomic_fetch_add_explicit(&v->worker->node->counters.verdicts[v->verdict.why], 1,
                              memory_order_relaxed);
    log_verdict(v, detail);
    note_refusal(v, detail);
}

void call_decide(struct call_visit *v)
{
    struct call_question *q = &v->question;
    bool oauth_line = v->listener == CALL_OAUTH || v->listener == CALL_MRA;
    q->listener = v->listener;
    q->mode_enabled = directory_params_is_on(v->params, STORE_P_SIP_OAUTH_MODE);
    if (oauth_line) call_credentials_bearer(v);
    call_identify_device(v);
    q->device_known = v->device != NULL;
    q->device_enabled = v->device && v->device->enabled;
    q->profile_known = v->profile != NULL;
    if (v->profile) {
        q->profile_oauth = v->profile->oauth;
        q->profile_digest = v->profile->digest;
        q->security = (enum call_security)v->profile->security;
    }
    ask_user(v);
    if (!oauth_line) call_credentials_digest(v);
    q->cert_names_device = v->listener == CALL_SECURE && cert_names(v);
    v->verdict = call_linepolicy_decide(q);
    label_flow(v);
    if (v->verdict.action != CALL_ACCEPT) call_tell_verdict(v);
}

/* ---- the same question about what is stored ---- */

/* Its token was good; are its user and the ownership still? */
static void ask_binding_user(struct call_node *n, const struct location_binding *b,
                             const struct directory_device *dev, struct call_question *q)
{
    const struct directory_user *u = directory_user_ref(n->directory, b->user);
    q->bearer = CALL_PROOF_GOOD;
    q->user_active = u && u->active;
    q->user_owns = dev && (str_eq_nocase(dev->owner, b->user) ||
                           directory_param_number(n->directory, STORE_P_OWNER_CHECK) == 0);
    directory_user_unref(u);
}

bool call_binding_fits(struct call_node *n, const struct location_binding *b, enum call_why *why)
{
    struct call_question q = {
        .listener = (enum call_listener)b->listener,
        .mode_enabled = directory_param_number(n->directory, STORE_P_SIP_OAUTH_MODE) != 0,
        .digest = CALL_PROOF_GOOD,
        .cert_names_device = true,
    };
    const struct directory_device *dev = directory_device_ref(n->directory, b->device);
    const struct directory_profile *p = dev ? directory_profile_ref(n->directory, dev->profile)
                                            : NULL;
    q.device_known = dev != NULL;
    q.device_enabled = dev && dev->enabled;
    q.profile_known = p != NULL;
    if (p) {
        q.profile_oauth = p->oauth;
        q.profile_digest = p->digest;
        q.security = (enum call_security)p->security;
    }
    if (q.listener == CALL_OAUTH || q.listener == CALL_MRA) ask_binding_user(n, b, dev, &q);
    struct call_verdict verdict = call_linepolicy_decide(&q);
    bool fits = verdict.action == CALL_ACCEPT && directory_device_line_find(dev, b->line);
    if (verdict.action == CALL_ACCEPT && !fits) verdict.why = CALL_WHY_UNKNOWN_DEVICE;
    *why = verdict.why;
    directory_profile_unref(p);
    directory_device_unref(dev);
    return fits;
}
