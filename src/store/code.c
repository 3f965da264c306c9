/* Authorization codes: spent exactly once. */
#include "store/store_int.h"
#include "store/tokens.h"
#include "store/tokens_int.h"

struct code_add {
    const struct store_code *code;
};

static enum rc add_body(void *ctx, struct store_tx *tx, struct store_why *why)
{
    const struct store_code *c = ((struct code_add *)ctx)->code;
    struct db_stmt *st;
    int64_t n;
    enum rc rc = db_get_i64(tx->db, "SELECT count(*) FROM tok_code", &n, why);
    if (rc != RC_OK) return rc;
    if (n >= STORE_CODE_MAX)
        return store_refuse(why, RC_BUSY, "too many sign-ins are under way: try again in a minute");
    rc = db_prepare(tx->db,
                    "INSERT INTO tok_code (hash, client_id, user, redirect_uri, challenge, scope, "
                    "device, nonce, "
                    "auth_time_s, expires_s) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                    &st, why);
    if (rc != RC_OK) return rc;
    const struct str texts[] = {c->client_id, c->user,   c->redirect_uri, c->challenge,
                                c->scope,     c->device, c->nonce};
    db_bind_blob(st, 1, c->hash.p, STORE_HASH_LEN);
    for (int i = 0; i < 7; i++)
        db_bind_str(st, i + 2, texts[i]);
    db_bind_i64(st, 9, c->auth_time_s);
    db_bind_i64(st, 10, c->expires_s);
    return db_run(st, why);
}

enum rc store_code_add(struct store *s, const struct store_code *code, struct store_why *why)
{
    static const struct store_by by = {.who = STR_INIT("system"), .from = STR_INIT("auth")};
    const struct str texts[] = {code->client_id, code->user,   code->redirect_uri, code->challenge,
                                code->scope,     code->device, code->nonce};
    struct code_add x = {code};
    for (int i = 0; i < 7; i++) {
        if (texts[i].n > (i == 2 ? 2048 : STORE_TEXT_MAX))
            return store_refuse(why, RC_INVALID, "a field of the request is too long");
        if (!str_is_utf8(texts[i]))
            return store_refuse(why, RC_INVALID, "a field of the request is not UTF-8 text");
    }
    return store_change(s, &by, add_body, &x, why);
}

struct code_spend {
    const struct store_hash *hash;
    int64_t now_s;
    struct arena *a;
    struct store_code out;
    enum rc verdict; /* what the caller hears, while the change itself is committed */
};

static enum rc read_code(struct code_spend *x, struct db_stmt *st, char *grant, size_t cap)
{
    struct store_code *c = &x->out;
    struct str *texts[] = {&c->client_id, &c->user,   &c->redirect_uri, &c->challenge,
                           &c->scope,     &c->device, &c->nonce};
    enum rc rc = RC_OK;
    for (int i = 0; rc == RC_OK && i < 7; i++)
        rc = db_col_dup(st, i, x->a, texts[i]);
    c->hash = *x->hash;
    c->auth_time_s = db_col_i64(st, 7);
    c->expires_s = db_col_i64(st, 8);
    if (db_col_i64(st, 9) != 0)
        x->verdict = RC_CONFLICT;
    else if (x->now_s >= c->expires_s)
        x->verdict = RC_EXPIRED;
    else
        x->verdict = RC_OK;
    return rc == RC_OK ? str_to_cstr(db_col_str(st, 10), grant, cap) : rc;
}

static enum rc spend_body(void *ctx, struct store_tx *tx, struct store_why *why)
{
    struct code_spend *x = ctx;
    char grant[STORE_KEY_MAX + 1];
    struct db_stmt *st;
    bool row;
    enum rc rc = db_prepare(
        tx->db,
        "SELECT client_id, user, redirect_uri, challenge, scope, device, nonce, auth_time_s, "
        "expires_s, spent, grant_id FROM tok_code WHERE hash = ?1",
        &st, why);
    if (rc != RC_OK) return rc;
    db_bind_blob(st, 1, x->hash->p, STORE_HASH_LEN);
    rc = db_step(st, &row, why);
    if (rc != RC_OK) return rc;
    if (!row) return RC_NOT_FOUND;
    rc = read_code(x, st, grant, sizeof grant);
    db_done(st);
    if (rc != RC_OK) return store_refuse(why, rc, "out of memory");
    if (x->verdict == RC_CONFLICT)
        return grant[0] ? tokens_revoke(tx, str_from(grant), x->now_s,
                                        STR("authorization code used twice"), why)
                        : RC_OK;
    rc = db_prepare(tx->db, "UPDATE tok_code SET spent = 1 WHERE hash = ?1", &st, why);
    if (rc != RC_OK) return rc;
    db_bind_blob(st, 1, x->hash->p, STORE_HASH_LEN);
    return db_run(st, why);
}

enum rc store_code_spend(struct store *s, const struct store_by *by, const struct store_hash *hash,
                         int64_t now_s, struct arena *a, struct store_code *out,
                         struct store_why *why)
{
    struct code_spend x = {.hash = hash, .now_s = now_s, .a = a};
    enum rc rc = store_change(s, by, spend_body, &x, why);
    if (rc == RC_OK && x.verdict == RC_CONFLICT)
        return store_refuse(why, RC_CONFLICT, "the code was used before; what it gave is revoked");
    if (rc == RC_OK && x.verdict == RC_EXPIRED)
        return store_refuse(why, RC_EXPIRED, "the code has expired");
    if (rc == RC_OK) *out = x.out;
    return rc;
}
