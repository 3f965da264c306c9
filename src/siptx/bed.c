/* siptx/bed.c - fake wires, simulated time, and a diary. Its own storage is fixed, so that failing
 * allocations hit the stack alone. */
#include "kit/kit.h"

#include "siptx/bed.h"
#include <stdio.h>

static void note(struct bed *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void note(struct bed *b, const char *fmt, ...)
{
    va_list ap;
    size_t n = strlen(b->events);
    va_start(ap, fmt);
    vsnprintf(b->events + n, sizeof b->events - n, fmt, ap);
    va_end(ap);
}

/* ---- the wire ---- */

static enum rc wire_send(const struct siptx_flow *f, const struct net_addr *to, struct str bytes)
{
    struct bed *b = f->wire;
    if (b->send_rc != RC_OK) return b->send_rc;
    if (b->sent_count == BED_SENT_MAX || b->text_n + bytes.n > sizeof b->text) return RC_OK;
    memcpy(b->text + b->text_n, bytes.p, bytes.n);
    b->sent[b->sent_count++] = (struct bed_sent){
        .flow_id = f->id,
        .to = *to,
        .at_ms = b->time.mono_ms - b->began_ms,
        .bytes = str_of(b->text + b->text_n, bytes.n),
    };
    b->text_n += bytes.n;
    return RC_OK;
}

static void wire_close(const struct siptx_flow *f, bool linger)
{
    struct bed *b = f->wire;
    b->wire_closed = true;
    b->wire_lingers = linger;
}

static const struct siptx_wire_ops wire_ops = {.send = wire_send, .close = wire_close};

/* ---- what is told ---- */

static void on_end(void *ctx, struct siptx_request *r)
{
    struct bed *b = ctx;
    b->ends++;
    if (b->held == r) b->held = NULL;
}

static bool on_message(void *ctx, struct siptx_flow *f, const struct sip_message *m,
                       const struct sip_basics *basics, struct arena *arena)
{
    struct bed *b = ctx;
    assert_non_null(arena);
    if (!b->takes_messages) return false;
    note(b, "message %.*s, ", STR_ARG(basics->cseq.method_text));
    if (m->is_request && b->answer != 0 && m->method != SIP_METHOD_ACK)
        siptx_flow_answer(f, m, b->answer, STR(""), STR("X-Told: yes\r\n"));
    return true;
}

static void on_request(void *ctx, struct siptx_request *r)
{
    struct bed *b = ctx;
    note(b, "request %.*s, ", STR_ARG(r->message->method_text));
    b->requests++;
    r->on_end = on_end;
    b->held = r;
    if (b->close_on_request) {
        siptx_flow_close(b->close_on_request, SIPTX_CLOSE_OWNER);
        b->close_on_request = NULL;
    }
    if (b->answer_routine) siptx_request_mark_routine(r);
    if (b->answer != 0) siptx_respond(r, b->answer, STR(""), STR(""));
}

static void on_ack(void *ctx, struct siptx_flow *f, const struct sip_message *m,
                   struct siptx_request *invite)
{
    (void)f, (void)m;
    note(ctx, invite ? "ack of invite, " : "ack, ");
}

static void on_cancel(void *ctx, struct siptx_request *invite)
{
    (void)invite;
    note(ctx, "cancel, ");
}

static void on_stray(void *ctx, struct siptx_flow *f, const struct sip_message *m)
{
    (void)f;
    note(ctx, "stray %u, ", m->status);
}

static void on_open(void *ctx, struct siptx_flow *f)
{
    (void)f;
    note(ctx, "open, ");
}

static void on_ready(void *ctx, struct siptx_flow *f)
{
    (void)f;
    note(ctx, "ready, ");
}

static void on_closed(void *ctx, struct siptx_flow *f, enum siptx_close why, struct str text)
{
    (void)f, (void)text;
    note(ctx, "closed %s, ", siptx_close_name(why));
}

static void on_keepalive(void *ctx, struct siptx_flow *f)
{
    (void)f;
    note(ctx, "keepalive, ");
}

/* ---- the bed ---- */

enum rc bed_try_init(struct bed *b, const struct siptx_config *config)
{
    *b = (struct bed){0};
    if (config) b->config = *config;
    b->config.worker = 3;
    b->config.clock = kit_clock(&b->time);
    b->config.random = kit_random(&b->seed, 42);
    b->began_ms = b->time.mono_ms;
    b->wheel = wheel_new((uint64_t)b->time.mono_ms);
    if (!b->wheel) return RC_NOMEM;
    b->config.wheel = b->wheel;
    b->config.events = (struct siptx_events){
        .ctx = b,
        .on_message = on_message,
        .on_request = on_request,
        .on_ack = on_ack,
        .on_cancel = on_cancel,
        .on_stray_response = on_stray,
        .on_flow_open = on_open,
        .on_flow_ready = on_ready,
        .on_flow_closed = on_closed,
        .on_keepalive = on_keepalive,
    };
    enum rc rc = siptx_stack_new(&b->config, &b->stack);
    if (rc != RC_OK) b->wheel = wheel_free(b->wheel);
    return rc;
}

void bed_init(struct bed *b, const struct siptx_config *config)
{
    assert_rc(RC_OK, bed_try_init(b, config));
}

void bed_fini(struct bed *b)
{
    b->stack = siptx_stack_free(b->stack);
    if (b->wheel) assert_int_equal(0, wheel_count(b->wheel));
    b->wheel = wheel_free(b->wheel);
}

struct siptx_flow *bed_flow(struct bed *b, enum siptx_transport t, int kind, uint16_t port)
{
    struct siptx_flow *f;
    struct siptx_flow_desc d = {
        .transport = t,
        .listener_kind = kind,
        .local = net_addr_v4(192, 0, 2, 9, 5060),
        .peer = net_addr_v4(192, 0, 2, 1, port),
        .ops = &wire_ops,
        .wire = b,
    };
    return siptx_flow_open(b->stack, &d, &f) == RC_OK ? f : NULL;
}

size_t bed_in(struct siptx_flow *f, struct str text)
{
    struct str guarded = kit_guard(text);
    size_t n = siptx_flow_input(f, guarded);
    kit_guard_free(guarded);
    return n;
}

void bed_pass(struct bed *b, int64_t ms)
{
    int64_t until = b->time.mono_ms + ms;
    while (b->time.mono_ms < until) {
        uint64_t next = wheel_next_ms(b->wheel, (uint64_t)b->time.mono_ms);
        int64_t left = until - b->time.mono_ms;
        kit_time_pass(&b->time, next < (uint64_t)left ? (next == 0 ? 1 : (int64_t)next) : left);
        wheel_advance(b->wheel, (uint64_t)b->time.mono_ms);
    }
}

struct str bed_last(const struct bed *b)
{
    return b->sent_count == 0 ? STR("") : b->sent[b->sent_count - 1].bytes;
}

void bed_forget(struct bed *b)
{
    b->sent_count = b->text_n = 0;
    b->events[0] = '\0';
}

unsigned bed_status(const struct bed *b)
{
    uint64_t v;
    struct str last = bed_last(b);
    if (!str_starts(last, STR("SIP/2.0 "))) return 0;
    return str_to_u64(str_sub(last, 8, 11), 699, &v) == RC_OK ? (unsigned)v : 0;
}

bool bed_has(struct str text, const char *needle)
{
    return str_find(text, str_from(needle)) != STR_NPOS;
}

const char *bed_times(const struct bed *b, char *out, size_t cap)
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < b->sent_count; i++)
        n += (size_t)snprintf(out + n, cap - n, "%lld ", (long long)b->sent[i].at_ms);
    return out;
}

struct str bed_request(char *out, size_t cap, const char *method, const char *branch, unsigned cseq,
                       const char *more)
{
    int n = snprintf(out, cap,
                     "%s sip:bob@example.net SIP/2.0\r\n"
                     "Via: SIP/2.0/UDP 10.0.0.7:5070%s%s\r\n"
                     "From: <sip:alice@example.net>;tag=a1\r\n"
                     "To: <sip:bob@example.net>\r\n"
                     "Call-ID: c1@10.0.0.7\r\n"
                     "CSeq: %u %s\r\n"
                     "Max-Forwards: 70\r\n"
                     "%sContent-Length: 0\r\n\r\n",
                     method, *branch ? ";branch=" : "", branch, cseq, method, more);
    assert_true(n > 0 && (size_t)n < cap);
    return str_of(out, (size_t)n);
}

struct str bed_response(char *out, size_t cap, struct str request, unsigned status,
                        const char *to_tag)
{
    static struct sip_message m;
    struct buf b;
    assert_rc(RC_OK, sip_message_parse(request, SIP_DATAGRAM, &m, NULL));
    buf_init_fixed(&b, out, cap);
    buf_printf(&b, "SIP/2.0 %u X\r\n", status);
    buf_printf(&b, "Via: %.*s\r\n", STR_ARG(sip_message_value(&m, SIP_HEADER_VIA)));
    buf_printf(&b, "From: %.*s\r\n", STR_ARG(sip_message_value(&m, SIP_HEADER_FROM)));
    buf_printf(&b, "To: %.*s%s%s\r\n", STR_ARG(sip_message_value(&m, SIP_HEADER_TO)),
               *to_tag ? ";tag=" : "", to_tag);
    buf_printf(&b, "Call-ID: %.*s\r\n", STR_ARG(sip_message_value(&m, SIP_HEADER_CALL_ID)));
    buf_printf(&b, "CSeq: %.*s\r\n", STR_ARG(sip_message_value(&m, SIP_HEADER_CSEQ)));
    buf_put_lit(&b, "Content-Length: 0\r\n\r\n");
    assert_rc(RC_OK, buf_rc(&b));
    return buf_str(&b);
}
