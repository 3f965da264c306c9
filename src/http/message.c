#include "http/message.h"
#include "base/base64.h"
#include "http/head_int.h"
#include "http/message_int.h"
#include <stdio.h>

static struct str find_in(const struct http_header *headers, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(headers[i].name, name)) return headers[i].value;
    }
    return STR("");
}

struct str http_header_find(const struct http_request *req, struct str name)
{
    return find_in(req->headers, req->header_count, name);
}

/* credentials = auth-scheme [ 1*SP ( token68 / ... ) ]  RFC 9110, 11.4 */
static struct str credentials(const struct http_request *req, struct str scheme)
{
    struct str value = http_header_find(req, STR("Authorization")), word;
    if (!str_split(&value, ' ', &word) || !value.p || !str_eq_nocase(word, scheme)) return STR("");
    return str_trim(value);
}

struct str http_bearer(const struct http_request *req)
{
    return credentials(req, STR("Bearer"));
}

enum rc http_basic(const struct http_request *req, struct str *user, struct str *password)
{
    struct str coded = credentials(req, STR("Basic"));
    if (coded.n == 0) return RC_NOT_FOUND;
    size_t cap = BASE64_DECODED_MAX(coded.n), n;
    uint8_t *plain = arena_alloc(req->arena, cap);
    if (!plain) return RC_NOMEM;
    enum rc rc = base64_decode(coded, plain, cap, &n);
    if (rc != RC_OK) return RC_MALFORMED;
    struct str all = bytes_str(bytes_of(plain, n));
    ptrdiff_t colon = str_find_char(all, ':');
    if (colon < 0 || !str_is_utf8(all)) return RC_MALFORMED;
    *user = str_sub(all, 0, (size_t)colon);
    *password = str_sub(all, (size_t)colon + 1, all.n);
    return RC_OK;
}

/* A name that is there twice says nothing: whoever set the second may not be us. */
struct str http_cookie(const struct http_request *req, struct str name)
{
    struct str found = STR("");
    bool is_found = false;
    for (size_t i = 0; i < req->header_count; i++) {
        if (!str_eq_nocase(req->headers[i].name, STR("Cookie"))) continue;
        struct str rest = req->headers[i].value, pair, key;
        while (str_split(&rest, ';', &pair)) {
            pair = str_trim(pair);
            if (!str_split(&pair, '=', &key) || !str_eq(key, name)) continue;
            if (is_found) return STR("");
            is_found = true;
            found = pair.p ? pair : STR("");
        }
    }
    return found;
}

bool http_is_type(const struct http_request *req, struct str type)
{
    struct str value = http_header_find(req, STR("Content-Type")), media;
    return str_split(&value, ';', &media) && str_eq_nocase(str_trim(media), type);
}

void http_response_init(struct http_response *res, struct arena *arena)
{
    res->status = 200;
    res->header_count = 0;
    res->rc = RC_OK;
    res->arena = arena;
    buf_init_secret(&res->body, HTTP_RESPONSE_BODY_MAX); /* tokens, pages with one-time values */
}

void http_response_wipe_body(struct http_response *res)
{
    if (res->body.p) explicit_bzero(res->body.p, res->body.cap);
    buf_reset(&res->body);
}

void http_response_fini(struct http_response *res)
{
    buf_fini(&res->body);
}

struct str http_response_find(const struct http_response *res, struct str name)
{
    return find_in(res->headers, res->header_count, name);
}

static void fail(struct http_response *res, enum rc rc)
{
    if (res->rc == RC_OK) res->rc = rc;
}

/* Several fields of one name are for Set-Cookie and the like; what stands for the whole response
 * stands once. */
static bool is_single(struct str name)
{
    static const struct str names[] = {
        STR_INIT("Content-Type"),  STR_INIT("Location"),      STR_INIT("ETag"),
        STR_INIT("Last-Modified"), STR_INIT("Cache-Control"), STR_INIT("Content-Security-Policy"),
        STR_INIT("Retry-After"),
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_eq_nocase(name, names[i])) return true;
    }
    return false;
}

static struct http_header *slot_for(struct http_response *res, struct str name)
{
    for (size_t i = 0; is_single(name) && i < res->header_count; i++) {
        if (str_eq_nocase(res->headers[i].name, name)) return &res->headers[i];
    }
    if (res->header_count == HTTP_RESPONSE_HEADER_MAX) return NULL;
    return &res->headers[res->header_count++];
}

/* Framing and the connection are the server's business. */
static bool is_ours(struct str name)
{
    return str_eq_nocase(name, STR("Content-Length")) || str_eq_nocase(name, STR("Connection")) ||
           str_eq_nocase(name, STR("Transfer-Encoding")) || str_eq_nocase(name, STR("Date"));
}

void http_set_header(struct http_response *res, const char *name, struct str value)
{
    struct http_header made = {str_from(name), value};
    if (!http_is_token(made.name) || !http_is_field_value(value) || is_ours(made.name)) {
        fail(res, RC_INVALID);
        return;
    }
    if (arena_str_dup(res->arena, made.name, &made.name) != RC_OK ||
        arena_str_dup(res->arena, str_trim(value), &made.value) != RC_OK) {
        fail(res, RC_NOMEM);
        return;
    }
    struct http_header *slot = slot_for(res, made.name);
    if (slot)
        *slot = made;
    else
        fail(res, RC_TOO_BIG);
}

void http_reply(struct http_response *res, int status, const char *content_type, struct str body)
{
    res->status = status;
    http_set_header(res, "Content-Type", str_from(content_type));
    http_response_wipe_body(res);
    buf_put_str(&res->body, body);
}

void http_reply_text(struct http_response *res, int status, const char *sentence)
{
    http_reply(res, status, "text/plain; charset=utf-8", str_from(sentence));
    buf_put_char(&res->body, '\n');
}

void http_redirect(struct http_response *res, int status, struct str location)
{
    res->status = status;
    http_response_wipe_body(res);
    http_set_header(res, "Location", location);
}

/* cookie-octet = %x21 / %x23-2B / %x2D-3A / %x3C-5B / %x5D-7E  RFC 6265, 4.1.1 */
static bool is_cookie_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= 0x20 || c >= 0x7F || c == '"' || c == ',' || c == ';' || c == '\\') return false;
    }
    return true;
}

void http_set_cookie(struct http_response *res, const struct http_request *req, const char *name,
                     struct str value, int64_t max_age_s)
{
    if (!http_is_token(str_from(name)) || !is_cookie_value(value)) {
        fail(res, RC_INVALID);
        return;
    }
    char age[40] = "";
    struct str line;
    if (max_age_s >= 0) snprintf(age, sizeof age, "; Max-Age=%lld", (long long)max_age_s);
    if (arena_printf(res->arena, &line, "%s=%.*s; Path=/; HttpOnly; SameSite=Lax%s%s", name,
                     STR_ARG(value), age, req->peer.is_tls ? "; Secure" : "") != RC_OK)
        fail(res, RC_NOMEM);
    else
        http_set_header(res, "Set-Cookie", line);
}

/* If-None-Match = "*" / #entity-tag; compared weakly (RFC 9110, 13.1.2). */
static bool tag_matches(struct str list, struct str tag)
{
    struct str part;
    if (str_eq(str_trim(list), STR("*"))) return true;
    while (str_split(&list, ',', &part)) {
        part = str_trim(part);
        if (str_starts(part, STR("W/"))) part = str_sub(part, 2, part.n);
        if (part.n == tag.n + 2 && part.p[0] == '"' && part.p[part.n - 1] == '"' &&
            str_eq(str_sub(part, 1, part.n - 1), tag))
            return true;
    }
    return false;
}

static bool client_has_it(const struct http_request *req, struct str tag, int64_t modified_unix_s)
{
    struct str none_match = http_header_find(req, STR("If-None-Match"));
    if (none_match.n > 0) return tag_matches(none_match, tag);
    int64_t since;
    struct str modified_since = http_header_find(req, STR("If-Modified-Since"));
    return modified_unix_s > 0 && http_parse_date(modified_since, &since) == RC_OK &&
           modified_unix_s <= since;
}

/* etagc = %x21 / %x23-7E / obs-text  RFC 9110, 8.8.3; a comma would split our own list walk */
static bool is_tag(struct str tag)
{
    for (size_t i = 0; i < tag.n; i++) {
        unsigned char c = (unsigned char)tag.p[i];
        if (c <= 0x20 || c >= 0x7F || c == '"' || c == ',') return false;
    }
    return tag.n > 0;
}

bool http_is_unchanged(const struct http_request *req, struct http_response *res, struct str tag,
                       int64_t modified_unix_s)
{
    struct str quoted, date;
    char text[32];
    struct buf printed;
    if (!is_tag(tag) || arena_printf(res->arena, &quoted, "\"%.*s\"", STR_ARG(tag)) != RC_OK) {
        fail(res, is_tag(tag) ? RC_NOMEM : RC_INVALID);
        return false;
    }
    http_set_header(res, "ETag", quoted);
    if (modified_unix_s > 0) {
        buf_init_fixed(&printed, text, sizeof text);
        http_print_date(&printed, modified_unix_s);
        date = buf_str(&printed);
        http_set_header(res, "Last-Modified", date);
    }
    if (req->method != HTTP_GET && req->method != HTTP_HEAD) return false;
    if (!client_has_it(req, tag, modified_unix_s)) return false;
    res->status = 304;
    http_response_wipe_body(res);
    return true;
}
