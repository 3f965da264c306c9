/* sim/wire.c - the network: connections keep their order and lose nothing until they are cut, but
 * break messages anywhere; datagrams are lost, doubled and overtake each other. */
#include "sim/sim.h"

#include "base/check.h"

#include <stdlib.h>

enum packet_kind { PACKET_BYTES, PACKET_END, PACKET_GONE };

struct packet {
    struct list link;
    struct wheel_timer timer;
    struct sim_link *on;
    unsigned to; /* end */
    enum packet_kind kind;
    size_t n;
    char bytes[];
};

static struct sim_end *end_of(const struct siptx_flow *f)
{
    return f->wire;
}

/* The flow of an end goes by the network's doing. */
static void end_gone(struct sim_end *e, enum siptx_close why)
{
    struct siptx_flow *f = e->flow;
    e->flow = NULL;
    buf_reset(&e->in);
    if (f) siptx_flow_gone(f, why, STR(""));
}

static void fingerprint(struct sim *s, unsigned to, struct str bytes)
{
    struct str line = str_sub(bytes, 0, 24); /* no token, no signature */
    uint64_t h = s->fingerprint ^ (uint64_t)s->site->time.mono_ms ^ to ^ bytes.n << 32;
    for (size_t i = 0; i < line.n; i++)
        h = (h ^ (unsigned char)line.p[i]) * UINT64_C(0x100000001b3);
    s->fingerprint = h;
}

static void tell_passing(struct sim *s, const struct packet *k)
{
    const struct siptx_flow *f = k->on->ends[SIM_AT_NODE].flow;
    struct str text = str_of(k->bytes, k->n);
    ptrdiff_t end = str_find(text, STR("\r\n"));
    if (!s->is_told) return;
    sim_tell(s, "%s port %u  %.*s (%zu bytes)", k->to == SIM_AT_NODE ? "->" : "<-",
             f ? f->peer.port : 0, (int)(end < 0 ? (ptrdiff_t)k->n : end), k->bytes, k->n);
}

static void deliver_bytes(struct packet *k)
{
    struct sim_end *e = &k->on->ends[k->to];
    struct sim *s = k->on->sim;
    if (!e->flow) return;
    fingerprint(s, k->to, str_of(k->bytes, k->n));
    tell_passing(s, k);
    s->counts->messages++;
    s->counts->bytes += k->n;
    if (!k->on->is_stream) {
        (void)siptx_flow_input(e->flow, str_of(k->bytes, k->n));
        return;
    }
    buf_put(&e->in, k->bytes, k->n);
    CHECK(buf_rc(&e->in) == RC_OK);
    size_t done = siptx_flow_input(e->flow, buf_str(&e->in));
    if (e->flow) buf_drop(&e->in, done);
}

static void packet_free(struct packet *k)
{
    wheel_stop(k->on->sim->wheel, &k->timer);
    list_remove(&k->link);
    free(k);
}

static void packet_due(void *ctx)
{
    struct packet *k = ctx;
    list_remove(&k->link);
    if (k->kind == PACKET_BYTES && !k->on->is_cut)
        deliver_bytes(k);
    else if (k->kind == PACKET_END && !k->on->is_cut)
        end_gone(&k->on->ends[k->to], SIPTX_CLOSE_PEER);
    else if (k->kind == PACKET_GONE)
        end_gone(&k->on->ends[k->to], SIPTX_CLOSE_ERROR);
    free(k);
}

static void packet_send(struct sim_link *l, unsigned to, enum packet_kind kind, struct str bytes,
                        int64_t delay_ms)
{
    struct packet *k = malloc(sizeof *k + bytes.n);
    CHECK(k != NULL);
    *k = (struct packet){.on = l, .to = to, .kind = kind, .n = bytes.n};
    if (bytes.n > 0) memcpy(k->bytes, bytes.p, bytes.n);
    list_push_back(&l->sim->packets, &k->link);
    sim_start(l->sim, &k->timer, delay_ms, packet_due, k);
}

/* On a stream nothing comes before what was sent earlier. */
static int64_t stream_delay(struct sim_end *e, int64_t delay_ms)
{
    int64_t now = e->link->sim->site->time.mono_ms, due = now + delay_ms;
    if (due <= e->last_due_ms) due = e->last_due_ms + 1;
    e->last_due_ms = due;
    return due - now;
}

static int64_t link_delay(struct sim_link *l)
{
    return sim_between(l->sim, l->delay_min_ms, l->delay_max_ms);
}

/* Whole, or broken in two anywhere. */
static void send_stream(struct sim_link *l, unsigned to, struct str bytes)
{
    struct sim_end *e = &l->ends[to];
    size_t cut = bytes.n;
    if (sim_chance(l->sim, l->sim->weather))
        cut = (size_t)random_below(&l->sim->random, bytes.n + 1);
    struct str parts[2] = {str_sub(bytes, 0, cut), str_sub(bytes, cut, bytes.n)};
    for (unsigned i = 0; i < 2; i++)
        if (parts[i].n > 0)
            packet_send(l, to, PACKET_BYTES, parts[i], stream_delay(e, link_delay(l)));
}

static void send_datagram(struct sim_link *l, unsigned to, struct str bytes)
{
    struct sim *s = l->sim;
    unsigned copies = sim_chance(s, l->double_permille) ? 2 : 1;
    s->counts->doubled += copies - 1;
    if (sim_chance(s, l->loss_permille)) {
        s->counts->lost++;
        copies--;
    }
    while (copies-- > 0)
        packet_send(l, to, PACKET_BYTES, bytes, link_delay(l));
}

static enum rc wire_send(const struct siptx_flow *f, const struct net_addr *to, struct str bytes)
{
    struct sim_end *from = end_of(f);
    struct sim_link *l = from->link;
    unsigned other = from == &l->ends[SIM_AT_PHONE] ? SIM_AT_NODE : SIM_AT_PHONE;
    (void)to;
    if (l->is_cut) return RC_OK; /* the sender does not know yet */
    if (l->is_stream)
        send_stream(l, other, bytes);
    else
        send_datagram(l, other, bytes);
    return RC_OK;
}

static void wire_close(const struct siptx_flow *f, bool linger)
{
    struct sim_end *e = end_of(f);
    struct sim_link *l = e->link;
    unsigned other = e == &l->ends[SIM_AT_PHONE] ? SIM_AT_NODE : SIM_AT_PHONE;
    (void)linger;
    e->flow = NULL;
    if (l->is_stream && l->ends[other].flow)
        packet_send(l, other, PACKET_END, STR(""), stream_delay(&l->ends[other], link_delay(l)));
}

const struct siptx_wire_ops sim_wire_ops = {.send = wire_send, .close = wire_close};

/* The kind of listener a phone goes to, and the port it comes from. */
static struct siptx_flow_desc flow_desc(struct sim_link *l, unsigned end,
                                        const struct sim_device *d, uint16_t port)
{
    bool at_node = end == SIM_AT_NODE;
    struct net_addr node = net_addr_v4(10, 0, 0, 1, d->is_oauth ? 5090 : 5060);
    struct net_addr phone = net_addr_v4(10, 0, 1, (uint8_t)(1 + port % 200), port);
    return (struct siptx_flow_desc){
        .transport = d->transport,
        .listener_kind = !at_node      ? SIPTX_KIND_OUTGOING
                         : d->is_oauth ? CALL_OAUTH
                                       : CALL_LINE,
        .local = at_node ? node : phone,
        .peer = at_node ? phone : node,
        .ops = &sim_wire_ops,
        .wire = &l->ends[end],
    };
}

static struct siptx_stack *some_worker(struct sim *s)
{
    return s->node.stack[random_below(&s->random, SIM_WORKER_COUNT)];
}

struct sim_link *sim_link_open(struct sim *s, struct sim_phone *p)
{
    static const unsigned bad = 4; /* a lossy path loses a quarter of the weather's measure */
    struct sim_link *l = calloc(1, sizeof *l);
    CHECK(l != NULL);
    uint16_t port = (uint16_t)(20000 + 100 * p->index + p->reg_life % 100);
    l->sim = s;
    l->is_stream = siptx_transport_is_reliable(p->device->transport);
    l->delay_min_ms = 1;
    l->delay_max_ms = sim_chance(s, s->weather) ? 400 : 30;
    l->loss_permille = s->weather / bad;
    l->double_permille = s->weather / bad;
    list_push_back(&s->links, &l->link);
    for (unsigned i = 0; i < 2; i++) {
        l->ends[i].link = l;
        buf_init(&l->ends[i].in, 1u << 20);
        struct siptx_flow_desc d = flow_desc(l, i, p->device, port);
        struct siptx_stack *stack = i == SIM_AT_NODE ? some_worker(s) : p->stack;
        CHECK(siptx_flow_open(stack, &d, &l->ends[i].flow) == RC_OK);
    }
    return l;
}

void sim_link_cut(struct sim_link *l, int64_t phone_hears_ms, int64_t node_hears_ms)
{
    l->is_cut = true;
    if (phone_hears_ms != SIM_NEVER)
        packet_send(l, SIM_AT_PHONE, PACKET_GONE, STR(""), phone_hears_ms);
    if (node_hears_ms != SIM_NEVER)
        packet_send(l, SIM_AT_NODE, PACKET_GONE, STR(""), node_hears_ms);
}

/* After all stacks have gone. */
void sim_network_free(struct sim *s)
{
    LIST_FOR_EACH(it, &s->packets)
    packet_free(LIST_OF(it, struct packet, link));
    LIST_FOR_EACH(it, &s->links)
    {
        struct sim_link *l = LIST_OF(it, struct sim_link, link);
        list_remove(&l->link);
        buf_fini(&l->ends[0].in);
        buf_fini(&l->ends[1].in);
        free(l);
    }
}
