/* app/traceview.h - the SIP messages kept in memory as the operator API shows them. */
#ifndef APP_TRACEVIEW_H
#define APP_TRACEVIEW_H
#include "admin/live.h"

struct siptx_trace;

/* As admin_live.trace; trace NULL: none is kept. */
MUST_CHECK enum rc app_trace_rows(struct siptx_trace *trace, struct str device, uint64_t after_seq,
                                  size_t max, struct arena *a, struct admin_trace_record **out,
                                  size_t *count);

#endif
