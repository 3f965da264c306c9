/* jose/jwk_test.c - key sets read and printed, thumbprints, keys that must not come in. */
#include "kit/kit.h"

#include "jose/jwk.h"

#define EC_XY                                                                                      \
    "\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                     \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define EC_JWK "{\"kty\":\"EC\"," EC_XY

/* RFC 7638, 3.1 */
static const char rsa_jwk[] =
    "{\"kty\":\"RSA\",\"n\":"
    "\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7a"
    "PFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_"
    "RN5w6Cf0h4QyQ5v-6"
    "5YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
    "bFTWhAI"
    "4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\",\"e\":"
    "\"AQAB\","
    "\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}";

static struct jose_keyset *parsed(const char *json, size_t want_skipped)
{
    size_t skipped = 99;
    struct jose_keyset *set = jose_keyset_new();
    struct str in = kit_guard(str_from(json));
    assert_rc(RC_OK, jose_keyset_parse(set, in, &skipped));
    assert_int_equal(want_skipped, skipped);
    kit_guard_free(in);
    return set;
}

static void test_thumbprint_of_rfc7638(void **state)
{
    (void)state;
    char print[JOSE_THUMBPRINT_LEN + 1];
    struct jose_keyset *set = parsed(rsa_jwk, 0);
    assert_rc(RC_OK, jose_thumbprint(jose_keyset_at(set, 0)->key, print));
    assert_string_equal("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", print);
    jose_keyset_free(set);
}

static void test_print_parses_back(void **state)
{
    (void)state;
    struct jose_keyset *set = jose_keyset_new();
    struct crypto_key *ec, *rsa;
    struct buf b;
    assert_rc(RC_OK, crypto_key_generate(CRYPTO_KEY_EC_P256, &ec));
    assert_rc(RC_OK, crypto_key_generate(CRYPTO_KEY_RSA, &rsa));
    assert_rc(RC_OK, jose_keyset_add(set, STR("k\"1"), ec));
    assert_rc(RC_OK, jose_keyset_add(set, STR("k2"), rsa));
    buf_init(&b, JOSE_KEYSET_TEXT_MAX);
    jose_keyset_print(&b, set);
    struct jose_keyset *back = parsed(buf_cstr(&b), 0);
    assert_int_equal(2, jose_keyset_count(back));
    assert_true(crypto_key_equal(ec, jose_keyset_find(back, STR("k\"1"), JOSE_ALG_ES256)->key));
    assert_true(crypto_key_equal(rsa, jose_keyset_find(back, STR("k2"), JOSE_ALG_RS256)->key));
    assert_false(crypto_key_is_private(jose_keyset_at(back, 0)->key));
    assert_int_equal(STR_NPOS, str_find(buf_str(&b), STR("\"d\"")));
    buf_fini(&b);
    jose_keyset_free(back);
    jose_keyset_free(set);
    crypto_key_unref(ec);
    crypto_key_unref(rsa);
}

static void test_find(void **state)
{
    (void)state;
    struct jose_keyset *set = parsed(
        "{\"keys\":[" EC_JWK ",\"kid\":\"a\"}," EC_JWK ",\"kid\":\"b\"}]}", 0);
    assert_str("b", jose_keyset_find(set, STR("b"), JOSE_ALG_ES256)->kid);
    assert_null(jose_keyset_find(set, STR("b"), JOSE_ALG_RS256));
    assert_null(jose_keyset_find(set, STR("b"), JOSE_ALG_OTHER));
    assert_null(jose_keyset_find(set, STR("c"), JOSE_ALG_ES256));
    assert_null(jose_keyset_find(set, STR(""), JOSE_ALG_ES256)); /* two would fit */
    assert_null(jose_keyset_at(set, 2));
    jose_keyset_free(set);
    set = parsed(EC_JWK "}", 0);
    assert_non_null(jose_keyset_find(set, STR(""), JOSE_ALG_ES256));
    jose_keyset_free(set);
    assert_null(jose_keyset_free(NULL));
}

#define EC_OFF_CURVE                                                                               \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","     \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a8\"}"

static const char *const skipped_keys[] = {
    "{\"kty\":\"oct\",\"k\":\"AAAA\"}",
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
    "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}",
    EC_JWK ",\"use\":\"enc\"}",
    EC_JWK ",\"alg\":\"RS256\"}",
    EC_JWK ",\"alg\":\"HS256\"}",
    EC_JWK ",\"alg\":7}",
    EC_JWK ",\"key_ops\":[\"encrypt\"]}",
    EC_JWK ",\"kid\":7}",
    /* a point off the curve, and one of the wrong length */
    EC_OFF_CURVE,
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
    "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
    "{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"\"}",
    "{}",
};

static void test_keys_not_used_here_are_skipped(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 65536);
    buf_put_lit(&b,
                "{\"keys\":[" EC_JWK ",\"use\":\"sig\",\"key_ops\":[\"verify\"],\"kid\":\"good\"}");
    size_t n = sizeof skipped_keys / sizeof skipped_keys[0];
    for (size_t i = 0; i < n; i++) {
        buf_put_char(&b, ',');
        buf_put_str(&b, str_from(skipped_keys[i]));
    }
    buf_put_lit(&b, "]}");
    struct jose_keyset *set = parsed(buf_cstr(&b), n);
    assert_int_equal(1, jose_keyset_count(set));
    jose_keyset_free(set);
    buf_fini(&b);
}

static const struct {
    const char *json;
    enum rc rc;
} bad_sets[] = {
    {"", RC_MALFORMED},
    {"{}", RC_MALFORMED},
    {"[]", RC_MALFORMED},
    {"{\"keys\":{}}", RC_MALFORMED},
    {"{\"keys\":[7]}", RC_MALFORMED},
    {"{\"keys\":[" EC_JWK ",\"kid\":\"n\"},7]}", RC_MALFORMED},
    {"{\"keys\":[" EC_JWK ",\"kid\":\"n\"}," EC_JWK ",\"kid\":\"n\"}]}", RC_EXISTS},
    {"{\"keys\":[" EC_JWK ",\"kid\":\"there\"}]}", RC_EXISTS},
};

static void test_a_bad_set_changes_nothing(void **state)
{
    (void)state;
    struct jose_keyset *set = parsed(EC_JWK ",\"kid\":\"there\"}", 0);
    for (size_t i = 0; i < sizeof bad_sets / sizeof bad_sets[0]; i++) {
        size_t skipped;
        assert_rc(bad_sets[i].rc, jose_keyset_parse(set, str_from(bad_sets[i].json), &skipped));
        assert_int_equal(1, jose_keyset_count(set));
    }
    jose_keyset_free(set);
}

static void test_bounds(void **state)
{
    (void)state;
    struct jose_keyset *set = jose_keyset_new();
    size_t skipped;
    struct buf b;
    buf_init(&b, JOSE_KEYSET_TEXT_MAX + 1);
    buf_put_lit(&b, "{\"keys\":[");
    for (int i = 0; i <= JOSE_KEYSET_MAX; i++)
        buf_printf(&b, "%s%s,\"kid\":\"%d\"}", i ? "," : "", EC_JWK, i);
    buf_put_lit(&b, "]}");
    assert_rc(RC_TOO_BIG, jose_keyset_parse(set, buf_str(&b), &skipped));
    assert_int_equal(0, jose_keyset_count(set));
    while (b.n <= JOSE_KEYSET_TEXT_MAX)
        buf_put_char(&b, ' ');
    assert_rc(RC_TOO_BIG, jose_keyset_parse(set, buf_str(&b), &skipped));
    buf_fini(&b);
    jose_keyset_free(set);
}

static void parse_some(void *ctx)
{
    (void)ctx;
    size_t skipped;
    struct jose_keyset *set = jose_keyset_new();
    if (!set) return;
    enum rc rc = jose_keyset_parse(set, STR("{\"keys\":[" EC_JWK ",\"kid\":\"a\"}]}"), &skipped);
    assert_true(rc == RC_OK || rc == RC_NOMEM);
    jose_keyset_free(set);
}

static void test_out_of_memory_is_said(void **state)
{
    (void)state;
    kit_each_alloc_fails(parse_some, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thumbprint_of_rfc7638),
        cmocka_unit_test(test_print_parses_back),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_keys_not_used_here_are_skipped),
        cmocka_unit_test(test_a_bad_set_changes_nothing),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_out_of_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
