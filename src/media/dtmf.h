/* media/dtmf.h - keys as telephone events (RFC 4733): a sender that turns digits into packets and a
 * receiver that turns packets, lost and repeated ones too, into one event a key. Pure state. */
#ifndef MEDIA_DTMF_H
#define MEDIA_DTMF_H
#include "base/str.h"

enum {
    MEDIA_DTMF_CLOCK = 8000, /* of durations: telephone-event/8000 is what is offered */
    MEDIA_EVENT_BYTES = 4,
    MEDIA_DTMF_QUEUE = 64,     /* digits waiting */
    MEDIA_DTMF_TONE_MS = 100,  /* a key is down */
    MEDIA_DTMF_GAP_MS = 60,    /* between two */
    MEDIA_DTMF_PAUSE_MS = 500, /* ',' */
    MEDIA_DTMF_END_COPIES = 3,
};

struct media_event {
    uint8_t event; /* 0..15 */
    bool end;
    uint8_t volume;    /* -dBm0, 0..63 */
    uint16_t duration; /* timestamp units */
};
/* RC_MALFORMED: shorter than 4 bytes. Longer ones carry redundancy we do not need. */
MUST_CHECK enum rc media_event_parse(struct bytes payload, struct media_event *out);
void media_event_print(uint8_t out[MEDIA_EVENT_BYTES], const struct media_event *event);
char media_event_digit(unsigned event); /* '\0': no DTMF key */
int media_event_of_digit(char digit);   /* -1: none */

/* ---- sending ---- */
struct media_dtmf_sender {
    unsigned clock_hz;
    char queue[MEDIA_DTMF_QUEUE];
    unsigned count;
    enum { MEDIA_DTMF_IDLE, MEDIA_DTMF_TONE, MEDIA_DTMF_END, MEDIA_DTMF_GAP } state;
    unsigned elapsed_ms, copies;
    uint32_t timestamp; /* of the event under way */
    uint8_t event;
};
void media_dtmf_sender_init(struct media_dtmf_sender *s, unsigned clock_hz);
/* RC_MALFORMED, RC_BUSY: nothing is queued. */
MUST_CHECK enum rc media_dtmf_queue(struct media_dtmf_sender *s, struct str digits);
enum media_dtmf_step {
    MEDIA_DTMF_NOTHING, /* send sound */
    MEDIA_DTMF_SILENT,  /* send neither: a gap */
    MEDIA_DTMF_PACKET,  /* send payload with timestamp and marker */
};
/* Every 20 ms; now is the timestamp sound would have. done: the queue is empty now. */
enum media_dtmf_step media_dtmf_step(struct media_dtmf_sender *s, uint32_t now,
                                     uint8_t payload[MEDIA_EVENT_BYTES], uint32_t *timestamp,
                                     bool *marker, bool *done);

/* ---- receiving ---- */
struct media_dtmf_receiver {
    unsigned clock_hz;
    bool down, seen; /* a key is held; timestamp is valid */
    uint32_t timestamp;
    uint8_t event;
    uint16_t duration;
    uint64_t last_ms;
};
struct media_dtmf_change {
    char digit;
    bool ended;
    unsigned duration_ms;
};
void media_dtmf_receiver_init(struct media_dtmf_receiver *r, unsigned clock_hz);
/* Writes the changes: at most an end that was lost, a new key, and its end; returns how many. */
unsigned media_dtmf_receive(struct media_dtmf_receiver *r, uint32_t timestamp,
                            const struct media_event *event, uint64_t now_ms,
                            struct media_dtmf_change out[3]);
/* A key whose end never came is up after 200 ms without a packet. True: *out is set. */
bool media_dtmf_expire(struct media_dtmf_receiver *r, uint64_t now_ms,
                       struct media_dtmf_change *out);

#endif
