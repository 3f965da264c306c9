/* siptx/stun.h - just enough STUN to answer a keepalive on a SIP port (RFC 5626, 3.5.2 and 4.4.2;
 * RFC 8489, 6). Pure: bytes in, bytes out. No credentials, no other method. */
#ifndef SIPTX_STUN_H
#define SIPTX_STUN_H
#include "base/buf.h"
#include "net/addr.h"

enum {
    SIPTX_STUN_MAX = 548,       /* bytes; a longer datagram is no keepalive */
    SIPTX_STUN_ANSWER_MAX = 64, /* bytes of the longest answer */
};

/* The first two bits are 00 and the magic cookie stands where it should: not SIP. */
bool siptx_stun_is(struct bytes datagram);
/* Answers a binding request from peer with success and XOR-MAPPED-ADDRESS (plus FINGERPRINT where
 * the request had one), or with error 420 where it carries an attribute that must be understood.
 *   RC_MALFORMED   lengths or FINGERPRINT do not fit: drop it
 *   RC_UNSUPPORTED well formed, but no binding request: drop it */
MUST_CHECK enum rc siptx_stun_answer(struct bytes request, const struct net_addr *peer,
                                     struct buf *out);

enum { SIPTX_STUN_REQUEST_LEN = 20, SIPTX_STUN_ID_LEN = 12 };
/* A binding request of our own. */
void siptx_stun_request(struct buf *out, const uint8_t id[SIPTX_STUN_ID_LEN]);
/* A well-formed success answer to the binding request with that id. */
bool siptx_stun_is_success(struct bytes datagram, const uint8_t id[SIPTX_STUN_ID_LEN]);

#endif
