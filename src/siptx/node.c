/* siptx/node.c - the stacks of one process and the way from one thread to another's stack. Each
 * stack has an inbox, which outlives it as long as its loop may still run the inbox's post. */
#include "net/loop.h"
#include "siptx/stack_int.h"
#include <pthread.h>
#include <stdlib.h>

struct siptx_inbox {
    pthread_mutex_t lock;
    struct list letters;
    struct siptx_stack *stack; /* NULL: gone */
    struct net_loop *loop;
    struct net_post post;
};

struct siptx_node {
    pthread_mutex_t lock;
    struct siptx_inbox *inboxes[SIPTX_WORKER_MAX];
    atomic_size_t parcel_bytes[SIPTX_WORKER_MAX]; /* of responses on their way to each */
};

struct siptx_node *siptx_node_new(void)
{
    struct siptx_node *n = calloc(1, sizeof *n);
    if (n) pthread_mutex_init(&n->lock, NULL);
    return n;
}

struct siptx_node *siptx_node_free(struct siptx_node *n)
{
    if (!n) return NULL;
    pthread_mutex_destroy(&n->lock);
    free(n);
    return NULL;
}

static struct siptx_inbox *inbox_new(struct siptx_stack *s)
{
    struct siptx_inbox *in = calloc(1, sizeof *in);
    if (!in) return NULL;
    pthread_mutex_init(&in->lock, NULL);
    list_init(&in->letters);
    in->stack = s;
    in->loop = s->config.loop;
    return in;
}

static void inbox_free(struct siptx_inbox *in)
{
    pthread_mutex_destroy(&in->lock);
    free(in);
}

static struct siptx_letter *inbox_take(struct siptx_inbox *in)
{
    pthread_mutex_lock(&in->lock);
    struct list *l = list_first(&in->letters);
    if (l) list_remove(l);
    pthread_mutex_unlock(&in->lock);
    return l ? LIST_OF(l, struct siptx_letter, link) : NULL;
}

static size_t inbox_deliver(struct siptx_inbox *in, struct siptx_stack *s)
{
    struct siptx_letter *letter;
    size_t count = 0;
    while ((letter = inbox_take(in)) != NULL) {
        struct siptx_letter l = *letter;
        if (l.is_owned) free(letter);
        l.fn(s, l.ctx);
        count++;
    }
    return count;
}

/* On the stack's thread. */
static void inbox_run(void *ctx)
{
    struct siptx_inbox *in = ctx;
    struct siptx_stack *s = in->stack;
    if (!s) {
        inbox_free(in); /* the stack went while this was on its way */
        return;
    }
    siptx_enter(s);
    inbox_deliver(in, s);
    siptx_leave(s);
}

enum rc siptx_node_enter(struct siptx_stack *s)
{
    struct siptx_node *n = s->config.node;
    if (!n || (!s->config.loop && !s->config.takes_posts)) return RC_OK;
    struct siptx_inbox *in = inbox_new(s);
    if (!in) return RC_NOMEM;
    pthread_mutex_lock(&n->lock);
    bool taken = n->inboxes[s->config.worker] != NULL;
    if (!taken) n->inboxes[s->config.worker] = in;
    pthread_mutex_unlock(&n->lock);
    if (taken) {
        inbox_free(in);
        return RC_INVALID;
    }
    s->inbox = in;
    return RC_OK;
}

void siptx_node_leave(struct siptx_stack *s)
{
    struct siptx_inbox *in = s->inbox;
    if (!in) return;
    s->inbox = NULL;
    pthread_mutex_lock(&s->config.node->lock);
    s->config.node->inboxes[s->config.worker] = NULL;
    pthread_mutex_unlock(&s->config.node->lock);
    /* Nobody finds it any more; what is in it is only to be freed. */
    in->stack = NULL;
    inbox_deliver(in, NULL);
    if (!atomic_load(&in->post.waiting)) inbox_free(in); /* else inbox_run does */
}

enum rc siptx_node_post_letter(struct siptx_node *n, unsigned worker, struct siptx_letter *l,
                               siptx_post_fn *fn, void *ctx)
{
    if (worker >= SIPTX_WORKER_MAX) return RC_NOT_FOUND;
    l->fn = fn;
    l->ctx = ctx;
    pthread_mutex_lock(&n->lock);
    struct siptx_inbox *in = n->inboxes[worker];
    if (in) {
        pthread_mutex_lock(&in->lock);
        list_push_back(&in->letters, &l->link);
        pthread_mutex_unlock(&in->lock);
        if (in->loop) net_loop_post(in->loop, &in->post, inbox_run, in);
    }
    pthread_mutex_unlock(&n->lock);
    return in ? RC_OK : RC_NOT_FOUND;
}

enum rc siptx_node_post(struct siptx_node *n, unsigned worker, siptx_post_fn *fn, void *ctx)
{
    struct siptx_letter *l = calloc(1, sizeof *l);
    if (!l) return RC_NOMEM;
    l->is_owned = true;
    enum rc rc = siptx_node_post_letter(n, worker, l, fn, ctx);
    if (rc != RC_OK) free(l);
    return rc;
}

size_t siptx_stack_deliver(struct siptx_stack *s)
{
    if (!s->inbox) return 0;
    siptx_enter(s);
    size_t count = inbox_deliver(s->inbox, s);
    siptx_leave(s);
    return count;
}

/* ---- responses for another worker ---- */

enum { PARCEL_BYTES_MAX = 16 << 20 }; /* to one worker: a branch that names it is easily forged */

struct parcel {
    atomic_size_t *counted; /* in the node, which outlives the stacks */
    size_t n;
    char bytes[];
};

static void parcel_open(struct siptx_stack *s, void *ctx)
{
    struct parcel *p = ctx;
    struct siptx_block *b = s ? siptx_block_get(s) : NULL;
    struct sip_verdict v;
    if (b && sip_message_parse(str_of(p->bytes, p->n), SIP_STREAM, &b->message, NULL) == RC_OK) {
        sip_validate(&b->message, SIP_STREAM, &b->basics, &v);
        if (v.action != SIP_ACCEPT || !siptx_client_take(s, NULL, b))
            siptx_count(&s->counters.dropped_responses);
    }
    if (b) siptx_block_put(s, b);
    atomic_fetch_sub(p->counted, p->n);
    free(p);
}

/* NULL: out of memory, or too much is on its way already. */
static struct parcel *parcel_new(atomic_size_t *counted, struct str bytes)
{
    struct parcel *p = NULL;
    if (atomic_fetch_add(counted, bytes.n) <= PARCEL_BYTES_MAX - bytes.n)
        p = malloc(sizeof *p + bytes.n);
    if (!p) {
        atomic_fetch_sub(counted, bytes.n);
        return NULL;
    }
    p->counted = counted;
    p->n = bytes.n;
    memcpy(p->bytes, bytes.p, bytes.n);
    return p;
}

void siptx_node_hand_over(struct siptx_stack *s, unsigned worker, struct str bytes)
{
    struct siptx_node *n = s->config.node;
    struct parcel *p = n ? parcel_new(&n->parcel_bytes[worker], bytes) : NULL;
    if (p && siptx_node_post(n, worker, parcel_open, p) == RC_OK) return;
    if (p) atomic_fetch_sub(p->counted, p->n);
    free(p);
    siptx_count(&s->counters.dropped_responses);
}
