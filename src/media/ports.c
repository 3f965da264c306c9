/* media/ports.c - a pair of UDP ports for one call. */
#include "media/ports.h"

static enum rc open_socket(struct net_loop *loop, const struct net_addr *local, uint16_t port,
                           net_udp_fn *fn, void *ctx, struct net_udp_port **out_port,
                           struct net_udp **out)
{
    struct net_addr addr = *local;
    addr.port = port;
    enum rc rc = net_udp_open(&addr, 1, out_port, NULL);
    return rc == RC_OK ? net_udp_join(*out_port, loop, fn, ctx, out) : rc;
}

enum rc media_ports_open(struct net_loop *loop, const struct net_addr *local, uint16_t port_min,
                         uint16_t port_max, const struct random_source *random, net_udp_fn *on_rtp,
                         net_udp_fn *on_rtcp, void *ctx, struct media_ports *out)
{
    unsigned first = (port_min + 1u) & ~1u; /* even */
    if (port_min == 0 || first + 1 > port_max) return RC_INVALID;
    unsigned pairs = (port_max - first + 1) / 2;
    unsigned start = (unsigned)random_below(random, pairs);
    for (unsigned i = 0; i < pairs; i++) {
        struct media_ports p = {0};
        uint16_t port = (uint16_t)(first + 2 * ((start + i) % pairs));
        enum rc rc = open_socket(loop, local, port, on_rtp, ctx, &p.rtp, &p.rtp_socket);
        if (rc == RC_OK)
            rc = open_socket(loop, local, (uint16_t)(port + 1), on_rtcp, ctx, &p.rtcp,
                             &p.rtcp_socket);
        if (rc == RC_OK) {
            p.addr = net_udp_addr(p.rtp);
            *out = p;
            return RC_OK;
        }
        media_ports_close(&p);
        if (rc != RC_EXISTS && rc != RC_DENIED) return rc;
    }
    return RC_BUSY;
}

void media_ports_close(struct media_ports *p)
{
    net_udp_leave(p->rtp_socket);
    net_udp_leave(p->rtcp_socket);
    net_udp_close(p->rtp);
    net_udp_close(p->rtcp);
    *p = (struct media_ports){0};
}
