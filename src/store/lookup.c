/* Small questions about rows: who uses this, how many are there. */
#include "store/record_int.h"
#include <stdio.h>

enum { NAMES_MAX = 100000 };

enum rc record_lookup(struct db *db, const char *sql, struct str key, char *out, size_t cap,
                      struct store_why *why)
{
    struct db_stmt *st;
    bool row;
    enum rc rc = db_prepare(db, sql, &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, key);
    rc = db_step(st, &row, why);
    if (rc != RC_OK) return rc;
    if (!row) return RC_NOT_FOUND;
    rc = str_to_cstr(db_col_str(st, 0), out, cap);
    db_done(st);
    return rc;
}

enum rc record_check_unused(struct store_tx *tx, enum store_kind kind, struct str key,
                            const struct record_use *uses, size_t count, struct store_why *why)
{
    char by[STORE_KEY_MAX + 1];
    for (size_t i = 0; i < count; i++) {
        enum rc rc = record_lookup(tx->db, uses[i].sql, key, by, sizeof by, why);
        if (rc == RC_OK)
            return store_refuse(why, RC_CONFLICT, "the %s %.*s %s %s: %s", store_kind_name(kind),
                                STR_ARG(key), uses[i].how, by, uses[i].advice);
        if (rc != RC_NOT_FOUND) return rc;
    }
    return RC_OK;
}

struct names_job {
    const char *sql;
    struct str key;
    struct arena *a;
    struct store_names out;
    size_t room;
};

static enum rc names_add(struct names_job *x, struct str name)
{
    if (x->out.count == NAMES_MAX) return RC_TOO_BIG;
    if (x->out.count == x->room) {
        size_t room = x->room ? x->room * 2 : 8;
        struct str *rows = ARENA_ARRAY(x->a, struct str, room);
        if (!rows) return RC_NOMEM;
        if (x->out.count) memcpy(rows, x->out.rows, x->out.count * sizeof *rows);
        x->out.rows = rows;
        x->room = room;
    }
    return arena_str_dup(x->a, name, &x->out.rows[x->out.count++]);
}

static enum rc names_body(void *ctx, struct db *db, struct store_why *why)
{
    struct names_job *x = ctx;
    struct db_stmt *st;
    bool row;
    enum rc rc = db_prepare(db, x->sql, &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, x->key);
    while ((rc = db_step(st, &row, why)) == RC_OK && row) {
        rc = names_add(x, db_col_str(st, 0));
        if (rc == RC_OK) continue;
        db_done(st);
        return store_refuse(why, rc, "too many rows or out of memory");
    }
    return rc;
}

enum rc record_names(struct store *s, const char *sql, struct str key, struct arena *a,
                     struct store_names *out, struct store_why *why)
{
    struct names_job x = {.sql = sql, .key = key, .a = a};
    enum rc rc = store_read(s, names_body, &x, why);
    if (rc == RC_OK) *out = x.out;
    return rc;
}

struct count_job {
    const char *sql;
    int64_t out;
};

static enum rc count_body(void *ctx, struct db *db, struct store_why *why)
{
    struct count_job *x = ctx;
    return db_get_i64(db, x->sql, &x->out, why);
}

enum rc store_count(struct store *s, enum store_kind kind, int64_t *out, struct store_why *why)
{
    static const char *const tables[STORE_KIND_COUNT] = {
        [STORE_PARAM] = "cfg_param",
        [STORE_NODE] = "cfg_node",
        [STORE_USER] = "cfg_user",
        [STORE_DEVICE] = "cfg_device",
        [STORE_LINE] = "cfg_line",
        [STORE_PROFILE] = "cfg_profile",
        [STORE_EDGE] = "cfg_edge",
        [STORE_CERT] = "cfg_cert",
        [STORE_TRUST] = "cfg_trust",
        [STORE_KEY] = "cfg_key",
        [STORE_DOMAIN] = "cfg_domain",
        [STORE_ISSUER] = "cfg_issuer",
        [STORE_CLIENT] = "cfg_client",
        [STORE_GRANT] = "tok_grant",
        [STORE_HUNT_GROUP] = "cfg_hunt_group",
        [STORE_TRUNK] = "cfg_trunk",
        [STORE_ROUTE_PATTERN] = "cfg_route_pattern",
        [STORE_UCM] = "cfg_ucm",
        [STORE_PEER] = "cfg_peer",
        [STORE_ALLOW] = "cfg_allow"};
    char sql[64];
    if ((unsigned)kind >= STORE_KIND_COUNT) return RC_INVALID;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", tables[kind]);
    struct count_job x = {sql, 0};
    enum rc rc = store_read(s, count_body, &x, why);
    if (rc == RC_OK) *out = x.out;
    return rc;
}
