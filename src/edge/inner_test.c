/* Both edges in a row: a phone outside, the outer edge, the inner edge, a call server. What each sees,
 * what of the inside the phone never sees, and that everything is put back. */
#include "kit/kit.h"

#include "edge/inner.h"
#include "edge/outer.h"
#include "edge/seal.h"

#include <stdio.h>

/* Flows: the phone's and the link's at the outer edge; the link's and the zone's at the inner one. */
enum { PHONE = 0x11, LINK_OUT = 0xaa, LINK_IN = 0xbb, ZONE = 0xcc, OTHER_LINK = 0xdd };

struct world {
    struct kit_random dice;
    struct random_source random;
    struct edge_seal *seals[2];
    struct edge_outer *outer;
    struct edge_inner *inner;
    struct arena arena;
    struct sip_message message;
    struct sip_basics basics;
    struct buf out;
    struct edge_decision decision;
};

static struct world w;

static int setup(void **state)
{
    uint8_t key[EDGE_SEAL_KEY_LEN] = {1};
    (void)state;
    w = (struct world){.outer = NULL};
    w.random = kit_random(&w.dice, 4);
    arena_init(&w.arena, NULL, 0, 4 << 20);
    buf_init(&w.out, 65536);
    for (size_t i = 0; i < 2; i++, key[0]++)
        if (edge_seal_new(bytes_of(key, sizeof key), &w.random, &w.seals[i]) != RC_OK) return -1;
    struct edge_outer_config oc = {
        .seal = w.seals[0], .boot = 77, .host = STR("exp-e.example.com"), .port = 5061};
    struct edge_inner_config ic = {
        .seal = w.seals[1], .host = STR("exp-c.example.com"), .port = 5061};
    return edge_outer_new(&oc, &w.outer) == RC_OK && edge_inner_new(&ic, &w.inner) == RC_OK ? 0
                                                                                            : -1;
}

static int teardown(void **state)
{
    (void)state;
    edge_outer_free(w.outer);
    edge_inner_free(w.inner);
    edge_seal_free(w.seals[0]);
    edge_seal_free(w.seals[1]);
    arena_fini(&w.arena);
    buf_fini(&w.out);
    return 0;
}

/* ---- one hop ---- */

static struct edge_arrival arrive(uint64_t flow, struct str bytes)
{
    struct sip_verdict v;
    struct str copy;
    assert_rc(RC_OK, arena_str_dup(&w.arena, bytes, &copy));
    assert_rc(RC_OK, sip_message_parse(copy, SIP_STREAM, &w.message, NULL));
    sip_validate(&w.message, SIP_STREAM, &w.basics, &v);
    if (v.action != SIP_ACCEPT) fail_msg("not valid: %s\n%.*s", v.reason, STR_ARG(bytes));
    buf_reset(&w.out);
    return (struct edge_arrival){.message = &w.message,
                                 .basics = &w.basics,
                                 .arena = &w.arena,
                                 .flow = flow,
                                 .peer = net_addr_v4(203, 0, 113, 9, 51000)};
}

static struct str sent(uint64_t to)
{
    struct str copy;
    if (w.decision.verdict != EDGE_FORWARD) fail_msg("%u %s", w.decision.status, w.decision.reason);
    assert_int_equal(to, w.decision.to);
    assert_rc(RC_OK, arena_str_dup(&w.arena, buf_str(&w.out), &copy));
    return copy;
}

static struct edge_decision at_outer(uint64_t flow, struct str bytes)
{
    struct edge_arrival a = arrive(flow, bytes);
    w.decision = flow == LINK_OUT ? edge_outer_from_link(w.outer, &a, &w.out)
                                  : edge_outer_from_phone(w.outer, &a, LINK_OUT, &w.out);
    return w.decision;
}

static struct edge_decision at_inner(uint64_t flow, struct str bytes)
{
    struct edge_arrival a = arrive(flow, bytes);
    w.decision = flow == ZONE ? edge_inner_from_zone(w.inner, &a, STR("CEOAuth-ucm1"), &w.out)
                              : edge_inner_from_link(w.inner, &a, ZONE, &w.out);
    return w.decision;
}

/* ---- the whole way ---- */

static struct str inward(struct str bytes)
{
    at_outer(PHONE, bytes);
    at_inner(LINK_IN, sent(LINK_OUT));
    return sent(ZONE);
}

static struct str outward(struct str bytes)
{
    at_inner(ZONE, bytes);
    at_outer(LINK_OUT, sent(LINK_IN));
    return sent(PHONE);
}

/* ---- texts ---- */

static bool has(struct str s, const char *part)
{
    return str_find(s, str_from(part)) != STR_NPOS;
}

/* Nothing of the inside may be read in what the phone gets. */
static void shows_nothing(struct str s)
{
    static const char *const names[] = {"ucm1", "10.1.1.", "exp-c", "inside"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (has(s, names[i])) fail_msg("%s in\n%.*s", names[i], STR_ARG(s));
}

/* All lines of that header, in order. */
static struct str lines(struct str s, const char *name)
{
    struct buf b;
    struct str copy, rest = s;
    char start[64];
    snprintf(start, sizeof start, "%s: ", name);
    buf_init(&b, 16384);
    while (rest.n > 0) {
        ptrdiff_t end = str_find(rest, STR("\r\n"));
        if (end <= 0) break;
        struct str line = str_sub(rest, 0, (size_t)end + 2);
        rest = str_sub(rest, (size_t)end + 2, rest.n);
        if (str_starts(line, str_from(start))) buf_put_str(&b, line);
    }
    assert_rc(RC_OK, arena_str_dup(&w.arena, buf_str(&b), &copy));
    buf_fini(&b);
    return copy;
}

/* The values of those lines, the first or the last first, as Route lines. */
static const char *as_routes(struct str record_routes, bool reversed)
{
    static char text[8192];
    struct str all[16], rest = record_routes, line;
    size_t count = 0, n = 0;
    while (rest.n > 0 && count < 16) {
        ptrdiff_t end = str_find(rest, STR("\r\n"));
        line = str_sub(rest, 0, (size_t)end);
        rest = str_sub(rest, (size_t)end + 2, rest.n);
        all[count++] = str_sub(line, (size_t)str_find_char(line, '<'), line.n);
    }
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "Route: %.*s\r\n",
                              STR_ARG(all[reversed ? count - 1 - i : i]));
    return text;
}

static char text[32768];

static struct str make(const char *method, const char *uri, const char *via, const char *to_tag,
                       const char *more)
{
    snprintf(text, sizeof text,
             "%s %s SIP/2.0\r\nVia: SIP/2.0/TLS %s;rport\r\nMax-Forwards: 70\r\n"
             "From: <sip:1010@example.com>;tag=f\r\nTo: <sip:1020@example.com>%s\r\nCall-ID: c1\r\n"
             "CSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n",
             method, uri, via, to_tag, method, more);
    return str_from(text);
}

static struct str from_phone(const char *method, const char *uri, const char *to_tag,
                             const char *more)
{
    return make(method, uri, "192.168.1.7:40000;branch=z9hG4bKp1", to_tag, more);
}

static struct str from_node(const char *method, const char *uri, const char *to_tag,
                            const char *more)
{
    return make(method, uri, "ucm1.inside.example.com:5091;branch=z9hG4bKn1", to_tag, more);
}

/* An answer with all Vias and Record-Routes of what was asked, front before them. */
static struct str answer(struct str asked, unsigned status, const char *front, const char *more)
{
    static char out[32768];
    snprintf(out, sizeof out,
             "SIP/2.0 %u X\r\n%.*s%s%.*s%.*s%.*s%.*s%.*s%sContent-Length: 0\r\n\r\n", status,
             STR_ARG(lines(asked, "Via")), front, STR_ARG(lines(asked, "Record-Route")),
             STR_ARG(lines(asked, "From")), STR_ARG(lines(asked, "To")),
             STR_ARG(lines(asked, "Call-ID")), STR_ARG(lines(asked, "CSeq")), more);
    return str_from(out);
}

static struct str uri_of(struct str header_line)
{
    ptrdiff_t from = str_find_char(header_line, '<'), to = str_find_char(header_line, '>');
    return str_sub(header_line, (size_t)from + 1, (size_t)to);
}

/* ---- tests ---- */

static void test_a_registration_in_and_its_answer_out(void **state)
{
    (void)state;
    struct str in = inward(from_phone("REGISTER", "sip:example.com", "",
                                      "Contact: <sip:u@192.168.1.7:40000;transport=tls>\r\n"));
    struct str paths = lines(in, "Path");
    assert_true(has(paths, "@exp-c.example.com:5061;transport=tls;lr>\r\nPath: <sip:"));
    assert_true(has(paths, "@exp-e.example.com:5061;transport=tls;lr;ob>\r\n"));
    assert_true(has(in, "\r\nVia: SIP/2.0/TLS exp-c.example.com:5061;branch=z9hG4bKe"));
    assert_true(has(in, ";edge-flow="));
    assert_true(has(in, "Contact: <sip:u@192.168.1.7:40000;transport=tls>\r\n"));
    char more[4096];
    snprintf(more, sizeof more,
             "%.*sContact: <sip:u@192.168.1.7:40000;transport=tls>;expires=120\r\n"
             "Service-Route: <sip:ucm1.inside.example.com;lr>\r\n",
             STR_ARG(paths));
    struct str out = outward(answer(in, 200, "", more));
    shows_nothing(out);
    assert_true(has(out, "Contact: <sip:u@192.168.1.7:40000;transport=tls>;expires=120\r\n"));
    assert_true(has(out, "Via: SIP/2.0/TLS 192.168.1.7:40000;branch=z9hG4bKp1;rport=51000;"
                         "received=203.0.113.9\r\n"));
    assert_false(has(out, "Path:"));
}

static void test_one_connection_has_one_name_inside_and_another_has_another(void **state)
{
    (void)state;
    struct str one = inward(from_phone("OPTIONS", "sip:a@example.com", "", ""));
    struct str again = inward(from_phone("OPTIONS", "sip:b@example.com", "", ""));
    at_outer(0x12, from_phone("OPTIONS", "sip:a@example.com", "", ""));
    at_inner(LINK_IN, sent(LINK_OUT));
    struct str other = sent(ZONE);
    struct str names[3], all[] = {one, again, other};
    for (size_t i = 0; i < 3; i++) {
        struct str via = lines(all[i], "Via");
        size_t at = (size_t)str_find(via, STR(";edge-flow=")) + 11;
        names[i] = str_sub(via, at, at + 32);
    }
    assert_true(str_eq(names[0], names[1]));
    assert_false(str_eq(names[0], names[2]));
}

#define NODE_ROUTES                                                                                \
    "Record-Route: <sip:10.1.1.2:5091;transport=tls;lr>\r\n"                                       \
    "Record-Route: <sip:ucm1.inside.example.com:5090;transport=tls;lr>\r\n"

static void test_a_call_from_outside_and_its_dialog_both_ways(void **state)
{
    (void)state;
    struct str invite = inward(
        from_phone("INVITE", "sip:1020@example.com", "", "Contact: <sip:u@192.168.1.7:40000>\r\n"));
    struct str ok = outward(answer(invite, 200, NODE_ROUTES,
                                   "Contact: \"Desk\" <sip:1020@10.1.1.50:50000>;+x=\"y\"\r\n"));
    shows_nothing(ok);
    assert_true(has(ok, "Contact: \"Desk\" <sip:"));
    assert_true(has(ok, "@edge.invalid>;+x=\"y\"\r\n"));
    /* The phone's BYE: its route set in reverse, the Contact as it was shown. */
    char uri[1024];
    snprintf(uri, sizeof uri, "%.*s", STR_ARG(uri_of(lines(ok, "Contact"))));
    struct str bye = from_phone("BYE", uri, ";tag=t", as_routes(lines(ok, "Record-Route"), true));
    at_outer(PHONE, bye);
    struct str between = sent(LINK_OUT), zone;
    struct edge_arrival a = arrive(LINK_IN, between);
    assert_rc(RC_OK, edge_inner_zone_of(w.inner, &a, &zone));
    assert_str("CEOAuth-ucm1", zone);
    at_inner(LINK_IN, between);
    struct str in = sent(ZONE);
    assert_true(str_starts(in, STR("BYE sip:1020@10.1.1.50:50000 SIP/2.0\r\n")));
    assert_str("Route: <sip:ucm1.inside.example.com:5090;transport=tls;lr>\r\n"
               "Route: <sip:10.1.1.2:5091;transport=tls;lr>\r\n",
               lines(in, "Route"));
    /* And from inside: by the tokens the call server has from the INVITE. */
    struct str back = outward(from_node("BYE", "sip:u@192.168.1.7:40000", ";tag=t",
                                        as_routes(lines(invite, "Record-Route"), false)));
    shows_nothing(back);
    assert_true(str_starts(back, STR("BYE sip:u@192.168.1.7:40000 SIP/2.0\r\n")));
    assert_false(has(back, "Route:"));
}

static void test_a_call_from_inside_and_its_dialog_both_ways(void **state)
{
    (void)state;
    struct str reg = inward(
        from_phone("REGISTER", "sip:example.com", "", "Contact: <sip:u@192.168.1.7:40000>\r\n"));
    char more[8192];
    snprintf(more, sizeof more,
             "%sVia: SIP/2.0/TLS 10.1.1.50:50000;branch=z9hG4bKdesk\r\n" NODE_ROUTES
             "Contact: <sip:1020@10.1.1.50:50000>\r\nServer: Bearline\r\n",
             as_routes(lines(reg, "Path"), false));
    struct str invite = outward(from_node("INVITE", "sip:u@192.168.1.7:40000", "", more));
    shows_nothing(invite);
    assert_true(has(invite, "Via: SIP/2.0/TLS edge.invalid;branch=z9hG4bKe"));
    /* The phone answers: Vias and Record-Routes are put back, the edges' own among them. */
    struct str ringing = answer(invite, 180, "", "Contact: <sip:u@192.168.1.7:40000>\r\n");
    struct str in = inward(ringing);
    assert_true(has(in, "Via: SIP/2.0/TLS ucm1.inside.example.com:5091;branch=z9hG4bKn1;rport,"
                        "SIP/2.0/TLS 10.1.1.50:50000;branch=z9hG4bKdesk\r\n"));
    struct str routes = lines(in, "Record-Route");
    assert_true(has(routes, "@exp-e.example.com:5061;transport=tls;lr>\r\nRecord-Route: <sip:"));
    assert_true(has(routes, "@exp-c.example.com:5061;transport=tls;lr>\r\n" NODE_ROUTES));
    /* Its BYE follows the Record-Routes as they stand. */
    char uri[1024];
    snprintf(uri, sizeof uri, "%.*s", STR_ARG(uri_of(lines(invite, "Contact"))));
    struct str bye = inward(
        from_phone("BYE", uri, ";tag=t", as_routes(lines(invite, "Record-Route"), false)));
    assert_true(str_starts(bye, STR("BYE sip:1020@10.1.1.50:50000 SIP/2.0\r\n")));
    assert_str("Route: <sip:10.1.1.2:5091;transport=tls;lr>\r\n"
               "Route: <sip:ucm1.inside.example.com:5090;transport=tls;lr>\r\n",
               lines(bye, "Route"));
}

static void test_a_call_that_goes_out_again_has_our_own_route_twice(void **state)
{
    (void)state;
    struct str in = inward(from_phone("INVITE", "sip:1020@example.com", "", ""));
    char more[8192];
    struct str other = inward(from_phone("INVITE", "sip:1020@example.com", "", ""));
    struct str edges = lines(answer(other, 200, "", ""), "Record-Route"); /* of the other phone */
    snprintf(more, sizeof more, "%.*s" NODE_ROUTES, STR_ARG(edges));
    struct str ok = outward(answer(in, 200, more, "Contact: <sip:1030@10.1.1.50>\r\n"));
    struct str routes = lines(ok, "Record-Route");
    assert_true(str_starts(routes, STR("Record-Route: <sip:")));
    ptrdiff_t second = str_find(str_sub(routes, 1, routes.n), STR("Record-Route: <sip:"));
    assert_true(second > 0); /* the hidden inside, and the outer edge's: no more */
    struct str rest = str_sub(routes, (size_t)second + 2, routes.n);
    assert_true(has(rest, "@exp-e.example.com:5061;transport=tls;lr>"));
    assert_false(has(rest, "Record-Route"));
    char uri[1024];
    snprintf(uri, sizeof uri, "%.*s", STR_ARG(uri_of(lines(ok, "Contact"))));
    struct str bye = inward(from_phone("BYE", uri, ";tag=t", as_routes(routes, true)));
    struct str way = lines(bye, "Route");
    assert_true(
        str_starts(way, STR("Route: <sip:ucm1.inside.example.com:5090;transport=tls;lr>\r\n"
                            "Route: <sip:10.1.1.2:5091;transport=tls;lr>\r\nRoute: <sip:")));
    assert_true(has(way, "@exp-c.example.com:5061;transport=tls;lr>"));
    assert_true(has(way, "@exp-e.example.com:5061;transport=tls;lr>"));
}

static void test_an_attended_transfer_names_the_inside_by_what_it_was_shown(void **state)
{
    (void)state;
    struct str invite = inward(from_phone("INVITE", "sip:1020@example.com", "", ""));
    struct str ok = outward(answer(invite, 200, "", "Contact: <sip:1020@10.1.1.50:50000>\r\n"));
    char more[2048];
    snprintf(more, sizeof more, "Refer-To: <%.*s?Replaces=c1%%3Bto-tag%%3Dt>\r\n",
             STR_ARG(uri_of(lines(ok, "Contact"))));
    struct str refer = inward(from_phone("REFER", "sip:1030@example.com", ";tag=t", more));
    assert_str("Refer-To: <sip:1020@10.1.1.50:50000?Replaces=c1%3Bto-tag%3Dt>\r\n",
               lines(refer, "Refer-To"));
}

static void test_what_was_not_made_here_leads_nowhere(void **state)
{
    (void)state;
    struct str ok = STR("");
    at_inner(LINK_IN, from_phone("BYE", "sip:AAAA@edge.invalid", ";tag=t", ""));
    assert_int_equal(404, w.decision.status);
    at_inner(LINK_IN, from_phone("BYE", "sip:a@example.com", ";tag=t",
                                 "Route: <sip:AAAA@edge.invalid;lr>\r\n"));
    assert_int_equal(403, w.decision.status);
    at_inner(LINK_IN,
             from_phone("INVITE", "sip:a@example.com", "", "Route: <sip:10.1.1.1;lr>\r\n"));
    assert_int_equal(403, w.decision.status);
    at_inner(ZONE, from_node("INVITE", "sip:u@192.168.1.7", "", ""));
    assert_int_equal(404, w.decision.status);
    /* Answers from another link or of nobody's asking. */
    struct str reg = inward(from_phone("REGISTER", "sip:example.com", "", ""));
    struct str asked = outward(
        from_node("OPTIONS", "sip:u@192.168.1.7", "", as_routes(lines(reg, "Path"), false)));
    at_outer(PHONE, answer(asked, 200, "", ""));
    ok = sent(LINK_OUT);
    at_inner(OTHER_LINK, ok);
    assert_int_equal(EDGE_DROP, w.decision.verdict);
    at_inner(LINK_IN, ok);
    assert_int_equal(EDGE_FORWARD, w.decision.verdict);
    at_inner(LINK_IN, answer(reg, 200, "", ""));
    assert_int_equal(EDGE_DROP, w.decision.verdict);
}

static void test_dialogs_and_registrations_outlive_a_start(void **state)
{
    (void)state;
    struct str reg = inward(from_phone("REGISTER", "sip:example.com", "", ""));
    struct str invite = inward(from_phone("INVITE", "sip:1020@example.com", "", ""));
    struct str ok = outward(answer(invite, 200, NODE_ROUTES, "Contact: <sip:1020@10.1.1.50>\r\n"));
    struct edge_inner_config ic = {
        .seal = w.seals[1], .host = STR("exp-c.example.com"), .port = 5061};
    edge_inner_free(w.inner);
    assert_rc(RC_OK, edge_inner_new(&ic, &w.inner));
    char uri[1024];
    snprintf(uri, sizeof uri, "%.*s", STR_ARG(uri_of(lines(ok, "Contact"))));
    struct str bye = inward(
        from_phone("BYE", uri, ";tag=t", as_routes(lines(ok, "Record-Route"), true)));
    assert_true(str_starts(bye, STR("BYE sip:1020@10.1.1.50 SIP/2.0\r\n")));
    at_inner(ZONE,
             from_node("INVITE", "sip:u@192.168.1.7", "", as_routes(lines(reg, "Path"), false)));
    assert_int_equal(EDGE_FORWARD, w.decision.verdict);
    assert_int_equal(LINK_IN, w.decision.to);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_a_registration_in_and_its_answer_out),
        T(test_one_connection_has_one_name_inside_and_another_has_another),
        T(test_a_call_from_outside_and_its_dialog_both_ways),
        T(test_a_call_from_inside_and_its_dialog_both_ways),
        T(test_a_call_that_goes_out_again_has_our_own_route_twice),
        T(test_an_attended_transfer_names_the_inside_by_what_it_was_shown),
        T(test_what_was_not_made_here_leads_nowhere),
        T(test_dialogs_and_registrations_outlive_a_start),
    };
    return cmocka_run_group_tests_name("edge/inner", tests, NULL, NULL);
}
