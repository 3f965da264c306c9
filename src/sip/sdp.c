#include "sip/sdp.h"
#include "sip/sdp_int.h"
#include "sip/values.h"

enum { SDP_DIGITS_MAX = 40 };

/* What the parser has met of the lines that may stand once. */
struct sdp_state {
    struct sip_sdp *sdp;
    struct sip_sdp_media *media; /* NULL: still in the session */
    bool has_version, has_origin, has_name, has_session_address;
    bool has_direction;   /* of the present session or stream */
    bool has_fingerprint; /* of the session */
    const char *expected;
};

struct sdp_word {
    struct str text;
    int value;
};

static int sdp_lookup(const struct sdp_word *words, size_t n, struct str text, int otherwise)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq_nocase(words[i].text, text)) return words[i].value;
    }
    return otherwise;
}

static enum sip_sdp_kind sdp_kind(struct str text)
{
    static const struct sdp_word kinds[] = {
        {STR_INIT("audio"), SIP_SDP_AUDIO}, {STR_INIT("video"), SIP_SDP_VIDEO},
        {STR_INIT("text"), SIP_SDP_TEXT},   {STR_INIT("application"), SIP_SDP_APPLICATION},
        {STR_INIT("image"), SIP_SDP_IMAGE}, {STR_INIT("message"), SIP_SDP_MESSAGE},
    };
    return (enum sip_sdp_kind)sdp_lookup(kinds, sizeof kinds / sizeof kinds[0], text,
                                         SIP_SDP_OTHER_KIND);
}

static enum sip_sdp_proto sdp_proto(struct str text)
{
    for (int p = SIP_SDP_RTP_AVP; p <= SIP_SDP_DTLS_SAVPF; p++) {
        if (str_eq_nocase(text, sip_sdp_proto_name((enum sip_sdp_proto)p)))
            return (enum sip_sdp_proto)p;
    }
    return SIP_SDP_OTHER_PROTO;
}

/* a=sendrecv and its kin. False: another attribute. */
static bool sdp_direction(struct str name, enum sip_sdp_direction *out)
{
    for (int d = SIP_SDP_INACTIVE; d <= SIP_SDP_SENDRECV; d++) {
        if (!str_eq_nocase(name, sip_sdp_direction_name((enum sip_sdp_direction)d))) continue;
        *out = (enum sip_sdp_direction)d;
        return true;
    }
    return false;
}

static enum rc sdp_fail(struct sdp_state *s, const char *expected)
{
    s->expected = expected;
    return RC_MALFORMED;
}

/* connection-address = multicast-address / unicast-address; the ttl of the former is let be. RFC
 * 8866, 5.7 */
bool sdp_address(struct cur *c, struct sip_host *out)
{
    struct str nettype = sdp_word(c), addrtype = sdp_word(c), text = sdp_word(c), host;
    if (!sip_is_token(nettype) || !sip_is_token(addrtype) || !str_split(&text, '/', &host))
        return false;
    return sip_host_parse(host, out) == RC_OK;
}

static bool sdp_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!lex_is2(s.p[i], LEX_DIGIT)) return false;
    }
    return s.n > 0 && s.n <= SDP_DIGITS_MAX;
}

/* origin-field = username SP sess-id SP sess-version SP nettype SP addrtype SP unicast-address */
static enum rc sdp_origin(struct sdp_state *s, struct str value)
{
    struct cur c = cur_of(value);
    struct sip_sdp_origin *o = &s->sdp->origin;
    if (s->media || s->has_origin) return sdp_fail(s, "one o= line, before the streams");
    s->has_origin = true;
    o->username = sdp_word(&c);
    o->session_id = sdp_word(&c);
    o->version = sdp_word(&c);
    struct str nettype = sdp_word(&c), addrtype = sdp_word(&c);
    o->address = sdp_word(&c);
    if (o->username.n == 0 || !sdp_digits(o->session_id) || !sdp_digits(o->version) ||
        !sip_is_token(nettype) || !sip_is_token(addrtype) || o->address.n == 0 || !cur_at_end(&c))
        return sdp_fail(s, "an o= line of six words");
    return RC_OK;
}

/* One address for each stream; of several c= lines of a stream (layers of multicast) the first. */
static enum rc sdp_connection(struct sdp_state *s, struct str value)
{
    struct cur c = cur_of(value);
    struct sip_host host;
    if (!sdp_address(&c, &host) || !cur_at_end(&c)) return sdp_fail(s, "an address in c=");
    if (s->media) {
        if (s->media->has_address) return RC_OK;
        s->media->has_address = true;
        s->media->address = host;
        return RC_OK;
    }
    if (s->has_session_address) return sdp_fail(s, "one c= line before the streams");
    s->has_session_address = true;
    s->sdp->address = host;
    return RC_OK;
}

/* proto = token *("/" token) */
static bool sdp_proto_is_fine(struct str text)
{
    struct str part;
    if (text.n == 0) return false;
    while (str_split(&text, '/', &part)) {
        if (!sip_is_token(part)) return false;
    }
    return true;
}

/* port ["/" integer] */
static bool sdp_ports(struct str text, struct sip_sdp_media *m)
{
    uint64_t port, count = 1;
    struct str part;
    if (!str_split(&text, '/', &part) || !sdp_number(part, UINT16_MAX, &port)) return false;
    if (text.p && (!sdp_number(text, UINT16_MAX, &count) || count == 0)) return false;
    m->port = (uint16_t)port;
    m->port_count = (uint16_t)count;
    return true;
}

/* fmt = token; the formats of RTP are payload types. */
static bool sdp_formats_are_fine(const struct sip_sdp_media *m)
{
    struct cur c = cur_of(m->formats);
    uint64_t payload;
    if (m->formats.n == 0) return m->port == 0;
    while (!cur_at_end(&c)) {
        struct str word = sdp_word(&c);
        if (!sip_is_token(word)) return false;
        if (sip_sdp_is_rtp(m->proto) && m->port != 0 && !sdp_number(word, 127, &payload))
            return false;
    }
    return true;
}

/* A stream is whole: the session speaks where it does not. */
static enum rc sdp_close_media(struct sdp_state *s, const char *end)
{
    struct sip_sdp_media *m = s->media;
    if (!m) return RC_OK;
    m->lines.n = (size_t)(end - m->lines.p);
    if (!m->has_address) m->address = s->sdp->address;
    if (m->address.text.n == 0 && m->port != 0) return sdp_fail(s, "a c= line for each stream");
    return RC_OK;
}

/* media-field = media SP port ["/" integer] SP proto 1*(SP fmt) */
static enum rc sdp_media(struct sdp_state *s, const struct sdp_line *line)
{
    struct sip_sdp *sdp = s->sdp;
    struct cur c = cur_of(line->value);
    enum rc rc = sdp_close_media(s, line->whole.p);
    if (rc != RC_OK) return rc;
    if (sdp->media_count == SIP_SDP_MEDIA_MAX) {
        s->expected = "fewer streams";
        return RC_TOO_BIG;
    }
    if (!s->media) sdp->session.n = (size_t)(line->whole.p - sdp->session.p);
    struct sip_sdp_media *m = s->media = &sdp->media[sdp->media_count++];
    *m = (struct sip_sdp_media){.lines = line->whole,
                                .direction = sdp->direction,
                                .has_fingerprint = s->has_fingerprint,
                                .kind_text = sdp_word(&c)};
    s->has_direction = false;
    bool has_port = sdp_ports(sdp_word(&c), m);
    m->proto_text = sdp_word(&c);
    m->formats = cur_rest(&c);
    m->kind = sdp_kind(m->kind_text);
    m->proto = sdp_proto(m->proto_text);
    if (!sip_is_token(m->kind_text) || !has_port || !sdp_proto_is_fine(m->proto_text) ||
        !sdp_formats_are_fine(m))
        return sdp_fail(s, "an m= line: media, port, protocol, formats");
    return RC_OK;
}

bool sdp_attr_of(const struct sdp_line *line, struct sip_sdp_attr *out)
{
    struct str name, rest = line->value;
    if (!str_split(&rest, ':', &name) || !sip_is_token(name)) return false;
    *out = (struct sip_sdp_attr){.line = line->whole, .name = name, .value = rest};
    return true;
}

/* What the index itself keeps of the attributes. Of two directions in one place the first holds. */
static enum rc sdp_attribute(struct sdp_state *s, const struct sdp_line *line)
{
    struct sip_sdp_attr a;
    enum sip_sdp_direction d;
    if (!sdp_attr_of(line, &a)) return sdp_fail(s, "a name behind a=");
    if (sdp_direction(a.name, &d)) {
        if (s->has_direction) return RC_OK;
        s->has_direction = true;
        *(s->media ? &s->media->direction : &s->sdp->direction) = d;
    } else if (str_eq_nocase(a.name, STR("fingerprint"))) {
        *(s->media ? &s->media->has_fingerprint : &s->has_fingerprint) = true;
    } else if (str_eq_nocase(a.name, STR("crypto")) ||
               str_eq_nocase(a.name, STR("key-mgmt"))) { /* RFC 4567: keys, too */
        if (!s->media) s->sdp->has_key_line = true;
        if (s->media && lex_eq_lower(a.name, STR("crypto"))) s->media->has_crypto = true;
        if (s->media && a.name.n == sizeof("key-mgmt") - 1) s->media->has_key_line = true;
    } else if (s->media && str_eq_nocase(a.name, STR("rtcp-mux"))) {
        s->media->rtcp_mux = true;
    }
    return RC_OK;
}

static enum rc sdp_first_version(struct sdp_state *s, const struct sdp_line *line)
{
    if (line->type != 'v' || !str_eq(line->value, STR("0"))) return sdp_fail(s, "v=0");
    s->has_version = true;
    return RC_OK;
}

/* One line by its letter (RFC 8866, 5): a second v=, o= or s= would begin another description. */
static enum rc sdp_line(struct sdp_state *s, const struct sdp_line *line)
{
    if (!s->has_version) return sdp_first_version(s, line);
    switch (line->type) {
    case 'o': return sdp_origin(s, line->value);
    case 's':
        if (s->media || s->has_name) return sdp_fail(s, "one s= line, before the streams");
        s->has_name = true;
        s->sdp->name = line->value;
        return RC_OK;
    case 'c': return sdp_connection(s, line->value);
    case 'm': return sdp_media(s, line);
    case 'a': return sdp_attribute(s, line);
    case 'k': *(s->media ? &s->media->has_key_line : &s->sdp->has_key_line) = true; return RC_OK;
    case 't':
    case 'r':
    case 'z':
    case 'u':
    case 'e':
    case 'p': return s->media ? sdp_fail(s, "session lines before the streams") : RC_OK;
    case 'i':
    case 'b': return RC_OK;
    default: return sdp_fail(s, "a line of SDP");
    }
}

/* CR stands only before LF or among the last bytes of a line; NUL nowhere. */
static const char *sdp_bad_byte(struct str bytes)
{
    const char *end = bytes.p + bytes.n, *p;
    if (bytes.n == 0) return NULL;
    if ((p = memchr(bytes.p, '\0', bytes.n)) != NULL) return p;
    for (p = bytes.p; (p = memchr(p, '\r', (size_t)(end - p))) != NULL; p++) {
        const char *next = p + 1;
        while (next < end && *next == '\r')
            next++;
        if (next < end && *next != '\n') return p;
    }
    return NULL;
}

enum rc sip_sdp_parse(struct str bytes, struct sip_sdp *out, struct parse_at *at)
{
    struct sdp_state s = {.sdp = out};
    struct cur c = cur_of(bytes);
    struct sdp_line line = {.whole = str_sub(bytes, 0, 0)};
    enum rc rc = RC_OK;
    *out = (struct sip_sdp){.bytes = bytes, .session = bytes, .direction = SIP_SDP_SENDRECV};
    if (bytes.n > SIP_SDP_BYTES_MAX)
        return lex_fail(at, bytes, bytes.p, "a shorter body", RC_TOO_BIG);
    const char *bad = sdp_bad_byte(bytes);
    if (bad) return lex_fail(at, bytes, bad, "text", RC_MALFORMED);
    while (rc == RC_OK && sdp_line_next(&c, &line))
        rc = sdp_line(&s, &line);
    if (rc == RC_OK) rc = sdp_close_media(&s, c.end);
    if (rc == RC_OK && !s.has_version) rc = sdp_fail(&s, "v=0");
    if (rc == RC_OK && !s.has_origin) rc = sdp_fail(&s, "an o= line");
    return rc == RC_OK ? RC_OK : lex_fail(at, bytes, line.whole.p, s.expected, rc);
}
