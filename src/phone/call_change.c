/* What changes within a call: hold and resume, refreshes (RFC 4028), a new connection; and the same
 * from the other side. Two at once is glare: 491, and again after a while (RFC 3261, 14.1). */
#include "phone/call_int.h"

#include "sip/print.h"

static void restart(struct phone_call *call);

/* ---- ours ---- */

static void finish(struct phone_call *call, bool done)
{
    const struct phone_media_ops *ops = call->set->config.media;
    bool was_refresh = call->is_refresh;
    bool held = call->info.is_held;
    call->reinvite_pends = call->is_refresh = call->info.changing = false;
    call->info.is_held = ops->is_held(call->media);
    if (!done) {
        ops->offer_failed(call->media);
        if (!was_refresh) {
            ops->hold(call->media, call->held_before);
            call->info.holding = call->held_before;
        }
    }
    if (call->wants_refresh) call_refresh(call);
    if (!was_refresh)
        call_tell(call, done ? PHONE_CALL_EV_CHANGED : PHONE_CALL_EV_CHANGE_FAILED);
    else if (held != call->info.is_held)
        call_tell(call, PHONE_CALL_EV_CHANGED);
}

/* The other side does not know this call any more (RFC 3261, 12.2.1.2). */
static void vanished(struct phone_call *call, unsigned status)
{
    call->info.status = status;
    call_send_bye(call, NULL, STR(""));
    call_end(call, PHONE_CALL_ENDING, call->is_refresh ? PHONE_CAUSE_EXPIRED : PHONE_CAUSE_LOST);
}

static void on_2xx(struct phone_call *call, const struct sip_message *m)
{
    struct media_refusal why;
    bool first = call->reinvite_pends;
    if (phone_dialog_retarget(&call->dialog, m) != RC_OK) call->info.status = m->status;
    call_send_ack(call, &call->dialog, call->reinvite_cseq);
    if (!first) return;
    bool agreed = call_body_is_sdp(m) &&
                  call->set->config.media->take_answer(call->media, m->body, &why) == RC_OK;
    phone_session_read_answer(&call->session, m);
    call_session_arm(call);
    finish(call, agreed);
}

static void on_retry_time(void *ctx)
{
    restart(ctx);
}

/* After glare: who made the Call-ID waits longer, so that the two do not meet again. */
static uint64_t glare_ms(const struct phone_call *call)
{
    const struct random_source *random = &call->set->config.random;
    return call->info.is_outgoing ? 2100 + 10 * random_below(random, 191)
                                  : 10 * random_below(random, 201);
}

static void retry_later(struct phone_call *call, uint64_t ms)
{
    call->reinvite_pends = false;
    call->set->config.media->offer_failed(call->media);
    call_timer(call, &call->retry_timer, ms, on_retry_time);
}

static bool try_again(struct phone_call *call, const struct sip_message *m, struct arena *arena)
{
    if (++call->reinvite_attempts >= CALL_ATTEMPTS_MAX) return false;
    uint32_t s;
    bool waits = m->status / 100 == 5 && /* an INVITE of theirs is not settled yet (14.2) */
                 sip_seconds_parse(sip_message_value(m, SIP_HEADER_RETRY_AFTER), &s) == RC_OK &&
                 s <= CALL_RETRY_AFTER_MAX_S;
    if (m->status == 491 || waits) {
        retry_later(call, waits ? s * UINT64_C(1000) : glare_ms(call));
        return true;
    }
    bool may = m->status == 422 && phone_session_read_422(&call->session, m) == RC_OK;
    if (m->status == 401 || m->status == 407)
        may = call_prove(call, m, arena, STR("INVITE"), call->reinvite_attempts,
                         &call->credentials) == RC_OK;
    if (!may) return false;
    call->set->config.media->offer_failed(call->media);
    return call_send_invite(call, true) == RC_OK;
}

static void on_refused(struct phone_call *call, const struct sip_message *m, struct arena *arena)
{
    siptx_client_forget(call->reinvite);
    call->reinvite = NULL;
    if (try_again(call, m, arena)) return;
    if (m->status == 481 || m->status == 408 || m->status == 430) {
        vanished(call, m->status);
        return;
    }
    call_read_refusal(call, m, arena);
    finish(call, false);
}

void call_on_reinvite(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                      const struct sip_message *m, struct arena *arena)
{
    struct phone_call *call = ctx;
    if (c != call->reinvite) return;
    switch (outcome) {
    case SIPTX_PROVISIONAL: break;
    case SIPTX_FINAL:
        if (m->status / 100 == 2)
            on_2xx(call, m);
        else
            on_refused(call, m, arena);
        break;
    case SIPTX_TIMEOUT:
        siptx_client_forget(c);
        call->reinvite = NULL;
        vanished(call, 408);
        break;
    case SIPTX_LOST: /* the flow is told as lost, too: the call then waits for another */
        siptx_client_forget(c);
        call->reinvite = NULL;
        if (call->reinvite_pends) finish(call, false);
        break;
    case SIPTX_GONE: call->reinvite = NULL; break;
    }
}

static enum rc start(struct phone_call *call)
{
    if (call->reinvite) siptx_client_forget(call->reinvite);
    call->reinvite = NULL;
    return call_send_invite(call, true);
}

static bool may_change(const struct phone_call *call)
{
    return call->info.state == PHONE_CALL_TALKING && !call->told_end && !call->reinvite_pends &&
           !call->unacked && !wheel_is_running(&call->retry_timer);
}

static void restart(struct phone_call *call)
{
    if (call->unacked) { /* theirs went first: it is nearly through */
        call_timer(call, &call->retry_timer, CALL_T1_MS, on_retry_time);
        return;
    }
    if (may_change(call) && start(call) == RC_OK) return;
    finish(call, false);
}

enum rc phone_call_hold(struct phone_call *call, bool hold)
{
    if (call->info.holding == hold && call->info.state == PHONE_CALL_TALKING) return RC_OK;
    if (!may_change(call)) return RC_CONFLICT;
    if (!call->set->flow) return RC_CLOSED;
    call->held_before = call->info.holding;
    call->reinvite_attempts = 0;
    call->is_refresh = false;
    call->set->config.media->hold(call->media, hold);
    enum rc rc = start(call);
    if (rc != RC_OK) {
        call->set->config.media->offer_failed(call->media);
        call->set->config.media->hold(call->media, call->held_before);
        return rc;
    }
    call->info.holding = hold;
    call->info.changing = true;
    if (!hold) call_hold_others(call);
    return RC_OK;
}

void call_refresh(struct phone_call *call)
{
    call->wants_refresh = !may_change(call) || !call->set->flow;
    if (call->wants_refresh) return;
    call->reinvite_attempts = 0;
    call->is_refresh = true;
    if (start(call) != RC_OK) {
        call->is_refresh = false;
        call->set->config.media->offer_failed(call->media);
    }
}

/* ---- the session's time ---- */

static void on_session_time(void *ctx)
{
    struct phone_call *call = ctx;
    int64_t left_ms = call->session_end_ms - call_now_ms(call);
    uint64_t retry_ms = phone_session_retry_ms(&call->session, left_ms);
    if (call->session.we_refresh && retry_ms > 0) {
        call_timer(call, &call->session_timer, retry_ms, on_session_time);
        call_refresh(call);
    } else {
        call_send_bye(call, NULL, STR("Reason: SIP;cause=408;text=\"Session expired\"\r\n"));
        call_end(call, PHONE_CALL_ENDING, PHONE_CAUSE_EXPIRED);
    }
}

void call_session_arm(struct phone_call *call)
{
    uint64_t ms = phone_session_due_ms(&call->session);
    call->session_end_ms = call_now_ms(call) + call->session.interval_s * INT64_C(1000);
    if (ms > 0)
        call_timer(call, &call->session_timer, ms, on_session_time);
    else
        call_timer_stop(call, &call->session_timer);
}

/* ---- is anybody there? ---- */

static void on_check_time(void *ctx)
{
    (void)!phone_call_check(ctx);
}

/* Whatever is answered, somebody answers, but for these. 480: its connection is lost; it has as long
 * to come back as we would have. */
static void on_checked(struct phone_call *call, unsigned status, const struct sip_message *m)
{
    (void)m;
    if (call->told_end) return;
    bool was_unreachable = call->is_unreachable;
    call->is_unreachable = status == 480;
    if (status == 480 && !was_unreachable)
        call_timer(call, &call->check_timer, call->set->config.away_ms, on_check_time);
    bool gone = status == 408 || status == 430 || status == 481 ||
                (status == 480 && was_unreachable);
    if (!gone) return;
    call->info.status = status;
    call_send_bye(call, NULL, STR("Reason: SIP;cause=408;text=\"Nothing was heard\"\r\n"));
    call_end(call, PHONE_CALL_ENDING, PHONE_CAUSE_EXPIRED);
}

enum rc phone_call_check(struct phone_call *call)
{
    if (call->info.state != PHONE_CALL_TALKING || call->told_end) return RC_CONFLICT;
    return call_ask(call, NULL, STR("OPTIONS"), STR("Accept: " CALL_SDP_TYPE "\r\n"), STR(""),
                    STR(""), on_checked);
}

/* ---- theirs ---- */

/* Not now: 491 for glare, 500 where an INVITE of theirs is not settled yet (14.2). True: answered. */
static bool refuse_now(struct phone_call *call, struct siptx_request *r)
{
    char line[32];
    struct buf b;
    if (call->invite_pends || call->reinvite_pends) {
        siptx_respond(r, 491, STR(""), STR(""));
        return true;
    }
    bool talks = call->info.state == PHONE_CALL_TALKING;
    if (talks && !call->unacked) return false;
    buf_init_fixed(&b, line, sizeof line);
    sip_print_header_u64(&b, SIP_HEADER_RETRY_AFTER, random_below(&call->set->config.random, 11));
    siptx_respond(r, 500, STR(""), buf_str(&b));
    return true;
}

static bool read_change(struct phone_call *call, struct siptx_request *r)
{
    struct phone_session_timer session = call->session;
    if (r->message->body.n > 0 && !call_body_is_sdp(r->message)) {
        siptx_respond(r, 415, STR(""), STR("Accept: " CALL_SDP_TYPE "\r\n"));
        return false;
    }
    uint32_t want_s = session.interval_s ? session.interval_s : call->set->config.session_s;
    if (phone_session_read_request(&session, r->message, want_s, PHONE_MIN_SE_S) != RC_OK) {
        siptx_respond(r, 422, STR(""), STR("Min-SE: 90\r\n"));
        return false;
    }
    if (phone_dialog_retarget(&call->dialog, r->message) != RC_OK) {
        siptx_respond(r, 400, STR("Bad Contact"), STR(""));
        return false;
    }
    call->session = session;
    return true;
}

static void tell_if_held(struct phone_call *call)
{
    bool held = call->set->config.media->is_held(call->media);
    if (held == call->info.is_held) return;
    call->info.is_held = held;
    call_tell(call, PHONE_CALL_EV_CHANGED);
}

static void refuse_change(struct siptx_request *r, enum rc rc, const struct media_refusal *why)
{
    if (rc == RC_CONFLICT)
        siptx_respond(r, 491, STR(""), STR(""));
    else if (why->status != 0)
        call_refuse_media(r, why);
    else
        siptx_respond(r, 500, STR(""), STR(""));
}

static void on_change_end(void *ctx, struct siptx_request *r)
{
    struct phone_call *call = r->user;
    (void)ctx;
    if (call && call->request == r) call->request = NULL;
}

static void take_request(struct phone_call *call, struct siptx_request *r)
{
    if (call->request) { /* the INVITE before it, answered long ago */
        call->request->user = NULL;
        call->request->on_end = NULL;
    }
    call->request = r;
    r->user = call;
    r->on_end = on_change_end;
}

void call_change_invite(struct phone_call *call, struct siptx_request *r)
{
    const struct phone_media_ops *ops = call->set->config.media;
    struct media_refusal why = {0};
    struct str offer = r->message->body;
    struct buf sdp;
    if (refuse_now(call, r) || !read_change(call, r)) return;
    buf_init(&sdp, CALL_SDP_MAX);
    enum rc rc = offer.n > 0 ? ops->answer(call->media, offer, &sdp, &why)
                             : ops->offer(call->media, &sdp);
    if (rc == RC_OK) rc = buf_rc(&sdp);
    if (rc == RC_OK) {
        take_request(call, r);
        rc = call_accept(call, buf_str(&sdp), offer.n == 0);
        if (rc != RC_OK && call->request && !call->unacked) refuse_change(r, rc, &why);
        call_session_arm(call);
        tell_if_held(call);
    } else {
        refuse_change(r, rc, &why);
    }
    if (sdp.p) crypto_wipe(sdp.p, sdp.cap);
    buf_fini(&sdp);
}

/* While our INVITE rings there, its early dialog may change already (RFC 3311, 5.2): once our offer is
 * answered, or where nothing is offered. */
static bool refuse_update_now(struct phone_call *call, struct siptx_request *r)
{
    bool early = call->invite_pends && call->info.state == PHONE_CALL_RINGING_OUT;
    if (early && (r->message->body.n == 0 || call->info.early)) return false;
    return refuse_now(call, r);
}

/* RFC 3311: a re-INVITE that needs no ACK. */
void call_change_update(struct phone_call *call, struct siptx_request *r)
{
    struct media_refusal why = {0};
    struct str offer = r->message->body;
    struct buf sdp;
    bool can = sip_values_has(r->message, SIP_HEADER_SUPPORTED, STR("timer"));
    if (refuse_update_now(call, r) || !read_change(call, r)) return;
    buf_init(&sdp, CALL_SDP_MAX);
    enum rc rc = RC_OK;
    if (offer.n > 0) rc = call->set->config.media->answer(call->media, offer, &sdp, &why);
    if (rc == RC_OK) rc = buf_rc(&sdp);
    if (rc == RC_OK) {
        struct buf *out = siptx_answer_begin(r, 200, STR(""));
        call_print_contact(out, call->set);
        buf_put_lit(out, CALL_ALLOW CALL_SUPPORTED);
        phone_session_print_answer(out, &call->session, can);
        siptx_answer_send(r, offer.n > 0 ? STR(CALL_SDP_TYPE) : STR(""), buf_str(&sdp));
        if (call->info.state == PHONE_CALL_TALKING) {
            call_session_arm(call);
            tell_if_held(call);
        } else if (offer.n > 0) {
            call->early_changed = true;
        }
    } else {
        refuse_change(r, rc, &why);
    }
    if (sdp.p) crypto_wipe(sdp.p, sdp.cap);
    buf_fini(&sdp);
}
