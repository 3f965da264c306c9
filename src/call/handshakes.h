/* call/handshakes.h - TLS handshakes that failed at the SIP ports, for the operator's "which side
 * distrusts which certificate?". The last few; equal ones are counted, and whoever gets in after all
 * is struck off. Any thread. */
#ifndef CALL_HANDSHAKES_H
#define CALL_HANDSHAKES_H
#include "call/linepolicy.h"
#include "net/addr.h"
#include "net/tls.h"

enum { CALL_HANDSHAKES_MAX = 32 }; /* the one that was last seen longest ago gives way */

struct call_handshake {
    enum call_listener listener;
    char peer[NET_ADDR_TEXT_MAX]; /* address without port */
    enum net_tls_cause cause;
    bool by_peer; /* it refused us */
    char subject[NET_TLS_TEXT_MAX], issuer[NET_TLS_TEXT_MAX],
        names[NET_TLS_TEXT_MAX]; /* as net/tls.h */
    char alert[48];              /* "unknown CA"; "" none */
    uint32_t count;              /* of its kind, in a row */
    int64_t first_unix_ms, last_unix_ms;
};

struct call_handshakes;
struct call_handshakes *call_handshakes_new(void);                       /* NULL: no memory */
struct call_handshakes *call_handshakes_free(struct call_handshakes *h); /* NULL */
void call_handshakes_note(struct call_handshakes *h, enum call_listener listener,
                          const struct net_addr *peer, const struct net_tls_failure *f,
                          int64_t now_unix_ms);
/* Somebody from that address got in there. */
void call_handshakes_clear(struct call_handshakes *h, enum call_listener listener,
                           const struct net_addr *peer);
/* The newest first; how many of at most max. */
size_t call_handshakes_list(struct call_handshakes *h, struct call_handshake *out, size_t max);

#endif
