/* siptx/ist.c - INVITE server transaction (RFC 3261, 17.2.1, with RFC 6026, 7.1 and 8.5).
 *
 *                       | INVITE: up; 100 if the user says nothing within 200 ms
 *                       v
 *    INVITE:        +------------+  1xx from user: send
 *    send last 1xx  | Proceeding |--------+
 *         +---------|            |<-------+
 *         +-------->+------------+
 *      300-699 from user: |     | 2xx from user: send
 *      send               v     v
 *    INVITE:      +-----------+ +----------+  INVITE: nothing
 *    send last    | Completed | | Accepted |  ACK: up
 *    G: send      +-----------+ +----------+  2xx from user: send
 *                  ACK |  | H       | L
 *                      v  |         |
 *             +-----------+|        |
 *             | Confirmed ||        |   transport error: the user is told; Proceeding and
 *             +-----------+|        |   Accepted go on (RFC 6026), Completed too (RFC 6026, 8.5)
 *                    I |   v        v
 *                      +-> Terminated
 */
#include "siptx/machine.h"

void siptx_ist_init(struct siptx_machine *m, const struct siptx_times *t, bool reliable,
                    int64_t now)
{
    *m = (struct siptx_machine){.state = SIPTX_PROCEEDING, .reliable = reliable, .times = t};
    siptx_machine_resend_at(m, SIPTX_EV_TIMER_TRYING, now, t->trying_ms);
}

static unsigned enter_completed(struct siptx_machine *m, int64_t now)
{
    siptx_machine_stop(m);
    m->state = SIPTX_COMPLETED;
    if (!m->reliable) siptx_machine_resend_at(m, SIPTX_EV_TIMER_G, now, m->times->t1_ms);
    siptx_machine_limit_at(m, SIPTX_EV_TIMER_H, now, 64 * m->times->t1_ms);
    return SIPTX_ACT_SEND;
}

static unsigned proceeding(struct siptx_machine *m, enum siptx_event e, int64_t now)
{
    switch ((int)e) {
    case SIPTX_EV_REQUEST: return SIPTX_ACT_RESEND;
    case SIPTX_EV_TIMER_TRYING: return SIPTX_ACT_TRYING;
    case SIPTX_EV_100:
    case SIPTX_EV_1XX: m->resend.due_ms = 0; return SIPTX_ACT_SEND;
    case SIPTX_EV_2XX:
        return siptx_machine_linger(m, SIPTX_ACCEPTED, SIPTX_EV_TIMER_L, now, 64 * m->times->t1_ms,
                                    SIPTX_ACT_SEND);
    case SIPTX_EV_REFUSAL: return enter_completed(m, now);
    case SIPTX_EV_TRANSPORT_ERROR: return SIPTX_ACT_LOST;
    default: return 0;
    }
}

static unsigned completed(struct siptx_machine *m, enum siptx_event e, int64_t now)
{
    switch ((int)e) {
    case SIPTX_EV_REQUEST: return SIPTX_ACT_RESEND;
    case SIPTX_EV_TIMER_G: {
        uint32_t ms = 2 * m->resend_ms;
        siptx_machine_resend_at(m, SIPTX_EV_TIMER_G, now,
                                ms < m->times->t2_ms ? ms : m->times->t2_ms);
        return SIPTX_ACT_RESEND;
    }
    case SIPTX_EV_ACK:
        return siptx_machine_linger(m, SIPTX_CONFIRMED, SIPTX_EV_TIMER_I, now,
                                    m->reliable ? 0 : m->times->t4_ms, 0);
    case SIPTX_EV_TIMER_H: return siptx_machine_end(m, SIPTX_ACT_TIMEOUT);
    case SIPTX_EV_TRANSPORT_ERROR: return SIPTX_ACT_LOST;
    case SIPTX_EV_100:
    case SIPTX_EV_1XX:
    case SIPTX_EV_2XX:
    case SIPTX_EV_REFUSAL: return SIPTX_ACT_REFUSE;
    default: return 0;
    }
}

static unsigned accepted(struct siptx_machine *m, enum siptx_event e)
{
    switch ((int)e) {
    case SIPTX_EV_ACK: return SIPTX_ACT_UP;
    case SIPTX_EV_2XX: return SIPTX_ACT_SEND;
    case SIPTX_EV_TIMER_L: return siptx_machine_end(m, 0);
    case SIPTX_EV_TRANSPORT_ERROR: return SIPTX_ACT_LOST;
    case SIPTX_EV_100:
    case SIPTX_EV_1XX:
    case SIPTX_EV_REFUSAL: return SIPTX_ACT_REFUSE;
    default: return 0;
    }
}

static unsigned confirmed(struct siptx_machine *m, enum siptx_event e)
{
    switch ((int)e) {
    case SIPTX_EV_TIMER_I: return siptx_machine_end(m, 0);
    case SIPTX_EV_100:
    case SIPTX_EV_1XX:
    case SIPTX_EV_2XX:
    case SIPTX_EV_REFUSAL: return SIPTX_ACT_REFUSE;
    default: return 0;
    }
}

unsigned siptx_ist_step(struct siptx_machine *m, enum siptx_event e, int64_t now)
{
    switch ((int)m->state) {
    case SIPTX_PROCEEDING: return proceeding(m, e, now);
    case SIPTX_COMPLETED: return completed(m, e, now);
    case SIPTX_ACCEPTED: return accepted(m, e);
    case SIPTX_CONFIRMED: return confirmed(m, e);
    default: return 0;
    }
}
