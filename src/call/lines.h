/* call/lines.h - what the lines of a node are doing just now: how many calls ring on a line of a
 * device, and since when a line has been idle. One table for all workers, kept in memory alone, so a
 * restart begins with everybody idle. Any thread. Entries are used again: after a while counting
 * allocates nothing. */
#ifndef CALL_LINES_H
#define CALL_LINES_H
#include "base/clock.h"
#include "base/rc.h"
#include "base/str.h"

/* Lines that ring or have been idle at once; what comes on top is not counted. */
enum { CALL_LINES_MAX = 200000 };

struct call_lines;

MUST_CHECK enum rc call_lines_new(const struct random_source *random, struct call_lines **out);
struct call_lines *call_lines_free(struct call_lines *l); /* NULL */

/* A call rings there. False: it could not be counted; then call_lines_quiet may not be called. */
bool call_lines_ring(struct call_lines *l, struct str device, struct str line);
/* It does not any more, whatever has become of it. */
void call_lines_quiet(struct call_lines *l, struct str device, struct str line);
unsigned call_lines_ringing(struct call_lines *l, struct str device, struct str line);

/* A call of the line has ended. */
void call_lines_idle(struct call_lines *l, struct str line, int64_t now_mono_ms);
/* When the last one ended; INT64_MIN: none since the start. */
int64_t call_lines_idle_since(struct call_lines *l, struct str line);

#endif
