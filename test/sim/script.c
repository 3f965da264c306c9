/* sim/script.c - what happens in a run, drawn from its seed; and the run itself. */
#include "sim/sim.h"

#include "base/check.h"

#include <stdio.h>

enum {
    SIM_MIXED = 60, /* per mille, as the next two */
    SIM_PLANNED = 250,
    SIM_WRONG = 80,
    SETTLE_MS = 40000,    /* all phones have registered; calls begin then */
    CALLS_MS = 30000,     /* within which calls begin */
    CUTS_MS = 60000,      /* within which the network is cut */
    LONGEST_MS = 900000,  /* by then every call is over */
    RETURN_MS = 120000,   /* by then every phone is back */
    PATIENCE_MS = 250000, /* no caller waits longer; after timer C */
    QUIET_MS = 300000,    /* longer than timer C and all that follows it */
};

void sim_start(struct sim *s, struct wheel_timer *t, int64_t delay_ms, wheel_fn *fn, void *ctx)
{
    wheel_start(s->wheel, t, (uint64_t)s->site->time.mono_ms,
                (uint64_t)(delay_ms > 0 ? delay_ms : 0), fn, ctx);
}

void sim_tell(struct sim *s, const char *fmt, ...)
{
    va_list ap;
    if (!s->is_told) return;
    printf("%9.3f  ", (double)sim_now_ms(s) / 1000);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
}

void sim_fail(struct sim *s, const char *fmt, ...)
{
    va_list ap;
    if (s->failure[0] != '\0') return;
    int n = snprintf(s->failure, sizeof s->failure, "at %.3f s: ", (double)sim_now_ms(s) / 1000);
    va_start(ap, fmt);
    vsnprintf(s->failure + n, sizeof s->failure - (size_t)n, fmt, ap);
    va_end(ap);
    sim_tell(s, "WRONG: %s", s->failure);
}

/* ---- the script ---- */

/* One of n numbers. */
static unsigned one_of(struct sim *s, unsigned n)
{
    return (unsigned)random_below(&s->random, n);
}

/* A number of the dial plan that does not lead back to the caller. */
static bool script_planned(struct sim *s, struct sim_call *c)
{
    const struct sim_number *n = &sim_numbers[one_of(s, SIM_NUMBER_COUNT)];
    if (!sim_devices[c->caller].is_oauth || sim_number_rings(n->number, c->caller)) return false;
    snprintf(c->number, sizeof c->number, "%s", n->number);
    return true;
}

static void script_number(struct sim *s, struct sim_call *c)
{
    if (sim_chance(s, SIM_PLANNED) && script_planned(s, c)) return;
    static const char *const nobody[] = {"9999", "2009"};
    const struct sim_device *caller = &sim_devices[c->caller];
    const char *number = nobody[one_of(s, 2)];
    bool is_mixed = sim_chance(s, SIM_MIXED);
    if (!sim_chance(s, 60)) {
        const struct sim_device *d;
        do
            d = &sim_devices[one_of(s, SIM_PHONE_MAX)];
        while (strcmp(d->line, caller->line) == 0 || (d->is_oauth != caller->is_oauth) != is_mixed);
        number = d->line;
    }
    snprintf(c->number, sizeof c->number, "%s", number);
}

static void script_callee(struct sim *s, struct sim_call *c, unsigned i)
{
    static const unsigned refusals[] = {486, 480, 603, 404, 488, 600, 486, 486};
    unsigned luck = one_of(s, 100);
    c->callees[i].deed = luck < 65 ? SIM_ANSWER : luck < 85 ? SIM_REJECT : SIM_IGNORE;
    c->callees[i].status = refusals[one_of(s, 8)];
    c->callees[i].ring_ms = sim_between(s, 0, 500);
    c->callees[i].decide_ms = c->callees[i].deed == SIM_IGNORE
                                  ? 240000
                                  : sim_between(s, 0, sim_chance(s, 500) ? 50 : 15000);
}

static void script_call(struct sim *s, unsigned i)
{
    struct sim_call *c = &s->calls[i];
    *c = (struct sim_call){.sim = s, .index = i};
    do
        c->caller = one_of(s, SIM_PHONE_MAX);
    while (s->phones[c->caller].is_gone);
    script_number(s, c);
    if (sim_chance(s, SIM_WRONG))
        c->offer = one_of(s, 2) == 0 ? SIM_OFFER_WRONG : SIM_OFFER_HURRIED;
    c->start_ms = SETTLE_MS + sim_between(s, 0, sim_chance(s, 300) ? 100 : CALLS_MS);
    c->cancel_ms = sim_chance(s, 300) ? sim_between(s, 0, sim_chance(s, 500) ? 600 : 16000)
                                      : SIM_NEVER;
    c->talk_ms = sim_between(s, 0, sim_chance(s, 300) ? 200 : 40000);
    c->hangs_up = 1 + one_of(s, 3);
    for (unsigned k = 0; k < SIM_PHONE_MAX; k++)
        script_callee(s, c, k);
}

/* Some phones are not there at all. */
static void script_phones(struct sim *s)
{
    for (unsigned i = 0; i < SIM_PHONE_MAX; i++)
        s->phones[i].is_gone = i > 0 && sim_chance(s, 120);
}

/* ---- events ---- */

static void on_connect(void *ctx)
{
    struct sim_phone *p = ctx;
    sim_phone_connect(p);
}

static void on_cut(void *ctx)
{
    struct sim_phone *p = ctx;
    struct sim *s = p->sim;
    unsigned luck = one_of(s, 10);
    int64_t node_hears = luck < 5 ? sim_between(s, 0, 200) : sim_between(s, 1000, 40000);
    if (luck == 9 || p->device->transport == SIPTX_UDP) node_hears = SIM_NEVER;
    sim_phone_cut(p, node_hears, sim_chance(s, 100) ? SIM_NEVER : sim_between(s, 50, 20000));
}

static void on_cancel(void *ctx)
{
    struct sim_call *c = ctx;
    sim_dialog_cancel(c->sim, c->index);
}

static void on_call(void *ctx)
{
    struct sim_call *c = ctx;
    struct sim *s = c->sim;
    sim_check_begin(s, c);
    sim_tell(s, "call %u: %s calls %s%s", c->index, sim_devices[c->caller].name, c->number,
             c->is_disturbed ? ", disturbed" : "");
    sim_dialog_call(s, c->index);
    if (!c->is_done)
        sim_start(s, &c->cancel, c->cancel_ms != SIM_NEVER ? c->cancel_ms : PATIENCE_MS, on_cancel,
                  c);
}

static void script_write(struct sim *s)
{
    static const unsigned weathers[] = {0, 0, 60, 150, 300};
    s->weather = weathers[one_of(s, 5)];
    s->phone_count = SIM_PHONE_MAX;
    s->call_count = 1 + one_of(s, SIM_CALL_MAX);
    for (unsigned i = 0; i < SIM_PHONE_MAX; i++)
        CHECK(sim_phone_open(s, i) == RC_OK);
    script_phones(s);
    for (unsigned i = 0; i < s->call_count; i++) {
        script_call(s, i);
        sim_start(s, &s->calls[i].start, s->calls[i].start_ms, on_call, &s->calls[i]);
    }
    for (unsigned i = 0; i < SIM_PHONE_MAX; i++)
        if (!s->phones[i].is_gone)
            sim_start(s, &s->phones[i].timer, sim_between(s, 0, 2000), on_connect, &s->phones[i]);
    for (unsigned n = sim_chance(s, 400) ? 1 + one_of(s, 3) : 0; n > 0; n--) {
        struct sim_phone *p = &s->phones[one_of(s, SIM_PHONE_MAX)];
        sim_start(s, &p->cut, SETTLE_MS + sim_between(s, 0, CUTS_MS), on_cut, p);
    }
}

/* ---- the run ---- */

static void deliver_posts(struct sim *s)
{
    bool any = true;
    unsigned first = one_of(s, SIM_WORKER_COUNT);
    while (any) {
        any = false;
        for (unsigned i = 0; i < SIM_WORKER_COUNT; i++)
            any = siptx_stack_deliver(s->node.stack[(first + i) % SIM_WORKER_COUNT]) > 0 || any;
    }
}

/* Time goes on to whatever is next, at most until then. */
static void step(struct sim *s, int64_t until_ms)
{
    int64_t left = until_ms - sim_now_ms(s);
    uint64_t next = wheel_next_ms(s->wheel, (uint64_t)s->site->time.mono_ms);
    kit_time_pass(&s->site->time, next == 0 ? 1 : next < (uint64_t)left ? (int64_t)next : left);
    wheel_advance(s->wheel, (uint64_t)s->site->time.mono_ms);
    deliver_posts(s);
}

static bool calls_are_over(const struct sim *s)
{
    for (unsigned i = 0; i < s->call_count; i++)
        if (!s->calls[i].is_done) return false;
    for (unsigned i = 0; i < s->phone_count; i++)
        for (unsigned k = 0; k < s->phones[i].dialog_count; k++)
            if (s->phones[i].dialogs[k].state != SIM_OVER) return false;
    return true;
}

static bool phones_are_back(const struct sim *s)
{
    for (unsigned i = 0; i < s->phone_count; i++) {
        const struct sim_phone *p = &s->phones[i];
        if (!p->is_gone && (!p->is_registered || p->link->is_cut)) return false;
    }
    return sim_now_ms(s) > SETTLE_MS + CUTS_MS;
}

typedef bool sim_until_fn(const struct sim *s);
static void run_until(struct sim *s, sim_until_fn *is_there, int64_t at_most_ms)
{
    int64_t until = sim_now_ms(s) + at_most_ms;
    while (s->failure[0] == '\0' && sim_now_ms(s) < until && !(is_there && is_there(s)))
        step(s, until);
}

static void count_up(struct sim *s)
{
    struct sim_counts *n = s->counts;
    n->runs++;
    n->calls += s->call_count;
    for (unsigned i = 0; i < s->phone_count; i++)
        n->phones += s->phones[i].reg_life > 0;
    for (unsigned i = 0; i < s->call_count; i++) {
        const struct sim_call *c = &s->calls[i];
        n->disturbed += c->is_disturbed;
        n->planned += sim_number_find(c->number) != NULL;
        n->wrong_offers += c->offer != SIM_OFFER_FITS;
        n->answered += c->status == 200;
        n->cancelled += c->status == 487;
        n->unanswered += c->status == 408 || c->status == 480 || c->status == 0;
        n->refused += c->status >= 300 && c->status != 487 && c->status != 408 && c->status != 480;
    }
}

static void sim_open(struct sim *s, struct sim_site *site, uint64_t seed, bool told,
                     struct sim_counts *counts)
{
    *s = (struct sim){.site = site, .seed = seed, .is_told = told, .counts = counts};
    (void)kit_clock(&site->time); /* begins anew */
    s->random = kit_random(&s->dice, seed * UINT64_C(0x9E3779B97F4A7C15) + 1);
    s->began_ms = site->time.mono_ms;
    s->wheel = wheel_new((uint64_t)site->time.mono_ms);
    CHECK(s->wheel != NULL);
    list_init(&s->links);
    list_init(&s->packets);
    sim_node_open(s);
    script_write(s);
}

static void sim_close(struct sim *s)
{
    for (unsigned i = 0; i < s->phone_count; i++)
        sim_phone_close(&s->phones[i]);
    sim_node_close(s);
    sim_network_free(s);
    s->wheel = wheel_free(s->wheel);
}

bool sim_run(struct sim_site *site, uint64_t seed, bool told, struct sim_counts *counts,
             uint64_t *fingerprint, char failure[1024])
{
    static struct sim s;
    sim_open(&s, site, seed, told, counts);
    run_until(&s, calls_are_over, LONGEST_MS);
    run_until(&s, phones_are_back, RETURN_MS);
    sim_check_bindings(&s);
    s.is_ending = true;
    for (unsigned i = 0; i < s.phone_count; i++) {
        wheel_stop(s.wheel, &s.phones[i].timer);
        sim_dialogs_give_up(&s.phones[i]);
    }
    run_until(&s, NULL, QUIET_MS);
    sim_check_quiet(&s);
    count_up(&s);
    *fingerprint = s.fingerprint;
    memcpy(failure, s.failure, sizeof s.failure);
    sim_close(&s);
    return failure[0] == '\0';
}
