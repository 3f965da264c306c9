/* store/store_int.h - what the files of this room share: the store itself, running a read, running a
 * change. */
#ifndef STORE_STORE_INT_H
#define STORE_STORE_INT_H
#include "base/buf.h"
#include "store/db_int.h"
#include "store/store.h"
#include <pthread.h>
#include <stdatomic.h>

/* Made from schema/NNN.sql, in order; number 0 ends it. */
struct store_migration {
    int number;
    const char *sql; /* one statement */
};
extern const struct store_migration store_migrations[];
extern const int store_schema_newest;

/* One record that changed, to be told after the commit. */
struct store_event {
    enum store_kind kind;
    bool removed;
    char *key;
    size_t key_n;
};

/* A change under way on the writer. */
struct store_tx {
    struct store *s;
    struct db *db;
    const struct store_by *by;
    struct store_event *events;
    size_t event_count, event_cap;
    size_t rows; /* changes of a batch so far */
};

struct store_batch {
    struct store_tx tx;
    pthread_t owner;
};

struct store_listener {
    store_change_fn *fn;
    void *ctx;
};

struct store {
    struct clock clock;
    struct random_source random;
    int lock_fd;
    bool is_new;
    char *folder;

    /* disk.c */
    atomic_bool disk_failed, disk_is_low;
    atomic_ullong disk_refused;
    atomic_llong disk_full_since_ms;

    pthread_mutex_t writing; /* error-checking: held for a change or a whole batch */
    struct db *writer;

    pthread_mutex_t reading; /* the stack of free readers */
    pthread_cond_t reader_free;
    struct db *readers[STORE_READERS_MAX];
    int reader_count, free_count;
    struct db *free_readers[STORE_READERS_MAX];

    pthread_mutex_t querying;
    struct db *guarded; /* "run sql" */

    pthread_rwlock_t listening;
    struct store_listener listeners[STORE_LISTENER_MAX];
    size_t listener_count;
};

/* Writes the sentence and gives rc back. why may be NULL. */
enum rc store_refuse(struct store_why *why, enum rc rc, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* folder.c: the data folder ready, locked, with an empty or present database file. */
MUST_CHECK enum rc store_folder_open(const struct store_config *config, int *lock_fd, char *db_path,
                                     size_t db_path_cap, struct store_why *why);
/* disk.c: what became of a change; failed: by want of space or a failure of the disk. */
void store_disk_note(struct store *s, bool failed, bool committed);
/* migrate.c: brings the schema to the newest number. */
MUST_CHECK enum rc store_migrate(struct db *db, int64_t now_ms, struct store_why *why);
/* seed.c: what a new store starts with, and parameters that came since. */
MUST_CHECK enum rc store_seed(struct store *s, struct store_why *why);

/* Runs body in one read transaction. */
typedef enum rc store_read_fn(void *ctx, struct db *db, struct store_why *why);
MUST_CHECK enum rc store_read(struct store *s, store_read_fn *body, void *ctx,
                              struct store_why *why);
/* Runs body as one change: a transaction of its own, or a row of by->batch. */
typedef enum rc store_change_body(void *ctx, struct store_tx *tx, struct store_why *why);
MUST_CHECK enum rc store_change(struct store *s, const struct store_by *by, store_change_body *body,
                                void *ctx, struct store_why *why);
/* Within body: the listeners shall hear of this record; the audit row of the change. */
MUST_CHECK enum rc store_tx_event(struct store_tx *tx, enum store_kind kind, struct str key,
                                  bool removed);
MUST_CHECK enum rc store_tx_audit(struct store_tx *tx, struct str action, struct str kind,
                                  struct str key, struct str result, struct store_why *why);

/* s, or its first bytes up to max that are whole characters; "(not text)" for what is no UTF-8. */
struct str store_text_cut(struct str s, size_t max);

enum { STORE_UUID_LEN = 36 };
void store_uuid(struct store *s, char out[STORE_UUID_LEN + 1]);

/* Revokes the living grants of this user ("" any) and client ("" any); tokens.c. */
MUST_CHECK enum rc store_tx_revoke(struct store_tx *tx, struct str user, struct str client,
                                   struct str why_text, struct store_why *why);
#endif
