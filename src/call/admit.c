/* Who sends a request that is not a REGISTER, and may he? The line policy answers it by the device
 * that the connection has registered; a request of a dialog is vouched for by the token in its Route
 * and must come from one of the two phones the token is for. */
#include "call/proxy_int.h"

#include "call/dial.h"
#include "call/privacy.h"
#include "sip/values.h"

static void refuse(struct call_visit *v, const char *why, const char *text)
{
    log_warn(v->worker->node->log, "call.refused", LOG_STR("method", v->message->method_text),
             LOG_STR("device", v->device ? v->device->name : STR("")),
             LOG_STR("from", v->request->basics->from_uri.text), LOG_CSTR("why", why),
             LOG_CSTR("text", text));
    call_answer(v, 403, STR(""), STR(""));
}

/* The number of its own that the caller would like to be known by (RFC 3325, 9.2); another's is no
 * wish at all. */
static const struct directory_device_line *preferred_line(const struct call_visit *v)
{
    struct sip_values values;
    struct str value;
    sip_values_init(&values, v->message, SIP_HEADER_P_PREFERRED_IDENTITY);
    while (sip_values_next(&values, &value) == RC_OK) {
        struct sip_nameaddr na;
        struct sip_uri uri;
        struct call_dialled d;
        if (sip_nameaddr_parse_uri(value, &na, &uri, NULL) != RC_OK) continue;
        if (call_dial_read(&uri, v->arena, &d) != RC_OK) continue;
        if (!d.is_tel && !call_identify_is_our_host(v->worker->node, v->request->flow, &uri.host))
            continue;
        const struct directory_device_line *line = directory_device_line_find(v->device, d.number);
        if (line) return line;
    }
    return NULL;
}

/* From names a line of the device; or nobody, then it is the device's first line, or the one it
 * prefers. */
static bool is_line_fine(struct call_visit *v)
{
    const struct directory_device_line *preferred = preferred_line(v);
    if (call_privacy_is_anonymous(&v->to))
        v->line = v->device->line_count > 0 ? &v->device->lines[0] : NULL;
    else if (!v->line || !call_identify_is_ours(v))
        return false;
    if (preferred) v->line = preferred;
    return v->line != NULL;
}

/* Whoever has a phone registered over this connection, or speaks through an edge and proved himself
 * with this very request. */
static bool is_registered(const struct call_visit *v)
{
    if (v->listener == CALL_MRA) return true;
    const struct call_flow *known = call_flow_of(v->request->flow);
    return known && str_eq_nocase(known->device, v->device->name);
}

bool proxy_admit(struct call_visit *v)
{
    v->is_call = true;
    if (proxy_inward_identify(v)) return proxy_inward_admit(v);
    v->to = v->request->basics->from_uri; /* here the line is the one it comes from */
    call_identify_claim(v);
    call_decide(v);
    switch (v->verdict.action) {
    case CALL_ACCEPT: break;
    case CALL_CHALLENGE_BEARER:
    case CALL_CHALLENGE_DIGEST: call_answer_challenge(v); return false;
    case CALL_REFUSE_UNKNOWN: refuse(v, "unknown", "No such device."); return false;
    case CALL_REFUSE:
    case CALL_REFUSE_MISMATCH:
    case CALL_REFUSE_OWNER: call_answer_refusal(v); return false;
    }
    if (v->in_dialog) return true;
    if (!is_registered(v)) {
        refuse(v, "not-registered", "The device has no registration over this connection.");
        return false;
    }
    if (!is_line_fine(v)) {
        refuse(v, "from", "The From is no line of this device.");
        return false;
    }
    return true;
}

bool proxy_is_our_host(void *ctx, const struct sip_host *host)
{
    struct proxy_here *here = ctx;
    return call_identify_is_our_host(here->node, here->flow, host);
}

/* A maddr leads past the host, so it must be ours too (RFC 3261, 16.4 and 16.5). */
bool proxy_is_ours(void *ctx, const struct sip_uri *uri)
{
    struct sip_host host;
    struct str maddr;
    if (!sip_uri_is_sip(uri) || !proxy_is_our_host(ctx, &uri->host)) return false;
    if (!sip_uri_param(uri, STR("maddr"), &maddr)) return true;
    return sip_host_parse(maddr, &host) == RC_OK && proxy_is_our_host(ctx, &host);
}

/* ---- dialogs ---- */

static bool is_device(const struct siptx_flow *f, const char *device)
{
    const struct call_flow *known = call_flow_of(f);
    return known && device[0] != '\0' && str_eq_nocase(known->device, str_from(device));
}

enum rc proxy_side(struct call_worker *w, const struct siptx_flow *f, const struct call_token *t,
                   enum call_side *side)
{
    static const enum call_side sides[] = {CALL_CALLER, CALL_CALLEE};
    struct call_leg leg;
    for (size_t i = 0; i < 2; i++) {
        if (t->flow[sides[i]] != f->id) continue;
        *side = sides[i];
        return RC_OK;
    }
    for (size_t i = 0; i < 2 && t->call != 0; i++) {
        if (!call_calls_leg(w->node->calls, t->call, sides[i], &leg)) break;
        if (leg.flow != f->id && !is_device(f, leg.device) &&
            !proxy_inward_is(w, f, str_from(leg.device)))
            continue;
        call_calls_move(w->node->calls, t->call, sides[i], f->id);
        *side = sides[i];
        return RC_OK;
    }
    return RC_DENIED;
}

struct newest {
    struct str line;
    uint64_t flow;
};

static void on_device(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                      size_t count)
{
    struct newest *n = ctx;
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        if (n->flow == 0 || str_eq(bindings[i]->line, n->line)) n->flow = bindings[i]->flow;
}

static void on_flow(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                    size_t count)
{
    (void)bindings;
    *(bool *)ctx = rc == RC_OK && count > 0;
}

/* A phone is registered over that flow. */
static bool is_in_use(struct call_worker *w, uint64_t flow)
{
    bool found = false;
    struct location_key key = {.by = LOCATION_BY_FLOW, .flow = flow};
    location_fetch(w->node->location, &key, clock_mono_ms(&w->node->clock), on_flow, &found);
    return found;
}

uint64_t proxy_other_flow(struct call_worker *w, const struct call_token *t, enum call_side side)
{
    enum call_side other = side == CALL_CALLER ? CALL_CALLEE : CALL_CALLER;
    struct call_leg leg;
    uint64_t flow = t->flow[other];
    if (t->call == 0 || !call_calls_leg(w->node->calls, t->call, other, &leg)) return flow;
    /* Another dialog of the same fork has its own flow; only a phone that moved has left it. */
    if (leg.flow != flow && is_in_use(w, flow)) return flow;
    if (leg.flow != 0) flow = leg.flow;
    if (!leg.is_lost || leg.device[0] == '\0') return flow;
    struct newest n = {.line = str_from(leg.line)};
    struct location_key key = {.by = LOCATION_BY_DEVICE, .text = str_from(leg.device)};
    location_fetch(w->node->location, &key, clock_mono_ms(&w->node->clock), on_device, &n);
    return n.flow != 0 ? n.flow : flow;
}
