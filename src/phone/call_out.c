/* Calls we make: INVITE, what comes back, ACK; challenges, forks, cancelling. */
#include "phone/call_int.h"

#include "sip/print.h"
#include "sip/warning.h"
#include <stdio.h>
#include <stdlib.h>

enum { RETRY_AFTER_MAX_S = 86400 };

/* ---- proving ---- */

enum rc call_prove(struct phone_call *call, const struct sip_message *m, struct arena *arena,
                   struct str method, unsigned attempt, struct secret *out)
{
    const struct phone_calls_config *c = &call->set->config;
    struct buf b;
    if (!c->credentials) return RC_DENIED;
    buf_init(&b, CALL_CREDENTIALS_MAX);
    enum rc rc = c->credentials(c->ctx, m, arena, method, phone_dialog_uri(&call->dialog), attempt,
                                &b);
    if (rc == RC_OK) rc = buf_rc(&b);
    secret_fini(out);
    if (rc == RC_OK) rc = secret_init(out, str_bytes(buf_str(&b)));
    if (b.p) crypto_wipe(b.p, b.cap);
    buf_fini(&b);
    return rc;
}

/* ---- INVITE and ACK ---- */

static void on_invite(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                      const struct sip_message *m, struct arena *arena);

static enum rc send_invite_with(struct phone_call *call, bool again, struct str sdp)
{
    struct phone_calls *set = call->set;
    struct phone_dialog *d = &call->dialog;
    struct siptx_client *c = NULL;
    struct buf *out = siptx_request_begin(set->config.stack, set->flow, STR("INVITE"),
                                          phone_dialog_uri(d));
    uint32_t cseq = ++d->local_cseq;
    phone_dialog_print(out, d, STR("INVITE"), cseq);
    call_print_contact(out, set);
    buf_put_lit(out, CALL_PRODUCT CALL_ALLOW CALL_SUPPORTED);
    phone_session_print_ask(out, &call->session, set->config.session_s);
    if (call->extra && !again) buf_put_str(out, str_from(call->extra));
    buf_put_str(out, bytes_str(secret_bytes(&call->credentials)));
    enum rc rc = siptx_request_send(set->config.stack, STR(CALL_SDP_TYPE), sdp,
                                    again ? call_on_reinvite : on_invite, call, &c);
    *(again ? &call->reinvite : &call->invite) = c;
    *(again ? &call->reinvite_pends : &call->invite_pends) = rc == RC_OK;
    *(again ? &call->reinvite_cseq : &call->invite_cseq) = cseq;
    return rc;
}

enum rc call_send_invite(struct phone_call *call, bool again)
{
    const struct phone_media_ops *ops = call->set->config.media;
    struct buf sdp;
    if (!call->set->flow) return RC_CLOSED;
    buf_init(&sdp, CALL_SDP_MAX);
    enum rc rc = ops->offer(call->media, &sdp);
    if (rc == RC_OK) rc = buf_rc(&sdp);
    if (rc == RC_OK) rc = send_invite_with(call, again, buf_str(&sdp));
    if (sdp.p) crypto_wipe(sdp.p, sdp.cap);
    buf_fini(&sdp);
    return rc;
}

void call_send_ack(struct phone_call *call, const struct phone_dialog *d, uint32_t cseq)
{
    struct phone_calls *set = call->set;
    if (!set->flow) return;
    struct buf *out = siptx_request_begin(set->config.stack, set->flow, STR("ACK"),
                                          phone_dialog_uri(d));
    phone_dialog_print(out, d, STR("ACK"), cseq);
    buf_put_str(out, bytes_str(secret_bytes(&call->credentials)));
    enum rc rc = siptx_request_send_once(set->config.stack, STR(""), STR(""));
    (void)rc; /* the 2xx comes again */
}

enum rc call_start(struct phone_calls *set, struct str uri, struct str extra,
                   struct phone_call **out)
{
    char self[PHONE_PARTY_MAX], remote[PHONE_URI_MAX + 2], id[48], tag[24];
    const struct random_source *random = &set->config.random;
    struct sip_nameaddr peer = {.uri = uri};
    struct buf b;
    if (!set->flow) return RC_CLOSED;
    if (set->count >= PHONE_CALL_MAX) return RC_BUSY;
    struct phone_call *call = call_new(set, true);
    if (!call) return RC_NOMEM;
    call_set_peer(call, &peer);
    buf_init_fixed(&b, self, sizeof self);
    call_print_self(&b, set);
    snprintf(remote, sizeof remote, "<%.*s>", STR_ARG(uri));
    snprintf(id, sizeof id, "%016llx%016llx", (unsigned long long)random_u64(random),
             (unsigned long long)random_u64(random));
    snprintf(tag, sizeof tag, "%016llx", (unsigned long long)random_u64(random));
    enum rc rc = phone_dialog_begin(&call->dialog, buf_str(&b), str_from(remote), uri, str_from(id),
                                    str_from(tag), (uint32_t)random_below(random, 10000));
    if (rc == RC_OK && extra.n > 0 && !(call->extra = str_dup_cstr(extra))) rc = RC_NOMEM;
    if (rc == RC_OK) rc = set->config.media->open(set->config.ctx, call, &call->media);
    if (rc == RC_OK) rc = call_send_invite(call, false);
    if (rc != RC_OK) {
        call_free(call);
        return rc;
    }
    *out = call;
    return RC_OK;
}

enum rc phone_call_dial(struct phone_calls *set, struct str target, struct phone_call **out)
{
    char uri[PHONE_URI_MAX];
    enum rc rc = call_target(set, target, uri);
    if (rc == RC_OK) rc = call_start(set, str_from(uri), STR(""), out);
    if (rc == RC_OK) call_hold_others(*out);
    return rc == RC_TOO_BIG ? RC_MALFORMED : rc;
}

/* ---- what comes back ---- */

bool call_body_is_sdp(const struct sip_message *m)
{
    struct str type = sip_message_value(m, SIP_HEADER_CONTENT_TYPE);
    ptrdiff_t end = str_find_char(type, ';');
    if (end != STR_NPOS) type = str_sub(type, 0, (size_t)end);
    return m->body.n > 0 && str_eq_nocase(str_trim(type), STR(CALL_SDP_TYPE));
}

void call_read_refusal(struct phone_call *call, const struct sip_message *m, struct arena *arena)
{
    struct sip_values v;
    struct str value, text;
    struct sip_warning w;
    uint32_t retry_after_s;
    call->info.status = m->status;
    call->info.warning[0] = '\0';
    call->info.warn_code = 0;
    call->info.retry_after_s = 0;
    if (sip_seconds_parse(sip_message_value(m, SIP_HEADER_RETRY_AFTER), &retry_after_s) == RC_OK)
        call->info.retry_after_s = retry_after_s < RETRY_AFTER_MAX_S ? retry_after_s
                                                                     : RETRY_AFTER_MAX_S;
    sip_values_init(&v, m, SIP_HEADER_WARNING);
    if (sip_values_next(&v, &value) == RC_OK && sip_warning_parse(value, &w) == RC_OK &&
        sip_unescape(w.text, arena, &text) == RC_OK) {
        call->info.warn_code = w.code;
        call_clean(call->info.warning, sizeof call->info.warning, text);
    }
}

static void give_up(struct phone_call *call, enum phone_call_cause cause)
{
    call->invite_pends = false;
    if (call->invite) siptx_client_forget(call->invite);
    call->invite = NULL;
    if (call->told_end)
        call_settle(call);
    else
        call_end(call, PHONE_CALL_ENDED, cause);
}

static void on_provisional(struct phone_call *call, const struct sip_message *m)
{
    struct media_refusal why;
    struct sip_nameaddr to;
    struct phone_dialog *d = &call->dialog;
    if (call->told_end || !call_reliable_take(call, m)) return;
    call->info.status = m->status;
    if (sip_nameaddr_parse(sip_message_value(m, SIP_HEADER_TO), &to, NULL) == RC_OK)
        (void)!str_to_cstr(sip_nameaddr_tag(&to), d->remote_tag, sizeof d->remote_tag);
    bool early = call_body_is_sdp(m) &&
                 call->set->config.media->take_answer(call->media, m->body, &why) == RC_OK;
    bool rings = m->status == 180 && call->info.state == PHONE_CALL_CALLING;
    call->info.state = PHONE_CALL_RINGING_OUT;
    if (call->referrer) call_report(call, m->status);
    if (early && !call->info.early) {
        call->info.early = true;
        call_tell(call, PHONE_CALL_EV_EARLY);
    } else if (rings) {
        call_tell(call, PHONE_CALL_EV_RINGING);
    }
}

/* Agreed with, but unusable: the call stands and must be ended as one (RFC 3261, 13.2.2.4). */
static void end_by_bye(struct phone_call *call, enum phone_call_cause cause, const char *why)
{
    char reason[256];
    struct buf b;
    buf_init_fixed(&b, reason, sizeof reason);
    buf_put_lit(&b, "Reason: SIP;cause=488;text=");
    sip_print_quoted(&b, str_from(why));
    buf_put_lit(&b, "\r\n");
    call_clean(call->info.warning, sizeof call->info.warning, str_from(why));
    call_send_bye(call, NULL, buf_str(&b));
    call_end(call, PHONE_CALL_ENDING, cause);
}

static void on_answered(struct phone_call *call, const struct sip_message *m)
{
    struct media_refusal why = {.text = "the answer has no session description"};
    const struct phone_media_ops *ops = call->set->config.media;
    call->info.status = m->status;
    enum rc rc = call_body_is_sdp(m) && !call->early_changed
                     ? ops->take_answer(call->media, m->body, &why)
                 : call->info.early ? RC_OK
                                    : RC_MALFORMED;
    if (rc != RC_OK) {
        end_by_bye(call, rc == RC_INVALID ? PHONE_CAUSE_UNACCEPTABLE : PHONE_CAUSE_BROKEN,
                   rc == RC_NOMEM || !why.text ? "out of memory" : why.text);
        return;
    }
    call->info.state = PHONE_CALL_TALKING;
    call->info.answered_mono_ms = call_now_ms(call);
    call->info.is_held = ops->is_held(call->media);
    phone_session_read_answer(&call->session, m);
    call_session_arm(call);
    if (call->referrer) call_report(call, 200);
    call_tell(call, PHONE_CALL_EV_ANSWERED);
}

/* A 2xx: the first makes the call, the same again wants its ACK again, one of another fork is taken
 * and ended at once (RFC 3261, 13.2.2.4). */
static void on_2xx(struct phone_call *call, const struct sip_message *m)
{
    struct phone_dialog d = call->dialog;
    bool first = call->invite_pends;
    call->invite_pends = false;
    if (phone_dialog_take_response(&d, m) != RC_OK) {
        if (first) give_up(call, PHONE_CAUSE_BROKEN);
        return;
    }
    call_send_ack(call, &d, call->invite_cseq);
    bool same = strcmp(d.remote_tag, call->dialog.remote_tag) == 0;
    if (!first && same) return;
    if (!first || call->told_end) {
        call_send_bye(call, &d, STR(""));
        return;
    }
    call->dialog = d;
    call->was_confirmed = true;
    on_answered(call, m);
}

static bool try_again(struct phone_call *call, const struct sip_message *m, struct arena *arena)
{
    if (call->told_end || ++call->attempts >= CALL_ATTEMPTS_MAX) return false;
    bool may = false;
    if (m->status == 401 || m->status == 407)
        may = call_prove(call, m, arena, STR("INVITE"), call->attempts, &call->credentials) ==
              RC_OK;
    else if (m->status == 422)
        may = phone_session_read_422(&call->session, m) == RC_OK;
    if (!may) return false;
    siptx_client_forget(call->invite);
    call->invite = NULL;
    call->dialog.remote_tag[0] = '\0'; /* a new request, outside of any dialog */
    call->fork_count = 0;
    call->set->config.media->offer_failed(call->media);
    return call_send_invite(call, false) == RC_OK;
}

static void on_refused(struct phone_call *call, const struct sip_message *m, struct arena *arena)
{
    if (call_follow(call, m, arena) || try_again(call, m, arena)) return;
    if (!call->told_end) call_read_refusal(call, m, arena);
    give_up(call, call_cause_of(m->status));
}

static void on_invite(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                      const struct sip_message *m, struct arena *arena)
{
    struct phone_call *call = ctx;
    if (c != call->invite) return;
    switch (outcome) {
    case SIPTX_PROVISIONAL:
        if (call->invite_pends) on_provisional(call, m);
        break;
    case SIPTX_FINAL:
        if (m->status / 100 == 2)
            on_2xx(call, m);
        else
            on_refused(call, m, arena);
        break;
    case SIPTX_TIMEOUT: give_up(call, PHONE_CAUSE_TIMEOUT); break;
    case SIPTX_LOST:
        if (call->invite_pends) give_up(call, PHONE_CAUSE_LOST);
        break;
    case SIPTX_GONE:
        call->invite = NULL;
        call_settle(call);
        break;
    }
}
