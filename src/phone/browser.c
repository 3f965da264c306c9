/* Signing in by browser (RFC 8252, 7.3): a listener on 127.0.0.1 lives for the one redirect that
 * brings the code, and tells the person that the window may be closed. */
#include "phone/edge.h"
#include "phone/login_int.h"

#include "http/server.h"
#include "net/loop.h"
#include "net/pool.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { QUERY_MAX = 8192, LAST_WORD_MS = 300 };

struct wait {
    struct code_flow *flow;
    struct net_loop *loop;
    struct net_pool *pool;
    struct http_site *site;
    struct http_server *server;
    struct net_post post;
    struct wheel_timer timer;
    pthread_mutex_t lock; /* the handler runs on the pool */
    char query[QUERY_MAX];
    size_t query_n; /* 0: not there yet */
};

/* ---- the page ---- */

#define PAGE(title, text)                                                                          \
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>" title "</title>"      \
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><style>"               \
    ":root{color-scheme:light dark}body{font:1.1rem/1.5 system-ui,sans-serif;margin:0;"            \
    "min-height:100vh;display:grid;place-items:center;background:Canvas;color:CanvasText}"         \
    "main{max-width:26rem;padding:2rem;text-align:center}h1{font-size:1.5rem;margin:0 0 .5rem}"    \
    "p{margin:0}</style></head><body><main><h1>" title "</h1><p>" text                             \
    "</p></main></body></html>\n"

static const char page_good[] = PAGE("You are signed in", "You may close this window. The "
                                                          "terminal where you began says how to "
                                                          "start the phone.");
static const char page_refused[] = PAGE("Not signed in", "The server did not sign you in. The "
                                                         "window where the phone was started says "
                                                         "why.");
static const char page_stray[] = PAGE("Not this sign-in", "This page does not belong to a sign-in "
                                                          "that is under way. Start again from the "
                                                          "phone.");
static const char csp[] = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/* ---- the redirect arrives ---- */

static void finish(void *ctx)
{
    struct wait *w = ctx;
    net_loop_stop(w->loop);
}

/* The page is still on its way to the browser. */
static void linger(void *ctx)
{
    struct wait *w = ctx;
    net_timer_start(w->loop, &w->timer, LAST_WORD_MS, finish, w);
}

static void on_redirect(void *ctx, const struct http_request *req, struct http_response *res)
{
    struct wait *w = ctx;
    struct phone_redirect r;
    bool ours = req->query.n > 0 && req->query.n < QUERY_MAX &&
                phone_redirect_parse(req->query, req->arena, &r) == RC_OK &&
                str_eq(r.state, w->flow->state);
    pthread_mutex_lock(&w->lock);
    bool first = ours && w->query_n == 0;
    if (first) {
        memcpy(w->query, req->query.p, req->query.n);
        w->query_n = req->query.n;
    }
    pthread_mutex_unlock(&w->lock);
    const char *page = !ours ? page_stray : r.error.n > 0 ? page_refused : page_good;
    http_reply(res, ours ? 200 : 400, "text/html; charset=utf-8", str_from(page));
    if (first) net_loop_post(w->loop, &w->post, linger, w);
}

/* ---- the browser ---- */

/* The desktop's own, as a grandchild so that nobody waits for it. False: there is no desktop. */
static bool open_browser(const char *url)
{
    if (!getenv("DISPLAY") && !getenv("WAYLAND_DISPLAY")) return false;
    pid_t child = fork();
    if (child < 0) return false;
    if (child == 0) {
        pid_t browser = fork();
        if (browser != 0) _exit(browser < 0);
        int null = open("/dev/null", O_RDWR);
        if (null >= 0) {
            dup2(null, STDIN_FILENO);
            dup2(null, STDOUT_FILENO);
            dup2(null, STDERR_FILENO);
        }
        execlp("xdg-open", "xdg-open", url, (char *)NULL);
        _exit(127);
    }
    int status;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void ask_person(const struct code_flow *f, struct str url)
{
    bool opened = !f->login->no_browser && open_browser(url.p);
    fprintf(stderr, "%s\n\n  %s\n\n",
            opened ? "Your browser opens the sign-in page. If it does not, open this address in it:"
                   : "To sign in, open this address in a browser on this machine:",
            url.p);
}

/* ---- listening ---- */

static enum rc wait_open(struct wait *w, uint16_t *port)
{
    struct net_addr here = net_addr_v4(127, 0, 0, 1, 0);
    struct http_listener *listener;
    struct http_route route = {
        .methods = HTTP_GET, .path = "/callback", .fn = on_redirect, .ctx = w, .csp = csp};
    enum rc rc = net_loop_new(&w->loop);
    if (rc == RC_OK) rc = net_pool_new(1, 16, &w->pool);
    if (rc != RC_OK) return rc;
    w->site = http_site_new("loopback");
    w->server = http_server_new(w->loop, w->pool, NULL, NULL);
    if (!w->site || !w->server) return RC_NOMEM;
    rc = http_site_add(w->site, &route);
    if (rc == RC_OK) rc = http_listen(w->server, w->site, &here, NULL, &listener, NULL);
    if (rc == RC_OK) *port = http_listener_addr(listener).port;
    return rc;
}

static void wait_close(struct wait *w)
{
    w->server = http_server_free(w->server);
    w->pool = net_pool_free(w->pool);
    w->loop = net_loop_free(w->loop);
    w->site = http_site_free(w->site);
}

static enum phone_exit take_answer(struct wait *w, struct phone_problem *problem)
{
    struct code_flow *f = w->flow;
    struct str query;
    if (w->query_n == 0)
        return phone_problem_set(problem, PHONE_EXIT_SIGN_IN,
                                 "Nobody completed the sign-in within %u minutes. Run \"login\" "
                                 "again.",
                                 (f->login->wait_s ? f->login->wait_s : PHONE_LOGIN_WAIT_S) / 60);
    if (arena_str_dup(f->arena, str_of(w->query, w->query_n), &query) != RC_OK ||
        phone_redirect_parse(query, f->arena, &f->answer) != RC_OK)
        return phone_problem_set(problem, PHONE_EXIT_FAILED, "Out of memory.");
    return phone_redirect_check(&f->answer, f->state, f->metadata, problem);
}

static enum phone_exit wait_run(struct wait *w, struct phone_problem *problem)
{
    struct code_flow *f = w->flow;
    uint16_t port;
    struct str url;
    enum rc rc = wait_open(w, &port);
    if (rc == RC_OK)
        rc = arena_printf(f->arena, &f->redirect_uri, "http://127.0.0.1:%u/callback", port);
    if (rc == RC_OK) rc = code_url(f, &url);
    struct http_call page = {.url = rc == RC_OK ? url : STR("")};
    if (rc == RC_OK) rc = phone_edge_route(f->login->edge, &page, f->arena);
    url = page.url;
    if (rc != RC_OK)
        return phone_problem_set(problem, PHONE_EXIT_FAILED,
                                 "The phone cannot listen on 127.0.0.1 for the browser's answer "
                                 "(%s).",
                                 rc_name(rc));
    ask_person(f, url);
    unsigned wait_s = f->login->wait_s ? f->login->wait_s : PHONE_LOGIN_WAIT_S;
    net_timer_start(w->loop, &w->timer, wait_s * UINT64_C(1000), finish, w);
    net_loop_run(w->loop);
    return take_answer(w, problem);
}

enum phone_exit code_by_browser(struct code_flow *f, struct phone_problem *problem)
{
    struct wait *w = calloc(1, sizeof *w);
    if (!w) return phone_problem_set(problem, PHONE_EXIT_FAILED, "Out of memory.");
    w->flow = f;
    pthread_mutex_init(&w->lock, NULL);
    enum phone_exit exit = wait_run(w, problem);
    wait_close(w);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return exit;
}
