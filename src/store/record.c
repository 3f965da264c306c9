#include "base/check.h"
#include "store/record_int.h"
#include <stdio.h>

enum { RECORD_SQL_MAX = 3000, RECORD_FIELDS_MAX = 32 };

static struct str *field_str(const struct record_field *f, const void *row)
{
    return (struct str *)(void *)((char *)(uintptr_t)row + f->offset);
}

static void *field_at(const struct record_field *f, const void *row)
{
    return (char *)(uintptr_t)row + f->offset;
}

static int64_t *version_of(const struct record_table *t, const void *row)
{
    return (int64_t *)(void *)((char *)(uintptr_t)row + t->version_offset);
}

/* --- checks every text must pass --- */

static bool has_control(struct str s, bool lines)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == 0x7f || (c < 0x20 && !(lines && (c == '\n' || c == '\r' || c == '\t'))))
            return true;
    }
    return false;
}

static enum rc check_text(const struct record_field *f, struct str v, struct store_why *why)
{
    size_t max = f->max ? f->max : STORE_TEXT_MAX;
    if ((f->flags & RECORD_KEY) && max > STORE_KEY_MAX) max = STORE_KEY_MAX;
    if ((f->flags & RECORD_REQUIRED) && v.n == 0)
        return store_refuse(why, RC_INVALID, "%s must not be empty", f->column);
    if (v.n > max)
        return store_refuse(why, RC_INVALID, "%s has %zu bytes, at most %zu are allowed", f->column,
                            v.n, max);
    if (!str_is_utf8(v)) return store_refuse(why, RC_INVALID, "%s is not UTF-8 text", f->column);
    if (has_control(v, (f->flags & RECORD_LINES) != 0))
        return store_refuse(why, RC_INVALID, "%s holds a control character", f->column);
    return RC_OK;
}

static enum rc check_fields(const struct record_table *t, const void *row, struct store_why *why)
{
    for (size_t i = 0; i < t->field_count; i++) {
        if (t->fields[i].type != RECORD_STR) continue;
        enum rc rc = check_text(&t->fields[i], *field_str(&t->fields[i], row), why);
        if (rc != RC_OK) return rc;
    }
    return RC_OK;
}

/* --- rows in and out --- */

static void bind_field(struct db_stmt *st, int at, const struct record_field *f, const void *row)
{
    switch (f->type) {
    case RECORD_STR:
        if (f->flags & RECORD_NULL)
            db_bind_str_or_null(st, at, *field_str(f, row));
        else
            db_bind_str(st, at, *field_str(f, row));
        break;
    case RECORD_I64: db_bind_i64(st, at, *(int64_t *)field_at(f, row)); break;
    case RECORD_INT: db_bind_i64(st, at, *(int *)field_at(f, row)); break;
    case RECORD_BOOL: db_bind_i64(st, at, *(bool *)field_at(f, row)); break;
    }
}

static enum rc read_row(const struct record_table *t, struct db_stmt *st, bool secrets,
                        struct arena *a, void *row)
{
    enum rc rc = RC_OK;
    int at = 0;
    for (size_t i = 0; i < t->field_count && rc == RC_OK; i++) {
        const struct record_field *f = &t->fields[i];
        if ((f->flags & RECORD_SECRET) && !secrets) continue;
        switch (f->type) {
        case RECORD_STR: rc = db_col_dup(st, at, a, field_str(f, row)); break;
        case RECORD_I64: *(int64_t *)field_at(f, row) = db_col_i64(st, at); break;
        case RECORD_INT: *(int *)field_at(f, row) = (int)db_col_i64(st, at); break;
        case RECORD_BOOL: *(bool *)field_at(f, row) = db_col_i64(st, at) != 0; break;
        }
        at++;
    }
    *version_of(t, row) = db_col_i64(st, at++);
    if (rc == RC_OK && t->pkid_offset != SIZE_MAX)
        rc = db_col_dup(st, at, a, (struct str *)(void *)((char *)row + t->pkid_offset));
    return rc;
}

static void put_columns(struct buf *sql, const struct record_table *t, bool secrets)
{
    for (size_t i = 0; i < t->field_count; i++)
        if (secrets || !(t->fields[i].flags & RECORD_SECRET))
            buf_printf(sql, "%s, ", t->fields[i].column);
    buf_printf(sql, t->pkid_offset != SIZE_MAX ? "version, pkid" : "version");
}

static enum rc prepare_buf(struct db *db, struct buf *sql, struct db_stmt **out,
                           struct store_why *why)
{
    const char *text = buf_cstr(sql);
    CHECK(buf_rc(sql) == RC_OK); /* our own tables: they fit RECORD_SQL_MAX */
    return db_prepare(db, text, out, why);
}

/* --- get and list --- */

struct get_job {
    const struct record_table *t;
    struct str key;
    struct arena *a;
    void *out;
};

static enum rc get_body(void *ctx, struct db *db, struct store_why *why)
{
    struct get_job *x = ctx;
    char text[RECORD_SQL_MAX];
    struct buf sql;
    struct db_stmt *st;
    bool row;
    buf_init_fixed(&sql, text, sizeof text);
    buf_printf(&sql, "SELECT ");
    put_columns(&sql, x->t, true);
    buf_printf(&sql, " FROM %s WHERE %s = ?1", x->t->table, x->t->fields[0].column);
    enum rc rc = prepare_buf(db, &sql, &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, x->key);
    rc = db_step(st, &row, why);
    if (rc != RC_OK) return rc;
    if (!row)
        return store_refuse(why, RC_NOT_FOUND, "there is no %s %.*s", store_kind_name(x->t->kind),
                            STR_ARG(x->key));
    memset(x->out, 0, x->t->size);
    rc = read_row(x->t, st, true, x->a, x->out);
    db_done(st);
    if (rc != RC_OK) return store_refuse(why, rc, "out of memory");
    return x->t->after_read ? x->t->after_read(x->out, db, x->a, why) : RC_OK;
}

enum rc record_get(struct store *s, const struct record_table *t, struct str key, struct arena *a,
                   void *out, struct store_why *why)
{
    void *row = arena_zalloc(a, t->size);
    if (!row) return store_refuse(why, RC_NOMEM, "out of memory");
    struct get_job x = {t, key, a, row};
    enum rc rc = store_read(s, get_body, &x, why);
    if (rc == RC_OK) memcpy(out, row, t->size);
    return rc;
}

struct list_job {
    const struct record_table *t;
    struct store_page page;
    struct arena *a;
    char *rows;
    size_t count;
    bool more;
};

static enum rc list_rows(struct list_job *x, struct db_stmt *st, struct store_why *why)
{
    bool row;
    enum rc rc;
    while ((rc = db_step(st, &row, why)) == RC_OK && row) {
        if (x->count == x->page.limit) {
            x->more = true;
            db_done(st);
            return RC_OK;
        }
        rc = read_row(x->t, st, false, x->a, x->rows + x->count * x->t->size);
        if (rc != RC_OK) {
            db_done(st);
            return store_refuse(why, rc, "out of memory");
        }
        x->count++;
    }
    return rc;
}

static enum rc list_body(void *ctx, struct db *db, struct store_why *why)
{
    struct list_job *x = ctx;
    const char *key = x->t->fields[0].column;
    char text[RECORD_SQL_MAX];
    struct buf sql;
    struct db_stmt *st;
    buf_init_fixed(&sql, text, sizeof text);
    buf_printf(&sql, "SELECT ");
    put_columns(&sql, x->t, false);
    buf_printf(&sql, " FROM %s WHERE %s > ?1", x->t->table, key);
    if (x->page.match.n)
        buf_printf(&sql,
                   " AND (instr(lower(%s), lower(?3)) > 0 OR instr(lower(%s), lower(?3)) > 0)", key,
                   x->t->match_column);
    buf_printf(&sql, " ORDER BY %s LIMIT ?2", key);
    enum rc rc = prepare_buf(db, &sql, &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, x->page.after);
    db_bind_i64(st, 2, (int64_t)x->page.limit + 1);
    if (x->page.match.n) db_bind_str(st, 3, x->page.match);
    rc = list_rows(x, st, why);
    for (size_t i = 0; rc == RC_OK && x->t->after_read && i < x->count; i++)
        rc = x->t->after_read(x->rows + i * x->t->size, db, x->a, why);
    return rc;
}

enum rc record_list(struct store *s, const struct record_table *t, const struct store_page *page,
                    struct arena *a, void **rows, size_t *count, bool *more, struct store_why *why)
{
    struct list_job x = {.t = t, .a = a};
    if (page) x.page = *page;
    if (x.page.limit == 0 || x.page.limit > STORE_PAGE_MAX) x.page.limit = STORE_PAGE_MAX;
    x.rows = arena_array_zalloc(a, t->size, x.page.limit);
    if (!x.rows) return store_refuse(why, RC_NOMEM, "out of memory");
    enum rc rc = store_read(s, list_body, &x, why);
    if (rc != RC_OK) return rc;
    *rows = x.rows;
    *count = x.count;
    *more = x.more;
    return RC_OK;
}

/* --- put --- */

struct put_job {
    const struct record_table *t;
    const void *row;
    enum store_put how;
};

/* What is stored under the key now. */
struct stored {
    bool exists;
    int64_t version;
    char key[STORE_KEY_MAX + 1]; /* as spelled there */
};

static enum rc find_stored(const struct record_table *t, struct db *db, struct str key,
                           struct stored *out, struct store_why *why)
{
    char text[200];
    struct buf sql;
    struct db_stmt *st;
    buf_init_fixed(&sql, text, sizeof text);
    buf_printf(&sql, "SELECT version, %s FROM %s WHERE %s = ?1", t->fields[0].column, t->table,
               t->fields[0].column);
    enum rc rc = prepare_buf(db, &sql, &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, key);
    rc = db_step(st, &out->exists, why);
    if (rc != RC_OK || !out->exists) return rc;
    out->version = db_col_i64(st, 0);
    rc = str_to_cstr(db_col_str(st, 1), out->key, sizeof out->key);
    db_done(st);
    return rc;
}

static enum rc may_put(const struct record_table *t, const struct stored *now, enum store_put how,
                       struct str key, int64_t version, struct store_why *why)
{
    const char *noun = store_kind_name(t->kind);
    if (how == STORE_ADD && now->exists)
        return store_refuse(why, RC_EXISTS, "there is a %s %.*s already", noun, STR_ARG(key));
    if (how == STORE_UPDATE && !now->exists)
        return store_refuse(why, RC_NOT_FOUND, "there is no %s %.*s", noun, STR_ARG(key));
    if (version != 0 && (!now->exists || now->version != version))
        return store_refuse(why, RC_CONFLICT, "the %s %.*s was changed meanwhile: read it again",
                            noun, STR_ARG(key));
    return RC_OK;
}

static void put_insert_sql(struct buf *sql, const struct record_table *t)
{
    buf_printf(sql, "INSERT INTO %s (", t->table);
    for (size_t i = 0; i < t->field_count; i++)
        buf_printf(sql, i ? ", %s" : "%s", t->fields[i].column);
    if (t->pkid_offset != SIZE_MAX) buf_put_lit(sql, ", pkid");
    buf_put_lit(sql, ") VALUES (");
    for (size_t i = 0; i < t->field_count; i++) {
        if (t->fields[i].flags & RECORD_SECRET)
            buf_printf(sql, "%sCASE ?%zu WHEN '-' THEN '' ELSE ?%zu END", i ? ", " : "", i + 1,
                       i + 1);
        else
            buf_printf(sql, "%s?%zu", i ? ", " : "", i + 1);
    }
    if (t->pkid_offset != SIZE_MAX) buf_printf(sql, ", ?%zu", t->field_count + 1);
    buf_put_lit(sql, ")");
}

static void put_update_sql(struct buf *sql, const struct record_table *t)
{
    buf_printf(sql, "UPDATE %s SET version = version + 1", t->table);
    for (size_t i = 1; i < t->field_count; i++) {
        const char *c = t->fields[i].column;
        size_t n = i + 1;
        if (t->fields[i].flags & RECORD_SECRET)
            buf_printf(sql, ", %s = CASE ?%zu WHEN '' THEN %s WHEN '-' THEN '' ELSE ?%zu END", c, n,
                       c, n);
        else
            buf_printf(sql, ", %s = ?%zu", c, n);
    }
    buf_printf(sql, " WHERE %s = ?1", t->fields[0].column);
}

static enum rc write_row(const struct record_table *t, const void *row, bool exists,
                         struct store_tx *tx, struct store_why *why)
{
    char text[RECORD_SQL_MAX], pkid[STORE_UUID_LEN + 1];
    struct buf sql;
    struct db_stmt *st;
    buf_init_fixed(&sql, text, sizeof text);
    if (exists)
        put_update_sql(&sql, t);
    else
        put_insert_sql(&sql, t);
    enum rc rc = prepare_buf(tx->db, &sql, &st, why);
    if (rc != RC_OK) return rc;
    for (size_t i = 0; i < t->field_count; i++)
        bind_field(st, (int)i + 1, &t->fields[i], row);
    if (!exists && t->pkid_offset != SIZE_MAX) {
        store_uuid(tx->s, pkid);
        db_bind_str(st, (int)t->field_count + 1, str_from(pkid));
    }
    return db_run(st, why);
}

static enum rc put_body(void *ctx, struct store_tx *tx, struct store_why *why)
{
    const struct put_job *x = ctx;
    const struct record_table *t = x->t;
    struct str key = *field_str(&t->fields[0], x->row);
    struct stored now = {0};
    enum rc rc = find_stored(t, tx->db, key, &now, why);
    if (rc == RC_OK) rc = may_put(t, &now, x->how, key, *version_of(t, x->row), why);
    if (rc == RC_OK && t->check) rc = t->check(x->row, tx, why);
    if (rc == RC_OK) rc = write_row(t, x->row, now.exists, tx, why);
    if (rc != RC_OK) return rc;
    if (now.exists) key = str_from(now.key);
    if (t->after_put) rc = t->after_put(x->row, key, tx, why);
    if (rc == RC_OK) rc = store_tx_event(tx, t->kind, key, false);
    if (rc == RC_OK)
        rc = store_tx_audit(tx, now.exists ? STR("update") : STR("add"),
                            str_from(store_kind_name(t->kind)), key, STR("ok"), why);
    return rc;
}

enum rc record_put(struct store *s, const struct record_table *t, const struct store_by *by,
                   enum store_put how, const void *row, struct store_why *why)
{
    CHECK(t->field_count <= RECORD_FIELDS_MAX);
    struct put_job x = {t, row, how};
    enum rc rc = check_fields(t, row, why);
    return rc == RC_OK ? store_change(s, by, put_body, &x, why) : rc;
}

/* --- remove --- */

struct remove_job {
    const struct record_table *t;
    struct str key;
};

static enum rc remove_body(void *ctx, struct store_tx *tx, struct store_why *why)
{
    const struct remove_job *x = ctx;
    const struct record_table *t = x->t;
    char text[200];
    struct buf sql;
    struct db_stmt *st;
    struct stored now = {0};
    enum rc rc = find_stored(t, tx->db, x->key, &now, why);
    if (rc != RC_OK) return rc;
    if (!now.exists)
        return store_refuse(why, RC_NOT_FOUND, "there is no %s %.*s", store_kind_name(t->kind),
                            STR_ARG(x->key));
    struct str key = str_from(now.key);
    if (t->before_remove && (rc = t->before_remove(key, tx, why)) != RC_OK) return rc;
    buf_init_fixed(&sql, text, sizeof text);
    buf_printf(&sql, "DELETE FROM %s WHERE %s = ?1", t->table, t->fields[0].column);
    if ((rc = prepare_buf(tx->db, &sql, &st, why)) != RC_OK) return rc;
    db_bind_str(st, 1, key);
    rc = db_run(st, why);
    if (rc == RC_OK) rc = store_tx_event(tx, t->kind, key, true);
    if (rc == RC_OK)
        rc = store_tx_audit(tx, STR("remove"), str_from(store_kind_name(t->kind)), key, STR("ok"),
                            why);
    return rc;
}

enum rc record_remove(struct store *s, const struct record_table *t, const struct store_by *by,
                      struct str key, struct store_why *why)
{
    struct remove_job x = {t, key};
    return store_change(s, by, remove_body, &x, why);
}
