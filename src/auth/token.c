/* The token endpoint (RFC 6749, 3.2): a code becomes a grant with its first tokens, a refresh token
 * becomes the next ones. Codes and refresh tokens are spent in the store, in one transaction each,
 * before anything is answered. */
#include "auth/auth_int.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

/* A call under way. */
struct call {
    struct auth_visit v;
    const struct form *form;
    struct store_client client;
};

static void refuse(struct call *c, const char *code, const char *why, struct str user)
{
    auth_count(c->v.auth, AUTH_C_TOKEN_REFUSED);
    log_info(c->v.auth->settings.log, "token.refused", LOG_STR("client", c->client.client_id),
             LOG_STR("user", user), LOG_CSTR("address", c->v.from), LOG_CSTR("error", code),
             LOG_CSTR("why", why));
    auth_answer_error(c->v.res, 400, code, why);
}

static bool has_refresh(const struct call *c)
{
    return directory_params_is_on(c->v.params, STORE_P_REFRESH_LOGIN);
}

/* The reference names its desk phones SEP and their MAC address. */
static int64_t refresh_life_s(const struct call *c, struct str device)
{
    bool is_desk_phone = device.n == 15 && str_starts_nocase(device, STR("SEP"));
    enum store_param_id id = is_desk_phone ? STORE_P_PHONE_REFRESH_DAYS
                                           : STORE_P_REFRESH_TOKEN_DAYS;
    return c->v.params->number[id] * 86400;
}

/* A new refresh token: its secret, and what the store keeps of it. */
struct fresh {
    uint8_t secret[AUTH_REFRESH_SECRET_LEN];
    struct store_hash hash;
    char text[AUTH_REFRESH_LEN];
};

static enum rc fresh_make(const struct call *c, struct fresh *out)
{
    random_fill(&c->v.auth->settings.random, out->secret, sizeof out->secret);
    return auth_refresh_hash(out->secret, &out->hash);
}

static enum rc fresh_print(const struct call *c, struct fresh *f, struct str grant, struct str *out)
{
    struct buf b;
    buf_init_fixed(&b, f->text, sizeof f->text);
    enum rc rc = auth_refresh_print(&b, f->secret, grant, c->v.ring->refresh_key);
    if (rc == RC_OK) *out = buf_str(&b);
    return rc;
}

/* --- authorization_code ---------------------------------------------------------------------------- */

/* Does what is presented belong to the code (RFC 6749, 4.1.3; 7636, 4.6)? NULL: yes. */
static const char *check_code(const struct call *c, const struct store_code *code)
{
    struct str verifier = form_find(c->form, STR("code_verifier"));
    if (!str_eq_nocase(code->client_id, c->client.client_id))
        return "the code was given to another client";
    if (!str_eq(form_find(c->form, STR("redirect_uri")), code->redirect_uri))
        return "redirect_uri is not that of the authorization request";
    if (code->challenge.n == 0)
        return verifier.n ? "code_verifier came, but no code_challenge did before" : NULL;
    if (verifier.n == 0) return "code_verifier is missing";
    if (auth_pkce_check(verifier, code->challenge) != RC_OK)
        return "code_verifier does not belong to the code_challenge";
    return NULL;
}

/* Without the refresh login flow the grant still stands for its access token, so that it can be
 * revoked; its refresh token is one that nobody was told. */
static void open_grant(struct call *c, const struct store_code *code)
{
    struct fresh fresh;
    struct store_by by = auth_by(&c->v, code->user);
    struct store_grant grant = {.user = code->user,
                                .client_id = c->client.client_id,
                                .device = code->device,
                                .scope = code->scope};
    struct auth_issue issue = {.client = &c->client,
                               .user = code->user,
                               .scope = code->scope,
                               .device = code->device,
                               .nonce = code->nonce,
                               .auth_time_s = code->auth_time_s};
    int64_t life_s = has_refresh(c) ? refresh_life_s(c, code->device) : auth_issue_access_s(&c->v);
    issue.refresh_expires_s = c->v.now_s + life_s;
    enum rc rc = fresh_make(c, &fresh);
    if (rc == RC_OK)
        rc = store_grant_open(c->v.auth->settings.store, &by, &grant, &code->hash, &fresh.hash,
                              c->v.now_s, issue.refresh_expires_s, c->v.req->arena, &issue.grant,
                              &c->v.why);
    if (rc == RC_OK && has_refresh(c)) rc = fresh_print(c, &fresh, issue.grant, &issue.refresh);
    if (rc == RC_DENIED || rc == RC_NOT_FOUND || rc == RC_CONFLICT) {
        refuse(c, "invalid_grant", "the user or the client is no longer active", code->user);
    } else if (rc != RC_OK) {
        auth_answer_failed(&c->v, "grant", rc);
    } else {
        auth_count(c->v.auth, AUTH_C_GRANT);
        log_info(c->v.auth->settings.log, "token.issued", LOG_STR("user", code->user),
                 LOG_STR("client", c->client.client_id), LOG_STR("device", code->device),
                 LOG_STR("grant", issue.grant), LOG_CSTR("address", c->v.from));
        auth_issue_answer(&c->v, &issue);
    }
    crypto_wipe(&fresh, sizeof fresh);
}

static void note_reuse(struct call *c, const char *what)
{
    auth_count(c->v.auth, AUTH_C_REUSE);
    log_warn(c->v.auth->settings.log, "token.reused", LOG_CSTR("what", what),
             LOG_STR("client", c->client.client_id), LOG_CSTR("address", c->v.from));
}

static void grant_code(struct call *c)
{
    struct str text = form_find(c->form, STR("code"));
    struct store_by by = auth_by(&c->v, c->client.client_id);
    struct store_hash hash;
    struct store_code code = {.user = STR("")};
    if (text.n == 0) {
        refuse(c, "invalid_request", "code is missing", STR(""));
        return;
    }
    enum rc rc = crypto_sha256(str_bytes(text), hash.p);
    if (rc == RC_OK)
        rc = store_code_spend(c->v.auth->settings.store, &by, &hash, c->v.now_s, c->v.req->arena,
                              &code, &c->v.why);
    const char *why = rc == RC_OK ? check_code(c, &code) : NULL;
    if (rc == RC_CONFLICT) note_reuse(c, "authorization code");
    if (rc == RC_CONFLICT)
        refuse(c, "invalid_grant", "the code was used before: what it gave is revoked", STR(""));
    else if (rc == RC_EXPIRED)
        refuse(c, "invalid_grant", "the code has expired: sign in again", STR(""));
    else if (rc == RC_NOT_FOUND)
        refuse(c, "invalid_grant", "the code is unknown", STR(""));
    else if (rc != RC_OK)
        auth_answer_failed(&c->v, "code", rc);
    else if (why)
        refuse(c, "invalid_grant", why, code.user);
    else
        open_grant(c, &code);
}

/* --- refresh_token ----------------------------------------------------------------------------------- */

static const char *refusal_of(enum rc rc)
{
    switch ((int)rc) {
    case RC_NOT_FOUND: return "the refresh token is unknown: sign in again";
    case RC_EXPIRED: return "the refresh token has expired: sign in again";
    case RC_CONFLICT: return "the refresh token was used before: the sign-in is revoked";
    case RC_DENIED: return "the refresh token is revoked, or its user is not active";
    default: return NULL;
    }
}

/* A token of ours whose sign-in was ended meanwhile: by whom, for who holds the token. NULL: not
 * known (any more). */
static const char *end_of_grant(struct call *c, const struct auth_refresh *old)
{
    struct store_grant grant;
    if (old->grant[0] == '\0' ||
        store_grant_get(c->v.auth->settings.store, str_from(old->grant), c->v.req->arena, &grant,
                        NULL) != RC_OK ||
        grant.revoked_s == 0)
        return NULL;
    if (str_eq(grant.revoked_why, STR("user inactive")))
        return "the user is disabled: ask the administrator";
    if (str_eq(grant.revoked_why, STR("user removed")))
        return "the user was removed: ask the administrator";
    if (str_ends(grant.revoked_why, STR("used twice")) ||
        str_eq(grant.revoked_why, STR("old refresh token used")))
        return NULL;
    return "the sign-in was revoked: sign in again";
}

/* The new token lives as long as the old one would have: a sign-in has one end. */
static enum rc find_expiry(struct call *c, const struct store_hash *hash, int64_t *expires_s)
{
    struct store_grant grant;
    enum rc rc = store_refresh_find(c->v.auth->settings.store, hash, c->v.req->arena, &grant,
                                    &c->v.why);
    *expires_s = rc == RC_OK ? grant.expires_s : c->v.now_s;
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* The scope asked for is looked at while the token would be spent: a phone that asks for too much
 * keeps its token, a token used before is found out all the same. */
struct scope_check {
    struct call *c;
    struct str granted, user;
    enum rc rc;
};

static enum rc check_scope(void *ctx, const struct store_grant *grant)
{
    struct scope_check *s = ctx;
    struct call *c = s->c;
    s->user = grant->user;
    s->rc = auth_scope_grant(form_find(c->form, STR("scope")), grant->scope, c->v.req->arena,
                             &s->granted);
    return s->rc;
}

static enum rc use_refresh(struct call *c, const struct auth_refresh *old, const struct fresh *next,
                           struct scope_check *scope, struct store_grant *out)
{
    struct store_by by = auth_by(&c->v, c->client.client_id);
    struct store_refresh use = {
        .old_hash = old->hash,
        .next_hash = next->hash,
        .rotate = directory_params_is_on(c->v.params, STORE_P_REFRESH_ROTATION),
        .grant_hint = str_from(old->grant),
        .client_id = c->client.client_id,
        .now_s = c->v.now_s,
        .grace_s = c->v.params->number[STORE_P_REFRESH_GRACE_S],
        .check = check_scope,
        .check_ctx = scope};
    enum rc rc = find_expiry(c, &old->hash, &use.expires_s);
    if (rc != RC_OK) return rc;
    return store_refresh_use(c->v.auth->settings.store, &by, &use, c->v.req->arena, out, &c->v.why);
}

static void answer_refreshed(struct call *c, const struct store_grant *grant, struct str scope,
                             struct fresh *next)
{
    struct auth_issue issue = {.client = &c->client,
                               .user = grant->user,
                               .grant = grant->id,
                               .scope = scope,
                               .device = grant->device,
                               .refresh_expires_s = grant->expires_s};
    enum rc rc = RC_OK;
    if (directory_params_is_on(c->v.params, STORE_P_REFRESH_ROTATION))
        rc = fresh_print(c, next, grant->id, &issue.refresh);
    if (rc != RC_OK) {
        auth_answer_failed(&c->v, "refresh", rc);
        return;
    }
    auth_count(c->v.auth, AUTH_C_REFRESH);
    log_info(c->v.auth->settings.log, "token.refreshed", LOG_STR("user", grant->user),
             LOG_STR("client", c->client.client_id), LOG_STR("device", grant->device),
             LOG_STR("grant", grant->id), LOG_CSTR("address", c->v.from));
    auth_issue_answer(&c->v, &issue);
}

static void refresh(struct call *c, const struct auth_refresh *old)
{
    struct fresh next;
    struct store_grant grant;
    struct scope_check scope = {.c = c, .rc = RC_OK};
    enum rc rc = fresh_make(c, &next);
    if (rc == RC_OK) rc = use_refresh(c, old, &next, &scope, &grant);
    const char *ended = rc == RC_OK ? NULL : end_of_grant(c, old);
    if (scope.rc == RC_OK && rc == RC_CONFLICT) note_reuse(c, "refresh token");
    if (scope.rc != RC_OK && scope.rc != RC_NOMEM)
        refuse(c, "invalid_scope", "the sign-in does not have these scopes", scope.user);
    else if (rc != RC_OK && refusal_of(rc))
        refuse(c, "invalid_grant", ended ? ended : refusal_of(rc), STR(""));
    else if (rc != RC_OK)
        auth_answer_failed(&c->v, "refresh", rc);
    else
        answer_refreshed(c, &grant, scope.granted, &next);
    crypto_wipe(&next, sizeof next);
}

static void grant_refresh(struct call *c)
{
    struct str text = form_find(c->form, STR("refresh_token"));
    struct auth_refresh old;
    if (text.n == 0) {
        refuse(c, "invalid_request", "refresh_token is missing", STR(""));
    } else if (!has_refresh(c)) {
        refuse(c, "invalid_grant", "the refresh login flow is off: sign in again", STR(""));
    } else {
        enum rc rc = auth_refresh_parse(text, c->v.ring->refresh_key, &old);
        if (rc == RC_OK)
            refresh(c, &old);
        else if (rc == RC_MALFORMED)
            refuse(c, "invalid_grant", refusal_of(RC_NOT_FOUND), STR(""));
        else
            auth_answer_failed(&c->v, "refresh", rc);
    }
}

/* --- dispatch ------------------------------------------------------------------------------------------ */

static void answer(struct call *c)
{
    struct str type = form_find(c->form, STR("grant_type"));
    if (!auth_client_identify(&c->v, c->form, &c->client)) return;
    if (type.n == 0)
        refuse(c, "invalid_request", "grant_type is missing", STR(""));
    else if (str_eq(type, STR("authorization_code")))
        grant_code(c);
    else if (str_eq(type, STR("refresh_token")))
        grant_refresh(c);
    else
        refuse(c, "unsupported_grant_type",
               "grant_type must be authorization_code or refresh_token", STR(""));
}

void auth_handle_token(void *ctx, const struct http_request *req, struct http_response *res)
{
    struct call c = {.form = NULL};
    if (!auth_visit_begin(&c.v, ctx, req, res)) return;
    c.form = auth_visit_form(&c.v);
    if (c.form) answer(&c);
    auth_visit_end(&c.v);
}
