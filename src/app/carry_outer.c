#include "app/carry_outer.h"

#include "app/listeners.h"
#include "edge/guard.h"
#include "edge/outer.h"
#include "net/tls.h"

#include <stdlib.h>

struct app_carry_outer {
    struct app_carry base;
    struct app_carry_outer_config config;
    struct edge_outer *outer;
    struct edge_media media;
    struct edge_links *links;
    struct edge_guard *guard;
    uint64_t boot, epoch;
    struct app_carry_guarded guarded;
};

/* What a connection is, behind siptx_flow.user. */
struct way {
    uint64_t link;      /* a phone's: the link it takes, 0 none yet; a link's: its own number */
    unsigned requests;  /* a phone's, before it is registered */
    bool is_registered; /* a phone's: a call server has taken a registration over it */
};

static struct way *way_of(const struct siptx_flow *f)
{
    return f->user;
}

static enum rc make_outer(const struct app_carry_outer *c, uint16_t port, struct edge_outer **out)
{
    struct edge_outer_config oc = {
        .seal = c->config.seal, .boot = c->boot, .host = c->config.host, .port = port};
    return edge_outer_new(&oc, out);
}

/* The party is a phone; the other edge is at the end of a link. */
static unsigned pass_media(void *ctx, const struct edge_arrival *a, uint64_t flow, uint64_t to,
                           bool to_party, struct str *body)
{
    struct app_carry_outer *c = ctx;
    struct siptx_flow *phone = siptx_flow_find(c->base.stack, flow);
    uint64_t link = edge_links_flow(c->links, to_party ? a->flow : to);
    struct siptx_flow *over = link != 0 ? siptx_flow_find(c->base.stack, link) : NULL;
    struct edge_relay_call call = {.key = 0};
    const struct way *w = phone ? way_of(phone) : NULL;
    if (!c->base.relay || !w) return 0;
    if (!w->is_registered && !to_party) return 0; /* strangers cost no ports */
    call.owner = flow;
    call.key = edge_relay_key(c->base.relay, flow, a->basics->call_id);
    call.local = phone->local;
    call.party = phone->peer;
    if (over) call.other = over->peer;
    return app_carry_media(&c->base, a, &call, to_party, body);
}

void app_carry_outer_set_media(struct app_carry_outer *c, struct edge_relay *relay,
                               const struct net_addr *address)
{
    c->base.relay = relay;
    c->base.media_address = *address;
}

enum rc app_carry_outer_new(const struct app_carry_outer_config *config,
                            struct app_carry_outer **out)
{
    struct app_carry_outer *c = calloc(1, sizeof *c);
    if (!c) return RC_NOMEM;
    c->config = *config;
    c->boot = random_u64(&config->random);
    c->epoch = random_u64(&config->random) | 1;
    c->media = (struct edge_media){.ctx = c, .pass = pass_media};
    app_carry_init(&c->base, config->log);
    enum rc rc = make_outer(c, config->port, &c->outer);
    if (rc == RC_OK) rc = edge_links_new(&config->clock, &c->links);
    if (rc == RC_OK) rc = edge_guard_new(&config->clock, &config->random, &c->guard);
    if (rc == RC_OK)
        *out = c;
    else
        app_carry_outer_free(c);
    return rc;
}

struct app_carry_outer *app_carry_outer_free(struct app_carry_outer *c)
{
    if (!c) return NULL;
    edge_outer_free(c->outer);
    edge_links_free(c->links);
    edge_guard_free(c->guard);
    app_carry_fini(&c->base);
    free(c);
    return NULL;
}

void app_carry_outer_attach(struct app_carry_outer *c, struct siptx_stack *stack)
{
    c->base.stack = stack;
}

static void close_flow(void *ctx, uint64_t flow)
{
    struct app_carry_outer *c = ctx;
    struct siptx_flow *f = siptx_flow_find(c->base.stack, flow);
    if (f && !f->closing) siptx_flow_close(f, SIPTX_CLOSE_OWNER);
}

void app_carry_outer_set(struct app_carry_outer *c, const struct str *names, size_t count)
{
    edge_links_set(c->links, names, count, close_flow, c);
}

enum rc app_carry_outer_move(struct app_carry_outer *c, uint16_t port)
{
    struct edge_outer *next = NULL;
    enum rc rc = make_outer(c, port, &next);
    if (rc != RC_OK) return rc;
    edge_outer_free(c->outer);
    c->outer = next;
    return RC_OK;
}

/* ---- connections ---- */

static struct way *way_new(struct siptx_flow *f)
{
    struct way *w = calloc(1, sizeof *w);
    if (w) siptx_flow_set_user(f, w, free);
    return w;
}

static void open_link(struct app_carry_outer *c, struct siptx_flow *f, struct way *w)
{
    const struct net_tls_peer *peer = f->tls_peer;
    struct str names[NET_TLS_NAMES_MAX + 1];
    char text[NET_ADDR_TEXT_MAX];
    size_t count = 0;
    uint64_t before;
    net_addr_text(&f->peer, text);
    if (peer) names[count++] = peer->common_name;
    for (size_t i = 0; peer && i < peer->name_count; i++)
        if (peer->names[i].kind == NET_TLS_NAME_DNS) names[count++] = peer->names[i].value;
    if (edge_links_open(c->links, names, count, f->id, &f->peer, &w->link, &before) != RC_OK) {
        log_warn(c->base.log, "link.refused", LOG_CSTR("peer", text),
                 LOG_STR("subject", peer ? peer->subject : STR("")),
                 LOG_CSTR("why", "its CA is paired, but no edge with a name of this certificate"),
                 LOG_CSTR("fix", "Pair it anew with its card: bearline --edge peer pair FILE"));
        siptx_flow_close(f, SIPTX_CLOSE_OWNER);
        return;
    }
    log_info(c->base.log, "link.up", LOG_STR("edge", peer->common_name), LOG_CSTR("peer", text));
    siptx_flow_pin(f, true);
    if (before != 0) close_flow(c, before);
}

/* ---- strangers ---- */

/* Closed without a word; some of these, and its address is not let in for a while. */
static void throw_out(struct app_carry_outer *c, struct siptx_flow *f, const char *why)
{
    char peer[NET_ADDR_TEXT_MAX];
    net_addr_text(&f->peer, peer);
    log_info(c->base.log, "guard.thrown_out", LOG_CSTR("peer", peer), LOG_CSTR("why", why));
    if (edge_guard_strike(c->guard, &f->peer)) {
        atomic_fetch_add(&c->guarded.bans, 1);
        log_warn(c->base.log, "guard.banned", LOG_CSTR("peer", peer),
                 LOG_INT("seconds", EDGE_GUARD_BAN_S));
    }
    siptx_flow_close(f, SIPTX_CLOSE_OWNER);
}

/* False: it is not to be heard. */
static bool is_heard(struct app_carry_outer *c, struct siptx_flow *f, const struct sip_message *m)
{
    struct way *w = way_of(f);
    if (!m->is_request || w->is_registered) return true;
    if (edge_guard_is_scanner(sip_message_value(m, SIP_HEADER_USER_AGENT))) {
        atomic_fetch_add(&c->guarded.scanners, 1);
        throw_out(c, f, "a scanner");
        return false;
    }
    if (++w->requests <= EDGE_GUARD_BUDGET) return true;
    atomic_fetch_add(&c->guarded.over_budget, 1);
    throw_out(c, f, "too many requests without a registration");
    return false;
}

const struct app_carry_guarded *app_carry_outer_guarded(const struct app_carry_outer *c)
{
    return &c->guarded;
}

void app_carry_outer_open(struct app_carry_outer *c, struct siptx_flow *f)
{
    if (f->listener_kind == APP_EDGE_PHONES && edge_guard_is_banned(c->guard, &f->peer)) {
        atomic_fetch_add(&c->guarded.turned_away, 1);
        siptx_flow_close(f, SIPTX_CLOSE_OWNER);
        return;
    }
    struct way *w = way_new(f);
    if (!w)
        siptx_flow_close(f, SIPTX_CLOSE_OWNER);
    else if (f->listener_kind == APP_EDGE_LINKS)
        open_link(c, f, w);
}

void app_carry_outer_closed(struct app_carry_outer *c, struct siptx_flow *f)
{
    const struct way *w = way_of(f);
    char text[NET_ADDR_TEXT_MAX];
    if (!w) return;
    if (f->listener_kind == APP_EDGE_PHONES) {
        edge_links_leave(c->links, w->link);
        if (w->is_registered) edge_guard_registered(c->guard, &f->peer, false);
    } else if (edge_links_closed(c->links, w->link, f->id))
        log_warn(c->base.log, "link.down", LOG_STR("peer", net_addr_text(&f->peer, text)));
}

/* ---- links speak ---- */

struct sweep {
    uint64_t link;
    size_t count;
};

static void close_phone_of(void *ctx, struct siptx_flow *f)
{
    struct sweep *s = ctx;
    const struct way *w = way_of(f);
    if (f->listener_kind != APP_EDGE_PHONES || !w || w->link != s->link || f->closing) return;
    s->count++;
    siptx_flow_close(f, SIPTX_CLOSE_OWNER);
}

/* The other end has lost what it knew of its phones: closed connections make them register again. */
static void greeted(struct app_carry_outer *c, uint64_t link, const struct edge_arrival *a)
{
    struct edge_greeting g;
    struct sweep sweep = {.link = link};
    if (!edge_greeting_read(a->message, &g) || !edge_links_greeted(c->links, link, &g)) return;
    siptx_stack_each_flow(c->base.stack, close_phone_of, &sweep);
    log_info(c->base.log, "link.begins_anew", LOG_INT("phones", sweep.count),
             LOG_CSTR("text", "Their connections were closed; they register again."));
}

static void answer_link(struct app_carry_outer *c, struct siptx_flow *f,
                        const struct edge_arrival *a)
{
    struct edge_greeting g = {.epoch = c->epoch, .clock_ms = clock_unix_ms(&c->config.clock)};
    buf_reset(&c->base.headers);
    edge_greeting_print(&g, &c->base.headers);
    siptx_flow_answer(f, a->message, 200, STR(""), buf_str(&c->base.headers));
    greeted(c, way_of(f)->link, a);
}

/* ---- messages ---- */

/* From now on it may be silent for longer. */
static void note_registration(struct app_carry_outer *c, struct siptx_flow *phone,
                              const struct sip_message *m, const struct sip_basics *basics)
{
    struct way *w = way_of(phone);
    if (m->is_request || m->status / 100 != 2 || basics->cseq.method != SIP_METHOD_REGISTER) return;
    if (!w || w->is_registered) return;
    w->is_registered = true;
    edge_guard_registered(c->guard, &phone->peer, true);
    siptx_flow_pin(phone, true);
}

static void from_link(struct app_carry_outer *c, struct siptx_flow *f, const struct sip_message *m,
                      const struct sip_basics *basics, struct arena *arena)
{
    struct edge_arrival a = app_carry_arrival(f, m, basics, arena, way_of(f)->link);
    a.media = &c->media;
    if (app_carry_is_to_us(&a)) {
        answer_link(c, f, &a);
        return;
    }
    struct edge_decision d = edge_outer_from_link(c->outer, &a, &c->base.out);
    struct siptx_flow *to = d.verdict == EDGE_FORWARD ? siptx_flow_find(c->base.stack, d.to) : NULL;
    if (to && (to->closing || to->listener_kind != APP_EDGE_PHONES)) to = NULL;
    if (to) note_registration(c, to, m, basics);
    app_carry_out(&c->base, f, &a, &d, to, 430);
}

static void from_phone(struct app_carry_outer *c, struct siptx_flow *f, const struct sip_message *m,
                       const struct sip_basics *basics, struct arena *arena)
{
    struct way *w = way_of(f);
    if (!is_heard(c, f, m)) return;
    struct edge_arrival a = app_carry_arrival(f, m, basics, arena, f->id);
    a.media = &c->media;
    uint64_t link = m->is_request ? edge_links_take(c->links, w->link) : w->link;
    if (link != 0) w->link = link;
    struct edge_decision d = edge_outer_from_phone(c->outer, &a, link, &c->base.out);
    uint64_t flow = d.verdict == EDGE_FORWARD ? edge_links_flow(c->links, d.to) : 0;
    struct siptx_flow *to = flow != 0 ? siptx_flow_find(c->base.stack, flow) : NULL;
    app_carry_out(&c->base, f, &a, &d, to, 503);
}

bool app_carry_outer_message(struct app_carry_outer *c, struct siptx_flow *f,
                             const struct sip_message *m, const struct sip_basics *basics,
                             struct arena *arena)
{
    if (!way_of(f)) return false;
    buf_reset(&c->base.out);
    if (f->listener_kind == APP_EDGE_LINKS)
        from_link(c, f, m, basics, arena);
    else
        from_phone(c, f, m, basics, arena);
    return true;
}

struct edge_links *app_carry_outer_links(struct app_carry_outer *c)
{
    return c->links;
}

const struct app_carry_counters *app_carry_outer_counters(const struct app_carry_outer *c)
{
    return &c->base.counters;
}
