#include "kit/kit.h"

#include "admin/ports.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static const char tcp[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n"
    "   0: 0A0A300A:13E2 00000000:0000 0A 00000000:00000000 00:00000000 00000000   512        0 "
    "207160 1 0000000000000000 100 0 0 10 0\n"
    "   1: 0100007F:13E2 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 "
    "207161 1 0000000000000000 100 0 0 10 0\n"
    "nonsense\n"
    "   2: 0100007F 00000000:0000 0A 0:0 0:0 0 0 0 1\n"
    "   3: ZZ00007F:13E2 00000000:0000 0A 0:0 0:0 0 0 0 1\n";
static const char tcp6[] =
    "   0: 00000000000000000000000000000000:13E3 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000   512        0 207155 1 0000000000000000 100 0 0 10 "
    "0\n";

static void test_line_reads_as_in_the_source(void **state)
{
    (void)state;
    struct arena a;
    struct buf b;
    struct port_sockets found = {0};
    struct port_owner ccm = {
        .command = STR("ccm"), .user = STR("ccmbase"), .pid = 30622, .fd = 364};
    struct port_owner hidden = {.user = STR("root")};
    arena_init(&a, NULL, 0, 1 << 20);
    assert_rc(RC_OK, ports_parse(str_from(tcp), false, false, &a, &found));
    assert_int_equal(2, found.count);
    buf_init(&b, 4096);
    ports_print_line(&b, &found.rows[0], &ccm);
    assert_str("ccm      30622      ccmbase  364u  IPv4  207160      0t0  TCP 10.48.10.10:5090 "
               "(LISTEN)",
               buf_str(&b));
    buf_reset(&b);
    ports_print_line(&b, &found.rows[1], &hidden);
    assert_str("-            -         root     -  IPv4  207161      0t0  TCP "
               "127.0.0.1:5090->127.0.0.1:49153 (ESTABLISHED)",
               buf_str(&b));
    buf_fini(&b);
    arena_fini(&a);
}

static void test_ipv6_and_udp_lines(void **state)
{
    (void)state;
    struct arena a;
    struct buf b;
    struct port_sockets found = {0};
    struct port_owner ccm = {.command = STR("ccm"), .user = STR("ccmbase"), .pid = 1, .fd = 3};
    arena_init(&a, NULL, 0, 1 << 20);
    assert_rc(RC_OK, ports_parse(str_from(tcp6), true, true, &a, &found));
    assert_int_equal(1, found.count);
    buf_init(&b, 4096);
    ports_print_line(&b, &found.rows[0], &ccm);
    assert_str("ccm          1      ccmbase    3u  IPv6  207155      0t0  UDP *:5091", buf_str(&b));
    buf_fini(&b);
    arena_fini(&a);
}

static void parse(void *ctx)
{
    struct arena a;
    struct port_sockets found = {0};
    (void)ctx;
    arena_init(&a, NULL, 0, 1 << 20);
    enum rc rc = ports_parse(str_from(tcp), false, false, &a, &found);
    assert_true(rc == RC_OK || rc == RC_NOMEM);
    arena_fini(&a);
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    kit_each_alloc_fails(parse, NULL);
}

static void test_a_socket_of_ours_is_listed_with_this_process(void **state)
{
    (void)state;
    struct arena a;
    struct str *lines;
    size_t count;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof addr;
    char want[64], pid[32];
    bool found = false;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(0, bind(fd, (struct sockaddr *)&addr, n));
    assert_int_equal(0, listen(fd, 1));
    assert_int_equal(0, getsockname(fd, (struct sockaddr *)&addr, &n));
    snprintf(want, sizeof want, "127.0.0.1:%u (LISTEN)", ntohs(addr.sin_port));
    snprintf(pid, sizeof pid, " %d ", getpid());
    arena_init(&a, NULL, 0, 64 << 20);
    assert_rc(RC_OK, ports_list(&a, &lines, &count));
    for (size_t i = 0; i < count; i++)
        if (str_ends(lines[i], str_from(want)) && str_find(lines[i], str_from(pid)) > 0)
            found = true;
    assert_true(found);
    arena_fini(&a);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_reads_as_in_the_source),
        cmocka_unit_test(test_ipv6_and_udp_lines),
        cmocka_unit_test(test_each_allocation_may_fail),
        cmocka_unit_test(test_a_socket_of_ours_is_listed_with_this_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
