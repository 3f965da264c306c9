/* What should be open: the ports of the node's row, on each of its addresses, as the mode says. */
#include "app/listeners_int.h"

#include "directory/directory.h"

#include <stdlib.h>

const struct door_def door_defs[DOOR_COUNT] = {
#define PORT(f) offsetof(struct store_ports, f)
    [DOOR_SIP_UDP] = {"SIP", "UDP", CALL_LINE, -1, false, false, PORT(sip), "sip-port"},
    [DOOR_SIP_TCP] = {"SIP", "TCP", CALL_LINE, -1, false, false, PORT(sip), "sip-port"},
    [DOOR_SIPS] = {"SIP secure", "TLS", CALL_SECURE, APP_TLS_SECURE, false, false, PORT(sips),
                   "sip-secure-port"},
    [DOOR_OAUTH] = {"SIP OAuth", "TLS", CALL_OAUTH, APP_TLS_TOMCAT, false, true, PORT(oauth),
                    "sip-oauth-port"},
    [DOOR_MRA] = {"SIP OAuth MRA", "TLS", CALL_MRA, APP_TLS_MRA, false, true, PORT(mra),
                  "sip-mra-oauth-port"},
    [DOOR_CONFIG_HTTP] = {"device configuration", "HTTP", CALL_LINE, -1, true, false,
                          PORT(config_http), "config-http-port"},
    [DOOR_CONFIG_HTTPS] = {"device configuration", "HTTPS", CALL_LINE, APP_TLS_TOMCAT, true, false,
                           PORT(config_https), "config-https-port"},
    [DOOR_HTTPS] = {"HTTPS", "HTTPS", CALL_LINE, APP_TLS_TOMCAT, true, false, PORT(https),
                    "https-port"},
#undef PORT
    [DOOR_EDGE_SIP] = {"SIP from outside", "TLS", APP_EDGE_PHONES, APP_TLS_TOMCAT, false, false,
                       STORE_P_EDGE_SIP_PORT, "EdgeSIPPort"},
    [DOOR_EDGE_LINK] = {"SIP traversal", "TLS", APP_EDGE_LINKS, APP_TLS_LINK, false, false,
                        STORE_P_EDGE_LINK_PORT, "EdgeTraversalPort"},
    [DOOR_EDGE_HTTPS] = {"HTTPS from outside", "HTTPS", 0, APP_TLS_TOMCAT, true, false,
                         STORE_P_EDGE_HTTPS_PORT, "EdgeHTTPSPort"},
    [DOOR_EDGE_TUNNEL] = {"tunnel", "HTTPS", 0, APP_TLS_LINK, true, false, STORE_P_EDGE_TUNNEL_PORT,
                          "EdgeTunnelPort"},
};

size_t app_listener_addresses(struct str addresses, struct net_addr *out)
{
    size_t n = 0;
    struct str rest = addresses, part;
    while (str_split(&rest, ' ', &part))
        if (part.n > 0 && n < APP_LISTENER_ADDRESSES_MAX &&
            net_addr_parse_ip(part, 0, &out[n]) == RC_OK)
            n++;
    if (n > 0 || str_trim(addresses).n > 0) return n;
    out[0] = (struct net_addr){.family = NET_V4};
    out[1] = (struct net_addr){.family = NET_V6};
    return 2;
}

/* An outer edge: its ports for inner edges open when it is paired. */
static size_t edge_doors_wanted(struct app_listeners *l, struct door *out)
{
    const struct app_listeners_config *c = &l->config;
    struct net_addr addrs[APP_LISTENER_ADDRESSES_MAX];
    size_t n = 0, addr_count = app_listener_addresses(c->addresses, addrs);
    if (l->is_stopped || directory_param_number(c->directory, STORE_P_EDGE_MODE) == 0) return 0;
    for (int kind = DOOR_EDGE_SIP; kind < DOOR_COUNT; kind++) {
        if (door_defs[kind].tls == APP_TLS_LINK && !l->tls[APP_TLS_LINK]) continue;
        int64_t port = directory_param_number(c->directory,
                                              (enum store_param_id)door_defs[kind].port);
        for (size_t i = 0; i < addr_count && n < DOORS_MAX; i++) {
            out[n] = (struct door){.kind = (enum door_kind)kind, .addr = addrs[i]};
            out[n++].addr.port = (uint16_t)port;
        }
    }
    return n;
}

size_t doors_wanted(struct app_listeners *l, struct door *out)
{
    struct net_addr addrs[APP_LISTENER_ADDRESSES_MAX];
    size_t n = 0;
    if (l->config.is_edge) return edge_doors_wanted(l, out);
    const struct directory_node *node = directory_node_ref(l->config.directory, l->config.node);
    if (!node || l->is_stopped) {
        directory_node_unref(node);
        return 0;
    }
    bool mode = directory_param_number(l->config.directory, STORE_P_SIP_OAUTH_MODE) != 0;
    size_t addr_count = app_listener_addresses(node->addresses, addrs);
    for (int kind = 0; kind < DOOR_EDGE_SIP; kind++) {
        int port;
        memcpy(&port, (const char *)&node->ports + door_defs[kind].port, sizeof port);
        if (port == 0 || (door_defs[kind].oauth_only && !mode)) continue;
        for (size_t i = 0; i < addr_count && n < DOORS_MAX; i++) {
            out[n] = (struct door){.kind = (enum door_kind)kind, .addr = addrs[i]};
            out[n++].addr.port = (uint16_t)port;
        }
    }
    directory_node_unref(node);
    return n;
}
