/* net/udp_test.c - datagrams over loopback. */
#include "kit/kit.h"

#include "net/udp.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

struct end {
    struct net_loop *loop;
    struct net_udp_port *port;
    struct net_udp *udp;
    struct net_addr from, to;
    char text[64];
    int count;
    bool leave;
};

static void on_datagram(void *ctx, const struct net_datagram *datagram)
{
    struct end *end = ctx;
    end->from = datagram->from;
    end->to = datagram->to;
    assert_true(datagram->data.n < sizeof end->text);
    memcpy(end->text, datagram->data.p, datagram->data.n);
    end->text[datagram->data.n] = '\0';
    end->count++;
    if (end->leave) net_udp_leave(end->udp);
}

static void open_end(struct end *end, struct net_loop *loop, struct net_addr addr)
{
    *end = (struct end){.loop = loop};
    assert_rc(RC_OK, net_udp_open(&addr, 1, &end->port, NULL));
    assert_rc(RC_OK, net_udp_join(end->port, loop, on_datagram, end, &end->udp));
}

static void close_end(struct end *end)
{
    net_udp_leave(end->udp);
    net_udp_close(end->port);
}

static void await(struct end *end, int count)
{
    while (end->count < count)
        net_loop_turn(end->loop, true);
}

static void exchange(struct net_addr any, struct net_addr local)
{
    struct net_loop *loop = NULL;
    struct end server, client;
    assert_rc(RC_OK, net_loop_new(&loop));
    open_end(&server, loop, any);
    open_end(&client, loop, local);
    struct net_addr to = local;
    to.port = net_udp_addr(server.port).port;
    assert_rc(RC_OK, net_udp_send(client.udp, &to, NULL, str_bytes(STR("hello"))));
    await(&server, 1);
    assert_string_equal("hello", server.text);
    assert_true(net_addr_eq(&server.to, &to)); /* the address it was sent to, not the wildcard */
    struct net_addr client_addr = net_udp_addr(client.port);
    assert_true(net_addr_eq(&server.from, &client_addr));
    assert_rc(RC_OK, net_udp_send(server.udp, &server.from, &server.to, str_bytes(STR("back"))));
    await(&client, 1);
    assert_true(net_addr_eq(&client.from, &to));
    close_end(&server);
    close_end(&client);
    net_loop_free(loop);
}

static void test_a_wildcard_port_answers_from_the_address_it_was_asked_at(void **state)
{
    (void)state;
    exchange(net_addr_v4(0, 0, 0, 0, 0), net_addr_v4(127, 0, 0, 9, 0));
}

static void test_ipv6(void **state)
{
    (void)state;
    struct net_addr any = {.family = NET_V6}, loopback = {.family = NET_V6, .ip = {[15] = 1}};
    struct net_udp_port *port = NULL;
    if (net_udp_open(&loopback, 1, &port, NULL) != RC_OK) skip(); /* a machine without IPv6 */
    net_udp_close(port);
    exchange(any, loopback);
}

static void test_a_taken_port_names_its_holder(void **state)
{
    (void)state;
    struct net_udp_port *port = NULL, *other = NULL;
    struct net_holder holder;
    struct net_addr addr = net_addr_v4(127, 0, 0, 1, 0);
    assert_rc(RC_OK, net_udp_open(&addr, 2, &port, NULL));
    addr = net_udp_addr(port);
    assert_rc(RC_EXISTS, net_udp_open(&addr, 2, &other, &holder));
    assert_int_equal(getpid(), holder.pid);
    net_udp_close(port);
    assert_rc(RC_OK, net_udp_open(&addr, 1, &other, &holder));
    net_udp_close(other);
}

static void test_each_loop_takes_one_socket_of_the_group(void **state)
{
    (void)state;
    struct net_loop *loop = NULL;
    struct net_udp_port *port = NULL;
    struct net_udp *a = NULL, *b = NULL, *c = NULL;
    struct net_addr addr = net_addr_v4(127, 0, 0, 1, 0);
    assert_rc(RC_OK, net_loop_new(&loop));
    assert_rc(RC_INVALID, net_udp_open(&addr, 0, &port, NULL));
    assert_rc(RC_OK, net_udp_open(&addr, 2, &port, NULL));
    assert_rc(RC_OK, net_udp_join(port, loop, on_datagram, NULL, &a));
    assert_rc(RC_OK, net_udp_join(port, loop, on_datagram, NULL, &b));
    assert_rc(RC_BUSY, net_udp_join(port, loop, on_datagram, NULL, &c));
    net_udp_leave(a);
    net_udp_leave(b);
    net_udp_close(port);
    net_loop_free(loop);
}

static void test_leaving_inside_the_callback_ends_the_batch(void **state)
{
    (void)state;
    struct net_loop *loop = NULL;
    struct end server, client;
    assert_rc(RC_OK, net_loop_new(&loop));
    open_end(&server, loop, net_addr_v4(127, 0, 0, 1, 0));
    open_end(&client, loop, net_addr_v4(127, 0, 0, 1, 0));
    struct net_addr to = net_udp_addr(server.port);
    server.leave = true;
    assert_rc(RC_OK, net_udp_send(client.udp, &to, NULL, str_bytes(STR("one"))));
    assert_rc(RC_OK, net_udp_send(client.udp, &to, NULL, str_bytes(STR("two"))));
    await(&server, 1);
    net_loop_turn(loop, false);
    assert_int_equal(1, server.count);
    net_udp_close(server.port);
    close_end(&client);
    net_loop_free(loop);
}

static void test_what_cannot_be_sent_says_why(void **state)
{
    (void)state;
    static uint8_t big[NET_UDP_MAX + 1];
    struct net_loop *loop = NULL;
    struct end end;
    assert_rc(RC_OK, net_loop_new(&loop));
    open_end(&end, loop, net_addr_v4(127, 0, 0, 1, 0));
    struct net_addr to = net_udp_addr(end.port),
                    v6 = {.family = NET_V6, .port = 5, .ip = {[15] = 1}};
    assert_rc(RC_TOO_BIG, net_udp_send(end.udp, &to, NULL, bytes_of(big, sizeof big)));
    assert_rc(RC_IO, net_udp_send(end.udp, &v6, NULL, bytes_of(big, 1)));
    close_end(&end);
    net_loop_free(loop);
}

static void test_the_source_towards_an_address(void **state)
{
    (void)state;
    struct net_addr to = net_addr_v4(127, 0, 0, 9, 5060), from;
    assert_rc(RC_OK, net_udp_source(&to, &from));
    assert_true(net_addr_is_loopback(&from));
    assert_false(net_addr_is_any(&from));
    assert_int_equal(NET_V4, from.family);
    assert_int_equal(0, from.port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wildcard_port_answers_from_the_address_it_was_asked_at),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_a_taken_port_names_its_holder),
        cmocka_unit_test(test_each_loop_takes_one_socket_of_the_group),
        cmocka_unit_test(test_leaving_inside_the_callback_ends_the_batch),
        cmocka_unit_test(test_what_cannot_be_sent_says_why),
        cmocka_unit_test(test_the_source_towards_an_address),
    };
    return cmocka_run_group_tests_name("net/udp", tests, NULL, NULL);
}
