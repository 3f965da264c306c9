/* net/udp.h - a UDP port served by several loops.
 * The port is a group of sockets (SO_REUSEPORT), one for each loop: the system keeps a peer with
 * the socket it first met, so a retransmission reaches the worker that knows it. A datagram is
 * shown in a buffer lent by the loop. */
#ifndef NET_UDP_H
#define NET_UDP_H
#include "net/addr.h"
#include "net/listener.h"
#include "net/loop.h"

struct net_udp;      /* one loop's socket */
struct net_udp_port; /* the group */

enum { NET_UDP_MAX = 65535 }; /* bytes of a datagram */

struct net_datagram {
    struct net_addr from;
    struct net_addr to; /* the local address it was sent to, also on a wildcard port */
    struct bytes data;  /* gone after return */
};
typedef void net_udp_fn(void *ctx, const struct net_datagram *datagram);

/* Binds count sockets (1..64) to addr after making sure that nobody else has it. Port 0: the system
 * chooses. Failures as net_listener_open. */
MUST_CHECK enum rc net_udp_open(const struct net_addr *addr, unsigned count,
                                struct net_udp_port **out, struct net_holder *holder);
struct net_addr net_udp_addr(const struct net_udp_port *port);
/* The address of ours the system would send from towards to; its port is 0. Sends nothing. RC_IO: it
 * knows no way there. */
MUST_CHECK enum rc net_udp_source(const struct net_addr *to, struct net_addr *out);
/* From loop's own thread: the next socket of the group is this loop's. RC_BUSY: all are taken;
 * RC_NOMEM, RC_IO. */
MUST_CHECK enum rc net_udp_join(struct net_udp_port *port, struct net_loop *loop, net_udp_fn *fn,
                                void *ctx, struct net_udp **out);
/* From the thread of udp's loop. from: the local address to send from (NULL or NET_NONE: the
 * system chooses). RC_BUSY: the socket's buffer is full, the datagram is dropped as the network
 * might have; RC_TOO_BIG; RC_IO. */
MUST_CHECK enum rc net_udp_send(struct net_udp *udp, const struct net_addr *to,
                                const struct net_addr *from, struct bytes data);
/* From the loop's thread; may be called inside fn. Returns NULL. */
struct net_udp *net_udp_leave(struct net_udp *udp);
/* Closes the sockets nobody joined and forgets the group; each joined socket closes as it leaves.
 * From any thread. Returns NULL. */
struct net_udp_port *net_udp_close(struct net_udp_port *port);

#endif
