/* siptx/nist.c - non-INVITE server transaction (RFC 3261, 17.2.2; RFC 4320, 4.1).
 *
 *                   | request: up
 *                   v
 *             +----------+   request: nothing
 *             |  Trying  |--------------------------+
 *             +----------+                          |
 *                   | 1xx from user: send           | final from user: send
 *                   v                               |
 *             +------------+  1xx: send             |
 *             | Proceeding |  request: send last    |
 *             +------------+                        |
 *                   | final from user: send         |
 *                   v                               |
 *             +-----------+<------------------------+
 *             | Completed |  request: send last; further finals: refused
 *             +-----------+
 *                   | J (at once on reliable transports), transport error
 *                   v
 *              Terminated
 *
 * Without a final answer within 64*T1 the client's timer F has ended everything and a 408 would be
 * wrong (RFC 4320, 4.2): the transaction ends in silence and tells its user. */
#include "siptx/machine.h"

void siptx_nist_init(struct siptx_machine *m, const struct siptx_times *t, bool reliable,
                     int64_t now)
{
    *m = (struct siptx_machine){.state = SIPTX_TRYING, .reliable = reliable, .times = t};
    siptx_machine_limit_at(m, SIPTX_EV_TIMER_ANSWER, now, 64 * t->t1_ms);
}

static unsigned final(struct siptx_machine *m, int64_t now)
{
    return siptx_machine_linger(m, SIPTX_COMPLETED, SIPTX_EV_TIMER_J, now,
                                m->reliable ? 0 : 64 * m->times->t1_ms, SIPTX_ACT_SEND);
}

static unsigned unanswered(struct siptx_machine *m, enum siptx_event e, int64_t now)
{
    switch ((int)e) {
    case SIPTX_EV_REQUEST: return m->state == SIPTX_PROCEEDING ? SIPTX_ACT_RESEND : 0;
    case SIPTX_EV_100:
    case SIPTX_EV_1XX: m->state = SIPTX_PROCEEDING; return SIPTX_ACT_SEND;
    case SIPTX_EV_2XX:
    case SIPTX_EV_REFUSAL: return final(m, now);
    case SIPTX_EV_TIMER_ANSWER: return siptx_machine_end(m, SIPTX_ACT_TIMEOUT);
    /* The user still holds the request: it answers into the void or hears the answer timer. */
    case SIPTX_EV_TRANSPORT_ERROR: return SIPTX_ACT_LOST;
    default: return 0;
    }
}

static unsigned completed(struct siptx_machine *m, enum siptx_event e)
{
    switch ((int)e) {
    case SIPTX_EV_REQUEST: return SIPTX_ACT_RESEND;
    case SIPTX_EV_TIMER_J: return siptx_machine_end(m, 0);
    case SIPTX_EV_TRANSPORT_ERROR: return siptx_machine_end(m, SIPTX_ACT_LOST);
    case SIPTX_EV_100:
    case SIPTX_EV_1XX:
    case SIPTX_EV_2XX:
    case SIPTX_EV_REFUSAL: return SIPTX_ACT_REFUSE;
    default: return 0;
    }
}

unsigned siptx_nist_step(struct siptx_machine *m, enum siptx_event e, int64_t now)
{
    switch ((int)m->state) {
    case SIPTX_TRYING:
    case SIPTX_PROCEEDING: return unanswered(m, e, now);
    case SIPTX_COMPLETED: return completed(m, e);
    default: return 0;
    }
}
