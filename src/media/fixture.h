/* media/fixture.h - for media's own tests: sound that resembles speech, and how like two sounds are. */
#ifndef MEDIA_FIXTURE_H
#define MEDIA_FIXTURE_H
#include <stddef.h>
#include <stdint.h>

/* Syllables: a pitch that moves between 90 and 220 Hz with harmonics, hisses and pauses between. The
 * same seed gives the same sound at any rate. */
void fixture_voice(int16_t *pcm, size_t count, unsigned rate_hz, uint64_t seed);
void fixture_tone(int16_t *pcm, size_t count, unsigned rate_hz, double hz, double level);

/* The best correlation (-1..1) of a with b over all shifts of b by 0..shift_max samples. */
double fixture_likeness(const int16_t *a, size_t a_count, const int16_t *b, size_t b_count,
                        size_t shift_max);
/* The same piece by piece (each of piece samples, its shift found anew): the mean over the pieces
 * of a that are not silent. */
double fixture_likeness_by_piece(const int16_t *a, size_t a_count, const int16_t *b, size_t b_count,
                                 size_t shift_max, size_t piece);
#endif
