/* What the phone does at a node: find its address, connect, register, ask, unregister; and what it
 * hears there. */
#include "phone/agent_int.h"

#include "net/stream.h"
#include "sip/number.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PONG_MS = 10000, CONNECT_MS = 8000 };

static void tell(struct path *p, enum phone_line_event_kind kind, const struct phone_problem *why)
{
    struct phone_line_event e = {.kind = kind, .node = p->index};
    if (p->agent->is_over) return; /* what ends now is our own doing */
    if (why) {
        p->problem = *why;
        e.problem = why->code;
        agent_note(p->agent, why);
    }
    agent_event(p->agent, &e);
}

/* ---- connecting ---- */

static void connect_next(struct path *p);

static void failed_here(struct path *p, const struct phone_problem *why)
{
    p->flow = NULL;
    if (p->addr_at < p->addr_count)
        connect_next(p);
    else
        tell(p, PHONE_EV_CLOSED, why);
}

/* Which of our addresses leads there: the system's choice, asked without sending anything. */
static struct net_addr source_towards(const struct net_addr *peer)
{
    struct sockaddr_storage ss;
    struct net_addr local = {0};
    socklen_t n = (socklen_t)net_addr_to_sockaddr(peer, &ss);
    int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return local;
    struct sockaddr_storage own;
    socklen_t own_n = sizeof own;
    if (connect(fd, (struct sockaddr *)&ss, n) == 0 &&
        getsockname(fd, (struct sockaddr *)&own, &own_n) == 0)
        local = net_addr_from_sockaddr((struct sockaddr *)&own);
    close(fd);
    return local;
}

/* The one UDP port of the phone, on the address that reaches the node. */
static enum rc open_udp(struct agent *a, const struct net_addr *peer)
{
    if (a->udp) return RC_OK;
    struct net_addr local = source_towards(peer);
    if (local.family == NET_NONE) return RC_IO;
    local.port = 0;
    enum rc rc = net_udp_open(&local, 1, &a->udp, NULL);
    return rc == RC_OK ? siptx_stack_join_udp(a->stack, a->udp, 0) : rc;
}

static enum siptx_transport wire_of(enum phone_transport t)
{
    return t == PHONE_UDP ? SIPTX_UDP : t == PHONE_TCP ? SIPTX_TCP : SIPTX_TLS;
}

static void connect_next(struct path *p)
{
    struct agent *a = p->agent;
    struct phone_problem why;
    struct siptx_target target = {
        .addr = p->addrs[p->addr_at++],
        .transport = wire_of(p->route.transport),
        .tls = a->tls,
        .server_name = phone_config_dial(&a->phone, (size_t)p->index),
        .connect_ms = CONNECT_MS,
    };
    enum rc rc = p->route.transport == PHONE_UDP ? open_udp(a, &target.addr) : RC_OK;
    if (rc == RC_OK) rc = siptx_connect(a->stack, &target, &p->flow);
    if (rc != RC_OK) {
        phone_problem_set(&why, PHONE_EXIT_FAILED, "%s cannot be connected to (%s).", p->where,
                          rc_name(rc));
        failed_here(p, &why);
        return;
    }
    siptx_flow_set_user(p->flow, p, NULL);
    if (p->flow->ready) tell(p, PHONE_EV_OPENED, NULL);
}

static void on_addrs(void *ctx, enum rc rc, const struct net_addr *addrs, size_t count,
                     uint32_t ttl_s)
{
    (void)ttl_s;
    struct path *p = ctx;
    struct phone_problem why;
    p->query = NULL;
    p->addr_at = 0;
    p->addr_count = rc == RC_OK ? count : 0;
    if (p->addr_count > 0) {
        memcpy(p->addrs, addrs, count * sizeof *addrs);
        connect_next(p);
        return;
    }
    phone_problem_set(&why, PHONE_EXIT_DNS,
                      "The server's name %.*s has no address (%s). Check this machine's DNS, or "
                      "the node's host name on the server.",
                      STR_ARG(phone_config_dial(&p->agent->phone, (size_t)p->index)), rc_name(rc));
    tell(p, PHONE_EV_CLOSED, &why);
}

void path_open(struct path *p)
{
    struct agent *a = p->agent;
    struct phone_problem why;
    p->digest = (struct phone_digest){0};
    p->challenge_status = 0;
    enum rc rc = net_resolver_addrs(a->resolver, phone_config_dial(&a->phone, (size_t)p->index),
                                    p->route.port, NET_NONE, on_addrs, p, &p->query);
    if (rc == RC_OK) return;
    p->query = NULL;
    phone_problem_set(&why, PHONE_EXIT_DNS, "The server's name %.*s cannot be looked up (%s).",
                      STR_ARG(phone_config_dial(&a->phone, (size_t)p->index)), rc_name(rc));
    tell(p, PHONE_EV_CLOSED, &why);
}

static void forget(struct path *p)
{
    if (p->registering) siptx_client_forget(p->registering);
    if (p->keeping) siptx_client_forget(p->keeping);
    p->registering = p->keeping = NULL;
    p->query = net_query_cancel(p->query);
}

void path_close(struct path *p)
{
    struct siptx_flow *f = p->flow;
    forget(p);
    p->flow = NULL;
    if (!f) return;
    siptx_flow_set_user(f, NULL, NULL);
    siptx_flow_close(f, SIPTX_CLOSE_OWNER);
}

static void on_flow_ready(void *ctx, struct siptx_flow *f)
{
    (void)ctx;
    if (f->user) tell(f->user, PHONE_EV_OPENED, NULL);
}

static void on_flow_closed(void *ctx, struct siptx_flow *f, enum siptx_close why, struct str text)
{
    (void)text;
    struct agent *a = ctx;
    struct path *p = f->user;
    struct phone_problem problem;
    if (!p || p->flow != f) return;
    phone_problem_of_close(&problem, str_from(p->where), f->lost, a->ca_name);
    forget(p);
    p->flow = NULL;
    if (why == SIPTX_CLOSE_CONNECT)
        failed_here(p, &problem);
    else
        tell(p, PHONE_EV_CLOSED, &problem);
}

/* ---- REGISTER ---- */

static void on_answer(struct path *p, const struct sip_message *m, struct arena *arena)
{
    struct agent *a = p->agent;
    struct phone_line_event e = {.kind = PHONE_EV_ANSWERED, .node = p->index};
    struct phone_refusal why;
    char contact[512];
    struct buf b;
    uint32_t flow_timer_s;
    buf_init_fixed(&b, contact, sizeof contact);
    phone_contact_print(&b, a->phone.lines[0].contact, &p->flow->local, p->route.transport);
    phone_answer_read(m, buf_str(&b), p->asked_s, arena, &e.answer, &why);
    if (m->status == 401 || m->status == 407) {
        p->challenge_status = m->status;
        if (phone_digest_read(m, arena, &p->digest) == RC_NOMEM)
            e.answer.challenge = PHONE_CHALLENGE_NONE;
    }
    if (m->status >= 300) {
        e.problem = phone_refusal_explain(&p->problem, &e.answer, &why, str_from(p->where),
                                          str_from(a->tokens.device), p->sent);
        if (e.answer.challenge == PHONE_CHALLENGE_NONE) agent_note(a, &p->problem);
    }
    struct str flow_timer = sip_message_value(m, SIP_HEADER_FLOW_TIMER);
    a->flow_timer_s = sip_seconds_parse(flow_timer, &flow_timer_s) == RC_OK ? flow_timer_s : 0;
    agent_event(a, &e);
}

static void silent(struct path *p)
{
    struct phone_problem why;
    phone_problem_set(&why, PHONE_EXIT_TIMEOUT,
                      "%s did not answer. Check the network and the server's load.", p->where);
    tell(p, PHONE_EV_SILENT, &why);
}

/* A lost stream is told by its flow; a UDP peer has none to lose. */
static void on_register(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                        const struct sip_message *m, struct arena *arena)
{
    struct path *p = ctx;
    if (c != p->registering || outcome == SIPTX_PROVISIONAL) return;
    if (outcome == SIPTX_GONE) p->registering = NULL;
    if (outcome == SIPTX_FINAL && p->flow) {
        p->registering = NULL;
        on_answer(p, m, arena);
    } else if (outcome == SIPTX_TIMEOUT ||
               (outcome == SIPTX_LOST && p->route.transport == PHONE_UDP)) {
        p->registering = NULL;
        silent(p);
    }
}

static void on_keepalive_answer(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                                const struct sip_message *m, struct arena *arena)
{
    (void)arena;
    struct path *p = ctx;
    struct phone_problem why;
    if (c != p->keeping || outcome == SIPTX_PROVISIONAL) return;
    p->keeping = NULL;
    if (outcome == SIPTX_FINAL && m->status < 300) {
        tell(p, PHONE_EV_KEPT, NULL);
    } else if (outcome == SIPTX_FINAL) {
        phone_problem_set(&why, PHONE_EXIT_REFUSED, "The standby %s answers %u %.*s.", p->where,
                          m->status, STR_ARG(m->reason));
        tell(p, PHONE_EV_SILENT, &why);
    } else if (outcome == SIPTX_TIMEOUT || p->route.transport == PHONE_UDP) {
        silent(p);
    }
}

enum rc agent_digest_print(struct agent *a, struct phone_digest *d, struct str method,
                           struct str uri, struct buf *out)
{
    char cnonce[17];
    struct buf b;
    buf_init_fixed(&b, cnonce, sizeof cnonce);
    buf_printf(&b, "%016llx", (unsigned long long)random_u64(&a->config->random));
    struct str user = a->phone.user.n > 0 ? a->phone.user : str_from(a->tokens.device);
    if (a->config->sip_user) user = str_from(a->config->sip_user);
    return phone_digest_print(out, d, method, uri, user, bytes_str(secret_bytes(&a->sip_password)),
                              str_of(cnonce, 16));
}

/* The credentials asked for, as a whole line of their own secret buffer. */
static enum rc print_credentials(struct path *p, enum phone_challenge kind, struct buf *out)
{
    struct agent *a = p->agent;
    char uri[320];
    struct buf b;
    if (kind == PHONE_CHALLENGE_NONE) return RC_OK;
    if (kind == PHONE_CHALLENGE_BEARER) {
        phone_bearer_print(out, a->config->dialect, p->challenge_status,
                           bytes_str(secret_bytes(&a->tokens.access)));
        return buf_rc(out);
    }
    buf_init_fixed(&b, uri, sizeof uri);
    phone_register_print_uri(&b, a->phone.nodes[p->index].name);
    return agent_digest_print(a, &p->digest, STR("REGISTER"), buf_str(&b), out);
}

struct sending {
    uint32_t expires_s;
    bool full, keepalive;
    enum phone_challenge credential;
    siptx_client_fn *fn;
};

static enum rc send_register(struct path *p, const struct sending *s, struct str credentials,
                             struct siptx_client **out)
{
    struct agent *a = p->agent;
    char uri[320];
    struct buf u, body;
    buf_init_fixed(&u, uri, sizeof uri);
    phone_register_print_uri(&u, a->phone.nodes[p->index].name);
    struct phone_register r = {
        .dialect = a->config->dialect,
        .host = a->phone.nodes[p->index].name,
        .number = a->phone.lines[0].number,
        .contact = a->phone.lines[0].contact,
        .device = str_from(a->tokens.device),
        .instance = str_from(a->tokens.instance),
        .call_id = str_from(s->keepalive ? a->keep_call_id : a->call_id),
        .from_tag = str_from(a->from_tag),
        .cseq = ++a->cseq,
        .expires_s = s->expires_s,
        .full = s->full,
        .is_keepalive = s->keepalive,
        .local = p->flow->local,
        .transport = p->route.transport,
        .now_unix_s = clock_unix_s(&a->clock),
        .credentials = credentials,
        .last = a->last,
    };
    bool has_body = s->full && r.dialect == PHONE_DIALECT_CISCO;
    buf_init(&body, 4096);
    if (has_body) phone_register_print_body(&body);
    struct buf *message = siptx_request_begin(a->stack, p->flow, STR("REGISTER"), buf_str(&u));
    phone_register_print(message, &r);
    enum rc rc = buf_rc(&body);
    if (rc == RC_OK)
        rc = siptx_request_send(a->stack, has_body ? STR(PHONE_BODY_TYPE) : STR(""), buf_str(&body),
                                s->fn, p, out);
    buf_fini(&body);
    return rc;
}

static enum rc send_with_credentials(struct path *p, const struct sending *s,
                                     struct siptx_client **out)
{
    struct buf credentials;
    buf_init(&credentials, PHONE_TOKEN_MAX + 1024);
    enum rc rc = p->flow ? print_credentials(p, s->credential, &credentials) : RC_CLOSED;
    if (rc == RC_OK) rc = send_register(p, s, buf_str(&credentials), out);
    if (credentials.p) crypto_wipe(credentials.p, credentials.cap);
    buf_fini(&credentials);
    return rc;
}

/* A token goes over TLS or not at all (RFC 8898, 2.1.1). */
static bool is_protected(struct path *p, enum phone_challenge credential)
{
    struct phone_problem why;
    if (credential != PHONE_CHALLENGE_BEARER || p->route.transport == PHONE_TLS) return true;
    phone_problem_set(&why, PHONE_EXIT_UNPROTECTED,
                      "%s asks for a token on a connection without TLS; none was sent. Have the "
                      "administrator give the device a profile with OAuth, so that it is sent to "
                      "the OAuth port.",
                      p->where);
    tell(p, PHONE_EV_SILENT, &why);
    return false;
}

static void unsent(struct path *p, enum rc rc)
{
    struct phone_problem why;
    phone_problem_set(&why, PHONE_EXIT_FAILED, "A message to %s could not be sent (%s).", p->where,
                      rc_name(rc));
    tell(p, PHONE_EV_SILENT, &why);
}

void path_register(struct path *p, const struct phone_line_action *act)
{
    struct sending s = {.expires_s = act->expires_s,
                        .full = act->full,
                        .credential = act->credential,
                        .fn = on_register};
    if (!is_protected(p, act->credential)) return;
    if (p->registering) siptx_client_forget(p->registering);
    p->registering = NULL;
    p->sent = act->credential;
    p->asked_s = act->expires_s;
    enum rc rc = send_with_credentials(p, &s, &p->registering);
    if (rc != RC_OK) unsent(p, rc);
}

void path_keepalive(struct path *p)
{
    bool token = p->agent->signed_in && p->route.needs_token;
    struct sending s = {.keepalive = true,
                        .credential = token ? PHONE_CHALLENGE_BEARER : PHONE_CHALLENGE_NONE,
                        .fn = on_keepalive_answer};
    enum rc rc = send_with_credentials(p, &s, &p->keeping);
    if (rc != RC_OK) unsent(p, rc);
}

/* ---- going away ---- */

static void on_left(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                    const struct sip_message *m, struct arena *arena)
{
    (void)m, (void)arena;
    struct path *p = ctx;
    if (outcome == SIPTX_PROVISIONAL || outcome == SIPTX_LOST || outcome == SIPTX_GONE) return;
    struct siptx_flow *f = siptx_flow_find(p->agent->stack, siptx_client_flow_id(c));
    siptx_client_forget(c);
    if (f && f != p->flow && p->route.transport != PHONE_UDP)
        siptx_flow_close(f, SIPTX_CLOSE_OWNER);
}

void path_leave(struct path *p)
{
    struct sending s = {.credential = p->route.needs_token ? PHONE_CHALLENGE_BEARER
                                                           : PHONE_CHALLENGE_NONE,
                        .fn = on_left};
    struct siptx_client *leaving;
    struct siptx_flow *f = p->flow;
    forget(p);
    if (f && send_with_credentials(p, &s, &leaving) != RC_OK) {
        path_close(p);
        return;
    }
    p->flow = NULL;
    if (f) siptx_flow_set_user(f, NULL, NULL);
}

/* ---- what the server says ---- */

static void on_control(struct agent *a, struct path *p, enum phone_control control)
{
    switch (control) {
    case PHONE_CONTROL_REPLACED:
        phone_problem_set(
            &a->problem, PHONE_EXIT_REPLACED,
            "Another phone signed in as %s; this one stops. If that was not you, have "
            "the administrator revoke your sign-ins.",
            a->tokens.device);
        agent_note(a, &a->problem);
        agent_end(a, PHONE_EXIT_REPLACED);
        break;
    case PHONE_CONTROL_REVOKED:
        agent_say(a, "%s let %s go: its registration is no longer allowed there; asking why",
                  p->where, a->tokens.device);
        agent_event(a, &(struct phone_line_event){.kind = PHONE_EV_RELEASED, .node = p->index});
        break;
    case PHONE_CONTROL_RESET:
        agent_say(a, "%s asks the phone to begin anew", p->where);
        agent_restart(a);
        break;
    case PHONE_CONTROL_NONE: break;
    }
}

static void on_request(void *ctx, struct siptx_request *r)
{
    static const struct str allow = STR_INIT("Allow: " PHONE_CALL_METHODS "\r\n");
    struct agent *a = ctx;
    struct path *p = r->flow ? r->flow->user : NULL;
    const struct sip_message *m = r->message;
    bool ours = p && p->index == a->line.active;
    if (a->calls && phone_calls_request(a->calls, r)) return;
    if (m->method == SIP_METHOD_OPTIONS) {
        siptx_respond(r, 200, STR(""), allow);
    } else if (m->method != SIP_METHOD_NOTIFY) {
        siptx_respond(r, 405, STR(""), allow);
    } else if (!str_eq_nocase(sip_message_value(m, SIP_HEADER_EVENT), STR("service-control"))) {
        siptx_respond(r, 489, STR("Bad Event"), STR("Allow-Events: service-control\r\n"));
    } else if (!ours) { /* only who has our registration may end it */
        siptx_respond(r, 403, STR(""), STR(""));
    } else {
        enum phone_control control = phone_control_parse(m->body, str_from(a->tokens.device));
        siptx_respond(r, 200, STR(""), STR(""));
        on_control(a, p, control);
    }
}

/* ---- keeping a flow alive (RFC 5626, 4.4.1) ---- */

static struct path *active_path(struct agent *a)
{
    return a->line.active == PHONE_NO_NODE ? NULL : &a->paths[a->line.active];
}

static void on_ping_time(void *ctx)
{
    struct agent *a = ctx;
    struct path *p = active_path(a);
    if (!p || !p->flow) return;
    if (a->ping_waits) {
        a->ping_waits = false;
        path_close(p);
        struct phone_problem why;
        phone_problem_set(&why, PHONE_EXIT_TIMEOUT, "%s does not answer keepalives any more.",
                          p->where);
        tell(p, PHONE_EV_CLOSED, &why);
        return;
    }
    a->ping_waits = siptx_flow_ping(p->flow) == RC_OK;
    net_timer_start(a->loop, &a->ping_timer, PONG_MS, on_ping_time, a);
}

void path_ping_start(struct agent *a)
{
    a->ping_waits = false;
    net_timer_stop(a->loop, &a->ping_timer);
    if (a->flow_timer_s == 0) return;
    uint64_t most_ms = a->flow_timer_s * UINT64_C(1000);
    net_timer_start(a->loop, &a->ping_timer,
                    most_ms * 8 / 10 + random_below(&a->config->random, most_ms / 5), on_ping_time,
                    a);
}

static void on_keepalive(void *ctx, struct siptx_flow *f)
{
    struct agent *a = ctx;
    struct path *p = active_path(a);
    if (p && p->flow == f && a->ping_waits) path_ping_start(a);
}

static void on_ack(void *ctx, struct siptx_flow *f, const struct sip_message *m,
                   struct siptx_request *invite)
{
    struct agent *a = ctx;
    (void)invite;
    if (a->calls) phone_calls_ack(a->calls, f, m);
}

static void on_cancel(void *ctx, struct siptx_request *invite)
{
    struct agent *a = ctx;
    if (a->calls) phone_calls_cancel(a->calls, invite);
}

static void on_stray(void *ctx, struct siptx_flow *f, const struct sip_message *m)
{
    struct agent *a = ctx;
    if (a->calls) phone_calls_stray(a->calls, f, m);
}

struct siptx_events path_events(struct agent *a)
{
    return (struct siptx_events){
        .ctx = a,
        .on_request = on_request,
        .on_ack = on_ack,
        .on_cancel = on_cancel,
        .on_stray_response = on_stray,
        .on_flow_ready = on_flow_ready,
        .on_flow_closed = on_flow_closed,
        .on_keepalive = on_keepalive,
    };
}
