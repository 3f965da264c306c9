/* jose/jwk_fuzz.c - a key set that parses, prints and parses back with the same keys. */
#include "base/check.h"
#include "jose/jwk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jose_keyset *set = jose_keyset_new(), *back = jose_keyset_new();
    struct buf b;
    size_t skipped;
    CHECK(set && back);
    buf_init(&b, 4 * JOSE_KEYSET_TEXT_MAX);
    if (jose_keyset_parse(set, str_of((const char *)data, size), &skipped) == RC_OK) {
        jose_keyset_print(&b, set);
        CHECK(buf_rc(&b) == RC_OK);
        CHECK(jose_keyset_parse(back, buf_str(&b), &skipped) == RC_OK && skipped == 0);
        CHECK(jose_keyset_count(set) == jose_keyset_count(back));
        for (size_t i = 0; i < jose_keyset_count(set); i++)
            CHECK(crypto_key_equal(jose_keyset_at(set, i)->key, jose_keyset_at(back, i)->key));
    }
    buf_fini(&b);
    jose_keyset_free(set);
    jose_keyset_free(back);
    return 0;
}
