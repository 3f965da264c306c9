/* The token and revocation endpoints, asked as clients ask them. */
#include "auth/test_node.h"

static void test_code_gives_tokens(void **state)
{
    struct node *n = *state;
    struct str access, refresh;
    struct oauth_claims c;
    node_tokens(n, &access, &refresh);
    assert_str("no-store", node_header(n, "Cache-Control"));
    assert_str("application/json", node_header(n, "Content-Type"));
    assert_str("Bearer", node_member(n, "token_type"));
    assert_str("sip openid", node_member(n, "scope"));
    assert_true(node_body_has(n, "\"expires_in\":3600,"));
    assert_true(node_body_has(n, "\"refresh_token_expires_in\":5184000,"));
    assert_int_equal(AUTH_REFRESH_LEN, refresh.n);
    assert_int_equal(OAUTH_OK, node_verify(n, access, &c));
    assert_str("rado", c.user);
    assert_str("bearline-phone", c.client_id);
    assert_str(ISSUER, c.issuer);
    assert_str("CSFrado", c.device);
    assert_int_equal(36, c.gid.n);
    assert_int_equal(36, c.jti.n);
    assert_int_equal(c.issued_unix_s + 3600, c.expires_unix_s);
    assert_true(kit_log_has(&n->lines, "event=token.issued user=rado client=bearline-phone"));
    assert_false(kit_log_has(&n->lines, refresh.p));
    assert_false(kit_log_has(&n->lines, access.p));
}

static void test_id_token(void **state)
{
    struct node *n = *state;
    struct str access, refresh, id, part;
    struct bytes payload;
    node_tokens(n, &access, &refresh);
    id = node_member(n, "id_token");
    assert_true(str_split(&id, '.', &part) && str_split(&id, '.', &part));
    OK(base64url_decode_arena(part, &n->arena, &payload));
    struct str claims = bytes_str(payload);
    assert_str("rado", node_cut(n, claims, "\"sub\":\"", '"'));
    assert_str("bearline-phone", node_cut(n, claims, "\"aud\":\"", '"'));
    assert_str("n1", node_cut(n, claims, "\"nonce\":\"", '"'));
    assert_str(ISSUER, node_cut(n, claims, "\"iss\":\"", '"'));
    /* and it opens nothing */
    assert_int_not_equal(OAUTH_OK, node_verify(n, node_member(n, "id_token"), NULL));
}

/* Each row of RFC 6749, 5.2 that can be provoked without spending something. */
static void test_errors(void **state)
{
    static const struct row {
        const char *body, *code;
        int status;
    } rows[] = {
        {"", "invalid_request", 400},
        {"client_id=%zz", "invalid_request", 400},
        {"client_id=bearline-phone&client_id=bearline-phone", "invalid_request", 400},
        {"client_id=nobody&grant_type=refresh_token", "invalid_client", 401},
        {"client_id=%FF&grant_type=refresh_token", "invalid_client", 401},
        {"client_id=off&grant_type=refresh_token", "invalid_client", 401},
        {"client_id=web&grant_type=refresh_token", "invalid_client", 401},
        {"client_id=web&client_secret=wrong&grant_type=refresh_token", "invalid_client", 401},
        {"client_id=bearline-phone&client_secret=x&grant_type=refresh_token", "invalid_client",
         401},
        {"client_id=bearline-phone", "invalid_request", 400},
        {"client_id=bearline-phone&grant_type=password", "unsupported_grant_type", 400},
        {"client_id=bearline-phone&grant_type=authorization_code", "invalid_request", 400},
        {"client_id=bearline-phone&grant_type=authorization_code&code=x", "invalid_grant", 400},
        {"client_id=bearline-phone&grant_type=refresh_token", "invalid_request", 400},
        {"client_id=bearline-phone&grant_type=refresh_token&refresh_token=x", "invalid_grant", 400},
    };
    struct node *n = *state;
    struct store_client off;
    node_client(n, "web", "s3cret");
    node_client(n, "off", NULL);
    OK(store_client_get(n->store, STR("off"), &n->arena, &off, &n->why));
    off.enabled = false;
    OK(store_client_put(n->store, &admin, STORE_UPDATE, &off, &n->why));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        node_ask(n, auth_handle_token,
                 &(struct ask){.body = rows[i].body, .from = (uint8_t)(i + 9)});
        if (n->status != rows[i].status) fail_msg("row %zu gives %d", i, n->status);
        assert_error(n, rows[i].status, rows[i].code);
    }
    node_ask(n, auth_handle_token, &(struct ask){.body = "a=b", .no_type = true});
    assert_error(n, 400, "invalid_request");
}

/* What is presented with a code must be its own; the code is spent whatever is wrong. */
static void test_code_with_something_wrong(void **state)
{
#define GRANT "grant_type=authorization_code&"
    static const char *const rows[] = {
        GRANT "redirect_uri=" REDIRECT_ENC "&code=",
        GRANT "redirect_uri=" REDIRECT_ENC
              "&code_verifier=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&code=",
        GRANT "redirect_uri=" REDIRECT_ENC "&code_verifier=short&code=",
        GRANT "redirect_uri=http%3A%2F%2F127.0.0.1%3A49201%2Fcb&code_verifier=" VERIFIER "&code=",
        GRANT "code_verifier=" VERIFIER "&code=",
    };
    struct node *n = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str code = node_code(n, QUERY);
        node_token(n, rows[i], code);
        assert_error(n, 400, "invalid_grant");
        node_token(n, CODE_GRANT, code);
        assert_error(n, 400, "invalid_grant");
    }
}

static void test_code_of_another_client(void **state)
{
    struct node *n = *state;
    struct str body, code = node_code(n, QUERY);
    node_client(n, "web", "s3cret");
    OK(arena_printf(&n->arena, &body, "%s%.*s&client_id=web&client_secret=s3cret", CODE_GRANT,
                    STR_ARG(code)));
    node_ask(n, auth_handle_token, &(struct ask){.body = body.p});
    assert_error(n, 400, "invalid_grant");
}

static void test_code_expires(void **state)
{
    struct node *n = *state;
    struct str code = node_code(n, QUERY);
    kit_time_pass(&n->now, AUTH_CODE_LIFE_S * 1000 - 1000);
    assert_int_equal(200, node_token(n, CODE_GRANT, code));
    code = node_code(n, QUERY);
    kit_time_pass(&n->now, AUTH_CODE_LIFE_S * 1000);
    node_token(n, CODE_GRANT, code);
    assert_error(n, 400, "invalid_grant");
}

static void test_replayed_code_revokes_what_it_gave(void **state)
{
    struct node *n = *state;
    struct str code = node_code(n, QUERY), access, refresh;
    assert_int_equal(200, node_token(n, CODE_GRANT, code));
    access = node_member(n, "access_token");
    refresh = node_member(n, "refresh_token");
    assert_int_equal(OAUTH_OK, node_verify(n, access, NULL));
    node_token(n, CODE_GRANT, code);
    assert_error(n, 400, "invalid_grant");
    assert_int_equal(OAUTH_REVOKED, node_verify(n, access, NULL));
    node_token(n, REFRESH_GRANT, refresh);
    assert_error(n, 400, "invalid_grant");
    assert_true(kit_log_has(&n->lines, "event=token.reused what=\"authorization code\""));
}

static void test_inactive_user_gets_nothing_for_his_code(void **state)
{
    struct node *n = *state;
    struct store_user u;
    struct str code = node_code(n, QUERY);
    OK(store_user_get(n->store, STR("rado"), &n->arena, &u, &n->why));
    u.active = false;
    u.password = STR("");
    OK(store_user_put(n->store, &admin, STORE_UPDATE, &u, &n->why));
    node_token(n, CODE_GRANT, code);
    assert_error(n, 400, "invalid_grant");
}

/* --- refresh ------------------------------------------------------------------------------------- */

static void test_refresh_rotates(void **state)
{
    struct node *n = *state;
    struct str access, first, second;
    struct oauth_claims c;
    node_tokens(n, &access, &first);
    kit_time_pass(&n->now, 2700 * 1000);
    assert_int_equal(200, node_token(n, REFRESH_GRANT, first));
    second = node_member(n, "refresh_token");
    assert_false(str_eq(first, second));
    assert_int_equal(0, node_member(n, "id_token").n);
    assert_true(node_body_has(n, "\"refresh_token_expires_in\":5181300")); /* the same end */
    assert_int_equal(OAUTH_OK, node_verify(n, node_member(n, "access_token"), &c));
    assert_str("CSFrado", c.device);
    assert_int_equal(OAUTH_OK, node_verify(n, access, NULL)); /* the old one lives on */
    assert_int_equal(200, node_token(n, REFRESH_GRANT, second));
}

static void test_reuse_revokes_the_family(void **state)
{
    struct node *n = *state;
    struct str access, first, second;
    node_tokens(n, &access, &first);
    assert_int_equal(200, node_token(n, REFRESH_GRANT, first));
    second = node_member(n, "refresh_token");
    node_token(n, REFRESH_GRANT, first);
    assert_error(n, 400, "invalid_grant");
    node_token(n, REFRESH_GRANT, second);
    assert_error(n, 400, "invalid_grant");
    assert_int_equal(OAUTH_REVOKED, node_verify(n, access, NULL));
}

/* The store remembers a few spent tokens; an older one gives itself away by the name it carries. */
static void test_very_old_token_revokes_too(void **state)
{
    struct node *n = *state;
    struct str access, first, token;
    node_tokens(n, &access, &first);
    token = first;
    for (int i = 0; i < STORE_SPENT_MAX + 4; i++) {
        assert_int_equal(200, node_token(n, REFRESH_GRANT, token));
        token = node_member(n, "refresh_token");
    }
    node_token(n, REFRESH_GRANT, first);
    assert_error(n, 400, "invalid_grant");
    assert_int_equal(OAUTH_REVOKED, node_verify(n, access, NULL));
}

static void test_grace_forgives_a_lost_answer(void **state)
{
    struct node *n = *state;
    struct str access, first, second;
    node_param(n, "OAuthRefreshReuseGrace", "10");
    node_tokens(n, &access, &first);
    assert_int_equal(200, node_token(n, REFRESH_GRANT, first));
    kit_time_pass(&n->now, 9000);
    assert_int_equal(200, node_token(n, REFRESH_GRANT, first));
    second = node_member(n, "refresh_token");
    assert_int_equal(200, node_token(n, REFRESH_GRANT, second));
    node_token(n, REFRESH_GRANT, first);
    assert_error(n, 400, "invalid_grant");
    assert_int_equal(OAUTH_REVOKED, node_verify(n, access, NULL));
}

static void test_rotation_may_be_off(void **state)
{
    struct node *n = *state;
    struct str access, refresh;
    node_param(n, "OAuthRefreshRotation", "0");
    node_tokens(n, &access, &refresh);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(200, node_token(n, REFRESH_GRANT, refresh));
        assert_int_equal(0, node_member(n, "refresh_token").n);
    }
}

static void test_refresh_ends_with_the_sign_in(void **state)
{
    struct node *n = *state;
    struct str access, refresh;
    node_param(n, "OAuthRefreshTokenExpiry", "2");
    node_tokens(n, &access, &refresh);
    kit_time_pass(&n->now, 86400 * 1000);
    assert_int_equal(200, node_token(n, REFRESH_GRANT, refresh));
    refresh = node_member(n, "refresh_token");
    kit_time_pass(&n->now, 86400 * 1000);
    node_token(n, REFRESH_GRANT, refresh);
    assert_error(n, 400, "invalid_grant");
    assert_true(node_body_has(n, "expired"));
}

static void test_desk_phones_have_their_own_lifetime(void **state)
{
    struct node *n = *state;
    node_param(n, "PhoneOAuthRefreshTokenExpiry", "1");
    struct str code = node_code(
        n, "client_id=bearline-phone&redirect_uri=" REDIRECT_ENC
           "&response_type=code&device_id=SEP0123456789AB&code_challenge=" CHALLENGE
           "&code_challenge_method=S256");
    assert_int_equal(200, node_token(n, CODE_GRANT, code));
    assert_true(node_body_has(n, "\"refresh_token_expires_in\":86400"));
}

static void test_refresh_narrows_scope(void **state)
{
    struct node *n = *state;
    struct str access, refresh;
    node_tokens(n, &access, &refresh);
    assert_int_equal(200, node_token(n, "scope=sip&" REFRESH_GRANT, refresh));
    assert_str("sip", node_member(n, "scope"));
}

static void test_unfit_scope_spends_nothing_and_hides_no_reuse(void **state)
{
    struct node *n = *state;
    struct str access, first;
    node_tokens(n, &access, &first);
    node_token(n, "scope=root&" REFRESH_GRANT, first);
    assert_error(n, 400, "invalid_scope");
    assert_true(kit_log_has(&n->lines, "event=token.refused client=bearline-phone user=rado"));
    assert_int_equal(200, node_token(n, REFRESH_GRANT, first));
    node_token(n, "scope=root&" REFRESH_GRANT, first);
    assert_error(n, 400, "invalid_grant");
    assert_int_equal(OAUTH_REVOKED, node_verify(n, access, NULL));
}

/* Who holds a token of ours hears why it ended; who makes one up does not. */
static void test_the_end_of_a_sign_in_is_told(void **state)
{
    struct node *n = *state;
    struct str access, refresh;
    struct oauth_claims c;
    struct store_user rado = {.id = STR("rado"), .roles = STORE_ROLE_USER};
    node_tokens(n, &access, &refresh);
    assert_int_equal(OAUTH_OK, node_verify(n, access, &c));
    OK(store_grant_revoke(n->store, &admin, c.gid, clock_unix_s(&n->settings.clock), STR("lost"),
                          &n->why));
    node_token(n, REFRESH_GRANT, refresh);
    assert_error(n, 400, "invalid_grant");
    assert_str("the sign-in was revoked: sign in again", node_member(n, "error_description"));
    node_tokens(n, &access, &refresh);
    OK(store_user_put(n->store, &admin, STORE_PUT, &rado, &n->why));
    node_token(n, REFRESH_GRANT, refresh);
    assert_error(n, 400, "invalid_grant");
    assert_str("the user is disabled: ask the administrator", node_member(n, "error_description"));
    rado.active = true;
    OK(store_user_put(n->store, &admin, STORE_PUT, &rado, &n->why));
    node_token(n, REFRESH_GRANT, refresh); /* the old sign-in stays ended */
    assert_error(n, 400, "invalid_grant");
    OK(store_user_remove(n->store, &admin, STR("rado"), &n->why));
    node_token(n, REFRESH_GRANT, STR("bm90IG9uZSBvZiBvdXJz"));
    assert_str("the refresh token is unknown: sign in again", node_member(n, "error_description"));
}

static void test_refresh_of_another_client(void **state)
{
    struct node *n = *state;
    struct str access, refresh, body;
    node_client(n, "web", "s3cret");
    node_tokens(n, &access, &refresh);
    OK(arena_printf(&n->arena, &body, REFRESH_GRANT "%.*s", STR_ARG(refresh)));
    node_ask(n, auth_handle_token,
             &(struct ask){.body = body.p, .user = "web", .password = "s3cret"});
    assert_error(n, 400, "invalid_grant");
    assert_int_equal(200, node_token(n, REFRESH_GRANT, refresh)); /* the owner's still works */
}

/* --- parameters hold from the next request on ------------------------------------------------------- */

static void test_without_refresh_flow_access_only(void **state)
{
    struct node *n = *state;
    struct str access, refresh;
    struct oauth_claims c;
    node_tokens(n, &access, &refresh);
    node_param(n, "OAuthRefreshLoginFlow", "0");
    node_token(n, REFRESH_GRANT, refresh);
    assert_error(n, 400, "invalid_grant");
    node_tokens(n, &access, &refresh);
    assert_int_equal(0, refresh.n);
    assert_int_equal(OAUTH_OK, node_verify(n, access, &c));
    OK(store_grant_revoke(n->store, &admin, c.gid, clock_unix_s(&n->settings.clock), STR("test"),
                          &n->why));
    assert_int_equal(OAUTH_REVOKED, node_verify(n, access, NULL));
}

static size_t count_dots(struct str s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.n; i++)
        count += s.p[i] == '.';
    return count;
}

static void test_formats_and_algorithms(void **state)
{
    static const char *const formats[] = {"nested", "signed", "reference"};
    static const char *const algs[] = {"ES256", "RS256"};
    struct node *n = *state;
    struct str access[6], refresh;
    struct oauth_claims c;
    for (int i = 0; i < 6; i++) {
        node_param(n, "OAuthTokenFormat", formats[i / 2]);
        node_param(n, "OAuthTokenAlgorithm", algs[i % 2]);
        node_tokens(n, &access[i], &refresh);
        assert_int_equal(i < 2 ? 4 : 2, count_dots(access[i]));
    }
    for (int i = 0; i < 6; i++) { /* earlier forms live on */
        assert_int_equal(OAUTH_OK, node_verify(n, access[i], &c));
        assert_str("rado", c.user);
        assert_str("CSFrado", c.device);
    }
}

static void test_parameters_hold_at_once(void **state)
{
    struct node *n = *state;
    struct str access, refresh;
    struct oauth_claims c;
    node_param(n, "OAuthAccessTokenExpiry", "5");
    node_param(n, "OAuthTokenIssuer", "https://sso.example.com");
    node_param(n, "OAuthTokenAudience", "phones");
    node_tokens(n, &access, &refresh);
    assert_true(node_body_has(n, "\"expires_in\":300,"));
    assert_int_equal(OAUTH_OK, node_verify(n, access, &c));
    assert_str("https://sso.example.com", c.issuer);
    kit_time_pass(&n->now, 300 * 1000 + 30 * 1000);
    assert_int_equal(OAUTH_EXPIRED, node_verify(n, access, NULL));
}

/* --- clients with a secret -------------------------------------------------------------------------- */

static void test_confidential_client_both_ways(void **state)
{
#define WEB_QUERY                                                                                  \
    "client_id=web&redirect_uri=https%3A%2F%2Fportal.example.com%2Fcb%3Fx%3D1&response_type=code"
#define WEB_GRANT                                                                                  \
    "grant_type=authorization_code&redirect_uri=https%3A%2F%2Fportal.example.com%2Fcb%3Fx%3D1&"    \
    "code="
    struct node *n = *state;
    struct str body, code;
    node_client(n, "web", "s3cret %");
    code = node_code(n, WEB_QUERY);
    assert_true(
        str_starts(node_header(n, "Location"), STR("https://portal.example.com/cb?x=1&code=")));
    OK(arena_printf(&n->arena, &body, "%s%.*s&client_id=web&client_secret=s3cret+%%25", WEB_GRANT,
                    STR_ARG(code)));
    assert_int_equal(200, node_ask(n, auth_handle_token, &(struct ask){.body = body.p}));
    code = node_code(n, WEB_QUERY);
    OK(arena_printf(&n->arena, &body, "%s%.*s", WEB_GRANT, STR_ARG(code)));
    struct ask ask = {.body = body.p, .user = "web", .password = "s3cret+%25"};
    assert_int_equal(200, node_ask(n, auth_handle_token, &ask));
    ask.password = "wrong";
    node_ask(n, auth_handle_token, &ask);
    assert_error(n, 401, "invalid_client");
    assert_str("Basic realm=\"bearline\"", node_header(n, "WWW-Authenticate"));
    ask.user = "bearline-phone";
    node_ask(n, auth_handle_token, &ask);
    assert_error(n, 401, "invalid_client");
}

static void test_verifier_without_challenge_is_refused(void **state)
{
    struct node *n = *state;
    struct str body, code;
    node_client(n, "web", "s3cret");
    code = node_code(n, WEB_QUERY);
    OK(arena_printf(&n->arena, &body,
                    "%s%.*s&client_id=web&client_secret=s3cret&code_verifier=" VERIFIER, WEB_GRANT,
                    STR_ARG(code)));
    node_ask(n, auth_handle_token, &(struct ask){.body = body.p});
    assert_error(n, 400, "invalid_grant");
}

static void test_client_secret_is_throttled(void **state)
{
    struct node *n = *state;
    struct ask ask = {.body = "client_id=web&client_secret=wrong"};
    node_param(n, "SignInTries", "2");
    node_client(n, "web", "s3cret");
    for (int i = 0; i < 2; i++)
        assert_int_equal(401, node_ask(n, auth_handle_token, &ask));
    assert_int_equal(429, node_ask(n, auth_handle_token, &ask));
    assert_str("60", node_header(n, "Retry-After"));
}

/* --- revocation ------------------------------------------------------------------------------------- */

static int revoke_token(struct node *n, const char *client, struct str token)
{
    struct str body;
    OK(arena_printf(&n->arena, &body, "%s&token=%.*s", client, STR_ARG(token)));
    return node_ask(n, auth_handle_revoke, &(struct ask){.body = body.p});
}

static void test_revoke_by_either_token(void **state)
{
    struct node *n = *state;
    struct str access, refresh;
    for (int i = 0; i < 2; i++) {
        node_tokens(n, &access, &refresh);
        assert_int_equal(200, revoke_token(n, "client_id=bearline-phone", i ? access : refresh));
        assert_int_equal(OAUTH_REVOKED, node_verify(n, access, NULL));
        node_token(n, REFRESH_GRANT, refresh);
        assert_error(n, 400, "invalid_grant");
        /* what is revoked already, or nonsense, is fine */
        assert_int_equal(200, revoke_token(n, "client_id=bearline-phone", i ? access : refresh));
    }
    assert_int_equal(200, revoke_token(n, "client_id=bearline-phone", STR("nonsense")));
    revoke_token(n, "client_id=bearline-phone", STR(""));
    assert_error(n, 400, "invalid_request");
    revoke_token(n, "client_id=nobody", refresh);
    assert_error(n, 401, "invalid_client");
}

static void test_revoke_is_for_its_own_client(void **state)
{
    struct node *n = *state;
    struct str access, refresh;
    node_client(n, "other", NULL);
    node_tokens(n, &access, &refresh);
    revoke_token(n, "client_id=other", refresh);
    assert_error(n, 400, "invalid_grant");
    revoke_token(n, "client_id=other", access);
    assert_error(n, 400, "invalid_grant");
    assert_int_equal(OAUTH_OK, node_verify(n, access, NULL));
}

static void test_administrator_revokes_a_user(void **state)
{
    struct node *n = *state;
    struct str access, refresh;
    struct ask ask = {.query = "user_id=rado", .user = "boss", .password = "boss"};
    node_user(n, "boss", "boss", STORE_ROLE_USER | STORE_ROLE_ADMIN);
    node_tokens(n, &access, &refresh);
    assert_int_equal(200, node_ask(n, auth_handle_user_revoke, &ask));
    assert_true(str_starts(node_body(n),
                           STR("{\"revoked_tokens\":{\"status\":\"success\",\"user_id\":\"rado\","
                               "\"clientID_tokens\":[{\"client_id\":\"bearline-phone\","
                               "\"refresh_token\":\"")));
    assert_int_equal(64, node_member(n, "refresh_token").n);
    assert_int_equal(OAUTH_REVOKED, node_verify(n, access, NULL));
    assert_int_equal(200, node_ask(n, auth_handle_user_revoke, &ask));
    assert_true(node_body_has(n, "\"clientID_tokens\":[]"));
    ask.query = "user_id=nobody";
    assert_int_equal(404, node_ask(n, auth_handle_user_revoke, &ask));
    assert_true(node_body_has(n, "\"status\":\"failure\""));
    ask.query = "";
    assert_int_equal(400, node_ask(n, auth_handle_user_revoke, &ask));
    ask.body = "user_id=rado&client_id=other";
    node_tokens(n, &access, &refresh);
    assert_int_equal(200, node_ask(n, auth_handle_user_revoke, &ask));
    assert_int_equal(OAUTH_OK, node_verify(n, access, NULL)); /* of another client */
}

static void test_only_an_administrator_revokes_users(void **state)
{
    struct node *n = *state;
    struct ask ask = {.query = "user_id=rado"};
    assert_int_equal(401, node_ask(n, auth_handle_user_revoke, &ask));
    assert_str("Basic realm=\"bearline\"", node_header(n, "WWW-Authenticate"));
    ask.user = "rado";
    ask.password = "wrong";
    assert_int_equal(401, node_ask(n, auth_handle_user_revoke, &ask));
    ask.password = PASSWORD;
    assert_int_equal(403, node_ask(n, auth_handle_user_revoke, &ask));
    ask.fetch_site = "cross-site";
    assert_int_equal(403, node_ask(n, auth_handle_user_revoke, &ask));
}

#define T(name) cmocka_unit_test_setup_teardown(name, node_setup, node_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_code_gives_tokens),
        T(test_id_token),
        T(test_errors),
        T(test_code_with_something_wrong),
        T(test_code_of_another_client),
        T(test_code_expires),
        T(test_replayed_code_revokes_what_it_gave),
        T(test_inactive_user_gets_nothing_for_his_code),
        T(test_refresh_rotates),
        T(test_reuse_revokes_the_family),
        T(test_very_old_token_revokes_too),
        T(test_grace_forgives_a_lost_answer),
        T(test_rotation_may_be_off),
        T(test_refresh_ends_with_the_sign_in),
        T(test_desk_phones_have_their_own_lifetime),
        T(test_refresh_narrows_scope),
        T(test_unfit_scope_spends_nothing_and_hides_no_reuse),
        T(test_the_end_of_a_sign_in_is_told),
        T(test_refresh_of_another_client),
        T(test_without_refresh_flow_access_only),
        T(test_formats_and_algorithms),
        T(test_parameters_hold_at_once),
        T(test_confidential_client_both_ways),
        T(test_verifier_without_challenge_is_refused),
        T(test_client_secret_is_throttled),
        T(test_revoke_by_either_token),
        T(test_revoke_is_for_its_own_client),
        T(test_administrator_revokes_a_user),
        T(test_only_an_administrator_revokes_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
