/* Addresses as they are from outside, and what an edge says of itself. */
#include "kit/kit.h"

#include "base/base64.h"
#include "phone/edge.h"

#include <stdio.h>

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, NULL, 0, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static void test_addresses_go_by_the_edge(void **state)
{
    (void)state;
    static const struct {
        const char *edge, *url, *segment, *rest;
    } rows[] = {
        {"https://edge.example.com:8443", "https://ucm1.example.com:8443/ssosp/x?a=b",
         "example.com/https/ucm1.example.com/8443", "/ssosp/x?a=b"},
        {"https://edge.example.com:8443", "https://ucm1.example.com/x",
         "example.com/https/ucm1.example.com/443", "/x"},
        {"https://localhost:9", "https://localhost:6972/d.cnf.xml",
         "localhost/https/localhost/6972", "/d.cnf.xml"},
        {"https://192.0.2.1:9", "https://[2001:db8::1]:6972/d", "192.0.2.1/https/2001:db8::1/6972",
         "/d"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_call call = {.url = str_from(rows[i].url)};
        struct buf want;
        buf_init(&want, 1024);
        assert_rc(RC_OK, phone_edge_route(rows[i].edge, &call, &arena));
        buf_printf(&want, "%s/", rows[i].edge);
        base64url_print(&want, str_bytes(str_from(rows[i].segment)));
        buf_put_str(&want, str_from(rows[i].rest));
        assert_str(buf_cstr(&want), call.url);
        buf_fini(&want);
        assert_rc(RC_OK, phone_edge_route(NULL, &call, &arena));
    }
    struct http_call plain = {.url = STR("http://ucm1:6970/d")};
    assert_rc(RC_UNSUPPORTED, phone_edge_route("https://e", &plain, &arena));
}

static void test_what_an_edge_says_is_read(void **state)
{
    (void)state;
    struct str server;
    const char *edges[PHONE_NODE_MAX];
    size_t count;
    assert_rc(RC_OK, phone_edge_read_sso(STR("<SSOResult><Response><SingleSignOn><Uri>"
                                             "https://ucm1:8443/x</Uri></SingleSignOn></Response>"
                                             "</SSOResult>"),
                                         &arena, &server));
    assert_str("https://ucm1:8443", server);
    assert_rc(RC_UNSUPPORTED, phone_edge_read_sso(STR("<SSOResult/>"), &arena, &server));
    assert_rc(RC_MALFORMED, phone_edge_read_sso(STR("<html/>"), &arena, &server));
    assert_rc(RC_MALFORMED, phone_edge_read_sso(STR("no xml"), &arena, &server));
    assert_rc(RC_OK,
              phone_edge_read_config(
                  STR("<getEdgeConfigResponse><edgeConfig><sipEdgeServer>"
                      "<server><address>e1</address><tlsPort>7</tlsPort></server>"
                      "<server><address>2001:db8::1</address></server>"
                      "<server><address>e3</address></server><server><address>e4</address></server>"
                      "</sipEdgeServer></edgeConfig></getEdgeConfigResponse>"),
                  &arena, edges, &count));
    assert_int_equal(PHONE_NODE_MAX, count);
    assert_string_equal("e1:7", edges[0]);
    assert_string_equal("[2001:db8::1]:5061", edges[1]);
    assert_string_equal("e3:5061", edges[2]);
    assert_rc(RC_MALFORMED,
              phone_edge_read_config(STR("<getEdgeConfigResponse/>"), &arena, edges, &count));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {T(test_addresses_go_by_the_edge),
                                       T(test_what_an_edge_says_is_read)};
    return cmocka_run_group_tests_name("phone/edge", tests, NULL, NULL);
}
