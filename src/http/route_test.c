#include "kit/kit.h"

#include "http/route_int.h"

static void no_handler(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx, (void)req, (void)res;
}

static enum rc add(struct http_site *site, unsigned methods, const char *path)
{
    const struct http_route route = {.methods = methods, .path = path, .fn = no_handler};
    return http_site_add(site, &route);
}

static void test_paths_find_their_route(void **state)
{
    (void)state;
    struct http_site *site = http_site_new("test");
    struct arena a;
    arena_init(&a, NULL, 0, 1 << 16);
    assert_rc(RC_OK, add(site, HTTP_GET, "/"));
    assert_rc(RC_OK, add(site, HTTP_GET, "/users"));
    assert_rc(RC_OK, add(site, HTTP_POST, "/users"));
    assert_rc(RC_OK, add(site, HTTP_GET | HTTP_DELETE, "/users/{id}"));
    assert_rc(RC_OK, add(site, HTTP_GET, "/users/{id}/lines/{n}"));
    assert_rc(RC_OK, add(site, HTTP_GET, "/files/{name*}"));
    static const struct {
        enum http_method method;
        const char *path;
        enum rc rc;
        const char *route, *first, *second;
        const char *allow;
    } rows[] = {
        {HTTP_GET, "/", RC_OK, "/", "", "", ""},
        {HTTP_HEAD, "/users", RC_OK, "/users", "", "", ""},
        {HTTP_PUT, "/users", RC_UNSUPPORTED, "", "", "", "GET, HEAD, POST"},
        {HTTP_GET, "/users/", RC_NOT_FOUND, "", "", "", ""},
        {HTTP_GET, "/users/a%2Fb", RC_OK, "/users/{id}", "a/b", "", ""},
        {HTTP_DELETE, "/users/x", RC_OK, "/users/{id}", "x", "", ""},
        {HTTP_POST, "/users/x", RC_UNSUPPORTED, "", "", "", "GET, HEAD, DELETE"},
        {HTTP_GET, "/users/x/lines/1", RC_OK, "/users/{id}/lines/{n}", "x", "1", ""},
        {HTTP_GET, "/users/x/lines", RC_NOT_FOUND, "", "", "", ""},
        {HTTP_GET, "/users/x/lines/1/", RC_NOT_FOUND, "", "", "", ""},
        {HTTP_GET, "/files/a/b.c", RC_OK, "/files/{name*}", "a/b.c", "", ""},
        {HTTP_GET, "/%75sers", RC_OK, "/users", "", "", ""},
        {HTTP_GET, "/Users", RC_NOT_FOUND, "", "", "", ""},
        {HTTP_GET, "//", RC_NOT_FOUND, "", "", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str params[HTTP_PARAM_MAX] = {{0}};
        const struct http_route *route = NULL;
        unsigned allowed = 0;
        char text[64];
        struct buf list;
        buf_init_fixed(&list, text, sizeof text);
        assert_rc(rows[i].rc, http_site_find(site, rows[i].method, str_from(rows[i].path), &a,
                                             params, &route, &allowed));
        if (rows[i].rc == RC_OK) assert_string_equal(rows[i].route, route->path);
        assert_str(rows[i].first, params[0].p ? params[0] : STR(""));
        assert_str(rows[i].second, params[1].p ? params[1] : STR(""));
        http_print_methods(&list, rows[i].rc == RC_OK ? 0 : allowed);
        assert_str(rows[i].allow, buf_str(&list));
    }
    arena_fini(&a);
    http_site_free(site);
}

static void test_bad_routes_are_refused(void **state)
{
    (void)state;
    struct http_site *site = http_site_new("test");
    assert_rc(RC_OK, add(site, HTTP_GET, "/a"));
    assert_rc(RC_EXISTS, add(site, HTTP_GET | HTTP_POST, "/a"));
    assert_rc(RC_OK, add(site, HTTP_POST, "/a"));
    assert_rc(RC_INVALID, add(site, 0, "/b"));
    assert_rc(RC_INVALID, add(site, HTTP_GET, "b"));
    assert_rc(RC_INVALID, add(site, HTTP_GET, ""));
    assert_rc(RC_INVALID, add(site, HTTP_GET, "/x{id}"));
    assert_rc(RC_INVALID, add(site, HTTP_GET, "/{rest*}/x"));
    assert_rc(RC_INVALID, add(site, HTTP_GET, "/{a}/{b}/{c}/{d}/{e}"));
    http_site_free(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_find_their_route),
        cmocka_unit_test(test_bad_routes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
