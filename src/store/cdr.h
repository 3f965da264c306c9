/* store/cdr.h - call detail records: one row for each call that ended. They are written by the node
 * alone, never changed, and dropped when they are older than the parameter CDRDays says. No change
 * notices, no audit rows: a record of a call is itself what was done. */
#ifndef STORE_CDR_H
#define STORE_CDR_H
#include "store/store.h"

enum {
    STORE_CDR_TEXT_MAX = 256,      /* bytes of each text; longer is cut, what is no UTF-8 too */
    STORE_CDR_ROWS_MAX = 10000000, /* rows kept whatever their age: pruning drops the oldest */
};

/* Who ended the call. */
enum store_cdr_end { STORE_CDR_BY_CALLER = 1, STORE_CDR_BY_CALLED = 2, STORE_CDR_BY_NODE = 3 };

struct store_cdr {
    int64_t id;        /* rising; given by the store */
    struct str call;   /* the call's name in this node; the records of a transfer share none */
    struct str node;   /* that handled it */
    struct str caller; /* number or URI as authenticated, or as the trunk said it */
    struct str caller_device;       /* "" from a trunk */
    struct str dialled;             /* what the caller asked for */
    struct str called;              /* number that answered, or rang last */
    struct str called_device;       /* that answered; "" nobody, or a trunk */
    struct str trunk_in, trunk_out; /* "" none */
    int64_t start_unix_ms;
    int64_t answer_unix_ms; /* 0: never */
    int64_t end_unix_ms;
    int status;        /* final SIP status of the INVITE; 0 none */
    int cause;         /* Q.850 cause, 16 normal clearing; 0 unknown */
    struct str reason; /* why it ended, for a person; "" */
    enum store_cdr_end end_by;
    bool encrypted; /* both legs' SDP proved it, from the answer to the end */
};
struct store_cdrs {
    struct store_cdr *rows;
    size_t count;
};

/* Adds rows in one transaction, all or none; their ids are ignored. On the pool: it waits for the
 * disk. */
MUST_CHECK enum rc store_cdr_add(struct store *s, const struct store_cdr *rows, size_t count,
                                 struct store_why *why);

/* Which rows: newest first. Zeroed: the newest STORE_PAGE_MAX. */
struct store_cdr_page {
    int64_t before_id;                    /* those below it; 0 from the newest */
    int64_t since_unix_ms, until_unix_ms; /* by start: [since, until); 0 no bound */
    struct str number; /* caller, dialled or called is this, without case; "" any */
    size_t limit;      /* 1..STORE_PAGE_MAX; 0: STORE_PAGE_MAX */
};
MUST_CHECK enum rc store_cdr_list(struct store *s, const struct store_cdr_page *page,
                                  struct arena *a, struct store_cdrs *out, struct store_why *why);

/* Drops rows of calls that ended before that time, and the oldest above STORE_CDR_ROWS_MAX; *out
 * (may be NULL) counts them. */
MUST_CHECK enum rc store_cdr_prune(struct store *s, int64_t before_unix_ms, int64_t *out,
                                   struct store_why *why);

/* "caller", "called", "node"; never NULL. */
const char *store_cdr_end_name(enum store_cdr_end end);
#endif
