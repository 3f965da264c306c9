/* net/resolver_test.c - the resolver against a name server that this test plays on loopback. */
#include "kit/kit.h"

#include "net/resolver.h"
#include "net/udp.h"

enum { TYPE_A = 1, TYPE_AAAA = 28, TYPE_SRV = 33, NAME_ERROR = 3 };

struct zone {
    struct net_loop *loop;
    struct net_udp_port *port;
    struct net_udp *udp;
    struct net_resolver *resolver;
    struct kit_random seed;
    int asked;
    bool silent;
};

static void put_u16(struct buf *out, unsigned value)
{
    buf_put_char(out, (char)(value >> 8));
    buf_put_char(out, (char)value);
}

static void put_record(struct buf *out, unsigned type, unsigned ttl_s, struct bytes data)
{
    put_u16(out, 0xc00c);
    put_u16(out, type);
    put_u16(out, 1);
    put_u16(out, 0);
    put_u16(out, ttl_s);
    put_u16(out, (unsigned)data.n);
    buf_put(out, data.p, data.n);
}

/* The question's name with dots, and where its type stands. */
static size_t read_name(struct bytes query, char *name)
{
    size_t at = 12, n = 0;
    while (at < query.n && query.p[at] != 0) {
        if (n > 0) name[n++] = '.';
        memcpy(name + n, query.p + at + 1, query.p[at]);
        n += query.p[at];
        at += query.p[at] + 1U;
    }
    name[n] = '\0';
    return at + 1;
}

static unsigned put_answers(struct buf *out, const char *name, unsigned type)
{
    bool node = strcmp(name, "node.example") == 0;
    if (node && type == TYPE_A) {
        put_record(out, type, 300, bytes_of("\xc0\x00\x02\x01", 4));
        put_record(out, type, 120, bytes_of("\xc0\x00\x02\x02", 4));
        return 2;
    }
    if (node && type == TYPE_AAAA) {
        put_record(out, type, 600, bytes_of("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16));
        return 1;
    }
    if (strcmp(name, "_sips._tcp.example") == 0 && type == TYPE_SRV) {
        put_record(out, type, 30, bytes_of("\x00\x02\x00\x00\x13\xc5\x02n2\x00", 10));
        put_record(out, type, 90, bytes_of("\x00\x01\x00\x00\x13\xc5\x02n1\x00", 10));
        return 2;
    }
    if (strcmp(name, "_broken._tcp.example") == 0) {
        put_record(out, TYPE_SRV, 30, bytes_of("\x00", 1));
        return 1;
    }
    return 0;
}

static void on_query(void *ctx, const struct net_datagram *query)
{
    struct zone *z = ctx;
    char name[256];
    struct buf out;
    size_t at = read_name(query->data, name);
    unsigned type = (unsigned)(query->data.p[at] << 8 | query->data.p[at + 1]);
    z->asked++;
    if (z->silent) return;
    buf_init(&out, 4096);
    buf_put(&out, query->data.p, at + 4);
    unsigned count = put_answers(&out, name, type);
    out.p[2] = (char)0x81;
    out.p[3] = (char)(0x80 | (count ? 0 : NAME_ERROR));
    out.p[7] = (char)count;
    out.p[8] = out.p[9] = out.p[10] = out.p[11] = 0;
    assert_rc(RC_OK, net_udp_send(z->udp, &query->from, NULL, str_bytes(buf_str(&out))));
    buf_fini(&out);
}

static void zone_open(struct zone *z)
{
    *z = (struct zone){0};
    struct net_addr addr = net_addr_v4(127, 0, 0, 1, 0);
    assert_rc(RC_OK, net_loop_new(&z->loop));
    assert_rc(RC_OK, net_udp_open(&addr, 1, &z->port, NULL));
    assert_rc(RC_OK, net_udp_join(z->port, z->loop, on_query, z, &z->udp));
    addr = net_udp_addr(z->port);
    struct net_resolver_config config = {.servers = &addr,
                                         .server_count = 1,
                                         .timeout_ms = 20,
                                         .tries = 2,
                                         .random = kit_random(&z->seed, 3)};
    assert_rc(RC_OK, net_resolver_new(z->loop, &config, &z->resolver));
}

static void zone_close(struct zone *z)
{
    net_resolver_free(z->resolver);
    net_udp_leave(z->udp);
    net_udp_close(z->port);
    net_loop_free(z->loop);
}

struct result {
    int calls;
    enum rc rc;
    struct net_addr addrs[NET_RESOLVED_MAX];
    struct net_srv srvs[NET_RESOLVED_MAX];
    size_t count;
    uint32_t ttl_s;
    struct net_query *query;
    struct zone *free_zone; /* freed inside the callback */
};

static void take(struct result *r, enum rc rc, size_t count, uint32_t ttl_s)
{
    r->calls++;
    r->rc = rc;
    r->count = rc == RC_OK ? count : 0;
    r->ttl_s = ttl_s;
    net_query_cancel(r->query); /* too late, and harmless */
    if (r->free_zone) r->free_zone->resolver = net_resolver_free(r->free_zone->resolver);
}

static void on_addrs(void *ctx, enum rc rc, const struct net_addr *addrs, size_t count,
                     uint32_t ttl_s)
{
    struct result *r = ctx;
    if (rc == RC_OK) memcpy(r->addrs, addrs, count * sizeof *addrs);
    take(r, rc, count, ttl_s);
}

static void on_srvs(void *ctx, enum rc rc, const struct net_srv *srvs, size_t count, uint32_t ttl_s)
{
    struct result *r = ctx;
    if (rc == RC_OK) memcpy(r->srvs, srvs, count * sizeof *srvs);
    take(r, rc, count, ttl_s);
}

static void ask(struct zone *z, struct result *r, const char *name, enum net_family family)
{
    *r = (struct result){0};
    assert_rc(RC_OK, net_resolver_addrs(z->resolver, str_from(name), 5061, family, on_addrs, r,
                                        &r->query));
    assert_int_equal(0, r->calls); /* never before the call returns */
    while (r->calls == 0)
        net_loop_turn(z->loop, true);
}

static void ask_srv(struct zone *z, struct result *r, const char *name)
{
    *r = (struct result){0};
    assert_rc(RC_OK, net_resolver_srv(z->resolver, str_from(name), on_srvs, r, &r->query));
    while (r->calls == 0)
        net_loop_turn(z->loop, true);
}

static void test_names_give_addresses_of_both_families(void **state)
{
    (void)state;
    struct zone z;
    struct result r;
    zone_open(&z);
    ask(&z, &r, "node.example", NET_NONE);
    assert_rc(RC_OK, r.rc);
    assert_int_equal(3, r.count);
    assert_int_equal(120, r.ttl_s);
    for (size_t i = 0; i < r.count; i++)
        assert_int_equal(5061, r.addrs[i].port);
    ask(&z, &r, "node.example", NET_V6);
    assert_int_equal(1, r.count);
    assert_int_equal(NET_V6, r.addrs[0].family);
    assert_int_equal(600, r.ttl_s);
    ask(&z, &r, "nobody.example", NET_NONE);
    assert_rc(RC_NOT_FOUND, r.rc);
    zone_close(&z);
}

static void test_numbers_and_localhost_ask_nobody(void **state)
{
    (void)state;
    struct zone z;
    struct result r;
    zone_open(&z);
    ask(&z, &r, "192.0.2.9", NET_NONE);
    assert_rc(RC_OK, r.rc);
    assert_int_equal(1, r.count);
    assert_true(r.ttl_s == UINT32_MAX);
    ask(&z, &r, "2001:db8::9", NET_NONE);
    assert_int_equal(NET_V6, r.addrs[0].family);
    ask(&z, &r, "2001:db8::9", NET_V4);
    assert_rc(RC_NOT_FOUND, r.rc);
    ask(&z, &r, "localhost", NET_V4);
    assert_rc(RC_OK, r.rc);
    assert_true(net_addr_is_loopback(&r.addrs[0]));
    assert_int_equal(0, z.asked);
    zone_close(&z);
}

static void test_services_come_in_the_order_to_try_them(void **state)
{
    (void)state;
    struct zone z;
    struct result r;
    zone_open(&z);
    ask_srv(&z, &r, "_sips._tcp.example");
    assert_rc(RC_OK, r.rc);
    assert_int_equal(2, r.count);
    assert_string_equal("n1", r.srvs[0].target);
    assert_int_equal(5061, r.srvs[0].port);
    assert_string_equal("n2", r.srvs[1].target);
    assert_int_equal(30, r.ttl_s);
    ask_srv(&z, &r, "_sip._udp.example");
    assert_rc(RC_NOT_FOUND, r.rc);
    ask_srv(&z, &r, "_broken._tcp.example");
    assert_rc(RC_MALFORMED, r.rc);
    zone_close(&z);
}

static void test_a_silent_server_is_a_timeout(void **state)
{
    (void)state;
    struct zone z;
    struct result r;
    zone_open(&z);
    z.silent = true;
    ask_srv(&z, &r, "_sips._tcp.example");
    assert_rc(RC_TIMEOUT, r.rc);
    assert_int_equal(2, z.asked); /* tries */
    zone_close(&z);
}

static void test_a_cancelled_query_is_not_told(void **state)
{
    (void)state;
    struct zone z;
    struct result cancelled = {0}, numeric = {0}, r;
    zone_open(&z);
    assert_rc(RC_OK, net_resolver_addrs(z.resolver, STR("node.example"), 1, NET_NONE, on_addrs,
                                        &cancelled, &cancelled.query));
    assert_rc(RC_OK, net_resolver_addrs(z.resolver, STR("192.0.2.1"), 1, NET_NONE, on_addrs,
                                        &numeric, &numeric.query));
    net_query_cancel(cancelled.query);
    net_query_cancel(numeric.query);
    ask(&z, &r, "node.example", NET_V4);
    assert_int_equal(0, cancelled.calls);
    assert_int_equal(0, numeric.calls);
    zone_close(&z);
}

static void test_freeing_with_queries_under_way_and_inside_a_callback(void **state)
{
    (void)state;
    struct zone z;
    struct result asked = {0}, ready = {0}, last = {0};
    zone_open(&z);
    last.free_zone = &z;
    z.silent = true;
    assert_rc(RC_OK,
              net_resolver_srv(z.resolver, STR("_a.example"), on_srvs, &asked, &asked.query));
    assert_rc(RC_OK, net_resolver_addrs(z.resolver, STR("::1"), 1, NET_NONE, on_addrs, &last,
                                        &last.query));
    assert_rc(RC_OK, net_resolver_addrs(z.resolver, STR("::1"), 1, NET_NONE, on_addrs, &ready,
                                        &ready.query));
    while (last.calls == 0)
        net_loop_turn(z.loop, true);
    net_loop_turn(z.loop, false);
    assert_int_equal(0, asked.calls);
    assert_int_equal(0, ready.calls);
    zone_close(&z);
}

static void test_what_is_no_name_is_refused(void **state)
{
    (void)state;
    struct zone z;
    struct net_query *query = NULL;
    char longest[400];
    zone_open(&z);
    memset(longest, 'a', sizeof longest);
    assert_rc(RC_INVALID,
              net_resolver_addrs(z.resolver, STR(""), 1, NET_NONE, on_addrs, NULL, &query));
    assert_rc(RC_INVALID,
              net_resolver_addrs(z.resolver, STR("a\0b"), 1, NET_NONE, on_addrs, NULL, &query));
    assert_rc(RC_INVALID,
              net_resolver_srv(z.resolver, str_of(longest, sizeof longest), on_srvs, NULL, &query));
    assert_null(net_query_cancel(NULL));
    assert_null(net_resolver_free(NULL));
    zone_close(&z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_give_addresses_of_both_families),
        cmocka_unit_test(test_numbers_and_localhost_ask_nobody),
        cmocka_unit_test(test_services_come_in_the_order_to_try_them),
        cmocka_unit_test(test_a_silent_server_is_a_timeout),
        cmocka_unit_test(test_a_cancelled_query_is_not_told),
        cmocka_unit_test(test_freeing_with_queries_under_way_and_inside_a_callback),
        cmocka_unit_test(test_what_is_no_name_is_refused),
    };
    return cmocka_run_group_tests_name("net/resolver", tests, NULL, NULL);
}
