/* media/pipe.h - sound in at one rate, in pieces of any size; out at another, in pieces of any size.
 * Bounded: what is not taken in time is lost, the oldest first. Not thread-safe. */
#ifndef MEDIA_PIPE_H
#define MEDIA_PIPE_H
#include "media/resample.h"
#include <stdbool.h>

enum { MEDIA_PIPE_MS = 120 }; /* kept at most */

struct media_pipe;
/* RC_NOMEM; RC_INVALID as media_resampler_new. */
MUST_CHECK enum rc media_pipe_new(unsigned from_hz, unsigned to_hz, struct media_pipe **out);
struct media_pipe *media_pipe_free(struct media_pipe *pipe); /* NULL */
bool media_pipe_fits(const struct media_pipe *pipe, unsigned from_hz, unsigned to_hz);
/* count: at most 20 ms at from_hz, more is cut. */
void media_pipe_push(struct media_pipe *pipe, const int16_t *pcm, size_t count);
size_t media_pipe_ready(const struct media_pipe *pipe); /* samples to be had */
/* What there is of count; the rest of pcm is silence. Returns samples that were there. */
size_t media_pipe_pop(struct media_pipe *pipe, int16_t *pcm, size_t count);

#endif
