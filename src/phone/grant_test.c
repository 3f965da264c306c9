#include "kit/kit.h"

#include "phone/grant.h"
#include "phone/login.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, NULL, 0, 1 << 20);
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static void test_pkce_vector(void **state)
{
    (void)state;
    char challenge[PHONE_PKCE_LEN + 1]; /* RFC 7636, appendix B */
    assert_rc(RC_OK,
              phone_pkce_challenge(STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), challenge));
    assert_string_equal("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", challenge);
}

static void test_random_is_43_letters_and_differs(void **state)
{
    (void)state;
    struct kit_random seed;
    struct random_source r = kit_random(&seed, 5);
    char a[PHONE_PKCE_LEN + 1], b[PHONE_PKCE_LEN + 1];
    phone_grant_random(&r, a);
    phone_grant_random(&r, b);
    assert_int_equal(PHONE_PKCE_LEN, strlen(a));
    assert_string_not_equal(a, b);
    assert_int_equal(PHONE_PKCE_LEN,
                     strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"));
}

static void test_authorize_url(void **state)
{
    (void)state;
    struct buf b;
    struct phone_authorize a = {.authorize_url = STR("https://ucm1:8443/a"),
                                .redirect_uri = STR("http://127.0.0.1:1/callback"),
                                .state = STR("S"),
                                .challenge = STR("C"),
                                .device = STR("CSF rado")};
    buf_init(&b, 4096);
    phone_authorize_print(&b, &a);
    assert_str("https://ucm1:8443/a?response_type=code&client_id=bearline-phone"
               "&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback"
               "&scope=sip%20UnifiedCommunications%3Areadwrite&state=S&code_challenge=C"
               "&code_challenge_method=S256&device_id=CSF%20rado",
               buf_str(&b));
    buf_fini(&b);
}

#define GOOD                                                                                       \
    "{\"issuer\":\"https://ucm1:8443\",\"authorization_endpoint\":\"https://ucm1:8443/a\","        \
    "\"token_endpoint\":\"https://ucm1:8443/t\",\"code_challenge_methods_supported\":[\"S256\"],"  \
    "\"authorization_response_iss_parameter_supported\":true}"

static void test_metadata(void **state)
{
    (void)state;
    struct phone_metadata m;
    const char *why;
    assert_rc(RC_OK, phone_metadata_parse(STR(GOOD), &arena, &m, &why));
    assert_str("https://ucm1:8443/t", m.token_url);
    assert_str("", m.revoke_url);
    assert_true(m.sends_iss);
    assert_rc(RC_MALFORMED, phone_metadata_parse(STR("<html>"), &arena, &m, &why));
    assert_rc(RC_INVALID, phone_metadata_parse(STR("{}"), &arena, &m, &why));
    assert_rc(RC_INVALID,
              phone_metadata_parse(STR("{\"issuer\":\"https://u\",\"authorization_endpoint\":"
                                       "\"http://u/a\",\"token_endpoint\":\"https://u/t\"}"),
                                   &arena, &m, &why));
    assert_string_equal("an address in it is not https", why);
    assert_rc(RC_INVALID,
              phone_metadata_parse(STR("{\"issuer\":\"https://u\",\"authorization_endpoint\":"
                                       "\"https://u/a\",\"token_endpoint\":\"https://u/t\"}"),
                                   &arena, &m, &why));
    assert_string_equal("it does not offer PKCE with S256", why);
}

static enum phone_exit check(const char *query)
{
    struct phone_metadata m;
    struct phone_redirect r;
    struct phone_problem p = {0};
    const char *why;
    assert_rc(RC_OK, phone_metadata_parse(STR(GOOD), &arena, &m, &why));
    if (phone_redirect_parse(str_from(query), &arena, &r) != RC_OK) return PHONE_EXIT_FAILED;
    return phone_redirect_check(&r, STR("S"), &m, &p);
}

static void test_redirects(void **state)
{
    (void)state;
    assert_int_equal(PHONE_EXIT_OK, check("code=c&state=S&iss=https%3A%2F%2Fucm1%3A8443"));
    assert_int_equal(PHONE_EXIT_SIGN_IN, check("code=c&state=T&iss=https%3A%2F%2Fucm1%3A8443"));
    assert_int_equal(PHONE_EXIT_SIGN_IN, check("code=c&iss=https%3A%2F%2Fucm1%3A8443"));
    assert_int_equal(PHONE_EXIT_SIGN_IN, check("code=c&state=S&iss=https%3A%2F%2Fevil"));
    assert_int_equal(PHONE_EXIT_SIGN_IN, check("code=c&state=S")); /* it says it sends iss */
    assert_int_equal(PHONE_EXIT_SIGN_IN,
                     check("error=access_denied&state=S&iss=https%3A%2F%2Fucm1%3A8443"));
    assert_int_equal(PHONE_EXIT_FAILED, check(""));
    assert_int_equal(PHONE_EXIT_FAILED, check("state=S"));
    assert_int_equal(PHONE_EXIT_FAILED, check("code=a&code=b&state=S"));
    assert_int_equal(PHONE_EXIT_FAILED, check("code=a&error=b&state=S"));
    assert_int_equal(PHONE_EXIT_FAILED, check("code=%zz&state=S"));
}

static void test_bodies(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4096);
    phone_grant_print_code(&b, STR("a b"), STR("http://127.0.0.1:1/c"), STR("v"));
    assert_str("grant_type=authorization_code&code=a%20b&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F"
               "c&client_id=bearline-phone&code_verifier=v",
               buf_str(&b));
    buf_reset(&b);
    phone_grant_print_refresh(&b, STR("bearline-phone"), STR("r&r"));
    assert_str("grant_type=refresh_token&refresh_token=r%26r&client_id=bearline-phone",
               buf_str(&b));
    buf_fini(&b);
}

static void test_urls(void **state)
{
    (void)state;
    static const struct {
        const char *base, *ref, *expected;
    } rows[] = {
        {"https://u:8443/a/b?x=1", "", "https://u:8443/a/b?x=1"},
        {"https://u:8443/a/b?x=1", "?y", "https://u:8443/a/b?y"},
        {"https://u:8443/a/b?x=/", "c", "https://u:8443/a/c"},
        {"https://u:8443", "c", "https://u:8443/c"},
        {"https://u:8443/a/b", "/c#f", "https://u:8443/c"},
        {"https://u:8443/a/b", "//v/c", "https://v/c"},
        {"https://u:8443/a/b", "http://127.0.0.1:1/c?code=2", "http://127.0.0.1:1/c?code=2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str out;
        assert_rc(RC_OK,
                  phone_url_resolve(str_from(rows[i].base), str_from(rows[i].ref), &arena, &out));
        assert_str(rows[i].expected, out);
    }
    struct str out;
    assert_rc(RC_MALFORMED, phone_url_resolve(STR("ftp:x"), STR("/"), &arena, &out));
    assert_str("https://u:1", phone_url_origin(STR("https://u:1/x")));
    assert_str("", phone_url_origin(STR("https:///x")));
    assert_str("u", phone_url_host(STR("https://u:1/x")));
    assert_str("::1", phone_url_host(STR("https://[::1]:8443")));
    assert_str("b", phone_url_host(STR("https://a@b:8443/")));
    assert_str("", phone_url_host(STR("nothing")));
}

static void test_server_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *given, *expected;
    } rows[] = {
        {"ucm1", "https://ucm1:8443"},
        {"https://ucm1/", "https://ucm1:8443"},
        {"ucm1:9443", "https://ucm1:9443"},
        {" https://[::1] ", "https://[::1]:8443"},
        {"[::1]:99", "https://[::1]:99"},
        {"http://ucm1", NULL},
        {"", NULL},
        {"https://", NULL},
        {"ucm1/path", NULL},
        {"uc m1", NULL},
        {"user@ucm1", NULL},
        {"[::1", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[PHONE_TEXT_MAX];
        enum rc rc = phone_server_url(rows[i].given, out);
        if (!rows[i].expected) assert_rc(RC_INVALID, rc);
        if (rows[i].expected) assert_string_equal(rows[i].expected, out);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_pkce_vector),   T(test_random_is_43_letters_and_differs),
        T(test_authorize_url), T(test_metadata),
        T(test_redirects),     T(test_bodies),
        T(test_urls),          T(test_server_addresses),
    };
    return cmocka_run_group_tests_name("phone/grant", tests, NULL, NULL);
}
