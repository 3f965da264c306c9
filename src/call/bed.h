/* call/bed.h - for this room's own tests: a call server over simulated time, a real store in a
 * folder of its own and flows without sockets. It has the user rado, his device CSFrado with lines
 * 1010 and 1011, an OAuth profile, the mode enabled, and makes tokens. Include kit/kit.h before. */
#ifndef CALL_BED_H
#define CALL_BED_H
#include "call/call.h"
#include "directory/directory.h"
#include "oauth/mint.h"
#include "oauth/verify.h"
#include "siptx/trace.h"

enum { BED_TOKEN_MAX = 4096, BED_SENT_MAX = 65536 };

struct bed {
    struct kit_time time;
    struct kit_random seed;
    struct kit_log lines;
    struct log log;
    struct random_source random;
    char folder[64];
    struct store *store;
    struct directory *directory;
    struct location *location;
    struct crypto_key *key;
    struct oauth_verifier *verifier;
    struct wheel *wheel;
    struct siptx_node *stacks;
    struct call_node *node;
    struct call_worker *worker;
    struct siptx_stack *stack;
    struct siptx_trace *trace;
    const char *via_params;      /* of the Vias it sends: ";name=value", or NULL */
    unsigned cseq, branch, call; /* call: a part of the Call-ID, for the test to change */
    char sent[BED_SENT_MAX];     /* the last message sent */
    size_t sent_n;
};

struct bed *bed_new(void);
/* The same; fn hears of calls that ended. */
struct bed *bed_new_with(call_record_fn *fn, void *ctx);
void bed_free(struct bed *b);
struct siptx_flow *bed_flow(struct bed *b, enum siptx_transport t, enum call_listener kind,
                            uint16_t port);
/* A token of user for life_s seconds (negative: expired so long ago), of grant gid. In text. */
struct str bed_token(struct bed *b, char text[BED_TOKEN_MAX], const char *user, const char *gid,
                     int64_t life_s);
/* Feeds a REGISTER for line: contact is the whole Contact header's value or NULL, more are header
 * lines, body may be NULL. The status of the answer. */
unsigned bed_register(struct bed *b, struct siptx_flow *f, const char *line, const char *contact,
                      const char *more, const char *body);
/* The same as a Cisco phone named device, with or without a token. */
unsigned bed_cisco(struct bed *b, struct siptx_flow *f, const char *device, const char *token,
                   const char *more);
/* Any other request. */
unsigned bed_request(struct bed *b, struct siptx_flow *f, const char *method, const char *more);
bool bed_answer_has(const struct bed *b, const char *needle);
void bed_pass(struct bed *b, int64_t ms);
size_t bed_count(struct bed *b); /* bindings now */
void bed_param(struct bed *b, const char *name, const char *value);

#endif
