#include "app/traceview.h"

#include "net/addr.h"
#include "siptx/trace.h"

static enum rc addr_dup(struct arena *a, const struct net_addr *addr, struct str *out)
{
    char text[NET_ADDR_TEXT_MAX];
    return arena_str_dup(a, net_addr_text(addr, text), out);
}

enum rc app_trace_rows(struct siptx_trace *trace, struct str device, uint64_t after_seq, size_t max,
                       struct arena *a, struct admin_trace_record **out, size_t *count)
{
    struct siptx_trace_record *found;
    size_t n;
    struct siptx_trace_filter filter = {.label = device, .after_seq = after_seq};
    *count = 0;
    *out = NULL;
    if (!trace) return RC_OK;
    enum rc rc = siptx_trace_collect(trace, &filter, max, a, &found, &n);
    struct admin_trace_record *rows = rc == RC_OK ? ARENA_ARRAY(a, struct admin_trace_record, n)
                                                  : NULL;
    if (rc == RC_OK && !rows) rc = RC_NOMEM;
    for (size_t i = 0; rc == RC_OK && i < n; i++) {
        const struct siptx_trace_record *r = &found[i];
        rows[i] = (struct admin_trace_record){
            .seq = r->seq,
            .flow_id = r->flow_id,
            .unix_ms = r->unix_ms,
            .kind = r->kind == SIPTX_TRACE_IN    ? ADMIN_TRACE_IN
                    : r->kind == SIPTX_TRACE_OUT ? ADMIN_TRACE_OUT
                                                 : ADMIN_TRACE_NOTE,
            .transport = siptx_transport_name(r->transport),
            .label = r->label,
            .text = r->bytes,
        };
        rc = addr_dup(a, &r->local, &rows[i].local);
        if (rc == RC_OK) rc = addr_dup(a, &r->peer, &rows[i].peer);
    }
    *out = rows;
    *count = rc == RC_OK ? n : 0;
    return rc;
}
