/* xml/reader.h - reads one XML document into a small tree that lies in the caller's arena.
 * Documents come from outside: a DOCTYPE is refused (so no entity of anyone's making exists), and
 * size, depth, element and attribute counts are bounded. No files, no network. Safe from any
 * thread: nothing is kept. */
#ifndef XML_READER_H
#define XML_READER_H
#include "base/arena.h"
#include "base/cur.h"

/* Zero in a field means the default printed beside it. */
struct xml_limits {
    size_t doc_max;     /* bytes of the document, 1 MiB */
    size_t depth_max;   /* nested elements, 32 */
    size_t element_max; /* elements in all, 20000 */
    size_t attr_max;    /* attributes of one element, 32 */
    bool namespaces;    /* resolve prefixes; an undeclared prefix is then malformed. Off, names stay
                           as written ("xsi:type"): device configurations use undeclared ones */
};

struct xml_attr {
    struct str ns; /* namespace URI, "" without one or with namespaces off */
    struct str name, value;
};

/* All slices lie in the arena. */
struct xml_node {
    struct str ns;   /* as in struct xml_attr */
    struct str name; /* local name; with namespaces off the name as written */
    struct str text; /* its own character data put together, entities resolved, as written */
    const struct xml_attr *attrs;
    size_t attr_count;
    struct xml_node *parent, *first_child, *next; /* next: the following sibling */
};

/* The document's root element. limits may be NULL. What a failure drew from the arena stays there.
 *   RC_MALFORMED    not well-formed, not UTF-8 or another encoding expat knows, or cut short
 *   RC_UNSUPPORTED  it has a DOCTYPE
 *   RC_TOO_BIG      over a limit;  RC_NOMEM
 * at (may be NULL) is written on RC_MALFORMED, RC_UNSUPPORTED and RC_TOO_BIG. */
MUST_CHECK enum rc xml_parse(struct str doc, const struct xml_limits *limits, struct arena *arena,
                             const struct xml_node **root, struct parse_at *at);

/* The first node reached from node by child names separated by '/', e.g. "devicePool/name"; node
 * itself for "". NULL when there is none. node may be NULL. */
const struct xml_node *xml_find(const struct xml_node *node, const char *path);
/* The next sibling of the same name, or NULL: iterates over repeated elements. */
const struct xml_node *xml_next_same(const struct xml_node *node);
/* Text at path without surrounding white space; "" where it is missing. */
struct str xml_text(const struct xml_node *node, const char *path);
/* The attribute's value; "" where it is missing. node may be NULL. */
struct str xml_attr(const struct xml_node *node, const char *name);
/* How many children, of any name, node has. */
size_t xml_child_count(const struct xml_node *node);

#endif
