#include "kit/kit.h"

#include "app/listeners.h"

#include "crypto/random.h"
#include "directory/directory.h"
#include "http/server.h"
#include "net/pool.h"

#include <stdio.h>
#include <unistd.h>

static const struct store_by admin = {.who = STR_INIT("admin"), .from = STR_INIT("test")};

/* The control loop turns when the test says so; no workers, so that ports close at once. */
struct fixture {
    char folder[64];
    struct kit_time time;
    struct kit_log lines;
    struct log log;
    struct store *store;
    struct directory *directory;
    struct app_certs *certs;
    struct net_loop *loop;
    struct net_pool *pool;
    struct http_server *http;
    struct http_site *site;
    struct siptx_node *stacks;
    struct app_listeners_config config;
    struct app_listeners *listeners;
    struct store_ports ports;
};

/* Somebody else's port of 127.0.0.1; 0: any. */
static struct net_listener *occupy(uint16_t *port)
{
    struct net_listener *l;
    struct net_listener_config c = {.stream = {.message_max = 1, .queue_max = 1}};
    assert_rc(RC_OK, net_addr_parse_ip(STR("127.0.0.1"), *port, &c.addr));
    assert_rc(RC_OK, net_listener_open(&c, &l, NULL));
    *port = net_listener_addr(l).port;
    return l;
}

/* Ports a row may name (the system also gives higher ones). All are held before one is let go: a
 * port given back may be the next one given. */
static void free_ports(uint16_t *ports, size_t count)
{
    struct net_listener *held[64];
    size_t tried = 0;
    for (size_t i = 0; i < count; tried++) {
        assert_true(tried < sizeof held / sizeof held[0]);
        ports[i] = 0;
        held[tried] = occupy(&ports[i]);
        if (ports[i] <= STORE_PORT_MAX) i++;
    }
    while (tried > 0)
        net_listener_close(held[--tried], false, NULL, NULL);
}

static int free_port(void)
{
    uint16_t port;
    free_ports(&port, 1);
    return port;
}

static void put_node(struct fixture *f)
{
    struct store_why why = {""};
    struct store_node row = {.name = STR("ucm1"),
                             .host = STR("ucm1.example.com"),
                             .addresses = STR("127.0.0.1"),
                             .ports = f->ports};
    assert_rc(RC_OK, store_node_put(f->store, &admin, STORE_PUT, &row, &why));
}

static void open_rooms(struct fixture *f)
{
    struct random_source random = crypto_random_system();
    struct store_why why = {""};
    char ca_file[96];
    struct store_config c = {.folder = f->folder, .clock = kit_clock(&f->time), .random = random};
    assert_rc(RC_OK, store_open(&c, &f->store, &why));
    put_node(f);
    assert_rc(RC_OK, directory_new(f->store, &random, &f->directory, &why));
    struct app_certs_config cc = {.store = f->store,
                                  .directory = f->directory,
                                  .clock = c.clock,
                                  .random = random,
                                  .log = &f->log,
                                  .node = STR("ucm1"),
                                  .host = STR("ucm1.example.com"),
                                  .addresses = STR("127.0.0.1")};
    snprintf(ca_file, sizeof ca_file, "%s/ca.pem", f->folder);
    assert_rc(RC_OK, app_certs_new(&cc, ca_file, &f->certs, &why));
    assert_rc(RC_OK, net_loop_new(&f->loop));
    assert_rc(RC_OK, net_pool_new(1, 4, &f->pool));
    f->http = http_server_new(f->loop, f->pool, &f->log, NULL);
    f->site = http_site_new("https");
    f->stacks = siptx_node_new();
    assert_true(f->http && f->site && f->stacks);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->log = kit_log(&f->lines);
    snprintf(f->folder, sizeof f->folder, "/tmp/bearline-doors-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->ports = store_ports_default();
    uint16_t ports[5];
    free_ports(ports, 5);
    f->ports.sip = ports[0];
    f->ports.sips = ports[1];
    f->ports.config_http = ports[2];
    f->ports.config_https = ports[3];
    f->ports.https = ports[4];
    open_rooms(f);
    f->config = (struct app_listeners_config){
        .loop = f->loop,
        .directory = f->directory,
        .certs = f->certs,
        .stacks = f->stacks,
        .http = f->http,
        .https_site = f->site,
        .config_site = f->site,
        .config_plain_site = f->site,
        .log = &f->log,
        .node = STR("ucm1"),
    };
    assert_rc(RC_OK, app_listeners_new(&f->config, &f->listeners));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    app_listeners_close_all(f->listeners);
    app_listeners_wait_closed(f->listeners);
    net_pool_free(f->pool);
    http_server_free(f->http);
    net_loop_free(f->loop);
    http_site_free(f->site);
    app_listeners_free(f->listeners);
    siptx_node_free(f->stacks);
    app_certs_free(f->certs);
    directory_free(f->directory);
    store_close(f->store);
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(0, system(command));
    free(f);
    return 0;
}

/* What the operator would be shown of that port; "" when it is not among them. */
static struct app_listener_info shown(struct fixture *f, int port)
{
    struct app_listener_info all[16];
    size_t n = app_listeners_list(f->listeners, all, 16);
    for (size_t i = 0; i < n; i++)
        if (all[i].addr.port == port) return all[i];
    return (struct app_listener_info){.name = ""};
}

static bool is_open(struct fixture *f, int port)
{
    struct app_listener_info i = shown(f, port);
    struct net_addr addr = i.addr;
    bool is_held = i.name[0] && net_holder_find(&addr, false, &(struct net_holder){0});
    assert_true(i.name[0] == '\0' || is_held == (i.state == APP_LISTENER_OPEN));
    return is_held;
}

static void remove_trust(struct fixture *f, struct str store)
{
    struct arena a;
    struct store_trusts rows;
    struct store_page page = {0};
    struct store_why why = {""};
    arena_init(&a, NULL, 0, 1 << 20);
    assert_rc(RC_OK, store_trust_list(f->store, &page, &a, &rows, &why));
    for (size_t i = 0; i < rows.count; i++)
        if (str_eq(rows.rows[i].store, store))
            assert_rc(RC_OK, store_trust_remove(f->store, &admin, rows.rows[i].name, &why));
    arena_fini(&a);
}

static void add_ca_to_trust(struct fixture *f)
{
    struct arena a;
    struct store_cert ca;
    struct store_why why = {""};
    arena_init(&a, NULL, 0, 1 << 20);
    assert_rc(RC_OK, store_cert_get(f->store, STR("CA"), &a, &ca, &why));
    struct store_trust row = {.name = STR("callmanager-trust/00"),
                              .store = STR("callmanager-trust"),
                              .fingerprint = STR("00"),
                              .subject = ca.subject,
                              .issuer = ca.subject,
                              .pem = ca.chain_pem,
                              .not_after_s = ca.not_after_s};
    assert_rc(RC_OK, store_trust_put(f->store, &admin, STORE_ADD, &row, &why));
    arena_fini(&a);
}

static void test_ports_are_what_the_row_says(void **state)
{
    struct fixture *f = *state;
    int before = f->ports.https;
    app_listeners_sync(f->listeners);
    assert_true(is_open(f, f->ports.sips));
    assert_true(is_open(f, f->ports.https));
    f->ports.https = free_port();
    put_node(f);
    app_listeners_sync(f->listeners);
    assert_false(is_open(f, before));
    assert_true(is_open(f, f->ports.https));
    assert_true(is_open(f, f->ports.sips));
}

static void test_two_ports_change_places(void **state)
{
    struct fixture *f = *state;
    int before = f->ports.https;
    app_listeners_sync(f->listeners);
    f->ports.https = f->ports.sips;
    f->ports.sips = before;
    put_node(f);
    app_listeners_sync(f->listeners);
    for (int i = 0; i < 3; i++)
        net_loop_turn(f->loop, false);
    assert_string_equal("HTTPS", shown(f, f->ports.https).name);
    assert_true(is_open(f, f->ports.https));
    assert_true(is_open(f, f->ports.sips));
}

static void test_who_is_trusted_no_more_finds_the_port_closed(void **state)
{
    struct fixture *f = *state;
    app_listeners_sync(f->listeners);
    assert_true(is_open(f, f->ports.sips));
    remove_trust(f, STR("callmanager-trust"));
    app_listeners_reload_tls(f->listeners);
    net_loop_turn(f->loop, false);
    assert_false(is_open(f, f->ports.sips));
    assert_true(is_open(f, f->ports.https));
    assert_non_null(strstr(shown(f, f->ports.sips).why, "certificate"));
    add_ca_to_trust(f);
    app_listeners_reload_tls(f->listeners);
    for (int i = 0; i < 3; i++)
        net_loop_turn(f->loop, false);
    assert_true(is_open(f, f->ports.sips));
}

static void test_a_node_starts_without_anybody_to_trust(void **state)
{
    struct fixture *f = *state;
    app_listeners_free(f->listeners);
    remove_trust(f, STR("callmanager-trust"));
    assert_rc(RC_OK, app_listeners_new(&f->config, &f->listeners));
    app_listeners_sync(f->listeners);
    assert_false(is_open(f, f->ports.sips));
    assert_true(is_open(f, f->ports.https));
}

static void test_a_port_that_is_taken_is_said_so_before_it_is_asked_for(void **state)
{
    struct fixture *f = *state;
    struct net_holder holder;
    uint16_t port = 0;
    struct net_listener *other = occupy(&port);
    app_listeners_sync(f->listeners);
    assert_true(app_listeners_port_is_free(f->listeners, (uint16_t)f->ports.https, false,
                                           &holder)); /* ours */
    assert_false(app_listeners_port_is_free(f->listeners, port, false, &holder));
    assert_int_equal(getpid(), holder.pid);
    net_listener_close(other, false, NULL, NULL);
    assert_true(app_listeners_port_is_free(f->listeners, port, true, &holder));
}

static void on_synced(void *ctx)
{
    ++*(int *)ctx;
}

/* What an operator reads of a port that another program has, until that lets go of it. */
static void test_a_port_in_use_is_named_with_its_cure(void **state)
{
    struct fixture *f = *state;
    char ports[200], name[64];
    int synced = 0;
    uint16_t taken = (uint16_t)f->ports.https;
    struct net_listener *other = occupy(&taken);
    app_listeners_free(f->listeners);
    f->config.on_synced = on_synced;
    f->config.ctx = &synced;
    f->ports.sip = 0; /* over UDP it would need workers */
    put_node(f);
    assert_rc(RC_OK, app_listeners_new(&f->config, &f->listeners));
    app_listeners_sync(f->listeners);
    assert_int_equal(1, synced);
    assert_int_equal(1, app_listeners_failed(f->listeners, ports, sizeof ports));
    snprintf(name, sizeof name, "HTTPS 127.0.0.1:%u", taken);
    assert_string_equal(name, ports);
    assert_non_null(strstr(shown(f, taken).why, "is in use by"));
    assert_non_null(
        strstr(shown(f, taken).fix, "another port: bearline node update ucm1 --https-port PORT"));
    assert_int_equal(1, app_listeners_failed(f->listeners, ports, 4));
    net_listener_close(other, false, NULL, NULL);
    app_listeners_sync(f->listeners);
    assert_int_equal(2, synced);
    assert_int_equal(0, app_listeners_failed(f->listeners, ports, sizeof ports));
    assert_string_equal("", ports);
    assert_string_equal("", shown(f, taken).fix);
}

static void test_a_port_closes_without_memory(void **state)
{
    struct fixture *f = *state;
    int before = f->ports.sips;
    app_listeners_sync(f->listeners);
    f->ports.sips = free_port();
    put_node(f);
    kit_alloc_fail_at(1);
    app_listeners_sync(f->listeners);
    kit_alloc_fail_at(0);
    for (int i = 0; i < 3; i++)
        net_loop_turn(f->loop, false);
    struct net_addr addr = {.family = NET_V4, .ip = {127, 0, 0, 1}, .port = (uint16_t)before};
    assert_false(net_holder_find(&addr, false, &(struct net_holder){0}));
}

/* A worker that lets go of its ports when the test turns its loop. */
struct late_worker {
    struct net_loop *loop;
    struct siptx_stack *stack;
};

static void late_worker_begin(struct fixture *f, struct late_worker *w)
{
    assert_rc(RC_OK, net_loop_new(&w->loop));
    struct siptx_config c = {.worker = 0,
                             .loop = w->loop,
                             .random = crypto_random_system(),
                             .node = f->stacks,
                             .limits = f->config.sip_limits};
    assert_rc(RC_OK, siptx_stack_new(&c, &w->stack));
    app_listeners_free(f->listeners);
    f->config.workers = 1;
    assert_rc(RC_OK, app_listeners_new(&f->config, &f->listeners));
}

static void turn_all(struct fixture *f, struct late_worker *w)
{
    for (int i = 0; i < 6; i++) {
        net_loop_turn(w->loop, false);
        net_loop_turn(f->loop, false);
    }
}

static void late_worker_end(struct fixture *f, struct late_worker *w)
{
    app_listeners_close_all(f->listeners);
    turn_all(f, w);
    app_listeners_wait_closed(f->listeners);
    siptx_stack_free(w->stack);
    turn_all(f, w);
    net_loop_free(w->loop);
}

static size_t closing_count(struct fixture *f)
{
    struct app_listener_info all[16];
    size_t n = app_listeners_list(f->listeners, all, 16), closing = 0;
    for (size_t i = 0; i < n; i++)
        closing += all[i].state == APP_LISTENER_CLOSING;
    return closing;
}

static void test_a_port_of_our_own_that_is_closing_is_no_failure(void **state)
{
    struct fixture *f = *state;
    struct late_worker w;
    int before = f->ports.https;
    late_worker_begin(f, &w);
    app_listeners_sync(f->listeners);
    turn_all(f, &w);
    assert_int_equal(0, closing_count(f));
    f->ports.https = f->ports.sips;
    f->ports.sips = before;
    put_node(f);
    app_listeners_sync(f->listeners);
    assert_int_equal(1, closing_count(f));
    assert_int_equal(APP_LISTENER_FAILED, shown(f, f->ports.https).state);
    assert_non_null(strstr(shown(f, f->ports.https).why, "let go"));
    turn_all(f, &w);
    assert_int_equal(0, closing_count(f));
    assert_true(is_open(f, f->ports.https));
    assert_true(is_open(f, f->ports.sips));
    assert_false(kit_log_has(&f->lines, "listener.failed"));
    late_worker_end(f, &w);
}

static void test_a_worker_that_cannot_be_told_is_told_later(void **state)
{
    struct fixture *f = *state;
    struct late_worker w;
    late_worker_begin(f, &w);
    app_listeners_sync(f->listeners);
    turn_all(f, &w);
    f->ports.sips = free_port();
    put_node(f);
    kit_alloc_fail_at(1);
    app_listeners_sync(f->listeners);
    kit_alloc_fail_at(0);
    turn_all(f, &w);
    assert_true(closing_count(f) > 0);
    app_listeners_sync(f->listeners);
    turn_all(f, &w);
    assert_int_equal(0, closing_count(f));
    assert_true(is_open(f, f->ports.sips));
    late_worker_end(f, &w);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_ports_are_what_the_row_says),
        T(test_two_ports_change_places),
        T(test_a_port_that_is_taken_is_said_so_before_it_is_asked_for),
        T(test_a_port_in_use_is_named_with_its_cure),
        T(test_a_port_closes_without_memory),
        T(test_a_port_of_our_own_that_is_closing_is_no_failure),
        T(test_a_worker_that_cannot_be_told_is_told_later),
        T(test_who_is_trusted_no_more_finds_the_port_closed),
        T(test_a_node_starts_without_anybody_to_trust),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
