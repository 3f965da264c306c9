/* crypto/aead_test.c - published vectors, round trips, and every way a sealed text may be wrong. */
#include "kit/kit.h"

#include "base/base64.h"
#include "crypto/aead.h"

struct hex {
    uint8_t p[256];
    size_t n;
};

static struct hex hex(const char *text)
{
    struct hex h;
    assert_rc(RC_OK, hex_decode(str_from(text), h.p, sizeof h.p, &h.n));
    return h;
}

#define BYTES(h) bytes_of((h).p, (h).n)

static const struct vector {
    enum crypto_aead_alg alg;
    const char *key, *iv, *aad, *plain, *sealed, *tag;
} vectors[] = {
    {/* RFC 7518, B.1 */
     CRYPTO_A128CBC_HS256, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "1af38c2dc2b96ffdd86694092341bc04",
     "546865207365636f6e64207072696e6369706c65206f6620417567757374652"
     "04b6572636b686f666673",
     "41206369706865722073797374656d206d757374206e6f7420626520726571756972656420746f206265207365637"
     "265"
     "742c20616e64206974206d7573742062652061626c6520746f2066616c6c20696e746f207468652068616e6473206"
     "f66"
     "2074686520656e656d7920776974686f757420696e636f6e76656e69656e6365",
     "c80edfa32ddf39d5ef00c0b468834279a2e46a1b8049f792f76bfe54b903a9c9a94ac9b47ad2655c5f10f9aef7142"
     "7e2"
     "fc6f9b3f399a221489f16362c703233609d45ac69864e3321cf82935ac4096c86e133314c54019e8ca7980dfa4b9c"
     "f1b"
     "384c486f3a54c51078158ee5d79de59fbd34d848b3d69550a67646344427ade54b8851ffb598f7f80074b9473c82e"
     "2db",
     "652c3fa36b0a7c5b3219fab3a30bc1c4"},
    {/* AES-256-GCM, McGrew and Viega, test case 16 */
     CRYPTO_A256GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b"
     "525"
     "b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828"
     "838"
     "c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};
enum { VECTOR_COUNT = sizeof vectors / sizeof vectors[0] };

static struct crypto_aead *aead_of(const struct vector *v)
{
    struct hex key = hex(v->key);
    struct crypto_aead *a = NULL;
    assert_rc(RC_OK, crypto_aead_new(v->alg, BYTES(key), &a));
    assert_int_equal(v->alg, crypto_aead_alg(a));
    return a;
}

static void test_vectors_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        const struct vector *v = &vectors[i];
        struct crypto_aead *a = aead_of(v);
        struct hex iv = hex(v->iv), aad = hex(v->aad), plain = hex(v->plain), want = hex(v->sealed),
                   want_tag = hex(v->tag);
        uint8_t out[256], tag[CRYPTO_AEAD_TAG_LEN];
        size_t n;
        assert_rc(RC_OK, crypto_aead_seal(a, BYTES(iv), BYTES(aad), BYTES(plain), out, sizeof out,
                                          &n, tag));
        assert_int_equal(want.n, n);
        assert_memory_equal(want.p, out, n);
        assert_memory_equal(want_tag.p, tag, sizeof tag);
        assert_rc(RC_OK, crypto_aead_open(a, BYTES(iv), BYTES(aad), BYTES(want), BYTES(want_tag),
                                          out, sizeof out, &n));
        assert_int_equal(plain.n, n);
        assert_memory_equal(plain.p, out, n);
        crypto_aead_free(a);
    }
}

static enum rc open_changed(const struct crypto_aead *a, struct hex *parts)
{
    uint8_t out[256];
    size_t n;
    memset(out, 0x55, sizeof out);
    enum rc rc = crypto_aead_open(a, BYTES(parts[0]), BYTES(parts[1]), BYTES(parts[2]),
                                  BYTES(parts[3]), out, sizeof out, &n);
    for (size_t i = 0; rc == RC_DENIED && i < parts[2].n; i++)
        assert_true(out[i] == 0 || out[i] == 0x55);
    return rc;
}

static void test_every_flipped_byte_is_denied(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        const struct vector *v = &vectors[i];
        struct crypto_aead *a = aead_of(v);
        struct hex parts[4] = {hex(v->iv), hex(v->aad), hex(v->sealed), hex(v->tag)};
        for (int part = 0; part < 4; part++)
            for (size_t at = 0; at < parts[part].n; at++) {
                parts[part].p[at] ^= 0x10;
                assert_rc(RC_DENIED, open_changed(a, parts));
                parts[part].p[at] ^= 0x10;
            }
        assert_rc(RC_OK, open_changed(a, parts));
        crypto_aead_free(a);
    }
}

/* A tag cut short was accepted by a well-known library once (CVE-2023-37464). */
static void test_tag_of_another_length_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        const struct vector *v = &vectors[i];
        struct crypto_aead *a = aead_of(v);
        struct hex parts[4] = {hex(v->iv), hex(v->aad), hex(v->sealed), hex(v->tag)};
        for (size_t n = 0; n <= 32; n++) {
            parts[3].n = n;
            assert_rc(n == 16 ? RC_OK : RC_INVALID, open_changed(a, parts));
        }
        crypto_aead_free(a);
    }
}

static void test_lengths(void **state)
{
    (void)state;
    struct crypto_aead *a = NULL;
    uint8_t key[33] = {0}, out[64], tag[16];
    size_t n;
    assert_rc(RC_INVALID, crypto_aead_new(CRYPTO_A256GCM, bytes_of(key, 16), &a));
    assert_rc(RC_INVALID, crypto_aead_new(CRYPTO_A128CBC_HS256, bytes_of(key, 33), &a));
    for (int alg = CRYPTO_A256GCM; alg <= CRYPTO_A128CBC_HS256; alg++) {
        assert_rc(RC_OK, crypto_aead_new((enum crypto_aead_alg)alg, bytes_of(key, 32), &a));
        size_t iv_n = crypto_aead_iv_len((enum crypto_aead_alg)alg);
        struct bytes iv = bytes_of(key, iv_n), bad_iv = bytes_of(key, iv_n - 1);
        struct bytes none = {0}, text = bytes_of(key, 20);
        assert_rc(RC_INVALID, crypto_aead_seal(a, bad_iv, none, text, out, sizeof out, &n, tag));
        assert_rc(RC_TOO_BIG, crypto_aead_seal(a, iv, none, text, out, 35, &n, tag));
        assert_rc(RC_OK, crypto_aead_seal(a, iv, none, text, out, 36, &n, tag));
        assert_rc(RC_TOO_BIG, crypto_aead_open(a, iv, none, bytes_of(out, n), bytes_of(tag, 16),
                                               key, n - 1, &n));
        crypto_aead_free(a);
    }
    assert_null(crypto_aead_free(NULL));
}

static void test_empty_text_round_trips(void **state)
{
    (void)state;
    uint8_t key[32] = {1}, out[64], back[64], tag[16];
    size_t n;
    for (int alg = CRYPTO_A256GCM; alg <= CRYPTO_A128CBC_HS256; alg++) {
        struct crypto_aead *a = NULL;
        struct bytes none = {0}, iv = bytes_of(key, crypto_aead_iv_len((enum crypto_aead_alg)alg));
        assert_rc(RC_OK, crypto_aead_new((enum crypto_aead_alg)alg, bytes_of(key, 32), &a));
        assert_rc(RC_OK, crypto_aead_seal(a, iv, none, none, out, sizeof out, &n, tag));
        assert_rc(RC_OK, crypto_aead_open(a, iv, none, bytes_of(out, n), bytes_of(tag, 16), back,
                                          sizeof back, &n));
        assert_int_equal(0, n);
        crypto_aead_free(a);
    }
}

static void make(void *ctx)
{
    (void)ctx;
    uint8_t key[32] = {0};
    struct crypto_aead *a = NULL;
    enum rc rc = crypto_aead_new(CRYPTO_A128CBC_HS256, bytes_of(key, 32), &a);
    assert_true(rc == RC_OK || rc == RC_NOMEM);
    crypto_aead_free(a);
}

static void test_out_of_memory_is_said(void **state)
{
    (void)state;
    kit_each_alloc_fails(make, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_both_ways),
        cmocka_unit_test(test_every_flipped_byte_is_denied),
        cmocka_unit_test(test_tag_of_another_length_is_refused),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_empty_text_round_trips),
        cmocka_unit_test(test_out_of_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
