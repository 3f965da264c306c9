/* call/fork.h - which final answer of several a proxy sends back (RFC 3261, 16.7 step 6). Pure. */
#ifndef CALL_FORK_H
#define CALL_FORK_H
#include <stdbool.h>

/* Is an answer of status better than the best so far (0: none yet)? 6xx first, then the lowest
 * class; within 4xx those that tell the caller what to do differently (401, 407, 415, 420, 484). */
bool call_fork_is_better(unsigned status, unsigned best);
/* What the best answer goes upstream as: a 503 of one target says nothing of the server, so 500
 * (16.7 step 6). */
unsigned call_fork_upstream(unsigned best);

#endif
