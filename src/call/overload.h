/* call/overload.h - when a worker has more to do than it can: judged by how long what is ready waits
 * for it. New calls are refused then, before those that are there suffer (RFC 3261, 21.5.4). Two
 * thresholds keep it from flapping. A pure machine of (delay, time).
 *
 *   calm --delay >= HIGH, never below LOW for RISE ms--> shedding
 *   shedding --delay < HIGH for CALM ms, and now < LOW--> calm */
#ifndef CALL_OVERLOAD_H
#define CALL_OVERLOAD_H
#include <stdbool.h>
#include <stdint.h>

enum {
    CALL_OVERLOAD_HIGH_MS = 100, /* a fifth of T1: answers still come before anybody repeats */
    CALL_OVERLOAD_LOW_MS = 40,
    CALL_OVERLOAD_RISE_MS = 200, /* one long turn is no overload */
    CALL_OVERLOAD_CALM_MS = 1000,
    CALL_OVERLOAD_RETRY_MIN_S = 5, /* Retry-After: spread, so that they do not come back at once */
    CALL_OVERLOAD_RETRY_MAX_S = 14,
};

/* Zeroed memory is calm. */
struct call_overload {
    bool is_shedding, is_rising;
    int64_t rising_since_ms, high_ms; /* when it was last high */
};

/* The delay as it is now; time does not go back. True: new calls are to be refused. */
bool call_overload_step(struct call_overload *o, int64_t delay_ms, int64_t now_ms);

#endif
