#include "store/store_int.h"

struct audit_add {
    struct str action, kind, key, result;
};

static enum rc add_body(void *ctx, struct store_tx *tx, struct store_why *why)
{
    const struct audit_add *x = ctx;
    return store_tx_audit(tx, x->action, x->kind, x->key, x->result, why);
}

enum rc store_audit_add(struct store *s, const struct store_by *by, struct str action,
                        struct str kind, struct str key, struct str result, struct store_why *why)
{
    struct audit_add x = {action, kind, key, result};
    return store_change(s, by, add_body, &x, why);
}

struct audit_list {
    int64_t before;
    size_t limit;
    struct arena *a;
    struct store_audits out;
};

static enum rc audit_row(struct db_stmt *st, struct arena *a, struct store_audit *row)
{
    struct str *texts[] = {&row->who,  &row->from, &row->action,
                           &row->kind, &row->key,  &row->result};
    row->id = db_col_i64(st, 0);
    row->at_unix_ms = db_col_i64(st, 1);
    for (int i = 0; i < 6; i++) {
        enum rc rc = db_col_dup(st, i + 2, a, texts[i]);
        if (rc != RC_OK) return rc;
    }
    return RC_OK;
}

static enum rc list_body(void *ctx, struct db *db, struct store_why *why)
{
    struct audit_list *x = ctx;
    struct db_stmt *st;
    bool row;
    enum rc rc = db_prepare(
        db,
        "SELECT id, at_unix_ms, who, origin, action, kind, key, result FROM audit "
        "WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
        &st, why);
    if (rc != RC_OK) return rc;
    db_bind_i64(st, 1, x->before > 0 ? x->before : INT64_MAX);
    db_bind_i64(st, 2, (int64_t)x->limit);
    while ((rc = db_step(st, &row, why)) == RC_OK && row) {
        rc = audit_row(st, x->a, &x->out.rows[x->out.count++]);
        if (rc == RC_OK) continue;
        db_done(st);
        return store_refuse(why, rc, "out of memory");
    }
    return rc;
}

enum rc store_audit_list(struct store *s, int64_t before_id, size_t limit, struct arena *a,
                         struct store_audits *out, struct store_why *why)
{
    struct audit_list x = {before_id, limit, a, {0}};
    if (x.limit == 0 || x.limit > STORE_PAGE_MAX) x.limit = STORE_PAGE_MAX;
    x.out.rows = ARENA_ARRAY(a, struct store_audit, x.limit);
    if (!x.out.rows) return store_refuse(why, RC_NOMEM, "out of memory");
    enum rc rc = store_read(s, list_body, &x, why);
    if (rc == RC_OK) *out = x.out;
    return rc;
}

struct audit_prune {
    int64_t before_ms, count;
};

static enum rc prune_body(void *ctx, struct store_tx *tx, struct store_why *why)
{
    struct audit_prune *x = ctx;
    struct db_stmt *st;
    enum rc rc = db_prepare(tx->db, "DELETE FROM audit WHERE at_unix_ms < ?1", &st, why);
    if (rc != RC_OK) return rc;
    db_bind_i64(st, 1, x->before_ms);
    rc = db_run(st, why);
    x->count = db_changed(tx->db);
    return rc;
}

enum rc store_audit_prune(struct store *s, int64_t before_unix_ms, int64_t *out,
                          struct store_why *why)
{
    struct store_by by = {.who = STR("system"), .from = STR("retention")};
    struct audit_prune x = {before_unix_ms, 0};
    enum rc rc = store_change(s, &by, prune_body, &x, why);
    if (rc == RC_OK && out) *out = x.count;
    return rc;
}
