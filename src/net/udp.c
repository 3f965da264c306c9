/* net/udp.c - a group of UDP sockets, one for each loop. */
#include "net/udp.h"
#include "net/loop_int.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS_MAX = 64, BATCH = 8, ROUNDS_A_TURN = 8, CONTROL_BYTES = 64 };

struct net_udp_port {
    struct net_addr addr;
    pthread_mutex_t lock;
    unsigned count, joined;
    int fds[SOCKETS_MAX];
};

/* One batch of datagrams; the pages of slots that stay empty are never touched. */
struct batch {
    struct mmsghdr messages[BATCH];
    struct iovec slots[BATCH];
    struct sockaddr_storage peers[BATCH];
    alignas(struct cmsghdr) char control[BATCH][CONTROL_BYTES];
    uint8_t data[BATCH][NET_UDP_MAX];
};

struct net_udp {
    struct net_loop *loop;
    struct event event;
    int fd;
    struct net_addr addr;
    net_udp_fn *fn;
    void *ctx;
    bool left;
    struct net_deferred deferred;
    struct batch *batch;
};

static enum rc rc_of_errno(int error)
{
    switch (error) {
    case EADDRINUSE: return RC_EXISTS;
    case EACCES: return RC_DENIED;
    case EADDRNOTAVAIL: return RC_NOT_FOUND;
    case EMFILE:
    case ENFILE: return RC_BUSY;
    case ENOMEM:
    case ENOBUFS: return RC_NOMEM;
    default: return RC_IO;
    }
}

/* On a wildcard port each datagram tells which of our addresses it was sent to. */
static bool set_options(int fd, enum net_family family, bool shared)
{
    int on = 1;
    if (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) return false;
    if (family == NET_V4) return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0;
    return setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0 &&
           setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == 0;
}

static enum rc open_one(struct net_addr *addr, bool shared, int *out)
{
    struct sockaddr_storage sa;
    socklen_t n = (socklen_t)net_addr_to_sockaddr(addr, &sa);
    int family = addr->family == NET_V4 ? AF_INET : AF_INET6;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return rc_of_errno(errno);
    if (!set_options(fd, addr->family, shared) || bind(fd, (struct sockaddr *)&sa, n) != 0 ||
        getsockname(fd, (struct sockaddr *)&sa, &n) != 0) {
        enum rc rc = rc_of_errno(errno);
        close(fd);
        return rc;
    }
    *addr = net_addr_from_sockaddr((struct sockaddr *)&sa);
    *out = fd;
    return RC_OK;
}

/* A bind without SO_REUSEPORT succeeds only when nobody at all has the port; it also chooses one
 * when none is given. */
static enum rc probe(struct net_addr *addr)
{
    int fd;
    enum rc rc = open_one(addr, false, &fd);
    if (rc == RC_OK) close(fd);
    return rc;
}

enum rc net_udp_open(const struct net_addr *addr, unsigned count, struct net_udp_port **out,
                     struct net_holder *holder)
{
    if (holder) *holder = (struct net_holder){0};
    if (addr->family == NET_NONE || count == 0 || count > SOCKETS_MAX) return RC_INVALID;
    struct net_udp_port *port = calloc(1, sizeof *port);
    if (!port) return RC_NOMEM;
    pthread_mutex_init(&port->lock, NULL);
    port->addr = *addr;
    enum rc rc = probe(&port->addr);
    while (rc == RC_OK && port->count < count) {
        rc = open_one(&port->addr, true, &port->fds[port->count]);
        if (rc == RC_OK) port->count++;
    }
    if (rc == RC_OK) {
        *out = port;
        return RC_OK;
    }
    if (rc == RC_EXISTS && holder) (void)net_holder_find(addr, true, holder);
    net_udp_close(port);
    return rc;
}

struct net_addr net_udp_addr(const struct net_udp_port *port)
{
    return port->addr;
}

enum rc net_udp_source(const struct net_addr *to, struct net_addr *out)
{
    struct sockaddr_storage sa;
    socklen_t n = (socklen_t)net_addr_to_sockaddr(to, &sa);
    int fd = socket(to->family == NET_V4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return rc_of_errno(errno);
    bool known = connect(fd, (struct sockaddr *)&sa, n) == 0;
    n = sizeof sa;
    known = known && getsockname(fd, (struct sockaddr *)&sa, &n) == 0;
    close(fd);
    if (!known) return RC_IO;
    *out = net_addr_from_sockaddr((struct sockaddr *)&sa);
    out->port = 0;
    return RC_OK;
}

struct net_udp_port *net_udp_close(struct net_udp_port *port)
{
    if (!port) return NULL;
    while (port->joined < port->count)
        close(port->fds[port->joined++]);
    pthread_mutex_destroy(&port->lock);
    free(port);
    return NULL;
}

/* ---- receiving ---- */

static struct net_addr local_of(const struct net_udp *udp, struct msghdr *header)
{
    struct net_addr to = udp->addr;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memcpy(to.ip, &info.ipi_addr, 4);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memcpy(to.ip, &info.ipi6_addr, 16);
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) to.scope_id = info.ipi6_ifindex;
        }
    }
    return to;
}

static void prepare(struct batch *b)
{
    for (size_t i = 0; i < BATCH; i++) {
        b->slots[i] = (struct iovec){b->data[i], sizeof b->data[i]};
        b->messages[i].msg_hdr = (struct msghdr){
            .msg_name = &b->peers[i],
            .msg_namelen = sizeof b->peers[i],
            .msg_iov = &b->slots[i],
            .msg_iovlen = 1,
            .msg_control = b->control[i],
            .msg_controllen = CONTROL_BYTES,
        };
    }
}

static void show(struct net_udp *udp, struct mmsghdr *message, const uint8_t *data)
{
    if (message->msg_hdr.msg_flags & MSG_TRUNC) return; /* no datagram is longer than a slot */
    struct net_datagram datagram = {
        .from = net_addr_from_sockaddr(message->msg_hdr.msg_name),
        .to = local_of(udp, &message->msg_hdr),
        .data = bytes_of(data, message->msg_len),
    };
    udp->fn(udp->ctx, &datagram);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    (void)what;
    struct net_udp *udp = ctx;
    struct batch *b = udp->batch;
    for (int round = 0; round < ROUNDS_A_TURN; round++) {
        prepare(b);
        int count = recvmmsg(fd, b->messages, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < count && !udp->left; i++)
            show(udp, &b->messages[i], b->data[i]);
        if (count < BATCH || udp->left) return;
    }
}

static void udp_free(void *ctx)
{
    struct net_udp *udp = ctx;
    free(udp->batch);
    free(udp);
}

/* The next socket of the group, or -1. */
static int take_socket(struct net_udp_port *port)
{
    pthread_mutex_lock(&port->lock);
    int fd = port->joined < port->count ? port->fds[port->joined++] : -1;
    pthread_mutex_unlock(&port->lock);
    return fd;
}

enum rc net_udp_join(struct net_udp_port *port, struct net_loop *loop, net_udp_fn *fn, void *ctx,
                     struct net_udp **out)
{
    struct net_udp *udp = calloc(1, sizeof *udp);
    struct batch *batch = malloc(sizeof *batch);
    if (!udp || !batch) {
        free(udp);
        free(batch);
        return RC_NOMEM;
    }
    *udp = (struct net_udp){.loop = loop, .addr = port->addr, .fn = fn, .ctx = ctx, .batch = batch};
    udp->fd = take_socket(port);
    enum rc rc = udp->fd < 0 ? RC_BUSY : RC_OK;
    if (rc == RC_OK && (event_assign(&udp->event, loop->base, udp->fd, EV_READ | EV_PERSIST,
                                     on_readable, udp) != 0 ||
                        event_add(&udp->event, NULL) != 0)) {
        close(udp->fd);
        rc = RC_NOMEM;
    }
    if (rc != RC_OK)
        udp_free(udp);
    else
        *out = udp;
    return rc;
}

struct net_udp *net_udp_leave(struct net_udp *udp)
{
    if (!udp || udp->left) return NULL;
    udp->left = true;
    event_del(&udp->event);
    close(udp->fd);
    net_loop_defer(udp->loop, &udp->deferred, udp_free, udp);
    return NULL;
}

/* ---- sending ---- */

static void put_control(struct msghdr *header, int level, int type, const void *info, size_t n)
{
    header->msg_controllen = CMSG_SPACE(n);
    struct cmsghdr *c = CMSG_FIRSTHDR(header);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(n);
    memcpy(CMSG_DATA(c), info, n);
}

static void put_source(struct msghdr *header, const struct net_addr *from)
{
    if (from->family == NET_V4) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, from->ip, 4);
        put_control(header, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    } else {
        struct in6_pktinfo info = {.ipi6_ifindex = from->scope_id};
        memcpy(&info.ipi6_addr, from->ip, 16);
        put_control(header, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
}

enum rc net_udp_send(struct net_udp *udp, const struct net_addr *to, const struct net_addr *from,
                     struct bytes data)
{
    alignas(struct cmsghdr) char control[CONTROL_BYTES] = {0};
    struct sockaddr_storage sa;
    if (to->family != udp->addr.family || udp->left) return RC_IO;
    struct iovec slice = {(void *)(uintptr_t)data.p, data.n};
    struct msghdr header = {
        .msg_name = &sa,
        .msg_namelen = (socklen_t)net_addr_to_sockaddr(to, &sa),
        .msg_iov = &slice,
        .msg_iovlen = 1,
    };
    if (from && from->family == to->family) {
        header.msg_control = control;
        put_source(&header, from);
    }
    ssize_t sent;
    do
        sent = sendmsg(udp->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0) return RC_OK;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) return RC_BUSY;
    return errno == EMSGSIZE ? RC_TOO_BIG : RC_IO;
}
