/* call/quota.h - bounds what strangers can make a worker write: a line each 100 ms in the long run,
 * a hundred at once; what was not written is counted for the next line. */
#ifndef CALL_QUOTA_H
#define CALL_QUOTA_H
#include <stdbool.h>
#include <stdint.h>

enum { CALL_QUOTA_MS = 100, CALL_QUOTA_BURST = 100 };

struct call_quota {
    int64_t earned_ms, credit, missed;
};

/* False: only count this one. True: *missed were not written since the last. */
static inline bool call_quota_take(struct call_quota *q, int64_t now_ms, int64_t *missed)
{
    int64_t earned = (now_ms - q->earned_ms) / CALL_QUOTA_MS;
    if (earned > 0) {
        q->credit = earned < CALL_QUOTA_BURST - q->credit ? q->credit + earned : CALL_QUOTA_BURST;
        q->earned_ms = now_ms;
    }
    if (q->credit == 0) {
        q->missed++;
        return false;
    }
    q->credit--;
    *missed = q->missed;
    q->missed = 0;
    return true;
}

#endif
