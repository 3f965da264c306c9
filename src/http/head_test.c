#include "kit/kit.h"

#include "http/head_int.h"

#define GET(fields) "GET /a HTTP/1.1\r\nHost: h\r\n" fields "\r\n"

static enum rc parse(const char *text, struct arena *a, struct http_head *h, int *status)
{
    const char *why = "";
    return http_head_parse(str_from(text), a, h, status, &why);
}

static void test_reads_request_line_and_fields(void **state)
{
    (void)state;
    struct arena a;
    static struct http_head h;
    int status = 0;
    arena_init(&a, NULL, 0, 1 << 16);
    assert_rc(RC_OK, parse("\r\nPOST /a%20b/c?x=%2F&y HTTP/1.1\r\nHost: node.example:8443\r\n"
                           "Content-Length: 12\r\nX-Y:\t v \t\r\nConnection: a, Close\r\n\r\n",
                           &a, &h, &status));
    assert_int_equal(HTTP_POST, h.method);
    assert_str("/a%20b/c?x=%2F&y", h.target);
    assert_str("/a%20b/c", h.raw_path);
    assert_str("/a b/c", h.path);
    assert_str("x=%2F&y", h.query);
    assert_int_equal(12, h.body_len);
    assert_int_equal(4, h.header_count);
    assert_str("X-Y", h.headers[2].name);
    assert_str("v", h.headers[2].value);
    assert_true(h.wants_close);
    assert_false(h.is_chunked);
    arena_fini(&a);
}

static void test_good_heads(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool closes, is_chunked, expects;
    } rows[] = {
        {GET(""), false, false, false},
        {GET("Connection: close\r\n"), true, false, false},
        {GET("Transfer-Encoding: Chunked\r\n"), false, true, false},
        {GET("Expect: 100-Continue\r\n"), false, false, true},
        {"GET / HTTP/1.0\r\n\r\n", true, false, false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false, false, false},
        {"GET http://h:1/x HTTP/1.1\r\nHost: h\r\n\r\n", false, false, false},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", false, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena a;
        static struct http_head h;
        int status = 0;
        arena_init(&a, NULL, 0, 1 << 16);
        assert_rc(RC_OK, parse(rows[i].text, &a, &h, &status));
        assert_int_equal(rows[i].closes, h.wants_close);
        assert_int_equal(rows[i].is_chunked, h.is_chunked);
        assert_int_equal(rows[i].expects, h.expects_continue);
        arena_fini(&a);
    }
}

/* What two readers could take for different requests is no request. */
static void test_bad_heads_and_their_answers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status;
    } rows[] = {
        {"GET /\r\n\r\n", 400},
        {"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
        {"GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505},
        {"GET / http/1.1\r\nHost: h\r\n\r\n", 400},
        {"get / HTTP/1.1\r\nHost: h\r\n\r\n", 501},
        {"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 501},
        {"G(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"GET x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"GET /\xC3\xA9 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"GET /%0D%0Ax HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"GET /a/../b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"GET /%2e%2e/b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"GET /a%2f..%2fb HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"GET /./b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {GET("Host: other\r\n"), 400},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {GET("Bad Name: x\r\n"), 400},
        {GET("Name : x\r\n"), 400},
        {GET(": x\r\n"), 400},
        {GET("NoColon\r\n"), 400},
        {GET("A: b\r\n folded\r\n"), 400},
        {GET("A: b\x01\r\n"), 400},
        {GET("A: b\rc\r\n"), 400},
        {GET("Content-Length: 1\r\nContent-Length: 1\r\n"), 400},
        {GET("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400},
        {GET("Content-Length: +1\r\n"), 400},
        {GET("Content-Length: -1\r\n"), 400},
        {GET("Content-Length: 1, 1\r\n"), 400},
        {GET("Content-Length:\r\n"), 400},
        {GET("Content-Length: 99999999999999999999\r\n"), 400},
        {GET("Transfer-Encoding: gzip, chunked\r\n"), 501},
        {GET("Transfer-Encoding: identity\r\n"), 501},
        {GET("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
        {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {GET("Expect: tea\r\n"), 417},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena a;
        static struct http_head h;
        int status = 0;
        arena_init(&a, NULL, 0, 1 << 16);
        if (parse(rows[i].text, &a, &h, &status) == RC_OK) fail_msg("accepted: %s", rows[i].text);
        if (status != rows[i].status) fail_msg("%d for: %s", status, rows[i].text);
        arena_fini(&a);
    }
}

static void test_bounds_of_a_head(void **state)
{
    (void)state;
    struct arena a;
    static struct http_head h;
    struct buf text;
    int status = 0;
    arena_init(&a, NULL, 0, 1 << 16);
    buf_init(&text, 1 << 20);
    buf_put_lit(&text, "GET / HTTP/1.1\r\nHost: h\r\n");
    for (int i = 1; i < HTTP_HEADER_MAX; i++)
        buf_put_lit(&text, "A: b\r\n");
    buf_put_lit(&text, "\r\n");
    assert_rc(RC_OK, parse(buf_cstr(&text), &a, &h, &status));
    text.n -= 2;
    buf_put_lit(&text, "A: b\r\n\r\n");
    assert_rc(RC_TOO_BIG, parse(buf_cstr(&text), &a, &h, &status));
    assert_int_equal(431, status);
    buf_reset(&text);
    buf_put_lit(&text, "GET /");
    for (int i = 0; i < HTTP_TARGET_MAX; i++)
        buf_put_char(&text, 'a');
    buf_put_lit(&text, " HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_rc(RC_TOO_BIG, parse(buf_cstr(&text), &a, &h, &status));
    assert_int_equal(414, status);
    buf_fini(&text);
    arena_fini(&a);
}

/* A whole head is found at the same place however it is cut. */
static void test_finds_the_end_in_pieces(void **state)
{
    (void)state;
    const struct str whole = STR("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\nGET /next");
    struct http_head_scan scan = {0};
    size_t head_len = 0;
    for (size_t n = 0; n < whole.n - 9; n++) {
        struct str part = kit_guard(str_sub(whole, 0, n));
        assert_rc(RC_MORE, http_head_find(part, &scan, &head_len));
        kit_guard_free(part);
    }
    assert_rc(RC_OK, http_head_find(whole, &scan, &head_len));
    assert_int_equal(whole.n - 9, head_len);
}

static void test_bad_line_ends_and_long_heads_are_seen_at_once(void **state)
{
    (void)state;
    size_t head_len;
    struct http_head_scan scan = {0};
    assert_rc(RC_MALFORMED, http_head_find(STR("GET / HTTP/1.1\n"), &scan, &head_len));
    scan = (struct http_head_scan){0};
    assert_rc(RC_MALFORMED, http_head_find(STR("\n"), &scan, &head_len));
    scan = (struct http_head_scan){0};
    assert_rc(RC_MALFORMED, http_head_find(STR("\r\n\r\n\r\n\r\n\r\n"), &scan, &head_len));
    static char many[HTTP_HEAD_MAX + 1];
    memset(many, 'a', sizeof many);
    scan = (struct http_head_scan){0};
    assert_rc(RC_MORE, http_head_find(str_of(many, HTTP_HEAD_MAX), &scan, &head_len));
    assert_rc(RC_TOO_BIG, http_head_find(str_of(many, sizeof many), &scan, &head_len));
}

/* Feeds text in pieces of step bytes, as a connection does. */
static enum rc dechunk(struct str text, size_t step, struct buf *body, size_t *used_all)
{
    struct http_chunks c = {0};
    size_t from = 0, to = 0;
    for (;;) {
        size_t used;
        struct str data;
        enum rc rc = http_chunks_step(&c, str_sub(text, from, to), &used, &data);
        buf_put_str(body, data);
        from += used;
        *used_all = from;
        if (rc != RC_MORE) return rc;
        if (used > 0) continue;
        if (to == text.n) return RC_MORE;
        to = to + step < text.n ? to + step : text.n;
    }
}

static void test_chunks(void **state)
{
    (void)state;
    static const struct {
        const char *text, *body;
        enum rc rc;
    } rows[] = {
        {"5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX: y\r\n\r\nGET", "hello world", RC_OK},
        {"0\r\n\r\n", "", RC_OK},
        {"A\r\n0123456789\r\n0\r\n\r\n", "0123456789", RC_OK},
        {"5\r\nhel", "hel", RC_MORE},
        {"5\r\nhelloX", "hello", RC_MALFORMED},
        {"5\r\nhello\rX", "hello", RC_MALFORMED},
        {"5\nhello\r\n", "", RC_MALFORMED},
        {"\r\n", "", RC_MALFORMED},
        {"g\r\n", "", RC_MALFORMED},
        {"5 \r\nhello\r\n", "", RC_MALFORMED},
        {"-1\r\n", "", RC_MALFORMED},
        {"0x5\r\n", "", RC_MALFORMED},
        {"1000000000000000\r\n", "", RC_MALFORMED},
        {"0\r\nX: y\n\r\n", "", RC_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t step = 1; step < 8; step++) {
            struct buf body;
            size_t used = 0;
            buf_init(&body, 4096);
            assert_rc(rows[i].rc, dechunk(str_from(rows[i].text), step, &body, &used));
            assert_string_equal(rows[i].body, buf_cstr(&body));
            if (i == 0) assert_int_equal(strlen(rows[0].text) - 3, used);
            buf_fini(&body);
        }
    }
}

static void test_long_chunk_lines_and_trailers_are_refused(void **state)
{
    (void)state;
    struct buf text, body;
    size_t used;
    buf_init(&text, 1 << 20);
    buf_init(&body, 1 << 20);
    buf_put_lit(&text, "1;");
    for (int i = 0; i < HTTP_CHUNK_LINE_MAX; i++)
        buf_put_char(&text, 'x');
    assert_rc(RC_TOO_BIG, dechunk(buf_str(&text), 100, &body, &used));
    buf_reset(&text);
    buf_put_lit(&text, "0\r\n");
    while (text.n <= HTTP_TRAILER_MAX + 10)
        buf_put_lit(&text, "X: 0123456789\r\n");
    assert_rc(RC_TOO_BIG, dechunk(buf_str(&text), 100, &body, &used));
    buf_fini(&text);
    buf_fini(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_request_line_and_fields),
        cmocka_unit_test(test_good_heads),
        cmocka_unit_test(test_bad_heads_and_their_answers),
        cmocka_unit_test(test_bounds_of_a_head),
        cmocka_unit_test(test_finds_the_end_in_pieces),
        cmocka_unit_test(test_bad_line_ends_and_long_heads_are_seen_at_once),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_long_chunk_lines_and_trailers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
