/* admin/ladder.h - a trace as two columns, phone and node, with an arrow for each message and under
 * it the header fields that decide: what a person would look for in a packet capture. Pure. */
#ifndef ADMIN_LADDER_H
#define ADMIN_LADDER_H
#include "admin/live.h"
#include "base/buf.h"

struct ladder_options {
    bool full; /* whole messages under their arrows */
    bool utc;  /* times in UTC; else local */
};
/* records oldest first. node names the right column. */
void ladder_print(struct buf *out, const struct admin_trace_record *records, size_t count,
                  struct str node, const struct ladder_options *options);

#endif
