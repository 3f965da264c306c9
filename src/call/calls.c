#include "call/calls.h"

#include "base/check.h"
#include "base/list.h"
#include "call/trunk.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    BUCKETS = 16384, /* of each index: about six calls in one when the table is full */
    POOL_MAX = 1024,
    SLICE = 512, /* calls looked at by a sweep while the lock is held */
};

struct side {
    struct list same_device; /* in by_device; by itself while no device is known */
    struct list same_flow;   /* in by_flow; by itself while there is none */
    struct call *call;
    uint64_t flow; /* 0: none known, or lost */
    int64_t lost_ms;
    bool is_lost;
    char tag[CALL_TAG_MAX + 1];
    uint64_t media_flow; /* 0: none */
    struct call_media_leg media;
};

struct call {
    struct list all;          /* by id, oldest first */
    struct list same_call_id; /* in by_call_id */
    struct call *next;        /* in its bucket */
    struct call_record record;
    struct side side[2];
    int64_t expires_ms; /* 0: no session timer */
    struct call_media_note offer;
    struct call_dialog dialog;
};

struct call_calls {
    pthread_mutex_t lock;
    struct clock clock;
    call_record_fn *on_end;
    call_bye_fn *on_bye;
    void *ctx;
    struct hash_key key;
    struct call *buckets[BUCKETS];
    struct list by_device[BUCKETS]; /* sides: of a call from and to one device both */
    struct list by_flow[BUCKETS];   /* sides, likewise */
    struct list by_call_id[BUCKETS];
    struct list all, pool;
    size_t count, pooled;
    uint64_t next_id;
};

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

static struct call *find(struct call_calls *c, uint64_t id)
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

static void drop(struct call_calls *c, struct call *call)
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
    struct call *call = find(c, id);
    if (call && call->record.state == CALL_STATE_CALLING) call->record.state = CALL_STATE_RINGING;
    pthread_mutex_unlock(&c->lock);
}

void call_calls_answer(struct call_calls *c, uint64_t id, struct str to, struct str to_device,
                       struct str to_tag, uint64_t to_flow)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = find(c, id);
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
    struct call *call = find(c, id);
    if (call) call->record.encrypted = encrypted;
    pthread_mutex_unlock(&c->lock);
}

void call_calls_set_media(struct call_calls *c, uint64_t id, const struct call_media_leg *callee)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = find(c, id);
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
    const struct call *call = find(c, id);
    bool is_known = call && flow != 0 && call->side[side].media_flow == flow;
    if (is_known) *out = call->side[side].media;
    pthread_mutex_unlock(&c->lock);
    return is_known;
}

void call_calls_set_offer(struct call_calls *c, uint64_t id, const struct call_media_note *offer)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = find(c, id);
    if (call) call->offer = *offer;
    pthread_mutex_unlock(&c->lock);
}

bool call_calls_take_offer(struct call_calls *c, uint64_t id, struct call_media_note *out)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = find(c, id);
    bool is_there = call && call->offer.is_there;
    if (is_there) *out = call->offer;
    if (call) call->offer.is_there = false;
    pthread_mutex_unlock(&c->lock);
    return is_there;
}

void call_calls_set_expiry(struct call_calls *c, uint64_t id, int64_t expires_mono_ms)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = find(c, id);
    if (call) call->expires_ms = expires_mono_ms;
    pthread_mutex_unlock(&c->lock);
}

/* The BYEs of one call, printed while it is still there. */
struct byes {
    unsigned count;
    struct call_bye list[2];
    char text[2][2 * CALL_DIALOG_MAX];
};

static struct str reason_of(enum call_end why)
{
    switch (why) {
    case CALL_END_VANISHED:
        return STR("Reason: SIP;cause=480;text=\"The other phone is gone\"\r\n");
    case CALL_END_EXPIRED: return STR("Reason: SIP;cause=408;text=\"Session timer expired\"\r\n");
    case CALL_END_REFUSED: return STR("Reason: SIP;cause=488;text=\"Not Acceptable Here\"\r\n");
    case CALL_END_OPERATOR:
    case CALL_END_STOPPED:
    case CALL_END_CALLER:
    case CALL_END_CALLEE:
    case CALL_END_CANCELLED: break;
    }
    return STR("");
}

/* Whoever can still be reached hears it. Locked. */
static void print_byes(struct call *call, enum call_end why, struct byes *out)
{
    out->count = 0;
    for (unsigned side = 0; side < 2; side++) {
        struct call_bye *bye = &out->list[out->count];
        char *text = out->text[out->count];
        struct buf lines;
        if (call->side[side].is_lost || call->side[side].flow == 0) continue;
        buf_init_fixed(&lines, text, 2 * CALL_DIALOG_MAX - CALL_DIALOG_MAX / 2);
        if (!call_dialog_print_bye(&call->dialog, side, reason_of(why), &bye->uri, &lines))
            continue;
        if (bye->uri.n > CALL_DIALOG_MAX / 2) continue;
        char *uri = text + 2 * CALL_DIALOG_MAX - CALL_DIALOG_MAX / 2;
        memcpy(uri, bye->uri.p, bye->uri.n);
        bye->uri.p = uri;
        bye->lines = buf_str(&lines);
        bye->flow = call->side[side].flow;
        out->count++;
    }
}

static void say_byes(struct call_calls *c, const struct byes *b)
{
    for (unsigned i = 0; c->on_bye && i < b->count; i++)
        c->on_bye(c->ctx, &b->list[i]);
}

/* Takes the call out; its record is *out. Locked. */
static void finish(struct call_calls *c, struct call *call, enum call_end why, unsigned status,
                   struct call_record *out)
{
    call->record.state = CALL_STATE_ENDED;
    call->record.ended_unix_ms = clock_unix_ms(&c->clock);
    call->record.end = why;
    if (status != 0) call->record.status = status;
    *out = call->record;
    drop(c, call);
}

void call_calls_end(struct call_calls *c, uint64_t id, enum call_end why, unsigned status)
{
    struct call_record record;
    pthread_mutex_lock(&c->lock);
    struct call *call = find(c, id);
    if (call) finish(c, call, why, status, &record);
    pthread_mutex_unlock(&c->lock);
    if (call && c->on_end) c->on_end(c->ctx, &record);
}

bool call_calls_hang_up(struct call_calls *c, uint64_t id, enum call_end why, unsigned status)
{
    struct call_record record;
    struct byes byes = {.count = 0};
    pthread_mutex_lock(&c->lock);
    struct call *call = find(c, id);
    if (call && call->record.state != CALL_STATE_ANSWERED) call = NULL;
    if (call) {
        print_byes(call, why, &byes);
        finish(c, call, why, status, &record);
    }
    pthread_mutex_unlock(&c->lock);
    say_byes(c, &byes);
    if (call && c->on_end) c->on_end(c->ctx, &record);
    return call != NULL;
}

bool call_calls_leg(struct call_calls *c, uint64_t id, enum call_side side, struct call_leg *out)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = find(c, id);
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
    const struct call *call = find(c, id);
    struct str tag = call ? str_from(call->side[CALL_CALLEE].tag) : STR("");
    bool is_main = tag.n == 0 || str_eq(tag, str_sub(callee_tag, 0, CALL_TAG_MAX));
    pthread_mutex_unlock(&c->lock);
    return is_main;
}

void call_calls_move(struct call_calls *c, uint64_t id, enum call_side side, uint64_t flow)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = find(c, id);
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

static bool has_run_out(const struct call *call, int64_t now_ms, enum call_end *why)
{
    for (int i = 0; i < 2; i++) {
        *why = CALL_END_VANISHED;
        if (call->side[i].is_lost && now_ms >= call->side[i].lost_ms) return true;
    }
    *why = CALL_END_EXPIRED;
    return call->expires_ms > 0 && now_ms >= call->expires_ms;
}

/* The oldest call above that id, or the list's head. Ids are given in their order, so the one asked
 * for or one of the next is mostly there. */
static struct list *first_above(struct call_calls *c, uint64_t id)
{
    struct list *l = list_first(&c->all);
    if (!l || LIST_OF(l, struct call, all)->record.id > id) return c->all.next;
    for (uint64_t i = 0; i < SLICE && id + i < c->next_id; i++) {
        struct call *call = find(c, id + i);
        if (call) return i == 0 ? call->all.next : &call->all;
    }
    while (l != &c->all && LIST_OF(l, struct call, all)->record.id <= id)
        l = l->next;
    return l;
}

/* The first one above *after that has run out, of the next SLICE; *after goes where it came to. */
static bool sweep_one(struct call_calls *c, int64_t now_ms, uint64_t *after, bool *is_end,
                      struct call_record *out, struct byes *byes)
{
    struct list *l = first_above(c, *after);
    for (int i = 0; i < SLICE && l != &c->all; i++) {
        struct call *call = LIST_OF(l, struct call, all);
        enum call_end why;
        l = l->next;
        *after = call->record.id;
        if (!has_run_out(call, now_ms, &why)) continue;
        print_byes(call, why, byes);
        finish(c, call, why, 0, out);
        return true;
    }
    *is_end = l == &c->all;
    return false;
}

size_t call_calls_sweep(struct call_calls *c, int64_t now_ms)
{
    size_t count = 0;
    uint64_t after = 0;
    bool is_end = false;
    struct call_record record;
    struct byes byes;
    while (!is_end) {
        pthread_mutex_lock(&c->lock);
        bool found = sweep_one(c, now_ms, &after, &is_end, &record, &byes);
        pthread_mutex_unlock(&c->lock);
        if (!found) continue;
        count++;
        say_byes(c, &byes);
        if (c->on_end) c->on_end(c->ctx, &record);
    }
    return count;
}

size_t call_calls_end_all(struct call_calls *c, enum call_end why)
{
    struct call_record record;
    for (size_t count = 0;; count++) {
        pthread_mutex_lock(&c->lock);
        struct list *l = list_first(&c->all);
        if (l) finish(c, LIST_OF(l, struct call, all), why, 0, &record);
        pthread_mutex_unlock(&c->lock);
        if (!l) return count;
        if (c->on_end) c->on_end(c->ctx, &record);
    }
}

size_t call_calls_list(struct call_calls *c, uint64_t after_id, struct call_record *out, size_t max)
{
    size_t count = 0;
    pthread_mutex_lock(&c->lock);
    for (struct list *l = first_above(c, after_id); l != &c->all && count < max; l = l->next)
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

/* ---- what is kept for the BYEs of calls that end here ---- */

void call_calls_on_bye(struct call_calls *c, call_bye_fn *fn)
{
    c->on_bye = fn;
}

void call_calls_keep(struct call_calls *c, uint64_t id, const struct call_dialog_parts *p)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = find(c, id);
    if (call) call_dialog_set(&call->dialog, p);
    pthread_mutex_unlock(&c->lock);
}

void call_calls_seen(struct call_calls *c, uint64_t id, enum call_side side, uint32_t cseq)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = find(c, id);
    if (call && cseq > call->dialog.cseq[side]) call->dialog.cseq[side] = cseq;
    pthread_mutex_unlock(&c->lock);
}

void call_calls_retarget(struct call_calls *c, uint64_t id, enum call_side side, struct str target)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = find(c, id);
    if (call) call_dialog_retarget(&call->dialog, side, target);
    pthread_mutex_unlock(&c->lock);
}
