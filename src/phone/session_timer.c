#include "phone/session_timer.h"

#include "sip/number.h"
#include "sip/values.h"

enum { LEAST_S = 90, GRACE_S = 32 };

void phone_session_print_ask(struct buf *out, const struct phone_session_timer *t, uint32_t want_s)
{
    uint32_t s = t->interval_s ? t->interval_s : want_s;
    if (s < t->min_se_s) s = t->min_se_s;
    buf_printf(out, "Session-Expires: %u", s);
    if (t->interval_s) /* who does it now goes on (7.4) */
        buf_printf(out, ";refresher=%s", t->we_refresh ? "uac" : "uas");
    buf_printf(out, "\r\nMin-SE: %u\r\n", t->min_se_s > LEAST_S ? t->min_se_s : LEAST_S);
}

/* "1800;refresher=uac": seconds, and whom it names. False: none to be read. */
static bool read_expires(const struct sip_message *m, uint32_t *s, struct str *refresher)
{
    struct str value = sip_message_value(m, SIP_HEADER_SESSION_EXPIRES);
    if (value.n == 0 || sip_seconds_parse(value, s) != RC_OK) return false;
    ptrdiff_t at = str_find_char(value, ';');
    *refresher = at == STR_NPOS
                     ? STR("")
                     : sip_param_value(str_sub(value, (size_t)at, value.n), STR("refresher"));
    return true;
}

void phone_session_read_answer(struct phone_session_timer *t, const struct sip_message *m)
{
    uint32_t s;
    struct str refresher;
    if (!read_expires(m, &s, &refresher)) { /* the other side does not know timers */
        t->interval_s = 0;
        return;
    }
    t->interval_s = s < LEAST_S ? LEAST_S : s;
    t->we_refresh = !str_eq_nocase(refresher, STR("uas"));
}

enum rc phone_session_read_422(struct phone_session_timer *t, const struct sip_message *m)
{
    uint32_t s;
    if (sip_seconds_parse(sip_message_value(m, SIP_HEADER_MIN_SE), &s) != RC_OK ||
        s <= t->min_se_s || s > 86400)
        return RC_INVALID;
    t->min_se_s = s;
    return RC_OK;
}

enum rc phone_session_read_request(struct phone_session_timer *t, const struct sip_message *m,
                                   uint32_t want_s, uint32_t least_s)
{
    uint32_t s, least;
    struct str refresher;
    bool peer_can = sip_values_has(m, SIP_HEADER_SUPPORTED, STR("timer"));
    struct str min_se = sip_message_value(m, SIP_HEADER_MIN_SE);
    if (min_se.n > 0 && sip_seconds_parse(min_se, &least) == RC_OK && least > t->min_se_s)
        t->min_se_s = least > 86400 ? 86400 : least;
    if (!read_expires(m, &s, &refresher)) {
        t->interval_s = want_s < t->min_se_s ? t->min_se_s : want_s;
        t->we_refresh = true; /* whoever cannot, or did not ask, is not asked to */
        return RC_OK;
    }
    if (s < least_s) {
        if (peer_can) return RC_INVALID;
        s = least_s; /* a proxy asked in its name: it will take more (9) */
    }
    t->interval_s = s;
    t->we_refresh = !peer_can || str_eq_nocase(refresher, STR("uas"));
    return RC_OK;
}

void phone_session_print_answer(struct buf *out, const struct phone_session_timer *t, bool peer_can)
{
    if (t->interval_s == 0) return;
    buf_printf(out, "Session-Expires: %u;refresher=%s\r\n", t->interval_s,
               t->we_refresh ? "uas" : "uac");
    if (peer_can && !t->we_refresh) buf_put_lit(out, "Require: timer\r\n");
}

/* Before the end, when who waits for a refresh gives up (10). */
static uint64_t grace_ms(const struct phone_session_timer *t)
{
    uint64_t s = t->interval_s / 3;
    return (s < GRACE_S ? s : GRACE_S) * 1000;
}

uint64_t phone_session_due_ms(const struct phone_session_timer *t)
{
    uint64_t ms = t->interval_s * UINT64_C(1000);
    if (ms == 0) return 0;
    return t->we_refresh ? ms / 2 : ms - grace_ms(t);
}

uint64_t phone_session_retry_ms(const struct phone_session_timer *t, int64_t left_ms)
{
    return left_ms <= (int64_t)grace_ms(t) ? 0 : (uint64_t)left_ms / 2;
}
