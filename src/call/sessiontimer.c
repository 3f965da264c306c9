/* Session timers on the way through (RFC 4028, 8): every INVITE and UPDATE that goes on bears a
 * Session-Expires not below the parameter SIPMinSE; what the answer settles is when the call has run
 * out unless it is refreshed (calls.h).
 *
 *   none in the request      SIPSessionExpiresTimer is put in; 0: nothing is
 *   too short                422 with our Min-SE; raised for a caller who does not know timers
 *   none in the 2xx          the callee does not know timers: a caller who does is made the refresher;
 *                            neither does: the call has no timer */
#include "call/proxy_int.h"

#include "sip/number.h"
#include "sip/print.h"

static bool is_refresh(const struct proxy_context *c)
{
    if (c->call == 0 && !c->is_initial) return false;
    return c->method == SIP_METHOD_INVITE || c->method == SIP_METHOD_UPDATE;
}

/* Seconds of a Session-Expires or Min-SE; 0: none that can be read. */
static uint32_t seconds_of(const struct sip_message *m, enum sip_header_id id)
{
    uint32_t s;
    struct str value = sip_message_value(m, id);
    return value.n > 0 && sip_seconds_parse(value, &s) == RC_OK ? s : 0;
}

static void answer_too_small(struct proxy_context *c, uint32_t min_s)
{
    char text[64];
    struct buf b;
    buf_init_fixed(&b, text, sizeof text);
    sip_print_header_u64(&b, SIP_HEADER_MIN_SE, min_s);
    c->is_answered = true;
    call_answer(c->visit, 422, STR(""), buf_str(&b));
}

bool proxy_timer_begin(struct proxy_context *c)
{
    const struct call_visit *v = c->visit;
    uint32_t min_s = (uint32_t)v->params->number[STORE_P_MIN_SE_S];
    uint32_t want_s = (uint32_t)v->params->number[STORE_P_SESSION_S];
    if (!is_refresh(c)) return true;
    uint32_t asked_s = seconds_of(v->message, SIP_HEADER_SESSION_EXPIRES);
    uint32_t least_s = seconds_of(v->message, SIP_HEADER_MIN_SE);
    c->session.caller_can = sip_values_has(v->message, SIP_HEADER_SUPPORTED, STR("timer"));
    c->session.interval_s = asked_s;
    if (asked_s != 0 && asked_s < min_s && c->session.caller_can) {
        answer_too_small(c, min_s);
        return false;
    }
    if (asked_s != 0 && asked_s >= min_s) return true;
    if (asked_s == 0 && want_s == 0) return true;
    c->session.is_ours = true;
    c->session.interval_s = asked_s != 0 ? min_s : want_s;
    if (c->session.interval_s < min_s) c->session.interval_s = min_s;
    if (c->session.interval_s < least_s) c->session.interval_s = least_s;
    c->session.min_s = asked_s == 0 ? least_s : min_s > least_s ? min_s : least_s;
    return true;
}

bool proxy_timer_drops(const struct proxy_context *c, enum sip_header_id id)
{
    return c->session.is_ours && (id == SIP_HEADER_SESSION_EXPIRES || id == SIP_HEADER_MIN_SE);
}

void proxy_timer_print_request(const struct proxy_context *c, struct buf *out)
{
    if (!c->session.is_ours) return;
    sip_print_header_u64(out, SIP_HEADER_SESSION_EXPIRES, c->session.interval_s);
    if (c->session.min_s > 0) sip_print_header_u64(out, SIP_HEADER_MIN_SE, c->session.min_s);
}

/* The callee does not know timers, the caller does, and one was asked for. */
static bool is_left_to_caller(const struct proxy_context *c, const struct sip_message *m)
{
    return is_refresh(c) && m->status >= 200 && m->status < 300 && c->session.caller_can &&
           c->session.interval_s > 0 && !sip_message_find(m, SIP_HEADER_SESSION_EXPIRES);
}

void proxy_timer_print_answer(const struct proxy_context *c, const struct sip_message *m,
                              struct buf *out)
{
    if (!is_left_to_caller(c, m)) return;
    buf_put_lit(out, "Session-Expires: ");
    buf_put_u64(out, c->session.interval_s);
    buf_put_lit(out, ";refresher=uac\r\nRequire: timer\r\n");
}

void proxy_timer_settled(struct proxy_context *c, const struct sip_message *m)
{
    struct call_node *n = c->proxy->worker->node;
    if (!is_refresh(c) || c->call == 0 || !c->visit) return;
    if (!c->is_initial) {
        const struct sip_basics *b = c->visit->request->basics;
        struct str callee = c->side == CALL_CALLER ? b->to_tag : b->from_tag;
        if (!call_calls_is_main(n->calls, c->call, callee)) return;
    }
    uint32_t s = seconds_of(m, SIP_HEADER_SESSION_EXPIRES);
    if (s == 0 && is_left_to_caller(c, m)) s = c->session.interval_s;
    call_calls_set_expiry(n->calls, c->call,
                          s == 0 ? 0 : clock_mono_ms(&n->clock) + (int64_t)s * 1000);
}
