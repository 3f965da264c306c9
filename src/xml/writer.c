#include "xml/writer.h"
#include "base/check.h"

static const struct str REPLACEMENT = STR_INIT("\xEF\xBF\xBD"); /* U+FFFD */

/* Length of the well-formed UTF-8 character at p that XML 1.0 allows (2.2, Char), else 0. Tab, line
 * feed and carriage return are the only controls. */
static size_t char_len(const uint8_t *p, size_t left)
{
    uint8_t c = p[0];
    if (c < 0x80) return c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
    size_t n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (c < 0xC2 || c > 0xF4 || left < n) return 0;
    uint32_t point = c & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
        point = point << 6 | (p[i] & 0x3Fu);
    }
    if (n == 3 && (point < 0x800 || (point >= 0xD800 && point <= 0xDFFF) || point >= 0xFFFE))
        return 0;
    if (n == 4 && (point < 0x10000 || point > 0x10FFFF)) return 0;
    return n;
}

/* White space other than the blank is written as a reference: parsers fold it otherwise. */
static const char *escape_of(uint8_t c)
{
    switch (c) {
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '&': return "&amp;";
    case '"': return "&quot;";
    case '\'': return "&apos;";
    case '\t': return "&#9;";
    case '\n': return "&#10;";
    case '\r': return "&#13;";
    default: return NULL;
    }
}

void xml_escape(struct buf *out, struct str text)
{
    struct bytes in = str_bytes(text);
    size_t plain = 0; /* start of what is copied as it is */
    for (size_t at = 0; at < in.n;) {
        size_t n = char_len(in.p + at, in.n - at);
        const char *escape = n ? escape_of(in.p[at]) : NULL;
        if (n && !escape) {
            at += n;
            continue;
        }
        buf_put(out, in.p + plain, at - plain);
        buf_put_str(out, escape ? str_from(escape) : REPLACEMENT);
        at += 1;
        plain = at;
    }
    if (plain < in.n) buf_put(out, in.p + plain, in.n - plain);
}

void xml_writer_init(struct xml_writer *w, struct buf *out, unsigned indent)
{
    *w = (struct xml_writer){.out = out, .indent = indent};
    buf_put_lit(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    if (indent == 0) buf_put_char(out, '\n');
}

static void new_line(struct xml_writer *w)
{
    if (w->indent == 0) return;
    buf_put_char(w->out, '\n');
    for (size_t i = 0; i < w->depth * w->indent; i++)
        buf_put_char(w->out, ' ');
}

static void end_tag_start(struct xml_writer *w)
{
    if (w->tag_is_open) buf_put_char(w->out, '>');
    w->tag_is_open = false;
}

void xml_open(struct xml_writer *w, const char *name)
{
    CHECK(w->depth < XML_WRITER_DEPTH_MAX);
    end_tag_start(w);
    if (!w->has_text) new_line(w);
    buf_put_char(w->out, '<');
    buf_put_str(w->out, str_from(name));
    w->open[w->depth++] = name;
    w->tag_is_open = true;
    w->has_text = false;
}

void xml_put_attr(struct xml_writer *w, const char *name, struct str value)
{
    CHECK(w->tag_is_open);
    buf_put_char(w->out, ' ');
    buf_put_str(w->out, str_from(name));
    buf_put_lit(w->out, "=\"");
    xml_escape(w->out, value);
    buf_put_char(w->out, '"');
}

void xml_put_text(struct xml_writer *w, struct str text)
{
    CHECK(w->depth > 0);
    end_tag_start(w);
    xml_escape(w->out, text);
    w->has_text = true;
}

void xml_close(struct xml_writer *w)
{
    CHECK(w->depth > 0);
    bool is_empty = w->tag_is_open;
    end_tag_start(w);
    const char *name = w->open[--w->depth];
    if (!is_empty && !w->has_text) new_line(w);
    buf_put_lit(w->out, "</");
    buf_put_str(w->out, str_from(name));
    buf_put_char(w->out, '>');
    w->has_text = false;
}

void xml_leaf(struct xml_writer *w, const char *name, struct str text)
{
    xml_open(w, name);
    if (text.n > 0) xml_put_text(w, text);
    xml_close(w);
}

void xml_leaf_u64(struct xml_writer *w, const char *name, uint64_t v)
{
    char digits[24];
    struct buf text;
    buf_init_fixed(&text, digits, sizeof digits);
    buf_put_u64(&text, v);
    xml_leaf(w, name, buf_str(&text));
}

void xml_leaf_bool(struct xml_writer *w, const char *name, bool v)
{
    xml_leaf(w, name, v ? STR("true") : STR("false"));
}

enum rc xml_writer_finish(struct xml_writer *w)
{
    while (w->depth > 0)
        xml_close(w);
    if (w->indent > 0) buf_put_char(w->out, '\n');
    return buf_rc(w->out);
}
