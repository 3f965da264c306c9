/* media/fixture.c - sound for tests, and how like two sounds are. */
#include "media/fixture.h"

#include <math.h>

static const double tau = 6.283185307179586;

static double next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 40) / (double)(1 << 24);
}

/* A syllable's draw: what it is and how it sounds. */
struct syllable {
    double length_s, pitch_hz, glide, level, brightness;
    int kind; /* 0: pause, 1: hiss, else voiced */
};

static struct syllable draw(uint64_t *state)
{
    struct syllable y;
    y.kind = (int)(next_random(state) * 8);
    y.length_s = y.kind == 0 ? 0.08 + 0.15 * next_random(state) : 0.06 + 0.2 * next_random(state);
    y.pitch_hz = 90 + 130 * next_random(state);
    y.glide = 0.8 + 0.4 * next_random(state);
    y.level = 2500 + 6000 * next_random(state);
    y.brightness = 0.4 + 0.4 * next_random(state);
    return y;
}

static double voiced(const struct syllable *y, double phase)
{
    double sum = 0, level = 1;
    for (int harmonic = 1; harmonic <= 12; harmonic++, level *= y->brightness)
        sum += level * sin(tau * phase * harmonic + harmonic * harmonic);
    return sum;
}

void fixture_voice(int16_t *pcm, size_t count, unsigned rate_hz, uint64_t seed)
{
    uint64_t state = seed, noise = seed + 1;
    size_t at = 0;
    while (at < count) {
        struct syllable y = draw(&state);
        size_t n = (size_t)(y.length_s * rate_hz);
        double phase = 0;
        for (size_t i = 0; i < n && at < count; i++, at++) {
            double t = (double)i / (double)n, shape = sin(tau / 2 * t);
            phase += y.pitch_hz * (1 + (y.glide - 1) * t) / rate_hz;
            double v = y.kind == 0   ? 0
                       : y.kind == 1 ? (next_random(&noise) - 0.5) * 0.4
                                     : voiced(&y, phase);
            pcm[at] = (int16_t)lrint(v * shape * y.level);
        }
    }
}

void fixture_tone(int16_t *pcm, size_t count, unsigned rate_hz, double hz, double level)
{
    for (size_t i = 0; i < count; i++)
        pcm[i] = (int16_t)lrint(level * sin(tau * hz * (double)i / rate_hz));
}

static double correlation(const int16_t *a, const int16_t *b, size_t n)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return aa < 1 || bb < 1 ? 0 : ab / sqrt(aa * bb);
}

double fixture_likeness(const int16_t *a, size_t a_count, const int16_t *b, size_t b_count,
                        size_t shift_max)
{
    double best = -1;
    for (size_t shift = 0; shift <= shift_max && shift < b_count; shift++) {
        size_t n = b_count - shift < a_count ? b_count - shift : a_count;
        if (n < a_count * 3 / 4) break;
        double c = correlation(a, b + shift, n);
        if (c > best) best = c;
    }
    return best;
}

static int is_silent(const int16_t *pcm, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)pcm[i] * pcm[i];
    return sum < 200.0 * 200.0 * (double)n;
}

double fixture_likeness_by_piece(const int16_t *a, size_t a_count, const int16_t *b, size_t b_count,
                                 size_t shift_max, size_t piece)
{
    double sum = 0;
    size_t pieces = 0;
    for (size_t at = 0; at + piece <= a_count && at < b_count; at += piece) {
        if (is_silent(a + at, piece)) continue;
        sum += fixture_likeness(a + at, piece, b + at, b_count - at, shift_max);
        pieces++;
    }
    return pieces == 0 ? 0 : sum / (double)pieces;
}
