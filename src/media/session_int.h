/* media/session_int.h - the inside of a session, shared by session.c (life, ticks), session_sdp.c (offer
 * and answer) and session_sound.c (files, device). */
#ifndef MEDIA_SESSION_INT_H
#define MEDIA_SESSION_INT_H
#include "media/device.h"
#include "media/offer.h"
#include "media/pipe.h"
#include "media/ports.h"
#include "media/stream.h"
#include "media/wav.h"

enum { SESSION_OFFER_MAX = 4096 }; /* bytes of our own SDP */

struct session_sdp {
    struct media_ability ability;
    bool offer_open, answered, held; /* answered: the open offer has an answer */
    struct media_place place;
    struct buf remote; /* the peer's last SDP; empty before there is one */
    struct buf local;  /* ours */
};

struct session_sound {
    struct media_sound file; /* samples NULL: nothing is played */
    size_t file_at;
    struct media_pipe *file_pipe;
    struct media_device *device;
    struct media_pipe *from_device, *to_device;
    struct media_wav_writer *record;
    struct media_pipe *record_pipe;
    unsigned beep; /* samples since the last reminder of a hold began */
    bool mute;
};

struct media_session {
    struct media_session_config config;
    struct media_session_events events; /* a copy; none when the caller has none */
    struct media_ports ports;
    struct media_stream *stream;
    struct wheel_timer timer;
    uint64_t due_ms; /* of the next tick */
    bool closed, hold, quiet_told;
    struct session_sdp sdp;
    struct session_sound sound;
    struct net_deferred deferred;
};

/* session.c */
enum rc session_use_plan(struct media_session *s, const struct media_plan *plan);

/* session_sdp.c */
enum rc session_sdp_init(struct media_session *s);
void session_sdp_fini(struct media_session *s);

/* session_sound.c */
/* Fills mic with what the peer shall hear; true when the file ended with it. */
bool session_sound_in(struct media_session *s, unsigned rate_hz, int16_t *mic, unsigned samples);
void session_sound_out(struct media_session *s, unsigned rate_hz, int16_t *speaker,
                       unsigned samples);
void session_sound_fini(struct media_session *s);

#endif
