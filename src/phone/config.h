/* phone/config.h - a device's configuration document (/<device>.cnf.xml) as the phone uses it: which
 * nodes with which ports, how to prove who it is, its lines and timers. Pure; the document comes from
 * outside and is bounded. */
#ifndef PHONE_CONFIG_H
#define PHONE_CONFIG_H
#include "base/arena.h"
#include "base/cur.h"

enum { PHONE_NODE_MAX = 3, PHONE_LINE_MAX = 16, PHONE_CONFIG_MAX = 512 * 1024 };

enum phone_security { PHONE_NON_SECURE = 1, PHONE_AUTHENTICATED = 2, PHONE_ENCRYPTED = 3 };
enum phone_transport { PHONE_UDP = 2, PHONE_TLS = 3, PHONE_TCP = 4 };

struct phone_node {
    struct str name; /* host name or address of the node: its certificate must carry it */
    uint16_t sip_port, secure_port, oauth_port, mra_oauth_port;
    struct str edge; /* from outside: the outer edge to dial in its place, which must carry that
                        name; "" the node itself */
    uint16_t edge_port;
};

struct phone_config_line {
    struct str number, display_name, contact; /* contact: user part of the Contact; never empty */
    unsigned button;
};

/* All slices lie in the arena. */
struct phone_config {
    struct phone_node nodes[PHONE_NODE_MAX]; /* by priority */
    size_t node_count;                       /* at least 1 */
    struct phone_config_line lines[PHONE_LINE_MAX];
    size_t line_count; /* at least 1 */
    bool is_oauth;
    enum phone_security security;
    enum phone_transport transport;                                /* of a non-secure line */
    uint32_t register_s, register_delta_s, keepalive_s, monitor_s; /* 3600, 5, 120, 120 */
    struct str user, version_stamp;                                /* may be empty */
};

/* RC_MALFORMED: no XML; RC_INVALID: XML, but no usable configuration (*why, a constant phrase: "it
 * has no line"); RC_UNSUPPORTED: a DOCTYPE; RC_TOO_BIG, RC_NOMEM. *why is written on every failure. */
MUST_CHECK enum rc phone_config_parse(struct str doc, struct arena *a, struct phone_config *out,
                                      const char **why);

/* Where the phone dials for a node, and whose name the certificate there must carry. */
struct str phone_config_dial(const struct phone_config *c, size_t node);
/* The phone is outside: it reaches the first node by outer edges, in their order, instead of all nodes
 * directly. edges: "host" or "host:port" (5061), at most PHONE_NODE_MAX, borrowed for the life of c.
 * RC_INVALID: one cannot be read, or the lines have no OAuth. */
MUST_CHECK enum rc phone_config_go_outside(struct phone_config *c, const char *const *edges,
                                           size_t count);

/* How the phone goes to a node: sipOAuthMode and deviceSecurityMode decide. */
struct phone_route {
    enum phone_transport transport;
    uint16_t port;
    bool needs_token, needs_cert;
};
struct phone_route phone_config_route(const struct phone_config *c, size_t node);

#endif
