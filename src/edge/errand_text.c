#include "edge/errand_text.h"

#include "base/base64.h"
#include "crypto/secret.h"

#include <jansson.h>
#include <stdlib.h>

struct str edge_errand_header_find(const struct edge_errand_header *headers, size_t count,
                                   const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(headers[i].name, str_from(name))) return headers[i].value;
    return STR("");
}

/* ---- printing ---- */

static json_t *text(struct str s)
{
    return json_stringn(s.p ? s.p : "", s.n);
}

static json_t *headers_print(const struct edge_errand_header *headers, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *value = text(headers[i].value); /* NULL: not UTF-8; left out */
        if (!value) continue;
        json_array_append_new(array, json_pack("[o, o]", text(headers[i].name), value));
    }
    return array;
}

static enum rc finish(json_t *o, struct str body, struct arena *a, struct str *out)
{
    struct buf b;
    char *dump = NULL;
    buf_init(&b, BASE64_LEN(EDGE_ERRAND_BODY_MAX) + 1);
    base64_print(&b, str_bytes(body));
    enum rc rc = body.n > EDGE_ERRAND_BODY_MAX ? RC_TOO_BIG : buf_rc(&b);
    if (rc == RC_OK && (!o || json_object_set_new(o, "body", text(buf_str(&b))) != 0 ||
                        !(dump = json_dumps(o, JSON_COMPACT))))
        rc = RC_NOMEM;
    if (rc == RC_OK) rc = arena_str_dup(a, str_from(dump), out);
    if (dump) crypto_wipe(dump, strlen(dump));
    free(dump);
    if (b.p) crypto_wipe(b.p, b.n);
    buf_fini(&b);
    json_decref(o);
    return rc;
}

enum rc edge_errand_print_request(const struct edge_errand_request *r, struct arena *a,
                                  struct str *out)
{
    json_t *o = json_pack(
        "{s:o, s:o, s:o, s:o, s:i, s:i, s:o}", "method", text(r->method), "target", text(r->target),
        "peer", text(r->peer), "edge_host", text(r->edge_host), "sip_port", (int)r->sip_port,
        "https_port", (int)r->https_port, "headers", headers_print(r->headers, r->header_count));
    return finish(o, r->body, a, out);
}

enum rc edge_errand_print_answer(const struct edge_errand_answer *r, struct arena *a,
                                 struct str *out)
{
    json_t *o = json_pack("{s:i, s:o}", "status", (int)r->status, "headers",
                          headers_print(r->headers, r->header_count));
    return finish(o, r->body, a, out);
}

/* ---- reading ---- */

static enum rc take_text(const json_t *v, size_t max, struct arena *a, struct str *out)
{
    if (!json_is_string(v)) return RC_MALFORMED;
    struct str s = str_of(json_string_value(v), json_string_length(v));
    if (s.n > max) return RC_TOO_BIG;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') return RC_MALFORMED;
    return arena_str_dup(a, s, out);
}

static enum rc take_headers(const json_t *o, struct arena *a, struct edge_errand_header *out,
                            size_t *count)
{
    const json_t *array = json_object_get(o, "headers");
    size_t n = json_array_size(array);
    *count = 0;
    if (!json_is_array(array)) return RC_MALFORMED;
    if (n > EDGE_ERRAND_HEADERS_MAX) return RC_TOO_BIG;
    for (size_t i = 0; i < n; i++) {
        const json_t *pair = json_array_get(array, i);
        enum rc rc = take_text(json_array_get(pair, 0), 64, a, &out[i].name);
        if (rc == RC_OK)
            rc = take_text(json_array_get(pair, 1), EDGE_ERRAND_HEADER_MAX, a, &out[i].value);
        if (rc != RC_OK) return rc;
    }
    *count = n;
    return RC_OK;
}

static enum rc take_body(const json_t *o, struct arena *a, struct str *out)
{
    const json_t *v = json_object_get(o, "body");
    if (!json_is_string(v)) return RC_MALFORMED;
    struct str s = str_of(json_string_value(v), json_string_length(v));
    if (s.n > BASE64_LEN(EDGE_ERRAND_BODY_MAX)) return RC_TOO_BIG;
    size_t n;
    uint8_t *p = arena_alloc(a, BASE64_DECODED_MAX(s.n) + 1);
    if (!p) return RC_NOMEM;
    enum rc rc = base64_decode(s, p, BASE64_DECODED_MAX(s.n), &n);
    *out = str_of((const char *)p, rc == RC_OK ? n : 0);
    return rc;
}

static bool take_number(const json_t *o, const char *name, json_int_t max, unsigned *out)
{
    const json_t *v = json_object_get(o, name);
    json_int_t n = json_integer_value(v);
    *out = (unsigned)n;
    return json_is_integer(v) && n >= 0 && n <= max;
}

static json_t *load(struct str s)
{
    json_t *o = s.n <= EDGE_ERRAND_TEXT_MAX ? json_loadb(s.p, s.n, JSON_REJECT_DUPLICATES, NULL)
                                            : NULL;
    if (json_is_object(o)) return o;
    json_decref(o);
    return NULL;
}

enum rc edge_errand_read_request(struct str s, struct arena *a, struct edge_errand_request *out)
{
    json_t *o = load(s);
    if (!o) return RC_MALFORMED;
    enum rc rc = take_text(json_object_get(o, "method"), 16, a, &out->method);
    if (rc == RC_OK) rc = take_text(json_object_get(o, "target"), 16384, a, &out->target);
    if (rc == RC_OK) rc = take_text(json_object_get(o, "peer"), 64, a, &out->peer);
    if (rc == RC_OK) rc = take_text(json_object_get(o, "edge_host"), 253, a, &out->edge_host);
    if (rc == RC_OK && (!take_number(o, "sip_port", UINT16_MAX, &out->sip_port) ||
                        !take_number(o, "https_port", UINT16_MAX, &out->https_port)))
        rc = RC_MALFORMED;
    if (rc == RC_OK) rc = take_headers(o, a, out->headers, &out->header_count);
    if (rc == RC_OK) rc = take_body(o, a, &out->body);
    json_decref(o);
    return rc;
}

enum rc edge_errand_read_answer(struct str s, struct arena *a, struct edge_errand_answer *out)
{
    json_t *o = load(s);
    if (!o) return RC_MALFORMED;
    enum rc rc = take_number(o, "status", 599, &out->status) && out->status >= 200 ? RC_OK
                                                                                   : RC_MALFORMED;
    if (rc == RC_OK) rc = take_headers(o, a, out->headers, &out->header_count);
    if (rc == RC_OK) rc = take_body(o, a, &out->body);
    json_decref(o);
    return rc;
}
