#include "kit/kit.h"

#include "call/fixture.h"
#include "call/privacy.h"

#include <stdio.h>

static struct fixture *x;
static struct phone *a, *b;

static int setup(void **state)
{
    (void)state;
    x = fixture_new();
    a = fixture_phone(x, "PHA", "eve", "1020", 0);
    b = fixture_phone(x, "PHB", "ann", "1030", 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free(x);
    return 0;
}

static const char *send_message(const char *from, const char *more)
{
    static char text[FIXTURE_TEXT];
    x->branch++;
    snprintf(text, sizeof text,
             "MESSAGE sip:1030@10.10.10.1 SIP/2.0\r\n"
             "Via: SIP/2.0/TLS 10.10.10.10:%u;branch=z9hG4bKv%u\r\n"
             "From: %s;tag=f\r\nTo: <sip:1030@10.10.10.1>\r\nCall-ID: v%u\r\nCSeq: 1 MESSAGE\r\n"
             "Max-Forwards: 70\r\n%sUser-Agent: mine\r\nSubject: secret\r\nOrganization: mine\r\n"
             "Remote-Party-ID: <sip:1020@10.10.10.1>\r\nContent-Length: 0\r\n\r\n",
             a->port, x->branch, from, x->branch, more);
    fixture_send(a, text);
    return text;
}

/* What b receives of a MESSAGE. */
static const char *received(const char *from, const char *more)
{
    send_message(from, more);
    if (b->count == 0) fixture_quiet(a);
    const char *got = fixture_expect(b, "MESSAGE ");
    fixture_answer(b, got, 200, "b", NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
    return got;
}

#define OWN     "<sip:1020@10.10.10.1>"
#define NOBODY  "\"Anonymous\" <sip:anonymous@anonymous.invalid>"
#define TOLD    "<sip:1020@10.10.10.1>"
#define NOTHING ""

static void test_what_is_kept_back(void **state)
{
    (void)state;
    static const struct {
        const char *from, *more, *identity, *subject, *remote;
    } rows[] = {
        {OWN, "", TOLD, "secret", OWN},
        {OWN, "Privacy: none\r\n", TOLD, "secret", OWN},
        {OWN, "Privacy: id\r\n", NOTHING, "secret", ""},
        {OWN, "Privacy: header; ID\r\n", NOTHING, "secret", ""},
        {OWN, "Privacy: user\r\n", NOTHING, "", ""},
        {OWN, "Privacy: header\r\n", TOLD, "secret", OWN},
        {OWN, "Privacy: id;critical\r\nProxy-Require: privacy\r\n", NOTHING, "secret", ""},
        {OWN, "Privacy: none;critical;id\r\n", NOTHING, "secret", ""},
        {NOBODY, "", NOTHING, "secret", OWN},
        {NOBODY, "Privacy: user;critical\r\n", NOTHING, "", ""},
        {NOBODY, "Privacy: none\r\n", TOLD, "secret", OWN},
        {"<sip:anonymous@10.10.10.1>", "", NOTHING, "secret", OWN},
        {OWN, "P-Asserted-Identity: <sip:1@evil>\r\n", TOLD, "secret", OWN},
        {NOBODY, "P-Asserted-Identity: <sip:1@evil>\r\n", NOTHING, "secret", OWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = received(rows[i].from, rows[i].more);
        assert_string_equal(rows[i].identity, fixture_header(got, "P-Asserted-Identity", 0));
        assert_string_equal("", fixture_header(got, "P-Asserted-Identity", 1));
        assert_string_equal(rows[i].subject, fixture_header(got, "Subject", 0));
        assert_string_equal(rows[i].remote, fixture_header(got, "Remote-Party-ID", 0));
        assert_int_equal(rows[i].subject[0] != '\0',
                         fixture_header(got, "User-Agent", 0)[0] != '\0');
        assert_string_equal("", fixture_header(got, "P-Preferred-Identity", 0));
    }
}

static void test_critical_privacy_that_cannot_be_had(void **state)
{
    (void)state;
    static const struct {
        const char *more, *answer;
    } rows[] = {
        {"Privacy: header;session;critical\r\n",
         "SIP/2.0 500 Privacy Not Possible: header session"},
        {"Privacy: user\r\nPrivacy: critical\r\n", "SIP/2.0 500 Privacy Not Possible: user"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        send_message(OWN, rows[i].more);
        fixture_expect(a, rows[i].answer);
    }
    fixture_quiet(b);
}

/* A device with two lines says by which it wants to be known; another's number is no answer. */
static void test_a_preferred_number_of_its_own(void **state)
{
    (void)state;
    struct phone *r = fixture_stranger(x, 0, CALL_OAUTH, SIPTX_TLS);
    r->device = "CSFrado";
    r->owner = "rado";
    r->line = "1010";
    r->params = ";+u.sip!devicename.ccm.cisco.com=\"CSFrado\"";
    assert_int_equal(200, fixture_register(r));
    struct phone *was = a;
    a = r;
    static const struct {
        const char *from, *more, *identity;
    } rows[] = {
        {"<sip:1010@10.10.10.1>", "", "sip:1010@"},
        {"<sip:1010@10.10.10.1>", "P-Preferred-Identity: <sip:1011@10.10.10.1>\r\n", "sip:1011@"},
        {NOBODY, "Privacy: none\r\nP-Preferred-Identity: <tel:10-11>\r\n", "sip:1011@"},
        {NOBODY, "Privacy: none\r\n", "sip:1010@"},
        {NOBODY, "Privacy: none\r\nP-Preferred-Identity: <sip:1020@10.10.10.1>\r\n", "sip:1010@"},
        {NOBODY, "Privacy: none\r\nP-Preferred-Identity: <sip:1011@evil.example.com>\r\n",
         "sip:1010@"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(fixture_has(
            fixture_header(received(rows[i].from, rows[i].more), "P-Asserted-Identity", 0),
            rows[i].identity));
    a = was;
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_what_is_kept_back),
        T(test_critical_privacy_that_cannot_be_had),
        T(test_a_preferred_number_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
