/* phone/bed.c - the wire, the sound and the diary of two phones under test. */
#include "kit/kit.h"

#include "phone/bed.h"
#include <stdio.h>
#include <stdlib.h>

static void note(char *out, size_t cap, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void note(char *out, size_t cap, const char *fmt, ...)
{
    va_list ap;
    size_t n = strlen(out);
    va_start(ap, fmt);
    vsnprintf(out + n, cap - n, fmt, ap);
    va_end(ap);
}

/* ---- the wire ---- */

static void log_message(struct bed_side *s, struct str bytes)
{
    struct bed *b = s->bed;
    struct sip_message m;
    struct sip_cseq cseq;
    const char *who = s == &b->a ? "a" : "b";
    if (sip_message_parse(bytes, SIP_STREAM, &m, NULL) != RC_OK ||
        sip_cseq_parse(sip_message_value(&m, SIP_HEADER_CSEQ), &cseq) != RC_OK)
        return;
    if (m.is_request)
        note(b->log, sizeof b->log, "%s %.*s, ", who, STR_ARG(m.method_text));
    else
        note(b->log, sizeof b->log, "%s %u %.*s, ", who, m.status, STR_ARG(cseq.method_text));
}

static enum rc wire_send(const struct siptx_flow *f, const struct net_addr *to, struct str bytes)
{
    struct bed_side *s = f->wire;
    struct bed *b = s->bed;
    (void)to;
    log_message(s, bytes);
    s->sent++;
    snprintf(s->last, sizeof s->last, "%.*s", STR_ARG(bytes));
    char *copy = str_dup_cstr(bytes);
    if (!copy) return RC_NOMEM;
    if (b->lose_count > 0 && strstr(copy, b->lose)) {
        b->lose_count--;
        b->lost++;
        free(copy);
        return RC_OK;
    }
    if (b->packet_count == BED_PACKETS_MAX) {
        free(copy);
        return RC_BUSY;
    }
    b->packets[b->packet_count++] = (struct bed_packet){s == &b->a ? &b->b : &b->a, copy, bytes.n};
    return RC_OK;
}

static void wire_close(const struct siptx_flow *f, bool linger)
{
    (void)f, (void)linger;
}

static const struct siptx_wire_ops wire_ops = {.send = wire_send, .close = wire_close};

void bed_run(struct bed *b)
{
    while (b->packet_count > 0) {
        struct bed_packet p = b->packets[0];
        memmove(b->packets, b->packets + 1, --b->packet_count * sizeof *b->packets);
        if (p.to->flow) {
            struct str text = kit_guard(str_of(p.bytes, p.n));
            siptx_flow_input(p.to->flow, text);
            kit_guard_free(text);
        }
        free(p.bytes);
    }
}

void bed_pass(struct bed *b, int64_t ms)
{
    bed_run(b);
    for (int64_t gone = 0; gone < ms;) {
        uint64_t step = wheel_next_ms(b->wheel, (uint64_t)b->time.mono_ms);
        int64_t by = step < (uint64_t)(ms - gone) ? (int64_t)step : ms - gone;
        if (by == 0) by = 1;
        kit_time_pass(&b->time, by);
        gone += by;
        wheel_advance(b->wheel, (uint64_t)b->time.mono_ms);
        bed_run(b);
    }
}

void bed_in(struct bed_side *s, const char *text)
{
    struct str bytes = kit_guard(str_from(text));
    siptx_flow_input(s->flow, bytes);
    kit_guard_free(bytes);
}

static void open_wire(struct bed_side *s, uint16_t ours, uint16_t theirs)
{
    struct siptx_flow_desc d = {
        .transport = s->bed->transport,
        .listener_kind = SIPTX_KIND_OUTGOING,
        .local = net_addr_v4(192, 0, 2, 1, ours),
        .peer = net_addr_v4(192, 0, 2, 1, theirs),
        .ops = &wire_ops,
        .wire = s,
    };
    if (siptx_flow_open(s->stack, &d, &s->flow) != RC_OK) s->flow = NULL;
    phone_calls_set_flow(s->calls, s->flow);
}

void bed_join(struct bed *b)
{
    open_wire(&b->a, 5071, 5072);
    open_wire(&b->b, 5072, 5071);
}

void bed_cut(struct bed *b)
{
    for (struct bed_side *s = &b->a;; s = &b->b) {
        struct siptx_flow *f = s->flow;
        s->flow = NULL;
        if (f) siptx_flow_gone(f, SIPTX_CLOSE_PEER, STR("cut"));
        if (s == &b->b) break;
    }
    while (b->packet_count > 0)
        free(b->packets[--b->packet_count].bytes);
}

/* ---- the sound ---- */

struct sound {
    struct bed_side *side;
    bool holds, held, offered;
    unsigned version;
};

static enum rc sound_open(void *ctx, struct phone_call *call, void **media)
{
    (void)call;
    struct sound *s = calloc(1, sizeof *s);
    if (!s) return RC_NOMEM;
    s->side = ctx;
    s->side->open_media++;
    *media = s;
    return RC_OK;
}

static void sound_close(void *media)
{
    struct sound *s = media;
    s->side->open_media--;
    free(s);
}

static enum rc refuse(const struct sound *s, struct media_refusal *why)
{
    if (!s->side->refuses_media) return RC_OK;
    *why = (struct media_refusal){488, 304, "SRTP is required on this line"};
    return RC_INVALID;
}

static enum rc sound_offer(void *media, struct buf *sdp)
{
    struct sound *s = media;
    s->offered = true;
    buf_printf(sdp, "v=0\r\noffer %u %s\r\n", ++s->version, s->holds ? "sendonly" : "sendrecv");
    return RC_OK;
}

static enum rc sound_take(void *media, struct str answer, struct media_refusal *why)
{
    struct sound *s = media;
    enum rc rc = refuse(s, why);
    if (rc != RC_OK) return rc;
    s->offered = false;
    s->held = str_find(answer, STR("sendonly")) != STR_NPOS;
    return RC_OK;
}

static void sound_failed(void *media)
{
    ((struct sound *)media)->offered = false;
}

static enum rc sound_answer(void *media, struct str offer, struct buf *sdp,
                            struct media_refusal *why)
{
    struct sound *s = media;
    if (s->offered) return RC_CONFLICT;
    enum rc rc = refuse(s, why);
    if (rc != RC_OK) return rc;
    s->held = str_find(offer, STR("sendonly")) != STR_NPOS;
    buf_printf(sdp, "v=0\r\nanswer %u %s\r\n", ++s->version, s->holds ? "sendonly" : "sendrecv");
    return RC_OK;
}

static enum rc sound_check(void *media, struct str offer, struct media_refusal *why)
{
    (void)offer;
    return refuse(media, why);
}

static void sound_hold(void *media, bool hold)
{
    ((struct sound *)media)->holds = hold;
}

static bool sound_is_held(void *media)
{
    return ((struct sound *)media)->held;
}

static const struct phone_media_ops sound_ops = {
    .open = sound_open,
    .close = sound_close,
    .offer = sound_offer,
    .take_answer = sound_take,
    .offer_failed = sound_failed,
    .answer = sound_answer,
    .check = sound_check,
    .hold = sound_hold,
    .is_held = sound_is_held,
};

/* ---- what is told ---- */

static void on_call(void *ctx, struct phone_call *call, enum phone_call_event event)
{
    static const char *const names[] = {
        "incoming",     "ringing",         "early",    "answered", "changed",    "change failed",
        "transferring", "transfer failed", "referred", "replaces", "redirected", "confirmed",
        "ended"};
    struct bed_side *s = ctx;
    if (event == PHONE_CALL_EV_CONFIRMED) return; /* tests look at the state */
    s->call = event == PHONE_CALL_EV_ENDED ? (s->call == call ? NULL : s->call) : call;
    note(s->events, sizeof s->events, "%s", names[event]);
    if (event == PHONE_CALL_EV_ENDED)
        note(s->events, sizeof s->events, " %s", phone_cause_name(call->info.cause));
    note(s->events, sizeof s->events, ", ");
}

static enum rc credentials(void *ctx, const struct sip_message *m, struct arena *arena,
                           struct str method, struct str uri, unsigned attempt, struct buf *out)
{
    struct bed_side *s = ctx;
    (void)m, (void)arena, (void)method, (void)uri;
    if (s->wants_credentials_refused || attempt > 1) return RC_DENIED;
    s->credentials_given++;
    buf_put_lit(out, "Proxy-Authorization: Bearer token=\"secret\"\r\n");
    return RC_OK;
}

static void on_request(void *ctx, struct siptx_request *r)
{
    struct bed_side *s = ctx;
    if (!phone_calls_request(s->calls, r)) siptx_respond(r, 405, STR(""), STR(""));
}

static void on_ack(void *ctx, struct siptx_flow *f, const struct sip_message *m,
                   struct siptx_request *invite)
{
    struct bed_side *s = ctx;
    (void)invite;
    phone_calls_ack(s->calls, f, m);
}

static void on_cancel(void *ctx, struct siptx_request *invite)
{
    struct bed_side *s = ctx;
    phone_calls_cancel(s->calls, invite);
}

static void on_stray(void *ctx, struct siptx_flow *f, const struct sip_message *m)
{
    struct bed_side *s = ctx;
    phone_calls_stray(s->calls, f, m);
}

static void on_flow_closed(void *ctx, struct siptx_flow *f, enum siptx_close why, struct str text)
{
    struct bed_side *s = ctx;
    (void)f, (void)why, (void)text;
    if (s->calls) phone_calls_set_flow(s->calls, NULL);
}

/* ---- the bed ---- */

static enum rc make_side(struct bed *b, struct bed_side *s, const char *number, unsigned worker)
{
    struct siptx_config config = {
        .worker = worker,
        .clock = b->clock,
        .wheel = b->wheel,
        .random = b->random,
        .events = {.ctx = s,
                   .on_request = on_request,
                   .on_ack = on_ack,
                   .on_cancel = on_cancel,
                   .on_stray_response = on_stray,
                   .on_flow_closed = on_flow_closed},
    };
    s->bed = b;
    enum rc rc = siptx_stack_new(&config, &s->stack);
    struct phone_calls_config calls = {
        .stack = s->stack,
        .clock = config.clock,
        .wheel = b->wheel,
        .random = config.random,
        .host = STR("ucm1.example"),
        .number = str_from(number),
        .contact = str_from(number),
        .display_name = STR("Rado \"R\" Nov\xc3\xa1k"),
        .call_waiting = true,
        .media = &sound_ops,
        .credentials = credentials,
        .on_event = on_call,
        .ctx = s,
    };
    return rc == RC_OK ? phone_calls_new(&calls, &s->calls) : rc;
}

struct bed *bed_try_new(enum siptx_transport t)
{
    struct bed *b = calloc(1, sizeof *b);
    if (!b) return NULL;
    b->clock = kit_clock(&b->time);
    b->random = kit_random(&b->seed, 42);
    b->transport = t;
    b->wheel = wheel_new((uint64_t)b->time.mono_ms);
    if (!b->wheel || make_side(b, &b->a, "1010", 1) != RC_OK ||
        make_side(b, &b->b, "1020", 2) != RC_OK) {
        bed_free(b);
        return NULL;
    }
    bed_join(b);
    return b;
}

struct bed *bed_new(enum siptx_transport t)
{
    struct bed *b = bed_try_new(t);
    assert_non_null(b);
    return b;
}

static void side_free(struct bed_side *s)
{
    s->calls = phone_calls_free(s->calls);
    s->flow = NULL;
    s->stack = siptx_stack_free(s->stack);
}

void bed_free(struct bed *b)
{
    side_free(&b->a);
    side_free(&b->b);
    while (b->packet_count > 0)
        free(b->packets[--b->packet_count].bytes);
    if (b->wheel) assert_int_equal(0, wheel_count(b->wheel));
    b->wheel = wheel_free(b->wheel);
    unsigned open = b->a.open_media + b->b.open_media;
    free(b);
    assert_int_equal(0, open);
}

void bed_forget(struct bed *b)
{
    b->log[0] = b->a.events[0] = b->b.events[0] = '\0';
}

void bed_talk(struct bed *b)
{
    struct phone_call *call;
    assert_rc(RC_OK, phone_call_dial(b->a.calls, STR("1020"), &call));
    bed_run(b);
    assert_non_null(b->b.call);
    assert_rc(RC_OK, phone_call_answer(b->b.call));
    bed_run(b);
    assert_int_equal(PHONE_CALL_TALKING, b->a.call->info.state);
    assert_int_equal(PHONE_CALL_TALKING, b->b.call->info.state);
    bed_forget(b);
}

void bed_in_dialog(struct bed_side *s, const char *method, unsigned cseq, const char *more,
                   const char *body)
{
    const struct phone_dialog *d = &s->call->dialog;
    static unsigned branch;
    char text[4096];
    snprintf(
        text, sizeof text,
        "%s sip:1010@192.0.2.1:5071 SIP/2.0\r\n"
        "Via: SIP/2.0/%s 192.0.2.1:5072;branch=z9hG4bKraw%u;rport\r\n"
        "From: %s;tag=%s\r\nTo: %s;tag=%s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n"
        "Max-Forwards: 70\r\nContact: <sip:peer@192.0.2.1:5072>\r\n%sContent-Length: %zu\r\n\r\n%s",
        method, s->bed->transport == SIPTX_UDP ? "UDP" : "TCP", ++branch, d->remote, d->remote_tag,
        d->local, d->local_tag, d->call_id, cseq, method, more, strlen(body), body);
    bed_in(s, text);
}
