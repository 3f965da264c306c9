/* edge/mediasdp.h - session descriptions as an edge hands them on: other addresses and ports for the
 * streams it relays, nothing else changed, so that keys and codecs stay the phones' own. Between two
 * edges "a=bearline-call:HEX" in the session part names the call on their media link. Pure functions. */
#ifndef EDGE_MEDIASDP_H
#define EDGE_MEDIASDP_H
#include "base/buf.h"
#include "net/addr.h"
#include "sip/sdp.h"

enum { EDGE_STREAMS_MAX = 4 /* m= lines of one call that are relayed */ };

/* Can it be relayed: RTP or another protocol over UDP, among the first EDGE_STREAMS_MAX, port not 0. */
bool edge_sdp_is_relayed(const struct sip_sdp *sdp, unsigned index);
/* Where a stream's RTP and RTCP are taken; RC_UNSUPPORTED: the address is a name. rtcp: NET_NONE when it
 * goes with RTP. */
MUST_CHECK enum rc edge_sdp_place(const struct sip_sdp_media *m, struct net_addr *rtp,
                                  struct net_addr *rtcp);

/* With addr in the place of every address and ports[i] in that of stream i (0: it ends); ICE and the
 * call's name are left out. */
void edge_sdp_print(const struct sip_sdp *sdp, const struct net_addr *addr,
                    const uint16_t ports[EDGE_STREAMS_MAX], struct buf *out);
/* As it is, with the call's name; call 0: without one. */
void edge_sdp_print_named(const struct sip_sdp *sdp, uint64_t call, struct buf *out);
/* 0: it bears none. */
uint64_t edge_sdp_call(const struct sip_sdp *sdp);

#endif
