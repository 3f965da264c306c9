/* phone/session_timer.h - how long a session lives without a refresh, and who refreshes it (RFC
 * 4028). Pure text and numbers; timers are the call's. */
#ifndef PHONE_SESSION_TIMER_H
#define PHONE_SESSION_TIMER_H
#include "base/buf.h"
#include "sip/message.h"

struct phone_session_timer {
    uint32_t interval_s; /* 0: the session has no end */
    uint32_t min_se_s;   /* the least we may ask for: a 422 raises it */
    bool we_refresh;
};

/* What our INVITE or re-INVITE asks for: Session-Expires and Min-SE lines. want_s: for a session
 * that has no interval yet. */
void phone_session_print_ask(struct buf *out, const struct phone_session_timer *t, uint32_t want_s);
/* A 2xx to that: interval and refresher. now it holds. */
void phone_session_read_answer(struct phone_session_timer *t, const struct sip_message *m);
/* A 422: RC_OK and a greater min_se_s; RC_INVALID: it gives no way out. */
MUST_CHECK enum rc phone_session_read_422(struct phone_session_timer *t,
                                          const struct sip_message *m);
/* Their INVITE, re-INVITE or UPDATE: what holds once we answer 2xx. RC_INVALID: shorter than least_s,
 * which the other side's proxies may not know: answer 422 with Min-SE. */
MUST_CHECK enum rc phone_session_read_request(struct phone_session_timer *t,
                                              const struct sip_message *m, uint32_t want_s,
                                              uint32_t least_s);
/* The lines of our 2xx. peer_can: its request said Supported: timer. */
void phone_session_print_answer(struct buf *out, const struct phone_session_timer *t,
                                bool peer_can);
/* Until we refresh, or, where the other side does, until it has failed to (10). 0: never. */
uint64_t phone_session_due_ms(const struct phone_session_timer *t);
/* We refresh, and an attempt is made with left_ms to the session's end: until the next one, should this
 * come to nothing. 0: the end is too near for any, the session is over. */
uint64_t phone_session_retry_ms(const struct phone_session_timer *t, int64_t left_ms);

#endif
