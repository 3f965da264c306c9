/* Trunks: a branch that has to find its way out before it can be sent, and requests that come in from
 * one. A trunk reaches numbers of ours and nothing else; who forwards such a call to another trunk is
 * the line, by its settings. */
#include "call/proxy_int.h"

#include "call/trunk.h"

/* ---- out ---- */

void proxy_outward_add(struct proxy_context *c, struct call_targets *out)
{
    const struct call_plan *p = &c->ring->plan;
    char text[2 * STORE_TEXT_MAX];
    struct str uri;
    struct buf b;
    if (!p->trunk->enabled) return;
    buf_init_fixed(&b, text, sizeof text);
    call_trunk_print_uri(&b, p->trunk, str_from(p->number));
    if (buf_rc(&b) != RC_OK || arena_str_dup(c->visit->arena, buf_str(&b), &uri) != RC_OK) return;
    call_targets_add_trunk(out, uri, p->trunk);
}

/* Nobody there could be reached. */
static void fail(struct branch *b)
{
    if (!b->is_refused)
        log_warn(b->context->proxy->worker->node->log, "trunk.unreachable",
                 LOG_STR("trunk", b->target->trunk->name), LOG_STR("host", b->target->trunk->host));
    proxy_branch_failed(b, 503);
}

/* Within a dialog the trunk is at that flow from now on. */
static bool send_over(struct branch *b, uint64_t flow)
{
    struct proxy_context *c = b->context;
    b->target->flow = flow;
    if (!proxy_send_branch(b)) return false;
    if (!c->is_initial && c->call != 0)
        call_calls_move(c->proxy->worker->node->calls, c->call, call_other_side(c->side), flow);
    return true;
}

static void on_reached(void *ctx, enum rc rc, uint64_t flow)
{
    struct branch *b = ctx;
    struct proxy_context *c = b->context;
    c->depth++;
    if (rc != RC_OK || (!send_over(b, flow) && !proxy_outward_next(b))) fail(b);
    proxy_advance(c);
    c->depth--;
    proxy_release(c);
}

bool proxy_outward_begin(struct branch *b)
{
    const struct directory_trunk *t = b->target->trunk;
    struct proxy_context *c = b->context;
    b->ask = ARENA_NEW(c->visit->arena, struct call_reach_ask);
    if (!b->ask) return false;
    call_reach_ask(b->ask, c->proxy->worker->reach, t->host, (uint16_t)t->port,
                   call_trunk_transport(t->transport), on_reached, b);
    return proxy_outward_next(b);
}

bool proxy_outward_next(struct branch *b)
{
    enum rc rc;
    uint64_t flow;
    while ((rc = call_reach_next(b->ask, &flow)) == RC_OK)
        if (send_over(b, flow)) return true;
    return rc == RC_MORE;
}

void proxy_outward_stop(struct branch *b)
{
    if (b->ask) call_reach_stop(b->ask);
    b->ask = NULL;
}

/* The trunk of that label, enabled or not: its calls are to end properly. */
static const struct directory_trunk *trunk_labelled(struct directory *d, struct str label)
{
    const struct directory_trunks *all = directory_trunks_ref(d);
    const struct directory_trunk *found = NULL;
    for (size_t i = 0; all && i < all->count && !found; i++) {
        char own[CALL_TRUNK_LABEL_MAX + 1];
        call_trunk_label(all->rows[i].name, own);
        if (str_eq_nocase(str_from(own), label)) found = directory_trunk_ref(d, all->rows[i].name);
    }
    directory_trunks_unref(all);
    return found;
}

const struct directory_trunk *proxy_outward_lost(struct call_worker *w, const struct call_token *t,
                                                 enum call_side side)
{
    struct call_leg leg;
    if (t->call == 0 || !call_calls_leg(w->node->calls, t->call, call_other_side(side), &leg))
        return NULL;
    if (leg.flow != 0 || !call_trunk_is_label(str_from(leg.device))) return NULL;
    return trunk_labelled(w->node->directory, str_from(leg.device));
}

uint16_t proxy_own_port(struct call_node *n, enum siptx_transport t)
{
    const struct directory_node *node = directory_node_ref(n->directory, n->node_name);
    int port = !node ? 0 : t == SIPTX_TLS ? node->ports.sips : node->ports.sip;
    directory_node_unref(node);
    return (uint16_t)port;
}

/* ---- in ---- */

/* The trunk that a connection of ours leads to. */
static const struct directory_trunk *trunk_reached(struct call_worker *w,
                                                   const struct siptx_flow *f)
{
    struct str host = call_reach_host(w->reach, f);
    struct directory *d = w->node->directory;
    const struct directory_trunk *found = NULL;
    if (host.n == 0) return NULL;
    const struct directory_trunks *all = directory_trunks_ref(d);
    for (size_t i = 0; all && i < all->count && !found; i++) {
        const struct store_trunk *t = &all->rows[i];
        if (t->enabled && str_eq_nocase(t->host, host) &&
            call_trunk_transport(t->transport) == (enum siptx_transport)f->transport)
            found = directory_trunk_ref(d, t->name);
    }
    directory_trunks_unref(all);
    return found;
}

static const struct directory_trunk *trunk_of(struct call_worker *w, const struct siptx_flow *f)
{
    const struct directory_trunk *t = call_trunk_find(w->node->directory, f);
    return t ? t : trunk_reached(w, f);
}

bool proxy_inward_identify(struct call_visit *v)
{
    if (v->listener != CALL_LINE && v->listener != CALL_SECURE) return false;
    if (!v->request->flow || call_flow_of(v->request->flow)) return false; /* a phone's */
    v->trunk = trunk_of(v->worker, v->request->flow);
    return v->trunk != NULL;
}

bool proxy_inward_admit(struct call_visit *v)
{
    switch ((int)v->message->method) {
    case SIP_METHOD_INVITE:
    case SIP_METHOD_MESSAGE:
    case SIP_METHOD_OPTIONS: return true;
    default: break;
    }
    if (v->in_dialog) return true;
    log_warn(v->worker->node->log, "call.refused", LOG_STR("method", v->message->method_text),
             LOG_STR("trunk", v->trunk->name), LOG_CSTR("why", "method"));
    call_answer(v, 403, STR(""), STR(""));
    return false;
}

bool proxy_inward_may(const struct proxy_context *c)
{
    const struct call_plan *p = &c->ring->plan;
    return !c->visit->trunk || !p->trunk || p->diversions;
}

bool proxy_inward_is(struct call_worker *w, const struct siptx_flow *f, struct str label)
{
    char own[CALL_TRUNK_LABEL_MAX + 1];
    if (!call_trunk_is_label(label)) return false;
    const struct directory_trunk *t = trunk_of(w, f);
    if (!t) return false;
    call_trunk_label(t->name, own);
    directory_trunk_unref(t);
    return str_eq_nocase(str_from(own), label);
}

/* Who calls, as the trunk says: its P-Asserted-Identity, else From. */
struct str proxy_inward_number(const struct call_visit *v)
{
    struct sip_nameaddr na;
    struct sip_uri uri = {0};
    struct str number;
    struct str asserted = sip_message_value(v->message, SIP_HEADER_P_ASSERTED_IDENTITY);
    bool good = asserted.n > 0 && sip_nameaddr_parse_uri(asserted, &na, &uri, NULL) == RC_OK &&
                sip_uri_is_sip(&uri) && uri.has_user;
    if (!good) uri = v->request->basics->from_uri;
    if (!uri.has_user || sip_percent_decode(uri.user, v->arena, &number) != RC_OK)
        return STR("anonymous");
    return number;
}
