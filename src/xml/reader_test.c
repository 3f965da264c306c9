#include "kit/kit.h"

#include "xml/reader.h"

static enum rc parse_in(struct arena *a, struct str doc, const struct xml_limits *limits,
                        const struct xml_node **root, struct parse_at *at)
{
    struct str guarded = kit_guard(doc);
    enum rc rc = xml_parse(guarded, limits, a, root, at);
    kit_guard_free(guarded);
    return rc;
}

static void test_reads_names_text_and_attributes(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, NULL, 0, 1 << 20);
    const struct xml_node *root = NULL;
    struct str doc = STR("<device  xsi:type=\"axl:XIPPhone\" ctiid='24'><devicePool><name>Default "
                         "&amp; more</name><members><member priority=\"0\"><n> a </n></member>"
                         "<other/><member priority=\"1\"><n>b</n></member></members></devicePool>"
                         "<empty/></device>");
    assert_rc(RC_OK, parse_in(&a, doc, NULL, &root, NULL));
    assert_str("device", root->name);
    assert_str("axl:XIPPhone", xml_attr(root, "xsi:type"));
    assert_str("24", xml_attr(root, "ctiid"));
    assert_str("", xml_attr(root, "uuid"));
    assert_str("", xml_attr(NULL, "uuid"));
    assert_str("Default & more", xml_text(root, "devicePool/name"));
    assert_str("a", xml_text(root, "devicePool/members/member/n"));
    assert_str("", xml_text(root, "devicePool/nowhere/n"));
    assert_str("", xml_text(NULL, "a"));
    assert_int_equal(2, xml_child_count(root));
    const struct xml_node *m = xml_find(root, "devicePool/members/member");
    assert_str("0", xml_attr(m, "priority"));
    m = xml_next_same(m);
    assert_str("1", xml_attr(m, "priority"));
    assert_str("b", xml_text(m, "n"));
    assert_null(xml_next_same(m));
    assert_ptr_equal(root, xml_find(root, ""));
    arena_fini(&a);
}

static void test_text_around_children_is_put_together(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, NULL, 0, 1 << 20);
    const struct xml_node *root = NULL;
    assert_rc(RC_OK,
              parse_in(&a, STR("<a>one<b>x</b> two<![CDATA[<3>]]>&#x41;</a>"), NULL, &root, NULL));
    assert_str("one two<3>A", root->text);
    assert_str("x", xml_text(root, "b"));
    arena_fini(&a);
}

/* White space between many siblings is their parent's text: putting it together takes memory in
 * proportion to the document. */
static void test_many_indented_siblings_fit_a_small_arena(void **state)
{
    (void)state;
    enum { SIBLINGS = 10000 };
    static char doc[64 + SIBLINGS * 12];
    struct arena a;
    const struct xml_node *root = NULL;
    char *p = stpcpy(doc, "<a>");
    for (int i = 0; i < SIBLINGS; i++)
        p = stpcpy(p, "\n    <b/>");
    strcpy(p, "\n</a>");
    arena_init(&a, NULL, 0, 4 << 20);
    assert_rc(RC_OK, parse_in(&a, str_from(doc), NULL, &root, NULL));
    assert_int_equal(SIBLINGS, xml_child_count(root));
    assert_int_equal(SIBLINGS * 5 + 1, root->text.n);
    assert_str("", xml_text(root, ""));
    arena_fini(&a);
}

static void test_namespaces_are_resolved_when_asked(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, NULL, 0, 1 << 20);
    const struct xml_limits limits = {.namespaces = true};
    const struct xml_node *root = NULL;
    assert_rc(RC_OK, parse_in(&a,
                              STR("<s:Envelope xmlns:s='urn:soap'><Body xmlns='urn:b' s:k='v'/>"
                                  "</s:Envelope>"),
                              &limits, &root, NULL));
    assert_str("urn:soap", root->ns);
    assert_str("Envelope", root->name);
    assert_str("urn:b", root->first_child->ns);
    assert_str("urn:soap", root->first_child->attrs[0].ns);
    assert_str("v", xml_attr(root->first_child, "k"));
    assert_rc(RC_MALFORMED, parse_in(&a, STR("<a xsi:type='x'/>"), &limits, &root, NULL));
    arena_fini(&a);
}

static void test_other_encodings_become_utf8(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, NULL, 0, 1 << 20);
    const struct xml_node *root = NULL;
    assert_rc(RC_OK,
              parse_in(&a, STR("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE9\xE9\xE9</a>"),
                       NULL, &root, NULL));
    assert_str("\xC3\xA9\xC3\xA9\xC3\xA9", root->text);
    arena_fini(&a);
}

static void test_bad_documents(void **state)
{
    (void)state;
    static const struct {
        const char *doc;
        enum rc rc;
    } rows[] = {
        {"", RC_MALFORMED},
        {"  ", RC_MALFORMED},
        {"<a>", RC_MALFORMED},
        {"<a></b>", RC_MALFORMED},
        {"<a/><b/>", RC_MALFORMED},
        {"<a b=c/>", RC_MALFORMED},
        {"<a b='1' b='2'/>", RC_MALFORMED},
        {"<a>&nbsp;</a>", RC_MALFORMED},
        {"<a>\x01</a>", RC_MALFORMED},
        {"<a>\xC3\x28</a>", RC_MALFORMED},
        {"<?xml version='1.0' encoding='x-nobody'?><a/>", RC_MALFORMED},
        {"<!DOCTYPE a><a/>", RC_UNSUPPORTED},
        {"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", RC_UNSUPPORTED},
        {"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", RC_UNSUPPORTED},
        {"<!DOCTYPE a [<!ENTITY b 'bb'><!ENTITY c '&b;&b;'>]><a>&c;</a>", RC_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena a;
        arena_init(&a, NULL, 0, 1 << 20);
        const struct xml_node *root = NULL;
        struct parse_at at = {0};
        assert_rc(rows[i].rc, parse_in(&a, str_from(rows[i].doc), NULL, &root, &at));
        assert_non_null(at.expected);
        assert_null(root);
        arena_fini(&a);
    }
}

static void test_limits(void **state)
{
    (void)state;
    static const struct xml_limits small = {
        .doc_max = 64, .depth_max = 3, .element_max = 4, .attr_max = 2};
    static const struct {
        const char *doc;
        enum rc rc;
    } rows[] = {
        {"<a><b><c/></b></a>", RC_OK},
        {"<a><b><c><d/></c></b></a>", RC_TOO_BIG},
        {"<a><b/><b/><b/></a>", RC_OK},
        {"<a><b/><b/><b/><b/></a>", RC_TOO_BIG},
        {"<a x='1' y='2'/>", RC_OK},
        {"<a x='1' y='2' z='3'/>", RC_TOO_BIG},
        {"<a>0123456789012345678901234567890123456789012345678901234567890</a>", RC_TOO_BIG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena a;
        arena_init(&a, NULL, 0, 1 << 20);
        const struct xml_node *root;
        assert_rc(rows[i].rc, parse_in(&a, str_from(rows[i].doc), &small, &root, NULL));
        arena_fini(&a);
    }
}

static void test_a_full_arena_is_out_of_memory(void **state)
{
    (void)state;
    struct arena a;
    char block[64];
    arena_init(&a, block, sizeof block, 0);
    const struct xml_node *root;
    assert_rc(RC_NOMEM, parse_in(&a, STR("<a><b>text</b></a>"), NULL, &root, NULL));
    arena_fini(&a);
}

static void parse_once(void *ctx)
{
    (void)ctx;
    struct arena a;
    arena_init(&a, NULL, 0, 1 << 20);
    const struct xml_node *root = NULL;
    enum rc rc = xml_parse(STR("<a x='1'>t<b>u</b>v</a>"), NULL, &a, &root, NULL);
    assert_true(rc == RC_NOMEM || (rc == RC_OK && root));
    arena_fini(&a);
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    kit_each_alloc_fails(parse_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_names_text_and_attributes),
        cmocka_unit_test(test_text_around_children_is_put_together),
        cmocka_unit_test(test_many_indented_siblings_fit_a_small_arena),
        cmocka_unit_test(test_namespaces_are_resolved_when_asked),
        cmocka_unit_test(test_other_encodings_become_utf8),
        cmocka_unit_test(test_bad_documents),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_a_full_arena_is_out_of_memory),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
