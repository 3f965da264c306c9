/* media/session_sound.c - where a session's sound comes from and goes to: a file or the microphone, the
 * recording and the loudspeaker. Each has its own rate; pipes stand between. */
#include "media/session_int.h"

#include <stdlib.h>

enum {
    BEEP_EVERY_MS = 5000,
    BEEP_MS = 200,
    BEEP_HZ = 425,
    BEEP_LEVEL = 1500,
    HELD_QUIET_MS = 1000
};

/* A pipe from and to these rates: the one there is, or another in its place. NULL: no memory. */
static struct media_pipe *pipe_between(struct media_pipe **pipe, unsigned from_hz, unsigned to_hz)
{
    if (media_pipe_fits(*pipe, from_hz, to_hz)) return *pipe;
    *pipe = media_pipe_free(*pipe);
    return media_pipe_new(from_hz, to_hz, pipe) == RC_OK ? *pipe : NULL;
}

/* ---- in ---- */

static void file_end(struct session_sound *sound)
{
    media_sound_fini(&sound->file);
    sound->file_pipe = media_pipe_free(sound->file_pipe);
}

/* The next frame of the file; true when that was the last. */
static bool file_in(struct session_sound *sound, unsigned rate_hz, int16_t *mic, unsigned samples)
{
    struct media_pipe *pipe = pipe_between(&sound->file_pipe, sound->file.rate_hz, rate_hz);
    size_t piece = sound->file.rate_hz / 1000 * MEDIA_FRAME_MS;
    while (pipe && media_pipe_ready(pipe) < samples && sound->file_at < sound->file.sample_count) {
        size_t left = sound->file.sample_count - sound->file_at;
        size_t n = left < piece ? left : piece;
        media_pipe_push(pipe, sound->file.samples + sound->file_at, n);
        sound->file_at += n;
    }
    size_t got = pipe ? media_pipe_pop(pipe, mic, samples) : 0;
    if (pipe && got == samples) return false;
    memset(mic + got, 0, (samples - got) * sizeof *mic);
    file_end(sound);
    return true;
}

static void device_in(struct session_sound *sound, unsigned rate_hz, int16_t *mic, unsigned samples)
{
    int16_t pcm[MEDIA_FRAME_MAX];
    struct media_pipe *pipe = pipe_between(&sound->from_device, MEDIA_DEVICE_RATE, rate_hz);
    media_device_read(sound->device, pcm, MEDIA_FRAME_MAX);
    if (pipe) media_pipe_push(pipe, pcm, MEDIA_FRAME_MAX);
    if (!pipe || media_pipe_pop(pipe, mic, samples) == 0) memset(mic, 0, samples * sizeof *mic);
}

bool session_sound_in(struct media_session *s, unsigned rate_hz, int16_t *mic, unsigned samples)
{
    struct session_sound *sound = &s->sound;
    bool ended = false;
    memset(mic, 0, samples * sizeof *mic);
    if (sound->device) device_in(sound, rate_hz, mic, samples); /* read it even if nobody listens */
    if (sound->file.samples) ended = file_in(sound, rate_hz, mic, samples);
    if (sound->mute) memset(mic, 0, samples * sizeof *mic);
    return ended;
}

/* ---- out ---- */

static void record_out(struct session_sound *sound, unsigned rate_hz, const int16_t *speaker,
                       unsigned samples)
{
    int16_t pcm[MEDIA_FRAME_MAX];
    struct media_pipe *pipe = pipe_between(&sound->record_pipe, rate_hz,
                                           media_wav_writer_rate(sound->record));
    if (!pipe) return;
    media_pipe_push(pipe, speaker, samples);
    while (media_pipe_ready(pipe) > 0)
        media_wav_write(sound->record, pcm, media_pipe_pop(pipe, pcm, MEDIA_FRAME_MAX));
}

/* A person who is held hears every few seconds that the call is still there. */
static void add_beep(struct session_sound *sound, int16_t *pcm)
{
    const unsigned period = MEDIA_DEVICE_RATE / BEEP_HZ;
    const unsigned every = MEDIA_DEVICE_RATE / 1000 * BEEP_EVERY_MS;
    for (unsigned i = 0; i < MEDIA_FRAME_MAX; i++, sound->beep = (sound->beep + 1) % every) {
        if (sound->beep >= MEDIA_DEVICE_RATE / 1000 * BEEP_MS) continue;
        int at = (int)(sound->beep % period * 4 * BEEP_LEVEL / period); /* a triangle wave */
        pcm[i] = (int16_t)(at < 2 * BEEP_LEVEL ? at - BEEP_LEVEL : 3 * BEEP_LEVEL - at);
    }
}

static void device_out(struct media_session *s, unsigned rate_hz, const int16_t *speaker,
                       unsigned samples)
{
    int16_t pcm[MEDIA_FRAME_MAX];
    struct session_sound *sound = &s->sound;
    struct media_pipe *pipe = pipe_between(&sound->to_device, rate_hz, MEDIA_DEVICE_RATE);
    if (!pipe) return;
    media_pipe_push(pipe, speaker, samples);
    if (media_pipe_ready(pipe) < MEDIA_FRAME_MAX) return; /* the filter's first delay */
    media_pipe_pop(pipe, pcm, MEDIA_FRAME_MAX);
    if (s->sdp.held && media_stream_quiet_ms(s->stream) > HELD_QUIET_MS)
        add_beep(sound, pcm);
    else
        sound->beep = 0;
    media_device_write(sound->device, pcm, MEDIA_FRAME_MAX);
}

void session_sound_out(struct media_session *s, unsigned rate_hz, int16_t *speaker,
                       unsigned samples)
{
    if (s->sound.record) record_out(&s->sound, rate_hz, speaker, samples);
    if (s->sound.device) device_out(s, rate_hz, speaker, samples);
}

/* ---- what the person asks for ---- */

enum rc media_session_play(struct media_session *s, const char *path)
{
    struct media_sound sound;
    enum rc rc = media_sound_load(path, &sound);
    if (rc != RC_OK) return rc;
    media_session_play_stop(s);
    struct media_resampler *probe = NULL; /* can this rate be changed to the finest there is? */
    rc = media_resampler_new(sound.rate_hz, MEDIA_RATE_MAX, &probe);
    media_resampler_free(probe);
    if (rc != RC_OK) {
        media_sound_fini(&sound);
        return rc == RC_INVALID ? RC_UNSUPPORTED : rc;
    }
    s->sound.file = sound;
    s->sound.file_at = 0;
    return RC_OK;
}

void media_session_play_stop(struct media_session *s)
{
    file_end(&s->sound);
}

enum rc media_session_record(struct media_session *s, const char *path, unsigned rate_hz)
{
    struct media_wav_writer *writer = NULL;
    if (rate_hz != 8000 && rate_hz != 16000 && rate_hz != 48000) return RC_INVALID;
    enum rc rc = media_wav_writer_open(path, rate_hz, &writer);
    if (rc != RC_OK) return rc;
    (void)media_session_record_stop(s);
    s->sound.record = writer;
    return RC_OK;
}

enum rc media_session_record_stop(struct media_session *s)
{
    enum rc rc = media_wav_writer_close(s->sound.record);
    s->sound.record = NULL;
    s->sound.record_pipe = media_pipe_free(s->sound.record_pipe);
    return rc;
}

enum rc media_session_use_device(struct media_session *s, const char *device, const char **why)
{
    const char *ignored;
    struct media_device *d = NULL;
    enum rc rc = media_device_open(device, &d, why ? why : &ignored);
    if (rc != RC_OK) return rc;
    media_device_close(s->sound.device);
    s->sound.device = d;
    return RC_OK;
}

void media_session_mute(struct media_session *s, bool mute)
{
    s->sound.mute = mute;
}

void session_sound_fini(struct media_session *s)
{
    struct session_sound *sound = &s->sound;
    file_end(sound);
    (void)media_session_record_stop(s);
    sound->device = media_device_close(sound->device);
    sound->from_device = media_pipe_free(sound->from_device);
    sound->to_device = media_pipe_free(sound->to_device);
}
