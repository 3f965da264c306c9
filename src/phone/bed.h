/* phone/bed.h - for this room's own tests: two phones joined by a wire without sockets, one
 * simulated time, sound that is only words. Messages are carried when the test says so and can be
 * lost on the way. Include kit/kit.h before. */
#ifndef PHONE_BED_H
#define PHONE_BED_H
#include "phone/call_int.h"

enum { BED_PACKETS_MAX = 64, BED_LOG_MAX = 262144 };

struct bed;

struct bed_side {
    struct bed *bed;
    struct siptx_stack *stack;
    struct siptx_flow *flow;
    struct phone_calls *calls;
    struct phone_call *call; /* the last one told of, until it ends */
    char events[2048];       /* "incoming, answered, ended busy, " */
    unsigned open_media;
    bool refuses_media, wants_credentials_refused;
    unsigned credentials_given;
    unsigned sent; /* messages */
    char last[16384];
};

struct bed_packet {
    struct bed_side *to;
    char *bytes;
    size_t n;
};

struct bed {
    struct kit_time time;
    struct kit_random seed;
    struct clock clock;
    struct random_source random;
    struct wheel *wheel;
    enum siptx_transport transport;
    struct bed_side a, b;
    struct bed_packet packets[BED_PACKETS_MAX];
    size_t packet_count;
    const char *lose;    /* messages that hold this text are lost ... */
    unsigned lose_count; /* ... as many of them */
    unsigned lost;
    char log[BED_LOG_MAX]; /* first lines: "a INVITE 1, b 180 1, " */
};

/* call waiting is on. */
struct bed *bed_new(enum siptx_transport t);
MUST_CHECK struct bed *bed_try_new(enum siptx_transport t); /* NULL: out of memory */
void bed_free(struct bed *b);
/* Carries all that is under way. */
void bed_run(struct bed *b);
void bed_pass(struct bed *b, int64_t ms);
/* What side gets from the wire, as if the other had sent it. */
void bed_in(struct bed_side *s, const char *text);
/* Both ends of the wire are gone. */
void bed_cut(struct bed *b);
/* A new wire. */
void bed_join(struct bed *b);
/* a calls b, b answers: both talk. */
void bed_talk(struct bed *b);
/* Methods and codes that went since the last time, then forgets them. */
#define bed_assert_log(bed, expected)                                                              \
    do {                                                                                           \
        assert_string_equal(expected, (bed)->log);                                                 \
        (bed)->log[0] = '\0';                                                                      \
    } while (0)
#define bed_assert_events(side, expected)                                                          \
    do {                                                                                           \
        assert_string_equal(expected, (side)->events);                                             \
        (side)->events[0] = '\0';                                                                  \
    } while (0)
void bed_forget(struct bed *b);
/* A request in the side's dialog as its peer would send it; number of CSeq, more header lines. */
void bed_in_dialog(struct bed_side *s, const char *method, unsigned cseq, const char *more,
                   const char *body);

#endif
