/* base/form_fuzz.c - what parses, prints and parses back equal. */
#include "base/check.h"
#include "base/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct form first, second;
    struct arena a;
    struct buf printed;
    arena_init(&a, NULL, 0, 1 << 20);
    buf_init(&printed, 1 << 20);
    if (form_parse(str_of((const char *)data, size), &a, &first) == RC_OK) {
        for (size_t i = 0; i < first.count; i++)
            form_print_pair(&printed, first.pairs[i].name, first.pairs[i].value);
        CHECK(buf_rc(&printed) == RC_OK);
        CHECK(form_parse(buf_str(&printed), &a, &second) == RC_OK);
        CHECK(first.count == second.count);
        for (size_t i = 0; i < first.count; i++) {
            CHECK(str_eq(first.pairs[i].name, second.pairs[i].name));
            CHECK(str_eq(first.pairs[i].value, second.pairs[i].value));
        }
    }
    buf_fini(&printed);
    arena_fini(&a);
    return 0;
}
