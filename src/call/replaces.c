/* An INVITE that takes the place of a dialog (RFC 3891) goes to the one phone that has it, whatever
 * the number it dials leads to: nobody else could know what it replaces. */
#include "call/proxy_int.h"

#include "call/trunk.h"

struct owner {
    struct call_targets *targets;
    struct str line;
    uint64_t flow;
};

/* Of the phone's registrations the one the dialog runs over; after a move any of that line. */
static void on_bindings(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                        size_t count)
{
    struct owner *o = ctx;
    const struct location_binding *of_line = NULL;
    for (size_t i = 0; rc == RC_OK && i < count; i++) {
        if (!str_eq(bindings[i]->line, o->line)) continue;
        if (!of_line || bindings[i]->flow == o->flow) of_line = bindings[i];
    }
    if (of_line) call_targets_add(o->targets, &of_line, 1, STR(""));
}

static bool read_replaces(struct str value, struct str *call_id, struct str *to, struct str *from)
{
    ptrdiff_t at = str_find_char(value, ';');
    if (at == STR_NPOS) return false;
    struct str params = str_sub(value, (size_t)at, value.n);
    *call_id = str_trim(str_sub(value, 0, (size_t)at));
    *to = sip_param_value(params, STR("to-tag"));
    *from = sip_param_value(params, STR("from-tag"));
    return call_id->n > 0 && to->n > 0 && from->n > 0;
}

unsigned proxy_replaces(struct proxy_context *c, struct str *number)
{
    struct call_node *n = c->proxy->worker->node;
    const struct sip_message *m = c->visit->message;
    unsigned count = sip_message_count(m, SIP_HEADER_REPLACES);
    struct str call_id, to, from;
    struct call_leg leg;
    enum call_side side;
    uint64_t id;
    if (c->method != SIP_METHOD_INVITE || count == 0) return 0;
    if (count > 1 ||
        !read_replaces(sip_message_value(m, SIP_HEADER_REPLACES), &call_id, &to, &from))
        return 400;
    if (call_calls_find(n->calls, call_id, to, from, &id, &side) != RC_OK ||
        !call_calls_leg(n->calls, id, side, &leg))
        return 481;
    if (leg.device[0] == '\0' || call_trunk_is_label(str_from(leg.device))) return 0;
    struct owner o = {&c->targets, str_from(leg.line), leg.flow};
    struct location_key key = {.by = LOCATION_BY_DEVICE, .text = str_from(leg.device)};
    location_fetch(n->location, &key, clock_mono_ms(&n->clock), on_bindings, &o);
    if (arena_str_dup(c->visit->arena, o.line, number) != RC_OK) return 503;
    return c->targets.count > 0 ? 200 : 480;
}
