/* Both edges' relays and two parties over real sockets of the loopback: the phone outside on 127.0.0.2, the
 * one inside on 127.0.0.3, strangers elsewhere. The loop turns until what is waited for has come. */
#include "kit/kit.h"

#include "edge/relay.h"
#include "net/udp.h"

#include <stdio.h>

enum { FIRST_PORT = 41000, LAST_PORT = 48999, TURNS_MAX = 20000 };

struct party {
    struct net_udp_port *port;
    struct net_udp *socket;
    struct net_addr addr, from;
    char heard[64];
    unsigned count;
};

struct world {
    struct kit_log lines;
    struct log log;
    struct kit_random dice;
    struct random_source random;
    struct net_loop *loop;
    struct edge_relay *outer, *inner;
    struct net_addr mux;
    struct party phone, desk, stranger;
    struct arena arena;
};

static struct world w;

static struct net_addr ip(const char *text)
{
    struct net_addr addr;
    assert_rc(RC_OK, net_addr_parse_ip(str_from(text), 0, &addr));
    return addr;
}

static void on_datagram(void *ctx, const struct net_datagram *d)
{
    struct party *p = ctx;
    snprintf(p->heard, sizeof p->heard, "%.*s", (int)d->data.n, (const char *)d->data.p);
    p->from = d->from;
    p->count++;
}

static void party_open(struct party *p, const char *where)
{
    struct net_addr addr = ip(where);
    assert_rc(RC_OK, net_udp_open(&addr, 1, &p->port, NULL));
    assert_rc(RC_OK, net_udp_join(p->port, w.loop, on_datagram, p, &p->socket));
    p->addr = net_udp_addr(p->port);
}

static void party_close(struct party *p)
{
    net_udp_leave(p->socket);
    net_udp_close(p->port);
}

static void say_to(struct party *p, const char *text, const char *where, uint16_t port)
{
    struct net_addr to = ip(where);
    to.port = port;
    assert_rc(RC_OK, net_udp_send(p->socket, &to, NULL, str_bytes(str_from(text))));
}

static int setup(void **state)
{
    (void)state;
    w = (struct world){.loop = NULL};
    w.log = kit_log(&w.lines);
    w.random = kit_random(&w.dice, 8);
    arena_init(&w.arena, NULL, 0, 1 << 20);
    assert_rc(RC_OK, net_loop_new(&w.loop));
    struct edge_relay_config c = {.loop = w.loop, .random = w.random, .log = &w.log};
    assert_rc(RC_OK, edge_relay_new(&c, &w.outer));
    c.is_inner = true;
    assert_rc(RC_OK, edge_relay_new(&c, &w.inner));
    edge_relay_set(w.outer, FIRST_PORT, LAST_PORT, 30);
    edge_relay_set(w.inner, FIRST_PORT, LAST_PORT, 30);
    struct party probe; /* a free port */
    party_open(&probe, "127.0.0.1");
    w.mux = probe.addr;
    party_close(&probe);
    assert_rc(RC_OK, edge_relay_listen(w.outer, &w.mux, 1));
    party_open(&w.phone, "127.0.0.2");
    party_open(&w.desk, "127.0.0.3");
    party_open(&w.stranger, "127.0.0.4");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    party_close(&w.phone);
    party_close(&w.desk);
    party_close(&w.stranger);
    edge_relay_free(w.outer);
    edge_relay_free(w.inner);
    net_loop_free(w.loop);
    arena_fini(&w.arena);
    return 0;
}

/* Turns until p has heard text. */
static void wait_for(struct party *p, const char *text)
{
    for (int i = 0; i < TURNS_MAX && strcmp(p->heard, text) != 0; i++)
        net_loop_turn(w.loop, i > 0);
    assert_string_equal(text, p->heard);
}

static void wait_count(const _Atomic uint64_t *counter, uint64_t n)
{
    for (int i = 0; i < TURNS_MAX && *counter < n; i++)
        net_loop_turn(w.loop, i > 0);
    assert_true(*counter >= n);
}

/* ---- signalling ---- */

static struct edge_relay_call at_outer(void)
{
    return (struct edge_relay_call){.key = edge_relay_key(w.outer, 7, STR("call-1")),
                                    .local = ip("127.0.0.1"),
                                    .party = ip("127.0.0.2"),
                                    .other = ip("127.0.0.1")};
}

static struct edge_relay_call at_inner(void)
{
    return (struct edge_relay_call){
        .key = 0x1122334455667788, .local = ip("127.0.0.1"), .other = w.mux};
}

static struct str describe(const char *addr, uint16_t port)
{
    struct str text;
    assert_rc(RC_OK, arena_printf(&w.arena, &text,
                                  "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"
                                  "m=audio %u RTP/SAVP 0\r\na=crypto:1 X inline:secret\r\n",
                                  addr, addr, port));
    return text;
}

static uint16_t port_of(struct str body)
{
    struct sip_sdp sdp;
    assert_rc(RC_OK, sip_sdp_parse(body, &sdp, NULL));
    assert_str("127.0.0.1", sdp.address.text);
    return sdp.media[0].port;
}

/* An offer from outside and its answer; gives the ports each side was told. */
static void call_out(uint16_t *for_desk, uint16_t *for_phone)
{
    struct edge_relay_call o = at_outer(), n = at_inner();
    struct str body = describe("10.0.0.7", w.phone.addr.port);
    assert_int_equal(0, edge_relay_from_party(w.outer, &o, &w.arena, &body));
    assert_int_equal(0, edge_relay_to_party(w.inner, &n, &w.arena, &body));
    assert_true(str_find(body, STR("inline:secret")) != STR_NPOS);
    *for_desk = port_of(body);
    body = describe("127.0.0.3", w.desk.addr.port);
    assert_int_equal(0, edge_relay_from_party(w.inner, &n, &w.arena, &body));
    assert_true(str_find(body, STR("a=bearline-call:")) != STR_NPOS);
    assert_int_equal(0, edge_relay_to_party(w.outer, &o, &w.arena, &body));
    assert_true(str_find(body, STR("bearline")) == STR_NPOS);
    *for_phone = port_of(body);
    edge_relay_answered(w.outer, o.key, 200);
    edge_relay_answered(w.inner, n.key, 200);
}

/* ---- tests ---- */

static void test_packets_go_both_ways_untouched(void **state)
{
    (void)state;
    uint16_t for_desk, for_phone;
    call_out(&for_desk, &for_phone);
    say_to(&w.desk, "from inside", "127.0.0.1", for_desk); /* which opens the way */
    wait_for(&w.phone, "from inside"); /* to where it said: it has sent nothing yet */
    assert_int_equal(for_phone, w.phone.from.port);
    say_to(&w.phone, "from outside", "127.0.0.1", for_phone);
    wait_for(&w.desk, "from outside");
    assert_int_equal(for_desk, w.desk.from.port);
    assert_int_equal(1, edge_relay_counters(w.outer)->calls);
}

static void test_a_phone_behind_a_nat_is_found_by_its_packets(void **state)
{
    (void)state;
    uint16_t for_desk, for_phone;
    struct party other; /* the same phone by another port of its NAT */
    call_out(&for_desk, &for_phone);
    net_loop_skip_ms(w.loop, 100); /* a hello opens the way */
    wait_count(&edge_relay_counters(w.inner)->packets_out, 1);
    party_open(&other, "127.0.0.2");
    say_to(&other, "here", "127.0.0.1", for_phone);
    wait_for(&w.desk, "here");
    say_to(&w.desk, "there", "127.0.0.1", for_desk);
    wait_for(&other, "there");
    assert_int_equal(0, w.phone.count);
    party_close(&other);
}

static void test_strangers_are_not_heard(void **state)
{
    (void)state;
    uint16_t for_desk, for_phone;
    char forged[32] = "12345678";
    call_out(&for_desk, &for_phone);
    say_to(&w.stranger, "let me in", "127.0.0.1", for_phone);
    wait_count(&edge_relay_counters(w.outer)->strangers, 1);
    say_to(&w.stranger, "let me in", "127.0.0.1", for_desk);
    wait_count(&edge_relay_counters(w.inner)->strangers, 1);
    forged[8] = 1;
    say_to(&w.stranger, forged, "127.0.0.1", w.mux.port); /* no such call */
    wait_count(&edge_relay_counters(w.outer)->strangers, 2);
    uint64_t number = at_inner().key; /* even who knew it: from another address */
    memcpy(forged, &number, sizeof number);
    say_to(&w.stranger, forged, "127.0.0.1", w.mux.port);
    wait_count(&edge_relay_counters(w.outer)->strangers, 3);
    say_to(&w.stranger, "x", "127.0.0.1", w.mux.port);
    wait_count(&edge_relay_counters(w.outer)->strangers, 4);
    assert_int_equal(0, w.phone.count + w.desk.count);
}

static void test_ports_come_back_when_calls_end(void **state)
{
    (void)state;
    uint16_t for_desk, for_phone;
    struct edge_relay_call o = at_outer();
    call_out(&for_desk, &for_phone);
    edge_relay_answered(w.outer, o.key, 486); /* a re-INVITE refused ends nothing */
    net_loop_skip_ms(w.loop, EDGE_RELAY_ENDED_MS + 100);
    net_loop_turn(w.loop, false);
    assert_int_equal(1, edge_relay_counters(w.outer)->calls);
    edge_relay_answered(w.outer, o.key, 0); /* BYE */
    net_loop_skip_ms(w.loop, EDGE_RELAY_ENDED_MS + 100);
    net_loop_turn(w.loop, false);
    assert_int_equal(0, edge_relay_counters(w.outer)->calls);
    /* The other edge has not seen the BYE: silence ends it too. */
    assert_int_equal(1, edge_relay_counters(w.inner)->calls);
    net_loop_skip_ms(w.loop, 31000);
    net_loop_turn(w.loop, false);
    net_loop_turn(w.loop, false);
    assert_int_equal(0, edge_relay_counters(w.inner)->calls);
    assert_int_equal(1, edge_relay_counters(w.inner)->idle);
}

static void test_no_ports_is_503_and_counted(void **state)
{
    (void)state;
    struct edge_relay_call o = at_outer();
    struct str body = describe("10.0.0.7", 4000);
    edge_relay_set(w.outer, FIRST_PORT, FIRST_PORT, 30);
    assert_int_equal(503, edge_relay_from_party(w.outer, &o, &w.arena, &body));
    assert_int_equal(1, edge_relay_counters(w.outer)->exhausted);
    assert_int_equal(0, edge_relay_counters(w.outer)->calls);
    assert_true(kit_log_has(&w.lines, "EdgeMediaPortLast"));
    body = STR("no description");
    edge_relay_set(w.outer, FIRST_PORT, LAST_PORT, 30);
    assert_int_equal(488, edge_relay_from_party(w.outer, &o, &w.arena, &body));
}

static void test_one_phone_has_a_few_calls_at_once(void **state)
{
    (void)state;
    struct edge_relay_call o = at_outer();
    o.owner = 7;
    for (unsigned i = 0; i <= EDGE_RELAY_CALLS_OF_ONE; i++) {
        struct str body = describe("10.0.0.7", 4000);
        o.key++;
        assert_int_equal(i < EDGE_RELAY_CALLS_OF_ONE ? 0 : 503,
                         edge_relay_from_party(w.outer, &o, &w.arena, &body));
    }
    struct str body = describe("10.0.0.7", 4000);
    o.owner = 8; /* another one is not its fault */
    assert_int_equal(0, edge_relay_from_party(w.outer, &o, &w.arena, &body));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_packets_go_both_ways_untouched),
        T(test_a_phone_behind_a_nat_is_found_by_its_packets),
        T(test_strangers_are_not_heard),
        T(test_ports_come_back_when_calls_end),
        T(test_no_ports_is_503_and_counted),
        T(test_one_phone_has_a_few_calls_at_once),
    };
    return cmocka_run_group_tests_name("edge/relay", tests, NULL, NULL);
}
