#include "kit/kit.h"

#include "sip/nameaddr.h"

static void test_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *in, *display, *uri, *params;
    } cases[] = {
        {"sip:a@b;tag=1", "", "sip:a@b", ";tag=1"},
        {"<sip:a@b;lr>", "", "sip:a@b;lr", ""},
        {"Bob <sip:b>;tag=2", "Bob", "sip:b", ";tag=2"},
        {"Bob  the Builder\r\n <sip:b>", "Bob  the Builder", "sip:b", ""},
        {"caller<sip:c>", "caller", "sip:c", ""},
        {"\"A \\\"B\\\"\" <sip:a>", "\"A \\\"B\\\"\"", "sip:a", ""},
        {"\"\"<sip:a>", "\"\"", "sip:a", ""},
        {"<sip:a?x=%3Cy>;q=0.5 ; expires = 60", "", "sip:a?x=%3Cy", ";q=0.5 ; expires = 60"},
        {"sip:a;+sip.instance=\"<urn:x>\"", "", "sip:a", ";+sip.instance=\"<urn:x>\""},
        {"sip:a ; x", "", "sip:a", "; x"},
        {"J\xc3\xbcrgen <sip:j>", "J\xc3\xbcrgen", "sip:j", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str in = kit_guard(str_from(cases[i].in));
        struct sip_nameaddr n;
        struct sip_uri uri;
        assert_rc(RC_OK, sip_nameaddr_parse_uri(in, &n, &uri, NULL));
        assert_str(cases[i].display, n.display);
        assert_str(cases[i].uri, n.uri);
        assert_str(cases[i].params, n.params);
        assert_false(n.is_star);
        kit_guard_free(in);
    }
}

static void test_malformed(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",         "<>",         "<sip:a",    "\"open <sip:a>", "Bell, A <sip:a>",
        "< sip:a>", "<sip:a >",   "sip:a?x=y", "sip:a,b",        "<sip:a>x",
        "<sip:a>;", "<sip:a>;;x", "<<sip:a>",  "\"a\" sip:a",    "sip:a b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct str in = kit_guard(str_from(bad[i]));
        struct sip_nameaddr n;
        if (sip_nameaddr_parse(in, &n, NULL) != RC_MALFORMED) fail_msg("%s", bad[i]);
        kit_guard_free(in);
    }
}

static void test_star(void **state)
{
    (void)state;
    struct sip_nameaddr n;
    struct sip_uri uri;
    assert_rc(RC_OK, sip_nameaddr_parse(STR(" * "), &n, NULL));
    assert_true(n.is_star);
    assert_rc(RC_MALFORMED, sip_nameaddr_parse_uri(STR("*"), &n, &uri, NULL));
}

static void test_fault_is_placed(void **state)
{
    (void)state;
    struct sip_nameaddr n;
    struct sip_uri uri;
    struct parse_at at;
    assert_rc(RC_MALFORMED, sip_nameaddr_parse_uri(STR("Bob <sip:b@h:x>"), &n, &uri, &at));
    assert_int_equal(13, at.offset);
    assert_string_equal("a port", at.expected);
}

static void test_q_and_expires(void **state)
{
    (void)state;
    static const struct {
        const char *params;
        enum rc q_rc;
        unsigned q;
        enum rc expires_rc;
        uint32_t expires;
    } cases[] = {
        {"", RC_NOT_FOUND, 0, RC_NOT_FOUND, 0},
        {";q=1;expires=0", RC_OK, 1000, RC_OK, 0},
        {";q=0.25;expires=4294967295", RC_OK, 250, RC_OK, UINT32_MAX},
        {";q=1.000;expires=4294967296", RC_OK, 1000, RC_TOO_BIG, UINT32_MAX},
        {";q=0.;expires=x", RC_OK, 0, RC_MALFORMED, 0},
        {";q=1.001;expires=-1", RC_MALFORMED, 0, RC_MALFORMED, 0},
        {";q=0.1234;expires", RC_MALFORMED, 0, RC_MALFORMED, 0},
        {";q=2", RC_MALFORMED, 0, RC_NOT_FOUND, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sip_nameaddr n = {.params = str_from(cases[i].params)};
        unsigned q = 0;
        uint32_t expires = 0;
        assert_rc(cases[i].q_rc, sip_nameaddr_q(&n, &q));
        assert_int_equal(cases[i].q, q);
        assert_rc(cases[i].expires_rc, sip_nameaddr_expires(&n, &expires));
        assert_int_equal(cases[i].expires, expires);
    }
}

static void test_display_and_print(void **state)
{
    (void)state;
    char block[256], text[128];
    struct arena a;
    struct sip_nameaddr n;
    struct str display;
    struct buf b;
    arena_init(&a, block, sizeof(block), 0);
    assert_rc(RC_OK, sip_nameaddr_parse(STR("\"a\\\"b\r\n c\" <sip:a>"), &n, NULL));
    assert_rc(RC_OK, sip_nameaddr_display(&n, &a, &display));
    assert_str("a\"b c", display);
    buf_init_fixed(&b, text, sizeof(text));
    sip_nameaddr_print(&b, display, n.uri, STR(";tag=1"));
    assert_str("\"a\\\"b c\" <sip:a>;tag=1", buf_str(&b));
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_star),          cmocka_unit_test(test_fault_is_placed),
        cmocka_unit_test(test_q_and_expires), cmocka_unit_test(test_display_and_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
