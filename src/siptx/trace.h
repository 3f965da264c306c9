/* siptx/trace.h - the last messages that crossed the wire, for people: "what did this phone say?".
 * Bounded in bytes, credentials masked before they are stored (sip/mask.h). Thread-safe: any
 * thread may add, mark and read; one per node or one per worker.
 *
 * Two rings share the bytes. Every record enters the first; when it is pushed out there it is
 * dropped if it was marked routine (a refresh that went as always), else it moves to the second.
 * So the recent past is whole, and refusals and first registrations stay longest. */
#ifndef SIPTX_TRACE_H
#define SIPTX_TRACE_H
#include "base/arena.h"
#include "base/buf.h"
#include "siptx/flow.h"

struct siptx_trace;

enum {
    SIPTX_TRACE_BYTES_MIN = 64 * 1024,
    SIPTX_TRACE_BYTES_DEFAULT = 16 * 1024 * 1024,
    SIPTX_TRACE_BYTES_MAX = 1024 * 1024 * 1024,
    SIPTX_TRACE_MESSAGE_MAX = 8192, /* bytes kept of one message; the rest is cut off */
    SIPTX_TRACE_NOTE_MAX = 512,
};

enum siptx_trace_kind { SIPTX_TRACE_IN, SIPTX_TRACE_OUT, SIPTX_TRACE_NOTE };

/* One record as a reader sees it; slices live during the callback (or in the arena asked for). */
struct siptx_trace_record {
    uint64_t seq; /* order of adding, from 1 */
    int64_t unix_ms;
    uint64_t flow_id;
    enum siptx_trace_kind kind;
    enum siptx_transport transport;
    bool routine;
    bool is_cut; /* the message was longer than SIPTX_TRACE_MESSAGE_MAX */
    struct net_addr local, peer;
    struct str label; /* "" where none was set yet */
    struct str bytes; /* the masked message, or the note: "TLS closed: unknown CA" */
};

/* max_bytes is clipped to the range above; all of it is drawn here. NULL: out of memory. Starts
 * switched on. */
struct siptx_trace *siptx_trace_new(size_t max_bytes);
struct siptx_trace *siptx_trace_free(struct siptx_trace *t);
/* Off: nothing more is added; what is there stays. */
void siptx_trace_switch(struct siptx_trace *t, bool on);
bool siptx_trace_is_on(const struct siptx_trace *t);
/* Forgets all records. */
void siptx_trace_clear(struct siptx_trace *t);

/* Adds a message or a note of flow f; returns its seq, 0 when nothing was stored (off, t NULL). */
uint64_t siptx_trace_add(struct siptx_trace *t, int64_t unix_ms, const struct siptx_flow *f,
                         enum siptx_trace_kind kind, struct str bytes);
/* The same for what has no flow (yet); label may be empty. */
uint64_t siptx_trace_add_record(struct siptx_trace *t, const struct siptx_trace_record *r);
/* Gives records of flow_id from first_seq on, which have none, a label (cut at SIPTX_LABEL_MAX),
 * as long as they are in the first ring. A label "name?" is of who has only said so; "name" takes
 * its place when it comes. siptx_flow_set_label calls it. */
void siptx_trace_label(struct siptx_trace *t, uint64_t flow_id, uint64_t first_seq,
                       struct str label);
/* Names records of flow_id from first_seq on, whatever label they bore. */
void siptx_trace_relabel(struct siptx_trace *t, uint64_t flow_id, uint64_t first_seq,
                         struct str label);
/* Marks records from_seq..to_seq of flow_id routine, as long as they are in the first ring. */
void siptx_trace_mark_routine(struct siptx_trace *t, uint64_t flow_id, uint64_t from_seq,
                              uint64_t to_seq);

/* Which records. Empty label and flow_id 0: all. */
struct siptx_trace_filter {
    struct str label;      /* records of flows that bear it, or it and '?' (ASCII case ignored) */
    uint64_t flow_id;      /* this flow only */
    int64_t since_unix_ms; /* not older */
    uint64_t after_seq;    /* newer than this record: to follow along */
};
/* Returning false ends the query. Runs under the trace's lock: copy and return. */
typedef bool siptx_trace_fn(void *ctx, const struct siptx_trace_record *r);
/* Oldest first. */
void siptx_trace_query(struct siptx_trace *t, const struct siptx_trace_filter *filter,
                       siptx_trace_fn *fn, void *ctx);
/* The newest max records that fit, copied into the arena, oldest first. RC_NOMEM. */
MUST_CHECK enum rc siptx_trace_collect(struct siptx_trace *t,
                                       const struct siptx_trace_filter *filter, size_t max,
                                       struct arena *a, struct siptx_trace_record **out,
                                       size_t *count);
/* A record as text: a line of time, direction, addresses, then the message; for --trace. */
void siptx_trace_print(struct buf *out, const struct siptx_trace_record *r);

struct siptx_trace_stats {
    size_t bytes_max, bytes_used;
    uint64_t added, dropped_routine, dropped; /* records pushed out for good */
};
void siptx_trace_stats(struct siptx_trace *t, struct siptx_trace_stats *out);

#endif
