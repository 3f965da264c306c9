/* media/bed.h - for tests: two streams and the network between them, all of it simulated: time, loss,
 * delay, order, all from one seed. */
#ifndef MEDIA_BED_H
#define MEDIA_BED_H
#include "kit/kit.h"

#include "media/stream.h"

enum { BED_PACKETS = 512, BED_DIGITS = 64 };

struct bed;

struct bed_end {
    struct bed *bed;
    struct bed_end *other;
    struct media_stream *stream;
    struct kit_random random;
    struct net_addr rtp, rtcp; /* where it really is */
    unsigned phase_ms;         /* of its steps */
    const int16_t *mic;        /* played once, then silence */
    size_t mic_n, mic_at;
    int16_t *heard; /* all its speaker got */
    size_t heard_n, heard_cap;
    char digits[BED_DIGITS];
    unsigned digit_n, ended_n, last_duration_ms, first_n, sent_n, report_n, bye_n;
};

struct bed_packet {
    bool used, rtcp;
    int64_t due_ms;
    struct bed_end *to;
    struct net_addr from;
    size_t n;
    uint8_t bytes[MEDIA_PAYLOAD_MAX + 128];
};

struct bed {
    struct kit_time time;
    struct clock clock;
    struct kit_random random;
    struct random_source dice;
    unsigned loss_percent, delay_ms, jitter_ms; /* jitter: evenly up to */
    unsigned sent_n, lost_n;
    bool duplicate; /* every packet comes twice */
    struct bed_end a, b;
    struct bed_packet packets[BED_PACKETS];
};

/* Both ends with a plan for codec and suite; heard_ms of sound is kept of each. */
void bed_open(struct bed *bed, uint64_t seed, enum media_codec codec, enum media_suite suite,
              unsigned heard_ms);
void bed_close(struct bed *bed);
void bed_pass(struct bed *bed, unsigned ms);
/* The plan bed_open made for an end, for changes. */
struct media_plan bed_plan(struct bed_end *end, enum media_codec codec, enum media_suite suite);
void bed_speak(struct bed_end *end, const int16_t *pcm, size_t n);
struct media_stats bed_stats(const struct bed_end *end);

#endif
