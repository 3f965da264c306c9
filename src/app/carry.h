/* app/carry.h - carries SIP over an edge: what edge/outer or edge/inner has decided of a message is done
 * with the connections there are. All on the SIP thread, but the counters. */
#ifndef APP_CARRY_H
#define APP_CARRY_H
#include "base/log.h"
#include "edge/hop.h"
#include "edge/relay.h"
#include "siptx/stack.h"

enum { APP_CARRY_MESSAGE_MAX = 2 * SIPTX_MESSAGE_MAX };

struct app_carry_counters {
    _Atomic uint64_t carried; /* messages handed on */
    _Atomic uint64_t refused; /* answered here */
    _Atomic uint64_t dropped;
};

/* What both roles need. */
struct app_carry {
    struct siptx_stack *stack;
    const struct log *log;
    struct buf out;     /* the message being written */
    struct buf headers; /* of an answer given here */
    struct app_carry_counters counters;
    struct edge_relay *relay;      /* NULL: media go by themselves */
    struct net_addr media_address; /* what parties are told; NET_NONE: where our sockets are */
};
void app_carry_init(struct app_carry *c, const struct log *log);
void app_carry_fini(struct app_carry *c);

/* A message of f as edge/hop.h takes it; way: the number its connection has there. */
struct edge_arrival app_carry_arrival(const struct siptx_flow *f, const struct sip_message *m,
                                      const struct sip_basics *basics, struct arena *arena,
                                      uint64_t way);
/* Does it. to: where a forward goes, NULL: that connection is gone, which a request's sender is told
 * with status none. */
void app_carry_out(struct app_carry *c, struct siptx_flow *from, const struct edge_arrival *a,
                   const struct edge_decision *d, struct siptx_flow *to, unsigned none);
/* An answer given here; an ACK is dropped. headers: whole lines or empty. */
void app_carry_answer(struct app_carry *c, struct siptx_flow *from, const struct edge_arrival *a,
                      unsigned status, const char *reason, struct str headers);

/* What edge_media.pass does once the ways of the call are known: call->local and the rest. */
unsigned app_carry_media(struct app_carry *c, const struct edge_arrival *a,
                         struct edge_relay_call *call, bool to_party, struct str *body);

/* An OPTIONS to this edge itself, over a link or a zone: no Route. */
bool app_carry_is_to_us(const struct edge_arrival *a);

#endif
