/* Letting a registration go: its binding is already taken out. A Cisco phone that did not ask for it
 * is told with a service-control NOTIFY, then its connection is closed; others hear it by the close
 * (RFC 5626, 4.2.2: the flow is dead, register again). */
#include "call/call_int.h"

#include <stdio.h>
#include <stdlib.h>

struct release {
    struct call_node *node;
    enum call_release why;
    uint64_t flow_id;
    uint32_t cseq;
    bool notify;
    char call_id[48], from_tag[17];
    /* the text behind: */
    struct str device, contact, line;
    char text[];
};

static struct str text_copy(char **at, struct str s)
{
    char *p = *at;
    if (s.n > 0) memcpy(p, s.p, s.n);
    *at += s.n;
    return str_of(p, s.n);
}

static struct release *release_new(struct call_node *n, const struct location_binding *b,
                                   enum call_release why)
{
    struct release *r = calloc(1, sizeof *r + b->device.n + b->contact.n + b->line.n);
    if (!r) return NULL;
    char *at = r->text;
    r->node = n;
    r->why = why;
    r->flow_id = b->flow;
    r->notify = b->dialect == LOCATION_CISCO && why != CALL_RELEASE_MOVED;
    r->device = text_copy(&at, b->device);
    r->contact = text_copy(&at, b->contact);
    r->line = text_copy(&at, b->line);
    snprintf(r->call_id, sizeof r->call_id, "%016llx%016llx",
             (unsigned long long)random_u64(&n->random),
             (unsigned long long)random_u64(&n->random));
    snprintf(r->from_tag, sizeof r->from_tag, "%016llx",
             (unsigned long long)random_u64(&n->random));
    return r;
}

static const char *reason_word(enum call_release why)
{
    switch (why) {
    case CALL_RELEASE_MOVED: return "moved";
    case CALL_RELEASE_DUPLICATE: return "duplicate-registration";
    case CALL_RELEASE_REVOKED: return "no-longer-allowed";
    case CALL_RELEASE_RESET: return "reset";
    }
    return "";
}

/* Outside a transaction: the connection ends with it, so nothing waits for its answer. What was
 * written is offered to the socket before that closes. */
static void send_notify(struct siptx_stack *s, struct siptx_flow *f, const struct release *r)
{
    char local[NET_ADDR_TEXT_MAX], body[160];
    static const char *const transports[] = {
        [SIPTX_UDP] = "udp", [SIPTX_TCP] = "tcp", [SIPTX_TLS] = "tls"};
    struct str host = net_addr_text(&f->local, local);
    struct buf *out = siptx_request_begin(s, f, STR("NOTIFY"), r->contact);
    buf_put_lit(out, "From: <sip:");
    sip_uri_print_user(out, r->line);
    buf_printf(out, "@%.*s>;tag=%s\r\nContact: <sip:", STR_ARG(host), r->from_tag);
    sip_uri_print_user(out, r->line);
    buf_printf(out, "@%.*s;transport=%s>\r\n", STR_ARG(host), transports[f->transport]);
    buf_printf(out, "To: <%.*s>\r\nCall-ID: %s@%.*s\r\nCSeq: 1 NOTIFY\r\nMax-Forwards: 70\r\n",
               STR_ARG(r->contact), r->call_id, STR_ARG(host));
    buf_put_lit(out,
                "Event: service-control\r\nSubscription-State: terminated;reason=noresource\r\n");
    int n = snprintf(body, sizeof body, "action=%s\r\nreason=%s\r\nDeviceName=%.*s\r\n",
                     r->why == CALL_RELEASE_RESET ? "reset" : "released", reason_word(r->why),
                     STR_ARG(str_sub(r->device, 0, 64)));
    enum rc rc = siptx_request_send_once(s, STR("text/plain"), str_of(body, (size_t)n));
    if (rc != RC_OK)
        log_warn(r->node->log, "register.release_untold", LOG_STR("device", r->device),
                 LOG_CSTR("rc", rc_name(rc)));
}

/* An edge's connection stays: it carries other phones. A closed one takes along what else was
 * registered over it; a UDP flow only forgets. */
static void let_flow_go(struct siptx_flow *f)
{
    if (f->listener_kind == CALL_MRA) return;
    if (siptx_transport_is_reliable((enum siptx_transport)f->transport)) {
        siptx_flow_close(f, SIPTX_CLOSE_OWNER);
    } else {
        siptx_flow_set_user(f, NULL, NULL);
        siptx_flow_pin(f, false);
    }
}

static void on_worker(struct siptx_stack *s, void *ctx)
{
    struct release *r = ctx;
    struct siptx_flow *f = s ? siptx_flow_find(s, r->flow_id) : NULL;
    if (f) {
        if (r->notify) send_notify(s, f, r);
        let_flow_go(f);
    }
    free(r);
}

/* ---- a flow nobody is registered over any more ---- */

struct idle {
    struct call_node *node;
    uint64_t flow_id;
};

static void on_flow(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                    size_t count)
{
    (void)bindings;
    *(bool *)ctx = rc != RC_OK || count > 0;
}

/* On the flow's thread, as the registrar pins: what registered meanwhile is seen. */
static void on_idle(struct siptx_stack *s, void *ctx)
{
    struct idle *i = ctx;
    struct siptx_flow *f = s ? siptx_flow_find(s, i->flow_id) : NULL;
    struct location_key key = {.by = LOCATION_BY_FLOW, .flow = i->flow_id};
    bool in_use = true;
    if (f && f->pin_count > 0)
        location_fetch(i->node->location, &key, clock_mono_ms(&i->node->clock), on_flow, &in_use);
    if (!in_use) siptx_flow_pin(f, false);
    free(i);
}

void call_release_pin(struct call_node *n, uint64_t flow_id)
{
    struct idle *i = flow_id != 0 ? calloc(1, sizeof *i) : NULL;
    if (!i) return; /* without memory it stays as it is until it ends */
    *i = (struct idle){n, flow_id};
    if (siptx_node_post(n->stacks, siptx_flow_worker(flow_id), on_idle, i) != RC_OK) free(i);
}

void call_release_here(struct call_node *n, struct siptx_stack *s, const struct location_binding *b,
                       enum call_release why)
{
    struct release *r = release_new(n, b, why);
    if (r) on_worker(s, r);
}

void call_release(struct call_node *n, const struct location_binding *b, enum call_release why)
{
    atomic_fetch_add_explicit(&n->counters.released, 1, memory_order_relaxed);
    log_info(n->log, "register.released", LOG_STR("device", b->device), LOG_STR("line", b->line),
             LOG_STR("user", b->user), LOG_STR("peer", b->received),
             LOG_CSTR("why", reason_word(why)));
    struct release *r = b->flow != 0 ? release_new(n, b, why) : NULL;
    if (r && siptx_node_post(n->stacks, siptx_flow_worker(b->flow), on_worker, r) != RC_OK) free(r);
}
