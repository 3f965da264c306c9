/* First line: the Content-Type; the rest: the body. What is split is built again and splits alike. */
#include "base/check.h"
#include "sip/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_same_parts(struct str content_type, struct str before, struct str after)
{
    struct sip_multipart a, b;
    struct sip_part x, y;
    enum rc rc;
    CHECK(sip_multipart_begin(&a, content_type, before) == RC_OK);
    CHECK(sip_multipart_begin(&b, content_type, after) == RC_OK);
    while ((rc = sip_multipart_next(&a, &x)) == RC_OK) {
        CHECK(sip_multipart_next(&b, &y) == RC_OK);
        CHECK(str_eq(x.body, y.body) && str_eq(x.content_type, y.content_type));
        CHECK(str_eq(x.content_disposition, y.content_disposition));
    }
    CHECK(rc == RC_NOT_FOUND && sip_multipart_next(&b, &y) == RC_NOT_FOUND);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = bytes_str(bytes_of(data, size)), content_type;
    struct sip_multipart m;
    struct sip_part part;
    struct buf out;
    enum rc rc;
    if (!str_split(&body, '\n', &content_type)) return 0;
    if (sip_multipart_begin(&m, content_type, body) != RC_OK) return 0;
    buf_init(&out, 1u << 22);
    while ((rc = sip_multipart_next(&m, &part)) == RC_OK)
        sip_multipart_print_part(&out, m.boundary, part.content_type, part.content_disposition,
                                 part.body);
    if (rc == RC_NOT_FOUND && m.part_count > 0) {
        sip_multipart_print_end(&out, m.boundary);
        fuzz_same_parts(content_type, body, buf_str(&out));
    }
    buf_fini(&out);
    return 0;
}
