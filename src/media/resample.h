/* media/resample.h - mono sound from one rate to another (any two of 8..48 kHz): a windowed-sinc filter
 * in phases, made once for the pair. Delay is the filter's half length. Not thread-safe. */
#ifndef MEDIA_RESAMPLE_H
#define MEDIA_RESAMPLE_H
#include "base/rc.h"
#include <stddef.h>
#include <stdint.h>

struct media_resampler;
/* RC_INVALID: a rate outside 8000..48000, or a ratio with more than 640 phases; RC_NOMEM. */
MUST_CHECK enum rc media_resampler_new(unsigned from_hz, unsigned to_hz,
                                       struct media_resampler **out);
struct media_resampler *media_resampler_free(struct media_resampler *r); /* NULL */
/* Samples that come out at most for in_count more. */
size_t media_resample_bound(const struct media_resampler *r, size_t in_count);
/* Takes all of in; returns samples written to out, which holds media_resample_bound. */
size_t media_resample(struct media_resampler *r, const int16_t *in, size_t in_count, int16_t *out);

#endif
