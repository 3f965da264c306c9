/* jose/jwt_fuzz.c - any text as a signed token, an encrypted token and a claims object. None of it
 * may verify or decrypt: the keys are random, made at the start. What is read prints back equal. */
#include "base/check.h"
#include "crypto/random.h"
#include "jose/jwe.h"
#include "jose/jws.h"
#include "jose/jwt.h"

static struct jose_key signing = {.alg = JOSE_ALG_ES256};
static struct jose_enc_key *encryption;

static void make_keys(void)
{
    struct random_source random = crypto_random_system();
    uint8_t secret[32];
    random_fill(&random, secret, sizeof secret);
    CHECK(crypto_key_generate(CRYPTO_KEY_EC_P256, &signing.key) == RC_OK);
    CHECK(jose_enc_key_new(STR("k"), JOSE_ENC_A256GCM, bytes_of(secret, 32), &encryption) == RC_OK);
}

static void check_header(const struct jose_header *h, struct arena *a)
{
    struct jose_header back;
    struct buf b;
    buf_init(&b, 16384);
    jose_header_print(&b, h);
    CHECK(buf_rc(&b) == RC_OK && jose_header_parse(buf_str(&b), a, &back) == RC_OK);
    CHECK(str_eq(h->kid, back.kid) && str_eq(h->typ, back.typ) && str_eq(h->cty, back.cty));
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str token = str_of((const char *)data, size);
    struct jose_jws jws;
    struct jose_jwe jwe;
    struct jose_jwt jwt;
    struct bytes plain;
    struct arena a;
    if (!encryption) make_keys();
    arena_init(&a, NULL, 0, 1 << 20);
    if (jose_jws_parse(token, &a, &jws) == RC_OK) {
        check_header(&jws.header, &a);
        CHECK(jose_jws_verify(&jws, &signing) != RC_OK);
        if (jose_jwt_parse(jws.unverified_payload, &a, &jwt) == RC_OK)
            (void)jose_jwt_check_time(&jwt, 0, 0);
    }
    if (jose_jwe_parse(token, &a, &jwe) == RC_OK) {
        check_header(&jwe.header, &a);
        CHECK(jose_jwe_decrypt(&jwe, encryption, &a, &plain) != RC_OK);
    }
    (void)!jose_jwt_parse(bytes_of(data, size), &a, &jwt);
    arena_fini(&a);
    return 0;
}
