/* media/latch.c - where the peer is (symmetric RTP). */
#include "media/latch.h"

void media_latch_announce(struct media_latch *latch, const struct net_addr *addr)
{
    if (net_addr_eq(&latch->announced, addr)) return;
    *latch = (struct media_latch){.announced = *addr, .current = *addr};
}

bool media_latch_packet(struct media_latch *latch, const struct net_addr *from, bool authentic)
{
    bool known = latch->fixed && net_addr_eq(&latch->current, from);
    if (known) return true;
    if (latch->fixed && !authentic && !net_addr_eq(&latch->announced, from)) return false;
    latch->current = *from;
    latch->fixed = true;
    return true;
}
