/* What a phone outside may ask for, and what it is told. Nothing is fetched here: what would be is looked at. */
#include "kit/kit.h"

#include "base/base64.h"
#include "crypto/random.h"
#include "edge/portal.h"
#include "oauth/keyring.h"
#include "oauth/mint.h"

#include <stdio.h>

struct world {
    struct kit_time now;
    struct kit_log lines;
    struct log log;
    struct clock clock;
    struct crypto_key *key;
    struct edge_node node;
    struct edge_cluster cluster;
    struct edge_portal portal;
    struct edge_portal_rule rule;
    struct arena arena;
    const char *domain;
    bool is_off;
    char url[512], method[16], sent[256]; /* fetched; "" nothing */
    struct edge_errand_answer out;
    char token[4096];
};

static struct world w;

static enum rc look(void *ctx, struct arena *arena, struct edge_portal_view *out)
{
    (void)ctx, (void)arena;
    *out = (struct edge_portal_view){.clusters = {edge_cluster_ref(&w.cluster)},
                                     .cluster_count = 1,
                                     .rules = &w.rule,
                                     .rule_count = w.rule.url.n > 0 ? 1 : 0,
                                     .trust_pem = STR("pem"),
                                     .domain = str_from(w.domain),
                                     .is_on = !w.is_off};
    return RC_OK;
}

static void fetch(const struct http_call *call, struct arena *arena, struct http_answer *answer)
{
    static const struct http_client_header headers[] = {
        {STR_INIT("Content-Type"), STR_INIT("text/html")},
        {STR_INIT("Connection"), STR_INIT("close")},
        {STR_INIT("Location"), STR_INIT("https://ucm1.example.com:8443/next")}};
    (void)arena;
    snprintf(w.url, sizeof w.url, "%.*s", STR_ARG(call->url));
    snprintf(w.method, sizeof w.method, "%s", call->method);
    w.sent[0] = '\0';
    for (size_t i = 0; i < call->header_count; i++)
        snprintf(w.sent + strlen(w.sent), sizeof w.sent - strlen(w.sent), "%.*s;",
                 STR_ARG(str_sub(call->headers[i].name, 0, 20)));
    *answer = (struct http_answer){
        .status = 302, .body = STR("page"), .headers = headers, .header_count = 3};
}

static int setup(void **state)
{
    (void)state;
    struct oauth_own_spec own = {.issuer = STR("https://ucm1"),
                                 .audience = STR("sip"),
                                 .accept = OAUTH_FORMAT_ANY,
                                 .longest_token_s = 86400};
    struct oauth_keyring *ring;
    w = (struct world){.domain = ""};
    w.log = kit_log(&w.lines);
    w.clock = kit_clock(&w.now);
    arena_init(&w.arena, NULL, 0, 8 << 20);
    assert_rc(RC_OK, oauth_keyring_new(&own, &ring));
    assert_rc(RC_OK, crypto_key_generate(CRYPTO_KEY_EC_P256, &w.key));
    assert_rc(RC_OK, oauth_keyring_add_signing_key(ring, STR("k"), w.key));
    w.node = (struct edge_node){.name = STR("ucm1"),
                                .host = STR("ucm1.example.com"),
                                .https_port = 8443,
                                .config_port = 6972};
    w.cluster = (struct edge_cluster){.nodes = &w.node, .node_count = 1, .keyring = ring};
    atomic_init(&w.cluster.refs, 1);
    w.portal = (struct edge_portal){.clock = w.clock, .log = &w.log, .look = look, .fetch = fetch};
    struct buf out;
    struct random_source random = crypto_random_system();
    struct oauth_mint mint = {
        .format = OAUTH_FORMAT_SIGNED,
        .signing = {.kid = STR("k"), .alg = jose_key_alg(w.key), .key = w.key},
        .random = &random,
        .audience = STR("sip")};
    int64_t now_s = clock_unix_s(&w.clock);
    struct oauth_claims claims = {.issuer = STR("https://ucm1"),
                                  .user = STR("rado"),
                                  .subject = STR("rado"),
                                  .client_id = STR("phone"),
                                  .jti = STR("1"),
                                  .issued_unix_s = now_s,
                                  .expires_unix_s = now_s + 600};
    buf_init(&out, sizeof w.token);
    assert_rc(RC_OK, oauth_mint_print(&out, &mint, &claims));
    snprintf(w.token, sizeof w.token, "Bearer %.*s", STR_ARG(buf_str(&out)));
    buf_fini(&out);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    oauth_keyring_unref(w.cluster.keyring);
    crypto_key_unref(w.key);
    arena_fini(&w.arena);
    return 0;
}

/* The answer's status; segment is written as base64. */
static unsigned ask_with(const char *method, const char *segment, const char *path,
                         const char *token)
{
    char target[1024];
    struct buf b;
    buf_init_fixed(&b, target, sizeof target);
    buf_put_char(&b, '/');
    base64url_print(&b, str_bytes(str_from(segment)));
    buf_put_str(&b, str_from(path));
    struct edge_errand_request r = {.method = str_from(method),
                                    .target = buf_str(&b),
                                    .peer = STR("203.0.113.9"),
                                    .edge_host = STR("edge.example.com"),
                                    .sip_port = 5061,
                                    .https_port = 8443,
                                    .headers = {{STR("Authorization"), str_from(token)},
                                                {STR("Cookie"), STR("a=b")},
                                                {STR("X-Forwarded-For"), STR("127.0.0.1")},
                                                {STR("Host"), STR("inside")}},
                                    .header_count = 4,
                                    .body = STR("form")};
    w.url[0] = '\0';
    edge_portal_serve(&w.portal, &r, &w.arena, &w.out);
    return w.out.status;
}

static unsigned ask(const char *method, const char *segment, const char *path)
{
    return ask_with(method, segment, path, "");
}

static bool said(const char *part)
{
    return str_find(w.out.body, str_from(part)) != STR_NPOS;
}

#define HTTPS  "example.com/https/ucm1.example.com/8443"
#define CONFIG "example.com/https/ucm1.example.com/6972"

static void test_sign_in_is_for_everybody_and_goes_to_the_node(void **state)
{
    (void)state;
    assert_int_equal(302, ask("GET", HTTPS, "/ssosp/oauth/authorize?a=b&c=d"));
    assert_string_equal("https://ucm1.example.com:8443/ssosp/oauth/authorize?a=b&c=d", w.url);
    assert_string_equal("Authorization;Cookie;", w.sent); /* and nothing that speaks for others */
    assert_int_equal(2, w.out.header_count);              /* Connection stays behind */
    assert_str("page", w.out.body);
    assert_int_equal(302, ask("POST", HTTPS, "/ssosp/oauth/token"));
    assert_int_equal(302, ask("GET", HTTPS, "/.well-known/oauth-authorization-server"));
    assert_true(kit_log_has(&w.lines, "portal.served"));
    assert_false(kit_log_has(&w.lines, "c=d"));
}

static void test_configuration_needs_a_good_token(void **state)
{
    (void)state;
    assert_int_equal(401, ask("GET", CONFIG, "/CSFrado.cnf.xml"));
    assert_string_equal("", w.url);
    assert_int_equal(401, ask_with("GET", CONFIG, "/CSFrado.cnf.xml", "Bearer a.b.c"));
    assert_int_equal(302, ask_with("GET", CONFIG, "/CSFrado.cnf.xml", w.token));
    assert_string_equal("https://ucm1.example.com:6972/CSFrado.cnf.xml", w.url);
    kit_time_pass(&w.now, 3600000);
    assert_int_equal(401, ask_with("GET", CONFIG, "/CSFrado.cnf.xml", w.token));
}

static void test_everything_else_is_404_even_with_a_token(void **state)
{
    (void)state;
    static const struct {
        const char *method, *segment, *path;
    } rows[] = {
        {"GET", HTTPS, "/"},
        {"GET", HTTPS, "/api/v1/users"},
        {"GET", HTTPS, "/axl/"},
        {"POST", HTTPS, "/axl/"},
        {"DELETE", HTTPS, "/ssosp/oauth/token"},
        {"GET", HTTPS, "/ssosp/../api/v1/users"},
        {"GET", HTTPS, "/ssosp/%2e%2e/api/v1/users"},
        {"GET", HTTPS, "/ssosp//x"},
        {"GET", HTTPS, "/ssosp\\x"},
        {"GET", HTTPS, "/.well-known/openid-configuration/x"},
        {"GET", CONFIG, "/a/CSFrado.cnf.xml"},
        {"GET", CONFIG, "/"},
        {"POST", CONFIG, "/CSFrado.cnf.xml"},
        {"GET", "example.com/http/ucm1.example.com/6970", "/CSFrado.cnf.xml"},
        {"GET", "example.com/https/localhost/8443", "/ssosp/x"},
        {"GET", "example.com/https/10.0.0.1/8443", "/ssosp/x"},
        {"GET", "example.com/https/ucm1.example.com/22", "/ssosp/x"},
        {"GET", "example.com/https/ucm1.example.com/0", "/ssosp/x"},
        {"GET", "example.com/https/ucm1.example.com/99999", "/ssosp/x"},
        {"GET", "example.com/https/ucm1.example.com/8443/x", "/ssosp/x"},
        {"GET", "example.com/https/ucm1.example.com", "/ssosp/x"},
        {"GET", "example.com", "/get_edge_nothing"},
        {"POST", "example.com", "/get_edge_sso"},
        {"POST", "example.com", "/get_edge_config"},
        {"GET", "\r\nx", "/get_edge_sso"},
        {"GET", "", "/get_edge_sso"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned status = ask_with(rows[i].method, rows[i].segment, rows[i].path, w.token);
        if (status != 404 || w.url[0] != '\0')
            fail_msg("%s %s %s: %u %s", rows[i].method, rows[i].segment, rows[i].path, status,
                     w.url);
    }
    w.is_off = true;
    assert_int_equal(404, ask("GET", HTTPS, "/ssosp/oauth/authorize"));
    w.is_off = false;
    w.domain = "example.org";
    assert_int_equal(404, ask("GET", HTTPS, "/ssosp/oauth/authorize"));
}

static void test_manual_rules_open_what_they_say_with_a_token(void **state)
{
    (void)state;
    const char *segment = "example.com/https/files.example.com/443";
    w.rule = (struct edge_portal_rule){.url = STR("https://files.example.com/photos/"),
                                       .is_prefix = true,
                                       .methods = STR("GET HEAD")};
    assert_int_equal(401, ask("GET", segment, "/photos/rado.png"));
    assert_int_equal(302, ask_with("GET", segment, "/photos/rado.png", w.token));
    assert_string_equal("https://files.example.com:443/photos/rado.png", w.url);
    assert_int_equal(404, ask_with("POST", segment, "/photos/rado.png", w.token));
    assert_int_equal(404, ask_with("GET", segment, "/other", w.token));
    w.rule.is_prefix = false;
    w.rule.url = STR("https://files.example.com/one");
    assert_int_equal(302, ask_with("GET", segment, "/one", w.token));
    assert_int_equal(404, ask_with("GET", segment, "/one/more", w.token));
}

static void test_the_edge_s_own_documents(void **state)
{
    (void)state;
    assert_int_equal(200, ask("GET", "example.com", "/get_edge_sso?email=rado%40example.com"));
    assert_true(said("<Uri>https://ucm1.example.com:8443</Uri>"));
    assert_int_equal(401, ask("GET", "example.com", "/get_edge_config?service_name=_cisco-uds"));
    assert_str("Bearer realm=\"Cisco-Edge\"",
               edge_errand_header_find(w.out.headers, w.out.header_count, "WWW-Authenticate"));
    assert_int_equal(
        200, ask_with("GET", "example.com",
                      "/get_edge_config?service_name=_cisco-uds&service_name=_cuplogin", w.token));
    assert_true(said("<service><name>_cuplogin</name><error>NameError</error></service>"));
    assert_true(said("<port>8443</port><address>ucm1.example.com</address>"));
    assert_true(
        said("<sipEdgeServer><server><address>edge.example.com</address><tlsPort>5061</tlsPort>"
             "</server></sipEdgeServer>"));
    assert_true(said("<route>&lt;sip:edge.example.com:5061;transport=tls;lr&gt;</route>"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_sign_in_is_for_everybody_and_goes_to_the_node),
        T(test_configuration_needs_a_good_token),
        T(test_everything_else_is_404_even_with_a_token),
        T(test_manual_rules_open_what_they_say_with_a_token),
        T(test_the_edge_s_own_documents),
    };
    return cmocka_run_group_tests_name("edge/portal", tests, NULL, NULL);
}
