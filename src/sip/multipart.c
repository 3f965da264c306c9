#include "sip/multipart.h"
#include "sip/header.h"
#include "sip/lex_int.h"
#include "sip/values.h"

/* media-type = m-type SLASH m-subtype *( SEMI m-parameter ). RFC 3261, 25.1 */
enum rc sip_content_type_parse(struct str value, struct sip_content_type *out)
{
    struct sip_content_type ct;
    struct cur c = cur_of(lex_trim(value));
    if (!lex_token(&c, &ct.type) || !lex_sep(&c, '/') || !lex_token(&c, &ct.subtype))
        return RC_MALFORMED;
    lex_lws(&c);
    ct.params = cur_rest(&c);
    if (sip_params_check(ct.params, NULL) != RC_OK) return RC_MALFORMED;
    *out = ct;
    return RC_OK;
}

bool sip_content_type_is(const struct sip_content_type *ct, struct str type, struct str subtype)
{
    return str_eq_nocase(ct->type, type) && str_eq_nocase(ct->subtype, subtype);
}

/* dash-boundary at the front of s, then "--" or white space to the end of the line. Bytes it takes,
 * 0 when it is none; *closes: it was the last. RFC 2046, 5.1.1 */
static size_t multipart_delimiter(struct str s, struct str boundary, bool *closes)
{
    struct cur c = cur_of(s);
    if (!cur_char(&c, '-') || !cur_char(&c, '-') || !str_starts(cur_rest(&c), boundary)) return 0;
    c.p += boundary.n;
    *closes = cur_left(&c) >= 2 && c.p[0] == '-' && c.p[1] == '-';
    if (*closes) c.p += 2;
    while (cur_char(&c, ' ') || cur_char(&c, '\t')) {}
    if (cur_at_end(&c)) return *closes ? s.n : 0;
    if (!cur_char(&c, '\r') || !cur_char(&c, '\n')) return 0;
    return (size_t)(c.p - s.p);
}

/* Finds the next delimiter line in s. *before: the bytes in front of it without the CRLF that
 * belongs to the delimiter; *after: the rest behind it. */
static bool multipart_find(struct str s, struct str boundary, struct str *before, struct str *after,
                           bool *closes)
{
    size_t line = 0;
    for (;;) {
        size_t n = multipart_delimiter(str_sub(s, line, s.n), boundary, closes);
        if (n > 0) {
            *before = str_sub(s, 0, line >= 2 ? line - 2 : 0);
            *after = str_sub(s, line + n, s.n);
            return true;
        }
        do {
            const char *lf = memchr(s.p + line, '\n', s.n - line);
            if (!lf) return false;
            line = (size_t)(lf - s.p) + 1;
        } while (line < 2 || s.p[line - 2] != '\r');
    }
}

enum rc sip_multipart_begin(struct sip_multipart *m, struct str content_type, struct str body)
{
    struct sip_content_type ct;
    struct str preamble, rest;
    bool closes;
    if (sip_content_type_parse(content_type, &ct) != RC_OK) return RC_MALFORMED;
    if (!lex_eq_lower(ct.type, STR("multipart"))) return RC_UNSUPPORTED;
    struct str boundary = sip_param_value(ct.params, STR("boundary"));
    if (boundary.n == 0 || boundary.n > SIP_MULTIPART_BOUNDARY_MAX || body.n == 0)
        return RC_MALFORMED;
    if (!multipart_find(body, boundary, &preamble, &rest, &closes)) return RC_MALFORMED;
    *m = (struct sip_multipart){.boundary = boundary, .rest = rest, .at_end = closes};
    return RC_OK;
}

static struct str *multipart_field(struct sip_part *part, struct str name)
{
    if (str_eq_nocase(name, STR("Content-Type")) || str_eq_nocase(name, STR("c")))
        return &part->content_type;
    if (str_eq_nocase(name, STR("Content-Disposition"))) return &part->content_disposition;
    if (str_eq_nocase(name, STR("Content-ID"))) return &part->content_id;
    if (str_eq_nocase(name, STR("Content-Transfer-Encoding"))) return &part->transfer_encoding;
    return NULL;
}

/* One header line with its folds; the first of a name counts. */
static bool multipart_header(struct cur *c, struct sip_part *part)
{
    struct str name;
    if (!lex_token(c, &name)) return false;
    while (cur_char(c, ' ') || cur_char(c, '\t')) {}
    if (!cur_char(c, ':')) return false;
    const char *value = c->p, *end;
    do {
        c->p = lex_find_eol(c->p, c->end);
        end = c->p;
        if (!cur_char(c, '\r') || !cur_char(c, '\n')) return false;
    } while (cur_peek(c) == ' ' || cur_peek(c) == '\t');
    struct str *field = multipart_field(part, name);
    if (field && !field->p) *field = lex_trim(str_of(value, (size_t)(end - value)));
    return true;
}

/* body-part = *( header CRLF ) CRLF content. A part may begin with the empty line: no header
 * fields. */
static bool multipart_part(struct str bytes, struct sip_part *out)
{
    struct sip_part part = {.head = {NULL, 0}};
    struct cur c = cur_of(bytes);
    const char *start = c.p;
    while (!cur_at_end(&c) && cur_peek(&c) != '\r') {
        if (!multipart_header(&c, &part)) return false;
    }
    part.head = cur_since(&c, start);
    if (!cur_at_end(&c) && (!cur_char(&c, '\r') || !cur_char(&c, '\n'))) return false;
    part.body = cur_rest(&c);
    *out = part;
    return true;
}

enum rc sip_multipart_next(struct sip_multipart *m, struct sip_part *out)
{
    struct str bytes, rest;
    bool closes;
    if (m->at_end) return RC_NOT_FOUND;
    if (m->part_count == SIP_MULTIPART_PART_MAX) return RC_TOO_BIG;
    if (!multipart_find(m->rest, m->boundary, &bytes, &rest, &closes)) return RC_MALFORMED;
    /* The CRLF in front of the delimiter belongs to it; only a part that is all header fields needs it
     * as the end of its last one. */
    struct sip_part part;
    if (!multipart_part(bytes, &part) &&
        (!multipart_part(str_of(bytes.p, bytes.n + 2), &part) || part.body.n > 0))
        return RC_MALFORMED;
    m->rest = rest;
    m->at_end = closes;
    m->part_count++;
    *out = part;
    return RC_OK;
}

static void multipart_print_field(struct buf *out, enum sip_header_id id, struct str value)
{
    if (value.n == 0) return;
    buf_put_str(out, sip_header_name(id));
    buf_put_lit(out, ": ");
    buf_put_str(out, value);
    buf_put_lit(out, "\r\n");
}

void sip_multipart_print_part(struct buf *out, struct str boundary, struct str content_type,
                              struct str content_disposition, struct str body)
{
    buf_put_lit(out, "--");
    buf_put_str(out, boundary);
    buf_put_lit(out, "\r\n");
    multipart_print_field(out, SIP_HEADER_CONTENT_TYPE, content_type);
    multipart_print_field(out, SIP_HEADER_CONTENT_DISPOSITION, content_disposition);
    buf_put_lit(out, "\r\n");
    buf_put_str(out, body);
    buf_put_lit(out, "\r\n");
}

void sip_multipart_print_end(struct buf *out, struct str boundary)
{
    buf_put_lit(out, "--");
    buf_put_str(out, boundary);
    buf_put_lit(out, "--\r\n");
}
