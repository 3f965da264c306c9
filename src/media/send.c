/* media/send.c - a stream's way out: sound, keys, comfort noise. The timestamp moves on by a frame each
 * step, whether something is sent or not. */
#include "media/stream_int.h"

#include <stdalign.h>

enum { NOISE_LEVEL = 12 }; /* loudest comfort noise sample: about -70 dBm0 */

void sound_new_ssrc(struct media_stream *s)
{
    s->send.ssrc = (uint32_t)random_u64(&s->config.random);
    s->send.packets = s->send.octets = s->send.packets_reported = 0;
    s->send.marker = true;
}

static void send_packet(struct media_stream *s, unsigned type, uint32_t timestamp, bool marker,
                        struct bytes payload)
{
    alignas(uint32_t) uint8_t bytes[MEDIA_RTP_HEADER + MEDIA_PAYLOAD_MAX + MEDIA_SRTP_ROOM];
    struct media_rtp packet = {
        .payload_type = (uint8_t)type,
        .marker = marker,
        .seq = s->send.seq++,
        .timestamp = timestamp,
        .ssrc = s->send.ssrc,
        .payload = payload,
    };
    struct buf out;
    buf_init_fixed(&out, bytes, sizeof bytes - MEDIA_SRTP_ROOM);
    media_rtp_print(&out, &packet);
    if (buf_rc(&out) != RC_OK) return;
    size_t n = out.n;
    if (sound_is_encrypted(s) &&
        media_srtp_protect(s->send.srtp[s->plan.send.suite], bytes, &n) != RC_OK)
        return;
    s->send.packets++;
    s->send.octets += (uint32_t)payload.n;
    s->send.packets_all++;
    s->send.octets_all += payload.n;
    s->config.events->send(s->config.ctx, false, &s->receive.rtp.current, bytes_of(bytes, n));
}

/* A line on hold is not dead: soft noise, which also keeps the way through a NAT open. */
static void make_noise(struct media_stream *s, int16_t *pcm, unsigned samples)
{
    for (unsigned i = 0; i < samples; i++) {
        s->send.noise = s->send.noise * 1664525u + 1013904223u;
        pcm[i] = (int16_t)((int)(s->send.noise >> 16) % (2 * NOISE_LEVEL + 1) - NOISE_LEVEL);
    }
}

static void send_frame(struct media_stream *s, const int16_t *mic, unsigned samples)
{
    int16_t made[MEDIA_FRAME_MAX] = {0};
    uint8_t payload[MEDIA_PAYLOAD_MAX];
    size_t n = 0;
    if (s->hold) make_noise(s, made, samples);
    const int16_t *pcm = s->hold || !mic ? made : mic;
    if (media_encode(s->send.encoder, pcm, payload, sizeof payload, &n) != RC_OK || n == 0) return;
    send_packet(s, s->plan.send_type, s->send.timestamp, s->send.marker, bytes_of(payload, n));
    s->send.marker = false;
}

/* Keys take the place of sound while they sound. False: none waits. */
static bool send_dtmf(struct media_stream *s, bool *done)
{
    uint8_t payload[MEDIA_EVENT_BYTES];
    uint32_t timestamp = 0;
    bool marker = false;
    if (s->plan.dtmf_send_type < 0) return false;
    enum media_dtmf_step step = media_dtmf_step(&s->send.dtmf, s->send.timestamp, payload,
                                                &timestamp, &marker, done);
    if (step == MEDIA_DTMF_PACKET)
        send_packet(s, (unsigned)s->plan.dtmf_send_type, timestamp, marker,
                    bytes_of(payload, sizeof payload));
    if (step != MEDIA_DTMF_NOTHING) s->send.marker = true; /* sound that follows begins anew */
    return step == MEDIA_DTMF_PACKET;
}

void sound_send_sound(struct media_stream *s, const int16_t *mic)
{
    unsigned samples = sound_clock_hz(s) / 1000 * MEDIA_FRAME_MS;
    bool done = false;
    if (sound_sends(s) && !send_dtmf(s, &done)) send_frame(s, mic, samples);
    s->send.timestamp += samples;
    if (done) s->config.events->on_digits_sent(s->config.ctx);
}
