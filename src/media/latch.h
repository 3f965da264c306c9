/* media/latch.h - where the peer is (symmetric RTP). We send to the address the peer announced until a
 * packet shows where it really is. A plain stream is believed once: its first source takes the place,
 * the announced address may always take it back, no stranger ever does. Under SRTP any authentic, fresh
 * packet moves it. A new announcement (SDP) begins anew. Pure state. */
#ifndef MEDIA_LATCH_H
#define MEDIA_LATCH_H
#include "net/addr.h"

struct media_latch {
    struct net_addr announced; /* NET_NONE: the peer takes nothing */
    struct net_addr current;   /* where to send */
    bool fixed;                /* current was seen, not only announced */
};

/* The same address again changes nothing. */
void media_latch_announce(struct media_latch *latch, const struct net_addr *addr);
/* A packet came from `from`; authentic: it was proven by a key. True: take it. */
bool media_latch_packet(struct media_latch *latch, const struct net_addr *from, bool authentic);

#endif
