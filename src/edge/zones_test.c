/* Zones on simulated time: from discovery to Active, what is said of each failure, and that nothing is
 * cut which need not be. */
#include "kit/kit.h"

#include "edge/zones.h"
#include "siptx/bed.h"

#include <errno.h>
#include <stdio.h>

struct world {
    struct kit_time time;
    struct kit_random seed;
    struct kit_log lines;
    struct log log;
    struct wheel *wheel;
    struct siptx_stack *stack;
    struct edge_zones *zones;
    struct arena arena;
    struct edge_node nodes[3];
    struct edge_cluster cluster;
    /* the network */
    net_addrs_fn *resolved; /* a query under way */
    void *resolved_ctx;
    struct siptx_flow *flow; /* the last one made */
    unsigned connects, closes;
    char sent[4096]; /* the last message */
    enum edge_zone_kind tls_kind;
    struct edge_zone_ref lost;
    unsigned lost_count;
    struct edge_greeting heard;
};

static struct world w;

static enum rc wire_send(const struct siptx_flow *f, const struct net_addr *to, struct str bytes)
{
    (void)f, (void)to;
    snprintf(w.sent, sizeof w.sent, "%.*s", STR_ARG(bytes));
    return RC_OK;
}

static void wire_close(const struct siptx_flow *f, bool linger)
{
    (void)f, (void)linger;
    w.closes++;
}

static const struct siptx_wire_ops wire = {.send = wire_send, .close = wire_close};

static enum rc connect_to(struct siptx_stack *s, const struct siptx_target *target,
                          struct siptx_flow **out)
{
    struct siptx_flow_desc d = {.transport = SIPTX_TLS,
                                .listener_kind = SIPTX_KIND_OUTGOING,
                                .local = net_addr_v4(192, 0, 2, 9, 25000),
                                .peer = target->addr,
                                .ops = &wire,
                                .connecting = true};
    w.connects++;
    assert_str("ucm1.example.com", target->server_name);
    enum rc rc = siptx_flow_open(s, &d, out);
    w.flow = rc == RC_OK ? *out : NULL;
    return rc;
}

static enum rc find_addrs(void *ctx, struct str name, uint16_t port, net_addrs_fn *fn, void *fn_ctx,
                          struct net_query **out)
{
    (void)ctx, (void)name, (void)port;
    *out = NULL;
    w.resolved = fn;
    w.resolved_ctx = fn_ctx;
    return RC_OK;
}

static struct net_tls *get_tls(void *ctx, enum edge_zone_kind kind)
{
    struct net_tls_client_config config = {.cert = NULL};
    struct net_tls *tls = NULL;
    (void)ctx;
    w.tls_kind = kind;
    assert_rc(RC_OK, net_tls_client_new(&config, &tls, NULL));
    return tls;
}

static void on_lost(void *ctx, const struct edge_zone_ref *zone)
{
    (void)ctx;
    w.lost = *zone;
    w.lost_count++;
}

static void on_greeted(void *ctx, const struct edge_zone_ref *zone, const struct edge_greeting *g)
{
    (void)ctx;
    assert_int_equal(EDGE_ZONE_LINK, zone->kind);
    w.heard = *g;
}

static struct edge_greeting greeting(void *ctx)
{
    (void)ctx;
    return (struct edge_greeting){.epoch = 7, .clock_ms = 1234};
}

static void on_ready(void *ctx, struct siptx_flow *f)
{
    (void)ctx;
    edge_zones_on_ready(w.zones, f);
}

static void on_closed(void *ctx, struct siptx_flow *f, enum siptx_close why, struct str text)
{
    (void)ctx;
    if (w.flow == f) w.flow = NULL;
    edge_zones_on_closed(w.zones, f, why, text);
}

static int setup(void **state)
{
    (void)state;
    w = (struct world){.wheel = NULL};
    w.log = kit_log(&w.lines);
    struct clock clock = kit_clock(&w.time);
    w.wheel = wheel_new((uint64_t)w.time.mono_ms);
    arena_init(&w.arena, NULL, 0, 1 << 20);
    struct siptx_config sc = {.clock = clock,
                              .wheel = w.wheel,
                              .random = kit_random(&w.seed, 3),
                              .events = {.on_flow_ready = on_ready, .on_flow_closed = on_closed}};
    struct edge_zones_config zc = {.ops = {.connect = connect_to,
                                           .addrs = find_addrs,
                                           .tls = get_tls,
                                           .greeted = on_greeted,
                                           .greeting = greeting,
                                           .lost = on_lost},
                                   .clock = clock,
                                   .random = kit_random(&w.seed, 3),
                                   .log = &w.log};
    w.nodes[0] = (struct edge_node){
        .name = STR("ucm1"), .host = STR("ucm1.example.com"), .mra_port = 5091};
    w.cluster = (struct edge_cluster){.nodes = w.nodes, .node_count = 1, .sip_oauth_mode = true};
    if (siptx_stack_new(&sc, &w.stack) != RC_OK || edge_zones_new(&zc, &w.zones) != RC_OK)
        return -1;
    edge_zones_attach(w.zones, w.stack);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    edge_zones_free(w.zones);
    siptx_stack_free(w.stack);
    assert_int_equal(0, wheel_count(w.wheel));
    wheel_free(w.wheel);
    arena_fini(&w.arena);
    return 0;
}

/* ---- what happens ---- */

static void set_zones(void)
{
    struct edge_zone_want wants[8];
    size_t n = edge_zone_wants(&w.cluster, STR("ucm1.example.com"), wants, 8);
    edge_zones_set(w.zones, wants, n);
}

static void pass(int64_t ms)
{
    for (int64_t i = 0; i < ms; i += 100) {
        kit_time_pass(&w.time, 100);
        wheel_advance(w.wheel, (uint64_t)w.time.mono_ms);
    }
}

static void resolve(enum rc rc)
{
    struct net_addr addr = net_addr_v4(192, 0, 2, 1, w.nodes[0].mra_port);
    net_addrs_fn *fn = w.resolved;
    assert_non_null(fn);
    w.resolved = NULL;
    fn(w.resolved_ctx, rc, &addr, rc == RC_OK ? 1 : 0, 60);
}

static void open_flow(void)
{
    struct net_addr local = net_addr_v4(192, 0, 2, 9, 25000);
    assert_non_null(w.flow);
    siptx_flow_ready(w.flow, &local, NULL);
}

static void answer(unsigned status)
{
    static char text[4096], request[4096];
    snprintf(request, sizeof request, "%s", w.sent);
    assert_true(str_starts(str_from(request),
                           STR("OPTIONS sip:ucm1.example.com:5091;transport=tls SIP/2.0\r\n")));
    struct str response = bed_response(text, sizeof text, str_from(request), status, "t");
    assert_int_equal(response.n, siptx_flow_input(w.flow, response));
}

static void lose(const struct net_close *lost)
{
    struct siptx_flow *f = w.flow;
    assert_non_null(f);
    f->lost = lost;
    siptx_flow_gone(f, lost ? SIPTX_CLOSE_ERROR : SIPTX_CLOSE_PEER, STR("it went"));
}

static void make_active(void)
{
    set_zones();
    resolve(RC_OK);
    open_flow();
    answer(200);
}

static struct edge_zone_view only(void)
{
    struct edge_zone_view *rows;
    size_t count;
    assert_rc(RC_OK, edge_zones_list(w.zones, &w.arena, &rows, &count));
    assert_int_equal(1, count);
    return rows[0];
}

static size_t count_zones(void)
{
    struct edge_zone_view *rows;
    size_t count;
    assert_rc(RC_OK, edge_zones_list(w.zones, &w.arena, &rows, &count));
    return count;
}

/* ---- tests ---- */

static void test_a_node_becomes_a_zone_and_an_answer_makes_it_active(void **state)
{
    (void)state;
    set_zones();
    assert_str("CEOAuth-ucm1", only().name);
    assert_int_equal(EDGE_ZONE_RESOLVING, only().state);
    resolve(RC_OK);
    assert_int_equal(EDGE_ZONE_CONNECTING, only().state);
    assert_str("192.0.2.1:5091", only().peer);
    open_flow();
    assert_int_equal(EDGE_ZONE_ASKING, only().state); /* TLS alone proves nothing */
    answer(407);
    assert_int_equal(EDGE_ZONE_ACTIVE, only().state);
    assert_string_equal("Active", edge_zone_state_name(only().state));
    assert_true(kit_log_has(&w.lines, "zone.active"));
}

static void test_an_active_zone_is_asked_again_and_stays_active_meanwhile(void **state)
{
    (void)state;
    make_active();
    w.sent[0] = '\0';
    pass(EDGE_ZONE_ASK_MS);
    assert_int_equal(EDGE_ZONE_ACTIVE, only().state);
    answer(200);
    pass(EDGE_ZONE_ANSWER_MS + 100);
    assert_int_equal(EDGE_ZONE_ACTIVE, only().state);
    assert_int_equal(1, w.connects);
}

static void test_a_silent_node_is_failed_and_tried_again(void **state)
{
    (void)state;
    make_active();
    pass(EDGE_ZONE_ASK_MS + EDGE_ZONE_ANSWER_MS + 100);
    assert_int_equal(EDGE_ZONE_FAILED, only().state);
    assert_non_null(strstr(only().problem.text, "answers no SIP"));
    pass(1000);
    resolve(RC_OK);
    open_flow();
    answer(200);
    assert_int_equal(EDGE_ZONE_ACTIVE, only().state);
    assert_string_equal("", only().problem.text);
}

static void test_pauses_grow_and_a_changed_certificate_ends_them(void **state)
{
    (void)state;
    static const int64_t pauses[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
    set_zones();
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        resolve(RC_NOT_FOUND);
        assert_non_null(strstr(only().problem.text, "has no address"));
        pass(pauses[i] - 100);
        assert_null(w.resolved);
        pass(200);
    }
    resolve(RC_NOT_FOUND);
    edge_zones_retry(w.zones);
    resolve(RC_OK);
    open_flow();
    answer(200);
    edge_zones_retry(w.zones); /* an active one is not touched */
    assert_int_equal(EDGE_ZONE_ACTIVE, only().state);
    assert_int_equal(1, w.connects);
}

static void test_what_stays_where_it_was_is_not_cut(void **state)
{
    (void)state;
    make_active();
    w.nodes[1] = (struct edge_node){
        .name = STR("ucm2"), .host = STR("ucm2.example.com"), .mra_port = 5091};
    w.cluster.node_count = 2;
    set_zones();
    assert_int_equal(2, count_zones());
    assert_int_equal(0, w.closes);
    w.cluster.node_count = 1;
    set_zones();
    assert_int_equal(EDGE_ZONE_ACTIVE, only().state);
    w.nodes[0].mra_port = 6091;
    set_zones();
    assert_int_equal(EDGE_ZONE_RESOLVING, only().state);
    assert_int_equal(1, w.closes);
    w.cluster.sip_oauth_mode = false;
    set_zones();
    assert_int_equal(0, count_zones());
}

static void test_each_end_of_a_connection_says_what_to_do(void **state)
{
    (void)state;
    static const struct net_tls_failure ours = {.cause = NET_TLS_CAUSE_UNKNOWN_CA,
                                                .alert = 48,
                                                .alert_name = "unknown CA",
                                                .subject = "CN=ucm1",
                                                .issuer = "CN=CA of ucm1"},
                                        theirs = {.cause = NET_TLS_CAUSE_UNKNOWN_CA,
                                                  .by_peer = true,
                                                  .alert = 48,
                                                  .alert_name = "unknown CA",
                                                  .subject = "CN=exp-c",
                                                  .issuer = "CN=CA of exp-c"},
                                        unlisted = {.cause = NET_TLS_CAUSE_NOT_ADMITTED,
                                                    .by_peer = true,
                                                    .alert_name = "access denied"},
                                        name = {.cause = NET_TLS_CAUSE_NAME_MISMATCH,
                                                .alert_name = "",
                                                .names = "other.example.com"},
                                        old = {.cause = NET_TLS_CAUSE_EXPIRED, .alert_name = ""};
    static const struct {
        struct net_close lost;
        const char *text, *fix;
    } rows[] = {
        {{.kind = NET_CLOSE_TLS, .tls = &ours},
         "does not trust the certificate of 192.0.2.1:5091: CN=ucm1, issued by CN=CA of ucm1",
         "bearline --edge set cert import trust tomcat"},
        {{.kind = NET_CLOSE_TLS, .tls = &theirs},
         "does not trust this edge's certificate CN=exp-c, issued by CN=CA of exp-c",
         "On the call server, with ca.pem of this edge"},
        {{.kind = NET_CLOSE_TLS, .tls = &unlisted}, "expresswaycconfiguration", "ucm refresh"},
        {{.kind = NET_CLOSE_TLS, .tls = &name},
         "is for other.example.com, not for ucm1.example.com",
         "host name set right"},
        {{.kind = NET_CLOSE_TLS, .tls = &old}, "expired or not yet valid", "clocks"},
        {{.kind = NET_CLOSE_CONNECT, .sys_errno = ECONNREFUSED},
         "nobody listens on 192.0.2.1:5091",
         "sipOAuth-mode"},
        {{.kind = NET_CLOSE_CONNECT, .sys_errno = ETIMEDOUT}, "no connection to", "firewall"},
        {{.kind = NET_CLOSE_RESET}, "ended: it went", "show handshakes"},
    };
    set_zones();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        resolve(RC_OK);
        lose(&rows[i].lost);
        if (!strstr(only().problem.text, rows[i].text) || !strstr(only().problem.fix, rows[i].fix))
            fail_msg("%s | %s", only().problem.text, only().problem.fix);
        edge_zones_retry(w.zones);
    }
}

static const struct edge_zone_want link_want = {EDGE_ZONE_LINK, STR_INIT(""), STR_INIT("exp-e"),
                                                STR_INIT("ucm1.example.com"), 5091};

static void test_a_link_is_greeted_and_hears_the_other_side(void **state)
{
    (void)state;
    static char text[4096], request[4096];
    edge_zones_set(w.zones, &link_want, 1);
    assert_str("Link-exp-e", only().name);
    resolve(RC_OK);
    assert_int_equal(EDGE_ZONE_LINK, w.tls_kind);
    open_flow();
    assert_non_null(strstr(w.sent, "\r\nBearline-Edge: epoch=7, clock=1234\r\n"));
    snprintf(request, sizeof request, "%s", w.sent);
    struct str ok = bed_response(text, sizeof text, str_from(request), 200, "t");
    char whole[4200];
    char *at = strstr(text, "CSeq:");
    snprintf(whole, sizeof whole, "%.*sBearline-Edge: epoch=99, clock=5\r\n%.*s", (int)(at - text),
             text, (int)(ok.n - (size_t)(at - text)), at);
    assert_int_equal(strlen(whole), siptx_flow_input(w.flow, str_from(whole)));
    assert_int_equal(EDGE_ZONE_ACTIVE, only().state);
    assert_int_equal(99, w.heard.epoch);
    assert_int_equal(5, w.heard.clock_ms);
    w.sent[0] = '\0';
    edge_zones_greet(w.zones);
    assert_non_null(strstr(w.sent, "Bearline-Edge: epoch=7"));
}

static void test_a_zone_keeps_its_number_over_connections(void **state)
{
    (void)state;
    struct edge_zone_ref ref, again;
    make_active();
    assert_true(edge_zones_of_flow(w.zones, w.flow, &ref));
    assert_str("ucm1", ref.node);
    assert_ptr_equal(w.flow, edge_zones_flow(w.zones, ref.id));
    assert_true(edge_zones_pick(w.zones, STR("UCM1.example.com"), &again));
    assert_int_equal(ref.id, again.id);
    assert_false(edge_zones_pick(w.zones, STR("other.example.com"), &again));
    lose(NULL);
    assert_int_equal(1, w.lost_count);
    assert_int_equal(ref.id, w.lost.id);
    assert_null(edge_zones_flow(w.zones, ref.id));
    assert_false(edge_zones_pick(w.zones, STR("ucm1.example.com"), &again));
    pass(1000);
    resolve(RC_OK);
    open_flow();
    assert_ptr_equal(w.flow, edge_zones_flow(w.zones, ref.id)); /* before it is proved */
    answer(200);
    assert_true(edge_zones_of_flow(w.zones, w.flow, &again));
    assert_int_equal(ref.id, again.id);
    assert_int_equal(1, w.lost_count);
}

static void test_the_first_active_zone_of_a_cluster_is_picked(void **state)
{
    (void)state;
    struct edge_zone_ref ref;
    make_active();
    w.nodes[1] = w.nodes[0];
    w.nodes[0].name = STR("ucm0"); /* comes first from now on; not Active yet */
    w.cluster.node_count = 2;
    set_zones();
    assert_true(edge_zones_pick(w.zones, STR("ucm1.example.com"), &ref));
    assert_str("ucm1", ref.node);
    resolve(RC_OK);
    open_flow();
    answer(200);
    assert_true(edge_zones_pick(w.zones, STR("ucm1.example.com"), &ref));
    assert_str("ucm0", ref.node);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_a_node_becomes_a_zone_and_an_answer_makes_it_active),
        T(test_an_active_zone_is_asked_again_and_stays_active_meanwhile),
        T(test_a_silent_node_is_failed_and_tried_again),
        T(test_pauses_grow_and_a_changed_certificate_ends_them),
        T(test_what_stays_where_it_was_is_not_cut),
        T(test_each_end_of_a_connection_says_what_to_do),
        T(test_a_link_is_greeted_and_hears_the_other_side),
        T(test_a_zone_keeps_its_number_over_connections),
        T(test_the_first_active_zone_of_a_cluster_is_picked),
    };
    return cmocka_run_group_tests_name("edge/zones", tests, NULL, NULL);
}
