#include "kit/kit.h"

#include "base/buf.h"
#include "sip/uri.h"

static void test_parts(void **state)
{
    (void)state;
    struct sip_uri u;
    struct str value;
    assert_rc(
        RC_OK,
        sip_uri_parse(STR("SIP:al%69ce;x=1:secret@Example.com:5070;transport=TLS;lr?Subject=a&b="),
                      &u, NULL));
    assert_int_equal(SIP_SCHEME_SIP, u.scheme);
    assert_str("al%69ce;x=1", u.user);
    assert_str("secret", u.password);
    assert_str("Example.com", u.host.text);
    assert_int_equal(5070, u.port);
    assert_str(";transport=TLS;lr", u.params);
    assert_str("Subject=a&b=", u.headers);
    assert_true(sip_uri_param(&u, STR("Transport"), &value));
    assert_str("TLS", value);
    assert_true(sip_uri_param(&u, STR("lr"), &value));
    assert_int_equal(0, value.n);
    assert_false(sip_uri_param(&u, STR("l"), &value));
    assert_rc(RC_OK, sip_uri_parse(STR("tel:+1-201-555-0123;phone-context=x"), &u, NULL));
    assert_str("+1-201-555-0123", u.opaque);
    assert_rc(RC_OK, sip_uri_parse(STR("soap.beep://192.0.2.103:3002"), &u, NULL));
    assert_int_equal(SIP_SCHEME_OTHER, u.scheme);
    assert_rc(RC_OK, sip_uri_parse(STR("sip:**#1@h"), &u, NULL));
}

static void test_malformed(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "sip",
                                      "sip:",
                                      "sip:@h",
                                      "sip:a@",
                                      "sip:a b@h",
                                      "sip:h:",
                                      "sip:h:0",
                                      "sip:h:x",
                                      "sip:h;",
                                      "sip:h;;lr",
                                      "sip:h;a=",
                                      "sip:h?",
                                      "sip:h?a",
                                      "sip:h?=b",
                                      "sip:a%4@h",
                                      "sip:a%zz@h",
                                      "<sip:h>",
                                      " sip:h",
                                      "sip:h ",
                                      "sip:a@b@c",
                                      "sip:2001:db8::10",
                                      "sip:[::1",
                                      "tel:",
                                      "tel:abcxyz",
                                      "1sip:h",
                                      "x:",
                                      "x:a b",
                                      "sip:h;a=b c",
                                      "sip:a<b@h",
                                      "sip:h?a=<b>",
                                      "sip:a\r\n@h",
                                      "x:<",
                                      "sip:a:b:c@h"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct str in = kit_guard(str_from(bad[i]));
        struct sip_uri u;
        struct parse_at at;
        enum rc rc = sip_uri_parse(in, &u, &at);
        if (rc != RC_MALFORMED) fail_msg("%s: %s", bad[i], rc_name(rc));
        assert_true(at.offset <= in.n);
        kit_guard_free(in);
    }
}

/* The examples of RFC 3261, 19.1.4, and some of our own. */
static void test_equality(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool eq;
    } cases[] = {
        {"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true},
        {"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
        {"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5", true},
        {"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
         "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
        {"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
         "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
        {"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
        {"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
        {"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
        {"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
        {"sip:a@h;user=phone", "sip:a@h", false},
        {"sip:a@h;maddr=x", "sip:a@h", false},
        {"sip:a%40b@h", "sip:a%40b@h", true},
        {"sip:a%3bb@h", "sip:a;b@h", false},
        {"sips:a@h", "sip:a@h", false},
        {"sip:a@h", "sip:h", false},
        {"sip:a:p@h", "sip:a@h", false},
        {"sip:h;a=1;a=2", "sip:h;a=1;a=2", true},
        {"sip:h;a=1;a=2", "sip:h;a=2;a=1", false},
        {"sip:h?r=1&r=2", "sip:h?r=1&r=3", false},
        {"sip:h?r=1", "sip:h?r=1&r=1", false},
        {"tel:+1", "tel:+1", true},
        {"tel:+1", "tel:+2", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sip_uri a, b;
        assert_rc(RC_OK, sip_uri_parse(str_from(cases[i].a), &a, NULL));
        assert_rc(RC_OK, sip_uri_parse(str_from(cases[i].b), &b, NULL));
        if (sip_uri_eq(&a, &b) != cases[i].eq) fail_msg("%s %s", cases[i].a, cases[i].b);
        assert_int_equal(cases[i].eq, sip_uri_eq(&b, &a));
    }
}

static void test_parameters_are_bounded(void **state)
{
    (void)state;
    struct sip_uri u;
    struct buf b;
    buf_init(&b, 4096);
    buf_put_lit(&b, "sip:h");
    for (int i = 0; i < SIP_URI_PARAM_MAX; i++)
        buf_put_lit(&b, ";a");
    assert_rc(RC_OK, sip_uri_parse(buf_str(&b), &u, NULL));
    buf_put_lit(&b, ";a");
    assert_rc(RC_MALFORMED, sip_uri_parse(buf_str(&b), &u, NULL));
    buf_fini(&b);
}

static void test_aor_key(void **state)
{
    (void)state;
    static const struct {
        const char *in, *key; /* NULL: RC_INVALID */
    } cases[] = {{"sip:1010@10.10.10.1", "sip:1010@10.10.10.1"},
                 {"sips:Alice@Example.COM;x=y?a=b", "sip:Alice@example.com"},
                 {"sip:v%61lue%25%34%31@h", "sip:value%41@h"},
                 {"sip:a@[2001:DB8::1]:5070", "sip:a@[2001:db8:0:0:0:0:0:1]:5070"},
                 {"sip:a@010.1.1.1", "sip:a@10.1.1.1"},
                 {"sip:h.", "sip:h"},
                 {"tel:+1", NULL}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sip_uri u;
        struct arena a;
        struct str key;
        arena_init(&a, NULL, 0, 4096);
        assert_rc(RC_OK, sip_uri_parse(str_from(cases[i].in), &u, NULL));
        assert_rc(cases[i].key ? RC_OK : RC_INVALID, sip_uri_aor(&u, &a, &key));
        if (cases[i].key) assert_str(cases[i].key, key);
        arena_fini(&a);
    }
}

static void test_aor_equality(void **state)
{
    (void)state;
    struct sip_uri a, b;
    assert_rc(RC_OK, sip_uri_parse(STR("sips:a%3bb@Host;x=1"), &a, NULL));
    assert_rc(RC_OK, sip_uri_parse(STR("sip:a;b@host"), &b, NULL));
    assert_true(sip_uri_aor_eq(&a, &b));
    assert_rc(RC_OK, sip_uri_parse(STR("sip:A;b@host"), &b, NULL));
    assert_false(sip_uri_aor_eq(&a, &b));
}

static void test_user_is_escaped(void **state)
{
    (void)state;
    char text[64];
    struct buf b;
    buf_init_fixed(&b, text, sizeof(text));
    sip_uri_print_user(&b, str_of("a@b:\0 %<\"z", 10));
    assert_str("a%40b%3A%00%20%25%3C%22z", buf_str(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),           cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_equality),        cmocka_unit_test(test_aor_key),
        cmocka_unit_test(test_aor_equality),    cmocka_unit_test(test_parameters_are_bounded),
        cmocka_unit_test(test_user_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
