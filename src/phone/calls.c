/* The set of calls: beginning and end of each, timers, and whom a request belongs to. */
#include "phone/call_int.h"

#include "phone/register.h"
#include "sip/print.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- the set ---- */

enum rc phone_calls_new(const struct phone_calls_config *config, struct phone_calls **out)
{
    struct phone_calls *set = calloc(1, sizeof *set);
    if (!set) return RC_NOMEM;
    set->config = *config;
    list_init(&set->calls);
    enum rc rc = str_to_cstr(config->host, set->host, sizeof set->host);
    if (rc == RC_OK) rc = str_to_cstr(config->number, set->number, sizeof set->number);
    if (rc == RC_OK) rc = str_to_cstr(config->contact, set->contact, sizeof set->contact);
    call_clean(set->display_name, sizeof set->display_name, config->display_name);
    if (rc != RC_OK) {
        free(set);
        return RC_TOO_BIG;
    }
    if (set->config.ring_s == 0) set->config.ring_s = PHONE_RING_S;
    if (set->config.session_s == 0) set->config.session_s = PHONE_SESSION_S;
    if (set->config.away_ms == 0) set->config.away_ms = CALL_AWAY_MS;
    *out = set;
    return RC_OK;
}

struct phone_calls *phone_calls_free(struct phone_calls *set)
{
    if (!set) return NULL;
    LIST_FOR_EACH(it, &set->calls)
    call_free(LIST_OF(it, struct phone_call, link));
    free(set);
    return NULL;
}

void phone_calls_set_host(struct phone_calls *set, struct str host)
{
    char name[sizeof set->host];
    if (str_to_cstr(host, name, sizeof name) == RC_OK) memcpy(set->host, name, sizeof name);
}

void phone_calls_set_waiting(struct phone_calls *set, bool call_waiting, bool do_not_disturb)
{
    set->config.call_waiting = call_waiting;
    set->config.do_not_disturb = do_not_disturb;
}

size_t phone_calls_count(const struct phone_calls *set)
{
    return set->count;
}

struct phone_call *phone_calls_at(struct phone_calls *set, size_t at)
{
    LIST_FOR_EACH(it, &set->calls)
    {
        struct phone_call *call = LIST_OF(it, struct phone_call, link);
        if (!call->told_end && at-- == 0) return call;
    }
    return NULL;
}

void phone_calls_hang_up_all(struct phone_calls *set)
{
    struct phone_call *call;
    while ((call = phone_calls_at(set, 0)) != NULL)
        phone_call_hang_up(call);
}

/* ---- timers ---- */

void call_timer(struct phone_call *call, struct wheel_timer *t, uint64_t ms, wheel_fn *fn)
{
    const struct phone_calls_config *c = &call->set->config;
    if (c->loop)
        net_timer_start(c->loop, t, ms, fn, call);
    else
        wheel_start(c->wheel, t, (uint64_t)clock_mono_ms(&c->clock), ms, fn, call);
}

void call_timer_stop(struct phone_call *call, struct wheel_timer *t)
{
    const struct phone_calls_config *c = &call->set->config;
    if (c->loop)
        net_timer_stop(c->loop, t);
    else
        wheel_stop(c->wheel, t);
}

int64_t call_now_ms(const struct phone_call *call)
{
    return clock_mono_ms(&call->set->config.clock);
}

static void stop_timers(struct phone_call *call)
{
    struct wheel_timer *timers[] = {&call->retry_timer,    &call->resend_timer, &call->ring_timer,
                                    &call->session_timer,  &call->away_timer,   &call->refer_timer,
                                    &call->reliable_timer, &call->check_timer};
    for (size_t i = 0; i < sizeof timers / sizeof *timers; i++)
        call_timer_stop(call, timers[i]);
}

/* ---- one call: beginning and end ---- */

struct phone_call *call_new(struct phone_calls *set, bool is_outgoing)
{
    if (set->count >= PHONE_CALL_MAX) return NULL;
    struct phone_call *call = calloc(1, sizeof *call);
    if (!call) return NULL;
    call->set = set;
    list_init(&call->asks);
    list_push_back(&set->calls, &call->link);
    set->count++;
    call->info.number = ++set->last_number;
    call->info.is_outgoing = is_outgoing;
    call->info.state = is_outgoing ? PHONE_CALL_CALLING : PHONE_CALL_INCOMING;
    call->info.began_mono_ms = call_now_ms(call);
    call->info.answered_mono_ms = -1;
    return call;
}

/* Whoever was to hear of call hears no more. */
static void forget_referrer(struct phone_call *gone)
{
    LIST_FOR_EACH(it, &gone->set->calls)
    {
        struct phone_call *call = LIST_OF(it, struct phone_call, link);
        if (call->referrer == gone) call->referrer = NULL;
    }
}

void call_forget_invites(struct phone_call *call)
{
    if (call->invite) siptx_client_forget(call->invite);
    if (call->reinvite) siptx_client_forget(call->reinvite);
    call->invite = call->reinvite = NULL;
    call->invite_pends = call->reinvite_pends = false;
}

static void close_media(struct phone_call *call)
{
    if (call->media) call->set->config.media->close(call->media);
    call->media = NULL;
}

void call_free(struct phone_call *call)
{
    close_media(call);
    stop_timers(call);
    call_timer_stop(call, &call->gone_timer);
    call_forget_invites(call);
    call_asks_forget(call);
    if (call->request) {
        call->request->user = NULL;
        call->request->on_end = NULL;
    }
    forget_referrer(call);
    list_remove(&call->link);
    call->set->count--;
    secret_fini(&call->credentials);
    free(call->extra);
    free(call->ok_headers);
    if (call->ok_sdp) crypto_wipe(call->ok_sdp, strlen(call->ok_sdp));
    free(call->ok_sdp);
    free(call);
}

bool call_is_over(const struct phone_call *call)
{
    return call->told_end;
}

void call_tell(struct phone_call *call, enum phone_call_event event)
{
    if (call->told_end && event != PHONE_CALL_EV_ENDED) return;
    if (call->set->config.on_event) call->set->config.on_event(call->set->config.ctx, call, event);
}

static void on_gone_time(void *ctx)
{
    call_free(ctx);
}

void call_settle(struct phone_call *call)
{
    if (!call->told_end || call->invite || !list_is_empty(&call->asks)) return;
    call->info.state = PHONE_CALL_ENDED;
    call_timer(call, &call->gone_timer, 0, on_gone_time);
}

void call_end(struct phone_call *call, enum phone_call_state state, enum phone_call_cause cause)
{
    if (call->told_end) return;
    call->told_end = true;
    call->info.state = state;
    call->info.cause = cause;
    if (call->was_confirmed) call_forget_invites(call);
    stop_timers(call);
    close_media(call);
    if (call->referrer) call_report(call, call->info.status >= 300 ? call->info.status : 487);
    if (call->set->config.on_event)
        call->set->config.on_event(call->set->config.ctx, call, PHONE_CALL_EV_ENDED);
    call_settle(call);
}

/* ---- hanging up ---- */

void phone_call_hang_up(struct phone_call *call)
{
    switch (call->info.state) {
    case PHONE_CALL_CALLING:
    case PHONE_CALL_RINGING_OUT:
        if (call->invite && siptx_client_cancel(call->invite, STR("")) == RC_OK) {
            call_end(call, PHONE_CALL_CANCELLING, PHONE_CAUSE_HUNG_UP);
        } else {
            call_forget_invites(call);
            call_end(call, PHONE_CALL_ENDED, PHONE_CAUSE_HUNG_UP);
        }
        break;
    case PHONE_CALL_INCOMING: (void)!phone_call_reject(call, 603); break;
    case PHONE_CALL_ANSWERING:
    case PHONE_CALL_TALKING:
        call_send_bye(call, NULL, STR(""));
        call_end(call, PHONE_CALL_ENDING, PHONE_CAUSE_HUNG_UP);
        break;
    case PHONE_CALL_CANCELLING:
    case PHONE_CALL_ENDING:
    case PHONE_CALL_ENDED: break;
    }
}

void call_hold_others(struct phone_call *call)
{
    LIST_FOR_EACH(it, &call->set->calls)
    {
        struct phone_call *other = LIST_OF(it, struct phone_call, link);
        bool talks = other->info.state == PHONE_CALL_TALKING && !other->told_end;
        if (other != call && other != call->referrer && talks && !other->info.holding)
            (void)!phone_call_hold(other, true); /* one that is changing just now stays */
    }
}

/* ---- the connection ---- */

static void on_away_time(void *ctx)
{
    call_end(ctx, PHONE_CALL_ENDED, PHONE_CAUSE_LOST);
}

static void lose(struct phone_call *call)
{
    bool has_dialog = call->info.state == PHONE_CALL_TALKING ||
                      (call->info.state == PHONE_CALL_ANSWERING && !call->answer_in_ack);
    if (has_dialog) { /* the sound goes another way: give the line time to come back */
        call->info.state = PHONE_CALL_TALKING;
        call->unacked = false;
        call_timer_stop(call, &call->resend_timer);
        call->away = true;
        call_timer(call, &call->away_timer, call->set->config.away_ms, on_away_time);
        return;
    }
    if (call->request && call->info.state == PHONE_CALL_INCOMING)
        siptx_respond(call->request, 480, STR(""), STR(""));
    call_forget_invites(call);
    call_end(call, PHONE_CALL_ENDED, PHONE_CAUSE_LOST);
}

void phone_calls_set_flow(struct phone_calls *set, struct siptx_flow *flow)
{
    if (set->flow == flow) return;
    bool lost = set->flow != NULL;
    unsigned newest = set->last_number; /* what begins meanwhile is on the new one */
    set->flow = flow;
    LIST_FOR_EACH(it, &set->calls)
    {
        struct phone_call *call = LIST_OF(it, struct phone_call, link);
        if (call->info.number > newest) break;
        if (lost && !call->told_end && !call->away) lose(call);
        if (flow && call->away && !call->told_end) {
            call->away = false;
            call_timer_stop(call, &call->away_timer);
            call_refresh(call);
        }
    }
}

/* ---- whom a request belongs to ---- */

static struct phone_call *find_dialog(struct phone_calls *set, const struct sip_basics *b)
{
    LIST_FOR_EACH(it, &set->calls)
    {
        struct phone_call *call = LIST_OF(it, struct phone_call, link);
        if (phone_dialog_has(&call->dialog, b)) return call;
    }
    return NULL;
}

/* Require names what we do not do: 420 (RFC 3261, 8.2.2.3). */
static bool refuse_required(struct siptx_request *r)
{
    struct sip_values v;
    struct str option;
    char unsupported[256];
    struct buf b;
    size_t count = 0;
    buf_init_fixed(&b, unsupported, sizeof unsupported);
    sip_values_init(&v, r->message, SIP_HEADER_REQUIRE);
    while (sip_values_next(&v, &option) == RC_OK) {
        if (str_eq_nocase(option, STR("replaces")) || str_eq_nocase(option, STR("timer")) ||
            str_eq_nocase(option, STR("100rel")))
            continue;
        if (!sip_is_token(option)) continue;
        buf_put_str(&b, count++ == 0 ? STR("Unsupported: ") : STR(", "));
        buf_put_str(&b, option);
    }
    if (count == 0) return false;
    buf_put_lit(&b, "\r\n");
    siptx_respond(r, 420, STR(""), buf_rc(&b) == RC_OK ? buf_str(&b) : STR(""));
    return true;
}

static void on_bye(struct phone_call *call, struct siptx_request *r)
{
    siptx_respond(r, 200, STR(""), STR(""));
    if (call->told_end) return;
    if (call->request && call->info.state == PHONE_CALL_INCOMING)
        siptx_respond(call->request, 487, STR(""), STR(""));
    call_forget_invites(call);
    call_end(call, PHONE_CALL_ENDED, PHONE_CAUSE_PEER_HUNG_UP);
}

static void on_info(struct siptx_request *r)
{
    bool empty = r->message->body.n == 0;
    siptx_respond(r, empty ? 200 : 415, STR(""), empty ? STR("") : STR("Accept: \r\n"));
}

static void in_dialog(struct phone_call *call, struct siptx_request *r)
{
    uint32_t cseq = r->basics->cseq.number;
    if (call->dialog.remote_cseq != 0 && cseq <= call->dialog.remote_cseq) {
        siptx_respond(r, 500, STR("Request out of order"), STR(""));
        return;
    }
    call->dialog.remote_cseq = cseq;
    if (call->told_end && r->message->method != SIP_METHOD_BYE) {
        siptx_respond(r, 481, STR(""), STR(""));
        return;
    }
    switch ((int)r->message->method) {
    case SIP_METHOD_INVITE: call_change_invite(call, r); break;
    case SIP_METHOD_UPDATE: call_change_update(call, r); break;
    case SIP_METHOD_PRACK: call_on_prack(call, r); break;
    case SIP_METHOD_BYE: on_bye(call, r); break;
    case SIP_METHOD_REFER: call_on_refer(call, r); break;
    case SIP_METHOD_NOTIFY: call_on_notify(call, r); break;
    case SIP_METHOD_INFO: on_info(r); break;
    case SIP_METHOD_OPTIONS:
        siptx_respond(r, 200, STR(""),
                      STR(CALL_ALLOW CALL_SUPPORTED "Accept: application/sdp\r\n"));
        break;
    default: siptx_respond(r, 405, STR(""), STR(CALL_ALLOW)); break;
    }
}

static void outside_dialogs(struct phone_calls *set, struct siptx_request *r)
{
    if (r->message->method == SIP_METHOD_INVITE && siptx_request_is_merged(r))
        siptx_respond(r, 482, STR(""), STR(""));
    else if (r->message->method == SIP_METHOD_INVITE)
        call_in_invite(set, r);
    else if (r->message->method == SIP_METHOD_REFER) /* only who talks with us may send us away */
        siptx_respond(r, 403, STR(""), STR(""));
    else
        siptx_respond(r, 481, STR(""), STR(""));
}

/* Methods that are about calls whoever sends them; the others only within one. */
static bool is_call_method(enum sip_method m)
{
    return m == SIP_METHOD_INVITE || m == SIP_METHOD_BYE || m == SIP_METHOD_UPDATE ||
           m == SIP_METHOD_REFER || m == SIP_METHOD_INFO || m == SIP_METHOD_PRACK;
}

bool phone_calls_request(struct phone_calls *set, struct siptx_request *r)
{
    bool has_tag = r->basics->to_tag.n > 0;
    bool of_line = set->flow && r->flow == set->flow;
    struct phone_call *call = of_line && has_tag ? find_dialog(set, r->basics) : NULL;
    bool asks_for_call = has_tag && of_line && r->message->method == SIP_METHOD_OPTIONS;
    if (!call && !asks_for_call && !is_call_method(r->message->method)) return false;
    if (!of_line) {
        siptx_respond(r, 403, STR(""), STR(""));
    } else if (refuse_required(r)) {
        return true;
    } else if (call) {
        in_dialog(call, r);
    } else if (has_tag) {
        siptx_respond(r, 481, STR(""), STR(""));
    } else {
        outside_dialogs(set, r);
    }
    return true;
}

void phone_calls_ack(struct phone_calls *set, struct siptx_flow *flow, const struct sip_message *m)
{
    struct sip_basics b;
    struct sip_verdict verdict;
    if (flow != set->flow) return;
    sip_validate(m, SIP_STREAM, &b, &verdict);
    struct phone_call *call = verdict.action == SIP_ACCEPT ? find_dialog(set, &b) : NULL;
    if (call) call_in_ack(call, m, b.cseq.number);
}

void phone_calls_cancel(struct phone_calls *set, struct siptx_request *invite)
{
    struct phone_call *call = invite->user;
    (void)set;
    if (!call || call->request != invite || call->info.state != PHONE_CALL_INCOMING) return;
    siptx_respond(invite, 487, STR(""), STR(""));
    call_end(call, PHONE_CALL_ENDED, PHONE_CAUSE_PEER_GAVE_UP);
}

/* A 2xx to an INVITE of ours, repeated after its transaction's end: the ACK was lost. */
void phone_calls_stray(struct phone_calls *set, struct siptx_flow *flow,
                       const struct sip_message *m)
{
    struct sip_nameaddr to, from;
    struct sip_cseq cseq;
    if (flow != set->flow || m->status / 100 != 2 ||
        sip_cseq_parse(sip_message_value(m, SIP_HEADER_CSEQ), &cseq) != RC_OK ||
        cseq.method != SIP_METHOD_INVITE ||
        sip_nameaddr_parse(sip_message_value(m, SIP_HEADER_TO), &to, NULL) != RC_OK ||
        sip_nameaddr_parse(sip_message_value(m, SIP_HEADER_FROM), &from, NULL) != RC_OK)
        return;
    LIST_FOR_EACH(it, &set->calls)
    {
        struct phone_call *call = LIST_OF(it, struct phone_call, link);
        struct phone_dialog *d = &call->dialog;
        bool asked = cseq.number == call->invite_cseq || cseq.number == call->reinvite_cseq;
        if (call->was_confirmed && asked &&
            str_eq(sip_message_value(m, SIP_HEADER_CALL_ID), str_from(d->call_id)) &&
            str_eq(sip_nameaddr_tag(&to), str_from(d->remote_tag)) &&
            str_eq(sip_nameaddr_tag(&from), str_from(d->local_tag)))
            call_send_ack(call, d, cseq.number);
    }
}
