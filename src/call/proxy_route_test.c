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

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_a_telephone_number_is_dialled),
        T(test_a_caller_named_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
