#include "app/live.h"

#include "app/portview.h"
#include "app/records.h"
#include "app/traceview.h"
#include "auth/auth.h"
#include "base/check.h"
#include "call/call.h"
#include "location/location.h"
#include "oauth/verify.h"
#include "siptx/stack.h"
#include "siptx/trace.h"

/* ---- registrations ---- */

struct listing {
    struct app_live *live;
    struct arena *arena;
    struct str device;
    uint64_t after_id;
    size_t limit;
    struct admin_registration *rows;
    size_t count, seen;
    uint64_t last_id;
    enum rc rc;
};

static enum rc dup_all(struct arena *a, struct str *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum rc rc = arena_str_dup(a, *texts[i], texts[i]);
        if (rc != RC_OK) return rc;
    }
    return RC_OK;
}

static enum rc row_fill(struct listing *g, const struct location_binding *b,
                        struct admin_registration *r)
{
    int64_t left_ms = b->expires_mono_ms - clock_mono_ms(&g->live->clock);
    *r = (struct admin_registration){
        .id = b->id,
        .device = b->device,
        .line = b->line,
        .user = b->user,
        .contact = b->contact,
        .peer = b->received,
        .user_agent = b->user_agent,
        .listener = str_from(call_listener_name((enum call_listener)b->listener)),
        .dialect = b->dialect == LOCATION_CISCO ? STR("cisco") : STR("standard"),
        .since_unix_ms = b->since_unix_ms,
        .expires_in_s = left_ms > 0 ? left_ms / 1000 : 0,
        .token_expires_unix_s = b->token_expires_unix_s,
    };
    struct str *texts[] = {&r->device, &r->line, &r->user, &r->contact, &r->peer, &r->user_agent};
    return dup_all(g->arena, texts, sizeof texts / sizeof *texts);
}

static void on_bindings(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                        size_t count)
{
    struct listing *g = ctx;
    g->rc = rc;
    g->seen = count;
    for (size_t i = 0; g->rc == RC_OK && i < count; i++) {
        g->last_id = bindings[i]->id;
        if (bindings[i]->id > g->after_id && g->count < g->limit)
            g->rc = row_fill(g, bindings[i], &g->rows[g->count++]);
    }
}

static enum rc live_registrations(void *ctx, struct str device, uint64_t after_id, size_t limit,
                                  struct arena *a, struct admin_registration **out, size_t *count)
{
    struct app_live *live = ctx;
    if (limit == 0 || limit > 1000) limit = 1000;
    struct listing g = {
        .live = live, .arena = a, .device = device, .after_id = after_id, .limit = limit};
    g.rows = ARENA_ARRAY(a, struct admin_registration, limit);
    if (!g.rows) return RC_NOMEM;
    if (device.n > 0) {
        struct location_key key = {.by = LOCATION_BY_DEVICE, .text = device};
        location_fetch(live->location, &key, clock_mono_ms(&live->clock), on_bindings, &g);
    } else {
        location_list(live->location, after_id, limit, on_bindings, &g);
    }
    *out = g.rows;
    *count = g.count;
    return g.rc;
}

static size_t live_registration_count(void *ctx)
{
    struct app_live *live = ctx;
    struct location_counts c;
    location_count(live->location, &c);
    return c.bindings;
}

static size_t live_reset_device(void *ctx, struct str device)
{
    struct app_live *live = ctx;
    return call_node_reset_device(live->call, device);
}

/* ---- calls ---- */

enum { CALLS_PAGE = 64 };

static bool has_part(const struct call_record *r, struct str number)
{
    return number.n == 0 || str_eq_nocase(str_from(r->from), number) ||
           str_eq_nocase(str_from(r->to), number) || str_eq_nocase(str_from(r->dialled), number);
}

static enum rc call_fill(struct arena *a, const struct call_record *r, struct admin_live_call *out)
{
    *out = (struct admin_live_call){
        .id = r->id,
        .call = str_from(r->call_id),
        .caller = str_from(r->from),
        .caller_device = app_records_device(r->from_device),
        .dialled = str_from(r->dialled),
        .called = str_from(r->to),
        .called_device = app_records_device(r->to_device),
        .trunk_in = app_records_trunk(r->from_device),
        .trunk_out = app_records_trunk(r->to_device),
        .state = str_from(call_state_name(r->state)),
        .start_unix_ms = r->started_unix_ms,
        .answer_unix_ms = r->answered_unix_ms,
        .encrypted = r->encrypted,
    };
    struct str *texts[] = {&out->call,   &out->caller,        &out->caller_device, &out->dialled,
                           &out->called, &out->called_device, &out->trunk_in,      &out->trunk_out};
    return dup_all(a, texts, sizeof texts / sizeof *texts);
}

static enum rc live_calls(void *ctx, struct str number, uint64_t after_id, size_t limit,
                          struct arena *a, struct admin_live_call **out, size_t *count)
{
    struct app_live *live = ctx;
    if (limit == 0 || limit > 1000) limit = 1000;
    struct call_record *page = ARENA_ARRAY(a, struct call_record, CALLS_PAGE);
    struct admin_live_call *rows = ARENA_ARRAY(a, struct admin_live_call, limit);
    if (!page || !rows) return RC_NOMEM;
    enum rc rc = RC_OK;
    size_t n = CALLS_PAGE, found = 0;
    while (rc == RC_OK && n == CALLS_PAGE && found < limit) {
        n = call_node_calls(live->call, after_id, page, CALLS_PAGE);
        for (size_t i = 0; rc == RC_OK && i < n && found < limit; i++) {
            after_id = page[i].id;
            if (has_part(&page[i], number)) rc = call_fill(a, &page[i], &rows[found++]);
        }
    }
    *out = rows;
    *count = found;
    return rc;
}

/* Between the look and the hanging up it may have ended by itself: then there is no such call. */
static enum rc live_hang_up(void *ctx, uint64_t id, struct arena *a, struct admin_live_call *out)
{
    struct app_live *live = ctx;
    struct call_record *r = ARENA_NEW(a, struct call_record);
    if (!r) return RC_NOMEM;
    if (id == 0 || call_node_calls(live->call, id - 1, r, 1) == 0 || r->id != id)
        return RC_NOT_FOUND;
    if (r->state != CALL_STATE_ANSWERED) return RC_CONFLICT;
    enum rc rc = call_fill(a, r, out);
    if (rc != RC_OK) return rc;
    return call_node_hang_up(live->call, id) ? RC_OK : RC_NOT_FOUND;
}

static size_t live_call_count(void *ctx)
{
    struct app_live *live = ctx;
    return call_node_call_count(live->call);
}

/* ---- traces and refusals ---- */

static enum rc live_trace(void *ctx, struct str device, uint64_t after_seq, size_t max,
                          struct arena *a, struct admin_trace_record **out, size_t *count)
{
    struct app_live *live = ctx;
    return app_trace_rows(live->trace, device, after_seq, max, a, out, count);
}

static void live_trace_switch(void *ctx, bool on)
{
    struct app_live *live = ctx;
    if (live->trace) siptx_trace_switch(live->trace, on);
}

static enum rc live_last_refusal(void *ctx, struct str device, struct arena *a,
                                 struct admin_refusal *out)
{
    struct app_live *live = ctx;
    struct call_refusal r;
    if (!call_node_last_refusal(live->call, device, &r)) return RC_NOT_FOUND;
    *out = (struct admin_refusal){
        .at_unix_ms = r.at_unix_ms,
        .why = str_from(call_why_name(r.why)),
        .text = str_from(call_why_text(r.why)),
        .detail = str_from(r.detail),
        .listener = str_from(call_listener_name(r.listener)),
        .peer = str_from(r.peer),
        .user = str_from(r.user),
        .count = r.count,
    };
    struct str *texts[] = {&out->detail, &out->peer, &out->user};
    return dup_all(a, texts, sizeof texts / sizeof *texts);
}

/* ---- ports ---- */

static enum rc live_listeners(void *ctx, struct arena *a, struct admin_listener **out,
                              size_t *count)
{
    struct app_live *live = ctx;
    return app_port_rows(live->listeners, a, out, count);
}

static bool live_port_is_free(void *ctx, uint16_t port, bool udp_too, struct arena *a,
                              struct str *holder)
{
    struct app_live *live = ctx;
    struct net_holder h;
    *holder = STR("");
    if (app_listeners_port_is_free(live->listeners, port, udp_too, &h)) return true;
    enum rc rc = h.pid > 0 ? arena_printf(a, holder, "%s (process %d)", h.name, h.pid)
                           : arena_str_dup(a, STR("another program"), holder);
    if (rc != RC_OK) *holder = STR("another program");
    return false;
}

static void live_settle(void *ctx)
{
    struct app_live *live = ctx;
    app_listeners_settle(live->listeners);
}

/* ---- numbers ---- */

enum { NUMBERS_MAX = 160 };

struct numbers {
    struct arena *arena;
    struct admin_number *rows;
    size_t count;
};

static void number_add(struct numbers *n, const char *group, const char *name, uint64_t value)
{
    struct str text;
    if (n->count == NUMBERS_MAX || arena_printf(n->arena, &text, "%s%s", group, name) != RC_OK)
        return;
    n->rows[n->count++] = (struct admin_number){text, (int64_t)value};
}

static uint64_t sum(struct app_live *live, size_t offset)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < live->worker_count; i++) {
        const char *c = (const char *)siptx_stack_counters(live->stacks[i]);
        total += atomic_load((const _Atomic uint64_t *)(const void *)(c + offset));
    }
    return total;
}

static void add_sip(struct app_live *live, struct numbers *n)
{
#define AT(f) offsetof(struct siptx_counters, f)
    static const struct {
        const char *name;
        size_t at;
    } rows[] = {
        {"flows_open", AT(flows_open)},
        {"flows_opened", AT(flows_opened)},
        {"transactions", AT(transactions)},
        {"keepalives", AT(keepalives)},
        {"stun_bindings", AT(stun_bindings)},
        {"retransmits_in", AT(retransmits_in)},
        {"retransmits_out", AT(retransmits_out)},
        {"dropped_requests", AT(dropped_requests)},
        {"dropped_responses", AT(dropped_responses)},
        {"refused_transactions", AT(refused_transactions)},
        {"send_failures", AT(send_failures)},
        {"out_of_memory", AT(out_of_memory)},
        {"malformed.framing", AT(malformed) + SIPTX_BAD_FRAMING * sizeof(uint64_t)},
        {"malformed.syntax", AT(malformed) + SIPTX_BAD_SYNTAX * sizeof(uint64_t)},
        {"malformed.size", AT(malformed) + SIPTX_BAD_SIZE * sizeof(uint64_t)},
        {"malformed.version", AT(malformed) + SIPTX_BAD_VERSION * sizeof(uint64_t)},
        {"malformed.via", AT(malformed) + SIPTX_BAD_VIA * sizeof(uint64_t)},
        {"malformed.stun", AT(malformed) + SIPTX_BAD_STUN * sizeof(uint64_t)},
        {"requests.REGISTER", AT(requests_in) + SIP_METHOD_REGISTER * sizeof(uint64_t)},
        {"requests.OPTIONS", AT(requests_in) + SIP_METHOD_OPTIONS * sizeof(uint64_t)},
    };
#undef AT
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        number_add(n, "sip.", rows[i].name, sum(live, rows[i].at));
}

static void add_call(struct app_live *live, struct numbers *n)
{
    struct call_counters c;
    call_node_count(live->call, &c);
    number_add(n, "register.", "accepted_new", c.accepted_new);
    number_add(n, "register.", "accepted_refresh", c.accepted_refresh);
    number_add(n, "register.", "unregistered", c.unregistered);
    number_add(n, "register.", "standby", c.standby);
    number_add(n, "register.", "released", c.released);
    number_add(n, "calls.", "refused_overload", c.shed);
    number_add(n, "calls.", "overloaded_workers", c.overloaded);
    number_add(n, "calls.", "contexts", c.contexts);
    for (int i = 0; i < CALL_WHY_COUNT; i++)
        if (c.verdicts[i] > 0)
            number_add(n, "register.refused.", call_why_name((enum call_why)i), c.verdicts[i]);
}

static void add_rest(struct app_live *live, struct numbers *n)
{
    struct location_counts l;
    struct oauth_cache_stats cache = oauth_verifier_cache_stats(live->verifier);
    location_count(live->location, &l);
    number_add(n, "", "registrations", l.bindings);
    number_add(n, "", "addresses_of_record", l.aors);
    number_add(n, "", "calls", call_node_call_count(live->call));
    if (live->records) {
        struct app_records_counts r;
        app_records_count(live->records, &r);
        number_add(n, "cdr.", "written", r.written);
        number_add(n, "cdr.", "waiting", r.waiting);
        number_add(n, "cdr.", "dropped", r.dropped);
    }
    number_add(n, "token_cache.", "entries", cache.count);
    number_add(n, "token_cache.", "hits", cache.hits);
    number_add(n, "token_cache.", "misses", cache.misses);
    number_add(n, "connections.", "open", net_limits_connections(live->limits));
    number_add(n, "connections.", "handshakes", net_limits_handshakes(live->limits));
    for (int i = 0; i < NET_REFUSAL_COUNT; i++)
        number_add(n, "connections.refused.", net_refusal_name((enum net_refusal)i),
                   net_limits_refused(live->limits, (enum net_refusal)i));
    for (int i = OAUTH_OK + 1; i < OAUTH_REASON_COUNT; i++) {
        uint64_t v = oauth_verifier_reason_count(live->verifier, (enum oauth_reason)i);
        if (v > 0) number_add(n, "token.refused.", oauth_reason_name((enum oauth_reason)i), v);
    }
}

static enum rc live_numbers(void *ctx, struct arena *a, struct admin_number **out, size_t *count)
{
    struct app_live *live = ctx;
    struct numbers n = {.arena = a, .rows = ARENA_ARRAY(a, struct admin_number, NUMBERS_MAX)};
    if (!n.rows) return RC_NOMEM;
    add_rest(live, &n);
    add_call(live, &n);
    add_sip(live, &n);
    *out = n.rows;
    *count = n.count;
    return RC_OK;
}

/* ---- keys and certificates ---- */

static enum rc live_key_info(void *ctx, enum store_key_use use, struct arena *a,
                             struct admin_key *out)
{
    struct app_live *live = ctx;
    struct auth_key_info info;
    enum rc rc = auth_key_checksum(live->auth, use, a, &info);
    if (rc == RC_OK)
        *out = (struct admin_key){info.kid, info.alg, info.checksum, info.created_s,
                                  info.former_count};
    return rc;
}

static const struct oauth_keyring *live_keyring(void *ctx)
{
    struct app_live *live = ctx;
    return oauth_verifier_keyring_ref(live->verifier);
}

static enum rc live_key_rotate(void *ctx, const struct store_by *by, enum store_key_use use,
                               struct store_why *why)
{
    struct app_live *live = ctx;
    return auth_keys_rotate(live->auth, by, use, why);
}

static enum rc live_key_regen(void *ctx, const struct store_by *by, enum store_key_use use,
                              struct store_why *why)
{
    struct app_live *live = ctx;
    return auth_keys_regen(live->auth, by, use, why);
}

static enum rc live_cert_regen(void *ctx, const struct store_by *by, struct str unit,
                               struct store_why *why)
{
    struct app_live *live = ctx;
    return app_certs_regen(live->certs, by, unit, why);
}

struct admin_live app_live_functions(struct app_live *live, struct str node_name)
{
    return (struct admin_live){
        .ctx = live,
        .node_name = node_name,
        .version = STR(BEARLINE_VERSION),
        .started_unix_ms = clock_unix_ms(&live->clock),
        .registrations = live_registrations,
        .calls = live_calls,
        .call_count = live_call_count,
        .hang_up = live_hang_up,
        .trace = live_trace,
        .trace_switch = live_trace_switch,
        .last_refusal = live_last_refusal,
        .reset_device = live_reset_device,
        .registration_count = live_registration_count,
        .trunks = app_live_trunks,
        .handshakes = app_live_handshakes,
        .listeners = live_listeners,
        .port_is_free = live_port_is_free,
        .settle = live_settle,
        .numbers = live_numbers,
        .keyring = live_keyring,
        .key_info = live_key_info,
        .key_rotate = live_key_rotate,
        .key_regen = live_key_regen,
        .cert_regen = live_cert_regen,
    };
}
