/* media/g711.h - the two laws of ITU-T G.711: 16 bit samples to bytes and back. No state. */
#ifndef MEDIA_G711_H
#define MEDIA_G711_H
#include <stdint.h>

uint8_t media_ulaw_encode(int16_t sample);
int16_t media_ulaw_decode(uint8_t byte);
uint8_t media_alaw_encode(int16_t sample);
int16_t media_alaw_decode(uint8_t byte);

#endif
