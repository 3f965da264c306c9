/* jose/object_test.c - strict JSON objects, header parts, registered claims. */
#include "kit/kit.h"

#include "base/base64.h"
#include "jose/header.h"
#include "jose/jwt.h"

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

static void test_kinds(void **state)
{
    (void)state;
    struct jose_object o;
    assert_rc(RC_OK, jose_object_parse(
                         STR("{\"s\":\"\\u00e9\\n\",\"i\":-7,\"r\":1.5,\"b\":true,\"n\":null,"
                             "\"l\":[\"a\",\"b\"],\"e\":[],\"m\":[1,\"a\"],\"o\":{\"s\":1}}"),
                         &arena, &o));
    assert_int_equal(9, o.count);
    assert_str("\xc3\xa9\n", jose_object_find(&o, STR("s"))->s);
    assert_int_equal(-7, jose_object_find(&o, STR("i"))->i);
    assert_true(jose_object_find(&o, STR("r"))->real == 1.5);
    assert_int_equal(JOSE_BOOL, jose_object_find(&o, STR("b"))->kind);
    assert_int_equal(JOSE_OTHER, jose_object_find(&o, STR("n"))->kind);
    assert_int_equal(2, jose_object_find(&o, STR("l"))->list_count);
    assert_int_equal(JOSE_STRINGS, jose_object_find(&o, STR("e"))->kind);
    assert_int_equal(JOSE_OTHER, jose_object_find(&o, STR("m"))->kind);
    assert_int_equal(JOSE_OTHER, jose_object_find(&o, STR("o"))->kind);
    assert_null(jose_object_find(&o, STR("S")));
    assert_true(jose_object_has(&o, STR("l"), STR("b")));
    assert_false(jose_object_has(&o, STR("l"), STR("c")));
    assert_false(jose_object_has(&o, STR("i"), STR("-7")));
    assert_false(jose_object_has(&o, STR("zz"), STR("")));
    struct str s;
    assert_rc(RC_OK, jose_object_str(&o, STR("zz"), &s));
    assert_int_equal(0, s.n);
    assert_rc(RC_INVALID, jose_object_str(&o, STR("i"), &s));
}

static const char *const bad[] = {
    "",
    "null",
    "[]",
    "\"x\"",
    "{",
    "{}x",
    "{\"a\":1,}",
    "{\"a\":01}",
    "{'a':1}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":1}{",
    "{\"a\":nan}",
    "{\"a\":1e999}",
    "{\"a\":\"\\ud800\"}",
    "{\"a\":\"\xff\"}",
    "{\"a\":\"\\u0000\"}",
    "{\"a\":\"\xed\xa0\x80\"}",
    "{\"a\":99999999999999999999}",
    /* a name twice: which one would the other side have read? */
    "{\"sub\":\"a\",\"sub\":\"b\"}",
    "{\"x\":{\"a\":1,\"a\":2}}",
    "{\"sub\":1,\"\\u0073ub\":2}",
    /* nine deep */
    "{\"a\":[[[[[[[[1]]]]]]]]}",
};

static void test_malformed_objects(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct jose_object o;
        struct str in = kit_guard(str_from(bad[i]));
        assert_rc(RC_MALFORMED, jose_object_parse(in, &arena, &o));
        kit_guard_free(in);
    }
    struct jose_object o;
    assert_rc(RC_MALFORMED, jose_object_parse(str_of("{\"a\":1}\0", 8), &arena, &o));
    assert_rc(RC_OK, jose_object_parse(STR("{\"a\":[[[[[[[1]]]]]]]}"), &arena, &o));
    assert_rc(RC_OK, jose_object_parse(STR("{\"[[[[[[[[[[\":\"\\\"{{{{{{{{{{\"}"), &arena, &o));
}

static void test_bounds(void **state)
{
    (void)state;
    static char big[JOSE_OBJECT_MAX + 2];
    struct jose_object o;
    struct buf b;
    memset(big, ' ', sizeof big);
    memcpy(big, "{}", 2);
    assert_rc(RC_TOO_BIG, jose_object_parse(str_of(big, JOSE_OBJECT_MAX + 1), &arena, &o));
    assert_rc(RC_OK, jose_object_parse(str_of(big, JOSE_OBJECT_MAX), &arena, &o));
    for (int extra = 0; extra < 2; extra++) {
        buf_init(&b, 65536);
        buf_put_lit(&b, "{\"x\":0");
        for (int i = 1; i < JOSE_MEMBER_MAX + extra; i++)
            buf_printf(&b, ",\"m%d\":[\"%d\"]", i, i);
        buf_put_char(&b, '}');
        assert_rc(extra ? RC_TOO_BIG : RC_OK, jose_object_parse(buf_str(&b), &arena, &o));
        buf_reset(&b);
        buf_put_lit(&b, "{\"x\":[\"\"");
        for (int i = 1; i < JOSE_LIST_MAX + extra; i++)
            buf_put_lit(&b, ",\"a\"");
        buf_put_lit(&b, "]}");
        assert_rc(RC_OK, jose_object_parse(buf_str(&b), &arena, &o));
        assert_int_equal(extra ? JOSE_OTHER : JOSE_STRINGS, o.members[0].kind);
        buf_fini(&b);
    }
}

static const struct {
    const char *text;
    enum rc rc;
    int64_t want;
} dates[] = {
    {"{\"d\":0}", RC_OK, 0},
    {"{\"d\":1300819380}", RC_OK, 1300819380},
    {"{\"d\":1300819380.9}", RC_OK, 1300819380},
    {"{\"d\":1.3e9}", RC_OK, 1300000000},
    {"{\"d\":9007199254740991}", RC_OK, 9007199254740991},
    {"{\"d\":9007199254740992}", RC_INVALID, 0},
    {"{\"d\":9223372036854775807}", RC_INVALID, 0},
    {"{\"d\":1e300}", RC_INVALID, 0},
    {"{\"d\":-1}", RC_INVALID, 0},
    {"{\"d\":\"1300819380\"}", RC_INVALID, 0},
    {"{\"d\":null}", RC_INVALID, 0},
    {"{\"e\":1}", RC_NOT_FOUND, 0},
};

static void test_dates(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        struct jose_object o;
        int64_t got = -1;
        assert_rc(RC_OK, jose_object_parse(str_from(dates[i].text), &arena, &o));
        assert_rc(dates[i].rc, jose_object_date(&o, STR("d"), &got));
        if (dates[i].rc == RC_OK) assert_int_equal(dates[i].want, got);
    }
}

static void test_print_string(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    jose_print_string(&b, STR("a\"\\\n\x7f/\xc3\xa9"));
    assert_string_equal("\"a\\\"\\\\\\u000a\\u007f/\xc3\xa9\"", buf_cstr(&b));
    buf_reset(&b);
    jose_print_string(&b, STR("\xff"));
    assert_string_equal("\"\xef\xbf\xbd\"", buf_cstr(&b));
    buf_fini(&b);
}

static const struct {
    const char *json;
    enum rc rc;
} headers[] = {
    {"{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"at+jwt\",\"jku\":\"https://evil.example\"}",
     RC_OK},
    {"{\"alg\":\"none\"}", RC_OK}, /* readable; nothing verifies with it */
    {"{\"typ\":\"JWT\"}", RC_MALFORMED},
    {"{\"alg\":\"\"}", RC_MALFORMED},
    {"{\"alg\":7}", RC_MALFORMED},
    {"{\"alg\":\"ES256\",\"kid\":7}", RC_MALFORMED},
    {"{\"alg\":\"ES256\",\"alg\":\"ES256\"}", RC_MALFORMED},
    {"{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}", RC_UNSUPPORTED},
    {"{\"alg\":\"ES256\",\"crit\":[]}", RC_UNSUPPORTED},
    {"{\"alg\":\"ES256\",\"b64\":false}", RC_UNSUPPORTED},
    {"[\"alg\"]", RC_MALFORMED},
};

static enum rc parse_header(struct str json, struct jose_header *out)
{
    struct buf b;
    buf_init(&b, 65536);
    base64url_print(&b, str_bytes(json));
    struct str in = kit_guard(buf_str(&b));
    enum rc rc = jose_header_parse(in, &arena, out);
    kit_guard_free(in);
    buf_fini(&b);
    return rc;
}

static void test_headers(void **state)
{
    (void)state;
    struct jose_header h;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        assert_rc(headers[i].rc, parse_header(str_from(headers[i].json), &h));
    assert_rc(RC_MALFORMED, jose_header_parse(STR(""), &arena, &h));
    assert_rc(RC_MALFORMED, jose_header_parse(STR("e30="), &arena, &h));
    struct buf b;
    buf_init(&b, 65536);
    for (size_t n = JOSE_KID_MAX; n <= JOSE_KID_MAX + 1; n++) {
        buf_reset(&b);
        buf_put_lit(&b, "{\"alg\":\"ES256\",\"kid\":\"");
        for (size_t i = 0; i < n; i++)
            buf_put_char(&b, 'k');
        buf_put_lit(&b, "\"}");
        assert_rc(n > JOSE_KID_MAX ? RC_TOO_BIG : RC_OK, parse_header(buf_str(&b), &h));
    }
    buf_fini(&b);
}

static void test_header_round_trip(void **state)
{
    (void)state;
    struct jose_header h = {.alg = JOSE_ALG_DIR,
                            .enc = JOSE_ENC_A128CBC_HS256,
                            .kid = STR("a\"b"),
                            .typ = STR("at+jwt"),
                            .cty = STR("JWT")};
    struct jose_header back;
    struct buf b;
    buf_init(&b, 4096);
    jose_header_print(&b, &h);
    assert_rc(RC_OK, jose_header_parse(buf_str(&b), &arena, &back));
    assert_int_equal(h.alg, back.alg);
    assert_int_equal(h.enc, back.enc);
    assert_true(str_eq(h.kid, back.kid) && str_eq(h.typ, back.typ) && str_eq(h.cty, back.cty));
    buf_fini(&b);
}

static void test_typ_names(void **state)
{
    (void)state;
    assert_true(jose_typ_is(STR("at+jwt"), STR("at+jwt")));
    assert_true(jose_typ_is(STR("application/AT+JWT"), STR("at+jwt")));
    assert_false(jose_typ_is(STR("JWT"), STR("at+jwt")));
    assert_false(jose_typ_is(STR("application/"), STR("at+jwt")));
    assert_false(jose_typ_is(STR(""), STR("at+jwt")));
}

static const char *const bad_claims[] = {
    "{\"iss\":1}",   "{\"sub\":[\"a\"]}", "{\"jti\":null}", "{\"aud\":1}",
    "{\"aud\":[1]}", "{\"exp\":\"1\"}",   "{\"nbf\":true}", "{\"iat\":-5}",
};

static void test_jwt_claims(void **state)
{
    (void)state;
    struct jose_jwt jwt;
    for (size_t i = 0; i < sizeof bad_claims / sizeof bad_claims[0]; i++)
        assert_rc(RC_MALFORMED, jose_jwt_parse(str_bytes(str_from(bad_claims[i])), &arena, &jwt));
    assert_rc(RC_OK,
              jose_jwt_parse(str_bytes(STR("{\"iss\":\"i\",\"aud\":[\"a\",\"b\"],\"exp\":100,"
                                           "\"nbf\":50}")),
                             &arena, &jwt));
    assert_true(jose_jwt_is_for(&jwt, STR("b")));
    assert_false(jose_jwt_is_for(&jwt, STR("c")));
    assert_true(jwt.has_exp && jwt.has_nbf && !jwt.has_iat);
}

static const struct {
    int64_t now, leeway;
    enum jose_jwt_time want;
} times[] = {
    {99, 0, JOSE_JWT_IN_TIME},   {100, 0, JOSE_JWT_EXPIRED}, {109, 10, JOSE_JWT_IN_TIME},
    {110, 10, JOSE_JWT_EXPIRED}, {50, 0, JOSE_JWT_IN_TIME},  {49, 0, JOSE_JWT_NOT_YET},
    {40, 10, JOSE_JWT_IN_TIME},  {39, 10, JOSE_JWT_NOT_YET},
};

static void test_times_at_the_edges(void **state)
{
    (void)state;
    struct jose_jwt jwt = {.has_exp = true, .has_nbf = true, .exp_unix_s = 100, .nbf_unix_s = 50};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        assert_int_equal(times[i].want, jose_jwt_check_time(&jwt, times[i].now, times[i].leeway));
    jwt.has_nbf = false;
    jwt.has_iat = true;
    jwt.iat_unix_s = 60;
    assert_int_equal(JOSE_JWT_NOT_YET, jose_jwt_check_time(&jwt, 49, 10));
    assert_int_equal(JOSE_JWT_IN_TIME, jose_jwt_check_time(&jwt, 50, 10));
}

static void parse_some(void *ctx)
{
    (void)ctx;
    struct arena a;
    struct jose_jwt jwt;
    arena_init(&a, NULL, 0, 65536);
    enum rc rc = jose_jwt_parse(str_bytes(STR("{\"iss\":\"i\",\"aud\":[\"a\",\"b\"]}")), &a, &jwt);
    assert_true(rc == RC_OK || rc == RC_NOMEM);
    arena_fini(&a);
}

static void test_out_of_memory_is_said(void **state)
{
    (void)state;
    kit_each_alloc_fails(parse_some, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_malformed_objects),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_print_string),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_header_round_trip),
        cmocka_unit_test(test_typ_names),
        cmocka_unit_test(test_jwt_claims),
        cmocka_unit_test(test_times_at_the_edges),
        cmocka_unit_test(test_out_of_memory_is_said),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
