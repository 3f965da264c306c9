/* Where a request goes by what its URIs and Routes say. */
#include "kit/kit.h"

#include "call/fixture.h"

#include <stdio.h>

static struct fixture *x;

static int setup(void **state)
{
    (void)state;
    x = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free(x);
    return 0;
}

/* A request whose Request-URI, From and To are whole URIs. What was sent. */
static const char *ask(struct phone *p, const char *method, const char *uri, const char *from,
                       const char *to, const char *more)
{
    static char texts[16][FIXTURE_TEXT];
    static unsigned next;
    char *t = texts[next++ % 16];
    static const char *const names[] = {"UDP", "TCP", "TLS"};
    snprintf(t, FIXTURE_TEXT,
             "%s %s SIP/2.0\r\nVia: SIP/2.0/%s 10.10.10.10:%u;branch=z9hG4bKp%u\r\n"
             "From: <%s>;tag=f%u\r\nTo: <%s>\r\nCall-ID: ask-%u\r\nCSeq: %u %s\r\n%s"
             "Contact: <sip:%s@10.10.10.10:%u;transport=tls>\r\n%sContent-Length: 0\r\n\r\n",
             method, uri, names[p->flow->transport], p->port, x->branch + 1, from, x->branch + 2,
             to, x->branch + 3, p->cseq + 1, method,
             more && strstr(more, "Max-Forwards") ? "" : "Max-Forwards: 70\r\n", p->line, p->port,
             more ? more : "");
    x->branch += 3;
    p->cseq++;
    fixture_send(p, t);
    return t;
}

/* The status of the final answer; an INVITE's is acknowledged. */
static unsigned outcome(struct phone *p, const char *request)
{
    const char *end = fixture_expect(p, "SIP/2.0 ");
    if (strncmp(end, "SIP/2.0 100", 11) == 0) end = fixture_expect(p, "SIP/2.0 ");
    if (strncmp(request, "INVITE", 6) == 0) fixture_ack_refusal(p, request, end);
    return (unsigned)strtoul(end + 8, NULL, 10);
}

static unsigned message_outcome(struct phone *p, const char *uri, const char *more)
{
    return outcome(p, ask(p, "MESSAGE", uri, "sip:1020@10.10.10.1", uri, more));
}

/* A MESSAGE to uri arrives at b. What b received. */
static const char *arrives(struct phone *a, struct phone *b, const char *uri, const char *more)
{
    ask(a, "MESSAGE", uri, "sip:1020@10.10.10.1", uri, more);
    if (b->count == 0) fixture_quiet(a); /* shows what was answered instead */
    const char *got = fixture_expect(b, "MESSAGE ");
    fixture_answer(b, got, 200, "b", NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
    return got;
}

/* ---- numbers ---- */

static void test_a_telephone_number_is_dialled(void **state)
{
    (void)state;
    static const char *const uris[] = {
        "tel:1030",
        "tel:10-30;phone-context=10.10.10.1",
        "sip:10-30@10.10.10.1;user=phone",
        "sip:(10).30;phone-context=10.10.10.1@10.10.10.1;user=phone",
    };
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        const char *got = arrives(a, b, uris[i], NULL);
        assert_non_null(strstr(got, "MESSAGE sip:1030@10.10.10.10:"));
        assert_true(fixture_has(fixture_header(got, "To", 0), uris[i]));
    }
    assert_int_equal(404, message_outcome(a, "tel:1030;phone-context=elsewhere.example.com", NULL));
    assert_int_equal(404, message_outcome(a, "tel:1030;phone-context=+1914", NULL));
    assert_int_equal(404, message_outcome(a, "tel:+1030", NULL));
    assert_int_equal(404, message_outcome(a, "sip:1030@elsewhere.example.com", NULL));
    fixture_quiet(a);
    fixture_quiet(b);
}

/* From may be a telephone number too; it must be the line's own all the same. */
static void test_a_caller_named_by_number(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 0);
    const char *invite = ask(a, "INVITE", "tel:1030", "tel:10-20", "tel:1030", NULL);
    fixture_expect(a, "SIP/2.0 100");
    const char *got = fixture_expect(b, "INVITE ");
    assert_true(fixture_has(fixture_header(got, "P-Asserted-Identity", 0), "<sip:1020@"));
    fixture_answer(b, got, 486, "b", NULL, NULL);
    fixture_expect(b, "ACK ");
    assert_int_equal(486, outcome(a, invite));
    assert_int_equal(403, outcome(a, ask(a, "INVITE", "tel:1030", "tel:1031", "tel:1030", NULL)));
    fixture_quiet(b);
}

/* ---- one phone of a line ---- */

/* Registers saying that it knows GRUUs. The value of a Contact parameter in the answer's Contact of
 * this phone, without quotes. */
static const char *gruu(struct phone *p, const char *call_id, const char *param)
{
    static char text[FIXTURE_TEXT], values[4][512];
    static unsigned next;
    char token[BED_TOKEN_MAX], port[16], *value = values[next++ % 4];
    bed_token(p->x->b, token, p->owner, "g", 3600);
    snprintf(
        text, sizeof text,
        "REGISTER sip:10.10.10.1 SIP/2.0\r\nVia: SIP/2.0/TLS 10.10.10.10:%u;branch=z9hG4bKg%u\r\n"
        "From: <sip:%s@10.10.10.1>;tag=r\r\nTo: <sip:%s@10.10.10.1>\r\nCall-ID: %s\r\n"
        "Max-Forwards: 70\r\nCSeq: %u REGISTER\r\nAuthorization: Bearer %s\r\n"
        "Supported: gruu\r\nRequire: gruu\r\n"
        "Contact: <sip:%s@10.10.10.10:%u;transport=tls>;+sip.instance=\"<urn:uuid:%s>\""
        ";pub-gruu=\"sip:mine@evil.example.com;gr=1\"\r\nContent-Length: 0\r\n\r\n",
        p->port, ++x->branch, p->line, p->line, call_id, ++p->cseq, token, p->line, p->port,
        p->device);
    fixture_send(p, text);
    const char *answer = fixture_expect(p, "SIP/2.0 200");
    assert_false(fixture_has(answer, "evil"));
    snprintf(port, sizeof port, ":%u;", p->port);
    for (unsigned i = 0; i < 4; i++) {
        const char *contact = fixture_header(answer, "Contact", i), *at = strstr(contact, param);
        if (!strstr(contact, port) || !at) continue;
        at += strlen(param) + 2;
        snprintf(value, sizeof values[0], "%.*s", (int)strcspn(at, "\""), at);
        return value;
    }
    fail_msg("no %s in\n%s", param, answer);
    return NULL;
}

static void test_a_gruu_rings_one_phone_of_the_line(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    struct phone *c = fixture_phone(x, "PHC", "bob", "1030", 2);
    const char *open = gruu(b, "c1", "pub-gruu"), *hidden = gruu(b, "c1", "temp-gruu");
    assert_string_equal("sip:1030@10.10.10.1;gr=urn:uuid:PHB", open);
    assert_true(fixture_has(arrives(a, b, open, NULL), "MESSAGE sip:1030@10.10.10.10:"));
    assert_true(fixture_has(arrives(a, b, hidden, NULL), "MESSAGE sip:1030@10.10.10.10:"));
    arrives(a, c, "sip:1030@10.10.10.1;gr=urn:uuid:phc", NULL);
    assert_int_equal(404, message_outcome(a, "sip:1030@10.10.10.1;gr=urn:uuid:PHX", NULL));
    assert_int_equal(404, message_outcome(a, "sip:9999@10.10.10.1;gr=urn:uuid:PHB", NULL));
    assert_int_equal(404, message_outcome(a, "sip:tgruu.AAAA@10.10.10.1;gr", NULL));

    const char *anew = gruu(b, "c2", "temp-gruu");
    assert_int_equal(404, message_outcome(a, hidden, NULL)); /* RFC 5627, 5.1 */
    arrives(a, b, anew, NULL);
    fixture_cut(b);
    assert_int_equal(480, message_outcome(a, open, NULL)); /* away, but still its own */
    assert_int_equal(404, message_outcome(a, anew, NULL));
    fixture_quiet(a);
    fixture_quiet(c);
}

static void test_a_gruu_as_contact_of_a_dialog(void **state)
{
    (void)state;
    char more[600];
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    const char *hidden = gruu(b, "c1", "temp-gruu");
    const char *invite = ask(a, "INVITE", hidden, "sip:1020@10.10.10.1", hidden, NULL);
    fixture_expect(a, "SIP/2.0 100");
    const char *got = fixture_expect(b, "INVITE sip:1030@10.10.10.10:");
    fixture_answer(b, got, 200, "b", NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
    const char *route = fixture_header(got, "Record-Route", 0);
    snprintf(more, sizeof more, "Route: %s\r\n", route);
    static const char *const methods[] = {"ACK", "BYE"};
    for (size_t i = 0; i < 2; i++) {
        char text[FIXTURE_TEXT];
        snprintf(text, sizeof text,
                 "%s %s SIP/2.0\r\nVia: SIP/2.0/TLS 10.10.10.10:%u;branch=z9hG4bKd%zu\r\n%s"
                 "From: %s\r\nTo: %s;tag=b\r\nCall-ID: %s\r\nCSeq: %s %s\r\n"
                 "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
                 methods[i], hidden, a->port, i, more, fixture_header(invite, "From", 0),
                 fixture_header(invite, "To", 0), fixture_header(invite, "Call-ID", 0),
                 i == 0 ? "2" : "90", methods[i]);
        fixture_send(a, text);
        snprintf(text, sizeof text, "%s sip:1030@10.10.10.10:", methods[i]);
        got = fixture_expect(b, text);
    }
    fixture_answer(b, got, 200, NULL, NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
}

static void test_a_registered_contact_is_its_first_owners(void **state)
{
    (void)state;
    char uri[80];
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    struct phone *c = fixture_phone(x, "PHC", "bob", "1030", 2);
    snprintf(uri, sizeof uri, "sip:1030@10.10.10.10:%u;transport=TLS", b->port);
    arrives(a, b, uri, NULL);
    assert_int_equal(404, message_outcome(a, "sip:1030@10.10.10.10:9;transport=tls", NULL));
    /* Somebody else says that he is there too. */
    fixture_pass(x, 1000);
    uint16_t own = c->port;
    c->port = b->port;
    assert_int_equal(200, fixture_register(c));
    c->port = own;
    arrives(a, b, uri, NULL);
    fixture_quiet(c);
}

static void test_a_contact_that_leads_back_here_is_refused(void **state)
{
    (void)state;
    struct bed *b = x->b;
    char token[BED_TOKEN_MAX], more[BED_TOKEN_MAX + 80];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 31000);
    bed_token(b, token, "rado", "g1", 3600);
    snprintf(more, sizeof more, "Proxy-Authorization: Bearer token=\"%s\"\r\n", token);
    static const char *const contacts[] = {
        "<sip:1010@10.10.10.1>;+sip.instance=\"<urn:uuid:1>\"",
        "<sip:1010@10.10.10.1;gr=urn:uuid:1>;+sip.instance=\"<urn:uuid:1>\"",
        "<tel:+1>;+sip.instance=\"<urn:uuid:1>\"",
    };
    for (size_t i = 0; i < sizeof contacts / sizeof *contacts; i++)
        assert_int_equal(403, bed_register(b, f, "1010", contacts[i], more, NULL));
    assert_int_equal(0, bed_count(b));
}

/* An IPv6 address keeps its brackets wherever it is printed. */
static void test_an_ipv6_name_of_ours(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    ask(a, "MESSAGE", "sip:1030@10.10.10.1", "sip:1020@10.10.10.1", "sip:1030@[2001:db8::1]", NULL);
    const char *got = fixture_expect(b, "MESSAGE ");
    assert_string_equal("<sip:1020@[2001:db8::1]>", fixture_header(got, "P-Asserted-Identity", 0));
}

static void test_cisco_phones_hear_nothing_new(void **state)
{
    (void)state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(x->b, SIPTX_TLS, CALL_OAUTH, 31000);
    bed_token(x->b, token, "rado", "g1", 3600);
    assert_int_equal(200, bed_cisco(x->b, f, "CSFrado", token, "Supported: gruu, path\r\n"));
    assert_false(bed_answer_has(x->b, "gruu"));
    assert_false(bed_answer_has(x->b, "Service-Route"));
}

/* ---- routes ---- */

static const char *service_route(struct phone *p)
{
    static char text[FIXTURE_TEXT], value[200];
    char token[BED_TOKEN_MAX];
    bed_token(p->x->b, token, p->owner, "g", 3600);
    snprintf(
        text, sizeof text,
        "REGISTER sip:10.10.10.1 SIP/2.0\r\nVia: SIP/2.0/TLS 10.10.10.10:%u;branch=z9hG4bKs%u\r\n"
        "From: <sip:%s@10.10.10.1>;tag=r\r\nTo: <sip:%s@10.10.10.1>\r\nCall-ID: s\r\n"
        "Max-Forwards: 70\r\nCSeq: %u REGISTER\r\nAuthorization: Bearer %s\r\n"
        "Content-Length: 0\r\n\r\n",
        p->port, ++x->branch, p->line, p->line, ++p->cseq, token);
    fixture_send(p, text);
    snprintf(value, sizeof value, "%s",
             fixture_header(fixture_expect(p, "SIP/2.0 200"), "Service-Route", 0));
    return value;
}

static void test_a_preloaded_route_of_ours_is_taken_off(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    const char *service = service_route(a);
    assert_string_equal("<sip:10.10.10.1:5090;transport=tls;lr>", service);
    char more[300];
    const char *const routes[] = {
        service,
        "<sip:10.10.10.1;lr>",
        "<sip:10.10.10.1>", /* as from one who knows no loose routing */
        "<sip:somebody@10.10.10.1;lr>",
        "<sip:10.10.10.1;maddr=10.10.10.1;lr>",
        "<sip:10.10.10.1;lr>, <sip:10.10.10.1:5090;lr>, <sips:10.10.10.1;lr>",
    };
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        snprintf(more, sizeof more, "Route: %s\r\n", routes[i]);
        const char *got = arrives(a, b, "sip:1030@10.10.10.1", more);
        assert_string_equal("", fixture_header(got, "Route", 0));
    }
    static const char *const refused[] = {
        "<sip:elsewhere.example.org;lr>",
        "<sip:10.10.10.1;lr>, <sip:elsewhere.example.org;lr>",
        "<sip:10.10.10.1;maddr=192.0.2.1;lr>",
        "<tel:+1>",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        snprintf(more, sizeof more, "Route: %s\r\n", refused[i]);
        assert_int_equal(403, message_outcome(a, "sip:1030@10.10.10.1", more));
    }
    fixture_quiet(b);
}

static void test_a_maddr_must_be_ours_too(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    arrives(a, b, "sip:1030@10.10.10.1;maddr=10.10.10.1", NULL);
    assert_int_equal(404, message_outcome(a, "sip:1030@10.10.10.1;maddr=192.0.2.1", NULL));
    assert_int_equal(404, message_outcome(a, "sip:1030@192.0.2.1;maddr=10.10.10.1", NULL));
    fixture_quiet(b);
}

/* An established call; the Record-Route that b has seen, without brackets. */
struct call {
    const char *invite, *got, *answer;
    char route[300];
};

static struct call call(struct phone *a, struct phone *b)
{
    struct call c = {.invite = fixture_invite(a, b->line, NULL, NULL)};
    fixture_expect(a, "SIP/2.0 100");
    c.got = fixture_expect(b, "INVITE ");
    fixture_answer(b, c.got, 200, "b", NULL, NULL);
    c.answer = fixture_expect(a, "SIP/2.0 200");
    fixture_in_dialog(a, "ACK", c.invite, c.answer, false, NULL, NULL);
    fixture_expect(b, "ACK ");
    const char *value = fixture_header(c.got, "Record-Route", 0);
    snprintf(c.route, sizeof c.route, "%.*s", (int)strlen(value) - 2, value + 1);
    return c;
}

/* A BYE of a with a Request-URI and Routes of its own making. */
static void bye(struct phone *a, const struct call *c, const char *uri, const char *routes)
{
    char text[FIXTURE_TEXT];
    snprintf(text, sizeof text,
             "BYE %s SIP/2.0\r\nVia: SIP/2.0/TLS 10.10.10.10:%u;branch=z9hG4bKb%u\r\n%s"
             "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u BYE\r\nMax-Forwards: 70\r\n"
             "Content-Length: 0\r\n\r\n",
             uri, a->port, ++x->branch, routes, fixture_header(c->invite, "From", 0),
             fixture_header(c->answer, "To", 0), fixture_header(c->answer, "Call-ID", 0),
             ++a->cseq + 500);
    fixture_send(a, text);
}

/* RFC 3261, 16.4: a strict router before us has put our Record-Route into the Request-URI and the
 * Contact behind the Routes. */
static void test_a_strict_router_before_us(void **state)
{
    (void)state;
    char routes[600], target[80];
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    struct call c = call(a, b);
    snprintf(target, sizeof target, "sip:1030@10.10.10.10:%u;transport=tls", b->port);
    snprintf(routes, sizeof routes, "Route: <%s>\r\n", target);
    bye(a, &c, c.route, routes);
    snprintf(routes, sizeof routes, "BYE %s SIP/2.0", target);
    const char *got = fixture_expect(b, routes);
    assert_string_equal("", fixture_header(got, "Route", 0));
    fixture_answer(b, got, 200, NULL, NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
    /* Without anything behind it there is nowhere to go on. */
    bye(a, &c, c.route, "");
    fixture_expect(a, "SIP/2.0 4");
    fixture_quiet(b);
}

/* RFC 3261, 16.6 step 6 and 16.12.1.2: the next hop is a strict router. */
static void test_a_strict_router_behind_us(void **state)
{
    (void)state;
    char routes[900], target[80];
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    struct call c = call(a, b);
    snprintf(target, sizeof target, "sip:1030@10.10.10.10:%u;transport=tls", b->port);
    snprintf(routes, sizeof routes,
             "Route: <%s>, <sip:strict.example.com>\r\nRoute: <sip:loose.example.com;lr>\r\n",
             c.route);
    bye(a, &c, target, routes);
    const char *got = fixture_expect(b, "BYE sip:strict.example.com SIP/2.0");
    assert_string_equal("<sip:loose.example.com;lr>", fixture_header(got, "Route", 0));
    snprintf(routes, sizeof routes, "<%s>", target);
    assert_string_equal(routes, fixture_header(got, "Route", 1));
    assert_string_equal("", fixture_header(got, "Route", 2));
}

/* Two Record-Routes of ours, or as many as somebody likes to repeat: none goes on. */
static void test_all_our_routes_are_taken_off(void **state)
{
    (void)state;
    char routes[1500], target[80];
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    struct call c = call(a, b);
    snprintf(target, sizeof target, "sip:1030@10.10.10.10:%u;transport=tls", b->port);
    snprintf(
        routes, sizeof routes,
        "Route: <%s>\r\nRoute: <sip:10.10.10.1;lr>, <%s>\r\nRoute: <sip:far.example.com;lr>\r\n",
        c.route, c.route);
    bye(a, &c, target, routes);
    snprintf(routes, sizeof routes, "BYE %s SIP/2.0", target);
    const char *got = fixture_expect(b, routes);
    assert_string_equal("<sip:far.example.com;lr>", fixture_header(got, "Route", 0));
    assert_string_equal("", fixture_header(got, "Route", 1));
    /* A token somebody has changed is none. */
    c.route[10] = c.route[10] == 'A' ? 'B' : 'A';
    snprintf(routes, sizeof routes, "Route: <%s>\r\n", c.route);
    bye(a, &c, target, routes);
    fixture_expect(a, "SIP/2.0 481");
    fixture_quiet(b);
}

/* RFC 5393, 4.2.2: what comes back changed is no loop. */
static void test_a_spiral_is_no_loop(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    struct phone *c = fixture_phone(x, "PHC", "bob", "1040", 2);
    ask(a, "MESSAGE", "sip:1030@10.10.10.1", "sip:1020@10.10.10.1", "sip:1030@10.10.10.1", NULL);
    const char *got = fixture_expect(b, "MESSAGE ");
    static const char *const uris[] = {"sip:1040@10.10.10.1", "sip:1030@10.10.10.1"};
    for (size_t i = 0; i < 2; i++) {
        char text[FIXTURE_TEXT];
        snprintf(text, sizeof text,
                 "MESSAGE %s SIP/2.0\r\nVia: SIP/2.0/TLS 10.10.10.10:1;branch=z9hG4bKsp%zu\r\n"
                 "Via: %s\r\nVia: %s\r\nFrom: <sip:1030@10.10.10.1>;tag=%s\r\nTo: %s\r\n"
                 "Call-ID: %s\r\nCSeq: %s\r\nMax-Forwards: 60\r\nContent-Length: 0\r\n\r\n",
                 uris[i], i, fixture_header(got, "Via", 0), fixture_header(got, "Via", 1),
                 strstr(fixture_header(got, "From", 0), ";tag=") + 5, fixture_header(got, "To", 0),
                 fixture_header(got, "Call-ID", 0), fixture_header(got, "CSeq", 0));
        fixture_send(b, text);
        if (i == 0) fixture_answer(c, fixture_expect(c, "MESSAGE "), 200, "c", NULL, NULL);
        fixture_expect(b, i == 0 ? "SIP/2.0 200" : "SIP/2.0 482");
    }
    fixture_quiet(c);
}

/* ---- flows of one phone ---- */

/* RFC 5626, 5.3: 430 tells that a flow is gone; the next one is tried, and the caller hears of
 * neither. */
static void test_a_failed_flow_leads_to_the_next(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *one = fixture_add(x, "PHB", "ann", "1030", 1, ";reg-id=1");
    fixture_pass(x, 10);
    struct phone *two = fixture_add(x, "PHB", "ann", "1030", 2, ";reg-id=2");
    for (size_t both = 0; both < 2; both++) {
        const char *invite = fixture_invite(a, "1030", NULL, NULL);
        fixture_expect(a, "SIP/2.0 100");
        fixture_answer(two, fixture_expect(two, "INVITE "), 430, "e", NULL, NULL);
        fixture_expect(two, "ACK ");
        fixture_answer(one, fixture_expect(one, "INVITE "), both ? 430 : 486, "e", NULL, NULL);
        fixture_expect(one, "ACK ");
        assert_int_equal(both ? 480 : 486, outcome(a, invite));
    }
    /* Another refusal is the phone's own word: no other flow is asked. */
    const char *invite = fixture_invite(a, "1030", NULL, NULL);
    fixture_expect(a, "SIP/2.0 100");
    fixture_answer(two, fixture_expect(two, "INVITE "), 486, "e", NULL, NULL);
    fixture_expect(two, "ACK ");
    assert_int_equal(486, outcome(a, invite));
    fixture_quiet(one);
}

/* Each flow has its own Path; the next one is tried with its own (RFC 3327, 5.3). */
static void test_each_flow_has_its_path(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *one = fixture_add(x, "PHB", "ann", "1030", 1, ";reg-id=1");
    one->path = "<sip:one@10.1.1.1;lr;ob>";
    assert_int_equal(200, fixture_register(one));
    fixture_pass(x, 10);
    struct phone *two = fixture_add(x, "PHB", "ann", "1030", 2, ";reg-id=2");
    two->path = "<sip:two@10.1.1.2;lr;ob>";
    assert_int_equal(200, fixture_register(two));
    fixture_invite(a, "1030", NULL, NULL);
    fixture_expect(a, "SIP/2.0 100");
    const char *got = fixture_expect(two, "INVITE ");
    assert_string_equal(two->path, fixture_header(got, "Route", 0));
    size_t bindings = bed_count(x->b);
    fixture_answer(two, got, 430, "e", NULL, NULL);
    fixture_expect(two, "ACK ");
    /* Its edge has said that the connection is gone: so is the binding. */
    assert_int_equal(bindings - 1, bed_count(x->b));
    got = fixture_expect(one, "INVITE ");
    assert_string_equal(one->path, fixture_header(got, "Route", 0));
    assert_string_equal("", fixture_header(got, "Route", 1));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_a_telephone_number_is_dialled),
        T(test_a_caller_named_by_number),
        T(test_a_gruu_rings_one_phone_of_the_line),
        T(test_a_gruu_as_contact_of_a_dialog),
        T(test_a_registered_contact_is_its_first_owners),
        T(test_a_contact_that_leads_back_here_is_refused),
        T(test_a_preloaded_route_of_ours_is_taken_off),
        T(test_a_maddr_must_be_ours_too),
        T(test_a_strict_router_before_us),
        T(test_a_strict_router_behind_us),
        T(test_all_our_routes_are_taken_off),
        T(test_cisco_phones_hear_nothing_new),
        T(test_an_ipv6_name_of_ours),
        T(test_a_spiral_is_no_loop),
        T(test_a_failed_flow_leads_to_the_next),
        T(test_each_flow_has_its_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
