/* Calls to and from SIP trunks, over flows without sockets; names are found in a table. */
#include "kit/kit.h"

#include "call/fixture.h"
#include "directory/dialplan.h"

#include <stdio.h>

#define SDP                                                                                        \
    "v=0\r\no=- 1 1 IN IP4 10.10.10.10\r\ns=-\r\nc=IN IP4 10.10.10.10\r\nt=0 0\r\n"                \
    "m=audio 4000 RTP/AVP 0\r\n"

/* Calls of the encrypted lines here are plain on the trunk, where parameter and phone allow it. */
#define FALLS_BACK "Supported: X-cisco-srtp-fallback\r\n"

static const struct store_by admin = {.who = STR_INIT("admin"), .from = STR_INIT("test")};

enum { SERVERS = 4 };

static struct fixture *x;
static struct phone *a, *b;            /* 1020 and 1030 */
static struct phone *servers[SERVERS]; /* at 192.0.2.1 ... */
static bool refuses[SERVERS], is_slow[SERVERS];
static unsigned srv_count; /* of sbc.example.com: hosts h1 ... */
static unsigned asked;

/* ---- the world outside ---- */

static enum rc test_connect(struct siptx_stack *s, const struct siptx_target *t,
                            struct siptx_flow **out)
{
    (void)s;
    unsigned i = t->addr.ip[3] - 1U;
    assert_true(i < SERVERS);
    asked++;
    if (refuses[i]) return RC_IO;
    return fixture_connected(servers[i], t, !is_slow[i], out);
}

static enum rc test_srv(void *ctx, struct str name, net_srvs_fn *fn, void *fn_ctx,
                        struct net_query **out)
{
    (void)ctx;
    struct net_srv srvs[SERVERS] = {{.port = 0}};
    assert_true(str_eq(name, STR("_sip._tcp.sbc.example.com")));
    for (unsigned i = 0; i < srv_count; i++) {
        snprintf(srvs[i].target, sizeof srvs[i].target, "h%u", i + 1);
        srvs[i].port = 5070;
    }
    *out = NULL;
    fn(fn_ctx, srv_count > 0 ? RC_OK : RC_NOT_FOUND, srvs, srv_count, 60);
    return RC_OK;
}

static enum rc test_addrs(void *ctx, struct str name, uint16_t port, net_addrs_fn *fn, void *fn_ctx,
                          struct net_query **out)
{
    (void)ctx;
    struct net_addr addr = net_addr_v4(192, 0, 2, 1, port);
    if (name.p[0] == 'h') addr.ip[3] = (uint8_t)(name.p[1] - '0');
    *out = NULL;
    fn(fn_ctx, RC_OK, &addr, 1, 60);
    return RC_OK;
}

static void put_trunk(const char *name, const char *host, int port, const char *peers, bool enabled)
{
    struct store_why why = {""};
    struct store_trunk t = {.name = str_from(name),
                            .host = str_from(host),
                            .port = port,
                            .transport = STORE_TCP,
                            .peers = str_from(peers),
                            .enabled = enabled};
    assert_rc(RC_OK, store_trunk_put(x->b->store, &admin, STORE_PUT, &t, &why));
}

static void put_pattern(const char *pattern, const char *trunk)
{
    struct store_why why = {""};
    struct store_route_pattern r = {.pattern = str_from(pattern),
                                    .trunk = str_from(trunk),
                                    .discard = STORE_DISCARD_PREDOT,
                                    .prefix = STR("00")};
    assert_rc(RC_OK, store_route_pattern_put(x->b->store, &admin, STORE_PUT, &r, &why));
}

static int setup(void **state)
{
    (void)state;
    const struct call_reach_ops ops = {
        .connect = test_connect, .srv = test_srv, .addrs = test_addrs};
    x = fixture_new();
    a = fixture_phone(x, "PHA", "eve", "1020", 0);
    b = fixture_phone(x, "PHB", "ann", "1030", 1);
    b->more = FALLS_BACK;
    assert_int_equal(200, fixture_register(b));
    bed_param(x->b, "SIPSrtpFallback", "fallback");
    for (unsigned i = 0; i < FIXTURE_WORKERS; i++) {
        assert_rc(RC_OK, call_worker_set_reach(x->workers[i], &ops));
        call_worker_attach(x->workers[i], x->stacks[i]);
    }
    for (unsigned i = 0; i < SERVERS; i++) {
        servers[i] = fixture_server(x, 0);
        refuses[i] = is_slow[i] = false;
    }
    srv_count = 3;
    asked = 0;
    put_trunk("lab", "192.0.2.1", 5070, "10.10.10.10", true);
    put_trunk("carrier", "sbc.example.com", 0, "", true);
    put_pattern("9.!", "lab");
    put_pattern("8.!", "carrier");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_quiet(a);
    fixture_quiet(b);
    for (unsigned i = 0; i < SERVERS; i++)
        fixture_quiet(servers[i]);
    fixture_free(x);
    return 0;
}

static const char *call(const char *number)
{
    const char *invite = fixture_invite(a, number, FALLS_BACK, SDP);
    fixture_expect(a, "SIP/2.0 100");
    return invite;
}

static void refused(struct phone *p, const char *invite, unsigned status)
{
    fixture_answer(p, invite, status, "s", NULL, NULL);
    fixture_expect(p, "ACK ");
}

static void hears(const char *invite, const char *status)
{
    fixture_ack_refusal(a, invite, fixture_expect(a, status));
}

/* The server answers; what the caller has of it. */
static const char *answers(struct phone *p, const char *invite, const char *offered)
{
    fixture_answer(p, offered, 200, "s", NULL, SDP);
    const char *answer = fixture_expect(a, "SIP/2.0 200");
    fixture_in_dialog(a, "ACK", invite, answer, false, NULL, NULL);
    fixture_expect(p, "ACK ");
    return answer;
}

static void hangs_up(struct phone *p, const char *invite, const char *answer)
{
    fixture_in_dialog(a, "BYE", invite, answer, false, NULL, NULL);
    fixture_answer(p, fixture_expect(p, "BYE "), 200, NULL, NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
}

/* ---- out ---- */

static void test_a_call_goes_out_and_ends_there(void **state)
{
    (void)state;
    const char *invite = call("94312");
    const char *got = fixture_expect(servers[0],
                                     "INVITE sip:004312@192.0.2.1:5070;transport=tcp SIP/2.0");
    assert_string_equal("<sip:1020@10.10.10.1>", fixture_header(got, "P-Asserted-Identity", 0));
    /* The carrier comes to the port we listen on, not to the one we happened to call from. */
    assert_true(
        fixture_has(fixture_header(got, "Record-Route", 0), "@10.10.10.1:5060;transport=tcp"));
    assert_true(
        fixture_has(fixture_header(got, "Record-Route", 1), "@10.10.10.1:5090;transport=tls"));
    assert_true(fixture_has(fixture_header(got, "Via", 0), "SIP/2.0/TCP 10.10.10.1:40000"));
    fixture_answer(servers[0], got, 183, "s", NULL, SDP);
    fixture_expect(a, "SIP/2.0 183");
    const char *answer = fixture_answer(servers[0], got, 200, "s", NULL, SDP);
    const char *heard = fixture_expect(a, "SIP/2.0 200");
    fixture_in_dialog(a, "ACK", invite, heard, false, NULL, NULL);
    fixture_expect(servers[0], "ACK ");
    /* It hangs up over a connection of its own. */
    struct phone *other = fixture_stranger(x, 1, CALL_LINE, SIPTX_TCP);
    fixture_in_dialog(other, "BYE", got, answer, true, NULL, NULL);
    fixture_answer(a, fixture_expect(a, "BYE "), 200, NULL, NULL, NULL);
    fixture_expect(other, "SIP/2.0 200");
    assert_int_equal(1, x->ended_count);
    assert_string_equal("004312", x->ended[0].to);
    assert_string_equal("trunk:lab", x->ended[0].to_device);
    assert_int_equal(CALL_END_CALLEE, x->ended[0].end);
    /* The next call uses the same connection. */
    invite = call("95");
    got = fixture_expect(servers[0], "INVITE sip:005@");
    hangs_up(servers[0], invite, answers(servers[0], invite, got));
    assert_int_equal(1, asked);
}

static void test_the_carrier_hangs_up_where_it_was_called(void **state)
{
    (void)state;
    const char *invite = call("84312");
    const char *got = fixture_expect(servers[0],
                                     "INVITE sip:004312@sbc.example.com;transport=tcp ");
    const char *answer = fixture_answer(servers[0], got, 200, "s", NULL, SDP);
    const char *heard = fixture_expect(a, "SIP/2.0 200");
    fixture_in_dialog(a, "ACK", invite, heard, false, NULL, NULL);
    fixture_expect(servers[0], "ACK ");
    fixture_in_dialog(servers[0], "BYE", got, answer, true, NULL, NULL);
    fixture_answer(a, fixture_expect(a, "BYE "), 200, NULL, NULL, NULL);
    fixture_expect(servers[0], "SIP/2.0 200");
    assert_int_equal(1, x->ended_count);
}

static void test_the_next_server_is_tried(void **state)
{
    (void)state;
    refuses[0] = true; /* no connection */
    is_slow[1] = true; /* opens, then breaks */
    const char *invite = call("84312");
    fixture_quiet(servers[2]);
    siptx_flow_gone(servers[1]->flow, SIPTX_CLOSE_CONNECT, STR("timed out"));
    fixture_settle(x);
    const char *got = fixture_expect(servers[2], "INVITE sip:004312@");
    hangs_up(servers[2], invite, answers(servers[2], invite, got));
    refuses[0] = false;
    invite = call("84312");
    is_slow[1] = false;
    refuses[1] = true; /* its connection had broken: it is tried anew, in vain */
    refused(servers[0], fixture_expect(servers[0], "INVITE "), 503);
    hangs_up(servers[2], invite,
             answers(servers[2], invite, fixture_expect(servers[2], "INVITE ")));
}

static void test_a_server_that_says_nothing_gives_way(void **state)
{
    (void)state;
    srv_count = 2;
    const char *invite = call("84312");
    fixture_expect(servers[0], "INVITE ");
    fixture_pass(x, 33000);
    hangs_up(servers[1], invite,
             answers(servers[1], invite, fixture_expect(servers[1], "INVITE ")));
}

/* Carriers close connections that are idle: that ends no call. */
static void test_a_call_outlives_its_connection(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        refuses[0] = false;
        const char *invite = call("94312");
        const char *got = fixture_expect(servers[0], "INVITE ");
        const char *answer = answers(servers[0], invite, got);
        fixture_cut(servers[0]);
        fixture_pass(x, 60000);
        assert_int_equal(1, call_node_call_count(x->b->node));
        refuses[0] = i == 2;
        if (i == 0) { /* it is asked something first */
            fixture_in_dialog(a, "INFO", invite, answer, false, NULL, NULL);
            got = fixture_expect(servers[0], "INFO ");
            fixture_answer(servers[0], got, 200, NULL, NULL, NULL);
            fixture_expect(a, "SIP/2.0 200");
        }
        if (i < 2) {
            hangs_up(servers[0], invite, answer);
        } else {
            fixture_in_dialog(a, "BYE", invite, answer, false, NULL, NULL);
            fixture_expect(a, "SIP/2.0 500");
        }
        assert_int_equal(0, call_node_call_count(x->b->node));
    }
    assert_int_equal(4, asked);
}

static void test_an_answer_of_the_trunk_is_the_callers(void **state)
{
    (void)state;
    const char *invite = call("84312");
    refused(servers[0], fixture_expect(servers[0], "INVITE "), 404);
    hears(invite, "SIP/2.0 404");
}

static void test_nobody_there(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SERVERS; i++)
        refuses[i] = true;
    const char *invite = call("84312");
    hears(invite, "SIP/2.0 500");
    assert_int_equal(3, asked);
    srv_count = 0; /* no SRV record: the name itself, once */
    invite = call("84312");
    hears(invite, "SIP/2.0 500");
    assert_int_equal(4, asked);
    put_trunk("carrier", "sbc.example.com", 0, "", false);
    invite = call("84312");
    hears(invite, "SIP/2.0 480");
    assert_int_equal(0, call_node_call_count(x->b->node));
}

static void test_the_caller_gives_up_while_it_is_looked_for(void **state)
{
    (void)state;
    is_slow[0] = true;
    const char *invite = call("94312");
    fixture_cancel(a, invite);
    fixture_expect(a, "SIP/2.0 200");
    hears(invite, "SIP/2.0 487");
    fixture_opened(servers[0]);
    fixture_pass(x, 40000);
    invite = call("94312");
    const char *got = fixture_expect(servers[0], "INVITE ");
    hangs_up(servers[0], invite, answers(servers[0], invite, got));
}

static void test_the_caller_is_cut_off_while_it_is_looked_for(void **state)
{
    (void)state;
    is_slow[0] = true;
    call("94312");
    fixture_cut(a);
    fixture_opened(servers[0]);
    fixture_pass(x, 40000);
    assert_int_equal(0, call_node_call_count(x->b->node));
    fixture_connect(a, CALL_OAUTH, SIPTX_TLS);
}

static void test_two_calls_wait_for_one_connection(void **state)
{
    (void)state;
    is_slow[0] = true;
    const char *first = call("91"), *second = call("92");
    assert_int_equal(1, asked);
    fixture_opened(servers[0]);
    const char *one = fixture_expect(servers[0], "INVITE sip:001@"),
               *two = fixture_expect(servers[0], "INVITE sip:002@");
    hangs_up(servers[0], first, answers(servers[0], first, one));
    hangs_up(servers[0], second, answers(servers[0], second, two));
}

/* ---- in ---- */

static void test_a_trunk_calls_a_number_of_ours(void **state)
{
    (void)state;
    struct phone *t = fixture_stranger(x, 2, CALL_LINE, SIPTX_TCP);
    const char *invite = fixture_invite(t, "1030", "P-Asserted-Identity: <sip:0431@lab>\r\n", SDP);
    fixture_expect(t, "SIP/2.0 100");
    const char *got = fixture_expect(b, "INVITE ");
    assert_string_equal("<sip:0431@10.10.10.1>", fixture_header(got, "P-Asserted-Identity", 0));
    fixture_answer(b, got, 200, "b", NULL, SDP);
    const char *answer = fixture_expect(t, "SIP/2.0 200");
    fixture_in_dialog(t, "ACK", invite, answer, false, NULL, NULL);
    fixture_expect(b, "ACK ");
    fixture_in_dialog(t, "BYE", invite, answer, false, NULL, NULL);
    fixture_answer(b, fixture_expect(b, "BYE "), 200, NULL, NULL, NULL);
    fixture_expect(t, "SIP/2.0 200");
    assert_int_equal(1, x->ended_count);
    assert_string_equal("0431", x->ended[0].from);
    assert_string_equal("trunk:lab", x->ended[0].from_device);
    assert_string_equal("PHB", x->ended[0].to_device);
}

static void test_a_trunk_reaches_our_numbers_alone(void **state)
{
    (void)state;
    struct phone *t = fixture_stranger(x, 0, CALL_LINE, SIPTX_TCP);
    static const struct {
        const char *method, *number, *expected;
    } rows[] = {{"INVITE", "94312", "SIP/2.0 403"},
                {"INVITE", "84312", "SIP/2.0 403"},
                {"INVITE", "77", "SIP/2.0 404"},
                {"REFER", "1030", "SIP/2.0 403"},
                {"SUBSCRIBE", "1030", "SIP/2.0 403"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *request = fixture_request(t, rows[i].method, rows[i].number,
                                              "Refer-To: <sip:1@x>\r\nEvent: x\r\n", NULL);
        const char *end = fixture_expect(t, rows[i].expected);
        if (strcmp(rows[i].method, "INVITE") == 0) fixture_ack_refusal(t, request, end);
    }
    /* A line may send its calls on to the other trunk: that is its owner's will. */
    struct store_why why = {""};
    struct store_line l = {.pattern = STR("1030"), .forward_all = STR("84312")};
    assert_rc(RC_OK, store_line_put(x->b->store, &admin, STORE_PUT, &l, &why));
    const char *invite = fixture_invite(t, "1030", NULL, SDP);
    fixture_expect(t, "SIP/2.0 100");
    refused(servers[0], fixture_expect(servers[0], "INVITE sip:004312@"), 486);
    fixture_ack_refusal(t, invite, fixture_expect(t, "SIP/2.0 486"));
}

static void test_others_are_strangers(void **state)
{
    (void)state;
    put_trunk("lab", "192.0.2.1", 5070, "198.51.100.0/24", true);
    struct phone *t = fixture_stranger(x, 0, CALL_LINE, SIPTX_TCP);
    struct phone *u = fixture_stranger(x, 0, CALL_LINE, SIPTX_UDP);
    struct phone *o = fixture_stranger(x, 0, CALL_OAUTH, SIPTX_TLS);
    struct phone *const all[] = {t, u, o};
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3; i++) {
            if (round == 1 && i == 0) continue; /* now that is the trunk */
            const char *one = fixture_invite(all[i], "1030", NULL, SDP);
            const char *known = fixture_expect(all[i], "SIP/2.0 4");
            fixture_ack_refusal(all[i], one, known);
            const char *two = fixture_invite(all[i], "7777", NULL, SDP);
            const char *unknown = fixture_expect(all[i], "SIP/2.0 4");
            fixture_ack_refusal(all[i], two, unknown);
            assert_memory_equal(known, unknown, 11); /* nothing is learned of who exists */
            assert_false(fixture_has(known, "SIP/2.0 404"));
        }
        put_trunk("lab", "192.0.2.1", 5070, "10.10.10.10", true);
    }
}

/* ---- are they up? ---- */

static void answers_ping(struct phone *p)
{
    const char *ping = fixture_expect(p, "OPTIONS sip:192.0.2.1:5070;transport=tcp SIP/2.0");
    fixture_answer(p, ping, 404, "s", NULL, NULL); /* that it answers is enough */
}

static bool is_up(const char *name, bool *known)
{
    struct call_trunk_state rows[4];
    size_t n = call_node_trunks(x->b->node, rows, 4);
    *known = false;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].name, name) != 0) continue;
        *known = true;
        return rows[i].is_up;
    }
    return false;
}

static void test_it_is_known_which_trunks_are_up(void **state)
{
    (void)state;
    bool known;
    put_trunk("carrier", "sbc.example.com", 0, "", false);
    assert_rc(RC_OK, call_worker_watch_trunks(x->workers[0]));
    fixture_pass(x, 1000);
    is_up("lab", &known);
    assert_false(known); /* it has not answered yet */
    answers_ping(servers[0]);
    assert_true(is_up("lab", &known));
    fixture_pass(x, 30000);
    answers_ping(servers[0]);
    fixture_cut(servers[0]);
    refuses[0] = true;
    assert_true(is_up("lab", &known));
    fixture_pass(x, 30000);
    assert_false(is_up("lab", &known));
    assert_true(known);
    refuses[0] = false;
    fixture_pass(x, 30000);
    fixture_expect(servers[0], "OPTIONS ");
    fixture_pass(x, 33000); /* silence: the question is not asked twice meanwhile */
    assert_false(is_up("lab", &known));
    fixture_pass(x, 30000);
    answers_ping(servers[0]);
    assert_true(is_up("lab", &known));
    put_trunk("lab", "192.0.2.1", 5070, "", false);
    fixture_pass(x, 30000);
    is_up("lab", &known);
    assert_false(known);
}

/* The node ends while questions are open. */
static void test_an_open_question_ends_with_the_node(void **state)
{
    (void)state;
    is_slow[0] = true;
    assert_rc(RC_OK, call_worker_watch_trunks(x->workers[0]));
    srv_count = 1;
    fixture_pass(x, 1000);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_a_call_goes_out_and_ends_there),
        T(test_the_carrier_hangs_up_where_it_was_called),
        T(test_the_next_server_is_tried),
        T(test_a_server_that_says_nothing_gives_way),
        T(test_a_call_outlives_its_connection),
        T(test_an_answer_of_the_trunk_is_the_callers),
        T(test_nobody_there),
        T(test_the_caller_gives_up_while_it_is_looked_for),
        T(test_the_caller_is_cut_off_while_it_is_looked_for),
        T(test_two_calls_wait_for_one_connection),
        T(test_a_trunk_calls_a_number_of_ours),
        T(test_a_trunk_reaches_our_numbers_alone),
        T(test_others_are_strangers),
        T(test_it_is_known_which_trunks_are_up),
        T(test_an_open_question_ends_with_the_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
