/* media/conceal.h - fills holes in sound whose codec cannot (G.711): the last pitch period is repeated,
 * fading to silence within 60 ms, and blended into what comes after; and shortens sound by whole
 * pitch periods where the jitter buffer is too long. Any rate up to 48 kHz. Plain memory. */
#ifndef MEDIA_CONCEAL_H
#define MEDIA_CONCEAL_H
#include <stdbool.h>
#include <stdint.h>

enum { MEDIA_CONCEAL_HISTORY = 48000 / 1000 * 50 }; /* samples kept: 50 ms at most */

struct media_conceal {
    unsigned rate_hz;
    unsigned history_n;
    int16_t history[MEDIA_CONCEAL_HISTORY]; /* the latest sound, oldest first */
    unsigned lost;                          /* samples made up since the last good one */
    unsigned pitch, phase;                  /* samples: the repeated period, where in it we are */
    int16_t period[MEDIA_CONCEAL_HISTORY];
};

void media_conceal_init(struct media_conceal *c, unsigned rate_hz);
/* Good sound: remembered; its beginning is blended with what was made up before it. */
void media_conceal_good(struct media_conceal *c, int16_t *pcm, unsigned samples);
/* Fills pcm. */
void media_conceal_lost(struct media_conceal *c, int16_t *pcm, unsigned samples);

/* Removes one pitch period or more (5 ms to half of it) out of pcm without a click, if the sound repeats
 * itself well enough or is quiet. Returns the samples removed from *samples, 0: better not. */
unsigned media_shorten(int16_t *pcm, unsigned *samples, unsigned rate_hz);

#endif
