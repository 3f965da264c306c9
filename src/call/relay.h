/* call/relay.h - sends requests out over a flow of any worker and brings back what comes of them.
 * A leg belongs to the worker that made it; the client transaction lives where the flow is. Between
 * workers messages travel in carriers, which are used again and again, so that crossing costs no
 * allocation after a while. Everything here is called on the leg's own worker. */
#ifndef CALL_RELAY_H
#define CALL_RELAY_H
#include "base/buf.h"
#include "call/route.h"
#include "siptx/stack.h"

struct call_worker;
struct call_relay;
struct call_leg_out;

/* As siptx_client_fn; response lives during the call. SIPTX_GONE is the last, once. Not called
 * before call_relay_send has returned. */
typedef void call_relay_fn(void *ctx, struct call_leg_out *leg, enum siptx_outcome outcome,
                           const struct sip_message *response);

/* One per worker; node is what carries to the others (may be NULL: only own flows). */
struct call_relay *call_relay_new(struct siptx_node *node);
/* After all stacks have gone. */
struct call_relay *call_relay_free(struct call_relay *r); /* NULL */
void call_relay_attach(struct call_relay *r, struct siptx_stack *stack);

/* What is sent: text for the request line and our Via, our Record-Route where token is not empty
 * (made where the flow is, which knows its own address), then whole header lines as they are, then
 * the body. All borrowed for the call. */
struct call_outgoing {
    uint64_t flow;
    struct str method, uri, via_params, token, headers, body;
    struct call_hop from; /* with token: the side the request came from */
    uint16_t own_port; /* with token: our port in it where the flow, opened by us, has another; 0:
                             the flow's. For flows of this worker */
};
/* Sends as a transaction. RC_CLOSED (no such flow any more), RC_BUSY, RC_NOMEM, RC_TOO_BIG,
 * RC_INVALID: nothing has been sent. A flow of another worker that has gone tells SIPTX_LOST. */
MUST_CHECK enum rc call_relay_send(struct call_relay *r, const struct call_outgoing *o,
                                   call_relay_fn *fn, void *ctx, struct call_leg_out **out);
/* Without a transaction: an ACK to a 2xx. */
MUST_CHECK enum rc call_relay_send_once(struct call_relay *r, const struct call_outgoing *o);
/* Cancels an INVITE, once a provisional answer has come (RFC 3261, 9.1); its final answer still
 * comes. A second call does nothing. headers: whole lines (Reason) or empty. */
void call_relay_cancel(struct call_leg_out *leg, struct str headers);
/* fn is not called any more and the leg may not be used again; what is under way ends by itself. */
void call_relay_forget(struct call_leg_out *leg);

#endif
