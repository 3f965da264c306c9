#include "store/cdr.h"
#include "store/store_int.h"

enum { PRUNE_SLICE = 10000 /* rows of one transaction: sign-ins need the writer too */ };

static const struct store_by by_node = {.who = STR_INIT("system"), .from = STR_INIT("calls")};

const char *store_cdr_end_name(enum store_cdr_end end)
{
    switch (end) {
    case STORE_CDR_BY_CALLER: return "caller";
    case STORE_CDR_BY_CALLED: return "called";
    case STORE_CDR_BY_NODE: break;
    }
    return "node";
}

/* --- adding --- */

struct add_job {
    const struct store_cdr *rows;
    size_t count;
};

#define COLUMNS                                                                                    \
    "call, node, caller, caller_device, dialled, called, called_device, trunk_in, trunk_out, "     \
    "reason, start_unix_ms, answer_unix_ms, end_unix_ms, status, cause, end_by, encrypted"
enum { TEXT_COUNT = 10, NUMBER_COUNT = 7 };

static enum rc add_one(struct store_tx *tx, const struct store_cdr *c, struct store_why *why)
{
    const struct str texts[TEXT_COUNT] = {
        c->call,   c->node,          c->caller,   c->caller_device, c->dialled,
        c->called, c->called_device, c->trunk_in, c->trunk_out,     c->reason};
    const int64_t numbers[NUMBER_COUNT] = {c->start_unix_ms, c->answer_unix_ms, c->end_unix_ms,
                                           c->status,        c->cause,          c->end_by,
                                           c->encrypted};
    struct db_stmt *st;
    enum rc rc = db_prepare(tx->db,
                            "INSERT INTO cdr (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "
                            "?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
                            &st, why);
    if (rc != RC_OK) return rc;
    for (int i = 0; i < TEXT_COUNT; i++)
        db_bind_str(st, i + 1, store_text_cut(texts[i], STORE_CDR_TEXT_MAX));
    for (int i = 0; i < NUMBER_COUNT; i++)
        db_bind_i64(st, TEXT_COUNT + i + 1, numbers[i]);
    return db_run(st, why);
}

static enum rc add_body(void *ctx, struct store_tx *tx, struct store_why *why)
{
    const struct add_job *x = ctx;
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < x->count; i++)
        rc = add_one(tx, &x->rows[i], why);
    return rc;
}

enum rc store_cdr_add(struct store *s, const struct store_cdr *rows, size_t count,
                      struct store_why *why)
{
    struct add_job x = {rows, count};
    return store_change(s, &by_node, add_body, &x, why);
}

/* --- reading --- */

struct list_job {
    struct store_cdr_page page;
    struct arena *a;
    struct store_cdrs out;
};

static enum rc read_one(struct db_stmt *st, struct arena *a, struct store_cdr *c)
{
    struct str *const texts[TEXT_COUNT] = {
        &c->call,   &c->node,          &c->caller,   &c->caller_device, &c->dialled,
        &c->called, &c->called_device, &c->trunk_in, &c->trunk_out,     &c->reason};
    int at = 0;
    c->id = db_col_i64(st, at++);
    for (int i = 0; i < TEXT_COUNT; i++) {
        enum rc rc = db_col_dup(st, at++, a, texts[i]);
        if (rc != RC_OK) return rc;
    }
    c->start_unix_ms = db_col_i64(st, at++);
    c->answer_unix_ms = db_col_i64(st, at++);
    c->end_unix_ms = db_col_i64(st, at++);
    c->status = (int)db_col_i64(st, at++);
    c->cause = (int)db_col_i64(st, at++);
    c->end_by = (enum store_cdr_end)db_col_i64(st, at++);
    c->encrypted = db_col_i64(st, at) != 0;
    return RC_OK;
}

#define LIST_SQL                                                                                   \
    "SELECT id, " COLUMNS " FROM cdr WHERE id < ?1 AND start_unix_ms >= ?2 AND start_unix_ms < ?3"

/* A number is looked for by the indexes on the three columns. */
static enum rc list_prepare(struct db *db, const struct store_cdr_page *page, struct db_stmt **out,
                            struct store_why *why)
{
    const char *sql = page->number.n ? LIST_SQL " AND (caller = ?5 OR dialled = ?5 OR called = ?5) "
                                                "ORDER BY id DESC LIMIT ?4"
                                     : LIST_SQL " ORDER BY id DESC LIMIT ?4";
    enum rc rc = db_prepare(db, sql, out, why);
    if (rc != RC_OK) return rc;
    db_bind_i64(*out, 1, page->before_id > 0 ? page->before_id : INT64_MAX);
    db_bind_i64(*out, 2, page->since_unix_ms);
    db_bind_i64(*out, 3, page->until_unix_ms > 0 ? page->until_unix_ms : INT64_MAX);
    db_bind_i64(*out, 4, (int64_t)page->limit);
    if (page->number.n) db_bind_str(*out, 5, page->number);
    return RC_OK;
}

static enum rc list_body(void *ctx, struct db *db, struct store_why *why)
{
    struct list_job *x = ctx;
    struct db_stmt *st;
    bool row;
    enum rc rc = list_prepare(db, &x->page, &st, why);
    if (rc != RC_OK) return rc;
    while ((rc = db_step(st, &row, why)) == RC_OK && row) {
        rc = read_one(st, x->a, &x->out.rows[x->out.count++]);
        if (rc == RC_OK) continue;
        db_done(st);
        return store_refuse(why, rc, "out of memory");
    }
    return rc;
}

enum rc store_cdr_list(struct store *s, const struct store_cdr_page *page, struct arena *a,
                       struct store_cdrs *out, struct store_why *why)
{
    struct list_job x = {.a = a};
    if (page) x.page = *page;
    if (x.page.limit == 0 || x.page.limit > STORE_PAGE_MAX) x.page.limit = STORE_PAGE_MAX;
    x.out.rows = ARENA_ARRAY(a, struct store_cdr, x.page.limit);
    if (!x.out.rows) return store_refuse(why, RC_NOMEM, "out of memory");
    enum rc rc = store_read(s, list_body, &x, why);
    if (rc == RC_OK) *out = x.out;
    return rc;
}

/* --- dropping --- */

struct prune_job {
    int64_t before_ms, count;
};

static enum rc prune_body(void *ctx, struct store_tx *tx, struct store_why *why)
{
    struct prune_job *x = ctx;
    struct db_stmt *st;
    enum rc rc = db_prepare(
        tx->db,
        "DELETE FROM cdr WHERE id IN (SELECT id FROM cdr WHERE end_unix_ms < ?1 "
        "OR id <= (SELECT max(id) FROM cdr) - ?2 LIMIT ?3)",
        &st, why);
    if (rc != RC_OK) return rc;
    db_bind_i64(st, 1, x->before_ms);
    db_bind_i64(st, 2, STORE_CDR_ROWS_MAX);
    db_bind_i64(st, 3, PRUNE_SLICE);
    rc = db_run(st, why);
    x->count = db_changed(tx->db);
    return rc;
}

enum rc store_cdr_prune(struct store *s, int64_t before_unix_ms, int64_t *out,
                        struct store_why *why)
{
    struct prune_job x = {before_unix_ms, PRUNE_SLICE};
    int64_t all = 0;
    enum rc rc = RC_OK;
    while (rc == RC_OK && x.count == PRUNE_SLICE) {
        rc = store_change(s, &by_node, prune_body, &x, why);
        all += rc == RC_OK ? x.count : 0;
    }
    if (rc == RC_OK && out) *out = all;
    return rc;
}
