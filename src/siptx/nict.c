/* siptx/nict.c - non-INVITE client transaction (RFC 3261, 17.1.2).
 *
 *                  | request sent
 *                  v
 *             +----------+  E: send again after 2*E, at most T2
 *             |  Trying  |-----------------------------+
 *             +----------+                             |
 *                  | 1xx: up                           |
 *                  v                                   | F, transport error: tell the user
 *             +------------+  E: send again every T2   |
 *             | Proceeding |---------------------------+
 *             +------------+  1xx: up                  |
 *                  | 200-699: up (from Trying too)     |
 *                  v                                   |
 *             +-----------+                            |
 *             | Completed |  K (at once when reliable) |
 *             +-----------+------------------------> Terminated
 */
#include "siptx/machine.h"

void siptx_nict_init(struct siptx_machine *m, const struct siptx_times *t, bool reliable,
                     int64_t now)
{
    *m = (struct siptx_machine){.state = SIPTX_TRYING, .reliable = reliable, .times = t};
    if (!reliable) siptx_machine_resend_at(m, SIPTX_EV_TIMER_E, now, t->t1_ms);
    siptx_machine_limit_at(m, SIPTX_EV_TIMER_F, now, 64 * t->t1_ms);
}

static unsigned resend(struct siptx_machine *m, int64_t now)
{
    uint32_t ms = m->state == SIPTX_PROCEEDING ? m->times->t2_ms : 2 * m->resend_ms;
    siptx_machine_resend_at(m, SIPTX_EV_TIMER_E, now, ms < m->times->t2_ms ? ms : m->times->t2_ms);
    return SIPTX_ACT_RESEND;
}

static unsigned unanswered(struct siptx_machine *m, enum siptx_event e, int64_t now)
{
    switch ((int)e) {
    case SIPTX_EV_100: m->state = SIPTX_PROCEEDING; return 0;
    case SIPTX_EV_1XX: m->state = SIPTX_PROCEEDING; return SIPTX_ACT_UP;
    case SIPTX_EV_2XX:
    case SIPTX_EV_REFUSAL:
        return siptx_machine_linger(m, SIPTX_COMPLETED, SIPTX_EV_TIMER_K, now,
                                    m->reliable ? 0 : m->times->t4_ms, SIPTX_ACT_UP);
    case SIPTX_EV_TIMER_E: return resend(m, now);
    case SIPTX_EV_TIMER_F: return siptx_machine_end(m, SIPTX_ACT_TIMEOUT);
    case SIPTX_EV_TRANSPORT_ERROR: return siptx_machine_end(m, SIPTX_ACT_LOST);
    default: return 0;
    }
}

unsigned siptx_nict_step(struct siptx_machine *m, enum siptx_event e, int64_t now)
{
    switch ((int)m->state) {
    case SIPTX_TRYING:
    case SIPTX_PROCEEDING: return unanswered(m, e, now);
    case SIPTX_COMPLETED:
        if (e == SIPTX_EV_TIMER_K) return siptx_machine_end(m, 0);
        return e == SIPTX_EV_TRANSPORT_ERROR ? siptx_machine_end(m, 0) : 0;
    default: return 0;
    }
}
