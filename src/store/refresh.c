/* Refresh tokens. A grant has one unspent token, its newest generation; using it makes the next one.
 * The newest few spent ones are kept to tell reuse from nonsense:
 *
 *   unspent --use--> spent --use within grace, successor unused--> successor replaced
 *                    spent --use--> whole grant revoked (RFC 9700, 4.14.2)
 */
#include "store/tokens_int.h"
#include <stdio.h>

enum { INDEX_BYTES = 32 };

enum rc tokens_add_refresh(struct store_tx *tx, const struct store_hash *hash, struct str grant,
                           int64_t generation, int64_t now_s, int64_t expires_s,
                           struct store_why *why)
{
    uint8_t raw[INDEX_BYTES];
    char index[INDEX_BYTES * 2 + 1];
    struct db_stmt *st;
    enum rc rc = db_prepare(
        tx->db,
        "INSERT INTO tok_refresh (hash, idx, grant_id, generation, created_s, expires_s) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        &st, why);
    if (rc != RC_OK) return rc;
    random_fill(&tx->s->random, raw, sizeof raw);
    for (size_t i = 0; i < sizeof raw; i++)
        snprintf(index + 2 * i, 3, "%02x", raw[i]);
    db_bind_blob(st, 1, hash->p, STORE_HASH_LEN);
    db_bind_str(st, 2, str_from(index)); /* shown by "run sql": not derived from the token */
    db_bind_str(st, 3, grant);
    db_bind_i64(st, 4, generation);
    db_bind_i64(st, 5, now_s);
    db_bind_i64(st, 6, expires_s);
    return db_run(st, why);
}

struct refresh_job {
    const struct store_refresh *r;
    struct arena *a;
    struct store_grant grant;
    int64_t generation, expires_s, spent_s;
    enum rc verdict; /* what the caller hears while the change is committed */
};

/* --- finding --- */

static enum rc find(struct db *db, const struct store_hash *hash, struct refresh_job *x,
                    bool *found, struct store_why *why)
{
    struct db_stmt *st;
    enum rc rc = db_prepare(db,
                            "SELECT " TOKENS_GRANT_COLUMNS
                            ", r.generation, r.expires_s, r.spent_s FROM tok_refresh r "
                            "JOIN tok_grant g ON g.id = r.grant_id WHERE r.hash = ?1",
                            &st, why);
    if (rc != RC_OK) return rc;
    db_bind_blob(st, 1, hash->p, STORE_HASH_LEN);
    rc = db_step(st, found, why);
    if (rc != RC_OK || !*found) return rc;
    rc = tokens_read_grant(st, x->a, &x->grant);
    x->generation = db_col_i64(st, TOKENS_GRANT_COLUMN_COUNT);
    x->expires_s = db_col_i64(st, TOKENS_GRANT_COLUMN_COUNT + 1);
    x->spent_s = db_col_i64(st, TOKENS_GRANT_COLUMN_COUNT + 2);
    db_done(st);
    return rc == RC_OK ? rc : store_refuse(why, rc, "out of memory");
}

static enum rc find_body(void *ctx, struct db *db, struct store_why *why)
{
    struct refresh_job *x = ctx;
    bool found;
    enum rc rc = find(db, &x->r->old_hash, x, &found, why);
    return rc == RC_OK && !found ? RC_NOT_FOUND : rc;
}

enum rc store_refresh_find(struct store *s, const struct store_hash *hash, struct arena *a,
                           struct store_grant *out, struct store_why *why)
{
    struct store_refresh r = {.old_hash = *hash};
    struct refresh_job x = {.r = &r, .a = a};
    enum rc rc = store_read(s, find_body, &x, why);
    if (rc == RC_OK) *out = x.grant;
    return rc;
}

/* --- using --- */

static enum rc set_spent(struct store_tx *tx, const struct store_hash *hash, int64_t now_s,
                         struct store_why *why)
{
    struct db_stmt *st;
    enum rc rc = db_prepare(tx->db, "UPDATE tok_refresh SET spent_s = max(?2, 1) WHERE hash = ?1",
                            &st, why);
    if (rc != RC_OK) return rc;
    db_bind_blob(st, 1, hash->p, STORE_HASH_LEN);
    db_bind_i64(st, 2, now_s);
    return db_run(st, why);
}

static enum rc run_for_grant(struct store_tx *tx, const char *sql, struct str grant, int64_t a,
                             int64_t b, struct store_why *why)
{
    struct db_stmt *st;
    enum rc rc = db_prepare(tx->db, sql, &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, grant);
    db_bind_i64(st, 2, a);
    db_bind_i64(st, 3, b);
    return db_run(st, why);
}

static enum rc touch(struct store_tx *tx, struct refresh_job *x, int64_t expires_s,
                     struct store_why *why)
{
    x->grant.last_used_s = x->r->now_s;
    x->grant.expires_s = expires_s;
    return run_for_grant(tx, "UPDATE tok_grant SET last_used_s = ?2, expires_s = ?3 WHERE id = ?1",
                         x->grant.id, x->r->now_s, expires_s, why);
}

/* Its refusal is a failure of the transaction: what was done before it is undone. */
static enum rc caller_agrees(const struct refresh_job *x, struct store_why *why)
{
    enum rc rc = x->r->check ? x->r->check(x->r->check_ctx, &x->grant) : RC_OK;
    return rc == RC_OK ? rc : store_refuse(why, rc, "the caller refused this use");
}

static enum rc rotate(struct store_tx *tx, struct refresh_job *x, int64_t generation,
                      struct store_why *why)
{
    const struct store_refresh *r = x->r;
    enum rc rc = caller_agrees(x, why);
    if (rc == RC_OK)
        rc = tokens_add_refresh(tx, &r->next_hash, x->grant.id, generation, r->now_s, r->expires_s,
                                why);
    if (rc == RC_OK)
        rc = run_for_grant(
            tx, "DELETE FROM tok_refresh WHERE grant_id = ?1 AND generation < ?2 AND ?3 = 0",
            x->grant.id, generation - STORE_SPENT_MAX, 0, why);
    return rc == RC_OK ? touch(tx, x, r->expires_s, why) : rc;
}

/* The spent token came again. Its successor may be replaced while nobody has used that. */
static enum rc reused(struct store_tx *tx, struct refresh_job *x, struct store_why *why)
{
    const struct store_refresh *r = x->r;
    if (r->rotate && r->grace_s > 0 && r->now_s - x->spent_s <= r->grace_s) {
        enum rc rc = run_for_grant(
            tx, "DELETE FROM tok_refresh WHERE grant_id = ?1 AND generation = ?2 AND spent_s = ?3",
            x->grant.id, x->generation + 1, 0, why);
        if (rc != RC_OK) return rc;
        if (db_changed(tx->db) == 1) return rotate(tx, x, x->generation + 1, why);
    }
    x->verdict = RC_CONFLICT;
    return tokens_revoke(tx, x->grant.id, r->now_s, STR("refresh token used twice"), why);
}

/* The token is unknown, but it says whose it was: a spent one older than those kept. */
static enum rc unknown(struct store_tx *tx, struct refresh_job *x, struct store_why *why)
{
    struct db_stmt *st;
    bool row;
    x->verdict = RC_NOT_FOUND;
    if (x->r->grant_hint.n == 0) return RC_OK;
    enum rc rc = db_prepare(
        tx->db, "SELECT id FROM tok_grant WHERE id = ?1 AND client_id = ?2 AND revoked_s = 0", &st,
        why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, x->r->grant_hint);
    db_bind_str(st, 2, x->r->client_id);
    rc = db_step(st, &row, why);
    if (rc != RC_OK || !row) return rc;
    db_done(st);
    x->verdict = RC_CONFLICT;
    return tokens_revoke(tx, x->r->grant_hint, x->r->now_s, STR("old refresh token used"), why);
}

static enum rc user_is_active(struct store_tx *tx, struct str user, bool *out,
                              struct store_why *why)
{
    struct db_stmt *st;
    bool row;
    enum rc rc = db_prepare(tx->db, "SELECT active FROM cfg_user WHERE id = ?1", &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, user);
    rc = db_step(st, &row, why);
    if (rc != RC_OK) return rc;
    *out = row && db_col_i64(st, 0) != 0;
    if (row) db_done(st);
    return RC_OK;
}

static enum rc use_body(void *ctx, struct store_tx *tx, struct store_why *why)
{
    struct refresh_job *x = ctx;
    const struct store_refresh *r = x->r;
    bool found, active;
    enum rc rc = find(tx->db, &r->old_hash, x, &found, why);
    if (rc != RC_OK) return rc;
    if (!found) return unknown(tx, x, why);
    if (!str_eq_nocase(x->grant.client_id, r->client_id) || x->grant.revoked_s != 0) {
        x->verdict = RC_DENIED;
        return RC_OK;
    }
    rc = user_is_active(tx, x->grant.user, &active, why);
    if (rc != RC_OK) return rc;
    x->verdict = !active ? RC_DENIED : r->now_s >= x->expires_s ? RC_EXPIRED : RC_OK;
    if (x->verdict != RC_OK) return RC_OK;
    if (x->spent_s != 0) return reused(tx, x, why);
    if (!r->rotate) {
        rc = caller_agrees(x, why);
        return rc == RC_OK ? touch(tx, x, x->expires_s, why) : rc;
    }
    rc = set_spent(tx, &r->old_hash, r->now_s, why);
    return rc == RC_OK ? rotate(tx, x, x->generation + 1, why) : rc;
}

static enum rc explain(enum rc verdict, struct store_why *why)
{
    const char *text = "the refresh token is revoked, or of another client or an inactive user";
    if (verdict == RC_OK) return RC_OK;
    if (verdict == RC_NOT_FOUND) text = "the refresh token is unknown";
    if (verdict == RC_EXPIRED) text = "the refresh token has expired: sign in again";
    if (verdict == RC_CONFLICT) text = "the refresh token was used twice; the sign-in is revoked";
    return store_refuse(why, verdict, "%s", text);
}

enum rc store_refresh_use(struct store *s, const struct store_by *by, const struct store_refresh *r,
                          struct arena *a, struct store_grant *out, struct store_why *why)
{
    struct refresh_job x = {.r = r, .a = a};
    if (r->grant_hint.n > STORE_KEY_MAX || r->client_id.n > STORE_TEXT_MAX)
        return store_refuse(why, RC_NOT_FOUND, "the refresh token is unknown");
    enum rc rc = store_change(s, by, use_body, &x, why);
    if (rc == RC_OK) rc = explain(x.verdict, why);
    if (rc == RC_OK) *out = x.grant;
    return rc;
}

/* --- forgetting --- */

struct purge_job {
    int64_t now_s, since_s, limit, count;
};

static enum rc purge_body(void *ctx, struct store_tx *tx, struct store_why *why)
{
    static const char *const sqls[] = {"DELETE FROM tok_code WHERE hash IN (SELECT hash FROM "
                                       "tok_code WHERE expires_s < ?1 LIMIT ?2)",
                                       "DELETE FROM tok_refresh WHERE hash IN (SELECT hash FROM "
                                       "tok_refresh WHERE expires_s < ?1 LIMIT ?2)",
                                       "DELETE FROM tok_grant WHERE id IN (SELECT id FROM "
                                       "tok_grant WHERE expires_s < ?1 LIMIT ?2)"};
    struct purge_job *x = ctx;
    enum rc rc = RC_OK;
    for (int i = 0; rc == RC_OK && i < 3; i++) {
        struct db_stmt *st;
        rc = db_prepare(tx->db, sqls[i], &st, why);
        if (rc != RC_OK) return rc;
        db_bind_i64(st, 1, x->since_s < x->now_s ? x->since_s : x->now_s);
        db_bind_i64(st, 2, x->limit);
        rc = db_run(st, why);
        x->count += db_changed(tx->db);
    }
    return rc;
}

enum rc store_tokens_purge(struct store *s, int64_t now_s, int64_t keep_since_s, int64_t limit,
                           int64_t *out, struct store_why *why)
{
    static const struct store_by by = {.who = STR_INIT("system"), .from = STR_INIT("retention")};
    struct purge_job x = {now_s, keep_since_s, limit > 0 ? limit : STORE_PAGE_MAX, 0};
    enum rc rc = store_change(s, &by, purge_body, &x, why);
    if (rc == RC_OK && out) *out = x.count;
    return rc;
}
