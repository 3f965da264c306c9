#include "kit/kit.h"

#include "directory/directory.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static const struct store_by admin = {.who = STR_INIT("admin"), .from = STR_INIT("test")};

struct fixture {
    char folder[64], heard[512];
    struct kit_time now;
    struct kit_random dice;
    struct random_source random;
    struct store *s;
    struct directory *d;
    struct store_why why;
};

#define OK(call)   assert_rc(RC_OK, (call))
#define NON_SECURE STR("Cisco Unified Client Services Framework - Standard SIP Non-Secure Profile")

static void add_rado(struct fixture *f)
{
    struct store_user u = {
        .id = STR("rado"), .display_name = STR("Rado"), .roles = STORE_ROLE_USER, .active = true};
    struct store_line l = {.pattern = STR("1010"), .alerting_name = STR("Rado")};
    struct store_device_line dl = {
        .index = 1, .pattern = STR("1010"), .label = STR("Rado - 1010"), .contact = STR("uuid-1")};
    struct store_device d = {.name = STR("CSFrado"),
                             .model = 503,
                             .owner = STR("rado"),
                             .profile = NON_SECURE,
                             .enabled = true,
                             .lines = &dl,
                             .line_count = 1};
    OK(store_user_put(f->s, &admin, STORE_ADD, &u, &f->why));
    OK(store_line_put(f->s, &admin, STORE_ADD, &l, &f->why));
    OK(store_device_put(f->s, &admin, STORE_ADD, &d, &f->why));
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/bearline-directory-XXXXXX");
    if (!mkdtemp(f->folder)) return -1;
    f->random = kit_random(&f->dice, 3);
    struct store_config c = {.folder = f->folder, .clock = kit_clock(&f->now), .random = f->random};
    OK(store_open(&c, &f->s, &f->why));
    add_rado(f);
    OK(directory_new(f->s, &f->random, &f->d, &f->why));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    static const char *const files[] = {"bearline.db", "bearline.db-wal", "bearline.db-shm",
                                        "lock"};
    struct fixture *f = *state;
    directory_free(f->d);
    store_close(f->s);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", f->folder, files[i]);
        unlink(path);
    }
    rmdir(f->folder);
    free(f);
    return 0;
}

static struct store_device device(struct store_device_line *lines, size_t count)
{
    return (struct store_device){.name = STR("CSFrado"),
                                 .owner = STR("rado"),
                                 .profile = NON_SECURE,
                                 .enabled = true,
                                 .lines = lines,
                                 .line_count = count};
}

/* --- what the start loads --- */

static void test_all_is_there_after_the_start(void **state)
{
    struct fixture *f = *state;
    struct directory_counts n;
    const struct directory_device *dev = directory_device_ref(f->d, STR("csfRADO"));
    const struct directory_user *u = directory_user_ref(f->d, STR("RADO"));
    const struct directory_profile *p = directory_profile_ref(f->d, dev->profile);
    const struct directory_line *l = directory_line_ref(f->d, STR("1010"));
    assert_str("CSFrado", dev->name);
    assert_str("CSFrado", dev->client_cert);
    assert_str("Rado - 1010", dev->lines[0].label);
    assert_non_null(directory_device_line_find(dev, STR("1010")));
    assert_null(directory_device_line_find(dev, STR("1011")));
    assert_non_null(directory_device_line_find_contact(dev, STR("UUID-1")));
    assert_true(u->active);
    assert_false(p->oauth);
    assert_int_equal(1, l->device_count);
    assert_str("CSFrado", l->devices[0]);
    directory_count(f->d, &n);
    assert_int_equal(1, n.users);
    assert_int_equal(1, n.devices);
    assert_int_equal(5, n.profiles);
    directory_device_unref(dev);
    directory_user_unref(u);
    directory_profile_unref(p);
    directory_line_unref(l);
    assert_null(directory_device_ref(f->d, STR("CSFnobody")));
}

static void test_many_pages_are_loaded(void **state)
{
    struct fixture *f = *state;
    struct store_by by = admin;
    struct directory_counts n;
    f->d = directory_free(f->d);
    OK(store_batch_begin(f->s, &by.batch, &f->why));
    for (int i = 0; i < 2500; i++) {
        char id[16];
        snprintf(id, sizeof id, "u%d", i);
        struct store_user u = {.id = str_from(id), .active = true};
        OK(store_user_put(f->s, &by, STORE_ADD, &u, &f->why));
    }
    OK(store_batch_commit(by.batch, &f->why));
    OK(directory_new(f->s, &f->random, &f->d, &f->why));
    directory_count(f->d, &n);
    assert_int_equal(2501, n.users);
}

/* --- changes --- */

static void hear(void *ctx, enum store_kind kind, struct str key, bool removed)
{
    struct fixture *f = ctx;
    size_t n = strlen(f->heard);
    if (kind == STORE_USER) {
        const struct directory_user *u = directory_user_ref(f->d, key);
        assert_true((u == NULL) == removed); /* in place before the notice */
        directory_user_unref(u);
    }
    snprintf(f->heard + n, sizeof f->heard - n, "%s%s:%.*s ", removed ? "-" : "",
             store_kind_name(kind), STR_ARG(key));
}

static void test_change_is_seen_at_once_and_held_records_stay(void **state)
{
    struct fixture *f = *state;
    const struct directory_user *held = directory_user_ref(f->d, STR("rado")), *now;
    struct store_user u = {.id = STR("rado"), .display_name = STR("Other"), .active = false};
    OK(directory_subscribe(f->d, hear, f));
    OK(store_user_put(f->s, &admin, STORE_UPDATE, &u, &f->why));
    now = directory_user_ref(f->d, STR("rado"));
    assert_false(now->active);
    assert_str("Other", now->display_name);
    assert_true(held->active);
    assert_str("Rado", held->display_name);
    directory_user_unref(now);
    directory_user_unref(held);
    OK(store_user_remove(f->s, &admin, STR("rado"), &f->why));
    assert_null(directory_user_ref(f->d, STR("rado")));
    const struct directory_device *dev = directory_device_ref(f->d, STR("CSFrado"));
    assert_str("", dev->owner);
    directory_device_unref(dev);
    assert_string_equal("user:rado device:CSFrado -user:rado ", f->heard);
    directory_unsubscribe(f->d, hear, f);
}

static size_t carriers(struct fixture *f, const char *pattern)
{
    const struct directory_line *l = directory_line_ref(f->d, str_from(pattern));
    assert_non_null(l);
    size_t n = l->device_count;
    directory_line_unref(l);
    return n;
}

static void test_lines_follow_their_devices(void **state)
{
    struct fixture *f = *state;
    struct store_line l = {.pattern = STR("1011")};
    struct store_device_line dl = {.index = 1, .pattern = STR("1011")};
    OK(store_line_put(f->s, &admin, STORE_ADD, &l, &f->why));
    struct store_device d = device(&dl, 1);
    OK(store_device_put(f->s, &admin, STORE_UPDATE, &d, &f->why));
    assert_int_equal(0, carriers(f, "1010"));
    assert_int_equal(1, carriers(f, "1011"));
    OK(store_device_remove(f->s, &admin, STR("CSFrado"), &f->why));
    assert_int_equal(0, carriers(f, "1011"));
    assert_null(directory_device_ref(f->d, STR("CSFrado")));
    OK(store_line_remove(f->s, &admin, STR("1011"), &f->why));
    assert_null(directory_line_ref(f->d, STR("1011")));
}

static void test_params_snapshot_has_numbers(void **state)
{
    struct fixture *f = *state;
    const struct directory_params *before = directory_params_ref(f->d), *after;
    assert_int_equal(60, before->number[STORE_P_ACCESS_TOKEN_MIN]);
    assert_str("ccmsipline", before->text[STORE_P_REALM]);
    assert_false(directory_params_is_on(before, STORE_P_SIP_OAUTH_MODE));
    OK(store_param_put(f->s, &admin, STR("ClusterSIPOAuthMode"), STR("on"), 0, &f->why));
    OK(store_param_put(f->s, &admin, STR("OAuthTokenAlgorithm"), STR("RS256"), 0, &f->why));
    assert_true(directory_params_generation(f->d) > before->generation);
    after = directory_params_ref(f->d);
    assert_true(directory_params_is_on(after, STORE_P_SIP_OAUTH_MODE));
    assert_int_equal(1, after->number[STORE_P_TOKEN_ALG]);
    assert_int_equal(1, directory_param_number(f->d, STORE_P_SIP_OAUTH_MODE));
    assert_false(directory_params_is_on(before, STORE_P_SIP_OAUTH_MODE));
    directory_params_unref(before);
    directory_params_unref(after);
}

static void test_edges_are_found_by_name(void **state)
{
    struct fixture *f = *state;
    struct store_edge e = {.host_or_ip = STR("exp-c"),
                           .x509_names = STR("domain-2.com, exp-c.domain-1.com ,,x")};
    OK(store_edge_put(f->s, &admin, STORE_ADD, &e, &f->why));
    const struct directory_edges *edges = directory_edges_ref(f->d);
    assert_int_equal(1, edges->count);
    assert_int_equal(3, edges->rows[0].name_count);
    assert_non_null(directory_edges_find(edges, STR("EXP-C.domain-1.com.")));
    assert_null(directory_edges_find(edges, STR("exp-c")));
    assert_null(directory_edges_find(edges, STR("")));
    assert_null(directory_edges_find(edges, STR(".")));
    directory_edges_unref(edges);
}

static void test_nodes_domains_and_issuers(void **state)
{
    struct fixture *f = *state;
    struct store_node b = {
        .name = STR("a-second"), .host = STR("h2"), .priority = 1, .ports = store_ports_default()};
    struct store_node a = {
        .name = STR("b-first"), .host = STR("h1"), .priority = 0, .ports = store_ports_default()};
    struct store_domain d = {.name = STR("example.com"), .ours = true};
    struct store_issuer i = {.iss = STR("https://idp"),
                             .audience = STR("sip"),
                             .user_claim = STR("sub"),
                             .jwks = STR("{}"),
                             .enabled = true};
    OK(store_node_put(f->s, &admin, STORE_ADD, &b, &f->why));
    OK(store_node_put(f->s, &admin, STORE_ADD, &a, &f->why));
    OK(store_domain_put(f->s, &admin, STORE_ADD, &d, &f->why));
    OK(store_issuer_put(f->s, &admin, STORE_ADD, &i, &f->why));
    const struct directory_nodes *nodes = directory_nodes_ref(f->d);
    const struct directory_domains *domains = directory_domains_ref(f->d);
    const struct directory_issuers *issuers = directory_issuers_ref(f->d);
    const struct directory_node *node = directory_node_ref(f->d, STR("b-first"));
    assert_int_equal(2, nodes->count);
    assert_str("b-first", nodes->rows[0].name);
    assert_int_equal(5090, node->ports.oauth);
    assert_true(domains->rows[0].ours);
    assert_str("{}", issuers->rows[0].jwks);
    directory_nodes_unref(nodes);
    directory_domains_unref(domains);
    directory_issuers_unref(issuers);
    directory_node_unref(node);
    OK(store_node_remove(f->s, &admin, STR("b-first"), &f->why));
    assert_null(directory_node_ref(f->d, STR("b-first")));
}

/* --- threads --- */

struct reader {
    struct fixture *f;
    atomic_bool *stop;
    atomic_long *reads;
};

static void *read_on(void *ctx)
{
    struct reader *r = ctx;
    while (!atomic_load(r->stop)) {
        const struct directory_device *dev = directory_device_ref(r->f->d, STR("CSFrado"));
        const struct directory_params *p = directory_params_ref(r->f->d);
        const struct directory_user *u = directory_user_ref(r->f->d, STR("rado"));
        if (dev) assert_int_equal(dev->line_count, dev->line_count ? 1 : 0);
        if (dev && dev->line_count) assert_str("1010", dev->lines[0].pattern);
        assert_true(p->text[STORE_P_REALM].n > 0);
        assert_true(u && u->id.n == 4);
        directory_device_unref(dev);
        directory_params_unref(p);
        directory_user_unref(u);
        atomic_fetch_add(r->reads, 1);
    }
    return NULL;
}

static void *write_params(void *ctx)
{
    struct reader *r = ctx;
    for (int i = 0; i < 40; i++)
        if (store_param_put(r->f->s, &admin, STR("SIPRealmStation"),
                            i % 2 ? STR("one") : STR("two"), 0, NULL) != RC_OK)
            abort();
    return NULL;
}

static void test_readers_never_see_halves(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[3], writer;
    atomic_bool stop = false;
    atomic_long reads = 0;
    struct reader r = {f, &stop, &reads};
    for (int i = 0; i < 3; i++)
        assert_int_equal(0, pthread_create(&threads[i], NULL, read_on, &r));
    assert_int_equal(0, pthread_create(&writer, NULL, write_params, &r));
    for (int i = 0; i < 40; i++) {
        struct store_device_line dl = {.index = 1, .pattern = STR("1010")};
        struct store_device d = device(&dl, i % 2);
        OK(store_device_put(f->s, &admin, STORE_PUT, &d, &f->why));
        if (i % 8 == 7) OK(store_device_remove(f->s, &admin, STR("CSFrado"), &f->why));
    }
    pthread_join(writer, NULL);
    const struct directory_params *p = directory_params_ref(f->d);
    assert_str("one", p->text[STORE_P_REALM]); /* the last commit, never an earlier one */
    directory_params_unref(p);
    while (atomic_load(&reads) == 0)
        sched_yield();
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

/* --- memory --- */

static void change_user(void *ctx)
{
    struct fixture *f = ctx;
    struct store_user u = {.id = STR("rado"), .display_name = STR("again"), .active = true};
    enum rc rc = store_user_put(f->s, &admin, STORE_UPDATE, &u, NULL);
    assert_true(rc == RC_OK || rc == RC_NOMEM);
    const struct directory_user *seen = directory_user_ref(f->d, STR("rado"));
    assert_non_null(seen);
    directory_user_unref(seen);
}

static void start_and_stop(void *ctx)
{
    struct fixture *f = ctx;
    struct directory *d;
    if (directory_new(f->s, &f->random, &d, NULL) == RC_OK) directory_free(d);
}

static void test_failed_reads_keep_the_old_and_are_counted(void **state)
{
    struct fixture *f = *state;
    kit_each_alloc_fails(change_user, f);
    assert_true(directory_failed_count(f->d) > 0);
    OK(directory_reload(f->d, &f->why));
    const struct directory_user *u = directory_user_ref(f->d, STR("rado"));
    assert_str("again", u->display_name);
    directory_user_unref(u);
    kit_each_alloc_fails(start_and_stop, f);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {T(test_all_is_there_after_the_start),
                                       T(test_many_pages_are_loaded),
                                       T(test_change_is_seen_at_once_and_held_records_stay),
                                       T(test_lines_follow_their_devices),
                                       T(test_params_snapshot_has_numbers),
                                       T(test_edges_are_found_by_name),
                                       T(test_nodes_domains_and_issuers),
                                       T(test_readers_never_see_halves),
                                       T(test_failed_reads_keep_the_old_and_are_counted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
