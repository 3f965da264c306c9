/* Parse, print, parse again: equal; the address of record is its own key. */
#include "base/check.h"
#include "sip/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_aor(const struct sip_uri *uri)
{
    struct arena arena;
    struct str key;
    arena_init(&arena, NULL, 0, 1u << 20);
    if (sip_uri_is_sip(uri)) CHECK(sip_uri_aor(uri, &arena, &key) == RC_OK);
    if (sip_uri_is_sip(uri)) CHECK(sip_uri_aor_eq(uri, uri));
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sip_uri uri, again;
    struct buf out;
    if (sip_uri_parse(bytes_str(bytes_of(data, size)), &uri, NULL) != RC_OK) return 0;
    buf_init(&out, size + 64);
    sip_uri_print(&out, &uri);
    CHECK(buf_rc(&out) == RC_OK);
    CHECK(sip_uri_parse(buf_str(&out), &again, NULL) == RC_OK);
    CHECK(sip_uri_eq(&uri, &again) && sip_uri_eq(&again, &uri));
    fuzz_aor(&uri);
    buf_fini(&out);
    return 0;
}
