/* media/codec.c - one face for Opus (libopus) and G.711. */
#include "media/codec.h"
#include "media/conceal.h"
#include "media/g711.h"

#include <opus/opus.h>
#include <stdlib.h>

enum { OPUS_BITRATE = 32000, OPUS_COMPLEXITY = 5, OPUS_STEP = 120 /* samples: 2.5 ms */ };

static const struct media_codec_info infos[MEDIA_CODEC_COUNT] = {
    [MEDIA_PCMU] = {STR_INIT("PCMU"), 8000, 8000, 1, 0, 0},
    [MEDIA_PCMA] = {STR_INIT("PCMA"), 8000, 8000, 1, 8, 8},
    [MEDIA_OPUS] = {STR_INIT("opus"), 48000, 48000, 2, -1, 96},
};

const struct media_codec_info *media_codec_info(enum media_codec codec)
{
    return &infos[codec];
}

bool media_codec_find(struct str name, unsigned clock_hz, unsigned channels, enum media_codec *out)
{
    for (unsigned i = 0; i < MEDIA_CODEC_COUNT; i++) {
        const struct media_codec_info *info = &infos[i];
        if (!str_eq_nocase(name, info->name) || clock_hz != info->clock_hz) continue;
        if (channels != info->channels) continue;
        *out = (enum media_codec)i;
        return true;
    }
    return false;
}

static unsigned frame_of(enum media_codec codec)
{
    return infos[codec].rate_hz / 1000 * MEDIA_FRAME_MS;
}

/* ---- encoder ---- */

struct media_encoder {
    enum media_codec codec;
    OpusEncoder *opus;
};

static enum rc opus_setup(OpusEncoder *opus)
{
    bool ok = opus_encoder_ctl(opus, OPUS_SET_BITRATE(OPUS_BITRATE)) == OPUS_OK &&
              opus_encoder_ctl(opus, OPUS_SET_COMPLEXITY(OPUS_COMPLEXITY)) == OPUS_OK &&
              opus_encoder_ctl(opus, OPUS_SET_INBAND_FEC(1)) == OPUS_OK &&
              opus_encoder_ctl(opus, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE)) == OPUS_OK;
    return ok ? RC_OK : RC_IO;
}

enum rc media_encoder_new(enum media_codec codec, unsigned loss_percent, struct media_encoder **out)
{
    enum rc rc = RC_OK;
    int error = OPUS_OK;
    struct media_encoder *e = calloc(1, sizeof *e);
    if (!e) return RC_NOMEM;
    e->codec = codec;
    if (codec == MEDIA_OPUS) {
        e->opus = opus_encoder_create(MEDIA_RATE_MAX, 1, OPUS_APPLICATION_VOIP, &error);
        rc = e->opus ? opus_setup(e->opus) : RC_NOMEM;
    }
    if (rc != RC_OK) {
        media_encoder_free(e);
        return rc;
    }
    media_encoder_set_loss(e, loss_percent);
    *out = e;
    return RC_OK;
}

struct media_encoder *media_encoder_free(struct media_encoder *e)
{
    if (!e) return NULL;
    if (e->opus) opus_encoder_destroy(e->opus);
    free(e);
    return NULL;
}

void media_encoder_set_loss(struct media_encoder *e, unsigned loss_percent)
{
    if (!e->opus) return;
    int percent = loss_percent > 100 ? 100 : (int)loss_percent;
    opus_encoder_ctl(e->opus, OPUS_SET_PACKET_LOSS_PERC(percent));
}

enum rc media_encode(struct media_encoder *e, const int16_t *pcm, uint8_t *out, size_t cap,
                     size_t *out_n)
{
    unsigned n = frame_of(e->codec);
    if (e->codec == MEDIA_OPUS) {
        int got = opus_encode(e->opus, pcm, (int)n, out, (opus_int32)cap);
        if (got == OPUS_BUFFER_TOO_SMALL) return RC_TOO_BIG;
        if (got < 0) return RC_IO;
        *out_n = (size_t)got;
        return RC_OK;
    }
    if (cap < n) return RC_TOO_BIG;
    for (unsigned i = 0; i < n; i++)
        out[i] = e->codec == MEDIA_PCMU ? media_ulaw_encode(pcm[i]) : media_alaw_encode(pcm[i]);
    *out_n = n;
    return RC_OK;
}

/* ---- decoder ---- */

struct media_decoder {
    enum media_codec codec;
    OpusDecoder *opus;
    struct media_conceal conceal; /* G.711 */
};

enum rc media_decoder_new(enum media_codec codec, struct media_decoder **out)
{
    int error = OPUS_OK;
    struct media_decoder *d = calloc(1, sizeof *d);
    if (!d) return RC_NOMEM;
    d->codec = codec;
    media_conceal_init(&d->conceal, infos[codec].rate_hz);
    if (codec == MEDIA_OPUS) {
        d->opus = opus_decoder_create(MEDIA_RATE_MAX, 1, &error);
        if (!d->opus) {
            free(d);
            return RC_NOMEM;
        }
    }
    *out = d;
    return RC_OK;
}

struct media_decoder *media_decoder_free(struct media_decoder *d)
{
    if (!d) return NULL;
    if (d->opus) opus_decoder_destroy(d->opus);
    free(d);
    return NULL;
}

unsigned media_payload_samples(enum media_codec codec, struct bytes payload)
{
    if (payload.n == 0 || payload.n > MEDIA_PAYLOAD_MAX) return 0;
    if (codec != MEDIA_OPUS) {
        unsigned max = infos[codec].rate_hz / 1000 * MEDIA_PACKET_MS_MAX;
        return payload.n > max ? 0 : (unsigned)payload.n;
    }
    int n = opus_packet_get_nb_samples(payload.p, (opus_int32)payload.n, MEDIA_RATE_MAX);
    return n <= 0 || n > MEDIA_PACKET_SAMPLES_MAX ? 0 : (unsigned)n;
}

static enum rc decode_opus(struct media_decoder *d, struct bytes payload, int16_t *pcm,
                           unsigned *out)
{
    int n = opus_decode(d->opus, payload.p, (opus_int32)payload.n, pcm, MEDIA_PACKET_SAMPLES_MAX,
                        0);
    if (n <= 0) return n == OPUS_ALLOC_FAIL ? RC_NOMEM : RC_MALFORMED;
    *out = (unsigned)n;
    return RC_OK;
}

enum rc media_decode(struct media_decoder *d, struct bytes payload, int16_t *pcm,
                     unsigned *out_samples)
{
    unsigned n = media_payload_samples(d->codec, payload);
    if (n == 0) return RC_MALFORMED;
    if (d->codec == MEDIA_OPUS) return decode_opus(d, payload, pcm, out_samples);
    for (unsigned i = 0; i < n; i++)
        pcm[i] = d->codec == MEDIA_PCMU ? media_ulaw_decode(payload.p[i])
                                        : media_alaw_decode(payload.p[i]);
    media_conceal_good(&d->conceal, pcm, n);
    *out_samples = n;
    return RC_OK;
}

/* libopus makes up whole steps of 2.5 ms; what is beyond them is silence of less than that. */
static void lost_opus(struct media_decoder *d, struct bytes next, int16_t *pcm, unsigned samples)
{
    unsigned n = samples / OPUS_STEP * OPUS_STEP;
    int got = -1;
    if (n > 0 && next.n > 0) got = opus_decode(d->opus, next.p, (opus_int32)next.n, pcm, (int)n, 1);
    if (n > 0 && got <= 0) got = opus_decode(d->opus, NULL, 0, pcm, (int)n, 0);
    for (unsigned i = got > 0 ? (unsigned)got : 0; i < samples; i++)
        pcm[i] = 0;
}

void media_decode_lost(struct media_decoder *d, struct bytes next, int16_t *pcm, unsigned samples)
{
    if (samples > MEDIA_FRAME_MAX) samples = MEDIA_FRAME_MAX;
    if (d->codec == MEDIA_OPUS)
        lost_opus(d, next, pcm, samples);
    else
        media_conceal_lost(&d->conceal, pcm, samples);
}
