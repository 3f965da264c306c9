#include "kit/kit.h"

#include "sip/auth.h"

static void test_bearer_forms(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        enum rc parse_rc, token_rc;
        const char *token;
    } cases[] = {
        {"Bearer token=\"abc.def-_~+/==\"", RC_OK, RC_OK, "abc.def-_~+/=="},
        {"bearer token=abc", RC_OK, RC_OK, "abc"},
        {"Bearer abc.def==", RC_OK, RC_OK, "abc.def=="},
        {"Bearer abc, realm=\"x\"", RC_OK, RC_OK, "abc"},
        {"Bearer abc ,\r\n realm=\"x\"", RC_OK, RC_OK, "abc"},
        {"Bearer realm=\"x\", token=\"abc\"", RC_OK, RC_OK, "abc"},
        {"Bearer abc, token=\"abc\"", RC_OK, RC_OK, "abc"},
        {"Bearer abc, token=\"abd\"", RC_OK, RC_INVALID, NULL},
        {"Bearer token=\"a b\"", RC_OK, RC_MALFORMED, NULL},
        {"Bearer token=\"\"", RC_OK, RC_MALFORMED, NULL},
        {"Bearer token=\"a\\\"b\"", RC_OK, RC_MALFORMED, NULL},
        {"Bearer", RC_OK, RC_MALFORMED, NULL},
        {"Digest realm=\"x\"", RC_OK, RC_NOT_FOUND, NULL},
        {"Bearer abc def", RC_MALFORMED, RC_OK, NULL},
        {"Bearer abc,", RC_MALFORMED, RC_OK, NULL},
        {"Bearer token=\"open", RC_MALFORMED, RC_OK, NULL},
        {"Bearer token=\"a\", token=\"b\"", RC_INVALID, RC_OK, NULL},
        {"", RC_MALFORMED, RC_OK, NULL},
        {"\"Bearer\" x", RC_MALFORMED, RC_OK, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str in = kit_guard(str_from(cases[i].in)), token;
        struct sip_auth a;
        enum rc rc = sip_auth_parse(in, &a, NULL);
        if (rc != cases[i].parse_rc) fail_msg("%s: %s", cases[i].in, rc_name(rc));
        if (rc == RC_OK) assert_rc(cases[i].token_rc, sip_auth_bearer(&a, &token));
        if (cases[i].token) assert_str(cases[i].token, token);
        kit_guard_free(in);
    }
}

static void test_a_failure_still_names_the_scheme(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        enum sip_auth_scheme scheme;
    } cases[] = {
        {"", SIP_AUTH_OTHER},
        {"\"Bearer\" x", SIP_AUTH_OTHER},
        {"Bearer abc def", SIP_AUTH_BEARER},
        {"Digest realm=\"open", SIP_AUTH_DIGEST},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sip_auth a = {.scheme = SIP_AUTH_BASIC};
        assert_rc(RC_MALFORMED, sip_auth_parse(str_from(cases[i].in), &a, NULL));
        assert_int_equal(cases[i].scheme, a.scheme);
    }
}

static void test_parameters_are_bounded(void **state)
{
    (void)state;
    struct sip_auth a;
    struct buf b;
    buf_init(&b, 4096);
    buf_put_lit(&b, "X p0=1");
    for (int i = 1; i < SIP_AUTH_PARAM_MAX; i++)
        buf_printf(&b, ", p%d=1", i);
    assert_rc(RC_OK, sip_auth_parse(buf_str(&b), &a, NULL));
    buf_put_lit(&b, ", last=1");
    assert_rc(RC_TOO_BIG, sip_auth_parse(buf_str(&b), &a, NULL));
    buf_fini(&b);
}

static struct str line_value(const struct buf *b)
{
    struct str line = buf_str(b);
    return str_sub(line, (size_t)str_find_char(line, ':') + 1, line.n);
}

static void digest_round(void *ctx)
{
    (void)ctx;
    const struct sip_digest d = {.username = STR("ra\"do"),
                                 .realm = STR("ccmsipline"),
                                 .nonce = STR("n1"),
                                 .uri = STR("sip:h"),
                                 .response = STR("00ff"),
                                 .algorithm = STR("SHA-256"),
                                 .cnonce = STR("c"),
                                 .qop = STR("auth"),
                                 .nc = STR("00000001")};
    struct sip_digest again;
    struct sip_auth a;
    struct arena arena;
    struct buf b;
    buf_init(&b, 4096);
    arena_init(&arena, NULL, 0, 4096);
    sip_digest_print(&b, SIP_HEADER_AUTHORIZATION, &d);
    enum rc rc = buf_rc(&b);
    if (rc == RC_OK) rc = sip_auth_parse(line_value(&b), &a, NULL);
    if (rc == RC_OK) rc = sip_digest_get(&a, &arena, &again);
    assert_true(rc == RC_OK || rc == RC_NOMEM);
    if (rc == RC_OK) {
        assert_str("ra\"do", again.username);
        assert_str("ccmsipline", again.realm);
        assert_str("00000001", again.nc);
        assert_str("SHA-256", again.algorithm);
        assert_int_equal(0, again.opaque.n);
    }
    arena_fini(&arena);
    buf_fini(&b);
}

static void test_digest_round(void **state)
{
    (void)state;
    digest_round(NULL);
    kit_each_alloc_fails(digest_round, NULL);
}

static void test_printed_lines(void **state)
{
    (void)state;
    char text[512];
    struct buf b;
    buf_init_fixed(&b, text, sizeof(text));
    sip_bearer_challenge_print(&b, SIP_HEADER_PROXY_AUTHENTICATE,
                               &(struct sip_bearer_challenge){.realm = STR("ccmsipline")});
    assert_str("Proxy-Authenticate: Bearer realm=\"ccmsipline\"\r\n", buf_str(&b));
    buf_reset(&b);
    sip_bearer_challenge_print(&b, SIP_HEADER_WWW_AUTHENTICATE,
                               &(struct sip_bearer_challenge){STR("r"), STR("sip"),
                                                              STR("https://as"),
                                                              STR("invalid_token"), STR("")});
    assert_str("WWW-Authenticate: Bearer realm=\"r\", scope=\"sip\", authz_server=\"https://as\", "
               "error=\"invalid_token\"\r\n",
               buf_str(&b));
    buf_reset(&b);
    sip_digest_challenge_print(&b, SIP_HEADER_WWW_AUTHENTICATE,
                               &(struct sip_digest){.realm = STR("r"),
                                                    .nonce = STR("n"),
                                                    .algorithm = STR("MD5"),
                                                    .qop = STR("auth"),
                                                    .stale = true});
    assert_str("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", stale=true, algorithm=MD5, "
               "qop=\"auth\"\r\n",
               buf_str(&b));
    buf_reset(&b);
    sip_bearer_print(&b, SIP_HEADER_PROXY_AUTHORIZATION, STR("t0ken"), true);
    sip_bearer_print(&b, SIP_HEADER_AUTHORIZATION, STR("t0ken"), false);
    assert_str("Proxy-Authorization: Bearer token=\"t0ken\"\r\nAuthorization: Bearer t0ken\r\n",
               buf_str(&b));
}

static void test_a_word_of_the_peer_begins_no_parameter_and_no_line(void **state)
{
    (void)state;
    struct buf b;
    struct sip_auth a;
    struct sip_digest d = {.nonce = STR("n"), .qop = STR("auth,realm=x\r\nEvil: 1")};
    buf_init(&b, 4096);
    sip_digest_print(&b, SIP_HEADER_AUTHORIZATION, &d);
    assert_rc(RC_OK, buf_rc(&b));
    assert_int_equal(b.n - 1, str_find_char(buf_str(&b), '\n')); /* one line */
    assert_rc(RC_OK, sip_auth_parse(line_value(&b), &a, NULL));
    assert_null(sip_auth_find(&a, STR("realm")));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_word_of_the_peer_begins_no_parameter_and_no_line),
        cmocka_unit_test(test_bearer_forms),
        cmocka_unit_test(test_a_failure_still_names_the_scheme),
        cmocka_unit_test(test_parameters_are_bounded),
        cmocka_unit_test(test_digest_round),
        cmocka_unit_test(test_printed_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
