/* store/store.h - what a node must remember: opening it, changing it, hearing of changes.
 * The rows themselves are in store/records.h, sign-in state in store/tokens.h, the table of
 * parameters in store/params.h. This header and those speak no SQL: SQLite stands behind them now,
 * another engine can. Every call is synchronous and may wait for the disk, so it belongs on the
 * pool or into start-up, never on a worker. Safe from any thread.
 *
 * Each change is one transaction together with its audit row: after RC_OK it is on the disk, after
 * anything else nothing happened. Once committed, and still on the committing thread with no lock
 * held, the listeners hear which record changed. */
#ifndef STORE_STORE_H
#define STORE_STORE_H
#include "base/arena.h"
#include "base/clock.h"
#include "base/rc.h"
#include "base/str.h"

struct store;
struct store_batch;

enum store_kind {
    STORE_PARAM,         /* key: its name in params.h */
    STORE_NODE,          /* node name */
    STORE_USER,          /* user id */
    STORE_DEVICE,        /* device name */
    STORE_LINE,          /* directory number (pattern) */
    STORE_PROFILE,       /* phone security profile name */
    STORE_EDGE,          /* pkid of a trusted edge (expresswaycconfiguration) */
    STORE_CERT,          /* own certificate: "<unit>/<node>", "CA" */
    STORE_TRUST,         /* trusted certificate: "<trust store>/<fingerprint>" */
    STORE_KEY,           /* kid of an authz key */
    STORE_DOMAIN,        /* SIP domain */
    STORE_ISSUER,        /* "iss" of a foreign issuer */
    STORE_CLIENT,        /* OAuth client_id */
    STORE_GRANT,         /* grant id; removed = revoked */
    STORE_HUNT_GROUP,    /* its number */
    STORE_TRUNK,         /* SIP trunk name */
    STORE_ROUTE_PATTERN, /* route pattern as written */
    STORE_UCM,           /* publisher of a call server cluster, on an edge */
    STORE_PEER,          /* name of a paired edge */
    STORE_ALLOW,         /* manual rule of the HTTP allow list */
    STORE_KIND_COUNT
};

/* "user", "device" ...; never NULL. */
const char *store_kind_name(enum store_kind kind);

/* Why something was refused, as a sentence for the operator that says what to do. "" when there is
 * nothing to add to the rc. Every function takes it as its last argument; NULL is fine. */
struct store_why {
    char text[400];
};

enum {
    STORE_READERS_MAX = 8,
    STORE_KEY_MAX = 256,       /* bytes of any key */
    STORE_TEXT_MAX = 512,      /* bytes of an ordinary text field unless its own bound is said */
    STORE_PAGE_MAX = 1000,     /* rows of one list call */
    STORE_BATCH_MAX = 2000000, /* changes in one batch */
};

struct store_config {
    const char *folder;          /* data folder; 0700, its files 0600 */
    struct clock clock;          /* copied */
    struct random_source random; /* copied; pkids and indexes */
    bool create_folder;          /* make the last component where it is missing */
    int readers;                 /* reading connections, 0: 4, at most STORE_READERS_MAX */
    int64_t max_pages; /* bound of the database in 4 kB pages, 0: none (tests: a full disk) */
};

/* Opens the data folder, makes or migrates the database, seeds a new one (params, standard
 * profiles, the phone's OAuth client) and locks it against a second daemon. RC_NOT_FOUND    the
 * folder (or its parent) is missing RC_DENIED       no right to read or write it RC_BUSY another
 * program holds it RC_UNSUPPORTED  made by a newer version RC_INVALID      the file is not ours
 *   RC_MALFORMED    the file is damaged
 *   RC_IO           the disk is full or failed;  RC_NOMEM */
MUST_CHECK enum rc store_open(const struct store_config *config, struct store **out,
                              struct store_why *why);
/* No call may be under way. NULL is fine; gives NULL. */
struct store *store_close(struct store *s);
/* Whole check of the database file (slow); RC_MALFORMED with the first finding. */
MUST_CHECK enum rc store_check(struct store *s, struct store_why *why);
/* True when this open made the database (first start). */
bool store_is_new(const struct store *s);

/* Do changes reach the disk? Known from the last change, or from store_disk_look since. */
struct store_disk {
    bool is_full;          /* or it fails in another way: what the node is told now is lost */
    uint64_t refused;      /* changes that failed for it since the start */
    int64_t since_unix_ms; /* of is_full */
};
/* Never waits; from any thread. */
void store_disk(struct store *s, struct store_disk *out);
/* Looks whether there is space (again): less than 1 MB free counts as full. May wait. */
void store_disk_look(struct store *s);

/* --- who changes ------------------------------------------------------------------------------ */

/* Handed to every change; goes to the audit row. Borrowed for the call. */
struct store_by {
    struct str who;            /* "admin", "rado", "system" */
    struct str from;           /* "cli", "api 127.0.0.1", "import users.csv" */
    struct store_batch *batch; /* NULL: a transaction of its own; else one row of that batch */
};

/* How a put treats what is there. */
enum store_put {
    STORE_ADD,    /* RC_EXISTS when there is one */
    STORE_UPDATE, /* RC_NOT_FOUND when there is none */
    STORE_PUT,    /* either */
};
/* Records carry a version, 1 when made, one more with each change. A put whose record has
 * version != 0 is refused with RC_CONFLICT unless the stored row still has that version. */

/* --- many changes at once --------------------------------------------------------------------- */

/* Begins one transaction that holds the one writer: other changes wait until it ends. Calls with
 * by->batch set belong to it and must come from the thread that began it. A refused row leaves the
 * rows before it untouched and the batch usable, so that an import can report row by row.
 * Reads do not see the batch's rows before the commit. RC_BUSY: this thread has one open. */
MUST_CHECK enum rc store_batch_begin(struct store *s, struct store_batch **out,
                                     struct store_why *why);
/* All rows or none; then the listeners hear of each record. The batch is gone either way. */
MUST_CHECK enum rc store_batch_commit(struct store_batch *b, struct store_why *why);
/* Nothing happened: a dry run. NULL is fine; gives NULL. */
struct store_batch *store_batch_rollback(struct store_batch *b);

/* --- listeners -------------------------------------------------------------------------------- */

/* One record changed; removed: it is gone. Called after the commit on the committing thread without
 * locks; several threads may call at once. It may read and change the store, not (un)listen. What
 * it reads is at least as new as the change. */
typedef void store_change_fn(void *ctx, enum store_kind kind, struct str key, bool removed);
enum { STORE_LISTENER_MAX = 8 };
MUST_CHECK enum rc store_listen(struct store *s, store_change_fn *fn, void *ctx);
/* After it returns fn is not called any more. */
void store_unlisten(struct store *s, store_change_fn *fn, void *ctx);

/* --- audit ------------------------------------------------------------------------------------ */

struct store_audit {
    int64_t id; /* rising */
    int64_t at_unix_ms;
    struct str who, from;
    struct str action; /* "add", "update", "remove", "revoke", "signin", "refused" ... */
    struct str kind;   /* store_kind_name or another noun */
    struct str key;
    struct str result; /* "ok" or why not; never a secret */
};
struct store_audits {
    struct store_audit *rows;
    size_t count;
};
/* What is no change of a record: a sign-in, a refused command. action <= 32, kind <= 32, result <=
 * 400 bytes; longer is cut. */
MUST_CHECK enum rc store_audit_add(struct store *s, const struct store_by *by, struct str action,
                                   struct str kind, struct str key, struct str result,
                                   struct store_why *why);
/* Newest first; those with id < before_id (0: from the newest), at most limit (<= STORE_PAGE_MAX).
 */
MUST_CHECK enum rc store_audit_list(struct store *s, int64_t before_id, size_t limit,
                                    struct arena *a, struct store_audits *out,
                                    struct store_why *why);
/* Drops rows older than that time; *out (may be NULL) counts them. */
MUST_CHECK enum rc store_audit_prune(struct store *s, int64_t before_unix_ms, int64_t *out,
                                     struct store_why *why);

/* --- "run sql" -------------------------------------------------------------------------------- */

enum {
    STORE_SQL_MAX = 8192,       /* bytes of a statement */
    STORE_SQL_ROWS_MAX = 10000, /* rows of an answer; more: truncated */
    STORE_SQL_BYTES_MAX = 8 << 20,
    STORE_SQL_TIME_MS = 3000,
};
struct store_table {
    struct str *columns; /* column_count */
    struct str *cells;   /* row_count * column_count, row by row; NULL values are "" */
    size_t column_count, row_count;
    bool truncated; /* there were more rows */
};
/* Answers one SELECT over the tables the reference names (processconfig, expresswaycconfiguration,
 * device, securityprofile, enduser, numplan, devicenumplanmap, enduserdevicemap, callmanager,
 * processnode, refreshtokendetails, typemodel, typedevicesecuritymode); names without case; the
 * function dbinfo('utc_to_datetime', seconds) is there. Nothing secret can be reached and nothing
 * be changed. RC_MALFORMED  not a statement of that language     RC_DENIED   anything but such a
 * SELECT RC_TIMEOUT    over STORE_SQL_TIME_MS                RC_TOO_BIG  over a maximum above */
MUST_CHECK enum rc store_query_readonly(struct store *s, struct str sql, struct arena *a,
                                        struct store_table *out, struct store_why *why);
#endif
