#include "kit/kit.h"

#include "sip/auth.h"
#include "sip/date.h"
#include "sip/mask.h"
#include "sip/multipart.h"
#include "sip/nameaddr.h"
#include "sip/number.h"
#include "sip/print.h"
#include "sip/values.h"
#include "sip/via.h"
#include "sip/warning.h"

static void test_split(void **state)
{
    (void)state;
    static const struct {
        const char *in, *joined; /* values joined by '|'; "!" where it fails */
    } cases[] = {{"a", "a"},
                 {"a,b", "a|b"},
                 {" a , b ", "a|b"},
                 {"<sip:a,b>,c", "<sip:a,b>|c"},
                 {"\"x,\\\"y\" <a>,b", "\"x,\\\"y\" <a>|b"},
                 {"a,,b", "a|!"},
                 {"a,", "a|!"},
                 {",a", "!"},
                 {"\"open", "!"},
                 {"<open", "!"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char joined[128] = "";
        struct str in = kit_guard(str_from(cases[i].in)), rest = in, value;
        enum rc rc;
        while ((rc = sip_value_split(&rest, &value)) == RC_OK) {
            if (joined[0]) strcat(joined, "|");
            strncat(joined, value.p, value.n);
        }
        if (rc == RC_MALFORMED) strcat(joined, joined[0] ? "|!" : "!");
        assert_string_equal(cases[i].joined, joined);
        kit_guard_free(in);
    }
}

static void test_values_go_over_several_fields(void **state)
{
    (void)state;
    static struct sip_message m;
    assert_rc(RC_OK,
              sip_message_parse(STR("OPTIONS sip:a SIP/2.0\r\nRequire: a,b\r\nTo: x\r\nRequire:\r\n"
                                    "Require: c\r\n\r\n"),
                                SIP_DATAGRAM, &m, NULL));
    const char *const expected[] = {"a", "b", "c"};
    struct sip_values v;
    struct str value;
    sip_values_init(&v, &m, SIP_HEADER_REQUIRE);
    for (int i = 0; i < 3; i++) {
        assert_rc(RC_OK, sip_values_next(&v, &value));
        assert_str(expected[i], value);
    }
    assert_rc(RC_NOT_FOUND, sip_values_next(&v, &value));
    assert_true(sip_values_has(&m, SIP_HEADER_REQUIRE, STR("C")));
    assert_false(sip_values_has(&m, SIP_HEADER_REQUIRE, STR("d")));
    assert_false(sip_values_has(&m, SIP_HEADER_SUPPORTED, STR("a")));
}

static void test_params(void **state)
{
    (void)state;
    struct str params = STR(" ; tag = 1 ;lr;x=\"a;\\\"b\"\r\n ;+sip.instance=\"<urn:u>\"");
    struct sip_param p;
    assert_rc(RC_OK, sip_params_check(params, NULL));
    assert_str("1", sip_param_value(params, STR("TAG")));
    assert_true(sip_param_find(params, STR("lr"), &p));
    assert_false(p.has_value);
    assert_true(sip_param_find(params, STR("x"), &p));
    assert_true(p.is_quoted);
    assert_str("a;\\\"b", p.value);
    assert_str("<urn:u>", sip_param_value(params, STR("+sip.instance")));
    assert_false(sip_param_find(params, STR("nope"), &p));
    static const char *const bad[] = {";", ";;a", ";a=", ";a=\"x", "a", ";a b", ";a=b c", ";=b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_rc(RC_MALFORMED, sip_params_check(str_from(bad[i]), NULL));
}

static void test_rewriting(void **state)
{
    (void)state;
    struct arena a;
    struct str out;
    char block[512];
    arena_init(&a, block, sizeof(block), 0);
    assert_rc(RC_OK, sip_unescape(STR("a\\\"b\\\\"), &a, &out));
    assert_str("a\"b\\", out);
    assert_rc(RC_MALFORMED, sip_unescape(STR("a\\"), &a, &out));
    assert_rc(RC_OK, sip_unfold(STR("a \r\n\t b\r\n c"), &a, &out));
    assert_str("a b c", out);
    assert_rc(RC_OK, sip_percent_decode(STR("v%61lue%25%34%31"), &a, &out));
    assert_str("value%41", out);
    assert_rc(RC_MALFORMED, sip_percent_decode(STR("%4"), &a, &out));
    assert_rc(RC_MALFORMED, sip_percent_decode(STR("%zz"), &a, &out));
    assert_true(sip_is_token(STR("a-b.c!%*_+`'~")));
    assert_false(sip_is_token(STR("a b")));
    assert_false(sip_is_token(STR("")));
    arena_fini(&a);
}

/* A slice of nothing, as a missing header field gives it, is malformed and nothing worse. */
static void test_no_text_at_all(void **state)
{
    (void)state;
    const struct str none = {NULL, 0};
    struct sip_nameaddr nameaddr;
    struct sip_via via;
    struct sip_auth auth;
    struct sip_cseq cseq;
    struct sip_warning warning;
    struct sip_content_type type;
    struct sip_host host;
    struct sip_message m;
    struct sip_multipart parts;
    struct buf out;
    uint32_t seconds;
    int64_t unix_s;
    assert_rc(RC_MALFORMED, sip_message_parse(none, SIP_DATAGRAM, &m, NULL));
    assert_rc(RC_MALFORMED, sip_nameaddr_parse(none, &nameaddr, NULL));
    assert_rc(RC_MALFORMED, sip_via_parse(none, &via, NULL));
    assert_rc(RC_MALFORMED, sip_auth_parse(none, &auth, NULL));
    assert_rc(RC_OK, sip_auth_parse(STR("Bearer"), &auth, NULL));
    assert_rc(RC_MALFORMED, sip_auth_bearer(&auth, &auth.token68));
    assert_rc(RC_MALFORMED, sip_cseq_parse(none, &cseq));
    assert_rc(RC_MALFORMED, sip_warning_parse(none, &warning));
    assert_rc(RC_MALFORMED, sip_content_type_parse(none, &type));
    assert_rc(RC_MALFORMED, sip_multipart_begin(&parts, STR("multipart/x;boundary=b"), none));
    assert_rc(RC_MALFORMED, sip_host_parse(none, &host));
    assert_rc(RC_MALFORMED, sip_seconds_parse(none, &seconds));
    assert_rc(RC_MALFORMED, sip_date_parse(none, &unix_s));
    assert_false(sip_is_token(none));
    buf_init(&out, 64);
    sip_mask_print(&out, none);
    sip_print_unfolded(&out, none);
    assert_int_equal(0, out.n);
    buf_fini(&out);
}

static void rewrite_all(void *ctx)
{
    (void)ctx;
    struct arena a;
    struct str out;
    arena_init(&a, NULL, 0, 4096);
    enum rc rc = sip_unescape(STR("a\\b"), &a, &out);
    if (rc == RC_OK) rc = sip_unfold(STR("a\r\n b"), &a, &out);
    if (rc == RC_OK) rc = sip_percent_decode(STR("%41"), &a, &out);
    assert_true(rc == RC_OK || rc == RC_NOMEM);
    arena_fini(&a);
}

static void test_rewriting_without_memory(void **state)
{
    (void)state;
    kit_each_alloc_fails(rewrite_all, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),     cmocka_unit_test(test_values_go_over_several_fields),
        cmocka_unit_test(test_params),    cmocka_unit_test(test_no_text_at_all),
        cmocka_unit_test(test_rewriting), cmocka_unit_test(test_rewriting_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
