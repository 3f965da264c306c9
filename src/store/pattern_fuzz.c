#include "base/check.h"
#include "store/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store_pattern first, again;
    const char *reason = NULL;
    size_t at = 0;
    if (store_pattern_parse(str_of((const char *)data, size), &first, &at, &reason) != RC_OK) {
        CHECK(reason && at <= size);
        return 0;
    }
    CHECK(first.count > 0 && first.count <= STORE_PATTERN_ELEMENT_MAX && first.dot <= first.count);
    if (strlen(first.canonical) > STORE_PATTERN_MAX) return 0;
    CHECK(store_pattern_parse(str_from(first.canonical), &again, &at, &reason) == RC_OK);
    CHECK(strcmp(first.canonical, again.canonical) == 0);
    return 0;
}
