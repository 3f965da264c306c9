/* sim/check.c - what must hold: every call ends with an answer that could be, nothing is left of it,
 * and no registration is lost. */
#include "sim/sim.h"

#include "siptx/stack.h"

/* ---- answers ---- */

static bool is_for(const struct sim_call *c, unsigned phone)
{
    return sim_number_rings(c->number, phone);
}

void sim_check_begin(struct sim *s, struct sim_call *c)
{
    c->has_begun = true;
    for (unsigned i = 0; i < s->phone_count; i++) {
        const struct sim_phone *p = &s->phones[i];
        if (!is_for(c, i) || p->reg_life == 0) continue;
        if (p->is_registered && p->link && !p->link->is_cut)
            c->expected_phones |= 1u << i;
        else
            c->is_disturbed = true;
    }
    if (!s->phones[c->caller].is_registered) c->is_disturbed = true;
}

static bool is_known_number(const struct sim_call *c)
{
    for (unsigned i = 0; i < SIM_PHONE_MAX; i++)
        if (is_for(c, i)) return true;
    return strcmp(c->number, "2009") == 0 || sim_number_find(c->number);
}

static bool is_mixed(const struct sim_call *c)
{
    for (unsigned i = 0; i < SIM_PHONE_MAX; i++)
        if (is_for(c, i)) return sim_devices[i].is_oauth != sim_devices[c->caller].is_oauth;
    return false;
}

/* RFC 3261, 16.7 step 6: a 6xx if there is one, else of the lowest class. */
static bool is_best_of_refusals(const struct sim_call *c)
{
    unsigned lowest = 7;
    bool is_sent = false;
    for (unsigned i = 0; i < SIM_PHONE_MAX; i++) {
        unsigned class = c->sent[i] / 100;
        if (class == 0) continue;
        if (class == 6 && c->status < 600) return false;
        if (class < lowest) lowest = class;
        is_sent = is_sent || c->sent[i] == c->status;
    }
    return is_sent && (c->status >= 600 || c->status / 100 == lowest);
}

static bool somebody_ignores(const struct sim_call *c)
{
    for (unsigned i = 0; i < SIM_PHONE_MAX; i++)
        if ((c->expected_phones & 1u << i) != 0 && c->callees[i].deed == SIM_IGNORE) return true;
    return false;
}

static bool is_over_udp(const struct sim_call *c)
{
    if (sim_devices[c->caller].transport == SIPTX_UDP) return true;
    for (unsigned i = 0; i < SIM_PHONE_MAX; i++)
        if (is_for(c, i) && sim_devices[i].transport == SIPTX_UDP) return true;
    return false;
}

/* Forwarded and hunted: which of the phones rings when is the plan's matter; what the caller hears
 * must be somebody's word, or that nobody was there. */
static bool is_possible_planned(const struct sim_call *c)
{
    if (c->expected_phones == 0) return c->rang == 0 && c->status >= 400 && c->status < 500;
    if (c->status == 200) return c->answered != 0;
    if (c->was_cancelled && c->status == 487) return true;
    if (c->status == 408 || c->status == 480 || c->status == 486) return true;
    for (unsigned i = 0; i < SIM_PHONE_MAX; i++)
        if (c->sent[i] == c->status) return true;
    return false;
}

static bool is_refused_as_it_came(const struct sim_call *c)
{
    bool nobody = c->expected_phones == 0 && (c->status == 404 || c->status == 480);
    return c->rang == 0 && (nobody || c->status == (c->offer == SIM_OFFER_WRONG ? 488 : 422));
}

/* The one place that knows what a caller may hear. */
static bool is_possible(const struct sim *s, const struct sim_call *c)
{
    if (c->status == 408 && s->weather > 0 && is_over_udp(c)) return true; /* all copies lost */
    if (c->offer != SIM_OFFER_FITS) return is_refused_as_it_came(c);
    if (!is_known_number(c)) return c->status == 404 || (c->was_cancelled && c->status == 487);
    if (sim_number_find(c->number)) return is_possible_planned(c);
    if (c->expected_phones == 0) return c->status == 480;
    if (is_mixed(c)) return c->status == 488 && c->rang == 0;
    if (c->status == 200) return c->answered != 0;
    if (c->was_cancelled && c->status == 487) return true;
    if (c->answered != 0) return false;
    if (somebody_ignores(c) && (c->status == 408 || c->status == 487 || c->status == 480))
        return true;
    return is_best_of_refusals(c);
}

void sim_check_outcome(struct sim *s, const struct sim_call *c)
{
    if (c->is_disturbed) return;
    if (!is_possible(s, c))
        sim_fail(s, "%s called %s and got %u; expected phones %#x, rang %#x, answered %#x%s",
                 sim_devices[c->caller].name, c->number, c->status, c->expected_phones, c->rang,
                 c->answered, c->was_cancelled ? ", cancelled" : "");
    if (c->rang & ~c->expected_phones)
        sim_fail(s, "a call to %s rang phones %#x of %#x", c->number, c->rang, c->expected_phones);
}

/* ---- registrations ---- */

struct found {
    uint64_t flow;
    size_t count;
};

static void on_found(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                     size_t count)
{
    struct found *f = ctx;
    f->count = rc == RC_OK ? count : 0;
    if (f->count > 0) f->flow = bindings[0]->flow;
}

static void check_binding(struct sim *s, const struct sim_phone *p)
{
    struct found f = {0};
    struct location_key key = {.by = LOCATION_BY_DEVICE, .text = str_from(p->device->name)};
    location_fetch(s->node.location, &key, s->site->time.mono_ms, on_found, &f);
    const struct siptx_flow *flow = p->link ? p->link->ends[SIM_AT_NODE].flow : NULL;
    if (!p->is_registered) {
        sim_fail(s, "%s did not come back", p->device->name);
    } else if (f.count != 1 || !flow || f.flow != flow->id) {
        sim_fail(s, "%s believes it is registered: the node has %zu bindings, flow %s",
                 p->device->name, f.count, flow && f.flow == flow->id ? "right" : "wrong");
    }
}

void sim_check_bindings(struct sim *s)
{
    for (unsigned i = 0; i < s->phone_count; i++)
        if (!s->phones[i].is_gone) check_binding(s, &s->phones[i]);
}

/* ---- leftovers ---- */

static void check_stack(struct sim *s, const char *whose, const struct siptx_stack *stack)
{
    uint64_t n = siptx_stack_counters(stack)->transactions;
    if (n != 0) sim_fail(s, "%s: %llu transactions are stuck", whose, (unsigned long long)n);
}

static void check_dialogs(struct sim *s, const struct sim_phone *p)
{
    for (unsigned i = 0; i < p->dialog_count; i++) {
        const struct sim_dialog *d = &p->dialogs[i];
        if (d->state != SIM_OVER)
            sim_fail(s, "%s: a dialog of call %u is left in state %d", p->device->name, d->call,
                     (int)d->state);
    }
}

void sim_check_quiet(struct sim *s)
{
    struct call_record left;
    struct call_counters n;
    call_node_count(s->node.node, &n);
    if (n.contexts != 0)
        sim_fail(s, "the node's proxies still have %llu requests under way",
                 (unsigned long long)n.contexts);
    for (unsigned i = 0; i < SIM_WORKER_COUNT; i++)
        check_stack(s, "node", s->node.stack[i]);
    for (unsigned i = 0; i < s->phone_count; i++) {
        check_stack(s, s->phones[i].device->name, s->phones[i].stack);
        check_dialogs(s, &s->phones[i]);
    }
    for (unsigned i = 0; i < s->call_count; i++)
        if (!s->calls[i].is_done) sim_fail(s, "call %u never ended", i);
    if (call_node_call_count(s->node.node) != 0 && call_node_calls(s->node.node, 0, &left, 1) == 1)
        sim_fail(s, "the node still has %zu calls, one from %s to %s, %s",
                 call_node_call_count(s->node.node), left.from, left.to,
                 call_state_name(left.state));
}
