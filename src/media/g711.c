/* media/g711.c - the two laws of ITU-T G.711: a sign, a segment (the power of two) and four bits of
 * mantissa, with some bits turned over on the wire. */
#include "media/g711.h"

enum { SIGN = 0x80, MANTISSA = 0x0F };
enum { ULAW_BIAS = 132, ULAW_CLIP = 32767 - ULAW_BIAS, ULAW_INVERT = 0xFF };
enum { ALAW_INVERT = 0x55 };

/* The place of the highest bit of v. */
static unsigned top_bit(unsigned v)
{
    unsigned bit = 0;
    while (v >>= 1)
        bit++;
    return bit;
}

uint8_t media_ulaw_encode(int16_t sample)
{
    int magnitude = sample < 0 ? -(int)sample : sample;
    if (magnitude > ULAW_CLIP) magnitude = ULAW_CLIP;
    unsigned v = (unsigned)magnitude + ULAW_BIAS;
    unsigned segment = top_bit(v) - 7;
    unsigned byte = segment << 4 | (v >> (segment + 3) & MANTISSA) | (sample < 0 ? SIGN : 0);
    return (uint8_t)(byte ^ ULAW_INVERT);
}

int16_t media_ulaw_decode(uint8_t byte)
{
    unsigned b = byte ^ ULAW_INVERT;
    int v = (int)(((b & MANTISSA) << 3) + ULAW_BIAS) << (b >> 4 & 7);
    return (int16_t)(b & SIGN ? ULAW_BIAS - v : v - ULAW_BIAS);
}

/* A-law's sign bit is set for positive samples; its first two segments have equal steps. */
uint8_t media_alaw_encode(int16_t sample)
{
    unsigned v = (unsigned)(sample < 0 ? -(sample + 1) : sample) >> 4;
    unsigned segment = v < 32 ? v >> 4 : top_bit(v) - 3;
    unsigned mantissa = segment < 2 ? v & MANTISSA : v >> (segment - 1) & MANTISSA;
    unsigned byte = segment << 4 | mantissa | (sample < 0 ? 0 : SIGN);
    return (uint8_t)(byte ^ ALAW_INVERT);
}

int16_t media_alaw_decode(uint8_t byte)
{
    unsigned b = byte ^ ALAW_INVERT;
    unsigned segment = b >> 4 & 7;
    int v = (int)((b & MANTISSA) << 4) + 8;
    if (segment > 0) v = (v + 256) << (segment - 1);
    return (int16_t)(b & SIGN ? v : -v);
}
