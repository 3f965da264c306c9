/* siptx/stun.c - STUN binding (RFC 8489, 5, 6, 14; formerly RFC 5389).
 *
 *   0                   1                   2                   3
 *  |0 0|   message type (14)       |         length (16)           |
 *  |                     magic cookie 0x2112A442                   |
 *  |                     transaction id (96 bits)                  |
 *  then attributes: type (16), length (16), value padded to 4 bytes */
#include "siptx/stun.h"

enum {
    STUN_HEADER = 20,
    STUN_BINDING_REQUEST = 0x0001,
    STUN_BINDING_SUCCESS = 0x0101,
    STUN_BINDING_ERROR = 0x0111,
    STUN_ERROR_CODE = 0x0009,
    STUN_UNKNOWN_ATTRIBUTES = 0x000a,
    STUN_XOR_MAPPED_ADDRESS = 0x0020,
    STUN_FINGERPRINT = 0x8028,
    STUN_COMPREHENSION_OPTIONAL = 0x8000,
    STUN_UNKNOWN_MAX = 4, /* attributes named in a 420 */
};

static const uint8_t magic[4] = {0x21, 0x12, 0xa4, 0x42};
static const uint32_t fingerprint_xor = 0x5354554e;

static unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static void put16(struct buf *out, unsigned v)
{
    uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};
    buf_put(out, b, 2);
}

/* CRC-32 of ISO 3309, bit by bit: a keepalive is short and rare. */
static uint32_t crc32_of(const uint8_t *p, size_t n)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320 & (0u - (crc & 1)));
    }
    return ~crc;
}

bool siptx_stun_is(struct bytes d)
{
    return d.n >= STUN_HEADER && d.p[0] < 0x40 && memcmp(d.p + 4, magic, 4) == 0;
}

struct request {
    bool has_fingerprint;
    unsigned unknown[STUN_UNKNOWN_MAX];
    unsigned unknown_count;
};

static bool fingerprint_fits(struct bytes d, size_t at)
{
    uint32_t want = crc32_of(d.p, at) ^ fingerprint_xor;
    const uint8_t *v = d.p + at + 4;
    return at + 8 == d.n && (get16(v) << 16 | get16(v + 2)) == want;
}

/* Attributes a binding request may carry without meaning to us: none that must be understood, for
 * USERNAME, MESSAGE-INTEGRITY and their like ask for a check we do not make. */
static enum rc read_attributes(struct bytes d, struct request *r)
{
    for (size_t at = STUN_HEADER; at < d.n;) {
        if (d.n - at < 4) return RC_MALFORMED;
        unsigned type = get16(d.p + at);
        size_t n = (get16(d.p + at + 2) + 3u) & ~(size_t)3;
        if (n > d.n - at - 4) return RC_MALFORMED;
        if (type == STUN_FINGERPRINT) {
            if (n != 4 || !fingerprint_fits(d, at)) return RC_MALFORMED;
            r->has_fingerprint = true;
        } else if (type < STUN_COMPREHENSION_OPTIONAL && r->unknown_count < STUN_UNKNOWN_MAX) {
            r->unknown[r->unknown_count++] = type;
        }
        at += 4 + n;
    }
    return RC_OK;
}

static void put_header(struct buf *out, unsigned type, size_t length, const uint8_t *id)
{
    put16(out, type);
    put16(out, (unsigned)length);
    buf_put(out, magic, sizeof magic);
    buf_put(out, id, SIPTX_STUN_ID_LEN);
}

static void put_address(struct buf *out, const struct net_addr *peer, const uint8_t *cookie_and_id)
{
    bool v4 = peer->family == NET_V4;
    size_t n = v4 ? 4 : 16;
    uint8_t ip[16];
    for (size_t i = 0; i < n; i++)
        ip[i] = peer->ip[i] ^ cookie_and_id[i];
    put16(out, STUN_XOR_MAPPED_ADDRESS);
    put16(out, (unsigned)(4 + n));
    put16(out, v4 ? 1 : 2);
    put16(out, peer->port ^ get16(magic));
    buf_put(out, ip, n);
}

/* ERROR-CODE 420 and UNKNOWN-ATTRIBUTES (RFC 8489, 14.8 and 14.9). */
static void put_unknown(struct buf *out, const struct request *r)
{
    static const uint8_t error_420[8] = {0, STUN_ERROR_CODE, 0, 4, 0, 0, 4, 20};
    buf_put(out, error_420, sizeof error_420);
    put16(out, STUN_UNKNOWN_ATTRIBUTES);
    put16(out, 2 * r->unknown_count);
    for (unsigned i = 0; i < r->unknown_count; i++)
        put16(out, r->unknown[i]);
    if (r->unknown_count % 2 != 0) put16(out, 0);
}

static void put_fingerprint(struct buf *out, size_t start)
{
    if (buf_rc(out) != RC_OK) return;
    uint32_t crc = crc32_of((const uint8_t *)out->p + start, out->n - start) ^ fingerprint_xor;
    put16(out, STUN_FINGERPRINT);
    put16(out, 4);
    put16(out, crc >> 16);
    put16(out, crc & 0xffff);
}

enum rc siptx_stun_answer(struct bytes d, const struct net_addr *peer, struct buf *out)
{
    struct request r = {0};
    if (!siptx_stun_is(d) || d.n > SIPTX_STUN_MAX || get16(d.p + 2) != d.n - STUN_HEADER ||
        d.n % 4 != 0)
        return RC_MALFORMED;
    if (get16(d.p) != STUN_BINDING_REQUEST || peer->family == NET_NONE) return RC_UNSUPPORTED;
    enum rc rc = read_attributes(d, &r);
    if (rc != RC_OK) return rc;
    size_t start = out->n, trailer = r.has_fingerprint ? 8 : 0;
    if (r.unknown_count > 0) {
        size_t names = (2 * r.unknown_count + 3u) & ~(size_t)3;
        put_header(out, STUN_BINDING_ERROR, 8 + 4 + names + trailer, d.p + 8);
        put_unknown(out, &r);
    } else {
        put_header(out, STUN_BINDING_SUCCESS, (peer->family == NET_V4 ? 12 : 24) + trailer,
                   d.p + 8);
        put_address(out, peer, d.p + 4);
    }
    if (r.has_fingerprint) put_fingerprint(out, start);
    return buf_rc(out);
}

void siptx_stun_request(struct buf *out, const uint8_t id[SIPTX_STUN_ID_LEN])
{
    put_header(out, STUN_BINDING_REQUEST, 0, id);
}

bool siptx_stun_is_success(struct bytes d, const uint8_t id[SIPTX_STUN_ID_LEN])
{
    struct request ignored = {0};
    return siptx_stun_is(d) && d.n <= SIPTX_STUN_MAX && get16(d.p) == STUN_BINDING_SUCCESS &&
           d.n % 4 == 0 && get16(d.p + 2) == d.n - STUN_HEADER &&
           memcmp(d.p + 8, id, SIPTX_STUN_ID_LEN) == 0 && read_attributes(d, &ignored) == RC_OK;
}
