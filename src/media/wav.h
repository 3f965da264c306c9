/* media/wav.h - WAV files: PCM of 16 bits, 8 to 48 kHz. Reading is a pure parser over the bytes and a
 * helper that loads a file; writing goes to a file that is valid after every flush. */
#ifndef MEDIA_WAV_H
#define MEDIA_WAV_H
#include "base/str.h"

enum {
    MEDIA_WAV_HEADER = 44,
    MEDIA_WAV_FILE_MAX = 64 << 20, /* bytes of a file read */
    MEDIA_WAV_CHANNELS_MAX = 2,
};

struct media_wav {
    unsigned rate_hz, channels; /* 8000..48000, 1..2 */
    size_t frame_count;         /* samples of each channel */
    struct bytes data;          /* into the parsed bytes; little endian, maybe unaligned */
};
/* RC_MALFORMED: no RIFF/WAVE, chunks that do not add up, no fmt or data; RC_UNSUPPORTED: another
 * coding, sample size, rate or number of channels. A data chunk longer than the file is cut (a
 * recorder that died leaves such). */
MUST_CHECK enum rc media_wav_parse(struct bytes file, struct media_wav *out);
/* Sample i as mono: the mean of the channels. i < frame_count. */
int16_t media_wav_sample(const struct media_wav *wav, size_t i);
void media_wav_print_header(uint8_t out[MEDIA_WAV_HEADER], unsigned rate_hz, uint32_t data_bytes);

/* A file's sound, mono. */
struct media_sound {
    unsigned rate_hz;
    size_t sample_count;
    int16_t *samples; /* heap; media_sound_fini */
};
/* RC_NOT_FOUND, RC_IO, RC_TOO_BIG, RC_NOMEM, or as media_wav_parse. */
MUST_CHECK enum rc media_sound_load(const char *path, struct media_sound *out);
void media_sound_fini(struct media_sound *sound);

struct media_wav_writer;
/* Makes (or empties) the file: 16 bit mono. RC_IO, RC_NOMEM, RC_INVALID (rate). */
MUST_CHECK enum rc media_wav_writer_open(const char *path, unsigned rate_hz,
                                         struct media_wav_writer **out);
unsigned media_wav_writer_rate(const struct media_wav_writer *writer);
/* Failures are remembered; close tells. Flushes once a second. At 4 GiB it stops taking more. */
void media_wav_write(struct media_wav_writer *writer, const int16_t *pcm, size_t count);
/* Completes the header and frees it all. RC_IO when anything could not be written. NULL is fine. */
enum rc media_wav_writer_close(struct media_wav_writer *writer);

#endif
