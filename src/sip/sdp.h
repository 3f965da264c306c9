/* sip/sdp.h - index of an SDP body (RFC 8866; RFC 4566): session, media streams, the attributes a
 * call server and a phone need. One pass, no copy, no allocation: everything points into the
 * caller's bytes. Tolerant as the field is (LF line ends, blank lines, more than one space, no s= or
 * t=), strict where two readers could disagree (v= and o= twice, a stream without an address, NUL).
 * Keys of a=crypto lines are sdes.h, offers and answers offer.h. No state: safe from any thread. */
#ifndef SIP_SDP_H
#define SIP_SDP_H
#include "base/buf.h"
#include "base/cur.h"
#include "sip/host.h"

enum {
    SIP_SDP_BYTES_MAX = 32768, /* a longer body is refused unread */
    SIP_SDP_MEDIA_MAX = 16,    /* m= lines */
};

enum sip_sdp_kind {
    SIP_SDP_OTHER_KIND,
    SIP_SDP_AUDIO,
    SIP_SDP_VIDEO,
    SIP_SDP_APPLICATION,
    SIP_SDP_IMAGE,
    SIP_SDP_TEXT,
    SIP_SDP_MESSAGE,
};

/* The profiles of RTP; how keys are agreed on goes with them. */
enum sip_sdp_proto {
    SIP_SDP_OTHER_PROTO, /* udptl, TCP/MSRP, UDP/UDT/IX ...: proto_text says */
    SIP_SDP_RTP_AVP,     /* plain; with a=crypto lines: best effort */
    SIP_SDP_RTP_AVPF,
    SIP_SDP_RTP_SAVP, /* SRTP, keys in a=crypto (RFC 4568) */
    SIP_SDP_RTP_SAVPF,
    SIP_SDP_DTLS_SAVP, /* UDP/TLS/RTP/SAVP: SRTP, keys by DTLS (RFC 5764) */
    SIP_SDP_DTLS_SAVPF,
};

/* Bits: who may send. */
enum sip_sdp_direction {
    SIP_SDP_INACTIVE = 0,
    SIP_SDP_SENDONLY = 1,
    SIP_SDP_RECVONLY = 2,
    SIP_SDP_SENDRECV = 3,
};

struct sip_sdp_media {
    struct str lines; /* from "m=" through the last line end before the next "m=" */
    struct str kind_text, proto_text;
    struct str formats; /* "0 8 101", trimmed; may be empty where port is 0 */
    enum sip_sdp_kind kind;
    enum sip_sdp_proto proto;
    uint16_t port;           /* 0: the stream is refused or ended */
    uint16_t port_count;     /* of "port/count"; else 1 */
    struct sip_host address; /* its own c= line or the session's; text.n is 0 only if port is 0 */
    bool has_address;        /* it has a c= line of its own */
    enum sip_sdp_direction direction; /* its own, the session's, or sendrecv */
    bool has_crypto;                  /* any a=crypto line, well formed or not */
    bool has_key_line;                /* k= */
    bool has_fingerprint;             /* a=fingerprint here or in the session (DTLS) */
    bool rtcp_mux;
};

struct sip_sdp_origin {
    struct str username;
    struct str session_id, version; /* digits only, 1..40 */
    struct str address;             /* unicast-address, as it came */
};

struct sip_sdp {
    struct str bytes;
    struct str session; /* the lines before the first "m=" */
    struct sip_sdp_origin origin;
    struct str name;         /* of s=; may be empty */
    struct sip_host address; /* of the session's c=; text.n == 0: none */
    enum sip_sdp_direction direction;
    bool has_key_line; /* a k= line in the session */
    unsigned media_count;
    struct sip_sdp_media media[SIP_SDP_MEDIA_MAX];
};

/* Indexes bytes, which must stay while *out is used. *out is written in any case but means something
 * on RC_OK only. at (may be NULL): where and what was expected, fit for a reason phrase.
 *   RC_MALFORMED  breaks the grammar: answer 400
 *   RC_TOO_BIG    over SIP_SDP_BYTES_MAX or SIP_SDP_MEDIA_MAX: answer 488 */
MUST_CHECK enum rc sip_sdp_parse(struct str bytes, struct sip_sdp *out, struct parse_at *at);

/* One attribute of a run of lines: "a=name" or "a=name:value". */
struct sip_sdp_attr {
    struct str line; /* with its line end */
    struct str name, value;
};
/* The next attribute at or behind the cursor (cur_of(media->lines), cur_of(sdp->session)); false:
 * no more. */
bool sip_sdp_attr_next(struct cur *c, struct sip_sdp_attr *out);
/* The first of that name (any case) in lines, or false. */
bool sip_sdp_attr_find(struct str lines, struct str name, struct sip_sdp_attr *out);

/* RTP payload types: the next number of m->formats; false at the end. c begins as
 * cur_of(m->formats). Of streams that are not RTP: false. */
bool sip_sdp_payload_next(const struct sip_sdp_media *m, struct cur *c, unsigned *payload);

struct sip_sdp_rtpmap {
    unsigned payload;    /* 0..127 */
    struct str encoding; /* compare without case */
    uint32_t clock_hz;
    unsigned channels; /* 1 where none is given */
};
/* The a=rtpmap line of that payload, or what RFC 3551 says of it (PCMU, G722, PCMA, CN, G729 ...).
 * RC_NOT_FOUND; RC_MALFORMED: its line cannot be read. */
MUST_CHECK enum rc sip_sdp_rtpmap_find(const struct sip_sdp_media *m, unsigned payload,
                                       struct sip_sdp_rtpmap *out);
/* Format parameters of that payload, trimmed; empty where there are none. */
struct str sip_sdp_fmtp_find(const struct sip_sdp_media *m, unsigned payload);
/* a=ptime in milliseconds, 1..1000; 0 where there is none or a bad one. */
unsigned sip_sdp_ptime_ms(const struct sip_sdp_media *m);
/* Where RTCP goes: a=rtcp (RFC 3605; its address, too, else m->address), m->port with rtcp-mux, else
 * the port above; false: the stream has none (port 0, port 65535, not RTP). */
bool sip_sdp_rtcp(const struct sip_sdp_media *m, uint16_t *port, struct sip_host *address);

static inline bool sip_sdp_is_rtp(enum sip_sdp_proto p)
{
    return p != SIP_SDP_OTHER_PROTO;
}
/* The profile itself promises SRTP. */
static inline bool sip_sdp_is_secure(enum sip_sdp_proto p)
{
    return p >= SIP_SDP_RTP_SAVP;
}
static inline bool sip_sdp_is_dtls(enum sip_sdp_proto p)
{
    return p == SIP_SDP_DTLS_SAVP || p == SIP_SDP_DTLS_SAVPF;
}
/* "RTP/SAVP"; "" for SIP_SDP_OTHER_PROTO. */
struct str sip_sdp_proto_name(enum sip_sdp_proto p);
/* "sendrecv", "sendonly", "recvonly", "inactive". */
struct str sip_sdp_direction_name(enum sip_sdp_direction d);
/* As the other side sees it: sendonly is recvonly there. */
static inline enum sip_sdp_direction sip_sdp_direction_reverse(enum sip_sdp_direction d)
{
    return (enum sip_sdp_direction)(((unsigned)d & 1u) << 1 | ((unsigned)d & 2u) >> 1);
}
/* The stream is held by who described it: sendonly, inactive or the address 0.0.0.0 (RFC 3264, 8.4
 * and RFC 2543's way). */
bool sip_sdp_is_hold(const struct sip_sdp_media *m);
/* Keys lie open in it: a=crypto or k= lines, in the session or a stream. */
bool sip_sdp_has_keys(const struct sip_sdp *s);

/* Prints without keys, as for a leg that is not encrypted: no a=crypto, no k=; RTP/SAVP becomes
 * RTP/AVP (and SAVPF AVPF). DTLS streams stay as they are. The rest byte for byte, but line ends
 * are CRLF and blank lines go. */
void sip_sdp_print_plain(struct buf *out, const struct sip_sdp *s);

#endif
