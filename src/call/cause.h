/* call/cause.h - the Q.850 cause of a call that has ended, as its record tells it: from the SIP status
 * by the table of RFC 3398, 8.2.6.1, else from how it ended. Pure. */
#ifndef CALL_CAUSE_H
#define CALL_CAUSE_H
#include "call/calls.h"

enum {
    CALL_CAUSE_UNALLOCATED = 1,
    CALL_CAUSE_NORMAL = 16,
    CALL_CAUSE_BUSY = 17,
    CALL_CAUSE_OUT_OF_ORDER = 27, /* a message cannot be delivered to the other end */
    CALL_CAUSE_UNSPECIFIED = 31,
    CALL_CAUSE_TEMPORARY = 41,
    CALL_CAUSE_TIMER = 102,
    CALL_CAUSE_INTERWORKING = 127,
};

/* Of a refusal; CALL_CAUSE_UNSPECIFIED for one the table does not name. */
unsigned call_cause_of_status(unsigned status);
unsigned call_cause(enum call_end end, unsigned status);

#endif
