#include "app/carry.h"

static void count(_Atomic uint64_t *n)
{
    atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

void app_carry_init(struct app_carry *c, const struct log *log)
{
    *c = (struct app_carry){.log = log};
    buf_init(&c->out, APP_CARRY_MESSAGE_MAX);
    buf_init(&c->headers, SIPTX_MESSAGE_MAX);
}

void app_carry_fini(struct app_carry *c)
{
    buf_fini(&c->out);
    buf_fini(&c->headers);
}

struct edge_arrival app_carry_arrival(const struct siptx_flow *f, const struct sip_message *m,
                                      const struct sip_basics *basics, struct arena *arena,
                                      uint64_t way)
{
    return (struct edge_arrival){
        .message = m, .basics = basics, .arena = arena, .flow = way, .peer = f->peer};
}

static void drop(struct app_carry *c, const struct siptx_flow *from, const struct edge_arrival *a,
                 const char *why)
{
    char peer[NET_ADDR_TEXT_MAX];
    count(&c->counters.dropped);
    log_debug(c->log, "sip.dropped", LOG_STR("peer", net_addr_text(&from->peer, peer)),
              LOG_STR("call_id", a->basics->call_id), LOG_CSTR("why", why));
}

void app_carry_answer(struct app_carry *c, struct siptx_flow *from, const struct edge_arrival *a,
                      unsigned status, const char *reason, struct str headers)
{
    char peer[NET_ADDR_TEXT_MAX];
    if (!a->message->is_request || a->message->method == SIP_METHOD_ACK) {
        drop(c, from, a, reason);
        return;
    }
    count(&c->counters.refused);
    log_debug(c->log, "sip.refused", LOG_STR("peer", net_addr_text(&from->peer, peer)),
              LOG_STR("call_id", a->basics->call_id), LOG_INT("status", status),
              LOG_CSTR("why", reason));
    siptx_flow_answer(from, a->message, status, str_from(reason), headers);
}

void app_carry_out(struct app_carry *c, struct siptx_flow *from, const struct edge_arrival *a,
                   const struct edge_decision *d, struct siptx_flow *to, unsigned none)
{
    if (d->verdict == EDGE_ANSWER) {
        app_carry_answer(c, from, a, d->status, d->reason, STR(""));
    } else if (d->verdict == EDGE_DROP) {
        drop(c, from, a, d->reason);
    } else if (!to) {
        app_carry_answer(c, from, a, none, none == 430 ? "Flow Failed" : "Service Unavailable",
                         none == 503 ? STR("Retry-After: 5\r\n") : STR(""));
    } else if (siptx_flow_send(to, buf_str(&c->out)) != RC_OK) {
        /* its queue is full, or it is closing: whoever asked may try again */
        app_carry_answer(c, from, a, 503, "Service Unavailable", STR("Retry-After: 5\r\n"));
    } else {
        count(&c->counters.carried);
    }
}

bool app_carry_is_to_us(const struct edge_arrival *a)
{
    return a->message->is_request && a->message->method == SIP_METHOD_OPTIONS &&
           a->message->first[SIP_HEADER_ROUTE] == SIP_HEADER_NONE;
}

/* ---- media ---- */

static bool is_description(const struct sip_message *m)
{
    struct str type = sip_message_value(m, SIP_HEADER_CONTENT_TYPE);
    ptrdiff_t end = str_find_char(type, ';');
    if (end >= 0) type = str_sub(type, 0, (size_t)end);
    return m->body.n > 0 && str_eq_nocase(str_trim(type), STR("application/sdp"));
}

unsigned app_carry_media(struct app_carry *c, const struct edge_arrival *a,
                         struct edge_relay_call *call, bool to_party, struct str *body)
{
    const struct sip_message *m = a->message;
    enum sip_method method = a->basics->cseq.method;
    unsigned status = 0;
    if (!c->relay) return 0;
    if (c->media_address.family != NET_NONE) { /* not one of this machine, perhaps: take any */
        call->shown = c->media_address;
        call->local = (struct net_addr){.family = c->media_address.family};
    }
    if (is_description(m) && call->local.family != NET_NONE)
        status = to_party ? edge_relay_to_party(c->relay, call, a->arena, body)
                          : edge_relay_from_party(c->relay, call, a->arena, body);
    if (m->is_request && method == SIP_METHOD_BYE) edge_relay_answered(c->relay, call->key, 0);
    if (!m->is_request && method == SIP_METHOD_INVITE && m->status >= 200)
        edge_relay_answered(c->relay, call->key, m->status);
    return status;
}
