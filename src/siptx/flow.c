/* siptx/flow.c - flows: their tables, their ends, bytes out. A closed flow keeps its memory until
 * the outermost call into the stack returns, so every callback may close any flow. */
#include "siptx/stack_int.h"
#include "siptx/stun.h"
#include <stdlib.h>

enum { FLOW_BUCKETS_FIRST = 256 };

static_assert(sizeof(struct siptx_flow) <= 304, "an idle flow must cost little");

/* ---- tables ---- */

static uint64_t id_hash(uint64_t id)
{
    return id ^ id >> 48; /* counted up: spreads by itself, and is ours to choose */
}

static uint64_t peer_hash(const struct siptx_stack *s, const void *wire,
                          const struct net_addr *peer, const struct net_addr *local)
{
    struct {
        uint64_t wire;
        uint8_t peer[16], local[16];
        uint32_t ports, scope;
    } k = {.wire = (uint64_t)(uintptr_t)wire,
           .ports = (uint32_t)peer->port << 16 | local->port,
           .scope = peer->scope_id};
    memcpy(k.peer, peer->ip, sizeof k.peer);
    memcpy(k.local, local->ip, sizeof k.local);
    return hash_bytes(&s->key, &k, sizeof k);
}

static struct siptx_flow **id_bucket(const struct siptx_stack *s, uint64_t id)
{
    return &s->by_id[id_hash(id) & s->flow_mask];
}

static struct siptx_flow **peer_bucket(const struct siptx_stack *s, const struct siptx_flow *f)
{
    return &s->by_peer[peer_hash(s, f->wire, &f->peer, &f->local) & s->flow_mask];
}

static void tables_put(struct siptx_stack *s, struct siptx_flow *f)
{
    struct siptx_flow **at = id_bucket(s, f->id);
    f->chain = *at;
    *at = f;
    if (f->transport != SIPTX_UDP) return;
    at = peer_bucket(s, f);
    f->peer_chain = *at;
    *at = f;
}

static void tables_remove(struct siptx_stack *s, struct siptx_flow *f)
{
    struct siptx_flow **at = id_bucket(s, f->id);
    while (*at != f)
        at = &(*at)->chain;
    *at = f->chain;
    if (f->transport != SIPTX_UDP) return;
    at = peer_bucket(s, f);
    while (*at != f)
        at = &(*at)->peer_chain;
    *at = f->peer_chain;
}

enum rc siptx_flows_init(struct siptx_stack *s)
{
    s->by_id = calloc(FLOW_BUCKETS_FIRST, sizeof(struct siptx_flow *));
    s->by_peer = calloc(FLOW_BUCKETS_FIRST, sizeof(struct siptx_flow *));
    s->flow_mask = FLOW_BUCKETS_FIRST - 1;
    return s->by_id && s->by_peer ? RC_OK : RC_NOMEM;
}

void siptx_flows_fini(struct siptx_stack *s)
{
    free(s->by_id);
    free(s->by_peer);
}

/* Doubles both tables when they fill; without memory they stay and chains grow longer. */
static void tables_grow(struct siptx_stack *s)
{
    if (s->flow_count <= s->flow_mask) return;
    uint64_t n = 2 * (s->flow_mask + 1);
    struct siptx_flow **ids = calloc(n, sizeof(struct siptx_flow *));
    struct siptx_flow **peers = calloc(n, sizeof(struct siptx_flow *));
    if (!ids || !peers) {
        free(ids);
        free(peers);
        return;
    }
    siptx_flows_fini(s);
    s->by_id = ids;
    s->by_peer = peers;
    s->flow_mask = n - 1;
    LIST_FOR_EACH(it, &s->flows)
    {
        tables_put(s, LIST_OF(it, struct siptx_flow, all));
    }
}

struct siptx_flow *siptx_flow_find(struct siptx_stack *s, uint64_t id)
{
    struct siptx_flow *f = *id_bucket(s, id);
    while (f && f->id != id)
        f = f->chain;
    return f;
}

/* ---- trace ---- */

static uint64_t trace(struct siptx_flow *f, enum siptx_trace_kind kind, struct str bytes)
{
    struct siptx_stack *s = f->stack;
    if (!s->config.trace) return 0;
    uint64_t seq = siptx_trace_add(s->config.trace, clock_unix_ms(&s->config.clock), f, kind,
                                   bytes);
    if (f->trace_seq == 0) f->trace_seq = seq;
    return seq;
}

uint64_t siptx_flow_trace_in(struct siptx_flow *f, struct str bytes)
{
    return trace(f, SIPTX_TRACE_IN, bytes);
}

static void trace_end(struct siptx_flow *f, enum siptx_close why, struct str text)
{
    if (!f->stack->config.trace) return;
    char note[SIPTX_TRACE_NOTE_MAX];
    struct buf b;
    buf_init_fixed(&b, note, sizeof note);
    buf_printf(&b, "%.*s closed: %s", STR_ARG(siptx_transport_name(f->transport)),
               siptx_close_name(why));
    if (text.n > 0) buf_printf(&b, ": %.*s", STR_ARG(text));
    trace(f, SIPTX_TRACE_NOTE, buf_str(&b));
}

/* ---- life ---- */

static void udp_sweep(void *ctx);

/* When the first flow of the list was used; INT64_MAX: there is none. */
static int64_t first_used(struct list *flows)
{
    struct list *l = list_first(flows);
    return l ? LIST_OF(l, struct siptx_flow, used)->last_in_mono_ms : INT64_MAX;
}

/* One timer for all UDP flows: the least lately used one says when to look again. */
static void udp_watch(struct siptx_stack *s)
{
    int64_t free_ms = first_used(&s->udp_used), pinned_ms = first_used(&s->udp_pinned);
    int64_t oldest_ms = free_ms < pinned_ms ? free_ms : pinned_ms;
    if (oldest_ms == INT64_MAX || wheel_is_running(&s->udp_timer)) return;
    int64_t due = oldest_ms + (int64_t)s->limits.udp_flow_idle_ms;
    siptx_timer_start(s, &s->udp_timer, due - siptx_now(s), udp_sweep, s);
}

static void udp_sweep(void *ctx)
{
    struct siptx_stack *s = ctx;
    siptx_enter(s);
    int64_t old = siptx_now(s) - (int64_t)s->limits.udp_flow_idle_ms;
    struct list *lists[] = {&s->udp_used, &s->udp_pinned};
    for (int i = 0; i < 2; i++) {
        while (first_used(lists[i]) <= old)
            siptx_flow_close(LIST_OF(list_first(lists[i]), struct siptx_flow, used),
                             SIPTX_CLOSE_IDLE);
    }
    udp_watch(s);
    siptx_leave(s);
}

/* To the end of the list it belongs to. */
static void udp_requeue(struct siptx_flow *f)
{
    list_remove(&f->used);
    list_push_back(f->pin_count > 0 ? &f->stack->udp_pinned : &f->stack->udp_used, &f->used);
}

void siptx_flow_used(struct siptx_flow *f)
{
    f->last_in_mono_ms = siptx_now(f->stack);
    if (f->transport == SIPTX_UDP) udp_requeue(f);
}

static struct siptx_flow *flow_new(struct siptx_stack *s, const struct siptx_flow_desc *d)
{
    struct siptx_flow *f = calloc(1, sizeof *f);
    if (!f) {
        siptx_count(&s->counters.out_of_memory);
        return NULL;
    }
    f->id = (uint64_t)s->config.worker << 48 | ++s->next_flow;
    f->stack = s;
    f->transport = (uint8_t)d->transport;
    f->ready = !d->connecting;
    f->listener_kind = d->listener_kind;
    f->local = d->local;
    f->peer = d->peer;
    f->tls_peer = d->tls_peer;
    f->ops = d->ops;
    f->wire = d->wire;
    f->opened_unix_ms = clock_unix_ms(&s->config.clock);
    f->last_in_mono_ms = siptx_now(s);
    list_init(&f->used);
    list_init(&f->transactions);
    return f;
}

enum rc siptx_flow_open(struct siptx_stack *s, const struct siptx_flow_desc *d,
                        struct siptx_flow **out)
{
    struct siptx_flow *f = flow_new(s, d);
    if (!f) return RC_NOMEM;
    siptx_enter(s);
    list_push_back(&s->flows, &f->all);
    s->flow_count++;
    tables_put(s, f);
    tables_grow(s);
    siptx_count(&s->counters.flows_open);
    siptx_count(&s->counters.flows_opened);
    if (f->transport == SIPTX_UDP) {
        s->udp_count++;
        list_push_back(&s->udp_used, &f->used);
        udp_watch(s);
    }
    *out = f;
    if (f->listener_kind != SIPTX_KIND_OUTGOING && s->config.events.on_flow_open)
        s->config.events.on_flow_open(s->config.events.ctx, f);
    enum rc rc = f->closing ? RC_CLOSED : RC_OK;
    siptx_leave(s);
    return rc;
}

/* The least lately used UDP flow that is not pinned gives way. */
static bool udp_make_room(struct siptx_stack *s)
{
    if (s->udp_count < s->limits.udp_flows_max) return true;
    struct list *l = list_first(&s->udp_used);
    if (!l) return false;
    siptx_flow_close(LIST_OF(l, struct siptx_flow, used), SIPTX_CLOSE_LIMIT);
    return true;
}

struct siptx_flow *siptx_flow_of_peer(struct siptx_stack *s, const struct siptx_flow_desc *d)
{
    uint64_t h = peer_hash(s, d->wire, &d->peer, &d->local);
    for (struct siptx_flow *f = s->by_peer[h & s->flow_mask]; f; f = f->peer_chain) {
        if (f->wire == d->wire && net_addr_eq(&f->peer, &d->peer) &&
            net_addr_eq(&f->local, &d->local))
            return f;
    }
    struct siptx_flow *f;
    if (!udp_make_room(s) || siptx_flow_open(s, d, &f) != RC_OK) return NULL;
    return f;
}

void siptx_flow_ready(struct siptx_flow *f, const struct net_addr *local,
                      const struct net_tls_peer *tls_peer)
{
    struct siptx_stack *s = f->stack;
    siptx_enter(s);
    f->ready = true;
    f->local = *local;
    f->tls_peer = tls_peer;
    if (s->config.events.on_flow_ready) s->config.events.on_flow_ready(s->config.events.ctx, f);
    siptx_leave(s);
}

static void transactions_lose(struct siptx_flow *f)
{
    struct list *l;
    while ((l = list_first(&f->transactions)) != NULL) {
        struct siptx_tx *tx = LIST_OF(l, struct siptx_tx, on_flow);
        list_remove(l);
        tx->flow = NULL;
        if (tx->is_client) {
            siptx_client_flow_lost(LIST_OF(tx, struct siptx_client, tx));
        } else {
            siptx_server_flow_lost(LIST_OF(tx, struct siptx_server, tx));
        }
    }
}

static void flow_unlink(struct siptx_flow *f)
{
    struct siptx_stack *s = f->stack;
    f->closing = true;
    siptx_count_down(&s->counters.flows_open);
    tables_remove(s, f);
    list_remove(&f->all);
    s->flow_count--;
    if (f->transport == SIPTX_UDP) {
        list_remove(&f->used);
        if (--s->udp_count == 0) siptx_timer_stop(s, &s->udp_timer);
    }
}

void siptx_flow_unopen(struct siptx_flow *f)
{
    flow_unlink(f);
    free(f);
}

static void flow_end(struct siptx_flow *f, enum siptx_close why, struct str text)
{
    struct siptx_stack *s = f->stack;
    siptx_enter(s);
    siptx_count(&s->counters.flows_closed[why]);
    trace_end(f, why, text);
    flow_unlink(f);
    transactions_lose(f);
    if (s->config.events.on_flow_closed)
        s->config.events.on_flow_closed(s->config.events.ctx, f, why, text);
    siptx_flow_set_user(f, NULL, NULL);
    list_push_back(&s->dead_flows, &f->all);
    siptx_leave(s);
}

void siptx_flow_gone(struct siptx_flow *f, enum siptx_close why, struct str text)
{
    if (f->closing) return;
    f->closing = true;
    flow_end(f, why, text);
}

static void close_with(struct siptx_flow *f, enum siptx_close why, bool linger)
{
    if (f->closing) return;
    f->closing = true;
    if (f->ops->close) f->ops->close(f, linger);
    flow_end(f, why, STR(""));
}

void siptx_flow_close(struct siptx_flow *f, enum siptx_close why)
{
    close_with(f, why, false);
}

void siptx_flow_finish(struct siptx_flow *f, enum siptx_close why)
{
    close_with(f, why, true);
}

void siptx_flows_sweep(struct siptx_stack *s)
{
    struct list *l;
    while ((l = list_first(&s->dead_flows)) != NULL) {
        struct siptx_flow *f = LIST_OF(l, struct siptx_flow, all);
        list_remove(l);
        free(f->label);
        free(f->frame);
        free(f);
    }
}

/* ---- use ---- */

enum rc siptx_flow_send_to(struct siptx_flow *f, const struct net_addr *to, struct str bytes)
{
    if (f->closing) return RC_CLOSED;
    f->messages_out++;
    trace(f, SIPTX_TRACE_OUT, bytes);
    enum rc rc = f->ops->send(f, to, bytes);
    if (rc != RC_OK) siptx_count(&f->stack->counters.send_failures);
    return rc;
}

void siptx_flow_try_send(struct siptx_flow *f, const struct net_addr *to, struct str bytes)
{
    if (siptx_flow_send_to(f, to, bytes) != RC_OK) return; /* counted there */
}

enum rc siptx_flow_send(struct siptx_flow *f, struct str bytes)
{
    return siptx_flow_send_to(f, &f->peer, bytes);
}

/* The id of our STUN requests on a flow: nothing to remember, nothing to guess. */
void siptx_flow_stun_id(const struct siptx_flow *f, uint8_t id[SIPTX_STUN_ID_LEN])
{
    uint64_t parts[2] = {f->id, 0}, h[2];
    h[0] = hash_bytes(&f->stack->key, parts, sizeof parts);
    parts[1] = 1;
    h[1] = hash_bytes(&f->stack->key, parts, sizeof parts);
    memcpy(id, h, SIPTX_STUN_ID_LEN);
}

enum rc siptx_flow_ping(struct siptx_flow *f)
{
    if (f->closing || !f->ready) return RC_CLOSED;
    if (f->transport != SIPTX_UDP) return f->ops->send(f, &f->peer, STR("\r\n\r\n"));
    uint8_t id[SIPTX_STUN_ID_LEN], request[SIPTX_STUN_REQUEST_LEN];
    struct buf b;
    siptx_flow_stun_id(f, id);
    buf_init_fixed(&b, request, sizeof request);
    siptx_stun_request(&b, id);
    return f->ops->send(f, &f->peer, buf_str(&b));
}

void siptx_flow_set_user(struct siptx_flow *f, void *user, void (*release)(void *user))
{
    void *old = f->user;
    void (*old_release)(void *) = f->user_release;
    f->user = user;
    f->user_release = release;
    if (old_release) old_release(old);
}

/* False: it bears that label already, or there is no memory. */
static bool take_label(struct siptx_flow *f, struct str label)
{
    if (f->label && str_eq(str_from(f->label), label)) return false;
    char *copy = str_dup_cstr(label);
    if (!copy) return false;
    free(f->label);
    f->label = copy;
    return true;
}

void siptx_flow_set_label(struct siptx_flow *f, struct str label)
{
    label = str_sub(label, 0, SIPTX_LABEL_MAX);
    if (take_label(f, label)) siptx_trace_label(f->stack->config.trace, f->id, f->trace_seq, label);
}

void siptx_flow_relabel(struct siptx_flow *f, struct str label, uint64_t from_seq)
{
    label = str_sub(label, 0, SIPTX_LABEL_MAX);
    if (take_label(f, label)) siptx_trace_relabel(f->stack->config.trace, f->id, from_seq, label);
}

void siptx_flow_pin(struct siptx_flow *f, bool pinned)
{
    bool was_pinned = f->pin_count > 0;
    if (pinned) {
        f->pin_count++;
    } else if (was_pinned) {
        f->pin_count--;
    }
    if (f->closing || was_pinned == (f->pin_count > 0)) return;
    if (f->transport == SIPTX_UDP) udp_requeue(f);
    if (f->ops->pin) f->ops->pin(f, !was_pinned);
}
