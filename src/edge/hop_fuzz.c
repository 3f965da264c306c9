/* Any message, as from a phone, a link and a zone: no edge crashes, and what goes on is a message. */
#include "base/check.h"
#include "edge/inner.h"
#include "edge/outer.h"
#include "edge/seal.h"

enum { PHONE = 1, LINK = 2, ZONE = 3 };

static void fill(void *ctx, void *p, size_t n)
{
    uint8_t *next = ctx;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)p)[i] = (*next)++;
}

static void look(const struct edge_decision *d, const struct buf *out)
{
    static struct sip_message m;
    static struct sip_basics basics;
    struct sip_verdict v;
    if (d->verdict == EDGE_ANSWER) CHECK(d->status >= 400 && d->reason != NULL);
    if (d->verdict != EDGE_FORWARD) return;
    CHECK(buf_rc(out) == RC_OK);
    CHECK(sip_message_parse(buf_str(out), SIP_STREAM, &m, NULL) == RC_OK);
    sip_validate(&m, SIP_STREAM, &basics, &v);
    CHECK(v.action != SIP_DROP || !m.is_request || m.method == SIP_METHOD_ACK);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct sip_message m;
    static struct sip_basics basics;
    struct sip_verdict v;
    struct arena arena;
    struct buf out;
    uint8_t next = 1, key[EDGE_SEAL_KEY_LEN] = {3};
    struct random_source random = {fill, &next};
    struct edge_seal *seal = NULL;
    struct edge_outer *outer = NULL;
    struct edge_inner *inner = NULL;
    struct str zone;
    if (sip_message_parse(str_of((const char *)p, n), SIP_STREAM, &m, NULL) != RC_OK) return 0;
    sip_validate(&m, SIP_STREAM, &basics, &v);
    if (v.action != SIP_ACCEPT) return 0;
    CHECK(edge_seal_new(bytes_of(key, sizeof key), &random, &seal) == RC_OK);
    struct edge_outer_config oc = {seal, 9, STR("e.example.com"), 5061};
    struct edge_inner_config ic = {seal, STR("c.example.com"), 5061};
    CHECK(edge_outer_new(&oc, &outer) == RC_OK && edge_inner_new(&ic, &inner) == RC_OK);
    for (uint64_t flow = PHONE; flow <= ZONE; flow++) {
        arena_init(&arena, NULL, 0, 1 << 20);
        buf_init(&out, 1 << 18);
        struct edge_arrival a = {&m, &basics, &arena, flow, net_addr_v4(192, 0, 2, 1, 5061)};
        struct edge_decision d = flow == PHONE ? edge_outer_from_phone(outer, &a, LINK, &out)
                                 : flow == LINK
                                     ? edge_outer_from_link(outer, &a, &out)
                                     : edge_inner_from_zone(inner, &a, STR("CEOAuth-a"), &out);
        look(&d, &out);
        buf_reset(&out);
        if (flow == LINK && edge_inner_zone_of(inner, &a, &zone) == RC_OK) {
            d = edge_inner_from_link(inner, &a, ZONE, &out);
            look(&d, &out);
        }
        buf_fini(&out);
        arena_fini(&arena);
    }
    edge_inner_free(inner);
    edge_outer_free(outer);
    edge_seal_free(seal);
    return 0;
}
