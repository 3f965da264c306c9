/* siptx/stack.c - making and freeing a stack; its clock, pools and re-entry count. */
#include "net/loop.h"
#include "siptx/stack_int.h"
#include <stdlib.h>

static_assert((int)SIP_METHOD_COUNT <= (int)SIPTX_METHOD_SLOTS, "a counter for each method");

const char *siptx_close_name(enum siptx_close why)
{
    static const char *const names[SIPTX_CLOSE_COUNT] = {
        "peer",    "error", "connect", "idle",     "slow",
        "framing", "limit", "owner",   "listener", "stack",
    };
    return (unsigned)why < SIPTX_CLOSE_COUNT ? names[why] : "?";
}

struct str siptx_transport_name(enum siptx_transport t)
{
    static const struct str names[SIPTX_TRANSPORT_COUNT] = {
        STR_INIT("UDP"),
        STR_INIT("TCP"),
        STR_INIT("TLS"),
    };
    return names[t];
}

int64_t siptx_now(const struct siptx_stack *s)
{
    return clock_mono_ms(&s->config.clock);
}

void siptx_timer_start(struct siptx_stack *s, struct wheel_timer *t, int64_t delay_ms, wheel_fn *fn,
                       void *ctx)
{
    uint64_t delay = delay_ms > 0 ? (uint64_t)delay_ms : 0;
    if (s->config.loop) {
        net_timer_start(s->config.loop, t, delay, fn, ctx);
    } else {
        wheel_start(s->config.wheel, t, (uint64_t)siptx_now(s), delay, fn, ctx);
    }
}

void siptx_timer_stop(struct siptx_stack *s, struct wheel_timer *t)
{
    if (s->config.loop) {
        net_timer_stop(s->config.loop, t);
    } else {
        wheel_stop(s->config.wheel, t);
    }
}

void siptx_enter(struct siptx_stack *s)
{
    s->depth++;
}

void siptx_leave(struct siptx_stack *s)
{
    if (s->depth == 1) siptx_flows_sweep(s);
    s->depth--;
}

struct siptx_block *siptx_block_get(struct siptx_stack *s)
{
    struct siptx_block *b = s->blocks;
    if (b) {
        s->blocks = b->next;
        s->block_count--;
    } else if (!(b = malloc(sizeof *b))) {
        siptx_count(&s->counters.out_of_memory);
        return NULL;
    }
    arena_init(&b->arena, b->first, sizeof b->first, SIPTX_ARENA_MAX + s->limits.message_max);
    return b;
}

/* A message may hold credentials: what of the block was used is wiped. */
static void block_wipe(struct siptx_block *b)
{
    if (b->arena.heap)
        arena_wipe(&b->arena);
    else
        explicit_bzero(b->first, (size_t)(b->arena.at - b->first));
}

void siptx_block_put(struct siptx_stack *s, struct siptx_block *b)
{
    if (!b) return;
    block_wipe(b);
    if (s->block_count >= s->limits.pool_count) {
        free(b);
        return;
    }
    b->next = s->blocks;
    s->blocks = b;
    s->block_count++;
}

void siptx_hex64(char out[SIPTX_TAG_LEN + 1], uint64_t v)
{
    for (int i = SIPTX_TAG_LEN - 1; i >= 0; i--, v >>= 4)
        out[i] = "0123456789abcdef"[v & 15];
    out[SIPTX_TAG_LEN] = '\0';
}

static uint32_t or_default(uint32_t v, uint32_t instead)
{
    return v != 0 ? v : instead;
}

static struct siptx_limits limits_of(const struct siptx_limits *given)
{
    struct siptx_limits l = *given;
    l.message_max = or_default(l.message_max, SIPTX_MESSAGE_MAX);
    l.transactions_max = or_default(l.transactions_max, SIPTX_TRANSACTIONS_MAX);
    l.udp_flows_max = or_default(l.udp_flows_max, SIPTX_UDP_FLOWS_MAX);
    l.message_time_ms = or_default(l.message_time_ms, SIPTX_MESSAGE_TIME_MS);
    l.udp_flow_idle_ms = or_default(l.udp_flow_idle_ms, SIPTX_UDP_IDLE_MS);
    l.retry_after_s = or_default(l.retry_after_s, 30);
    l.pool_count = or_default(l.pool_count, 64);
    return l;
}

static struct siptx_times times_of(const struct siptx_timing *given)
{
    return (struct siptx_times){
        .t1_ms = or_default(given->t1_ms, 500),
        .t2_ms = or_default(given->t2_ms, 4000),
        .t4_ms = or_default(given->t4_ms, 5000),
        .d_ms = or_default(given->d_ms, 32000),
        .trying_ms = or_default(given->trying_ms, 200),
    };
}

struct net_stream_config siptx_stream_config(const struct siptx_limits *limits)
{
    struct siptx_limits l = limits_of(limits);
    return (struct net_stream_config){
        .idle_ms = l.stream_idle_ms,
        .message_ms = l.message_time_ms,
        .message_max = l.message_max +
                       4096, /* so that sip/frame.h is the one to say it is too big */
        .queue_max = 4 * l.message_max,
    };
}

static enum rc tables_init(struct siptx_stack *s)
{
    uint32_t n = s->limits.transactions_max / 2;
    enum rc rc;
    if ((rc = siptx_table_init(&s->servers, n)) != RC_OK) return rc;
    if ((rc = siptx_table_init(&s->merges, n)) != RC_OK) return rc;
    if ((rc = siptx_table_init(&s->clients, n)) != RC_OK) return rc;
    return siptx_flows_init(s);
}

enum rc siptx_stack_new(const struct siptx_config *config, struct siptx_stack **out)
{
    if (config->worker >= SIPTX_WORKER_MAX || (!config->loop && !config->wheel)) return RC_INVALID;
    struct siptx_stack *s = calloc(1, sizeof *s);
    if (!s) return RC_NOMEM;
    s->config = *config;
    if (config->loop) s->config.clock = net_loop_clock(config->loop);
    s->limits = limits_of(&config->limits);
    s->times = times_of(&config->timing);
    list_init(&s->flows);
    list_init(&s->udp_used);
    list_init(&s->udp_pinned);
    list_init(&s->dead_flows);
    list_init(&s->transactions);
    list_init(&s->joins);
    list_init(&s->free_servers);
    list_init(&s->free_clients);
    random_fill(&config->random, &s->key, sizeof s->key);
    buf_init_secret(&s->out, 2 * (size_t)s->limits.message_max + 65536);
    enum rc rc = tables_init(s);
    if (rc == RC_OK) rc = siptx_node_enter(s);
    if (rc != RC_OK) {
        siptx_stack_free(s);
        return rc;
    }
    *out = s;
    return RC_OK;
}

static void pools_fini(struct siptx_stack *s)
{
    while (s->blocks) {
        struct siptx_block *next = s->blocks->next;
        free(s->blocks);
        s->blocks = next;
    }
    struct list *l;
    while ((l = list_first(&s->free_servers)) != NULL) {
        list_remove(l);
        struct siptx_server *v = LIST_OF(l, struct siptx_server, tx.all);
        free(v->tx.last);
        free(v);
    }
    while ((l = list_first(&s->free_clients)) != NULL) {
        list_remove(l);
        struct siptx_client *c = LIST_OF(l, struct siptx_client, tx.all);
        free(c->tx.last);
        free(c);
    }
}

static void transactions_end(struct siptx_stack *s)
{
    struct list *l;
    while ((l = list_first(&s->transactions)) != NULL) {
        struct siptx_tx *tx = LIST_OF(l, struct siptx_tx, all);
        if (tx->is_client) {
            siptx_client_drop(LIST_OF(tx, struct siptx_client, tx));
        } else {
            siptx_server_drop(LIST_OF(tx, struct siptx_server, tx));
        }
    }
}

struct siptx_stack *siptx_stack_free(struct siptx_stack *s)
{
    if (!s) return NULL;
    CHECK(s->depth == 0);
    s->freeing = true;
    siptx_enter(s);
    siptx_node_leave(s);
    transactions_end(s);
    struct list *l;
    while ((l = list_first(&s->flows)) != NULL)
        siptx_flow_close(LIST_OF(l, struct siptx_flow, all), SIPTX_CLOSE_STACK);
    siptx_joins_fini(s);
    siptx_leave(s);
    siptx_timer_stop(s, &s->udp_timer);
    siptx_flows_fini(s);
    siptx_table_fini(&s->servers);
    siptx_table_fini(&s->merges);
    siptx_table_fini(&s->clients);
    pools_fini(s);
    buf_fini(&s->out);
    free(s);
    return NULL;
}

const struct siptx_counters *siptx_stack_counters(const struct siptx_stack *s)
{
    return &s->counters;
}

unsigned siptx_stack_worker(const struct siptx_stack *s)
{
    return s->config.worker;
}

struct siptx_trace *siptx_stack_trace(const struct siptx_stack *s)
{
    return s->config.trace;
}

const struct siptx_limits *siptx_stack_limits(const struct siptx_stack *s)
{
    return &s->limits;
}

void siptx_stack_each_flow(struct siptx_stack *s, void (*fn)(void *ctx, struct siptx_flow *f),
                           void *ctx)
{
    siptx_enter(s);
    LIST_FOR_EACH(it, &s->flows)
    {
        fn(ctx, LIST_OF(it, struct siptx_flow, all));
    }
    siptx_leave(s);
}
