/* admin/ports.h - which sockets of this machine are open, and whose: what "show open ports" prints.
 * Reads /proc, of which a plain user sees the sockets of all but the programs of his own only. */
#ifndef ADMIN_PORTS_H
#define ADMIN_PORTS_H
#include "base/arena.h"
#include "base/buf.h"
#include "net/addr.h"

enum { PORTS_MAX = 65536 /* sockets looked at */ };

struct port_socket {
    struct net_addr local, peer;
    bool udp;
    unsigned state; /* as the kernel numbers them: 1 ESTABLISHED, 10 LISTEN */
    unsigned uid;
    uint64_t inode;
};
struct port_sockets {
    struct port_socket *rows;
    size_t count, cap;
};

/* Adds the sockets of one of /proc/net/tcp, tcp6, udp, udp6. Lines that make no sense are passed
 * over. RC_NOMEM, RC_TOO_BIG. */
MUST_CHECK enum rc ports_parse(struct str text, bool v6, bool udp, struct arena *a,
                               struct port_sockets *out);

struct port_owner {
    struct str command, user;
    int pid; /* 0: not visible */
    int fd;
};
/* One line: COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME. */
void ports_print_line(struct buf *out, const struct port_socket *s, const struct port_owner *owner);

/* Every line of this machine, by port. RC_NOMEM, RC_IO. */
MUST_CHECK enum rc ports_list(struct arena *a, struct str **lines, size_t *count);

#endif
