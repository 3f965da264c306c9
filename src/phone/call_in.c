/* Calls that come in: ringing, answering, rejecting; the 2xx repeated until its ACK (RFC 3261,
 * 13.3.1). What a re-INVITE is answered with goes the same way. */
#include "phone/call_int.h"

#include <assert.h>

#include "sip/print.h"
#include "sip/warning.h"
#include <stdlib.h>

/* ---- 2xx and ACK ---- */

static enum rc send_2xx(struct phone_call *call)
{
    struct buf *out = siptx_answer_begin(call->request, 200, STR(""));
    buf_put_str(out, str_from(call->ok_headers));
    return siptx_answer_send(call->request, STR(CALL_SDP_TYPE), str_from(call->ok_sdp));
}

static void drop_2xx(struct phone_call *call)
{
    call_timer_stop(call, &call->resend_timer);
    call->unacked = call->answer_in_ack = false;
    free(call->ok_headers);
    if (call->ok_sdp) crypto_wipe(call->ok_sdp, strlen(call->ok_sdp));
    free(call->ok_sdp);
    call->ok_headers = call->ok_sdp = NULL;
}

static void on_resend_time(void *ctx)
{
    struct phone_call *call = ctx;
    int64_t left_ms = call->unacked_until_ms - call_now_ms(call);
    if (left_ms <= 0) { /* nobody is there (13.3.1.4) */
        drop_2xx(call);
        call_send_bye(call, NULL, STR(""));
        call_end(call, PHONE_CALL_ENDING, PHONE_CAUSE_TIMEOUT);
        return;
    }
    if (call->request) (void)send_2xx(call);
    call->resend_ms = call->resend_ms * 2 < CALL_T2_MS ? call->resend_ms * 2 : CALL_T2_MS;
    uint64_t wait_ms = left_ms < (int64_t)call->resend_ms ? (uint64_t)left_ms : call->resend_ms;
    call_timer(call, &call->resend_timer, wait_ms, on_resend_time);
}

enum rc call_accept(struct phone_call *call, struct str sdp, bool answer_in_ack)
{
    struct buf h;
    drop_2xx(call);
    buf_init(&h, 4096);
    call_print_contact(&h, call->set);
    buf_put_lit(&h, CALL_ALLOW CALL_SUPPORTED);
    phone_session_print_answer(
        &h, &call->session,
        sip_values_has(call->request->message, SIP_HEADER_SUPPORTED, STR("timer")));
    sip_print_copies(&h, call->request->message, SIP_HEADER_RECORD_ROUTE);
    enum rc rc = buf_rc(&h);
    call->ok_headers = rc == RC_OK ? str_dup_cstr(buf_str(&h)) : NULL;
    call->ok_sdp = str_dup_cstr(sdp);
    buf_fini(&h);
    if (!call->ok_headers || !call->ok_sdp) {
        drop_2xx(call);
        return rc == RC_OK ? RC_NOMEM : rc;
    }
    call->was_confirmed = true;
    call->unacked = true;
    call->answer_in_ack = answer_in_ack;
    call->request_cseq = call->request->basics->cseq.number;
    call->resend_ms = CALL_T1_MS;
    call->unacked_until_ms = call_now_ms(call) + CALL_NO_ACK_MS;
    call_timer(call, &call->resend_timer, CALL_T1_MS, on_resend_time);
    rc = send_2xx(call);
    return rc == RC_CLOSED || rc == RC_BUSY ? RC_OK : rc; /* the timer tries again */
}

void call_in_ack(struct phone_call *call, const struct sip_message *m, uint32_t cseq)
{
    struct media_refusal why = {.text = "the ACK has no session description"};
    const struct phone_media_ops *ops = call->set->config.media;
    if (!call->unacked || cseq != call->request_cseq || call->told_end) return;
    bool wants_answer = call->answer_in_ack;
    drop_2xx(call);
    bool was_first = call->info.state == PHONE_CALL_ANSWERING;
    call->info.state = PHONE_CALL_TALKING;
    enum rc rc = RC_OK;
    if (wants_answer)
        rc = call_body_is_sdp(m) ? ops->take_answer(call->media, m->body, &why) : RC_MALFORMED;
    if (rc != RC_OK) {
        call_send_bye(call, NULL, STR("Reason: SIP;cause=488\r\n"));
        call_end(call, PHONE_CALL_ENDING, PHONE_CAUSE_UNACCEPTABLE);
        return;
    }
    bool held = ops->is_held(call->media);
    bool changed = wants_answer && !was_first && held != call->info.is_held;
    call->info.is_held = held;
    if (call->wants_refresh) call_refresh(call);
    if (changed) call_tell(call, PHONE_CALL_EV_CHANGED);
    if (was_first) call_tell(call, PHONE_CALL_EV_CONFIRMED);
}

/* ---- INVITE ---- */

void call_refuse_media(struct siptx_request *r, const struct media_refusal *why)
{
    struct buf *out = siptx_answer_begin(r, why->status == 400 ? 400 : 488, STR(""));
    if (why->text)
        sip_warning_print(out, why->warn_code ? why->warn_code : 399, STR("bearline-phone"),
                          str_from(why->text));
    siptx_answer_send(r, STR(""), STR(""));
}

static void on_request_end(void *ctx, struct siptx_request *r)
{
    struct phone_call *call = r->user;
    (void)ctx;
    if (call && call->request == r) call->request = NULL;
}

/* The peer as the server vouches for it, else as it calls itself. */
static void read_peer(struct phone_call *call, const struct siptx_request *r)
{
    struct sip_values v;
    struct str value;
    struct sip_nameaddr n;
    sip_values_init(&v, r->message, SIP_HEADER_P_ASSERTED_IDENTITY);
    bool vouched = sip_values_next(&v, &value) == RC_OK &&
                   sip_nameaddr_parse(value, &n, NULL) == RC_OK;
    call_set_peer(call, vouched ? &n : &r->basics->from);
}

static void on_ring_time(void *ctx)
{
    struct phone_call *call = ctx;
    if (call->request) siptx_respond(call->request, 480, STR(""), STR(""));
    call_end(call, PHONE_CALL_ENDED, PHONE_CAUSE_UNANSWERED);
}

void call_send_180(struct phone_call *call)
{
    struct buf *out = siptx_answer_begin(call->request, 180, STR(""));
    sip_print_copies(out, call->request->message, SIP_HEADER_RECORD_ROUTE);
    call_print_contact(out, call->set);
    if (call->rseq > 0) buf_printf(out, "Require: 100rel\r\nRSeq: %u\r\n", call->rseq);
    buf_put_lit(out, CALL_ALLOW CALL_SUPPORTED);
    siptx_answer_send(call->request, STR(""), STR(""));
}

static void ring(struct phone_call *call)
{
    uint32_t s = call->set->config.ring_s, expires_s;
    if (sip_expires(call->request->message, &expires_s) == RC_OK && expires_s < s) s = expires_s;
    call_timer(call, &call->ring_timer, s * UINT64_C(1000), on_ring_time);
    if (sip_values_has(call->request->message, SIP_HEADER_REQUIRE, STR("100rel")))
        call_reliable_ring(call);
    else
        call_send_180(call);
}

static bool anybody_talks(struct phone_calls *set)
{
    return phone_calls_at(set, 0) != NULL;
}

static void refuse_session(struct siptx_request *r)
{
    siptx_respond(r, 422, STR(""), STR("Min-SE: 90\r\n"));
}
static_assert(PHONE_MIN_SE_S == 90, "refuse_session says so");

/* RC_OK: it rings or, taking another's place, talks. Otherwise status is to be answered. */
static enum rc begin(struct phone_call *call, struct siptx_request *r, struct media_refusal *why)
{
    const struct phone_calls_config *c = &call->set->config;
    enum rc rc = phone_dialog_of_request(&call->dialog, r->message, r->basics, r->to_tag);
    if (rc == RC_OK) rc = c->media->open(c->ctx, call, &call->media);
    if (rc == RC_OK && r->message->body.n > 0 && c->media->check)
        rc = c->media->check(call->media, r->message->body, why);
    call->dialog.local_cseq = (uint32_t)random_below(&c->random, 10000);
    return rc;
}

static void refuse_beginning(struct siptx_request *r, enum rc rc, const struct media_refusal *why)
{
    if (why->status != 0)
        call_refuse_media(r, why);
    else if (rc == RC_MALFORMED)
        siptx_respond(r, 400, STR("Bad Contact or Record-Route"), STR(""));
    else if (rc == RC_TOO_BIG)
        siptx_respond(r, 513, STR(""), STR(""));
    else
        siptx_respond(r, 480, STR(""), STR(""));
}

static bool may_ring(struct phone_calls *set, struct siptx_request *r,
                     const struct phone_call *replaced)
{
    bool busy = set->config.do_not_disturb || (!set->config.call_waiting && anybody_talks(set)) ||
                set->count >= PHONE_CALL_MAX;
    if (r->message->body.n > 0 && !call_body_is_sdp(r->message)) {
        siptx_respond(r, 415, STR(""), STR("Accept: " CALL_SDP_TYPE "\r\n"));
        return false;
    }
    if (busy && (!replaced || set->count >= PHONE_CALL_MAX)) {
        siptx_respond(r, 486, STR(""), STR(""));
        return false;
    }
    return true;
}

/* Takes the place of replaced at once (RFC 3891, 3). */
static void replace(struct phone_call *call, struct phone_call *replaced)
{
    if (phone_call_answer(call) != RC_OK) return;
    if (replaced->info.state == PHONE_CALL_RINGING_OUT ||
        replaced->info.state == PHONE_CALL_CALLING) {
        phone_call_hang_up(replaced);
    } else if (!replaced->told_end) {
        call_send_bye(replaced, NULL, STR(""));
        call_end(replaced, PHONE_CALL_ENDING, PHONE_CAUSE_REPLACED);
    }
    call_tell(call, PHONE_CALL_EV_REPLACES);
}

void call_in_invite(struct phone_calls *set, struct siptx_request *r)
{
    struct media_refusal why = {0};
    struct phone_call *replaced = NULL;
    struct phone_session_timer session = {0};
    if (call_find_replaced(set, r, &replaced) != RC_OK || !may_ring(set, r, replaced)) return;
    if (phone_session_read_request(&session, r->message, set->config.session_s, PHONE_MIN_SE_S) !=
        RC_OK) {
        refuse_session(r);
        return;
    }
    struct phone_call *call = call_new(set, false);
    enum rc rc = call ? begin(call, r, &why) : RC_NOMEM;
    if (rc != RC_OK) {
        refuse_beginning(r, rc, &why);
        if (call) call_free(call);
        return;
    }
    call->session = session;
    call->request = r;
    r->user = call;
    r->on_end = on_request_end;
    read_peer(call, r);
    if (replaced) {
        replace(call, replaced);
    } else {
        ring(call);
        call_tell(call, PHONE_CALL_EV_INCOMING);
    }
}

/* ---- the person's word ---- */

static enum rc answer_with(struct phone_call *call, struct buf *sdp, struct media_refusal *why)
{
    const struct phone_media_ops *ops = call->set->config.media;
    struct str offer = call->request->message->body;
    enum rc rc = offer.n > 0 ? ops->answer(call->media, offer, sdp, why)
                             : ops->offer(call->media, sdp);
    if (rc == RC_OK) rc = buf_rc(sdp);
    if (rc == RC_OK) rc = call_accept(call, buf_str(sdp), offer.n == 0);
    return rc;
}

enum rc phone_call_answer(struct phone_call *call)
{
    struct media_refusal why = {0};
    struct buf sdp;
    if (call->info.state != PHONE_CALL_INCOMING || !call->request || !call->set->flow)
        return RC_CONFLICT;
    call_timer_stop(call, &call->ring_timer);
    call_timer_stop(call, &call->reliable_timer);
    buf_init(&sdp, CALL_SDP_MAX);
    enum rc rc = answer_with(call, &sdp, &why);
    if (sdp.p) crypto_wipe(sdp.p, sdp.cap);
    buf_fini(&sdp);
    if (rc != RC_OK) {
        if (call->request && !call->unacked) refuse_beginning(call->request, rc, &why);
        call_end(call, PHONE_CALL_ENDED,
                 why.status ? PHONE_CAUSE_UNACCEPTABLE : PHONE_CAUSE_BROKEN);
        return why.status ? RC_INVALID : rc;
    }
    call->info.state = PHONE_CALL_ANSWERING;
    call->info.answered_mono_ms = call_now_ms(call);
    call->info.is_held = call->set->config.media->is_held(call->media);
    call_session_arm(call);
    call_hold_others(call);
    call_tell(call, PHONE_CALL_EV_ANSWERED);
    return RC_OK;
}

enum rc phone_call_reject(struct phone_call *call, unsigned status)
{
    if (call->info.state != PHONE_CALL_INCOMING || !call->request) return RC_CONFLICT;
    siptx_respond(call->request, status, STR(""), STR(""));
    call_end(call, PHONE_CALL_ENDED, PHONE_CAUSE_REJECTED);
    return RC_OK;
}
