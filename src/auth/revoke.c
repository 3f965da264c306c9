/* Taking back: one sign-in, by whoever holds a token of it (RFC 7009), and all sign-ins of a user, by
 * an administrator (the reference's way: GET or POST with HTTP Basic). */
#include "auth/auth_int.h"
#include "jose/object.h"

/* --- RFC 7009 ------------------------------------------------------------------------------------------- */

struct revocation {
    struct auth_visit v;
    struct store_client client;
};

static void answer_empty(struct http_response *res)
{
    http_reply(res, 200, "text/plain; charset=utf-8", STR(""));
    http_set_header(res, "Cache-Control", STR("no-store"));
}

static void revoke_grant(struct revocation *r, struct str id, struct str client_id, struct str user)
{
    struct store_by by = auth_by(&r->v, user);
    if (!str_eq_nocase(client_id, r->client.client_id)) {
        auth_answer_error(r->v.res, 400, "invalid_grant", "the token was given to another client");
        return;
    }
    enum rc rc = store_grant_revoke(r->v.auth->settings.store, &by, id, r->v.now_s,
                                    STR("revoked by the client"), &r->v.why);
    if (rc != RC_OK && rc != RC_NOT_FOUND) {
        auth_answer_failed(&r->v, "revoke", rc);
        return;
    }
    log_info(r->v.auth->settings.log, "token.revoked", LOG_STR("user", user),
             LOG_STR("client", r->client.client_id), LOG_STR("grant", id),
             LOG_CSTR("address", r->v.from));
    answer_empty(r->v.res);
}

/* True: it was one, and is answered. */
static bool try_refresh(struct revocation *r, struct str token)
{
    struct auth_refresh refresh;
    struct store_grant grant;
    if (auth_refresh_parse(token, r->v.ring->refresh_key, &refresh) != RC_OK) return false;
    enum rc rc = store_refresh_find(r->v.auth->settings.store, &refresh.hash, r->v.req->arena,
                                    &grant, &r->v.why);
    if (rc == RC_OK)
        revoke_grant(r, grant.id, grant.client_id, grant.user);
    else if (rc != RC_NOT_FOUND)
        auth_answer_failed(&r->v, "revoke", rc);
    return rc != RC_NOT_FOUND;
}

static bool try_access(struct revocation *r, struct str token)
{
    struct oauth_claims claims;
    enum oauth_reason reason;
    enum rc rc = oauth_verify(r->v.auth->settings.verifier, token, r->v.now_s, r->v.req->arena,
                              &claims, &reason);
    if (rc != RC_OK || claims.issuer_kind != OAUTH_ISSUER_OWN || claims.gid.n == 0) return false;
    revoke_grant(r, claims.gid, claims.client_id, claims.subject);
    return true;
}

/* What is no token (any more) is revoked enough (RFC 7009, 2.2). */
static void answer_revocation(struct revocation *r, const struct form *form)
{
    struct str token = form_find(form, STR("token"));
    if (!auth_client_identify(&r->v, form, &r->client)) return;
    if (token.n == 0)
        auth_answer_error(r->v.res, 400, "invalid_request", "token is missing");
    else if (!try_refresh(r, token) && !try_access(r, token))
        answer_empty(r->v.res);
}

void auth_handle_revoke(void *ctx, const struct http_request *req, struct http_response *res)
{
    struct revocation r;
    if (!auth_visit_begin(&r.v, ctx, req, res)) return;
    const struct form *form = auth_visit_form(&r.v);
    if (form) answer_revocation(&r, form);
    auth_visit_end(&r.v);
}

/* --- all of a user ------------------------------------------------------------------------------------------ */

static bool check_admin(struct auth_visit *v, struct str *admin)
{
    struct str password;
    struct auth_check c = {.verdict = AUTH_WRONG};
    if (http_basic(v->req, admin, &password) == RC_OK) auth_check_user(v, *admin, password, &c);
    if (c.verdict == AUTH_PASSED && (c.user.roles & STORE_ROLE_ADMIN)) {
        *admin = c.user.id;
        return true;
    }
    if (c.verdict == AUTH_PASSED) {
        auth_answer_error(v->res, 403, "access_denied", "only an administrator may do this");
    } else if (c.verdict == AUTH_WRONG) {
        auth_answer_error(v->res, 401, "access_denied", "an administrator's password is needed");
        http_set_header(v->res, "WWW-Authenticate", STR("Basic realm=\"bearline\""));
    } else if (c.verdict == AUTH_FAILED) {
        auth_answer_failed(v, "password", RC_IO);
    } else {
        auth_answer_error(v->res, c.verdict == AUTH_PAUSED ? 429 : 503, "temporarily_unavailable",
                          "too many attempts: try again later");
        auth_answer_retry(v->res, c.wait_ms);
    }
    return false;
}

/* A page of another site must not ride on a browser that knows the password. */
static bool is_cross_site(const struct http_request *req)
{
    struct str site = http_header_find(req, STR("Sec-Fetch-Site"));
    return site.n && !str_eq(site, STR("same-origin")) && !str_eq(site, STR("none"));
}

static void begin_answer(struct auth_visit *v, int status, const char *result, struct str user)
{
    struct buf *b = &v->res->body;
    auth_answer_json(v->res, status);
    buf_printf(b, "{\"revoked_tokens\":{\"status\":\"%s\",\"user_id\":", result);
    jose_print_string(b, user);
    buf_put_lit(b, ",\"clientID_tokens\":[");
}

/* In the place where the reference shows the index of the refresh token: a digest of the grant. */
static void put_grant(struct buf *b, const struct store_grant *grant, bool is_first)
{
    char digest[65];
    if (!is_first) buf_put_char(b, ',');
    buf_put_lit(b, "{\"client_id\":");
    jose_print_string(b, grant->client_id);
    if (auth_hash_hex(str_bytes(grant->id), digest) == RC_OK)
        buf_printf(b, ",\"refresh_token\":\"%s\"", digest);
    buf_put_char(b, '}');
}

/* Lists what lives, then revokes all of it in one change. */
static enum rc revoke_listed(struct auth_visit *v, const struct store_by *by,
                             const struct store_grant_filter *filter, size_t *count)
{
    struct store_grant_filter f = *filter;
    struct store_grants grants = {.more = true};
    enum rc rc = RC_OK;
    *count = 0;
    while (rc == RC_OK && grants.more) {
        rc = store_grant_list(v->auth->settings.store, &f, v->req->arena, &grants, &v->why);
        for (size_t i = 0; rc == RC_OK && i < grants.count; i++)
            put_grant(&v->res->body, &grants.rows[i], (*count)++ == 0);
        if (rc == RC_OK && grants.more) f.after = grants.rows[grants.count - 1].id;
    }
    if (rc == RC_OK)
        rc = store_grant_revoke_all(v->auth->settings.store, by, filter, v->now_s,
                                    STR("revoked by an administrator"), NULL, &v->why);
    return rc;
}

static void revoke_user(struct auth_visit *v, struct str admin, struct str user, struct str client)
{
    struct store_by by = auth_by(v, admin);
    struct store_grant_filter filter = {.user = user, .client_id = client, .alive_only = true};
    size_t count;
    begin_answer(v, 200, "success", user);
    enum rc rc = revoke_listed(v, &by, &filter, &count);
    buf_put_lit(&v->res->body, "]}}\n");
    if (rc != RC_OK) {
        auth_answer_failed(v, "revoke", rc);
        return;
    }
    log_info(v->auth->settings.log, "user.revoked", LOG_STR("user", user), LOG_STR("by", admin),
             LOG_CSTR("address", v->from), LOG_INT("grants", count));
}

static void answer_user_revoke(struct auth_visit *v, const struct form *form)
{
    struct str admin, user = form_find(form, STR("user_id"));
    const struct directory_user *known;
    if (is_cross_site(v->req)) {
        auth_answer_error(v->res, 403, "access_denied", "not from another site's page");
        return;
    }
    if (!check_admin(v, &admin)) return;
    if (user.n == 0) {
        auth_answer_error(v->res, 400, "invalid_request", "user_id is missing");
    } else if (!(known = directory_user_ref(v->auth->settings.directory, user))) {
        begin_answer(v, 404, "failure", user);
        buf_put_lit(&v->res->body, "],\"reason\":\"there is no such user\"}}\n");
    } else {
        revoke_user(v, admin, known->id, form_find(form, STR("client_id")));
        directory_user_unref(known);
    }
}

/* The parameters stand in the query, of a POST perhaps in the form. */
void auth_handle_user_revoke(void *ctx, const struct http_request *req, struct http_response *res)
{
    struct auth_visit v;
    const struct form *form = NULL;
    if (!auth_visit_begin(&v, ctx, req, res)) return;
    if (req->method == HTTP_POST && req->query.n == 0) {
        form = auth_visit_form(&v);
    } else {
        struct form *query = arena_alloc(req->arena, sizeof *query);
        if (query && form_parse(req->query, req->arena, query) == RC_OK)
            form = query;
        else
            auth_answer_error(res, 400, "invalid_request", "the query cannot be read");
    }
    if (form) answer_user_revoke(&v, form);
    auth_visit_end(&v);
}
