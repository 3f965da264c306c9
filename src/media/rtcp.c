/* media/rtcp.c - compound RTCP packets (RFC 3550, 6.4 to 6.6). */
#include "media/rtcp.h"
#include "media/wire_int.h"

enum { HEADER = 4, SENDER_BYTES = 20, BLOCK_BYTES = 24, CNAME_ITEM = 1, ITEM_MAX = 255 };
enum { VERSION_MASK = 0xC0, VERSION = 0x80, PADDING = 0x20, COUNT_MASK = 0x1F };
enum { LOST_MAX = 0x7FFFFF, LOST_MIN = -0x800000 };

/* Bytes of the packet at the front, 0: it does not fit. */
static size_t first_len(struct bytes rest)
{
    if (rest.n < HEADER || (rest.p[0] & VERSION_MASK) != VERSION) return 0;
    size_t n = ((size_t)wire_get16(rest.p + 2) + 1) * 4;
    return n <= rest.n ? n : 0;
}

enum rc media_rtcp_begin(struct bytes packet, struct media_rtcp_reader *out)
{
    struct bytes rest = packet;
    if (rest.n < HEADER + 4) return RC_MALFORMED;
    if (packet.p[1] != MEDIA_RTCP_SR && packet.p[1] != MEDIA_RTCP_RR) return RC_MALFORMED;
    while (rest.n > 0) {
        size_t n = first_len(rest);
        if (n == 0 || ((rest.p[0] & PADDING) && n != rest.n)) return RC_MALFORMED;
        rest = bytes_of(rest.p + n, rest.n - n);
    }
    out->rest = packet;
    return RC_OK;
}

static int32_t get_lost(const uint8_t *p)
{
    int32_t v = p[0] << 16 | p[1] << 8 | p[2];
    return v & 0x800000 ? v - 0x1000000 : v;
}

static bool read_blocks(struct bytes body, unsigned count, struct media_rtcp *out)
{
    if (body.n < (size_t)count * BLOCK_BYTES) return false;
    out->block_count = count; /* five bits: never above MEDIA_RTCP_BLOCKS_MAX */
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *p = body.p + (size_t)i * BLOCK_BYTES;
        out->blocks[i] = (struct media_rtcp_block){
            .ssrc = wire_get32(p),
            .fraction_lost = p[4],
            .lost = get_lost(p + 5),
            .highest_seq = wire_get32(p + 8),
            .jitter = wire_get32(p + 12),
            .last_sr = wire_get32(p + 16),
            .delay_since_last_sr = wire_get32(p + 20),
        };
    }
    return true;
}

static bool read_report(struct bytes body, unsigned count, bool sender, struct media_rtcp *out)
{
    if (body.n < 4) return false;
    out->ssrc = wire_get32(body.p);
    body = bytes_of(body.p + 4, body.n - 4);
    if (sender) {
        if (body.n < SENDER_BYTES) return false;
        out->sender = (struct media_rtcp_sender){
            .ntp = (uint64_t)wire_get32(body.p) << 32 | wire_get32(body.p + 4),
            .timestamp = wire_get32(body.p + 8),
            .packets = wire_get32(body.p + 12),
            .octets = wire_get32(body.p + 16),
        };
        body = bytes_of(body.p + SENDER_BYTES, body.n - SENDER_BYTES);
    }
    return read_blocks(body, count, out);
}

/* The items of one chunk up to its null octet. */
static bool read_items(struct bytes items, struct str *cname)
{
    while (items.n > 0 && items.p[0] != 0) {
        if (items.n < 2 || items.n < 2u + items.p[1]) return false;
        if (items.p[0] == CNAME_ITEM) *cname = bytes_str(bytes_of(items.p + 2, items.p[1]));
        items = bytes_of(items.p + 2 + items.p[1], items.n - 2 - items.p[1]);
    }
    return items.n > 0;
}

/* SDES: the first chunk is the sender's; a mixer's others tell nothing here. */
static bool read_sdes(struct bytes body, unsigned count, struct media_rtcp *out)
{
    if (count == 0) return true;
    if (body.n < 4) return false;
    out->ssrc = wire_get32(body.p);
    return read_items(bytes_of(body.p + 4, body.n - 4), &out->cname);
}

static bool read_bye(struct bytes body, unsigned count, struct media_rtcp *out)
{
    size_t n = (size_t)count * 4;
    if (body.n < n) return false;
    out->source_count = count;
    out->sources = bytes_of(body.p, n);
    if (count > 0) out->ssrc = wire_get32(body.p);
    if (body.n == n) return true;
    size_t reason = body.p[n];
    if (reason > body.n - n - 1) return false;
    out->cname = bytes_str(bytes_of(body.p + n + 1, reason));
    return true;
}

static bool read_one(struct bytes packet, struct media_rtcp *out)
{
    unsigned count = packet.p[0] & COUNT_MASK;
    struct bytes body = bytes_of(packet.p + HEADER, packet.n - HEADER);
    *out = (struct media_rtcp){.kind = packet.p[1]};
    if (packet.p[0] & PADDING) {
        if (body.n == 0 || body.p[body.n - 1] == 0 || body.p[body.n - 1] > body.n) return false;
        body.n -= body.p[body.n - 1];
    }
    switch (out->kind) {
    case MEDIA_RTCP_SR: return read_report(body, count, true, out);
    case MEDIA_RTCP_RR: return read_report(body, count, false, out);
    case MEDIA_RTCP_SDES: return read_sdes(body, count, out);
    case MEDIA_RTCP_BYE: return read_bye(body, count, out);
    case MEDIA_RTCP_APP:
    default: return true;
    }
}

enum rc media_rtcp_next(struct media_rtcp_reader *reader, struct media_rtcp *out)
{
    while (reader->rest.n > 0) {
        size_t n = first_len(reader->rest);
        if (n == 0) return RC_MALFORMED;
        struct bytes packet = bytes_of(reader->rest.p, n);
        reader->rest = bytes_of(reader->rest.p + n, reader->rest.n - n);
        if (packet.p[1] < MEDIA_RTCP_SR || packet.p[1] > MEDIA_RTCP_BYE) continue;
        return read_one(packet, out) ? RC_OK : RC_MALFORMED;
    }
    return RC_NOT_FOUND;
}

bool media_rtcp_bye_names(const struct media_rtcp *bye, uint32_t ssrc)
{
    for (unsigned i = 0; i < bye->source_count; i++)
        if (wire_get32(bye->sources.p + (size_t)i * 4) == ssrc) return true;
    return false;
}

/* ---- printing ---- */

static void put_header(struct buf *out, enum media_rtcp_kind kind, unsigned count, size_t bytes)
{
    wire_put8(out, VERSION | count);
    wire_put8(out, (unsigned)kind);
    wire_put16(out, (uint16_t)(bytes / 4 - 1));
}

static void put_block(struct buf *out, const struct media_rtcp_block *b)
{
    int32_t lost = b->lost > LOST_MAX ? LOST_MAX : b->lost < LOST_MIN ? LOST_MIN : b->lost;
    wire_put32(out, b->ssrc);
    wire_put32(out, (uint32_t)b->fraction_lost << 24 | ((uint32_t)lost & 0xFFFFFF));
    wire_put32(out, b->highest_seq);
    wire_put32(out, b->jitter);
    wire_put32(out, b->last_sr);
    wire_put32(out, b->delay_since_last_sr);
}

void media_rtcp_print_report(struct buf *out, uint32_t ssrc, const struct media_rtcp_sender *sender,
                             const struct media_rtcp_block *blocks, unsigned block_count)
{
    size_t bytes = HEADER + 4 + (sender ? (size_t)SENDER_BYTES : 0) +
                   (size_t)block_count * BLOCK_BYTES;
    put_header(out, sender ? MEDIA_RTCP_SR : MEDIA_RTCP_RR, block_count, bytes);
    wire_put32(out, ssrc);
    if (sender) {
        wire_put32(out, (uint32_t)(sender->ntp >> 32));
        wire_put32(out, (uint32_t)sender->ntp);
        wire_put32(out, sender->timestamp);
        wire_put32(out, sender->packets);
        wire_put32(out, sender->octets);
    }
    for (unsigned i = 0; i < block_count; i++)
        put_block(out, &blocks[i]);
}

/* One chunk: SSRC, the item, at least one null octet, up to a multiple of four. */
void media_rtcp_print_cname(struct buf *out, uint32_t ssrc, struct str cname)
{
    size_t n = cname.n < ITEM_MAX ? cname.n : ITEM_MAX;
    size_t chunk = 4 + 2 + n, padding = 4 - chunk % 4;
    put_header(out, MEDIA_RTCP_SDES, 1, HEADER + chunk + padding);
    wire_put32(out, ssrc);
    wire_put8(out, CNAME_ITEM);
    wire_put8(out, (unsigned)n);
    buf_put(out, cname.p, n);
    while (padding-- > 0)
        wire_put8(out, 0);
}

void media_rtcp_print_bye(struct buf *out, uint32_t ssrc)
{
    put_header(out, MEDIA_RTCP_BYE, 1, HEADER + 4);
    wire_put32(out, ssrc);
}
