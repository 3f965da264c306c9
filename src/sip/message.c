#include "sip/message.h"
#include "sip/length_int.h"
#include "sip/lex_int.h"
#include "sip/values.h"
#include <assert.h>

static_assert((int)SIP_HEADER_MAX < (int)SIP_HEADER_NONE, "header indexes fit a byte");
static_assert(SIP_HEADER_ID_COUNT < 256, "header ids fit a byte");

static void message_fault(struct sip_message *m, enum rc rc, const char *what, const char *where)
{
    if (m->fault.rc != RC_OK) return;
    m->fault = (struct sip_fault){rc, what, (size_t)(where - m->bytes.p)};
}

/* Content and what follows the CRLF that ends it; a lone CR or LF on the way is a fault. False: no
 * CRLF until the end. */
static bool message_line(struct sip_message *m, struct cur *c, struct str *line)
{
    const char *p = c->p;
    for (;;) {
        p = lex_find_eol(p, c->end);
        if (c->end - p < 2) return false;
        if (p[0] == '\r' && p[1] == '\n') break;
        message_fault(m, RC_MALFORMED, "line end", p);
        p++;
    }
    *line = cur_since(&(struct cur){p, c->end}, c->p);
    c->p = p + 2;
    return true;
}

/* Status-Line = SIP-Version SP Status-Code SP Reason-Phrase. RFC 3261, 7.2 */
static bool message_status_line(struct sip_message *m, struct str line)
{
    ptrdiff_t sp = str_find_char(line, ' ');
    if (sp < 0) return false;
    m->version = str_sub(line, 0, (size_t)sp);
    struct str rest = str_sub(line, (size_t)sp + 1, line.n);
    if (rest.n < 3 || (rest.n > 3 && rest.p[3] != ' ')) return false;
    uint64_t status;
    if (str_to_u64(str_sub(rest, 0, 3), 699, &status) != RC_OK || status < 100) return false;
    m->status = (unsigned)status;
    m->reason = rest.n > 4 ? str_sub(rest, 4, rest.n) : str_of(rest.p + rest.n, 0);
    return true;
}

/* Request-Line = Method SP Request-URI SP SIP-Version. RFC 3261, 7.1. Spaces too many are a fault,
 * not the end: the sender can be told. */
static bool message_request_line(struct sip_message *m, struct str line)
{
    struct cur c = cur_of(line);
    if (!lex_token(&c, &m->method_text) || cur_peek(&c) != ' ') return false;
    struct str rest = lex_trim(cur_rest(&c));
    size_t version = rest.n;
    while (version > 0 && rest.p[version - 1] != ' ')
        version--;
    m->version = str_sub(rest, version, rest.n);
    m->uri = lex_trim(str_sub(rest, 0, version));
    if (m->uri.n == 0 || !str_starts_nocase(m->version, STR("SIP/"))) return false;
    m->is_request = true;
    m->method = sip_method_from_text(m->method_text);
    if (m->method_text.n + m->uri.n + m->version.n + 2 != line.n)
        message_fault(m, RC_MALFORMED, "start line", line.p);
    return true;
}

static enum rc message_start_line(struct sip_message *m, struct cur *c, struct parse_at *at)
{
    struct str line;
    if (!message_line(m, c, &line))
        return lex_fail(at, m->bytes, c->p, "a start line", RC_MALFORMED);
    if (line.n > SIP_START_LINE_MAX)
        return lex_fail(at, m->bytes, line.p, "a shorter start line", RC_TOO_BIG);
    bool ok = str_starts_nocase(line, STR("SIP/")) ? message_status_line(m, line)
                                                   : message_request_line(m, line);
    return ok ? RC_OK : lex_fail(at, m->bytes, line.p, "a SIP start line", RC_MALFORMED);
}

static void message_add(struct sip_message *m, struct str name, enum sip_header_id id,
                        struct str value)
{
    if (m->header_count == SIP_HEADER_MAX) {
        message_fault(m, RC_TOO_BIG, "header fields", name.p);
        return;
    }
    uint8_t index = (uint8_t)m->header_count++;
    m->headers[index] = (struct sip_header){name, value, (uint8_t)id, SIP_HEADER_NONE};
    if (m->first[id] == SIP_HEADER_NONE)
        m->first[id] = index;
    else
        m->headers[m->last[id]].next = index;
    m->last[id] = index;
}

/* The field name at the cursor and the colon behind it. Only a name we do not know is checked letter by
 * letter. field-name = token; HCOLON = *( SP / HTAB ) ":" SWS. RFC 3261, 25.1 */
static bool message_name(struct cur *c, struct str *name, enum sip_header_id *id)
{
    const char *colon = lex_find3(c->p, c->end, ':', '\r', '\n');
    if (colon == c->end || *colon != ':') return false;
    *name = str_of(c->p, (size_t)(colon - c->p));
    while (name->n > 0 && (name->p[name->n - 1] == ' ' || name->p[name->n - 1] == '\t'))
        name->n--;
    *id = sip_header_from_name(*name);
    if (*id == SIP_HEADER_OTHER && !sip_is_token(*name)) return false;
    c->p = colon + 1;
    return true;
}

/* A header field with its folds: a line that begins with white space continues the one before. RFC 3261,
 * 7.3.1 */
static bool message_header(struct sip_message *m, struct cur *c)
{
    struct str name, line;
    enum sip_header_id id;
    bool is_header = message_name(c, &name, &id);
    if (!is_header) message_fault(m, RC_MALFORMED, "header line", c->p);
    const char *value = c->p;
    do {
        if (!message_line(m, c, &line)) return false;
    } while (cur_peek(c) == ' ' || cur_peek(c) == '\t');
    if (is_header)
        message_add(m, name, id, lex_trim(str_of(value, (size_t)(line.p + line.n - value))));
    return true;
}

/* Header lines up to and with the empty one. */
static enum rc message_headers(struct sip_message *m, struct cur *c, struct parse_at *at)
{
    while (c->end - c->p < 2 || c->p[0] != '\r' || c->p[1] != '\n') {
        if (cur_at_end(c)) {
            message_fault(m, RC_MALFORMED, "end of header fields", c->p);
            return RC_OK;
        }
        if (!message_header(m, c))
            return lex_fail(at, m->bytes, c->p, "the end of a header line", RC_MALFORMED);
    }
    c->p += 2;
    return RC_OK;
}

/* RC_NOT_FOUND: no Content-Length; RC_MALFORMED: unusable. */
static enum rc message_length(const struct sip_message *m, uint64_t *out)
{
    const struct sip_header *h = sip_message_find(m, SIP_HEADER_CONTENT_LENGTH);
    if (!h) return RC_NOT_FOUND;
    enum rc rc = sip_length_parse(h->value, out);
    while (rc == RC_OK && (h = sip_message_next(m, h))) {
        uint64_t other;
        rc = sip_length_parse(h->value, &other);
        if (rc == RC_OK && other != *out) rc = RC_MALFORMED;
    }
    return rc;
}

static void message_body(struct sip_message *m, struct str rest, enum sip_arrival arrival)
{
    uint64_t length = rest.n;
    enum rc rc = message_length(m, &length);
    m->body = rest;
    if (rc == RC_NOT_FOUND) {
        if (arrival == SIP_STREAM) m->body_state = SIP_BODY_NO_LENGTH;
    } else if (rc == RC_TOO_BIG || (rc == RC_OK && length > rest.n)) {
        m->body_state = SIP_BODY_SHORT;
    } else if (rc != RC_OK) {
        m->body_state = SIP_BODY_BAD_LENGTH;
        m->body.n = 0;
    } else {
        m->body.n = (size_t)length;
    }
}

enum rc sip_message_parse(struct str bytes, enum sip_arrival arrival, struct sip_message *out,
                          struct parse_at *at)
{
    while (bytes.n >= 2 && bytes.p[0] == '\r' && bytes.p[1] == '\n')
        bytes = str_sub(bytes, 2, bytes.n);
    memset(out, 0, offsetof(struct sip_message, first));
    memset(out->first, SIP_HEADER_NONE, sizeof(out->first));
    out->bytes = bytes;
    struct cur c = cur_of(bytes);
    enum rc rc = message_start_line(out, &c, at);
    if (rc == RC_OK) rc = message_headers(out, &c, at);
    if (rc != RC_OK) return rc;
    out->head = cur_since(&c, bytes.p);
    message_body(out, cur_rest(&c), arrival);
    out->bytes = str_of(bytes.p, (size_t)(out->body.p - bytes.p) + out->body.n);
    return RC_OK;
}

unsigned sip_message_count(const struct sip_message *m, enum sip_header_id id)
{
    unsigned count = 0;
    for (const struct sip_header *h = sip_message_find(m, id); h; h = sip_message_next(m, h))
        count++;
    return count;
}

const struct sip_header *sip_message_by_name(const struct sip_message *m, struct str name,
                                             const struct sip_header *after)
{
    enum sip_header_id id = sip_header_from_name(name);
    const struct sip_header *h = after ? sip_message_next(m, after) : sip_message_find(m, id);
    while (id == SIP_HEADER_OTHER && h && !str_eq_nocase(h->name, name))
        h = sip_message_next(m, h);
    return h;
}
