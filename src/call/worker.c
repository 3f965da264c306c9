/* One worker's side of the call server: takes what its stack hands up, sends it where it belongs,
 * and keeps with each flow what that has proved. */
#include "call/call_int.h"
#include "call/edgeflows.h"

#include "call/proxy.h"
#include "call/reach.h"
#include "call/relay.h"
#include "directory/dialplan.h"
#include "sip/print.h"

#include <stdlib.h>

enum rc call_worker_new(struct call_node *n, struct call_worker **out)
{
    struct call_worker *w = calloc(1, sizeof *w);
    if (!w) return RC_NOMEM;
    w->node = n;
    w->relay = call_relay_new(n->stacks);
    struct call_reach_ops ops = {.connect = siptx_connect};
    enum rc rc = w->relay ? call_proxy_new(w, &w->proxy) : RC_NOMEM;
    if (rc == RC_OK) rc = call_worker_set_reach(w, &ops);
    if (rc != RC_OK) {
        call_worker_free(w);
        return rc;
    }
    *out = w;
    return RC_OK;
}

struct call_worker *call_worker_free(struct call_worker *w)
{
    if (!w) return NULL;
    call_proxy_free(w->proxy);
    call_watch_free(w->watch);
    call_reach_free(w->reach);
    call_relay_free(w->relay);
    directory_params_unref(w->params);
    free(w->authz_server);
    free(w);
    return NULL;
}

enum rc call_worker_set_reach(struct call_worker *w, const struct call_reach_ops *ops)
{
    w->reach = call_reach_free(w->reach);
    return call_reach_new(ops, &w->reach);
}

enum rc call_worker_watch_trunks(struct call_worker *w)
{
    return call_watch_new(w, &w->watch);
}

void call_worker_attach(struct call_worker *w, struct siptx_stack *stack)
{
    w->stack = stack;
    call_relay_attach(w->relay, stack);
    call_proxy_attach(w->proxy, stack);
    call_reach_attach(w->reach, stack);
}

const struct directory_params *call_worker_params(struct call_worker *w)
{
    struct directory *d = w->node->directory;
    if (!w->params || w->params->generation != directory_params_generation(d)) {
        directory_params_unref(w->params);
        w->params = directory_params_ref(d);
    }
    return w->params;
}

struct str call_worker_authz_server(struct call_worker *w)
{
    struct call_node *n = w->node;
    uint64_t now = atomic_load(&n->authz_generation);
    if (now != w->authz_generation) {
        free(w->authz_server);
        pthread_mutex_lock(&n->lock);
        w->authz_server = n->authz_server ? str_dup_cstr(str_from(n->authz_server)) : NULL;
        pthread_mutex_unlock(&n->lock);
        w->authz_generation = w->authz_server ? now : 0;
    }
    return str_from(w->authz_server);
}

/* ---- what a flow remembers ---- */

static struct str text_copy(char **at, struct str s)
{
    char *p = *at;
    if (s.n > 0) memcpy(p, s.p, s.n);
    *at += s.n;
    return str_of(p, s.n);
}

static bool is_remembered(const struct call_flow *known, struct str device, bool cisco,
                          const struct oauth_claims *claims, uint64_t key_generation)
{
    return known && known->cisco == cisco && str_eq(known->device, device) &&
           known->has_token == (claims != NULL) &&
           (!claims || (known->expires_unix_s == claims->expires_unix_s &&
                        known->issued_unix_s == claims->issued_unix_s &&
                        known->key_generation == key_generation &&
                        str_eq(known->user, claims->user) && str_eq(known->gid, claims->gid)));
}

enum rc call_flow_remember(const struct call_visit *v, struct str device, bool cisco,
                           const struct oauth_claims *claims, uint64_t key_generation)
{
    const struct call_flow *known = call_visit_known(v);
    if (is_remembered(known, device, cisco, claims, key_generation)) return RC_OK;
    struct str user = claims ? claims->user : STR(""), gid = claims ? claims->gid : STR("");
    size_t n = sizeof(struct call_flow) + device.n + user.n + gid.n;
    struct call_flow *m = calloc(1, n);
    if (!m) return RC_NOMEM;
    char *at = (char *)(m + 1);
    m->device = text_copy(&at, device);
    m->user = text_copy(&at, user);
    m->gid = text_copy(&at, gid);
    m->cisco = cisco;
    m->key_generation = key_generation;
    if (claims) {
        m->has_token = true;
        m->issued_unix_s = claims->issued_unix_s;
        m->expires_unix_s = claims->expires_unix_s;
    }
    if (known) {
        m->nonce_count = known->nonce_count;
        m->nonce_hash = known->nonce_hash;
        m->binding_id = known->binding_id;
        m->all_lines = known->all_lines;
    }
    if (v->listener != CALL_MRA) {
        siptx_flow_set_user(v->request->flow, m, free);
        return RC_OK;
    }
    enum rc rc = v->edge_flow.n > 0 ? call_edge_flows_put(v->request->flow, v->edge_flow, m,
                                                          &v->worker->node->random)
                                    : RC_OK;
    if (rc != RC_OK || v->edge_flow.n == 0) free(m);
    return rc;
}

struct call_flow *call_visit_known(const struct call_visit *v)
{
    const struct siptx_flow *f = v->request->flow;
    if (!f || v->listener != CALL_MRA) return call_flow_of(f);
    return call_edge_flows_find(f, v->edge_flow);
}

/* ---- requests ---- */

static void visit_end(void *ctx, struct siptx_request *r)
{
    (void)ctx;
    struct call_visit *v = r->user;
    if (!v) return;
    r->user = NULL;
    call_proxy_ended(v);
    directory_profile_unref(v->profile);
    directory_device_unref(v->device);
    directory_trunk_unref(v->trunk);
    v->trunk = NULL;
    v->profile = NULL;
    v->device = NULL;
}

/* What comes over a connection of ours is treated as if the peer had made it. */
static enum call_listener listener_outgoing(const struct siptx_flow *f)
{
    return f->transport == SIPTX_TLS ? CALL_SECURE : CALL_LINE;
}

static struct call_visit *visit_begin(struct call_worker *w, struct siptx_request *r)
{
    struct call_visit *v = ARENA_NEW(r->arena, struct call_visit);
    uint64_t changes = atomic_load(&w->node->changes);
    const struct directory_params *params = call_worker_params(w);
    if (!v || !params || !r->flow) return NULL;
    v->worker = w;
    v->request = r;
    v->message = r->message;
    v->arena = r->arena;
    v->params = params;
    v->changes = changes;
    v->listener = r->flow->listener_kind < 0 ? listener_outgoing(r->flow)
                                             : (enum call_listener)r->flow->listener_kind;
    if (v->listener == CALL_MRA) v->edge_flow = call_edge_flow_read(r->basics->via.params);
    r->user = v;
    r->on_end = visit_end;
    v->to = r->basics->to_uri;
    return v;
}

/* On an OAuth line nobody is served before he has proved who he is, whatever he asks. */
static bool is_admitted(struct call_visit *v)
{
    if (v->listener != CALL_OAUTH && v->listener != CALL_MRA) return true;
    call_identify_claim(v);
    call_credentials_bearer(v);
    if (v->question.bearer == CALL_PROOF_GOOD) return true;
    call_label_nobody(v);
    v->verdict.action = CALL_CHALLENGE_BEARER;
    v->verdict.why = v->question.bearer == CALL_PROOF_BAD ? CALL_WHY_BAD_TOKEN : CALL_WHY_NO_TOKEN;
    call_tell_verdict(v);
    call_answer_challenge(v);
    return false;
}

static bool is_require_met(struct call_visit *v)
{
    struct sip_values values;
    struct str tag;
    struct buf bad;
    char text[512];
    buf_init_fixed(&bad, text, sizeof text);
    sip_values_init(&values, v->message, SIP_HEADER_REQUIRE);
    while (sip_values_next(&values, &tag) == RC_OK)
        sip_print_header(&bad, SIP_HEADER_UNSUPPORTED, tag);
    if (bad.n == 0 && buf_rc(&bad) == RC_OK) return true;
    call_answer(v, 420, STR(""), buf_rc(&bad) == RC_OK ? buf_str(&bad) : STR(""));
    return false;
}

static bool has_to_tag(const struct call_visit *v)
{
    struct sip_nameaddr to;
    return sip_nameaddr_parse(sip_message_value(v->message, SIP_HEADER_TO), &to, NULL) == RC_OK &&
           sip_nameaddr_tag(&to).n > 0;
}

/* What asks something of this server itself (RFC 3261, 8.2.1 and 12.2.2). */
static void answer_other(struct call_visit *v)
{
    struct sip_uri uri;
    if (v->message->method == SIP_METHOD_OTHER) {
        call_answer(v, 501, STR(""), call_allow);
    } else if (sip_uri_parse(v->message->uri, &uri, NULL) != RC_OK || !sip_uri_is_sip(&uri)) {
        call_answer(v, 416, STR(""), STR(""));
    } else if (has_to_tag(v)) {
        call_answer(v, 481, STR(""), STR(""));
    } else if (!is_require_met(v)) {
        return;
    } else if (v->message->method == SIP_METHOD_OPTIONS) {
        struct str headers = STR("Allow: REGISTER, OPTIONS\r\nAccept: "
                                 "application/x-cisco-remotecc-request+xml\r\n"
                                 "Supported: path, outbound\r\n");
        call_answer(v, 200, STR(""), headers);
    } else {
        call_answer(v, 405, STR(""), call_allow);
    }
}

void call_worker_set_delay(struct call_worker *w, call_delay_fn *fn, void *ctx)
{
    w->delay_ms = fn;
    w->delay_ctx = ctx;
}

static void watch_load(struct call_worker *w)
{
    struct call_node *n = w->node;
    bool was = w->overload.is_shedding;
    if (!w->delay_ms) return;
    int64_t delay_ms = w->delay_ms(w->delay_ctx);
    bool is = call_overload_step(&w->overload, delay_ms, clock_mono_ms(&n->clock));
    if (is == was) return;
    if (is)
        atomic_fetch_add(&n->counters.overloaded, 1);
    else
        atomic_fetch_sub(&n->counters.overloaded, 1);
    log_warn(n->log, is ? "overload.begin" : "overload.end",
             LOG_INT("worker", siptx_stack_worker(w->stack)), LOG_INT("delay_ms", delay_ms),
             LOG_CSTR("text", is ? "New calls are refused with 503 until it is shorter."
                                 : "New calls are taken again."));
}

static void on_request(void *ctx, struct siptx_request *r)
{
    struct call_worker *w = ctx;
    watch_load(w);
    struct call_visit *v = visit_begin(w, r);
    if (!v)
        siptx_respond(r, 503, STR(""), STR("Retry-After: 10\r\n"));
    else if (r->message->method != SIP_METHOD_REGISTER && !call_proxy_is_for_us(v))
        call_proxy_request(v);
    else if (siptx_request_is_merged(r))
        siptx_respond(r, 482, STR(""), STR(""));
    else if (r->message->method == SIP_METHOD_REGISTER)
        call_register(v);
    else if (is_admitted(v))
        answer_other(v);
}

static void on_ack(void *ctx, struct siptx_flow *f, const struct sip_message *message,
                   struct siptx_request *invite)
{
    (void)invite;
    call_proxy_ack(ctx, f, message);
}

static void on_cancel(void *ctx, struct siptx_request *invite)
{
    call_proxy_cancel(ctx, invite);
}

static void on_gone(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                    size_t count)
{
    (void)ctx;
    (void)rc;
    (void)bindings;
    (void)count;
}

static void log_closed(const struct call_worker *w, const struct siptx_flow *f,
                       enum siptx_close why, struct str text)
{
    const struct log *log = w->node->log;
    bool odd = why == SIPTX_CLOSE_ERROR || why == SIPTX_CLOSE_FRAMING || why == SIPTX_CLOSE_SLOW;
    enum log_level level = odd ? LOG_WARN : LOG_DEBUG;
    if (!log || level > log->level) return;
    char peer[NET_ADDR_TEXT_MAX];
    LOG_WRITE(log, level, "flow.closed", LOG_STR("peer", net_addr_text(&f->peer, peer)),
              LOG_CSTR("why", siptx_close_name(why)), LOG_STR("text", text));
}

/* A UDP flow that is only forgotten takes nothing along: the phone is where its Contact says. */
static bool ends_registrations(const struct siptx_flow *f, enum siptx_close why)
{
    if (why == SIPTX_CLOSE_STACK) return false;
    bool forgotten = why == SIPTX_CLOSE_IDLE || why == SIPTX_CLOSE_LIMIT;
    return !forgotten || siptx_transport_is_reliable((enum siptx_transport)f->transport);
}

/* A lost connection takes the registrations it carried along. */
static void on_flow_ready(void *ctx, struct siptx_flow *f)
{
    struct call_worker *w = ctx;
    call_reach_ready(w->reach, f);
}

static void on_flow_closed(void *ctx, struct siptx_flow *f, enum siptx_close why, struct str text)
{
    struct call_worker *w = ctx;
    log_closed(w, f, why, text);
    call_reach_closed(w->reach, f);
    if (why != SIPTX_CLOSE_STACK) call_proxy_flow_closed(w, f);
    bool is_edges = f->listener_kind == CALL_MRA; /* whose phones may be registered unnamed */
    if ((!f->user && !is_edges) || !ends_registrations(f, why)) return;
    struct location_key key = {.by = LOCATION_BY_FLOW, .flow = f->id};
    location_remove(w->node->location, &key, 0, LOCATION_FLOW_LOST, on_gone, NULL);
}

enum { REFUSED_LOG_MS = 100, REFUSED_LOG_BURST = 20, REFUSED_TEXT_MAX = 1200 };

/* A line each 100 ms in the long run, twenty at once; false: only count this one. */
static bool may_log_refusal(struct call_worker *w, int64_t now_ms)
{
    int64_t earned = (now_ms - w->refused_logged_ms) / REFUSED_LOG_MS;
    if (earned > 0) {
        w->refused_credit += earned < REFUSED_LOG_BURST ? (int)earned : REFUSED_LOG_BURST;
        if (w->refused_credit > REFUSED_LOG_BURST) w->refused_credit = REFUSED_LOG_BURST;
        w->refused_logged_ms = now_ms;
    }
    if (w->refused_credit == 0) return false;
    w->refused_credit--;
    return true;
}

/* A handshake that failed is often one side's trust or certificate, so the log says which; what never
 * was TLS or said nothing is only counted. Strangers cannot flood the log with it. */
static void log_refused(struct call_worker *w, enum call_listener listener,
                        const struct net_addr *peer, const struct net_close *why)
{
    const struct log *log = w->node->log;
    char addr[NET_ADDR_TEXT_MAX], text[REFUSED_TEXT_MAX];
    struct buf b;
    if (!log || LOG_WARN > log->level) return;
    if (!may_log_refusal(w, clock_mono_ms(&w->node->clock))) {
        w->refused_unlogged++;
        return;
    }
    buf_init_fixed(&b, text, sizeof text);
    net_close_print(&b, why);
    log_warn(log, "connection.refused", LOG_CSTR("listener", call_listener_name(listener)),
             LOG_STR("peer", net_addr_text(peer, addr)), LOG_CSTR("why", net_close_name(why->kind)),
             LOG_STR("text", buf_str(&b)), LOG_INT("unlogged_before", w->refused_unlogged));
    w->refused_unlogged = 0;
}

static void on_refused(void *ctx, int listener_kind, const struct net_addr *peer,
                       const struct net_close *why)
{
    struct call_worker *w = ctx;
    if (listener_kind < 0 || why->kind != NET_CLOSE_TLS) return;
    if (why->tls)
        call_handshakes_note(w->node->handshakes, (enum call_listener)listener_kind, peer, why->tls,
                             clock_unix_ms(&w->node->clock));
    log_refused(w, (enum call_listener)listener_kind, peer, why);
}

/* Whoever had trouble with certificates has it no longer. */
static void on_flow_open(void *ctx, struct siptx_flow *f)
{
    struct call_worker *w = ctx;
    if (f->transport == SIPTX_TLS && f->listener_kind >= 0)
        call_handshakes_clear(w->node->handshakes, (enum call_listener)f->listener_kind, &f->peer);
}

struct siptx_events call_worker_events(struct call_worker *w)
{
    return (struct siptx_events){
        .ctx = w,
        .on_request = on_request,
        .on_ack = on_ack,
        .on_cancel = on_cancel,
        .on_flow_open = on_flow_open,
        .on_flow_ready = on_flow_ready,
        .on_flow_closed = on_flow_closed,
        .on_refused = on_refused,
    };
}
