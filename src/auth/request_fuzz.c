/* An authorization request from any query: what is read prints, and prints back equal. */
#include "auth/request.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct store_client client = {.type = STORE_CLIENT_PUBLIC,
                                  .redirect_uris = STR("https://app.example.com/cb\nmyapp:/cb"),
                                  .loopback = true};
    struct auth_request r, again;
    struct arena a;
    struct buf first, second, source;
    struct str scope;
    const char *why;
    arena_init(&a, NULL, 0, 8 << 20);
    buf_init(&first, 4 << 20);
    buf_init(&second, 4 << 20);
    buf_init(&source, 4 << 20);
    if (n <= 65536 && auth_request_parse(str_of((const char *)p, n), &a, &r) == RC_OK) {
        auth_request_print(&first, &r);
        CHECK(auth_request_parse(buf_str(&first), &a, &again) == RC_OK);
        auth_request_print(&second, &again);
        CHECK(str_eq(buf_str(&first), buf_str(&second)));
        struct auth_error error = auth_request_check(&r, &client);
        CHECK(!error.code || error.description);
        if (auth_request_check_redirect(&r, &client, STR(""), &why) == RC_OK) {
            auth_redirect_print_source(&source, r.redirect_uri);
            CHECK(source.n > 0 && str_find_char(buf_str(&source), ';') == STR_NPOS);
        }
        if (auth_scope_grant(r.scope, STR("sip openid"), &a, &scope) == RC_OK) CHECK(scope.n <= 10);
    }
    buf_fini(&first);
    buf_fini(&second);
    buf_fini(&source);
    arena_fini(&a);
    return 0;
}
