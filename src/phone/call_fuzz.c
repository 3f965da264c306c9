/* A server that says anything: the phone has called (first byte even) or was called and talks (odd),
 * then the rest of the input comes over its connection; time passes between pieces cut at byte 1.
 * Tags, Call-IDs and branches are the same each time, so inputs can name them. Nothing may break,
 * leak or stay. */
#include "phone/call_int.h"

#include <stdlib.h>

static int64_t clock_ms;

static int64_t now(void *ctx)
{
    (void)ctx;
    return clock_ms;
}

static unsigned char drawn;

static void fill(void *ctx, void *p, size_t n)
{
    (void)ctx;
    memset(p, ++drawn, n);
}

static enum rc send(const struct siptx_flow *f, const struct net_addr *to, struct str bytes)
{
    (void)f, (void)to;
    CHECK(bytes.n > 0);
    return RC_OK;
}

/* ---- sound: a count of what is open ---- */

static size_t open_count;

static enum rc sound_open(void *ctx, struct phone_call *call, void **media)
{
    (void)ctx, (void)call;
    open_count++;
    *media = &open_count;
    return RC_OK;
}
static void sound_close(void *media)
{
    (void)media;
    open_count--;
}
static enum rc sound_offer(void *media, struct buf *sdp)
{
    (void)media;
    buf_put_lit(sdp, "v=0\r\n");
    return RC_OK;
}
static enum rc sound_take(void *media, struct str answer, struct media_refusal *why)
{
    (void)media;
    *why = (struct media_refusal){488, 304, "no"};
    return answer.n > 3 && answer.p[3] == 'x' ? RC_INVALID : RC_OK;
}
static void sound_failed(void *media)
{
    (void)media;
}
static enum rc sound_answer(void *media, struct str offer, struct buf *sdp,
                            struct media_refusal *why)
{
    buf_put_lit(sdp, "v=0\r\n");
    return sound_take(media, offer, why);
}
static void sound_hold(void *media, bool hold)
{
    (void)media, (void)hold;
}
static bool sound_is_held(void *media)
{
    (void)media;
    return false;
}
static const struct phone_media_ops sound_ops = {
    .open = sound_open,
    .close = sound_close,
    .offer = sound_offer,
    .take_answer = sound_take,
    .offer_failed = sound_failed,
    .answer = sound_answer,
    .hold = sound_hold,
    .is_held = sound_is_held,
};

/* ---- the phone ---- */

struct phone {
    struct phone_calls *calls;
    struct siptx_stack *stack;
    struct siptx_flow *flow;
};

static void on_request(void *ctx, struct siptx_request *r)
{
    struct phone *p = ctx;
    if (!phone_calls_request(p->calls, r)) siptx_respond(r, 405, STR(""), STR(""));
}
static void on_ack(void *ctx, struct siptx_flow *f, const struct sip_message *m,
                   struct siptx_request *invite)
{
    (void)invite;
    phone_calls_ack(((struct phone *)ctx)->calls, f, m);
}
static void on_cancel(void *ctx, struct siptx_request *invite)
{
    phone_calls_cancel(((struct phone *)ctx)->calls, invite);
}
static void on_stray(void *ctx, struct siptx_flow *f, const struct sip_message *m)
{
    phone_calls_stray(((struct phone *)ctx)->calls, f, m);
}
static void on_closed(void *ctx, struct siptx_flow *f, enum siptx_close why, struct str text)
{
    struct phone *p = ctx;
    (void)f, (void)why, (void)text;
    p->flow = NULL;
    if (p->calls) phone_calls_set_flow(p->calls, NULL);
}
static void on_call(void *ctx, struct phone_call *call, enum phone_call_event event)
{
    (void)ctx;
    if (event == PHONE_CALL_EV_INCOMING) (void)!phone_call_answer(call);
}
static enum rc credentials(void *ctx, const struct sip_message *m, struct arena *arena,
                           struct str method, struct str uri, unsigned attempt, struct buf *out)
{
    (void)ctx, (void)m, (void)arena, (void)method, (void)uri;
    buf_put_lit(out, "Proxy-Authorization: Bearer token=\"x\"\r\n");
    return attempt > 1 ? RC_DENIED : RC_OK;
}

static void phone_open(struct phone *p, struct wheel *wheel)
{
    static const struct siptx_wire_ops ops = {.send = send};
    struct clock clock = {.mono_ms = now, .unix_ms = now};
    struct random_source random = {.fill = fill};
    struct siptx_config config = {
        .clock = clock,
        .random = random,
        .wheel = wheel,
        .limits = {.message_max = 8192, .transactions_max = 64},
        .events = {.ctx = p,
                   .on_request = on_request,
                   .on_ack = on_ack,
                   .on_cancel = on_cancel,
                   .on_stray_response = on_stray,
                   .on_flow_closed = on_closed},
    };
    struct siptx_flow_desc d = {
        .transport = SIPTX_TCP,
        .listener_kind = SIPTX_KIND_OUTGOING,
        .local = net_addr_v4(192, 0, 2, 9, 5060),
        .peer = net_addr_v4(192, 0, 2, 1, 5070),
        .ops = &ops,
    };
    CHECK(siptx_stack_new(&config, &p->stack) == RC_OK);
    struct phone_calls_config calls = {.stack = p->stack,
                                       .clock = clock,
                                       .wheel = wheel,
                                       .random = random,
                                       .host = STR("u"),
                                       .number = STR("1"),
                                       .contact = STR("1"),
                                       .call_waiting = true,
                                       .media = &sound_ops,
                                       .credentials = credentials,
                                       .on_event = on_call,
                                       .ctx = p};
    CHECK(phone_calls_new(&calls, &p->calls) == RC_OK);
    CHECK(siptx_flow_open(p->stack, &d, &p->flow) == RC_OK);
    phone_calls_set_flow(p->calls, p->flow);
}

/* What is not consumed is given again with more behind it. */
static void feed(struct phone *p, struct wheel *wheel, struct str all)
{
    struct str piece;
    struct buf come;
    buf_init(&come, 1 << 20);
    while (p->flow && str_split(&all, 1, &piece)) {
        buf_put_str(&come, piece);
        if (buf_rc(&come) != RC_OK) break;
        buf_drop(&come, siptx_flow_input(p->flow, buf_str(&come)));
        clock_ms += 700;
        wheel_advance(wheel, (uint64_t)clock_ms);
    }
    buf_fini(&come);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct phone p = {0};
    struct phone_call *call;
    if (n == 0) return 0;
    clock_ms = 1000;
    drawn = 0;
    struct wheel *wheel = wheel_new(1000);
    CHECK(wheel);
    phone_open(&p, wheel);
    if (data[0] & 1) CHECK(phone_call_dial(p.calls, STR("2"), &call) == RC_OK);
    feed(&p, wheel, str_of((const char *)data + 1, n - 1));
    phone_calls_hang_up_all(p.calls);
    for (int i = 0; i < 200; i++) { /* everything comes to its end */
        clock_ms += 2000;
        wheel_advance(wheel, (uint64_t)clock_ms);
    }
    CHECK(phone_calls_count(p.calls) == 0);
    p.calls = phone_calls_free(p.calls);
    siptx_stack_free(p.stack);
    CHECK(open_count == 0 && wheel_count(wheel) == 0);
    wheel_free(wheel);
    return 0;
}
