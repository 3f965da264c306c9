/* media/conceal.c - repeats the last pitch period over a hole, and cuts periods out where there is too
 * much sound. Pitch is where the sound resembles itself most. */
#include "media/conceal.h"

#include <math.h>
#include <string.h>

enum {
    PITCH_MS_MIN = 3,  /* 333 Hz */
    PITCH_MS_MAX = 15, /* 66 Hz */
    MATCH_MS = 20,     /* sound compared */
    BLEND_MS = 5,
    LOUD_MS = 10,     /* a hole's beginning at full level */
    FADE_MS = 50,     /* then down to nothing */
    QUIET_LEVEL = 60, /* mean sample below which any cut goes unheard */
};
static const double SHORTEN_LIKENESS = 0.8;

void media_conceal_init(struct media_conceal *c, unsigned rate_hz)
{
    memset(c, 0, sizeof *c);
    c->rate_hz = rate_hz;
}

static unsigned of_ms(unsigned rate_hz, unsigned ms)
{
    return rate_hz / 1000 * ms;
}

static int16_t clip(double v)
{
    return v > 32767 ? 32767 : v < -32768 ? -32768 : (int16_t)lrint(v);
}

static int16_t blend(int16_t from, int16_t to, unsigned i, unsigned n)
{
    double w = (i + 1.0) / (n + 1.0);
    return clip(from * (1 - w) + to * w);
}

/* Likeness of two stretches, -1..1; 0 where one is silent. */
static double likeness(const int16_t *a, const int16_t *b, unsigned n)
{
    double ab = 0, aa = 0, bb = 0;
    for (unsigned i = 0; i < n; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return aa < 1 || bb < 1 ? 0 : ab / sqrt(aa * bb);
}

static void remember(struct media_conceal *c, const int16_t *pcm, unsigned n)
{
    unsigned cap = of_ms(c->rate_hz, 50);
    if (n >= cap) {
        memcpy(c->history, pcm + (n - cap), cap * sizeof *pcm);
        c->history_n = cap;
        return;
    }
    unsigned keep = c->history_n + n > cap ? cap - n : c->history_n;
    memmove(c->history, c->history + (c->history_n - keep), keep * sizeof *pcm);
    memcpy(c->history + keep, pcm, n * sizeof *pcm);
    c->history_n = keep + n;
}

/* The lag at which the latest sound resembles what was before it. */
static unsigned find_pitch(const struct media_conceal *c)
{
    unsigned n = of_ms(c->rate_hz, MATCH_MS), from = of_ms(c->rate_hz, PITCH_MS_MIN);
    unsigned to = of_ms(c->rate_hz, PITCH_MS_MAX), best = to;
    double best_likeness = -2;
    const int16_t *latest = c->history + (c->history_n - n);
    for (unsigned lag = from; lag <= to; lag++) {
        double l = likeness(latest, latest - lag, n);
        if (l <= best_likeness + 0.001) continue; /* of equals the shortest: the true period */
        best_likeness = l;
        best = lag;
    }
    return best;
}

/* Copies the last period; its end is bent so that it leads into its own beginning. */
static void find_period(struct media_conceal *c)
{
    c->phase = 0;
    c->pitch = 0;
    if (c->history_n < of_ms(c->rate_hz, MATCH_MS + PITCH_MS_MAX)) return;
    c->pitch = find_pitch(c);
    const int16_t *end = c->history + c->history_n;
    memcpy(c->period, end - c->pitch, c->pitch * sizeof *end);
    unsigned quarter = c->pitch / 4;
    for (unsigned i = 0; i < quarter; i++) {
        unsigned back = quarter - i;
        c->period[c->pitch - back] = blend(end[-(int)back], end[-(int)(back + c->pitch)], i,
                                           quarter);
    }
}

static double fade(const struct media_conceal *c, unsigned at)
{
    unsigned loud = of_ms(c->rate_hz, LOUD_MS), end = loud + of_ms(c->rate_hz, FADE_MS);
    return at < loud ? 1 : at >= end ? 0 : (double)(end - at) / (end - loud);
}

static void make_up(struct media_conceal *c, int16_t *pcm, unsigned samples)
{
    for (unsigned i = 0; i < samples; i++, c->lost++) {
        pcm[i] = c->pitch == 0 ? 0 : clip(c->period[c->phase] * fade(c, c->lost));
        if (c->pitch > 0) c->phase = (c->phase + 1) % c->pitch;
    }
}

/* The step between the last sample heard and the repeated one is let down slowly. */
static void smooth_start(const struct media_conceal *c, int16_t *pcm, unsigned samples)
{
    if (c->pitch == 0) return;
    const int16_t *end = c->history + c->history_n;
    int step = end[-1] - end[-1 - (int)c->pitch];
    unsigned n = c->pitch / 4 < samples ? c->pitch / 4 : samples;
    for (unsigned i = 0; i < n; i++)
        pcm[i] = clip(pcm[i] + step * (1 - (i + 1.0) / (n + 1.0)));
}

void media_conceal_lost(struct media_conceal *c, int16_t *pcm, unsigned samples)
{
    bool first = c->lost == 0;
    if (first) find_period(c);
    make_up(c, pcm, samples);
    if (first) smooth_start(c, pcm, samples);
    remember(c, pcm, samples);
}

void media_conceal_good(struct media_conceal *c, int16_t *pcm, unsigned samples)
{
    if (c->lost > 0) {
        int16_t made_up[MEDIA_CONCEAL_HISTORY];
        unsigned n = of_ms(c->rate_hz, BLEND_MS);
        if (n > samples) n = samples;
        make_up(c, made_up, n);
        for (unsigned i = 0; i < n; i++)
            pcm[i] = blend(made_up[i], pcm[i], i, n);
        c->lost = 0;
    }
    remember(c, pcm, samples);
}

static bool is_quiet(const int16_t *pcm, unsigned n)
{
    double sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += pcm[i] < 0 ? -pcm[i] : pcm[i];
    return sum < (double)QUIET_LEVEL * n;
}

unsigned media_shorten(int16_t *pcm, unsigned *samples, unsigned rate_hz)
{
    unsigned n = *samples, blend_n = of_ms(rate_hz, BLEND_MS), cut = n / 2;
    if (n < 4 * blend_n) return 0;
    if (!is_quiet(pcm, n)) {
        double best = SHORTEN_LIKENESS;
        cut = 0;
        for (unsigned lag = blend_n; lag <= n / 2; lag++) {
            double l = likeness(pcm, pcm + lag, blend_n);
            if (l > best) best = l, cut = lag;
        }
        if (cut == 0) return 0;
    }
    for (unsigned i = 0; i < blend_n; i++)
        pcm[i] = blend(pcm[i], pcm[cut + i], i, blend_n);
    memmove(pcm + blend_n, pcm + cut + blend_n, (n - cut - blend_n) * sizeof *pcm);
    *samples = n - cut;
    return cut;
}
