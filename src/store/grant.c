#include "store/record_int.h"
#include "store/tokens_int.h"

enum rc tokens_read_grant(struct db_stmt *st, struct arena *a, struct store_grant *out)
{
    struct str *texts[] = {&out->id, &out->user, &out->client_id, &out->device, &out->scope};
    enum rc rc = RC_OK;
    for (int i = 0; rc == RC_OK && i < 5; i++)
        rc = db_col_dup(st, i, a, texts[i]);
    out->created_s = db_col_i64(st, 5);
    out->last_used_s = db_col_i64(st, 6);
    out->expires_s = db_col_i64(st, 7);
    out->revoked_s = db_col_i64(st, 8);
    return rc == RC_OK ? db_col_dup(st, 9, a, &out->revoked_why) : rc;
}

/* --- revoking --- */

static enum rc drop_refresh(struct store_tx *tx, struct str id, struct store_why *why)
{
    struct db_stmt *st;
    enum rc rc = db_prepare(tx->db, "DELETE FROM tok_refresh WHERE grant_id = ?1", &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, id);
    return db_run(st, why);
}

enum rc tokens_revoke(struct store_tx *tx, struct str id, int64_t now_s, struct str why_text,
                      struct store_why *why)
{
    struct db_stmt *st;
    enum rc rc = db_prepare(tx->db,
                            "UPDATE tok_grant SET revoked_s = max(?2, 1), revoked_why = ?3 WHERE "
                            "id = ?1 AND revoked_s = 0",
                            &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, id);
    db_bind_i64(st, 2, now_s);
    db_bind_str(st, 3, why_text);
    rc = db_run(st, why);
    if (rc != RC_OK || db_changed(tx->db) == 0) return rc;
    rc = drop_refresh(tx, id, why);
    if (rc == RC_OK) rc = store_tx_event(tx, STORE_GRANT, id, true);
    if (rc == RC_OK) rc = store_tx_audit(tx, STR("revoke"), STR("grant"), id, why_text, why);
    return rc;
}

enum { REVOKE_STEP = 64 };

/* Revokes in steps, because a step over the list and changes of it do not mix. */
static enum rc revoke_fitting(struct store_tx *tx, const struct store_grant_filter *f,
                              int64_t now_s, struct str why_text, int64_t *count,
                              struct store_why *why)
{
    char ids[REVOKE_STEP][STORE_UUID_LEN + 1];
    size_t n = REVOKE_STEP;
    enum rc rc = RC_OK;
    while (rc == RC_OK && n == REVOKE_STEP) {
        struct db_stmt *st;
        bool row;
        n = 0;
        rc = db_prepare(
            tx->db,
            "SELECT id FROM tok_grant WHERE revoked_s = 0 AND (?1 = '' OR user = ?1) AND "
            "(?2 = '' OR client_id = ?2) AND (?3 = '' OR device = ?3) LIMIT ?4",
            &st, why);
        if (rc != RC_OK) return rc;
        db_bind_str(st, 1, f->user);
        db_bind_str(st, 2, f->client_id);
        db_bind_str(st, 3, f->device);
        db_bind_i64(st, 4, REVOKE_STEP);
        while ((rc = db_step(st, &row, why)) == RC_OK && row)
            if (str_to_cstr(db_col_str(st, 0), ids[n], sizeof ids[n]) == RC_OK) n++;
        for (size_t i = 0; rc == RC_OK && i < n; i++, ++*count)
            rc = tokens_revoke(tx, str_from(ids[i]), now_s, why_text, why);
    }
    return rc;
}

enum rc store_tx_revoke(struct store_tx *tx, struct str user, struct str client,
                        struct str why_text, struct store_why *why)
{
    struct store_grant_filter f = {.user = user, .client_id = client};
    int64_t count = 0;
    return revoke_fitting(tx, &f, clock_unix_s(&tx->s->clock), why_text, &count, why);
}

struct revoke_job {
    struct str id;
    const struct store_grant_filter *f;
    int64_t now_s, count;
    struct str why_text;
};

static enum rc revoke_body(void *ctx, struct store_tx *tx, struct store_why *why)
{
    struct revoke_job *x = ctx;
    char found[STORE_KEY_MAX + 1];
    enum rc rc = record_lookup(tx->db, "SELECT id FROM tok_grant WHERE id = ?1", x->id, found,
                               sizeof found, why);
    if (rc == RC_NOT_FOUND) return store_refuse(why, rc, "there is no grant %.*s", STR_ARG(x->id));
    return rc == RC_OK ? tokens_revoke(tx, x->id, x->now_s, x->why_text, why) : rc;
}

enum rc store_grant_revoke(struct store *s, const struct store_by *by, struct str id, int64_t now_s,
                           struct str why_text, struct store_why *why)
{
    struct revoke_job x = {.id = id, .now_s = now_s, .why_text = why_text};
    return store_change(s, by, revoke_body, &x, why);
}

static enum rc revoke_all_body(void *ctx, struct store_tx *tx, struct store_why *why)
{
    struct revoke_job *x = ctx;
    return revoke_fitting(tx, x->f, x->now_s, x->why_text, &x->count, why);
}

enum rc store_grant_revoke_all(struct store *s, const struct store_by *by,
                               const struct store_grant_filter *f, int64_t now_s,
                               struct str why_text, int64_t *out, struct store_why *why)
{
    struct revoke_job x = {.f = f, .now_s = now_s, .why_text = why_text};
    enum rc rc = store_change(s, by, revoke_all_body, &x, why);
    if (rc == RC_OK && out) *out = x.count;
    return rc;
}

/* --- opening --- */

struct open_job {
    const struct store_grant *grant;
    const struct store_hash *code, *refresh;
    int64_t now_s, expires_s;
    char id[STORE_UUID_LEN + 1];
};

static enum rc must_be_on(struct store_tx *tx, const char *sql, struct str key, const char *noun,
                          struct store_why *why)
{
    char on[8];
    enum rc rc = record_lookup(tx->db, sql, key, on, sizeof on, why);
    if (rc == RC_NOT_FOUND) return store_refuse(why, rc, "there is no %s %.*s", noun, STR_ARG(key));
    if (rc == RC_OK && strcmp(on, "1") != 0)
        return store_refuse(why, RC_DENIED, "the %s %.*s is not active", noun, STR_ARG(key));
    return rc;
}

static enum rc bind_code(struct store_tx *tx, const struct open_job *x, struct store_why *why)
{
    struct db_stmt *st;
    if (!x->code) return RC_OK;
    enum rc rc = db_prepare(
        tx->db, "UPDATE tok_code SET grant_id = ?2 WHERE hash = ?1 AND spent = 1 AND grant_id = ''",
        &st, why);
    if (rc != RC_OK) return rc;
    db_bind_blob(st, 1, x->code->p, STORE_HASH_LEN);
    db_bind_str(st, 2, str_from(x->id));
    rc = db_run(st, why);
    if (rc == RC_OK && db_changed(tx->db) != 1)
        return store_refuse(why, RC_CONFLICT, "the code does not allow a grant");
    return rc;
}

static enum rc open_body(void *ctx, struct store_tx *tx, struct store_why *why)
{
    struct open_job *x = ctx;
    const struct store_grant *g = x->grant;
    struct db_stmt *st;
    enum rc rc = must_be_on(tx, "SELECT CAST(active AS TEXT) FROM cfg_user WHERE id = ?1", g->user,
                            "user", why);
    if (rc == RC_OK)
        rc = must_be_on(tx, "SELECT CAST(enabled AS TEXT) FROM cfg_client WHERE client_id = ?1",
                        g->client_id, "client", why);
    if (rc == RC_OK) rc = bind_code(tx, x, why);
    if (rc == RC_OK)
        rc = db_prepare(tx->db,
                        "INSERT INTO tok_grant (id, user, client_id, device, scope, created_s, "
                        "last_used_s, expires_s) "
                        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)",
                        &st, why);
    if (rc != RC_OK) return rc;
    const struct str texts[] = {str_from(x->id), g->user, g->client_id, g->device, g->scope};
    for (int i = 0; i < 5; i++)
        db_bind_str(st, i + 1, texts[i]);
    db_bind_i64(st, 6, x->now_s);
    db_bind_i64(st, 7, x->expires_s);
    rc = db_run(st, why);
    if (rc == RC_OK)
        rc = tokens_add_refresh(tx, x->refresh, texts[0], 1, x->now_s, x->expires_s, why);
    if (rc == RC_OK) rc = store_tx_event(tx, STORE_GRANT, texts[0], false);
    if (rc == RC_OK) rc = store_tx_audit(tx, STR("open"), STR("grant"), texts[0], g->user, why);
    return rc;
}

enum rc store_grant_open(struct store *s, const struct store_by *by,
                         const struct store_grant *grant, const struct store_hash *code,
                         const struct store_hash *refresh, int64_t now_s, int64_t expires_s,
                         struct arena *a, struct str *id, struct store_why *why)
{
    struct open_job x = {grant, code, refresh, now_s, expires_s, ""};
    const struct str texts[] = {grant->user, grant->client_id, grant->device, grant->scope};
    struct str copy;
    for (int i = 0; i < 4; i++)
        if (texts[i].n > STORE_TEXT_MAX || !str_is_utf8(texts[i]))
            return store_refuse(why, RC_INVALID, "a field of the grant is too long or no text");
    store_uuid(s, x.id);
    if (arena_str_dup(a, str_from(x.id), &copy) != RC_OK)
        return store_refuse(why, RC_NOMEM, "out of memory");
    enum rc rc = store_change(s, by, open_body, &x, why);
    if (rc == RC_OK) *id = copy;
    return rc;
}

/* --- reading --- */

struct list_job {
    const struct store_grant_filter *f;
    struct str id;
    int64_t now_s;
    size_t limit;
    struct arena *a;
    struct store_grants out;
};

static enum rc list_body(void *ctx, struct db *db, struct store_why *why)
{
    struct list_job *x = ctx;
    struct db_stmt *st;
    bool row;
    enum rc rc = db_prepare(db,
                            "SELECT " TOKENS_GRANT_COLUMNS
                            " FROM tok_grant g WHERE id > ?1 AND (?2 = '' OR user = ?2) AND "
                            "(?3 = '' OR client_id = ?3) AND (?4 = '' OR device = ?4) AND "
                            "(?5 = 0 OR (revoked_s = 0 AND expires_s > ?6)) ORDER BY id LIMIT ?7",
                            &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, x->f->after);
    db_bind_str(st, 2, x->f->user);
    db_bind_str(st, 3, x->f->client_id);
    db_bind_str(st, 4, x->f->device);
    db_bind_i64(st, 5, x->f->alive_only);
    db_bind_i64(st, 6, x->now_s);
    db_bind_i64(st, 7, (int64_t)x->limit + 1);
    while ((rc = db_step(st, &row, why)) == RC_OK && row) {
        if (x->out.count == x->limit) {
            x->out.more = true;
            db_done(st);
            return RC_OK;
        }
        rc = tokens_read_grant(st, x->a, &x->out.rows[x->out.count++]);
        if (rc == RC_OK) continue;
        db_done(st);
        return store_refuse(why, rc, "out of memory");
    }
    return rc;
}

enum rc store_grant_list(struct store *s, const struct store_grant_filter *f, struct arena *a,
                         struct store_grants *out, struct store_why *why)
{
    struct list_job x = {.f = f, .a = a, .limit = f->limit, .now_s = clock_unix_s(&s->clock)};
    if (x.limit == 0 || x.limit > STORE_PAGE_MAX) x.limit = STORE_PAGE_MAX;
    x.out.rows = ARENA_ARRAY(a, struct store_grant, x.limit);
    if (!x.out.rows) return store_refuse(why, RC_NOMEM, "out of memory");
    enum rc rc = store_read(s, list_body, &x, why);
    if (rc == RC_OK) *out = x.out;
    return rc;
}

static enum rc get_body(void *ctx, struct db *db, struct store_why *why)
{
    struct list_job *x = ctx;
    struct db_stmt *st;
    bool row;
    enum rc rc = db_prepare(db, "SELECT " TOKENS_GRANT_COLUMNS " FROM tok_grant g WHERE id = ?1",
                            &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, x->id);
    rc = db_step(st, &row, why);
    if (rc != RC_OK) return rc;
    if (!row) return store_refuse(why, RC_NOT_FOUND, "there is no grant %.*s", STR_ARG(x->id));
    rc = tokens_read_grant(st, x->a, x->out.rows);
    db_done(st);
    return rc == RC_OK ? rc : store_refuse(why, rc, "out of memory");
}

enum rc store_grant_get(struct store *s, struct str id, struct arena *a, struct store_grant *out,
                        struct store_why *why)
{
    struct store_grant row = {0};
    struct list_job x = {.id = id, .a = a, .out = {.rows = &row}};
    enum rc rc = store_read(s, get_body, &x, why);
    if (rc == RC_OK) *out = row;
    return rc;
}
