/* oauth/verify_bench.c - what a token costs: cold by signature and format, and from the cache. Prints
 * one line each: name, ns/op (median and spread of several runs), allocations of our own code. */
#include "base/check.h"
#include "crypto/random.h"
#include "oauth/mint.h"
#include "oauth/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RUN_COUNT = 7 };
static const int64_t now = 1767225600;
static unsigned long alloc_count;

/* The linker sends the allocations of our own objects here (--wrap). */
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n)
{
    alloc_count++;
    return __real_malloc(n);
}

struct bench {
    struct oauth_verifier *verifier;
    const struct oauth_keyring *keyring;
    struct random_source random;
    struct jose_key ec, rsa;
    struct jose_enc_key *gcm, *cbc;
};

static const struct oauth_own_spec own = {.issuer = STR_INIT("https://node1.example.com"),
                                          .audience = STR_INIT("bearline"),
                                          .accept = OAUTH_FORMAT_ANY,
                                          .leeway_s = 30,
                                          .longest_token_s = 86400};

static struct jose_enc_key *new_enc_key(struct bench *b, struct oauth_keyring *k, enum jose_enc enc)
{
    uint8_t secret[32];
    struct jose_enc_key *key = NULL;
    random_fill(&b->random, secret, sizeof secret);
    CHECK(jose_enc_key_new(STR("enc"), enc, bytes_of(secret, sizeof secret), &key) == RC_OK);
    CHECK(oauth_keyring_add_encryption_key(k, key) == RC_OK);
    return key;
}

static void bench_init(struct bench *b)
{
    struct oauth_keyring *k;
    struct oauth_verifier_settings settings = {0};
    b->random = crypto_random_system();
    b->ec = (struct jose_key){.kid = STR("ec"), .alg = JOSE_ALG_ES256};
    b->rsa = (struct jose_key){.kid = STR("rsa"), .alg = JOSE_ALG_RS256};
    CHECK(crypto_key_generate(CRYPTO_KEY_EC_P256, &b->ec.key) == RC_OK);
    CHECK(crypto_key_generate(CRYPTO_KEY_RSA, &b->rsa.key) == RC_OK);
    CHECK(oauth_keyring_new(&own, &k) == RC_OK);
    CHECK(oauth_keyring_add_signing_key(k, b->ec.kid, b->ec.key) == RC_OK);
    CHECK(oauth_keyring_add_signing_key(k, b->rsa.kid, b->rsa.key) == RC_OK);
    b->gcm = new_enc_key(b, k, JOSE_ENC_A256GCM);
    b->cbc = new_enc_key(b, k, JOSE_ENC_A128CBC_HS256);
    CHECK(oauth_verifier_new(&settings, k, &b->verifier) == RC_OK);
    b->keyring = oauth_verifier_keyring_ref(b->verifier);
}

static void bench_fini(struct bench *b)
{
    oauth_keyring_unref(b->keyring);
    oauth_verifier_free(b->verifier);
    jose_enc_key_unref(b->gcm);
    jose_enc_key_unref(b->cbc);
    crypto_key_unref(b->ec.key);
    crypto_key_unref(b->rsa.key);
}

static void mint(struct bench *b, enum oauth_format format, const struct jose_key *key,
                 struct buf *token)
{
    struct oauth_claims claims = {
        .issuer = own.issuer,
        .subject = STR("alice"),
        .client_id = STR("C1b4b988f3efa1c3fc97d0d0a36f6b97f244b4fafe55e8d9d78774e305bae9ab1"),
        .scope = STR("UnifiedCommunications:readwrite"),
        .jti = STR("b991221f-f42e-4e52-8871-c876e635dd5b"),
        .gid = STR("4be3a8f2-1f1b-4f2f-9f4e-5d0f2d1b3c11"),
        .device = STR("CSFalice"),
        .issued_unix_s = now,
        .expires_unix_s = now + 3600};
    struct oauth_mint m = {.format = format,
                           .signing = *key,
                           .encryption = format == OAUTH_FORMAT_PRIVATE ? b->cbc : b->gcm,
                           .random = &b->random,
                           .audience = own.audience};
    buf_init(token, OAUTH_TOKEN_MAX);
    CHECK(oauth_mint_print(token, &m, &claims) == RC_OK);
}

static void verify_once(const struct bench *b, struct str token, bool cached)
{
    static char block[16384]; /* as a worker lends it: ordinary tokens touch no heap */
    enum oauth_reason reason;
    struct oauth_claims claims;
    struct arena a;
    arena_init(&a, block, sizeof block, 1 << 18);
    enum rc rc = cached ? oauth_verify(b->verifier, token, now, &a, &claims, &reason)
                        : oauth_bearer_verify(token, b->keyring, now, &a, &claims, &reason);
    CHECK(rc == RC_OK);
    arena_fini(&a);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void run(struct bench *b, const char *name, enum oauth_format format,
                const struct jose_key *key, bool cached, long count)
{
    double ns[RUN_COUNT];
    struct buf token;
    mint(b, format, key, &token);
    verify_once(b, buf_str(&token), cached);
    unsigned long allocs = alloc_count;
    for (int r = 0; r < RUN_COUNT; r++) {
        double start = now_ns();
        for (long i = 0; i < count; i++)
            verify_once(b, buf_str(&token), cached);
        ns[r] = (now_ns() - start) / (double)count;
    }
    allocs = alloc_count - allocs;
    qsort(ns, RUN_COUNT, sizeof ns[0], by_value);
    printf("%-24s %9.0f ns/op  (%.0f..%.0f)  %.2f allocs/op  %zu bytes\n", name, ns[RUN_COUNT / 2],
           ns[0], ns[RUN_COUNT - 1], (double)allocs / ((double)count * RUN_COUNT), token.n);
    buf_fini(&token);
}

int main(void)
{
    struct bench b;
    bench_init(&b);
    run(&b, "cold ES256 signed", OAUTH_FORMAT_SIGNED, &b.ec, false, 2000);
    run(&b, "cold RS256 signed", OAUTH_FORMAT_SIGNED, &b.rsa, false, 5000);
    run(&b, "cold ES256 nested", OAUTH_FORMAT_NESTED, &b.ec, false, 2000);
    run(&b, "cold RS256 nested", OAUTH_FORMAT_NESTED, &b.rsa, false, 5000);
    run(&b, "cold RS256 private", OAUTH_FORMAT_PRIVATE, &b.rsa, false, 5000);
    run(&b, "cached ES256 nested", OAUTH_FORMAT_NESTED, &b.ec, true, 300000);
    run(&b, "cached RS256 nested", OAUTH_FORMAT_NESTED, &b.rsa, true, 300000);
    struct oauth_cache_stats stats = oauth_verifier_cache_stats(b.verifier);
    printf("%-24s %9zu bytes/entry\n", "cache", stats.count ? stats.bytes / stats.count : 0);
    bench_fini(&b);
    return 0;
}
