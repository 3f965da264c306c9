/* The authorization endpoint (RFC 6749, 3.1): GET shows the sign-in page, its POST checks the
 * password and sends the code to the client. Until client and redirect URI are known to be right,
 * errors are pages; then they travel to the client.
 *
 *   parse -> client -> redirect URI -> [page from here: redirect] request -> scope -> page | code */
#include "auth/auth_int.h"
#include "auth/page.h"
#include "base/base64.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

#define COOKIE "__Host-bearline-signin"

enum { BROWSER_BYTES = 16, BROWSER_LEN = 2 * BROWSER_BYTES, CODE_BYTES = 32, QUERY_MAX = 32768 };

struct sign_in {
    struct auth_visit v;
    struct auth_request request;
    struct store_client client;
    struct str scope;              /* what would be granted */
    struct str query;              /* the request, printed again */
    char browser[BROWSER_LEN + 1]; /* value of the cookie */
};

/* --- pages -------------------------------------------------------------------------------------------- */

static void begin_page(struct sign_in *s, int status, struct str redirect_uri)
{
    char source[AUTH_REDIRECT_MAX];
    struct buf csp, form;
    buf_init_fixed(&form, source, sizeof source);
    auth_redirect_print_source(&form, redirect_uri);
    buf_init(&csp, AUTH_REDIRECT_MAX + 512);
    http_reply(s->v.res, status, "text/html; charset=utf-8", STR(""));
    http_set_header(s->v.res, "Cache-Control", STR("no-store"));
    if (auth_page_print_csp(&csp, buf_str(&form)) ==
        RC_OK) /* else the route's, which is stricter */
        http_set_header(s->v.res, "Content-Security-Policy", buf_str(&csp));
    buf_fini(&csp);
}

static void show_error(struct sign_in *s, int status, const char *text)
{
    begin_page(s, status, STR(""));
    auth_page_print_error(
        &s->v.res->body, status < 500 ? "This sign-in cannot be done" : "Something went wrong here",
        text);
}

static void refuse_page(struct sign_in *s, const char *text)
{
    struct str id = s->request.client_id;
    auth_count(s->v.auth, AUTH_C_TOKEN_REFUSED);
    log_info(s->v.auth->settings.log, "authorize.refused",
             LOG_STR("client", str_is_utf8(id) ? str_sub(id, 0, 128) : STR("?")),
             LOG_CSTR("address", s->v.from), LOG_CSTR("why", text));
    show_error(s, 400, text);
}

static void fail_page(struct sign_in *s, const char *at, enum rc rc)
{
    auth_answer_failed(&s->v, at, rc);
    show_error(s, rc == RC_BUSY ? 503 : 500,
               "The server could not do it now. Try again in a minute; if it stays so, tell your "
               "administrator.");
}

static void make_browser(struct sign_in *s)
{
    uint8_t raw[BROWSER_BYTES];
    struct buf b;
    random_fill(&s->v.auth->settings.random, raw, sizeof raw);
    buf_init_fixed(&b, s->browser, BROWSER_LEN);
    buf_put_hex(&b, bytes_of(raw, sizeof raw));
    s->browser[BROWSER_LEN] = '\0';
}

/* Several pages may be open in one browser: they share its cookie. */
static bool find_browser(struct sign_in *s)
{
    struct str cookie = http_cookie(s->v.req, STR(COOKIE));
    uint8_t raw[BROWSER_BYTES];
    size_t n;
    return cookie.n == BROWSER_LEN && hex_decode(cookie, raw, sizeof raw, &n) == RC_OK &&
           str_to_cstr(cookie, s->browser, sizeof s->browser) == RC_OK;
}

static bool has_refresh(const struct sign_in *s)
{
    return directory_params_is_on(s->v.params, STORE_P_REFRESH_LOGIN);
}

static void show_form(struct sign_in *s, int status, struct str username, const char *error)
{
    char csrf[AUTH_CSRF_LEN];
    struct str action;
    struct buf field;
    buf_init_fixed(&field, csrf, sizeof csrf);
    if (!find_browser(s)) make_browser(s);
    enum rc rc = auth_csrf_print(&field, s->v.auth->csrf_key, str_from(s->browser), s->query,
                                 s->v.now_s + AUTH_FORM_LIFE_S);
    if (rc == RC_OK)
        rc = arena_printf(s->v.req->arena, &action, "?%.*s", /* wherever an edge shows the page */
                          STR_ARG(s->query));
    if (rc != RC_OK) {
        fail_page(s, "page", rc);
        return;
    }
    struct auth_page page = {.client = s->client.name,
                             .scope = s->scope,
                             .access_min = s->v.params->number[STORE_P_ACCESS_TOKEN_MIN],
                             .action = action,
                             .csrf = buf_str(&field),
                             .username = username,
                             .error = error};
    if (has_refresh(s)) page.refresh_days = s->v.params->number[STORE_P_REFRESH_TOKEN_DAYS];
    begin_page(s, status, s->request.redirect_uri);
    http_set_cookie(s->v.res, s->v.req, COOKIE, str_from(s->browser), AUTH_FORM_LIFE_S);
    auth_page_print_signin(&s->v.res->body, &page);
}

/* --- answers to the client ------------------------------------------------------------------------------ */

/* first=first_value and, of an error, its description; then state and iss (RFC 9207). */
static void redirect(struct sign_in *s, const char *name, struct str value, const char *description)
{
    struct buf uri;
    buf_init(&uri, QUERY_MAX);
    buf_put_str(&uri, s->request.redirect_uri);
    auth_redirect_add(&uri, str_from(name), value);
    if (description) auth_redirect_add(&uri, STR("error_description"), str_from(description));
    if (s->request.state.n && s->request.state.n <= AUTH_STATE_MAX)
        auth_redirect_add(&uri, STR("state"), s->request.state);
    auth_redirect_add(&uri, STR("iss"), oauth_keyring_issuer(s->v.ring->keyring));
    if (buf_rc(&uri) == RC_OK) {
        http_redirect(s->v.res, 303, buf_str(&uri));
        http_set_header(s->v.res, "Cache-Control", STR("no-store"));
    } else {
        fail_page(s, "redirect", buf_rc(&uri));
    }
    if (uri.n) crypto_wipe(uri.p, uri.n);
    buf_fini(&uri);
}

static void redirect_error(struct sign_in *s, const char *code, const char *description)
{
    auth_count(s->v.auth, AUTH_C_TOKEN_REFUSED);
    log_info(s->v.auth->settings.log, "authorize.refused", LOG_STR("client", s->client.client_id),
             LOG_CSTR("address", s->v.from), LOG_CSTR("error", code), LOG_CSTR("why", description));
    redirect(s, "error", str_from(code), description);
}

/* --- the request ------------------------------------------------------------------------------------------ */

static bool find_client(struct sign_in *s)
{
    struct str id = s->request.client_id;
    enum rc rc = id.n == 0 || id.n > STORE_KEY_MAX || !str_is_utf8(id)
                     ? RC_NOT_FOUND
                     : store_client_get(s->v.auth->settings.store, id, s->v.req->arena, &s->client,
                                        &s->v.why);
    if (rc == RC_OK && s->client.enabled) return true;
    if (rc == RC_OK)
        refuse_page(s, "The program that sent you here is disabled. Ask your administrator.");
    else if (rc == RC_NOT_FOUND)
        refuse_page(s, "The program that sent you here is not known to this server (client_id).");
    else
        fail_page(s, "client", rc);
    return false;
}

static struct str allowed_scopes(const struct sign_in *s)
{
    return s->client.scopes.n ? s->client.scopes : s->v.params->text[STORE_P_TOKEN_SCOPE];
}

static bool check_scope(struct sign_in *s)
{
    enum rc rc = auth_scope_grant(s->request.scope, allowed_scopes(s), s->v.req->arena, &s->scope);
    if (rc == RC_OK) return true;
    if (rc == RC_NOMEM)
        fail_page(s, "scope", rc);
    else
        redirect_error(s, "invalid_scope",
                       rc == RC_DENIED ? "the client may have none of the scopes asked for"
                                       : "scope is no list of scope tokens");
    return false;
}

static bool print_query(struct sign_in *s)
{
    struct buf b;
    buf_init(&b, QUERY_MAX);
    auth_request_print(&b, &s->request);
    enum rc rc = buf_rc(&b);
    if (rc == RC_OK) rc = arena_str_dup(s->v.req->arena, buf_str(&b), &s->query);
    buf_fini(&b);
    if (rc != RC_OK) fail_page(s, "query", rc);
    return rc == RC_OK;
}

/* False: answered. */
static bool read_request(struct sign_in *s)
{
    const char *why;
    enum rc rc = auth_request_parse(s->v.req->query, s->v.req->arena, &s->request);
    if (rc == RC_NOMEM) {
        fail_page(s, "request", rc);
        return false;
    }
    if (rc != RC_OK) {
        refuse_page(s, "The address that brought you here is damaged.");
        return false;
    }
    if (!find_client(s)) return false;
    if (auth_request_check_redirect(&s->request, &s->client,
                                    s->v.params->text[STORE_P_REDIRECT_URIS], &why) != RC_OK) {
        refuse_page(s, why);
        return false;
    }
    struct auth_error error = auth_request_check(&s->request, &s->client);
    if (error.code) {
        redirect_error(s, error.code, error.description);
        return false;
    }
    return check_scope(s) && print_query(s);
}

/* --- signing in ---------------------------------------------------------------------------------------------- */

static void send_code(struct sign_in *s, const struct store_user *user)
{
    uint8_t raw[CODE_BYTES];
    char text[BASE64URL_LEN(CODE_BYTES)];
    struct buf b;
    struct store_code code = {.client_id = s->client.client_id,
                              .user = user->id,
                              .redirect_uri = s->request.redirect_uri,
                              .challenge = s->request.code_challenge,
                              .scope = s->scope,
                              .device = s->request.device_id,
                              .nonce = s->request.nonce,
                              .auth_time_s = s->v.now_s,
                              .expires_s = s->v.now_s + AUTH_CODE_LIFE_S};
    random_fill(&s->v.auth->settings.random, raw, sizeof raw);
    buf_init_fixed(&b, text, sizeof text);
    base64url_print(&b, bytes_of(raw, sizeof raw));
    enum rc rc = crypto_sha256(str_bytes(buf_str(&b)), code.hash.p);
    if (rc == RC_OK) rc = store_code_add(s->v.auth->settings.store, &code, &s->v.why);
    if (rc == RC_OK)
        redirect(s, "code", buf_str(&b), NULL);
    else if (rc == RC_BUSY)
        redirect_error(s, "temporarily_unavailable", "too many sign-ins are under way");
    else
        fail_page(s, "code", rc);
    if (rc == RC_OK) auth_count(s->v.auth, AUTH_C_CODE);
    crypto_wipe(raw, sizeof raw);
    crypto_wipe(text, sizeof text);
}

static void welcome(struct sign_in *s, const struct store_user *user)
{
    struct store_by by = auth_by(&s->v, user->id);
    auth_count(s->v.auth, AUTH_C_SIGNIN);
    log_info(s->v.auth->settings.log, "signin.accepted", LOG_STR("user", user->id),
             LOG_STR("client", s->client.client_id), LOG_STR("device", s->request.device_id),
             LOG_CSTR("address", s->v.from));
    enum rc rc = store_audit_add(s->v.auth->settings.store, &by, STR("signin"), STR("user"),
                                 user->id, STR("ok"), &s->v.why);
    if (rc == RC_OK)
        send_code(s, user);
    else
        fail_page(s, "audit", rc);
}

static void check_password(struct sign_in *s, struct str username, struct str password)
{
    struct auth_check c;
    auth_check_user(&s->v, username, password, &c);
    switch (c.verdict) {
    case AUTH_PASSED: welcome(s, &c.user); return;
    case AUTH_WRONG: show_form(s, 403, username, "User ID or password is not correct."); return;
    case AUTH_PAUSED:
        show_form(s, 429, username, "Too many failed attempts. Wait a moment, then try again.");
        auth_answer_retry(s->v.res, c.wait_ms);
        return;
    case AUTH_BUSY:
        show_form(s, 503, username, "The server is busy. Try again in a few seconds.");
        auth_answer_retry(s->v.res, c.wait_ms);
        return;
    case AUTH_FAILED: fail_page(s, "password", RC_IO); return;
    }
}

static void take_form(struct sign_in *s)
{
    struct form *form = auth_visit_form(&s->v);
    if (!form) {
        refuse_page(s, "The form cannot be read.");
        return;
    }
    struct str username = form_find(form, STR("username"));
    enum rc rc = !find_browser(s)
                     ? RC_DENIED
                     : auth_csrf_check(form_find(form, STR("csrf")), s->v.auth->csrf_key,
                                       str_from(s->browser), s->query, s->v.now_s);
    if (rc == RC_NOMEM)
        fail_page(s, "form", rc);
    else if (rc != RC_OK) /* its words were perhaps typed elsewhere: none is taken over */
        show_form(s, 400, STR(""),
                  rc == RC_EXPIRED
                      ? "This page was open for too long. Please sign in again."
                      : "This page was not opened in this browser, or cookies are off. Please try "
                        "again.");
    else if (form_find(form, STR("cancel")).n)
        redirect_error(s, "access_denied", "the user cancelled the sign-in");
    else
        check_password(s, username, form_find(form, STR("password")));
}

void auth_handle_authorize(void *ctx, const struct http_request *req, struct http_response *res)
{
    struct sign_in s = {.query = STR("")};
    if (!auth_visit_begin(&s.v, ctx, req, res)) return;
    if (read_request(&s)) {
        if (req->method == HTTP_POST)
            take_form(&s);
        else
            show_form(&s, 200, s.request.login_hint, NULL);
    }
    auth_visit_end(&s.v);
}
