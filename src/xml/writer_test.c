#include "kit/kit.h"

#include "xml/reader.h"
#include "xml/writer.h"

static void test_writes_one_line_without_indent(void **state)
{
    (void)state;
    struct buf out;
    struct xml_writer w;
    buf_init(&out, 4096);
    xml_writer_init(&w, &out, 0);
    xml_open(&w, "device");
    xml_put_attr(&w, "ctiid", STR("24"));
    xml_leaf(&w, "name", STR("a"));
    xml_leaf_u64(&w, "port", 5090);
    xml_leaf_bool(&w, "full", true);
    xml_leaf(&w, "empty", STR(""));
    assert_rc(RC_OK, xml_writer_finish(&w));
    assert_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<device ctiid=\"24\"><name>a</name>"
               "<port>5090</port><full>true</full><empty></empty></device>",
               buf_str(&out));
    buf_fini(&out);
}

static void test_indents_elements_but_never_text(void **state)
{
    (void)state;
    struct buf out;
    struct xml_writer w;
    buf_init(&out, 4096);
    xml_writer_init(&w, &out, 2);
    xml_open(&w, "a");
    xml_open(&w, "b");
    xml_leaf(&w, "c", STR(" t "));
    xml_close(&w);
    xml_leaf(&w, "d", STR(""));
    assert_rc(RC_OK, xml_writer_finish(&w));
    assert_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>\n  <b>\n    <c> t </c>\n  </b>\n"
               "  <d></d>\n</a>\n",
               buf_str(&out));
    buf_fini(&out);
}

static void test_escapes_markup_and_replaces_what_xml_forbids(void **state)
{
    (void)state;
    static const struct {
        struct str in;
        const char *out;
    } rows[] = {
        {STR_INIT("plain \xC3\xA9 \xF0\x9F\x93\x9E"), "plain \xC3\xA9 \xF0\x9F\x93\x9E"},
        {STR_INIT("<a href=\"x\">'&amp;"), "&lt;a href=&quot;x&quot;&gt;&apos;&amp;amp;"},
        {STR_INIT("]]>"), "]]&gt;"},
        {STR_INIT("a\tb\nc\rd"), "a&#9;b&#10;c&#13;d"},
        {STR_INIT("\x01\x00z"), "\xEF\xBF\xBD\xEF\xBF\xBDz"},
        {STR_INIT("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {STR_INIT("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {STR_INIT("\xEF\xBF\xBE"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {STR_INIT("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {STR_INIT("\xF5\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {STR_INIT(""), ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out;
        struct str in = kit_guard(rows[i].in);
        buf_init(&out, 4096);
        xml_escape(&out, in);
        assert_string_equal(rows[i].out, buf_cstr(&out));
        buf_fini(&out);
        kit_guard_free(in);
    }
}

/* Every byte pair comes back from our own reader, or as U+FFFD. */
static void test_whatever_the_text_the_document_is_well_formed(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 0x10000; v++) {
        char raw[2] = {(char)(v >> 8), (char)v}, memory[512], tree[1024];
        struct buf out;
        struct xml_writer w;
        struct arena a;
        const struct xml_node *root = NULL;
        buf_init_fixed(&out, memory, sizeof memory);
        arena_init(&a, tree, sizeof tree, 1 << 16);
        xml_writer_init(&w, &out, 0);
        xml_open(&w, "a");
        xml_put_attr(&w, "k", str_of(raw, 2));
        xml_put_text(&w, str_of(raw, 2));
        assert_rc(RC_OK, xml_writer_finish(&w));
        assert_rc(RC_OK, xml_parse(buf_str(&out), NULL, &a, &root, NULL));
        assert_true(str_eq(root->text, xml_attr(root, "k")));
        if (v >= 0x2020 && (v & 0xFF) >= 0x20 && v < 0x8000 && (v & 0xFF) < 0x80)
            assert_true(str_eq(root->text, str_of(raw, 2)));
        arena_fini(&a);
    }
}

static void test_a_full_buffer_is_told_at_the_end(void **state)
{
    (void)state;
    char memory[48];
    struct buf out;
    struct xml_writer w;
    buf_init_fixed(&out, memory, sizeof memory);
    xml_writer_init(&w, &out, 2);
    xml_leaf(&w, "a", STR("0123456789"));
    assert_rc(RC_TOO_BIG, xml_writer_finish(&w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_one_line_without_indent),
        cmocka_unit_test(test_indents_elements_but_never_text),
        cmocka_unit_test(test_escapes_markup_and_replaces_what_xml_forbids),
        cmocka_unit_test(test_whatever_the_text_the_document_is_well_formed),
        cmocka_unit_test(test_a_full_buffer_is_told_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
