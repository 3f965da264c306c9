/* net/addr.h - an IPv4 or IPv6 address with a port, by value. An IPv4-mapped IPv6 address is always
 * kept as the IPv4 one it means, so that comparing is comparing. */
#ifndef NET_ADDR_H
#define NET_ADDR_H
#include "base/buf.h"
#include "base/str.h"

struct sockaddr;
struct sockaddr_storage;

enum net_family { NET_NONE, NET_V4, NET_V6 };

struct net_addr {
    enum net_family family; /* NET_NONE: no address (zeroed memory) */
    uint16_t port;          /* host order */
    uint8_t ip[16];         /* network order; the first 4 bytes for NET_V4, the rest zero */
    uint32_t scope_id;      /* IPv6 link-local interface, else 0 */
};

enum { NET_ADDR_TEXT_MAX = 72 }; /* bytes of the longest printed form with its NUL */

/* "192.0.2.1:5060", "[2001:db8::1]:5060"; the port is required. RC_MALFORMED, RC_INVALID (port). */
MUST_CHECK enum rc net_addr_parse(struct str text, struct net_addr *out);
/* An address without a port: "192.0.2.1", "2001:db8::1", "[2001:db8::1]". RC_MALFORMED. */
MUST_CHECK enum rc net_addr_parse_ip(struct str text, uint16_t port, struct net_addr *out);
/* As net_addr_parse reads it; "-" for NET_NONE. RFC 5952 for IPv6. */
void net_addr_print(struct buf *out, const struct net_addr *addr);
/* Without port and brackets. */
void net_addr_print_ip(struct buf *out, const struct net_addr *addr);
/* net_addr_print into text (NUL-terminated); returns a slice of it. */
struct str net_addr_text(const struct net_addr *addr, char text[NET_ADDR_TEXT_MAX]);

bool net_addr_eq(const struct net_addr *a, const struct net_addr *b);
bool net_addr_ip_eq(const struct net_addr *a, const struct net_addr *b); /* the ports may differ */
bool net_addr_is_any(const struct net_addr *addr);                       /* 0.0.0.0 or :: */
bool net_addr_is_loopback(const struct net_addr *addr);

/* What limits count a source by: an IPv4 address, or an IPv6 /64. Equal sources, equal keys. */
uint64_t net_addr_source(const struct net_addr *addr, bool *v6);

/* To and from the system's form; the length is what bind() wants. */
size_t net_addr_to_sockaddr(const struct net_addr *addr, struct sockaddr_storage *out);
/* NET_NONE for other families. */
struct net_addr net_addr_from_sockaddr(const struct sockaddr *sa);

static inline struct net_addr net_addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
    return (struct net_addr){.family = NET_V4, .port = port, .ip = {a, b, c, d}};
}

#endif
