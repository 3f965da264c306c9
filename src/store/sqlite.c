#include "base/check.h"
#include "store/sqlite_int.h"
#include "store/store_int.h"
#include <stdio.h>
#include <stdlib.h>

enum { SQLITE_BUSY_MS = 10000, SQLITE_CACHE_KB = 16384 };

static void note_disk(struct db *db)
{
    if (db) db->disk_failed = true;
}

bool db_disk_failed(struct db *db)
{
    bool failed = db->disk_failed;
    db->disk_failed = false;
    return failed;
}

static enum rc full_or_failed(sqlite3 *h, struct store_why *why)
{
    return store_refuse(why, RC_IO,
                        "the disk failed (%s): nothing was changed; look at the system's log "
                        "and the free space of the data folder, then try again",
                        h ? sqlite3_errmsg(h) : "no connection");
}

enum rc sqlite_rc(struct db *db, int code, struct store_why *why)
{
    sqlite3 *h = db ? db->handle : NULL;
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return RC_OK;
    case SQLITE_NOMEM: return store_refuse(why, RC_NOMEM, "out of memory");
    case SQLITE_TOOBIG: return store_refuse(why, RC_TOO_BIG, "a value is too long");
    case SQLITE_FULL:
        note_disk(db);
        return store_refuse(why, RC_IO,
                            "the disk is full: nothing was changed; free some space in the data "
                            "folder's file system and try again");
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return store_refuse(why, RC_DENIED,
                            "the database cannot be written: check that the data folder and its "
                            "files belong to this user and are not on a read-only file system");
    case SQLITE_CANTOPEN:
        return store_refuse(why, RC_DENIED,
                            "the database cannot be opened: check the rights of the data folder");
    case SQLITE_NOTADB:
        return store_refuse(
            why, RC_INVALID,
            "bearline.db is not a database of ours: move it away or give another data folder");
    case SQLITE_CORRUPT:
        return store_refuse(why, RC_MALFORMED,
                            "bearline.db is damaged (%s): restore it from a backup, or try "
                            "\"sqlite3 bearline.db .recover\" on a copy",
                            h ? sqlite3_errmsg(h) : "unreadable");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return store_refuse(why, RC_BUSY,
                            "the database is held by another program: end that and try again");
    case SQLITE_INTERRUPT: return store_refuse(why, RC_TIMEOUT, "it took too long and was stopped");
    case SQLITE_AUTH: return store_refuse(why, RC_DENIED, "not allowed here");
    case SQLITE_CONSTRAINT: break;
    case SQLITE_IOERR: note_disk(db); return full_or_failed(h, why);
    default: return full_or_failed(h, why);
    }
    switch (h ? sqlite3_extended_errcode(h) : 0) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY: return store_refuse(why, RC_EXISTS, "there is one already");
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return store_refuse(why, RC_CONFLICT,
                            "something it names does not exist, or something still uses it");
    default:
        return store_refuse(why, RC_INVALID, "the database refuses this combination (%s)",
                            h ? sqlite3_errmsg(h) : "");
    }
}

static enum rc configure(struct db *db, enum db_mode mode, int64_t max_pages, struct store_why *why)
{
    char sql[400];
    enum rc rc;
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, SQLITE_BUSY_MS);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (mode == DB_READER)
        return db_exec(db, "PRAGMA query_only=ON; PRAGMA temp_store=MEMORY", why);
    rc = db_exec(db,
                 "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
                 "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864",
                 why);
    if (rc != RC_OK) return rc;
    snprintf(sql, sizeof sql, "PRAGMA cache_size=-%d; PRAGMA max_page_count=%lld",
             (int)SQLITE_CACHE_KB, (long long)(max_pages > 0 ? max_pages : 1073741823));
    return db_exec(db, sql, why);
}

enum rc db_open(const char *path, enum db_mode mode, int64_t max_pages, struct db **out,
                struct store_why *why)
{
    struct db *db = calloc(1, sizeof *db);
    if (!db) return store_refuse(why, RC_NOMEM, "out of memory");
    map_init(&db->stmts, (struct hash_key){1, 2}, false); /* keys are our own SQL */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    enum rc rc = sqlite_rc(db, sqlite3_open_v2(path, &db->handle, flags, NULL), why);
    if (rc == RC_OK) rc = configure(db, mode, max_pages, why);
    if (rc == RC_OK)
        *out = db;
    else
        db_close(db);
    return rc;
}

struct db *db_close(struct db *db)
{
    if (!db) return NULL;
    size_t at = 0;
    struct str key;
    void *value;
    while (map_next(&db->stmts, &at, &key, &value)) {
        struct db_stmt *st = value;
        sqlite3_finalize(st->handle);
        free(st->sql);
        free(st);
    }
    map_fini(&db->stmts);
    sqlite3_close_v2(db->handle);
    free(db->guard);
    free(db);
    return NULL;
}

enum rc db_exec(struct db *db, const char *sql, struct store_why *why)
{
    return sqlite_rc(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL), why);
}

static enum rc stmt_new(struct db *db, const char *sql, struct db_stmt **out, struct store_why *why)
{
    struct db_stmt *st = calloc(1, sizeof *st);
    if (!st) return store_refuse(why, RC_NOMEM, "out of memory");
    st->db = db;
    st->sql = str_dup_cstr(str_from(sql));
    enum rc rc = st->sql ? RC_OK : store_refuse(why, RC_NOMEM, "out of memory");
    if (rc == RC_OK)
        rc = sqlite_rc(
            db,
            sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &st->handle, NULL),
            why);
    if (rc == RC_OK && map_put(&db->stmts, str_from(st->sql), st, NULL) != RC_OK)
        rc = store_refuse(why, RC_NOMEM, "out of memory");
    if (rc == RC_OK) {
        *out = st;
        return RC_OK;
    }
    sqlite3_finalize(st->handle);
    free(st->sql);
    free(st);
    return rc;
}

enum rc db_prepare(struct db *db, const char *sql, struct db_stmt **out, struct store_why *why)
{
    struct db_stmt *st = map_find(&db->stmts, str_from(sql));
    if (!st) {
        enum rc rc = stmt_new(db, sql, &st, why);
        if (rc != RC_OK) return rc;
    }
    st->rc = RC_OK;
    *out = st;
    return RC_OK;
}

static void bound(struct db_stmt *st, int code)
{
    if (code != SQLITE_OK && st->rc == RC_OK) st->rc = sqlite_rc(st->db, code, NULL);
}

void db_bind_str(struct db_stmt *st, int at, struct str s)
{
    bound(st, sqlite3_bind_text64(st->handle, at, s.p ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8));
}

void db_bind_str_or_null(struct db_stmt *st, int at, struct str s)
{
    if (s.n)
        db_bind_str(st, at, s);
    else
        bound(st, sqlite3_bind_null(st->handle, at));
}

void db_bind_i64(struct db_stmt *st, int at, int64_t v)
{
    bound(st, sqlite3_bind_int64(st->handle, at, v));
}

void db_bind_blob(struct db_stmt *st, int at, const void *p, size_t n)
{
    bound(st, sqlite3_bind_blob64(st->handle, at, p, n, SQLITE_STATIC));
}

enum rc db_step(struct db_stmt *st, bool *row, struct store_why *why)
{
    enum rc rc = st->rc;
    if (rc == RC_OK) {
        int code = sqlite3_step(st->handle);
        *row = code == SQLITE_ROW;
        if (*row) return RC_OK;
        rc = sqlite_rc(st->db, code, why);
    } else {
        store_refuse(why, rc, "a value cannot be stored (%s)", rc_name(rc));
    }
    db_done(st);
    return rc;
}

enum rc db_run(struct db_stmt *st, struct store_why *why)
{
    bool row = true;
    enum rc rc = RC_OK;
    while (row && rc == RC_OK)
        rc = db_step(st, &row, why);
    return rc;
}

void db_done(struct db_stmt *st)
{
    sqlite3_reset(st->handle);
    sqlite3_clear_bindings(st->handle);
}

struct str db_col_str(struct db_stmt *st, int at)
{
    const void *p = sqlite3_column_blob(st->handle, at); /* text as it lies there: UTF-8 */
    int n = sqlite3_column_bytes(st->handle, at);
    return str_of(p, p ? (size_t)n : 0);
}

int64_t db_col_i64(struct db_stmt *st, int at)
{
    return sqlite3_column_int64(st->handle, at);
}

enum rc db_col_dup(struct db_stmt *st, int at, struct arena *a, struct str *out)
{
    return arena_str_dup(a, db_col_str(st, at), out);
}

int64_t db_changed(struct db *db)
{
    return sqlite3_changes64(db->handle);
}

bool db_in_transaction(struct db *db)
{
    return sqlite3_get_autocommit(db->handle) == 0;
}

enum rc db_get_i64(struct db *db, const char *sql, int64_t *out, struct store_why *why)
{
    struct db_stmt *st;
    bool row;
    enum rc rc = db_prepare(db, sql, &st, why);
    if (rc == RC_OK) rc = db_step(st, &row, why);
    if (rc != RC_OK) return rc;
    if (!row) return RC_NOT_FOUND;
    *out = db_col_i64(st, 0);
    db_done(st);
    return RC_OK;
}

enum rc db_integrity(struct db *db, struct store_why *why)
{
    struct db_stmt *st;
    bool row;
    enum rc rc = db_prepare(db, "PRAGMA integrity_check(1)", &st, why);
    if (rc == RC_OK) rc = db_step(st, &row, why);
    if (rc != RC_OK) return rc;
    struct str text = row ? db_col_str(st, 0) : STR("no answer");
    if (!str_eq(text, STR("ok")))
        rc = store_refuse(why, RC_MALFORMED, "the database is damaged: %.*s", STR_ARG(text));
    if (row) db_done(st);
    return rc;
}
