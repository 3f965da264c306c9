/* siptx/bed.h - for this room's own tests: a stack over simulated time and wires without sockets,
 * which writes down all it sends and all it tells. Include kit/kit.h before. */
#ifndef SIPTX_BED_H
#define SIPTX_BED_H
#include "siptx/stack.h"
#include "siptx/trace.h"

enum { BED_SENT_MAX = 256, BED_TEXT_MAX = 262144 };

struct bed_sent {
    uint64_t flow_id;
    struct net_addr to;
    int64_t at_ms; /* since the bed began */
    struct str bytes;
};

struct bed {
    struct kit_time time;
    struct kit_random seed;
    int64_t began_ms;
    struct wheel *wheel;
    struct siptx_stack *stack;
    struct siptx_config config;

    struct bed_sent sent[BED_SENT_MAX];
    size_t sent_count, text_n;
    char text[BED_TEXT_MAX];
    enum rc send_rc;   /* what the wires answer */
    bool wire_closed;  /* a wire was asked to close */
    bool wire_lingers; /* ... gently */

    char events[4096]; /* "request REGISTER, keepalive, closed peer, " */
    unsigned answer;   /* final answer given to requests at once; 0: they are held */
    bool answer_routine;
    bool takes_messages;        /* on_message takes all, answers requests when answer is set */
    struct siptx_request *held; /* the last one not answered; NULL again when it ends */
    unsigned requests, ends;
    struct siptx_flow *close_on_request; /* closed inside on_request */
};

/* config: NULL or what differs from the bed's own choice (limits, timing, trace, server). */
void bed_init(struct bed *b, const struct siptx_config *config);
MUST_CHECK enum rc bed_try_init(struct bed *b, const struct siptx_config *config);
void bed_fini(struct bed *b);
/* A flow of peer 192.0.2.1:port, ours 192.0.2.9:5060; outgoing ones are ready. */
struct siptx_flow *bed_flow(struct bed *b, enum siptx_transport t, int kind, uint16_t port);
/* Feeds text flush against an unreadable page; bytes consumed. */
size_t bed_in(struct siptx_flow *f, struct str text);
/* Time passes; timers fire on the way, each at its own millisecond. */
void bed_pass(struct bed *b, int64_t ms);
/* The last message sent; "" when none since bed_forget. */
struct str bed_last(const struct bed *b);
void bed_forget(struct bed *b); /* forgets what was sent and told */
/* The status line's code of the last message, 0: none or a request. */
unsigned bed_status(const struct bed *b);
bool bed_has(struct str text, const char *needle);
/* When each message was sent, "500 1500 ". */
const char *bed_times(const struct bed *b, char *out, size_t cap);
/* A request: method, branch ("": none), number of CSeq, more header lines; on one dialogue. */
struct str bed_request(char *out, size_t cap, const char *method, const char *branch, unsigned cseq,
                       const char *more);
/* A response to the request in bytes (its top Via, From, To, Call-ID, CSeq). */
struct str bed_response(char *out, size_t cap, struct str request, unsigned status,
                        const char *to_tag);

#define bed_assert_events(b, expected)                                                             \
    do {                                                                                           \
        assert_string_equal(expected, (b)->events);                                                \
        (b)->events[0] = '\0';                                                                     \
    } while (0)

#endif
