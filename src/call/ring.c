/* What rings: the steps of a call's plan (plan.h) as targets of its context, the time each may take,
 * and what the answers of phones mean for the next step. */
#include "call/proxy_int.h"

#include "call/dial.h"
#include "sip/warning.h"

/* ---- slots for targets ---- */

/* What is over gives its place to what comes next. A leg that was cancelled may still answer. */
static bool is_free(struct proxy_context *c, size_t i)
{
    struct branch *b = &c->branches[i];
    if (b->state == BRANCH_IDLE) return c->targets.list[i].rank < c->rank;
    if (b->state != BRANCH_DONE || (b->leg && b->is_cancelled)) return false;
    if (!b->leg) return true;
    call_relay_forget(b->leg);
    b->leg = NULL;
    c->legs--;
    return true;
}

static void put(struct proxy_context *c, struct call_target *t, unsigned base)
{
    size_t i = 0;
    while (i < c->targets.count && !is_free(c, i))
        i++;
    if (i == CALL_TARGET_MAX) {
        call_target_fini(t);
        return;
    }
    if (i == c->targets.count)
        c->targets.count++;
    else
        call_target_fini(&c->targets.list[i]);
    c->targets.list[i] = *t;
    c->targets.list[i].rank += base;
    c->branches[i] = (struct branch){.state = BRANCH_IDLE};
}

/* Hands the references of more over; ranks of before are not tried any more. */
static void put_all(struct proxy_context *c, struct call_targets *more)
{
    unsigned base = c->targets.ranks;
    c->rank = base;
    for (size_t i = 0; i < more->count; i++)
        put(c, &more->list[i], base);
    c->targets.ranks = base + more->ranks;
}

/* ---- the phones of a line ---- */

struct gathering {
    struct proxy_context *c;
    struct call_targets targets;
    int trigger;
};

/* Does the phone want this call now? */
static bool takes_call(struct gathering *g, const struct location_binding *b)
{
    struct call_node *n = g->c->proxy->worker->node;
    struct proxy_ring *r = g->c->ring;
    if (!r->is_call) return true;
    const struct directory_device *dev = directory_device_ref(n->directory, b->device);
    bool dnd = dev && dev->dnd;
    directory_device_unref(dev);
    if (dnd) r->dnd++;
    bool busy = dnd || call_calls_busy(n->calls, b->device, b->line) +
                               call_lines_ringing(n->lines, b->device, b->line) >=
                           (unsigned)g->trigger;
    if (busy) r->busy++;
    return !busy;
}

static void on_bindings(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                        size_t count)
{
    struct gathering *g = ctx;
    const struct location_binding *taken[CALL_TARGET_MAX * CALL_WAY_MAX];
    struct str caller = g->c->visit->device ? g->c->visit->device->name : STR("");
    size_t n = 0;
    for (size_t i = 0; rc == RC_OK && i < count && n < sizeof taken / sizeof *taken; i++) {
        if (caller.n > 0 && str_eq_nocase(bindings[i]->device, caller)) continue;
        if (takes_call(g, bindings[i])) taken[n++] = bindings[i];
    }
    call_targets_add(&g->targets, taken, n, STR(""));
}

static void gather(struct gathering *g, struct str number)
{
    struct call_node *n = g->c->proxy->worker->node;
    const struct directory_line *line = directory_line_ref(n->directory, number);
    char aor[LOCATION_AOR_MAX];
    struct buf b;
    if (!line) return;
    buf_init_fixed(&b, aor, sizeof aor);
    buf_put_lit(&b, "sip:");
    buf_put_str(&b, line->pattern);
    g->trigger = directory_line_busy_trigger(n->directory, line);
    struct location_key key = {.by = LOCATION_BY_AOR, .text = buf_str(&b)};
    if (buf_rc(&b) == RC_OK)
        location_fetch(n->location, &key, clock_mono_ms(&n->clock), on_bindings, g);
    directory_line_unref(line);
}

/* ---- a step ---- */

static void add_members(struct gathering *g, const struct call_plan *p)
{
    struct str number;
    for (size_t i = 0; (number = call_plan_member(p, i)).n > 0; i++)
        gather(g, number);
    if (p->group->algorithm != STORE_HUNT_PARALLEL) return;
    for (size_t i = 0; i < g->targets.count; i++) /* all together, whatever their q */
        g->targets.list[i].rank = 0;
    g->targets.ranks = g->targets.count > 0;
}

static void on_ring_end(void *ctx)
{
    struct proxy_context *c = ctx;
    if (!c->request || c->is_answered || c->is_cancelled) return;
    c->depth++;
    c->ring->others++;
    c->rank = c->targets.ranks;
    proxy_give_up_branches(c);
    proxy_advance(c);
    c->depth--;
    proxy_release(c);
}

/* The phones of the step become targets; its time begins. */
static void begin_step(struct proxy_context *c, enum call_plan_what what)
{
    struct proxy_ring *r = c->ring;
    struct gathering g = {.c = c};
    if (what == CALL_PLAN_LINE) gather(&g, r->plan.line->pattern);
    if (what == CALL_PLAN_MEMBERS && r->is_call) add_members(&g, &r->plan);
    if (what == CALL_PLAN_TRUNK) proxy_outward_add(c, &g.targets);
    put_all(c, &g.targets);
    siptx_timer_stop(c->proxy->stack, &r->timer);
    int ring_s = r->is_call && g.targets.count > 0 ? call_plan_ring_s(&r->plan) : 0;
    if (ring_s > 0)
        siptx_timer_start(c->proxy->stack, &r->timer, (int64_t)ring_s * 1000, on_ring_end, c);
}

enum call_plan_what proxy_ring_start(struct proxy_context *c, struct str number)
{
    struct call_node *n = c->proxy->worker->node;
    struct proxy_ring *r = ARENA_NEW(c->visit->arena, struct proxy_ring);
    if (!r) return CALL_PLAN_OVER;
    r->is_call = c->method == SIP_METHOD_INVITE;
    c->ring = r;
    r->what = call_plan_start(&r->plan, n->directory, c->visit->arena, n->lines, number,
                              r->is_call);
    return r->what;
}

void proxy_ring_first(struct proxy_context *c)
{
    begin_step(c, c->ring->what);
}

void proxy_ring_end(struct proxy_context *c)
{
    for (size_t i = 0; i < c->targets.count; i++)
        proxy_outward_stop(&c->branches[i]);
    if (!c->ring) return;
    siptx_timer_stop(c->proxy->stack, &c->ring->timer);
    call_plan_fini(&c->ring->plan);
    c->ring = NULL;
}

/* ---- what is heard ---- */

/* The number of ours a 302 asks for: its first Contact that can be read. */
static struct str deflected_to(struct proxy_context *c, const struct sip_message *m)
{
    struct sip_values values;
    struct str value, number;
    sip_values_init(&values, m, SIP_HEADER_CONTACT);
    while (sip_values_next(&values, &value) == RC_OK) {
        struct sip_nameaddr na;
        struct sip_uri uri;
        struct call_dialled to;
        if (sip_nameaddr_parse_uri(value, &na, &uri, NULL) != RC_OK) continue;
        if (call_dial_read(&uri, c->visit->arena, &to) != RC_OK) continue;
        if (!to.is_tel &&
            !call_identify_is_our_host(c->proxy->worker->node, c->request->flow, &uri.host))
            continue;
        if (arena_str_dup(c->visit->arena, to.number, &number) == RC_OK) return number;
    }
    return STR("");
}

static bool is_deflected(struct proxy_context *c, const struct sip_message *m)
{
    struct proxy_ring *r = c->ring;
    if (m->status < 300 || m->status > 302 || !r->plan.line) return false;
    r->deflected = deflected_to(c, m);
    if (r->deflected.n == 0) return false;
    c->rank = c->targets.ranks;
    proxy_give_up_branches(c);
    return true;
}

/* In a group a phone speaks for itself alone, or for its member. */
static bool is_declined_member(struct proxy_context *c, const struct sip_message *m)
{
    const struct directory_hunt_group *group = c->ring->plan.group;
    if (!group || (m->status < 600 && m->status >= 400)) return false;
    if (c->best == 0) c->best = 480;
    if (group->algorithm == STORE_HUNT_PARALLEL) return true;
    c->rank = c->targets.ranks;
    proxy_give_up_branches(c);
    return true;
}

bool proxy_ring_heard(struct proxy_context *c, unsigned status, const struct sip_message *m)
{
    struct proxy_ring *r = c->ring;
    if (!r || !r->is_call || !c->request) return false;
    if (status == 486 || status == 600)
        r->busy++;
    else
        r->others++;
    return m && (is_deflected(c, m) || is_declined_member(c, m));
}

/* Nobody could be reached, and not because of what was said. */
static bool is_no_answer(unsigned best)
{
    switch (best) {
    case 0:
    case 408:
    case 480:
    case 486:
    case 487:
    case 500:
    case 503:
    case 504:
    case 600: return true;
    default: return false;
    }
}

static enum call_forward why_on(const struct proxy_ring *r)
{
    if (r->others > 0) return CALL_FORWARD_NO_ANSWER;
    if (r->busy == 0) return CALL_FORWARD_UNAVAILABLE;
    return r->dnd == r->busy ? CALL_FORWARD_DND : CALL_FORWARD_BUSY;
}

static enum call_plan_what next_step(struct proxy_context *c)
{
    struct proxy_ring *r = c->ring;
    struct call_lines *lines = c->proxy->worker->node->lines;
    if (r->deflected.n == 0) return call_plan_next(&r->plan, lines, why_on(r));
    struct str number = r->deflected;
    r->deflected = STR("");
    return call_plan_deflect(&r->plan, lines, number);
}

/* What has been heard before says nothing of the new place. */
static void forget_answers(struct proxy_context *c)
{
    c->best = 0;
    buf_reset(&c->best_head);
    buf_reset(&c->best_body);
    buf_reset(&c->challenges);
    c->ring->busy = c->ring->others = c->ring->dnd = 0;
}

/* The answer where no phone gave one that tells more. */
static void conclude(struct proxy_context *c)
{
    struct proxy_ring *r = c->ring;
    if (!is_no_answer(c->best) || (!r->plan.group && c->best != 0)) return;
    if (c->best == 0 && c->media_why) { /* nobody here, and whoever was before could not take it */
        c->best = 488;
        return;
    }
    c->best = r->busy > 0 && r->others == 0 ? 486 : 480;
    buf_reset(&c->best_head);
}

bool proxy_ring_next(struct proxy_context *c)
{
    struct proxy_ring *r = c->ring;
    if (!r || !r->is_call) return false;
    for (;;) {
        if (r->deflected.n == 0 && !r->plan.group && !is_no_answer(c->best)) return false;
        const struct directory_hunt_group *group = r->plan.group;
        enum call_plan_what what = next_step(c);
        if (what == CALL_PLAN_TOO_FAR) r->is_too_far = true;
        if (what != CALL_PLAN_LINE && what != CALL_PLAN_MEMBERS && what != CALL_PLAN_TRUNK) {
            conclude(c);
            return false;
        }
        r->what = what;
        if (what != CALL_PLAN_MEMBERS || r->plan.at == 0 || r->plan.group != group)
            forget_answers(c);
        c->is_stopped = false;
        begin_step(c, what);
        if (proxy_start_rank(c)) return true;
    }
}

struct str proxy_ring_headers(struct proxy_context *c, unsigned status)
{
    const struct proxy_ring *r = c->ring;
    struct str agent = c->proxy->worker->node->node_name, text = STR(""), out;
    struct buf b;
    if (!r) return STR("");
    if (r->is_too_far)
        text = STR("More forwards than allowed");
    else if (status == 486 && r->dnd > 0 && r->dnd == r->busy)
        text = STR("Do not disturb");
    if (text.n == 0) return text;
    char line[256];
    buf_init_fixed(&b, line, sizeof line);
    sip_warning_print(&b, 399, agent, text);
    if (buf_rc(&b) != RC_OK || arena_str_dup(c->visit->arena, buf_str(&b), &out) != RC_OK)
        return STR("");
    return out;
}

/* ---- what rings is counted ---- */

void proxy_ring_count(struct branch *b)
{
    const struct call_target *t = b->target;
    struct proxy_context *c = b->context;
    if (!c->ring || !c->ring->is_call || t->way_count == 0) return;
    b->is_counted = call_lines_ring(c->proxy->worker->node->lines, t->ways[0]->device,
                                    t->ways[0]->line);
}

void proxy_ring_uncount(struct branch *b)
{
    if (!b->is_counted) return;
    b->is_counted = false;
    call_lines_quiet(b->context->proxy->worker->node->lines, b->target->ways[0]->device,
                     b->target->ways[0]->line);
}
