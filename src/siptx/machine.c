/* siptx/machine.c - the two timer slots of a transaction machine. */
#include "siptx/machine.h"

int64_t siptx_machine_due(const struct siptx_machine *m)
{
    int64_t due = INT64_MAX;
    if (m->resend.due_ms != 0) due = m->resend.due_ms;
    if (m->limit.due_ms != 0 && m->limit.due_ms < due) due = m->limit.due_ms;
    return due;
}

bool siptx_machine_fire(struct siptx_machine *m, int64_t now, enum siptx_event *e)
{
    int64_t due = siptx_machine_due(m);
    if (due > now) return false;
    /* At the same instant the end wins: nothing is repeated that is over. */
    struct siptx_slot *s = m->limit.due_ms == due ? &m->limit : &m->resend;
    s->due_ms = 0;
    *e = (enum siptx_event)s->event;
    return true;
}

static void slot_start(struct siptx_slot *s, enum siptx_event e, int64_t now, uint32_t ms)
{
    s->event = (uint8_t)e;
    s->due_ms = now + (int64_t)ms;
    if (s->due_ms == 0) s->due_ms = 1; /* 0 means stopped */
}

void siptx_machine_resend_at(struct siptx_machine *m, enum siptx_event e, int64_t now, uint32_t ms)
{
    m->resend_ms = ms;
    slot_start(&m->resend, e, now, ms);
}

void siptx_machine_limit_at(struct siptx_machine *m, enum siptx_event e, int64_t now, uint32_t ms)
{
    slot_start(&m->limit, e, now, ms);
}

void siptx_machine_stop(struct siptx_machine *m)
{
    m->resend.due_ms = m->limit.due_ms = 0;
}

unsigned siptx_machine_end(struct siptx_machine *m, unsigned also)
{
    siptx_machine_stop(m);
    m->state = SIPTX_TERMINATED;
    return also | SIPTX_ACT_END;
}

unsigned siptx_machine_linger(struct siptx_machine *m, enum siptx_state s, enum siptx_event e,
                              int64_t now, uint32_t ms, unsigned also)
{
    if (ms == 0) return siptx_machine_end(m, also);
    siptx_machine_stop(m);
    m->state = (uint8_t)s;
    siptx_machine_limit_at(m, e, now, ms);
    return also;
}
