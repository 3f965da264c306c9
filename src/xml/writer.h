/* xml/writer.h - writes an XML document straight into a buf. Whatever text it is given, the result
 * is well-formed: markup is escaped, invalid UTF-8 and characters XML 1.0 forbids become U+FFFD.
 * Failures are the buf's to remember: check buf_rc once at the end. */
#ifndef XML_WRITER_H
#define XML_WRITER_H
#include "base/buf.h"

enum { XML_WRITER_DEPTH_MAX = 32 };

/* Lives with its user; holds no memory of its own. Element and attribute names are constant text of
 * the program, never a peer's. */
struct xml_writer {
    struct buf *out;
    const char *open[XML_WRITER_DEPTH_MAX];
    size_t depth;
    unsigned indent;  /* spaces a level; 0: everything on one line */
    bool tag_is_open; /* "<name" is written, '>' not yet */
    bool has_text;    /* the innermost element has text: its end tag follows at once */
};

/* Writes the XML declaration. */
void xml_writer_init(struct xml_writer *w, struct buf *out, unsigned indent);
void xml_open(struct xml_writer *w, const char *name);
/* Only directly after xml_open. */
void xml_put_attr(struct xml_writer *w, const char *name, struct str value);
void xml_put_text(struct xml_writer *w, struct str text);
/* Ends the innermost element; an empty one becomes <name></name>, as the reference writes them. */
void xml_close(struct xml_writer *w);
/* <name>text</name> */
void xml_leaf(struct xml_writer *w, const char *name, struct str text);
void xml_leaf_u64(struct xml_writer *w, const char *name, uint64_t v);
void xml_leaf_bool(struct xml_writer *w, const char *name, bool v); /* "true" or "false" */
/* Ends what is still open; the buf's verdict. */
MUST_CHECK enum rc xml_writer_finish(struct xml_writer *w);

/* The escaping alone, for text and for attribute values in double quotes. */
void xml_escape(struct buf *out, struct str text);

#endif
