#include "base/cur.h"
#include "base/form.h"
#include "http/head_int.h"

enum { LEADING_EMPTY_MAX = 4 };

/* Parse state: what a failure shall be answered with. */
struct head_parse {
    struct cur cur;
    struct arena *arena;
    struct http_head *out;
    int status;
    const char *why;
};

static enum rc refuse(struct head_parse *p, enum rc rc, int status, const char *why)
{
    p->status = status;
    p->why = why;
    return rc;
}

enum rc http_head_find(struct str in, struct http_head_scan *scan, size_t *head_len)
{
    for (; scan->at < in.n; scan->at++) {
        if (scan->at >= HTTP_HEAD_MAX) return RC_TOO_BIG;
        if (in.p[scan->at] != '\n') continue;
        size_t line_len = scan->at - scan->line_start; /* its CR included */
        if (line_len == 0 || in.p[scan->at - 1] != '\r') return RC_MALFORMED;
        if (line_len == 1 && scan->has_line) {
            *head_len = scan->at + 1;
            return RC_OK;
        }
        scan->has_line = scan->has_line || line_len > 1;
        scan->line_start = scan->at + 1;
        if (!scan->has_line && scan->line_start > 2 * LEADING_EMPTY_MAX) return RC_MALFORMED;
    }
    return RC_MORE;
}

/* tchar = "!" / "#" / "$" / ... / DIGIT / ALPHA  RFC 9110, 5.6.2 */
static bool is_tchar(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool http_is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_tchar(s.p[i])) return false;
    }
    return s.n > 0;
}

bool http_is_field_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F) return false;
    }
    return true;
}

bool http_list_has(struct str list, struct str token)
{
    struct str part;
    while (str_split(&list, ',', &part)) {
        if (str_eq_nocase(str_trim(part), token)) return true;
    }
    return false;
}

static bool next_line(struct head_parse *p, struct str *line)
{
    const char *lf = memchr(p->cur.p, '\n', cur_left(&p->cur));
    if (!lf || lf == p->cur.p || lf[-1] != '\r') return false;
    *line = str_of(p->cur.p, (size_t)(lf - 1 - p->cur.p));
    p->cur.p = lf + 1;
    return true;
}

static enum http_method method_of(struct str name)
{
    for (unsigned bit = HTTP_GET; bit <= HTTP_OPTIONS; bit <<= 1) {
        if (str_eq(name, str_from(http_method_name((enum http_method)bit))))
            return (enum http_method)bit;
    }
    return (enum http_method)0;
}

/* Visible ASCII without what no URL holds raw. */
static bool is_target(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= 0x20 || c >= 0x7F || c == '#' || c == '"' || c == '<' || c == '>' || c == '\\')
            return false;
    }
    return s.n > 0;
}

/* The path of origin-form, or of absolute-form behind its authority (RFC 9112, 3.2). */
static bool split_target(struct str target, struct str *path, struct str *query)
{
    struct str rest = target;
    if (str_starts_nocase(rest, STR("http://")) || str_starts_nocase(rest, STR("https://"))) {
        rest = str_sub(rest, (size_t)str_find(rest, STR("//")) + 2, rest.n);
        ptrdiff_t slash = str_find_char(rest, '/');
        if (slash <= 0) return false;
        rest = str_sub(rest, (size_t)slash, rest.n);
    }
    if (rest.p[0] != '/') return false;
    ptrdiff_t mark = str_find_char(rest, '?');
    *path = mark < 0 ? rest : str_sub(rest, 0, (size_t)mark);
    *query = mark < 0 ? STR("") : str_sub(rest, (size_t)mark + 1, rest.n);
    return true;
}

static bool has_dot_segment(struct str path)
{
    struct str part;
    while (str_split(&path, '/', &part)) {
        if (str_eq(part, STR(".")) || str_eq(part, STR(".."))) return true;
    }
    return false;
}

static enum rc take_target(struct head_parse *p, struct str target)
{
    struct http_head *h = p->out;
    if (target.n > HTTP_TARGET_MAX)
        return refuse(p, RC_TOO_BIG, 414, "The request target is too long.");
    if (!is_target(target) || !split_target(target, &h->raw_path, &h->query))
        return refuse(p, RC_MALFORMED, 400, "The request target is not a path.");
    enum rc rc = percent_decode(h->raw_path, false, p->arena, &h->path);
    if (rc == RC_NOMEM) return refuse(p, rc, 503, "Out of memory.");
    if (rc != RC_OK || !http_is_field_value(h->path) || has_dot_segment(h->path))
        return refuse(p, RC_MALFORMED, 400, "The request path is malformed.");
    h->target = target;
    return RC_OK;
}

/* HTTP-version = HTTP-name "/" DIGIT "." DIGIT  RFC 9112, 2.3 */
static enum rc take_version(struct head_parse *p, struct str version)
{
    p->out->is_http10 = str_eq(version, STR("HTTP/1.0"));
    if (p->out->is_http10 || str_eq(version, STR("HTTP/1.1"))) return RC_OK;
    if (version.n == 8 && str_starts(version, STR("HTTP/")) && version.p[6] == '.')
        return refuse(p, RC_UNSUPPORTED, 505, "This server speaks HTTP/1.1.");
    return refuse(p, RC_MALFORMED, 400, "The request line is malformed.");
}

/* request-line = method SP request-target SP HTTP-version  RFC 9112, 3 */
static enum rc take_request_line(struct head_parse *p)
{
    struct str line, method, target;
    do {
        if (!next_line(p, &line))
            return refuse(p, RC_MALFORMED, 400, "The request line is malformed.");
    } while (line.n == 0);
    if (!str_split(&line, ' ', &method) || !str_split(&line, ' ', &target) ||
        !http_is_token(method))
        return refuse(p, RC_MALFORMED, 400, "The request line is malformed.");
    enum rc rc = take_version(p, line.p ? line : STR(""));
    if (rc != RC_OK) return rc;
    p->out->method = method_of(method);
    if (p->out->method == 0)
        return refuse(p, RC_UNSUPPORTED, 501, "This method is not known here.");
    return take_target(p, target);
}

/* field-line = field-name ":" OWS field-value OWS  RFC 9112, 5 */
static enum rc take_field(struct head_parse *p, struct str line)
{
    struct http_head *h = p->out;
    if (h->header_count == HTTP_HEADER_MAX)
        return refuse(p, RC_TOO_BIG, 431, "There are too many header fields.");
    ptrdiff_t colon = str_find_char(line, ':');
    if (colon <= 0) return refuse(p, RC_MALFORMED, 400, "A header field is malformed.");
    struct str name = str_sub(line, 0, (size_t)colon);
    struct str value = str_trim(str_sub(line, (size_t)colon + 1, line.n));
    if (!http_is_token(name) || !http_is_field_value(value))
        return refuse(p, RC_MALFORMED, 400, "A header field is malformed.");
    h->headers[h->header_count++] = (struct http_header){name, value};
    return RC_OK;
}

static enum rc take_fields(struct head_parse *p)
{
    struct str line;
    for (;;) {
        if (!next_line(p, &line))
            return refuse(p, RC_MALFORMED, 400, "A header field is malformed.");
        if (line.n == 0) return RC_OK;
        enum rc rc = take_field(p, line);
        if (rc != RC_OK) return rc;
    }
}

/* The only field of that name; *count says how many there are. */
static struct str only_field(const struct http_head *h, struct str name, size_t *count)
{
    struct str value = STR("");
    *count = 0;
    for (size_t i = 0; i < h->header_count; i++) {
        if (!str_eq_nocase(h->headers[i].name, name)) continue;
        value = h->headers[i].value;
        (*count)++;
    }
    return value;
}

/* How long the body is (RFC 9112, 6): one way to say it, said once. */
static enum rc take_framing(struct head_parse *p)
{
    struct http_head *h = p->out;
    size_t lengths, codings;
    struct str length = only_field(h, STR("Content-Length"), &lengths);
    struct str coding = only_field(h, STR("Transfer-Encoding"), &codings);
    if (lengths + codings > 1)
        return refuse(p, RC_MALFORMED, 400, "The length of the body is given more than once.");
    if (lengths == 1 && (length.n == 0 || str_to_u64(length, INT64_MAX, &h->body_len) != RC_OK))
        return refuse(p, RC_MALFORMED, 400, "Content-Length is not a number.");
    if (codings == 0) return RC_OK;
    if (h->is_http10) return refuse(p, RC_MALFORMED, 400, "HTTP/1.0 has no transfer codings.");
    if (!str_eq_nocase(coding, STR("chunked")))
        return refuse(p, RC_UNSUPPORTED, 501, "The only transfer coding known here is chunked.");
    h->is_chunked = true;
    return RC_OK;
}

/* host = uri-host [ ":" port ]; what matters here is that there is one and that it is harmless. */
static bool is_host(struct str host)
{
    for (size_t i = 0; i < host.n; i++) {
        unsigned char c = (unsigned char)host.p[i];
        if (c <= 0x20 || c >= 0x7F || strchr("/?#@\\,<>\"", c)) return false;
    }
    return true;
}

static enum rc take_rest(struct head_parse *p)
{
    struct http_head *h = p->out;
    size_t count;
    struct str host = only_field(h, STR("Host"), &count);
    if (count > 1 || (count == 0 && !h->is_http10) || !is_host(host))
        return refuse(p, RC_MALFORMED, 400, "There must be one Host field.");
    struct str expect = only_field(h, STR("Expect"), &count);
    if (count > 0 && !h->is_http10) {
        if (!str_eq_nocase(expect, STR("100-continue")))
            return refuse(p, RC_UNSUPPORTED, 417, "The only expectation known is 100-continue.");
        h->expects_continue = true;
    }
    h->wants_close = h->is_http10;
    for (size_t i = 0; i < h->header_count; i++) {
        if (!str_eq_nocase(h->headers[i].name, STR("Connection"))) continue;
        if (http_list_has(h->headers[i].value, STR("keep-alive"))) h->wants_close = false;
        if (http_list_has(h->headers[i].value, STR("close"))) {
            h->wants_close = true;
            break;
        }
    }
    return RC_OK;
}

enum rc http_head_parse(struct str in, struct arena *arena, struct http_head *out, int *status,
                        const char **why)
{
    struct head_parse p = {.cur = cur_of(in), .arena = arena, .out = out};
    out->method = (enum http_method)0;
    out->header_count = 0;
    out->is_chunked = out->expects_continue = out->wants_close = false;
    out->body_len = 0;
    enum rc rc = take_request_line(&p);
    if (rc == RC_OK) rc = take_fields(&p);
    if (rc == RC_OK) rc = take_framing(&p);
    if (rc == RC_OK) rc = take_rest(&p);
    if (rc != RC_OK) {
        *status = p.status;
        *why = p.why;
    }
    return rc;
}
