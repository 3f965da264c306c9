#include "kit/kit.h"

#include "phone/config.h"
#include <stdio.h>

static struct arena arena;

static enum rc parse(const char *doc, struct phone_config *c, const char **why)
{
    struct str guarded = kit_guard(str_from(doc));
    enum rc rc = phone_config_parse(guarded, &arena, c, why);
    kit_guard_free(guarded);
    return rc;
}

static void test_the_document_the_server_sends(void **state)
{
    (void)state;
    struct phone_config c;
    const char *why;
    struct str doc = kit_data("provision/CSFrado.cnf.xml");
    assert_rc(RC_OK, phone_config_parse(doc, &arena, &c, &why));
    assert_int_equal(2, c.node_count);
    assert_str("ucm1.example.com", c.nodes[0].name);
    assert_int_equal(5090, c.nodes[0].oauth_port);
    assert_int_equal(5490, c.nodes[1].oauth_port);
    assert_int_equal(5491, c.nodes[1].mra_oauth_port);
    assert_true(c.line_count >= 1);
    assert_str("1010", c.lines[0].number);
    assert_true(c.lines[0].contact.n >= 36);
    assert_true(c.is_oauth);
    assert_int_equal(3600, c.register_s);
    assert_int_equal(5, c.register_delta_s);
    assert_int_equal(120, c.keepalive_s);
    assert_int_equal(120, c.monitor_s);
    struct phone_route r = phone_config_route(&c, 1);
    assert_int_equal(PHONE_TLS, r.transport);
    assert_int_equal(5490, r.port);
    assert_true(r.needs_token && !r.needs_cert);
    free((void *)(uintptr_t)doc.p);
}

static void test_outside_the_edges_are_dialled(void **state)
{
    (void)state;
    struct phone_config c;
    const char *why;
    const char *const edges[] = {"edge1.example.com", "edge2.example.com:6061", "[2001:db8::1]:7"};
    const char *const bad[] = {"", ":5061", "a:b", "a:0", "a:65536", "[]"};
    struct str doc = kit_data("provision/CSFrado.cnf.xml");
    assert_rc(RC_OK, phone_config_parse(doc, &arena, &c, &why));
    assert_str("ucm1.example.com", phone_config_dial(&c, 0));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct phone_config other = c;
        assert_rc(RC_INVALID, phone_config_go_outside(&other, &bad[i], 1));
    }
    assert_rc(RC_OK, phone_config_go_outside(&c, edges, 3));
    assert_int_equal(3, c.node_count);
    static const struct {
        const char *dial;
        unsigned port;
    } rows[] = {{"edge1.example.com", 5061}, {"edge2.example.com", 6061}, {"2001:db8::1", 7}};
    for (size_t i = 0; i < 3; i++) {
        struct phone_route r = phone_config_route(&c, i);
        assert_str(rows[i].dial, phone_config_dial(&c, i));
        assert_int_equal(rows[i].port, r.port);
        assert_true(r.needs_token && r.transport == PHONE_TLS);
        assert_str("ucm1.example.com", c.nodes[i].name); /* whom it registers with */
    }
    c.is_oauth = false;
    assert_rc(RC_INVALID, phone_config_go_outside(&c, edges, 1));
    free((void *)(uintptr_t)doc.p);
}

static void test_the_reference_leaves_its_prefixes_undeclared(void **state)
{
    (void)state;
    struct phone_config c;
    const char *why;
    struct str doc = kit_data("provision/undeclared-prefixes.cnf.xml");
    assert_rc(RC_OK, phone_config_parse(doc, &arena, &c, &why));
    assert_true(c.node_count >= 1 && c.line_count >= 1);
    free((void *)(uintptr_t)doc.p);
}

#define MEMBER(priority, name)                                                                     \
    "<member priority=\"" priority "\"><callManager><name>" name                                   \
    "</name><ports><sipPort>6060</sipPort><securedSipPort>6061</securedSipPort>"                   \
    "<sipOAuthPort>6090</sipOAuthPort></ports><processNodeName>p</processNodeName></callManager>"  \
    "</member>"
#define DOC(members, lines, rest)                                                                  \
    "<device xsi:type=\"axl:XIPPhone\"><deviceProtocol>SIP</deviceProtocol><devicePool>"           \
    "<callManagerGroup><members>" members "</members></callManagerGroup></devicePool><sipProfile>" \
    "<sipLines>" lines "</sipLines></sipProfile>" rest "</device>"
#define LINE                                                                                       \
    "<line button=\"1\"><featureID>9</featureID><name>1010</name><contact>u</contact></line>"

static void test_members_by_priority_and_no_more_than_three(void **state)
{
    (void)state;
    struct phone_config c;
    const char *why;
    assert_rc(RC_OK, parse(DOC(MEMBER("2", "c") MEMBER("0", "a") MEMBER("7", "e") MEMBER("1", "b"),
                               LINE, ""),
                           &c, &why));
    assert_int_equal(3, c.node_count);
    assert_str("a", c.nodes[0].name);
    assert_str("b", c.nodes[1].name);
    assert_str("c", c.nodes[2].name);
    assert_int_equal(5091, c.nodes[0].mra_oauth_port); /* its default */
}

static void test_routes(void **state)
{
    (void)state;
    static const struct {
        const char *rest;
        enum phone_transport transport;
        unsigned port;
        bool token, cert;
    } rows[] = {
        {"<sipOAuthMode>1</sipOAuthMode><deviceSecurityMode>3</deviceSecurityMode>", PHONE_TLS,
         6090, true, false},
        {"<sipOAuthMode>0</sipOAuthMode><deviceSecurityMode>3</deviceSecurityMode>", PHONE_TLS,
         6061, false, true},
        {"<deviceSecurityMode>2</deviceSecurityMode>", PHONE_TLS, 6061, false, true},
        {"<deviceSecurityMode>1</deviceSecurityMode>", PHONE_TCP, 6060, false, false},
        {"<transportLayerProtocol>2</transportLayerProtocol>", PHONE_UDP, 6060, false, false},
        {"<transportLayerProtocol>4</transportLayerProtocol>", PHONE_TCP, 6060, false, false},
        {"<sipOAuthMode>yes</sipOAuthMode>", PHONE_TCP, 6060, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct phone_config c;
        const char *why;
        char doc[4096];
        snprintf(doc, sizeof doc, DOC(MEMBER("0", "a"), LINE, "%s"), rows[i].rest);
        assert_rc(RC_OK, parse(doc, &c, &why));
        struct phone_route r = phone_config_route(&c, 0);
        assert_int_equal(rows[i].transport, r.transport);
        assert_int_equal(rows[i].port, r.port);
        assert_int_equal(rows[i].token, r.needs_token);
        assert_int_equal(rows[i].cert, r.needs_cert);
    }
}

static void test_what_cannot_be_used_says_why(void **state)
{
    (void)state;
    static const struct {
        enum rc rc;
        const char *doc, *why;
    } rows[] = {
        {RC_MALFORMED, "", "it is not well-formed XML"},
        {RC_MALFORMED, "<html><p>not found", "it is not well-formed XML"},
        {RC_INVALID, "<html></html>", "it is not a device's configuration"},
        {RC_INVALID, "<device><deviceProtocol>SCCP</deviceProtocol></device>",
         "it is for a device that does not speak SIP"},
        {RC_INVALID, DOC("", LINE, ""), "it names no server"},
        {RC_INVALID, DOC(MEMBER("0", "a"), "", ""),
         "it has no line; give the device a line on the "
         "server"},
        {RC_UNSUPPORTED, "<!DOCTYPE device><device></device>",
         "it has a DOCTYPE, which no configuration has"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct phone_config c;
        const char *why;
        assert_rc(rows[i].rc, parse(rows[i].doc, &c, &why));
        assert_string_equal(rows[i].why, why);
    }
}

static void test_names_that_would_write_into_messages_are_not_taken(void **state)
{
    (void)state;
    struct phone_config c;
    const char *why;
    assert_rc(RC_OK, parse(DOC(MEMBER("0", "a&#10;b"), LINE, ""), &c, &why));
    assert_str("p", c.nodes[0].name); /* processNodeName stands in */
    assert_rc(RC_INVALID, parse(DOC(MEMBER("0", "a"),
                                    "<line><featureID>9</featureID><name>10&gt;\r\nX: y</name>"
                                    "</line>",
                                    ""),
                                &c, &why));
    assert_rc(RC_OK, parse(DOC(MEMBER("0", "a"),
                               "<line><featureID>2</featureID><name>speed</name></line>"
                               "<line><featureID>9</featureID><name>1010</name>"
                               "<contact>a@b</contact></line>",
                               ""),
                           &c, &why));
    assert_int_equal(1, c.line_count);
    assert_str("1010", c.lines[0].contact);
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, NULL, 0, 8 << 20);
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_the_document_the_server_sends),
        T(test_outside_the_edges_are_dialled),
        T(test_the_reference_leaves_its_prefixes_undeclared),
        T(test_members_by_priority_and_no_more_than_three),
        T(test_routes),
        T(test_what_cannot_be_used_says_why),
        T(test_names_that_would_write_into_messages_are_not_taken),
    };
    return cmocka_run_group_tests_name("phone/config", tests, NULL, NULL);
}
