#include "call/overload.h"

static bool step_calm(struct call_overload *o, int64_t delay_ms, int64_t now_ms)
{
    if (delay_ms < CALL_OVERLOAD_LOW_MS) o->is_rising = false;
    if (delay_ms < CALL_OVERLOAD_HIGH_MS) return false;
    if (!o->is_rising) o->rising_since_ms = now_ms;
    o->is_rising = true;
    o->high_ms = now_ms;
    o->is_shedding = now_ms - o->rising_since_ms >= CALL_OVERLOAD_RISE_MS;
    return o->is_shedding;
}

static bool step_shedding(struct call_overload *o, int64_t delay_ms, int64_t now_ms)
{
    if (delay_ms >= CALL_OVERLOAD_HIGH_MS) o->high_ms = now_ms;
    if (delay_ms < CALL_OVERLOAD_LOW_MS && now_ms - o->high_ms >= CALL_OVERLOAD_CALM_MS)
        o->is_shedding = o->is_rising = false;
    return o->is_shedding;
}

bool call_overload_step(struct call_overload *o, int64_t delay_ms, int64_t now_ms)
{
    return o->is_shedding ? step_shedding(o, delay_ms, now_ms) : step_calm(o, delay_ms, now_ms);
}
