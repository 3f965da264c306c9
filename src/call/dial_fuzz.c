/* What a URI dials, or whom it names: numbers have no separators, names are read whatever they say. */
#include "base/check.h"
#include "call/dial.h"
#include "call/gruu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fill(void *ctx, void *p, size_t n)
{
    (void)ctx;
    memset(p, 7, n);
}

static void read_name(const struct sip_uri *uri, struct arena *a)
{
    const struct random_source random = {fill, NULL};
    struct call_gruu *gruu;
    struct call_gruu_name name;
    if (!call_gruu_is(uri) || call_gruu_new(&random, &gruu) != RC_OK) return;
    if (call_gruu_read(gruu, uri, a, &name) == RC_OK)
        CHECK(call_gruu_pick(gruu, &name, NULL, 0, NULL, 0) == 0);
    call_gruu_free(gruu);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sip_uri uri;
    struct call_dialled d;
    struct arena a;
    if (sip_uri_parse(bytes_str(bytes_of(data, size)), &uri, NULL) != RC_OK) return 0;
    arena_init(&a, NULL, 0, 1u << 20);
    if (call_dial_read(&uri, &a, &d) == RC_OK) {
        CHECK(d.number.n > 0);
        for (size_t i = 0; d.is_tel && i < d.number.n; i++)
            CHECK(d.number.p[i] != '-' && (i == 0 || d.number.p[i] != '+'));
    }
    read_name(&uri, &a);
    arena_fini(&a);
    return 0;
}
