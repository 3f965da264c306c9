/* What the workers share: watches the directory and lets go of registrations that its changes no
 * longer carry; hears from location what came and went, and says so. */
#include "call/call_int.h"

#include "call/digest.h"
#include "call/gruu.h"
#include "call/lines.h"
#include "call/route.h"
#include "call/trunk.h"
#include "crypto/secret.h"

#include <stdlib.h>

enum { PAGE = 500 };

static void on_location_change(void *ctx, enum location_cause cause,
                               const struct location_binding *b,
                               const struct location_binding *old);
static void on_directory_change(void *ctx, enum store_kind kind, struct str key, bool removed);

/* Lines that took part are idle from now on. */
static void on_call_end(void *ctx, const struct call_record *r)
{
    struct call_node *n = ctx;
    int64_t now_ms = clock_mono_ms(&n->clock);
    struct str from = str_from(r->from_device), to = str_from(r->to_device);
    if (from.n > 0 && !call_trunk_is_label(from))
        call_lines_idle(n->lines, str_from(r->from), now_ms);
    if (to.n > 0 && !call_trunk_is_label(to)) call_lines_idle(n->lines, str_from(r->to), now_ms);
    if (n->on_call_end) n->on_call_end(n->on_call_end_ctx, r);
}

enum rc call_node_new(const struct call_node_config *config, struct call_node **out)
{
    struct call_node *n = calloc(1, sizeof *n);
    if (!n) return RC_NOMEM;
    n->directory = config->directory;
    n->location = config->location;
    n->verifier = config->verifier;
    n->stacks = config->stacks;
    n->clock = config->clock;
    n->random = config->random;
    n->log = config->log;
    n->node_name = config->node_name;
    n->on_call_end = config->on_call_end;
    n->on_call_end_ctx = config->on_call_end_ctx;
    bool has_lock = pthread_mutex_init(&n->lock, NULL) == 0;
    enum rc rc = has_lock ? secret_init_random(&n->nonce_key, &n->random, CALL_DIGEST_KEY_LEN)
                          : RC_NOMEM;
    if (rc == RC_OK) rc = secret_init_random(&n->route_key, &n->random, CALL_ROUTE_KEY_LEN);
    if (rc == RC_OK) rc = call_gruu_new(&n->random, &n->gruu);
    if (rc == RC_OK) rc = call_calls_new(&n->random, n->clock, on_call_end, n, &n->calls);
    if (rc == RC_OK) call_calls_on_bye(n->calls, call_send_bye);
    if (rc == RC_OK) rc = call_lines_new(&n->random, &n->lines);
    if (rc == RC_OK && !(n->trunks = call_trunk_states_new())) rc = RC_NOMEM;
    random_fill(&n->random, &n->loop_key, sizeof n->loop_key);
    if (rc == RC_OK && !(n->refusals = call_refusals_new(&n->random))) rc = RC_NOMEM;
    if (rc == RC_OK && !(n->handshakes = call_handshakes_new())) rc = RC_NOMEM;
    if (rc == RC_OK) rc = location_watch(n->location, on_location_change, n);
    if (rc == RC_OK) rc = directory_subscribe(n->directory, on_directory_change, n);
    if (rc == RC_OK) {
        *out = n;
        return RC_OK;
    }
    location_unwatch(n->location, on_location_change, n);
    call_refusals_free(n->refusals);
    call_handshakes_free(n->handshakes);
    call_calls_free(n->calls);
    call_lines_free(n->lines);
    call_trunk_states_free(n->trunks);
    call_gruu_free(n->gruu);
    secret_fini(&n->route_key);
    secret_fini(&n->nonce_key);
    if (has_lock) pthread_mutex_destroy(&n->lock);
    free(n);
    return rc;
}

struct call_node *call_node_free(struct call_node *n)
{
    if (!n) return NULL;
    directory_unsubscribe(n->directory, on_directory_change, n);
    location_unwatch(n->location, on_location_change, n);
    call_refusals_free(n->refusals);
    call_handshakes_free(n->handshakes);
    call_calls_free(n->calls);
    call_lines_free(n->lines);
    call_trunk_states_free(n->trunks);
    call_gruu_free(n->gruu);
    secret_fini(&n->route_key);
    secret_fini(&n->nonce_key);
    pthread_mutex_destroy(&n->lock);
    free(n->authz_server);
    free(n);
    return NULL;
}

enum rc call_node_set_authz_server(struct call_node *n, struct str url)
{
    char *copy = str_dup_cstr(url);
    if (!copy) return RC_NOMEM;
    pthread_mutex_lock(&n->lock);
    free(n->authz_server);
    n->authz_server = copy;
    pthread_mutex_unlock(&n->lock);
    atomic_fetch_add(&n->authz_generation, 1);
    return RC_OK;
}

/* ---- registrations that no longer fit ---- */

static void on_removed(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                       size_t count)
{
    struct call_node *n = ctx;
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        call_release(n, bindings[i], CALL_RELEASE_REVOKED);
}

static void remove_by(struct call_node *n, enum location_index by, struct str text)
{
    struct location_key key = {.by = by, .text = text};
    location_remove(n->location, &key, 0, LOCATION_REVOKED, on_removed, n);
}

/* A page of bindings looked at; those that do not fit go by their device. */
struct sweep {
    struct call_node *n;
    uint64_t last_id;
    size_t seen;
};

static void drop_if_unfit(struct call_node *n, const struct location_binding *b)
{
    enum call_why why;
    if (call_binding_fits(n, b, &why)) return;
    log_info(n->log, "register.unfit", LOG_STR("device", b->device), LOG_STR("line", b->line),
             LOG_CSTR("why", call_why_name(why)), LOG_CSTR("text", call_why_text(why)));
    remove_by(n, LOCATION_BY_DEVICE, b->device);
}

static void on_page(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                    size_t count)
{
    struct sweep *s = ctx;
    s->seen = rc == RC_OK ? count : 0;
    for (size_t i = 0; i < s->seen; i++) {
        s->last_id = bindings[i]->id;
        drop_if_unfit(s->n, bindings[i]);
    }
}

static void check_all(struct call_node *n)
{
    struct sweep s = {.n = n};
    do
        location_list(n->location, s.last_id, PAGE, on_page, &s);
    while (s.seen == PAGE);
}

static void on_checked(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                       size_t count)
{
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        drop_if_unfit(ctx, bindings[i]);
}

static void check_by(struct call_node *n, enum location_index by, struct str text)
{
    struct location_key key = {.by = by, .text = text};
    location_fetch(n->location, &key, clock_mono_ms(&n->clock), on_checked, n);
}

/* Runs on the thread that committed the change, with the new records already in place. */
static void on_directory_change(void *ctx, enum store_kind kind, struct str key, bool removed)
{
    struct call_node *n = ctx;
    atomic_fetch_add(&n->changes, 1); /* call_node_confirm relies on it coming first */
    if (kind == STORE_USER) check_by(n, LOCATION_BY_USER, key);
    if (kind == STORE_DEVICE) check_by(n, LOCATION_BY_DEVICE, key);
    if (kind == STORE_GRANT && removed) remove_by(n, LOCATION_BY_GRANT, key);
    if (kind == STORE_PROFILE) check_all(n);
    if (kind == STORE_PARAM &&
        (str_eq(key, str_from(store_param_def(STORE_P_SIP_OAUTH_MODE)->name)) ||
         str_eq(key, str_from(store_param_def(STORE_P_OWNER_CHECK)->name))))
        check_all(n);
}

/* A change is in place, then counted, then looked for in location. So a registration that finds the
 * count as it was is found there by the change; any other looks once more itself. */
bool call_node_confirm(const struct call_visit *v, const struct location_binding *b)
{
    struct call_node *n = v->worker->node;
    enum call_why why;
    enum oauth_reason reason;
    if (atomic_load(&n->changes) == v->changes) return true;
    if (call_binding_fits(n, b, &why) &&
        (!v->has_claims ||
         oauth_verify_again(n->verifier, &v->claims, clock_unix_s(&n->clock), &reason) == RC_OK))
        return true;
    remove_by(n, LOCATION_BY_DEVICE, b->device);
    return false;
}

static void on_reset(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                     size_t count)
{
    struct sweep *s = ctx;
    s->seen = rc == RC_OK ? count : 0;
    for (size_t i = 0; i < s->seen; i++)
        call_release(s->n, bindings[i], CALL_RELEASE_RESET);
}

size_t call_node_reset_device(struct call_node *n, struct str device)
{
    struct sweep s = {.n = n};
    struct location_key key = {.by = LOCATION_BY_DEVICE, .text = device};
    location_remove(n->location, &key, 0, LOCATION_RESET, on_reset, &s);
    return s.seen;
}

void call_node_tick(struct call_node *n)
{
    location_sweep(n->location, clock_mono_ms(&n->clock));
    call_calls_sweep(n->calls, clock_mono_ms(&n->clock));
}

/* ---- what came and went ---- */

/* ---- calls of phones that come and go ---- */

static void on_phones(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                      size_t count)
{
    struct call_node *n = ctx;
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        call_calls_phone_back(n->calls, bindings[i]->device, bindings[i]->line, bindings[i]->flow);
}

/* A connection that breaks is told of by the flow itself; here are the ends that have no flow's end: UDP,
 * and the phone that comes again before the old connection is known to be dead. */
static void move_calls(struct call_node *n, enum location_cause cause,
                       const struct location_binding *b, const struct location_binding *old)
{
    bool moved = cause == LOCATION_REFRESHED && old && old->flow != b->flow;
    bool gone = cause == LOCATION_EXPIRED || cause == LOCATION_REPLACED;
    if (moved || gone)
        call_calls_flow_lost(n->calls, moved ? old->flow : b->flow, clock_mono_ms(&n->clock),
                             CALL_GRACE_MS);
    struct location_key key = {.by = LOCATION_BY_DEVICE, .text = b->device};
    if (moved || cause == LOCATION_REPLACED || cause == LOCATION_REGISTERED)
        location_fetch(n->location, &key, clock_mono_ms(&n->clock), on_phones, n);
}

static void on_location_change(void *ctx, enum location_cause cause,
                               const struct location_binding *b, const struct location_binding *old)
{
    struct call_node *n = ctx;
    move_calls(n, cause, b, old);
    if (cause == LOCATION_UNREGISTERED || cause == LOCATION_EXPIRED)
        call_release_pin(n, b->flow);
    else if (old && old->flow != b->flow)
        call_release_pin(n, old->flow);
    if (cause == LOCATION_EXPIRED)
        log_info(n->log, "register.expired", LOG_STR("device", b->device), LOG_STR("line", b->line),
                 LOG_STR("user", b->user), LOG_STR("peer", b->received),
                 LOG_CSTR("text", "The phone did not refresh its registration in time."));
    else if (cause == LOCATION_FLOW_LOST)
        log_info(n->log, "register.flow_lost", LOG_STR("device", b->device),
                 LOG_STR("line", b->line), LOG_STR("user", b->user), LOG_STR("peer", b->received));
}

/* ---- for the operator ---- */

size_t call_node_calls(struct call_node *n, uint64_t after_id, struct call_record *out, size_t max)
{
    return call_calls_list(n->calls, after_id, out, max);
}

size_t call_node_handshakes(struct call_node *n, struct call_handshake *out, size_t max)
{
    return call_handshakes_list(n->handshakes, out, max);
}

size_t call_node_trunks(struct call_node *n, struct call_trunk_state *out, size_t max)
{
    return call_trunk_states_list(n->trunks, out, max);
}

size_t call_node_call_count(struct call_node *n)
{
    return call_calls_count(n->calls);
}

bool call_node_hang_up(struct call_node *n, uint64_t id)
{
    return call_calls_hang_up(n->calls, id, CALL_END_OPERATOR, 0);
}

size_t call_node_end_calls(struct call_node *n)
{
    return call_calls_end_all(n->calls, CALL_END_STOPPED);
}

bool call_node_last_refusal(struct call_node *n, struct str device, struct call_refusal *out)
{
    return call_refusals_find(n->refusals, device, out);
}

void call_node_count(struct call_node *n, struct call_counters *out)
{
    *out = (struct call_counters){
        .accepted_new = atomic_load(&n->counters.accepted_new),
        .accepted_refresh = atomic_load(&n->counters.accepted_refresh),
        .unregistered = atomic_load(&n->counters.unregistered),
        .standby = atomic_load(&n->counters.standby),
        .released = atomic_load(&n->counters.released),
        .shed = atomic_load(&n->counters.shed),
        .overloaded = atomic_load(&n->counters.overloaded),
        .contexts = atomic_load(&n->counters.contexts),
    };
    for (size_t i = 0; i < CALL_WHY_COUNT; i++)
        out->verdicts[i] = atomic_load(&n->counters.verdicts[i]);
}
