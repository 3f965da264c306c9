/* crypto/digest_test.c - published digests, in one piece and in many. */
#include "kit/kit.h"

#include "base/base64.h"
#include "crypto/digest.h"

static struct bytes text(const char *s)
{
    return str_bytes(str_from(s));
}

static void assert_hex(const char *want, const uint8_t *p, size_t n)
{
    struct buf b;
    buf_init(&b, 1000);
    buf_put_hex(&b, bytes_of(p, n));
    assert_string_equal(want, buf_cstr(&b));
    buf_fini(&b);
}

static const struct {
    const char *in, *sha256, *md5;
} rows[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "d41d8cd98f00b204e9800998ecf8427e"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
     "900150983cd24fb0d6963f7d28e17f72"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
     "8215ef0796a20bcaaae116d3876c664a"},
};

static void test_known_digests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t sha[CRYPTO_SHA256_LEN], md5[CRYPTO_MD5_LEN];
        assert_rc(RC_OK, crypto_sha256(text(rows[i].in), sha));
        assert_hex(rows[i].sha256, sha, sizeof sha);
        assert_rc(RC_OK, crypto_md5(text(rows[i].in), md5));
        assert_hex(rows[i].md5, md5, sizeof md5);
    }
}

static void test_pieces_give_the_same_and_the_object_serves_again(void **state)
{
    (void)state;
    struct crypto_digest *d = crypto_digest_new(CRYPTO_SHA256);
    uint8_t out[CRYPTO_DIGEST_MAX];
    for (int round = 0; round < 2; round++) {
        crypto_digest_add(d, text("a"));
        crypto_digest_add(d, text(""));
        crypto_digest_add(d, text("bc"));
        assert_rc(RC_OK, crypto_digest_finish(d, out));
        assert_hex(rows[1].sha256, out, CRYPTO_SHA256_LEN);
    }
    assert_null(crypto_digest_free(d));
    d = crypto_digest_new(CRYPTO_MD5);
    crypto_digest_add(d, text("abc"));
    assert_rc(RC_OK, crypto_digest_finish(d, out));
    assert_hex(rows[1].md5, out, CRYPTO_MD5_LEN);
    crypto_digest_free(d);
    assert_null(crypto_digest_free(NULL));
}

/* RFC 4231, test cases 1, 2 and 6. */
static void test_hmac_of_rfc4231(void **state)
{
    (void)state;
    uint8_t key[131], out[CRYPTO_DIGEST_MAX];
    memset(key, 0x0b, 20);
    assert_rc(RC_OK, crypto_hmac_sha256(bytes_of(key, 20), text("Hi There"), out));
    assert_hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", out, 32);
    assert_rc(RC_OK, crypto_hmac_sha256(text("Jefe"), text("what do ya want for nothing?"), out));
    assert_hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", out, 32);
    memset(key, 0xaa, sizeof key);
    struct crypto_digest *d = crypto_digest_new_hmac(bytes_of(key, sizeof key));
    for (int round = 0; round < 2; round++) {
        crypto_digest_add(d, text("Test Using Larger Than Block-Size Key"));
        crypto_digest_add(d, text(" - Hash Key First"));
        assert_rc(RC_OK, crypto_digest_finish(d, out));
        assert_hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", out, 32);
    }
    crypto_digest_free(d);
}

static void test_empty_hmac_key_is_a_key(void **state)
{
    (void)state;
    uint8_t out[CRYPTO_DIGEST_MAX];
    assert_rc(RC_OK, crypto_hmac_sha256(bytes_of(NULL, 0), text(""), out));
    assert_hex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", out, 32);
}

static void digest_all(void *ctx)
{
    (void)ctx;
    uint8_t out[CRYPTO_DIGEST_MAX];
    struct crypto_digest *d = crypto_digest_new(CRYPTO_SHA256);
    if (d) {
        crypto_digest_add(d, text("abc"));
        assert_rc(RC_OK, crypto_digest_finish(d, out));
    }
    crypto_digest_free(d);
    enum rc rc = crypto_hmac_sha256(text("k"), text("t"), out);
    assert_true(rc == RC_OK || rc == RC_NOMEM);
}

static void test_out_of_memory_is_said(void **state)
{
    (void)state;
    kit_each_alloc_fails(digest_all, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_digests),
        cmocka_unit_test(test_pieces_give_the_same_and_the_object_serves_again),
        cmocka_unit_test(test_hmac_of_rfc4231),
        cmocka_unit_test(test_empty_hmac_key_is_a_key),
        cmocka_unit_test(test_out_of_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
