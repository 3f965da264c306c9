/* media/stream.c - one audio stream: what both agreed on, put to work, and its 20 ms step. */
#include "crypto/secret.h"
#include "media/stream_int.h"

#include <stdlib.h>

enum rc media_stream_new(const struct media_stream_config *config, struct media_stream **out)
{
    struct media_stream *s = calloc(1, sizeof *s);
    if (!s) return RC_NOMEM;
    s->config = *config;
    enum rc rc = media_jitter_new(MEDIA_RATE_MAX, &s->receive.jitter);
    if (rc != RC_OK) {
        free(s);
        return rc;
    }
    sound_new_ssrc(s);
    s->send.timestamp = (uint32_t)random_u64(&s->config.random);
    /* The upper half is left out: a receiver that misses our first packets must not take a wrapped
     * number for the first round (RFC 3711, 3.3.1). */
    s->send.seq = (uint16_t)random_below(&s->config.random, 0x8000);
    s->send.noise = (uint32_t)random_u64(&s->config.random) | 1;
    sound_reports_init(s);
    *out = s;
    return RC_OK;
}

struct media_stream *media_stream_free(struct media_stream *s)
{
    if (!s) return NULL;
    media_encoder_free(s->send.encoder);
    media_decoder_free(s->receive.decoder);
    media_jitter_free(s->receive.jitter);
    for (unsigned i = 0; i < MEDIA_SUITE_COUNT; i++)
        media_srtp_free(s->send.srtp[i]);
    media_srtp_free(s->receive.srtp);
    crypto_wipe(s, sizeof *s);
    free(s);
    return NULL;
}

/* ---- a plan ---- */

/* What a plan needs and is not there yet: made first, so that a failure changes nothing. */
struct made {
    struct media_encoder *encoder;
    struct media_decoder *decoder;
    struct media_srtp *sender, *receiver;
};

static void made_free(struct made *m)
{
    media_encoder_free(m->encoder);
    media_decoder_free(m->decoder);
    media_srtp_free(m->sender);
    media_srtp_free(m->receiver);
}

static bool is_new_sender_key(const struct media_stream *s, const struct media_srtp_key *key)
{
    return key->suite != MEDIA_SUITE_NONE &&
           (!s->send.srtp[key->suite] || !media_srtp_key_eq(&s->send.keys[key->suite], key));
}

static bool is_new_receiver_key(const struct media_stream *s, const struct media_srtp_key *key)
{
    return key->suite != MEDIA_SUITE_NONE &&
           (!s->receive.srtp || !media_srtp_key_eq(&s->receive.key, key));
}

static enum rc make(const struct media_stream *s, const struct media_plan *plan, struct made *m)
{
    enum rc rc = RC_OK;
    if (!s->has_plan || plan->codec != s->plan.codec) {
        rc = media_encoder_new(plan->codec, 0, &m->encoder);
        if (rc == RC_OK) rc = media_decoder_new(plan->codec, &m->decoder);
    }
    if (rc == RC_OK && is_new_sender_key(s, &plan->send))
        rc = media_srtp_sender_new(&plan->send, &m->sender);
    if (rc == RC_OK && is_new_receiver_key(s, &plan->receive))
        rc = media_srtp_receiver_new(&plan->receive, &m->receiver);
    return rc;
}

/* Another codec is another clock: its own SSRC (RFC 7160), and what waits to be played goes. */
static void use_codec(struct media_stream *s, struct made *m, unsigned clock_hz)
{
    media_encoder_free(s->send.encoder);
    media_decoder_free(s->receive.decoder);
    s->send.encoder = m->encoder;
    s->receive.decoder = m->decoder;
    m->encoder = NULL;
    m->decoder = NULL;
    if (s->has_plan && clock_hz != sound_clock_hz(s)) sound_new_ssrc(s);
    s->receive.ready_n = 0;
    s->receive.has_source = false;
    media_jitter_reset(s->receive.jitter, clock_hz);
}

static void use_keys(struct media_stream *s, struct made *m, const struct media_plan *plan)
{
    if (m->sender) {
        enum media_suite suite = plan->send.suite;
        media_srtp_free(s->send.srtp[suite]);
        s->send.srtp[suite] = m->sender;
        s->send.keys[suite] = plan->send;
        m->sender = NULL;
    }
    if (m->receiver) {
        media_srtp_free(s->receive.srtp);
        s->receive.srtp = m->receiver;
        s->receive.key = plan->receive;
        m->receiver = NULL;
    }
}

static bool starts_sending(const struct media_stream *s, const struct media_plan *plan)
{
    return !s->has_plan || !sound_sends(s) || !net_addr_eq(&s->plan.rtp, &plan->rtp);
}

enum rc media_stream_set_plan(struct media_stream *s, const struct media_plan *plan)
{
    struct made m = {0};
    unsigned clock_hz = media_codec_info(plan->codec)->clock_hz;
    enum rc rc = make(s, plan, &m);
    if (rc == RC_OK) {
        if (m.encoder) use_codec(s, &m, clock_hz);
        use_keys(s, &m, plan);
        if (starts_sending(s, plan)) s->send.marker = true;
        if (!s->has_plan) {
            s->receive.last_ms = sound_now_ms(s);
            media_dtmf_sender_init(&s->send.dtmf, MEDIA_DTMF_CLOCK);
            media_dtmf_receiver_init(&s->receive.dtmf, MEDIA_DTMF_CLOCK);
        }
        media_plan_wipe(&s->plan);
        s->plan = *plan;
        s->has_plan = true;
        media_latch_announce(&s->receive.rtp, &plan->rtp);
        media_latch_announce(&s->receive.rtcp, &plan->rtcp);
    }
    made_free(&m);
    return rc;
}

void media_stream_hold(struct media_stream *s, bool hold)
{
    if (s->hold && !hold) s->send.marker = true;
    s->hold = hold;
}

unsigned media_stream_rate(const struct media_stream *s)
{
    return s->has_plan ? media_codec_info(s->plan.codec)->rate_hz : 0;
}

/* ---- the step ---- */

void media_stream_step(struct media_stream *s, const int16_t *mic, int16_t *speaker)
{
    struct media_dtmf_change change;
    if (!s->has_plan) return;
    sound_play(s, speaker);
    sound_send_sound(s, mic);
    sound_report_if_due(s);
    if (media_dtmf_expire(&s->receive.dtmf, sound_now_ms(s), &change)) sound_tell_dtmf(s, &change);
}

enum rc media_stream_dtmf(struct media_stream *s, struct str digits)
{
    if (!s->has_plan || s->plan.dtmf_send_type < 0) return RC_UNSUPPORTED;
    return media_dtmf_queue(&s->send.dtmf, digits);
}

void media_stream_bye(struct media_stream *s)
{
    if (!s->has_plan || s->reports.said_bye || s->send.packets == 0) return;
    s->reports.said_bye = true;
    sound_say_bye(s, s->send.ssrc);
}

uint64_t media_stream_quiet_ms(const struct media_stream *s)
{
    return s->has_plan ? sound_now_ms(s) - s->receive.last_ms : 0;
}

void media_stream_stats(const struct media_stream *s, struct media_stats *out)
{
    const struct stream_receiver *r = &s->receive;
    *out = (struct media_stats){.round_trip_ms = -1, .peer_loss_percent = -1, .peer_jitter_ms = -1};
    if (!s->has_plan) return;
    uint64_t expected = r->expected_before + media_reception_expected(&r->source);
    uint64_t received = r->received_before + r->source.received;
    uint64_t lost = expected > received ? expected - received : 0;
    *out = (struct media_stats){
        .active = true,
        .codec = s->plan.codec,
        .suite = s->plan.send.suite,
        .direction = s->plan.direction,
        .remote = r->rtp.current,
        .sent_packets = s->send.packets_all,
        .sent_bytes = s->send.octets_all,
        .received_packets = r->packets,
        .received_bytes = r->octets,
        .refused_packets = r->refused,
        .lost_packets = lost,
        .late_packets = r->late,
        .concealed_ms = r->concealed_samples / (sound_clock_hz(s) / 1000),
        .loss_percent = expected == 0 ? 0 : 100.0 * (double)lost / (double)expected,
        .jitter_ms = media_reception_jitter_ms(&r->source),
        .delay_ms = media_jitter_delay_ms(r->jitter),
        .round_trip_ms = s->reports.round_trip < 0 ? -1
                                                   : (int)(s->reports.round_trip * 1000 / 65536),
        .peer_loss_percent = s->reports.peer_loss_percent,
        .peer_jitter_ms = s->reports.peer_jitter_ms,
        .level = r->level,
    };
}
