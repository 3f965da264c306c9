#include "edge/agreement.h"

#include "edge/cluster.h"

#include <stdio.h>

static void add(struct edge_problem *out, size_t *count, struct str address, const char *text,
                const char *fix)
{
    struct edge_problem *p = &out[(*count)++];
    snprintf(p->text, sizeof p->text, "%.*s: %s", STR_ARG(address), text);
    snprintf(p->fix, sizeof p->fix, "%s", fix);
}

size_t edge_disagreements(const struct edge_settings *edge, const struct edge_cluster *cluster,
                          struct str address, struct edge_problem out[EDGE_DISAGREEMENTS_MAX])
{
    size_t count = 0;
    bool has_port = false;
    for (size_t i = 0; i < cluster->node_count; i++)
        has_port = has_port || cluster->nodes[i].mra_port != 0;
    if (!edge->mode)
        add(out, &count, address,
            "Unified Communications mode is Off on this edge: it has no zones",
            "Here: param set EdgeUnifiedCommunicationsMode mra");
    if (!cluster->sip_oauth_mode)
        add(out, &count, address, "SIP OAuth mode is disabled there: it has no OAuth zones",
            "On the call server: utils sipOAuth-mode enable");
    else if (!has_port)
        add(out, &count, address, "no node of it has a SIP Mobile and Remote Access OAuth port",
            "On the call server: node update NAME --sip-mra-oauth-port 5091");
    if (edge->token_refresh != cluster->refresh_login)
        add(out, &count, address,
            edge->token_refresh ? "configuration mismatch: this edge authorizes by OAuth token "
                                  "with refresh, the call "
                                  "server has OAuth with Refresh Login Flow disabled"
                                : "configuration mismatch: the call server has OAuth with Refresh "
                                  "Login Flow enabled, "
                                  "this edge does not authorize by OAuth token with refresh",
            edge->token_refresh ? "On the call server: param set OAuthRefreshLoginFlow 1"
                                : "Here: param set EdgeAuthorizeByTokenWithRefresh 1");
    return count;
}
