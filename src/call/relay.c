/* A leg's two ends: its own worker (relay, fn, under_way ...) and the worker of the flow (client,
 * reserve). Each touches only its end; what they tell each other is in carriers. The carrier that
 * brought the request stays with the transaction as its reserve and brings SIPTX_GONE back, so that
 * the end is told whatever memory there is; the leg is free again when it has come and no carrier of
 * ours is away. */
#include "call/relay.h"

#include "base/check.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    CARRIER_POOL_MAX = 256,   /* kept for reuse by each worker */
    CARRIER_KEPT_MAX = 16384, /* bytes such a one may keep */
    LEG_POOL_MAX = 1024,
    CARRIER_BYTES_MAX = 2 * SIPTX_MESSAGE_MAX,
};

enum carrier_kind { CARRY_REQUEST, CARRY_ONCE, CARRY_CANCEL, CARRY_EVENT };

struct carrier {
    struct siptx_letter letter;
    struct carrier *next;
    struct call_relay *home;
    struct call_leg_out *leg;
    enum carrier_kind kind;
    enum siptx_outcome outcome;
    uint64_t flow;
    uint32_t method_n, uri_n, params_n, token_n, headers_n; /* of bytes; the rest is the body */
    struct call_hop from;
    bool is_home; /* comes back from a CANCEL */
    struct buf bytes;
};

struct call_leg_out {
    struct list all;
    struct call_relay *relay;
    call_relay_fn *fn; /* NULL: forgotten */
    void *ctx;
    unsigned worker;    /* of the flow */
    unsigned under_way; /* carriers with CANCELs away */
    bool is_remote, is_over, is_cancelled;
    /* at the flow's worker: */
    struct siptx_client *client;
    struct carrier *reserve;
};

struct call_relay {
    struct siptx_node *node;
    struct siptx_stack *stack;
    unsigned worker;
    struct list legs, free_legs;
    unsigned free_leg_count;
    pthread_mutex_t lock; /* of the next two: carriers come home on any thread */
    struct carrier *carriers;
    unsigned carrier_count;
};

struct call_relay *call_relay_new(struct siptx_node *node)
{
    struct call_relay *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    if (pthread_mutex_init(&r->lock, NULL) != 0) {
        free(r);
        return NULL;
    }
    r->node = node;
    list_init(&r->legs);
    list_init(&r->free_legs);
    return r;
}

static void legs_free(struct list *legs)
{
    struct list *l;
    while ((l = list_first(legs)) != NULL) {
        list_remove(l);
        free(LIST_OF(l, struct call_leg_out, all));
    }
}

static void carrier_free(struct carrier *c)
{
    buf_fini(&c->bytes);
    free(c);
}

struct call_relay *call_relay_free(struct call_relay *r)
{
    if (!r) return NULL;
    legs_free(&r->legs);
    legs_free(&r->free_legs);
    while (r->carriers) {
        struct carrier *c = r->carriers;
        r->carriers = c->next;
        carrier_free(c);
    }
    pthread_mutex_destroy(&r->lock);
    free(r);
    return NULL;
}

void call_relay_attach(struct call_relay *r, struct siptx_stack *stack)
{
    r->stack = stack;
    r->worker = siptx_stack_worker(stack);
}

/* ---- pools ---- */

static struct carrier *carrier_get(struct call_relay *r, enum carrier_kind kind,
                                   struct call_leg_out *leg)
{
    pthread_mutex_lock(&r->lock);
    struct carrier *c = r->carriers;
    if (c) {
        r->carriers = c->next;
        r->carrier_count--;
    }
    pthread_mutex_unlock(&r->lock);
    if (!c) {
        c = calloc(1, sizeof *c);
        if (!c) return NULL;
        buf_init(&c->bytes, CARRIER_BYTES_MAX);
    }
    c->home = r;
    c->kind = kind;
    c->leg = leg;
    c->is_home = false;
    return c;
}

static void carrier_put(struct carrier *c)
{
    struct call_relay *r = c->home;
    bool kept = false;
    if (c->bytes.cap > CARRIER_KEPT_MAX) {
        buf_fini(&c->bytes);
        buf_init(&c->bytes, CARRIER_BYTES_MAX);
    }
    buf_reset(&c->bytes);
    pthread_mutex_lock(&r->lock);
    if (r->carrier_count < CARRIER_POOL_MAX) {
        c->next = r->carriers;
        r->carriers = c;
        r->carrier_count++;
        kept = true;
    }
    pthread_mutex_unlock(&r->lock);
    if (!kept) carrier_free(c);
}

static struct call_leg_out *leg_get(struct call_relay *r, call_relay_fn *fn, void *ctx)
{
    struct list *l = list_first(&r->free_legs);
    struct call_leg_out *leg;
    if (l) {
        list_remove(l);
        r->free_leg_count--;
        leg = LIST_OF(l, struct call_leg_out, all);
    } else if (!(leg = malloc(sizeof *leg))) {
        return NULL;
    }
    *leg = (struct call_leg_out){.relay = r, .fn = fn, .ctx = ctx};
    list_push_back(&r->legs, &leg->all);
    return leg;
}

static void leg_put(struct call_leg_out *leg)
{
    struct call_relay *r = leg->relay;
    list_remove(&leg->all);
    if (r->free_leg_count >= LEG_POOL_MAX) {
        free(leg);
        return;
    }
    list_push_front(&r->free_legs, &leg->all);
    r->free_leg_count++;
}

/* ---- what comes of it ---- */

static void leg_tell(struct call_leg_out *leg, enum siptx_outcome outcome,
                     const struct sip_message *m)
{
    if (leg->fn) leg->fn(leg->ctx, leg, outcome, m);
    if (outcome != SIPTX_GONE) return;
    leg->is_over = true;
    leg->fn = NULL;
    if (leg->under_way == 0) leg_put(leg);
}

static void on_local(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                     const struct sip_message *response, struct arena *arena)
{
    (void)c;
    (void)arena;
    struct call_leg_out *leg = ctx;
    if (outcome == SIPTX_GONE) leg->client = NULL;
    leg_tell(leg, outcome, response);
}

/* ---- carriers arriving at the leg's own worker ---- */

static void event_home(struct siptx_stack *s, void *ctx)
{
    struct carrier *c = ctx;
    struct call_leg_out *leg = c->leg;
    struct sip_message m;
    if (!s) {
        carrier_put(c);
        return;
    }
    bool has_message = c->bytes.n > 0;
    if (has_message && sip_message_parse(buf_str(&c->bytes), SIP_STREAM, &m, NULL) != RC_OK) {
        carrier_put(c); /* it was read before it was sent: cannot be */
        return;
    }
    if (c->is_home) {
        leg->under_way--;
        if (leg->is_over && leg->under_way == 0) leg_put(leg);
    } else {
        leg_tell(leg, c->outcome, has_message ? &m : NULL);
    }
    carrier_put(c);
}

/* The stack of the leg's worker may be gone: nobody waits any more. */
static void send_home(struct carrier *c)
{
    struct call_relay *r = c->leg->relay;
    if (siptx_node_post_letter(r->node, r->worker, &c->letter, event_home, c) != RC_OK)
        carrier_put(c);
}

/* ---- at the flow's worker ---- */

static void far_gone(struct call_leg_out *leg)
{
    struct carrier *c = leg->reserve;
    leg->client = NULL;
    leg->reserve = NULL;
    c->kind = CARRY_EVENT;
    c->outcome = SIPTX_GONE;
    buf_reset(&c->bytes);
    send_home(c);
}

static void far_event(struct call_leg_out *leg, enum siptx_outcome outcome,
                      const struct sip_message *response)
{
    struct carrier *c = carrier_get(leg->relay, CARRY_EVENT, leg);
    if (!c) return; /* a lost answer: it comes again, or a timer ends it */
    c->outcome = outcome;
    if (response) buf_put_str(&c->bytes, response->bytes);
    if (buf_rc(&c->bytes) == RC_OK)
        send_home(c);
    else
        carrier_put(c);
}

static void on_far(void *ctx, struct siptx_client *client, enum siptx_outcome outcome,
                   const struct sip_message *response, struct arena *arena)
{
    (void)client;
    (void)arena;
    if (outcome == SIPTX_GONE)
        far_gone(ctx);
    else
        far_event(ctx, outcome, response);
}

static struct str part(const struct carrier *c, size_t from, size_t n)
{
    return str_of(c->bytes.p + from, n);
}

static struct call_outgoing outgoing_of(const struct carrier *c)
{
    size_t uri = c->method_n, params = uri + c->uri_n, token = params + c->params_n,
           headers = token + c->token_n, body = headers + c->headers_n;
    return (struct call_outgoing){
        .flow = c->flow,
        .method = part(c, 0, c->method_n),
        .uri = part(c, uri, c->uri_n),
        .via_params = part(c, params, c->params_n),
        .token = part(c, token, c->token_n),
        .headers = part(c, headers, c->headers_n),
        .body = part(c, body, c->bytes.n - body),
        .from = c->from,
    };
}

static enum rc begin(struct siptx_stack *s, const struct call_outgoing *o)
{
    struct siptx_flow *f = siptx_flow_find(s, o->flow);
    if (!f || f->closing) return RC_CLOSED;
    struct buf *out = siptx_request_begin_via(s, f, o->method, o->uri, o->via_params);
    if (o->token.n > 0) {
        struct call_hop to = {f->local, (enum siptx_transport)f->transport};
        if (o->own_port != 0) to.local.port = o->own_port;
        call_route_print_record(out, o->token, &o->from, &to);
    }
    buf_put_str(out, o->headers);
    return RC_OK;
}

static void far_request(struct siptx_stack *s, struct carrier *c)
{
    struct call_outgoing o = outgoing_of(c);
    struct call_leg_out *leg = c->leg;
    leg->reserve = c;
    enum rc rc = begin(s, &o);
    if (rc == RC_OK) rc = siptx_request_send(s, STR(""), o.body, on_far, leg, &leg->client);
    if (rc == RC_OK) return;
    far_event(leg, SIPTX_LOST, NULL);
    far_gone(leg);
}

static void far_arrive(struct siptx_stack *s, void *ctx)
{
    struct carrier *c = ctx;
    if (!s) {
        carrier_put(c);
    } else if (c->kind == CARRY_REQUEST) {
        far_request(s, c);
    } else if (c->kind == CARRY_CANCEL) {
        if (c->leg->client && siptx_client_cancel(c->leg->client, buf_str(&c->bytes)) != RC_OK) {
            /* Its final answer is there or under way. */
        }
        buf_reset(&c->bytes);
        c->is_home = true;
        send_home(c);
    } else {
        struct call_outgoing o = outgoing_of(c);
        if (begin(s, &o) == RC_OK && siptx_request_send_once(s, STR(""), o.body) != RC_OK) {
            /* As if the network had lost it. */
        }
        carrier_put(c);
    }
}

/* ---- sending ---- */

static enum rc load(struct carrier *c, const struct call_outgoing *o)
{
    c->flow = o->flow;
    c->method_n = (uint32_t)o->method.n;
    c->uri_n = (uint32_t)o->uri.n;
    c->params_n = (uint32_t)o->via_params.n;
    c->token_n = (uint32_t)o->token.n;
    c->headers_n = (uint32_t)o->headers.n;
    c->from = o->from;
    buf_put_str(&c->bytes, o->method);
    buf_put_str(&c->bytes, o->uri);
    buf_put_str(&c->bytes, o->via_params);
    buf_put_str(&c->bytes, o->token);
    buf_put_str(&c->bytes, o->headers);
    buf_put_str(&c->bytes, o->body);
    return buf_rc(&c->bytes);
}

static enum rc post(struct call_relay *r, enum carrier_kind kind, const struct call_outgoing *o,
                    struct call_leg_out *leg)
{
    struct carrier *c = r->node ? carrier_get(r, kind, leg) : NULL;
    if (!c) return r->node ? RC_NOMEM : RC_CLOSED;
    enum rc rc = load(c, o);
    if (rc == RC_OK)
        rc = siptx_node_post_letter(r->node, siptx_flow_worker(o->flow), &c->letter, far_arrive, c);
    if (rc != RC_OK) carrier_put(c);
    return rc == RC_NOT_FOUND ? RC_CLOSED : rc;
}

enum rc call_relay_send(struct call_relay *r, const struct call_outgoing *o, call_relay_fn *fn,
                        void *ctx, struct call_leg_out **out)
{
    struct call_leg_out *leg = leg_get(r, fn, ctx);
    enum rc rc;
    if (!leg) return RC_NOMEM;
    leg->worker = siptx_flow_worker(o->flow);
    leg->is_remote = leg->worker != r->worker;
    if (leg->is_remote) {
        rc = post(r, CARRY_REQUEST, o, leg);
    } else {
        rc = begin(r->stack, o);
        if (rc == RC_OK)
            rc = siptx_request_send(r->stack, STR(""), o->body, on_local, leg, &leg->client);
    }
    if (rc != RC_OK) {
        leg_put(leg);
        return rc;
    }
    *out = leg;
    return RC_OK;
}

enum rc call_relay_send_once(struct call_relay *r, const struct call_outgoing *o)
{
    if (siptx_flow_worker(o->flow) != r->worker) return post(r, CARRY_ONCE, o, NULL);
    enum rc rc = begin(r->stack, o);
    return rc == RC_OK ? siptx_request_send_once(r->stack, STR(""), o->body) : rc;
}

void call_relay_cancel(struct call_leg_out *leg, struct str headers)
{
    if (leg->is_cancelled || leg->is_over) return;
    leg->is_cancelled = true;
    if (!leg->is_remote) {
        if (leg->client && siptx_client_cancel(leg->client, headers) != RC_OK) {
            /* Its final answer is there already. */
        }
        return;
    }
    struct carrier *c = carrier_get(leg->relay, CARRY_CANCEL, leg);
    if (!c) return;
    buf_put_str(&c->bytes, headers);
    leg->under_way++;
    if (buf_rc(&c->bytes) == RC_OK &&
        siptx_node_post_letter(leg->relay->node, leg->worker, &c->letter, far_arrive, c) == RC_OK)
        return;
    leg->under_way--;
    carrier_put(c);
}

void call_relay_forget(struct call_leg_out *leg)
{
    leg->fn = NULL;
}
