#include "kit/kit.h"

#include "provision/document.h"
#include "xml/reader.h"
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct provision_node nodes[] = {
    {STR_INIT("ucm1.example.com"), STR_INIT("first"), 5060, 5061, 5090, 5091, 2000, 2427, 2428},
    {STR_INIT("ucm2.example.com"), STR_INIT("second"), 5060, 5061, 5490, 5491, 2000, 2427, 2428},
    {STR_INIT("ucm3.example.com"), STR_INIT("third"), 5060, 5061, 5590, 5591, 2000, 2427, 2428},
    {STR_INIT("ucm4.example.com"), STR_INIT("fourth"), 5060, 5061, 5690, 5691, 2000, 2427, 2428},
};
static const struct provision_line lines[] = {
    {1, STR_INIT("1010"), STR_INIT("Rado"), STR_INIT("Rado - 1010"),
     STR_INIT("6e4c1a00-1111-4222-8333-444455556666"), STR_INIT("")},
    {4, STR_INIT("1011"), STR_INIT("Rado"), STR_INIT(""),
     STR_INIT("6e4c1a00-1111-4222-8333-444455557777"), STR_INIT("")},
};

static struct provision_document rado(void)
{
    return (struct provision_document){
        .device_uuid = STR("6154365f-920b-4c71-b6ff-d23f602e94fb"),
        .ctiid = 24,
        .description = STR("Rado's softphone"),
        .pool_name = STR("Default"),
        .group_name = STR("Default"),
        .nodes = nodes,
        .node_count = 2,
        .lines = lines,
        .line_count = 1,
        .security = PROVISION_ENCRYPTED,
        .transport = PROVISION_TLS,
        .is_oauth = true,
        .register_s = 3600,
        .register_delta_s = 5,
        .keepalive_s = 120,
        .monitor_s = 120,
        .user = STR("rado"),
        .version_stamp = STR("1-6154365f-920b-4c71-b6ff-d23f602e94fb"),
    };
}

static void print(const struct provision_document *doc, struct buf *out)
{
    buf_init(out, PROVISION_DOCUMENT_MAX);
    assert_rc(RC_OK, provision_print(out, doc));
}

static const struct xml_node *parse(const struct buf *text, struct arena *a)
{
    const struct xml_node *root = NULL;
    const struct xml_limits limits = {.namespaces = true};
    assert_rc(RC_OK, xml_parse(buf_str(text), &limits, a, &root, NULL));
    return root;
}

/* The whole text, as the phone's tests read it too. */
static void test_prints_the_sample(void **state)
{
    (void)state;
    struct provision_document doc = rado();
    struct buf out;
    struct str want = kit_data("provision/CSFrado.cnf.xml");
    print(&doc, &out);
    char *text = str_dup_cstr(want);
    assert_string_equal(text, buf_cstr(&out));
    free(text);
    buf_fini(&out);
    free((void *)(uintptr_t)want.p);
}

static void test_each_node_has_its_ports_in_order(void **state)
{
    (void)state;
    struct provision_document doc = rado();
    struct buf out;
    struct arena a;
    arena_init(&a, NULL, 0, 4 << 20);
    doc.node_count = 4;
    print(&doc, &out);
    const struct xml_node *root = parse(&out, &a);
    const struct xml_node *m = xml_find(root, "devicePool/callManagerGroup/members/member");
    for (int i = 0; i < 3; i++, m = xml_next_same(m)) {
        char priority[4], port[8];
        snprintf(priority, sizeof priority, "%d", i);
        snprintf(port, sizeof port, "%u", nodes[i].oauth_port);
        assert_str(priority, xml_attr(m, "priority"));
        assert_str(port, xml_text(m, "callManager/ports/sipOAuthPort"));
        assert_true(str_eq(nodes[i].name, xml_text(m, "callManager/name")));
        assert_true(str_eq(nodes[i].name, xml_text(m, "callManager/processNodeName")));
    }
    assert_null(m);
    const struct xml_node *ports = xml_find(
        root, "devicePool/callManagerGroup/members/member/callManager/ports");
    static const char *const order[] = {"ethernetPhonePort", "sipPort",         "securedSipPort",
                                        "sipOAuthPort",      "sipMRAOAuthPort", "mgcpPorts"};
    const struct xml_node *c = ports->first_child;
    for (size_t i = 0; i < 6; i++, c = c->next)
        assert_true(str_eq(str_from(order[i]), c->name));
    arena_fini(&a);
    buf_fini(&out);
}

static void test_modes_and_lines(void **state)
{
    (void)state;
    struct provision_document doc = rado();
    struct buf out;
    struct arena a;
    arena_init(&a, NULL, 0, 4 << 20);
    doc.is_oauth = false;
    doc.security = PROVISION_NON_SECURE;
    doc.transport = PROVISION_TCP;
    doc.line_count = 2;
    print(&doc, &out);
    const struct xml_node *root = parse(&out, &a);
    assert_str("0", xml_text(root, "sipOAuthMode"));
    assert_str("1", xml_text(root, "deviceSecurityMode"));
    assert_str("4", xml_text(root, "transportLayerProtocol"));
    assert_str("axl:XIPPhone", xml_attr(root, "type"));
    assert_str("{6154365f-920b-4c71-b6ff-d23f602e94fb}", xml_attr(root, "uuid"));
    const struct xml_node *line = xml_find(root, "sipProfile/sipLines/line");
    assert_str("1010", xml_text(line, "name"));
    line = xml_next_same(line);
    assert_str("4", xml_attr(line, "button")); /* its index, not its place in the list */
    assert_str("4", xml_attr(line, "lineIndex"));
    assert_str("1011", xml_text(line, "featureLabel"));
    assert_str("6e4c1a00-1111-4222-8333-444455557777", xml_text(line, "contact"));
    arena_fini(&a);
    buf_fini(&out);
}

static void test_every_line_is_printed(void **state)
{
    (void)state;
    static struct provision_line many[PROVISION_LINE_MAX];
    struct provision_document doc = rado();
    struct buf out;
    struct arena a;
    size_t count = 0;
    for (size_t i = 0; i < PROVISION_LINE_MAX; i++) {
        many[i] = lines[0];
        many[i].index = (unsigned)i + 1;
    }
    doc.lines = many;
    doc.line_count = PROVISION_LINE_MAX;
    arena_init(&a, NULL, 0, 16 << 20);
    print(&doc, &out);
    const struct xml_node *line = xml_find(parse(&out, &a), "sipProfile/sipLines/line");
    for (; line; line = xml_next_same(line))
        count++;
    assert_int_equal(PROVISION_LINE_MAX, count);
    arena_fini(&a);
    buf_fini(&out);
}

static void test_valid_whatever_is_in_a_description(void **state)
{
    (void)state;
    static const struct str rows[] = {STR_INIT("</phoneLabel><sipOAuthMode>0</sipOAuthMode>"),
                                      STR_INIT("a & b \" ' ]]>"), STR_INIT("\x01\x02\xFF\xFE\xC3"),
                                      STR_INIT("\xF0\x9F\x93\x9E"), STR_INIT("a\0b")};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct provision_document doc = rado();
        struct provision_node node = nodes[0];
        struct provision_line line = lines[0];
        struct buf out;
        struct arena a;
        arena_init(&a, NULL, 0, 4 << 20);
        node.description = line.display_name = line.label = rows[i];
        doc.description = doc.user = doc.pool_name = rows[i];
        doc.nodes = &node;
        doc.lines = &line;
        doc.node_count = doc.line_count = 1;
        print(&doc, &out);
        const struct xml_node *root = parse(&out, &a);
        assert_str("1", xml_text(root, "sipOAuthMode"));
        if (i < 2) assert_true(str_eq(rows[i], xml_text(root, "sipProfile/phoneLabel")));
        arena_fini(&a);
        buf_fini(&out);
    }
}

/* Somebody else's parser, where it is installed. */
static void test_xmllint_agrees(void **state)
{
    (void)state;
    struct provision_document doc = rado();
    struct buf out;
    int wire[2];
    if (access("/usr/bin/xmllint", X_OK) != 0) skip();
    print(&doc, &out);
    assert_int_equal(0, pipe(wire));
    pid_t child = fork();
    if (child == 0) {
        dup2(wire[0], 0);
        close(wire[0]);
        close(wire[1]);
        execl("/usr/bin/xmllint", "xmllint", "--nonet", "--noout", "-", (char *)NULL);
        _exit(127);
    }
    close(wire[0]);
    assert_int_equal(out.n, write(wire[1], out.p, out.n));
    close(wire[1]);
    int status;
    assert_int_equal(child, waitpid(child, &status, 0));
    assert_int_equal(0, status);
    buf_fini(&out);
}

static void test_a_full_buffer_is_told(void **state)
{
    (void)state;
    struct provision_document doc = rado();
    struct buf out;
    buf_init(&out, 1000);
    assert_rc(RC_TOO_BIG, provision_print(&out, &doc));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prints_the_sample),
        cmocka_unit_test(test_each_node_has_its_ports_in_order),
        cmocka_unit_test(test_modes_and_lines),
        cmocka_unit_test(test_every_line_is_printed),
        cmocka_unit_test(test_valid_whatever_is_in_a_description),
        cmocka_unit_test(test_xmllint_agrees),
        cmocka_unit_test(test_a_full_buffer_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
