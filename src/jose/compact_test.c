/* jose/compact_test.c - signed and encrypted tokens: the examples of the RFCs (data/jose), another
 * implementation (cjose) in both directions, and what must be refused. */
#include "kit/kit.h"

#include "crypto/random.h"
#include "jose/jwe.h"
#include "jose/jws.h"

#include <cjose/cjose.h>
#include <jansson.h>

static struct arena arena;
static struct jose_key keys[2]; /* ES256, RS256 */

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, NULL, 0, 1 << 22);
    keys[0] = (struct jose_key){.kid = STR("ec"), .alg = JOSE_ALG_ES256};
    keys[1] = (struct jose_key){.kid = STR("rsa"), .alg = JOSE_ALG_RS256};
    return crypto_key_generate(CRYPTO_KEY_EC_P256, &keys[0].key) != RC_OK ||
           crypto_key_generate(CRYPTO_KEY_RSA, &keys[1].key) != RC_OK;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    crypto_key_unref(keys[0].key);
    crypto_key_unref(keys[1].key);
    return 0;
}

static struct str json_str(const json_t *o, const char *name)
{
    return str_from(json_string_value(json_object_get(o, name)));
}

static json_t *load_examples(void)
{
    struct str text = kit_data("jose/rfc-tokens.json");
    json_t *root = json_loadb(text.p, text.n, 0, NULL);
    assert_non_null(root);
    free((void *)(uintptr_t)text.p);
    return root;
}

/* The key printed beside the example, or one of ours where it is of a kind not used here. */
static enum rc verify_example(const json_t *example)
{
    struct jose_jws jws;
    size_t skipped;
    enum rc rc = jose_jws_parse(json_str(example, "token"), &arena, &jws);
    if (rc != RC_OK) return rc;
    struct jose_keyset *set = jose_keyset_new();
    char *jwk = json_dumps(json_object_get(example, "key"), 0);
    const struct jose_key *key = &keys[1];
    if (jwk && jose_keyset_parse(set, str_from(jwk), &skipped) == RC_OK && jose_keyset_count(set))
        key = jose_keyset_at(set, 0);
    rc = jose_jws_verify(&jws, key);
    free(jwk);
    jose_keyset_free(set);
    return rc;
}

static void test_examples_of_the_rfcs(void **state)
{
    (void)state;
    json_t *root = load_examples(), *example;
    size_t i, good = 0;
    json_array_foreach(json_object_get(root, "jws"), i, example)
    {
        assert_string_equal(json_str(example, "expect").p, rc_name(verify_example(example)));
        good += str_eq(json_str(example, "expect"), STR("ok"));
    }
    assert_int_equal(17, i);
    assert_int_equal(6, good);
    json_decref(root);
}

static void test_jwe_examples_are_of_other_methods(void **state)
{
    (void)state;
    json_t *root = load_examples(), *example;
    size_t i;
    uint8_t secret[32] = {0};
    struct jose_enc_key *key;
    assert_rc(RC_OK, jose_enc_key_new(STR("k"), JOSE_ENC_A256GCM, bytes_of(secret, 32), &key));
    json_array_foreach(json_object_get(root, "jwe"), i, example)
    {
        struct jose_jwe jwe;
        struct jose_jws jws;
        struct bytes plain;
        struct str token = json_str(example, "token");
        assert_rc(RC_OK, jose_jwe_parse(token, &arena, &jwe));
        assert_rc(RC_INVALID, jose_jwe_decrypt(&jwe, key, &arena, &plain));
        assert_rc(RC_MALFORMED, jose_jws_parse(token, &arena, &jws)); /* five parts, not three */
    }
    assert_int_equal(5, i);
    jose_enc_key_unref(key);
    json_decref(root);
}

static const struct str payload = STR_INIT("{\"iss\":\"https://as.example\",\"sub\":\"alice\"}");
#define PAYLOAD str_bytes(payload)

static void print_jws(struct buf *b, const struct jose_key *key)
{
    buf_init(b, JOSE_TOKEN_MAX);
    assert_rc(RC_OK, jose_jws_print(b, key, STR("at+jwt"), STR(""), PAYLOAD));
}

static void test_jws_round_trip(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct buf b;
        struct jose_jws jws;
        print_jws(&b, &keys[i]);
        struct str token = kit_guard(buf_str(&b));
        assert_rc(RC_OK, jose_jws_parse(token, &arena, &jws));
        assert_int_equal(keys[i].alg, jws.header.alg);
        assert_true(str_eq(keys[i].kid, jws.header.kid));
        assert_str("at+jwt", jws.header.typ);
        assert_rc(RC_OK, jose_jws_verify(&jws, &keys[i]));
        assert_rc(RC_INVALID, jose_jws_verify(&jws, &keys[1 - i]));
        assert_true(str_eq(bytes_str(jws.unverified_payload), payload));
        kit_guard_free(token);
        buf_fini(&b);
    }
}

/* Any changed letter is either refused as it is read or does not verify. */
static void test_every_changed_letter_is_refused(void **state)
{
    (void)state;
    struct buf b;
    struct jose_jws jws;
    print_jws(&b, &keys[0]);
    for (size_t i = 0; i < b.n; i++) {
        char was = b.p[i];
        b.p[i] = was == 'A' ? 'B' : 'A';
        enum rc rc = jose_jws_parse(buf_str(&b), &arena, &jws);
        if (rc == RC_OK) rc = jose_jws_verify(&jws, &keys[0]);
        assert_true(rc != RC_OK && rc != RC_NOMEM);
        b.p[i] = was;
        arena_reset(&arena);
    }
    buf_fini(&b);
}

static const char *const bad_shapes[] = {
    "",
    ".",
    "..",
    "...",
    "e30.e30.e30",
    "eyJhbGciOiJFUzI1NiJ9",
    "eyJhbGciOiJFUzI1NiJ9.e30",
    "eyJhbGciOiJFUzI1NiJ9.e30.AA.AA",
    "eyJhbGciOiJFUzI1NiJ9.e30.A=",
    "eyJhbGciOiJFUzI1NiJ9.e3 0.AA",
    "eyJhbGciOiJFUzI1NiJ9=.e30.AA",
    "eyJhbGciOiJFUzI1NiJ9.e30.AB",
    "eyJhbGciOiJFUzI1NiJ9.e30.A+A",
};

static void test_shapes_that_are_no_jws(void **state)
{
    (void)state;
    struct jose_jws jws;
    for (size_t i = 0; i < sizeof bad_shapes / sizeof bad_shapes[0]; i++)
        assert_rc(RC_MALFORMED, jose_jws_parse(str_from(bad_shapes[i]), &arena, &jws));
    char *big = calloc(1, JOSE_TOKEN_MAX + 1);
    memset(big, 'A', JOSE_TOKEN_MAX + 1);
    assert_rc(RC_TOO_BIG, jose_jws_parse(str_of(big, JOSE_TOKEN_MAX + 1), &arena, &jws));
    free(big);
}

static const enum jose_enc encs[] = {JOSE_ENC_A256GCM, JOSE_ENC_A128CBC_HS256};

static struct jose_enc_key *enc_key(enum jose_enc enc, uint8_t fill)
{
    uint8_t secret[32];
    struct jose_enc_key *key = NULL;
    memset(secret, fill, sizeof secret);
    assert_rc(RC_OK, jose_enc_key_new(STR("e1"), enc, bytes_of(secret, 32), &key));
    return key;
}

static void print_jwe(struct buf *b, const struct jose_enc_key *key)
{
    struct random_source random = crypto_random_system();
    buf_init(b, JOSE_TOKEN_MAX);
    assert_rc(RC_OK, jose_jwe_print(b, key, STR(""), STR("JWT"), &random, PAYLOAD));
}

static enum rc decrypt(struct str token, const struct jose_enc_key *key)
{
    struct jose_jwe jwe;
    struct bytes plain;
    enum rc rc = jose_jwe_parse(token, &arena, &jwe);
    if (rc == RC_OK) rc = jose_jwe_decrypt(&jwe, key, &arena, &plain);
    if (rc == RC_OK) assert_true(str_eq(bytes_str(plain), payload));
    return rc;
}

static void test_jwe_round_trip_and_every_changed_letter(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct jose_enc_key *key = enc_key(encs[i], 1), *other = enc_key(encs[i], 2),
                            *other_enc = enc_key(encs[1 - i], 1);
        struct buf b, c;
        print_jwe(&b, key);
        print_jwe(&c, key);
        assert_false(str_eq(buf_str(&b), buf_str(&c))); /* another iv each time */
        assert_rc(RC_OK, decrypt(buf_str(&b), key));
        assert_rc(RC_DENIED, decrypt(buf_str(&b), other));
        assert_rc(RC_INVALID, decrypt(buf_str(&b), other_enc));
        for (size_t at = 0; at < b.n; at++) {
            char was = b.p[at];
            b.p[at] = was == 'A' ? 'B' : 'A';
            enum rc rc = decrypt(buf_str(&b), key);
            assert_true(rc != RC_OK && rc != RC_NOMEM);
            b.p[at] = was;
            arena_reset(&arena);
        }
        for (size_t n = 0; n < b.n; n++) /* every cut, so every shortened tag too */
            assert_int_not_equal(RC_OK, decrypt(str_of(b.p, n), key));
        buf_fini(&b);
        buf_fini(&c);
        jose_enc_key_unref(key);
        jose_enc_key_unref(other);
        jose_enc_key_unref(other_enc);
    }
}

static void test_a_key_inside_dir_or_compression_is_refused(void **state)
{
    (void)state;
    struct jose_jwe jwe;
    /* {"alg":"dir","enc":"A256GCM"} with an encrypted key, and with "zip":"DEF" */
    assert_rc(
        RC_MALFORMED,
        jose_jwe_parse(STR("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0.AAAA.AAAAAAAAAAAAAAAA.AAAA."
                           "AAAAAAAAAAAAAAAAAAAAAA"),
                       &arena, &jwe));
    assert_rc(RC_OK,
              jose_jwe_parse(STR("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAAAAAAAAAAAAAA.AAAA."
                                 "AAAAAAAAAAAAAAAAAAAAAA"),
                             &arena, &jwe));
    assert_rc(RC_UNSUPPORTED,
              jose_jwe_parse(STR("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwiemlwIjoiREVGIn0.."
                                 "AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"),
                             &arena, &jwe));
}

static void test_cjose_verifies_ours(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct buf b, jwk;
        cjose_err err;
        uint8_t *plain;
        size_t n;
        print_jws(&b, &keys[i]);
        buf_init(&jwk, 4096);
        jose_key_print(&jwk, &keys[i]);
        cjose_jwk_t *theirs = cjose_jwk_import(buf_cstr(&jwk), jwk.n, &err);
        cjose_jws_t *jws = cjose_jws_import(b.p, b.n, &err);
        assert_true(theirs && jws && cjose_jws_verify(jws, theirs, &err));
        assert_true(cjose_jws_get_plaintext(jws, &plain, &n, &err));
        assert_true(str_eq(str_of((char *)plain, n), payload));
        cjose_jws_release(jws);
        cjose_jwk_release(theirs);
        buf_fini(&jwk);
        buf_fini(&b);
    }
}

static cjose_header_t *cjose_header(const char *alg, const char *enc)
{
    cjose_err err;
    cjose_header_t *h = cjose_header_new(&err);
    assert_true(cjose_header_set(h, CJOSE_HDR_ALG, alg, &err));
    if (enc) assert_true(cjose_header_set(h, CJOSE_HDR_ENC, enc, &err));
    return h;
}

static void test_we_verify_cjoses(void **state)
{
    (void)state;
    static const uint8_t e[] = {1, 0, 1};
    for (int i = 0; i < 2; i++) {
        cjose_err err;
        const char *token;
        size_t skipped;
        struct jose_jws ours;
        cjose_jwk_t *jwk = i ? cjose_jwk_create_RSA_random(2048, e, sizeof e, &err)
                             : cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &err);
        cjose_header_t *h = cjose_header(i ? "RS256" : "ES256", NULL);
        cjose_jws_t *jws = cjose_jws_sign(jwk, h, PAYLOAD.p, PAYLOAD.n, &err);
        assert_true(jws && cjose_jws_export(jws, &token, &err));
        char *json = cjose_jwk_to_json(jwk, false, &err);
        struct jose_keyset *set = jose_keyset_new();
        assert_rc(RC_OK, jose_keyset_parse(set, str_from(json), &skipped));
        assert_rc(RC_OK, jose_jws_parse(str_from(token), &arena, &ours));
        assert_rc(RC_OK, jose_jws_verify(&ours, jose_keyset_at(set, 0)));
        jose_keyset_free(set);
        free(json);
        cjose_header_release(h);
        cjose_jws_release(jws);
        cjose_jwk_release(jwk);
    }
}

static void test_cjose_and_we_decrypt_each_other(void **state)
{
    (void)state;
    static const char *const names[] = {"A256GCM", "A128CBC-HS256"};
    uint8_t secret[32];
    memset(secret, 1, sizeof secret);
    for (int i = 0; i < 2; i++) {
        cjose_err err;
        size_t n = 0;
        struct buf b;
        struct jose_enc_key *key = enc_key(encs[i], 1);
        cjose_jwk_t *jwk = cjose_jwk_create_oct_spec(secret, sizeof secret, &err);
        cjose_header_t *h = cjose_header("dir", names[i]);
        cjose_jwe_t *jwe = cjose_jwe_encrypt(jwk, h, PAYLOAD.p, PAYLOAD.n, &err);
        char *token = jwe ? cjose_jwe_export(jwe, &err) : NULL;
        assert_non_null(token);
        assert_rc(RC_OK, decrypt(str_from(token), key));
        free(token);
        cjose_jwe_release(jwe);
        print_jwe(&b, key);
        jwe = cjose_jwe_import(b.p, b.n, &err);
        uint8_t *plain = jwe ? cjose_jwe_decrypt(jwe, jwk, &n, &err) : NULL;
        assert_non_null(plain);
        assert_true(str_eq(str_of((char *)plain, n), payload));
        free(plain);
        cjose_jwe_release(jwe);
        cjose_header_release(h);
        cjose_jwk_release(jwk);
        jose_enc_key_unref(key);
        buf_fini(&b);
    }
}

static void test_enc_key_rules(void **state)
{
    (void)state;
    uint8_t secret[33] = {0};
    char kid[JOSE_KID_MAX + 1];
    struct jose_enc_key *key = NULL;
    memset(kid, 'k', sizeof kid);
    assert_rc(RC_INVALID, jose_enc_key_new(STR("k"), JOSE_ENC_A256GCM, bytes_of(secret, 31), &key));
    assert_rc(RC_INVALID, jose_enc_key_new(STR("k"), JOSE_ENC_OTHER, bytes_of(secret, 32), &key));
    assert_rc(RC_TOO_BIG, jose_enc_key_new(str_of(kid, sizeof kid), JOSE_ENC_A256GCM,
                                           bytes_of(secret, 32), &key));
    key = enc_key(JOSE_ENC_A256GCM, 1);
    assert_str("e1", jose_enc_key_kid(key));
    assert_int_equal(JOSE_ENC_A256GCM, jose_enc_key_enc(key));
    assert_null(jose_enc_key_unref(jose_enc_key_ref(key)));
    assert_null(jose_enc_key_unref(key));
    assert_null(jose_enc_key_unref(NULL));
}

static void print_and_read(void *ctx)
{
    (void)ctx;
    struct random_source random = crypto_random_system();
    uint8_t secret[32] = {0};
    struct jose_enc_key *key = NULL;
    struct jose_jwe jwe;
    struct jose_jws jws;
    struct bytes plain;
    struct arena a;
    struct buf b;
    arena_init(&a, NULL, 0, 1 << 20);
    buf_init(&b, JOSE_TOKEN_MAX);
    enum rc rc = jose_enc_key_new(STR("k"), JOSE_ENC_A128CBC_HS256, bytes_of(secret, 32), &key);
    if (rc == RC_OK) rc = jose_jwe_print(&b, key, STR(""), STR(""), &random, PAYLOAD);
    if (rc == RC_OK) rc = jose_jwe_parse(buf_str(&b), &a, &jwe);
    if (rc == RC_OK) rc = jose_jwe_decrypt(&jwe, key, &a, &plain);
    buf_reset(&b);
    if (rc == RC_OK) rc = jose_jws_print(&b, &keys[0], STR(""), STR(""), PAYLOAD);
    if (rc == RC_OK) rc = jose_jws_parse(buf_str(&b), &a, &jws);
    if (rc == RC_OK) rc = jose_jws_verify(&jws, &keys[0]);
    assert_true(rc == RC_OK || rc == RC_NOMEM);
    jose_enc_key_unref(key);
    buf_fini(&b);
    arena_fini(&a);
}

static void test_out_of_memory_is_said(void **state)
{
    (void)state;
    kit_each_alloc_fails(print_and_read, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples_of_the_rfcs),
        cmocka_unit_test(test_jwe_examples_are_of_other_methods),
        cmocka_unit_test(test_jws_round_trip),
        cmocka_unit_test(test_every_changed_letter_is_refused),
        cmocka_unit_test(test_shapes_that_are_no_jws),
        cmocka_unit_test(test_jwe_round_trip_and_every_changed_letter),
        cmocka_unit_test(test_a_key_inside_dir_or_compression_is_refused),
        cmocka_unit_test(test_cjose_verifies_ours),
        cmocka_unit_test(test_we_verify_cjoses),
        cmocka_unit_test(test_cjose_and_we_decrypt_each_other),
        cmocka_unit_test(test_enc_key_rules),
        cmocka_unit_test(test_out_of_memory_is_said),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
