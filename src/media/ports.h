/* media/ports.h - a pair of UDP ports for one call: RTP on an even one, RTCP on the next. The search
 * begins at a random place so that ports are not guessed from one call to the next. */
#ifndef MEDIA_PORTS_H
#define MEDIA_PORTS_H
#include "base/clock.h"
#include "net/udp.h"

struct media_ports {
    struct net_udp_port *rtp, *rtcp;
    struct net_udp *rtp_socket, *rtcp_socket;
    struct net_addr addr; /* of RTP */
};
/* RC_BUSY: no free pair; RC_INVALID: an empty range; else as net_udp_open. */
MUST_CHECK enum rc media_ports_open(struct net_loop *loop, const struct net_addr *local,
                                    uint16_t port_min, uint16_t port_max,
                                    const struct random_source *random, net_udp_fn *on_rtp,
                                    net_udp_fn *on_rtcp, void *ctx, struct media_ports *out);
void media_ports_close(struct media_ports *ports); /* zeroed memory is fine */

#endif
