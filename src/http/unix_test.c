#include "kit/kit.h"

#include "http/server_int.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void on_accept(void *ctx, int fd, const struct http_peer *peer)
{
    unsigned *accepted = ctx;
    assert_true(peer->is_unix);
    ++*accepted;
    close(fd);
}

static int dial(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, connect(fd, (struct sockaddr *)&sa, sizeof sa));
    return fd;
}

/* No new descriptor from here on. */
static struct rlimit use_up_descriptors(int any)
{
    struct rlimit before, tight;
    int lowest = dup(any);
    close(lowest);
    assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &before));
    tight = before;
    tight.rlim_cur = (rlim_t)lowest;
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &tight));
    return before;
}

static void test_without_descriptors_it_rests_instead_of_spinning(void **state)
{
    (void)state;
    char dir[] = "/tmp/bearline-unix-XXXXXX", path[64];
    struct net_loop *loop;
    struct http_unix *u;
    unsigned accepted = 0;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s", dir);
    assert_rc(RC_OK, net_loop_new(&loop));
    assert_rc(RC_OK, http_unix_open(loop, path, 0600, on_accept, &accepted, &u));
    int fd = dial(path);
    struct rlimit before = use_up_descriptors(fd);
    net_loop_turn(loop, false);
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &before));
    for (int i = 0; i < 5; i++)
        net_loop_turn(loop, false);
    assert_int_equal(0, accepted); /* it rests: nothing asked the system in these turns */
    net_loop_skip_ms(loop, 200);
    for (int i = 0; i < 5; i++)
        net_loop_turn(loop, false);
    assert_int_equal(1, accepted);
    close(fd);

    fd = dial(path); /* closing while it rests stops the rest too */
    before = use_up_descriptors(fd);
    net_loop_turn(loop, false);
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &before));
    http_unix_close(u);
    net_loop_skip_ms(loop, 200);
    net_loop_turn(loop, false);
    assert_int_equal(1, accepted);
    close(fd);
    net_loop_free(loop);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_descriptors_it_rests_instead_of_spinning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
