/* siptx/via.c - the top Via of a received request and where answers go. What the Via says of the
 * transport is not believed: the flow knows. */
#include "siptx/stack_int.h"

/* True when the sent-by host is the very address the request came from. */
static bool names_peer(const struct sip_via *via, const struct net_addr *peer)
{
    uint8_t ip[16];
    size_t n = sip_host_address(&via->host, ip);
    if (n != (peer->family == NET_V4 ? 4u : 16u)) return false;
    return memcmp(ip, peer->ip, n) == 0;
}

struct sip_via_fix siptx_via_fix(const struct sip_via *via, const struct siptx_flow *f,
                                 char text[NET_ADDR_TEXT_MAX])
{
    struct sip_via_fix fix = {0};
    if (via->has_rport) fix.rport = f->peer.port;
    if (!via->has_rport && names_peer(via, &f->peer) && via->received.n == 0) return fix;
    struct buf b;
    buf_init_fixed(&b, text, NET_ADDR_TEXT_MAX);
    net_addr_print_ip(&b, &f->peer);
    if (buf_rc(&b) == RC_OK) fix.received = buf_str(&b);
    return fix;
}

struct net_addr siptx_via_answer_to(const struct sip_via *via, const struct siptx_flow *f)
{
    struct net_addr to = f->peer;
    if (via->has_rport) return to;
    to.port = via->port != 0 ? via->port
                             : (f->transport == SIPTX_TLS ? sip_transport_port(SIP_TRANSPORT_TLS)
                                                          : sip_transport_port(SIP_TRANSPORT_UDP));
    return to;
}
