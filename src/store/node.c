#include "store/record_int.h"

#define F(member, kind, flags, max) RECORD_F(struct store_node, member, kind, flags, max)
#define P(column_, member)                                                                         \
    {                                                                                              \
        .column = (column_), .offset = offsetof(struct store_node, ports.member),                  \
        .type = RECORD_INT                                                                         \
    }
static const struct record_field fields[] = {
    F(name, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, 63),
    F(host, RECORD_STR, RECORD_REQUIRED, 253),
    F(addresses, RECORD_STR, 0, 1024),
    F(description, RECORD_STR, 0, 0),
    F(priority, RECORD_INT, 0, 0),
    P("port_sip", sip),
    P("port_sips", sips),
    P("port_oauth", oauth),
    P("port_mra", mra),
    P("port_wss", wss),
    P("port_config_http", config_http),
    P("port_config_https", config_https),
    P("port_https", https),
    P("port_ethernet", ethernet),
    P("port_mgcp_listen", mgcp_listen),
    P("port_mgcp_keepalive", mgcp_keepalive),
};

struct store_ports store_ports_default(void)
{
    return (struct store_ports){5060, 5061, 5090, 5091, 7443, 6970, 6972, 8443, 2000, 2427, 2428};
}

struct port_rule {
    const char *label;
    size_t offset;
    bool may_be_off;
    bool listens; /* the others are printed only and cannot clash */
};
#define R(label_, member, off, listens_)                                                           \
    {                                                                                              \
        (label_), offsetof(struct store_ports, member), (off), (listens_)                          \
    }
static const struct port_rule rules[] = {
    R("SIP Phone Port", sip, true, true),
    R("SIP Phone Secure Port", sips, true, true),
    R("SIP Phone OAuth Port", oauth, false, true),
    R("SIP Mobile and Remote Access Port", mra, false, true),
    R("SIP over WebSocket Port", wss, true, false), /* stored only: nothing opens it */
    R("Configuration HTTP Port", config_http, true, true),
    R("Configuration HTTPS Port", config_https, false, true),
    R("HTTPS Port", https, false, true),
    R("Ethernet Phone Port", ethernet, false, false),
    R("MGCP Listen Port", mgcp_listen, false, false),
    R("MGCP Keep-alive Port", mgcp_keepalive, false, false),
};
enum { RULE_COUNT = sizeof rules / sizeof rules[0] };

static int port_of(const struct store_ports *p, size_t rule)
{
    return *(const int *)(const void *)((const char *)p + rules[rule].offset);
}

static enum rc check_ports(const struct store_ports *p, struct store_why *why)
{
    for (size_t i = 0; i < RULE_COUNT; i++) {
        int port = port_of(p, i);
        if (port == 0 && rules[i].may_be_off) continue;
        if (port < STORE_PORT_MIN || port > STORE_PORT_MAX)
            return store_refuse(why, RC_INVALID, "%s %d is out of range: %d to %d", rules[i].label,
                                port, (int)STORE_PORT_MIN, (int)STORE_PORT_MAX);
        for (size_t j = 0; rules[i].listens && j < i; j++)
            if (rules[j].listens && port_of(p, j) == port)
                return store_refuse(
                    why, RC_INVALID,
                    "%s and %s cannot both be %d: choose another port for one of them",
                    rules[j].label, rules[i].label, port);
    }
    return RC_OK;
}

static bool is_host_text(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              strchr(".-_:", c)))
            return false;
    }
    return true;
}

static enum rc node_check(const void *row, struct store_tx *tx, struct store_why *why)
{
    const struct store_node *n = row;
    (void)tx;
    struct str rest = n->addresses, part;
    if (!is_host_text(n->name) || !is_host_text(n->host))
        return store_refuse(why, RC_INVALID,
                            "a node's name and host are host names: letters, digits, '.', '-'");
    while (str_split(&rest, ' ', &part))
        if (!is_host_text(part))
            return store_refuse(why, RC_INVALID, "addresses are IP addresses separated by spaces");
    if (n->priority < 0 || n->priority > 1000)
        return store_refuse(why, RC_INVALID, "a node's priority is 0 to 1000");
    return check_ports(&n->ports, why);
}

static const struct record_table nodes = {
    .kind = STORE_NODE,
    .table = "cfg_node",
    .match_column = "description",
    .size = sizeof(struct store_node),
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .pkid_offset = offsetof(struct store_node, pkid),
    .version_offset = offsetof(struct store_node, version),
    .check = node_check,
};
RECORD_NOUN(node, nodes)
