/* media/resample.c - a windowed-sinc filter in phases. The ratio of the rates is reduced to up/down;
 * each output sample stands at one of `up` places between two input samples, and each place has its
 * own coefficients. */
#include "media/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    RATE_MIN = 8000,
    RATE_MAX = 48000,
    PHASES_MAX = 640,
    LOBES = 16 /* of the sinc, each side */
};
static const double PASSBAND = 0.94; /* of the lower rate's half */

struct media_resampler {
    unsigned up, down;
    unsigned taps;  /* of each phase */
    unsigned phase; /* of the next output, 0..up-1 */
    size_t skip;    /* input samples to pass before it */
    int16_t *past;  /* the last taps samples */
    float *filter;  /* [up][taps] */
};

static unsigned common_divisor(unsigned a, unsigned b)
{
    while (b != 0) {
        unsigned rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static double sinc(double x)
{
    const double pi = 3.14159265358979323846;
    return fabs(x) < 1e-9 ? 1 : sin(pi * x) / (pi * x);
}

/* Blackman's window, 1 in the middle and 0 at -1 and 1. */
static double window(double x)
{
    const double pi = 3.14159265358979323846;
    return fabs(x) >= 1 ? 0 : 0.42 + 0.5 * cos(pi * x) + 0.08 * cos(2 * pi * x);
}

/* Coefficients of one phase, summing to one. */
static void make_phase(float *filter, unsigned taps, double offset, double cutoff)
{
    double sum = 0, half = taps / 2.0;
    for (unsigned k = 0; k < taps; k++) {
        double x = k + 1 - half - offset;
        filter[k] = (float)(sinc(x * cutoff) * window(x / half));
        sum += filter[k];
    }
    for (unsigned k = 0; k < taps; k++)
        filter[k] = (float)(filter[k] / sum);
}

enum rc media_resampler_new(unsigned from_hz, unsigned to_hz, struct media_resampler **out)
{
    if (from_hz < RATE_MIN || from_hz > RATE_MAX || to_hz < RATE_MIN || to_hz > RATE_MAX)
        return RC_INVALID;
    unsigned divisor = common_divisor(from_hz, to_hz);
    unsigned up = to_hz / divisor, down = from_hz / divisor;
    if (up > PHASES_MAX) return RC_INVALID;
    double cutoff = PASSBAND * (to_hz < from_hz ? (double)to_hz / from_hz : 1);
    unsigned taps = 2 * (unsigned)ceil(LOBES / cutoff);
    struct media_resampler *r = calloc(1, sizeof *r);
    if (!r) return RC_NOMEM;
    *r = (struct media_resampler){.up = up, .down = down, .taps = taps};
    r->past = calloc(taps, sizeof *r->past);
    r->filter = calloc((size_t)up * taps, sizeof *r->filter);
    if (!r->past || !r->filter) {
        media_resampler_free(r);
        return RC_NOMEM;
    }
    for (unsigned p = 0; p < up; p++)
        make_phase(r->filter + (size_t)p * taps, taps, (double)p / up, cutoff);
    *out = r;
    return RC_OK;
}

struct media_resampler *media_resampler_free(struct media_resampler *r)
{
    if (!r) return NULL;
    free(r->past);
    free(r->filter);
    free(r);
    return NULL;
}

size_t media_resample_bound(const struct media_resampler *r, size_t in_count)
{
    return (in_count + 1) * r->up / r->down + 1;
}

static int16_t one(const struct media_resampler *r)
{
    const float *filter = r->filter + (size_t)r->phase * r->taps;
    float sum = 0;
    for (unsigned k = 0; k < r->taps; k++)
        sum += filter[k] * (float)r->past[k];
    return sum > 32767 ? 32767 : sum < -32768 ? -32768 : (int16_t)lrintf(sum);
}

static void push(struct media_resampler *r, int16_t sample)
{
    memmove(r->past, r->past + 1, (r->taps - 1) * sizeof *r->past);
    r->past[r->taps - 1] = sample;
}

size_t media_resample(struct media_resampler *r, const int16_t *in, size_t in_count, int16_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < in_count; i++) {
        push(r, in[i]);
        if (r->skip > 0) {
            r->skip--;
            continue;
        }
        for (; r->skip == 0; r->phase %= r->up) {
            out[n++] = one(r);
            r->phase += r->down;
            r->skip = r->phase / r->up;
        }
        r->skip--;
    }
    return n;
}
