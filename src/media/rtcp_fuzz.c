/* Any datagram as RTCP: every packet of a compound that begins well is read through. */
#include "base/check.h"
#include "media/reception.h"
#include "media/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct media_rtcp_reader reader;
    struct media_rtcp p, again;
    uint8_t room[2048];
    struct buf out;
    if (media_rtcp_begin(bytes_of(data, size), &reader) != RC_OK) return 0;
    for (size_t left = size; media_rtcp_next(&reader, &p) == RC_OK; left = reader.rest.n) {
        CHECK(reader.rest.n < left || left == 0);
        CHECK(p.block_count <= MEDIA_RTCP_BLOCKS_MAX);
        for (unsigned i = 0; i < p.block_count; i++)
            (void)media_round_trip(&p.blocks[i], UINT64_C(0x1234567890abcdef));
        if (p.kind == MEDIA_RTCP_BYE) (void)media_rtcp_bye_names(&p, p.ssrc);
        for (size_t i = 0; i < p.cname.n; i++)
            CHECK(p.cname.p + i < (const char *)data + size);
        if (p.kind != MEDIA_RTCP_SR && p.kind != MEDIA_RTCP_RR) continue;
        buf_init_fixed(&out, room, sizeof room);
        media_rtcp_print_report(&out, p.ssrc, p.kind == MEDIA_RTCP_SR ? &p.sender : NULL, p.blocks,
                                p.block_count);
        struct media_rtcp_reader second;
        CHECK(media_rtcp_begin(str_bytes(buf_str(&out)), &second) == RC_OK);
        CHECK(media_rtcp_next(&second, &again) == RC_OK && again.block_count == p.block_count);
        CHECK(again.ssrc == p.ssrc && again.kind == p.kind);
    }
    return 0;
}
