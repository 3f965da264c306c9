/* What is read of a parsed SDP on demand, and its printing without keys. */
#include "sip/sdp.h"
#include "sip/sdp_int.h"
#include "sip/values.h"

enum { SDP_PTIME_MAX_MS = 1000 };

struct str sip_sdp_proto_name(enum sip_sdp_proto p)
{
    static const struct str names[] = {
        [SIP_SDP_RTP_AVP] = STR_INIT("RTP/AVP"),
        [SIP_SDP_RTP_AVPF] = STR_INIT("RTP/AVPF"),
        [SIP_SDP_RTP_SAVP] = STR_INIT("RTP/SAVP"),
        [SIP_SDP_RTP_SAVPF] = STR_INIT("RTP/SAVPF"),
        [SIP_SDP_DTLS_SAVP] = STR_INIT("UDP/TLS/RTP/SAVP"),
        [SIP_SDP_DTLS_SAVPF] = STR_INIT("UDP/TLS/RTP/SAVPF"),
    };
    return (unsigned)p < sizeof names / sizeof names[0] ? names[p] : STR("");
}

struct str sip_sdp_direction_name(enum sip_sdp_direction d)
{
    static const struct str names[] = {
        [SIP_SDP_INACTIVE] = STR_INIT("inactive"),
        [SIP_SDP_SENDONLY] = STR_INIT("sendonly"),
        [SIP_SDP_RECVONLY] = STR_INIT("recvonly"),
        [SIP_SDP_SENDRECV] = STR_INIT("sendrecv"),
    };
    return names[(unsigned)d & 3u];
}

bool sip_sdp_attr_next(struct cur *c, struct sip_sdp_attr *out)
{
    struct sdp_line line;
    while (sdp_line_next(c, &line)) {
        if (line.type == 'a' && sdp_attr_of(&line, out)) return true;
    }
    return false;
}

bool sip_sdp_attr_find(struct str lines, struct str name, struct sip_sdp_attr *out)
{
    struct cur c = cur_of(lines);
    struct sip_sdp_attr a;
    while (sip_sdp_attr_next(&c, &a)) {
        if (!str_eq_nocase(a.name, name)) continue;
        *out = a;
        return true;
    }
    return false;
}

bool sip_sdp_payload_next(const struct sip_sdp_media *m, struct cur *c, unsigned *payload)
{
    uint64_t value;
    if (!sip_sdp_is_rtp(m->proto)) return false;
    while (!cur_at_end(c)) {
        if (!sdp_number(sdp_word(c), 127, &value)) continue; /* of a stream at port 0 */
        *payload = (unsigned)value;
        return true;
    }
    return false;
}

/* The attribute of that name whose value begins with payload and a space; *rest is what follows. */
static bool sdp_payload_attr(const struct sip_sdp_media *m, struct str name, unsigned payload,
                             struct str *rest)
{
    struct cur c = cur_of(m->lines);
    struct sip_sdp_attr a;
    uint64_t value;
    while (sip_sdp_attr_next(&c, &a)) {
        struct cur v = cur_of(a.value);
        if (!str_eq_nocase(a.name, name)) continue;
        if (!sdp_number(sdp_word(&v), 127, &value) || value != payload) continue;
        *rest = cur_rest(&v);
        return true;
    }
    return false;
}

/* encoding "/" clock-rate ["/" channels]. RFC 8866, 6.6 */
static bool sdp_rtpmap_read(struct str text, struct sip_sdp_rtpmap *out)
{
    struct str encoding, part;
    uint64_t clock_hz, channels = 1;
    if (!str_split(&text, '/', &encoding) || !sip_is_token(encoding)) return false;
    if (!str_split(&text, '/', &part) || !sdp_number(part, UINT32_MAX, &clock_hz) || clock_hz == 0)
        return false;
    if (text.p && (!sdp_number(text, 255, &channels) || channels == 0)) return false;
    out->encoding = encoding;
    out->clock_hz = (uint32_t)clock_hz;
    out->channels = (unsigned)channels;
    return true;
}

/* Payload types that need no rtpmap. RFC 3551, 6 */
static bool sdp_rtpmap_static(unsigned payload, struct sip_sdp_rtpmap *out)
{
    static const struct sip_sdp_rtpmap maps[] = {
        {0, STR_INIT("PCMU"), 8000, 1},   {3, STR_INIT("GSM"), 8000, 1},
        {4, STR_INIT("G723"), 8000, 1},   {5, STR_INIT("DVI4"), 8000, 1},
        {6, STR_INIT("DVI4"), 16000, 1},  {7, STR_INIT("LPC"), 8000, 1},
        {8, STR_INIT("PCMA"), 8000, 1},   {9, STR_INIT("G722"), 8000, 1},
        {10, STR_INIT("L16"), 44100, 2},  {11, STR_INIT("L16"), 44100, 1},
        {12, STR_INIT("QCELP"), 8000, 1}, {13, STR_INIT("CN"), 8000, 1},
        {14, STR_INIT("MPA"), 90000, 1},  {15, STR_INIT("G728"), 8000, 1},
        {16, STR_INIT("DVI4"), 11025, 1}, {17, STR_INIT("DVI4"), 22050, 1},
        {18, STR_INIT("G729"), 8000, 1},  {26, STR_INIT("JPEG"), 90000, 1},
        {31, STR_INIT("H261"), 90000, 1}, {32, STR_INIT("MPV"), 90000, 1},
        {34, STR_INIT("H263"), 90000, 1},
    };
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        if (maps[i].payload != payload) continue;
        *out = maps[i];
        return true;
    }
    return false;
}

enum rc sip_sdp_rtpmap_find(const struct sip_sdp_media *m, unsigned payload,
                            struct sip_sdp_rtpmap *out)
{
    struct sip_sdp_rtpmap map = {.payload = payload};
    struct str rest;
    if (sdp_payload_attr(m, STR("rtpmap"), payload, &rest)) {
        if (!sdp_rtpmap_read(rest, &map)) return RC_MALFORMED;
    } else if (!sdp_rtpmap_static(payload, &map)) {
        return RC_NOT_FOUND;
    }
    *out = map;
    return RC_OK;
}

struct str sip_sdp_fmtp_find(const struct sip_sdp_media *m, unsigned payload)
{
    struct str rest;
    return sdp_payload_attr(m, STR("fmtp"), payload, &rest) ? rest : STR("");
}

unsigned sip_sdp_ptime_ms(const struct sip_sdp_media *m)
{
    struct sip_sdp_attr a;
    uint64_t ms;
    if (!sip_sdp_attr_find(m->lines, STR("ptime"), &a)) return 0;
    return sdp_number(str_trim(a.value), SDP_PTIME_MAX_MS, &ms) ? (unsigned)ms : 0;
}

/* a=rtcp: port [nettype SP addrtype SP connection-address]. RFC 3605, 2.1 */
bool sip_sdp_rtcp(const struct sip_sdp_media *m, uint16_t *port, struct sip_host *address)
{
    struct sip_sdp_attr a;
    uint64_t value;
    if (m->port == 0 || !sip_sdp_is_rtp(m->proto)) return false;
    if (!m->rtcp_mux && sip_sdp_attr_find(m->lines, STR("rtcp"), &a)) {
        struct cur c = cur_of(a.value);
        struct sip_host host = m->address;
        if (sdp_number(sdp_word(&c), UINT16_MAX, &value) && value != 0 &&
            (cur_at_end(&c) || sdp_address(&c, &host))) {
            *port = (uint16_t)value;
            *address = host;
            return true;
        }
    }
    if (!m->rtcp_mux && m->port == UINT16_MAX) return false;
    *port = (uint16_t)(m->rtcp_mux ? m->port : m->port + 1);
    *address = m->address;
    return true;
}

static bool sdp_host_is_zero(const struct sip_host *h)
{
    uint8_t bytes[16], any = 0;
    size_t n = sip_host_address(h, bytes);
    for (size_t i = 0; i < n; i++)
        any |= bytes[i];
    return n > 0 && any == 0;
}

bool sip_sdp_is_hold(const struct sip_sdp_media *m)
{
    if (m->port == 0) return false;
    return m->direction == SIP_SDP_SENDONLY || m->direction == SIP_SDP_INACTIVE ||
           sdp_host_is_zero(&m->address);
}

bool sip_sdp_has_keys(const struct sip_sdp *s)
{
    for (unsigned i = 0; i < s->media_count; i++) {
        if (s->media[i].has_crypto || s->media[i].has_key_line) return true;
    }
    return s->has_key_line;
}

/* k=, a=crypto, a=key-mgmt. */
static bool sdp_line_is_key(const struct sdp_line *line)
{
    struct sip_sdp_attr a;
    if (line->type == 'k') return true;
    if (line->type != 'a' || !sdp_attr_of(line, &a)) return false;
    return str_eq_nocase(a.name, STR("crypto")) || str_eq_nocase(a.name, STR("key-mgmt"));
}

static void sdp_print_line(struct buf *out, const struct sdp_line *line)
{
    buf_put_char(out, line->type);
    buf_put_char(out, '=');
    buf_put_str(out, line->value);
    buf_put_lit(out, "\r\n");
}

/* The m= line with RTP/AVP where RTP/SAVP stood. */
static void sdp_print_plain_media(struct buf *out, const struct sip_sdp_media *m,
                                  const struct sdp_line *line)
{
    if (m->proto != SIP_SDP_RTP_SAVP && m->proto != SIP_SDP_RTP_SAVPF) {
        sdp_print_line(out, line);
        return;
    }
    size_t at = (size_t)(m->proto_text.p - line->value.p);
    buf_put_lit(out, "m=");
    buf_put_str(out, str_sub(line->value, 0, at));
    buf_put_str(
        out, sip_sdp_proto_name(m->proto == SIP_SDP_RTP_SAVP ? SIP_SDP_RTP_AVP : SIP_SDP_RTP_AVPF));
    buf_put_str(out, str_sub(line->value, at + m->proto_text.n, line->value.n));
    buf_put_lit(out, "\r\n");
}

void sip_sdp_print_plain(struct buf *out, const struct sip_sdp *s)
{
    struct cur c = cur_of(s->bytes);
    struct sdp_line line;
    const struct sip_sdp_media *m = s->media;
    while (sdp_line_next(&c, &line)) {
        if (line.type == 'm')
            sdp_print_plain_media(out, m++, &line);
        else if (!sdp_line_is_key(&line))
            sdp_print_line(out, &line);
    }
}
