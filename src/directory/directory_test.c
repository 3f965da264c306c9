#include "kit/kit.h"

#include "directory/dialplan.h"
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

/* --- where numbers lead --- */

static void add_plan(struct fixture *f)
{
    struct str members[] = {STR("1010")};
    struct store_hunt_group g = {.number = STR("2000"),
                                 .display = STR("Sales"),
                                 .algorithm = STORE_HUNT_PARALLEL,
                                 .members = members,
                                 .member_count = 1};
    struct store_trunk t = {.name = STR("carrier"),
                            .host = STR("sbc.example.com"),
                            .transport = STORE_TLS,
                            .srtp_allowed = true,
                            .enabled = true};
    const struct store_route_pattern patterns[] = {
        {.pattern = STR("0.!"),
         .trunk = STR("carrier"),
         .discard = STORE_DISCARD_PREDOT,
         .prefix = STR("+43")},
        {.pattern = STR("00!"), .blocked = true},
        {.pattern = STR("30XX"), .hunt_group = STR("2000")},
        {.pattern = STR("301X"), .line = STR("1010")}};
    OK(store_hunt_group_put(f->s, &admin, STORE_ADD, &g, &f->why));
    OK(store_trunk_put(f->s, &admin, STORE_ADD, &t, &f->why));
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        OK(store_route_pattern_put(f->s, &admin, STORE_ADD, &patterns[i], &f->why));
}

static void leads(struct fixture *f, const char *number, enum directory_route_kind kind,
                  const char *to, const char *pattern)
{
    struct directory_route r;
    struct str got = STR("");
    struct str guarded = kit_guard(str_from(number));
    directory_route_find(f->d, guarded, &r);
    if (r.line) got = r.line->pattern;
    if (r.group) got = r.group->number;
    if (r.trunk) got = str_from(r.number);
    assert_int_equal(kind, r.kind);
    assert_str(to, got);
    assert_string_equal(pattern, r.pattern);
    directory_route_fini(&r);
    assert_true(r.kind == DIRECTORY_ROUTE_NONE && !r.line && !r.group && !r.trunk);
    kit_guard_free(guarded);
}

static void test_numbers_lead_where_the_plan_says(void **state)
{
    struct fixture *f = *state;
    leads(f, "2000", DIRECTORY_ROUTE_NONE, "", "");
    add_plan(f);
    leads(f, "1010", DIRECTORY_ROUTE_LINE, "1010", "");
    leads(f, "2000", DIRECTORY_ROUTE_GROUP, "2000", "");
    leads(f, "3000", DIRECTORY_ROUTE_GROUP, "2000", "30XX");
    leads(f, "3010", DIRECTORY_ROUTE_LINE, "1010", "301X");
    leads(f, "0123", DIRECTORY_ROUTE_TRUNK, "+43123", "0.!");
    leads(f, "00123", DIRECTORY_ROUTE_BLOCKED, "", "00!");
    leads(f, "0", DIRECTORY_ROUTE_NONE, "", "");
    leads(f, "4711", DIRECTORY_ROUTE_NONE, "", "");
    leads(f, "", DIRECTORY_ROUTE_NONE, "", "");
    leads(f, "rado@example.com", DIRECTORY_ROUTE_NONE, "", "");
    leads(f, "0123456789012345678901234567890123456789012345678", DIRECTORY_ROUTE_NONE, "", "");
}

static void test_the_longest_number_to_a_trunk_fits(void **state)
{
    struct fixture *f = *state;
    char prefix[STORE_NUMBER_MAX + 1], number[STORE_NUMBER_MAX + 1], want[2 * STORE_NUMBER_MAX + 1];
    memset(prefix, '1', sizeof prefix);
    memset(number, '0', sizeof number);
    prefix[STORE_NUMBER_MAX] = number[STORE_NUMBER_MAX] = '\0';
    add_plan(f);
    OK(store_route_pattern_remove(f->s, &admin, STR("00!"), &f->why));
    struct store_route_pattern r = {
        .pattern = STR("0.!"), .trunk = STR("carrier"), .prefix = str_from(prefix)};
    OK(store_route_pattern_put(f->s, &admin, STORE_UPDATE, &r, &f->why));
    snprintf(want, sizeof want, "%s%s", prefix, number);
    leads(f, number, DIRECTORY_ROUTE_TRUNK, want, "0.!");
}

static void test_a_changed_plan_holds_at_once(void **state)
{
    struct fixture *f = *state;
    struct directory_counts n;
    add_plan(f);
    const struct directory_trunk *held = directory_trunk_ref(f->d, STR("carrier"));
    struct store_trunk t = {
        .name = STR("carrier"), .host = STR("192.0.2.1"), .transport = STORE_UDP};
    OK(store_trunk_put(f->s, &admin, STORE_UPDATE, &t, &f->why));
    const struct directory_trunk *now = directory_trunk_ref(f->d, STR("carrier"));
    const struct directory_trunks *all = directory_trunks_ref(f->d);
    assert_str("sbc.example.com", held->host);
    assert_true(held->enabled && held->srtp_allowed);
    assert_str("192.0.2.1", now->host);
    assert_false(now->enabled);
    assert_int_equal(1, all->count);
    assert_str("192.0.2.1", all->rows[0].host);
    directory_trunks_unref(all);
    directory_trunk_unref(held);
    directory_trunk_unref(now);
    OK(store_route_pattern_remove(f->s, &admin, STR("0.!"), &f->why));
    leads(f, "0123", DIRECTORY_ROUTE_NONE, "", "");
    directory_count(f->d, &n);
    assert_int_equal(1, n.hunt_groups);
    assert_int_equal(1, n.trunks);
    assert_int_equal(3, n.route_patterns);
    OK(store_trunk_remove(f->s, &admin, STR("carrier"), &f->why));
    assert_null(directory_trunk_ref(f->d, STR("carrier")));
}

static void test_a_hunt_group_is_swapped_whole(void **state)
{
    struct fixture *f = *state;
    struct store_line l = {.pattern = STR("1011")};
    struct str members[] = {STR("1011"), STR("1010")};
    add_plan(f);
    OK(store_line_put(f->s, &admin, STORE_ADD, &l, &f->why));
    struct store_hunt_group g = {.number = STR("2000"),
                                 .algorithm = STORE_HUNT_LONGEST_IDLE,
                                 .ring_s = 7,
                                 .forward_no_answer = STR("1010"),
                                 .members = members,
                                 .member_count = 2};
    OK(store_hunt_group_put(f->s, &admin, STORE_UPDATE, &g, &f->why));
    const struct directory_hunt_group *now = directory_hunt_group_ref(f->d, STR("2000"));
    assert_int_equal(STORE_HUNT_LONGEST_IDLE, now->algorithm);
    assert_int_equal(7, directory_hunt_group_ring_s(f->d, now));
    assert_int_equal(2, now->member_count);
    assert_str("1011", now->members[0]);
    assert_str("1010", now->members[1]);
    assert_str("1010", now->forward_no_answer);
    directory_hunt_group_unref(now);
}

static void test_call_settings_have_the_clusters_defaults(void **state)
{
    struct fixture *f = *state;
    struct store_line l = {.pattern = STR("1010"),
                           .forward_all = STR("1011"),
                           .forward_busy = STR("1012"),
                           .forward_no_answer = STR("1013"),
                           .ring_s = 33,
                           .busy_trigger = 9};
    const struct directory_line *line = directory_line_ref(f->d, STR("1010"));
    assert_int_equal(12, directory_line_ring_s(f->d, line));
    assert_int_equal(2, directory_line_busy_trigger(f->d, line));
    OK(store_param_put(f->s, &admin, STR("ForwardNoAnswerTimer"), STR("20"), 0, &f->why));
    assert_int_equal(20, directory_line_ring_s(f->d, line));
    directory_line_unref(line);
    OK(store_line_put(f->s, &admin, STORE_UPDATE, &l, &f->why));
    line = directory_line_ref(f->d, STR("1010"));
    assert_int_equal(33, directory_line_ring_s(f->d, line));
    assert_int_equal(9, directory_line_busy_trigger(f->d, line));
    assert_str("1011", line->forward_all);
    assert_str("1012", line->forward_busy);
    assert_str("1013", line->forward_no_answer);
    directory_line_unref(line);
}

static void test_do_not_disturb_arrives(void **state)
{
    struct fixture *f = *state;
    struct store_device_line dl = {.index = 1, .pattern = STR("1010")};
    struct store_device d = device(&dl, 1);
    d.dnd = true;
    OK(store_device_put(f->s, &admin, STORE_UPDATE, &d, &f->why));
    const struct directory_device *now = directory_device_ref(f->d, STR("CSFrado"));
    assert_true(now->dnd);
    directory_device_unref(now);
}

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
                                       T(test_failed_reads_keep_the_old_and_are_counted),
                                       T(test_numbers_lead_where_the_plan_says),
                                       T(test_the_longest_number_to_a_trunk_fits),
                                       T(test_a_changed_plan_holds_at_once),
                                       T(test_a_hunt_group_is_swapped_whole),
                                       T(test_call_settings_have_the_clusters_defaults),
                                       T(test_do_not_disturb_arrives)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
