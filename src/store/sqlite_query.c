/* The guard of "run sql". What may be read is found out, not listed: while the guard is set up it
 * reads each view once and remembers every column of our tables that this touched; later a statement
 * may touch a view, or one of those columns from inside a view, and nothing else. */
#include "store/sqlite_int.h"
#include "store/store_int.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

enum { QUERY_STEPS = 20000, QUERY_COLUMNS_MAX = 128, QUERY_CELL_MAX = 1 << 20 };

static const char *const views[] = {"processconfig",
                                    "expresswaycconfiguration",
                                    "securityprofile",
                                    "enduser",
                                    "device",
                                    "numplan",
                                    "devicenumplanmap",
                                    "enduserdevicemap",
                                    "processnode",
                                    "callmanager",
                                    "refreshtokendetails",
                                    "typemodel",
                                    "typedevicesecuritymode"};
static const char *const functions[] = {
    "dbinfo", "count",  "sum",      "total",     "min",    "max",    "avg",          "lower",
    "upper",  "length", "substr",   "substring", "trim",   "ltrim",  "rtrim",        "replace",
    "instr",  "like",   "glob",     "coalesce",  "ifnull", "nullif", "abs",          "round",
    "date",   "time",   "datetime", "strftime",  "typeof", "hex",    "group_concat", "iif"};

static bool is_listed(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; name && i < count; i++)
        if (strcasecmp(name, list[i]) == 0) return true;
    return false;
}
#define IS_LISTED(name, list) is_listed((name), (list), sizeof(list) / sizeof((list)[0]))

static bool seen(struct sqlite_guard *g, const char *table, const char *column, bool add)
{
    char key[64];
    int n = snprintf(key, sizeof key, "%s.%s", table, column);
    if (n < 0 || (size_t)n >= sizeof key) return false;
    for (size_t i = 0; i < g->seen_count; i++)
        if (strcasecmp(key, g->seen[i]) == 0) return true;
    if (!add) return false;
    if (g->seen_count == SQLITE_GUARD_MAX)
        g->overflow = true;
    else
        memcpy(g->seen[g->seen_count++], key, sizeof key);
    return true;
}

static int authorize(void *ctx, int action, const char *a, const char *b, const char *db_name,
                     const char *inside)
{
    struct sqlite_guard *g = ctx;
    (void)db_name;
    if (g->recording) {
        if (action == SQLITE_READ && !IS_LISTED(a, views)) seen(g, a, b, true);
        return SQLITE_OK;
    }
    switch (action) {
    case SQLITE_SELECT: return SQLITE_OK;
    case SQLITE_FUNCTION: return IS_LISTED(b, functions) ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_READ:
        /* A table a statement defines for itself (WITH ...) can take a view's name, so being inside a
         * view is not enough: the column must be one the views show anyway. */
        if (IS_LISTED(a, views)) return SQLITE_OK;
        if (!seen(g, a, b, false)) return SQLITE_DENY;
        /* No column at all (count(*) over a view) is reported outside of it; it tells a number of rows. */
        return b[0] == 0 || IS_LISTED(inside, views) ? SQLITE_OK : SQLITE_DENY;
    default: return SQLITE_DENY;
    }
}

static int progress(void *ctx)
{
    struct sqlite_guard *g = ctx;
    if (g->recording || clock_mono_ms(g->clock) <= g->until_mono_ms) return 0;
    g->timed_out = true;
    return 1;
}

/* dbinfo('utc_to_datetime', seconds), as Informix prints it. */
static void dbinfo(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    const char *what = (const char *)sqlite3_value_text(argv[0]);
    char text[32];
    struct tm tm;
    time_t t = (time_t)sqlite3_value_int64(argv[argc - 1]);
    if (!what || strcasecmp(what, "utc_to_datetime") != 0) {
        sqlite3_result_error(ctx, "dbinfo knows 'utc_to_datetime' only", -1);
    } else if (sqlite3_value_type(argv[1]) != SQLITE_NULL && gmtime_r(&t, &tm) &&
               strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm) > 0) {
        sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
    }
}

enum rc db_guard(struct db *db, const struct clock *clock, struct store_why *why)
{
    struct sqlite_guard *g = calloc(1, sizeof *g);
    if (!g) return store_refuse(why, RC_NOMEM, "out of memory");
    db->guard = g;
    g->clock = clock;
    g->recording = true;
    sqlite3_create_function(db->handle, "dbinfo", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
                            dbinfo, NULL, NULL);
    sqlite3_set_authorizer(db->handle, authorize, g);
    for (size_t i = 0; i < 2 * (sizeof views / sizeof views[0]); i++) {
        char sql[80]; /* count(*) touches no column: SQLite reports an empty name then */
        snprintf(sql, sizeof sql, "SELECT %s FROM %s", i % 2 ? "count(*)" : "*", views[i / 2]);
        enum rc rc = db_exec(db, sql, why);
        if (rc != RC_OK) return rc;
    }
    g->recording = false;
    if (g->overflow) return store_refuse(why, RC_TOO_BIG, "the views read too many columns");
    sqlite3_progress_handler(db->handle, QUERY_STEPS, progress, g);
    sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, QUERY_CELL_MAX);
    sqlite3_limit(db->handle, SQLITE_LIMIT_SQL_LENGTH, STORE_SQL_MAX);
    sqlite3_limit(db->handle, SQLITE_LIMIT_COLUMN, QUERY_COLUMNS_MAX);
    sqlite3_limit(db->handle, SQLITE_LIMIT_EXPR_DEPTH, 100);
    sqlite3_limit(db->handle, SQLITE_LIMIT_COMPOUND_SELECT, 20);
    sqlite3_limit(db->handle, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256);
    sqlite3_limit(db->handle, SQLITE_LIMIT_ATTACHED, 0);
    return RC_OK;
}

static enum rc query_failed(struct db *db, int code, struct store_why *why)
{
    switch (code & 0xff) {
    case SQLITE_AUTH:
        return store_refuse(why, RC_DENIED,
                            "only SELECT over the documented tables is allowed (%s): ask enduser, "
                            "device, numplan, devicenumplanmap, enduserdevicemap, securityprofile, "
                            "processconfig, processnode, callmanager, refreshtokendetails or "
                            "expresswaycconfiguration",
                            sqlite3_errmsg(db->handle));
    case SQLITE_INTERRUPT:
        return store_refuse(why, RC_TIMEOUT, "the query ran over %d ms and was stopped: narrow it",
                            (int)STORE_SQL_TIME_MS);
    case SQLITE_ERROR: return store_refuse(why, RC_MALFORMED, "%s", sqlite3_errmsg(db->handle));
    case SQLITE_TOOBIG:
        return store_refuse(why, RC_TOO_BIG, "a value or the statement is too long");
    default: return sqlite_rc(db, code, why);
    }
}

static enum rc query_prepare(struct db *db, struct str sql, sqlite3_stmt **out,
                             struct store_why *why)
{
    const char *tail = NULL;
    int code = sqlite3_prepare_v2(db->handle, sql.p, (int)sql.n, out, &tail);
    if (code != SQLITE_OK) return query_failed(db, code, why);
    if (!*out) return store_refuse(why, RC_MALFORMED, "there is no statement");
    for (const char *end = sql.p + sql.n; tail && tail < end; tail++)
        if (!isspace((unsigned char)*tail) && *tail != ';')
            return store_refuse(why, RC_DENIED, "one statement at a time");
    if (sqlite3_column_count(*out) == 0 || !sqlite3_stmt_readonly(*out) ||
        sqlite3_stmt_isexplain(*out))
        return store_refuse(why, RC_DENIED, "only SELECT over the documented tables is allowed");
    if (sqlite3_bind_parameter_count(*out) > 0)
        return store_refuse(why, RC_MALFORMED, "a statement here has no parameters");
    return RC_OK;
}

static enum rc query_columns(sqlite3_stmt *st, struct arena *a, struct store_table *t)
{
    t->column_count = (size_t)sqlite3_column_count(st);
    t->columns = ARENA_ARRAY(a, struct str, t->column_count);
    if (!t->columns) return RC_NOMEM;
    for (size_t i = 0; i < t->column_count; i++) {
        enum rc rc = arena_str_dup(a, str_from(sqlite3_column_name(st, (int)i)), &t->columns[i]);
        if (rc != RC_OK) return rc;
    }
    return RC_OK;
}

/* Cells gather in an array that doubles; old halves stay in the arena. */
static enum rc query_row(sqlite3_stmt *st, struct arena *a, struct store_table *t, size_t *room,
                         size_t *bytes)
{
    if (t->row_count == *room) {
        size_t more = *room ? *room * 2 : 32;
        struct str *cells = ARENA_ARRAY(a, struct str, more * t->column_count);
        if (!cells) return RC_NOMEM;
        if (t->row_count) memcpy(cells, t->cells, t->row_count * t->column_count * sizeof *cells);
        t->cells = cells;
        *room = more;
    }
    for (size_t i = 0; i < t->column_count; i++) {
        const char *p = (const char *)sqlite3_column_text(st, (int)i);
        struct str cell = str_of(p, p ? (size_t)sqlite3_column_bytes(st, (int)i) : 0);
        if ((*bytes += cell.n) > STORE_SQL_BYTES_MAX) return RC_TOO_BIG;
        enum rc rc = arena_str_dup(a, cell, &t->cells[t->row_count * t->column_count + i]);
        if (rc != RC_OK) return rc;
    }
    t->row_count++;
    return RC_OK;
}

static enum rc query_rows(struct db *db, sqlite3_stmt *st, struct arena *a, struct store_table *t,
                          struct store_why *why)
{
    size_t room = 0, bytes = 0;
    int code;
    enum rc rc = query_columns(st, a, t);
    while (rc == RC_OK && (code = sqlite3_step(st)) != SQLITE_DONE) {
        if (code != SQLITE_ROW) return query_failed(db, code, why);
        if (t->row_count == STORE_SQL_ROWS_MAX) {
            t->truncated = true;
            return RC_OK;
        }
        rc = query_row(st, a, t, &room, &bytes);
    }
    if (rc == RC_TOO_BIG)
        return store_refuse(why, rc, "the answer is over %d bytes: narrow it",
                            (int)STORE_SQL_BYTES_MAX);
    return rc == RC_OK ? rc : store_refuse(why, rc, "out of memory");
}

enum rc db_query(struct db *db, struct str sql, struct arena *a, struct store_table *out,
                 struct store_why *why)
{
    struct store_table t = {0};
    sqlite3_stmt *st = NULL;
    if (sql.n > STORE_SQL_MAX)
        return store_refuse(why, RC_TOO_BIG, "a statement has at most %d bytes",
                            (int)STORE_SQL_MAX);
    if (!str_is_utf8(sql)) return store_refuse(why, RC_MALFORMED, "the statement is not UTF-8");
    db->guard->until_mono_ms = clock_mono_ms(db->guard->clock) + STORE_SQL_TIME_MS;
    enum rc rc = sql.n ? query_prepare(db, sql, &st, why)
                       : store_refuse(why, RC_MALFORMED, "there is no statement");
    if (rc == RC_OK) rc = query_rows(db, st, a, &t, why);
    sqlite3_finalize(st);
    if (rc == RC_OK) *out = t;
    return rc;
}
