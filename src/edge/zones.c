#include "edge/zones.h"

#include "base/check.h"
#include "crypto/digest.h"
#include "edge/zone_fault.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { UCM_MAX = 253, NODE_MAX = 127, FIRST_PAUSE_MS = 1000, CONNECT_MS = 8000 };

struct zone {
    struct list link;
    struct edge_zones *zones;
    uint64_t id;
    enum edge_zone_kind kind;
    size_t rank; /* in the set */
    char name[EDGE_ZONE_NAME_MAX + 1], ucm[UCM_MAX + 1], node[NODE_MAX + 1], host[NET_NAME_MAX + 1];
    uint16_t port, media_port;
    bool is_wanted; /* while a new set is being applied */
    /* under the lock, with name .. port */
    enum edge_zone_state state;
    int64_t since_unix_ms;
    struct edge_problem problem;
    char peer[NET_ADDR_TEXT_MAX];
    /* the thread's own */
    bool was_active; /* since the last change of state that was logged */
    int64_t pause_ms;
    uint64_t flow; /* 0: none */
    struct net_query *query;
    struct siptx_client *client;
    struct wheel_timer timer; /* ASKING: the answer is late; ACTIVE: ask again; FAILED: try again */
};

struct edge_zones {
    struct edge_zones_config config;
    struct siptx_stack *stack;
    pthread_mutex_t lock; /* of the list and what it shows */
    struct list all;
    size_t count;
    uint32_t cseq;
};

static void begin(struct zone *z);

const char *edge_zone_state_name(enum edge_zone_state state)
{
    static const char *const names[] = {"Resolving", "Connecting", "Checking", "Active", "Failed"};
    return names[state];
}

enum rc edge_zones_new(const struct edge_zones_config *config, struct edge_zones **out)
{
    struct edge_zones *z = calloc(1, sizeof *z);
    if (!z) return RC_NOMEM;
    if (pthread_mutex_init(&z->lock, NULL) != 0) {
        free(z);
        return RC_NOMEM;
    }
    z->config = *config;
    list_init(&z->all);
    *out = z;
    return RC_OK;
}

void edge_zones_attach(struct edge_zones *z, struct siptx_stack *stack)
{
    z->stack = stack;
}

/* ---- which one ---- */

/* Of the texts alone, so that what names it outlives a start. 0 is no zone's. */
uint64_t edge_zone_number(enum edge_zone_kind kind, struct str group, struct str node)
{
    uint8_t hash[CRYPTO_SHA256_LEN];
    char text[UCM_MAX + NODE_MAX + 8];
    uint64_t id = 0;
    int n = snprintf(text, sizeof text, "%d\n%.*s\n%.*s", (int)kind,
                     STR_ARG(str_sub(group, 0, UCM_MAX)), STR_ARG(str_sub(node, 0, NODE_MAX)));
    for (int i = 0; i < n; i++)
        if (text[i] >= 'A' && text[i] <= 'Z') text[i] = (char)(text[i] | 0x20);
    if (crypto_sha256(str_bytes(str_of(text, (size_t)n)), hash) == RC_OK)
        memcpy(&id, hash, sizeof id);
    return id;
}

static struct edge_zone_ref ref_of(const struct zone *z)
{
    return (struct edge_zone_ref){z->id, z->kind, str_from(z->ucm), str_from(z->node),
                                  z->media_port};
}

bool edge_zones_get(struct edge_zones *all, uint64_t id, struct edge_zone_ref *out)
{
    LIST_FOR_EACH(it, &all->all)
    {
        const struct zone *z = LIST_OF(it, struct zone, link);
        if (z->id != id) continue;
        *out = ref_of(z);
        return true;
    }
    return false;
}

bool edge_zones_of_flow(const struct edge_zones *all, const struct siptx_flow *f,
                        struct edge_zone_ref *out)
{
    const struct zone *z = f->listener_kind == SIPTX_KIND_OUTGOING ? f->user : NULL;
    (void)all;
    if (!z || z->flow != f->id) return false;
    *out = ref_of(z);
    return true;
}

struct siptx_flow *edge_zones_flow(struct edge_zones *all, uint64_t id)
{
    LIST_FOR_EACH(it, &all->all)
    {
        struct zone *z = LIST_OF(it, struct zone, link);
        if (z->id != id) continue;
        struct siptx_flow *f = z->flow != 0 ? siptx_flow_find(all->stack, z->flow) : NULL;
        return f && f->ready && !f->closing ? f : NULL;
    }
    return NULL;
}

bool edge_zones_pick(struct edge_zones *all, struct str group, struct edge_zone_ref *out)
{
    const struct zone *best = NULL;
    LIST_FOR_EACH(it, &all->all)
    {
        const struct zone *z = LIST_OF(it, struct zone, link);
        if (z->kind != EDGE_ZONE_NODE || z->state != EDGE_ZONE_ACTIVE) continue;
        if (!str_eq_nocase(str_from(z->ucm), group)) continue;
        if (!best || z->rank < best->rank) best = z;
    }
    if (best) *out = ref_of(best);
    return best != NULL;
}

/* ---- states ---- */

static void enter(struct zone *z, enum edge_zone_state state)
{
    struct edge_zones *all = z->zones;
    pthread_mutex_lock(&all->lock);
    if (z->state != state) z->since_unix_ms = clock_unix_ms(&all->config.clock);
    z->state = state;
    if (state == EDGE_ZONE_ACTIVE) z->problem = (struct edge_problem){.text = ""};
    pthread_mutex_unlock(&all->lock);
}

/* Lets go of whatever is under way; nothing calls back after. */
static void drop(struct zone *z)
{
    struct siptx_stack *s = z->zones->stack;
    siptx_timer_stop(s, &z->timer);
    z->query = net_query_cancel(z->query);
    if (z->client) siptx_client_forget(z->client);
    z->client = NULL;
    uint64_t id = z->flow;
    z->flow = 0;
    struct siptx_flow *f = id ? siptx_flow_find(s, id) : NULL;
    if (!f) return;
    siptx_flow_set_user(f, NULL, NULL);
    if (!f->closing) siptx_flow_close(f, SIPTX_CLOSE_OWNER);
}

static void on_retry(void *ctx)
{
    begin(ctx);
}

static void tell_lost(const struct zone *z)
{
    const struct edge_zone_ops *ops = &z->zones->config.ops;
    struct edge_zone_ref ref = ref_of(z);
    if (ops->lost) ops->lost(ops->ctx, &ref);
}

static void fail(struct zone *z, const struct edge_problem *problem)
{
    const struct log *log = z->zones->config.log;
    bool was_active = z->was_active;
    bool is_new = was_active || strcmp(z->problem.text, problem->text) != 0;
    drop(z);
    pthread_mutex_lock(&z->zones->lock);
    z->problem = *problem;
    pthread_mutex_unlock(&z->zones->lock);
    enter(z, EDGE_ZONE_FAILED);
    z->was_active = false;
    if (is_new)
        log_warn(log, "zone.failed", LOG_CSTR("zone", z->name), LOG_CSTR("peer", z->peer),
                 LOG_CSTR("why", problem->text), LOG_CSTR("fix", problem->fix));
    siptx_timer_start(z->zones->stack, &z->timer, z->pause_ms, on_retry, z);
    if (was_active) tell_lost(z);
    z->pause_ms = z->pause_ms * 2 < EDGE_ZONE_RETRY_MAX_MS ? z->pause_ms * 2
                                                           : EDGE_ZONE_RETRY_MAX_MS;
}

static struct edge_zone_place place_of(const struct zone *z)
{
    return (struct edge_zone_place){z->node, z->host, z->peer, z->port, z->kind == EDGE_ZONE_LINK};
}

static void fail_by(struct zone *z, enum edge_zone_fault fault)
{
    struct edge_problem p;
    struct edge_zone_place place = place_of(z);
    edge_zone_say(fault, &place, &p);
    fail(z, &p);
}

/* ---- OPTIONS ---- */

static void ask(struct zone *z);

static void on_ask_again(void *ctx)
{
    ask(ctx);
}

static void on_late(void *ctx)
{
    fail_by(ctx, EDGE_ZONE_SILENT);
}

static void succeed(struct zone *z)
{
    z->pause_ms = FIRST_PAUSE_MS;
    if (!z->was_active)
        log_info(z->zones->config.log, "zone.active", LOG_CSTR("zone", z->name),
                 LOG_CSTR("peer", z->peer));
    z->was_active = true;
    enter(z, EDGE_ZONE_ACTIVE);
    siptx_timer_start(z->zones->stack, &z->timer, EDGE_ZONE_ASK_MS, on_ask_again, z);
}

static void hear_greeting(const struct zone *z, const struct sip_message *m)
{
    const struct edge_zone_ops *ops = &z->zones->config.ops;
    struct edge_zone_ref ref = ref_of(z);
    struct edge_greeting g;
    if (z->kind == EDGE_ZONE_LINK && ops->greeted && edge_greeting_read(m, &g))
        ops->greeted(ops->ctx, &ref, &g);
}

/* Whatever it answers: it has taken our certificate, and it speaks SIP. */
static void on_answer(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                      const struct sip_message *m, struct arena *arena)
{
    struct zone *z = ctx;
    (void)arena;
    if (outcome == SIPTX_PROVISIONAL) return;
    z->client = NULL;
    if (outcome == SIPTX_GONE) return;
    siptx_client_forget(c);
    siptx_timer_stop(z->zones->stack, &z->timer);
    if (outcome == SIPTX_FINAL) {
        succeed(z);
        hear_greeting(z, m);
    }
    if (outcome == SIPTX_TIMEOUT) fail_by(z, EDGE_ZONE_SILENT);
    /* SIPTX_LOST: why is told when the flow closes */
}

static void print_headers(struct zone *z, const struct siptx_flow *f, struct str uri,
                          struct buf *out)
{
    struct edge_zones *all = z->zones;
    uint64_t unique[2] = {random_u64(&all->config.random), random_u64(&all->config.random)};
    buf_put_lit(out, "Max-Forwards: 70\r\nFrom: <sip:");
    net_addr_print(out, &f->local);
    buf_printf(out, ">;tag=%016llx\r\nTo: <%.*s>\r\nCall-ID: %016llx\r\nCSeq: %u OPTIONS\r\n",
               (unsigned long long)unique[0], STR_ARG(uri), (unsigned long long)unique[1],
               ++all->cseq & 0x7fffffff);
    buf_put_lit(out, "Accept: application/sdp\r\n");
    if (z->kind == EDGE_ZONE_LINK && all->config.ops.greeting) {
        struct edge_greeting g = all->config.ops.greeting(all->config.ops.ctx);
        edge_greeting_print(&g, out);
    }
}

static void ask(struct zone *z)
{
    struct siptx_stack *s = z->zones->stack;
    struct siptx_flow *f = siptx_flow_find(s, z->flow);
    char text[NET_NAME_MAX + 64];
    struct buf uri;
    if (!f || f->closing) return; /* told by on_closed */
    buf_init_fixed(&uri, text, sizeof text);
    bool v6 = strchr(z->host, ':') != NULL;
    buf_printf(&uri, v6 ? "sip:[%s]:%u;transport=tls" : "sip:%s:%u;transport=tls", z->host,
               (unsigned)z->port);
    struct buf *out = siptx_request_begin(s, f, STR("OPTIONS"), buf_str(&uri));
    print_headers(z, f, buf_str(&uri), out);
    if (z->state != EDGE_ZONE_ACTIVE) enter(z, EDGE_ZONE_ASKING);
    if (z->client) siptx_client_forget(z->client); /* asked again before that was answered */
    z->client = NULL;
    siptx_timer_start(s, &z->timer, EDGE_ZONE_ANSWER_MS, on_late, z);
    if (siptx_request_send(s, STR(""), STR(""), on_answer, z, &z->client) != RC_OK) {
        z->client = NULL;
        fail_by(z, EDGE_ZONE_NOT_SENT);
    }
}

/* ---- connecting ---- */

static struct zone *zone_of(const struct siptx_flow *f)
{
    struct zone *z = f->listener_kind == SIPTX_KIND_OUTGOING ? f->user : NULL;
    return z && z->flow == f->id ? z : NULL;
}

bool edge_zones_on_ready(struct edge_zones *all, struct siptx_flow *f)
{
    struct zone *z = zone_of(f);
    (void)all;
    if (z) ask(z);
    return z != NULL;
}

bool edge_zones_on_closed(struct edge_zones *all, struct siptx_flow *f, enum siptx_close why,
                          struct str text)
{
    struct zone *z = zone_of(f);
    struct edge_problem p;
    (void)why, (void)all;
    if (!z) return false;
    struct edge_zone_place place = place_of(z);
    z->flow = 0;
    edge_zone_explain(f->lost, z->state == EDGE_ZONE_ACTIVE, text, &place, &p);
    fail(z, &p);
    return true;
}

static void connect_to(struct zone *z, const struct net_addr *addr)
{
    struct edge_zones *all = z->zones;
    struct siptx_flow *f;
    struct net_tls *tls = all->config.ops.tls(all->config.ops.ctx, z->kind);
    pthread_mutex_lock(&all->lock);
    net_addr_text(addr, z->peer);
    pthread_mutex_unlock(&all->lock);
    if (!tls) {
        fail_by(z, EDGE_ZONE_NO_CERTIFICATE);
        return;
    }
    struct siptx_target target = {.addr = *addr,
                                  .transport = SIPTX_TLS,
                                  .tls = tls,
                                  .server_name = str_from(z->host),
                                  .connect_ms = CONNECT_MS};
    enter(z, EDGE_ZONE_CONNECTING);
    enum rc rc = all->config.ops.connect(all->stack, &target, &f);
    net_tls_unref(tls);
    if (rc != RC_OK) {
        fail_by(z, EDGE_ZONE_NOT_SENT);
        return;
    }
    z->flow = f->id;
    siptx_flow_set_user(f, z, NULL);
}

static void on_addrs(void *ctx, enum rc rc, const struct net_addr *addrs, size_t count,
                     uint32_t ttl_s)
{
    struct zone *z = ctx;
    (void)ttl_s;
    z->query = NULL;
    if (rc == RC_OK && count > 0)
        connect_to(z, &addrs[random_u64(&z->zones->config.random) % count]);
    else
        fail_by(z, rc == RC_TIMEOUT ? EDGE_ZONE_DNS_SILENT : EDGE_ZONE_NO_ADDRESS);
}

static void begin(struct zone *z)
{
    struct edge_zone_ops *ops = &z->zones->config.ops;
    if (z->port == 0) {
        fail_by(z, EDGE_ZONE_NO_PORT);
        return;
    }
    enter(z, EDGE_ZONE_RESOLVING);
    enum rc rc = ops->addrs(ops->ctx, str_from(z->host), z->port, on_addrs, z, &z->query);
    if (rc != RC_OK) {
        z->query = NULL;
        fail_by(z, rc == RC_INVALID ? EDGE_ZONE_NO_ADDRESS : EDGE_ZONE_NOT_SENT);
    }
}

/* ---- the set ---- */

static void zone_free(struct zone *z)
{
    struct edge_zones *all = z->zones;
    drop(z);
    pthread_mutex_lock(&all->lock);
    list_remove(&z->link);
    all->count--;
    pthread_mutex_unlock(&all->lock);
    free(z);
}

static struct zone *zone_find(struct edge_zones *all, uint64_t id)
{
    LIST_FOR_EACH(it, &all->all)
    {
        struct zone *z = LIST_OF(it, struct zone, link);
        if (z->id == id) return z;
    }
    return NULL;
}

static enum rc zone_place(struct zone *z, const struct edge_zone_want *w)
{
    bool is_link = w->kind == EDGE_ZONE_LINK;
    snprintf(z->name, sizeof z->name, "%s-%.*s", is_link ? "Link" : "CEOAuth",
             STR_ARG(str_sub(w->node, 0, 100)));
    enum rc rc = str_to_cstr(w->group, z->ucm, sizeof z->ucm);
    if (rc == RC_OK) rc = str_to_cstr(w->node, z->node, sizeof z->node);
    if (rc == RC_OK) rc = str_to_cstr(w->host, z->host, sizeof z->host);
    z->port = w->port;
    z->media_port = w->media_port;
    return rc;
}

static struct zone *zone_new(struct edge_zones *all, uint64_t id, const struct edge_zone_want *w)
{
    struct zone *z = all->count < EDGE_ZONES_MAX ? calloc(1, sizeof *z) : NULL;
    if (!z || zone_place(z, w) != RC_OK) {
        log_error(all->config.log, "zone.left_out", LOG_STR("node", w->node),
                  LOG_STR("ucm", w->group));
        free(z);
        return NULL;
    }
    z->zones = all;
    z->id = id;
    z->kind = w->kind;
    z->pause_ms = FIRST_PAUSE_MS;
    z->since_unix_ms = clock_unix_ms(&all->config.clock);
    return z;
}

static void zone_add(struct edge_zones *all, uint64_t id, const struct edge_zone_want *w,
                     size_t rank)
{
    struct zone *z = zone_new(all, id, w);
    if (!z) return;
    z->is_wanted = true;
    z->rank = rank;
    pthread_mutex_lock(&all->lock);
    list_push_back(&all->all, &z->link);
    all->count++;
    pthread_mutex_unlock(&all->lock);
    log_info(all->config.log, "zone.added", LOG_CSTR("zone", z->name), LOG_CSTR("host", z->host),
             LOG_INT("port", z->port));
    begin(z);
}

static void want(struct edge_zones *all, const struct edge_zone_want *w, size_t rank)
{
    uint64_t id = edge_zone_number(w->kind, w->group, w->node);
    struct zone *z = zone_find(all, id);
    if (z && z->is_wanted) return; /* named twice */
    if (z && (z->port != w->port || !str_eq(str_from(z->host), w->host))) {
        log_info(all->config.log, "zone.moved", LOG_CSTR("zone", z->name), LOG_STR("host", w->host),
                 LOG_INT("port", w->port));
        zone_free(z);
        z = NULL;
    }
    if (!z) {
        zone_add(all, id, w, rank);
        return;
    }
    z->is_wanted = true;
    z->rank = rank;
    z->media_port = w->media_port;
}

size_t edge_zone_wants(const struct edge_cluster *c, struct str address, struct edge_zone_want *out,
                       size_t max)
{
    size_t n = 0;
    for (size_t i = 0; c->sip_oauth_mode && i < c->node_count && n < max; i++)
        out[n++] = (struct edge_zone_want){EDGE_ZONE_NODE, address, c->nodes[i].name,
                                           c->nodes[i].host, c->nodes[i].mra_port};
    return n;
}

void edge_zones_set(struct edge_zones *all, const struct edge_zone_want *wants, size_t count)
{
    LIST_FOR_EACH(it, &all->all)
    LIST_OF(it, struct zone, link)->is_wanted = false;
    for (size_t i = 0; i < count; i++)
        want(all, &wants[i], i);
    LIST_FOR_EACH(it, &all->all)
    {
        struct zone *z = LIST_OF(it, struct zone, link);
        if (z->is_wanted) continue;
        log_info(all->config.log, "zone.removed", LOG_CSTR("zone", z->name));
        zone_free(z);
    }
}

void edge_zones_greet(struct edge_zones *all)
{
    LIST_FOR_EACH(it, &all->all)
    {
        struct zone *z = LIST_OF(it, struct zone, link);
        if (z->kind == EDGE_ZONE_LINK && z->state == EDGE_ZONE_ACTIVE) ask(z);
    }
}

void edge_zones_retry(struct edge_zones *all)
{
    LIST_FOR_EACH(it, &all->all)
    {
        struct zone *z = LIST_OF(it, struct zone, link);
        if (z->state != EDGE_ZONE_FAILED) continue;
        siptx_timer_stop(all->stack, &z->timer);
        z->pause_ms = FIRST_PAUSE_MS;
        begin(z);
    }
}

struct edge_zones *edge_zones_free(struct edge_zones *all)
{
    if (!all) return NULL;
    while (all->all.next != &all->all)
        zone_free(LIST_OF(all->all.next, struct zone, link));
    pthread_mutex_destroy(&all->lock);
    free(all);
    return NULL;
}

/* ---- shown ---- */

static enum rc show(const struct zone *z, struct arena *a, struct edge_zone_view *out)
{
    *out = (struct edge_zone_view){.kind = z->kind,
                                   .port = z->port,
                                   .state = z->state,
                                   .since_unix_ms = z->since_unix_ms,
                                   .problem = z->problem};
    enum rc rc = arena_str_dup(a, str_from(z->name), &out->name);
    if (rc == RC_OK) rc = arena_str_dup(a, str_from(z->ucm), &out->ucm);
    if (rc == RC_OK) rc = arena_str_dup(a, str_from(z->node), &out->node);
    if (rc == RC_OK) rc = arena_str_dup(a, str_from(z->host), &out->host);
    if (rc == RC_OK) rc = arena_str_dup(a, str_from(z->peer), &out->peer);
    return rc;
}

enum rc edge_zones_list(struct edge_zones *all, struct arena *a, struct edge_zone_view **out,
                        size_t *count)
{
    enum rc rc = RC_OK;
    *count = 0;
    pthread_mutex_lock(&all->lock);
    *out = ARENA_ARRAY(a, struct edge_zone_view, all->count + 1);
    if (!*out) rc = RC_NOMEM;
    LIST_FOR_EACH(it, &all->all)
    if (rc == RC_OK) rc = show(LIST_OF(it, struct zone, link), a, &(*out)[(*count)++]);
    pthread_mutex_unlock(&all->lock);
    return rc;
}
