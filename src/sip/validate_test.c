#include "kit/kit.h"

#include "sip/validate.h"
#include <stdio.h>

static struct sip_message m;

/* A good request but for one line: swapped for the one given, or added when its name is new. */
static void build(char *text, size_t cap, const char *line)
{
    static const char *const lines[] = {"REGISTER sip:h SIP/2.0",
                                        "Via: SIP/2.0/TLS a;branch=z9hG4bK1",
                                        "From: <sip:1010@h>;tag=1",
                                        "To: <sip:1010@h>",
                                        "Call-ID: c",
                                        "CSeq: 1 REGISTER",
                                        "Max-Forwards: 70",
                                        "Contact: <sip:1010@a>",
                                        "Expires: 3600",
                                        "Content-Length: 0"};
    size_t name_n = strcspn(line, ": "), n = 0;
    bool swapped = false;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        bool same = i > 0 && name_n > 0 && strncmp(lines[i], line, name_n + 1) == 0;
        if (i == 0 && line[name_n] == ' ' && strstr(line, " SIP/")) same = true;
        const char *put = same ? line : lines[i];
        if (same && line[name_n] == ':' && line[name_n + 1] == '\0')
            put = ""; /* "To:" takes it away */
        swapped = swapped || same;
        n += (size_t)snprintf(text + n, cap - n, "%s%s", put, *put ? "\r\n" : "");
    }
    (void)snprintf(text + n, cap - n, "%s%s\r\n", swapped ? "" : line,
                   swapped || !*line ? "" : "\r\n");
}

struct row {
    const char *line;
    enum sip_action action;
    unsigned status;
    const char *reason; /* what it must contain */
};

static const struct row rows[] = {
    {"", SIP_ACCEPT, 0, ""},
    {"REGISTER sip:h SIP/3.0", SIP_ANSWER, 505, "Version Not Supported: "},
    {"REGISTER sip:h?x=y SIP/2.0", SIP_ANSWER, 400, "Request-URI has headers"},
    {"REGISTER <sip:h> SIP/2.0", SIP_ANSWER, 400, "Request-URI malformed"},
    {"REGISTER  sip:h SIP/2.0", SIP_ANSWER, 400, "start line"},
    {"REGISTER urn:x SIP/2.0", SIP_ACCEPT, 0, ""},
    {"INVITE sip:h SIP/2.0", SIP_ANSWER, 400, "CSeq method differs from request line"},
    {"OTHER sip:h SIP/2.0", SIP_ANSWER, 501, "Not Implemented: CSeq method"},
    {"ACK sip:h SIP/2.0", SIP_DROP, 400, "CSeq"},
    {"Via:", SIP_DROP, 0, "Via missing"},
    {"Via: SIP/2.0/TLS", SIP_DROP, 0, "Via missing or malformed"},
    {"Via: SIP/2.0/TLS a;;", SIP_ANSWER, 400, "Via malformed"},
    {"Via: SIP/2.0/TLS a;branch=z9hG4bK", SIP_ANSWER, 400, "Via branch"},
    {"Via: SIP/2.0/TLS a", SIP_ACCEPT, 0, ""},
    {"From:", SIP_ANSWER, 400, "From missing"},
    {"From: <sip:1010@h>", SIP_ACCEPT, 0, ""},
    {"From: <sip:1010@h:x>;tag=1", SIP_ANSWER, 400, "From malformed"},
    {"f: <sip:1010@h>;tag=1", SIP_ANSWER, 400, "From stands more than once"},
    {"To: \"x <sip:1010@h>", SIP_ANSWER, 400, "To malformed"},
    {"To: <tel:1010>", SIP_ANSWER, 400, "To is no SIP address"},
    {"Call-ID:", SIP_ANSWER, 400, "Call-ID missing"},
    {"Call-ID: a b", SIP_ANSWER, 400, "Call-ID malformed"},
    {"i: d", SIP_ANSWER, 400, "Call-ID stands more than once"},
    {"CSeq: 4294967296 REGISTER", SIP_ANSWER, 400, "CSeq number out of range"},
    {"CSeq: x REGISTER", SIP_ANSWER, 400, "CSeq malformed"},
    {"Max-Forwards: many", SIP_ANSWER, 400, "Max-Forwards malformed"},
    {"Max-Forwards: 300", SIP_ACCEPT, 0, ""},
    {"Contact: *", SIP_ACCEPT, 0, ""},
    {"Contact: *, <sip:a>", SIP_ANSWER, 400, "Contact '*'"},
    {"Contact: <sip:a>,,", SIP_ANSWER, 400, "Contact malformed"},
    {"Contact: sip:a?x=y", SIP_ANSWER, 400, "Contact malformed"},
    {"Contact: <sip:a@b@c>", SIP_ANSWER, 400, "Contact URI malformed"},
    {"Route: <sip:a", SIP_ANSWER, 400, "Route malformed"},
    {"Record-Route: *", SIP_ANSWER, 400, "Record-Route"},
    {"Expires: soon", SIP_ANSWER, 400, "Expires malformed"},
    {"Expires: 99999999999", SIP_ACCEPT, 0, ""},
    {"Content-Length: 1", SIP_ANSWER, 400, "Content-Length beyond"},
    {"Content-Length: x", SIP_ANSWER, 400, "Content-Length malformed"},
    {"l: 1", SIP_ANSWER, 400, "Content-Length malformed"},
    {"Subject: a\r\nSubject: b", SIP_ACCEPT, 0, ""},
    {"no colon", SIP_ANSWER, 400, "header line"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[1024];
        struct sip_basics basics;
        struct sip_verdict v;
        build(text, sizeof(text), rows[i].line);
        struct str in = kit_guard(str_from(text));
        assert_rc(RC_OK, sip_message_parse(in, SIP_DATAGRAM, &m, NULL));
        sip_validate(&m, SIP_DATAGRAM, &basics, &v);
        if (v.action != rows[i].action || v.status != rows[i].status ||
            !strstr(v.reason, rows[i].reason))
            fail_msg("%s: %d %u %s", rows[i].line, v.action, v.status, v.reason);
        assert_false(v.must_close);
        kit_guard_free(in);
    }
}

static void test_stream_without_length_closes(void **state)
{
    (void)state;
    char text[1024];
    struct sip_basics basics;
    struct sip_verdict v;
    build(text, sizeof(text), "Content-Length:");
    assert_rc(RC_OK, sip_message_parse(str_from(text), SIP_STREAM, &m, NULL));
    sip_validate(&m, SIP_STREAM, &basics, &v);
    assert_int_equal(SIP_ANSWER, v.action);
    assert_true(v.must_close);
    assert_string_equal("Bad Request: Content-Length missing", v.reason);
}

static void test_too_many_headers(void **state)
{
    (void)state;
    char text[8192];
    struct sip_basics basics;
    struct sip_verdict v;
    build(text, sizeof(text), "");
    size_t n = strlen(text) - 2;
    for (int i = 0; i < SIP_HEADER_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "X-%d: y\r\n", i);
    (void)snprintf(text + n, sizeof(text) - n, "\r\n");
    assert_rc(RC_OK, sip_message_parse(str_from(text), SIP_DATAGRAM, &m, NULL));
    sip_validate(&m, SIP_DATAGRAM, &basics, &v);
    assert_int_equal(513, v.status);
}

static void test_responses_are_dropped_or_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum sip_action action;
    } cases[] = {
        {"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a>;tag=1\r\nTo: "
         "<sip:b>;tag=2\r\n"
         "Call-ID: c\r\nCSeq: 1 INVITE\r\n\r\n",
         SIP_ACCEPT},
        {"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a>;tag=1\r\nCall-ID: "
         "c\r\n"
         "CSeq: 1 INVITE\r\n\r\n",
         SIP_DROP},
        {"SIP/3.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a>;tag=1\r\nTo: "
         "<sip:b>;tag=2\r\n"
         "Call-ID: c\r\nCSeq: 1 INVITE\r\n\r\n",
         SIP_DROP},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sip_basics basics;
        struct sip_verdict v;
        assert_rc(RC_OK, sip_message_parse(str_from(cases[i].text), SIP_DATAGRAM, &m, NULL));
        sip_validate(&m, SIP_DATAGRAM, &basics, &v);
        assert_int_equal(cases[i].action, v.action);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_stream_without_length_closes),
        cmocka_unit_test(test_too_many_headers),
        cmocka_unit_test(test_responses_are_dropped_or_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
