#include "xml/reader.h"
#include "base/buf.h"
#include "base/check.h"
#include <expat.h>
#include <limits.h>
#include <stdlib.h>

enum {
    DOC_MAX = 1 << 20,
    DEPTH_MAX = 32,
    ELEMENT_MAX = 20000,
    ATTR_MAX = 32,
    NS_SEPARATOR = '\n', /* cannot stand in a URI or a name */
};

/* One parse. Text of an open element gathers in pending until a tag interrupts it. */
struct parse {
    XML_Parser expat;
    struct xml_limits limits;
    struct arena *arena;
    struct xml_node *root, *open;
    struct xml_node **last_child; /* by depth: where the next child of that element goes */
    size_t *text_cap;             /* by depth: bytes its text has room for */
    size_t depth, element_count;
    struct buf pending;
    enum rc rc; /* the first failure of our own */
    const char *expected;
};

static void fail(struct parse *p, enum rc rc, const char *expected)
{
    if (p->rc != RC_OK) return;
    p->rc = rc;
    p->expected = expected;
    XML_StopParser(p->expat, XML_FALSE);
}

/* expat hands out "uri\nlocal" with namespaces on, the name as written otherwise. */
static bool take_name(struct parse *p, const char *given, struct str *ns, struct str *name)
{
    struct str all = str_from(given);
    ptrdiff_t sep = p->limits.namespaces ? str_find_char(all, NS_SEPARATOR) : STR_NPOS;
    struct str uri = sep < 0 ? STR("") : str_sub(all, 0, (size_t)sep);
    struct str local = sep < 0 ? all : str_sub(all, (size_t)sep + 1, all.n);
    if (arena_str_dup(p->arena, uri, ns) == RC_OK && arena_str_dup(p->arena, local, name) == RC_OK)
        return true;
    fail(p, RC_NOMEM, "memory");
    return false;
}

/* Room for n bytes of the open element's text: exactly so much the first time, which is the only one
 * for most, then twice as much, so that an indented list does not cost its length squared. */
static char *text_room(struct parse *p, size_t n)
{
    struct xml_node *node = p->open;
    size_t *cap = &p->text_cap[p->depth];
    if (n <= *cap) return (char *)(uintptr_t)node->text.p; /* it lies in our arena */
    size_t want = node->text.n > 0 ? 2 * n : n;
    char *all = arena_alloc(p->arena, want);
    if (!all) return NULL;
    if (node->text.n > 0) memcpy(all, node->text.p, node->text.n);
    *cap = want;
    return all;
}

/* Puts the gathered text behind what the open element has already. */
static void flush_text(struct parse *p)
{
    if (p->pending.n == 0 || p->rc != RC_OK) return;
    struct xml_node *node = p->open;
    size_t n = node->text.n + p->pending.n;
    char *all = text_room(p, n);
    if (!all) {
        fail(p, RC_NOMEM, "memory");
        return;
    }
    memcpy(all + node->text.n, p->pending.p, p->pending.n);
    node->text = str_of(all, n);
    buf_reset(&p->pending);
}

static void take_attrs(struct parse *p, struct xml_node *node, const XML_Char **attrs)
{
    size_t count = 0;
    while (attrs[2 * count])
        count++;
    if (count == 0) return;
    if (count > p->limits.attr_max) {
        fail(p, RC_TOO_BIG, "fewer attributes");
        return;
    }
    struct xml_attr *out = ARENA_ARRAY(p->arena, struct xml_attr, count);
    if (!out) {
        fail(p, RC_NOMEM, "memory");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (!take_name(p, attrs[2 * i], &out[i].ns, &out[i].name)) return;
        if (arena_str_dup(p->arena, str_from(attrs[2 * i + 1]), &out[i].value) != RC_OK) {
            fail(p, RC_NOMEM, "memory");
            return;
        }
    }
    node->attrs = out;
    node->attr_count = count;
}

static void link_node(struct parse *p, struct xml_node *node)
{
    node->parent = p->open;
    if (!p->open) {
        p->root = node;
    } else if (p->last_child[p->depth]) {
        p->last_child[p->depth]->next = node;
    } else {
        p->open->first_child = node;
    }
    p->last_child[p->depth] = node;
    p->open = node;
    p->depth++;
    p->last_child[p->depth] = NULL;
    p->text_cap[p->depth] = 0;
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **attrs)
{
    struct parse *p = ctx;
    if (p->rc != RC_OK) return;
    if (p->depth == p->limits.depth_max) {
        fail(p, RC_TOO_BIG, "less nesting");
        return;
    }
    if (p->element_count++ == p->limits.element_max) {
        fail(p, RC_TOO_BIG, "fewer elements");
        return;
    }
    flush_text(p);
    struct xml_node *node = ARENA_NEW(p->arena, struct xml_node);
    if (!node) {
        fail(p, RC_NOMEM, "memory");
        return;
    }
    if (!take_name(p, name, &node->ns, &node->name)) return;
    take_attrs(p, node, attrs);
    if (p->rc == RC_OK) link_node(p, node);
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
    (void)name;
    struct parse *p = ctx;
    if (p->rc != RC_OK) return;
    flush_text(p);
    p->open = p->open->parent;
    p->depth--;
}

static void XMLCALL on_text(void *ctx, const XML_Char *text, int n)
{
    struct parse *p = ctx;
    if (p->rc != RC_OK) return;
    buf_put(&p->pending, text, (size_t)n);
    if (buf_rc(&p->pending) != RC_OK) fail(p, buf_rc(&p->pending), "memory");
}

static void XMLCALL on_doctype(void *ctx, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal)
{
    (void)name, (void)system_id, (void)public_id, (void)has_internal;
    fail(ctx, RC_UNSUPPORTED, "no DOCTYPE");
}

/* expat's memory is ours to count and, in tests, to refuse. */
static void *lib_malloc(size_t n)
{
    return malloc(n);
}
static void *lib_realloc(void *p, size_t n)
{
    return realloc(p, n);
}
static void lib_free(void *p)
{
    free(p);
}

static XML_Parser expat_new(struct parse *p)
{
    static const XML_Memory_Handling_Suite memory = {lib_malloc, lib_realloc, lib_free};
    static const XML_Char separator[] = {NS_SEPARATOR, 0};
    XML_Parser expat = XML_ParserCreate_MM(NULL, &memory, p->limits.namespaces ? separator : NULL);
    if (!expat) return NULL;
    XML_SetUserData(expat, p);
    XML_SetElementHandler(expat, on_start, on_end);
    XML_SetCharacterDataHandler(expat, on_text);
    XML_SetStartDoctypeDeclHandler(expat, on_doctype);
    XML_SetParamEntityParsing(expat, XML_PARAM_ENTITY_PARSING_NEVER);
    return expat;
}

static enum rc expat_rc(enum XML_Error error)
{
    return error == XML_ERROR_NO_MEMORY ? RC_NOMEM : RC_MALFORMED;
}

/* doc.n fits an int: doc_max is held below INT_MAX. */
static enum rc run(struct parse *p, struct str doc, struct parse_at *at)
{
    const char *bytes = doc.n ? doc.p : "";
    if (XML_Parse(p->expat, bytes, (int)doc.n, XML_TRUE) == XML_STATUS_OK && p->rc == RC_OK) {
        CHECK(p->root);
        return RC_OK;
    }
    enum XML_Error error = XML_GetErrorCode(p->expat);
    enum rc rc = p->rc != RC_OK ? p->rc : expat_rc(error);
    if (at && rc != RC_NOMEM) {
        XML_Index index = XML_GetCurrentByteIndex(p->expat);
        at->offset = index < 0 ? 0 : (size_t)index;
        at->expected = p->rc != RC_OK ? p->expected : XML_ErrorString(error);
    }
    return rc;
}

static struct xml_limits effective(const struct xml_limits *given)
{
    struct xml_limits l = given ? *given : (struct xml_limits){0};
    if (l.doc_max == 0) l.doc_max = DOC_MAX;
    if (l.doc_max > INT_MAX) l.doc_max = INT_MAX;
    if (l.depth_max == 0) l.depth_max = DEPTH_MAX;
    if (l.element_max == 0) l.element_max = ELEMENT_MAX;
    if (l.attr_max == 0) l.attr_max = ATTR_MAX;
    return l;
}

enum rc xml_parse(struct str doc, const struct xml_limits *limits, struct arena *arena,
                  const struct xml_node **root, struct parse_at *at)
{
    struct parse p = {.limits = effective(limits), .arena = arena};
    enum rc rc = RC_NOMEM;
    if (doc.n > p.limits.doc_max) {
        if (at) *at = (struct parse_at){p.limits.doc_max, "a smaller document"};
        return RC_TOO_BIG;
    }
    buf_init(&p.pending, doc.n * 3 + 1); /* UTF-8 of a Latin-1 document is longer than it */
    p.last_child = calloc(p.limits.depth_max + 1, sizeof *p.last_child);
    p.text_cap = calloc(p.limits.depth_max + 1, sizeof *p.text_cap);
    if (!p.last_child || !p.text_cap) goto done;
    p.expat = expat_new(&p);
    if (!p.expat) goto done;
    rc = run(&p, doc, at);
    if (rc == RC_OK) *root = p.root;
done:
    if (p.expat) XML_ParserFree(p.expat);
    free(p.last_child);
    free(p.text_cap);
    buf_fini(&p.pending);
    return rc;
}

static const struct xml_node *first_named(const struct xml_node *node, struct str name)
{
    while (node && !str_eq(node->name, name))
        node = node->next;
    return node;
}

const struct xml_node *xml_find(const struct xml_node *node, const char *path)
{
    struct str rest = str_from(path), name;
    if (rest.n == 0) return node;
    while (node && str_split(&rest, '/', &name))
        node = first_named(node->first_child, name);
    return node;
}

const struct xml_node *xml_next_same(const struct xml_node *node)
{
    return node ? first_named(node->next, node->name) : NULL;
}

struct str xml_text(const struct xml_node *node, const char *path)
{
    const struct xml_node *found = xml_find(node, path);
    return found ? str_trim(found->text) : STR("");
}

struct str xml_attr(const struct xml_node *node, const char *name)
{
    struct str wanted = str_from(name);
    for (size_t i = 0; node && i < node->attr_count; i++) {
        if (str_eq(node->attrs[i].name, wanted)) return node->attrs[i].value;
    }
    return STR("");
}

size_t xml_child_count(const struct xml_node *node)
{
    size_t count = 0;
    for (const struct xml_node *c = node ? node->first_child : NULL; c; c = c->next)
        count++;
    return count;
}
