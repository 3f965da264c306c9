#include "edge/zones.h"

#include "base/check.h"
#include "edge/zone_fault.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { UCM_MAX = 253, NODE_MAX = 127, FIRST_PAUSE_MS = 1000, CONNECT_MS = 8000 };

struct zone {
    struct list link;
    struct edge_zones *zones;
    char name[EDGE_ZONE_NAME_MAX + 1], ucm[UCM_MAX + 1], node[NODE_MAX + 1], host[NET_NAME_MAX + 1];
    uint16_t port;
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
    if (f && !f->closing) siptx_flow_close(f, SIPTX_CLOSE_OWNER);
}

static void on_retry(void *ctx)
{
    begin(ctx);
}

static void fail(struct zone *z, const struct edge_problem *problem)
{
    const struct log *log = z->zones->config.log;
    bool is_new = z->was_active || strcmp(z->problem.text, problem->text) != 0;
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
    z->pause_ms = z->pause_ms * 2 < EDGE_ZONE_RETRY_MAX_MS ? z->pause_ms * 2
                                                           : EDGE_ZONE_RETRY_MAX_MS;
}

static struct edge_zone_place place_of(const struct zone *z)
{
    return (struct edge_zone_place){z->node, z->host, z->peer, z->port};
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

/* Whatever it answers: it has taken our certificate, and it speaks SIP. */
static void on_answer(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                      const struct sip_message *m, struct arena *arena)
{
    struct zone *z = ctx;
    (void)arena, (void)m;
    if (outcome == SIPTX_PROVISIONAL) return;
    z->client = NULL;
    if (outcome == SIPTX_GONE) return;
    siptx_client_forget(c);
    siptx_timer_stop(z->zones->stack, &z->timer);
    if (outcome == SIPTX_FINAL)
        succeed(z);
    else if (outcome == SIPTX_TIMEOUT)
        fail_by(z, EDGE_ZONE_SILENT);
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
    siptx_timer_start(s, &z->timer, EDGE_ZONE_ANSWER_MS, on_late, z);
    if (siptx_request_send(s, STR(""), STR(""), on_answer, z, &z->client) != RC_OK) {
        z->client = NULL;
        fail_by(z, EDGE_ZONE_NOT_SENT);
    }
}

/* ---- connecting ---- */

static struct zone *zone_of(struct edge_zones *all, uint64_t flow)
{
    LIST_FOR_EACH(it, &all->all)
    {
        struct zone *z = LIST_OF(it, struct zone, link);
        if (z->flow == flow) return z;
    }
    return NULL;
}

bool edge_zones_on_ready(struct edge_zones *all, struct siptx_flow *f)
{
    struct zone *z = zone_of(all, f->id);
    if (z) ask(z);
    return z != NULL;
}

bool edge_zones_on_closed(struct edge_zones *all, struct siptx_flow *f, enum siptx_close why,
                          struct str text)
{
    struct zone *z = zone_of(all, f->id);
    struct edge_problem p;
    (void)why;
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
    struct net_tls *tls = all->config.ops.tls(all->config.ops.ctx);
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
    if (rc == RC_OK)
        z->flow = f->id;
    else
        fail_by(z, EDGE_ZONE_NOT_SENT);
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

static struct zone *zone_find(struct edge_zones *all, struct str ucm, struct str node)
{
    LIST_FOR_EACH(it, &all->all)
    {
        struct zone *z = LIST_OF(it, struct zone, link);
        if (str_eq_nocase(str_from(z->ucm), ucm) && str_eq_nocase(str_from(z->node), node))
            return z;
    }
    return NULL;
}

static enum rc zone_place(struct zone *z, struct str ucm, const struct edge_node *n)
{
    snprintf(z->name, sizeof z->name, "CEOAuth-%.*s", STR_ARG(str_sub(n->name, 0, 100)));
    enum rc rc = str_to_cstr(ucm, z->ucm, sizeof z->ucm);
    if (rc == RC_OK) rc = str_to_cstr(n->name, z->node, sizeof z->node);
    if (rc == RC_OK) rc = str_to_cstr(n->host, z->host, sizeof z->host);
    z->port = n->mra_port;
    return rc;
}

static void zone_add(struct edge_zones *all, struct str ucm, const struct edge_node *n)
{
    struct zone *z = all->count < EDGE_ZONES_MAX ? calloc(1, sizeof *z) : NULL;
    if (!z || zone_place(z, ucm, n) != RC_OK) {
        log_error(all->config.log, "zone.left_out", LOG_STR("node", n->name), LOG_STR("ucm", ucm));
        free(z);
        return;
    }
    z->zones = all;
    z->pause_ms = FIRST_PAUSE_MS;
    z->is_wanted = true;
    z->since_unix_ms = clock_unix_ms(&all->config.clock);
    pthread_mutex_lock(&all->lock);
    list_push_back(&all->all, &z->link);
    all->count++;
    pthread_mutex_unlock(&all->lock);
    log_info(all->config.log, "zone.added", LOG_CSTR("zone", z->name), LOG_CSTR("host", z->host),
             LOG_INT("port", z->port));
    begin(z);
}

static void want(struct edge_zones *all, struct str ucm, const struct edge_node *n)
{
    struct zone *z = zone_find(all, ucm, n->name);
    bool is_moved = z && (z->port != n->mra_port || !str_eq(str_from(z->host), n->host));
    if (is_moved) {
        log_info(all->config.log, "zone.moved", LOG_CSTR("zone", z->name), LOG_STR("host", n->host),
                 LOG_INT("port", n->mra_port));
        zone_free(z);
    }
    if (z && !is_moved)
        z->is_wanted = true;
    else
        zone_add(all, ucm, n);
}

void edge_zones_set(struct edge_zones *all, struct edge_cluster *const *clusters,
                    const struct str *addresses, size_t count)
{
    LIST_FOR_EACH(it, &all->all)
    LIST_OF(it, struct zone, link)->is_wanted = false;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; clusters[i]->sip_oauth_mode && k < clusters[i]->node_count; k++)
            want(all, addresses[i], &clusters[i]->nodes[k]);
    LIST_FOR_EACH(it, &all->all)
    {
        struct zone *z = LIST_OF(it, struct zone, link);
        if (z->is_wanted) continue;
        log_info(all->config.log, "zone.removed", LOG_CSTR("zone", z->name));
        zone_free(z);
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
    *out = (struct edge_zone_view){.port = z->port,
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
