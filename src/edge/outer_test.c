/* The outer edge's SIP, message by message: what goes on, what comes back, and what no phone outside may
 * say. Flow 0x11 is a phone's, 0x22 another phone's, 0xaa the link. */
#include "kit/kit.h"

#include "edge/outer.h"
#include "edge/seal.h"

#include <stdio.h>

enum { PHONE = 0x11, OTHER = 0x22, LINK = 0xaa };

struct world {
    struct kit_random dice;
    struct random_source random;
    struct edge_seal *seal;
    struct edge_outer *outer;
    struct arena arena;
    struct sip_message message;
    struct sip_basics basics;
    struct buf out;
    struct edge_decision decision;
};

static int setup(void **state)
{
    static const uint8_t key[EDGE_SEAL_KEY_LEN] = {7};
    struct world *w = calloc(1, sizeof *w);
    w->random = kit_random(&w->dice, 4);
    arena_init(&w->arena, NULL, 0, 1 << 20);
    buf_init(&w->out, 65536);
    if (edge_seal_new(bytes_of(key, sizeof key), &w->random, &w->seal) != RC_OK) return -1;
    struct edge_outer_config c = {
        .seal = w->seal, .boot = 77, .host = STR("exp-e.example.com"), .port = 5061};
    *state = w;
    return edge_outer_new(&c, &w->outer) == RC_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *w = *state;
    edge_outer_free(w->outer);
    edge_seal_free(w->seal);
    arena_fini(&w->arena);
    buf_fini(&w->out);
    free(w);
    return 0;
}

/* ---- messages ---- */

static char text[16384];

/* A phone's request; more: whole header lines. */
static struct str request(const char *method, const char *to_tag, const char *more)
{
    snprintf(text, sizeof text,
             "%s sip:1020@example.com SIP/2.0\r\n"
             "Via: SIP/2.0/TLS 10.0.0.7:40000;branch=z9hG4bKphone1;rport\r\n"
             "Max-Forwards: 70\r\nFrom: <sip:1010@example.com>;tag=f\r\n"
             "To: <sip:1020@example.com>%s\r\nCall-ID: c1\r\nCSeq: 1 %s\r\n%sContent-Length: 4\r\n"
             "\r\nbody",
             method, to_tag, strcmp(method, "ACK") == 0 ? "ACK" : method, more);
    return str_from(text);
}

static struct edge_decision take(struct world *w, uint64_t flow, struct str bytes)
{
    struct sip_verdict v;
    struct str copy;
    assert_rc(RC_OK, arena_str_dup(&w->arena, bytes, &copy));
    assert_rc(RC_OK, sip_message_parse(copy, SIP_STREAM, &w->message, NULL));
    sip_validate(&w->message, SIP_STREAM, &w->basics, &v);
    if (v.action != SIP_ACCEPT) fail_msg("not valid: %s\n%.*s", v.reason, STR_ARG(bytes));
    struct edge_arrival a = {.message = &w->message,
                             .basics = &w->basics,
                             .arena = &w->arena,
                             .flow = flow,
                             .peer = net_addr_v4(203, 0, 113, 9, 51000)};
    buf_reset(&w->out);
    w->decision = flow == LINK ? edge_outer_from_link(w->outer, &a, &w->out)
                               : edge_outer_from_phone(w->outer, &a, LINK, &w->out);
    if (w->decision.verdict == EDGE_FORWARD) assert_rc(RC_OK, buf_rc(&w->out));
    return w->decision;
}

static struct str kept(struct world *w)
{
    struct str copy;
    assert_rc(RC_OK, arena_str_dup(&w->arena, buf_str(&w->out), &copy));
    return copy;
}

static struct str forwarded(struct world *w, uint64_t flow, struct str bytes, uint64_t to)
{
    struct edge_decision d = take(w, flow, bytes);
    if (d.verdict != EDGE_FORWARD) fail_msg("%u %s", d.status, d.reason);
    assert_int_equal(to, d.to);
    return kept(w);
}

static void refused(struct world *w, uint64_t flow, struct str bytes, unsigned status)
{
    struct edge_decision d = take(w, flow, bytes);
    assert_int_equal(EDGE_ANSWER, d.verdict);
    assert_int_equal(status, d.status);
    assert_int_equal(0, w->out.n);
}

static void dropped(struct world *w, uint64_t flow, struct str bytes)
{
    assert_int_equal(EDGE_DROP, take(w, flow, bytes).verdict);
}

static bool has(struct str s, const char *part)
{
    return str_find(s, str_from(part)) != STR_NPOS;
}

/* The value of the header's first line in s. */
static struct str value_of(struct world *w, struct str s, const char *name)
{
    char start[64];
    struct str copy;
    snprintf(start, sizeof start, "\r\n%s: ", name);
    ptrdiff_t at = str_find(s, str_from(start));
    if (at == STR_NPOS) fail_msg("no %s in %.*s", name, STR_ARG(s));
    struct str rest = str_sub(s, (size_t)at + strlen(start), s.n);
    assert_rc(RC_OK, arena_str_dup(&w->arena, str_sub(rest, 0, (size_t)str_find(rest, STR("\r\n"))),
                                   &copy));
    return copy;
}

/* The answer the far side gives to what was forwarded: all its Vias and Record-Routes. */
static struct str answer_to(struct str sent, unsigned status, const char *more)
{
    static char answer[16384];
    size_t n = (size_t)snprintf(answer, sizeof answer, "SIP/2.0 %u X\r\n", status);
    struct str line;
    for (struct str rest = sent; rest.n > 0;) {
        ptrdiff_t end = str_find(rest, STR("\r\n"));
        if (end <= 0) break;
        line = str_sub(rest, 0, (size_t)end + 2);
        rest = str_sub(rest, (size_t)end + 2, rest.n);
        if (str_starts(line, STR("Via:")) || str_starts(line, STR("Record-Route:")) ||
            str_starts(line, STR("From:")) || str_starts(line, STR("To:")) ||
            str_starts(line, STR("Call-ID:")) || str_starts(line, STR("CSeq:")))
            n += (size_t)snprintf(answer + n, sizeof answer - n, "%.*s", STR_ARG(line));
    }
    snprintf(answer + n, sizeof answer - n, "%sContent-Length: 0\r\n\r\n", more);
    return str_from(answer);
}

/* What an inner edge sends to the phone of flow PHONE. */
static struct str inward(struct world *w, const char *method, const char *route, const char *more)
{
    static char lines[4096];
    (void)w;
    snprintf(lines, sizeof lines, "Route: %s\r\n%s", route, more);
    return request(method, "", lines);
}

/* The URI in the Path of a registration by that flow. */
static const char *path_of(struct world *w, uint64_t flow)
{
    struct str sent = forwarded(w, flow, request("REGISTER", "", ""), LINK);
    return value_of(w, sent, "Path").p;
}

/* ---- tests ---- */

static void test_a_registration_goes_to_the_link_with_path_and_via(void **state)
{
    struct world *w = *state;
    struct str sent = forwarded(
        w, PHONE, request("REGISTER", "", "Contact: <sip:u@10.0.0.7:40000;transport=tls>\r\n"),
        LINK);
    assert_true(has(sent, "REGISTER sip:1020@example.com SIP/2.0\r\nVia: SIP/2.0/TLS "
                          "exp-e.example.com:5061;branch=z9hG4bKe"));
    assert_true(has(sent, ".11\r\nVia: SIP/2.0/TLS 10.0.0.7:40000;branch=z9hG4bKphone1;"
                          "rport=51000;received=203.0.113.9\r\n"));
    assert_true(has(sent, "\r\nMax-Forwards: 69\r\n"));
    assert_true(has(sent, "@exp-e.example.com:5061;transport=tls;lr;ob>\r\n"));
    assert_true(has(sent, "\r\nContact: <sip:u@10.0.0.7:40000;transport=tls>\r\n"));
    assert_true(has(sent, "\r\n\r\nbody"));
    assert_false(has(sent, "Record-Route"));
}

static void test_its_answer_comes_back_by_our_via_alone(void **state)
{
    struct world *w = *state;
    struct str sent = forwarded(w, PHONE, request("REGISTER", "", ""), LINK);
    struct str back = forwarded(w, LINK, answer_to(sent, 200, "Expires: 120\r\n"), PHONE);
    assert_true(
        str_starts(back, STR("SIP/2.0 200 X\r\nVia: SIP/2.0/TLS 10.0.0.7:40000;branch=z9hG4b"
                             "Kphone1;rport=51000;received=203.0.113.9\r\n")));
    assert_true(has(back, "\r\nExpires: 120\r\n"));
    assert_false(has(back, "exp-e.example.com"));
    /* The same from a phone is an answer to nothing: it was not asked there. */
    dropped(w, OTHER, answer_to(sent, 200, ""));
    dropped(w, PHONE, answer_to(sent, 200, ""));
}

static void test_cancel_and_ack_bear_the_branch_of_their_invite(void **state)
{
    struct world *w = *state;
    struct str invite = value_of(w, forwarded(w, PHONE, request("INVITE", "", ""), LINK), "Via");
    struct str cancel = value_of(w, forwarded(w, PHONE, request("CANCEL", "", ""), LINK), "Via");
    struct str ack = value_of(w, forwarded(w, PHONE, request("ACK", ";tag=t", ""), LINK), "Via");
    struct str other = value_of(w, forwarded(w, OTHER, request("INVITE", "", ""), LINK), "Via");
    assert_true(str_eq(invite, cancel));
    assert_true(str_eq(invite, ack));
    assert_false(str_eq(invite, other));
}

static void test_a_request_from_inside_finds_the_phone_by_its_path(void **state)
{
    struct world *w = *state;
    const char *path = path_of(w, PHONE);
    struct str sent = forwarded(
        w, LINK, inward(w, "INVITE", path, "P-Asserted-Identity: <sip:1020@example.com>\r\n"),
        PHONE);
    assert_false(has(sent, "\r\nRoute:"));
    assert_true(has(sent, "\r\nRecord-Route: <sip:"));
    assert_true(has(sent, "\r\nP-Asserted-Identity: <sip:1020@example.com>\r\n"));
    /* Its answer goes to the link, and only from that phone. */
    struct str answer = answer_to(sent, 180, "Contact: <sip:u@10.0.0.7:40000>\r\n");
    dropped(w, OTHER, answer);
    struct str back = forwarded(w, PHONE, answer, LINK);
    assert_true(has(back, "\r\nRecord-Route: <sip:"));
    assert_true(has(back, "\r\nContact: <sip:u@10.0.0.7:40000>\r\n"));
}

static void test_a_phone_cannot_steer_its_caller_by_record_routes(void **state)
{
    struct world *w = *state;
    struct str sent = forwarded(w, LINK, inward(w, "INVITE", path_of(w, PHONE), ""), PHONE);
    dropped(w, PHONE, answer_to(sent, 200, "Record-Route: <sip:evil.example.com;lr>\r\n"));
    /* Another phone's token is no better. */
    struct str theirs = value_of(w, forwarded(w, OTHER, request("INVITE", "", ""), LINK),
                                 "Record-Route");
    char line[1024];
    snprintf(line, sizeof line, "Record-Route: %.*s\r\n", STR_ARG(theirs));
    dropped(w, PHONE, answer_to(sent, 200, line));
}

static void test_a_dialog_goes_through_its_route_set(void **state)
{
    struct world *w = *state;
    struct str invite = forwarded(w, PHONE, request("INVITE", "", ""), LINK);
    char routes[2048];
    snprintf(routes, sizeof routes, "Route: %.*s, <sip:inner-token@edge.invalid;lr>\r\n",
             STR_ARG(value_of(w, invite, "Record-Route")));
    struct str bye = forwarded(w, PHONE, request("BYE", ";tag=t", routes), LINK);
    assert_true(has(bye, "\r\nRoute: <sip:inner-token@edge.invalid;lr>\r\n"));
    assert_false(has(bye, "Record-Route"));
    /* And from inside. */
    snprintf(routes, sizeof routes, "Route: %.*s\r\n",
             STR_ARG(value_of(w, invite, "Record-Route")));
    assert_true(
        str_starts(forwarded(w, LINK, request("BYE", ";tag=t", routes), PHONE), STR("BYE ")));
}

static void test_routes_that_were_not_made_here_lead_nowhere(void **state)
{
    struct world *w = *state;
    char token[1024], line[2048];
    snprintf(
        token, sizeof token, "%.*s",
        STR_ARG(value_of(w, forwarded(w, PHONE, request("INVITE", "", ""), LINK), "Record-Route")));
    token[10] = token[10] == 'A' ? 'B' : 'A';
    const char *const rows[] = {"<sip:ucm1.example.com:5091;transport=tls;lr>",
                                "<sip:10.0.0.1;lr>",
                                "<sip:AAAA@exp-e.example.com:5061;transport=tls;lr>",
                                "<sip:exp-e.example.com:7001;transport=tls;lr>",
                                "<sip:exp-e.example.com:5061;transport=tls>",
                                "<sip:edge.invalid;lr>",
                                "<sip:a@edge.invalid;lr>, <sip:b@edge.invalid;lr>",
                                "<sip:a@edge.invalid;lr>, <sip:exp-e.example.com:5061;lr>",
                                "<tel:1020>",
                                token};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(line, sizeof line, "Route: %s\r\n", rows[i]);
        refused(w, PHONE, request("INVITE", "", line), 403);
        dropped(w, PHONE, request("ACK", ";tag=t", line));
    }
    /* The way in as a phone is configured with it is fine. */
    snprintf(line, sizeof line, "Route: <sip:exp-e.example.com;transport=tls;lr>\r\n");
    assert_false(has(forwarded(w, PHONE, request("REGISTER", "", line), LINK), "\r\nRoute:"));
}

static void test_nothing_is_asserted_from_outside(void **state)
{
    struct world *w = *state;
    struct str sent = forwarded(w, PHONE,
                                request("INVITE", "",
                                        "P-Asserted-Identity: <sip:boss@example.com>\r\n"
                                        "P-Preferred-Identity: <sip:boss@example.com>\r\n"
                                        "Remote-Party-ID: <sip:boss@example.com>\r\n"
                                        "Path: <sip:evil.example.com;lr>\r\n"
                                        "Record-Route: <sip:evil.example.com;lr>\r\n"
                                        "History-Info: <sip:boss@example.com>;index=1\r\n"
                                        "Bearline-Reason: none\r\nX-Kept: yes\r\n"),
                                LINK);
    assert_false(has(sent, "boss"));
    assert_false(has(sent, "evil"));
    assert_false(has(sent, "Bearline-Reason"));
    assert_true(has(sent, "\r\nX-Kept: yes\r\n"));
}

static void test_vias_and_hops_are_watched(void **state)
{
    struct world *w = *state;
    refused(w, PHONE,
            request("INVITE", "", "Via: SIP/2.0/TLS 10.1.1.1;branch=z9hG4bKx;edge-flow=1.2\r\n"),
            400);
    char one[4096];
    snprintf(one, sizeof one, "%s", request("OPTIONS", "", "").p);
    char *hops = strstr(one, "Max-Forwards: 70");
    memcpy(hops, "Max-Forwards: 00", 16);
    refused(w, PHONE, str_from(one), 483);
    snprintf(one, sizeof one, "%s", request("OPTIONS", "", "").p);
    char *branch = strstr(one, "z9hG4bKphone1");
    memcpy(branch, "oldbranchhere", 13);
    refused(w, PHONE, str_from(one), 400);
}

static void test_a_connection_of_another_start_has_failed(void **state)
{
    struct world *w = *state;
    char path[1024];
    snprintf(path, sizeof path, "%.*s",
             STR_ARG(value_of(w, forwarded(w, PHONE, request("REGISTER", "", ""), LINK), "Path")));
    struct edge_outer_config c = {
        .seal = w->seal, .boot = 78, .host = STR("exp-e.example.com"), .port = 5061};
    edge_outer_free(w->outer);
    assert_rc(RC_OK, edge_outer_new(&c, &w->outer));
    refused(w, LINK, inward(w, "INVITE", path, ""), 430);
    refused(w, LINK, inward(w, "INVITE", "<sip:x@exp-e.example.com;lr>", ""), 404);
    refused(w, LINK, request("INVITE", "", ""), 404);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_a_registration_goes_to_the_link_with_path_and_via),
        T(test_its_answer_comes_back_by_our_via_alone),
        T(test_cancel_and_ack_bear_the_branch_of_their_invite),
        T(test_a_request_from_inside_finds_the_phone_by_its_path),
        T(test_a_phone_cannot_steer_its_caller_by_record_routes),
        T(test_a_dialog_goes_through_its_route_set),
        T(test_routes_that_were_not_made_here_lead_nowhere),
        T(test_nothing_is_asserted_from_outside),
        T(test_vias_and_hops_are_watched),
        T(test_a_connection_of_another_start_has_failed),
    };
    return cmocka_run_group_tests_name("edge/outer", tests, NULL, NULL);
}
