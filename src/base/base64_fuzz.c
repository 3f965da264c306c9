/* base/base64_fuzz.c - a text decodes in one way only: printed again it is the
 * same text. */
#include "base/base64.h"
#include "base/check.h"

static void check_text(struct str in, bool url)
{
    static uint8_t raw[1 << 16];
    size_t n;
    struct buf printed;
    enum rc rc = url ? base64url_decode(in, raw, sizeof raw, &n)
                     : base64_decode(in, raw, sizeof raw, &n);
    if (rc != RC_OK) return;
    CHECK(n <= BASE64_DECODED_MAX(in.n));
    buf_init(&printed, 1 << 20);
    if (url)
        base64url_print(&printed, bytes_of(raw, n));
    else
        base64_print(&printed, bytes_of(raw, n));
    CHECK(buf_rc(&printed) == RC_OK && str_eq(in, buf_str(&printed)));
    buf_fini(&printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of((const char *)data, size);
    uint8_t raw[64];
    size_t n;
    check_text(in, true);
    check_text(in, false);
    if (hex_decode(in, raw, sizeof raw, &n) == RC_OK) CHECK(n * 2 == size);
    return 0;
}
