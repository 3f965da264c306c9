#include "call/calls_int.h"

#include "base/check.h"
#include "call/trunk.h"

#include <stdlib.h>

static const char *const states[] = {"calling", "ringing", "answered", "ended"};
static const char *const ends[] = {"caller",   "callee",  "cancelled", "refused",
                                   "vanished", "expired", "operator",  "stopped"};

const char *call_state_name(enum call_state s)
{
    CHECK((unsigned)s < sizeof states / sizeof *states);
    return states[s];
}

const char *call_end_name(enum call_end e)
{
    CHECK((unsigned)e < sizeof ends / sizeof *ends);
    return ends[e];
}

enum rc call_calls_new(const struct random_source *random, struct clock clock,
                       call_record_fn *on_end, void *ctx, struct call_calls **out)
{
    struct call_calls *c = calloc(1, sizeof *c);
    if (!c) return RC_NOMEM;
    if (pthread_mutex_init(&c->lock, NULL) != 0) {
        free(c);
        return RC_NOMEM;
    }
    c->clock = clock;
    c->on_end = on_end;
    c->ctx = ctx;
    c->next_id = random_below(random, 1U << 30) + 1; /* a restart does not begin at 1 again */
    random_fill(random, &c->key, sizeof c->key);
    for (size_t i = 0; i < BUCKETS; i++) {
        list_init(&c->by_device[i]);
        list_init(&c->by_flow[i]);
        list_init(&c->by_call_id[i]);
    }
    list_init(&c->all);
    list_init(&c->pool);
    *out = c;
    return RC_OK;
}

static void call_free(struct call *call)
{
    call_dialog_fini(&call->dialog);
    free(call);
}

static void list_free(struct list *head)
{
    struct list *l;
    while ((l = list_first(head)) != NULL) {
        list_remove(l);
        call_free(LIST_OF(l, struct call, all));
    }
}

struct call_calls *call_calls_free(struct call_calls *c)
{
    if (!c) return NULL;
    list_free(&c->all);
    list_free(&c->pool);
    pthread_mutex_destroy(&c->lock);
    free(c);
    return NULL;
}

static void copy(char *out, size_t max, struct str s)
{
    size_t n = s.n < max ? s.n : max;
    if (n > 0) memcpy(out, s.p, n);
    out[n] = '\0';
}

struct call *call_calls_by_id(struct call_calls *c, uint64_t id)
{
    struct call *call = c->buckets[id % BUCKETS];
    while (call && call->record.id != id)
        call = call->next;
    return call;
}

static struct call *get(struct call_calls *c)
{
    struct list *l = list_first(&c->pool);
    if (!l) {
        struct call *fresh = calloc(1, sizeof *fresh);
        if (fresh) call_dialog_init(&fresh->dialog);
        return fresh;
    }
    list_remove(l);
    c->pooled--;
    struct call *call = LIST_OF(l, struct call, all);
    struct call_dialog dialog = call->dialog;
    memset(call, 0, sizeof *call);
    call->dialog = dialog;
    call_dialog_reset(&call->dialog);
    return call;
}

static struct list *bucket_of(struct call_calls *c, struct str device)
{
    return &c->by_device[hash_str_nocase(&c->key, device) % BUCKETS];
}

/* The side is that device's from now on. */
static void index_side(struct call_calls *c, struct call *call, enum call_side side)
{
    const struct call_record *r = &call->record;
    struct str device = str_from(side == CALL_CALLER ? r->from_device : r->to_device);
    struct side *s = &call->side[side];
    list_remove(&s->same_device);
    if (device.n > 0 && !call_trunk_is_label(device)) /* a trunk has no end of calls */
        list_push_back(bucket_of(c, device), &s->same_device);
}

static struct list *flow_bucket(struct call_calls *c, uint64_t flow)
{
    return &c->by_flow[hash_bytes(&c->key, &flow, sizeof flow) % BUCKETS];
}

/* The side is reached there from now on; 0: nowhere. */
static void set_flow(struct call_calls *c, struct side *s, uint64_t flow)
{
    list_remove(&s->same_flow);
    s->flow = flow;
    if (flow != 0) list_push_back(flow_bucket(c, flow), &s->same_flow);
}

static struct list *call_id_bucket(struct call_calls *c, struct str call_id)
{
    return &c->by_call_id[hash_str(&c->key, call_id) % BUCKETS];
}

static void index_call(struct call_calls *c, struct call *call)
{
    struct call **bucket = &c->buckets[call->record.id % BUCKETS];
    call->next = *bucket;
    *bucket = call;
    for (int i = 0; i < 2; i++) {
        call->side[i].call = call;
        list_init(&call->side[i].same_device);
        list_init(&call->side[i].same_flow);
    }
    list_push_back(call_id_bucket(c, str_from(call->record.call_id)), &call->same_call_id);
    list_push_back(&c->all, &call->all);
    c->count++;
}

void call_calls_drop(struct call_calls *c, struct call *call)
{
    struct call **at = &c->buckets[call->record.id % BUCKETS];
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    for (int i = 0; i < 2; i++) {
        list_remove(&call->side[i].same_device);
        list_remove(&call->side[i].same_flow);
    }
    list_remove(&call->same_call_id);
    list_remove(&call->all);
    c->count--;
    if (c->pooled >= POOL_MAX) {
        call_free(call);
        return;
    }
    list_push_front(&c->pool, &call->all);
    c->pooled++;
}

enum rc call_calls_start(struct call_calls *c, const struct call_start *s, uint64_t *id)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = c->count < CALL_CALLS_MAX ? get(c) : NULL;
    enum rc rc = call ? RC_OK : c->count < CALL_CALLS_MAX ? RC_NOMEM : RC_BUSY;
    if (call) {
        struct call_record *r = &call->record;
        r->id = c->next_id++;
        copy(r->call_id, CALL_ID_MAX, s->call_id);
        copy(r->from, CALL_NAME_MAX, s->from);
        copy(r->to, CALL_NAME_MAX, s->to);
        copy(r->dialled, CALL_NAME_MAX, s->to);
        copy(r->from_device, CALL_NAME_MAX, s->from_device);
        copy(call->side[CALL_CALLER].tag, CALL_TAG_MAX, s->from_tag);
        call->side[CALL_CALLER].media_flow = s->from_flow;
        call->side[CALL_CALLER].media = s->media;
        call->dialog.cseq[CALL_CALLER] = s->cseq;
        r->state = CALL_STATE_CALLING;
        r->started_unix_ms = clock_unix_ms(&c->clock);
        index_call(c, call);
        index_side(c, call, CALL_CALLER);
        set_flow(c, &call->side[CALL_CALLER], s->from_flow);
        *id = r->id;
    }
    pthread_mutex_unlock(&c->lock);
    return rc;
}

void call_calls_ringing(struct call_calls *c, uint64_t id)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = call_calls_by_id(c, id);
    if (call && call->record.state == CALL_STATE_CALLING) call->record.state = CALL_STATE_RINGING;
    pthread_mutex_unlock(&c->lock);
}

void call_calls_answer(struct call_calls *c, uint64_t id, struct str to, struct str to_device,
                       struct str to_tag, uint64_t to_flow)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = call_calls_by_id(c, id);
    if (call && call->record.state < CALL_STATE_ANSWERED) {
        struct call_record *r = &call->record;
        r->state = CALL_STATE_ANSWERED;
        r->status = 200;
        r->answered_unix_ms = clock_unix_ms(&c->clock);
        if (to.n > 0) copy(r->to, CALL_NAME_MAX, to);
        copy(r->to_device, CALL_NAME_MAX, to_device);
        index_side(c, call, CALL_CALLEE);
        copy(call->side[CALL_CALLEE].tag, CALL_TAG_MAX, to_tag);
        set_flow(c, &call->side[CALL_CALLEE], to_flow);
    }
    pthread_mutex_unlock(&c->lock);
}

void call_calls_set_encrypted(struct call_calls *c, uint64_t id, bool encrypted)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = call_calls_by_id(c, id);
    if (call) call->record.encrypted = encrypted;
    pthread_mutex_unlock(&c->lock);
}

void call_calls_set_media(struct call_calls *c, uint64_t id, const struct call_media_leg *callee)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = call_calls_by_id(c, id);
    if (call) {
        call->side[CALL_CALLEE].media = *callee;
        call->side[CALL_CALLEE].media_flow = call->side[CALL_CALLEE].flow;
    }
    pthread_mutex_unlock(&c->lock);
}

bool call_calls_media(struct call_calls *c, uint64_t id, enum call_side side, uint64_t flow,
                      struct call_media_leg *out)
{
    pthread_mutex_lock(&c->lock);
    const struct call *call = call_calls_by_id(c, id);
    bool is_known = call && flow != 0 && call->side[side].media_flow == flow;
    if (is_known) *out = call->side[side].media;
    pthread_mutex_unlock(&c->lock);
    return is_known;
}

void call_calls_set_offer(struct call_calls *c, uint64_t id, const struct call_media_note *offer)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = call_calls_by_id(c, id);
    if (call) call->offer = *offer;
    pthread_mutex_unlock(&c->lock);
}

bool call_calls_take_offer(struct call_calls *c, uint64_t id, struct call_media_note *out)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = call_calls_by_id(c, id);
    bool is_there = call && call->offer.is_there;
    if (is_there) *out = call->offer;
    if (call) call->offer.is_there = false;
    pthread_mutex_unlock(&c->lock);
    return is_there;
}

void call_calls_set_expiry(struct call_calls *c, uint64_t id, int64_t expires_mono_ms)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = call_calls_by_id(c, id);
    if (call) call->expires_ms = expires_mono_ms;
    pthread_mutex_unlock(&c->lock);
}

bool call_calls_leg(struct call_calls *c, uint64_t id, enum call_side side, struct call_leg *out)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = call_calls_by_id(c, id);
    if (call) {
        const struct call_record *r = &call->record;
        bool is_caller = side == CALL_CALLER;
        *out = (struct call_leg){.flow = call->side[side].flow,
                                 .is_lost = call->side[side].is_lost};
        copy(out->device, CALL_NAME_MAX, str_from(is_caller ? r->from_device : r->to_device));
        copy(out->line, CALL_NAME_MAX, str_from(is_caller ? r->from : r->to));
    }
    pthread_mutex_unlock(&c->lock);
    return call != NULL;
}

bool call_calls_is_main(struct call_calls *c, uint64_t id, struct str callee_tag)
{
    pthread_mutex_lock(&c->lock);
    const struct call *call = call_calls_by_id(c, id);
    struct str tag = call ? str_from(call->side[CALL_CALLEE].tag) : STR("");
    bool is_main = tag.n == 0 || str_eq(tag, str_sub(callee_tag, 0, CALL_TAG_MAX));
    pthread_mutex_unlock(&c->lock);
    return is_main;
}

void call_calls_move(struct call_calls *c, uint64_t id, enum call_side side, uint64_t flow)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = call_calls_by_id(c, id);
    if (call) {
        set_flow(c, &call->side[side], flow);
        call->side[side].is_lost = false;
    }
    pthread_mutex_unlock(&c->lock);
}

enum rc call_calls_find(struct call_calls *c, struct str call_id, struct str to_tag,
                        struct str from_tag, uint64_t *id, enum call_side *side)
{
    enum rc rc = RC_NOT_FOUND;
    struct str cut = str_sub(call_id, 0, CALL_ID_MAX);
    pthread_mutex_lock(&c->lock);
    LIST_FOR_EACH(l, call_id_bucket(c, cut))
    {
        struct call *call = LIST_OF(l, struct call, same_call_id);
        struct str caller = str_from(call->side[CALL_CALLER].tag);
        struct str callee = str_from(call->side[CALL_CALLEE].tag);
        if (rc == RC_OK || !str_eq(str_from(call->record.call_id), cut)) continue;
        bool is_caller = str_eq(caller, to_tag) && str_eq(callee, from_tag);
        bool is_callee = str_eq(callee, to_tag) && str_eq(caller, from_tag);
        if (!is_caller && !is_callee) continue;
        *id = call->record.id;
        *side = is_caller ? CALL_CALLER : CALL_CALLEE;
        rc = RC_OK;
    }
    pthread_mutex_unlock(&c->lock);
    return rc;
}

static bool takes_part(const struct side *s, struct str device, struct str line)
{
    const struct call_record *r = &s->call->record;
    bool is_from = s == &s->call->side[CALL_CALLER];
    return str_eq_nocase(str_from(is_from ? r->from_device : r->to_device), device) &&
           (line.n == 0 || str_eq(str_from(is_from ? r->from : r->to), line));
}

unsigned call_calls_busy(struct call_calls *c, struct str device, struct str line)
{
    unsigned count = 0;
    pthread_mutex_lock(&c->lock);
    device = str_sub(device, 0, CALL_NAME_MAX);
    LIST_FOR_EACH(l, bucket_of(c, device))
    {
        if (takes_part(LIST_OF(l, struct side, same_device), device, line)) count++;
    }
    pthread_mutex_unlock(&c->lock);
    return count;
}

static bool is_trunk(const struct side *s)
{
    const struct call_record *r = &s->call->record;
    bool is_from = s == &s->call->side[CALL_CALLER];
    return call_trunk_is_label(str_from(is_from ? r->from_device : r->to_device));
}

void call_calls_flow_lost(struct call_calls *c, uint64_t flow, int64_t now_ms, int64_t grace_ms)
{
    pthread_mutex_lock(&c->lock);
    LIST_FOR_EACH(l, flow_bucket(c, flow))
    {
        struct side *s = LIST_OF(l, struct side, same_flow);
        if (s->flow != flow || s->is_lost) continue;
        if (is_trunk(s)) { /* it is reached again when there is need */
            set_flow(c, s, 0);
            continue;
        }
        s->is_lost = true;
        s->lost_ms = now_ms + grace_ms;
    }
    pthread_mutex_unlock(&c->lock);
}

void call_calls_phone_back(struct call_calls *c, struct str device, struct str line, uint64_t flow)
{
    pthread_mutex_lock(&c->lock);
    device = str_sub(device, 0, CALL_NAME_MAX);
    line = str_sub(line, 0, CALL_NAME_MAX);
    LIST_FOR_EACH(l, bucket_of(c, device))
    {
        struct side *s = LIST_OF(l, struct side, same_device);
        if (!s->is_lost || !takes_part(s, device, line)) continue;
        s->is_lost = false;
        set_flow(c, s, flow);
    }
    pthread_mutex_unlock(&c->lock);
}

size_t call_calls_list(struct call_calls *c, uint64_t after_id, struct call_record *out, size_t max)
{
    size_t count = 0;
    pthread_mutex_lock(&c->lock);
    for (struct list *l = call_calls_above(c, after_id); l != &c->all && count < max; l = l->next)
        out[count++] = LIST_OF(l, struct call, all)->record;
    pthread_mutex_unlock(&c->lock);
    return count;
}

size_t call_calls_count(struct call_calls *c)
{
    pthread_mutex_lock(&c->lock);
    size_t count = c->count;
    pthread_mutex_unlock(&c->lock);
    return count;
}
