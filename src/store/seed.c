/* What a new store starts with. It runs at each start and adds what is missing of the parameters, so a
 * newer version's show up in "run sql" too; profiles and the client are made once. */
#include "store/params.h"
#include "store/records.h"
#include "store/store_int.h"
#include <stdio.h>

static enum rc is_seeded(struct store *s, bool *out, struct store_why *why)
{
    int64_t n;
    enum rc rc = db_get_i64(s->writer, "SELECT count(*) FROM cfg_meta WHERE name = 'seeded'", &n,
                            why);
    if (rc == RC_OK) *out = n > 0;
    return rc;
}

static enum rc seed_params(struct store_tx *tx, struct store_why *why)
{
    enum rc rc = RC_OK;
    for (int i = 0; rc == RC_OK && i < STORE_P_COUNT; i++) {
        const struct store_param_def *def = store_param_def((enum store_param_id)i);
        struct db_stmt *st;
        rc = db_prepare(
            tx->db,
            "INSERT INTO cfg_param (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
            &st, why);
        if (rc != RC_OK) return rc;
        db_bind_str(st, 1, str_from(def->name));
        db_bind_str(st, 2, str_from(def->def));
        rc = db_run(st, why);
    }
    return rc;
}

static enum rc params_body(void *ctx, struct store_tx *tx, struct store_why *why)
{
    (void)ctx;
    return seed_params(tx, why);
}

static enum rc mark_body(void *ctx, struct store_tx *tx, struct store_why *why)
{
    (void)ctx;
    return db_exec(tx->db, "INSERT INTO cfg_meta (name, value) VALUES ('seeded', '1')", why);
}

static enum rc seed_profiles(struct store *s, const struct store_by *by, struct store_why *why)
{
    static const char *const products[] = {
        "Cisco Unified Client Services Framework", "Cisco Dual Mode for iPhone",
        "Cisco Dual Mode for Android", "Cisco Jabber for Tablet"};
    char name[128];
    struct store_profile p = store_profile_default();
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < sizeof products / sizeof products[0]; i++) {
        snprintf(name, sizeof name, "%s - Standard SIP Non-Secure Profile", products[i]);
        p.name = str_from(name);
        p.phone_type = str_from(products[i]);
        rc = store_profile_put(s, by, STORE_PUT, &p, why);
    }
    p.name = STR("Universal Device Template - Model-independent Security Profile");
    p.phone_type = STR("Universal Device Template");
    return rc == RC_OK ? store_profile_put(s, by, STORE_PUT, &p, why) : rc;
}

static enum rc seed_all(struct store *s, struct store_by *by, struct store_why *why)
{
    struct store_client phone = {.client_id = STR(STORE_CLIENT_PHONE),
                                 .name = STR("Bearline phone"),
                                 .type = STORE_CLIENT_PUBLIC,
                                 .loopback = true,
                                 .scopes = STR("openid offline_access sip"),
                                 .enabled = true};
    enum rc rc = store_batch_begin(s, &by->batch, why);
    if (rc != RC_OK) return rc;
    rc = store_change(s, by, params_body, NULL, why);
    if (rc == RC_OK) rc = seed_profiles(s, by, why);
    if (rc == RC_OK) rc = store_client_put(s, by, STORE_PUT, &phone, why);
    if (rc == RC_OK) rc = store_change(s, by, mark_body, NULL, why);
    if (rc == RC_OK) return store_batch_commit(by->batch, why);
    store_batch_rollback(by->batch);
    return rc;
}

enum rc store_seed(struct store *s, struct store_why *why)
{
    struct store_by by = {.who = STR("system"), .from = STR("first start")};
    int64_t params;
    bool seeded;
    enum rc rc = is_seeded(s, &seeded, why);
    if (rc != RC_OK) return rc;
    s->is_new = !seeded;
    if (!seeded) return seed_all(s, &by, why);
    rc = db_get_i64(s->writer, "SELECT count(*) FROM cfg_param", &params, why);
    if (rc != RC_OK || params >= STORE_P_COUNT) return rc;
    return store_change(s, &by, params_body, NULL, why);
}
