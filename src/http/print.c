/* The head of a response: what the handler set, then what every answer carries. */
#include "http/message_int.h"

#define CSP_DEFAULT "default-src 'none'; frame-ancestors 'none'"

static void put_field(struct buf *out, const char *name, struct str value)
{
    buf_put_str(out, str_from(name));
    buf_put_lit(out, ": ");
    buf_put_str(out, value);
    buf_put_lit(out, "\r\n");
}

static void put_unless_set(struct buf *out, const struct http_response *res, const char *name,
                           const char *value)
{
    for (size_t i = 0; i < res->header_count; i++) {
        if (str_eq_nocase(res->headers[i].name, str_from(name))) return;
    }
    put_field(out, name, str_from(value));
}

static void put_defaults(struct buf *out, const struct http_response *res,
                         const struct http_print *how)
{
    put_unless_set(out, res, "Cache-Control", "no-store");
    put_unless_set(out, res, "X-Content-Type-Options", "nosniff");
    put_unless_set(out, res, "Referrer-Policy", "no-referrer");
    put_unless_set(out, res, "X-Frame-Options", "DENY");
    put_unless_set(out, res, "Content-Security-Policy", how->csp ? how->csp : CSP_DEFAULT);
    if (how->is_tls) put_unless_set(out, res, "Strict-Transport-Security", "max-age=31536000");
}

void http_response_print_head(struct buf *out, const struct http_response *res,
                              const struct http_print *how)
{
    buf_printf(out, "HTTP/1.1 %d %s\r\nDate: ", res->status, http_status_text(res->status));
    http_print_date(out, how->now_unix_s);
    buf_put_lit(out, "\r\n");
    for (size_t i = 0; i < res->header_count; i++) {
        buf_put_str(out, res->headers[i].name);
        buf_put_lit(out, ": ");
        buf_put_str(out, res->headers[i].value);
        buf_put_lit(out, "\r\n");
    }
    put_defaults(out, res, how);
    if (how->has_body) buf_printf(out, "Content-Length: %zu\r\n", res->body.n);
    if (how->closes) put_field(out, "Connection", STR("close"));
    buf_put_lit(out, "\r\n");
}
