#include "kit/kit.h"

#include "sip/header.h"
#include "sip/method.h"
#include "sip/status.h"
#include <ctype.h>

static void test_every_name_finds_itself_in_any_case(void **state)
{
    (void)state;
    for (int id = SIP_HEADER_OTHER + 1; id < SIP_HEADER_ID_COUNT; id++) {
        struct str name = sip_header_name((enum sip_header_id)id);
        char upper[64], lower[64];
        assert_true(name.n > 0 && name.n < 32);
        for (size_t i = 0; i < name.n; i++) {
            upper[i] = (char)toupper((unsigned char)name.p[i]);
            lower[i] = (char)tolower((unsigned char)name.p[i]);
        }
        assert_int_equal(id, sip_header_from_name(name));
        assert_int_equal(id, sip_header_from_name(str_of(upper, name.n)));
        struct str guarded = kit_guard(str_of(lower, name.n));
        assert_int_equal(id, sip_header_from_name(guarded));
        kit_guard_free(guarded);
    }
}

static void test_compact_forms(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum sip_header_id id;
    } cases[] = {{"v", SIP_HEADER_VIA},
                 {"F", SIP_HEADER_FROM},
                 {"t", SIP_HEADER_TO},
                 {"i", SIP_HEADER_CALL_ID},
                 {"M", SIP_HEADER_CONTACT},
                 {"l", SIP_HEADER_CONTENT_LENGTH},
                 {"c", SIP_HEADER_CONTENT_TYPE},
                 {"e", SIP_HEADER_CONTENT_ENCODING},
                 {"s", SIP_HEADER_SUBJECT},
                 {"k", SIP_HEADER_SUPPORTED},
                 {"o", SIP_HEADER_EVENT},
                 {"u", SIP_HEADER_ALLOW_EVENTS},
                 {"r", SIP_HEADER_REFER_TO},
                 {"b", SIP_HEADER_REFERRED_BY},
                 {"x", SIP_HEADER_SESSION_EXPIRES}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(cases[i].id, sip_header_from_name(str_from(cases[i].name)));
}

static void test_near_misses_are_unknown(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",  "Vi", "Viaa",  "C%6Fntact", "Contacu", "Call_ID",  "Call-IDs", "z",
        "1", "-",  "Frome", "CSeQq",     "X-Call",  "Expires2", "Roote",    "Record-Rout3"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(SIP_HEADER_OTHER, sip_header_from_name(str_from(names[i])));
}

static void test_single_ones(void **state)
{
    (void)state;
    assert_true(sip_header_is_single(SIP_HEADER_FROM));
    assert_true(sip_header_is_single(SIP_HEADER_CSEQ));
    assert_false(sip_header_is_single(SIP_HEADER_VIA));
    assert_false(sip_header_is_single(SIP_HEADER_SUBJECT));
    assert_false(sip_header_is_single(SIP_HEADER_OTHER));
}

static void test_methods_match_their_case_only(void **state)
{
    (void)state;
    for (int m = SIP_METHOD_OTHER + 1; m < SIP_METHOD_COUNT; m++)
        assert_int_equal(m, sip_method_from_text(sip_method_text((enum sip_method)m)));
    assert_int_equal(SIP_METHOD_OTHER, sip_method_from_text(STR("invite")));
    assert_int_equal(SIP_METHOD_OTHER, sip_method_from_text(STR("RE%47IST%45R")));
    assert_int_equal(SIP_METHOD_OTHER, sip_method_from_text(STR("")));
}

static void test_reasons(void **state)
{
    (void)state;
    assert_str("Proxy Authentication Required", sip_status_reason(407));
    assert_str("Request Error", sip_status_reason(499));
    assert_str("Unknown", sip_status_reason(5));
    assert_str("Unknown", sip_status_reason(700));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_name_finds_itself_in_any_case),
        cmocka_unit_test(test_compact_forms),
        cmocka_unit_test(test_near_misses_are_unknown),
        cmocka_unit_test(test_single_ones),
        cmocka_unit_test(test_methods_match_their_case_only),
        cmocka_unit_test(test_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
