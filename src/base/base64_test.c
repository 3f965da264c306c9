/* base/base64_test.c - RFC 4648, 10 and what a strict decoder refuses. */
#include "kit/kit.h"

#include "base/base64.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static void test_rfc_vectors(void **state)
{
    (void)state;
    static const struct {
        struct str raw;
        const char *classic, *url;
    } rows[] = {
        {STR_INIT(""), "", ""},
        {STR_INIT("f"), "Zg==", "Zg"},
        {STR_INIT("fo"), "Zm8=", "Zm8"},
        {STR_INIT("foo"), "Zm9v", "Zm9v"},
        {STR_INIT("foob"), "Zm9vYg==", "Zm9vYg"},
        {STR_INIT("fooba"), "Zm9vYmE=", "Zm9vYmE"},
        {STR_INIT("foobar"), "Zm9vYmFy", "Zm9vYmFy"},
        {STR_INIT("\xFB\xFF\xBF"), "+/+/", "-_-_"},
        {STR_INIT("\0\0"), "AAA=", "AAA"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct buf b;
        uint8_t out[16];
        size_t n = 99;
        buf_init(&b, 100);
        base64_print(&b, str_bytes(rows[i].raw));
        assert_string_equal(rows[i].classic, buf_cstr(&b));
        assert_int_equal(BASE64_LEN(rows[i].raw.n), b.n);
        buf_reset(&b);
        base64url_print(&b, str_bytes(rows[i].raw));
        assert_string_equal(rows[i].url, buf_cstr(&b));
        assert_int_equal(BASE64URL_LEN(rows[i].raw.n), b.n);
        buf_fini(&b);
        assert_rc(RC_OK, base64_decode(str_from(rows[i].classic), out, sizeof out, &n));
        assert_true(str_eq(rows[i].raw, str_of((const char *)out, n)));
        assert_rc(RC_OK, base64url_decode(str_from(rows[i].url), out, sizeof out, &n));
        assert_true(str_eq(rows[i].raw, str_of((const char *)out, n)));
    }
}

static void test_decoders_are_strict(void **state)
{
    (void)state;
    static const struct {
        struct str in;
        bool url_ok, classic_ok;
    } rows[] = {
        {STR_INIT("Zg"), true, false},       {STR_INIT("Zg=="), false, true},
        {STR_INIT("Zg="), false, false},     {STR_INIT("Zg==="), false, false},
        {STR_INIT("Z"), false, false},       {STR_INIT("Zm9vY"), false, false},
        {STR_INIT("Zh"), false, false},      {STR_INIT("Zh=="), false, false}, /* stray bits */
        {STR_INIT("Zm9"), false, false},     {STR_INIT("Zm9="), false, false},
        {STR_INIT("Zm8"), true, false},      {STR_INIT("Zm8="), false, true},
        {STR_INIT("+/+/"), false, true},     {STR_INIT("-_-_"), true, false},
        {STR_INIT("-/-/"), false, false},    {STR_INIT("Zm 9"), false, false},
        {STR_INIT("Zm9v\n"), false, false},  {STR_INIT(" Zm9"), false, false},
        {STR_INIT("===="), false, false},    {STR_INIT("Z==="), false, false},
        {STR_INIT("=Zm9"), false, false},    {STR_INIT("Zg==Zg=="), false, false},
        {STR_INIT("Zm\0v"), false, false},   {STR_INIT("Zm\xC3v"), false, false},
        {STR_INIT("Zm9\xFF"), false, false}, {STR_INIT("=="), false, false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct str in = kit_guard(rows[i].in);
        uint8_t out[16];
        size_t n = 99;
        enum rc url = base64url_decode(in, out, sizeof out, &n);
        enum rc classic = base64_decode(in, out, sizeof out, &n);
        if ((url == RC_OK) != rows[i].url_ok || (classic == RC_OK) != rows[i].classic_ok)
            fail_msg("row %zu: url %s, classic %s", i, rc_name(url), rc_name(classic));
        kit_guard_free(in);
    }
}

static void test_room_is_exact(void **state)
{
    (void)state;
    struct str room = kit_guard(STR("12345"));
    uint8_t *out = (uint8_t *)(uintptr_t)room.p;
    size_t n = 77;
    assert_rc(RC_OK, base64url_decode(STR("Zm9vYmE"), out, 5, &n));
    assert_int_equal(5, n);
    assert_rc(RC_TOO_BIG, base64url_decode(STR("Zm9vYmFy"), out, 5, &n));
    assert_rc(RC_TOO_BIG, base64_decode(STR("Zg=="), out, 0, &n));
    assert_rc(RC_OK, hex_decode(STR("0123456789"), out, 5, &n));
    assert_rc(RC_TOO_BIG, hex_decode(STR("0123456789ab"), out, 5, &n));
    assert_int_equal(5, n);
    kit_guard_free(room);
}

static void test_hex(void **state)
{
    (void)state;
    static const char *const wrong[] = {"0", "0g", "g0", " 0", "0x", "0\xFF", "@0", "`0", "G0"};
    uint8_t out[8];
    size_t n;
    assert_rc(RC_OK, hex_decode(STR("00fFAb09"), out, sizeof out, &n));
    assert_int_equal(4, n);
    assert_memory_equal("\x00\xFF\xAB\x09", out, 4);
    assert_rc(RC_OK, hex_decode(STR(""), out, sizeof out, &n));
    assert_int_equal(0, n);
    for (size_t i = 0; i < ROWS(wrong); i++)
        assert_rc(RC_MALFORMED, hex_decode(str_from(wrong[i]), out, sizeof out, &n));
}

static void test_random_bytes_come_back(void **state)
{
    (void)state;
    struct kit_random r;
    struct random_source random = kit_random(&r, 5);
    for (size_t n = 0; n < 200; n++) {
        uint8_t in[200], out[200];
        struct buf b;
        size_t out_n;
        random_fill(&random, in, n);
        buf_init(&b, 1000);
        base64_print(&b, bytes_of(in, n));
        assert_rc(RC_OK, base64_decode(buf_str(&b), out, n, &out_n));
        assert_int_equal(n, out_n);
        assert_memory_equal(in, out, n);
        buf_reset(&b);
        base64url_print(&b, bytes_of(in, n));
        assert_rc(RC_OK, base64url_decode(buf_str(&b), out, n, &out_n));
        assert_int_equal(n, out_n);
        assert_memory_equal(in, out, n);
        assert_true(BASE64_DECODED_MAX(b.n) >= n);
        buf_fini(&b);
    }
}

static void decode_into_arena(void *ctx)
{
    struct arena a;
    struct bytes out;
    (void)ctx;
    arena_init(&a, NULL, 0, 4096);
    enum rc rc = base64url_decode_arena(STR("Zm9vYmE"), &a, &out);
    if (rc == RC_OK)
        assert_str("fooba", bytes_str(out));
    else
        assert_rc(RC_NOMEM, rc);
    arena_fini(&a);
}

static void test_decoding_into_an_arena(void **state)
{
    (void)state;
    struct arena a;
    struct bytes out;
    kit_each_alloc_fails(decode_into_arena, NULL);
    arena_init(&a, NULL, 0, 4096);
    assert_rc(RC_OK, base64url_decode_arena(STR(""), &a, &out));
    assert_int_equal(0, out.n);
    assert_rc(RC_MALFORMED, base64url_decode_arena(STR("Zm9vYmE="), &a, &out));
    arena_fini(&a);
}

static void test_printing_remembers_failure(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 7);
    base64_print(&b, bytes_of("foob", 4));
    assert_rc(RC_TOO_BIG, buf_rc(&b));
    buf_reset(&b);
    base64url_print(&b, bytes_of("", SIZE_MAX / 2));
    assert_rc(RC_TOO_BIG, buf_rc(&b));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_vectors),
        cmocka_unit_test(test_decoders_are_strict),
        cmocka_unit_test(test_room_is_exact),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_random_bytes_come_back),
        cmocka_unit_test(test_decoding_into_an_arena),
        cmocka_unit_test(test_printing_remembers_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
