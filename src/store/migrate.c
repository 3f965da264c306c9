/* Numbered migrations: schema_version says which ran; each runs in a transaction of its own with its row
 * there, so a crash between two leaves a store that goes on where it stopped. */
#include "store/store_int.h"
#include <stdio.h>

enum { APPLICATION_ID = 0x4265726c /* "Berl" */ };

static enum rc version_read(struct db *db, int64_t *version, struct store_why *why)
{
    int64_t app = 0, tables = 0;
    enum rc rc = db_get_i64(db, "PRAGMA application_id", &app, why);
    if (rc == RC_OK) rc = db_get_i64(db, "SELECT count(*) FROM sqlite_master", &tables, why);
    if (rc != RC_OK) return rc;
    if (tables > 0 && app != APPLICATION_ID)
        return store_refuse(
            why, RC_INVALID,
            "bearline.db was made by another program: move it away or give another data folder");
    if (tables == 0) {
        *version = 0;
        return RC_OK;
    }
    return db_get_i64(db, "SELECT coalesce(max(version), 0) FROM schema_version", version, why);
}

static enum rc migration_run(struct db *db, int number, int64_t now_ms, struct store_why *why)
{
    char sql[200];
    enum rc rc = db_exec(db, "BEGIN IMMEDIATE", why);
    if (rc != RC_OK) return rc;
    if (number == 1) {
        snprintf(sql, sizeof sql,
                 "PRAGMA application_id=%d; CREATE TABLE schema_version (version INTEGER "
                 "PRIMARY KEY, applied_unix_ms INTEGER NOT NULL)",
                 (int)APPLICATION_ID);
        rc = db_exec(db, sql, why);
    }
    for (const struct store_migration *m = store_migrations; rc == RC_OK && m->number; m++)
        if (m->number == number) rc = db_exec(db, m->sql, why);
    snprintf(sql, sizeof sql, "INSERT INTO schema_version VALUES (%d, %lld)", number,
             (long long)now_ms);
    if (rc == RC_OK) rc = db_exec(db, sql, why);
    if (rc == RC_OK) rc = db_exec(db, "COMMIT", why);
    if (rc != RC_OK && db_in_transaction(db) && db_exec(db, "ROLLBACK", NULL) != RC_OK)
        return rc; /* the engine rolls back when the connection closes */
    return rc;
}

enum rc store_migrate(struct db *db, int64_t now_ms, struct store_why *why)
{
    int64_t version;
    enum rc rc = version_read(db, &version, why);
    if (rc != RC_OK) return rc;
    if (version > store_schema_newest)
        return store_refuse(why, RC_UNSUPPORTED,
                            "bearline.db has schema %lld, this program knows %d: it was used by a "
                            "newer version; install that or a backup from before",
                            (long long)version, store_schema_newest);
    for (int n = (int)version + 1; rc == RC_OK && n <= store_schema_newest; n++)
        rc = migration_run(db, n, now_ms, why);
    return rc;
}
