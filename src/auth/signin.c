/* Passwords of users and secrets of clients: the throttle before, the gate around, the same time
 * and the same words whatever was wrong. */
#include "auth/auth_int.h"
#include "crypto/password.h"

enum {
    BUSY_WAIT_MS = 2000,
    NAME_SHOWN_MAX = 128,
    ADDRESS_SHARE = 20, /* users behind one address who may all fail as often as one user may */
};

/* --- the gate: half of the pool at most hashes, the other half goes on serving --------------------- */

static bool gate_enter(struct auth *auth)
{
    if (atomic_fetch_add(&auth->hashing, 1) < auth->hashing_max) return true;
    atomic_fetch_sub(&auth->hashing, 1);
    return false;
}

static void gate_leave(struct auth *auth)
{
    atomic_fetch_sub(&auth->hashing, 1);
}

/* --- one attempt --------------------------------------------------------------------------------------- */

struct attempt {
    struct auth_throttle_key who, address;
};

static struct attempt attempt_of(const struct auth_visit *v, enum auth_throttle_kind kind,
                                 struct str name)
{
    bool v6;
    uint64_t source = net_addr_source(&v->req->peer.addr, &v6);
    char text[sizeof source + 1];
    memcpy(text, &source, sizeof source);
    text[sizeof source] = (char)v6;
    struct auth_throttle *t = v->auth->throttle;
    return (struct attempt){auth_throttle_key(t, kind, name),
                            auth_throttle_key(t, AUTH_THROTTLE_ADDRESS, str_of(text, sizeof text))};
}

/* Counts the attempt against both, or against none. */
static bool attempt_begin(const struct auth_visit *v, const struct attempt *a, int64_t *wait_ms)
{
    struct auth_throttle *t = v->auth->throttle;
    int64_t now_ms = clock_mono_ms(&v->auth->settings.clock);
    int64_t pause_ms = v->params->number[STORE_P_SIGNIN_PAUSE_S] * 1000;
    unsigned tries = (unsigned)v->params->number[STORE_P_SIGNIN_TRIES];
    if (!auth_throttle_try(t, a->address, now_ms, tries * ADDRESS_SHARE, pause_ms, wait_ms))
        return false;
    if (auth_throttle_try(t, a->who, now_ms, tries, pause_ms, wait_ms)) return true;
    auth_throttle_undo(t, a->address);
    return false;
}

static void attempt_undo(const struct auth_visit *v, const struct attempt *a)
{
    auth_throttle_undo(v->auth->throttle, a->address);
    auth_throttle_undo(v->auth->throttle, a->who);
}

/* One good account must not wash the address of the failures of others. */
static void attempt_passed(const struct auth_visit *v, const struct attempt *a)
{
    auth_throttle_undo(v->auth->throttle, a->address);
    auth_throttle_clear(v->auth->throttle, a->who);
}

/* --- users --------------------------------------------------------------------------------------------- */

/* Made when passwords were cheaper to guess: made anew while the word is at hand. */
static void renew_hash(struct auth_visit *v, struct store_user *user, struct str password)
{
    char hash[CRYPTO_PASSWORD_HASH_MAX];
    struct store_by by = auth_by(v, STR("system"));
    if (!crypto_password_needs_rehash(user->password, &crypto_password_cost_default)) return;
    if (crypto_password_hash(password, &crypto_password_cost_default, &v->auth->settings.random,
                             hash) != RC_OK)
        return;
    user->password = str_from(hash);
    if (store_user_put(v->auth->settings.store, &by, STORE_UPDATE, user, NULL) == RC_OK)
        log_info(v->auth->settings.log, "password.rehashed", LOG_STR("user", user->id));
    user->password = STR("");
}

static enum auth_verdict verify(struct auth_visit *v, struct str password, struct auth_check *out)
{
    struct store_user *user = &out->user;
    enum rc rc = RC_DENIED;
    if (user->password.n)
        rc = crypto_password_verify(password, user->password);
    else
        crypto_password_verify_nobody(password, &crypto_password_cost_default);
    if (rc == RC_OK && user->active) {
        renew_hash(v, user, password);
        return AUTH_PASSED;
    }
    out->why = user->id.n == 0         ? "no such user"
               : user->password.n == 0 ? "no password set"
               : rc == RC_DENIED       ? "wrong password"
               : rc == RC_OK           ? "user inactive"
                                       : "password hash unusable";
    return rc == RC_NOMEM ? AUTH_FAILED : AUTH_WRONG;
}

static void check(struct auth_visit *v, struct str name, struct str password,
                  struct auth_check *out)
{
    enum rc rc = store_user_get(v->auth->settings.store, name, v->req->arena, &out->user, &v->why);
    if (rc == RC_NOT_FOUND) out->user = (struct store_user){0};
    if (rc != RC_OK && rc != RC_NOT_FOUND) {
        out->verdict = AUTH_FAILED;
        out->why = "the store cannot be read";
    } else if (!gate_enter(v->auth)) {
        out->verdict = AUTH_BUSY;
        out->wait_ms = BUSY_WAIT_MS;
        out->why = "too many passwords being checked";
    } else {
        out->verdict = verify(v, password, out);
        gate_leave(v->auth);
    }
    out->user.password = STR("");
}

/* What was not looked at is logged, but must not fill the audit table. */
static void note_refusal(struct auth_visit *v, struct str name, const struct auth_check *c,
                         bool was_looked_at)
{
    static const enum auth_count counts[] = {[AUTH_WRONG] = AUTH_C_REFUSED,
                                             [AUTH_PAUSED] = AUTH_C_PAUSED,
                                             [AUTH_BUSY] = AUTH_C_BUSY,
                                             [AUTH_FAILED] = AUTH_C_REFUSED};
    struct str shown = name.n <= NAME_SHOWN_MAX && str_is_utf8(name) ? name : STR("?");
    struct store_by by = auth_by(v, shown);
    auth_count(v->auth, counts[c->verdict]);
    log_info(v->auth->settings.log, "signin.refused", LOG_STR("user", shown),
             LOG_CSTR("address", v->from), LOG_CSTR("why", c->why));
    if (!was_looked_at || c->verdict != AUTH_WRONG) return;
    if (store_audit_add(v->auth->settings.store, &by, STR("signin"), STR("user"), shown,
                        str_from(c->why), &v->why) != RC_OK)
        log_warn(v->auth->settings.log, "audit.failed", LOG_CSTR("why", v->why.text));
}

void auth_check_user(struct auth_visit *v, struct str user, struct str password,
                     struct auth_check *out)
{
    struct attempt a = attempt_of(v, AUTH_THROTTLE_USER, user);
    *out = (struct auth_check){.verdict = AUTH_WRONG, .why = "nothing typed"};
    if (user.n == 0 || password.n == 0 || password.n > CRYPTO_PASSWORD_MAX ||
        user.n > STORE_KEY_MAX || !str_is_utf8(user)) {
        note_refusal(v, user, out, false);
        return;
    }
    if (attempt_begin(v, &a, &out->wait_ms)) {
        check(v, user, password, out);
        if (out->verdict == AUTH_PASSED) attempt_passed(v, &a);
        if (out->verdict == AUTH_BUSY || out->verdict == AUTH_FAILED) attempt_undo(v, &a);
    } else {
        out->verdict = AUTH_PAUSED;
        out->why = "too many failures";
    }
    if (out->verdict != AUTH_PASSED) note_refusal(v, user, out, true);
}

/* --- clients ------------------------------------------------------------------------------------------- */

static enum auth_verdict verify_client(struct auth *auth, struct str secret, struct str hash)
{
    if (!gate_enter(auth)) return AUTH_BUSY;
    enum rc rc = RC_DENIED;
    if (hash.n)
        rc = crypto_password_verify(secret, hash);
    else
        crypto_password_verify_nobody(secret, &crypto_password_cost_default);
    gate_leave(auth);
    return rc == RC_OK ? AUTH_PASSED : rc == RC_NOMEM ? AUTH_FAILED : AUTH_WRONG;
}

void auth_check_client(struct auth_visit *v, const struct store_client *client, struct str secret,
                       struct auth_check *out)
{
    struct attempt a = attempt_of(v, AUTH_THROTTLE_CLIENT, client->client_id);
    *out = (struct auth_check){.verdict = AUTH_WRONG, .why = "wrong client secret"};
    if (secret.n == 0 || secret.n > CRYPTO_PASSWORD_MAX) return;
    if (!attempt_begin(v, &a, &out->wait_ms)) {
        out->verdict = AUTH_PAUSED;
        out->why = "too many wrong client secrets";
        auth_count(v->auth, AUTH_C_PAUSED);
        return;
    }
    out->verdict = verify_client(v->auth, secret, client->secret_hash);
    if (out->verdict == AUTH_PASSED) attempt_passed(v, &a);
    if (out->verdict == AUTH_BUSY || out->verdict == AUTH_FAILED) attempt_undo(v, &a);
    if (out->verdict == AUTH_BUSY) {
        out->wait_ms = BUSY_WAIT_MS;
        auth_count(v->auth, AUTH_C_BUSY);
    }
}
