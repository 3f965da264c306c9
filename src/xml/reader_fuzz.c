/* Reads any bytes; writes the tree of what was accepted and reads that again: both trees print
 * alike. */
#include "base/check.h"
#include "xml/reader.h"
#include "xml/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Names are the input's own: every name the reader accepted is one a writer may use. */
static void put_node(struct buf *out, const struct xml_node *node)
{
    buf_put_char(out, '<');
    buf_put_str(out, node->name);
    for (size_t i = 0; i < node->attr_count; i++) {
        buf_put_char(out, ' ');
        buf_put_str(out, node->attrs[i].name);
        buf_put_lit(out, "=\"");
        xml_escape(out, node->attrs[i].value);
        buf_put_char(out, '"');
    }
    buf_put_char(out, '>');
    xml_escape(out, node->text);
    for (const struct xml_node *c = node->first_child; c; c = c->next)
        put_node(out, c);
    buf_put_lit(out, "</");
    buf_put_str(out, node->name);
    buf_put_char(out, '>');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct buf once, twice;
    const struct xml_node *root;
    struct parse_at at;
    arena_init(&arena, NULL, 0, 64 << 20);
    buf_init(&once, 64 << 20);
    buf_init(&twice, 64 << 20);
    struct str doc = {(const char *)data, size};
    const struct xml_limits with_namespaces = {.namespaces = true};
    if (xml_parse(doc, &with_namespaces, &arena, &root, NULL) == RC_OK) (void)xml_text(root, "a/b");
    if (xml_parse(doc, NULL, &arena, &root, &at) == RC_OK) {
        put_node(&once, root);
        struct xml_limits wide = {.doc_max = 64 << 20};
        CHECK(xml_parse(buf_str(&once), &wide, &arena, &root, &at) == RC_OK);
        put_node(&twice, root);
        CHECK(str_eq(buf_str(&once), buf_str(&twice)));
    } else {
        CHECK(at.offset <= size);
    }
    arena_fini(&arena);
    buf_fini(&once);
    buf_fini(&twice);
    return 0;
}
