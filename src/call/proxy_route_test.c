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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
