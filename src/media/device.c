/* media/device.c - microphone and loudspeaker by ALSA. Both PCMs are opened without waiting; an overrun
 * or underrun (a machine that slept) is taken up again at the next frame. */
#include "media/device.h"

#include <alsa/asoundlib.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    LATENCY_US = 100000,
    FRAME_BYTES = 2,
    QUEUE_MS = 60, /* sound waiting in the loudspeaker at most */
    FIRST_MS = 40, /* silence it begins with, so that a late tick is not heard */
};

struct media_device {
    snd_pcm_t *capture, *playback; /* one may be NULL */
};

/* The library prints its complaints to stderr otherwise. */
static void ignore_complaint(const char *file, int line, const char *function, int error,
                             const char *format, ...)
{
    (void)file, (void)line, (void)function, (void)error, (void)format;
}

static enum rc rc_of_error(int error, const char **why)
{
    switch (-error) {
    case EBUSY: *why = "the sound device is used by another program"; return RC_BUSY;
    case ENOMEM: *why = "there is no memory for the sound device"; return RC_NOMEM;
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ECONNREFUSED:
        *why = "this machine has no such sound device; the call goes on in silence";
        return RC_NOT_FOUND;
    case EACCES:
    case EPERM: *why = "this user may not use the sound device"; return RC_IO;
    default: *why = "the sound device cannot be used"; return RC_IO;
    }
}

static int open_one(const char *name, snd_pcm_stream_t direction, snd_pcm_t **out)
{
    int error = snd_pcm_open(out, name, direction, SND_PCM_NONBLOCK);
    if (error < 0) return error;
    error = snd_pcm_set_params(*out, SND_PCM_FORMAT_S16, SND_PCM_ACCESS_RW_INTERLEAVED, 1,
                               MEDIA_DEVICE_RATE, 1, LATENCY_US);
    if (error >= 0 && direction == SND_PCM_STREAM_CAPTURE) error = snd_pcm_start(*out);
    if (error >= 0) return 0;
    snd_pcm_close(*out);
    *out = NULL;
    return error;
}

enum rc media_device_open(const char *name, struct media_device **out, const char **why)
{
    struct media_device *d = calloc(1, sizeof *d);
    if (!d) {
        *why = "there is no memory for the sound device";
        return RC_NOMEM;
    }
    snd_lib_error_set_handler(ignore_complaint);
    int play = open_one(name, SND_PCM_STREAM_PLAYBACK, &d->playback);
    int record = open_one(name, SND_PCM_STREAM_CAPTURE, &d->capture);
    if (play < 0 && record < 0) {
        media_device_close(d);
        return rc_of_error(play, why);
    }
    *why = record < 0 ? "it has no microphone; the other side hears silence"
           : play < 0 ? "it has no loudspeaker; nothing is heard here"
                      : NULL;
    *out = d;
    return RC_OK;
}

struct media_device *media_device_close(struct media_device *d)
{
    if (!d) return NULL;
    if (d->playback) snd_pcm_close(d->playback);
    if (d->capture) snd_pcm_close(d->capture);
    snd_config_update_free_global(); /* what the library read of its configuration */
    free(d);
    return NULL;
}

static size_t of_ms(unsigned ms)
{
    return (size_t)MEDIA_DEVICE_RATE / 1000 * ms;
}

/* A microphone whose clock is faster than ours loses a frame now and then, not its nearness. */
void media_device_read(struct media_device *d, int16_t *pcm, size_t count)
{
    snd_pcm_sframes_t got = 0;
    memset(pcm, 0, count * FRAME_BYTES); /* a null device says it has read and has not */
    if (!d->capture) return;
    if (snd_pcm_avail(d->capture) > (long)of_ms(QUEUE_MS))
        got = snd_pcm_readi(d->capture, pcm, count);
    if (got >= 0) got = snd_pcm_readi(d->capture, pcm, count);
    if (got < 0 && got != -EAGAIN && snd_pcm_recover(d->capture, (int)got, 1) == 0)
        snd_pcm_start(d->capture);
    size_t n = got > 0 ? (size_t)got : 0;
    memset(pcm + n, 0, (count - n) * FRAME_BYTES);
}

/* After an underrun the queue begins with silence, as the first time. */
static void begin_queue(struct media_device *d)
{
    int16_t silence[MEDIA_DEVICE_RATE / 1000 * FIRST_MS] = {0};
    snd_pcm_writei(d->playback, silence, of_ms(FIRST_MS));
}

void media_device_write(struct media_device *d, const int16_t *pcm, size_t count)
{
    snd_pcm_sframes_t waiting = 0;
    if (!d->playback) return;
    if (snd_pcm_state(d->playback) != SND_PCM_STATE_RUNNING) {
        snd_pcm_prepare(d->playback);
        begin_queue(d);
    } else if (snd_pcm_delay(d->playback, &waiting) == 0 && waiting > (long)of_ms(QUEUE_MS)) {
        return; /* its clock is slower than ours: one frame less keeps the delay where it was */
    }
    if (snd_pcm_writei(d->playback, pcm, count) < 0) snd_pcm_prepare(d->playback);
    if (snd_pcm_state(d->playback) == SND_PCM_STATE_PREPARED) snd_pcm_start(d->playback);
}

/* ---- names ---- */

void media_device_print_names(struct buf *out)
{
    void **hints = NULL;
    snd_lib_error_set_handler(ignore_complaint);
    if (snd_device_name_hint(-1, "pcm", &hints) != 0) return;
    for (void **hint = hints; *hint; hint++) {
        char *name = snd_device_name_get_hint(*hint, "NAME");
        bool is_device = name && strcmp(name, "null") != 0; /* that one is silence by name */
        if (is_device) buf_printf(out, "%s\n", name);
        free(name);
    }
    snd_device_name_free_hint(hints);
    snd_config_update_free_global();
}
