/* The pure parts of the authorization server. */
#include "kit/kit.h"

#include "auth/csrf.h"
#include "auth/page.h"
#include "auth/redirect.h"
#include "auth/refresh.h"
#include "auth/request.h"
#include "auth/text.h"
#include "auth/throttle.h"

#define OK(call) assert_rc(RC_OK, (call))

/* --- redirect ----------------------------------------------------------------------------------- */

static void test_redirects(void **state)
{
    static const char listed[] = "https://app.example.com/cb\nmyapp:/cb";
    static const struct row {
        const char *uri;
        bool loopback, fits;
    } rows[] = {
        {"https://app.example.com/cb", false, true},
        {"myapp:/cb", false, true},
        {"https://wide.example.com/", false, true},
        {"https://app.example.com/cb/", false, false},
        {"https://app.example.com/c", false, false},
        {"https://app.example.com/cb?x", false, false},
        {"HTTPS://app.example.com/cb", false, false},
        {"https://app.example.com/cb#f", false, false},
        {"", true, false},
        {"http://127.0.0.1:49200/cb", false, false},
        {"http://127.0.0.1:49200/cb", true, true},
        {"http://127.0.0.1:1/", true, true},
        {"http://127.0.0.1:65535", true, true},
        {"http://127.0.0.1/cb", true, true},
        {"http://127.0.0.1?x=1", true, true},
        {"http://[::1]:49200/cb", true, true},
        {"http://[::1]", true, true},
        {"http://127.0.0.1:0/", true, false},
        {"http://127.0.0.1:65536/", true, false},
        {"http://127.0.0.1:/", true, false},
        {"http://127.0.0.1:80x/", true, false},
        {"http://127.0.0.1.evil.example/", true, false},
        {"http://127.0.0.1@evil.example/", true, false},
        {"http://127.0.0.1:80@evil.example/", true, false},
        {"http://127.0.0.1:80\\@evil.example/", true, false},
        {"http://127.0.0.12/", true, false},
        {"http://[::1].evil.example/", true, false},
        {"http://localhost:49200/cb", true, false},
        {"https://127.0.0.1:49200/cb", true, false},
        {"http://127.0.0.1:49200/c b", true, false},
        {"http://127.0.0.1:49200/\r\nX: y", true, false},
        {"http://127.0.0.1:49200/cb#f", true, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str uri = kit_guard(str_from(rows[i].uri));
        bool fits = auth_redirect_fits(uri, str_from(listed), STR("a:b https://wide.example.com/"),
                                       rows[i].loopback);
        if (fits != rows[i].fits) fail_msg("row %zu: %s", i, rows[i].uri);
        kit_guard_free(uri);
    }
}

static void test_form_sources(void **state)
{
    static const char *const rows[][2] = {
        {"http://127.0.0.1:49200/cb", "http://127.0.0.1:49200"},
        {"https://App.example.com/cb?x=1", "https://App.example.com"},
        {"https://app.example.com:8443?x", "https://app.example.com:8443"},
        {"http://[::1]:49200/cb", "http:"},
        {"https://192.0.2.1/cb", "https:"},
        {"https://u@app.example.com/", "https:"},
        {"https://a.example;script-src", "https:"},
        {"myapp:/cb", "myapp:"},
        {"com.example.app://cb", "com.example.app:"},
        {"no-scheme", ""},
        {"a b:c", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;
        buf_init(&b, 4096);
        auth_redirect_print_source(&b, str_from(rows[i][0]));
        assert_str(rows[i][1], buf_str(&b));
        buf_fini(&b);
    }
}

static void test_redirect_parameters(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 4096);
    buf_put_lit(&b, "myapp:/cb");
    auth_redirect_add(&b, STR("code"), STR("a b"));
    auth_redirect_add(&b, STR("state"), STR("&"));
    assert_str("myapp:/cb?code=a%20b&state=%26", buf_str(&b));
    buf_reset(&b);
    buf_put_lit(&b, "https://x/cb?y=1");
    auth_redirect_add(&b, STR("code"), STR("c"));
    assert_str("https://x/cb?y=1&code=c", buf_str(&b));
    buf_fini(&b);
}

/* --- request ------------------------------------------------------------------------------------ */

#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define GOOD      "response_type=code&code_challenge=" CHALLENGE "&code_challenge_method=S256"

static void test_pkce_of_rfc_7636_appendix_b(void **state)
{
    struct str verifier = STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    (void)state;
    OK(auth_pkce_check(verifier, STR(CHALLENGE)));
    assert_rc(RC_DENIED,
              auth_pkce_check(verifier, STR("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN")));
    assert_rc(RC_DENIED, auth_pkce_check(verifier, STR("")));
    assert_rc(RC_MALFORMED, auth_pkce_check(str_sub(verifier, 0, 42), STR(CHALLENGE)));
    assert_rc(RC_MALFORMED,
              auth_pkce_check(STR("dBjftJeZ4CVP+mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), STR(CHALLENGE)));
}

static void test_requests(void **state)
{
    static const struct row {
        const char *query, *error;
    } rows[] = {
        {GOOD, NULL},
        {GOOD "&prompt=login", NULL},
        {GOOD "&response_mode=query&unknown=1&unknown=2", NULL},
        {"code_challenge=" CHALLENGE "&code_challenge_method=S256", "invalid_request"},
        {"response_type=token&code_challenge=" CHALLENGE, "unsupported_response_type"},
        {"response_type=code%20token", "unsupported_response_type"},
        {"response_type=code", "invalid_request"},
        {"response_type=code&code_challenge=" CHALLENGE, "invalid_request"},
        {"response_type=code&code_challenge_method=plain&code_challenge=" CHALLENGE,
         "invalid_request"},
        {"response_type=code&code_challenge_method=S256&code_challenge=short", "invalid_request"},
        {GOOD "x", "invalid_request"},
        {GOOD "&response_mode=fragment", "invalid_request"},
        {GOOD "&state=1&state=2", "invalid_request"},
        {GOOD "&device_id=a%0Ab", "invalid_request"},
        {GOOD "&nonce=%FF", "invalid_request"},
        {GOOD "&request=x", "request_not_supported"},
        {GOOD "&request_uri=x", "request_uri_not_supported"},
        {GOOD "&prompt=none", "login_required"},
    };
    struct store_client client = {.type = STORE_CLIENT_PUBLIC};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct auth_request r;
        struct arena a;
        struct str query = kit_guard(str_from(rows[i].query));
        arena_init(&a, NULL, 0, 1 << 20);
        OK(auth_request_parse(query, &a, &r));
        struct auth_error e = auth_request_check(&r, &client);
        if (rows[i].error ? !e.code || strcmp(e.code, rows[i].error) != 0 : e.code != NULL)
            fail_msg("row %zu gives %s", i, e.code ? e.code : "no error");
        kit_guard_free(query);
        arena_fini(&a);
    }
}

static void test_confidential_client_may_go_without_pkce(void **state)
{
    struct store_client client = {.type = STORE_CLIENT_CONFIDENTIAL};
    struct auth_request r = {.response_type = STR("code")};
    (void)state;
    assert_null(auth_request_check(&r, &client).code);
    r.code_challenge_method = STR("S256");
    assert_string_equal("invalid_request", auth_request_check(&r, &client).code);
}

static void test_state_has_a_bound(void **state)
{
    static char long_text[AUTH_STATE_MAX + 1];
    struct store_client client = {.type = STORE_CLIENT_CONFIDENTIAL};
    struct auth_request r = {.response_type = STR("code")};
    (void)state;
    memset(long_text, 'x', sizeof long_text);
    r.state = str_of(long_text, AUTH_STATE_MAX);
    assert_null(auth_request_check(&r, &client).code);
    r.state.n++;
    assert_string_equal("invalid_request", auth_request_check(&r, &client).code);
}

static void test_request_prints_as_it_parses(void **state)
{
    struct auth_request r, again;
    struct arena a;
    struct buf first, second;
    (void)state;
    arena_init(&a, NULL, 0, 1 << 20);
    buf_init(&first, 65536);
    buf_init(&second, 65536);
    OK(auth_request_parse(STR("state=%26%20+x&client_id=c&other=1&redirect_uri=a%3Ab&scope=a+b"),
                          &a, &r));
    assert_str("& "
               " x",
               r.state);
    auth_request_print(&first, &r);
    OK(auth_request_parse(buf_str(&first), &a, &again));
    auth_request_print(&second, &again);
    assert_str("client_id=c&redirect_uri=a%3Ab&scope=a%20b&state=%26%20%20x", buf_str(&first));
    assert_true(str_eq(buf_str(&first), buf_str(&second)));
    assert_rc(RC_MALFORMED, auth_request_parse(STR("state=%zz"), &a, &r));
    buf_fini(&first);
    buf_fini(&second);
    arena_fini(&a);
}

static void test_scopes(void **state)
{
    static const struct row {
        const char *asked, *allowed, *granted;
        enum rc rc;
    } rows[] = {
        {"sip", "openid sip", "sip", RC_OK},
        {"sip UnifiedCommunications:readwrite", "openid offline_access sip", "sip", RC_OK},
        {"sip openid sip", "openid sip", "sip openid", RC_OK},
        {"", "openid sip", "openid sip", RC_OK},
        {" sip ", "sip", "sip", RC_OK},
        {"sip  openid", "sip openid", "", RC_MALFORMED},
        {"admin", "sip", "", RC_DENIED},
        {"si", "sip", "", RC_DENIED},
        {"s\"p", "sip", "", RC_MALFORMED},
    };
    struct arena a;
    (void)state;
    arena_init(&a, NULL, 0, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str out = STR("");
        assert_rc(rows[i].rc,
                  auth_scope_grant(str_from(rows[i].asked), str_from(rows[i].allowed), &a, &out));
        assert_str(rows[i].granted, out);
    }
    arena_fini(&a);
}

/* --- csrf ----------------------------------------------------------------------------------------- */

static void test_csrf_field(void **state)
{
    uint8_t key[AUTH_CSRF_KEY_LEN] = {1}, other[AUTH_CSRF_KEY_LEN] = {2};
    struct str browser = STR("abcd"), request = STR("client_id=x");
    struct buf b;
    (void)state;
    buf_init(&b, 256);
    OK(auth_csrf_print(&b, key, browser, request, 1000));
    struct str field = buf_str(&b);
    assert_int_equal(AUTH_CSRF_LEN, field.n);
    OK(auth_csrf_check(field, key, browser, request, 999));
    assert_rc(RC_EXPIRED, auth_csrf_check(field, key, browser, request, 1000));
    assert_rc(RC_DENIED, auth_csrf_check(field, other, browser, request, 999));
    assert_rc(RC_DENIED, auth_csrf_check(field, key, STR("abce"), request, 999));
    assert_rc(RC_DENIED, auth_csrf_check(field, key, STR("abcdc"), STR("lient_id=x"), 999));
    assert_rc(RC_DENIED, auth_csrf_check(field, key, browser, STR("client_id=y"), 999));
    assert_rc(RC_MALFORMED, auth_csrf_check(STR(""), key, browser, request, 999));
    assert_rc(RC_MALFORMED, auth_csrf_check(str_sub(field, 0, 52), key, browser, request, 999));
    b.p[3] = b.p[3] == 'A' ? 'B' : 'A'; /* a later expiry of one's own */
    assert_rc(RC_DENIED, auth_csrf_check(field, key, browser, request, 999));
    buf_fini(&b);
}

/* --- throttle --------------------------------------------------------------------------------------- */

static void test_throttle_pauses_and_forgets(void **state)
{
    struct kit_random dice;
    struct random_source random = kit_random(&dice, 1);
    struct auth_throttle *t = auth_throttle_new(&random);
    struct auth_throttle_key rado = auth_throttle_key(t, AUTH_THROTTLE_USER, STR("rado"));
    int64_t wait = 0;
    (void)state;
    assert_true(rado.hash == auth_throttle_key(t, AUTH_THROTTLE_USER, STR("RADO")).hash);
    assert_true(rado.hash != auth_throttle_key(t, AUTH_THROTTLE_CLIENT, STR("rado")).hash);
    for (int i = 0; i < 3; i++)
        assert_true(auth_throttle_try(t, rado, i * 1000, 3, 60000, &wait));
    assert_false(auth_throttle_try(t, rado, 3000, 3, 60000, &wait));
    assert_int_equal(59000, wait);
    assert_false(auth_throttle_try(t, rado, 61999, 3, 60000, &wait));
    assert_int_equal(1, wait);
    assert_true(auth_throttle_try(t, rado, 62000, 3, 60000, &wait));
    assert_true(auth_throttle_try(t, rado, 62000, 3, 60000, &wait)); /* counts from nothing */
    auth_throttle_free(t);
}

static void test_throttle_takes_back(void **state)
{
    struct kit_random dice;
    struct random_source random = kit_random(&dice, 1);
    struct auth_throttle *t = auth_throttle_new(&random);
    struct auth_throttle_key k = auth_throttle_key(t, AUTH_THROTTLE_USER, STR("k"));
    int64_t wait;
    (void)state;
    assert_true(auth_throttle_try(t, k, 0, 2, 1000, &wait));
    assert_true(auth_throttle_try(t, k, 0, 2, 1000, &wait));
    auth_throttle_undo(t, k);
    assert_true(auth_throttle_try(t, k, 0, 2, 1000, &wait));
    assert_false(auth_throttle_try(t, k, 0, 2, 1000, &wait));
    auth_throttle_clear(t, k);
    auth_throttle_undo(t, k); /* nothing left: no harm */
    assert_true(auth_throttle_try(t, k, 0, 2, 1000, &wait));
    auth_throttle_free(t);
}

static void test_throttle_is_bounded_and_keeps_the_guilty(void **state)
{
    struct kit_random dice;
    struct random_source random = kit_random(&dice, 1);
    struct auth_throttle *t = auth_throttle_new(&random);
    struct auth_throttle_key bad = auth_throttle_key(t, AUTH_THROTTLE_USER, STR("bad"));
    int64_t wait;
    char name[32];
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_true(auth_throttle_try(t, bad, 0, 5, 60000, &wait));
    for (int i = 0; i < 10 * AUTH_THROTTLE_MAX; i++) {
        struct buf b;
        buf_init_fixed(&b, name, sizeof name);
        buf_put_i64(&b, i);
        (void)auth_throttle_try(t, auth_throttle_key(t, AUTH_THROTTLE_USER, buf_str(&b)), 1, 5,
                                60000, &wait);
    }
    assert_false(auth_throttle_try(t, bad, 2, 5, 60000, &wait));
    auth_throttle_free(t);
}

/* --- refresh token text -------------------------------------------------------------------------------- */

static void test_refresh_text(void **state)
{
    uint8_t secret[AUTH_REFRESH_SECRET_LEN] = {9}, key[AUTH_REFRESH_KEY_LEN] = {3};
    struct str grant = STR("4be3a8f2-1f1b-4f2f-9f4e-5d0f2d1b3c11");
    struct store_hash hash;
    struct auth_refresh r;
    struct buf b;
    (void)state;
    buf_init(&b, 256);
    OK(auth_refresh_hash(secret, &hash));
    OK(auth_refresh_print(&b, secret, grant, key));
    struct str text = kit_guard(buf_str(&b));
    assert_int_equal(AUTH_REFRESH_LEN, text.n);
    OK(auth_refresh_parse(text, key, &r));
    assert_memory_equal(hash.p, r.hash.p, sizeof hash.p);
    assert_string_equal(grant.p, r.grant);
    key[0] ^= 1; /* rotated: still the token, without the name */
    OK(auth_refresh_parse(text, key, &r));
    assert_memory_equal(hash.p, r.hash.p, sizeof hash.p);
    assert_string_equal("", r.grant);
    assert_rc(RC_MALFORMED, auth_refresh_parse(str_sub(text, 0, 85), key, &r));
    assert_rc(RC_MALFORMED, auth_refresh_parse(STR(""), key, &r));
    assert_rc(RC_INVALID, auth_refresh_print(&b, secret, STR("no uuid"), key));
    kit_guard_free(text);
    buf_fini(&b);
}

static void test_forged_grant_name_is_not_believed(void **state)
{
    uint8_t secret[AUTH_REFRESH_SECRET_LEN] = {9}, key[AUTH_REFRESH_KEY_LEN] = {3}, mine[32] = {4};
    struct auth_refresh r;
    struct buf b;
    (void)state;
    buf_init(&b, 256);
    OK(auth_refresh_print(&b, secret, STR("4be3a8f2-1f1b-4f2f-9f4e-5d0f2d1b3c11"), mine));
    OK(auth_refresh_parse(buf_str(&b), key, &r));
    assert_string_equal("", r.grant);
    buf_fini(&b);
}

/* --- text and pages --------------------------------------------------------------------------------------- */

static void test_uuid(void **state)
{
    struct kit_random dice;
    struct random_source random = kit_random(&dice, 1);
    uint8_t bytes[AUTH_UUID_BYTES];
    char text[AUTH_UUID_LEN + 1], again[AUTH_UUID_LEN + 1];
    (void)state;
    auth_uuid_make(&random, text);
    assert_int_equal('4', text[14]);
    OK(auth_uuid_parse(str_from(text), bytes));
    auth_uuid_print(bytes, again);
    assert_string_equal(text, again);
    text[8] = 'a';
    assert_rc(RC_MALFORMED, auth_uuid_parse(str_from(text), bytes));
    assert_rc(RC_MALFORMED, auth_uuid_parse(STR(""), bytes));
}

static struct auth_page page_of(const char *hostile)
{
    return (struct auth_page){.client = str_from(hostile),
                              .scope = str_from(hostile),
                              .refresh_days = 60,
                              .action = STR("/ssosp/oauth/authorize?a=b&c=d"),
                              .csrf = STR("field"),
                              .username = str_from(hostile),
                              .error = "User ID or password is not correct."};
}

static void test_page_escapes_what_others_wrote(void **state)
{
    struct auth_page page = page_of("\"><script>alert('x')</script>&\xff");
    struct buf b;
    (void)state;
    buf_init(&b, 65536);
    auth_page_print_signin(&b, &page);
    OK(buf_rc(&b));
    assert_int_equal(STR_NPOS, str_find(buf_str(&b), STR("<script")));
    assert_int_not_equal(STR_NPOS,
                         str_find(buf_str(&b), STR("&quot;&gt;&lt;script&gt;alert(&#39;")));
    assert_int_not_equal(STR_NPOS, str_find(buf_str(&b), STR("authorize?a=b&amp;c=d\"")));
    assert_true(str_is_utf8(buf_str(&b)));
    buf_fini(&b);
}

static void test_csp_allows_the_style_and_the_redirect(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 4096);
    OK(auth_page_print_csp(&b, STR("http://127.0.0.1:49200")));
    assert_true(str_starts(buf_str(&b), STR("default-src 'none'; ")));
    assert_int_not_equal(STR_NPOS, str_find(buf_str(&b), STR("style-src 'sha256-")));
    assert_true(str_ends(buf_str(&b), STR("form-action 'self' http://127.0.0.1:49200")));
    buf_reset(&b);
    OK(auth_page_print_csp(&b, STR("")));
    assert_true(str_ends(buf_str(&b), STR("form-action 'none'")));
    buf_fini(&b);
}

static void parts_body(void *ctx)
{
    struct auth_page page = page_of("x");
    struct auth_request r;
    struct arena a;
    struct buf b;
    (void)ctx;
    arena_init(&a, NULL, 0, 1 << 20);
    buf_init(&b, 65536);
    (void)!auth_request_parse(STR("state=%26&scope=a+b"), &a, &r);
    auth_page_print_signin(&b, &page);
    struct kit_random dice;
    struct random_source random = kit_random(&dice, 1);
    auth_throttle_free(auth_throttle_new(&random));
    buf_fini(&b);
    arena_fini(&a);
}

static void test_survives_failing_allocations(void **state)
{
    (void)state;
    kit_each_alloc_fails(parts_body, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_form_sources),
        cmocka_unit_test(test_redirect_parameters),
        cmocka_unit_test(test_pkce_of_rfc_7636_appendix_b),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_confidential_client_may_go_without_pkce),
        cmocka_unit_test(test_state_has_a_bound),
        cmocka_unit_test(test_request_prints_as_it_parses),
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_csrf_field),
        cmocka_unit_test(test_throttle_pauses_and_forgets),
        cmocka_unit_test(test_throttle_takes_back),
        cmocka_unit_test(test_throttle_is_bounded_and_keeps_the_guilty),
        cmocka_unit_test(test_refresh_text),
        cmocka_unit_test(test_forged_grant_name_is_not_believed),
        cmocka_unit_test(test_uuid),
        cmocka_unit_test(test_page_escapes_what_others_wrote),
        cmocka_unit_test(test_csp_allows_the_style_and_the_redirect),
        cmocka_unit_test(test_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
