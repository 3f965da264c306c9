/* media/codec.h - the voice codecs: Opus (RFC 6716, 7587) by libopus, G.711 (RFC 3551) our own. One
 * decoder and one encoder each for one direction of one call; samples are 16 bit mono. A decoder
 * fills what is lost: Opus by its own concealment and the copy in the packet after the loss (FEC),
 * G.711 by media/conceal.h. Not thread-safe. */
#ifndef MEDIA_CODEC_H
#define MEDIA_CODEC_H
#include "base/str.h"

enum media_codec { MEDIA_PCMU, MEDIA_PCMA, MEDIA_OPUS, MEDIA_CODEC_COUNT };

enum {
    MEDIA_FRAME_MS = 20,                                      /* what is sent and played at once */
    MEDIA_RATE_MAX = 48000,                                   /* samples a second */
    MEDIA_FRAME_MAX = MEDIA_RATE_MAX / 1000 * MEDIA_FRAME_MS, /* samples */
    MEDIA_PACKET_MS_MAX = 120,                                /* of one received packet (Opus) */
    MEDIA_PACKET_SAMPLES_MAX = MEDIA_RATE_MAX / 1000 * MEDIA_PACKET_MS_MAX,
    MEDIA_PAYLOAD_MAX = 1440, /* bytes of a packet's payload; longer ones are dropped */
};

struct media_codec_info {
    struct str name;       /* as rtpmap spells it: "opus" */
    unsigned rate_hz;      /* samples a second of our PCM */
    unsigned clock_hz;     /* of RTP timestamps; equal to rate_hz for all of these */
    unsigned channels;     /* as rtpmap says: 2 for opus, 1 otherwise */
    int static_type;       /* RTP payload type, -1: dynamic */
    unsigned offered_type; /* what we offer */
};
const struct media_codec_info *media_codec_info(enum media_codec codec); /* constant */
/* By rtpmap's name, ASCII case ignored. False: not one of ours. */
bool media_codec_find(struct str name, unsigned clock_hz, unsigned channels, enum media_codec *out);

struct media_encoder;
/* loss_percent (0..100) tells Opus how much redundancy to add. RC_NOMEM. */
MUST_CHECK enum rc media_encoder_new(enum media_codec codec, unsigned loss_percent,
                                     struct media_encoder **out);
struct media_encoder *media_encoder_free(struct media_encoder *encoder); /* NULL */
void media_encoder_set_loss(struct media_encoder *encoder, unsigned loss_percent);
/* One frame of MEDIA_FRAME_MS into at most cap bytes. RC_TOO_BIG, RC_IO (the library refused). */
MUST_CHECK enum rc media_encode(struct media_encoder *encoder, const int16_t *pcm, uint8_t *out,
                                size_t cap, size_t *out_n);

struct media_decoder;
MUST_CHECK enum rc media_decoder_new(enum media_codec codec, struct media_decoder **out);
struct media_decoder *media_decoder_free(struct media_decoder *decoder); /* NULL */
/* Samples a payload holds; 0: it is none of this codec's. Reads no sound. */
unsigned media_payload_samples(enum media_codec codec, struct bytes payload);
/* pcm holds MEDIA_PACKET_SAMPLES_MAX. RC_MALFORMED: nothing was written. */
MUST_CHECK enum rc media_decode(struct media_decoder *decoder, struct bytes payload, int16_t *pcm,
                                unsigned *out_samples);
/* Something plausible for `samples` lost samples (at most MEDIA_FRAME_MAX). next: the packet after
 * the loss if it has come (Opus may carry a copy of what was lost), else empty. Long losses fade
 * to silence. Always fills pcm. */
void media_decode_lost(struct media_decoder *decoder, struct bytes next, int16_t *pcm,
                       unsigned samples);

#endif
