#include "kit/kit.h"

#include "sip/multipart.h"

#define TYPE STR("multipart/mixed; boundary=b1")

static void test_built_parts_split_again(void **state)
{
    (void)state;
    static const char binary[] = "\0\r\n--b\r\n--b12\r\n";
    struct buf b;
    struct sip_multipart m;
    struct sip_part part;
    buf_init(&b, 4096);
    sip_multipart_print_part(&b, STR("b1"), STR("text/x"), STR("session;handling=optional"),
                             str_of(binary, sizeof(binary) - 1));
    sip_multipart_print_part(&b, STR("b1"), STR(""), STR(""), STR(""));
    sip_multipart_print_end(&b, STR("b1"));
    struct str body = kit_guard(buf_str(&b));
    assert_rc(RC_OK, sip_multipart_begin(&m, TYPE, body));
    assert_rc(RC_OK, sip_multipart_next(&m, &part));
    assert_str("text/x", part.content_type);
    assert_str("session;handling=optional", part.content_disposition);
    assert_true(str_eq(part.body, str_of(binary, sizeof(binary) - 1)));
    assert_rc(RC_OK, sip_multipart_next(&m, &part));
    assert_int_equal(0, part.content_type.n);
    assert_int_equal(0, part.body.n);
    assert_rc(RC_NOT_FOUND, sip_multipart_next(&m, &part));
    kit_guard_free(body);
    buf_fini(&b);
}

static void test_preamble_epilogue_and_headerless_parts(void **state)
{
    (void)state;
    struct sip_multipart m;
    struct sip_part part;
    struct str body = STR(
        "pre\r\n--b1 \t\r\n\r\nplain\r\n--b1\r\nContent-ID:\r\n <x>\r\n--b1--\r\nafter");
    assert_rc(RC_OK, sip_multipart_begin(&m, STR("MULTIPART/x;Boundary=\"b1\""), body));
    assert_rc(RC_OK, sip_multipart_next(&m, &part));
    assert_str("plain", part.body);
    assert_rc(RC_OK, sip_multipart_next(&m, &part));
    assert_str("<x>", part.content_id);
    assert_int_equal(0, part.body.n);
    assert_rc(RC_NOT_FOUND, sip_multipart_next(&m, &part));
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body;
        enum rc begin, next;
    } cases[] = {
        {"text/plain", "--b1--", RC_UNSUPPORTED, RC_OK},
        {"multipart/mixed", "--b1--", RC_MALFORMED, RC_OK},
        {"multipart/mixed;boundary=b1", "", RC_MALFORMED, RC_OK},
        {"multipart/mixed;boundary=b1", "--b2--", RC_MALFORMED, RC_OK},
        {"multipart/mixed;boundary=b1", "--b1", RC_MALFORMED, RC_OK},
        {"multipart", "--b1--", RC_MALFORMED, RC_OK},
        {"multipart/mixed;boundary=b1", "--b1--", RC_OK, RC_NOT_FOUND},
        {"multipart/mixed;boundary=b1", "--b1\r\n\r\nnever closed", RC_OK, RC_MALFORMED},
        {"multipart/mixed;boundary=b1", "--b1\r\nno header\r\n\r\nx\r\n--b1--", RC_OK,
         RC_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sip_multipart m;
        struct sip_part part;
        struct str body = kit_guard(str_from(cases[i].body));
        enum rc rc = sip_multipart_begin(&m, str_from(cases[i].type), body);
        if (rc != cases[i].begin) fail_msg("row %zu: %s", i, rc_name(rc));
        if (rc == RC_OK) assert_rc(cases[i].next, sip_multipart_next(&m, &part));
        kit_guard_free(body);
    }
}

static void test_parts_are_bounded(void **state)
{
    (void)state;
    struct buf b;
    struct sip_multipart m;
    struct sip_part part;
    buf_init(&b, 65536);
    for (int i = 0; i < SIP_MULTIPART_PART_MAX + 1; i++)
        sip_multipart_print_part(&b, STR("b1"), STR(""), STR(""), STR("x"));
    sip_multipart_print_end(&b, STR("b1"));
    assert_rc(RC_OK, sip_multipart_begin(&m, TYPE, buf_str(&b)));
    for (int i = 0; i < SIP_MULTIPART_PART_MAX; i++)
        assert_rc(RC_OK, sip_multipart_next(&m, &part));
    assert_rc(RC_TOO_BIG, sip_multipart_next(&m, &part));
    buf_fini(&b);
}

static void test_content_type(void **state)
{
    (void)state;
    struct sip_content_type ct;
    assert_rc(RC_OK, sip_content_type_parse(STR("Application / SDP ;x=\"y\""), &ct));
    assert_true(sip_content_type_is(&ct, STR("application"), STR("sdp")));
    assert_false(sip_content_type_is(&ct, STR("application"), STR("xml")));
    assert_str(";x=\"y\"", ct.params);
    assert_rc(RC_MALFORMED, sip_content_type_parse(STR("application/sdp x"), &ct));
    assert_rc(RC_MALFORMED, sip_content_type_parse(STR("application/"), &ct));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_built_parts_split_again),
        cmocka_unit_test(test_preamble_epilogue_and_headerless_parts),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_parts_are_bounded),
        cmocka_unit_test(test_content_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
