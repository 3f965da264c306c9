#include "admin/csv.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct arena a;
    struct csv csv;
    struct csv_record r;
    const char *why = NULL;
    size_t line = 0;
    arena_init(&a, NULL, 0, 1 << 20);
    csv_init(&csv, str_of((const char *)p, n));
    for (;;) {
        const char *before = csv.at.p;
        enum rc rc = csv_next(&csv, &a, &r, &why);
        if (rc == RC_NOT_FOUND || rc == RC_NOMEM) break;
        CHECK(csv.at.p > before);
        CHECK(r.line >= line && (rc == RC_OK || why));
        line = r.line;
    }
    arena_fini(&a);
    return 0;
}
