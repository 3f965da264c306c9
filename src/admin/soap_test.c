#include "kit/kit.h"

#include "admin/soap.h"

#include <stdio.h>

#define OPEN "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>"
#define SHUT "</s:Body></s:Envelope>"
#define NS   "xmlns:a=\"http://www.cisco.com/AXL/API/14.0\""

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, NULL, 0, 4 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static void test_an_operation_is_read(void **state)
{
    (void)state;
    struct soap_call c;
    const char *why;
    assert_rc(RC_OK, soap_read(STR("<?xml version=\"1.0\"?>" OPEN "<a:getCallManager " NS
                                   " sequence=\"42\"><name>ucm1</name></a:getCallManager>" SHUT),
                               &arena, &c, &why));
    assert_str("getCallManager", c.operation);
    assert_string_equal("14.0", c.version);
    assert_str("42", c.sequence);
    assert_str("ucm1", xml_text(c.args, "name"));
}

static void test_what_is_no_request_is_refused_with_the_reason(void **state)
{
    static const struct {
        const char *body, *why;
        enum rc rc;
    } bad[] = {
        {"", "well-formed", RC_MALFORMED},
        {"<!DOCTYPE x [<!ENTITY a \"b\">]>" OPEN "<a:x " NS "/>" SHUT, "DOCTYPE", RC_MALFORMED},
        {"<Envelope><Body><x/></Body></Envelope>", "envelope", RC_MALFORMED},
        {OPEN SHUT, "one operation", RC_MALFORMED},
        {OPEN "<a:x " NS "/><a:y " NS "/>" SHUT, "one operation", RC_MALFORMED},
        {OPEN "<x xmlns=\"http://www.cisco.com/AXL/API/8.5\"/>" SHUT, "12.5, 14.0 or 15.0",
         RC_UNSUPPORTED},
        {OPEN "<x xmlns=\"urn:other\"/>" SHUT, "12.5, 14.0 or 15.0", RC_UNSUPPORTED},
        {OPEN "<a:x " NS " sequence=\"1 2\"/>" SHUT, "sequence", RC_MALFORMED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct soap_call c;
        const char *why;
        assert_rc(bad[i].rc, soap_read(str_from(bad[i].body), &arena, &c, &why));
        if (!strstr(why, bad[i].why)) fail_msg("%s: %s", bad[i].body, why);
    }
}

static void test_an_answer_stands_in_the_askers_version(void **state)
{
    (void)state;
    char text[600];
    struct soap_call c = {
        .operation = STR("getCCMVersion"), .version = "15.0", .sequence = STR("7")};
    struct soap_answer a;
    struct buf out;
    buf_init_fixed(&out, text, sizeof text - 1);
    soap_answer_begin(&a, &out, &c);
    xml_leaf(&a.xml, "version", STR("<1&2>"));
    assert_rc(RC_OK, soap_answer_end(&a));
    text[out.n] = '\0';
    assert_non_null(
        strstr(text, "<ns:getCCMVersionResponse xmlns:ns=\"http://www.cisco.com/AXL/API/15.0\" "
                     "sequence=\"7\"><return><version>&lt;1&amp;2&gt;</version></return>"));
}

static void test_a_fault_names_code_sentence_and_operation(void **state)
{
    (void)state;
    char text[800];
    struct buf out;
    buf_init_fixed(&out, text, sizeof text - 1);
    soap_fault(&out, true, 5007, STR("Item not valid"), STR("getCallManager"));
    text[out.n] = '\0';
    assert_non_null(strstr(text,
                           "<detail><axlError><axlcode>5007</axlcode><axlmessage>Item not valid"
                           "</axlmessage><request>getCallManager</request></axlError>"));
    assert_non_null(strstr(text, "<faultcode>soapenv:Client</faultcode>"));
}

static void test_uuids_are_read_as_they_are_written(void **state)
{
    (void)state;
    char uuid[SOAP_UUID_LEN + 1];
    struct str pkid;
    soap_print_uuid(STR("6154365f-920b-dc71-b6ff-d23f602e94fb"), uuid);
    assert_string_equal("{6154365F-920B-DC71-B6FF-D23F602E94FB}", uuid);
    assert_rc(RC_OK, soap_read_uuid(str_from(uuid), &arena, &pkid));
    assert_str("6154365f-920b-dc71-b6ff-d23f602e94fb", pkid);
    assert_rc(RC_OK, soap_read_uuid(STR("6154365f-920b-dc71-b6ff-d23f602e94fb"), &arena, &pkid));
    assert_rc(RC_MALFORMED,
              soap_read_uuid(STR("{6154365f-920b-dc71-b6ff-d23f602e94f}"), &arena, &pkid));
    assert_rc(RC_MALFORMED,
              soap_read_uuid(STR("6154365f0920b-dc71-b6ff-d23f602e94fb"), &arena, &pkid));
    assert_rc(RC_MALFORMED,
              soap_read_uuid(STR("6154365g-920b-dc71-b6ff-d23f602e94fb"), &arena, &pkid));
}

static void test_percent_stands_for_any_run(void **state)
{
    static const struct {
        const char *value, *pattern;
        bool fits;
    } rows[] = {
        {"ucm1", "%", true},    {"", "%", true},          {"", "", true},
        {"ucm1", "UCM1", true}, {"ucm1", "ucm", false},   {"ucm1", "u%1", true},
        {"ucm1", "u%2", false}, {"aXbXc", "a%x%c", true}, {"aaab", "%ab", true},
        {"aaa", "%ab", false},  {"ucm1", "", false},      {"exp-c.example.com", "exp%.com", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (soap_like(str_from(rows[i].value), str_from(rows[i].pattern)) != rows[i].fits)
            fail_msg("%s like %s", rows[i].value, rows[i].pattern);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_an_operation_is_read),
        T(test_what_is_no_request_is_refused_with_the_reason),
        T(test_an_answer_stands_in_the_askers_version),
        T(test_a_fault_names_code_sentence_and_operation),
        T(test_uuids_are_read_as_they_are_written),
        T(test_percent_stands_for_any_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
