/* The part of the contract that calls need: settings of lines and devices, hunt groups, trunks, route
 * patterns, call detail records. */
#include "kit/kit.h"

#include "store/cdr.h"
#include "store/contract.h"
#include "store/dialplan.h"
#include <stdio.h>

static const struct store_backend *backend;
static const struct store_by admin = {.who = STR_INIT("admin"), .from = STR_INIT("test")};
enum { ARENA_MAX = 64 << 20 };

struct fixture {
    struct store *s;
    struct arena a;
    struct store_why why;
};

static void add_line(struct fixture *f, const char *number)
{
    struct store_line l = {.pattern = str_from(number)};
    assert_rc(RC_OK, store_line_put(f->s, &admin, STORE_ADD, &l, &f->why));
}

/* Lines 1010, 1011 and 1012. */
static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    arena_init(&f->a, NULL, 0, ARENA_MAX);
    backend->wipe(backend->ctx);
    assert_rc(RC_OK, backend->open(backend->ctx, &f->s, &f->why));
    add_line(f, "1010");
    add_line(f, "1011");
    add_line(f, "1012");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_close(f->s);
    arena_fini(&f->a);
    free(f);
    return 0;
}

#define OK(call) assert_rc(RC_OK, (call))
#define REFUSED(rc_, call, part)                                                                   \
    do {                                                                                           \
        assert_rc((rc_), (call));                                                                  \
        if (!strstr(f->why.text, (part))) fail_msg("%s", f->why.text);                             \
    } while (0)

/* --- lines and devices --- */

static enum rc put_line(struct fixture *f, struct store_line l)
{
    return store_line_put(f->s, &admin, STORE_UPDATE, &l, &f->why);
}

static void test_line_keeps_its_call_settings(void **state)
{
    struct fixture *f = *state;
    struct store_line got;
    OK(put_line(f, (struct store_line){.pattern = STR("1010"),
                                       .forward_all = STR("1011"),
                                       .forward_busy = STR("+4319999"),
                                       .forward_no_answer = STR("*5"),
                                       .ring_s = 300,
                                       .busy_trigger = 200}));
    OK(store_line_get(f->s, STR("1010"), &f->a, &got, &f->why));
    assert_str("1011", got.forward_all);
    assert_str("+4319999", got.forward_busy);
    assert_str("*5", got.forward_no_answer);
    assert_int_equal(300, got.ring_s);
    assert_int_equal(200, got.busy_trigger);
    assert_int_equal(2, got.version);
}

static void test_line_settings_are_checked(void **state)
{
    struct fixture *f = *state;
    REFUSED(RC_INVALID, put_line(f, (struct store_line){.pattern = STR("1010"), .ring_s = 301}),
            "1 to 300");
    REFUSED(RC_INVALID, put_line(f, (struct store_line){.pattern = STR("1010"), .ring_s = -1}),
            "1 to 300");
    REFUSED(RC_INVALID,
            put_line(f, (struct store_line){.pattern = STR("1010"), .busy_trigger = 201}),
            "1 to 200");
    REFUSED(RC_INVALID,
            put_line(f, (struct store_line){.pattern = STR("1010"), .forward_busy = STR("10 11")}),
            "forward_busy");
    REFUSED(RC_INVALID,
            put_line(f, (struct store_line){.pattern = STR("1010"), .forward_busy = STR("1010")}),
            "leads to itself");
    REFUSED(
        RC_INVALID,
        put_line(f, (struct store_line){.pattern = STR("1010"), .forward_no_answer = STR("1010")}),
        "leads to itself");
}

static void test_forwards_in_a_circle_are_refused(void **state)
{
    struct fixture *f = *state;
    REFUSED(RC_INVALID,
            put_line(f, (struct store_line){.pattern = STR("1010"), .forward_all = STR("1010")}),
            "leads to itself");
    OK(put_line(f, (struct store_line){.pattern = STR("1010"), .forward_all = STR("1011")}));
    OK(put_line(f, (struct store_line){.pattern = STR("1011"), .forward_all = STR("1012")}));
    REFUSED(RC_INVALID,
            put_line(f, (struct store_line){.pattern = STR("1012"), .forward_all = STR("1010")}),
            "leads back");
    /* two receptions that stand in for each other when busy are no circle */
    OK(put_line(f, (struct store_line){.pattern = STR("1012"), .forward_busy = STR("1010")}));
    OK(put_line(f, (struct store_line){.pattern = STR("1010"), .forward_busy = STR("1012")}));
    OK(put_line(f, (struct store_line){.pattern = STR("1012"), .forward_all = STR("1010")}));
}

static void test_device_keeps_do_not_disturb(void **state)
{
    struct fixture *f = *state;
    struct store_device_line dl = {.index = 1, .pattern = STR("1010")};
    struct store_device got,
        d = {.name = STR("CSFrado"),
             .profile = STR(
                 "Cisco Unified Client Services Framework - Standard SIP Non-Secure Profile"),
             .enabled = true,
             .dnd = true,
             .lines = &dl,
             .line_count = 1};
    OK(store_device_put(f->s, &admin, STORE_ADD, &d, &f->why));
    OK(store_device_get(f->s, STR("CSFrado"), &f->a, &got, &f->why));
    assert_true(got.dnd && got.enabled);
    d.dnd = false;
    OK(store_device_put(f->s, &admin, STORE_UPDATE, &d, &f->why));
    OK(store_device_get(f->s, STR("CSFrado"), &f->a, &got, &f->why));
    assert_false(got.dnd);
}

/* --- hunt groups --- */

static struct str pair[] = {STR_INIT("1012"), STR_INIT("1010")};

static struct store_hunt_group group(void)
{
    return (struct store_hunt_group){.number = STR("2000"),
                                     .display = STR("Sales"),
                                     .algorithm = STORE_HUNT_LONGEST_IDLE,
                                     .ring_s = 8,
                                     .forward_no_answer = STR("1011"),
                                     .members = pair,
                                     .member_count = 2};
}

static enum rc put_group(struct fixture *f, const struct store_hunt_group *g)
{
    return store_hunt_group_put(f->s, &admin, STORE_PUT, g, &f->why);
}

static void test_hunt_group_is_read_with_its_members(void **state)
{
    struct fixture *f = *state;
    struct store_hunt_group g = group(), got;
    struct store_hunt_groups list;
    OK(put_group(f, &g));
    OK(store_hunt_group_get(f->s, STR("2000"), &f->a, &got, &f->why));
    assert_int_equal(STORE_HUNT_LONGEST_IDLE, got.algorithm);
    assert_int_equal(8, got.ring_s);
    assert_str("1011", got.forward_no_answer);
    assert_int_equal(2, got.member_count);
    assert_str("1012", got.members[0]);
    assert_str("1010", got.members[1]);
    g.member_count = 1;
    OK(put_group(f, &g));
    OK(store_hunt_group_list(f->s, NULL, &f->a, &list, &f->why));
    assert_int_equal(1, list.count);
    assert_int_equal(1, list.rows[0].member_count);
    assert_int_equal(2, list.rows[0].version);
    OK(store_hunt_group_remove(f->s, &admin, STR("2000"), &f->why));
    assert_rc(RC_NOT_FOUND, store_hunt_group_get(f->s, STR("2000"), &f->a, &got, &f->why));
}

static void test_hunt_group_refuses_what_makes_no_sense(void **state)
{
    struct fixture *f = *state;
    struct store_hunt_group g = group();
    struct str twice[] = {STR("1010"), STR("1010")}, missing[] = {STR("1010"), STR("1999")};
    g.members = twice;
    REFUSED(RC_INVALID, put_group(f, &g), "stands twice");
    g.members = missing;
    REFUSED(RC_INVALID, put_group(f, &g), "there is no line 1999");
    g.member_count = 0;
    REFUSED(RC_INVALID, put_group(f, &g), "needs members");
    g.member_count = STORE_HUNT_MEMBER_MAX + 1;
    REFUSED(RC_INVALID, put_group(f, &g), "at most 100");
    g = group();
    g.algorithm = (enum store_hunt)4;
    REFUSED(RC_INVALID, put_group(f, &g), "longest idle");
    g = group();
    g.forward_no_answer = g.number;
    REFUSED(RC_INVALID, put_group(f, &g), "leads to itself");
    g = group();
    g.number = STR("1010");
    REFUSED(RC_INVALID, put_group(f, &g), "taken by the line 1010");
    g = group();
    g.ring_s = 301;
    REFUSED(RC_INVALID, put_group(f, &g), "1 to 300");
}

static void test_a_member_line_stays(void **state)
{
    struct fixture *f = *state;
    struct store_hunt_group g = group();
    struct store_line l = {.pattern = STR("2000")};
    OK(put_group(f, &g));
    REFUSED(RC_CONFLICT, store_line_remove(f->s, &admin, STR("1010"), &f->why), "hunt group 2000");
    REFUSED(RC_INVALID, store_line_put(f->s, &admin, STORE_ADD, &l, &f->why),
            "taken by the hunt group 2000");
}

/* --- trunks --- */

static struct store_trunk trunk(void)
{
    return (struct store_trunk){.name = STR("carrier"),
                                .host = STR("sip.example.com"),
                                .port = 5061,
                                .transport = STORE_TLS,
                                .srtp_allowed = true,
                                .peers = STR("192.0.2.0/24 2001:db8::7 sbc.example.com"),
                                .enabled = true};
}

static enum rc put_trunk(struct fixture *f, const struct store_trunk *t)
{
    return store_trunk_put(f->s, &admin, STORE_PUT, t, &f->why);
}

static void test_trunk_keeps_what_was_put(void **state)
{
    struct fixture *f = *state;
    struct store_trunk t = trunk(), got;
    OK(put_trunk(f, &t));
    OK(store_trunk_get(f->s, STR("CARRIER"), &f->a, &got, &f->why));
    assert_str("sip.example.com", got.host);
    assert_int_equal(5061, got.port);
    assert_int_equal(STORE_TLS, got.transport);
    assert_true(got.srtp_allowed && got.enabled);
    assert_str("192.0.2.0/24 2001:db8::7 sbc.example.com", got.peers);
}

static void test_trunk_refuses_what_makes_no_sense(void **state)
{
    struct fixture *f = *state;
    static const char *const hosts[] = {"",
                                        "a b",
                                        "host:5060",
                                        "300.1.2.3",
                                        "1.2.3",
                                        "-x",
                                        "[::1]",
                                        "a..b",
                                        "1:2",
                                        "::1::2",
                                        "sip:x",
                                        "a/b",
                                        "12345::",
                                        ":1::2",
                                        "1::2:",
                                        ":::",
                                        ":",
                                        ":1:2:3:4:5:6:7:8",
                                        "1:2:3:4:5:6:7:8:9",
                                        "1:2:3:4:5:6:7",
                                        "1:2:3:4::5:6:7:8",
                                        "1::2::3",
                                        "::1.2.3.4:1",
                                        "1:2:3:4:5:6:7:1.2.3.4",
                                        "::1.2.3",
                                        "::g",
                                        "1.2.3.04"};
    static const char *const good[] = {"sbc",
                                       "192.0.2.1",
                                       "::1",
                                       "2001:db8::1",
                                       "::ffff:1.2.3.4",
                                       "1:2:3:4:5:6:7:8",
                                       "a-b.example",
                                       "::",
                                       "1::",
                                       "1:2:3:4:5:6:1.2.3.4",
                                       "1:2:3:4:5:6:7::",
                                       "::2:3:4:5:6:7:8"};
    static const char *const peers[] = {"192.0.2.0/33", "::/129", "1.2.3.4/", "a_!b", "1.2.3.4/x"};
    struct store_trunk t = trunk();
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        t.host = str_from(hosts[i]);
        REFUSED(RC_INVALID, put_trunk(f, &t), "host");
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        t.host = str_from(good[i]);
        OK(put_trunk(f, &t));
    }
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        t.peers = str_from(peers[i]);
        REFUSED(RC_INVALID, put_trunk(f, &t), "peers");
    }
    t = trunk();
    t.port = 65536;
    REFUSED(RC_INVALID, put_trunk(f, &t), "65535");
    t = trunk();
    t.transport = STORE_TCP;
    REFUSED(RC_INVALID, put_trunk(f, &t), "srtp_allowed needs transport TLS");
    t.srtp_allowed = false;
    REFUSED(RC_INVALID, put_trunk(f, &t), "which needs transport TLS");
    t.transport = STORE_TCP_UDP;
    REFUSED(RC_INVALID, put_trunk(f, &t), "TCP, UDP or TLS");
    t = trunk();
    t.name = STR("a b");
    REFUSED(RC_INVALID, put_trunk(f, &t), "name of a trunk");
}

/* --- route patterns --- */

static enum rc put_pattern(struct fixture *f, struct store_route_pattern r)
{
    return store_route_pattern_put(f->s, &admin, STORE_PUT, &r, &f->why);
}
#define PATTERN(...) ((struct store_route_pattern){__VA_ARGS__})

static void test_route_pattern_keeps_what_was_put(void **state)
{
    struct fixture *f = *state;
    struct store_trunk t = trunk();
    struct store_route_pattern got;
    OK(put_trunk(f, &t));
    OK(put_pattern(f, PATTERN(.pattern = STR("9.!"), .trunk = STR("carrier"),
                              .discard = STORE_DISCARD_PREDOT, .prefix = STR("+43"))));
    OK(store_route_pattern_get(f->s, STR("9.!"), &f->a, &got, &f->why));
    assert_str("carrier", got.trunk);
    assert_str("+43", got.prefix);
    assert_str("", got.line);
    assert_int_equal(STORE_DISCARD_PREDOT, got.discard);
    OK(put_pattern(f, PATTERN(.pattern = STR("9.!"), .blocked = true)));
    OK(store_route_pattern_get(f->s, STR("9.!"), &f->a, &got, &f->why));
    assert_true(got.blocked);
    assert_str("", got.trunk);
    OK(store_route_pattern_remove(f->s, &admin, STR("9.!"), &f->why));
}

static void test_route_pattern_refuses_what_makes_no_sense(void **state)
{
    struct fixture *f = *state;
    struct store_trunk t = trunk();
    OK(put_trunk(f, &t));
    const struct {
        struct store_route_pattern row;
        const char *part;
    } rows[] = {
        {PATTERN(.pattern = STR("9.@"), .trunk = STR("carrier")), "national numbering plan"},
        {PATTERN(.pattern = STR("12y"), .trunk = STR("carrier")), "character 3"},
        {PATTERN(.pattern = STR("9XXX")), "leads somewhere"},
        {PATTERN(.pattern = STR("9XXX"), .trunk = STR("carrier"), .line = STR("1010")),
         "one place"},
        {PATTERN(.pattern = STR("9XXX"), .trunk = STR("carrier"), .blocked = true), "one place"},
        {PATTERN(.pattern = STR("9XXX"), .trunk = STR("lost")), "there is no trunk lost"},
        {PATTERN(.pattern = STR("9XXX"), .line = STR("1999")), "there is no line 1999"},
        {PATTERN(.pattern = STR("9XXX"), .hunt_group = STR("1010")), "there is no hunt group"},
        {PATTERN(.pattern = STR("9XXX"), .line = STR("1010"), .prefix = STR("0")), "leads to none"},
        {PATTERN(.pattern = STR("9XXX"), .trunk = STR("carrier"), .prefix = STR("0 1")),
         "prefix has"},
        {PATTERN(.pattern = STR("9XXX"), .trunk = STR("carrier"), .discard = STORE_DISCARD_PREDOT),
         "needs a '.'"},
        {PATTERN(.pattern = STR("9."), .trunk = STR("carrier"), .discard = STORE_DISCARD_PREDOT),
         "leaves nothing"},
        {PATTERN(.pattern = STR("101[0]"), .trunk = STR("carrier")), "taken by the line 1010"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        REFUSED(RC_INVALID, put_pattern(f, rows[i].row), rows[i].part);
}

static void test_equal_patterns_are_refused(void **state)
{
    struct fixture *f = *state;
    struct store_line l = {.pattern = STR("955")};
    OK(put_pattern(f, PATTERN(.pattern = STR("9.XX"), .line = STR("1010"))));
    REFUSED(RC_INVALID, put_pattern(f, PATTERN(.pattern = STR("9XX"), .line = STR("1011"))),
            "same numbers as 9.XX");
    REFUSED(RC_INVALID, put_pattern(f, PATTERN(.pattern = STR("[9]X[0-9]"), .blocked = true)),
            "same numbers as 9.XX");
    OK(put_pattern(f, PATTERN(.pattern = STR("9X[0-8]"), .line = STR("1011"))));
    OK(put_pattern(f, PATTERN(.pattern = STR("9.55"), .line = STR("1011"))));
    REFUSED(RC_INVALID, store_line_put(f->s, &admin, STORE_ADD, &l, &f->why),
            "taken by the route pattern 9.55");
}

static void test_targets_of_patterns_stay(void **state)
{
    struct fixture *f = *state;
    struct store_trunk t = trunk();
    struct store_hunt_group g = group();
    OK(put_trunk(f, &t));
    OK(put_group(f, &g));
    OK(put_pattern(f, PATTERN(.pattern = STR("7X"), .line = STR("1011"))));
    OK(put_pattern(f, PATTERN(.pattern = STR("8X"), .hunt_group = STR("2000"))));
    OK(put_pattern(f, PATTERN(.pattern = STR("9X"), .trunk = STR("carrier"))));
    REFUSED(RC_CONFLICT, store_line_remove(f->s, &admin, STR("1011"), &f->why), "pattern 7X");
    REFUSED(RC_CONFLICT, store_hunt_group_remove(f->s, &admin, STR("2000"), &f->why), "pattern 8X");
    REFUSED(RC_CONFLICT, store_trunk_remove(f->s, &admin, STR("carrier"), &f->why), "pattern 9X");
    OK(store_route_pattern_remove(f->s, &admin, STR("9X"), &f->why));
    OK(store_trunk_remove(f->s, &admin, STR("carrier"), &f->why));
}

/* --- changes are heard and written down --- */

struct heard {
    int count[STORE_KIND_COUNT], removed[STORE_KIND_COUNT];
};
static void hear(void *ctx, enum store_kind kind, struct str key, bool removed)
{
    struct heard *h = ctx;
    (void)key;
    h->count[kind]++;
    h->removed[kind] += removed;
}

static void test_changes_are_heard_and_audited(void **state)
{
    struct fixture *f = *state;
    static const char *const want[] = {"remove route-pattern 9X", "add route-pattern 9X",
                                       "add hunt-group 2000", "add trunk carrier"};
    struct heard h = {0};
    struct store_trunk t = trunk();
    struct store_hunt_group g = group();
    struct store_audits audits;
    int64_t n;
    OK(store_listen(f->s, hear, &h));
    OK(put_trunk(f, &t));
    OK(put_group(f, &g));
    OK(put_pattern(f, PATTERN(.pattern = STR("9X"), .trunk = STR("carrier"))));
    OK(store_route_pattern_remove(f->s, &admin, STR("9X"), &f->why));
    assert_int_equal(1, h.count[STORE_TRUNK]);
    assert_int_equal(1, h.count[STORE_HUNT_GROUP]);
    assert_int_equal(2, h.count[STORE_ROUTE_PATTERN]);
    assert_int_equal(1, h.removed[STORE_ROUTE_PATTERN]);
    OK(store_count(f->s, STORE_TRUNK, &n, &f->why));
    assert_int_equal(1, n);
    OK(store_audit_list(f->s, 0, 4, &f->a, &audits, &f->why));
    for (size_t i = 0; i < 4; i++) {
        char text[200];
        snprintf(text, sizeof text, "%.*s %.*s %.*s", STR_ARG(audits.rows[i].action),
                 STR_ARG(audits.rows[i].kind), STR_ARG(audits.rows[i].key));
        assert_string_equal(want[i], text);
    }
    store_unlisten(f->s, hear, &h);
}

/* --- call detail records --- */

static struct store_cdr cdr(const char *caller, const char *dialled, int64_t at_ms)
{
    return (struct store_cdr){.call = STR("c1"),
                              .node = STR("ucm1"),
                              .caller = str_from(caller),
                              .caller_device = STR("CSFrado"),
                              .dialled = str_from(dialled),
                              .called = STR("1011"),
                              .called_device = STR("CSFada"),
                              .trunk_out = STR("carrier"),
                              .start_unix_ms = at_ms,
                              .answer_unix_ms = at_ms + 5000,
                              .end_unix_ms = at_ms + 65000,
                              .status = 200,
                              .cause = 16,
                              .reason = STR("hung up"),
                              .end_by = STORE_CDR_BY_CALLED,
                              .encrypted = true};
}

static void test_cdrs_come_back_newest_first(void **state)
{
    struct fixture *f = *state;
    struct store_cdr rows[] = {cdr("1010", "2000", 1000), cdr("1012", "9123", 2000),
                               cdr("1010", "1011", 3000)};
    struct store_cdrs got;
    rows[1].answer_unix_ms = 0;
    rows[1].encrypted = false;
    OK(store_cdr_add(f->s, rows, 3, &f->why));
    OK(store_cdr_list(f->s, NULL, &f->a, &got, &f->why));
    assert_int_equal(3, got.count);
    assert_true(got.rows[0].id > got.rows[1].id);
    const struct store_cdr *c = &got.rows[0];
    assert_str("c1", c->call);
    assert_str("ucm1", c->node);
    assert_str("1010", c->caller);
    assert_str("CSFrado", c->caller_device);
    assert_str("1011", c->dialled);
    assert_str("1011", c->called);
    assert_str("CSFada", c->called_device);
    assert_str("", c->trunk_in);
    assert_str("carrier", c->trunk_out);
    assert_str("hung up", c->reason);
    assert_int_equal(3000, c->start_unix_ms);
    assert_int_equal(8000, c->answer_unix_ms);
    assert_int_equal(68000, c->end_unix_ms);
    assert_int_equal(200, c->status);
    assert_int_equal(16, c->cause);
    assert_int_equal(STORE_CDR_BY_CALLED, c->end_by);
    assert_true(c->encrypted);
    assert_false(got.rows[1].encrypted);
    assert_int_equal(0, got.rows[1].answer_unix_ms);
}

static size_t listed(struct fixture *f, struct store_cdr_page page)
{
    struct store_cdrs got;
    OK(store_cdr_list(f->s, &page, &f->a, &got, &f->why));
    return got.count;
}
#define PAGE(...) ((struct store_cdr_page){__VA_ARGS__})

static void test_cdrs_are_found_by_number_time_and_page(void **state)
{
    struct fixture *f = *state;
    struct store_cdr rows[] = {cdr("1010", "2000", 1000), cdr("1012", "9123", 2000),
                               cdr("1010", "rado", 3000)};
    struct store_cdrs got;
    OK(store_cdr_add(f->s, rows, 3, &f->why));
    assert_int_equal(2, listed(f, PAGE(.number = STR("1010"))));
    assert_int_equal(1, listed(f, PAGE(.number = STR("RADO"))));
    assert_int_equal(3, listed(f, PAGE(.number = STR("1011"))));
    assert_int_equal(0, listed(f, PAGE(.number = STR("' OR 1=1"))));
    assert_int_equal(2, listed(f, PAGE(.since_unix_ms = 2000)));
    assert_int_equal(1, listed(f, PAGE(.until_unix_ms = 2000)));
    assert_int_equal(1, listed(f, PAGE(.number = STR("1010"), .since_unix_ms = 1001)));
    assert_int_equal(1, listed(f, PAGE(.limit = 1)));
    OK(store_cdr_list(f->s, &PAGE(.limit = 1), &f->a, &got, &f->why));
    assert_int_equal(2, listed(f, PAGE(.before_id = got.rows[0].id)));
}

static void test_long_and_odd_texts_of_cdrs_are_cut(void **state)
{
    struct fixture *f = *state;
    char longer[STORE_CDR_TEXT_MAX + 10];
    struct store_cdr row = cdr("1010", "1011", 1000);
    struct store_cdrs got;
    memset(longer, 'a', sizeof longer);
    row.caller = str_of(longer, sizeof longer);
    row.reason = STR("\xff\xfe");
    OK(store_cdr_add(f->s, &row, 1, &f->why));
    OK(store_cdr_list(f->s, NULL, &f->a, &got, &f->why));
    assert_int_equal(STORE_CDR_TEXT_MAX, got.rows[0].caller.n);
    assert_str("(not text)", got.rows[0].reason);
}

static void test_old_cdrs_go(void **state)
{
    struct fixture *f = *state;
    enum { MANY = 10050 }; /* more than one slice of the pruning */
    struct store_cdr *rows = calloc(MANY, sizeof *rows), young = cdr("1010", "1011", 900000);
    struct store_cdrs got;
    int64_t dropped;
    for (size_t i = 0; i < MANY; i++)
        rows[i] = cdr("1010", "1011", 1000);
    OK(store_cdr_add(f->s, rows, MANY, &f->why));
    OK(store_cdr_add(f->s, &young, 1, &f->why));
    free(rows);
    OK(store_cdr_prune(f->s, 66000, &dropped, &f->why));
    assert_int_equal(0, dropped); /* they ended right then */
    OK(store_cdr_prune(f->s, 66001, &dropped, &f->why));
    assert_int_equal(MANY, dropped);
    OK(store_cdr_list(f->s, NULL, &f->a, &got, &f->why));
    assert_int_equal(1, got.count);
    assert_int_equal(MANY + 1, got.rows[0].id);
    OK(store_cdr_prune(f->s, INT64_MAX, NULL, &f->why));
    OK(store_cdr_add(f->s, &young, 1, &f->why));
    OK(store_cdr_list(f->s, NULL, &f->a, &got, &f->why));
    assert_int_equal(MANY + 2, got.rows[0].id); /* numbers are not given twice */
}

static void work(void *ctx)
{
    struct fixture *f = ctx;
    struct store_hunt_group g = group();
    struct store_route_pattern r = PATTERN(.pattern = STR("9X"), .line = STR("1010"));
    struct store_cdr row = cdr("1010", "1011", 1000);
    struct store_hunt_groups groups;
    struct store_cdrs cdrs;
    struct arena a;
    arena_init(&a, NULL, 0, ARENA_MAX);
    enum rc rcs[] = {store_hunt_group_put(f->s, &admin, STORE_PUT, &g, NULL),
                     store_route_pattern_put(f->s, &admin, STORE_PUT, &r, NULL),
                     store_hunt_group_list(f->s, NULL, &a, &groups, NULL),
                     store_cdr_add(f->s, &row, 1, NULL),
                     store_cdr_list(f->s, NULL, &a, &cdrs, NULL)};
    for (size_t i = 0; i < sizeof rcs / sizeof rcs[0]; i++)
        assert_true(rcs[i] == RC_OK || rcs[i] == RC_NOMEM);
    arena_fini(&a);
}

static void test_failing_allocations_leave_it_usable(void **state)
{
    struct fixture *f = *state;
    struct store_hunt_group got;
    kit_each_alloc_fails(work, f);
    OK(store_hunt_group_get(f->s, STR("2000"), &f->a, &got, &f->why));
    assert_int_equal(2, got.member_count);
    OK(store_check(f->s, &f->why));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int store_calls_contract_run(const struct store_backend *b)
{
    backend = b;
    const struct CMUnitTest tests[] = {
        T(test_line_keeps_its_call_settings),
        T(test_line_settings_are_checked),
        T(test_forwards_in_a_circle_are_refused),
        T(test_device_keeps_do_not_disturb),
        T(test_hunt_group_is_read_with_its_members),
        T(test_hunt_group_refuses_what_makes_no_sense),
        T(test_a_member_line_stays),
        T(test_trunk_keeps_what_was_put),
        T(test_trunk_refuses_what_makes_no_sense),
        T(test_route_pattern_keeps_what_was_put),
        T(test_route_pattern_refuses_what_makes_no_sense),
        T(test_equal_patterns_are_refused),
        T(test_targets_of_patterns_stay),
        T(test_changes_are_heard_and_audited),
        T(test_cdrs_come_back_newest_first),
        T(test_cdrs_are_found_by_number_time_and_page),
        T(test_long_and_odd_texts_of_cdrs_are_cut),
        T(test_old_cdrs_go),
        T(test_failing_allocations_leave_it_usable),
    };
    return cmocka_run_group_tests_name(b->name, tests, NULL, NULL);
}
