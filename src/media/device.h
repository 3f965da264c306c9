/* media/device.h - microphone and loudspeaker by ALSA, 16 bit mono, never waiting. Where there is no
 * sound card, opening says so in a sentence and the call goes on without. Not thread-safe. */
#ifndef MEDIA_DEVICE_H
#define MEDIA_DEVICE_H
#include "base/buf.h"
#include <stddef.h>
#include <stdint.h>

enum { MEDIA_DEVICE_RATE = 48000 };

struct media_device;
/* Both ways, MEDIA_DEVICE_RATE. RC_NOT_FOUND: no such device; RC_BUSY: another program has it;
 * RC_NOMEM, RC_IO. A device that cannot record, or cannot play, is taken for what it can. *why gets a
 * constant sentence on failure and of the half that is missing; else NULL. */
MUST_CHECK enum rc media_device_open(const char *name, struct media_device **out, const char **why);
struct media_device *media_device_close(struct media_device *device); /* NULL */
/* Exactly count samples: what the microphone has, silence for what it has not yet. */
void media_device_read(struct media_device *device, int16_t *pcm, size_t count);
/* What does not fit in the loudspeaker's queue is dropped: sound stays in time. */
void media_device_write(struct media_device *device, const int16_t *pcm, size_t count);

/* The names media_device_open can be given on this machine, one a line; nothing where there are none. */
void media_device_print_names(struct buf *out);

#endif
