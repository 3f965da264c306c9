/* The rows of the cluster's keys: made at first start, rotated, regenerated, retired. */
#include "auth/auth_int.h"
#include "auth/text.h"
#include "base/base64.h"
#include "crypto/secret.h"

#include <stdio.h>

enum { KEY_ROW_MAX = 256, SECRET_LEN = CRYPTO_AEAD_KEY_LEN };

const struct auth_alg_def auth_algs[AUTH_ALG_COUNT] = {
    [AUTH_ES256] = {STORE_KEY_SIGNING, STORE_KEY_CURRENT, STR_INIT("ES256")},
    [AUTH_RS256] = {STORE_KEY_SIGNING, STORE_KEY_NEXT, STR_INIT("RS256")},
    [AUTH_A256GCM] = {STORE_KEY_ENCRYPTION, STORE_KEY_CURRENT, STR_INIT("A256GCM")},
    [AUTH_A128CBC_HS256] = {STORE_KEY_ENCRYPTION, STORE_KEY_NEXT, STR_INIT("A128CBC-HS256")},
};

enum rc auth_keys_read(struct store *s, struct arena *a, struct store_keys *out,
                       struct store_why *why)
{
    struct store_page page = {.limit = KEY_ROW_MAX};
    struct store_keys keys;
    enum rc rc = store_key_list(s, &page, a, &keys, why);
    size_t n = 0;
    if (rc != RC_OK) return rc;
    for (size_t i = 0; i < keys.count; i++) {
        rc = store_key_get(s, keys.rows[i].kid, a, &keys.rows[n], why);
        if (rc == RC_OK) n++;
        if (rc != RC_OK && rc != RC_NOT_FOUND) return rc; /* removed meanwhile: not there */
    }
    keys.count = n;
    *out = keys;
    return RC_OK;
}

/* --- making a row ----------------------------------------------------------------------------- */

/* All keys of a cluster carry one UUID, that of the first. */
static void find_issuer_uuid(const struct store_keys *keys, const struct random_source *random,
                             char out[AUTH_UUID_LEN + 1])
{
    uint8_t bytes[AUTH_UUID_BYTES];
    for (size_t i = 0; i < keys->count; i++) {
        struct str uuid = str_sub(keys->rows[i].kid, 0, AUTH_UUID_LEN);
        if (auth_uuid_parse(uuid, bytes) != RC_OK) continue;
        auth_uuid_print(bytes, out);
        return;
    }
    auth_uuid_make(random, out);
}

static enum rc make_signing(enum crypto_key_type type, struct arena *a, struct store_key *row,
                            char digest[65])
{
    struct crypto_key *key = NULL;
    struct secret pem = {0};
    struct buf pub;
    buf_init(&pub, CRYPTO_PEM_MAX);
    enum rc rc = crypto_key_generate(type, &key);
    if (rc == RC_OK) rc = crypto_key_print_private_pem(key, &pem);
    if (rc == RC_OK) crypto_key_print_public_pem(key, &pub);
    if (rc == RC_OK) rc = buf_rc(&pub);
    if (rc == RC_OK) rc = auth_hash_hex(str_bytes(buf_str(&pub)), digest);
    if (rc == RC_OK) rc = arena_str_dup(a, buf_str(&pub), &row->public_text);
    if (rc == RC_OK) rc = arena_str_dup(a, bytes_str(secret_bytes(&pem)), &row->secret_text);
    secret_fini(&pem);
    buf_fini(&pub);
    crypto_key_unref(key);
    return rc;
}

/* The digest is taken of more than the key, so that it is the digest of nothing else. */
static enum rc make_encryption(const struct random_source *random, struct arena *a,
                               struct store_key *row, char digest[65])
{
    static const char label[] = "bearline authz encryption key";
    uint8_t input[sizeof label + SECRET_LEN], *secret = input + sizeof label;
    char text[BASE64URL_LEN(SECRET_LEN)];
    struct buf b;
    memcpy(input, label, sizeof label);
    random_fill(random, secret, SECRET_LEN);
    buf_init_fixed(&b, text, sizeof text);
    base64url_print(&b, bytes_of(secret, SECRET_LEN));
    enum rc rc = auth_hash_hex(bytes_of(input, sizeof input), digest);
    if (rc == RC_OK) rc = arena_str_dup(a, buf_str(&b), &row->secret_text);
    crypto_wipe(input, sizeof input);
    crypto_wipe(text, sizeof text);
    return rc;
}

static enum rc make_row(const struct auth_settings *x, enum auth_alg alg, const char *issuer,
                        struct arena *a, struct store_key *out)
{
    const struct auth_alg_def *def = &auth_algs[alg];
    char digest[65];
    struct store_key row = {.use = def->use,
                            .state = def->state,
                            .alg = def->name,
                            .created_s = clock_unix_s(&x->clock)};
    enum rc rc = def->use == STORE_KEY_ENCRYPTION
                     ? make_encryption(&x->random, a, &row, digest)
                     : make_signing(alg == AUTH_ES256 ? CRYPTO_KEY_EC_P256 : CRYPTO_KEY_RSA, a,
                                    &row, digest);
    if (rc == RC_OK) rc = arena_printf(a, &row.kid, "%s:%s", issuer, digest);
    if (rc == RC_OK) *out = row;
    return rc;
}

/* --- changes ------------------------------------------------------------------------------------ */

/* A change of keys under way: the rows there were, and the new ones, made before the batch holds
 * the store's writer (an RSA key takes its time). */
struct change {
    const struct auth_settings *settings;
    struct arena arena;
    struct store_keys old;
    struct store_key made[AUTH_ALG_COUNT];
    size_t made_count;
};

static enum rc change_begin(struct change *c, const struct auth_settings *settings,
                            struct store_why *why)
{
    *c = (struct change){.settings = settings};
    arena_init(&c->arena, NULL, 0, AUTH_ARENA_MAX);
    return auth_keys_read(settings->store, &c->arena, &c->old, why);
}

static void change_end(struct change *c)
{
    for (size_t i = 0; i < c->old.count; i++)
        crypto_wipe((void *)(uintptr_t)c->old.rows[i].secret_text.p, c->old.rows[i].secret_text.n);
    for (size_t i = 0; i < c->made_count; i++)
        crypto_wipe((void *)(uintptr_t)c->made[i].secret_text.p, c->made[i].secret_text.n);
    arena_fini(&c->arena);
}

static bool has_live(const struct store_keys *keys, enum auth_alg alg)
{
    for (size_t i = 0; i < keys->count; i++)
        if (keys->rows[i].use == auth_algs[alg].use && keys->rows[i].state != STORE_KEY_PREVIOUS &&
            str_eq(keys->rows[i].alg, auth_algs[alg].name))
            return true;
    return false;
}

/* New keys: of that use, or (use 0) those that are missing. */
static enum rc change_make(struct change *c, int use, struct store_why *why)
{
    char issuer[AUTH_UUID_LEN + 1];
    enum rc rc = RC_OK;
    find_issuer_uuid(&c->old, &c->settings->random, issuer);
    for (int alg = 0; rc == RC_OK && alg < AUTH_ALG_COUNT; alg++) {
        bool wanted = use ? (int)auth_algs[alg].use == use : !has_live(&c->old, alg);
        if (!wanted) continue;
        rc = make_row(c->settings, alg, issuer, &c->arena, &c->made[c->made_count]);
        c->made_count += rc == RC_OK;
    }
    if (rc != RC_OK && why) snprintf(why->text, sizeof why->text, "a new key cannot be made");
    return rc;
}

static enum rc add_made(struct change *c, const struct store_by *by, struct store_why *why)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < c->made_count; i++)
        rc = store_key_put(c->settings->store, by, STORE_ADD, &c->made[i], why);
    return rc;
}

/* What happens to a row of the keys being replaced. */
typedef enum rc replace_fn(struct change *c, const struct store_by *by, const struct store_key *row,
                           struct store_why *why);

static enum rc step_down(struct change *c, const struct store_by *by, const struct store_key *row,
                         struct store_why *why)
{
    struct store_key next = *row;
    int64_t overlap_min = directory_param_number(c->settings->directory, STORE_P_KEY_OVERLAP_MIN);
    if (row->state == STORE_KEY_PREVIOUS) return RC_OK;
    next.state = STORE_KEY_PREVIOUS;
    next.retire_at_s = clock_unix_s(&c->settings->clock) + overlap_min * 60;
    next.secret_text = STR(""); /* stays as it is */
    return store_key_put(c->settings->store, by, STORE_UPDATE, &next, why);
}

static enum rc step_out(struct change *c, const struct store_by *by, const struct store_key *row,
                        struct store_why *why)
{
    return store_key_remove(c->settings->store, by, row->kid, why);
}

static enum rc revoke_all(struct change *c, const struct store_by *by, struct store_why *why)
{
    struct store_grant_filter all = {.user = STR("")};
    return store_grant_revoke_all(c->settings->store, by, &all, clock_unix_s(&c->settings->clock),
                                  STR("authz keys regenerated"), NULL, why);
}

/* One batch: old rows as replace says, then the new ones, then (cut) every grant. */
static enum rc change_commit(struct change *c, const struct store_by *by, int use,
                             replace_fn *replace, bool cut, struct store_why *why)
{
    struct store_by mine = {.who = by->who, .from = by->from};
    enum rc rc = store_batch_begin(c->settings->store, &mine.batch, why);
    if (rc != RC_OK) return rc;
    for (size_t i = 0; rc == RC_OK && i < c->old.count; i++)
        if ((int)c->old.rows[i].use == use) rc = replace(c, &mine, &c->old.rows[i], why);
    if (rc == RC_OK) rc = add_made(c, &mine, why);
    if (rc == RC_OK && cut) rc = revoke_all(c, &mine, why);
    if (rc == RC_OK) return store_batch_commit(mine.batch, why);
    store_batch_rollback(mine.batch);
    return rc;
}

enum rc auth_keys_make_missing(const struct auth_settings *settings, struct store_why *why)
{
    static const struct store_by by = {.who = STR_INIT("system"), .from = STR_INIT("start")};
    struct change c;
    enum rc rc = change_begin(&c, settings, why);
    if (rc == RC_OK) rc = change_make(&c, 0, why);
    if (rc == RC_OK && c.made_count) rc = change_commit(&c, &by, 0, step_down, false, why);
    if (rc == RC_OK && c.made_count)
        log_info(settings->log, "authz.keys.made", LOG_INT("count", c.made_count));
    change_end(&c);
    return rc;
}

static enum rc renew_locked(struct auth *auth, const struct store_by *by, enum store_key_use use,
                            replace_fn *replace, bool cut, struct store_why *why)
{
    struct change c;
    bool cuts_all = cut && use == STORE_KEY_SIGNING;
    enum rc rc = change_begin(&c, &auth->settings, why);
    if (rc == RC_OK) rc = change_make(&c, (int)use, why);
    if (cuts_all) atomic_store(&auth->cutter, (uintptr_t)pthread_self());
    if (rc == RC_OK) rc = change_commit(&c, by, (int)use, replace, cut, why);
    if (cuts_all) atomic_store(&auth->cutter, 0);
    change_end(&c);
    return rc;
}

static enum rc renew(struct auth *auth, const struct store_by *by, enum store_key_use use,
                     replace_fn *replace, bool cut, struct store_why *why)
{
    pthread_mutex_lock(&auth->rekeying);
    enum rc rc = renew_locked(auth, by, use, replace, cut, why);
    pthread_mutex_unlock(&auth->rekeying);
    if (rc == RC_OK)
        log_info(auth->settings.log, cut ? "authz.keys.regenerated" : "authz.keys.rotated",
                 LOG_CSTR("use", use == STORE_KEY_SIGNING ? "signing" : "encryption"),
                 LOG_STR("by", by->who), LOG_STR("from", by->from));
    return rc;
}

enum rc auth_keys_rotate(struct auth *auth, const struct store_by *by, enum store_key_use use,
                         struct store_why *why)
{
    return renew(auth, by, use, step_down, false, why);
}

enum rc auth_keys_regen(struct auth *auth, const struct store_by *by, enum store_key_use use,
                        struct store_why *why)
{
    return renew(auth, by, use, step_out, true, why);
}

enum rc auth_keys_retire(struct auth *auth, struct store_why *why)
{
    static const struct store_by by = {.who = STR_INIT("system"), .from = STR_INIT("key overlap")};
    const struct auth_settings *x = &auth->settings;
    struct store_page page = {.limit = KEY_ROW_MAX};
    struct store_keys keys;
    struct arena arena;
    arena_init(&arena, NULL, 0, AUTH_ARENA_MAX);
    enum rc rc = store_key_list(x->store, &page, &arena, &keys, why);
    for (size_t i = 0; rc == RC_OK && i < keys.count; i++) {
        const struct store_key *row = &keys.rows[i];
        if (row->state != STORE_KEY_PREVIOUS || row->retire_at_s > clock_unix_s(&x->clock))
            continue;
        rc = store_key_remove(x->store, &by, row->kid, why);
        if (rc == RC_NOT_FOUND) rc = RC_OK;
        if (rc == RC_OK) log_info(x->log, "authz.key.retired", LOG_STR("kid", row->kid));
    }
    arena_fini(&arena);
    return rc;
}
