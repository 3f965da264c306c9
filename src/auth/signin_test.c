/* The authorization endpoint, asked as a browser asks it. */
#include "auth/test_node.h"

static int get(struct node *n, const char *query)
{
    return node_ask(n, auth_handle_authorize, &(struct ask){.query = query});
}

static void test_page_is_shown(void **state)
{
    struct node *n = *state;
    assert_int_equal(200, get(n, QUERY "&login_hint=rado"));
    assert_true(node_body_has(n, "Bearline phone"));
    assert_true(node_body_has(n, "Register your phone lines and make calls"));
    assert_true(node_body_has(n, "Stay signed in for 60 days"));
    assert_true(node_body_has(n, "value=\"rado\""));
    assert_false(node_body_has(n, "<script"));
    assert_str("no-store", node_header(n, "Cache-Control"));
    struct str csp = node_header(n, "Content-Security-Policy");
    assert_true(str_ends(csp, STR("form-action 'self' http://127.0.0.1:49200")));
    assert_true(str_starts(node_header(n, "Set-Cookie"), STR("__Host-bearline-signin=")));
    node_param(n, "OAuthRefreshLoginFlow", "0");
    assert_int_equal(200, get(n, QUERY));
    assert_true(node_body_has(n, "Stay signed in for 60 minutes"));
}

static void test_sign_in_gives_a_code(void **state)
{
    struct node *n = *state;
    assert_int_equal(303, node_sign_in(n, QUERY, "RADO", "correct+horse", 0));
    struct str to = node_header(n, "Location");
    assert_true(str_starts(to, STR(REDIRECT "?code=")));
    assert_true(str_ends(to, STR("&state=st%26te&iss=https%3A%2F%2Fnode1.example.com%3A8443")));
    assert_int_equal(43, node_cut(n, to, "code=", '&').n);
    assert_int_equal(0, node_body(n).n);
    assert_true(kit_log_has(&n->lines, "event=signin.accepted user=rado client=bearline-phone"));
    assert_true(kit_log_has(&n->lines, "address=192.0.2.7"));
    assert_false(kit_log_has(&n->lines, "horse"));
    assert_false(kit_log_has(&n->lines, node_cut(n, to, "code=", '&').p));
}

static void test_old_hash_is_renewed(void **state)
{
    struct node *n = *state;
    struct store_user u;
    node_code(n, QUERY);
    assert_true(kit_log_has(&n->lines, "event=password.rehashed user=rado"));
    OK(store_user_get(n->store, STR("rado"), &n->arena, &u, &n->why));
    assert_false(crypto_password_needs_rehash(u.password, &crypto_password_cost_default));
    node_code(n, QUERY);
}

/* Errors before client and redirect are known: never a redirect. */
static void test_errors_that_stay_here(void **state)
{
    static const char *const queries[] = {
        "",
        "redirect_uri=" REDIRECT_ENC "&" ASK,
        "client_id=nobody&redirect_uri=" REDIRECT_ENC "&" ASK,
        "client_id=bearline-phone&client_id=bearline-phone&redirect_uri=" REDIRECT_ENC "&" ASK,
        "client_id=bearline-phone&" ASK,
        "client_id=bearline-phone&redirect_uri=https%3A%2F%2Fevil.example%2F&" ASK,
        "client_id=bearline-phone&redirect_uri=http%3A%2F%2Flocalhost%3A1%2F&" ASK,
        "client_id=bearline-phone&redirect_uri=" REDIRECT_ENC "&redirect_uri=" REDIRECT_ENC "&" ASK,
        "client_id=%zz",
        "client_id=off&redirect_uri=myapp%3A%2Fcb&" ASK,
        "client_id=web&redirect_uri=" REDIRECT_ENC "&" ASK,
    };
    struct node *n = *state;
    struct store_client off;
    node_client(n, "off", NULL);
    node_client(n, "web", NULL);
    OK(store_client_get(n->store, STR("off"), &n->arena, &off, &n->why));
    off.enabled = false;
    OK(store_client_put(n->store, &admin, STORE_UPDATE, &off, &n->why));
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        assert_int_equal(400, get(n, queries[i]));
        assert_int_equal(0, node_header(n, "Location").n);
        assert_true(node_body_has(n, "This sign-in cannot be done"));
        assert_true(str_ends(node_header(n, "Content-Security-Policy"), STR("form-action 'none'")));
        assert_int_equal(400, node_ask(n, auth_handle_authorize,
                                       &(struct ask){.query = queries[i], .body = "csrf=x"}));
        assert_int_equal(0, node_header(n, "Location").n);
    }
}

static void test_errors_that_travel(void **state)
{
#define TO   "client_id=bearline-phone&redirect_uri=" REDIRECT_ENC "&state=s1"
#define PKCE "&code_challenge=" CHALLENGE "&code_challenge_method=S256"
    static const char *const rows[][2] = {
        {TO PKCE, "invalid_request"},
        {TO PKCE "&response_type=token", "unsupported_response_type"},
        {TO "&response_type=code", "invalid_request"},
        {TO "&response_type=code&code_challenge=" CHALLENGE, "invalid_request"},
        {TO PKCE "&response_type=code&scope=admin", "invalid_scope"},
        {TO PKCE "&response_type=code&scope=a%22b", "invalid_scope"},
        {TO PKCE "&response_type=code&scope=sip&scope=sip", "invalid_request"},
        {TO PKCE "&response_type=code&prompt=none", "login_required"},
        {TO PKCE "&response_type=code&request=e30", "request_not_supported"},
    };
    struct node *n = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(303, get(n, rows[i][0]));
        struct str to = node_header(n, "Location");
        assert_true(str_starts(to, STR(REDIRECT "?error=")));
        assert_str(rows[i][1], node_cut(n, to, "error=", '&'));
        assert_str("s1", node_cut(n, to, "&state=", '&'));
        assert_true(node_cut(n, to, "&iss=", '&').n > 0);
    }
}

static void test_cancel_is_access_denied(void **state)
{
    struct node *n = *state;
    struct str body;
    assert_int_equal(200, get(n, QUERY));
    OK(arena_printf(&n->arena, &body, "csrf=%.*s&username=&password=&cancel=1",
                    STR_ARG(node_csrf(n))));
    assert_int_equal(
        303, node_ask(n, auth_handle_authorize, &(struct ask){.query = QUERY, .body = body.p}));
    assert_str("access_denied", node_cut(n, node_header(n, "Location"), "error=", '&'));
}

/* Whoever it is and whatever was wrong: the same answer, byte for byte but for the field. */
static void test_wrong_and_unknown_look_alike(void **state)
{
    struct node *n = *state;
    struct store_user u;
    node_user(n, "blank", NULL, STORE_ROLE_USER);
    node_user(n, "leave", PASSWORD, STORE_ROLE_USER);
    OK(store_user_get(n->store, STR("leave"), &n->arena, &u, &n->why));
    u.active = false;
    OK(store_user_put(n->store, &admin, STORE_UPDATE, &u, &n->why));
    static const char *const rows[][3] = {{"rado", "wrong", "wrong password"},
                                          {"nobody", "wrong", "no such user"},
                                          {"blank", "wrong", "no password set"},
                                          {"leave", "correct+horse", "user inactive"}};
    for (uint8_t i = 0; i < 4; i++) {
        assert_int_equal(403, node_sign_in(n, QUERY, rows[i][0], rows[i][1], (uint8_t)(20 + i)));
        assert_true(node_body_has(n, "User ID or password is not correct."));
        assert_int_equal(0, node_header(n, "Location").n);
        assert_true(kit_log_has(&n->lines, rows[i][2]));
    }
    struct store_audits rows_made;
    OK(store_audit_list(n->store, 0, 4, &n->arena, &rows_made, &n->why));
    assert_str("signin", rows_made.rows[0].action);
    assert_str("user inactive", rows_made.rows[0].result);
}

static void test_empty_form_is_wrong(void **state)
{
    struct node *n = *state;
    assert_int_equal(403, node_sign_in(n, QUERY, "", "", 0));
    assert_int_equal(403, node_sign_in(n, QUERY, "rado", "", 0));
    assert_int_equal(403, node_sign_in(n, QUERY, "%FF%FE", "x", 0));
}

static void test_form_must_be_ours(void **state)
{
    struct node *n = *state;
    struct str body, csrf;
    get(n, QUERY);
    csrf = node_csrf(n);
    OK(arena_printf(&n->arena, &body, "csrf=%.*s&username=rado&password=correct+horse",
                    STR_ARG(csrf)));
    struct ask good = {.query = QUERY, .body = body.p}, ask = good;
    ask.no_cookie = true;
    assert_int_equal(400, node_ask(n, auth_handle_authorize, &ask)); /* another browser */
    snprintf(n->cookie, sizeof n->cookie, "__Host-bearline-signin=%032d", 7);
    assert_int_equal(400, node_ask(n, auth_handle_authorize, &good));
    get(n, QUERY); /* an own form again, for another request */
    OK(arena_printf(&n->arena, &body, "csrf=%.*s&username=rado&password=correct+horse",
                    STR_ARG(node_csrf(n))));
    ask = (struct ask){.query = QUERY "&prompt=login", .body = body.p};
    assert_int_equal(400, node_ask(n, auth_handle_authorize, &ask));
    ask = (struct ask){.query = QUERY, .body = "username=rado&password=correct+horse"};
    assert_int_equal(400, node_ask(n, auth_handle_authorize, &ask));
    ask = (struct ask){.query = QUERY, .body = body.p, .no_type = true};
    assert_int_equal(400, node_ask(n, auth_handle_authorize, &ask));
    ask.no_type = false;
    assert_int_equal(303, node_ask(n, auth_handle_authorize, &ask));
}

static void test_form_expires(void **state)
{
    struct node *n = *state;
    struct str body;
    get(n, QUERY);
    OK(arena_printf(&n->arena, &body, "csrf=%.*s&username=rado&password=correct+horse",
                    STR_ARG(node_csrf(n))));
    kit_time_pass(&n->now, AUTH_FORM_LIFE_S * 1000);
    assert_int_equal(
        400, node_ask(n, auth_handle_authorize, &(struct ask){.query = QUERY, .body = body.p}));
    assert_true(node_body_has(n, "open for too long"));
    assert_true(node_csrf(n).n > 0); /* and here is a new one */
}

static void test_user_is_paused_wherever_he_comes_from(void **state)
{
    struct node *n = *state;
    node_param(n, "SignInTries", "3");
    for (uint8_t i = 0; i < 3; i++)
        assert_int_equal(403, node_sign_in(n, QUERY, "rado", "wrong", (uint8_t)(30 + i)));
    assert_int_equal(429, node_sign_in(n, QUERY, "rado", "correct+horse", 40));
    assert_str("60", node_header(n, "Retry-After"));
    kit_time_pass(&n->now, 59999);
    assert_int_equal(429, node_sign_in(n, QUERY, "rado", "correct+horse", 40));
    kit_time_pass(&n->now, 1);
    assert_int_equal(303, node_sign_in(n, QUERY, "rado", "correct+horse", 40));
    struct auth_stats stats;
    auth_stats(n->auth, &stats);
    assert_int_equal(1, stats.signins);
    assert_int_equal(3, stats.signins_refused);
    assert_int_equal(2, stats.signins_paused);
}

/* Many users share one address: a company behind its router. */
static void test_one_who_forgot_his_password_does_not_lock_out_his_neighbours(void **state)
{
    struct node *n = *state;
    node_param(n, "SignInTries", "2");
    for (int i = 0; i < 2; i++)
        assert_int_equal(403, node_sign_in(n, QUERY, "a", "wrong", 50));
    assert_int_equal(429, node_sign_in(n, QUERY, "a", "wrong", 50));
    assert_int_equal(303, node_sign_in(n, QUERY, "rado", "correct+horse", 50));
}

static void test_address_is_paused_whoever_it_tries(void **state)
{
    struct node *n = *state;
    char name[8];
    node_param(n, "SignInTries", "1");
    for (int i = 0; i < 19; i++) {
        snprintf(name, sizeof name, "u%d", i);
        assert_int_equal(403, node_sign_in(n, QUERY, name, "wrong", 50));
    }
    assert_int_equal(303, node_sign_in(n, QUERY, "rado", "correct+horse", 50));
    assert_int_equal(403,
                     node_sign_in(n, QUERY, "b", "wrong", 50)); /* the success washed nothing */
    assert_int_equal(429, node_sign_in(n, QUERY, "rado", "correct+horse", 50));
    assert_int_equal(303, node_sign_in(n, QUERY, "rado", "correct+horse", 51));
}

static void test_half_of_the_pool_hashes_at_most(void **state)
{
    struct node *n = *state;
    struct auth_stats stats;
    assert_int_equal(2, n->auth->hashing_max);
    atomic_store(&n->auth->hashing, 2);
    for (int i = 0; i < 9; i++) { /* and that is no failure of theirs */
        assert_int_equal(503, node_sign_in(n, QUERY, "rado", "correct+horse", 0));
        assert_str("2", node_header(n, "Retry-After"));
    }
    atomic_store(&n->auth->hashing, 0);
    assert_int_equal(303, node_sign_in(n, QUERY, "rado", "correct+horse", 0));
    auth_stats(n->auth, &stats);
    assert_int_equal(9, stats.busy);
    assert_int_equal(0, atomic_load(&n->auth->hashing));
}

static void test_redirects_of_the_parameter_are_good_for_all(void **state)
{
    struct node *n = *state;
    const char *query = "client_id=bearline-phone&redirect_uri=org.example%3A%2Fx&" ASK;
    assert_int_equal(400, get(n, query));
    node_param(n, "ThirdPartySSORedirectURIs", "org.example:/x other:/y");
    assert_int_equal(200, get(n, query));
    assert_true(str_ends(node_header(n, "Content-Security-Policy"), STR("'self' org.example:")));
}

/* The picture of the page: with BEARLINE_PAGES=folder the pages are written there. */
static void test_pages_for_looking_at(void **state)
{
    struct node *n = *state;
    const char *folder = getenv("BEARLINE_PAGES");
    char path[256];
    assert_int_equal(200, get(n, QUERY));
    for (int i = 0; folder && i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s.html", folder,
                 i == 0   ? "signin"
                 : i == 1 ? "wrong"
                          : "error");
        if (i == 1) node_sign_in(n, QUERY, "rado", "wrong", 0);
        if (i == 2) get(n, "client_id=x");
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fwrite(node_body(n).p, 1, node_body(n).n, f);
        fclose(f);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, node_setup, node_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_page_is_shown),
        T(test_sign_in_gives_a_code),
        T(test_old_hash_is_renewed),
        T(test_errors_that_stay_here),
        T(test_errors_that_travel),
        T(test_cancel_is_access_denied),
        T(test_wrong_and_unknown_look_alike),
        T(test_empty_form_is_wrong),
        T(test_form_must_be_ours),
        T(test_form_expires),
        T(test_user_is_paused_wherever_he_comes_from),
        T(test_one_who_forgot_his_password_does_not_lock_out_his_neighbours),
        T(test_address_is_paused_whoever_it_tries),
        T(test_half_of_the_pool_hashes_at_most),
        T(test_redirects_of_the_parameter_are_good_for_all),
        T(test_pages_for_looking_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
