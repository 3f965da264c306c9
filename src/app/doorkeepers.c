/* The workers that stand at a SIP port: each joins it on its own loop, and a port is closed when each
 * has let go of it. */
#include "app/listeners_int.h"

#include "net/udp.h"

#include <stdlib.h>

struct join {
    struct door_def def;
    struct net_listener *listener;
    struct net_udp_port *udp;
    const struct log *log;
};

static void on_join(struct siptx_stack *s, void *ctx)
{
    struct join *j = ctx;
    enum rc rc = RC_OK;
    if (s && j->listener) {
        enum siptx_transport t = j->def.tls >= 0 ? SIPTX_TLS : SIPTX_TCP;
        rc = siptx_stack_join(s, j->listener, j->def.kind, t);
    } else if (s) {
        rc = siptx_stack_join_udp(s, j->udp, j->def.kind);
    }
    if (rc != RC_OK)
        log_error(j->log, "listener.worker_not_joined", LOG_CSTR("name", j->def.name),
                  LOG_CSTR("rc", rc_name(rc)));
    free(j);
}

void door_join(struct app_listeners *l, const struct door *d)
{
    for (unsigned i = 0; i < l->config.workers; i++) {
        enum rc rc = RC_NOMEM;
        struct join *j = malloc(sizeof *j);
        if (j) *j = (struct join){door_defs[d->kind], d->listener, d->udp, l->config.log};
        if (j) rc = siptx_node_post(l->config.stacks, i, on_join, j);
        if (rc == RC_OK) continue;
        log_error(l->config.log, "listener.worker_not_joined",
                  LOG_CSTR("name", door_defs[d->kind].name), LOG_CSTR("rc", rc_name(rc)));
        free(j);
    }
}

struct leave *door_leave_new(struct app_listeners *l, const struct door *d)
{
    struct leave *v = calloc(1, sizeof *v);
    if (!v) return NULL;
    v->l = l;
    v->kind = d->kind;
    v->addr = d->addr;
    list_init(&v->link);
    list_init(&v->retry);
    atomic_init(&v->left, l->config.workers + 1);
    return v;
}

static void on_left(void *ctx)
{
    struct leave *v = ctx;
    struct app_listeners *l = v->l;
    pthread_mutex_lock(&l->lock);
    list_remove(&v->link);
    l->asked++; /* what waited for the port may open now */
    pthread_cond_broadcast(&l->settled);
    pthread_mutex_unlock(&l->lock);
    free(v);
    app_listeners_changed(l);
}

static void leave_step(struct leave *v)
{
    if (atomic_fetch_sub(&v->left, 1) != 1) return;
    if (v->listener) {
        (void)net_listener_close(v->listener, true, on_left, v);
    } else {
        (void)net_udp_close(v->udp);
        on_left(v);
    }
}

static void on_leave(struct siptx_stack *s, void *ctx)
{
    struct leave *v = ctx;
    if (s && v->listener) siptx_stack_leave(s, v->listener, true);
    if (s && v->udp) siptx_stack_leave_udp(s, v->udp);
    leave_step(v);
}

/* What cannot be posted for want of memory waits for the next sync: a worker left out would go on
 * with a port that is gone. The lock is not held. */
static void leave_tell(struct app_listeners *l, struct leave *v)
{
    for (; v->told < l->config.workers; v->told++) {
        enum rc rc = siptx_node_post(l->config.stacks, v->told, on_leave, v);
        if (rc == RC_NOMEM) {
            list_push_back(&l->untold, &v->retry);
            return;
        }
        if (rc != RC_OK) leave_step(v); /* no such worker */
    }
    leave_step(v);
}

void doors_leave_again(struct app_listeners *l)
{
    struct list *first;
    for (size_t n = DOORS_MAX; n > 0 && (first = list_first(&l->untold)) != NULL; n--) {
        list_remove(first);
        leave_tell(l, LIST_OF(first, struct leave, retry));
    }
}

void door_leave(struct app_listeners *l, struct door *d)
{
    struct leave *v = d->leave;
    v->listener = d->listener;
    v->udp = d->udp;
    d->leave = NULL;
    d->listener = NULL;
    d->udp = NULL;
    list_push_back(&l->leaving, &v->link);
    pthread_mutex_unlock(&l->lock);
    leave_tell(l, v);
    pthread_mutex_lock(&l->lock);
}

bool door_is_in_the_way(const struct app_listeners *l, const struct door *d)
{
    for (struct list *it = l->leaving.next; it != &l->leaving; it = it->next) {
        const struct leave *v = LIST_OF(it, struct leave, link);
        bool same_port = v->addr.port == d->addr.port && v->addr.family == d->addr.family;
        if (same_port && (v->kind == DOOR_SIP_UDP) == (d->kind == DOOR_SIP_UDP)) return true;
    }
    return false;
}
