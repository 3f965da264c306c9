/* Signing in without a browser: the same code flow through the server's own page. The phone reads
 * the page's form, fills in user and password, posts it back to the server it came from and to no
 * other, and takes the code out of the redirect instead of following it. */
#include "phone/login_int.h"

#include "base/form.h"
#include "http/client.h"
#include "phone/edge.h"
#include "phone/form.h"
#include <stdio.h>

enum { STEP_MAX = 6, COOKIE_MAX = 8, COOKIE_BYTES_MAX = 4096 };

struct cookie {
    struct str name, value;
};

struct walk {
    struct code_flow *flow;
    struct str user, password;
    struct str url; /* where we are */
    struct cookie cookies[COOKIE_MAX];
    size_t cookie_count;
    bool posted; /* the password has been sent */
    struct http_answer answer;
};

static enum phone_exit out_of_memory(struct phone_problem *problem)
{
    return phone_problem_set(problem, PHONE_EXIT_FAILED, "Out of memory while signing in.");
}

/* ---- cookies (RFC 6265, 5.2: name and value; they go back to the one server there is) ---- */

static void keep_cookie(struct walk *w, struct str line)
{
    struct cookie c;
    struct str rest = line;
    if (!str_split(&rest, ';', &c.value)) return;
    if (!str_split(&c.value, '=', &c.name) || !c.value.p || c.name.n + c.value.n > COOKIE_BYTES_MAX)
        return;
    c.name = str_trim(c.name);
    c.value = str_trim(c.value);
    size_t i = 0;
    while (i < w->cookie_count && !str_eq(w->cookies[i].name, c.name))
        i++;
    if (i == COOKIE_MAX) return;
    w->cookies[i] = c;
    if (i == w->cookie_count) w->cookie_count++;
}

static void keep_cookies(struct walk *w)
{
    for (size_t i = 0; i < w->answer.header_count; i++)
        if (str_eq_nocase(w->answer.headers[i].name, STR("Set-Cookie")))
            keep_cookie(w, w->answer.headers[i].value);
}

static void print_cookies(const struct walk *w, struct buf *out)
{
    for (size_t i = 0; i < w->cookie_count; i++)
        buf_printf(out, "%s%.*s=%.*s", i > 0 ? "; " : "", STR_ARG(w->cookies[i].name),
                   STR_ARG(w->cookies[i].value));
}

/* ---- asking ---- */

/* body.p NULL: GET. */
static enum phone_exit ask(struct walk *w, struct str body, struct phone_problem *problem)
{
    struct buf cookies;
    buf_init(&cookies, (size_t)COOKIE_MAX * (COOKIE_BYTES_MAX + 4));
    print_cookies(w, &cookies);
    struct http_client_header header = {STR("Cookie"), buf_str(&cookies)};
    struct http_call call = {
        .url = w->url,
        .body = body,
        .headers = &header,
        .header_count = cookies.n > 0 ? 1 : 0,
        .ca_file = w->flow->ca_file,
        .response_max = PHONE_FORM_PAGE_MAX,
    };
    if (body.p) call.content_type = STR("application/x-www-form-urlencoded");
    enum rc rc = phone_edge_route(w->flow->login->edge, &call, w->flow->arena);
    if (rc == RC_OK) http_fetch(&call, w->flow->arena, &w->answer);
    buf_fini(&cookies);
    if (rc != RC_OK) return out_of_memory(problem);
    if (w->answer.failure != HTTP_FAIL_NONE)
        return phone_problem_of_http(problem, "Signing in", &w->answer);
    keep_cookies(w);
    return PHONE_EXIT_OK;
}

static enum phone_exit post_form(struct walk *w, const struct phone_form *form,
                                 struct phone_problem *problem)
{
    struct str origin = phone_url_origin(w->url);
    enum rc rc = phone_url_resolve(w->url, form->action, w->flow->arena, &w->url);
    if (rc != RC_OK || !form->is_post || !str_eq_nocase(phone_url_origin(w->url), origin))
        return phone_problem_set(problem, PHONE_EXIT_AUTH_SERVER,
                                 "The sign-in page of %.*s sends its form to another server or not "
                                 "by POST. The password was not sent.",
                                 STR_ARG(origin));
    struct buf body;
    buf_init(&body, 64 * 1024);
    for (size_t i = 0; i < form->count; i++) {
        const struct phone_form_field *f = &form->fields[i];
        bool is_user = str_eq(f->name, form->user_field);
        bool is_password = str_eq(f->name, form->password_field);
        if (is_user || is_password || f->kind == PHONE_FIELD_HIDDEN)
            form_print_pair(&body, f->name,
                            is_user       ? w->user
                            : is_password ? w->password
                                          : f->value);
    }
    w->posted = true;
    enum phone_exit exit = buf_rc(&body) == RC_OK ? ask(w, buf_str(&body), problem)
                                                  : out_of_memory(problem);
    if (body.p) crypto_wipe(body.p, body.cap);
    buf_fini(&body);
    return exit;
}

/* ---- what came back ---- */

static enum phone_exit refused(struct walk *w, struct str alert, struct phone_problem *problem)
{
    struct str host = phone_url_host(w->url);
    const char *stop = alert.n > 0 && strchr(".!?", alert.p[alert.n - 1]) ? "" : ".";
    if (w->posted && (w->answer.status == 429 || w->answer.status == 503))
        return phone_problem_set(problem, PHONE_EXIT_SIGN_IN,
                                 "%.*s takes no sign-in now: %.*s%s Wait %.*s seconds and try "
                                 "again.",
                                 STR_ARG(host), STR_ARG(alert), stop,
                                 STR_ARG(http_answer_header(&w->answer, STR("Retry-After"))));
    if (w->posted && w->answer.status >= 500)
        return phone_problem_set(problem, PHONE_EXIT_SIGN_IN,
                                 "%.*s cannot complete a sign-in now (status %d). Try again in a "
                                 "minute; if it stays so, tell its administrator: \"bearline "
                                 "diagnose\" there says what is wrong.",
                                 STR_ARG(host), w->answer.status);
    if (w->posted)
        return phone_problem_set(problem, PHONE_EXIT_PASSWORD,
                                 "%.*s did not accept user %.*s with this password%s%.*s%s Check "
                                 "--user and the file given with --password-file.",
                                 STR_ARG(host), STR_ARG(w->user), alert.n > 0 ? ": " : "",
                                 STR_ARG(alert), stop);
    return phone_problem_set(problem, PHONE_EXIT_AUTH_SERVER,
                             "%.*s answered the sign-in with status %d%s%.*s%s Check that this is "
                             "the authorization server.",
                             STR_ARG(host), w->answer.status, alert.n > 0 ? ": " : "",
                             STR_ARG(alert), stop);
}

static enum phone_exit on_page(struct walk *w, struct phone_problem *problem)
{
    struct phone_form *form = ARENA_NEW(w->flow->arena, struct phone_form);
    struct str alert = STR("");
    if (!form) return out_of_memory(problem);
    enum rc rc = phone_form_parse(w->answer.body, w->flow->arena, form);
    if (rc == RC_NOMEM) return out_of_memory(problem);
    if (rc == RC_OK && !w->posted && form->user_field.n > 0) return post_form(w, form, problem);
    if (rc == RC_OK) return refused(w, form->alert, problem);
    if (phone_form_alert(w->answer.body, w->flow->arena, &alert) != RC_OK) alert = STR("");
    return refused(w, alert, problem);
}

static enum phone_exit on_code(struct walk *w, struct str url, struct phone_problem *problem)
{
    struct code_flow *f = w->flow;
    struct str query = str_sub(url, f->redirect_uri.n + 1, url.n);
    enum rc rc = phone_redirect_parse(query, f->arena, &f->answer);
    if (rc == RC_NOMEM) return out_of_memory(problem);
    if (rc != RC_OK)
        return phone_problem_set(problem, PHONE_EXIT_AUTH_SERVER,
                                 "%.*s sent an answer to the sign-in that holds neither code nor "
                                 "error.",
                                 STR_ARG(phone_url_host(w->url)));
    return phone_redirect_check(&f->answer, f->state, f->metadata, problem);
}

/* True: the walk is over with *exit. */
static bool step(struct walk *w, enum phone_exit *exit, struct phone_problem *problem)
{
    struct code_flow *f = w->flow;
    struct str origin = phone_url_origin(w->url), url;
    if (w->answer.status < 300 || w->answer.status >= 400) {
        *exit = on_page(w, problem);
        return *exit != PHONE_EXIT_OK;
    }
    struct str location = http_answer_header(&w->answer, STR("Location"));
    if (phone_url_resolve(w->url, location, f->arena, &url) != RC_OK) url = STR("");
    if (str_starts(url, f->redirect_uri) && url.n > f->redirect_uri.n &&
        url.p[f->redirect_uri.n] == '?') {
        *exit = on_code(w, url, problem);
        return true;
    }
    if (!str_eq_nocase(phone_url_origin(url), origin)) {
        *exit = phone_problem_set(problem, PHONE_EXIT_SIGN_IN,
                                  "%.*s sends the sign-in on to another server, which needs a "
                                  "browser. Run \"login\" without --password-file.",
                                  STR_ARG(phone_url_host(w->url)));
        return true;
    }
    w->url = url;
    *exit = ask(w, (struct str){NULL, 0}, problem);
    return *exit != PHONE_EXIT_OK;
}

enum phone_exit code_by_password(struct code_flow *f, struct str user, struct str password,
                                 struct phone_problem *problem)
{
    struct walk w = {.flow = f, .user = user, .password = password};
    /* Nobody listens there, and nothing is sent there. */
    f->redirect_uri = STR("http://127.0.0.1:49151/callback");
    if (code_url(f, &w.url) != RC_OK) return out_of_memory(problem);
    enum phone_exit exit = ask(&w, (struct str){NULL, 0}, problem);
    for (int i = 0; exit == PHONE_EXIT_OK && i < STEP_MAX; i++)
        if (step(&w, &exit, problem)) return exit;
    if (exit != PHONE_EXIT_OK) return exit;
    return phone_problem_set(problem, PHONE_EXIT_AUTH_SERVER,
                             "%.*s asks for more steps than a sign-in has.",
                             STR_ARG(phone_url_host(w.url)));
}
