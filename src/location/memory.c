/* The memory backend: shards of addresses of record, and indexes from device, user, grant and flow. A
 * change happens under one shard's lock; events and answers go out after it, on references. */
#include "base/check.h"
#include "location/memory_int.h"
#include <stdlib.h>

enum { BINDINGS_DEFAULT = 1000000, AOR_BINDINGS_DEFAULT = 100 };

/* --- making and freeing --- */

static uint64_t tick(const struct location *l, int64_t mono_ms, bool up)
{
    int64_t ms = mono_ms - l->start_mono_ms;
    if (ms < 0) ms = 0;
    return (uint64_t)(up ? (ms + 999) / 1000 : ms / 1000);
}

static enum rc init_parts(struct location *l, const struct random_source *random)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; i < LOCATION_SHARDS; i++) {
        struct location_shard *s = &l->shards[i];
        pthread_mutex_init(&s->lock, NULL);
        map_init(&s->aors, l->key, false);
        list_init(&s->due);
        s->wheel = wheel_new(0);
        if (!s->wheel) rc = RC_NOMEM;
    }
    for (size_t i = 0; i < LOCATION_LINKS; i++) {
        struct hash_key key;
        random_fill(random, &key, sizeof key);
        enum rc one = location_table_init(&l->tables[i],
                                          (enum location_index)(LOCATION_BY_DEVICE + (int)i), key);
        if (one != RC_OK) rc = one;
    }
    return rc;
}

enum rc location_new(const struct location_config *config, const struct random_source *random,
                     int64_t mono_now_ms, struct location **out)
{
    struct location *l = calloc(1, sizeof *l);
    if (!l) return RC_NOMEM;
    if (config) l->config = *config;
    if (l->config.binding_max == 0) l->config.binding_max = BINDINGS_DEFAULT;
    if (l->config.aor_binding_max == 0) l->config.aor_binding_max = AOR_BINDINGS_DEFAULT;
    l->start_mono_ms = mono_now_ms;
    random_fill(random, &l->key, sizeof l->key);
    random_fill(random, &l->shard_key, sizeof l->shard_key);
    atomic_init(&l->next_id, 1);
    atomic_init(&l->next_claim, 1);
    enum rc rc = init_parts(l, random);
    if (rc == RC_OK)
        *out = l;
    else
        location_free(l);
    return rc;
}

static void free_aor(void *value)
{
    struct location_aor *aor = value;
    LIST_FOR_EACH(it, &aor->bindings)
    {
        list_remove(it);
        location_binding_unref(&LIST_OF(it, struct stored, in_aor)->pub);
    }
    free(aor);
}

struct location *location_free(struct location *l)
{
    if (!l) return NULL;
    for (size_t i = 0; i < LOCATION_SHARDS; i++) {
        struct location_shard *s = &l->shards[i];
        size_t at = 0;
        struct str key;
        void *value;
        while (map_next(&s->aors, &at, &key, &value)) {
            map_remove_at(&s->aors, &at);
            free_aor(value);
        }
        map_fini(&s->aors);
        wheel_free(s->wheel);
        pthread_mutex_destroy(&s->lock);
    }
    for (size_t i = 0; i < LOCATION_LINKS; i++)
        location_table_fini(&l->tables[i]);
    free(l);
    return NULL;
}

enum rc location_watch(struct location *l, location_change_fn *fn, void *ctx)
{
    if (l->watcher_count == LOCATION_WATCHER_MAX) return RC_BUSY;
    l->watchers[l->watcher_count++] = (struct location_watcher){fn, ctx};
    return RC_OK;
}

void location_unwatch(struct location *l, location_change_fn *fn, void *ctx)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->watcher_count; i++)
        if (l->watchers[i].fn != fn || l->watchers[i].ctx != ctx)
            l->watchers[kept++] = l->watchers[i];
    l->watcher_count = kept;
}

/* --- one binding in and out; the shard's lock is held --- */

static void on_due(void *ctx)
{
    struct stored *b = ctx;
    list_remove(&b->in_aor);
    list_push_back(&b->home->shard->due, &b->in_aor);
}

static void put_in(struct location *l, struct location_aor *aor, struct stored *b,
                   int64_t mono_now_ms)
{
    uint64_t now = tick(l, mono_now_ms, false), due = tick(l, b->pub.expires_mono_ms, true);
    b->home = aor;
    b->seq = atomic_fetch_add(&l->next_seq, 1);
    list_push_front(&aor->bindings, &b->in_aor);
    aor->count++;
    for (size_t i = 0; i < LOCATION_LINKS; i++)
        location_table_add(&l->tables[i], b);
    wheel_start(aor->shard->wheel, &b->timer, now, due > now ? due - now : 0, on_due, b);
}

/* The location's reference passes to the caller. An empty aor stays for aor_drop. */
static const struct location_binding *take_out(struct location *l, struct stored *b)
{
    struct location_aor *aor = b->home;
    wheel_stop(aor->shard->wheel, &b->timer);
    list_remove(&b->in_aor);
    for (size_t i = 0; i < LOCATION_LINKS; i++)
        location_table_remove(&l->tables[i], b);
    aor->count--;
    b->home = NULL;
    return &b->pub;
}

static void aor_drop_if_empty(struct location *l, struct location_aor *aor)
{
    if (aor->count) return;
    map_remove(&aor->shard->aors, str_of(aor->key, aor->key_n));
    free(aor);
    atomic_fetch_sub(&l->aor_count, 1);
}

static enum rc aor_make(struct location *l, struct location_shard *s, struct str key,
                        struct location_aor **out)
{
    struct location_aor *aor = malloc(sizeof *aor + key.n);
    if (!aor) return RC_NOMEM;
    *aor = (struct location_aor){.shard = s, .key_n = key.n};
    list_init(&aor->bindings);
    memcpy(aor->key, key.p, key.n);
    enum rc rc = map_put(&s->aors, str_of(aor->key, key.n), aor, NULL);
    if (rc != RC_OK) {
        free(aor);
        return rc;
    }
    atomic_fetch_add(&l->aor_count, 1);
    *out = aor;
    return RC_OK;
}

/* --- update --- */

struct update {
    struct location *l;
    const struct location_update *u;
    struct stored *fresh[LOCATION_BATCH_MAX]; /* made beforehand; NULL where one is removed */
    struct stored *found[LOCATION_BATCH_MAX]; /* stored ones they mean */
    size_t fresh_count, found_count, reserved;
    struct location_events events;
};

static enum rc update_check(const struct location_update *u)
{
    if (u->aor.n == 0 || u->aor.n > LOCATION_AOR_MAX || u->count > LOCATION_BATCH_MAX)
        return RC_INVALID;
    for (size_t i = 0; i < u->count; i++) {
        enum rc rc = location_binding_check(&u->contacts[i]);
        if (rc != RC_OK) return rc;
        for (size_t j = 0; j < i; j++)
            if (location_binding_same(&u->contacts[i], &u->contacts[j])) return RC_INVALID;
    }
    return RC_OK;
}

static enum rc update_prepare(struct update *x)
{
    for (size_t i = 0; i < x->u->count; i++) {
        if (x->u->contacts[i].granted_s == 0) continue;
        x->fresh[i] = location_binding_new(&x->u->contacts[i], x->u->aor);
        if (!x->fresh[i]) return RC_NOMEM;
        x->fresh_count++;
    }
    return RC_OK;
}

static struct stored *find_same(const struct location_aor *aor,
                                const struct location_binding *contact)
{
    for (struct list *it = aor->bindings.next; it != &aor->bindings; it = it->next) {
        struct stored *b = LIST_OF(it, struct stored, in_aor);
        if (location_binding_same(&b->pub, contact)) return b;
    }
    return NULL;
}

/* Bindings whose time is over, though no sweep has come by yet. */
static enum rc drop_expired(struct update *x, struct location_aor *aor)
{
    enum rc rc = location_events_reserve(&x->events, aor->count);
    if (rc != RC_OK) return rc;
    LIST_FOR_EACH(it, &aor->bindings)
    {
        struct stored *b = LIST_OF(it, struct stored, in_aor);
        if (b->pub.expires_mono_ms > x->u->mono_now_ms) continue;
        atomic_fetch_sub(&x->l->binding_count, 1);
        location_events_add(&x->events, LOCATION_EXPIRED, take_out(x->l, b), NULL);
    }
    return RC_OK;
}

/* RFC 3261, 10.3 step 7: what is stored decides whether all of it may happen. */
static enum rc update_decide(struct update *x, struct location_aor *aor)
{
    size_t replaced = 0, total;
    for (size_t i = 0; aor && i < x->u->count; i++) {
        const struct location_binding *c = &x->u->contacts[i];
        struct stored *b = x->found[i] = find_same(aor, c);
        if (!b) continue;
        for (size_t j = 0; j < i; j++)
            if (x->found[j] == b) return RC_INVALID; /* one by its instance, one by its URI */
        if (str_eq(b->pub.call_id, c->call_id) && c->cseq <= b->pub.cseq) return RC_CONFLICT;
        x->found_count++;
        if (x->fresh[i]) replaced++;
    }
    total = (aor ? aor->count : 0) - x->found_count + x->fresh_count;
    if (x->fresh_count > 0 && total > x->l->config.aor_binding_max) return RC_TOO_BIG;
    x->reserved = x->fresh_count - replaced;
    if (x->reserved && atomic_fetch_add(&x->l->binding_count, x->reserved) + x->reserved >
                           x->l->config.binding_max) {
        atomic_fetch_sub(&x->l->binding_count, x->reserved);
        return RC_BUSY;
    }
    return RC_OK;
}

/* The new one goes in before the old one goes out, so that whoever looks for it by device or grant
 * meanwhile sees at least one of them. */
static void update_apply_one(struct update *x, struct location_aor *aor, size_t i)
{
    struct stored *fresh = x->fresh[i], *old = x->found[i];
    if (!fresh) {
        if (!old) return;
        atomic_fetch_sub(&x->l->binding_count, 1);
        location_events_add(&x->events, LOCATION_UNREGISTERED, take_out(x->l, old), NULL);
        return;
    }
    fresh->pub.id = old ? old->pub.id : atomic_fetch_add(&x->l->next_id, 1);
    if (old && old->pub.flow == fresh->pub.flow && fresh->pub.claim == 0)
        fresh->pub.claim = old->pub.claim;
    if (fresh->pub.claim == 0) fresh->pub.claim = atomic_fetch_add(&x->l->next_claim, 1);
    fresh->pub.since_unix_ms = old ? old->pub.since_unix_ms : x->u->unix_now_ms;
    put_in(x->l, aor, fresh, x->u->mono_now_ms);
    x->fresh[i] = NULL;
    location_events_add(&x->events, old ? LOCATION_REFRESHED : LOCATION_REGISTERED,
                        location_binding_ref(&fresh->pub), old ? take_out(x->l, old) : NULL);
}

static enum rc update_locked(struct update *x, struct location_shard *s,
                             struct location_refs *answer)
{
    struct location_aor *aor = map_find(&s->aors, x->u->aor);
    enum rc rc = aor ? drop_expired(x, aor) : RC_OK;
    if (rc == RC_OK) rc = location_events_reserve(&x->events, x->u->count);
    if (rc == RC_OK) rc = location_refs_reserve(answer, (aor ? aor->count : 0) + x->fresh_count);
    if (rc == RC_OK) rc = update_decide(x, aor);
    if (rc == RC_OK && !aor && x->fresh_count) {
        rc = aor_make(x->l, s, x->u->aor, &aor);
        if (rc != RC_OK) atomic_fetch_sub(&x->l->binding_count, x->reserved);
    }
    for (size_t i = 0; rc == RC_OK && aor && i < x->u->count; i++)
        update_apply_one(x, aor, i);
    if (rc == RC_OK) location_snapshot(aor, x->u->mono_now_ms, answer);
    if (aor) aor_drop_if_empty(x->l, aor);
    return rc;
}

void location_update(struct location *l, const struct location_update *u, location_answer_fn *fn,
                     void *ctx)
{
    struct update x = {.l = l, .u = u};
    struct location_refs answer = {0};
    enum rc rc = update_check(u);
    if (rc == RC_OK) rc = update_prepare(&x);
    if (rc == RC_OK) {
        struct location_shard *s = location_shard_for(l, u->aor);
        pthread_mutex_lock(&s->lock);
        rc = update_locked(&x, s, &answer);
        pthread_mutex_unlock(&s->lock);
    }
    for (size_t i = 0; i < u->count && i < LOCATION_BATCH_MAX; i++)
        free(x.fresh[i]);
    location_events_tell(l, &x.events);
    fn(ctx, rc, rc == RC_OK ? answer.rows : NULL, rc == RC_OK ? answer.count : 0);
    location_refs_fini(&answer);
}

/* --- removing --- */

static bool is_of(const struct location_binding *b, struct str device)
{
    return device.n == 0 || str_eq_nocase(b->device, device);
}

static enum rc remove_all_locked(struct location *l, struct location_aor *aor, struct str device,
                                 struct str call_id, uint32_t cseq, struct location_events *events)
{
    LIST_FOR_EACH(it, &aor->bindings)
    {
        const struct location_binding *b = &LIST_OF(it, struct stored, in_aor)->pub;
        if (is_of(b, device) && str_eq(b->call_id, call_id) && cseq <= b->cseq) return RC_CONFLICT;
    }
    LIST_FOR_EACH(again, &aor->bindings)
    {
        struct stored *b = LIST_OF(again, struct stored, in_aor);
        if (!is_of(&b->pub, device)) continue;
        atomic_fetch_sub(&l->binding_count, 1);
        location_events_add(events, LOCATION_UNREGISTERED, take_out(l, b), NULL);
    }
    return RC_OK;
}

void location_remove_all(struct location *l, struct str aor_key, struct str device,
                         struct str call_id, uint32_t cseq, int64_t mono_now_ms,
                         location_answer_fn *fn, void *ctx)
{
    struct location_events events = {0};
    struct location_refs left = {0};
    struct location_shard *s = location_shard_for(l, aor_key);
    pthread_mutex_lock(&s->lock);
    struct location_aor *aor = map_find(&s->aors, aor_key);
    enum rc rc = aor ? location_events_reserve(&events, aor->count) : RC_OK;
    if (rc == RC_OK && aor) rc = location_refs_reserve(&left, aor->count);
    if (rc == RC_OK && aor) rc = remove_all_locked(l, aor, device, call_id, cseq, &events);
    if (rc == RC_OK) location_snapshot(aor, mono_now_ms, &left);
    if (rc == RC_OK && aor) aor_drop_if_empty(l, aor);
    pthread_mutex_unlock(&s->lock);
    location_events_tell(l, &events);
    fn(ctx, rc, rc == RC_OK ? left.rows : NULL, rc == RC_OK ? left.count : 0);
    location_refs_fini(&left);
}

/* What was found by key, as it is stored now: a refresh may have replaced it in between, and may have taken
 * it to another connection. NULL when it is gone or does not fit any more. The shard's lock is held. */
static struct stored *present_one(struct location_shard *s, const struct location_key *key,
                                  const struct location_binding *b)
{
    if (stored_of(b)->home) return stored_of(b);
    const struct location_aor *aor = map_find(&s->aors, b->aor);
    if (!aor) return NULL;
    for (struct list *it = aor->bindings.next; it != &aor->bindings; it = it->next) {
        struct stored *now = LIST_OF(it, struct stored, in_aor);
        if (now->pub.id == b->id) return location_key_fits(key, &now->pub) ? now : NULL;
    }
    return NULL;
}

/* Room for it was made in events and taken. */
static void remove_one(struct location *l, const struct location_key *key,
                       const struct location_binding *b, enum location_cause cause,
                       struct location_events *events, struct location_refs *taken)
{
    struct location_shard *s = location_shard_for(l, b->aor);
    pthread_mutex_lock(&s->lock);
    struct stored *now = present_one(s, key, b);
    if (now) {
        struct location_aor *aor = now->home;
        atomic_fetch_sub(&l->binding_count, 1);
        taken->rows[taken->count++] = location_binding_ref(&now->pub);
        location_events_add(events, cause, take_out(l, now), NULL);
        aor_drop_if_empty(l, aor);
    }
    pthread_mutex_unlock(&s->lock);
}

void location_remove(struct location *l, const struct location_key *key, uint64_t except_id,
                     enum location_cause cause, location_answer_fn *fn, void *ctx)
{
    struct location_refs found = {0}, taken = {0};
    struct location_events events = {0};
    enum rc rc = location_collect(l, key, &found);
    if (rc == RC_OK) rc = location_events_reserve(&events, found.count);
    if (rc == RC_OK) rc = location_refs_reserve(&taken, found.count);
    for (size_t i = 0; rc == RC_OK && i < found.count; i++)
        if (found.rows[i]->id != except_id)
            remove_one(l, key, found.rows[i], cause, &events, &taken);
    location_events_tell(l, &events);
    fn(ctx, rc, taken.rows, taken.count);
    location_refs_fini(&found);
    location_refs_fini(&taken);
}

bool location_remove_one(struct location *l, const struct location_binding *binding,
                         enum location_cause cause)
{
    struct location_events events = {0};
    struct stored *b = stored_of(binding);
    struct location_shard *s = location_shard_for(l, binding->aor);
    if (location_events_reserve(&events, 1) != RC_OK) return false; /* it expires all the same */
    pthread_mutex_lock(&s->lock);
    struct location_aor *aor = b->home;
    if (aor) {
        atomic_fetch_sub(&l->binding_count, 1);
        location_events_add(&events, cause, take_out(l, b), NULL);
        aor_drop_if_empty(l, aor);
    }
    pthread_mutex_unlock(&s->lock);
    location_events_tell(l, &events);
    return aor != NULL;
}

static void sweep_shard(struct location *l, struct location_shard *s, uint64_t now,
                        struct location_events *events)
{
    pthread_mutex_lock(&s->lock);
    /* Without memory to tell of them they wait for the next sweep; lookups pass them over anyway. */
    if (wheel_next_ms(s->wheel, now) == 0 &&
        location_events_reserve(events, wheel_count(s->wheel)) == RC_OK) {
        wheel_advance(s->wheel, now);
        LIST_FOR_EACH(it, &s->due)
        {
            struct stored *b = LIST_OF(it, struct stored, in_aor);
            struct location_aor *aor = b->home;
            atomic_fetch_sub(&l->binding_count, 1);
            location_events_add(events, LOCATION_EXPIRED, take_out(l, b), NULL);
            aor_drop_if_empty(l, aor);
        }
    }
    pthread_mutex_unlock(&s->lock);
}

size_t location_sweep(struct location *l, int64_t mono_now_ms)
{
    size_t count = 0;
    for (size_t i = 0; i < LOCATION_SHARDS; i++) {
        struct location_events events = {0};
        sweep_shard(l, &l->shards[i], tick(l, mono_now_ms, false), &events);
        count += events.count;
        location_events_tell(l, &events);
    }
    return count;
}
