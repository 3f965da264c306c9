#include "phone/config.h"

#include "xml/reader.h"

static const struct xml_limits limits = {
    .doc_max = PHONE_CONFIG_MAX,
    .depth_max = 24,
    .element_max = 20000,
    .attr_max = 32,
};

/* A number that is missing, no number or outside its range is its default. */
static uint32_t number_at(const struct xml_node *node, const char *path, uint32_t low,
                          uint32_t high, uint32_t otherwise)
{
    uint64_t v;
    if (str_to_u64(xml_text(node, path), high, &v) != RC_OK || v < low) return otherwise;
    return (uint32_t)v;
}

/* A port: the one element of several that is there, for the interfaces spell it differently. */
static uint16_t port_at(const struct xml_node *ports, const char *name, uint16_t otherwise)
{
    return (uint16_t)number_at(ports, name, 1, 65535, otherwise);
}

/* A host name or an address: nothing that could write more than a name into a message. */
static bool is_host(struct str s)
{
    if (s.n == 0 || s.n > 253) return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '.' || c == '-' || c == '_' || c == ':';
        if (!good) return false;
    }
    return true;
}

/* The user part of a URI, and what a person may read: visible, without what quotes or ends it. */
static bool is_plain(struct str s, size_t max)
{
    if (s.n == 0 || s.n > max) return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= 0x20 || c >= 0x7f || strchr("<>\"@;:,\\", c)) return false;
    }
    return true;
}

/* ---- nodes ---- */

static bool read_node(const struct xml_node *member, struct phone_node *out)
{
    const struct xml_node *cm = xml_find(member, "callManager"), *ports = xml_find(cm, "ports");
    struct str name = xml_text(cm, "name");
    if (!is_host(name)) name = xml_text(cm, "processNodeName");
    if (!is_host(name)) return false;
    *out = (struct phone_node){
        .name = name,
        .sip_port = port_at(ports, "sipPort", 5060),
        .secure_port = port_at(ports, "securedSipPort", 5061),
        .oauth_port = port_at(ports, "sipOAuthPort", 5090),
        .mra_oauth_port = port_at(ports, "sipMRAOAuthPort", 5091),
    };
    return true;
}

/* In order of their priority; equal ones in order of the document. */
static void read_nodes(const struct xml_node *device, struct phone_config *c)
{
    uint32_t priorities[PHONE_NODE_MAX];
    const struct xml_node *m = xml_find(device, "devicePool/callManagerGroup/members/member");
    for (; m; m = xml_next_same(m)) {
        struct phone_node node;
        uint64_t priority = 0;
        if (str_to_u64(xml_attr(m, "priority"), 1000, &priority) != RC_OK) priority = 1000;
        if (!read_node(m, &node)) continue;
        size_t at = c->node_count;
        while (at > 0 && priorities[at - 1] > priority)
            at--;
        if (at == PHONE_NODE_MAX) continue;
        size_t last = c->node_count < PHONE_NODE_MAX ? c->node_count++ : PHONE_NODE_MAX - 1;
        for (size_t i = last; i > at; i--) {
            c->nodes[i] = c->nodes[i - 1];
            priorities[i] = priorities[i - 1];
        }
        c->nodes[at] = node;
        priorities[at] = (uint32_t)priority;
    }
}

/* ---- lines ---- */

enum { FEATURE_LINE = 9 };

static void read_lines(const struct xml_node *device, struct phone_config *c)
{
    const struct xml_node *l = xml_find(device, "sipProfile/sipLines/line");
    for (; l && c->line_count < PHONE_LINE_MAX; l = xml_next_same(l)) {
        uint64_t button;
        if (number_at(l, "featureID", 0, 1000, FEATURE_LINE) != FEATURE_LINE) continue;
        struct phone_config_line line = {
            .number = xml_text(l, "name"),
            .display_name = xml_text(l, "displayName"),
            .contact = xml_text(l, "contact"),
        };
        if (!is_plain(line.number, 128)) continue;
        if (!is_plain(line.contact, 128)) line.contact = line.number;
        if (str_to_u64(xml_attr(l, "button"), 1000, &button) == RC_OK)
            line.button = (unsigned)button;
        c->lines[c->line_count++] = line;
    }
}

/* ---- the whole ---- */

static enum phone_security security_of(uint32_t v)
{
    if (v == PHONE_AUTHENTICATED) return PHONE_AUTHENTICATED;
    return v == PHONE_ENCRYPTED ? PHONE_ENCRYPTED : PHONE_NON_SECURE;
}

static enum phone_transport transport_of(uint32_t v)
{
    if (v == PHONE_UDP) return PHONE_UDP;
    return v == PHONE_TLS ? PHONE_TLS : PHONE_TCP;
}

static enum rc read_device(const struct xml_node *device, struct phone_config *c, const char **why)
{
    static const char stack[] = "sipProfile/sipStack";
    const struct xml_node *timers = xml_find(device, stack);
    struct str protocol = xml_text(device, "deviceProtocol");
    *why = "it is not a device's configuration";
    if (!str_eq(device->name, STR("device"))) return RC_INVALID;
    *why = "it is for a device that does not speak SIP";
    if (protocol.n > 0 && !str_eq_nocase(protocol, STR("SIP"))) return RC_INVALID;
    read_nodes(device, c);
    *why = "it names no server";
    if (c->node_count == 0) return RC_INVALID;
    read_lines(device, c);
    *why = "it has no line; give the device a line on the server";
    if (c->line_count == 0) return RC_INVALID;
    c->is_oauth = number_at(device, "sipOAuthMode", 0, 1, 0) == 1;
    c->security = security_of(number_at(device, "deviceSecurityMode", 0, 9, 1));
    c->transport = transport_of(number_at(device, "transportLayerProtocol", 0, 9, PHONE_TCP));
    c->register_s = number_at(timers, "timerRegisterExpires", 60, 86400, 3600);
    c->register_delta_s = number_at(timers, "timerRegisterDelta", 1, 60, 5);
    c->keepalive_s = number_at(timers, "timerKeepAliveExpires", 30, 3600, 120);
    c->monitor_s = number_at(device, "devicePool/connectionMonitorDuration", 0, 86400, 120);
    c->user = xml_text(device, "userId");
    c->version_stamp = xml_text(device, "versionStamp");
    return RC_OK;
}

enum rc phone_config_parse(struct str doc, struct arena *a, struct phone_config *out,
                           const char **why)
{
    const struct xml_node *device;
    struct phone_config c = {0};
    enum rc rc = xml_parse(doc, &limits, a, &device, NULL);
    *why = rc == RC_UNSUPPORTED ? "it has a DOCTYPE, which no configuration has"
           : rc == RC_TOO_BIG   ? "it is too long"
           : rc == RC_NOMEM     ? "out of memory"
                                : "it is not well-formed XML";
    if (rc == RC_OK) rc = read_device(device, &c, why);
    if (rc == RC_OK) *out = c;
    return rc;
}

struct str phone_config_dial(const struct phone_config *c, size_t node)
{
    return c->nodes[node].edge.n > 0 ? c->nodes[node].edge : c->nodes[node].name;
}

/* "host", "host:port", "[v6]:port". */
static enum rc read_edge(struct str text, struct phone_node *out)
{
    struct str port = STR("5061");
    uint64_t number;
    ptrdiff_t colon = str_find_char(text, ':');
    if (text.n > 0 && text.p[0] == '[') {
        ptrdiff_t end = str_find_char(text, ']');
        if (end < 0) return RC_INVALID;
        struct str rest = str_sub(text, (size_t)end + 1, text.n);
        if (rest.n > 0 && rest.p[0] != ':') return RC_INVALID;
        if (rest.n > 0) port = str_sub(rest, 1, rest.n);
        text = str_sub(text, 1, (size_t)end);
    } else if (colon >= 0) {
        port = str_sub(text, (size_t)colon + 1, text.n);
        text = str_sub(text, 0, (size_t)colon);
    }
    if (text.n == 0 || str_to_u64(port, UINT16_MAX, &number) != RC_OK || number == 0)
        return RC_INVALID;
    out->edge = text;
    out->edge_port = (uint16_t)number;
    return RC_OK;
}

enum rc phone_config_go_outside(struct phone_config *c, const char *const *edges, size_t count)
{
    struct phone_node home = c->nodes[0];
    if (!c->is_oauth || count > PHONE_NODE_MAX) return RC_INVALID;
    for (size_t i = 0; i < count; i++) {
        c->nodes[i] = home;
        if (read_edge(str_from(edges[i]), &c->nodes[i]) != RC_OK) return RC_INVALID;
    }
    if (count > 0) c->node_count = count;
    return RC_OK;
}

struct phone_route phone_config_route(const struct phone_config *c, size_t node)
{
    const struct phone_node *n = &c->nodes[node];
    if (n->edge.n > 0) return (struct phone_route){PHONE_TLS, n->edge_port, true, false};
    if (c->is_oauth) return (struct phone_route){PHONE_TLS, n->oauth_port, true, false};
    if (c->security != PHONE_NON_SECURE)
        return (struct phone_route){PHONE_TLS, n->secure_port, false, true};
    enum phone_transport t = c->transport == PHONE_UDP ? PHONE_UDP : PHONE_TCP;
    return (struct phone_route){t, n->sip_port, false, false};
}
