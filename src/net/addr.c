/* net/addr.c - addresses by value. */
#include "net/addr.h"
#include "base/cur.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>

static struct net_addr from_in6(const struct in6_addr *ip, uint16_t port, uint32_t scope_id)
{
    struct net_addr addr = {.family = NET_V6, .port = port, .scope_id = scope_id};
    if (IN6_IS_ADDR_V4MAPPED(ip)) {
        addr = (struct net_addr){.family = NET_V4, .port = port};
        memcpy(addr.ip, ip->s6_addr + 12, 4);
    } else {
        memcpy(addr.ip, ip, 16);
    }
    return addr;
}

/* "fe80::1%eth0" or "%2": the interface a link-local address belongs to. */
static enum rc parse_scope(struct str scope, uint32_t *out)
{
    char name[IF_NAMESIZE];
    uint64_t number;
    if (str_to_u64(scope, UINT32_MAX, &number) == RC_OK) {
        *out = (uint32_t)number;
        return number > 0 ? RC_OK : RC_MALFORMED;
    }
    if (scope.n == 0 || str_to_cstr(scope, name, sizeof name) != RC_OK) return RC_MALFORMED;
    *out = if_nametoindex(name);
    return *out > 0 ? RC_OK : RC_MALFORMED;
}

static enum rc parse_v6(struct str text, uint16_t port, struct net_addr *out)
{
    char ip_text[INET6_ADDRSTRLEN];
    struct in6_addr ip;
    uint32_t scope_id = 0;
    struct str scope = text, ip_part;
    if (!str_split(&scope, '%', &ip_part)) return RC_MALFORMED;
    if (scope.p && parse_scope(scope, &scope_id) != RC_OK) return RC_MALFORMED;
    if (str_to_cstr(ip_part, ip_text, sizeof ip_text) != RC_OK) return RC_MALFORMED;
    if (inet_pton(AF_INET6, ip_text, &ip) != 1) return RC_MALFORMED;
    *out = from_in6(&ip, port, scope_id);
    return RC_OK;
}

static enum rc parse_v4(struct str text, uint16_t port, struct net_addr *out)
{
    char ip_text[INET_ADDRSTRLEN];
    struct net_addr addr = {.family = NET_V4, .port = port};
    if (str_to_cstr(text, ip_text, sizeof ip_text) != RC_OK) return RC_MALFORMED;
    if (inet_pton(AF_INET, ip_text, addr.ip) != 1) return RC_MALFORMED;
    *out = addr;
    return RC_OK;
}

enum rc net_addr_parse_ip(struct str text, uint16_t port, struct net_addr *out)
{
    if (text.n >= 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
        return parse_v6(str_sub(text, 1, text.n - 1), port, out);
    return str_find_char(text, ':') == STR_NPOS ? parse_v4(text, port, out)
                                                : parse_v6(text, port, out);
}

enum rc net_addr_parse(struct str text, struct net_addr *out)
{
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    if (colon == 0) return RC_MALFORMED;
    struct str ip = str_sub(text, 0, colon - 1), port_text = str_sub(text, colon, text.n);
    if (str_find_char(ip, ':') != STR_NPOS && ip.p[0] != '[') return RC_MALFORMED;
    uint64_t port;
    struct net_addr addr;
    enum rc rc = net_addr_parse_ip(ip, 0, &addr);
    if (rc != RC_OK) return rc;
    rc = str_to_u64(port_text, UINT16_MAX, &port);
    if (rc != RC_OK) return rc == RC_TOO_BIG ? RC_INVALID : rc;
    addr.port = (uint16_t)port;
    *out = addr;
    return RC_OK;
}

static void print_v4(struct buf *out, const uint8_t *ip)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0) buf_put_char(out, '.');
        buf_put_u64(out, ip[i]);
    }
}

void net_addr_print_ip(struct buf *out, const struct net_addr *addr)
{
    char text[INET6_ADDRSTRLEN];
    if (addr->family == NET_NONE) {
        buf_put_char(out, '-');
        return;
    }
    if (addr->family == NET_V4) {
        print_v4(out, addr->ip);
    } else {
        inet_ntop(AF_INET6, addr->ip, text, sizeof text);
        buf_put_str(out, str_from(text));
    }
    if (addr->scope_id == 0) return;
    buf_put_char(out, '%');
    buf_put_u64(out, addr->scope_id);
}

void net_addr_print(struct buf *out, const struct net_addr *addr)
{
    if (addr->family == NET_V6) buf_put_char(out, '[');
    net_addr_print_ip(out, addr);
    if (addr->family == NET_V6) buf_put_char(out, ']');
    if (addr->family == NET_NONE) return;
    buf_put_char(out, ':');
    buf_put_u64(out, addr->port);
}

struct str net_addr_text(const struct net_addr *addr, char text[NET_ADDR_TEXT_MAX])
{
    struct buf out;
    buf_init_fixed(&out, text, NET_ADDR_TEXT_MAX - 1);
    net_addr_print(&out, addr);
    text[out.n] = '\0';
    return buf_str(&out);
}

bool net_addr_ip_eq(const struct net_addr *a, const struct net_addr *b)
{
    return a->family == b->family && a->scope_id == b->scope_id &&
           memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool net_addr_eq(const struct net_addr *a, const struct net_addr *b)
{
    return a->port == b->port && net_addr_ip_eq(a, b);
}

bool net_addr_is_any(const struct net_addr *addr)
{
    static const uint8_t zero[16];
    return addr->family != NET_NONE && memcmp(addr->ip, zero, sizeof zero) == 0;
}

bool net_addr_is_loopback(const struct net_addr *addr)
{
    static const uint8_t v6[16] = {[15] = 1};
    return addr->family == NET_V4 ? addr->ip[0] == 127
                                  : addr->family == NET_V6 && memcmp(addr->ip, v6, 16) == 0;
}

uint64_t net_addr_source(const struct net_addr *addr, bool *v6)
{
    uint64_t key = 0;
    *v6 = addr->family == NET_V6;
    memcpy(&key, addr->ip, *v6 ? 8 : 4);
    return key;
}

size_t net_addr_to_sockaddr(const struct net_addr *addr, struct sockaddr_storage *out)
{
    *out = (struct sockaddr_storage){0};
    if (addr->family == NET_V4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)out;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(addr->port);
        memcpy(&v4->sin_addr, addr->ip, 4);
        return sizeof *v4;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    v6->sin6_family = addr->family == NET_V6 ? AF_INET6 : AF_UNSPEC;
    v6->sin6_port = htons(addr->port);
    v6->sin6_scope_id = addr->scope_id;
    memcpy(&v6->sin6_addr, addr->ip, 16);
    return sizeof *v6;
}

struct net_addr net_addr_from_sockaddr(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, sa, sizeof v4);
        struct net_addr addr = {.family = NET_V4, .port = ntohs(v4.sin_port)};
        memcpy(addr.ip, &v4.sin_addr, 4);
        return addr;
    }
    if (sa->sa_family != AF_INET6) return (struct net_addr){0};
    struct sockaddr_in6 v6;
    memcpy(&v6, sa, sizeof v6);
    return from_in6(&v6.sin6_addr, ntohs(v6.sin6_port), v6.sin6_scope_id);
}
