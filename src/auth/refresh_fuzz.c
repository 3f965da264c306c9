/* Any text as refresh token and as form field: read, or refused. A grant's name is believed only
 * with our MAC, so whatever is believed prints back equal. */
#include "auth/csrf.h"
#include "auth/refresh.h"
#include "base/base64.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const uint8_t key[AUTH_REFRESH_KEY_LEN] = {7};
    struct str text = str_of((const char *)p, n);
    struct auth_refresh r;
    uint8_t raw[AUTH_REFRESH_LEN];
    size_t raw_n;
    struct buf b;
    buf_init(&b, 256);
    if (auth_refresh_parse(text, key, &r) == RC_OK && r.grant[0]) {
        CHECK(base64url_decode(text, raw, sizeof raw, &raw_n) == RC_OK);
        CHECK(auth_refresh_print(&b, raw, str_from(r.grant), key) == RC_OK);
        CHECK(str_eq(text, buf_str(&b)));
    }
    CHECK(auth_csrf_check(text, key, STR("browser"), STR("request"), INT64_MAX) != RC_OK);
    buf_fini(&b);
    return 0;
}
