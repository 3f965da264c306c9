/* Any datagram as RTP: what parses is printed and is the same packet then. */
#include "base/check.h"
#include "media/rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(struct bytes a, struct bytes b)
{
    return str_eq(bytes_str(a), bytes_str(b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct media_rtp a, b;
    uint8_t room[4096];
    struct buf out;
    struct bytes packet = bytes_of(data, size < sizeof room ? size : sizeof room);
    (void)media_is_rtcp(packet);
    if (media_rtp_parse(packet, &a) != RC_OK) return 0;
    buf_init_fixed(&out, room, sizeof room);
    media_rtp_print(&out, &a);
    CHECK(buf_rc(&out) == RC_OK && out.n <= packet.n);
    CHECK(media_rtp_parse(str_bytes(buf_str(&out)), &b) == RC_OK);
    CHECK(a.seq == b.seq && a.timestamp == b.timestamp && a.ssrc == b.ssrc);
    CHECK(a.payload_type == b.payload_type && a.marker == b.marker && a.csrc_count == b.csrc_count);
    CHECK(a.has_extension == b.has_extension && same(a.payload, b.payload));
    if (a.has_extension) CHECK(same(a.extension, b.extension));
    return 0;
}
