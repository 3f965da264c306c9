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
    struct str name; /* host name or address to dial; the certificate must carry it */
    uint16_t sip_port, secure_port, oauth_port, mra_oauth_port;
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

/* How the phone goes to a node: sipOAuthMode and deviceSecurityMode decide. */
struct phone_route {
    enum phone_transport transport;
    uint16_t port;
    bool needs_token, needs_cert;
};
struct phone_route phone_config_route(const struct phone_config *c, size_t node);

#endif
