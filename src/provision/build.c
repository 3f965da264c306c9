#include "base/base64.h"
#include "directory/dialplan.h"
#include "provision/build_int.h"
#include <assert.h>

static enum rc keep(struct arena *arena, struct str *s)
{
    return s->n > 0 ? arena_str_dup(arena, *s, s) : RC_OK;
}

/* Nodes come by priority. */
static enum rc take_nodes(struct directory *d, struct arena *arena, struct provision_document *doc)
{
    const struct directory_nodes *nodes = directory_nodes_ref(d);
    if (!nodes) return RC_NOMEM;
    size_t count = nodes->count < PROVISION_NODE_MAX ? nodes->count : PROVISION_NODE_MAX;
    struct provision_node *out = ARENA_ARRAY(arena, struct provision_node, count);
    enum rc rc = out ? RC_OK : RC_NOMEM;
    for (size_t i = 0; rc == RC_OK && i < count; i++) {
        const struct store_node *n = &nodes->rows[i];
        const struct store_ports *p = &n->ports;
        out[i] = (struct provision_node){
            .name = n->host,
            .description = n->description.n ? n->description : n->name,
            .sip_port = (uint16_t)p->sip,
            .secure_port = (uint16_t)p->sips,
            .oauth_port = (uint16_t)p->oauth,
            .mra_oauth_port = (uint16_t)p->mra,
            .ethernet_port = (uint16_t)p->ethernet,
            .mgcp_listen_port = (uint16_t)p->mgcp_listen,
            .mgcp_keepalive_port = (uint16_t)p->mgcp_keepalive,
        };
        rc = keep(arena, &out[i].name);
        if (rc == RC_OK) rc = keep(arena, &out[i].description);
    }
    directory_nodes_unref(nodes);
    doc->nodes = out;
    doc->node_count = count;
    return rc;
}

/* What the device says of its line wins over what the line says of itself. */
static enum rc take_line(struct directory *d, struct arena *arena,
                         const struct directory_device_line *from, struct provision_line *out)
{
    const struct directory_line *line = directory_line_ref(d, from->pattern);
    *out = (struct provision_line){
        .index = (unsigned)from->index,
        .number = from->pattern,
        .display_name = from->display.n ? from->display
                        : line          ? line->display
                                        : STR(""),
        .label = from->label,
        .contact = from->contact,
        .external_mask = STR(""),
        .busy_trigger = line ? (uint64_t)directory_line_busy_trigger(d, line) : 0,
    };
    enum rc rc = keep(arena, &out->number);
    if (rc == RC_OK) rc = keep(arena, &out->display_name);
    if (rc == RC_OK) rc = keep(arena, &out->label);
    if (rc == RC_OK) rc = keep(arena, &out->contact);
    directory_line_unref(line);
    return rc;
}

static enum rc take_lines(struct directory *d, const struct directory_device *dev,
                          struct arena *arena, struct provision_document *doc)
{
    size_t count = dev->line_count < PROVISION_LINE_MAX ? dev->line_count : PROVISION_LINE_MAX;
    struct provision_line *out = ARENA_ARRAY(arena, struct provision_line, count);
    if (!out) return RC_NOMEM;
    for (size_t i = 0; i < count; i++) {
        enum rc rc = take_line(d, arena, &dev->lines[i], &out[i]);
        if (rc != RC_OK) return rc;
    }
    doc->lines = out;
    doc->line_count = count;
    return RC_OK;
}
static_assert((int)PROVISION_LINE_MAX == STORE_DEVICE_LINE_MAX, "no line of a device is left out");

static enum provision_transport transport_of(enum store_transport transport)
{
    switch (transport) {
    case STORE_UDP: return PROVISION_UDP;
    case STORE_TLS: return PROVISION_TLS;
    case STORE_TCP:
    case STORE_TCP_UDP: break;
    }
    return PROVISION_TCP;
}

static enum rc take_profile(struct directory *d, const struct directory_device *dev,
                            struct provision_document *doc)
{
    const struct directory_profile *profile = directory_profile_ref(d, dev->profile);
    if (!profile) return RC_NOT_FOUND;
    doc->security = (enum provision_security)profile->security;
    doc->transport = transport_of(profile->transport);
    doc->is_oauth = profile->oauth && directory_param_number(d, STORE_P_SIP_OAUTH_MODE) != 0;
    directory_profile_unref(profile);
    return RC_OK;
}
static_assert((int)PROVISION_NON_SECURE == STORE_NON_SECURE &&
                  (int)PROVISION_AUTHENTICATED == STORE_AUTHENTICATED &&
                  (int)PROVISION_ENCRYPTED == STORE_ENCRYPTED,
              "the store keeps the document's own numbers");

/* A number of the device's own that stays: the head of its uuid, positive in 32 bits. */
static uint64_t ctiid_of(struct str pkid)
{
    uint8_t head[4];
    size_t n;
    if (hex_decode(str_sub(pkid, 0, 8), head, sizeof head, &n) != RC_OK || n != sizeof head)
        return 1;
    uint32_t id = ((uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 |
                   head[3]) &
                  0x7FFFFFFFu;
    return id ? id : 1;
}

enum rc provision_build(struct directory *d, const struct directory_device *dev,
                        struct arena *arena, struct provision_document *out)
{
    *out = (struct provision_document){
        .device_uuid = dev->pkid,
        .ctiid = ctiid_of(dev->pkid),
        .description = dev->description,
        .pool_name = STR("Default"),
        .pool_uuid = STR(""),
        .group_name = STR("Default"),
        .register_s = 3600,
        .register_delta_s = 5,
        .keepalive_s = (uint64_t)directory_param_number(d, STORE_P_KEEPALIVE_S),
        .monitor_s = 120,
        .user = dev->owner,
        .version_stamp = STR(""),
    };
    enum rc rc = keep(arena, &out->device_uuid);
    if (rc == RC_OK) rc = keep(arena, &out->description);
    if (rc == RC_OK) rc = keep(arena, &out->user);
    if (rc == RC_OK) rc = take_profile(d, dev, out);
    if (rc == RC_OK) rc = take_nodes(d, arena, out);
    if (rc == RC_OK) rc = take_lines(d, dev, arena, out);
    return rc;
}
