/* Any bytes as a connection: a head, then what follows as a chunked body. Each slice stays inside
 * the input, and a head printed from what was read is read as the same. */
#include "base/check.h"
#include "http/head_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_head(struct buf *out, const struct http_head *h)
{
    buf_put_str(out, str_from(http_method_name(h->method)));
    buf_put_char(out, ' ');
    buf_put_str(out, h->target);
    buf_put_str(out, h->is_http10 ? STR(" HTTP/1.0\r\n") : STR(" HTTP/1.1\r\n"));
    for (size_t i = 0; i < h->header_count; i++) {
        buf_put_str(out, h->headers[i].name);
        buf_put_lit(out, ": ");
        buf_put_str(out, h->headers[i].value);
        buf_put_lit(out, "\r\n");
    }
    buf_put_lit(out, "\r\n");
}

static void read_chunks(struct str in)
{
    struct http_chunks c = {0};
    for (;;) {
        size_t used;
        struct str body;
        enum rc rc = http_chunks_step(&c, in, &used, &body);
        CHECK(used <= in.n && body.n <= used);
        in = str_sub(in, used, in.n);
        if (rc != RC_MORE || used == 0) return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_head h, again;
    struct str in = {(const char *)data, size};
    struct http_head_scan scan = {0};
    struct arena arena;
    struct buf printed;
    size_t head_len;
    int status = 0;
    const char *why = NULL;
    if (size == 0 || http_head_find(in, &scan, &head_len) != RC_OK) return 0;
    CHECK(head_len <= size);
    arena_init(&arena, NULL, 0, 1 << 20);
    buf_init(&printed, 1 << 20);
    if (http_head_parse(str_sub(in, 0, head_len), &arena, &h, &status, &why) == RC_OK) {
        put_head(&printed, &h);
        CHECK(http_head_parse(buf_str(&printed), &arena, &again, &status, &why) == RC_OK);
        CHECK(str_eq(h.path, again.path) && h.body_len == again.body_len);
        CHECK(h.is_chunked == again.is_chunked && h.wants_close == again.wants_close);
        read_chunks(str_sub(in, head_len, size));
    } else {
        CHECK(status >= 400 && why != NULL);
    }
    buf_fini(&printed);
    arena_fini(&arena);
    return 0;
}
