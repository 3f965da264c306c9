/* sim/phone.c - a phone's connection and registration: it connects, registers, refreshes, and comes
 * back when it has lost the network. */
#include "sim/sim.h"

#include "base/check.h"
#include "sip/number.h"

enum { RETRY_MIN_MS = 500, RETRY_MAX_MS = 3000 };

static void on_connect(void *ctx);
static void on_refresh(void *ctx);

struct siptx_flow *sim_phone_flow(const struct sim_phone *p)
{
    return p->link ? p->link->ends[SIM_AT_PHONE].flow : NULL;
}

/* All its dialogs, at both ends. */
static void disturb_call(struct sim *s, unsigned call)
{
    for (unsigned i = 0; i < s->phone_count; i++) {
        struct sim_phone *p = &s->phones[i];
        for (unsigned k = 0; k < p->dialog_count; k++)
            if (p->dialogs[k].call == call) p->dialogs[k].is_disturbed = true;
    }
}

void sim_phone_disturb(struct sim_phone *p)
{
    struct sim *s = p->sim;
    for (unsigned i = 0; i < s->call_count; i++) {
        struct sim_call *c = &s->calls[i];
        bool is_theirs = sim_number_rings(c->number, p->index) || c->caller == p->index;
        if (is_theirs) c->is_disturbed = c->is_disturbed || c->has_begun;
    }
    for (unsigned i = 0; i < p->dialog_count; i++)
        disturb_call(s, p->dialogs[i].call);
}

static void retry(struct sim_phone *p, wheel_fn *fn)
{
    sim_start(p->sim, &p->timer, sim_between(p->sim, RETRY_MIN_MS, RETRY_MAX_MS), fn, p);
}

/* ---- REGISTER ---- */

/* The dialect grants one expiry in a header field of its own. */
static void granted(struct sim_phone *p, const struct sip_message *m)
{
    uint32_t s;
    if (sip_expires(m, &s) != RC_OK || s == 0) {
        sim_fail(p->sim, "%s: no expiry granted", p->device->name);
        return;
    }
    if (!p->is_registered) sim_phone_disturb(p);
    p->is_registered = true;
    if (!p->sim->is_ending) sim_start(p->sim, &p->timer, (int64_t)s * 750, on_refresh, p);
}

static void on_registered(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                          const struct sip_message *m, struct arena *arena)
{
    struct sim_phone *p = ctx;
    struct siptx_flow *f = sim_phone_flow(p);
    (void)arena;
    if (outcome == SIPTX_GONE || !f || siptx_client_flow_id(c) != f->id) return;
    if (outcome == SIPTX_FINAL && m->status == 200) {
        granted(p, m);
        return;
    }
    if (outcome == SIPTX_FINAL && m->status != 503)
        sim_fail(p->sim, "%s: REGISTER got %u", p->device->name, m->status);
    if (outcome == SIPTX_TIMEOUT) p->sim->counts->timeouts++;
    if (outcome != SIPTX_PROVISIONAL) retry(p, on_refresh);
}

static void print_register(struct sim_phone *p, struct buf *b, const struct siptx_flow *f)
{
    const struct sim_device *d = p->device;
    static const char *const transports[] = {"udp", "tcp", "tls"};
    buf_printf(b,
               "Max-Forwards: 70\r\nFrom: <sip:%s@node1.example.com>;tag=r%u\r\n"
               "To: <sip:%s@node1.example.com>\r\nCall-ID: r%u-%u@sim\r\nCSeq: %u REGISTER\r\n"
               "Contact: <sip:%s@10.0.1.9:%u;transport=%s>;"
               "+sip.instance=\"<urn:uuid:00000000-0000-0000-0000-%012u>\";"
               "+u.sip!devicename.ccm.cisco.com=\"%s\";+u.sip!model.ccm.cisco.com=\"503\"\r\n"
               "Expires: 3600\r\n",
               d->line, p->index, d->line, p->index, p->reg_life, ++p->reg_cseq, d->name,
               f->local.port, transports[d->transport], p->index + 1, d->name);
    if (d->is_oauth)
        buf_printf(b, "Proxy-Authorization: Bearer token=\"%s\"\r\n", p->sim->site->token);
}

static void on_refresh(void *ctx)
{
    struct sim_phone *p = ctx;
    struct siptx_flow *f = sim_phone_flow(p);
    if (!f) return;
    struct buf *b = siptx_request_begin(p->stack, f, STR("REGISTER"), STR("sip:node1.example.com"));
    print_register(p, b, f);
    p->sim->counts->registers++;
    if (siptx_request_send(p->stack, STR(""), STR(""), on_registered, p, NULL) != RC_OK)
        retry(p, on_refresh);
}

/* ---- the connection ---- */

static void on_connect(void *ctx)
{
    struct sim_phone *p = ctx;
    p->reg_life++;
    p->link = sim_link_open(p->sim, p);
    on_refresh(p);
}

void sim_phone_connect(struct sim_phone *p)
{
    on_connect(p);
}

static void on_closed(void *ctx, struct siptx_flow *f, enum siptx_close why, struct str text)
{
    struct sim_phone *p = ctx;
    (void)f, (void)text;
    sim_tell(p->sim, "%s: connection ended (%s)", p->device->name, siptx_close_name(why));
    sim_phone_disturb(p);
    p->is_registered = false;
    p->link = NULL;
    wheel_stop(p->sim->wheel, &p->timer);
    if (p->is_gone || why == SIPTX_CLOSE_STACK) return;
    int64_t wait = p->away_ms > 0 ? p->away_ms : sim_between(p->sim, RETRY_MIN_MS, RETRY_MAX_MS);
    p->away_ms = 0;
    sim_start(p->sim, &p->timer, wait, on_connect, p);
}

void sim_phone_cut(struct sim_phone *p, int64_t node_hears_ms, int64_t away_ms)
{
    if (!p->link) return;
    sim_tell(p->sim, "%s: network lost for %lld ms, the node hears in %lld ms", p->device->name,
             (long long)away_ms, (long long)node_hears_ms);
    p->sim->counts->cuts++;
    p->is_gone = away_ms == SIM_NEVER;
    p->away_ms = away_ms;
    sim_phone_disturb(p);
    sim_link_cut(p->link, 0, node_hears_ms);
}

/* ---- the stack ---- */

static void on_request(void *ctx, struct siptx_request *r)
{
    sim_dialog_request(ctx, r);
}

static void on_ack(void *ctx, struct siptx_flow *f, const struct sip_message *m,
                   struct siptx_request *invite)
{
    (void)f, (void)invite;
    sim_dialog_ack(ctx, m);
}

static void on_cancel(void *ctx, struct siptx_request *invite)
{
    sim_dialog_cancelled(ctx, invite);
}

static void on_stray(void *ctx, struct siptx_flow *f, const struct sip_message *m)
{
    (void)f;
    sim_dialog_stray(ctx, m);
}

enum rc sim_phone_open(struct sim *s, unsigned index)
{
    struct sim_phone *p = &s->phones[index];
    *p = (struct sim_phone){.sim = s, .index = index, .device = &sim_devices[index]};
    p->config = (struct siptx_config){.worker = SIPTX_WORKER_MAX - 1,
                                      .clock = s->site->clock,
                                      .wheel = s->wheel,
                                      .random = s->random,
                                      .events = {.ctx = p,
                                                 .on_request = on_request,
                                                 .on_ack = on_ack,
                                                 .on_cancel = on_cancel,
                                                 .on_stray_response = on_stray,
                                                 .on_flow_closed = on_closed}};
    return siptx_stack_new(&p->config, &p->stack);
}

void sim_phone_close(struct sim_phone *p)
{
    sim_dialogs_stop(p);
    p->stack = siptx_stack_free(p->stack);
    wheel_stop(p->sim->wheel, &p->timer);
    wheel_stop(p->sim->wheel, &p->cut);
}
