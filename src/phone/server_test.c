/* The phone against servers of all kinds: the configuration server, the token endpoint, and sign-in
 * pages that do what they should not. A server on a thread of its own plays them. */
#include "kit/kit.h"

#include "base/form.h"
#include "http/test_server.h"
#include "net/test_tls.h"
#include "phone/fetch.h"
#include "phone/grant.h"
#include "phone/login.h"
#include "phone/renew.h"
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

/* What the server does next, and what it saw. Changed only while nothing is asked. */
struct play {
    int status, refusal; /* refusal: of a wrong password */
    char body[4096], etag[32], action[256], location[512], iss[128];
    char seen_path[256], seen_etag[64], seen_bearer[64], seen_body[2048], seen_cookie[128];
    char challenge[64];
    unsigned pages, posts, tokens;
    bool no_pkce, page_without_form;
};
static struct play play;
static struct test_server server;
static char base[64], folder[64], ca_file[128], password_file[128];
static struct phone_state state;
static struct test_cert ca, cert;
static struct net_tls *tls;

static void keep(char *out, size_t cap, struct str s)
{
    snprintf(out, cap, "%.*s", STR_ARG(s));
}

static void on_config(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    keep(play.seen_path, sizeof play.seen_path, req->path);
    keep(play.seen_etag, sizeof play.seen_etag, http_header_find(req, STR("If-None-Match")));
    keep(play.seen_bearer, sizeof play.seen_bearer, http_bearer(req));
    http_reply(res, play.status, "text/xml", str_from(play.body));
    if (play.etag[0]) http_set_header(res, "ETag", str_from(play.etag));
}

static void on_metadata(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    struct str json;
    if (arena_printf(req->arena, &json,
                     "{\"issuer\":\"%s\",\"authorization_endpoint\":\"%s/a\",\"token_endpoint\":"
                     "\"%s/t\",\"revocation_endpoint\":\"%s/r\","
                     "\"code_challenge_methods_supported\":[%s],"
                     "\"authorization_response_iss_parameter_supported\":true}",
                     base, base, base, base, play.no_pkce ? "" : "\"S256\"") == RC_OK)
        http_reply(res, play.status, "application/json", json);
}

static void on_page(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    struct form f;
    struct str page;
    play.pages++;
    assert_rc(RC_OK, form_parse(req->query, req->arena, &f));
    keep(play.challenge, sizeof play.challenge, form_find(&f, STR("code_challenge")));
    http_set_cookie(res, req, "b", STR("cookie"), -1);
    if (arena_printf(req->arena, &page,
                     "<form method=post action='%s'><input type=hidden name=csrf value='c&amp;d'>"
                     "<input type=hidden name=state value='%.*s'><input name=u>"
                     "<input type=password name=p></form>",
                     play.action, STR_ARG(form_find(&f, STR("state")))) != RC_OK)
        return;
    http_reply(res, 200, "text/html", play.page_without_form ? STR("<p>hello") : page);
}

static void on_sign_in(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    struct form f;
    struct str to;
    play.posts++;
    keep(play.seen_body, sizeof play.seen_body, req->body);
    keep(play.seen_cookie, sizeof play.seen_cookie, http_header_find(req, STR("Cookie")));
    assert_rc(RC_OK, form_parse(req->body, req->arena, &f));
    if (!str_eq(form_find(&f, STR("p")), STR("right"))) {
        http_reply(res, play.refusal, "text/html",
                   STR("<p role=alert>No, wrong.</p><form method=post><input name=u>"
                       "<input type=password name=p></form>"));
        return;
    }
    if (arena_printf(req->arena, &to, "%s?code=CODE&state=%.*s&iss=%s",
                     play.location[0] ? play.location : "http://127.0.0.1:49151/callback",
                     STR_ARG(form_find(&f, STR("state"))), play.iss[0] ? play.iss : base) == RC_OK)
        http_redirect(res, 303, to);
}

static void on_token(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    struct form f;
    char challenge[PHONE_PKCE_LEN + 1] = "";
    play.tokens++;
    keep(play.seen_body, sizeof play.seen_body, req->body);
    assert_rc(RC_OK, form_parse(req->body, req->arena, &f));
    struct str verifier = form_find(&f, STR("code_verifier"));
    if (verifier.n > 0) assert_rc(RC_OK, phone_pkce_challenge(verifier, challenge));
    bool good = verifier.n == 0 || strcmp(challenge, play.challenge) == 0;
    http_reply(res, good ? play.status : 400, "application/json",
               good ? str_from(play.body) : STR("{\"error\":\"invalid_grant\"}"));
}

static const struct http_route routes[] = {
    {.methods = HTTP_GET, .path = "/CSFrado.cnf.xml", .fn = on_config},
    {.methods = HTTP_GET, .path = "/.well-known/oauth-authorization-server", .fn = on_metadata},
    {.methods = HTTP_GET, .path = "/a", .fn = on_page},
    {.methods = HTTP_POST, .path = "/a", .fn = on_sign_in},
    {.methods = HTTP_POST, .path = "/b", .fn = on_sign_in},
    {.methods = HTTP_POST, .path = "/t", .fn = on_token},
    {.methods = HTTP_POST, .path = "/r", .fn = on_token},
};
enum { ROUTE_COUNT = sizeof routes / sizeof *routes };

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int set_up(void **unused, bool is_tls)
{
    (void)unused;
    struct phone_problem p = {0};
    memset(&play, 0, sizeof play);
    memset(&server, 0, sizeof server);
    play.status = 200;
    play.refusal = 403;
    snprintf(folder, sizeof folder, "/tmp/bearline-phone-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_rc(RC_OK, phone_state_open(&state, folder, true, &p));
    snprintf(ca_file, sizeof ca_file, "%s/given-ca.pem", folder);
    snprintf(password_file, sizeof password_file, "%s/password", folder);
    write_file(password_file, "right\n");
    tls = NULL;
    if (is_tls) {
        ca = test_cert_make(&(struct test_cert_spec){.common_name = "CA", .ca = true});
        cert = test_cert_make(&(struct test_cert_spec){
            .common_name = "node", .alt_names = "DNS:localhost", .issuer = &ca});
        write_file(ca_file, ca.cert_pem);
        tls = test_server(&cert, NULL, NULL);
    }
    test_server_start(&server, routes, ROUTE_COUNT, tls, NULL, 2, 16);
    snprintf(base, sizeof base, "%s://%s:%u", is_tls ? "https" : "http",
             is_tls ? "localhost" : "127.0.0.1", server.port);
    return 0;
}

static int set_up_plain(void **s)
{
    return set_up(s, false);
}
static int set_up_tls(void **s)
{
    return set_up(s, true);
}

static int tear_down(void **unused)
{
    (void)unused;
    char command[96];
    if (server.loop) test_server_stop(&server);
    if (tls) {
        test_cert_free(&ca);
        test_cert_free(&cert);
        net_tls_unref(tls);
    }
    phone_state_close(&state);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* ---- the configuration ---- */

#define CONFIG                                                                                     \
    "<device><devicePool><callManagerGroup><members><member priority=\"0\"><callManager>"          \
    "<name>ucm1</name></callManager></member></members></callManagerGroup></devicePool>"           \
    "<sipProfile><sipLines><line><featureID>9</featureID><name>1010</name></line></sipLines>"      \
    "</sipProfile></device>"

static enum phone_exit fetch(bool https, enum phone_config_source *source, struct phone_problem *p)
{
    struct arena arena;
    struct phone_config c;
    char url[128];
    struct phone_tokens t = {.server = "https://ucm1:8443", .device = "CSFrado"};
    snprintf(url, sizeof url, "%s/CSFrado.cnf.xml", base);
    struct phone_fetch f = {.url = url, .https = https};
    assert_rc(RC_OK, secret_init(&t.access, bytes_of("token", 5)));
    arena_init(&arena, NULL, 0, 4 << 20);
    *p = (struct phone_problem){0};
    enum phone_exit exit = phone_fetch_config(&f, &state, &t, &arena, &c, source, p);
    if (exit == PHONE_EXIT_OK) assert_str("ucm1", c.nodes[0].name);
    arena_fini(&arena);
    phone_tokens_fini(&t);
    return exit;
}

static void test_configuration_is_kept_and_asked_for_by_its_tag(void **unused)
{
    (void)unused;
    enum phone_config_source source;
    struct phone_problem p;
    strcpy(play.body, CONFIG);
    strcpy(play.etag, "\"v1\"");
    assert_int_equal(PHONE_EXIT_OK, fetch(false, &source, &p));
    assert_int_equal(PHONE_CONFIG_NEW, source);
    assert_string_equal("", play.seen_etag);
    play.status = 304;
    assert_int_equal(PHONE_EXIT_OK, fetch(false, &source, &p));
    assert_int_equal(PHONE_CONFIG_UNCHANGED, source);
    assert_string_equal("\"v1\"", play.seen_etag);
    play.status = 503;
    assert_int_equal(PHONE_EXIT_OK, fetch(false, &source, &p));
    assert_int_equal(PHONE_CONFIG_CACHED, source);
    test_server_stop(&server);
    server.loop = NULL;
    assert_int_equal(PHONE_EXIT_OK, fetch(false, &source, &p));
    assert_int_equal(PHONE_CONFIG_CACHED, source);
    assert_int_equal(PHONE_EXIT_UNREACHABLE, p.code);
}

static void test_configuration_refusals(void **unused)
{
    (void)unused;
    static const struct {
        int status;
        const char *body;
        enum phone_exit code;
    } rows[] = {
        {404, "", PHONE_EXIT_NO_CONFIG},
        {403, "Use port 6972.", PHONE_EXIT_CONFIG_REFUSED},
        {401, "", PHONE_EXIT_CONFIG_REFUSED},
        {302, "", PHONE_EXIT_CONFIG_REFUSED},
        {500, "", PHONE_EXIT_CONFIG_REFUSED},
        {200, "<html>", PHONE_EXIT_BAD_CONFIG},
        {200, "<device/>", PHONE_EXIT_BAD_CONFIG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum phone_config_source source;
        struct phone_problem p;
        play.status = rows[i].status;
        strcpy(play.body, rows[i].body);
        assert_int_equal(rows[i].code, fetch(false, &source, &p));
        assert_non_null(strstr(p.text, "/CSFrado.cnf.xml"));
    }
}

static void test_the_token_goes_over_tls_alone(void **unused)
{
    (void)unused;
    enum phone_config_source source;
    struct phone_problem p;
    strcpy(play.body, CONFIG);
    assert_int_equal(PHONE_EXIT_OK, fetch(true, &source, &p)); /* an http:// address */
    assert_string_equal("", play.seen_bearer);
}

static void test_where_the_configuration_is(void **unused)
{
    (void)unused;
    static const struct {
        const char *server, *device;
        bool https;
        const char *url;
    } rows[] = {
        {"https://ucm1:8443", "CSFrado", false, "http://ucm1:6970/CSFrado.cnf.xml"},
        {"https://ucm1:8443", "CSFrado", true, "https://ucm1:6972/CSFrado.cnf.xml"},
        {"https://[::1]:8443", "a/../b", false, "http://[::1]:6970/a%2F..%2Fb.cnf.xml"},
    };
    struct arena arena;
    arena_init(&arena, NULL, 0, 65536);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct phone_tokens t = {0};
        struct str url;
        strcpy(t.server, rows[i].server);
        strcpy(t.device, rows[i].device);
        assert_rc(RC_OK,
                  phone_fetch_url(&(struct phone_fetch){.https = rows[i].https}, &t, &arena, &url));
        assert_str(rows[i].url, url);
    }
    arena_fini(&arena);
}

/* ---- renewing ---- */

static enum phone_exit renew(struct phone_tokens *t, struct phone_problem *p)
{
    struct phone_renew r;
    struct http_answer answer;
    struct arena arena;
    arena_init(&arena, NULL, 0, 1 << 20);
    *p = (struct phone_problem){0};
    enum phone_exit exit = phone_renew_init(&r, &state, t, p);
    if (exit == PHONE_EXIT_OK) {
        http_fetch(&r.call, &arena, &answer);
        exit = phone_renew_take(&state, t, &answer, 5000, p);
        phone_renew_fini(&r);
    }
    arena_fini(&arena);
    return exit;
}

static struct phone_tokens signed_in(void)
{
    struct phone_tokens t = {.server = "https://ucm1:8443",
                             .client_id = "bearline-phone",
                             .device = "CSFrado",
                             .instance = "021122334455"};
    snprintf(t.token_url, sizeof t.token_url, "%s/t", base);
    snprintf(t.revoke_url, sizeof t.revoke_url, "%s/r", base);
    assert_rc(RC_OK, secret_init(&t.access, bytes_of("old", 3)));
    assert_rc(RC_OK, secret_init(&t.refresh, bytes_of("refresh-1", 9)));
    return t;
}

static void test_rotated_tokens_are_on_the_disk_when_they_are_used(void **unused)
{
    (void)unused;
    struct phone_tokens t = signed_in(), disk = {0};
    struct phone_problem p;
    strcpy(play.body, "{\"access_token\":\"new\",\"token_type\":\"Bearer\",\"expires_in\":3600,"
                      "\"refresh_token\":\"refresh-2\"}");
    assert_int_equal(PHONE_EXIT_OK, renew(&t, &p));
    assert_string_equal("grant_type=refresh_token&refresh_token=refresh-1"
                        "&client_id=bearline-phone",
                        play.seen_body);
    assert_rc(RC_OK, phone_tokens_load(&state, &disk));
    assert_str("refresh-2", bytes_str(secret_bytes(&disk.refresh)));
    assert_str("new", bytes_str(secret_bytes(&t.access)));
    assert_int_equal(8600, t.access_until_unix_s);
    phone_tokens_fini(&disk);
    phone_tokens_fini(&t);
}

static void test_renewals_that_do_not_come_about(void **unused)
{
    (void)unused;
    static const struct {
        int status;
        const char *body;
        enum phone_exit code;
        const char *says;
    } rows[] = {
        {400, "{\"error\":\"invalid_grant\",\"error_description\":\"revoked\"}",
         PHONE_EXIT_SIGN_IN_AGAIN,
         "(invalid_grant, revoked). Sign in again: bearline-phone login --server "
         "https://ucm1:8443 --device CSFrado --state "},
        {401, "{\"error\":\"invalid_client\"}", PHONE_EXIT_SIGN_IN_AGAIN, "invalid_client"},
        {503, "{\"error\":\"temporarily_unavailable\"}", PHONE_EXIT_AUTH_SERVER, "not renew"},
        {500, "oops", PHONE_EXIT_AUTH_SERVER, "500"},
        {200, "{}", PHONE_EXIT_AUTH_SERVER, "no tokens"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct phone_tokens t = signed_in();
        struct phone_problem p;
        play.status = rows[i].status;
        strcpy(play.body, rows[i].body);
        assert_int_equal(rows[i].code, renew(&t, &p));
        assert_non_null(strstr(p.text, rows[i].says));
        assert_str("refresh-1", bytes_str(secret_bytes(&t.refresh)));
        secret_fini(&t.refresh);
        assert_int_equal(PHONE_EXIT_SIGN_IN_AGAIN, renew(&t, &p));
        assert_non_null(strstr(p.text, "no refresh token"));
        phone_tokens_fini(&t);
    }
}

static void test_signing_out_tells_the_server_and_removes_the_files(void **unused)
{
    (void)unused;
    struct phone_tokens t = signed_in();
    struct phone_problem p = {0};
    struct secret s = {0};
    assert_int_equal(PHONE_EXIT_NOT_SIGNED_IN, phone_logout(&state, NULL, &p));
    assert_rc(RC_OK, phone_tokens_save(&state, &t, &p));
    assert_int_equal(PHONE_EXIT_OK, phone_logout(&state, NULL, &p));
    assert_string_equal("token=refresh-1&token_type_hint=refresh_token&client_id=bearline-phone",
                        play.seen_body);
    assert_rc(RC_NOT_FOUND, phone_state_read(&state, PHONE_FILE_SESSION, &s));
    assert_rc(RC_OK, phone_tokens_save(&state, &t, &p));
    test_server_stop(&server);
    server.loop = NULL;
    assert_int_equal(PHONE_EXIT_UNREACHABLE, phone_logout(&state, NULL, &p));
    assert_non_null(strstr(p.text, "all files are gone, but the server does not know"));
    assert_rc(RC_NOT_FOUND, phone_state_read(&state, PHONE_FILE_SESSION, &s));
    phone_tokens_fini(&t);
}

/* ---- signing in ---- */

#define TOKENS "{\"access_token\":\"A\",\"token_type\":\"Bearer\",\"refresh_token\":\"R\"}"

static struct kit_random seed;
static struct kit_time now;

static struct phone_login login_of(void)
{
    struct phone_login l = {.server = base,
                            .device = "CSFrado",
                            .ca_file = ca_file,
                            .user = "ra do",
                            .password_file = password_file,
                            .clock = kit_clock(&now),
                            .random = kit_random(&seed, 3)};
    return l;
}

static enum phone_exit sign_in(struct phone_problem *p)
{
    struct phone_login l = login_of();
    if (!play.action[0]) strcpy(play.action, "/a");
    if (!play.body[0]) strcpy(play.body, TOKENS);
    *p = (struct phone_problem){0};
    return phone_login(&l, &state, p);
}

static void test_sign_in_with_a_password_file(void **unused)
{
    (void)unused;
    struct phone_problem p;
    struct phone_tokens t = {0};
    struct secret s = {0};
    char instance[PHONE_INSTANCE_LEN + 1];
    assert_int_equal(PHONE_EXIT_OK, sign_in(&p));
    assert_string_equal("b=cookie", play.seen_cookie);
    assert_rc(RC_OK, phone_tokens_load(&state, &t));
    assert_str("R", bytes_str(secret_bytes(&t.refresh)));
    assert_string_equal(base, t.issuer);
    assert_true(t.has_ca);
    memcpy(instance, t.instance, sizeof instance);
    phone_tokens_fini(&t);
    assert_rc(RC_OK, phone_state_read(&state, PHONE_FILE_CA, &s));
    assert_string_equal(ca.cert_pem, (const char *)s.p);
    secret_fini(&s);
    assert_int_equal(PHONE_EXIT_OK, sign_in(&p)); /* the phone keeps its own name */
    assert_rc(RC_OK, phone_tokens_load(&state, &t));
    assert_string_equal(instance, t.instance);
    phone_tokens_fini(&t);
}

static void test_wrong_password_and_paused_sign_ins(void **unused)
{
    (void)unused;
    struct phone_problem p;
    write_file(password_file, "wrong");
    assert_int_equal(PHONE_EXIT_PASSWORD, sign_in(&p));
    assert_non_null(strstr(p.text, "No, wrong."));
    assert_int_equal(1, play.posts);
    play.refusal = 429;
    assert_int_equal(PHONE_EXIT_SIGN_IN, sign_in(&p));
    assert_non_null(strstr(p.text, "takes no sign-in now"));
    assert_int_equal(0, play.tokens);
}

static void test_pages_that_want_the_password_elsewhere_do_not_get_it(void **unused)
{
    (void)unused;
    static const char *const actions[] = {"https://evil.example/a", "//evil.example/a",
                                          "http://localhost/a"};
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        struct phone_problem p;
        strcpy(play.action, actions[i]);
        assert_int_equal(PHONE_EXIT_AUTH_SERVER, sign_in(&p));
        assert_non_null(strstr(p.text, "The password was not sent."));
        assert_int_equal(0, play.posts);
    }
}

static void test_redirects_that_are_not_ours(void **unused)
{
    (void)unused;
    struct phone_problem p;
    strcpy(play.location, "https://evil.example/callback");
    assert_int_equal(PHONE_EXIT_SIGN_IN, sign_in(&p));
    assert_int_equal(0, play.tokens);
    strcpy(play.location, "");
    strcpy(play.iss, "https%3A%2F%2Fevil.example");
    assert_int_equal(PHONE_EXIT_SIGN_IN, sign_in(&p));
    assert_int_equal(0, play.tokens);
    strcpy(play.iss, "");
    strcpy(play.location, "/a"); /* the page once more */
    play.posts = 0;
    assert_int_equal(PHONE_EXIT_PASSWORD, sign_in(&p));
    assert_int_equal(1, play.posts);
}

static void test_servers_that_are_none(void **unused)
{
    (void)unused;
    struct phone_problem p;
    struct secret s = {0};
    play.no_pkce = true;
    assert_int_equal(PHONE_EXIT_AUTH_SERVER, sign_in(&p));
    assert_non_null(strstr(p.text, "PKCE"));
    play.no_pkce = false;
    play.page_without_form = true;
    assert_int_equal(PHONE_EXIT_AUTH_SERVER, sign_in(&p));
    play.page_without_form = false;
    strcpy(play.body, "{\"token_type\":\"Bearer\"}");
    assert_int_equal(PHONE_EXIT_AUTH_SERVER, sign_in(&p));
    play.status = 404;
    assert_int_equal(PHONE_EXIT_AUTH_SERVER, sign_in(&p));
    assert_non_null(strstr(p.text, "is no authorization server"));
    assert_rc(RC_NOT_FOUND, phone_state_read(&state, PHONE_FILE_SESSION, &s));
}

static void test_given_files_that_cannot_be_used(void **unused)
{
    (void)unused;
    struct phone_problem p;
    write_file(ca_file, "no certificate");
    assert_int_equal(PHONE_EXIT_CA_FILE, sign_in(&p));
    write_file(ca_file, "");
    assert_int_equal(PHONE_EXIT_CA_FILE, sign_in(&p));
    assert_int_equal(0, play.pages);
    write_file(ca_file, ca.cert_pem);
    unlink(password_file);
    assert_int_equal(PHONE_EXIT_USAGE, sign_in(&p));
}

/* ---- by browser ---- */

struct browser {
    int fd; /* what the phone tells the person */
    int status[3];
};

static void *browse(void *ctx)
{
    struct browser *b = ctx;
    struct arena arena;
    struct form f;
    struct http_answer answer;
    char text[4096];
    size_t n = 0;
    arena_init(&arena, NULL, 0, 1 << 20);
    ssize_t got;
    while ((got = read(b->fd, text + n, sizeof text - 1 - n)) > 0) {
        n += (size_t)got;
        text[n] = '\0';
        if (strstr(text, "\n\n  https") && strstr(strstr(text, "\n\n  https") + 3, "\n\n")) break;
    }
    struct str url = str_trim(str_from(strstr(text, "\n\n  https")));
    ptrdiff_t query = str_find_char(url, '?');
    if (form_parse(str_sub(url, (size_t)query + 1, url.n), &arena, &f) != RC_OK) return NULL;
    struct str back = form_find(&f, STR("redirect_uri")), s = form_find(&f, STR("state"));
    for (size_t i = 0; i < 3; i++) {
        struct buf to;
        buf_init(&to, 2048);
        buf_put_str(&to, back);
        buf_put_str(&to, i == 0   ? STR("?code=c&state=wrong")
                         : i == 1 ? STR("")
                                  : STR("?code=c&state="));
        if (i == 2) {
            buf_put_str(&to, s);
            form_print_pair(&to, STR("iss"), str_from(base));
        }
        http_fetch(&(struct http_call){.url = buf_str(&to)}, &arena, &answer);
        b->status[i] = answer.status;
        buf_fini(&to);
    }
    arena_fini(&arena);
    return NULL;
}

static void test_browser_brings_the_code_to_the_loopback(void **unused)
{
    (void)unused;
    struct phone_login l = login_of();
    struct phone_problem p = {0};
    struct browser b = {0};
    pthread_t thread;
    int ends[2], old = dup(STDERR_FILENO);
    assert_int_equal(0, pipe(ends));
    b.fd = ends[0];
    assert_int_equal(0, pthread_create(&thread, NULL, browse, &b));
    dup2(ends[1], STDERR_FILENO);
    l.password_file = NULL;
    l.no_browser = true;
    strcpy(play.body, TOKENS);
    enum phone_exit exit = phone_login(&l, &state, &p);
    dup2(old, STDERR_FILENO);
    close(ends[1]);
    pthread_join(thread, NULL);
    close(ends[0]);
    close(old);
    /* The page was never asked, so its challenge is not there: the token endpoint must refuse. */
    assert_int_equal(PHONE_EXIT_SIGN_IN, exit);
    assert_non_null(strstr(p.text, "invalid_grant"));
    assert_int_equal(400, b.status[0]);
    assert_int_equal(400, b.status[1]);
    assert_int_equal(200, b.status[2]);
    assert_int_equal(1, play.tokens);
}

#define PLAIN(name) cmocka_unit_test_setup_teardown(name, set_up_plain, tear_down)
#define TLS(name)   cmocka_unit_test_setup_teardown(name, set_up_tls, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN(test_configuration_is_kept_and_asked_for_by_its_tag),
        PLAIN(test_configuration_refusals),
        PLAIN(test_the_token_goes_over_tls_alone),
        PLAIN(test_where_the_configuration_is),
        PLAIN(test_rotated_tokens_are_on_the_disk_when_they_are_used),
        PLAIN(test_renewals_that_do_not_come_about),
        PLAIN(test_signing_out_tells_the_server_and_removes_the_files),
        TLS(test_sign_in_with_a_password_file),
        TLS(test_wrong_password_and_paused_sign_ins),
        TLS(test_pages_that_want_the_password_elsewhere_do_not_get_it),
        TLS(test_redirects_that_are_not_ours),
        TLS(test_servers_that_are_none),
        TLS(test_given_files_that_cannot_be_used),
        TLS(test_browser_brings_the_code_to_the_loopback),
    };
    return cmocka_run_group_tests_name("phone/server", tests, NULL, NULL);
}
