/* A stream and a datagram socket that a stranger writes to: first byte says which and how it is cut
 * into pieces; requests are answered. Nothing may break, leak or stay. */
#include "base/check.h"
#include "base/wheel.h"
#include "siptx/stack.h"
#include <stdlib.h>

static int64_t now(void *ctx)
{
    (void)ctx;
    return 1000;
}

static void fill(void *ctx, void *p, size_t n)
{
    (void)ctx;
    memset(p, 7, n);
}

static enum rc send(const struct siptx_flow *f, const struct net_addr *to, struct str bytes)
{
    (void)f, (void)to;
    CHECK(bytes.n > 0);
    return RC_OK;
}

static void on_request(void *ctx, struct siptx_request *r)
{
    (void)ctx;
    siptx_respond(r, 200 + 4 * (r->basics->cseq.number % 100), STR(""), STR(""));
}

static void feed(struct siptx_flow *f, struct str all, size_t piece)
{
    size_t from = 0;
    struct siptx_stack *s = f->stack;
    uint64_t id = f->id;
    for (size_t to = piece; siptx_flow_find(s, id); to += piece) {
        if (to > all.n) to = all.n;
        from += siptx_flow_input(f, str_sub(all, from, to));
        if (to == all.n) break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct siptx_wire_ops ops = {.send = send};
    struct siptx_stack *s;
    struct siptx_flow *f;
    if (n == 0) return 0;
    struct siptx_config c = {
        .clock = {.mono_ms = now, .unix_ms = now},
        .random = {.fill = fill},
        .wheel = wheel_new(1000),
        .limits = {.message_max = 4096, .transactions_max = 64},
        .events = {.on_request = on_request},
    };
    CHECK(c.wheel && siptx_stack_new(&c, &s) == RC_OK);
    struct siptx_flow_desc d = {
        .transport = data[0] & 1 ? SIPTX_UDP : SIPTX_TCP,
        .local = net_addr_v4(192, 0, 2, 9, 5060),
        .peer = net_addr_v4(192, 0, 2, 1, 5070),
        .ops = &ops,
    };
    CHECK(siptx_flow_open(s, &d, &f) == RC_OK);
    struct str all = str_of((const char *)data + 1, n - 1);
    feed(f, all, data[0] & 1 ? n : 1 + (size_t)(data[0] >> 1));
    siptx_stack_free(s);
    CHECK(wheel_count(c.wheel) == 0);
    wheel_free(c.wheel);
    return 0;
}
