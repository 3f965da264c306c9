/* edge/greeting.h - what two edges tell one another of themselves in the OPTIONS over their link, in a
 * header of our own: "Bearline-Edge: epoch=NUMBER, clock=MILLISECONDS". */
#ifndef EDGE_GREETING_H
#define EDGE_GREETING_H
#include "base/buf.h"
#include "sip/message.h"

enum { EDGE_CLOCK_APART_MS = 60000 /* farther apart, tokens and certificates are misjudged */ };

struct edge_greeting {
    uint64_t epoch;   /* another one: what it remembered of phones' connections is gone */
    int64_t clock_ms; /* Unix time there when it was written */
};

/* The whole line. */
void edge_greeting_print(const struct edge_greeting *g, struct buf *out);
/* False: the message bears none. */
bool edge_greeting_read(const struct sip_message *m, struct edge_greeting *out);

#endif
