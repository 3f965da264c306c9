/* call/proxy.h - the proxy of the node (RFC 3261, 16): every request that is neither a REGISTER nor a
 * question about the server itself goes through here. A context lives on the worker the request came
 * to, from the request until its last branch has ended; contexts are used again.
 *
 *   validate -> who asks (identify, credentials, line policy) -> where to (route, target)
 *            -> forward (relay, one leg a target) -> best answer back (fork) -> calls, records */
#ifndef CALL_PROXY_H
#define CALL_PROXY_H
#include "call/call_int.h"

struct call_proxy;

/* One per worker. RC_NOMEM. */
MUST_CHECK enum rc call_proxy_new(struct call_worker *w, struct call_proxy **out);
struct call_proxy *call_proxy_free(struct call_proxy *p); /* NULL */
void call_proxy_attach(struct call_proxy *p, struct siptx_stack *stack);

/* Is the request for this server itself and not for somebody behind it? */
bool call_proxy_is_for_us(struct call_visit *v);
/* Answers or forwards it; v->request is the context's from here on. */
void call_proxy_request(struct call_visit *v);
/* The request of v has ended. */
void call_proxy_ended(struct call_visit *v);
/* The events of siptx. */
void call_proxy_ack(struct call_worker *w, struct siptx_flow *f, const struct sip_message *m);
void call_proxy_cancel(struct call_worker *w, struct siptx_request *invite);
void call_proxy_flow_closed(struct call_worker *w, struct siptx_flow *f);

#endif
