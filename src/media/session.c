/* media/session.c - the sound of one call: its life, its sockets and its ticks. */
#include "crypto/secret.h"
#include "media/session_int.h"

#include <stdlib.h>

enum { LATE_TICKS_MAX = 10, QUIET_S = 10 };

/* ---- what the stream says ---- */

static void tell(const struct media_session *s, void (*event)(void *ctx))
{
    if (event && !s->closed) event(s->config.ctx);
}

/* A full socket buffer is a packet lost, as the network might have done. */
static void send_packet(void *ctx, bool rtcp, const struct net_addr *to, struct bytes packet)
{
    struct media_session *s = ctx;
    struct net_udp *udp = rtcp ? s->ports.rtcp_socket : s->ports.rtp_socket;
    if (udp) (void)!net_udp_send(udp, to, NULL, packet);
}

static void on_dtmf(void *ctx, const struct media_dtmf *dtmf)
{
    struct media_session *s = ctx;
    if (s->events.on_dtmf && !s->closed) s->events.on_dtmf(s->config.ctx, dtmf);
}

static void on_first_packet(void *ctx)
{
    struct media_session *s = ctx;
    tell(s, s->events.on_first_packet);
}

static void on_digits_sent(void *ctx)
{
    struct media_session *s = ctx;
    tell(s, s->events.on_digits_sent);
}

static void on_report(void *ctx)
{
    struct media_session *s = ctx;
    tell(s, s->events.on_report);
}

static void on_bye(void *ctx)
{
    struct media_session *s = ctx;
    tell(s, s->events.on_bye);
}

static const struct media_stream_events stream_events = {
    .send = send_packet,
    .on_dtmf = on_dtmf,
    .on_first_packet = on_first_packet,
    .on_digits_sent = on_digits_sent,
    .on_report = on_report,
    .on_bye = on_bye,
};

/* ---- what the network says ---- */

static void on_rtp(void *ctx, const struct net_datagram *datagram)
{
    struct media_session *s = ctx;
    if (!s->closed) media_stream_receive(s->stream, false, &datagram->from, datagram->data);
}

static void on_rtcp(void *ctx, const struct net_datagram *datagram)
{
    struct media_session *s = ctx;
    if (!s->closed) media_stream_receive(s->stream, true, &datagram->from, datagram->data);
}

/* ---- ticks ---- */

static void tell_quiet(struct media_session *s, enum media_direction direction)
{
    uint64_t quiet_ms = media_stream_quiet_ms(s->stream);
    unsigned limit_s = s->config.quiet_s > 0 ? s->config.quiet_s : QUIET_S;
    bool expected = (unsigned)direction & MEDIA_RECVONLY;
    if (!expected || s->sdp.held || quiet_ms < limit_s * UINT64_C(1000)) {
        s->quiet_told = s->quiet_told && quiet_ms >= limit_s * UINT64_C(1000);
        return;
    }
    if (s->quiet_told) return;
    s->quiet_told = true;
    if (s->events.on_quiet && !s->closed) s->events.on_quiet(s->config.ctx, limit_s);
}

static void tick(struct media_session *s)
{
    int16_t mic[MEDIA_FRAME_MAX], speaker[MEDIA_FRAME_MAX];
    struct media_stats stats;
    unsigned rate_hz = media_stream_rate(s->stream);
    unsigned samples = rate_hz / 1000 * MEDIA_FRAME_MS;
    bool played = session_sound_in(s, rate_hz, mic, samples);
    media_stream_step(s->stream, mic, speaker);
    if (s->closed) return;
    session_sound_out(s, rate_hz, speaker, samples);
    media_stream_stats(s->stream, &stats);
    tell_quiet(s, stats.direction);
    if (played) tell(s, s->events.on_played);
}

static void on_timer(void *ctx);

/* The next tick stands 20 ms after the last one's time, not after its work. */
static void start_timer(struct media_session *s)
{
    uint64_t now_ms = net_loop_now_ms(s->config.loop);
    uint64_t delay_ms = s->due_ms > now_ms ? s->due_ms - now_ms : 0;
    net_timer_start(s->config.loop, &s->timer, delay_ms, on_timer, s);
}

/* A loop that was busy makes up for it; a machine that slept does not. */
static void on_timer(void *ctx)
{
    struct media_session *s = ctx;
    uint64_t now_ms = net_loop_now_ms(s->config.loop);
    if (now_ms > s->due_ms + LATE_TICKS_MAX * MEDIA_FRAME_MS) s->due_ms = now_ms;
    while (!s->closed && s->due_ms <= now_ms) {
        s->due_ms += MEDIA_FRAME_MS;
        tick(s);
    }
    if (!s->closed) start_timer(s);
}

enum rc session_use_plan(struct media_session *s, const struct media_plan *plan)
{
    enum rc rc = media_stream_set_plan(s->stream, plan);
    if (rc != RC_OK) return rc;
    s->sdp.held = plan->held;
    s->quiet_told = false;
    if (wheel_is_running(&s->timer)) return RC_OK;
    s->due_ms = net_loop_now_ms(s->config.loop);
    start_timer(s);
    return RC_OK;
}

/* ---- life ---- */

static void set_defaults(struct media_session_config *c)
{
    static const enum media_codec codecs[] = {MEDIA_OPUS, MEDIA_PCMA, MEDIA_PCMU};
    static const enum media_suite suites[] = {MEDIA_AEAD_AES_256_GCM, MEDIA_AEAD_AES_128_GCM,
                                              MEDIA_AES_CM_128_HMAC_SHA1_80,
                                              MEDIA_AES_CM_128_HMAC_SHA1_32};
    if (c->codec_count == 0) {
        memcpy(c->codecs, codecs, sizeof codecs);
        c->codec_count = sizeof codecs / sizeof codecs[0];
    }
    if (c->suite_count == 0) {
        memcpy(c->suites, suites, sizeof suites);
        c->suite_count = sizeof suites / sizeof suites[0];
    }
    if (c->port_min == 0 && c->port_max == 0) {
        c->port_min = MEDIA_PORT_MIN;
        c->port_max = MEDIA_PORT_MAX;
    }
}

static enum rc check_config(const struct media_session_config *c)
{
    if (c->codec_count > MEDIA_CODEC_COUNT || c->suite_count > SIP_OFFER_CRYPTO_MAX)
        return RC_INVALID;
    if (c->local.family == NET_NONE) return RC_INVALID;
    return c->announce.family == NET_NONE && net_addr_is_any(&c->local) ? RC_INVALID : RC_OK;
}

static enum rc open_parts(struct media_session *s)
{
    struct media_session_config *c = &s->config;
    struct media_stream_config stream = {
        .random = c->random,
        .clock = net_loop_clock(c->loop),
        .events = &stream_events,
        .ctx = s,
    };
    enum rc rc = media_stream_new(&stream, &s->stream);
    if (rc == RC_OK)
        rc = media_ports_open(c->loop, &c->local, c->port_min, c->port_max, &c->random, on_rtp,
                              on_rtcp, s, &s->ports);
    return rc == RC_OK ? session_sdp_init(s) : rc;
}

static void session_free(void *ctx)
{
    struct media_session *s = ctx;
    media_stream_free(s->stream);
    crypto_wipe(s, sizeof *s);
    free(s);
}

enum rc media_session_open(const struct media_session_config *config, struct media_session **out)
{
    enum rc rc = check_config(config);
    if (rc != RC_OK) return rc;
    struct media_session *s = calloc(1, sizeof *s);
    if (!s) return RC_NOMEM;
    s->config = *config;
    if (config->events) s->events = *config->events;
    set_defaults(&s->config);
    rc = open_parts(s);
    if (rc == RC_OK) {
        *out = s;
        return RC_OK;
    }
    media_session_close(s);
    return rc;
}

/* The memory stays to the end of the turn: this may run inside one of our own callbacks. */
struct media_session *media_session_close(struct media_session *s)
{
    if (!s || s->closed) return NULL;
    s->closed = true;
    if (s->stream) media_stream_bye(s->stream);
    net_timer_stop(s->config.loop, &s->timer);
    media_ports_close(&s->ports);
    session_sound_fini(s);
    session_sdp_fini(s);
    net_loop_defer(s->config.loop, &s->deferred, session_free, s);
    return NULL;
}

/* ---- what there is to see ---- */

void media_session_hold(struct media_session *s, bool hold)
{
    s->hold = hold;
    media_stream_hold(s->stream, hold);
}

bool media_session_is_holding(const struct media_session *s)
{
    return s->hold;
}

bool media_session_is_held(const struct media_session *s)
{
    return s->sdp.held;
}

enum rc media_session_dtmf(struct media_session *s, struct str digits)
{
    return media_stream_dtmf(s->stream, digits);
}

void media_session_stats(const struct media_session *s, struct media_stats *out)
{
    media_stream_stats(s->stream, out);
    out->local = s->ports.addr;
}

bool media_session_is_encrypted(const struct media_session *s)
{
    struct media_stats stats;
    media_stream_stats(s->stream, &stats);
    return stats.active && stats.suite != MEDIA_SUITE_NONE;
}

void media_stats_print(struct buf *out, const struct media_stats *stats)
{
    if (!stats->active) {
        buf_put_lit(out, "no media");
        return;
    }
    buf_put_str(out, media_codec_info(stats->codec)->name);
    buf_put_lit(out, ", ");
    buf_put_str(out, stats->suite == MEDIA_SUITE_NONE ? STR("not encrypted")
                                                      : media_suite_name(stats->suite));
    buf_printf(out, ", loss %.1f %%, jitter %.0f ms", stats->loss_percent, stats->jitter_ms);
    if (stats->round_trip_ms >= 0) buf_printf(out, ", round trip %d ms", stats->round_trip_ms);
}
