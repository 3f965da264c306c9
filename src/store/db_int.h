/* store/db_int.h - one connection to a SQL engine: the few steps everything else in the room is
 * written in. sqlite.c implements it. A connection belongs to one thread at a time. Statements are prepared
 * once a connection and kept. Parameters are ?1, ?2 ...; columns count from 0. */
#ifndef STORE_DB_INT_H
#define STORE_DB_INT_H
#include "store/store.h"

struct db;
struct db_stmt;

enum db_mode { DB_WRITER, DB_READER };

/* path names the database file; it is there already. RC as store_open says. */
MUST_CHECK enum rc db_open(const char *path, enum db_mode mode, int64_t max_pages, struct db **out,
                           struct store_why *why);
struct db *db_close(struct db *db);
/* Statements whose answers nobody wants, one after the other. */
MUST_CHECK enum rc db_exec(struct db *db, const char *sql, struct store_why *why);
/* The statement ready for binding. Its use ends with db_done, or a step that gave no row. */
MUST_CHECK enum rc db_prepare(struct db *db, const char *sql, struct db_stmt **out,
                              struct store_why *why);
/* A failed bind is remembered and answered by the next step. Text is borrowed until db_done. */
void db_bind_str(struct db_stmt *st, int at, struct str s);
void db_bind_str_or_null(struct db_stmt *st, int at, struct str s); /* "" is NULL */
void db_bind_i64(struct db_stmt *st, int at, int64_t v);
void db_bind_blob(struct db_stmt *st, int at, const void *p, size_t n);
/* *row: there is a row to read; false: the end, and the statement is done. Done too after a failure.
 * RC_EXISTS (unique), RC_CONFLICT (foreign key), RC_INVALID (check), RC_IO (disk), RC_MALFORMED (damaged). */
MUST_CHECK enum rc db_step(struct db_stmt *st, bool *row, struct store_why *why);
/* A statement of which no row is wanted: step until the end. */
MUST_CHECK enum rc db_run(struct db_stmt *st, struct store_why *why);
void db_done(struct db_stmt *st);
/* Borrowed until the next step. NULL reads as "" and 0. */
struct str db_col_str(struct db_stmt *st, int at);
int64_t db_col_i64(struct db_stmt *st, int at);
/* Copied into a. */
MUST_CHECK enum rc db_col_dup(struct db_stmt *st, int at, struct arena *a, struct str *out);
/* Rows the last statement changed. */
int64_t db_changed(struct db *db);
bool db_in_transaction(struct db *db);
/* A statement of it failed for want of space, or by the disk, since this was last asked. */
bool db_disk_failed(struct db *db);
/* Prepares sql, steps once, gives the first column of the first row; RC_NOT_FOUND when none. */
MUST_CHECK enum rc db_get_i64(struct db *db, const char *sql, int64_t *out, struct store_why *why);
/* As store_check. */
MUST_CHECK enum rc db_integrity(struct db *db, struct store_why *why);
/* As store_query_readonly, on a connection opened as reader and used for nothing else. */
MUST_CHECK enum rc db_guard(struct db *db, const struct clock *clock, struct store_why *why);
MUST_CHECK enum rc db_query(struct db *db, struct str sql, struct arena *a, struct store_table *out,
                            struct store_why *why);

#endif
