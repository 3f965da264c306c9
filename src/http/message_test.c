#include "kit/kit.h"

#include "http/message_int.h"

struct fixture {
    struct arena arena;
    struct http_header headers[4];
    struct http_request req;
    struct http_response res;
};

static void set_up(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    arena_init(&f->arena, NULL, 0, 1 << 20);
    f->req.method = HTTP_GET;
    f->req.headers = f->headers;
    f->req.arena = &f->arena;
    http_response_init(&f->res, &f->arena);
}

static void add(struct fixture *f, const char *name, const char *value)
{
    f->headers[f->req.header_count++] = (struct http_header){str_from(name), str_from(value)};
}

static void tear_down(struct fixture *f)
{
    http_response_fini(&f->res);
    arena_fini(&f->arena);
}

static void test_bearer_and_basic_credentials(void **state)
{
    (void)state;
    static const struct {
        const char *value, *bearer, *user, *password;
        enum rc basic;
    } rows[] = {
        {"Bearer abc.def", "abc.def", NULL, NULL, RC_NOT_FOUND},
        {"bearer  abc", "abc", NULL, NULL, RC_NOT_FOUND},
        {"Bearer", "", NULL, NULL, RC_NOT_FOUND},
        {"Bearerabc", "", NULL, NULL, RC_NOT_FOUND},
        {"", "", NULL, NULL, RC_NOT_FOUND},
        {"Basic QWxhZGRpbjpvcGVuOnNlc2FtZQ==", "", "Aladdin", "open:sesame", RC_OK},
        {"BASIC Og==", "", "", "", RC_OK},
        {"Basic !!!!", "", NULL, NULL, RC_MALFORMED},
        {"Basic YWJj", "", NULL, NULL, RC_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        struct str user, password;
        set_up(&f);
        add(&f, "authorization", rows[i].value);
        assert_str(rows[i].bearer, http_bearer(&f.req));
        assert_rc(rows[i].basic, http_basic(&f.req, &user, &password));
        if (rows[i].basic == RC_OK) {
            assert_str(rows[i].user, user);
            assert_str(rows[i].password, password);
        }
        tear_down(&f);
    }
}

static void test_cookies_and_types(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f);
    add(&f, "Cookie", "a=1; sid=xyz ;b=; twice=1");
    add(&f, "Cookie", "twice=2");
    add(&f, "Content-Type", "Application/JSON; charset=utf-8");
    assert_str("1", http_cookie(&f.req, STR("a")));
    assert_str("xyz", http_cookie(&f.req, STR("sid")));
    assert_str("", http_cookie(&f.req, STR("b")));
    assert_str("", http_cookie(&f.req, STR("twice")));
    assert_str("", http_cookie(&f.req, STR("none")));
    assert_true(http_is_type(&f.req, STR("application/json")));
    assert_false(http_is_type(&f.req, STR("application/jso")));
    tear_down(&f);
}

static void test_no_text_starts_a_header_of_its_own(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct str value;
        enum rc rc;
    } rows[] = {
        {"X-A", STR_INIT("b"), RC_OK},
        {"X-A", STR_INIT("b\r\nSet-Cookie: x=y"), RC_INVALID},
        {"X-A", STR_INIT("b\nc"), RC_INVALID},
        {"X-A", STR_INIT("b\rc"), RC_INVALID},
        {"X-A", STR_INIT("b\0c"), RC_INVALID},
        {"X A", STR_INIT("b"), RC_INVALID},
        {"X-A:", STR_INIT("b"), RC_INVALID},
        {"", STR_INIT("b"), RC_INVALID},
        {"Content-Length", STR_INIT("5"), RC_INVALID},
        {"transfer-encoding", STR_INIT("chunked"), RC_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        set_up(&f);
        http_set_header(&f.res, rows[i].name, rows[i].value);
        assert_rc(rows[i].rc, f.res.rc);
        tear_down(&f);
    }
    struct fixture f;
    set_up(&f);
    http_redirect(&f.res, 302, STR("/a\r\nX: y"));
    assert_rc(RC_INVALID, f.res.rc);
    f.res.rc = RC_OK;
    http_set_cookie(&f.res, &f.req, "sid", STR("a;b"), -1);
    assert_rc(RC_INVALID, f.res.rc);
    tear_down(&f);
}

static void test_single_fields_are_replaced_and_counts_bounded(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f);
    http_reply(&f.res, 200, "text/html", STR("a"));
    http_reply_text(&f.res, 404, "No.");
    assert_int_equal(1, f.res.header_count);
    assert_str("text/plain; charset=utf-8", http_response_find(&f.res, STR("content-type")));
    assert_str("No.\n", buf_str(&f.res.body));
    assert_true(f.res.body.wipes); /* some bodies are tokens */
    f.req.peer.is_tls = true;
    http_set_cookie(&f.res, &f.req, "sid", STR("v"), 60);
    assert_str("sid=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure",
               http_response_find(&f.res, STR("Set-Cookie")));
    for (int i = 0; i < HTTP_RESPONSE_HEADER_MAX - 2; i++)
        http_set_header(&f.res, "Link", STR("x"));
    assert_rc(RC_OK, f.res.rc);
    http_set_header(&f.res, "Link", STR("x"));
    assert_rc(RC_TOO_BIG, f.res.rc);
    tear_down(&f);
}

static void test_conditions(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        bool is_unchanged;
    } rows[] = {
        {"If-None-Match", "\"t1\"", true},
        {"If-None-Match", "\"x\", W/\"t1\"", true},
        {"If-None-Match", "*", true},
        {"If-None-Match", "\"t2\"", false},
        {"If-None-Match", "t1", false},
        {"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT", true},
        {"If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT", false},
        {"If-Modified-Since", "yesterday", false},
        {"Accept", "*", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        set_up(&f);
        add(&f, rows[i].name, rows[i].value);
        http_reply(&f.res, 200, "text/xml", STR("<a/>"));
        assert_int_equal(rows[i].is_unchanged,
                         http_is_unchanged(&f.req, &f.res, STR("t1"), 784111777));
        assert_int_equal(rows[i].is_unchanged ? 304 : 200, f.res.status);
        assert_int_equal(rows[i].is_unchanged ? 0 : 4, f.res.body.n);
        assert_str("\"t1\"", http_response_find(&f.res, STR("ETag")));
        assert_str("Sun, 06 Nov 1994 08:49:37 GMT",
                   http_response_find(&f.res, STR("Last-Modified")));
        f.req.method = HTTP_POST;
        assert_false(http_is_unchanged(&f.req, &f.res, STR("t1"), 0));
        tear_down(&f);
    }
}

static void test_defaults_stand_unless_set(void **state)
{
    (void)state;
    struct fixture f;
    struct buf out;
    set_up(&f);
    buf_init(&out, 4096);
    http_reply_text(&f.res, 200, "x");
    http_set_header(&f.res, "cache-control", STR("max-age=60"));
    http_response_print_head(
        &out, &f.res, &(struct http_print){.has_body = true, .is_tls = true, .closes = true});
    assert_str("HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
               "Content-Type: text/plain; charset=utf-8\r\ncache-control: max-age=60\r\n"
               "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
               "X-Frame-Options: DENY\r\n"
               "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
               "Strict-Transport-Security: max-age=31536000\r\nContent-Length: 2\r\n"
               "Connection: close\r\n\r\n",
               buf_str(&out));
    buf_fini(&out);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bearer_and_basic_credentials),
        cmocka_unit_test(test_cookies_and_types),
        cmocka_unit_test(test_no_text_starts_a_header_of_its_own),
        cmocka_unit_test(test_single_fields_are_replaced_and_counts_bounded),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_defaults_stand_unless_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
