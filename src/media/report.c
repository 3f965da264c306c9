/* media/report.c - RTCP of a stream: reports every few seconds (RFC 3550, 6.2), what the peer's say,
 * and BYE. */
#include "base/base64.h"
#include "media/stream_int.h"

#include <stdalign.h>

enum { INTERVAL_MS = 5000, REPORT_MAX = 512, CNAME_BYTES = 12 };
static const uint64_t NTP_OF_UNIX_S = 2208988800u; /* 1900 to 1970 */
static const double COMPENSATION = 1.21828;        /* RFC 3550, 6.3.1 */

/* Half to one and a half of the interval, so that the two ends do not fall into step. */
static uint64_t interval_ms(struct media_stream *s)
{
    uint64_t ms = INTERVAL_MS / 2 + random_below(&s->config.random, INTERVAL_MS);
    return (uint64_t)((double)ms / COMPENSATION);
}

void sound_reports_init(struct media_stream *s)
{
    uint8_t random[CNAME_BYTES];
    struct buf cname;
    s->reports.mono_base_ms = sound_now_ms(s);
    s->reports.ntp_base_ms = (uint64_t)clock_unix_ms(&s->config.clock) + NTP_OF_UNIX_S * 1000;
    s->reports.next_ms = s->reports.mono_base_ms + interval_ms(s) / 2;
    s->reports.round_trip = -1;
    s->reports.peer_loss_percent = s->reports.peer_jitter_ms = -1;
    random_fill(&s->config.random, random, sizeof random);
    buf_init_fixed(&cname, s->reports.cname, sizeof s->reports.cname);
    base64_print(&cname, bytes_of(random, sizeof random));
}

static uint64_t ntp_now(const struct media_stream *s)
{
    uint64_t ms = s->reports.ntp_base_ms + (sound_now_ms(s) - s->reports.mono_base_ms);
    return (ms / 1000) << 32 | ((ms % 1000) << 32) / 1000;
}

/* ---- out ---- */

static void send_rtcp(struct media_stream *s, uint8_t *bytes, size_t n)
{
    bool mux = s->plan.rtcp_mux;
    const struct net_addr *to = mux ? &s->receive.rtp.current : &s->receive.rtcp.current;
    if (to->family == NET_NONE) return;
    if (sound_is_encrypted(s) &&
        media_srtcp_protect(s->send.srtp[s->plan.send.suite], bytes, &n) != RC_OK)
        return;
    s->config.events->send(s->config.ctx, !mux, to, bytes_of(bytes, n));
}

static void print_report(struct media_stream *s, struct buf *out)
{
    struct media_rtcp_block block;
    unsigned block_count = s->receive.has_source ? 1 : 0;
    bool sent = s->send.packets != s->send.packets_reported;
    struct media_rtcp_sender sender = {
        .ntp = ntp_now(s),
        .timestamp = s->send.timestamp,
        .packets = s->send.packets,
        .octets = s->send.octets,
    };
    if (block_count > 0) media_reception_block(&s->receive.source, sound_now_ms(s), &block);
    s->send.packets_reported = s->send.packets;
    media_rtcp_print_report(out, s->send.ssrc, sent ? &sender : NULL, &block, block_count);
    media_rtcp_print_cname(out, s->send.ssrc, str_from(s->reports.cname));
}

void sound_report_if_due(struct media_stream *s)
{
    alignas(uint32_t) uint8_t bytes[REPORT_MAX + MEDIA_SRTP_ROOM];
    struct buf out;
    if (sound_now_ms(s) < s->reports.next_ms) return;
    s->reports.next_ms = sound_now_ms(s) + interval_ms(s);
    buf_init_fixed(&out, bytes, REPORT_MAX);
    print_report(s, &out);
    if (buf_rc(&out) == RC_OK) send_rtcp(s, bytes, out.n);
}

void sound_say_bye(struct media_stream *s, uint32_t ssrc)
{
    alignas(uint32_t) uint8_t bytes[REPORT_MAX + MEDIA_SRTP_ROOM];
    struct buf out;
    buf_init_fixed(&out, bytes, REPORT_MAX);
    print_report(s, &out);
    media_rtcp_print_bye(&out, ssrc);
    if (buf_rc(&out) == RC_OK) send_rtcp(s, bytes, out.n);
}

/* ---- in ---- */

/* What the peer says of our sound: so much redundancy Opus adds from now on. */
static bool take_blocks(struct media_stream *s, const struct media_rtcp *report)
{
    bool any = false;
    for (unsigned i = 0; i < report->block_count; i++) {
        const struct media_rtcp_block *b = &report->blocks[i];
        if (b->ssrc != s->send.ssrc) continue;
        int64_t trip = media_round_trip(b, ntp_now(s));
        if (trip >= 0) s->reports.round_trip = trip;
        s->reports.peer_loss_percent = b->fraction_lost * 100.0 / 256;
        s->reports.peer_jitter_ms = b->jitter * 1000.0 / sound_clock_hz(s);
        media_encoder_set_loss(s->send.encoder, (unsigned)(s->reports.peer_loss_percent + 0.5));
        any = true;
    }
    return any;
}

bool sound_take_rtcp(struct media_stream *s, struct bytes packet)
{
    struct media_rtcp_reader reader;
    struct media_rtcp one;
    struct stream_receiver *r = &s->receive;
    bool report = false, bye = false;
    enum rc rc = media_rtcp_begin(packet, &reader);
    while (rc == RC_OK && (rc = media_rtcp_next(&reader, &one)) == RC_OK) {
        bool of_source = r->has_source && one.ssrc == r->source.ssrc;
        if (one.kind == MEDIA_RTCP_SR && of_source)
            media_reception_sender_report(&r->source, one.sender.ntp, sound_now_ms(s));
        if (one.kind == MEDIA_RTCP_SR || one.kind == MEDIA_RTCP_RR)
            report = take_blocks(s, &one) || report;
        if (one.kind == MEDIA_RTCP_BYE && r->has_source)
            bye = media_rtcp_bye_names(&one, r->source.ssrc) || bye;
    }
    if (rc != RC_NOT_FOUND) return false;
    if (report) s->config.events->on_report(s->config.ctx);
    if (bye) s->config.events->on_bye(s->config.ctx);
    return true;
}
