/* Pairing of two edges: each gives the other its card, which names it and holds the CA that edge made for
 * itself. Nothing in a card is secret; that it is the right one is seen by its fingerprint. */
#include "admin/api_int.h"
#include "admin/wipe.h"

#include "crypto/x509.h"
#include "store/remote.h"

enum { CARD_VERSION = 1, TUNNEL_PORT = 2222 };

static const struct admin_live *live_of(const struct admin_call *c)
{
    return c->admin->live;
}

static int param(const struct admin_call *c, enum store_param_id id)
{
    return (int)directory_param_number(c->admin->directory, id);
}

static enum rc fingerprint(struct admin_call *c, struct str pem, struct str *out)
{
    struct crypto_cert_info *info;
    size_t count;
    char hex[2 * sizeof info->sha256 + 1];
    struct buf b;
    buf_init_fixed(&b, hex, sizeof hex);
    enum rc rc = crypto_cert_read(pem, c->arena, &info, &count);
    if (rc != RC_OK) return rc;
    buf_put_hex(&b, bytes_of(info[0].sha256, sizeof info[0].sha256));
    return arena_str_dup(c->arena, buf_str(&b), out);
}

void edge_card(struct admin_call *c)
{
    struct store_cert ca;
    struct str print = STR("");
    enum rc rc = store_cert_get(c->admin->store, STR("CA"), c->arena, &ca, &c->why);
    if (rc == RC_OK) rc = fingerprint(c, ca.chain_pem, &print);
    admin_text_wipe(ca.key_pem);
    if (rc != RC_OK) {
        api_fail_rc(c, rc, "certificate", STR("CA"));
        return;
    }
    api_reply(c, 200,
              json_pack("{s:i, s:o, s:o, s:o, s:i, s:i, s:i, s:o, s:o}", "bearline_edge_card",
                        CARD_VERSION, "name", api_str(live_of(c)->node_name), "role",
                        api_str(live_of(c)->role), "host", api_str(live_of(c)->host), "sip_port",
                        param(c, STORE_P_EDGE_LINK_PORT), "tunnel_port",
                        param(c, STORE_P_EDGE_TUNNEL_PORT), "media_port",
                        param(c, STORE_P_EDGE_MUX_PORT), "ca_pem", api_str(ca.chain_pem),
                        "fingerprint", api_str(print)));
}

/* A port of the card; 0 when it has none. */
static int card_port(struct admin_call *c, const char *name)
{
    return (int)json_integer_value(json_object_get(c->body, name));
}

static bool read_card(struct admin_call *c, struct store_peer *out)
{
    struct str role;
    if (json_integer_value(json_object_get(c->body, "bearline_edge_card")) != CARD_VERSION) {
        api_fail(c, 422, "invalid", NULL,
                 "this is no card of an edge: make one there with \"bearline --edge peer card\"");
        return false;
    }
    if (!api_text(c, "name", true, &out->name) || !api_text(c, "role", true, &role) ||
        !api_text(c, "host", true, &out->host) || !api_text(c, "ca_pem", true, &out->ca_pem))
        return false;
    if (str_eq(role, live_of(c)->role)) {
        api_fail(c, 422, "invalid", "role",
                 "that card is of another %.*s edge: pair an inner edge with an outer one",
                 STR_ARG(role));
        return false;
    }
    out->role = str_eq(role, STR("inner")) ? STORE_EDGE_INNER : STORE_EDGE_OUTER;
    if (out->role == STORE_EDGE_INNER) out->host = STR(""); /* nobody dials it */
    out->sip_port = card_port(c, "sip_port");
    out->tunnel_port = card_port(c, "tunnel_port");
    out->media_port = card_port(c, "media_port");
    out->enabled = true;
    return true;
}

void edge_pair(struct admin_call *c)
{
    struct store_peer peer = {.description = STR("by its card")};
    struct str print = STR("");
    if (!read_card(c, &peer)) return;
    enum rc rc = fingerprint(c, peer.ca_pem, &print);
    if (rc != RC_OK) {
        api_fail(c, 422, "invalid", "ca_pem", "the card holds no certificate that can be read");
        return;
    }
    rc = store_peer_put(c->admin->store, &c->by, STORE_PUT, &peer, &c->why);
    if (rc != RC_OK)
        api_fail_rc(c, rc, "peer", peer.name);
    else
        api_reply(c, 200,
                  json_pack("{s:o, s:o, s:o}", "paired", api_str(peer.name), "role",
                            api_str(peer.role == STORE_EDGE_INNER ? STR("inner") : STR("outer")),
                            "fingerprint", api_str(print)));
}
