#include "store/record_int.h"

static const struct record_field fields[] = {
    RECORD_F(struct store_user, id, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, 128),
    RECORD_F(struct store_user, first_name, RECORD_STR, 0, 128),
    RECORD_F(struct store_user, last_name, RECORD_STR, 0, 128),
    RECORD_F(struct store_user, display_name, RECORD_STR, 0, 128),
    RECORD_F(struct store_user, email, RECORD_STR, 0, 254),
    RECORD_F(struct store_user, password, RECORD_STR, RECORD_SECRET, 512),
    RECORD_F(struct store_user, digest_realm, RECORD_STR, 0, 128),
    RECORD_F(struct store_user, digest_md5, RECORD_STR, 0, 32),
    RECORD_F(struct store_user, digest_sha256, RECORD_STR, 0, 64),
    RECORD_F(struct store_user, roles, RECORD_INT, 0, 0),
    RECORD_F(struct store_user, active, RECORD_BOOL, 0, 0),
};

static bool is_hex_of(struct str s, size_t n)
{
    if (s.n == 0) return true;
    if (s.n != n) return false;
    for (size_t i = 0; i < n; i++)
        if (!strchr("0123456789abcdef", s.p[i])) return false;
    return true;
}

static enum rc user_check(const void *row, struct store_tx *tx, struct store_why *why)
{
    const struct store_user *u = row;
    (void)tx;
    if (str_find_char(u->id, ' ') != STR_NPOS)
        return store_refuse(why, RC_INVALID, "a user id has no spaces");
    if (u->roles & ~(STORE_ROLE_USER | STORE_ROLE_ADMIN | STORE_ROLE_AXL))
        return store_refuse(why, RC_INVALID,
                            "unknown role: a user has some of user, administrator and axl");
    if (!is_hex_of(u->digest_md5, 32) || !is_hex_of(u->digest_sha256, 64))
        return store_refuse(
            why, RC_INVALID,
            "a digest value is the HA1 as 32 (MD5) or 64 (SHA-256) lower-case hex digits");
    if ((u->digest_md5.n || u->digest_sha256.n) && u->digest_realm.n == 0)
        return store_refuse(why, RC_INVALID, "digest values need the realm they were made for");
    return RC_OK;
}

static enum rc user_after_put(const void *row, struct str key, struct store_tx *tx,
                              struct store_why *why)
{
    const struct store_user *u = row;
    return u->active ? RC_OK : store_tx_revoke(tx, key, STR(""), STR("user inactive"), why);
}

/* His devices stay, without owner. */
static enum rc user_before_remove(struct str key, struct store_tx *tx, struct store_why *why)
{
    struct db_stmt *st;
    bool row;
    enum rc rc = db_prepare(tx->db, "SELECT name FROM cfg_device WHERE owner = ?1", &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, key);
    while ((rc = db_step(st, &row, why)) == RC_OK && row) {
        rc = store_tx_event(tx, STORE_DEVICE, db_col_str(st, 0), false);
        if (rc == RC_OK) continue;
        db_done(st);
        return store_refuse(why, rc, "out of memory");
    }
    if (rc == RC_OK)
        rc = db_prepare(
            tx->db, "UPDATE cfg_device SET owner = NULL, version = version + 1 WHERE owner = ?1",
            &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, key);
    rc = db_run(st, why);
    return rc == RC_OK ? store_tx_revoke(tx, key, STR(""), STR("user removed"), why) : rc;
}

static const struct record_table users = {
    .kind = STORE_USER,
    .table = "cfg_user",
    .match_column = "display_name",
    .size = sizeof(struct store_user),
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .pkid_offset = offsetof(struct store_user, pkid),
    .version_offset = offsetof(struct store_user, version),
    .check = user_check,
    .after_put = user_after_put,
    .before_remove = user_before_remove,
};
RECORD_NOUN(user, users)

enum rc store_user_devices(struct store *s, struct str user, struct arena *a,
                           struct store_names *out, struct store_why *why)
{
    return record_names(s, "SELECT name FROM cfg_device WHERE owner = ?1 ORDER BY name", user, a,
                        out, why);
}
