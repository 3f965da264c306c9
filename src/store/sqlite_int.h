/* store/sqlite_int.h - what sqlite.c and sqlite_query.c share. */
#ifndef STORE_SQLITE_INT_H
#define STORE_SQLITE_INT_H
#include "base/map.h"
#include "store/db_int.h"
#include <sqlite3.h>

enum { SQLITE_GUARD_MAX = 256 /* columns the views read */ };

/* What the guard of the "run sql" connection lets through. */
struct sqlite_guard {
    const struct clock *clock;
    int64_t until_mono_ms;
    bool timed_out;
    bool recording; /* while the views are being read: whatever they touch is allowed later */
    char seen[SQLITE_GUARD_MAX][64]; /* "table.column" */
    size_t seen_count;
    bool overflow;
};

struct db {
    sqlite3 *handle;
    struct map stmts; /* SQL text -> struct db_stmt */
    struct sqlite_guard *guard;
    bool disk_failed; /* since db_disk_failed was asked */
};

struct db_stmt {
    sqlite3_stmt *handle;
    struct db *db;
    char *sql;
    enum rc rc; /* first failed bind */
};

/* What an engine error means to a caller, with the sentence for the operator. */
enum rc sqlite_rc(struct db *db, int code, struct store_why *why);

#endif
