/* auth/test_node.h - a node without sockets for the tests of this room: a store in a temporary
 * folder, a directory, a verifier and the authorization server, on simulated time; and a browser
 * and a client that speak to its handlers. */
#ifndef AUTH_TEST_NODE_H
#define AUTH_TEST_NODE_H
#include "kit/kit.h"

#include "auth/auth_int.h"
#include "base/base64.h"
#include "crypto/digest.h"
#include "crypto/password.h"

#include <stdio.h>
#include <unistd.h>

#define OK(call)     assert_rc(RC_OK, (call))
#define VERIFIER     "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" /* RFC 7636, appendix B */
#define CHALLENGE    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define REDIRECT     "http://127.0.0.1:49200/cb"
#define REDIRECT_ENC "http%3A%2F%2F127.0.0.1%3A49200%2Fcb"
#define ISSUER       "https://node1.example.com:8443"
#define PASSWORD     "correct horse"
/* The phone's request without client and redirect. */
#define ASK                                                                                        \
    "response_type=code&state=st%26te&scope=sip%20openid&device_id=CSFrado&nonce=n1&"              \
    "code_challenge=" CHALLENGE "&code_challenge_method=S256"
#define QUERY "client_id=bearline-phone&redirect_uri=" REDIRECT_ENC "&" ASK

static const struct store_by admin = {.who = STR_INIT("admin"), .from = STR_INIT("test")};

struct node {
    char folder[64];
    struct kit_time now;
    struct kit_random dice;
    struct kit_log lines;
    struct log log;
    struct store *store;
    struct directory *directory;
    struct oauth_verifier *verifier;
    struct auth *auth;
    struct auth_settings settings;
    struct store_why why;
    struct arena arena; /* of what the last answers gave */
    /* the last answer */
    int status;
    struct http_response res;
    char cookie[128]; /* of the browser */
};

/* --- the node ----------------------------------------------------------------------------------- */

static inline void node_param(struct node *n, const char *name, const char *value)
{
    OK(store_param_put(n->store, &admin, str_from(name), str_from(value), 0, &n->why));
}

static inline void node_user(struct node *n, const char *id, const char *password, int roles)
{
    char hash[CRYPTO_PASSWORD_HASH_MAX] = "";
    struct crypto_password_cost cheap = {.memory_kib = 64, .passes = 1, .lanes = 1};
    struct store_user u = {.id = str_from(id), .roles = roles, .active = true};
    if (password) OK(crypto_password_hash(str_from(password), &cheap, &n->settings.random, hash));
    u.password = str_from(hash);
    OK(store_user_put(n->store, &admin, STORE_ADD, &u, &n->why));
}

static inline void node_client(struct node *n, const char *id, const char *secret)
{
    char hash[CRYPTO_PASSWORD_HASH_MAX] = "";
    struct crypto_password_cost cheap = {.memory_kib = 64, .passes = 1, .lanes = 1};
    struct store_client c = {.client_id = str_from(id),
                             .name = STR("Web <portal>"),
                             .type = secret ? STORE_CLIENT_CONFIDENTIAL : STORE_CLIENT_PUBLIC,
                             .redirect_uris = STR("https://portal.example.com/cb?x=1\nmyapp:/cb"),
                             .scopes = STR("sip openid"),
                             .enabled = true};
    if (secret) OK(crypto_password_hash(str_from(secret), &cheap, &n->settings.random, hash));
    c.secret_hash = str_from(hash);
    OK(store_client_put(n->store, &admin, STORE_ADD, &c, &n->why));
}

static inline void node_start(struct node *n)
{
    struct oauth_verifier_settings vs = {.cache_capacity = 64, .revoked_capacity = 64};
    struct oauth_keyring *keyring;
    struct store_config c = {
        .folder = n->folder, .clock = n->settings.clock, .random = n->settings.random};
    OK(store_open(&c, &n->store, &n->why));
    OK(directory_new(n->store, &n->settings.random, &n->directory, &n->why));
    n->settings.store = n->store;
    n->settings.directory = n->directory;
    OK(auth_first_keyring(&n->settings, &keyring, &n->why));
    OK(oauth_verifier_new(&vs, keyring, &n->verifier));
    n->settings.verifier = n->verifier;
    OK(auth_new(&n->settings, &n->auth, &n->why));
}

static inline void node_stop(struct node *n)
{
    n->auth = auth_free(n->auth);
    n->verifier = oauth_verifier_free(n->verifier);
    n->directory = directory_free(n->directory);
    n->store = store_close(n->store);
}

static inline int node_setup(void **state)
{
    struct node *n = calloc(1, sizeof *n);
    snprintf(n->folder, sizeof n->folder, "/tmp/bearline-auth-XXXXXX");
    if (!mkdtemp(n->folder)) return -1;
    n->log = kit_log(&n->lines);
    n->settings = (struct auth_settings){.clock = kit_clock(&n->now),
                                         .random = kit_random(&n->dice, 5),
                                         .log = &n->log,
                                         .issuer_url = STR(ISSUER),
                                         .pool_threads = 4};
    arena_init(&n->arena, NULL, 0, 64 << 20);
    buf_init(&n->res.body, HTTP_RESPONSE_BODY_MAX);
    node_start(n);
    node_param(n, "OAuthRefreshLoginFlow", "1");
    node_user(n, "rado", PASSWORD, STORE_ROLE_USER);
    *state = n;
    return 0;
}

static inline int node_teardown(void **state)
{
    static const char *const files[] = {"bearline.db", "bearline.db-wal", "bearline.db-shm",
                                        "lock"};
    struct node *n = *state;
    char path[128];
    node_stop(n);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", n->folder, files[i]);
        unlink(path);
    }
    rmdir(n->folder);
    buf_fini(&n->res.body);
    arena_fini(&n->arena);
    free(n);
    return 0;
}

/* --- asking it ------------------------------------------------------------------------------------ */

struct ask {
    enum http_method method;
    const char *query, *body, *user, *password; /* user: HTTP Basic */
    const char *fetch_site;
    uint8_t from; /* last byte of the address */
    bool no_cookie, no_type;
};

static inline struct str node_header(const struct node *n, const char *name)
{
    for (size_t i = 0; i < n->res.header_count; i++)
        if (str_eq_nocase(n->res.headers[i].name, str_from(name))) return n->res.headers[i].value;
    return STR("");
}

static inline struct str node_basic(struct node *n, const struct ask *a)
{
    struct str plain, out;
    struct buf b;
    buf_init(&b, 4096);
    OK(arena_printf(&n->arena, &plain, "%s:%s", a->user, a->password));
    buf_put_lit(&b, "Basic ");
    base64_print(&b, str_bytes(plain));
    OK(arena_str_dup(&n->arena, buf_str(&b), &out));
    buf_fini(&b);
    return out;
}

static inline void node_take_cookie(struct node *n)
{
    struct str value = node_header(n, "Set-Cookie"), pair;
    if (str_split(&value, ';', &pair) && pair.n) OK(str_to_cstr(pair, n->cookie, sizeof n->cookie));
}

/* Runs a handler; its answer is in n->res, its status is returned. */
static inline int node_ask(struct node *n, http_handler_fn *fn, const struct ask *a)
{
    struct http_header headers[8];
    struct http_request req = {
        .method = a->method ? a->method
                  : a->body ? HTTP_POST
                            : HTTP_GET,
        .query = str_from(a->query ? a->query : ""),
        .body = str_from(a->body ? a->body : ""),
        .headers = headers,
        .peer = {.addr = net_addr_v4(192, 0, 2, a->from ? a->from : 7, 5555), .is_tls = true},
        .arena = &n->arena};
    if (a->body && !a->no_type)
        headers[req.header_count++] = (struct http_header){
            STR("Content-Type"), STR("application/x-www-form-urlencoded;charset=UTF-8")};
    if (n->cookie[0] && !a->no_cookie)
        headers[req.header_count++] = (struct http_header){STR("Cookie"), str_from(n->cookie)};
    if (a->user)
        headers[req.header_count++] = (struct http_header){STR("Authorization"), node_basic(n, a)};
    if (a->fetch_site)
        headers[req.header_count++] = (struct http_header){STR("Sec-Fetch-Site"),
                                                           str_from(a->fetch_site)};
    buf_reset(&n->res.body);
    n->res = (struct http_response){.status = 200, .body = n->res.body, .arena = &n->arena};
    fn(n->auth, &req, &n->res);
    assert_rc(RC_OK, n->res.rc);
    OK(buf_rc(&n->res.body));
    node_take_cookie(n);
    return n->status = n->res.status;
}

static inline struct str node_body(const struct node *n)
{
    return buf_str(&n->res.body);
}

static inline bool node_body_has(const struct node *n, const char *text)
{
    return str_find(node_body(n), str_from(text)) != STR_NPOS;
}

/* What stands between before and the next after, in the arena; "" where before is not there. */
static inline struct str node_cut(struct node *n, struct str text, const char *before, char after)
{
    ptrdiff_t at = str_find(text, str_from(before));
    struct str rest, out;
    if (at == STR_NPOS) return STR("");
    rest = str_sub(text, (size_t)at + strlen(before), text.n);
    ptrdiff_t end = str_find_char(rest, after);
    OK(arena_str_dup(&n->arena, str_sub(rest, 0, end == STR_NPOS ? rest.n : (size_t)end), &out));
    return out;
}

/* --- signing in -------------------------------------------------------------------------------------- */

static inline struct str node_csrf(struct node *n)
{
    return node_cut(n, node_body(n), "name=\"csrf\" value=\"", '"');
}

/* Opens the page and sends the form; the status of the answer. */
static inline int node_sign_in(struct node *n, const char *query, const char *user,
                               const char *password, uint8_t from)
{
    struct str body;
    assert_int_equal(
        200, node_ask(n, auth_handle_authorize, &(struct ask){.query = query, .from = from}));
    OK(arena_printf(&n->arena, &body, "csrf=%.*s&username=%s&password=%s", STR_ARG(node_csrf(n)),
                    user, password));
    return node_ask(n, auth_handle_authorize,
                    &(struct ask){.query = query, .body = body.p, .from = from});
}

/* The code of a successful sign-in. */
static inline struct str node_code(struct node *n, const char *query)
{
    assert_int_equal(303, node_sign_in(n, query, "rado", "correct+horse", 0));
    return node_cut(n, node_header(n, "Location"), "code=", '&');
}

/* Asks the token endpoint as the phone. */
static inline int node_token(struct node *n, const char *fmt, struct str value)
{
    struct str body;
    OK(arena_printf(&n->arena, &body, "client_id=bearline-phone&%s%.*s", fmt, STR_ARG(value)));
    return node_ask(n, auth_handle_token, &(struct ask){.body = body.p});
}

#define CODE_GRANT                                                                                 \
    "grant_type=authorization_code&redirect_uri=" REDIRECT_ENC "&code_verifier=" VERIFIER "&code="
#define REFRESH_GRANT "grant_type=refresh_token&refresh_token="

static inline struct str node_member(struct node *n, const char *name)
{
    char before[64];
    snprintf(before, sizeof before, "\"%s\":\"", name);
    return node_cut(n, node_body(n), before, '"');
}

/* Signs in and fetches tokens. */
static inline void node_tokens(struct node *n, struct str *access, struct str *refresh)
{
    struct str code = node_code(n, QUERY);
    assert_int_equal(200, node_token(n, CODE_GRANT, code));
    *access = node_member(n, "access_token");
    *refresh = node_member(n, "refresh_token");
}

static inline enum oauth_reason node_verify(struct node *n, struct str token,
                                            struct oauth_claims *claims)
{
    enum oauth_reason reason;
    struct oauth_claims unused;
    enum rc rc = oauth_verify(n->verifier, token, clock_unix_s(&n->settings.clock), &n->arena,
                              claims ? claims : &unused, &reason);
    assert_rc(oauth_reason_rc(reason), rc);
    return reason;
}

#define assert_error(n, status_, code)                                                             \
    do {                                                                                           \
        assert_int_equal((status_), (n)->status);                                                  \
        assert_str(code, node_member((n), "error"));                                               \
        assert_true(node_member((n), "error_description").n > 0);                                  \
        assert_str("no-store", node_header((n), "Cache-Control"));                                 \
    } while (0)

#endif
