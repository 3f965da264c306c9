#include "call/fork.h"

/* The lower, the better. */
static unsigned grade(unsigned status)
{
    switch (status) {
    case 401:
    case 407:
    case 415:
    case 420:
    case 484: return 400;
    case 480: return 497; /* so may a phone that is gone: what another one says is more */
    case 408: return 498; /* that somebody did not answer says the least of its class */
    case 487: return 499; /* ... but for what we have cancelled ourselves */
    default: break;
    }
    if (status >= 600) return 100;
    if (status >= 400 && status < 500) return 450;
    return status;
}

bool call_fork_is_better(unsigned status, unsigned best)
{
    return best == 0 || grade(status) < grade(best);
}

unsigned call_fork_upstream(unsigned best)
{
    return best == 503 ? 500 : best;
}
