/* media/wav_writer.c - writes a WAV file that is valid after every flush: its header is written anew
 * once a second. */
#include "media/wav.h"

#include <stdio.h>
#include <stdlib.h>

enum { RATE_MIN = 8000, RATE_MAX = 48000, CHUNK = 1024 };
static const uint32_t DATA_MAX = UINT32_MAX - MEDIA_WAV_HEADER - 1;

struct media_wav_writer {
    FILE *f;
    unsigned rate_hz;
    uint32_t data_bytes, flushed_bytes;
    bool failed;
};

static void put_header(struct media_wav_writer *w)
{
    uint8_t header[MEDIA_WAV_HEADER];
    media_wav_print_header(header, w->rate_hz, w->data_bytes);
    if (fseek(w->f, 0, SEEK_SET) != 0 || fwrite(header, sizeof header, 1, w->f) != 1 ||
        fseek(w->f, 0, SEEK_END) != 0 || fflush(w->f) != 0)
        w->failed = true;
    w->flushed_bytes = w->data_bytes;
}

enum rc media_wav_writer_open(const char *path, unsigned rate_hz, struct media_wav_writer **out)
{
    if (rate_hz < RATE_MIN || rate_hz > RATE_MAX) return RC_INVALID;
    struct media_wav_writer *w = calloc(1, sizeof *w);
    if (!w) return RC_NOMEM;
    w->rate_hz = rate_hz;
    w->f = fopen(path, "wb");
    if (w->f) put_header(w);
    if (w->f && !w->failed) {
        *out = w;
        return RC_OK;
    }
    if (w->f) fclose(w->f);
    free(w);
    return RC_IO;
}

unsigned media_wav_writer_rate(const struct media_wav_writer *w)
{
    return w->rate_hz;
}

static void put_chunk(struct media_wav_writer *w, const int16_t *pcm, size_t count)
{
    uint8_t bytes[CHUNK * 2];
    for (size_t i = 0; i < count; i++) {
        bytes[2 * i] = (uint8_t)pcm[i];
        bytes[2 * i + 1] = (uint8_t)((uint16_t)pcm[i] >> 8);
    }
    if (fwrite(bytes, 2, count, w->f) != count) w->failed = true;
    w->data_bytes += (uint32_t)(2 * count);
}

void media_wav_write(struct media_wav_writer *w, const int16_t *pcm, size_t count)
{
    for (size_t n; count > 0 && !w->failed; pcm += n, count -= n) {
        n = count < CHUNK ? count : CHUNK;
        if (w->data_bytes > DATA_MAX - 2 * n) {
            w->failed = true;
            return;
        }
        put_chunk(w, pcm, n);
    }
    if (w->data_bytes - w->flushed_bytes >= 2 * w->rate_hz && !w->failed) put_header(w);
}

enum rc media_wav_writer_close(struct media_wav_writer *w)
{
    if (!w) return RC_OK;
    if (!w->failed) put_header(w);
    bool failed = w->failed;
    if (fclose(w->f) != 0) failed = true;
    free(w);
    return failed ? RC_IO : RC_OK;
}
