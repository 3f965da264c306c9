#include "kit/kit.h"

#include "sip/mask.h"
#include "sip/sample_int.h"

static void test_rows(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"Proxy-Authorization: Bearer token=\"abcdef\"\r\n",
         "Proxy-Authorization: Bearer token=\"<masked, 6 bytes>\"\r\n"},
        {"authorization : Bearer abcdef, realm=\"x\"\r\n",
         "authorization: Bearer <masked, 6 bytes>, realm=\"x\"\r\n"},
        {"Authorization:\r\n Bearer\r\n abcdef\r\nTo: x\r\n",
         "Authorization: Bearer <masked, 6 bytes>\r\nTo: x\r\n"},
        {"Authorization: Digest username=\"u\", nonce=\"n\", response=\"0123\", nc=1\r\n",
         "Authorization: Digest username=\"u\", nonce=\"n\", response=\"<masked, 4 bytes>\", "
         "nc=1\r\n"},
        {"Authorization: Basic dXNlcjpwYXNz\r\n", "Authorization: Basic <masked, 12 bytes>\r\n"},
        {"Authorization: NoOne secret=\"abc\"\r\n",
         "Authorization: NoOne secret=\"<masked, 3 bytes>\"\r\n"},
        {"Authorization: Bearer token=\"cut off in the mid", "Authorization: <masked, 32 bytes>"},
        {"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abcd|2^20\r\n",
         "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:<masked, 9 bytes>\r\n"},
        {"A=Crypto:1 AES_CM_128_HMAC_SHA1_80 INLINE:abcd\n", "A=Crypto:<masked, 37 bytes>\n"},
        {"a=crypto:1 X inline:abcd|2^20;inline:efgh|2^20 WSH=64",
         "a=crypto:1 X inline:<masked, 33 bytes>"},
        {"a= crypto:1 X inline:abcd+/==|2^20\r\n",
         "a= crypto:1 X inline:<masked, 6 bytes>==|2^20\r\n"},
        {"v=0\ra=crypto:1 X Inline:abcd\rt=0 0\r",
         "v=0\ra=crypto:1 X Inline:<masked, 4 bytes>\rt=0 0\r"},
        {"X: a=crypto:1 X inline:abcd;inline:efgh\r\n",
         "X: a=crypto:1 X inline:<masked, 4 bytes>;inline:<masked, 4 bytes>\r\n"},
        {"Content-Disposition: inline\r\n", "Content-Disposition: inline\r\n"},
        {"a=key-mgmt:mikey AQAFgM0X\r\n", "a=key-mgmt:<masked, 14 bytes>\r\n"},
        {"k=clear:pass\r\n", "k=<masked, 10 bytes>\r\n"},
        {"k: 100rel\r\n", "k: 100rel\r\n"},
        {"To: <sip:bob:pass@h>;tag=1\r\n", "To: <sip:bob:<masked, 4 bytes>@h>;tag=1\r\n"},
        {"To: <sips:bob@h:5061>\r\n", "To: <sips:bob@h:5061>\r\n"},
        {"X: eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln\r\n", "X: <masked, 41 bytes>\r\n"},
        {"X: eyJ short\r\n", "X: eyJ short\r\n"},
        {"X: eyJ short eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln a:b\r\n",
         "X: eyJ short <masked, 41 bytes> a:b\r\n"},
        {"X: a=eyJhbGciOiJFUzI1NiJ9eyJhbGciOiJFUzI1NiJ9:SIP:u:p@h, Sips:v:q@h, xsip:w:r@h\r\n",
         "X: a=<masked, 40 bytes>:SIP:u:<masked, 1 bytes>@h, Sips:v:<masked, 1 bytes>@h, "
         "xsip:w:<masked, 1 bytes>@h\r\n"},
        {"sip:u:p@h", "sip:u:<masked, 1 bytes>@h"},
        {"J yJ eyJ", "J yJ eyJ"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str in = kit_guard(str_from(cases[i].in));
        struct buf b;
        buf_init(&b, 4096);
        sip_mask_print(&b, in);
        assert_str(cases[i].out, buf_str(&b));
        buf_fini(&b);
        kit_guard_free(in);
    }
}

/* Cut off anywhere, a message still tells nothing of its token. */
static void test_no_piece_of_the_token_gets_out(void **state)
{
    (void)state;
    struct buf message, masked;
    buf_init(&message, 65536);
    buf_init(&masked, 65536);
    sample_register(&message);
    ptrdiff_t at = str_find(buf_str(&message), STR("token=\"")) + 7;
    struct str piece = str_of(message.p + at + 3, 8);
    for (size_t n = 1; n <= message.n; n += 7) {
        buf_reset(&masked);
        sip_mask_print(&masked, str_of(message.p, n));
        assert_rc(RC_OK, buf_rc(&masked));
        assert_int_equal(STR_NPOS, str_find(buf_str(&masked), piece));
    }
    buf_fini(&masked);
    buf_fini(&message);
}

/* An INVITE whose offer is one part of several: whole, and cut off anywhere, its keys stay in. */
static void test_no_piece_of_a_media_key_gets_out(void **state)
{
    (void)state;
    static const char text[] =
        "INVITE sip:1020@192.0.2.9 SIP/2.0\r\nCall-ID: 1\r\n"
        "Content-Type: multipart/mixed;boundary=b\r\nContent-Length: 400\r\n\r\n"
        "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 h\r\n"
        "m=audio 9 RTP/SAVP 0\r\n"
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
        "inline:SECRETSECRETSECRETSECRETSECRETSECRETSECR|2^20\r\n"
        "a=crypto:2 AEAD_AES_128_GCM inline:SECRETSECRETSECRETSECRETSECRETSECRETSE==\r\n"
        "a=sendrecv\r\n--b\r\nContent-Type: application/x\r\n\r\nx\r\n--b--\r\n";
    struct buf masked;
    buf_init(&masked, 65536);
    for (size_t n = 0; n < sizeof text; n++) {
        buf_reset(&masked);
        sip_mask_print(&masked, str_of(text, n));
        assert_rc(RC_OK, buf_rc(&masked));
        assert_int_equal(STR_NPOS, str_find(buf_str(&masked), STR("SEC")));
    }
    assert_true(str_find(buf_str(&masked), STR("AEAD_AES_128_GCM inline:<masked, 40 bytes>")) >= 0);
    assert_true(str_find(buf_str(&masked), STR("a=sendrecv\r\n--b\r\n")) >= 0);
    buf_fini(&masked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_no_piece_of_the_token_gets_out),
        cmocka_unit_test(test_no_piece_of_a_media_key_gets_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
