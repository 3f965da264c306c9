#include "admin/noun.h"

/* clang-format off */
#define F(type_, member, kind_, flags_, help_)                                                     \
    {.name = #member, .kind = (kind_), .flags = (flags_), .offset = offsetof(type_, member),       \
     .help = (help_)}
#define FA(type_, member, aliases_, kind_, flags_, help_)                                          \
    {.name = #member, .aliases = (aliases_), .kind = (kind_), .flags = (flags_),                   \
     .offset = offsetof(type_, member), .help = (help_)}
#define NAMED(name_, type_, member, aliases_, kind_, flags_, help_)                                \
    {.name = (name_), .aliases = (aliases_), .kind = (kind_), .flags = (flags_),                   \
     .offset = offsetof(type_, member), .help = (help_)}
#define CHOICE(type_, member, aliases_, flags_, choices_, help_)                                   \
    {.name = #member, .aliases = (aliases_), .kind = ADMIN_CHOICE, .flags = (flags_),              \
     .offset = offsetof(type_, member), .choices = (choices_), .help = (help_)}
#define WORDS(type_, member, aliases_, flags_, separator_, help_)                                  \
    {.name = #member, .aliases = (aliases_), .kind = ADMIN_WORDS, .flags = (flags_),               \
     .offset = offsetof(type_, member), .separator = (separator_), .help = (help_)}
#define TAIL(type_)                                                                                \
    F(type_, pkid, ADMIN_TEXT, ADMIN_F_READ_ONLY | ADMIN_F_LONG, "made by the store"),             \
    F(type_, version, ADMIN_VERSION, ADMIN_F_READ_ONLY | ADMIN_F_LONG, "rises with each change")

#define COLUMN ADMIN_F_COLUMN
#define KEY    (ADMIN_F_KEY | ADMIN_F_COLUMN)
#define RO     ADMIN_F_READ_ONLY

static const struct admin_field user_fields[] = {
    FA(struct store_user, id, "user userid user_id name", ADMIN_TEXT, KEY, "user id, as typed at sign-in"),
    F(struct store_user, first_name, ADMIN_TEXT, COLUMN, "first name"),
    F(struct store_user, last_name, ADMIN_TEXT, COLUMN, "last name"),
    FA(struct store_user, display_name, "display", ADMIN_TEXT, 0, "name in lists"),
    FA(struct store_user, email, "mail", ADMIN_TEXT, COLUMN, "mail address"),
    FA(struct store_user, roles, "role", ADMIN_ROLES, COLUMN, "user, administrator, axl"),
    FA(struct store_user, active, "enabled", ADMIN_BOOL, COLUMN, "no: cannot sign in, tokens refused"),
    F(struct store_user, password, ADMIN_PASSWORD, 0, "password for sign-in"),
    NAMED("digest_password", struct store_user, digest_md5, "digest", ADMIN_DIGEST_SECRET, 0,
          "password for lines with digest authentication"),
    F(struct store_user, digest_realm, ADMIN_TEXT, RO | ADMIN_F_LONG, "realm of the digest password"),
    TAIL(struct store_user),
};

static const struct admin_field device_fields[] = {
    FA(struct store_device, name, "device devicename", ADMIN_TEXT, KEY, "device name, at most 15 characters"),
    F(struct store_device, description, ADMIN_TEXT, COLUMN, "free text"),
    FA(struct store_device, owner, "user owneruserid", ADMIN_TEXT, COLUMN, "user who may register it"),
    FA(struct store_device, profile, "securityprofile", ADMIN_TEXT, COLUMN, "phone security profile"),
    FA(struct store_device, lines, "line", ADMIN_LINES, COLUMN, "directory numbers, in order"),
    FA(struct store_device, enabled, "active", ADMIN_BOOL, COLUMN, "no: registrations refused"),
    FA(struct store_device, dnd, "donotdisturb", ADMIN_BOOL, 0, "do not disturb: calls do not ring it, it counts as busy"),
    F(struct store_device, product, ADMIN_TEXT, 0, "kind of phone"),
    F(struct store_device, model, ADMIN_INT, 0, "model number; 503 is Client Services Framework"),
    F(struct store_device, mac, ADMIN_TEXT, 0, "12 hexadecimal digits"),
    F(struct store_device, instance, ADMIN_TEXT, 0, "urn:uuid:... it must register with; empty: any"),
    F(struct store_device, client_cert, ADMIN_TEXT, 0, "name its client certificate must carry; empty: its own"),
    TAIL(struct store_device),
};

static const struct admin_field line_fields[] = {
    FA(struct store_line, pattern, "line number dn name", ADMIN_TEXT, KEY, "directory number"),
    F(struct store_line, partition, ADMIN_TEXT, 0, "route partition"),
    F(struct store_line, description, ADMIN_TEXT, COLUMN, "free text"),
    FA(struct store_line, display, "displayname", ADMIN_TEXT, COLUMN, "name shown to the called"),
    F(struct store_line, alerting_name, ADMIN_TEXT, COLUMN, "kept for compatibility: phones are shown the display name"),
    FA(struct store_line, forward_all, "callforwardall cfall cfwdall", ADMIN_TEXT, COLUMN, "number that gets every call; empty: none"),
    FA(struct store_line, forward_busy, "callforwardbusy cfb", ADMIN_TEXT, 0, "number that gets calls while every phone is busy"),
    FA(struct store_line, forward_no_answer, "callforwardnoanswer cfna", ADMIN_TEXT, 0,
       "number that gets calls nobody answers"),
    FA(struct store_line, ring_s, "ring ringtime noanswerringduration", ADMIN_INT, 0,
       "seconds it rings before forward_no_answer; 0: parameter ForwardNoAnswerTimer"),
    FA(struct store_line, busy_trigger, NULL, ADMIN_INT, 0,
       "calls of a phone on the line from which on it is busy; 0: parameter BusyTrigger"),
    TAIL(struct store_line),
};

static const struct admin_choice securities[] = {
    {"Non Secure", STORE_NON_SECURE}, {"Authenticated", STORE_AUTHENTICATED},
    {"Encrypted", STORE_ENCRYPTED}, {NULL, 0}};
static const struct admin_choice transports[] = {
    {"TCP+UDP", STORE_TCP_UDP}, {"TCP", STORE_TCP}, {"UDP", STORE_UDP}, {"TLS", STORE_TLS}, {NULL, 0}};

static const struct admin_field profile_fields[] = {
    F(struct store_profile, name, ADMIN_TEXT, KEY, "name of the profile"),
    F(struct store_profile, description, ADMIN_TEXT, 0, "free text"),
    FA(struct store_profile, phone_type, "product", ADMIN_TEXT, 0, "kind of phone it is for; empty: any"),
    CHOICE(struct store_profile, security, "devicesecuritymode securitymode", COLUMN, securities,
           "device security mode"),
    CHOICE(struct store_profile, transport, "transporttype", COLUMN, transports, "transport type"),
    FA(struct store_profile, oauth, "enableoauthauthentication oauthauthentication", ADMIN_BOOL, COLUMN,
       "phones register with an OAuth token"),
    FA(struct store_profile, digest, "enabledigestauthentication digestauthentication", ADMIN_BOOL, COLUMN,
       "phones register with a digest password"),
    FA(struct store_profile, tftp_encrypted, "tftpencryptedconfig", ADMIN_BOOL, 0, "kept for compatibility: configurations are not encrypted"),
    FA(struct store_profile, nonce_validity_s, "noncevaliditytime", ADMIN_INT, 0, "seconds a digest nonce holds"),
    F(struct store_profile, authentication_mode, ADMIN_TEXT, 0, "kept for compatibility"),
    F(struct store_profile, key_size, ADMIN_INT, 0, "kept for compatibility"),
    F(struct store_profile, key_order, ADMIN_TEXT, 0, "kept for compatibility"),
    F(struct store_profile, ec_key_size, ADMIN_INT, 0, "kept for compatibility"),
    F(struct store_profile, sip_phone_port, ADMIN_INT, 0, "kept for compatibility"),
    F(struct store_profile, exclude_digest_credentials, ADMIN_BOOL, 0, "kept for compatibility: configurations never carry them"),
    TAIL(struct store_profile),
};

#define PORT(name_, member, aliases_, flags_, help_)                                               \
    {.name = (name_), .aliases = (aliases_), .kind = ADMIN_INT, .flags = (flags_),                 \
     .offset = offsetof(struct store_node, ports) + offsetof(struct store_ports, member), .help = (help_)}
static const struct admin_field node_fields[] = {
    F(struct store_node, name, ADMIN_TEXT, KEY, "host name without domain"),
    F(struct store_node, host, ADMIN_TEXT, COLUMN, "name phones connect to; must be in the certificate"),
    WORDS(struct store_node, addresses, "address", 0, ' ', "IP addresses it listens on; none: all"),
    F(struct store_node, description, ADMIN_TEXT, 0, "free text"),
    F(struct store_node, priority, ADMIN_INT, COLUMN, "order in the phones' list, 0 (first) to 1000"),
    PORT("sip_port", sip, "sipphoneport sip", COLUMN, "SIP Phone Port, 1024 to 49151; 0: not opened"),
    PORT("sip_secure_port", sips, "sipphonesecureport sips sipsport", COLUMN, "SIP Phone Secure Port, 1024 to 49151; 0: not opened"),
    PORT("sip_oauth_port", oauth, "sipphoneoauthport oauthport oauth", COLUMN, "SIP Phone OAuth Port, 1024 to 49151"),
    PORT("sip_mra_oauth_port", mra, "sipoauthmraport sipmobileandremoteaccessoauthport mraport mra", COLUMN,
         "SIP Mobile and Remote Access OAuth Port, 1024 to 49151"),
    PORT("config_http_port", config_http, "confighttp tftpport", COLUMN, "device configuration by HTTP, 1024 to 49151; 0: not opened"),
    PORT("config_https_port", config_https, "confighttps", COLUMN, "device configuration by HTTPS, 1024 to 49151"),
    PORT("https_port", https, "https", COLUMN, "sign-in and operator API, 1024 to 49151"),
    PORT("ethernet_phone_port", ethernet, NULL, 0, "printed in configurations only"),
    PORT("mgcp_listen_port", mgcp_listen, NULL, 0, "printed in configurations only"),
    PORT("mgcp_keepalive_port", mgcp_keepalive, NULL, 0, "printed in configurations only"),
    TAIL(struct store_node),
};

static const struct admin_field issuer_fields[] = {
    FA(struct store_issuer, iss, "issuer url", ADMIN_TEXT, KEY, "the issuer as it stands in tokens"),
    F(struct store_issuer, description, ADMIN_TEXT, 0, "free text"),
    FA(struct store_issuer, audience, "aud", ADMIN_TEXT, COLUMN, "audience its tokens must carry"),
    FA(struct store_issuer, user_claim, "claim", ADMIN_TEXT, COLUMN, "claim that gives the user id; sub"),
    F(struct store_issuer, scope, ADMIN_TEXT, COLUMN, "scope its tokens must carry; empty: none"),
    F(struct store_issuer, typ, ADMIN_TEXT, 0, "typ its tokens must have; empty: at+jwt, JWT or none"),
    F(struct store_issuer, enabled, ADMIN_BOOL, COLUMN, "no: its tokens are refused"),
    F(struct store_issuer, jwks, ADMIN_TEXT, ADMIN_F_FILE | ADMIN_F_LONG, "its public keys, a JSON Web Key Set"),
    TAIL(struct store_issuer),
};

static const struct admin_field domain_fields[] = {
    FA(struct store_domain, name, "domain", ADMIN_TEXT, KEY, "SIP domain"),
    F(struct store_domain, description, ADMIN_TEXT, COLUMN, "free text"),
    F(struct store_domain, ours, ADMIN_BOOL, COLUMN, "requests for it are answered here"),
    TAIL(struct store_domain),
};

static const struct admin_field edge_fields[] = {
    F(struct store_edge, pkid, ADMIN_TEXT, KEY | RO, "made by the store"),
    FA(struct store_edge, host_or_ip, "hostnameorip host name", ADMIN_TEXT, COLUMN | ADMIN_F_FIRST,
       "its host name or address"),
    F(struct store_edge, description, ADMIN_TEXT, COLUMN, "free text"),
    WORDS(struct store_edge, x509_names, "x509subjectnameoraltname x509name certname san names", COLUMN, ',',
          "names its certificate may carry"),
    F(struct store_edge, version, ADMIN_VERSION, RO | ADMIN_F_LONG, "rises with each change"),
};

static const struct admin_choice client_types[] = {
    {"public", STORE_CLIENT_PUBLIC}, {"confidential", STORE_CLIENT_CONFIDENTIAL}, {NULL, 0}};
static const struct admin_field client_fields[] = {
    FA(struct store_client, client_id, "client id", ADMIN_TEXT, KEY, "OAuth client_id"),
    F(struct store_client, name, ADMIN_TEXT, COLUMN, "name on the sign-in page"),
    CHOICE(struct store_client, type, NULL, COLUMN, client_types, "public or confidential"),
    NAMED("secret", struct store_client, secret_hash, "password", ADMIN_PASSWORD, 0, "secret of a confidential client"),
    WORDS(struct store_client, redirect_uris, "redirecturi redirect", COLUMN, '\n', "exact redirect URIs"),
    F(struct store_client, loopback, ADMIN_BOOL, COLUMN, "native: redirects to 127.0.0.1 or [::1], any port"),
    WORDS(struct store_client, scopes, "scope", COLUMN, ' ', "scopes it may ask for"),
    F(struct store_client, enabled, ADMIN_BOOL, COLUMN, "no: may not ask for tokens"),
    TAIL(struct store_client),
};

static const struct admin_field cert_fields[] = {
    F(struct store_cert, name, ADMIN_TEXT, KEY | RO, "unit and node"),
    F(struct store_cert, unit, ADMIN_TEXT, RO, "what it is for"),
    F(struct store_cert, node, ADMIN_TEXT, RO, "node it belongs to"),
    F(struct store_cert, subject, ADMIN_TEXT, COLUMN | RO, "subject name"),
    NAMED("not_before", struct store_cert, not_before_s, NULL, ADMIN_TIME, COLUMN | RO, "valid from"),
    NAMED("not_after", struct store_cert, not_after_s, NULL, ADMIN_TIME, COLUMN | RO, "valid until"),
    F(struct store_cert, chain_pem, ADMIN_TEXT, RO | ADMIN_F_LONG, "certificate and the CAs above it"),
    TAIL(struct store_cert),
};

static const struct admin_field trust_fields[] = {
    F(struct store_trust, name, ADMIN_TEXT, KEY | RO, "trust store and fingerprint"),
    F(struct store_trust, store, ADMIN_TEXT, RO, "tomcat-trust, callmanager-trust ..."),
    F(struct store_trust, fingerprint, ADMIN_TEXT, RO, "SHA-256"),
    F(struct store_trust, subject, ADMIN_TEXT, COLUMN | RO, "subject name"),
    F(struct store_trust, issuer, ADMIN_TEXT, RO, "issuer name"),
    NAMED("not_after", struct store_trust, not_after_s, NULL, ADMIN_TIME, COLUMN | RO, "valid until"),
    F(struct store_trust, pem, ADMIN_TEXT, RO | ADMIN_F_LONG, "the certificate"),
    TAIL(struct store_trust),
};

static const struct admin_choice algorithms[] = {
    {"parallel", STORE_HUNT_PARALLEL}, {"sequential", STORE_HUNT_SEQUENTIAL},
    {"longest idle", STORE_HUNT_LONGEST_IDLE}, {"broadcast", STORE_HUNT_PARALLEL},
    {"top down", STORE_HUNT_SEQUENTIAL}, {NULL, 0}};
static const struct admin_field hunt_group_fields[] = {
    FA(struct store_hunt_group, number, "pilot pattern name", ADMIN_TEXT, KEY, "number of the group"),
    F(struct store_hunt_group, description, ADMIN_TEXT, COLUMN, "free text"),
    FA(struct store_hunt_group, display, "displayname", ADMIN_TEXT, COLUMN, "name shown to its members"),
    CHOICE(struct store_hunt_group, algorithm, "distribution", COLUMN, algorithms, "who rings: all, one after the other, who was idle longest"),
    FA(struct store_hunt_group, members, "member line lines", ADMIN_MEMBERS, COLUMN, "lines, in order"),
    FA(struct store_hunt_group, ring_s, "ring ringtime", ADMIN_INT, COLUMN,
       "seconds each member rings, or all of a parallel group; 0: parameter ForwardNoAnswerTimer"),
    FA(struct store_hunt_group, forward_no_answer, "final", ADMIN_TEXT, COLUMN,
       "number that gets calls no member answered; empty: refused"),
    TAIL(struct store_hunt_group),
};

static const struct admin_choice trunk_transports[] = {
    {"TLS", STORE_TLS}, {"TCP", STORE_TCP}, {"UDP", STORE_UDP}, {NULL, 0}};
static const struct admin_field trunk_fields[] = {
    FA(struct store_trunk, name, "trunk", ADMIN_TEXT, KEY, "name of the trunk"),
    F(struct store_trunk, description, ADMIN_TEXT, COLUMN, "free text"),
    FA(struct store_trunk, host, "address destination", ADMIN_TEXT, COLUMN, "name or address its calls go to"),
    F(struct store_trunk, port, ADMIN_INT, COLUMN, "its port; 0: by DNS, else the transport's own"),
    CHOICE(struct store_trunk, transport, "transporttype", COLUMN, trunk_transports, "transport type"),
    FA(struct store_trunk, srtp_allowed, "srtp", ADMIN_BOOL, COLUMN, "calls over it may be encrypted; TLS only"),
    WORDS(struct store_trunk, peers, "peer", 0, ' ', "addresses, networks and certificate names it calls from; none: it only takes calls"),
    FA(struct store_trunk, enabled, "active", ADMIN_BOOL, COLUMN, "no: no calls either way"),
    TAIL(struct store_trunk),
};

static const struct admin_choice discards[] = {
    {"none", STORE_DISCARD_NONE}, {"PreDot", STORE_DISCARD_PREDOT}, {NULL, 0}};
static const struct admin_field route_pattern_fields[] = {
    FA(struct store_route_pattern, pattern, "name number", ADMIN_TEXT, KEY,
       "numbers it stands for: X ! [2-9] [^1] ? + . and digits"),
    F(struct store_route_pattern, description, ADMIN_TEXT, COLUMN, "free text"),
    F(struct store_route_pattern, line, ADMIN_TEXT, COLUMN, "line it leads to"),
    FA(struct store_route_pattern, hunt_group, "group", ADMIN_TEXT, COLUMN, "hunt group it leads to"),
    F(struct store_route_pattern, trunk, ADMIN_TEXT, COLUMN, "SIP trunk it leads to"),
    FA(struct store_route_pattern, blocked, "block", ADMIN_BOOL, COLUMN, "yes: such calls are refused"),
    CHOICE(struct store_route_pattern, discard, "discarddigits", COLUMN, discards,
           "PreDot: a trunk is asked for what stands behind the '.' only"),
    FA(struct store_route_pattern, prefix, "prefixdigits", ADMIN_TEXT, COLUMN, "put before the number a trunk is asked for"),
    TAIL(struct store_route_pattern),
};

static const struct admin_field ucm_fields[] = {
    FA(struct store_ucm, address, "publisher host name", ADMIN_TEXT, KEY, "host name of the cluster's publisher, as its certificate has it"),
    F(struct store_ucm, description, ADMIN_TEXT, COLUMN, "free text"),
    F(struct store_ucm, port, ADMIN_INT, 0, "its HTTPS port; 8443"),
    FA(struct store_ucm, username, "user", ADMIN_TEXT, COLUMN, "a user there who may use AXL"),
    F(struct store_ucm, password, ADMIN_SECRET, 0, "his password there"),
    FA(struct store_ucm, tls_verify, "verify tlsverifymode", ADMIN_BOOL, COLUMN, "its certificate must chain to tomcat-trust and bear the name"),
    FA(struct store_ucm, enabled, "active", ADMIN_BOOL, COLUMN, "no: its phones are not served outside"),
    TAIL(struct store_ucm),
};

static const struct admin_choice edge_roles[] = {
    {"inner", STORE_EDGE_INNER}, {"outer", STORE_EDGE_OUTER}, {NULL, 0}};
static const struct admin_field peer_fields[] = {
    F(struct store_peer, name, ADMIN_TEXT, KEY, "the other edge's name, as its certificate has it"),
    F(struct store_peer, description, ADMIN_TEXT, 0, "free text"),
    CHOICE(struct store_peer, role, NULL, COLUMN, edge_roles, "what the other edge is"),
    FA(struct store_peer, host, "address", ADMIN_TEXT, COLUMN, "outer edge: name or address it is reached at"),
    FA(struct store_peer, sip_port, "traversalport", ADMIN_INT, COLUMN, "outer edge: its SIP Traversal Port; 7001"),
    F(struct store_peer, tunnel_port, ADMIN_INT, COLUMN, "outer edge: its Tunnel Port; 2222"),
    F(struct store_peer, media_port, ADMIN_INT, COLUMN, "outer edge: its Media Traversal Port; 2776"),
    F(struct store_peer, ca_pem, ADMIN_TEXT, ADMIN_F_FILE | ADMIN_F_LONG, "certificate of the CA the other edge made for itself"),
    FA(struct store_peer, enabled, "active", ADMIN_BOOL, COLUMN, "no: no links with it"),
    TAIL(struct store_peer),
};

static const struct admin_field allow_fields[] = {
    FA(struct store_allow, name, "rule", ADMIN_TEXT, KEY, "name of the rule"),
    F(struct store_allow, description, ADMIN_TEXT, 0, "free text"),
    F(struct store_allow, url, ADMIN_TEXT, COLUMN, "https://host[:port]/path that phones outside may ask for"),
    FA(struct store_allow, is_prefix, "prefix", ADMIN_BOOL, COLUMN, "yes: what lies below the path, too"),
    WORDS(struct store_allow, methods, "method", COLUMN, ' ', "GET, HEAD, POST, PUT, DELETE, OPTIONS"),
    TAIL(struct store_allow),
};
/* clang-format on */

static void user_defaults(void *row)
{
    *(struct store_user *)row = (struct store_user){.roles = STORE_ROLE_USER, .active = true};
}
static void device_defaults(void *row)
{
    *(struct store_device *)row = (struct store_device){
        .product = STR("Cisco Unified Client Services Framework"),
        .model = 503,
        .profile = STR("Cisco Unified Client Services Framework - Standard SIP Non-Secure Profile"),
        .enabled = true};
}
/* The store's own defaults of a profile and of ports, said again here: this file calls nothing. */
static void profile_defaults(void *row)
{
    *(struct store_profile *)row = (struct store_profile){
        .security = STORE_NON_SECURE,
        .transport = STORE_TCP_UDP,
        .authentication_mode = STR("By Null String"),
        .key_size = 2048,
        .key_order = STR("RSA Only"),
        .nonce_validity_s = 600,
        .sip_phone_port = 5060};
}
static void node_defaults(void *row)
{
    *(struct store_node *)row = (struct store_node){
        .ports = {5060, 5061, 5090, 5091, 7443, 6970, 6972, 8443, 2000, 2427, 2428}};
}
static void issuer_defaults(void *row)
{
    *(struct store_issuer *)row = (struct store_issuer){.user_claim = STR("sub"), .enabled = true};
}
static void domain_defaults(void *row)
{
    *(struct store_domain *)row = (struct store_domain){.ours = true};
}
static void edge_defaults(void *row)
{
    *(struct store_edge *)row = (struct store_edge){.version = 0};
}
static void line_defaults(void *row)
{
    *(struct store_line *)row = (struct store_line){.version = 0};
}
static void client_defaults(void *row)
{
    *(struct store_client *)row = (struct store_client){
        .type = STORE_CLIENT_PUBLIC, .scopes = STR("openid offline_access sip"), .enabled = true};
}

static void hunt_group_defaults(void *row)
{
    *(struct store_hunt_group *)row = (struct store_hunt_group){.algorithm = STORE_HUNT_PARALLEL};
}
static void trunk_defaults(void *row)
{
    *(struct store_trunk *)row = (struct store_trunk){.transport = STORE_TLS, .enabled = true};
}
static void route_pattern_defaults(void *row)
{
    *(struct store_route_pattern *)row = (struct store_route_pattern){.version = 0};
}

static void ucm_defaults(void *row)
{
    *(struct store_ucm *)row = (struct store_ucm){
        .port = 8443, .tls_verify = true, .enabled = true};
}
static void peer_defaults(void *row)
{
    *(struct store_peer *)row = (struct store_peer){.role = STORE_EDGE_OUTER,
                                                    .sip_port = 7001,
                                                    .tunnel_port = 2222,
                                                    .media_port = 2776,
                                                    .enabled = true};
}
static void allow_defaults(void *row)
{
    *(struct store_allow *)row = (struct store_allow){.methods = STR("GET")};
}

#define NOUN(id, name_, plural_, kind_, change_, defaults_, help_)                                 \
    NOUN_CALLED(id, #name_, name_, plural_, kind_, change_, defaults_, help_)
#define NOUN_CALLED(id, text_, name_, plural_, kind_, change_, defaults_, help_)                   \
    [id] = {.name = (text_),                                                                       \
            .plural = (plural_),                                                                   \
            .help = (help_),                                                                       \
            .kind = (kind_),                                                                       \
            .size = sizeof(struct store_##name_),                                                  \
            .fields = name_##_fields,                                                              \
            .field_count = sizeof name_##_fields / sizeof *name_##_fields,                         \
            .can_change = (change_),                                                               \
            .defaults = (defaults_)}

static const struct admin_noun nouns[ADMIN_NOUN_COUNT] = {
    NOUN(ADMIN_USER, user, "users", STORE_USER, true, user_defaults, "people who sign in"),
    NOUN(ADMIN_DEVICE, device, "devices", STORE_DEVICE, true, device_defaults, "phones"),
    NOUN(ADMIN_LINE, line, "lines", STORE_LINE, true, line_defaults, "directory numbers"),
    NOUN(ADMIN_PROFILE, profile, "profiles", STORE_PROFILE, true, profile_defaults,
         "phone security profiles"),
    NOUN(ADMIN_NODE, node, "nodes", STORE_NODE, true, node_defaults,
         "call servers and their ports"),
    NOUN(ADMIN_ISSUER, issuer, "issuers", STORE_ISSUER, true, issuer_defaults,
         "foreign token issuers"),
    NOUN(ADMIN_DOMAIN, domain, "domains", STORE_DOMAIN, true, domain_defaults, "SIP domains"),
    NOUN(ADMIN_EDGE, edge, "edges", STORE_EDGE, true, edge_defaults,
         "trusted edges for Mobile and Remote Access"),
    NOUN(ADMIN_CLIENT, client, "clients", STORE_CLIENT, true, client_defaults, "OAuth clients"),
    NOUN(ADMIN_CERT, cert, "certs", STORE_CERT, false, NULL, "certificates of this cluster"),
    NOUN(ADMIN_TRUST, trust, "trust", STORE_TRUST, false, NULL, "trusted certificates"),
    NOUN_CALLED(ADMIN_HUNT_GROUP, "hunt-group", hunt_group, "hunt-groups", STORE_HUNT_GROUP, true,
                hunt_group_defaults, "numbers that ring several lines"),
    NOUN(ADMIN_TRUNK, trunk, "trunks", STORE_TRUNK, true, trunk_defaults,
         "SIP trunks to a lab or a carrier"),
    NOUN_CALLED(ADMIN_ROUTE_PATTERN, "route-pattern", route_pattern, "route-patterns",
                STORE_ROUTE_PATTERN, true, route_pattern_defaults,
                "where numbers that are no line lead"),
    NOUN(ADMIN_UCM, ucm, "ucms", STORE_UCM, true, ucm_defaults,
         "call server clusters an edge serves"),
    NOUN(ADMIN_PEER, peer, "peers", STORE_PEER, true, peer_defaults,
         "edges this edge is paired with"),
    NOUN(ADMIN_ALLOW, allow, "allows", STORE_ALLOW, true, allow_defaults,
         "paths let in from outside beside the automatic ones"),
};

bool admin_field_is_secret(const struct admin_field *f)
{
    return f->kind == ADMIN_PASSWORD || f->kind == ADMIN_DIGEST_SECRET || f->kind == ADMIN_SECRET;
}

const struct admin_noun *admin_noun(enum admin_noun_id id)
{
    return &nouns[id];
}

static bool is_filler(char c)
{
    return c == '-' || c == '_' || c == ' ';
}

bool admin_name_eq(struct str a, struct str b)
{
    size_t i = 0, j = 0;
    for (;;) {
        while (i < a.n && is_filler(a.p[i]))
            i++;
        while (j < b.n && is_filler(b.p[j]))
            j++;
        if (i == a.n || j == b.n) return i == a.n && j == b.n;
        if (!str_eq_nocase(str_sub(a, i, i + 1), str_sub(b, j, j + 1))) return false;
        i++, j++;
    }
}

const char *admin_article(const char *name)
{
    return strchr("aeiou", name[0]) && !str_starts(str_from(name), STR("user")) ? "an" : "a";
}

const struct admin_noun *admin_noun_find(struct str name)
{
    for (size_t i = 0; i < ADMIN_NOUN_COUNT; i++)
        if (admin_name_eq(name, str_from(nouns[i].name)) ||
            admin_name_eq(name, str_from(nouns[i].plural)))
            return &nouns[i];
    return NULL;
}

const struct admin_field *admin_noun_field(const struct admin_noun *noun, struct str name)
{
    for (size_t i = 0; i < noun->field_count; i++)
        if (admin_name_eq(name, str_from(noun->fields[i].name))) return &noun->fields[i];
    for (size_t i = 0; i < noun->field_count; i++) {
        struct str rest = str_from(noun->fields[i].aliases), alias;
        while (rest.p && str_split(&rest, ' ', &alias))
            if (admin_name_eq(name, alias)) return &noun->fields[i];
    }
    return NULL;
}

const struct admin_field *admin_noun_key(const struct admin_noun *noun)
{
    return &noun->fields[0]; /* first in every table */
}

int64_t admin_row_version(const struct admin_noun *noun, const void *row)
{
    int64_t version = 0;
    const struct admin_field *f = &noun->fields[noun->field_count - 1]; /* last in every table */
    memcpy(&version, (const char *)row + f->offset, sizeof version);
    return version;
}

enum rc admin_bool_parse(struct str text, bool *out)
{
    static const char *const yes[] = {"1", "true", "yes", "on", "enabled", "t", "y"};
    static const char *const no[] = {"0", "false", "no", "off", "disabled", "f", "n"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (str_eq_nocase(text, str_from(yes[i]))) return *out = true, RC_OK;
        if (str_eq_nocase(text, str_from(no[i]))) return *out = false, RC_OK;
    }
    return RC_INVALID;
}
