/* siptx/ict.c - INVITE client transaction (RFC 3261, 17.1.1, with RFC 6026, 7.2 and 8.4).
 *
 *                    | INVITE sent
 *                    v
 *    A: send again +---------+  B, transport error: tell the user
 *                  | Calling |-----------------------------------------> Terminated
 *                  +---------+
 *      300-699: ACK, up |  |  | 2xx: up
 *            +----------+  |  +----------------+
 *            |             | 1xx: up           |
 *            |             v                   |
 *            |      +------------+  1xx: up; transport error, 64*T1 after our CANCEL: tell
 *            |      | Proceeding |---------------------------------------> Terminated
 *            |      +------------+             |
 *            |   300-699: |    | 2xx: up       |
 *            |   ACK, up  |    |               |
 *            v            v    v               v
 *          +---------------+  +-----------------+
 *          |   Completed   |  |    Accepted     |  2xx: up
 *          +---------------+  +-----------------+
 *   300-699: ACK    | D                 | M
 *                   v                   v
 *               Terminated          Terminated
 */
#include "siptx/machine.h"

void siptx_ict_init(struct siptx_machine *m, const struct siptx_times *t, bool reliable,
                    int64_t now)
{
    *m = (struct siptx_machine){.state = SIPTX_CALLING, .reliable = reliable, .times = t};
    if (!reliable) siptx_machine_resend_at(m, SIPTX_EV_TIMER_A, now, t->t1_ms);
    siptx_machine_limit_at(m, SIPTX_EV_TIMER_B, now, 64 * t->t1_ms);
}

static unsigned enter_proceeding(struct siptx_machine *m, enum siptx_event e)
{
    if (m->state == SIPTX_CALLING) siptx_machine_stop(m); /* later the CANCEL's limit may run */
    m->state = SIPTX_PROCEEDING;
    return e == SIPTX_EV_100 ? 0 : SIPTX_ACT_UP;
}

/* Calling and Proceeding. */
static unsigned unanswered(struct siptx_machine *m, enum siptx_event e, int64_t now)
{
    switch ((int)e) {
    case SIPTX_EV_100:
    case SIPTX_EV_1XX: return enter_proceeding(m, e);
    case SIPTX_EV_2XX:
        return siptx_machine_linger(m, SIPTX_ACCEPTED, SIPTX_EV_TIMER_M, now, 64 * m->times->t1_ms,
                                    SIPTX_ACT_UP);
    case SIPTX_EV_REFUSAL:
        return siptx_machine_linger(m, SIPTX_COMPLETED, SIPTX_EV_TIMER_D, now,
                                    m->reliable ? 0 : m->times->d_ms, SIPTX_ACT_ACK | SIPTX_ACT_UP);
    case SIPTX_EV_TIMER_A: /* doubles without bound: B ends it */
        siptx_machine_resend_at(m, SIPTX_EV_TIMER_A, now, 2 * m->resend_ms);
        return SIPTX_ACT_RESEND;
    case SIPTX_EV_TIMER_B:
    case SIPTX_EV_CANCEL_TIMEOUT: return siptx_machine_end(m, SIPTX_ACT_TIMEOUT);
    case SIPTX_EV_TRANSPORT_ERROR: return siptx_machine_end(m, SIPTX_ACT_LOST);
    default: return 0;
    }
}

unsigned siptx_ict_step(struct siptx_machine *m, enum siptx_event e, int64_t now)
{
    switch ((int)m->state) {
    case SIPTX_CALLING:
    case SIPTX_PROCEEDING: return unanswered(m, e, now);
    case SIPTX_COMPLETED:
        if (e == SIPTX_EV_REFUSAL) return SIPTX_ACT_ACK;
        if (e == SIPTX_EV_TIMER_D) return siptx_machine_end(m, 0);
        /* The user has its final response already: nothing to tell (the ACK got lost). */
        return e == SIPTX_EV_TRANSPORT_ERROR ? siptx_machine_end(m, 0) : 0;
    case SIPTX_ACCEPTED:
        if (e == SIPTX_EV_2XX) return SIPTX_ACT_UP;
        return e == SIPTX_EV_TIMER_M ? siptx_machine_end(m, 0) : 0;
    default: return 0;
    }
}
