#include "phone/agent_int.h"

#include "phone/edge.h"

#include "base/check.h"
#include "crypto/digest.h"
#include "phone/grant.h"
#include "phone/login.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    CONFIG_ARENA_MAX = 8 << 20,
    RESTART_MIN_MS = 500,
    RESTART_MAX_MS = 3000,
    CSEQ_FIRST = 100,
    UDP_IDLE_MS = 24 * 3600 * 1000, /* a line without TLS may register for an hour at a time */
};

/* ---- telling ---- */

void agent_note(struct agent *a, const struct phone_problem *p)
{
    a->problem = *p;
    a->status.problem = *p;
    a->status.problem_unix_s = clock_unix_s(&a->clock);
    agent_say(a, "%s", p->text);
}

static const char *transport_text(const struct path *p, char out[32])
{
    struct net_stream_tls_info tls;
    if (p->flow && siptx_flow_tls_info(p->flow, &tls))
        snprintf(out, 32, "%s", tls.version);
    else
        snprintf(out, 32, "%s", p->route.transport == PHONE_UDP ? "UDP" : "TCP");
    return out;
}

static void save_status(struct agent *a)
{
    struct phone_status *st = &a->status;
    st->state = a->line.state;
    st->is_registered = a->line.active != PHONE_NO_NODE;
    if (!st->is_registered) st->since_unix_s = st->refresh_unix_s = 0;
    st->token_until_unix_s = a->tokens.access_until_unix_s;
    st->renew_unix_s = a->tokens.refresh.n > 0 ? phone_tokens_renew_unix_s(&a->tokens) : 0;
    if (memcmp(st, &a->saved, sizeof *st) == 0) return;
    if (phone_status_save(a->config->state, st) == RC_OK) a->saved = *st;
}

static void tell_registered(struct agent *a, const struct phone_line_action *act)
{
    struct path *p = &a->paths[act->node];
    struct phone_status *st = &a->status;
    char transport[32], address[NET_ADDR_TEXT_MAX];
    const struct phone_node *node = &a->phone.nodes[act->node];
    int64_t now_s = clock_unix_s(&a->clock);
    if (act->is_first) st->since_unix_s = now_s;
    st->refresh_unix_s = now_s + (int64_t)(act->wait_ms / 1000);
    st->granted_s = act->granted_s;
    snprintf(st->line, sizeof st->line, "%.*s", STR_ARG(a->phone.lines[0].number));
    snprintf(st->node, sizeof st->node, "%.*s", STR_ARG(node->name));
    snprintf(st->transport, sizeof st->transport, "%s", transport_text(p, transport));
    struct str text = p->flow ? net_addr_text(&p->flow->peer, address) : STR("-");
    snprintf(st->address, sizeof st->address, "%.*s", STR_ARG(text));
    a->last = "Connection-Lost";
    path_ping_start(a);
    save_status(a); /* before it is told: who hears it may ask */
    agent_calls_follow(a);
    agent_say(a, "%s %.*s at %.*s%s%.*s (%s) for %u s, next refresh in %llu s",
              act->is_first ? "registered" : "refreshed", STR_ARG(a->phone.lines[0].number),
              STR_ARG(node->name), node->edge.n > 0 ? " by the edge " : "", STR_ARG(node->edge),
              transport, act->granted_s, (unsigned long long)(act->wait_ms / 1000));
}

/* ---- the machine and its actions ---- */

/* A refusal of credentials becomes known as one only when the machine gives the node up. */
static void tell_untold(struct agent *a, int node)
{
    const struct phone_problem *p = &a->paths[node].problem;
    if (p->code != PHONE_EXIT_OK && p->code == a->line.nodes[node].problem &&
        strcmp(p->text, a->problem.text) != 0)
        agent_note(a, p);
}

static void perform(struct agent *a, const struct phone_line_action *act)
{
    struct path *p = act->node == PHONE_NO_NODE ? NULL : &a->paths[act->node];
    switch (act->kind) {
    case PHONE_DO_OPEN:
        p->problem = (struct phone_problem){0};
        path_open(p);
        break;
    case PHONE_DO_CLOSE:
        tell_untold(a, act->node);
        path_close(p);
        break;
    case PHONE_DO_REGISTER: path_register(p, act); break;
    case PHONE_DO_KEEPALIVE: path_keepalive(p); break;
    case PHONE_DO_LEAVE:
        agent_say(a, "leaving %s", p->where);
        path_leave(p);
        break;
    case PHONE_DO_RENEW:
        agent_say(a, "%s refused the token, asking for a new one", p->where);
        agent_token_renew(a);
        break;
    case PHONE_DO_REGISTERED:
        tell_registered(a, act);
        agent_script_tell(a, NULL, PHONE_SCRIPT_REGISTERED, 0);
        if (a->config->once_registered)
            agent_event(a, &(struct phone_line_event){.kind = PHONE_EV_STOP});
        break;
    case PHONE_DO_WAIT:
        agent_say(a, "not registered anywhere, next try in %llu s",
                  (unsigned long long)((act->wait_ms + 999) / 1000));
        break;
    case PHONE_DO_END: agent_end(a, act->exit); break;
    }
}

static void on_line_time(void *ctx)
{
    agent_event(ctx, &(struct phone_line_event){.kind = PHONE_EV_TIME});
}

static void arm(struct agent *a)
{
    int64_t due_ms = phone_line_due_ms(&a->line), now_ms = clock_mono_ms(&a->clock);
    if (due_ms < 0 || a->is_over) {
        net_timer_stop(a->loop, &a->line_timer);
        return;
    }
    uint64_t wait_ms = due_ms > now_ms ? (uint64_t)(due_ms - now_ms) : 0;
    net_timer_start(a->loop, &a->line_timer, wait_ms, on_line_time, a);
}

static void step(struct agent *a)
{
    struct phone_line_action actions[PHONE_LINE_ACTION_MAX];
    struct phone_line_event e = a->events[0];
    memmove(a->events, a->events + 1, --a->event_count * sizeof *a->events);
    phone_line_step(&a->line, &e, clock_mono_ms(&a->clock));
    size_t count = a->line.action_count;
    memcpy(actions, a->line.actions, count * sizeof *actions);
    for (size_t i = 0; i < count && !a->is_over; i++)
        perform(a, &actions[i]);
}

void agent_event(struct agent *a, const struct phone_line_event *e)
{
    if (a->is_over) return;
    CHECK(a->event_count < AGENT_EVENT_MAX); /* what one step's actions tell at once is a few */
    a->events[a->event_count++] = *e;
    if (a->stepping) return;
    a->stepping = true;
    while (a->event_count > 0 && !a->is_over)
        step(a);
    a->stepping = false;
    agent_calls_follow(a);
    arm(a);
    save_status(a);
    agent_terminal_draw(a);
}

void agent_end(struct agent *a, enum phone_exit exit)
{
    if (a->is_over) return;
    a->is_over = true;
    a->exit = exit;
    for (size_t i = 0; exit != PHONE_EXIT_OK && i < PHONE_NODE_MAX; i++)
        if (a->problem.code != exit && a->paths[i].problem.code == exit)
            agent_note(a, &a->paths[i].problem);
    if (exit == PHONE_EXIT_OK || a->problem.code == exit) return;
    struct phone_problem p;
    size_t count;
    const struct phone_exit_row *rows = phone_exit_table(&count);
    for (size_t i = 0; i < count; i++)
        if (rows[i].code == exit) {
            phone_problem_set(&p, exit, "The phone stops: %s.", rows[i].meaning);
            agent_note(a, &p);
        }
}

static void on_restart_time(void *ctx)
{
    struct agent *a = ctx;
    a->restarts = true;
    agent_end(a, PHONE_EXIT_OK);
}

void agent_restart_now(struct agent *a)
{
    a->restart_waits = false;
    for (size_t i = 0; i < a->phone.node_count; i++)
        path_close(&a->paths[i]);
    net_timer_stop(a->loop, &a->line_timer);
    uint64_t wait_ms = RESTART_MIN_MS +
                       random_below(&a->config->random, RESTART_MAX_MS - RESTART_MIN_MS);
    phone_line_init(&a->line, &a->line.config); /* nothing of it goes on until then */
    agent_calls_follow(a);
    save_status(a);
    net_timer_start(a->loop, &a->line_timer, wait_ms, on_restart_time, a);
}

/* ---- ends from outside ---- */

static void on_signal(void *ctx)
{
    struct agent *a = ctx;
    if (++a->signals > 1) {
        agent_end(a, PHONE_EXIT_OK);
        return;
    }
    agent_say(a, a->line.active != PHONE_NO_NODE ? "stopping: unregistering" : "stopping");
    agent_stop(a);
}

static void on_end_time(void *ctx)
{
    struct agent *a = ctx;
    if (a->line.active != PHONE_NO_NODE)
        agent_stop(a);
    else
        agent_end(a,
                  a->line.problem != PHONE_EXIT_OK ? a->line.problem : PHONE_EXIT_NOT_REGISTERED);
}

/* ---- beginning ---- */

/* Without a sign-in the phone's own name is made of the device's: it stays the same. */
static enum phone_exit legacy_identity(struct agent *a, struct phone_problem *problem)
{
    const struct phone_agent_config *c = a->config;
    uint8_t digest[CRYPTO_SHA256_LEN];
    struct phone_tokens *t = &a->tokens;
    if (!c->device || (!c->server && !c->fetch.url))
        return phone_problem_set(problem, PHONE_EXIT_NOT_SIGNED_IN,
                                 "Nobody has signed in here. Run: bearline-phone login --server "
                                 "https://HOST:8443 --device NAME --state %s",
                                 c->state->path);
    if (str_to_cstr(str_from(c->device), t->device, sizeof t->device) != RC_OK ||
        (c->server && phone_server_url(c->server, t->server) != RC_OK))
        return phone_problem_set(problem, PHONE_EXIT_USAGE,
                                 "--device or --server is not usable as given.");
    if (crypto_sha256(str_bytes(str_from(c->device)), digest) != RC_OK)
        return phone_problem_set(problem, PHONE_EXIT_FAILED, "Out of memory.");
    digest[0] = (uint8_t)((digest[0] & 0xfc) | 2);
    struct buf b;
    buf_init_fixed(&b, t->instance, PHONE_INSTANCE_LEN);
    buf_put_hex(&b, bytes_of(digest, PHONE_INSTANCE_LEN / 2));
    return PHONE_EXIT_OK;
}

static enum phone_exit load_identity(struct agent *a, struct phone_problem *problem)
{
    enum rc rc = phone_tokens_load(a->config->state, &a->tokens);
    a->signed_in = rc == RC_OK;
    if (rc == RC_NOT_FOUND) return legacy_identity(a, problem);
    if (rc != RC_OK)
        return phone_problem_set(problem, PHONE_EXIT_STATE,
                                 "%s/%s cannot be read (%s). Sign in again.",
                                 a->config->state->path, PHONE_FILE_SESSION, rc_name(rc));
    if (a->config->device && strcmp(a->config->device, a->tokens.device) != 0)
        return phone_problem_set(problem, PHONE_EXIT_USAGE,
                                 "This profile is signed in as %s, not %s: use another --profile, "
                                 "or sign in again.",
                                 a->tokens.device, a->config->device);
    return agent_token_first(a, problem);
}

/* Where an edge that does not answer takes SIP, usually. */
static const char *usual_edge(struct agent *a)
{
    struct str host = phone_url_host(str_from(a->config->fetch.edge)), text;
    bool v6 = str_find_char(host, ':') >= 0;
    return arena_printf(&a->arena, &text, v6 ? "[%.*s]%c" : "%.*s%c", STR_ARG(host), 0) == RC_OK
               ? text.p
               : "";
}

/* From outside SIP goes to the edges that were given, or to those the edge names. */
static enum phone_exit go_outside(struct agent *a, struct phone_problem *problem)
{
    const struct phone_agent_config *c = a->config;
    const char *edges[PHONE_NODE_MAX];
    char ca[PHONE_STATE_PATH_MAX];
    size_t count = c->edge_count;
    struct str doc;
    if (count == 0 && !c->fetch.edge) return PHONE_EXIT_OK;
    memcpy(edges, c->edges, sizeof edges);
    if (count == 0) {
        bool has_ca = a->tokens.has_ca && phone_state_path(c->state, PHONE_FILE_CA, ca) == RC_OK;
        enum phone_exit exit = phone_edge_discover(c->fetch.edge,
                                                   "get_edge_config?service_name=_cisco-uds",
                                                   bytes_str(secret_bytes(&a->tokens.access)),
                                                   has_ca ? ca : NULL, &a->arena, &doc, problem);
        if (exit == PHONE_EXIT_CONFIG_REFUSED) return exit;
        if (exit == PHONE_EXIT_OK && phone_edge_read_config(doc, &a->arena, edges, &count) != RC_OK)
            return phone_problem_set(problem, PHONE_EXIT_BAD_CONFIG,
                                     "The edge %s names no SIP server.", c->fetch.edge);
        if (exit != PHONE_EXIT_OK) { /* it may come back: the line tries on */
            agent_note(a, problem);
            problem->code = PHONE_EXIT_OK;
            edges[count++] = usual_edge(a);
        }
    }
    if (phone_config_go_outside(&a->phone, edges, count) == RC_OK) return PHONE_EXIT_OK;
    return phone_problem_set(
        problem, PHONE_EXIT_USAGE,
        "--edge-sip wants HOST or HOST:PORT, and a device whose lines register "
        "with tokens (SIP OAuth mode).");
}

static enum phone_exit load_config(struct agent *a, struct phone_problem *problem)
{
    enum phone_config_source source;
    struct phone_problem why = {0};
    enum phone_exit exit = phone_fetch_config(&a->config->fetch, a->config->state, &a->tokens,
                                              &a->arena, &a->phone, &source, &why);
    if (exit != PHONE_EXIT_OK) {
        *problem = why;
        return exit;
    }
    if (source == PHONE_CONFIG_CACHED) {
        agent_note(a, &why);
        agent_say(a, "using the copy of the configuration kept from last time");
    }
    agent_say(a, "configuration of %s: line %.*s, %zu server%s, %s", a->tokens.device,
              STR_ARG(a->phone.lines[0].number), a->phone.node_count,
              a->phone.node_count == 1 ? "" : "s",
              a->phone.is_oauth                       ? "OAuth over TLS"
              : a->phone.security == PHONE_NON_SECURE ? "no TLS"
                                                      : "TLS with client certificate");
    if (a->phone.is_oauth && !a->signed_in)
        return phone_problem_set(problem, PHONE_EXIT_NOT_SIGNED_IN,
                                 "%s registers with a token: sign in first. Run: bearline-phone "
                                 "login --server https://HOST:8443 --device %s --state %s",
                                 a->tokens.device, a->tokens.device, a->config->state->path);
    return go_outside(a, problem);
}

static enum rc read_trust(struct agent *a, struct secret *out)
{
    const struct phone_agent_config *c = a->config;
    enum rc rc = RC_OK;
    if (a->tokens.has_ca)
        rc = phone_state_path(c->state, PHONE_FILE_CA, a->ca_name);
    else if (c->ca_file)
        rc = str_to_cstr(str_from(c->ca_file), a->ca_name, sizeof a->ca_name);
    return rc == RC_OK && a->ca_name[0] ? phone_file_read(a->ca_name, out) : rc;
}

static enum phone_exit make_tls(struct agent *a, struct phone_problem *problem)
{
    const struct phone_agent_config *c = a->config;
    struct secret trust = {0}, cert = {0}, key = {0};
    const char *why = "a file cannot be read";
    bool needs_cert = a->paths[0].route.needs_cert;
    if (needs_cert && (!c->cert_file || !c->key_file))
        return phone_problem_set(problem, PHONE_EXIT_CA_FILE,
                                 "The configuration of %s is without OAuth and wants a client "
                                 "certificate: give --cert FILE and --key FILE, or have the "
                                 "administrator enable SIP OAuth mode and OAuth in the device's "
                                 "security profile.",
                                 a->tokens.device);
    enum rc rc = read_trust(a, &trust);
    if (rc == RC_OK && needs_cert) rc = phone_file_read(c->cert_file, &cert);
    if (rc == RC_OK && needs_cert) rc = phone_file_read(c->key_file, &key);
    struct net_tls_cert pair = {bytes_str(secret_bytes(&cert)), bytes_str(secret_bytes(&key))};
    struct net_tls_client_config config = {.trust_pem = bytes_str(secret_bytes(&trust)),
                                           .cert = needs_cert ? &pair : NULL};
    if (rc == RC_OK) rc = net_tls_client_new(&config, &a->tls, &why);
    secret_fini(&trust);
    secret_fini(&cert);
    secret_fini(&key);
    if (rc == RC_OK) return PHONE_EXIT_OK;
    return phone_problem_set(problem, PHONE_EXIT_CA_FILE,
                             "The trusted CAs (%s)%s cannot be used: %s.",
                             a->ca_name[0] ? a->ca_name : "the system's",
                             needs_cert ? " or the client certificate" : "", why);
}

static enum phone_exit read_password(struct agent *a, struct phone_problem *problem)
{
    const char *file = a->config->sip_password_file;
    if (!file) return PHONE_EXIT_OK;
    enum rc rc = phone_file_read(file, &a->sip_password);
    if (rc != RC_OK)
        return phone_problem_set(problem, PHONE_EXIT_USAGE,
                                 "The SIP password file %s cannot be read (%s).", file,
                                 rc_name(rc));
    while (a->sip_password.n > 0 && strchr("\r\n", a->sip_password.p[a->sip_password.n - 1]))
        a->sip_password.n--;
    return PHONE_EXIT_OK;
}

static void make_paths(struct agent *a)
{
    for (size_t i = 0; i < a->phone.node_count; i++) {
        struct path *p = &a->paths[i];
        p->agent = a;
        p->index = (int)i;
        p->route = phone_config_route(&a->phone, i);
        snprintf(p->where, sizeof p->where, "%.*s:%u", STR_ARG(phone_config_dial(&a->phone, i)),
                 p->route.port);
    }
}

static void make_names(struct agent *a)
{
    const struct random_source *r = &a->config->random;
    snprintf(a->call_id, sizeof a->call_id, "%016llx%016llx", (unsigned long long)random_u64(r),
             (unsigned long long)random_u64(r));
    snprintf(a->keep_call_id, sizeof a->keep_call_id, "%016llx%016llx",
             (unsigned long long)random_u64(r), (unsigned long long)random_u64(r));
    snprintf(a->from_tag, sizeof a->from_tag, "%016llx", (unsigned long long)random_u64(r));
    a->cseq = CSEQ_FIRST + (uint32_t)random_below(r, 900);
    a->last = "Initialized";
}

static enum rc make_machinery(struct agent *a)
{
    struct net_resolver_config resolver = {.random = a->config->random};
    enum rc rc = net_resolver_new(a->loop, &resolver, &a->resolver);
    if (rc != RC_OK) return rc;
    a->http = http_client_new(a->loop);
    if (!a->http) return RC_NOMEM;
    if (a->config->trace_fd >= 0 && !(a->trace = siptx_trace_new(SIPTX_TRACE_BYTES_MIN)))
        return RC_NOMEM;
    struct siptx_config config = {
        .loop = a->loop,
        .random = a->config->random,
        .server = STR("Bearline-Phone/" BEARLINE_VERSION),
        .trace = a->trace,
        .limits = {.udp_flow_idle_ms = UDP_IDLE_MS},
        .events = path_events(a),
    };
    rc = siptx_stack_new(&config, &a->stack);
    return rc == RC_OK ? agent_calls_open(a) : rc;
}

static enum phone_exit session_begin(struct agent *a, struct phone_problem *problem)
{
    const struct phone_agent_config *c = a->config;
    enum phone_exit exit = load_identity(a, problem);
    snprintf(a->status.device, sizeof a->status.device, "%s", a->tokens.device);
    if (exit == PHONE_EXIT_OK) exit = agent_script_open(a, problem);
    if (exit == PHONE_EXIT_OK) exit = load_config(a, problem);
    if (exit == PHONE_EXIT_OK) exit = read_password(a, problem);
    if (exit != PHONE_EXIT_OK) return exit;
    make_paths(a);
    make_names(a);
    if (a->paths[0].route.transport == PHONE_TLS) exit = make_tls(a, problem);
    if (exit != PHONE_EXIT_OK) return exit;
    if (make_machinery(a) != RC_OK)
        return phone_problem_set(problem, PHONE_EXIT_FAILED, "Out of memory or descriptors.");
    struct phone_line_config line = {
        .node_count = a->phone.node_count,
        .has_token = a->signed_in,
        .has_password = c->sip_password_file != NULL,
        .register_s = a->phone.register_s,
        .register_delta_s = a->phone.register_delta_s,
        .keepalive_s = a->phone.keepalive_s,
        .monitor_s = a->phone.monitor_s,
        .backoff_base_s = c->backoff_base_s,
        .asks_standby = c->dialect == PHONE_DIALECT_CISCO,
        .keep_trying = c->keep_trying,
        .give_up = c->once_registered || c->script,
        .random = c->random,
    };
    phone_line_init(&a->line, &line);
    return PHONE_EXIT_OK;
}

static void session_end(struct agent *a)
{
    for (size_t i = 0; i < PHONE_NODE_MAX; i++)
        if (a->paths[i].agent) path_close(&a->paths[i]);
    agent_script_close(a);
    agent_calls_close(a);
    http_exchange_cancel(a->renewing);
    if (a->renewing) phone_renew_fini(&a->renew);
    a->renewing = NULL;
    a->stack = siptx_stack_free(a->stack);
    agent_trace_flush(a);
    a->trace = siptx_trace_free(a->trace);
    a->http = http_client_free(a->http);
    a->resolver = net_resolver_free(a->resolver);
    if (a->udp) a->udp = net_udp_close(a->udp);
    a->tls = net_tls_unref(a->tls);
    net_timer_stop(a->loop, &a->line_timer);
    net_timer_stop(a->loop, &a->renew_timer);
    net_timer_stop(a->loop, &a->ping_timer);
    phone_tokens_fini(&a->tokens);
    secret_fini(&a->sip_password);
    arena_reset(&a->arena);
    memset(a->paths, 0, sizeof a->paths);
    a->event_count = 0;
    a->traced_seq = 0;
    a->line.state = PHONE_LINE_ENDED;
    a->line.active = PHONE_NO_NODE;
}

/* What is queued (the unregistering, a TLS goodbye) leaves before the program does. */
static void last_turns(struct agent *a)
{
    for (int i = 0; i < 3; i++)
        net_loop_turn(a->loop, false);
}

static enum phone_exit session_run(struct agent *a, struct phone_problem *problem)
{
    a->is_over = a->restarts = false;
    enum phone_exit exit = session_begin(a, problem);
    if (exit != PHONE_EXIT_OK) {
        agent_note(a, problem);
        save_status(a);
    } else {
        agent_token_schedule(a);
        agent_event(a, &(struct phone_line_event){.kind = PHONE_EV_START});
        while (!a->is_over) {
            net_loop_turn(a->loop, true);
            agent_trace_flush(a);
        }
        exit = a->exit;
        if (exit != PHONE_EXIT_OK) *problem = a->problem;
        if (exit == PHONE_EXIT_OK && a->script_told && a->script->exit != PHONE_EXIT_OK)
            exit = phone_problem_set(problem, a->script->exit, "%s", a->script->problem);
        last_turns(a);
        a->line.state = PHONE_LINE_ENDED;
        a->line.active = PHONE_NO_NODE;
        save_status(a);
    }
    session_end(a);
    return exit;
}

static enum rc agent_init(struct agent *a, const struct phone_agent_config *config)
{
    a->config = config;
    a->status.pid = (long)getpid();
    a->line.active = PHONE_NO_NODE;
    arena_init(&a->arena, NULL, 0, CONFIG_ARENA_MAX);
    enum rc rc = net_loop_new(&a->loop);
    if (rc != RC_OK) return rc;
    a->clock = net_loop_clock(a->loop);
    if (config->for_s > 0)
        net_timer_start(a->loop, &a->end_timer, config->for_s * UINT64_C(1000), on_end_time, a);
    rc = net_loop_on_signal(a->loop, SIGTERM, on_signal, a);
    return rc == RC_OK ? net_loop_on_signal(a->loop, SIGINT, on_signal, a) : rc;
}

enum phone_exit phone_agent_run(const struct phone_agent_config *config,
                                struct phone_problem *problem)
{
    struct agent *a = calloc(1, sizeof *a);
    *problem = (struct phone_problem){0};
    if (!a || agent_init(a, config) != RC_OK) {
        if (a) net_loop_free(a->loop);
        free(a);
        return phone_problem_set(problem, PHONE_EXIT_FAILED, "Out of memory or descriptors.");
    }
    enum phone_exit exit;
    if (agent_terminal_open(a) != RC_OK) agent_say(a, "no terminal: keys are not read");
    do
        exit = session_run(a, problem);
    while (exit == PHONE_EXIT_OK && a->restarts);
    agent_terminal_close(a);
    net_loop_free(a->loop);
    arena_fini(&a->arena);
    free(a->script);
    free(a);
    return exit;
}
