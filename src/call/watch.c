#include "call/watch.h"

#include "call/call_int.h"
#include "call/reach.h"
#include "call/trunk.h"

#include <stdlib.h>

/* ---- what is known ---- */

struct call_trunk_states {
    pthread_mutex_t lock;
    size_t count;
    struct call_trunk_state rows[CALL_WATCH_TRUNKS];
};

struct call_trunk_states *call_trunk_states_new(void)
{
    struct call_trunk_states *s = calloc(1, sizeof *s);
    if (s && pthread_mutex_init(&s->lock, NULL) != 0) {
        free(s);
        return NULL;
    }
    return s;
}

struct call_trunk_states *call_trunk_states_free(struct call_trunk_states *s)
{
    if (s) pthread_mutex_destroy(&s->lock);
    free(s);
    return NULL;
}

static struct call_trunk_state *row_of(struct call_trunk_states *s, struct str name)
{
    for (size_t i = 0; i < s->count; i++)
        if (str_eq_nocase(str_from(s->rows[i].name), name)) return &s->rows[i];
    return NULL;
}

bool call_trunk_states_set(struct call_trunk_states *s, struct str name, bool is_up,
                           unsigned status, int64_t now_unix_ms)
{
    bool is_new = false;
    name = str_sub(name, 0, CALL_TRUNK_NAME_MAX);
    pthread_mutex_lock(&s->lock);
    struct call_trunk_state *row = row_of(s, name);
    if (!row && s->count < CALL_WATCH_TRUNKS) {
        row = &s->rows[s->count++];
        *row = (struct call_trunk_state){.is_up = !is_up};
        if (name.n > 0) memcpy(row->name, name.p, name.n);
    }
    if (row) {
        is_new = row->is_up != is_up;
        row->is_up = is_up;
        row->status = status;
        if (is_new) row->since_unix_ms = now_unix_ms;
    }
    pthread_mutex_unlock(&s->lock);
    return is_new;
}

static bool is_among(const char *name, const struct str *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(str_from(name), str_sub(names[i], 0, CALL_TRUNK_NAME_MAX))) return true;
    return false;
}

void call_trunk_states_keep(struct call_trunk_states *s, const struct str *names, size_t count)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->count;) {
        if (is_among(s->rows[i].name, names, count))
            i++;
        else
            s->rows[i] = s->rows[--s->count];
    }
    pthread_mutex_unlock(&s->lock);
}

size_t call_trunk_states_list(struct call_trunk_states *s, struct call_trunk_state *out, size_t max)
{
    pthread_mutex_lock(&s->lock);
    size_t count = s->count < max ? s->count : max;
    memcpy(out, s->rows, count * sizeof *out);
    pthread_mutex_unlock(&s->lock);
    return count;
}

/* ---- asking ---- */

/* One trunk being asked. */
struct probe {
    struct list link;
    struct call_watch *watch;
    const struct directory_trunk *trunk;
    struct call_reach_ask ask;
    struct siptx_client *client; /* its answer is awaited */
};

struct call_watch {
    struct call_worker *worker;
    struct wheel_timer timer;
    struct list probes;
    uint64_t cseq;
};

static void probe_free(struct probe *p)
{
    call_reach_stop(&p->ask);
    directory_trunk_unref(p->trunk);
    list_remove(&p->link);
    free(p);
}

static void conclude(struct probe *p, bool is_up, unsigned status)
{
    struct call_node *n = p->watch->worker->node;
    if (call_trunk_states_set(n->trunks, p->trunk->name, is_up, status, clock_unix_ms(&n->clock))) {
        if (is_up)
            log_info(n->log, "trunk.up", LOG_STR("trunk", p->trunk->name),
                     LOG_INT("status", status));
        else
            log_warn(n->log, "trunk.down", LOG_STR("trunk", p->trunk->name),
                     LOG_STR("host", p->trunk->host), LOG_INT("status", status));
    }
    probe_free(p);
}

static void try_next(struct probe *p, unsigned status);

static void on_answer(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                      const struct sip_message *m, struct arena *arena)
{
    struct probe *p = ctx;
    (void)arena;
    if (outcome == SIPTX_PROVISIONAL) return;
    if (outcome == SIPTX_GONE) { /* the stack ends */
        probe_free(p);
        return;
    }
    siptx_client_forget(c); /* this is all we wanted to know */
    p->client = NULL;
    if (outcome == SIPTX_FINAL && m->status != 503)
        conclude(p, true, m->status);
    else
        try_next(p, outcome == SIPTX_FINAL ? m->status : 0);
}

static void print_headers(struct probe *p, const struct siptx_flow *f, struct str uri,
                          struct buf *out)
{
    struct call_node *n = p->watch->worker->node;
    uint64_t unique[2] = {random_u64(&n->random), random_u64(&n->random)};
    buf_put_lit(out, "Max-Forwards: 70\r\nFrom: <sip:");
    net_addr_print(out, &f->local);
    buf_printf(out, ">;tag=%016llx\r\nTo: <", (unsigned long long)unique[0]);
    buf_put_str(out, uri);
    buf_printf(out, ">\r\nCall-ID: %016llx\r\nCSeq: %llu OPTIONS\r\nAccept: application/sdp\r\n",
               (unsigned long long)unique[1], (unsigned long long)++p->watch->cseq);
}

static bool send_over(struct probe *p, uint64_t flow)
{
    struct siptx_stack *s = p->watch->worker->stack;
    struct siptx_flow *f = siptx_flow_find(s, flow);
    char text[2 * NET_NAME_MAX];
    struct buf b;
    if (!f || f->closing) return false;
    buf_init_fixed(&b, text, sizeof text);
    call_trunk_print_uri(&b, p->trunk, STR(""));
    if (buf_rc(&b) != RC_OK) return false;
    print_headers(p, f, buf_str(&b), siptx_request_begin(s, f, STR("OPTIONS"), buf_str(&b)));
    return siptx_request_send(s, STR(""), STR(""), on_answer, p, &p->client) == RC_OK;
}

static void try_next(struct probe *p, unsigned status)
{
    uint64_t flow;
    enum rc rc;
    while ((rc = call_reach_next(&p->ask, &flow)) == RC_OK)
        if (send_over(p, flow)) return;
    if (rc != RC_MORE) conclude(p, false, status);
}

static void on_reached(void *ctx, enum rc rc, uint64_t flow)
{
    struct probe *p = ctx;
    if (rc != RC_OK)
        conclude(p, false, 0);
    else if (!send_over(p, flow))
        try_next(p, 0);
}

static bool is_asked(const struct call_watch *watch, struct str name)
{
    LIST_FOR_EACH(l, &watch->probes)
    {
        if (str_eq_nocase(LIST_OF(l, struct probe, link)->trunk->name, name)) return true;
    }
    return false;
}

static void ask(struct call_watch *watch, const struct store_trunk *row)
{
    struct call_worker *w = watch->worker;
    if (is_asked(watch, row->name)) return;
    struct probe *p = calloc(1, sizeof *p);
    if (!p) return;
    p->watch = watch;
    list_init(&p->link);
    list_init(&p->ask.link);
    p->trunk = directory_trunk_ref(w->node->directory, row->name);
    if (!p->trunk) {
        probe_free(p);
        return;
    }
    list_push_back(&watch->probes, &p->link);
    call_reach_ask(&p->ask, w->reach, p->trunk->host, (uint16_t)p->trunk->port,
                   call_trunk_transport(p->trunk->transport), on_reached, p);
    try_next(p, 0);
}

static void on_time(void *ctx)
{
    struct call_watch *watch = ctx;
    struct call_node *n = watch->worker->node;
    struct str names[CALL_WATCH_TRUNKS];
    size_t count = 0;
    const struct directory_trunks *all = directory_trunks_ref(n->directory);
    for (size_t i = 0; all && i < all->count && count < CALL_WATCH_TRUNKS; i++) {
        if (!all->rows[i].enabled) continue;
        names[count++] = all->rows[i].name;
        ask(watch, &all->rows[i]);
    }
    call_trunk_states_keep(n->trunks, names, count);
    directory_trunks_unref(all);
    siptx_timer_start(watch->worker->stack, &watch->timer, CALL_WATCH_MS, on_time, watch);
}

enum rc call_watch_new(struct call_worker *w, struct call_watch **out)
{
    struct call_watch *watch = calloc(1, sizeof *watch);
    if (!watch) return RC_NOMEM;
    watch->worker = w;
    list_init(&watch->probes);
    siptx_timer_start(w->stack, &watch->timer, 0, on_time, watch);
    *out = watch;
    return RC_OK;
}

struct call_watch *call_watch_free(struct call_watch *watch)
{
    struct list *l;
    if (!watch) return NULL;
    while ((l = list_first(&watch->probes)) != NULL)
        probe_free(LIST_OF(l, struct probe, link));
    free(watch);
    return NULL;
}
