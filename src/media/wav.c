/* media/wav.c - WAV files: RIFF chunks, of which "fmt " and "data" matter. Numbers are little endian. */
#include "media/wav.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_HEAD = 8, RIFF_HEAD = 12, FMT_MIN = 16, FMT_EXTENSIBLE = 40 };
enum { CODING_PCM = 1, CODING_EXTENSIBLE = 0xFFFE, SAMPLE_BYTES = 2 };
enum { RATE_MIN = 8000, RATE_MAX = 48000 };

static unsigned get16(const uint8_t *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static void set16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void set32(uint8_t *p, uint32_t v)
{
    set16(p, v & 0xFFFF);
    set16(p + 2, v >> 16);
}

static bool is_tag(const uint8_t *p, const char *tag)
{
    return memcmp(p, tag, 4) == 0;
}

static enum rc parse_fmt(struct bytes chunk, struct media_wav *out)
{
    if (chunk.n < FMT_MIN) return RC_MALFORMED;
    unsigned coding = get16(chunk.p);
    if (coding == CODING_EXTENSIBLE && chunk.n >= FMT_EXTENSIBLE) coding = get16(chunk.p + 24);
    out->channels = get16(chunk.p + 2);
    out->rate_hz = get32(chunk.p + 4);
    if (coding != CODING_PCM || get16(chunk.p + 14) != 8 * SAMPLE_BYTES) return RC_UNSUPPORTED;
    if (out->channels < 1 || out->channels > MEDIA_WAV_CHANNELS_MAX) return RC_UNSUPPORTED;
    return out->rate_hz < RATE_MIN || out->rate_hz > RATE_MAX ? RC_UNSUPPORTED : RC_OK;
}

/* The chunk at the front of *rest, taken off it. Only data may reach beyond the end. */
static enum rc take_chunk(struct bytes *rest, const uint8_t **tag, struct bytes *chunk)
{
    if (rest->n < CHUNK_HEAD) return RC_MALFORMED;
    size_t n = get32(rest->p + 4), there = rest->n - CHUNK_HEAD;
    if (n > there && !is_tag(rest->p, "data")) return RC_MALFORMED;
    if (n > there) n = there;
    *tag = rest->p;
    *chunk = bytes_of(rest->p + CHUNK_HEAD, n);
    size_t step = CHUNK_HEAD + n + (n & 1 && n < there ? 1 : 0);
    *rest = bytes_of(rest->p + step, rest->n - step);
    return RC_OK;
}

enum rc media_wav_parse(struct bytes file, struct media_wav *out)
{
    struct media_wav wav = {0};
    bool has_fmt = false;
    if (file.n < RIFF_HEAD || !is_tag(file.p, "RIFF") || !is_tag(file.p + 8, "WAVE"))
        return RC_MALFORMED;
    struct bytes rest = bytes_of(file.p + RIFF_HEAD, file.n - RIFF_HEAD), chunk;
    for (const uint8_t *tag;;) {
        enum rc rc = take_chunk(&rest, &tag, &chunk);
        if (rc != RC_OK) return rc;
        if (is_tag(tag, "fmt ")) {
            if ((rc = parse_fmt(chunk, &wav)) != RC_OK) return rc;
            has_fmt = true;
        }
        if (is_tag(tag, "data")) break;
    }
    if (!has_fmt) return RC_MALFORMED;
    wav.frame_count = chunk.n / ((size_t)wav.channels * SAMPLE_BYTES);
    wav.data = chunk;
    *out = wav;
    return RC_OK;
}

int16_t media_wav_sample(const struct media_wav *wav, size_t i)
{
    const uint8_t *p = wav->data.p + i * wav->channels * SAMPLE_BYTES;
    int sum = 0;
    for (unsigned c = 0; c < wav->channels; c++)
        sum += (int16_t)get16(p + (size_t)c * SAMPLE_BYTES);
    return (int16_t)(sum / (int)wav->channels);
}

void media_wav_print_header(uint8_t out[MEDIA_WAV_HEADER], unsigned rate_hz, uint32_t data_bytes)
{
    memcpy(out, "RIFF", 4);
    set32(out + 4, data_bytes + MEDIA_WAV_HEADER - CHUNK_HEAD);
    memcpy(out + 8, "WAVEfmt ", 8);
    set32(out + 16, FMT_MIN);
    set16(out + 20, CODING_PCM);
    set16(out + 22, 1);
    set32(out + 24, rate_hz);
    set32(out + 28, rate_hz * SAMPLE_BYTES);
    set16(out + 32, SAMPLE_BYTES);
    set16(out + 34, 8 * SAMPLE_BYTES);
    memcpy(out + 36, "data", 4);
    set32(out + 40, data_bytes);
}

/* ---- reading a file ---- */

static enum rc read_all(FILE *f, uint8_t **out, size_t *out_n)
{
    if (fseek(f, 0, SEEK_END) != 0) return RC_IO;
    long size = ftell(f);
    bool is_folder = size == LONG_MAX;
    if (size < 0 || is_folder || fseek(f, 0, SEEK_SET) != 0) return RC_IO;
    if (size > MEDIA_WAV_FILE_MAX) return RC_TOO_BIG;
    uint8_t *p = malloc((size_t)size + 1);
    if (!p) return RC_NOMEM;
    size_t n = fread(p, 1, (size_t)size, f);
    if (ferror(f)) {
        free(p);
        return RC_IO;
    }
    *out = p;
    *out_n = n;
    return RC_OK;
}

static enum rc to_sound(const struct media_wav *wav, struct media_sound *out)
{
    int16_t *samples = malloc((wav->frame_count + 1) * sizeof *samples);
    if (!samples) return RC_NOMEM;
    for (size_t i = 0; i < wav->frame_count; i++)
        samples[i] = media_wav_sample(wav, i);
    *out = (struct media_sound){wav->rate_hz, wav->frame_count, samples};
    return RC_OK;
}

enum rc media_sound_load(const char *path, struct media_sound *out)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    struct media_wav wav;
    FILE *f = fopen(path, "rb");
    if (!f) return errno == ENOENT ? RC_NOT_FOUND : RC_IO;
    enum rc rc = read_all(f, &bytes, &n);
    fclose(f);
    if (rc == RC_OK) rc = media_wav_parse(bytes_of(bytes, n), &wav);
    if (rc == RC_OK) rc = to_sound(&wav, out);
    free(bytes);
    return rc;
}

void media_sound_fini(struct media_sound *sound)
{
    free(sound->samples);
    *sound = (struct media_sound){0};
}
