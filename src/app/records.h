/* app/records.h - from the end of a call to its row in the store. Whoever ends a call hands its record
 * over and goes on; one thread of its own writes what has gathered, many rows in one transaction.
 * The queue is bounded and made at the start, so a call's end takes no memory. A store that cannot
 * be written (a full disk) is tried again until it can; what does not fit meanwhile is dropped,
 * counted and told to the log.
 *
 * A row is there some milliseconds after its call ended; where calls end one upon the other, at most
 * APP_RECORDS_GATHER_MS later. A node that is killed loses those of calls that ended since the last
 * transaction and of calls under way; one that is stopped loses none. */
#ifndef APP_RECORDS_H
#define APP_RECORDS_H
#include "base/log.h"
#include "call/calls.h"
#include "store/cdr.h"

enum {
    APP_RECORDS_MAX = 8192,  /* waiting */
    APP_RECORDS_BATCH = 256, /* rows of one transaction */
    APP_RECORDS_RETRY_MS = 1000,
    APP_RECORDS_GATHER_MS = 100, /* between two transactions, unless a batch is full */
};

typedef enum rc app_records_add_fn(void *ctx, const struct store_cdr *rows, size_t count,
                                   struct store_why *why);

struct app_records_config {
    app_records_add_fn *add; /* as store_cdr_add; on the thread of the records */
    void *add_ctx;
    struct str node; /* the node's name; borrowed for its life */
    const struct log *log;
    size_t max; /* 0: APP_RECORDS_MAX */
};

struct app_records;
/* RC_NOMEM. The thread runs from now on; signals stay with the others. */
MUST_CHECK enum rc app_records_new(const struct app_records_config *config,
                                   struct app_records **out);
/* Writes what still waits, trying once, and ends the thread. NULL. */
struct app_records *app_records_free(struct app_records *r);

/* A call_record_fn; ctx is the struct app_records. Any thread; does not wait for the disk. */
void app_records_put(void *ctx, const struct call_record *record);

struct app_records_counts {
    size_t waiting;
    uint64_t written, dropped;
};
void app_records_count(struct app_records *r, struct app_records_counts *out);

/* The row of a call. Its texts lie in record, in node and in *reason. */
enum { APP_RECORDS_REASON_MAX = 96 };
void app_records_print(const struct call_record *record, struct str node,
                       char reason[APP_RECORDS_REASON_MAX], struct store_cdr *out);

/* Of a device of a record: the trunk's name, "" where it is a phone or nothing; and the reverse. */
struct str app_records_trunk(const char *device);
struct str app_records_device(const char *device);

#endif
