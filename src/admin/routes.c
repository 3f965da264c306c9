/* The operator API, route by route. Handlers and the OpenAPI document both come from here. */
#include "admin/api_int.h"

#define NOUN_FN(name, id)                                                                          \
    static const struct admin_noun *name(void)                                                     \
    {                                                                                              \
        return admin_noun(id);                                                                     \
    }
NOUN_FN(users, ADMIN_USER)
NOUN_FN(devices, ADMIN_DEVICE)
NOUN_FN(lines, ADMIN_LINE)
NOUN_FN(profiles, ADMIN_PROFILE)
NOUN_FN(nodes, ADMIN_NODE)
NOUN_FN(issuers, ADMIN_ISSUER)
NOUN_FN(domains, ADMIN_DOMAIN)
NOUN_FN(edges, ADMIN_EDGE)
NOUN_FN(clients, ADMIN_CLIENT)
NOUN_FN(certs, ADMIN_CERT)
NOUN_FN(trust, ADMIN_TRUST)
NOUN_FN(hunt_groups, ADMIN_HUNT_GROUP)
NOUN_FN(trunks, ADMIN_TRUNK)
NOUN_FN(route_patterns, ADMIN_ROUTE_PATTERN)
NOUN_FN(ucms, ADMIN_UCM)
NOUN_FN(peers, ADMIN_PEER)
NOUN_FN(allows, ADMIN_ALLOW)

/* clang-format off */
#define V1 "/api/v1/"
/* Keys may hold '/': issuers are URLs, certificates "tomcat/ucm1". */
#define READ_AT(path_, noun_, place_)                                                                      \
    {HTTP_GET, V1 path_, noun_list, "List " path_, noun_, API_NO_BODY, "after limit match", place_},       \
    {HTTP_GET, V1 path_ "/{key*}", noun_show, "One of the " path_, noun_, API_NO_BODY, NULL, place_}
#define WHOLE_AT(path_, noun_, place_)                                                                     \
    READ_AT(path_, noun_, place_),                                                                         \
    {HTTP_POST, V1 path_, noun_add, "Add to the " path_, noun_, API_JSON, NULL, place_},                   \
    {HTTP_PATCH, V1 path_ "/{key*}", noun_update, "Change one of the " path_, noun_, API_JSON, NULL, place_}, \
    {HTTP_DELETE, V1 path_ "/{key*}", noun_remove, "Remove one of the " path_, noun_, API_NO_BODY, "dry_run", place_}
#define READ(plural_)  READ_AT(#plural_, plural_, API_ON_BOTH)
#define WHOLE(plural_) WHOLE_AT(#plural_, plural_, API_ON_NODE)

const struct api_route api_routes[] = {
    WHOLE_AT("users", users, API_ON_BOTH),
    WHOLE(devices),
    WHOLE(lines),
    WHOLE(profiles),
    WHOLE(nodes),
    WHOLE(issuers),
    WHOLE(domains),
    WHOLE(edges),
    WHOLE(clients),
    WHOLE_AT("hunt-groups", hunt_groups, API_ON_NODE),
    WHOLE(trunks),
    WHOLE_AT("route-patterns", route_patterns, API_ON_NODE),
    WHOLE_AT("ucms", ucms, API_ON_EDGE),
    WHOLE_AT("peers", peers, API_ON_EDGE),
    WHOLE_AT("allows", allows, API_ON_EDGE),
    {HTTP_POST, V1 "certs/{unit}/regen", cert_regen, "Issue a certificate anew by the private CA", NULL, API_NO_BODY, NULL, API_ON_BOTH},
    {HTTP_PUT, V1 "certs/{unit}", cert_import, "Bring a certificate with its key (chain_pem, key_pem)", NULL, API_JSON, NULL, API_ON_BOTH},
    READ(certs),
    READ(trust),
    {HTTP_POST, V1 "trust", trust_import, "Trust the certificates of a PEM text (store, pem)", NULL, API_JSON, NULL, API_ON_BOTH},
    {HTTP_DELETE, V1 "trust/{key*}", noun_remove, "Trust a certificate no longer", trust, API_NO_BODY, "dry_run", API_ON_BOTH},
    {HTTP_GET, V1 "params", param_list, "All parameters with ranges and defaults", NULL, API_NO_BODY, NULL, API_ON_BOTH},
    {HTTP_GET, V1 "params/{key*}", param_show, "One parameter", NULL, API_NO_BODY, NULL, API_ON_BOTH},
    {HTTP_PATCH, V1 "params/{key*}", param_update, "Change a parameter (value)", NULL, API_JSON, NULL, API_ON_BOTH},
    {HTTP_GET, V1 "sip-oauth-mode", mode_show, "SIP OAuth mode and its prerequisites", NULL, API_NO_BODY, NULL},
    {HTTP_POST, V1 "sip-oauth-mode/enable", mode_enable, "Enable SIP OAuth mode when its prerequisites hold", NULL, API_NO_BODY, NULL},
    {HTTP_POST, V1 "sip-oauth-mode/disable", mode_disable, "Disable SIP OAuth mode", NULL, API_NO_BODY, NULL},
    {HTTP_GET, V1 "status", live_status, "This node or edge at a glance", NULL, API_NO_BODY, NULL, API_ON_BOTH},
    {HTTP_GET, V1 "zones", edge_zones, "Zones towards call servers, and what keeps one from being Active", NULL, API_NO_BODY, NULL, API_ON_EDGE},
    {HTTP_GET, V1 "ucm-states", edge_ucms, "Call servers as this edge follows them", NULL, API_NO_BODY, NULL, API_ON_EDGE},
    {HTTP_POST, V1 "ucm-states/refresh", edge_refresh, "Read call servers anew (all, or one address)", NULL, API_NO_BODY, "address", API_ON_EDGE},
    {HTTP_GET, V1 "card", edge_card, "The card this edge is paired with others by", NULL, API_NO_BODY, NULL, API_ON_EDGE},
    {HTTP_POST, V1 "pairings", edge_pair, "Pair this edge with the one of a card", NULL, API_JSON, NULL, API_ON_EDGE},
    {HTTP_GET, V1 "counters", live_counters, "What this node has counted since its start", NULL, API_NO_BODY, NULL, API_ON_BOTH},
    {HTTP_GET, V1 "registrations", live_registrations, "Live registrations", NULL, API_NO_BODY, "device after limit"},
    {HTTP_DELETE, V1 "registrations/{device}", live_reset, "Let a device's registrations go", NULL, API_NO_BODY, NULL},
    {HTTP_GET, V1 "calls", live_calls, "Calls under way", NULL, API_NO_BODY, "number after limit"},
    {HTTP_DELETE, V1 "calls/{id}", live_hang_up, "End an answered call: both phones hear a BYE", NULL, API_NO_BODY, NULL},
    {HTTP_GET, V1 "trunk-states", live_trunks, "Which trunks answer this node", NULL, API_NO_BODY, NULL},
    {HTTP_GET, V1 "handshakes", live_handshakes, "TLS handshakes that failed at the SIP ports, and the cure", NULL, API_NO_BODY, NULL},
    {HTTP_GET, V1 "cdrs", cdr_list, "Call detail records, newest first", NULL, API_NO_BODY, "number since until before limit"},
    {HTTP_GET, V1 "traces", live_traces, "SIP messages kept in memory", NULL, API_NO_BODY, "device after limit", API_ON_BOTH},
    {HTTP_PUT, V1 "traces/switch", live_switch, "Keep messages or not (on)", NULL, API_JSON, NULL, API_ON_BOTH},
    {HTTP_GET, V1 "ports", live_ports, "Ports of this node and their state", NULL, API_NO_BODY, NULL},
    {HTTP_GET, V1 "ports/{port}", live_port, "Could this port be opened now, and who holds it", NULL, API_NO_BODY, "udp"},
    {HTTP_GET, V1 "keys", key_list, "Keys for tokens: ids and checksums", NULL, API_NO_BODY, NULL},
    {HTTP_GET, V1 "keys/{use}", key_show, "The signing or encryption key", NULL, API_NO_BODY, NULL},
    {HTTP_POST, V1 "keys/{use}/regen", key_regen, "Cut to a new key: tokens of the old one end", NULL, API_NO_BODY, NULL},
    {HTTP_POST, V1 "keys/{use}/rotate", key_rotate, "Go over to a new key: tokens of the old one stay valid", NULL, API_NO_BODY, NULL},
    {HTTP_GET, V1 "grants", grant_list, "Sign-ins that hold", NULL, API_NO_BODY, "user client device all after limit"},
    {HTTP_DELETE, V1 "grants", grant_revoke_many, "Revoke every sign-in of a user, client or device", NULL, API_NO_BODY, "user client device"},
    {HTTP_DELETE, V1 "grants/{id}", grant_revoke, "Revoke one sign-in", NULL, API_NO_BODY, NULL},
    {HTTP_POST, V1 "sql", live_sql, "One SELECT over the compatible views (statement)", NULL, API_JSON, NULL},
    {HTTP_GET, V1 "audit", live_audit, "Who changed what, newest first", NULL, API_NO_BODY, "before limit", API_ON_BOTH},
    {HTTP_POST, V1 "import", import_csv, "Users, devices and lines from CSV, all or none", NULL, API_CSV, "dry_run skip_bad name"},
    {HTTP_GET, V1 "diagnose", diagnose_node, "What keeps phones from registering here, or an edge from serving", NULL, API_NO_BODY, NULL, API_ON_BOTH},
    {HTTP_GET, V1 "diagnose/{device}", diagnose_device, "What keeps a device from registering", NULL, API_NO_BODY, NULL},
    {HTTP_GET, V1 "openapi.json", openapi_show, "This document", NULL, API_NO_BODY, NULL, API_ON_BOTH},
};
/* clang-format on */
const size_t api_route_count = sizeof api_routes / sizeof *api_routes;
