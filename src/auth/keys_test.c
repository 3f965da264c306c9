/* Keys, keyring and what the server follows in the directory. */
#include "auth/test_node.h"
#include "jose/jws.h"
#include "jose/object.h"

static void test_first_start_makes_the_keys(void **state)
{
    struct node *n = *state;
    struct store_keys keys;
    struct auth_key_info sign, enc;
    OK(store_key_list(n->store, NULL, &n->arena, &keys, &n->why));
    assert_int_equal(AUTH_ALG_COUNT, keys.count);
    for (size_t i = 0; i < keys.count; i++) {
        assert_int_equal(AUTH_UUID_LEN + 1 + 64, keys.rows[i].kid.n);
        assert_memory_equal(keys.rows[0].kid.p, keys.rows[i].kid.p, AUTH_UUID_LEN + 1);
    }
    OK(auth_key_checksum(n->auth, STORE_KEY_SIGNING, &n->arena, &sign));
    OK(auth_key_checksum(n->auth, STORE_KEY_ENCRYPTION, &n->arena, &enc));
    assert_str("ES256", sign.alg);
    assert_str("A256GCM", enc.alg);
    assert_int_equal(64, sign.checksum.n);
    assert_int_equal(0, sign.former_count);
    node_param(n, "OAuthTokenAlgorithm", "RS256");
    node_param(n, "OAuthTokenFormat", "reference");
    OK(auth_key_checksum(n->auth, STORE_KEY_SIGNING, &n->arena, &sign));
    OK(auth_key_checksum(n->auth, STORE_KEY_ENCRYPTION, &n->arena, &enc));
    assert_str("RS256", sign.alg);
    assert_str("A128CBC-HS256", enc.alg);
}

static void test_restart_keeps_keys_tokens_and_revocations(void **state)
{
    struct node *n = *state;
    struct str kept, refresh, revoked, unused;
    struct oauth_claims c;
    node_tokens(n, &kept, &refresh);
    node_tokens(n, &revoked, &unused);
    assert_int_equal(OAUTH_OK, node_verify(n, revoked, &c));
    OK(store_grant_revoke(n->store, &admin, c.gid, clock_unix_s(&n->settings.clock), STR("test"),
                          &n->why));
    node_stop(n);
    node_start(n);
    assert_int_equal(OAUTH_OK, node_verify(n, kept, NULL));
    assert_int_equal(OAUTH_REVOKED, node_verify(n, revoked, NULL));
    assert_int_equal(200, node_token(n, REFRESH_GRANT, refresh));
}

static void test_rotation_signs_nobody_out(void **state)
{
    static const enum store_key_use uses[] = {STORE_KEY_SIGNING, STORE_KEY_ENCRYPTION};
    struct node *n = *state;
    struct str old, now_made, refresh, unused;
    struct auth_key_info before, after;
    node_param(n, "OAuthKeyOverlap", "120");
    node_tokens(n, &old, &refresh);
    for (int i = 0; i < 2; i++) {
        OK(auth_key_checksum(n->auth, uses[i], &n->arena, &before));
        OK(auth_keys_rotate(n->auth, &admin, uses[i], &n->why));
        OK(auth_key_checksum(n->auth, uses[i], &n->arena, &after));
        assert_false(str_eq(before.kid, after.kid));
        assert_memory_equal(before.kid.p, after.kid.p, AUTH_UUID_LEN + 1);
        assert_int_equal(2, after.former_count);
        assert_int_equal(OAUTH_OK, node_verify(n, old, NULL));
        node_tokens(n, &now_made, &unused);
        assert_int_equal(OAUTH_OK, node_verify(n, now_made, NULL));
    }
    assert_int_equal(200, node_token(n, REFRESH_GRANT, refresh));
    kit_time_pass(&n->now, 120 * 60 * 1000);
    auth_housekeep(n->auth);
    OK(auth_key_checksum(n->auth, STORE_KEY_SIGNING, &n->arena, &after));
    assert_int_equal(0, after.former_count);
    assert_int_equal(OAUTH_UNKNOWN_KEY, node_verify(n, old, NULL));
}

/* For both uses and for every format: nothing made before counts any more. */
static void test_regeneration_cuts_at_once(void **state)
{
    static const char *const formats[] = {"nested", "signed", "reference"};
    static const enum store_key_use uses[] = {STORE_KEY_SIGNING, STORE_KEY_ENCRYPTION};
    struct node *n = *state;
    struct str access, refresh;
    struct store_keys keys;
    for (int i = 0; i < 6; i++) {
        node_param(n, "OAuthTokenFormat", formats[i / 2]);
        node_tokens(n, &access, &refresh);
        assert_int_equal(OAUTH_OK, node_verify(n, access, NULL));
        OK(auth_keys_regen(n->auth, &admin, uses[i % 2], &n->why));
        assert_int_not_equal(OAUTH_OK, node_verify(n, access, NULL));
        node_token(n, REFRESH_GRANT, refresh);
        assert_error(n, 400, "invalid_grant");
        OK(store_key_list(n->store, NULL, &n->arena, &keys, &n->why));
        assert_int_equal(AUTH_ALG_COUNT, keys.count);
        node_tokens(n, &access, &refresh);
        assert_int_equal(OAUTH_OK, node_verify(n, access, NULL));
    }
    assert_true(kit_log_has(&n->lines, "event=authz.keys.regenerated use=signing by=admin"));
}

static void test_broken_key_keeps_the_old_ring(void **state)
{
    struct node *n = *state;
    struct str access, refresh;
    struct store_key bad = {.kid = STR("x:bad"),
                            .use = STORE_KEY_SIGNING,
                            .state = STORE_KEY_NEXT,
                            .alg = STR("ES256"),
                            .secret_text = STR("no key")};
    OK(store_key_put(n->store, &admin, STORE_ADD, &bad, &n->why));
    assert_true(kit_log_has(&n->lines, "event=authz.keyring.kept"));
    node_tokens(n, &access, &refresh);
    assert_int_equal(OAUTH_OK, node_verify(n, access, NULL));
}

/* --- following --------------------------------------------------------------------------------------- */

static void test_user_who_goes_takes_his_tokens_along(void **state)
{
    struct node *n = *state;
    struct str access, refresh;
    struct store_user u;
    node_tokens(n, &access, &refresh);
    OK(store_user_get(n->store, STR("rado"), &n->arena, &u, &n->why));
    u.active = false;
    u.password = STR("");
    OK(store_user_put(n->store, &admin, STORE_UPDATE, &u, &n->why));
    assert_int_equal(OAUTH_REVOKED, node_verify(n, access, NULL));
    node_token(n, REFRESH_GRANT, refresh);
    assert_error(n, 400, "invalid_grant");
    u.active = true;
    u.version = 0;
    OK(store_user_put(n->store, &admin, STORE_UPDATE, &u, &n->why));
    kit_time_pass(&n->now, 1000);
    node_tokens(n, &access, &refresh);
    assert_int_equal(OAUTH_OK, node_verify(n, access, NULL));
    OK(store_user_remove(n->store, &admin, STR("rado"), &n->why));
    assert_int_equal(OAUTH_REVOKED, node_verify(n, access, NULL));
}

static void test_disabled_client_ends_its_tokens(void **state)
{
    struct node *n = *state;
    struct str access, refresh;
    struct store_client c;
    node_tokens(n, &access, &refresh);
    OK(store_client_get(n->store, STR("bearline-phone"), &n->arena, &c, &n->why));
    c.enabled = false;
    OK(store_client_put(n->store, &admin, STORE_UPDATE, &c, &n->why));
    assert_int_equal(OAUTH_REVOKED, node_verify(n, access, NULL));
    node_token(n, REFRESH_GRANT, refresh);
    assert_error(n, 401, "invalid_client");
}

struct foreign {
    struct crypto_key *key;
    struct str jwks, token;
};

static struct foreign foreign_make(struct node *n)
{
    struct foreign f;
    struct jose_keyset *set = jose_keyset_new();
    struct str claims;
    struct buf b;
    buf_init(&b, 65536);
    OK(crypto_key_generate(CRYPTO_KEY_EC_P256, &f.key));
    OK(jose_keyset_add(set, STR("far"), f.key));
    jose_keyset_print(&b, set);
    OK(arena_str_dup(&n->arena, buf_str(&b), &f.jwks));
    buf_reset(&b);
    int64_t now_s = clock_unix_s(&n->settings.clock);
    OK(arena_printf(&n->arena, &claims,
                    "{\"iss\":\"https://idp.example.org\",\"aud\":\"phones\",\"sub\":\"rado\","
                    "\"iat\":%lld,\"exp\":%lld}",
                    (long long)now_s, (long long)now_s + 600));
    struct jose_key key = {.kid = STR("far"), .alg = JOSE_ALG_ES256, .key = f.key};
    OK(jose_jws_print(&b, &key, STR("JWT"), STR(""), str_bytes(claims)));
    OK(arena_str_dup(&n->arena, buf_str(&b), &f.token));
    buf_fini(&b);
    jose_keyset_free(set);
    return f;
}

static void test_foreign_issuer_counts_from_its_commit_on(void **state)
{
    struct node *n = *state;
    struct foreign f = foreign_make(n);
    struct oauth_claims c;
    struct store_issuer row = {.iss = STR("https://idp.example.org"),
                               .audience = STR("phones"),
                               .user_claim = STR("sub"),
                               .jwks = f.jwks,
                               .enabled = true};
    assert_int_equal(OAUTH_BAD_ISSUER, node_verify(n, f.token, NULL));
    OK(store_issuer_put(n->store, &admin, STORE_ADD, &row, &n->why));
    assert_int_equal(OAUTH_OK, node_verify(n, f.token, &c));
    assert_str("rado", c.user);
    row.typ = STR("at+jwt");
    OK(store_issuer_put(n->store, &admin, STORE_UPDATE, &row, &n->why));
    assert_int_equal(OAUTH_BAD_TYPE, node_verify(n, f.token, NULL));
    row.typ = STR("");
    row.enabled = false;
    OK(store_issuer_put(n->store, &admin, STORE_UPDATE, &row, &n->why));
    assert_int_equal(OAUTH_BAD_ISSUER, node_verify(n, f.token, NULL));
    crypto_key_unref(f.key);
}

static void test_unusable_issuer_spoils_nothing(void **state)
{
    struct node *n = *state;
    struct str access, refresh;
    struct store_issuer row = {.iss = STR("https://bad.example"),
                               .audience = STR("x"),
                               .user_claim = STR("sub"),
                               .jwks = STR("{\"keys\":[]}"),
                               .enabled = true};
    OK(store_issuer_put(n->store, &admin, STORE_ADD, &row, &n->why));
    assert_true(kit_log_has(&n->lines, "event=issuer.unusable iss=https://bad.example"));
    node_tokens(n, &access, &refresh);
    assert_int_equal(OAUTH_OK, node_verify(n, access, NULL));
}

static void test_own_url_may_change(void **state)
{
    struct node *n = *state;
    struct str issuer;
    OK(auth_set_issuer_url(n->auth, STR("https://new.example.com:9443"), &n->why));
    OK(auth_issuer(n->auth, &n->arena, &issuer));
    assert_str("https://new.example.com:9443", issuer);
    assert_rc(RC_INVALID, auth_set_issuer_url(n->auth, STR(""), &n->why));
    OK(auth_issuer(n->auth, &n->arena, &issuer));
    assert_str("https://new.example.com:9443", issuer);
    node_param(n, "OAuthTokenIssuer", "https://sso.example.com");
    OK(auth_issuer(n->auth, &n->arena, &issuer));
    assert_str("https://sso.example.com", issuer);
}

/* --- what anyone may know ---------------------------------------------------------------------------- */

static void test_metadata(void **state)
{
    struct node *n = *state;
    assert_int_equal(200, node_ask(n, auth_handle_oauth_metadata, &(struct ask){.query = ""}));
    assert_str(ISSUER, node_member(n, "issuer"));
    assert_str(ISSUER "/ssosp/oauth/token", node_member(n, "token_endpoint"));
    assert_true(
        node_body_has(n, "\"grant_types_supported\":[\"authorization_code\",\"refresh_token\"]"));
    assert_true(node_body_has(n, "\"code_challenge_methods_supported\":[\"S256\"]"));
    node_param(n, "OAuthRefreshLoginFlow", "0");
    assert_int_equal(200, node_ask(n, auth_handle_oidc_metadata, &(struct ask){.query = ""}));
    assert_true(node_body_has(n, "\"grant_types_supported\":[\"authorization_code\"]"));
    assert_true(node_body_has(n, "\"subject_types_supported\":[\"public\"]"));
    assert_int_equal(200, node_ask(n, auth_handle_jwks, &(struct ask){.query = ""}));
    assert_true(node_body_has(n, "\"alg\":\"ES256\""));
    assert_true(node_body_has(n, "\"alg\":\"RS256\""));
    assert_false(node_body_has(n, "\"d\":"));
    assert_int_equal(200, node_ask(n, auth_handle_single_sign_on, &(struct ask){.query = ""}));
    assert_true(node_body_has(n, "<Status enabled=\"false\"/>"));
}

static void test_metadata_is_one_json_object(void **state)
{
    struct node *n = *state;
    struct jose_object o;
    node_ask(n, auth_handle_oauth_metadata, &(struct ask){.query = ""});
    OK(jose_object_parse(str_trim(node_body(n)), &n->arena, &o));
    node_ask(n, auth_handle_oidc_metadata, &(struct ask){.query = ""});
    OK(jose_object_parse(str_trim(node_body(n)), &n->arena, &o));
}

static void test_routes(void **state)
{
    struct node *n = *state;
    struct http_site *site = http_site_new("test");
    OK(auth_add_routes(n->auth, site));
    assert_rc(RC_EXISTS, auth_add_routes(n->auth, site));
    http_site_free(site);
}

static void load_body(void *ctx)
{
    struct node *n = ctx;
    struct auth_ring *ring;
    struct oauth_keyring *keyring;
    if (auth_ring_load(&n->settings, &ring, &keyring, NULL) != RC_OK) return;
    auth_ring_unref(ring);
    oauth_keyring_unref(keyring);
}

static void test_load_survives_failing_allocations(void **state)
{
    kit_each_alloc_fails(load_body, *state);
}

#define T(name) cmocka_unit_test_setup_teardown(name, node_setup, node_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_first_start_makes_the_keys),
        T(test_restart_keeps_keys_tokens_and_revocations),
        T(test_rotation_signs_nobody_out),
        T(test_regeneration_cuts_at_once),
        T(test_broken_key_keeps_the_old_ring),
        T(test_user_who_goes_takes_his_tokens_along),
        T(test_disabled_client_ends_its_tokens),
        T(test_foreign_issuer_counts_from_its_commit_on),
        T(test_unusable_issuer_spoils_nothing),
        T(test_own_url_may_change),
        T(test_metadata),
        T(test_metadata_is_one_json_object),
        T(test_routes),
        T(test_load_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
