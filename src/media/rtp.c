/* media/rtp.c - RTP packets (RFC 3550, 5.1). */
#include "media/rtp.h"
#include "media/wire_int.h"

/*  0                   1                   2                   3
 *  |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *  |                           timestamp                           |
 *  |           synchronization source (SSRC) identifier            |  RFC 3550, 5.1 */
enum { VERSION_MASK = 0xC0, VERSION = 0x80, PADDING = 0x20, EXTENSION = 0x10, CSRC_MASK = 0x0F };
enum { MARKER = 0x80, TYPE_MASK = 0x7F };
enum { RTCP_FIRST = 192, RTCP_LAST = 223 }; /* RFC 5761, 4 */

/* Takes n bytes off the front of *rest. */
static bool take(struct bytes *rest, size_t n, const uint8_t **out)
{
    if (rest->n < n) return false;
    *out = rest->p;
    *rest = bytes_of(rest->p + n, rest->n - n);
    return true;
}

static bool take_extension(struct bytes *rest, struct media_rtp *p)
{
    const uint8_t *head, *data;
    if (!take(rest, 4, &head)) return false;
    size_t n = (size_t)wire_get16(head + 2) * 4;
    if (!take(rest, n, &data)) return false;
    p->has_extension = true;
    p->extension_profile = wire_get16(head);
    p->extension = bytes_of(data, n);
    return true;
}

/* The last byte of padding says how much there is, itself included. */
static bool drop_padding(struct bytes *rest)
{
    if (rest->n == 0) return false;
    size_t n = rest->p[rest->n - 1];
    if (n == 0 || n > rest->n) return false;
    rest->n -= n;
    return true;
}

enum rc media_rtp_parse(struct bytes packet, struct media_rtp *out)
{
    struct bytes rest = packet;
    const uint8_t *h, *csrc;
    if (!take(&rest, MEDIA_RTP_HEADER, &h) || (h[0] & VERSION_MASK) != VERSION) return RC_MALFORMED;
    struct media_rtp p = {
        .payload_type = h[1] & TYPE_MASK,
        .marker = (h[1] & MARKER) != 0,
        .seq = wire_get16(h + 2),
        .timestamp = wire_get32(h + 4),
        .ssrc = wire_get32(h + 8),
        .csrc_count = h[0] & CSRC_MASK,
    };
    if (!take(&rest, (size_t)p.csrc_count * 4, &csrc)) return RC_MALFORMED;
    for (unsigned i = 0; i < p.csrc_count; i++)
        p.csrc[i] = wire_get32(csrc + (size_t)i * 4);
    if ((h[0] & EXTENSION) && !take_extension(&rest, &p)) return RC_MALFORMED;
    if ((h[0] & PADDING) && !drop_padding(&rest)) return RC_MALFORMED;
    p.payload = rest;
    *out = p;
    return RC_OK;
}

void media_rtp_print(struct buf *out, const struct media_rtp *p)
{
    wire_put8(out, VERSION | (p->has_extension ? EXTENSION : 0) | (p->csrc_count & CSRC_MASK));
    wire_put8(out, (p->marker ? MARKER : 0) | (p->payload_type & TYPE_MASK));
    wire_put16(out, p->seq);
    wire_put32(out, p->timestamp);
    wire_put32(out, p->ssrc);
    for (unsigned i = 0; i < p->csrc_count; i++)
        wire_put32(out, p->csrc[i]);
    if (p->has_extension) {
        wire_put16(out, p->extension_profile);
        wire_put16(out, (uint16_t)(p->extension.n / 4));
        buf_put(out, p->extension.p, p->extension.n);
    }
    buf_put(out, p->payload.p, p->payload.n);
}

bool media_is_rtcp(struct bytes packet)
{
    return packet.n >= 2 && packet.p[1] >= RTCP_FIRST && packet.p[1] <= RTCP_LAST;
}
