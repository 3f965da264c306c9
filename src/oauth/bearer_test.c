/* oauth/bearer_test.c - every form a good token has, and every way a token is refused. */
#include "oauth/fixture_int.h"

#include "base/base64.h"
#include "crypto/digest.h"

#define OWN   "\"iss\":\"https://node1.example.com\","
#define AUD   "\"aud\":\"bearline\","
#define TIMES "\"iat\":1767225600,\"exp\":1767229200,"
#define WHO   "\"sub\":\"alice\",\"client_id\":\"c\",\"jti\":\"j\","
#define SCOPE "\"scope\":\"openid sip\""
#define GOOD  "{" OWN AUD TIMES WHO SCOPE "}"
#define FAR                                                                                        \
    "\"iss\":\"https://idp.example.org/realm\",\"aud\":[\"x\",\"phones\"],\"exp\":1767229200,"
#define FAR_GOOD "{" FAR "\"preferred_username\":\"bob\"}"

static enum oauth_reason verify_with(const struct oauth_keyring *k, struct str token, int64_t at,
                                     struct oauth_claims *out)
{
    enum oauth_reason reason = OAUTH_REASON_COUNT;
    struct str guarded = kit_guard(token);
    enum rc rc = oauth_bearer_verify(guarded, k, at, &arena, out, &reason);
    assert_rc(oauth_reason_rc(reason), rc);
    kit_guard_free(guarded);
    return reason;
}

static enum oauth_reason verify(struct str token, struct oauth_claims *out)
{
    struct oauth_keyring *k = fixture_keyring(&own_spec);
    enum oauth_reason reason = verify_with(k, token, now, out);
    oauth_keyring_unref(k);
    return reason;
}

static const enum oauth_format formats[] = {OAUTH_FORMAT_NESTED, OAUTH_FORMAT_PRIVATE,
                                            OAUTH_FORMAT_SIGNED};

static void test_all_claims_arrive_in_every_format(void **state)
{
    (void)state;
    struct oauth_claims want = fixture_claims(), got;
    for (int f = 0; f < 3; f++)
        for (int key = KEY_EC; key <= KEY_OLD; key++) {
            assert_int_equal(OAUTH_OK, verify(fixture_token(formats[f], key, &want), &got));
            assert_int_equal(OAUTH_ISSUER_OWN, got.issuer_kind);
            assert_true(str_eq(want.issuer, got.issuer) && str_eq(want.subject, got.subject));
            assert_true(str_eq(want.subject, got.user) && str_eq(want.client_id, got.client_id));
            assert_true(str_eq(want.scope, got.scope) && str_eq(want.jti, got.jti));
            assert_true(str_eq(want.gid, got.gid) && str_eq(want.device, got.device));
            assert_int_equal(want.issued_unix_s, got.issued_unix_s);
            assert_int_equal(want.expires_unix_s, got.expires_unix_s);
        }
}

static void test_an_encrypted_token_shows_nothing(void **state)
{
    (void)state;
    struct oauth_claims c = fixture_claims();
    struct str token = fixture_token(OAUTH_FORMAT_NESTED, KEY_EC, &c), rest = token, part;
    while (str_split(&rest, '.', &part)) {
        struct bytes plain;
        if (base64url_decode_arena(part, &arena, &plain) == RC_OK)
            assert_int_equal(STR_NPOS, str_find(bytes_str(plain), STR("alice")));
    }
}

static void test_formats_not_accepted(void **state)
{
    (void)state;
    struct oauth_claims c = fixture_claims(), got;
    for (int f = 0; f < 3; f++) {
        struct oauth_own_spec spec = own_spec;
        spec.accept = OAUTH_FORMAT_ANY & ~(unsigned)formats[f];
        struct oauth_keyring *k = fixture_keyring(&spec);
        for (int g = 0; g < 3; g++)
            assert_int_equal(f == g ? OAUTH_BAD_FORMAT : OAUTH_OK,
                             verify_with(k, fixture_token(formats[g], KEY_EC, &c), now, &got));
        oauth_keyring_unref(k);
    }
}

static const struct row {
    const char *claims;
    int key;
    const char *typ;
    enum oauth_reason want;
} rows[] = {
    {GOOD, KEY_EC, "at+jwt", OAUTH_OK},
    {GOOD, KEY_RSA, "application/at+jwt", OAUTH_OK},
    {GOOD, KEY_EC, "JWT", OAUTH_BAD_TYPE},
    {GOOD, KEY_EC, "", OAUTH_BAD_TYPE},
    {GOOD, KEY_STRANGER, "at+jwt", OAUTH_BAD_SIGNATURE}, /* our kid, another key */
    {GOOD, KEY_FOREIGN_EC, "at+jwt", OAUTH_UNKNOWN_KEY}, /* a foreign issuer as us */
    /* issuer and audience */
    {"{\"iss\":\"https://node1.example.com/\"," AUD TIMES WHO SCOPE "}", KEY_EC, "at+jwt",
     OAUTH_BAD_ISSUER},
    {"{" AUD TIMES WHO SCOPE "}", KEY_EC, "at+jwt", OAUTH_BAD_ISSUER},
    {"{" OWN TIMES WHO SCOPE "}", KEY_EC, "at+jwt", OAUTH_BAD_AUDIENCE},
    {"{" OWN "\"aud\":\"other\"," TIMES WHO SCOPE "}", KEY_EC, "at+jwt", OAUTH_BAD_AUDIENCE},
    {"{" OWN "\"aud\":[\"a\",\"bearline\"]," TIMES WHO SCOPE "}", KEY_EC, "at+jwt", OAUTH_OK},
    {"{" OWN "\"aud\":[\"a\",\"b\"]," TIMES WHO SCOPE "}", KEY_EC, "at+jwt", OAUTH_BAD_AUDIENCE},
    {"{" OWN "\"aud\":[]," TIMES WHO SCOPE "}", KEY_EC, "at+jwt", OAUTH_BAD_AUDIENCE},
    {"{" OWN "\"aud\":[\"bearline\",1]," TIMES WHO SCOPE "}", KEY_EC, "at+jwt", OAUTH_MALFORMED},
    {"{" OWN "\"aud\":{\"bearline\":1}," TIMES WHO SCOPE "}", KEY_EC, "at+jwt", OAUTH_MALFORMED},
    /* time */
    {"{" OWN AUD "\"iat\":1767225600," WHO SCOPE "}", KEY_EC, "at+jwt", OAUTH_BAD_CLAIM},
    {"{" OWN AUD "\"exp\":1767229200," WHO SCOPE "}", KEY_EC, "at+jwt", OAUTH_BAD_CLAIM},
    {"{" OWN AUD "\"iat\":1767225600,\"exp\":\"never\"," WHO SCOPE "}", KEY_EC, "at+jwt",
     OAUTH_MALFORMED},
    {"{" OWN AUD "\"iat\":1767225600,\"exp\":1767312031," WHO SCOPE "}", KEY_EC, "at+jwt",
     OAUTH_TOO_LONG_LIVED},
    {"{" OWN AUD "\"iat\":1767225600,\"exp\":1767312030," WHO SCOPE "}", KEY_EC, "at+jwt",
     OAUTH_OK},
    {"{" OWN AUD TIMES "\"nbf\":1767225630," WHO SCOPE "}", KEY_EC, "at+jwt", OAUTH_OK},
    {"{" OWN AUD TIMES "\"nbf\":1767225631," WHO SCOPE "}", KEY_EC, "at+jwt", OAUTH_NOT_YET},
    {"{" OWN AUD "\"iat\":1767225631,\"exp\":1767229200," WHO SCOPE "}", KEY_EC, "at+jwt",
     OAUTH_NOT_YET},
    {"{" OWN AUD "\"iat\":1767222000,\"exp\":1767225571," WHO SCOPE "}", KEY_EC, "at+jwt",
     OAUTH_OK},
    {"{" OWN AUD "\"iat\":1767222000,\"exp\":1767225570," WHO SCOPE "}", KEY_EC, "at+jwt",
     OAUTH_EXPIRED},
    /* other claims */
    {"{" OWN AUD TIMES "\"client_id\":\"c\",\"jti\":\"j\"," SCOPE "}", KEY_EC, "at+jwt",
     OAUTH_BAD_CLAIM},
    {"{" OWN AUD TIMES "\"sub\":\"\",\"client_id\":\"c\",\"jti\":\"j\"," SCOPE "}", KEY_EC,
     "at+jwt", OAUTH_BAD_CLAIM},
    {"{" OWN AUD TIMES "\"sub\":\"a\",\"jti\":\"j\"," SCOPE "}", KEY_EC, "at+jwt", OAUTH_BAD_CLAIM},
    {"{" OWN AUD TIMES "\"sub\":\"a\",\"client_id\":7,\"jti\":\"j\"," SCOPE "}", KEY_EC, "at+jwt",
     OAUTH_BAD_CLAIM},
    {"{" OWN AUD TIMES WHO "\"gid\":7," SCOPE "}", KEY_EC, "at+jwt", OAUTH_BAD_CLAIM},
    {"{" OWN AUD TIMES WHO "\"sub\":\"root\"," SCOPE "}", KEY_EC, "at+jwt", OAUTH_MALFORMED},
    {"{" OWN AUD TIMES WHO "\"scope\":\"openid\"}", KEY_EC, "at+jwt", OAUTH_BAD_SCOPE},
    {"{" OWN AUD TIMES WHO "\"scope\":\"sips\"}", KEY_EC, "at+jwt", OAUTH_BAD_SCOPE},
    {"{" OWN AUD TIMES WHO "\"x\":1}", KEY_EC, "at+jwt", OAUTH_BAD_SCOPE},
    {"{" OWN AUD TIMES WHO "\"scope\":[\"sip\"]}", KEY_EC, "at+jwt", OAUTH_BAD_CLAIM},
    {"[]", KEY_EC, "at+jwt", OAUTH_MALFORMED},
    {"", KEY_EC, "at+jwt", OAUTH_MALFORMED},
    /* a foreign issuer */
    {FAR_GOOD, KEY_FOREIGN_EC, "JWT", OAUTH_OK},
    {FAR_GOOD, KEY_FOREIGN_RSA, "at+jwt", OAUTH_OK},
    {FAR_GOOD, KEY_FOREIGN_RSA, "", OAUTH_OK},
    {FAR_GOOD, KEY_FOREIGN_RSA, "dpop+jwt", OAUTH_BAD_TYPE},
    {FAR_GOOD, KEY_EC, "JWT", OAUTH_UNKNOWN_KEY}, /* ours speaks for them */
    {"{" FAR "\"sub\":\"bob\"}", KEY_FOREIGN_EC, "JWT", OAUTH_BAD_CLAIM},
    {"{" FAR "\"preferred_username\":[\"bob\"]}", KEY_FOREIGN_EC, "JWT", OAUTH_BAD_CLAIM},
    {"{\"iss\":\"https://idp.example.org/realm\",\"aud\":\"x\",\"exp\":1767229200,"
     "\"preferred_username\":\"bob\"}",
     KEY_FOREIGN_EC, "JWT", OAUTH_BAD_AUDIENCE},
    {"{\"iss\":\"https://idp.example.org/realm\",\"aud\":\"phones\",\"exp\":1767225570,"
     "\"preferred_username\":\"bob\"}",
     KEY_FOREIGN_EC, "JWT", OAUTH_EXPIRED},
    {"{\"iss\":\"https://evil.example\",\"aud\":\"phones\",\"exp\":1767229200}", KEY_FOREIGN_EC,
     "JWT", OAUTH_BAD_ISSUER},
    {"{\"private\":\"a.b.c.d.e\"}", KEY_RSA, "JWT", OAUTH_MALFORMED},
    {"{\"private\":7}", KEY_RSA, "JWT", OAUTH_BAD_CLAIM},
    {"{\"private\":\"x\"}", KEY_FOREIGN_RSA, "JWT", OAUTH_UNKNOWN_KEY},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct oauth_claims got;
        struct str token = fixture_sign(rows[i].key, str_from(rows[i].typ),
                                        str_from(rows[i].claims));
        enum oauth_reason reason = verify(token, &got);
        if (reason != rows[i].want) print_error("row %zu: %s\n", i, rows[i].claims);
        assert_string_equal(oauth_reason_name(rows[i].want), oauth_reason_name(reason));
    }
}

static void test_foreign_claims(void **state)
{
    (void)state;
    struct oauth_claims c;
    struct str token = fixture_sign(
        KEY_FOREIGN_RSA, STR("JWT"),
        STR("{" FAR "\"preferred_username\":\"bob\",\"sub\":\"8d0d\",\"azp\":\"app\","
            "\"sid\":\"s1\",\"jti\":\"j1\",\"scp\":[\"a\",\"b\"],\"iat\":1767225000}"));
    assert_int_equal(OAUTH_OK, verify(token, &c));
    assert_int_equal(OAUTH_ISSUER_FOREIGN, c.issuer_kind);
    assert_str("bob", c.user);
    assert_str("8d0d", c.subject);
    assert_str("app", c.client_id);
    assert_str("s1", c.gid);
    assert_str("a b", c.scope);
    assert_int_equal(1767225000, c.issued_unix_s);
}

static void test_foreign_rules_of_the_administrator(void **state)
{
    (void)state;
    struct oauth_keyring *k;
    struct oauth_claims c;
    struct buf jwk;
    size_t skipped;
    buf_init(&jwk, 4096);
    jose_key_print(&jwk, &keys[KEY_FOREIGN_RSA]);
    struct oauth_issuer_spec spec = {.issuer = STR("https://idp.example.org/realm"),
                                     .audience = STR("phones"),
                                     .user_claim = STR("preferred_username"),
                                     .scope = STR("voice"),
                                     .jwks = buf_str(&jwk),
                                     .rs256 = true};
    assert_rc(RC_OK, oauth_keyring_new(&own_spec, &k));
    assert_rc(RC_OK, oauth_keyring_add_issuer(k, &spec, &skipped));
    struct str plain = STR(FAR_GOOD),
               scoped = STR("{" FAR "\"preferred_username\":\"bob\",\"scope\":\"x voice\"}");
    assert_int_equal(OAUTH_BAD_SCOPE,
                     verify_with(k, fixture_sign(KEY_FOREIGN_RSA, STR("at+jwt"), plain), now, &c));
    assert_int_equal(OAUTH_OK,
                     verify_with(k, fixture_sign(KEY_FOREIGN_RSA, STR("at+jwt"), scoped), now, &c));
    assert_int_equal(OAUTH_BAD_TYPE,
                     verify_with(k, fixture_sign(KEY_FOREIGN_RSA, STR("JWT"), scoped), now, &c));
    assert_int_equal(OAUTH_BAD_ALGORITHM,
                     verify_with(k, fixture_sign(KEY_FOREIGN_EC, STR("at+jwt"), scoped), now, &c));
    oauth_keyring_unref(k);
    buf_fini(&jwk);
}

static struct str unsigned_token(const char *header, const char *claims, struct bytes signature)
{
    struct str token;
    struct buf b;
    buf_init(&b, OAUTH_TOKEN_MAX);
    base64url_print(&b, str_bytes(str_from(header)));
    buf_put_char(&b, '.');
    base64url_print(&b, str_bytes(str_from(claims)));
    buf_put_char(&b, '.');
    base64url_print(&b, signature);
    assert_rc(RC_OK, arena_str_dup(&arena, buf_str(&b), &token));
    buf_fini(&b);
    return token;
}

static void test_alg_none_in_every_spelling(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "{\"alg\":\"none\",\"kid\":\"own-ec\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"None\",\"kid\":\"own-ec\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"NONE\",\"kid\":\"own-ec\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"es256\",\"kid\":\"own-ec\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"dir\",\"kid\":\"own-ec\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"PS256\",\"kid\":\"own-rsa\",\"typ\":\"at+jwt\"}",
    };
    struct oauth_claims c;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        assert_int_equal(OAUTH_BAD_ALGORITHM,
                         verify(unsigned_token(headers[i], GOOD, bytes_of(NULL, 0)), &c));
    assert_int_equal(
        OAUTH_BAD_SIGNATURE,
        verify(unsigned_token("{\"alg\":\"ES256\",\"kid\":\"own-ec\",\"typ\":\"at+jwt\"}", GOOD,
                              bytes_of(NULL, 0)),
               &c));
}

/* The public key as an HMAC secret: the classic confusion (RFC 8725, 2.1). */
static void test_hs256_with_the_public_key_as_secret(void **state)
{
    (void)state;
    struct oauth_claims c;
    struct buf pem;
    uint8_t mac[32];
    const char *header = "{\"alg\":\"HS256\",\"kid\":\"own-rsa\",\"typ\":\"at+jwt\"}";
    buf_init(&pem, 4096);
    crypto_key_print_public_pem(keys[KEY_RSA].key, &pem);
    struct str input = unsigned_token(header, GOOD, bytes_of(NULL, 0));
    input = str_sub(input, 0, input.n - 1);
    assert_rc(RC_OK, crypto_hmac_sha256(str_bytes(buf_str(&pem)), str_bytes(input), mac));
    assert_int_equal(OAUTH_BAD_ALGORITHM,
                     verify(unsigned_token(header, GOOD, bytes_of(mac, sizeof mac)), &c));
    buf_fini(&pem);
}

static void test_a_kid_swapped_to_another_key(void **state)
{
    (void)state;
    struct oauth_claims c;
    struct jose_key was = keys[KEY_EC];
    keys[KEY_EC].kid = STR("own-old"); /* a real key's name */
    struct str old_kid = fixture_sign(KEY_EC, STR("at+jwt"), STR(GOOD));
    keys[KEY_EC].kid = STR("own-rsa"); /* a name that stands for another algorithm */
    struct str rsa_kid = fixture_sign(KEY_EC, STR("at+jwt"), STR(GOOD));
    keys[KEY_EC].kid = STR(""); /* no name at all */
    struct str no_kid = fixture_sign(KEY_EC, STR("at+jwt"), STR(GOOD));
    keys[KEY_EC] = was;
    assert_int_equal(OAUTH_BAD_SIGNATURE, verify(old_kid, &c));
    assert_int_equal(OAUTH_BAD_ALGORITHM, verify(rsa_kid, &c));
    assert_int_equal(OAUTH_UNKNOWN_KEY, verify(no_kid, &c));
}

static void test_crit_and_b64_are_refused(void **state)
{
    (void)state;
    struct oauth_claims c;
    assert_int_equal(
        OAUTH_MALFORMED,
        verify(unsigned_token("{\"alg\":\"ES256\",\"kid\":\"own-ec\",\"crit\":[\"b64\"],"
                              "\"b64\":false}",
                              GOOD, bytes_of("x", 1)),
               &c));
}

static enum oauth_reason verify_envelope(struct jose_enc_key *key, const char *cty,
                                         struct str inside)
{
    struct oauth_claims c;
    struct buf b;
    buf_init(&b, OAUTH_TOKEN_MAX);
    assert_rc(RC_OK,
              jose_jwe_print(&b, key, STR(""), str_from(cty), &system_random, str_bytes(inside)));
    enum oauth_reason reason = verify(buf_str(&b), &c);
    buf_fini(&b);
    return reason;
}

/* Whoever has the encryption key still cannot sign, and the envelope proves nothing. */
static void test_envelopes(void **state)
{
    (void)state;
    struct jose_enc_key *stranger;
    uint8_t secret[32] = {9};
    struct str inside = fixture_sign(KEY_EC, STR("at+jwt"), STR(GOOD));
    assert_int_equal(OAUTH_OK, verify_envelope(gcm_key, "JWT", inside));
    assert_int_equal(OAUTH_BAD_TYPE, verify_envelope(gcm_key, "", inside));
    assert_int_equal(OAUTH_BAD_ALGORITHM, verify_envelope(cbc_key, "JWT", inside));
    assert_int_equal(OAUTH_MALFORMED, verify_envelope(gcm_key, "JWT", STR(GOOD)));
    assert_int_equal(
        OAUTH_BAD_SIGNATURE,
        verify_envelope(gcm_key, "JWT", fixture_sign(KEY_STRANGER, STR("at+jwt"), STR(GOOD))));
    assert_int_equal(OAUTH_BAD_TYPE,
                     verify_envelope(gcm_key, "JWT", fixture_sign(KEY_EC, STR("JWT"), STR(GOOD))));
    assert_int_equal(OAUTH_BAD_ALGORITHM,
                     verify_envelope(gcm_key, "JWT",
                                     unsigned_token("{\"alg\":\"none\",\"typ\":\"at+jwt\"}", GOOD,
                                                    bytes_of(NULL, 0))));
    assert_rc(RC_OK,
              jose_enc_key_new(STR("enc"), JOSE_ENC_A256GCM, bytes_of(secret, 32), &stranger));
    assert_int_equal(OAUTH_BAD_DECRYPTION, verify_envelope(stranger, "JWT", inside));
    jose_enc_key_unref(stranger);
    assert_rc(RC_OK,
              jose_enc_key_new(STR("e2"), JOSE_ENC_A256GCM, bytes_of(secret, 32), &stranger));
    assert_int_equal(OAUTH_UNKNOWN_KEY, verify_envelope(stranger, "JWT", inside));
    jose_enc_key_unref(stranger);
}

static void test_a_refresh_token_is_no_access_token(void **state)
{
    (void)state;
    struct oauth_claims c;
    struct buf b;
    buf_init(&b, OAUTH_TOKEN_MAX);
    buf_put_lit(&b, "{\"private\":\"");
    assert_rc(RC_OK,
              jose_jwe_print(&b, cbc_key, STR(""), STR("JWT"), &system_random,
                             str_bytes(STR("{" OWN AUD TIMES "\"sub\":\"a\",\"ccid\":\"c\","
                                           "\"tid\":\"j\",\"ctyp\":\"refresh\"," SCOPE "}"))));
    buf_put_lit(&b, "\"}");
    assert_int_equal(OAUTH_BAD_TYPE, verify(fixture_sign(KEY_RSA, STR("JWT"), buf_str(&b)), &c));
    assert_int_equal(OAUTH_BAD_TYPE, verify(fixture_sign(KEY_RSA, STR("at+jwt"), buf_str(&b)), &c));
    buf_fini(&b);
}

static void test_cut_and_changed_tokens(void **state)
{
    (void)state;
    struct oauth_claims c = fixture_claims(), got;
    struct oauth_keyring *k = fixture_keyring(&own_spec);
    for (int f = 0; f < 3; f++) {
        struct str token = fixture_token(formats[f], KEY_EC, &c);
        char *p = arena_alloc(&arena, token.n);
        memcpy(p, token.p, token.n);
        for (size_t n = 0; n < token.n; n += n + 60 < token.n ? 7 : 1) /* each cut of the tag */
            assert_int_not_equal(OAUTH_OK, verify_with(k, str_of(p, n), now, &got));
        for (size_t at = 0; at < token.n; at += 3) {
            p[at] = token.p[at] == 'x' ? 'y' : 'x';
            assert_int_not_equal(OAUTH_OK, verify_with(k, str_of(p, token.n), now, &got));
            p[at] = token.p[at];
        }
    }
    oauth_keyring_unref(k);
}

static void test_sizes(void **state)
{
    (void)state;
    static char big[OAUTH_TOKEN_MAX + 1];
    struct oauth_claims c;
    struct buf b;
    memset(big, 'A', sizeof big);
    assert_int_equal(OAUTH_TOO_BIG, verify(str_of(big, sizeof big), &c));
    assert_int_equal(OAUTH_MALFORMED, verify(str_of(big, sizeof big - 1), &c));
    assert_int_equal(OAUTH_MALFORMED, verify(STR(""), &c));
    assert_int_equal(OAUTH_MALFORMED, verify(STR("...."), &c));
    assert_int_equal(OAUTH_MALFORMED, verify(STR(".."), &c));
    for (size_t n = OAUTH_CLAIM_MAX; n <= OAUTH_CLAIM_MAX + 1; n++) {
        buf_init(&b, 8192);
        buf_put_lit(&b, "{" OWN AUD TIMES WHO "\"gid\":\"");
        buf_put(&b, big, n);
        buf_put_lit(&b, "\"," SCOPE "}");
        assert_int_equal(n > OAUTH_CLAIM_MAX ? OAUTH_TOO_BIG : OAUTH_OK,
                         verify(fixture_sign(KEY_EC, STR("at+jwt"), buf_str(&b)), &c));
        buf_fini(&b);
    }
}

static void test_mint_refuses_what_could_not_be_verified(void **state)
{
    (void)state;
    struct oauth_claims good = fixture_claims(), c;
    struct oauth_mint mint = fixture_mint(OAUTH_FORMAT_NESTED, KEY_EC);
    struct crypto_key *public_key;
    struct crypto_public numbers;
    struct buf b;
    buf_init(&b, OAUTH_TOKEN_MAX);
    c = good, c.subject = STR("");
    assert_rc(RC_INVALID, oauth_mint_print(&b, &mint, &c));
    c = good, c.expires_unix_s = c.issued_unix_s;
    assert_rc(RC_INVALID, oauth_mint_print(&b, &mint, &c));
    mint.encryption = cbc_key;
    assert_rc(RC_INVALID, oauth_mint_print(&b, &mint, &good));
    mint.encryption = NULL;
    assert_rc(RC_INVALID, oauth_mint_print(&b, &mint, &good));
    mint = fixture_mint(OAUTH_FORMAT_SIGNED, KEY_EC);
    mint.audience = STR("");
    assert_rc(RC_INVALID, oauth_mint_print(&b, &mint, &good));
    mint = fixture_mint(OAUTH_FORMAT_SIGNED, KEY_EC);
    assert_rc(RC_OK, crypto_key_get_public(keys[KEY_EC].key, &numbers));
    assert_rc(RC_OK, crypto_key_new_public(&numbers, &public_key));
    mint.signing.key = public_key;
    assert_rc(RC_INVALID, oauth_mint_print(&b, &mint, &good));
    crypto_key_unref(public_key);
    assert_int_equal(0, b.n);
    buf_fini(&b);
    buf_init(&b, 100);
    mint = fixture_mint(OAUTH_FORMAT_SIGNED, KEY_EC);
    assert_rc(RC_TOO_BIG, oauth_mint_print(&b, &mint, &good));
    buf_fini(&b);
}

static void test_scope_tokens(void **state)
{
    (void)state;
    assert_true(oauth_scope_has(STR("a sip b"), STR("sip")));
    assert_true(oauth_scope_has(STR("sip"), STR("sip")));
    assert_false(oauth_scope_has(STR("sips xsip SIP"), STR("sip")));
    assert_false(oauth_scope_has(STR(""), STR("sip")));
    assert_false(oauth_scope_has(STR("a  b"), STR("")));
}

static void test_every_reason_has_its_words(void **state)
{
    (void)state;
    for (int i = 0; i < OAUTH_REASON_COUNT; i++) {
        enum oauth_reason r = (enum oauth_reason)i;
        assert_true(strlen(oauth_reason_name(r)) > 1);
        assert_true(str_ends(str_from(oauth_reason_text(r)), STR(".")));
        assert_int_equal(r == OAUTH_OK, oauth_reason_rc(r) == RC_OK);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(oauth_reason_name(r), oauth_reason_name((enum oauth_reason)j));
    }
    assert_string_equal("insufficient_scope", oauth_reason_error(OAUTH_BAD_SCOPE));
    assert_string_equal("invalid_token", oauth_reason_error(OAUTH_EXPIRED));
    assert_string_equal("", oauth_reason_error(OAUTH_OK));
}

static void mint_and_verify(void *ctx)
{
    (void)ctx;
    struct oauth_claims c = fixture_claims(), got;
    struct oauth_keyring *k = NULL;
    struct arena a;
    enum rc rc = fixture_try_keyring(&own_spec, &k);
    arena_init(&a, NULL, 0, 1 << 20);
    for (int f = 0; rc == RC_OK && f < 3; f++) {
        struct oauth_mint mint = fixture_mint(formats[f], KEY_EC);
        enum oauth_reason reason;
        struct buf b;
        buf_init(&b, OAUTH_TOKEN_MAX);
        rc = oauth_mint_print(&b, &mint, &c);
        if (rc == RC_OK) rc = oauth_bearer_verify(buf_str(&b), k, now, &a, &got, &reason);
        buf_fini(&b);
    }
    assert_true(rc == RC_OK || rc == RC_NOMEM);
    arena_fini(&a);
    oauth_keyring_unref(k);
}

static void test_out_of_memory_is_said(void **state)
{
    (void)state;
    kit_each_alloc_fails(mint_and_verify, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_claims_arrive_in_every_format),
        cmocka_unit_test(test_an_encrypted_token_shows_nothing),
        cmocka_unit_test(test_formats_not_accepted),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_foreign_claims),
        cmocka_unit_test(test_foreign_rules_of_the_administrator),
        cmocka_unit_test(test_alg_none_in_every_spelling),
        cmocka_unit_test(test_hs256_with_the_public_key_as_secret),
        cmocka_unit_test(test_a_kid_swapped_to_another_key),
        cmocka_unit_test(test_crit_and_b64_are_refused),
        cmocka_unit_test(test_envelopes),
        cmocka_unit_test(test_a_refresh_token_is_no_access_token),
        cmocka_unit_test(test_cut_and_changed_tokens),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_mint_refuses_what_could_not_be_verified),
        cmocka_unit_test(test_scope_tokens),
        cmocka_unit_test(test_every_reason_has_its_words),
        cmocka_unit_test(test_out_of_memory_is_said),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
