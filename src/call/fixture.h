/* call/fixture.h - for tests of calls: phones on flows without sockets, over the workers of a bed.
 * A phone keeps what it received and answers what the test says. Include kit/kit.h before. */
#ifndef CALL_FIXTURE_H
#define CALL_FIXTURE_H
#include "call/bed.h"

enum { FIXTURE_WORKERS = 3, FIXTURE_PHONES = 12, FIXTURE_INBOX = 64, FIXTURE_TEXT = 8192 };

struct fixture;

struct phone {
    struct fixture *x;
    struct siptx_flow *flow;
    const char *device, *line, *owner;
    unsigned worker;
    uint16_t port;
    char *inbox[FIXTURE_INBOX]; /* whole messages, NUL-terminated */
    size_t first, count;
    unsigned cseq;
    const char *path;   /* Path of its REGISTERs, NULL none */
    const char *params; /* Contact parameters of its REGISTERs */
    const char *more;   /* header lines of its REGISTERs, NULL none */
};

struct fixture {
    struct bed *b;
    struct call_worker *workers[FIXTURE_WORKERS]; /* 0 is the bed's */
    struct siptx_stack *stacks[FIXTURE_WORKERS];
    struct phone phones[FIXTURE_PHONES];
    size_t phone_count;
    unsigned branch;
    struct call_record ended[16];
    size_t ended_count;
};

/* Transactions of the stacks but the first made from now on; 0: as many as usual. */
extern uint32_t fixture_transactions_max;
struct fixture *fixture_new(void);
void fixture_free(struct fixture *x);
/* A device with one line, and its phone registered over TLS on that worker. */
struct phone *fixture_phone(struct fixture *x, const char *device, const char *owner,
                            const char *line, unsigned worker);
/* Another phone of a line that is there; registered over listener and transport. */
struct phone *fixture_add(struct fixture *x, const char *device, const char *owner,
                          const char *line, unsigned worker, const char *params);
/* A device whose profile asks for no encryption, registered over TCP on the plain line. */
struct phone *fixture_plain(struct fixture *x, const char *device, const char *owner,
                            const char *line, unsigned worker);
/* A flow that has not registered. */
struct phone *fixture_stranger(struct fixture *x, unsigned worker, enum call_listener listener,
                               enum siptx_transport t);
/* A server outside, which the node has not connected to yet. */
struct phone *fixture_server(struct fixture *x, unsigned worker);
/* The node's connection to it, for a call_reach_ops.connect; is_open: at once, else fixture_opened. */
enum rc fixture_connected(struct phone *p, const struct siptx_target *target, bool is_open,
                          struct siptx_flow **out);
void fixture_opened(struct phone *p);
/* Registers (again) over a connection of its own; the status. */
unsigned fixture_register(struct phone *p);
/* The phone's connection breaks. */
void fixture_cut(struct phone *p);
/* A new connection, not registered. */
void fixture_connect(struct phone *p, enum call_listener listener, enum siptx_transport t);

/* Lets posts between workers arrive. */
void fixture_settle(struct fixture *x);
/* Time passes, step by step. */
void fixture_pass(struct fixture *x, int64_t ms);

/* ---- messages ---- */

/* Sends text as the phone. */
void fixture_send(struct phone *p, const char *text);
/* The next message received, and what its start line must begin with; it stays until the phone has
 * received FIXTURE_INBOX more. Fails the test when there is none. */
const char *fixture_expect(struct phone *p, const char *start);
/* Nothing (more) was received. */
void fixture_quiet(struct phone *p);
/* A header field's value, "" none; nth from 0. Static memory of a few calls. */
const char *fixture_header(const char *message, const char *name, unsigned nth);
bool fixture_has(const char *message, const char *text);

/* INVITE to number; more: header lines; sdp: body or NULL. What was sent. */
const char *fixture_invite(struct phone *p, const char *number, const char *more, const char *sdp);
const char *fixture_request(struct phone *p, const char *method, const char *number,
                            const char *more, const char *sdp);
/* Answers a request received. tag: of the To, NULL none. */
const char *fixture_answer(struct phone *p, const char *request, unsigned status, const char *tag,
                           const char *more, const char *sdp);
/* A request within the dialog that answer (a response to request, which this phone sent) made; or,
 * with is_callee, that this phone's answer to request made. */
const char *fixture_in_dialog(struct phone *p, const char *method, const char *request,
                              const char *answer, bool is_callee, const char *more,
                              const char *sdp);
/* CANCEL of an INVITE sent. */
void fixture_cancel(struct phone *p, const char *invite);
/* ACK to a refusal of an INVITE sent. */
void fixture_ack_refusal(struct phone *p, const char *invite, const char *answer);

#endif
