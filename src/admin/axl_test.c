/* AXL over HTTP: who may, every operation, and what is refused how. */
#include "admin/bed.h"

#include <stdio.h>

#define AXL_USER "edge:edge secret 1"

static int ask(struct bed *b, const char *version, const char *operation, const char *args,
               struct str *answer)
{
    char text[2048];
    snprintf(text, sizeof text,
             "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>"
             "<a:%s xmlns:a=\"http://www.cisco.com/AXL/API/%s\">%s</a:%s></s:Body></s:Envelope>",
             operation, version, args, operation);
    return bed_ask_axl(b, AXL_USER, text, answer);
}

static void has(struct str answer, const char *part)
{
    if (str_find(answer, str_from(part)) == STR_NPOS) fail_msg("%.*s", STR_ARG(answer));
}

static void good(struct bed *b, const char *operation, const char *args, const char *part)
{
    struct str answer;
    if (ask(b, "14.0", operation, args, &answer) != 200) fail_msg("%.*s", STR_ARG(answer));
    has(answer, part);
}

static void bad(struct bed *b, const char *operation, const char *args, const char *part)
{
    struct str answer;
    assert_int_equal(500, ask(b, "14.0", operation, args, &answer));
    has(answer, "<axlError>");
    has(answer, part);
}

static int setup(void **state)
{
    struct str answer;
    if (bed_setup(state) != 0) return -1;
    struct bed *b = *state;
    assert_int_equal(201,
                     bed_ask(b, "POST", "users",
                             "{\"id\":\"edge\",\"roles\":[\"axl\"],\"password\":\"edge secret 1\"}",
                             &answer));
    assert_int_equal(
        201,
        bed_ask(b, "POST", "users",
                "{\"id\":\"rado\",\"roles\":[\"user\"],\"password\":\"rado secret 1\"}", &answer));
    return 0;
}

static void test_only_who_has_the_role_may(void **state)
{
    struct bed *b = *state;
    struct str answer;
    assert_int_equal(401, bed_ask_axl(b, NULL, "<x/>", &answer));
    assert_int_equal(401, bed_ask_axl(b, "edge:wrong", "<x/>", &answer));
    assert_int_equal(401, bed_ask_axl(b, "nobody:wrong", "<x/>", &answer));
    assert_int_equal(403, bed_ask_axl(b, "rado:rado secret 1", "<x/>", &answer));
    has(answer, "user update NAME --role axl");
    assert_int_equal(500, bed_ask_axl(b, AXL_USER, "<x/>", &answer));
    has(answer, "SOAP 1.1 envelope");
    /* That role opens nothing of the operator API. */
    assert_int_equal(401, bed_ask_basic(b, "users", AXL_USER, &answer));
}

static void test_the_version_of_the_question_is_that_of_the_answer(void **state)
{
    static const char *const versions[] = {"12.5", "14.0", "15.0"};
    struct bed *b = *state;
    struct str answer;
    char ns[80];
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(200, ask(b, versions[i], "getCCMVersion", "", &answer));
        snprintf(ns, sizeof ns, "xmlns:ns=\"http://www.cisco.com/AXL/API/%s\"", versions[i]);
        has(answer, ns);
        snprintf(ns, sizeof ns, "<version>%s.1.10000(1)</version>", versions[i]);
        has(answer, ns);
    }
    assert_int_equal(500, ask(b, "8.5", "getCCMVersion", "", &answer));
    has(answer, "use 12.5, 14.0 or 15.0");
    bad(b, "addPhone", "", "There is no operation addPhone here");
}

static void test_nodes_and_their_ports(void **state)
{
    struct bed *b = *state;
    struct str answer;
    good(
        b, "listProcessNode", "<searchCriteria><name>%</name></searchCriteria><returnedTags/>",
        "<name>ucm1.example.com</name><description></description><nodeUsage>Publisher</nodeUsage>");
    good(b, "listProcessNode",
         "<searchCriteria><name>other%</name></searchCriteria><returnedTags/>",
         "<return></return>");
    good(b, "listCallManager",
         "<searchCriteria><name>UCM%</name></searchCriteria><returnedTags><name/></returnedTags>",
         "<name>ucm1</name></callManager>");
    good(b, "getCallManager", "<name>ucm1</name>",
         "<sipPhonePort>5060</sipPhonePort><sipPhoneSecurePort>5061</sipPhoneSecurePort>"
         "<sipOAuthPort>5090</sipOAuthPort><sipOAuthMRAPort>5091</sipOAuthMRAPort>");
    assert_int_equal(200,
                     bed_ask(b, "PATCH", "nodes/ucm1", "{\"sip_mra_oauth_port\":5191}", &answer));
    good(b, "getCallManager", "<name>ucm1</name>", "<sipOAuthMRAPort>5191</sipOAuthMRAPort>");
    bad(b, "getCallManager", "<name>ucm9</name>", "<axlcode>5007</axlcode>");
    bad(b, "getCallManager", "<uuid>x</uuid>", "{8-4-4-4-12}");
    bad(b, "listCallManager", "<searchCriteria/><returnedTags/><first>x</first>",
        "first is a number");
}

#define GIVEN                                                                                      \
    "<expresswayCConfiguration><HostNameOrIP>exp-c</HostNameOrIP>"                                 \
    "<description>this is added through axl</description>"                                         \
    "<X509SubjectNameorSubjectAlternateName>exp-c.example.com,exp-c</"                             \
    "X509SubjectNameorSubjectAlternateName>"                                                       \
    "</expresswayCConfiguration>"

static void test_an_edge_makes_itself_known_and_changes_its_names(void **state)
{
    struct bed *b = *state;
    struct str answer;
    assert_int_equal(200, ask(b, "12.5", "addExpresswayCConfiguration", GIVEN, &answer));
    ptrdiff_t at = str_find(answer, STR("<return>{"));
    assert_true(at >= 0);
    char uuid[64], args[256];
    snprintf(uuid, sizeof uuid, "%.*s", 38, answer.p + at + 8);
    /* The source's own question. */
    assert_int_equal(ADMIN_EXIT_OK,
                     bed_cli(b, "run sql select hostnameorip,description,x509subjectnameoraltname "
                                "from expresswaycconfiguration"));
    assert_string_equal("hostnameorip description               x509subjectnameoraltname\n=====\n"
                        "exp-c        this is added through axl exp-c.example.com,exp-c\n",
                        b->out);
    bad(b, "addExpresswayCConfiguration", GIVEN, "<axlcode>-239</axlcode>");
    bad(b, "addExpresswayCConfiguration", "", "HostNameOrIP is missing");
    snprintf(args, sizeof args, "<uuid>%s</uuid><newHostNameOrIP>exp-d</newHostNameOrIP>", uuid);
    good(b, "updateExpresswayCConfiguration", args, uuid);
    good(b, "getExpresswayCConfiguration", "<HostNameOrIP>EXP-D</HostNameOrIP>",
         "<X509SubjectNameorSubjectAlternateName>exp-c.example.com,exp-c<");
    good(b, "updateExpresswayCConfiguration",
         "<HostNameOrIP>exp-d</HostNameOrIP><X509SubjectNameorSubjectAlternateName>exp-d</"
         "X509SubjectNameorSubjectAlternateName><description/>",
         uuid);
    good(b, "listExpresswayCConfiguration",
         "<searchCriteria><HostNameOrIP>exp%</HostNameOrIP></searchCriteria><returnedTags/>",
         "<HostNameOrIP>exp-d</HostNameOrIP><description></description>"
         "<X509SubjectNameorSubjectAlternateName>exp-d<");
    good(b, "listExpresswayCConfiguration",
         "<searchCriteria><HostNameOrIP>%</HostNameOrIP></searchCriteria><returnedTags/><skip>1</"
         "skip>",
         "<return></return>");
    bed_cli(b, "show audit --limit 1");
    assert_non_null(strstr(b->out, "axl 127.0.0.1"));
    good(b, "removeExpresswayCConfiguration", "<HostNameOrIP>exp-d</HostNameOrIP>", uuid);
    bad(b, "removeExpresswayCConfiguration", "<HostNameOrIP>exp-d</HostNameOrIP>",
        "Item not valid: The specified ExpresswayCConfiguration was not found: exp-d");
}

static void test_sql_answers_row_by_row_and_changes_nothing(void **state)
{
    struct bed *b = *state;
    good(b, "executeSQLQuery",
         "<sql>select paramname, paramvalue from processconfig where paramname = "
         "'ClusterSIPOAuthMode'</sql>",
         "<row><paramname>ClusterSIPOAuthMode</paramname><paramvalue>0</paramvalue></row>");
    good(b, "executeSQLQuery", "<sql>select count(*) from enduser</sql>",
         "<row><column>2</column></row>");
    bad(b, "executeSQLQuery", "<sql>delete from enduser</sql>", "<axlcode>5003</axlcode>");
    bad(b, "executeSQLQuery", "<sql>select password from cfg_user</sql>",
        "<axlcode>5003</axlcode>");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_only_who_has_the_role_may),
        T(test_the_version_of_the_question_is_that_of_the_answer),
        T(test_nodes_and_their_ports),
        T(test_an_edge_makes_itself_known_and_changes_its_names),
        T(test_sql_answers_row_by_row_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
