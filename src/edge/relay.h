/* edge/relay.h - the media of phones outside, through both edges. Each edge opens a pair of UDP ports
 * towards its party for every stream; between the edges all packets go over one port of the outer edge,
 * which the inner one sends to first, so that a firewall between needs no rule inwards. Packets are
 * never opened or changed: keys stay with the phones.
 *
 *   phone <--> ports of the outer edge <== call, stream | packet ==> ports of the inner edge <--> inside
 *
 * A packet from a party counts when it comes from the IP address its signalling has (outer edge) or names
 * (inner edge); its port is learnt from the packet, as behind a NAT. A packet between the edges counts when
 * it names a call by its secret number (told over the SIP link) and comes from the other edge's address.
 * All of it on the thread of the loop but the counters. */
#ifndef EDGE_RELAY_H
#define EDGE_RELAY_H
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "edge/mediasdp.h"
#include "net/loop.h"
#include <stdatomic.h>

struct edge_relay;

enum {
    EDGE_RELAY_CALLS_MAX = 8192,
    EDGE_RELAY_CALLS_OF_ONE = 8, /* of one owner */
    EDGE_RELAY_PACKET_MAX = 2048,
    EDGE_RELAY_ENDED_MS = 5000, /* a call that has ended may still be heard for so long */
};

struct edge_relay_config {
    struct net_loop *loop;
    struct random_source random;
    const struct log *log;
    bool is_inner;
};
/* RC_NOMEM. Relays nothing before edge_relay_set. */
MUST_CHECK enum rc edge_relay_new(const struct edge_relay_config *config, struct edge_relay **out);
/* On the loop's thread, or when it has ended. NULL. */
struct edge_relay *edge_relay_free(struct edge_relay *r);

/* Ports for parties, and how long a call may be without packets. Calls that are there keep theirs. */
void edge_relay_set(struct edge_relay *r, uint16_t first, uint16_t last, uint32_t idle_s);
/* Outer: the addresses inner edges send to; those before are let go, with the calls on them. The first
 * failure of net_udp_open. */
MUST_CHECK enum rc edge_relay_listen(struct edge_relay *r, const struct net_addr *addrs,
                                     size_t count);

/* The key of a phone's call at an outer edge. */
uint64_t edge_relay_key(const struct edge_relay *r, uint64_t flow, struct str call_id);

/* One call and the two ways it has here. */
struct edge_relay_call {
    uint64_t owner;        /* outer: the phone's connection, which has a few at once; 0: nobody's */
    uint64_t key;          /* inner: also its number on the media link */
    struct net_addr local; /* our own address towards the party; its port counts for nothing */
    struct net_addr shown; /* what the party is told in its place; NET_NONE: local */
    struct net_addr party; /* outer: the phone's address; inner: NET_NONE, its descriptions say */
    struct net_addr other; /* the other edge: inner: where it takes media; outer: its address */
};
/* A description on its way from the party to the other edge, or to the party; *body lies in the arena
 * then. 0, or a status: 503 no ports, or too many calls of its owner (counted), 488 it cannot be read. */
unsigned edge_relay_from_party(struct edge_relay *r, const struct edge_relay_call *call,
                               struct arena *arena, struct str *body);
unsigned edge_relay_to_party(struct edge_relay *r, const struct edge_relay_call *call,
                             struct arena *arena, struct str *body);
/* Its INVITE has been answered for good, or its BYE has been seen (status 0). */
void edge_relay_answered(struct edge_relay *r, uint64_t key, unsigned status);

struct edge_relay_counters {
    _Atomic uint64_t calls;                   /* now */
    _Atomic uint64_t packets_out, packets_in; /* to the other edge, to parties */
    _Atomic uint64_t strangers; /* packets from where none is expected, or of no call */
    _Atomic uint64_t early;     /* nowhere to send to yet, or the system's buffer is full */
    _Atomic uint64_t moved;     /* a party's port became another one */
    _Atomic uint64_t exhausted; /* descriptions refused for want of ports */
    _Atomic uint64_t idle;      /* calls given up for silence */
};
const struct edge_relay_counters *edge_relay_counters(const struct edge_relay *r);

#endif
